//! Colours of XML: tags, attributes, comments, texts.

use ruleatlas_core::{Token, TokenKind};
use ruleatlas_model::Span;

pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (length, kind) = if rest.starts_with("<!--") {
            (rest.find("-->").map_or(rest.len(), |end| end + 3), Some(TokenKind::Comment))
        } else if rest.starts_with("\\<") {
            (2, Some(TokenKind::String))
        } else if rest.starts_with('<') {
            let length = rest.find('>').map_or(rest.len(), |end| end + 1);
            tag(text, at, at + length, &mut tokens);
            (length, None)
        } else {
            let length = rest.find('<').unwrap_or(rest.len());
            let length =
                if length > 1 && rest.as_bytes().get(length - 1) == Some(&b'\\') { length - 1 } else { length };
            (length.max(1), Some(TokenKind::String))
        };
        // A step never ends within a character.
        let mut end = at + length;
        while !text.is_char_boundary(end) {
            end += 1;
        }
        if let Some(kind) = kind {
            let said = text.get(at..end).unwrap_or_default();
            let start = at + said.len() - said.trim_start().len();
            push(&mut tokens, start, at + said.trim_end().len(), kind);
        }
        at = end;
    }
    tokens
}

/// The parts of a tag.
fn tag(text: &str, start: usize, end: usize, tokens: &mut Vec<Token>) {
    let Some(inner) = text.get(start..end) else { return };
    let name_at = inner.find(|c: char| !matches!(c, '<' | '/' | '?' | '!')).unwrap_or(inner.len());
    let is_end = |c: char| c.is_whitespace() || matches!(c, '>' | '/');
    let name_end =
        inner.get(name_at..).and_then(|rest| rest.find(is_end)).map_or(inner.len(), |length| name_at + length);
    push(tokens, start, start + name_at, TokenKind::Operator);
    push(tokens, start + name_at, start + name_end, TokenKind::Keyword);
    let mut at = name_end;
    while let Some(quote_at) = inner.get(at..).and_then(|rest| rest.find(['"', '\''])).map(|length| at + length) {
        let quote = inner.get(quote_at..quote_at + 1).unwrap_or("\"");
        let close = inner
            .get(quote_at + 1..)
            .and_then(|rest| rest.find(quote))
            .map_or(inner.len(), |length| quote_at + length + 2);
        let before = inner.get(at..quote_at).unwrap_or_default();
        let skipped = before.len() - before.trim_start().len();
        push(tokens, start + at + skipped, start + at + before.trim_end().len(), TokenKind::Field);
        push(tokens, start + quote_at, start + close, TokenKind::String);
        at = close;
    }
    let rest = inner.get(at..).unwrap_or_default();
    let skipped = rest.len() - rest.trim_start().len();
    push(tokens, start + at + skipped, end, TokenKind::Operator);
}

fn push(tokens: &mut Vec<Token>, start: usize, end: usize, kind: TokenKind) {
    if start < end && tokens.last().is_none_or(|last| last.span.end as usize <= start) {
        tokens.push(Token { span: Span::new(start, end), kind });
    }
}
