//! Input that nobody should send: each gets a message with its place, the rest is built, and a catalog that was there
//! stays whole.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod support;

use std::fs;

use serde_json::Value;
use support::{Place, rule};

const GOOD: &str = "3f6a3f4e-0000-4000-8000-000000000021";
const BAD: &str = "3f6a3f4e-0000-4000-8000-000000000022";

fn good() -> String {
    rule(GOOD, &["attack.t1059"], "test", "selection:\n  CommandLine|contains: whoami\ncondition: selection")
}

/// A place with one good rule, its catalog built.
fn place() -> Place {
    let place = Place::with(&[("good.yml", &good())]);
    place.build().ends(0);
    place
}

/// Builds, and checks that the good rule is in the catalog with `rules` in all.
#[track_caller]
fn built(place: &Place, rules: usize) -> support::Said {
    let said = place.build().ends(0);
    assert!(!said.err.contains("panicked"), "{}", said.err);
    let exported = place.export("rules");
    assert_eq!(exported.len(), rules, "{}", said.err);
    assert!(exported.iter().any(|rule| rule["id"] == format!("sigma/{GOOD}")));
    assert_eq!(place.leftovers(), [""; 0]);
    said
}

/// The fault of a file in the ledger.
#[track_caller]
fn fault(place: &Place, path: &str) -> Value {
    let ledger = place.json(&["doctor"]);
    let faults = ledger["faults"].as_array().unwrap();
    faults.iter().find(|fault| fault["path"] == path).unwrap_or_else(|| panic!("no {path} in {faults:?}")).clone()
}

/// That a file that cannot be read is named with its line by build and ledger, and the rest is built.
#[track_caller]
fn is_unreadable(content: &[u8], line: u64, why: &str) {
    let place = place();
    place.write("sigma/bad.yml", content);
    built(&place, 1).says(&[&format!("SigmaHQ/bad.yml:{line}: unreadable: "), why]);
    let fault = fault(&place, "bad.yml");
    assert_eq!((&fault["parse"], &fault["line"]), (&"unreadable".into(), &line.into()));
    assert!(fault["reason"].as_str().unwrap().contains(why), "{fault}");
}

#[test]
fn a_file_that_is_not_utf8() {
    is_unreadable(b"title: one\nid: two\nauthor: Ren\xe9\n", 3, "UTF-8");
}

#[test]
fn utf16_is_read_and_what_is_cut_of_it_is_named() {
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let place = place();
    let rule = good().replace(GOOD, BAD);
    place.write("sigma/wide.yml", wide(&format!("\u{feff}{rule}")));
    built(&place, 2);
    let unmarked = good().replace(GOOD, "3f6a3f4e-0000-4000-8000-000000000023");
    place.write("sigma/unmarked.yml", wide(&unmarked));
    built(&place, 3);
    place.write("events.jsonl", wide("\u{feff}{\"CommandLine\": \"whoami\"}\n"));
    let (rule, events) = (place.path("sigma/wide.yml"), place.path("events.jsonl"));
    let said = place.run(&["match", rule.to_str().unwrap(), "--event", events.to_str().unwrap()]).ends(0);
    assert_eq!(said.out, "line 1: holds\n");
    let mut cut = wide("\u{feff}title: one\nid: two\n");
    cut.pop();
    is_unreadable(&cut, 2, "UTF-16");
}

#[test]
fn a_file_that_is_not_yaml() {
    is_unreadable(b"title: one\ndetection:\n  a: [1, 2\n  b: }\n", 4, "");
    is_unreadable(b"\0\0\0\0", 1, "");
}

#[test]
fn a_file_nested_ten_thousand_deep() {
    for nested in ["[".repeat(10_000), "{a: ".repeat(10_000), "- ".repeat(10_000)] {
        is_unreadable(format!("title: deep\ndetection:\n  a: 1\nrest:\n  {nested}").as_bytes(), 5, "");
    }
    let blocks: String = (0..10_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    is_unreadable(blocks.as_bytes(), 129, "nested deeper than 128");
}

#[test]
fn an_alias_bomb() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    is_unreadable(bomb.as_bytes(), 6, "unfolds to more than");
}

