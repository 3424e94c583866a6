//! Examining records in several threads, with results in the order of the records.

use std::{
    collections::BTreeMap,
    io,
    sync::{Mutex, PoisonError, mpsc},
};

use ruleatlas_events::{Record, Shape, Shapes};

use crate::{Found, Hit, Hunter, Place, Tally, decide::decide, sorted::Observations};

/// Records that are handed to a thread together.
const BATCH: usize = 128;
/// Batches that wait for a thread, for each.
const WAITING: usize = 4;

/// What a run does beside asking rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOptions {
    /// Threads that examine; at least one.
    pub threads: usize,
    /// The shape of all records, whatever they look like.
    pub shape: Option<&'static Shape>,
    /// Leaves the events' fields out of hits.
    pub without_events: bool,
}

/// The results of a batch.
#[derive(Debug, Default)]
struct Outcome {
    found: Vec<Found>,
    records: usize,
}

/// Asks the rules about every record that `read` gives, and hands on every hit in the order of the records and the rules.
/// `read` hands records to the function that it is given until that answers `false`. `progress` gets the number of records
/// that were examined since its last call. The answer of `each` says whether to go on. Hits of rules over several events come
/// last, in the order of their time.
///
/// # Errors
/// A temporary file cannot be written or read.
pub fn run(
    hunter: &Hunter,
    options: RunOptions,
    read: impl FnOnce(&mut dyn FnMut(Record) -> bool) + Send,
    progress: &mut dyn FnMut(usize),
    each: &mut dyn FnMut(Hit) -> bool,
) -> io::Result<Tally> {
    let threads = options.threads.max(1);
    let (to_workers, work) = mpsc::sync_channel::<(usize, Vec<Record>)>(threads * WAITING);
    let work = Mutex::new(work);
    let (to_collector, results) = mpsc::sync_channel::<(usize, Outcome)>(threads * WAITING);
    let tallies = Mutex::new(Tally::default());
    let mut sorter = Observations::default();
    let (mut failed, mut ended) = (None, false);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut batch = Vec::with_capacity(BATCH);
            let mut number = 0;
            read(&mut |record| {
                batch.push(record);
                if batch.len() < BATCH {
                    return true;
                }
                number += 1;
                // An error says that nobody takes any more.
                to_workers.send((number - 1, std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))).is_ok()
            });
            if !batch.is_empty() {
                let _ = to_workers.send((number, batch));
            }
        });
        for _ in 0..threads {
            let (to_collector, work, tallies) = (to_collector.clone(), &work, &tallies);
            scope.spawn(move || {
                let mut worker = hunter.worker();
                if options.without_events {
                    worker.without_events();
                }
                loop {
                    let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((number, records)) = next else { break };
                    let mut outcome = Outcome { found: Vec::new(), records: records.len() };
                    for record in records {
                        let place = Place { file: &record.file, record: record.number };
                        Shapes::builtin().events(record.value, options.shape, &mut |event| {
                            worker.examine(event, place, &mut |found| outcome.found.push(found));
                        });
                    }
                    if to_collector.send((number, outcome)).is_err() {
                        break;
                    }
                }
                tallies.lock().unwrap_or_else(PoisonError::into_inner).merge(worker.take_tally());
            });
        }
        drop(to_collector);
        let mut waiting: BTreeMap<usize, Outcome> = BTreeMap::new();
        let mut next = 0;
        'all: for (number, outcome) in results {
            waiting.insert(number, outcome);
            while let Some(outcome) = waiting.remove(&next) {
                next += 1;
                progress(outcome.records);
                for found in outcome.found {
                    let goes_on = match found {
                        Found::Hit(hit) => each(hit),
                        Found::Step(step) => match sorter.push(*step) {
                            Ok(()) => true,
                            Err(error) => {
                                failed = Some(error);
                                false
                            }
                        },
                    };
                    if !goes_on {
                        ended = true;
                        break 'all;
                    }
                }
            }
        }
    });
    let mut tally = tallies.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = failed {
        return Err(error);
    }
    if !ended {
        let end = tally.last;
        decide(hunter, &mut sorter, end, &mut tally, each)?;
    }
    Ok(tally)
}
