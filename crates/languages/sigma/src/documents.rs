use std::{collections::HashMap, fmt};

use ruleatlas_yaml::{Node as Yaml, Value};

/// Values that merging may copy in all.
const MAX_COPIED: usize = 1_000_000;

/// Merging the documents of a file would copy its global part too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "merging the file's global part into its documents unfolds to more than {MAX_COPIED} values")
    }
}

impl std::error::Error for TooLarge {}

/// The rules of a file of several documents, with `action: global` merged into the ones behind it.
///
/// Version 1 of the specification had it: a document with `action: global` is no rule, but is put under every later
/// one (mappings are merged, the later value wins); `action: reset` forgets it; `action: repeat` is the rule before
/// with what the document changes. Documents without an action, in a file without global ones, come back untouched.
///
/// # Errors
/// The merged documents would hold more than a million values.
pub fn merge_actions(documents: Vec<Yaml<'_>>) -> Result<Vec<Yaml<'_>>, TooLarge> {
    if documents.iter().all(|document| document.get("action").is_none()) {
        return Ok(documents);
    }
    let mut rules: Vec<Yaml<'_>> = Vec::with_capacity(documents.len());
    let mut global: Option<Yaml<'_>> = None;
    let mut previous: Option<Yaml<'_>> = None;
    let mut left = MAX_COPIED;
    for document in documents {
        let action = document.text_of("action").unwrap_or_default().to_owned();
        let document = without_action(document);
        match action.as_str() {
            "global" => {
                global = Some(match global {
                    Some(global) => merged(global, document),
                    None => document,
                });
                continue;
            }
            "reset" => {
                global = None;
                continue;
            }
            _ => {}
        }
        let under = if action == "repeat" { &previous } else { &global };
        let rule = match under {
            None => document,
            Some(under) => {
                left = left.checked_sub(size(under)).ok_or(TooLarge)?;
                let (start, end, line) = (document.start, document.end, document.line);
                Yaml { start, end, line, ..merged(under.clone(), document) }
            }
        };
        left = left.checked_sub(size(&rule)).ok_or(TooLarge)?;
        previous = Some(rule.clone());
        rules.push(rule);
    }
    Ok(rules)
}

fn without_action(mut document: Yaml<'_>) -> Yaml<'_> {
    if let Value::Mapping(entries) = &mut document.value {
        entries.retain(|(key, _)| key.text() != Some("action"));
    }
    document
}

fn merged<'a>(under: Yaml<'a>, over: Yaml<'a>) -> Yaml<'a> {
    let Yaml { value, start, end, line } = over;
    match (under.value, value) {
        (Value::Mapping(mut entries), Value::Mapping(changes)) => {
            let mut places: HashMap<String, usize> = HashMap::with_capacity(entries.len());
            for (at, (key, _)) in entries.iter().enumerate() {
                places.insert(key.text().unwrap_or_default().to_owned(), at);
            }
            for (key, value) in changes {
                match places.get(key.text().unwrap_or_default()).and_then(|at| entries.get_mut(*at)) {
                    Some(entry) => {
                        let empty = Yaml { value: Value::Sequence(Vec::new()), start, end, line };
                        let under = std::mem::replace(&mut entry.1, empty);
                        *entry = (key, merged(under, value));
                    }
                    None => entries.push((key, value)),
                }
            }
            Yaml { value: Value::Mapping(entries), start, end, line }
        }
        (_, value) => Yaml { value, start, end, line },
    }
}

fn size(node: &Yaml<'_>) -> usize {
    match &node.value {
        Value::Scalar(..) => 1,
        Value::Sequence(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Mapping(entries) => 1 + entries.iter().map(|(key, value)| size(key) + size(value)).sum::<usize>(),
    }
}
