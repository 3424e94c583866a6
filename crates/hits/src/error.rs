use std::path::PathBuf;

use crate::SCHEMA_VERSION;

/// Why a file of hits cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite says so.
    #[error("{path}: {source}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: rusqlite::Error,
    },
    /// The file cannot be made or renamed.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is something else in its place.
    #[error("{0}: there is something else in this place, not a file of hits; name another file, or move it away")]
    NotOurs(PathBuf),
    /// It is no file of hits.
    #[error("{0}: not a file of hits; `ruleatlas hunt LOGS --save FILE` writes one")]
    NoHits(PathBuf),
    /// There is none.
    #[error("{0}: there is no such file")]
    Missing(PathBuf),
    /// It says that it is of this version, and has other tables.
    #[error("{path}: damaged, or not written by this program: {reason}; hunt again to write it anew")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A value in it cannot be read.
    #[error("{path}: hit {hit} cannot be read: {reason}; hunt again to write the file anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The hit's number.
        hit: i64,
        /// What is wrong with it.
        reason: String,
    },
    /// Its hits are of the rules of another catalog.
    #[error(
        "{0}: these are hits of another catalog's rules; hunt again with this catalog, or name that one with `--db`"
    )]
    OtherCatalog(PathBuf),
    /// Files of different catalogs cannot be put together.
    #[error("{first} and {second} are of the rules of different catalogs; hunt again with one of them")]
    Unlike {
        /// A file.
        first: PathBuf,
        /// A file of another catalog.
        second: PathBuf,
    },
    /// There is nothing to put together.
    #[error("name at least one file of hits")]
    Nothing,
    /// Another version wrote it.
    #[error(
        "{path}: a file of hits of version {found}, and this program reads version {SCHEMA_VERSION}; hunt again to write it anew"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
}
