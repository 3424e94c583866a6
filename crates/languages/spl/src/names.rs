//! The names of a pipeline: what each stands for, followed back to the fields of the events.

use std::rc::Rc;

use ruleatlas_model::Node;
use rustc_hash::FxHashMap;

/// What a name or an expression stands for.
#[derive(Debug)]
pub(crate) enum Value {
    /// A field of the events.
    Field {
        name: String,
        /// The field it was cut out of.
        derived_from: Option<String>,
        /// The step whose events have it.
        step: usize,
    },
    Literal(String),
    Null,
    /// Without its case (`lower`, `upper`).
    Folded(Rc<Value>),
    /// As a number (`tonumber`): a text that is none has no order.
    Number(Rc<Value>),
    /// The first of these that is not null (`coalesce`), or all of them (`mvappend`).
    Any {
        values: Vec<Rc<Value>>,
        /// Whether one counts only where those before it are null.
        ordered: bool,
        depth: usize,
    },
    /// The value behind the first condition that holds; a condition of `None` is one of time or data.
    Case {
        branches: Vec<(Option<Node>, Rc<Value>)>,
        otherwise: Rc<Value>,
        depth: usize,
    },
    /// A truth value.
    Test(Option<Node>),
    /// Something computed, with its text.
    Computed(String),
    /// What a group of events has in a field (`values(x)`, a field of a transaction): computed, as it is asked of no
    /// single event.
    Grouped {
        text: String,
        step: usize,
        /// What one element of it is, where it collects the values of a field.
        element: Option<Rc<Value>>,
    },
    /// A field's text changed (`replace`, `urldecode`, `mvjoin`, `split`): computed until it has a name of its own,
    /// then cut out of the field.
    Changed {
        text: String,
        from: String,
        step: usize,
    },
    /// A moment.
    Time,
    /// A lookup's output.
    Lookup(Rc<LookupColumn>),
}

/// How deep names may be made of names, and how long a `case` may be.
const MAX_DEPTH: usize = 200;
/// How many renames with wildcards, computed patterns and open lookups are followed.
const MAX_PATTERNS: usize = 64;

impl Value {
    /// The first of `values` that is not null, or all of them where not `ordered`; nothing where they are made of too
    /// many names.
    pub(crate) fn any(values: Vec<Rc<Self>>, ordered: bool) -> Option<Self> {
        let depth = 1 + values.iter().map(|value| value.depth()).max().unwrap_or_default();
        (depth <= MAX_DEPTH).then_some(Self::Any { values, ordered, depth })
    }

    /// The value behind the first condition that holds; nothing where it is made of too many names.
    pub(crate) fn case(branches: Vec<(Option<Node>, Rc<Self>)>, otherwise: Rc<Self>) -> Option<Self> {
        let inner = branches.iter().map(|(_, value)| value.depth()).max().unwrap_or_default().max(otherwise.depth());
        let depth = 1 + branches.len() + inner;
        (depth <= MAX_DEPTH).then_some(Self::Case { branches, otherwise, depth })
    }

    fn depth(&self) -> usize {
        match self {
            Self::Any { depth, .. } | Self::Case { depth, .. } => *depth,
            Self::Folded(inner) | Self::Number(inner) => inner.depth(),
            Self::Lookup(column) => 1 + column.inputs.iter().map(|(_, value)| value.depth()).max().unwrap_or_default(),
            _ => 0,
        }
    }

    /// The value, its case folded away.
    pub(crate) fn without_case(self: Rc<Self>) -> Rc<Self> {
        match &*self {
            // A number has no case.
            Self::Folded(_) | Self::Number(_) => self,
            _ => Rc::new(Self::Folded(self)),
        }
    }

    /// The value as a number; what is no field's own value stays as it is.
    pub(crate) fn as_number(self: Rc<Self>) -> Rc<Self> {
        match (&*self, self.unfolded().0) {
            (Self::Number(_), _) => self,
            (_, Self::Field { .. } | Self::Any { .. } | Self::Case { .. }) => Rc::new(Self::Number(self)),
            _ => self,
        }
    }

