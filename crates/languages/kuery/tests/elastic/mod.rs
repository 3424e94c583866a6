//! The queries of Elastic's public rules, where `RULEATLAS_CORPORA` says that there are some.

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

/// The queries of a language, with their files, in order.
pub fn queries(corpora: &Path, language: &str) -> Vec<(String, String)> {
    let folders = ["elastic/rules", "elastic/rules_building_block"].map(|folder| corpora.join(folder));
    folders.iter().flat_map(|folder| queries_of(folder, language)).collect()
}

fn queries_of(folder: &Path, language: &str) -> Vec<(String, String)> {
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
