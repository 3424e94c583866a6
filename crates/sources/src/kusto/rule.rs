//! A YAML file with rules: `query` or `queryText`, and what Sentinel or Defender show beside it.

use ruleatlas_yaml::Node;

use super::{
    File, no_rule,
    object::{self, Object, is_piped},
    query,
};
use crate::{Draft, Outcome, metadata};

/// Whether a file without an ending is a rule that lost it.
pub(super) fn looks_like_one(text: &str) -> bool {
    let has =
        |key: &str| text.lines().any(|line| line.get(..key.len()).is_some_and(|head| head.eq_ignore_ascii_case(key)));
    (has("query:") || has("querytext:")) && (has("name:") || has("id:") || has("displayname:"))
}

pub(super) fn read(file: File<'_>, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    let parsed = match ruleatlas_yaml::parse(file.text) {
        Ok(parsed) => parsed,
        // A query under the wrong ending.
        Err(_) if is_raw_query(file) => return query::read(file, sink),
        Err(error) => return Outcome::Unreadable(error.message, Some(error.line)),
    };
    let mut warnings = metadata::warnings(&parsed);
    let mut found: Vec<Object<'_, '_>> = Vec::new();
    for document in &parsed.documents {
        match object::document(document) {
            Some(object) => found.push(object),
            None => found.extend(object::rules(file, document)),
        }
    }
    let count = found.len();
    for (place, object) in found.iter().enumerate() {
        object::draft(file, object, (place, count), std::mem::take(&mut warnings), sink);
    }
    match count {
        0 if parsed.documents.iter().all(|document| document.entries().is_none()) && is_raw_query(file) => {
            query::read(file, sink)
        }
        0 if parsed.documents.iter().any(|document| object::get(document, "functionquery").is_some()) => {
            no_rule("a parser, no detection")
        }
        0 if parsed.documents.iter().any(has_empty_query) => no_rule("its query is empty"),
        0 => no_rule("no query in it"),
        _ => Outcome::Rules,
    }
}

fn has_empty_query(document: &Node<'_>) -> bool {
    object::get(document, "query").is_some()
}

/// Whether the file is a query and no YAML: a line begins with a pipe, and it is read as a query.
fn is_raw_query(file: File<'_>) -> bool {
    file.text.lines().any(|line| line.trim_start().starts_with('|')) && is_piped(file, file.text)
}
