use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use serde_json::{Map, Value};

use crate::{Error, Facts, SCHEMA_VERSION, version};

/// A file of hits, open for reading.
#[derive(Debug)]
pub struct HitsReader {
    path: PathBuf,
    connection: Connection,
}

/// A rule that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedRule {
    /// The rule's id.
    pub id: String,
    /// How many events it was asked about.
    pub asked: u64,
    /// On how many of them it holds.
    pub hits: u64,
}

/// A rule that holds on an event.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedHit {
    /// The rule's id.
    pub rule: String,
    /// The log file.
    pub file: String,
    /// The record's number in it.
    pub record: u64,
    /// Who wrote the event.
    pub provider: String,
    /// The event's id.
    pub event_id: String,
    /// Whether something that was not decided decides between hits and others.
    pub candidate: bool,
    /// The event's canonical fields; empty where they were not saved.
    pub event: Map<String, Value>,
}

impl HitsReader {
    /// Opens a file.
    ///
    /// # Errors
    /// There is none, it is no file of hits, or another version wrote it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if !path.is_file() {
            return Err(Error::Missing(path.to_owned()));
        }
        let found = version(path)?.ok_or_else(|| Error::NoHits(path.to_owned()))?;
        if found != SCHEMA_VERSION.to_string() {
            return Err(Error::Version { path: path.to_owned(), found });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|source| Error::Database { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), connection })
    }

    fn said<T>(&self, result: Result<T, rusqlite::Error>) -> Result<T, Error> {
        result.map_err(|source| Error::Database { path: self.path.clone(), source })
    }

    /// Where its hits are from.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn facts(&self) -> Result<Facts, Error> {
        let fact = |key: &str| {
            let sql = "SELECT value FROM meta WHERE key = ?";
            self.connection
                .query_row(sql, [key], |row| row.get::<_, String>(0))
                .optional()
                .map(Option::unwrap_or_default)
        };
        let read = || Ok(Facts { catalog: fact("catalog")?, attack_version: fact("attack_version")? });
        self.said(read())
    }

    /// That its hits are of the rules of the catalog with this fingerprint, or of rules that were in files.
    ///
    /// # Errors
    /// They are of another catalog's, or the file cannot be read.
    pub fn expect_catalog(&self, fingerprint: &str) -> Result<(), Error> {
        let facts = self.facts()?;
        match facts.catalog.is_empty() || facts.catalog == fingerprint {
            true => Ok(()),
            false => Err(Error::OtherCatalog(self.path.clone())),
        }
    }

    /// The rules that were asked, ordered by id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn rules(&self) -> Result<Vec<SavedRule>, Error> {
        let read = || {
            let mut rows = self.connection.prepare("SELECT id, asked, hits FROM rule ORDER BY id")?;
            let rules = rows.query_map([], |row| {
                Ok(SavedRule { id: row.get(0)?, asked: natural(row.get(1)?), hits: natural(row.get(2)?) })
            })?;
            rules.collect()
        };
        self.said(read())
    }

    /// Hands every hit to `sink`, in order, until it says `false`.
    ///
    /// # Errors
    /// The file or one of its hits cannot be read.
    pub fn for_each_hit(&self, mut sink: impl FnMut(SavedHit) -> bool) -> Result<(), Error> {
        let sql = "SELECT rule, file, record, provider, event_id, candidate, event, hit FROM hit ORDER BY hit";
        let mut statement = self.said(self.connection.prepare(sql))?;
        let mut rows = self.said(statement.query([]))?;
        while let Some(row) = self.said(rows.next())? {
            let read = || {
                let (event, hit): (String, i64) = (row.get(6)?, row.get(7)?);
                let found = SavedHit {
                    rule: row.get(0)?,
                    file: row.get(1)?,
                    record: natural(row.get(2)?),
                    provider: row.get(3)?,
                    event_id: row.get(4)?,
                    candidate: row.get(5)?,
                    event: Map::new(),
                };
                Ok((found, event, hit))
            };
            let (mut found, event, hit) = self.said(read())?;
            found.event = serde_json::from_str(&event).map_err(|error| Error::Damaged {
                path: self.path.clone(),
                hit,
                reason: error.to_string(),
            })?;
            if !sink(found) {
                break;
            }
        }
        Ok(())
    }
}

/// SQLite's integers are signed.
fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
