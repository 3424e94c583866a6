//! Events, what ATT&CK says of them, and what one's own telemetry lets one detect.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod support;

use serde_json::{Value, json};
use support::{Place, Said, corpora, rule, source};

const CREATED: &str = "00000000-0000-4000-8000-000000000001";
const LOGON: &str = "00000000-0000-4000-8000-000000000002";
const REGISTRY: &str = "00000000-0000-4000-8000-000000000003";
const KEYWORD: &str = "00000000-0000-4000-8000-000000000004";
const DOOR: &str = "00000000-0000-4000-8000-000000000005";

const ETW: &str = r#"{"p":"Microsoft-Windows-Lab-Doors","id":"7","v":"0","name":"Event 7 - task_0","desc":null,"tags":["etw_level_Informational"],"fields":[["CommandLine","UnicodeString"],["Keyhole","UnicodeString"]]}
{"p":"Microsoft-Windows-Lab-Windows","id":"7","v":"0","name":"Event ID 7: A window was opened","desc":null,"tags":[],"fields":[["Pane","UInt32"]]}
"#;
const MESSAGES: &str = "provider\tevent_id\tversion\tchannel\tmessage\tsource\n\
    Microsoft-Windows-Lab-Doors\t7\t0\tLab-Doors/Operational\tA door was opened by %1%nthrough %2.\tus\n";

/// A rule over another log source than process creation.
fn over(id: &str, tag: &str, log_source: &str, detection: &str) -> String {
    rule(id, &[tag], "stable", detection).replace("product: windows\n  category: process_creation", log_source)
}

/// ATT&CK with an analytic for `T1059.003`.
fn bundle() -> Value {
    let mut bundle = support::bundle();
    let outside =
        |id: &str| json!([{"source_name": "mitre-attack", "external_id": id, "url": format!("https://x/{id}#a")}]);
    let objects = bundle["objects"].as_array_mut().unwrap();
    objects
        .push(json!({"type": "x-mitre-data-component", "id": "x-mitre-data-component--1", "name": "Process Creation",
        "external_references": outside("DC0001")}));
    objects.push(json!({"type": "x-mitre-analytic", "id": "x-mitre-analytic--1", "name": "Analytic 1", "description": "Look.",
        "external_references": outside("AN0001"), "x_mitre_platforms": ["Windows"],
        "x_mitre_log_source_references": [
            {"x_mitre_data_component_ref": "x-mitre-data-component--1", "name": "WinEventLog:Sysmon", "channel": "EventCode=1, 22"},
            {"x_mitre_data_component_ref": "x-mitre-data-component--1", "name": "NSM:Flow", "channel": "many connections"},
            {"name": "WinEventLog:Security", "channel": null}]}));
    objects.push(
        json!({"type": "x-mitre-detection-strategy", "id": "x-mitre-detection-strategy--1", "name": "A strategy",
        "external_references": outside("DET0001"), "x_mitre_analytic_refs": ["x-mitre-analytic--1"]}),
    );
    objects.push(json!({"type": "relationship", "id": "relationship--d", "relationship_type": "detects",
        "source_ref": "x-mitre-detection-strategy--1", "target_ref": "attack-pattern--T1059.003"}));
    bundle
}

fn place() -> Place {
    let created = "selection:\n  CommandLine|contains: whoami\ncondition: selection";
    let logon = "selection:\n  EventID: 4624\n  LogonType: 10\ncondition: selection";
    let registry = "selection:\n  TargetObject|contains: Run\ncondition: selection";
    let keyword = "keywords:\n  - mimikatz\ncondition: keywords";
    let door = "selection:\n  Provider_Name: Microsoft-Windows-Lab-Doors\n  EventID: 7\n  CommandLine|contains: open\ncondition: selection";
    let place = Place::with(&[
        ("created.yml", &rule(CREATED, &["attack.t1059.003"], "stable", created)),
        ("logon.yml", &over(LOGON, "attack.t1105", "product: windows\n  service: security", logon)),
        ("registry.yml", &over(REGISTRY, "attack.t1562.001", "product: windows\n  category: registry_set", registry)),
        ("keyword.yml", &over(KEYWORD, "attack.t1059.001", "product: windows", keyword)),
        ("door.yml", &over(DOOR, "attack.t1059.001", "product: windows\n  service: lab-doors", door)),
    ]);
    place.write("attack/enterprise-attack.json", bundle().to_string());
    place.write("events/ossem/all-etw-events.jsonl", ETW);
    place.write("events/messages.tsv", MESSAGES);
    build(&place).ends(0);
    place
}

