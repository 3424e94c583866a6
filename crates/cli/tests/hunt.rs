//! `hunt`: rules on logs, from files to what is written.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Place, rule};

const PROBE: &str = "00000000-0000-4000-8000-000000000001";
const LOGON: &str = "00000000-0000-4000-8000-000000000002";
const LINUX: &str = "00000000-0000-4000-8000-000000000003";
const BURST: &str = "00000000-0000-4000-8000-000000000004";

fn place() -> Place {
    let probe = "selection:\n  Image|endswith: '\\probe.exe'\nfilter:\n  CommandLine|contains: harmless\ncondition: selection and not filter";
    let logon = "selection:\n  EventID: 4625\ncondition: selection";
    let linux = "selection:\n  Image|endswith: 'probe.exe'\ncondition: selection";
    let base = rule(LOGON, &["attack.t1105"], "stable", logon)
        .replace("product: windows\n  category: process_creation", "product: windows\n  service: security")
        .replace("title:", "name: failed_logon\ntitle:");
    let burst = format!(
        "{base}\n---\ntitle: Burst of failed logons\nid: {BURST}\nstatus: stable\nlevel: high\ntags: [attack.t1105]\ncorrelation:\n  type: event_count\n  \
         rules: [failed_logon]\n  group-by: [TargetUserName]\n  timespan: 5m\n  condition:\n    gte: 3\n  generate: true\n"
    );
    let place = Place::with(&[
        ("probe.yml", &rule(PROBE, &["attack.t1059.003"], "stable", probe)),
        ("linux.yml", &rule(LINUX, &["attack.t1105"], "stable", linux).replace("product: windows", "product: linux")),
        ("burst.yml", &burst),
    ]);
    place.build().ends(0);
    let sysmon = |second: u32, line: &str| {
        json!({"EventID": 1, "SourceName": "Microsoft-Windows-Sysmon", "Channel": "Microsoft-Windows-Sysmon/Operational", "Hostname": "host1",
            "EventTime": format!("2026-01-02 03:04:{second:02}"), "Image": r"C:\Tools\probe.exe", "CommandLine": line, "User": r"LAB\ada"})
    };
    let logon = |minute: u32, user: &str| {
        json!({"EventID": 4625, "SourceName": "Microsoft-Windows-Security-Auditing", "Channel": "Security", "Hostname": "host2",
            "EventTime": format!("2026-01-02 04:{minute:02}:00"), "TargetUserName": user})
    };
    let lines = |records: &[Value]| records.iter().map(|record| format!("{record}\n")).collect::<String>();
    place.write(
        "logs/a.jsonl",
        lines(&[
            sysmon(5, "probe /a"),
            sysmon(3, "probe harmless"),
            json!({"strange": 1}),
            sysmon(1, "probe \u{1b}[31m/b"),
        ]),
    );
    // The files are not in the order of time.
    place.write("logs/b.jsonl", lines(&[logon(9, "ada"), logon(1, "bob"), logon(30, "ada")]));
    place.write("logs/c.jsonl", lines(&[logon(7, "ada"), logon(8, "ADA")]));
    place
}

fn rule_of<'r>(report: &'r Value, id: &str) -> &'r Value {
    let id = format!("sigma/{id}");
    report["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == id.as_str()).unwrap_or(&Value::Null)
}

