//! Examining records in several threads, with results in the order of the records.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError, mpsc},
};

use ruleatlas_events::{Numbering, Part, Problem, ReadItem, Shape, Shapes};

use crate::{Found, Hit, Hunter, Place, Tally, Worker, decide::decide, sorted::Observations};

/// Records that are handed to a thread together, where they are decoded already.
const BATCH: usize = 128;
/// Batches that wait for a thread, for each.
const WAITING: usize = 4;

/// What a run does beside asking rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOptions {
    /// Threads that decode and examine; at least one.
    pub threads: usize,
    /// The shape of all records, whatever they look like.
    pub shape: Option<&'static Shape>,
    /// Leaves the events' fields out of hits.
    pub without_events: bool,
    /// Hands over no hits, but of rules over several events: the others are only counted.
    pub without_hits: bool,
}

/// What a run gives, in the order of the logs.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "hits are the common case, and are handed over at once")]
pub enum RunItem {
    /// A rule holds.
    Hit(Hit),
    /// Something could not be read.
    Problem(Problem),
    /// So many more records were examined.
    Examined(usize),
}

/// The results of a batch.
#[derive(Debug, Default)]
struct Outcome {
    done: Vec<Done>,
    records: usize,
}

/// What was done with a part. The numbers of records count from what [`Numbering`] says.
#[derive(Debug)]
enum Done {
    Found(Arc<str>, Box<Found>),
    Problem(Problem),
    /// So many records of a part that was decoded here.
    Records(Arc<str>, u64),
}

/// Asks the rules about every record that `read` gives, and hands on every hit in the order of the records and the rules.
/// `read` hands parts of files to the function that it is given until that answers `false`. The answer of `each` says whether
/// to go on. Hits of rules over several events come last, in the order of their time.
///
/// # Errors
/// A temporary file cannot be written or read.
pub fn run(
    hunter: &Hunter,
    options: RunOptions,
    read: impl FnOnce(&mut dyn FnMut(Part) -> bool) + Send,
    each: &mut dyn FnMut(RunItem) -> bool,
) -> io::Result<Tally> {
    let threads = options.threads.max(1);
    let (to_workers, work) = mpsc::sync_channel::<(usize, Vec<Part>)>(threads * WAITING);
    // Of the threads alone: once they have ended, whoever reads finds that nothing is taken any more.
    let work = Arc::new(Mutex::new(work));
    let (to_collector, results) = mpsc::sync_channel::<(usize, Outcome)>(threads * WAITING);
    let tallies = Mutex::new(Tally::default());
    let mut observations = Observations::default();
    let mut unread = Tally::default();
    let (mut failed, mut ended) = (None, false);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut batch = Vec::new();
            let mut number = 0;
            read(&mut |part| {
                let is_full = matches!(part, Part::Unread(_)) || batch.len() + 1 >= BATCH;
                batch.push(part);
                if !is_full {
                    return true;
                }
                number += 1;
                // An error says that nothing is taken any more.
                to_workers.send((number - 1, std::mem::take(&mut batch))).is_ok()
            });
            if !batch.is_empty() {
                let _ = to_workers.send((number, batch));
            }
        });
        for _ in 0..threads {
            let (to_collector, work, tallies) = (to_collector.clone(), Arc::clone(&work), &tallies);
            scope.spawn(move || {
                let mut worker = hunter.worker();
                if options.without_events {
                    worker.without_events();
                }
                if options.without_hits {
                    worker.without_hits();
                }
                loop {
                    let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((number, parts)) = next else { break };
                    let mut outcome = Outcome::default();
                    for part in parts {
                        outcome.examine(part, &mut worker, options.shape);
                    }
                    if to_collector.send((number, outcome)).is_err() {
                        break;
                    }
                }
                tallies.lock().unwrap_or_else(PoisonError::into_inner).merge(worker.take_tally());
            });
        }
        drop((to_collector, work));
        let mut numbering = Numbering::default();
        let mut waiting: BTreeMap<usize, Outcome> = BTreeMap::new();
        let mut next = 0;
        'all: for (number, outcome) in results {
            waiting.insert(number, outcome);
            while let Some(outcome) = waiting.remove(&next) {
                next += 1;
                let mut goes_on = each(RunItem::Examined(outcome.records));
                for done in outcome.done {
                    goes_on &= match done {
                        Done::Records(file, records) => {
                            numbering.add(&file, records);
                            true
                        }
                        Done::Problem(problem) => {
                            unread.file(&problem.file).problems += 1;
                            each(RunItem::Problem(problem))
                        }
                        Done::Found(file, found) => match *found {
                            Found::Hit(mut hit) => {
                                hit.record += numbering.offset(&file);
                                each(RunItem::Hit(hit))
                            }
                            Found::Step(mut step) => {
                                step.hit.record += numbering.offset(&file);
                                match observations.push(*step) {
                                    Ok(()) => true,
                                    Err(error) => {
                                        failed = Some(error);
                                        false
                                    }
                                }
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
    tally.merge(unread);
    if let Some(error) = failed {
        return Err(error);
    }
    if !ended {
        let end = tally.last;
        decide(hunter, &mut observations, end, &mut tally, &mut |hit| each(RunItem::Hit(hit)))?;
    }
    Ok(tally)
}

impl Outcome {
    fn examine(&mut self, part: Part, worker: &mut Worker<'_>, shape: Option<&Shape>) {
        match part {
            Part::Item(item) => self.examine_item(item, worker, shape),
            Part::Unread(unread) => {
                let file = Arc::clone(unread.file());
                let (_, records) = unread.read(&mut |item| {
                    self.examine_item(item, worker, shape);
                    true
                });
                self.done.push(Done::Records(file, records));
            }
        }
    }

    fn examine_item(&mut self, item: ReadItem, worker: &mut Worker<'_>, shape: Option<&Shape>) {
        let record = match item {
            Ok(record) => record,
            Err(problem) => return self.done.push(Done::Problem(problem)),
        };
        self.records += 1;
        let place = Place { file: &record.file, record: record.number };
        Shapes::builtin().events(record.value, shape, &mut |event| {
            worker.examine(event, place, &mut |found| {
                self.done.push(Done::Found(Arc::clone(&record.file), Box::new(found)));
            });
        });
    }
}
