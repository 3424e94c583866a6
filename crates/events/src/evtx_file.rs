//! Windows' own log files.

use std::{
    io::{Seek as _, SeekFrom},
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
const CHUNK_BYTES: u64 = 64 * 1024;

/// Hands every chunk of an EVTX file to `sink`; damaged ones are problems, and what follows them is read.
pub(crate) fn read(name: &str, mut stored: Stored, sink: Sink<'_>) -> bool {
    let length = match stored.seek(SeekFrom::End(0)).and_then(|length| stored.rewind().map(|()| length)) {
        Ok(length) => length,
        Err(error) => return problem(name, None, error.to_string(), sink),
    };
    let settings = evtx::ParserSettings::default().num_threads(1);
    let mut parser = match evtx::EvtxParser::from_read_seek(stored) {
        Ok(parser) => parser.with_configuration(settings),
        Err(error) => return problem(name, None, format!("not readable as EVTX: {}", causes(&error)), sink),
    };
    let file: Arc<str> = name.into();
    let mut chunks = parser.chunks();
    let mut last = 0;
    loop {
        // The decoder is another's: what makes it panic is damage as well.
        let chunk = match catch_unwind(AssertUnwindSafe(|| chunks.next())) {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(_) => {
                let message = format!("the EVTX decoder failed behind record {last}; the rest is not read");
                return problem(name, None, message, sink);
            }
        };
        let goes_on = match chunk {
            Ok(data) => {
                let behind = last;
                if data.header.first_event_record_id <= data.header.last_event_record_id {
                    last = data.header.last_event_record_id;
                }
                let what = Raw::Chunk { data: Box::new(data), behind };
                sink(Part::Unread(Unread { file: Arc::clone(&file), what }))
            }
            Err(error) => {
                let place = if last == 0 { "at the beginning".to_owned() } else { format!("behind record {last}") };
                problem(name, None, format!("a damaged part {place} is skipped: {}", causes(&error)), sink)
            }
        };
        if !goes_on {
            return false;
        }
    }
    match length.saturating_sub(HEADER_BYTES) % CHUNK_BYTES {
        0 => true,
        rest => problem(name, None, format!("the file ends in the middle of a chunk: {rest} bytes are not read"), sink),
    }
}
