//! A catalog of the demo corpus, and of rules written in a test.

#![allow(dead_code)]

use ruleatlas_catalog::{Catalog, Loaded, build};
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec, read_files};
use ruleatlas_store::WriteOptions;
use ruleatlas_views::Atlas;

/// An open catalog, and the entries it was made of.
pub struct Built {
    pub atlas: Atlas,
    pub catalog: Catalog,
    _folder: tempfile::TempDir,
}

fn built(sources: Vec<Loaded>) -> Built {
    let catalog = build(sources, &|_, _, _, _| {}).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.db");
    ruleatlas_store::write(&path, &catalog, WriteOptions::default()).unwrap();
    Built { atlas: Atlas::open(&path).unwrap(), catalog, _folder: folder }
}

/// The demo corpus: rules of every vendor.
pub fn demo() -> Built {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/demo");
    let loaded = Vendor::ALL.iter().filter_map(|vendor| {
        let kind = SourceKind::Rules(*vendor);
        let spec = SourceSpec::new(kind, format!("{folder}/{kind}"));
        let files = read_files(&spec).ok()?;
        Some(Loaded { spec, files })
    });
    built(loaded.collect())
}

/// Sigma rules, each tagged, with the items of its one selection.
pub fn sigma(rules: &[(&str, Vec<String>)]) -> Built {
    let files = rules.iter().enumerate().map(|(n, (tag, items))| {
        let items: String = items.iter().map(|item| format!("    {item}\n")).collect();
        let text = format!(
            "title: rule {n}\nid: {n:08}-0000-4000-8000-000000000000\nstatus: test\nlevel: high\ntags:\n  - {tag}\n\
             logsource:\n  category: process_creation\n  product: windows\ndetection:\n  selection:\n{items}  condition: selection\n"
        );
        SourceFile::from_bytes(format!("rules/{n}.yml"), text.into_bytes())
    });
    built(vec![Loaded { spec: SourceSpec::new(SourceKind::Rules(Vendor::Sigma), "rules"), files: files.collect() }])
}
