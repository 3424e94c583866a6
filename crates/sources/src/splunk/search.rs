//! A saved search: a stanza of `savedsearches.conf`, or an entry that the REST interface answers with. The settings are
//! those of `savedsearches.conf.spec`, of Enterprise Security's correlation searches (`action.correlationsearch.*`,
//! `action.notable.*`) and of its content updates (`action.escu.*`).

use std::collections::BTreeMap;

use ruleatlas_model::{DataSource, Diagnostic, Kind, Language, Rule, Severity, SourceKind, Status, Vendor};
use serde_json::Value;

use super::{conf::is_true, raw_tag};
use crate::{Draft, RawTag, metadata, unique::unique_by};

/// A saved search and its settings.
pub(super) struct SavedSearch<'s> {
    pub path: &'s str,
    pub name: &'s str,
    /// The app that it belongs to; empty where that is not known.
    pub app: &'s str,
    /// The one-based line where it begins.
    pub line: u32,
    /// The settings, each with its line.
    pub settings: BTreeMap<&'s str, (String, u32)>,
    /// Whether an administrator's own configuration switches it off, and not what the app came with.
    pub is_off_locally: bool,
}

/// The settings that the fields of [`Rule`] hold; all others are kept by their own names.
const KNOWN_KEYS: [&str; 3] = ["search", "description", "action.escu.known_false_positives"];

