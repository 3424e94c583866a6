//! Exceptions: what raises one, where it is caught, and what the handler makes of the event.
//!
//! Sources: "Built-in Exceptions" of Python's library reference, "The try statement" of its language reference.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Missing, Modifier, Node, Op, Predicate, Span};

use crate::{
    flow::{Flow, MAX_ATTEMPTS},
    follow::{Follow, Frame},
    library::escaped,
    nodes::choose,
    syntax::{Handler, Stmt, Text, Try},
    value::{Absent, Env, Field, Value, number_of},
};

/// The class of an exception that a function which is not followed may raise.
pub(crate) const ANY_CLASS: &str = "*";
/// Exceptions of one statement, and places of a `try` at which one is raised.
const MAX_THROWN: usize = 64;

/// The texts that `int` takes.
const INTEGER: &str = r"^\s*[+-]?\d+(?:_\d+)*\s*$";
/// The texts that `float` takes.
const REAL: &str =
    r"^\s*[+-]?(?:(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+)?|(?i:inf|infinity|nan))\s*$";
/// All addresses.
const ADDRESSES: [&str; 2] = ["0.0.0.0/0", "::/0"];

impl Follow<'_> {
    /// Records that the current expression raises an exception by itself where `condition` holds: that decides for an event,
    /// and is nothing that the rule looks for.
    pub(crate) fn throw(&mut self, class: &str, mut condition: Node) {
        if self.tries > 0 {
            condition.for_each_predicate_mut(&mut |predicate| predicate.guard = true);
            self.throw_as_written(class, condition);
        }
    }

    /// Records that the current statement or call raises an exception where the author's own `condition` holds.
    pub(crate) fn throw_as_written(&mut self, class: &str, condition: Node) {
        if self.tries == 0 || self.thrown.len() >= MAX_THROWN {
            return;
        }
        let condition = Node::all(self.guards.iter().cloned().chain([condition]));
        if condition.as_constant() == Some(false) {
            return;
        }
        self.spend_nodes(&condition);
        let thrown = (Text::from(class), condition);
        if !self.thrown.contains(&thrown) {
            self.thrown.push(thrown);
        }
    }

    /// Says that an exception is raised where the event lacks a place that has no default but None.
    pub(crate) fn throw_none(&mut self, class: &str, value: &Value, span: Span) {
        if self.tries == 0 {
            return;
        }
        match value {
            Value::None => self.throw(class, Node::always()),
            Value::Field(field) if matches!(field.absent, Absent::Is(Value::None)) => {
                let missing = self.missing(&field.path, span);
                self.throw(class, missing);
            }
            _ => {}
        }
    }

    /// Says that a call of a function that is not followed may raise anything.
    pub(crate) fn throw_unknown(&mut self, value: &Value) {
        if let Value::Unknown(unknown) = value {
            let part = Node::opaque(unknown.text.clone(), unknown.reason, unknown.span);
            self.throw(ANY_CLASS, part);
        }
    }

    /// What `int(…)` and `float(…)` raise.
    pub(crate) fn throw_no_number(&mut self, value: &Value, is_real: bool, span: Span) {
        if self.tries == 0 {
            return;
        }
        self.throw_none("TypeError", value, span);
        match value {
            Value::Text(text) if number_of(text).is_none() => self.throw("ValueError", Node::always()),
            Value::List(..) | Value::Dict(_) => self.throw("TypeError", Node::always()),
            Value::Field(field) => {
                match &field.absent {
                    Absent::Is(Value::Text(text)) if number_of(text).is_none() => {
                        let missing = self.missing(&field.path, span);
                        self.throw("ValueError", missing);
                    }
                    Absent::Is(Value::List(..) | Value::Dict(_)) => {
                        let missing = self.missing(&field.path, span);
                        self.throw("TypeError", missing);
                    }
                    _ => {}
                }
                let mut number = self.predicate(&field.path, Op::RegexMatch, span);
                number.values = vec![if is_real { REAL } else { INTEGER }.to_owned()];
                let other = match field.part {
                    None => Node::from(number).not(),
                    Some(_) => Node::opaque(self.text_at(span), "part of a text may be no number", self.place(span)),
                };
                let there = self.present(&field.path, span);
                self.throw("ValueError", Node::all([there, other]));
            }
            _ => {}
        }
    }

    /// What `ip_address(…)` raises.
    pub(crate) fn throw_no_address(&mut self, value: &Value, span: Span) {
        if self.tries == 0 {
            return;
        }
        match value {
            Value::None => self.throw("ValueError", Node::always()),
            Value::Text(text) if text.parse::<std::net::IpAddr>().is_err() => {
                self.throw("ValueError", Node::always());
            }
            Value::Field(field) => {
                let mut address = self.predicate(&field.path, Op::CidrMatch, span);
                address.values = ADDRESSES.map(str::to_owned).to_vec();
                let is_default =
                    matches!(&field.absent, Absent::Is(Value::Text(text)) if text.parse::<std::net::IpAddr>().is_ok());
                address.missing = if is_default { Missing::Holds } else { Missing::Fails };
                self.throw("ValueError", Node::from(address).not());
            }
            _ => {}
        }
    }

    /// What reading a text as JSON raises.
    pub(crate) fn throw_no_json(&mut self, value: &Value, span: Span) {
        if self.tries == 0 {
            return;
        }
        self.throw_none("TypeError", value, span);
        if let Value::Field(field) = value {
            match &field.absent {
                Absent::Is(Value::Text(text)) if text.trim().is_empty() => {
                    let missing = self.missing(&field.path, span);
                    self.throw("JSONDecodeError", missing);
                }
                Absent::Is(Value::List(..) | Value::Dict(_)) => {
                    let missing = self.missing(&field.path, span);
                    self.throw("TypeError", missing);
                }
                _ => {}
            }
            let there = self.present(&field.path, span);
            let mut json = self.predicate(&field.path, Op::IsNotNull, span);
            json.modifiers = Modifier::Json.into();
            self.throw("JSONDecodeError", Node::all([there, Node::from(json).not()]));
        }
    }

    /// What an element of a text's parts raises: there is none where the text has too few separators.
    pub(crate) fn throw_no_part(&mut self, field: &Field, separator: &str, index: &str, span: Span) {
        if self.tries == 0 {
            return;
        }
        let Ok(index) = index.parse::<i64>() else { return };
        let needed = usize::try_from(if index < 0 { -1 - index } else { index }).unwrap_or(usize::MAX);
        let mut enough = self.predicate(&field.path, Op::Contains, span);
        match needed {
            0 => return,
            1 => enough.values = vec![separator.to_owned()],
            2..=16 => {
                enough.op = Op::RegexMatch;
                enough.modifiers = Modifier::DotAll.into();
                enough.values = vec![vec![escaped(separator); needed].join(".*")];
            }
            _ => return self.throw("IndexError", Node::always()),
        }
        self.throw("IndexError", Node::from(enough).not());
    }

    /// What taking something apart into several names raises.
    pub(crate) fn throw_other_length(&mut self, value: &Value, length: usize, span: Span) {
        if self.tries == 0 {
            return;
        }
        self.throw_none("TypeError", value, span);
        match value {
            Value::List(_, items) if items.len() != length => self.throw("ValueError", Node::always()),
            Value::Split(split) => {
                let (field, separator) = (&split.0, &*split.1);
                let mut characters = separator.chars();
                let mut parts = match (characters.next(), characters.next()) {
                    (Some(_), None) => self.predicate(&field.path, Op::RegexMatch, span),
                    _ => {
                        let part = Node::opaque(self.text_at(span), "number of parts is not known", self.place(span));
                        return self.throw("ValueError", part);
                    }
                };
                let one = escaped(separator);
                parts.values = vec![format!("^[^{one}]*(?:{one}[^{one}]*){{{}}}$", length.saturating_sub(1))];
                self.throw("ValueError", Node::from(parts).not());
            }
            Value::Field(field) => {
                let last = self.missing(&format!("{}[{}]", field.path, length.saturating_sub(1)), span);
                self.throw("ValueError", last);
            }
            _ => {}
        }
    }

    /// Runs `work` for a part of an expression that is reached under a condition.
    pub(crate) fn guarded<T>(&mut self, guard: &Node, work: impl FnOnce(&mut Self) -> T) -> T {
        if self.tries == 0 || guard.as_constant() == Some(true) {
            return work(self);
        }
        self.guards.push(guard.clone());
        let found = work(self);
        self.guards.pop();
        found
    }

    /// A statement's flow behind what its expressions raise; `before` are the names as they were.
    pub(crate) fn unless_thrown(
        &mut self,
        thrown: Vec<(Text, Node)>,
        before: &Env,
        flow: Flow,
        frame: &mut Frame,
    ) -> Flow {
        let mut result = flow;
        for (class, condition) in thrown.into_iter().rev() {
            let reached = Node::all(frame.path.iter().cloned().chain([condition.clone()]));
            if frame.throws.len() < MAX_THROWN {
                frame.throws.push((class.clone(), reached, before.clone()));
            }
            if self.exceptions.len() < MAX_THROWN && !self.exceptions.contains(&condition) {
                self.exceptions.push(condition.clone());
            }
            result = Flow::choice(condition, Flow::Throw(class), result);
        }
        result
    }

    /// A `try` statement.
    pub(crate) fn attempt(&mut self, parts: &Try, frame: &mut Frame, span: Span) -> Flow {
        let depth = frame.attempts;
        if depth >= MAX_ATTEMPTS {
            let value = self.unknown("nesting is too deep", span);
            return Flow::Return(value, span);
        }
        frame.attempts += 1;
        let outer = std::mem::take(&mut frame.throws);
        self.tries += 1;
        let body = self.block(&parts.body, frame);
        self.tries -= 1;
        let mut pending = std::mem::replace(&mut frame.throws, outer);
        let rest = if body.falls() { self.block(&parts.otherwise, frame) } else { Flow::Fall };
        let mut behind: Option<Env> = (body.falls() && rest.falls()).then(|| std::mem::take(&mut frame.env));
        let mut caught: Vec<(Vec<Text>, Flow)> = Vec::new();
        for handler in &parts.handlers {
            let (mine, others): (Vec<_>, Vec<_>) = pending.into_iter().partition(|(class, ..)| handler.catches(class));
            pending = others;
            if mine.is_empty() {
                continue;
            }
            let mut classes: Vec<Text> = mine.iter().map(|(class, ..)| class.clone()).collect();
            classes.sort_unstable();
            classes.dedup();
            let condition = Node::any(mine.iter().map(|(_, condition, _)| condition.clone()));
            frame.env = self.names_at(mine);
            let flow = self.handler(handler, &classes, &condition, frame, span);
            if flow.falls() {
                let names = std::mem::take(&mut frame.env);
                behind = Some(match behind {
                    Some(others) => self.merge(&condition, names, others),
                    None => names,
                });
            }
            caught.push((classes, flow.then(Flow::Skip(depth))));
        }
        let first = frame.throws.len();
        frame.throws.extend(pending);
        frame.attempts -= 1;
        if let Some(names) = behind {
            frame.env = names;
        }
        let body = body.caught(&|class| {
            let handler = caught.iter().find(|(classes, _)| classes.iter().any(|other| **other == *class));
            handler.map(|(_, flow)| flow.clone())
        });
        let flow = Flow::Attempt(depth, Rc::new(body.then(rest)));
        self.in_any_case(flow, &parts.last, first, frame)
    }

    fn handler(
        &mut self,
        handler: &Handler,
        classes: &[Text],
        condition: &Node,
        frame: &mut Frame,
        span: Span,
    ) -> Flow {
        if let Some(name) = &handler.name {
            let value = self.unknown("exception is not followed", span);
            frame.env.insert(name.clone(), value);
        }
        let class = if let [only] = classes { Some(only.clone()) } else { None };
        let outer = std::mem::replace(&mut frame.handled, class);
        if self.exceptions.len() < MAX_THROWN {
            self.exceptions.push(condition.clone());
        }
        frame.path.push(condition.clone());
        let flow = self.block(&handler.body, frame);
        frame.path.pop();
        frame.handled = outer;
        flow
    }

    /// The names where one of several exceptions was raised.
    fn names_at(&mut self, throws: Vec<(Text, Node, Env)>) -> Env {
        let mut names: Option<Env> = None;
        for (_, condition, at) in throws.into_iter().rev() {
            names = Some(match names {
                Some(others) => self.merge(&condition, at, others),
                None => at,
            });
        }
        names.unwrap_or_default()
    }

    /// `finally`: what runs behind every end of a flow. Exceptions from the `first` on leave it with the names that it
    /// sets.
    fn in_any_case(&mut self, flow: Flow, last: &[Stmt], first: usize, frame: &mut Frame) -> Flow {
        if last.is_empty() {
            return flow;
        }
        let before = frame.env.clone();
        let leaving = frame.throws.len();
        let last = self.block(last, frame);
        for (_, _, names) in frame.throws.iter_mut().take(leaving).skip(first) {
            let set = frame.env.iter().filter(|(name, value)| before.get(*name) != Some(value));
            names.extend(set.map(|(name, value)| (name.clone(), value.clone())));
        }
        if last.only_falls() { flow } else { flow.before(&last).then(last) }
    }

    /// The exceptions that leave a function, each class with its condition.
    pub(crate) fn thrown_by(&mut self, flow: &Flow) -> Vec<(Text, Node)> {
        let mut classes = Vec::new();
        flow.thrown(&mut classes);
        classes
            .into_iter()
            .map(|class| {
                let condition = self.throws_class(flow, &class);
                (class, condition)
            })
            .collect()
    }

    fn throws_class(&mut self, flow: &Flow, class: &str) -> Node {
        self.spend(1);
        if self.is_spent() {
            return self.opaque("too much to follow", Span::default());
        }
        match flow {
            Flow::Throw(other) => Node::constant(&**other == class),
            Flow::Return(..) | Flow::Fall | Flow::Break | Flow::Continue | Flow::Skip(_) => Node::never(),
            Flow::If(condition, then, otherwise) => {
                let then = self.throws_class(then, class);
                let otherwise = self.throws_class(otherwise, class);
                self.chosen(condition.clone(), then, otherwise)
            }
            Flow::Then(first, second) => {
                let in_first = self.throws_class(first, class);
                let in_second = self.throws_class(second, class);
                if in_second.as_constant() == Some(false) {
                    return in_first;
                }
                let reached = self.falls_through(first);
                Node::any([in_first, Node::all([reached, in_second])])
            }
            Flow::Loop(inner) | Flow::Round(inner) | Flow::Attempt(_, inner) => self.throws_class(inner, class),
            Flow::Element(list, inner, span) => {
                let node = self.throws_class(inner, class);
                self.some_element(list, node, *span)
            }
        }
    }

    /// [`choose`] where the condition may be that of an exception: what fails for every such event by itself needs not
    /// say that it is none.
    pub(crate) fn chosen(&mut self, condition: Node, then: Node, otherwise: Node) -> Node {
        self.spend_nodes(&condition);
        if self.is_spent() {
            return self.opaque(BUDGET, Span::default());
        }
        if !self.exceptions.contains(&condition) {
            return choose(condition, then, otherwise);
        }
        if then == otherwise {
            return then;
        }
        if let Node::Any(children) = &otherwise
            && then.as_constant().is_none()
            && children.contains(&then)
        {
            let others = Node::any(children.iter().filter(|child| **child != then).cloned());
            return Node::any([then, without_exception(condition, others)]);
        }
        if then.as_constant() == Some(false) && otherwise.as_constant().is_none() {
            return without_exception(condition, otherwise);
        }
        choose(condition, then, otherwise)
    }
}

