//! The command line as other programs rely on it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod support;

use std::{io::Write as _, process::Stdio};

use serde_json::{Value, json};
use support::{Place, Said, rule};

const SHELL: &str = "3f6a3f4e-0000-4000-8000-000000000001";
const SCRIPT: &str = "3f6a3f4e-0000-4000-8000-000000000002";
const OLD: &str = "3f6a3f4e-0000-4000-8000-000000000003";
const DEFENDER: &str = "3f6a3f4e-0000-4000-8000-000000000004";
const BROKEN: &str = "3f6a3f4e-0000-4000-8000-000000000005";
const LINUX: &str = "3f6a3f4e-0000-4000-8000-000000000006";

fn place() -> Place {
    let shell = "selection:\n  Image|endswith: '\\cmd.exe'\n  CommandLine|contains:\n    - ' /c '\n    - Whoami\n    - whoami\n\
                 filter:\n  User: SYSTEM\nfilter_parent:\n  ParentImage|endswith: '\\agent.exe'\n  ParentCommandLine|contains: run\n\
                 condition: selection and not filter and not filter_parent";
    let script = "selection:\n  Image:\n    - '*\\cmd.exe'\n    - '*\\pwsh.exe'\n  CommandLine|contains: whoami\ncondition: selection";
    let old = "selection:\n  CommandLine|contains: whoami\ncondition: selection";
    let defender = "selection:\n  CommandLine|contains: DisableRealtimeMonitoring\ncondition: selection";
    let linux = "selection:\n  Image|endswith: /bash\ncondition: selection";
    let place = Place::with(&[
        ("shell.yml", &rule(SHELL, &["attack.execution", "attack.t1059.003"], "stable", shell)),
        ("script.yml", &rule(SCRIPT, &["attack.t1059"], "test", script)),
        ("deprecated/old.yml", &rule(OLD, &["attack.t1059"], "test", old)),
        ("defender.yml", &rule(DEFENDER, &["attack.stealth", "attack.t1685"], "test", defender)),
        (
            "linux.yml",
            &rule(LINUX, &["attack.t1059"], "test", linux)
                .replace("windows", "linux")
                .replace("level: high", "level: low"),
        ),
        ("readme.md", "no rule"),
    ]);
    place.build().ends(0);
    place
}

fn ids(rules: &Value) -> Vec<&str> {
    rules.as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect()
}

fn total(view: &Value) -> u64 {
    view["rules"]["total"].as_u64().unwrap()
}

fn full(id: &str) -> String {
    format!("sigma/{id}")
}

#[track_caller]
fn has_keys(value: &Value, keys: &[&str]) {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    for key in keys {
        assert!(object.contains_key(*key), "no `{key}` in {value}");
    }
}

/// The row of an indicator among others.
fn row<'a>(rows: &'a Value, field: &str, op: &str, value: &str) -> Option<&'a Value> {
    let is_this = |row: &&Value| row["field"] == field && row["op"] == op && row["value"] == value;
    rows.as_array().unwrap().iter().find(is_this)
}

