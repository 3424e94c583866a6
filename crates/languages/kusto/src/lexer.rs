//! Text in, tokens out.
//!
//! The lexer never fails: what it cannot read becomes a [`Kind::Unknown`] token. Shapes follow Microsoft's pages on
//! [string literals](https://learn.microsoft.com/kusto/query/scalar-data-types/string),
//! [timespan literals](https://learn.microsoft.com/kusto/query/scalar-data-types/timespan) and
//! [identifiers](https://learn.microsoft.com/kusto/query/schema-entities/entity-names).

use std::borrow::Cow;

use ruleatlas_syntax::Span;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or word: `DeviceProcessEvents`, `where`, `$left`; also `!has` and `in~`, which are one word each.
    Name,
    /// A number without unit: `4688`, `0x1000`, `1.5`, `1e3`.
    Number,
    /// A number with a unit of time, or `time(…)`, `timespan(…)`.
    Timespan,
    /// `datetime(…)`, `date(…)`.
    Datetime,
    /// `guid(…)`.
    Guid,
    /// A text literal of any kind; see [`decode_string`].
    String,
    /// A text literal without its closing quote; it ends with its line.
    OpenString,
    /// Punctuation or an operator that is no word.
    Symbol(Symbol),
    /// A comment up to the end of its line.
    Comment,
    /// A character that has no meaning here.
    Unknown,
    /// The end of the text; always the last token.
    End,
}

/// Punctuation and operators that are no words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Symbol {
    Pipe,
    Comma,
    Semicolon,
    Colon,
    OpenParen,
    CloseParen,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
    Dot,
    DotDot,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Assign,
    Equal,
    NotEqual,
    EqualTilde,
    NotTilde,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Arrow,
}

/// A token and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its byte range.
    pub span: Span,
    /// Whether a line break stands between the token before and this one.
    pub on_new_line: bool,
}

impl Token {
    /// The token's text.
    #[must_use]
    pub fn text<'a>(&self, source: &'a str) -> &'a str {
        self.span.of(source).unwrap_or_default()
    }
}

const UNITS: &[&str] = &[
    "d",
    "day",
    "days",
    "h",
    "hr",
    "hrs",
    "hour",
    "hours",
    "m",
    "min",
    "minute",
    "minutes",
    "s",
    "sec",
    "second",
    "seconds",
    "ms",
    "milli",
    "millis",
    "millisecond",
    "milliseconds",
    "micro",
    "micros",
    "microsecond",
    "microseconds",
    "nano",
    "nanos",
    "nanosecond",
    "nanoseconds",
    "tick",
    "ticks",
];

