//! Texts to records: JSON however it is laid out, events in XML, and logs that hold either behind a prefix.

use std::{
    io::{self, BufRead, Read as _},
    sync::Arc,
};

use serde_json::Value;

use crate::{
    Shapes, audit,
    part::{Part, Raw, Unread},
    read::{Problem, ReadItem, Record, Sink, problem, reading_ended},
    split::{self, Kind, MAX_RECORD_BYTES, Next, Piece, Split},
    table::ZeekTable,
    xml,
};

/// Lines that are no records and come before the first that is one, which are listed one by one.
const MAX_LISTED_LINES: usize = 5;

/// JSON values: one a line, one after the other over several lines, or elements of an array.
pub(crate) fn json(name: &str, mut input: impl BufRead, sink: Sink<'_>) -> bool {
    let file: Arc<str> = name.into();
    let mut number = 0;
    let mut goes_on = true;
    let read = split::split(&mut input, &Shapes::builtin().streamed_lists(), Split::File, &mut |piece| {
        if let (Kind::Lines, Ok(text)) = (piece.kind, piece.text) {
            let what = Raw::Lines { text: text.to_vec(), line: piece.line, before: number };
            goes_on = sink(Part::Unread(Unread { file: Arc::clone(&file), what }));
            return if goes_on { Next::More } else { Next::Stop };
        }
        let (next, item) = value(&file, &piece);
        if let Some(item) = item {
            let item = item.map(|record| {
                number += 1;
                Record { number, ..record }
            });
            goes_on = sink(Part::Item(item));
        }
        if goes_on { next } else { Next::Stop }
    });
    match read {
        Ok(()) => goes_on,
        Err(error) => problem(name, None, reading_ended(&error), sink),
    }
}

/// The values of lines of a file, from a line on, behind which another value begins. Their numbers are not known.
pub(crate) fn block(file: &Arc<str>, mut text: &[u8], line: u64, sink: &mut dyn FnMut(ReadItem) -> bool) -> bool {
    let mut goes_on = true;
    let read =
        split::split(&mut text, &Shapes::builtin().streamed_lists(), Split::Lines { from: line }, &mut |piece| {
            let (next, item) = value(file, &piece);
            if let Some(item) = item {
                goes_on = sink(item);
            }
            if goes_on { next } else { Next::Stop }
        });
    goes_on && read.is_ok()
}

/// What a piece of a text holds, if it is one value.
fn value(file: &Arc<str>, piece: &Piece<'_>) -> (Next, Option<ReadItem>) {
    let Piece { line, text, kind } = piece;
    let value = text.map_err(str::to_owned).and_then(|text| {
        serde_json::from_slice::<Value>(text).map_err(|error| format!("not JSON: {}", without_place(&error)))
    });
    if *kind == Kind::Guess && !matches!(value, Ok(Value::Object(_))) {
        return (Next::NotOneValue, None);
    }
    let line = Some(*line);
    let wrong = |message: String| Err(Problem { file: Arc::clone(file), line, message });
    let item = match value {
        Ok(value @ Value::Object(_)) => Ok(Record { file: Arc::clone(file), number: 0, line, value }),
        Ok(other) => wrong(not_an_object(&other)),
        Err(message) => wrong(message),
    };
    (Next::More, Some(item))
}

/// The error without its place, which is counted from where the value begins.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].to_owned()
}

fn not_an_object(value: &Value) -> String {
    let what = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array in an array",
        Value::Object(_) => "an object",
    };
    format!("{what} is no event; an event is a JSON object")
}

/// Events in XML: one document, or one a line.
pub(crate) fn xml(name: &str, input: impl BufRead, sink: Sink<'_>) -> bool {
    let file: Arc<str> = name.into();
    let (mut number, mut problems) = (0, 0);
    let goes_on = xml::events(input, &mut |line, event| match event {
        Ok(value) => {
            number += 1;
            sink(Part::Item(Ok(Record { file: Arc::clone(&file), number, line: Some(line), value })))
        }
        Err(message) => {
            problems += 1;
            problem(name, Some(line), message, sink)
        }
    });
    if goes_on && number == 0 && problems == 0 {
        return problem(name, None, "not a log: the XML holds no `<Event>`", sink);
    }
    goes_on
}

