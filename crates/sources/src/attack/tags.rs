//! What the tags of rules mean in the loaded ATT&CK.

use ruleatlas_model::{Attack, Diagnostic, TechniqueTag};
use rustc_hash::FxHashSet;

/// What the tags of a rule say about ATT&CK.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// The techniques, in the order of the tags, each tag once.
    pub techniques: Vec<TechniqueTag>,
    /// The tactics' short names in the loaded version, each once.
    pub tactics: Vec<String>,
    /// The tags that name a technique or tactic which nobody knows.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a tag or a part of it names.
#[derive(Debug, PartialEq, Eq)]
enum Named<'a> {
    /// A technique's id in upper case, or what stands in its place.
    Technique(String),
    /// A tactic's id, short name or name, as written.
    Tactic(&'a str),
    /// Software, a group, a mitigation, a data source.
    Other,
}

/// Reads all tags of a rule. What is no ATT&CK tag (`cve.2021-44228`) is passed over; so are tags of software, groups,
/// mitigations and data sources (`attack.s0002`).
pub fn read_tags<'a>(attack: &Attack, tags: impl IntoIterator<Item = &'a str>) -> Tags {
    let mut read = Tags::default();
    let mut seen = FxHashSet::default();
    for tag in tags {
        if !seen.insert(tag) {
            continue;
        }
        let technique = resolve_tag(attack, tag);
        let tactics = resolve_tactic_tag(attack, tag);
        let unknown = match (&technique, &tactics) {
            (Some(technique), _) if technique.techniques.is_empty() => Some(("unknown technique", "technique")),
            (_, Some(tactics)) if tactics.is_empty() => Some(("unknown tactic", "tactic")),
            _ => None,
        };
        if let Some((code, what)) = unknown {
            let message = format!("ATT&CK {} and the crosswalk know no {what} `{tag}`", attack.version);
            read.diagnostics.push(Diagnostic::warning(code, message));
        }
        read.techniques.extend(technique);
        for tactic in tactics.into_iter().flatten() {
            if !read.tactics.contains(&tactic) {
                read.tactics.push(tactic);
            }
        }
    }
    read
}

/// The techniques that a tag leads to, or `None` when it names no technique.
///
/// Understands `attack.t1059.001`, `T1059.001`, `t1059_001`, `T1059/001` and `TA0002:T1059.001`. A tag whose technique
/// nobody knows leads to none, with [`Resolution::Unknown`](ruleatlas_model::Resolution::Unknown).
#[must_use]
pub fn resolve_tag(attack: &Attack, tag: &str) -> Option<TechniqueTag> {
    let id = parts(tag).find_map(|named| match named {
        Named::Technique(id) => Some(id),
        _ => None,
    })?;
    let (techniques, resolution) = attack.resolve(&id);
    Some(TechniqueTag { tag: tag.to_owned(), techniques, resolution, inferred: false })
}

/// The short names of the loaded tactics that a tag leads to; empty when it names a tactic that nobody knows, `None` when
/// it names none.
///
/// Understands `attack.command-and-control`, `attack.command_and_control`, `TA0011`, `Command and Control` and
/// `CommandAndControl`. Where no version is loaded, the name stands as written. Without `attack.` a name counts only when the loaded version or the crosswalk knows it.
#[must_use]
pub fn resolve_tactic_tag(attack: &Attack, tag: &str) -> Option<Vec<String>> {
    let is_marked = strip_mark(tag).is_some();
    let mut answer = None;
    for named in parts(tag) {
        let Named::Tactic(name) = named else { continue };
        let found = tactics(attack, name);
        if !found.is_empty() {
            return Some(found);
        }
        if is_marked || is_tactic_id(name) {
            let as_written = attack.tactics.is_empty().then(|| name.to_lowercase().replace('_', "-"));
            answer = Some(as_written.into_iter().collect());
        }
    }
    answer
}

/// The ids of techniques in free text, in upper case, each once, in order: `T1059`, `T1059.001`, the address
/// `…/techniques/T1059/001/` and Sigma's `attack.t1059`.
#[must_use]
pub fn technique_ids_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = FxHashSet::default();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let begins = match byte {
            // `AML.T0051` is a technique of ATLAS.
            b'T' => (at == 0 || !bytes[at - 1].is_ascii_alphanumeric()) && !bytes[..at].ends_with(b"AML."),
            // A lower-case `t` with four digits is too common to mean a technique by itself.
            b't' => bytes[..at].ends_with(b"attack."),
            _ => false,
        };
        let Some((id, length)) = begins.then(|| technique_id(&bytes[at..])).flatten() else {
            at += 1;
            continue;
        };
        if seen.insert(id.clone()) {
            found.push(id);
        }
        at += length;
    }
    found
}

