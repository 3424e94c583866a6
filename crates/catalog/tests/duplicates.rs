//! A rule that stands in two sources counts once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

use ruleatlas_catalog::{Catalog, Filters, Guide, Index, Loaded, Scope, build};
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec};
use ruleatlas_taxonomy::Taxonomy;

fn source(name: &str, files: &[(&str, String)]) -> Loaded {
    let spec = SourceSpec { name: name.to_owned(), ..SourceSpec::new(SourceKind::Rules(Vendor::Sigma), "rules") };
    let file = |(path, text): &(&str, String)| SourceFile::from_bytes(*path, text.as_bytes().to_vec());
    Loaded { spec, files: files.iter().map(file).collect() }
}

fn rule(id: &str, title: &str, value: &str) -> String {
    format!(
        "title: {title}\nid: {id}\nstatus: test\nlogsource: {{product: windows, category: process_creation}}\ndetection:\n  \
         s:\n    Image|endswith: '\\{value}'\n  condition: s\n"
    )
}

fn of(sources: Vec<Loaded>) -> Catalog {
    build(sources, &|_, _, _, _| {}).unwrap()
}

fn shown(catalog: &Catalog) -> Vec<(&str, Option<&str>)> {
    catalog.entries.iter().map(|entry| (entry.rule.id.as_str(), entry.rule.variant_of.as_deref())).collect()
}

#[test]
fn the_same_id_in_two_sources_counts_once() {
    let catalog = of(vec![
        source("A", &[("a.yml", rule("01", "One", "a.exe"))]),
        source("B", &[("b.yml", rule("01", "One, changed", "b.exe"))]),
    ]);
    assert_eq!(shown(&catalog), [("sigma/01", None), ("sigma/01@b.yml", Some("sigma/01"))]);
    let codes: Vec<&str> = catalog.entries[1].rule.diagnostics.iter().map(|said| said.code.as_ref()).collect();
    assert!(codes.contains(&"duplicate id") && codes.contains(&"duplicate rule"), "{codes:?}");
    let index = Index::of(&catalog);
    let guide = Guide::of(&index, Taxonomy::builtin(), &Scope::all(&index, &Filters::default()));
    assert_eq!(guide.rules.total, 1);
}

#[test]
fn the_same_title_and_query_in_two_sources_count_once() {
    let catalog = of(vec![
        source("A", &[("a.yml", rule("01", "One", "a.exe")), ("c.yml", rule("03", "Three", "c.exe"))]),
        source("B", &[("b.yml", rule("02", "ONE", "a.exe")), ("d.yml", rule("04", "Three", "other.exe"))]),
        source("C", &[("e.yml", rule("05", "one", "a.exe"))]),
    ]);
    assert_eq!(
        shown(&catalog),
        [
            ("sigma/01", None),
            ("sigma/02", Some("sigma/01")),
            ("sigma/03", None),
            ("sigma/04", None),
            ("sigma/05", Some("sigma/01")),
        ]
    );
    let said = &catalog.entries[1].rule.diagnostics;
    assert!(
        said.iter().any(|said| said.code == "duplicate rule" && said.message.contains("`sigma/01` of the source A"))
    );
}

#[test]
fn within_a_source_nothing_is_merged() {
    let catalog = of(vec![source(
        "A",
        &[
            ("a.yml", rule("01", "One", "a.exe")),
            ("b.yml", rule("01", "One", "a.exe")),
            ("c.yml", rule("02", "One", "a.exe")),
        ],
    )]);
    assert!(catalog.entries.iter().all(|entry| entry.rule.variant_of.is_none()), "{:?}", shown(&catalog));
}

#[test]
fn a_copy_of_a_copy_is_led_to_the_first() {
    let catalog = of(vec![
        source("A", &[("a.yml", rule("01", "One", "a.exe"))]),
        source("B", &[("b.yml", rule("02", "One", "a.exe"))]),
        source("C", &[("c.yml", rule("02", "Changed", "c.exe"))]),
    ]);
    assert_eq!(
        shown(&catalog),
        [("sigma/01", None), ("sigma/02", Some("sigma/01")), ("sigma/02@c.yml", Some("sigma/01"))]
    );
}
