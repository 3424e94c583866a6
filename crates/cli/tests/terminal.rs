//! What the pages look like on a terminal: lines that fit, counts that are whole, values that can be seen.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod support;

use support::{Place, rule};

const FIRST: &str = "5b7d0a31-0000-4000-8000-000000000001";
const SECOND: &str = "5b7d0a31-1000-4000-8000-000000000002";
const THIRD: &str = "9c1e22f0-0000-4000-8000-000000000003";

fn place() -> Place {
    let spaced = "selection:\n  CommandLine|contains: ' -a '\n  CurrentDirectory: ''\nfilter:\n  User: SYSTEM\ncondition: selection and not filter";
    let named = "selection:\n  Image|endswith: '\\tool.exe'\ncondition: selection";
    let logon = "selection:\n  EventID: 4624\n  Image|endswith: '\\tool.exe'\n  CommandLine|contains: C:\\ProgramData\\Some Vendor\\Some Product\\Some Version\\bin\\tool.exe --with --many --options --and --arguments\ncondition: selection";
    let place = Place::with(&[
        ("spaced.yml", &rule(FIRST, &["attack.t1059.001"], "test", spaced).replace("level: high", "level: low")),
        ("named.yml", &rule(SECOND, &["attack.stealth", "attack.t1685"], "test", named)),
        (
            "logon.yml",
            &rule(THIRD, &["attack.t1059", "attack.t1105"], "test", logon)
                .replace("category: process_creation", "service: security"),
        ),
    ]);
    place.build().ends(0);
    place
}

fn shown(place: &Place, columns: &str, arguments: &[&str]) -> String {
    let output =
        place.command(&[arguments, &["--db", "catalog.db"]].concat()).env("COLUMNS", columns).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn lines_of_tables_and_texts_fit_the_terminal() {
    let place = place();
    let calls: [&[&str]; 5] = [
        &["technique", "T1059"],
        &["indicator", "Image", "basename", "tool.exe"],
        &["field", "Image"],
        &["search", "tool"],
        &["doctor"],
    ];
    for columns in [80, 120, 200] {
        for call in calls {
            let text = shown(&place, &columns.to_string(), call);
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= columns, "{call:?} in {columns} columns has a line of {widest}:\n{text}");
        }
    }
}

#[test]
fn what_goes_to_a_file_is_whole() {
    let place = place();
    let output = place.command(&["rule", THIRD, "--db", "catalog.db"]).env_remove("COLUMNS").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Some Version\\bin\\tool.exe --with --many --options --and --arguments"), "{text}");
    assert!(!text.contains('…'), "{text}");
}

#[test]
fn an_id_of_a_list_finds_its_rule_however_short() {
    let place = place();
    let narrow = shown(&place, "80", &["search", "rule"]);
    for (short, whole) in [("sigma/5b7d0a31-0", FIRST), ("sigma/5b7d0a31-1", SECOND), ("sigma/9c1e22f0", THIRD)] {
        assert!(narrow.lines().any(|line| line.ends_with(short)), "no {short} in:\n{narrow}");
        assert_eq!(place.json(&["rule", short])["id"], format!("sigma/{whole}"));
    }
    // A beginning of two is that of none, and too short a beginning too.
    place.run(&["rule", "5b7d0a31"]).ends(1).says(&[FIRST, SECOND]);
    place.run(&["rule", "9c1e"]).ends(1).says(&[THIRD]);
    let wide = shown(&place, "140", &["search", "rule"]);
    assert!(wide.contains(&format!("sigma/{THIRD}")), "{wide}");
}

#[test]
fn a_value_that_would_not_be_seen_stands_in_quotes() {
    let text = shown(&place(), "120", &["rule", FIRST]);
    for value in ["\" -a \"", "\"\""] {
        assert!(text.lines().filter(|line| line.contains(value)).count() >= 2, "{value} in:\n{text}");
    }
}

