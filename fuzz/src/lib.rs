//! What must hold for every query of every language, whatever its text is.

use std::sync::LazyLock;

use ruleatlas_catalog::{Entry, Loaded, build};
use ruleatlas_core::{Context, Frontend, NoContext, Query, normal_form, roles};
use ruleatlas_evaluate::{CompiledRule, Event, evaluate, evaluate_normal};
use ruleatlas_model::{FaultKind, Language, Rule, Vendor};
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec};
use ruleatlas_store::WriteOptions;
use ruleatlas_taxonomy::Taxonomy;
use ruleatlas_views::{Atlas, export_rule};
use ruleatlas_web::{SiteOptions, site};
use serde_json::Value;

/// Events that the conditions are asked about.
static EVENTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let texts = [
        r#"{}"#,
        r#"{"Image": "C:\\Windows\\cmd.exe", "CommandLine": "cmd /c whoami", "EventID": 4688, "a": "1", "A": 1}"#,
        r#"{"process": {"name": "cmd.exe", "args": ["cmd", "/c"], "pid": 4}, "user.name": "", "a": [null, true, 1.5]}"#,
    ];
    texts.iter().map(|text| serde_json::from_str(text).expect("JSON")).collect()
});

/// Parses a query and walks everything that is made of it.
pub fn check(frontend: &dyn Frontend, text: &str) {
    check_query(frontend, &Query::new(text), &NoContext, Vendor::Sigma);
}

/// As [`check`], for the front end that the catalog has for a language.
///
/// # Panics
/// As [`check_query`].
pub fn check_language(language: Language, text: &str) {
    let frontend = ruleatlas_catalog::frontend(language);
    check_query(frontend, &Query::new(text), &NoContext, language.info().vendor);
}

/// As [`check`], with what stands around the query.
///
/// # Panics
/// A span is not in the text, tokens overlap, or the negation normal form of a condition says something else of an
/// event than the condition.
pub fn check_query(frontend: &dyn Frontend, query: &Query<'_>, context: &dyn Context, vendor: Vendor) {
    let parsed = frontend.parse(query, context);
    for diagnostic in &parsed.diagnostics {
        assert!(diagnostic.span.is_none_or(|span| span.of(query.text).is_some()), "{diagnostic:?}");
    }
    for condition in &parsed.conditions {
        for predicate in condition.root.predicates() {
            assert!(predicate.span.of(query.text).is_some(), "{predicate:?}");
        }
        for opaque in condition.root.opaques() {
            assert!(opaque.span.of(query.text).is_some(), "{opaque:?}");
        }
    }
    let mut end = 0;
    for token in frontend.tokens(query.text) {
        assert!(token.span.start >= end && token.span.of(query.text).is_some(), "{token:?}");
        end = token.span.end;
    }
    let placed = roles(&parsed.conditions);
    assert!(placed.iter().all(|placed| (placed.step as usize) < parsed.conditions.len()));
    for event in EVENTS.iter() {
        let event = Event::new(event);
        let _ = CompiledRule::new(&parsed.conditions).evaluate(&event);
        for condition in &parsed.conditions {
            let normal = evaluate_normal(&normal_form(&condition.root), &event);
            assert_eq!(evaluate(&condition.root, &event), normal);
        }
    }
    let mut rule = Rule::blank(vendor, frontend.language(), "rule");
    rule.conditions = parsed.conditions;
    let _ = Entry::new(rule, Taxonomy::builtin());
}

/// Builds a catalog of one file, as it lies in a source of that kind.
pub fn check_file(kind: SourceKind, path: &str, bytes: &[u8]) {
    check_files(kind, vec![SourceFile::from_bytes(path, bytes.to_vec())]);
}

/// Builds a catalog of files.
///
/// # Panics
/// A file is not accounted for, a rule has a place outside of its query, or two rules have one id.
pub fn check_files(kind: SourceKind, mut files: Vec<SourceFile>) {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let count = files.len();
    let Ok(catalog) = build(vec![Loaded { spec: SourceSpec::new(kind, "source"), files }], &|_, _, _, _| {}) else {
        return;
    };
    assert_eq!(catalog.files.len(), count);
    let rules: u32 = catalog.files.iter().map(|file| file.rules).sum();
    assert_eq!(rules as usize, catalog.entries.len());
    assert!(catalog.entries.windows(2).all(|pair| pair[0].rule.id < pair[1].rule.id));
    for entry in &catalog.entries {
        let text = &entry.rule.query;
        for predicate in entry.rule.conditions.iter().flat_map(|condition| condition.root.predicates()) {
            assert!(text.is_empty() || predicate.span.of(text).is_some(), "{predicate:?}");
        }
        for event in EVENTS.iter() {
            let _ = CompiledRule::new(&entry.rule.conditions).evaluate(&Event::new(event));
        }
    }
}

/// Builds the catalog of a source of these files, writes it, and lets every reader read it.
///
/// # Panics
/// A reader does not say what the build knew, or cannot read what was written.
pub fn check_readers(kind: SourceKind, files: &[(&str, &[u8])]) {
    let files = files.iter().map(|(path, bytes)| SourceFile::from_bytes(*path, bytes.to_vec())).collect();
    let sources = vec![Loaded { spec: SourceSpec::new(kind, "rules"), files }];
    let catalog = build(sources, &|_, _, _, _| {}).expect("there is a source");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalog.db");
    ruleatlas_store::write(&path, &catalog, WriteOptions::default()).expect("what is written can be read");
    let atlas = Atlas::open(&path).expect("a catalog");
    for (number, built) in (0..).zip(&catalog.entries) {
        let read = atlas.entry(number).expect("a rule").expect("as many rules as were built");
        assert_eq!(read.rule, built.rule);
        let line = serde_json::to_string(&export_rule(&read)).expect("JSON");
        serde_json::from_str::<Value>(&line).expect("JSON that can be read");
        for event in EVENTS.iter() {
            let event = Event::new(event);
            let verdict = CompiledRule::new(&read.rule.conditions).evaluate(&event);
            assert_eq!(verdict, CompiledRule::new(&built.rule.conditions).evaluate(&event));
        }
        let json = serde_json::to_string(&atlas.rule(&built.rule.id).expect("a rule").json()).expect("JSON");
        assert!(serde_json::from_str::<Value>(&json).expect("JSON that can be read").is_object());
    }
    let ledger = atlas.ledger().expect("a ledger");
    assert!(ledger.faults.iter().all(|fault| fault.rule.is_none() || fault.parse != FaultKind::Unreadable));
    let written = site(&atlas, &folder.path().join("site"), &SiteOptions::default()).expect("a site");
    assert_eq!(written.unreadable, 0);
}
