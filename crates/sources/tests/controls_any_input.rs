//! Whatever the files of a source of controls hold, reading them ends, and nothing points where nothing is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use proptest::prelude::*;
use ruleatlas_sources::{SourceFile, SourceKind, attack, read_controls};

const TURTLE: &str = r#"@prefix : <http://d3fend.mitre.org/ontologies/d3fend.owl#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:File rdfs:subClassOf :DigitalArtifact, :File .
:FileAnalysis rdfs:subClassOf :DefensiveTechnique, [ owl:onProperty :analyzes ; owl:someValuesFrom :File ] ; :d3fend-id "D3-FA" .
:T1901 rdfs:subClassOf :T1901 ; :attack-id "T1901" ; :modifies :File .
"#;

const JSON: &str = r#"{"@context": {"d3f": "http://d3fend.mitre.org/ontologies/d3fend.owl#"}, "@graph": [
  {"@id": "d3f:T1901", "d3f:attack-id": ["T1901", {"@value": "x"}], "d3f:modifies": {"@id": "_:b1", "d3f:a": [[1]]}}]}"#;

const ANALYTIC: &str = "title: One\nid: CAR-2031-01-001\nsubmission_date: 2031/01/02\nplatforms: [Windows]\ncoverage:\n  \
    - technique: T1059\n    subtechniques: [T1059.003]\n    coverage: Low\nunit_tests:\n  - description: x\n  - commands: [y]\n  - z\n";

const ATOMIC: &str = "attack_technique: T1901\natomic_tests:\n- name: a\n  supported_platforms: [linux]\n  executor: {name: sh, \
    elevation_required: true}\n- b\n- executor: [c]\n";

const INDEX: &str = "AWS:\n  Persistence:\n  - id: aws.persistence.one\n    name: One\n    platform: AWS\n    frameworkmappings:\n    \
    - framework: F\n      techniques: [{id: T1098.001}, {id: T1078.A001}, x]\n";

const PAGE: &str = "https://attack.mitre.org/techniques/T1562/008/ https://attack.mitre.org/techniques/é";

const GROUPS: &str = r#"{"type": "bundle", "objects": [
  {"type": "attack-pattern", "id": "a--1", "external_references": [{"source_name": "mitre-attack", "external_id": "T1901"}]},
  {"type": "intrusion-set", "id": "g--1", "revoked": true, "aliases": ["x", null], "external_references": [{"source_name": "mitre-attack", "external_id": "G1"}]},
  {"type": "relationship", "id": "r--1", "relationship_type": "uses", "source_ref": "g--1", "target_ref": "a--1"},
  {"type": "relationship", "id": "r--2", "relationship_type": "revoked-by", "source_ref": "g--1", "target_ref": "g--1"}]}"#;

const FILES: [(SourceKind, &str, &str); 7] = [
    (SourceKind::D3fend, "d3fend-1.2.0.ttl", TURTLE),
    (SourceKind::D3fend, "d3fend.jsonld.json", JSON),
    (SourceKind::Car, "analytics/CAR-2031-01-001.yaml", ANALYTIC),
    (SourceKind::Atomic, "atomics/T1901/T1901.yaml", ATOMIC),
    (SourceKind::Stratus, "docs/index.yaml", INDEX),
    (SourceKind::Stratus, "docs/attack-techniques/AWS/aws.persistence.one.md", PAGE),
    (SourceKind::Attack, "enterprise-attack.json", GROUPS),
];

/// Reads one changed file beside the whole ones of its source.
fn check(changed: usize, bytes: Vec<u8>) {
    let (kind, place, _) = FILES[changed];
    let mut files: Vec<SourceFile> = FILES
        .iter()
        .filter(|(other, path, _)| *other == kind && *path != place && kind == SourceKind::Stratus)
        .map(|(_, path, text)| SourceFile::from_bytes(*path, text.as_bytes().to_vec()))
        .collect();
    files.push(SourceFile::from_bytes(place, bytes));
    for set in read_controls(kind, &files).0 {
        assert!(set.cites.iter().all(|cite| (cite.control as usize) < set.controls.len()));
        assert!(set.cites.iter().all(|cite| set.known.contains(&cite.technique)));
        assert!(set.known.is_sorted());
    }
    if kind == SourceKind::Attack
        && let Ok(knowledge) = attack::load_all(&files, None)
    {
        assert!(knowledge.threats.is_sorted_by(|a, b| a.id < b.id));
    }
}

#[test]
fn the_files_as_they_are_hold_something() {
    for (at, (kind, path, text)) in FILES.iter().enumerate() {
        check(at, text.as_bytes().to_vec());
        let file = SourceFile::from_bytes(*path, text.as_bytes().to_vec());
        if *path != FILES[5].1 && *path != FILES[1].1 && *kind != SourceKind::Attack {
            assert!(read_controls(*kind, &[file]).0.iter().any(|set| !set.cites.is_empty()), "{path}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(at in 0..FILES.len(), text in "[ -~\n\u{e9}]{0,400}") {
        check(at, text.into_bytes());
    }

    #[test]
    fn a_file_with_something_else_in_it_is_read(
        at in 0..FILES.len(),
        cut in 0.0..1.0_f64,
        length in 0..40_usize,
        put in "[\\[\\]{}\"':;.,<>@#a-zT0-9 \n\u{e9}-]{0,24}",
    ) {
        let text = FILES[at].2;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let mut start = (cut * text.len() as f64) as usize;
        while !text.is_char_boundary(start) { start -= 1; }
        let mut end = (start + length).min(text.len());
        while !text.is_char_boundary(end) { end += 1; }
        check(at, format!("{}{put}{}", &text[..start], &text[end..]).into_bytes());
    }

    #[test]
    fn deep_nesting_ends(at in 0..FILES.len(), depth in 0..4_000_usize, open in prop::sample::select(vec!["[", "{", ":a :b [ ", "- ", "{\"@graph\":["])) {
        check(at, format!("@prefix : <http://d3fend.mitre.org/ontologies/d3fend.owl#> .\n:x :y {}", open.repeat(depth)).into_bytes());
        check(at, open.repeat(depth).into_bytes());
    }
}
