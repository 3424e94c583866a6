//! The functions of the language: which of them are conditions, and what those ask.

use ruleatlas_model::{Modifier, Node, Op, Span};

use super::{
    Lowering, Place,
    operand::{Operand, constant, spelling},
};
use crate::ast::{Expr, ExprKind, Lookup};

/// The longest path that a variable of `arraySearch` may stand for.
const PATH_LIMIT: usize = 256;

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// True or false.
    Condition,
    /// Its argument in another type.
    Conversion,
    /// Another value.
    Value,
    /// Nobody knows.
    Unknown,
}

/// A function's name in lower case. Elastic's endpoint writes the array functions with an underscore before them.
fn plain_name(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    match lower.strip_prefix('_') {
        Some(array) if array.starts_with("array") => array.to_owned(),
        _ => lower,
    }
}

/// What a function gives, by its name in any case.
pub(super) fn kind(name: &str) -> Kind {
    match plain_name(name).as_str() {
        "cidrmatch" | "startswith" | "endswith" | "stringcontains" | "wildcard" | "match" | "matchlite" | "safe"
        | "arraysearch" | "arraycontains" => Kind::Condition,
        "string" | "number" => Kind::Conversion,
        "add" | "arraycount" | "between" | "concat" | "divide" | "indexof" | "length" | "modulo" | "multiply"
        | "substring" | "subtract" | "tolower" | "toupper" | "trim" => Kind::Value,
        _ => Kind::Unknown,
    }
}

impl Lowering<'_> {
    /// A function call that stands where a condition does.
    pub(super) fn boolean_call(
        &mut self,
        span: Span,
        name: &str,
        insensitive: bool,
        arguments: &[Expr<'_>],
        place: Place,
    ) -> Node {
        let lower = plain_name(name);
        let node = match (lower.as_str(), arguments) {
            ("startswith", [subject, value]) => self.text_test(span, Op::StartsWith, insensitive, subject, value),
            ("endswith", [subject, value]) => self.text_test(span, Op::EndsWith, insensitive, subject, value),
            ("stringcontains", [subject, value]) => self.text_test(span, Op::Contains, insensitive, subject, value),
            ("cidrmatch", [subject, networks @ ..]) if !networks.is_empty() => self.cidr_match(span, subject, networks),
            ("wildcard", [subject, patterns @ ..]) if !patterns.is_empty() => {
                self.lookup(span, Lookup::Like, insensitive, false, subject, patterns, place)
            }
            ("match" | "matchlite", [subject, patterns @ ..]) if !patterns.is_empty() => {
                self.lookup(span, Lookup::Regex, insensitive, false, subject, patterns, place)
            }
            ("arraycontains", [subject, values @ ..]) if !values.is_empty() => {
                self.lookup(span, Lookup::In, true, false, subject, values, place)
            }
            ("arraysearch", [array, variable, condition]) => self.array_search(span, array, variable, condition),
            // `safe(x)` is x, or false where x cannot be computed.
            ("safe", [inner]) => Some(self.condition(inner, place)),
            _ => match kind(name) {
                Kind::Condition => {
                    return self.opaque_because(
                        span,
                        "wrong number of arguments",
                        format!("wrong number of arguments for {name}"),
                    );
                }
                Kind::Unknown => {
                    return self.opaque_because(span, "unknown function", format!("unknown function {name}"));
                }
                Kind::Value | Kind::Conversion => None,
            },
        };
        match node {
            Some(node) => node,
            None if arguments.iter().any(|argument| matches!(argument.kind, ExprKind::Broken)) => self.broken(span),
            // What is left tests a computed value, or one field against another: it is kept by its text.
            None => self.computed_truth(span),
        }
    }

    /// Whether a string begins with, ends with or has inside it a constant or another field's value.
    fn text_test(
        &mut self,
        span: Span,
        op: Op,
        insensitive: bool,
        subject: &Expr<'_>,
        value: &Expr<'_>,
    ) -> Option<Node> {
        let Operand::Subject(subject) = self.operand(subject) else { return None };
        match self.operand(value) {
            Operand::Constant(value) => {
                Some(self.predicate(&subject, op, vec![spelling(&value)?], !insensitive, span).into())
            }
            Operand::Subject(other) if !subject.computed && !other.computed => {
                let modifier = match op {
                    Op::StartsWith => Modifier::StartsWith,
                    Op::EndsWith => Modifier::EndsWith,
                    _ => Modifier::Contains,
                };
                Some(self.field_ref(&subject, other.raw, Some(modifier), !insensitive, span).into())
            }
            _ => None,
        }
    }

    fn cidr_match(&mut self, span: Span, subject: &Expr<'_>, networks: &[Expr<'_>]) -> Option<Node> {
        let values: Option<Vec<String>> = networks.iter().map(|network| spelling(&constant(network)?)).collect();
        let Operand::Subject(subject) = self.operand(subject) else { return None };
        Some(self.predicate(&subject, Op::CidrMatch, values?, false, span).into())
    }

    /// `arraySearch(array, x, condition on x)`: at least one element satisfies the condition. [`exists`] says what that
    /// means for comparisons of the array's fields.
    fn array_search(
        &mut self,
        span: Span,
        array: &Expr<'_>,
        variable: &Expr<'_>,
        condition: &Expr<'_>,
    ) -> Option<Node> {
        let (ExprKind::Field(_), ExprKind::Field(variable)) = (&array.kind, &variable.kind) else { return None };
        let path = self.field_name(array);
        if path.len() > PATH_LIMIT {
            return Some(self.opaque(span, "path is too long"));
        }
        self.variables.push((variable.clone().into_owned(), path));
        let node = self.condition(condition, Place::Alternative);
        self.variables.pop();
        Some(exists(node, &self.computed_truth(span)))
    }

    /// A condition over computed values, as its text that must be true.
    pub(super) fn computed_truth(&self, span: Span) -> Node {
        let subject = super::operand::Subject { raw: self.text_of(span), computed: true, exact: true };
        self.predicate(&subject, Op::Eq, vec!["true".to_owned()], false, span).into()
    }
}

