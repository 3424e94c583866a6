//! Files of hits: what is in them, what is taken out of them, and how they are put together.

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
const USER: &str = "00000000-0000-4000-8000-000000000002";

fn event(day: u32, host: &str, user: &str, line: &str) -> String {
    let event = json!({"EventID": 1, "SourceName": "Microsoft-Windows-Sysmon", "Channel": "Microsoft-Windows-Sysmon/Operational", "Hostname": host,
        "EventTime": format!("2026-01-{day:02} 03:04:05"), "Image": r"C:\Tools\probe.exe", "CommandLine": line, "User": user,
        "CurrentDirectory": format!("C:\\Users\\{user}\\{host}\\")});
    format!("{event}\n")
}

fn place() -> Place {
    let probe = "selection:\n  Image|endswith: '\\probe.exe'\nfilter:\n  CommandLine|contains: harmless\ncondition: selection and not filter";
    let user = "selection:\n  User: 'LAB\\Zoe-Original'\ncondition: selection";
    let place = Place::with(&[
        ("probe.yml", &rule(PROBE, &["attack.t1059.003"], "stable", probe)),
        ("user.yml", &rule(USER, &["attack.t1059.003"], "stable", user)),
    ]);
    place.build().ends(0);
    place.write(
        "one/secrethost7.jsonl",
        event(2, "secrethost7", "LAB\\Zoe-Original", "probe SecretHost7")
            + &event(9, "secrethost7", "LAB\\bob", "probe"),
    );
    place.write(
        "two/b.jsonl",
        event(3, "otherhost", "LAB\\bob", "probe harmless") + &event(4, "otherhost", "LAB\\Zoe-Original", "probe x"),
    );
    place
}

fn rule_of<'r>(report: &'r Value, id: &str) -> &'r Value {
    let id = format!("sigma/{id}");
    report["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == id.as_str()).unwrap()
}

