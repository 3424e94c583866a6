use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::Language;

use crate::{lower, parser, tokens};

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
        lower::lower(&script, query.text, budget)
    }

    fn is_query(&self, text: &str) -> bool {
        parser::parse(text).is_query()
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        tokens(text)
    }
}
