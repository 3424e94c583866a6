//! Whatever the files of a source hold, a catalog is built, and every file is accounted for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

use std::{fs, path::Path};

use proptest::prelude::*;
use ruleatlas_catalog::{Filters, Guide, Index, Ledger, Loaded, Scope, build, frontend};
use ruleatlas_core::{NoContext, Query};
use ruleatlas_model::{FaultKind, Language, Vendor};
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec};
use ruleatlas_taxonomy::Taxonomy;

const RULE: &str = "title: One
id: 01
name: base
status: test
tags:
  - attack.t1059.001
  - attack.defense-evasion
logsource:
  product: windows
  category: process_creation
detection:
  sel:
    - Image|endswith: ['\\cmd.exe', \"/sh\"]
      EventID: 4688
    - CommandLine|contains|all|windash: [' -a', b*]
  filter_a:
    User|re|i: '^a.*$'
    Hash|base64offset|contains: x
  filter_b: [one, two]
  condition: sel and not 1 of filter_*
falsepositives: none
level: high
";

const CORRELATION: &str = "title: Two
correlation:
  type: event_count
  rules: [base, 01]
  group-by: [User]
  timespan: 1h
  condition: {gte: 2}
---
action: global
detection: {condition: s}
---
detection: {s: {A: 1}}
";

/// Builds a source of these files and asks for everything that is counted of it.
fn check(files: Vec<(String, Vec<u8>)>) {
    check_kind(SourceKind::Rules(Vendor::Sigma), files);
}

fn check_kind(kind: SourceKind, files: Vec<(String, Vec<u8>)>) {
    let count = files.len() as u64;
    let mut files: Vec<SourceFile> =
        files.into_iter().map(|(path, bytes)| SourceFile::from_bytes(path, bytes)).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let source = Loaded { spec: SourceSpec::new(kind, "rules"), files };
    let sources = vec![source];
    let catalog = build(sources.clone(), &|_, _, _, _| {}).unwrap();
    let ledger = Ledger::of(&catalog);
    let rows = &ledger.sources;
    assert_eq!(rows.iter().map(|row| row.files).sum::<u64>(), count);
    assert_eq!(rows.iter().map(|row| row.with_rules + row.not_a_rule + row.unreadable).sum::<u64>(), count);
    let statuses = rows.iter().flat_map(|row| row.parse.values().flat_map(|statuses| statuses.values()));
    assert_eq!(statuses.sum::<u64>(), catalog.entries.len() as u64);
    let ids = catalog.entries.iter().map(|entry| &entry.rule.id);
    assert!(ids.clone().is_sorted() && ids.collect::<std::collections::HashSet<_>>().len() == catalog.entries.len());
    let index = Index::of(&catalog);
    let guide = Guide::of(&index, Taxonomy::builtin(), &Scope::all(&index, &Filters::default()));
    for row in guide.indicators.iter().chain(&guide.exclusions) {
        assert!(row.rules == row.reach && row.reach <= guide.rules.total, "{row:?}");
    }
    assert_eq!(build(sources, &|_, _, _, _| {}).unwrap().fingerprint, catalog.fingerprint);
}

fn path() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a.yml", "deprecated/b.yml", "c.yaml", "unsupported/d.YML", "e.txt", "f", "g.yml"])
        .prop_map(str::to_owned)
}

/// A text with pieces of it overwritten.
fn changed(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    changes(text.len()).prop_map(move |changes| with_changes(text.as_bytes(), changes))
}

