//! Sigma: a whole rule, as its log source is no part of a query.

use std::fmt::Write as _;

use ruleatlas_core::Pattern;
use ruleatlas_model::{Modifier, Modifiers, Op, Rule, Severity, SourceKind};

use super::{Reads, as_pattern, no_operator, refused};
use crate::{
    Refusal, RefusalKind,
    expr::{Expr, Kind, Test},
    quote::{sigma_escaped, sigma_pieces, yaml, yaml_key},
    regex::{Dialect, Regex},
};

/// Selections of one rule.
const MAX_SELECTIONS: usize = 2_000;

pub(crate) fn write(rule: &Rule, reads: &Reads, expr: &Expr) -> Result<String, Vec<Refusal>> {
    let mut detection = Detection::default();
    let condition = detection.condition(expr, false, true);
    if detection.selections.len() > MAX_SELECTIONS {
        let why = format!("the rule would have more than {MAX_SELECTIONS} selections");
        detection.refusals.push(Refusal { span: None, kind: RefusalKind::TooLarge, why });
    }
    if !detection.refusals.is_empty() {
        return Err(detection.refusals);
    }
    let mut text = String::new();
    let title = if rule.title.trim().is_empty() { "Converted rule" } else { rule.title.trim() };
    let _ = writeln!(text, "title: {}", yaml(title));
    let _ = writeln!(text, "status: experimental");
    if !rule.id.is_empty() {
        let _ = writeln!(
            text,
            "description: {}",
            yaml(&format!("Converted from {} ({}).", rule.id, rule.language.info().title))
        );
    }
    text.push_str("logsource:\n");
    for source in &reads.sources {
        let key = match source.kind {
            SourceKind::Category => "category",
            SourceKind::Service => "service",
            _ => "product",
        };
        let _ = writeln!(text, "  {key}: {}", yaml_key(&source.name));
    }
    text.push_str("detection:\n");
    for (name, lines) in &detection.selections {
        let _ = writeln!(text, "  {name}:");
        for line in lines {
            let _ = writeln!(text, "    {line}");
        }
    }
    let _ = writeln!(text, "  condition: {condition}");
    if let Some(severity) = rule.severity {
        let level = if severity == Severity::Informational { "informational" } else { severity.name() };
        let _ = writeln!(text, "level: {level}");
    }
    Ok(text)
}

#[derive(Default)]
struct Detection {
    selections: Vec<(String, Vec<String>)>,
    counts: [usize; 2],
    refusals: Vec<Refusal>,
}

/// An item of a selection: its key, and its value or values.
struct Item {
    key: String,
    values: Vec<String>,
}

impl Detection {
    /// The condition over selections that are made on the way. `is_filter` is whether the part is negated, for the names.
    fn condition(&mut self, expr: &Expr, is_filter: bool, is_top: bool) -> String {
        if let Expr::Not(inner) = expr {
            let inner = self.condition(inner, !is_filter, false);
            return format!("not {inner}");
        }
        if let Some(lines) = self.block(expr) {
            return self.select(lines, is_filter);
        }
        match expr {
            Expr::All(parts) | Expr::Any(parts) if !parts.is_empty() => {
                let is_all = matches!(expr, Expr::All(_));
                let mut names = Vec::new();
                let mut rest: Vec<&Expr> = Vec::new();
                if is_all {
                    // What is asked for together stands in one selection, as far as no key stands twice.
                    let mut items: Vec<Item> = Vec::new();
                    for part in parts {
                        match part {
                            Expr::Test(test) if test.kind != Kind::Keyword => {
                                let Some(item) = self.item(test) else { continue };
                                match items.iter().any(|known| known.key == item.key) {
                                    true => rest.push(part),
                                    false => items.push(item),
                                }
                            }
                            other => rest.push(other),
                        }
                    }
                    if !items.is_empty() {
                        names.push(self.select(map_lines(&items), is_filter));
                    }
                } else {
                    rest.extend(parts);
                }
                names.extend(rest.into_iter().map(|part| self.condition(part, is_filter, false)));
                let joined = names.join(if is_all { " and " } else { " or " });
                if is_top || names.len() == 1 { joined } else { format!("({joined})") }
            }
            _ => {
                let why = "a condition that always or never holds cannot be written".to_owned();
                self.refusals.push(Refusal { span: None, kind: RefusalKind::Operator, why });
                String::new()
            }
        }
    }

    fn select(&mut self, lines: Vec<String>, is_filter: bool) -> String {
        let stem = if is_filter { "filter" } else { "selection" };
        let count = &mut self.counts[usize::from(is_filter)];
        *count += 1;
        let name = if *count == 1 { stem.to_owned() } else { format!("{stem}_{count}") };
        self.selections.push((name.clone(), lines));
        name
    }

