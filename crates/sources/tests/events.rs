//! Event dictionaries: what is read of them, and whose word counts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

use std::path::PathBuf;

use proptest::prelude::*;
use ruleatlas_model::{Dictionary, EventEntry, EventRef, SampleKind};
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec, events, read_files};

fn short(name: &str) -> String {
    name.strip_prefix("Microsoft-Windows-").unwrap_or(name).to_owned()
}

fn load(files: &[(&str, &str)], known: &[EventEntry]) -> Vec<EventEntry> {
    let files: Vec<SourceFile> =
        files.iter().map(|(path, text)| SourceFile::from_bytes(*path, text.as_bytes().to_vec())).collect();
    let (entries, said) = events::load(&files, known, &short);
    assert!(said.is_empty(), "{said:?}");
    entries
}

fn find<'a>(entries: &'a [EventEntry], provider: &str, id: &str) -> &'a EventEntry {
    let is_this = |entry: &&EventEntry| entry.event.provider == provider && entry.event.event_id == id;
    entries.iter().find(is_this).unwrap_or_else(|| panic!("no {provider} {id}"))
}

fn title(entry: &EventEntry) -> (&str, Dictionary) {
    let title = entry.title.as_ref().unwrap();
    (&title.text, title.by)
}

const ETW: &str = r#"{"p":"Microsoft-Windows-Lab","id":"7","v":"0","name":"Event 7 - task_0","desc":null,"tags":["etw_level_Informational"],"fields":[["Door","UnicodeString"]]}
{"p":"Microsoft-Windows-Lab","id":"7","v":"1","name":"Event 7 - task_0","desc":null,"tags":["etw_task_Doors"],"fields":[["Door","UnicodeString"],["Who","SID"]]}
"#;

#[test]
fn dictionaries_of_one_event_become_one_and_keep_who_said_what() {
    let messages = "provider\tevent_id\tversion\tchannel\tmessage\tsource\n\
                    Microsoft-Windows-Lab\t7\t1\tLab/Operational\tDoor %1 opened by %2%n\tus\n";
    let map =
        "Description: A door opened\nEventId: 7\nChannel: Lab/Operational\nProvider: Microsoft-Windows-Lab\nMaps: []\n";
    let titles = "Channel,EventID,EventTitle\nLab/Operational,7,Door\nLab/Operational,8,Window\nSecurity,9001,Alarm\n";
    let entries = load(
        &[
            ("ossem/all-etw-events.jsonl", ETW),
            ("quoted/messages.tsv", messages),
            ("maps/Lab_7.map", map),
            ("config/channel_eid_info.txt", titles),
        ],
        &[],
    );
    let door = find(&entries, "Lab", "7");
    assert_eq!(title(door), ("Door Door opened by Who.", Dictionary::ManifestMessages));
    assert_eq!(door.channel.as_ref().unwrap().text, "Lab/Operational");
    assert_eq!(
        (door.versions.as_slice(), door.task.as_ref().unwrap().by),
        (&["0".to_owned(), "1".to_owned()][..], Dictionary::Ossem)
    );
    let fields: Vec<_> = door.fields.iter().map(|field| (field.name.as_str(), field.kind.as_deref())).collect();
    assert_eq!(fields, [("Door", Some("UnicodeString")), ("Who", Some("SID"))]);
    assert_eq!(title(find(&entries, "Lab", "8")), ("Window", Dictionary::Hayabusa));
    assert_eq!(title(find(&entries, "Security-Auditing", "9001")), ("Alarm", Dictionary::Hayabusa));
}

#[test]
fn an_identity_is_provider_and_id() {
    let etw = ETW.to_owned() + &ETW.replace("Windows-Lab", "Windows-Other");
    let entries = load(&[("all-etw-events.jsonl", &etw)], &[]);
    let ids: Vec<_> =
        entries.iter().map(|entry| (entry.event.provider.as_str(), entry.event.event_id.as_str())).collect();
    assert_eq!(ids, [("Lab", "7"), ("Other", "7")]);
}

#[test]
fn the_table_of_the_program_stands_without_any_dictionary_and_gives_way_to_better_ones() {
    let mut known = EventEntry::blank(EventRef { provider: "Lab".into(), event_id: "7".into() });
    known.title = Some(ruleatlas_model::EventDescription { text: "Our title".into(), by: Dictionary::Ruleatlas });
    assert_eq!(title(&load(&[], &[known.clone()])[0]), ("Our title", Dictionary::Ruleatlas));
    // A template without a person's title does not take its place.
    assert_eq!(title(&load(&[("all-etw-events.jsonl", ETW)], &[known.clone()])[0]).1, Dictionary::Ruleatlas);
    let page = "title: 7(S) The door was opened. \n\n***Event XML:***\n```xml\n<Provider Name=\"Microsoft-Windows-Lab\" />\n```\n";
    assert_eq!(title(&load(&[("event-7.md", page)], &[known])[0]), ("The door was opened.", Dictionary::MicrosoftDocs));
}

