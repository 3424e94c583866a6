use std::{path::Path, sync::mpsc::sync_channel};

use rayon::prelude::*;
use ruleatlas_catalog::{Catalog, Entry, IndexData};
use ruleatlas_model::Attack;
use rusqlite::{Connection, Statement, Transaction, params};
use serde::Serialize;

use crate::{Error, SCHEMA_VERSION, controls, events, text::Text};

/// How a catalog is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct WriteOptions {
    /// The most bytes that the file may take; `None` for what the disk has.
    pub max_bytes: Option<u64>,
}

/// Bytes of a page of the file.
///
/// Large, as most of the file is text that is read a rule at a time: fewer calls to write it, less lost at the pages' ends.
const PAGE: u64 = 32_768;

/// Pages that SQLite keeps in memory while it writes, in KiB; rows come in the order of their keys, so that few are met
/// again.
const KEPT: i64 = 8192;

/// Rules whose JSON is made on one thread at a time, and how many such lots may wait for the one that writes.
const LOT: usize = 256;
const WAITING: usize = 4;

/// Writes a catalog to `path`: beside it first, then in its place.
///
/// # Errors
/// The folder cannot be made or written, or the disk is full. What was at `path` is then unchanged.
pub fn write(path: &Path, catalog: &Catalog, options: WriteOptions) -> Result<(), Error> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
    Error::if_folder(path)?;
    let mut builder = tempfile::Builder::new();
    // A catalog holds nothing secret: it gets the rights that any new file of the user gets.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file =
        builder.prefix(".ruleatlas-").suffix(".db").tempfile_in(folder).map_err(|error| Error::io(folder, error))?;
    fill(file.path(), catalog, options).map_err(|error| Error::database(path, error))?;
    file.as_file().sync_all().map_err(|error| Error::io(path, error))?;
    file.persist(path).map_err(|error| Error::io(path, error.error))?;
    Ok(())
}

fn fill(path: &Path, catalog: &Catalog, options: WriteOptions) -> Result<(), rusqlite::Error> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "page_size", PAGE as i64)?;
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -KEPT)?;
    if let Some(bytes) = options.max_bytes {
        let pages = i64::try_from(bytes / PAGE).unwrap_or(i64::MAX).max(1);
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    let transaction = connection.transaction()?;
    transaction.execute_batch(include_str!("schema.sql"))?;
    about(&transaction, catalog)?;
    attack(&transaction, &catalog.attack)?;
    events::write(&transaction, catalog)?;
    controls::write(&transaction, &catalog.controls)?;
    // SQLite takes rows from one thread only; the index is made on another meanwhile.
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel(WAITING);
        scope.spawn(move || {
            let lots = catalog.entries.chunks(LOT).map(|lot| lot.par_iter().map(Columns::of).collect::<Vec<_>>());
            // A writer that has gone wants no more.
            let _ = lots.map(|lot| send.send(lot)).find(Result::is_err);
        });
        let counts = scope.spawn(|| {
            let data = IndexData::without_heads(&catalog.entries);
            (data.reach(&catalog.entries), data)
        });
        let text = scope.spawn(|| Text::of(&catalog.entries));
        rules(&transaction, &catalog.entries, receive.into_iter().flatten())?;
        text.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?.write(&transaction)?;
        let (reach, data) = counts.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        counted(&transaction, &data, &reach)
    })?;
    transaction.execute_batch(INDEXES)?;
    transaction.commit()?;
    connection.close().map_err(|(_, error)| error)
}

/// What people's own queries need to be quick; made after the rows, which is quicker than beside them.
const INDEXES: &str = "
CREATE INDEX rule_technique_by_technique ON rule_technique (technique);
CREATE INDEX rule_indicator_by_indicator ON rule_indicator (indicator);
CREATE INDEX event_by_name ON event (provider COLLATE NOCASE, event_id COLLATE NOCASE);
CREATE INDEX control_technique_by_technique ON control_technique (technique);
CREATE INDEX diagnostic_by_rule ON diagnostic (rule);
";

