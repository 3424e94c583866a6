//! RA05: exclusions that an attacker can choose to satisfy.

use std::sync::OnceLock;

use ruleatlas_logic::{Check, Claim, Exclusion, Statement};
use ruleatlas_model::Op;
use ruleatlas_taxonomy::Taxonomy;
use serde::Deserialize;

use super::{Corpus, clipped, dead::said};
use crate::{
    code,
    draft::Draft,
    finding::{Bypass, Finding},
};

/// Values of one comparison that are tried.
const MAX_VALUES: usize = 12;
/// Comparisons of one exclusion that are named.
const MAX_PARTS: usize = 3;
/// Exclusions of one rule that are reported.
const MAX_REPORTED: usize = 20;

/// What an attacker chooses.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attacker {
    text: Vec<String>,
    path: Vec<String>,
    metadata: Vec<String>,
    hash: Vec<String>,
    metadata_in: Vec<String>,
    writable: Vec<String>,
    protected: Vec<String>,
}

fn attacker() -> &'static Attacker {
    static READ: OnceLock<Attacker> = OnceLock::new();
    READ.get_or_init(|| toml::from_str(include_str!("../../data/attacker.toml")).unwrap_or_default())
}

/// How an attacker satisfies a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Text,
    Metadata,
    /// A copy in a folder that the comparison names, and users can write to.
    Writable,
    /// A copy in a folder that a wildcard of the comparison stands for.
    Wildcard,
    /// A copy in any folder.
    Unrooted,
}

impl Way {
    fn code(self) -> &'static str {
        match self {
            Self::Text => code::EXCLUDES_COMMAND_LINE,
            Self::Metadata => code::EXCLUDES_FILE_METADATA,
            Self::Writable => code::EXCLUDES_WRITABLE_FOLDER,
            Self::Wildcard => code::EXCLUDES_WILDCARD,
            Self::Unrooted => code::EXCLUDES_UNROOTED_PATH,
        }
    }

    fn says(self) -> &'static str {
        match self {
            Self::Text => "is made of text that whoever starts the program writes",
            Self::Metadata => "rests on what a file says of itself",
            Self::Writable => "is of a folder that users can write to",
            Self::Wildcard => "has a wildcard that also stands for folders that users can write to",
            Self::Unrooted => "is of a path without its root, so that a copy in any folder satisfies it",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Text => "exclude by what the attacker does not choose as well, such as the whole path of the parent",
            Self::Metadata => "exclude by the whole path of the program as well, or by its signature",
            Self::Writable => "exclude by the signature or hash of the program as well",
            Self::Wildcard => "write the folder's name in the place of the wildcard",
            Self::Unrooted => "write the whole path, from its root on",
        }
    }
}

pub(crate) fn unsafe_exclusions(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, findings: &mut Vec<Finding>) {
    let Some(statement) = draft.only_statement() else { return };
    let taxonomy = corpus.atlas.taxonomy;
    let context = Context::of(draft, statement);
    let mut reported = 0;
    for exclusion in statement.exclusions() {
        if reported >= MAX_REPORTED {
            return;
        }
        let Some(Found { way, parts, bypass }) = bypass(statement, &exclusion, context, taxonomy) else { continue };
        let Some(first) = exclusion.checks.first() else { continue };
        let span = exclusion.checks.iter().fold(first.predicate.span, |all, check| all.to(check.predicate.span));
        let message = format!("the exclusion of {} {}", parts.join(" and "), way.says());
        let mut finding = draft.finding(way.code(), span, message, way.help().to_owned());
        finding.evidence.bypass = Some(bypass);
        findings.push(finding);
        reported += 1;
    }
}

/// The field of the program that acts.
const PROGRAM: &str = "Image";

/// What of a rule decides whether an exclusion of it is unsafe.
#[derive(Clone, Copy, Debug)]
struct Context {
    /// Whether its events hold what files say of themselves.
    has_metadata: bool,
    /// Whether it looks for programs by what their files say, whatever their name.
    is_renamed: bool,
    /// Whether its events are of systems whose paths begin with `/`.
    is_unix: bool,
}

