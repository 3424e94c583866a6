//! Parts of files: what can be decoded in another thread than the one that reads.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
};

use crate::{
    evtx_file::{expected_records, place},
    lines,
    read::{Problem, ReadItem, Record, causes},
};

/// A part of a file, in the order of the file. Numbers of records count from what [`Numbering`] says.
#[derive(Debug)]
pub enum Part {
    /// A record, or what could not be read.
    Item(ReadItem),
    /// Records that are not decoded yet.
    Unread(Unread),
}

/// Records that are not decoded yet: decoding is most of what reading costs, and can be done by any thread.
pub struct Unread {
    pub(crate) file: Arc<str>,
    pub(crate) what: Raw,
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread").field("file", &self.file).finish_non_exhaustive()
    }
}

/// What is not decoded yet.
pub(crate) enum Raw {
    /// Lines of JSON from a line on; so many records came before.
    Lines { text: Vec<u8>, line: u64, before: u64 },
    /// A chunk of an EVTX file, behind this record.
    Chunk { data: Box<evtx::EvtxChunkData>, behind: u64 },
}

impl Unread {
    /// The file.
    #[must_use]
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// Hands every record to `sink` until it returns `false`; says whether it wants more, and how many records
    /// [`Numbering::add`] is to be given.
    pub fn read(self, sink: &mut dyn FnMut(ReadItem) -> bool) -> (bool, u64) {
        let Self { file, what } = self;
        match what {
            Raw::Lines { text, line, before } => {
                let mut count = 0;
                let goes_on = lines::block(&file, &text, line, &mut |item| {
                    sink(item.map(|mut record| {
                        count += 1;
                        record.number = before + count;
                        record
                    }))
                });
                (goes_on, count)
            }
            // Records of EVTX have numbers of their own.
            Raw::Chunk { data, behind } => (chunk(&file, *data, behind, sink), 0),
        }
    }
}

/// Counts the records of the parts of a file that were decoded somewhere else: what comes behind them has higher numbers.
#[derive(Debug, Default)]
pub struct Numbering {
    file: Option<Arc<str>>,
    records: u64,
}

impl Numbering {
    /// What is to be added to the number of a record of this file, which may be a new one.
    #[must_use]
    pub fn offset(&self, file: &Arc<str>) -> u64 {
        match &self.file {
            // A file that is read twice has the same name both times.
            Some(known) if Arc::ptr_eq(known, file) => self.records,
            _ => 0,
        }
    }

    /// Counts the records of a part.
    pub fn add(&mut self, file: &Arc<str>, records: u64) {
        match &self.file {
            Some(known) if Arc::ptr_eq(known, file) => self.records += records,
            _ => (self.file, self.records) = (Some(Arc::clone(file)), records),
        }
    }
}

/// Decodes parts as they come.
pub(crate) fn decode(sink: &mut dyn FnMut(ReadItem) -> bool) -> impl FnMut(Part) -> bool {
    let mut numbering = Numbering::default();
    move |part| match part {
        Part::Item(item) => sink(item.map(|mut record| {
            record.number += numbering.offset(&record.file);
            record
        })),
        Part::Unread(unread) => {
            let file = Arc::clone(unread.file());
            let offset = numbering.offset(&file);
            let (goes_on, records) = unread.read(&mut |item| {
                sink(item.map(|mut record| {
                    record.number += offset;
                    record
                }))
            });
            numbering.add(&file, records);
            goes_on
        }
    }
}

/// Hands every record of a chunk to `sink`; damaged ones are problems.
fn chunk(file: &Arc<str>, mut data: evtx::EvtxChunkData, behind: u64, sink: &mut dyn FnMut(ReadItem) -> bool) -> bool {
    static SETTINGS: OnceLock<Arc<evtx::ParserSettings>> = OnceLock::new();
    let settings = SETTINGS.get_or_init(|| Arc::new(evtx::ParserSettings::default().num_threads(1)));
    let mut last = behind;
    let problem = |message: String| Err(Problem { file: Arc::clone(file), line: None, message });
    let expected = expected_records(&data.header);
    let (mut found, mut damaged) = (0_u64, 0_u64);
    // The decoder is another's: what makes it panic is damage as well.
    let failed = |last: u64| format!("the EVTX decoder failed {}; the rest of this part is not read", place(last));
    let data = &mut data;
    let parse = move || {
        let data = data;
        data.parse(Arc::clone(settings))
    };
    let mut parsed = match catch_unwind(AssertUnwindSafe(parse)) {
        Ok(Ok(parsed)) => parsed,
        Ok(Err(error)) => {
            return sink(problem(format!("a damaged part {} is skipped: {}", place(last), causes(&error))));
        }
        Err(_) => return sink(problem(failed(last))),
    };
    let mut records = parsed.iter();
    loop {
        let next = catch_unwind(AssertUnwindSafe(|| {
            records.next().map(|record| record.and_then(evtx::EvtxRecord::into_json_value))
        }));
        let goes_on = match next {
            // Whatever hides records from the decoder, what is missing is said.
            Ok(None) if found + damaged < expected => {
                let place = place(behind);
                return sink(problem(format!(
                    "{found} records are read of the {expected} that the header of a part {place} counts"
                )));
            }
            Ok(None) => return true,
            Ok(Some(Ok(record))) => {
                found += 1;
                last = record.event_record_id;
                sink(Ok(Record { file: Arc::clone(file), number: last, line: None, value: record.data }))
            }
            Ok(Some(Err(error))) => {
                damaged += 1;
                sink(problem(format!("a damaged part {} is skipped: {}", place(last), causes(&error))))
            }
            Err(_) => return sink(problem(failed(last))),
        };
        if !goes_on {
            return false;
        }
    }
}
