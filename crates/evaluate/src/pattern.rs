//! Regular expressions as rules spell them, in the spelling of the `regex` crate.

use std::{iter::Peekable, str::Chars};

use regex::{Regex, RegexBuilder};

use crate::{modifier::Transforms, verdict::UnknownReason};

/// Bytes that a compiled regular expression may take.
const SIZE_LIMIT: usize = 4 << 20;

/// Compiles a regular expression, or says why it is not to be had.
pub(crate) fn compile(pattern: &str, case_sensitive: bool, transforms: &Transforms) -> Result<Regex, UnknownReason> {
    let mut respelled = respell(pattern);
    if transforms.anchored {
        respelled = format!("\\A(?:{respelled})\\z");
    }
    if transforms.anchored_start {
        respelled = format!("\\A(?:{respelled})");
    }
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
