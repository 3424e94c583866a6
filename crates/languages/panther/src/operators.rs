//! Arithmetic, texts and sets put together.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Node, Span};

use crate::{
    exec::MAX_TEXT,
    follow::Follow,
    syntax::{Binary, Shape},
    value::{Item, Value},
};

impl Follow<'_> {
    /// Arithmetic, and what else operators do.
    pub(crate) fn binary(&mut self, op: Binary, left: &Value, right: &Value, span: Span) -> Value {
        use crate::value::{number_of, spell};
        self.spend(1);
        if self.is_spent() {
            return self.unknown(BUDGET, span);
        }
        if !matches!((op, left), (Binary::Modulo, Value::Text(_))) {
            self.throw_none("TypeError", left, span);
            self.throw_none("TypeError", right, span);
        }
        if self.tries > 0 && matches!(op, Binary::Divide | Binary::Modulo) && !matches!(left, Value::Text(_)) {
            let zero = self.equal(right, &Value::Number("0".into()), span);
            self.throw("ZeroDivisionError", zero);
        }
        match (op, left, right) {
            (Binary::Modulo, Value::Text(_), _) => Value::Computed(self.text_at(span).into()),
            (_, Value::Number(a), Value::Number(b)) => {
                let (Some(a), Some(b)) = (number_of(a), number_of(b)) else {
                    return Value::Computed(self.text_at(span).into());
                };
                let number = match op {
                    Binary::Add => a + b,
                    Binary::Subtract => a - b,
                    Binary::Multiply => a * b,
                    Binary::Divide if b != 0.0 => a / b,
                    Binary::Modulo if b != 0.0 => a % b,
                    _ => return Value::Computed(self.text_at(span).into()),
                };
                Value::Number(spell(number))
            }
            (Binary::Add, Value::Text(a), Value::Text(b)) if a.len() + b.len() > MAX_TEXT => self.unknown(BUDGET, span),
            (Binary::Add, Value::Text(a), Value::Text(b)) => Value::Text(format!("{a}{b}").into()),
            (Binary::Add | Binary::Or, Value::List(shape, a), Value::List(_, b)) => {
                self.list(*shape, a.iter().chain(b.iter()).cloned().collect(), span)
            }
            (Binary::Or, Value::Dict(a), Value::Dict(b)) => {
                self.spend(u32::try_from(a.len().saturating_mul(b.len()) / 16).unwrap_or(u32::MAX));
                if self.is_spent() {
                    return self.unknown(BUDGET, span);
                }
                let mut entries = (**a).clone();
                entries.retain(|(key, _)| !b.iter().any(|(other, _)| other == key));
                entries.extend(b.iter().cloned());
                self.container(Value::Dict(Rc::new(entries)), span)
            }
            (Binary::And, Value::Test(_) | Value::Bool(_), Value::Test(_) | Value::Bool(_)) => {
                let both = [self.truth(left, span), self.truth(right, span)];
                Value::test(Node::all(both))
            }
            (Binary::Or, Value::Test(_) | Value::Bool(_), Value::Test(_) | Value::Bool(_)) => {
                let either = [self.truth(left, span), self.truth(right, span)];
                Value::test(Node::any(either))
            }
            (Binary::And, _, _) => self.common_elements(left, right, span),
            (Binary::Subtract, Value::List(..) | Value::Field(_), Value::List(..) | Value::Field(_)) if !matches!(right, Value::Field(field) if field.holds == crate::value::Holds::Number) => {
                self.without(left, right, span)
            }
            (Binary::Or | Binary::Add, Value::List(shape, a), other)
            | (Binary::Or | Binary::Add, other, Value::List(shape, a)) => match self.items(other, span) {
                Some(items) => self.list(*shape, a.iter().cloned().chain(items).collect(), span),
                None => self.unknown("list is extended by something that is not known", span),
            },
            (_, Value::Unknown(unknown), _) | (_, _, Value::Unknown(unknown)) => self.unknown(unknown.reason, span),
            (Binary::Add, Value::Text(_) | Value::Joined(_), _)
            | (Binary::Add, _, Value::Text(_) | Value::Joined(_)) => {
                let pieces = |value: &Value| match value {
                    Value::Joined(pieces) => (**pieces).clone(),
                    other => vec![other.clone()],
                };
                crate::expr::joined(pieces(left).into_iter().chain(pieces(right)).collect())
            }
            (_, Value::Either(either), other) => {
                let not = either.condition.clone().not();
                let then = self.guarded(&either.condition, |this| this.binary(op, &either.then, other, span));
                let otherwise = self.guarded(&not, |this| this.binary(op, &either.otherwise, other, span));
                self.spend_nodes(&either.condition);
                Value::either(either.condition.clone(), then, otherwise)
            }
            (_, other, Value::Either(either)) => {
                let not = either.condition.clone().not();
                let then = self.guarded(&either.condition, |this| this.binary(op, other, &either.then, span));
                let otherwise = self.guarded(&not, |this| this.binary(op, other, &either.otherwise, span));
                self.spend_nodes(&either.condition);
                Value::either(either.condition.clone(), then, otherwise)
            }
            _ => Value::Computed(self.text_at(span).into()),
        }
    }

    /// A list, unless it is longer than anyone writes.
    pub(crate) fn list(&mut self, shape: Shape, items: Vec<Item>, span: Span) -> Value {
        const MAX_ITEMS: usize = 4096;
        self.spend(u32::try_from(items.len()).unwrap_or(u32::MAX));
        if items.len() > MAX_ITEMS {
            return self.unknown(BUDGET, span);
        }
        self.container(Value::List(shape, Rc::new(items)), span)
    }

    /// A list or dictionary, unless what it holds is more than anyone writes.
    pub(crate) fn container(&mut self, value: Value, span: Span) -> Value {
        match value.parts() {
            Some(parts) => {
                self.spend(u32::try_from(parts / 16).unwrap_or(u32::MAX));
                value
            }
            None => self.unknown(BUDGET, span),
        }
    }

    /// What is in both of two sets.
    pub(crate) fn common_elements(&mut self, left: &Value, right: &Value, span: Span) -> Value {
        let (first, second) = match (left, right) {
            (Value::List(..), Value::Field(_)) => (right, left),
            _ => (left, right),
        };
        let Some(items) = self.items(first, span) else { return self.unknown("sets are put together", span) };
        let kept = items.into_iter().map(|item| {
            let test = self.contained(&item.value, second, span);
            Item { guard: Node::all([item.guard, test]), value: item.value, over: item.over }
        });
        let kept: Vec<Item> = kept.filter(|item| item.guard.as_constant() != Some(false)).collect();
        Value::List(Shape::Set, Rc::new(kept))
    }

    /// What is in one set and not in another.
    pub(crate) fn without(&mut self, left: &Value, right: &Value, span: Span) -> Value {
        if matches!((left, right), (Value::Field(_), Value::Field(_))) {
            return self.unknown("lists are compared", span);
        }
        let Some(items) = self.items(left, span) else { return self.unknown("sets are put together", span) };
        let kept = items.into_iter().map(|item| {
            let test = crate::nodes::negated(self.contained(&item.value, right, span));
            Item { guard: Node::all([item.guard, test]), value: item.value, over: item.over }
        });
        let kept: Vec<Item> = kept.filter(|item| item.guard.as_constant() != Some(false)).collect();
        Value::List(Shape::Set, Rc::new(kept))
    }
}