#[test]
fn a_manifest_that_would_expand_is_refused() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><manifests><event value=\"1\" name=\"&a;\"/></manifests>";
    let files = [SourceFile::from_bytes("sysmon/manifest.xml", bomb.as_bytes().to_vec())];
    let (entries, said) = events::load(&files, &[], &short);
    assert!(entries.is_empty());
    assert!(said[0].message.contains("document type"), "{said:?}");
}

const TABLE: &str = "# origin: a test\nprovider,event,title,description,category,fields,source\n\
    Lab,OpenDoor,Open door,Opens a door of the house.,house; write,door.name;door.key,us\n\
    Lab,OpenDoor,Open door,Opens a door of the car.,car; write,door.side,us\n\
    Lab,CloseDoor,,,house; write,,us\n\
    Lab,door.bell_rung,,,house,,us\n\
    Lab,LockDoor,,Locks a door. Not every door has a lock.,house; write,,us\n";

fn said(files: &[(&str, &str)]) -> (Vec<EventEntry>, Vec<String>) {
    let files: Vec<SourceFile> =
        files.iter().map(|(path, text)| SourceFile::from_bytes(*path, text.as_bytes().to_vec())).collect();
    let (entries, said) = events::load(&files, &[], &short);
    (entries, said.into_iter().map(|diagnostic| diagnostic.message).collect())
}

#[test]
fn a_table_of_events_says_what_each_means_in_every_category() {
    let entries = load(&[("mine/doors.csv", TABLE)], &[]);
    let open = find(&entries, "Lab", "OpenDoor");
    assert_eq!(title(open), ("Open door", Dictionary::OwnTable));
    let categories: Vec<_> =
        open.categories.iter().map(|it| (it.name.as_str(), it.description.as_deref().unwrap())).collect();
    let expected = [("house; write", "Opens a door of the house."), ("car; write", "Opens a door of the car.")];
    assert_eq!(categories, expected);
    assert_eq!(open.description, None, "one of several meanings is not that of the event");
    let mut fields: Vec<_> = open.fields.iter().map(|field| field.name.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["door.key", "door.name", "door.side"]);
    let lock = find(&entries, "Lab", "LockDoor");
    assert_eq!(title(lock), ("Locks a door", Dictionary::OwnTable), "the first sentence, where there is no title");
    assert_eq!(lock.description.as_ref().unwrap().text, "Locks a door. Not every door has a lock.");
    assert_eq!(title(find(&entries, "Lab", "door.bell_rung")).0, "Door bell rung", "a name of several words");
    let close = find(&entries, "Lab", "CloseDoor");
    assert!(close.title.is_none() && close.categories.len() == 1, "{close:?}");
}

#[test]
fn files_of_known_names_are_the_dictionaries_that_they_are() {
    for (name, dictionary) in [
        ("aws-cloudtrail.csv", Dictionary::AwsOperations),
        ("azure-activity.csv", Dictionary::AzureOperations),
        ("azure-monitor-tables.csv", Dictionary::AzureMonitorTables),
        ("azure-resource-logs.csv", Dictionary::AzureResourceLogs),
        ("defender-actiontypes.csv", Dictionary::DefenderActionTypes),
        ("defender-xdr-tables.csv", Dictionary::DefenderTables),
        ("entra-audit.csv", Dictionary::EntraAudit),
        ("entra-risk.csv", Dictionary::EntraRisk),
        ("fabric-power-bi.csv", Dictionary::FabricOperations),
        ("falco-events.csv", Dictionary::FalcoEvents),
        ("gcp-audit.csv", Dictionary::GcpMethods),
        ("github-audit.csv", Dictionary::GithubAudit),
        ("google-workspace.csv", Dictionary::GoogleWorkspace),
        ("kubernetes-audit.csv", Dictionary::KubernetesApi),
        ("microsoft-365-alerts.csv", Dictionary::Microsoft365Alerts),
        ("microsoft-365-audit.csv", Dictionary::Microsoft365Audit),
        ("microsoft-365-record-types.csv", Dictionary::Microsoft365RecordTypes),
        ("okta.csv", Dictionary::OktaEvents),
        ("opencanary.csv", Dictionary::Opencanary),
        ("osquery.csv", Dictionary::Osquery),
        ("power-apps.csv", Dictionary::PowerAppsOperations),
        ("saas-panther.csv", Dictionary::PantherTests),
        ("sentinelone.csv", Dictionary::SentinelOne),
        ("sysmon-linux.csv", Dictionary::SysmonForLinux),
        ("zeek-logs.csv", Dictionary::ZeekLogs),
        ("mine.csv", Dictionary::OwnTable),
    ] {
        let path = format!("cloud/{name}");
        let entries = load(&[(path.as_str(), TABLE)], &[]);
        assert_eq!(find(&entries, "Lab", "OpenDoor").dictionaries(), [dictionary], "{name}");
    }
    for name in ["falco-fields.csv", "observed-in-rules.csv"] {
        assert!(load(&[(name, TABLE)], &[]).is_empty(), "{name} holds no events");
    }
    // A user's own words go before those of a dictionary.
    let other = TABLE.replace("Open door", "Unlatch");
    let entries = load(&[("aws-cloudtrail.csv", TABLE), ("mine.csv", &other)], &[]);
    assert_eq!(title(find(&entries, "Lab", "OpenDoor")), ("Unlatch", Dictionary::OwnTable));
}

