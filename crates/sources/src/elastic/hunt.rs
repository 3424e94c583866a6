//! A hunt: `[hunt]` with a list of queries, each a rule of its own.

use ruleatlas_model::{DataSource, Diagnostic, Kind, Language, Rule, SourceKind, Vendor};

use super::{
    language,
    rule::integrations,
    table::{File, Sink, Table},
};
use crate::{Draft, RawTag, TagPlace, metadata};

/// The keys that the fields of [`Rule`] hold; all others are kept by their own names.
const KNOWN_KEYS: [&str; 9] =
    ["author", "description", "integration", "license", "mitre", "name", "query", "references", "uuid"];

/// Hands over a rule for every query; whether there is any.
pub(super) fn drafts(file: File<'_>, hunt: Table<'_, '_>, sink: Sink<'_>) -> bool {
    let mut common = Rule::blank(Vendor::Elastic, Language::Esql, file.path);
    common.kind = Kind::Hunting;
    common.title = hunt.text("name").unwrap_or_default().trim().to_owned();
    common.description = hunt.text("description").unwrap_or_default().trim().to_owned();
    common.authors = hunt.texts("author").iter().flat_map(|line| metadata::people(line)).collect();
    common.license = hunt.text("license").map(str::to_owned);
    common.references = hunt.texts("references");
    common.extra = hunt.rest(&KNOWN_KEYS);
    let tags: Vec<RawTag> =
        hunt.placed_scalars("mitre").iter().map(|(text, at)| file.tag(text, TagPlace::Attack, *at)).collect();
    let mut sources: Vec<DataSource> = integrations(hunt).collect();
    let systems = ["windows", "linux", "macos"].into_iter().filter(|system| file.is_in(system));
    sources.extend(systems.map(|system| DataSource::new(SourceKind::Platform, system)));
    let id = hunt.text("uuid").map(str::trim).filter(|id| !id.is_empty());
    let queries: Vec<_> = hunt.items("query").iter().collect();
    for (place, query) in queries.iter().enumerate() {
        let Some(text) = query.text() else { continue };
        let mut rule = common.clone();
        rule.line = file.line(query.at);
        rule.id = format!("{}/{}", Vendor::Elastic, id.unwrap_or(file.path));
        if queries.len() > 1 {
            rule.id = format!("{}#{place}", rule.id);
        }
        if id.is_none() {
            let message = "the hunt has no `uuid`; its path stands for it";
            rule.diagnostics.push(Diagnostic::warning("no id", message).on_line(rule.line));
        }
        let text = without_mark(text);
        match language_of(text, hunt) {
            Some(language) => {
                rule.language = language;
                text.clone_into(&mut rule.query);
            }
            None => {
                let message = "the query is SQL of osquery, which asks for a host's state and reads no events; it is \
                               kept as `query` and not parsed";
                rule.diagnostics.push(Diagnostic::note("SQL of osquery", message).on_line(rule.line));
                rule.extra.insert("query", text);
            }
        }
        sink(Draft { rule, tags: tags.clone(), tree: None, sources: sources.clone() });
    }
    !queries.is_empty()
}

/// Without the name of a language on a line of its own before the query, as it stands behind the mark of a fenced block.
fn without_mark(text: &str) -> &str {
    match text.split_once('\n') {
        Some((first, rest)) if matches!(first.trim(), "sql" | "esql" | "eql" | "kql" | "kuery" | "lucene") => rest,
        _ => text,
    }
}

/// The language of a query: what its text says, else the first of the hunt's languages that has no such word. `None` for
/// SQL.
fn language_of(text: &str, hunt: Table<'_, '_>) -> Option<Language> {
    let first = language::first_word(text).to_ascii_lowercase();
    if matches!(first.as_str(), "select" | "with") {
        return None;
    }
    let named = || {
        hunt.placed_texts("language").find_map(|(name, _)| match name.to_ascii_lowercase().as_str() {
            "eql" => Some(Language::Eql),
            "kql" | "kuery" => Some(Language::Kuery),
            "lucene" => Some(Language::Lucene),
            _ => None,
        })
    };
    Some(language::of_text(text).or_else(named).unwrap_or(Language::Esql))
}