#[test]
fn a_file_of_a_hundred_megabytes() {
    let place = place();
    fs::File::create(place.path("sigma/huge.yml")).unwrap().set_len(100_000_000).unwrap();
    built(&place, 1)
        .says(&["SigmaHQ/huge.yml: unreadable: 96 MiB, larger than the 64 MiB that are read of a file; split it"]);
    assert_eq!(fault(&place, "huge.yml")["parse"], "unreadable");
}

#[test]
fn an_unreadable_file_and_an_odd_name() {
    use std::os::unix::ffi::OsStrExt as _;
    let place = place();
    let name = std::ffi::OsStr::from_bytes(b"odd-\xff\n|.yml");
    fs::write(place.path("sigma").join(name), good().replace(GOOD, BAD)).unwrap();
    built(&place, 2);
    let ledger = place.json(&["doctor"]);
    assert_eq!(
        ledger["sources"].as_array().unwrap().iter().find(|row| row["source"] == "SigmaHQ").unwrap()["files"],
        2
    );
}

#[test]
fn a_pipe_among_the_files() {
    let place = place();
    let made = std::process::Command::new("mkfifo").arg(place.path("sigma/pipe.yml")).status().unwrap();
    assert!(made.success());
    built(&place, 1).says(&["SigmaHQ/pipe.yml: unreadable: no regular file"]);
}

#[test]
fn a_rule_without_a_detection() {
    let place = place();
    let bare = format!("title: bare\nid: {BAD}\nlogsource:\n  product: windows\n");
    place.write("sigma/bare.yml", bare);
    built(&place, 2).says(&["SigmaHQ/bare.yml:1: failed: ", "detection"]);
    let fault = fault(&place, "bare.yml");
    assert_eq!((&fault["parse"], &fault["rule"]), (&"failed".into(), &format!("sigma/{BAD}").into()));
    place.write("sigma/list.yml", "- 1\n- 2\n");
    place.write("sigma/text.yml", "just words\n");
    place.write("sigma/empty.yml", "");
    built(&place, 2);
    let ledger = place.json(&["doctor"]);
    let sigma = ledger["sources"].as_array().unwrap().iter().find(|row| row["source"] == "SigmaHQ").unwrap();
    assert_eq!((&sigma["files"], &sigma["not_a_rule"]), (&5.into(), &3.into()));
}

#[test]
fn a_condition_of_an_unknown_selection() {
    let place = place();
    let text = rule(BAD, &[], "test", "selection:\n  A: 1\ncondition: selection and not gone_missing");
    place.write("sigma/unknown.yml", &text);
    built(&place, 2).says(&["1 partial"]);
    let fault = fault(&place, "unknown.yml");
    let line = text.lines().position(|line| line.contains("gone_missing")).unwrap() + 1;
    assert_eq!((&fault["parse"], &fault["line"]), (&"partial".into(), &line.into()));
    assert!(fault["reason"].as_str().unwrap().contains("gone_missing"), "{fault}");
    let known = &place.json(&["rule", BAD])["indicators"];
    assert_eq!(known[0]["field"], "A", "what is understood counts: {known}");
}

#[test]
fn a_loop_of_symbolic_links() {
    let place = place();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(place.path(to), place.path(name)).unwrap();
    link("sigma", "sigma/again");
    link("sigma/to", "sigma/fro.yml");
    link("sigma/fro.yml", "sigma/to");
    link("sigma/good.yml", "sigma/copy.yml");
    built(&place, 1);
    let ledger = place.json(&["doctor"]);
    let sigma = ledger["sources"].as_array().unwrap().iter().find(|row| row["source"] == "SigmaHQ").unwrap();
    assert_eq!((&sigma["files"], &sigma["not_a_rule"]), (&5.into(), &4.into()), "every link is accounted for");
    // The source itself may be a link.
    link("sigma", "linked");
    place.run(&["build", "--source", "sigma=linked"]).ends(0);
    assert_eq!(place.export("rules").len(), 1);
    link("here", "there");
    link("there", "here");
    place.run(&["build", "--source", "sigma=here"]).ends(1).says(&["here: "]);
}