impl Context {
    fn of(draft: &Draft<'_>, statement: &Statement) -> Self {
        let log_sources = &draft.entry.rule.log_sources;
        let is_in = |names: &[String], field: &str| names.iter().any(|name| name == field);
        let metadata =
            |check: Check<'_>| is_in(&attacker().metadata, check.field) || is_in(&attacker().hash, check.field);
        let selects_by_metadata = statement.checks().any(|check| !check.is_negative && metadata(check));
        let selects_by_name = statement.checks().any(|check| !check.is_negative && check.field == PROGRAM);
        Self {
            has_metadata: log_sources.iter().any(|name| attacker().metadata_in.contains(name)),
            is_renamed: selects_by_metadata && !selects_by_name,
            is_unix: draft.is_unix(),
        }
    }
}

/// An exclusion that an attacker satisfies.
struct Found {
    way: Way,
    /// What he satisfies, as a reader says it.
    parts: Vec<String>,
    bypass: Bypass,
}

/// How an attacker satisfies an exclusion, with the events; none where one of its comparisons is not the attacker's to
/// choose, or no event was found.
fn bypass(statement: &Statement, exclusion: &Exclusion<'_>, context: Context, taxonomy: &Taxonomy) -> Option<Found> {
    let mut ways: Vec<Vec<Chosen>> = Vec::new();
    for check in &exclusion.checks {
        ways.push(ways_of(*check, context, taxonomy)?);
    }
    // The first way of each; a second one only of an exclusion with a single comparison.
    let first: Option<Vec<&Chosen>> = ways.iter().map(|ways| ways.first()).collect();
    let mut choices = vec![first?];
    if let [only] = ways.as_slice() {
        choices.extend(only.iter().skip(1).map(|way| vec![way]));
    }
    for choice in choices {
        let way = choice.iter().map(|chosen| chosen.way).max()?;
        let alternatives = choice.iter().map(|chosen| chosen.folders.len()).max().unwrap_or_default();
        for at in 0..alternatives.max(1) {
            let values = choice.iter().filter_map(|chosen| chosen.value.clone());
            let folders = choice.iter().filter_map(|chosen| chosen.folders.get(at).or(chosen.folders.first()).cloned());
            let claims: Vec<Claim> = values.chain(folders).collect();
            let Some(after) = statement.excluded_example(exclusion, &claims) else { continue };
            let chosen = |field: &str| exclusion.checks.iter().any(|check| check.field.eq_ignore_ascii_case(field));
            let kept: Vec<Claim> = after
                .iter()
                .filter(|(field, _)| !chosen(field))
                .map(|(field, value)| Claim::equals(field, value, taxonomy))
                .collect();
            if let Some(before) = statement.example(&kept) {
                let parts = choice.iter().take(MAX_PARTS).map(|chosen| chosen.said.clone()).collect();
                return Some(Found { way, parts, bypass: Bypass { before, after } });
            }
        }
    }
    None
}

/// How an attacker satisfies one comparison.
struct Chosen {
    way: Way,
    /// The comparison as a reader says it, of several values with the one.
    said: String,
    /// The value that he satisfies.
    value: Option<Claim>,
    /// Where he puts a copy, of which one is enough.
    folders: Vec<Claim>,
}

/// How an attacker satisfies a comparison; none where he cannot.
fn ways_of(check: Check<'_>, context: Context, taxonomy: &Taxonomy) -> Option<Vec<Chosen>> {
    let attacker = attacker();
    let is_in = |names: &[String]| names.iter().any(|name| name == check.field);
    let whole = said(Check { is_negative: false, ..check });
    let any_value = |way| Some(vec![Chosen { way, said: whole, value: None, folders: Vec::new() }]);
    if is_in(&attacker.text) {
        // Who has to write exactly this cannot do anything else.
        return if matches!(check.predicate.op, Op::Eq | Op::In) { None } else { any_value(Way::Text) };
    }
    if is_in(&attacker.metadata) {
        return if context.has_metadata { any_value(Way::Metadata) } else { None };
    }
    if !is_in(&attacker.path) {
        return None;
    }
    // A program under another name than its own is what the rule is for: under its own name it is none.
    if context.is_renamed && check.field == PROGRAM {
        return None;
    }
    let values = check.predicate.values.iter().take(MAX_VALUES);
    let found: Vec<Chosen> = values
        .filter_map(|value| {
            let (way, folders) = way_of_path(check, value, context.is_unix)?;
            let folders = folders.iter().map(|folder| Claim::begins(check.field, folder, taxonomy)).collect();
            let said = format!("`{} {} {}`", check.field, check.predicate.op, clipped(value));
            Some(Chosen { way, said, value: Some(Claim::value_of(check, value, taxonomy)), folders })
        })
        .collect();
    (!found.is_empty()).then_some(found)
}

