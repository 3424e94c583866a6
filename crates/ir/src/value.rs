//! What an expression stands for, as far as the text of the query tells.

use std::rc::Rc;

use ruleatlas_model::{Modifier, Node, Span};
use rustc_hash::FxHashMap;

use crate::changed::Changed;
use crate::columns::Columns;
pub(crate) use crate::letters::Letters;
use crate::plan::{Const, ConstKind, Expr};

/// A name may stand for cases of cases; deeper ones are something computed.
const MAX_DEPTH: u16 = 120;
/// How many values of one are looked at for the field that it comes from: values may be shared many times over.
const MAX_LOOKS: usize = 64;
/// How many values of a union's tables a name may stand for.
const MAX_VALUES: usize = 16;

/// A field of the events, followed back to where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// The path in dots.
    pub path: Rc<str>,
    /// The field that it was cut out of.
    pub from: Option<Rc<str>>,
    /// What was done to its letters.
    pub letters: Letters,
    /// What predicates say of how its value was changed.
    pub modifier: Option<Modifier>,
    /// Whether it was made a number, so that another text has no order.
    pub is_number: bool,
    /// The step whose events have it, where that is not the one that the current pipeline becomes.
    pub step: Option<usize>,
}

impl Field {
    pub fn new(path: &str) -> Self {
        Self {
            path: Rc::from(path),
            from: None,
            letters: Letters::AsWritten,
            modifier: None,
            is_number: false,
            step: None,
        }
    }

    /// The field at the root: what this one was cut out of, or itself.
    pub fn origin(&self) -> Rc<str> {
        self.from.clone().unwrap_or_else(|| self.path.clone())
    }

    fn member(&self, name: &str) -> Self {
        Self { path: format!("{}.{name}", self.path).into(), ..self.clone() }
    }

    fn element(&self, index: &str) -> Self {
        Self { path: format!("{}[{index}]", self.path).into(), ..self.clone() }
    }
}

/// The steps whose events a condition is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Owner {
    /// None: a constant.
    #[default]
    Nobody,
    /// The events of one step; of the current pipeline where it has no number.
    One(Option<usize>),
    /// Those of several.
    Several,
}

impl Owner {
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nobody, owner) | (owner, Self::Nobody) => owner,
            (first, second) if first == second => first,
            _ => Self::Several,
        }
    }
}

/// A condition that was resolved where its names were known.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// The condition; `None` says nothing of the event.
    pub node: Option<Rc<Node>>,
    pub owner: Owner,
}

impl Resolved {
    /// Why the condition is not known.
    pub fn unknown(&self) -> Option<&str> {
        match self.node.as_deref() {
            Some(Node::Opaque(opaque)) => Some(&opaque.reason),
            _ => None,
        }
    }

    fn of_step(self: &Rc<Self>, step: Option<usize>) -> Rc<Self> {
        match self.owner {
            Owner::One(None) => Rc::new(Self { node: self.node.clone(), owner: Owner::One(step) }),
            _ => Rc::clone(self),
        }
    }
}

/// A condition and the value behind it.
pub(crate) type Arm<'p> = (Rc<Resolved>, Value<'p>);

