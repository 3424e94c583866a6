//! Bicep, of which only resources of scheduled rules are read.

use std::{borrow::Cow, cell::Cell};

use ruleatlas_yaml::{Node, Style, Value};
use rustc_hash::FxHashMap;

use super::{
    File, no_rule,
    object::{self, Object},
};
use crate::{Draft, Outcome, tree};

/// What a resource says of one rule, in the order of the file.
struct Resource {
    line: u32,
    properties: Vec<(String, Node<'static>)>,
}

/// How many parameters and variables are followed, and how long the text of one may be, in bytes.
const MAX_DEFAULTS: usize = 1_000;
const MAX_TEXT: usize = 256 << 10;
/// How long a list of names may be, in bytes.
const MAX_LIST: usize = 16 << 10;
/// Bytes that the values of parameters may come to, put in the places that name them.
const MAX_FILLED: usize = 16 << 20;

pub(super) fn read(file: File<'_>, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    let defaults = Defaults::among(file.text);
    let mut found: Vec<Resource> = Vec::new();
    let mut offset = 0;
    let mut line_number = 0_u32;
    let mut lines = file.text.split_inclusive('\n');
    // The properties that stand directly in a resource of a rule, one a line; a list goes on to its bracket.
    let mut is_rule = false;
    while let Some(line) = lines.next() {
        let start = offset;
        offset += line.len();
        line_number = line_number.saturating_add(1);
        let words = line.trim();
        if words.starts_with("resource ") {
            is_rule = words.to_ascii_lowercase().contains("/alertrules@");
            if is_rule {
                found.push(Resource { line: line_number, properties: Vec::new() });
            }
            continue;
        }
        let (Some(resource), Some((key, value))) = (found.last_mut().filter(|_| is_rule), words.split_once(':')) else {
            continue;
        };
        let key = key.trim();
        if !["displayName", "description", "severity", "query", "tactics", "techniques", "subTechniques", "enabled"]
            .contains(&key)
        {
            continue;
        }
        let key_line = line_number;
        let text = |text: String| tree::text_node(text, key_line);
        let value = value.trim_start();
        let value_at = start + line.find(value).unwrap_or_default();
        let rest = file.text.get(value_at..).unwrap_or_default();
        let value = if let Some(list) = rest.strip_prefix('[') {
            // A list without its bracket is not looked for to the end of the file, once a line.
            let list = list.get(..list.floor_char_boundary(MAX_LIST)).unwrap_or_default();
            let end = list.find(']').unwrap_or(list.len());
            let items = list.get(..end).unwrap_or_default().split(['\n', ',']);
            let items = items.filter_map(|item| literal(item.trim(), &defaults)).map(|(item, _)| text(item));
            tree::node(Value::Sequence(items.collect()), key_line)
        } else if let Some((literal, length)) = literal(rest, &defaults) {
            // A text over several lines: what follows it is next.
            while offset < value_at + length {
                let Some(line) = lines.next() else { break };
                offset += line.len();
                line_number = line_number.saturating_add(1);
            }
            text(literal)
        } else {
            let default = defaults.of(value.trim()).map(str::to_owned);
            default.map_or_else(|| tree::node(Value::Scalar(Cow::Borrowed(""), Style::Plain), key_line), text)
        };
        if !resource.properties.iter().any(|(known, _)| known == key) {
            resource.properties.push((key.to_owned(), value));
        }
    }
    hand_over(file, found, sink)
}

/// The parameters and variables that have a value of their own, the first of each name. A later one may name an earlier.
struct Defaults {
    by_name: FxHashMap<String, String>,
    /// Bytes that may still be put in the place of names.
    left: Cell<usize>,
}

impl Defaults {
    fn among(text: &str) -> Self {
        let mut defaults = Self { by_name: FxHashMap::default(), left: Cell::new(MAX_FILLED) };
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            let start = offset;
            offset += line.len();
            let words = line.trim();
            let Some((head, value)) = words
                .strip_prefix("param ")
                .or_else(|| words.strip_prefix("var "))
                .and_then(|rest| rest.split_once('='))
            else {
                continue;
            };
            let Some(name) = head.split_whitespace().next().filter(|_| defaults.by_name.len() < MAX_DEFAULTS) else {
                continue;
            };
            // A text may go on over several lines; in those no statement begins with these words.
            let at = start + line.find('=').map_or(0, |at| at + 1);
            let rest = text.get(at..).unwrap_or_default().trim_start_matches([' ', '\t']);
            let rest = rest.get(..rest.floor_char_boundary(MAX_TEXT)).unwrap_or_default();
            let value = value.trim();
            let value = literal(rest, &defaults)
                .map(|(text, _)| text)
                .or_else(|| defaults.of(value).map(str::to_owned))
                .unwrap_or_else(|| value.to_owned());
            defaults.by_name.entry(name.to_owned()).or_insert(value);
        }
        defaults
    }

    /// The value of a name; `None` too where values are put in the place of names too often, so that the name stays as
    /// written.
    fn of(&self, name: &str) -> Option<&str> {
        let value = self.by_name.get(name)?;
        let left = self.left.get().checked_sub(value.len());
        self.left.set(left.unwrap_or_default());
        left.map(|_| value.as_str())
    }
}

/// A text literal at the head of `text`, with its length as written. A parameter in it stands for its value, where it has one.
fn literal(text: &str, defaults: &Defaults) -> Option<(String, usize)> {
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
                // A name ends on its line: the rest of the file is not searched.
                let inside = rest.get(at + 2..)?.lines().next()?;
                let end = inside.find('}')?;
                let name = inside.get(..end)?;
                match defaults.of(name.trim()) {
                    Some(value) if read.len() + value.len() <= MAX_TEXT => read.push_str(value),
                    Some(_) => return None,
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
    let resource = |resource: Resource| {
        let entry = |(key, value)| (tree::text_node(key, resource.line), value);
        tree::node(Value::Mapping(resource.properties.into_iter().map(entry).collect()), resource.line)
    };
    let nodes: Vec<Node<'static>> = found.into_iter().map(resource).collect();
    let rules: Vec<Object<'_, '_>> = nodes
        .iter()
        .map(|node| Object::resource(node, false, None))
        .filter(|object| object.query().is_some())
        .collect();
    for (place, object) in rules.iter().enumerate() {
        object::draft(file, object, (place, rules.len()), Vec::new(), sink);
    }
    if rules.is_empty() { no_rule("a template without a scheduled rule") } else { Outcome::Rules }
}