#[test]
fn a_folder_that_is_not_there() {
    let place = place();
    let before = place.bytes();
    place.run(&["build", "--source", "sigma=sigma", "--source", "attack=nowhere"]).ends(1).says(&["nowhere: "]);
    place.run(&["build", "--source", "sigma=no/where"]).ends(1).says(&["no/where: ", "existing folder"]);
    assert!(before == place.bytes());
    fs::create_dir(place.path("void")).unwrap();
    place
        .run(&["build", "--source", "sigma=sigma", "--source", "attack=void"])
        .ends(1)
        .says(&["enterprise-attack.json"]);
    assert!(before == place.bytes());
    place.run(&["build", "--source", "sigma=void"]).ends(1).says(&["0 rules"]);
    assert!(before == place.bytes());
}

#[test]
fn attack_bundles_that_are_torn() {
    let place = place();
    let before = place.bytes();
    place.write("attack/enterprise-attack.json", "{\"type\": \"bundle\",\n\"objects\": [{\"type\"");
    place.build().ends(1).says(&["enterprise-attack.json", "line 2"]);
    assert!(before == place.bytes());
    place.write("attack/enterprise-attack.json", support::bundle().to_string());
    place.write("attack/mobile-attack.json", "[]");
    place.build().ends(0).says(&["mobile-attack.json"]);
    assert_eq!(place.json(&["technique", "T1059"])["rules"]["total"], 1);
    // One object with a value that is not as it should be costs that value.
    let odd = support::bundle().to_string().replacen(
        "\"x_mitre_platforms\":[",
        "\"x_mitre_version\":1e300,\"x_mitre_platforms\":[",
        1,
    );
    assert!(odd.contains("1e300"));
    place.write("attack/enterprise-attack.json", odd);
    place.build().ends(0).says(&["enterprise-attack.json: `x_mitre_version` of attack-pattern--T1059 is left out"]);
    assert_eq!(place.json(&["technique", "T1059"])["rules"]["total"], 1);
    assert_eq!(place.export("techniques").len(), 6);
}

/// Changes the catalog with SQL.
fn change(place: &Place, sql: &str) {
    rusqlite::Connection::open(place.path("catalog.db")).unwrap().execute_batch(sql).unwrap();
}

/// That a catalog cannot be read, every command says why, and a build makes it anew.
#[track_caller]
fn is_refused(place: &Place, why: &[&str]) {
    is_unreadable_catalog(place, why);
    let said = built(place, 1);
    assert!(!said.err.contains("nothing changed"), "{}", said.err);
}

#[track_caller]
fn is_unreadable_catalog(place: &Place, why: &[&str]) {
    for call in [&["technique", "T1059"] as &[&str], &["export", "rules"], &["doctor"]] {
        let said = place.run(call).ends(1).says(&["catalog.db: "]).says(why);
        assert_eq!(said.out, "", "{call:?}");
        assert!(!said.err.contains("panicked"), "{}", said.err);
    }
}

#[test]
fn a_catalog_of_another_version() {
    let place = place();
    change(&place, "UPDATE meta SET value = '999' WHERE key = 'schema'");
    is_refused(&place, &["version 999", "ruleatlas build"]);
}

#[test]
fn a_catalog_that_is_truncated() {
    for keep in [0, 50, 1_000, 10_000, 50_000] {
        let place = place();
        let bytes = place.bytes();
        assert!(bytes.len() > 60_000);
        place.write("catalog.db", &bytes[..keep]);
        is_refused(&place, &["ruleatlas build"]);
    }
}

