//! ATT&CK bundles in, the knowledge base out; the bundles here are ours, in the shape that MITRE publishes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use std::{fs, path::Path};

use ruleatlas_model::{Attack, AttackDomain, Diagnostic, Level, Resolution};
use ruleatlas_sources::attack::{self, Crosswalk, Error, read_tags};
use serde_json::{Value, json};

fn object(kind: &str, id: &str, name: &str, more: &Value) -> Value {
    let mut object = json!({
        "type": kind, "id": format!("{kind}--{id}"), "name": name, "description": format!("About {name}."),
        "modified": "2025-04-01T00:00:00.000Z",
        "external_references": [
            {"source_name": "a catalog", "external_id": "X-1", "url": "https://example.org/x"},
            {"source_name": "mitre-attack", "external_id": id, "url": format!("https://attack.example/{id}")},
        ],
    });
    merge(&mut object, more);
    object
}

fn merge(object: &mut Value, more: &Value) {
    for (key, value) in more.as_object().unwrap() {
        object[key] = value.clone();
    }
}

fn technique(id: &str, name: &str) -> Value {
    object("attack-pattern", id, name, &json!({}))
}

fn revoked(id: &str) -> Value {
    object("attack-pattern", id, "Gone", &json!({"revoked": true}))
}

fn related(source: &str, kind: &str, target: &str, more: &Value) -> Value {
    let mut object = json!({
        "type": "relationship", "id": format!("relationship--{source}-{kind}-{target}"),
        "relationship_type": kind, "source_ref": source, "target_ref": target,
    });
    merge(&mut object, more);
    object
}

fn revoked_by(old: &str, new: &str) -> Value {
    related(&format!("attack-pattern--{old}"), "revoked-by", &format!("attack-pattern--{new}"), &json!({}))
}

fn write(folder: &Path, file: &str, objects: &[Value]) {
    let bundle = json!({"type": "bundle", "id": "bundle--1", "spec_version": "2.0", "objects": objects});
    fs::write(folder.join(file), bundle.to_string()).unwrap();
}

fn load(objects: &[Value]) -> (Attack, Vec<Diagnostic>) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "enterprise-attack.json", objects);
    attack::load(folder.path(), None).unwrap()
}

fn codes(diagnostics: &[Diagnostic]) -> Vec<&str> {
    diagnostics.iter().map(|diagnostic| &*diagnostic.code).collect()
}

