//! Tokens for colouring.

use ruleatlas_syntax::{Token, TokenKind};

use crate::lexer::{self, Kind, Symbol};

/// Words that are neither names nor operators of a stage.
const KEYWORDS: &[&str] = &[
    "let",
    "set",
    "declare",
    "by",
    "on",
    "and",
    "or",
    "not",
    "in",
    "in~",
    "!in",
    "!in~",
    "has",
    "!has",
    "has_cs",
    "!has_cs",
    "hasprefix",
    "!hasprefix",
    "hasprefix_cs",
    "!hasprefix_cs",
    "hassuffix",
    "!hassuffix",
    "hassuffix_cs",
    "!hassuffix_cs",
    "has_any",
    "has_all",
    "contains",
    "!contains",
    "contains_cs",
    "!contains_cs",
    "startswith",
    "!startswith",
    "startswith_cs",
    "!startswith_cs",
    "endswith",
    "!endswith",
    "endswith_cs",
    "!endswith_cs",
    "matches",
    "regex",
    "between",
    "!between",
    "kind",
    "with",
    "asc",
    "desc",
    "nulls",
    "to",
    "typeof",
    "step",
    "from",
    "view",
];

/// Words that begin a pipeline or a statement.
const SOURCES: &[&str] = &["union", "search", "find", "print", "range", "datatable", "externaldata"];

/// The text's tokens for colouring, in order and without overlap; gaps are plain.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let lexed = lexer::lex(text);
    let mut tokens: Vec<Token> = Vec::with_capacity(lexed.len());
    let mut behind_pipe = false;
    for (at, token) in lexed.iter().enumerate() {
        let next = lexed.get(at + 1);
        let kind = match token.kind {
            Kind::End | Kind::Unknown => continue,
            Kind::Comment => TokenKind::Comment,
            Kind::String | Kind::OpenString => TokenKind::String,
            Kind::Number | Kind::Timespan | Kind::Datetime | Kind::Guid => TokenKind::Number,
            Kind::Symbol(_) => TokenKind::Operator,
            Kind::Name => {
                let word = token.text(text);
                let called = next.is_some_and(|next| next.kind == Kind::Symbol(Symbol::OpenParen));
                match word {
                    _ if behind_pipe => TokenKind::Command,
                    "true" | "false" | "null" => TokenKind::Number,
                    "dynamic" => TokenKind::Function,
                    _ if KEYWORDS.contains(&word) => TokenKind::Keyword,
                    _ if SOURCES.contains(&word) => TokenKind::Command,
                    _ if called => TokenKind::Function,
                    _ => TokenKind::Field,
                }
            }
        };
        // `project-away` is one command.
        let joins = token.span.start > 0
            && tokens.last().is_some_and(|last| last.kind == TokenKind::Command && last.span.end == token.span.start)
            && (token.kind == Kind::Symbol(Symbol::Minus)
                || (token.kind == Kind::Name
                    && text.get(..token.span.start as usize).is_some_and(|head| head.ends_with('-'))));
        if joins {
            if let Some(last) = tokens.last_mut() {
                last.span.end = token.span.end;
            }
        } else {
            tokens.push(Token { span: token.span, kind });
        }
        if token.kind != Kind::Comment {
            behind_pipe = token.kind == Kind::Symbol(Symbol::Pipe);
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_the_colour_of_their_place() {
        let text = "T | project-away a // note\n| where has_x has \"y\" and tolower(b) in~ (1d)";
        let found: Vec<_> = tokens(text)
            .into_iter()
            .filter(|token| token.kind != TokenKind::Operator)
            .map(|token| (token.span.of(text).unwrap_or_default(), token.kind))
            .collect();
        assert_eq!(
            found,
            [
                ("T", TokenKind::Field),
                ("project-away", TokenKind::Command),
                ("a", TokenKind::Field),
                ("// note", TokenKind::Comment),
                ("where", TokenKind::Command),
                ("has_x", TokenKind::Field),
                ("has", TokenKind::Keyword),
                ("\"y\"", TokenKind::String),
                ("and", TokenKind::Keyword),
                ("tolower", TokenKind::Function),
                ("b", TokenKind::Field),
                ("in~", TokenKind::Keyword),
                ("1d", TokenKind::Number),
            ]
        );
    }
}
