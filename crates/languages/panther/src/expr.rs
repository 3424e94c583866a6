//! Expressions.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Node, Span};

use crate::{
    exec::MAX_TEXT,
    follow::{Follow, Frame, key_of},
    syntax::{Comprehension, Expr, Kind, Shape, Text},
    value::{Absent, Closure, Env, Field, Holds, Item, Part, Value},
};

impl Follow<'_> {
    /// The value of an expression.
    pub(crate) fn expr(&mut self, expr: &Expr, frame: &mut Frame) -> Value {
        self.spend(1);
        self.deeper(expr.span, |this| this.expr_inner(expr, frame))
    }

    fn expr_inner(&mut self, expr: &Expr, frame: &mut Frame) -> Value {
        let span = expr.span;
        match &expr.kind {
            Kind::None => Value::None,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::Text(text.clone()),
            Kind::Joined(pieces) => {
                let pieces: Vec<Value> = pieces.iter().map(|piece| self.expr(piece, frame)).collect();
                joined(pieces)
            }
            Kind::Name(name) => self.name(name, frame, span),
            Kind::Attribute(inner, name) => {
                let value = self.expr(inner, frame);
                self.attribute(&value, name, span)
            }
            Kind::Subscript(inner, key) => {
                let value = self.expr(inner, frame);
                if let Kind::Slice(from, to) = &key.kind {
                    return self.slice(&value, from.as_deref(), to.as_deref(), frame, span);
                }
                let key = self.expr(key, frame);
                self.index(&value, &key, span)
            }
            Kind::Slice(..) | Kind::Other => self.unknown("expression is not followed", span),
            Kind::Call(function, list) => self.call_expr(function, list, frame, span),
            Kind::And(values) => self.all_of(values, frame),
            Kind::Or(values) => self.one_of(values, frame),
            Kind::Not(inner) => {
                let value = self.expr(inner, frame);
                let node = self.truth(&value, inner.span);
                Value::test(node.not())
            }
            Kind::Negative(inner) => match self.expr(inner, frame) {
                Value::Number(number) => Value::Number(format!("-{number}").into()),
                Value::Unknown(unknown) => Value::Unknown(unknown),
                _ => Value::Computed(self.text_at(span).into()),
            },
            Kind::Binary(op, left, right) => {
                let left = self.expr(left, frame);
                let right = self.expr(right, frame);
                self.binary(*op, &left, &right, span)
            }
            Kind::Compare(first, rest) => {
                let mut left = self.expr(first, frame);
                let mut from = first.span;
                let mut parts = Vec::with_capacity(rest.len());
                for (op, right) in rest {
                    let value = self.expr(right, frame);
                    parts.push(self.compare(&left, *op, &value, from.to(right.span)));
                    left = value;
                    from = right.span;
                }
                Value::test(Node::all(parts))
            }
            Kind::If(test, then, otherwise) => {
                let value = self.expr(test, frame);
                let condition = self.truth(&value, test.span);
                match condition.as_constant() {
                    Some(true) => self.expr(then, frame),
                    Some(false) => self.expr(otherwise, frame),
                    None => {
                        let then = self.guarded(&condition, |this| this.expr(then, frame));
                        let not = condition.clone().not();
                        let otherwise = self.guarded(&not, |this| this.expr(otherwise, frame));
                        Value::either(condition, then, otherwise)
                    }
                }
            }
            Kind::Sequence(shape, elements) => {
                let mut items = Vec::with_capacity(elements.len());
                for element in elements {
                    let starred = if let Kind::Starred(inner) = &element.kind { Some(inner) } else { None };
                    let value = self.expr(starred.map_or(element, |inner| inner), frame);
                    match (starred, self_items(self, &value, starred.is_some(), element.span)) {
                        (Some(_), Some(more)) => items.extend(more),
                        _ => items.push(Item::plain(value)),
                    }
                }
                self.container(Value::List(*shape, Rc::new(items)), span)
            }
            Kind::Dict(entries) => {
                let mut known: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let value = self.expr(value, frame);
                    match key {
                        Some(key) => {
                            let key = self.expr(key, frame);
                            known.push((key, value));
                        }
                        None => match value {
                            Value::Dict(more) => known.extend(more.iter().cloned()),
                            _ => return self.unknown("dictionary is not known", span),
                        },
                    }
                }
                self.container(Value::Dict(Rc::new(known)), span)
            }
            Kind::Each(comprehension) => self.comprehension(comprehension, frame, span),
            Kind::Lambda(function) => Value::Function(Rc::new(Closure {
                function: function.clone(),
                module: frame.module.clone(),
                captured: frame.env.clone(),
            })),
            Kind::Named(name, inner) => {
                let value = self.expr(inner, frame);
                frame.env.insert(name.clone(), value.clone());
                value
            }
            Kind::Starred(inner) => self.expr(inner, frame),
        }
    }

    /// `a and b`: the last value where all before it are true.
    fn all_of(&mut self, values: &[Expr], frame: &mut Frame) -> Value {
        let mut tests = Vec::with_capacity(values.len());
        let mut truths_only = true;
        for (at, expr) in values.iter().enumerate() {
            let reached = Node::all(if self.tries > 0 { tests.clone() } else { Vec::new() });
            let value = self.guarded(&reached, |this| this.expr(expr, frame));
            let node = self.truth(&value, expr.span);
            let last = at + 1 == values.len();
            match node.as_constant() {
                Some(false) => {
                    let before = Node::all(tests);
                    let value = if matches!(value, Value::Bool(_)) { Value::Bool(false) } else { value };
                    return if before.as_constant() == Some(true) { value } else { Value::Bool(false) };
                }
                Some(true) if !last => continue,
                _ => {}
            }
            truths_only &= matches!(value, Value::Test(_) | Value::Bool(_));
            if last && !truths_only && !matches!(value, Value::Test(_) | Value::Bool(_)) {
                return Value::either(Node::all(tests), value, Value::Bool(false));
            }
            tests.push(node);
        }
        Value::test(Node::all(tests))
    }

    /// `a or b`: the first value that is true, or the last.
    fn one_of(&mut self, values: &[Expr], frame: &mut Frame) -> Value {
        let mut before: Vec<(Value, Node, Span)> = Vec::new();
        let mut last = Value::None;
        // What is reached only where the values before are false is so guarded.
        let guards = self.guards.len();
        for (at, expr) in values.iter().enumerate() {
            let value = self.expr(expr, frame);
            if at + 1 == values.len() {
                last = value;
                break;
            }
            let condition = self.truth(&value, expr.span);
            match condition.as_constant() {
                Some(true) => {
                    last = value;
                    break;
                }
                Some(false) => {}
                None => {
                    if self.tries > 0 {
                        self.guards.push(condition.clone().not());
                    }
                    before.push((value, condition, expr.span));
                }
            }
        }
        self.guards.truncate(guards);
        let mut otherwise = last;
        // Tests that follow one another are alternatives of one node: a chain of them would be copied at every link.
        let mut tests: Vec<Node> = Vec::new();
        let mut first = Span::default();
        for (value, condition, span) in before.into_iter().rev() {
            let is_test = !tests.is_empty() || matches!(otherwise, Value::Test(_) | Value::Bool(_));
            if is_test && matches!(value, Value::Test(_)) {
                tests.push(condition);
                first = span;
                continue;
            }
            otherwise = self.any_test(&mut tests, otherwise, first);
            otherwise = Self::one_or(value, condition, otherwise);
        }
        self.any_test(&mut tests, otherwise, first)
    }

    /// Any of some tests, the last first, or else a value that is a test as well.
    fn any_test(&mut self, tests: &mut Vec<Node>, otherwise: Value, span: Span) -> Value {
        if tests.is_empty() {
            return otherwise;
        }
        let other = self.truth(&otherwise, span);
        Value::test(Node::any(tests.drain(..).rev().chain([other])))
    }

    fn one_or(value: Value, condition: Node, otherwise: Value) -> Value {
        match (&value, &otherwise) {
            // An empty default says nothing but the type.
            (Value::Field(field), default)
                if matches!(
                    default,
                    Value::Text(_) | Value::List(..) | Value::Dict(_) | Value::Number(_) | Value::None
                ) && default.is_constant()
                    && field.part.is_none()
                    && !matches!(&field.absent, Absent::Is(own) if own.constant_truth() != Some(false)) =>
            {
                let holds = if field.holds == Holds::Unknown { default.holds() } else { field.holds };
                Value::field(Field { absent: Absent::Is(default.clone()), holds, ..(**field).clone() })
            }
            _ => Value::or(condition, value, otherwise),
        }
    }

    /// The value of a key or at an index.
    pub(crate) fn index(&mut self, value: &Value, key: &Value, span: Span) -> Value {
        self.spend(1);
        if self.is_spent() {
            return self.unknown(BUDGET, span);
        }
        match (value, key) {
            (Value::Either(either), _) => {
                let not = either.condition.clone().not();
                let then = self.guarded(&either.condition, |this| this.index(&either.then, key, span));
                let otherwise = self.guarded(&not, |this| this.index(&either.otherwise, key, span));
                self.spend_nodes(&either.condition);
                Value::either(either.condition.clone(), then, otherwise)
            }
            // A key that is written in brackets is taken to be there; it may hold None.
            (Value::Event, Value::Text(key)) => self.keyed(Field::new(key.to_string(), Absent::Is(Value::None)), span),
            (Value::Field(field), Value::Text(key)) => {
                self.throw_none("TypeError", value, span);
                if key.bytes().all(|byte| byte.is_ascii_digit()) {
                    return self.element(field, key, span);
                }
                self.keyed(field.below(key, Absent::Is(Value::None)), span)
            }
            (Value::Field(field), Value::Number(index)) => {
                self.throw_none("TypeError", value, span);
                self.element(field, index, span)
            }
            (Value::None, _) => {
                self.throw("TypeError", Node::always());
                self.raised(span)
            }
            (Value::List(_, items), Value::Number(index)) if value.is_constant() || items.iter().all(is_sure) => {
                let length = items.len();
                let at = index.parse::<i64>().ok().and_then(|at| {
                    if at < 0 { length.checked_sub(usize::try_from(-at).ok()?) } else { usize::try_from(at).ok() }
                });
                match at.and_then(|at| items.get(at)) {
                    Some(item) => item.value.clone(),
                    None => {
                        self.throw("IndexError", Node::always());
                        self.unknown("index is out of range", span)
                    }
                }
            }
            (Value::List(_, items), Value::Number(index)) if &**index == "0" => {
                // The first of those that are there.
                let mut value = self.unknown("index is out of range", span);
                let mut some = Vec::with_capacity(items.len());
                for item in items.iter().rev() {
                    let there = self.exists(item, Node::always(), span);
                    some.push(there.clone());
                    value = Value::either(there, item.value.clone(), value);
                }
                self.throw("IndexError", Node::any(some).not());
                value
            }
            (Value::Dict(entries), _) => {
                if self.tries > 0 {
                    let known = self.contained(key, value, span);
                    self.throw("KeyError", known.not());
                }
                let missing = self.raised(span);
                self.looked_up(&entries.clone(), key, missing, span)
            }
            (Value::Keyed(entry), _) => {
                let condition = self.equal(&entry.0, key, span);
                self.throw("KeyError", condition.clone().not());
                let missing = self.raised(span);
                Value::either(condition, entry.1.clone(), missing)
            }
            (Value::Split(split), Value::Number(index)) => {
                self.throw_no_part(&split.0, &split.1, index, span);
                let last = match &**index {
                    "0" => false,
                    "-1" => true,
                    _ => return Value::Computed(self.text_at(span).into()),
                };
                let part = Part { separator: split.1.clone(), last };
                Value::field(Field { part: Some(part), holds: Holds::Text, ..split.0.clone() })
            }
            (Value::Unknown(unknown), _) | (_, Value::Unknown(unknown)) => self.unknown(unknown.reason, span),
            (Value::Name(name), _) => Value::Name(format!("{name}[…]").into()),
            (Value::Event | Value::Field(_), _) => self.unknown("key is not known", span),
            _ => Value::Computed(self.text_at(span).into()),
        }
    }

    /// A place that is named by its key in brackets.
    fn keyed(&mut self, field: Field, span: Span) -> Value {
        if self.tries > 0 {
            let missing = self.missing(&field.path, span);
            self.throw("KeyError", missing);
        }
        Value::field(field)
    }

    /// An element of a list in the event: the first by its index, the last by any.
    fn element(&mut self, field: &Field, index: &Text, span: Span) -> Value {
        let path =
            if index.starts_with('-') || field.each { field.path.clone() } else { format!("{}[{index}]", field.path) };
        if self.tries > 0 {
            let missing = self.missing(&path, span);
            self.throw("IndexError", missing);
        }
        Value::field(Field {
            each: field.each || index.starts_with('-'),
            case: field.case,
            ..Field::new(path, Absent::Raises)
        })
    }

    /// `dict.get(key, default)` of a dictionary that is written in the module.
    pub(crate) fn looked_up(&mut self, entries: &[(Value, Value)], key: &Value, missing: Value, span: Span) -> Value {
        if let Value::Either(either) = key {
            let then = self.looked_up(entries, &either.then, missing.clone(), span);
            let otherwise = self.looked_up(entries, &either.otherwise, missing, span);
            self.spend_nodes(&either.condition);
            return Value::either(either.condition.clone(), then, otherwise);
        }
        // Keys with one value are one comparison.
        let mut groups: Vec<(&Value, Vec<Value>)> = Vec::new();
        for (known, value) in entries {
            self.spend(1);
            if self.is_spent() {
                return self.unknown(BUDGET, span);
            }
            // Values that are alike stand near each other, where there are many.
            let near = groups.len().saturating_sub(64);
            match groups[near..].iter_mut().find(|(other, _)| *other == value) {
                Some((_, keys)) => keys.push(known.clone()),
                None => groups.push((value, vec![known.clone()])),
            }
        }
        let mut found = missing;
        for (value, keys) in groups.into_iter().rev() {
            let condition = match keys.as_slice() {
                [only] => self.equal(key, only, span),
                _ => self.contained(key, &Value::list(Shape::Tuple, keys), span),
            };
            if self.is_spent() {
                return self.unknown(BUDGET, span);
            }
            found = Value::either(condition, value.clone(), found);
        }
        found
    }

    fn slice(&mut self, value: &Value, from: Option<&Expr>, to: Option<&Expr>, frame: &mut Frame, span: Span) -> Value {
        let bound = |this: &mut Self, bound: Option<&Expr>, frame: &mut Frame| match bound {
            None => Some(None),
            Some(expr) => match this.expr(expr, frame) {
                Value::Number(number) => number.parse::<i64>().ok().map(Some),
                _ => None,
            },
        };
        let from = bound(self, from, frame);
        let to = bound(self, to, frame);
        match (value, from, to) {
            (Value::List(shape, items), Some(from), Some(to)) if items.iter().all(is_sure) => {
                let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let clamp =
                    |at: i64| usize::try_from((if at < 0 { at + length } else { at }).clamp(0, length)).unwrap_or(0);
                let (from, to) = (clamp(from.unwrap_or(0)), clamp(to.unwrap_or(length)));
                Value::List(*shape, Rc::new(items.get(from..to).unwrap_or_default().to_vec()))
            }
            (Value::Unknown(unknown), ..) => self.unknown(unknown.reason, span),
            // A part of a list of the event has its elements.
            (Value::Field(field), ..) if field.holds == Holds::List => value.clone(),
            _ => Value::Computed(self.text_at(span).into()),
        }
    }

    fn comprehension(&mut self, comprehension: &Comprehension, frame: &mut Frame, span: Span) -> Value {
        let outer: Env = frame.env.clone();
        let mut items = Vec::new();
        let mut fault = None;
        self.rounds(comprehension, 0, &Node::always(), None, frame, &mut items, &mut fault);
        frame.env = outer;
        if let Some(reason) = fault {
            return self.unknown(reason, span);
        }
        if comprehension.key.is_none() {
            return Value::List(Shape::List, Rc::new(items));
        }
        let pair = |item: &Item| match &item.value {
            Value::List(_, pair) => match pair.as_slice() {
                [key, value] => Some((key.value.clone(), value.value.clone())),
                _ => None,
            },
            _ => None,
        };
        if let [only] = items.as_slice()
            && only.over.is_some()
        {
            return match pair(only) {
                Some(entry) => Value::Keyed(Rc::new(entry)),
                None => self.unknown("dictionary is not known", span),
            };
        }
        Value::Dict(Rc::new(items.iter().filter_map(pair).collect()))
    }

    #[allow(clippy::too_many_arguments)]
    fn rounds(
        &mut self,
        comprehension: &Comprehension,
        at: usize,
        guard: &Node,
        over: Option<&Rc<Field>>,
        frame: &mut Frame,
        into: &mut Vec<Item>,
        fault: &mut Option<&'static str>,
    ) {
        const MAX_ITEMS: usize = 4096;
        let Some((target, iterable, conditions)) = comprehension.loops.get(at) else {
            let value = self.expr(&comprehension.element, frame);
            let value = match &comprehension.key {
                Some(key) => {
                    let key = self.expr(key, frame);
                    Value::list(Shape::Tuple, [key, value])
                }
                None => value,
            };
            into.push(Item { guard: guard.clone(), value, over: over.cloned() });
            return;
        };
        let value = self.expr(iterable, frame);
        let Some(items) = self.items(&value, iterable.span) else {
            *fault = Some(if let Value::Unknown(unknown) = &value {
                unknown.reason
            } else {
                "loop over something that is not known"
            });
            return;
        };
        self.note_empty(items.is_empty(), iterable.span);
        for item in items {
            if into.len() >= MAX_ITEMS || self.is_spent() {
                *fault = Some(BUDGET);
                return;
            }
            self.bind(target, item.value.clone(), frame);
            let mut conjuncts = vec![guard.clone(), item.guard.clone()];
            if self.tries > 0
                && let Some(list) = &item.over
            {
                conjuncts.push(self.present(&list.path, iterable.span));
            }
            let first = conjuncts.len();
            for condition in conditions {
                let reached = Node::all(if self.tries > 0 { conjuncts.clone() } else { Vec::new() });
                let value = self.guarded(&reached, |this| this.expr(condition, frame));
                conjuncts.push(self.truth(&value, condition.span));
            }
            let reached = Node::all(if self.tries > 0 { conjuncts.clone() } else { Vec::new() });
            conjuncts.drain(2..first);
            let guard = Node::all(conjuncts);
            if guard.as_constant() == Some(false) {
                continue;
            }
            let over = item.over.as_ref().or(over).cloned();
            self.guarded(&reached, |this| {
                this.rounds(comprehension, at + 1, &guard, over.as_ref(), frame, into, fault);
            });
            if fault.is_some() {
                return;
            }
        }
    }

    /// The place of a path of keys below a value.
    pub(crate) fn get(&mut self, value: &Value, keys: &[Value], absent: Absent, span: Span) -> Value {
        self.spend(1);
        if self.is_spent() {
            return self.unknown(BUDGET, span);
        }
        match value {
            Value::Event => match keys.iter().map(key_of).collect::<Option<Vec<String>>>() {
                Some(keys) => Value::field(Field::new(keys.join("."), absent)),
                None => self.get_either(value, keys, &absent, span),
            },
            Value::Field(field) => match keys.iter().map(key_of).collect::<Option<Vec<String>>>() {
                Some(keys) => {
                    // A default that is a dictionary answers itself where the place is missing.
                    let absent = match (&field.absent, &absent) {
                        (Absent::Is(Value::Dict(entries)), Absent::Is(own))
                            if !entries.is_empty() && keys.len() == 1 =>
                        {
                            let key = Value::text(&keys[0]);
                            let found = entries.iter().find(|(known, _)| *known == key).map(|(_, value)| value.clone());
                            Absent::Is(found.unwrap_or_else(|| own.clone()))
                        }
                        _ => absent,
                    };
                    Value::field(field.below(&keys.join("."), absent))
                }
                None => self.get_either(value, keys, &absent, span),
            },
            Value::Dict(entries) => {
                let Some((first, rest)) = keys.split_first() else { return value.clone() };
                let default = match &absent {
                    Absent::Is(value) => value.clone(),
                    Absent::Raises => self.raised(span),
                };
                let found = self.looked_up(&entries.clone(), first, default, span);
                if rest.is_empty() { found } else { self.get(&found, rest, absent, span) }
            }
            Value::Keyed(entry) => {
                let Some(first) = keys.first() else { return value.clone() };
                let condition = self.equal(&entry.0, first, span);
                let default = match &absent {
                    Absent::Is(value) => value.clone(),
                    Absent::Raises => self.raised(span),
                };
                Value::either(condition, entry.1.clone(), default)
            }
            Value::Either(either) => {
                let then = self.get(&either.then, keys, absent.clone(), span);
                let otherwise = self.get(&either.otherwise, keys, absent, span);
                self.spend_nodes(&either.condition);
                Value::either(either.condition.clone(), then, otherwise)
            }
            Value::None | Value::Text(_) | Value::Bool(_) | Value::Number(_) => match absent {
                Absent::Is(value) => value,
                Absent::Raises => self.unknown("key of something that has none", span),
            },
            Value::Unknown(unknown) => self.unknown(unknown.reason, span),
            Value::Name(name) => Value::Name(format!("{name}.get").into()),
            _ => self.unknown("key of something that has none", span),
        }
    }

    /// A key that depends on the event.
    fn get_either(&mut self, value: &Value, keys: &[Value], absent: &Absent, span: Span) -> Value {
        let at = keys.iter().position(|key| matches!(key, Value::Either(_)));
        let Some((at, Value::Either(either))) = at.and_then(|at| Some((at, keys.get(at)?))) else {
            return self.unknown("key is not known", span);
        };
        let with = |key: &Value| {
            let mut keys = keys.to_vec();
            keys[at] = key.clone();
            keys
        };
        let then = self.get(value, &with(&either.then), absent.clone(), span);
        let otherwise = self.get(value, &with(&either.otherwise), absent.clone(), span);
        self.spend_nodes(&either.condition);
        Value::either(either.condition.clone(), then, otherwise)
    }
}

