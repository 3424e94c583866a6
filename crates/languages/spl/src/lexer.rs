//! Tokens of commands' arguments and of the `search` language, and where a pipeline's pipes are.

use crate::source::Source;

/// A token with its place in the expanded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

/// The kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bare word.
    Word,
    /// A text in double quotes, quotes included.
    Quoted,
    /// A name in single quotes, quotes included.
    Single,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// `=`, `==`, `!=`, `<`, `<=`, `>`, `>=`
    Operator,
    /// `[ … ]`, brackets included.
    Sub,
    /// A macro call that could not be expanded.
    Macro,
}

/// The end of the double-quoted text that begins at `start`, or of the text where it does not end.
pub(crate) fn quoted_end(bytes: &[u8], start: usize, limit: usize) -> usize {
    let mut at = start + 1;
    while at < limit {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    limit
}

/// Whether the backslash at `at` escapes what follows. Splunk leaves a backslash before any other character alone
/// ("Quotes and escaping characters" of the `search` command).
pub(crate) fn is_escape(bytes: &[u8], at: usize) -> bool {
    bytes[at] == b'\\' && matches!(bytes.get(at + 1), Some(b'\\' | b'"' | b'|'))
}

/// The end of the bracket that begins at `start`, or `limit` where it does not end before. Brackets that stand in it are
/// passed once, however deep they nest.
pub(crate) fn bracket_end(source: &Source, start: usize, limit: usize) -> usize {
    if let Some(end) = source.known_bracket_end(start) {
        return end.min(limit);
    }
    let bytes = source.text().as_bytes();
    let mut at = start;
    let mut open = Vec::new();
    while at < limit {
        match bytes[at] {
            b'\\' if is_escape(bytes, at) => at += 1,
            b'"' => at = quoted_end(bytes, at, limit) - 1,
            b'[' => open.push(at),
            b']' => {
                if let Some(begin) = open.pop() {
                    source.keep_bracket_end(begin, at + 1);
                }
                if open.is_empty() {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    open.into_iter().for_each(|begin| source.keep_bracket_end(begin, usize::MAX));
    limit
}

fn macro_end(bytes: &[u8], start: usize, limit: usize) -> usize {
    bytes[start + 1..limit].iter().position(|byte| *byte == b'`').map_or(limit, |length| start + length + 2)
}

/// The parts between the pipes of `start..end`.
pub(crate) fn split_pipes(source: &Source, start: usize, end: usize) -> Vec<(usize, usize)> {
    let bytes = source.text().as_bytes();
    let mut parts = Vec::new();
    let (mut from, mut at) = (start, start);
    while at < end {
        match bytes[at] {
            b'\\' if is_escape(bytes, at) => at += 2,
            b'"' => at = quoted_end(bytes, at, end),
            b'[' => at = bracket_end(source, at, end),
            b'`' => at = macro_end(bytes, at, end),
            b'|' => {
                parts.push((from, at));
                at += 1;
                from = at;
            }
            _ => at += 1,
        }
    }
    parts.push((from, end));
    parts
}

/// The tokens of `start..end`. A value behind an operator may hold characters that end other words.
pub(crate) fn tokens(source: &Source, start: usize, end: usize) -> Vec<Token> {
    let bytes = source.text().as_bytes();
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = start;
    // Inside `IN (…)`.
    let mut in_list = false;
    while at < end {
        let (kind, next) = match bytes[at] {
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'"' => (Kind::Quoted, quoted_end(bytes, at, end)),
            b'(' => (Kind::Open, at + 1),
            b')' => (Kind::Close, at + 1),
            b',' => (Kind::Comma, at + 1),
            b'[' => (Kind::Sub, bracket_end(source, at, end)),
            b'`' => (Kind::Macro, macro_end(bytes, at, end)),
            b'\'' if single_end(bytes, at, end).is_some() => {
                (Kind::Single, single_end(bytes, at, end).unwrap_or(at + 1))
            }
            b'=' | b'<' | b'>' | b'!' if operator_length(bytes, at, end) > 0 => {
                (Kind::Operator, at + operator_length(bytes, at, end))
            }
            _ => {
                let value = match tokens.last() {
                    Some(token) if token.kind == Kind::Operator => Value::Single,
                    _ if in_list => Value::Listed,
                    _ => Value::No,
                };
                (Kind::Word, word_end(bytes, at, end, value))
            }
        };
        match kind {
            Kind::Open => in_list = tokens.last().is_some_and(|token| is_word(bytes, *token, b"IN")),
            Kind::Close => in_list = false,
            _ => {}
        }
        tokens.push(Token { kind, start: at, end: next });
        at = next;
    }
    tokens
}

/// The length of the comparison at `at`, 0 where there is none.
fn operator_length(bytes: &[u8], at: usize, end: usize) -> usize {
    let next_is_equal = at + 1 < end && bytes[at + 1] == b'=';
    match bytes[at] {
        b'!' if next_is_equal => 2,
        b'=' | b'<' | b'>' => 1 + usize::from(next_is_equal),
        _ => 0,
    }
}

/// The end of a name in single quotes: it holds no space or is followed by an operator, a comma, a parenthesis or
/// nothing; any other single quote is an apostrophe.
fn single_end(bytes: &[u8], start: usize, limit: usize) -> Option<usize> {
    const LONGEST: usize = 256;
    let limit = limit.min(start + LONGEST);
    let close = bytes[start + 1..limit].iter().position(|byte| matches!(byte, b'\'' | b'"' | b'|'))? + start + 1;
    if bytes[close] != b'\'' || close == start + 1 {
        return None;
    }
    let next = bytes[close + 1..limit].iter().find(|byte| !byte.is_ascii_whitespace());
    let spaced = bytes[start..close].iter().any(u8::is_ascii_whitespace);
    let ends_name = next.is_none_or(|byte| matches!(byte, b'=' | b'!' | b'<' | b'>' | b',' | b')' | b']'));
    (ends_name || !spaced).then_some(close + 1)
}

/// Whether a word may be a value, and where.
#[derive(Clone, Copy, PartialEq)]
enum Value {
    No,
    /// Behind an operator.
    Single,
    /// In an `IN (…)`.
    Listed,
}

fn is_word(bytes: &[u8], token: Token, word: &[u8]) -> bool {
    token.kind == Kind::Word && bytes[token.start..token.end].eq_ignore_ascii_case(word)
}

fn word_end(bytes: &[u8], start: usize, limit: usize, value: Value) -> usize {
    let mut at = start;
    while at < limit {
        match bytes[at] {
            b'\\' if is_escape(bytes, at) => at += 1,
            b'"' | b'(' | b')' | b'[' | b']' | b'`' | b'|' if at > start => break,
            byte if byte.is_ascii_whitespace() => break,
            // A comma parts words, unless a value goes on behind it.
            b',' if value != Value::Single || bytes[at + 1..limit].first().is_none_or(u8::is_ascii_whitespace) => break,
            b'=' | b'<' | b'>' | b'!' if value == Value::No && at > start && operator_length(bytes, at, limit) > 0 => {
                break;
            }
            _ => {}
        }
        at += 1;
    }
    // An escape may have led past the end, or into a character.
    let mut end = at.clamp(start + 1, limit);
    while end < limit && (bytes[end] & 0xC0) == 0x80 {
        end += 1;
    }
    end
}
