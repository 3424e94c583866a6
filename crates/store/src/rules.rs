//! The tables of rules: the long texts, which the file's own connection writes, and the many short rows.

use ruleatlas_catalog::Entry;
use rusqlite::{Statement, Transaction, params};

use crate::{
    read::Sql,
    staging_table::StagingTable,
    write::{json, par_map_ordered},
};

/// The table of what only a rule's page shows: most of the file's bytes.
pub(crate) fn write_bodies(transaction: &Transaction<'_>, entries: &[Entry]) -> Sql<()> {
    let mut body = transaction.prepare("INSERT INTO rule_body VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    par_map_ordered(entries, columns, |number, Entry { rule, .. }, columns| {
        let [authors, links, false_positives, tags, extra, conditions] = columns;
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
        ])
    })
}

/// The columns of a rule's body that hold JSON.
fn columns(Entry { rule, .. }: &Entry) -> Sql<[String; 6]> {
    Ok([
        json(&rule.authors)?,
        json(&rule.references)?,
        json(&rule.false_positives)?,
        json(&rule.tags)?,
        json(&rule.extra)?,
        json(&rule.conditions)?,
    ])
}

/// The tables that have rows a rule.
pub(crate) fn fill(entries: &[Entry]) -> Sql<StagingTable> {
    const TABLES: [&str; 9] = [
        "rule",
        "rule_technique",
        "rule_tactic",
        "rule_platform",
        "rule_domain",
        "rule_log_source",
        "rule_event",
        "diagnostic",
        "predicate",
    ];
    StagingTable::fill(&TABLES, |transaction| rows(transaction, entries))
}

fn rows(transaction: &Transaction<'_>, entries: &[Entry]) -> Sql<()> {
    let mut head = transaction.prepare("INSERT INTO rule VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    let mut technique = transaction.prepare("INSERT INTO rule_technique VALUES (?, ?, ?, ?, ?)")?;
    let mut event = transaction.prepare("INSERT INTO rule_event VALUES (?, ?, ?, ?, ?)")?;
    let mut diagnostic = transaction.prepare("INSERT INTO diagnostic VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    let mut tactic = transaction.prepare("INSERT INTO rule_tactic VALUES (?, ?)")?;
    let mut platform = transaction.prepare("INSERT INTO rule_platform VALUES (?, ?)")?;
    let mut domain = transaction.prepare("INSERT INTO rule_domain VALUES (?, ?)")?;
    let mut log_source = transaction.prepare("INSERT INTO rule_log_source VALUES (?, ?)")?;
    let mut predicate =
        transaction.prepare("INSERT INTO predicate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    for (number, entry) in (0_u32..).zip(entries) {
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
        for (n, row) in (0_u32..).zip(&entry.predicates) {
            predicate.execute(params![
                number,
                n,
                row.step,
                row.stage,
                row.role.name(),
                row.raw_field,
                row.field,
                row.mapped,
                row.op.name(),
                row.written_op.name(),
                row.negated,
                json(&row.values)?,
                row.case_sensitive,
                row.modifiers.text(),
                row.group,
                row.derived_from,
                row.span.start,
                row.span.end,
            ])?;
        }
    }
    Ok(())
}

fn each(statement: &mut Statement<'_>, rule: u32, values: &[String]) -> Sql<()> {
    for value in values {
        statement.execute(params![rule, value])?;
    }
    Ok(())
}