#[test]
fn a_catalog_that_is_none() {
    let place = place();
    // Somebody may want it: it is not replaced.
    let is_kept = |place: &Place| {
        is_unreadable_catalog(place, &["no catalog", "ruleatlas build"]);
        let before = place.bytes();
        place.build().ends(1).says(&["catalog.db: ", "not a catalog"]);
        assert!(before == place.bytes());
    };
    place.write("catalog.db", "SQLite format 2, or anything else that someone named so");
    is_kept(&place);
    fs::remove_file(place.path("catalog.db")).unwrap();
    change(&place, "CREATE TABLE shopping (item TEXT)");
    is_kept(&place);
}

#[test]
fn a_catalog_with_rows_that_make_no_sense() {
    let place = place();
    for sql in [
        "UPDATE rule SET vendor = 'nobody'",
        "UPDATE rule_indicator SET rule = 4000000000, indicator = 4000000000",
        "UPDATE rule_body SET conditions = '[{'",
        "UPDATE rule_field SET op = 'resembles'",
        "UPDATE rule SET rule = 4000000",
        "DELETE FROM rule_body",
        "DELETE FROM rule",
        "DROP TABLE field",
        "UPDATE indicator SET field = 4000000000",
        "UPDATE technique SET body = ''",
    ] {
        change(&place, sql);
        for call in [&["technique", "T1059"] as &[&str], &["export", "rules"], &["export", "indicators"], &["doctor"]] {
            let said = place.run(call);
            assert!(matches!(said.status, 0 | 1) && !said.err.contains("panicked"), "{sql}: {call:?}: {}", said.err);
        }
        fs::remove_file(place.path("catalog.db")).unwrap();
        place.build().ends(0);
    }
}