fn self_items(follow: &mut Follow<'_>, value: &Value, starred: bool, span: Span) -> Option<Vec<Item>> {
    if starred { follow.items(value, span) } else { None }
}

fn is_sure(item: &Item) -> bool {
    item.guard.as_constant() == Some(true) && item.over.is_none()
}

/// Pieces as one text where all are known.
pub(crate) fn joined(pieces: Vec<Value>) -> Value {
    const MAX_ITEMS: usize = 256;
    let long = |piece: &Value| if let Value::Text(text) = piece { text.len() } else { 0 };
    if pieces.len() > MAX_ITEMS || pieces.iter().map(long).sum::<usize>() > MAX_TEXT {
        return Value::unknown(BUDGET, "", Span::default());
    }
    let mut parts: Vec<Value> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let piece = match piece {
            Value::Number(number) => Value::Text(number),
            Value::Bool(value) => Value::text(if value { "True" } else { "False" }),
            other => other,
        };
        match (parts.last_mut(), piece) {
            (Some(Value::Text(before)), Value::Text(next)) => *before = format!("{before}{next}").into(),
            (_, Value::Unknown(unknown)) => return Value::Unknown(unknown),
            (_, Value::Text(text)) if text.is_empty() => {}
            (_, piece) => parts.push(piece),
        }
    }
    match parts.len() {
        0 => Value::text(""),
        1 => parts.remove(0),
        _ => Value::Joined(Rc::new(parts)),
    }
}
