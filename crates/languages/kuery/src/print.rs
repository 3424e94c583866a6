//! Trees to text: reading the text gives the same tree.

use std::fmt;

use ruleatlas_syntax::{Parts, Piece, print};

use crate::{
    ast::{KueryQuery, Leaf, LuceneQuery, Tree, Value},
    kuery, lucene,
    scan::is_space,
};

impl fmt::Display for KueryQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, &self.0, Language::Kuery)
    }
}

impl fmt::Display for LuceneQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, &self.0, Language::Lucene)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Kuery,
    Lucene,
}

/// What stands around a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    /// Nothing: the whole query, or parentheses.
    Nothing,
    All,
    Any,
    Not,
}

/// A node, what is around it, and the field in whose parentheses it stands.
type Place<'a> = (&'a Tree, Around, Option<&'a str>);

fn write(f: &mut fmt::Formatter<'_>, tree: &Tree, language: Language) -> fmt::Result {
    if matches!(tree, Tree::All(children) if children.is_empty()) {
        return Ok(());
    }
    print(f, (tree, Around::Nothing, None), |place, parts| expand(place, language, parts))
}

fn expand<'a>((tree, around, field): Place<'a>, language: Language, parts: &mut Parts<'a, Place<'a>>) {
    let [and, or, not] = match language {
        Language::Kuery => [" and ", " or ", "not "],
        Language::Lucene => [" AND ", " OR ", "NOT "],
    };
    match tree {
        // What holds of everything, and of nothing.
        Tree::All(children) if children.is_empty() => parts.text("*:*"),
        Tree::Any { children, .. } if children.is_empty() => parts.text(format!("({not}*:*)")),
        Tree::All(children) => {
            let is_grouped = around != Around::Nothing && !(language == Language::Kuery && around == Around::Any);
            group(parts, is_grouped, |parts| parts.list(children.iter().map(|child| (child, Around::All, field)), and));
        }
        Tree::Any { children, list } => {
            let listed = if *list && field.is_none() { list_field(tree, language) } else { None };
            if let Some(name) = listed {
                parts.text(field_name(name, language));
                parts.text(":");
            }
            let inner = listed.or(field);
            // In a list, alternatives in parentheses are a list themselves.
            group(parts, listed.is_some() || around != Around::Nothing, |parts| {
                parts.list(children.iter().map(|child| (child, Around::Any, inner)), or);
            });
        }
        Tree::Not(child) => {
            // `NOT` of Lucene belongs to a clause, and makes an alternative a prohibition of the whole.
            let is_grouped = language == Language::Lucene && matches!(around, Around::Any | Around::Not);
            group(parts, is_grouped, |parts| {
                parts.text(not);
                parts.node((child, Around::Not, field));
            });
        }
        Tree::Nested { field, query } => {
            parts.text(field_name(field, language));
            parts.text(if language == Language::Kuery { ":{ " } else { ":(" });
            parts.node((query, Around::Nothing, None));
            parts.text(if language == Language::Kuery { " }" } else { ")" });
        }
        Tree::Leaf(leaf) => {
            let is_listed = field.is_some_and(|field| *field == *leaf.field);
            parts.text(write_leaf(leaf, is_listed, language));
        }
        Tree::Broken { text, .. } => parts.text(&**text),
    }
}

fn group<'a>(parts: &mut Parts<'a, Place<'a>>, needed: bool, inner: impl FnOnce(&mut Parts<'a, Place<'a>>)) {
    if needed {
        parts.text("(");
    }
    inner(parts);
    if needed {
        parts.text(")");
    }
}

/// The field in whose parentheses alternatives can stand: that of the first, which in Kuery all must have.
fn list_field(tree: &Tree, language: Language) -> Option<&str> {
    let field = tree.walk().find_map(|node| if let Tree::Leaf(leaf) = node { Some(&*leaf.field) } else { None })?;
    let is_value = |node: &Tree| match node {
        Tree::Leaf(leaf) => *leaf.field == *field && matches!(leaf.value, Value::Term { .. }),
        Tree::Nested { .. } => false,
        _ => true,
    };
    (!field.is_empty() && (language == Language::Lucene || tree.walk().all(is_value))).then_some(field)
}

