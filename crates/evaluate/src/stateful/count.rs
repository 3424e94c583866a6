//! Numbers of events and of distinct values, and steps that all happen.

use std::collections::VecDeque;

use ruleatlas_model::Op;
use rustc_hash::FxHashMap;

use super::{MAX_EVENTS, MAX_KEYS, Match, Observation, SHOWN_EVENTS};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Events.
    Events,
    /// Distinct values; an event without one does not count.
    DistinctValues,
}

/// What the number must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// `eq`, `lt`, `lte`, `gt` or `gte`.
    pub op: Op,
    /// The number.
    pub number: u64,
}

impl Threshold {
    fn holds(self, count: u64) -> bool {
        match self.op {
            Op::Lt => count < self.number,
            Op::Lte => count <= self.number,
            Op::Gt => count > self.number,
            Op::Gte => count >= self.number,
            _ => count == self.number,
        }
    }

    /// Whether more events cannot make it fail.
    fn is_lower_bound(self) -> bool {
        matches!(self.op, Op::Gt | Op::Gte)
    }
}

/// A rule that counts per key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountSpec {
    /// What is counted.
    pub measure: Measure,
    /// All of these must hold of the number.
    pub thresholds: Vec<Threshold>,
    /// Of a number of events, how many distinct values they must have at least besides.
    pub distinct: Option<u64>,
    /// How long the events may lie apart, in microseconds; without it all events count together.
    pub window: Option<i64>,
    /// Whether windows stand one behind the other, beginning at multiples of their length, rather than slide along.
    pub is_tumbling: bool,
}

/// Counts in windows. A sliding window whose number is reached gives one match and begins anew, so that an event belongs to one
/// match only. What has an upper bound, tumbling windows and counts without a window are decided when the window is over.
#[derive(Debug)]
pub(super) struct Count {
    spec: CountSpec,
    windows: FxHashMap<Vec<String>, Window>,
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Window {
    /// Where a tumbling window begins.
    start: i64,
    events: VecDeque<(i64, u64, Option<String>)>,
    /// The distinct values of the events, each with how many have it, where [`CountSpec::distinct`] asks for them.
    values: FxHashMap<String, u64>,
    /// Events that were counted and are not kept.
    uncounted: u64,
}

impl Count {
    pub fn new(spec: CountSpec) -> Self {
        Self { spec, windows: FxHashMap::default(), dropped: 0 }
    }

    fn slides(&self) -> bool {
        self.spec.window.is_some()
            && !self.spec.is_tumbling
            && self.spec.thresholds.iter().all(|threshold| threshold.is_lower_bound())
    }

    pub fn observe(&mut self, seen: &Observation) -> Vec<Match> {
        if self.spec.measure == Measure::DistinctValues && seen.value.is_none() {
            return Vec::new();
        }
        let slides = self.slides();
        let mut found = Vec::new();
        self.make_room(&seen.key, seen.time, &mut found);
        let window = self.windows.entry(seen.key.clone()).or_default();
        if let Some(length) = self.spec.window.filter(|length| *length > 0) {
            if slides {
                while window.events.front().is_some_and(|(time, ..)| seen.time.saturating_sub(*time) > length) {
                    window.pop_front();
                }
            } else {
                let start = seen.time.div_euclid(length).saturating_mul(length);
                if window.start != start {
                    found.extend(window.decide(&self.spec));
                    *window = Window { start, ..Window::default() };
                }
            }
        }
        let is_known = self.spec.measure == Measure::DistinctValues
            && window.events.iter().any(|(_, _, value)| *value == seen.value);
        if is_known && !slides {
            return found;
        }
        if is_known {
            // The latest event of a value stays longest in the window.
            window.events.retain(|(_, _, value)| *value != seen.value);
        }
        if window.events.len() >= MAX_EVENTS {
            window.pop_front();
            if slides || self.spec.measure == Measure::DistinctValues {
                self.dropped += 1;
            } else {
                window.uncounted += 1;
            }
        }
        if self.spec.distinct.is_some()
            && let Some(value) = &seen.value
        {
            *window.values.entry(value.clone()).or_default() += 1;
        }
        window.events.push_back((seen.time, seen.event, seen.value.clone()));
        if slides && let Some(found_now) = window.decide(&self.spec) {
            *window = Window::default();
            found.push(found_now);
        }
        found
    }

