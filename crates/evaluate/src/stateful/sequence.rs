//! EQL's `sequence`.
//!
//! Per key at most one sequence is kept a stage, the latest: an event that satisfies the next step carries it on, and one that
//! satisfies a step whose stage is taken replaces what is there
//! ([how Elasticsearch matches](https://www.elastic.co/docs/explore-analyze/query-filter/languages/eql#eql-how-sequence-queries-handle-matches)).

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::{MAX_KEYS, Match, Observation};

/// What a sequence is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSpec {
    /// The steps, in order.
    pub steps: Vec<SequenceStep>,
    /// Whether a further step, behind the last, ends what was begun.
    pub until: bool,
    /// How long it may take, in microseconds.
    pub max_span: Option<i64>,
}

/// A step of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceStep {
    /// Whether it must not happen.
    pub missing: bool,
    /// How often it must happen.
    pub runs: usize,
}

#[derive(Debug)]
pub(super) struct Sequence {
    spec: SequenceSpec,
    /// The step of each stage.
    stages: Vec<usize>,
    /// By step that must not happen, the number of stages that stand before it.
    gaps: FxHashMap<usize, usize>,
    states: FxHashMap<Vec<String>, State>,
    /// Sequences that are whole unless the last step happens, with the key.
    pending: VecDeque<(Vec<String>, Partial)>,
    dropped: u64,
}

#[derive(Clone, Debug, Default)]
struct State {
    /// By stage, the sequence whose last event is of it.
    partial: Vec<Option<Partial>>,
    /// By number of stages before it, when a step that must not happen last did.
    missing: FxHashMap<usize, i64>,
    last: i64,
}

#[derive(Clone, Debug)]
struct Partial {
    events: Vec<u64>,
    first: i64,
    last: i64,
}

/// Repetitions of a step that are followed.
const MAX_STAGES: usize = 1_000;

impl Sequence {
    pub fn new(spec: SequenceSpec) -> Self {
        let mut stages = Vec::new();
        let mut gaps = FxHashMap::default();
        for (at, step) in spec.steps.iter().enumerate() {
            if step.missing {
                gaps.insert(at, stages.len());
            } else {
                let room = MAX_STAGES.saturating_sub(stages.len());
                stages.extend(std::iter::repeat_n(at, step.runs.clamp(1, room.max(1))));
            }
        }
        Self { spec, stages, gaps, states: FxHashMap::default(), pending: VecDeque::new(), dropped: 0 }
    }

    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    pub fn observe(&mut self, seen: &Observation) -> Vec<Match> {
        let mut found = self.decided(seen.time);
        if self.stages.is_empty() {
            return found;
        }
        self.make_room(&seen.key, seen.time);
        let state = self.states.entry(seen.key.clone()).or_default();
        state.partial.resize(self.stages.len(), None);
        state.last = seen.time;
        if self.spec.until && seen.step == self.spec.steps.len() {
            state.partial.iter_mut().for_each(|partial| *partial = None);
            return found;
        }
        if let Some(gap) = self.gaps.get(&seen.step) {
            state.missing.insert(*gap, seen.time);
            if *gap == self.stages.len() {
                self.pending.retain(|(key, partial)| *key != seen.key || partial.last >= seen.time);
            }
            return found;
        }
        // The later stages first, so that one event carries a sequence one step on.
        for stage in (0..self.stages.len()).rev().filter(|stage| self.stages.get(*stage) == Some(&seen.step)) {
            let happened = state.missing.get(&stage).copied();
            let next = match stage.checked_sub(1) {
                None => {
                    let is_spoiled = happened
                        .is_some_and(|at| self.spec.max_span.is_none_or(|span| seen.time.saturating_sub(at) <= span));
                    (!is_spoiled).then(|| Partial { events: vec![seen.event], first: seen.time, last: seen.time })
                }
                Some(before) => state.partial.get_mut(before).and_then(Option::take).and_then(|partial| {
                    let is_late = self.spec.max_span.is_some_and(|span| seen.time.saturating_sub(partial.first) > span);
                    let is_spoiled = happened.is_some_and(|at| at >= partial.last);
                    (!is_late && !is_spoiled).then(|| {
                        let mut events = partial.events;
                        events.push(seen.event);
                        Partial { events, first: partial.first, last: seen.time }
                    })
                }),
            };
            let Some(next) = next else { continue };
            if stage + 1 < self.stages.len() {
                if let Some(slot) = state.partial.get_mut(stage) {
                    *slot = Some(next);
                }
            } else if self.gaps.values().any(|gap| *gap == self.stages.len()) {
                self.pending.push_back((seen.key.clone(), next));
            } else {
                found.push(whole(next));
            }
        }
        found
    }

    /// Sequences that only wait for a step not to happen, whose time is over.
    fn decided(&mut self, now: i64) -> Vec<Match> {
        let Some(span) = self.spec.max_span else { return Vec::new() };
        let mut found = Vec::new();
        self.pending.retain(|(_, partial)| {
            let is_over = now.saturating_sub(partial.first) > span;
            if is_over {
                found.push(whole(partial.clone()));
            }
            !is_over
        });
        found
    }

    pub fn finish(&mut self, end: i64) -> Vec<Match> {
        self.decided(end)
    }

    /// Gives up what can no longer become whole, and the oldest keys where there are too many.
    fn make_room(&mut self, key: &Vec<String>, now: i64) {
        if self.states.len() < MAX_KEYS || self.states.contains_key(key) {
            return;
        }
        if let Some(span) = self.spec.max_span {
            self.states.retain(|_, state| now.saturating_sub(state.last) <= span);
        }
        if self.states.len() < MAX_KEYS {
            return;
        }
        let mut times: Vec<i64> = self.states.values().map(|state| state.last).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        let before = self.states.len();
        self.states.retain(|_, state| state.last > median);
        self.dropped += (before - self.states.len()) as u64;
    }
}

fn whole(partial: Partial) -> Match {
    Match { count: partial.events.len() as u64, time: partial.last, events: partial.events }
}
