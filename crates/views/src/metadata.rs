//! What a vendor's format holds of a rule besides, as lines to read.

use ruleatlas_model::Extra;
use serde_json::Value;

/// Lines of one thing that are told; what is longer is found upstream.
const LINES: usize = 200;
/// Lists in lists that are followed.
const DEPTH: usize = 12;

/// Something that a rule's metadata says, under its own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataEntry {
    /// The name, as words: `Machine learning job id`.
    pub name: String,
    /// What it says, a line each; a longer text has its own line breaks.
    pub lines: Vec<String>,
}

impl MetadataEntry {
    /// Whether it is a word or two.
    #[must_use]
    pub fn is_short(&self) -> bool {
        matches!(self.lines.as_slice(), [line] if line.len() <= 160 && !line.contains('\n'))
    }
}

/// Everything that `extra` says but what is empty, what is short first.
#[must_use]
pub fn metadata_entries(extra: &Extra) -> Vec<MetadataEntry> {
    let mut all: Vec<MetadataEntry> = extra
        .values()
        .map(|(name, value)| {
            let mut lines = Vec::new();
            outline(&value, "", 0, &mut lines);
            MetadataEntry { name: words(name), lines }
        })
        .filter(|entry| !entry.lines.is_empty())
        .collect();
    all.sort_by_key(|entry| !entry.is_short());
    all
}

/// A value's lines: a list of plain values is one line, what lies in something else stands behind that one's name.
fn outline(value: &Value, path: &str, depth: usize, lines: &mut Vec<String>) {
    if depth > DEPTH || lines.len() >= LINES {
        return;
    }
    let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                outline(member, &inner(name), depth + 1, lines);
            }
        }
        Value::Array(items) => match items.iter().map(plain).collect::<Option<Vec<_>>>() {
            Some(items) => say(&items.join(", "), path, lines),
            None => {
                for (at, item) in items.iter().enumerate() {
                    // The first of a list is 1, as people count.
                    outline(item, &inner(&(at + 1).to_string()), depth + 1, lines);
                }
            }
        },
        scalar => say(&plain(scalar).unwrap_or_default(), path, lines),
    }
}

fn say(text: &str, path: &str, lines: &mut Vec<String>) {
    let text = text.trim();
    if !text.is_empty() {
        lines.push(if path.is_empty() { text.to_owned() } else { format!("{path}: {text}") });
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A key as words: `risk_score` and `RiskScore` are `Risk score`.
fn words(key: &str) -> String {
    let mut words = String::with_capacity(key.len() + 4);
    let mut was_small = false;
    for character in key.chars() {
        if matches!(character, '_' | '-' | ' ') {
            words.push(' ');
            was_small = false;
            continue;
        }
        if character.is_uppercase() && was_small {
            words.push(' ');
        }
        was_small = character.is_lowercase() || character.is_ascii_digit();
        if words.is_empty() { words.extend(character.to_uppercase()) } else { words.extend(character.to_lowercase()) }
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_value_is_told_in_lines() {
        let extra: Extra = [
            ("note", json!("Look twice.\n\nThen act.")),
            ("risk_score", json!(73)),
            ("DedupPeriodMinutes", json!("60")),
            ("threshold", json!({"field": ["host.id", "user.id"], "value": 10})),
            ("mapping", json!([{"entries": [{"field": "a"}]}, {"entries": []}])),
            ("empty", json!([])),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into_iter()
        .collect();
        let found: Vec<(String, Vec<String>)> =
            metadata_entries(&extra).into_iter().map(|entry| (entry.name, entry.lines)).collect();
        let line = |name: &str, lines: &[&str]| (name.to_owned(), lines.iter().map(|it| (*it).to_owned()).collect());
        assert_eq!(
            found,
            [
                line("Dedup period minutes", &["60"]),
                line("Mapping", &["1.entries.1.field: a"]),
                line("Risk score", &["73"]),
                line("Note", &["Look twice.\n\nThen act."]),
                line("Threshold", &["field: host.id, user.id", "value: 10"]),
            ]
        );
    }
}
