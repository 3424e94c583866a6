//! Text to tokens. Source: the page on syntax in Sublime's documentation.

use ruleatlas_syntax::{Span, Token as Colour, TokenKind};

/// A token with its place; its text is the source's text there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    /// `$name`.
    List,
    Number,
    /// A text in `"…"` or `'…'`.
    Text {
        closed: bool,
    },
    /// A run of dots.
    Dots,
    /// An operator or a piece of punctuation.
    Sign,
    Comment,
    /// A character that begins no token.
    Unknown,
}

impl Token {
    pub fn text<'a>(&self, source: &'a str) -> &'a str {
        source.get(self.start..self.end).unwrap_or_default()
    }

    pub fn span(&self) -> Span {
        Span::new(self.start, self.end)
    }
}

const SIGNS: &[&str] = &[
    "==", "=~", "!=", "!~", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "%", "(", ")", "[", "]", "{", "}", ",", "~",
    "!", ":", ";", "|", "&",
];

/// Words of the language.
const KEYWORDS: &[&str] = &["and", "or", "not", "in", "is", "of"];

/// The tokens of a source, comments among them.
pub(crate) fn tokenize(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(first) = rest.chars().next() else { break };
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let run = |belongs: fn(char) -> bool| rest.find(|c: char| !belongs(c)).unwrap_or(rest.len());
        let (kind, length) = match first {
            '/' if rest.starts_with("//") => (Kind::Comment, rest.find(['\n', '\r']).unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => (Kind::Comment, rest.find("*/").map_or(rest.len(), |end| end + 2)),
            '"' => escaped(rest),
            '\'' => raw(rest),
            '.' => (Kind::Dots, run(|c| c == '.')),
            '$' if rest[1..].starts_with(is_word_start) => {
                let length = rest[1..].find(|c: char| !is_word(c)).unwrap_or(rest.len() - 1);
                (Kind::List, length + 1)
            }
            '0'..='9' => (Kind::Number, number(rest)),
            _ if is_word_start(first) => (Kind::Word, run(is_word)),
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Kind::Sign, sign.len()),
                None => (Kind::Unknown, first.len_utf8()),
            },
        };
        tokens.push(Token { kind, start: at, end: at + length });
        at += length;
    }
    tokens
}

fn is_word_start(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn number(rest: &str) -> usize {
    let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let whole = digits(rest);
    match rest.get(whole..).and_then(|rest| rest.strip_prefix('.')) {
        Some(fraction) if digits(fraction) > 0 => whole + 1 + digits(fraction),
        _ => whole,
    }
}

fn escaped(rest: &str) -> (Kind, usize) {
    let mut is_escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if std::mem::take(&mut is_escaped) => {}
            '\\' => is_escaped = true,
            '"' => return (Kind::Text { closed: true }, at + 1),
            _ => {}
        }
    }
    (Kind::Text { closed: false }, rest.len())
}

fn raw(rest: &str) -> (Kind, usize) {
    let mut at = 1;
    while let Some(quote) = rest.get(at..).and_then(|rest| rest.find('\'')) {
        at += quote + 1;
        if !rest[at..].starts_with('\'') {
            return (Kind::Text { closed: true }, at);
        }
        at += 1;
    }
    (Kind::Text { closed: false }, rest.len())
}

/// What a literal says, and whether it has an escape that the language does not know.
pub(crate) fn unquote(literal: &str) -> (String, bool) {
    if let Some(raw) = literal.strip_prefix('\'') {
        return (raw.strip_suffix('\'').unwrap_or(raw).replace("''", "'"), false);
    }
    let inner = literal.strip_prefix('"').unwrap_or(literal);
    let mut text = String::with_capacity(inner.len());
    let mut is_odd = false;
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character == '"' {
            break;
        }
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some(plain @ ('\'' | '"' | '\\')) => text.push(plain),
            Some('u') => match code_point(characters.as_str()) {
                Some((character, length)) => {
                    text.push(character);
                    characters = characters.as_str().get(length..).unwrap_or_default().chars();
                }
                None => {
                    is_odd = true;
                    text.push_str("\\u");
                }
            },
            Some(other) => {
                is_odd = true;
                text.push('\\');
                text.push(other);
            }
            None => text.push('\\'),
        }
    }
    (text, is_odd)
}

