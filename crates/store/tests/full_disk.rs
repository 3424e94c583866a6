//! A catalog that does not fit leaves the one that was there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

use ruleatlas_catalog::{Catalog, Loaded, build};
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec};
use ruleatlas_store::{Error, Store, WriteOptions, write};

fn catalog(rules: usize) -> Catalog {
    let rule = |n: usize| {
        let value = "x".repeat(n % 50);
        let text = format!("title: Rule {n}\nid: r{n}\ndetection:\n  s:\n    A: {value}{n}\n  condition: s\n");
        SourceFile::from_bytes(format!("{n}.yml"), text.into_bytes())
    };
    let spec = SourceSpec::new(SourceKind::Rules(Vendor::Sigma), "rules");
    build(vec![Loaded { spec, files: (0..rules).map(rule).collect() }], &|_, _, _, _| {}).unwrap()
}

fn put(path: &std::path::Path, catalog: &Catalog, max_bytes: Option<u64>) -> Result<(), Error> {
    write(path, catalog, WriteOptions { max_bytes })
}

#[test]
fn a_full_disk_leaves_the_former_catalog() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.db");
    put(&path, &catalog(3), None).unwrap();
    let before = std::fs::read(&path).unwrap();
    let large = catalog(3_000);
    for max_bytes in [0, 8_192, 100_000, before.len() as u64, 1_000_000] {
        let error = put(&path, &large, Some(max_bytes)).expect_err("it cannot fit");
        assert!(matches!(error, Error::Full(_)), "{max_bytes}: {error}");
        let message = error.to_string();
        assert!(message.contains("catalog.db") && message.contains("the disk is full"), "{message}");
        assert!(std::fs::read(&path).unwrap() == before, "{max_bytes}");
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["catalog.db"], "nothing is left beside it");
    }
    assert_eq!(Store::open(&path).unwrap().index().unwrap().heads().len(), 3);
    put(&path, &large, Some(100_000_000)).unwrap();
    assert_eq!(Store::open(&path).unwrap().index().unwrap().heads().len(), 3_000);
}

#[test]
fn a_catalog_on_a_full_device() {
    // The system's own device without room: no file can be made on it, and the message names it.
    let path = std::path::Path::new("/dev/full/catalog.db");
    let error = put(path, &catalog(1), None).expect_err("no folder");
    assert!(error.to_string().contains("/dev/full"), "{error}");
}
