//! Panther's rules: a YAML file beside a Python module, a YAML file alone (simple detections, correlation rules,
//! queries), or a Python module alone, whose classes and calls are the rules of an SDK. Policies are rules over the state
//! of resources.

mod context;
mod sdk;
mod tests;

use std::borrow::Cow;

use ruleatlas_core::Context;
use ruleatlas_model::{
    DataSource, Diagnostic, Kind, Language, ParseStatus, Rule, Severity, SourceKind, Status, Vendor,
};
use ruleatlas_yaml::Node;

use crate::{Draft, Format, Outcome, RawTag, SourceFile, attack::TagPlace, files::sibling_path, metadata};

/// The format of Panther's detections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PantherRules;

/// The keys that the fields of [`Rule`] hold; all others are kept by their own names.
const KNOWN_KEYS: [&str; 15] = [
    "AnalysisType",
    "RuleID",
    "PolicyID",
    "QueryName",
    "DisplayName",
    "Description",
    "Severity",
    "Tags",
    "Reference",
    "LogTypes",
    "ResourceTypes",
    "Detection",
    "Query",
    "Tests",
    "Status",
];

/// What kinds of analysis are detections, the keys of their ids, and what they are in the catalog.
const KINDS: [(&str, &str, Kind); 6] = [
    ("rule", "RuleID", Kind::Rule),
    ("scheduled_rule", "RuleID", Kind::Rule),
    ("correlation_rule", "RuleID", Kind::Correlation),
    ("policy", "PolicyID", Kind::Policy),
    ("scheduled_query", "QueryName", Kind::Hunting),
    ("saved_query", "QueryName", Kind::Hunting),
];

