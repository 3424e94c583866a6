//! Tables that another connection fills in memory, on a thread of its own, and that the file's connection then takes whole.
//!
//! SQLite takes rows from one thread a file. A whole table goes from one database to another
//! [record by record, none taken apart](https://www.sqlite.org/fileformat2.html#record_format), in a small part of the time
//! that its rows took to be put in.

use rusqlite::{Connection, Error, MAIN_DB, Transaction, ffi, serialize::Data};

use crate::{SCHEMA, write::PAGE};

/// The name under which the file's connection sees the other database.
const NAME: &str = "beside";

/// Memory in which an index may be sorted, in KiB.
const SORTED: i64 = 65_536;

/// What people's own queries need to be quick, by table; made after the rows, which is quicker than beside them.
const INDEXES: [(&str, &str); 6] = [
    ("rule_technique", "CREATE INDEX rule_technique_by_technique ON rule_technique (technique)"),
    ("rule_indicator", "CREATE INDEX rule_indicator_by_indicator ON rule_indicator (indicator)"),
    ("event", "CREATE INDEX event_by_name ON event (provider COLLATE NOCASE, event_id COLLATE NOCASE)"),
    ("provider_field", "CREATE INDEX provider_field_by_provider ON provider_field (provider)"),
    ("control_technique", "CREATE INDEX control_technique_by_technique ON control_technique (technique)"),
    ("diagnostic", "CREATE INDEX diagnostic_by_rule ON diagnostic (rule)"),
];

/// Makes the indexes of some tables.
pub(crate) fn make_indexes(transaction: &Transaction<'_>, tables: &[&str]) -> Result<(), Error> {
    let mut of_these = INDEXES.iter().filter(|(table, _)| tables.contains(table));
    of_these.try_for_each(|(_, index)| transaction.execute_batch(index))
}

/// Filled tables.
pub(crate) struct StagingTable {
    connection: Connection,
    tables: &'static [&'static str],
}

impl StagingTable {
    /// Makes the tables of the schema in memory, and fills those that are named.
    pub(crate) fn fill(
        tables: &'static [&'static str],
        fill: impl FnOnce(&Transaction<'_>) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut connection = Connection::open_in_memory()?;
        connection.pragma_update(None, "page_size", PAGE as i64)?;
        connection.pragma_update(None, "journal_mode", "OFF")?;
        // What an index is sorted in stays in memory too.
        connection.pragma_update(None, "cache_size", -SORTED)?;
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        fill(&transaction)?;
        make_indexes(&transaction, tables)?;
        transaction.commit()?;
        Ok(Self { connection, tables })
    }

    /// Moves the rows to the same tables of `file`, which must be in no transaction.
    pub(crate) fn move_to(mut self, file: &mut Connection) -> Result<(), Error> {
        let Data::Owned(bytes) = self.connection.serialize(MAIN_DB)? else {
            return Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERNAL), None));
        };
        drop(self.connection);
        file.execute_batch(&format!("ATTACH ':memory:' AS {NAME}"))?;
        file.deserialize(NAME, bytes, true)?;
        let transaction = file.transaction()?;
        make_indexes(&transaction, self.tables)?;
        for table in self.tables {
            // A full-text table has rows from its beginning.
            transaction.execute_batch(&format!(
                "DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM {NAME}.{table}"
            ))?;
        }
        transaction.commit()?;
        file.execute_batch(&format!("DETACH {NAME}"))
    }
}
