//! The walk over a query's text that both parsers do, with the tokens and diagnostics that it leaves behind.

use std::sync::Arc;

use ruleatlas_syntax::{ErrorKind as _, Span, SyntaxError, Token, TokenKind};

use crate::{DEPTH_LIMIT, ast::Tree, error::ErrorKind};

/// Longer names of fields are not taken: a long name before a long list would be copied for each value.
const FIELD_LIMIT: usize = 1024;

pub(crate) struct Scanner<'a> {
    pub text: &'a str,
    pub at: usize,
    pub depth: u32,
    pub tokens: Vec<Token>,
    pub errors: Vec<SyntaxError<ErrorKind>>,
    unclosed: bool,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, tokens: Vec::new(), errors: Vec::new(), unclosed: false }
    }

    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The next character, stepped over.
    pub fn bump(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    pub fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches(is_space).len();
    }

    /// Steps over `operator` if it comes next.
    pub fn eat(&mut self, operator: &str) -> bool {
        let found = self.rest().starts_with(operator);
        if found {
            self.take(operator.len(), TokenKind::Operator);
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

    /// The last token is a field's name, as what comes behind it shows.
    pub fn last_is_field(&mut self) {
        if let Some(token) = self.tokens.last_mut() {
            token.kind = TokenKind::Field;
        }
    }

    pub fn error(&mut self, kind: ErrorKind, message: impl Into<String>, span: Span) {
        self.errors.push(SyntaxError::new(kind, span, message));
    }

    /// A part that does not follow the grammar, with its diagnostic.
    pub fn broken(&mut self, kind: ErrorKind, span: Span) -> Tree {
        self.error(kind, format!("The query cannot be read here: {}.", kind.title()), span);
        Tree::Broken { text: Arc::from(span.of(self.text).unwrap_or_default().trim()), kind, span }
    }

    /// Steps over the closing bracket that must come next.
    pub fn close(&mut self, bracket: &str) {
        self.skip_space();
        if !self.eat(bracket) && !std::mem::replace(&mut self.unclosed, true) {
            let here = Span::new(self.at, self.at);
            self.error(ErrorKind::UnclosedBracket, format!("A `{bracket}` is missing here."), here);
        }
    }

    /// Too deep to go one level down: the rest of the text, broken.
    pub fn too_deep(&mut self) -> Option<Tree> {
        if self.depth < DEPTH_LIMIT {
            return None;
        }
        let span = Span::new(self.at, self.text.len());
        self.at = self.text.len();
        self.unclosed = true;
        Some(self.broken(ErrorKind::TooDeep, span))
    }

    /// Whether a field's name of so many bytes is short enough.
    pub fn is_sane_field(length: usize) -> bool {
        length <= FIELD_LIMIT
    }

    /// Four hexadecimal digits behind `\u`, stepped over.
    pub fn unicode_escape(&mut self) -> Option<char> {
        let digits = self.rest().get(..4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let code = u32::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

/// White space of both grammars.
pub(crate) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n' | '\u{a0}' | '\u{3000}')
}