#[test]
fn hits_and_counts_are_reported() {
    let place = place();
    let report = place.run(&["hunt", "logs", "--json"]).ends(0).json();
    assert_eq!(report["events"], json!({"read": 9, "asked": 8, "unknown_shape": 1}));
    let probe = rule_of(&report, PROBE);
    assert_eq!([&probe["asked"], &probe["hits"], &probe["unknown"]], [&json!(3), &json!(2), &json!(0)]);
    assert_eq!([&probe["first"], &probe["last"]], [&json!("2026-01-02T03:04:01Z"), &json!("2026-01-02T03:04:05Z")]);
    assert_eq!(probe["hosts"], json!(["host1"]));
    assert_eq!(*rule_of(&report, LINUX), Value::Null, "no event of Linux is there");
    assert_eq!(rule_of(&report, LOGON)["hits"], 5);
    assert_eq!(rule_of(&report, BURST)["hits"], 1);
    let exclusion = &report["exclusions"][0];
    assert_eq!(
        [&exclusion["value"], &exclusion["events"], &exclusion["removed"]],
        [&json!("harmless"), &json!(1), &json!(1)]
    );
    let indicator = &report["indicators"].as_array().unwrap().iter().find(|row| row["value"] == "probe.exe").unwrap();
    assert_eq!(
        [&indicator["field"], &indicator["op"], &indicator["events"]],
        [&json!("Image"), &json!("basename"), &json!(3)]
    );
    let text = place.run(&["hunt", "logs"]).ends(0).out;
    assert!(text.contains("Rules with hits") && text.contains("Burst of failed logons"), "{text}");
    let by_technique = place.run(&["hunt", "logs", "--by", "technique"]).ends(0).out;
    assert!(by_technique.contains("T1059.003"), "{by_technique}");
}

#[test]
fn a_rule_over_several_events_names_them() {
    let place = place();
    place.run(&["hunt", "logs", "--jsonl", "hits.jsonl", "--rule", &format!("sigma/{BURST}")]).ends(0);
    let text = fs::read_to_string(place.path("hits.jsonl")).unwrap();
    let hit: Value = serde_json::from_str(text.trim()).unwrap();
    let file = |name: &str, record: u64| json!({"file": format!("logs/{name}.jsonl"), "record": record});
    assert_eq!(hit["events"], json!([file("c", 1), file("c", 2), file("b", 1)]));
    assert_eq!([&hit["count"], &hit["record"], &hit["time"]], [&json!(3), &json!(1), &json!("2026-01-02T04:09:00Z")]);
}

#[test]
fn what_is_written_is_the_same_with_any_number_of_threads() {
    let place = place();
    let many: String = (0..40).map(|_| fs::read_to_string(place.path("logs/a.jsonl")).unwrap()).collect();
    place.write("logs/d.jsonl", many);
    let written = |threads: &str| {
        let said = place
            .run(&[
                "hunt",
                "logs",
                "--json",
                "--threads",
                threads,
                "--jsonl",
                "hits.jsonl",
                "--csv",
                "hits.csv",
                "--layer",
                "layer.json",
            ])
            .ends(0);
        let read = |name: &str| fs::read(place.path(name)).unwrap();
        (said.out, read("hits.jsonl"), read("hits.csv"), read("layer.json"))
    };
    let one = written("1");
    assert_eq!(one, written("2"));
    assert_eq!(one, written("5"));
    let layer: Value = serde_json::from_slice(&one.3).unwrap();
    assert!(layer["techniques"].as_array().unwrap().iter().any(|row| row["techniqueID"] == "T1059.003"), "{layer}");
    assert!(String::from_utf8(one.2).unwrap().starts_with("id,vendor,title,severity,"), "a header comes first");
}

/// The hits of every rule.
fn hits(report: &Value) -> Vec<(&str, &Value)> {
    let rules = report["rules"].as_array().unwrap().iter();
    rules.map(|rule| (rule["id"].as_str().unwrap(), &rule["hits"])).collect()
}

