use ruleatlas_core::Frontend;
use ruleatlas_model::Language;

/// Every front end there is. A new language is one line here.
static FRONTENDS: &[&dyn Frontend] = &[
    &ruleatlas_sigma::Sigma,
    &ruleatlas_eql::Eql,
    &ruleatlas_kuery::Kuery,
    &ruleatlas_kuery::Lucene,
    &ruleatlas_esql::Esql::new().with_kuery(&ruleatlas_kuery::Kuery).with_lucene(&ruleatlas_kuery::Lucene),
    &ruleatlas_spl::Spl,
    &ruleatlas_kusto::Kusto,
    &ruleatlas_panther::Python,
    &ruleatlas_panther::PantherYaml,
];

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
