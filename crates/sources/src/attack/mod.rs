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
//! [`load_all`] reads groups, software and campaigns besides, which the same bundles hold, or `*-groups.json` beside
//! them.

use std::path::Path;

use rayon::prelude::*;
use ruleatlas_model::{Attack, AttackDomain, Diagnostic, Threat};

use crate::{Content, SourceFile, SourceKind, SourceSpec, read_files};

mod analytics;
mod build;
mod crosswalk;
mod lenient;
mod stix;
mod tags;
mod threats;
mod written;

pub use crosswalk::Crosswalk;
pub use tags::{TagPlace, Tags, read_tag, read_tags, technique_ids_in};

/// Why no ATT&CK could be loaded at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or file is not there, or may not be read.
    #[error(transparent)]
    Source(#[from] crate::Error),
    /// Bundles are there, and none could be read.
    #[error("no ATT&CK bundle could be read: {0}")]
    Unreadable(String),
    /// No bundle is there.
    #[error("no ATT&CK bundle in the source: put enterprise-attack.json there, from the repository mitre/cti")]
    NoBundle,
}

/// Loads the ATT&CK bundles of a folder, or one bundle when `place` is a file.
///
/// Every `.json` of the folder is a candidate, and `enterprise-attack/enterprise-attack.json` and its like as the
/// repository mitre/cti has them. `crosswalk` is the table of ids that differ between
/// ATT&CK versions, [`Crosswalk::built_in`] for `None`; a `crosswalk.csv` beside the bundles adds its rows.
///
/// # Errors
///
/// When the place cannot be read, or nothing in it is a bundle. When only some of the files cannot be read, the rest is
/// loaded, and each of them gets a diagnostic that names the file, line and column.
pub fn load(place: &Path, crosswalk: Option<&Crosswalk>) -> Result<(Attack, Vec<Diagnostic>), Error> {
    let files = read_files(&SourceSpec::new(SourceKind::Attack, place))?;
    load_files(&files, crosswalk)
}

/// Loads the ATT&CK bundles among files that were read; see [`load`].
///
/// # Errors
///
/// Nothing among the files is a bundle that can be read.
pub fn load_files(files: &[SourceFile], crosswalk: Option<&Crosswalk>) -> Result<(Attack, Vec<Diagnostic>), Error> {
    let Knowledge { attack, diagnostics, .. } = load_all(files, crosswalk)?;
    Ok((attack, diagnostics))
}

/// What the bundles hold.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// Techniques, tactics, mitigations, and ids that lead elsewhere.
    pub attack: Attack,
    /// Groups, software and campaigns, ordered by id.
    pub threats: Vec<Threat>,
    /// What is wrong with the bundles.
    pub diagnostics: Vec<Diagnostic>,
}

