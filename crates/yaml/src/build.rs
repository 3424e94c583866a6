use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, Span};

use crate::{Node, Style, Value};

/// Nodes one file may unfold to, aliases included: what a file of rules never reaches and an alias bomb does.
const MAX_NODES: usize = 2_000_000;
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
    /// Whether it is a quoted scalar that goes on at the first column; see [`crate::repair`].
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
        anchors: HashMap::new(),
        nodes: 0,
        parsed: Parsed::default(),
    };
    let mut parser = Parser::new_from_str(body);
    builder.stream(&mut parser)?;
    Ok(builder.parsed)
}

type Events<'a> = Parser<'a, granit_parser::StrInput<'a>>;

struct Builder<'a> {
    base: usize,
    source: &'a str,
    anchors: HashMap<usize, (Node<'a>, usize)>,
    nodes: usize,
    parsed: Parsed<'a>,
}

impl<'a> Builder<'a> {
    fn stream(&mut self, events: &mut Events<'a>) -> Result<(), Error> {
        loop {
            let (event, span) = next(events)?;
            match event {
                Event::StreamEnd => return Ok(()),
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) => self.anchors.clear(),
                event => {
                    let document = self.node(event, span, events, 0)?;
                    if !document.is_null() {
                        self.parsed.documents.push(document);
                    }
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, events: &mut Events<'a>, depth: usize) -> Result<Node<'a>, Error> {
        if depth > MAX_DEPTH {
            return Err(error_at(&span, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.count(1, &span)?;
        let before = self.nodes;
        let (start, end) = self.range(&span);
        let line = line(&span);
        let (value, end, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                (Value::Scalar(text, style), end, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items: Vec<Node<'a>> = Vec::new();
                let end = loop {
                    let (event, span) = next(events)?;
                    if matches!(event, Event::SequenceEnd) {
                        break self.closing(&span, items.last().map_or(end, |item| item.end));
                    }
                    items.push(self.node(event, span, events, depth + 1)?);
                };
                (Value::Sequence(items), end, anchor)
            }
            Event::MappingStart(_, anchor, _) => {
                let mut entries: Vec<(Node<'a>, Node<'a>)> = Vec::new();
                let end = loop {
                    let (event, key_span) = next(events)?;
                    if matches!(event, Event::MappingEnd) {
                        break self.closing(&key_span, entries.last().map_or(end, |(_, value)| value.end));
                    }
                    let key = self.node(event, key_span, events, depth + 1)?;
                    let (event, span) = next(events)?;
                    let value = self.node(event, span, events, depth + 1)?;
                    entries.push((key, value));
                };
                (Value::Mapping(self.unique(entries, &span)?), end, anchor)
            }
            Event::Alias(id) => {
                let Some((target, size)) = self.anchors.get(&id).cloned() else {
                    return Err(error_at(&span, "an alias of an anchor that holds it".to_owned()));
                };
                self.count(size, &span)?;
                return Ok(Node { start, end, line, ..target });
            }
            _ => return Err(error_at(&span, "no value where one must stand".to_owned())),
        };
        let node = Node { value, start, end, line };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes - before + 1));
        }
        Ok(node)
    }

    /// Where a collection ends: behind its closing bracket, or behind its last entry for a block.
    fn closing(&self, span: &Span, last: usize) -> usize {
        let (start, end) = self.range(span);
        if end > start { end } else { last }
    }

    fn unique(&mut self, entries: Vec<(Node<'a>, Node<'a>)>, span: &Span) -> Result<Vec<(Node<'a>, Node<'a>)>, Error> {
        let is_merge = |key: &Node<'_>| key.is_plain() && key.text() == Some("<<");
        let mut seen = HashSet::with_capacity(entries.len());
        let odd = entries.iter().any(|(key, _)| is_merge(key) || !seen.insert(key.text()));
        if !odd {
            return Ok(entries);
        }
        let mut merged: Vec<Node<'a>> = Vec::new();
        let mut unique: Vec<(Node<'a>, Node<'a>)> = Vec::new();
        for (key, value) in entries {
            if is_merge(&key) {
                match value.value {
                    Value::Sequence(items) => merged.extend(items),
                    _ => merged.push(value),
                }
                continue;
            }
            match unique.iter_mut().find(|(other, _)| other.text().is_some() && other.text() == key.text()) {
                Some(earlier) => {
                    let name = key.text().unwrap_or_default();
                    let message = format!("the key `{name}` stands twice; the last one counts");
                    self.parsed.warnings.push(Warning { message, line: key.line });
                    *earlier = (key, value);
                }
                None => unique.push((key, value)),
            }
        }
        for node in merged {
            let Value::Mapping(entries) = node.value else {
                return Err(error_at(span, "a merge key `<<` of something that is no mapping".to_owned()));
            };
            for (key, value) in entries {
                if !unique.iter().any(|(other, _)| other.text() == key.text()) {
                    unique.push((key, value));
                }
            }
        }
        Ok(unique)
    }

    fn count(&mut self, more: usize, span: &Span) -> Result<(), Error> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > MAX_NODES {
            return Err(error_at(span, format!("unfolds to more than {MAX_NODES} values")));
        }
        Ok(())
    }

    fn range(&self, span: &Span) -> (usize, usize) {
        let range = span.byte_range().unwrap_or_default();
        let end = self.source.get(range.clone()).map_or(range.end, |text| range.start + text.trim_end().len());
        (range.start + self.base, end + self.base)
    }
}

fn next<'a>(events: &mut Events<'a>) -> Result<(Event<'a>, Span), Error> {
    match events.next_event() {
        Some(Ok(event)) => Ok(event),
        Some(Err(error)) => Err(Error {
            message: error.info(),
            line: u32::try_from(error.marker().line()).unwrap_or(u32::MAX),
            unindented_scalar: matches!(error.kind(), granit_parser::ErrorKind::InvalidQuotedScalarIndent),
        }),
        None => Ok((Event::StreamEnd, Span::default())),
    }
}

fn line(span: &Span) -> u32 {
    u32::try_from(span.start.line()).unwrap_or(u32::MAX)
}

fn error_at(span: &Span, message: String) -> Error {
    Error { message, line: line(span), unindented_scalar: false }
}
