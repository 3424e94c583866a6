//! Kibana Query Language.

use ruleatlas_core::{Pattern, Piece};

use super::{Text, Writer, eql::sign, no_operator, refused};
use crate::{
    Refusal, RefusalKind,
    expr::{Expr, Kind, Test, plain},
    quote::{escaped, kuery_pieces},
};

pub(crate) fn write(expr: &Expr) -> Result<String, Vec<Refusal>> {
    Kuery.condition(expr)
}

struct Kuery;

impl Writer for Kuery {
    const AND: &'static str = " and ";
    const OR: &'static str = " or ";

    fn constant(&self, value: bool) -> Option<String> {
        value.then(|| "*".to_owned())
    }

    fn not(&self, inner: &str) -> String {
        format!("not {inner}")
    }

    fn test(&self, test: &Test) -> Result<Text, Refusal> {
        let field = test.field.chars().map(Piece::Char).collect::<Vec<_>>();
        let field = kuery_pieces(&field).map(|name| name.replace(' ', "\\u0020"));
        let Some(field) = field else { return Err(no_operator(test, "the field's name cannot be written in Kuery")) };
        let is_text = test.field.ends_with(".text") || TEXTS.contains(&test.field.as_str());
        if is_text && !matches!(test.kind, Kind::Exists | Kind::Term { begins: true, ends: true }) {
            let why = format!("`{}` is taken apart into words, which Kuery compares one by one", test.field);
            return Err(no_operator(test, why));
        }
        let has_case = test.values.iter().any(|value| value.chars().any(char::is_alphabetic));
        let compares_text =
            matches!(test.kind, Kind::Equal | Kind::Contains | Kind::StartsWith | Kind::EndsWith | Kind::Wildcard);
        if compares_text && has_case && test.cased == test.field.ends_with(".caseless") {
            let why = if test.cased {
                format!("`{}` is compared without case", test.field)
            } else {
                "Kuery compares with case, and the rule does not".to_owned()
            };
            return Err(refused(test, RefusalKind::Case, why));
        }
        let listed = |values: Vec<String>| match values.as_slice() {
            [only] => Text::atom(format!("{field}: {only}")),
            _ => Text::atom(format!("{field}: ({})", values.join(" or "))),
        };
        let patterns = |before: &[Piece], behind: &[Piece]| -> Option<Vec<String>> {
            let value = |value: &String| {
                let mut pieces = before.to_vec();
                pieces.extend(value.chars().map(Piece::Char));
                pieces.extend(behind);
                kuery_pieces(&pieces)
            };
            test.values.iter().map(value).collect()
        };
        let one = "Kuery has no wildcard for one character";
        Ok(match &test.kind {
            Kind::Keyword => {
                let has_wildcard =
                    |value: &String| Pattern::read(value).pieces().iter().any(|p| !matches!(p, Piece::Char(_)));
                // In words, what is in quotes is a pattern too.
                let has_star = |value: &String| plain(value).contains(['*', '?', '[']);
                if test.cased || test.values.iter().any(|value| has_wildcard(value) || has_star(value)) {
                    return Err(no_operator(test, "a pattern that any field may have"));
                }
                Text::any(test.values.iter().map(|value| escaped(&plain(value))).collect(), Self::OR)
            }
            Kind::Exists => Text::atom(format!("{field}: *")),
            Kind::Equal if test.is_bare => listed(test.values.clone()),
            Kind::Equal => listed(test.values.iter().map(|value| escaped(value)).collect()),
            Kind::Contains => listed(patterns(&[Piece::Many], &[Piece::Many]).ok_or_else(|| no_operator(test, one))?),
            Kind::StartsWith => listed(patterns(&[], &[Piece::Many]).ok_or_else(|| no_operator(test, one))?),
            Kind::EndsWith => listed(patterns(&[Piece::Many], &[]).ok_or_else(|| no_operator(test, one))?),
            Kind::Wildcard => {
                let written: Option<Vec<String>> =
                    test.values.iter().map(|value| kuery_pieces(Pattern::read(value).pieces())).collect();
                listed(written.ok_or_else(|| no_operator(test, one))?)
            }
            Kind::Term { begins: true, ends: true } if is_text => {
                listed(test.values.iter().map(|value| escaped(value)).collect())
            }
            Kind::Term { .. } => return Err(no_operator(test, "a word within a text")),
            Kind::Regex(_) => return Err(refused(test, RefusalKind::Regex, "Kuery has no regular expressions")),
            Kind::Cidr => listed(test.values.iter().map(|value| escaped(value)).collect()),
            Kind::Order(op) => Text::atom(format!("{field} {} {}", sign(*op), test.values.concat())),
            Kind::SameAs => return Err(no_operator(test, "Kuery cannot compare two fields")),
        })
    }
}

/// Fields of Elastic's schema that are taken apart into words.
const TEXTS: [&str; 6] = [
    "body.content",
    "error.message",
    "message",
    "powershell.command.invocation_details.value",
    "powershell.command.value",
    "powershell.file.script_block_text",
];