/// Reads a line of at most `max` bytes into `text`; of a longer one the rest is passed over. `None` at the end, otherwise
/// whether the line is complete.
fn read_line(input: &mut impl BufRead, text: &mut Vec<u8>, max: usize) -> io::Result<Option<bool>> {
    text.clear();
    if input.by_ref().take(max as u64).read_until(b'\n', text)? == 0 {
        return Ok(None);
    }
    if text.last() == Some(&b'\n') || text.len() < max {
        return Ok(Some(true));
    }
    loop {
        let buffer = input.fill_buf()?;
        let end = memchr::memchr(b'\n', buffer);
        let length = end.map_or(buffer.len(), |at| at + 1);
        let is_end = length == 0 || end.is_some();
        input.consume(length);
        if is_end {
            return Ok(Some(false));
        }
    }
}

/// Lines that are no records, before the first that is one: only then it is known whether the file is a log at all.
#[derive(Default)]
struct StrangeLines {
    listed: Vec<(u64, &'static str)>,
    count: u64,
}

impl StrangeLines {
    fn add(&mut self, line: u64, why: &'static str) {
        self.count += 1;
        if self.listed.len() < MAX_LISTED_LINES {
            self.listed.push((line, why));
        }
    }

    fn report(&mut self, name: &str, sink: Sink<'_>) -> bool {
        let more = self.count.saturating_sub(self.listed.len() as u64);
        self.count = 0;
        let goes_on = self.listed.drain(..).all(|(line, why)| problem(name, Some(line), why, sink));
        goes_on
            && (more == 0 || problem(name, None, format!("{more} more lines before the first record hold none"), sink))
    }
}

const STRANGE: &str = "neither JSON nor XML, and not a table with a header";

/// Lines of a log that holds JSON or XML behind a prefix, such as syslog's; of the Linux audit log; and of Zeek.
pub(crate) fn lines(name: &str, mut input: impl BufRead, sink: Sink<'_>) -> bool {
    let file: Arc<str> = name.into();
    let (mut number, mut line) = (0, 0);
    let mut text = Vec::new();
    let mut strange = StrangeLines::default();
    let mut zeek: Option<ZeekTable> = None;
    let give = |value: Value, line: u64, number: &mut u64, sink: Sink<'_>| {
        *number += 1;
        sink(Part::Item(Ok(Record { file: Arc::clone(&file), number: *number, line: Some(line), value })))
    };
    loop {
        line += 1;
        let is_complete = match read_line(&mut input, &mut text, MAX_RECORD_BYTES) {
            Ok(Some(is_complete)) => is_complete,
            Ok(None) => break,
            Err(error) => return problem(name, Some(line), reading_ended(&error), sink),
        };
        let shown = String::from_utf8_lossy(&text);
        let shown = shown.trim_end_matches(['\r', '\n']);
        if ZeekTable::begins(shown) {
            zeek = Some(ZeekTable::default());
        }
        let value = match &mut zeek {
            _ if !is_complete => Err("longer than 16 MiB"),
            _ if shown.trim().is_empty() => continue,
            Some(table) => match table.line(shown) {
                Ok(None) => continue,
                Ok(Some(value)) => Ok(value),
                Err(why) => Err(why),
            },
            None => line_value(shown.trim()).ok_or(STRANGE),
        };
        let goes_on = match value {
            Ok(value) => strange.report(name, sink) && give(value, line, &mut number, sink),
            Err(why) if number == 0 => {
                strange.add(line, why);
                true
            }
            Err(why) => problem(name, Some(line), why, sink),
        };
        if !goes_on {
            return false;
        }
    }
    let count = strange.count;
    if number == 0 && count > MAX_LISTED_LINES as u64 {
        let message = format!("not a log: none of its {count} lines holds JSON, XML or an audit record");
        return problem(name, None, message, sink);
    }
    strange.report(name, sink)
}

fn is_filled_object(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| !fields.is_empty())
}

/// What a line holds: an object or an event in XML behind a prefix, or a record of the Linux audit log.
fn line_value(line: &str) -> Option<Value> {
    if let Some(audit) = audit::record(line) {
        return Some(audit);
    }
    let at = line.find(['{', '<'])?;
    if let Some(Ok(value)) = line.get(at..).map(serde_json::from_str::<Value>)
        && is_filled_object(&value)
    {
        return Some(value);
    }
    // Syslog begins with a priority in angle brackets.
    line.find("<Event").and_then(|at| xml::event(line.get(at..)?).ok()).or_else(|| {
        let at = line.find('{')?;
        serde_json::from_str(line.get(at..)?).ok().filter(is_filled_object)
    })
}
