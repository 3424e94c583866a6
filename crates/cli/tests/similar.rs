//! `ruleatlas similar`: the rules that are most like one, and how they relate to it.

#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::Place;

/// A rule for programs whose command lines contain a text.
fn rule(id: u32, selection: &str) -> String {
    format!(
        "title: Rule {id}\nid: {id:08}-0000-4000-8000-000000000000\nstatus: test\nlevel: high\n\
         logsource:\n  category: process_creation\n  product: windows\n\
         detection:\n  selection:\n{selection}  condition: selection\n"
    )
}

const TOOL: &str = "    Image|endswith: '\\probe.exe'\n";
const TOOL_WITH_FLAG: &str = "    Image|endswith: '\\probe.exe'\n    CommandLine|contains: '--dump'\n";
const TOOL_WITH_OTHER: &str = "    Image|endswith: '\\probe.exe'\n    CommandLine|contains: '--list'\n";

fn place() -> Place {
    let place = Place::with(&[
        ("a.yml", &rule(1, TOOL)),
        ("b.yml", &rule(2, TOOL_WITH_FLAG)),
        ("c.yml", &rule(3, TOOL_WITH_OTHER)),
        ("d.yml", &rule(4, "    User: 'someone'\n")),
    ]);
    place.build().ends(0);
    place
}

fn relations(found: &Value) -> Vec<(String, String)> {
    let text = |rule: &Value, key: &str| rule[key].as_str().unwrap().to_owned();
    let mut found: Vec<(String, String)> =
        found.as_array().unwrap().iter().map(|rule| (text(rule, "title"), text(rule, "relation"))).collect();
    found.sort();
    found
}

#[test]
fn a_rule_of_the_catalog_is_told_from_those_that_are_like_it() {
    let place = place();
    let found = place.json(&["similar", "00000001-0000-4000-8000-000000000000"]);
    let pair = |title: &str, relation: &str| (title.to_owned(), relation.to_owned());
    assert_eq!(relations(&found), [pair("Rule 2", "wider"), pair("Rule 3", "wider")]);
    let other = &found[0];
    assert_eq!(other["shared"][0]["value"], json!("probe.exe"));
    assert_eq!(other["only_here"], json!([]));
    assert_eq!(other["only_there"][0]["field"], json!("CommandLine"));
    assert!(other["witness"]["only_here"]["Image"].as_str().unwrap().ends_with("\\probe.exe"));
    assert!(other["similarity"].as_f64().unwrap() > 0.1);

    let found = place.json(&["similar", "00000002-0000-4000-8000-000000000000"]);
    assert_eq!(relations(&found), [pair("Rule 1", "narrower"), pair("Rule 3", "overlapping")]);
    assert_eq!(
        place.json(&["similar", "00000002-0000-4000-8000-000000000000", "--limit", "1"]).as_array().unwrap().len(),
        1
    );
    assert_eq!(place.json(&["similar", "00000002-0000-4000-8000-000000000000", "--vendor", "elastic"]), json!([]));
}

#[test]
fn a_draft_is_compared_without_being_in_the_catalog() {
    let place = place();
    place.write("draft.eql", "process where process.name : \"probe.exe\" and process.command_line : \"*--dump*\"");
    let found = place.json(&["similar", "draft.eql"]);
    assert_eq!(relations(&found)[1], ("Rule 2".to_owned(), "same".to_owned()), "{found}");
    let said = place.run(&["similar", "draft.eql"]).ends(0);
    assert!(said.out.contains("both select the same events"), "{}", said.out);
    // The rule itself is not similar to itself, changed as it may be.
    place.write("draft.yml", rule(1, "    Image|endswith: '\\probe.exe'\n    User: 'x'\n"));
    assert!(!relations(&place.json(&["similar", "draft.yml"])).iter().any(|(title, _)| title == "Rule 1"));
}

#[test]
fn what_is_no_rule_is_said() {
    let place = place();
    place.run(&["similar", "no-such-rule"]).ends(1).says(&["no-such-rule"]);
    place.write("draft.unknown", "x");
    place.run(&["similar", "draft.unknown"]).ends(2).says(&["--language"]);
    place.write("broken.yml", "a: [");
    place.run(&["similar", "broken.yml"]).ends(1).says(&["broken.yml"]);
    // Several steps cannot be compared, and the list is there all the same.
    place.write(
        "steps.eql",
        "sequence by host.id\n  [process where process.name : \"probe.exe\"]\n  [file where file.name : \"x.tmp\"]",
    );
    let found = place.json(&["similar", "steps.eql"]);
    assert!(found.as_array().unwrap().iter().all(|rule| rule["relation"] == "undecided" && rule["why"].is_string()));
    assert!(!found.as_array().unwrap().is_empty());
}
