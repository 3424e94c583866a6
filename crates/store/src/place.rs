//! Where a catalog is written: beside its place first, in a file that a later build recognises when this one is killed.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rusqlite::{Connection, OpenFlags};
use tempfile::NamedTempFile;

use crate::Error;

/// The name of an unfinished catalog begins and ends with these.
const PREFIX: &str = ".ruleatlas-";
const SUFFIX: &str = ".db";

/// Symbolic links that are followed to the place of a catalog; as many as Linux follows.
const MAX_LINKS: usize = 40;

/// Stands in the [header](https://www.sqlite.org/fileformat2.html#application_id) of every catalog: `Rula`.
pub(crate) const APPLICATION_ID: i32 = 0x5275_6c61;

/// Unfinished catalogs of this process, for [`remove_unfinished`].
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes what this process has written of catalogs that are not finished: for a process that ends at a signal, when no
/// destructor runs.
pub fn remove_unfinished() {
    let mut files = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
    for file in files.drain(..) {
        // It may be finished and renamed by now.
        let _ = fs::remove_file(file);
    }
}

/// Says whether a catalog may be written to `path`: there must be nothing, an empty file, or a catalog of any version.
///
/// # Errors
/// Something else is there, or the place cannot be looked at.
pub fn check_place(path: &Path) -> Result<(), Error> {
    place(path).map(drop)
}

/// Where a catalog named `path` is written: links are followed, so that they stay links.
pub(crate) fn place(path: &Path) -> Result<PathBuf, Error> {
    let mut place = path.to_owned();
    let mut links = 0;
    loop {
        match fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_symlink() && links < MAX_LINKS => {
                links += 1;
                let to = fs::read_link(&place).map_err(|error| Error::io(&place, error))?;
                place = place.parent().unwrap_or(Path::new("")).join(to);
            }
            Ok(metadata) if metadata.is_symlink() => {
                return Err(Error::io(path, io::Error::other("too many symbolic links")));
            }
            Ok(metadata) if metadata.is_dir() => {
                return Err(Error::io(path, io::Error::other("a folder is in the catalog's place")));
            }
            Ok(metadata) if !metadata.is_file() => return Err(Error::NotOurs(path.to_owned())),
            Ok(metadata) if metadata.len() == 0 => return Ok(place),
            Ok(_) if is_catalog(&place)? => return Ok(place),
            Ok(_) => return Err(Error::NotOurs(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(place),
            Err(error) => return Err(Error::io(path, error)),
        }
    }
}

/// Whether a file is a catalog of any version, damaged ones included.
fn is_catalog(path: &Path) -> Result<bool, Error> {
    const HEADER: usize = 100;
    let mut header = Vec::with_capacity(HEADER);
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    file.take(HEADER as u64).read_to_end(&mut header).map_err(|error| Error::io(path, error))?;
    if !header.starts_with(b"SQLite format 3\0") {
        return Ok(false);
    }
    // What is shorter than the header is a database without content, cut off.
    if header.len() < HEADER || header.get(68..72) == Some(&APPLICATION_ID.to_be_bytes()) {
        return Ok(true);
    }
    // Versions before 5 had no mark in the header.
    let schema = || -> Result<String, rusqlite::Error> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.query_row("SELECT value FROM meta WHERE key = 'schema'", [], |row| row.get(0))
    };
    Ok(schema().is_ok_and(|schema| schema.parse::<u32>().is_ok()))
}

/// A catalog that is being written. It is removed when it is dropped before it is finished.
#[derive(Debug)]
pub(crate) struct Unfinished {
    /// Locked as long as it is written, so that other builds leave it alone.
    file: NamedTempFile,
}

impl Unfinished {
    /// Makes a file in a folder, and removes those that killed builds left there.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        remove_abandoned(folder);
        let mut builder = tempfile::Builder::new();
        // A catalog holds nothing secret: it gets the rights that any new file of the user gets.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.prefix(PREFIX).suffix(SUFFIX);
        loop {
            let file = builder.tempfile_in(folder)?;
            #[cfg(unix)]
            // Where the file system knows no locks, no other build can take one either.
            let _ = file.as_file().lock();
            // Another build may have taken it for abandoned before it was locked.
            if file.path().exists() {
                UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).push(file.path().to_owned());
                return Ok(Self { file });
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Puts the file on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.as_file().sync_all()
    }

    /// Renames the file to `path`.
    pub(crate) fn finish(self, path: &Path) -> io::Result<()> {
        let unfinished = self.file.path().to_owned();
        let finished = self.file.persist(path).map(drop).map_err(|error| error.error);
        UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).retain(|file| *file != unfinished);
        finished
    }
}

/// Removes unfinished catalogs that no running build holds. What cannot be removed is in nobody's way.
fn remove_abandoned(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_file()) && is_abandoned(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A build holds a lock on what it writes, and the system takes it away with the process.
#[cfg(unix)]
fn is_abandoned(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

/// A lock would keep SQLite from writing here; no build takes a day.
#[cfg(not(unix))]
fn is_abandoned(path: &Path) -> bool {
    const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_running_build_holds_stays_and_what_a_killed_one_left_goes() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".ruleatlas-killed.db", ".ruleatlas-notes.txt", "other.db"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let running = Unfinished::new(folder.path()).unwrap();
        let other = Unfinished::new(folder.path()).unwrap();
        let held = |file: &Unfinished| file.path().file_name().unwrap().to_str().unwrap().to_owned();
        let mut expected = vec![".ruleatlas-notes.txt".to_owned(), "other.db".to_owned(), held(&running), held(&other)];
        expected.sort();
        assert_eq!(names(folder.path()), expected);
        running.finish(&folder.path().join("done.db")).unwrap();
        drop(other);
        assert_eq!(names(folder.path()), [".ruleatlas-notes.txt", "done.db", "other.db"]);
    }

    #[test]
    fn only_catalogs_and_empty_files_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let database = |name: &str, sql: &str| {
            let path = folder.path().join(name);
            Connection::open(&path).unwrap().execute_batch(sql).unwrap();
            path
        };
        let marked = format!("PRAGMA application_id = {APPLICATION_ID}; CREATE TABLE any (thing)");
        let former = "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL); \
                      INSERT INTO meta VALUES ('schema', '3')";
        for path in [
            folder.path().join("new.db"),
            folder.path().join("folder/new.db"),
            file("empty.db", b""),
            file("cut.db", b"SQLite format 3\0\x10\0"),
            database("marked.db", &marked),
            database("former.db", former),
        ] {
            assert!(check_place(&path).is_ok(), "{}", path.display());
        }
        for path in [
            file("notes.txt", b"to buy: milk"),
            file("short.db", b"SQLite"),
            database("shopping.db", "CREATE TABLE meta (key, value)"),
        ] {
            assert!(matches!(check_place(&path), Err(Error::NotOurs(_))), "{}", path.display());
        }
        assert!(check_place(folder.path()).is_err());
    }
}
