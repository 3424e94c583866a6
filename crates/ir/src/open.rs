//! Names that are not known one by one: patterns of names, and columns of lists and searches whose columns are not known.

use std::cell::RefCell;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::value::{Computed, Field, Keys, Value};

/// How many renames with wildcards, patterns of names and lists of unknown columns are followed.
const MAX_PATTERNS: usize = 64;

/// What a name may stand for that no stage made by itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Open<'p> {
    /// Renames with wildcards, in order.
    renames: Vec<(Rc<str>, Rc<str>)>,
    /// How many there were, those included that no other name can have gone through.
    count: usize,
    /// Patterns of names that are computed.
    computed: Vec<Rc<str>>,
    /// Patterns of names that stand for what a group of events has, with the text of each.
    grouped: Vec<(Rc<str>, Rc<str>)>,
    /// Lists whose columns are not known.
    lists: Vec<OpenList<'p>>,
    /// How many renames with wildcards there were when a field of the events was first named.
    named: RefCell<FxHashMap<Rc<str>, usize>>,
    /// Whether there are no fields but those that are known by name, as after an aggregation.
    pub closed: bool,
    /// Where a name comes from that is not known then.
    pub beyond: Option<Beyond>,
}

/// Where names come from that are not known one by one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Beyond {
    /// The events of this step.
    Step(usize),
    /// Rows that are no events.
    Rows,
}

/// A list whose columns are not known.
#[derive(Clone, Debug)]
pub(crate) struct OpenList<'p> {
    pub list: Rc<str>,
    pub keys: Keys<'p>,
    /// Whether a name that was not used before is one of its columns.
    pub joined: bool,
    pub whole: bool,
}

/// What the language says of a name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NameKind {
    /// Whether it chooses the data.
    pub chooses: bool,
    /// Whether every event has it.
    pub is_of_every_event: bool,
}

impl<'p> Open<'p> {
    /// What a name stands for.
    pub fn find(&self, name: &Rc<str>, kind: NameKind) -> Value<'p> {
        if self.computed.iter().any(|pattern| captured(pattern, name).is_some()) {
            return Value::computed(Rc::clone(name));
        }
        if !kind.chooses {
            let of = |(pattern, text): &(Rc<str>, Rc<str>)| Some(text.replacen('*', captured(pattern, name)?, 1));
            if let Some(text) = self.grouped.iter().rev().find_map(of) {
                return Value::Computed(Computed { is_of_group: true, ..Computed::new(text.into()) });
            }
        }
        let is_new = !kind.chooses && !kind.is_of_every_event && !self.named.borrow().contains_key(name);
        // What a script gives is often called after the script.
        let may_give = |open: &&OpenList<'p>| self.closed || open.joined && is_new || open.list.starts_with(&**name);
        if let Some(OpenList { list, keys, whole, .. }) = self.lists.iter().rev().find(may_give) {
            return Value::looked(list, name, keys, *whole);
        }
        match self.beyond.filter(|_| self.closed) {
            Some(Beyond::Step(step)) => return Value::Field(Field { step: Some(step), ..Field::new(name) }),
            Some(Beyond::Rows) => return Value::computed(Rc::clone(name)),
            None => {}
        }
        let first = *self.named.borrow_mut().entry(Rc::clone(name)).or_insert(self.renames.len());
        let mut origin = Rc::clone(name);
        // A name that was in use before a rename is not one that it made.
        for (from, to) in self.renames.iter().take(first).rev() {
            if let Some(part) = captured(to, &origin) {
                origin = from.replacen('*', part, 1).into();
            }
        }
        Value::field(&origin)
    }

    /// Says that names of a pattern are computed.
    pub fn compute(&mut self, pattern: &Rc<str>) {
        if self.computed.len() < MAX_PATTERNS {
            self.computed.push(Rc::clone(pattern));
        }
    }

    /// Says that names of a pattern stand for what a group of events has.
    pub fn group(&mut self, pattern: &Rc<str>, text: &Rc<str>) {
        if self.grouped.len() < MAX_PATTERNS {
            self.grouped.push((Rc::clone(pattern), Rc::clone(text)));
        }
    }

    /// Adds a list whose columns are not known.
    pub fn add_list(&mut self, list: OpenList<'p>) {
        if self.lists.len() < MAX_PATTERNS {
            self.lists.push(list);
        }
    }

    /// Renames all names of a pattern; `false` where there were too many such renames.
    pub fn rename(&mut self, from: &Rc<str>, to: &Rc<str>) -> bool {
        if self.count >= MAX_PATTERNS {
            return false;
        }
        self.count += 1;
        if !self.closed {
            self.renames.push((Rc::clone(from), Rc::clone(to)));
        }
        true
    }

    /// Takes over what a search beside this one says of names.
    pub fn take_over(&mut self, other: &Self, beyond: Beyond) {
        if !other.closed {
            self.beyond = Some(beyond);
        }
        let free = MAX_PATTERNS.saturating_sub(self.computed.len());
        self.computed.extend(other.computed.iter().take(free).cloned());
        if self.closed {
            self.grouped.extend(other.grouped.iter().cloned());
            self.grouped.truncate(MAX_PATTERNS);
        }
    }
}

/// What the `*` of a pattern stands for in `name`; the whole name where the pattern has none and is the name.
pub(crate) fn captured<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    match pattern.split_once('*') {
        Some((before, after)) => name.strip_prefix(before)?.strip_suffix(after),
        None => (pattern == name).then_some(name),
    }
}