    /// The value under a folding of its case or a reading as a number, and whether there is a folding.
    pub(crate) fn unfolded(&self) -> (&Self, bool) {
        let (mut value, mut folded) = (self, false);
        loop {
            match value {
                Self::Folded(inner) => {
                    folded = true;
                    value = inner;
                }
                Self::Number(inner) => value = inner,
                other => return (other, folded),
            }
        }
    }
}

/// Columns of a lookup and what they are compared with.
pub(crate) type Inputs = Rc<Vec<(String, Rc<Value>)>>;

/// A column of a lookup, chosen by the values of other columns.
#[derive(Debug)]
pub(crate) struct LookupColumn {
    pub lookup: String,
    pub column: String,
    pub inputs: Inputs,
    /// Whether all rows of the lookup may be found; else which of them may is not known.
    pub whole: bool,
}

/// A lookup whose output columns are not known.
#[derive(Clone, Debug)]
struct OpenLookup {
    lookup: String,
    inputs: Inputs,
    /// Whether it was joined as a list, so that a name which the search did not use before is one of its columns.
    joined: bool,
    whole: bool,
}

/// The names that commands made, in one place of a pipeline.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    names: FxHashMap<String, Rc<Value>>,
    /// Renames with wildcards, in order, where the fields' names are not known one by one.
    renames: Vec<(String, String)>,
    /// How many renames with wildcards there were.
    patterns: usize,
    /// Patterns of names that commands computed.
    computed: Vec<String>,
    /// Patterns of names that stand for a group's values, with the text of each.
    grouped: Vec<(String, String)>,
    /// Lookups whose output columns are not known.
    lookups: Vec<OpenLookup>,
    /// How many renames with wildcards there were when a field of the events was first named.
    touched: FxHashMap<String, usize>,
    /// Whether no other fields than the names exist (after `stats`).
    closed: bool,
    /// The step of a search beside this one whose fields are not known one by one, and whether it reads events.
    beyond: Option<(usize, bool)>,
    pub(crate) step: usize,
}

impl Scope {
    /// The names at the start of a step.
    pub(crate) fn new(step: usize) -> Self {
        Self { step, ..Self::default() }
    }

    /// The same names in a step of its own.
    pub(crate) fn in_step(&self, step: usize) -> Self {
        Self { step, ..self.clone() }
    }

    /// A field of the events of this step.
    pub(crate) fn field(&self, name: &str) -> Value {
        Value::Field { name: name.to_owned(), derived_from: None, step: self.step }
    }