/// Loads the ATT&CK bundles among files that were read, with the groups, software and campaigns in them and in
/// `*-groups.json`; see [`load`].
///
/// # Errors
///
/// Nothing among the files is a bundle that can be read.
pub fn load_all(files: &[SourceFile], crosswalk: Option<&Crosswalk>) -> Result<Knowledge, Error> {
    let mut bundles: Vec<&SourceFile> = files.iter().filter(|file| is_bundle(&file.path)).collect();
    let found = bundles.len();
    bundles.extend(files.iter().filter(|file| is_threats(&file.path)));
    let parsed = bundles.par_iter().map(|file| {
        let mut faults = Vec::new();
        (parse(file, &mut faults), faults)
    });
    let (parsed, faults): (Vec<_>, Vec<Vec<Diagnostic>>) = parsed.unzip();
    // Groups without techniques are no knowledge base.
    let is_some = parsed.iter().take(found).any(Result::is_ok);
    let mut diagnostics: Vec<Diagnostic> = faults.into_iter().flatten().collect();
    let mut sources = Vec::new();
    for outcome in parsed {
        match outcome {
            Ok(source) => sources.push(source),
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }
    if !is_some {
        let first = diagnostics.into_iter().next();
        return Err(first.map_or_else(|| Error::NoBundle, |first| Error::Unreadable(first.message)));
    }
    let (mut attack, threats) = build::build(&sources, &mut diagnostics);
    let mut crosswalk = crosswalk.cloned().unwrap_or_else(Crosswalk::built_in);
    for own in files.iter().filter(|file| file.path == CROSSWALK) {
        diagnostics.extend(unreadable(own));
        if let Some(text) = own.text() {
            crosswalk.extend(Crosswalk::parse(CROSSWALK, text.as_bytes(), &mut diagnostics));
        }
    }
    crosswalk.apply(&mut attack);
    Ok(Knowledge { attack, threats, diagnostics })
}

/// A user's own rows of the crosswalk, beside the bundles.
const CROSSWALK: &str = "crosswalk.csv";

/// Whether a file of an ATT&CK source is read: the others of mitre/cti are thousands of bundles of one object.
pub(crate) fn is_read(path: &str) -> bool {
    is_bundle(path) || is_threats(path) || !path.contains('/') && !path.ends_with(".json")
}

/// Whether a file may be a bundle of groups, software and campaigns, cut out of the one of its name.
fn is_threats(path: &str) -> bool {
    !path.contains('/') && path.to_ascii_lowercase().ends_with("-groups.json")
}

/// Whether a file may be a bundle: `enterprise-attack.json` at the top, or in the folder of its name.
fn is_bundle(path: &str) -> bool {
    match path.rsplit_once('/') {
        None => path.to_ascii_lowercase().ends_with(".json") && !is_threats(path),
        Some((folder, name)) => {
            let folder = folder.rsplit('/').next().unwrap_or(folder);
            folder.ends_with("-attack") && name.strip_suffix(".json") == Some(folder)
        }
    }
}

/// What is said of a file without text, with the line where there is one.
fn unreadable(file: &SourceFile) -> Option<Diagnostic> {
    let (reason, line) = match &file.content {
        Content::Text(_) => return None,
        Content::Unreadable(reason, line) => (reason, *line),
        Content::Skipped(reason) => (reason, None),
    };
    let place = line.map(|line| format!(" from line {line}")).unwrap_or_default();
    let message = format!("{} cannot be read{place}: {reason}", file.path);
    let diagnostic = Diagnostic::error("unreadable file", message);
    Some(match line {
        Some(line) => diagnostic.on_line(line),
        None => diagnostic,
    })
}

/// A bundle's objects.
fn parse<'a>(file: &'a SourceFile, diagnostics: &mut Vec<Diagnostic>) -> Result<build::Source<'a>, Diagnostic> {
    if let Some(diagnostic) = unreadable(file) {
        return Err(diagnostic);
    }
    let text = file.text().unwrap_or_default();
    let json = text.strip_prefix('\u{feff}').unwrap_or(text);
    let no_json = |error: serde_json::Error| {
        let code = match error.classify() {
            serde_json::error::Category::Data => "no STIX bundle",
            _ => "not JSON",
        };
        let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
        Diagnostic::error(code, format!("{} is left out, it is {code}: {error}", file.path)).on_line(line)
    };
    let read = if is_threats(&file.path) {
        serde_json::from_str(json).map(|bundle: stix::ThreatBundle<'_>| {
            (bundle.kind, bundle.objects.map(|objects| objects.into_iter().map(stix::Object::from).collect()))
        })
    } else {
        serde_json::from_str(json).map(|bundle: stix::Bundle<'_>| (bundle.kind, bundle.objects))
    };
    let (kind, objects) = match read {
        Ok(bundle) => bundle,
        // One object that is not as it should be does not void the bundle; to read each on its own takes longer.
        Err(error) => {
            let (bundle, faults) = lenient::read(json).map_err(|_| no_json(error))?;
            diagnostics.extend(faults.report(&file.path));
            bundle
        }
    };
    if kind.as_deref() != Some("bundle") {
        let message = format!("{} is left out: its `type` is not `bundle`", file.path);
        return Err(Diagnostic::warning("no STIX bundle", message));
    }
    let Some(mut objects) = objects.filter(|objects: &Vec<stix::Object<'_>>| !objects.is_empty()) else {
        let message = format!("{} is left out: a STIX bundle without objects", file.path);
        return Err(Diagnostic::warning("empty STIX bundle", message));
    };
    let domain = domain_of(&file.path, &objects);
    if is_threats(&file.path) {
        objects.retain(|object| threats::is_read(&object.kind));
    }
    Ok(build::Source { domain, objects })
}

/// The domain that a bundle is about: its matrix says, or else its file's name.
fn domain_of(path: &str, objects: &[stix::Object<'_>]) -> AttackDomain {
    let matrices = objects.iter().filter(|object| &*object.kind == "x-mitre-matrix" && object.is_live());
    matrices.filter_map(|matrix| build::domain_named(matrix.attack_id()?.0)).next().unwrap_or_else(|| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.split_inclusive("-attack").find_map(build::domain_named).unwrap_or(AttackDomain::Enterprise)
    })
}
