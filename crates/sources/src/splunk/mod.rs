//! SPL where people keep it: Splunk's security content in YAML, the configuration of apps (`savedsearches.conf`), answers
//! of the REST interface, fenced blocks on pages, and files with a search in them.
//!
//! In security content, a YAML file holds one detection or baseline, a macro, a lookup, a story or a data source. What a
//! file is, its keys say: a search with a `type` is a detection, whatever folder it lies in. The folder decides only what
//! is deprecated and where macros and lookups are looked for.
//!
//! - `date` is the day of the version that the file holds, so it is when the rule was changed; newer files name both
//!   days. The rule's severity is only what `risk_severity` says: risk scores are kept as they are.
//! - What describes a detection stands under `tags`, or at the top as newer files have it, or in both.
//! - A search over a data model does not say which log feeds it. `data_source` does, by names like `Sysmon EventID 1`;
//!   each is a data source of every step, and two of them joined by `AND` are two.
//!
//! An app is read as Splunk layers it: what `local` says of a stanza wins over `default`, setting by setting. A search is
//! a rule of the file whose text of it holds. `metadata` folders are left aside: everybody may read everything.

mod app;
mod conf;
mod context;
mod json;
mod page;
mod query;
mod search;

use std::borrow::Cow;

use ruleatlas_core::{Context, NoContext};
use ruleatlas_model::{DataSource, Diagnostic, Kind, Language, Rule, Severity, SourceKind, Status, Vendor};
use ruleatlas_yaml::Node;
use rustc_hash::FxHashSet;

use crate::{Draft, Format, Outcome, RawTag, SourceFile, TagPlace, ids::Ids, metadata, unique::unique_by};
use app::Place;
use conf::{Conf, Layers};

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

/// The keys whose texts are the rule's tags, under `tags` or at the top.
const TAG_KEYS: [&str; 5] = ["mitre_attack_id", "analytic_story", "asset_type", "security_domain", "cve"];

/// The keys that name techniques, under `tags` or at the top. The first is the format's own.
const TECHNIQUE_KEYS: [&str; 5] =
    ["mitre_attack_id", "mitre_attack_ids", "mitre_attack", "mitre_technique_id", "mitre_technique"];

impl Format for SplunkRules {
    fn extensions(&self) -> &'static [&'static str] {
        &["yml", "yaml", "conf", "json", "md"]
    }

    fn has_packages(&self) -> bool {
        true
    }

    fn context<'a>(&self, files: &'a [SourceFile]) -> Box<dyn Context + 'a> {
        Box::new(context::Content::of(files))
    }

    fn read(&self, file: &SourceFile, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        self.read_in(file, &NoContext, sink)
    }

    fn read_in(&self, file: &SourceFile, context: &dyn Context, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        let Some(text) = file.text() else { return no_rule("no text") };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match file.extension().as_str() {
            "yml" | "yaml" => read_yaml(file, text, sink),
            "conf" => read_conf(file, text, context, sink),
            "json" => json::showcase_or(json::read(file, text, context, sink), &file.path),
            "spl" => query::read(file, text, sink),
            "md" | "markdown" => page::read(file, text, sink),
            "csv" => no_rule("the table of a lookup"),
            _ => no_rule("a kind of file that holds no rules"),
        }
    }
}

fn no_rule(reason: &'static str) -> Outcome {
    Outcome::NotARule(Cow::Borrowed(reason))
}

/// A technique that running text names.
fn inferred_tag(text: String, line: u32) -> RawTag {
    RawTag::inferred(text, line)
}

/// A tag that may name a technique.
fn raw_tag(text: String, line: u32) -> RawTag {
    RawTag::new(text, TagPlace::Attack, line)
}

fn read_conf(file: &SourceFile, text: &str, context: &dyn Context, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    let place = Place::of(&file.path);
    if place.name != "savedsearches.conf" {
        return no_rule(app::no_search(file));
    }
    let own = Conf::read(text);
    let other = match place.folder {
        "local" => Some("default"),
        "default" => Some("local"),
        _ => None,
    };
    let other = other.and_then(|folder| context.module(&place.sibling(folder))).map(Conf::read);
    let is_local = place.folder == "local";
    // The file's own place among the layers, the one that wins first.
    let (layers, own_layer) = match &other {
        Some(other) if is_local => (Layers::new(vec![&own, other]), 0),
        Some(other) => (Layers::new(vec![other, &own]), 1),
        None => (Layers::new(vec![&own]), 0),
    };
    if let Some(fault) = layers.fault() {
        return Outcome::Unreadable(fault, None);
    }
    let mut ids = Ids::default();
    for stanza in &own.stanzas {
        // The file that says what is searched has the rule.
        let Some((layer, _)) = layers.get(&stanza.name, "search") else { continue };
        if layer != own_layer {
            continue;
        }
        let switch = layers.get(&stanza.name, "disabled");
        let is_off_locally =
            switch.is_some_and(|(layer, _)| is_local == (layer == own_layer)) && (is_local || other.is_some());
        // What the other file says has no line in this one.
        let setting = |(key, layer, found): (_, usize, &conf::Setting)| {
            (key, (found.value.clone(), if layer == own_layer { found.line } else { stanza.line }))
        };
        let search = search::SavedSearch {
            path: &file.path,
            name: &stanza.name,
            app: place.app_name(),
            line: stanza.line,
            settings: layers.all(&stanza.name).into_iter().map(setting).collect(),
            is_off_locally,
        };
        if let Some(mut draft) = search.draft() {
            ids.tell_apart(&mut draft.rule);
            sink(draft);
        }
    }
    match ids.is_empty() {
        true if !own.stanzas.is_empty() && other.is_some() => {
            no_rule("settings of searches that stand in another file")
        }
        true => no_rule("no search in it"),
        false => Outcome::Rules,
    }
}

