//! ES|QL.

use ruleatlas_core::{Pattern, Piece};
use ruleatlas_model::Modifier;

use super::{
    Reads, Text, Writer,
    eql::{raw, sign},
    no_operator, refused, terms_for_lucene,
};
use crate::{
    Refusal, RefusalKind,
    expr::{Expr, Kind, Test},
    quote::{escaped, is_plain_name},
    regex::{Dialect, Regex},
};

pub(crate) fn write(reads: &Reads, expr: &Expr) -> Result<String, Vec<Refusal>> {
    let index = reads.sources.first().map_or("logs-*", |source| source.name.as_str());
    Ok(format!("FROM {index}\n| WHERE {}", Esql.condition(expr)?))
}

struct Esql;

fn name(field: &str) -> String {
    let quoted = |part: &str| match is_plain_name(part, "_@") {
        true => part.to_owned(),
        false => format!("`{}`", part.replace('`', "``")),
    };
    field.split('.').map(quoted).collect::<Vec<_>>().join(".")
}

impl Writer for Esql {
    const AND: &'static str = " AND ";
    const OR: &'static str = " OR ";

    fn constant(&self, value: bool) -> Option<String> {
        Some(value.to_string())
    }

    fn not(&self, inner: &str) -> String {
        format!("NOT {inner}")
    }

    fn missing(&self, test: &Test) -> Option<String> {
        match test.kind {
            Kind::Exists => None,
            Kind::SameAs => Some(format!("{} IS NULL OR {} IS NULL", name(&test.field), name(&test.values.concat()))),
            _ => Some(format!("{} IS NULL", name(&test.field))),
        }
    }

    fn test(&self, test: &Test) -> Result<Text, Refusal> {
        let field = name(&test.field);
        let lower = !test.cased && !test.is_bare;
        let subject = if lower { format!("TO_LOWER({field})") } else { field.clone() };
        let spelled = |value: &String| if lower { value.to_lowercase() } else { value.clone() };
        let each = |write: &dyn Fn(&str) -> String| {
            Text::any(test.values.iter().map(|value| write(&spelled(value))).collect(), Self::OR)
        };
        Ok(match &test.kind {
            Kind::Keyword => return Err(no_operator(test, "ES|QL cannot look for a text in any field")),
            Kind::Exists => Text::atom(format!("{field} IS NOT NULL")),
            Kind::Equal => {
                let literal = |value: &String| if test.is_bare { value.clone() } else { escaped(&spelled(value)) };
                let values: Vec<String> = test.values.iter().map(literal).collect();
                Text::atom(match values.as_slice() {
                    [only] => format!("{subject} == {only}"),
                    _ => format!("{subject} IN ({})", values.join(", ")),
                })
            }
            Kind::Contains => each(&|value| format!("{subject} LIKE {}", raw(&format!("*{}*", like(value))))),
            Kind::StartsWith => each(&|value| format!("STARTS_WITH({subject}, {})", escaped(value))),
            Kind::EndsWith => each(&|value| format!("ENDS_WITH({subject}, {})", escaped(value))),
            Kind::Wildcard => each(&|value| {
                let piece = |piece: &Piece| match piece {
                    Piece::Many => "*".to_owned(),
                    Piece::One => "?".to_owned(),
                    Piece::Char(character) => like(character.encode_utf8(&mut [0; 4])),
                };
                let pattern: String = Pattern::read(value).pieces().iter().map(piece).collect();
                format!("{subject} LIKE {}", raw(&pattern))
            }),
            Kind::Term { .. } => {
                let source = terms_for_lucene(test).unwrap_or_default();
                let regex = Regex::read(&source, test.cased, &Modifier::Anchored.into());
                return regex_test(test, &regex.map_err(|why| refused(test, RefusalKind::Regex, why))?);
            }
            Kind::Regex(regex) => return regex_test(test, regex),
            Kind::Cidr => {
                let values: Vec<String> = test.values.iter().map(|value| escaped(value)).collect();
                Text::atom(format!("CIDR_MATCH({field}, {})", values.join(", ")))
            }
            Kind::Order(op) => Text::atom(format!("{field} {} {}", sign(*op), test.values.concat())),
            Kind::SameAs if test.cased => Text::atom(format!("{field} == {}", name(&test.values.concat()))),
            Kind::SameAs => return Err(refused(test, RefusalKind::Case, "ES|QL compares two fields with case")),
        })
    }
}

fn regex_test(test: &Test, regex: &Regex) -> Result<Text, Refusal> {
    let lower = !regex.cased;
    let written = regex.write(Dialect::Lucene { lower });
    let written = written.map_err(|why| refused(test, RefusalKind::Regex, why))?;
    let field = name(&test.field);
    let subject = if lower { format!("TO_LOWER({field})") } else { field };
    Ok(Text::atom(format!("{subject} RLIKE {}", raw(&written))))
}

/// A text within a pattern of `LIKE`.
fn like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}
