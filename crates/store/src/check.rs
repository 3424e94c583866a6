//! Reading a whole catalog, to know that everything in it can be read.

use std::path::Path;

use rayon::prelude::*;
use ruleatlas_catalog::{Index, RuleId};
use ruleatlas_model::{Analytic, EventEntry};
use serde::de::DeserializeOwned;

use crate::{Error, Store, read::json};

/// A rule whose rows cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableRule {
    /// Its place in the catalog.
    pub rule: RuleId,
    /// Its id.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// Rules and events that a connection reads at a time.
const BATCH: u32 = 256;

impl Store {
    /// The rules whose rows cannot be read, in order.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub fn unreadable_rules(&self, index: &Index) -> Result<Vec<UnreadableRule>, Error> {
        let count = u32::try_from(index.heads().len()).unwrap_or(u32::MAX);
        self.unreadable_in(index, 0..count)
    }

    fn unreadable_in(&self, index: &Index, rules: std::ops::Range<RuleId>) -> Result<Vec<UnreadableRule>, Error> {
        let mut unreadable = Vec::new();
        for rule in rules {
            match self.entry(index, rule) {
                Ok(_) => {}
                Err(Error::Rule { id, reason, .. }) => unreadable.push(UnreadableRule { rule, id, reason }),
                Err(error) => return Err(error),
            }
        }
        Ok(unreadable)
    }

    /// Reads what is not of single rules, without the texts of events.
    fn read_tables(&self) -> Result<(), Error> {
        self.attack()?;
        self.sources()?;
        self.files()?;
        self.diagnostic_codes()?;
        self.contradictions()?;
        self.control_sources()?;
        self.control_counts()?;
        self.known_techniques()?;
        self.threats()?;
        self.read_events()?;
        self.provider_rows()?;
        self.needs()?;
        self.all_controls()?;
        self.json_column::<Vec<u32>>("SELECT events FROM event_field")?;
        self.json_column::<Vec<Analytic>>("SELECT body FROM analytic")?;
        self.is_whole()
    }

    /// An error where a row was left out, since it cannot be read.
    fn is_whole(&self) -> Result<(), Error> {
        match self.damaged_rows().into_iter().next() {
            Some(row) => {
                let reason = format!("table {}, row {}: {}", row.table, row.key, row.reason);
                Err(Error::damaged(&self.path, reason))
            }
            None => Ok(()),
        }
    }

    fn json_column<T: DeserializeOwned>(&self, sql: &str) -> Result<(), Error> {
        self.rows(sql, |row| json::<T>(row, 0).map(drop)).map(drop)
    }

    fn read_event_bodies(&self, from: u32) -> Result<(), Error> {
        let sql = format!("SELECT body FROM event_body WHERE event >= {from} LIMIT {BATCH}");
        self.json_column::<EventEntry>(&sql)
    }
}

/// Reads every row of a catalog, on all threads.
///
/// # Errors
/// Something in it cannot be read.
pub(crate) fn check(path: &Path) -> Result<(), Error> {
    let store = Store::open(path)?;
    let events = store.count("event_body")?;
    let rules = || -> Result<(), Error> {
        let index = store.index()?;
        store.is_whole()?;
        let count = u32::try_from(index.heads().len()).unwrap_or(u32::MAX);
        let of_batch = |store: &mut Result<Store, Error>, from: u32| {
            let store = store.as_ref().map_err(|error| error.again(path))?;
            let unreadable = store.unreadable_in(&index, from..from.saturating_add(BATCH).min(count))?;
            match unreadable.into_iter().next() {
                Some(first) => Err(Error::Rule { path: path.to_owned(), id: first.id, reason: first.reason }),
                None => Ok(()),
            }
        };
        batches(count).try_for_each_init(|| Store::open(path), of_batch)
    };
    let events = || {
        batches(events).try_for_each_init(
            || Store::open(path),
            |store, from| store.as_ref().map_err(|error| error.again(path))?.read_event_bodies(from),
        )
    };
    let tables = || Store::open(path)?.read_tables();
    // The index is read by the connection that is open; a connection answers one thread only.
    let (rules, (events, tables)) = std::thread::scope(|scope| {
        let beside = scope.spawn(|| rayon::join(events, tables));
        (rules(), beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    rules.and(events).and(tables)
}

/// Where batches of so many rows begin.
fn batches(count: u32) -> impl ParallelIterator<Item = u32> {
    (0..count.div_ceil(BATCH)).into_par_iter().map(|batch| batch * BATCH)
}
