use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use granit_parser::{Event, Parser, ScalarStyle};

use crate::{Node, Style, Value};

/// Nodes one file may unfold to, aliases included: what a file of rules never reaches and an alias bomb does.
const MAX_NODES: usize = 2_000_000;
/// Bytes of text that weigh as much as a node, where text is copied.
const BYTES_PER_NODE: usize = 64;
/// How many keys are compared with each other rather than hashed.
const MAX_KEYS_TO_COMPARE: usize = 24;
/// How deep lists and mappings may nest.
const MAX_DEPTH: usize = 128;

/// Why a text is no YAML that we take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line})")]
pub struct Error {
    /// What is wrong.
    pub message: String,
    /// The one-based line.
    pub line: u32,
    /// Whether it is a quoted scalar that goes on at the first column; see [`crate::parse_lenient`].
    pub(crate) unindented_scalar: bool,
}

/// Something odd that was understood all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What is odd.
    pub message: String,
    /// The one-based line.
    pub line: u32,
}

/// The documents of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// One tree a document, empty documents left out.
    pub documents: Vec<Node<'a>>,
    /// What is odd.
    pub warnings: Vec<Warning>,
}

/// Reads all documents of `text`.
///
/// A byte-order mark is passed over. A key that stands twice keeps its last value, with a warning.
///
/// # Errors
/// The text is no YAML, nests deeper than 128 levels, or unfolds to more than two million nodes.
pub fn parse(text: &str) -> Result<Parsed<'_>, Error> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder {
        base: text.len() - body.len(),
        source: body,
        events: Parser::new_from_str(body),
        anchors: HashMap::new(),
        items: Vec::new(),
        entries: Vec::new(),
        nodes: 0,
        parsed: Parsed::default(),
    };
    builder.stream()?;
    Ok(builder.parsed)
}

struct Builder<'a> {
    base: usize,
    source: &'a str,
    events: Parser<'a, granit_parser::StrInput<'a>>,
    /// What aliases stand for, and how many nodes that is.
    anchors: HashMap<usize, (Node<'a>, usize)>,
    /// The items of the lists that are open; each list takes its own off the end when it closes.
    items: Vec<Node<'a>>,
    /// The entries of the mappings that are open.
    entries: Vec<(Node<'a>, Node<'a>)>,
    nodes: usize,
    parsed: Parsed<'a>,
}

/// Where an event stands, in the text without its byte-order mark.
#[derive(Clone, Copy, Default)]
struct Place {
    start: usize,
    end: usize,
    line: u32,
}

