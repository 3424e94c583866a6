//! Files and folders to records, whatever they are written in.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value};

use crate::{
    split::{self, MAX_RECORD_BYTES},
    xml,
};

/// A value of a log file.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The file, and the file inside of it where it is an archive (`logs.zip/host.json`).
    pub file: Arc<str>,
    /// The record's number in the file, from 1; EVTX has numbers of its own.
    pub number: u64,
    /// The one-based line on which it begins, in a text.
    pub line: Option<u64>,
    /// The value: an object.
    pub value: Value,
}

/// What could not be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: Arc<str>,
    /// The one-based line, in a text.
    pub line: Option<u64>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        write!(f, "{}{line}: {}", self.file, self.message)
    }
}

/// A record, or what stands in its place.
pub type ReadItem = Result<Record, Problem>;

/// Receives what is read; `false` ends the reading.
type Sink<'s> = &'s mut dyn FnMut(ReadItem) -> bool;

/// Archives and compressed files inside of each other that are opened.
const MAX_LAYERS: u32 = 3;
/// Files of one archive that are read.
const MAX_ARCHIVE_FILES: usize = 10_000;
/// An EVTX file, an archive inside of a compressed file and the like are read whole, up to this size.
const MAX_WHOLE_BYTES: u64 = 1024 * 1024 * 1024;

/// A text whose first lines are all no records is no log.
const MAX_STRANGE_LINES: usize = 5;

/// Reads log files.
#[derive(Clone, Debug, Default)]
pub struct Reader {}

impl Reader {
    /// The files under a path, in the order of their names; the path itself where it is a file. Hidden files are left out.
    ///
    /// # Errors
    /// The path does not exist or cannot be listed.
    pub fn files(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        if !path.metadata()?.is_dir() {
            return Ok(vec![path.to_owned()]);
        }
        let mut walk = ignore::WalkBuilder::new(path);
        walk.standard_filters(false).hidden(true).follow_links(false).sort_by_file_name(Ord::cmp);
        let mut files = Vec::new();
        for entry in walk.build() {
            let entry = entry.map_err(io::Error::other)?;
            if entry.file_type().is_some_and(|kind| kind.is_file()) {
                files.push(entry.into_path());
            }
        }
        Ok(files)
    }

    /// Hands every record of a file to `sink` until it returns `false`. What cannot be read is handed over as a problem, and
    /// reading goes on behind it. Returns whether the sink wants more.
    pub fn read_file(&self, path: &Path, sink: &mut dyn FnMut(ReadItem) -> bool) -> bool {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) if file.metadata().is_ok_and(|data| data.is_file()) => self.open(&name, Box::new(file), 0, sink),
            Ok(_) => problem(&name, None, "not a regular file", sink),
            Err(error) => problem(&name, None, error.to_string(), sink),
        }
    }

    /// The same for bytes; `name` stands in records and problems.
    pub fn read_bytes(&self, name: &str, bytes: &[u8], sink: &mut dyn FnMut(ReadItem) -> bool) -> bool {
        self.open(name, Box::new(Cursor::new(bytes)), 0, sink)
    }

    /// The same for a stream, such as standard input.
    pub fn read_stream(&self, name: &str, stream: impl Read, sink: &mut dyn FnMut(ReadItem) -> bool) -> bool {
        self.open(name, Box::new(stream), 0, sink)
    }

    /// Reads a stream by what its first bytes say.
    fn open<'a>(&self, name: &str, stream: Box<dyn Read + 'a>, layer: u32, sink: Sink<'_>) -> bool {
        let mut input = BufReader::with_capacity(64 * 1024, stream);
        let head = match fill(&mut input) {
            Ok(head) => head,
            Err(error) => return problem(name, None, error.to_string(), sink),
        };
        if layer > MAX_LAYERS {
            return problem(name, None, format!("more than {MAX_LAYERS} archives inside of each other"), sink);
        }
        match head.as_slice() {
            [0x1f, 0x8b, ..] => {
                let inner = inner_name(name, &["gz", "gzip"]);
                self.open(&inner, Box::new(flate2::bufread::MultiGzDecoder::new(input)), layer + 1, sink)
            }
            [0x28, 0xb5, 0x2f, 0xfd, ..] => match ruzstd::decoding::StreamingDecoder::new(input) {
                Ok(decoder) => self.open(&inner_name(name, &["zst", "zstd"]), Box::new(decoder), layer + 1, sink),
                Err(error) => problem(name, None, format!("not readable as zstd: {error}"), sink),
            },
            [b'P', b'K', 3 | 5, 4 | 6, ..] => match whole(input) {
                Ok(bytes) => self.zip(name, bytes, layer, sink),
                Err(error) => problem(name, None, error.to_string(), sink),
            },
            head if head.starts_with(b"ElfFile\0") => match whole(input) {
                Ok(bytes) => evtx(name, bytes, sink),
                Err(error) => problem(name, None, error.to_string(), sink),
            },
            [b'P', b'A', b'R', b'1', ..] => problem(name, None, "Parquet is not read by this build", sink),
            [] => true,
            _ => text(name, input, sink),
        }
    }

    fn zip(&self, name: &str, bytes: Vec<u8>, layer: u32, sink: Sink<'_>) -> bool {
        let mut archive = match zip::ZipArchive::new(Cursor::new(bytes)) {
            Ok(archive) => archive,
            Err(error) => return problem(name, None, format!("not readable as zip: {error}"), sink),
        };
        let count = archive.len().min(MAX_ARCHIVE_FILES);
        if archive.len() > count && !problem(name, None, format!("only the first {count} files are read"), sink) {
            return false;
        }
        for at in 0..count {
            let file = match archive.by_index(at) {
                Ok(file) if file.is_file() => file,
                Ok(_) => continue,
                Err(error) => {
                    if !problem(name, None, format!("file {} of the archive: {error}", at + 1), sink) {
                        return false;
                    }
                    continue;
                }
            };
            let inner = format!("{name}/{}", file.name().unwrap_or_default());
            if !self.open(&inner, Box::new(file), layer + 1, sink) {
                return false;
            }
        }
        true
    }
}

