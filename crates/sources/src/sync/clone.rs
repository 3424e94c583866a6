//! One source's clone on disk.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Change, Error, Repository, Revision, git::Git};

/// Licences and notices come along with every sparse checkout.
const NOTICES: [&str; 5] = ["/LICENSE*", "/LICENCE*", "/License*", "/NOTICE*", "/COPYING*"];

/// What a clone was made for, kept inside its `.git`. It also says that sync made the clone and may change it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Purpose {
    url: String,
    branch: Option<String>,
    sparse: Vec<String>,
}

impl Purpose {
    fn of(source: &Repository) -> Self {
        Self { url: source.url.clone(), branch: source.branch.clone(), sparse: source.sparse.clone() }
    }

    fn file(folder: &Path) -> PathBuf {
        folder.join(".git").join("ruleatlas.json")
    }

    fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(Self::file(folder)).ok()?).ok()
    }

    fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = Self::file(folder);
        let json = serde_json::to_vec(self).unwrap_or_default();
        fs::write(&path, json).map_err(|error| Error::io(&path, error))
    }
}

/// What is checked out in a clone that sync made.
pub(super) fn revision(git: &Git, folder: &Path) -> Option<Revision> {
    Purpose::read(folder)?;
    head(git, folder).ok()
}

/// Clones or updates a source into its folder.
pub(super) fn bring(
    git: &Git,
    source: &Repository,
    into: &Path,
    working: &mut dyn FnMut(&'static str),
) -> Result<Change, Error> {
    source.check()?;
    let git = &git.with_login(source.login.as_ref(), &source.url);
    let folder = source.folder(into);
    // The names begin with a dot, which no source's does.
    let (fresh, old) = (into.join(format!(".{}.new", source.name)), into.join(format!(".{}.old", source.name)));
    let was_interrupted = recover(&folder, &fresh, &old)?;

    let had = Purpose::read(&folder);
    if had.is_none() && !is_vacant(&folder) {
        return Err(Error::Foreign(folder));
    }
    if let Some(had) = had.filter(|had| had.url == source.url)
        && let Ok(before) = head(git, &folder)
    {
        if was_interrupted {
            // Whole again before the network is asked, which may not answer.
            git.run(Some(&folder), "reset", ["--quiet", "--hard", "HEAD"])?;
        }
        return update(git, source, &folder, &had, &before, working);
    }
    let outcome = clone(git, source, &fresh, working).and_then(|()| exchange(&folder, &fresh, &old));
    if outcome.is_err() {
        // What is left of a failure is in nobody's way: the next sync removes it too.
        let _ = fs::remove_dir_all(&fresh);
    }
    outcome.map(|()| Change::Cloned)
}

/// Clones into a fresh folder.
fn clone(git: &Git, source: &Repository, fresh: &Path, working: &mut dyn FnMut(&'static str)) -> Result<(), Error> {
    working("clone");
    let mut arguments = vec!["--quiet", "--depth=1", "--filter=blob:none", "--no-tags", "--no-checkout", "--template="];
    if !source.sparse.is_empty() {
        arguments.push("--sparse");
    }
    if let Some(branch) = &source.branch {
        arguments.extend(["--branch", branch]);
    }
    let ends = ["--".as_ref(), source.url.as_ref(), fresh.as_os_str()];
    git.run(None, "clone", arguments.iter().map(AsRef::as_ref).chain(ends))?;
    working("checkout");
    if !source.sparse.is_empty() {
        narrow(git, &source.sparse, fresh)?;
    }
    git.run(Some(fresh), "reset", ["--quiet", "--hard", "HEAD"])?;
    head(git, fresh)?;
    Purpose::of(source).write(fresh)
}

/// Brings a clone up to date; what fails leaves it as it was.
fn update(
    git: &Git,
    source: &Repository,
    folder: &Path,
    had: &Purpose,
    before: &Revision,
    working: &mut dyn FnMut(&'static str),
) -> Result<Change, Error> {
    working("fetch");
    let branch = source.branch.as_deref().unwrap_or("HEAD");
    git.run(Some(folder), "fetch", ["--quiet", "--depth=1", "--filter=blob:none", "--no-tags", "origin", branch])?;
    working("checkout");
    let wanted = Purpose::of(source);
    let checked_out = (|| {
        if wanted.sparse != had.sparse {
            narrow(git, &wanted.sparse, folder)?;
        }
        git.run(Some(folder), "reset", ["--quiet", "--hard", "FETCH_HEAD"])?;
        head(git, folder)
    })();
    let after = match checked_out {
        Ok(after) => after,
        Err(error) => {
            // The files of the old commit are all here, so the way back needs no network.
            let narrowed = if wanted.sparse == had.sparse { Ok(()) } else { narrow(git, &had.sparse, folder) };
            let back = git.run(Some(folder), "reset", ["--quiet", "--hard", before.commit.as_str()]);
            return Err(narrowed.and(back.map(drop)).err().unwrap_or(error));
        }
    };
    if wanted != *had {
        wanted.write(folder)?;
    }
    Ok(if after == *before && wanted.sparse == had.sparse { Change::Unchanged } else { Change::Updated })
}

/// Sets which paths are checked out.
fn narrow(git: &Git, sparse: &[String], folder: &Path) -> Result<(), Error> {
    if sparse.is_empty() {
        return git.run(Some(folder), "sparse-checkout", ["disable"]).map(drop);
    }
    let patterns = sparse.iter().map(|path| format!("/{}", path.trim_start_matches('/')));
    let arguments = ["set", "--no-cone"].iter().chain(&NOTICES).map(|&argument| argument.to_owned()).chain(patterns);
    git.run(Some(folder), "sparse-checkout", arguments).map(drop)
}

/// The commit that is checked out.
fn head(git: &Git, folder: &Path) -> Result<Revision, Error> {
    let printed = git.run(Some(folder), "log", ["-1", "--format=%H%n%cs"])?;
    match printed.split_once('\n') {
        Some((commit, date)) => Ok(Revision { commit: commit.to_owned(), date: date.to_owned() }),
        None => Err(Error::Git { action: "log", said: printed, advice: "git 2.35 or later is needed" }),
    }
}

/// Puts the fresh clone in the folder's place.
fn exchange(folder: &Path, fresh: &Path, old: &Path) -> Result<(), Error> {
    let failed = |error| Error::io(folder, error);
    if folder.exists() {
        fs::rename(folder, old).map_err(failed)?;
    }
    if let Err(error) = fs::rename(fresh, folder) {
        if old.exists() {
            fs::rename(old, folder).map_err(failed)?;
        }
        return Err(failed(error));
    }
    remove(old)
}

/// Clears away what a sync that was interrupted left behind; says whether git was ended while it changed files.
fn recover(folder: &Path, fresh: &Path, old: &Path) -> Result<bool, Error> {
    if old.exists() && !folder.exists() {
        fs::rename(old, folder).map_err(|error| Error::io(folder, error))?;
    }
    remove(old)?;
    remove(fresh)?;
    let mut was_interrupted = false;
    if Purpose::read(folder).is_some() {
        // Nobody else works here while this process holds the lock of the data folder.
        for lock in ["index.lock", "shallow.lock", "HEAD.lock", "config.lock", "info/sparse-checkout.lock"] {
            was_interrupted |= fs::remove_file(folder.join(".git").join(lock)).is_ok();
        }
    }
    Ok(was_interrupted)
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(folder, error)),
        _ => Ok(()),
    }
}

/// Whether nothing is there, or an empty folder.
fn is_vacant(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => fs::symlink_metadata(folder).is_err(),
    }
}
