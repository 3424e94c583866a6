//! Every ES|QL query of Elastic's public rules and hunts is understood in full.

use std::{fs, path::Path, time::Instant};

use ruleatlas_core::{Frontend, NoContext, Query, cases::describe};
use ruleatlas_esql::Esql;
use ruleatlas_kuery::{Kuery, Lucene};
use ruleatlas_model::ParseStatus;

/// Queries that Elasticsearch refuses: `now(-)`.
const BROKEN: &[&str] = &["execution_via_windows_scheduled_task_with_low_occurrence_frequency.toml (hunt 0)"];

/// The queries of a language, with their files, in order.
fn queries(folder: &Path, language: &str, found: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            queries(&path, language, found);
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let table = fs::read_to_string(&path).ok().and_then(|file| file.parse::<toml::Table>().ok());
        let Some(table) = table else { continue };
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
}

fn check(frontend: &dyn Frontend, at_least: usize) {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("RULEATLAS_CORPORA is not set: no corpus is read");
        return;
    };
    let mut found = Vec::new();
    for folder in ["elastic/rules", "elastic/rules_building_block", "elastic/hunting"] {
        queries(&Path::new(&corpora).join(folder), frontend.language().name(), &mut found);
    }
    assert!(found.len() >= at_least, "{} queries", found.len());
    let shown = std::env::var("SHOW").ok();
    let start = Instant::now();
    let parsed: Vec<_> = found.iter().map(|(_, query)| frontend.parse(&Query::new(query), &NoContext)).collect();
    let time = start.elapsed();
    let bytes: usize = found.iter().map(|(_, query)| query.len()).sum();
    println!("{} {} queries, {bytes} bytes, parsed in {time:?}", found.len(), frontend.language());
    let mut faults = 0;
    for ((name, query), parsed) in found.iter().zip(&parsed) {
        if shown.as_ref().is_some_and(|shown| name.contains(shown)) {
            println!("== {name}\n{query}\n--\n{}", describe(parsed));
        }
        if parsed.status() != ParseStatus::Full && !BROKEN.contains(&name.as_str()) {
            faults += 1;
            println!("== {name}: {}\n{query}\n--\n{}", parsed.status(), describe(parsed));
        }
        for diagnostic in &parsed.diagnostics {
            println!("{name}: {} {:?}", diagnostic.code, diagnostic.span.and_then(|span| span.of(query)));
        }
    }
    assert_eq!(faults, 0, "queries that are not understood in full");
}

#[test]
fn every_esql_query_of_the_corpus_is_full() {
    check(&Esql::new().with_kuery(&Kuery).with_lucene(&Lucene), 340);
}
