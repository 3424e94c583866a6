//! What a file of hits has, as a hunt reports it.

use std::collections::{BTreeMap, BTreeSet};

use ruleatlas_hunt::{CountedEvents, FileCount, IndicatorCount, KindCount, NotRun, Report, RuleCount, UnknownCount};
use rusqlite::{Error as SqlError, Row, types::Type};

use crate::{Error, HitsReader, natural};

/// The logs that one hunt read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataSet {
    /// Its number in the file.
    pub number: i64,
    /// What it is called.
    pub name: String,
    /// Its events.
    pub events: CountedEvents,
    /// Canonical fields whose values were taken out.
    pub redacted: Vec<String>,
    /// Whether its hits are in the file, or counts only.
    pub saves_hits: bool,
    /// Whether the hits have their events.
    pub saves_events: bool,
}

/// Hits of an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourCount {
    /// The hour, as its time begins in RFC 3339: `2026-01-02T03`.
    pub hour: String,
    /// The hits.
    pub hits: u64,
}

/// A column that holds JSON.
pub(crate) fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, SqlError> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| SqlError::FromSqlConversionFailure(column, Type::Text, error.into()))
}

/// A column that holds one of some words.
fn word<T: std::str::FromStr<Err = String>>(row: &Row<'_>, column: usize) -> Result<T, SqlError> {
    parsed(&row.get::<_, String>(column)?, column)
}

fn parsed<T: std::str::FromStr<Err = String>>(text: &str, column: usize) -> Result<T, SqlError> {
    text.parse().map_err(|error: String| SqlError::FromSqlConversionFailure(column, Type::Text, error.into()))
}

fn number(row: &Row<'_>, column: usize) -> Result<u64, SqlError> {
    row.get(column).map(natural)
}

