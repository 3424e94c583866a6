//! Expressions that are conditions.

use std::rc::Rc;

use ruleatlas_model::{Diagnostic, Missing, Node, Op, Predicate, Span};

use crate::columns::Columns;
use crate::compare::{Right, Set};
use crate::element;
use crate::engine::{BYTES_PER_NODE, Engine};
use crate::looked::Asked;
use crate::plan::{CaseRule, Comparison, Const, ConstKind, Expr, ExprKind, MissingRule, Operand, Relation};
use crate::value::{Computed, Cut, Field, Found, Owner, Resolved, Value};

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
                let mut nodes = Vec::new();
                let (mut chooses, mut says_nothing) = (false, false);
                for child in children {
                    let before = self.choices;
                    match self.condition(child, columns, inner) {
                        Some(node) => nodes.push(node),
                        None => {
                            chooses |= self.choices > before;
                            says_nothing |= self.choices == before && !matches!(child.kind, ExprKind::Nothing);
                        }
                    }
                }
                if nodes.is_empty() && !children.is_empty() {
                    return None;
                }
                let is_alternative = is_any && inner.alternative;
                if is_any && !side.negative && chooses {
                    // An event of the chosen data passes without the comparisons that stand as alternatives to it.
                    for predicate in nodes.iter().flat_map(Node::predicates) {
                        let message = format!("`{}` is an alternative to a choice of data", predicate.raw_field);
                        let note = Diagnostic::note("alternative to a choice of data", message);
                        self.diagnostics.push(note.at(predicate.span));
                    }
                    return None;
                }
                if is_alternative && says_nothing && self.sub_queries == asked {
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
            ExprKind::IfOfField(..) | ExprKind::Let(..) | ExprKind::OfConstants(..) => {
                self.script_condition(expr, columns, side)
            }
            ExprKind::Called(inner, text) => {
                let node = self.condition(inner, columns, side)?;
                Some(if is_computed(&node) {
                    self.computed(text, Op::Eq, vec!["true".to_owned()], expr.span)
                } else {
                    node
                })
            }
            ExprKind::Window | ExprKind::Nothing => None,
            ExprKind::Sources(sources) => {
                self.choices += 1;
                sources.iter().for_each(|source| self.choose(source.kind, &source.name));
                None
            }
            ExprKind::IfMade { name, made, otherwise } => {
                let is_made = columns.known.contains_key(&self.key(name));
                self.condition(if is_made { made } else { otherwise }, columns, side)
            }
            ExprKind::Xor(left, right) => {
                let inner = Side { alternative: true, ..side };
                let (left, right) = (self.condition(left, columns, inner)?, self.condition(right, columns, inner)?);
                let both = [left, right];
                let copies = self.copied(&both);
                let ([left, right], Ok([same, other])) = (both, <[Node; 2]>::try_from(copies)) else {
                    return Some(self.beyond_budget(expr.span));
                };
                Some(Node::any([Node::all([left, right.not()]), Node::all([same.not(), other])]))
            }
            ExprKind::Condition(node) => {
                self.owner = self.owner.and(Owner::One(None));
                self.copied(std::slice::from_ref(&**node)).pop()
            }
            _ => {
                let value = self.value(expr, columns);
                if let (Value::Rows(rows), true) = (&value, self.semantics.scripts.is_some()) {
                    self.rows_set(rows, side.negative);
                }
                self.truth(&value, expr.span)
            }
        }
    }

    /// The condition that an expression of a script is; apart, as it would make the levels of all others higher.
    #[inline(never)]
    fn script_condition(&mut self, expr: &'p Expr, columns: &Columns<'p>, side: Side) -> Option<Node> {
        match &expr.kind {
            ExprKind::IfOfField(inner, otherwise) => {
                let owner = self.owner;
                match self.condition(inner, columns, side) {
                    Some(node) if is_computed(&node) => {
                        self.owner = owner;
                        self.condition(otherwise, columns, side)
                    }
                    node => node,
                }
            }
            ExprKind::Let(bindings, body) => {
                self.bind(bindings, columns);
                self.condition(body, columns, side)
            }
            ExprKind::OfConstants(make, name, value) => {
                let constants = self.value(value, columns).constants()?;
                if !self.spend(constants.len()) {
                    return Some(self.beyond_budget(expr.span));
                }
                self.owner = self.owner.and(Owner::One(None));
                make(name, &constants, expr.span)
            }
            _ => None,
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
        if comparison.chooses && self.chooses_data(comparison, &left_value, right, columns, side) {
            return None;
        }
        if let (Value::Rows(rows), true) = (&left_value, self.semantics.scripts.is_some()) {
            self.rows_set(rows, side.negative);
        } else if let Value::Rows(rows) = &left_value {
            self.sub_query(rows, self.semantics.sub_query, side.negative);
        }
        let negative = side.negative != comparison.negated;
        let items = match right {
            Operand::One(right) => {
                let value = self.value(right, columns);
                return match value {
                    Value::Rows(rows) if self.semantics.scripts.is_some() => {
                        let left = (&left_value, left.span);
                        self.relate_rows(comparison, left, (rows, right.span), negative, (span, side))
                    }
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
                        let written = match (&left.kind, &right.kind) {
                            (ExprKind::Written(_, left), ExprKind::Written(_, right)) => {
                                Some((Rc::clone(left), Rc::clone(right)))
                            }
                            _ => None,
                        };
                        let outer = std::mem::replace(&mut self.written, written);
                        let node =
                            self.relate_sides(comparison, (&left_value, left.span), (&value, right.span), span, side);
                        self.written = outer;
                        node
                    }
                };
            }
            Operand::AnyOf(items) | Operand::AllOf(items) => items,
        };
        let mut set = Set::default();
        for item in items {
            let value = self.value(item, columns);
            if let (Value::Rows(rows), true) = (&value, self.semantics.scripts.is_some()) {
                self.add_script_rows(&mut set, rows, comparison.relation, negative);
            } else if let Value::Rows(rows) = &value {
                self.add_rows(&mut set, rows, negative, span);
            } else {
                self.add_to_set(&mut set, &value, item.span);
            }
            if self.budget.is_spent() {
                return Some(self.beyond_budget(span));
            }
        }
        // A list that is known by its name is compared as a whole.
        if matches!(right, Operand::AnyOf(_)) || !set.names.is_empty() {
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

    /// A comparison with the rows of a sub-query in a script: with the values of a list, or with something computed.
    #[inline(never)]
    fn relate_rows(
        &mut self,
        comparison: Comparison,
        (left, written): (&Value<'p>, Span),
        (rows, place): (&'p Expr, Span),
        negative: bool,
        (span, side): (Span, Side),
    ) -> Option<Node> {
        // A moment that other events have is a bound of the rule's window.
        if matches!(left, Value::Time(_)) {
            return None;
        }
        let set = self.rows_set(rows, negative);
        let computed = Value::computed(Rc::from(""));
        let right = if set.rows.is_empty() && set.computed.is_empty() {
            Right::Set(&set)
        } else {
            Right::Value(&computed, place)
        };
        self.relate(comparison, left, written, &right, span, side)
    }

    /// A comparison of two values. What compares events of several steps is asked of none of them, and neither is what
    /// compares the first of some values with what is no constant.
    fn relate_sides(
        &mut self,
        comparison: Comparison,
        (left, written): (&Value<'p>, Span),
        (right, place): (&Value<'p>, Span),
        span: Span,
        side: Side,
    ) -> Option<Node> {
        let is_first = |value: &Value<'p>| matches!(value, Value::First(..) | Value::Either(_));
        let is_open = |value: &Value<'p>| value.constants().is_none() && self.is_of_field(value);
        if self.written.is_some() && is_open(left) && is_open(right) && (is_first(left) || is_first(right)) {
            return self.leaf_computed(comparison, left, written, (right, place), span);
        }
        let outer = std::mem::replace(&mut self.owner, Owner::Nobody);
        let node = self.relate(comparison, left, written, &Right::Value(right, place), span, side);
        let is_choice = matches!(left, Value::Cases(_)) || matches!(right, Value::Cases(_));
        let node = if self.owner == Owner::Several && is_choice && self.written.is_some() {
            self.leaf_computed(comparison, left, written, (right, place), span)
        } else {
            node
        };
        self.owner = outer.and(self.owner);
        node
    }

    /// Whether a comparison is a choice of the data that is read.
    fn chooses_data(
        &mut self,
        comparison: Comparison,
        left: &Value<'p>,
        right: &'p Operand,
        columns: &Columns<'p>,
        side: Side,
    ) -> bool {
        let (Some(searches), Value::Field(Field { path, from: None, .. })) = (self.searches, left) else {
            return false;
        };
        let Some(kind) = (searches.chooses)(path, &self.reads) else { return false };
        let values = match right {
            Operand::One(right) => self.value(right, columns).constants(),
            Operand::AnyOf(items) | Operand::AllOf(items) => {
                let values: Option<Vec<Vec<Const>>> =
                    items.iter().map(|item| self.value(item, columns).constants()).collect();
                values.map(|values| values.concat())
            }
        };
        let Some(values) = values else { return false };
        self.choices += 1;
        if comparison.relation.is_equality() && comparison.negated == side.negative {
            values.iter().for_each(|value| self.choose(kind, &value.text));
        }
        true
    }

    /// Whether the comparison of this value with a time is one of the value, and not the rule's window.
    pub fn is_of_field(&self, value: &Value<'p>) -> bool {
        self.searches.is_some_and(|searches| searches.fields_are_no_window)
            && !matches!(
                value,
                Value::Time(_) | Value::Const(_) | Value::List(_) | Value::Looked(..) | Value::Listed(_)
            )
    }

    #[inline(never)]
    fn add_script_rows(&mut self, set: &mut Set, rows: &'p Expr, relation: Relation, negative: bool) {
        let more = self.rows_set(rows, negative);
        set.constants.extend(more.constants);
        set.names.extend(more.names);
        if relation == Relation::Cidr {
            // The networks of its events are not known.
            set.computed.extend(more.rows);
        } else {
            set.rows.extend(more.rows);
        }
    }

    fn add_rows(&mut self, set: &mut Set, rows: &'p Expr, negative: bool, span: Span) {
        self.sub_query(rows, self.semantics.sub_query, negative);
        set.rows.push(self.line(span).to_string());
    }

    fn add_to_set(&mut self, set: &mut Set, value: &Value<'p>, span: Span) {
        match value {
            Value::Field(field) => set.fields.push(field.clone()),
            Value::Named(names) => set.names.extend(names.iter().cloned()),
            Value::List(list) if list.is_empty() && self.semantics.scripts.is_some() => {
                set.names.push(Rc::from("dynamic([])"));
            }
            Value::Unknown(reason) => set.unknown = Some(Rc::clone(reason)),
            Value::Condition(resolved) => match resolved.unknown() {
                Some(reason) => set.unknown = Some(Rc::from(reason)),
                None => set.conditions.push(Rc::clone(resolved)),
            },
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
            // A text or a time says nothing of the event where a condition is meant.
            Value::Const(constant)
                if self.semantics.scripts.is_some()
                    && matches!(constant.kind, ConstKind::Text | ConstKind::Time | ConstKind::Parameter) =>
            {
                None
            }
            Value::Const(constant) => Some(match constant.kind {
                ConstKind::Bool => Node::constant(&*constant.text == "true"),
                ConstKind::Number => Node::constant(constant.text.parse::<f64>().is_ok_and(|number| number != 0.0)),
                ConstKind::Null => Node::never(),
                _ => self.opaque("a value where a condition is meant", span),
            }),
            // Any column.
            Value::Field(field) if field.path.is_empty() => None,
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
            Value::First(values, _) => {
                self.first(values, (false, false), span, &mut |this, value| this.truth(value, span))
            }
            Value::Listed(listed) => self.relate_listed(listed, |this, value| this.truth(value, span)),
            Value::Cases(cases) => self.spread(cases, &mut |this, value| this.truth(value, span)),
            Value::Unknown(reason) => Some(self.opaque(reason, span)),
            Value::List(_) if self.semantics.scripts.is_none() => {
                Some(self.opaque("a value where a condition is meant", span))
            }
            Value::Looked(looked, any_case) => {
                let comparison = Comparison::new(Relation::Equal, CaseRule::Ignore, self.semantics.missing);
                let is_true = [Const::bool(true)];
                self.relate_looked(looked, *any_case, &Asked::Compared(comparison, &is_true), span)
            }
            Value::Rows(_)
            | Value::List(_)
            | Value::Named(_)
            | Value::Object(_)
            | Value::Row(..)
            | Value::Cut(_)
            | Value::Collected(..)
            | Value::Computed(_) => {
                let label = self.label(value, span);
                Some(self.computed(&label, Op::Eq, vec!["true".to_owned()], span))
            }
        }
    }

    /// The condition that a value holds; it is asked of the same events.
    pub fn resolved_again(&mut self, resolved: &Resolved) -> Option<Node> {
        self.owner = self.owner.and(resolved.owner);
        self.copied(std::slice::from_ref(resolved.node.as_deref()?)).pop()
    }

    /// Whether a value is there, or missing.
    pub fn presence(&mut self, value: &Value<'p>, written: Span, asked: Presence) -> Option<Node> {
        let Presence { present, empty_is_null, span, side } = asked;
        let op = if present { Op::IsNotNull } else { Op::IsNull };
        match value {
            // Any column.
            Value::Field(field) if field.path.is_empty() => None,
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
            Value::List(_) | Value::Object(_) => Some(Node::constant(present)),
            Value::Time(_) => None,
            // Whether a condition holds is known of any event.
            Value::Condition(_) if self.semantics.scripts.is_some() => None,
            Value::Rows(rows) if self.semantics.scripts.is_some() => {
                self.rows_set(rows, side.negative);
                let label = self.line(written);
                Some(self.computed(&label, op, Vec::new(), span))
            }
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
                let mut nodes: Vec<Node> = Vec::with_capacity(values.len());
                for value in values.iter() {
                    let node = self.presence(value, written, asked);
                    // Several that are computed here are one.
                    nodes.extend(node.filter(|node| !is_computed(node) || nodes.last() != Some(node)));
                }
                Some(if present { Node::any(nodes) } else { Node::all(nodes) })
            }
            Value::Cases(cases) => self.spread(cases, &mut |this, value| this.presence(value, written, asked)),
            Value::Unknown(reason) => Some(self.opaque(reason, span)),
            Value::Looked(looked, any_case) => self.relate_looked(looked, *any_case, &Asked::Present(present), span),
            Value::Condition(resolved) if resolved.unknown().is_some() => self.resolved_again(resolved),
            Value::Computed(_) | Value::Collected(..) if value.group_step().is_some() => {
                let label = self.label(value, written);
                let owner = self.owner;
                let node = self.computed(&label, op, Vec::new(), span);
                self.owner = owner.and(Owner::One(value.group_step().flatten()));
                Some(node)
            }
            Value::Condition(_)
            | Value::Rows(_)
            | Value::Named(_)
            | Value::Row(..)
            | Value::Cut(_)
            | Value::Collected(..)
            | Value::Computed(_) => {
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
        if self.semantics.scripts.is_some() {
            return self.line(written);
        }
        match value {
            Value::Computed(Computed { text, .. }) | Value::Collected(text, _) => Rc::clone(text),
            Value::Field(field) => Rc::clone(&field.path),
            Value::Cut(Cut { text: Some(text), .. }) => Rc::clone(text),
            Value::Listed(listed) => self.label(&listed.value, written),
            _ => self.line(written),
        }
    }
}

/// Whether a condition is about nothing but what is computed.
fn is_computed(node: &Node) -> bool {
    node.predicates().next().is_some()
        && node.predicates().all(|predicate| predicate.computed)
        && node.opaques().next().is_none()
}
