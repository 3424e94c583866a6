//! Wazuh's rules files: XML with several roots, groups of rules that stand on each other, and the lists that they look up.
//!
//! A rule's query is its element as written. A rule without an alert of its own (level 0, `noalert`) is a step on the way to
//! others: it is listed, and not counted.

mod library;

use std::borrow::Cow;

use ruleatlas_core::{Context, NoContext};
use ruleatlas_model::{Diagnostic, Kind, Language, Rule, Severity, Vendor};
use ruleatlas_wazuh::ast;
use serde_json::json;

use crate::{Draft, Format, Outcome, RawTag, SourceFile, TagPlace, ids::Ids};

/// The format of Wazuh's rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WazuhRules;

impl Format for WazuhRules {
    fn extensions(&self) -> &'static [&'static str] {
        &["xml"]
    }

    fn context<'a>(&self, files: &'a [SourceFile]) -> Box<dyn Context + 'a> {
        Box::new(library::Library::of(files))
    }

    fn read(&self, file: &SourceFile, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        self.read_in(file, &NoContext, sink)
    }

    fn read_in(&self, file: &SourceFile, context: &dyn Context, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        let Some(text) = file.text() else { return no_rule("no text") };
        if file.extension() != "xml" {
            return no_rule(if library::is_list(file) { "a list that rules look up" } else { "no XML file" });
        }
        let (document, faults) = ruleatlas_wazuh::parse(text);
        let lines = Lines::of(text);
        if document.rules.is_empty() {
            return match faults.first() {
                Some(fault) => {
                    Outcome::Unreadable(fault.message.clone(), fault.span.map(|span| lines.line(span.start)))
                }
                None if text.contains("<decoder") => no_rule("decoders of logs"),
                None => no_rule("no rule in it"),
            };
        }
        let mut ids = Ids::default();
        let mut said: Vec<Diagnostic> = faults
            .into_iter()
            .map(|fault| {
                let line = fault.span.map_or(1, |span| lines.line(span.start));
                Diagnostic { span: None, ..fault }.on_line(line)
            })
            .collect();
        for rule in &document.rules {
            let Some(query) = rule.element.span.of(text) else { continue };
            let mut draft = draft(rule, query, &file.path, lines.line(rule.element.span.start), context);
            draft.rule.diagnostics.append(&mut said);
            ids.tell_apart(&mut draft.rule);
            sink(draft);
        }
        Outcome::Rules
    }
}

fn no_rule(reason: &'static str) -> Outcome {
    Outcome::NotARule(Cow::Borrowed(reason))
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The one-based line of a place.
    fn line(&self, at: u32) -> u32 {
        u32::try_from(self.0.partition_point(|newline| *newline < at as usize)).unwrap_or(u32::MAX).saturating_add(1)
    }
}

fn draft<'d>(found: &ast::Rule, query: &str, path: &str, line: u32, context: &dyn Context) -> Draft<'d> {
    let mut rule = Rule::blank(Vendor::Wazuh, Language::Wazuh, path);
    rule.line = line;
    query.clone_into(&mut rule.query);
    rule.kind = match found.is_silent() {
        true => Kind::Grouping,
        false if ruleatlas_wazuh::frequency(found).is_some() => Kind::Correlation,
        false => Kind::Rule,
    };
    rule.id = match found.id() {
        "" => {
            let message = "the rule has no `id`; its path stands for it".to_owned();
            rule.diagnostics.push(Diagnostic::warning("no id", message).on_line(line));
            format!("{}/{path}", Vendor::Wazuh)
        }
        id => format!("{}/{id}", Vendor::Wazuh),
    };
    let texts = |name: &str| -> Vec<String> {
        let elements = found.element.all(name);
        elements.map(|element| element.text.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    rule.title = texts("description").into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    rule.severity = found.level().and_then(severity);
    if found.level().is_none() {
        let message = "the rule has no `level`".to_owned();
        rule.diagnostics.push(Diagnostic::warning("no level", message).on_line(line));
    }
    rule.tags = found.all_groups();
    let mut tags = Vec::new();
    for id in found.element.all("mitre").flat_map(|mitre| mitre.all("id")) {
        tags.push(RawTag::new(id.text.trim(), TagPlace::Technique, line));
    }
    for info in found.element.all("info") {
        let text = info.text.trim();
        if text.starts_with("http") {
            rule.references.push(text.to_owned());
        }
    }
    for (name, value) in &found.element.attributes {
        if !matches!(name.as_str(), "id" | "overwrite") {
            rule.extra.insert(name.as_str(), value.trim());
        }
    }
    let options = texts("options");
    if !options.is_empty() {
        rule.extra.insert("options", &options);
    }
    if let Some(count) = ruleatlas_wazuh::frequency(found) {
        let value = |text: &str| {
            let resolved = ruleatlas_wazuh::substitute(text, &|name| {
                context.macro_definition(name, 0).map(|found| found.definition)
            });
            resolved.trim().to_owned()
        };
        // In the form in which all rules say how many events they ask for.
        if count.different.is_empty() {
            let threshold = json!({
                "field": count.same,
                "value": value(&count.number),
                "window": format!("{}s", value(&count.window)),
            });
            rule.extra.insert("threshold", &threshold);
        }
    }
    Draft { rule, tags, tree: None, sources: Vec::new() }
}

/// What a level of alerts means, as Wazuh's own pages sort them.
fn severity(level: u32) -> Option<Severity> {
    Some(match level {
        0 => return None,
        1..=6 => Severity::Low,
        7..=11 => Severity::Medium,
        12..=14 => Severity::High,
        _ => Severity::Critical,
    })
}

#[cfg(test)]
mod tests;
