//! Regular expressions as rules spell them, in the spelling of the `regex` crate.

use std::{iter::Peekable, str::Chars, sync::OnceLock};

use memchr::memmem;
use regex::{Regex, RegexBuilder};
use regex_syntax::{
    ParserBuilder,
    ast::ErrorKind,
    hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind},
};
use ruleatlas_model::{Modifier, Modifiers, fold_case};

use crate::{modifier::Transforms, verdict::UnknownReason};

/// Bytes that a compiled regular expression may take.
const SIZE_LIMIT: usize = 4 << 20;
/// Levels of brackets in a regular expression.
const NEST_LIMIT: u32 = 100;
/// A text that must be in a match says nothing if it is shorter.
const MIN_NEEDLE: usize = 3;
/// Texts of which one must be in a match.
const MAX_NEEDLES: usize = 64;

/// A rule's regular expression in the spelling of the `regex` crate, anchored as the modifiers say, its flags in front.
/// Whether the crate can compile it is not asked.
///
/// # Errors
/// A modifier that cannot be evaluated.
pub fn regex_syntax(pattern: &str, case_sensitive: bool, modifiers: &Modifiers) -> Result<String, Modifier> {
    let transforms = Transforms::read(modifiers)?;
    let flags = [(!case_sensitive, 'i'), (transforms.multi_line, 'm'), (transforms.dot_all, 's')];
    let flags: String = flags.into_iter().filter_map(|(is_set, flag)| is_set.then_some(flag)).collect();
    let anchored = anchored(pattern, &transforms);
    Ok(if flags.is_empty() { anchored } else { format!("(?{flags}:{anchored})") })
}

fn anchored(pattern: &str, transforms: &Transforms) -> String {
    let respelled = respell(pattern);
    match (transforms.anchored, transforms.anchored_start) {
        (true, _) => format!("\\A(?:{respelled})\\z"),
        (_, true) => format!("\\A(?:{respelled})"),
        _ => respelled,
    }
}

/// Whether a rule's regular expression has a mistake in its syntax, rather than something that only other engines have.
#[must_use]
pub fn is_malformed_regex(pattern: &str, modifiers: &Modifiers) -> bool {
    let transforms = Transforms::read(modifiers).unwrap_or_default();
    Expression::read(pattern, true, &transforms).err() == Some(UnknownReason::RegexUnreadable)
}

/// A regular expression of a rule. Its syntax is checked when it is read; it is compiled when a text first has what every
/// match has, for compiling costs more than most expressions are ever asked.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    /// In the spelling of the `regex` crate.
    pattern: Box<str>,
    case_sensitive: bool,
    multi_line: bool,
    dot_all: bool,
    /// Texts without case of which one is in every match, where any are known.
    needles: Option<Box<[Box<str>]>>,
    compiled: OnceLock<Option<Regex>>,
}

impl Expression {
    /// Reads a regular expression, or says why it is not to be had.
    pub(crate) fn read(pattern: &str, case_sensitive: bool, transforms: &Transforms) -> Result<Self, UnknownReason> {
        let pattern = anchored(pattern, transforms);
        let hir =
            ParserBuilder::new().nest_limit(NEST_LIMIT).build().parse(&pattern).map_err(|error| why_not(&error))?;
        let mut read = Self {
            pattern: pattern.into(),
            case_sensitive,
            multi_line: transforms.multi_line,
            dot_all: transforms.dot_all,
            needles: needles(&hir),
            compiled: OnceLock::new(),
        };
        // What is small for certain need not be compiled for knowing that it can be.
        if most_bytes(&hir, case_sensitive) > SIZE_LIMIT {
            read.compiled = OnceLock::from(Some(read.compile()?));
        }
        Ok(read)
    }

