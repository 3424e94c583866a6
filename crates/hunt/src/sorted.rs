//! What single events say of rules over several, in the order of time: an external merge sort.
//!
//! Everything is sorted before anything is decided, so no event is late, in whatever order files and records come. Events of
//! one time stand in the order in which they were read. An event without a time has no place in the order and is left out.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Seek as _, SeekFrom, Write as _},
};

use serde::{Deserialize, Serialize};

use crate::Hit;

/// Bytes that are sorted in memory; more goes to temporary files.
const MAX_BYTES: usize = 64 << 20;
/// Bytes that an observation takes besides its texts.
const OVERHEAD: usize = 400;

/// That an event satisfies a step of a rule over several events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepHit {
    /// The rule's number in its hunter.
    pub(crate) rule: u32,
    /// The number of the step.
    pub(crate) step: usize,
    /// When, in microseconds since 1970.
    pub(crate) time: i64,
    /// What the events of a match share.
    pub(crate) key: Vec<String>,
    /// The value that is counted.
    pub(crate) value: Option<String>,
    /// The event as a hit.
    pub(crate) hit: Hit,
}

/// Takes observations in any order and gives them back in the order of time, as often as asked.
#[derive(Debug)]
pub(crate) struct Sorter {
    /// What is in memory, with the number in the order of reading.
    waiting: Vec<(u64, StepHit)>,
    bytes: usize,
    number: u64,
    files: Vec<File>,
    max_bytes: usize,
}

impl Default for Sorter {
    fn default() -> Self {
        Self { waiting: Vec::new(), bytes: 0, number: 0, files: Vec::new(), max_bytes: MAX_BYTES }
    }
}

impl Sorter {
    /// Takes an observation.
    ///
    /// # Errors
    /// A temporary file cannot be written.
    pub fn push(&mut self, observation: StepHit) -> io::Result<()> {
        self.bytes += OVERHEAD + size(&observation.hit);
        self.waiting.push((self.number, observation));
        self.number += 1;
        if self.bytes >= self.max_bytes { self.spill() } else { Ok(()) }
    }

    pub fn is_empty(&self) -> bool {
        self.number == 0
    }

    fn sort(&mut self) {
        self.waiting.sort_by_key(|(number, observation)| (observation.time, *number));
    }

    fn spill(&mut self) -> io::Result<()> {
        self.sort();
        let mut out = BufWriter::new(tempfile::tempfile()?);
        for row in self.waiting.drain(..) {
            serde_json::to_writer(&mut out, &row)?;
            out.write_all(b"\n")?;
        }
        self.files.push(out.into_inner().map_err(io::IntoInnerError::into_error)?);
        self.bytes = 0;
        Ok(())
    }

    /// Hands on every observation in the order of time, with its number in that order.
    ///
    /// # Errors
    /// A temporary file cannot be read.
    pub fn each(&mut self, mut take: impl FnMut(u64, &StepHit)) -> io::Result<()> {
        self.sort();
        let mut runs: Vec<Run<'_>> = vec![Run::Memory(self.waiting.iter())];
        for file in &mut self.files {
            file.seek(SeekFrom::Start(0))?;
            runs.push(Run::File(BufReader::new(file)));
        }
        let mut heads = BinaryHeap::new();
        let mut current: Vec<Option<(u64, StepHit)>> = Vec::with_capacity(runs.len());
        for (at, run) in runs.iter_mut().enumerate() {
            let next = run.next()?;
            heads.extend(next.as_ref().map(|(number, observation)| Reverse((observation.time, *number, at))));
            current.push(next);
        }
        let mut place = 0;
        while let Some(Reverse((_, _, at))) = heads.pop() {
            let (Some(slot), Some(run)) = (current.get_mut(at), runs.get_mut(at)) else { break };
            let Some((_, observation)) = slot.take() else { continue };
            take(place, &observation);
            place += 1;
            *slot = run.next()?;
            heads.extend(slot.as_ref().map(|(number, observation)| Reverse((observation.time, *number, at))));
        }
        Ok(())
    }
}

enum Run<'r> {
    Memory(std::slice::Iter<'r, (u64, StepHit)>),
    File(BufReader<&'r mut File>),
}

impl Run<'_> {
    fn next(&mut self) -> io::Result<Option<(u64, StepHit)>> {
        match self {
            Self::Memory(rows) => Ok(rows.next().cloned()),
            Self::File(rows) => {
                let mut line = String::new();
                if rows.read_line(&mut line)? == 0 {
                    return Ok(None);
                }
                Ok(Some(serde_json::from_str(&line)?))
            }
        }
    }
}

/// About how many bytes a hit takes.
fn size(hit: &Hit) -> usize {
    let fields = hit.event.iter().map(|(name, value)| name.len() + value.as_str().map_or(40, str::len));
    let matched = hit.matched.iter().map(|matched| matched.field.len() + matched.value.len() + 40);
    hit.file.len() + fields.sum::<usize>() + matched.sum::<usize>()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

    use super::*;

    fn seen(time: i64, record: u64) -> StepHit {
        let hit = Hit { record, ..Hit::default() };
        StepHit { rule: 0, step: 0, time, key: Vec::new(), value: None, hit }
    }

    #[test]
    fn observations_come_in_the_order_of_time_however_many_files_they_take() {
        for max_bytes in [0, 1000, MAX_BYTES] {
            let mut sorter = Sorter { max_bytes, ..Sorter::default() };
            for (record, time) in [5, 3, 9, 3, 1, 7, 3].into_iter().enumerate() {
                sorter.push(seen(time, record as u64)).unwrap();
            }
            for _ in 0..2 {
                let mut found = Vec::new();
                sorter.each(|place, seen| found.push((place, seen.time, seen.hit.record))).unwrap();
                let expected = [(0, 1, 4), (1, 3, 1), (2, 3, 3), (3, 3, 6), (4, 5, 0), (5, 7, 5), (6, 9, 2)];
                assert_eq!(found, expected, "{max_bytes}");
            }
        }
    }
}