impl<'a> Builder<'a> {
    fn stream(&mut self) -> Result<(), Error> {
        loop {
            let (event, place) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(()),
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) => self.anchors.clear(),
                event => {
                    let document = self.node(event, place, 0)?;
                    if !document.is_null() {
                        self.parsed.documents.push(document);
                    }
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, place: Place, depth: usize) -> Result<Node<'a>, Error> {
        if depth > MAX_DEPTH {
            return Err(error_at(place.line, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.count(1, place.line)?;
        let before = self.nodes;
        let (start, line) = (place.start + self.base, place.line);
        let (value, end, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                (Value::Scalar(text, style), self.end(place), anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                let first = self.items.len();
                let close = loop {
                    let (event, place) = self.next()?;
                    if matches!(event, Event::SequenceEnd) {
                        break place;
                    }
                    let item = self.node(event, place, depth + 1)?;
                    self.items.push(item);
                };
                let items = self.items.split_off(first);
                let end = self.closing(close, items.last().map(|item| item.end), place);
                (Value::Sequence(items), end, anchor)
            }
            Event::MappingStart(_, anchor, _) => {
                let first = self.entries.len();
                let close = loop {
                    let (event, place) = self.next()?;
                    if matches!(event, Event::MappingEnd) {
                        break place;
                    }
                    let key = self.node(event, place, depth + 1)?;
                    let (event, place) = self.next()?;
                    let value = self.node(event, place, depth + 1)?;
                    self.entries.push((key, value));
                };
                let entries = self.entries.split_off(first);
                let end = self.closing(close, entries.last().map(|(_, value)| value.end), place);
                (Value::Mapping(self.unique(entries, line)?), end, anchor)
            }
            Event::Alias(id) => {
                let Some((target, size)) = self.anchors.get(&id).cloned() else {
                    return Err(error_at(line, "an alias of an anchor that holds it".to_owned()));
                };
                self.count(size, line)?;
                return Ok(Node { start, end: self.end(place), line, ..target });
            }
            _ => return Err(error_at(line, "no value where one must stand".to_owned())),
        };
        let node = Node { value, start, end, line };
        if anchor != 0 {
            // The copy that aliases stand for costs as much as the nodes it holds.
            let size = (self.nodes - before).saturating_add(1).saturating_add(owned_bytes(&node) / BYTES_PER_NODE);
            self.count(size, line)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    /// Where a collection ends: behind its closing bracket, or behind its last entry for a block.
    fn closing(&self, close: Place, last: Option<usize>, open: Place) -> usize {
        let end = self.end(close);
        if end > close.start + self.base { end } else { last.unwrap_or_else(|| self.end(open)) }
    }

    fn end(&self, place: Place) -> usize {
        let length = self.source.get(place.start..place.end).map_or(0, |text| text.trim_end().len());
        place.start + length + self.base
    }

    fn next(&mut self) -> Result<(Event<'a>, Place), Error> {
        match self.events.next_event() {
            Some(Ok((event, span))) => {
                let range = span.byte_range().unwrap_or_default();
                let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
                Ok((event, Place { start: range.start, end: range.end, line }))
            }
            Some(Err(error)) => Err(Error {
                message: error.info(),
                line: u32::try_from(error.marker().line()).unwrap_or(u32::MAX),
                unindented_scalar: matches!(error.kind(), granit_parser::ErrorKind::InvalidQuotedScalarIndent),
            }),
            None => Ok((Event::StreamEnd, Place::default())),
        }
    }

    /// The entries with each key once, merge keys resolved.
    fn unique(&mut self, entries: Vec<(Node<'a>, Node<'a>)>, line: u32) -> Result<Vec<(Node<'a>, Node<'a>)>, Error> {
        if !is_odd(&entries) {
            return Ok(entries);
        }
        let mut merged: Vec<Node<'a>> = Vec::new();
        let mut unique: Vec<(Node<'a>, Node<'a>)> = Vec::with_capacity(entries.len());
        let mut places: HashMap<String, usize> = HashMap::with_capacity(entries.len());
        for (key, value) in entries {
            if is_merge(&key) {
                match value.value {
                    Value::Sequence(items) => merged.extend(items),
                    _ => merged.push(value),
                }
                continue;
            }
            let Some(name) = key.text() else {
                unique.push((key, value));
                continue;
            };
            match places.get(name).and_then(|at| unique.get_mut(*at)) {
                Some(earlier) => {
                    let message = format!("the key `{name}` stands twice; the last one counts");
                    self.parsed.warnings.push(Warning { message, line: key.line });
                    *earlier = (key, value);
                }
                None => {
                    places.insert(name.to_owned(), unique.len());
                    unique.push((key, value));
                }
            }
        }
        for node in merged {
            let Value::Mapping(entries) = node.value else {
                return Err(error_at(line, "a merge key `<<` of something that is no mapping".to_owned()));
            };
            for (key, value) in entries {
                let name = key.text().unwrap_or_default();
                if !places.contains_key(name) {
                    places.insert(name.to_owned(), unique.len());
                    unique.push((key, value));
                }
            }
        }
        Ok(unique)
    }

    fn count(&mut self, more: usize, line: u32) -> Result<(), Error> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > MAX_NODES {
            return Err(error_at(line, format!("unfolds to more than {MAX_NODES} values")));
        }
        Ok(())
    }
}

/// The bytes of text that a copy of the node would copy: those of scalars whose escapes were resolved.
fn owned_bytes(node: &Node<'_>) -> usize {
    match &node.value {
        Value::Scalar(Cow::Owned(text), _) => text.len(),
        Value::Scalar(Cow::Borrowed(_), _) => 0,
        Value::Sequence(items) => items.iter().map(owned_bytes).sum(),
        Value::Mapping(entries) => entries.iter().map(|(key, value)| owned_bytes(key) + owned_bytes(value)).sum(),
    }
}

/// Whether a mapping has a merge key, a key twice, or several keys that are no scalars.
fn is_odd(entries: &[(Node<'_>, Node<'_>)]) -> bool {
    if entries.iter().any(|(key, _)| is_merge(key)) {
        return true;
    }
    if entries.len() > MAX_KEYS_TO_COMPARE {
        let mut seen = HashSet::with_capacity(entries.len());
        return entries.iter().any(|(key, _)| !seen.insert(key.text()));
    }
    entries.iter().enumerate().any(|(at, (key, _))| entries[..at].iter().any(|(other, _)| other.text() == key.text()))
}

fn is_merge(key: &Node<'_>) -> bool {
    key.text() == Some("<<") && key.is_plain()
}

fn error_at(line: u32, message: String) -> Error {
    Error { message, line, unindented_scalar: false }
}
