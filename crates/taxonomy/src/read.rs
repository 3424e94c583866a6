//! Data files with places: every value knows its line, every unknown key is a fault.

use std::cell::RefCell;

use crate::{
    Fault, File,
    tree::{self, Kind, Table, Value},
};

/// A file being read, and what is wrong with it so far.
pub(crate) struct Source<'a> {
    file: File<'a>,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Source<'a> {
    pub fn new(file: File<'a>) -> Self {
        Self { file, faults: RefCell::new(Vec::new()) }
    }

    /// The file's tree; a fault and nothing when it cannot be read.
    pub fn tree(&self) -> Option<Table<'a>> {
        match tree::parse(self.file.text) {
            Ok(table) => Some(table),
            Err((at, message)) => {
                self.fault(at, message.to_owned());
                None
            }
        }
    }

    pub fn fault(&self, at: usize, message: String) {
        let newlines = self.file.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
        let line = u32::try_from(newlines).unwrap_or(u32::MAX).saturating_add(1);
        self.faults.borrow_mut().push(Fault { file: self.file.name.to_owned(), line, message });
    }

    pub fn into_faults(self) -> Vec<Fault> {
        self.faults.into_inner()
    }

    /// The tables of the array `name`.
    pub fn tables<'t>(&'t self, tree: &'t Table<'a>, name: &str) -> Vec<Entry<'t, 'a>> {
        let values = tree.get(name).map(list).unwrap_or_default();
        values.iter().filter_map(|value| self.table(value)).collect()
    }

    /// The table that `value` is; a fault where it is none.
    pub fn table<'t>(&'t self, value: &'t Value<'a>) -> Option<Entry<'t, 'a>> {
        if let Kind::Table(table) = &value.kind {
            return Some(Entry { source: self, table, at: value.at });
        }
        self.fault(value.at, "a table should stand here".to_owned());
        None
    }

    /// Faults the keys of `table` that are not `known`.
    pub fn only(&self, table: &Table<'_>, known: &[&str]) {
        for (key, _) in table.entries.iter().filter(|(key, _)| !known.contains(&key.name)) {
            self.fault(key.at, format!("`{}` is not known here; known are {}", key.name, known.join(", ")));
        }
    }

    /// One text or a list of texts, each with its place.
    pub fn texts(&self, value: &Value<'a>) -> Vec<(&'a str, usize)> {
        let texts = list(value).iter().filter_map(|value| {
            let text = match value.kind {
                Kind::Text(text) | Kind::Integer(text) => Some(text),
                _ => None,
            };
            if text.is_none_or(str::is_empty) {
                self.fault(value.at, "a text that is not empty should stand here".to_owned());
            }
            text.map(|text| (text, value.at))
        });
        texts.collect()
    }
}

/// A table of a file.
#[derive(Clone)]
pub(crate) struct Entry<'t, 'a> {
    pub source: &'t Source<'a>,
    pub table: &'t Table<'a>,
    /// Where it begins in the file.
    pub at: usize,
}

impl<'a> Entry<'_, 'a> {
    /// The text under `key`; a fault where there is none.
    pub fn text(&self, key: &str) -> &'a str {
        match self.table.get(key).map(|value| &value.kind) {
            Some(Kind::Text(text)) if !text.is_empty() => text,
            _ => {
                self.source.fault(self.at, format!("`{key}` is missing, empty or no text"));
                ""
            }
        }
    }

    /// The text or texts under `key`; none where the key is missing.
    pub fn texts(&self, key: &str) -> Vec<(&'a str, usize)> {
        self.table.get(key).map(|value| self.source.texts(value)).unwrap_or_default()
    }

    pub fn names(&self, key: &str) -> Vec<String> {
        self.texts(key).into_iter().map(|(text, _)| text.to_owned()).collect()
    }
}

/// A list's members; any other value is a list of one.
pub(crate) fn list<'t, 'a>(value: &'t Value<'a>) -> &'t [Value<'a>] {
    match &value.kind {
        Kind::List(values) => values,
        _ => std::slice::from_ref(value),
    }
}