#[test]
fn what_is_wrong_with_a_table_is_said_with_its_line_and_the_rest_is_read() {
    let long = "x".repeat(400);
    let many = "f;".repeat(1_001);
    let text = format!(
        "provider,event,title,description,category,fields,source\n\
         Lab,One,One,,,,\n\
         Lab,One,One,,,,\n\
         Lab,One,Another one,,,,\n\
         ,Two,,,,,\n\
         Lab,,,,,,\n\
         Lab,{long},,,,,\n\
         Lab,a\u{1b}[2J,,,,,\n\
         Lab,Three,,,,a b;c,\n\
         Lab,Four,,,,{many},\n\
         Lab,Five\n\
         Lab,Six,<script>alert(1)</script>,,,x,\n"
    );
    let (entries, said) = said(&[("mine.csv", &text)]);
    let ids: Vec<_> = entries.iter().map(|entry| entry.event.event_id.as_str()).collect();
    assert_eq!(ids, ["One", "Six"]);
    assert_eq!(title(&entries[0]).0, "One", "the first row stays");
    for part in [
        "something else of an event than one before, left out: line 4 `One; first in line 2`",
        "without a provider or an event, left out: line 5 `Two`, line 6 `Lab`",
        "too long or has control characters, left out: line 7 `xxx",
        "fields are no names, left out: line 9 `a b`",
        "more than 1,000 fields, left out: line 10 `Four`",
        "do not have the columns of the header, left out: line 11",
    ] {
        assert!(said.iter().any(|said| said.contains(part)), "{part}: {said:#?}");
    }
    assert!(said.iter().all(|said| !said.contains('\u{1b}')), "{said:?}");
}

#[test]
fn a_table_of_other_columns_says_which_it_has_to_have() {
    for (text, part) in [
        ("provider,title,category\nLab,One,x\n", "the header lacks `provider` or `event`"),
        ("provider,event,event\nLab,One,Two\n", "the column `event` stands in the header twice"),
        ("provider,event,colour\nLab,One,red\n", "columns that are not read: colour"),
    ] {
        let (_, said) = said(&[("mine.csv", text)]);
        assert!(said.iter().any(|said| said.contains(part) && said.contains("provider,event,title")), "{said:?}");
    }
    // A table of something else is none of events, and nothing is said of it.
    assert_eq!(said(&[("mine.csv", "name,size\na,1\n")]), (Vec::new(), Vec::new()));
    // A file of a known name is meant for one.
    assert_eq!(said(&[("okta.csv", "name,size\na,1\n")]).1.len(), 1);
}

#[test]
fn a_recorded_sample_goes_before_an_invented_one() {
    let line = |kind: &str, value: &str| {
        format!(
            "{{\"provider\":\"Lab\",\"event\":\"OpenDoor\",\"_source\":\"a test (MIT)\",\"_kind\":\"{kind}\",\"sample\":{value}}}\n"
        )
    };
    let text = line("test", "{\"b\":1,\"a\":2}") + &line("log", "{\"door\":{\"name\":\"front\"}}") + &line("log", "{}");
    let entries = load(&[("samples.jsonl", &text)], &[]);
    let sample = find(&entries, "Lab", "OpenDoor").sample.as_ref().unwrap();
    assert_eq!((sample.json.as_str(), sample.kind), ("{\"door\":{\"name\":\"front\"}}", SampleKind::Log));
    assert_eq!(sample.source, "a test (MIT)");
    assert_eq!(find(&entries, "Lab", "OpenDoor").dictionaries(), [Dictionary::Samples]);
    let deep = "[".repeat(100_000);
    for odd in [
        line("rumour", "{}"),
        line("log", "[1]"),
        line("log", &format!("{{\"a\":\"{}\"}}", "x".repeat(70_000))),
        line("log", &format!("{{\"a\":{deep}")),
        "{\"provider\":\"\",\"event\":\"x\",\"_kind\":\"log\",\"sample\":{}}".to_owned(),
        "no JSON".to_owned(),
    ] {
        let (entries, said) = said(&[("samples.jsonl", &odd)]);
        assert!(entries.is_empty() && said.len() == 1 && said[0].contains("line 1"), "{said:?}");
    }
}

