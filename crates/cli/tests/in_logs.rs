//! What hunts found, on the pages and in the answers of the server.

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
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use support::{Place, rule, served::Served};

const PROBE: &str = "00000000-0000-4000-8000-000000000001";
const LINUX: &str = "00000000-0000-4000-8000-000000000002";
const LIKE: &str = "00000000-0000-4000-8000-000000000003";

const HOSTILE: &str = "probe <script>alert(1)</script> \u{202e} \u{1b}[31m \"><img src=x>";

fn place() -> Place {
    let probe = "selection:\n  Image|endswith: '\\probe.exe'\n  CommandLine|contains: probe\nfilter:\n  CommandLine|contains: harmless\ncondition: selection and not filter";
    let like = "selection:\n  Image|endswith: '\\probe.exe'\n  CommandLine|contains: probe\nfilter:\n  User|contains: backup\ncondition: selection and not filter";
    let linux = "selection:\n  Image|endswith: '/elsewhere'\ncondition: selection";
    let place = Place::with(&[
        ("probe.yml", &rule(PROBE, &["attack.t1059.003"], "stable", probe)),
        ("like.yml", &rule(LIKE, &["attack.t1059.003"], "stable", like)),
        ("linux.yml", &rule(LINUX, &["attack.t1105"], "stable", linux).replace("product: windows", "product: linux")),
    ]);
    place.build().ends(0);
    let event = |day: u32, host: &str, user: &str, line: &str| {
        let event = json!({"EventID": 1, "SourceName": "Microsoft-Windows-Sysmon", "Channel": "Microsoft-Windows-Sysmon/Operational", "Hostname": host,
            "EventTime": format!("2026-01-{day:02} 03:04:05"), "Image": r"C:\Tools\probe.exe", "CommandLine": line, "User": user});
        format!("{event}\n")
    };
    place.write(
        "one/a.jsonl",
        event(2, "host1", "LAB\\ada", HOSTILE) + &event(3, "host1", "LAB\\backup", "probe") + "{\"strange\": 1}\n",
    );
    place.write(
        "two/b.jsonl",
        event(4, "<b>host2", "LAB\\backup", "probe harmless") + &event(5, "<b>host2", "LAB\\backup", "probe"),
    );
    place
}

fn serve(place: &Place, hits: &str) -> Served {
    Served::run(place.command(&["serve", "--addr", "127.0.0.1:0", "--db", "catalog.db", "--hits", hits]))
}

