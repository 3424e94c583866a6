//! Wazuh's three languages of patterns: `osmatch` (texts, with anchors), `osregex` (a small language of its own) and `pcre2`.

use ruleatlas_model::Op;

/// Which language a pattern is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Exactly this text.
    Exact,
    OsMatch,
    OsRegex,
    Pcre2,
}

/// What a pattern means: alternatives, each a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub alternatives: Vec<(Op, String)>,
    pub case_sensitive: bool,
    /// Whether the pattern itself says that it must not match.
    pub negated: bool,
}

impl Dialect {
    /// The one that an attribute `type` names.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "osmatch" => Self::OsMatch,
            "osregex" => Self::OsRegex,
            "pcre2" => Self::Pcre2,
            "string" => Self::Exact,
            _ => return None,
        })
    }

    /// What a pattern means.
    pub fn read(self, text: &str) -> Pattern {
        match self {
            Self::Exact => {
                Pattern { alternatives: vec![(Op::Eq, text.to_owned())], case_sensitive: true, negated: false }
            }
            Self::OsMatch => os_match(text),
            Self::OsRegex => os_regex(text),
            Self::Pcre2 => pcre2(text),
        }
    }
}

/// The comparison of a text between anchors.
fn anchored(text: String, starts: bool, ends: bool) -> (Op, String) {
    let op = match (starts, ends) {
        (true, true) => Op::Eq,
        (true, false) => Op::StartsWith,
        (false, true) => Op::EndsWith,
        (false, false) => Op::Contains,
    };
    (op, text)
}

fn os_match(text: &str) -> Pattern {
    let inner = text.strip_prefix('!');
    let alternatives = inner.unwrap_or(text).split('|').filter(|alternative| !alternative.is_empty());
    let read = |alternative: &str| {
        let (starts, rest) = alternative.strip_prefix('^').map_or((false, alternative), |rest| (true, rest));
        let (ends, rest) = rest.strip_suffix('$').map_or((false, rest), |rest| (true, rest));
        anchored(rest.to_owned(), starts, ends)
    };
    Pattern { alternatives: alternatives.map(read).collect(), case_sensitive: false, negated: inner.is_some() }
}

/// What `\` and a letter stand for in `osregex`, as a class of a regular expression.
fn os_class(letter: char) -> Option<&'static str> {
    Some(match letter {
        'w' => "[A-Za-z0-9@_-]",
        'W' => "[^A-Za-z0-9@_-]",
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => "[ ]",
        'S' => "[^ ]",
        'p' => r##"[()*+,.:;<=>?\[\]!"'#$%&|{}-]"##,
        't' => r"\t",
        '.' => "(?s:.)",
        _ => return None,
    })
}

fn os_regex(text: &str) -> Pattern {
    let mut alternatives = Vec::new();
    for alternative in split(text) {
        if alternative.is_empty() {
            continue;
        }
        let (starts, rest) = alternative.strip_prefix('^').map_or((false, alternative), |rest| (true, rest));
        let ends = rest.ends_with('$') && !is_escaped(rest, rest.len() - 1);
        let rest = if ends { rest.get(..rest.len() - 1).unwrap_or_default() } else { rest };
        let mut plain = Some(String::new());
        let mut regex = String::new();
        let mut chars = rest.chars().peekable();
        while let Some(character) = chars.next() {
            let literal = match character {
                '\\' => match chars.next() {
                    Some(letter) => match os_class(letter) {
                        Some(class) => {
                            regex.push_str(class);
                            regex.extend(chars.next_if(|next| matches!(next, '+' | '*')));
                            plain = None;
                            continue;
                        }
                        None => letter,
                    },
                    None => '\\',
                },
                // Parentheses say what is kept, and change nothing.
                '(' | ')' => continue,
                other => other,
            };
            push_literal(&mut regex, literal);
            if let Some(plain) = &mut plain {
                plain.push(literal);
            }
        }
        alternatives.push(match plain {
            Some(plain) => anchored(plain, starts, ends),
            None => {
                let (start, end) = (if starts { "^" } else { "" }, if ends { "$" } else { "" });
                (Op::RegexMatch, format!("{start}{regex}{end}"))
            }
        });
    }
    Pattern { alternatives, case_sensitive: false, negated: false }
}