impl Handler {
    fn catches(&self, class: &str) -> bool {
        let Some(classes) = &self.classes else { return true };
        classes.iter().any(|own| {
            let is_below = match &**own {
                "Exception" | "BaseException" => true,
                "LookupError" => matches!(class, "KeyError" | "IndexError"),
                "ArithmeticError" => matches!(class, "ZeroDivisionError" | "OverflowError" | "FloatingPointError"),
                "ValueError" => matches!(
                    class,
                    "JSONDecodeError"
                        | "UnicodeDecodeError"
                        | "UnicodeEncodeError"
                        | "AddressValueError"
                        | "NetmaskValueError"
                ),
                "RuntimeError" => matches!(class, "NotImplementedError" | "RecursionError"),
                _ => false,
            };
            is_below || **own == *class || class == ANY_CLASS
        })
    }
}

impl Flow {
    /// The same with handlers in the place of the exceptions that they catch.
    fn caught(&self, handler: &impl Fn(&str) -> Option<Flow>) -> Self {
        let inner = |flow: &Rc<Self>| Rc::new(flow.caught(handler));
        match self {
            Self::Throw(class) => handler(class).unwrap_or_else(|| self.clone()),
            Self::If(condition, then, otherwise) => Self::If(condition.clone(), inner(then), inner(otherwise)),
            Self::Then(first, second) => Self::Then(inner(first), inner(second)),
            Self::Loop(body) => Self::Loop(inner(body)),
            Self::Round(body) => Self::Round(inner(body)),
            Self::Element(list, body, span) => Self::Element(list.clone(), inner(body), *span),
            Self::Attempt(depth, body) => Self::Attempt(*depth, inner(body)),
            Self::Fall | Self::Return(..) | Self::Break | Self::Continue | Self::Skip(_) => self.clone(),
        }
    }

