//! A rule's file that belongs to no source is read as its vendor's.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use ruleatlas_catalog::{Catalog, Loaded, build, rules_of_file};
use ruleatlas_model::{FileOutcome, Language, Vendor};
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec, format_of};

/// The files of a vendor that hold rules and whose ending says that its format is meant, and those of them that are
/// taken for another vendor's when they stand alone. One file in `step` is looked at.
fn misread(vendor: Vendor, folder: &Path, step: usize) -> (usize, Vec<String>) {
    let spec = SourceSpec::new(SourceKind::Rules(vendor), folder);
    let sources = Loaded::read(&[spec], &|_, _, _, _| {}).unwrap();
    let files: Vec<SourceFile> = sources.iter().flat_map(|source| source.files.clone()).collect();
    let Catalog { files: records, .. } = build(sources, &|_, _, _, _| {}).unwrap();
    let with_rules: BTreeSet<&str> = records
        .iter()
        .filter(|record| record.outcome == FileOutcome::Rules)
        .map(|record| record.path.as_str())
        .collect();
    let has_rules = |file: &SourceFile| with_rules.contains(file.path.as_str());
    let is_meant = |file: &SourceFile| {
        let ending = file.extension();
        Language::of_extension(&ending).is_none()
            && format_of(vendor, |_, _| false).extensions().contains(&ending.as_str())
    };
    let (mut read, mut wrong) = (0, Vec::new());
    for file in files.iter().filter(|file| is_meant(file) && has_rules(file)).step_by(step) {
        read += 1;
        match rules_of_file(file, None) {
            Ok(rules) if rules.iter().all(|entry| entry.rule.vendor == vendor) => {}
            Ok(rules) => wrong.push(format!("{} is read as {}", file.path, rules[0].rule.vendor)),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    (read, wrong)
}

#[test]
fn a_file_of_the_demo_corpus_is_read_as_its_vendor_s() {
    for vendor in Vendor::ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/demo").join(vendor.name());
        let (read, wrong) = misread(*vendor, &folder, 1);
        assert!(read > 0, "{vendor} has no rules in the demo corpus");
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn a_file_of_the_real_corpora_is_read_as_its_vendor_s() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA").map(PathBuf::from) else {
        eprintln!("skipped: RULEATLAS_CORPORA names no folder of real rules");
        return;
    };
    for vendor in Vendor::ALL {
        let folder = corpora.join(vendor.name());
        if !folder.is_dir() {
            eprintln!("skipped: {} is not there", folder.display());
            continue;
        }
        let (read, wrong) = misread(*vendor, &folder, 20);
        println!("{vendor}: {} of {read} files are read as another vendor's: {wrong:#?}", wrong.len());
        // Some say nothing that only their vendor's format knows.
        assert!(wrong.len() * 20 <= read, "{vendor}: {} of {read}", wrong.len());
    }
}
