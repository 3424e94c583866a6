//! Hits on public recordings of logs: numbers that ship with the program.
//!
//! `data/recordings` holds counts alone: rules by their ids, values by a hash of field, operator and value. They are made by
//! `crates/cli/tests/recordings_data.rs` on request.

use std::sync::OnceLock;

use ruleatlas_model::Indicator;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Characters of a hash.
const HASH: usize = 16;

/// A public collection of logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recording {
    /// What it is called.
    pub name: String,
    /// Where it is published.
    pub url: String,
    /// Its events.
    pub events: u64,
    /// Events that a rule was asked about.
    pub asked: u64,
    /// Its hosts.
    pub hosts: u64,
    /// What it is a recording of.
    pub about: String,
}

/// What was counted of a rule on public recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecordedRule {
    /// Events it was asked about.
    pub asked: u64,
    /// Events it holds on.
    pub hits: u64,
    /// Events it may hold on, if something holds that was not decided.
    pub candidates: u64,
    /// Events of which it cannot be known.
    pub unknown: u64,
    /// Hosts with hits.
    pub hosts: u64,
}

/// What was counted of a value on public recordings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecordedValue {
    /// As an indicator, the events in which it held; `null` where no rule that looks for it was asked about one.
    pub indicator: Option<u64>,
    /// As an exclusion, the events in which it held; `null` where no rule that has it was asked about one.
    pub exclusion: Option<u64>,
    /// As an exclusion, the hits that it took away.
    pub removed: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct RuleRow {
    rule: String,
    asked: u64,
    hits: u64,
    candidates: u64,
    unknown: u64,
    hosts: u64,
}

#[derive(Debug, Deserialize)]
struct ValueRow {
    role: String,
    hash: String,
    events: u64,
    removed: Option<u64>,
}

#[derive(Debug, Default)]
struct Recorded {
    recordings: Vec<Recording>,
    rules: FxHashMap<String, RecordedRule>,
    indicators: FxHashMap<String, u64>,
    exclusions: FxHashMap<String, (u64, u64)>,
}

fn recorded() -> &'static Recorded {
    static READ: OnceLock<Recorded> = OnceLock::new();
    READ.get_or_init(|| {
        read(
            include_str!("../data/recordings/recordings.csv"),
            include_str!("../data/recordings/rules.csv"),
            include_str!("../data/recordings/values.csv"),
        )
        .unwrap_or_default()
    })
}

fn rows<T: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<T>, csv::Error> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().collect()
}

fn read(recordings: &str, rules: &str, values: &str) -> Result<Recorded, csv::Error> {
    let mut found = Recorded { recordings: rows(recordings)?, ..Recorded::default() };
    for RuleRow { rule, asked, hits, candidates, unknown, hosts } in rows(rules)? {
        found.rules.insert(rule, RecordedRule { asked, hits, candidates, unknown, hosts });
    }
    for ValueRow { role, hash, events, removed } in rows(values)? {
        match role.as_str() {
            "exclusion" => drop(found.exclusions.insert(hash, (events, removed.unwrap_or_default()))),
            _ => drop(found.indicators.insert(hash, events)),
        }
    }
    Ok(found)
}

/// The recordings on which rules were measured.
#[must_use]
pub fn recordings() -> &'static [Recording] {
    &recorded().recordings
}

/// What was counted of a rule on them; `None` where it was asked about no event, or is not one of the rules that were measured.
#[must_use]
pub fn recorded_rule(id: &str) -> Option<RecordedRule> {
    recorded().rules.get(id).copied()
}

/// What stands for a value in the data.
#[must_use]
pub fn recorded_hash(field: &str, op: &str, value: &str, modifier: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [field, op, value, modifier] {
        hasher.update(part.as_bytes()).update(&[0]);
    }
    hasher.finalize().to_hex().chars().take(HASH).collect()
}

impl crate::Atlas {
    /// What was counted of a value on public recordings. A value that never held is measured where a rule that has it was asked.
    #[must_use]
    pub fn recorded_value(&self, indicator: &Indicator) -> RecordedValue {
        use ruleatlas_model::Role;
        let known = recorded();
        let hash = recorded_hash(
            &indicator.field,
            &indicator.op.to_string(),
            &indicator.value,
            &indicator.modifiers.to_string(),
        );
        let is_asked = |role| {
            let rules = self.index.find_indicator(indicator).and_then(|id| self.index.rules_with(id, role));
            let is_known = |rule| {
                self.index.head(rule).is_some_and(|head| known.rules.get(&head.id).is_some_and(|it| it.asked > 0))
            };
            rules.is_some_and(|rules| rules.iter().any(is_known))
        };
        let indicator = known.indicators.get(&hash).copied().or_else(|| is_asked(Role::Indicator).then_some(0));
        let exclusion = known.exclusions.get(&hash).copied().or_else(|| is_asked(Role::Exclusion).then_some((0, 0)));
        RecordedValue {
            indicator,
            exclusion: exclusion.map(|(events, _)| events),
            removed: exclusion.map(|(_, removed)| removed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_read_and_holds_no_text_of_rules() {
        let text = [
            include_str!("../data/recordings/recordings.csv"),
            include_str!("../data/recordings/rules.csv"),
            include_str!("../data/recordings/values.csv"),
        ];
        let found = read(text[0], text[1], text[2]).map_err(|error| error.to_string());
        let found = found.unwrap_or_else(|error| panic!("{error}"));
        assert!(!found.recordings.is_empty() && !found.rules.is_empty() && !found.indicators.is_empty());
        for rule in found.rules.values() {
            assert!(rule.asked >= rule.hits.max(rule.candidates) || rule.hits > 0, "{rule:?}");
        }
        let is_hash = |hash: &String| hash.len() == HASH && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(found.indicators.keys().chain(found.exclusions.keys()).all(is_hash));
        for rows in &text[1..] {
            let lines: Vec<&str> = rows.lines().skip(1).collect();
            assert!(lines.is_sorted(), "rows are in order, each once");
        }
    }
}