#[test]
fn canonical_events_are_hunted_in_as_their_records_are() {
    let place = place();
    place.run(&["logs", "logs", "--jsonl", "events.jsonl"]).ends(0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(place.path("events.jsonl")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let (records, events) = (place.run(&["hunt", "logs", "--json"]), place.run(&["hunt", "events.jsonl", "--json"]));
    let (records, events) = (records.ends(0).json(), events.ends(0).json());
    assert_eq!(hits(&events), hits(&records));
    assert_eq!([&events["events"]["read"], &events["exclusions"]], [&json!(9), &records["exclusions"]]);
}

#[test]
fn a_rule_for_mail_is_asked_about_messages_which_have_no_id() {
    let place = place();
    let source = "type.inbound and any(attachments, .file_extension == \"pdf\") and strings.icontains(subject.subject, \"INVOICE\")";
    place.write("mail.yml", format!("name: Document attached\nid: m1\ntype: rule\nsource: |\n  {source}\n"));
    let message = |subject: &str, ending: &str| {
        let attachment = json!({"file_name": "a", "file_extension": ending});
        json!({"type": {"inbound": true}, "sender": {"email": {"email": "ada@example.org"}}, "headers": {"date": "2026-01-01T00:00:00Z"},
            "subject": {"subject": subject}, "attachments": [attachment]})
    };
    let messages = [message("An invoice", "pdf"), message("An invoice", "txt"), message("Minutes", "pdf")];
    place.write("mail.jsonl", messages.iter().map(|message| format!("{message}\n")).collect::<String>());
    let report = place.run(&["hunt", "mail.jsonl", "logs", "--rule", "mail.yml", "--json"]).ends(0).json();
    let rule = &report["rules"][0];
    assert_eq!([&rule["id"], &rule["asked"], &rule["hits"]], [&json!("sublime/m1"), &json!(3), &json!(1)]);
}

#[cfg(feature = "parquet")]
#[test]
fn a_table_of_events_is_hunted_in_as_its_records_are() {
    let place = place();
    place.run(&["logs", "logs", "--parquet", "events.parquet"]).ends(0);
    let (records, events) = (place.run(&["hunt", "logs", "--json"]), place.run(&["hunt", "events.parquet", "--json"]));
    assert_eq!(hits(&events.ends(0).json()), hits(&records.ends(0).json()));
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_that_does_not_write_parquet_says_so() {
    let place = place();
    place
        .run(&["logs", "logs", "--parquet", "events.parquet"])
        .ends(2)
        .says(&["does not write Parquet", "--features parquet"]);
    assert!(!place.path("events.parquet").exists(), "nothing is written");
}

#[test]
fn hits_are_saved_for_their_owner_alone() {
    let place = place();
    place.run(&["hunt", "logs", "--save", "hits.db"]).ends(0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(place.path("hits.db")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let connection = rusqlite::Connection::open(place.path("hits.db")).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("SELECT count(*) FROM hit"), 8);
    assert_eq!(number("SELECT count(*) FROM hit_event"), 3);
    assert_eq!(number("SELECT removed FROM exclusion"), 1);
    let schema: String =
        connection.query_row("SELECT value FROM meta WHERE key = 'schema'", [], |row| row.get(0)).unwrap();
    assert_eq!(schema, "2");
    // Again, in its place; and nothing else is replaced.
    place.run(&["hunt", "logs", "--save", "hits.db"]).ends(0);
    place.run(&["hunt", "logs", "--save", "catalog.db"]).ends(1).says(&["not a file of hits"]);
}

#[test]
fn fields_are_left_out_where_asked() {
    let place = place();
    place.run(&["hunt", "logs", "--jsonl", "hits.jsonl", "--redact", "CommandLine", "--redact", "computer"]).ends(0);
    let text = fs::read_to_string(place.path("hits.jsonl")).unwrap();
    assert!(!text.contains("probe /a") && !text.contains("host1") && text.contains("probe.exe"), "{text}");
    place.run(&["hunt", "logs", "--jsonl", "hits.jsonl", "--no-events"]).ends(0);
    assert!(!fs::read_to_string(place.path("hits.jsonl")).unwrap().contains("\"event\":"), "events are left out");
    place.run(&["hunt", "logs", "--redact", "NoSuchField"]).ends(2).says(&["no canonical field `NoSuchField`"]);
}

#[test]
fn rules_are_chosen() {
    let place = place();
    let hits = |arguments: &[&str]| {
        let report = place.run(&[&["hunt", "logs", "--json"], arguments].concat()).ends(0).json();
        report["rules"].as_array().unwrap().iter().filter(|rule| rule["hits"] != 0).count()
    };
    assert_eq!(hits(&[]), 3);
    assert_eq!(hits(&["--technique", "T1059"]), 1);
    assert_eq!(hits(&["--rule", &format!("sigma/{PROBE}")]), 1);
    assert_eq!(hits(&["--rule", "sigma/probe.yml"]), 1);
    assert_eq!(hits(&["--any-source"]), 4);
    assert_eq!(hits(&["--raw"]), 4);
    place.run(&["hunt", "logs", "--rule", "sigma/none"]).ends(2).says(&["no rule or file `sigma/none`"]);
    place.run(&["hunt", "logs", "--vendor", "elastic"]).ends(1).says(&["no rule is left"]);
    place.run(&["hunt", "nowhere"]).ends(1).says(&["nowhere"]);
    place.run(&["hunt", "logs", "--shape", "none"]).ends(2).says(&["no shape `none`"]);
}

#[test]
fn what_could_change_a_terminal_is_not_written_to_one() {
    let place = place();
    let said = place.coloured(&["hunt", "logs", "--limit", "50"]).ends(0);
    assert!(!said.out.contains("\u{1b}[31m"), "{}", said.out);
}

#[test]
fn what_cannot_be_read_is_said_and_everything_else_is_hunted_in() {
    let place = place();
    let line = fs::read_to_string(place.path("logs/a.jsonl")).unwrap();
    let line = line.lines().next().unwrap();
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, format!("{line}\n").repeat(2_000).as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    place.write("odd/cut.jsonl.gz", &gzip[..gzip.len() - 20]);
    place.write("odd/damaged.evtx", [b"ElfFile\0".as_slice(), &[7; 9_000]].concat());
    let mut wide: Value = serde_json::from_str(line).unwrap();
    for field in 0..100_000 {
        wide[format!("field{field}")] = field.into();
    }
    // The clock is not set, goes far ahead, and comes back.
    let at = |time: &str| line.replace("2026-01-02 03:04:05", time);
    let times = ["2026-01-02 03:04:05", "1969-01-01 00:00:00", "9999-01-01 00:00:00", "not a time"].map(at).join("\n");
    place.write("odd/wide.jsonl", format!("{wide}\n{times}\n{line}"));
    let said = place
        .run(&["hunt", "odd", "--json"])
        .ends(0)
        .says(&["cut.jsonl.gz", "damaged.evtx: the file ends in the middle of a chunk"]);
    let report = said.json();
    let probe = rule_of(&report, PROBE);
    let of_file = |name: &str| {
        let files = report["files"].as_array().unwrap();
        files.iter().find(|row| row["file"] == format!("odd/{name}").as_str()).map(|row| row["read"].as_u64().unwrap())
    };
    assert_eq!(of_file("wide.jsonl"), Some(6));
    let of_cut = of_file("cut.jsonl.gz").unwrap();
    assert!(of_cut > 1_000 && of_cut < 2_000, "{of_cut}");
    assert_eq!(probe["hits"], of_cut + 6);
    assert_eq!([&probe["first"], &probe["last"]], [&json!("2026-01-02T03:04:05Z"), &json!("9999-01-01T00:00:00Z")]);
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_ends_a_hunt_however_much_is_left_to_read() {
    let place = place();
    let lines = fs::read_to_string(place.path("logs/a.jsonl")).unwrap().repeat(5_000);
    place.write("many.jsonl", lines);
    place
        .run(&["hunt", "many.jsonl", "--jsonl", "/dev/full", "--threads", "2"])
        .ends(1)
        .says(&["/dev/full cannot be written: No space left on device"]);
    // Nobody may read what is said.
    for call in [&["hunt", "logs"] as &[&str], &["logs", "odd.json"], &["doctor"]] {
        place.write("odd.json", "{}\nnone");
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = place.command(call);
        command.args(if call[0] == "logs" { &[] as &[&str] } else { &["--db", "catalog.db"] });
        let status = command.stdout(std::process::Stdio::null()).stderr(full).status().unwrap();
        assert_eq!(status.code(), Some(0), "{call:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_hunt_in_standard_input_that_cannot_write_does_not_wait_for_more_of_it() {
    let place = place();
    let lines = fs::read_to_string(place.path("logs/a.jsonl")).unwrap().repeat(5_000);
    let mut command = place.command(&["hunt", "-", "--jsonl", "/dev/full", "--db", "catalog.db"]);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped());
    let mut hunt = command.spawn().unwrap();
    // It stays open: whoever writes it is not done.
    let mut input = hunt.stdin.take().unwrap();
    let _ = std::io::Write::write_all(&mut input, lines.as_bytes());
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(hunt.wait_with_output()));
    let output = ended.recv_timeout(std::time::Duration::from_secs(300)).expect("the hunt waits for input").unwrap();
    drop(input);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("/dev/full cannot be written: No space left on device"), "{said}");
}

#[test]
fn every_file_with_something_unreadable_is_named() {
    let place = place();
    for number in 0..30 {
        place.write(&format!("many/{number:02}.json"), format!("{{}}\n{}", "none\n".repeat(number)));
    }
    place.write("many/empty.json", "");
    let of_call = |call: &[&str]| {
        let said = place.run(call).ends(0);
        for number in 1..30 {
            let of_file = said.err.lines().filter(|line| line.starts_with(&format!("many/{number:02}.json"))).count();
            assert!((1..=6).contains(&of_file), "{number}: {}", said.err);
        }
        said.json()["files"].as_array().unwrap().clone()
    };
    let logs = of_call(&["logs", "many", "--json"]);
    assert_eq!(logs.len(), 31);
    assert!(logs[..30].iter().all(|row| row["records"] == 1), "{logs:?}");
    assert_eq!(logs[30], json!({"file": "many/empty.json", "records": 0, "problems": 0}));
    let hunt = of_call(&["hunt", "many", "--json", "--save", "hits.db"]);
    assert_eq!(hunt.len(), 31);
    for (one, other) in logs.iter().zip(&hunt) {
        assert_eq!((&one["file"], &one["problems"]), (&other["file"], &other["problems"]));
    }
    assert!(logs[0]["problems"] == 0 && logs[1..30].iter().all(|row| row["problems"].as_u64() > Some(0)), "{logs:?}");
    let saved = rusqlite::Connection::open(place.path("hits.db")).unwrap();
    let count = |sql: &str| saved.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM file"), 31);
    let problems: u64 = hunt.iter().map(|row| row["problems"].as_u64().unwrap()).sum();
    assert_eq!(u64::from(count("SELECT sum(problems) FROM file")), problems);
}

#[test]
fn a_file_without_a_record_is_named() {
    let place = place();
    place.write("empty.json", "");
    place.write("blank.json", " \n");
    for command in ["logs", "hunt"] {
        place
            .run(&[command, "empty.json", "blank.json"])
            .ends(1)
            .says(&["empty.json: the file is empty", "blank.json: there is no record in it"]);
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_reading_and_what_was_found_is_written() {
    use std::{
        io::{Read as _, Write as _},
        process::{Command, Stdio},
    };
    let place = place();
    let lines = fs::read_to_string(place.path("logs/a.jsonl")).unwrap().repeat(50);
    let mut command = place.command(&["hunt", "-", "--jsonl", "hits.jsonl", "--db", "catalog.db"]);
    let mut hunt = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = hunt.stdin.take().unwrap();
    let begun = std::time::Instant::now();
    let mut is_sent = false;
    // Whoever writes to a program that has ended gets an error.
    while input.write_all(lines.as_bytes()).is_ok() {
        assert!(begun.elapsed().as_secs() < 100, "it goes on reading");
        let is_written = fs::metadata(place.path("hits.jsonl")).is_ok_and(|data| data.len() > 0);
        if is_written && !is_sent {
            is_sent = true;
            assert!(Command::new("kill").args(["-INT", &hunt.id().to_string()]).status().unwrap().success());
        }
    }
    drop(input);
    let (mut out, mut said) = (String::new(), String::new());
    hunt.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    hunt.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(hunt.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("ended early") && out.contains("Rules with hits"), "{said}{out}");
    let hits = fs::read_to_string(place.path("hits.jsonl")).unwrap();
    assert!(hits.ends_with('\n') && hits.lines().all(|hit| serde_json::from_str::<Value>(hit).is_ok()));
}