#[test]
fn a_technique_has_its_tactics_platforms_parent_mitigations_and_citations() {
    let tactic = |id: &str, short_name: &str| {
        object("x-mitre-tactic", id, short_name, &json!({"x_mitre_shortname": short_name}))
    };
    let (attack, diagnostics) = load(&[
        tactic("TA0003", "persistence"),
        tactic("TA0001", "initial-access"),
        object(
            "x-mitre-tactic",
            "TA0099",
            "old-one",
            &json!({"x_mitre_shortname": "old-one", "x_mitre_deprecated": true}),
        ),
        object(
            "x-mitre-matrix",
            "enterprise-attack",
            "M",
            &json!({"tactic_refs": ["x-mitre-tactic--TA0001", "x-mitre-tactic--TA0003"]}),
        ),
        technique("T1000", "Parent"),
        object(
            "attack-pattern",
            "T1000.001",
            "Child",
            &json!({
                "description": "Seen twice.(Citation: Blog (2020))(Citation: Blog (2020)) Not cited: Other.",
                "kill_chain_phases": [
                    {"kill_chain_name": "mitre-attack", "phase_name": "persistence"},
                    {"kill_chain_name": "mitre-attack", "phase_name": "initial-access"},
                    {"kill_chain_name": "someone-else", "phase_name": "boom"},
                ],
                "x_mitre_platforms": ["Windows", "None"],
                "external_references": [
                    {"source_name": "mitre-attack", "external_id": "T1000.001", "url": "https://attack.example/T1000/001"},
                    {"source_name": "Other", "url": "https://example.org/other"},
                    {"source_name": "Blog (2020)", "url": "https://example.org/blog"},
                ],
            }),
        ),
        object("course-of-action", "M1000", "Care", &json!({})),
        object("course-of-action", "M1001", "Old care", &json!({"x_mitre_deprecated": true})),
        related("attack-pattern--T1000.001", "subtechnique-of", "attack-pattern--T1000", &json!({})),
        related(
            "course-of-action--M1000",
            "mitigates",
            "attack-pattern--T1000.001",
            &json!({
                "description": "Take care.(Citation: Guide)",
                "external_references": [{"source_name": "Guide", "description": "A printed guide."}],
            }),
        ),
        related("course-of-action--M1001", "mitigates", "attack-pattern--T1000.001", &json!({})),
        related("course-of-action--M1000", "mitigates", "attack-pattern--T1000", &json!({"revoked": true})),
        related(
            "course-of-action--M1000",
            "mitigates",
            "attack-pattern--T1000",
            &json!({"id": "r2", "x_mitre_deprecated": true}),
        ),
    ]);
    assert_eq!(codes(&diagnostics), [""; 0]);
    assert_eq!(attack.version, "2025-04-01");
    let order: Vec<_> =
        attack.tactics.iter().map(|tactic| (tactic.short_name.as_str(), tactic.order, tactic.deprecated)).collect();
    assert_eq!(order, [("initial-access", 0, false), ("persistence", 1, false), ("old-one", 2, true)]);

    let child = &attack.techniques["T1000.001"];
    assert_eq!((child.name.as_str(), child.url.as_str()), ("Child", "https://attack.example/T1000/001"));
    assert_eq!(child.tactics, ["initial-access", "persistence"]);
    assert_eq!(child.platforms, ["Windows"]);
    assert_eq!(child.parent.as_deref(), Some("T1000"));
    let cited: Vec<_> =
        child.references.iter().map(|reference| (reference.name.as_str(), reference.url.as_str())).collect();
    assert_eq!(cited, [("Blog (2020)", "https://example.org/blog"), ("Guide", "")]);
    assert_eq!(child.mitigations.len(), 1);
    assert_eq!(
        (child.mitigations[0].id.as_str(), child.mitigations[0].description.as_str()),
        ("M1000", "Take care.(Citation: Guide)")
    );
    assert!(attack.techniques["T1000"].mitigations.is_empty());
    assert_eq!(attack.mitigations.keys().collect::<Vec<_>>(), ["M1000"]);
}

#[test]
fn revoked_techniques_lead_to_the_end_of_their_chain() {
    let (attack, diagnostics) = load(&[
        revoked("T1001"),
        revoked("T1002"),
        technique("T1003", "Successor"),
        object("attack-pattern", "T1004", "Deprecated", &json!({"x_mitre_deprecated": true})),
        revoked("T1005"),
        revoked_by("T1001", "T1002"),
        revoked_by("T1002", "T1003"),
        revoked_by("T1005", "T1003"),
        revoked_by("T1005", "T1004"),
    ]);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(attack.resolve("t1001"), (vec!["T1003".to_owned()], Resolution::RevokedBy));
    assert_eq!(attack.resolve("T1005").0, ["T1003", "T1004"]);
    assert_eq!(attack.resolve("T1004"), (vec!["T1004".to_owned()], Resolution::Deprecated));
    assert_eq!(attack.resolve("T1002").1, Resolution::RevokedBy);
    assert_eq!(attack.resolve("T9999"), (vec![], Resolution::Unknown));
}

#[test]
fn a_circle_of_revocations_ends_and_is_said() {
    let (attack, diagnostics) = load(&[
        revoked("T1001"),
        revoked("T1002"),
        revoked("T1003"),
        revoked_by("T1001", "T1002"),
        revoked_by("T1002", "T1001"),
        revoked_by("T1003", "T1001"),
    ]);
    assert_eq!(codes(&diagnostics), ["revoked technique without a successor", "technique revoked in a circle"]);
    assert!(diagnostics[1].message.contains("T1001"), "{diagnostics:?}");
    // Nothing is lost: without a successor, a revoked technique stays as a deprecated one.
    assert_eq!(attack.resolve("T1003"), (vec!["T1003".to_owned()], Resolution::Deprecated));
}

