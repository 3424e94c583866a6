//! The EQL of Elastic's public rules, where `RULEATLAS_CORPORA` says that there are some.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Every EQL query below Elastic's folders, the endpoint's rules with them, with its file.
pub fn queries(corpora: &Path) -> Vec<(PathBuf, String)> {
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
