//! Colours of a rule.

use ruleatlas_core::{Token, TokenKind};

use crate::{
    lexer::{Kind, tokenize},
    parser::SECTIONS,
};

const KEYWORDS: [&str; 12] =
    ["rule", "and", "or", "not", "in", "nocase", "over", "regex", "cidr", "any", "all", "before"];

pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let found = tokenize(text, true, &mut Vec::new());
    let mut tokens = Vec::with_capacity(found.len());
    for (at, token) in found.iter().enumerate() {
        let next = |ahead: usize| found.get(at + ahead).map_or(Kind::End, |token| token.kind);
        let before = at.checked_sub(1).and_then(|last| found.get(last)).map_or(Kind::End, |token| token.kind);
        let word = token.text(text);
        let kind = match token.kind {
            Kind::End | Kind::Unknown => continue,
            Kind::Comment => TokenKind::Comment,
            Kind::Quoted | Kind::Raw | Kind::Regex => TokenKind::String,
            Kind::Number => TokenKind::Number,
            Kind::Variable | Kind::Count => TokenKind::Field,
            Kind::List => TokenKind::Macro,
            Kind::Word if next(1) == Kind::Colon && SECTIONS.contains(&word) => TokenKind::Command,
            Kind::Word if before == Kind::Dot && next(1) != Kind::OpenParen => TokenKind::Field,
            Kind::Word if KEYWORDS.contains(&word) => TokenKind::Keyword,
            Kind::Word if next(1) == Kind::OpenParen || next(1) == Kind::Dot => TokenKind::Function,
            Kind::Word if matches!(word, "true" | "false") => TokenKind::Number,
            Kind::Word => continue,
            _ => TokenKind::Operator,
        };
        tokens.push(Token { span: token.span(), kind });
    }
    tokens
}
