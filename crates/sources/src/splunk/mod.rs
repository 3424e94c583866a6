//! Splunk's security content: a YAML file holds one detection or baseline, a macro, a lookup, a story or a data source.
//!
//! What a file is, its keys say: a search with a `type` is a detection, whatever folder it lies in. The folder decides
//! only what is deprecated and where macros and lookups are looked for.
//!
//! - `date` is the day of the version that the file holds, so it is when the rule was changed; newer files name both
//!   days. The rule's severity is only what `tags.risk_severity` says: risk scores are kept as they are.
//! - A search over a data model does not say which log feeds it. `data_source` does, by names like `Sysmon EventID 1`;
//!   each is a data source of every step, and two of them joined by `AND` are two.

mod context;

use std::borrow::Cow;

use ruleatlas_core::Context;
use ruleatlas_model::{DataSource, Diagnostic, Kind, Language, Rule, Severity, SourceKind, Status, Vendor};
use ruleatlas_yaml::Node;

use crate::{Draft, Format, Outcome, SourceFile, attack::TagPlace, metadata};

/// The format of Splunk's detections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SplunkRules;

/// The keys that the fields of [`Rule`] hold; all others are kept by their own names.
const KNOWN_KEYS: [&str; 11] = [
    "author",
    "creation_date",
    "date",
    "description",
    "id",
    "known_false_positives",
    "modification_date",
    "name",
    "references",
    "search",
    "status",
];

/// The keys of `tags` whose texts are the rule's tags.
const TAG_KEYS: [&str; 5] = ["mitre_attack_id", "analytic_story", "asset_type", "security_domain", "cve"];

impl Format for SplunkRules {
    fn context<'a>(&self, files: &'a [SourceFile]) -> Box<dyn Context + 'a> {
        Box::new(context::Content::of(files))
    }

    fn read(&self, file: &SourceFile, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        let Some(text) = file.text() else { return Outcome::NotARule(Cow::Borrowed("no text")) };
        match file.extension().as_str() {
            "yml" | "yaml" => {}
            "csv" => return Outcome::NotARule(Cow::Borrowed("the table of a lookup")),
            _ => return Outcome::NotARule(Cow::Borrowed("no YAML file")),
        }
        let mut mended = String::new();
        let parsed = match ruleatlas_yaml::parse_mended(text, &mut mended) {
            Ok(parsed) => parsed,
            Err(error) => return Outcome::Unreadable(error.message, Some(error.line)),
        };
        let Some(document) = parsed.documents.first() else {
            return Outcome::NotARule(Cow::Borrowed("nothing in it"));
        };
        if let Some(what) = no_rule(document) {
            return Outcome::NotARule(Cow::Borrowed(what));
        }
        let mut draft = draft(document, &file.path);
        draft.rule.diagnostics.extend(parsed.warnings.iter().map(|warning| {
            Diagnostic::warning(Diagnostic::DUPLICATE_KEY, warning.message.clone()).on_line(warning.line)
        }));
        sink(draft);
        Outcome::Rules
    }
}

