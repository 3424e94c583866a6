//! Sigma rules in JSON.

use ruleatlas_yaml::{Node, Value};

use super::kind_of;
use crate::tree;

/// Rules lie no deeper in what APIs answer.
const DEPTH_LIMIT: u32 = 4;

/// What a text holds, up to what is no JSON.
pub(super) struct Read<'a> {
    pub documents: Vec<Node<'a>>,
    /// The one-based line from which the text cannot be read, and why.
    pub fault: Option<(u32, String)>,
}

/// The JSON documents of a text: one, or one a line.
pub(super) fn documents(text: &str) -> Read<'_> {
    // JSON is YAML but for some escapes, and YAML's tree knows where everything stands.
    if let Ok(parsed) = ruleatlas_yaml::parse(text) {
        return Read { documents: parsed.documents, fault: None };
    }
    let whole: Result<serde_json::Value, _> = serde_json::from_str(text);
    let error = match whole {
        Ok(document) => return Read { documents: vec![tree::of_json(document, 1)], fault: None },
        Err(error) => error,
    };
    let mut read = Read { documents: Vec::new(), fault: None };
    let mut offset = 0;
    for (number, line) in (0_u32..).zip(text.split_inclusive('\n')) {
        let start = offset;
        offset += line.len();
        if line.trim().is_empty() {
            continue;
        }
        if let Ok(parsed) = ruleatlas_yaml::parse(line)
            && line.trim_start().starts_with(['{', '['])
        {
            read.documents.extend(parsed.documents.into_iter().map(|mut document| {
                tree::shift(&mut document, start, number);
                document
            }));
            continue;
        }
        match serde_json::from_str(line) {
            Ok(document) => read.documents.push(tree::of_json(document, number.saturating_add(1))),
            Err(own) => {
                // A text that is no list of lines at all has its fault where the whole breaks off.
                let fault = match read.documents.is_empty() {
                    true => (u32::try_from(error.line()).unwrap_or(u32::MAX), error.to_string()),
                    false => (number.saturating_add(1), own.to_string()),
                };
                read.fault = Some(fault);
                break;
            }
        }
    }
    read
}

/// The rules in a document: it, the members of a list, or of a list under a key.
pub(super) fn rules<'n, 'a>(node: &'n Node<'a>, depth: u32, found: &mut Vec<&'n Node<'a>>) {
    if depth > DEPTH_LIMIT {
        return;
    }
    match &node.value {
        Value::Scalar(..) => {}
        Value::Sequence(items) => items.iter().for_each(|item| rules(item, depth + 1, found)),
        Value::Mapping(_) if is_rule(node) => found.push(node),
        Value::Mapping(entries) => entries.iter().for_each(|(_, value)| rules(value, depth + 1, found)),
    }
}

/// [`rules`] for one who keeps them.
pub(super) fn take_rules<'a>(node: Node<'a>, depth: u32, found: &mut Vec<Node<'a>>) {
    if depth > DEPTH_LIMIT {
        return;
    }
    let is_rule = is_rule(&node);
    match node.value {
        Value::Scalar(..) => {}
        Value::Sequence(items) => items.into_iter().for_each(|item| take_rules(item, depth + 1, found)),
        Value::Mapping(_) if is_rule => found.push(node),
        Value::Mapping(entries) => entries.into_iter().for_each(|(_, value)| take_rules(value, depth + 1, found)),
    }
}

/// Whether an object is a rule: JSON holds much else that has a title.
fn is_rule(node: &Node<'_>) -> bool {
    let has_body = kind_of(node).and_then(|(key, _)| node.get(key)).is_some_and(|body| body.entries().is_some());
    has_body && ["title", "id", "name", "logsource"].iter().any(|key| node.get(key).is_some())
}
