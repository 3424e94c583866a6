//! Several files of hits as one.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use crate::{Error, HitsReader, SCHEMA, file::Unfinished, write::write_meta};

/// What was put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The data sets, by name.
    pub data_sets: Vec<String>,
    /// The hits of all.
    pub hits: u64,
}

/// Tables whose rows belong to a data set, but for that of hits, with their other columns.
const TABLES: [(&str, &str); 7] = [
    (
        "rule",
        "id, vendor, title, severity, techniques, asked, hits, candidates, unknown, first, last, hosts, host_count, source_unknown",
    ),
    ("unknown", "rule, why, events"),
    ("not_run", "rule, why"),
    ("indicator", "field, op, value, modifier, events"),
    ("exclusion", "field, op, value, modifier, events, removed"),
    ("file", "file, read, asked, problems"),
    ("kind", "provider, event_id, read, asked, rules"),
];

/// Puts the data sets of files into one. Nothing is added up in it: every row keeps its data set, and readers add up what they ask
/// for. A name that several have gets a number behind it.
///
/// # Errors
/// A file cannot be read, they are of the rules of different catalogs, or the new one cannot be written.
pub fn merge(paths: &[PathBuf], to: &Path) -> Result<Merged, Error> {
    let mut catalog: Option<(String, &PathBuf)> = None;
    let (mut attack_version, mut names, mut total) = (String::new(), Vec::new(), 0);
    if paths.is_empty() {
        return Err(Error::Nothing);
    }
    let unfinished = Unfinished::create(to)?;
    let failed = |source| Error::Database { path: to.to_owned(), source };
    let connection = unfinished.open().map_err(failed)?;
    connection.execute_batch(SCHEMA).map_err(failed)?;
    for path in paths {
        // All of it is looked at before anything is taken.
        let reader = HitsReader::open(path)?;
        let facts = reader.facts()?;
        match &catalog {
            Some((known, first)) if *known != facts.catalog => {
                return Err(Error::Unlike { first: (*first).clone(), second: path.clone() });
            }
            Some(_) => {}
            None => {
                attack_version = facts.attack_version;
                catalog = Some((facts.catalog, path));
            }
        }
        let data_sets = reader.data_sets()?;
        drop(reader);
        let file = |source| Error::Database { path: path.clone(), source };
        connection.execute("ATTACH ? AS one", [path.to_string_lossy()]).map_err(file)?;
        let hits = connection.query_row("SELECT coalesce(max(hit) + 1, 0) FROM main.hit", [], |row| row.get(0));
        let hits: i64 = hits.map_err(failed)?;
        for data_set in data_sets {
            let name = unused(&names, &data_set.name);
            total += copy(&connection, data_set.number, names.len() as i64 + 1, &name, hits).map_err(file)?;
            names.push(name);
        }
        connection.execute_batch("DETACH one").map_err(file)?;
    }
    let catalog = catalog.map(|(catalog, _)| catalog).unwrap_or_default();
    write_meta(&connection, &catalog, &attack_version).map_err(failed)?;
    unfinished.finish(connection)?;
    Ok(Merged { data_sets: names, hits: total })
}

/// The name, with a number behind it where another data set has it.
fn unused(names: &[String], name: &str) -> String {
    let mut unused = name.to_owned();
    let mut number = 2;
    while names.contains(&unused) {
        unused = format!("{name} ({number})");
        number += 1;
    }
    unused
}

/// Copies a data set of the attached file; gives how many hits it has. Numbers of hits begin at `hits`.
fn copy(connection: &Connection, from: i64, to: i64, name: &str, hits: i64) -> Result<u64, rusqlite::Error> {
    connection.execute_batch("BEGIN")?;
    connection.execute(
        "INSERT INTO main.data_set SELECT ?2, ?3, read, asked, unknown_shape, redacted, saves_hits, saves_events \
         FROM one.data_set WHERE data_set = ?1",
        params![from, to, name],
    )?;
    for (table, columns) in TABLES {
        let sql = format!(
            "INSERT INTO main.{table} (data_set, {columns}) SELECT ?2, {columns} FROM one.{table} WHERE data_set = ?1"
        );
        connection.execute(&sql, [from, to])?;
    }
    let copied = connection.execute(
        "INSERT INTO main.hit SELECT hit + ?3, ?2, rule, time, host, file, record, provider, event_id, candidate, count, event \
         FROM one.hit WHERE data_set = ?1 ORDER BY hit",
        [from, to, hits],
    )?;
    for (table, columns) in [("hit_event", "file, record"), ("matched", "field, op, value")] {
        let sql = format!(
            "INSERT INTO main.{table} (hit, {columns}) SELECT hit + ?2, {columns} FROM one.{table} \
             WHERE hit IN (SELECT hit FROM one.hit WHERE data_set = ?1) ORDER BY rowid"
        );
        connection.execute(&sql, [from, hits])?;
    }
    connection.execute_batch("COMMIT")?;
    Ok(copied as u64)
}