/// The first bytes of a stream, which stay in it.
fn fill(input: &mut BufReader<Box<dyn Read + '_>>) -> io::Result<Vec<u8>> {
    Ok(input.fill_buf()?.iter().copied().take(8).collect())
}

/// The name without the ending of its compression.
fn inner_name(name: &str, endings: &[&str]) -> String {
    let bare =
        name.rsplit_once('.').filter(|(_, ending)| endings.iter().any(|known| ending.eq_ignore_ascii_case(known)));
    bare.map_or(name, |(bare, _)| bare).to_owned()
}

fn whole(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_WHOLE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_WHOLE_BYTES {
        return Err(io::Error::other(format!("larger than {} MiB", MAX_WHOLE_BYTES / 1024 / 1024)));
    }
    Ok(bytes)
}

fn problem(file: &str, line: Option<u64>, message: impl Into<String>, sink: Sink<'_>) -> bool {
    sink(Err(Problem { file: file.into(), line, message: message.into() }))
}

fn evtx(name: &str, bytes: Vec<u8>, sink: Sink<'_>) -> bool {
    let settings = evtx::ParserSettings::default().num_threads(1);
    let mut parser = match evtx::EvtxParser::from_buffer(bytes) {
        Ok(parser) => parser.with_configuration(settings),
        Err(error) => return problem(name, None, format!("not readable as EVTX: {error}"), sink),
    };
    let file: Arc<str> = name.into();
    for record in parser.records_json_value() {
        let goes_on = match record {
            Ok(record) => sink(Ok(Record {
                file: Arc::clone(&file),
                number: record.event_record_id,
                line: None,
                value: record.data,
            })),
            Err(error) => problem(name, None, format!("a damaged part is skipped: {error}"), sink),
        };
        if !goes_on {
            return false;
        }
    }
    true
}

/// A text: JSON, events in XML, or a table with a header.
fn text(name: &str, input: impl Read, sink: Sink<'_>) -> bool {
    // Reads UTF-16 with a byte-order mark, and takes the mark away.
    let decoded = encoding_rs_io::DecodeReaderBytesBuilder::new().bom_override(true).build(input);
    let mut input = BufReader::with_capacity(64 * 1024, decoded);
    let first = loop {
        match input.fill_buf() {
            Ok([]) => return true,
            Ok(buffer) => match buffer.iter().position(|byte| !byte.is_ascii_whitespace()) {
                Some(at) => break buffer.get(at).copied(),
                None => {
                    let length = buffer.len();
                    if length > 0 && !buffer.contains(&b'\n') {
                        input.consume(length);
                        continue;
                    }
                    // Lines are counted by who reads the values: only a run of blanks without a line end is skipped here.
                    break Some(b'{');
                }
            },
            Err(error) => return problem(name, None, error.to_string(), sink),
        }
    };
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
    match first {
        Some(b'<') => xml_lines(name, input, sink),
        Some(b'{' | b'[') => json(name, input, sink),
        _ if matches!(ending.as_str(), "csv" | "tsv" | "psv") => table(name, input, &ending, sink),
        _ if matches!(ending.as_str(), "json" | "jsonl" | "ndjson") => json(name, input, sink),
        _ => lines(name, input, sink),
    }
}

