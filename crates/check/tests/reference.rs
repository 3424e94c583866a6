//! The page of checks is made from the table of codes, and every example is one of its code.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use std::{fs, path::Path};

use ruleatlas_check::{CODES, Checker, Config, FAMILIES, reference};
use ruleatlas_model::Language;
use ruleatlas_sources::SourceFile;

mod support;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/checks.md");

#[test]
fn the_page_is_that_of_the_table() {
    if std::env::var_os("UPDATE_CHECKS").is_some() {
        fs::write(PAGE, reference()).unwrap();
    }
    let page = fs::read_to_string(Path::new(PAGE)).unwrap();
    assert!(page == reference(), "docs/checks.md is not made from the table; run with UPDATE_CHECKS=1");
}

#[test]
fn codes_are_in_order_and_of_a_family() {
    assert!(CODES.is_sorted_by(|a, b| a.code < b.code));
    for code in CODES {
        assert!(FAMILIES.iter().any(|family| code.code.starts_with(family.code)), "{}", code.code);
    }
}

#[test]
fn every_example_is_found_out() {
    let (atlas, _folder) = support::catalog();
    let checker = Checker::new(&atlas, Config::default());
    let mut missing = Vec::new();
    for code in CODES.iter().filter(|code| !code.example.is_empty() && !NEEDS_A_CORPUS.contains(&code.code)) {
        let (name, language, text) = match code.language {
            "kusto" => ("draft.kql", Some(Language::Kusto), code.example.to_owned()),
            "eql" => ("draft.eql", Some(Language::Eql), code.example.to_owned()),
            _ => ("draft.yml", None, whole(code.example)),
        };
        let found = checker.check(&SourceFile::from_bytes(name, text.clone().into_bytes()), language);
        if !found.iter().any(|finding| finding.code == code.code) {
            let found: Vec<_> = found.iter().map(|finding| (finding.code, &finding.message)).collect();
            missing.push(format!("{}: {found:?}\n{text}", code.code));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Codes that say something of a corpus, or of an ATT&CK, larger than the tests'.
const NEEDS_A_CORPUS: [&str; 3] = ["RA0108", "RA0301", "RA0401"];

/// A part of a Sigma rule as a whole one.
fn whole(part: &str) -> String {
    let mut rule = String::from("title: Draft\nid: 1b671a64-40d5-491e-99b0-da01ff1f3341\nlevel: high\n");
    rule.push_str(part);
    if !part.contains("logsource") {
        rule.push_str("logsource:\n  product: windows\n  category: process_creation\n");
    }
    if !part.contains("detection:") {
        rule.push_str("detection:\n  selection:\n    Image|endswith: '\\x.exe'\n  condition: selection\n");
    }
    rule
}
