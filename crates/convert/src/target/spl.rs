//! SPL: what a search can say stands in it, the rest in `where` behind it.

use ruleatlas_core::{Pattern, Piece};
use ruleatlas_model::SourceKind;

use super::{Reads, Text, Writer, as_pattern, eql::sign, no_operator, refused};
use crate::{
    Refusal, RefusalKind,
    expr::{Expr, Kind, Test, plain},
    quote::{is_network, is_plain_name, spl, spl_pattern},
    regex::Dialect,
};

pub(crate) fn write(reads: &Reads, expr: &Expr) -> Result<String, Vec<Refusal>> {
    let mut search: Vec<String> = reads
        .sources
        .iter()
        .filter_map(|source| {
            let key = match source.kind {
                SourceKind::SourceType => "sourcetype",
                SourceKind::Source => "source",
                _ => "index",
            };
            let is_bare = is_plain_name(&source.name, "_-.:*") || source.name == "*";
            let value = if is_bare { source.name.clone() } else { spl(&source.name)? };
            Some(format!("{key}={value}"))
        })
        .collect();
    let mut conditions = Vec::new();
    let mut refusals = Vec::new();
    let parts = match expr {
        Expr::All(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    for part in parts {
        if part.has(&|test| !is_searchable(test)) {
            match Where.condition(part) {
                Ok(text) => conditions.push(format!("| where {text}")),
                Err(more) => refusals.extend(more),
            }
            continue;
        }
        let text = Search.write(part, false, &mut refusals);
        search.push(if text.join == Some(false) { text.bracketed() } else { text.text });
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let mut query = search.join(" ");
    for condition in conditions {
        query.push('\n');
        query.push_str(&condition);
    }
    Ok(query)
}

/// Whether a search can compare so: without case, with `*` as the only wildcard, which nothing escapes.
fn is_searchable(test: &Test) -> bool {
    let is_text = |value: &String| !value.contains(['*', '\n', '\r']) && !value.is_empty();
    let is_pattern = |value: &String| {
        !value.contains(['\n', '\r'])
            && Pattern::read(value).pieces().iter().all(|piece| !matches!(piece, Piece::One | Piece::Char('*')))
    };
    match &test.kind {
        Kind::Exists | Kind::Order(_) => true,
        Kind::Keyword => !test.cased && test.values.iter().all(|value| is_pattern(value) && is_text(&plain(value))),
        Kind::Equal => !test.cased && test.values.iter().all(|value| is_text(value) && !is_network(value)),
        Kind::Contains | Kind::StartsWith | Kind::EndsWith => !test.cased && test.values.iter().all(is_text),
        Kind::Wildcard => !test.cased && test.values.iter().all(is_pattern),
        Kind::Cidr => test.values.iter().all(|value| is_network(value)),
        Kind::Regex(_) | Kind::Term { .. } | Kind::SameAs => false,
    }
}

/// A condition of a search.
struct Search;

impl Writer for Search {
    const AND: &'static str = " ";
    const OR: &'static str = " OR ";

    fn constant(&self, value: bool) -> Option<String> {
        value.then(|| "*".to_owned())
    }

    fn not(&self, inner: &str) -> String {
        format!("NOT {inner}")
    }

    fn test(&self, test: &Test) -> Result<Text, Refusal> {
        let unwritable = || no_operator(test, "a search of SPL has no escape for the end of a line");
        let field = match is_plain_name(&test.field, "._-{}") {
            true => test.field.clone(),
            false => spl(&test.field).ok_or_else(unwritable)?,
        };
        let listed = |before: &str, behind: &str| -> Result<Text, Refusal> {
            let values: Option<Vec<String>> =
                test.values.iter().map(|value| spl(&format!("{before}{value}{behind}"))).collect();
            let values = values.ok_or_else(unwritable)?;
            Ok(Text::atom(match values.as_slice() {
                [only] => format!("{field}={only}"),
                _ => format!("{field} IN ({})", values.join(", ")),
            }))
        };
        match &test.kind {
            Kind::Exists => Ok(Text::atom(format!("{field}=*"))),
            Kind::Order(op) => Ok(Text::atom(format!("{field}{}{}", sign(*op), test.values.concat()))),
            Kind::Keyword => {
                let written: Option<Vec<String>> = test.values.iter().map(|value| spl(&pattern(value))).collect();
                Ok(Text::any(written.ok_or_else(unwritable)?, Self::OR))
            }
            Kind::Equal if test.is_bare && test.values.len() == 1 => {
                Ok(Text::atom(format!("{field}={}", test.values.concat())))
            }
            Kind::Equal => listed("", ""),
            Kind::Contains => listed("*", "*"),
            Kind::StartsWith => listed("", "*"),
            Kind::EndsWith => listed("*", ""),
            Kind::Wildcard => {
                let values = test.values.iter().map(|value| pattern(value)).collect();
                self.test(&Test { kind: Kind::Equal, values, is_bare: false, ..test.clone() })
            }
            // Networks stand apart: a list compares texts.
            Kind::Cidr => {
                let values: Option<Vec<String>> =
                    test.values.iter().map(|value| Some(format!("{field}={}", spl(value)?))).collect();
                Ok(Text::any(values.ok_or_else(unwritable)?, Self::OR))
            }
            Kind::Regex(_) | Kind::Term { .. } | Kind::SameAs => Err(no_operator(test, "no search of SPL says so")),
        }
    }
}

/// A pattern whose literals are no wildcards.
fn pattern(value: &str) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Many | Piece::One => '*',
        Piece::Char(character) => *character,
    };
    Pattern::read(value).pieces().iter().map(piece).collect()
}

/// A condition of `where`, in which names stand in single quotes and a missing field is null.
struct Where;

fn name(field: &str) -> String {
    match is_plain_name(field, "_") {
        true => field.to_owned(),
        false => format!("'{}'", field.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}

impl Writer for Where {
    const AND: &'static str = " AND ";
    const OR: &'static str = " OR ";

    fn constant(&self, value: bool) -> Option<String> {
        Some(if value { "true()" } else { "false()" }.to_owned())
    }

    fn not(&self, inner: &str) -> String {
        format!("NOT {inner}")
    }

    fn missing(&self, test: &Test) -> Option<String> {
        match test.kind {
            Kind::Exists => None,
            Kind::SameAs => Some(format!("isnull({}) OR isnull({})", name(&test.field), name(&test.values.concat()))),
            _ => Some(format!("isnull({})", name(&test.field))),
        }
    }

    fn test(&self, test: &Test) -> Result<Text, Refusal> {
        let field = name(&test.field);
        let literal = |value: &str| {
            spl(value).ok_or_else(|| no_operator(test, "a text of SPL has no escape for the end of a line"))
        };
        let matched = |source: &str, flags: &str| -> Result<Text, Refusal> {
            let flags = if flags.is_empty() { String::new() } else { format!("(?{flags})") };
            let pattern = spl_pattern(&format!("{flags}{source}"));
            let pattern = pattern.ok_or_else(|| refused(test, RefusalKind::Regex, "the end of a line in a pattern"))?;
            Ok(Text::atom(format!("match({field}, {pattern})")))
        };
        let flags = if test.cased { "" } else { "i" };
        Ok(match &test.kind {
            Kind::Keyword => return Err(no_operator(test, "`where` of SPL cannot look for a text in any field")),
            Kind::Exists => Text::atom(format!("isnotnull({field})")),
            Kind::Equal if test.cased => {
                let each: Result<Vec<String>, Refusal> =
                    test.values.iter().map(|value| Ok(format!("{field}=={}", literal(value)?))).collect();
                Text::any(each?, Self::OR)
            }
            // Of a text that is no number it is null; without it, texts would be put in order.
            Kind::Order(op) => Text::atom(format!("tonumber({field}){}{}", sign(*op), test.values.concat())),
            Kind::Cidr => {
                let each: Result<Vec<String>, Refusal> =
                    test.values.iter().map(|value| Ok(format!("cidrmatch({}, {field})", literal(value)?))).collect();
                Text::any(each?, Self::OR)
            }
            Kind::Regex(regex) => {
                let written = regex.write(Dialect::Perl).map_err(|why| refused(test, RefusalKind::Regex, why))?;
                let case = if regex.cased { "" } else { "i" };
                return matched(&written, &format!("{case}{}", regex.flags()));
            }
            Kind::SameAs if test.cased => Text::atom(format!("{field}=={}", name(&test.values.concat()))),
            Kind::SameAs => {
                return Err(refused(test, RefusalKind::Case, "`where` of SPL compares two fields with case"));
            }
            _ => return matched(&as_pattern(test).unwrap_or_default(), flags),
        })
    }
}
