//! Looking a dotted path up in a JSON value.

use serde_json::{Map, Value};

/// Levels of a path that are tried; names with more dots are not looked into.
const MAX_PARTS: usize = 12;

/// The value at a path. Keys compare without case, and may hold dots themselves: `winlog.event_id` is found in
/// `{"winlog": {"event_id": 1}}`, `{"winlog.event_id": 1}` and `{"Winlog": {"Event_ID": 1}}`. A null is no value. The first
/// element stands for an array.
pub(crate) fn get<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if path.is_empty() {
        return Some(value);
    }
    match value {
        Value::Object(fields) => get_in(fields, path, MAX_PARTS),
        Value::Array(items) => items.first().and_then(|first| get(first, path)),
        _ => None,
    }
}

/// The value at a path in an object; see [`get`].
pub(crate) fn get_in_fields<'v>(fields: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let found = get_in(fields, path, MAX_PARTS)?;
    match found {
        Value::Array(items) => items.first(),
        other => Some(other),
    }
}

/// The values at a path in an object, all elements of an array.
pub(crate) fn get_all_in_fields<'v>(fields: &'v Map<String, Value>, path: &str) -> Option<Vec<&'v Value>> {
    Some(match get_in(fields, path, MAX_PARTS)? {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    })
}

fn get_in<'v>(fields: &'v Map<String, Value>, path: &str, parts: usize) -> Option<&'v Value> {
    if let Some(found) = key(fields, path) {
        return Some(found).filter(|value| !value.is_null());
    }
    if parts == 0 {
        return None;
    }
    let dots = path.bytes().enumerate().filter(|(_, byte)| *byte == b'.').map(|(at, _)| at);
    for at in dots {
        let (head, rest) = (&path[..at], &path[at + 1..]);
        let inner = match key(fields, head) {
            Some(Value::Array(items)) => items.first(),
            other => other,
        };
        if let Some(Value::Object(inner)) = inner
            && let Some(found) = get_in(inner, rest, parts - 1)
        {
            return Some(found);
        }
    }
    None
}

/// The value of a key, in exact case if there is one, otherwise in any.
fn key<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    fields.get(name).or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The text of a scalar; `None` for objects, arrays and nulls.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::get;

    #[test]
    fn a_path_is_found_however_its_keys_are_split() {
        let values = [
            json!({"a": {"b": {"c": 1}}}),
            json!({"a.b": {"c": 1}}),
            json!({"a": {"b.c": 1}}),
            json!({"a.b.c": 1}),
            json!({"A": {"B": {"C": 1}}}),
            json!({"a": [{"b": [{"c": 1}]}]}),
        ];
        for value in values {
            assert_eq!(get(&value, "a.b.c"), Some(&json!(1)), "{value}");
        }
        assert_eq!(get(&json!({"a": null}), "a"), None);
        assert_eq!(get(&json!({"a": 1}), "a.b"), None);
    }
}
