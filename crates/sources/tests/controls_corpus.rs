//! The published countermeasures, analytics and tests; skipped where `RULEATLAS_CORPORA` names no folder.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Instant,
};

use ruleatlas_model::Basis;
use ruleatlas_sources::{ControlSet, SourceKind, SourceSpec, read_controls, read_files};

fn corpora(place: &str) -> Option<PathBuf> {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("skipped: RULEATLAS_CORPORA is not set");
        return None;
    };
    let place = Path::new(&corpora).join(place);
    assert!(place.exists(), "{} is not there", place.display());
    Some(place)
}

fn read(kind: SourceKind, place: &str) -> Option<(Vec<ControlSet>, Vec<String>)> {
    let files = read_files(&SourceSpec::new(kind, corpora(place)?)).unwrap();
    let begun = Instant::now();
    let (sets, said) = read_controls(kind, &files);
    let controls: usize = sets.iter().map(|set| set.controls.len()).sum();
    println!("{place}: {controls} controls in {:.0?}", begun.elapsed());
    Some((sets, said.into_iter().map(|diagnostic| diagnostic.message).collect()))
}

fn ontology(place: &str) -> Option<ControlSet> {
    let (mut sets, said) = read(SourceKind::D3fend, place)?;
    assert_eq!(said, [""; 0]);
    sets.pop()
}

/// Technique to what `column` says of each of its countermeasures.
type Mapped = BTreeMap<String, BTreeSet<String>>;

fn mapped(set: &ControlSet, of: impl Fn(&ruleatlas_model::Control) -> String) -> Mapped {
    let mut mapped = Mapped::new();
    for cite in &set.cites {
        assert_eq!(cite.basis, Basis::Derived);
        assert!(!cite.how.is_empty());
        mapped.entry(cite.technique.clone()).or_default().insert(of(&set.controls[cite.control as usize]));
    }
    mapped
}

/// The rows of a table with a header: the technique and what `columns` hold, joined.
fn table(place: &str, technique: &str, columns: &[&str]) -> Option<Mapped> {
    let mut reader = csv::Reader::from_path(corpora(place)?).unwrap();
    let headers = reader.headers().unwrap().clone();
    let at = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let mut table = Mapped::new();
    for row in reader.records() {
        let row = row.unwrap();
        let cells: Vec<&str> = columns.iter().map(|column| &row[at(column)]).collect();
        table.entry(row[at(technique)].to_owned()).or_default().insert(cells.join("|"));
    }
    Some(table)
}

fn class(control: &ruleatlas_model::Control) -> String {
    let class = control.url.rsplit_once("d3f:").unwrap().1.trim_end_matches('/');
    format!("{}|{class}", control.name)
}

#[test]
fn countermeasures_are_those_that_were_published_that_month() {
    let Some(set) = ontology("d3fend/d3fend-2022-04-21-1931dcd-protege.ttl") else { return };
    let golden = table(
        "d3fend/golden-2022-04/controlcompass-d3fend-2022-04-27.csv",
        "attack_id",
        &["d3fend_label", "d3fend_class"],
    );
    let own = mapped(&set, class);
    assert_eq!(own["T1071"].len(), 19);
    assert_eq!(own, golden.unwrap());
    assert_eq!(set.version.as_deref(), Some("0.10.0-BETA-2"));
}

#[test]
fn countermeasures_of_every_version_are_as_derived() {
    let tables = [
        ("d3fend/d3fend-2022-04-21-1931dcd-protege.ttl", "d3fend/derived/countermeasures-2022-04-21.csv", 19),
        ("d3fend/d3fend-1.2.0-protege.ttl", "d3fend/derived/countermeasures-1.2.0.csv", 28),
    ];
    for (place, derived, expected) in tables {
        let Some(set) = ontology(place) else { return };
        let own = mapped(&set, |control| {
            format!("{}|{}|{}", control.id, class(control), control.tactic.as_deref().unwrap_or_default())
        });
        assert_eq!(own["T1071"].len(), expected);
        let columns = ["d3fend_id", "d3fend_label", "d3fend_class", "d3fend_tactic"];
        let derived = table(derived, "attack_id", &columns).unwrap();
        for (technique, counters) in &derived {
            assert_eq!(own.get(technique), Some(counters), "{place} {technique}");
        }
        assert_eq!(own, derived);
    }
}

