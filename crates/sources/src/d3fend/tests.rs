//! An ontology of ours, in both forms.

use super::*;

const TURTLE: &str = r#"
@prefix : <http://d3fend.mitre.org/ontologies/d3fend.owl#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:File rdfs:subClassOf :DigitalArtifact ; rdfs:label "File" .
:ScriptFile rdfs:subClassOf :File ; rdfs:label "Script File" .
:Socket rdfs:subClassOf :DigitalArtifact .
:Person rdfs:label "Person" .
:Detect rdfs:subClassOf :DefensiveTactic ; rdfs:label "Detect" .
:DefensiveTechnique rdfs:subClassOf [ owl:onProperty :enables ; owl:someValuesFrom :DefensiveTactic ] .
:FileAnalysis rdfs:subClassOf :DefensiveTechnique ; :enables :Detect ; :d3fend-id "D3-FA" ; rdfs:label "File Analysis" ;
    rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :analyzes ; owl:someValuesFrom :File ] .
:ScriptAnalysis rdfs:subClassOf :FileAnalysis ; :d3fend-id "D3-SA" ; rdfs:label "Script Analysis" ;
    :analyzes :ScriptFile ; :definition "Reads scripts." .
:SocketAnalysis rdfs:subClassOf :DefensiveTechnique ; :d3fend-id "D3-SO" ; :analyzes :Socket, :Person .
:ExecutionTactic rdfs:subClassOf [ owl:onProperty :uses ; owl:someValuesFrom :Socket ] .
:T1900 rdfs:subClassOf :ExecutionTactic ; :attack-id "T1900" ; rdfs:label "Run" .
:T1900.001 rdfs:subClassOf :T1900 ; :attack-id "T1900.001" ;
    rdfs:subClassOf [ owl:onProperty :produces ; owl:someValuesFrom :ScriptFile ] .
:T1900.002 rdfs:subClassOf :T1900, :T1900.002 ; :attack-id "T1900.002" ; :uses :Person .
:T1901 :attack-id "T1901" ; :modifies :File .
:produces rdfs:label "produces" .
"#;

fn countermeasures(set: &ControlSet, technique: &str) -> Vec<String> {
    let cites = set.cites.iter().filter(|cite| cite.technique == technique);
    cites.map(|cite| set.controls[cite.control as usize].id.clone()).collect()
}

fn read_text(path: &str, text: &str) -> (ControlSet, Vec<Diagnostic>) {
    let mut said = Vec::new();
    let set = read(&[SourceFile::from_bytes(path, text.as_bytes().to_vec())], &mut said);
    (set.finished(), said)
}

#[test]
fn technique_and_countermeasure_meet_in_artifacts() {
    let (set, said) = read_text("d3fend-3.1.0.ttl", TURTLE);
    assert_eq!(said, []);
    // A kind of what is analysed is analysed too, and a sub-technique's artifacts are its technique's.
    assert_eq!(countermeasures(&set, "T1900"), ["D3-FA", "D3-SA"]);
    assert_eq!(countermeasures(&set, "T1900.001"), ["D3-FA", "D3-SA"]);
    // What stands above a technique without an id says nothing; nor does an artifact that is none.
    assert_eq!(countermeasures(&set, "T1900.002"), [""; 0]);
    // Script Analysis does not read every file.
    assert_eq!(countermeasures(&set, "T1901"), ["D3-FA"]);
    assert_eq!(set.known, ["T1900", "T1900.001", "T1900.002", "T1901"]);
    assert_eq!(set.version.as_deref(), Some("3.1.0"));
    let script = &set.controls[1];
    assert_eq!((script.id.as_str(), script.tactic.as_deref()), ("D3-SA", Some("Detect")));
    assert_eq!(script.description, "Reads scripts.");
    let way = set.cites.iter().find(|cite| cite.technique == "T1900" && cite.control == 0).unwrap();
    assert_eq!(way.how, ["T1900.001 produces Script File, a kind of File, which D3-FA analyzes"]);
}

#[test]
fn both_forms_say_the_same() {
    let node = |id: &str, more: &str| format!(r#"{{"@id": "d3f:{id}", {more}}}"#);
    let above = |class: &str| format!(r#""rdfs:subClassOf": {{"@id": "d3f:{class}"}}"#);
    let touches = |relation: &str, class: &str| {
        format!(
            r#""rdfs:subClassOf": [{{"@id": "d3f:DefensiveTechnique"}}, {{"@type": "owl:Restriction",
                "owl:onProperty": {{"@id": "d3f:{relation}"}}, "owl:someValuesFrom": {{"@id": "d3f:{class}"}}}}]"#
        )
    };
    let nodes = [
        node("File", &above("DigitalArtifact")),
        node(
            "FileAnalysis",
            &format!(
                r#"{}, "d3f:d3fend-id": "D3-FA", "rdfs:label": {{"@value": "File Analysis", "@language": "en"}}"#,
                touches("analyzes", "File")
            ),
        ),
        node("T1901", r#""d3f:attack-id": "T1901", "d3f:modifies": {"@id": "d3f:File"}"#),
        r#"{"@id": "http://d3fend.mitre.org/ontologies/d3fend.owl", "owl:versionInfo": "9.0.1"}"#.to_owned(),
    ];
    let text = format!(
        r#"{{"@context": {{"d3f": "{}", "owl": "http://www.w3.org/2002/07/owl#", "rdfs": "http://www.w3.org/2000/01/rdf-schema#"}},
            "@graph": [{}]}}"#,
        graph::NAMESPACE,
        nodes.join(",")
    );
    let (set, said) = read_text("d3fend.jsonld.json", &text);
    assert_eq!(said, []);
    assert_eq!(countermeasures(&set, "T1901"), ["D3-FA"]);
    assert_eq!(set.controls[0].name, "File Analysis");
    assert_eq!(set.version.as_deref(), Some("9.0.1"));
}

#[test]
fn the_newest_of_several_is_read() {
    let older = TURTLE.replace("D3-SO", "D3-OLD");
    let file = |path: &str, text: &str| SourceFile::from_bytes(path, text.as_bytes().to_vec());
    let files = [
        file("d3fend-2030-01-01-protege.ttl", &older),
        file("d3fend-0.17.0.ttl", &older),
        file("d3fend-1.2.0.ttl", TURTLE),
    ];
    let mut said = Vec::new();
    let set = read(&files, &mut said);
    assert_eq!(set.version.as_deref(), Some("1.2.0"));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(set.controls.iter().any(|control| control.id == "D3-SO"));
}

#[test]
fn what_is_no_ontology_is_said() {
    for (path, text) in [
        ("d3fend.ttl", "@prefix : <http://d3fend.mitre.org/ontologies/d3fend.owl#> .\n:a :b [ [ "),
        ("d3fend.ttl", "@prefix : <http://d3fend.mitre.org/ontologies/d3fend.owl#> .\n:a :b :c ."),
        ("d3fend.json", r#"{"@graph": [{"#),
        ("d3fend.json", r#"{"@graph": [1, [2], {"@id": 3}]}"#),
        ("readme.md", "nothing"),
    ] {
        let (set, said) = read_text(path, text);
        assert!(set.controls.is_empty());
        assert_eq!(said.len(), 1, "{path}: {said:?}");
    }
}
