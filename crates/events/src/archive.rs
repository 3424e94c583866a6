//! Compressed files and archives, with a bound on what they may expand to.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write as _},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use crate::read::{Input, Reader, Sink, causes, problem};

/// Files of one archive that are read.
const MAX_ARCHIVE_FILES: usize = 10_000;
/// An EVTX file, an archive and the like inside of a compressed file are stored before they are read, up to this size.
const MAX_STORED_BYTES: u64 = 1024 * 1024 * 1024;
/// What is stored is kept in memory up to this size, and in a temporary file beyond.
const MAX_STORED_IN_MEMORY: usize = 16 * 1024 * 1024;
/// A file may expand to this size, whatever its own is.
const MIN_EXPANDED_BYTES: u64 = 1024 * 1024 * 1024;
/// A larger one may expand to so many times its size. Logs are compressed to a tenth up to a hundredth.
const MAX_EXPANSION: u64 = 200;

/// How far the file that a user named may expand, over everything inside of it.
#[derive(Clone)]
pub(crate) struct Budget {
    input: Rc<Cell<u64>>,
    expanded: Rc<Cell<u64>>,
    min: u64,
}

impl Budget {
    pub(crate) fn of_file(bytes: u64) -> Self {
        Self::new(bytes, MIN_EXPANDED_BYTES)
    }

    /// For a stream, whose size is known only once it was read.
    pub(crate) fn of_stream() -> Self {
        Self::new(0, MIN_EXPANDED_BYTES)
    }

    fn new(bytes: u64, min: u64) -> Self {
        Self { input: Rc::new(Cell::new(bytes)), expanded: Rc::default(), min }
    }

    fn is_spent(&self) -> bool {
        self.expanded.get() > self.input.get().saturating_mul(MAX_EXPANSION).max(self.min)
    }

    /// The stream, whose bytes raise the budget.
    pub(crate) fn count_input<R: Read>(&self, stream: R) -> impl Read + use<R> {
        CountedInput { stream, budget: self.clone() }
    }
}

struct CountedInput<R> {
    stream: R,
    budget: Budget,
}

impl<R: Read> Read for CountedInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.budget.input.set(self.budget.input.get().saturating_add(count as u64));
        Ok(count)
    }
}

/// What a decoder gives, until the budget is spent.
pub(crate) struct Budgeted<R> {
    decoder: R,
    budget: Budget,
}

impl<R> Budgeted<R> {
    pub(crate) fn new(decoder: R, budget: &Budget) -> Self {
        Self { decoder, budget: budget.clone() }
    }
}

impl<R: Read> Read for Budgeted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.budget.is_spent() {
            return Err(io::Error::other(format!(
                "the file expands to more than {} MiB and {MAX_EXPANSION} times its size",
                MIN_EXPANDED_BYTES / 1024 / 1024
            )));
        }
        let count = self.decoder.read(buffer)?;
        self.budget.expanded.set(self.budget.expanded.get().saturating_add(count as u64));
        Ok(count)
    }
}

/// A file as long as it was when it was opened.
pub(crate) struct Snapshot {
    file: File,
    /// `None` for files that have no length, as those of `/proc`.
    left: Option<u64>,
    /// Counts what was read.
    counter: Option<Arc<AtomicU64>>,
}

impl Snapshot {
    pub(crate) fn new(file: File, counter: Option<Arc<AtomicU64>>) -> Self {
        let length = file.metadata().map(|data| data.len()).unwrap_or_default();
        Self { file, left: Some(length).filter(|length| *length > 0), counter }
    }
}

impl Read for Snapshot {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(left) = self.left else { return self.file.read(buffer) };
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..count).filter(|buffer| !buffer.is_empty()) else { return Ok(0) };
        let count = self.file.read(buffer)?;
        if count == 0 {
            self.left = Some(0);
            return Err(io::Error::other("the file became shorter while it was read"));
        }
        self.left = Some(left.saturating_sub(count as u64));
        if let Some(counter) = &self.counter {
            counter.fetch_add(count as u64, Ordering::Relaxed);
        }
        Ok(count)
    }
}

