//! Clones and updates the public corpora with the `git` program.
//!
//! [`table`] is the list of sources: the built-in one, changed and extended by a file of the user's. [`sync`] brings each
//! into a folder of its name: shallow, and only the paths that are wanted. A transfer that fails leaves what was there.
//!
//! ```
//! use ruleatlas_sources::{SourceKind, sync};
//!
//! let sources = sync::table(None)?;
//! let sigma = sources.iter().find(|source| source.kind == SourceKind::Rules(ruleatlas_model::Vendor::Sigma)).unwrap();
//! assert_eq!(sigma.name, "SigmaHQ");
//! let at = sync::Revision { commit: "8eaafff1".into(), date: "2026-08-05".into() };
//! let page = sigma.origin(&at).page("rules/a b.yml");
//! assert_eq!(page.as_deref(), Some("https://github.com/SigmaHQ/sigma/blob/8eaafff1/rules/a%20b.yml"));
//! # Ok::<(), sync::Error>(())
//! ```
//!
//! It reads no rules, and speaks no network protocol itself.

use std::{
    fmt,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

mod clone;
mod git;
mod login;
mod table;

pub use login::Login;
pub use table::{Repository, table};

/// What went wrong with a table of sources or with one source.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The file system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// A table of sources cannot be understood.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A source's name, address, branch or path is none that is safe to use.
    #[error("source `{name}`: {reason}")]
    Unsafe {
        /// The source's name.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Another process syncs into the same folder.
    #[error("another sync works in {}: wait until it has ended", .0.display())]
    Locked(PathBuf),
    /// The folder holds something that sync did not put there.
    #[error("{} was not made by sync: move it away, or name the source otherwise", .0.display())]
    Foreign(PathBuf),
    /// The program is not installed.
    #[error("the program `{}` was not found: install git (https://git-scm.com), or put it on the PATH", .0.display())]
    NoGit(PathBuf),
    /// Git took too long and was ended.
    #[error("git {action} did not end within {} seconds: try again, or check the connection", timeout.as_secs())]
    Timeout {
        /// What git was to do.
        action: &'static str,
        /// How long it had.
        timeout: Duration,
    },
    /// Git failed.
    #[error("git {action}: {said}: {advice}")]
    Git {
        /// What git was to do.
        action: &'static str,
        /// The end of what it said.
        said: String,
        /// What to do about it.
        advice: &'static str,
    },
}

/// How git is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program, `git` from the PATH unless said otherwise.
    pub git: PathBuf,
    /// How long one call of git may take; a large clone is one call.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { git: "git".into(), timeout: Duration::from_secs(15 * 60) }
    }
}

/// The state of a source on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The commit's hash, in hexadecimal.
    pub commit: String,
    /// When it was committed, `YYYY-MM-DD`.
    pub date: String,
}

/// What a sync did to a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there, or came from another address.
    Cloned,
    /// It has a new commit, or other paths are wanted of it.
    Updated,
    /// It was up to date.
    Unchanged,
}

/// How the sync of one source went.
#[derive(Debug)]
pub struct SyncReport {
    /// The source's name.
    pub source: String,
    /// Its folder, inside which its paths are those of the repository.
    pub folder: PathBuf,
    /// What is on disk now: after a failure the old state, if there is one.
    pub revision: Option<Revision>,
    /// What changed, or why nothing did.
    pub outcome: Result<Change, Error>,
}

impl fmt::Display for SyncReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.source)?;
        match &self.outcome {
            Ok(Change::Cloned) => f.write_str("cloned")?,
            Ok(Change::Updated) => f.write_str("updated")?,
            Ok(Change::Unchanged) => f.write_str("unchanged")?,
            Err(error) => write!(f, "failed: {error}")?,
        }
        match (&self.revision, &self.outcome) {
            (Some(Revision { commit, date }), Ok(_)) => write!(f, ", {} of {date}", short(commit)),
            (Some(Revision { commit, date }), Err(_)) => write!(f, "; {} of {date} stays", short(commit)),
            (None, _) => Ok(()),
        }
    }
}

/// The first digits of a commit's hash.
fn short(commit: &str) -> &str {
    commit.get(..8).unwrap_or(commit)
}

/// What a sync is doing.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A source's turn has come.
    Started {
        /// The source.
        source: &'a Repository,
        /// Its number, from 0.
        index: usize,
        /// How many there are.
        of: usize,
    },
    /// Git works for it.
    Git {
        /// The source.
        source: &'a Repository,
        /// `clone`, `fetch`, `checkout`.
        action: &'static str,
    },
    /// The source is done.
    Finished(&'a SyncReport),
}

/// Clones or updates every source into its folder inside `into`, one after another, and says how each went.
///
/// A source that fails does not stop the others, and stays as it was.
pub fn sync(sources: &[Repository], into: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Vec<SyncReport> {
    sync_with(&Options::default(), sources, into, progress)
}

/// As [`sync()`], with a git program and time limit of one's own.
pub fn sync_with(
    options: &Options,
    sources: &[Repository],
    into: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Vec<SyncReport> {
    let into = std::path::absolute(into).unwrap_or_else(|_| into.into());
    let git = git::Git::new(options);
    let lock = lock(&into);
    let mut names = Vec::new();
    let mut reports = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        progress(Progress::Started { source, index, of: sources.len() });
        let name = source.name.to_ascii_lowercase();
        let outcome = match &lock {
            Err(error) => Err(error.clone()),
            Ok(_) if names.contains(&name) => {
                Err(Error::Unsafe { name: source.name.clone(), reason: "another source has this name" })
            }
            Ok(_) => clone::bring(&git, source, &into, &mut |action| progress(Progress::Git { source, action })),
        };
        names.push(name);
        let revision = source.check().is_ok().then(|| clone::revision(&git, &source.folder(&into))).flatten();
        let report = SyncReport { source: source.name.clone(), folder: source.folder(&into), revision, outcome };
        progress(Progress::Finished(&report));
        reports.push(report);
    }
    reports
}

/// What a former sync left of a source, without asking the network; `None` when there is nothing.
#[must_use]
pub fn revision(source: &Repository, into: &Path) -> Option<Revision> {
    source.check().ok()?;
    let into = std::path::absolute(into).ok()?;
    clone::revision(&git::Git::new(&Options::default()), &source.folder(&into))
}

/// The lock on a data folder. It ends with the process too, however that ends.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that another thread is just starting has it open as well.
        let _ = self.0.unlock();
    }
}

/// Locks the folder for this process.
fn lock(into: &Path) -> Result<Lock, Error> {
    let path = into.join(".sync.lock");
    fs::create_dir_all(into).map_err(|error| Error::io(into, error))?;
    let opened = File::options().create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(|error| Error::io(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(Error::Locked(into.into())),
        Err(TryLockError::Error(error)) => Err(Error::io(&path, error)),
    }
}

impl Error {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.into(), source: Arc::new(source) }
    }
}
