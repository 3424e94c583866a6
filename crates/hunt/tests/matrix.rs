//! Rules of every vendor for one activity match the records of every product that logs it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

use ruleatlas_catalog::rules_of_file;
use ruleatlas_events::{Reader, Shapes};
use ruleatlas_hunt::{Found, Hit, Hunter, Options, Place, Report};
use ruleatlas_model::{Language, Rule};
use ruleatlas_sources::SourceFile;
use serde_json::{Value, json};

/// A rule of our own for each vendor: a program of the lab that is started by another with an option.
const RULES: [(&str, &str); 8] = [
    (
        "sigma.yml",
        "title: Lab probe\nid: 00000000-0000-4000-8000-0000000000a1\nlogsource:\n  product: windows\n  category: process_creation\n\
         detection:\n  selection:\n    Image|endswith: '\\probe.exe'\n    ParentImage|endswith: '\\starter.exe'\n    CommandLine|contains: ' /lab'\n  \
         filter:\n    CommandLine|contains: 'harmless'\n  condition: selection and not filter\n",
    ),
    (
        "sigma_4688.yml",
        "title: Lab probe in the Security log\nid: 00000000-0000-4000-8000-0000000000a2\nlogsource:\n  product: windows\n  service: security\n\
         detection:\n  selection:\n    EventID: 4688\n    NewProcessName|endswith: '\\probe.exe'\n  condition: selection\n",
    ),
    (
        "elastic.eql",
        "process where host.os.type == \"windows\" and event.type == \"start\" and process.name : \"probe.exe\" and \
         process.parent.name : \"starter.exe\" and process.args : \"/lab*\" and not process.command_line : \"*harmless*\"",
    ),
    (
        "elastic.kuery",
        "event.category:process and host.os.type:windows and event.type:start and process.name:\"probe.exe\" and process.args:(\"/lab\" or \"/other\")",
    ),
    (
        "splunk.spl",
        "| tstats count from datamodel=Endpoint.Processes where Processes.process_name=\"probe.exe\" \
         Processes.parent_process_name=\"starter.exe\" Processes.process=\"*/lab*\" by Processes.dest Processes.user",
    ),
    (
        "splunk_4688.spl",
        "index=wineventlog sourcetype=\"WinEventLog:Security\" EventCode=4688 New_Process_Name=\"*\\\\probe.exe\" Process_Command_Line=\"*/lab*\"",
    ),
    (
        "defender.kql",
        "DeviceProcessEvents | where ActionType == \"ProcessCreated\" | where FileName =~ \"probe.exe\" and InitiatingProcessFileName =~ \"starter.exe\" \
         | where ProcessCommandLine has \"/lab\" | where FolderPath startswith \"C:\\\\Tools\"",
    ),
    (
        "sentinel.kql",
        "SecurityEvent | where EventID == 4688 | where NewProcessName endswith \"\\\\probe.exe\" and CommandLine contains \"/lab\"",
    ),
];

fn rules(files: &[(&str, &str)]) -> Vec<Rule> {
    let of_file = |(name, text): &(&str, &str)| {
        let file = SourceFile::from_bytes(*name, text.as_bytes().to_vec());
        let language = name.ends_with(".kuery").then_some(Language::Kuery);
        let mut rules: Vec<Rule> = rules_of_file(&file, language)
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .into_iter()
            .map(|entry| entry.rule)
            .collect();
        for rule in &mut rules {
            assert!(rule.diagnostics.is_empty(), "{name}: {:?}", rule.diagnostics);
            (*name).clone_into(&mut rule.id);
        }
        rules
    };
    files.iter().flat_map(of_file).collect()
}

fn hunt(hunter: &Hunter, log: &str) -> (Vec<Hit>, Report) {
    let mut worker = hunter.worker();
    let mut hits = Vec::new();
    Reader::default().read_bytes("log.json", log.as_bytes(), &mut |item| {
        let record = item.unwrap_or_else(|problem| panic!("{problem}"));
        let place = Place { file: &record.file, record: record.number };
        Shapes::builtin().events(record.value, None, &mut |event| {
            assert!(event.shape.is_some(), "{log}");
            worker.examine(event, place, &mut |found| match found {
                Found::Hit(hit) => hits.push(hit),
                Found::Step(_) => {}
            });
        });
        true
    });
    let tally = worker.take_tally();
    (hits, hunter.report(&tally))
}

const LINE: &str = r#""C:\Tools\probe.exe" /lab "an argument""#;