fn about(transaction: &Transaction<'_>, catalog: &Catalog) -> Result<(), rusqlite::Error> {
    let mut meta = transaction.prepare("INSERT INTO meta VALUES (?, ?)")?;
    meta.execute(params!["schema", SCHEMA_VERSION.to_string()])?;
    meta.execute(params!["program", env!("CARGO_PKG_VERSION")])?;
    meta.execute(params!["fingerprint", catalog.fingerprint])?;
    meta.execute(params!["attack_version", catalog.attack.version])?;
    meta.execute(params!["diagnostics", json(&catalog.diagnostics)])?;
    let mut source = transaction.prepare("INSERT INTO source VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    for info in &catalog.sources {
        let origin = &info.origin;
        let row = (&info.name, info.kind.name(), &origin.url, &origin.commit, &origin.date, &origin.link);
        source.execute(params![row.0, row.1, row.2, row.3, row.4, row.5, origin.license, info.files, info.rules])?;
    }
    let mut file = transaction.prepare("INSERT INTO file VALUES (?, ?, ?, ?, ?, ?)")?;
    for record in &catalog.files {
        file.execute(params![record.source, record.path, record.outcome, record.reason, record.line, record.rules])?;
    }
    Ok(())
}

/// The rows of every rule; `columns` are those of `entries`, in their order.
fn rules(
    transaction: &Transaction<'_>,
    entries: &[Entry],
    columns: impl Iterator<Item = Columns>,
) -> Result<(), rusqlite::Error> {
    let mut head = transaction.prepare("INSERT INTO rule VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    let mut body = transaction.prepare("INSERT INTO rule_body VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    let mut technique = transaction.prepare("INSERT INTO rule_technique VALUES (?, ?, ?, ?, ?)")?;
    let mut event = transaction.prepare("INSERT INTO rule_event VALUES (?, ?, ?, ?, ?)")?;
    let mut diagnostic = transaction.prepare("INSERT INTO diagnostic VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    let mut tactic = transaction.prepare("INSERT INTO rule_tactic VALUES (?, ?)")?;
    let mut platform = transaction.prepare("INSERT INTO rule_platform VALUES (?, ?)")?;
    let mut domain = transaction.prepare("INSERT INTO rule_domain VALUES (?, ?)")?;
    let mut log_source = transaction.prepare("INSERT INTO rule_log_source VALUES (?, ?)")?;
    let mut predicate =
        transaction.prepare("INSERT INTO predicate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    for ((number, entry), columns) in (0_u32..).zip(entries).zip(columns) {
        let rule = &entry.rule;
        head.execute(params![
            number,
            rule.id,
            rule.vendor.name(),
            rule.source,
            rule.path,
            rule.line,
            rule.kind.name(),
            rule.title,
            rule.language.name(),
            rule.status.map(|status| status.name()),
            rule.severity.map(|severity| severity.name()),
            rule.date,
            rule.modified,
            rule.parse.name(),
            rule.variant_of,
            rule.is_counted(),
        ])?;
        let [authors, links, false_positives, tags, extra, conditions] = &columns.body;
        body.execute(params![
            number,
            rule.description,
            rule.query,
            rule.license,
            authors,
            links,
            false_positives,
            tags,
            extra,
            conditions,
        ])?;
        for tag in &rule.technique_tags {
            let resolution = tag.resolution.name();
            if tag.techniques.is_empty() {
                technique.execute(params![number, tag.tag, None::<String>, resolution, tag.inferred])?;
            }
            for id in &tag.techniques {
                technique.execute(params![number, tag.tag, id, resolution, tag.inferred])?;
            }
        }
        for link in &rule.events {
            event.execute(params![number, link.event.provider, link.event.event_id, link.explicit, link.why])?;
        }
        for said in &rule.diagnostics {
            let level = serde_json::to_value(said.level).unwrap_or_default();
            let (start, end) = (said.span.map(|span| span.start), said.span.map(|span| span.end));
            diagnostic.execute(params![number, level.as_str(), said.code, said.message, start, end, said.line])?;
        }
        each(&mut tactic, number, &rule.tactics)?;
        each(&mut platform, number, &rule.platforms)?;
        each(&mut domain, number, &rule.domains)?;
        each(&mut log_source, number, &rule.log_sources)?;
        for ((n, row), values) in (0_u32..).zip(&entry.predicates).zip(&columns.values) {
            predicate.execute(params![
                number,
                n,
                row.step,
                row.stage,
                row.role.name(),
                row.raw_field,
                row.field,
                row.mapped,
                row.op,
                row.negated,
                values,
                row.case_sensitive,
                row.modifier,
                row.group,
                row.derived_from,
                row.span.start,
                row.span.end,
            ])?;
        }
    }
    Ok(())
}

/// The columns of a rule that hold JSON, made on other threads than the one that writes.
struct Columns {
    body: [String; 6],
    /// Of each predicate.
    values: Vec<String>,
}

impl Columns {
    fn of(entry: &Entry) -> Self {
        let rule = &entry.rule;
        Self {
            body: [
                json(&rule.authors),
                json(&rule.references),
                json(&rule.false_positives),
                json(&rule.tags),
                json(&rule.extra),
                json(&rule.conditions),
            ],
            values: entry.predicates.iter().map(|row| json(&row.values)).collect(),
        }
    }
}

fn each(statement: &mut Statement<'_>, rule: u32, values: &[String]) -> Result<(), rusqlite::Error> {
    for value in values {
        statement.execute(params![rule, value])?;
    }
    Ok(())
}

fn counted(transaction: &Transaction<'_>, data: &IndexData, reach: &[(u32, u32)]) -> Result<(), rusqlite::Error> {
    let mut field = transaction.prepare("INSERT INTO field VALUES (?, ?)")?;
    for (number, name) in (0_u32..).zip(&data.fields) {
        field.execute(params![number, name])?;
    }
    let mut rule_field = transaction.prepare("INSERT INTO rule_field VALUES (?, ?, ?)")?;
    for (rule, field, op) in &data.field_uses {
        rule_field.execute(params![rule, field, op])?;
    }
    let mut indicator = transaction.prepare("INSERT INTO indicator VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    for ((id, (field, row)), (looking, excluding)) in (0_u32..).zip(&data.indicators).zip(reach) {
        indicator.execute(params![id, field, row.op.to_string(), row.value, row.modifier, looking, excluding])?;
    }
    let mut used = transaction.prepare("INSERT INTO rule_indicator VALUES (?, ?, ?, ?)")?;
    for (rule, id, role, grouped) in &data.uses {
        used.execute(params![rule, id, role.name(), grouped])?;
    }
    Ok(())
}

fn attack(transaction: &Transaction<'_>, attack: &Attack) -> Result<(), rusqlite::Error> {
    let mut technique = transaction.prepare("INSERT INTO technique VALUES (?, ?, ?, ?, ?, ?)")?;
    let bodies: Vec<String> = attack.techniques.par_iter().map(|(_, row)| json(row)).collect();
    for (row, body) in attack.techniques.values().zip(bodies) {
        technique.execute(params![row.id, row.name, row.domain.name(), row.parent, row.deprecated, body])?;
    }
    let mut tactic = transaction.prepare("INSERT INTO tactic VALUES (?, ?, ?, ?, ?)")?;
    for (n, row) in (0_u32..).zip(&attack.tactics) {
        tactic.execute(params![n, row.id, row.short_name, row.name, json(row)])?;
    }
    let mut mitigation = transaction.prepare("INSERT INTO mitigation VALUES (?, ?, ?)")?;
    for row in attack.mitigations.values() {
        mitigation.execute(params![row.id, row.name, json(row)])?;
    }
    let mut redirect = transaction.prepare("INSERT INTO redirect VALUES (?, ?, ?, ?)")?;
    for (id, row) in &attack.redirects {
        redirect.execute(params!["technique", id, json(&row.to), row.resolution.name()])?;
    }
    for (id, to) in &attack.tactic_redirects {
        redirect.execute(params!["tactic", id, json(to), "crosswalk"])?;
    }
    Ok(())
}

pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
