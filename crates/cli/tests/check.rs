//! Drafts held against a catalog on the command line.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod support;

use support::{Place, rule};

const KNOWN: &str = "3f6a3f4e-0000-4000-8000-000000000041";
const DRAFT: &str = "3f6a3f4e-0000-4000-8000-000000000042";

fn place() -> Place {
    let known =
        rule(KNOWN, &["attack.t1059"], "test", "selection:\n  CommandLine|contains: sekurlsa\ncondition: selection");
    let place = Place::with(&[("known.yml", &known)]);
    let sources = ["sigma=sigma", "attack=attack"].map(|source| ["--source", source]).concat();
    place.run(&[&["build"], &sources[..]].concat()).ends(0);
    let unsafe_rule = rule(
        DRAFT,
        &["attack.t1059"],
        "test",
        "selection:\n  CommandLine|contains: sekurlsa\nfilter:\n  CommandLine|contains: update\ncondition: selection and not filter",
    );
    place.write("drafts/unsafe.yml", unsafe_rule.clone());
    place.write("drafts/README.md", "# Drafts\n");
    place.write("drafts/dead.yml", unsafe_rule.replace("update", "sekur").replace(DRAFT, &DRAFT.replace("42", "43")));
    place
}

#[test]
fn a_draft_is_checked_as_text_and_as_data() {
    let place = place();
    let said = place.run(&["check", "drafts/unsafe.yml"]).ends(0).says(&["finding", "in 1 file"]);
    for part in ["warning[RA0501]", "drafts/unsafe.yml:", "CommandLine|contains: update", "^^^", "not selected: {"] {
        assert!(said.out.contains(part), "no {part} in {}", said.out);
    }
    let found = place.json(&["check", "drafts/unsafe.yml"]);
    let finding = found.as_array().unwrap().iter().find(|finding| finding["code"] == "RA0501").unwrap();
    for key in ["level", "file", "line", "column", "span", "message", "help", "evidence"] {
        assert!(!finding[key].is_null(), "no {key} in {finding}");
    }
    let sarif = place.run(&["check", "drafts/unsafe.yml", "--format", "sarif"]).ends(0).json();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), found.as_array().unwrap().len());
}

#[test]
fn the_exit_status_follows_the_level() {
    let place = place();
    place.run(&["check", "drafts/unsafe.yml", "--fail-on", "warning"]).ends(1);
    place.run(&["check", "drafts/unsafe.yml", "--fail-on", "error"]).ends(0);
    // `sekurlsa` is excluded by `sekur`: nothing is left, which is an error.
    place.run(&["check", "drafts"]).ends(1);
    place.run(&["check", "drafts", "--fail-on", "never"]).ends(0);
    place.write(
        "checks.toml",
        "[[ignore]]\ncode = \"RA05\"\nreason = \"lab\"\n[level]\nRA0201 = \"off\"\nRA0601 = \"off\"\n",
    );
    place.run(&["check", "drafts", "--fail-on", "warning", "--config", "checks.toml"]).ends(0);
    place.write("wrong.toml", "[[ignore]]\ncode = \"RA05\"\n");
    place.run(&["check", "drafts", "--config", "wrong.toml"]).ends(1).says(&["wrong.toml", "reason"]);
}

#[test]
fn a_folder_is_checked_without_what_is_no_rule_in_it() {
    let place = place();
    let found = place.json(&["check", "drafts", "--fail-on", "never"]);
    let files: Vec<&str> = found.as_array().unwrap().iter().filter_map(|finding| finding["file"].as_str()).collect();
    assert!(files.contains(&"drafts/unsafe.yml") && files.contains(&"drafts/dead.yml"), "{files:?}");
    assert!(!files.contains(&"drafts/README.md"), "{files:?}");
}