/// What the parts of a tag name; Panther joins a tactic and a technique by a colon.
fn parts(tag: &str) -> impl Iterator<Item = Named<'_>> {
    let marked = strip_mark(tag);
    marked.unwrap_or(tag).split(':').filter_map(move |part| name(part.trim(), marked.is_some()))
}

/// The tag without `attack.`, or `None` when it has not that mark.
fn strip_mark(tag: &str) -> Option<&str> {
    let tag = tag.trim();
    let (mark, rest) = tag.split_at_checked("attack.".len())?;
    mark.eq_ignore_ascii_case("attack.").then_some(rest)
}

fn name(part: &str, is_marked: bool) -> Option<Named<'_>> {
    if let Some((id, length)) = technique_id(part.as_bytes())
        && length == part.len()
    {
        return Some(Named::Technique(id));
    }
    let digits = part.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let letters = part.len() - digits.len();
    if is_tactic_id(part) {
        Some(Named::Tactic(part))
    } else if is_marked
        && letters == 1
        && part.starts_with(['t', 'T'])
        && digits.starts_with(|c: char| c.is_ascii_digit())
    {
        Some(Named::Technique(part.to_ascii_uppercase()))
    } else if (1..=3).contains(&letters) && digits.len() >= 4 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Some(Named::Other)
    } else {
        (!part.is_empty()).then_some(Named::Tactic(part))
    }
}

/// `TA0011`.
fn is_tactic_id(text: &str) -> bool {
    text.len() == 6
        && text.get(..2).is_some_and(|letters| letters.eq_ignore_ascii_case("TA"))
        && text.bytes().skip(2).all(|byte| byte.is_ascii_digit())
}

/// The technique id that `text` begins with and its length in bytes: `T` and four digits, and three more after `.`, `/` or
/// `_` for a sub-technique. No letter or digit follows.
fn technique_id(text: &[u8]) -> Option<(String, usize)> {
    let digits = |from: usize, count: usize| {
        let digits = text.get(from..from + count)?;
        let ends = !text.get(from + count).is_some_and(u8::is_ascii_alphanumeric);
        (ends && digits.iter().all(u8::is_ascii_digit))
            .then(|| digits.iter().copied().map(char::from).collect::<String>())
    };
    if !matches!(text.first(), Some(b'T' | b't')) {
        return None;
    }
    let technique = digits(1, 4)?;
    let sub_technique = matches!(text.get(5), Some(b'.' | b'/' | b'_')).then(|| digits(6, 3)).flatten();
    Some(match sub_technique {
        Some(sub_technique) => (format!("T{technique}.{sub_technique}"), 9),
        None => (format!("T{technique}"), 5),
    })
}

/// The loaded tactics that a name in any spelling leads to.
fn tactics(attack: &Attack, name: &str) -> Vec<String> {
    // Redirects first: a later version's name stays a redirect though another matrix uses it too.
    let key = attack.tactic_redirects.keys().find(|known| is_spelling_of(name, known));
    let key = key.map(String::as_str).or_else(|| {
        let spelled = |known: &&ruleatlas_model::Tactic| {
            is_spelling_of(name, &known.short_name)
                || is_spelling_of(name, &known.name)
                || is_spelling_of(name, &known.id)
        };
        Some(attack.tactics.iter().find(spelled)?.short_name.as_str())
    });
    key.map_or_else(Vec::new, |key| {
        attack.resolve_tactic(key).into_iter().map(|tactic| tactic.short_name.clone()).collect()
    })
}

/// Whether two names are one but for case and what is between the words.
fn is_spelling_of(name: &str, known: &str) -> bool {
    let mut name = plain(name).peekable();
    name.peek().is_some() && name.eq(plain(known))
}

