//! Text to tree. Rules files have several roots and need not be well-formed: an ampersand may stand alone, and `\<` is a
//! less-than sign. No entity is ever expanded but the five of XML and characters by number.

use std::borrow::Cow;

use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};
use ruleatlas_model::{Diagnostic, Span};

use crate::ast::{Document, Element, Rule, names};

/// Elements within each other that are read: a group, a rule, its options, and what stands in one of these.
const MAX_DEPTH: usize = 16;
/// How many diagnostics a text can have.
const MAX_DIAGNOSTICS: usize = 32;
/// Attributes of an element that are read.
const MAX_ATTRIBUTES: usize = 64;
/// Stands for `\<` while the text is read; as long as that, so that places stay what they are.
const LESS_THAN: &str = "\u{81}";

/// The tree of a text, and what is wrong with it.
#[must_use]
pub fn parse(text: &str) -> (Document, Vec<Diagnostic>) {
    let escaped = if text.contains("\\<") { Cow::Owned(text.replace("\\<", LESS_THAN)) } else { Cow::Borrowed(text) };
    let mut parser = Parser {
        is_escaped: matches!(escaped, Cow::Owned(_)),
        open: Vec::new(),
        document: Document::default(),
        diagnostics: Vec::new(),
    };
    let mut reader = Reader::from_str(&escaped);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;
    loop {
        let start = place(reader.buffer_position());
        let event = reader.read_event();
        let end = place(reader.buffer_position());
        match event {
            Ok(Event::Start(tag)) => {
                parser.start(&tag, start);
            }
            Ok(Event::Empty(tag)) => {
                let name = parser.start(&tag, start);
                parser.end(name, end);
            }
            Ok(Event::End(tag)) => {
                let name = lower(tag.local_name().as_ref());
                parser.end(name, end);
            }
            Ok(Event::Text(said)) => parser.text(&said),
            Ok(Event::CData(said)) => parser.text(&said),
            Ok(Event::GeneralRef(reference)) => parser.text(&resolved(&reference)),
            Ok(Event::Eof) => break,
            // A declaration of entities declares nothing here.
            Ok(_) => {}
            Err(error) => {
                parser.error(
                    "not XML",
                    format!("not XML: {error}"),
                    Span::new(end.min(text.len()), end.min(text.len())),
                );
                break;
            }
        }
    }
    while let Some(element) = parser.open.last() {
        let name = element.name.clone();
        let span = Span::new(element.span.start as usize, text.len());
        if name == "rule" {
            parser.error("unclosed element", format!("`<{name}>` is not closed"), span);
        }
        parser.end(name, text.len());
    }
    (parser.document, parser.diagnostics)
}

fn place(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn lower(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// What a reference stands for; one that is none of XML's own stays as it is written.
fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    let name = reference.to_string();
    match quick_xml::escape::resolve_predefined_entity(&name) {
        Some(text) => text.to_owned(),
        None => format!("&{name};"),
    }
}

struct Parser {
    /// Whether the text has `\<` in it.
    is_escaped: bool,
    /// The elements around this place, the outermost first.
    open: Vec<Element>,
    document: Document,
    diagnostics: Vec<Diagnostic>,
}

impl Parser {
    /// Opens an element; its name.
    fn start(&mut self, tag: &BytesStart<'_>, start: usize) -> String {
        let name = lower(tag.local_name().as_ref());
        let mut found = tag.html_attributes();
        let attributes = found.with_checks(false).flatten().take(MAX_ATTRIBUTES).map(|attribute| {
            let value = quick_xml::escape::unescape(&attribute.value)
                .map_or_else(|_| attribute.value.to_string(), Cow::into_owned);
            (lower(attribute.key.as_ref()), self.restored(&value))
        });
        let attributes = attributes.collect();
        let element = Element { name: name.clone(), attributes, span: Span::new(start, start), ..Element::default() };
        self.open.push(element);
        name
    }

    /// Closes the innermost element of this name, and those in it that are still open.
    fn end(&mut self, name: String, end: usize) {
        let Some(place) = self.open.iter().rposition(|open| open.name == name) else { return };
        while self.open.len() > place {
            let is_named = self.open.len() == place + 1;
            let Some(mut element) = self.open.pop() else { return };
            element.span = Span::new(element.span.start as usize, end);
            if !is_named && element.name == "rule" {
                let message = "`<rule>` is not closed before what is around it".to_owned();
                self.error("unclosed element", message, element.span);
            }
            self.close(element);
        }
    }

    fn close(&mut self, element: Element) {
        match element.name.as_str() {
            "rule" if self.open.iter().all(|open| open.name != "rule") => {
                let around = self.open.iter().filter(|open| open.name == "group");
                let groups = around.flat_map(|group| names(group.attribute("name").unwrap_or_default())).collect();
                self.document.rules.push(Rule { element, groups });
            }
            "var" if self.open.is_empty() || self.open.iter().all(|open| open.name == "group") => {
                if let Some(name) = element.attribute("name") {
                    self.document.variables.push((name.trim().to_owned(), element.text));
                }
            }
            _ if self.open.len() >= MAX_DEPTH => {
                self.error("nested too deeply", "elements nest too deeply".to_owned(), element.span);
            }
            _ => {
                // What belongs to no rule is not kept.
                if self.open.iter().any(|open| open.name == "rule")
                    && let Some(parent) = self.open.last_mut()
                {
                    parent.children.push(element);
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        let text = self.restored(text);
        if let Some(open) = self.open.last_mut() {
            open.text.push_str(&text);
        }
    }

    /// The text as its author wrote it.
    fn restored(&self, text: &str) -> String {
        if self.is_escaped { text.replace(LESS_THAN, "\\<") } else { text.to_owned() }
    }

    fn error(&mut self, code: &'static str, message: String, span: Span) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(Diagnostic::error(code, message).at(span));
        }
    }
}
