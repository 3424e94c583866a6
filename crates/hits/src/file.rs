//! Files in their places: which may be replaced, how they are opened, and whether they are whole.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};
use tempfile::TempPath;

use crate::{Error, SCHEMA, SCHEMA_VERSION};

/// A file that is written next to its place.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub path: PathBuf,
    file: TempPath,
}

impl Unfinished {
    /// A new file next to a place that a file of hits may take. Only its owner can read it.
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
        Ok(Self { path: path.to_owned(), file: file.into_temp_path() })
    }

    pub fn open(&self) -> Result<Connection, rusqlite::Error> {
        let connection = Connection::open(&self.file)?;
        connection.pragma_update(None, "journal_mode", "OFF")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        // What is deleted is overwritten.
        connection.pragma_update(None, "secure_delete", "ON")?;
        // What is sorted stays in memory: a temporary file could be read by others.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(connection)
    }

    /// Puts the file in its place.
    pub fn finish(self, connection: Connection) -> Result<(), Error> {
        let Self { path, file } = self;
        connection.close().map_err(|(_, source)| Error::Database { path: path.clone(), source })?;
        file.persist(&path).map_err(|error| Error::File { path, source: error.error })
    }
}

/// The version of a file of hits; `None` where it is none.
pub(crate) fn version(path: &Path) -> Result<Option<String>, Error> {
    let read = || {
        let connection = read_only(path)?;
        // A catalog has a `meta`, too, and no `hit`.
        let sql =
            "SELECT value FROM meta WHERE key = 'schema' AND EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'hit')";
        connection.query_row(sql, [], |row| row.get(0)).optional()
    };
    match read() {
        Ok(found) => Ok(found),
        Err(rusqlite::Error::SqliteFailure(failure, message)) => match failure.code {
            // A database that ends early or contradicts itself.
            ErrorCode::DatabaseCorrupt => {
                let reason = message.unwrap_or_else(|| failure.to_string());
                Err(Error::Broken { path: path.to_owned(), reason })
            }
            _ => Ok(None),
        },
        Err(source) => Err(Error::Database { path: path.to_owned(), source }),
    }
}

fn read_only(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // The file may be anybody's.
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.pragma_update(None, "cell_size_check", "ON")?;
    Ok(connection)
}

/// Opens a whole file of this version.
pub(crate) fn open(path: &Path) -> Result<Connection, Error> {
    if !path.is_file() {
        return Err(Error::Missing(path.to_owned()));
    }
    let found = version(path)?.ok_or_else(|| Error::NoHits(path.to_owned()))?;
    if found != SCHEMA_VERSION.to_string() {
        return Err(Error::Version { path: path.to_owned(), found });
    }
    let database = |source| Error::Database { path: path.to_owned(), source };
    let connection = read_only(path).map_err(database)?;
    let broken = |reason: String| Error::Broken { path: path.to_owned(), reason };
    if tables(&connection).map_err(database)? != own_tables().map_err(database)? {
        return Err(broken("its tables are others".to_owned()));
    }
    let said: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| broken(error.to_string()))?;
    if said != "ok" {
        return Err(broken(said.lines().last().unwrap_or_default().chars().take(200).collect()));
    }
    Ok(connection)
}

/// What a file declares: a view or a trigger in the place of a table could do anything.
fn tables(connection: &Connection) -> Result<Vec<(String, String, String)>, rusqlite::Error> {
    let sql = "SELECT type, name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name";
    let mut rows = connection.prepare(sql)?;
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    rows.collect()
}

fn own_tables() -> Result<Vec<(String, String, String)>, rusqlite::Error> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(SCHEMA)?;
    tables(&connection)
}
