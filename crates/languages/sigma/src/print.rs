//! Trees to text: reading the text gives the same tree.

use std::fmt;

use ruleatlas_syntax::{Parts, print, quote_with};

use crate::ast::{Condition, Detection, Expr, Item, NamedSelection, Scalar, Selection};

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, (self, Level::Or), expand_expr)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.expr)?;
        match &self.aggregation {
            Some(aggregation) => write!(f, " | {}", aggregation.text),
            None => Ok(()),
        }
    }
}

/// As YAML: what stands under the key `detection` of a rule, without indentation.
impl fmt::Display for Detection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, Yaml::Detection(self), expand_yaml)
    }
}

/// How tightly an expression binds, from loose to tight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
    Primary,
}

fn expand_expr<'a>((expr, least): (&'a Expr, Level), parts: &mut Parts<'a, (&'a Expr, Level)>) {
    let own = match expr {
        Expr::Or(_) => Level::Or,
        Expr::And(_) => Level::And,
        Expr::Not(_) => Level::Not,
        Expr::Name { .. } | Expr::Of { .. } | Expr::Broken { .. } => Level::Primary,
    };
    parts.parenthesized(own < least, |parts| match expr {
        Expr::Or(children) => parts.list(children.iter().map(|child| (child, Level::And)), " or "),
        Expr::And(children) => parts.list(children.iter().map(|child| (child, Level::Not)), " and "),
        Expr::Not(inner) => {
            parts.text("not ");
            // Two of them would be none.
            parts.node((inner, Level::Primary));
        }
        Expr::Name { name, .. } => parts.text(&**name),
        Expr::Of { all, pattern, .. } => {
            parts.text(if *all { "all of " } else { "1 of " });
            parts.text(&**pattern);
        }
        Expr::Broken { text, .. } => parts.text(&**text),
    });
}

/// A step of indentation, as the specification's examples have it.
const STEP: usize = 4;

#[derive(Clone, Copy)]
enum Yaml<'a> {
    Detection(&'a Detection),
    Named(&'a NamedSelection),
    /// A selection behind a key, which stands on this column.
    Behind(&'a Selection, usize),
    /// A selection behind the dash of a list, which stands on this column.
    Listed(&'a Selection, usize),
}

fn expand_yaml<'a>(yaml: Yaml<'a>, parts: &mut Parts<'a, Yaml<'a>>) {
    match yaml {
        Yaml::Detection(detection) => {
            for named in &detection.selections {
                parts.node(Yaml::Named(named));
            }
            if let Some(timeframe) = &detection.timeframe {
                parts.text(format!("timeframe: {}\n", write_text(timeframe)));
            }
            match detection.conditions.as_slice() {
                [] => {}
                [condition] => parts.text(format!("condition: {}\n", write_condition(condition))),
                conditions => {
                    parts.text("condition:\n");
                    for condition in conditions {
                        parts.text(format!("{:STEP$}- {}\n", "", write_condition(condition)));
                    }
                }
            }
        }
        Yaml::Named(named) => {
            parts.text(write_key(&named.name));
            parts.text(":");
            parts.node(Yaml::Behind(&named.selection, 0));
        }
        Yaml::Behind(selection, column) => {
            let inner = column + STEP;
            match selection {
                Selection::Keyword(value) => parts.text(format!(" {}\n", write_scalar(value))),
                Selection::All(items) if items.is_empty() => parts.text(" {}\n"),
                Selection::Any(items) if items.is_empty() => parts.text(" []\n"),
                Selection::All(items) => {
                    parts.text("\n");
                    for item in items {
                        parts.text(format!("{:inner$}{}", "", write_item(item, inner)));
                    }
                }
                Selection::Any(alternatives) => {
                    parts.text("\n");
                    list(alternatives, inner, parts);
                }
            }
        }
        Yaml::Listed(selection, column) => {
            let inner = column + STEP;
            match selection {
                Selection::Keyword(value) => parts.text(format!(" {}\n", write_scalar(value))),
                Selection::All(items) if items.is_empty() => parts.text(" {}\n"),
                Selection::Any(items) if items.is_empty() => parts.text(" []\n"),
                // The first key stands behind the dash, the others below it.
                Selection::All(items) => {
                    for (at, item) in items.iter().enumerate() {
                        let indent = if at == 0 { 1 } else { column + 2 };
                        parts.text(format!("{:indent$}{}", "", write_item(item, column + 2)));
                    }
                }
                Selection::Any(alternatives) => {
                    parts.text("\n");
                    list(alternatives, inner, parts);
                }
            }
        }
    }
}

fn list<'a>(alternatives: &'a [Selection], column: usize, parts: &mut Parts<'a, Yaml<'a>>) {
    for alternative in alternatives {
        parts.text(format!("{:column$}-", ""));
        parts.node(Yaml::Listed(alternative, column));
    }
}

/// An item whose key stands on a column; it ends its line.
fn write_item(item: &Item, column: usize) -> String {
    let mut key = item.field.clone();
    for modifier in &item.modifiers {
        key.push('|');
        key.push_str(modifier);
    }
    let key = write_key(&key);
    match item.values.as_slice() {
        [] => format!("{key}: []\n"),
        [value] if !item.is_list => format!("{key}: {}\n", write_scalar(value)),
        values => {
            let inner = column + STEP;
            let values: String =
                values.iter().map(|value| format!("{:inner$}- {}\n", "", write_scalar(value))).collect();
            format!("{key}:\n{values}")
        }
    }
}

fn write_scalar(value: &Scalar) -> String {
    match value {
        Scalar::Null => "null".to_owned(),
        Scalar::Bare(text) if Scalar::is_bare(text) && is_printable(text) => text.clone(),
        Scalar::Bare(text) | Scalar::Text(text) => write_text(text),
    }
}

fn write_key(key: &str) -> String {
    let is_part = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-' | '|');
    let is_plain = key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && key.chars().all(is_part)
        && !is_word_of_yaml(key);
    if is_plain { key.to_owned() } else { quote(key) }
}

fn write_text(text: &str) -> String {
    let is_part = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-' | '/');
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(is_part)
        && !is_word_of_yaml(text)
        && !Scalar::is_bare(text);
    if is_plain { text.to_owned() } else { quote(text) }
}

/// A condition is plain where YAML lets it be.
fn write_condition(condition: &Condition) -> String {
    let text = condition.to_string();
    let is_part =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '*' | '(' | ')' | ' ');
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '(')
        && text.chars().all(is_part)
        && !text.ends_with(' ')
        && !is_word_of_yaml(&text)
        && !Scalar::is_bare(&text);
    if is_plain { text } else { quote(&text) }
}

/// Words that YAML readers take for something other than text.
fn is_word_of_yaml(text: &str) -> bool {
    ["null", "true", "false", "yes", "no", "on", "off", "y", "n"].iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn is_printable(text: &str) -> bool {
    !text.chars().any(|character| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}'))
}

/// In single quotes, in which nothing is escaped; in double quotes where there is what cannot be seen.
fn quote(text: &str) -> String {
    if is_printable(text) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let is_plain = |character: char| is_printable(character.encode_utf8(&mut [0; 4]));
    quote_with(text, |character| (!is_plain(character)).then(|| format!("\\u{:04x}", u32::from(character))))
}
