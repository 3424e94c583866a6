//! Searches in JSON: answers of Splunk's REST interface (`entry[].content.search`), results of the `rest` command
//! (`title` and `search`), and the sample searches of Security Essentials, whose `ShowcaseInfo.json` says what they show.

use std::{borrow::Cow, collections::BTreeMap};

use ruleatlas_core::Context;
use ruleatlas_model::{Diagnostic, Kind, Language, Rule, Severity, Vendor};
use rustc_hash::FxHashSet;
use serde_json::{Map, Value};

use super::{
    app::Place,
    kind, no_rule, raw_tag,
    search::{SavedSearch, texts},
};
use crate::{Draft, Outcome, SourceFile, ids::Ids, metadata};

/// The file in which Security Essentials describes its content.
pub(super) const SHOWCASE: &str = "ShowcaseInfo.json";
/// Deeper parts of a file are not looked into.
const DEPTH_LIMIT: u32 = 32;

pub(super) fn read(file: &SourceFile, text: &str, context: &dyn Context, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    if !["\"search\"", "\"value\""].iter().any(|key| text.contains(key)) {
        return no_rule("no search in it");
    }
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => match lines(text) {
            Some(records) => Value::Array(records),
            None => return Outcome::Unreadable(error.to_string(), u32::try_from(error.line()).ok()),
        },
    };
    let mut found = Found { path: &file.path, sink, ids: Ids::default() };
    found.searches(&document, 0);
    if found.ids.is_empty()
        && let Value::Object(samples) = &document
    {
        let showcase = context.module(SHOWCASE).and_then(|text| serde_json::from_str(text).ok());
        found.samples(samples, showcase.as_ref());
    }
    if found.ids.is_empty() { no_rule("no search in it") } else { Outcome::Rules }
}

/// The records of a file with one a line; `None` where a line is none.
fn lines(text: &str) -> Option<Vec<Value>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_str(line).ok()).collect()
}

struct Found<'f, 's> {
    path: &'f str,
    sink: &'s mut dyn FnMut(Draft<'_>),
    ids: Ids,
}

impl Found<'_, '_> {
    fn add(&mut self, mut draft: Draft<'_>) {
        self.ids.tell_apart(&mut draft.rule);
        (self.sink)(draft);
    }

    /// Saved searches, wherever they stand: an object with a name and the settings of a search, in `content` or beside
    /// the name.
    fn searches(&mut self, value: &Value, depth: u32) {
        match value {
            _ if depth > DEPTH_LIMIT => {}
            Value::Array(values) => values.iter().for_each(|value| self.searches(value, depth + 1)),
            Value::Object(object) => {
                let name = ["name", "title"].iter().find_map(|key| object.get(*key)?.as_str());
                let content = object.get("content").and_then(Value::as_object).unwrap_or(object);
                match (name, content.get("search").and_then(Value::as_str)) {
                    (Some(name), Some(_)) => self.saved_search(name, object, content),
                    _ => object.values().for_each(|value| self.searches(value, depth + 1)),
                }
            }
            _ => {}
        }
    }

