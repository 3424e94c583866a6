//! Whether a change of the analysis makes catalogs on disk outdated.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{collections::BTreeMap, path::Path};

use ruleatlas_catalog::{Catalog, Controls, DEMO_DIGEST, Loaded, build, fingerprint};
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec};
use serde::Serialize;
use serde_json::Value;

/// The demo corpus, read from its folder.
fn demo() -> Vec<Loaded> {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/demo");
    let specs: Vec<SourceSpec> = SourceKind::ALL
        .into_iter()
        .map(|kind| SourceSpec::new(kind, demo.join(kind.name())))
        .filter(|spec| spec.path.is_dir())
        .collect();
    Loaded::read(&specs, &|_, _, _, _| {}).unwrap()
}

/// The digest of everything that a catalog says of its sources.
fn digest(catalog: &Catalog) -> String {
    let mut hasher = blake3::Hasher::new();
    for entry in &catalog.entries {
        let indicators: Vec<_> =
            entry.indicators.iter().map(|row| (row.role, &row.indicator, &row.spelling, row.grouped)).collect();
        add(&mut hasher, &(&entry.rule, &entry.predicates, indicators, &entry.needs));
    }
    add(&mut hasher, &(&catalog.sources, &catalog.files, &catalog.diagnostics, &catalog.attack));
    add(&mut hasher, &(&catalog.events.entries, catalog.events.read, &catalog.events.named_by_attack));
    let Controls { sources, controls, links, known, threats } = &catalog.controls;
    add(&mut hasher, &(sources, controls, links, known, threats));
    hasher.finalize().to_hex().to_string()
}

fn add(hasher: &mut blake3::Hasher, value: &impl Serialize) {
    hasher.update(sorted(serde_json::to_value(value).unwrap()).to_string().as_bytes());
}

/// The value with the keys of its objects in order: other crates of a build decide which order serde_json keeps.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> = fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

#[test]
fn a_change_of_the_analysis_makes_catalogs_outdated() {
    let catalog = build(demo(), &|_, _, _, _| {}).unwrap();
    assert!(catalog.entries.len() > 50, "{} rules in the demo corpus", catalog.entries.len());
    let found = digest(&catalog);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("analysis.digest");
    if std::env::var_os("UPDATE_ANALYSIS").is_some() {
        std::fs::write(&path, format!("{found}\n")).unwrap();
        return;
    }
    assert_eq!(
        DEMO_DIGEST, found,
        "the demo corpus is analysed to something else than before. If that is meant, run \
         `UPDATE_ANALYSIS=1 cargo test -p ruleatlas-catalog --test analysis`: catalogs on disk are built anew then"
    );
}

#[test]
fn the_fingerprint_follows_the_content_of_every_file() {
    let mut sources = demo();
    let before = fingerprint(&sources);
    assert_eq!(before, fingerprint(&demo()));
    let file = sources.iter_mut().flat_map(|source| &mut source.files).next_back().unwrap();
    *file = SourceFile::from_bytes(file.path.clone(), b"another text".to_vec());
    assert_ne!(before, fingerprint(&sources));
}