/// Bytes in which a reader may go back and forth.
pub(crate) enum Stored {
    File(File),
    Memory(io::Cursor<Vec<u8>>),
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Memory(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Stored {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Memory(bytes) => bytes.seek(to),
        }
    }
}

/// Keeps a stream, in a temporary file where it is large.
pub(crate) fn store(stream: impl Read) -> io::Result<Stored> {
    let mut kept = tempfile::SpooledTempFile::new(MAX_STORED_IN_MEMORY);
    let bytes = io::copy(&mut stream.take(MAX_STORED_BYTES + 1), &mut kept)?;
    if bytes > MAX_STORED_BYTES {
        return Err(io::Error::other(format!(
            "larger than {} MiB inside of a compressed file; expand it first",
            MAX_STORED_BYTES / 1024 / 1024
        )));
    }
    kept.flush()?;
    kept.rewind()?;
    Ok(match kept.into_inner() {
        tempfile::SpooledData::InMemory(bytes) => Stored::Memory(bytes),
        tempfile::SpooledData::OnDisk(file) => Stored::File(file),
    })
}

/// The frames of a zstd stream, one after the other: tools that compress in parallel or append write several.
pub(crate) struct ZstdFrames<R> {
    stream: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: io::BufRead> ZstdFrames<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self { stream, decoder: FrameDecoder::new(), in_frame: false }
    }

    /// Goes to the next frame with data; `false` where the stream ends.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.stream.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.stream) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut self.stream.by_ref().take(u64::from(length)), &mut io::sink())?;
                }
                Err(error) => return Err(not_zstd(&error)),
            }
        }
        Ok(false)
    }
}

fn not_zstd(error: &FrameDecoderError) -> io::Error {
    io::Error::other(format!("not readable as zstd: {}", causes(error)))
}

impl<R: io::BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame {
                self.in_frame = self.next_frame()?;
                if !self.in_frame {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.stream, one).map_err(|error| not_zstd(&error))?;
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.in_frame = !self.decoder.is_finished();
        }
    }
}

/// Reads the files of a zip archive.
pub(crate) fn zip(reader: &Reader, name: &str, stored: Stored, budget: &Budget, layer: u32, sink: Sink<'_>) -> bool {
    let mut archive = match zip::ZipArchive::new(stored) {
        Ok(archive) => archive,
        Err(error) => return problem(name, None, format!("not readable as zip: {}", causes(&error)), sink),
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
                let message = format!("file {} of the archive: {}", at + 1, causes(&error));
                if !problem(name, None, message, sink) {
                    return false;
                }
                continue;
            }
        };
        let inner = format!("{name}/{}", file.name().unwrap_or_default());
        let stream = Input::Stream(Box::new(Budgeted::new(file, budget)));
        if !reader.open(&inner, stream, budget, layer + 1, sink) {
            return false;
        }
    }
    if !archive.has_duplicate_names() {
        return true;
    }
    let (begin, directory) = (archive.offset(), archive.central_directory_start());
    let mut stored = archive.into_inner();
    let hidden = match hidden_entries(&mut stored, directory) {
        Ok(hidden) => hidden,
        Err(error) => {
            let message = format!("several files have one name, of which the last is read: {}", causes(&error));
            return problem(name, None, message, sink);
        }
    };
    for entry in hidden {
        let inner = format!("{name}/{}", String::from_utf8_lossy(&entry.name));
        let place = begin.saturating_add(entry.header.into());
        let opened = match stored.seek(SeekFrom::Start(place)) {
            Ok(_) => zip::read::read_zipfile_from_stream(&mut stored),
            Err(error) => Err(error.into()),
        };
        let why = match opened {
            Ok(Some(file)) if file.is_file() => {
                let stream = Input::Stream(Box::new(Budgeted::new(file, budget)));
                if !reader.open(&inner, stream, budget, layer + 1, sink) {
                    return false;
                }
                continue;
            }
            Ok(Some(_)) => continue,
            Ok(None) => "it is not where the list of files says".to_owned(),
            Err(error) => causes(&error),
        };
        let message = format!("a later file of the archive has the same name, and this one cannot be read: {why}");
        if !problem(&inner, None, message, sink) {
            return false;
        }
    }
    true
}