fn build(place: &Place) -> Said {
    let sources = ["--source", "sigma=sigma", "--source", "attack=attack", "--source", "events=events"];
    place.run(&[&["build"][..], &sources].concat())
}

fn texts<'a>(rows: &'a Value, keys: &[&str]) -> Vec<Vec<&'a str>> {
    let row = |row: &'a Value| keys.iter().map(|key| row[*key].as_str().unwrap_or_default()).collect();
    rows.as_array().unwrap().iter().map(row).collect()
}

#[test]
fn an_event_has_what_the_dictionaries_say_and_the_guide_over_its_rules() {
    let place = place();
    let view = place.json(&["event", "Lab-Doors", "7"]);
    assert_eq!(view["title"], "A door was opened by CommandLine through Keyhole.");
    assert_eq!(view["title_by"], "manifest-messages");
    assert_eq!(view["facts"]["level"], json!({"text": "Informational", "by": "ossem"}));
    assert_eq!(view["facts"]["channel"]["text"], "Lab-Doors/Operational");
    let fields: Vec<(&str, u64)> = view["event_fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].as_str().unwrap(), row["rules"].as_u64().unwrap()))
        .collect();
    assert_eq!(fields, [("CommandLine", 1), ("Keyhole", 0)], "which fields the rules filter on and never do");
    assert_eq!((&view["explicit"], &view["implied"]), (&json!(1), &json!(0)));
    assert_eq!(view["rules"]["total"], 1);
    assert_eq!(texts(&view["techniques"], &["technique"]).concat(), ["T1059"], "with its sub-techniques");
    assert_eq!(view["rule_list"][0]["id"], format!("sigma/{DOOR}"));
    assert!(view["dictionaries"].as_array().unwrap().iter().any(|row| row["license"] == "MIT"));
    // Any name of the provider, and a channel.
    for provider in ["microsoft-windows-lab-doors", "LAB-DOORS", "Lab-Doors/Operational"] {
        assert_eq!(place.json(&["event", provider, "7"])["title"], view["title"], "{provider}");
    }
    let text = place.run(&["event", "Sysmon", "1"]).ends(0).out;
    assert!(text.contains("Process creation") && text.contains("1 rule"), "{text}");
}

#[test]
fn an_id_of_one_provider_is_not_that_of_another() {
    let place = place();
    let other = place.json(&["event", "Lab-Windows", "7"]);
    assert_eq!((&other["title"], &other["rules"]["total"]), (&json!("A window was opened"), &json!(0)));
    let sysmon = place.json(&["event", "Sysmon", "7"]);
    assert_eq!((&sysmon["title"], &sysmon["rules"]["total"]), (&json!("Image loaded"), &json!(0)));
    place.run(&["event", "Lab-Dors", "7"]).ends(1).says(&["there is no event `Lab-Dors 7`", "Lab-Doors"]);
    place.run(&["event", "Sysmon", "7777"]).ends(1).says(&["there is no event `Sysmon 7777`"]);
}

#[test]
fn a_written_id_and_an_implied_event_are_apart() {
    let place = place();
    let counts = |provider: &str, id: &str| {
        let view = place.json(&["event", provider, id]);
        (view["explicit"].as_u64().unwrap(), view["implied"].as_u64().unwrap())
    };
    assert_eq!(counts("Security-Auditing", "4624"), (1, 0));
    assert_eq!(counts("Security-Auditing", "4688"), (0, 1));
    assert_eq!(counts("Sysmon", "1"), (0, 1));
}

#[test]
fn titles_are_there_without_any_dictionary() {
    let place = place();
    place.build().ends(0);
    assert_eq!(place.json(&["event", "Sysmon", "1"])["title"], "Process creation");
    let created = place.json(&["event", "Security-Auditing", "4688"]);
    assert_eq!(created["title"], "A new process has been created.");
    assert!(texts(&created["event_fields"], &["name"]).concat().contains(&"NewProcessName"));
    let fields = created["event_fields"].as_array().unwrap();
    let called = |name: &str| &fields.iter().find(|row| row["name"] == name).unwrap()["canonical"];
    assert_eq!((called("NewProcessName"), called("CommandLine")), (&json!("Image"), &json!("CommandLine")));
    // What only a rule knows.
    let door = place.json(&["event", "Lab-Doors", "7"]);
    assert_eq!((&door["title"], &door["is_known"]), (&json!("Event ID 7"), &json!(false)));
}

#[test]
fn what_attack_names_stands_beside_what_rules_read() {
    let view = &place().json(&["technique", "T1059.003"])["attack_events"];
    let events = |list: &str| texts(&view[list], &["provider", "event_id"]);
    assert_eq!(events("named_and_read"), [["Sysmon", "1"]]);
    assert_eq!(events("named_unread"), [["Sysmon", "22"]]);
    assert_eq!(events("read_unnamed"), [["Security-Auditing", "4688"]]);
    assert_eq!(view["named_and_read"][0]["components"], json!(["Process Creation"]));
    assert_eq!(texts(&view["logs"], &["name"]).concat(), ["NSM:Flow", "WinEventLog:Security"]);
    assert_eq!(view["strategies"][0]["id"], "DET0001");
    let event = place().json(&["event", "Sysmon", "22"]);
    assert_eq!(event["attack_techniques"], json!([["T1059.003", "Windows Command Shell"]]));
}

#[test]
fn a_field_says_which_events_carry_it() {
    let view = &place().json(&["field", "CommandLine"])[0];
    let events = texts(&view["events"], &["provider", "event_id"]);
    assert!(events.contains(&vec!["Lab-Doors", "7"]) && events.contains(&vec!["Sysmon", "1"]), "{events:?}");
}

#[test]
fn the_ledger_lists_windows_rules_without_an_event_and_says_why() {
    let place = place();
    let view = &place.json(&["doctor"])["without_event"];
    assert_eq!(view["windows_rules"], 5);
    assert_eq!(view["rules"].as_array().unwrap().len(), 1);
    assert_eq!(view["rules"][0]["id"], format!("sigma/{KEYWORD}"));
    let reason = view["rules"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("log source windows implies no event"), "{reason}");
    assert!(place.run(&["doctor"]).ends(0).out.contains("1 of 5 counted rules of Windows or of no known platform (0)"));
}

fn counts(view: &Value) -> [u64; 4] {
    ["total", "fires", "cannot", "unknown"].map(|key| view["rules"][key].as_u64().unwrap())
}

#[test]
fn coverage_says_what_can_fire_and_what_to_collect_next() {
    let place = place();
    place.write("have.csv", "Provider,EventID\nSysmon,1\n");
    let view = place.json(&["coverage", "--have", "have.csv", "--layer", "layer.json"]);
    // 4688 and Sysmon 1 are alternatives; the rules that write an id need it; the keyword rule reads nobody knows what.
    assert_eq!(counts(&view), [5, 1, 3, 1]);
    let row = |id: &str| view["techniques"].as_array().unwrap().iter().find(|row| row["technique"] == id).unwrap();
    assert_eq!((&row("T1059.003")["fires"], &row("T1059.003")["cannot"]), (&json!(1), &json!(0)));
    assert_eq!(row("T1562.001")["missing"], json!([{"provider": "Sysmon", "event_id": "13", "rules": 1}]));
    assert_eq!(row("T1562")["cannot"], 1, "a technique counts its sub-techniques");
    assert_eq!(row("T1105")["missing"][0]["event_id"], "4624");
    let next = texts(&view["next_best"], &["provider", "event_id"]);
    assert_eq!(next, [["Lab-Doors", "7"], ["Security-Auditing", "4624"], ["Sysmon", "13"]]);
    assert_eq!(view["next_best"][0]["techniques"], 1);
    let blind: Vec<&str> = texts(&view["blind_rules"], &["id"]).concat();
    assert_eq!(blind, [LOGON, REGISTRY, DOOR].map(|id| format!("sigma/{id}")));
    let layer: Value = serde_json::from_slice(&std::fs::read(place.path("layer.json")).unwrap()).unwrap();
    assert_eq!(layer["versions"]["layer"], "4.5");
    assert_eq!(layer["domain"], "enterprise-attack");
    let shell = layer["techniques"].as_array().unwrap().iter().find(|row| row["techniqueID"] == "T1059.003").unwrap();
    assert_eq!(shell["score"], 100);
    let text = place.run(&["coverage", "--have", "have.csv"]).ends(0).out;
    assert!(text.contains("1 of 5 rules can fire, 3 cannot, 1 not known"), "{text}");
}

#[test]
fn every_kind_of_file_says_what_is_collected() {
    let place = place();
    let sysmon = "<Sysmon schemaversion=\"4.90\"><EventFiltering>\n<ProcessCreate onmatch=\"include\"/>\n\
                  <RegistryEvent onmatch=\"exclude\"/>\n</EventFiltering></Sysmon>";
    let audit = "Machine Name,Policy Target,Subcategory,Subcategory GUID,Inclusion Setting,Exclusion Setting\n\
                 L,System,Process Creation,{0CCE922B-69AE-11D9-BED3-505054503030},Success,\n\
                 L,System,Logon,{0CCE9215-69AE-11D9-BED3-505054503030},Failure,\n";
    let dettect = "file_type: data-source-administration\ndata_sources:\n- data_source_name: Windows Registry Key Modification\n\
                   \x20 data_source:\n  - {products: [Sysmon], available_for_data_analytics: true}\n";
    let list = "security,4624\nLab-Doors,*\nMicrosoft-Windows-Sysmon,13\n";
    for (text, kind, fires, collected, not) in [
        (sysmon, "sysmon_configuration", 1, ["Sysmon 13", "Sysmon 5"], "Sysmon 1"),
        (audit, "audit_policy", 1, ["Security-Auditing 4688", "Eventlog 1102"], "Security-Auditing 4624"),
        (dettect, "data_source_administration", 1, ["Sysmon 13", "Sysmon 14"], "Security-Auditing 4657"),
        (list, "list", 3, ["Security-Auditing 4624", "Lab-Doors 7"], "Sysmon 1"),
    ] {
        place.write("have", text);
        let view = place.json(&["coverage", "--have", "have"]);
        assert_eq!((view["kind"].as_str(), view["rules"]["fires"].as_u64()), (Some(kind), Some(fires)), "{view}");
        let events: Vec<String> =
            texts(&view["collected"], &["provider", "event_id"]).iter().map(|event| event.join(" ")).collect();
        for event in collected {
            assert!(events.iter().any(|other| other == event), "{kind}: no {event} in {events:?}");
        }
        assert!(!events.iter().any(|other| other == not), "{kind}: {not}");
    }
    place.write("have", sysmon);
    let notes = place.json(&["coverage", "--have", "have"])["notes"].to_string();
    assert!(notes.contains("ProcessCreate: off, nothing is included"), "{notes}");
}

#[test]
fn a_file_that_cannot_be_used_is_refused_as_a_whole() {
    let place = place();
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><Sysmon schemaversion=\"4.90\"/>";
    let unknown = "<Sysmon schemaversion=\"4.90\"><EventFiltering>\n<ProcessCreat onmatch=\"include\"/></EventFiltering></Sysmon>";
    let off = "<Sysmon schemaversion=\"4.90\"><EventFiltering><Nothing onmatch=\"include\"/></EventFiltering></Sysmon>";
    for (text, says) in [
        (bomb, &["line 1", "document type"][..]),
        ("<Sysmon schemaversion=\"7.0\"/>", &["schema version `7.0`"]),
        (unknown, &["line 2", "no event type `ProcessCreat`", "ProcessCreate"]),
        (off, &["no event type `Nothing`"]),
        ("Sysnom,1\nSysmon,1\n", &["line 1", "nobody knows the provider or channel `Sysnom`", "Sysmon"]),
        ("", &["there is nothing in it"]),
        ("Provider,EventID\n", &["there is nothing in it"]),
    ] {
        place.write("have", text);
        let said = place.run(&["coverage", "--have", "have", "--layer", "layer.json", "--json"]).ends(1).says(says);
        assert_eq!(said.out, "", "{text}");
        assert!(!place.path("layer.json").exists(), "{text}");
    }
    place.run(&["coverage", "--have", "not-there"]).ends(1).says(&["not-there cannot be read"]);
    place.run(&["coverage"]).ends(2);
    // An id that nobody knows of a provider that somebody does is one's own affair.
    place.write("have", "Sysmon,1\nSysmon,9999\n");
    let notes = place.json(&["coverage", "--have", "have"])["notes"].to_string();
    assert!(notes.contains("knows Sysmon 9999"), "{notes}");
}

#[test]
fn a_filter_narrows_the_rules_of_coverage() {
    let place = place();
    place.write("have", "Sysmon,1\n");
    let view = place.json(&["coverage", "--have", "have", "--platform", "linux"]);
    assert_eq!(counts(&view), [0, 0, 0, 0]);
}

#[test]
fn real_events_have_their_titles_and_few_windows_rules_have_none() {
    let Some(corpora) = corpora() else { return };
    let place = Place::new();
    let sources =
        ["sigma", "elastic", "splunk", "kusto", "attack", "events"].map(|kind| source(kind, &corpora.join(kind)));
    let arguments = sources.iter().flat_map(|source| ["--source", source]).collect::<Vec<_>>();
    place.run(&[&["build"][..], &arguments].concat()).ends(0);
    for (provider, id, title) in [
        ("Sysmon", "1", "Process creation"),
        ("Security-Auditing", "4688", "A new process has been created."),
        ("PowerShell", "4103", "Payload Context: ContextInfo User Data: UserData."),
    ] {
        assert_eq!(place.json(&["event", provider, id])["title"], title);
    }
    let view = place.json(&["event", "DNS-Client", "3008"]);
    let title = view["title"].as_str().unwrap();
    assert!(title.starts_with("DNS query is completed for the name QueryName, type QueryType, "), "{title}");
    let silent = &place.json(&["doctor"])["without_event"];
    let rules = silent["rules"].as_array().unwrap();
    // Rules of which no platform is known count as well, and so do those over alerts and inventories, which are no events.
    let all = silent["windows_rules"].as_f64().unwrap();
    assert!((rules.len() as f64) / all < 0.12, "{} of {all}", rules.len());
    let of_sigma = rules.iter().filter(|rule| rule["vendor"] == "sigma").count();
    assert!(of_sigma < 30, "{of_sigma} of Sigma");
    let technique = place.json(&["technique", "T1055"]);
    for list in ["named_and_read", "named_unread", "read_unnamed"] {
        assert!(!technique["attack_events"][list].as_array().unwrap().is_empty(), "{list}");
    }
}

#[test]
fn a_folder_of_logs_is_summed_up_and_is_telemetry() {
    let place = place();
    let event = |id: u32, second: u32, image: &str| {
        json!({"Event": {
            "System": {"Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}}, "EventID": id, "Computer": "host1",
                "Channel": "Microsoft-Windows-Sysmon/Operational",
                "TimeCreated": {"#attributes": {"SystemTime": format!("2026-01-02T03:04:{second:02}Z")}}},
            "EventData": {"Image": image, "CommandLine": "whoami /all"}}})
        .to_string()
    };
    place.write("logs/a.jsonl", format!("{}\n{}\n", event(1, 5, "a.exe"), event(1, 1, "b.exe")));
    place.write("logs/b.json", format!("[{}, {{\"odd\": 1}}]", event(3, 9, "c.exe")));
    place.write("logs/c.json", "5\n");
    let said = place.plain(&["logs", "logs", "--json"]).ends(0).says(&["c.json:1: a number is no event"]);
    let summary = said.json();
    assert_eq!(
        (&summary["records"], &summary["shapes"]["evtx"], &summary["problems"]),
        (&json!(4), &json!(3), &json!(1))
    );
    let created = json!({"provider": "Sysmon", "event_id": "1", "records": 2, "first": "2026-01-02T03:04:01Z", "last": "2026-01-02T03:04:05Z"});
    assert_eq!(summary["events"][0], created);
    assert_eq!(summary["unknown"], json!([{"keys": ["odd"], "records": 1}]));
    assert_eq!(summary["hosts"], json!(["host1"]));
    assert_eq!(summary["fields"][0]["records"], json!(3));
    place.plain(&["logs", "nowhere"]).ends(1).says(&["nowhere"]);
    place.plain(&["logs", "logs", "--shape", "moon"]).ends(2).says(&["there is no shape `moon`", "winlogbeat"]);
    let view = place.json(&["coverage", "--telemetry", "logs"]);
    let collected: Vec<&Value> = view["collected"].as_array().unwrap().iter().map(|row| &row["event_id"]).collect();
    assert!(collected.contains(&&json!("1")) && collected.contains(&&json!("3")), "{collected:?}");
    place.write("empty/a.json", "{}");
    place.run(&["coverage", "--telemetry", "empty"]).ends(1).says(&["no event of a known shape"]);
    place.plain(&["logs", "logs", "--jsonl", "events.jsonl"]).ends(0);
    let lines = std::fs::read_to_string(place.path("events.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 4);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&first["provider"], &first["fields"]["Image"]), (&json!("Sysmon"), &json!("a.exe")));
}