fn json_of(served: &Served, path: &str) -> Value {
    let (status, text) = served.get(path);
    assert_eq!(status, 200, "{path}: {text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn counts_of_pages_and_answers_are_those_of_the_hunt() {
    let place = place();
    let report = place.run(&["hunt", "one", "two", "--json", "--save", "hits.db"]).ends(0).json();
    let served = serve(&place, "hits.db");
    let mut view = json_of(&served, "/api/v1/hunts");
    for rule in view["together"]["rules"].as_array_mut().unwrap() {
        let hosts = rule["hosts"].as_array().unwrap().len();
        assert_eq!(rule.as_object_mut().unwrap().remove("host_count"), Some(json!(hosts)));
    }
    for key in ["events", "rules", "not_run", "indicators", "exclusions", "files", "kinds"] {
        assert_eq!(view["together"][key], report[key], "{key}");
    }
    assert_eq!(
        view["together"]["timeline"].as_array().unwrap().iter().map(|row| row["hits"].as_u64().unwrap()).sum::<u64>(),
        4
    );
    let (_, page) = served.get("/hunts");
    for rule in report["rules"].as_array().unwrap().iter().filter(|rule| rule["hits"] != 0) {
        let (id, hits) = (rule["id"].as_str().unwrap(), &rule["hits"]);
        assert!(page.contains(&format!("<a href=\"/hits/{id}\">{hits}</a>")), "{id}: {page}");
        let found = json_of(&served, &format!("/api/v1/rule/{id}"))["in_logs"].clone();
        for key in ["hits", "asked", "unknown", "candidates", "first", "last"] {
            assert_eq!(found["measured"][key], rule[key], "{id}: {key}");
        }
        assert_eq!(found["measured"]["hosts"], rule["hosts"].as_array().unwrap().len());
        let (_, own) = served.get(&format!("/rule/{id}"));
        assert!(own.contains("In your logs") && own.contains(&format!("<b>{hits}</b> hit")), "{own}");
    }
    let held = json_of(&served, "/api/v1/indicator?field=Image&op=basename&value=probe.exe")["in_logs"].clone();
    assert_eq!(held, json!({"indicator": {"events": 4, "hits": 4, "hosts": 2}, "exclusion": null}));
    let removed = json_of(&served, "/api/v1/indicator?field=CommandLine&op=contains&value=harmless")["in_logs"].clone();
    assert_eq!(removed, json!({"indicator": null, "exclusion": {"events": 1, "removed": 1}}));
    let technique = json_of(&served, "/api/v1/technique/T1059")["in_logs"].clone();
    assert_eq!(technique, json!({"rules_asked": 2, "rules_with_hits": 2, "hits": 4, "hosts": 2}));
}

#[test]
fn what_was_not_measured_has_no_number() {
    let place = place();
    place.run(&["hunt", "one", "--save", "hits.db"]).ends(0);
    let served = serve(&place, "hits.db");
    let id = format!("sigma/{LINUX}");
    assert_eq!(json_of(&served, &format!("/api/v1/rule/{id}"))["in_logs"], json!({"measured": null, "not_run": null}));
    assert!(served.get(&format!("/rule/{id}")).1.contains("Unmeasured"));
    assert_eq!(json_of(&served, "/api/v1/technique/T1105")["in_logs"], Value::Null);
    assert!(served.get("/technique/T1105").1.contains("Unmeasured"));
    let value = "/indicator?field=Image&op=basename&value=elsewhere";
    assert_eq!(json_of(&served, &format!("/api/v1{value}"))["in_logs"], json!({"indicator": null, "exclusion": null}));
    assert!(served.get(value).1.contains("Unmeasured"));
    // What was asked and never held is a measured nothing.
    let never = json_of(&served, "/api/v1/indicator?field=CommandLine&op=contains&value=harmless");
    assert_eq!(never["in_logs"]["exclusion"], json!({"events": 0, "removed": 0}));
    // Without a file there is nothing of it at all.
    let bare = Served::of(&place);
    assert!(json_of(&bare, &format!("/api/v1/rule/{id}")).get("in_logs").is_none());
    assert_eq!(json_of(&bare, "/api/v1/hunts"), json!({"data_sets": [], "together": null}));
    assert!(bare.get("/hunts").1.contains("Unmeasured"));
    assert!(!bare.get(&format!("/rule/{id}")).1.contains("In your logs"));
    // Values of a field that was taken out are not measured either.
    place.run(&["hunt", "one", "--save", "redacted.db", "--redact", "CommandLine"]).ends(0);
    let redacted = serve(&place, "redacted.db");
    let never = json_of(&redacted, "/api/v1/indicator?field=CommandLine&op=contains&value=probe");
    assert_eq!(never["in_logs"]["indicator"], Value::Null);
}

#[test]
fn a_hit_is_shown_with_its_event_and_what_held() {
    let place = place();
    place.run(&["hunt", "one", "--save", "one.db"]).ends(0);
    place.run(&["hunt", "two", "--save", "two.db", "--data-set", "<i>Two"]).ends(0);
    place.run(&["hits", "merge", "one.db", "two.db", "-o", "all.db"]).ends(0);
    let served = serve(&place, "all.db");
    let id = format!("sigma/{PROBE}");
    let list = json_of(&served, &format!("/api/v1/hits/{id}?limit=2&offset=1"));
    assert_eq!([&list["saved"], &list["hits"][0]["time"]], [&json!(3), &json!("2026-01-03T03:04:05Z")]);
    assert_eq!(list["hits"][1]["data_set"], "<i>Two");
    let all = json_of(&served, &format!("/api/v1/hits/{id}"));
    for hit in all["hits"].as_array().unwrap() {
        let number = &hit["number"];
        let view = json_of(&served, &format!("/api/v1/hit/{number}"));
        assert_eq!([&view["rule"], &view["time"]], [&json!(id), &hit["time"]]);
        assert!(
            view["matched"]
                .as_array()
                .unwrap()
                .contains(&json!({"field": "Image", "op": "basename", "value": "probe.exe"}))
        );
        assert!(view["event"]["CommandLine"].as_str().unwrap().contains("probe"));
        let (status, page) = served.get(&format!("/hit/{number}"));
        assert_eq!(status, 200);
        assert!(page.contains("class=\"p indicator held\""), "what held is marked: {page}");
        assert!(
            !page.contains("<script>alert")
                && !page.contains("<img")
                && !page.contains("<b>host2")
                && !page.contains("<i>Two"),
            "{page}"
        );
        assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'), "{page}");
    }
    for path in ["/hunts", "/hunt/%3Ci%3ETwo", &format!("/hits/{id}"), &format!("/rule/{id}")] {
        let (status, page) = served.get(path);
        assert_eq!(status, 200, "{path}: {page}");
        assert!(!page.contains("<b>host2") && !page.contains("<i>Two"), "{path}: {page}");
    }
    let one = json_of(&served, "/api/v1/hunt/one");
    assert_eq!(one["events"], json!({"read": 3, "asked": 2, "unknown_shape": 1}));
    assert_eq!(json_of(&served, "/api/v1/hunts")["data_sets"].as_array().unwrap().len(), 2);
    for path in ["/hit/99", "/hit/x", "/hunt/three", "/hits/sigma/none", "/advice/sigma/none"] {
        assert_eq!(served.status(path), 404, "{path}");
    }
}

#[test]
fn exclusions_are_advised_by_the_hits_that_they_would_have_removed() {
    let place = place();
    place.run(&["hunt", "one", "two", "--save", "hits.db"]).ends(0);
    let served = serve(&place, "hits.db");
    let view = json_of(&served, &format!("/api/v1/advice/sigma/{PROBE}"));
    assert_eq!(view["hits"], 3);
    let first = &view["exclusions"][0];
    assert_eq!(
        [&first["field"], &first["value"], &first["removed"]],
        [&json!("User"), &json!("backup"), &json!(2)],
        "{view}"
    );
    assert_eq!(first["line"], "User|contains: 'backup'");
    let (_, page) = served.get(&format!("/advice/sigma/{PROBE}"));
    assert!(page.contains("User|contains") && page.contains("Hits removed"), "{page}");
    let bare = Served::of(&place);
    let view = json_of(&bare, &format!("/api/v1/advice/sigma/{PROBE}"));
    assert_eq!([&view["hits"], &view["exclusions"][0]["removed"]], [&Value::Null, &Value::Null]);
    assert!(bare.get(&format!("/advice/sigma/{PROBE}")).1.contains("Unmeasured"));
}

/// What the server says before it ends by itself, or is ended.
fn said(place: &Place, arguments: &[&str]) -> String {
    let mut command: Command = place.command(&[&["serve", "--db", "catalog.db"], arguments].concat());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut err = child.stderr.take().unwrap();
    let mut text = String::new();
    let mut buffer = [0; 1024];
    // A server says its address last.
    while !text.contains("http://") {
        match err.read(&mut buffer).unwrap() {
            0 => break,
            read => text.push_str(&String::from_utf8_lossy(&buffer[..read])),
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    text
}

#[test]
fn who_else_may_read_log_data_is_said_and_files_of_others_are_refused() {
    let place = place();
    place.run(&["hunt", "one", "--save", "hits.db"]).ends(0);
    let warned = said(&place, &["--addr", "0.0.0.0:0", "--hits", "hits.db"]);
    assert!(warned.contains("warning: hits hold log data"), "{warned}");
    assert!(said(&place, &["--addr", "127.0.0.1:0", "--hits", "hits.db", "--cors", "*"]).contains("scripts of *"));
    let quiet = said(&place, &["--addr", "127.0.0.1:0", "--hits", "hits.db"]);
    assert!(!quiet.contains("warning"), "{quiet}");
    assert!(!said(&place, &["--addr", "0.0.0.0:0"]).contains("warning"));
    let whole = fs::read(place.path("hits.db")).unwrap();
    place.write("cut.db", &whole[..whole.len() / 2]);
    for (file, words) in [("cut.db", "damaged"), ("catalog.db", "not a file of hits"), ("none.db", "no such file")] {
        let error = said(&place, &["--addr", "127.0.0.1:0", "--hits", file]);
        assert!(error.contains(words) && !error.contains("http://"), "{file}: {error}");
    }
    // A catalog of other rules takes the place of the one that was hunted with.
    let mut served = serve(&place, "hits.db");
    served.waits(&format!("/hits/sigma/{PROBE}"), 200);
    place.write("sigma/more.yml", rule(&PROBE.replace("01", "09"), &[], "test", "s:\n  Image: x\ncondition: s"));
    place.build().ends(0);
    assert!(served.says().contains("another catalog"), "the hits are not these rules'");
    assert!(served.says().contains("built anew"));
    assert_eq!(json_of(&served, "/api/v1/hunts")["together"], Value::Null);
    assert!(said(&place, &["--addr", "127.0.0.1:0", "--hits", "hits.db"]).contains("another catalog"));
}
