//! Counts that several threads gather apart and add up.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rustc_hash::FxHashMap;

/// Names that are kept of each kind; what is beyond is counted under `…`.
const MAX_NAMES: usize = 50_000;

/// What was counted over some events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Events read.
    pub read: u64,
    /// Events that a rule was asked about.
    pub asked: u64,
    /// Events of no known shape.
    pub unknown_shape: u64,
    /// The time of the last event.
    pub(crate) last: Option<Timestamp>,
    /// By rule.
    pub(crate) rules: FxHashMap<u32, RuleTally>,
    /// By file.
    pub(crate) files: BTreeMap<String, FileTally>,
    /// By provider, event id and platform, the events and those asked.
    pub(crate) kinds: BTreeMap<(String, String), KindTally>,
    /// Events in which an indicator of a rule that was asked held, by its number.
    pub(crate) indicators: FxHashMap<u32, u64>,
    /// Events in which an exclusion held, and hits that it removed.
    pub(crate) exclusions: FxHashMap<u32, [u64; 2]>,
}

/// What was counted of a rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RuleTally {
    pub asked: u64,
    pub hits: u64,
    pub candidates: u64,
    pub unknown: u64,
    pub why: BTreeMap<String, u64>,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    pub hosts: BTreeSet<String>,
}

/// What was counted of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileTally {
    pub read: u64,
    pub asked: u64,
    /// Places that could not be read.
    pub problems: u64,
}

/// What was counted of a kind of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct KindTally {
    pub events: u64,
    pub asked: u64,
    /// Rules that are asked about the kind.
    pub rules: u64,
}

impl RuleTally {
    pub fn add_time(&mut self, time: Option<Timestamp>) {
        if let Some(time) = time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
    }

    pub fn add_host(&mut self, host: Option<&str>) {
        if let Some(host) = host
            && !self.hosts.contains(host)
            && self.hosts.len() < MAX_NAMES
        {
            self.hosts.insert(host.to_owned());
        }
    }

    fn merge(&mut self, other: Self) {
        self.asked += other.asked;
        self.hits += other.hits;
        self.candidates += other.candidates;
        self.unknown += other.unknown;
        for (why, count) in other.why {
            *self.why.entry(why).or_default() += count;
        }
        self.add_time(other.first);
        self.add_time(other.last);
        self.hosts.extend(other.hosts);
    }
}

impl Tally {
    /// Adds the counts of another part of the same logs.
    pub fn merge(&mut self, other: Self) {
        self.read += other.read;
        self.asked += other.asked;
        self.unknown_shape += other.unknown_shape;
        self.add_time(other.last);
        for (rule, tally) in other.rules {
            self.rules.entry(rule).or_default().merge(tally);
        }
        for (file, tally) in other.files {
            let own = self.file(&file);
            own.read += tally.read;
            own.asked += tally.asked;
            own.problems += tally.problems;
        }
        for ((provider, id), tally) in other.kinds {
            let own = self.kind(&provider, &id);
            own.events += tally.events;
            own.asked += tally.asked;
            own.rules = own.rules.max(tally.rules);
        }
        for (indicator, events) in other.indicators {
            *self.indicators.entry(indicator).or_default() += events;
        }
        for (exclusion, [events, removed]) in other.exclusions {
            let own = self.exclusions.entry(exclusion).or_default();
            own[0] += events;
            own[1] += removed;
        }
    }

    pub(crate) fn add_time(&mut self, time: Option<Timestamp>) {
        self.last = self.last.max(time);
    }

    pub(crate) fn file(&mut self, name: &str) -> &mut FileTally {
        if !self.files.contains_key(name) {
            let name = if self.files.len() >= MAX_NAMES { "…" } else { name };
            return self.files.entry(name.to_owned()).or_default();
        }
        self.files.entry(name.to_owned()).or_default()
    }

    pub(crate) fn kind(&mut self, provider: &str, id: &str) -> &mut KindTally {
        let key = (provider.to_owned(), id.to_owned());
        let is_new = !self.kinds.contains_key(&key);
        let key = if is_new && self.kinds.len() >= MAX_NAMES { ("…".to_owned(), "…".to_owned()) } else { key };
        self.kinds.entry(key).or_default()
    }
}
