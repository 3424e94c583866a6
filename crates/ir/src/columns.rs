//! The names that are known at a place of a pipeline.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::open::Open;
use crate::value::{Cut, Field, Found, Listed, Value};

/// What names stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns<'p> {
    /// The names that stages made; any other is a column of the table.
    pub known: FxHashMap<Rc<str>, Value<'p>>,
    /// Prefixes of names that are parts of a text, the last first.
    pub prefixes: Vec<(Rc<str>, Value<'p>)>,
    /// The row of a list without a known schema that was looked up: a name that the query did not use before may be
    /// one of its columns.
    pub looked_up: Option<Rc<Listed<'p>>>,
    /// The tables whose columns may be written with a name before them.
    pub tables: Vec<Table<'p>>,
    /// Names that are not known one by one.
    pub open: Open<'p>,
    /// Whether stages made all columns, as far as that is followed: in [`Scripts`](crate::Scripts).
    pub sealed: bool,
    /// The lists that rows come from, where the table is none of events.
    pub list: Option<Rc<[Rc<str>]>>,
    /// Objects whose members became columns, the last first.
    pub unpacked: Rc<[Unpacked<'p>]>,
    /// Whether a name that is not known is a result of many rows.
    pub rest_is_computed: bool,
}

/// An object whose members are columns.
#[derive(Clone, Debug)]
pub(crate) struct Unpacked<'p> {
    pub bag: Value<'p>,
    pub prefix: Rc<str>,
    /// The columns that the query declares.
    pub declared: Option<Rc<[Rc<str>]>>,
}

/// A table and the name that its columns may have before them.
#[derive(Clone, Debug)]
pub(crate) struct Table<'p> {
    /// The names.
    pub names: Vec<Rc<str>>,
    /// The step that its rows are, where that is not the one of the current pipeline.
    pub step: Option<usize>,
    /// Whether a row may be without this table's columns.
    pub is_outer: bool,
    /// The names that stages of another step made.
    pub known: Option<Rc<FxHashMap<Rc<str>, Value<'p>>>>,
    /// Its row, where it is a list that is known by its name.
    pub row: Option<Rc<Listed<'p>>>,
}

impl<'p> Columns<'p> {
    /// The columns of no table.
    pub fn nowhere() -> Self {
        Self { sealed: true, ..Self::default() }
    }

    /// What a name stands for that is a member of an unpacked object. Columns of the table itself are not known: one that
    /// is taken for the table's own (`is_own`) is no member, unless a prefix says so.
    pub fn unpacked_member(&self, name: &str, is_own: bool) -> Option<Value<'p>> {
        self.unpacked.iter().find_map(|unpacked| {
            if unpacked.declared.as_ref().is_some_and(|declared| !declared.iter().any(|column| **column == *name)) {
                return None;
            }
            let member = name.strip_prefix(&*unpacked.prefix).filter(|member| !member.is_empty())?;
            match unpacked.bag {
                _ if is_own && unpacked.prefix.is_empty() => None,
                // An object that the query puts together of an event's data: its members are named as the data is.
                Value::Computed(_) => Some(Value::field(name)),
                _ => Some(unpacked.bag.member(member, &|| Rc::from(""))),
            }
        })
    }

    /// Adds the columns of another table, with what each stands for from here on; a name that is known already keeps what
    /// it stands for.
    pub fn joined_as(&mut self, other: &Self, value: impl Fn(&Rc<str>, &Value<'p>) -> Value<'p>) {
        for (name, own) in &other.known {
            self.known.entry(Rc::clone(name)).or_insert_with(|| value(name, own));
        }
        self.sealed &= other.sealed || other.list.is_some();
        if self.unpacked.is_empty() {
            self.unpacked = Rc::clone(&other.unpacked);
        }
    }

    pub fn set(&mut self, name: &Rc<str>, value: Value<'p>) {
        self.known.insert(Rc::clone(name), value.called(name));
    }

    /// Says that a name is something computed.
    pub fn compute(&mut self, name: &Rc<str>) {
        self.known.insert(Rc::clone(name), Value::computed(Rc::clone(name)));
    }

    /// Makes names of this prefix parts of a text.
    pub fn add_parts(&mut self, prefix: &Rc<str>, text: Value<'p>) {
        self.known.retain(|name, _| !has_prefix(name, prefix));
        self.prefixes.insert(0, (Rc::clone(prefix), text));
    }

    /// The part of a text that a name is.
    pub fn part(&self, name: &Rc<str>) -> Option<Value<'p>> {
        let (_, text) = self.prefixes.iter().find(|(prefix, _)| has_prefix(name, prefix))?;
        Some(match text.origin_with_step() {
            Some((origin, step)) => Value::Field(Field { from: Some(origin), step, ..Field::new(name) }),
            None => Value::computed(Rc::clone(name)),
        })
    }

    /// Adds the columns of another table; a name that is known already keeps what it stands for.
    pub fn join(&mut self, other: &Self, step: Option<usize>, is_outer: bool) {
        for (name, value) in &other.known {
            self.known.entry(Rc::clone(name)).or_insert_with(|| value.of_step(step));
        }
        let known = Rc::new(other.known.clone());
        self.tables.extend(other.tables.iter().map(|table| Table {
            names: table.names.clone(),
            step: table.step.or(step),
            is_outer: table.is_outer || is_outer,
            row: table.row.clone(),
            known: table.known.clone().or_else(|| Some(Rc::clone(&known))),
        }));
    }

    /// Takes the steps off all fields: the rows are read again, and what is asked of them now is not asked of the
    /// steps that the first reader has.
    pub fn forget_steps(&mut self) {
        let own = |value: &Value<'p>| {
            let value = match value {
                Value::Listed(listed) if matches!(listed.found, Found::Step(_)) => &listed.value,
                value => value,
            };
            value.map(&|value| match value {
                Value::Field(field) => Value::Field(Field { step: None, ..field.clone() }),
                Value::Cut(cut) => Value::Cut(Cut { step: None, ..cut.clone() }),
                other => other.clone(),
            })
        };
        self.known.values_mut().for_each(|value| *value = own(value));
        for table in &mut self.tables {
            table.step = None;
            if let Some(known) = &table.known {
                let known = known.iter().map(|(name, value)| (Rc::clone(name), own(value)));
                table.known = Some(Rc::new(known.collect()));
            }
        }
    }
}

fn has_prefix(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'))
}
