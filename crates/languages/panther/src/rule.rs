//! The front end of Python modules.

use ruleatlas_core::{Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::{Condition, Diagnostic, Language, Span};

use crate::{follow::Follow, module, nodes, python};

/// The front end of rules whose query is a Python module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Python;

impl Frontend for Python {
    fn language(&self) -> Language {
        Language::Python
    }

    fn parse(&self, query: &Query<'_>, context: &dyn Context) -> Parsed {
        let root = module::kept(query.text);
        let mut diagnostics: Vec<Diagnostic> =
            root.faults.iter().map(|fault| Diagnostic::error(fault.code, fault.message.clone()).at(fault.span)).collect();
        let mut follow = Follow::new(query.text, context, root.clone());
        let (node, label) = match follow.entry("rule") {
            Some(node) => (Some(node), ""),
            // A policy says what is as it should be: it is violated where it does not hold.
            None => (follow.entry("policy").map(ruleatlas_model::Node::not), "violation"),
        };
        diagnostics.append(&mut follow.diagnostics);
        let Some(node) = node else {
            diagnostics.push(
                Diagnostic::error("no rule function", "The module has no function `rule` or `policy`.")
                    .at(Span::new(0, 0)),
            );
            return Parsed { conditions: Vec::new(), diagnostics };
        };
        let mut condition = Condition::new(nodes::tidy(node));
        condition.label = label.to_owned();
        condition.sources = query.sources.to_vec();
        Parsed { conditions: vec![condition], diagnostics }
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        python::tokens(text)
    }
}
