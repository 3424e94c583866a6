//! `match`: a rule and the events of a file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod support;

use serde_json::Value;
use support::{Place, rule};

const SHELL: &str = "3f6a3f4e-0000-4000-8000-000000000001";

fn place() -> Place {
    let shell = "selection:\n  Image|endswith: '\\cmd.exe'\n  CommandLine|contains: ' /c '\n\
                 filter:\n  User: SYSTEM\ncondition: selection and not filter";
    let place = Place::with(&[("shell.yml", &rule(SHELL, &["attack.t1059.003"], "stable", shell))]);
    place.build().ends(0);
    place
}

#[test]
fn a_rule_is_matched_against_events() {
    let place = place();
    place.write(
        "events.jsonl",
        "{\"Image\": \"C:\\\\Windows\\\\cmd.exe\", \"CommandLine\": \"cmd /c dir\", \"User\": \"ada\"}\n\n\
         {\"Image\": \"C:\\\\Windows\\\\cmd.exe\", \"CommandLine\": \"cmd /c dir\", \"User\": \"SYSTEM\"}\n",
    );
    let verdicts = |rule: &str| {
        let answers = place.json(&["match", rule, "--event", "events.jsonl"]);
        let line = |answer: &Value| (answer["line"].as_u64().unwrap(), answer["verdict"].as_str().unwrap().to_owned());
        answers.as_array().unwrap().iter().map(line).collect::<Vec<_>>()
    };
    let expected = [(1, "holds".to_owned()), (3, "fails".to_owned())];
    assert_eq!(verdicts(SHELL), expected);
    assert_eq!(verdicts("sigma/shell.yml"), expected, "a rule's file");
    place.write("events.jsonl", "{\"Image\": 1}\nno JSON\n");
    let said = place.run(&["match", SHELL, "--event", "events.jsonl", "--json"]).ends(1).says(&["events.jsonl:2"]);
    assert_eq!(said.json().as_array().unwrap().len(), 1);
    place.run(&["match", SHELL, "--event", "nowhere.jsonl"]).ends(1).says(&["nowhere.jsonl"]);
}

#[test]
fn match_reads_arrays_and_refuses_what_is_no_event() {
    let place = place();
    // Neither element matches alone; the two together would.
    place.write("events.json", "[{\"Image\": \"C:\\\\cmd.exe\"},\n {\"CommandLine\": \"cmd /c dir\"}]");
    let answers = place.json(&["match", SHELL, "--event", "events.json"]);
    let verdicts: Vec<_> = answers.as_array().unwrap().iter().map(|it| it["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["fails", "fails"]);
    // One line holds both: their numbers tell them apart.
    place.write("line.json", "[{\"Image\": \"C:\\\\cmd.exe\"}, {\"CommandLine\": \"cmd /c dir\"}]");
    let ran = place.run(&["match", SHELL, "--event", "line.json"]).ends(0);
    assert!(ran.out.contains("line 1, record 1: ") && ran.out.contains("line 1, record 2: "), "{}", ran.out);
    place.write("scalars.json", "5\n\"x\"\nnull\n");
    let ran = place.run(&["match", SHELL, "--event", "scalars.json", "--json"]).ends(1);
    let ran = ran.says(&["scalars.json:1: a number is no event", "scalars.json:2: a text", "scalars.json:3: null"]);
    assert_eq!(ran.json().as_array().unwrap().len(), 0);
    place.write("other.json", "{\"wrapped\": {\"deeper\": {\"Image\": \"C:\\\\cmd.exe\"}}}");
    let answers = place.json(&["match", SHELL, "--event", "other.json"]);
    assert!(answers[0]["reasons"][0].as_str().unwrap().contains("none of the rule's fields"), "{answers}");
}

#[test]
fn match_gives_one_verdict_a_rule_and_needs_a_language() {
    let place = place();
    place.write("events.jsonl", "{\"a\": \"1\"}\n");
    let rule = |id: u32, value: u32| {
        format!(
            "title: r\nid: 00000000-0000-4000-8000-00000000000{id}\nlogsource:\n  product: windows\ndetection:\n  selection:\n    a: {value}\n  condition: selection\n"
        )
    };
    place.write("two.yml", format!("{}---\n{}", rule(1, 1), rule(2, 2)));
    let answers = place.json(&["match", "two.yml", "--event", "events.jsonl"]);
    let verdicts: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["rule"].as_str().unwrap().chars().last().unwrap(), it["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(verdicts, [('1', "holds"), ('2', "fails")]);
    place.write("query.txt", "T | where a == \"1\"");
    place.run(&["match", "query.txt", "--event", "events.jsonl"]).ends(2).says(&["query.txt", "--language"]);
    let answers = place.json(&["match", "query.txt", "--language", "kusto", "--event", "events.jsonl"]);
    assert_eq!(answers[0]["verdict"], "holds");
}

#[test]
fn match_reads_what_a_rule_asks_for_in_its_folder_and_above() {
    let place = place();
    place.write("event.json", "{\"name\": \"probe\", \"user\": \"ada\"}");
    place.write("lab/global_helpers/lab_names.py", "NAMES = [\"probe\", \"test\"]\n");
    place.write(
        "lab/rules/one/odd_name.yml",
        "AnalysisType: rule\nRuleID: Odd.Name\nFilename: odd_name.py\nLogTypes: [AWS.CloudTrail]\nSeverity: Low\n",
    );
    place.write(
        "lab/rules/one/odd_name.py",
        "from lab_names import NAMES\n\ndef rule(event):\n    return event.get(\"name\") in NAMES\n",
    );
    place.write("app/default/savedsearches.conf", "[One]\nsearch = `lab_users` name=probe\n");
    place.write("app/local/macros.conf", "[lab_users]\ndefinition = user IN (ada, bob)\n");
    for rule in ["lab/rules/one/odd_name.yml", "app/default/savedsearches.conf"] {
        let absolute = place.path(rule);
        for rule in [rule, absolute.to_str().unwrap()] {
            let answers = place.json(&["match", rule, "--event", "event.json"]);
            assert_eq!(answers[0]["verdict"], "holds", "{rule}: {answers}");
        }
    }
}