#[test]
fn a_chain_without_end_is_cut_and_said() {
    let mut objects: Vec<Value> = (0..5000).map(|n| revoked(&format!("T{n:04}"))).collect();
    objects.extend((0..4999).map(|n| revoked_by(&format!("T{n:04}"), &format!("T{:04}", n + 1))));
    let (_, diagnostics) = load(&objects);
    assert!(codes(&diagnostics).contains(&"chain of revocations too long to follow"));
}

#[test]
fn a_later_version_s_id_finds_the_counterpart_of_the_same_name() {
    let (attack, _) = load(&[
        object("x-mitre-tactic", "TA0005", "Defense Evasion", &json!({"x_mitre_shortname": "defense-evasion"})),
        technique("T1562", "Impair Defenses"),
        technique("T1562.001", "Disable or Modify Tools"),
        technique("T1562.006", "Indicator Blocking"),
        revoked("T1562.010"),
        technique("T1600", "Where Downgrade Attack went"),
        revoked_by("T1562.010", "T1600"),
    ]);
    assert_eq!(attack.resolve("T1685"), (vec!["T1562.001".to_owned()], Resolution::Crosswalk));
    // The counterpart is revoked itself.
    assert_eq!(attack.resolve("T1689"), (vec!["T1600".to_owned()], Resolution::Crosswalk));
    assert_eq!(attack.resolve("T1562").1, Resolution::Direct);
    for name in ["attack.stealth", "attack.defense-impairment", "TA0112", "Defense Impairment"] {
        assert_eq!(read_tags(&attack, [name]).tactics, ["defense-evasion"], "{name}");
    }
}

#[test]
fn without_a_counterpart_of_the_same_name_all_of_them_are_meant() {
    let (attack, _) = load(&[technique("T1562", "Impair Defenses"), technique("T1562.006", "Indicator Blocking")]);
    assert_eq!(attack.resolve("T1685").0, ["T1562", "T1562.006"]);
}

#[test]
fn an_earlier_version_s_ids_find_their_counterparts_in_a_later_one() {
    let tactic = |id: &str, short_name: &str| {
        object("x-mitre-tactic", id, short_name, &json!({"x_mitre_shortname": short_name}))
    };
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "enterprise-attack.json",
        &[
            tactic("TA0005", "stealth"),
            tactic("TA0112", "defense-impairment"),
            technique("T1685", "Disable or Modify Tools"),
            technique("T1686", "Disable or Modify System Firewall"),
            technique("T1686.003", "Windows Host Firewall"),
        ],
    );
    // Mobile keeps the name; the rules mean Enterprise.
    write(folder.path(), "mobile-attack.json", &[tactic("TA0030", "defense-evasion")]);
    let (attack, _) = attack::load(folder.path(), None).unwrap();
    assert_eq!(attack.resolve("T1562.001"), (vec!["T1685".to_owned()], Resolution::Crosswalk));
    assert_eq!(attack.resolve("T1562.006").0, ["T1685"]);
    assert_eq!(attack.resolve("T1562.004").0, ["T1686"]);
    assert_eq!(read_tags(&attack, ["attack.defense_evasion"]).tactics, ["stealth", "defense-impairment"]);
    assert_eq!(read_tags(&attack, ["Defense Evasion", "TA0005"]).tactics, ["stealth", "defense-impairment"]);
    assert_eq!(read_tags(&attack, ["TA0005"]).tactics, ["stealth"]);
    assert!(attack.tactic("defense-evasion").is_none());
}

#[test]
fn a_crosswalk_beside_the_bundles_adds_rows() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "enterprise-attack.json",
        &[technique("T1000", "One"), technique("T1562.001", "Disable or Modify Tools")],
    );
    fs::write(folder.path().join("crosswalk.csv"), "kind,v1_id,v2_id\ntechnique,T1000,T2000\nodd,1,2\n").unwrap();
    let (attack, diagnostics) = attack::load(folder.path(), None).unwrap();
    assert_eq!(attack.resolve("T2000").0, ["T1000"]);
    assert_eq!(attack.resolve("T1685").0, ["T1562.001"]);
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(diagnostics[0].line, Some(3));

    // A single file is a source without neighbours.
    let (attack, _) = attack::load(&folder.path().join("enterprise-attack.json"), Some(&Crosswalk::default())).unwrap();
    assert_eq!(attack.resolve("T2000").1, Resolution::Unknown);
    assert_eq!(attack.resolve("T1685").1, Resolution::Unknown);
}

