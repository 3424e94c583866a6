//! Data files with places: every value knows its line, every unknown key is a fault.

use std::cell::RefCell;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{Fault, File};

/// A value and where it stands in its file.
pub(crate) type Value<'a> = Spanned<DeValue<'a>>;

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
    pub fn tree(&self) -> Option<DeTable<'a>> {
        match DeTable::parse(self.file.text) {
            Ok(table) => Some(table.into_inner()),
            Err(error) => {
                self.fault(error.span().map_or(0, |span| span.start), error.message().to_owned());
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
    pub fn tables<'t>(&'t self, tree: &'t DeTable<'a>, name: &str) -> Vec<Entry<'t, 'a>> {
        let values = tree.get(name).map(list).unwrap_or_default();
        values.iter().filter_map(|value| self.table(value)).collect()
    }

    /// The table that `value` is; a fault where it is none.
    pub fn table<'t>(&'t self, value: &'t Value<'a>) -> Option<Entry<'t, 'a>> {
        if let DeValue::Table(table) = value.get_ref() {
            return Some(Entry { source: self, table, at: value.span().start });
        }
        self.fault(value.span().start, "a table should stand here".to_owned());
        None
    }

    /// Faults the keys of `table` that are not `known`.
    pub fn only(&self, table: &DeTable<'_>, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let message = format!("`{}` is not known here; known are {}", key.get_ref(), known.join(", "));
            self.fault(key.span().start, message);
        }
    }

    /// One text or a list of texts, each with its place.
    pub fn texts<'t>(&self, value: &'t Value<'a>) -> Vec<(&'t str, usize)> {
        let texts = list(value).iter().filter_map(|value| {
            let at = value.span().start;
            let text = match value.get_ref() {
                DeValue::String(text) => Some(text.as_ref()),
                DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str()),
                _ => None,
            };
            if text.is_none_or(str::is_empty) {
                self.fault(at, "a text that is not empty should stand here".to_owned());
            }
            text.map(|text| (text, at))
        });
        texts.collect()
    }
}

/// A table of a file.
#[derive(Clone)]
pub(crate) struct Entry<'t, 'a> {
    pub source: &'t Source<'a>,
    pub table: &'t DeTable<'a>,
    /// Where it begins in the file.
    pub at: usize,
}

impl<'t> Entry<'t, '_> {
    /// The text under `key`; a fault where there is none.
    pub fn text(&self, key: &str) -> &'t str {
        match self.table.get(key).map(Spanned::get_ref) {
            Some(DeValue::String(text)) if !text.is_empty() => text,
            _ => {
                self.source.fault(self.at, format!("`{key}` is missing, empty or no text"));
                ""
            }
        }
    }

    /// The text or texts under `key`; none where the key is missing.
    pub fn texts(&self, key: &str) -> Vec<(&'t str, usize)> {
        self.table.get(key).map(|value| self.source.texts(value)).unwrap_or_default()
    }

    /// Whether `true` stands under `key`.
    pub fn flag(&self, key: &str) -> bool {
        matches!(self.table.get(key).map(Spanned::get_ref), Some(DeValue::Boolean(true)))
    }

    pub fn names(&self, key: &str) -> Vec<String> {
        self.texts(key).into_iter().map(|(text, _)| text.to_owned()).collect()
    }
}

/// A list's members; any other value is a list of one.
pub(crate) fn list<'t, 'a>(value: &'t Value<'a>) -> &'t [Value<'a>] {
    match value.get_ref() {
        DeValue::Array(values) => values,
        _ => std::slice::from_ref(value),
    }
}
