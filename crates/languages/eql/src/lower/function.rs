//! The functions of the language: which of them are conditions, and what those ask.

use ruleatlas_ir::plan::{
    Comparison, Expr as Planned, ExprKind as PlannedKind, MissingRule, Operand as Right, Relation,
};
use ruleatlas_model::Span;

use super::{
    Lowering, Place, compared,
    constant::{constant, planned},
    operand::Operand,
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
    /// Not known.
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
    ) -> Planned {
        let lower = plain_name(name);
        let planned = match (lower.as_str(), arguments) {
            ("startswith", [subject, value]) => self.text_test(span, Relation::StartsWith, insensitive, subject, value),
            ("endswith", [subject, value]) => self.text_test(span, Relation::EndsWith, insensitive, subject, value),
            ("stringcontains", [subject, value]) => {
                self.text_test(span, Relation::Contains, insensitive, subject, value)
            }
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
        match planned {
            Some(planned) => planned,
            None if arguments.iter().any(|argument| matches!(argument.kind, ExprKind::Broken(_))) => self.broken(span),
            // What is left tests a computed value, or one field against another: it is kept by its text.
            None => self.computed_truth(span),
        }
    }

    /// Whether a string begins with, ends with or has inside it a constant or another field's value.
    fn text_test(
        &mut self,
        span: Span,
        relation: Relation,
        insensitive: bool,
        subject: &Expr<'_>,
        value: &Expr<'_>,
    ) -> Option<Planned> {
        let Operand::Subject(subject) = self.operand(subject) else { return None };
        let comparison = compared(relation, insensitive);
        match self.operand(value) {
            Operand::Constant(value) => Some(self.tested(&subject, comparison, planned(&value, span)?, span)),
            Operand::Subject(other) if !subject.computed && !other.computed => {
                Some(self.field_reference(&subject, &other, comparison, span))
            }
            _ => None,
        }
    }

    fn cidr_match(&mut self, span: Span, subject: &Expr<'_>, networks: &[Expr<'_>]) -> Option<Planned> {
        let values: Option<Vec<Planned>> = networks.iter().map(|network| planned(&constant(network)?, span)).collect();
        let Operand::Subject(subject) = self.operand(subject) else { return None };
        let comparison = self.missing(&subject, compared(Relation::Cidr, true));
        let left = Box::new(self.planned_subject(&subject, span));
        Some(Planned::new(PlannedKind::Compare(comparison, left, Right::AnyOf(values?)), span))
    }

    /// `arraySearch(array, x, condition on x)`: at least one element satisfies the condition.
    fn array_search(
        &mut self,
        span: Span,
        array: &Expr<'_>,
        variable: &Expr<'_>,
        condition: &Expr<'_>,
    ) -> Option<Planned> {
        let (ExprKind::Field { .. }, ExprKind::Field { path: variable, .. }) = (&array.kind, &variable.kind) else {
            return None;
        };
        let path = self.field_name(array);
        if path.len() > PATH_LIMIT {
            return Some(self.opaque(span, "path is too long"));
        }
        self.variables.push((variable.clone().into_owned(), path));
        let condition = self.condition(condition, Place::Alternative);
        self.variables.pop();
        let text = self.text_of(span).into();
        Some(Planned::new(PlannedKind::AnyElement(Box::new(condition), text), span))
    }

    /// A condition over computed values, as its text that must be true.
    pub(super) fn computed_truth(&self, span: Span) -> Planned {
        let text = Some(self.text_of(span).into());
        Planned::new(PlannedKind::Computed { of: Vec::new(), text }, span)
    }

    /// A comparison by what it is without the subject: of something computed or converted it is null.
    pub(super) fn missing(&self, subject: &super::operand::Subject, comparison: Comparison) -> Comparison {
        let is_script = subject.computed || !subject.exact;
        Comparison { missing: if is_script { MissingRule::Null } else { comparison.missing }, ..comparison }
    }
}
