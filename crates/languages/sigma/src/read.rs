//! From YAML to the tree of a detection.

use ruleatlas_syntax::{Parsed, Span, SyntaxError};
use ruleatlas_yaml::{Node as Yaml, Value};

use crate::{
    ast::{Detection, Item, NamedSelection, Scalar, Selection},
    condition::parse_condition,
    error::ErrorKind,
};

/// Reads a detection, or a rule that has one under the key `detection`; of several documents the first.
///
/// What cannot be read of it is left out of the tree, with an error.
#[must_use]
pub fn parse(text: &str) -> Parsed<Detection, ErrorKind> {
    let mut reader = Reader { errors: Vec::new() };
    let tree = match ruleatlas_yaml::parse(text) {
        Ok(yaml) => {
            for warning in yaml.warnings {
                let place = line_start(text, warning.line);
                reader.error(ErrorKind::DuplicateKey, place, warning.message);
            }
            match yaml.documents.first() {
                Some(document) => reader.rule(document),
                None => {
                    reader.error(ErrorKind::MissingDetection, Span::default(), "the text holds no detection");
                    Detection::default()
                }
            }
        }
        Err(error) => {
            reader.error(ErrorKind::NotYaml, line_start(text, error.line), error.message);
            Detection::default()
        }
    };
    Parsed { tree, errors: reader.errors }
}

/// The empty place at the start of a one-based line.
fn line_start(text: &str, line: u32) -> Span {
    let lines = text.split_inclusive('\n').take(line.saturating_sub(1) as usize);
    let start = lines.map(str::len).sum();
    Span::new(start, start)
}

struct Reader {
    errors: Vec<SyntaxError<ErrorKind>>,
}

impl Reader {
    fn error(&mut self, kind: ErrorKind, span: Span, message: impl Into<String>) {
        self.errors.push(SyntaxError::new(kind, span, message));
    }

    fn rule(&mut self, document: &Yaml<'_>) -> Detection {
        let detection = document.get("detection").filter(|_| document.get("condition").is_none()).unwrap_or(document);
        let mut tree = Detection::default();
        let Some(entries) = detection.entries() else {
            self.error(ErrorKind::MissingDetection, span_of(detection), "selections and a condition must stand here");
            return tree;
        };
        let is_rule = ["title", "logsource", "id"].iter().any(|key| detection.get(key).is_some());
        if is_rule && detection.get("condition").is_none() {
            self.error(ErrorKind::MissingDetection, span_of(detection), "the rule has no detection");
            return tree;
        }
        let mut has_condition = false;
        for (key, value) in entries {
            match key.text() {
                Some("condition") => {
                    has_condition = true;
                    self.conditions(value, &mut tree);
                }
                Some("timeframe") if value.text().is_some() => tree.timeframe = value.text().map(str::to_owned),
                Some(name) => {
                    let span = Span::new(key.start, value.end.max(key.end));
                    if let Some(selection) = self.selection(value, span) {
                        tree.selections.push(NamedSelection { name: name.to_owned(), selection, span });
                    }
                }
                None => self.error(ErrorKind::WrongType, span_of(key), "a selection's name must be text"),
            }
        }
        if !has_condition {
            self.error(ErrorKind::MissingCondition, span_of(detection), "a detection needs a condition");
        }
        tree
    }

    fn conditions(&mut self, value: &Yaml<'_>, tree: &mut Detection) {
        for condition in value.items_or_self() {
            let Some(text) = condition.text() else {
                self.error(ErrorKind::WrongType, span_of(condition), "a condition must be text");
                continue;
            };
            let parsed = parse_condition(text);
            // Quoting and folding may have moved the text: what is wrong in it is said of the whole.
            self.errors
                .extend(parsed.errors.into_iter().map(|error| SyntaxError { span: span_of(condition), ..error }));
            tree.conditions.push(parsed.tree);
        }
    }

    fn selection(&mut self, value: &Yaml<'_>, span: Span) -> Option<Selection> {
        match &value.value {
            Value::Mapping(entries) if !entries.is_empty() => {
                Some(Selection::All(entries.iter().filter_map(|(key, value)| self.item(key, value)).collect()))
            }
            Value::Sequence(items) if !items.is_empty() => {
                Some(Selection::Any(items.iter().filter_map(|item| self.selection(item, span_of(item))).collect()))
            }
            Value::Scalar(..) if !value.is_null() => scalar(value).map(Selection::Keyword),
            _ => {
                self.error(ErrorKind::EmptySelection, span, "a selection without content selects nothing");
                None
            }
        }
    }

    fn item(&mut self, key: &Yaml<'_>, value: &Yaml<'_>) -> Option<Item> {
        let span = Span::new(key.start, value.end.max(key.end));
        let Some(name) = key.text() else {
            self.error(ErrorKind::WrongType, span, "a detection item's key must be text");
            return None;
        };
        let is_list = value.items().is_some();
        let values: Option<Vec<Scalar>> = value
            .items()
            .map_or_else(|| scalar(value).map(|value| vec![value]), |items| items.iter().map(scalar).collect());
        let Some(values) = values else {
            self.error(ErrorKind::WrongType, span, format!("`{name}` wants a value or a list of values"));
            return None;
        };
        let mut parts = name.split('|').map(str::to_owned);
        Some(Item { field: parts.next().unwrap_or_default(), modifiers: parts.collect(), values, is_list, span })
    }
}

fn scalar(node: &Yaml<'_>) -> Option<Scalar> {
    let text = node.text()?;
    Some(match () {
        () if node.is_null() => Scalar::Null,
        () if node.is_plain() && Scalar::is_bare(text) => Scalar::Bare(text.to_owned()),
        () => Scalar::Text(text.to_owned()),
    })
}

fn span_of(node: &Yaml<'_>) -> Span {
    Span::new(node.start, node.end)
}