/// The activity as every product logs it; `line` is the command line.
fn records(line: &str) -> Vec<(&'static str, Value)> {
    let sysmon = json!({"UtcTime": "2026-01-02 03:04:05.000", "ProcessGuid": "{A-1}", "ProcessId": 10, "Image": r"C:\Tools\probe.exe",
        "OriginalFileName": "probe.exe", "CommandLine": line, "User": r"LAB\ada", "IntegrityLevel": "High",
        "Hashes": "MD5=AA,SHA256=BB", "ParentImage": r"C:\Tools\starter.exe", "ParentCommandLine": "starter.exe"});
    let security = json!({"SubjectUserSid": "S-1-5-21-1", "SubjectUserName": "ada", "SubjectDomainName": "LAB", "SubjectLogonId": "0x3e7",
        "NewProcessId": "0x1f4", "NewProcessName": r"C:\Tools\probe.exe", "TokenElevationType": "%%1937", "ProcessId": "0x10",
        "CommandLine": line, "ParentProcessName": r"C:\Tools\starter.exe", "MandatoryLabel": "S-1-16-12288"});
    let system = |provider: &str, id: u32, channel: &str| {
        json!({"Provider": {"#attributes": {"Name": provider}}, "EventID": id, "Channel": channel, "Computer": "host1",
            "TimeCreated": {"#attributes": {"SystemTime": "2026-01-02T03:04:05Z"}}})
    };
    let (sysmon_provider, sysmon_channel) = ("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational");
    let mut flat = sysmon.clone();
    let own = json!({"EventID": 1, "SourceName": sysmon_provider, "Channel": sysmon_channel, "Hostname": "host1", "EventTime": "2026-01-02 03:04:05"});
    flat.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    let ecs = json!({"executable": r"C:\Tools\probe.exe", "name": "probe.exe", "command_line": line,
        "args": [r"C:\Tools\probe.exe", "/lab", "an argument"], "pid": 10, "parent": {"executable": r"C:\Tools\starter.exe", "name": "starter.exe"}});
    vec![
        ("sysmon evtx", json!({"Event": {"System": system(sysmon_provider, 1, sysmon_channel), "EventData": sysmon}})),
        ("sysmon flat", flat),
        (
            "sysmon winlogbeat",
            json!({"@timestamp": "2026-01-02T03:04:05Z", "winlog": {"provider_name": sysmon_provider, "event_id": 1, "channel": sysmon_channel,
                "computer_name": "host1", "event_data": sysmon}}),
        ),
        (
            "sysmon winlogbeat with ECS fields",
            json!({"@timestamp": "2026-01-02T03:04:05Z", "winlog": {"provider_name": sysmon_provider, "event_id": 1, "channel": sysmon_channel, "computer_name": "host1"},
                "event": {"category": ["process"], "type": ["start"], "code": "1"}, "host": {"name": "host1"}, "process": ecs}),
        ),
        (
            "4688 evtx",
            json!({"Event": {"System": system("Microsoft-Windows-Security-Auditing", 4688, "Security"), "EventData": security}}),
        ),
        (
            "4688 winlogbeat",
            json!({"@timestamp": "2026-01-02T03:04:05Z", "winlog": {"provider_name": "Microsoft-Windows-Security-Auditing", "event_id": "4688",
                "channel": "Security", "computer_name": "host1", "event_data": security}}),
        ),
        (
            "4688 Sentinel",
            json!({"TimeGenerated": "2026-01-02T03:04:05Z", "Type": "SecurityEvent", "EventSourceName": "Microsoft-Windows-Security-Auditing",
                "EventID": 4688, "Channel": "Security", "Computer": "host1", "NewProcessName": r"C:\Tools\probe.exe", "Process": "probe.exe", "CommandLine": line,
                "ParentProcessName": r"C:\Tools\starter.exe", "SubjectUserName": "ada"}),
        ),
        (
            "Elastic Defend",
            json!({"@timestamp": "2026-01-02T03:04:05Z", "event": {"category": ["process"], "type": ["start"], "action": "start", "kind": "event",
                "module": "endpoint", "dataset": "endpoint.events.process"}, "host": {"name": "host1", "os": {"type": "windows"}}, "process": ecs}),
        ),
        (
            "Defender stream",
            json!({"category": "AdvancedHunting-DeviceProcessEvents", "time": "2026-01-02T03:04:05Z", "properties": {"ActionType": "ProcessCreated",
                "DeviceName": "host1", "FileName": "probe.exe", "FolderPath": r"C:\Tools\probe.exe", "ProcessCommandLine": line,
                "InitiatingProcessFileName": "starter.exe", "InitiatingProcessFolderPath": r"c:\tools\starter.exe"}}),
        ),
        (
            "Defender row",
            json!({"Timestamp": "2026-01-02T03:04:05Z", "DeviceName": "host1", "ActionType": "ProcessCreated", "FileName": "probe.exe",
                "FolderPath": r"C:\Tools\probe.exe", "ProcessCommandLine": line, "InitiatingProcessFileName": "starter.exe",
                "InitiatingProcessFolderPath": r"c:\tools\starter.exe"}),
        ),
    ]
}

