//! Playbooks, the table of controls and threat alignment.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod support;

use std::fs;

use ruleatlas_model::Vendor;
use serde_json::{Value, json};
use support::{Place, rule};

const SHELL: &str = "3f6a3f4e-0000-4000-8000-000000000001";
const ONTOLOGY: &str = r#"@prefix : <http://d3fend.mitre.org/ontologies/d3fend.owl#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:Process rdfs:subClassOf :DigitalArtifact ; rdfs:label "Process" .
:ProcessWatching rdfs:subClassOf :DefensiveTechnique, [ owl:onProperty :analyzes ; owl:someValuesFrom :Process ] ;
    :enables :Detect ; :d3fend-id "D3-PW" ; rdfs:label "Process Watching" ; :definition "Watches what starts." .
:Detect rdfs:label "Detect" .
:T1059 :attack-id "T1059" ; rdfs:label "Scripts" ; :creates :Process .
:T1059.003 rdfs:subClassOf :T1059 ; :attack-id "T1059.003" .
:T1105 :attack-id "T1105" .
"#;
const ANALYTIC: &str = "title: Odd shells\nid: CAR-2031-01-001\nsubmission_date: 2031/01/02\nplatforms: [Windows]\ndescription: x\n\
    coverage:\n  - technique: T1059\n    subtechniques: [T1059.003]\n    coverage: High\nunit_tests:\n  - description: start `cmd` <b>\n";
const ATOMIC: &str = "attack_technique: T1105\natomic_tests:\n- name: 'Fetch [x](javascript:y) | it'\n  auto_generated_guid: 0-1\n  \
    supported_platforms: [windows]\n  executor: {name: powershell, elevation_required: true, command: Remove-Everything}\n";
const OLD_ATOMIC: &str = "attack_technique: T1685\natomic_tests:\n- name: Stop the guard\n  auto_generated_guid: 0-2\n  executor: {name: sh}\n";
const INDEX: &str = "AWS:\n  Persistence:\n  - id: aws.persistence.one\n    name: One\n    platform: AWS\n    frameworkmappings:\n    \
    - framework: A Catalog\n      techniques: [{id: T1059.A007}]\n";

fn groups() -> Value {
    let named = |kind: &str, id: &str, name: &str, more: Value| {
        let mut object = json!({"type": kind, "id": format!("{kind}--{id}"), "name": name,
            "external_references": [{"source_name": "mitre-attack", "external_id": id, "url": format!("https://attack.mitre.org/x/{id}")}]});
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    let relation = |kind: &str, source: &str, target: &str| json!({"type": "relationship", "relationship_type": kind, "source_ref": source, "target_ref": target});
    let uses = |source: &str, id: &str| relation("uses", source, &format!("attack-pattern--{id}"));
    json!({"type": "bundle", "objects": [
        named("intrusion-set", "G1901", "Grey Badger", json!({"aliases": ["Grey Badger", "Burrow Team"]})),
        named("intrusion-set", "G1900", "Old Badger", json!({"revoked": true})),
        named("malware", "S1900", "Digger", json!({})),
        named("campaign", "C1900", "Night Dig", json!({})),
        relation("revoked-by", "intrusion-set--G1900", "intrusion-set--G1901"),
        relation("attributed-to", "campaign--C1900", "intrusion-set--G1901"),
        uses("intrusion-set--G1901", "T1059.003"), uses("intrusion-set--G1901", "T1105"),
        uses("malware--S1900", "T1105"), uses("malware--S1900", "T1562"),
    ]})
}

fn place(kinds: &[&str]) -> Place {
    let detection = "selection:\n  Image|endswith: '\\cmd.exe'\ncondition: selection";
    let place = Place::with(&[("shell.yml", &rule(SHELL, &["attack.t1059.003"], "stable", detection))]);
    place.write("attack/enterprise-attack-groups.json", groups().to_string());
    place.write("d3fend/d3fend-1.2.0.ttl", ONTOLOGY);
    place.write("car/analytics/CAR-2031-01-001.yaml", ANALYTIC);
    place.write("atomic/atomics/T1105/T1105.yaml", ATOMIC);
    place.write("atomic/atomics/T1685/T1685.yaml", OLD_ATOMIC);
    place.write("stratus/docs/index.yaml", INDEX);
    let sources = kinds.iter().flat_map(|kind| ["--source".to_owned(), format!("{kind}={kind}")]).collect::<Vec<_>>();
    let arguments = std::iter::once("build").chain(sources.iter().map(String::as_str)).collect::<Vec<_>>();
    place.run(&arguments).ends(0);
    place
}

const ALL: &[&str] = &["sigma", "attack", "d3fend", "car", "atomic", "stratus"];

fn row<'a>(view: &'a Value, id: &str) -> &'a Value {
    view["techniques"].as_array().unwrap().iter().find(|row| row["technique"] == id).unwrap()
}