#[test]
fn domains_come_from_objects_matrix_or_file() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "mobile-attack.json", &[technique("T1400", "M")]);
    fs::create_dir(folder.path().join("ics-attack")).unwrap();
    write(folder.path(), "ics-attack/ics-attack.json", &[technique("T0800", "I")]);
    write(folder.path(), "ics-attack/one-object.json", &[technique("T0801", "passed over")]);
    write(
        folder.path(),
        "own.json",
        &[
            object("x-mitre-matrix", "mobile-attack", "Own", &json!({})),
            technique("T1401", "by matrix"),
            object("attack-pattern", "T1000", "by object", &json!({"x_mitre_domains": ["enterprise-attack"]})),
            object(
                "attack-pattern",
                "T1402",
                "in both",
                &json!({"x_mitre_domains": ["enterprise-attack", "mobile-attack"]}),
            ),
        ],
    );
    write(folder.path(), "enterprise-attack-groups.json", &[technique("T1999", "passed over")]);
    let (attack, diagnostics) = attack::load(folder.path(), None).unwrap();
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let domains: Vec<_> =
        attack.techniques.values().map(|technique| (technique.id.as_str(), technique.domain)).collect();
    use AttackDomain::{Enterprise, Ics, Mobile};
    assert_eq!(
        domains,
        [("T0800", Ics), ("T1000", Enterprise), ("T1400", Mobile), ("T1401", Mobile), ("T1402", Mobile)]
    );
}

#[test]
fn one_id_in_two_domains_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let old = object("attack-pattern", "T1000", "Old", &json!({"x_mitre_deprecated": true}));
    write(folder.path(), "enterprise-attack.json", &[old]);
    write(
        folder.path(),
        "mobile-attack.json",
        &[object("attack-pattern", "T1000", "New", &json!({"id": "attack-pattern--other"}))],
    );
    let (attack, diagnostics) = attack::load(folder.path(), None).unwrap();
    assert_eq!(codes(&diagnostics), ["one id, two techniques"]);
    assert_eq!(attack.techniques["T1000"].name, "New");
}

#[test]
fn of_two_versions_of_an_object_the_newer_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let newer = object("attack-pattern", "T1000", "New", &json!({"modified": "2026-01-01T00:00:00Z"}));
    write(folder.path(), "a.json", &[newer]);
    write(folder.path(), "b.json", &[technique("T1000", "Old")]);
    let (attack, diagnostics) = attack::load(folder.path(), None).unwrap();
    assert_eq!(codes(&diagnostics), ["two versions of one object, the newer is kept"]);
    assert_eq!((attack.techniques["T1000"].name.as_str(), attack.version.as_str()), ("New", "2026-01-01"));
}

#[test]
fn a_collection_states_the_version() {
    let collection =
        |version: &str| object("x-mitre-collection", version, "Enterprise", &json!({"x_mitre_version": version}));
    assert_eq!(load(&[collection("9.2"), collection("18.1"), technique("T1000", "One")]).0.version, "18.1");
}

#[test]
fn what_cannot_be_placed_is_said_once_a_kind() {
    let (attack, diagnostics) = load(&[
        technique("T1000", "One"),
        json!({"type": "attack-pattern", "id": "attack-pattern--no-id"}),
        json!({"type": "attack-pattern", "id": "attack-pattern--no-id-either"}),
        json!({"type": "something-new", "extra": {"deep": [1, null]}}),
        revoked_by("T1000", "T1234"),
        json!({"type": "relationship", "id": "relationship--1", "relationship_type": "mitigates"}),
    ]);
    assert_eq!(attack.techniques.len(), 1);
    assert_eq!(
        codes(&diagnostics),
        [
            "object without an ATT&CK id",
            "relationship to an object that no bundle holds",
            "relationship without two ends",
        ]
    );
    assert!(diagnostics[0].message.contains("2 times, first attack-pattern--no-id"), "{diagnostics:?}");
}

