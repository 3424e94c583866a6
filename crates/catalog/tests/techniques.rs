//! An ill-formed technique is read, or said to be none, in the metadata of every vendor.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

use ruleatlas_catalog::{Loaded, build};
use ruleatlas_model::{Rule, Vendor};
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec};

const ATTACK: &str = r#"{"type": "bundle", "objects": [
    {"type": "attack-pattern", "id": "attack-pattern--1", "name": "Command and Scripting Interpreter",
     "external_references": [{"source_name": "mitre-attack", "external_id": "T1059"}]},
    {"type": "attack-pattern", "id": "attack-pattern--2", "name": "PowerShell",
     "external_references": [{"source_name": "mitre-attack", "external_id": "T1059.001"}]},
    {"type": "attack-pattern", "id": "attack-pattern--3", "name": "Ingress Tool Transfer",
     "external_references": [{"source_name": "mitre-attack", "external_id": "T1105"}]}]}"#;

/// A file of a vendor with these values as YAML or TOML lists write them in the place for techniques.
fn file(kind: SourceKind, values: &str) -> Vec<(&'static str, String)> {
    match kind {
        SourceKind::Rules(Vendor::Sigma) => vec![(
            "a.yml",
            format!(
                "title: A\nid: a\nlogsource: {{product: windows}}\ndetection: {{s: {{A: 1}}, condition: s}}\ntags: [{values}]\n"
            ),
        )],
        SourceKind::Rules(Vendor::Kusto) => {
            vec![("a.yaml", format!("id: a\nname: A\nquery: T | where A == 1\nrelevantTechniques: [{values}]\n"))]
        }
        SourceKind::Rules(Vendor::Splunk) => vec![(
            "detections/a.yml",
            format!("name: A\nid: a\ntype: TTP\nsearch: index=a b=1\ntags: {{mitre_attack_id: [{values}]}}\n"),
        )],
        SourceKind::Rules(Vendor::Panther) => vec![
            ("a.yml", format!("AnalysisType: rule\nRuleID: a\nFilename: a.py\nReports:\n  MITRE ATT&CK: [{values}]\n")),
            ("a.py", "def rule(event):\n    return event.get('a') == 1\n".to_owned()),
        ],
        SourceKind::Rules(Vendor::Logscale) => {
            vec![("a.yml", format!("name: A\nmitre_ids: [{values}]\ntags: [Detection]\ncql: a=1\n"))]
        }
        _ => {
            let threats = values.split("; ").map(|id| {
                format!("[[rule.threat]]\nframework = \"MITRE ATT&CK\"\n[[rule.threat.technique]]\nid = {id}\nname = \"x\"\n")
            });
            let head = "[rule]\nrule_id = \"a\"\nname = \"A\"\ntype = \"eql\"\nlanguage = \"eql\"\nquery = 'process where true'\n";
            vec![("rules/a.toml", format!("{head}{}", threats.collect::<String>()))]
        }
    }
}

fn read(kind: SourceKind, values: &str) -> Rule {
    let loaded = |kind, files: Vec<(&str, String)>| Loaded {
        spec: SourceSpec::new(kind, "x"),
        files: files.into_iter().map(|(path, text)| SourceFile::from_bytes(path, text.into_bytes())).collect(),
    };
    let attack = loaded(SourceKind::Attack, vec![("enterprise-attack.json", ATTACK.to_owned())]);
    let catalog = build(vec![attack, loaded(kind, file(kind, values))], &|_, _, _, _| {}).unwrap();
    assert_eq!(catalog.entries.len(), 1, "{kind}: {:?}", catalog.files);
    catalog.entries[0].rule.clone()
}

const RULES: [SourceKind; 6] = [
    SourceKind::Rules(Vendor::Sigma),
    SourceKind::Rules(Vendor::Kusto),
    SourceKind::Rules(Vendor::Splunk),
    SourceKind::Rules(Vendor::Panther),
    SourceKind::Rules(Vendor::Elastic),
    SourceKind::Rules(Vendor::Logscale),
];

#[test]
fn what_can_be_read_is_used_and_said() {
    for kind in RULES {
        // Sigma's tags are of any kind: what is ATT&CK's is marked.
        let mark = if kind == SourceKind::Rules(Vendor::Sigma) { "attack." } else { "" };
        for (value, expected) in [
            ("T1059.1", &["T1059.001"][..]),
            ("t1059_001", &["T1059.001"]),
            ("TT1105", &["T1105"]),
            ("T1059, T1105", &["T1059", "T1105"]),
            ("https://attack.mitre.org/techniques/T1059/001/", &["T1059.001"]),
            ("Ingress Tool Transfer", &["T1105"]),
            ("T1105 - Ingress Tool Transfer", &["T1105"]),
        ] {
            let rule = read(kind, &format!("\"{mark}{value}\""));
            assert_eq!(rule.techniques(), expected, "{kind} {value}");
            let said: Vec<_> = rule.diagnostics.iter().filter(|said| said.code == "malformed technique").collect();
            assert!(
                said.len() == 1 && said[0].line.is_some() && said[0].message.contains(expected[0]),
                "{kind} {value}: {said:?}"
            );
        }
        let rule = read(kind, &format!("\"{mark}T1105\""));
        assert!(
            rule.techniques() == ["T1105"] && !rule.diagnostics.iter().any(|said| said.code == "malformed technique")
        );
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    for kind in RULES {
        let mark = if kind == SourceKind::Rules(Vendor::Sigma) { "attack." } else { "" };
        for value in ["T012", "T10591"] {
            let rule = read(kind, &format!("\"{mark}{value}\""));
            assert_eq!(rule.techniques(), [""; 0], "{kind} {value}");
            let said = rule.diagnostics.iter().find(|said| said.code == "malformed technique");
            assert!(said.is_some_and(|said| said.line.is_some() && said.message.contains(value)), "{kind} {value}");
        }
    }
    // A number, a nested list, an object of the technique.
    for kind in
        [SourceKind::Rules(Vendor::Kusto), SourceKind::Rules(Vendor::Splunk), SourceKind::Rules(Vendor::Panther)]
    {
        let rule = read(kind, "1059, [T1105, [T1059.001]], {id: T1105, name: Ingress Tool Transfer}");
        assert_eq!(rule.techniques(), ["T1059", "T1059.001", "T1105"], "{kind}");
    }
}
