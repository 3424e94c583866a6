use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

/// An event of a log by canonical field, each with one value or several.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// By the canonical field in lower case.
    fields: FxHashMap<Box<str>, Vec<String>>,
}

impl Record {
    /// The event with these canonical fields.
    #[must_use]
    pub fn new(fields: &Map<String, Value>) -> Self {
        let mut record = Self::default();
        for (name, value) in fields {
            gather(value, record.fields.entry(name.to_lowercase().into()).or_default());
        }
        record.fields.retain(|_, values| !values.is_empty());
        record
    }

    /// The values of a canonical field, whose name is in lower case.
    pub(crate) fn values(&self, field: &str) -> &[String] {
        self.fields.get(field).map_or(&[], Vec::as_slice)
    }

    /// The values of all fields.
    pub(crate) fn all_values(&self) -> impl Iterator<Item = &String> {
        self.fields.values().flatten()
    }
}

fn gather(value: &Value, values: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Array(parts) => parts.iter().for_each(|part| gather_one(part, values)),
        other => gather_one(other, values),
    }
}

fn gather_one(value: &Value, values: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::String(text) => values.push(text.clone()),
        other => values.push(other.to_string()),
    }
}
