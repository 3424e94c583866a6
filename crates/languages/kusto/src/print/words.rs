//! Names, texts and operators as they are written.

use std::borrow::Cow;

use crate::{
    ast::{Comparison, Relation},
    lexer::{Kind, Symbol, lex},
};

/// Words that are no names where one may stand, or mean something else there.
const RESERVED: &[&str] = &[
    "and",
    "or",
    "not",
    "in",
    "has",
    "hasprefix",
    "hassuffix",
    "contains",
    "startswith",
    "endswith",
    "matches",
    "between",
    "has_any",
    "has_all",
    "has_cs",
    "true",
    "false",
    "null",
    "by",
    "on",
    "to",
    "with",
    "kind",
    "let",
    "set",
    "alias",
    "restrict",
    "declare",
    "union",
    "search",
    "find",
    "print",
    "range",
    "where",
    "extend",
    "project",
    "summarize",
    "join",
    "asc",
    "desc",
    "view",
    "limit",
    "default",
    "dynamic",
    "datatable",
    "externaldata",
    "external_data",
    "notcontains",
];

/// A name, in brackets where it would be read as something else.
pub(super) fn name(text: &str) -> String {
    // A parameter of a workbook, and the table that is not there.
    let is_parameter = text.starts_with('{') && text.ends_with('}');
    let is_reserved = RESERVED.iter().any(|word| word.eq_ignore_ascii_case(text));
    if text.is_empty() || is_parameter || !is_reserved && is_single(text, Kind::Name) {
        return text.to_owned();
    }
    format!("[{}]", quote(text))
}

/// The name of a table, which may have wildcards.
pub(super) fn pattern(text: &str) -> String {
    let is_part = |kind: Kind| matches!(kind, Kind::Name | Kind::Symbol(Symbol::Star));
    let mut end = 0;
    let is_pattern = text.contains('*')
        && lex(text).iter().filter(|token| token.kind != Kind::End).all(|token| {
            let follows = token.span.start == end;
            end = token.span.end;
            follows && is_part(token.kind)
        });
    if is_pattern { text.to_owned() } else { name(text) }
}

fn is_single(text: &str, kind: Kind) -> bool {
    matches!(lex(text).as_slice(), [only, end]
        if only.kind == kind && end.kind == Kind::End && only.text(text) == text)
}

/// Whether a duration can be written without `time(…)`.
pub(super) fn is_timespan(text: &str) -> bool {
    is_single(text, Kind::Timespan) && !text.contains('(')
}

/// The columns of a table whose types are not known.
pub(super) fn schema(columns: &[Cow<'_, str>]) -> String {
    columns.iter().map(|column| format!("{}:string", name(column))).collect::<Vec<_>>().join(", ")
}

/// A text in double quotes.
pub(super) fn quote(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            character if character.is_control() => literal.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => literal.push(character),
        }
    }
    literal.push('"');
    literal
}

/// The operator of a comparison.
pub(super) fn operator(comparison: Comparison) -> String {
    let Comparison { operator, negated, case_sensitive } = comparison;
    let word = match operator {
        Relation::Equal => {
            let sign = match (negated, case_sensitive) {
                (false, true) => "==",
                (false, false) => "=~",
                (true, true) => "!=",
                (true, false) => "!~",
            };
            return sign.to_owned();
        }
        Relation::Less => return "<".to_owned(),
        Relation::LessEqual => return "<=".to_owned(),
        Relation::Greater => return ">".to_owned(),
        Relation::GreaterEqual => return ">=".to_owned(),
        Relation::Has => "has",
        Relation::HasPrefix => "hasprefix",
        Relation::HasSuffix => "hassuffix",
        Relation::HasAny => "has_any",
        Relation::HasAll => "has_all",
        Relation::Contains => "contains",
        Relation::StartsWith => "startswith",
        Relation::EndsWith => "endswith",
        Relation::Regex => "matches regex",
        Relation::In => "in",
    };
    let not = if negated { "!" } else { "" };
    let case = match operator {
        Relation::In if !case_sensitive => "~",
        Relation::In | Relation::HasAny | Relation::HasAll | Relation::Regex => "",
        _ if case_sensitive => "_cs",
        _ => "",
    };
    format!("{not}{word}{case}")
}
