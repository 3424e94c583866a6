use std::{borrow::Cow, fmt::Write as _, sync::OnceLock};

use ruleatlas_model::fold_case;
use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::scalar::Scalar;

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
#[derive(Debug)]
pub struct Event<'e> {
    values: Vec<FieldValue<'e>>,
    by_name: FxHashMap<Box<str>, Vec<usize>>,
    /// Whether one of the values is a text that may hold JSON.
    has_json_text: bool,
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
        let mut event = Self { values: Vec::new(), by_name: FxHashMap::default(), has_json_text: false };
        let mut way = Way { name: String::new(), place: String::new(), arrays: 0, depth: 0, max_depth };
        event.add(json, &mut way, keep);
        event
    }

    /// Whether the event has a field of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        !self.values(&Field::new(name)).is_empty()
    }

    /// The values of a field, none when it is missing.
    pub(crate) fn values<'a>(&'a self, field: &Field) -> Vec<&'a FieldValue<'e>> {
        match field {
            Field::Any => self.values.iter().filter(|value| !value.json.is_object()).collect(),
            Field::Named(name) => {
                let found = self.named(name);
                if found.is_empty() && self.has_json_text { self.inside_texts(name) } else { found }
            }
        }
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
            let inner = Field::new(inner);
            let found: Vec<_> = self
                .named(&Name::new(outer))
                .into_iter()
                .filter_map(FieldValue::inner)
                .flat_map(|text| text.values(&inner))
                .collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    fn named<'a>(&'a self, name: &Name) -> Vec<&'a FieldValue<'e>> {
        if let Some(found) = self.by_name.get(name.folded.as_str()) {
            let all = || found.iter().filter_map(|at| self.values.get(*at));
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
                Some(found) => found.push(at),
                None => {
                    self.by_name.insert(folded.into(), vec![at]);
                }
            }
        }
        let place = (named && way.arrays > 0).then(|| fold_case(&way.place).into());
        self.values.push(FieldValue {
            name,
            place,
            json,
            whole: true,
            folded: OnceLock::new(),
            json_text: OnceLock::new(),
            inner: OnceLock::new(),
        });
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

/// Whether a text is worth being read as JSON.
fn may_be_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[', '"'])
}

/// One value of a field.
#[derive(Debug)]
pub(crate) struct FieldValue<'e> {
    name: Box<str>,
    /// The folded name with the indexes of arrays, for an element of one.
    place: Option<Box<str>>,
    json: Cow<'e, Value>,
    /// Whether all below it was looked into: so deep it is safe to print.
    whole: bool,
    folded: OnceLock<Option<Box<str>>>,
    json_text: OnceLock<Box<str>>,
    /// The fields of the JSON that a text holds.
    inner: OnceLock<Option<Box<Event<'static>>>>,
}

impl FieldValue<'_> {
    /// The fields of the JSON that the text holds, read once.
    fn inner(&self) -> Option<&Event<'static>> {
        let Value::String(text) = &*self.json else { return None };
        if !may_be_json(text) {
            return None;
        }
        self.inner.get_or_init(|| Event::of_text(text).map(Box::new)).as_deref()
    }

    /// The value as text, in lower case unless case counts.
    pub(crate) fn text(&self, case_sensitive: bool) -> &str {
        let text = match &*self.json {
            Value::String(text) => text.as_str(),
            _ => self.json_text.get_or_init(|| match &*self.json {
                Value::Object(_) if !self.whole => Box::default(),
                other => other.to_string().into(),
            }),
        };
        if case_sensitive {
            return text;
        }
        let folded = self.folded.get_or_init(|| match fold_case(text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(folded) => Some(folded.into()),
        });
        folded.as_deref().unwrap_or(text)
    }

    /// The value as a number or boolean, where the event says that it is one.
    pub(crate) fn scalar(&self) -> Option<Scalar> {
        Scalar::of(&self.json)
    }

    /// Whether it is JSON: any value but a text that cannot be read as such. An element of a list is what was read.
    pub(crate) fn is_json(&self) -> bool {
        match &*self.json {
            Value::String(text) if self.place.is_none() => {
                serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
            }
            _ => true,
        }
    }

    /// Whether it is neither empty nor zero nor false.
    pub(crate) fn is_truthy(&self) -> bool {
        match &*self.json {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
        }
    }

    /// Whether `folded`, a name with indexes, leads here; an array that it gives no index for gives any element.
    fn stands_at(&self, folded: &str) -> bool {
        let mut wanted = folded.chars().peekable();
        let place = fold_case(self.place.as_deref().unwrap_or(&self.name));
        let mut place = place.chars();
        let mut at_start = true;
        while let Some(character) = place.next() {
            match wanted.peek() {
                Some(next) if *next == character => {
                    wanted.next();
                    at_start = false;
                }
                _ if character == '[' => {
                    let _ = place.by_ref().find(|next| *next == ']');
                }
                // The place begins with an index where the whole of a text is an array.
                _ if character == '.' && at_start => {}
                _ => return false,
            }
        }
        wanted.next().is_none()
    }
}

/// What a predicate asks for.
#[derive(Clone, Debug)]
pub(crate) enum Field {
    /// Any value of the event.
    Any,
    /// A field by its name.
    Named(Name),
}

impl Field {
    pub(crate) fn new(raw: &str) -> Self {
        if raw.is_empty() { Self::Any } else { Self::Named(Name::new(raw)) }
    }
}

/// A field's name, ready for being looked up.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    written: String,
    /// In lower case; without the marks that say "any element".
    folded: String,
    /// The name without `[1]` and `{}`.
    without_brackets: Option<Box<Name>>,
}

impl Name {
    fn new(written: &str) -> Self {
        let folded = fold_case(written).into_owned();
        if !written.contains(['[', '{']) {
            return Self { written: written.to_owned(), folded, without_brackets: None };
        }
        let any = ["{}", "[]", "[*]"].iter().fold(folded, |name, mark| name.replace(mark, ""));
        let plain = Self::new_plain(without_indexes(written).trim_start_matches('.'));
        Self { written: written.to_owned(), folded: any, without_brackets: Some(Box::new(plain)) }
    }

    fn new_plain(written: &str) -> Self {
        Self { written: written.to_owned(), folded: fold_case(written).into_owned(), without_brackets: None }
    }
}

fn without_indexes(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find(['[', '{']) {
        let (before, bracket) = rest.split_at(at);
        plain.push_str(before);
        let mark = bracket.find([']', '}']).map_or("", |end| &bracket[..=end]);
        let is_mark = match mark.get(1..mark.len().saturating_sub(1)) {
            Some("" | "*") => true,
            Some(index) => mark.starts_with('[') && index.bytes().all(|byte| byte.is_ascii_digit()),
            None => false,
        };
        let taken = if is_mark { mark.len() } else { 1 };
        plain.push_str(if is_mark { "" } else { &bracket[..1] });
        rest = &bracket[taken..];
    }
    plain + rest
}
