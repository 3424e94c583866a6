//! Text to tokens. White space and comments fall away, unless comments are asked for.

use ruleatlas_syntax::{Span, SyntaxError};

use crate::error::ErrorKind;

/// How many errors a query can have: a text that is no EQL needs no complaint a word.
pub(crate) const DIAGNOSTIC_LIMIT: usize = 32;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or keyword; which of them, the parser knows.
    Word,
    /// A name in backticks.
    Backticked,
    /// A string, by the way it is quoted.
    String(Quote),
    Number,
    Eq,
    Ne,
    Lt,
    Lte,
    Gt,
    Gte,
    Colon,
    NotColon,
    Assign,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Dot,
    Comma,
    LeftBracket,
    RightBracket,
    LeftParen,
    RightParen,
    Pipe,
    Question,
    Tilde,
    Bang,
    Comment,
    Unknown,
    End,
}

/// How a string is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quote {
    /// `"…"` or the older `'…'`: backslash escapes.
    Escaped,
    /// `"""…"""`: nothing is escaped.
    Triple,
    /// The older `?"…"` and `?'…'`: nothing is escaped.
    Marked,
}

/// A token and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub kind: Kind,
    pub start: u32,
    pub end: u32,
}

impl Token {
    pub fn span(self) -> Span {
        Span { start: self.start, end: self.end }
    }

    pub fn text(self, source: &str) -> &str {
        self.span().of(source).unwrap_or_default()
    }
}

/// The tokens of `text`, with an `End` behind the last; strings and comments that are not closed are said in
/// `errors`.
pub(crate) fn tokenize(text: &str, comments: bool, errors: &mut Vec<SyntaxError<ErrorKind>>) -> Vec<Token> {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, errors };
    let mut tokens = Vec::with_capacity(text.len() / 5 + 1);
    loop {
        let start = lexer.skip_space();
        let kind = lexer.next_kind();
        if kind == Kind::Comment && !comments {
            continue;
        }
        let span = Span::new(start, lexer.at);
        tokens.push(Token { kind, start: span.start, end: span.end });
        if kind == Kind::End {
            return tokens;
        }
    }
}

struct Lexer<'a, 'd> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    errors: &'d mut Vec<SyntaxError<ErrorKind>>,
}

