//! Tables with a header: CSV and the same with tabulators or bars, and Zeek's own logs.

use std::{io::BufRead, sync::Arc};

use csv_core::{ReadRecordResult, ReaderBuilder};
use serde_json::{Map, Value};

use crate::{
    part::Part,
    read::{Record, Sink, problem, reading_ended},
    split::MAX_RECORD_BYTES,
};

/// Cells of a row.
const MAX_CELLS: usize = 1_000_000;

/// A row as its cells lie in one text.
#[derive(Default)]
struct Row {
    text: Vec<u8>,
    length: usize,
    ends: Vec<usize>,
    cells: usize,
    /// The one-based line on which it begins.
    line: u64,
    /// Quotation marks in it: an odd number of them is not closed.
    marks: usize,
    is_too_long: bool,
}

impl Row {
    fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.ends.get(..self.cells).unwrap_or_default();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(|(start, end)| self.text.get(start..*end).unwrap_or_default())
    }

    fn clear(&mut self, line: u64) {
        (self.length, self.cells, self.marks, self.line, self.is_too_long) = (0, 0, 0, line, false);
    }
}

/// Hands every row to `sink` as an object with the header's names. Empty cells are left out.
pub(crate) fn read(name: &str, mut input: impl BufRead, ending: &str, sink: Sink<'_>) -> bool {
    let delimiter = match ending {
        "tsv" => b'\t',
        "psv" => b'|',
        _ => b',',
    };
    let file: Arc<str> = name.into();
    let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
    let mut row = Row { line: 1, ..Row::default() };
    let mut header: Option<Vec<String>> = None;
    let mut number = 0;
    let mut line = 1;
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) => return problem(name, Some(line), reading_ended(&error), sink),
        };
        // Blank lines between rows belong to none.
        if row.marks == 0 && row.length == 0 && row.cells == 0 && !row.is_too_long {
            let blank = buffer.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            if blank > 0 {
                line += newlines(buffer.get(..blank).unwrap_or_default());
                row.line = line;
                input.consume(blank);
                continue;
            }
        }
        if row.is_too_long {
            (row.length, row.cells) = (0, 0);
        }
        let is_end = buffer.is_empty();
        let free = row.text.get_mut(row.length..).unwrap_or_default();
        let free_ends = row.ends.get_mut(row.cells..).unwrap_or_default();
        let (result, read, written, ended) = reader.read_record(buffer, free, free_ends);
        let part = buffer.get(..read).unwrap_or_default();
        row.marks += part.iter().filter(|byte| **byte == b'"').count();
        line += newlines(part);
        input.consume(read);
        row.length += written;
        row.cells += ended;
        match result {
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull => grow(&mut row.text, MAX_RECORD_BYTES, &mut row.is_too_long),
            ReadRecordResult::OutputEndsFull => grow(&mut row.ends, MAX_CELLS, &mut row.is_too_long),
            ReadRecordResult::End => return true,
            ReadRecordResult::Record => {
                let is_open = is_end && row.marks % 2 == 1;
                let goes_on = if is_open {
                    let message = "a quotation mark is not closed: from here on the table is not read";
                    problem(name, Some(row.line), message, sink)
                } else if row.is_too_long {
                    problem(name, Some(row.line), "longer than 16 MiB", sink)
                } else if let Some(header) = &header {
                    number += 1;
                    let value = object(header, row.cells());
                    let is_wider = row.cells().skip(header.len()).any(|cell| !cell.is_empty());
                    let record = Record { file: Arc::clone(&file), number, line: Some(row.line), value };
                    (!is_wider || problem(name, Some(row.line), "the row has more cells than the header", sink))
                        && sink(Part::Item(Ok(record)))
                } else {
                    header = Some(row.cells().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect());
                    true
                };
                if !goes_on {
                    return false;
                }
                row.clear(line);
            }
        }
    }
}

fn newlines(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}

fn grow<T: Default + Clone>(space: &mut Vec<T>, max: usize, is_too_long: &mut bool) {
    if space.len() < max {
        let length = (space.len() * 2).clamp(256, max);
        space.resize(length, T::default());
    } else {
        *is_too_long = true;
    }
}

