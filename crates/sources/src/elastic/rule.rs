//! A detection rule, in each of the layouts that Elastic publishes or exports:
//! - `[metadata]` and `[rule]`, as in the repository of detection rules;
//! - `[rule]` with `os_list`, and `[[threat]]` at the top, as the endpoint's behaviour rules are;
//! - all keys in one table, as Kibana's API and its export write them.

use ruleatlas_model::{
    Condition, DataSource, Diagnostic, Kind, Language, Node, ParseStatus, Rule, Severity, SourceKind, Span, Status,
    Vendor,
};

use super::{
    exceptions::Exceptions,
    filters, language,
    table::{File, Table},
};
use crate::{Draft, RawTag, TagPlace, metadata};

/// The keys of a rule that the fields of [`Rule`] hold; all others are kept by their own names.
const KNOWN_KEYS: [&str; 17] = [
    "author",
    "description",
    "false_positives",
    "filters",
    "id",
    "index",
    "language",
    "license",
    "name",
    "os_list",
    "query",
    "reference",
    "references",
    "rule_id",
    "severity",
    "tags",
    "threat",
];

/// The keys of `[metadata]` that the fields of [`Rule`] hold.
const KNOWN_METADATA: [&str; 4] = ["creation_date", "updated_date", "maturity", "integration"];

/// The types of rules that Kibana knows, by which a table is taken for a rule.
const TYPES: [&str; 8] =
    ["eql", "esql", "machine_learning", "new_terms", "query", "saved_query", "threat_match", "threshold"];

/// Whether a table is a rule of which all keys stand in it.
pub(super) fn is_rule(table: Table<'_, '_>) -> bool {
    let has = |key: &str| table.text(key).is_some();
    has("name")
        && (has("query")
            || has("rule_id")
            || has("machine_learning_job_id")
            || table.text("type").is_some_and(|kind| TYPES.contains(&kind)))
}

/// A rule; `document` is the table around it where it has one.
pub(super) fn draft<'d>(
    file: File<'_>,
    document: Option<Table<'_, '_>>,
    table: Table<'_, '_>,
    line: u32,
    exceptions: &mut Exceptions<'_, '_>,
) -> Draft<'d> {
    let mut rule = Rule::blank(Vendor::Elastic, Language::Kuery, file.path);
    rule.line = line;
    let text = |key: &str| table.text(key).unwrap_or_default().trim().to_owned();
    rule.title = text("name");
    rule.description = text("description");
    rule.authors = table.texts("author");
    rule.license = table.text("license").map(str::to_owned);
    rule.references = table.texts("references");
    rule.references.extend(table.texts("reference"));
    rule.false_positives = table.texts("false_positives");
    rule.tags = table.texts("tags");
    rule.severity = table.word::<Severity>("severity", file, &mut rule.diagnostics);
    rule.extra = table.rest(&KNOWN_KEYS);
    // Where both are there, `id` is the number that an installation gave the rule.
    let id = table.text("rule_id").map(str::trim).filter(|id| !id.is_empty());
    if let (Some(_), Some(own)) = (id, table.get("id")) {
        rule.extra.insert("id", own);
    }
    let id = id.or_else(|| table.text("id").map(str::trim).filter(|id| !id.is_empty()));
    if table.get("building_block_type").is_some_and(|value| value.text().is_some_and(|text| !text.is_empty())) {
        rule.kind = Kind::BuildingBlock;
    }
    rule.date = table.text("created_at").and_then(metadata::date);
    rule.modified = table.text("updated_at").and_then(metadata::date);
    let mut sources: Vec<DataSource> =
        table.placed_texts("index").map(|(name, _)| DataSource::new(SourceKind::Index, name)).collect();
    if let Some(document) = document {
        rule.extra.append(document.rest(&["metadata", "rule", "threat"]));
        if let Some(metadata) = document.table("metadata") {
            rule.date = metadata.text("creation_date").and_then(metadata::date);
            rule.modified = metadata.text("updated_date").and_then(metadata::date);
            rule.status = status(metadata, file, &mut rule.diagnostics);
            rule.extra.append(metadata.rest(&KNOWN_METADATA));
            sources.extend(integrations(metadata));
        }
    }
    if file.is_in("_deprecated") {
        rule.status = Some(Status::Deprecated);
    }
    if sources.iter().all(|source| source.kind != SourceKind::Integration) {
        let packages = table.tables("related_integrations").flat_map(|related| related.placed_texts("package"));
        sources.extend(packages.map(|(name, _)| DataSource::new(SourceKind::Integration, name)));
    }
    let platform = |system: &str| DataSource::new(SourceKind::Platform, system.trim().to_lowercase());
    // A rule with a list of operating systems runs in the endpoint itself, on what that records.
    let systems: Vec<&str> = table.placed_texts("os_list").map(|(system, _)| system).collect();
    if !systems.is_empty() && sources.is_empty() {
        sources.push(DataSource::new(SourceKind::Integration, "endpoint"));
    }
    sources.extend(systems.into_iter().map(platform));
    sources.extend(rule.tags.iter().filter_map(|tag| tag.strip_prefix("OS:")).map(platform));
    rule.id = match id {
        Some(id) => format!("{}/{id}", Vendor::Elastic),
        None => {
            rule.diagnostics.push(
                Diagnostic::warning("no id", "the rule has no `rule_id`; its path stands for it").on_line(rule.line),
            );
            format!("{}/{}", Vendor::Elastic, file.path)
        }
    };
    query(file, table, &mut rule, exceptions);
    let mut tags = threat_tags(file, table);
    if let Some(document) = document {
        tags.extend(threat_tags(file, document));
    }
    Draft { rule, tags, tree: None, sources }
}

