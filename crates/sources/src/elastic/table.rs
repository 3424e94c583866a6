//! What the files of Elastic's rules hold, whether they are written in TOML, JSON or YAML: texts, lists and tables that
//! know where they stand.

use std::borrow::Cow;

use ruleatlas_model::{Diagnostic, Extra};
use ruleatlas_yaml::Node;
use serde::{Serialize, Serializer};
use toml::{Spanned, de::DeValue};

use crate::{Draft, RawTag, TagPlace};

/// Deeper values are not kept. The parsers' own limits are near this.
const DEPTH_LIMIT: u32 = 64;

/// The file that is read.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub text: &'a str,
    pub path: &'a str,
    /// Where the lines end.
    pub line_ends: &'a [usize],
}

impl File<'_> {
    /// The one-based line of a byte.
    pub fn line(self, at: usize) -> u32 {
        let before = self.line_ends.partition_point(|end| *end < at);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Whether the file lies in a folder of that name.
    pub fn is_in(self, folder: &str) -> bool {
        self.path.rsplit('/').skip(1).any(|name| name == folder)
    }

    /// A tag that stands at a byte of the file.
    pub fn tag(self, text: &str, place: TagPlace, at: usize) -> RawTag {
        RawTag::new(text, place, self.line(at))
    }
}

/// Takes the rules of a file, one after another.
pub(super) type Sink<'s> = &'s mut dyn FnMut(Draft<'_>);

/// A value and its place in the file.
#[derive(Clone, Debug)]
pub(super) struct Value<'a> {
    pub data: Data<'a>,
    /// The first byte; for JSON, that of the whole record.
    pub at: usize,
    /// One past the last byte; `at` where the value's own place is not known.
    end: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Data<'a> {
    Null,
    Bool(bool),
    /// A number, as text and as it is kept.
    Number(String, serde_json::Value),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Table(Entries<'a>),
}

/// The entries of a table in the order of their keys. Files hold many tables of few entries, for which a list takes a
/// fraction of a map's memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries<'a>(Box<[(Cow<'a, str>, Value<'a>)]>);

impl<'a> Entries<'a> {
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        let at = self.0.binary_search_by(|(known, _)| known.as_ref().cmp(key)).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }
}

/// Of entries with the same key the last one stays.
impl<'a> FromIterator<(Cow<'a, str>, Value<'a>)> for Entries<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Value<'a>)>>(entries: I) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.reverse();
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.dedup_by(|(a, _), (b, _)| a == b);
        Self(entries.into_boxed_slice())
    }
}

impl<'a> Value<'a> {
    /// A value of TOML. The parser's own depth limit bounds this.
    pub fn of_toml(value: Spanned<DeValue<'a>>) -> Self {
        let span = value.span();
        let data = match value.into_inner() {
            DeValue::String(text) => Data::Text(text),
            DeValue::Boolean(truth) => Data::Bool(truth),
            DeValue::Integer(number) => {
                let parsed = i64::from_str_radix(number.as_str(), number.radix());
                let json = parsed.map_or_else(|_| number.to_string().into(), Into::into);
                Data::Number(number.to_string(), json)
            }
            DeValue::Float(number) => {
                let parsed = number.as_str().parse::<f64>().ok().filter(|parsed| parsed.is_finite());
                Data::Number(number.as_str().to_owned(), parsed.map_or_else(|| number.as_str().into(), Into::into))
            }
            DeValue::Datetime(time) => Data::Text(Cow::Owned(time.to_string())),
            DeValue::Array(values) => Data::List(values.into_iter().map(Self::of_toml).collect()),
            DeValue::Table(table) => {
                Data::Table(table.into_iter().map(|(key, value)| (key.into_inner(), Self::of_toml(value))).collect())
            }
        };
        Self { data, at: span.start, end: span.end }
    }

    /// A value of JSON, in the record that begins at a byte. The parser's own depth limit bounds this.
    pub fn of_json(value: serde_json::Value, at: usize) -> Self {
        use serde_json::Value as Json;
        let data = match value {
            Json::Null => Data::Null,
            Json::Bool(truth) => Data::Bool(truth),
            Json::Number(number) => Data::Number(number.to_string(), Json::Number(number)),
            Json::String(text) => Data::Text(Cow::Owned(text)),
            Json::Array(values) => Data::List(values.into_iter().map(|value| Self::of_json(value, at)).collect()),
            Json::Object(object) => Data::Table(
                object.into_iter().map(|(key, value)| (Cow::Owned(key), Self::of_json(value, at))).collect(),
            ),
        };
        Self { data, at, end: at }
    }

    /// A value of YAML: plain scalars are what YAML's core schema takes them for. The tree's own depth limit bounds
    /// this.
    pub fn of_yaml(node: &Node<'a>) -> Self {
        use ruleatlas_yaml::Value as Yaml;
        let data = match &node.value {
            Yaml::Scalar(..) if node.is_null() => Data::Null,
            Yaml::Scalar(text, _) => match (node.is_plain(), node.as_bool(), text.parse::<serde_json::Number>()) {
                (true, Some(truth), _) => Data::Bool(truth),
                (true, None, Ok(number)) => Data::Number(text.to_string(), serde_json::Value::Number(number)),
                _ => Data::Text(text.clone()),
            },
            Yaml::Sequence(items) => Data::List(items.iter().map(Self::of_yaml).collect()),
            Yaml::Mapping(entries) => Data::Table(
                entries
                    .iter()
                    .filter_map(|(key, value)| Some((Cow::Owned(key.text()?.to_owned()), Self::of_yaml(value))))
                    .collect(),
            ),
        };
        Self { data, at: node.start, end: node.end }
    }