    pub fn finish(&mut self) -> Vec<Match> {
        if self.slides() {
            return Vec::new();
        }
        let mut found: Vec<Match> =
            std::mem::take(&mut self.windows).into_values().filter_map(|window| window.decide(&self.spec)).collect();
        found.sort_by(|one, other| (one.time, &one.events).cmp(&(other.time, &other.events)));
        found
    }

    fn make_room(&mut self, key: &Vec<String>, now: i64, found: &mut Vec<Match>) {
        if self.windows.len() < MAX_KEYS || self.windows.contains_key(key) {
            return;
        }
        let last = |window: &Window| window.events.back().map_or(i64::MIN, |(time, ..)| *time);
        let spec = &self.spec;
        if let Some(length) = spec.window {
            let mut over = Vec::new();
            self.windows.retain(|_, window| {
                let is_over = now.saturating_sub(last(window)) > length;
                if is_over {
                    over.extend(window.decide(spec));
                }
                !is_over
            });
            over.sort_by(|one, other| (one.time, &one.events).cmp(&(other.time, &other.events)));
            found.extend(over);
        }
        if self.windows.len() >= MAX_KEYS {
            let mut times: Vec<i64> = self.windows.values().map(last).collect();
            let middle = times.len() / 2;
            let median = *times.select_nth_unstable(middle).1;
            let before = self.windows.len();
            self.windows.retain(|_, window| last(window) > median);
            self.dropped += (before - self.windows.len()) as u64;
        }
    }
}

impl Window {
    fn pop_front(&mut self) {
        let Some((_, _, Some(value))) = self.events.pop_front() else { return };
        if let Some(events) = self.values.get_mut(&value) {
            *events -= 1;
            if *events == 0 {
                self.values.remove(&value);
            }
        }
    }

    fn decide(&self, spec: &CountSpec) -> Option<Match> {
        let count = self.events.len() as u64 + self.uncounted;
        let (time, ..) = self.events.back()?;
        let is_distinct = spec.distinct.is_none_or(|least| self.values.len() as u64 >= least);
        (is_distinct && spec.thresholds.iter().all(|threshold| threshold.holds(count))).then(|| Match {
            events: self.events.iter().rev().take(SHOWN_EVENTS).rev().map(|(_, event, _)| *event).collect(),
            count,
            time: *time,
        })
    }
}

/// Steps that all happen for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemporalSpec {
    /// How many steps there are.
    pub steps: usize,
    /// How long the events may lie apart, in microseconds; any time without it.
    pub window: Option<i64>,
    /// Whether they must happen in their order.
    pub is_ordered: bool,
}

#[derive(Debug)]
pub(super) struct Temporal {
    spec: TemporalSpec,
    /// By key and step, the events that may be part of a match.
    seen: FxHashMap<Vec<String>, Vec<VecDeque<(i64, u64)>>>,
    pub dropped: u64,
}

impl Temporal {
    pub fn new(spec: TemporalSpec) -> Self {
        Self { spec, seen: FxHashMap::default(), dropped: 0 }
    }

