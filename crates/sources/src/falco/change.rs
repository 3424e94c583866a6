//! A rule and what is changed of it.

use std::fmt::Write as _;

use ruleatlas_model::Diagnostic;
use ruleatlas_yaml::Node;

/// Bytes that a rule's condition may come to by what is appended to it.
const MAX_CONDITION: usize = 1 << 20;

/// A rule as Falco loads it.
#[derive(Debug, Default)]
pub(super) struct Effective<'a> {
    pub condition: String,
    pub description: String,
    pub output: String,
    pub priority: Option<String>,
    pub enabled: Option<bool>,
    pub tags: Vec<String>,
    pub diagnostics: Vec<Diagnostic>,
    source: Option<&'a str>,
    exceptions: Vec<Exception>,
}

/// Values for which a rule does not hold.
#[derive(Debug, Default)]
struct Exception {
    name: String,
    /// Each with its operator.
    fields: Vec<(String, String)>,
    /// Whether a single field is given, and values without lists around them.
    is_single: bool,
    /// Conditions, one a tuple of values; of a single field the items of its list.
    values: Vec<String>,
}

impl<'a> Effective<'a> {
    /// The rule that an item defines.
    pub fn of(item: &'a Node<'_>) -> Self {
        let text = |key: &str| item.text_of(key).unwrap_or_default().to_owned();
        let mut rule = Self {
            condition: text("condition"),
            description: text("desc"),
            output: text("output"),
            priority: item.text_of("priority").map(|word| word.trim().to_owned()),
            enabled: item.get("enabled").and_then(Node::as_bool),
            tags: item.texts_of("tags").into_iter().map(str::to_owned).collect(),
            source: item.text_of("source"),
            ..Self::default()
        };
        rule.except(item);
        rule
    }

    /// Where the rule's events are from.
    pub fn source(&self) -> &str {
        self.source.map_or("syscall", str::trim)
    }

    /// Takes over what an item changes.
    pub fn change(&mut self, item: &Node<'_>) {
        let all = item.get("append").and_then(Node::as_bool) == Some(true);
        let how = item.get("override");
        // What is not named in `override` is not changed.
        let appends = |key: &str| match how {
            Some(how) => how.text_of(key).map(|word| word.trim() == "append"),
            None if all => Some(true),
            None => Some(false),
        };
        for (key, value) in item.entries().unwrap_or_default() {
            let key = key.text().unwrap_or_default();
            let Some(append) = appends(key) else { continue };
            let text = value.text_or_null().unwrap_or_default();
            match key {
                "condition" => self.text(append, text, |rule| &mut rule.condition, item.line),
                "desc" => self.text(append, text, |rule| &mut rule.description, item.line),
                "output" => self.text(append, text, |rule| &mut rule.output, item.line),
                "priority" => self.priority = Some(text.trim().to_owned()),
                "enabled" => self.enabled = value.as_bool(),
                "tags" => {
                    if !append {
                        self.tags.clear();
                    }
                    for tag in value.items_or_self().iter().filter_map(Node::text_or_null) {
                        if !self.tags.iter().any(|known| known == tag) && self.tags.len() < 1_000 {
                            self.tags.push(tag.to_owned());
                        }
                    }
                }
                "exceptions" => {
                    if !append {
                        self.exceptions.clear();
                    }
                    self.except(item);
                }
                _ => {}
            }
        }
    }

    fn text(&mut self, append: bool, text: &str, place: fn(&mut Self) -> &mut String, line: u32) {
        let own = place(self);
        if !append {
            own.clear();
        } else if own.len() + text.len() > MAX_CONDITION {
            let message =
                format!("what is appended comes to more than {} MiB; the rest is left out", MAX_CONDITION >> 20);
            self.diagnostics.push(Diagnostic::error(ruleatlas_core::BUDGET, message).on_line(line));
            return;
        } else if !own.is_empty() && !own.ends_with('\n') {
            own.push('\n');
        }
        own.push_str(text);
    }

