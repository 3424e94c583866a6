//! Writes and reads what a hunt found as one SQLite file.
//!
//! The tables are described in `schema.sql`. A file is written next to its destination and renamed when it is whole, so that a reader
//! finds the old one or the new one. Only its owner can read it: hits hold what people did.
//!
//! ```no_run
//! use ruleatlas_hits::{Facts, HitsWriter};
//! # fn found() -> (Vec<ruleatlas_hunt::Hit>, ruleatlas_hunt::Report) { unimplemented!() }
//! let (hits, report) = found();
//! let mut writer = HitsWriter::create("hits.db".as_ref())?;
//! for hit in &hits {
//!     writer.add(hit)?;
//! }
//! writer.finish(&report, &Facts::default())?;
//! # Ok::<(), ruleatlas_hits::Error>(())
//! ```

mod read;

use std::path::{Path, PathBuf};

use ruleatlas_hunt::{Hit, IndicatorCount, Report};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use tempfile::TempPath;

pub use read::{HitsReader, SavedHit, SavedRule};

/// The version of the tables.
pub const SCHEMA_VERSION: u32 = 1;

const SCHEMA: &str = include_str!("schema.sql");
/// Hits of one transaction.
const BATCH: u64 = 10_000;

/// Why a file of hits cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite says so.
    #[error("{path}: {source}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: rusqlite::Error,
    },
    /// The file cannot be made or renamed.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is something else in its place.
    #[error("{0}: there is something else in this place, not a file of hits; name another file, or move it away")]
    NotOurs(PathBuf),
    /// It is no file of hits.
    #[error("{0}: not a file of hits; `ruleatlas hunt LOGS --save FILE` writes one")]
    NoHits(PathBuf),
    /// There is none.
    #[error("{0}: there is no such file")]
    Missing(PathBuf),
    /// A value in it cannot be read.
    #[error("{path}: hit {hit} cannot be read: {reason}; hunt again to write the file anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The hit's number.
        hit: i64,
        /// What is wrong with it.
        reason: String,
    },
    /// Its hits are of the rules of another catalog.
    #[error(
        "{0}: these are hits of another catalog's rules; hunt again with this catalog, or name that one with `--db`"
    )]
    OtherCatalog(PathBuf),
    /// Another version wrote it.
    #[error(
        "{path}: a file of hits of version {found}, and this program reads version {SCHEMA_VERSION}; hunt again to write it anew"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
}

/// Facts about where hits are from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The fingerprint of the catalog whose rules were run.
    pub catalog: String,
    /// The version of ATT&CK whose techniques the rules have.
    pub attack_version: String,
}

/// Writes a file of hits.
#[derive(Debug)]
pub struct HitsWriter {
    path: PathBuf,
    connection: Connection,
    unfinished: TempPath,
    hits: u64,
}

impl HitsWriter {
    /// Begins a file; what is at its place stays until [`finish`](Self::finish).
    ///
    /// # Errors
    /// The folder cannot be written, or something else than a file of hits is in the place.
    pub fn create(path: &Path) -> Result<Self, Error> {
        match std::fs::metadata(path) {
            // A pipe or a device would be replaced, and opening a pipe would wait for who writes to it.
            Ok(data) if !data.is_file() => return Err(Error::NotOurs(path.to_owned())),
            Ok(data) if data.len() > 0 => drop(version(path)?.ok_or_else(|| Error::NotOurs(path.to_owned()))?),
            _ => {}
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let failed = |source| Error::File { path: path.to_owned(), source };
        // Only the owner can read and write a temporary file.
        let file = tempfile::Builder::new().prefix(".hits-").suffix(".db").tempfile_in(folder).map_err(failed)?;
        let unfinished = file.into_temp_path();
        let begin = || {
            let connection = Connection::open(&unfinished)?;
            connection.pragma_update(None, "journal_mode", "OFF")?;
            connection.pragma_update(None, "synchronous", "OFF")?;
            connection.execute_batch(SCHEMA)?;
            connection.execute_batch("BEGIN")?;
            Ok(connection)
        };
        let connection = begin().map_err(|source| Error::Database { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), connection, unfinished, hits: 0 })
    }

