//! The functions of the language: which of them are conditions, and what those ask.

use ruleatlas_model::{Node, Op, Span};

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

/// What a function gives, by its name in any case.
pub(super) fn kind(name: &str) -> Kind {
    match name.to_ascii_lowercase().as_str() {
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
        let lower = name.to_ascii_lowercase();
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
            ("arraysearch", [array, variable, condition]) => self.array_search(span, array, variable, condition, place),
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
                let mut predicate = self.predicate(&subject, Op::FieldRef, vec![other.raw], !insensitive, span);
                let modifier = match op {
                    Op::StartsWith => "startswith",
                    Op::EndsWith => "endswith",
                    _ => "contains",
                };
                predicate.modifier = Some(modifier.to_owned());
                Some(predicate.into())
            }
            _ => None,
        }
    }

    fn cidr_match(&mut self, span: Span, subject: &Expr<'_>, networks: &[Expr<'_>]) -> Option<Node> {
        let values: Option<Vec<String>> = networks.iter().map(|network| spelling(&constant(network)?)).collect();
        let Operand::Subject(subject) = self.operand(subject) else { return None };
        Some(self.predicate(&subject, Op::CidrMatch, values?, false, span).into())
    }

    /// `arraySearch(array, x, condition on x)`: at least one element satisfies the condition. Comparisons of an array
    /// ask the same, but several of them could be satisfied by different elements, and a negated one asks all: such
    /// conditions are kept by their text.
    fn array_search(
        &mut self,
        span: Span,
        array: &Expr<'_>,
        variable: &Expr<'_>,
        condition: &Expr<'_>,
        place: Place,
    ) -> Option<Node> {
        let (ExprKind::Field(_), ExprKind::Field(variable)) = (&array.kind, &variable.kind) else { return None };
        let path = self.field_name(array);
        if path.len() > PATH_LIMIT {
            return Some(self.opaque(span, "path is too long"));
        }
        self.variables.push((variable.clone().into_owned(), path));
        let node = self.condition(condition, place);
        self.variables.pop();
        let plain = |node: &Node| matches!(node, Node::Predicate(predicate) if !predicate.negated);
        (plain(&node) || matches!(&node, Node::Any(parts) if parts.iter().all(plain))).then_some(node)
    }

    /// A condition over computed values, as its text that must be true.
    pub(super) fn computed_truth(&self, span: Span) -> Node {
        let subject = super::operand::Subject { raw: self.text_of(span), computed: true, exact: true };
        self.predicate(&subject, Op::Eq, vec!["true".to_owned()], false, span).into()
    }
}
