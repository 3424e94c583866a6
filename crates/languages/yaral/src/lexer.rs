//! Text to tokens. White space and comments fall away, unless comments are asked for.

use ruleatlas_model::{Diagnostic, Span};

/// How many diagnostics a text can have: one that is no rule needs no complaint a word.
pub(crate) const MAX_DIAGNOSTICS: usize = 32;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name, a keyword, or a part of a path.
    Word,
    /// `$name`
    Variable,
    /// `#name`
    Count,
    /// `%name`
    List,
    /// `"…"` with escapes.
    Quoted,
    /// A text in backticks, without escapes.
    Raw,
    /// `/…/`
    Regex,
    Number,
    Eq,
    Ne,
    Lt,
    Lte,
    Gt,
    Gte,
    Dot,
    Comma,
    Colon,
    OpenParen,
    CloseParen,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    /// `+ - *` and `/` between values.
    Arithmetic,
    Bang,
    Comment,
    Unknown,
    End,
}

/// A token and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

impl Token {
    pub fn span(self) -> Span {
        Span::new(self.start, self.end)
    }

    pub fn text(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or_default()
    }
}

/// The tokens of a text, with an `End` behind the last.
pub(crate) fn tokenize(text: &str, comments: bool, diagnostics: &mut Vec<Diagnostic>) -> Vec<Token> {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, last: Kind::End, diagnostics };
    let mut tokens = Vec::with_capacity(text.len() / 5 + 1);
    loop {
        lexer.skip_space();
        let start = lexer.at;
        let kind = lexer.next_kind();
        if kind == Kind::Comment {
            if comments {
                tokens.push(Token { kind, start, end: lexer.at });
            }
            continue;
        }
        lexer.last = kind;
        tokens.push(Token { kind, start, end: lexer.at });
        if kind == Kind::End {
            return tokens;
        }
    }
}

struct Lexer<'a, 'd> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// The last token: whether a slash divides depends on it.
    last: Kind,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl Lexer<'_, '_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn skip_space(&mut self) {
        loop {
            match self.peek(0) {
                b' ' | b'\t' | b'\r' | b'\n' if self.at < self.bytes.len() => self.at += 1,
                // Editors and web pages leave no-break spaces and byte-order marks behind.
                0xC2 if self.peek(1) == 0xA0 => self.at += 2,
                0xEF if self.peek(1) == 0xBB && self.peek(2) == 0xBF => self.at += 3,
                _ => return,
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
            (b'a'..=b'z' | b'A'..=b'Z' | b'_', _) => self.name(0, Kind::Word),
            (b'$', b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'0'..=b'9') => self.name(1, Kind::Variable),
            (b'#', b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'0'..=b'9') => self.name(1, Kind::Count),
            (b'%', b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'0'..=b'9') => self.name(1, Kind::List),
            (b'0'..=b'9', _) => self.number(),
            (b'"', _) => self.quoted(b'"', Kind::Quoted),
            (b'\'', _) => self.quoted(b'\'', Kind::Quoted),
            (b'`', _) => self.raw(),
            (b'/', b'/') => self.line_comment(),
            (b'/', b'*') => self.block_comment(),
            (b'/', _) if !self.follows_value() => self.quoted(b'/', Kind::Regex),
            (b'!', b'=') => self.take(2, Kind::Ne),
            (b'<', b'=') => self.take(2, Kind::Lte),
            (b'>', b'=') => self.take(2, Kind::Gte),
            (b'=', b'=') => self.take(2, Kind::Eq),
            (b'=', _) => self.take(1, Kind::Eq),
            (b'<', _) => self.take(1, Kind::Lt),
            (b'>', _) => self.take(1, Kind::Gt),
            (b'!', _) => self.take(1, Kind::Bang),
            (b'.', _) => self.take(1, Kind::Dot),
            (b',', _) => self.take(1, Kind::Comma),
            (b':', _) => self.take(1, Kind::Colon),
            (b'(', _) => self.take(1, Kind::OpenParen),
            (b')', _) => self.take(1, Kind::CloseParen),
            (b'{', _) => self.take(1, Kind::OpenBrace),
            (b'}', _) => self.take(1, Kind::CloseBrace),
            (b'[', _) => self.take(1, Kind::OpenBracket),
            (b']', _) => self.take(1, Kind::CloseBracket),
            (b'+' | b'-' | b'*' | b'/', _) => self.take(1, Kind::Arithmetic),
            _ => {
                let length = self.text.get(self.at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
                self.take(length, Kind::Unknown)
            }
        }
    }

    fn follows_value(&self) -> bool {
        matches!(
            self.last,
            Kind::Word
                | Kind::Variable
                | Kind::Count
                | Kind::Number
                | Kind::CloseParen
                | Kind::CloseBracket
                | Kind::Quoted
        )
    }

    fn name(&mut self, head: usize, kind: Kind) -> Kind {
        self.at += head;
        while self.bytes.get(self.at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
            self.at += 1;
        }
        kind
    }

    fn number(&mut self) -> Kind {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_alphanumeric)
            || (self.peek(0) == b'.' && self.peek(1).is_ascii_digit())
        {
            self.at += 1;
        }
        Kind::Number
    }

    fn quoted(&mut self, quote: u8, kind: Kind) -> Kind {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'\\' if self.at < self.bytes.len() => self.at += 1,
                b'\n' if quote == b'/' => break,
                byte if *byte == quote => return kind,
                _ => {}
            }
        }
        self.end_at_character();
        self.unclosed(start);
        kind
    }

    fn raw(&mut self) -> Kind {
        let start = self.at;
        let end = self.text.get(self.at + 1..).and_then(|rest| rest.find('`'));
        match end {
            Some(length) => self.at += length + 2,
            None => {
                self.at = self.bytes.len();
                self.unclosed(start);
            }
        }
        Kind::Raw
    }

    fn end_at_character(&mut self) {
        self.at = self.at.min(self.bytes.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    fn unclosed(&mut self, start: usize) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            let span = Span::new(start, self.at);
            self.diagnostics.push(Diagnostic::error("unclosed text", "the text is not closed").at(span));
        }
    }

    fn line_comment(&mut self) -> Kind {
        let length = self.text.get(self.at..).and_then(|rest| rest.find('\n'));
        self.at = length.map_or(self.bytes.len(), |length| self.at + length);
        Kind::Comment
    }

    fn block_comment(&mut self) -> Kind {
        let length = self.text.get(self.at + 2..).and_then(|rest| rest.find("*/"));
        self.at = length.map_or(self.bytes.len(), |length| self.at + length + 4);
        Kind::Comment
    }
}

/// What a text in double quotes says.
pub(crate) fn unquoted(text: &str) -> String {
    let quote = text.chars().next().unwrap_or('"');
    let inner = text.get(1..).unwrap_or_default();
    let inner = inner.strip_suffix(quote).unwrap_or(inner);
    let mut said = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(character) = chars.next() {
        match character {
            '\\' => match chars.next() {
                Some('n') => said.push('\n'),
                Some('t') => said.push('\t'),
                Some('r') => said.push('\r'),
                Some(escaped @ ('\\' | '"' | '\'' | '`' | '/')) => said.push(escaped),
                // Any other character keeps its backslash.
                Some(other) => said.extend(['\\', other]),
                None => said.push('\\'),
            },
            other => said.push(other),
        }
    }
    said
}