fn corpora() -> Option<PathBuf> {
    let found = std::env::var_os("RULEATLAS_CORPORA").map(PathBuf::from);
    if found.is_none() {
        eprintln!("skipped: RULEATLAS_CORPORA names no folder of dictionaries");
    }
    found
}

#[test]
fn real_dictionaries_give_the_titles_that_practitioners_know() {
    let Some(corpora) = corpora() else { return };
    let files = read_files(&SourceSpec::new(SourceKind::Events, corpora.join("events"))).unwrap();
    let (entries, said) = events::load(&files, &[], &short);
    // Rows that contradict others of their table, and index pages among the tables of Azure Monitor.
    assert!(said.iter().all(|diagnostic| diagnostic.message.contains("left out")), "{said:?}");
    assert!(said.len() <= 3, "{said:?}");
    for (provider, id) in [
        ("CloudTrail", "AttachUserPolicy"),
        ("Okta", "user.session.start"),
        ("GitHub", "repo.create"),
        ("Entra Audit", "Add member to role"),
        ("Microsoft 365", "New-InboxRule"),
        ("Azure Activity", "Microsoft.Authorization/roleAssignments/write"),
        ("GCP Audit", "google.iam.admin.v1.CreateServiceAccountKey"),
        ("Kubernetes audit", "create pods"),
        ("Defender", "DeviceProcessEvents"),
    ] {
        assert!(find(&entries, provider, id).title.is_some(), "{provider} {id}");
    }
    let created = find(&entries, "CloudTrail", "CreateUser");
    assert!(created.categories.len() > 5 && created.description.is_none() && created.sample.is_some(), "{created:?}");
    for (provider, id, expected) in [
        ("Security-Auditing", "4688", "A new process has been created."),
        ("Security-Auditing", "5157", "The Windows Filtering Platform has blocked a connection."),
        ("Eventlog", "1102", "The audit log was cleared."),
        ("PowerShell", "4103", "Payload Context: ContextInfo User Data: UserData."),
        ("Sysmon", "12", "RegistryEvent (Object create and delete)"),
        ("Service Control Manager", "7045", "A service was installed in the system."),
    ] {
        assert_eq!(title(find(&entries, provider, id)).0, expected, "{provider} {id}");
    }
    let query = title(find(&entries, "DNS-Client", "3008")).0;
    assert!(query.starts_with("DNS query is completed for the name QueryName, type QueryType, "), "{query}");
    let created = find(&entries, "Security-Auditing", "4688");
    assert_eq!(created.audit[0].text, "Audit Process Creation");
    assert!(created.volume.as_ref().unwrap().text.starts_with("Medium to High"));
    let command_line = created.fields.iter().find(|field| field.name == "CommandLine").unwrap();
    assert!(command_line.description.is_some(), "{command_line:?}");
    assert!(created.example.is_some());
    assert!(entries.len() > 32_000, "{}", entries.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_dictionary_is_too_odd(text in "\\PC{0,200}", which in 0_usize..14) {
        let names = [
            "all-etw-events.jsonl", "observed_events.jsonl", "x/events/a.yml", "a.map", "event-1.md", "audit-a.md",
            "channel_eid_info.txt", "messages.tsv", "manifest.xml", "WindowsEventIDMapping.json", "message-dictionary.csv",
            "es_event_types.csv", "aws-cloudtrail.csv", "samples.jsonl",
        ];
        let heads = ["", "title: ", "provider\tevent_id\tmessage\nP\t1\t", "{\"a\":", "<event value='1'><data name='", "***Event XML:***```xml\n",
            "provider,event,fields\nP,1,"];
        for head in heads {
            let files = [SourceFile::from_bytes(names[which], format!("{head}{text}").into_bytes())];
            let _ = events::load(&files, &[], &short);
        }
    }
}
