//! Records, made ready for being asked.

mod field;
mod value;

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    num::NonZeroU32,
};

use ruleatlas_model::fold_case;
use rustc_hash::FxHashMap;
use serde_json::Value;

pub(crate) use field::{Field, Name, Names};
pub use field::{FieldQuery, KnownField, Resolve};
pub(crate) use value::FieldValue;

use field::is_same_name;
use value::may_be_json;

/// Nesting that is looked into: as deep as `serde_json` reads.
const MAX_DEPTH: usize = 128;
/// Bytes of a field's full name; what is named longer is found as a keyword only.
const MAX_NAME: usize = 1024;
/// Bytes of a text that is read as JSON when a field inside it is asked for.
const MAX_JSON_TEXT: usize = 1 << 20;
/// Nesting within a text that holds JSON.
const MAX_JSON_TEXT_DEPTH: usize = 32;
/// How many times JSON may be wrapped in a JSON string.
const MAX_JSON_WRAPPING: usize = 4;
/// Places at which a field's name is split into a text's name and a path inside the text.
const MAX_SPLITS: usize = 32;

/// A set of field values, made ready for being asked by name.
///
/// A field's name is the keys on the way to it joined by dots, however they are split (`{"process": {"name": ..}}`,
/// `{"process.name": ..}`), in exact case if there is one, otherwise in any. An array gives all its elements, in the
/// middle of a path too; `items[1].name` asks for one of them and `items{}.name` is `items.name`. A null and an empty
/// array are no value, an empty text is one. An object is a value whose text is its JSON.
///
/// A name that the event itself does not have is looked for inside texts that hold JSON: `data.pipe` is the `pipe` of
/// `{"data": "{\"pipe\": ..}"}`, at any number of levels. A text that is no JSON has no fields.
///
/// Objects and arrays more than 128 deep (32 in a text) and texts of more than 1 MiB are not looked into; a field
/// whose name is longer than 1,024 bytes is found by a comparison of any value only.
///
/// Besides its names, an event may have **known fields**: values by a number that the caller gives a field's meaning
/// ([`KnownField`]). A condition that was compiled with a resolver asks for those.
#[derive(Debug)]
pub struct Event<'e> {
    values: Vec<FieldValue<'e>>,
    by_name: FxHashMap<Box<str>, Chain>,
    /// Whether one of the values is a text that may hold JSON.
    has_json_text: bool,
    /// Values of known fields, in the order in which they were added.
    known: Vec<KnownValue>,
    /// The values of each known field, by their places in `known`.
    by_field: FxHashMap<KnownField, Chain>,
    /// Values that only known fields have.
    derived: Vec<FieldValue<'e>>,
    /// Whether a raw value has a known field, by its place in `values`.
    is_known: Vec<bool>,
    carried: Option<&'e dyn Carried>,
}

/// Which fields the telemetry that an event is from can carry at all.
pub trait Carried: fmt::Debug + Send + Sync {
    /// Whether records of this kind can have the known field.
    fn carries(&self, field: KnownField) -> bool;
    /// Whether records of this kind can have a field of this name, which is in lower case.
    fn carries_name(&self, folded: &str) -> bool;
}

/// A value of a known field.
#[derive(Clone, Copy, Debug)]
struct KnownValue {
    place: ValuePlace,
    /// The raw value that it was made from, for the preference of a name that the record has.
    source: Option<usize>,
    /// The place of the next value of the field.
    next: Option<Next>,
}

/// Places in a list that belong together, from the first to the last; each knows the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    first: usize,
    last: usize,
}

/// The place of the next of a chain: no first one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Next(NonZeroU32);

impl Next {
    fn new(at: usize) -> Option<Self> {
        u32::try_from(at).ok().and_then(NonZeroU32::new).map(Self)
    }

    fn at(self) -> usize {
        self.0.get() as usize
    }
}

#[derive(Clone, Copy, Debug)]
enum ValuePlace {
    Raw(usize),
    Derived(usize),
}

/// A value of an event's record, for adding what it means: see [`Event::raw_values`].
#[derive(Clone, Copy, Debug)]
pub struct RawValue<'a, 'e> {
    /// Its place, which [`Event::know`] takes.
    pub place: usize,
    /// The field's full name, as written.
    pub name: &'a str,
    /// The value.
    pub value: &'e Value,
}

impl<'e> Event<'e> {
    /// An event of this JSON.
    #[must_use]
    pub fn new(json: &'e Value) -> Self {
        Self::with(json, MAX_DEPTH, Cow::Borrowed)
    }