    fn saved_search(&mut self, name: &str, object: &Map<String, Value>, content: &Map<String, Value>) {
        let setting = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            value => Some(value.to_string()),
        };
        let is_own = |key: &str| !matches!(key, "name" | "title" | "content" | "links" | "fields");
        let settings: BTreeMap<&str, (String, u32)> = content
            .iter()
            .filter(|(key, _)| is_own(key))
            .filter_map(|(key, value)| Some((key.as_str(), (setting(value)?, 1))))
            .collect();
        let acl = object.get("acl").or_else(|| content.get("eai:acl"));
        let app = acl.and_then(|acl| acl["app"].as_str()).or_else(|| content.get("eai:acl.app")?.as_str());
        let app = app.unwrap_or_default();
        // The interface answers what holds in an installation, and not which file says so.
        let search = SavedSearch { path: self.path, name, app, line: 1, settings, is_off_locally: false };
        let Some(mut draft) = search.draft() else { return };
        // The interface's own ids are addresses; security content as JSON has those of its YAML.
        if let Some(id) = content.get("id").and_then(Value::as_str).map(str::trim)
            && !id.is_empty()
            && !id.contains('/')
        {
            draft.rule.id = format!("{}/{id}", Vendor::Splunk);
        }
        if let Some(kind) = content.get("type").and_then(Value::as_str).and_then(kind) {
            draft.rule.kind = kind;
        }
        described(&mut draft, content);
        if let Some(tags) = content.get("tags").and_then(Value::as_object) {
            described(&mut draft, tags);
        }
        self.add(draft);
    }

    /// Sample searches by their names, each described by the content that names it as an example.
    fn samples(&mut self, samples: &Map<String, Value>, showcase: Option<&Value>) {
        let summaries = showcase.and_then(|showcase| showcase["summaries"].as_object());
        let mut by_example: BTreeMap<&str, &Map<String, Value>> = BTreeMap::new();
        for summary in summaries.into_iter().flat_map(|summaries| summaries.values()).filter_map(Value::as_object) {
            let examples = summary.get("examples").and_then(Value::as_array).into_iter().flatten();
            by_example.extend(examples.filter_map(|example| Some((example["name"].as_str()?, summary))));
        }
        for (name, sample) in samples {
            let Some(search) = sample["value"].as_str().map(str::trim).filter(|text| !text.is_empty()) else {
                continue;
            };
            let mut rule = Rule::blank(Vendor::Splunk, Language::Spl, self.path);
            rule.kind = Kind::Hunting;
            rule.id = format!("{}/{name}", Vendor::Splunk);
            rule.title.clone_from(name);
            search.clone_into(&mut rule.query);
            rule.extra = sample.as_object().into_iter().flatten().filter(|(key, _)| *key != "value").collect();
            let mut draft = Draft { rule, tags: Vec::new(), tree: None, sources: Vec::new() };
            if let Some(summary) = by_example.get(name.as_str()) {
                described(&mut draft, summary);
            }
            self.add(draft);
        }
    }
}

/// What Security Essentials says of its content, several values of one key joined by `|`.
fn described(draft: &mut Draft<'_>, about: &Map<String, Value>) {
    let text = |key: &str| about.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let rule = &mut draft.rule;
    if rule.description.is_empty() {
        text("description").unwrap_or_default().clone_into(&mut rule.description);
    }
    if let Some(words) = text("knownFP").filter(|_| rule.false_positives.is_empty()) {
        rule.false_positives.push(words.to_owned());
    }
    if rule.severity.is_none()
        && let Some(word) = text("severity").filter(|word| *word != "Other")
    {
        match word.to_lowercase().parse::<Severity>() {
            Ok(severity) => rule.severity = Some(severity),
            Err(message) => {
                rule.diagnostics.push(Diagnostic::warning("unknown word", format!("`severity`: {message}")));
            }
        }
    }
    rule.date = rule.date.take().or_else(|| text("created").and_then(metadata::date));
    let mut known: FxHashSet<String> = draft.tags.iter().map(|tag| tag.text.clone()).collect();
    for key in ["mitre_attack_id", "mitre_id", "mitre_technique", "mitre_sub_technique", "mitre_tactic"] {
        for written in about.get(key).map(texts).unwrap_or_default() {
            for part in written.split('|').map(str::trim).filter(|part| !part.is_empty() && *part != "None") {
                if known.insert(part.to_owned()) {
                    draft.tags.push(raw_tag(part.to_owned(), 1));
                    rule.tags.push(part.to_owned());
                }
            }
        }
    }
}

/// Whether a file is the one that describes the content of Security Essentials.
pub(super) fn is_showcase(path: &str) -> bool {
    Place::of(path).name == SHOWCASE
}

/// What `ShowcaseInfo.json` is, where it holds no search of its own.
pub(super) fn showcase_or(outcome: Outcome, path: &str) -> Outcome {
    match outcome {
        Outcome::NotARule(_) if is_showcase(path) => {
            Outcome::NotARule(Cow::Borrowed("descriptions of sample searches"))
        }
        outcome => outcome,
    }
}