#[test]
fn the_table_has_a_row_a_technique_and_a_column_a_source() {
    let place = place(ALL);
    let view = place.json(&["controls"]);
    let shell = row(&view, "T1059.003");
    assert_eq!(
        shell["resources"],
        json!({"mitigations": 0, "d3fend": 1, "sigma": 1, "car": 1, "atomic": 0, "car-tests": 1, "stratus": 0})
    );
    assert_eq!((&shell["policy"], &shell["detection"], &shell["test"]), (&json!(1), &json!(2), &json!(1)));
    assert_eq!((&shell["validated"], &shell["gaps"]), (&json!(true), &json!(["one-vendor"])));
    // What belongs to a sub-technique counts for its technique, each resource once.
    assert_eq!(row(&view, "T1059")["resources"]["car"], 1);
    assert_eq!(row(&view, "T1059")["resources"]["stratus"], 1);
    assert_eq!(row(&view, "T1105")["gaps"], json!(["no-rule", "tested-only"]));
    // The crosswalk leads a later version's id to the loaded one.
    assert_eq!(row(&view, "T1562.001")["resources"]["atomic"], 1);
    let columns = view["columns"].as_array().unwrap();
    let column = |source: &str| columns.iter().find(|column| column["source"] == source).unwrap();
    assert_eq!((&column("d3fend")["version"], &column("d3fend")["mapped"]), (&json!("1.2.0"), &json!(1)));
    assert_eq!(column("elastic")["loaded"], false);

    let gaps = place.json(&["controls", "--gap", "tested-only", "--sort", "atomic"]);
    let ids: Vec<&Value> = gaps["techniques"].as_array().unwrap().iter().map(|row| &row["technique"]).collect();
    assert_eq!(ids, ["T1105", "T1562", "T1562.001"]);
    let csv = place.run(&["controls", "--csv", "--limit", "1"]).ends(0).out;
    let header = csv.lines().next().unwrap();
    assert!(header.starts_with("technique,name,matrix,tactics,mitigations,d3fend,sigma,elastic"), "{header}");
    assert_eq!(csv.lines().nth(1).unwrap().split(',').count(), header.split(',').count());
    let text = place.run(&["controls"]).ends(0).out;
    assert!(text.contains("with tests but no rule") && text.contains("not loaded"), "{text}");
    place.run(&["controls", "--gap", "none"]).ends(2);
    place.run(&["controls", "--tactic", "exekution"]).ends(1).says(&["no tactic", "execution"]);
}

#[test]
fn a_playbook_names_every_source_and_says_who_says_so() {
    let place = place(ALL);
    let text = place.run(&["playbook", "T1059.003"]).ends(0).out;
    let order = [
        "# T1059.003 Windows Command Shell",
        "(TA0002)",
        "> What it is.",
        "## Policy / Process Controls",
        "### ATT&CK mitigations",
        "### D3FEND countermeasures",
        "[D3-PW Process Watching](https://d3fend.mitre.org/technique/d3f:ProcessWatching/)",
        "## Technical Controls (Detection Rules)",
        "### Sigma",
        &format!("[Rule {SHELL}](https://github.com/SigmaHQ/sigma/blob/HEAD/shell.yml)"),
        "### Elastic",
        "Not loaded",
        "### Cyber Analytics Repository",
        "CAR-2031-01-001 Odd shells",
        "official: coverage: High",
        "## Offensive Security Tests",
        "### Atomic Red Team",
        "The source does not know this technique.",
        "### CAR unit tests",
        r"start \`cmd\` \<b\>",
        "### Stratus Red Team",
    ];
    let mut at = 0;
    for part in order {
        let found = text[at..].find(part).unwrap_or_else(|| panic!("no `{part}` behind {at} in:\n{text}"));
        at += found;
    }
    assert!(text.contains("derived: T1059 creates Process, which D3-PW analyzes"), "{text}");
    let atomic = place.run(&["playbook", "T1105"]).ends(0).out;
    assert!(atomic.contains(r"Fetch \[x\](javascript:y) \| it") && atomic.contains("administrator"), "{atomic}");
    assert!(atomic.contains("The source knows this technique and has nothing for it."), "{atomic}");
    assert!(!atomic.contains("Remove-Everything"));
    // An id of a later version leads to the loaded one.
    let followed = place.run(&["playbook", "T1685"]).ends(0).out;
    assert!(followed.starts_with("# T1562.001") && followed.contains("mapped as T1685"), "{followed}");

    place.run(&["playbook", "T1059.003", "--out", "one.md"]).ends(0);
    assert_eq!(fs::read_to_string(place.path("one.md")).unwrap(), text);
    place.run(&["playbook", "--all", "--out", "books"]).ends(0).says(&["6 playbooks"]);
    assert_eq!(fs::read_to_string(place.path("books/T1059.003.md")).unwrap(), text);
    place.run(&["playbook", "--all"]).ends(2);
    place.run(&["playbook", "T1059.9"]).ends(1).says(&["no technique", "T1059"]);
}

