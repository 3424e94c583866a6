//! Expressions that are conditions.

use std::rc::Rc;

use ruleatlas_model::{Diagnostic, Missing, Node, Op, Predicate, Span};

use crate::columns::Columns;
use crate::compare::{Right, Set};
use crate::element;
use crate::engine::{BYTES_PER_NODE, Engine};
use crate::plan::{CaseRule, Comparison, Const, ConstKind, Expr, ExprKind, MissingRule, Operand, Relation};
use crate::value::{Computed, Field, Found, Owner, Resolved, Value};

/// Where a condition stands among others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Side {
    /// Under an odd number of `not`s.
    pub negative: bool,
    /// Within an alternative: leaving it out would change what the others mean.
    pub alternative: bool,
    /// In the condition of a join, where an equality of two fields is a key.
    pub is_join: bool,
}

/// Whether a value must be there, and how that is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presence {
    pub present: bool,
    pub empty_is_null: bool,
    pub span: Span,
    pub side: Side,
}

impl<'p> Engine<'p, '_> {
    /// The condition that an expression is; `None` where it says nothing of the event: a time window, or a sub-query
    /// that is a step of its own.
    pub fn condition(&mut self, expr: &'p Expr, columns: &Columns<'p>, side: Side) -> Option<Node> {
        if !self.enter() {
            return Some(self.beyond_budget(expr.span));
        }
        let node = self.condition_of(expr, columns, side);
        self.leave();
        node
    }

    fn condition_of(&mut self, expr: &'p Expr, columns: &Columns<'p>, side: Side) -> Option<Node> {
        match &expr.kind {
            ExprKind::All(children) | ExprKind::Any(children) => {
                let is_any = matches!(expr.kind, ExprKind::Any(_));
                let inner = Side { alternative: side.alternative || is_any != side.negative, ..side };
                let asked = self.sub_queries;
                let nodes: Vec<Node> =
                    children.iter().filter_map(|child| self.condition(child, columns, inner)).collect();
                if nodes.is_empty() && !children.is_empty() {
                    return None;
                }
                let is_alternative = is_any && inner.alternative;
                if is_alternative && nodes.len() < children.len() && self.sub_queries == asked {
                    let message = "A restriction of time is one of several alternatives; it is left out.";
                    self.diagnostics.push(Diagnostic::note("time window in an alternative", message).at(expr.span));
                }
                Some(if is_any { Node::any(nodes) } else { Node::all(nodes) })
            }
            ExprKind::Not(inner) => {
                let side = Side { negative: !side.negative, ..side };
                self.condition(inner, columns, side).map(Node::not)
            }
            ExprKind::Compare(comparison, left, right) => {
                self.comparison(*comparison, left, right, expr.span, columns, side)
            }
            ExprKind::Presence { of, present, empty_is_null } => {
                let value = self.value(of, columns);
                let asked = Presence { present: *present, empty_is_null: *empty_is_null, span: expr.span, side };
                self.presence(&value, of.span, asked)
            }
            ExprKind::Exists(query, label) => {
                let label = label.as_deref().unwrap_or(self.semantics.sub_query);
                self.sub_query(query, label, side.negative);
                side.alternative.then(|| {
                    let line = self.line(expr.span);
                    self.computed(&line, Op::Eq, vec!["true".to_owned()], expr.span)
                })
            }
            ExprKind::AnyElement(inner, text) => {
                let inner_side = Side { alternative: true, ..Side::default() };
                let node = self.condition(inner, columns, inner_side).unwrap_or_else(Node::always);
                let joint = self.computed(text, Op::Eq, vec!["true".to_owned()], expr.span);
                Some(element::exists(node, &joint))
            }
            ExprKind::Called(inner, text) => {
                let node = self.condition(inner, columns, side)?;
                let is_computed = node.predicates().next().is_some()
                    && node.predicates().all(|predicate| predicate.computed)
                    && node.opaques().next().is_none();
                Some(if is_computed { self.computed(text, Op::Eq, vec!["true".to_owned()], expr.span) } else { node })
            }
            ExprKind::Window => None,
            ExprKind::Condition(node) => {
                self.owner = self.owner.and(Owner::One(None));
                self.copied(std::slice::from_ref(&**node)).pop()
            }
            _ => {
                let value = self.value(expr, columns);
                self.truth(&value, expr.span)
            }
        }
    }

    fn comparison(
        &mut self,
        comparison: Comparison,
        left: &'p Expr,
        right: &'p Operand,
        span: Span,
        columns: &Columns<'p>,
        side: Side,
    ) -> Option<Node> {
        let left_value = self.value(left, columns);
        if let Value::Rows(rows) = &left_value {
            self.sub_query(rows, self.semantics.sub_query, side.negative);
        }
        let negative = side.negative != comparison.negated;
        let items = match right {
            Operand::One(right) => {
                let value = self.value(right, columns);
                return match value {
                    Value::Rows(rows) => {
                        let mut set = Set::default();
                        if comparison.relation == Relation::Equal {
                            self.add_rows(&mut set, rows, negative, span);
                        } else {
                            self.sub_query(rows, self.semantics.sub_query, negative);
                            set.computed.push(self.line(right.span).to_string());
                        }
                        self.relate(comparison, &left_value, left.span, &Right::Set(&set), span, side)
                    }
                    value => {
                        let right = Right::Value(&value, right.span);
                        self.relate(comparison, &left_value, left.span, &right, span, side)
                    }
                };
            }
            Operand::AnyOf(items) | Operand::AllOf(items) => items,
        };
        let mut set = Set::default();
        for item in items {
            let value = self.value(item, columns);
            if let Value::Rows(rows) = &value {
                self.add_rows(&mut set, rows, negative, span);
            } else {
                self.add_to_set(&mut set, &value, item.span);
            }
            if self.budget.is_spent() {
                return Some(self.beyond_budget(span));
            }
        }
        if matches!(right, Operand::AnyOf(_)) {
            return self.relate(comparison, &left_value, left.span, &Right::Set(&set), span, side);
        }
        if set.is_constant() {
            // Each of the values by itself.
            let single = comparison.negated(false);
            let mut nodes = Vec::new();
            for constant in &set.constants {
                let value = Value::Const(constant.clone());
                nodes.extend(self.relate(single, &left_value, left.span, &Right::Value(&value, span), span, side));
            }
            let node = Node::all(nodes);
            return Some(if comparison.negated { node.not() } else { node });
        }
        let node = self.computed_set(comparison, &left_value, left.span, &set, span);
        Some(node)
    }

    fn add_rows(&mut self, set: &mut Set, rows: &'p Expr, negative: bool, span: Span) {
        self.sub_query(rows, self.semantics.sub_query, negative);
        set.rows.push(self.line(span).to_string());
    }

    fn add_to_set(&mut self, set: &mut Set, value: &Value<'p>, span: Span) {
        match value {
            Value::Field(field) => set.fields.push(field.clone()),
            Value::Unknown(reason) => set.unknown = Some(Rc::clone(reason)),
            Value::Condition(resolved) => set.conditions.push(Rc::clone(resolved)),
            // Everything that a case can give.
            Value::Cases(cases) => {
                for value in cases.arms.iter().map(|(_, value)| value).chain([&cases.otherwise]) {
                    if !self.enter() {
                        return;
                    }
                    self.add_to_set(set, value, span);
                    self.leave();
                }
            }
            other => match other.constants() {
                Some(constants) => {
                    let is_null = |constant: &Const| constant.kind == ConstKind::Null;
                    if self.budget.work(constants.len() / 8) {
                        set.constants.extend(constants.into_iter().filter(|constant| !is_null(constant)));
                    }
                }
                None => {
                    let text = self.label(other, span).to_string();
                    if set.seen.insert(text.clone()) {
                        set.computed.push(text);
                    }
                }
            },
        }
    }

    /// A value as a truth test.
    pub fn truth(&mut self, value: &Value<'p>, span: Span) -> Option<Node> {
        match value {
            Value::Condition(resolved) => self.resolved_again(resolved),
            Value::Time(_) => None,
            Value::Const(constant) => Some(match constant.kind {
                ConstKind::Bool => Node::constant(&*constant.text == "true"),
                ConstKind::Number => Node::constant(constant.text.parse::<f64>().is_ok_and(|number| number != 0.0)),
                ConstKind::Null => Node::never(),
                _ => self.opaque("a value where a condition is meant", span),
            }),
            Value::Field(field) => {
                let is_true = [Const::bool(true)];
                let rule = self.semantics.missing;
                let comparison = Comparison::new(Relation::Equal, CaseRule::Ignore, rule);
                self.field_predicate(field, comparison, &is_true, false, span)
            }
            Value::Either(values) => {
                let nodes: Vec<Node> = values.iter().filter_map(|value| self.truth(value, span)).collect();
                (!nodes.is_empty()).then(|| Node::any(nodes))
            }
            Value::First(values, _) => self.first(values, false, span, &mut |this, value| this.truth(value, span)),
            Value::Listed(listed) => self.truth(&listed.value, span),
            Value::Cases(cases) => self.spread(cases, &mut |this, value| this.truth(value, span)),
            Value::Unknown(reason) => Some(self.opaque(reason, span)),
            Value::List(_) => Some(self.opaque("a value where a condition is meant", span)),
            Value::Rows(_) | Value::Cut(_) | Value::Collected(..) | Value::Computed(_) => {
                let label = self.label(value, span);
                Some(self.computed(&label, Op::Eq, vec!["true".to_owned()], span))
            }
        }
    }

    /// The condition that a value holds; it is asked of the same events.
    pub fn resolved_again(&mut self, resolved: &Resolved) -> Option<Node> {
        self.owner = self.owner.and(resolved.owner);
        self.copied(std::slice::from_ref(resolved.node.as_ref()?)).pop()
    }

    /// Whether a value is there, or missing.
    pub fn presence(&mut self, value: &Value<'p>, written: Span, asked: Presence) -> Option<Node> {
        let Presence { present, empty_is_null, span, side } = asked;
        let op = if present { Op::IsNotNull } else { Op::IsNull };
        match value {
            Value::Field(field) => {
                if !self.spend(1 + field.path.len() / BYTES_PER_NODE) {
                    return Some(self.beyond_budget(span));
                }
                let mut predicate = self.predicate(field, op, Vec::new(), span);
                predicate.empty_is_null = empty_is_null;
                if !present && self.semantics.missing != MissingRule::Null {
                    predicate.missing = Missing::Holds;
                }
                Some(predicate.into())
            }
            Value::Const(constant) => {
                let is_empty = constant.kind == ConstKind::Null || empty_is_null && constant.text.is_empty();
                Some(Node::constant(is_empty != present))
            }
            Value::List(_) => Some(Node::constant(present)),
            Value::Time(_) => None,
            Value::Listed(listed) => match &listed.found {
                // The list has a row for the event, or none.
                Found::Where(found) => {
                    let mut node = self.resolved_again(found)?;
                    node.for_each_predicate_mut(&mut |predicate| predicate.span = span);
                    Some(if present { node } else { node.not() })
                }
                // The other table's event must be there, or must not, whatever else is asked for.
                Found::Step(slot) if !side.alternative && self.require(*slot, present == side.negative) => None,
                Found::Step(_) => {
                    let label = self.label(value, written);
                    Some(self.computed(&label, op, Vec::new(), span))
                }
            },
            // The first that is there: missing when all are.
            Value::Either(values) | Value::First(values, _) => {
                let nodes: Vec<Node> = values.iter().filter_map(|value| self.presence(value, written, asked)).collect();
                Some(if present { Node::any(nodes) } else { Node::all(nodes) })
            }
            Value::Cases(cases) => self.spread(cases, &mut |this, value| this.presence(value, written, asked)),
            Value::Unknown(reason) => Some(self.opaque(reason, span)),
            Value::Condition(_) | Value::Rows(_) | Value::Cut(_) | Value::Collected(..) | Value::Computed(_) => {
                let label = self.label(value, written);
                Some(self.computed(&label, op, Vec::new(), span))
            }
        }
    }

    /// A comparison of a field, as far as all comparisons are alike.
    pub fn predicate(&mut self, field: &Field, op: Op, values: Vec<String>, span: Span) -> Predicate {
        self.owner = self.owner.and(Owner::One(field.step));
        let mut predicate = Predicate::new(&*field.path, op, values);
        predicate.derived_from = field.from.as_deref().map(str::to_owned);
        predicate.modifiers = field.modifier.into_iter().collect();
        predicate.span = span;
        predicate
    }

    /// A comparison of something computed.
    pub fn computed(&mut self, label: &str, op: Op, values: Vec<String>, span: Span) -> Node {
        self.owner = self.owner.and(Owner::One(None));
        let mut predicate = Predicate::new(label, op, values);
        predicate.computed = true;
        predicate.missing = match op {
            Op::IsNull if self.semantics.missing != MissingRule::Null => Missing::Holds,
            Op::IsNull | Op::IsNotNull => Missing::Fails,
            _ => Missing::Null,
        };
        predicate.span = span;
        predicate.into()
    }

    /// What a value is called: the field, or the text that it is computed by.
    pub fn label(&self, value: &Value<'p>, written: Span) -> Rc<str> {
        match value {
            Value::Computed(Computed { text, .. }) | Value::Collected(text, _) => Rc::clone(text),
            Value::Field(field) => Rc::clone(&field.path),
            Value::Listed(listed) => self.label(&listed.value, written),
            _ => self.line(written),
        }
    }
}
