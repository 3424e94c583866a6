//! Expressions: what each stands for.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Missing, Node, Op, Span};

use crate::columns::Columns;
use crate::condition::Side;
use crate::engine::{BYTES_PER_NODE, Engine};
use crate::open::NameKind;
use crate::plan::{Const, ConstKind, Expr, ExprKind, Wrapper};
use crate::value::{Arm, Computed, Cut, Found, Letters, Listed, Owner, Resolved, Value};

/// How many values the first that is not missing is chosen from in a script.
const MAX_FIRST: usize = 16;
/// How many values are compared with each other to find out which are the same, in a script.
const MAX_COMPARED: usize = 64;
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
                        None => return Value::computed(self.text_at(span)),
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
                    _ => base.member(name, &|| self.text_at(span)),
                }
            }
            ExprKind::Element(base, index) => {
                let base = self.value(base, columns);
                base.element(index, &|| self.text_at(span))
            }
            ExprKind::First(values) => self.first_of(values, span, columns),
            ExprKind::Case { arms, otherwise } => self.cases(expr, arms, otherwise.as_deref(), columns),
            ExprKind::Wrap(wrapper, inner) => {
                let value = self.value(inner, columns);
                match wrapper {
                    Wrapper::Same => value,
                    Wrapper::AnyCase => value.in_letters(Letters::AnyCase),
                    Wrapper::Lower => value.in_letters(Letters::Lower),
                    Wrapper::Upper => value.in_letters(Letters::Upper),
                    Wrapper::Modified(modifier) => value.modified(*modifier),
                    Wrapper::Number => value.number(),
                    Wrapper::Cut => match value.origin_with_step() {
                        Some((from, step)) => Value::Cut(Cut { from, step, text: None, letters: Letters::AsWritten }),
                        None => Value::computed(self.text_at(span)),
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
                let text = text.clone().unwrap_or_else(|| self.text_at(span));
                Value::Computed(Computed { from, ..Computed::new(text) })
            }
            ExprKind::Written(inner, _) => self.value(inner, columns),
            ExprKind::Changed(inner, text) => match self.value(inner, columns) {
                value @ (Value::Field(_) | Value::Cut(_)) => match value.origin_with_step() {
                    Some((from, step)) => {
                        let letters = match &value {
                            Value::Field(field) => field.letters,
                            Value::Cut(cut) => cut.letters,
                            _ => Letters::AsWritten,
                        };
                        Value::Cut(Cut { from, step, text: Some(Rc::clone(text)), letters })
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
                Value::either(values, &|| self.text_at(span))
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
                    Value::Computed(Computed { from, ..Computed::new(self.text_at(span)) })
                }
            },
            ExprKind::Now => Value::Time(false),
            ExprKind::Index(..)
            | ExprKind::Object(_)
            | ExprKind::Constants(_)
            | ExprKind::Named(_)
            | ExprKind::Apply(..)
            | ExprKind::Shared(_)
            | ExprKind::Let(..)
            | ExprKind::Local(_)
            | ExprKind::ColumnOr(..) => self.script_value(expr, columns),
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
            | ExprKind::OfConstants(..)
            | ExprKind::IfOfField(..)
            | ExprKind::Window => self.condition_value(expr, columns),
            ExprKind::AnyField => Value::field("*"),
            ExprKind::Query(_)
            | ExprKind::SubQuery { .. }
            | ExprKind::SourcesOf(_)
            | ExprKind::Listing(_)
            | ExprKind::NamedTable(..)
            | ExprKind::Saved(_)
            | ExprKind::Tables(_)
            | ExprKind::Table(_)
            | ExprKind::Aliased(..)
            | ExprKind::Union { .. } => Value::Rows(expr),
            ExprKind::Opaque(reason) => Value::Unknown(Rc::clone(reason)),
        }
    }

    /// The first of some values that is not missing.
    #[inline(never)]
    fn first_of(&mut self, values: &'p [Expr], span: Span, columns: &Columns<'p>) -> Value<'p> {
        let values: Vec<Value<'p>> = values.iter().map(|value| self.value(value, columns)).collect();
        // Each is compared with those before it, and asked where those are missing.
        let count: usize = values.iter().map(Value::count).sum();
        if self.semantics.scripts.is_some() && count > MAX_COMPARED {
            return Value::computed(self.text_at(span));
        }
        if !self.budget.work(count.saturating_mul(count) / 64) {
            self.report_budget();
            return Value::Unknown(Rc::from(BUDGET));
        }
        match Value::first(values, &|| self.text_at(span)) {
            // Each condition on it says of all values before one that they are missing.
            Value::First(values, _) if self.semantics.scripts.is_some() && values.len() > MAX_FIRST => {
                Value::computed(self.text_at(span))
            }
            value => value,
        }
    }

    /// What an expression of a script stands for; apart, as it would make the levels of all others higher.
    #[inline(never)]
    fn script_value(&mut self, expr: &'p Expr, columns: &Columns<'p>) -> Value<'p> {
        match &expr.kind {
            ExprKind::Index(base, index) => self.index(base, index, columns),
            ExprKind::Object(members) => {
                let members = members.iter().map(|(name, value)| (Rc::clone(name), self.value(value, columns)));
                Value::Object(Rc::new(members.collect()))
            }
            ExprKind::Constants(constants) => Value::List(Rc::clone(constants)),
            ExprKind::Named(names) => Value::Named(names.as_slice().into()),
            ExprKind::Apply(function, arguments) => self.apply(function, arguments, columns),
            ExprKind::Shared(at) => self.shared_value(*at),
            ExprKind::Let(bindings, body) => {
                self.bind(bindings, columns);
                self.value(body, columns)
            }
            ExprKind::Local(local) => self.local(*local),
            ExprKind::ColumnOr(name, otherwise) => match columns.known.get(&self.key(name)) {
                Some(value) => value.clone(),
                None => self.value(otherwise, columns),
            },
            _ => Value::computed(self.text_at(expr.span)),
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
        if let Some(scripts) = self.semantics.scripts {
            return self.script_name(scripts, name, columns);
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
        if self.semantics.scripts.is_some() {
            if let Some(values) = replaced(&kept, &otherwise) {
                return Value::first(values, &|| self.text_at(expr.span));
            }
            // Whatever the conditions, the value is the same.
            if kept.iter().all(|(_, value)| value.is_same(&otherwise)) {
                return otherwise;
            }
        }
        Value::cases(kept, otherwise, expr.span, &|| self.text_at(expr.span))
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

/// What cases choose from that are written to replace missing values: `iff(isnotempty(a), a, b)`, `iff(isempty(a), b, a)`
/// and `case(isnotempty(a), a, isnotempty(b), b, c)` are `coalesce`.
fn replaced<'p>(arms: &[Arm<'p>], otherwise: &Value<'p>) -> Option<Vec<Value<'p>>> {
    let tests = |condition: &Resolved, value: &Value<'p>| -> Option<bool> {
        let (node, inverted) = match condition.node.as_deref()? {
            Node::Not(inner) => (&**inner, true),
            node => (node, false),
        };
        let (Node::Predicate(predicate), Value::Field(field)) = (node, value) else { return None };
        let is_same = predicate.raw_field == *field.path && predicate.op.is_presence();
        is_same.then_some((predicate.op == Op::IsNotNull) != (inverted != predicate.negated))
    };
    if let [(condition, value)] = arms
        && tests(condition, otherwise) == Some(false)
    {
        return Some(vec![otherwise.clone(), value.clone()]);
    }
    let all = !arms.is_empty() && arms.iter().all(|(condition, value)| tests(condition, value) == Some(true));
    all.then(|| arms.iter().map(|(_, value)| value.clone()).chain([otherwise.clone()]).collect())
}
