//! How parts of a query are called where they are computed or not understood.

use crate::lexer::{Kind, Symbol, decode_string, lex};

/// How long a part may be, in bytes.
const LONGEST: usize = 240;

/// A part of a query on one line, without comments, cut to a readable length.
pub(super) fn written(text: &str) -> String {
    let cut = |text: &str, length: usize| (0..=length).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let text = if text.len() > 8 * LONGEST {
        text.get(..cut(text, 8 * LONGEST)).unwrap_or_default()
    } else {
        without_parentheses(text)
    };
    let tokens = lex(text);
    if let [open, name, close, _] = tokens.as_slice()
        && (open.kind, name.kind) == (Kind::Symbol(Symbol::OpenBracket), Kind::String)
        && close.kind == Kind::Symbol(Symbol::CloseBracket)
    {
        // `['a name']`
        return decode_string(name.text(text)).into_owned();
    }
    let mut line = String::new();
    let mut end = 0;
    for token in tokens {
        if matches!(token.kind, Kind::Comment | Kind::End) {
            continue;
        }
        if token.span.start > end && !line.is_empty() {
            line.push(' ');
        }
        end = token.span.end;
        line.push_str(token.text(text));
        if line.len() > LONGEST {
            line.truncate(cut(&line, LONGEST));
            line.push('…');
            break;
        }
    }
    line
}

/// A text without the parentheses that stand around all of it.
fn without_parentheses(text: &str) -> &str {
    let mut text = text;
    while let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        let mut open = 1_i32;
        for token in lex(inner) {
            match token.kind {
                Kind::Symbol(Symbol::OpenParen) => open += 1,
                Kind::Symbol(Symbol::CloseParen) => open -= 1,
                _ => {}
            }
            if open == 0 {
                return text;
            }
        }
        text = inner.trim();
    }
    text
}
