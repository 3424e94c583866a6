//! What an expression of a rule can be, as far as it is known without an event.

use std::{rc::Rc, sync::Arc};

use ruleatlas_model::{Modifiers, Node, Span};
use rustc_hash::FxHashMap;

use crate::{
    module::Module,
    syntax::{Function, Shape, Text},
};

/// Local names and their values.
pub(crate) type Env = FxHashMap<Text, Value>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    /// A number as it is spelled.
    Number(Text),
    Text(Text),
    List(Shape, Rc<Vec<Item>>),
    Dict(Rc<Vec<(Value, Value)>>),
    /// A dictionary whose entries are made of the elements of a list in the event.
    Keyed(Rc<(Value, Value)>),
    /// The whole event.
    Event,
    /// Something the event holds.
    Field(Rc<Field>),
    /// The parts of a text of the event.
    Split(Rc<(Field, Text)>),
    /// A condition on the event.
    Test(Rc<Node>),
    Either(Rc<Either>),
    Function(Rc<Closure>),
    /// Something outside the available modules, by its full name (`re.search`).
    Name(Text),
    /// A method that is not called yet.
    Method(Rc<(Value, Text)>),
    Regex(Rc<Regex>),
    /// An IP address.
    Address(Rc<Value>),
    Network(Text),
    /// A text of several pieces that are not all known.
    Joined(Rc<Vec<Value>>),
    /// How long something is, with the expression's text.
    Length(Rc<(Value, Text)>),
    /// Something computed from the event: the expression's text.
    Computed(Text),
    /// Something that cannot be followed.
    Unknown(Rc<Unknown>),
}

/// Lists, dictionaries and choices that a value may hold, each counted as often as it stands in it: names that hold each
/// other make a value of a few lines as large as one likes, and whoever compares two of them visits every part.
const MAX_PARTS: usize = 4_096;

impl Value {
    /// How many lists, dictionaries and choices the value holds, each counted as often as it stands in it; `None` where they
    /// are more than anyone writes.
    pub(crate) fn parts(&self) -> Option<usize> {
        let mut open = vec![self];
        let mut parts = 0;
        while let Some(value) = open.pop() {
            let is_container = |value: &&Self| matches!(value, Self::List(..) | Self::Dict(_) | Self::Either(_));
            parts += 1;
            match value {
                Self::List(_, items) => open.extend(items.iter().map(|item| &item.value).filter(is_container)),
                Self::Dict(entries) => {
                    open.extend(entries.iter().flat_map(|(key, value)| [key, value]).filter(is_container));
                }
                Self::Either(either) => open.extend([&either.then, &either.otherwise].into_iter().filter(is_container)),
                _ => {}
            }
            if parts + open.len() > MAX_PARTS {
                return None;
            }
        }
        Some(parts)
    }
}

/// An element of a list, which is there if `guard` holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub guard: Node,
    pub value: Value,
    /// The list in the event that this stands for any element of.
    pub over: Option<Rc<Field>>,
}

impl Item {
    pub fn plain(value: Value) -> Self {
        Self { guard: Node::always(), value, over: None }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Either {
    pub condition: Node,
    pub then: Value,
    pub otherwise: Value,
    /// Whether the condition is that `then` is true: `a or b`.
    pub is_or: bool,
    /// How deep alternatives stand in alternatives.
    depth: u32,
}

/// Alternatives in alternatives that are followed.
const MAX_ALTERNATIVES: u32 = 48;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Regex {
    pub pattern: Text,
    pub ignore_case: bool,
    /// The flags that are a predicate's modifiers.
    pub modifiers: Modifiers,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub reason: &'static str,
    pub text: String,
    pub span: Span,
}

/// A function, where it was defined and what it can see.
#[derive(Clone, Debug)]
pub(crate) struct Closure {
    pub function: Arc<Function>,
    pub module: Arc<Module>,
    pub captured: Env,
}

impl PartialEq for Closure {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.function, &other.function)
    }
}

// Values are `Eq` so that an `Rc` is equal to itself without a look at what it holds.
impl Eq for Closure {}

/// A place in the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// Keys joined by dots.
    pub path: String,
    /// What the expression is where the event has no such place.
    pub absent: Absent,
    pub holds: Holds,
    pub case: Case,
    pub part: Option<Part>,
    /// Whether it stands for any element of a list.
    pub each: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// The expression raises an exception.
    Raises,
    Is(Value),
}

/// What is known of the type of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    Unknown,
    Text,
    List,
    Dict,
    Bool,
    Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Exact,
    Lower,
    Upper,
}

/// The first or last part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub separator: Text,
    pub last: bool,
}

impl Field {
    pub fn new(path: impl Into<String>, absent: Absent) -> Self {
        let holds = match &absent {
            Absent::Raises => Holds::Unknown,
            Absent::Is(value) => value.holds(),
        };
        Self { path: path.into(), absent, holds, case: Case::Exact, part: None, each: false }
    }

