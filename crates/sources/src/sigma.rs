//! Sigma rule files: one or more YAML documents, each a rule, a correlation, a filter, or a global part of those that
//! follow it; or the same as JSON.

mod json;

use std::borrow::Cow;

use aho_corasick::AhoCorasick;
use rayon::prelude::*;
use ruleatlas_core::{Context, Query, Referenced};
use ruleatlas_model::{DataSource, Diagnostic, Kind, Language, Rule, Severity, SourceKind, Status, Vendor};
use ruleatlas_sigma::merge_actions;
use ruleatlas_yaml::{Node, Repaired};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{Draft, Format, Outcome, SourceFile, attack::TagPlace, bounds, metadata};

/// The format of Sigma rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SigmaRules;

/// The keys that the fields of [`Rule`] hold; all others are kept by their own names.
const KNOWN_KEYS: [&str; 15] = [
    "title",
    "id",
    "status",
    "description",
    "references",
    "author",
    "date",
    "modified",
    "tags",
    "logsource",
    "detection",
    "falsepositives",
    "level",
    "license",
    "correlation",
];

impl Format for SigmaRules {
    fn extensions(&self) -> &'static [&'static str] {
        &["yml", "yaml", "json", "jsonl", "ndjson"]
    }

    fn context<'a>(&self, files: &'a [SourceFile]) -> Box<dyn Context + 'a> {
        Box::new(BaseRules::of(files))
    }

    fn read(&self, file: &SourceFile, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        let Some(text) = file.text() else { return Outcome::NotARule(Cow::Borrowed("no text")) };
        match file.extension().as_str() {
            "yml" | "yaml" => {}
            "json" | "jsonl" | "ndjson" => return self.read_json(file, text, sink),
            _ => return Outcome::NotARule(Cow::Borrowed("neither YAML nor JSON")),
        }
        let parsed = ruleatlas_yaml::parse(text);
        let repaired = parsed.as_ref().err().and_then(|error| Repaired::of(text, error));
        let (text, parsed) = match &repaired {
            Some(repaired) => (repaired.text.as_str(), ruleatlas_yaml::parse(&repaired.text)),
            None => (text, parsed),
        };
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(error) => return Outcome::Unreadable(error.message, Some(error.line)),
        };
        let mut warnings = metadata::warnings(&parsed);
        // A rule with a global part under it has its query in several places: the whole file is shown.
        let is_merged = parsed.documents.iter().any(|document| document.get("action").is_some());
        let documents = match merge_actions(parsed.documents) {
            Ok(documents) => documents,
            Err(error) => return Outcome::Unreadable(error.to_string(), None),
        };
        if is_merged && documents.len().saturating_mul(text.len()) > MAX_MERGED {
            let message = format!(
                "{} rules with a global part come to more than {} MiB, as each is shown with the whole file; split it",
                documents.len(),
                MAX_MERGED >> 20
            );
            return Outcome::Unreadable(message, None);
        }
        let mut rules = Rules { text, path: &file.path, is_merged, written: FxHashSet::default(), count: 0 };
        for document in &documents {
            rules.rule(document, &mut warnings, sink);
        }
        if rules.count == 0 { Outcome::NotARule(Cow::Borrowed(NO_RULE)) } else { Outcome::Rules }
    }
}

impl SigmaRules {
    /// Rules in JSON: one, a list, one a line, or a list under a key as APIs give it.
    fn read_json(self, file: &SourceFile, text: &str, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        if !is_likely_json(text) {
            return Outcome::NotARule(Cow::Borrowed(NO_RULE));
        }
        if let Err(fault) = bounds::json(text) {
            return Outcome::Unreadable(fault.message, Some(fault.line));
        }
        let read = json::documents(text);
        let mut rules = Rules { text, path: &file.path, is_merged: false, written: FxHashSet::default(), count: 0 };
        let mut warnings = Vec::new();
        if let Some((line, reason)) = &read.fault {
            let message = format!("the file cannot be read from line {line} on: {reason}");
            warnings.push(Diagnostic::error("unreadable part", message).on_line(*line));
        }
        let mut found = Vec::new();
        read.documents.iter().for_each(|document| json::rules(document, 0, &mut found));
        // A tree without places has the whole file as the query of each rule.
        let without_place = found.iter().filter(|document| document.end == 0).count();
        if without_place.saturating_mul(text.len()) > MAX_MERGED {
            let message = format!(
                "{without_place} rules come to more than {} MiB, as each is shown with the whole file, whose JSON has no \
                 places; split it",
                MAX_MERGED >> 20
            );
            return Outcome::Unreadable(message, None);
        }
        for document in found {
            rules.rule(document, &mut warnings, sink);
        }
        match (rules.count == 0, read.fault) {
            (false, _) => Outcome::Rules,
            (true, Some((line, reason))) => Outcome::Unreadable(reason, Some(line)),
            (true, None) => Outcome::NotARule(Cow::Borrowed(NO_RULE)),
        }
    }
}