fn write_leaf(leaf: &Leaf, is_listed: bool, language: Language) -> String {
    let mut text = String::new();
    match (&leaf.value, language) {
        (Value::Exists, Language::Lucene) => {
            text.push_str("_exists_:");
            text.push_str(&field_name(&leaf.field, language));
            return text;
        }
        (Value::Interval { lower, upper }, Language::Kuery) => return interval_of_kuery(leaf, lower, upper),
        _ => {}
    }
    if !is_listed && !leaf.field.is_empty() {
        text.push_str(&field_name(&leaf.field, language));
        text.push_str(if matches!(leaf.value, Value::Compare { .. }) && language == Language::Kuery {
            " "
        } else {
            ":"
        });
    }
    match &leaf.value {
        Value::Term { pieces, quoted } => text.push_str(&term(pieces, *quoted, language)),
        Value::Compare { order, value } => {
            text.push_str(order.as_str());
            if language == Language::Kuery {
                text.push(' ');
            }
            text.push_str(&bound(value, language == Language::Kuery, language));
        }
        Value::Interval { lower, upper } => {
            let side = |side: &Option<(String, bool)>| {
                side.as_ref().map_or_else(|| "*".to_owned(), |(value, _)| bound(value, true, language))
            };
            let is_in = |side: &Option<(String, bool)>| side.as_ref().is_some_and(|(_, is_in)| *is_in);
            let (open, close) = (if is_in(lower) { '[' } else { '{' }, if is_in(upper) { ']' } else { '}' });
            text.push_str(&format!("{open}{} TO {}{close}", side(lower), side(upper)));
        }
        Value::Regex(pattern) => push_regex(&mut text, pattern),
        Value::Exists => text.push('*'),
    }
    if let Some(amount) = &leaf.approximate {
        text.push('~');
        text.push_str(amount);
    }
    text
}