    fn compile(&self) -> Result<Regex, UnknownReason> {
        let built = RegexBuilder::new(&self.pattern)
            .case_insensitive(!self.case_sensitive)
            .multi_line(self.multi_line)
            .dot_matches_new_line(self.dot_all)
            .size_limit(SIZE_LIMIT)
            .dfa_size_limit(SIZE_LIMIT)
            .nest_limit(NEST_LIMIT)
            .build();
        built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => UnknownReason::RegexTooLarge,
            _ => UnknownReason::RegexUnreadable,
        })
    }

    /// Whether a text has a match; `folded` is the same text without case.
    pub(crate) fn is_match(&self, text: &str, folded: &str) -> bool {
        if let Some(needles) = &self.needles
            && !needles.iter().any(|needle| memmem::find(folded.as_bytes(), needle.as_bytes()).is_some())
        {
            return false;
        }
        self.compiled.get_or_init(|| self.compile().ok()).as_ref().is_some_and(|regex| regex.is_match(text))
    }

    /// Texts without case of which one must be in what the expression matches; `None` where nothing is known of that.
    pub(crate) fn needles(&self) -> Option<Vec<String>> {
        self.needles.as_ref().map(|needles| needles.iter().map(|needle| String::from(&**needle)).collect())
    }
}

fn why_not(error: &regex_syntax::Error) -> UnknownReason {
    match error {
        regex_syntax::Error::Parse(error) => match error.kind() {
            ErrorKind::UnsupportedLookAround => UnknownReason::RegexLooksAround,
            ErrorKind::UnsupportedBackreference => UnknownReason::RegexRefersBack,
            _ => UnknownReason::RegexUnreadable,
        },
        _ => UnknownReason::RegexUnreadable,
    }
}

/// Bytes that an expression takes when it is compiled, at most: several times what it mostly takes.
fn most_bytes(hir: &Hir, case_sensitive: bool) -> usize {
    /// Of a state of the automaton.
    const STATE: usize = 64;
    /// Of what every automaton has.
    const BASE: usize = 64 * STATE;
    most_states(hir, case_sensitive).saturating_mul(STATE).saturating_add(BASE)
}

fn most_states(hir: &Hir, case_sensitive: bool) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        // Without case a character has up to four spellings of up to four bytes.
        HirKind::Literal(literal) => literal.0.len().saturating_mul(if case_sensitive { 1 } else { 16 }),
        HirKind::Class(Class::Bytes(class)) => class.ranges().len() + 1,
        HirKind::Class(Class::Unicode(class)) => states_of_class(class, case_sensitive),
        HirKind::Capture(capture) => most_states(&capture.sub, case_sensitive).saturating_add(4),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or_default().max(repetition.min).max(1);
            let times = usize::try_from(times).unwrap_or(usize::MAX);
            most_states(&repetition.sub, case_sensitive).saturating_add(4).saturating_mul(times)
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(|part| most_states(part, case_sensitive).saturating_add(2)).fold(1, usize::saturating_add)
        }
    }
}

fn states_of_class(class: &ClassUnicode, case_sensitive: bool) -> usize {
    /// Of the other spellings of a class's characters, those that no range has: of a range of letters they are one, and of
    /// letters that are no range among themselves they are few.
    const MAX_SPELLINGS: usize = 64;
    let of_range = |range: &ClassUnicodeRange| match (u32::from(range.start()), u32::from(range.end())) {
        (_, 0..=0x7f) => 1,
        // The last byte says all.
        (start, end) if start >> 6 == end >> 6 => 4,
        // Up to seven sequences of up to four bytes.
        _ => 28,
    };
    let written = class.ranges().iter().map(of_range).sum::<usize>() + 1;
    match case_sensitive {
        true => written,
        // To find the spellings themselves costs as much as the class has characters, a million in `[^a]`.
        false => {
            let characters: usize = class.ranges().iter().map(ClassUnicodeRange::len).sum();
            2 * written + 4 * characters.min(MAX_SPELLINGS)
        }
    }
}

fn needles(hir: &Hir) -> Option<Box<[Box<str>]>> {
    let needles = required(hir)?;
    needles
        .iter()
        .all(|needle| needle.len() >= MIN_NEEDLE)
        .then(|| needles.into_iter().map(String::into_boxed_str).collect())
}