/// The integrations that the rule's data come from.
pub(super) fn integrations<'t>(table: Table<'t, '_>) -> impl Iterator<Item = DataSource> + 't {
    let names: Vec<_> = table.placed_texts("integration").map(|(name, _)| name).collect();
    names.into_iter().map(|name| DataSource::new(SourceKind::Integration, name))
}

fn status(metadata: Table<'_, '_>, file: File<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Status> {
    let maturity = metadata.get("maturity")?;
    match maturity.text().unwrap_or_default().trim() {
        "production" => Some(Status::Stable),
        "beta" => Some(Status::Test),
        "development" | "experimental" => Some(Status::Experimental),
        "deprecated" => Some(Status::Deprecated),
        other => {
            let message = format!("`maturity`: `{other}` is none of production, beta, development, deprecated");
            diagnostics.push(Diagnostic::warning("unknown word", message).on_line(file.line(maturity.at)));
            None
        }
    }
}

fn query(file: File<'_>, table: Table<'_, '_>, rule: &mut Rule, exceptions: &mut Exceptions<'_, '_>) {
    let Some(query) = table.get("query").filter(|value| value.text().is_some()) else { return };
    let mut text = query.text().unwrap_or_default();
    if text.trim().is_empty() {
        // Kibana takes a query without text for one that everything matches, so that the filters decide alone.
        if table.items("filters").is_empty() {
            return;
        }
        text = "*";
        let message = "the query is empty and matches everything, so the filters decide; it is shown as `*`";
        rule.diagnostics.push(Diagnostic::note("empty query", message).on_line(file.line(query.at)));
    }
    // Kibana takes `kuery` where a rule of a type that leaves the choice says nothing. Without a type the text decides.
    rule.language = match (table.text("language"), table.text("type")) {
        (Some("eql"), _) | (None, Some("eql")) => Language::Eql,
        (Some("esql"), _) | (None, Some("esql")) => Language::Esql,
        (Some("kuery"), _) | (None, Some(_)) => Language::Kuery,
        (Some("lucene"), _) => Language::Lucene,
        (None, None) => language::of_text(text).unwrap_or(Language::Kuery),
        (Some(other), _) => {
            let message = format!("`language`: `{other}` is none of eql, esql, kuery, lucene");
            rule.diagnostics.push(Diagnostic::error("language not read", message).on_line(file.line(query.at)));
            rule.extra.insert("query", text);
            rule.parse = ParseStatus::Failed;
            return;
        }
    };
    text.clone_into(&mut rule.query);
    let end = Span::new(text.len(), text.len());
    let mut beside: Vec<Node> = Vec::new();
    if let Some(filters) = table.get("filters") {
        let (root, diagnostics) = filters::read(file, filters.items(), end);
        rule.diagnostics.extend(diagnostics);
        beside.extend(root);
        rule.extra.insert("filters", filters);
    }
    beside.extend(exceptions.of(file, table, end, &mut rule.diagnostics));
    if !beside.is_empty() {
        rule.conditions.push(Condition::new(Node::all(beside)));
    }
}

/// The ids of `threat`: tactics, techniques and sub-techniques.
fn threat_tags(file: File<'_>, rule: Table<'_, '_>) -> Vec<RawTag> {
    let mut tags = Vec::new();
    let mut tag = |table: Table<'_, '_>, place: TagPlace| {
        // One that carries no id goes by its name.
        let named = ["id", "name", "reference"].into_iter().map(|key| table.placed_scalars(key));
        let named = named.into_iter().find(|all| !all.is_empty());
        tags.extend(named.into_iter().flatten().map(|(text, at)| file.tag(&text, place, at)));
    };
    for threat in rule.tables("threat") {
        for tactic in threat.tables("tactic") {
            tag(tactic, TagPlace::Tactic);
        }
        for technique in threat.tables("technique") {
            tag(technique, TagPlace::Technique);
            for sub_technique in technique.tables("subtechnique") {
                tag(sub_technique, TagPlace::Technique);
            }
        }
    }
    tags
}