    /// Whether a command made this name.
    pub(crate) fn is_made(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// What a name stands for.
    pub(crate) fn resolve(&mut self, name: &str) -> Rc<Value> {
        if let Some(value) = self.names.get(name) {
            return Rc::clone(value);
        }
        if matches!(name, "_time" | "_indextime") {
            return Rc::new(Value::Time);
        }
        if self.computed.iter().any(|pattern| captured(pattern, name).is_some()) {
            return Rc::new(Value::Computed(name.to_owned()));
        }
        if !chooses_data(name)
            && let Some((text, part)) =
                self.grouped.iter().rev().find_map(|(pattern, text)| Some((text, captured(pattern, name)?)))
        {
            return Rc::new(Value::Grouped { text: text.replacen('*', part, 1), step: self.step, element: None });
        }
        let is_new = !self.touched.contains_key(name) && !chooses_data(name) && name != "host";
        // A lookup script names its output after itself.
        let may_give = |open: &&OpenLookup| self.closed || open.joined && is_new || open.lookup.starts_with(name);
        if let Some(OpenLookup { lookup, inputs, whole, .. }) = self.lookups.iter().rev().find(may_give) {
            let (lookup, column, inputs) = (lookup.clone(), name.to_owned(), Rc::clone(inputs));
            let column = LookupColumn { lookup, column, inputs, whole: *whole };
            return Rc::new(Value::Lookup(Rc::new(column)));
        }
        match self.beyond.filter(|_| self.closed) {
            Some((step, true)) => {
                let (name, derived_from) = (name.to_owned(), None);
                return Rc::new(Value::Field { name, derived_from, step });
            }
            Some((_, false)) => return Rc::new(Value::Computed(name.to_owned())),
            None => {}
        }
        let renames = self.renames.len();
        let first = *self.touched.entry(name.to_owned()).or_insert(renames);
        let mut origin = name.to_owned();
        // A name that was in use before a rename is not one that it made.
        for (from, to) in self.renames.iter().take(first).rev() {
            if let Some(part) = captured(to, &origin) {
                origin = from.replacen('*', part, 1);
            }
        }
        Rc::new(self.field(&origin))
    }

    /// Gives a name to what `eval` makes.
    pub(crate) fn assign(&mut self, name: &str, value: Rc<Value>) {
        let value = match changed_field(name, &value) {
            Some((from, step)) => {
                Rc::new(Value::Field { name: name.to_owned(), derived_from: Some(from.to_owned()), step })
            }
            None => value,
        };
        self.set(name, value);
    }

    /// Gives a name.
    pub(crate) fn set(&mut self, name: &str, value: Rc<Value>) {
        self.names.insert(name.to_owned(), value);
    }

    /// Says that names of this pattern are computed.
    pub(crate) fn set_computed(&mut self, pattern: &str) {
        if pattern.contains('*') {
            if self.computed.len() >= MAX_PATTERNS {
                return;
            }
            self.computed.push(pattern.to_owned());
        } else {
            self.set(pattern, Rc::new(Value::Computed(pattern.to_owned())));
        }
    }

    /// Takes the values that a name collects apart: each is the value of one event again.
    pub(crate) fn expand(&mut self, name: &str) {
        if let Value::Grouped { element: Some(element), .. } = &*self.resolve(name) {
            self.set(name, Rc::clone(element));
        }
    }

    /// Says that names of this pattern stand for what a group of events has.
    pub(crate) fn set_grouped(&mut self, pattern: &str, text: &str) {
        if self.grouped.len() < MAX_PATTERNS {
            self.grouped.push((pattern.to_owned(), text.to_owned()));
        }
    }

    /// Puts the events of `keys` together: all other names stand for what the group has.
    pub(crate) fn group(&mut self, keys: &[String]) {
        let kept: Vec<(String, Rc<Value>)> =
            keys.iter().filter(|key| !key.contains('*')).map(|key| (key.clone(), self.resolve(key))).collect();
        for (name, value) in &mut self.names {
            let step = match *value.unfolded().0 {
                Value::Literal(_) | Value::Time | Value::Computed(_) | Value::Grouped { .. } => continue,
                Value::Field { step, .. } => step,
                _ => self.step,
            };
            if !chooses_data(name) {
                *value = Rc::new(Value::Grouped { text: name.clone(), step, element: None });
            }
        }
        self.names.extend(kept);
        self.set_grouped("*", "*");
    }

    /// Says that names are made of the fields of this pattern.
    pub(crate) fn set_made_of(&mut self, names: &[String], pattern: &str) {
        for name in names {
            let value = if self.closed || pattern.is_empty() {
                Value::Computed(name.clone())
            } else {
                let derived_from = Some(pattern.to_owned());
                Value::Field { name: name.clone(), derived_from, step: self.step }
            };
            self.set(name, Rc::new(value));
        }
    }

    /// Adds a lookup whose output columns are not known.
    pub(crate) fn add_lookup(&mut self, lookup: &str, inputs: Inputs) {
        self.add_open(OpenLookup { lookup: lookup.to_owned(), inputs, joined: false, whole: true });
    }

    /// Adds a lookup that was joined as a list whose columns are not known.
    pub(crate) fn add_joined_list(&mut self, lookup: &str, inputs: Inputs, whole: bool) {
        self.add_open(OpenLookup { lookup: lookup.to_owned(), inputs, joined: true, whole });
    }

    fn add_open(&mut self, open: OpenLookup) {
        if self.lookups.len() < MAX_PATTERNS {
            self.lookups.push(open);
        }
    }

    /// `rename from as to`.
    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        if !from.contains('*') {
            let value = self.resolve(from);
            self.names.remove(from);
            self.set(to, value);
            return;
        }
        if self.patterns >= MAX_PATTERNS {
            return;
        }
        self.patterns += 1;
        let matching: Vec<(String, String)> = self
            .names
            .keys()
            .filter_map(|name| Some((name.clone(), to.replacen('*', captured(from, name)?, 1))))
            .collect();
        let values: Vec<_> = matching.iter().filter_map(|(old, _)| self.names.remove(old)).collect();
        for ((_, new), value) in matching.into_iter().zip(values) {
            self.names.insert(new, value);
        }
        if !self.closed {
            self.renames.push((from.to_owned(), to.to_owned()));
        }
    }