/// The best texts of which a match has one: those whose shortest is longest.
fn required(hir: &Hir) -> Option<Vec<String>> {
    let better = |best: Option<Vec<String>>, other: Vec<String>| {
        let shortest = |texts: &[String]| texts.iter().map(String::len).min().unwrap_or_default();
        match best {
            Some(best) if shortest(&best) >= shortest(&other) => Some(best),
            _ => Some(other),
        }
    };
    match hir.kind() {
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Alternation(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(required(branch)?);
                if all.len() > MAX_NEEDLES {
                    return None;
                }
            }
            Some(all)
        }
        HirKind::Concat(parts) => {
            let mut best = None;
            let mut run = String::new();
            for part in parts {
                match plain(part) {
                    Some(text) => run.push_str(&text),
                    None => {
                        if !run.is_empty() {
                            best = better(best, vec![std::mem::take(&mut run)]);
                        }
                        if let Some(other) = required(part) {
                            best = better(best, other);
                        }
                    }
                }
            }
            if run.is_empty() { best } else { better(best, vec![run]) }
        }
        _ => plain(hir).map(|text| vec![text]),
    }
}

/// The text without case that is all that the part matches.
fn plain(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(fold_case(std::str::from_utf8(&literal.0).ok()?).into_owned()),
        HirKind::Class(Class::Unicode(class)) => {
            const MAX_CASES: usize = 8;
            let mut characters = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            let cases: Vec<char> = characters.by_ref().take(MAX_CASES).collect();
            if characters.next().is_some() {
                return None;
            }
            let fold = |character: &char| fold_case(character.encode_utf8(&mut [0; 4])).into_owned();
            let first = cases.first().map(fold)?;
            cases.iter().all(|character| fold(character) == first).then_some(first)
        }
        _ => None,
    }
}

/// Writes what PCRE, RE2, .NET and Python read one way and the crate another as the crate reads it: a `{` that begins
/// no repetition is itself, and so are `[`, `&&`, `--` and `~~` between the brackets of a class.
fn respell(pattern: &str) -> String {
    let mut written = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => escape(&mut written, &mut rest),
            '[' => class(&mut written, &mut rest),
            '{' if !is_repetition(rest.clone()) => written.push_str("\\{"),
            _ => written.push(character),
        }
    }
    written
}

fn class(written: &mut String, rest: &mut Peekable<Chars<'_>>) {
    written.push('[');
    written.extend(rest.next_if_eq(&'^'));
    if rest.next_if_eq(&']').is_some() {
        written.push_str("\\]");
    }
    let mut before = '[';
    while let Some(character) = rest.next() {
        match character {
            ']' => {
                written.push(']');
                return;
            }
            '\\' => escape(written, rest),
            '[' if rest.peek() == Some(&':') => written.push('['),
            ':' if before == '[' => {
                // A named class, `[:alpha:]`, up to its own bracket.
                written.push(':');
                while let Some(part) = rest.next_if(|next| next.is_ascii_alphabetic() || matches!(next, '^' | ':')) {
                    written.push(part);
                }
                written.extend(rest.next_if_eq(&']'));
            }
            '[' => written.push_str("\\["),
            '&' | '-' | '~' if before == character => written.extend(['\\', character]),
            _ => written.push(character),
        }
        before = character;
    }
}

/// What follows a backslash, with the braces of `\x{202e}` and `\p{L}`.
fn escape(written: &mut String, rest: &mut Peekable<Chars<'_>>) {
    written.push('\\');
    let Some(escaped) = rest.next() else { return };
    written.push(escaped);
    if matches!(escaped, 'x' | 'u' | 'U' | 'p' | 'P') {
        written.extend(rest.next_if_eq(&'{'));
    }
}

