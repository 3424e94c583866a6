//! Files and folders to records, whatever they are written in.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::Value;

use crate::{
    archive::{self, Budget, Budgeted, Snapshot, Stored},
    evtx_file, lines, parquet_file,
    part::{Part, decode},
    table,
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
pub(crate) type Sink<'s> = &'s mut dyn FnMut(Part) -> bool;

/// Archives and compressed files inside of each other that are opened.
const MAX_LAYERS: u32 = 3;

/// Bytes of a stream that are read at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// The same of a text, whose lines are handed on by the hundred.
const TEXT_BUFFER_BYTES: usize = 1024 * 1024;

/// Reads log files.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// Counts the bytes of files that were read, as they lie on the disk.
    bytes: Option<Arc<AtomicU64>>,
}

/// The first bytes, which say how a file is written: a tar archive says it in its first block.
const HEAD_BYTES: u64 = 512;

/// Where the bytes of a file come from.
pub(crate) enum Input<'a> {
    /// A file of its own, in which a reader may go back and forth.
    File(File),
    /// Bytes that come once.
    Stream(Box<dyn Read + 'a>),
}

impl Reader {
    /// The files under a path, in the order of their names; the path itself where it is a file. Hidden files are left out.
    /// What a folder holds that is not read (a symbolic link, a pipe, a folder without permission) is a problem in its place.
    ///
    /// # Errors
    /// The path does not exist or cannot be examined.
    pub fn files(&self, path: &Path) -> io::Result<Vec<Result<PathBuf, Problem>>> {
        if !path.metadata()?.is_dir() {
            return Ok(vec![Ok(path.to_owned())]);
        }
        let mut walk = ignore::WalkBuilder::new(path);
        walk.standard_filters(false).hidden(true).follow_links(false).sort_by_file_name(Ord::cmp);
        let unread =
            |path: &Path, message: String| Problem { file: path.display().to_string().into(), line: None, message };
        let mut files = Vec::new();
        for entry in walk.build() {
            match entry {
                Ok(entry) => match entry.file_type() {
                    Some(kind) if kind.is_file() => files.push(Ok(entry.into_path())),
                    Some(kind) if kind.is_dir() => {}
                    Some(kind) if kind.is_symlink() => {
                        let message = "a symbolic link, which is not followed; name what it points to".to_owned();
                        files.push(Err(unread(entry.path(), message)));
                    }
                    _ => files.push(Err(unread(entry.path(), NOT_REGULAR.to_owned()))),
                },
                Err(error) => {
                    let (path, message) = walk_error(&error, path);
                    files.push(Err(unread(&path, message)));
                }
            }
        }
        Ok(files)
    }

    /// A reader that adds the bytes of the files which it reads to a counter, for who wants to know how far it is.
    #[must_use]
    pub fn counting(bytes: Arc<AtomicU64>) -> Self {
        Self { bytes: Some(bytes) }
    }

    /// Hands every record of a file to `sink` until it returns `false`. What cannot be read is handed over as a problem, and
    /// reading goes on behind it. Returns whether the sink wants more.
    ///
    /// A file is read to the length that it has at the beginning: what is appended meanwhile is left to the next time.
    pub fn read_file(&self, path: &Path, sink: &mut dyn FnMut(ReadItem) -> bool) -> bool {
        self.read_file_parts(path, &mut decode(sink))
    }

    /// The same in parts, of which some are still to be decoded.
    pub fn read_file_parts(&self, path: &Path, sink: &mut dyn FnMut(Part) -> bool) -> bool {
        let name = path.display().to_string();
        // Opening a pipe would wait for who writes to it, and a device has no end.
        match path.metadata() {
            Ok(data) if data.is_file() => {}
            Ok(data) if data.is_dir() => return problem(&name, None, "a folder, not a file", sink),
            Ok(_) => return problem(&name, None, NOT_REGULAR, sink),
            Err(error) => return problem(&name, None, error.to_string(), sink),
        }
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        match opened {
            Ok((data, file)) if data.is_file() => {
                let budget = Budget::of_file(data.len());
                let begin = self.bytes.as_ref().map(|bytes| bytes.load(Ordering::Relaxed));
                let goes_on = self.open(&name, Input::File(file), &budget, 0, sink);
                // A format in which a reader goes back and forth is not counted on the way.
                if let (Some(bytes), Some(begin)) = (&self.bytes, begin) {
                    bytes.store(begin + data.len(), Ordering::Relaxed);
                }
                goes_on
            }
            Ok(_) => problem(&name, None, NOT_REGULAR, sink),
            Err(error) => problem(&name, None, error.to_string(), sink),
        }
    }

