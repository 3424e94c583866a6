//! Every file of Elastic's real corpus is accounted for.

use std::{collections::BTreeMap, path::Path};

use ruleatlas_model::{Kind, Language, SourceKind as Named, Status, Vendor};
use ruleatlas_sources::{Outcome, SourceKind, SourceSpec, format_of, read_files};

#[test]
fn every_file_of_the_corpus_is_accounted_for() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("skipped: RULEATLAS_CORPORA names no folder of corpora");
        return;
    };
    let spec = SourceSpec::new(SourceKind::Rules(Vendor::Elastic), Path::new(&corpora).join("elastic"));
    let files = read_files(&spec).expect("the corpus can be read");
    let format = format_of(Vendor::Elastic, |_, _| false);
    let mut rules = Vec::new();
    for file in &files {
        let before = rules.len();
        let outcome = format.read(file, &mut |draft| rules.push(draft.rule));
        match outcome {
            Outcome::Rules => assert!(rules.len() > before, "{}", file.path),
            Outcome::NotARule(reason) => {
                assert!(file.extension() != "toml", "{}: {reason}", file.path);
                assert_eq!(rules.len(), before);
            }
            Outcome::Unreadable(reason, line) => panic!("{}:{line:?}: {reason}", file.path),
        }
    }
    let mut said: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in &rules {
        let is_job = rule.extra.has("machine_learning_job_id");
        let is_sql = rule.kind == Kind::Hunting && rule.extra.has("query");
        assert_eq!(rule.query.is_empty(), is_job || is_sql, "{}", rule.id);
        assert!(!rule.title.is_empty() && !rule.authors.is_empty() && rule.license.is_some(), "{}", rule.id);
        assert!(rule.kind == Kind::Hunting || (rule.severity.is_some() && rule.date.is_some()), "{}", rule.id);
        assert_eq!(rule.path.contains("_deprecated/"), rule.status == Some(Status::Deprecated), "{}", rule.path);
        for diagnostic in &rule.diagnostics {
            *said.entry(diagnostic.code.as_ref()).or_default() += 1;
        }
    }
    println!("{} files, {} rules, said of them: {said:?}", files.len(), rules.len());
    let expected = ["SQL of osquery", "backslash lost in a filter", "exception list not in the file"];
    assert!(said.keys().all(|code| expected.contains(code)), "{said:?}");
}

#[test]
fn every_behaviour_rule_of_the_endpoint_is_read() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("skipped: RULEATLAS_CORPORA names no folder of corpora");
        return;
    };
    let spec = SourceSpec::new(SourceKind::Rules(Vendor::Elastic), Path::new(&corpora).join("elastic-endpoint"));
    let files = read_files(&spec).expect("the corpus can be read");
    let format = format_of(Vendor::Elastic, |_, _| false);
    let (mut rules, mut untagged) = (0, 0);
    for file in files.iter().filter(|file| file.extension() == "toml") {
        let outcome = format.read(file, &mut |draft| {
            rules += 1;
            untagged += usize::from(draft.tags.is_empty());
            let rule = &draft.rule;
            assert_eq!(rule.language, Language::Eql, "{}", rule.path);
            assert!(!rule.query.is_empty() && !rule.title.is_empty() && rule.diagnostics.is_empty(), "{}", rule.path);
            assert!(!rule.id.contains('.'), "{}", rule.id);
            assert!(draft.sources.iter().any(|source| source.kind == Named::Platform), "{}", rule.path);
            assert!(rule.extra.has("version") && rule.extra.has("internal"), "{}", rule.path);
        });
        assert_eq!(outcome, Outcome::Rules, "{}", file.path);
    }
    println!("{rules} rules, {untagged} without a tag");
    assert!(rules > 200);
    assert_eq!(untagged, 0);
}
