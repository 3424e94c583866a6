//! Templates that deploy rules: ARM in JSON, and Bicep, of which only resources of scheduled rules are read.

use ruleatlas_model::{Diagnostic, Kind, Severity, Span, Vendor};
use serde_json::{Map, Value};

use super::{File, comments, inferred_tags, no_rule, rule::distinct};
use crate::{Draft, Outcome, attack::TagPlace, metadata};

/// Deeper parts of a template are not looked into.
const DEPTH_LIMIT: u32 = 64;

/// What a template says of one rule.
#[derive(Default)]
struct Resource {
    id: Option<String>,
    is_hunt: bool,
    line: u32,
    properties: Map<String, Value>,
}

pub(super) fn read_json(file: File<'_>, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    if !file.text.contains("\"query\"") {
        return no_rule("no query in it");
    }
    let document: Value = match serde_json::from_str(file.text) {
        Ok(document) => document,
        Err(error) => return Outcome::Unreadable(error.to_string(), u32::try_from(error.line()).ok()),
    };
    let mut found = Vec::new();
    resources(&document, 0, &mut found);
    hand_over(file, found, sink)
}

/// The resources of rules: `alertRules`, its templates, and saved searches that are hunts.
fn resources(value: &Value, depth: u32, found: &mut Vec<Resource>) {
    if depth > DEPTH_LIMIT {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| resources(item, depth + 1, found)),
        Value::Object(object) => {
            let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
            let kind = text("type").to_ascii_lowercase();
            let properties = object.get("properties").and_then(Value::as_object);
            let has_query = |table: &&Map<String, Value>| table.get("query").is_some_and(Value::is_string);
            let is_rule = kind.contains("alertrule");
            match properties.filter(has_query) {
                Some(properties) if is_rule || kind.contains("savedsearches") => {
                    let id = [text("name"), text("id")].into_iter().find_map(guid);
                    found.push(Resource { id, is_hunt: !is_rule, line: 1, properties: properties.clone() });
                }
                _ => object.values().for_each(|value| resources(value, depth + 1, found)),
            }
        }
        _ => {}
    }
}

/// The GUID in a name, which may be an expression around it.
fn guid(name: &str) -> Option<String> {
    let is_guid = |part: &&str| {
        part.len() == 36
            && part.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
    };
    name.split(|character: char| !character.is_ascii_alphanumeric() && character != '-')
        .find(is_guid)
        .map(str::to_owned)
}

pub(super) fn read_bicep(file: File<'_>, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    let defaults = defaults(file.text);
    let mut found: Vec<Resource> = Vec::new();
    let mut offset = 0;
    let mut lines = file.text.split_inclusive('\n');
    // The properties that stand directly in a resource of a rule, one a line; a list goes on to its bracket.
    let mut is_rule = false;
    while let Some(line) = lines.next() {
        let start = offset;
        offset += line.len();
        let words = line.trim();
        if words.starts_with("resource ") {
            is_rule = words.to_ascii_lowercase().contains("/alertrules@");
            if is_rule {
                let line = Span::new(start, start).line(file.text);
                found.push(Resource { line, ..Resource::default() });
            }
            continue;
        }
        let (Some(resource), Some((key, value))) = (found.last_mut().filter(|_| is_rule), words.split_once(':')) else {
            continue;
        };
        let key = key.trim();
        if !["displayName", "description", "severity", "query", "tactics", "techniques"].contains(&key) {
            continue;
        }
        let value = value.trim_start();
        let value_at = start + line.find(value).unwrap_or_default();
        let rest = file.text.get(value_at..).unwrap_or_default();
        let value = if let Some(list) = rest.strip_prefix('[') {
            let end = list.find(']').unwrap_or(list.len());
            let items = list.get(..end).unwrap_or_default().split(['\n', ',']);
            items.filter_map(|item| literal(item.trim(), &defaults)).map(|(text, _)| Value::from(text)).collect()
        } else if let Some((text, length)) = literal(rest, &defaults) {
            // A text over several lines: what follows it is next.
            while offset < value_at + length {
                let Some(line) = lines.next() else { break };
                offset += line.len();
            }
            Value::from(text)
        } else {
            let default = defaults.iter().find(|(name, _)| name == value.trim()).map(|(_, value)| value.clone());
            default.map_or(Value::Null, Value::from)
        };
        resource.properties.entry(key.to_owned()).or_insert(value);
    }
    found.retain(|resource| resource.properties.get("query").is_some_and(Value::is_string));
    hand_over(file, found, sink)
}