#[test]
fn what_cannot_be_checked_is_said() {
    let place = place();
    place.run(&["check", "nowhere.yml"]).ends(1).says(&["nowhere.yml"]);
    place.write("query.txt", "process where process.command_line : \"*sekurlsa*\"");
    place.run(&["check", "query.txt"]).ends(2).says(&["--language"]);
    let found = place.json(&["check", "query.txt", "--language", "eql"]);
    assert!(found.as_array().unwrap().iter().any(|finding| finding["code"] == "RA0601"), "{found}");
    place.write("half.yml", "title: x\ndetection: [");
    place.run(&["check", "half.yml"]).ends(1);
    place
        .write("control.yml", "title: \"\u{1b}[31mred\"\ndetection:\n  s: {Image: x}\n  condition: s and t\u{1b}[0m\n");
    let said = place.run(&["check", "control.yml"]);
    assert!(!said.out.contains('\u{1b}'), "{:?}", said.out);
}

#[test]
fn hits_of_a_hunt_say_what_a_draft_would_have_hit() {
    let place = place();
    place.write(
        "logs/events.jsonl",
        "{\"EventID\": 1, \"SourceName\": \"Microsoft-Windows-Sysmon\", \"Channel\": \"Microsoft-Windows-Sysmon/Operational\", \"Image\": \"C:\\\\a.exe\", \
         \"CommandLine\": \"a sekurlsa update\"}\n\
         {\"EventID\": 1, \"SourceName\": \"Microsoft-Windows-Sysmon\", \"Channel\": \"Microsoft-Windows-Sysmon/Operational\", \"Image\": \"C:\\\\a.exe\", \
         \"CommandLine\": \"a sekurlsa\"}\n",
    );
    place.run(&["hunt", "logs", "--save", "hits.db"]).ends(0);
    let found = place.json(&["check", "drafts/unsafe.yml", "--hits", "hits.db"]);
    let measured = found.as_array().unwrap().iter().find(|finding| finding["code"] == "RA0302").unwrap();
    assert_eq!((&measured["evidence"]["count"], &measured["evidence"]["of"]), (&1.into(), &2.into()), "{measured}");
    place.run(&["check", "drafts/unsafe.yml", "--hits", "nowhere.db"]).ends(1).says(&["nowhere.db", "no such file"]);
    place.run(&["check", "drafts/unsafe.yml", "--hits", "catalog.db"]).ends(1).says(&["not a file of hits"]);
    // Another catalog: of the same rules and one more.
    place.write("sigma/more.yml", rule(&DRAFT.replace("42", "44"), &[], "test", "s:\n  Image: x\ncondition: s"));
    place.build().ends(0);
    place.run(&["check", "drafts/unsafe.yml", "--hits", "hits.db"]).ends(1).says(&["another catalog", "hunt again"]);
    // Hits of rules that were in files are of no catalog.
    place.run(&["hunt", "logs", "--rule", "drafts/unsafe.yml", "--save", "own.db"]).ends(0);
    let found = place.json(&["check", "drafts/unsafe.yml", "--hits", "own.db"]);
    let measured = found.as_array().unwrap().iter().find(|finding| finding["code"] == "RA0302").unwrap();
    assert_eq!(measured["evidence"]["count"], 1, "{measured}");
    let connection = rusqlite::Connection::open(place.path("own.db")).unwrap();
    connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'", []).unwrap();
    drop(connection);
    place.run(&["check", "drafts/unsafe.yml", "--hits", "own.db"]).ends(1).says(&["version 99", "hunt again"]);
}

#[test]
fn files_around_a_draft_are_asked() {
    let place = place();
    let detection = |condition: &str| {
        format!(
            "name: Draft\nid: 7c9bd2b1-0000-4000-8000-000000000001\ntype: TTP\nstatus: production\n\
             data_source: [Sysmon EventID 1]\nsearch: '{condition}'\ntags: {{}}\n"
        )
    };
    place.write("lab/macros/shells.yml", "name: shells\ndefinition: (process_name=\"cmd.exe\")\n");
    place.write("lab/detections/draft.yml", detection("`shells` process_name=\"powershell.exe\""));
    place.run(&["check", "lab/detections/draft.yml"]).ends(1).says(&["1 error"]);
    place.run(&["check", "lab"]).ends(1).says(&["1 error"]);
    place.run(&["check", "lab/detections"]).ends(1).says(&["1 error"]);
    place.write("alone.yml", detection("`shells` process_name=\"powershell.exe\""));
    place.run(&["check", "alone.yml"]).ends(0).says(&["0 errors"]);
}