impl HitsReader {
    /// The data sets, in order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn data_sets(&self) -> Result<Vec<DataSet>, Error> {
        let sql = "SELECT data_set, name, read, asked, unknown_shape, redacted, saves_hits, saves_events FROM data_set \
                   ORDER BY data_set";
        self.rows(sql, [], |row| {
            Ok(DataSet {
                number: row.get(0)?,
                name: row.get(1)?,
                events: CountedEvents { read: number(row, 2)?, asked: number(row, 3)?, unknown_shape: number(row, 4)? },
                redacted: json(row, 5)?,
                saves_hits: row.get(6)?,
                saves_events: row.get(7)?,
            })
        })
    }

    /// What was counted of a data set, or of all together: what `hunt --json` says of these logs. Beside it, how many hosts each
    /// rule has hits on: more than are named where a file has counts only, and then at most so many.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn report(&self, data_set: Option<i64>) -> Result<(Report, BTreeMap<String, u64>), Error> {
        // One parameter everywhere: the number, or null for all.
        const OF: &str = "(?1 IS NULL OR data_set = ?1)";
        let sum = |column: &str| format!("coalesce(sum({column}), 0)");
        let events =
            format!("SELECT {}, {}, {} FROM data_set WHERE {OF}", sum("read"), sum("asked"), sum("unknown_shape"));
        let events = self.rows(&events, [data_set], |row| {
            Ok(CountedEvents { read: number(row, 0)?, asked: number(row, 1)?, unknown_shape: number(row, 2)? })
        })?;
        let (rules, hosts) = self.rule_counts(data_set, OF)?;
        let not_run = format!("SELECT DISTINCT rule, why FROM not_run WHERE {OF} ORDER BY rule, why");
        let of_value = "field, op, value, modifier";
        let order = format!("ORDER BY 5 DESC, {of_value}");
        let indicators =
            format!("SELECT {of_value}, sum(events) FROM indicator WHERE {OF} GROUP BY {of_value} {order}");
        let exclusions = format!(
            "SELECT {of_value}, sum(events), sum(removed) FROM exclusion WHERE {OF} GROUP BY {of_value} {order}"
        );
        let files = format!(
            "SELECT file, sum(read), sum(asked), sum(problems) FROM file WHERE {OF} GROUP BY file ORDER BY file"
        );
        let kinds = format!(
            "SELECT provider, event_id, sum(read), sum(asked), max(rules) FROM kind WHERE {OF} GROUP BY provider, event_id \
             ORDER BY 3 DESC, provider, event_id"
        );
        let value = |row: &Row<'_>, removed: Option<u64>| -> Result<IndicatorCount, SqlError> {
            Ok(IndicatorCount {
                field: row.get(0)?,
                op: row.get(1)?,
                value: row.get(2)?,
                modifier: row.get(3)?,
                events: number(row, 4)?,
                removed,
            })
        };
        let report = Report {
            events: events.first().copied().unwrap_or_default(),
            rules,
            not_run: self.rows(&not_run, [data_set], |row| Ok(NotRun { id: row.get(0)?, why: row.get(1)? }))?,
            indicators: self.rows(&indicators, [data_set], |row| value(row, None))?,
            exclusions: self.rows(&exclusions, [data_set], |row| value(row, Some(number(row, 5)?)))?,
            files: self.rows(&files, [data_set], |row| {
                Ok(FileCount {
                    file: row.get(0)?,
                    read: number(row, 1)?,
                    asked: number(row, 2)?,
                    problems: number(row, 3)?,
                })
            })?,
            kinds: self.rows(&kinds, [data_set], |row| {
                Ok(KindCount {
                    provider: row.get(0)?,
                    event_id: row.get(1)?,
                    read: number(row, 2)?,
                    asked: number(row, 3)?,
                    rules: number(row, 4)?,
                })
            })?,
        };
        Ok((report, hosts))
    }

    fn rule_counts(&self, data_set: Option<i64>, of: &str) -> Result<(Vec<RuleCount>, BTreeMap<String, u64>), Error> {
        let sql = format!(
            "SELECT id, vendor, title, severity, techniques, asked, hits, candidates, unknown, first, last, hosts, source_unknown, \
             host_count FROM rule WHERE {of} ORDER BY data_set, id"
        );
        let read = self.rows(&sql, [data_set], |row| {
            let severity: Option<String> = row.get(3)?;
            let count = RuleCount {
                id: row.get(0)?,
                vendor: word(row, 1)?,
                title: row.get(2)?,
                severity: severity.map(|severity| parsed(&severity, 3)).transpose()?,
                techniques: json(row, 4)?,
                asked: number(row, 5)?,
                hits: number(row, 6)?,
                candidates: number(row, 7)?,
                unknown: number(row, 8)?,
                unknown_why: Vec::new(),
                first: row.get(9)?,
                last: row.get(10)?,
                hosts: json(row, 11)?,
                source_unknown: row.get(12)?,
            };
            Ok((count, number(row, 13)?))
        })?;
        let mut by_id: BTreeMap<String, Gathered> = BTreeMap::new();
        for (count, hosts) in read {
            let unnamed = hosts.saturating_sub(count.hosts.len() as u64);
            match by_id.get_mut(&count.id) {
                Some(known) => known.add(count, unnamed),
                None => {
                    let names = count.hosts.iter().cloned().collect();
                    by_id.insert(count.id.clone(), Gathered { count, names, unnamed });
                }
            }
        }
        let sql =
            format!("SELECT rule, why, sum(events) FROM unknown WHERE {of} GROUP BY rule, why ORDER BY 3 DESC, why");
        for (rule, why, events) in
            self.rows(&sql, [data_set], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, number(row, 2)?)))?
        {
            if let Some(known) = by_id.get_mut(&rule) {
                known.count.unknown_why.push(UnknownCount { why, events });
            }
        }
        let hosts = by_id.iter().map(|(id, rule)| (id.clone(), rule.names.len() as u64 + rule.unnamed)).collect();
        let mut rules: Vec<RuleCount> = by_id.into_values().map(Gathered::finish).collect();
        Report::sort_rules(&mut rules);
        Ok((rules, hosts))
    }

    /// The hits of every hour, in order; those without a time are none of it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn timeline(&self, data_set: Option<i64>) -> Result<Vec<HourCount>, Error> {
        let sql = "SELECT substr(time, 1, 13), count(*) FROM hit WHERE candidate = 0 AND time IS NOT NULL \
                   AND (?1 IS NULL OR data_set = ?1) GROUP BY 1 ORDER BY 1";
        self.rows(sql, [data_set], |row| Ok(HourCount { hour: row.get(0)?, hits: number(row, 1)? }))
    }
}

/// What was counted of a rule in several data sets.
struct Gathered {
    count: RuleCount,
    names: BTreeSet<String>,
    /// Hosts that are not named.
    unnamed: u64,
}

impl Gathered {
    fn add(&mut self, other: RuleCount, unnamed: u64) {
        let own = &mut self.count;
        own.asked = own.asked.saturating_add(other.asked);
        own.hits = own.hits.saturating_add(other.hits);
        own.candidates = own.candidates.saturating_add(other.candidates);
        own.unknown = own.unknown.saturating_add(other.unknown);
        own.source_unknown |= other.source_unknown;
        // Times as they are written compare as they follow each other.
        own.first = [own.first.take(), other.first].into_iter().flatten().min();
        own.last = [own.last.take(), other.last].into_iter().flatten().max();
        self.names.extend(other.hosts);
        self.unnamed = self.unnamed.saturating_add(unnamed);
    }

    fn finish(mut self) -> RuleCount {
        self.count.hosts = self.names.into_iter().collect();
        self.count
    }
}
