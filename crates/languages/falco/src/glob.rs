//! The patterns of a shell, as `fnmatch` reads them.

use std::fmt::Write as _;

use ruleatlas_core::{Folded, Piece, fold_pieces};

/// What a pattern means as a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// One that needs no regular expression.
    Folded(Folded),
    /// A regular expression of the whole value.
    Regex(String),
    /// It cannot be said: a pattern that must not match.
    Unknown,
}

/// What a pattern means that describes a whole value.
pub(crate) fn whole(pattern: &str) -> Meaning {
    if let Some(pieces) = pieces(pattern) {
        return Meaning::Folded(fold_pieces(&pieces));
    }
    regex(pattern, ".").map_or(Meaning::Unknown, Meaning::Regex)
}

/// The regular expression of paths that a pattern describes, or that lie below one: its wildcards do not cross a slash.
pub(crate) fn prefix(pattern: &str) -> Option<String> {
    regex(pattern.trim_end_matches('/'), "[^/]").map(|regex| format!("^{regex}(?:/|$)"))
}

/// Whether a text has a wildcard in it.
pub(crate) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The characters and wildcards of a pattern; `None` where it has more than `*`, `?` and escapes.
fn pieces(pattern: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    while let Some(character) = chars.next() {
        let opens_group = chars.peek() == Some(&'(');
        pieces.push(match character {
            '[' => return None,
            '*' | '?' | '+' | '@' | '!' if opens_group => return None,
            '*' => Piece::Many,
            '?' => Piece::One,
            '\\' => Piece::Char(chars.next().unwrap_or('\\')),
            _ => Piece::Char(character),
        });
    }
    Some(pieces)
}

/// The pattern as a regular expression, where `any` stands for a character that a wildcard takes.
fn regex(pattern: &str, any: &str) -> Option<String> {
    let mut regex = String::with_capacity(pattern.len() * 2);
    // What is said behind each group that is open.
    let mut groups: Vec<&str> = Vec::new();
    let mut chars = pattern.char_indices().peekable();
    while let Some((at, character)) = chars.next() {
        let opens_group = chars.peek().is_some_and(|(_, next)| *next == '(');
        match character {
            '!' if opens_group => return None,
            '*' | '?' | '+' | '@' if opens_group => {
                chars.next();
                regex.push_str("(?:");
                groups.push(match character {
                    '*' => "*",
                    '?' => "?",
                    '+' => "+",
                    _ => "",
                });
            }
            '|' if !groups.is_empty() => regex.push('|'),
            ')' if !groups.is_empty() => {
                regex.push(')');
                regex.push_str(groups.pop().unwrap_or_default());
            }
            '*' => {
                let _ = write!(regex, "{any}*");
            }
            '?' => regex.push_str(any),
            '\\' => match chars.next() {
                Some((_, escaped)) => push_literal(&mut regex, escaped),
                None => push_literal(&mut regex, '\\'),
            },
            '[' => match class(pattern.get(at + 1..).unwrap_or_default()) {
                Some((length, class)) => {
                    regex.push_str(&class);
                    while chars.peek().is_some_and(|(place, _)| *place < at + 1 + length) {
                        chars.next();
                    }
                }
                None => push_literal(&mut regex, '['),
            },
            _ => push_literal(&mut regex, character),
        }
    }
    groups.is_empty().then_some(regex)
}

/// The class of characters that begins behind a bracket: its length with the closing bracket, and its regular expression.
fn class(text: &str) -> Option<(usize, String)> {
    let inner = text.strip_prefix(['!', '^']).unwrap_or(text);
    let negation = text.len() - inner.len();
    // A bracket that stands first belongs to the class.
    let from = usize::from(inner.starts_with(']'));
    let end = from + inner.get(from..)?.find(']')?;
    let mut class = String::from(if negation > 0 { "[^" } else { "[" });
    for character in inner.get(..end)?.chars() {
        if matches!(character, '\\' | '[' | ']' | '^' | '&' | '~') {
            class.push('\\');
        }
        class.push(character);
    }
    class.push(']');
    Some((negation + end + 1, class))
}

fn push_literal(regex: &mut String, character: char) {
    if matches!(
        character,
        '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' | '#' | '&' | '-' | '~'
    ) {
        regex.push('\\');
    }
    regex.push(character);
}

#[cfg(test)]
mod tests {
    use ruleatlas_model::Op;

    use super::*;

    #[test]
    fn a_pattern_is_said_in_the_plainest_way() {
        let folded = |op, value: &str| Meaning::Folded(Folded { op, value: value.to_owned() });
        let regex = |text: &str| Meaning::Regex(text.to_owned());
        for (pattern, meaning) in [
            ("/etc/*", folded(Op::StartsWith, "/etc/")),
            ("*/../*", folded(Op::Contains, "/../")),
            ("/a", folded(Op::Eq, "/a")),
            ("/home/*/.ssh/*", folded(Op::Wildcard, "/home/*/.ssh/*")),
            ("a\\*", folded(Op::Eq, "a*")),
            ("lib[!a-c].so", regex("lib[^a-c]\\.so")),
            ("a[]b]", regex("a[\\]b]")),
            ("a[b", regex("a\\[b")),
            ("@(a|b*)c", regex("(?:a|b.*)c")),
            ("!(a)", Meaning::Unknown),
            ("@(a", Meaning::Unknown),
        ] {
            assert_eq!(whole(pattern), meaning, "{pattern}");
        }
        assert_eq!(prefix("/var/*/x?/").as_deref(), Some("^/var/[^/]*/x[^/](?:/|$)"));
    }
}
