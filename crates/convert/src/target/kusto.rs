//! Kusto.

use ruleatlas_core::{Pattern, Piece};

use super::{ANY_TABLE, Reads, Text, Writer, as_pattern, eql::sign, no_operator, refused};
use crate::{
    Refusal, RefusalKind,
    expr::{Expr, Kind, Test, plain},
    quote::{is_plain_name, kusto},
    regex::Dialect,
};

pub(crate) fn write(reads: &Reads, expr: &Expr) -> Result<String, Vec<Refusal>> {
    let table = reads.sources.first().map_or(ANY_TABLE, |source| source.name.as_str());
    Ok(format!("{}\n| where {}", name(table), Kusto.condition(expr)?))
}

struct Kusto;

fn name(field: &str) -> String {
    let is_plain = field.split('.').all(|part| is_plain_name(part, "_") && !RESERVED.contains(&part));
    match is_plain {
        true => field.to_owned(),
        false => format!("['{}']", field.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}

/// Words that are no names by themselves.
const RESERVED: [&str; 8] = ["and", "or", "not", "in", "has", "by", "where", "contains"];

impl Writer for Kusto {
    const AND: &'static str = " and ";
    const OR: &'static str = " or ";

    fn constant(&self, value: bool) -> Option<String> {
        Some(value.to_string())
    }

    fn not(&self, inner: &str) -> String {
        // What begins so is in brackets as a whole.
        if inner.starts_with('(') { format!("not{inner}") } else { format!("not({inner})") }
    }

    fn missing(&self, test: &Test) -> Option<String> {
        matches!(test.kind, Kind::Order(_) | Kind::Cidr).then(|| format!("isempty({})", name(&test.field)))
    }

    fn test(&self, test: &Test) -> Result<Text, Refusal> {
        let field = name(&test.field);
        let each = |operator: &str| {
            Text::any(
                test.values.iter().map(|value| format!("{field} {operator} {}", kusto(value))).collect(),
                Self::OR,
            )
        };
        let matched = |source: &str, flags: &str| {
            let flags = if flags.is_empty() { String::new() } else { format!("(?{flags})") };
            Text::atom(format!("{field} matches regex {}", kusto(&format!("{flags}{source}"))))
        };
        let is_anything = test.kind == Kind::Wildcard && test.values == ["?*"];
        Ok(match &test.kind {
            Kind::Exists => Text::atom(format!("isnotempty({field})")),
            _ if is_anything => Text::atom(format!("isnotempty({field})")),
            Kind::Keyword => {
                let has_wildcard =
                    |value: &String| Pattern::read(value).pieces().iter().any(|p| !matches!(p, Piece::Char(_)));
                if test.values.iter().any(has_wildcard) {
                    return Err(no_operator(test, "a pattern that any column may have"));
                }
                let operator = if test.cased { "contains_cs" } else { "contains" };
                let each = |value: &String| format!("* {operator} {}", kusto(&plain(value)));
                Text::any(test.values.iter().map(each).collect(), Self::OR)
            }
            Kind::Equal if test.values.iter().any(String::is_empty) => {
                return Err(no_operator(test, "a table of Kusto does not tell an empty text from none"));
            }
            Kind::Equal if test.is_bare => match test.values.as_slice() {
                [only] => Text::atom(format!("{field} == {only}")),
                values => Text::atom(format!("{field} in ({})", values.join(", "))),
            },
            Kind::Equal => match test.values.as_slice() {
                [only] => Text::atom(format!("{field} {} {}", if test.cased { "==" } else { "=~" }, kusto(only))),
                values => {
                    let values: Vec<String> = values.iter().map(|value| kusto(value)).collect();
                    Text::atom(format!("{field} {} ({})", if test.cased { "in" } else { "in~" }, values.join(", ")))
                }
            },
            Kind::Contains => each(if test.cased { "contains_cs" } else { "contains" }),
            Kind::StartsWith => each(if test.cased { "startswith_cs" } else { "startswith" }),
            Kind::EndsWith => each(if test.cased { "endswith_cs" } else { "endswith" }),
            Kind::Term { begins, ends } => {
                let word = match (begins, ends) {
                    (true, true) => "has",
                    (true, false) => "hasprefix",
                    _ => "hassuffix",
                };
                each(&if test.cased { format!("{word}_cs") } else { word.to_owned() })
            }
            Kind::Wildcard => matched(&as_pattern(test).unwrap_or_default(), if test.cased { "" } else { "i" }),
            Kind::Regex(regex) => {
                let written = regex.write(Dialect::Perl).map_err(|why| refused(test, RefusalKind::Regex, why))?;
                let case = if regex.cased { "" } else { "i" };
                matched(&written, &format!("{case}{}", regex.flags()))
            }
            Kind::Cidr => {
                let range = |value: &String| match value.contains(':') {
                    true => format!("ipv6_is_in_range({field}, {})", kusto(value)),
                    false => format!("ipv4_is_in_range({field}, {})", kusto(value)),
                };
                Text::any(test.values.iter().map(range).collect(), Self::OR)
            }
            Kind::Order(op) => Text::atom(format!("{field} {} {}", sign(*op), test.values.concat())),
            Kind::SameAs => {
                let operator = if test.cased { "==" } else { "=~" };
                Text::atom(format!("{field} {operator} {}", name(&test.values.concat())))
            }
        })
    }
}