/// What a file is that holds no rule.
fn no_rule(document: &Node<'_>) -> Option<&'static str> {
    let has = |key: &str| document.get(key).is_some();
    match document.text_of("type") {
        Some("Investigation") => return Some("an investigation"),
        _ if has("search") => return None,
        // A story may carry the type of a detection.
        _ if has("narrative") => return Some("a story"),
        // A rule whose search is missing is a rule all the same.
        Some("TTP" | "Anomaly" | "Hunting" | "Correlation" | "Baseline") => return None,
        _ => {}
    }
    Some(match () {
        () if has("definition") => "a macro",
        () if has("filename") || has("collection") || has("lookup_type") => "a lookup",
        () if has("sourcetype") || has("source") => "a data source",
        () => "neither a search nor a type in it",
    })
}

fn draft<'d>(document: &Node<'_>, path: &str) -> Draft<'d> {
    let mut rule = Rule::blank(Vendor::Splunk, Language::Spl, path);
    let text = |key: &str| document.text_of(key).unwrap_or_default().trim().to_owned();
    rule.line = document.line;
    rule.title = text("name");
    rule.description = text("description");
    rule.query = document.text_of("search").unwrap_or_default().to_owned();
    rule.authors = metadata::people(document.text_of("author").unwrap_or_default());
    rule.references = metadata::texts(document, "references");
    rule.false_positives = metadata::texts(document, "known_false_positives");
    rule.date = document.text_of("creation_date").and_then(metadata::date);
    rule.modified = ["modification_date", "date"].iter().find_map(|key| document.text_of(key).and_then(metadata::date));
    rule.kind = match document.text_of("type").map(str::trim) {
        Some("Hunting") => Kind::Hunting,
        Some("Correlation") => Kind::Correlation,
        Some("Baseline") => Kind::Baseline,
        _ => Kind::Rule,
    };
    rule.status = status(document, path, &mut rule.diagnostics);
    rule.id = match document.text_of("id").map(str::trim).filter(|id| !id.is_empty()) {
        Some(id) => format!("{}/{id}", Vendor::Splunk),
        None => {
            rule.diagnostics
                .push(Diagnostic::warning("no id", "the rule has no `id`; its path stands for it").on_line(rule.line));
            format!("{}/{path}", Vendor::Splunk)
        }
    };
    let mut tags = Vec::new();
    if let Some(own) = document.get("tags") {
        rule.severity = metadata::word::<Severity>(own, "risk_severity", &mut rule.diagnostics);
        rule.tags = TAG_KEYS.iter().flat_map(|key| metadata::texts(own, key)).collect();
        let ids = own.get("mitre_attack_id").map(|ids| metadata::attack_tags(ids, TagPlace::Technique));
        tags.extend(ids.into_iter().flatten());
    }
    rule.extra = metadata::rest(document, &KNOWN_KEYS);
    Draft { rule, tags, tree: None, sources: data_sources(document) }
}

fn status(document: &Node<'_>, path: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Status> {
    if path.rsplit('/').skip(1).any(|folder| matches!(folder, "deprecated" | "removed")) {
        return Some(Status::Deprecated);
    }
    let node = document.get("status")?;
    match node.text_or_null()?.trim() {
        "production" => Some(Status::Stable),
        "validation" => Some(Status::Test),
        "experimental" => Some(Status::Experimental),
        "deprecated" | "removed" => Some(Status::Deprecated),
        other => {
            let message =
                format!("`status`: `{other}` is none of production, validation, experimental, deprecated, removed");
            diagnostics.push(Diagnostic::warning("unknown word", message).on_line(node.line));
            None
        }
    }
}

/// The names under `data_source`; some older files write `data_sources`.
fn data_sources(document: &Node<'_>) -> Vec<DataSource> {
    let names = ["data_source", "data_sources"].into_iter().flat_map(|key| document.texts_of(key));
    let mut sources: Vec<DataSource> = Vec::new();
    for name in names.flat_map(|names| names.split(" AND ")) {
        let source = DataSource::new(SourceKind::LogType, name.trim());
        if !source.name.is_empty() && !sources.contains(&source) {
            sources.push(source);
        }
    }
    sources
}

#[cfg(test)]
mod tests {
    use ruleatlas_core::MacroDefinition;

    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile::from_bytes(path, text.as_bytes().to_vec())
    }

    type Read = (Rule, Vec<crate::RawTag>, Vec<DataSource>);

    fn read(path: &str, text: &str) -> (Vec<Read>, Outcome) {
        let mut drafts = Vec::new();
        let outcome = SplunkRules
            .read(&file(path, text), &mut |draft| drafts.push((draft.rule.clone(), draft.tags, draft.sources)));
        (drafts, outcome)
    }

    const RULE: &str = "\
name: Archiver from a share
id: 0b9d
version: 2
date: '2025-03-04'
author: Ada, Bob (Lab)
status: production
type: Anomaly
description: d
search: '`sysmon` process_name=''7z.exe''

  | stats count'
data_source:
- Sysmon EventID 1 AND Sysmon EventID 11
- Windows Event Log Security 4688
known_false_positives: Backups.
references: []
tags:
  mitre_attack_id:
  - T1560.001
  - T1039
  risk_score: 42
