//! Sources that give nothing, and places that hold something else: no good catalog and no other file is lost.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod support;

use std::{
    fs,
    io::Read as _,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;
use support::{Place, Said, rule, source};

fn simple(n: usize) -> String {
    let detection = format!("selection:\n  CommandLine|contains: value{n}\ncondition: selection");
    rule(&format!("3f6a3f4e-0000-4000-8000-0000000001{n:02}"), &["attack.t1059"], "test", &detection)
}

/// A place with so many rules, not built.
fn place(rules: usize) -> Place {
    let place = Place::with(&[]);
    for n in 0..rules {
        place.write(&format!("sigma/{n}.yml"), simple(n));
    }
    place
}

/// That a build stops, says all of `parts`, and leaves the catalog as it was; and that the loss can be accepted.
#[track_caller]
fn stops(place: &Place, arguments: &[&str], parts: &[&str]) {
    let before = place.bytes();
    let call = [&["build"], arguments].concat();
    place.run(&call).ends(1).says(parts).says(&["catalog.db", "--accept-loss"]);
    assert!(before == place.bytes(), "the catalog is unchanged");
    place.run(&[&call[..], &["--accept-loss"]].concat()).ends(0).says(parts);
    assert!(before != place.bytes());
}

#[test]
fn a_first_build_whose_source_gives_nothing_warns() {
    let place = Place::new();
    place.write("rules/one.kql", "SigninLogs | where ResultType == 0");
    place.write("rules/two.yml", "title: two\ndetection: [\n");
    place.write("rules/LICENSE", "text");
    let call = ["build", "--source", "sigma=rules"];
    let parts = [
        "warning: SigmaHQ (sigma) gives no rules: 3 files",
        "2 of its files look like queries",
        "neither YAML nor JSON (one.kql)",
        "(two.yml)",
    ];
    place.run(&call).ends(0).says(&parts);
    assert_eq!(place.export("rules").len(), 0);
    place.run(&[&call[..], &["--strict"]].concat()).ends(1).says(&[
        "nothing changed",
        "gives no rules",
        "ruleatlas: strict: ",
    ]);
    let ledger = place.json(&["doctor"]);
    assert_eq!(ledger["sources"][0]["unread_queries"], 2);
    let unread = ledger["unread_queries"].as_array().unwrap();
    assert_eq!(unread.iter().map(|file| file["path"].clone()).collect::<Vec<_>>(), ["one.kql", "two.yml"]);
    let text = place.run(&["doctor"]).ends(0).out;
    assert!(text.contains("Files that look like queries and were not read"), "{text}");

    fs::create_dir(place.path("void")).unwrap();
    for kind in [
        "sigma",
        "elastic",
        "splunk",
        "kusto",
        "panther",
        "falco",
        "sublime",
        "logscale",
        "wazuh",
        "yaral",
        "anvilogic",
        "attack",
        "events",
        "atomic",
        "car",
        "d3fend",
    ] {
        let call = ["build", "--source", &format!("{kind}=void"), "--db", "void.db"];
        place.plain(&call).ends(0).says(&["warning: ", kind, "the folder is empty"]);
        let strict = [&call[..], &["--strict"]].concat();
        let error = "ruleatlas: strict: 1 source gives nothing; the catalog is written";
        place.plain(&strict).ends(1).says(&["nothing changed", error]);
        fs::remove_file(place.path("void.db")).unwrap();
        place.plain(&strict).ends(1).says(&["the folder is empty", error]);
        fs::remove_file(place.path("void.db")).unwrap();
    }
}

#[test]
fn a_source_that_lost_its_rules_stops_the_build() {
    let place = place(5);
    place.build().ends(0);
    fs::create_dir(place.path("void")).unwrap();
    let parts = ["SigmaHQ (sigma) gives 0 rules, and the catalog has 5 from it"];
    stops(&place, &["--source", "sigma=void", "--source", "attack=attack"], &parts);
    // What was accepted is the new state.
    place.run(&["build", "--source", "sigma=void", "--source", "attack=attack"]).ends(0);
}

#[test]
fn less_than_half_is_a_loss_and_half_is_none() {
    let place = place(6);
    place.build().ends(0);
    for n in 3..6 {
        fs::remove_file(place.path(&format!("sigma/{n}.yml"))).unwrap();
    }
    place.build().ends(0);
    assert_eq!(place.export("rules").len(), 3);
    for n in 1..3 {
        fs::write(place.path(&format!("sigma/{n}.yml")), "- 1\n").unwrap();
    }
    let parts = ["SigmaHQ (sigma) gives 1 rules, and the catalog has 3 from it"];
    stops(&place, &["--source", "sigma=sigma", "--source", "attack=attack"], &parts);
}

#[test]
fn sources_without_rules_can_be_lost_too() {
    let place = place(1);
    place.write("events/config/channel_eid_info.txt", "Channel,EventID,EventTitle\nSecurity,4624,Logon\n");
    place.write(
        "atomic/atomics/T1059/T1059.yaml",
        "attack_technique: T1059\natomic_tests:\n- name: One\n  auto_generated_guid: 5b6a3f4e-0000-4000-8000-000000000001\n  \
         supported_platforms: [windows]\n  executor: {name: sh, command: id}\n",
    );
    let build = |attack: &str, events: &str, atomic: &str| {
        let sources = [("attack", attack), ("events", events), ("atomic", atomic), ("sigma", "sigma")];
        sources
            .iter()
            .flat_map(|(kind, path)| ["--source".to_owned(), source(kind, Path::new(path))])
            .collect::<Vec<_>>()
    };
    let run = |arguments: &[String], more: &[&str]| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        place.run(&[&["build"], &arguments[..], more].concat())
    };
    let whole = build("attack", "events", "atomic");
    let said = run(&whole, &[]).ends(0);
    assert!(!said.err.contains("warning"), "{}", said.err);
    fs::create_dir(place.path("void")).unwrap();
    place.write("torn/enterprise-attack.json", "{\"type\": \"bundle\",\n\"objects\": [");
    for (lacking, parts) in [
        (build("void", "events", "atomic"), &["ATTACK (attack) gives 0 techniques, and the catalog has 6"] as &[&str]),
        (build("torn", "events", "atomic"), &["ATTACK (attack) gives 0 techniques, and the catalog has 6", "line 2"]),
        (build("attack", "void", "atomic"), &["events (events) gives 0 statements on events, and the catalog has 1"]),
        (build("attack", "events", "void"), &["Atomic-Red-Team (atomic) gives 0 controls, and the catalog has 1"]),
    ] {
        let before = place.bytes();
        run(&lacking, &[]).ends(1).says(parts);
        assert!(before == place.bytes());
        run(&lacking, &["--accept-loss"]).ends(0).says(parts);
        run(&whole, &[]).ends(0);
    }
    // What is named no more is said, and no loss: its user left it out.
    place
        .run(&["build", "--source", "sigma=sigma"])
        .ends(0)
        .says(&["ATTACK (attack) is not among the sources any more"]);
}

