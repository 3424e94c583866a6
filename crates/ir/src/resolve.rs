//! Expressions: what each stands for.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Missing, Node};

use crate::columns::Columns;
use crate::condition::Side;
use crate::engine::{BYTES_PER_NODE, Engine};
use crate::open::NameKind;
use crate::plan::{Const, ConstKind, Expr, ExprKind, Wrapper};
use crate::value::{Computed, Cut, Found, Listed, Owner, Resolved, Value};

/// How many branches a choice may have whose alternatives stand within each other.
const MAX_ARMS: usize = 190;

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
                match (&base, self.searches) {
                    // A path in the text of the event is a field of it.
                    (Value::Field(field), Some(searches)) if *field.path == *searches.event_text => {
                        self.name(name, columns)
                    }
                    _ => base.member(name, &|| self.line(span)),
                }
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
                    Wrapper::Number => value.number(),
                    Wrapper::Cut => match value.origin_with_step() {
                        Some((from, step)) => Value::Cut(Cut { from, step, text: None, any_case: false }),
                        None => Value::computed(self.line(span)),
                    },
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
                Value::Computed(Computed { from, ..Computed::new(text) })
            }
            ExprKind::Written(inner, _) => self.value(inner, columns),
            ExprKind::Changed(inner, text) => match self.value(inner, columns) {
                value @ (Value::Field(_) | Value::Cut(_)) => match value.origin_with_step() {
                    Some((from, step)) => {
                        let any_case = match &value {
                            Value::Field(field) => field.any_case,
                            Value::Cut(cut) => cut.any_case,
                            _ => false,
                        };
                        Value::Cut(Cut { from, step, text: Some(Rc::clone(text)), any_case })
                    }
                    None => Value::computed(Rc::clone(text)),
                },
                unknown @ Value::Unknown(_) => unknown,
                _ => Value::computed(Rc::clone(text)),
            },
            ExprKind::Concat(left, right, text) => match (self.value(left, columns), self.value(right, columns)) {
                (Value::Const(left), Value::Const(right)) => {
                    if !self.spend((left.text.len() + right.text.len()) / BYTES_PER_NODE) {
                        return Value::Unknown(Rc::from(BUDGET));
                    }
                    Value::Const(Const::new(format!("{}{}", left.text, right.text), ConstKind::Text))
                }
                _ => Value::computed(Rc::clone(text)),
            },
            ExprKind::Difference(left, right, text) => match (self.value(left, columns), self.value(right, columns)) {
                (Value::Time(_), Value::Time(_)) => Value::computed(Rc::clone(text)),
                (time @ Value::Time(_), other) if other.origin().is_none() => time,
                _ => Value::computed(Rc::clone(text)),
            },
            ExprKind::AnyValue(values) => {
                let values: Vec<Value<'p>> = values.iter().map(|value| self.value(value, columns)).collect();
                Value::either(values, &|| self.line(span))
            }
            ExprKind::IfMade { name, made, otherwise } => {
                let is_made = columns.known.contains_key(&self.key(name));
                self.value(if is_made { made } else { otherwise }, columns)
            }
            ExprKind::Called(inner, text) => match self.value(inner, columns) {
                Value::Computed(computed) => Value::Computed(Computed { text: Rc::clone(text), ..computed }),
                value => value,
            },
            ExprKind::Moved(left, right) => match (self.value(left, columns), self.value(right, columns)) {
                (unknown @ Value::Unknown(_), _) | (_, unknown @ Value::Unknown(_)) => unknown,
                // How long a field's time is ago is something of the field.
                (time @ Value::Time(_), other) | (other, time @ Value::Time(_)) if other.origin().is_none() => time,
                (left, right) => {
                    let from = left.origin().or_else(|| right.origin());
                    Value::Computed(Computed { from, ..Computed::new(self.line(span)) })
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
            | ExprKind::Nothing
            | ExprKind::Sources(_)
            | ExprKind::Xor(..)
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
        Resolved { node: node.map(Rc::new), owner: std::mem::replace(&mut self.owner, outer) }
    }

    fn condition_value(&mut self, expr: &'p Expr, columns: &Columns<'p>) -> Value<'p> {
        let resolved = self.resolved(expr, columns);
        match resolved.node.as_deref().and_then(Node::as_constant) {
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
        if let Some(searches) = self.searches {
            let chooses = (searches.chooses)(name, &[]).is_some();
            let kind = NameKind { chooses, is_of_every_event: (searches.is_of_every_event)(name) };
            return columns.open.find(name, kind);
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
        if let Some(row) = &found.row {
            return Value::Listed(Rc::new(Listed { found: row.found.clone(), value: Value::field(name) }));
        }
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
        if self.searches.is_some() && arms.len() > MAX_ARMS {
            return Value::Unknown(Rc::from("too many branches"));
        }
        let mut kept: Vec<(Rc<Resolved>, Value<'p>)> = Vec::new();
        for (condition, value) in arms {
            let mut resolved = self.resolved(condition, columns);
            let value = self.value(value, columns);
            match resolved.node.as_deref().and_then(Node::as_constant) {
                Some(true) if kept.is_empty() => return value,
                Some(false) => {}
                constant => {
                    if let Some(node) = &mut resolved.node {
                        fail_on_null(Rc::make_mut(node), false);
                    }
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
