//! Regular expressions as rules spell them, in the spelling of the `regex` crate.

use std::{iter::Peekable, str::Chars};

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};
use ruleatlas_model::{Modifier, Modifiers, fold_case};

use crate::{modifier::Transforms, verdict::UnknownReason};

/// Bytes that a compiled regular expression may take.
const SIZE_LIMIT: usize = 4 << 20;
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
    compile(pattern, true, &transforms).err() == Some(UnknownReason::RegexUnreadable)
}

/// Compiles a regular expression, or says why it is not to be had.
pub(crate) fn compile(pattern: &str, case_sensitive: bool, transforms: &Transforms) -> Result<Regex, UnknownReason> {
    let respelled = anchored(pattern, transforms);
    let built = RegexBuilder::new(&respelled)
        .case_insensitive(!case_sensitive)
        .multi_line(transforms.multi_line)
        .dot_matches_new_line(transforms.dot_all)
        .size_limit(SIZE_LIMIT)
        .dfa_size_limit(SIZE_LIMIT)
        .nest_limit(100)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => UnknownReason::RegexTooLarge,
        regex::Error::Syntax(message) if message.contains("look-around") => UnknownReason::RegexLooksAround,
        regex::Error::Syntax(message) if message.contains("backreference") => UnknownReason::RegexRefersBack,
        _ => UnknownReason::RegexUnreadable,
    })
}

/// Texts without case of which one must be in what the pattern matches; `None` where nothing is known of that.
pub(crate) fn needles(pattern: &Regex) -> Option<Vec<String>> {
    let hir = regex_syntax::ParserBuilder::new().nest_limit(200).build().parse(pattern.as_str()).ok()?;
    let needles = required(&hir)?;
    needles.iter().all(|needle| needle.len() >= MIN_NEEDLE).then_some(needles)
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
            let regex = compile(pattern, true, &Transforms::default())
                .unwrap_or_else(|why| panic!("{pattern}: {}", why.as_str()));
            assert_eq!(regex.is_match(text), expected, "{pattern} on {text}: {regex}");
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
            let regex = compile(pattern, case_sensitive, &Transforms::default()).unwrap();
            let found = needles(&regex);
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
            assert_eq!(compile(pattern, true, &Transforms::default()).err(), Some(why), "{pattern}");
        }
    }
}
