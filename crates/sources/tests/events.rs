//! Event dictionaries: what is read of them, and whose word counts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

use std::path::PathBuf;

use proptest::prelude::*;
use ruleatlas_model::{Dictionary, EventEntry, EventRef};
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
    assert!(said.is_empty(), "{said:?}");
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
    fn no_dictionary_is_too_odd(text in "\\PC{0,200}", which in 0_usize..12) {
        let names = [
            "all-etw-events.jsonl", "observed_events.jsonl", "x/events/a.yml", "a.map", "event-1.md", "audit-a.md",
            "channel_eid_info.txt", "messages.tsv", "manifest.xml", "WindowsEventIDMapping.json", "message-dictionary.csv",
            "es_event_types.csv",
        ];
        let heads = ["", "title: ", "provider\tevent_id\tmessage\nP\t1\t", "{\"a\":", "<event value='1'><data name='", "***Event XML:***```xml\n"];
        for head in heads {
            let files = [SourceFile::from_bytes(names[which], format!("{head}{text}").into_bytes())];
            let _ = events::load(&files, &[], &short);
        }
    }
}
