//! Text to tokens.
//!
//! After `from` and its kin the names of indices are read whole, with the `-`, `*` and `:` in them; everywhere else
//! the tokens are those of expressions. Source: the lexer grammar of ES|QL in Elasticsearch.

use ruleatlas_syntax::{Span, Token, TokenKind};

/// A token with its place; its text is the query's text there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lexeme {
    pub kind: Lex,
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lex {
    /// A word, or a name of several parts joined by dots, backticks included.
    Name,
    /// An index pattern.
    Source,
    Number,
    /// A text in `"…"` or `"""…"""`; `closed` is false where the closing quotes are missing.
    Text {
        closed: bool,
    },
    /// `?`, `?name`, `?1`.
    Parameter,
    /// An operator or a piece of punctuation.
    Sign,
    Comment,
    /// A character that begins no token.
    Unknown,
}

impl Lexeme {
    pub fn text<'a>(&self, query: &'a str) -> &'a str {
        query.get(self.start..self.end).unwrap_or_default()
    }

    pub fn span(&self) -> Span {
        Span::new(self.start, self.end)
    }
}

/// Words of the language inside commands.
pub(crate) const KEYWORDS: &[&str] = &[
    "and", "as", "asc", "by", "desc", "false", "first", "in", "is", "join", "last", "like", "metadata", "not", "null",
    "nulls", "on", "or", "rlike", "stats", "true", "where", "with",
];

const SIGNS: &[&str] = &[
    "==", "=~", "!=", "<=", ">=", "::", "|", "=", "<", ">", "+", "-", "*", "/", "%", "(", ")", "[", "]", "{", "}", ",",
    ":", ".", ";",
];

/// The tokens of a query, comments among them.
pub(crate) fn lex(text: &str) -> Vec<Lexeme> {
    let mut lexer = Lexer { text, at: 0, lexemes: Vec::new() };
    lexer.run();
    lexer.lexemes
}

/// The text's tokens for colouring, in order and without overlap; gaps are plain.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let lexemes = lex(text);
    let mut begins = true;
    let mut tokens = Vec::with_capacity(lexemes.len());
    for (at, lexeme) in lexemes.iter().enumerate() {
        let word = lexeme.text(text);
        let calls = lexemes.get(at + 1).is_some_and(|next| next.text(text) == "(");
        let kind = match lexeme.kind {
            Lex::Comment => TokenKind::Comment,
            Lex::Unknown => continue,
            Lex::Name if begins => TokenKind::Command,
            Lex::Name if KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word)) => TokenKind::Keyword,
            Lex::Name if calls => TokenKind::Function,
            Lex::Name => TokenKind::Field,
            Lex::Source | Lex::Text { .. } => TokenKind::String,
            Lex::Number => TokenKind::Number,
            Lex::Parameter => TokenKind::Macro,
            Lex::Sign => TokenKind::Operator,
        };
        begins = match kind {
            TokenKind::Comment => begins,
            _ => word == "|",
        };
        tokens.push(Token { span: lexeme.span(), kind });
    }
    tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    lexemes: Vec<Lexeme>,
}

