//! Every file of Elastic's real corpus is accounted for.

use std::{collections::BTreeMap, path::Path};

use ruleatlas_model::{Kind, Status};
use ruleatlas_sources::{Outcome, SourceKind, SourceSpec, format_of, read_files};

#[test]
fn every_file_of_the_corpus_is_accounted_for() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("skipped: RULEATLAS_CORPORA names no folder of corpora");
        return;
    };
    let spec = SourceSpec::new(SourceKind::Elastic, Path::new(&corpora).join("elastic"));
    let files = read_files(&spec).expect("the corpus can be read");
    let format = format_of(SourceKind::Elastic, |_, _| false).expect("Elastic has a format");
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
    assert!(said.keys().all(|code| matches!(*code, "SQL of osquery" | "backslash lost in a filter")), "{said:?}");
}
