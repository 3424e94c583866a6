use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::Language;

use ruleatlas_syntax::ErrorKind as _;

use crate::{ErrorKind, lower, parser, tokens};

/// The front end.
///
/// The main pipeline is the first step; each leg of a join or union, each sub-query and each tabular `let` that is used
/// as one of these is a step behind it. A `let` at the start of a pipeline is part of that pipeline.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kusto;

impl Frontend for Kusto {
    fn language(&self) -> Language {
        Language::Kusto
    }

    fn read(&self, query: &Query<'_>, _context: &dyn Context, budget: &mut Budget) -> Parsed {
        let script = parser::parse(query.text);
        let mut parsed = lower::lower(&script, query.text, budget);
        for diagnostic in &mut parsed.diagnostics {
            if let Some(kind) = ErrorKind::all().iter().find(|kind| kind.title() == diagnostic.code) {
                diagnostic.code = kind.info().label.into();
            }
        }
        parsed
    }

    fn is_query(&self, text: &str) -> bool {
        parser::parse(text).is_query()
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        tokens(text)
    }
}
