//! A YAML file with one rule: `query`, and what Sentinel shows beside it.

use ruleatlas_model::{DataSource, Diagnostic, Kind, Severity, SourceKind, Status, Vendor};
use ruleatlas_yaml::Node;

use super::{File, comments, inferred_tags, no_rule};
use crate::{Draft, Outcome, RawTag, attack::TagPlace, metadata};

/// The keys that the fields of a rule hold; all others are kept by their own names.
const KNOWN_KEYS: [&str; 14] = [
    "id",
    "name",
    "description",
    "severity",
    "tactics",
    "relevantTechniques",
    "techniques",
    "query",
    "Id",
    "DisplayName",
    "Description",
    "Tactics",
    "tags",
    "status",
];

/// Whether a file without an ending is a rule that lost it.
pub(super) fn looks_like_one(text: &str) -> bool {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    has("query:") && (has("name:") || has("id:"))
}

pub(super) fn read(file: File<'_>, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    let parsed = match ruleatlas_yaml::parse(file.text) {
        Ok(parsed) => parsed,
        Err(error) => return Outcome::Unreadable(error.message, Some(error.line)),
    };
    let mut warnings = metadata::warnings(&parsed);
    let mut count = 0;
    for document in parsed.documents.iter().filter(|document| document.text_of("query").is_some()) {
        draft(file, document, count, std::mem::take(&mut warnings), sink);
        count += 1;
    }
    match count {
        0 => no_rule(if file.text.contains("FunctionQuery:") { "a parser, no detection" } else { "no query in it" }),
        _ => Outcome::Rules,
    }
}

fn draft(
    file: File<'_>,
    document: &Node<'_>,
    place: usize,
    diagnostics: Vec<Diagnostic>,
    sink: &mut dyn FnMut(Draft<'_>),
) {
    let text = |keys: [&str; 2]| keys.into_iter().find_map(|key| document.text_of(key)).unwrap_or_default().trim();
    let mut rule = file.blank(kind(document));
    rule.line = document.line;
    rule.diagnostics = diagnostics;
    rule.title = text(["name", "DisplayName"]).to_owned();
    // Descriptions are often quoted a second time inside a block.
    rule.description = unquoted(text(["description", "Description"])).to_owned();
    rule.query = document.text_of("query").unwrap_or_default().to_owned();
    rule.severity = metadata::word::<Severity>(document, "severity", &mut rule.diagnostics);
    rule.tags = ["tactics", "Tactics", "relevantTechniques", "techniques"]
        .into_iter()
        .flat_map(|key| metadata::texts(document, key))
        .collect();
    rule.extra = metadata::rest(document, &KNOWN_KEYS);
    for key in ["tags", "status"] {
        if let Some(value) = document.get(key) {
            rule.extra.insert(key, &metadata::Json(value));
        }
    }
    if document.text_of("status").is_some_and(|status| status.eq_ignore_ascii_case("deprecated")) {
        rule.status = Some(Status::Deprecated);
    }
    if rule.title.is_empty() {
        file.stem().clone_into(&mut rule.title);
    }
    let id = text(["id", "Id"]);
    rule.id = if id.is_empty() {
        let message = "the rule has no `id`; its path stands for it";
        rule.diagnostics.push(Diagnostic::warning("no id", message).on_line(rule.line));
        file.id()
    } else {
        format!("{}/{id}", Vendor::Kusto)
    };
    if place > 0 && id.is_empty() {
        rule.id = format!("{}#{place}", rule.id);
    }
    let place = |key: &str| if key.eq_ignore_ascii_case("tactics") { TagPlace::Tactic } else { TagPlace::Technique };
    let mut tags: Vec<RawTag> = ["tactics", "Tactics", "relevantTechniques", "techniques"]
        .into_iter()
        .filter_map(|key| Some(metadata::attack_tags(document.get(key)?, place(key))))
        .flatten()
        .collect();
    let line = document.get("query").map_or(rule.line, |query| query.line);
    tags.extend(inferred_tags(&comments(&rule.query), line));
    tags.extend(inferred_tags(&rule.description, rule.line));
    let sources = data_types(document);
    sink(Draft { rule, tags: distinct(tags), tree: None, sources });
}

/// Each tag once; what metadata says comes first.
pub(super) fn distinct(tags: Vec<RawTag>) -> Vec<RawTag> {
    let mut kept: Vec<RawTag> = Vec::with_capacity(tags.len());
    for tag in tags {
        if !kept.iter().any(|known| known.text.eq_ignore_ascii_case(&tag.text)) {
            kept.push(tag);
        }
    }
    kept
}

/// What Sentinel runs by itself has a frequency or a severity; what a hunter runs has neither.
fn kind(document: &Node<'_>) -> Kind {
    let runs = document.get("queryFrequency").is_some()
        || document.get("severity").is_some()
        || document.text_of("kind").is_some_and(|kind| ["Scheduled", "NRT"].contains(&kind));
    if runs { Kind::Rule } else { Kind::Hunting }
}

fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    inner.or_else(|| text.strip_prefix('\'')).unwrap_or(text).trim()
}

/// The tables that the rule's connectors bring: `SecurityAlert (IPC)` is a part of the table `SecurityAlert`.
fn data_types(document: &Node<'_>) -> Vec<DataSource> {
    let connectors = document.get("requiredDataConnectors").map(Node::items_or_self).unwrap_or_default();
    let names = connectors.iter().flat_map(|connector| connector.texts_of("dataTypes"));
    let names = names.chain(document.texts_of("DataSources"));
    names
        .filter_map(|name| name.split_whitespace().next())
        .map(|name| DataSource::new(SourceKind::Table, name))
        .collect()
}
