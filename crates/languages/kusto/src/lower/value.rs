//! What an expression stands for, as far as the text of the query tells.

use std::rc::Rc;

use ruleatlas_model::Node;
use rustc_hash::FxHashMap;

use super::scope::ScopeRef;
use crate::ast::{Expr, Json, Literal, LiteralKind};

/// A constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Const {
    pub text: Rc<str>,
    pub kind: LiteralKind,
}

impl Const {
    pub fn new(text: &str, kind: LiteralKind) -> Self {
        Self { text: Rc::from(text), kind }
    }

    pub fn string(text: &str) -> Self {
        Self::new(text, LiteralKind::String)
    }

    pub fn of(literal: &Literal<'_>) -> Self {
        Self::new(&literal.text, literal.kind)
    }

    pub fn as_bool(&self) -> Option<bool> {
        match (self.kind, &*self.text) {
            (LiteralKind::Bool, text) => Some(text == "true"),
            (LiteralKind::Number, "1") => Some(true),
            (LiteralKind::Number, "0") => Some(false),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<f64> {
        if self.kind == LiteralKind::Number { self.text.parse().ok() } else { None }
    }
}

/// The steps whose events a condition is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Owner {
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
pub(super) struct Resolved {
    pub node: Node,
    pub owner: Owner,
}

/// A field of the event, followed back to where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The path in dots; empty for "any column".
    pub path: Rc<str>,
    /// The field it was cut out of.
    pub from: Option<Rc<str>>,
    /// Whether its letters were brought to one case, so that no comparison tells cases apart.
    pub one_case: bool,
    /// The step whose events have it, where that is not the one that the current pipeline becomes.
    pub step: Option<usize>,
}

impl Field {
    pub fn new(path: &str) -> Self {
        Self { path: Rc::from(path), from: None, one_case: false, step: None }
    }

    /// The field as one of another step's events: what is asked of it is asked there.
    pub fn of_step(&self, step: usize) -> Self {
        Self { step: self.step.or(Some(step)), ..self.clone() }
    }

    /// The field at the root: what this one was cut out of, or itself.
    pub fn origin(&self) -> Rc<str> {
        self.from.clone().unwrap_or_else(|| self.path.clone())
    }

    pub fn member(&self, name: &str) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { path: path.into(), ..self.clone() }
    }

    pub fn element(&self, index: &str) -> Self {
        Self { path: format!("{}[{index}]", self.path).into(), ..self.clone() }
    }
}

/// A sub-query that stands for values.
#[derive(Clone, Debug)]
pub(super) struct Rows<'a> {
    pub expr: &'a Expr<'a>,
    pub scope: ScopeRef,
    /// The `let` that binds it.
    pub name: Option<Rc<str>>,
}

/// The arms of a case: the condition of a value, and the value.
pub(super) type Arms<'a> = Rc<[Arm<'a>]>;

/// The condition under which a case has a value (`None` where it does not depend on the event), and the value.
pub(super) type Arm<'a> = (Option<Rc<Resolved>>, Value<'a>);