/// What an expression stands for.
#[derive(Clone, Debug)]
pub(crate) enum Value<'p> {
    /// A field, behind wrappers that do not change what is compared.
    Field(Field),
    /// A constant.
    Const(Const),
    /// A list of constants.
    List(Rc<[Const]>),
    /// The rows of a sub-query.
    Rows(&'p Expr),
    /// One of some values, the first whose condition holds, or the last.
    Cases(Rc<Cases<'p>>),
    /// Any of some values.
    Either(Rc<[Value<'p>]>),
    /// The first of some values that is not missing (`coalesce`); a constant can only be the last.
    First(Rc<[Value<'p>]>, u16),
    /// Values of many events in one list; an element of it is the value of one event.
    Collected(Rc<str>, Rc<Value<'p>>),
    /// A column of a list, missing where that has no row for the event.
    Listed(Rc<Listed<'p>>),
    /// A condition.
    Condition(Rc<Resolved>),
    /// The event's time, or a time that is counted from now; `true` for the event's.
    Time(bool),
    /// Values of lists that are known by their names.
    Named(Rc<[Rc<str>]>),
    /// An object of the query.
    Object(Rc<Vec<(Rc<str>, Value<'p>)>>),
    /// A row of a table, in a step of its own or not: its members are the table's columns.
    Row(Rc<Columns<'p>>, Option<usize>),
    /// A column of the row of a list that is known by its name; `true` where its letters were brought to one case.
    Looked(Rc<Looked<'p>>, bool),
    /// A part of a field's text.
    Cut(Cut),
    /// Something computed.
    Computed(Computed),
    /// Something that is not known, and why.
    Unknown(Rc<str>),
}

/// A part of a field's text that has no name yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The field.
    pub from: Rc<str>,
    /// The step whose events have it.
    pub step: Option<usize>,
    /// What it is called, where that is not what stands at its place.
    pub text: Option<Rc<str>>,
    /// What was done to its letters.
    pub letters: Letters,
}

/// Something computed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Computed {
    /// What it is computed by.
    pub text: Rc<str>,
    /// The first field that it is computed of.
    pub from: Option<Rc<str>>,
    /// What was done to its letters.
    pub letters: Letters,
    /// Whether it is what a group of events has in a field.
    pub is_of_group: bool,
    /// The step whose events the group has, where that is not the current pipeline's.
    pub step: Option<usize>,
}

impl Computed {
    /// What is computed by this.
    pub fn new(text: Rc<str>) -> Self {
        Self { text, ..Self::default() }
    }
}

/// When another table has a row for an event.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// Where this condition on the event holds.
    Where(Rc<Resolved>),
    /// Where the step has an event.
    Step(usize),
}

/// The arms of a case and the value where none holds.
#[derive(Debug)]
pub(crate) struct Cases<'p> {
    pub arms: Vec<Arm<'p>>,
    pub otherwise: Value<'p>,
    /// Where it stands.
    pub span: Span,
    depth: u16,
}

/// A column that a lookup or an outer join adds.
#[derive(Debug)]
pub(crate) struct Listed<'p> {
    /// When there is a row for the event.
    pub found: Found,
    /// What the column is where it has one.
    pub value: Value<'p>,
}

/// A column of a list, found by the values of other columns.
#[derive(Debug)]
pub(crate) struct Looked<'p> {
    /// The list's name.
    pub list: Rc<str>,
    pub column: Rc<str>,
    pub keys: Keys<'p>,
    /// Whether any row of the list may be found; which of them may is not known otherwise.
    pub whole: bool,
    depth: u16,
}

/// Columns of a list, and the values that they are compared with.
pub(crate) type Keys<'p> = Rc<Vec<(Rc<str>, Value<'p>)>>;

impl<'p> Value<'p> {
    /// A field for a name that nothing defines.
    pub fn field(path: &str) -> Self {
        Self::Field(Field::new(path))
    }

    pub fn computed(text: Rc<str>) -> Self {
        Self::Computed(Computed::new(text))
    }

    pub fn null() -> Self {
        Self::Const(Const::null())
    }

    /// How many values the first that is not missing is chosen from.
    pub fn count(&self) -> usize {
        if let Self::First(values, _) = self { values.len() } else { 1 }
    }

    fn depth(&self) -> u16 {
        match self {
            Self::Cases(cases) => cases.depth,
            Self::First(_, depth) => *depth,
            Self::Collected(_, inner) => inner.depth(),
            Self::Listed(listed) => listed.value.depth(),
            Self::Either(values) => values.iter().map(Self::depth).max().unwrap_or(0),
            Self::Looked(looked, _) => looked.depth,
            _ => 0,
        }
    }

    /// The first of some values that is not missing; `text` is what is computed where that is too much.
    pub fn first(values: impl IntoIterator<Item = Self>, text: &dyn Fn() -> Rc<str>) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for value in values {
            match value {
                Self::Const(constant) if constant.kind == ConstKind::Null => {}
                Self::First(inner, _) => kept.extend(inner.iter().cloned()),
                value if kept.iter().any(|other| other.is_same(&value)) => {}
                value => kept.push(value),
            }
            if matches!(kept.last(), Some(Self::Const(_) | Self::List(_))) {
                break;
            }
        }
        let depth = 1 + kept.iter().map(Self::depth).max().unwrap_or(0);
        match kept.len() {
            0 => Self::null(),
            1 => kept.remove(0),
            _ if depth <= MAX_DEPTH => Self::First(kept.into(), depth),
            _ => Self::computed(text()),
        }
    }

    /// A column of a list's row that is found by these keys; computed where they are columns of too many lists.
    pub fn looked(list: &Rc<str>, column: &Rc<str>, keys: &Keys<'p>, whole: bool) -> Self {
        let depth = 1 + keys.iter().map(|(_, key)| key.depth()).max().unwrap_or(0);
        if depth > MAX_DEPTH {
            return Self::computed(Rc::clone(column));
        }
        let (list, column, keys) = (Rc::clone(list), Rc::clone(column), Rc::clone(keys));
        Self::Looked(Rc::new(Looked { list, column, keys, whole, depth }), false)
    }

    /// The values of many events in one list; what one of them collects is the same.
    pub fn collected(text: &Rc<str>, element: Self) -> Self {
        match element {
            Self::Collected(_, element) => Self::Collected(Rc::clone(text), element),
            element => Self::Collected(Rc::clone(text), Rc::new(element)),
        }
    }

    /// The value behind the first condition that holds.
    pub fn cases(arms: Vec<Arm<'p>>, otherwise: Self, span: Span, text: &dyn Fn() -> Rc<str>) -> Self {
        if arms.is_empty() {
            return otherwise;
        }
        let deepest = arms.iter().map(|(_, value)| value.depth()).max().unwrap_or(0).max(otherwise.depth());
        let depth = deepest + 1;
        if depth > MAX_DEPTH {
            return Self::computed(text());
        }
        Self::Cases(Rc::new(Cases { arms, otherwise, span, depth }))
    }

    /// One of some values; alike ones are one.
    pub fn either(values: impl IntoIterator<Item = Self>, name: &dyn Fn() -> Rc<str>) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for value in values {
            if !kept.iter().any(|other| other.is_same(&value)) {
                kept.push(value);
            }
            if kept.len() > MAX_VALUES {
                return Self::computed(name());
            }
        }
        match kept.len() {
            0 => Self::computed(name()),
            1 => kept.remove(0),
            _ => Self::Either(kept.into()),
        }
    }

    /// The value with each that it may be changed.
    pub fn map(&self, change: &impl Fn(&Self) -> Self) -> Self {
        self.map_once(change, &mut FxHashMap::default())
    }

    /// The same, where values that stand in several places are changed once.
    fn map_once(&self, change: &impl Fn(&Self) -> Self, seen: &mut FxHashMap<*const (), Self>) -> Self {
        let key: *const () = match self {
            Self::Cases(cases) => Rc::as_ptr(cases).cast(),
            Self::Either(values) | Self::First(values, _) => Rc::as_ptr(values).cast(),
            Self::Listed(listed) => Rc::as_ptr(listed).cast(),
            other => return change(other),
        };
        if let Some(changed) = seen.get(&key) {
            return changed.clone();
        }
        let changed = match self {
            Self::Cases(cases) => {
                let arms =
                    cases.arms.iter().map(|(node, value)| (node.clone(), value.map_once(change, seen))).collect();
                let otherwise = cases.otherwise.map_once(change, seen);
                Self::Cases(Rc::new(Cases { arms, otherwise, span: cases.span, depth: cases.depth }))
            }
            Self::Either(values) => Self::Either(values.iter().map(|value| value.map_once(change, seen)).collect()),
            Self::First(values, depth) => {
                Self::First(values.iter().map(|value| value.map_once(change, seen)).collect(), *depth)
            }
            Self::Listed(listed) => {
                let value = listed.value.map_once(change, seen);
                Self::Listed(Rc::new(Listed { found: listed.found.clone(), value }))
            }
            other => change(other),
        };
        seen.insert(key, changed.clone());
        changed
    }

    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a == b,
            (Self::Const(a), Self::Const(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Named(a), Self::Named(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Cut(a), Self::Cut(b)) => a == b,
            (Self::Looked(a, _), Self::Looked(b, _)) => Rc::ptr_eq(a, b),
            (Self::Computed(a), Self::Computed(b)) => a == b,
            (Self::Cases(a), Self::Cases(b)) => Rc::ptr_eq(a, b),
            (Self::Either(a), Self::Either(b)) | (Self::First(a, _), Self::First(b, _)) => Rc::ptr_eq(a, b),
            (Self::Listed(a), Self::Listed(b)) => Rc::ptr_eq(a, b),
            (Self::Condition(a), Self::Condition(b)) => Rc::ptr_eq(a, b),
            (Self::Collected(a, element), Self::Collected(b, other)) => a == b && Rc::ptr_eq(element, other),
            _ => false,
        }
    }

    /// What a name that is bound to this stands for: a part that was cut out has a name from then on.
    pub fn called(self, name: &str) -> Self {
        match self {
            Self::Cut(Cut { from, step, letters, .. }) => {
                Self::Field(Field { from: Some(from), step, letters, ..Field::new(name) })
            }
            other => other,
        }
    }

    /// The constants that this value lists.
    pub fn constants(&self) -> Option<Vec<Const>> {
        match self {
            Self::Const(constant) => Some(vec![constant.clone()]),
            Self::List(list) => Some(list.to_vec()),
            Self::Either(values) => {
                let lists: Option<Vec<Vec<Const>>> = values.iter().map(Self::constants).collect();
                Some(lists?.concat())
            }
            _ => None,
        }
    }

    /// The member of this name; `text` is what it is called where it is computed.
    pub fn member(&self, name: &str, text: &dyn Fn() -> Rc<str>) -> Self {
        self.map(&|value| match value {
            Self::Field(field) => Self::Field(field.member(name)),
            Self::Collected(text, element) => {
                let element = element.member(name, &|| Rc::from(name));
                Self::Collected(format!("{text}.{name}").into(), Rc::new(element))
            }
            Self::Cut(_) | Self::Unknown(_) | Self::Named(_) => value.clone(),
            Self::Object(members) => {
                let found = members.iter().find(|(key, _)| **key == *name);
                found.map_or_else(|| Self::computed(text()), |(_, value)| value.clone())
            }
            Self::Row(columns, step) => match columns.known.get(name) {
                Some(value) => value.of_step(*step),
                None if columns.sealed => Self::computed(text()),
                None => Self::field(name).of_step(*step),
            },
            _ => Self::computed(text()),
        })
    }

    /// The value itself, whether or not another table had to have a row for it.
    pub fn bare(self) -> Self {
        let mut value = self;
        while let Self::Listed(listed) = &value {
            value = listed.value.clone();
        }
        value
    }

    /// The element at an index.
    pub fn element(&self, index: &str, text: &dyn Fn() -> Rc<str>) -> Self {
        self.map(&|value| match value {
            Self::Field(field) => Self::Field(field.element(index)),
            Self::List(list) => match place_in(list, index).and_then(|at| list.get(at)) {
                Some(found) => Self::Const(found.clone()),
                None => Self::null(),
            },
            Self::Cut(_) | Self::Unknown(_) => value.clone(),
            Self::Object(_) | Self::Row(..) | Self::Named(_) => value.member(index, text),
            _ => Self::computed(text()),
        })
    }

    /// The same with its letters brought to one case.
    pub fn in_letters(&self, letters: Letters) -> Self {
        let changed = |constant: &Const| match constant.kind {
            ConstKind::Text => Const::new(letters.of(&constant.text), ConstKind::Text),
            _ => constant.clone(),
        };
        self.map(&|value| match value {
            Self::Field(field) => Self::Field(Field { letters, ..field.clone() }),
            Self::Computed(computed) => Self::Computed(Computed { letters, ..computed.clone() }),
            Self::Cut(cut) => Self::Cut(Cut { letters, ..cut.clone() }),
            Self::Looked(looked, _) => Self::Looked(Rc::clone(looked), true),
            Self::Const(constant) => Self::Const(changed(constant)),
            Self::List(list) => Self::List(list.iter().map(changed).collect()),
            // So is what it collects.
            Self::Collected(text, element) => Self::Collected(text.clone(), Rc::new(element.in_letters(letters))),
            other => other.clone(),
        })
    }

    /// The same as a number.
    pub fn number(&self) -> Self {
        self.map(&|value| match value {
            Self::Field(field) => Self::Field(Field { is_number: true, ..field.clone() }),
            other => other.clone(),
        })
    }

    /// The same, its fields with a modifier.
    pub fn modified(&self, modifier: Modifier) -> Self {
        self.map(&|value| match value {
            Self::Field(field) => Self::Field(Field { modifier: Some(modifier), ..field.clone() }),
            other => other.clone(),
        })
    }

    /// The same as a value of another step's events.
    pub fn of_step(&self, step: Option<usize>) -> Self {
        if step.is_none() {
            return self.clone();
        }
        let moved = self.map(&|value| match value {
            Self::Field(field) if field.step.is_none() => Self::Field(Field { step, ..field.clone() }),
            Self::Cut(cut) if cut.step.is_none() => Self::Cut(Cut { step, ..cut.clone() }),
            Self::Computed(computed) if computed.is_of_group && computed.step.is_none() => {
                Self::Computed(Computed { step, ..computed.clone() })
            }
            Self::Collected(name, element) => Self::Collected(name.clone(), Rc::new(element.of_step(step))),
            Self::Condition(resolved) => Self::Condition(resolved.of_step(step)),
            Self::Looked(looked, any_case) => {
                let keys = looked.keys.iter().map(|(column, value)| (Rc::clone(column), value.of_step(step)));
                let (list, column) = (Rc::clone(&looked.list), Rc::clone(&looked.column));
                let keys = Rc::new(keys.collect());
                Self::Looked(
                    Rc::new(Looked { list, column, keys, whole: looked.whole, depth: looked.depth }),
                    *any_case,
                )
            }
            other => other.clone(),
        });
        match moved {
            Self::Cases(cases) => {
                let arms = cases.arms.iter().map(|(resolved, value)| (resolved.of_step(step), value.clone()));
                let arms = arms.collect();
                let otherwise = cases.otherwise.clone();
                Self::Cases(Rc::new(Cases { arms, otherwise, span: cases.span, depth: cases.depth }))
            }
            other => other,
        }
    }

    /// Whether it is about the events of a step of their own.
    pub fn is_of_step(&self) -> bool {
        self.steps_of(&mut { MAX_LOOKS })
    }

    fn steps_of(&self, looks: &mut usize) -> bool {
        let Some(left) = looks.checked_sub(1) else { return false };
        *looks = left;
        match self {
            Self::Field(field) => field.step.is_some(),
            Self::Cut(cut) => cut.step.is_some(),
            Self::Computed(computed) => computed.step.is_some(),
            Self::Row(_, step) => step.is_some(),
            Self::Collected(_, element) => element.steps_of(looks),
            Self::Either(values) | Self::First(values, _) => values.iter().any(|value| value.steps_of(looks)),
            Self::Listed(listed) => matches!(listed.found, Found::Step(_)) || listed.value.steps_of(looks),
            Self::Condition(resolved) => matches!(resolved.owner, Owner::One(Some(_))),
            Self::Cases(cases) => {
                cases.arms.iter().any(|(_, value)| value.steps_of(looks)) || cases.otherwise.steps_of(looks)
            }
            _ => false,
        }
    }

    /// The field that this value is, was cut out of or is computed of.
    pub fn origin(&self) -> Option<Rc<str>> {
        Some(self.origin_of(&mut { MAX_LOOKS })?.0)
    }

    /// The same with the step whose events have it.
    pub fn origin_with_step(&self) -> Option<(Rc<str>, Option<usize>)> {
        self.origin_of(&mut { MAX_LOOKS })
    }

    fn origin_of(&self, looks: &mut usize) -> Option<(Rc<str>, Option<usize>)> {
        *looks = looks.checked_sub(1)?;
        match self {
            Self::Field(field) => Some((field.origin(), field.step)),
            Self::Cut(cut) => Some((Rc::clone(&cut.from), cut.step)),
            Self::Computed(computed) => Some((computed.from.clone()?, computed.step)),
            Self::Either(values) | Self::First(values, _) => values.iter().find_map(|value| value.origin_of(looks)),
            Self::Listed(listed) => listed.value.origin_of(looks),
            Self::Cases(cases) => {
                let mut values = cases.arms.iter().map(|(_, value)| value).chain([&cases.otherwise]);
                values.find_map(|value| value.origin_of(looks))
            }
            _ => None,
        }
    }

    /// The step whose events are grouped, where this is what a group of events has.
    pub fn group_step(&self) -> Option<Option<usize>> {
        match self {
            Self::Computed(computed) => computed.is_of_group.then_some(computed.step),
            Self::Collected(_, element) => Some(match &**element {
                Self::Field(field) => field.step,
                _ => None,
            }),
            _ => None,
        }
    }

    /// The field that a value is a changed form of, where all that it may be comes from one field, or is what `own` was
    /// before, and it is not simply that field.
    pub fn changed_from(&self, own: &str) -> Option<(Rc<str>, Option<usize>)> {
        // A part that was cut out gets its name where it is set.
        if matches!(self, Self::Field(_) | Self::Cut(_)) {
            return None;
        }
        Changed::find(self, own, MAX_LOOKS)
    }
}

/// The place in a list that an index means: one below nothing is counted from the end.
fn place_in(list: &[Const], index: &str) -> Option<usize> {
    let at: i64 = index.parse().ok()?;
    let length = i64::try_from(list.len()).ok()?;
    usize::try_from(if at < 0 { length + at } else { at }).ok()
}