impl SavedSearch<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(|(value, _)| value.trim()).filter(|value| !value.is_empty())
    }

    fn is_on(&self, key: &str) -> bool {
        self.get(key).is_some_and(is_true)
    }

    /// The search as a rule; `None` where it has no text.
    pub fn draft<'d>(&self) -> Option<Draft<'d>> {
        let search = self.get("search")?;
        let mut rule = Rule::blank(Vendor::Splunk, Language::Spl, self.path);
        rule.line = self.line;
        rule.query = search.to_owned();
        rule.title = self.get("action.correlationsearch.label").unwrap_or(self.name).to_owned();
        let description = ["description", "action.notable.param.rule_description", "action.escu.eli5"];
        rule.description = description.iter().find_map(|key| self.get(key)).unwrap_or_default().to_owned();
        rule.false_positives = self.get("action.escu.known_false_positives").map(str::to_owned).into_iter().collect();
        rule.date = self.get("action.escu.creation_date").and_then(metadata::date);
        rule.modified = self.get("action.escu.modification_date").and_then(metadata::date);
        rule.severity = self.severity(&mut rule.diagnostics);
        rule.kind = self.kind();
        let about = self.json("action.correlationsearch.metadata", &mut rule.diagnostics);
        let annotations = self.json("action.correlationsearch.annotations", &mut rule.diagnostics);
        let mappings = self.json("action.escu.mappings", &mut rule.diagnostics);
        rule.status = self.status(about.as_ref());
        let id = about.as_ref().and_then(|about| about["detection_id"].as_str()).map(str::trim);
        rule.id = format!("{}/{}", Vendor::Splunk, id.filter(|id| !id.is_empty()).unwrap_or(self.name));
        let mut tags: Vec<RawTag> = Vec::new();
        let keys = ["action.correlationsearch.annotations", "action.escu.mappings"];
        for (key, value) in keys.into_iter().zip([&annotations, &mappings]) {
            let line = self.settings.get(key).map_or(self.line, |(_, line)| *line);
            for text in value.iter().flat_map(techniques) {
                tags.push(raw_tag(text, line));
            }
        }
        let tags = unique_by(tags, |tag| tag.text.clone());
        rule.tags = tags.iter().map(|tag| tag.text.clone()).collect();
        let stories = annotations.iter().flat_map(|value| texts(&value["analytic_story"]));
        rule.tags.extend(stories.chain(self.get("action.notable.param.security_domain").map(str::to_owned)));
        let sources = annotations.iter().flat_map(|value| texts(&value["data_source"]));
        let sources = sources.map(|name| DataSource::new(SourceKind::LogType, name)).collect();
        let kept = self.settings.iter().filter(|(key, _)| !KNOWN_KEYS.contains(*key));
        rule.extra = kept.map(|(key, (value, _))| (*key, value)).collect();
        if !self.app.is_empty() {
            rule.extra.insert("app", self.app);
        }
        Some(Draft { rule, tags, tree: None, sources })
    }

    /// A setting that holds JSON; what is none is said.
    fn json(&self, key: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Value> {
        let (text, line) = self.settings.get(key)?;
        if text.trim().is_empty() {
            return None;
        }
        let fault = match serde_json::from_str(text) {
            Ok(value @ Value::Object(_)) => return Some(value),
            Ok(_) => "a list or a text".to_owned(),
            Err(error) => error.to_string(),
        };
        let message = format!("`{key}` is no JSON object, so what it says of the search is missing: {fault}");
        diagnostics.push(Diagnostic::warning("annotations not read", message).on_line(*line));
        None
    }

    /// What the notable event says, else the severity of the alert, which Splunk's own pages show by these names.
    fn severity(&self, diagnostics: &mut Vec<Diagnostic>) -> Option<Severity> {
        let key = "action.notable.param.severity";
        // `unknown` and what the search itself computes say nothing of the rule.
        if let Some(word) = self.get(key).filter(|word| *word != "unknown" && !word.contains('$')) {
            match word.to_lowercase().parse() {
                Ok(severity) => return Some(severity),
                Err(message) => {
                    let line = self.settings.get(key).map_or(self.line, |(_, line)| *line);
                    let message = format!("`{key}`: {message}");
                    diagnostics.push(Diagnostic::warning("unknown word", message).on_line(line));
                }
            }
        }
        Some(match self.get("alert.severity")? {
            "1" => Severity::Informational,
            "2" => Severity::Low,
            "3" => Severity::Medium,
            "4" => Severity::High,
            "5" | "6" => Severity::Critical,
            _ => return None,
        })
    }

    /// What raises an alert by itself is a rule; a search that somebody runs is one to hunt with.
    fn kind(&self) -> Kind {
        match self.get("action.escu.search_type") {
            Some("support") => return Kind::Baseline,
            Some("detection") => return Kind::Rule,
            Some("investigative") => return Kind::Hunting,
            _ => {}
        }
        let acts = self.is_on("action.correlationsearch.enabled")
            || self.is_on("action.notable")
            || self.is_on("action.risk")
            || self.is_on("alert.track")
            || self.get("actions").is_some()
            || self.get("action.correlationsearch.label").is_some()
            || self.get("alert_type").is_some_and(|kind| kind != "always")
            || self.get("counttype").is_some_and(|kind| kind != "always");
        if acts { Kind::Rule } else { Kind::Hunting }
    }

    /// An app brings most searches switched off, for its user to choose from: those are no worse than others that are
    /// not in production. One that its user switched off is given up.
    fn status(&self, about: Option<&Value>) -> Option<Status> {
        let is_deprecated = about.is_some_and(|about| match &about["deprecated"] {
            Value::Bool(truth) => *truth,
            Value::Number(number) => number.as_i64() == Some(1),
            value => value.as_str().is_some_and(is_true),
        });
        Some(match self.get("disabled").map(is_true) {
            _ if is_deprecated => Status::Deprecated,
            Some(true) if self.is_off_locally => Status::Deprecated,
            Some(true) => Status::Experimental,
            Some(false) => Status::Stable,
            None if self.is_on("enableSched") || self.is_on("is_scheduled") => Status::Stable,
            None => return None,
        })
    }
}

/// The techniques of annotations, under `mitre_attack` or another key that begins so.
fn techniques(annotations: &Value) -> Vec<String> {
    let entries = annotations.as_object().into_iter().flatten();
    entries
        .filter(|(key, _)| key.to_ascii_lowercase().starts_with("mitre"))
        .flat_map(|(_, value)| texts(value))
        .collect()
}

/// The texts in a JSON value, however lists nest.
pub(super) fn texts(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => found.push(text.trim().to_owned()),
            Value::Number(number) => found.push(number.to_string()),
            Value::Array(values) => open.extend(values.iter().rev()),
            Value::Object(object) => open.extend(object.values().rev()),
            Value::Null | Value::Bool(_) => {}
        }
    }
    found.retain(|text| !text.is_empty());
    found
}
