//! What a hunt found: what `hunt --json` says, and when.

use ruleatlas_hits::HourCount;
use ruleatlas_hunt::{IndicatorCount, Report, RuleCount, UnknownCount};
use ruleatlas_model::{Severity, Vendor};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error, nearest};

/// Rows of a timeline: where there are more, rows are of a longer time.
const MAX_TIMES: usize = 60;

/// The hunts of a file, and all of them together.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HuntsView {
    /// The hunts, in order; none where no file of hits is open.
    pub data_sets: Vec<HuntDataSet>,
    /// All of them together; `null` where no file of hits is open.
    pub together: Option<HuntView>,
}

/// The logs that a hunt read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HuntDataSet {
    /// What they are called.
    pub name: String,
    /// Their events.
    pub events: HuntEvents,
    /// Canonical fields whose values were taken out.
    pub redacted: Vec<String>,
    /// Whether single hits are saved, or counts only.
    pub saves_hits: bool,
}

/// A hunt.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HuntView {
    /// Its events.
    pub events: HuntEvents,
    /// When hits were, in order.
    pub timeline: Vec<HuntTime>,
    /// The rules that were asked, those with hits first.
    pub rules: Vec<HuntRule>,
    /// Why rules cannot be known, what concerns the most rules first.
    pub blind: Vec<HuntBlind>,
    /// Rules that were not run, and rules whose hits are candidates only.
    pub not_run: Vec<HuntNotRun>,
    /// Indicators that held, the most first.
    pub indicators: Vec<HuntValue>,
    /// Exclusions that held, the most first.
    pub exclusions: Vec<HuntValue>,
    /// The log files.
    pub files: Vec<HuntFile>,
    /// The kinds of events, the most first.
    pub kinds: Vec<HuntKind>,
}

/// Numbers of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct HuntEvents {
    /// Read.
    pub read: u64,
    /// That a rule was asked about.
    pub asked: u64,
    /// Of a shape that is not known.
    pub unknown_shape: u64,
}

/// Hits of some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HuntTime {
    /// The hour, day, month or year, as a time begins in RFC 3339.
    pub time: String,
    /// The hits.
    pub hits: u64,
}

/// A rule that was asked.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct HuntRule {
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
    pub unknown_why: Vec<HuntUnknown>,
    /// The time of the first hit.
    pub first: Option<String>,
    /// The time of the last hit.
    pub last: Option<String>,
    /// The hosts with hits, as far as they are named.
    pub hosts: Vec<String>,
    /// How many hosts have hits.
    pub host_count: u64,
    /// Whether nothing is known of what the rule reads.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub source_unknown: bool,
}

/// Why something was unknown, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HuntUnknown {
    /// The reason.
    pub why: String,
    /// The events.
    pub events: u64,
}

impl From<UnknownCount> for HuntUnknown {
    fn from(UnknownCount { why, events }: UnknownCount) -> Self {
        Self { why, events }
    }
}

/// A reason why rules cannot be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HuntBlind {
    /// The reason.
    pub why: String,
    /// The rules.
    pub rules: u64,
    /// How often.
    pub evaluations: u64,
}

/// A rule that was not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HuntNotRun {
    /// The rule's id.
    pub id: String,
    /// Why.
    pub why: String,
}

/// An indicator or exclusion, and where it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HuntValue {
    /// The field.
    pub field: String,
    /// The folded operator.
    pub op: String,
    /// The folded value.
    pub value: String,
    /// What transforms value or match.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub modifier: String,
    /// Events in which it held.
    pub events: u64,
    /// Of an exclusion, the hits that it took away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<u64>,
}

/// A log file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HuntFile {
    /// The file.
    pub file: String,
    /// Events read.
    pub read: u64,
    /// Events that a rule was asked about.
    pub asked: u64,
    /// Places that could not be read.
    pub problems: u64,
}

/// A kind of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HuntKind {
    /// The provider.
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

impl Atlas {
    /// All hunts whose hits are open.
    ///
    /// # Errors
    /// The file of hits cannot be read.
    pub fn hunts(&self) -> Result<HuntsView, Error> {
        let Some(hits) = self.hits() else { return Ok(HuntsView { data_sets: Vec::new(), together: None }) };
        let data_sets = hits.data_sets().iter().map(|data_set| HuntDataSet {
            name: data_set.name.clone(),
            events: HuntEvents {
                read: data_set.events.read,
                asked: data_set.events.asked,
                unknown_shape: data_set.events.unknown_shape,
            },
            redacted: data_set.redacted.clone(),
            saves_hits: data_set.saves_hits,
        });
        Ok(HuntsView { data_sets: data_sets.collect(), together: Some(self.hunt_of(None)?) })
    }

