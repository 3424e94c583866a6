use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

/// What a vendor's format holds of a rule besides, by its own names.
///
/// Values are kept as the JSON text that is stored and answered: a build makes hundreds of thousands and looks into few.
/// A value nested deeper than [`MAX_EXTRA_DEPTH`] is kept as a string that holds its JSON: readers of JSON refuse documents
/// of more than some hundred levels, and one such value must not make the whole rule unreadable.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Extra(BTreeMap<String, Box<RawValue>>);

/// Levels of lists and objects in a value.
pub const MAX_EXTRA_DEPTH: usize = 64;

impl Extra {
    /// Puts in a value, in the place of an earlier one of that name. What cannot be JSON is left out.
    pub fn insert(&mut self, name: impl Into<String>, value: &(impl Serialize + ?Sized)) {
        if let Ok(text) = to_raw_value(value) {
            self.0.insert(name.into(), within_depth(text));
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

impl<'de> Deserialize<'de> for Extra {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        Ok(Self(values.into_iter().map(|(name, text)| (name, within_depth(text))).collect()))
    }
}

/// The text, or a string of it where it is nested too deep.
fn within_depth(text: Box<RawValue>) -> Box<RawValue> {
    if depth(text.get()) <= MAX_EXTRA_DEPTH {
        return text;
    }
    to_raw_value(text.get()).unwrap_or(text)
}

/// How many lists and objects of a JSON text stand in each other. The text is well-formed.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
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

    #[test]
    fn a_value_nested_too_deep_is_kept_as_text() {
        let nested = |levels: usize| format!("{}\"]\\\" [{{\"{}", "[".repeat(levels), "]".repeat(levels));
        let raw = |levels| RawValue::from_string(nested(levels)).unwrap();
        let mut extra = Extra::default();
        extra.insert("fits", &raw(MAX_EXTRA_DEPTH));
        extra.insert("deep", &raw(MAX_EXTRA_DEPTH + 1));
        extra.insert("deepest", &raw(100_000));
        assert!(extra.get("fits").is_some_and(|value| value.is_array()));
        assert_eq!(extra.get("deep"), Some(nested(MAX_EXTRA_DEPTH + 1).into()));
        assert_eq!(extra.get("deepest"), Some(nested(100_000).into()));
        // The same holds of a text that somebody else wrote.
        let text = format!("{{\"deep\":{}}}", nested(100_000));
        let read: Extra = serde_json::from_str(&text).unwrap();
        assert_eq!(read.get("deep"), extra.get("deepest"));
        assert!(serde_json::to_value(&read).is_ok());
    }
}
