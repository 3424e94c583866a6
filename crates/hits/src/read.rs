use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use ruleatlas_hunt::{EventPlace, Matched};
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use serde_json::{Map, Value};

use crate::{Error, Facts, SCHEMA, file, natural, report::json};

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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SavedHit {
    /// The hit's number in the file.
    pub number: i64,
    /// The data set that it is of.
    pub data_set: i64,
    /// The rule's id.
    pub rule: String,
    /// When, in RFC 3339.
    pub time: Option<String>,
    /// On which host.
    pub host: Option<String>,
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
    /// Of a rule over several events, how many they are.
    pub count: Option<u64>,
    /// The event's canonical fields; empty where they were not saved.
    pub event: Map<String, Value>,
}

/// Hits in which an indicator held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ValueHits {
    /// The hits of rules that look for it.
    pub hits: u64,
    /// Their hosts.
    pub hosts: u64,
}

/// Which hits are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct HitQuery<'q> {
    /// Only hits of this rule.
    pub rule: Option<&'q str>,
    /// Only hits of this data set.
    pub data_set: Option<i64>,
    /// Only the hit of this number.
    pub number: Option<i64>,
    /// Passed over at the beginning.
    pub offset: u32,
    /// At most so many.
    pub limit: Option<u32>,
}

impl HitsReader {
    /// Opens a file.
    ///
    /// # Errors
    /// There is none, it is no file of hits or not a whole one, or another version wrote it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self { path: path.to_owned(), connection: file::open(path)? })
    }

    /// Where the file was when it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn said<T>(&self, result: Result<T, rusqlite::Error>) -> Result<T, Error> {
        result.map_err(|source| Error::Database { path: self.path.clone(), source })
    }

    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        of: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<Vec<T>, Error> {
        let collect = || self.connection.prepare_cached(sql)?.query_map(of, read)?.collect();
        self.said(collect())
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
        let read = || {
            let (catalog, attack_version) = (fact("catalog")?, fact("attack_version")?);
            Ok(Facts { catalog, attack_version, ..Facts::default() })
        };
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
        self.rows("SELECT id, sum(asked), sum(hits) FROM rule GROUP BY id ORDER BY id", [], |row| {
            Ok(SavedRule { id: row.get(0)?, asked: natural(row.get(1)?), hits: natural(row.get(2)?) })
        })
    }

    /// Hands every hit to `sink`, in order, until it says `false`.
    ///
    /// # Errors
    /// The file or one of its hits cannot be read.
    pub fn for_each_hit(&self, sink: impl FnMut(SavedHit) -> bool) -> Result<(), Error> {
        self.for_hits(HitQuery::default(), sink)
    }

    /// The same of some hits.
    ///
    /// # Errors
    /// The file or one of its hits cannot be read.
    pub fn for_hits(&self, query: HitQuery<'_>, mut sink: impl FnMut(SavedHit) -> bool) -> Result<(), Error> {
        const COLUMNS: &str =
            "hit, data_set, rule, time, host, file, record, provider, event_id, candidate, count, event";
        let of_rule = if query.rule.is_some() { "rule = ?1" } else { "?1 IS NULL" };
        let of_number = if query.number.is_some() { "hit = ?3" } else { "?3 IS NULL" };
        let sql = format!(
            "SELECT {COLUMNS} FROM hit WHERE {of_rule} AND (?2 IS NULL OR data_set = ?2) AND {of_number} ORDER BY hit LIMIT ?4 OFFSET ?5"
        );
        let mut statement = self.said(self.connection.prepare_cached(&sql))?;
        let limit = query.limit.map_or(-1, i64::from);
        let parameters = (query.rule, query.data_set, query.number, limit, query.offset);
        let mut rows = self.said(statement.query(parameters))?;
        while let Some(row) = self.said(rows.next())? {
            let read = || {
                let event: String = row.get(11)?;
                let found = SavedHit {
                    number: row.get(0)?,
                    data_set: row.get(1)?,
                    rule: row.get(2)?,
                    time: row.get(3)?,
                    host: row.get(4)?,
                    file: row.get(5)?,
                    record: natural(row.get(6)?),
                    provider: row.get(7)?,
                    event_id: row.get(8)?,
                    candidate: row.get(9)?,
                    count: row.get::<_, Option<i64>>(10)?.map(natural),
                    event: Map::new(),
                };
                Ok((found, event))
            };
            let (mut found, event) = self.said(read())?;
            found.event = serde_json::from_str(&event).map_err(|error| Error::Damaged {
                path: self.path.clone(),
                hit: found.number,
                reason: error.to_string(),
            })?;
            if !sink(found) {
                break;
            }
        }
        Ok(())
    }

    /// The indicators of the rule that held in a hit.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn matched(&self, hit: i64) -> Result<Vec<Matched>, Error> {
        self.rows("SELECT field, op, value FROM matched WHERE hit = ? ORDER BY rowid", [hit], |row| {
            Ok(Matched { field: row.get(0)?, op: row.get(1)?, value: row.get(2)? })
        })
    }

    /// The events of a hit of a rule over several.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn events_of(&self, hit: i64) -> Result<Vec<EventPlace>, Error> {
        self.rows("SELECT file, record FROM hit_event WHERE hit = ? ORDER BY rowid", [hit], |row| {
            Ok(EventPlace { file: row.get(0)?, record: natural(row.get(1)?) })
        })
    }

    /// The hits of rules that look for an indicator, in which it held.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn value_hits(&self, field: &str, op: &str, value: &str) -> Result<ValueHits, Error> {
        let sql = "SELECT count(*), count(DISTINCT host) FROM matched JOIN hit USING (hit) \
                   WHERE field = ? AND op = ? AND value = ? AND candidate = 0";
        let found = self.rows(sql, [field, op, value], |row| {
            Ok(ValueHits { hits: natural(row.get(0)?), hosts: natural(row.get(1)?) })
        })?;
        Ok(found.first().copied().unwrap_or_default())
    }

    /// How many hits of a rule are saved, candidates too.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn saved_hits_of(&self, rule: &str) -> Result<u64, Error> {
        let found = self.rows("SELECT count(*) FROM hit WHERE rule = ?", [rule], |row| row.get(0).map(natural))?;
        Ok(found.first().copied().unwrap_or_default())
    }

    /// How many hosts some rules have hits on; `None` where not all are named.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn hosts_of(&self, rules: &[&str]) -> Result<Option<u64>, Error> {
        let mut names = BTreeSet::new();
        for rule in rules {
            let of_rule = self.rows("SELECT hosts, host_count FROM rule WHERE id = ?", [rule], |row| {
                Ok((json::<Vec<String>>(row, 0)?, row.get(1).map(natural)?))
            })?;
            for (hosts, count) in of_rule {
                if (hosts.len() as u64) < count {
                    return Ok(None);
                }
                names.extend(hosts);
            }
        }
        Ok(Some(names.len() as u64))
    }

    /// Copies the whole file into an empty one.
    pub(crate) fn copy_to(&self, other: &Connection) -> Result<(), Error> {
        let copy = || {
            other.execute("ATTACH ? AS one", [self.path.to_string_lossy()])?;
            other.execute_batch(SCHEMA)?;
            for table in TABLES {
                other.execute_batch(&format!("INSERT INTO main.{table} SELECT * FROM one.{table};"))?;
            }
            other.execute_batch("DETACH one")
        };
        self.said(copy())
    }
}

/// Every table of a file.
const TABLES: [&str; 12] = [
    "meta",
    "data_set",
    "hit",
    "hit_event",
    "matched",
    "rule",
    "unknown",
    "not_run",
    "indicator",
    "exclusion",
    "file",
    "kind",
];
