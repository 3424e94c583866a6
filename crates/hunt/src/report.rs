//! What is said of a hunt.

use std::collections::BTreeMap;

use ruleatlas_model::{Indicator, Severity, Vendor};
use serde::Serialize;

use crate::{Hunter, Runs, tally::Tally};

/// Reasons that are given of a rule.
const MAX_REASONS: usize = 100;

/// What was found in logs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Events.
    pub events: CountedEvents,
    /// Rules that were asked, those with hits first, then those with candidates, then by what is unknown.
    pub rules: Vec<RuleCount>,
    /// Rules that were not run, and rules whose hits are candidates only.
    pub not_run: Vec<NotRun>,
    /// Indicators that held in events which a rule that has them was asked about, the most first.
    pub indicators: Vec<IndicatorCount>,
    /// The same of exclusions, with the hits that they took away.
    pub exclusions: Vec<IndicatorCount>,
    /// By file, in order.
    pub files: Vec<FileCount>,
    /// By provider and event id, the most first.
    pub kinds: Vec<KindCount>,
}

/// Numbers of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CountedEvents {
    /// Read.
    pub read: u64,
    /// That a rule was asked about.
    pub asked: u64,
    /// Of a shape that is not known.
    pub unknown_shape: u64,
}

/// What a rule said.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleCount {
    /// The rule's id.
    pub id: String,
    /// Who publishes it.
    pub vendor: Vendor,
    /// Its title.
    pub title: String,
    /// How severe its author calls a hit.
    pub severity: Option<Severity>,
    /// Its techniques.
    pub techniques: Vec<String>,
    /// Events it was asked about.
    pub asked: u64,
    /// Events it holds on.
    pub hits: u64,
    /// Events it may hold on, if something holds that was not decided.
    pub candidates: u64,
    /// Events of which it cannot be known.
    pub unknown: u64,
    /// Why, the most frequent first.
    pub unknown_why: Vec<UnknownCount>,
    /// The time of the first hit, in RFC 3339.
    pub first: Option<String>,
    /// The time of the last hit.
    pub last: Option<String>,
    /// The hosts with hits.
    pub hosts: Vec<String>,
    /// Whether nothing is known of what the rule reads.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub source_unknown: bool,
}

/// Why something was unknown, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnknownCount {
    /// The reason.
    pub why: String,
    /// The events.
    pub events: u64,
}

/// A reason why rules could not be decided.
#[derive(Clone, Copy, Debug)]
pub struct UnknownReason<'r> {
    /// The reason.
    pub why: &'r str,
    /// The rules.
    pub rules: u64,
    /// How often.
    pub evaluations: u64,
    /// The most severe rule that it decided, the first of these by its id.
    pub example: &'r RuleCount,
}

/// A rule that was not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotRun {
    /// The rule's id.
    pub id: String,
    /// Why.
    pub why: String,
}

/// An indicator or exclusion, and where it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IndicatorCount {
    /// The field.
    pub field: String,
    /// The folded operator.
    pub op: String,
    /// The folded value.
    pub value: String,
    /// What transforms value or match (`windash`); empty for most.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub modifier: String,
    /// Events in which it held.
    pub events: u64,
    /// Of an exclusion, the hits that it removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<u64>,
}

/// Events of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileCount {
    /// The file.
    pub file: String,
    /// Events read.
    pub read: u64,
    /// Events that a rule was asked about.
    pub asked: u64,
    /// Places that could not be read.
    pub problems: u64,
}

/// Events of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KindCount {
    /// The provider, as the taxonomy calls it.
    pub provider: String,
    /// The event's id.
    pub event_id: String,
    /// Events read.
    pub read: u64,
    /// Events that a rule was asked about.
    pub asked: u64,
    /// Rules that are asked about them.
    pub rules: u64,
}

