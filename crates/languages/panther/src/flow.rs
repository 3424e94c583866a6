//! Where statements lead to: what they return and under which condition.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Node, Span};

use crate::{
    follow::Follow,
    syntax::Text,
    value::{Field, Item, Value},
};

/// The ways through a list of statements.
#[derive(Clone, Debug)]
pub(crate) enum Flow {
    /// The next statement is reached.
    Fall,
    Return(Value, Span),
    /// An exception of this class is raised.
    Throw(Text),
    Break,
    Continue,
    /// The statement behind the `try` of this depth is reached.
    Skip(u8),
    If(Node, Rc<Flow>, Rc<Flow>),
    /// The second where the first falls through.
    Then(Rc<Flow>, Rc<Flow>),
    /// A loop's rounds: `break` leads behind them.
    Loop(Rc<Flow>),
    /// One round: `continue` leads behind it.
    Round(Rc<Flow>),
    /// A round that stands for any element of a list in the event.
    Element(Rc<Field>, Rc<Flow>, Span),
    /// A `try`, its handlers in the place of what they catch: `Skip` leads behind it.
    Attempt(u8, Rc<Flow>),
}

/// Statements of `try` in each other that are followed.
pub(crate) const MAX_ATTEMPTS: u8 = 8;

/// The ends that a flow has, one bit each.
const FALL: u16 = 1;
const BREAK: u16 = 2;
const CONTINUE: u16 = 4;
const LEAVES: u16 = 8;

/// The bit of the end that leads behind a `try`.
fn skip(depth: u8) -> u16 {
    16 << depth.min(MAX_ATTEMPTS - 1)
}

impl Flow {
    fn ends(&self) -> u16 {
        match self {
            Self::Fall => FALL,
            Self::Break => BREAK,
            Self::Continue => CONTINUE,
            Self::Return(..) | Self::Throw(_) => LEAVES,
            Self::Skip(depth) => skip(*depth),
            Self::Attempt(depth, inner) => turn(inner.ends(), skip(*depth)),
            Self::If(_, then, otherwise) => then.ends() | otherwise.ends(),
            Self::Then(first, second) => match first.ends() {
                ends if ends & FALL == 0 => ends,
                ends => (ends & !FALL) | second.ends(),
            },
            Self::Loop(inner) => turn(inner.ends(), BREAK),
            Self::Round(inner) => turn(inner.ends(), CONTINUE),
            Self::Element(_, inner, _) => inner.ends() | FALL,
        }
    }

    /// Whether the statement behind can be reached.
    pub fn falls(&self) -> bool {
        self.ends() & FALL != 0
    }

    /// Whether nothing but the statement behind can be reached.
    pub fn only_falls(&self) -> bool {
        self.ends() == FALL
    }

    pub fn returns(&self) -> bool {
        self.ends() & LEAVES != 0
    }

    pub fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Fall, next) => next,
            (first, Self::Fall) => first,
            (first, next) => Self::Then(Rc::new(first), Rc::new(next)),
        }
    }

    pub fn choice(condition: Node, then: Self, otherwise: Self) -> Self {
        match condition.as_constant() {
            Some(true) => then,
            Some(false) => otherwise,
            None if matches!((&then, &otherwise), (Self::Fall, Self::Fall)) => Self::Fall,
            None => Self::If(condition, Rc::new(then), Rc::new(otherwise)),
        }
    }

    /// The condition under which one and the same constant is returned, where that is all that is done.
    pub fn only_return(&self) -> Option<(Node, &Value, Span)> {
        match self {
            Self::Return(value, span) if value.is_constant() => Some((Node::always(), value, *span)),
            Self::Round(inner) => inner.only_return(),
            Self::If(condition, then, otherwise) if matches!(**otherwise, Self::Fall) => {
                let (inner, value, span) = then.only_return()?;
                Some((Node::all([condition.clone(), inner]), value, span))
            }
            _ => None,
        }
    }

    /// What is returned, in order.
    fn returned<'f>(&'f self, into: &mut Vec<&'f Value>) {
        match self {
            Self::Return(value, _) => into.push(value),
            Self::Fall | Self::Throw(_) | Self::Break | Self::Continue | Self::Skip(_) => {}
            Self::If(_, first, second) | Self::Then(first, second) => {
                first.returned(into);
                second.returned(into);
            }
            Self::Loop(inner) | Self::Round(inner) | Self::Element(_, inner, _) | Self::Attempt(_, inner) => {
                inner.returned(into);
            }
        }
    }
}