type Change = (usize, usize, &'static str);

fn with_changes(text: &[u8], changes: Vec<Change>) -> Vec<u8> {
    let mut text = text.to_vec();
    for (at, length, new) in changes {
        let start = at.min(text.len());
        let end = (start + length).min(text.len());
        text.splice(start..end, new.bytes());
    }
    text
}

fn changes(length: usize) -> impl Strategy<Value = Vec<Change>> {
    let new = prop::sample::select(vec![
        "",
        "'",
        "\"",
        "|",
        ": ",
        "- ",
        "\n",
        "[",
        "]",
        "{",
        "}",
        "*",
        "\\",
        "null",
        "é",
        "\u{0}",
        "#",
        "  ",
        "---\n",
        "&x ",
        "*x",
        "<<: *x",
        "action: global\n",
        "condition:",
        "not ",
        "1 of them",
        "base64",
        "expand",
        "\t",
        "\r\n",
        "```kql\n",
        "```\n",
        "\"\"\"",
        "'''",
        "query: ",
        "def rule(event):\n",
        "`",
    ]);
    prop::collection::vec((0..length.max(1), 0..30_usize, new), 0..6)
}

/// The files of a folder of the demo corpus, and those of other layouts.
fn demo(folder: &str) -> Vec<(String, Vec<u8>)> {
    fn walk(folder: &Path, base: &Path, files: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, base, files);
            } else {
                let name = path.strip_prefix(base).unwrap().to_string_lossy().replace('\\', "/");
                files.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    let mut files = Vec::new();
    for place in ["../cli/demo", "tests/layouts"] {
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join(place).join(folder);
        if base.is_dir() {
            walk(&base, &base, &mut files);
        }
    }
    files.sort();
    files
}

/// The files of one kind of rules, two of them changed.
fn changed_demo() -> impl Strategy<Value = (SourceKind, Vec<(String, Vec<u8>)>)> {
    let kinds = [
        (SourceKind::Rules(Vendor::Elastic), "elastic"),
        (SourceKind::Rules(Vendor::Splunk), "splunk"),
        (SourceKind::Rules(Vendor::Kusto), "kusto"),
        (SourceKind::Rules(Vendor::Panther), "panther"),
        (SourceKind::Rules(Vendor::Falco), "falco"),
        (SourceKind::Rules(Vendor::Sublime), "sublime"),
        (SourceKind::Rules(Vendor::Logscale), "logscale"),
        (SourceKind::Rules(Vendor::Wazuh), "wazuh"),
        (SourceKind::Rules(Vendor::YaraL), "yaral"),
        (SourceKind::Rules(Vendor::Anvilogic), "anvilogic"),
    ];
    prop::sample::select(kinds.map(|(kind, folder)| (kind, demo(folder))).to_vec()).prop_flat_map(|(kind, files)| {
        let one = |count: usize| (0..count, changes(4_000));
        (Just(kind), Just(files.clone()), one(files.len()), one(files.len())).prop_map(
            |(kind, mut files, first, second)| {
                for (at, changes) in [first, second] {
                    let text = with_changes(&files[at].1, changes);
                    files[at].1 = text;
                }
                (kind, files)
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_are_accounted_for(files in prop::collection::btree_map(path(), prop::collection::vec(any::<u8>(), 0..400), 0..4)) {
        check(files.into_iter().collect());
    }

    #[test]
    fn any_change_of_rules_is_accounted_for(rule in changed(RULE), correlation in changed(CORRELATION)) {
        check(vec![("a.yml".to_owned(), rule), ("b.yml".to_owned(), correlation), ("c.yml".to_owned(), RULE.into())]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn any_change_of_a_source_of_any_kind_is_accounted_for((kind, files) in changed_demo()) {
        check_kind(kind, files);
    }
}

#[test]
fn every_layout_gives_rules_that_are_understood() {
    for (kind, folder, rules) in
        [(SourceKind::Rules(Vendor::Elastic), "elastic", 7), (SourceKind::Rules(Vendor::Splunk), "splunk", 7)]
    {
        let layouts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/layouts").join(folder);
        let sources = Loaded::read(&[SourceSpec::new(kind, layouts)], &|_, _, _, _| {}).unwrap();
        let catalog = build(sources, &|_, _, _, _| {}).unwrap();
        let ledger = Ledger::of(&catalog);
        let faults: Vec<_> = ledger.faults.iter().filter(|fault| fault.parse != FaultKind::NoQuery).collect();
        assert_eq!((catalog.entries.len(), faults.len()), (rules, 0), "{folder}: {faults:?}");
    }
}

/// Brackets that stand deeper than is read are one fault, not one for each bracket, and what stands before them is kept.
#[test]
fn balanced_brackets_are_one_fault_however_deep() {
    let cases = [
        (Language::Spl, "search a=1 {(}b=2{)} c=3"),
        (Language::Spl, "search a=1 | where a=\"1\" AND {(}b=\"2\"{)} AND c=\"3\""),
        (Language::Kusto, "T | where a == \"1\" | where {(}b == \"2\"{)} and c == \"3\""),
        (Language::Eql, "process where a == \"1\" and {(}b == \"2\"{)} and c == \"3\""),
        (Language::Esql, "FROM x | WHERE a == \"1\" | WHERE {(}b == \"2\"{)} AND c == \"3\""),
        (Language::Kuery, "a:1 and {(}b:2{)} and c:3"),
        (Language::Lucene, "a:1 AND {(}b:2{)} AND c:3"),
        (Language::Logscale, "a=1 {(}b=2{)} | c=3"),
        (Language::Mql, "a == 1 and {(}b == 2{)} and c == 3"),
        (Language::Sigma, "detection:\n  one:\n    a: 1\n  two:\n    b: 2\n  condition: one and {(}two{)}\n"),
    ];
    for (language, template) in cases {
        for depth in [100, 200, 1_000] {
            let text = template.replace("{(}", &"(".repeat(depth)).replace("{)}", &")".repeat(depth));
            let parsed = frontend(language).parse(&Query::new(&text), &NoContext);
            let said: Vec<String> = parsed.diagnostics.iter().map(|said| said.code.to_string()).collect();
            assert!(said.len() <= 2, "{language} {depth}: {said:?}");
            let fields: Vec<&str> = parsed
                .conditions
                .iter()
                .flat_map(|condition| condition.root.predicates())
                .map(|predicate| predicate.raw_field.as_str())
                .collect();
            assert!(fields.contains(&"a"), "{language} {depth}: {fields:?} {said:?}");
        }
    }
}
