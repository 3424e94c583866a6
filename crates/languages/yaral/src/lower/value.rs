//! What a side of a comparison is.

use crate::ast::{Expr, ExprKind, Quantifier};

use super::{Lowering, plain_path};

/// A side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A field.
    Field {
        path: String,
        /// The field that a placeholder's value was cut out of.
        derived_from: Option<String>,
        change: Change,
        quantifier: Option<Quantifier>,
    },
    /// The first of these that has a value.
    First(Vec<Value>),
    /// A text.
    Text(String),
    /// A regular expression.
    Regex(String),
    /// A number or a truth value.
    Literal(String),
    /// A function that says whether something holds.
    Test,
    /// Something computed.
    Computed,
}

/// How a field's value is changed before it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    Lower,
    Upper,
}

/// Functions that say whether something holds.
const TESTS: [&str; 9] = [
    "re.regex",
    "strings.contains",
    "strings.starts_with",
    "strings.ends_with",
    "strings.startswith",
    "strings.endswith",
    "net.ip_in_range_cidr",
    "arrays.contains",
    "strings.equal_fold",
];

/// Functions whose value is that of their argument.
const WRAPPERS: [&str; 8] = [
    "strings.trim",
    "strings.ltrim",
    "strings.rtrim",
    "cast.as_string",
    "cast.as_int",
    "cast.as_float",
    "cast.as_bool",
    "strings.to_string",
];

impl<'a> Lowering<'a, '_> {
    /// What a side is in the step of an event.
    pub(super) fn value(&mut self, expr: &'a Expr, event: usize) -> Value {
        if !self.budget.work(1) {
            return Value::Computed;
        }
        match &expr.kind {
            ExprKind::Field { path, quantifier, .. } => Value::Field {
                path: plain_path(path).to_owned(),
                derived_from: None,
                change: Change::None,
                quantifier: *quantifier,
            },
            ExprKind::Variable(name) => self.placeholder(name, event),
            ExprKind::String(text) => Value::Text(text.clone()),
            ExprKind::Regex(text) => Value::Regex(text.clone()),
            ExprKind::Literal(text) => Value::Literal(text.clone()),
            ExprKind::Call { name, arguments, .. } => self.called(name, arguments, event),
            _ => Value::Computed,
        }
    }

    /// What a placeholder stands for in a step: the meaning that is of the step's event, or the first.
    fn placeholder(&mut self, name: &'a str, event: usize) -> Value {
        if self.trail.contains(&name) || !self.budget.enter() {
            return Value::Computed;
        }
        let meanings: Vec<&'a Expr> = self.placeholders.get(name).cloned().unwrap_or_default();
        let own = meanings.iter().copied().find(|meaning| self.is_of(meaning, event));
        let found = match own.or_else(|| meanings.first().copied()) {
            None => Value::Computed,
            Some(meaning) => {
                self.trail.push(name);
                let value = self.value(meaning, event);
                self.trail.pop();
                match value {
                    // What is cut out of a field keeps its own name.
                    Value::Computed => self.derived(name, meaning),
                    other => other,
                }
            }
        };
        self.budget.leave();
        found
    }

    fn is_of(&self, meaning: &Expr, event: usize) -> bool {
        let mut is_of = false;
        super::fields_of(meaning, &mut |variable, _| is_of |= self.event(variable) == Some(event));
        is_of
    }

    fn derived(&self, name: &str, meaning: &'a Expr) -> Value {
        let mut paths: Vec<&str> = Vec::new();
        super::fields_of(meaning, &mut |_, path| paths.push(plain_path(path)));
        let is_cut = matches!(&meaning.kind, ExprKind::Call { name, .. } if matches!(name.as_str(), "re.capture" | "re.replace" | "strings.split" | "arrays.index_to_str"));
        match paths.as_slice() {
            [only] if is_cut => Value::Field {
                path: name.to_owned(),
                derived_from: Some((*only).to_owned()),
                change: Change::None,
                quantifier: None,
            },
            _ => Value::Computed,
        }
    }

    fn called(&mut self, name: &str, arguments: &'a [Expr], event: usize) -> Value {
        let name = name.to_ascii_lowercase();
        if TESTS.contains(&name.as_str()) {
            return Value::Test;
        }
        match (name.as_str(), arguments) {
            ("strings.to_lower" | "strings.to_upper", [inner]) => match self.value(inner, event) {
                Value::Field { path, derived_from, quantifier, .. } => {
                    let change = if name.ends_with("lower") { Change::Lower } else { Change::Upper };
                    Value::Field { path, derived_from, change, quantifier }
                }
                Value::Text(text) if name.ends_with("lower") => Value::Text(text.to_lowercase()),
                Value::Text(text) => Value::Text(text.to_uppercase()),
                other => other,
            },
            ("strings.coalesce", [_, _, ..]) => {
                let values: Vec<Value> = arguments.iter().map(|argument| self.value(argument, event)).collect();
                let is_simple = values
                    .iter()
                    .all(|value| matches!(value, Value::Field { .. } | Value::Text(_) | Value::Literal(_)));
                if is_simple { Value::First(values) } else { Value::Computed }
            }
            ("strings.concat", [only]) => self.value(only, event),
            (wrapper, [inner]) if WRAPPERS.contains(&wrapper) => self.value(inner, event),
            _ => Value::Computed,
        }
    }
}