fn turn(ends: u16, into_fall: u16) -> u16 {
    if ends & into_fall == 0 { ends } else { (ends & !into_fall) | FALL }
}

/// What each end of a flow that does not return leads to.
#[derive(Clone)]
struct Behind<T> {
    fall: T,
    leave: T,
    next: T,
    /// Behind each `try` that is open, the outermost first.
    skips: Vec<T>,
}

impl<T: Clone> Behind<T> {
    fn same(value: T) -> Self {
        Self { fall: value.clone(), leave: value.clone(), next: value, skips: Vec::new() }
    }

    /// What is behind the `try` of this depth.
    fn skip(&self, depth: u8) -> &T {
        self.skips.get(usize::from(depth)).unwrap_or(&self.fall)
    }

    /// The same within a `try`.
    fn within(&self, depth: u8) -> Self {
        let mut behind = self.clone();
        behind.skips.resize(usize::from(depth), self.fall.clone());
        behind.skips.push(self.fall.clone());
        behind
    }
}

impl Follow<'_> {
    /// What a function whose body is `flow` returns.
    pub fn result(&mut self, flow: &Flow, span: Span) -> Value {
        if let Flow::Return(value, _) = flow {
            return value.clone();
        }
        let mut values = Vec::new();
        flow.returned(&mut values);
        let is_truth = |value: &&&Value| matches!(value, Value::Bool(_) | Value::Test(_));
        let truths = values.iter().filter(is_truth).count();
        let nones = values.iter().filter(|value| matches!(value, Value::None)).count();
        if truths > 0 && truths + nones == values.len() {
            let node = self.condition(flow, &Behind::same(Node::never()));
            return Value::test(node);
        }
        self.value_of(flow, &Behind::same(Value::None), None, span)
    }

    fn condition(&mut self, flow: &Flow, behind: &Behind<Node>) -> Node {
        self.spend(1);
        if self.is_spent() {
            return self.opaque(BUDGET, Span::default());
        }
        match flow {
            Flow::Return(value, span) => self.truth(value, *span),
            Flow::Throw(_) => Node::never(),
            Flow::Fall => behind.fall.clone(),
            Flow::Break => behind.leave.clone(),
            Flow::Continue => behind.next.clone(),
            Flow::Skip(depth) => behind.skip(*depth).clone(),
            Flow::Attempt(depth, inner) => self.condition(inner, &behind.within(*depth)),
            Flow::Then(first, second) => {
                if !first.falls() {
                    return self.condition(first, behind);
                }
                let fall = self.condition(second, behind);
                self.condition(first, &Behind { fall, ..behind.clone() })
            }
            Flow::Loop(inner) => self.condition(inner, &Behind { leave: behind.fall.clone(), ..behind.clone() }),
            Flow::Round(inner) => self.condition(inner, &Behind { next: behind.fall.clone(), ..behind.clone() }),
            Flow::If(condition, then, otherwise) => {
                let (then_open, else_open) = (then.ends() & !LEAVES, otherwise.ends() & !LEAVES);
                if then_open != 0
                    && else_open != 0
                    && (flow.returns())
                    && let Some(rest) = common(then_open | else_open, behind)
                {
                    return self.returned_or(flow, rest);
                }
                let then = self.condition(then, behind);
                let otherwise = self.condition(otherwise, behind);
                self.chosen(condition.clone(), then, otherwise)
            }
            Flow::Element(list, inner, span) => {
                let yes = self.returns_what(inner, true);
                let no = self.returns_what(inner, false);
                let yes = self.some_element(list, yes, *span);
                let no = self.some_element(list, no, *span);
                // An element may lead out of a `try` that the loop stands in.
                let mut rest = behind.fall.clone();
                for (depth, behind) in (0..).zip(&behind.skips).filter(|(depth, _)| inner.ends() & skip(*depth) != 0) {
                    let out = self.falls_as(inner, skip(depth));
                    let out = self.some_element(list, out, *span);
                    rest = self.chosen(out, behind.clone(), rest);
                }
                Node::any([yes, Node::all([no.not(), rest])])
            }
        }
    }

    /// Something true is returned, or nothing is and `rest` holds.
    fn returned_or(&mut self, flow: &Flow, rest: Node) -> Node {
        match rest.as_constant() {
            Some(true) => return self.returns_what(flow, false).not(),
            Some(false) => return self.returns_what(flow, true),
            None => {}
        }
        let yes = self.returns_what(flow, true);
        let no = self.returns_what(flow, false);
        Node::any([yes, Node::all([no.not(), rest])])
    }

    /// Something is returned whose truth is `wanted`.
    fn returns_what(&mut self, flow: &Flow, wanted: bool) -> Node {
        self.spend(1);
        match flow {
            Flow::Return(value, span) => {
                let truth = self.truth(value, *span);
                if wanted { truth } else { truth.not() }
            }
            Flow::Throw(_) => Node::constant(!wanted),
            Flow::Fall | Flow::Break | Flow::Continue | Flow::Skip(_) => Node::never(),
            Flow::If(condition, then, otherwise) => {
                let then = self.returns_what(then, wanted);
                let otherwise = self.returns_what(otherwise, wanted);
                self.chosen(condition.clone(), then, otherwise)
            }
            Flow::Then(first, second) => {
                let first_does = self.returns_what(first, wanted);
                if !first.falls() {
                    return first_does;
                }
                let second_does = self.returns_what(second, wanted);
                let reached = self.falls_through(first);
                Node::any([first_does, Node::all([reached, second_does])])
            }
            Flow::Loop(inner) | Flow::Round(inner) | Flow::Attempt(_, inner) => self.returns_what(inner, wanted),
            Flow::Element(list, inner, span) => {
                let node = self.returns_what(inner, wanted);
                self.some_element(list, node, *span)
            }
        }
    }

    /// The condition that the statement behind is reached.
    pub(crate) fn falls_through(&mut self, flow: &Flow) -> Node {
        self.falls_as(flow, FALL)
    }

    fn falls_as(&mut self, flow: &Flow, ends: u16) -> Node {
        self.spend(1);
        match flow {
            Flow::Fall => Node::constant(ends & FALL != 0),
            Flow::Break => Node::constant(ends & BREAK != 0),
            Flow::Continue => Node::constant(ends & CONTINUE != 0),
            Flow::Skip(depth) => Node::constant(ends & skip(*depth) != 0),
            Flow::Return(..) | Flow::Throw(_) => Node::never(),
            Flow::Attempt(depth, inner) => {
                let own = skip(*depth);
                self.falls_as(inner, if ends & FALL == 0 { ends & !own } else { ends | own })
            }
            Flow::If(condition, then, otherwise) => {
                let then = self.falls_as(then, ends);
                let otherwise = self.falls_as(otherwise, ends);
                self.chosen(condition.clone(), then, otherwise)
            }
            Flow::Then(first, second) => {
                let through = self.falls_as(first, FALL);
                let second = self.falls_as(second, ends);
                let other = self.falls_as(first, ends & !FALL);
                Node::any([other, Node::all([through, second])])
            }
            Flow::Loop(inner) => self.falls_as(inner, if ends & FALL == 0 { ends & !BREAK } else { ends | BREAK }),
            Flow::Round(inner) => {
                self.falls_as(inner, if ends & FALL == 0 { ends & !CONTINUE } else { ends | CONTINUE })
            }
            // Of many elements some may return and others not; what returns is asked for by itself.
            Flow::Element(list, inner, span) => {
                if ends & FALL == 0 {
                    return Node::never();
                }
                let yes = self.returns_what(inner, true);
                let no = self.returns_what(inner, false);
                let any = Node::any([yes, no]);
                self.some_element(list, any, *span).not()
            }
        }
    }

    fn value_of(&mut self, flow: &Flow, behind: &Behind<Value>, list: Option<&Rc<Field>>, span: Span) -> Value {
        self.spend(1);
        if self.is_spent() {
            return self.unknown(BUDGET, span);
        }
        match flow {
            Flow::Return(value, _) => value.clone(),
            Flow::Throw(_) => self.raised(span),
            Flow::Fall => behind.fall.clone(),
            Flow::Break => behind.leave.clone(),
            Flow::Continue => behind.next.clone(),
            Flow::Skip(depth) => behind.skip(*depth).clone(),
            Flow::Attempt(depth, inner) => self.value_of(inner, &behind.within(*depth), list, span),
            Flow::Then(first, second) => {
                let fall = self.value_of(second, behind, list, span);
                self.value_of(first, &Behind { fall, ..behind.clone() }, list, span)
            }
            Flow::Loop(inner) => {
                self.value_of(inner, &Behind { leave: behind.fall.clone(), ..behind.clone() }, list, span)
            }
            Flow::Round(inner) => {
                self.value_of(inner, &Behind { next: behind.fall.clone(), ..behind.clone() }, list, span)
            }
            Flow::If(condition, then, otherwise) => {
                let then = self.value_of(then, behind, list, span);
                let otherwise = self.value_of(otherwise, behind, list, span);
                let condition = match list {
                    Some(list) => self.some_element(list, condition.clone(), span),
                    None => condition.clone(),
                };
                Value::either(condition, then, otherwise)
            }
            Flow::Element(list, inner, span) => {
                let value = self.value_of(inner, &Behind::same(behind.fall.clone()), Some(list), *span);
                match &**inner {
                    Flow::Return(..) => {
                        let there = self.present(&list.path, *span);
                        Value::either(there, value, behind.fall.clone())
                    }
                    _ => value,
                }
            }
        }
    }

    /// The elements of something that is gone through.
    pub fn items(&mut self, value: &Value, span: Span) -> Option<Vec<Item>> {
        const MAX_ITEMS: usize = 4096;
        if self.is_spent() {
            return None;
        }
        self.throw_none("TypeError", value, span);
        let items = match value {
            Value::List(_, items) if items.len() > MAX_ITEMS => return None,
            Value::List(_, items) => items.to_vec(),
            Value::Dict(entries) => entries.iter().map(|(key, _)| Item::plain(key.clone())).collect(),
            Value::None => Vec::new(),
            Value::Field(field) if field.part.is_none() => {
                let list = Rc::new(Field { each: true, ..(**field).clone() });
                let element = Field {
                    each: true,
                    case: field.case,
                    ..Field::new(field.path.clone(), crate::value::Absent::Raises)
                };
                let item = Item { guard: Node::always(), value: Value::field(element), over: Some(list) };
                match &field.absent {
                    crate::value::Absent::Is(default @ Value::List(_, own))
                        if !own.is_empty() && default.is_constant() =>
                    {
                        let missing = self.missing(&field.path, span);
                        let own = own.iter().map(|item| Item { guard: missing.clone(), ..item.clone() });
                        std::iter::once(item).chain(own).collect()
                    }
                    _ => vec![item],
                }
            }
            Value::Keyed(entry) => vec![Item::plain(entry.0.clone())],
            Value::Either(either) => {
                let not = either.condition.clone().not();
                let then = self.guarded(&either.condition, |this| this.items(&either.then, span))?;
                let otherwise = self.guarded(&not, |this| this.items(&either.otherwise, span))?;
                let under = |condition: &Node, items: Vec<Item>| -> Vec<Item> {
                    items
                        .into_iter()
                        .map(|item| Item { guard: Node::all([condition.clone(), item.guard]), ..item })
                        .collect()
                };
                let mut all = under(&either.condition, then);
                all.extend(under(&either.condition.clone().not(), otherwise));
                all
            }
            _ => return None,
        };
        self.spend(u32::try_from(items.len()).unwrap_or(u32::MAX));
        (items.len() <= MAX_ITEMS).then_some(items)
    }
}

/// What all of these ends lead to, where it is one thing.
fn common(ends: u16, behind: &Behind<Node>) -> Option<Node> {
    let mut found: Option<&Node> = None;
    let plain = [(FALL, &behind.fall), (BREAK, &behind.leave), (CONTINUE, &behind.next)];
    let skips = (0..MAX_ATTEMPTS).map(|depth| (skip(depth), behind.skip(depth)));
    for (bit, node) in plain.into_iter().chain(skips) {
        if ends & bit == 0 {
            continue;
        }
        match found {
            Some(known) if known != node => return None,
            _ => found = Some(node),
        }
    }
    found.cloned()
}