    /// The lines of a selection that says it all: a mapping, a list of mappings, or keywords.
    fn block(&mut self, expr: &Expr) -> Option<Vec<String>> {
        let keywords = |test: &Test| {
            (test.kind == Kind::Keyword && !test.cased).then(|| {
                let value = |value: &String| format!("- {}", yaml(&sigma_pieces(Pattern::read(value).pieces())));
                test.values.iter().map(value).collect::<Vec<String>>()
            })
        };
        match expr {
            Expr::Test(test) if test.kind == Kind::Keyword => {
                let lines = keywords(test);
                if lines.is_none() {
                    self.refusals.push(refused(test, RefusalKind::Case, "Sigma looks for a keyword without case"));
                }
                Some(lines.unwrap_or_default())
            }
            Expr::Test(test) => Some(map_lines(&[self.item(test)?])),
            Expr::All(parts) if !parts.is_empty() => self.mapping(parts).map(|items| map_lines(&items)),
            Expr::Any(parts) if !parts.is_empty() => {
                let tests = |part: &Expr| match part {
                    Expr::Test(test) => test.kind == Kind::Keyword,
                    _ => false,
                };
                if parts.iter().all(tests) {
                    let lists: Option<Vec<Vec<String>>> = parts
                        .iter()
                        .map(|part| if let Expr::Test(test) = part { keywords(test) } else { None })
                        .collect();
                    return lists.map(|lists| lists.concat());
                }
                let mut lines = Vec::new();
                for part in parts {
                    let items = match part {
                        Expr::Test(test) if test.kind != Kind::Keyword => vec![self.item(test)?],
                        Expr::All(inner) => self.mapping(inner)?,
                        _ => return None,
                    };
                    for (at, line) in map_lines(&items).into_iter().enumerate() {
                        lines.push(format!("{} {line}", if at == 0 { "-" } else { " " }));
                    }
                }
                Some(lines)
            }
            _ => None,
        }
    }

    /// The items of tests that hold together, where no key stands twice.
    fn mapping(&mut self, parts: &[Expr]) -> Option<Vec<Item>> {
        let is_plain = |part: &Expr| matches!(part, Expr::Test(test) if test.kind != Kind::Keyword);
        if parts.is_empty() || !parts.iter().all(is_plain) {
            return None;
        }
        let mut items: Vec<Item> = Vec::new();
        for part in parts {
            let Expr::Test(test) = part else { return None };
            let item = self.item(test)?;
            if items.iter().any(|known| known.key == item.key) {
                return None;
            }
            items.push(item);
        }
        Some(items)
    }

    fn item(&mut self, test: &Test) -> Option<Item> {
        match item(test) {
            Ok(item) => Some(item),
            Err(refusal) => {
                if !self.refusals.contains(&refusal) {
                    self.refusals.push(refusal);
                }
                // So that the walk goes on.
                Some(Item { key: String::new(), values: Vec::new() })
            }
        }
    }
}

fn map_lines(items: &[Item]) -> Vec<String> {
    let mut lines = Vec::new();
    for item in items {
        match item.values.as_slice() {
            [only] => lines.push(format!("{}: {only}", item.key)),
            values => {
                lines.push(format!("{}:", item.key));
                lines.extend(values.iter().map(|value| format!("  - {value}")));
            }
        }
    }
    lines
}

fn item(test: &Test) -> Result<Item, Refusal> {
    if test.field.contains('|') {
        return Err(refused(test, RefusalKind::Field, format!("`{}` is no name of a field in Sigma", test.field)));
    }
    let escaped = |value: &String| if test.is_bare { value.clone() } else { yaml(&sigma_escaped(value)) };
    let texts = || test.values.iter().map(escaped).collect::<Vec<String>>();
    let as_is = || test.values.iter().map(|value| yaml(value)).collect::<Vec<String>>();
    let regex = |regex: &Regex| -> Result<(Vec<&'static str>, Vec<String>), Refusal> {
        let written = regex.write(Dialect::Perl).map_err(|why| refused(test, RefusalKind::Regex, why))?;
        let mut modifiers = vec!["re"];
        modifiers.extend((!regex.cased).then_some("i"));
        let flags = regex.flags();
        modifiers.extend(flags.contains('m').then_some("m"));
        modifiers.extend(flags.contains('s').then_some("s"));
        Ok((modifiers, vec![yaml(&written)]))
    };
    let (mut modifiers, values) = match &test.kind {
        Kind::Equal => (vec![], texts()),
        Kind::Contains => (vec!["contains"], texts()),
        Kind::StartsWith => (vec!["startswith"], texts()),
        Kind::EndsWith => (vec!["endswith"], texts()),
        Kind::Wildcard => {
            let value = |value: &String| yaml(&sigma_pieces(Pattern::read(value).pieces()));
            (vec![], test.values.iter().map(value).collect())
        }
        Kind::Regex(pattern) => regex(pattern)?,
        Kind::Term { .. } => {
            let source = as_pattern(test).unwrap_or_default();
            let read = Regex::read(&source, test.cased, &Modifiers::NONE);
            regex(&read.map_err(|why| refused(test, RefusalKind::Regex, why))?)?
        }
        Kind::Cidr => (vec!["cidr"], as_is()),
        Kind::Order(op) => {
            let word = match op {
                Op::Lt => "lt",
                Op::Lte => "lte",
                Op::Gt => "gt",
                _ => "gte",
            };
            (vec![word], test.values.clone())
        }
        Kind::Exists => (vec!["exists"], vec!["true".to_owned()]),
        Kind::SameAs => (vec!["fieldref"], as_is()),
        Kind::Keyword => return Err(no_operator(test, "a keyword among fields")),
    };
    let transforming: Vec<&str> = test.modifiers.iter().map(word_of).collect();
    // `windash` and the encodings stand before the part that is compared.
    modifiers.splice(0..0, transforming);
    if test.cased
        && matches!(test.kind, Kind::Equal | Kind::Contains | Kind::StartsWith | Kind::EndsWith | Kind::Wildcard)
    {
        modifiers.push("cased");
    }
    if test.cased && test.kind == Kind::SameAs {
        modifiers.insert(0, "cased");
    }
    let mut key = test.field.clone();
    for modifier in modifiers {
        key.push('|');
        key.push_str(modifier);
    }
    Ok(Item { key: yaml_key(&key), values })
}

/// A modifier as Sigma calls it.
fn word_of(modifier: Modifier) -> &'static str {
    modifier.name()
}
