//! Trees of what is not YAML, in the form that YAML is read in.

use std::borrow::Cow;

use ruleatlas_yaml::{Node, Style, Value};
use serde_json::Value as Json;

/// A JSON document as a tree whose nodes have no place but a line. JSON's own depth limit bounds this.
pub(crate) fn of_json(value: Json, line: u32) -> Node<'static> {
    let scalar = |text: String, style| Value::Scalar(Cow::Owned(text), style);
    let value = match value {
        Json::Null => scalar(String::new(), Style::Plain),
        Json::Bool(truth) => scalar(truth.to_string(), Style::Plain),
        Json::Number(number) => scalar(number.to_string(), Style::Plain),
        Json::String(text) => scalar(text, Style::Quoted),
        Json::Array(items) => Value::Sequence(items.into_iter().map(|item| of_json(item, line)).collect()),
        Json::Object(entries) => {
            let entry = |(key, value): (String, Json)| (of_json(Json::String(key), line), of_json(value, line));
            Value::Mapping(entries.into_iter().map(entry).collect())
        }
    };
    node(value, line)
}

pub(crate) fn node(value: Value<'_>, line: u32) -> Node<'_> {
    Node { value, start: 0, end: 0, line }
}

pub(crate) fn text_node(text: String, line: u32) -> Node<'static> {
    node(Value::Scalar(Cow::Owned(text), Style::Quoted), line)
}

/// A tree of a part of a text, with its places in the whole. The tree's own depth limit bounds this.
pub(crate) fn shift(node: &mut Node<'_>, offset: usize, lines: u32) {
    node.start = node.start.saturating_add(offset);
    node.end = node.end.saturating_add(offset);
    node.line = node.line.saturating_add(lines);
    match &mut node.value {
        Value::Scalar(..) => {}
        Value::Sequence(items) => items.iter_mut().for_each(|item| shift(item, offset, lines)),
        Value::Mapping(entries) => entries.iter_mut().for_each(|(key, value)| {
            shift(key, offset, lines);
            shift(value, offset, lines);
        }),
    }
}
