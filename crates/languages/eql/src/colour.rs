//! Tokens for colouring. The parser is not asked: what a word is, its neighbours tell.

use ruleatlas_syntax::{Span, Token, TokenKind};

use crate::lexer::{self, Kind, tokenize};

/// The text's tokens for colouring, in order and without overlap; gaps are plain.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let found = tokenize(text, true, &mut Vec::new());
    let mut coloured: Vec<Token> = Vec::with_capacity(found.len());
    for (at, token) in found.iter().enumerate() {
        let Some(kind) = kind(text, &found, at) else { continue };
        // A path is one field, with its dots and the mark that makes it optional.
        if kind == TokenKind::Field
            && let Some(last) = coloured.last_mut()
            && last.span.end == token.start
            && (last.kind == TokenKind::Field || matches!(last.span.of(text), Some("?" | "`")))
        {
            *last = Token { span: last.span.to(token.span()), kind };
            continue;
        }
        coloured.push(Token { span: token.span(), kind });
    }
    coloured.retain(|token| token.span != Span::default());
    coloured
}

fn kind(text: &str, tokens: &[lexer::Token], at: usize) -> Option<TokenKind> {
    let around = |offset: usize| tokens.get(offset).map_or(Kind::End, |token| token.kind);
    let previous = at.checked_sub(1).map_or(Kind::End, around);
    Some(match tokens[at].kind {
        Kind::End | Kind::Unknown => return None,
        Kind::Comment => TokenKind::Comment,
        Kind::String(_) => TokenKind::String,
        Kind::Number => {
            if previous == Kind::Dot {
                TokenKind::Field
            } else {
                TokenKind::Number
            }
        }
        Kind::Backticked => TokenKind::Field,
        Kind::Dot => TokenKind::Field,
        Kind::Word => word(text, tokens, at, previous, around(at + 1)),
        _ => TokenKind::Operator,
    })
}

fn word(text: &str, tokens: &[lexer::Token], at: usize, previous: Kind, next: Kind) -> TokenKind {
    if previous == Kind::Dot || next == Kind::Dot {
        return TokenKind::Field;
    }
    let word_at = |at: usize| tokens.get(at).map_or("", |token| token.text(text));
    match word_at(at) {
        "and" | "or" | "not" | "in" | "like" | "regex" | "where" | "by" | "with" | "maxspan" | "runs" | "until"
        | "of" | "fork" | "as" => return TokenKind::Keyword,
        "sequence" | "sample" | "join" if matches!(word_at(at + 1), "by" | "with" | "[" | "!") => {
            return TokenKind::Keyword;
        }
        "true" | "false" | "null" => return TokenKind::Number,
        _ => {}
    }
    if previous == Kind::Pipe {
        return TokenKind::Command;
    }
    if matches!(word_at(at + 1), "where" | "of") {
        return TokenKind::Keyword;
    }
    if previous == Kind::Number && tokens[at - 1].end == tokens[at].start {
        return TokenKind::Number;
    }
    let call = at + 1 + usize::from(next == Kind::Tilde);
    if tokens.get(call).is_some_and(|token| token.kind == Kind::LeftParen) {
        return TokenKind::Function;
    }
    TokenKind::Field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_by_their_neighbours() {
        let text = "process where not startsWith~(?process.parent.name, \"a\") and pid in (4) // note\n| head 5";
        let shown: Vec<(TokenKind, &str)> =
            tokens(text).iter().map(|token| (token.kind, token.span.of(text).unwrap())).collect();
        assert_eq!(
            shown,
            [
                (TokenKind::Keyword, "process"),
                (TokenKind::Keyword, "where"),
                (TokenKind::Keyword, "not"),
                (TokenKind::Function, "startsWith"),
                (TokenKind::Operator, "~"),
                (TokenKind::Operator, "("),
                (TokenKind::Field, "?process.parent.name"),
                (TokenKind::Operator, ","),
                (TokenKind::String, "\"a\""),
                (TokenKind::Operator, ")"),
                (TokenKind::Keyword, "and"),
                (TokenKind::Field, "pid"),
                (TokenKind::Keyword, "in"),
                (TokenKind::Operator, "("),
                (TokenKind::Number, "4"),
                (TokenKind::Operator, ")"),
                (TokenKind::Comment, "// note"),
                (TokenKind::Operator, "|"),
                (TokenKind::Command, "head"),
                (TokenKind::Number, "5"),
            ]
        );
    }
}
