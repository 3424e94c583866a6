//! Windows' own log files.

use std::{
    io::{self, Read as _, Seek as _, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{
    archive::Stored,
    part::{Part, Raw, Unread},
    read::{Sink, causes, problem},
};

/// Bytes before the first chunk, and of a chunk.
const HEADER_BYTES: u64 = 4096;
const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes of a chunk's header that say which records it holds.
const CHUNK_HEADER_BYTES: usize = 128;
/// Bytes of a record before its content.
const RECORD_HEADER_BYTES: u32 = 24;

/// Hands every chunk of an EVTX file to `sink`; damaged ones are problems, and what follows them is read.
pub(crate) fn read(name: &str, mut stored: Stored, sink: Sink<'_>) -> bool {
    let layout = match Layout::of(&mut stored) {
        Ok(layout) => layout,
        Err(why) => return problem(name, None, format!("not readable as EVTX: {why}"), sink),
    };
    let file: Arc<str> = name.into();
    let mut last = 0;
    let mut empty = 0;
    for number in layout.order() {
        let (data, bytes) = match layout.chunk(&mut stored, number) {
            Ok(found) => found,
            Err(error) => return problem(name, None, format!("reading ended early: {error}"), sink),
        };
        if data.iter().all(|byte| *byte == 0) {
            // Windows makes files longer than what it has written.
            empty += u64::from(number < layout.used);
            continue;
        }
        if !say_empty(name, &mut empty, last, sink) {
            return false;
        }
        let is_cut = bytes < CHUNK_BYTES;
        let place = place(last);
        // The decoder is another's: what makes it panic is damage as well.
        let chunk = catch_unwind(AssertUnwindSafe(|| evtx::EvtxChunkData::new(data, false)));
        let goes_on = match chunk {
            Ok(Ok(mut data)) => {
                let behind = last;
                let header = &mut data.header;
                if header.first_event_record_id <= header.last_event_record_id {
                    last = header.last_event_record_id;
                }
                let last_record = header.last_event_record_data_offset.saturating_add(RECORD_HEADER_BYTES);
                let is_wrong = header.free_space_offset < last_record && !is_without_records(header);
                if is_wrong {
                    header.free_space_offset = CHUNK_BYTES as u32;
                }
                let what = Raw::Chunk { data: Box::new(data), behind };
                let message =
                    format!("the header of a part {place} is damaged: its records end before the last of them");
                (!is_wrong || problem(name, None, message, sink))
                    && sink(Part::Unread(Unread { file: Arc::clone(&file), what }))
                    && (!is_cut || problem(name, None, cut("what is there is read"), sink))
            }
            _ if is_cut => problem(name, None, cut(&format!("{bytes} bytes are not read")), sink),
            Ok(Err(error)) => {
                problem(name, None, format!("a damaged part {place} is skipped: {}", causes(&error)), sink)
            }
            Err(_) => problem(name, None, format!("the EVTX decoder failed {place}; this part is not read"), sink),
        };
        if !goes_on {
            return false;
        }
    }
    if !say_empty(name, &mut empty, last, sink) {
        return false;
    }
    match layout.counted.checked_sub(layout.chunks) {
        None | Some(0) => true,
        Some(missing) => {
            let message = format!(
                "the file ends early: {missing} of the {} chunks that its header counts are missing",
                layout.counted
            );
            problem(name, None, message, sink)
        }
    }
}

/// Where in a file something is.
pub(crate) fn place(last: u64) -> String {
    if last == 0 { "at the beginning".to_owned() } else { format!("behind record {last}") }
}

fn cut(what: &str) -> String {
    format!("the file ends in the middle of a chunk: {what}")
}

/// Whether the header of a chunk says that there is no record in it.
fn is_without_records(header: &evtx::EvtxChunkHeader) -> bool {
    expected_records(header) == 0
}

/// How many records the header of a chunk counts. Their numbers begin at 1; a chunk without records has none, or the last
/// before the first.
pub(crate) fn expected_records(header: &evtx::EvtxChunkHeader) -> u64 {
    let (first, last) = (header.first_event_record_number, header.last_event_record_number);
    let has_none = first == 0 || last == u64::MAX;
    if has_none { 0 } else { last.saturating_add(1).saturating_sub(first) }
}

/// Says that chunks are empty where the file has records before and behind, or counts them.
fn say_empty(name: &str, empty: &mut u64, last: u64, sink: Sink<'_>) -> bool {
    match std::mem::take(empty) {
        0 => true,
        chunks => {
            let what = if chunks == 1 { "1 chunk".to_owned() } else { format!("{chunks} chunks") };
            problem(name, None, format!("{what} {} without content: records are missing", place(last)), sink)
        }
    }
}

/// Where the chunks of a file lie.
struct Layout {
    /// Chunks in the file, of which the last may be cut off.
    chunks: u64,
    /// Chunks of which the header of the file says that they are used.
    counted: u64,
    /// Behind the last chunk that is used.
    used: u64,
    /// The chunk with the oldest records: a full log is written over from the beginning.
    oldest: u64,
}

impl Layout {
    fn of(stored: &mut Stored) -> Result<Self, String> {
        let length = stored.seek(SeekFrom::End(0)).and_then(|length| stored.rewind().map(|()| length));
        let length = length.map_err(|error| error.to_string())?;
        let header = evtx::EvtxFileHeader::from_stream(stored).map_err(|error| causes(&error))?;
        let chunks = length.saturating_sub(HEADER_BYTES).div_ceil(CHUNK_BYTES as u64);
        let counted = u64::from(header.chunk_count);
        let (mut used, mut oldest) = (counted, (u64::MAX, 0));
        for number in 0..chunks {
            let head = read_at(stored, number, CHUNK_HEADER_BYTES).map_err(|error| error.to_string())?;
            if head.iter().any(|byte| *byte != 0) {
                used = used.max(number + 1);
            }
            if let Some((first, last)) = record_ids(&head)
                && first <= last
                && first < oldest.0
            {
                oldest = (first, number);
            }
        }
        Ok(Self { chunks, counted, used, oldest: oldest.1 })
    }

    /// The numbers of the chunks, that with the oldest records first.
    fn order(&self) -> impl Iterator<Item = u64> + use<> {
        (self.oldest..self.chunks).chain(0..self.oldest)
    }

    /// A chunk, filled up where the file ends in it, and how many bytes of it there are.
    fn chunk(&self, stored: &mut Stored, number: u64) -> io::Result<(Vec<u8>, usize)> {
        let mut data = read_at(stored, number, CHUNK_BYTES)?;
        let bytes = data.len();
        data.resize(CHUNK_BYTES, 0);
        Ok((data, bytes))
    }
}

/// The first bytes of a chunk, as far as the file goes.
fn read_at(stored: &mut Stored, number: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut data = Vec::with_capacity(bytes);
    stored.seek(SeekFrom::Start(HEADER_BYTES.saturating_add(number.saturating_mul(CHUNK_BYTES as u64))))?;
    stored.take(bytes as u64).read_to_end(&mut data)?;
    Ok(data)
}

/// The ids of the first and the last record, as the header of a chunk has them.
fn record_ids(head: &[u8]) -> Option<(u64, u64)> {
    let id = |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?));
    head.starts_with(b"ElfChnk\0").then_some(())?;
    Some((id(24)?, id(32)?))
}