    /// The same for bytes; `name` stands in records and problems.
    pub fn read_bytes(&self, name: &str, bytes: &[u8], sink: &mut dyn FnMut(ReadItem) -> bool) -> bool {
        let budget = Budget::of_file(bytes.len() as u64);
        self.open(name, Input::Stream(Box::new(bytes)), &budget, 0, &mut decode(sink))
    }

    /// The same for a stream, such as standard input.
    pub fn read_stream(&self, name: &str, stream: impl Read, sink: &mut dyn FnMut(ReadItem) -> bool) -> bool {
        self.read_stream_parts(name, stream, &mut decode(sink))
    }

    /// The same in parts.
    pub fn read_stream_parts(&self, name: &str, stream: impl Read, sink: &mut dyn FnMut(Part) -> bool) -> bool {
        let budget = Budget::of_stream();
        let stream = budget.count_input(stream);
        self.open(name, Input::Stream(Box::new(stream)), &budget, 0, sink)
    }

    /// Reads a file by what its first bytes say.
    pub(crate) fn open(&self, name: &str, input: Input<'_>, budget: &Budget, layer: u32, sink: Sink<'_>) -> bool {
        if layer > MAX_LAYERS {
            return problem(name, None, format!("more than {MAX_LAYERS} archives inside of each other"), sink);
        }
        let opened = match input {
            Input::File(file) => Opened::file(file, self.bytes.clone()),
            Input::Stream(stream) => Opened::stream(stream),
        };
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) => return problem(name, None, error.to_string(), sink),
        };
        match Format::of(&opened.head) {
            Format::Empty => true,
            Format::Gzip => {
                let decoder = flate2::bufread::MultiGzDecoder::new(opened.into_buffer());
                let stream = Budgeted::new(decoder, budget);
                self.open(name, Input::Stream(Box::new(stream)), budget, layer + 1, sink)
            }
            Format::Zstd => {
                let decoder = archive::ZstdFrames::new(opened.into_buffer());
                let stream = Budgeted::new(decoder, budget);
                self.open(name, Input::Stream(Box::new(stream)), budget, layer + 1, sink)
            }
            Format::Zip => match opened.store() {
                Ok(stored) => archive::zip(self, name, stored, budget, layer, sink),
                Err(error) => problem(name, None, error.to_string(), sink),
            },
            Format::Evtx => match opened.store() {
                Ok(stored) => evtx_file::read(name, stored, sink),
                Err(error) => problem(name, None, error.to_string(), sink),
            },
            Format::Parquet => match opened.store() {
                Ok(stored) => parquet_file::read(name, stored, sink),
                Err(error) => problem(name, None, error.to_string(), sink),
            },
            Format::Tar => archive::tar(self, name, opened.into_buffer(), budget, layer, sink),
            Format::Text => text(name, opened.into_buffer(), sink),
        }
    }
}

const NOT_REGULAR: &str = "not a regular file (a pipe or a device); `-` reads standard input";

/// The path at which a folder could not be listed, and why.
fn walk_error(error: &ignore::Error, root: &Path) -> (PathBuf, String) {
    match error {
        ignore::Error::WithPath { path, err } => (path.clone(), walk_error(err, root).1),
        ignore::Error::WithDepth { err, .. } => walk_error(err, root),
        ignore::Error::Io(error) => (root.to_owned(), error.to_string()),
        error => (root.to_owned(), error.to_string()),
    }
}

/// What the first bytes of a file say about it.
enum Format {
    Empty,
    Gzip,
    Zstd,
    Zip,
    Evtx,
    Parquet,
    Tar,
    Text,
}

impl Format {
    fn of(head: &[u8]) -> Self {
        match head {
            [] => Self::Empty,
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Self::Zip,
            [b'P', b'A', b'R', b'1' | b'E', ..] => Self::Parquet,
            head if head.starts_with(b"ElfFile\0") => Self::Evtx,
            head if head.get(257..262) == Some(b"ustar") => Self::Tar,
            _ => Self::Text,
        }
    }
}

