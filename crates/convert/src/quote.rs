//! How each language writes texts and names.

use ruleatlas_core::Piece;
/// A literal of Kuery, EQL, ES|QL and Kusto, with escapes.
pub use ruleatlas_syntax::quote as escaped;

/// Whether a name needs no quotes: letters, digits and what else is allowed, and no digit or hyphen in front.
#[must_use]
pub fn is_plain_name(name: &str, besides: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || besides.contains(character))
}

/// Whether a text is a network.
#[must_use]
pub fn is_network(value: &str) -> bool {
    value.parse::<ipnet::IpNet>().is_ok()
}

/// Text whose wildcards are Sigma's own characters. A backslash is doubled only where it would escape what follows.
#[must_use]
pub fn sigma_escaped(text: &str) -> String {
    sigma_pieces(&text.chars().map(Piece::Char).collect::<Vec<_>>())
}

/// A pattern as Sigma writes it.
#[must_use]
pub fn sigma_pieces(pieces: &[Piece]) -> String {
    let mut text = String::with_capacity(pieces.len());
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Many => text.push('*'),
            Piece::One => text.push('?'),
            Piece::Char(character @ ('*' | '?')) => text.extend(['\\', *character]),
            Piece::Char('\\') => {
                let would_escape =
                    matches!(pieces.get(at + 1), Some(Piece::Many | Piece::One | Piece::Char('\\' | '*' | '?')));
                text.push_str(if would_escape { "\\\\" } else { "\\" });
            }
            Piece::Char(character) => text.push(*character),
        }
    }
    text
}

/// A YAML scalar that is read as this text.
#[must_use]
pub fn yaml(text: &str) -> String {
    if text.chars().any(|character| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}'))
    {
        return serde_json::to_string(text).unwrap_or_default();
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// A key of a YAML mapping that is read as this text.
#[must_use]
pub fn yaml_key(key: &str) -> String {
    if is_plain_name(key, "._-|") { key.to_owned() } else { yaml(key) }
}

/// A literal of a search of SPL, which has no escape for what cannot be seen.
#[must_use]
pub fn spl(text: &str) -> Option<String> {
    (!text.contains(['\n', '\r'])).then(|| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// A regular expression of SPL, in which a backslash is doubled only where it would escape what follows.
#[must_use]
pub fn spl_pattern(text: &str) -> Option<String> {
    if text.contains(['\n', '\r']) {
        return None;
    }
    let mut literal = String::from("\"");
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' => literal.push_str("\\\""),
            '\\' if matches!(rest.peek(), None | Some('\\' | '"' | '|')) => literal.push_str("\\\\"),
            _ => literal.push(character),
        }
    }
    literal.push('"');
    Some(literal)
}

/// A literal of Kusto: as it stands where it holds backslashes, with escapes where it holds what cannot be seen.
#[must_use]
pub fn kusto(text: &str) -> String {
    if text.contains('\\') && !text.chars().any(char::is_control) {
        format!("@\"{}\"", text.replace('"', "\"\""))
    } else {
        escaped(text)
    }
}

/// A value of Kuery outside of quotes, whose only wildcard is `*`; `None` where it has `?`.
#[must_use]
pub fn kuery_pieces(pieces: &[Piece]) -> Option<String> {
    let mut text = String::with_capacity(pieces.len());
    for (at, piece) in pieces.iter().enumerate() {
        let begins_word = match at.checked_sub(1).and_then(|before| pieces.get(before)) {
            None => true,
            Some(before) => matches!(before, Piece::Char(character) if character.is_whitespace()),
        };
        if begins_word && is_connective(pieces.get(at..).unwrap_or_default()) {
            text.push('\\');
        }
        match piece {
            Piece::Many => text.push('*'),
            Piece::One => return None,
            Piece::Char('\t') => text.push_str("\\t"),
            Piece::Char('\n') => text.push_str("\\n"),
            Piece::Char('\r') => text.push_str("\\r"),
            // Spaces at the ends would be left out.
            Piece::Char(' ') if at == 0 || at + 1 == pieces.len() => text.push_str("\\u0020"),
            Piece::Char(character @ ('\\' | '(' | ')' | ':' | '<' | '>' | '"' | '*' | '{' | '}')) => {
                text.extend(['\\', *character]);
            }
            Piece::Char(character) => text.push(*character),
        }
    }
    Some(text)
}

/// Whether pieces begin with a word that connects clauses.
fn is_connective(pieces: &[Piece]) -> bool {
    ["and", "or", "not"].iter().any(|word| {
        let mut letters = word.chars().zip(pieces);
        pieces.len() >= word.len()
            && letters.all(|(letter, piece)| matches!(piece, Piece::Char(c) if c.eq_ignore_ascii_case(&letter)))
    })
}