#[test]
fn what_is_no_folder_of_rules_is_refused() {
    let place = place(1);
    place.build().ends(0);
    let before = place.bytes();
    place.write("rules.zip", b"PK\x03\x04\x14\0\0\0\x08\0rest of an archive");
    place.write("rules.tgz", b"\x1f\x8b\x08\0\0\0\0\0");
    let made = Command::new("mkfifo").arg(place.path("pipe")).status().unwrap();
    assert!(made.success());
    symlink("/dev/zero", place.path("link")).unwrap();
    for (path, why) in [
        ("rules.zip", "a zip archive; unpack it"),
        ("rules.tgz", "a gzip archive; unpack it"),
        ("/dev/zero", "neither a folder nor a regular file"),
        ("pipe", "neither a folder nor a regular file"),
        ("link", "neither a folder nor a regular file"),
    ] {
        for kind in ["sigma", "kusto", "attack", "events", "car"] {
            place.run(&["build", "--source", &format!("{kind}={path}")]).ends(1).says(&[path, why]);
        }
    }
    assert!(before == place.bytes());
    // Among other files an archive is one that cannot be read.
    fs::copy(place.path("rules.zip"), place.path("sigma/more.yml")).unwrap();
    place.build().ends(0).says(&["SigmaHQ/more.yml: unreadable: a zip archive"]);
}