/// How a copy of a program satisfies a comparison with a path, and the folders in which it can stand.
fn way_of_path(check: Check<'_>, value: &str, is_unix: bool) -> Option<(Way, Vec<String>)> {
    let folders = || {
        let is_unix = is_unix || value.contains('/') && !value.contains('\\');
        let of_system = |folder: &&String| folder.starts_with('/') == is_unix && !folder.contains('*');
        attacker().writable.iter().filter(of_system).cloned().collect::<Vec<_>>()
    };
    let is_rooted = !check.sees_name && begins_at_root(value);
    match check.predicate.op {
        Op::Eq | Op::In | Op::StartsWith if is_rooted => {
            is_writable(value).then(|| (Way::Writable, vec![value.to_owned()]))
        }
        Op::Wildcard if is_rooted => {
            let head = value.split(['*', '?']).next().unwrap_or_default();
            match is_writable(head) {
                true => Some((Way::Writable, vec![head.to_owned()])),
                false => Some((Way::Wildcard, folders())),
            }
        }
        Op::Contains | Op::EndsWith if !check.sees_name && begins_at_root(value) && value.contains(':') => {
            // `contains C:\Windows\` is as good as a root, but for folders within folders.
            is_writable(value).then(|| (Way::Writable, vec![value.to_owned()]))
        }
        Op::Eq | Op::In | Op::StartsWith | Op::Contains | Op::EndsWith | Op::Wildcard | Op::Match => {
            Some((Way::Unrooted, folders()))
        }
        _ => None,
    }
}

fn begins_at_root(path: &str) -> bool {
    let bytes = path.as_bytes();
    // A colon stands in a path of Windows behind its drive alone.
    let has_drive =
        bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1) == Some(&b':') || path.starts_with(":\\");
    // A variable stands for a folder of the system's or of the user's.
    has_drive || path.starts_with('/') || path.starts_with("\\\\") || path.starts_with('%') || path.starts_with('$')
}

/// Whether a path lies in a folder that users can write to.
fn is_writable(path: &str) -> bool {
    let lower = path.to_lowercase();
    let lower = if lower.starts_with(":\\") { format!("c{lower}") } else { lower };
    if attacker().protected.iter().any(|folder| lower.starts_with(&folder.to_lowercase())) {
        return false;
    }
    attacker().writable.iter().any(|folder| {
        let folder = folder.to_lowercase();
        match folder.split_once('*') {
            // The folder of one user is that user's own; of any user, also the attacker's.
            Some((head, _)) => lower.strip_prefix(head).is_some_and(|rest| {
                let name = rest.split_once(['\\', '/']).map(|(name, _)| name);
                name.map_or(rest.is_empty(), |name| name.contains(['*', '?']))
            }),
            None => lower.starts_with(&folder),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_the_table_are_canonical() {
        let attacker: Attacker = toml::from_str(include_str!("../../data/attacker.toml")).unwrap();
        let taxonomy = Taxonomy::builtin();
        for name in attacker.text.iter().chain(&attacker.path).chain(&attacker.metadata) {
            assert!(taxonomy.fields().any(|field| field.name == *name), "`{name}` is no canonical field");
        }
        for name in &attacker.metadata_in {
            assert!(taxonomy.log_sources().any(|known| known.name == *name), "`{name}` is no log source");
        }
    }

    #[test]
    fn folders_of_users_are_writable_and_those_of_the_system_are_not() {
        for path in ["C:\\Users\\*\\AppData\\x.exe", "C:\\Users\\", "c:\\programdata\\x", "/tmp/x", "/home/*/x"] {
            assert!(is_writable(path) && begins_at_root(path), "{path}");
        }
        for path in [
            "C:\\Windows\\System32\\x.exe",
            "C:\\Program Files\\x",
            "/usr/bin/x",
            "C:\\ProgramData\\Microsoft\\x",
            "C:\\Users\\ada\\x.exe",
            "/home/ada/x",
            "/home/ada",
            "\\x.exe",
            "x.exe",
        ] {
            assert!(!is_writable(path), "{path}");
        }
        assert!(!begins_at_root("\\AppData\\x.exe") && !begins_at_root("x.exe"));
    }
}
