//! Windows events in XML, as `wevtutil`, Splunk and Sysmon for Linux write them.

use std::io::{BufRead, Read as _};

use quick_xml::{Reader, events::Event};
use serde_json::{Map, Value};

use crate::read::reading_ended;

/// Elements inside of each other that are read.
const MAX_DEPTH: usize = 32;
/// Bytes of one event.
const MAX_EVENT: u64 = 4 * 1024 * 1024;

/// Hands every `<Event>` of a text to `sink`, with the line on which it begins, until it returns `false`.
pub(crate) fn events(mut input: impl BufRead, sink: &mut dyn FnMut(u64, Result<Value, String>) -> bool) -> bool {
    let mut line = 1;
    let mut text: Vec<u8> = Vec::new();
    // The line from which on an event that is too long is passed over.
    let mut too_long: Option<u64> = None;
    loop {
        text.clear();
        // An event ends with its tag, wherever lines end.
        let is_end = loop {
            match input.by_ref().take(MAX_EVENT).read_until(b'>', &mut text) {
                Ok(0) => break true,
                Ok(_) if text.ends_with(b"</Event>") => break false,
                Ok(_) if text.len() as u64 >= MAX_EVENT => {
                    too_long = too_long.or(Some(line));
                    line += newlines(&text);
                    text.clear();
                }
                Ok(_) => {}
                Err(error) => return sink(line, Err(reading_ended(&error))),
            }
        };
        let shown = String::from_utf8_lossy(&text);
        let goes_on = match too_long.take() {
            Some(begin) => sink(begin, Err("an event longer than 4 MiB".to_owned())),
            None => match shown.find("<Event>").or_else(|| shown.find("<Event ")) {
                Some(at) => sink(line + newlines(&shown.as_bytes()[..at]), event(&shown[at..])),
                None => true,
            },
        };
        if !goes_on {
            return false;
        }
        if is_end {
            return true;
        }
        line += newlines(&text);
    }
}

fn newlines(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// An element that is open.
struct Open {
    name: String,
    fields: Map<String, Value>,
    text: String,
}

/// The tree of an `<Event>`, in the form in which EVTX files are read.
pub(crate) fn event(text: &str) -> Result<Value, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Open> = Vec::new();
    loop {
        match reader.read_event().map_err(|error| format!("not XML: {error}"))? {
            Event::Start(start) => {
                if open.len() == MAX_DEPTH {
                    return Err(format!("more than {MAX_DEPTH} elements inside of each other"));
                }
                open.push(element(&start));
            }
            Event::Empty(start) => {
                let element = element(&start);
                if let Some(root) = close(element, &mut open) {
                    return Ok(root);
                }
            }
            Event::Text(text) => {
                if let Some(open) = open.last_mut() {
                    open.text.push_str(&text);
                }
            }
            Event::CData(text) => {
                if let Some(open) = open.last_mut() {
                    open.text.push_str(&text);
                }
            }
            Event::GeneralRef(reference) => {
                let name = reference.to_string();
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(character)) => Some(character.to_string()),
                    _ => quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned),
                };
                if let Some(open) = open.last_mut() {
                    open.text.push_str(&resolved.unwrap_or_else(|| format!("&{name};")));
                }
            }
            Event::End(_) => {
                let Some(element) = open.pop() else { return Err("an end without a beginning".to_owned()) };
                if let Some(root) = close(element, &mut open) {
                    return Ok(root);
                }
            }
            Event::Eof => return Err("the event is not closed".to_owned()),
            _ => {}
        }
    }
}

fn element(start: &quick_xml::events::BytesStart<'_>) -> Open {
    let name = start.local_name().as_ref().to_owned();
    let mut attributes = Map::new();
    for attribute in start.attributes().flatten() {
        let key = attribute.key.local_name().as_ref().to_owned();
        let value = quick_xml::escape::unescape(&attribute.value)
            .map_or_else(|_| attribute.value.to_string(), |value| value.into_owned());
        attributes.insert(key, value.into());
    }
    let mut fields = Map::new();
    if !attributes.is_empty() {
        fields.insert("#attributes".to_owned(), attributes.into());
    }
    Open { name, fields, text: String::new() }
}

/// Adds an element to its parent; the root, in an object of its name, where it has none.
fn close(element: Open, open: &mut [Open]) -> Option<Value> {
    let Open { name, mut fields, text } = element;
    // A named value, as event data has them, is a field of that name.
    let named = (name == "Data" || name == "ComplexData")
        .then(|| fields.get("#attributes")?.get("Name")?.as_str().map(str::to_owned))
        .flatten();
    let value = if fields.is_empty() || named.is_some() {
        Value::String(text)
    } else {
        if !text.trim().is_empty() {
            fields.insert("#text".to_owned(), text.into());
        }
        Value::Object(fields)
    };
    let Some(parent) = open.last_mut() else {
        return Some(Value::Object(Map::from_iter([(name, value)])));
    };
    match parent.fields.get_mut(named.as_deref().unwrap_or(&name)) {
        None => {
            parent.fields.insert(named.unwrap_or(name), value);
        }
        Some(Value::Array(items)) => items.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
    None
}