/// Kuery has no intervals: the two comparisons that say the same.
fn interval_of_kuery(leaf: &Leaf, lower: &Option<(String, bool)>, upper: &Option<(String, bool)>) -> String {
    let field = field_name(&leaf.field, Language::Kuery);
    let side = |side: &Option<(String, bool)>, sign: char| {
        side.as_ref().map(|(value, is_in)| {
            format!("{field} {sign}{} {}", if *is_in { "=" } else { "" }, bound(value, true, Language::Kuery))
        })
    };
    match (side(lower, '>'), side(upper, '<')) {
        (Some(lower), Some(upper)) => format!("({lower} and {upper})"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => format!("{field}:*"),
    }
}

fn field_name(name: &str, language: Language) -> String {
    let piece = |character: char| match character {
        '*' => Piece::Many,
        '?' if language == Language::Lucene => Piece::One,
        _ => Piece::Char(character),
    };
    term(&name.chars().map(piece).collect::<Vec<_>>(), false, language)
}

/// A word or pattern; in quotes where it is to be, or where it cannot be written without.
fn term(pieces: &[Piece], quoted: bool, language: Language) -> String {
    let is_edge = |piece: Option<&Piece>| matches!(piece, Some(Piece::Char(' ')) | None);
    if quoted || pieces.is_empty() || language == Language::Kuery && (is_edge(pieces.first()) || is_edge(pieces.last()))
    {
        return quote(pieces, language);
    }
    match language {
        Language::Kuery => bare_kuery(pieces),
        Language::Lucene => bare_lucene(pieces),
    }
}

fn quote(pieces: &[Piece], language: Language) -> String {
    let mut text = String::with_capacity(pieces.len() + 2);
    text.push('"');
    for piece in pieces {
        match piece {
            Piece::Char(character @ ('"' | '\\')) => text.extend(['\\', *character]),
            Piece::Char('\n') if language == Language::Kuery => text.push_str("\\n"),
            Piece::Char('\r') if language == Language::Kuery => text.push_str("\\r"),
            Piece::Char('\t') if language == Language::Kuery => text.push_str("\\t"),
            Piece::Char(character) => text.push(*character),
            Piece::Many => text.push('*'),
            Piece::One => text.push('?'),
        }
    }
    text.push('"');
    text
}

fn bare_kuery(pieces: &[Piece]) -> String {
    let mut text = String::with_capacity(pieces.len());
    let mut begins_word = true;
    for (at, piece) in pieces.iter().enumerate() {
        let is_connective =
            begins_word && kuery::CONNECTIVES.iter().any(|word| is_word(pieces.get(at..).unwrap_or_default(), word));
        begins_word = *piece == Piece::Char(' ');
        match piece {
            Piece::Char('\n') => text.push_str("\\n"),
            Piece::Char('\r') => text.push_str("\\r"),
            Piece::Char('\t') => text.push_str("\\t"),
            // `\\not` would be a line break and `ot`.
            Piece::Char(character) if is_connective || *character != ' ' && is_space(*character) => {
                text.push_str(&format!("\\u{:04x}", u32::from(*character)));
            }
            Piece::Char(character) => {
                if kuery::SPECIAL.contains(*character) {
                    text.push('\\');
                }
                text.push(*character);
            }
            Piece::Many => text.push('*'),
            Piece::One => text.push('?'),
        }
    }
    text
}

/// Whether pieces begin with a word and a space, or are nothing else.
fn is_word(pieces: &[Piece], word: &str) -> bool {
    let is_same = |(piece, letter): (&Piece, char)| matches!(piece, Piece::Char(character) if character.eq_ignore_ascii_case(&letter));
    pieces.len() >= word.len()
        && pieces.iter().zip(word.chars()).all(is_same)
        && matches!(pieces.get(word.len()), None | Some(Piece::Char(' ')))
}

fn bare_lucene(pieces: &[Piece]) -> String {
    let mut text = String::with_capacity(pieces.len());
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Char(character) => {
                let is_word = at == 0 && lucene::WORDS.iter().any(|word| is_whole(pieces, word));
                if is_word
                    || is_space(*character)
                    || lucene::SPECIAL.contains(*character)
                    || at == 0 && lucene::SPECIAL_AT_START.contains(*character)
                {
                    text.push('\\');
                }
                text.push(*character);
            }
            Piece::Many => text.push('*'),
            Piece::One => text.push('?'),
        }
    }
    text
}

fn is_whole(pieces: &[Piece], word: &str) -> bool {
    pieces.len() == word.len() && pieces.iter().zip(word.chars()).all(|(piece, letter)| *piece == Piece::Char(letter))
}

/// A bound: as it is where it is a plain number or word, in quotes otherwise.
fn bound(value: &str, signed: bool, language: Language) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_' | '+');
    let is_word = kuery::CONNECTIVES.iter().chain(lucene::WORDS).any(|word| word.eq_ignore_ascii_case(value));
    let is_bare = !value.is_empty()
        && !value.eq_ignore_ascii_case("to")
        && !is_word
        && value
            .strip_prefix('-')
            .filter(|_| signed)
            .unwrap_or(value)
            .starts_with(|first: char| first.is_ascii_alphanumeric())
        && value.chars().all(is_plain);
    if is_bare { value.to_owned() } else { quote(&value.chars().map(Piece::Char).collect::<Vec<_>>(), language) }
}

fn push_regex(text: &mut String, pattern: &str) {
    text.push('/');
    let mut rest = pattern.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                text.push('\\');
                // A backslash cannot stand at the end: it would escape the slash.
                text.push(rest.next().unwrap_or('\\'));
            }
            '/' => text.push_str("\\/"),
            _ => text.push(character),
        }
    }
    text.push('/');
}
