//! Bicep, of which only resources of scheduled rules are read.

use std::{borrow::Cow, cell::Cell};

use ruleatlas_core::Context;
use ruleatlas_yaml::{Node, Style, Value};
use rustc_hash::FxHashMap;

use super::{
    File, elsewhere, no_rule,
    object::{self, Object},
};
use crate::{Draft, Outcome, files::sibling_path, tree};

/// What a resource says of one rule, in the order of the file.
struct Resource {
    line: u32,
    properties: Vec<(String, Node<'static>)>,
    /// The expression that stands where the query should.
    elsewhere: Option<String>,
}

/// How many parameters and variables are followed, and how long the text of one may be, in bytes.
const MAX_DEFAULTS: usize = 1_000;
const MAX_TEXT: usize = 256 << 10;
/// How long a list of names may be, in bytes.
const MAX_LIST: usize = 16 << 10;
/// Bytes that the values of parameters may come to, put in the places that name them.
const MAX_FILLED: usize = 16 << 20;

/// The properties of a rule that are read.
const PROPERTIES: [&str; 8] =
    ["displayName", "description", "severity", "query", "tactics", "techniques", "subTechniques", "enabled"];
/// What statements at the top of a file begin with.
const STATEMENTS: [&str; 10] =
    ["resource ", "param ", "var ", "module ", "output ", "targetScope", "metadata ", "type ", "func ", "@"];

pub(super) fn read(file: File<'_>, context: &dyn Context, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    let defaults = Defaults::among(file.text);
    let mut found: Vec<Resource> = Vec::new();
    let mut reader = Reader { text: file.text, at: 0, line: 1 };
    while !reader.rest().is_empty() {
        let line = reader.rest().lines().next().unwrap_or_default();
        let is_rule = line.starts_with("resource ") && line.to_ascii_lowercase().contains("/alertrules@");
        let number = reader.line;
        let keyword = STATEMENTS.iter().find(|words| line.starts_with(**words));
        reader.pass(keyword.map_or(0, |words| words.len()));
        let mut resource = Resource { line: number, properties: Vec::new(), elsewhere: None };
        reader.statement(&defaults, is_rule.then_some(&mut resource));
        if let Some(written) = &resource.elsewhere
            && let Some(text) = elsewhere::path(written).and_then(|path| context.module(&sibling_path(file.path, path)))
        {
            resource.properties.retain(|(key, _)| key != "query");
            resource.properties.push(("query".to_owned(), tree::text_node(text.to_owned(), number)));
            resource.elsewhere = None;
        }
        if is_rule {
            found.push(resource);
        }
    }
    hand_over(file, found, sink)
}

/// A place in the text.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// The one-based line.
    line: u32,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn pass(&mut self, bytes: usize) {
        let passed = self.rest().as_bytes().get(..bytes).unwrap_or_default();
        let lines = passed.iter().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.at += bytes;
    }

    /// Reads to the next statement at the top, and takes along the properties with these names: each the first time, in
    /// whichever object of the resource it stands, a line each or several on one.
    fn statement(&mut self, defaults: &Defaults, mut resource: Option<&mut Resource>) {
        loop {
            let rest = self.rest();
            let Some(first) = rest.chars().next() else { return };
            let is_line_start = self.text.as_bytes().get(self.at.wrapping_sub(1)) == Some(&b'\n');
            if is_line_start && STATEMENTS.iter().any(|words| rest.starts_with(words)) {
                return;
            }
            if rest.starts_with("//") {
                self.pass(rest.find('\n').unwrap_or(rest.len()));
            } else if rest.starts_with("/*") {
                self.pass(rest.find("*/").map_or(rest.len(), |end| end + 2));
            } else if first == '\'' {
                self.pass(quoted_length(rest));
            } else if first.is_ascii_alphabetic() || first == '_' {
                let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
                let end = rest.find(|character: char| !is_word(character)).unwrap_or(rest.len());
                let word = rest.get(..end).unwrap_or_default();
                self.pass(end);
                let Some(value) = self.rest().trim_start_matches([' ', '\t']).strip_prefix(':') else { continue };
                let is_new = |resource: &&mut Resource| resource.properties.iter().all(|(key, _)| key != word);
                let wanted = resource.as_deref_mut().filter(is_new);
                if let Some(resource) = wanted.filter(|_| PROPERTIES.contains(&word)) {
                    let value = value.trim_start_matches([' ', '\t']);
                    self.pass(self.rest().len() - value.len());
                    let node = self.value(defaults);
                    if word == "query" && node.text().is_some_and(str::is_empty) {
                        resource.elsewhere = Some(value.lines().next().unwrap_or_default().trim().to_owned());
                    }
                    resource.properties.push((word.to_owned(), node));
                }
            } else {
                self.pass(first.len_utf8());
            }
        }
    }

    /// The value of a property; what is passed over is a text or the head of a list.
    fn value(&mut self, defaults: &Defaults) -> Node<'static> {
        let (rest, line) = (self.rest(), self.line);
        if let Some(list) = rest.strip_prefix('[') {
            // A list without its bracket is not looked for to the end of the file, once a line.
            let list = list.get(..list.floor_char_boundary(MAX_LIST)).unwrap_or_default();
            let end = list.find(']').unwrap_or(list.len());
            let items = list.get(..end).unwrap_or_default().split(['\n', ',']);
            let items = items.filter_map(|item| literal(item.trim(), defaults));
            return tree::node(Value::Sequence(items.map(|(item, _)| tree::text_node(item, line)).collect()), line);
        }
        if let Some((literal, length)) = literal(rest, defaults) {
            self.pass(length);
            return tree::text_node(literal, line);
        }
        let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let name = rest.get(..rest.find(|character: char| !is_word(character)).unwrap_or(rest.len()));
        let default = name.and_then(|name| defaults.of(name)).map(str::to_owned);
        let nothing = || tree::node(Value::Scalar(Cow::Borrowed(""), Style::Plain), line);
        default.map_or_else(nothing, |text| tree::text_node(text, line))
    }
}

/// How long the quoted text at the head of a text is; a text that is not closed ends with its line.
fn quoted_length(text: &str) -> usize {
    if let Some(rest) = text.strip_prefix("'''") {
        return rest.find("'''").map_or(text.len(), |end| end + 6);
    }
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'\n' => return at,
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'\'' => return at + 1,
            _ => {}
        }
    }
    text.len()
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
        let node = tree::node(Value::Mapping(resource.properties.into_iter().map(entry).collect()), resource.line);
        (node, resource.elsewhere)
    };
    let nodes: Vec<(Node<'static>, Option<String>)> = found.into_iter().map(resource).collect();
    let rules: Vec<Object<'_, '_>> = nodes
        .iter()
        .map(|(node, elsewhere)| (Object::resource(node, false, None), elsewhere))
        .filter(|(object, elsewhere)| object.query().is_some() || elsewhere.is_some())
        .map(|(object, elsewhere)| object.with_query_elsewhere(elsewhere.clone()))
        .collect();
    for (place, object) in rules.iter().enumerate() {
        object::draft(file, object, (place, rules.len()), Vec::new(), sink);
    }
    if rules.is_empty() { no_rule("a template without a scheduled rule") } else { Outcome::Rules }
}
