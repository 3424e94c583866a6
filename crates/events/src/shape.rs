//! Shapes: how to see through the wrapping that a product puts around an event.

use std::{collections::BTreeMap, sync::OnceLock};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    Event,
    path::{get, text},
    time::time,
    xml,
};

/// Wrappers inside of each other that are taken off.
const MAX_WRAPPERS: usize = 4;
/// Bytes of a text that is read as JSON or XML inside of a record.
const MAX_INNER_TEXT: usize = 4 * 1024 * 1024;
/// Bytes that the events of one record, each with what they share, may take.
const MAX_COPIED: usize = 64 * 1024 * 1024;
/// Lines of a message that are read for fields.
const MAX_MESSAGE_LINES: usize = 500;

/// A file of shapes cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("shapes: {0}")]
pub struct ShapeError(String);

/// The shapes, in the order in which they are tried.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shapes {
    wrapper: Vec<Wrapper>,
    shape: Vec<Shape>,
}

/// Something around a record.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapper {
    #[allow(dead_code, reason = "names the entry for who edits the table")]
    name: String,
    has: Vec<String>,
    inner: String,
    #[serde(default)]
    streamed: bool,
}

/// Where things are in the records of a product.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// The name, as `--shape` takes it.
    pub name: String,
    /// What it is, for readers.
    pub title: String,
    /// Whose names its fields have.
    pub vocabulary: String,
    has: Vec<Vec<String>>,
    #[serde(default)]
    fixed_provider: Option<String>,
    #[serde(default)]
    provider: Vec<String>,
    #[serde(default)]
    event_id: Vec<String>,
    #[serde(default)]
    event_id_key: Option<String>,
    #[serde(default)]
    event_id_prefix: String,
    #[serde(default)]
    event_id_first: Vec<String>,
    #[serde(default)]
    event_id_join: Vec<String>,
    #[serde(default)]
    channel: Vec<String>,
    #[serde(default)]
    time: Vec<String>,
    #[serde(default)]
    host: Vec<String>,
    #[serde(default)]
    platform: Vec<String>,
    fields: Vec<String>,
    #[serde(default)]
    named: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    texts: Vec<String>,
    #[serde(default)]
    each: Option<String>,
    #[serde(default, rename = "general")]
    is_general: bool,
}

impl Shapes {
    /// The shapes that are compiled in.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static BUILT: OnceLock<Shapes> = OnceLock::new();
        BUILT.get_or_init(|| Self::read(include_str!("../data/shapes.toml")).unwrap_or_default())
    }

    /// Reads a table of shapes.
    ///
    /// # Errors
    /// It is no TOML of that form.
    pub fn read(text: &str) -> Result<Self, ShapeError> {
        toml::from_str(text).map_err(|error| ShapeError(error.to_string()))
    }

    /// The shapes.
    #[must_use]
    pub fn all(&self) -> &[Shape] {
        &self.shape
    }

    /// The shape of a name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Shape> {
        self.shape.iter().find(|shape| shape.name == name)
    }

    /// Keys of objects that are whole files, whose list in them may be larger than any record.
    pub(crate) fn streamed_lists(&self) -> Vec<&str> {
        self.wrapper.iter().filter(|wrapper| wrapper.streamed).map(|wrapper| wrapper.inner.as_str()).collect()
    }

    /// Hands the events of a record to `sink`: most records are one, a file that holds a list in an object is many.
    /// `forced` is the shape to use whatever the record looks like.
    pub fn events(&self, record: Value, forced: Option<&Shape>, sink: &mut dyn FnMut(Event)) {
        self.unwrap(record, forced, MAX_WRAPPERS, sink);
    }

    fn unwrap(&self, record: Value, forced: Option<&Shape>, layers: usize, sink: &mut dyn FnMut(Event)) {
        let fits = |shape: &&Shape| shape.fits(&record);
        // What has a shape is no wrapper, even where it has keys of one.
        if let Some(shape) = forced.or_else(|| self.shape.iter().filter(|shape| !shape.is_general).find(fits)) {
            return shape.events(record, sink);
        }
        if layers > 0 {
            for wrapper in &self.wrapper {
                if !wrapper.has.iter().all(|path| is_there(&record, path)) {
                    continue;
                }
                match inner(&record, &wrapper.inner) {
                    Some(Value::Array(items)) => {
                        for item in items.into_iter().filter(Value::is_object) {
                            self.unwrap(item, forced, layers - 1, sink);
                        }
                        return;
                    }
                    Some(object @ Value::Object(_)) => return self.unwrap(object, forced, layers - 1, sink),
                    _ => {}
                }
            }
        }
        match self.shape.iter().find(fits) {
            Some(shape) => shape.events(record, sink),
            None => {
                let fields = match record {
                    Value::Object(fields) => fields,
                    other => Map::from_iter([("value".to_owned(), other)]),
                };
                sink(Event { fields, ..Event::default() });
            }
        }
    }
}