    /// The same with `last` before every end that leaves the statement.
    fn before(&self, last: &Self) -> Self {
        let inner = |flow: &Rc<Self>| Rc::new(flow.before(last));
        match self {
            Self::Return(..) | Self::Throw(_) | Self::Break | Self::Continue => last.clone().then(self.clone()),
            Self::If(condition, then, otherwise) => Self::If(condition.clone(), inner(then), inner(otherwise)),
            Self::Then(first, second) => Self::Then(inner(first), inner(second)),
            Self::Element(list, body, span) => Self::Element(list.clone(), inner(body), *span),
            Self::Attempt(depth, body) => Self::Attempt(*depth, inner(body)),
            // A loop's own ends do not leave it.
            Self::Loop(_) | Self::Round(_) | Self::Fall | Self::Skip(_) => self.clone(),
        }
    }

    /// The classes of the exceptions that are raised, each once.
    fn thrown(&self, into: &mut Vec<Text>) {
        match self {
            Self::Throw(class) if !into.contains(class) => into.push(class.clone()),
            Self::Throw(_) | Self::Return(..) | Self::Fall | Self::Break | Self::Continue | Self::Skip(_) => {}
            Self::If(_, first, second) | Self::Then(first, second) => {
                first.thrown(into);
                second.thrown(into);
            }
            Self::Loop(inner) | Self::Round(inner) | Self::Element(_, inner, _) | Self::Attempt(_, inner) => {
                inner.thrown(into);
            }
        }
    }
}

