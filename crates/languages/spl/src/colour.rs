//! The tokens of a search for colouring, read off the author's text without regard to what the commands mean.

use ruleatlas_syntax::{Span, Token, TokenKind};

use crate::lexer::{is_escape, quoted_end};

const KEYWORDS: [&str; 17] = [
    "AND",
    "OR",
    "NOT",
    "XOR",
    "IN",
    "LIKE",
    "AS",
    "BY",
    "OVER",
    "WHERE",
    "FROM",
    "OUTPUT",
    "OUTPUTNEW",
    "WITH",
    "GROUPBY",
    "TERM",
    "CASE",
];

/// The text's tokens for colouring, in order and without overlap; gaps are plain.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    let mut command_follows = false;
    while at < bytes.len() {
        let start = at;
        let byte = bytes[at];
        let kind = match byte {
            _ if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'"' => {
                at = quoted_end(bytes, at, bytes.len()).min(bytes.len());
                TokenKind::String
            }
            b'`' => {
                let is_comment = bytes[at..].starts_with(b"```");
                let mark: &[u8] = if is_comment { b"```" } else { b"`" };
                let from = at + mark.len();
                let length = bytes[from..].windows(mark.len()).position(|window| window == mark);
                at = length.map_or(bytes.len(), |length| from + length + mark.len());
                if is_comment { TokenKind::Comment } else { TokenKind::Macro }
            }
            b'|' | b'[' | b']' | b'(' | b')' | b',' | b'=' | b'<' | b'>' | b'!' | b'+' | b'%' => {
                at += 1;
                TokenKind::Operator
            }
            _ => {
                at = word_end(bytes, at);
                word_kind(text.get(start..at).unwrap_or_default(), bytes, at, command_follows)
            }
        };
        if kind != TokenKind::Comment {
            command_follows = matches!(byte, b'|' | b'[');
        }
        tokens.push(Token { span: Span::new(start, at), kind });
    }
    tokens
}

fn word_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if is_escape(bytes, at) => at += 1,
            b'"' | b'`' | b'|' | b'[' | b']' | b'(' | b')' | b',' | b'=' | b'<' | b'>' | b'!' | b'+' | b'%' => break,
            byte if byte.is_ascii_whitespace() => break,
            _ => {}
        }
        at += 1;
    }
    at.clamp(start + 1, bytes.len())
}

fn word_kind(word: &str, bytes: &[u8], end: usize, command_follows: bool) -> TokenKind {
    let next = bytes[end..].iter().find(|byte| !byte.is_ascii_whitespace());
    if KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word)) {
        return TokenKind::Keyword;
    }
    match next {
        Some(b'=' | b'<' | b'>' | b'!') => TokenKind::Field,
        _ if command_follows => TokenKind::Command,
        Some(b'(') if bytes.get(end) == Some(&b'(') => TokenKind::Function,
        _ if word.parse::<f64>().is_ok() => TokenKind::Number,
        _ => TokenKind::String,
    }
}