/// The value at a path, an array whole; a text that holds JSON or an event in XML is read.
fn inner(record: &Value, path: &str) -> Option<Value> {
    let found = path.split('.').try_fold(record, |value, part| get(value, part)).or_else(|| get(record, path))?;
    match found {
        Value::String(text) if text.len() <= MAX_INNER_TEXT => {
            let text = text.trim();
            match text.as_bytes().first()? {
                b'{' | b'[' => serde_json::from_str(text).ok(),
                b'<' => xml::event(&text[text.find("<Event")?..]).ok(),
                _ => windows_text(text),
            }
        }
        Value::String(_) => None,
        other => Some(other.clone()),
    }
}

impl Shape {
    fn fits(&self, record: &Value) -> bool {
        self.has.iter().any(|paths| paths.iter().all(|path| is_there(record, path)))
    }

    /// The events of a record: one, or one for each element of a list in it.
    fn events(&self, mut record: Value, sink: &mut dyn FnMut(Event)) {
        if let (Some(name), Value::Object(fields)) = (&self.each, &mut record)
            && let Some(Value::Array(items)) = fields.get_mut(name).filter(|list| is_list_of_objects(list))
        {
            let items = std::mem::take(items);
            let size = serde_json::to_vec(&record).map_or(usize::MAX, |text| text.len());
            if size.saturating_mul(items.len()) <= MAX_COPIED {
                for item in items {
                    let mut one = record.clone();
                    if let Value::Object(fields) = &mut one {
                        fields.insert(name.clone(), Value::Array(vec![item]));
                    }
                    sink(self.event(one));
                }
                return;
            }
            if let Value::Object(fields) = &mut record {
                fields.insert(name.clone(), Value::Array(items));
            }
        }
        sink(self.event(record));
    }

    fn event(&self, mut record: Value) -> Event {
        for name in &self.texts {
            if let Some(Value::String(text)) = record.get(name)
                && text.len() <= MAX_INNER_TEXT
                && let Ok(read @ Value::Object(_)) = serde_json::from_str(text)
            {
                record[name.as_str()] = read;
            }
        }
        let first = |paths: &[String]| {
            paths.iter().find_map(|path| get(&record, path).and_then(text)).filter(|it| !it.is_empty())
        };
        let mut event = Event {
            shape: Some(self.name.clone()),
            vocabulary: Some(self.vocabulary.clone()),
            provider: self.fixed_provider.clone().or_else(|| first(&self.provider)),
            event_id: self.id(&record).or_else(|| first(&self.event_id)),
            channel: first(&self.channel),
            time: self.time.iter().find_map(|path| get(&record, path).and_then(time)),
            host: first(&self.host),
            platform: first(&self.platform),
            fields: Map::new(),
        };
        for path in &self.fields {
            self.add_fields(&record, path, &mut event.fields);
        }
        for name in &self.except {
            event.fields.remove(name);
        }
        for (name, paths) in &self.named {
            let found =
                paths.iter().find_map(|path| get(&record, path)).map(|value| value.get("#text").unwrap_or(value));
            if let Some(value) = found
                && !event.fields.contains_key(name)
            {
                event.fields.insert(name.clone(), value.clone());
            }
        }
        if let Some(message) = self.message.as_ref().and_then(|path| get(&record, path)?.as_str()) {
            add_message(message, &mut event.fields);
        }
        if matches!(self.vocabulary.as_str(), "windows" | "ecs" | "sentinel") {
            // Rules for Windows logs name these wherever the record has them.
            let own = [
                ("EventID", &event.event_id),
                ("Channel", &event.channel),
                ("Provider_Name", &event.provider),
                ("Computer", &event.host),
            ];
            for (name, value) in own {
                if let Some(value) = value
                    && !event.fields.contains_key(name)
                    && (self.vocabulary == "windows" || self.name == "winlogbeat")
                {
                    event.fields.insert(name.to_owned(), value.clone().into());
                }
            }
        }
        event
    }

    /// The id where the shape has it in a form of its own.
    fn id(&self, record: &Value) -> Option<String> {
        if let Some(key) = &self.event_id_key {
            let name = get(record, key)?.as_object()?.keys().next()?;
            return Some(format!("{}{}", self.event_id_prefix, name.to_uppercase()));
        }
        if !self.event_id_join.is_empty() {
            let mut id = String::new();
            for path in &self.event_id_join {
                let (separator, path) = match path.strip_prefix('/') {
                    Some(path) => ("/", path),
                    None => (" ", path.as_str()),
                };
                if let Some(part) = get(record, path).and_then(text) {
                    id.push_str(if id.is_empty() { "" } else { separator });
                    id.push_str(&part);
                }
            }
            return Some(id).filter(|id| !id.is_empty());
        }
        self.event_id_first.iter().find(|name| get(record, name).is_some()).cloned()
    }

