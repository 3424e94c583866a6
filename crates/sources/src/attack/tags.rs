//! What the tags of rules mean in the loaded ATT&CK.

use std::borrow::Cow;

use ruleatlas_model::{Attack, AttackDomain, Diagnostic, Technique, TechniqueTag};
use rustc_hash::FxHashSet;

use super::written::{self, Found, What, bare_number, is_canonical, is_tactic_id};

/// What the tags of a rule say about ATT&CK.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// The techniques, in the order of the tags, each tag once.
    pub techniques: Vec<TechniqueTag>,
    /// The tactics' short names in the loaded version, each once.
    pub tactics: Vec<String>,
    /// The tags that name a technique or tactic which nobody knows, or in a way that had to be interpreted.
    pub diagnostics: Vec<Diagnostic>,
}

/// Where a tag stands, which decides what it can mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TagPlace {
    /// Among tags of any kind: only what is marked with `attack.` or looks like an id is ATT&CK's.
    #[default]
    Any,
    /// Under a key for techniques and tactics.
    Attack,
    /// Under a key for techniques.
    Technique,
    /// Under a key for tactics.
    Tactic,
}

impl TagPlace {
    /// Whether everything that stands there is meant as ATT&CK's.
    fn is_attack(self) -> bool {
        self != Self::Any
    }
}

/// How many techniques one text may list.
const MAX_PARTS: usize = 256;
/// How much of a tag a diagnostic shows, in characters.
const MAX_SHOWN: usize = 80;

/// What stands for nothing in place of a technique.
const PLACEHOLDERS: [&str; 3] = ["", "-", "~"];

/// Reads all tags of a rule that stand among tags of any kind. What is no ATT&CK tag (`cve.2021-44228`) is passed over;
/// so are tags of software, groups, mitigations and data sources (`attack.s0002`).
pub fn read_tags<'a>(attack: &Attack, tags: impl IntoIterator<Item = &'a str>) -> Tags {
    let mut read = Tags::default();
    let mut seen = FxHashSet::default();
    for tag in tags.into_iter().filter(|tag| seen.insert(*tag)) {
        let tag = read_tag(attack, tag, TagPlace::Any);
        read.techniques.extend(tag.techniques);
        for tactic in tag.tactics {
            if !read.tactics.contains(&tactic) {
                read.tactics.push(tactic);
            }
        }
        read.diagnostics.extend(tag.diagnostics);
    }
    read
}

/// The techniques and tactics that a tag names.
///
/// Techniques are written `T1059`, `T1059.001`, `TA0002:T1059` and, as Sigma does, `attack.t1059.001`. What is written in
/// another way and can be read all the same (`T1059.1`, `T1105, T1071`, an address, a technique's name) is read, and a
/// diagnostic says how; what cannot be read is a diagnostic too. A technique that the loaded version does not know
/// resolves to none, with [`Resolution::Unknown`](ruleatlas_model::Resolution::Unknown).
///
/// Tactics are `attack.command-and-control`, `TA0011`, `Command and Control`, `CommandAndControl`. Among tags of any kind
/// a name without a mark counts only when the loaded version or the crosswalk knows it.
#[must_use]
pub fn read_tag(attack: &Attack, written: &str, place: TagPlace) -> Tags {
    let text: Cow<'_, str> = match written.contains(is_invisible) {
        true => Cow::Owned(written.replace(is_invisible, "")),
        false => Cow::Borrowed(written),
    };
    let trimmed = text.trim();
    let mut reader = Reader { attack, place, read: Tags::default(), ids: Vec::new() };
    let marked = strip_mark(trimmed);
    if is_canonical(marked.unwrap_or(trimmed), marked.is_some()) {
        // The usual case: a tag as its format wants it.
        reader.ids(trimmed, trimmed);
        if trimmed.len() != written.len() && place.is_attack() {
            let message = format!("`{}` has blanks around the id; remove them", shown(written));
            reader.read.diagnostics.push(Diagnostic::note(MALFORMED, message));
        }
        if place == TagPlace::Tactic {
            let message =
                format!("`{}` is a technique under a key for tactics; it is read as a technique", shown(trimmed));
            reader.read.diagnostics.push(Diagnostic::note(MALFORMED, message));
        }
        return reader.read;
    }
    let mut parts = trimmed.split([',', ';', '|', '\n', '\t']).map(trim_part);
    let whole_is_tactic = place != TagPlace::Technique && reader.tactics_of(trimmed);
    if !whole_is_tactic {
        for part in parts.by_ref().take(MAX_PARTS) {
            reader.part(part);
        }
        if parts.next().is_some() {
            let message = format!("`{}` lists more than {MAX_PARTS} techniques; the rest is left out", shown(trimmed));
            reader.read.diagnostics.push(Diagnostic::warning(MALFORMED, message));
        }
    }
    if !reader.ids.is_empty() {
        let ids: Vec<String> = reader.ids.iter().map(|id| format!("`{id}`")).collect();
        let message = format!(
            "`{}` is read as {}; write technique ids as `T1059` or `T1059.001`, each an entry of its own",
            shown(written),
            ids.join(", ")
        );
        reader.read.diagnostics.insert(0, Diagnostic::warning(MALFORMED, message));
    }
    reader.read
}

