//! Reading of TOML tables: texts, lists, and what is kept as it is.

use ruleatlas_model::{Diagnostic, Extra};
use serde::{Serialize, Serializer};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// Deeper values are not kept. The parser's own limit is near this.
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
}

/// A table of the file.
#[derive(Clone, Copy)]
pub(super) struct Table<'t, 'a>(pub &'t DeTable<'a>);

impl<'t, 'a> Table<'t, 'a> {
    pub fn get(self, key: &str) -> Option<&'t Value<'a>> {
        self.0.get(key)
    }

    pub fn table(self, key: &str) -> Option<Self> {
        self.get(key)?.get_ref().as_table().map(Self)
    }

    /// The tables of the list under a key; a single table is a list of one.
    pub fn tables(self, key: &str) -> impl Iterator<Item = Self> {
        self.get(key).map(items).unwrap_or_default().iter().filter_map(|value| value.get_ref().as_table().map(Self))
    }

    pub fn text(self, key: &str) -> Option<&'t str> {
        self.get(key)?.get_ref().as_str()
    }

    /// The trimmed texts under a key, one or a list of them, each with the byte where it stands.
    pub fn placed_texts(self, key: &str) -> impl Iterator<Item = (&'t str, usize)> {
        let values = self.get(key).map(items).unwrap_or_default().iter();
        values
            .filter_map(|value| Some((value.get_ref().as_str()?.trim(), value.span().start)))
            .filter(|(text, _)| !text.is_empty())
    }

    /// The values under a key as text, however lists nest, each with its place.
    pub fn placed_scalars(self, key: &str) -> Vec<(String, usize)> {
        let mut found = Vec::new();
        let mut open: Vec<&'t Value<'a>> = self.get(key).into_iter().collect();
        while let Some(value) = open.pop() {
            match value.get_ref() {
                DeValue::Array(values) => open.extend(values.iter().rev()),
                own => found.extend(scalar(own).map(|text| (text, value.span().start))),
            }
        }
        found
    }

    pub fn texts(self, key: &str) -> Vec<String> {
        self.placed_texts(key).map(|(text, _)| text.to_owned()).collect()
    }

    /// A word of a closed list; any other is a diagnostic.
    pub fn word<T: std::str::FromStr<Err = String>>(
        self,
        key: &str,
        file: File<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<T> {
        let value = self.get(key)?;
        match value.get_ref().as_str()?.trim().to_lowercase().parse() {
            Ok(word) => Some(word),
            Err(message) => {
                let line = file.line(value.span().start);
                diagnostics.push(Diagnostic::warning("unknown word", format!("`{key}`: {message}")).on_line(line));
                None
            }
        }
    }

    /// What the table holds besides the known keys, by its own names.
    pub fn rest(self, known: &[&str]) -> Extra {
        let entries = self.0.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref()));
        entries.map(|(key, value)| (key.get_ref().as_ref(), Kept(value))).collect()
    }
}

/// A list's members; any other value is a list of one.
pub(super) fn items<'t, 'a>(value: &'t Value<'a>) -> &'t [Value<'a>] {
    match value.get_ref() {
        DeValue::Array(array) => array,
        _ => std::slice::from_ref(value),
    }
}

/// A number, boolean or text as text; `None` for lists and tables.
pub(super) fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Datetime(time) => Some(time.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// A value as it is kept with the rule, as JSON; deeper ones than the limit are null.
pub(super) struct Kept<'t, 'a>(pub &'t Value<'a>);

impl Serialize for Kept<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Deep(self.0, 0).serialize(serializer)
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
        match value.get_ref() {
            DeValue::String(text) => serializer.serialize_str(text),
            DeValue::Boolean(truth) => serializer.serialize_bool(*truth),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => serializer.serialize_i64(number),
                Err(_) => serializer.collect_str(number),
            },
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(parsed) if parsed.is_finite() => serializer.serialize_f64(parsed),
                _ => serializer.serialize_str(number.as_str()),
            },
            DeValue::Datetime(time) => serializer.collect_str(time),
            DeValue::Array(values) => serializer.collect_seq(values.iter().map(|value| Deep(value, depth + 1))),
            DeValue::Table(table) => serializer
                .collect_map(table.iter().map(|(key, value)| (key.get_ref().as_ref(), Deep(value, depth + 1)))),
        }
    }
}