/// `node` where the exception is not raised; the parts of the condition are left out that make `node` fail anyway.
fn without_exception(condition: Node, mut node: Node) -> Node {
    let alternatives = match condition {
        Node::Any(children) => children,
        one => vec![one],
    };
    let mut kept = Vec::new();
    for alternative in alternatives {
        if fails_where(&node, &alternative) {
            settle(&mut node, &alternative);
        } else {
            kept.push(alternative);
        }
    }
    Node::all([Node::any(kept).not(), node])
}

/// The comparison that an exception's condition is about, and whether the condition is that it does not hold.
fn subject(condition: &Node) -> Option<(&Predicate, bool)> {
    match condition {
        Node::Predicate(predicate) => Some((predicate, false)),
        Node::Not(inner) => subject(inner).map(|(predicate, inverted)| (predicate, !inverted)),
        _ => None,
    }
}

/// Whether `node` holds for no event of an exception.
fn fails_where(node: &Node, exception: &Node) -> bool {
    match node {
        Node::All(children) => children.iter().any(|child| fails_where(child, exception)),
        Node::Any(children) => !children.is_empty() && children.iter().all(|child| fails_where(child, exception)),
        Node::Predicate(predicate) => is_failed(predicate, exception),
        Node::Not(_) | Node::Opaque(_) => false,
    }
}