";

    #[test]
    fn a_detection_is_read_with_what_stands_beside_its_search() {
        let (drafts, outcome) = read("detections/endpoint/a.yml", RULE);
        assert_eq!(outcome, Outcome::Rules);
        let [(rule, tags, sources)] = drafts.as_slice() else { panic!("{drafts:?}") };
        assert_eq!((rule.id.as_str(), rule.status, rule.kind), ("splunk/0b9d", Some(Status::Stable), Kind::Rule));
        assert_eq!(rule.query, "`sysmon` process_name='7z.exe'\n| stats count");
        assert_eq!((rule.date.as_deref(), rule.modified.as_deref()), (None, Some("2025-03-04")));
        assert_eq!((rule.severity, rule.extra.get("type").unwrap().as_str()), (None, Some("Anomaly")));
        assert_eq!(rule.extra.get("tags").unwrap()["risk_score"], "42");
        assert_eq!(rule.authors, ["Ada", "Bob (Lab)"]);
        assert_eq!(
            tags.iter().map(|tag| (tag.text.as_str(), tag.line)).collect::<Vec<_>>(),
            [("T1560.001", 19), ("T1039", 20)]
        );
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        assert_eq!(names, ["Sysmon EventID 1", "Sysmon EventID 11", "Windows Event Log Security 4688"]);
    }

    #[test]
    fn the_folder_deprecates_and_the_type_says_the_kind() {
        let (drafts, _) = read("detections/deprecated/a.yml", RULE);
        assert_eq!(drafts[0].0.status, Some(Status::Deprecated));
        for (word, kind) in
            [("Hunting", Kind::Hunting), ("Correlation", Kind::Correlation), ("Baseline", Kind::Baseline)]
        {
            let (drafts, _) = read("a.yml", &RULE.replace("Anomaly", word));
            assert_eq!(drafts[0].0.kind, kind);
        }
        let (drafts, _) = read("a.yml", &RULE.replace("production", "validation"));
        assert_eq!(drafts[0].0.status, Some(Status::Test));
        let (drafts, _) = read("a.yml", &RULE.replace("production", "odd"));
        assert_eq!(drafts[0].0.status, None);
        assert_eq!(drafts[0].0.diagnostics[0].line, Some(6));
    }

    #[test]
    fn what_is_no_rule_says_what_it_is() {
        let of = |text: &str| match read("x.yml", text) {
            (drafts, Outcome::NotARule(what)) if drafts.is_empty() => what.into_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(of("name: a\ndefinition: x=1\n"), "a macro");
        assert_eq!(of("name: a\nfilename: a.csv\n"), "a lookup");
        assert_eq!(of("name: a\nnarrative: long\n"), "a story");
        assert_eq!(of("name: a\ntype: Anomaly\nnarrative: long\n"), "a story");
        assert_eq!(of("name: a\nsource: s\nsourcetype: t\n"), "a data source");
        assert_eq!(read("lookups/a.csv", "a,b\n").1, Outcome::NotARule("the table of a lookup".into()));
    }

    #[test]
    fn macros_and_tables_are_found_by_name() {
        let files = [
            file("lookups/hosts.csv", "\u{feff}host,is_bad\na*,true\nb\n"),
            file(
                "lookups/hosts.yml",
                "name: bad_hosts\nfilename: hosts.csv\nmatch_type: WILDCARD(host), CIDR(net)\ncase_sensitive_match: 'false'\ndefault_match: nothing\nmin_matches: 1\n",
            ),
            file("macros/two.yml", "name: two\narguments:\n- a\n- b\ndefinition: x=$a$ y=$b$\n"),
            file("macros/long.yml", "name: long\ndefinition: \"a=1\nOR b=2\"\n"),
        ];
        let context = SplunkRules.context(&files);
        for name in ["bad_hosts", "hosts.csv"] {
            let table = context.lookup(name).unwrap();
            assert_eq!(table.columns, ["host", "is_bad"]);
            assert_eq!(table.rows, [["a*", "true"], ["b", ""]]);
            assert!(table.case_insensitive);
            assert_eq!(table.wildcard_columns, ["host"]);
            assert_eq!(table.default_match.as_deref(), Some("nothing"));
        }
        let definition = |name, arguments| context.macro_definition(name, arguments);
        assert!(definition("two", 1).is_none());
        let MacroDefinition { parameters, definition: text } = definition("two", 2).unwrap();
        assert_eq!((parameters, text), (["a".to_owned(), "b".to_owned()].as_slice(), "x=$a$ y=$b$"));
        assert_eq!(definition("long", 0).unwrap().definition, "a=1 OR b=2");
        assert!(context.lookup("other").is_none());
    }
}