impl Lexer<'_> {
    fn run(&mut self) {
        // Whether a command may begin here, and whether names of indices are read.
        let (mut begins, mut sources) = (true, false);
        while let Some(first) = self.rest().chars().next() {
            if first.is_whitespace() {
                self.at += first.len_utf8();
                continue;
            }
            if self.comment() {
                continue;
            }
            let start = self.at;
            let kind = match first {
                '"' => self.quoted(),
                _ if sources && !matches!(first, '|' | '(' | ')' | '[' | ']' | ',') => {
                    let ends = |c: char| c.is_whitespace() || matches!(c, '|' | '(' | ')' | '[' | ']' | ',' | '"');
                    self.at += self.rest().find(ends).unwrap_or(self.rest().len());
                    Lex::Source
                }
                '`' | '@' | '_' => self.name(begins),
                _ if first.is_alphabetic() => self.name(begins),
                '0'..='9' => self.number(),
                '.' if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number(),
                '?' => {
                    let length = self.rest().trim_start_matches('?').trim_start_matches(is_name_body).len();
                    self.at += self.rest().len() - length;
                    Lex::Parameter
                }
                _ => match SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
                    Some(sign) => {
                        self.at += sign.len();
                        Lex::Sign
                    }
                    None => {
                        self.at += first.len_utf8();
                        Lex::Unknown
                    }
                },
            };
            let mut lexeme = Lexeme { kind, start, end: self.at };
            let word = lexeme.text(self.text);
            if begins && kind == Lex::Name && is_source_command(word) {
                sources = true;
            } else if kind == Lex::Source && word.eq_ignore_ascii_case("metadata") {
                lexeme.kind = Lex::Name;
                sources = false;
            }
            begins = matches!(word, "|" | "(" | ";");
            sources &= !matches!(word, "|" | "(" | ")");
            self.lexemes.push(lexeme);
        }
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn comment(&mut self) -> bool {
        let rest = self.rest();
        let length = if rest.starts_with("//") {
            rest.find(['\n', '\r']).unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            return false;
        };
        self.lexemes.push(Lexeme { kind: Lex::Comment, start: self.at, end: self.at + length });
        self.at += length;
        true
    }

    /// `"…"` on one line with escapes, or `"""…"""` without.
    fn quoted(&mut self) -> Lex {
        let rest = self.rest();
        if let Some(raw) = rest.strip_prefix("\"\"\"") {
            let Some(end) = raw.find("\"\"\"") else {
                self.at = self.text.len();
                return Lex::Text { closed: false };
            };
            // Up to two quotes may stand before the closing three.
            let more = raw[end + 3..].bytes().take(2).take_while(|byte| *byte == b'"').count();
            self.at += 6 + end + more;
            return Lex::Text { closed: true };
        }
        let mut escaped = false;
        for (at, character) in rest.char_indices().skip(1) {
            match character {
                _ if std::mem::take(&mut escaped) => {}
                '\\' => escaped = true,
                '"' => {
                    self.at += at + 1;
                    return Lex::Text { closed: true };
                }
                '\n' | '\r' => {
                    self.at += at;
                    return Lex::Text { closed: false };
                }
                _ => {}
            }
        }
        self.at = self.text.len();
        Lex::Text { closed: false }
    }

    /// `a.b.c`, each part bare or in backticks.
    fn name(&mut self, begins: bool) -> Lex {
        let start = self.at;
        loop {
            let rest = self.rest();
            if rest.starts_with('`') {
                let mut length = 1;
                // A doubled backtick stands for one and does not end the name.
                while let Some(tick) = rest.get(length..).and_then(|inner| inner.find('`')) {
                    length += tick + 1;
                    if !rest[length..].starts_with('`') {
                        break;
                    }
                    length += 1;
                }
                self.at += if rest[..length].len() > 1 && rest[..length].ends_with('`') { length } else { rest.len() };
            } else {
                let body = rest.trim_start_matches('@');
                self.at += rest.len() - body.trim_start_matches(is_name_body).len();
            }
            // White space may stand around the dot, but not behind a word of the language.
            let rest = self.rest();
            let next = match rest.strip_prefix('.') {
                Some(next) if next.starts_with(|c: char| is_name_body(c) || matches!(c, '`' | '@')) => Some(next),
                _ if KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(&self.text[start..self.at])) => None,
                _ if begins && is_source_command(&self.text[start..self.at]) => None,
                _ => rest
                    .trim_start()
                    .strip_prefix('.')
                    .map(str::trim_start)
                    .filter(|next| !next.starts_with(|c: char| c.is_ascii_digit())),
            };
            match next.filter(|next| next.starts_with(|c: char| is_name_body(c) || matches!(c, '`' | '@'))) {
                Some(next) => self.at += rest.len() - next.len(),
                None => return Lex::Name,
            }
        }
    }

    fn number(&mut self) -> Lex {
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let rest = self.rest();
        let mut length = digits(rest);
        if rest[length..].starts_with('.') {
            length += 1 + digits(&rest[length + 1..]);
        }
        if let Some(exponent) = rest[length..].strip_prefix(['e', 'E']) {
            let sign = usize::from(exponent.starts_with(['+', '-']));
            let count = digits(&exponent[sign..]);
            if count > 0 {
                length += 1 + sign + count;
            }
        }
        self.at += length;
        Lex::Number
    }
}