fn is_failed(predicate: &Predicate, exception: &Node) -> bool {
    if predicate.negated || predicate.missing == Missing::Holds || predicate.op == Op::IsNull || predicate.computed {
        return false;
    }
    if let Node::All(parts) = exception {
        return parts.iter().any(|part| is_failed(predicate, part));
    }
    let Some((asked, inverted)) = subject(exception) else { return false };
    let same = predicate.raw_field == asked.raw_field;
    match (asked.op, inverted) {
        // Nothing is below a text that is no JSON.
        (Op::IsNotNull, true) if asked.modifiers.is_only(Modifier::Json) => {
            is_below(&predicate.raw_field, &asked.raw_field)
        }
        (Op::IsNull, false) => same || is_below(&predicate.raw_field, &asked.raw_field),
        (Op::RegexMatch, true) => {
            let numbers = || predicate.values.iter().all(|value| number_of(value).is_some());
            same && matches!(predicate.op, Op::Lt | Op::Lte | Op::Gt | Op::Gte | Op::Eq | Op::In) && numbers()
        }
        (Op::CidrMatch, true) => same && predicate.op == Op::CidrMatch,
        (Op::Contains, true) => {
            same && matches!(predicate.op, Op::Contains | Op::StartsWith | Op::EndsWith | Op::Eq)
                && predicate.values.iter().all(|value| asked.values.iter().any(|part| value.contains(part)))
        }
        _ => false,
    }
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// What was null as it raised the exception is false, now that it is caught.
fn settle(node: &mut Node, exception: &Node) {
    match node {
        Node::All(children) | Node::Any(children) => children.iter_mut().for_each(|child| settle(child, exception)),
        Node::Predicate(predicate) if predicate.missing == Missing::Null && is_failed(predicate, exception) => {
            predicate.missing = Missing::Fails;
        }
        Node::Predicate(_) | Node::Not(_) | Node::Opaque(_) => {}
    }
}