fn json(name: &str, mut input: impl BufRead, sink: Sink<'_>) -> bool {
    let file: Arc<str> = name.into();
    let mut number = 0;
    let mut goes_on = true;
    let read = split::split(&mut input, &mut |piece| {
        let line = Some(piece.line);
        let value = piece.text.map_err(str::to_owned).and_then(|text| {
            serde_json::from_slice::<Value>(text).map_err(|error| format!("not JSON: {}", without_place(&error)))
        });
        goes_on = match value {
            Ok(value @ Value::Object(_)) => {
                number += 1;
                sink(Ok(Record { file: Arc::clone(&file), number, line, value }))
            }
            Ok(other) => problem(name, line, not_an_object(&other), sink),
            Err(message) => problem(name, line, message, sink),
        };
        goes_on
    });
    match read {
        Ok(()) => goes_on,
        Err(error) => problem(name, None, format!("reading ended early: {error}"), sink),
    }
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
fn xml_lines(name: &str, input: impl BufRead, sink: Sink<'_>) -> bool {
    let file: Arc<str> = name.into();
    let mut number = 0;
    xml::events(input, &mut |line, event| match event {
        Ok(value) => {
            number += 1;
            sink(Ok(Record { file: Arc::clone(&file), number, line: Some(line), value }))
        }
        Err(message) => problem(name, Some(line), message, sink),
    })
}

/// A table with a header; every row is an object with the header's names.
fn table(name: &str, input: impl Read, ending: &str, sink: Sink<'_>) -> bool {
    let delimiter = match ending {
        "tsv" => b'\t',
        "psv" => b'|',
        _ => b',',
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(input);
    let header = match reader.byte_headers() {
        Ok(header) => header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect::<Vec<_>>(),
        Err(error) => return problem(name, Some(1), format!("not readable as a table: {error}"), sink),
    };
    let file: Arc<str> = name.into();
    let mut row = csv::ByteRecord::new();
    let mut number = 0;
    loop {
        let line = reader.position().line();
        let goes_on = match reader.read_byte_record(&mut row) {
            Ok(false) => return true,
            Ok(true) if row.as_slice().len() > MAX_RECORD_BYTES => {
                problem(name, Some(line), "longer than 16 MiB", sink)
            }
            Ok(true) => {
                number += 1;
                let cells = header.iter().zip(row.iter()).filter(|(name, cell)| !name.is_empty() && !cell.is_empty());
                let value: Map<String, Value> =
                    cells.map(|(name, cell)| (name.clone(), String::from_utf8_lossy(cell).into())).collect();
                let value = Value::Object(value);
                sink(Ok(Record { file: Arc::clone(&file), number, line: Some(line), value }))
            }
            Err(error) if error.is_io_error() => {
                return problem(name, Some(line), format!("reading ended early: {error}"), sink);
            }
            Err(error) => problem(name, Some(line), format!("not a row of the table: {error}"), sink),
        };
        if !goes_on {
            return false;
        }
    }
}

/// Lines of a log that holds JSON or XML behind a prefix, such as syslog's.
fn lines(name: &str, mut input: impl BufRead, sink: Sink<'_>) -> bool {
    let file: Arc<str> = name.into();
    let (mut number, mut line) = (0, 0);
    let mut text = Vec::new();
    // Lines that are no records, before the first that is one.
    let mut strange: Vec<u64> = Vec::new();
    let report = |lines: &mut Vec<u64>, sink: &mut dyn FnMut(ReadItem) -> bool| {
        lines
            .drain(..)
            .all(|line| problem(name, Some(line), "neither JSON nor XML, and not a table with a header", sink))
    };
    loop {
        text.clear();
        line += 1;
        let limit = MAX_RECORD_BYTES as u64;
        match input.by_ref().take(limit).read_until(b'\n', &mut text) {
            Ok(0) => return report(&mut strange, sink),
            Ok(_) => {}
            Err(error) => return problem(name, Some(line), format!("reading ended early: {error}"), sink),
        }
        let shown = String::from_utf8_lossy(&text);
        let shown = shown.trim();
        if shown.is_empty() {
            continue;
        }
        let value = line_value(shown);
        if value.is_none() {
            strange.push(line);
            if number == 0 && strange.len() == MAX_STRANGE_LINES {
                let message = format!(
                    "not a log: none of its first {MAX_STRANGE_LINES} lines holds JSON, XML or an audit record"
                );
                return problem(name, None, message, sink);
            }
        }
        if (number > 0 || value.is_some()) && !report(&mut strange, sink) {
            return false;
        }
        if let Some(value) = value {
            number += 1;
            if !sink(Ok(Record { file: Arc::clone(&file), number, line: Some(line), value })) {
                return false;
            }
        }
    }
}

/// What a line holds: an object or an event in XML behind a prefix, or a record of the Linux audit log.
fn line_value(line: &str) -> Option<Value> {
    if let Some(audit) = crate::shape::audit_record(line) {
        return Some(audit);
    }
    let at = line.find(['{', '<'])?;
    if let Some(Ok(value @ Value::Object(_))) = line.get(at..).map(serde_json::from_str::<Value>) {
        return Some(value);
    }
    // Syslog begins with a priority in angle brackets.
    line.find("<Event").and_then(|at| xml::event(line.get(at..)?).ok())
}