/// The parameters that have a value of their own.
fn defaults(text: &str) -> Vec<(String, String)> {
    let parameter = |line: &str| {
        let (head, value) = line.trim().strip_prefix("param ")?.split_once('=')?;
        let value = value.trim();
        let value = literal(value, &[]).map_or_else(|| value.to_owned(), |(text, _)| text);
        Some((head.split_whitespace().next()?.to_owned(), value))
    };
    text.lines().filter_map(parameter).collect()
}

/// A text literal at the head of `text`, with its length as written. A parameter in it stands for its value, where it has one.
fn literal(text: &str, defaults: &[(String, String)]) -> Option<(String, usize)> {
    if let Some(rest) = text.strip_prefix("'''") {
        let end = rest.find("'''")?;
        return Some((rest.get(..end)?.trim_start_matches(['\r', '\n']).to_owned(), end + 6));
    }
    let rest = text.strip_prefix('\'')?;
    let mut read = String::new();
    let mut characters = rest.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\'' => return Some((read, at + 2)),
            '\n' => return None,
            '\\' => match characters.next()?.1 {
                'n' => read.push('\n'),
                'r' => read.push('\r'),
                't' => read.push('\t'),
                other => read.push(other),
            },
            '$' if rest.get(at + 1..).is_some_and(|rest| rest.starts_with('{')) => {
                let inside = rest.get(at + 2..)?;
                let end = inside.find('}')?;
                let name = inside.get(..end)?;
                match defaults.iter().find(|(known, _)| known == name.trim()) {
                    Some((_, value)) => read.push_str(value),
                    None => read.push_str(rest.get(at..at + end + 3)?),
                }
                while characters.next().is_some_and(|(_, character)| character != '}') {}
            }
            other => read.push(other),
        }
    }
    None
}

fn hand_over(file: File<'_>, found: Vec<Resource>, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    if found.is_empty() {
        return no_rule("a template without a scheduled rule");
    }
    let several = found.len() > 1;
    for (place, resource) in found.into_iter().enumerate() {
        let Resource { id, is_hunt, line, mut properties } = resource;
        let mut rule = file.blank(if is_hunt { Kind::Hunting } else { Kind::Rule });
        let mut text = |key: &str| match properties.remove(key) {
            Some(Value::String(text)) => text.trim().to_owned(),
            _ => String::new(),
        };
        rule.line = line;
        rule.query = text("query");
        rule.title = text("displayName");
        rule.description = text("description");
        let severity = text("severity");
        if !severity.is_empty() {
            match severity.to_lowercase().parse::<Severity>() {
                Ok(severity) => rule.severity = Some(severity),
                Err(message) => {
                    let message = format!("`severity`: {message}");
                    rule.diagnostics.push(Diagnostic::warning("unknown word", message).on_line(line));
                }
            }
        }
        rule.id = match &id {
            Some(id) => format!("{}/{id}", Vendor::Kusto),
            None if several => format!("{}#{place}", file.id()),
            None => file.id(),
        };
        if id.is_none() {
            let message = "the template computes the rule's id; its path stands for it";
            rule.diagnostics.push(Diagnostic::note("id from path", message).on_line(line));
        }
        let mut tags = Vec::new();
        for key in ["tactics", "techniques", "subTechniques"] {
            let place = if key == "tactics" { TagPlace::Tactic } else { TagPlace::Technique };
            let named = properties.get(key).map(|value| metadata::attack_tags_of_json(value, place, line));
            for tag in named.into_iter().flatten() {
                rule.tags.push(tag.text.clone());
                tags.push(tag);
            }
        }
        tags.extend(inferred_tags(&rule.description, line));
        tags.extend(inferred_tags(&comments(&rule.query), line));
        properties.retain(|key, value| !matches!(key.as_str(), "tactics" | "techniques") && !value.is_null());
        rule.extra = properties.into_iter().collect();
        if rule.title.is_empty() {
            file.stem().clone_into(&mut rule.title);
        }
        sink(Draft { rule, tags: distinct(tags), tree: None, sources: Vec::new() });
    }
    Outcome::Rules
}
