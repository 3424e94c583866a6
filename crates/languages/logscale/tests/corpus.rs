//! Nearly every query of the public LogScale collection is understood in full.

use std::path::Path;

use ruleatlas_core::{Frontend, cases};
use ruleatlas_logscale::Logscale;

/// Queries that are not understood in full, with the reason.
///
/// `hideHiddenHosts` is a saved query of Falcon's whose text is not published.
const BROKEN: &[&str] = &["new_sensor.yml"];

#[test]
fn every_query_of_the_corpus_is_full() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("RULEATLAS_CORPORA is not set: no corpus is read");
        return;
    };
    let folder = Path::new(&corpora).join("logscale/queries");
    let mut files = cases::files(&folder, "yml");
    files.extend(cases::files(&folder, "yaml"));
    let mut found = Vec::new();
    for (path, text) in &files {
        let Ok(parsed) = ruleatlas_yaml::parse(text) else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let queries = parsed.documents.iter().filter_map(|document| document.text_of("cql"));
        found.extend(queries.map(|query| (name.clone(), query.to_owned())));
    }
    if files.is_empty() {
        println!("no corpus of {}: nothing is read", Logscale.language());
        return;
    }
    assert!(found.len() >= 120, "{} queries", found.len());
    cases::all_full(&Logscale, &found, BROKEN);
}