impl Format for PantherRules {
    fn extensions(&self) -> &'static [&'static str] {
        &["yml", "yaml", "json"]
    }

    fn claims(&self, file: &SourceFile) -> bool {
        let is_yaml = matches!(file.extension().as_str(), "yml" | "yaml");
        is_yaml && file.text().is_some_and(|text| context::top_level(text, "AnalysisType").is_some())
    }

    fn context<'a>(&self, files: &'a [SourceFile]) -> Box<dyn Context + 'a> {
        Box::new(context::Checkout::of(files))
    }

    fn read(&self, file: &SourceFile, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        self.read_in(file, &ruleatlas_core::NoContext, sink)
    }

    fn read_in(&self, file: &SourceFile, context: &dyn Context, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        let Some(text) = file.text() else { return Outcome::NotARule(Cow::Borrowed("no text")) };
        match file.extension().as_str() {
            // JSON is YAML, too.
            "yml" | "yaml" | "json" => {}
            "py" => {
                return match sdk::read(&file.path, text, sink) {
                    0 if context.is_part(&file.path) => {
                        Outcome::NotARule(Cow::Borrowed("a Python module; its rule is the YAML that names it"))
                    }
                    0 => Outcome::NotARule(Cow::Borrowed("a Python module that no rule names")),
                    _ => Outcome::Rules,
                };
            }
            _ => return Outcome::NotARule(Cow::Borrowed("no YAML file")),
        }
        if file.path.starts_with("templates/") {
            return Outcome::NotARule(Cow::Borrowed("a template for rules"));
        }
        let parsed = match ruleatlas_yaml::parse(text) {
            Ok(parsed) => parsed,
            Err(error) => return Outcome::Unreadable(error.message, Some(error.line)),
        };
        let mut warnings = metadata::warnings(&parsed);
        let mut analysis = None;
        let mut rules = 0_usize;
        for document in &parsed.documents {
            analysis = document.text_of("AnalysisType").or(analysis);
            let named = document.text_of("AnalysisType");
            let Some((_, id_key, kind)) = KINDS.iter().find(|(name, ..)| Some(*name) == named) else { continue };
            if *kind == Kind::Hunting && document.text_of("Query").is_some_and(|query| query.contains("{% macro")) {
                return Outcome::NotARule(Cow::Borrowed("macros of queries"));
            }
            let reader = Reader { text, path: &file.path, document, id_key, kind: *kind, context };
            reader.rule(rules, &mut warnings, sink);
            rules += 1;
        }
        match (rules, analysis) {
            (0, Some(kind @ ("global" | "datamodel" | "lookup_table" | "pack"))) => {
                Outcome::NotARule(Cow::Owned(format!("AnalysisType {kind}")))
            }
            (0, _) => Outcome::NotARule(Cow::Borrowed("no AnalysisType of a detection in it")),
            _ => Outcome::Rules,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    path: &'a str,
    document: &'a Node<'a>,
    id_key: &'static str,
    kind: Kind,
    context: &'a dyn Context,
}

/// Where a rule's query stands.
enum Body<'a> {
    /// In the module of this path.
    Module(&'a str),
    /// Under a key of the YAML: its text, and the offset it begins at.
    Yaml(&'a str, usize),
    /// The module was not read: its name.
    Missing(String),
    None,
}

impl<'a> Reader<'a> {
    fn rule(&self, place: usize, warnings: &mut Vec<Diagnostic>, sink: &mut dyn FnMut(Draft<'_>)) {
        let document = self.document;
        let body = self.body();
        let language = if matches!(body, Body::Yaml(..)) { Language::PantherYaml } else { Language::Python };
        let mut rule = Rule::blank(Vendor::Panther, language, self.path);
        rule.line = document.line;
        rule.kind = self.kind;
        rule.diagnostics = std::mem::take(warnings);
        let own_id = document.text_of(self.id_key);
        if own_id.is_none() {
            let message = format!("the rule has no `{}`; its path stands for it", self.id_key);
            rule.diagnostics.push(Diagnostic::warning("no id", message).on_line(document.line));
        }
        let id = own_id.map_or_else(
            || if place == 0 { self.path.to_owned() } else { format!("{}#{place}", self.path) },
            str::to_owned,
        );
        rule.title = document.text_of("DisplayName").or(own_id).unwrap_or(&id).trim().to_owned();
        rule.id = format!("{}/{id}", Vendor::Panther);
        rule.description = document.text_of("Description").unwrap_or_default().trim().to_owned();
        rule.references = metadata::texts(document, "Reference");
        rule.tags = metadata::texts(document, "Tags");
        rule.severity = self.severity(&mut rule.diagnostics);
        rule.status = self.status(&rule.title, &mut rule.diagnostics);
        rule.extra = metadata::rest(document, &KNOWN_KEYS);
        let sources = self.sources();
        if let Some(tests) = document.get("Tests") {
            let log_types: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
            let tests = tests::read(tests, &log_types, self.context);
            if !tests.is_empty() {
                rule.set_tests(&tests);
            }
        }
        let mut base = 0;
        match body {
            Body::Module(text) => rule.query = text.to_owned(),
            Body::Yaml(text, start) => {
                rule.query = text.to_owned();
                base = start;
            }
            Body::Missing(name) => {
                rule.parse = ParseStatus::Failed;
                let message = format!(
                    "the module `{name}` is not among the files that could be read; build from a checkout that has the modules too, as \
                     text in UTF-8"
                );
                rule.diagnostics.push(Diagnostic::error("module not found", message).on_line(document.line));
            }
            Body::None => {
                let message = "the file names no module and holds no detection or query";
                rule.diagnostics.push(Diagnostic::error("no query", message).on_line(document.line));
            }
        }
        sink(Draft { rule, tags: self.attack_tags(), tree: Some((document, base)), sources });
    }

    fn body(&self) -> Body<'a> {
        if let Some(name) = self.document.text_of("Filename") {
            let path = sibling_path(self.path, name);
            return self.context.module(&path).map_or(Body::Missing(name.to_owned()), Body::Module);
        }
        for key in ["Detection", "Query", "SnowflakeQuery", "AthenaQuery"] {
            if let Some((key, value)) = self.document.entry(key)
                && let Some(text) = self.text.get(key.start..value.end)
            {
                return Body::Yaml(text, key.start);
            }
        }
        Body::None
    }

    fn sources(&self) -> Vec<DataSource> {
        ["LogTypes", "ResourceTypes"]
            .into_iter()
            .flat_map(|key| metadata::texts(self.document, key))
            .map(|name| DataSource::new(SourceKind::LogType, name))
            .collect()
    }

    fn severity(&self, diagnostics: &mut Vec<Diagnostic>) -> Option<Severity> {
        let node = self.document.get("Severity")?;
        let word = node.text_or_null()?.trim().to_lowercase();
        match if word == "info" { Ok(Severity::Informational) } else { word.parse() } {
            Ok(severity) => Some(severity),
            Err(message) => {
                let message = format!("`Severity`: {message}");
                diagnostics.push(Diagnostic::warning("unknown word", message).on_line(node.line));
                None
            }
        }
    }

    /// The status that the rule says, or that its title does.
    fn status(&self, title: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Status> {
        let head = title.trim_start_matches(['-', ' ', '[', '(']).to_lowercase();
        if head.starts_with("deprecated") || self.path.split('/').any(|folder| folder == "deprecated") {
            return Some(Status::Deprecated);
        }
        metadata::word::<Status>(self.document, "Status", diagnostics)
    }

    /// The tactics and techniques under `Reports` (`TA0003:T1098` names both), and those among the tags.
    fn attack_tags(&self) -> Vec<RawTag> {
        let reports = self.document.get("Reports").and_then(Node::entries).unwrap_or_default();
        let reported = reports
            .iter()
            .filter(|(name, _)| name.text().is_some_and(is_attack_report))
            .flat_map(|(_, list)| metadata::attack_tags(list, TagPlace::Attack));
        let tags = self.document.get("Tags").map(|tags| metadata::attack_tags(tags, TagPlace::Any));
        reported.chain(tags.into_iter().flatten()).collect()
    }
}

/// Whether a report is one on ATT&CK (`MITRE ATT&CK`, `mitre_attack`).
fn is_attack_report(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["ATT&CK", "ATTACK", "MITRE"].iter().any(|word| name.contains(word))
}
