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
    /// `KIND=PATH` was not that.
    #[error("`{given}` is not KIND=PATH; the kinds are {kinds}")]
    Spec {
        /// What was given.
        given: String,
        /// The kinds there are.
        kinds: String,
    },
}