#[test]
fn every_vendors_rule_matches_every_products_record() {
    let hunter = Hunter::new(rules(&RULES), Options::default());
    for (name, record) in records(LINE) {
        let (hits, report) = hunt(&hunter, &record.to_string());
        let mut found: Vec<&str> = hits.iter().map(|hit| hit.rule.as_str()).collect();
        found.sort_unstable();
        let mut expected: Vec<&str> = RULES.iter().map(|rule| rule.0).collect();
        expected.sort_unstable();
        let unknown: Vec<_> =
            report.rules.iter().filter(|rule| rule.unknown > 0).map(|rule| (&rule.id, &rule.unknown_why)).collect();
        assert_eq!(found, expected, "{name}: {unknown:?}");
        assert!(
            hits.iter()
                .all(|hit| hit.host.as_deref() == Some("host1") && hit.time.as_deref() == Some("2026-01-02T03:04:05Z")),
            "{name}"
        );
        assert!(hits.iter().all(|hit| !hit.matched.is_empty()), "{name}");
    }
}

#[test]
fn an_exclusion_that_takes_a_hit_away_is_counted() {
    let hunter = Hunter::new(rules(&RULES[..1]), Options::default());
    for (name, record) in records(&format!("{LINE} harmless")) {
        let (hits, report) = hunt(&hunter, &record.to_string());
        assert_eq!(hits, [], "{name}");
        let removed: Vec<_> =
            report.exclusions.iter().map(|row| (row.value.as_str(), row.events, row.removed)).collect();
        assert_eq!(removed, [("harmless", 1, Some(1))], "{name}");
    }
}

/// Process creations of Sysmon.
fn processes(events: &[(&str, &str)]) -> String {
    let event = |(image, line): &(&str, &str)| {
        json!({"EventID": 1, "SourceName": "Microsoft-Windows-Sysmon", "Channel": "Microsoft-Windows-Sysmon/Operational",
            "Hostname": "host1", "EventTime": "2026-01-02 03:04:05", "Image": image, "CommandLine": line})
        .to_string()
    };
    events.iter().map(event).collect::<Vec<_>>().join("\n")
}

#[test]
fn indicators_and_exclusions_are_counted_over_all_events_that_were_asked() {
    let excludes =
        "both:\n    CommandLine|contains|all: ['harmless', 'signed']\n  one:\n    CommandLine|contains: ' /quiet'\n  ";
    let rule = |id: u32, excludes: &str, condition: &str| {
        format!(
            "title: Counted\nid: 00000000-0000-4000-8000-0000000000b{id}\nlogsource:\n  product: windows\n  category: process_creation\n\
             detection:\n  image:\n    Image|endswith: '\\probe.exe'\n  line:\n    CommandLine|contains: ' /lab'\n  \
             {excludes}condition: {condition}\n"
        )
    };
    let first = rule(1, excludes, "image and line and not both and not one");
    let second = rule(2, "", "image and line");
    let hunter = Hunter::new(rules(&[("first.yml", &first), ("second.yml", &second)]), Options::default());
    let log = processes(&[
        (r"C:\Tools\probe.exe", "probe /lab"),
        (r"C:\Tools\probe.exe", "probe"),
        (r"C:\Tools\other.exe", "other /lab harmless signed"),
        // Half of what excludes, and another exclusion.
        (r"C:\Tools\probe.exe", "probe /lab harmless"),
        (r"C:\Tools\probe.exe", "probe /lab harmless signed"),
        (r"C:\Tools\probe.exe", "probe /lab signed /quiet"),
    ]);
    let (hits, report) = hunt(&hunter, &log);
    assert_eq!(hits.iter().filter(|hit| hit.rule == "first.yml").count(), 2);
    let counted: Vec<_> = report.indicators.iter().map(|row| (row.value.as_str(), row.events)).collect();
    // However many rules look for it.
    assert_eq!(counted, [(" /lab", 5), ("probe.exe", 5)]);
    let removed: Vec<_> = report.exclusions.iter().map(|row| (row.value.as_str(), row.events, row.removed)).collect();
    assert_eq!(removed, [("harmless", 3, Some(1)), ("signed", 3, Some(1)), (" /quiet", 1, Some(1))]);
}