#[test]
fn only_a_catalog_is_replaced() {
    let place = place(1);
    place.write("notes.txt", "what to buy");
    rusqlite::Connection::open(place.path("other.db"))
        .unwrap()
        .execute_batch("CREATE TABLE meta (key, value)")
        .unwrap();
    for name in ["notes.txt", "other.db"] {
        let before = fs::read(place.path(name)).unwrap();
        for call in [
            &["build", "--source", "sigma=sigma"] as &[&str],
            &["build", "--demo"],
            &["build", "--demo", "--accept-loss"],
        ] {
            place.plain(&[call, &["--db", name]].concat()).ends(1).says(&[name, "not a catalog", "name another file"]);
        }
        assert!(before == fs::read(place.path(name)).unwrap());
    }
    place.plain(&["build", "--demo", "--db", "/dev/null"]).ends(1).says(&["/dev/null"]);
    fs::File::create(place.path("empty.db")).unwrap();
    place.plain(&["build", "--source", "sigma=sigma", "--db", "empty.db"]).ends(0);
    // One of an earlier version of the tables, which had no mark in its header.
    let former = "PRAGMA application_id = 0; UPDATE meta SET value = '3' WHERE key = 'schema'";
    rusqlite::Connection::open(place.path("empty.db")).unwrap().execute_batch(former).unwrap();
    place.plain(&["doctor", "--db", "empty.db"]).ends(1).says(&["version 3"]);
    place.plain(&["build", "--source", "sigma=sigma", "--db", "empty.db"]).ends(0);
    place.plain(&["doctor", "--db", "empty.db"]).ends(0);
    assert_eq!(place.leftovers(), [""; 0]);
}

#[test]
fn a_symbolic_link_stays_one() {
    let place = place(1);
    fs::create_dir(place.path("data")).unwrap();
    symlink("data/real.db", place.path("inner.db")).unwrap();
    symlink(place.path("inner.db"), place.path("catalog.db")).unwrap();
    // Where it leads there is nothing yet.
    place.build().ends(0);
    place.write("sigma/2.yml", simple(2));
    place.build().ends(0);
    for link in ["catalog.db", "inner.db"] {
        assert!(fs::symlink_metadata(place.path(link)).unwrap().is_symlink());
    }
    assert!(fs::symlink_metadata(place.path("data/real.db")).unwrap().is_file());
    assert_eq!(place.export("rules").len(), 2);
    assert_eq!(fs::read_dir(place.path("data")).unwrap().count(), 1, "nothing is left beside it");
    symlink("loop.db", place.path("loop.db")).unwrap();
    place.plain(&["build", "--demo", "--db", "loop.db"]).ends(1).says(&["loop.db", "symbolic links"]);
}

#[test]
fn what_a_killed_build_left_is_removed() {
    let place = place(1);
    place.write(".ruleatlas-abc123.db", "half of a catalog");
    let held = fs::File::create(place.path(".ruleatlas-held.db")).unwrap();
    held.lock().unwrap();
    place.build().ends(0);
    assert_eq!(place.leftovers(), [".ruleatlas-held.db"], "what a running build holds stays");
    drop(held);
    place.write("sigma/2.yml", simple(2));
    place.build().ends(0);
    assert_eq!(place.leftovers(), [""; 0]);
}

/// Runs a build of many rules and sends it a signal as soon as it writes; gives its status, and what it said.
fn signalled(place: &Place, signal: &str) -> Option<(std::process::ExitStatus, String)> {
    let mut build = place.command(&["build", "--source", "sigma=sigma", "--db", "catalog.db"]);
    let mut build = build.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    while place.leftovers().is_empty() {
        if build.try_wait().unwrap().is_some() {
            return None;
        }
        std::thread::yield_now();
    }
    let sent = Command::new("kill").args([format!("-{signal}"), build.id().to_string()]).status().unwrap();
    let status = build.wait().unwrap();
    let mut said = String::new();
    build.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (sent.success() && !status.success()).then_some((status, said))
}

