use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::{Diagnostic, Language};

use crate::{lower, parse, tokens};

/// Sublime's Message Query Language.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mql;

impl Frontend for Mql {
    fn language(&self) -> Language {
        Language::Mql
    }

    fn read(&self, query: &Query<'_>, _context: &dyn Context, budget: &mut Budget) -> Parsed {
        let syntax = parse(query.text);
        let parsed = lower::lower(&syntax.tree, query.text, query.sources, budget);
        let mut diagnostics: Vec<Diagnostic> = syntax.errors.into_iter().map(Diagnostic::from).collect();
        diagnostics.extend(parsed.diagnostics);
        Parsed { conditions: parsed.conditions, diagnostics }
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        tokens(text)
    }
}
