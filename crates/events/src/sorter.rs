//! An external merge sort: rows in any order in, the same in the order of their keys out, in bounded memory.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write as _},
};

use serde::{Serialize, de::DeserializeOwned};

/// Bytes that are sorted in memory; more goes to temporary files.
const MAX_BYTES: usize = 64 << 20;
/// Bytes that a row takes besides its texts.
const OVERHEAD: usize = 400;

/// Takes rows in any order and gives them back in the order of their keys, as often as asked. Rows of one key stay in the order
/// in which they came.
#[derive(Debug)]
pub struct Sorter<K, T> {
    /// What is in memory, with the number in the order of coming.
    waiting: Vec<(K, u64, T)>,
    bytes: usize,
    number: u64,
    files: Vec<File>,
    max_bytes: usize,
}

impl<K, T> Default for Sorter<K, T> {
    fn default() -> Self {
        Self { waiting: Vec::new(), bytes: 0, number: 0, files: Vec::new(), max_bytes: MAX_BYTES }
    }
}

impl<K: Ord + Clone + Serialize + DeserializeOwned, T: Serialize + DeserializeOwned> Sorter<K, T> {
    /// Takes a row whose texts take about `bytes`.
    ///
    /// # Errors
    /// A temporary file cannot be written.
    pub fn push(&mut self, key: K, row: T, bytes: usize) -> io::Result<()> {
        self.bytes += OVERHEAD + bytes;
        self.waiting.push((key, self.number, row));
        self.number += 1;
        if self.bytes >= self.max_bytes { self.spill() } else { Ok(()) }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.number == 0
    }

    fn sort(&mut self) {
        self.waiting.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
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

    /// Hands on every row in order, with its number in that order, until the answer is `false`.
    ///
    /// # Errors
    /// A temporary file cannot be read.
    pub fn each(&mut self, mut take: impl FnMut(u64, &T) -> bool) -> io::Result<()> {
        self.sort();
        let mut runs: Vec<Run<'_, K, T>> = vec![Run::Memory(self.waiting.iter())];
        for file in &mut self.files {
            file.seek(SeekFrom::Start(0))?;
            runs.push(Run::File(BufReader::new(file)));
        }
        let mut heads = BinaryHeap::new();
        let mut current: Vec<Option<Row<'_, K, T>>> = Vec::with_capacity(runs.len());
        for (at, run) in runs.iter_mut().enumerate() {
            let next = run.next()?;
            heads.extend(next.as_ref().map(|row| Reverse((row.key().0.clone(), row.key().1, at))));
            current.push(next);
        }
        let mut place = 0;
        while let Some(Reverse((_, _, at))) = heads.pop() {
            let (Some(slot), Some(run)) = (current.get_mut(at), runs.get_mut(at)) else { break };
            let Some(row) = slot.take() else { continue };
            if !take(place, row.value()) {
                break;
            }
            place += 1;
            *slot = run.next()?;
            heads.extend(slot.as_ref().map(|row| Reverse((row.key().0.clone(), row.key().1, at))));
        }
        Ok(())
    }
}

/// A row of a run: in memory, or read from a file.
enum Row<'r, K, T> {
    Memory(&'r (K, u64, T)),
    File(Box<(K, u64, T)>),
}

impl<K, T> Row<'_, K, T> {
    fn all(&self) -> &(K, u64, T) {
        match self {
            Self::Memory(row) => row,
            Self::File(row) => row,
        }
    }

    fn key(&self) -> (&K, u64) {
        let (key, number, _) = self.all();
        (key, *number)
    }

    fn value(&self) -> &T {
        &self.all().2
    }
}

/// Rows in order.
enum Run<'r, K, T> {
    Memory(std::slice::Iter<'r, (K, u64, T)>),
    File(BufReader<&'r mut File>),
}

impl<'r, K: DeserializeOwned, T: DeserializeOwned> Run<'r, K, T> {
    fn next(&mut self) -> io::Result<Option<Row<'r, K, T>>> {
        match self {
            Self::Memory(rows) => Ok(rows.next().map(Row::Memory)),
            Self::File(rows) => {
                let mut line = String::new();
                if rows.read_line(&mut line)? == 0 {
                    return Ok(None);
                }
                Ok(Some(Row::File(Box::new(serde_json::from_str(&line)?))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

    use super::*;

    #[test]
    fn rows_come_in_the_order_of_their_keys_however_many_files_they_take() {
        for max_bytes in [0, 1000, MAX_BYTES] {
            let mut sorter: Sorter<i64, String> = Sorter { max_bytes, ..Sorter::default() };
            for (row, key) in [5, 3, 9, 3, 1, 7, 3].into_iter().enumerate() {
                sorter.push(key, format!("{key}:{row}"), 0).unwrap();
            }
            for _ in 0..2 {
                let mut found = Vec::new();
                let mut numbers = Vec::new();
                sorter
                    .each(|number, row| {
                        numbers.push(number);
                        found.push(row.clone());
                        true
                    })
                    .unwrap();
                assert_eq!(found, ["1:4", "3:1", "3:3", "3:6", "5:0", "7:5", "9:2"], "{max_bytes}");
                assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6]);
            }
            let mut taken = 0;
            sorter
                .each(|_, _| {
                    taken += 1;
                    taken < 3
                })
                .unwrap();
            assert_eq!(taken, 3);
        }
    }
}