    fn said<T>(&self, result: Result<T, rusqlite::Error>) -> Result<T, Error> {
        result.map_err(|source| Error::Database { path: self.path.clone(), source })
    }

    /// Adds a hit.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, hit: &Hit) -> Result<(), Error> {
        let number = i64::try_from(self.hits).unwrap_or(i64::MAX);
        let write = || {
            if self.hits > 0 && self.hits.is_multiple_of(BATCH) {
                self.connection.execute_batch("COMMIT; BEGIN")?;
            }
            let event = serde_json::to_string(&hit.event).unwrap_or_default();
            let Hit { rule, time, host, file, record, provider, event_id, candidate, count, .. } = hit;
            self.connection.prepare_cached("INSERT INTO hit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
                params![
                    number,
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
                ],
            )?;
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
        let Self { path, connection, unfinished, .. } = self;
        connection.close().map_err(|(_, source)| Error::Database { path: path.clone(), source })?;
        unfinished.persist(&path).map_err(|error| Error::File { path, source: error.error })
    }
}

/// SQLite's integers are signed.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn counts(connection: &Connection, report: &Report, facts: &Facts) -> Result<(), rusqlite::Error> {
    let mut meta = connection.prepare("INSERT INTO meta VALUES (?, ?)")?;
    let version = SCHEMA_VERSION.to_string();
    let program = concat!("ruleatlas ", env!("CARGO_PKG_VERSION"));
    let own = [
        ("schema", version.as_str()),
        ("program", program),
        ("catalog", &facts.catalog),
        ("attack_version", &facts.attack_version),
    ];
    for (key, value) in own {
        meta.execute([key, value])?;
    }
    let list = |texts: &[String]| serde_json::to_string(texts).unwrap_or_default();
    let mut rule = connection.prepare("INSERT OR REPLACE INTO rule VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    let mut unknown = connection.prepare("INSERT INTO unknown VALUES (?, ?, ?)")?;
    for row in &report.rules {
        let severity = row.severity.map(|severity| severity.name());
        let numbers = [row.asked, row.hits, row.candidates, row.unknown].map(integer);
        rule.execute(params![
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
            list(&row.hosts),
            row.source_unknown,
        ])?;
        for why in &row.unknown_why {
            unknown.execute(params![row.id, why.why, integer(why.events)])?;
        }
    }
    let mut not_run = connection.prepare("INSERT INTO not_run VALUES (?, ?)")?;
    for row in &report.not_run {
        not_run.execute([&row.id, &row.why])?;
    }
    let mut indicator = connection.prepare("INSERT INTO indicator VALUES (?, ?, ?, ?)")?;
    for IndicatorCount { field, op, value, events, .. } in &report.indicators {
        indicator.execute(params![field, op, value, integer(*events)])?;
    }
    let mut exclusion = connection.prepare("INSERT INTO exclusion VALUES (?, ?, ?, ?, ?)")?;
    for IndicatorCount { field, op, value, events, removed, .. } in &report.exclusions {
        exclusion.execute(params![field, op, value, integer(*events), integer(removed.unwrap_or_default())])?;
    }
    let mut file = connection.prepare("INSERT INTO file VALUES (?, ?, ?, ?)")?;
    for row in &report.files {
        file.execute(params![row.file, integer(row.read), integer(row.asked), integer(row.problems)])?;
    }
    let mut kind = connection.prepare("INSERT INTO kind VALUES (?, ?, ?, ?, ?)")?;
    for row in &report.kinds {
        kind.execute(params![row.provider, row.event_id, integer(row.read), integer(row.asked), integer(row.rules)])?;
    }
    connection.execute_batch("COMMIT")
}

/// The version of a file of hits; `None` where it is none.
fn version(path: &Path) -> Result<Option<String>, Error> {
    let read = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        // A catalog has a `meta`, too, and no `hit`.
        let sql =
            "SELECT value FROM meta WHERE key = 'schema' AND EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'hit')";
        connection.query_row(sql, [], |row| row.get(0)).optional()
    };
    match read() {
        Ok(found) => Ok(found),
        Err(rusqlite::Error::SqliteFailure(..)) => Ok(None),
        Err(source) => Err(Error::Database { path: path.to_owned(), source }),
    }
}
