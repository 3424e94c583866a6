//! Comparisons: two values and an operator in, a condition out.

use std::rc::Rc;

use ruleatlas_core::Folded;
use ruleatlas_model::{Missing, Modifier, Node, Op, Predicate, Span};
use rustc_hash::FxHashSet;

use crate::condition::{Presence, Side};
use crate::engine::{BYTES_OF_VALUE, BYTES_PER_NODE, Engine};
use crate::fold::{fold, fold_pattern, has_case_flag, truth_of};
use crate::looked::Asked;
use crate::plan::{CaseRule, Comparison, Const, ConstKind, MissingRule, Relation};
use crate::special::reference_modifier;
use crate::value::{Computed, Field, Found, Letters, Listed, Owner, Resolved, Value};

/// What a value is compared with.
pub(crate) enum Right<'v, 'p> {
    /// One value, and the place of its text.
    Value(&'v Value<'p>, Span),
    /// Any of a list.
    Set(&'v Set),
}

/// The items of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Set {
    /// The constants.
    pub constants: Vec<Const>,
    /// Lists that are known by their names.
    pub names: Vec<Rc<str>>,
    /// Fields.
    pub fields: Vec<Field>,
    /// Conditions.
    pub conditions: Vec<Rc<Resolved>>,
    /// Texts of what is computed.
    pub computed: Vec<String>,
    /// Those that [`Set::computed`] has.
    pub seen: FxHashSet<String>,
    /// Texts of sub-queries that are steps of their own.
    pub rows: Vec<String>,
    /// Why an item is not known.
    pub unknown: Option<Rc<str>>,
}

impl Set {
    /// Whether nothing but constants is in it.
    pub fn is_constant(&self) -> bool {
        self.fields.is_empty()
            && self.names.is_empty()
            && self.conditions.is_empty()
            && self.computed.is_empty()
            && self.rows.is_empty()
            && self.unknown.is_none()
    }
}

/// What a predicate compares.
pub(crate) enum Subject<'v> {
    Field(&'v Field),
    /// Something computed, by its text.
    Computed(Computed),
}