impl Lexer<'_, '_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn skip_space(&mut self) -> usize {
        loop {
            match self.peek(0) {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                // Editors and web pages leave no-break spaces and byte-order marks behind.
                0xC2 if self.peek(1) == 0xA0 => self.at += 2,
                0xEF if self.peek(1) == 0xBB && self.peek(2) == 0xBF => self.at += 3,
                _ => return self.at,
            }
        }
    }

    fn take(&mut self, length: usize, kind: Kind) -> Kind {
        self.at += length;
        kind
    }

    fn next_kind(&mut self) -> Kind {
        let Some(&first) = self.bytes.get(self.at) else { return Kind::End };
        let second = self.peek(1);
        match (first, second) {
            (b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'@' | b'$', _) => self.word(),
            (b'"', _) if second == b'"' && self.peek(2) == b'"' => self.triple(),
            (b'"' | b'\'', _) => self.escaped(first),
            (b'?', b'"' | b'\'') => self.marked(second),
            (b'`', _) => self.backticked(),
            (b'0'..=b'9', _) => self.number(),
            (b'.', b'0'..=b'9') if !self.continues_path() => self.number(),
            (b'/', b'/') => self.line_comment(),
            (b'/', b'*') => self.block_comment(),
            (b'=', b'=') => self.take(2, Kind::Eq),
            (b'!', b'=') => self.take(2, Kind::Ne),
            (b'!', b':') => self.take(2, Kind::NotColon),
            (b'<', b'=') => self.take(2, Kind::Lte),
            (b'>', b'=') => self.take(2, Kind::Gte),
            (b'<', _) => self.take(1, Kind::Lt),
            (b'>', _) => self.take(1, Kind::Gt),
            (b'=', _) => self.take(1, Kind::Assign),
            (b':', _) => self.take(1, Kind::Colon),
            (b'+', _) => self.take(1, Kind::Plus),
            (b'-', _) => self.take(1, Kind::Minus),
            (b'*', _) => self.take(1, Kind::Star),
            (b'/', _) => self.take(1, Kind::Slash),
            (b'%', _) => self.take(1, Kind::Percent),
            (b'.', _) => self.take(1, Kind::Dot),
            (b',', _) => self.take(1, Kind::Comma),
            (b'[', _) => self.take(1, Kind::LeftBracket),
            (b']', _) => self.take(1, Kind::RightBracket),
            (b'(', _) => self.take(1, Kind::LeftParen),
            (b')', _) => self.take(1, Kind::RightParen),
            (b'|', _) => self.take(1, Kind::Pipe),
            (b'?', _) => self.take(1, Kind::Question),
            (b'~', _) => self.take(1, Kind::Tilde),
            (b'!', _) => self.take(1, Kind::Bang),
            _ => {
                let length = self.text.get(self.at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
                self.take(length, Kind::Unknown)
            }
        }
    }

    fn word(&mut self) -> Kind {
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'@' | b'$'));
        Kind::Word
    }

    fn skip_while(&mut self, keep: impl Fn(u8) -> bool) {
        while self.bytes.get(self.at).is_some_and(|byte| keep(*byte)) {
            self.at += 1;
        }
    }

    /// Whether the dot here stands right behind a name, so that digits behind it are a part of the path.
    fn continues_path(&self) -> bool {
        self.at > 0
            && self
                .bytes
                .get(self.at - 1)
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'`' | b']'))
    }

    fn number(&mut self) -> Kind {
        let digit = |byte: u8| byte.is_ascii_digit();
        if self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X') && self.peek(2).is_ascii_hexdigit() {
            self.at += 2;
            self.skip_while(|byte| byte.is_ascii_hexdigit());
            return Kind::Number;
        }
        let in_path = digit(self.peek(0)) && self.at.checked_sub(1).and_then(|at| self.bytes.get(at)) == Some(&b'.');
        self.skip_while(digit);
        if in_path {
            return Kind::Number;
        }
        if self.peek(0) == b'.' {
            self.at += 1;
            self.skip_while(digit);
        }
        if matches!(self.peek(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.skip_while(digit);
            }
        }
        Kind::Number
    }

    fn escaped(&mut self, quote: u8) -> Kind {
        let start = self.at;
        self.at += 1;
        loop {
            match self.bytes.get(self.at) {
                None | Some(b'\n' | b'\r') => {
                    self.unclosed(start);
                    break;
                }
                Some(b'\\') if !matches!(self.peek(1), b'\n' | b'\r' | 0) => self.at += 2,
                Some(byte) => {
                    self.at += 1;
                    if *byte == quote {
                        break;
                    }
                }
            }
        }
        self.finish_character();
        Kind::String(Quote::Escaped)
    }

    fn triple(&mut self) -> Kind {
        let start = self.at;
        self.at += 3;
        let rest = self.text.get(self.at..).unwrap_or_default();
        match rest.find("\"\"\"") {
            Some(length) => {
                self.at += length + 3;
                // Up to two more quotes belong to the content: `"""a"b""""` is `a"b"`.
                for _ in 0..2 {
                    if self.peek(0) == b'"' {
                        self.at += 1;
                    }
                }
            }
            None => {
                self.unclosed(start);
                self.at += rest.find('\n').unwrap_or(rest.len());
            }
        }
        Kind::String(Quote::Triple)
    }

    fn marked(&mut self, quote: u8) -> Kind {
        let start = self.at;
        self.at += 2;
        loop {
            match self.bytes.get(self.at) {
                None | Some(b'\n' | b'\r') => {
                    self.unclosed(start);
                    break;
                }
                Some(b'\\') if self.peek(1) == quote => self.at += 2,
                Some(byte) => {
                    self.at += 1;
                    if *byte == quote {
                        break;
                    }
                }
            }
        }
        Kind::String(Quote::Marked)
    }

    fn backticked(&mut self) -> Kind {
        let start = self.at;
        self.at += 1;
        loop {
            match self.bytes.get(self.at) {
                None | Some(b'\n') => {
                    self.unclosed(start);
                    break;
                }
                Some(b'`') if self.peek(1) == b'`' => self.at += 2,
                Some(b'`') => {
                    self.at += 1;
                    break;
                }
                Some(_) => self.at += 1,
            }
        }
        Kind::Backticked
    }

    fn line_comment(&mut self) -> Kind {
        self.skip_while(|byte| byte != b'\n');
        Kind::Comment
    }

    fn block_comment(&mut self) -> Kind {
        let start = self.at;
        self.at += 2;
        let rest = self.text.get(self.at..).unwrap_or_default();
        if let Some(length) = rest.find("*/") {
            self.at += length + 2;
        } else {
            self.at = self.bytes.len();
            let span = Span::new(start, self.at);
            self.errors.push(SyntaxError::new(ErrorKind::UnclosedComment, span, "A `/*` has no `*/`."));
        }
        Kind::Comment
    }

    /// An escape skips one byte; the next character may be longer.
    fn finish_character(&mut self) {
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    fn unclosed(&mut self, start: usize) {
        if self.errors.len() < DIAGNOSTIC_LIMIT {
            let span = Span::new(start, self.at);
            self.errors.push(SyntaxError::new(ErrorKind::UnclosedQuote, span, "A quote has no end in its line."));
        }
    }
}