    /// The place of a key below this one.
    pub fn below(&self, key: &str, absent: Absent) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { each: self.each, ..Self::new(path, absent) }
    }

    /// Whether comparing it compares the whole text of the event's value, in the event's case.
    pub fn is_plain(&self) -> bool {
        self.part.is_none() && self.case == Case::Exact
    }
}

impl Value {
    pub fn text(text: &str) -> Self {
        Self::Text(Text::from(text))
    }

    pub fn field(field: Field) -> Self {
        Self::Field(Rc::new(field))
    }

    pub fn list(shape: Shape, values: impl IntoIterator<Item = Value>) -> Self {
        Self::List(shape, Rc::new(values.into_iter().map(Item::plain).collect()))
    }

    pub fn test(node: Node) -> Self {
        match node.as_constant() {
            Some(value) => Self::Bool(value),
            None => Self::Test(Rc::new(node)),
        }
    }

    pub fn either(condition: Node, then: Value, otherwise: Value) -> Self {
        match condition.as_constant() {
            Some(true) => then,
            Some(false) => otherwise,
            None if then == otherwise => then,
            None => match (then, otherwise) {
                (Self::Bool(true), Self::Bool(false)) => Self::test(condition),
                (Self::Bool(false), Self::Bool(true)) => Self::test(condition.not()),
                (then, otherwise) => Self::alternatives(condition, then, otherwise, false),
            },
        }
    }

    /// `a or b`, where `a` is true under the condition.
    pub fn or(condition: Node, then: Value, otherwise: Value) -> Self {
        Self::alternatives(condition, then, otherwise, true)
    }

    fn alternatives(condition: Node, then: Value, otherwise: Value, is_or: bool) -> Self {
        let depth = |value: &Value| if let Self::Either(either) = value { either.depth } else { 0 };
        let depth = 1 + depth(&then).max(depth(&otherwise));
        if depth > MAX_ALTERNATIVES {
            return Self::unknown("too many alternatives", "", Span::default());
        }
        Self::Either(Rc::new(Either { condition, then, otherwise, is_or, depth }))
    }

    pub fn unknown(reason: &'static str, text: &str, span: Span) -> Self {
        Self::Unknown(Rc::new(Unknown { reason, text: text.to_owned(), span }))
    }

    /// Whether it is the same for every event, and known.
    pub fn is_constant(&self) -> bool {
        match self {
            Self::None | Self::Bool(_) | Self::Number(_) | Self::Text(_) => true,
            Self::List(_, items) => items
                .iter()
                .all(|item| item.guard.as_constant() == Some(true) && item.over.is_none() && item.value.is_constant()),
            Self::Dict(entries) => entries.iter().all(|(key, value)| key.is_constant() && value.is_constant()),
            _ => false,
        }
    }

    /// Whether a constant counts as true; `None` for what is no constant.
    pub fn constant_truth(&self) -> Option<bool> {
        match self {
            Self::None => Some(false),
            Self::Bool(value) => Some(*value),
            Self::Number(number) => Some(number_of(number).is_none_or(|number| number != 0.0)),
            Self::Text(text) => Some(!text.is_empty()),
            Self::List(_, items) if items.is_empty() => Some(false),
            Self::List(_, items)
                if items.iter().any(|item| item.guard.as_constant() == Some(true) && item.over.is_none()) =>
            {
                Some(true)
            }
            Self::Dict(entries) => Some(!entries.is_empty()),
            Self::Event | Self::Function(_) | Self::Name(_) | Self::Method(_) | Self::Regex(_) | Self::Network(_) => {
                Some(true)
            }
            _ => None,
        }
    }

    /// The type that a default gives away.
    pub fn holds(&self) -> Holds {
        match self {
            Self::Text(_) => Holds::Text,
            Self::Bool(_) => Holds::Bool,
            Self::Number(_) => Holds::Number,
            Self::List(..) => Holds::List,
            Self::Dict(_) => Holds::Dict,
            Self::Field(field) => field.holds,
            _ => Holds::Unknown,
        }
    }

    /// A literal's text in a predicate's values.
    pub fn literal(&self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.to_string()),
            _ => None,
        }
    }
}

/// The number a Python literal spells.
pub(crate) fn number_of(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|character| *character != '_').collect();
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.as_str()),
    };
    let lower = digits.to_ascii_lowercase();
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| Some((lower.strip_prefix(prefix)?, radix)));
    #[allow(clippy::cast_precision_loss)]
    let number = match radix {
        Some((digits, radix)) => i64::from_str_radix(digits, radix).ok()? as f64,
        None => lower.parse().ok()?,
    };
    Some(if negative { -number } else { number })
}

/// A number as a Python literal would spell it.
pub(crate) fn spell(number: f64) -> Text {
    Text::from(format!("{number}"))
}