/// The character of `{1f4ec}`, and how many bytes of the text it takes.
fn code_point(rest: &str) -> Option<(char, usize)> {
    let digits = rest.strip_prefix('{')?;
    let end = digits.find('}').filter(|end| (1..=8).contains(end))?;
    let character = char::from_u32(u32::from_str_radix(digits.get(..end)?, 16).ok()?)?;
    Some((character, end + 2))
}

/// The text's tokens for colouring, in order and without overlap; gaps are plain.
#[must_use]
pub fn tokens(text: &str) -> Vec<Colour> {
    let tokens = tokenize(text);
    let mut colours: Vec<Colour> = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1).map_or("", |token| token.text(text));
        let is_part = at.checked_sub(1).and_then(|at| tokens.get(at)).is_some_and(|token| token.kind == Kind::Dots);
        let kind = match token.kind {
            Kind::Unknown => continue,
            Kind::Comment => TokenKind::Comment,
            Kind::Text { .. } => TokenKind::String,
            Kind::Number => TokenKind::Number,
            Kind::List => TokenKind::Macro,
            Kind::Dots => TokenKind::Field,
            Kind::Sign => TokenKind::Operator,
            Kind::Word if next == "(" && !KEYWORDS.contains(&token.text(text)) => TokenKind::Function,
            Kind::Word if is_part || next.starts_with('.') => TokenKind::Field,
            Kind::Word => match token.text(text) {
                word if KEYWORDS.contains(&word) => TokenKind::Keyword,
                "true" | "false" | "null" => TokenKind::Number,
                _ => TokenKind::Field,
            },
        };
        // A path is one field, with its dots; before a parenthesis it is one function.
        let is_path = |kind| matches!(kind, TokenKind::Field | TokenKind::Function);
        match colours.last_mut() {
            Some(last) if is_path(kind) && last.kind == TokenKind::Field && last.span.end == token.span().start => {
                *last = Colour { span: last.span.to(token.span()), kind };
            }
            _ => colours.push(Colour { span: token.span(), kind }),
        }
    }
    colours
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_cut_where_they_should() {
        for (text, expected) in [
            ("any(a.b, .c == ..d.e)", "any¦(¦a¦.¦b¦,¦.¦c¦==¦..¦d¦.¦e¦)"),
            ("x in~ $org_domains // y\n", "x¦in¦~¦$org_domains¦// y"),
            ("'it''s' =~ \"a\\\"b\"", "'it''s'¦=~¦\"a\\\"b\""),
            ("1.5 < a[0] - 2", "1.5¦<¦a¦[¦0¦]¦-¦2"),
            ("a /* b */ !~ 'c", "a¦/* b */¦!~¦'c"),
        ] {
            let found: Vec<&str> = tokenize(text).iter().map(|token| token.text(text)).collect();
            assert_eq!(found.join("¦"), expected);
        }
    }

    #[test]
    fn quotes_come_off() {
        for (literal, expected) in [
            (r#""a\\b\"c\n""#, ("a\\b\"c\n", false)),
            (r#""\u{1f4ec}\u{0A}""#, ("\u{1f4ec}\n", false)),
            (r#""\d\u{zz}""#, ("\\d\\u{zz}", true)),
            (r"'it''s \d'", (r"it's \d", false)),
            ("'open", ("open", false)),
        ] {
            let (text, is_odd) = unquote(literal);
            assert_eq!((text.as_str(), is_odd), expected, "{literal}");
        }
    }
}
