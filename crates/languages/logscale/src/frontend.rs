use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::{Diagnostic, Language};

use crate::{lower, parse, tokens};

/// The query language of CrowdStrike's LogScale.
#[derive(Clone, Copy, Debug, Default)]
pub struct Logscale;

impl Frontend for Logscale {
    fn language(&self) -> Language {
        Language::Logscale
    }

    fn read(&self, query: &Query<'_>, _context: &dyn Context, budget: &mut Budget) -> Parsed {
        let syntax = parse(query.text);
        let mut parsed = lower::lower(&syntax.tree, query.text, budget);
        let mut diagnostics: Vec<Diagnostic> = syntax.errors.into_iter().map(Diagnostic::from).collect();
        for condition in &mut parsed.conditions {
            condition.sources.extend_from_slice(query.sources);
        }
        diagnostics.append(&mut parsed.diagnostics);
        Parsed { conditions: parsed.conditions, diagnostics }
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        tokens(text)
    }
}
