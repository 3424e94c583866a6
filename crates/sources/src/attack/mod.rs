//! The ATT&CK knowledge base, from STIX bundles on disk.
//!
//! [`load`] reads what MITRE publishes as `enterprise-attack.json`, `mobile-attack.json` and `ics-attack.json` (STIX 2.0
//! or 2.1), follows revoked techniques to their successors, and fills the gaps between ATT&CK versions with a
//! [`Crosswalk`]. [`read_tags`] then says which techniques and tactics the tags of a rule mean.
//!
//! ```
//! use ruleatlas_sources::attack;
//!
//! let folder = tempfile::tempdir()?;
//! let file = folder.path().join("enterprise-attack.json");
//! std::fs::write(&file, r#"{"type": "bundle", "objects": [{
//!     "type": "attack-pattern", "id": "attack-pattern--1", "name": "Disable or Modify Tools",
//!     "external_references": [{"source_name": "mitre-attack", "external_id": "T1562.001"}]}]}"#)?;
//!
//! let (attack, diagnostics) = attack::load(folder.path(), None)?;
//! assert!(diagnostics.is_empty());
//! // A later version's id finds its counterpart.
//! assert_eq!(attack::read_tags(&attack, ["attack.t1685"]).techniques[0].techniques, ["T1562.001"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Groups, software and detection strategies are not read.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use ruleatlas_model::{Attack, AttackDomain, Diagnostic};

mod build;
mod crosswalk;
mod stix;
mod tags;

pub use crosswalk::Crosswalk;
pub use tags::{Tags, read_tags, resolve_tactic_tag, resolve_tag, technique_ids_in};

/// The largest file that is read, in bytes; the whole of ATT&CK with groups and software is a fifth of it.
const MAX_BYTES: u64 = 256 << 20;

/// Why no ATT&CK could be loaded at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or file is not there, or may not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Bundles are there, and none could be read.
    #[error("no ATT&CK bundle could be read: {0}")]
    Unreadable(String),
    /// No bundle is there.
    #[error(
        "{} holds no ATT&CK bundle: put enterprise-attack.json there, from the repository mitre/cti or attack-stix-data",
        .0.display()
    )]
    NoBundle(PathBuf),
}

/// Loads the ATT&CK bundles of a folder, or one bundle when `place` is a file.
///
/// Every `.json` of the folder is a candidate, and `enterprise-attack/enterprise-attack.json` and its like as the
/// repository mitre/cti has them; `*-groups.json` are passed over. `crosswalk` is the table of ids that differ between
/// ATT&CK versions, [`Crosswalk::built_in`] for `None`; a `crosswalk.csv` beside the bundles adds its rows.
///
/// # Errors
///
/// When the place cannot be read, or nothing in it is a bundle. When only some of the files cannot be read, the rest is
/// loaded, and each of them gets a diagnostic that names the file, line and column.
pub fn load(place: &Path, crosswalk: Option<&Crosswalk>) -> Result<(Attack, Vec<Diagnostic>), Error> {
    let files = candidates(place)?;
    let contents: Vec<Result<Vec<u8>, Diagnostic>> = files.par_iter().map(|file| read(file)).collect();
    let parsed: Vec<Result<build::Source<'_>, Diagnostic>> = files
        .par_iter()
        .zip(&contents)
        .map(|(file, content)| content.as_ref().map_err(Clone::clone).and_then(|bytes| parse(file, bytes)))
        .collect();

    let mut diagnostics = Vec::new();
    let mut sources = Vec::new();
    for outcome in parsed {
        match outcome {
            Ok(source) => sources.push(source),
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }
    if sources.is_empty() {
        let first = diagnostics.into_iter().next();
        return Err(first.map_or_else(|| Error::NoBundle(place.into()), |first| Error::Unreadable(first.message)));
    }

    let mut attack = build::build(&sources, &mut diagnostics);
    let mut crosswalk = crosswalk.cloned().unwrap_or_else(Crosswalk::built_in);
    let folder = if place.is_dir() { Some(place) } else { place.parent() };
    if let Some(own) = folder.map(|folder| folder.join("crosswalk.csv")).filter(|file| file.is_file()) {
        match read(&own) {
            Ok(bytes) => crosswalk.extend(Crosswalk::parse(&own.to_string_lossy(), &bytes, &mut diagnostics)),
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }
    crosswalk.apply(&mut attack);
    Ok((attack, diagnostics))
}

/// The files that may be bundles, in order.
fn candidates(place: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Io { path: place.into(), source };
    if fs::metadata(place).map_err(failed)?.is_file() {
        return Ok(vec![place.into()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(place).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if path.is_dir() {
            // The layout of mitre/cti, whose folders hold thousands of bundles of one object beside the whole one.
            let whole = path.join(format!("{name}.json"));
            if name.ends_with("-attack") && whole.is_file() {
                files.push(whole);
            }
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
            && !name.ends_with("-groups.json")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The bytes of a file, within bounds.
fn read(file: &Path) -> Result<Vec<u8>, Diagnostic> {
    let failed =
        |error: io::Error| Diagnostic::error("unreadable file", format!("{} cannot be read: {error}", file.display()));
    let size = fs::metadata(file).map_err(failed)?.len();
    if size > MAX_BYTES {
        let message = format!("{} is left out: {size} bytes, and at most {MAX_BYTES} are read", file.display());
        return Err(Diagnostic::error("file too large", message));
    }
    fs::read(file).map_err(failed)
}

/// A bundle's objects.
fn parse<'a>(file: &Path, bytes: &'a [u8]) -> Result<build::Source<'a>, Diagnostic> {
    let json = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let bundle: stix::Bundle<'a> = serde_json::from_slice(json).map_err(|error| {
        let code = match error.classify() {
            serde_json::error::Category::Data => "no STIX bundle",
            _ => "not JSON",
        };
        let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
        Diagnostic::error(code, format!("{} is left out, it is {code}: {error}", file.display())).on_line(line)
    })?;
    if bundle.kind.as_deref() != Some("bundle") {
        let message = format!("{} is left out: its `type` is not `bundle`", file.display());
        return Err(Diagnostic::warning("no STIX bundle", message));
    }
    let Some(objects) = bundle.objects.filter(|objects| !objects.is_empty()) else {
        let message = format!("{} is left out: a STIX bundle without objects", file.display());
        return Err(Diagnostic::warning("empty STIX bundle", message));
    };
    Ok(build::Source { domain: domain_of(file, &objects), objects })
}

/// The domain that a bundle is about: its matrix says, or else its file's name.
fn domain_of(file: &Path, objects: &[stix::Object<'_>]) -> AttackDomain {
    let matrices = objects.iter().filter(|object| &*object.kind == "x-mitre-matrix" && object.is_live());
    matrices.filter_map(|matrix| build::domain_named(matrix.attack_id()?.0)).next().unwrap_or_else(|| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.split_inclusive("-attack").find_map(build::domain_named).unwrap_or(AttackDomain::Enterprise)
    })
}