#[test]
fn other_events_and_other_values_do_not_match() {
    let hunter = Hunter::new(rules(&RULES), Options::default());
    let other = json!({"EventID": 5, "SourceName": "Microsoft-Windows-Sysmon", "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Image": r"C:\Tools\probe.exe", "CommandLine": LINE, "ParentImage": r"C:\Tools\starter.exe"});
    assert_eq!(hunt(&hunter, &other.to_string()).0, []);
    for (name, record) in records(r"C:\Tools\probe.exe /x") {
        let found: Vec<String> = hunt(&hunter, &record.to_string()).0.into_iter().map(|hit| hit.rule).collect();
        // The arguments that the record itself has count, not those of its command line.
        let has_arguments = name.contains("ECS") || name.contains("Elastic");
        let expected =
            if has_arguments { vec!["sigma_4688.yml", "elastic.eql", "elastic.kuery"] } else { vec!["sigma_4688.yml"] };
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_channel_that_an_event_is_about_is_not_the_one_it_was_written_to() {
    let rule = |id: u32, condition: &str| {
        format!(
            "title: Cleared\nid: 00000000-0000-4000-8000-0000000000c{id}\nlogsource:\n  product: windows\n  service: system\ndetection:\n  \
             cleared:\n    EventID: 104\n  listed:\n    Channel: [Security, System]\n  condition: {condition}\n"
        )
    };
    let (listed, other) = (rule(1, "cleared and listed"), rule(2, "cleared and not listed"));
    let hunter = Hunter::new(rules(&[("listed.yml", &listed), ("other.yml", &other)]), Options::default());
    for (channel, expected) in [("Application", "other.yml"), ("System", "listed.yml"), ("Security", "listed.yml")] {
        let record = json!({"Event": {
            "System": {"Provider": {"#attributes": {"Name": "Microsoft-Windows-Eventlog"}}, "EventID": 104, "Channel": "System",
                "Computer": "host1", "TimeCreated": {"#attributes": {"SystemTime": "2026-01-02T03:04:05Z"}}},
            "UserData": {"LogFileCleared": {"SubjectUserName": "ada", "Channel": channel}}}});
        let found: Vec<String> = hunt(&hunter, &record.to_string()).0.into_iter().map(|hit| hit.rule).collect();
        assert_eq!(found, [expected], "{channel}");
    }
}

#[test]
fn a_rule_for_another_platform_is_not_asked() {
    let text = RULES[0].1.replace("product: windows", "product: linux").replace('\\', "/");
    let hunter = Hunter::new(rules(&[("linux.yml", &text)]), Options::default());
    for (name, record) in records(LINE) {
        let (hits, report) = hunt(&hunter, &record.to_string());
        assert_eq!((hits.len(), report.rules.len()), (0, 0), "{name}");
    }
}

#[test]
fn what_the_telemetry_never_carries_cannot_be_known() {
    let text = "title: Renamed\nid: 00000000-0000-4000-8000-0000000000a3\nlogsource:\n  product: windows\n  category: process_creation\n\
        detection:\n  selection:\n    OriginalFileName: 'probe.exe'\n  other:\n    Image|endswith: '\\probe.exe'\n  condition: selection and other\n";
    let hunter = Hunter::new(rules(&[("renamed.yml", text)]), Options::default());
    for (name, record) in records(LINE) {
        let (hits, report) = hunt(&hunter, &record.to_string());
        let rule = &report.rules[0];
        let why: Vec<&str> = rule.unknown_why.iter().map(|row| row.why.as_str()).collect();
        let expected = match name {
            "sysmon evtx" | "sysmon flat" | "sysmon winlogbeat" => (1, 0, vec![]),
            "4688 evtx" | "4688 winlogbeat" | "4688 Sentinel" => (0, 1, vec!["blind: OriginalFileName"]),
            // The record could have it.
            _ => (0, 0, vec![]),
        };
        assert_eq!((hits.len(), rule.unknown, why), expected, "{name}");
    }
}