    pub fn observe(&mut self, seen: &Observation) -> Vec<Match> {
        if self.spec.steps == 0 || seen.step >= self.spec.steps {
            return Vec::new();
        }
        if self.seen.len() >= MAX_KEYS && !self.seen.contains_key(&seen.key) {
            let before = self.seen.len();
            if let Some(window) = self.spec.window {
                let is_near = |(time, _): &(i64, u64)| seen.time.saturating_sub(*time) <= window;
                self.seen.retain(|_, steps| steps.iter().flatten().any(is_near));
            }
            if self.seen.len() >= MAX_KEYS {
                let last = |steps: &Vec<VecDeque<(i64, u64)>>| steps.iter().flatten().map(|(time, _)| *time).max();
                let mut times: Vec<Option<i64>> = self.seen.values().map(last).collect();
                let middle = times.len() / 2;
                let median = *times.select_nth_unstable(middle).1;
                let known = self.seen.len();
                self.seen.retain(|_, steps| last(steps) > median);
                self.dropped += (known - self.seen.len()) as u64;
            }
            debug_assert!(self.seen.len() <= before);
        }
        let steps = self.seen.entry(seen.key.clone()).or_insert_with(|| vec![VecDeque::new(); self.spec.steps]);
        for events in steps.iter_mut() {
            if let Some(window) = self.spec.window {
                while events.front().is_some_and(|(time, _)| seen.time.saturating_sub(*time) > window) {
                    events.pop_front();
                }
            }
        }
        if let Some(events) = steps.get_mut(seen.step) {
            // The latest event of a step is the one that a match needs; the first may be the one that an order needs.
            if events.len() >= 2 && !self.spec.is_ordered {
                events.pop_front();
            }
            if events.len() >= MAX_EVENTS {
                events.pop_front();
                self.dropped += 1;
            }
            events.push_back((seen.time, seen.event));
        }
        let Some(events) = chosen(steps, self.spec.is_ordered) else { return Vec::new() };
        self.seen.remove(&seen.key);
        vec![Match { count: events.len() as u64, events, time: seen.time }]
    }
}

