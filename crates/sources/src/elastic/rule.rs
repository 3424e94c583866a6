//! A detection rule: `[metadata]` and `[rule]`.

use ruleatlas_model::{
    DataSource, Diagnostic, Kind, Language, ParseStatus, Rule, Severity, SourceKind, Span, Status, Vendor,
};

use super::{
    filters,
    table::{File, Table, items},
};
use crate::{Draft, RawTag, attack::TagPlace, metadata};

/// The keys of `[rule]` that the fields of [`Rule`] hold; all others are kept by their own names.
const KNOWN_KEYS: [&str; 14] = [
    "author",
    "description",
    "false_positives",
    "filters",
    "index",
    "language",
    "license",
    "name",
    "query",
    "references",
    "rule_id",
    "severity",
    "tags",
    "threat",
];

/// The keys of `[metadata]` that the fields of [`Rule`] hold.
const KNOWN_METADATA: [&str; 4] = ["creation_date", "updated_date", "maturity", "integration"];

pub(super) fn draft<'d>(file: File<'_>, document: Table<'_, '_>, table: Table<'_, '_>) -> Draft<'d> {
    let mut rule = Rule::blank(Vendor::Elastic, Language::Kuery, file.path);
    let text = |key: &str| table.text(key).unwrap_or_default().trim().to_owned();
    rule.title = text("name");
    rule.description = text("description");
    rule.authors = table.texts("author");
    rule.license = table.text("license").map(str::to_owned);
    rule.references = table.texts("references");
    rule.false_positives = table.texts("false_positives");
    rule.tags = table.texts("tags");
    rule.severity = table.word::<Severity>("severity", file, &mut rule.diagnostics);
    rule.extra = table.rest(&KNOWN_KEYS);
    if table.get("building_block_type").is_some() {
        rule.kind = Kind::BuildingBlock;
    }
    rule.extra.append(document.rest(&["metadata", "rule"]));
    let mut sources: Vec<DataSource> =
        table.placed_texts("index").map(|(name, _)| DataSource::new(SourceKind::Index, name)).collect();
    if let Some(metadata) = document.table("metadata") {
        rule.date = metadata.text("creation_date").and_then(metadata::date);
        rule.modified = metadata.text("updated_date").and_then(metadata::date);
        rule.status = status(metadata, file, &mut rule.diagnostics);
        rule.extra.append(metadata.rest(&KNOWN_METADATA));
        sources.extend(integrations(metadata));
    }
    if file.is_in("_deprecated") {
        rule.status = Some(Status::Deprecated);
    }
    sources.extend(rule.tags.iter().filter_map(|tag| {
        let system = tag.strip_prefix("OS:")?.trim().to_lowercase();
        Some(DataSource::new(SourceKind::Platform, system))
    }));
    rule.id = match table.text("rule_id").map(str::trim).filter(|id| !id.is_empty()) {
        Some(id) => format!("{}/{id}", Vendor::Elastic),
        None => {
            rule.diagnostics.push(
                Diagnostic::warning("no id", "the rule has no `rule_id`; its path stands for it").on_line(rule.line),
            );
            format!("{}/{}", Vendor::Elastic, file.path)
        }
    };
    query(file, table, &mut rule);
    let tags = threat_tags(file, table);
    Draft { rule, tags, tree: None, sources }
}

/// The integrations that the rule's data come from.
pub(super) fn integrations<'t>(table: Table<'t, '_>) -> impl Iterator<Item = DataSource> + 't {
    let names: Vec<_> = table.placed_texts("integration").map(|(name, _)| name).collect();
    names.into_iter().map(|name| DataSource::new(SourceKind::Integration, name))
}

fn status(metadata: Table<'_, '_>, file: File<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Status> {
    let maturity = metadata.get("maturity")?;
    match maturity.get_ref().as_str().unwrap_or_default().trim() {
        "production" => Some(Status::Stable),
        "beta" => Some(Status::Test),
        "development" | "experimental" => Some(Status::Experimental),
        "deprecated" => Some(Status::Deprecated),
        other => {
            let message = format!("`maturity`: `{other}` is none of production, beta, development, deprecated");
            diagnostics.push(Diagnostic::warning("unknown word", message).on_line(file.line(maturity.span().start)));
            None
        }
    }
}

fn query(file: File<'_>, table: Table<'_, '_>, rule: &mut Rule) {
    let Some(query) = table.get("query").filter(|value| value.get_ref().as_str().is_some_and(|text| !text.is_empty()))
    else {
        return;
    };
    let text = query.get_ref().as_str().unwrap_or_default();
    // Kibana takes `kuery` where a rule of a type that leaves the choice says nothing.
    let word = table.text("language").or_else(|| table.text("type").filter(|kind| matches!(*kind, "eql" | "esql")));
    match word.unwrap_or("kuery") {
        "eql" => rule.language = Language::Eql,
        "kuery" => rule.language = Language::Kuery,
        "lucene" => rule.language = Language::Lucene,
        "esql" => rule.language = Language::Esql,
        other => {
            let message = format!("`language`: `{other}` is none of eql, esql, kuery, lucene");
            rule.diagnostics
                .push(Diagnostic::error("language not read", message).on_line(file.line(query.span().start)));
            rule.extra.insert("query", text);
            rule.parse = ParseStatus::Failed;
            return;
        }
    }
    text.clone_into(&mut rule.query);
    if let Some(filters) = table.get("filters") {
        let end = Span::new(text.len(), text.len());
        let (root, diagnostics) = filters::read(file, items(filters), end);
        rule.diagnostics.extend(diagnostics);
        rule.conditions.extend(root);
        rule.extra.insert("filters", &super::table::Kept(filters));
    }
}

/// The ids of `[[rule.threat]]`: tactics, techniques and sub-techniques.
fn threat_tags(file: File<'_>, rule: Table<'_, '_>) -> Vec<RawTag> {
    let mut tags = Vec::new();
    let mut tag = |table: Table<'_, '_>, place: TagPlace| {
        // One that carries no id goes by its name.
        let named =
            ["id", "name", "reference"].into_iter().map(|key| table.placed_scalars(key)).find(|all| !all.is_empty());
        tags.extend(named.into_iter().flatten().map(|(text, at)| RawTag::new(text, place, file.line(at))));
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
