//! What single events say of rules over several, in the order of time.
//!
//! Everything is sorted before anything is decided, so no event is late, in whatever order files and records come. Events of
//! one time stand in the order in which they were read. An event without a time has no place in the order and is left out.

use std::io;

use ruleatlas_events::Sorter;
use serde::{Deserialize, Serialize};

use crate::Hit;

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

/// Observations in the order of time.
#[derive(Debug, Default)]
pub(crate) struct Observations(Sorter<i64, StepHit>);

impl Observations {
    /// Takes an observation.
    ///
    /// # Errors
    /// A temporary file cannot be written.
    pub fn push(&mut self, observation: StepHit) -> io::Result<()> {
        let size = size(&observation.hit);
        self.0.push(observation.time, observation, size)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hands on every observation in the order of time, with its number in that order.
    ///
    /// # Errors
    /// A temporary file cannot be read.
    pub fn each(&mut self, mut take: impl FnMut(u64, &StepHit)) -> io::Result<()> {
        self.0.each(|place, seen| {
            take(place, seen);
            true
        })
    }
}

/// About how many bytes a hit takes.
fn size(hit: &Hit) -> usize {
    let fields = hit.event.iter().map(|(name, value)| name.len() + value.as_str().map_or(40, str::len));
    let matched = hit.matched.iter().map(|matched| matched.field.len() + matched.value.len() + 40);
    hit.file.len() + fields.sum::<usize>() + matched.sum::<usize>()
}