const NO_RULE: &str = "no detection, correlation or filter in it";

/// Whether a JSON text can hold a rule: the rest is not parsed.
fn is_likely_json(text: &str) -> bool {
    ["\"detection\"", "\"correlation\"", "\"filter\""].iter().any(|key| text.contains(key))
}

/// Bytes of text that the rules of a file with a global part may keep together.
const MAX_MERGED: usize = 64 << 20;
/// How long an id or name may be by which a correlation refers to a rule.
const MAX_REFERENCE: usize = 200;
/// How many rules the correlations of a source may refer to.
const MAX_REFERENCES: usize = 20_000;

/// The key whose text is the query, and the kind of rule it makes. A `correlation` next to a detection that has none of
/// the keys of one is an attribute of the author's own.
fn kind_of(document: &Node<'_>) -> Option<(&'static str, Kind)> {
    let has_detection = document.get("detection").is_some();
    [("correlation", Kind::Correlation), ("detection", Kind::Rule), ("filter", Kind::Filter)].into_iter().find(
        |(key, kind)| {
            let is_attribute = |value: &Node<'_>| {
                let has_keys = value.get("type").is_some() || value.get("rules").is_some();
                *kind == Kind::Correlation && has_detection && !has_keys
            };
            document.get(key).is_some_and(|value| !is_attribute(value))
        },
    )
}

struct Rules<'a> {
    text: &'a str,
    path: &'a str,
    is_merged: bool,
    /// The ids of the file's rules so far.
    written: FxHashSet<String>,
    /// How many rules the file has so far.
    count: usize,
}

impl Rules<'_> {
    fn rule(&mut self, document: &Node<'_>, warnings: &mut Vec<Diagnostic>, sink: &mut dyn FnMut(Draft<'_>)) {
        let looks_like_a_rule = document.get("title").is_some() || document.get("logsource").is_some();
        let Some((key, kind)) = kind_of(document).or(looks_like_a_rule.then_some(("", Kind::Rule))) else { return };
        let entry = if self.is_merged { None } else { document.entry(key) };
        // A tree of JSON that YAML does not read has no places.
        let slice = entry.map(|(key, value)| (key.start, value.end)).filter(|(start, end)| end > start);
        let (base, query) = match slice.and_then(|(start, end)| Some((start, self.text.get(start..end)?))) {
            Some(found) => found,
            None => (0, self.text),
        };
        let mut rule = Rule::blank(Vendor::Sigma, Language::Sigma, self.path);
        rule.line = document.line;
        rule.kind = kind;
        rule.query = query.to_owned();
        rule.title = document.text_of("title").unwrap_or_default().trim().to_owned();
        rule.description = document.text_of("description").unwrap_or_default().trim().to_owned();
        rule.references = metadata::texts(document, "references");
        rule.false_positives = metadata::texts(document, "falsepositives");
        rule.tags = metadata::texts(document, "tags");
        rule.authors = metadata::people(document.text_of("author").unwrap_or_default());
        rule.license = document.text_of("license").map(str::to_owned);
        rule.date = document.text_of("date").and_then(metadata::date);
        rule.modified = document.text_of("modified").and_then(metadata::date);
        rule.diagnostics = std::mem::take(warnings);
        rule.severity = metadata::word::<Severity>(document, "level", &mut rule.diagnostics);
        rule.status = self.status(document, &mut rule.diagnostics);
        rule.id = self.id(document, &mut rule.diagnostics);
        rule.extra = metadata::rest(document, &KNOWN_KEYS);
        if let Some(own) = document.get("correlation").filter(|_| kind != Kind::Correlation) {
            rule.extra.insert("correlation", &metadata::Json(own));
        }
        let tags = document.get("tags").map_or_else(Vec::new, |tags| metadata::attack_tags(tags, TagPlace::Any));
        let sources = log_source(document);
        sink(Draft { rule, tags, tree: Some((document, base)), sources });
    }

    /// The folders `deprecated` and `unsupported` say so of all that is in them.
    fn status(&self, document: &Node<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Status> {
        let own = metadata::word::<Status>(document, "status", diagnostics);
        let folder = self.path.split('/').rev().skip(1).find_map(|folder| match folder {
            "deprecated" => Some(Status::Deprecated),
            "unsupported" => Some(Status::Unsupported),
            _ => None,
        });
        match (own, folder) {
            (Some(status), Some(_)) if !status.is_counted() => Some(status),
            (_, Some(status)) => Some(status),
            (own, None) => own,
        }
    }

    fn id(&mut self, document: &Node<'_>, diagnostics: &mut Vec<Diagnostic>) -> String {
        let place = self.count;
        let id = match document.text_of("id") {
            Some(id) if !self.written.contains(id) => id.to_owned(),
            Some(id) => format!("{id}#{place}"),
            None => {
                diagnostics.push(
                    Diagnostic::warning("no id", "the rule has no `id`; its path stands for it").on_line(document.line),
                );
                if place == 0 { self.path.to_owned() } else { format!("{}#{place}", self.path) }
            }
        };
        self.count += 1;
        self.written.insert(id.clone());
        format!("{}/{id}", Vendor::Sigma)
    }
}