/// What an expression stands for.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// A field, behind wrappers that do not change what is compared.
    Field(Field),
    /// A constant.
    Const(Const),
    /// A list of constants.
    List(Rc<[Const]>),
    /// A property bag or a list that holds more than scalars.
    Json(&'a Json<'a>),
    /// Values of lists that are known by name only.
    Named(Rc<[Rc<str>]>),
    /// The rows of a sub-query.
    Rows(Rows<'a>),
    /// One of some values, the first whose condition holds; `None` is a condition that says nothing.
    Cases(Arms<'a>, Rc<Value<'a>>),
    /// Any of some values.
    Either(Rc<[Value<'a>]>),
    /// The first of some values that is not empty (`coalesce`); a constant can only be the last.
    First(Rc<[Value<'a>]>),
    /// Values of many events in one list; an element of it is the value of one event.
    Collected(Rc<Value<'a>>),
    /// A column of another table, empty where that table has no row for the event.
    Outer(Rc<Outer<'a>>),
    /// A row of a table, in a step of its own or not: its members are the table's columns.
    Row(Rc<Columns<'a>>, Option<usize>),
    /// A condition; `None` says nothing of the event.
    Condition(Option<Rc<Resolved>>),
    /// The event's time, or a time that is counted from now; `true` for the event's.
    Time(bool),
    /// A part of a field's text.
    Cut(Rc<str>),
    /// Something computed.
    Computed,
    /// Something that is not known, and why: the result of a function that is not defined, what could not be read.
    Unknown(Rc<str>),
}

/// A column that a lookup or an outer join adds.
#[derive(Clone, Debug)]
pub(super) struct Outer<'a> {
    /// What it says that the other table has a row.
    pub found: Found,
    /// What the column is where it has one.
    pub value: Value<'a>,
}

/// When another table has a row for an event.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// Where this condition on the event holds.
    Where(Rc<Resolved>),
    /// Where the step has an event.
    Step(usize),
}

impl<'a> Value<'a> {
    /// The first of some values that is not empty.
    pub fn first(values: impl IntoIterator<Item = Self>) -> Self {
        const MOST: usize = 16;
        let mut kept: Vec<Self> = Vec::new();
        for value in values {
            match value {
                Self::Const(constant) if constant.kind == LiteralKind::Null => {}
                Self::First(inner) => kept.extend(inner.iter().cloned()),
                value if kept.iter().any(|other| other.is_same(&value)) => {}
                value => kept.push(value),
            }
            if matches!(kept.last(), Some(Self::Const(_) | Self::List(_) | Self::Json(_))) {
                break;
            }
        }
        match kept.len() {
            1 => kept.remove(0),
            2..=MOST => Self::First(kept.into()),
            _ => Self::Computed,
        }
    }

    pub fn field(path: &str) -> Self {
        Self::Field(Field::new(path))
    }

    pub fn of_json(json: &'a Json<'a>) -> Self {
        match json {
            Json::Scalar(literal) => Self::Const(Const::of(literal)),
            Json::Array(items) => {
                let scalars: Option<Rc<[Const]>> = items
                    .iter()
                    .map(|item| if let Json::Scalar(literal) = item { Some(Const::of(literal)) } else { None })
                    .collect();
                scalars.map_or(Self::Json(json), Self::List)
            }
            Json::Bag(_) => Self::Json(json),
        }
    }

    /// One of some values; alike ones are one.
    pub fn either(values: impl IntoIterator<Item = Self>) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for value in values {
            let known = kept.iter().any(|other| other.is_same(&value));
            if !known {
                kept.push(value);
            }
            if kept.len() > 16 {
                return Self::Computed;
            }
        }
        match kept.len() {
            0 => Self::Computed,
            1 => kept.remove(0),
            _ => Self::Either(kept.into()),
        }
    }

    /// Cases with each value changed.
    pub fn each(arms: &[Arm<'a>], rest: &Self, change: impl Fn(&Self) -> Self) -> Self {
        let arms = arms.iter().map(|(node, value)| (node.clone(), change(value))).collect();
        Self::Cases(arms, Rc::new(change(rest)))
    }

    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a == b,
            (Self::Const(a), Self::Const(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Named(a), Self::Named(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Cut(a), Self::Cut(b)) => a == b,
            (Self::Collected(a), Self::Collected(b)) => a.is_same(b),
            (Self::Computed, Self::Computed) => true,
            _ => false,
        }
    }

    /// What a name that is bound to this stands for: a part that was cut out has a name from then on.
    pub fn called(self, name: &str) -> Self {
        match self {
            Self::Cut(from) => Self::Field(Field { from: Some(from), ..Field::new(name) }),
            other => other,
        }
    }

    /// The constants this value lists.
    pub fn constants(&self) -> Option<Vec<Const>> {
        match self {
            Self::Const(constant) => Some(vec![constant.clone()]),
            Self::List(list) => Some(list.to_vec()),
            Self::Either(values) => {
                let mut all = Vec::new();
                for value in values.iter() {
                    all.extend(value.constants()?);
                }
                Some(all)
            }
            _ => None,
        }
    }

    pub fn member(&self, name: &str) -> Self {
        match self {
            Self::Field(field) => Self::Field(field.member(name)),
            Self::Json(Json::Bag(entries)) => {
                entries.iter().find(|(key, _)| key == name).map_or(Self::Computed, |(_, value)| Self::of_json(value))
            }
            Self::Either(values) => Self::either(values.iter().map(|value| value.member(name))),
            Self::First(values) => Self::first(values.iter().map(|value| value.member(name))),
            Self::Outer(outer) => outer.with(outer.value.member(name)),
            Self::Row(columns, step) => {
                let value = match columns.known.get(name) {
                    Some(value) => value.clone(),
                    None if columns.open => super::stage::plain(name),
                    None => Self::Computed,
                };
                step.map_or_else(|| value.clone(), |step| value.of_step(step))
            }
            Self::Cases(arms, rest) => Self::each(arms, rest, |value| value.member(name)),
            Self::Cut(from) => Self::Cut(from.clone()),
            Self::Named(names) => Self::Named(names.clone()),
            Self::Unknown(function) => Self::Unknown(function.clone()),
            _ => Self::Computed,
        }
    }

    pub fn element(&self, index: &str) -> Self {
        match self {
            Self::Cases(arms, rest) => Self::each(arms, rest, |value| value.element(index)),
            Self::First(values) => Self::first(values.iter().map(|value| value.element(index))),
            Self::Outer(outer) => outer.with(outer.value.element(index)),
            Self::Field(field) => Self::Field(field.element(index)),
            Self::List(list) => {
                let at = index.parse::<i64>().ok().and_then(|at| {
                    let length = i64::try_from(list.len()).ok()?;
                    usize::try_from(if at < 0 { length + at } else { at }).ok()
                });
                at.and_then(|at| list.get(at)).map_or(Self::Computed, |found| Self::Const(found.clone()))
            }
            Self::Json(Json::Array(items)) => {
                index.parse::<usize>().ok().and_then(|at| items.get(at)).map_or(Self::Computed, Self::of_json)
            }
            other => other.member(index),
        }
    }

    /// The value itself, whether or not another table had to have a row for it.
    pub fn bare(self) -> Self {
        let mut value = self;
        while let Self::Outer(outer) = &value {
            value = outer.value.clone();
        }
        value
    }

    /// The same as a value of another step's events; see [`Field::of_step`].
    pub fn of_step(&self, step: usize) -> Self {
        match self {
            Self::Field(field) => Self::Field(field.of_step(step)),
            Self::Collected(value) => Self::Collected(Rc::new(value.of_step(step))),
            Self::First(values) => Self::First(values.iter().map(|value| value.of_step(step)).collect()),
            other => other.clone(),
        }
    }

    /// The field this value is, or was cut out of.
    pub fn origin(&self) -> Option<Rc<str>> {
        match self {
            Self::Field(field) => Some(field.origin()),
            Self::Cut(from) => Some(from.clone()),
            Self::Either(values) | Self::First(values) => values.iter().find_map(Self::origin),
            Self::Outer(outer) => outer.value.origin(),
            Self::Cases(arms, rest) => arms.iter().find_map(|(_, value)| value.origin()).or_else(|| rest.origin()),
            _ => None,
        }
    }
}

impl<'a> Outer<'a> {
    /// Another value out of the same row.
    pub fn with(&self, value: Value<'a>) -> Value<'a> {
        Value::Outer(Rc::new(Self { found: self.found.clone(), value }))
    }
}

/// The names that are known at a place of a pipeline.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns<'a> {
    pub known: FxHashMap<Rc<str>, Value<'a>>,
    /// Whether other columns may be there.
    pub open: bool,
    /// The lists that rows come from, where the table is none of events.
    pub list: Option<Rc<[Rc<str>]>>,
    /// Property bags whose members became columns, the last first.
    pub unpacked: Rc<[Unpacked<'a>]>,
    /// The row of a table without a known schema that was looked up: a name that the query did not use before may be
    /// one of its columns.
    pub looked_up: Option<Rc<Outer<'a>>>,
    /// Whether a name that is not known is a result of many rows (the columns that `pivot` makes).
    pub rest_is_computed: bool,
}

/// A property bag whose members are columns (`bag_unpack`).
#[derive(Clone, Debug)]
pub(super) struct Unpacked<'a> {
    pub bag: Value<'a>,
    pub prefix: Rc<str>,
    /// The columns that the query declares.
    pub declared: Option<Rc<[Rc<str>]>>,
}

/// Columns that nearly every table has, and no bag.
const COMMON_COLUMNS: &[&str] = &[
    "ActionType",
    "Computer",
    "DeviceId",
    "DeviceName",
    "ReportId",
    "SourceSystem",
    "TenantId",
    "Type",
    "_ResourceId",
    "_SubscriptionId",
];

impl<'a> Columns<'a> {
    pub fn set(&mut self, name: &str, value: Value<'a>) {
        self.known.insert(Rc::from(name), value.called(name));
    }

    /// Whether a name is one of the table's own columns, as far as that can be told.
    fn is_own(&self, name: &str, is_seen: impl Fn(&str) -> bool) -> bool {
        self.open && (is_seen(name) || COMMON_COLUMNS.contains(&name))
    }

    /// What a name stands for that may be a column of a looked-up table: only whether it is empty says something of
    /// that table.
    pub fn looked_up(&self, name: &str, is_seen: impl Fn(&str) -> bool) -> Option<Value<'a>> {
        let outer = self.looked_up.as_ref().filter(|_| !self.is_own(name, is_seen))?;
        Some(outer.with(super::stage::plain(name)))
    }

    /// What a name stands for that is a member of an unpacked bag. Columns of the table itself are not known: a name
    /// that the query used before (`is_seen`), or that nearly every table has, is one of them.
    pub fn unpacked(&self, name: &str, is_seen: impl Fn(&str) -> bool) -> Option<Value<'a>> {
        self.unpacked.iter().find_map(|unpacked| {
            if unpacked.declared.as_ref().is_some_and(|declared| !declared.iter().any(|column| **column == *name)) {
                return None;
            }
            let member = name.strip_prefix(&*unpacked.prefix).filter(|member| !member.is_empty())?;
            let is_own = unpacked.prefix.is_empty() && self.is_own(name, &is_seen);
            match unpacked.bag {
                _ if is_own => None,
                // A bag that the query puts together of an event's data: its members are named as the data is.
                Value::Computed => Some(super::stage::plain(name)),
                _ => Some(unpacked.bag.member(member)),
            }
        })
    }

    /// Those of two tables side by side: the first wins.
    pub fn joined(&mut self, other: &Self) {
        self.joined_as(other, |_, value| value.clone());
    }

    /// The same, with what a name of the other table stands for from here on.
    pub fn joined_as(&mut self, other: &Self, value: impl Fn(&str, &Value<'a>) -> Value<'a>) {
        for (name, own) in &other.known {
            self.known.entry(name.clone()).or_insert_with(|| value(name, own));
        }
        self.open |= other.open && other.list.is_none();
        if self.unpacked.is_empty() {
            self.unpacked = Rc::clone(&other.unpacked);
        }
    }
}