impl<'p> Engine<'p, '_> {
    /// The condition that a comparison is; `None` where it says nothing of the event.
    pub fn relate(
        &mut self,
        comparison: Comparison,
        left: &Value<'p>,
        written: Span,
        right: &Right<'_, 'p>,
        span: Span,
        side: Side,
    ) -> Option<Node> {
        match left {
            Value::Cases(cases) => {
                return self
                    .spread(cases, &mut |this, value| this.relate(comparison, value, written, right, span, side));
            }
            Value::Either(values) => {
                let each = values.iter().map(|value| self.relate(comparison, value, written, right, span, side));
                let nodes: Vec<Node> = each.collect::<Vec<_>>().into_iter().flatten().collect();
                return alternatives(nodes, comparison.negated);
            }
            Value::First(values, _) => {
                let each = comparison.negated(comparison.negated && !self.says_exceptions_first());
                let asked = (comparison.negated, comparison.missing == MissingRule::Fails);
                return self.first(values, asked, span, &mut |this, value| {
                    this.relate(each, value, written, right, span, side)
                });
            }
            Value::Listed(listed) => {
                // That an empty text stands there says that there is no row.
                if let (Relation::Equal, Right::Value(Value::Const(constant), _)) = (comparison.relation, right)
                    && self.semantics.scripts.is_some()
                    && constant.text.is_empty()
                {
                    let asked = Presence { present: comparison.negated, empty_is_null: true, span, side };
                    return self.presence(left, written, asked);
                }
                return self
                    .relate_listed(listed, |this, value| this.relate(comparison, value, written, right, span, side));
            }
            Value::Unknown(reason) => return Some(self.opaque(reason, span)),
            Value::Condition(resolved) if resolved.unknown().is_some() => return self.resolved_again(resolved),
            Value::Time(is_event) => match right {
                Right::Value(value, place) if self.is_of_field(value) || self.is_of_value(*is_event, value) => {
                    return self.leaf_computed(comparison, left, written, (value, *place), span);
                }
                _ => return None,
            },
            Value::Looked(looked, any_case) => {
                let constants = match right {
                    Right::Value(value, _) => value.constants(),
                    Right::Set(set) => set.is_constant().then(|| set.constants.clone()),
                };
                if let Some(constants) = constants {
                    return self.relate_looked(looked, *any_case, &Asked::Compared(comparison, &constants), span);
                }
            }
            _ => {}
        }
        match right {
            Right::Value(value, place) => self.relate_value(comparison, left, written, (value, *place), span, side),
            Right::Set(set) => self.relate_set(comparison, left, written, set, span, side),
        }
    }

    /// What is asked of a column of a list that is known by its name: the list must have a row for the event, and what the
    /// row holds is not known. A name in dots is taken for a field of the events.
    pub fn relate_listed(
        &mut self,
        listed: &Listed<'p>,
        relate: impl FnOnce(&mut Self, &Value<'p>) -> Option<Node>,
    ) -> Option<Node> {
        let Found::Where(found) = &listed.found else { return relate(self, &listed.value) };
        if self.semantics.scripts.is_some() {
            // The column of a table of the query, or one that may be the event's own.
            return relate(self, &listed.value);
        }
        match &listed.value {
            Value::Field(field) if field.from.is_some() || !field.path.contains('.') => {
                let row = self.resolved_again(found)?;
                let node = relate(self, &Value::computed(Rc::clone(&field.path)))?;
                Some(Node::all([row, node]))
            }
            value => relate(self, value),
        }
    }

    fn relate_value(
        &mut self,
        comparison: Comparison,
        left: &Value<'p>,
        written: Span,
        (right, place): (&Value<'p>, Span),
        span: Span,
        side: Side,
    ) -> Option<Node> {
        match right {
            Value::Cases(cases) => {
                return self.spread(cases, &mut |this, value| {
                    this.relate(comparison, left, written, &Right::Value(value, place), span, side)
                });
            }
            Value::Either(values) if !matches!(left, Value::Condition(_)) => {
                if let (Value::Field(field), Some(constants)) = (left, right.constants()) {
                    return self.field_predicate(field, comparison, &constants, true, span);
                }
                let each = values
                    .iter()
                    .map(|value| self.relate(comparison, left, written, &Right::Value(value, place), span, side));
                let nodes: Vec<Node> = each.collect::<Vec<_>>().into_iter().flatten().collect();
                return alternatives(nodes, comparison.negated);
            }
            Value::First(values, _) => {
                let each = comparison.negated(comparison.negated && !self.says_exceptions_first());
                let asked = (comparison.negated, comparison.missing == MissingRule::Fails);
                return self.first(values, asked, span, &mut |this, value| {
                    this.relate(each, left, written, &Right::Value(value, place), span, side)
                });
            }
            Value::Listed(listed) => {
                return self.relate_listed(listed, |this, value| {
                    this.relate(comparison, left, written, &Right::Value(value, place), span, side)
                });
            }
            Value::Unknown(reason) => return Some(self.opaque(reason, span)),
            Value::Condition(resolved) if resolved.unknown().is_some() => return self.resolved_again(resolved),
            // The rule's window.
            Value::Time(_) if self.is_window(left) => return None,
            _ => {}
        }
        match (left, right) {
            // A value is missing, or is there.
            (Value::Field(_), Value::Const(constant))
                if constant.kind == ConstKind::Null
                    && comparison.relation == Relation::Equal
                    && self.semantics.scripts.is_some() =>
            {
                let asked = Presence { present: comparison.negated, empty_is_null: false, span, side };
                self.presence(left, written, asked)
            }
            (Value::Field(field), Value::Named(names)) if !comparison.relation.is_order() => {
                self.in_lists(field, names, comparison.negated, span)
            }
            (Value::List(_) | Value::Named(_), Value::Field(_)) if comparison.relation == Relation::Equal => {
                self.relate_value(comparison, right, place, (left, written), span, side)
            }
            (Value::Condition(resolved), Value::Const(constant)) if comparison.relation.is_equality() => {
                let Some(truth) = truth_of(constant) else {
                    return self.leaf_computed(comparison, left, written, (right, place), span);
                };
                let node = self.resolved_again(resolved)?;
                Some(if truth == comparison.negated { node.not() } else { node })
            }
            (Value::Const(constant), Value::Condition(_)) if truth_of(constant).is_some() => {
                self.relate_value(comparison, right, place, (left, written), span, side)
            }
            (Value::Const(a), Value::Const(b)) => match fold(comparison, a, b) {
                Some(holds) => Some(Node::constant(holds)),
                // Times are a window.
                None if self.semantics.scripts.is_some() && [a, b].iter().any(|side| side.kind == ConstKind::Time) => {
                    None
                }
                None => self.leaf_computed(comparison, left, written, (right, place), span),
            },
            (
                Value::Const(_),
                Value::Field(_)
                | Value::Cut(_)
                | Value::Computed(_)
                | Value::Collected(..)
                | Value::Named(_)
                | Value::Looked(..),
            ) => match comparison.relation.flipped() {
                Some(relation) => {
                    let comparison = Comparison { relation, ..comparison };
                    self.relate(comparison, right, place, &Right::Value(left, written), span, side)
                }
                None => self.leaf_computed(comparison, left, written, (right, place), span),
            },
            (Value::Field(field), Value::Const(constant)) => {
                self.field_predicate(field, comparison, std::slice::from_ref(constant), false, span)
            }
            (Value::Field(field), Value::List(list)) => self.field_predicate(field, comparison, list, true, span),
            (Value::Field(a), Value::Field(b)) => match reference_modifier(comparison.relation) {
                // The key of a join.
                Some(_) if side.is_join && comparison.relation == Relation::Equal => None,
                Some(modifier) => Some(self.field_reference(a, b, comparison, modifier, span)),
                None => self.leaf_computed(comparison, left, written, (right, place), span),
            },
            _ => self.leaf_computed(comparison, left, written, (right, place), span),
        }
    }

    fn relate_set(
        &mut self,
        comparison: Comparison,
        left: &Value<'p>,
        written: Span,
        set: &Set,
        span: Span,
        side: Side,
    ) -> Option<Node> {
        if let Some(reason) = &set.unknown {
            return Some(self.opaque(reason, span));
        }
        let mut parts = Vec::new();
        match left {
            Value::Rows(_) if self.semantics.scripts.is_some() => {
                return Some(self.computed_set(comparison, left, written, set, span));
            }
            Value::Field(field) => {
                if !set.constants.is_empty() {
                    parts.extend(self.field_predicate(field, comparison, &set.constants, true, span));
                }
                if !set.names.is_empty() {
                    parts.extend(self.in_lists(field, &set.names, comparison.negated, span));
                }
                let mut computed = set.computed.clone();
                for other in &set.fields {
                    if self.semantics.scripts.is_some() && reference_modifier(comparison.relation).is_none() {
                        // One comparison that names all of them.
                        computed.push(other.path.to_string());
                        continue;
                    }
                    let other = Value::Field(other.clone());
                    parts.extend(self.relate_value(comparison, left, written, (&other, span), span, side));
                }
                if !computed.is_empty() {
                    let label = self.computed_subject(left, written);
                    let comparison = self.of_unknown_text(comparison);
                    parts.extend(self.texts(&label, comparison, op_of(comparison.relation, true), &computed, span));
                }
            }
            Value::Const(constant) if comparison.relation == Relation::Equal || set.is_constant() => {
                let positive = comparison.negated(false);
                let decided: Vec<Option<bool>> =
                    set.constants.iter().map(|other| fold(positive, constant, other)).collect();
                if decided.contains(&Some(true)) {
                    return Some(Node::constant(!comparison.negated));
                }
                if decided.contains(&None) {
                    return Some(self.computed_set(comparison, left, written, set, span));
                }
                for other in &set.fields {
                    parts.extend(self.field_predicate(other, comparison, std::slice::from_ref(constant), false, span));
                }
                for other in &set.conditions {
                    let other = Value::Condition(Rc::clone(other));
                    parts.extend(self.relate_value(comparison, left, written, (&other, span), span, side));
                }
                if !(set.computed.is_empty() && set.names.is_empty()) {
                    parts.push(self.computed_set(comparison, left, written, set, span));
                }
                if parts.is_empty() && set.rows.is_empty() && set.conditions.is_empty() {
                    return Some(Node::constant(comparison.negated));
                }
            }
            Value::Condition(resolved) => {
                if let ([only], true) = (set.constants.as_slice(), set.is_constant()) {
                    let only = Value::Const(only.clone());
                    return self.relate_value(comparison, left, written, (&only, span), span, side);
                }
                let truths: Vec<bool> = set.constants.iter().filter_map(truth_of).collect();
                if comparison.relation.is_equality() && set.is_constant() && !truths.is_empty() {
                    // Any truth value that is asked for.
                    return match (truths.contains(&true), truths.contains(&false)) {
                        (true, true) => Some(Node::constant(!comparison.negated)),
                        (truth, _) => {
                            let node = self.resolved_again(resolved)?;
                            Some(if truth == comparison.negated { node.not() } else { node })
                        }
                    };
                }
                return Some(self.computed_set(comparison, left, written, set, span));
            }
            _ if set.rows.is_empty() => return Some(self.computed_set(comparison, left, written, set, span)),
            _ => {}
        }
        if !set.rows.is_empty() && side.alternative {
            // Within an alternative the comparison stays visible next to the step.
            let label = match left {
                Value::Field(field) => {
                    Subject::Computed(Computed { letters: field.letters, ..Computed::new(Rc::clone(&field.path)) })
                }
                left => self.computed_subject(left, written),
            };
            let comparison = self.of_unknown_text(comparison);
            parts.extend(self.texts(&label, comparison, Op::InList, &set.rows, span));
        }
        alternatives(parts, comparison.negated)
    }

    /// A comparison of a field with constants, which are alternatives of each other.
    pub fn field_predicate(
        &mut self,
        field: &Field,
        comparison: Comparison,
        constants: &[Const],
        is_list: bool,
        span: Span,
    ) -> Option<Node> {
        self.tested(&Subject::Field(field), comparison, constants, is_list, span)
    }

    /// Predicates for a comparison with constants: one, or one for each way in which patterns and parameters compare.
    pub fn tested(
        &mut self,
        subject: &Subject<'_>,
        comparison: Comparison,
        constants: &[Const],
        is_list: bool,
        span: Span,
    ) -> Option<Node> {
        let name = match subject {
            Subject::Field(field) => field.path.len(),
            Subject::Computed(computed) => computed.text.len(),
        };
        let bytes: usize = name + constants.iter().map(|constant| constant.text.len() + BYTES_OF_VALUE).sum::<usize>();
        if !self.spend(1 + bytes / BYTES_PER_NODE) {
            return Some(self.beyond_budget(span));
        }
        if constants.is_empty() || constants.iter().all(|constant| constant.kind == ConstKind::Null) {
            // Nothing equals null, nor differs from it.
            return Some(Node::never());
        }
        if is_list && constants.iter().any(|constant| constant.kind == ConstKind::Parameter) {
            let (open, known): (Vec<Const>, Vec<Const>) =
                constants.iter().cloned().partition(|constant| constant.kind == ConstKind::Parameter);
            let mut nodes = Vec::new();
            if !known.is_empty() {
                nodes.extend(self.tested(subject, comparison, &known, true, span));
            }
            for constant in open {
                nodes.extend(self.tested(subject, comparison, &[constant], false, span));
            }
            return alternatives(nodes, comparison.negated);
        }
        if let Some(node) = self.in_other_letters(subject, comparison, constants, is_list, span) {
            return node;
        }
        let Relation::Pattern(syntax) = comparison.relation else {
            let values = constants.iter().map(|constant| constant.text.to_string()).collect();
            let op = op_of(comparison.relation, is_list);
            return Some(self.leaf(subject, comparison, op, values, constants, span));
        };
        let mut groups: Vec<(Op, Vec<String>)> = Vec::new();
        for constant in constants {
            let Folded { op, value } = fold_pattern(&constant.text, syntax);
            let value = (!op.is_presence()).then_some(value);
            match groups.iter_mut().find(|(known, _)| *known == op) {
                Some((_, values)) => values.extend(value),
                None => groups.push((op, value.into_iter().collect())),
            }
        }
        let mut nodes = Vec::new();
        for (op, values) in groups {
            let op = if op == Op::Eq && values.len() > 1 { Op::In } else { op };
            nodes.push(self.leaf(subject, comparison, op, values, constants, span));
        }
        alternatives(nodes, comparison.negated)
    }

    fn leaf(
        &mut self,
        subject: &Subject<'_>,
        comparison: Comparison,
        op: Op,
        values: Vec<String>,
        constants: &[Const],
        span: Span,
    ) -> Node {
        let has_text = constants.is_empty()
            || constants.iter().any(|constant| matches!(constant.kind, ConstKind::Text | ConstKind::Parameter));
        let is_text = !op.is_presence() && op != Op::CidrMatch && !comparison.relation.is_order();
        let is_order = comparison.relation.is_order();
        let has_letters =
            comparison.case == CaseRule::Letters && values.iter().any(|value| value.chars().any(char::is_alphabetic));
        let is_number = matches!(subject, Subject::Field(field) if field.is_number);
        let (mut predicate, letters) = match subject {
            Subject::Field(field) => (self.predicate(field, op, values, span), field.letters),
            Subject::Computed(Computed { text, letters, is_of_group, step, .. }) => {
                self.owner = self.owner.and(Owner::One(step.filter(|_| *is_of_group)));
                let mut predicate = Predicate::new(&**text, op, values);
                predicate.computed = true;
                predicate.span = span;
                (predicate, *letters)
            }
        };
        let ignores_case = comparison.relation == Relation::Regex
            && !constants.is_empty()
            && constants.iter().all(|constant| has_case_flag(&constant.text));
        predicate.case_sensitive = !letters.is_any_case()
            && !ignores_case
            && match comparison.case {
                CaseRule::Exact => has_text && is_text,
                CaseRule::ExactField => !op.is_presence() && !predicate.computed,
                CaseRule::Letters => has_letters && is_text,
                CaseRule::Ignore => false,
            };
        predicate.negated = comparison.negated;
        predicate.text_order = comparison.text_order && is_order && !is_number;
        predicate.missing = if op.is_presence() { Missing::Fails } else { missing(comparison, constants) };
        let is_parameter = constants.iter().any(|constant| constant.kind == ConstKind::Parameter);
        let relation = match comparison.relation {
            Relation::WholeRegex => Some(Modifier::Anchored),
            Relation::TermPrefix => Some(Modifier::Prefix),
            Relation::TermSuffix => Some(Modifier::Suffix),
            _ => None,
        };
        let modifiers = [comparison.modifier, relation, is_parameter.then_some(Modifier::Expand)];
        for modifier in modifiers.into_iter().flatten() {
            predicate.modifiers.push(modifier);
        }
        predicate.into()
    }

    /// A value as something computed, by its text.
    fn computed_subject(&self, value: &Value<'p>, written: Span) -> Subject<'static> {
        if self.semantics.scripts.is_some() {
            let letters = match value {
                Value::Field(field) => field.letters,
                Value::Cut(cut) => cut.letters,
                Value::Computed(computed) => computed.letters,
                _ => Letters::AsWritten,
            };
            return Subject::Computed(Computed { letters, ..Computed::new(self.line(written)) });
        }
        Subject::Computed(match value {
            Value::Computed(computed) => computed.clone(),
            Value::Field(field) => Computed { letters: field.letters, ..Computed::new(Rc::clone(&field.path)) },
            Value::Cut(cut) => Computed { letters: cut.letters, ..Computed::new(self.label(value, written)) },
            Value::Collected(text, element) => {
                let letters = match &**element {
                    Value::Field(field) => field.letters,
                    _ => Letters::AsWritten,
                };
                let step = value.group_step().flatten();
                Computed { letters, is_of_group: true, step, ..Computed::new(Rc::clone(text)) }
            }
            other => Computed::new(self.label(other, written)),
        })
    }

    /// A comparison with what is known by its text alone.
    fn texts(
        &mut self,
        subject: &Subject<'_>,
        comparison: Comparison,
        op: Op,
        texts: &[String],
        span: Span,
    ) -> Option<Node> {
        if !self.spend(1 + texts.len()) {
            return Some(self.beyond_budget(span));
        }
        Some(self.leaf(subject, comparison, op, texts.to_vec(), &[], span))
    }

    /// A comparison of which one side is computed.
    pub fn leaf_computed(
        &mut self,
        comparison: Comparison,
        left: &Value<'p>,
        written: Span,
        (right, place): (&Value<'p>, Span),
        span: Span,
    ) -> Option<Node> {
        if let Some((subject, text)) = self.written.clone()
            && right.constants().is_none()
        {
            let subject = match self.computed_subject(left, written) {
                Subject::Computed(computed) => {
                    Subject::Computed(Computed { text: subject, is_of_group: false, ..computed })
                }
                field @ Subject::Field(_) => field,
            };
            return self.texts(&subject, comparison, op_of(comparison.relation, false), &[text.to_string()], span);
        }
        let subject = self.computed_subject(left, written);
        match right.constants() {
            Some(constants) => self.tested(&subject, comparison, &constants, constants.len() > 1, span),
            None => {
                let text = self.label(right, place).to_string();
                let comparison = self.of_unknown_text(comparison);
                self.texts(&subject, comparison, op_of(comparison.relation, false), &[text], span)
            }
        }
    }

    /// A comparison of something computed with a list.
    pub fn computed_set(
        &mut self,
        comparison: Comparison,
        left: &Value<'p>,
        written: Span,
        set: &Set,
        span: Span,
    ) -> Node {
        let subject = self.computed_subject(left, written);
        if set.is_constant() {
            let node = self.tested(&subject, comparison, &set.constants, true, span);
            return node.unwrap_or_else(Node::never);
        }
        let mut texts: Vec<String> = set.constants.iter().map(|constant| constant.text.to_string()).collect();
        texts.extend(set.names.iter().map(ToString::to_string));
        texts.extend(set.fields.iter().map(|field| field.path.to_string()));
        texts.extend(set.computed.iter().chain(&set.rows).cloned());
        let node = self.texts(&subject, comparison, op_of(comparison.relation, true), &texts, span);
        node.unwrap_or_else(Node::never)
    }
}

/// Any of some comparisons, or none of them where the operator is negated.
pub(crate) fn alternatives(nodes: Vec<Node>, negated: bool) -> Option<Node> {
    match nodes.len() {
        0 => None,
        _ if negated => Some(Node::all(nodes)),
        _ => Some(Node::any(nodes)),
    }
}

fn op_of(relation: Relation, is_list: bool) -> Op {
    match relation {
        Relation::Equal if is_list => Op::In,
        Relation::Equal => Op::Eq,
        Relation::Less => Op::Lt,
        Relation::LessEqual => Op::Lte,
        Relation::Greater => Op::Gt,
        Relation::GreaterEqual => Op::Gte,
        Relation::Contains => Op::Contains,
        Relation::StartsWith => Op::StartsWith,
        Relation::EndsWith => Op::EndsWith,
        Relation::Term | Relation::TermPrefix | Relation::TermSuffix => Op::Match,
        Relation::Regex | Relation::WholeRegex => Op::RegexMatch,
        Relation::Pattern(_) => Op::Wildcard,
        Relation::Cidr => Op::CidrMatch,
        Relation::InList => Op::InList,
    }
}

/// What a comparison is for an event without the field.
pub(crate) fn missing(comparison: Comparison, constants: &[Const]) -> Missing {
    match comparison.missing {
        MissingRule::Fails => Missing::Fails,
        MissingRule::Null => Missing::Null,
        MissingRule::EmptyText | MissingRule::NoMatch if comparison.relation.is_order() => Missing::Null,
        MissingRule::NoMatch if comparison.negated => Missing::Holds,
        MissingRule::NoMatch => Missing::Fails,
        MissingRule::EmptyText => {
            let takes_empty = !matches!(comparison.relation, Relation::Regex | Relation::WholeRegex)
                && constants.iter().any(|constant| constant.kind == ConstKind::Text && constant.text.is_empty());
            if takes_empty == comparison.negated { Missing::Fails } else { Missing::Holds }
        }
    }
}
