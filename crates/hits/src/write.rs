use std::path::Path;

use ruleatlas_hunt::{Hit, IndicatorCount, Report};
use rusqlite::{Connection, params};

use crate::{Error, SCHEMA, SCHEMA_VERSION, file::Unfinished, integer};

/// Hits of one transaction.
const BATCH: u64 = 10_000;
/// The number of the only data set of a file that a hunt writes.
const DATA_SET: i64 = 1;

/// Facts about where hits are from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The fingerprint of the catalog whose rules were run.
    pub catalog: String,
    /// The version of ATT&CK whose techniques the rules have.
    pub attack_version: String,
    /// What the logs are called; empty for `logs`.
    pub data_set: String,
    /// Canonical fields whose values were taken out.
    pub redacted: Vec<String>,
    /// Whether only counts are written: no hit is in the file, and no host is named.
    pub counts_only: bool,
}

/// Writes a file of hits.
#[derive(Debug)]
pub struct HitsWriter {
    connection: Connection,
    unfinished: Unfinished,
    hits: u64,
}

impl HitsWriter {
    /// Begins a file; what is at its place stays until [`finish`](Self::finish).
    ///
    /// # Errors
    /// The folder cannot be written, or something else than a file of hits is in the place.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let unfinished = Unfinished::create(path)?;
        let begin = || {
            let connection = unfinished.open()?;
            connection.execute_batch(SCHEMA)?;
            connection.execute_batch("BEGIN")?;
            Ok(connection)
        };
        let connection = begin().map_err(|source| Error::Database { path: path.to_owned(), source })?;
        Ok(Self { connection, unfinished, hits: 0 })
    }

    fn said<T>(&self, result: Result<T, rusqlite::Error>) -> Result<T, Error> {
        result.map_err(|source| Error::Database { path: self.unfinished.path.clone(), source })
    }

    /// Adds a hit.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, hit: &Hit) -> Result<(), Error> {
        let number = integer(self.hits);
        let write = || {
            if self.hits > 0 && self.hits.is_multiple_of(BATCH) {
                self.connection.execute_batch("COMMIT; BEGIN")?;
            }
            let event = serde_json::to_string(&hit.event).unwrap_or_default();
            let Hit { rule, time, host, file, record, provider, event_id, candidate, count, .. } = hit;
            let sql = "INSERT INTO hit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
            self.connection.prepare_cached(sql)?.execute(params![
                number,
                DATA_SET,
                rule,
                time,
                host,
                file,
                integer(*record),
                provider,
                event_id,
                candidate,
                count.map(integer),
                event
            ])?;
            let mut of_several = self.connection.prepare_cached("INSERT INTO hit_event VALUES (?, ?, ?)")?;
            for place in &hit.events {
                of_several.execute(params![number, place.file, integer(place.record)])?;
            }
            let mut matched = self.connection.prepare_cached("INSERT INTO matched VALUES (?, ?, ?, ?)")?;
            for row in &hit.matched {
                matched.execute(params![number, row.field, row.op, row.value])?;
            }
            Ok(())
        };
        let written = write();
        self.said(written)?;
        self.hits += 1;
        Ok(())
    }

    /// Adds the counts and puts the file in its place.
    ///
    /// # Errors
    /// The file cannot be written or renamed.
    pub fn finish(self, report: &Report, facts: &Facts) -> Result<(), Error> {
        let written = counts(&self.connection, report, facts);
        self.said(written)?;
        self.unfinished.finish(self.connection)
    }
}

/// Writes what the file is.
pub(crate) fn write_meta(connection: &Connection, catalog: &str, attack_version: &str) -> Result<(), rusqlite::Error> {
    let mut meta = connection.prepare("INSERT INTO meta VALUES (?, ?)")?;
    let version = SCHEMA_VERSION.to_string();
    let program = concat!("ruleatlas ", env!("CARGO_PKG_VERSION"));
    let own =
        [("schema", version.as_str()), ("program", program), ("catalog", catalog), ("attack_version", attack_version)];
    for (key, value) in own {
        meta.execute([key, value])?;
    }
    Ok(())
}

fn counts(connection: &Connection, report: &Report, facts: &Facts) -> Result<(), rusqlite::Error> {
    write_meta(connection, &facts.catalog, &facts.attack_version)?;
    let list = |texts: &[String]| serde_json::to_string(texts).unwrap_or_default();
    let name = if facts.data_set.is_empty() { "logs" } else { &facts.data_set };
    let mut data_set = connection.prepare("INSERT INTO data_set VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?;
    let saves_hits = !facts.counts_only;
    let [read, asked, unknown_shape] =
        [report.events.read, report.events.asked, report.events.unknown_shape].map(integer);
    let redacted = list(&facts.redacted);
    data_set.execute(params![DATA_SET, name, read, asked, unknown_shape, redacted, saves_hits, saves_hits])?;
    let sql = "INSERT OR REPLACE INTO rule VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let mut rule = connection.prepare(sql)?;
    let mut unknown = connection.prepare("INSERT INTO unknown VALUES (?, ?, ?, ?)")?;
    for row in &report.rules {
        let severity = row.severity.map(|severity| severity.name());
        let numbers = [row.asked, row.hits, row.candidates, row.unknown].map(integer);
        let hosts = if facts.counts_only { "[]".to_owned() } else { list(&row.hosts) };
        rule.execute(params![
            DATA_SET,
            row.id,
            row.vendor.name(),
            row.title,
            severity,
            list(&row.techniques),
            numbers[0],
            numbers[1],
            numbers[2],
            numbers[3],
            row.first,
            row.last,
            hosts,
            integer(row.hosts.len() as u64),
            row.source_unknown,
        ])?;
        for why in &row.unknown_why {
            unknown.execute(params![DATA_SET, row.id, why.why, integer(why.events)])?;
        }
    }
    let mut not_run = connection.prepare("INSERT INTO not_run VALUES (?, ?, ?)")?;
    for row in &report.not_run {
        not_run.execute(params![DATA_SET, row.id, row.why])?;
    }
    let mut indicator = connection.prepare("INSERT INTO indicator VALUES (?, ?, ?, ?, ?, ?)")?;
    for IndicatorCount { field, op, value, modifier, events, .. } in &report.indicators {
        indicator.execute(params![DATA_SET, field, op, value, modifier, integer(*events)])?;
    }
    let mut exclusion = connection.prepare("INSERT INTO exclusion VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    for IndicatorCount { field, op, value, modifier, events, removed } in &report.exclusions {
        let removed = integer(removed.unwrap_or_default());
        exclusion.execute(params![DATA_SET, field, op, value, modifier, integer(*events), removed])?;
    }
    let mut file = connection.prepare("INSERT INTO file VALUES (?, ?, ?, ?, ?)")?;
    for row in &report.files {
        let numbers = [row.read, row.asked, row.problems].map(integer);
        file.execute(params![DATA_SET, row.file, numbers[0], numbers[1], numbers[2]])?;
    }
    let mut kind = connection.prepare("INSERT INTO kind VALUES (?, ?, ?, ?, ?, ?)")?;
    for row in &report.kinds {
        let numbers = [row.read, row.asked, row.rules].map(integer);
        kind.execute(params![DATA_SET, row.provider, row.event_id, numbers[0], numbers[1], numbers[2]])?;
    }
    connection.execute_batch("COMMIT")
}
