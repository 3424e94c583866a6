//! Comparisons of values, and what counts as true.

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Missing, Modifier, Modifiers, Node, Op, Predicate, Span};

use crate::{
    follow::Follow,
    nodes::negated,
    syntax::Comparison,
    value::{Absent, Case, Field, Holds, Item, Value, number_of},
};

/// What a comparison is on the default of a field that is missing.
enum OnDefault {
    Known(Missing),
    /// It depends on the event.
    Tested(Node),
}

impl Follow<'_> {
    /// Whether a value counts as true.
    pub(crate) fn truth(&mut self, value: &Value, span: Span) -> Node {
        self.spend(1);
        if self.is_spent() {
            return self.opaque(BUDGET, span);
        }
        if let Some(truth) = value.constant_truth() {
            return Node::constant(truth);
        }
        match value {
            Value::Test(node) => {
                // A test that has a name is copied wherever the name is read.
                self.spend_nodes(node);
                if self.is_spent() { self.opaque(BUDGET, span) } else { (**node).clone() }
            }
            Value::Field(field) => self.field_truth(field, span),
            Value::Split(split) => self.present(&split.0.path, span),
            Value::Either(either) if either.is_or => {
                let otherwise = self.truth(&either.otherwise, span);
                self.spend_nodes(&either.condition);
                if self.is_spent() {
                    return self.opaque(BUDGET, span);
                }
                Node::any([either.condition.clone(), otherwise])
            }
            Value::Either(either) => {
                let then = self.truth(&either.then, span);
                let otherwise = self.truth(&either.otherwise, span);
                self.chosen(either.condition.clone(), then, otherwise)
            }
            Value::List(_, items) => {
                let some: Vec<Node> = items.iter().map(|item| self.exists(item, Node::always(), span)).collect();
                Node::any(some)
            }
            Value::Keyed(entry) => self.truth(&entry.0, span),
            Value::Joined(parts) => {
                let some: Vec<Node> = parts.iter().map(|part| self.truth(part, span)).collect();
                Node::any(some)
            }
            Value::Address(inner) => self.truth(inner, span),
            Value::Length(length) => self.truth(&length.0, span),
            Value::Computed(text) => self.computed(text, Op::Eq, Value::Bool(true), span),
            Value::Unknown(unknown) => self.opaque(unknown.reason, unknown.span),
            _ => self.opaque("value is not known", span),
        }
    }

    /// Python's truth of something in the event: there, and neither empty nor zero nor false.
    fn field_truth(&mut self, field: &Field, span: Span) -> Node {
        if field.holds == Holds::Bool {
            return self.field_test(field, Op::Eq, vec!["true".to_owned()], Modifiers::NONE, span, |_, default| {
                Some(Node::constant(default.constant_truth() == Some(true)))
            });
        }
        let mut predicate = self.predicate(&field.path, Op::IsNotNull, span);
        predicate.modifiers = Modifier::Truthy.into();
        let there = Node::from(predicate);
        match &field.absent {
            Absent::Is(default) if !default.is_constant() => {
                let default = default.clone();
                let otherwise = self.truth(&default, span);
                Node::any([there, Node::all([self.missing(&field.path, span), otherwise])])
            }
            Absent::Is(default) if default.constant_truth() == Some(true) => {
                Node::any([there, self.missing(&field.path, span)])
            }
            _ => there,
        }
    }

    pub(crate) fn present(&mut self, path: &str, span: Span) -> Node {
        self.predicate(path, Op::IsNotNull, span).into()
    }

    pub(crate) fn missing(&mut self, path: &str, span: Span) -> Node {
        self.predicate(path, Op::IsNull, span).into()
    }

    pub(crate) fn predicate(&mut self, path: &str, op: Op, span: Span) -> Predicate {
        self.spend(1);
        let mut predicate = Predicate::new(path, op, Vec::<String>::new());
        predicate.span = self.place(span);
        predicate.case_sensitive = !op.is_presence() && op != Op::CidrMatch;
        predicate
    }

    /// A comparison of a field with literals. `on_default` says what it is on the field's default; `None` is an
    /// exception.
    pub(crate) fn field_test(
        &mut self,
        field: &Field,
        op: Op,
        values: Vec<String>,
        modifiers: Modifiers,
        span: Span,
        on_default: impl FnOnce(&mut Self, &Value) -> Option<Node>,
    ) -> Node {
        let ordered = matches!(op, Op::Lt | Op::Lte | Op::Gt | Op::Gte);
        let values: Vec<String> = match field.case {
            Case::Exact => values,
            _ if ordered || matches!(op, Op::RegexMatch | Op::CidrMatch | Op::FieldRef) => values,
            Case::Lower => values.into_iter().filter(|value| *value == value.to_lowercase()).collect(),
            Case::Upper => values.into_iter().filter(|value| *value == value.to_uppercase()).collect(),
        };
        if values.is_empty() {
            return Node::never();
        }
        let outcome = match &field.absent {
            Absent::Raises => OnDefault::Known(Missing::Null),
            Absent::Is(default) => {
                let default = default.clone();
                match on_default(self, &default) {
                    None => OnDefault::Known(Missing::Null),
                    Some(node) => match node.as_constant() {
                        Some(true) => OnDefault::Known(Missing::Holds),
                        Some(false) => OnDefault::Known(Missing::Fails),
                        None => OnDefault::Tested(node),
                    },
                }
            }
        };
        let mut predicate = self.predicate(&field.path, op, span);
        predicate.values = values;
        predicate.modifiers = modifiers;
        if field.case != Case::Exact {
            predicate.case_sensitive = false;
        }
        match outcome {
            OnDefault::Known(missing) => {
                predicate.missing = missing;
                predicate.into()
            }
            // As with `coalesce`: what is equal to one of both is what is looked for.
            OnDefault::Tested(node) => Node::any([predicate.into(), node]),
        }
    }

    /// A comparison of something computed: counted nowhere, and not to be decided from the event alone.
    pub(crate) fn computed(&mut self, text: &str, op: Op, value: Value, span: Span) -> Node {
        self.undecided(span);
        let mut predicate = self.predicate(text, op, span);
        predicate.computed = true;
        predicate.values = vec![value.literal().unwrap_or_else(|| self.text_at(span).to_owned())];
        predicate.into()
    }

    /// One comparison of a chain.
    pub(crate) fn compare(&mut self, left: &Value, op: Comparison, right: &Value, span: Span) -> Node {
        self.spend(1);
        match (left, right) {
            (Value::Length(value), _) => return self.compare_length(value, op, right, span),
            (_, Value::Length(value)) => return self.compare_length(value, op.turned(), left, span),
            _ => {}
        }
        match op {
            Comparison::Equal | Comparison::Is => self.equal(left, right, span),
            Comparison::NotEqual | Comparison::IsNot => negated(self.equal(left, right, span)),
            Comparison::In => self.contained(left, right, span),
            Comparison::NotIn => match (left, right) {
                (Value::Field(field), Value::Field(_)) if field.each => self.opaque("lists are compared", span),
                _ => negated(self.contained(left, right, span)),
            },
            Comparison::Less => self.ordered(left, Op::Lt, right, span),
            Comparison::LessEqual => self.ordered(left, Op::Lte, right, span),
            Comparison::Greater => self.ordered(left, Op::Gt, right, span),
            Comparison::GreaterEqual => self.ordered(left, Op::Gte, right, span),
        }
    }

    /// Takes alternatives apart, on whichever side they are.
    pub(crate) fn alternatives(
        &mut self,
        left: &Value,
        right: &Value,
        compare: impl Fn(&mut Self, &Value, &Value) -> Node,
    ) -> Option<Node> {
        let (either, is_left) = match (left, right) {
            (Value::Either(either), _) => (either, true),
            (_, Value::Either(either)) => (either, false),
            _ => return None,
        };
        self.spend(1);
        if self.is_spent() {
            return Some(self.opaque(BUDGET, Span::default()));
        }
        let one = |this: &mut Self, value: &Value| {
            if is_left { compare(this, value, right) } else { compare(this, left, value) }
        };
        let then = self.guarded(&either.condition, |this| one(this, &either.then));
        let otherwise = self.guarded(&either.condition.clone().not(), |this| one(this, &either.otherwise));
        let other = if is_left { right } else { left };
        // As with `coalesce`: what is equal to one of both is what is looked for.
        if either.is_or && other.constant_truth() == Some(true) && then.predicates().all(|part| !part.negated) {
            return Some(Node::any([then, otherwise]));
        }
        Some(self.chosen(either.condition.clone(), then, otherwise))
    }

    pub(crate) fn equal(&mut self, left: &Value, right: &Value, span: Span) -> Node {
        if let Some(equal) = constants_equal(left, right) {
            return Node::constant(equal);
        }
        if let Some(node) = self.alternatives(left, right, |this, left, right| this.equal(left, right, span)) {
            return node;
        }
        match (left, right) {
            (Value::Field(field), Value::Field(other)) if field.holds == Holds::List && other.holds == Holds::List => {
                self.opaque("lists are compared", span)
            }
            (Value::Field(field), Value::Field(other)) => self.fields_equal(field, other, None, span),
            (Value::Field(field), other) => self.field_equals(field, other, span),
            (Value::Test(_), Value::Bool(value)) => {
                let node = self.truth(left, span);
                if *value { node } else { node.not() }
            }
            (Value::Test(_), Value::Test(other)) => {
                self.spend_nodes(other);
                let (left, right) = (self.truth(left, span), self.truth(right, span));
                self.chosen(left, right.clone(), right.not())
            }
            (Value::Test(_), Value::Field(field)) => self.field_equals(&field.clone(), left, span),
            // What a search found is compared with None to learn whether it found anything.
            (Value::Test(_), Value::None) => self.truth(left, span).not(),
            (Value::Test(_), other) if other.is_constant() => Node::never(),
            (Value::List(_, first), Value::List(_, second)) => self.lists_equal(first, second, span),
            (Value::List(..) | Value::Dict(_), Value::None) => Node::never(),
            (Value::List(_, items), other) if other.constant_truth() == Some(false) || items.is_empty() => {
                let some = self.truth(left, span);
                some.not()
            }
            (Value::Computed(text), other) if other.literal().is_some() => {
                self.computed(&text.clone(), Op::Eq, other.clone(), span)
            }
            (Value::Computed(_), Value::None) => Node::never(),
            (Value::Joined(pieces), Value::Text(text)) => self.joined_equals(pieces, text, span),
            (Value::Joined(_) | Value::Split(_) | Value::Address(_) | Value::Regex(_), Value::None) => Node::never(),
            (Value::Address(inner), Value::Address(other)) => self.equal(inner, other, span),
            (Value::Unknown(unknown), _) | (_, Value::Unknown(unknown)) => self.opaque(unknown.reason, span),
            (other, Value::Field(_) | Value::Test(_) | Value::Computed(_) | Value::Joined(_))
                if !matches!(other, Value::Field(_) | Value::Test(_) | Value::Computed(_) | Value::Joined(_)) =>
            {
                self.equal(right, left, span)
            }
            (Value::Computed(_) | Value::Joined(_), _) | (_, Value::Computed(_) | Value::Joined(_)) => {
                let text = self.text_at(span).to_owned();
                self.computed(&text, Op::Eq, Value::Bool(true), span)
            }
            _ => self.opaque("comparison is not known", span),
        }
    }

    /// `f"{field}-x" == "a-x"` with one piece that is not known.
    fn joined_equals(&mut self, pieces: &[Value], text: &str, span: Span) -> Node {
        let mut rest = text;
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                Value::Text(known) => match rest.strip_prefix(&**known) {
                    Some(behind) => rest = behind,
                    None => return Node::never(),
                },
                Value::Field(field) => {
                    let behind: Option<String> = pieces[at + 1..]
                        .iter()
                        .map(|piece| if let Value::Text(text) = piece { Some(&**text) } else { None })
                        .collect();
                    let Some(behind) = behind else { break };
                    let Some(value) = rest.strip_suffix(behind.as_str()) else { return Node::never() };
                    return self.field_equals(field, &Value::text(value), span);
                }
                _ => break,
            }
        }
        let text = self.text_at(span).to_owned();
        self.computed(&text, Op::Eq, Value::Bool(true), span)
    }

    fn lists_equal(&mut self, first: &[Item], second: &[Item], span: Span) -> Node {
        let plain =
            |items: &[Item]| items.iter().all(|item| item.guard.as_constant() == Some(true) && item.over.is_none());
        if !plain(first) || !plain(second) {
            return self.opaque("lists are compared", span);
        }
        if first.len() != second.len() {
            return Node::never();
        }
        let pairs: Vec<Node> =
            first.iter().zip(second).map(|(left, right)| self.equal(&left.value, &right.value, span)).collect();
        Node::all(pairs)
    }

    fn field_equals(&mut self, field: &Field, other: &Value, span: Span) -> Node {
        match other {
            Value::None => match &field.absent {
                Absent::Is(Value::None) if field.is_plain() => self.missing(&field.path, span),
                Absent::Is(default) if !default.is_constant() => {
                    let default = default.clone();
                    let node = self.equal(&default, &Value::None, span);
                    Node::all([self.missing(&field.path, span), node])
                }
                Absent::Is(Value::None) => self.missing(&field.path, span),
                // A default stands for what is missing, so it is never None.
                _ => Node::never(),
            },
            Value::Bool(_) | Value::Number(_) | Value::Text(_) => {
                let Some(literal) = other.literal() else { return Node::never() };
                if let Some(part) = field.part.clone() {
                    return self.part_in(field, &part, &[literal], span);
                }
                let literal_value = other.clone();
                self.field_test(field, Op::Eq, vec![literal], Modifiers::NONE, span, |this, default| {
                    Some(this.equal(default, &literal_value, span))
                })
            }
            Value::List(_, items) if items.is_empty() => self.field_truth(field, span).not(),
            Value::Dict(entries) if entries.is_empty() => self.field_truth(field, span).not(),
            Value::List(_, items) if other.is_constant() => {
                // A list in the event equals this one if it holds each of its elements; more of them are not ruled out.
                let element = Field { each: true, ..field.clone() };
                let all: Vec<Node> =
                    items.iter().map(|item| self.equal(&Value::field(element.clone()), &item.value, span)).collect();
                self.note("list is compared as a whole", span);
                Node::all(all)
            }
            Value::Computed(_) | Value::Joined(_) => {
                let text = self.text_at(span).to_owned();
                self.computed(&text, Op::Eq, Value::Bool(true), span)
            }
            Value::Unknown(unknown) => self.opaque(unknown.reason, span),
            // `field == (a and b)`: both true, or both false.
            Value::Test(node) => {
                let truth = self.field_truth(field, span);
                self.chosen((**node).clone(), truth.clone(), truth.not())
            }
            Value::Address(inner) => self.equal(&Value::field(field.clone()), inner, span),
            _ => self.opaque("comparison is not known", span),
        }
    }

    /// The event's value against another of the event.
    pub(crate) fn fields_equal(
        &mut self,
        field: &Field,
        other: &Field,
        modifier: Option<Modifier>,
        span: Span,
    ) -> Node {
        if field.part.is_some() || other.part.is_some() {
            let text = self.text_at(span).to_owned();
            return self.computed(&text, Op::Eq, Value::Bool(true), span);
        }
        let mut predicate = self.predicate(&field.path, Op::FieldRef, span);
        predicate.values = vec![other.path.clone()];
        predicate.modifiers = modifier.into();
        predicate.case_sensitive = field.case == Case::Exact;
        predicate.into()
    }

    /// The first or last part of a text against whole texts: the text is it, or begins or ends with it and the
    /// separator.
    pub(crate) fn part_in(&mut self, field: &Field, part: &crate::value::Part, values: &[String], span: Span) -> Node {
        let separator = &*part.separator;
        let values: Vec<String> = values.iter().filter(|value| !value.contains(separator)).cloned().collect();
        if values.is_empty() {
            return Node::never();
        }
        let whole = Field { part: None, ..field.clone() };
        let (op, edges): (Op, Vec<String>) = if part.last {
            (Op::EndsWith, values.iter().map(|value| format!("{separator}{value}")).collect())
        } else {
            (Op::StartsWith, values.iter().map(|value| format!("{value}{separator}")).collect())
        };
        let known = values.clone();
        let exact = self.field_test(
            &whole,
            if values.len() > 1 { Op::In } else { Op::Eq },
            values,
            Modifiers::NONE,
            span,
            |_, default| Some(Node::constant(default.literal().is_some_and(|text| known.contains(&text)))),
        );
        let edge = self.field_test(&whole, op, edges, Modifiers::NONE, span, |_, _| Some(Node::never()));
        Node::any([edge, exact])
    }

    fn ordered(&mut self, left: &Value, op: Op, right: &Value, span: Span) -> Node {
        if let (
            Value::Number(_) | Value::Text(_) | Value::Bool(_),
            Value::Number(_) | Value::Text(_) | Value::Bool(_),
        ) = (left, right)
        {
            return match constants_ordered(left, right) {
                Some(ordering) => Node::constant(match op {
                    Op::Lt => ordering.is_lt(),
                    Op::Lte => ordering.is_le(),
                    Op::Gt => ordering.is_gt(),
                    _ => ordering.is_ge(),
                }),
                None => Node::never(),
            };
        }
        if let Some(node) = self.alternatives(left, right, |this, left, right| this.ordered(left, op, right, span)) {
            return node;
        }
        self.throw_none("TypeError", left, span);
        self.throw_none("TypeError", right, span);
        if matches!(left, Value::None) || matches!(right, Value::None) {
            self.raised(span);
            return Node::never();
        }
        let turned = match op {
            Op::Lt => Op::Gt,
            Op::Lte => Op::Gte,
            Op::Gt => Op::Lt,
            _ => Op::Lte,
        };
        match (left, right) {
            (Value::Field(field), Value::Number(_) | Value::Text(_)) if field.part.is_none() => {
                let Some(literal) = right.literal() else { return Node::never() };
                let right = right.clone();
                self.field_test(field, op, vec![literal], Modifiers::NONE, span, |this, default| match default {
                    Value::None | Value::List(..) | Value::Dict(_) => None,
                    _ => Some(this.ordered(default, op, &right, span)),
                })
            }
            (Value::Number(_) | Value::Text(_), Value::Field(_) | Value::Computed(_)) => {
                self.ordered(right, turned, left, span)
            }
            (Value::Computed(text), _) if right.literal().is_some() => {
                self.computed(&text.clone(), op, right.clone(), span)
            }
            (Value::Unknown(unknown), _) | (_, Value::Unknown(unknown)) => self.opaque(unknown.reason, span),
            _ => {
                let text = self.text_at(span).to_owned();
                self.computed(&text, Op::Eq, Value::Bool(true), span)
            }
        }
    }
}