/// The alternatives between bars that are not escaped.
fn split(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'|' => {
                found.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    found.extend(text.get(start..));
    found
}

/// Whether an odd number of backslashes stands before a place.
fn is_escaped(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    (before.len() - before.trim_end_matches('\\').len()) % 2 == 1
}

fn push_literal(regex: &mut String, character: char) {
    if character.is_ascii_punctuation()
        && !matches!(character, '"' | '\'' | ',' | '/' | ':' | ';' | '<' | '=' | '>' | '@' | '_' | '`' | '%' | '!')
    {
        regex.push('\\');
    }
    regex.push(character);
}

fn pcre2(text: &str) -> Pattern {
    let inner = text.strip_prefix("(?i)");
    let case_sensitive = inner.is_none();
    let literals: Option<Vec<(Op, String)>> = split(inner.unwrap_or(text)).into_iter().map(literal).collect();
    let alternatives = match literals {
        Some(literals) if literals.iter().all(|(_, text)| !text.is_empty()) => literals,
        // The flag is kept where it is: it may hold for a part of the pattern only.
        _ => vec![(Op::RegexMatch, text.to_owned())],
    };
    Pattern { alternatives, case_sensitive, negated: false }
}

/// A part of a regular expression that has nothing in it but a text and anchors.
fn literal(text: &str) -> Option<(Op, String)> {
    let (starts, rest) = text.strip_prefix('^').map_or((false, text), |rest| (true, rest));
    let ends = rest.ends_with('$') && !is_escaped(rest, rest.len() - 1);
    let rest = if ends { rest.get(..rest.len() - 1)? } else { rest };
    let mut plain = String::with_capacity(rest.len());
    let mut chars = rest.chars();
    while let Some(character) = chars.next() {
        match character {
            '\\' => plain.push(chars.next().filter(char::is_ascii_punctuation)?),
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            other => plain.push(other),
        }
    }
    Some(anchored(plain, starts, ends))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_said_as_comparisons() {
        let one = |op, text: &str| vec![(op, text.to_owned())];
        for (dialect, text, alternatives) in [
            (Dialect::OsMatch, "a.b", one(Op::Contains, "a.b")),
            (Dialect::OsMatch, "^a|b$", vec![(Op::StartsWith, "a".to_owned()), (Op::EndsWith, "b".to_owned())]),
            (Dialect::OsMatch, "!^a$", one(Op::Eq, "a")),
            (Dialect::OsRegex, "^4624$", one(Op::Eq, "4624")),
            (Dialect::OsRegex, r"a\|b\$", one(Op::Contains, "a|b$")),
            (Dialect::OsRegex, r"c:\\temp", one(Op::Contains, r"c:\temp")),
            (Dialect::OsRegex, r"^user \w+ (\S+).x$", one(Op::RegexMatch, r"^user [A-Za-z0-9@_-]+ [^ ]+\.x$")),
            (Dialect::OsRegex, r"\.+x", one(Op::RegexMatch, "(?s:.)+x")),
            (Dialect::Pcre2, r"(?i)cmd\.exe$", one(Op::EndsWith, "cmd.exe")),
            (Dialect::Pcre2, r"^(a|b)$", one(Op::RegexMatch, "^(a|b)$")),
            (Dialect::Pcre2, r"\d", one(Op::RegexMatch, r"\d")),
            (Dialect::Exact, "^a", one(Op::Eq, "^a")),
        ] {
            assert_eq!(dialect.read(text).alternatives, alternatives, "{dialect:?} {text}");
        }
        assert!(os_match("!a").negated && !os_match("a").negated);
        assert!(pcre2("a").case_sensitive && !pcre2("(?i)a").case_sensitive && !os_regex("a").case_sensitive);
    }
}
