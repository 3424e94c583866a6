//! Expressions that are conditions: `and`, `or`, comparisons, truth tests.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Missing, Node, Op, Predicate, Span};

use super::compare::{Right, Set};
use super::value::{Arms, Columns, Const, Rows, Value};
use super::{Lowering, Place};
use crate::ast::{Comparison, Expr, ExprKind, LiteralKind, Relation};

/// Where a condition stands among others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Side {
    /// Under an odd number of `not`s.
    pub negative: bool,
    /// Within an alternative: leaving it out would change what the others mean.
    pub alternative: bool,
    /// In a `search`, where a text alone is a keyword.
    pub search: bool,
    /// Whether keywords tell cases apart.
    pub search_cased: bool,
}

impl<'a> Lowering<'a, '_> {
    /// The condition that an expression is; `None` where it says nothing of the event: a time window, or a sub-query
    /// that is a step of its own.
    pub(super) fn condition(&mut self, expr: &'a Expr<'a>, place: Place<'_, 'a>, side: Side) -> Option<Node> {
        if !self.enter() {
            return Some(Node::opaque(self.snippet(expr.span), BUDGET, expr.span));
        }
        let node = self.condition_of(expr, place, side);
        self.leave();
        node
    }

    fn condition_of(&mut self, expr: &'a Expr<'a>, place: Place<'_, 'a>, side: Side) -> Option<Node> {
        match &expr.kind {
            ExprKind::And(children) | ExprKind::Or(children) => {
                let is_or = matches!(expr.kind, ExprKind::Or(_));
                let inner = Side { alternative: side.alternative || is_or != side.negative, ..side };
                let nodes: Vec<_> = children.iter().filter_map(|child| self.condition(child, place, inner)).collect();
                match nodes.len() {
                    0 => None,
                    _ if is_or => Some(Node::any(nodes)),
                    _ => Some(Node::all(nodes)),
                }
            }
            ExprKind::Compare(comparison, left, right) => {
                self.compare(*comparison, left, right, expr.span, place, side)
            }
            ExprKind::CompareList(comparison, left, items) => {
                self.compare_list(*comparison, left, items, expr.span, place, side)
            }
            ExprKind::Between { value, low, high, negated } => {
                let bound = |operator| Comparison { operator, negated: false, case_sensitive: false };
                let low = self.compare(bound(Relation::GreaterEqual), value, low, expr.span, place, side);
                let high = self.compare(bound(Relation::LessEqual), value, high, expr.span, place, side);
                let node = match (low, high) {
                    (Some(low), Some(high)) => Node::all([low, high]),
                    // A bound in time makes the whole a window.
                    _ => return None,
                };
                Some(if *negated { node.not() } else { node })
            }
            ExprKind::Broken(reason) => Some(self.undefined(reason, expr.span)),
            ExprKind::Call(name, arguments)
                if super::call::is_condition(name) && self.scopes.get(place.scope, name).is_none() =>
            {
                self.call_condition(expr, name, arguments, place, side)
            }
            ExprKind::Literal(literal) if side.search && literal.kind != LiteralKind::Bool => {
                Some(Self::keyword(&literal.text, side.search_cased, expr.span))
            }
            _ => {
                let value = self.scalar(expr, place);
                if side.search
                    && let Value::Const(constant) = &value
                    && constant.kind == LiteralKind::String
                {
                    return Some(Self::keyword(&constant.text, side.search_cased, expr.span));
                }
                self.truth(&value, expr.span, side)
            }
        }
    }

    /// A value as a truth test.
    pub(super) fn truth(&mut self, value: &Value<'a>, span: Span, side: Side) -> Option<Node> {
        match value {
            Value::Condition(None) | Value::Time(_) => None,
            Value::Condition(Some(resolved)) => self.resolved_again(resolved),
            Value::Const(constant) => constant.as_bool().map(Node::constant),
            Value::Field(field) if field.path.is_empty() => None,
            Value::Field(field) => {
                self.about(field.step);
                let mut predicate = Predicate::new(&*field.path, Op::Eq, ["true"]);
                predicate.derived_from = field.from.as_deref().map(str::to_owned);
                predicate.span = span;
                Some(predicate.into())
            }
            Value::Either(values) => {
                let nodes: Vec<_> = values.iter().filter_map(|value| self.truth(value, span, side)).collect();
                (!nodes.is_empty()).then(|| Node::any(nodes))
            }
            Value::First(values) => {
                self.first(values, false, span, side, &mut |this, value| this.truth(value, span, side))
            }
            Value::Outer(outer) => self.truth(&outer.value, span, side),
            Value::Cases(arms, rest) => {
                self.spread(&arms.clone(), &rest.clone(), &mut |this, value| this.truth(value, span, side))
            }
            Value::Unknown(name) => Some(self.undefined(name, span)),
            Value::Rows(rows) => {
                self.rows(rows, side);
                Some(self.computed(span, Op::Eq, false, vec!["true".to_owned()], span))
            }
            Value::List(_)
            | Value::Json(_)
            | Value::Named(_)
            | Value::Cut(_)
            | Value::Collected(_)
            | Value::Row(..)
            | Value::Computed => Some(self.computed(span, Op::Eq, false, vec!["true".to_owned()], span)),
        }
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        left: &'a Expr<'a>,
        right: &'a Expr<'a>,
        span: Span,
        place: Place<'_, 'a>,
        side: Side,
    ) -> Option<Node> {
        let right_value = self.scalar(right, place);
        if let Some(node) = self.position_test(comparison, left, &right_value, place, span) {
            return Some(node);
        }
        let left_value = self.scalar(left, place);
        if let Value::Rows(rows) = &left_value {
            self.rows(rows, side);
        }
        if let Value::Rows(rows) = &right_value {
            if matches!(left_value, Value::Time(_)) {
                return None;
            }
            let turned = Side { negative: side.negative != comparison.negated, alternative: true, ..side };
            let set = self.rows(rows, turned);
            let relation = if comparison.operator == Relation::Equal { Relation::In } else { comparison.operator };
            let set = if set.rows.is_empty() {
                set
            } else {
                Set { computed: vec![self.snippet(right.span)], ..Set::default() }
            };
            let relation = if set.computed.is_empty() { relation } else { comparison.operator };
            let comparison = Comparison { operator: relation, ..comparison };
            return self.relate(comparison, &left_value, left.span, &Right::Set(&set), span, side);
        }
        self.relate(comparison, &left_value, left.span, &Right::Value(&right_value, right.span), span, side)
    }

    fn compare_list(
        &mut self,
        comparison: Comparison,
        left: &'a Expr<'a>,
        items: &'a [Expr<'a>],
        span: Span,
        place: Place<'_, 'a>,
        side: Side,
    ) -> Option<Node> {
        let left_value = self.scalar(left, place);
        if let Value::Rows(rows) = &left_value {
            self.rows(rows, side);
        }
        let turned = Side { negative: side.negative != comparison.negated, ..side };
        let mut set = Set::default();
        for item in items {
            let value = self.scalar(item, place);
            self.add_to_set(&mut set, &value, item.span, turned);
            if self.budget.is_spent() {
                break;
            }
        }
        if !self.has_room_for_values(set.constants.len()) {
            return Some(Node::opaque(self.snippet(span), BUDGET, span));
        }
        if items.is_empty() {
            set.computed.push("()".to_owned());
        }
        self.relate(comparison, &left_value, left.span, &Right::Set(&set), span, side)
    }

    fn add_to_set(&mut self, set: &mut Set, value: &Value<'a>, span: Span, side: Side) {
        match value {
            Value::Rows(rows) => {
                let more = self.rows(rows, side);
                set.constants.extend(more.constants);
                set.names.extend(more.names);
                set.rows.extend(more.rows);
            }
            Value::Named(names) => set.names.extend(names.iter().cloned()),
            Value::Field(field) => set.fields.push(field.clone()),
            Value::Unknown(name) => set.unknown = Some(name.clone()),
            // Everything that a case can give.
            Value::Cases(arms, rest) => {
                for value in arms.iter().map(|(_, value)| value).chain([&**rest]) {
                    if !self.enter() {
                        return;
                    }
                    self.add_to_set(set, value, span, side);
                    self.leave();
                }
            }
            Value::List(list) if list.is_empty() => set.names.push(Rc::from("dynamic([])")),
            other => match other.constants() {
                Some(constants) => {
                    if self.budget.work(constants.len()) {
                        set.constants.extend(constants);
                    }
                }
                None => {
                    let text = self.snippet(span);
                    if set.seen.insert(text.clone()) {
                        set.computed.push(text);
                    }
                }
            },
        }
    }

    /// The values that a sub-query gives: those of a list, or a step of its own.
    pub(super) fn rows(&mut self, rows: &Rows<'a>, side: Side) -> Set {
        let label = rows.name.as_ref().map_or_else(|| "sub-query".to_owned(), |name| format!("let {name}"));
        let outer = self.naming.len();
        self.naming.extend(rows.name.clone());
        let flow = self.leg(rows.expr, rows.scope, &label, side.negative);
        self.naming.truncate(outer);
        let mut set = Set::default();
        let Some(list) = &flow.columns.list else {
            let name = match (&rows.name, &rows.expr.kind) {
                (Some(name), _) => name.to_string(),
                (None, ExprKind::Name(name)) => name.to_string(),
                _ => self.snippet(rows.expr.span),
            };
            set.rows.push(name);
            self.sub_queries += 1;
            return set;
        };
        match listed(&flow.columns) {
            Some(Value::Named(names)) => set.names.extend(names.iter().cloned()),
            Some(value) => match value.constants() {
                Some(constants) if !constants.is_empty() => set.constants = constants,
                _ => set.names.extend(list.iter().cloned()),
            },
            None => set.names.extend(list.iter().cloned()),
        }
        if set.names.is_empty() && set.constants.is_empty() {
            set.computed.push(self.snippet(rows.expr.span));
        }
        set
    }

    /// A condition on a value that is one of several: each with the condition that leads to it.
    pub(super) fn spread(
        &mut self,
        arms: &Arms<'a>,
        rest: &Rc<Value<'a>>,
        on: &mut dyn FnMut(&mut Self, &Value<'a>) -> Option<Node>,
    ) -> Option<Node> {
        if !self.enter() {
            return Some(Node::opaque("", BUDGET, Span::default()));
        }
        let mut alternatives = Vec::new();
        let mut before: Vec<Node> = Vec::new();
        let mut says_something = false;
        for (condition, value) in arms.iter().map(|(node, value)| (Some(node), value)).chain([(None, &**rest)]) {
            let result = on(self, value);
            says_something |= result.is_some();
            let result = result.unwrap_or_else(Node::always);
            let leads_here = match condition {
                Some(Some(resolved)) => self.resolved_again(resolved),
                _ => None,
            };
            if result.as_constant() != Some(false) {
                let mut parts = self.copied(&before);
                parts.extend(leads_here.clone());
                parts.push(result);
                alternatives.push(Node::all(parts));
            }
            before.extend(leads_here.map(Node::not));
        }
        self.leave();
        if !says_something {
            return None;
        }
        let node = Node::any(alternatives);
        let fits = self.has_room(std::slice::from_ref(&node));
        Some(if fits { node } else { Node::opaque("", BUDGET, Span::default()) })
    }

    /// A condition on the first of some values that is not empty: each is asked where those before it are empty.
    ///
    /// `on` gives the condition as written, its negation included.
    pub(super) fn first(
        &mut self,
        values: &[Value<'a>],
        negated: bool,
        span: Span,
        side: Side,
        on: &mut dyn FnMut(&mut Self, &Value<'a>) -> Option<Node>,
    ) -> Option<Node> {
        let mut alternatives = Vec::new();
        let mut empty: Vec<Node> = Vec::new();
        for (at, value) in values.iter().enumerate() {
            let is_last = at + 1 == values.len();
            let mut node = on(self, value)?;
            if !is_last {
                // Without a value it is the next one's turn.
                let missing = if negated { Missing::Holds } else { Missing::Fails };
                node.for_each_predicate_mut(&mut |predicate| {
                    if !predicate.op.is_presence() {
                        predicate.missing = missing;
                    }
                });
            }
            let node = if negated { node.not() } else { node };
            match node.as_constant() {
                Some(false) => {}
                // The constant that stands for a missing value passes: that it is missing is what is asked for.
                Some(true) => alternatives.push(Node::all(self.copied(&empty))),
                None => {
                    let mut parts = self.copied(&empty);
                    for part in &mut parts {
                        part.for_each_predicate_mut(&mut |predicate| predicate.guard = true);
                    }
                    parts.push(node);
                    alternatives.push(Node::all(parts));
                }
            }
            if !is_last {
                empty.extend(self.presence(value, span, true, span, side));
            }
        }
        let node = Node::any(alternatives);
        Some(if negated { node.not() } else { node })
    }

    /// A comparison of something computed: `written` is the place of its text.
    pub(super) fn computed(&self, written: Span, op: Op, negated: bool, values: Vec<String>, span: Span) -> Node {
        self.about(None);
        let mut predicate = Predicate::new(self.snippet(written), op, values);
        predicate.negated = negated;
        predicate.computed = true;
        predicate.span = span;
        predicate.into()
    }

    /// What stands at a place is not known, for this reason.
    pub(super) fn undefined(&self, reason: &str, span: Span) -> Node {
        self.about(None);
        Node::opaque(self.snippet(span), reason, span)
    }
}

/// The value that a list's first column gives.
fn listed<'v, 'a>(columns: &'v Columns<'a>) -> Option<&'v Value<'a>> {
    if columns.known.len() == 1 {
        return columns.known.values().next();
    }
    // Several columns: lists of one length, of which the first cannot be told.
    columns.known.values().find(|value| matches!(value, Value::Named(_)))
}

/// Whether two constants are equal, as far as the text tells.
pub(super) fn same(left: &Const, right: &Const, cased: bool) -> bool {
    if let (Some(a), Some(b)) = (left.as_number(), right.as_number()) {
        return (a - b).abs() < f64::EPSILON;
    }
    if cased { left.text == right.text } else { left.text.to_lowercase() == right.text.to_lowercase() }
}
