use std::{io, path::PathBuf};

/// Why a source could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder is missing or cannot be listed.
    #[error("{path}: {error}; name an existing folder")]
    Folder {
        /// The folder as named.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The source is neither a folder nor a regular file.
    #[error("{path}: neither a folder nor a regular file; name a folder of rules, or one file")]
    Special {
        /// The place as named.
        path: PathBuf,
    },
    /// The source is a single file that cannot be read as text.
    #[error("{path}: {reason}")]
    File {
        /// The file as named.
        path: PathBuf,
        /// Why not, and what to do.
        reason: String,
    },
    /// `KIND=PATH` was not that.
    #[error("`{given}` is not KIND=PATH; the kinds are {kinds}")]
    Spec {
        /// What was given.
        given: String,
        /// The kinds there are.
        kinds: String,
    },
}