#[test]
fn a_technique_has_the_promised_keys() {
    let view = place().json(&["technique", "T1059"]);
    assert_eq!((&view["technique"], &view["name"]), (&json!("T1059"), &json!("Command and Scripting Interpreter")));
    assert_eq!(view["tactics"], json!(["execution"]));
    assert_eq!(view["rules"], json!({"total": 3, "by_vendor": {"sigma": 3}}));
    for row in view["events"].as_array().unwrap() {
        has_keys(row, &["provider", "event_id", "title", "rules"]);
    }
    let created = json!({"provider": "Sysmon", "event_id": "1", "title": "Process creation"});
    let found = view["events"].as_array().unwrap().iter().find(|row| row["provider"] == "Sysmon").unwrap();
    assert_eq!((&found["event_id"], &found["title"]), (&created["event_id"], &created["title"]));
    assert_eq!(found["rules"], 2);
    let fields = view["fields"].as_array().unwrap();
    let image = fields.iter().find(|row| row["field"] == "Image").unwrap();
    assert_eq!(image["rules"], 3);
    assert_eq!(image["how"], json!({"ends_with": 3}));
    assert_eq!(image["samples"], json!(["cmd.exe", "bash", "pwsh.exe"]));
    assert_eq!(view["fields_distinct"], fields.len());
    let cmd = row(&view["indicators"], "Image", "basename", "cmd.exe").unwrap();
    assert_eq!(cmd["rules"], 2);
    assert_eq!((&cmd["reach"], &cmd["reach_by_vendor"]), (&json!(2), &json!({"sigma": 2})));
    assert_eq!(view["indicators_distinct"], view["indicators"].as_array().unwrap().len());
    let system = row(&view["exclusions"], "User", "eq", "SYSTEM").unwrap();
    assert_eq!((&system["rules"], &system["reach"]), (&json!(1), &json!(1)));
    assert!(row(&view["exclusions"], "ParentImage", "basename", "agent.exe").is_some());
    assert_eq!(view["exclusions_distinct"], 3);
}

#[test]
fn a_rule_counts_once_for_an_indicator_and_is_shown_as_most_spell_it() {
    let view = place().json(&["technique", "T1059"]);
    assert!(row(&view["indicators"], "CommandLine", "contains", "Whoami").is_none());
    let whoami = row(&view["indicators"], "CommandLine", "contains", "whoami").unwrap();
    assert_eq!((&whoami["rules"], &whoami["reach"]), (&json!(2), &json!(2)), "spelt twice in one rule");
}

#[test]
fn a_limit_shortens_every_list_and_no_count() {
    let place = place();
    let whole = place.json(&["technique", "T1059"]);
    let limited = place.json(&["technique", "T1059", "--limit", "1"]);
    for list in ["events", "fields", "indicators", "exclusions", "rule_list"] {
        assert_eq!(limited[list].as_array().unwrap().as_slice(), &whole[list].as_array().unwrap()[..1], "{list}");
    }
    for count in ["rules", "fields_distinct", "indicators_distinct", "exclusions_distinct"] {
        assert_eq!(limited[count], whole[count], "{count}");
    }
    assert!(whole["indicators"].as_array().unwrap().len() > 3);
}

#[test]
fn sub_techniques_count_unless_they_are_not_wanted() {
    let place = place();
    let with = place.json(&["technique", "T1059"]);
    let without = place.json(&["technique", "T1059", "--no-subtechniques"]);
    let (shell, script, linux) = (full(SHELL), full(SCRIPT), full(LINUX));
    assert_eq!(ids(&with["rule_list"]), [shell.as_str(), &script, &linux]);
    assert_eq!(ids(&without["rule_list"]), [script.as_str(), &linux]);
    assert_eq!(total(&without), 2);
    let cmd = row(&without["indicators"], "Image", "basename", "cmd.exe").unwrap();
    assert_eq!((&cmd["rules"], &cmd["reach"]), (&json!(1), &json!(2)), "reach is of the whole catalog");
    assert_eq!(without["exclusions"], json!([]));
}

#[test]
fn filters_narrow_the_rules_that_count() {
    let place = place();
    let count = |more: &[&str]| total(&place.json(&[&["technique", "T1059"], more].concat()));
    assert_eq!(count(&["--platform", "linux"]), 1);
    assert_eq!(count(&["--platform", "Linux", "--platform", "windows"]), 3);
    assert_eq!(count(&["--vendor", "sigma"]), 3);
    assert_eq!(count(&["--vendor", "elastic"]), 0);
    assert_eq!(count(&["--domain", "endpoint"]), 3);
    assert_eq!(count(&["--domain", "cloud"]), 0);
    assert_eq!(count(&["--severity", "low"]), 1);
    assert_eq!(count(&["--severity", "high", "--platform", "linux"]), 0);
    assert_eq!(count(&["--status", "stable"]), 1);
    assert_eq!(count(&["--parse", "full"]), 3);
}

