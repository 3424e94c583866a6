//! The unit tests that a rule brings along, as typed JSON: what the YAML says is a number is one.

use ruleatlas_core::Context;
use ruleatlas_yaml::{Node, Value as Yaml};
use serde_json::{Map, Number, Value};

use super::context::data_model;

/// `[{"name", "expected", "event", "mocked", "udm"}]`, of the tests that have an event.
///
/// `udm` holds what the data model of the event's log type says by path; what it says by a method is not there.
pub(super) fn read(tests: &Node<'_>, log_types: &[&str], context: &dyn Context) -> Vec<Value> {
    let read = |test: &Node<'_>| {
        let event = typed(test.get("Log").or_else(|| test.get("Resource"))?);
        let event = match event {
            Value::String(text) => serde_json::from_str(&text).ok()?,
            other => other,
        };
        let mut row = Map::new();
        row.insert("name".to_owned(), test.text_of("Name").unwrap_or_default().into());
        row.insert("expected".to_owned(), typed(test.get("ExpectedResult")?));
        if test.get("Mocks").is_some() {
            row.insert("mocked".to_owned(), true.into());
        }
        let own = event.get("p_log_type").and_then(Value::as_str);
        let udm = own
            .into_iter()
            .chain(log_types.iter().copied())
            .find_map(|log_type| context.lookup(&data_model(log_type)).map(|table| unified(&event, &table.rows)));
        if let Some(udm) = udm.filter(|udm| !udm.is_empty()) {
            row.insert("udm".to_owned(), Value::Object(udm));
        }
        row.insert("event".to_owned(), event);
        Some(Value::Object(row))
    };
    tests.items_or_self().iter().filter_map(read).collect()
}

/// What the paths of a data model lead to in an event.
fn unified(event: &Value, rows: &[Vec<String>]) -> Map<String, Value> {
    let mut found = Map::new();
    for row in rows {
        let [name, path, ..] = row.as_slice() else { continue };
        if path.is_empty() {
            continue;
        }
        let keys = path.strip_prefix("$.").unwrap_or(path);
        if let Some(value) = at(event, keys) {
            found.insert(name.clone(), value);
        }
    }
    found
}

/// The value of a path in dots; `[*]` is every element of a list, `[0]` one.
fn at(event: &Value, path: &str) -> Option<Value> {
    let mut found = vec![event];
    for key in path.split('.') {
        let (key, index) =
            key.split_once('[').map_or((key, None), |(key, index)| (key, Some(index.trim_end_matches(']'))));
        found = found.into_iter().filter_map(|value| value.get(key)).collect();
        if let Some(index) = index {
            found = found
                .into_iter()
                .filter_map(Value::as_array)
                .flat_map(|list| match index.parse::<usize>() {
                    Ok(at) => list.get(at).into_iter().collect::<Vec<_>>(),
                    Err(_) => list.iter().collect(),
                })
                .collect();
        }
    }
    match found.as_slice() {
        [] => None,
        [only] if !path.contains("[*]") => Some((*only).clone()),
        several => Some(several.iter().map(|value| (*value).clone()).collect()),
    }
}

/// A YAML tree as JSON, plain scalars as what YAML says they are. The tree's own depth limit bounds this.
fn typed(node: &Node<'_>) -> Value {
    match &node.value {
        Yaml::Scalar(..) if node.is_null() => Value::Null,
        Yaml::Scalar(text, _) if node.is_plain() => plain(text),
        Yaml::Scalar(text, _) => text.as_ref().into(),
        Yaml::Sequence(items) => items.iter().map(typed).collect(),
        Yaml::Mapping(entries) => {
            entries.iter().map(|(key, value)| (key.text().unwrap_or_default().to_owned(), typed(value))).collect()
        }
    }
}

fn plain(text: &str) -> Value {
    match text {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "on" | "On" => return true.into(),
        "false" | "False" | "FALSE" | "no" | "No" | "off" | "Off" => return false.into(),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = digits.starts_with(|character: char| character.is_ascii_digit())
        && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
        && !(digits.len() > 1 && digits.starts_with('0') && !digits.contains('.'));
    if is_number {
        if let Ok(number) = text.parse::<i64>() {
            return number.into();
        }
        if let Some(number) = text.parse::<f64>().ok().filter(|_| text.contains('.')).and_then(Number::from_f64) {
            return Value::Number(number);
        }
    }
    text.into()
}
