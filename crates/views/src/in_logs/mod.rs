//! What hunts found in logs, beside the catalog's own numbers.

mod hit;
mod hunt;
mod measure;

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ruleatlas_hits::{DataSet, Error as HitsError, HitsReader};
use rustc_hash::FxHashMap;

use crate::Atlas;

pub use hit::{HitItem, HitView, RuleHitsView};
pub use hunt::{
    HuntBlind, HuntDataSet, HuntEvents, HuntFile, HuntKind, HuntNotRun, HuntRule, HuntTime, HuntUnknown, HuntValue,
    HuntView, HuntsView,
};
pub use measure::{ExclusionMeasure, IndicatorMeasure, RuleInLogs, RuleMeasure, TechniqueMeasure, ValueInLogs};

/// A field, an operator, a value and what transforms it.
type ValueKey = (String, String, String, String);

/// A file of hits, with the numbers that pages have at once.
#[derive(Debug)]
pub struct LogHits {
    reader: Mutex<HitsReader>,
    data_sets: Vec<DataSet>,
    rules: FxHashMap<String, RuleMeasure>,
    not_run: FxHashMap<String, String>,
    indicators: FxHashMap<ValueKey, u64>,
    exclusions: FxHashMap<ValueKey, [u64; 2]>,
}

impl LogHits {
    /// Opens a file.
    ///
    /// # Errors
    /// There is none, it is no file of hits or not a whole one, or another version wrote it.
    pub fn open(path: &Path) -> Result<Self, HitsError> {
        let reader = HitsReader::open(path)?;
        let data_sets = reader.data_sets()?;
        let (report, hosts) = reader.report(None)?;
        let rules = report.rules.into_iter().map(|rule| {
            let hosts = hosts.get(&rule.id).copied().unwrap_or_default();
            (rule.id.clone(), RuleMeasure::new(rule, hosts))
        });
        let key = |row: ruleatlas_hunt::IndicatorCount| ((row.field, row.op, row.value, row.modifier), row.events);
        let exclusions = report.exclusions.into_iter().map(|row| {
            let removed = row.removed.unwrap_or_default();
            let (key, events) = key(row);
            (key, [events, removed])
        });
        Ok(Self {
            rules: rules.collect(),
            not_run: report.not_run.into_iter().map(|row| (row.id, row.why)).collect(),
            exclusions: exclusions.collect(),
            indicators: report.indicators.into_iter().map(key).collect(),
            reader: Mutex::new(reader),
            data_sets,
        })
    }

    /// The file, for one reader at a time.
    fn reader(&self) -> MutexGuard<'_, HitsReader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hunts whose hits these are.
    #[must_use]
    pub fn data_sets(&self) -> &[DataSet] {
        &self.data_sets
    }

    /// Whether single hits are there, or counts only.
    fn saves_hits(&self) -> bool {
        self.data_sets.iter().any(|data_set| data_set.saves_hits)
    }

    /// Whether the values of a field were taken out.
    fn is_redacted(&self, field: &str) -> bool {
        let is_it = |known: &String| {
            known == field || field.strip_prefix(known.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        self.data_sets.iter().any(|data_set| data_set.redacted.iter().any(is_it))
    }
}

impl Atlas {
    /// The same with what hunts found.
    ///
    /// # Errors
    /// The hits are of another catalog's rules, or a file cannot be read; the catalog is given back without them.
    pub fn with_hits(mut self, hits: Arc<LogHits>) -> Result<Self, (Box<Self>, HitsError)> {
        let fingerprint = self.fingerprint().ok().flatten().unwrap_or_default();
        let expected = hits.reader().expect_catalog(&fingerprint);
        match expected {
            Ok(()) => {
                self.hits = Some(hits);
                Ok(self)
            }
            Err(error) => Err((Box::new(self), error)),
        }
    }

    /// What hunts found, where a file of it is open.
    #[must_use]
    pub fn hits(&self) -> Option<&Arc<LogHits>> {
        self.hits.as_ref()
    }
}