/// A file of a zip archive that has the name of a later one.
struct Hidden {
    name: Vec<u8>,
    /// Where its own header lies, behind the archive's begin.
    header: u32,
}

/// The files of a zip archive whose names later ones have, too: the decoder knows the last of each name only.
fn hidden_entries(stored: &mut Stored, directory: u64) -> io::Result<Vec<Hidden>> {
    /// Bytes of an entry of the list of files before its name.
    const ENTRY_BYTES: usize = 46;
    stored.seek(SeekFrom::Start(directory))?;
    let mut input = io::BufReader::new(stored);
    let mut last: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    let mut hidden = Vec::new();
    for _ in 0..MAX_ARCHIVE_FILES {
        let mut entry = [0; ENTRY_BYTES];
        // What ends the list is shorter than an entry.
        let (mark, rest) = entry.split_at_mut(4);
        input.read_exact(mark)?;
        if mark != b"PK\x01\x02" {
            break;
        }
        input.read_exact(rest)?;
        let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16::from_le_bytes([entry[at], entry[at + 1]])));
        let header = u32::from_le_bytes([entry[42], entry[43], entry[44], entry[45]]);
        let mut text = vec![0; name];
        input.read_exact(&mut text)?;
        input.seek_relative(i64::try_from(extra + comment).unwrap_or_default())?;
        if let Some(header) = last.insert(text.clone(), header) {
            hidden.push(Hidden { name: text, header });
        }
    }
    Ok(hidden)
}

/// Reads the files of a tar archive.
pub(crate) fn tar(reader: &Reader, name: &str, input: impl Read, budget: &Budget, layer: u32, sink: Sink<'_>) -> bool {
    let mut archive = tar::Archive::new(input);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return problem(name, None, format!("not readable as tar: {}", causes(&error)), sink),
    };
    for (at, entry) in entries.enumerate() {
        let file = match entry {
            _ if at == MAX_ARCHIVE_FILES => {
                return problem(name, None, format!("only the first {at} files are read"), sink);
            }
            Ok(file) if file.header().entry_type().is_file() => file,
            Ok(_) => continue,
            // What follows a damaged header cannot be found.
            Err(error) => return problem(name, None, format!("the archive ends early: {}", causes(&error)), sink),
        };
        let inner = format!("{name}/{}", String::from_utf8_lossy(&file.path_bytes()));
        if !reader.open(&inner, Input::Stream(Box::new(file)), budget, layer + 1, sink) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::{Budget, Budgeted};

    #[test]
    fn what_expands_without_end_is_given_up() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 10_000_000]).unwrap();
        let bomb = encoder.finish().unwrap();
        let expanded = |budget: &Budget| {
            let mut bytes = Vec::new();
            let read = Budgeted::new(flate2::read::GzDecoder::new(bomb.as_slice()), budget).read_to_end(&mut bytes);
            (read.map_err(|error| error.to_string()), bytes.len())
        };
        let size = bomb.len() as u64;
        let (read, length) = expanded(&Budget::new(size, 100_000));
        assert!(read.unwrap_err().contains("200 times its size") && length < 3_000_000, "{length}");
        assert_eq!(expanded(&Budget::new(size, 10_000_000)).1, 10_000_000);
        // Everything inside of a file counts together.
        let budget = Budget::new(size, 15_000_000);
        assert!(expanded(&budget).0.is_ok() && expanded(&budget).0.is_err());
    }
}