#[test]
fn a_limit_leaves_the_number_of_events_as_it_is() {
    let place = place();
    let text = shown(&place, "120", &["technique", "T1059", "--limit", "1"]);
    // The rule that demands a current folder reads one event, for the other does not have it.
    assert!(text.contains("1 of 2 events"), "{text}");
    let view = place.json(&["technique", "T1059", "--limit", "1"]);
    assert_eq!((view["events"].as_array().unwrap().len(), &view["events_distinct"]), (1, &2.into()));
}

#[test]
fn a_techniques_rules_show_its_own_techniques_the_gravest_first() {
    let text = shown(&place(), "120", &["technique", "T1059"]);
    let rows: Vec<&str> = text.lines().filter(|line| line.contains("sigma/")).collect();
    assert!(rows[0].contains(THIRD) && rows[1].contains(FIRST), "{text}");
    assert!(rows[0].contains("T1059") && !rows[0].contains("T1105"), "{text}");
    let none = shown(&place(), "120", &["technique", "T1059.003"]);
    assert!(none.contains("0 rules") && !none.contains("Exclusions"), "{none}");
}

#[test]
fn a_field_has_the_exclusions_of_all_rules() {
    let place = place();
    let views = place.json(&["field", "User"]);
    let user = views.as_array().unwrap().iter().find(|view| view["field"] == "User").unwrap();
    assert_eq!((&user["exclusions"][0]["value"], &user["exclusions"][0]["rules"]), (&"SYSTEM".into(), &1.into()));
}

#[test]
fn a_rule_says_how_a_tag_got_to_its_technique() {
    let text = shown(&place(), "120", &["rule", SECOND]);
    assert!(text.contains("T1562.001 Disable or Modify Tools ← attack.t1685 (crosswalk"), "{text}");
    let asked = shown(&place(), "120", &["technique", "T1685"]);
    assert!(asked.starts_with("T1562.001") && asked.contains("T1685 leads to T1562.001"), "{asked}");
    assert!(asked.contains(SECOND), "{asked}");
}

#[test]
fn a_search_tells_how_many_rules_a_hit_has() {
    let place = place();
    let found = place.json(&["search", "T1059"]);
    assert_eq!((&found["techniques"][0]["id"], &found["techniques"][0]["rules"]), (&"T1059".into(), &2.into()));
    let found = place.json(&["search", "4624"]);
    assert_eq!(
        (&found["events"][0]["id"], &found["events"][0]["rules"]),
        (&"Security-Auditing 4624".into(), &1.into())
    );
}

#[test]
fn a_name_that_is_nearly_right_is_told() {
    let place = place();
    place.run(&["technique", "PowerShel"]).ends(1).says(&["did you mean PowerShell?"]);
    place.run(&["technique", "T1059", "--platform", "win"]).ends(2).says(&["`win`", "windows, linux, macos"]);
    place.run(&["event", "Sysmon", "1", "--platform", "win"]).ends(2).says(&["`win`", "windows, linux, macos"]);
    place.write("have", "Sysmon,1\n");
    place.run(&["coverage", "--have", "have", "--domain", "end"]).ends(2).says(&["`end`", "endpoint"]);
    place.run(&["technique", "T1059", "--domain", "moon"]).ends(2).says(&["`moon`", "endpoint"]);
}

#[test]
fn the_ledger_names_the_line_of_what_was_not_understood() {
    let near = "first:\n  EventID: 1\nsecond:\n  EventID: 2\ncondition: first | near second";
    let place = Place::with(&[("near.yml", &rule(FIRST, &["attack.t1059"], "test", near))]);
    place.build().ends(0);
    let text = std::fs::read_to_string(place.path("sigma/near.yml")).unwrap();
    let line = text.lines().position(|line| line.contains("near second")).unwrap() + 1;
    assert_eq!(place.json(&["doctor"])["faults"][0]["line"], line);
}
