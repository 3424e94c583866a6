//! Every source of Sublime's public rules is understood in full.

use std::path::Path;

use ruleatlas_core::{Frontend, cases};
use ruleatlas_mql::Mql;

/// Sources that are not understood in full, with the reason.
const BROKEN: &[&str] = &[];

#[test]
fn every_source_of_the_corpus_is_full() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("RULEATLAS_CORPORA is not set: no corpus is read");
        return;
    };
    let files = cases::files(&Path::new(&corpora).join("sublime"), "yml");
    let mut found = Vec::new();
    for (path, text) in &files {
        let Ok(parsed) = ruleatlas_yaml::parse(text) else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sources = parsed.documents.iter().filter_map(|document| document.text_of("source"));
        found.extend(sources.map(|source| (name.clone(), source.to_owned())));
    }
    if files.is_empty() {
        println!("no corpus of {}: nothing is read", Mql.language());
        return;
    }
    assert!(found.len() >= 1_000, "{} sources", found.len());
    cases::all_full(&Mql, &found, BROKEN);
}
