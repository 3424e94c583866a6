use std::{collections::BTreeMap, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

/// An event made up to show something: canonical fields, each with one value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    pub(crate) fields: BTreeMap<Arc<str>, (String, String)>,
}

impl Sample {
    /// The value of a canonical field; names compare without case.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&str> {
        self.fields.get(field.to_lowercase().as_str()).map(|(_, value)| value.as_str())
    }

    /// Sets a field.
    pub fn set(&mut self, field: &str, value: impl Into<String>) {
        self.fields.insert(field.to_lowercase().into(), (field.to_owned(), value.into()));
    }

    /// The fields with their values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.values().map(|(field, value)| (field.as_str(), value.as_str()))
    }

    /// Whether it has no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The event as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let fields = self.iter().map(|(field, value)| (field.to_owned(), Value::String(value.to_owned())));
        Value::Object(fields.collect::<Map<_, _>>())
    }
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for (field, value) in self.iter() {
            map.serialize_entry(field, value)?;
        }
        map.end()
    }
}