    /// The fields of a text that holds JSON; `None` when it holds none.
    fn of_text(text: &str) -> Option<Event<'static>> {
        if text.len() > MAX_JSON_TEXT {
            return None;
        }
        let mut json: Value = serde_json::from_str(text).ok()?;
        for _ in 0..MAX_JSON_WRAPPING {
            match &json {
                Value::String(inner) if may_be_json(inner) => json = serde_json::from_str(inner).ok()?,
                _ => break,
            }
        }
        if !(json.is_object() || json.is_array()) {
            return None;
        }
        Some(Event::with(&json, MAX_JSON_TEXT_DEPTH, |json| Cow::Owned(json.clone())))
    }

    fn with<'v>(json: &'v Value, max_depth: usize, keep: fn(&'v Value) -> Cow<'e, Value>) -> Self {
        let mut event = Self {
            values: Vec::new(),
            by_name: FxHashMap::default(),
            has_json_text: false,
            known: Vec::new(),
            by_field: FxHashMap::default(),
            derived: Vec::new(),
            is_known: Vec::new(),
            carried: None,
        };
        let mut way = Way { name: String::new(), place: String::new(), arrays: 0, depth: 0, max_depth };
        event.add(json, &mut way, keep);
        event
    }

    /// The values of the record, in its order: objects and what is in them.
    pub fn raw_values(&self) -> impl Iterator<Item = RawValue<'_, 'e>> {
        self.values.iter().enumerate().filter_map(|(place, value)| match value.json {
            Cow::Borrowed(json) => Some(RawValue { place, name: &value.name, value: json }),
            Cow::Owned(_) => None,
        })
    }

    /// Says that a value of the record, by its place, is one of a known field.
    pub fn know(&mut self, field: KnownField, place: usize) {
        if place < self.values.len() {
            self.is_known.resize(self.values.len(), false);
            self.is_known[place] = true;
            self.add_known(field, ValuePlace::Raw(place), Some(place));
        }
    }

    fn add_known(&mut self, field: KnownField, place: ValuePlace, source: Option<usize>) {
        let at = self.known.len();
        self.known.push(KnownValue { place, source, next: None });
        let chain = self.by_field.entry(field).or_insert(Chain { first: at, last: at });
        if let Some(before) = self.known.get_mut(chain.last).filter(|_| chain.last != at) {
            before.next = Next::new(at);
            chain.last = at;
        }
    }

    /// The values of a known field.
    fn of_field(&self, field: KnownField) -> impl Iterator<Item = &KnownValue> + Clone {
        let first = self.by_field.get(&field).and_then(|chain| self.known.get(chain.first));
        std::iter::successors(first, |known| self.known.get(known.next?.at()))
    }

    /// The values of a name.
    fn of_chain(&self, chain: Chain) -> impl Iterator<Item = (usize, &FieldValue<'e>)> + Clone {
        let place = |at: usize| Some((at, self.values.get(at)?));
        std::iter::successors(place(chain.first), move |(_, value)| place(value.next?.at()))
    }

    /// Adds a value to a known field that the record has in other words; `source` is the place of the value that it was
    /// made from, if it was made from one.
    pub fn derive(&mut self, field: KnownField, value: Cow<'e, Value>, source: Option<usize>) {
        self.add_known(field, ValuePlace::Derived(self.derived.len()), source);
        self.derived.push(FieldValue::new(Box::default(), None, value));
    }

    /// Says what the telemetry can carry: of a field that it cannot, nothing is known.
    pub fn set_carried(&mut self, carried: &'e dyn Carried) {
        self.carried = Some(carried);
    }

    /// The texts of a known field's values.
    pub fn known_values(&self, field: KnownField) -> impl Iterator<Item = &Value> {
        self.of_field(field).map(|known| &*self.at(known.place).json)
    }

    /// The known fields that it has values of, each once, in no order.
    pub(crate) fn known_fields_unsorted(&self) -> impl Iterator<Item = KnownField> {
        self.by_field.keys().copied()
    }

    /// A known field's values.
    pub(crate) fn values_of_known(&self, field: KnownField) -> impl Iterator<Item = &FieldValue<'e>> {
        self.of_field(field).map(|known| self.at(known.place))
    }

    /// The names in lower case, each with the places of its values.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, Chain)> {
        self.by_name.iter().map(|(name, places)| (&**name, *places))
    }

    /// The values of the record at some places.
    pub(crate) fn values_at(&self, places: Chain) -> impl Iterator<Item = &FieldValue<'e>> {
        self.of_chain(places).map(|(_, value)| value)
    }

    /// All values of the record that are no objects.
    pub(crate) fn all_values(&self) -> impl Iterator<Item = &FieldValue<'e>> {
        self.values.iter().filter(|value| !value.json.is_object())
    }

    /// Whether a name that the record does not have as it is may still have values: in texts that hold JSON, or by the
    /// index of a list's element.
    pub(crate) fn has_inner_fields(&self) -> bool {
        self.has_json_text || self.values.iter().any(|value| value.place.is_some())
    }

    /// Whether a name, in lower case, is one of an element by its index, or begins with the name of a text that may hold
    /// JSON.
    pub(crate) fn may_have_inside(&self, folded: &str) -> bool {
        if folded.contains(['[', '{']) {
            return true;
        }
        let mut splits = folded.match_indices('.').take(MAX_SPLITS);
        self.has_json_text
            && splits.any(|(at, _)| {
                let holds_json = |value: &FieldValue<'_>| value.json.as_str().is_some_and(may_be_json);
                folded
                    .get(..at)
                    .and_then(|outer| self.by_name.get(outer))
                    .is_some_and(|places| self.of_chain(*places).any(|(_, value)| holds_json(value)))
            })
    }

    /// The known fields that the event has values of, each once, in order.
    #[must_use]
    pub fn known_fields(&self) -> Vec<KnownField> {
        let mut fields: Vec<KnownField> = self.by_field.keys().copied().collect();
        fields.sort_unstable();
        fields
    }

    fn at(&self, place: ValuePlace) -> &FieldValue<'e> {
        match place {
            ValuePlace::Raw(at) => &self.values[at],
            ValuePlace::Derived(at) => &self.derived[at],
        }
    }

    /// The first value of a field, without its case; `None` where there is none, or only a mark that says so.
    #[must_use]
    pub fn first_text(&self, field: &FieldQuery) -> Option<&str> {
        let values = self.values(&field.0);
        values.into_iter().find(|value| !value.is_none_mark()).map(|value| value.text(false))
    }

    /// Whether the telemetry can never have a field.
    #[must_use]
    pub fn never_has(&self, field: &FieldQuery) -> bool {
        self.is_blind(&field.0)
    }

    /// Whether the telemetry can never have the field: that it is missing says nothing.
    pub(crate) fn is_blind(&self, field: &Field) -> bool {
        let Some(carried) = self.carried else { return false };
        match field {
            Field::Any => false,
            Field::Named(name) => !carried.carries_name(&name.folded),
            Field::Known { field, .. } => !carried.carries(*field),
        }
    }

    /// Whether the event has a field of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        !self.named_values(&Name::new(name)).is_empty()
    }

    /// The values of a field, none when it is missing.
    pub(crate) fn values<'a>(&'a self, field: &Field) -> Vec<&'a FieldValue<'e>> {
        match field {
            Field::Any => self.values.iter().filter(|value| !value.json.is_object()).collect(),
            Field::Named(name) => self.named_values(name),
            Field::Known { field, name } => self.known_or_named(*field, name),
        }
    }

    /// The values of a name.
    pub(crate) fn named_values<'a>(&'a self, name: &Name) -> Vec<&'a FieldValue<'e>> {
        let found = self.named(name);
        if found.is_empty() && self.has_json_text { self.inside_texts(name) } else { found }
    }

    /// The values of a known field. Where the record has a value of that field under the very name that the rule uses, that
    /// value is meant. A value of that name whose meaning is not known is meant where the known field has none.
    fn known_or_named<'a>(&'a self, field: KnownField, name: &Name) -> Vec<&'a FieldValue<'e>> {
        let all = || self.of_field(field);
        let has_name = |known: &&KnownValue| {
            known.source.and_then(|at| self.values.get(at)).is_some_and(|value| is_same_name(&value.name, name))
        };
        let is_there = self.by_name.contains_key(name.folded.as_str());
        if is_there && all().any(|known| has_name(&known)) {
            // What is made of no value of the record holds beside any.
            let meant = all().filter(|known| known.source.is_none() || has_name(known));
            return meant.map(|known| self.at(known.place)).collect();
        }
        let found: Vec<_> = all().map(|known| self.at(known.place)).collect();
        if !found.is_empty() {
            return found;
        }
        let Some(places) = self.by_name.get(name.folded.as_str()) else {
            return if self.has_json_text { self.inside_texts(name) } else { Vec::new() };
        };
        let is_open = |at: usize| !self.is_known.get(at).copied().unwrap_or_default();
        let open = self.of_chain(*places).filter(|(at, _)| is_open(*at)).map(|(_, value)| value);
        open.filter(|value| !value.json.is_object()).collect()
    }

    /// The values of a name whose first part is the name of a text that holds JSON; the longest such part counts.
    fn inside_texts<'a>(&'a self, name: &Name) -> Vec<&'a FieldValue<'e>> {
        if name.written.len() > MAX_NAME {
            return Vec::new();
        }
        let splits = name.written.rmatch_indices(['.', '[', '{']).filter(|(at, _)| *at > 0);
        for (at, separator) in splits.take(MAX_SPLITS) {
            let (outer, inner) = name.written.split_at(at);
            let inner = if separator == "." { inner.get(1..).unwrap_or_default() } else { inner };
            if inner.is_empty() {
                continue;
            }
            let inner = Name::new(inner);
            let found: Vec<_> = self
                .named(&Name::new(outer))
                .into_iter()
                .filter_map(FieldValue::inner)
                .flat_map(|text| text.named_values(&inner))
                .collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    fn named<'a>(&'a self, name: &Name) -> Vec<&'a FieldValue<'e>> {
        if let Some(found) = self.by_name.get(name.folded.as_str()) {
            let all = || self.of_chain(*found).map(|(_, value)| value);
            let exact: Vec<_> = all().filter(|value| *value.name == *name.written).collect();
            return if exact.is_empty() { all().collect() } else { exact };
        }
        let Some(plain) = &name.without_brackets else { return Vec::new() };
        let mut found = if plain.written.is_empty() {
            // An element of an array that is the whole of a text.
            self.values.iter().filter(|value| value.name.is_empty()).collect()
        } else {
            self.named(plain)
        };
        found.retain(|value| value.stands_at(&name.folded));
        found
    }

    /// Says whether everything below was looked into.
    fn add<'v>(&mut self, json: &'v Value, way: &mut Way, keep: fn(&'v Value) -> Cow<'e, Value>) -> bool {
        match json {
            Value::Null => true,
            Value::Array(_) | Value::Object(_) if way.depth == way.max_depth => false,
            Value::Array(items) => {
                let mut whole = true;
                let length = way.place.len();
                way.arrays += 1;
                way.depth += 1;
                for (index, item) in items.iter().enumerate() {
                    let _ = write!(way.place, "[{index}]");
                    whole &= self.add(item, way, keep);
                    way.place.truncate(length);
                }
                way.arrays -= 1;
                way.depth -= 1;
                whole
            }
            Value::Object(fields) => {
                let own = if way.depth == 0 { None } else { Some(self.push(keep(json), way)) };
                let mut whole = true;
                let (name, place) = (way.name.len(), way.place.len());
                way.depth += 1;
                for (key, value) in fields {
                    if name > 0 {
                        way.name.push('.');
                    }
                    if place > 0 {
                        way.place.push('.');
                    }
                    way.name.push_str(key);
                    way.place.push_str(key);
                    whole &= self.add(value, way, keep);
                    way.name.truncate(name);
                    way.place.truncate(place);
                }
                way.depth -= 1;
                if let Some(own) = own.and_then(|at| self.values.get_mut(at)) {
                    own.whole = whole;
                }
                whole
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.has_json_text |= json.as_str().is_some_and(may_be_json);
                self.push(keep(json), way);
                true
            }
        }
    }

    fn push(&mut self, json: Cow<'e, Value>, way: &Way) -> usize {
        let at = self.values.len();
        let named = way.name.len() <= MAX_NAME;
        let name: Box<str> = if named { way.name.as_str().into() } else { Box::default() };
        if named && !name.is_empty() {
            let folded = fold_case(&name);
            match self.by_name.get_mut(folded.as_ref()) {
                Some(found) => {
                    let before = std::mem::replace(&mut found.last, at);
                    if let Some(before) = self.values.get_mut(before) {
                        before.next = Next::new(at);
                    }
                }
                None => {
                    self.by_name.insert(folded.into(), Chain { first: at, last: at });
                }
            }
        }
        let place = (named && way.arrays > 0).then(|| fold_case(&way.place).into());
        self.values.push(FieldValue::new(name, place, json));
        at
    }
}

/// Where the walk stands.
struct Way {
    name: String,
    /// The name with the indexes of arrays.
    place: String,
    arrays: usize,
    depth: usize,
    max_depth: usize,
}