fn log_source(document: &Node<'_>) -> Vec<DataSource> {
    let Some(log_source) = document.get("logsource") else { return Vec::new() };
    [("product", SourceKind::Product), ("category", SourceKind::Category), ("service", SourceKind::Service)]
        .into_iter()
        .filter_map(|(key, kind)| Some(DataSource::new(kind, log_source.text_of(key)?)))
        .collect()
}

/// The rules that correlations refer to, by id and by name.
struct BaseRules<'a> {
    by_reference: FxHashMap<String, Base<'a>>,
}

struct Base<'a> {
    id: String,
    title: String,
    text: &'a str,
}

impl<'a> BaseRules<'a> {
    /// Reads again what correlations refer to: a file that has none of the references in it is passed over.
    fn of(files: &'a [SourceFile]) -> Self {
        let texts = || files.par_iter().filter_map(SourceFile::text);
        let mut by_reference = FxHashMap::default();
        let mut references: Vec<String> =
            texts().filter(|text| has_correlation(text)).flat_map_iter(references).collect();
        references.sort_unstable();
        references.dedup();
        references.truncate(MAX_REFERENCES);
        let Ok(finder) = AhoCorasick::new(&references) else { return Self { by_reference } };
        if references.is_empty() {
            return Self { by_reference };
        }
        let referred: Vec<&str> = texts().filter(|text| finder.is_match(*text)).collect();
        for text in referred {
            for document in &documents(text) {
                if kind_of(document).is_none() {
                    continue;
                }
                let own = |key: &str| document.text_of(key).unwrap_or_default().to_owned();
                let Some(text) = text.get(document.start..document.end).filter(|text| !text.is_empty()) else {
                    continue;
                };
                for reference in ["id", "name"].into_iter().filter_map(|key| document.text_of(key)) {
                    let base = Base { id: own("id"), title: own("title"), text };
                    by_reference.entry(reference.to_owned()).or_insert(base);
                }
            }
        }
        Self { by_reference }
    }
}

/// The ids and names that the correlations of a file refer to.
fn references(text: &str) -> Vec<String> {
    let documents = documents(text);
    let rules = documents.iter().filter_map(|document| document.get("correlation")?.get("rules"));
    let texts = rules.flat_map(|rules| rules.items_or_self()).filter_map(Node::text_or_null);
    texts.filter(|reference| (1..=MAX_REFERENCE).contains(&reference.len())).map(str::to_owned).collect()
}

fn has_correlation(text: &str) -> bool {
    text.starts_with("correlation:") || text.contains("\ncorrelation:") || text.contains("\"correlation\"")
}

/// The documents of a file of YAML or JSON; none where it cannot be read.
fn documents(text: &str) -> Vec<Node<'_>> {
    if !text.trim_start().starts_with(['{', '[']) {
        return ruleatlas_yaml::parse(text).map(|parsed| parsed.documents).unwrap_or_default();
    }
    let mut found = Vec::new();
    for document in json::documents(text).documents {
        json::take_rules(document, 0, &mut found);
    }
    found
}

impl Context for BaseRules<'_> {
    fn rule(&self, reference: &str) -> Option<Referenced<'_>> {
        let base = self.by_reference.get(reference)?;
        Some(Referenced { id: &base.id, title: &base.title, query: Query::new(base.text) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_would_each_keep_a_large_file_are_refused() {
        let filler = "# x\n".repeat(MAX_MERGED / 100 / 4);
        let rules: String = (0..101).map(|at| format!("---\ntitle: r{at}\ndetection: {{s: {{A: 1}}}}\n")).collect();
        let text = format!("action: global\ndetection: {{condition: s}}\n{rules}{filler}");
        let file = SourceFile::from_bytes("r.yml", text.into_bytes());
        let mut count = 0;
        let Outcome::Unreadable(reason, _) = SigmaRules.read(&file, &mut |_| count += 1) else { panic!("it was read") };
        assert!(reason.starts_with("101 rules with a global part") && count == 0, "{reason}");
    }
}
