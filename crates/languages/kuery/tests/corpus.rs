//! Every Kuery and Lucene query of Elastic's public rules is understood in full.

use std::path::Path;

use ruleatlas_core::{Frontend, cases};
use ruleatlas_kuery::{Kuery, Lucene};

/// The queries of a language, with their files, in order.
fn queries(folder: &Path, language: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, text) in cases::files(folder, "toml") {
        let Ok(table) = text.parse::<toml::Table>() else { continue };
        let Some(rule) = table.get("rule") else { continue };
        let text = |name: &str| rule.get(name).and_then(toml::Value::as_str);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if text("language") == Some(language) {
            found.extend(text("query").map(|query| (name.clone(), query.to_owned())));
        }
        if text("threat_language").or(text("language")) == Some(language) {
            found.extend(text("threat_query").map(|query| (format!("{name} (threat)"), query.to_owned())));
        }
    }
    found
}

fn check(frontend: &dyn Frontend, at_least: usize) {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("RULEATLAS_CORPORA is not set: no corpus is read");
        return;
    };
    let folders = ["elastic/rules", "elastic/rules_building_block"].map(|folder| Path::new(&corpora).join(folder));
    let found: Vec<_> = folders.iter().flat_map(|folder| queries(folder, frontend.language().name())).collect();
    assert!(found.len() >= at_least, "{} queries", found.len());
    cases::all_full(frontend, &found, &[]);
}

#[test]
fn every_kuery_of_the_corpus_is_full() {
    check(&Kuery, 790);
}

#[test]
fn every_lucene_query_of_the_corpus_is_full() {
    check(&Lucene, 1);
}
