//! The full-text table: made beside the rows of the rules, as it is a third of the work of writing them.
//!
//! [FTS5 keeps a table](https://www.sqlite.org/fts5.html#fts5_data_structures) in plain tables of their own. They are filled
//! in memory by another connection on another thread, and their rows copied.

use ruleatlas_catalog::Entry;
use rusqlite::{Connection, Transaction, params, types::Value};

/// The declaration of the full-text table, as in the schema.
fn declaration() -> &'static str {
    let schema = include_str!("schema.sql");
    schema.find("CREATE VIRTUAL TABLE").map_or("", |at| &schema[at..])
}

/// The plain tables behind the full-text table, with the number of their columns.
const TABLES: [(&str, usize); 4] =
    [("rule_text_data", 2), ("rule_text_idx", 3), ("rule_text_docsize", 2), ("rule_text_config", 2)];

/// The rows of the plain tables, by table.
pub(crate) struct Text([Vec<Vec<Value>>; TABLES.len()]);

impl Text {
    /// The full text of every rule, numbered from 0.
    pub(crate) fn of(entries: &[Entry]) -> Result<Self, rusqlite::Error> {
        let mut connection = Connection::open_in_memory()?;
        connection.pragma_update(None, "journal_mode", "OFF")?;
        connection.execute_batch(declaration())?;
        let transaction = connection.transaction()?;
        {
            let mut text =
                transaction.prepare("INSERT INTO rule_text (rowid, title, description, id) VALUES (?, ?, ?, ?)")?;
            for (number, Entry { rule, .. }) in (0_u32..).zip(entries) {
                text.execute(params![number, rule.title, rule.description, rule.id])?;
            }
        }
        transaction.commit()?;
        let mut text = Self(Default::default());
        for ((table, columns), rows) in TABLES.into_iter().zip(&mut text.0) {
            let mut all = connection.prepare(&format!("SELECT * FROM {table}"))?;
            let found = all.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
            *rows = found.collect::<Result<_, _>>()?;
        }
        Ok(text)
    }

    /// Writes the rows behind the table that the schema has made.
    pub(crate) fn write(&self, transaction: &Transaction<'_>) -> Result<(), rusqlite::Error> {
        for ((table, columns), rows) in TABLES.into_iter().zip(&self.0) {
            let marks = vec!["?"; columns].join(", ");
            let mut insert = transaction.prepare(&format!("REPLACE INTO {table} VALUES ({marks})"))?;
            for row in rows {
                insert.execute(rusqlite::params_from_iter(row))?;
            }
        }
        Ok(())
    }
}
