//! Reading of metadata that the YAML formats share.

use std::str::FromStr;

use ruleatlas_model::{Diagnostic, Extra};
use ruleatlas_yaml::{Node, Parsed, Value, Warning};
use serde::{Serialize, Serializer};

use crate::{RawTag, attack::TagPlace};

/// What is odd in a file's YAML, each with its line.
pub(crate) fn warnings(parsed: &Parsed<'_>) -> Vec<Diagnostic> {
    let said = |warning: &Warning| {
        Diagnostic::warning(Diagnostic::DUPLICATE_KEY, warning.message.clone()).on_line(warning.line)
    };
    parsed.warnings.iter().map(said).collect()
}

/// The trimmed texts of the list under a key.
pub(crate) fn texts(document: &Node<'_>, key: &str) -> Vec<String> {
    document.texts_of(key).into_iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

/// Every tag under a node, however its lists nest: an object of a technique gives its id, another mapping its entries
/// (`TA0003: T1098`). The tree's own depth limit bounds this.
pub(crate) fn attack_tags(node: &Node<'_>, place: TagPlace) -> Vec<RawTag> {
    let mut tags = Vec::new();
    add_tags(node, place, &mut tags);
    tags
}

fn add_tags(node: &Node<'_>, place: TagPlace, tags: &mut Vec<RawTag>) {
    match &node.value {
        Value::Scalar(text, _) if !node.is_null() => tags.push(RawTag::new(text.as_ref(), place, node.line)),
        Value::Scalar(..) => {}
        Value::Sequence(items) => items.iter().for_each(|item| add_tags(item, place, tags)),
        Value::Mapping(entries) => {
            let ids: Vec<&Node<'_>> =
                entries.iter().filter(|(key, _)| key.text().is_some_and(is_id_key)).map(|(_, value)| value).collect();
            if !ids.is_empty() {
                return ids.into_iter().for_each(|value| add_tags(value, place, tags));
            }
            for (key, value) in entries {
                let name = key.text().unwrap_or_default();
                match value.text_or_null() {
                    Some(text) => tags.push(RawTag::new(format!("{name}: {text}"), place, key.line)),
                    None => {
                        tags.push(RawTag::new(name, place, key.line));
                        add_tags(value, place, tags);
                    }
                }
            }
        }
    }
}

/// Whether an entry of an object that stands for a technique holds its id.
fn is_id_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace(['_', '-'], "");
    matches!(key.as_str(), "id" | "technique" | "techniques" | "tactic" | "tactics")
        || ["techniqueid", "tacticid", "externalid", "attackid", "mitreid"].iter().any(|name| key.ends_with(name))
}

/// A word of a closed list; any other is a diagnostic.
pub(crate) fn word<T: FromStr<Err = String>>(
    document: &Node<'_>,
    key: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<T> {
    let node = document.get(key)?;
    match node.text_or_null()?.trim().to_lowercase().parse() {
        Ok(word) => Some(word),
        Err(message) => {
            diagnostics.push(Diagnostic::warning("unknown word", format!("`{key}`: {message}")).on_line(node.line));
            None
        }
    }
}

/// The people that an author line credits: separated by commas outside parentheses, `and` or `&`.
pub(crate) fn people(line: &str) -> Vec<String> {
    let mut people = vec![String::new()];
    let mut depth = 0_u32;
    for character in line.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match people.last_mut() {
            Some(last) if depth > 0 || !matches!(character, ',' | ';') => last.push(character),
            _ => people.push(String::new()),
        }
    }
    people.into_iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// A date as `YYYY-MM-DD`, from that or `YYYY/MM/DD`.
pub(crate) fn date(text: &str) -> Option<String> {
    let date = text.trim().get(..10)?.replace('/', "-");
    let well_formed = date.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    well_formed.then_some(date)
}

/// What a mapping holds besides the known keys, as JSON.
pub(crate) fn rest(document: &Node<'_>, known: &[&str]) -> Extra {
    let entries = document.entries().unwrap_or_default();
    entries
        .iter()
        .filter_map(|(key, value)| Some((key.text()?, value)))
        .filter(|(key, _)| !known.contains(key))
        .map(|(key, value)| (key, Json(value)))
        .collect()
}

/// A YAML tree as JSON, scalars as their text. The tree's own depth limit bounds this.
pub(crate) struct Json<'n>(pub &'n Node<'n>);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.value {
            Value::Scalar(..) if self.0.is_null() => serializer.serialize_unit(),
            Value::Scalar(text, _) => serializer.serialize_str(text),
            Value::Sequence(items) => serializer.collect_seq(items.iter().map(Json)),
            Value::Mapping(entries) => {
                serializer.collect_map(entries.iter().map(|(key, value)| (key.text().unwrap_or_default(), Json(value))))
            }
        }
    }
}
