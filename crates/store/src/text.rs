//! The full-text table, made beside the rows of the rules, as it is a third of the work of writing them.

use ruleatlas_catalog::Entry;
use rusqlite::params;

use crate::{read::Sql, staging_table::StagingTable};

/// The [plain tables](https://www.sqlite.org/fts5.html#fts5_data_structures) that hold what FTS5 knows.
const TABLES: [&str; 4] = ["rule_text_data", "rule_text_idx", "rule_text_docsize", "rule_text_config"];

/// Bytes of words that FTS5 gathers in memory before it puts them in order.
const HASHED: i64 = 64 * 1024 * 1024;

/// The full text of every rule, numbered from 0.
pub(crate) fn fill(entries: &[Entry]) -> Sql<StagingTable> {
    StagingTable::fill(&TABLES, |transaction| {
        // Words are put in order once and not at every megabyte.
        transaction.execute("INSERT INTO rule_text (rule_text, rank) VALUES ('hashsize', ?)", [HASHED])?;
        let mut text =
            transaction.prepare("INSERT INTO rule_text (rowid, title, description, id) VALUES (?, ?, ?, ?)")?;
        for (number, Entry { rule, .. }) in (0_u32..).zip(entries) {
            text.execute(params![number, rule.title, rule.description, rule.id])?;
        }
        Ok(())
    })
}