#[test]
fn a_bad_file_is_named_with_its_place_and_the_rest_is_loaded() {
    let deep = "[".repeat(100_000);
    let truncated = "{\"type\": \"bundle\",\n \"objects\": [{\"type\": \"attack-pattern\"";
    let not_utf_8: &[u8] =
        b"{\"type\": \"bundle\",\n\"objects\": [{\"type\": \"attack-pattern\", \"name\": \"\xff\"}]}";
    let deep_inside = format!("{{\"type\": \"bundle\", \"objects\": [{{\"type\": {deep}");
    for (content, code, place) in [
        (&b"name: no JSON"[..], "not JSON", "line 1 column 2"),
        (truncated.as_bytes(), "not JSON", "line 2 column 38"),
        (not_utf_8, "unreadable file", "bad.json cannot be read from line 2: not UTF-8"),
        (deep.as_bytes(), "STIX", "line 1 column "),
        (deep_inside.as_bytes(), "STIX", "line 1 column "),
        (b"{\"type\": \"bundle\", \"objects\": {}}", "no STIX bundle", "line 1 column "),
        (b"{\"some\": \"JSON\"}", "no STIX bundle", "`type` is not `bundle`"),
        (b"{\"type\": \"bundle\"}", "empty STIX bundle", "without objects"),
        (b"{\"type\": \"bundle\", \"objects\": []}", "empty STIX bundle", "without objects"),
        (b"", "not JSON", "line 1 column 0"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bad.json"), content).unwrap();
        let Err(error @ Error::Unreadable(_)) = attack::load(folder.path(), None) else {
            panic!("loaded {}", String::from_utf8_lossy(content));
        };
        assert!(error.to_string().contains("bad.json"), "{error}");

        write(folder.path(), "enterprise-attack.json", &[technique("T1000", "One")]);
        let (attack, diagnostics) = attack::load(folder.path(), None).unwrap();
        assert_eq!(attack.techniques.len(), 1);
        let [diagnostic] = diagnostics.as_slice() else { panic!("{diagnostics:?}") };
        assert!(diagnostic.code.contains(code) && diagnostic.message.contains("bad.json"), "{diagnostic:?}");
        assert!(diagnostic.message.contains(place), "{diagnostic:?} lacks {place}");
        assert!(diagnostic.level >= Level::Warning);
    }
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = json!({"type": "bundle", "objects": [technique("T1000", "One")]});
    fs::write(folder.path().join("a.json"), format!("\u{feff}{bundle}")).unwrap();
    assert_eq!(attack::load(folder.path(), None).unwrap().0.techniques.len(), 1);
}

#[test]
fn a_place_without_bundles_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = attack::load(folder.path(), None).unwrap_err();
    assert!(matches!(error, Error::NoBundle), "{error}");
    let error = attack::load(&folder.path().join("nowhere"), None).unwrap_err();
    assert!(matches!(error, Error::Source(_)) && error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn no_damage_to_a_bundle_makes_it_panic() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("enterprise-attack.json");
    let objects = [
        revoked("T1001"),
        technique("T1003", "Successor (Citation: "),
        revoked_by("T1001", "T1003"),
        object("x-mitre-tactic", "TA0005", "Stealth", &json!({"x_mitre_shortname": "stealth"})),
    ];
    let whole = json!({"type": "bundle", "objects": objects}).to_string().into_bytes();
    let mut loaded = 0;
    for at in (0..whole.len()).step_by(13) {
        for byte in [None, Some(b'"'), Some(b'('), Some(b'9'), Some(0xff)] {
            let mut damaged = whole.clone();
            match byte {
                Some(byte) => damaged[at] = byte,
                None => damaged.truncate(at),
            }
            fs::write(&file, damaged).unwrap();
            loaded += usize::from(attack::load(&file, None).is_ok());
        }
    }
    assert!(loaded > whole.len() / 13, "{loaded}");
}
