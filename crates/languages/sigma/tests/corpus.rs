//! Real rules, where the environment variable `RULEATLAS_CORPORA` names a folder that has them.

#![allow(clippy::expect_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use ruleatlas_core::{Frontend, NoContext, Parsed, Query};
use ruleatlas_model::{Level, ParseStatus};
use ruleatlas_sigma::{Sigma, merge_actions};

fn files() -> Option<Vec<(PathBuf, String)>> {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("skipped: RULEATLAS_CORPORA is not set");
        return None;
    };
    let mut files = Vec::new();
    let mut folders = vec![Path::new(&corpora).join("sigma")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                let text = fs::read_to_string(&path).expect("a text");
                files.push((path, text));
            }
        }
    }
    files.sort();
    Some(files)
}

/// Every rule of a file, read as a source hands it over: the whole tree, and the text of its detection.
fn rules(text: &str) -> Vec<(String, Parsed)> {
    let documents = merge_actions(ruleatlas_yaml::parse(text).expect("YAML").documents).expect("a small file");
    let read = documents.iter().map(|document| {
        let shown = ["correlation", "filter", "detection"].into_iter().find_map(|key| document.entry(key));
        let (start, end) = shown.map_or((document.start, document.end), |(key, value)| (key.start, value.end));
        let shown = text.get(start..end.max(start)).expect("a span of the text");
        let query = Query { text: shown, tree: Some((document, start)), sources: &[] };
        (shown.to_owned(), Sigma.parse(&query, &NoContext))
    });
    read.collect()
}

#[test]
fn every_current_rule_is_read_in_full() {
    let Some(files) = files() else { return };
    let mut faults = String::new();
    let mut count = 0;
    let mut said: BTreeMap<String, usize> = BTreeMap::new();
    for (path, text) in &files {
        let is_current =
            !["deprecated", "unsupported"].iter().any(|old| path.components().any(|part| part.as_os_str() == *old));
        for (_, parsed) in rules(text) {
            count += 1;
            for diagnostic in &parsed.diagnostics {
                *said.entry(format!("{:?} {}", diagnostic.level, diagnostic.code)).or_default() += 1;
                assert!(diagnostic.line.is_some(), "{}: {diagnostic:?}", path.display());
            }
            let is_full = parsed.status() == ParseStatus::Full
                && parsed.diagnostics.iter().all(|diagnostic| diagnostic.level != Level::Error);
            if !is_full {
                let line = format!("{}: {:?} {:#?}\n", path.display(), parsed.status(), parsed.diagnostics);
                if is_current { faults.push_str(&line) } else { println!("{line}") }
            }
        }
    }
    println!("{count} rules in {} files; diagnostics: {said:#?}", files.len());
    assert!(count > 4000 && faults.is_empty(), "{faults}");
}

#[test]
fn spans_show_key_and_values() {
    let Some(files) = files() else { return };
    for (path, text) in &files {
        if text.contains("action: global") {
            continue;
        }
        for (shown, parsed) in rules(text) {
            for predicate in parsed.conditions.iter().flat_map(|step| step.root.predicates()) {
                let under = predicate.span.of(&shown).unwrap_or_else(|| panic!("{}: {predicate:?}", path.display()));
                let field = if predicate.computed { "" } else { &predicate.raw_field };
                assert!(under.trim_start_matches(['"', '\'']).starts_with(field), "{}: {under}", path.display());
                for value in predicate
                    .values
                    .iter()
                    .filter(|value| value.is_ascii() && !value.contains(['\\', '\'', '"', '[', '?', '*']))
                {
                    assert!(under.contains(value.as_str()), "{}: {value} in {under}", path.display());
                }
                assert_eq!(under, under.trim_end(), "{}", path.display());
            }
        }
    }
}