/// Whether what follows a `{` makes it `{2}`, `{2,}`, `{2,5}`, or the `{,5}` that engines read differently: the crate
/// rejects it.
fn is_repetition(mut rest: Peekable<Chars<'_>>) -> bool {
    let mut digits = 0;
    while rest.next_if(char::is_ascii_digit).is_some() {
        digits += 1;
    }
    if rest.next_if_eq(&',').is_some() {
        while rest.next_if(char::is_ascii_digit).is_some() {
            digits += 1;
        }
    }
    digits > 0 && rest.next() == Some('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_other_engines_mean_what_they_mean_there() {
        for (pattern, text, expected) in [
            ("(\\$|%24)({|%7b)jndi", "${jndi:", true),
            ("a{2}", "aa", true),
            ("a{1,}b", "aab", true),
            ("^a{1-3}$", "a{1-3}", true),
            ("^\\x{61}\\p{L}$", "ab", true),
            ("^\\{$", "{", true),
            ("^[[\\]]+$", "[]", true),
            ("^[]a]+$", "]a", true),
            ("^[^]a]+$", "]", false),
            ("^[[:alpha:][]+$", "ab[", true),
            ("^[[:^alpha:]]+$", "12", true),
            ("^[a:b]+$", "a:", true),
            ("^[a&&b]$", "a", true),
            ("^[!--]$", "+", true),
            ("^[a~~b]$", "~", true),
            ("^[-a]{2}$", "-a", true),
            ("\\.$", "x.", true),
        ] {
            let expression = Expression::read(pattern, true, &Transforms::default())
                .unwrap_or_else(|why| panic!("{pattern}: {}", why.as_str()));
            assert_eq!(expression.is_match(text, text), expected, "{pattern} on {text}: {}", expression.pattern);
        }
    }

    #[test]
    fn a_match_has_one_of_the_needles() {
        for (pattern, case_sensitive, expected) in [
            ("(?i)-enc(odedcommand)?\\s+[a-z]", true, Some(vec!["-enc"])),
            ("Probe.*LAB", false, Some(vec!["probe"])),
            ("(alpha|beta)x", false, Some(vec!["alpha", "beta"])),
            ("(alpha|b)xyzabc", false, Some(vec!["xyzabc"])),
            ("[0-9]{3}", false, None),
            ("(abc)?", false, None),
            ("(abc)+d", false, Some(vec!["abc"])),
            ("ab|cd", false, None),
            ("^Stra\u{df}e$", false, Some(vec!["strasse"])),
        ] {
            let found = Expression::read(pattern, case_sensitive, &Transforms::default()).unwrap().needles();
            let expected = expected.map(|texts| texts.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(found, expected, "{pattern}");
        }
    }

    #[test]
    fn what_cannot_be_compiled_is_said() {
        for (pattern, why) in [
            ("a(?!b)", UnknownReason::RegexLooksAround),
            ("(a)\\1", UnknownReason::RegexRefersBack),
            ("(a", UnknownReason::RegexUnreadable),
            ("[a", UnknownReason::RegexUnreadable),
            ("a\\", UnknownReason::RegexUnreadable),
            ("a{,2}", UnknownReason::RegexUnreadable),
            ("\\w{1000}{1000}", UnknownReason::RegexTooLarge),
        ] {
            assert_eq!(Expression::read(pattern, true, &Transforms::default()).err(), Some(why), "{pattern}");
        }
    }

    #[test]
    fn what_is_compiled_late_can_be_compiled() {
        for pattern in [
            "a",
            "(?i)straße|ſk\u{212a}",
            r"\w+",
            r"\W{3}",
            r"\pL\d\s",
            r"[^\pL]{2,9}x?",
            "(a|b|(?:cd){3}){2,}",
            r".*\.exe$",
            r"^(?m)\b[\x{80}-\x{10ffff}]",
            "[äöüßſkK]{20}",
            "",
            "[a-z]{1,80}",
            "[ɐ-ʯ]{9}[Ā-ſ]",
            "[^a]{20}[^é]",
            "[ḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿ]",
        ] {
            for case_sensitive in [false, true] {
                let hir = ParserBuilder::new().build().parse(pattern).unwrap();
                let most = most_bytes(&hir, case_sensitive);
                let built = RegexBuilder::new(pattern).case_insensitive(!case_sensitive).size_limit(most).build();
                assert!(built.is_ok(), "{pattern}: more than {most} bytes");
            }
        }
    }

    #[test]
    fn common_expressions_are_compiled_late() {
        for pattern in [r"\\Users\\[^\\]+\\AppData\\.*\.(exe|dll)$", r"(\d{1,3}\.){3}\d{1,3}", "[a-z0-9]{8,32}"] {
            let expression = Expression::read(pattern, false, &Transforms::default()).unwrap();
            assert!(expression.compiled.get().is_none(), "{pattern}");
            assert!(!expression.is_match("", ""), "{pattern}");
        }
    }
}
