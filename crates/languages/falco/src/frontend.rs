use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::{Condition, Diagnostic, Language};

use crate::{lower, parser, tokens};

/// The front end of Falco's conditions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Falco;

impl Frontend for Falco {
    fn language(&self) -> Language {
        Language::Falco
    }

    fn read(&self, query: &Query<'_>, context: &dyn Context, budget: &mut Budget) -> Parsed {
        let (tree, lexer) = parser::parse(query.text);
        let (root, mut diagnostics) = lower::lower(&tree, query.text, context, budget);
        diagnostics.splice(0..0, lexer.errors.into_iter().map(Diagnostic::from));
        diagnostics.extend(budget.report());
        let condition = Condition { sources: query.sources.to_vec(), ..Condition::new(root) };
        Parsed { conditions: vec![condition], diagnostics }
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        tokens(text)
    }
}