    /// The names after an aggregation: `made`, and nothing else unless `open`.
    pub(crate) fn aggregate(&mut self, made: Vec<(String, Rc<Value>)>, open: bool) {
        if !open {
            *self = Self { closed: true, ..Self::new(self.step) };
        }
        self.names.extend(made);
    }

    /// Says that the results are rows of a lookup: no name is a field of events.
    pub(crate) fn begin_list(&mut self) {
        *self = Self { closed: true, beyond: Some((self.step, false)), ..Self::new(self.step) };
    }

    /// Says that results with other fields, which are no events', were added.
    pub(crate) fn add_results(&mut self) {
        self.beyond = Some((self.step, false));
    }

    /// Takes over the names of a search beside this one, `keys` and names that exist left out.
    ///
    /// Without keys the results stand below each other: there the fields that this search may have stay its own.
    pub(crate) fn take_over(&mut self, other: Self, keys: Option<&[String]>, reads_events: bool) {
        let joins = keys.is_some();
        let keys = keys.unwrap_or_default();
        if !other.closed {
            self.beyond = Some((other.step, reads_events));
        }
        for (name, value) in other.names {
            let is_own =
                !joins && !self.closed && matches!(value.unfolded().0, Value::Field { .. } | Value::Grouped { .. });
            if !keys.contains(&name) && !is_own {
                self.names.entry(name).or_insert(value);
            }
        }
        self.computed.extend(other.computed);
        if self.closed {
            self.grouped.extend(other.grouped);
            self.grouped.truncate(MAX_PATTERNS);
        }
    }
}

/// The field that a value is a changed form of, where all it may be comes from one field, or is what `name` was before,
/// and is not simply that field.
fn changed_field<'v>(name: &str, value: &'v Value) -> Option<(&'v str, usize)> {
    if matches!(value, Value::Field { .. }) {
        return None;
    }
    // Values may be shared many times over: a small number of looks is enough.
    let mut search = ChangedField { own: name, found: None, changed: false, looks: 64 };
    let whole = search.visit(value);
    search.found.filter(|_| whole && search.changed)
}

struct ChangedField<'v, 'n> {
    own: &'n str,
    found: Option<(&'v str, usize)>,
    changed: bool,
    looks: usize,
}

impl<'v> ChangedField<'v, '_> {
    /// Whether all that the value may be comes from one field.
    fn visit(&mut self, value: &'v Value) -> bool {
        self.looks = self.looks.saturating_sub(1);
        if self.looks == 0 {
            return false;
        }
        match value {
            Value::Changed { from, step, .. } | Value::Field { derived_from: Some(from), step, .. } => {
                self.changed = true;
                self.add(from, *step)
            }
            Value::Field { name, .. } if name == self.own => true,
            Value::Field { name, step, .. } => self.add(name, *step),
            Value::Folded(inner) | Value::Number(inner) => self.visit(inner),
            Value::Case { branches, otherwise, .. } => {
                branches.iter().all(|(_, value)| self.visit(value)) && self.visit(otherwise)
            }
            Value::Null => true,
            _ => false,
        }
    }

    fn add(&mut self, field: &'v str, step: usize) -> bool {
        *self.found.get_or_insert((field, step)) == (field, step)
    }
}

/// Whether a name chooses the data rather than filtering it, whatever its events are put together by.
fn chooses_data(name: &str) -> bool {
    matches!(name, "index" | "sourcetype" | "source" | "eventtype")
}

/// What the `*` of a pattern stands for in `name`; the whole name where the pattern has none and is the name.
pub(crate) fn captured<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    match pattern.split_once('*') {
        Some((before, after)) => name.strip_prefix(before)?.strip_suffix(after),
        None => (pattern == name).then_some(name),
    }
}
