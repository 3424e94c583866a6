//! EQL.

use ruleatlas_core::{Pattern, Piece};
use ruleatlas_model::{Modifier, Modifiers, Op};

use super::{Reads, Text, Writer, as_pattern, no_operator, refused, terms_for_lucene};
use crate::{
    Refusal, RefusalKind,
    expr::{Expr, Kind, Test},
    quote::{escaped, is_plain_name},
    regex::{Dialect, Regex},
};

pub(crate) fn write(reads: &Reads, expr: &Expr) -> Result<String, Vec<Refusal>> {
    let category = reads.sources.first().map_or("any", |source| source.name.as_str());
    Ok(format!("{category} where {}", Eql.condition(expr)?))
}

struct Eql;

fn name(field: &str) -> String {
    match is_plain_name(field, ".@_") {
        true => field.to_owned(),
        false => format!("`{}`", field.replace('`', "``")),
    }
}

pub(super) fn sign(op: Op) -> &'static str {
    match op {
        Op::Lt => "<",
        Op::Lte => "<=",
        Op::Gt => ">",
        _ => ">=",
    }
}

impl Writer for Eql {
    const AND: &'static str = " and ";
    const OR: &'static str = " or ";

    fn constant(&self, value: bool) -> Option<String> {
        Some(value.to_string())
    }

    fn not(&self, inner: &str) -> String {
        format!("not {inner}")
    }

    fn missing(&self, test: &Test) -> Option<String> {
        match test.kind {
            Kind::Order(_) => Some(format!("{} == null", name(&test.field))),
            Kind::SameAs => Some(format!("{} == null or {} == null", name(&test.field), name(&test.values.concat()))),
            _ => None,
        }
    }

    fn test(&self, test: &Test) -> Result<Text, Refusal> {
        let field = name(&test.field);
        let list = |operator: &str, values: Vec<String>| match values.as_slice() {
            [only] => format!("{field} {operator} {only}"),
            _ => format!("{field} {operator} ({})", values.join(", ")),
        };
        let has_wildcard = |value: &String| value.contains(['*', '?']);
        // Nothing escapes a wildcard: what has one is compared by functions.
        let called = |function: &str| {
            let mark = if test.cased { "" } else { "~" };
            let call = |value: &String| format!("{function}{mark}({field}, {})", escaped(value));
            Text::any(test.values.iter().map(call).collect(), Self::OR)
        };
        let patterns = |before: &str, behind: &str| {
            let values = test.values.iter().map(|value| escaped(&format!("{before}{value}{behind}"))).collect();
            Text::atom(list(if test.cased { "like" } else { ":" }, values))
        };
        let is_literal = !test.values.iter().any(has_wildcard);
        Ok(match &test.kind {
            Kind::Keyword => return Err(no_operator(test, "EQL cannot look for a text in any field")),
            Kind::Exists => Text::atom(format!("{field} != null")),
            Kind::Equal if test.is_bare && test.values.len() == 1 => {
                Text::atom(format!("{field} == {}", test.values.concat()))
            }
            Kind::Equal if test.is_bare => Text::atom(format!("{field} in ({})", test.values.join(", "))),
            Kind::Equal if test.cased || !is_literal => {
                let values: Vec<String> = test.values.iter().map(|value| escaped(value)).collect();
                match (test.cased, values.as_slice()) {
                    (true, [only]) => Text::atom(format!("{field} == {only}")),
                    (true, _) => Text::atom(format!("{field} in ({})", values.join(", "))),
                    (false, _) => Text::atom(format!("{field} in~ ({})", values.join(", "))),
                }
            }
            Kind::Equal => patterns("", ""),
            Kind::Contains if is_literal => patterns("*", "*"),
            Kind::StartsWith if is_literal => patterns("", "*"),
            Kind::EndsWith if is_literal => patterns("*", ""),
            Kind::Contains => called("stringContains"),
            Kind::StartsWith => called("startsWith"),
            Kind::EndsWith => called("endsWith"),
            Kind::Wildcard => {
                let written: Option<Vec<String>> = test.values.iter().map(|value| pattern(value)).collect();
                match written {
                    Some(values) => {
                        let values = values.iter().map(|value| escaped(value)).collect();
                        Text::atom(list(if test.cased { "like" } else { ":" }, values))
                    }
                    None => return self.by_regex(test),
                }
            }
            Kind::Term { .. } => return self.by_regex(test),
            Kind::Regex(regex) => self.regex(test, regex)?,
            Kind::Cidr => {
                let values: Vec<String> = test.values.iter().map(|value| escaped(value)).collect();
                Text::atom(format!("cidrMatch({field}, {})", values.join(", ")))
            }
            Kind::Order(op) => Text::atom(format!("{field} {} {}", sign(*op), test.values.concat())),
            Kind::SameAs => {
                let operator = if test.cased { "==" } else { ":" };
                Text::atom(format!("{field} {operator} {}", name(&test.values.concat())))
            }
        })
    }
}

/// A pattern whose literals are no wildcards.
fn pattern(value: &str) -> Option<String> {
    let piece = |piece: &Piece| match piece {
        Piece::Many => Some('*'),
        Piece::One => Some('?'),
        Piece::Char('*' | '?') => None,
        Piece::Char(character) => Some(*character),
    };
    Pattern::read(value).pieces().iter().map(piece).collect()
}

impl Eql {
    fn by_regex(&self, test: &Test) -> Result<Text, Refusal> {
        let regex = match terms_for_lucene(test) {
            Some(source) => Regex::read(&source, test.cased, &Modifier::Anchored.into()),
            None => Regex::read(&as_pattern(test).unwrap_or_default(), test.cased, &Modifiers::NONE),
        };
        let regex = regex.map_err(|why| refused(test, RefusalKind::Regex, why))?;
        self.regex(test, &regex)
    }

    fn regex(&self, test: &Test, regex: &Regex) -> Result<Text, Refusal> {
        let written = regex.write(Dialect::Lucene { lower: false });
        let written = written.map_err(|why| refused(test, RefusalKind::Regex, why))?;
        let operator = if test.cased { "regex" } else { "regex~" };
        Ok(Text::atom(format!("{} {operator} {}", name(&test.field), raw(&written))))
    }
}

/// A literal in which a backslash is itself.
pub(super) fn raw(text: &str) -> String {
    let fits = !text.contains("\"\"\"") && !text.ends_with('"') && !text.contains(['\n', '\r']);
    if fits && text.contains('\\') { format!("\"\"\"{text}\"\"\"") } else { escaped(text) }
}
