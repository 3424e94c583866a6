//! The EQL of a real corpus, where `RULEATLAS_CORPORA` says that there is one.

#![allow(clippy::unwrap_used)]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use ruleatlas_core::{Frontend, NoContext, Query, TokenKind, cases::describe};
use ruleatlas_eql::Eql;
use ruleatlas_model::{Node, ParseStatus, Span};

/// Every EQL query below Elastic's folders, the endpoint's rules with them, with its file.
fn queries(corpora: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let folders = ["elastic/rules", "elastic/rules_building_block", "elastic/hunting", "elastic-endpoint/behavior"];
    let mut folders: Vec<PathBuf> = folders.map(|name| corpora.join(name)).to_vec();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                let text = fs::read_to_string(&path).unwrap();
                let table: toml::Table = text.parse().unwrap();
                found.extend(eql_of(&table).into_iter().map(|query| (path.clone(), query)));
            }
        }
    }
    found.sort();
    found
}

fn eql_of(table: &toml::Table) -> Vec<String> {
    let text = |value: &toml::Value| value.as_str().map(str::to_owned);
    if let Some(rule) = table.get("rule")
        && (rule.get("language").and_then(toml::Value::as_str) == Some("eql") || rule.get("os_list").is_some())
    {
        return rule.get("query").and_then(text).into_iter().collect();
    }
    let Some(hunt) = table.get("hunt") else { return Vec::new() };
    let languages = hunt.get("language").and_then(toml::Value::as_array);
    let only_eql = languages.is_some_and(|languages| {
        languages.iter().all(|language| language.as_str().is_some_and(|name| name.eq_ignore_ascii_case("eql")))
    });
    let queries = hunt.get("query").and_then(toml::Value::as_array).filter(|_| only_eql);
    queries.into_iter().flatten().filter_map(text).collect()
}

#[test]
fn every_real_query_is_understood_in_full() {
    let Some(corpora) = env::var_os("RULEATLAS_CORPORA") else {
        println!("skipped: RULEATLAS_CORPORA names no folder of rules");
        return;
    };
    let queries = queries(Path::new(&corpora));
    assert!(queries.len() > 1_000, "only {} queries found", queries.len());
    let (mut predicates, mut faults) = (0, Vec::new());
    let shown = env::var("RULEATLAS_SHOW").unwrap_or_default();
    for (path, query) in &queries {
        let parsed = Eql.parse(&Query::new(query), &NoContext);
        if !shown.is_empty() && path.to_string_lossy().contains(&shown) {
            println!("##### {}\n{query}\n-----\n{}", path.display(), describe(&parsed));
        }
        for condition in &parsed.conditions {
            for predicate in condition.root.predicates() {
                predicates += 1;
                assert!(predicate.span != Span::default() && predicate.span.of(query).is_some(), "{}", path.display());
                assert!(!predicate.raw_field.is_empty(), "{}", path.display());
                assert_eq!(predicate.values.is_empty(), predicate.op.is_presence(), "{}", path.display());
            }
        }
        for token in Eql.tokens(query).iter().filter(|token| token.kind == TokenKind::String) {
            let mut predicates = parsed.conditions.iter().flat_map(|step| step.root.predicates());
            let covered =
                predicates.any(|found| found.span.start <= token.span.start && token.span.end <= found.span.end);
            assert!(covered, "{}: {:?} is in no predicate", path.display(), token.span.of(query));
        }
        let quiet = parsed.diagnostics.is_empty() && !parsed.conditions.is_empty();
        let opaque = parsed.conditions.iter().any(|step| step.root.walk().any(|node| matches!(node, Node::Opaque(_))));
        if parsed.status() != ParseStatus::Full || !quiet || opaque {
            println!("{} {}\n{}", parsed.status(), path.display(), describe(&parsed));
        }
        if parsed.status() != ParseStatus::Full {
            faults.push(path);
        }
    }
    println!("{} queries, {predicates} predicates, {} not in full", queries.len(), faults.len());
    assert!(faults.is_empty(), "not in full: {faults:#?}");
}
