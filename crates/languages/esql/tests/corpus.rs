//! Every ES|QL query of Elastic's public rules and hunts is understood in full.

use std::path::Path;

use ruleatlas_core::{Frontend, cases};
use ruleatlas_esql::Esql;
use ruleatlas_kuery::{Kuery, Lucene};

/// Queries that Elasticsearch refuses: `now(-)`.
const BROKEN: &[&str] = &["execution_via_windows_scheduled_task_with_low_occurrence_frequency.toml (hunt 0)"];

/// The queries of a language, with their files, in order.
fn queries(folder: &Path, language: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, text) in cases::files(folder, "toml") {
        let Ok(table) = text.parse::<toml::Table>() else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(rule) = table.get("rule") {
            let text = |name: &str| rule.get(name).and_then(toml::Value::as_str);
            if text("language") == Some(language) {
                found.extend(text("query").map(|query| (name.clone(), query.to_owned())));
            }
        }
        // Hunting files hold queries of several languages; only ES|QL begins with `from`.
        let hunts = table.get("hunt").and_then(|hunt| hunt.get("query")).and_then(toml::Value::as_array);
        for (at, query) in hunts.into_iter().flatten().filter_map(toml::Value::as_str).enumerate() {
            let code = query.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("//"));
            if code.is_some_and(|code| code.to_ascii_lowercase().starts_with("from")) {
                found.push((format!("{name} (hunt {at})"), query.to_owned()));
            }
        }
    }
    found
}

fn check(frontend: &dyn Frontend, at_least: usize) {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("RULEATLAS_CORPORA is not set: no corpus is read");
        return;
    };
    let folders = ["elastic/rules", "elastic/rules_building_block", "elastic/hunting"];
    let folders = folders.map(|folder| Path::new(&corpora).join(folder));
    let found: Vec<_> = folders.iter().flat_map(|folder| queries(folder, frontend.language().name())).collect();
    assert!(found.len() >= at_least, "{} queries", found.len());
    cases::all_full(frontend, &found, BROKEN);
}

#[test]
fn every_esql_query_of_the_corpus_is_full() {
    check(&Esql::new().with_kuery(&Kuery).with_lucene(&Lucene), 340);
}