#[test]
fn deprecated_rules_are_there_and_count_only_when_asked_for() {
    let place = place();
    let asked = place.json(&["technique", "T1059", "--status", "deprecated"]);
    assert_eq!(ids(&asked["rule_list"]), [full(OLD)]);
    let whoami = row(&asked["indicators"], "CommandLine", "contains", "whoami").unwrap();
    assert_eq!(whoami["rules"], 1);
    assert_eq!(place.json(&["rule", OLD])["status"], "deprecated");
    let exported = place.export("rules");
    assert_eq!(exported.iter().filter(|rule| rule["status"] == "deprecated").count(), 1);
    let reach = |rows: &[Value]| rows.iter().find(|row| row["value"] == "whoami").unwrap()["reach"].clone();
    assert_eq!(reach(&place.export("indicators")), 2);
}

#[test]
fn techniques_of_other_attack_versions_find_their_rules() {
    let place = place();
    for asked in ["T1562.001", "T1685", "t1562.001", "Disable or Modify Tools"] {
        let view = place.json(&["technique", asked]);
        assert_eq!(view["technique"], "T1562.001", "{asked}");
        assert_eq!(ids(&view["rule_list"]), [full(DEFENDER)], "{asked}");
    }
    assert_eq!(total(&place.json(&["technique", "T1562"])), 1);
    let rule = place.json(&["rule", DEFENDER]);
    assert_eq!(rule["techniques"], json!(["T1562.001"]));
    assert_eq!(rule["tactics"], json!(["defense-evasion"]));
    let tag = &rule["technique_tags"][0];
    assert_eq!((&tag["tag"], &tag["resolution"]), (&json!("attack.t1685"), &json!("crosswalk")));
}