/// The diagnostic of a technique that is not written as ATT&CK does.
const MALFORMED: &str = "malformed technique";

/// Characters that a copied text brings along and nobody sees.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}' | '\u{2060}')
        || (character.is_control() && !character.is_whitespace())
}

/// A part of a tag without what encloses it.
fn trim_part(part: &str) -> &str {
    part.trim_matches(|character: char| character.is_whitespace() || "[]{}<>\"'`".contains(character))
}

/// The head of a text, for a diagnostic.
fn shown(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((at, _)) => Cow::Owned(format!("{}…", text.get(..at).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

struct Reader<'a> {
    attack: &'a Attack,
    place: TagPlace,
    read: Tags,
    /// The techniques that were read from a spelling other than the canonical one.
    ids: Vec<String>,
}

impl Reader<'_> {
    /// A part of a tag, of which a list in one text has several.
    fn part(&mut self, part: &str) {
        let marked = strip_mark(part);
        let text = marked.unwrap_or(part).trim();
        if PLACEHOLDERS.contains(&text) {
            return;
        }
        let found = written::scan(text);
        let is_id = |found: &Found| !matches!(found.what, What::Tactic(_));
        let is_only_tactic = found.iter().all(|found| !is_id(found));
        if self.place.is_attack() || marked.is_some() || is_meant_as_technique(text, &found) {
            if let Some(id) = bare_number(text).filter(|_| self.place.is_attack() && found.is_empty()) {
                return self.technique(part, id);
            }
            if !is_only_tactic {
                return self.found(part, text, &found);
            }
        }
        if self.tactics_of(text) {
            if self.place == TagPlace::Technique {
                self.complain(format!(
                    "`{}` is a tactic under a key for techniques; it is read as a tactic",
                    shown(part)
                ));
            }
            return;
        }
        // A tactic and a technique joined by a colon, of which one goes by its name.
        let pieces: Vec<&str> = text.splitn(4, ':').map(str::trim).collect();
        if let Some(at) = pieces.iter().position(|piece| pieces.len() > 1 && self.tactics_of(piece)) {
            for piece in pieces.get(at + 1..).unwrap_or_default() {
                if self.place.is_attack() && !piece.is_empty() {
                    self.words(part, piece, marked.is_some());
                }
            }
            return;
        }
        if !found.is_empty() && self.place.is_attack() {
            // A tactic's address, or its id amid words.
            self.found(part, text, &found);
        } else if self.place.is_attack() || marked.is_some() {
            self.words(part, text, marked.is_some());
        }
    }

    /// Takes the ids in a part.
    fn found(&mut self, part: &str, text: &str, found: &[Found]) {
        for one in found {
            let own = text.get(one.at.clone()).unwrap_or_default();
            match &one.what {
                What::Technique(id) => {
                    let tag = if found.len() == 1 && part.len() <= MAX_SHOWN { part } else { own };
                    self.technique(tag, id.clone());
                }
                What::Tactic(id) => {
                    self.tactics_of(id);
                }
                What::Unreadable => self.complain(format!(
                    "`{}` is no technique id: that is `T` and four digits, and `.` and three more for a \
                     sub-technique; it is left out",
                    shown(own)
                )),
                What::Atlas => {
                    let message =
                        format!("`{}` is a technique of ATLAS, which is not loaded; it is left out", shown(part));
                    self.read.diagnostics.push(Diagnostic::note("ATLAS technique", message));
                }
            }
        }
    }

    /// A part without an id: the name of a technique, or nothing that can be read.
    fn words(&mut self, part: &str, text: &str, is_marked: bool) {
        if is_other_object(text) {
            if !is_marked {
                self.complain(format!("`{}` is neither a technique nor a tactic; it is left out", shown(part)));
            }
            return;
        }
        match techniques_named(self.attack, text).as_slice() {
            [id] => self.technique(part, id.clone()),
            [] if is_marked || self.place == TagPlace::Tactic => {
                // Without a loaded version the name stands as written.
                if self.attack.tactics.is_empty() {
                    self.add_tactic(short_name(text));
                } else {
                    let message =
                        format!("ATT&CK {} and the crosswalk know no tactic `{}`", self.attack.version, shown(part));
                    self.read.diagnostics.push(Diagnostic::warning("unknown tactic", message));
                }
            }
            [] => self.complain(format!(
                "`{}` names no technique; write an id such as `T1059` or `T1059.001`; it is left out",
                shown(part)
            )),
            several => {
                let message = format!(
                    "`{}` is the name of {}; write the id that is meant; it is left out",
                    shown(part),
                    several.join(", ")
                );
                self.complain(message);
            }
        }
    }

    fn complain(&mut self, message: String) {
        self.read.diagnostics.push(Diagnostic::warning(MALFORMED, message));
    }

    /// A technique that is not written as it should be.
    fn technique(&mut self, tag: &str, id: String) {
        self.resolve(tag, &id);
        if !self.ids.contains(&id) {
            self.ids.push(id);
        }
    }

    /// The ids of a tag in canonical spelling.
    fn ids(&mut self, tag: &str, text: &str) {
        for found in written::scan(text) {
            match found.what {
                What::Technique(id) => self.resolve(tag, &id),
                What::Tactic(id) => {
                    self.tactics_of(&id);
                }
                What::Unreadable | What::Atlas => {}
            }
        }
    }

    fn resolve(&mut self, tag: &str, id: &str) {
        let (techniques, resolution) = self.attack.resolve(id);
        if techniques.is_empty() {
            let message =
                format!("ATT&CK {} and the crosswalk know no technique `{}`", self.attack.version, shown(tag));
            self.read.diagnostics.push(Diagnostic::warning("unknown technique", message));
        }
        let technique = TechniqueTag { tag: tag.to_owned(), techniques, resolution, inferred: false };
        if !self.read.techniques.contains(&technique) {
            self.read.techniques.push(technique);
        }
    }

    /// Takes the tactics that a name or id means, if it means any; an id that nobody knows is a diagnostic.
    fn tactics_of(&mut self, name: &str) -> bool {
        let found = tactics(self.attack, name);
        let is_known = !found.is_empty();
        for tactic in found {
            self.add_tactic(tactic);
        }
        if !is_known && is_tactic_id(name) {
            if self.attack.tactics.is_empty() {
                self.add_tactic(name.to_lowercase());
            } else {
                let message = format!("ATT&CK {} and the crosswalk know no tactic `{name}`", self.attack.version);
                self.read.diagnostics.push(Diagnostic::warning("unknown tactic", message));
            }
            return true;
        }
        is_known
    }

    fn add_tactic(&mut self, tactic: String) {
        if !self.read.tactics.contains(&tactic) {
            self.read.tactics.push(tactic);
        }
    }
}

/// A tactic's name as ATT&CK's short names are written: `CommandAndControl` is `command-and-control`.
fn short_name(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    let mut was_lower = false;
    for character in name.chars() {
        if character.is_uppercase() && was_lower {
            short.push('-');
        }
        was_lower = character.is_lowercase();
        match character {
            '_' | ' ' => short.push('-'),
            _ => short.extend(character.to_lowercase()),
        }
    }
    short
}

/// Whether a text among tags of any kind is meant as a technique: it begins with what looks like an id, or speaks of
/// MITRE.
fn is_meant_as_technique(text: &str, found: &[Found]) -> bool {
    let Some(first) = found.iter().find(|found| !matches!(found.what, What::Tactic(_))) else { return false };
    let own = text.get(first.at.clone()).unwrap_or_default();
    let digits = own.trim_start_matches(['T', 't']);
    let is_long = digits.bytes().take_while(u8::is_ascii_digit).count() >= 3;
    let is_whole = first.at == (0..text.len()) && first.what != What::Unreadable;
    let is_after_tactic = matches!(found.first().map(|found| &found.what), Some(What::Tactic(_)));
    let begins =
        (first.at.start == 0 || is_after_tactic) && is_long && (own.starts_with('T') || is_whole || is_after_tactic);
    let lower = text.to_ascii_lowercase();
    begins || lower.contains("mitre") || lower.contains("att&ck")
}

/// Software, groups, mitigations, campaigns, data sources and their like: `S0002`, `DS0005`.
fn is_other_object(text: &str) -> bool {
    let digits = text.trim_start_matches(|character: char| character.is_ascii_alphabetic());
    let letters = text.len() - digits.len();
    (1..=3).contains(&letters) && digits.len() >= 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The ids of the techniques of that name (`PowerShell`, `Command and Scripting Interpreter: PowerShell`); those of the
/// enterprise matrix where several matrices have it.
fn techniques_named(attack: &Attack, name: &str) -> Vec<String> {
    let is_named = |technique: &&Technique| {
        let parent = || attack.techniques.get(technique.parent.as_deref()?);
        let is_full = |(head, tail): (&str, &str)| {
            is_spelling_of(tail, &technique.name) && parent().is_some_and(|parent| is_spelling_of(head, &parent.name))
        };
        !technique.deprecated && (is_spelling_of(name, &technique.name) || name.split_once(": ").is_some_and(is_full))
    };
    let named: Vec<&Technique> = attack.techniques.values().filter(is_named).collect();
    let enterprise = |technique: &&&Technique| technique.domain == AttackDomain::Enterprise;
    let ids = |techniques: Vec<&Technique>| techniques.into_iter().map(|technique| technique.id.clone()).collect();
    match named.iter().any(|technique| enterprise(&technique)) {
        true => ids(named.iter().filter(enterprise).copied().collect()),
        false => ids(named),
    }
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

/// The tag without `attack.`, or `None` when it has not that mark.
fn strip_mark(tag: &str) -> Option<&str> {
    let tag = tag.trim();
    let (mark, rest) = tag.split_at_checked("attack.".len())?;
    mark.eq_ignore_ascii_case("attack.").then_some(rest)
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
    // Most tags are ids of techniques, which are no names of tactics.
    if matches!(name.trim().as_bytes(), [b't' | b'T', b'0'..=b'9', ..]) {
        return Vec::new();
    }
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
mod tests;
