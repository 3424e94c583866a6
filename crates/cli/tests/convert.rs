//! `ruleatlas convert`: a rule in another language, with what proves it, or why it cannot be had.

#![allow(clippy::unwrap_used)]

mod support;

use serde_json::json;
use support::Place;

const RULE: &str = "title: Probe\nid: 00000001-0000-4000-8000-000000000000\nstatus: test\nlevel: high\n\
                    logsource:\n  category: process_creation\n  product: windows\n\
                    detection:\n  selection:\n    Image|endswith: '\\probe.exe'\n    CommandLine|contains: '--dump'\n  \
                    condition: selection\n";

fn place() -> Place {
    let place = Place::with(&[("a.yml", RULE)]);
    place.build().ends(0);
    place
}

#[test]
fn a_rule_of_the_catalog_is_converted_to_every_language_and_back() {
    let place = place();
    for (language, ending) in [("eql", "eql"), ("kuery", "kuery"), ("esql", "esql"), ("spl", "spl"), ("kusto", "kql")] {
        let id = "00000001-0000-4000-8000-000000000000";
        let found = place.json(&["convert", id, "--to", language]);
        assert_eq!(found["language"], json!(language));
        assert_eq!(found["refused"], json!([]));
        assert!(found["proved_on"].as_u64().unwrap() >= 1_000, "{}", found["proved_on"]);
        assert!(found["selected"].as_u64().unwrap() > 0);
        let said = place.run(&["convert", id, "--to", language]).ends(0).says(&["equal verdicts on"]);
        assert_eq!(said.out.trim_end(), found["query"].as_str().unwrap());
        // What was written is a file that is read again, and says the same as the rule.
        let file = format!("query.{ending}");
        place.run(&["convert", id, "--to", language, "--output", &file]).ends(0);
        let back = place.json(&["convert", &file, "--to", "sigma"]);
        let text = back["query"].as_str().unwrap();
        assert!(text.contains("probe.exe") && text.contains("--dump"), "{text}");
        let similar = place.json(&["similar", &file]);
        assert_eq!(similar[0]["relation"], json!("same"), "{language}: {similar}");
    }
}

#[test]
fn what_cannot_be_converted_is_said_with_its_place() {
    let place = place();
    place.write("list.kql", "DeviceProcessEvents\n| where ProcessCommandLine in (_GetWatchlist('x'))");
    let said = place.run(&["convert", "list.kql", "--to", "sigma"]).ends(1).says(&["not converted", "line 2"]);
    assert_eq!(said.out, "");
    let found = place.run(&["convert", "list.kql", "--to", "sigma", "--json"]).ends(1).json();
    assert_eq!(found["query"], json!(null));
    assert_eq!(found["proved_on"], json!(0));
    assert!(found["refused"][0]["span"].is_array() && found["refused"][0]["why"].is_string(), "{found}");

    place.write("steps.eql", "sequence by host.id [process where true] [file where true]");
    place.run(&["convert", "steps.eql", "--to", "spl"]).ends(1).says(&["2 steps"]);
    place.write("half.yml", RULE.split("detection").next().unwrap());
    place.run(&["convert", "half.yml", "--to", "spl"]).ends(1);
    place.write("long.eql", format!("process where process.command_line : \"{}\"", "a".repeat(300_000)));
    place.run(&["convert", "long.eql", "--to", "sigma"]).ends(1);
    place.run(&["convert", "no-such-rule", "--to", "sigma"]).ends(1).says(&["no-such-rule"]);
    place.run(&["convert", "list.kql", "--to", "python"]).ends(2).says(&["kusto"]);
    place.run(&["convert", "list.kql", "--to", "acme"]).ends(2);
}

#[test]
fn fields_are_named_as_the_user_says() {
    let place = place();
    place.write("names.toml", "CommandLine = \"my.command\"\nImage = \"my.program\"\n");
    let id = "00000001-0000-4000-8000-000000000000";
    let said = place.run(&["convert", id, "--to", "eql", "--fields", "names.toml"]).ends(0);
    assert_eq!(said.out, "process where my.program : \"*\\\\probe.exe\" and my.command : \"*--dump*\"\n");
    place.write("names.toml", "CommandLine = 5\n");
    place.run(&["convert", id, "--to", "eql", "--fields", "names.toml"]).ends(1).says(&["CommandLine"]);
    place.run(&["convert", id, "--to", "eql", "--fields", "nowhere.toml"]).ends(1).says(&["nowhere.toml"]);
}
