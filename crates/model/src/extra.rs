use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

/// What a vendor's format holds of a rule besides, by its own names.
///
/// Values are kept as the JSON text that is stored and answered: a build makes hundreds of thousands and looks into few.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Extra(BTreeMap<String, Box<RawValue>>);

impl Extra {
    /// Puts in a value, in the place of an earlier one of that name. What cannot be JSON is left out.
    pub fn insert(&mut self, name: impl Into<String>, value: &(impl Serialize + ?Sized)) {
        if let Ok(text) = to_raw_value(value) {
            self.0.insert(name.into(), text);
        }
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).map(|text| read(text))
    }

    /// Whether there is a value of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All values, ordered by name.
    pub fn values(&self) -> impl Iterator<Item = (&str, Value)> {
        self.0.iter().map(|(name, text)| (name.as_str(), read(text)))
    }

    /// Puts in all values of another.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }
}

/// What the text says; it was made from a value, or read as one.
fn read(text: &RawValue) -> Value {
    serde_json::from_str(text.get()).unwrap_or_default()
}

impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        let texts = self.0.iter().map(|(name, text)| (name, text.get()));
        texts.eq(other.0.iter().map(|(name, text)| (name, text.get())))
    }
}

impl<N: Into<String>, V: Serialize> FromIterator<(N, V)> for Extra {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(values: I) -> Self {
        let mut extra = Self::default();
        for (name, value) in values {
            extra.insert(name, &value);
        }
        extra
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_what_was_put_in() {
        let mut extra: Extra =
            [("note", json!("a \"quoted\" line\n")), ("list", json!([1, null, {"deep": true}]))].into_iter().collect();
        extra.insert("note", "another");
        assert_eq!(extra.get("note"), Some(json!("another")));
        assert_eq!((extra.get("none"), extra.has("list"), extra.values().count()), (None, true, 2));
        let text = serde_json::to_string(&extra).unwrap();
        assert_eq!(text, r#"{"list":[1,null,{"deep":true}],"note":"another"}"#);
        assert_eq!(serde_json::from_str::<Extra>(&text).unwrap(), extra);
    }
}
