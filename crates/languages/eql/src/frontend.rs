use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::{Diagnostic, Language};

use crate::{lower, parse, tokens};

/// The front end of EQL.
#[derive(Clone, Copy, Debug, Default)]
pub struct Eql;

impl Frontend for Eql {
    fn language(&self) -> Language {
        Language::Eql
    }

    fn read(&self, query: &Query<'_>, _context: &dyn Context, budget: &mut Budget) -> Parsed {
        let parsed = parse(query.text);
        let diagnostics = parsed.errors.into_iter().map(Diagnostic::from).collect();
        let Some(tree) = parsed.tree else { return Parsed { conditions: Vec::new(), diagnostics } };
        let (conditions, diagnostics) = lower::lower(&tree, query.text, query.sources, diagnostics, budget);
        Parsed { conditions, diagnostics }
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        tokens(text)
    }
}