/// Reads the whole text; comments are tokens too.
#[must_use]
pub fn lex(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0 };
    let mut tokens = Vec::with_capacity(text.len() / 4 + 1);
    let mut on_new_line = false;
    loop {
        on_new_line |= lexer.skip_blanks();
        let start = lexer.at;
        let kind = lexer.next();
        tokens.push(Token { kind, span: Span::new(start, lexer.at), on_new_line });
        if kind == Kind::End {
            return tokens;
        }
        // A comment keeps the mark for the token behind it.
        on_new_line = kind == Kind::Comment && on_new_line;
    }
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Skips blanks; whether a line ended among them.
    fn skip_blanks(&mut self) -> bool {
        let mut line_ended = false;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => line_ended = true,
                b' ' | b'\t' | b'\r' | 0x0b | 0x0c => {}
                0x80.. => match self.rest().chars().next() {
                    Some(character) if character.is_whitespace() || matches!(character, '\u{feff}' | '\u{200b}') => {
                        self.at += character.len_utf8();
                        continue;
                    }
                    _ => return line_ended,
                },
                _ => return line_ended,
            }
            self.at += 1;
        }
        line_ended
    }

    fn next(&mut self) -> Kind {
        let Some(byte) = self.bytes.get(self.at).copied() else { return Kind::End };
        match byte {
            b'/' if self.peek(1) == b'/' => {
                self.skip_line();
                Kind::Comment
            }
            b'"' | b'\'' => self.string(0),
            b'@' if matches!(self.peek(1), b'"' | b'\'') => self.string(1),
            b'h' | b'H' if matches!(self.peek(1), b'"' | b'\'') => self.string(1),
            b'h' | b'H' if self.peek(1) == b'@' && matches!(self.peek(2), b'"' | b'\'') => self.string(2),
            b'h' | b'H' if self.multi_line_fence(1) => self.multi_line(1),
            b'`' | b'~' if self.multi_line_fence(0) => self.multi_line(0),
            b'0'..=b'9' => self.number(),
            b'!' if self.peek(1).is_ascii_alphabetic() => {
                self.at += 1;
                self.word();
                if self.peek(0) == b'~' {
                    self.at += 1;
                }
                Kind::Name
            }
            b'_' | b'$' | b'a'..=b'z' | b'A'..=b'Z' => self.name(),
            0x80.. => {
                let character = self.rest().chars().next().unwrap_or('?');
                if character.is_alphabetic() {
                    return self.name();
                }
                self.at += character.len_utf8();
                Kind::Unknown
            }
            _ => self.symbol(byte),
        }
    }

    fn skip_line(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }

    /// A literal in single or double quotes, behind `prefix` bytes of `h` and `@`.
    fn string(&mut self, prefix: usize) -> Kind {
        let verbatim = self.bytes.get(self.at..self.at + prefix).is_some_and(|marks| marks.contains(&b'@'));
        let quote = self.peek(prefix);
        self.at += prefix + 1;
        while let Some(byte) = self.bytes.get(self.at).copied() {
            match byte {
                b'\n' => return Kind::OpenString,
                b'\\' if !verbatim && self.peek(1) != b'\n' => self.at += 1,
                _ if byte == quote => {
                    self.at += 1;
                    if verbatim && self.peek(0) == quote {
                        self.at += 1;
                        continue;
                    }
                    return Kind::String;
                }
                _ => {}
            }
            self.at += 1;
            while self.at < self.bytes.len() && !self.text.is_char_boundary(self.at) {
                self.at += 1;
            }
        }
        self.at = self.bytes.len();
        Kind::OpenString
    }

    fn multi_line_fence(&self, prefix: usize) -> bool {
        let fence = self.bytes.get(self.at + prefix..self.at + prefix + 3).unwrap_or_default();
        fence == b"```" || fence == b"~~~"
    }

    fn multi_line(&mut self, prefix: usize) -> Kind {
        let fence = if self.peek(prefix) == b'`' { "```" } else { "~~~" };
        self.at += prefix + 3;
        match self.rest().find(fence) {
            Some(length) => {
                self.at += length + 3;
                Kind::String
            }
            None => {
                self.at = self.bytes.len();
                Kind::OpenString
            }
        }
    }

    fn word(&mut self) {
        while let Some(byte) = self.bytes.get(self.at).copied() {
            match byte {
                b'_' | b'$' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => self.at += 1,
                0x80.. => match self.rest().chars().next() {
                    Some(character) if character.is_alphanumeric() => self.at += character.len_utf8(),
                    _ => return,
                },
                _ => return,
            }
        }
    }

    fn number(&mut self) -> Kind {
        let start = self.at;
        if self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X') {
            self.at += 2;
            self.word();
            return Kind::Number;
        }
        self.digits();
        let next = self.peek(1);
        if self.peek(0) == b'.' && next != b'.' && !next.is_ascii_alphabetic() && next != b'_' {
            self.at += 1;
            self.digits();
        }
        let number_end = self.at;
        if matches!(self.peek(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.digits();
                return Kind::Number;
            }
        }
        self.word();
        let unit = self.text.get(number_end..self.at).unwrap_or_default();
        if unit.is_empty() {
            return Kind::Number;
        }
        if UNITS.contains(&unit) {
            return Kind::Timespan;
        }
        // A name may begin with digits; behind a fraction it is no name.
        if self.text.get(start..number_end).unwrap_or_default().contains('.') {
            self.at = number_end;
            return Kind::Number;
        }
        Kind::Name
    }

    fn digits(&mut self) {
        while self.peek(0).is_ascii_digit() {
            self.at += 1;
        }
    }

    fn name(&mut self) -> Kind {
        let start = self.at;
        self.word();
        let name = self.text.get(start..self.at).unwrap_or_default();
        let kind = match name {
            "in" | "has_any" if self.peek(0) == b'~' => {
                self.at += 1;
                return Kind::Name;
            }
            "datetime" | "date" => Kind::Datetime,
            "time" | "timespan" => Kind::Timespan,
            "guid" => Kind::Guid,
            _ => return Kind::Name,
        };
        // The content of these literals is text of its own (`datetime(2024-05-01 10:00)`), up to the parenthesis.
        let rest = self.rest();
        let inner = rest.trim_start_matches([' ', '\t']);
        let line = inner.split('\n').next().unwrap_or_default();
        let Some(content) = line.strip_prefix('(') else { return Kind::Name };
        let Some(close) = content.find(')') else { return Kind::Name };
        if content.get(..close).unwrap_or_default().contains(['(', '"', '\'']) {
            return Kind::Name;
        }
        self.at += rest.len() - inner.len() + 1 + close + 1;
        kind
    }

    fn symbol(&mut self, byte: u8) -> Kind {
        let (symbol, length) = match (byte, self.peek(1)) {
            (b'|', _) => (Symbol::Pipe, 1),
            (b',', _) => (Symbol::Comma, 1),
            (b';', _) => (Symbol::Semicolon, 1),
            (b':', _) => (Symbol::Colon, 1),
            (b'(', _) => (Symbol::OpenParen, 1),
            (b')', _) => (Symbol::CloseParen, 1),
            (b'[', _) => (Symbol::OpenBracket, 1),
            (b']', _) => (Symbol::CloseBracket, 1),
            (b'{', _) => (Symbol::OpenBrace, 1),
            (b'}', _) => (Symbol::CloseBrace, 1),
            (b'.', b'.') => (Symbol::DotDot, 2),
            (b'.', _) => (Symbol::Dot, 1),
            (b'+', _) => (Symbol::Plus, 1),
            (b'-', _) => (Symbol::Minus, 1),
            (b'*', _) => (Symbol::Star, 1),
            (b'/', _) => (Symbol::Slash, 1),
            (b'%', _) => (Symbol::Percent, 1),
            (b'=', b'=') => (Symbol::Equal, 2),
            (b'=', b'~') => (Symbol::EqualTilde, 2),
            (b'=', b'>') => (Symbol::Arrow, 2),
            (b'=', _) => (Symbol::Assign, 1),
            (b'!', b'=') | (b'<', b'>') => (Symbol::NotEqual, 2),
            (b'!', b'~') => (Symbol::NotTilde, 2),
            (b'<', b'=') => (Symbol::LessEqual, 2),
            (b'<', _) => (Symbol::Less, 1),
            (b'>', b'=') => (Symbol::GreaterEqual, 2),
            (b'>', _) => (Symbol::Greater, 1),
            _ => {
                self.at += 1;
                return Kind::Unknown;
            }
        };
        self.at += length;
        Kind::Symbol(symbol)
    }
}

