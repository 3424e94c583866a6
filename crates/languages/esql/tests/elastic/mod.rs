//! The ES|QL of Elastic's public rules and hunts, where `RULEATLAS_CORPORA` says that there are some.

use std::path::{Path, PathBuf};

use ruleatlas_core::cases;

/// The folder of the corpora; a message where there is none.
pub fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("RULEATLAS_CORPORA").map(PathBuf::from);
    if folder.is_none() {
        println!("RULEATLAS_CORPORA is not set: no corpus is read");
    }
    folder
}

/// The queries, with their files, in order.
pub fn queries(corpora: &Path) -> Vec<(String, String)> {
    let folders = ["elastic/rules", "elastic/rules_building_block", "elastic/hunting"];
    folders.iter().flat_map(|folder| queries_of(&corpora.join(folder), "esql")).collect()
}

fn queries_of(folder: &Path, language: &str) -> Vec<(String, String)> {
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
