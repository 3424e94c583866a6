use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::Language;

use crate::{correlation, rule, tokens};

/// The Sigma front end.
///
/// Where the query has a tree, it is the whole document's, and spans are relative to the offset beside it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sigma;

impl Frontend for Sigma {
    fn language(&self) -> Language {
        Language::Sigma
    }

    fn read(&self, query: &Query<'_>, context: &dyn Context, budget: &mut Budget) -> Parsed {
        rule::parse(query, context, &mut correlation::Chain::new(budget))
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        tokens(text)
    }
}
