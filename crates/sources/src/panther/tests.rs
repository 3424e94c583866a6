//! The unit tests that a rule brings along, as typed JSON: what the YAML says is a number is one.

use ruleatlas_core::{Context, DataModel};
use ruleatlas_model::RuleTest;
use ruleatlas_yaml::{Node, Value as Yaml};
use serde_json::{Map, Number, Value};

/// The tests that have an event. Their `udm` holds what the data model of the event's log type says by path; what it
/// says by a method is not there.
pub(super) fn read(tests: &Node<'_>, log_types: &[&str], context: &dyn Context) -> Vec<RuleTest> {
    let read = |test: &Node<'_>| {
        let event = match typed(test.get("Log").or_else(|| test.get("Resource"))?) {
            Value::String(text) => serde_json::from_str(&text).ok()?,
            other => other,
        };
        let own = event.get("p_log_type").and_then(Value::as_str);
        let mut log_types = own.into_iter().chain(log_types.iter().copied());
        let model = log_types.find_map(|log_type| context.data_model(log_type));
        Some(RuleTest {
            expected: typed(test.get("ExpectedResult")?),
            mocked: test.get("Mocks").is_some(),
            name: test.text_of("Name").unwrap_or_default().to_owned(),
            udm: model.map(|model| unified(&event, model)).unwrap_or_default(),
            unfollowed: false,
            event,
        })
    };
    tests.items_or_self().iter().filter_map(read).collect()
}

/// What the paths of a data model lead to in an event.
fn unified(event: &Value, model: &DataModel) -> Map<String, Value> {
    let by_path = model.mappings.iter().filter(|mapping| !mapping.path.is_empty());
    let values = by_path.filter_map(|mapping| {
        let keys = mapping.path.strip_prefix("$.").unwrap_or(&mapping.path);
        Some((mapping.name.clone(), at(event, keys)?))
    });
    values.collect()
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