impl Report {
    /// Why rules could not be decided, what concerns the most rules first. Rule by rule it would be a list of the rules that read
    /// everything.
    #[must_use]
    pub fn unknown_reasons(&self) -> Vec<UnknownReason<'_>> {
        let mut by_reason: BTreeMap<&str, UnknownReason<'_>> = BTreeMap::new();
        for rule in &self.rules {
            for row in &rule.unknown_why {
                let found = by_reason.entry(&row.why).or_insert(UnknownReason {
                    why: &row.why,
                    rules: 0,
                    evaluations: 0,
                    example: rule,
                });
                found.rules += 1;
                found.evaluations += row.events;
                let key = |rule: &'_ RuleCount| (std::cmp::Reverse(rule.severity), rule.id.clone());
                if key(rule) < key(found.example) {
                    found.example = rule;
                }
            }
        }
        let mut rows: Vec<UnknownReason<'_>> = by_reason.into_values().collect();
        rows.sort_by(|one, other| {
            (other.rules, other.evaluations).cmp(&(one.rules, one.evaluations)).then_with(|| one.why.cmp(other.why))
        });
        rows
    }

    /// Puts rules in the order of a report: those with hits first, the most severe, then by hits, candidates and what is unknown.
    pub fn sort_rules(rules: &mut [RuleCount]) {
        rules.sort_by(|one, other| {
            let key = |rule: &RuleCount| (rule.hits > 0, rule.severity, rule.hits, rule.candidates, rule.unknown);
            key(other).cmp(&key(one)).then_with(|| one.id.cmp(&other.id))
        });
    }

    pub(crate) fn new(hunter: &Hunter, tally: &Tally) -> Self {
        let mut rules = Vec::new();
        let mut not_run = Vec::new();
        for (number, rule) in (0..).zip(&hunter.rules) {
            match &rule.runs {
                Runs::Hits => {}
                Runs::Candidates(why) | Runs::Not(why) => {
                    not_run.push(NotRun { id: rule.id.clone(), why: why.clone() });
                }
            }
            let Some(counted) = tally.rules.get(&number) else { continue };
            let mut unknown_why: Vec<UnknownCount> =
                counted.why.iter().map(|(why, events)| UnknownCount { why: why.clone(), events: *events }).collect();
            unknown_why.sort_by(|one, other| other.events.cmp(&one.events).then_with(|| one.why.cmp(&other.why)));
            unknown_why.truncate(MAX_REASONS);
            rules.push(RuleCount {
                id: rule.id.clone(),
                vendor: rule.vendor,
                title: rule.title.clone(),
                severity: rule.severity,
                techniques: rule.techniques.clone(),
                asked: counted.asked,
                hits: counted.hits,
                candidates: counted.candidates,
                unknown: counted.unknown,
                unknown_why,
                first: counted.first.map(|time| time.to_string()),
                last: counted.last.map(|time| time.to_string()),
                hosts: counted.hosts.iter().cloned().collect(),
                source_unknown: rule.source_unknown,
            });
        }
        Self::sort_rules(&mut rules);
        let row = |number: u32, events: u64, removed: Option<u64>| {
            let Indicator { field, op, value, modifiers } = hunter.indicators.get(number)?;
            let (op, modifier) = (op.to_string(), modifiers.to_string());
            Some(IndicatorCount { field, op, value, modifier, events, removed })
        };
        let sorted = |mut rows: Vec<IndicatorCount>| {
            rows.sort_by(|one, other| {
                let name =
                    |row: &IndicatorCount| (row.field.clone(), row.op.clone(), row.value.clone(), row.modifier.clone());
                other.events.cmp(&one.events).then_with(|| name(one).cmp(&name(other)))
            });
            rows
        };
        let indicators = tally.indicators.iter().filter_map(|(number, events)| row(*number, *events, None));
        let exclusions =
            tally.exclusions.iter().filter_map(|(number, [events, removed])| row(*number, *events, Some(*removed)));
        let files = tally.files.iter();
        let files = files.map(|(file, tally)| FileCount {
            file: file.clone(),
            read: tally.read,
            asked: tally.asked,
            problems: tally.problems,
        });
        let mut kinds: Vec<KindCount> = tally
            .kinds
            .iter()
            .map(|((provider, event_id), kind)| KindCount {
                provider: provider.clone(),
                event_id: event_id.clone(),
                read: kind.events,
                asked: kind.asked,
                rules: kind.rules,
            })
            .collect();
        kinds.sort_by(|one, other| {
            let name = |kind: &KindCount| (kind.provider.clone(), kind.event_id.clone());
            other.read.cmp(&one.read).then_with(|| name(one).cmp(&name(other)))
        });
        Self {
            events: CountedEvents { read: tally.read, asked: tally.asked, unknown_shape: tally.unknown_shape },
            rules,
            not_run,
            indicators: sorted(indicators.collect()),
            exclusions: sorted(exclusions.collect()),
            files: files.collect(),
            kinds,
        }
    }
}
