use std::{io, path::Path, time::SystemTime};

/// What tells a file from another one at the same place: one written beside it and renamed is never equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    length: u64,
    modified: Option<SystemTime>,
    /// Device and number of the file, where the system has them.
    place: Option<(u64, u64)>,
}

impl Identity {
    /// The file that is now at a path.
    ///
    /// # Errors
    /// There is none, or nothing can be learned of it.
    pub fn of(path: &Path) -> io::Result<Self> {
        let data = path.metadata()?;
        #[cfg(unix)]
        let place = {
            use std::os::unix::fs::MetadataExt as _;
            Some((data.dev(), data.ino()))
        };
        #[cfg(not(unix))]
        let place = None;
        Ok(Self { length: data.len(), modified: data.modified().ok(), place })
    }
}