#[test]
fn a_signal_ends_a_build_without_a_trace() {
    let place = place(1);
    place.build().ends(0);
    let before = place.bytes();
    let value = "x".repeat(2_000);
    for n in 0..1_500 {
        let detection = format!("selection:\n  CommandLine|contains: {value}{n}\ncondition: selection");
        place.write(&format!("sigma/many{n}.yml"), rule(&format!("many{n}"), &[], "test", &detection));
    }
    for (signal, status, name) in [("INT", 130, "SIGINT"), ("TERM", 143, "SIGTERM")] {
        // A build that was done before the signal came says nothing of this.
        let found = (0..20).find_map(|_| {
            place.write("catalog.db", &before);
            signalled(&place, signal)
        });
        let (ended, said) = found.expect("a build that is slower than a signal");
        assert_eq!(ended.code(), Some(status), "{said}");
        assert!(said.contains(name), "{said}");
        assert_eq!(place.leftovers(), [""; 0]);
        assert!(before == place.bytes());
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_told() {
    let place = place(1);
    place.build().ends(0);
    let before = place.bytes();
    let long = format!("{}description: {}\n", simple(2), "many words ".repeat(60_000));
    place.write("sigma/long.yml", long.replacen("description: A rule of the tests.\n", "", 1));
    let build = place.command(&["build", "--source", "sigma=sigma", "--db", "catalog.db"]);
    let program = build.get_program().to_str().unwrap().to_owned();
    let arguments: Vec<&str> = build.get_args().map(|argument| argument.to_str().unwrap()).collect();
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -f 200; exec '{program}' {}", arguments.join(" "))]);
    limited.current_dir(place.path(""));
    let output = limited.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("catalog.db") && said.contains("ulimit -f"), "{said}");
    assert_eq!(place.leftovers(), [""; 0]);
    assert!(before == place.bytes());
}

#[test]
fn duplicate_ids_and_keys_are_told() {
    let place = place(2);
    place.write("sigma/again.yml", simple(1));
    place.write("sigma/keys.yml", simple(3).replace("level: high\n", "level: high\nlevel: low\n"));
    let splunk = "name: one\nname: two\nid: 9a8a3f4e-0000-4000-8000-000000000001\ntype: TTP\nsearch: index=a b=1\n";
    place.write("splunk/detections/keys.yml", splunk);
    let kusto = "id: 9a8a3f4e-0000-4000-8000-000000000002\nname: one\nname: two\nquery: SigninLogs | where a == 1\n";
    place.write("kusto/Detections/keys.yaml", kusto);
    let panther = "AnalysisType: rule\nRuleID: Keys\nSeverity: Low\nSeverity: High\nLogTypes: [Okta.SystemLog]\n\
                   Detection: [{Key: a, Condition: Equals, Value: b}]\n";
    place.write("panther/rules/keys.yml", panther);
    place.write("sublime/keys.yml", "name: one\nname: two\ntype: rule\nsource: a == 1\n");
    let call: Vec<String> = ["sigma", "splunk", "kusto", "panther", "sublime"]
        .iter()
        .flat_map(|kind| ["--source".to_owned(), format!("{kind}={kind}")])
        .collect();
    let call: Vec<&str> = std::iter::once("build").chain(call.iter().map(String::as_str)).collect();
    let told = |said: &Said| {
        assert!(said.err.contains("another rule has the id"), "{}", said.err);
        for path in [
            "SigmaHQ/keys.yml:",
            "Splunk/detections/keys.yml:",
            "Kusto/Detections/keys.yaml:",
            "Panther/rules/keys.yml:",
            "Sublime/keys.yml:",
        ] {
            assert!(said.err.contains(path), "{path} is not in {}", said.err);
        }
    };
    told(&place.run(&call).ends(0));
    let ledger = place.json(&["doctor"]);
    let phrases: Vec<_> =
        ledger["contradictions"].as_array().unwrap().iter().map(|one| one["phrase"].clone()).collect();
    assert_eq!(phrases.iter().filter(|phrase| **phrase == json!("duplicate key")).count(), 5, "{phrases:?}");
    assert_eq!(phrases.iter().filter(|phrase| **phrase == json!("duplicate id")).count(), 1, "{phrases:?}");
    let text = place.run(&["doctor"]).ends(0).out;
    assert!(text.contains("Duplicate ids and keys") && text.contains("another rule has the id"), "{text}");
}