    /// A hunt by the name of its data set.
    ///
    /// # Errors
    /// There is no such one, or the file of hits cannot be read.
    pub fn hunt(&self, name: &str) -> Result<HuntView, Error> {
        let data_sets = self.hits().map(|hits| hits.data_sets()).unwrap_or_default();
        let Some(found) = data_sets.iter().find(|data_set| data_set.name == name) else {
            let near = nearest(name, data_sets.iter().map(|data_set| data_set.name.as_str()), 3);
            return Err(Error::NotFound { what: "hunt", name: name.to_owned(), near });
        };
        self.hunt_of(Some(found.number))
    }

    fn hunt_of(&self, data_set: Option<i64>) -> Result<HuntView, Error> {
        let Some(hits) = self.hits() else {
            return Err(Error::NotFound { what: "hunt", name: String::new(), near: Vec::new() });
        };
        let (reader, hours) = {
            let reader = hits.reader();
            (reader.report(data_set)?, reader.timeline(data_set)?)
        };
        let (report, hosts) = reader;
        let blind = report.unknown_reasons().into_iter().map(|reason| HuntBlind {
            why: reason.why.to_owned(),
            rules: reason.rules,
            evaluations: reason.evaluations,
        });
        let blind = blind.collect();
        let Report { events, rules, not_run, indicators, exclusions, files, kinds } = report;
        let rule = |rule: RuleCount| HuntRule {
            host_count: hosts.get(&rule.id).copied().unwrap_or_default(),
            id: rule.id,
            vendor: rule.vendor,
            title: rule.title,
            severity: rule.severity,
            techniques: rule.techniques,
            asked: rule.asked,
            hits: rule.hits,
            candidates: rule.candidates,
            unknown: rule.unknown,
            unknown_why: rule.unknown_why.into_iter().map(HuntUnknown::from).collect(),
            first: rule.first,
            last: rule.last,
            hosts: rule.hosts,
            source_unknown: rule.source_unknown,
        };
        let value = |row: IndicatorCount| {
            let IndicatorCount { field, op, value, modifier, events, removed } = row;
            HuntValue { field, op, value, modifier, events, removed }
        };
        Ok(HuntView {
            events: HuntEvents { read: events.read, asked: events.asked, unknown_shape: events.unknown_shape },
            timeline: timeline(hours),
            rules: rules.into_iter().map(rule).collect(),
            blind,
            not_run: not_run.into_iter().map(|row| HuntNotRun { id: row.id, why: row.why }).collect(),
            indicators: indicators.into_iter().map(value).collect(),
            exclusions: exclusions.into_iter().map(value).collect(),
            files: files
                .into_iter()
                .map(|row| HuntFile { file: row.file, read: row.read, asked: row.asked, problems: row.problems })
                .collect(),
            kinds: kinds
                .into_iter()
                .map(|row| HuntKind {
                    provider: row.provider,
                    event_id: row.event_id,
                    read: row.read,
                    asked: row.asked,
                    rules: row.rules,
                })
                .collect(),
        })
    }
}

/// Hits by hour, or by the shortest of day, month and year that gives few enough rows.
fn timeline(hours: Vec<HourCount>) -> Vec<HuntTime> {
    let mut times: Vec<HuntTime> =
        hours.into_iter().map(|HourCount { hour, hits }| HuntTime { time: hour, hits }).collect();
    for length in [10, 7, 4] {
        if times.len() <= MAX_TIMES {
            break;
        }
        let mut shorter: Vec<HuntTime> = Vec::new();
        for HuntTime { time, hits } in times {
            let time: String = time.chars().take(length).collect();
            match shorter.last_mut().filter(|last| last.time == time) {
                Some(last) => last.hits += hits,
                None => shorter.push(HuntTime { time, hits }),
            }
        }
        times = shorter;
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_time_has_longer_rows() {
        let hours = |days: u64| {
            let hour =
                |day: u64| HourCount { hour: format!("2026-{:02}-{:02}T03", 1 + day / 28, 1 + day % 28), hits: 1 };
            (0..days).map(hour).collect::<Vec<_>>()
        };
        assert_eq!(timeline(hours(60)).len(), 60);
        let months = timeline(hours(300));
        assert_eq!([months.len() as u64, months[0].hits], [11, 28]);
        assert_eq!(months[0].time, "2026-01");
        assert_eq!(timeline(Vec::new()), Vec::new());
    }
}