#[test]
fn a_catalog_that_is_locked() {
    let place = place();
    let before = place.bytes();
    let connection = rusqlite::Connection::open(place.path("catalog.db")).unwrap();
    connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let said = place.run(&["technique", "T1059"]).ends(1).says(&["catalog.db: ", "locked"]);
    assert_eq!(said.out, "");
    drop(connection);
    assert!(before == place.bytes());
    place.run(&["technique", "T1059"]).ends(0);
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_catalogs_place() {
    let place = place();
    let made = std::process::Command::new("mkfifo").arg(place.path("pipe")).status();
    assert!(made.unwrap().success());
    for call in [&["doctor"] as &[&str], &["export", "rules"], &["site", "--out", "site"], &["hunt", "sigma"]] {
        place.plain(&[call, &["--db", "pipe"]].concat()).ends(1).says(&["pipe: ", "not a catalog"]);
    }
}

#[test]
fn a_folder_in_the_catalogs_place() {
    let place = place();
    fs::create_dir(place.path("folder")).unwrap();
    for call in
        [&["build", "--source", "sigma=sigma", "--db", "folder"] as &[&str], &["technique", "T1059", "--db", "folder"]]
    {
        let said = place.plain(call).ends(1).says(&["folder: ", "folder"]);
        assert!(said.err.contains("a folder is in the catalog's place"), "{}", said.err);
    }
    assert_eq!(fs::read_dir(place.path("folder")).unwrap().count(), 0);
    assert_eq!(place.leftovers(), [""; 0]);
}

#[test]
fn a_folder_that_cannot_be_written() {
    let place = place();
    let said = place.plain(&["build", "--source", "sigma=sigma", "--db", "sigma/good.yml/catalog.db"]).ends(1);
    assert!(said.err.contains("sigma/good.yml"), "{}", said.err);
    // No one, root included, may make a file there.
    if fs::metadata("/proc/self").is_ok() {
        let said = place.plain(&["build", "--source", "sigma=sigma", "--db", "/proc/self/catalog.db"]).ends(1);
        assert!(said.err.contains("/proc/self"), "{}", said.err);
    }
}

/// Escapes that would change a terminal, reorder text, or go back over a line.
const HOSTILE: &str = "\\e[31mred\\e]0;title\\a\\x9b2J\\b\\b\\r\\u202Egnirts\\u2066\\x7f";

#[test]
fn hostile_text_does_not_reach_the_terminal() {
    let place = Place::with(&[]);
    let hostile = format!(
        "title: \"a {HOSTILE}\"\nid: \"{BAD}\"\nstatus: test\ndescription: \"b {HOSTILE}\"\nauthor: \"c {HOSTILE}\"\n\
         license: \"d {HOSTILE}\"\nreferences: [\"e {HOSTILE}\"]\nfalsepositives: [\"f {HOSTILE}\"]\n\
         tags: [attack.t1059, \"attack.t9999 {HOSTILE}\", \"g {HOSTILE}\"]\nlevel: \"h {HOSTILE}\"\n\
         logsource: {{product: \"i {HOSTILE}\", category: process_creation}}\ndetection:\n  sel:\n\
         \x20   \"Image|contains\": \"j {HOSTILE}\"\n    \"k {HOSTILE}\": 1\n    \"User|l {HOSTILE}\": 2\n\
         \x20   EventID: \"m {HOSTILE}\"\n  filter:\n    User: \"n {HOSTILE}\"\n\
         \x20 condition: \"sel and not filter and o{HOSTILE}\"\n"
    );
    place.write("sigma/hostile\u{1b}[31m\u{202e}.yml", &hostile);
    place.write("sigma/torn\u{1b}[31m.yml", format!("a: [\n\"{HOSTILE}\": *x{HOSTILE}\n"));
    place.write("sigma/unnamed\u{1b}]0;x.yml", good().replace(&format!("id: {GOOD}\n"), ""));
    place.write("attack/mobile\u{1b}[31m.json", "{");
    let built = place.coloured(&["build", "--source", "sigma=sigma", "--source", "attack=attack"]).ends(0);
    let exported = place.export("rules");
    assert_eq!(exported.len(), 2);
    let near = "red\u{1b}]0;title";
    for call in [
        &["rule", BAD] as &[&str],
        &["rule", "sigma/unnamed"],
        &["rule", "3f6a3f4e\u{1b}[31m"],
        &["technique", "T1059"],
        &["technique", "T1059\u{1b}[31m"],
        &["search", "red"],
        &["search", "\u{1b}"],
        &["field", "k"],
        &["field", "Image"],
        &["field", near],
        &["indicator", "Image", "contains", near],
        &[
            "indicator",
            "Image",
            "contains",
            "j \u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J\u{8}\u{8}\r\u{202e}gnirts\u{2066}\u{7f}",
        ],
        &["indicator", "User", "eq", "n"],
        &["doctor"],
        &["match", BAD, "--event", "nowhere\u{1b}[31m"],
        &["match", "sigma/hostile\u{1b}[31m\u{202e}.yml", "--event", "events.jsonl"],
    ] {
        place.write("events.jsonl", "{}\n{\"Image\": \u{1b}}\n");
        check(&place.coloured(call), &format!("{call:?}"));
    }
    check(&built, "build");
    let shown = place.run(&["rule", BAD]).ends(0).out;
    assert!(shown.contains("a \u{fffd}[31mred"), "shown as far as it can be: {shown}");
}

#[track_caller]
fn check(said: &support::Said, call: &str) {
    // Where a terminal is asked for, the program's own styles are there as well: `1`, `2`, `0` and two colours.
    let own = ["\u{1b}[1m", "\u{1b}[2m", "\u{1b}[0m", "\u{1b}[35m", "\u{1b}[36m"];
    for text in [&said.out, &said.err] {
        let text = own.iter().fold(text.clone(), |text, style| text.replace(style, ""));
        let harmful = |character: &char| {
            (character.is_control() && *character != '\n')
                || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let found = text.lines().find(|line| line.chars().any(|character| harmful(&character)));
        assert_eq!(found, None, "{call}");
    }
}
