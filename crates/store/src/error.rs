use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

/// Why a catalog could not be written or read. Every message names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no catalog.
    #[error("{0}: there is no catalog; run `ruleatlas build`")]
    Missing(PathBuf),
    /// Another version of the program wrote it.
    #[error(
        "{path}: a catalog of version {found}, and this program reads version {expected}; run `ruleatlas build` to make it anew"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The version this program reads.
        expected: u32,
    },
    /// Another program holds it.
    #[error("{0}: another program has locked the catalog; close it and try again")]
    Locked(PathBuf),
    /// It is no catalog, or not a whole one.
    #[error("{path}: no catalog, or a damaged one ({reason}); run `ruleatlas build` to make it anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// What is at the catalog's place is something else, which is not replaced.
    #[error(
        "{0}: there is something else in the catalog's place, not a catalog of this program; name another file, or move it \
         away"
    )]
    NotOurs(PathBuf),
    /// What is said of one rule cannot be read; all others can.
    #[error("{path}: the rule {id} cannot be read ({reason}); run `ruleatlas build` to make the catalog anew")]
    Rule {
        /// The file.
        path: PathBuf,
        /// The rule's id.
        id: String,
        /// What was found.
        reason: String,
    },
    /// A catalog just written cannot be read.
    #[error(
        "{path}: the new catalog cannot be read back ({reason}), which is a fault of this program; the catalog that was \
         there before is unchanged"
    )]
    NotReadBack {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A catalog just written cannot be opened.
    #[error(
        "{path}: the new catalog cannot be opened to read it back ({reason}); the limit on open files may be too low \
         (`ulimit -n` shows it), or another program has removed or changed the file; the catalog that was there before is \
         unchanged"
    )]
    NotOpened {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The disk has no room left.
    #[error("{0}: the disk is full; the catalog that was there before is unchanged")]
    Full(PathBuf),
    /// The file or its folder cannot be used.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Anything else that the database says.
    #[error("{path}: {error}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What it says.
        error: rusqlite::Error,
    },
}

impl Error {
    pub(crate) fn database(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked(path),
            Some(ErrorCode::DiskFull) => Self::Full(path),
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path, reason: error.to_string() }
            }
            _ => match error {
                rusqlite::Error::SqliteFailure(_, Some(message)) if message.starts_with("no such table") => {
                    Self::Damaged { path, reason: message }
                }
                error => Self::Database { path, error },
            },
        }
    }

    /// What was found, without the file's name.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Damaged { reason, .. } | Self::NotOpened { reason, .. } => reason.clone(),
            Self::Rule { id, reason, .. } => format!("rule {id}: {reason}"),
            Self::Database { error, .. } => error.to_string(),
            Self::Io { error, .. } => error.to_string(),
            other => other.to_string(),
        }
    }

    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        if error.kind() == io::ErrorKind::StorageFull { Self::Full(path) } else { Self::Io { path, error } }
    }

    /// An error unless `path` is a regular file: opening a pipe would wait for who writes to it.
    pub(crate) fn if_not_regular(path: &Path) -> Result<(), Self> {
        match path.metadata() {
            Ok(data) if data.is_file() => Ok(()),
            Ok(data) if data.is_dir() => Err(Self::io(path, io::Error::other("a folder is in the catalog's place"))),
            Ok(_) => Err(Self::NotOurs(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Self::Missing(path.to_owned())),
            Err(error) => Err(Self::io(path, error)),
        }
    }

    /// What an error says of the catalog for `path` that was just written.
    pub(crate) fn of_new(self, path: &Path) -> Self {
        let (path, reason) = (path.to_owned(), self.reason());
        // The file was written: that it cannot be opened is not due to what is in it.
        if self.is_not_opened() { Self::NotOpened { path, reason } } else { Self::NotReadBack { path, reason } }
    }

    /// The same error, for each of the threads that would have used what could not be opened.
    pub(crate) fn again(&self, path: &Path) -> Self {
        let (path, reason) = (path.to_owned(), self.reason());
        if self.is_not_opened() { Self::NotOpened { path, reason } } else { Self::Damaged { path, reason } }
    }

    fn is_not_opened(&self) -> bool {
        match self {
            Self::NotOpened { .. } | Self::Io { .. } => true,
            Self::Database { error, .. } => error.sqlite_error_code() == Some(ErrorCode::CannotOpen),
            _ => false,
        }
    }

    pub(crate) fn damaged(path: &Path, reason: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }
}
