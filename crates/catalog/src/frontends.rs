use ruleatlas_core::{Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::Language;

/// Every front end there is. A new language is one line here.
static FRONTENDS: &[&dyn Frontend] = &[
    &Limited(ruleatlas_sigma::Sigma),
    &Limited(ruleatlas_eql::Eql),
    &Limited(ruleatlas_kuery::Kuery),
    &Limited(ruleatlas_kuery::Lucene),
    &Limited(ruleatlas_esql::Esql::new().with_kuery(&ruleatlas_kuery::Kuery).with_lucene(&ruleatlas_kuery::Lucene)),
    &Limited(ruleatlas_spl::Spl),
    &Limited(ruleatlas_kusto::Kusto),
    &Limited(ruleatlas_panther::Python),
    &Limited(ruleatlas_panther::PantherYaml),
];

/// A front end whose conditions are within the limits that everything behind it relies on.
struct Limited<F>(F);

impl<F: Frontend> Frontend for Limited<F> {
    fn language(&self) -> Language {
        self.0.language()
    }

    fn parse(&self, query: &Query<'_>, context: &dyn Context) -> Parsed {
        self.0.parse(query, context).limited(query.text)
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        self.0.tokens(text)
    }
}

/// Every front end there is.
#[must_use]
pub fn frontends() -> &'static [&'static dyn Frontend] {
    FRONTENDS
}

/// The front end of a language; `None` for a language that no front end reads yet.
#[must_use]
pub fn frontend(language: Language) -> Option<&'static dyn Frontend> {
    FRONTENDS.iter().copied().find(|frontend| frontend.language() == language)
}

/// Whether a text that nobody marked as a query is one. Only Kusto's rules stand on pages without a mark.
#[must_use]
pub fn is_query(language: Language, text: &str) -> bool {
    language == Language::Kusto && ruleatlas_kusto::parser::parse(text).is_query()
}