fn read_yaml(file: &SourceFile, text: &str, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    let mut repaired = String::new();
    let parsed = match ruleatlas_yaml::parse_lenient(text, &mut repaired) {
        Ok(parsed) => parsed,
        Err(error) => return Outcome::Unreadable(error.message, Some(error.line)),
    };
    let mut warnings = metadata::warnings(&parsed);
    let mut rules = Ids::default();
    let mut what = "nothing in it";
    for document in &parsed.documents {
        if let Some(found) = not_a_rule(document) {
            what = if rules.is_empty() { found } else { what };
            continue;
        }
        let mut draft = draft(document, &file.path);
        draft.rule.diagnostics.append(&mut warnings);
        rules.tell_apart(&mut draft.rule);
        sink(draft);
    }
    if rules.is_empty() { no_rule(what) } else { Outcome::Rules }
}

/// What a file is that holds no rule.
fn not_a_rule(document: &Node<'_>) -> Option<&'static str> {
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
    rule.kind = document.text_of("type").and_then(kind).unwrap_or(Kind::Rule);
    rule.status = status(document, path, &mut rule.diagnostics);
    rule.id = match document.text_of("id").map(str::trim).filter(|id| !id.is_empty()) {
        Some(id) => format!("{}/{id}", Vendor::Splunk),
        None => {
            rule.diagnostics
                .push(Diagnostic::warning("no id", "the rule has no `id`; its path stands for it").on_line(rule.line));
            format!("{}/{path}", Vendor::Splunk)
        }
    };
    let places: Vec<&Node<'_>> = document.get("tags").into_iter().chain([document]).collect();
    rule.severity =
        places.iter().find_map(|place| metadata::word::<Severity>(place, "risk_severity", &mut rule.diagnostics));
    let mut tags: Vec<RawTag> = Vec::new();
    if let Some(own) = document.get("tags").filter(|tags| tags.entries().is_none()) {
        rule.tags = own.items_or_self().iter().filter_map(Node::text_or_null).map(str::to_owned).collect();
        tags.extend(metadata::attack_tags(own, TagPlace::Any));
    }
    for place in &places {
        for text in TAG_KEYS.iter().flat_map(|key| metadata::texts(place, key)) {
            rule.tags.push(text);
        }
        let ids = TECHNIQUE_KEYS.iter().filter_map(|key| place.get(key));
        tags.extend(ids.flat_map(|ids| metadata::attack_tags(ids, TagPlace::Technique)));
    }
    rule.tags = unique_by(std::mem::take(&mut rule.tags), Clone::clone);
    let tags = unique_by(tags, |tag| tag.text.clone());
    rule.extra = metadata::rest(document, &KNOWN_KEYS);
    Draft { rule, tags, tree: None, sources: data_sources(document) }
}

/// What kind of rule a `type` of security content means.
fn kind(word: &str) -> Option<Kind> {
    Some(match word.trim() {
        "TTP" | "Anomaly" => Kind::Rule,
        "Hunting" => Kind::Hunting,
        "Correlation" => Kind::Correlation,
        "Baseline" => Kind::Baseline,
        _ => return None,
    })
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
    let mut seen = FxHashSet::default();
    for name in names.flat_map(|names| names.split(" AND ")) {
        let source = DataSource::new(SourceKind::LogType, name.trim());
        if !source.name.is_empty() && seen.insert(source.name.clone()) {
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

    type Read = (Rule, Vec<RawTag>, Vec<DataSource>);

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
    fn a_table_that_its_head_makes_enormous_is_known_by_its_name_alone() {
        let head: Vec<String> = (0..4_000).map(|at| format!("c{at}")).collect();
        let wide = format!("{}\n{}", head.join(","), "a\n".repeat(4_000));
        let files = [file("lookups/wide.csv", &wide), file("lookups/small.csv", "a\nb\n")];
        let context = SplunkRules.context(&files);
        assert!(context.lookup("wide.csv").is_none());
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