/// The letters and digits of a name, in lower case.
fn plain(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ruleatlas_model::{AttackDomain, Redirect, Resolution, Tactic, Technique};

    use super::*;

    fn attack() -> Attack {
        let tactic = |id: &str, short_name: &str, name: &str| Tactic {
            id: id.into(),
            short_name: short_name.into(),
            name: name.into(),
            domain: AttackDomain::Enterprise,
            order: 0,
            deprecated: false,
            description: String::new(),
        };
        let ids = ["T1059", "T1059.001", "T1562.001"];
        Attack {
            version: "18.1".into(),
            techniques: ids.map(|id| (id.to_owned(), Technique::blank(id))).into(),
            tactics: vec![
                tactic("TA0011", "command-and-control", "Command and Control"),
                tactic("TA0005", "defense-evasion", "Defense Evasion"),
            ],
            redirects: BTreeMap::from([(
                "T1685".to_owned(),
                Redirect { to: vec!["T1562.001".into()], resolution: Resolution::Crosswalk },
            )]),
            tactic_redirects: BTreeMap::from([("stealth".to_owned(), vec!["defense-evasion".to_owned()])]),
            ..Attack::default()
        }
    }

    #[test]
    fn a_technique_is_found_in_every_spelling() {
        for (tag, expected) in [
            ("attack.t1059.001", "T1059.001"),
            ("attack.T1059", "T1059"),
            ("Attack.t1059", "T1059"),
            ("T1059.001", "T1059.001"),
            ("TA0002:T1059", "T1059"),
            ("TA0002: T1059.001", "T1059.001"),
            ("t1059_001", "T1059.001"),
            ("T1059/001", "T1059.001"),
            ("attack.t1685", "T1562.001"),
        ] {
            let found = resolve_tag(&attack(), tag).unwrap_or_else(|| panic!("{tag} is no technique"));
            assert_eq!((found.tag.as_str(), &*found.techniques), (tag, &[expected.to_owned()][..]));
        }
    }

    #[test]
    fn a_tactic_is_found_in_every_spelling() {
        for (tag, expected) in [
            ("attack.command-and-control", "command-and-control"),
            ("attack.command_and_control", "command-and-control"),
            ("TA0011", "command-and-control"),
            ("ta0011:T1059", "command-and-control"),
            ("Command and Control", "command-and-control"),
            ("CommandAndControl", "command-and-control"),
            ("attack.stealth", "defense-evasion"),
            ("Stealth", "defense-evasion"),
        ] {
            assert_eq!(resolve_tactic_tag(&attack(), tag), Some(vec![expected.to_owned()]), "{tag}");
        }
    }

    #[test]
    fn what_nobody_knows_is_said_and_what_is_no_technique_or_tactic_is_not() {
        let unknown = ["attack.t9999", "attack.t10591", "attack.t1059.1", "T9999.001", "attack.sneaking", "TA9999"];
        let read = read_tags(&attack(), unknown);
        assert_eq!(read.diagnostics.len(), unknown.len(), "{read:?}");
        assert!(read.techniques.iter().all(|tag| tag.resolution == Resolution::Unknown && tag.techniques.is_empty()));
        assert_eq!(read.diagnostics[0].message, "ATT&CK 18.1 and the crosswalk know no technique `attack.t9999`");

        let foreign = [
            "attack.s0002",
            "attack.g0016",
            "attack.ds0005",
            "cve.2021-44228",
            "car.2013-05-009",
            "detection.dfir",
            "",
            ":",
        ];
        assert_eq!(read_tags(&attack(), foreign), Tags::default());
    }

    #[test]
    fn tags_are_read_once_each() {
        let read = read_tags(&attack(), ["TA0011:T1059", "attack.stealth", "attack.defense_evasion", "TA0011:T1059"]);
        assert_eq!(read.techniques.len(), 1);
        assert_eq!(read.tactics, ["command-and-control", "defense-evasion"]);
    }

    #[test]
    fn ids_stand_alone_in_text() {
        let text = "T1059.001, (T1003) https://attack.mitre.org/techniques/T1547/011/ attack.t1110 T1059.001; a_T1021_002.kql \
                    and T1078. Not XT1000, T10000, T123, AML.T0051, T1000a, t1000, 2020-01-01T0800Z; T1071.0012";
        let expected = ["T1059.001", "T1003", "T1547.011", "T1110", "T1021.002", "T1078", "T1071"];
        assert_eq!(technique_ids_in(text), expected);
        assert_eq!(technique_ids_in("é T1059é T1003"), ["T1059", "T1003"]);
    }
}
