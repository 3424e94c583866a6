use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::{Diagnostic, Language};

use crate::{
    lower,
    macros::{Macros, substitute},
    parser, tokens,
};

/// The front end for SPL.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spl;

impl Frontend for Spl {
    fn language(&self) -> Language {
        Language::Spl
    }

    fn read(&self, query: &Query<'_>, context: &dyn Context, budget: &mut Budget) -> Parsed {
        let mut errors = Vec::new();
        let (pipeline, work) = parser::read(query.text, &ContextMacros(context), &mut errors);
        budget.work(work);
        let diagnostics = errors.into_iter().map(Diagnostic::from).collect();
        let mut parsed = lower::lower(&pipeline, query.text, context, diagnostics, budget);
        for condition in &mut parsed.conditions {
            condition.sources.extend_from_slice(query.sources);
        }
        parsed
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        tokens(text)
    }
}

/// The macros that the source of a rule has, and those that come with Splunk.
pub(crate) struct ContextMacros<'c>(pub &'c dyn Context);

impl Macros for ContextMacros<'_> {
    fn expand(&self, name: &str, arguments: &[String], limit: usize) -> Option<String> {
        if let Some(found) = self.0.macro_definition(name, arguments.len()) {
            let definition = found.definition.trim();
            // A stub that passes everything on.
            if matches!(definition, "search *" | "*") {
                return Some(String::new());
            }
            return Some(substitute(definition, found.parameters, arguments, limit));
        }
        match (name, arguments) {
            // Comes with Splunk.
            ("comment", [_]) => Some(String::new()),
            // Comes with Splunk's Common Information Model add-on.
            ("drop_dm_object_name", [object]) => Some(format!("rename \"{object}.*\" as *")),
            // By convention: a stub until its user fills it.
            (name, []) if name.ends_with("_filter") => Some(String::new()),
            _ => None,
        }
    }
}
