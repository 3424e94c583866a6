//! Rules over several events: what single events say of their steps, in the order of time, becomes matches.
//!
//! An [`Observation`] says that an event satisfies a step, with the values of the rule's keys. A [`Machine`] takes them in the
//! order of time and answers with matches. It knows nothing of fields, files or languages.
//!
//! ```
//! use ruleatlas_evaluate::{Machine, Observation, SequenceSpec, SequenceStep};
//!
//! let step = |missing| SequenceStep { missing, runs: 1 };
//! let spec = SequenceSpec { steps: vec![step(false), step(false)], until: false, max_span: Some(60_000_000) };
//! let mut machine = Machine::sequence(spec);
//! let seen = |time, step, key: &str, event| Observation { time, step, key: vec![key.to_owned()], value: None, event };
//! assert!(machine.observe(&seen(0, 0, "a", 1)).is_empty());
//! assert!(machine.observe(&seen(1, 1, "b", 2)).is_empty());
//! assert_eq!(machine.observe(&seen(2, 1, "a", 3))[0].events, [1, 3]);
//! ```
//!
//! Limits: a machine keeps at most [`MAX_KEYS`] keys and [`MAX_EVENTS`] events a key; beyond that the oldest are given up, and
//! [`Machine::dropped`] says how many.

mod count;
mod sequence;

pub use count::{CountSpec, Measure, TemporalSpec, Threshold};
pub use sequence::{SequenceSpec, SequenceStep};

use count::{Count, Temporal};
use sequence::Sequence;

/// Keys that a machine keeps.
pub const MAX_KEYS: usize = 100_000;
/// Events that it keeps of one key.
pub const MAX_EVENTS: usize = 10_000;

/// That an event satisfies a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When, in microseconds since 1970.
    pub time: i64,
    /// The step.
    pub step: usize,
    /// The values of what the events of a match share.
    pub key: Vec<String>,
    /// The value whose distinct ones are counted.
    pub value: Option<String>,
    /// A number by which the caller knows the event.
    pub event: u64,
}

/// Events that satisfy a rule together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The events, in order; of a count no more than [`SHOWN_EVENTS`].
    pub events: Vec<u64>,
    /// How many events belong to it.
    pub count: u64,
    /// When the last of them was.
    pub time: i64,
}

/// Events that a match names.
pub const SHOWN_EVENTS: usize = 20;

/// Turns observations into matches.
#[derive(Debug)]
pub struct Machine(Kind);

#[derive(Debug)]
enum Kind {
    Sequence(Sequence),
    Count(Count),
    Temporal(Temporal),
}

impl Machine {
    /// Events one after the other.
    #[must_use]
    pub fn sequence(spec: SequenceSpec) -> Self {
        Self(Kind::Sequence(Sequence::new(spec)))
    }

    /// A number of events, or of distinct values.
    #[must_use]
    pub fn count(spec: CountSpec) -> Self {
        Self(Kind::Count(Count::new(spec)))
    }

    /// Steps that all happen, in any order or in theirs.
    #[must_use]
    pub fn temporal(spec: TemporalSpec) -> Self {
        Self(Kind::Temporal(Temporal::new(spec)))
    }

    /// Takes the next observation in the order of time.
    pub fn observe(&mut self, observation: &Observation) -> Vec<Match> {
        match &mut self.0 {
            Kind::Sequence(machine) => machine.observe(observation),
            Kind::Count(machine) => machine.observe(observation),
            Kind::Temporal(machine) => machine.observe(observation),
        }
    }

    /// The matches that are decided by nothing more being seen until `end`.
    pub fn finish(&mut self, end: i64) -> Vec<Match> {
        match &mut self.0 {
            Kind::Sequence(machine) => machine.finish(end),
            Kind::Count(machine) => machine.finish(),
            Kind::Temporal(_) => Vec::new(),
        }
    }

    /// How many keys and events were given up.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        match &self.0 {
            Kind::Sequence(machine) => machine.dropped(),
            Kind::Count(machine) => machine.dropped,
            Kind::Temporal(machine) => machine.dropped,
        }
    }
}
