//! The walk over a condition's text. What a character means depends on what is expected, so the parser asks for it.

use ruleatlas_syntax::{Span, SyntaxError, Token, TokenKind};

use crate::error::ErrorKind;

/// How many errors a condition can have: a text that is no condition needs no complaint a word.
pub(crate) const MAX_ERRORS: usize = 32;

pub(crate) struct Lexer<'t> {
    pub text: &'t str,
    pub at: usize,
    pub tokens: Vec<Token>,
    pub errors: Vec<SyntaxError<ErrorKind>>,
}

impl<'t> Lexer<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0, tokens: Vec::new(), errors: Vec::new() }
    }

    pub fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    pub fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches(is_blank).len();
    }

    /// Steps over `sign` if it comes next.
    pub fn eat(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.take(sign.len(), TokenKind::Operator);
        }
        found
    }

    /// Steps over `length` bytes, which are a token.
    pub fn take(&mut self, length: usize, kind: TokenKind) {
        let start = self.at;
        self.at += length;
        self.token(start, kind);
    }

    /// The text since `start` is a token.
    pub fn token(&mut self, start: usize, kind: TokenKind) {
        if start < self.at {
            self.tokens.push(Token { span: Span::new(start, self.at), kind });
        }
    }

    /// The letters, digits and underscores that come next.
    pub fn word(&self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        if word.starts_with(|c: char| c.is_ascii_alphabetic()) { word } else { "" }
    }

    /// `word` as a word of the language: a blank or parenthesis stands behind it.
    pub fn keyword(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let found = starts_keyword(self.rest(), word);
        if found {
            self.take(word.len(), TokenKind::Keyword);
        }
        found
    }

    /// The name of a field: two words or more with dots between them.
    pub fn field_name(&self) -> Option<&'t str> {
        let rest = self.rest();
        let mut end = self.word().len();
        let mut parts = usize::from(end > 0);
        while parts > 0 {
            let Some(behind) = rest.get(end..).and_then(|rest| rest.strip_prefix('.')) else { break };
            if !behind.starts_with(|c: char| c.is_ascii_alphabetic()) {
                break;
            }
            end += 1 + behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(behind.len());
            parts += 1;
        }
        if parts > 1 { rest.get(..end) } else { None }
    }

    /// A text in quotes, stepped over: what it says.
    pub fn quoted(&mut self) -> Option<String> {
        let quote = self.peek().filter(|c| matches!(c, '"' | '\''))?;
        let start = self.at;
        let mut said = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((place, character)) = chars.next() {
            match character {
                _ if character == quote => {
                    self.at = start + place + 1;
                    self.token(start, TokenKind::String);
                    return Some(said);
                }
                '\\' => match chars.next() {
                    Some((_, escaped)) => match escaped {
                        'n' => said.push('\n'),
                        't' => said.push('\t'),
                        'r' => said.push('\r'),
                        'b' => said.push('\u{8}'),
                        'f' => said.push('\u{c}'),
                        'v' => said.push('\u{b}'),
                        '\\' | '"' | '\'' => said.push(escaped),
                        // Any other character keeps its backslash: regular expressions are full of them.
                        _ => said.extend(['\\', escaped]),
                    },
                    None => break,
                },
                _ => said.push(character),
            }
        }
        // The quote does not end: what is left is the text.
        self.at = self.text.len();
        self.token(start, TokenKind::String);
        self.error(ErrorKind::UnclosedQuote, "the quotation mark is not closed", Span::new(start, self.at));
        Some(said)
    }

    /// A value without quotes, stepped over.
    pub fn bare(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let is_end = |c: char| is_blank(c) || matches!(c, '(' | ')' | '"' | '\'' | '=' | ',');
        let end = rest.find(is_end).unwrap_or(rest.len());
        let found = rest.get(..end).filter(|found| !found.is_empty())?;
        let is_number = found.trim_start_matches(['-', '+']).bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        self.take(end, if is_number { TokenKind::Number } else { TokenKind::String });
        Some(found)
    }

    pub fn error(&mut self, kind: ErrorKind, message: impl Into<String>, span: Span) {
        if self.errors.len() < MAX_ERRORS || kind == ErrorKind::TooManyErrors {
            self.errors.push(SyntaxError::new(kind, span, message));
        }
    }
}

pub(crate) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n' | '\u{8}')
}

/// Whether a text begins with the word, and the word ends there.
pub(crate) fn starts_keyword(text: &str, word: &str) -> bool {
    text.strip_prefix(word)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['(', ')']) || rest.starts_with(is_blank))
}