    pub fn table(&self) -> Option<Table<'_, 'a>> {
        match &self.data {
            Data::Table(table) => Some(Table(table)),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self.data {
            Data::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// A list's members; none of a null; any other value is a list of one.
    pub fn items(&self) -> &[Self] {
        match &self.data {
            Data::List(values) => values,
            Data::Null => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// A number, boolean or text as text; `None` for lists, tables and nulls.
    pub fn scalar(&self) -> Option<String> {
        match &self.data {
            Data::Text(text) => Some(text.to_string()),
            Data::Number(text, _) => Some(text.clone()),
            Data::Bool(truth) => Some(truth.to_string()),
            Data::Null | Data::List(_) | Data::Table(_) => None,
        }
    }

    /// The value as it stands in the file, else as JSON.
    pub fn written(&self, file: File<'_>) -> String {
        match file.text.get(self.at..self.end) {
            Some(text) if !text.is_empty() => text.trim().to_owned(),
            _ => serde_json::to_string(self).unwrap_or_default(),
        }
    }
}

/// A table of the file.
#[derive(Clone, Copy)]
pub(super) struct Table<'t, 'a>(&'t Entries<'a>);

impl<'t, 'a> Table<'t, 'a> {
    pub fn get(self, key: &str) -> Option<&'t Value<'a>> {
        self.0.get(key)
    }

    pub fn table(self, key: &str) -> Option<Self> {
        self.get(key)?.table()
    }

    /// The tables of the list under a key; a single table is a list of one.
    pub fn tables(self, key: &str) -> impl Iterator<Item = Self> {
        self.items(key).iter().filter_map(Value::table)
    }

    /// The members of the list under a key; see [`Value::items`].
    pub fn items(self, key: &str) -> &'t [Value<'a>] {
        self.get(key).map(Value::items).unwrap_or_default()
    }

    pub fn text(self, key: &str) -> Option<&'t str> {
        self.get(key)?.text()
    }

    /// The trimmed texts under a key, one or a list of them, each with the byte where it stands.
    pub fn placed_texts(self, key: &str) -> impl Iterator<Item = (&'t str, usize)> {
        let values = self.items(key).iter();
        values.filter_map(|value| Some((value.text()?.trim(), value.at))).filter(|(text, _)| !text.is_empty())
    }

    pub fn texts(self, key: &str) -> Vec<String> {
        self.placed_texts(key).map(|(text, _)| text.to_owned()).collect()
    }

    /// The values under a key as text, however lists nest, each with its place.
    pub fn placed_scalars(self, key: &str) -> Vec<(String, usize)> {
        let mut found = Vec::new();
        let mut open: Vec<&'t Value<'a>> = self.get(key).into_iter().collect();
        while let Some(value) = open.pop() {
            match &value.data {
                Data::List(values) => open.extend(values.iter().rev()),
                _ => found.extend(value.scalar().map(|text| (text, value.at))),
            }
        }
        found
    }

    /// A word of a closed list; any other is a diagnostic.
    pub fn word<T: std::str::FromStr<Err = String>>(
        self,
        key: &str,
        file: File<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<T> {
        let value = self.get(key)?;
        match value.text()?.trim().to_lowercase().parse() {
            Ok(word) => Some(word),
            Err(message) => {
                let line = file.line(value.at);
                diagnostics.push(Diagnostic::warning("unknown word", format!("`{key}`: {message}")).on_line(line));
                None
            }
        }
    }

    /// All keys with their values, in the order of the keys.
    pub fn entries(self) -> impl Iterator<Item = (&'t str, &'t Value<'a>)> {
        self.0.iter()
    }

    /// What the table holds besides the known keys, by its own names.
    pub fn rest(self, known: &[&str]) -> Extra {
        self.entries().filter(|(key, _)| !known.contains(key)).collect()
    }
}

/// A value as it is kept with the rule, as JSON; deeper ones than the limit are null.
impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Deep(self, 0).serialize(serializer)
    }
}

/// A value and how deep it lies.
struct Deep<'t, 'a>(&'t Value<'a>, u32);

impl Serialize for Deep<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(value, depth) = *self;
        if depth > DEPTH_LIMIT {
            return serializer.serialize_unit();
        }
        match &value.data {
            Data::Null => serializer.serialize_unit(),
            Data::Text(text) => serializer.serialize_str(text),
            Data::Bool(truth) => serializer.serialize_bool(*truth),
            Data::Number(_, number) => number.serialize(serializer),
            Data::List(values) => serializer.collect_seq(values.iter().map(|value| Deep(value, depth + 1))),
            Data::Table(table) => {
                serializer.collect_map(table.iter().map(|(key, value)| (key, Deep(value, depth + 1))))
            }
        }
    }
}
