//! The front end of Python modules.

use ruleatlas_core::{BUDGET, Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::{Condition, Diagnostic, Language, Node, Op, Predicate, Span};

use crate::{
    follow::Follow,
    module, nodes, python,
    sdk::{self, Flat},
    value::{Absent, Value},
    yaml,
};

/// What a data model's name stands for in an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unified {
    /// This text.
    Text(String),
    /// What the event holds at this path.
    Path(String),
    /// The first or last part of the text at this path, between separators.
    Part {
        /// The path.
        path: String,
        /// What stands between parts.
        separator: String,
        /// Whether the last part is meant.
        last: bool,
    },
    /// Nothing.
    Nothing,
    /// Something that cannot be followed.
    Unknown,
}

/// What a method of a data model's module returns for an event: alternatives, each with its condition; the first whose
/// condition holds is meant. `None` where the module has no such method.
#[must_use]
pub fn unified(module: &str, method: &str, context: &dyn Context) -> Option<Vec<(Node, Unified)>> {
    let root = module::kept(module);
    let value = Follow::new(module, context, root).entry_value(method)?;
    let mut alternatives = Vec::new();
    flatten(&value, Node::always(), &mut alternatives);
    Some(alternatives)
}

fn flatten(value: &Value, condition: Node, into: &mut Vec<(Node, Unified)>) {
    const MAX_ALTERNATIVES: usize = 64;
    let unified = match value {
        Value::Either(either) if into.len() < MAX_ALTERNATIVES => {
            flatten(&either.then, Node::all([condition.clone(), either.condition.clone()]), into);
            return flatten(&either.otherwise, condition, into);
        }
        Value::Field(field) => {
            let missing = match &field.absent {
                Absent::Is(Value::Text(text)) => Unified::Text(text.to_string()),
                _ => Unified::Nothing,
            };
            let there = Node::from(Predicate::new(field.path.clone(), Op::IsNotNull, Vec::<String>::new()));
            let found = match &field.part {
                None => Unified::Path(field.path.clone()),
                Some(part) => {
                    Unified::Part { path: field.path.clone(), separator: part.separator.to_string(), last: part.last }
                }
            };
            into.push((Node::all([condition.clone(), there]), found));
            missing
        }
        Value::None => Unified::Nothing,
        other => other.literal().map_or(Unified::Unknown, Unified::Text),
    };
    into.push((condition, unified));
}

/// The front end of rules whose query is a Python module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Python;

impl Frontend for Python {
    fn language(&self) -> Language {
        Language::Python
    }

    fn read(&self, query: &Query<'_>, context: &dyn Context, budget: &mut Budget) -> Parsed {
        let mut root = module::kept(query.text);
        let is_module = root.functions.contains_key("rule") || root.functions.contains_key("policy");
        let flat = if is_module { None } else { Flat::of(query.text) };
        if let Some(flat) = &flat {
            root = module::kept(&flat.text);
        }
        let mut diagnostics: Vec<Diagnostic> = root
            .faults
            .iter()
            .map(|fault| Diagnostic::error(fault.code, fault.message.clone()).at(fault.span))
            .collect();
        let mut follow = Follow::new(query.text, context, root.clone());
        let entry = if flat.is_some() { sdk::ENTRY } else { "rule" };
        let is_policy = flat.is_some() && root.functions.contains_key("policy");
        let (node, label) = match follow.entry(entry) {
            Some(node) if is_policy => (Some(Node::not(node)), "violation"),
            Some(node) => (Some(node), ""),
            // A policy says what is as it should be: it is violated where it does not hold.
            None => (follow.entry("policy").map(Node::not), "violation"),
        };
        if let Some(node) = &node {
            follow.say_opaque(node);
            follow.forget_undecided(node);
        }
        diagnostics.append(&mut follow.diagnostics);
        budget.work(follow.spent());
        if follow.is_spent() {
            let message = "the rule comes to more than is followed; what is left of it is kept as it stands";
            diagnostics.push(Diagnostic::error(BUDGET, message).at(Span::new(0, query.text.len())));
        }
        let Some(node) = node else {
            // Which functions a module has that was not parsed is unknown.
            if root.faults.is_empty() {
                let message = "The module has no function `rule` or `policy`.";
                diagnostics.push(Diagnostic::error("no rule function", message).at(Span::new(0, 0)));
            }
            return Parsed { conditions: Vec::new(), diagnostics };
        };
        let mut node = nodes::tidy(node);
        if let Some(flat) = &flat {
            flat.settle(&mut node, query.text);
            for said in &mut diagnostics {
                said.span = said.span.map(|span| flat.place(span));
            }
        }
        let place = root.functions.get("rule").map_or_else(Span::default, |function| function.span);
        if let Some((filters, said)) = query.tree.and_then(|(tree, _)| yaml::inline_filters(tree, place, budget)) {
            node = Node::all([node, filters]);
            diagnostics.extend(said);
        }
        if nodes::never_holds(&node) {
            let message = "No event can meet the rule's condition, so it never alerts.";
            diagnostics.push(Diagnostic::warning("condition never holds", message).at(place));
        }
        // The rule's file is the YAML, in which the module has no lines.
        for said in &mut diagnostics {
            said.line = match query.tree {
                Some((document, _)) => Some(document.line),
                None => said.span.map(|span| span.line(query.text)),
            };
        }
        let mut condition = Condition::new(node);
        condition.label = label.to_owned();
        condition.sources = query.sources.to_vec();
        Parsed { conditions: vec![condition], diagnostics }
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        python::tokens(text)
    }
}