fn object<'c>(header: &[String], cells: impl Iterator<Item = &'c [u8]>) -> Value {
    let named = header.iter().zip(cells).filter(|(name, cell)| !name.is_empty() && !cell.is_empty());
    let fields: Map<String, Value> =
        named.map(|(name, cell)| (name.clone(), String::from_utf8_lossy(cell).into())).collect();
    Value::Object(fields)
}

/// A log of Zeek in its own format: `#` lines that name the columns, and rows.
#[derive(Default)]
pub(crate) struct ZeekTable {
    separator: Option<String>,
    set_separator: String,
    empty: String,
    unset: String,
    path: String,
    fields: Vec<String>,
    types: Vec<String>,
}

impl ZeekTable {
    /// Whether a file begins as Zeek's do.
    pub(crate) fn begins(line: &str) -> bool {
        line.starts_with("#separator ")
    }

    /// What a line says: a row's record, nothing for a line about the columns, or why it is no row.
    pub(crate) fn line(&mut self, line: &str) -> Result<Option<Value>, &'static str> {
        if let Some(about) = line.strip_prefix('#') {
            self.describe(about);
            return Ok(None);
        }
        if self.fields.is_empty() {
            return Err("a row before the line with `#fields`");
        }
        let cells: Vec<&str> = line.split(self.separator.as_deref().unwrap_or("\t")).collect();
        if cells.len() != self.fields.len() {
            return Err("a row with another number of cells than `#fields` names");
        }
        let mut fields = Map::new();
        if !self.path.is_empty() {
            fields.insert("_path".to_owned(), self.path.clone().into());
        }
        for (at, (name, cell)) in self.fields.iter().zip(cells).enumerate() {
            if cell == self.unset {
                continue;
            }
            let kind = self.types.get(at).map(String::as_str).unwrap_or_default();
            fields.insert(name.clone(), self.value(kind, cell));
        }
        Ok(Some(Value::Object(fields)))
    }

    fn describe(&mut self, about: &str) {
        if let Some(separator) = about.strip_prefix("separator ") {
            self.separator = Some(unescape(separator.trim())).filter(|separator| !separator.is_empty());
            (self.set_separator, self.empty, self.unset) = (",".to_owned(), "(empty)".to_owned(), "-".to_owned());
            return;
        }
        let separator = self.separator.clone().unwrap_or_else(|| "\t".to_owned());
        let Some((key, rest)) = about.split_once(&separator) else { return };
        let list = || rest.split(&separator).map(str::to_owned).collect::<Vec<_>>();
        match key {
            "set_separator" if !rest.is_empty() => self.set_separator = rest.to_owned(),
            "empty_field" => self.empty = rest.to_owned(),
            "unset_field" => self.unset = rest.to_owned(),
            "path" => self.path = rest.to_owned(),
            "fields" => self.fields = list(),
            "types" => self.types = list(),
            _ => {}
        }
    }

    /// A cell as Zeek's own JSON has it.
    fn value(&self, kind: &str, cell: &str) -> Value {
        if kind.starts_with("set[") || kind.starts_with("vector[") {
            if cell == self.empty {
                return Value::Array(Vec::new());
            }
            let inner = kind.split_once('[').and_then(|(_, inner)| inner.strip_suffix(']')).unwrap_or_default();
            return cell.split(&self.set_separator).map(|item| self.value(inner, item)).collect();
        }
        match kind {
            "bool" => match cell {
                "T" => Value::Bool(true),
                "F" => Value::Bool(false),
                other => other.into(),
            },
            "count" | "int" | "port" => cell.parse::<i64>().map_or_else(|_| cell.into(), Value::from),
            "time" | "double" | "interval" => cell
                .parse::<f64>()
                .ok()
                .and_then(serde_json::Number::from_f64)
                .map_or_else(|| cell.into(), Value::Number),
            _ if cell == self.empty => "".into(),
            _ => cell.into(),
        }
    }
}

/// A separator as Zeek writes it: `\x09`.
fn unescape(text: &str) -> String {
    let code = text.strip_prefix("\\x").and_then(|digits| u8::from_str_radix(digits, 16).ok());
    code.map_or_else(|| text.to_owned(), |code| char::from(code).to_string())
}
