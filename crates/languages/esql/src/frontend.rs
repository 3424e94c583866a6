use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::{Diagnostic, Language};

use crate::{lower, parse, tokens};

/// ES|QL, Elasticsearch's piped language, as detection rules of language `esql` and hunting queries take it.
#[derive(Clone, Copy, Default)]
pub struct Esql<'a> {
    pub(crate) kuery: Option<&'a dyn Frontend>,
    pub(crate) lucene: Option<&'a dyn Frontend>,
}

impl<'a> Esql<'a> {
    /// The language without any other inside it: `kql` and `qstr` are opaque.
    #[must_use]
    pub const fn new() -> Self {
        Self { kuery: None, lucene: None }
    }

    /// Reads the text in `kql("…")` with `language`.
    #[must_use]
    pub const fn with_kuery(self, language: &'a dyn Frontend) -> Self {
        Self { kuery: Some(language), ..self }
    }

    /// Reads the text in `qstr("…")` with `language`.
    #[must_use]
    pub const fn with_lucene(self, language: &'a dyn Frontend) -> Self {
        Self { lucene: Some(language), ..self }
    }
}

impl Frontend for Esql<'_> {
    fn language(&self) -> Language {
        Language::Esql
    }

    fn read(&self, query: &Query<'_>, _context: &dyn Context, budget: &mut Budget) -> Parsed {
        let parsed = parse(query.text);
        let mut diagnostics: Vec<Diagnostic> = parsed.errors.into_iter().map(Diagnostic::from).collect();
        let (mut conditions, more) = lower::lower(&parsed.tree.stages, query.text, self, budget);
        for condition in &mut conditions {
            condition.sources.extend_from_slice(query.sources);
        }
        diagnostics.extend(more);
        Parsed { conditions, diagnostics }
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        tokens(text)
    }
}