/// Whether two constants are equal, as far as it is known.
fn constants_equal(left: &Value, right: &Value) -> Option<bool> {
    let simple = |value: &Value| matches!(value, Value::None | Value::Bool(_) | Value::Number(_) | Value::Text(_));
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => Some(number_of(a) == number_of(b)),
        (Value::Number(number), Value::Bool(value)) | (Value::Bool(value), Value::Number(number)) => {
            Some(number_of(number) == Some(f64::from(u8::from(*value))))
        }
        _ if simple(left) && simple(right) => Some(left == right),
        (Value::Dict(a), Value::Dict(b)) if left.is_constant() && right.is_constant() => Some(a == b),
        (Value::Event | Value::Function(_) | Value::Name(_) | Value::Dict(_) | Value::Network(_), _)
            if simple(right) =>
        {
            Some(false)
        }
        (_, Value::Event | Value::Function(_) | Value::Name(_) | Value::Dict(_) | Value::Network(_))
            if simple(left) =>
        {
            Some(false)
        }
        (Value::List(..), _) if simple(right) && left.is_constant() => Some(false),
        (_, Value::List(..)) if simple(left) && right.is_constant() => Some(false),
        _ => None,
    }
}

fn constants_ordered(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    let number = |value: &Value| match value {
        Value::Number(number) => number_of(number),
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        _ => None,
    };
    match (left, right) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        _ => number(left)?.partial_cmp(&number(right)?),
    }
}