#[test]
fn without_the_sources_the_playbook_says_so() {
    let place = place(&["sigma", "attack"]);
    let text = place.run(&["playbook", "T1059.003"]).ends(0).out;
    // The other vendors' rules, and five sources of countermeasures, analytics and tests.
    let missing = Vendor::ALL.len() - 1 + 5;
    let said = text.matches("Not loaded: the catalog was built without it; add it with --source").count();
    assert_eq!(said, missing, "{text}");
    assert!(text.contains("--source d3fend=PATH"), "{text}");
}

#[test]
fn gaps_come_first_where_those_who_threaten_use_them() {
    let place = place(ALL);
    let view = place.json(&["align", "--group", "burrow team", "--software", "s1900"]);
    let rows = view["techniques"].as_array().unwrap();
    let told: Vec<(&str, usize, &str)> = rows
        .iter()
        .map(|row| {
            (
                row["technique"].as_str().unwrap(),
                row["used_by"].as_array().unwrap().len(),
                row["stance"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("T1105", 2, "undetected"), ("T1562", 1, "undetected"), ("T1059.003", 1, "covered")]);
    assert_eq!(view["threats"][0]["campaigns"], json!(["C1900"]));
    // A revoked id is followed, and the same threat twice is one.
    let followed = place.json(&["align", "--group", "G1900", "--group", "Grey Badger"]);
    assert_eq!(followed["threats"].as_array().unwrap().len(), 1);
    assert!(followed["notes"][0].as_str().unwrap().contains("is now G1901"), "{followed}");
    place.run(&["align", "--group", "Grey Bager"]).ends(1).says(&["Grey Badger"]);
    place.run(&["align"]).ends(2).says(&["--group"]);

    let report =
        place.run(&["align", "--campaign", "Night Dig", "--software", "Digger", "--markdown", "--out-layer", "l.json"]);
    let report = report.ends(0).says(&["2 techniques of the enterprise matrix"]).out;
    assert!(report.contains("## Gaps: 2 techniques") && report.contains("| [T1105]("), "{report}");
    let layer: Value = serde_json::from_str(&fs::read_to_string(place.path("l.json")).unwrap()).unwrap();
    assert_eq!((&layer["domain"], &layer["techniques"][0]["score"]), (&json!("enterprise-attack"), &json!(1)));
    // What was written can be read.
    let again = place.json(&["align", "--layer", "l.json"]);
    assert_eq!(again["techniques"].as_array().unwrap().len(), 2);
    assert_eq!(again["threats"][0]["kind"], "layer");
}

#[test]
fn layers_that_cannot_be_read_are_refused_with_the_reason() {
    let place = place(&["sigma", "attack"]);
    let layer = |domain: &str, version: &str, id: &str| {
        json!({"name": "Mine", "domain": domain, "versions": {"layer": version, "attack": "19"},
               "techniques": [{"techniqueID": id, "score": 1}]})
        .to_string()
    };
    for (text, reason) in [
        (layer("mobile-attack", "4.5", "T1059"), "matrix mobile"),
        (layer("enterprise-attack", "3.0", "T1059"), "format 3.0"),
        (layer("atlas", "4.5", "T1059"), "domain `atlas`"),
        ("{".to_owned(), "no JSON"),
    ] {
        place.write("bad.json", text);
        place.run(&["align", "--layer", "bad.json"]).ends(1).says(&[reason]);
    }
    place.write("old.json", layer("enterprise-attack", "4.4", "T1685"));
    let view = place.json(&["align", "--layer", "old.json"]);
    assert_eq!(view["techniques"][0]["technique"], "T1562.001");
    assert!(view["notes"].to_string().contains("T1685"), "{view}");
    place.write("unknown.json", layer("enterprise-attack", "4.4", "T9999"));
    let view = place.json(&["align", "--layer", "unknown.json"]);
    assert!(view["notes"].to_string().contains("nobody knows T9999"), "{view}");
    place.run(&["align", "--layer", "nowhere.json"]).ends(1);
}