    /// Adds the exceptions of an item; values of one that is known by name are added to it.
    fn except(&mut self, item: &Node<'_>) {
        let Some(exceptions) = item.get("exceptions") else { return };
        for node in exceptions.items_or_self() {
            let name = node.text_of("name").unwrap_or_default();
            let known = self.exceptions.iter().position(|exception| exception.name == name && !name.is_empty());
            let place = known.unwrap_or(self.exceptions.len());
            if known.is_none() {
                self.exceptions.push(Exception::of(node, name));
            }
            let Some(exception) = self.exceptions.get_mut(place) else { continue };
            if exception.fields.is_empty() {
                let message = format!("the exception `{name}` names no `fields`");
                self.diagnostics.push(Diagnostic::warning("invalid exception", message).on_line(node.line));
                continue;
            }
            for tuple in node.get("values").map_or(&[][..], Node::items_or_self) {
                if !exception.add(tuple) {
                    let message =
                        format!("the exception `{name}` has {} fields and not as many values", exception.fields.len());
                    self.diagnostics.push(Diagnostic::warning("invalid exception", message).on_line(tuple.line));
                }
            }
        }
    }

    /// The condition with the exceptions behind it.
    pub fn query(&self) -> String {
        let exceptions: Vec<String> = self.exceptions.iter().filter_map(Exception::condition).collect();
        if exceptions.is_empty() || self.condition.trim().is_empty() {
            return self.condition.clone();
        }
        let mut query = format!("({})", self.condition.trim());
        for exception in exceptions {
            let _ = write!(query, "\nand not {exception}");
        }
        query.push('\n');
        query
    }
}

impl Exception {
    fn of(node: &Node<'_>, name: &str) -> Self {
        let is_single = node.get("fields").is_some_and(|fields| fields.text().is_some());
        let comparisons = node.texts_of("comps");
        let default = if is_single { "in" } else { "=" };
        let fields =
            node.texts_of("fields").into_iter().enumerate().map(|(at, field)| {
                (field.to_owned(), comparisons.get(at).copied().unwrap_or(default).trim().to_owned())
            });
        Self { name: name.to_owned(), fields: fields.collect(), is_single, values: Vec::new() }
    }

    /// Adds a tuple of values; `false` where it does not fit the fields.
    fn add(&mut self, tuple: &Node<'_>) -> bool {
        if self.is_single {
            let items = tuple.items_or_self().iter().filter_map(Node::text);
            self.values.extend(items.map(literal));
            return true;
        }
        let values = tuple.items_or_self();
        if values.len() != self.fields.len() {
            return false;
        }
        let checks: Vec<String> = self
            .fields
            .iter()
            .zip(values)
            .map(|((field, comparison), value)| {
                let takes_list = ruleatlas_falco::ast::Operator::of(comparison).is_some_and(|known| known.takes_list());
                let items: Vec<String> = value.items_or_self().iter().filter_map(Node::text).map(literal).collect();
                let right = match takes_list || value.items().is_some() {
                    // A list may be written as its condition has it.
                    true if value.text().is_some_and(|text| text.starts_with('(')) => {
                        value.text().unwrap_or_default().to_owned()
                    }
                    true => format!("({})", items.join(", ")),
                    false => items.concat(),
                };
                format!("{field} {comparison} {right}")
            })
            .collect();
        self.values.push(format!("({})", checks.join(" and ")));
        true
    }

    /// The condition of an event that is left out; `None` where no value is given.
    fn condition(&self) -> Option<String> {
        let (field, comparison) = self.fields.first()?;
        match (self.values.is_empty(), self.is_single) {
            (true, _) => None,
            (false, true) => Some(format!("({field} {comparison} ({}))", self.values.join(", "))),
            (false, false) => Some(format!("({})", self.values.join("\n  or "))),
        }
    }
}

/// A value as a condition writes it: in quotes where it would be read otherwise without.
fn literal(text: &str) -> String {
    let is_quoted =
        ['"', '\''].iter().any(|quote| text.len() > 1 && text.starts_with(*quote) && text.ends_with(*quote));
    let is_bare = !text.is_empty() && !text.contains([' ', '\t', '\r', '\n', '\u{8}', '(', ')', ',', '=', '"', '\'']);
    if is_quoted || is_bare {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