fn is_source_command(word: &str) -> bool {
    ["from", "ts", "metrics"].iter().any(|command| command.eq_ignore_ascii_case(word))
}

pub(crate) fn is_name_body(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// A name without its backticks.
pub(crate) fn unquote_name(name: &str) -> String {
    if !name.contains('`') {
        return name.split_whitespace().collect();
    }
    let mut plain = String::with_capacity(name.len());
    let mut characters = name.chars().peekable();
    let mut inside = false;
    while let Some(character) = characters.next() {
        match character {
            '`' if inside && characters.peek() == Some(&'`') => {
                characters.next();
                plain.push('`');
            }
            '`' => inside = !inside,
            _ if !inside && character.is_whitespace() => {}
            _ => plain.push(character),
        }
    }
    plain
}

/// A text literal's content, and for each of its bytes the offset in the literal that it comes from; one more offset
/// says where the content ends.
pub(crate) fn unquote_text(literal: &str) -> (String, Vec<u32>) {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    if let Some(raw) = literal.strip_prefix("\"\"\"") {
        let raw = raw.strip_suffix("\"\"\"").unwrap_or(raw);
        return (raw.to_owned(), (0..=raw.len()).map(|at| offset(at + 3)).collect());
    }
    let mut content = String::with_capacity(literal.len());
    let mut places = Vec::with_capacity(literal.len());
    let mut characters = literal.char_indices().skip(1).peekable();
    let mut end = literal.len();
    while let Some((at, character)) = characters.next() {
        let character = match character {
            '"' => {
                end = at;
                break;
            }
            '\\' => match characters.next_if(|(_, next)| matches!(next, 't' | 'n' | 'r' | '"' | '\\')) {
                Some((_, 't')) => '\t',
                Some((_, 'n')) => '\n',
                Some((_, 'r')) => '\r',
                Some((_, escaped)) => escaped,
                None => '\\',
            },
            _ => character,
        };
        content.push(character);
        places.resize(content.len(), offset(at));
    }
    places.push(offset(end));
    (content, places)
}

#[cfg(test)]
mod tests {
    use super::{lex, unquote_name, unquote_text};

    #[test]
    fn tokens_are_cut_where_they_should() {
        for (text, expected) in [
            ("from logs-a.b-*, \"x y\" metadata _id", "from¦logs-a.b-*¦,¦\"x y\"¦metadata¦_id"),
            ("where a.b.c==1.5e3", "where¦a.b.c¦==¦1.5e3"),
            ("where (a .b. c == .5 and .5", "where¦(¦a .b. c¦==¦.5¦and¦.5"),
            ("from .alerts", "from¦.alerts"),
            ("x.0.y", "x.0.y"),
            ("a::keyword : \"b\"", "a¦::¦keyword¦:¦\"b\""),
            ("`a b`.c == `d``e`", "`a b`.c¦==¦`d``e`"),
            ("@timestamp > now()-7d // x", "@timestamp¦>¦now¦(¦)¦-¦7¦d¦// x"),
            ("x == \"\"\"a\"b\\\"\"\"", "x¦==¦\"\"\"a\"b\\\"\"\""),
            ("keep Esql.*, ?_start", "keep¦Esql¦.¦*¦,¦?_start"),
        ] {
            let found: Vec<_> = lex(text).iter().map(|lexeme| lexeme.text(text)).collect();
            assert_eq!(found.join("¦"), expected);
        }
    }

    #[test]
    fn quotes_come_off() {
        assert_eq!(unquote_name("`a``b`.c"), "a`b.c");
        assert_eq!(unquote_text(r#""a\"b\\\.\n""#).0, "a\"b\\\\.\n");
        assert_eq!(unquote_text("\"\"\"a\\\"b\"\"\"").0, "a\\\"b");
        let (content, places) = unquote_text(r#""é\"z""#);
        assert_eq!((content.as_str(), places), ("é\"z", vec![1, 1, 3, 5, 6]));
    }
}
