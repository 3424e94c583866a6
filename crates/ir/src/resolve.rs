//! Expressions: what each stands for.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Missing, Node};

use crate::columns::Columns;
use crate::condition::Side;
use crate::engine::Engine;
use crate::plan::{Const, ConstKind, Expr, ExprKind, Wrapper};
use crate::value::{Computed, Found, Listed, Owner, Resolved, Value};

impl<'p> Engine<'p, '_> {
    /// What an expression stands for.
    pub fn value(&mut self, expr: &'p Expr, columns: &Columns<'p>) -> Value<'p> {
        if !self.enter() {
            return Value::Unknown(Rc::from(BUDGET));
        }
        let value = self.value_of(expr, columns);
        self.leave();
        value
    }

    fn value_of(&mut self, expr: &'p Expr, columns: &Columns<'p>) -> Value<'p> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Name(name) => self.name(name, columns),
            ExprKind::Qualified(table, name) => self.qualified(table, name, columns),
            ExprKind::OwnPath(path) => Value::field(path),
            ExprKind::Const(constant) => Value::Const(constant.clone()),
            ExprKind::List(items) => {
                let mut constants = Vec::new();
                for item in items {
                    match self.value(item, columns).constants() {
                        Some(more) => constants.extend(more),
                        None => return Value::computed(self.line(span)),
                    }
                }
                Value::List(constants.into())
            }
            ExprKind::Member(base, name) => {
                let base = self.value(base, columns);
                base.member(name, &|| self.line(span))
            }
            ExprKind::Element(base, index) => {
                let base = self.value(base, columns);
                base.element(index, &|| self.line(span))
            }
            ExprKind::First(values) => {
                let values: Vec<Value<'p>> = values.iter().map(|value| self.value(value, columns)).collect();
                // Each is compared with those before it, and asked where those are missing.
                let count: usize = values.iter().map(Value::count).sum();
                if !self.budget.work(count.saturating_mul(count) / 64) {
                    self.report_budget();
                    return Value::Unknown(Rc::from(BUDGET));
                }
                Value::first(values, &|| self.line(span))
            }
            ExprKind::Case { arms, otherwise } => self.cases(expr, arms, otherwise.as_deref(), columns),
            ExprKind::Wrap(wrapper, inner) => {
                let value = self.value(inner, columns);
                match wrapper {
                    Wrapper::Same => value,
                    Wrapper::AnyCase => value.any_case(),
                    Wrapper::Modified(modifier) => value.modified(*modifier),
                    Wrapper::Cut => value.origin().map_or_else(|| Value::computed(self.line(span)), Value::Cut),
                }
            }
            ExprKind::Computed { of, text } => {
                let mut from = None;
                for part in of {
                    match self.value(part, columns) {
                        unknown @ Value::Unknown(_) => return unknown,
                        value => from = from.or_else(|| value.origin()),
                    }
                }
                let text = text.clone().unwrap_or_else(|| self.line(span));
                Value::Computed(Computed { text, from, any_case: false })
            }
            ExprKind::Called(inner, text) => match self.value(inner, columns) {
                Value::Computed(computed) => Value::Computed(Computed { text: Rc::clone(text), ..computed }),
                value => value,
            },
            ExprKind::Moved(left, right) => match (self.value(left, columns), self.value(right, columns)) {
                (unknown @ Value::Unknown(_), _) | (_, unknown @ Value::Unknown(_)) => unknown,
                (time @ Value::Time(_), _) | (_, time @ Value::Time(_)) => time,
                (left, right) => {
                    let from = left.origin().or_else(|| right.origin());
                    Value::Computed(Computed { text: self.line(span), from, any_case: false })
                }
            },
            ExprKind::Now => Value::Time(false),
            ExprKind::All(_)
            | ExprKind::Any(_)
            | ExprKind::Not(_)
            | ExprKind::Compare(..)
            | ExprKind::Presence { .. }
            | ExprKind::Exists(..)
            | ExprKind::AnyElement(..)
            | ExprKind::Condition(_)
            | ExprKind::Window => self.condition_value(expr, columns),
            ExprKind::AnyField => Value::field("*"),
            ExprKind::Query(_)
            | ExprKind::Tables(_)
            | ExprKind::Table(_)
            | ExprKind::Aliased(..)
            | ExprKind::Union { .. } => Value::Rows(expr),
            ExprKind::Opaque(reason) => Value::Unknown(Rc::clone(reason)),
        }
    }

    /// The condition that an expression is, with the steps whose events it is about.
    fn resolved(&mut self, expr: &'p Expr, columns: &Columns<'p>) -> Resolved {
        let outer = std::mem::replace(&mut self.owner, Owner::Nobody);
        let node = self.condition(expr, columns, Side { alternative: true, ..Side::default() });
        Resolved { node, owner: std::mem::replace(&mut self.owner, outer) }
    }

    fn condition_value(&mut self, expr: &'p Expr, columns: &Columns<'p>) -> Value<'p> {
        let resolved = self.resolved(expr, columns);
        match resolved.node.as_ref().and_then(Node::as_constant) {
            Some(value) => Value::Const(Const::bool(value)),
            None => Value::Condition(Rc::new(resolved)),
        }
    }

    /// The name as the columns have it.
    pub fn key(&self, name: &Rc<str>) -> Rc<str> {
        if self.semantics.names_in_any_case && name.chars().any(char::is_uppercase) {
            Rc::from(name.to_lowercase())
        } else {
            Rc::clone(name)
        }
    }

    /// What a name stands for.
    pub fn name(&mut self, name: &Rc<str>, columns: &Columns<'p>) -> Value<'p> {
        if let Some(value) = columns.known.get(&self.key(name)) {
            return value.clone();
        }
        if (self.semantics.is_event_time)(name) {
            return Value::Time(true);
        }
        if let Some(part) = columns.part(name) {
            return part;
        }
        // A field that was named before the lookup is the event's own.
        if let Some(listed) = &columns.looked_up
            && !self.seen.contains(name)
        {
            return Value::Listed(Rc::new(Listed { found: listed.found.clone(), value: Value::field(name) }));
        }
        self.seen.insert(Rc::clone(name));
        Value::field(name)
    }

    /// What a column of a named table stands for; a name that no table has is the start of a path.
    fn qualified(&mut self, table: &Rc<str>, name: &Rc<str>, columns: &Columns<'p>) -> Value<'p> {
        if (self.semantics.is_event_time)(name) {
            return Value::Time(true);
        }
        let short = table.rsplit('.').next().unwrap_or(table);
        let is_same = |name: &Rc<str>| {
            if self.semantics.names_in_any_case { name.eq_ignore_ascii_case(short) } else { **name == *short }
        };
        let found = columns.tables.iter().find(|known| known.names.iter().any(is_same));
        let Some(found) = found else { return Value::field(&format!("{table}.{name}")) };
        let known = found.known.as_deref().unwrap_or(&columns.known);
        let value = known.get(&self.key(name)).cloned().unwrap_or_else(|| Value::field(name));
        let value = value.of_step(found.step);
        match found.step {
            Some(step) if found.is_outer => Value::Listed(Rc::new(Listed { found: Found::Step(step), value })),
            _ => value,
        }
    }

    /// The values of a case, each with the condition that gives it. A condition that is null gives nothing.
    fn cases(
        &mut self,
        expr: &'p Expr,
        arms: &'p [(Expr, Expr)],
        otherwise: Option<&'p Expr>,
        columns: &Columns<'p>,
    ) -> Value<'p> {
        let mut kept: Vec<(Rc<Resolved>, Value<'p>)> = Vec::new();
        for (condition, value) in arms {
            let mut resolved = self.resolved(condition, columns);
            let value = self.value(value, columns);
            match resolved.node.as_ref().and_then(Node::as_constant) {
                Some(true) if kept.is_empty() => return value,
                Some(false) => {}
                constant => {
                    resolved.node.iter_mut().for_each(|node| fail_on_null(node, false));
                    kept.push((Rc::new(resolved), value));
                    // What stands behind a condition that always holds is never reached.
                    if constant == Some(true) {
                        break;
                    }
                }
            }
        }
        let otherwise = match otherwise {
            Some(otherwise) => self.value(otherwise, columns),
            None => Value::Const(Const::new("", ConstKind::Null)),
        };
        Value::cases(kept, otherwise, expr.span, &|| self.line(expr.span))
    }
}

/// A case takes null for false: a comparison of a missing field must not make its condition hold, neither by itself nor
/// under an odd number of negations.
fn fail_on_null(node: &mut Node, inverted: bool) {
    match node {
        Node::All(children) | Node::Any(children) => {
            children.iter_mut().for_each(|child| fail_on_null(child, inverted));
        }
        Node::Not(child) => fail_on_null(child, !inverted),
        Node::Predicate(predicate) if predicate.missing == Missing::Null => {
            predicate.missing = if inverted { Missing::Holds } else { Missing::Fails };
        }
        Node::Predicate(_) | Node::Opaque(_) => {}
    }
}
