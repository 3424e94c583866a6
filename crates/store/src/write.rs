use std::{fs::File, path::Path, sync::mpsc::sync_channel};

use rayon::prelude::*;
use ruleatlas_catalog::Catalog;
use ruleatlas_model::Attack;
use rusqlite::{Connection, Transaction, params};
use serde::Serialize;

use crate::{
    Error, SCHEMA, SCHEMA_VERSION,
    check::check,
    controls, counts, events,
    place::{APPLICATION_ID, Unfinished, place},
    read::Sql,
    rules, staging_table, text,
};

/// How a catalog is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct WriteOptions {
    /// The most bytes that the file may take; `None` for what the disk has.
    pub max_bytes: Option<u64>,
}

/// Bytes of a page of the file.
///
/// Large, as most of the file is text that is read a rule at a time: fewer calls to write it, less lost at the pages' ends.
pub(crate) const PAGE: u64 = 32_768;

/// Pages that SQLite keeps in memory while it writes, in KiB; rows come in the order of their keys, so that few are met
/// again.
const KEPT: i64 = 8192;

/// Items whose rows are made at a time, and how many such lots may wait for the thread that writes.
const BATCH: usize = 256;
const QUEUE_DEPTH: usize = 4;

/// Writes a catalog to `path`: beside it first, and in its place when every row of it can be read. A symbolic link at
/// `path` stays one, the file is written to where it leads.
///
/// # Errors
/// The folder cannot be made or written, something that is no catalog is at `path`, or the disk is full. What was at
/// `path` is then unchanged.
pub fn write(path: &Path, catalog: &Catalog, options: WriteOptions) -> Result<(), Error> {
    let place = place(path)?;
    let folder = match place.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
    let file = Unfinished::new(folder).map_err(|error| Error::io(folder, error))?;
    fill(file.path(), catalog, options).map_err(|error| Error::database(path, error))?;
    std::thread::scope(|scope| {
        // The file is read while it goes to the disk.
        let synced = scope.spawn(|| file.sync());
        check(file.path()).map_err(|error| error.of_new(path))?;
        let synced = synced.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        synced.map_err(|error| Error::io(path, error))
    })?;
    file.finish(&place).map_err(|error| Error::io(path, error))
}

fn fill(path: &Path, catalog: &Catalog, options: WriteOptions) -> Sql<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "page_size", PAGE as i64)?;
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    // The first that is written: without a journal beside it.
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "cache_size", -KEPT)?;
    if let Some(bytes) = options.max_bytes {
        let pages = i64::try_from(bytes / PAGE).unwrap_or(i64::MAX).max(1);
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    // SQLite takes rows from one thread only: this one writes the long texts, others make the tables of many rows.
    std::thread::scope(|scope| {
        let beside = [
            scope.spawn(|| counts::fill(&catalog.entries)),
            scope.spawn(|| rules::fill(&catalog.entries)),
            scope.spawn(|| events::fill(catalog)),
            scope.spawn(|| text::fill(&catalog.entries)),
        ];
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        about(&transaction, catalog)?;
        attack(&transaction, &catalog.attack)?;
        controls::write(&transaction, &catalog.controls)?;
        events::write_bodies(&transaction, catalog)?;
        rules::write_bodies(&transaction, &catalog.entries)?;
        staging_table::make_indexes(&transaction, &["control_technique"])?;
        transaction.commit()?;
        // What is written goes to the disk while the rest is put together. Whether it got there is asked at the end, of
        // another handle: one that has said an error says it no more.
        scope.spawn(|| File::open(path)?.sync_data());
        for tables in beside {
            let tables = tables.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            tables.move_to(&mut connection)?;
        }
        connection.close().map_err(|(_, error)| error)
    })
}

fn about(transaction: &Transaction<'_>, catalog: &Catalog) -> Sql<()> {
    let mut meta = transaction.prepare("INSERT INTO meta VALUES (?, ?)")?;
    meta.execute(params!["schema", SCHEMA_VERSION.to_string()])?;
    meta.execute(params!["program", env!("CARGO_PKG_VERSION")])?;
    meta.execute(params!["fingerprint", catalog.fingerprint])?;
    meta.execute(params!["attack_version", catalog.attack.version])?;
    meta.execute(params!["diagnostics", json(&catalog.diagnostics)?])?;
    let mut source = transaction.prepare("INSERT INTO source VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    for info in &catalog.sources {
        let origin = &info.origin;
        let row = (&info.name, info.kind.name(), &origin.url, &origin.commit, &origin.date, &origin.link);
        let counts = (info.files, info.rules, info.items);
        source.execute(params![
            row.0,
            row.1,
            row.2,
            row.3,
            row.4,
            row.5,
            origin.license,
            counts.0,
            counts.1,
            counts.2
        ])?;
    }
    let mut file = transaction.prepare("INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    for record in &catalog.files {
        let query_like = record.looks_like_query;
        let row = (&record.source, &record.path, record.outcome.name(), &record.reason);
        file.execute(params![row.0, row.1, row.2, row.3, record.line, record.rules, query_like])?;
    }
    Ok(())
}

fn attack(transaction: &Transaction<'_>, attack: &Attack) -> Sql<()> {
    let mut technique = transaction.prepare("INSERT INTO technique VALUES (?, ?, ?, ?, ?, ?)")?;
    let bodies: Vec<String> = attack.techniques.par_iter().map(|(_, row)| json(row)).collect::<Sql<_>>()?;
    for (row, body) in attack.techniques.values().zip(bodies) {
        technique.execute(params![row.id, row.name, row.domain.name(), row.parent, row.deprecated, body])?;
    }
    let mut tactic = transaction.prepare("INSERT INTO tactic VALUES (?, ?, ?, ?, ?)")?;
    for (n, row) in (0_u32..).zip(&attack.tactics) {
        tactic.execute(params![n, row.id, row.short_name, row.name, json(row)?])?;
    }
    let mut mitigation = transaction.prepare("INSERT INTO mitigation VALUES (?, ?, ?)")?;
    for row in attack.mitigations.values() {
        mitigation.execute(params![row.id, row.name, json(row)?])?;
    }
    let mut redirect = transaction.prepare("INSERT INTO redirect VALUES (?, ?, ?, ?)")?;
    for (id, row) in &attack.redirects {
        redirect.execute(params!["technique", id, json(&row.to)?, row.resolution.name()])?;
    }
    for (id, to) in &attack.tactic_redirects {
        redirect.execute(params!["tactic", id, json(to)?, "crosswalk"])?;
    }
    Ok(())
}

/// Makes what is to be written of each item on all threads, a lot at a time, some lots ahead of `write`, which gets them in
/// their order, numbered from 0.
pub(crate) fn par_map_ordered<T: Sync, R: Send>(
    items: &[T],
    make: impl Fn(&T) -> Sql<R> + Send + Sync,
    mut write: impl FnMut(u32, &T, R) -> Sql<usize>,
) -> Sql<()> {
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel(QUEUE_DEPTH);
        scope.spawn(move || {
            let lots = items.chunks(BATCH).map(|lot| lot.par_iter().map(&make).collect::<Vec<Sql<R>>>());
            // A writer that has gone wants no more.
            let _ = lots.map(|lot| send.send(lot)).find(Result::is_err);
        });
        for ((number, item), made) in (0_u32..).zip(items).zip(receive.into_iter().flatten()) {
            write(number, item, made?)?;
        }
        Ok(())
    })
}

pub(crate) fn json<T: Serialize>(value: &T) -> Sql<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