/// What a condition on one element of an array says when it is read as a condition on all values of the array's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sense {
    /// The same as "an element satisfies it".
    Exact,
    /// Less: it holds wherever an element satisfies it.
    Necessary,
    /// More: where it holds, every element satisfies it.
    OfAll,
    /// Neither.
    Unclear,
}

fn sense(node: &Node) -> Sense {
    match node {
        Node::Predicate(predicate) if predicate.negated || predicate.op == Op::IsNull => Sense::OfAll,
        Node::Predicate(predicate) if predicate.op == Op::FieldRef => Sense::Necessary,
        Node::Predicate(_) => Sense::Exact,
        Node::Not(inner) => match sense(inner) {
            Sense::Exact | Sense::Necessary => Sense::OfAll,
            _ => Sense::Unclear,
        },
        Node::All(parts) | Node::Any(parts) if parts.is_empty() => Sense::Unclear,
        Node::All(parts) | Node::Any(parts) => {
            let are = |wanted: &[Sense]| parts.iter().all(|part| wanted.contains(&sense(part)));
            match node {
                Node::Any(_) if are(&[Sense::Exact]) => Sense::Exact,
                _ if are(&[Sense::Exact, Sense::Necessary]) => Sense::Necessary,
                _ if are(&[Sense::OfAll]) => Sense::OfAll,
                _ => Sense::Unclear,
            }
        }
        Node::Opaque(_) => Sense::Unclear,
    }
}

/// The condition that some element of an array satisfies `node`, whose predicates compare the fields of all elements.
///
/// Several comparisons could be satisfied by different elements, and a negated one asks all of them. So `joint`, the
/// whole search as something computed, stands beside them wherever they do not decide: they are kept, and no event is
/// said to match that may not.
fn exists(node: Node, joint: &Node) -> Node {
    let parts = match node {
        Node::Any(parts) if !parts.is_empty() => return Node::any(parts.into_iter().map(|part| exists(part, joint))),
        // An array without elements has none that satisfies what always holds.
        Node::All(parts) if parts.is_empty() => vec![joint.clone()],
        Node::All(parts) => parts,
        node => vec![node],
    };
    let mut conjuncts = Vec::with_capacity(parts.len() + 1);
    let mut exact = 0;
    let mut is_joint = false;
    for part in parts {
        match sense(&part) {
            Sense::Exact => {
                exact += 1;
                conjuncts.push(part);
            }
            Sense::Necessary => {
                is_joint = true;
                conjuncts.push(part);
            }
            Sense::OfAll => conjuncts.push(Node::any([part, joint.clone()])),
            Sense::Unclear => {
                is_joint = true;
                conjuncts.push(Node::any([part, joint.clone()]));
            }
        }
    }
    if is_joint || exact != 1 {
        conjuncts.push(joint.clone());
    }
    Node::all(conjuncts)
}