/// A file whose first bytes are known.
struct Opened<'a> {
    head: Vec<u8>,
    bytes: Source<'a>,
}

enum Source<'a> {
    File(File, Option<Arc<AtomicU64>>),
    Stream(BufReader<Box<dyn Read + 'a>>),
}

impl<'a> Opened<'a> {
    fn file(mut file: File, counter: Option<Arc<AtomicU64>>) -> io::Result<Self> {
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(HEAD_BYTES).read_to_end(&mut head)?;
        io::Seek::rewind(&mut file)?;
        Ok(Self { head, bytes: Source::File(file, counter) })
    }

    fn stream(mut stream: Box<dyn Read + 'a>) -> io::Result<Self> {
        // A stream may give fewer bytes at a time than tell the format.
        let mut head = Vec::new();
        let read = stream.by_ref().take(HEAD_BYTES).read_to_end(&mut head);
        // What was read before an error is as good as the rest.
        let failed = match read {
            Err(error) if head.is_empty() => return Err(error),
            read => read.err(),
        };
        let rest = Rest { failed, stream };
        let whole: Box<dyn Read + 'a> = Box::new(io::Cursor::new(head.clone()).chain(rest));
        Ok(Self { head, bytes: Source::Stream(BufReader::with_capacity(BUFFER_BYTES, whole)) })
    }

    fn into_buffer(self) -> BufReader<Box<dyn Read + 'a>> {
        match self.bytes {
            Source::File(file, counter) => {
                let stream: Box<dyn Read + 'a> = Box::new(Snapshot::new(file, counter));
                BufReader::with_capacity(BUFFER_BYTES, stream)
            }
            Source::Stream(stream) => stream,
        }
    }

    fn store(self) -> io::Result<Stored> {
        match self.bytes {
            Source::File(file, _) => Ok(Stored::File(file)),
            Source::Stream(stream) => archive::store(stream),
        }
    }
}

/// What follows the first bytes of a stream: the error that ended them, if any.
struct Rest<'a> {
    failed: Option<io::Error>,
    stream: Box<dyn Read + 'a>,
}

impl Read for Rest<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.stream.read(buffer),
        }
    }
}

/// The ending of a name in lower case, before those of its compression.
fn ending(name: &str) -> String {
    let mut bare = Path::new(name);
    loop {
        let ending = bare.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        match bare.file_stem() {
            Some(stem) if matches!(ending.as_str(), "gz" | "gzip" | "zst" | "zstd") => bare = Path::new(stem),
            _ => return ending,
        }
    }
}

pub(crate) fn problem(file: &str, line: Option<u64>, message: impl Into<String>, sink: Sink<'_>) -> bool {
    sink(Part::Item(Err(Problem { file: file.into(), line, message: message.into() })))
}

/// An error and what caused it, on one line.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    /// Causes of each other that are written.
    const MAX_CAUSES: usize = 8;
    let chain = std::iter::successors(Some(error), |error| error.source()).take(MAX_CAUSES);
    let mut parts: Vec<String> = Vec::new();
    for part in chain.map(|error| error.to_string().trim().trim_end_matches('.').replace(['\n', '\r'], " ")) {
        if parts.last().is_none_or(|last| !last.contains(&part)) {
            parts.push(part);
        }
    }
    parts.join(": ")
}

/// A text: JSON, events in XML, or a table with a header.
fn text(name: &str, input: impl Read, sink: Sink<'_>) -> bool {
    // Reads UTF-16 with a byte-order mark, and takes the mark away.
    let decoded = encoding_rs_io::DecodeReaderBytesBuilder::new().bom_override(true).build(input);
    let mut input = BufReader::with_capacity(TEXT_BUFFER_BYTES, decoded);
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
            Err(error) => return problem(name, None, reading_ended(&error), sink),
        }
    };
    let ending = ending(name);
    match first {
        Some(b'<') => lines::xml(name, input, sink),
        Some(b'{' | b'[') => lines::json(name, input, sink),
        _ if matches!(ending.as_str(), "csv" | "tsv" | "psv") => table::read(name, input, &ending, sink),
        _ if matches!(ending.as_str(), "json" | "jsonl" | "ndjson") => lines::json(name, input, sink),
        _ => lines::lines(name, input, sink),
    }
}

pub(crate) fn reading_ended(error: &io::Error) -> String {
    format!("reading ended early: {}", causes(error))
}
