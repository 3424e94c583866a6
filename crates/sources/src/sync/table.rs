//! The table of sources.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::Spanned;

use super::{Error, Login, Revision, login::without_logins};
use crate::{Origin, SourceKind, spec::LINK};

/// The table that the program brings along.
const BUILT_IN: &str = include_str!("../../data/sources.toml");

/// A public repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its name, which is its folder's name too.
    pub name: String,
    /// What it holds.
    pub kind: SourceKind,
    /// Where it is cloned from: `https://`, `ssh://`, `file://` or `git@host:path`, without a login.
    pub url: String,
    /// The login that the table's address carries. Only git is told of it.
    pub login: Option<Login>,
    /// The branch, or the repository's default.
    pub branch: Option<String>,
    /// What is fetched of it, as patterns of git's sparse checkout from the top; everything when empty.
    pub sparse: Vec<String>,
    /// Its licence, as an identifier or a name; empty when nobody said.
    pub license: String,
    /// The page of a file: `{url}`, `{commit}` and `{path}` are filled in.
    pub link: String,
    /// One line about it.
    pub title: String,
}

impl Repository {
    /// Where its files come from, at a commit.
    #[must_use]
    pub fn origin(&self, revision: &Revision) -> Origin {
        Origin {
            url: Some(without_logins(&self.url).into_owned()),
            commit: Some(revision.commit.clone()),
            date: Some(revision.date.clone()),
            link: Some(self.link.clone()),
            license: Some(self.license.clone()).filter(|license| !license.is_empty()),
        }
    }

    /// Its folder inside `into`.
    pub(super) fn folder(&self, into: &Path) -> PathBuf {
        into.join(&self.name)
    }

    /// Whether the name is safe as a folder's, and the rest as arguments of git.
    pub(super) fn check(&self) -> Result<(), Error> {
        let problem = name_problem(&self.name)
            .or_else(|| url_problem(&self.url))
            .or_else(|| self.branch.as_deref().and_then(branch_problem))
            .or_else(|| self.sparse.iter().find_map(|path| path_problem(path)));
        problem.map_or(Ok(()), |reason| Err(Error::Unsafe { name: self.name.clone(), reason }))
    }
}

/// The table of sources: the built-in ones, then those of the user's file. An entry of that file with the name of a
/// built-in source (in any case) changes what it says and leaves the rest; `enabled = false` takes the source out.
///
/// # Errors
///
/// When the file cannot be read or understood; the error says the line.
pub fn table(file: Option<&Path>) -> Result<Vec<Repository>, Error> {
    let mut sources = Vec::new();
    extend(&mut sources, Path::new("sources.toml"), BUILT_IN)?;
    if let Some(path) = file {
        let bytes = fs::read(path).map_err(|error| Error::io(path, error))?;
        let not_text = |error: crate::NotText| Error::Table {
            path: path.to_owned(),
            line: error.line as usize,
            column: error.column as usize,
            message: error.reason.to_owned(),
        };
        let text = crate::decode(bytes).map_err(not_text)?.text;
        extend(&mut sources, path, &text)?;
    }
    Ok(sources)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    source: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    kind: Option<SourceKind>,
    url: Option<Spanned<String>>,
    branch: Option<Spanned<String>>,
    sparse: Option<Vec<Spanned<String>>>,
    license: Option<String>,
    link: Option<Spanned<String>>,
    title: Option<String>,
    enabled: Option<bool>,
}

/// Adds the entries of a table, each over the source of its name.
fn extend(sources: &mut Vec<Repository>, path: &Path, text: &str) -> Result<(), Error> {
    let table: Table = toml::from_str(text).map_err(|error| {
        let place = error.span().map_or(text.len(), |span| span.start);
        at(path, text, place, error.message().to_owned())
    })?;
    let mut names: Vec<String> = Vec::new();
    for entry in table.source {
        let wrong = |span: Range<usize>, message: String| Err(at(path, text, span.start, message));
        if let Some((span, problem)) = entry.problem() {
            return wrong(span, problem.to_owned());
        }
        let (span, name) = (entry.name.span(), entry.name.as_ref().clone());
        let folded = name.to_ascii_lowercase();
        if names.contains(&folded) {
            return wrong(span, format!("a second source `{name}`"));
        }
        names.push(folded);
        let known = sources.iter().position(|source| source.name.eq_ignore_ascii_case(&name));
        if entry.enabled == Some(false) {
            sources.retain(|source| !source.name.eq_ignore_ascii_case(&name));
        } else if let Some(at) = known {
            entry.change(&mut sources[at]);
        } else {
            let (Some(kind), Some(url)) = (entry.kind, &entry.url) else {
                return wrong(span, format!("the new source `{name}` needs `kind` and `url`"));
            };
            let mut source = Repository {
                name,
                kind,
                url: url.as_ref().clone(),
                login: None,
                branch: None,
                sparse: Vec::new(),
                license: String::new(),
                link: LINK.to_owned(),
                title: String::new(),
            };
            entry.change(&mut source);
            sources.push(source);
        }
    }
    Ok(())
}