/// The text that a [`Kind::String`] token stands for: quotes, `h` and `@` marks off, escapes resolved.
///
/// An escape that the language does not know (`"\W"`) stays as written.
#[must_use]
pub fn decode_string(token: &str) -> Cow<'_, str> {
    let body = token.strip_prefix(['h', 'H']).unwrap_or(token);
    for fence in ["```", "~~~"] {
        if let Some(inner) = body.strip_prefix(fence) {
            return Cow::Borrowed(inner.strip_suffix(fence).unwrap_or(inner));
        }
    }
    let (verbatim, quoted) = match body.strip_prefix('@') {
        Some(quoted) => (true, quoted),
        None => (false, body),
    };
    let Some(quote) = quoted.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else {
        return Cow::Borrowed(token);
    };
    let inner = quoted.get(1..).unwrap_or_default();
    let inner = inner.strip_suffix(quote).unwrap_or(inner);
    if verbatim {
        let doubled = if quote == '"' { "\"\"" } else { "''" };
        if inner.contains(doubled) {
            return Cow::Owned(inner.replace(doubled, &doubled[1..]));
        }
        return Cow::Borrowed(inner);
    }
    if inner.contains('\\') { Cow::Owned(unescape(inner)) } else { Cow::Borrowed(inner) }
}