#[test]
fn both_forms_of_one_version_and_the_published_table_agree() {
    let Some(turtle) = ontology("d3fend/d3fend-0.17.0-built.ttl") else { return };
    let json = ontology("d3fend/d3fend-0.17.0.jsonld.json").unwrap();
    assert_eq!(turtle.version.as_deref(), Some("0.17.0"));
    assert_eq!((&turtle.version, &turtle.known), (&json.version, &json.known));
    let own = mapped(&turtle, class);
    assert_eq!(own, mapped(&json, class));
    let published =
        table("d3fend/d3fend-attack-mappings-0.17.0.csv", "off_tech_id", &["def_tech_label", "def_tech"]).unwrap();
    println!("{} techniques, {} published", own.len(), published.len());
    // The published table leaves the ways through techniques below and above to its reader.
    for (technique, counters) in &published {
        assert!(own[technique].is_superset(counters), "{technique}");
    }
}

#[test]
fn of_the_whole_folder_the_newest_ontology_is_read() {
    let Some((sets, said)) = read(SourceKind::D3fend, "d3fend") else { return };
    assert_eq!(sets[0].version.as_deref(), Some("1.2.0"));
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn every_analytic_and_its_tests_are_read() {
    let Some((sets, said)) = read(SourceKind::Car, "car") else { return };
    assert_eq!(said, [""; 0]);
    let [analytics, tests] = sets.try_into().unwrap();
    let files = std::fs::read_dir(corpora("car/analytics").unwrap()).unwrap().count();
    assert_eq!(analytics.controls.len(), files);
    let with: BTreeSet<&str> = tests.controls.iter().filter_map(|test| Some(test.id.split_once('#')?.0)).collect();
    println!("{} tests of {} analytics, version {:?}", tests.controls.len(), with.len(), analytics.version);
    assert!(analytics.cites.iter().all(|cite| cite.basis == Basis::Official));
    let unmapped =
        (0..).zip(&analytics.controls).filter(|(at, _)| analytics.cites.iter().all(|cite| cite.control != *at));
    println!("without a technique: {:?}", unmapped.map(|(_, control)| control.id.as_str()).collect::<Vec<_>>());
}

#[test]
fn every_atomic_test_is_read() {
    let Some((sets, said)) = read(SourceKind::Atomic, "atomic") else { return };
    assert_eq!(said, [""; 0]);
    let set = &sets[0];
    // Counted in the files: lines with a GUID.
    assert_eq!((set.known.len(), set.controls.len()), (341, 1819));
    assert!(set.controls.iter().all(|test| !test.name.is_empty() && test.executor.is_some()));
    // Nine lines more speak of it in another place or as text.
    println!("{} need an administrator", set.controls.iter().filter(|test| test.is_elevated).count());
    let ids: BTreeSet<&str> = set.controls.iter().map(|test| test.id.as_str()).collect();
    assert_eq!(ids.len(), set.controls.len());
}

#[test]
fn every_attack_on_clouds_is_read() {
    let Some((sets, said)) = read(SourceKind::Stratus, "stratus") else { return };
    assert_eq!(said, [""; 0]);
    let set = &sets[0];
    let official: BTreeSet<u32> =
        set.cites.iter().filter(|cite| cite.basis == Basis::Official).map(|cite| cite.control).collect();
    let derived: BTreeSet<u32> = set.cites.iter().map(|cite| cite.control).collect();
    println!("{} attacks, {} mapped officially, {} in all", set.controls.len(), official.len(), derived.len());
    assert!(set.controls.iter().all(|attack| !attack.url.ends_with("/list/") && attack.platforms.len() == 1));
}