impl Entry {
    /// Says over `source` what the entry says.
    fn change(self, source: &mut Repository) {
        fn set<T>(field: &mut T, said: Option<T>) {
            if let Some(said) = said {
                *field = said;
            }
        }
        set(&mut source.kind, self.kind);
        if let Some(url) = self.url {
            (source.url, source.login) = Login::split(url.as_ref());
        }
        set(&mut source.branch, self.branch.map(|branch| Some(branch.into_inner())));
        set(&mut source.sparse, self.sparse.map(|paths| paths.into_iter().map(Spanned::into_inner).collect()));
        set(&mut source.license, self.license);
        set(&mut source.link, self.link.map(Spanned::into_inner));
        set(&mut source.title, self.title);
    }

    /// The first thing in it that is not safe or makes no sense, and where.
    fn problem(&self) -> Option<(Range<usize>, &'static str)> {
        let found = |value: &Spanned<String>, problem: fn(&str) -> Option<&'static str>| {
            problem(value.as_ref()).map(|problem| (value.span(), problem))
        };
        found(&self.name, name_problem)
            .or_else(|| found(self.url.as_ref()?, url_problem))
            .or_else(|| found(self.branch.as_ref()?, branch_problem))
            .or_else(|| self.sparse.iter().flatten().find_map(|path| found(path, path_problem)))
            .or_else(|| found(self.link.as_ref()?, link_problem))
    }
}

/// The error at a byte of a table's text.
fn at(path: &Path, text: &str, byte: usize, message: String) -> Error {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Error::Table { path: path.into(), line, column, message }
}

/// Why a name is not safe as a folder's name, on any system.
fn name_problem(name: &str) -> Option<&'static str> {
    const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_device = stem.len() == 4 && (stem.starts_with("com") || stem.starts_with("lpt"));
    if name.is_empty() || name.len() > 64 {
        Some("a name has 1 to 64 characters")
    } else if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        Some("a name, which is a folder's too, is made of letters, digits, `.`, `_` and `-`")
    } else if !name.starts_with(|first: char| first.is_ascii_alphanumeric()) || name.ends_with('.') {
        Some("a name begins with a letter or digit and does not end in `.`")
    } else if RESERVED.contains(&stem.as_str()) || is_device {
        Some("the name is a device's on Windows")
    } else {
        None
    }
}

/// Why git is not given an address.
fn url_problem(url: &str) -> Option<&'static str> {
    const FORMS: &str = "an address is https://…, ssh://…, file:///… or git@host:path";
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some("an address has no spaces or control characters");
    }
    let is_host = |host: &str| {
        host.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
    };
    if let Some(path) = url.strip_prefix("file://") {
        return (!path.starts_with('/')).then_some(FORMS);
    }
    let host = if let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("ssh://")) {
        let authority = rest.split('/').next().unwrap_or_default();
        authority.rsplit_once('@').map_or(authority, |(_, host)| host)
    } else {
        let Some((address, path)) = url.split_once(':') else { return Some(FORMS) };
        let Some((user, host)) = address.split_once('@') else { return Some(FORMS) };
        if user.is_empty() || !is_host(user) || path.is_empty() || path.starts_with([':', '-']) {
            return Some(FORMS);
        }
        host
    };
    (!is_host(host)).then_some(FORMS)
}

/// Why git is not given a branch.
fn branch_problem(branch: &str) -> Option<&'static str> {
    let is_plain = branch.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/+@".contains(&byte));
    let is_safe = branch.starts_with(|first: char| first.is_ascii_alphanumeric()) && !branch.contains("..");
    (!is_plain || !is_safe).then_some("that is no name of a branch")
}

/// Why git is not given a path of a sparse checkout.
fn path_problem(path: &str) -> Option<&'static str> {
    if path.trim_matches('/').is_empty() || path.chars().any(char::is_control) {
        Some("a path is not empty and has no control characters")
    } else if path.starts_with(['!', '-', '#']) || path.contains('\\') || path.split('/').any(|part| part == "..") {
        Some("a path goes down from the top, with `/`, and says what is wanted")
    } else {
        None
    }
}

/// Why a link cannot be filled in.
fn link_problem(link: &str) -> Option<&'static str> {
    let known = ["{url}", "{commit}", "{path}"].iter().fold(link.to_owned(), |link, name| link.replace(name, ""));
    known.contains(['{', '}']).then_some("a link has no other places than {url}, {commit} and {path}")
}
