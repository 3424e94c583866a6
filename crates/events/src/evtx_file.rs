//! Windows' own log files.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{
    archive::Stored,
    read::{Record, Sink, causes, problem},
};

/// Hands every record of an EVTX file to `sink`; damaged chunks and records are problems, and what follows them is read.
pub(crate) fn read(name: &str, stored: Stored, sink: Sink<'_>) -> bool {
    let settings = evtx::ParserSettings::default().num_threads(1);
    let mut parser = match evtx::EvtxParser::from_read_seek(stored) {
        Ok(parser) => parser.with_configuration(settings),
        Err(error) => return problem(name, None, format!("not readable as EVTX: {}", causes(&error)), sink),
    };
    let file: Arc<str> = name.into();
    let mut records = parser.records_json_value();
    let mut last = 0;
    loop {
        // The decoder is another's: what makes it panic is damage as well.
        let record = match catch_unwind(AssertUnwindSafe(|| records.next())) {
            Ok(Some(record)) => record,
            Ok(None) => return true,
            Err(_) => {
                let message = format!("the EVTX decoder failed behind record {last}; the rest is not read");
                return problem(name, None, message, sink);
            }
        };
        let goes_on = match record {
            Ok(record) => {
                last = record.event_record_id;
                sink(Ok(Record { file: Arc::clone(&file), number: last, line: None, value: record.data }))
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
}