/// An event of every step, one after the other where that is asked.
fn chosen(steps: &[VecDeque<(i64, u64)>], is_ordered: bool) -> Option<Vec<u64>> {
    if !is_ordered {
        let mut latest: Vec<(i64, u64)> =
            steps.iter().map(|events| events.back().copied()).collect::<Option<Vec<_>>>()?;
        latest.sort_unstable();
        latest.dedup();
        return Some(latest.into_iter().map(|(_, event)| event).collect());
    }
    let mut chosen: Vec<u64> = Vec::new();
    let mut after = None;
    for events in steps {
        // Events are numbered in the order of time.
        let next = events.iter().find(|(_, event)| after.is_none_or(|after| *event > after))?;
        after = Some(next.1);
        chosen.push(next.1);
    }
    Some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Machine;

    const SECOND: i64 = 1_000_000;

    fn seen(seconds: i64, step: usize, key: &str, event: u64) -> Observation {
        Observation { time: seconds * SECOND, step, key: vec![key.to_owned()], value: None, event }
    }

    fn at_least(number: u64, window: Option<i64>, is_tumbling: bool) -> CountSpec {
        let window = window.map(|seconds| seconds * SECOND);
        let thresholds = vec![Threshold { op: Op::Gte, number }];
        CountSpec { measure: Measure::Events, thresholds, distinct: None, window, is_tumbling }
    }

    #[test]
    fn a_sliding_window_gives_one_match_and_begins_anew() {
        let mut machine = Machine::count(at_least(3, Some(10), false));
        let mut found = Vec::new();
        for (event, second) in [0, 20, 25, 29, 30, 31, 90].into_iter().enumerate() {
            found.extend(machine.observe(&seen(second, 0, "a", event as u64)));
        }
        found.extend(machine.finish(100 * SECOND));
        assert_eq!(found.iter().map(|found| found.events.clone()).collect::<Vec<_>>(), [[1, 2, 3]]);
    }

    #[test]
    fn keys_are_counted_apart() {
        let mut machine = Machine::count(at_least(2, Some(10), false));
        assert_eq!(machine.observe(&seen(0, 0, "a", 1)), []);
        assert_eq!(machine.observe(&seen(1, 0, "b", 2)), []);
        assert_eq!(machine.observe(&seen(2, 0, "a", 3)).len(), 1);
    }

    #[test]
    fn tumbling_windows_and_whole_logs_are_decided_at_their_end() {
        let mut machine = Machine::count(at_least(2, Some(10), true));
        assert_eq!(machine.observe(&seen(8, 0, "a", 1)), []);
        assert_eq!(machine.observe(&seen(11, 0, "a", 2)), []);
        assert_eq!(machine.observe(&seen(12, 0, "a", 3)), []);
        assert_eq!(machine.finish(0).iter().map(|found| found.events.clone()).collect::<Vec<_>>(), [[2, 3]]);
        let mut machine = Machine::count(at_least(2, None, false));
        machine.observe(&seen(0, 0, "a", 1));
        machine.observe(&seen(100_000, 0, "a", 2));
        assert_eq!(machine.finish(0).len(), 1);
    }

    #[test]
    fn distinct_values_are_counted() {
        let spec = CountSpec { measure: Measure::DistinctValues, ..at_least(3, Some(100), false) };
        let mut machine = Machine::count(spec);
        let values = ["x", "x", "y", "x", "z"];
        let mut found = Vec::new();
        for (event, value) in values.iter().enumerate() {
            let observation =
                Observation { value: Some((*value).to_owned()), ..seen(event as i64, 0, "a", event as u64) };
            found.extend(machine.observe(&observation));
        }
        assert_eq!(machine.observe(&seen(6, 0, "a", 9)), []);
        assert_eq!((found.len(), found[0].count), (1, 3));
    }

    #[test]
    fn events_and_their_distinct_values_are_counted_together() {
        let mut machine = Machine::count(CountSpec { distinct: Some(2), ..at_least(3, Some(10), false) });
        // Many events of one value, then another; the first value leaves the window before there are three events.
        let values = [(0, Some("x")), (1, Some("x")), (2, None), (3, Some("x")), (4, Some("y")), (20, Some("x"))];
        let mut found = Vec::new();
        for (event, (second, value)) in (0..).zip(values) {
            let value = value.map(str::to_owned);
            found.extend(machine.observe(&Observation { value, ..seen(second, 0, "a", event) }));
        }
        assert_eq!(
            found.iter().map(|found| (found.events.clone(), found.count)).collect::<Vec<_>>(),
            [(vec![0, 1, 2, 3, 4], 5)]
        );
        for (event, (second, value)) in (6..).zip([(25, "x"), (31, "y"), (32, "y")]) {
            found
                .extend(machine.observe(&Observation { value: Some(value.to_owned()), ..seen(second, 0, "a", event) }));
        }
        assert_eq!(found.last().map(|found| found.events.clone()), Some(vec![6, 7, 8]), "the event at 20 is too old");
    }

    #[test]
    fn steps_happen_together_in_any_order_or_in_theirs() {
        for (is_ordered, order, expected) in [
            (false, [(0, 1), (1, 0)], 1),
            (true, [(0, 1), (1, 0)], 0),
            (true, [(0, 0), (1, 1)], 1),
            (false, [(0, 0), (99, 1)], 0),
        ] {
            let spec = TemporalSpec { steps: 2, window: Some(10 * SECOND), is_ordered };
            let mut machine = Machine::temporal(spec);
            let mut found = Vec::new();
            for (event, (second, step)) in order.into_iter().enumerate() {
                found.extend(machine.observe(&seen(second, step, "a", event as u64)));
            }
            assert_eq!(found.len(), expected, "{is_ordered} {order:?}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut machine = Machine::count(at_least(1_000_000, Some(1_000_000), false));
        for key in 0..(MAX_KEYS as u64 + 10) {
            machine.observe(&seen(key as i64 / 1000, 0, &key.to_string(), key));
        }
        assert!(machine.dropped() > 0);
    }
}