fn unescape(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        decoded.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let Some(mark) = escape.chars().next() else {
            decoded.push('\\');
            return decoded;
        };
        let (character, length) = match mark {
            '\\' | '"' | '\'' => (Some(mark), 1),
            'n' => (Some('\n'), 1),
            't' => (Some('\t'), 1),
            'r' => (Some('\r'), 1),
            'a' => (Some('\u{7}'), 1),
            'b' => (Some('\u{8}'), 1),
            'v' => (Some('\u{b}'), 1),
            'f' => (Some('\u{c}'), 1),
            '0' => (Some('\0'), 1),
            'x' => (hex(escape, 2), 3),
            'u' => (hex(escape, 4), 5),
            'U' => (hex(escape, 8), 9),
            _ => (None, 0),
        };
        match character {
            Some(character) => {
                decoded.push(character);
                rest = &escape[length..];
            }
            None => {
                decoded.push('\\');
                decoded.push(mark);
                rest = &escape[mark.len_utf8()..];
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

fn hex(escape: &str, digits: usize) -> Option<char> {
    let digits = escape.get(1..=digits)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_string_gives_its_text() {
        for (literal, text) in [
            (r#""a\\b\"c""#, r#"a\b"c"#),
            (r"'it\'s'", "it's"),
            (r#"@"C:\Windows\""x""""#, r#"C:\Windows\"x""#),
            (r"@'a''b'", "a'b"),
            (r#"h"secret""#, "secret"),
            (r#"h@"\d""#, r"\d"),
            ("```two\n\"lines\"```", "two\n\"lines\""),
            ("~~~x~~~", "x"),
            (r#""\u0041\x42\q""#, r"AB\q"),
            ("''", ""),
        ] {
            let tokens = lex(literal);
            assert_eq!(tokens.len(), 2, "{literal}: {tokens:?}");
            assert_eq!(tokens[0].kind, Kind::String, "{literal}");
            assert_eq!(decode_string(literal), text, "{literal}");
        }
    }

    #[test]
    fn numbers_timespans_ranges_and_names_are_told_apart() {
        let kinds = |text: &str| lex(text).iter().map(|token| token.kind).collect::<Vec<_>>();
        let dots = Kind::Symbol(Symbol::DotDot);
        assert_eq!(kinds("1..10"), [Kind::Number, dots, Kind::Number, Kind::End]);
        assert_eq!(kinds("1.5h .. 30min"), [Kind::Timespan, dots, Kind::Timespan, Kind::End]);
        assert_eq!(kinds("0x1F 1e3 365Table"), [Kind::Number, Kind::Number, Kind::Name, Kind::End]);
        assert_eq!(kinds("datetime(2024-01-01 10:00) date"), [Kind::Datetime, Kind::Name, Kind::End]);
        assert_eq!(kinds("!in~ in~ !has"), [Kind::Name, Kind::Name, Kind::Name, Kind::End]);
    }

    #[test]
    fn a_comment_inside_a_string_is_none_and_an_open_string_ends_with_its_line() {
        let tokens = lex("\"http://x\" // c\n'open\nnext");
        let kinds: Vec<_> = tokens.iter().map(|token| token.kind).collect();
        assert_eq!(kinds, [Kind::String, Kind::Comment, Kind::OpenString, Kind::Name, Kind::End]);
        assert!(tokens[2].on_new_line && tokens[3].on_new_line && !tokens[1].on_new_line);
    }
}