/// Whether bytes hold a text, in any case.
fn holds(bytes: &[u8], text: &str) -> bool {
    let (bytes, text) = (bytes.to_ascii_lowercase(), text.to_ascii_lowercase());
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_redacted_file_holds_no_original_value_anywhere() {
    let place = place();
    let values = ["LAB\\Zoe-Original", "LAB\\\\Zoe-Original", "Zoe-Original", "secrethost7", "otherhost"];
    place.run(&["hunt", "one", "two", "--save", "open.db", "--jsonl", "open.jsonl"]).ends(0);
    let (database, lines) = (fs::read(place.path("open.db")).unwrap(), fs::read(place.path("open.jsonl")).unwrap());
    for value in ["Zoe-Original", "secrethost7", "otherhost"] {
        assert!(
            holds(&database, value) && holds(&lines, value),
            "{value} is in the logs and in what is written of them"
        );
    }
    for how in ["hash", "cut"] {
        let written = [
            "--save",
            "hits.db",
            "--jsonl",
            "hits.jsonl",
            "--csv",
            "hits.csv",
            "--layer",
            "layer.json",
            "--json",
            "--redact",
            "User,Computer",
            "--redact-with",
            how,
        ];
        let said = place.run(&[&["hunt", "one", "two"], &written[..]].concat()).ends(0);
        for name in ["hits.db", "hits.jsonl", "hits.csv", "layer.json"] {
            let bytes = fs::read(place.path(name)).unwrap();
            for value in values {
                assert!(!holds(&bytes, value), "{value} is in {name} ({how})");
            }
        }
        for value in values {
            assert!(!holds(said.out.as_bytes(), value), "{value} is in the report ({how})");
        }
        let report = said.json();
        assert_eq!(rule_of(&report, PROBE)["hits"], 3, "counts stay");
        let connection = rusqlite::Connection::open(place.path("hits.db")).unwrap();
        let redacted: String = connection.query_row("SELECT redacted FROM data_set", [], |row| row.get(0)).unwrap();
        assert_eq!(redacted, r#"["Computer","User"]"#);
        let hosts: i64 = connection.query_row("SELECT count(DISTINCT host) FROM hit", [], |row| row.get(0)).unwrap();
        assert_eq!(hosts, if how == "hash" { 2 } else { 0 }, "equal values stay equal");
        let lines = fs::read_to_string(place.path("hits.jsonl")).unwrap();
        assert!(lines.contains("probe.exe"), "other values stay");
    }
}

#[test]
fn counts_only_name_no_host_and_hold_no_hit() {
    let place = place();
    place.run(&["hunt", "one", "--save", "hits.db", "--no-events"]).ends(0);
    let bytes = fs::read(place.path("hits.db")).unwrap();
    assert!(!holds(&bytes, "Zoe-Original\"") && !holds(&bytes, "probe SecretHost7"));
    let connection = rusqlite::Connection::open(place.path("hits.db")).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("SELECT count(*) FROM hit") + number("SELECT count(*) FROM matched"), 0);
    assert_eq!(number("SELECT sum(hits) FROM rule"), 3);
    assert_eq!(number("SELECT max(host_count) FROM rule"), 1);
    let hosts: String = connection.query_row("SELECT group_concat(hosts, '') FROM rule", [], |row| row.get(0)).unwrap();
    assert_eq!(hosts, "[][]");
}

#[test]
fn files_are_put_together_and_their_counts_add_up() {
    let place = place();
    place.run(&["hunt", "one", "--save", "one.db"]).ends(0);
    place.run(&["hunt", "two", "--save", "two.db", "--data-set", "Office"]).ends(0);
    place.run(&["hunt", "two", "--save", "again.db", "--data-set", "Office"]).ends(0);
    place
        .run(&["hits", "merge", "one.db", "two.db", "again.db", "-o", "all.db"])
        .ends(0)
        .says(&["3 data sets: one, Office, Office (2)"]);
    let connection = rusqlite::Connection::open(place.path("all.db")).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("SELECT sum(hits) FROM rule"), 3 + 2 + 2);
    assert_eq!(number("SELECT sum(read) FROM data_set"), 6);
    assert_eq!(number("SELECT count(*) FROM hit"), 7);
    assert_eq!(number("SELECT count(DISTINCT hit) FROM matched"), 7, "every hit keeps what held");
    assert_eq!(number("SELECT sum(removed) FROM exclusion"), 2);
    // The same order of files gives the same bytes.
    let first = fs::read(place.path("all.db")).unwrap();
    place.run(&["hits", "merge", "one.db", "two.db", "again.db", "-o", "all.db"]).ends(0);
    assert_eq!(first, fs::read(place.path("all.db")).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(place.path("all.db")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    place
        .run(&["hits", "merge", "one.db", "catalog.db", "-o", "x.db"])
        .ends(1)
        .says(&["catalog.db", "not a file of hits"]);
    place.run(&["hits", "merge", "one.db", "-o", "catalog.db"]).ends(1).says(&["catalog.db", "something else"]);
    // Another catalog: of one rule more.
    place.write("sigma/more.yml", rule(&PROBE.replace("01", "09"), &[], "test", "s:\n  Image: x\ncondition: s"));
    place.build().ends(0);
    place.run(&["hunt", "two", "--save", "two.db"]).ends(0);
    place.run(&["hits", "merge", "one.db", "two.db", "-o", "x.db"]).ends(1).says(&["different catalogs"]);
    assert!(!place.path("x.db").exists());
}

#[test]
fn old_hits_are_taken_out_and_counts_stay() {
    let place = place();
    place.write(
        "three.jsonl",
        event(2, "oldhost", "LAB\\old-user", "probe old")
            + &event(3, "newhost", "x", "probe new").replace("2026-01-03", "2999-01-03"),
    );
    place.run(&["hunt", "three.jsonl", "--save", "hits.db"]).ends(0);
    assert!(holds(&fs::read(place.path("hits.db")).unwrap(), "old-user"));
    place.run(&["hits", "prune", "hits.db", "--keep-days", "30"]).ends(0).says(&["1 of 2 hits taken out"]);
    let bytes = fs::read(place.path("hits.db")).unwrap();
    for value in ["old-user", "oldhost", "probe old"] {
        assert!(!holds(&bytes, value), "{value} is left in the file");
    }
    assert!(holds(&bytes, "newhost"));
    let connection = rusqlite::Connection::open(place.path("hits.db")).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!([number("SELECT sum(hits) FROM rule"), number("SELECT sum(host_count) FROM rule")], [2, 2]);
    assert_eq!(number("SELECT count(*) FROM hit"), 1);
    drop(connection);
    place.run(&["hits", "prune", "hits.db", "--keep-days", "30"]).ends(0).says(&["0 of 1 hit taken out"]);
    place.run(&["hits", "prune", "nowhere.db", "--keep-days", "1"]).ends(1).says(&["no such file"]);
}

#[test]
fn a_file_that_is_not_whole_or_not_ours_is_said() {
    let place = place();
    place.run(&["hunt", "one", "--save", "hits.db"]).ends(0);
    let merge = |name: &str| place.run(&["hits", "merge", name, "-o", "out.db"]);
    let whole = fs::read(place.path("hits.db")).unwrap();
    for length in [whole.len() / 2, whole.len() - 4096, 100, 50] {
        place.write("cut.db", &whole[..length]);
        merge("cut.db").ends(1).says(&["cut.db"]);
    }
    let change = |sql: &str| {
        place.write("changed.db", &whole);
        rusqlite::Connection::open(place.path("changed.db")).unwrap().execute_batch(sql).unwrap();
    };
    change("UPDATE meta SET value = '1' WHERE key = 'schema'");
    merge("changed.db").ends(1).says(&["version 1", "hunt again"]);
    change(
        "DROP TABLE matched; CREATE VIEW matched AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS hit, x AS field, x AS op, x AS value FROM n",
    );
    merge("changed.db").ends(1).says(&["its tables are others"]);
    change("CREATE TRIGGER t AFTER INSERT ON hit BEGIN DELETE FROM hit; END");
    merge("changed.db").ends(1).says(&["its tables are others"]);
    assert!(!place.path("out.db").exists(), "nothing is written of a file that cannot be read");
}