#[test]
fn an_exported_rule_has_the_promised_keys() {
    let lines = place().export("rules");
    let order: Vec<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(order, sorted);
    assert_eq!(lines.len(), 5);
    for line in &lines {
        has_keys(
            line,
            &[
                "id",
                "vendor",
                "source",
                "path",
                "title",
                "language",
                "status",
                "severity",
                "platforms",
                "domains",
                "techniques",
                "tactics",
                "log_sources",
                "events",
                "parse",
                "diagnostics",
                "variant_of",
                "predicates",
                "indicators",
                "kind",
            ],
        );
        for list in ["platforms", "domains", "techniques", "tactics", "log_sources", "events", "diagnostics"] {
            assert!(line[list].is_array(), "{list}");
        }
        for predicate in line["predicates"].as_array().unwrap() {
            has_keys(
                predicate,
                &[
                    "step",
                    "stage",
                    "role",
                    "raw_field",
                    "field",
                    "mapped",
                    "op",
                    "values",
                    "case_sensitive",
                    "modifier",
                    "group",
                    "span",
                ],
            );
        }
        for indicator in line["indicators"].as_array().unwrap() {
            has_keys(indicator, &["role", "field", "op", "value"]);
        }
    }
    let shell = &lines[0];
    assert_eq!(shell["id"], full(SHELL));
    let head = json!([shell["vendor"], shell["language"], shell["status"], shell["severity"], shell["parse"]]);
    assert_eq!(head, json!(["sigma", "sigma", "stable", "high", "full"]));
    assert_eq!((&shell["platforms"], &shell["domains"]), (&json!(["windows"]), &json!(["endpoint"])));
    assert_eq!((&shell["techniques"], &shell["tactics"]), (&json!(["T1059.003"]), &json!(["execution"])));
    assert_eq!((&shell["log_sources"], &shell["variant_of"]), (&json!(["process_creation"]), &Value::Null));
    let summary: Vec<Value> = shell["predicates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| json!([p["role"], p["raw_field"], p["op"], p["values"], p["group"]]))
        .collect();
    assert_eq!(
        summary,
        [
            json!(["indicator", "Image", "ends_with", ["\\cmd.exe"], null]),
            json!(["indicator", "CommandLine", "contains", [" /c ", "Whoami", "whoami"], null]),
            json!(["exclusion", "User", "eq", ["SYSTEM"], null]),
            json!(["exclusion", "ParentImage", "ends_with", ["\\agent.exe"], 0]),
            json!(["exclusion", "ParentCommandLine", "contains", ["run"], 0]),
        ]
    );
    let indicators = shell["indicators"].as_array().unwrap();
    assert_eq!(indicators.len(), 6, "each once: {indicators:?}");
    assert_eq!(indicators[0], json!({"role": "indicator", "field": "Image", "op": "basename", "value": "cmd.exe"}));
}

#[test]
fn every_table_is_exported_in_both_formats() {
    let place = place();
    let keys: [(&str, &[&str]); 5] = [
        ("techniques", &["technique", "name", "rules"]),
        ("events", &["provider", "event_id", "title", "rules"]),
        ("fields", &["field", "rules", "how", "samples"]),
        ("indicators", &["field", "op", "value", "rules", "reach", "reach_by_vendor"]),
        ("exclusions", &["field", "op", "value", "rules", "reach", "reach_by_vendor"]),
    ];
    for (what, keys) in keys {
        let rows = place.export(what);
        assert!(!rows.is_empty(), "{what}");
        rows.iter().for_each(|row| has_keys(row, keys));
        let csv = place.run(&["export", what, "--format", "csv"]).ends(0);
        let mut reader = csv::Reader::from_reader(csv.out.as_bytes());
        assert_eq!(reader.headers().unwrap().get(0), Some(keys[0]), "{what}");
        assert_eq!(reader.records().map(Result::unwrap).count(), rows.len(), "{what}");
    }
    let techniques = place.export("techniques");
    let of = |id: &str| techniques.iter().find(|row| row["technique"] == id).unwrap();
    assert_eq!((&of("T1059")["rules"], &of("T1059")["rules_with_subtechniques"]), (&json!(2), &json!(3)));
    assert_eq!(of("T1105")["rules"], 0);
    place.run(&["export", "rules", "--format", "csv"]).ends(2).says(&["jsonl"]);
}

#[test]
fn an_indicator_says_who_checks_it() {
    let place = place();
    let view = place.json(&["indicator", "image", "basename", "CMD.EXE"]);
    assert_eq!((&view["field"], &view["value"], &view["reach"]), (&json!("Image"), &json!("cmd.exe"), &json!(2)));
    assert_eq!(ids(&view["rule_list"]), [full(SHELL), full(SCRIPT)]);
    let view = place.json(&["indicator", "User", "eq", "system"]);
    assert_eq!((&view["reach"], &view["excluded"]["reach"]), (&json!(0), &json!(1)));
    assert_eq!(ids(&view["excluding_rules"]), [full(SHELL)]);
    place.run(&["indicator", "Image", "basename", "nobody.exe"]).ends(1).says(&["nobody.exe"]);
    place.run(&["indicator", "Image", "resembles", "x"]).ends(2).says(&["resembles"]);
}

#[test]
fn a_field_is_found_by_every_vendors_name() {
    let place = place();
    for name in ["Image", "image", "process.executable"] {
        let views = place.json(&["field", name]);
        let image =
            views.as_array().unwrap().iter().find(|view| view["field"] == "Image").unwrap_or_else(|| panic!("{name}"));
        assert_eq!((&image["type"], &image["rules"]), (&json!("path"), &json!(3)));
    }
    place.run(&["field", "no.such.field"]).ends(1).says(&["no.such.field"]);
}

#[test]
fn a_search_finds_by_name_value_and_text() {
    let place = place();
    let found = place.json(&["search", "whoami"]);
    assert!(row(&found["indicators"], "CommandLine", "contains", "whoami").is_some());
    assert_eq!(place.json(&["search", "T1685"])["techniques"][0]["id"], "T1562.001");
    assert_eq!(ids(&place.json(&["search", SCRIPT])["rules"]), [full(SCRIPT)]);
    assert_eq!(place.json(&["search", "rule"])["rules"].as_array().unwrap().len(), 5);
    assert_eq!(place.json(&["search", "rule", "--limit", "2"])["rules"].as_array().unwrap().len(), 2);
    for odd in ["\"", "a\" OR \"b", "*", "NEAR(", "title:rule", "-", "%", "\\"] {
        place.json(&["search", odd]);
    }
    let found = place.plain(&["search", "--json", "--db", "catalog.db", "--", "-whoami"]).ends(0).json();
    assert_eq!(found["text"], "-whoami");
}

#[test]
fn a_rule_is_found_with_and_without_its_vendor() {
    let place = place();
    let (with, without) = (place.json(&["rule", &full(SHELL)]), place.json(&["rule", SHELL]));
    assert_eq!(with, without);
    has_keys(&with, &["query", "conditions", "line", "kind", "predicates", "indicators", "reach", "license"]);
    assert_eq!((&with["kind"], &with["line"]), (&json!("rule"), &json!(1)));
    let near = &SHELL[..SHELL.len() - 1];
    place.run(&["rule", near]).ends(1).says(&[near]);
}

#[test]
fn the_ledger_adds_up_to_the_files() {
    let place = place();
    place.write("sigma/broken.yml", rule(BROKEN, &[], "test", "selection:\n  A: 1\ncondition: selection and gone"));
    place.write("sigma/torn.yml", "a: [\n");
    let built = place.build().ends(0).says(&["1 partial", "1 unreadable", "torn.yml:"]);
    assert_eq!(built.out, "", "a build writes nothing to standard output");
    let ledger = place.json(&["doctor"]);
    let sigma = ledger["sources"].as_array().unwrap().iter().find(|source| source["source"] == "SigmaHQ").unwrap();
    let number = |key: &str| sigma[key].as_u64().unwrap();
    assert_eq!(number("files"), 8);
    assert_eq!((number("with_rules"), number("not_a_rule"), number("unreadable")), (6, 1, 1));
    assert_eq!((number("rules"), number("not_counted")), (6, 1));
    let statuses = sigma["parse"]["sigma"].as_object().unwrap();
    assert_eq!(statuses.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 6);
    let faults = ledger["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 2);
    let broken = faults.iter().find(|fault| fault["rule"] == full(BROKEN)).unwrap();
    assert_eq!((&broken["parse"], &broken["line"]), (&json!("partial"), &json!(13)));
    let text = place.run(&["doctor"]).ends(0).out;
    assert!(text.contains("6 with rules + 1 without + 1 unreadable = 8 files"), "{text}");
}

#[test]
fn the_ledger_says_where_rules_contradict_their_own_unit_tests() {
    let place = place();
    let rule = |expected: bool| {
        format!(
            "AnalysisType: rule\nRuleID: Sign.In\nDisplayName: Sign-in\nEnabled: true\nFilename: sign_in.py\nSeverity: Low\n\
             LogTypes: [Okta.SystemLog]\nTests:\n  - Name: A sign-in\n    ExpectedResult: {expected}\n    Log: {{eventType: user.session.start}}\n"
        )
    };
    place.write("panther/sign_in.py", "def rule(event):\n    return event.get('eventType') == 'user.session.start'\n");
    place.write("panther/sign_in.yml", rule(true));
    place.run(&["build", "--source", "panther=panther"]).ends(0);
    let ledger = place.json(&["doctor"]);
    assert_eq!(
        ledger["unit_tests"],
        json!([{"source": "Panther", "parse": "full", "rules": 1, "tests": 1, "agree": 1, "differ": 0, "unknown": 0, "apart": 0}])
    );
    assert_eq!(ledger["disagreements"], json!([]));
    place.write("panther/sign_in.yml", rule(false));
    place.run(&["build", "--source", "panther=panther"]).ends(0);
    let one = &place.json(&["doctor"])["disagreements"][0];
    assert_eq!((&one["rule"], &one["test"]), (&json!("panther/Sign.In"), &json!("A sign-in")));
    assert_eq!((&one["expected"], &one["found"]), (&json!(false), &json!(true)));
    let text = place.run(&["doctor"]).ends(0).out;
    assert!(
        text.contains("Panther, full: 0 agree + 1 differ + 0 cannot be known + 0 apart = 1 tests of 1 rules"),
        "{text}"
    );
}

#[test]
fn a_strict_build_fails_where_a_rule_is_not_understood() {
    let place = place();
    let strict = ["build", "--strict", "--source", "sigma=sigma", "--source", "attack=attack"];
    place.run(&strict).ends(0);
    place.write("sigma/broken.yml", rule(BROKEN, &[], "test", "selection:\n  A: 1\ncondition: selection and gone"));
    place.run(&strict).ends(1).says(&["1 partial"]);
    place.run(&strict).ends(1).says(&["nothing changed"]);
    place.build().ends(0);
    assert_eq!(place.export("rules").len(), 6, "the rule is in the catalog all the same");
}

#[test]
fn wrong_calls_end_with_2_and_failed_work_with_1() {
    let place = place();
    for call in [
        &["build", "--source", "sigma"] as &[&str],
        &["build", "--source", "runes=sigma"],
        &["build", "--source", "sigma="],
        &["build", "--demo", "--source", "sigma=sigma"],
        &["technique"],
        &["technique", "T1059", "--vendor", "nobody"],
        &["technique", "T1059", "--severity", "grave"],
        &["technique", "T1059", "--limit", "-1"],
        &["export", "secrets"],
        &["parse", "--language", "latin"],
        &["frobnicate"],
    ] {
        let said = place.run(call).ends(2);
        assert_eq!(said.out, "", "{call:?}");
        assert!(!said.err.is_empty());
    }
    for call in [&["technique", "T9999"] as &[&str], &["build", "--source", "sigma=nowhere"], &["rule", "nobody"]] {
        let said = place.run(call).ends(1);
        assert_eq!(said.out, "", "{call:?}");
        assert!(said.err.starts_with("ruleatlas: "), "{}", said.err);
    }
    let build_nothing = place.plain(&["build"]).ends(2);
    assert!(build_nothing.err.contains("--source"), "{}", build_nothing.err);
}

#[test]
fn without_a_catalog_every_command_says_what_to_do() {
    let place = Place::new();
    for call in [
        &["technique", "T1059"] as &[&str],
        &["rule", "x"],
        &["indicator", "Image", "eq", "x"],
        &["field", "Image"],
        &["search", "x"],
        &["export", "rules"],
        &["doctor"],
        &["match", "x", "--event", "-"],
        &["serve"],
    ] {
        let said = place.run(call).ends(1).says(&["catalog.db", "ruleatlas build"]);
        assert_eq!(said.out, "", "{call:?}");
    }
    assert!(!place.path("catalog.db").exists());
}

#[test]
fn the_catalog_is_by_default_in_the_users_data_folder() {
    let place = place();
    place.plain(&["build", "--source", "sigma=sigma"]).ends(0);
    assert_eq!(place.plain(&["export", "rules"]).ends(0).lines().len(), 5);
    let found = walk(&place.path("home"));
    assert!(found.iter().any(|path| path.ends_with("ruleatlas/catalog.db")), "{found:?}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn an_indicator_is_found_by_what_rules_and_people_write() {
    let place = place();
    let folded = place.json(&["indicator", "Image", "basename", "cmd.exe"]);
    let calls: [&[&str]; 4] = [
        &["indicator", "Image", "ends_with", "\\cmd.exe"],
        &["indicator", "process.name", "eq", "CMD.exe"],
        &["indicator", "Image", "endswith", "\\cmd.exe"],
        &["indicator", "Image", "eq", "*\\cmd.exe"],
    ];
    for call in calls {
        assert_eq!(place.json(call), folded, "{call:?}");
    }
    place.run(&["field", "process.nam"]).ends(1).says(&["process.name"]);
}

/// Runs `parse` with a text on standard input.
fn parse(place: &Place, language: &str, text: &str) -> (i32, Value) {
    let mut child = place
        .command(&["parse", "--language", language])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap_or_default())
}

#[test]
fn one_query_is_parsed_from_a_file_or_standard_input() {
    let place = place();
    let text = "selection:\n  Image|endswith: '\\x.exe'\nother:\n  A: 1\ncondition: selection and not other\n";
    let (status, parsed) = parse(&place, "sigma", text);
    assert_eq!((status, &parsed["parse"]), (0, &json!("full")));
    let shapes: Vec<Value> = parsed["predicates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| json!([p["role"], p["raw_field"], p["op"], p["values"]]))
        .collect();
    assert_eq!(
        shapes,
        [json!(["indicator", "Image", "ends_with", ["\\x.exe"]]), json!(["exclusion", "A", "eq", ["1"]])]
    );
    place.write("query.yml", text);
    assert_eq!(place.plain(&["parse", "--language", "sigma", "query.yml"]).ends(0).json(), parsed);
    let (status, parsed) = parse(&place, "sigma", "condition: [");
    assert_eq!((status, &parsed["parse"]), (1, &json!("failed")));
}

#[test]
fn json_goes_to_standard_output_alone() {
    let place = place();
    let silent = |said: &Said| assert_eq!(said.err, "");
    for call in [
        &["technique", "T1059", "--json"] as &[&str],
        &["rule", SHELL, "--json"],
        &["field", "Image", "--json"],
        &["indicator", "Image", "basename", "cmd.exe", "--json"],
        &["search", "cmd", "--json"],
        &["doctor", "--json"],
    ] {
        let said = place.run(call).ends(0);
        said.json();
        silent(&said);
        assert!(!said.out.contains('\u{1b}'));
    }
    for call in [&["technique", "T1059"] as &[&str], &["rule", SHELL], &["doctor"]] {
        let said = place.run(call).ends(0);
        silent(&said);
        assert!(!said.out.contains('\u{1b}'), "no colour where there is no terminal: {}", said.out);
    }
}

#[test]
fn the_demo_corpus_is_built_and_understood() {
    let place = Place::new();
    place.run(&["build", "--demo", "--strict"]).ends(0);
    let view = place.json(&["technique", "T1071"]);
    for table in ["events", "fields", "indicators", "exclusions", "rule_list"] {
        assert!(!view[table].as_array().unwrap().is_empty(), "{table}");
    }
}

#[test]
fn a_correlation_takes_its_base_rules_from_other_files() {
    let place = place();
    let named = rule(BROKEN, &[], "test", "selection:\n  User: ada\ncondition: selection");
    place.write("sigma/named.yml", named.replace("level: high", "name: user_ada"));
    let id = "3f6a3f4e-0000-4000-8000-000000000007";
    place.write(
        "sigma/correlation.yml",
        format!(
            "title: Both\nid: {id}\nstatus: test\ncorrelation:\n  type: temporal\n  rules:\n    - user_ada\n    - {SHELL}\n\
             \x20 timespan: 1h\n  group-by: [User]\nlevel: high\n"
        ),
    );
    place.build().ends(0);
    let both = place.json(&["rule", id]);
    assert_eq!((&both["kind"], &both["parse"]), (&json!("correlation"), &json!("full")), "{}", both["diagnostics"]);
    let steps: Vec<Value> =
        both["predicates"].as_array().unwrap().iter().map(|p| json!([p["step"], p["raw_field"]])).collect();
    assert_eq!(steps[..2], [json!([0, "User"]), json!([1, "Image"])]);
}