    fn add_fields(&self, record: &Value, path: &str, fields: &mut Map<String, Value>) {
        let (path, any) = match path.strip_suffix(".*") {
            Some(path) => (path, true),
            None => (path, false),
        };
        match get(record, path) {
            Some(Value::Object(found)) if any => {
                for value in found.values() {
                    add_object(value, fields);
                }
            }
            Some(value) => add_object(value, fields),
            None => {}
        }
    }
}

/// Whether a record has a path, or a path with a value: `path`, `path=value`, `path~=part of the value`.
fn is_there(record: &Value, path: &str) -> bool {
    let value = |path| get(record, path).and_then(text);
    if let Some((path, part)) = path.split_once("~=") {
        return value(path).is_some_and(|found| found.to_ascii_lowercase().contains(&part.to_ascii_lowercase()));
    }
    match path.split_once('=') {
        Some((path, wanted)) => value(path).is_some_and(|found| found.eq_ignore_ascii_case(wanted)),
        None => get(record, path).is_some(),
    }
}

fn is_list_of_objects(list: &Value) -> bool {
    list.as_array().is_some_and(|items| items.len() > 1 && items.iter().all(Value::is_object))
}

/// A Windows event as Splunk's forwarder writes it without XML: a time, lines `Name=value`, and last a message of several
/// lines.
fn windows_text(text: &str) -> Option<Value> {
    let (first, rest) = text.split_once('\n')?;
    if !rest.contains("EventCode=") || !rest.contains("LogName=") {
        return None;
    }
    let mut fields = Map::new();
    fields.insert("EventTime".to_owned(), first.trim().into());
    let (head, message) = rest.split_once("Message=").unwrap_or((rest, ""));
    for (name, value) in head.lines().take(MAX_MESSAGE_LINES).filter_map(|line| line.trim().split_once('=')) {
        fields.insert(name.to_owned(), value.into());
    }
    if !message.is_empty() {
        fields.insert("Message".to_owned(), message.trim().into());
    }
    Some(Value::Object(fields))
}

/// Adds the entries of an object that are not there yet. A list of named values (`Data`) becomes an entry a name.
fn add_object(value: &Value, fields: &mut Map<String, Value>) {
    let object = match value {
        Value::Object(object) => object,
        // A text that holds the event's data, as Sentinel's `EventData` does.
        Value::String(text) if text.len() <= MAX_INNER_TEXT => {
            let text = text.trim();
            let read = match text.as_bytes().first() {
                Some(b'{') => serde_json::from_str(text).ok(),
                Some(b'<') => xml::event(text).ok().and_then(|root| root.as_object()?.values().next().cloned()),
                _ => None,
            };
            if let Some(Value::Object(object)) = read {
                add_object(&Value::Object(object), fields);
            }
            return;
        }
        Value::Array(items) => return add_named(items, fields),
        _ => return,
    };
    for (name, value) in object {
        match (name.as_str(), value) {
            ("#attributes" | "@xmlns" | "xmlns", _) => {}
            ("Data", Value::Array(items)) if items.iter().all(|item| named(item).is_some()) && !items.is_empty() => {
                add_named(items, fields);
            }
            ("Data", item) if named(item).is_some() => add_named(std::slice::from_ref(item), fields),
            _ => {
                // The text of an element with attributes.
                let value = value.get("#text").unwrap_or(value);
                if !fields.contains_key(name) {
                    fields.insert(name.clone(), value.clone());
                }
            }
        }
    }
}

/// The name and value of an element of event data: `{"@Name": n, "#text": v}` in its several spellings.
fn named(item: &Value) -> Option<(&str, Value)> {
    let name = ["@Name", "Name", "#attributes.Name", "$.Name", "_Name", "-Name", "key"]
        .iter()
        .find_map(|path| get(item, path)?.as_str())?;
    let value = ["#text", "text", "Value", "_", "content", "value", "$t"].iter().find_map(|path| get(item, path));
    Some((name, value.cloned().unwrap_or(Value::String(String::new()))))
}

fn add_named(items: &[Value], fields: &mut Map<String, Value>) {
    for (name, value) in items.iter().filter_map(named) {
        if !fields.contains_key(name) {
            fields.insert(name.to_owned(), value);
        }
    }
}

/// Fields of a message whose lines are `Name: value`. A line without a value is a heading.
fn add_message(message: &str, fields: &mut Map<String, Value>) {
    for line in message.lines().take(MAX_MESSAGE_LINES) {
        let Some((name, value)) = line.trim().split_once(':') else { continue };
        let (name, value) = (name.trim(), value.trim());
        let is_name =
            !name.is_empty() && name.len() <= 64 && name.chars().all(|c| c.is_alphanumeric() || " _-".contains(c));
        if is_name && !value.is_empty() && !fields.contains_key(name) {
            fields.insert(name.to_owned(), value.into());
        }
    }
}
