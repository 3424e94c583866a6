//! Rules nested as deep as front ends read them: what a build writes, every command reads.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod support;

use support::{Place, rule};

const DEEP: &str = "3f6a3f4e-0000-4000-8000-000000000031";
const PLAIN: &str = "3f6a3f4e-0000-4000-8000-000000000032";
const LEVELS: usize = 62;

/// `s0 and (s1 or (s2 and (…`.
fn nested() -> String {
    (0..LEVELS).rev().fold("s0".to_owned(), |inner, level| {
        let word = if level % 2 == 0 { "and" } else { "or" };
        format!("s{} {word} ({inner})", level % 9)
    })
}

fn place() -> Place {
    let selections: String = (0..9).map(|n| format!("s{n}:\n  F{n}: v\n")).collect();
    let deep = rule(DEEP, &["attack.t1059"], "test", &format!("{selections}condition: {}", nested()));
    let metadata = format!("custom: {}1{}\n", "[{a: ".repeat(60), "}]".repeat(60));
    let plain =
        rule(PLAIN, &["attack.t1059"], "test", "selection:\n  CommandLine|contains: whoami\ncondition: selection");
    let place = Place::with(&[("deep.yml", &(deep + &metadata)), ("plain.yml", &plain)]);
    let brackets = format!("search: index=a {}a=1{}\n", "(".repeat(127), ")".repeat(127));
    place.write("splunk/detections/deep.yml", format!("name: Deep\nid: {DEEP}\ntype: TTP\n{brackets}"));
    let sources = ["sigma=sigma", "splunk=splunk", "attack=attack"].map(|source| ["--source", source]).concat();
    place.run(&[&["build"], &sources[..]].concat()).ends(0);
    place
}

#[test]
fn every_command_reads_a_nested_rule() {
    let place = place();
    let exported = place.export("rules");
    assert_eq!(exported.len(), 3);
    assert!(exported.iter().all(|rule| rule["parse"] == "full"), "{exported:?}");
    place.run(&["doctor"]).ends(0);
    let deep = place.json(&["rule", &format!("sigma/{DEEP}")]);
    let nodes = deep["conditions"][0]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 2 * LEVELS + 1);
    assert_eq!(nodes[0], serde_json::json!({ "all": 2 }));
    assert!(deep["extra"]["custom"].is_string(), "metadata nested too deep is kept as text: {}", deep["extra"]);
    assert!(place.run(&["rule", &format!("sigma/{DEEP}")]).ends(0).out.contains("F8"));
    place.write("events.jsonl", "{\"F0\": \"v\", \"F1\": \"v\"}\n{\"F1\": \"v\"}\n");
    for rule in [format!("sigma/{DEEP}"), "sigma/deep.yml".to_owned()] {
        let verdicts = place.run(&["match", &rule, "--event", "events.jsonl"]).ends(0).out;
        assert_eq!(verdicts, "line 1: holds\nline 2: does not hold\n", "{rule}");
    }
    let parsed = place.plain(&["parse", "--language", "sigma", "sigma/deep.yml"]).ends(0).json();
    assert_eq!(parsed["conditions"][0]["nodes"].as_array().unwrap().len(), nodes.len());
    place.run(&["site", "--out", "site"]).ends(0);
    let page = std::fs::read_to_string(place.path(&format!("site/api/v1/rule/sigma/{DEEP}.json"))).unwrap();
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert_eq!(page["conditions"], deep["conditions"]);
}

#[test]
fn one_rule_that_cannot_be_read_takes_no_other_along() {
    let place = place();
    let sql = format!(
        "UPDATE rule_body SET conditions = '[{{' WHERE rule = (SELECT rule FROM rule WHERE id = 'sigma/{DEEP}')"
    );
    rusqlite::Connection::open(place.path("catalog.db")).unwrap().execute_batch(&sql).unwrap();
    let named = ["catalog.db", DEEP, "ruleatlas build"];
    let said = place.run(&["export", "rules"]).ends(1).says(&named);
    let ids: Vec<_> = said.lines().iter().map(|rule| rule["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, [format!("sigma/{PLAIN}"), format!("splunk/{DEEP}")]);
    let ledger = place.run(&["doctor", "--json"]).ends(1).json();
    let faults: Vec<_> =
        ledger["faults"].as_array().unwrap().iter().filter(|fault| fault["parse"] == "unreadable").collect();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!((&faults[0]["rule"], &faults[0]["path"]), (&format!("sigma/{DEEP}").into(), &"deep.yml".into()));
    assert!(place.run(&["doctor"]).ends(1).out.contains("deep.yml"));
    place.run(&["rule", &format!("sigma/{DEEP}")]).ends(1).says(&named);
    place.write("events.jsonl", "{}\n");
    place.run(&["match", &format!("sigma/{DEEP}"), "--event", "events.jsonl"]).ends(1).says(&named);
    place.run(&["rule", PLAIN]).ends(0);
    place.run(&["technique", "T1059"]).ends(0);
    place.run(&["export", "indicators"]).ends(0);
    place.run(&["site", "--out", "site"]).ends(1).says(&["1 of the pages", "ruleatlas doctor"]);
    let page = std::fs::read_to_string(place.path(&format!("site/rule/sigma/{PLAIN}/index.html"))).unwrap();
    assert!(page.contains("whoami"));
    assert!(std::fs::read_to_string(place.path("site/ledger/index.html")).unwrap().contains("deep.yml"));
}
