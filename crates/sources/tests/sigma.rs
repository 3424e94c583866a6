//! Sigma rules as files hold them: what JSON says, and where.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

use ruleatlas_model::{Kind, Rule, Vendor};
use ruleatlas_sources::{Outcome, SourceFile, format_of};

fn outcome(path: &str, text: &str) -> (Outcome, Vec<Rule>) {
    let file = SourceFile::from_bytes(path, text.as_bytes().to_vec());
    let mut found = Vec::new();
    let format = format_of(Vendor::Sigma, |_, _| false);
    let outcome = format.read(&file, &mut |draft| {
        assert!(draft.tree.is_some());
        found.push(draft.rule);
    });
    (outcome, found)
}

#[track_caller]
fn read(path: &str, text: &str) -> Vec<Rule> {
    let (outcome, found) = outcome(path, text);
    assert_eq!(outcome, Outcome::Rules);
    found
}

fn rule(id: &str) -> String {
    format!(
        "{{\"title\": \"Odd \\u00e9 {id}\", \"id\": \"{id}\",\n \"tags\": [\"attack.t1059\"], \"level\": \"low\",\n \
         \"logsource\": {{\"product\": \"windows\"}},\n \"detection\": {{\"s\": {{\"Image|endswith\": \"\\\\a.exe\"}}, \"condition\": \"s\"}}}}"
    )
}

#[test]
fn json_holds_rules_alone_in_lists_and_a_line_each() {
    let one = rule("a");
    let line = |id: &str| rule(id).replace('\n', "");
    for (text, ids) in [
        (one.clone(), &["sigma/a"][..]),
        (format!("[{},\n{}]", rule("a"), rule("b")), &["sigma/a", "sigma/b"]),
        (format!("{}\n\n{}\n", line("a"), line("b")), &["sigma/a", "sigma/b"]),
        (format!("{{\"total\": 2, \"rules\": [{}, {}]}}", rule("a"), rule("b")), &["sigma/a", "sigma/b"]),
        (format!("\t{}", rule("a").replace("\n ", "\n\t")), &["sigma/a"]),
        // An escape that YAML does not have.
        (one.replace("Odd", "Odd \\ud83d\\udc7e"), &["sigma/a"]),
    ] {
        let found = read("rules/a.json", &text);
        assert_eq!(found.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ids, "{text}");
        let first = &found[0];
        assert!(first.title.starts_with("Odd ") && first.title.contains("é a"), "{}", first.title);
        assert!(first.query.contains("\"detection\": {"), "{}", first.query);
    }
    let found = read("a.jsonl", &format!("{}\n{}\n", line("a"), line("b")));
    assert_eq!((found[0].line, found[1].line), (1, 2));
    assert!(found[1].query.starts_with("\"detection\""), "{}", found[1].query);
}

#[test]
fn json_holds_correlations_too() {
    let text = format!(
        "[{}, {{\"title\": \"Often\", \"id\": \"c\", \"correlation\": {{\"type\": \"event_count\", \"rules\": [\"a\"]}}}}]",
        rule("a")
    );
    let found = read("a.json", &text);
    assert_eq!((found[1].kind, found[1].id.as_str()), (Kind::Correlation, "sigma/c"));
    let files = [SourceFile::from_bytes("a.json", text.into_bytes())];
    let format = format_of(Vendor::Sigma, |_, _| false);
    let context = format.context(&files);
    let base = context.rule("a").unwrap();
    assert!(base.title.starts_with("Odd") && base.query.text.contains("detection"), "{base:?}");
}

#[test]
fn json_that_is_no_rule_or_broken_is_accounted_for() {
    for text in [
        "{\"title\": \"a schema\", \"properties\": {\"detection\": {\"type\": \"object\"}}}",
        "{\"detection\": \"text\", \"title\": \"x\"}",
        "{\"detection\": {\"a\": 1}}",
        "[1, \"detection\", null]",
        "{}",
    ] {
        assert!(matches!(outcome("a.json", text), (Outcome::NotARule(_), found) if found.is_empty()), "{text}");
    }
    let cut = format!("[{},\n{{\"title\": \"b\", \"detection\": {{", rule("a"));
    assert!(matches!(outcome("a.json", &cut).0, Outcome::Unreadable(_, Some(_))));
    let lines = format!("{}\n{{\"title\": \"b\", \"detection\": {{\n", rule("a").replace('\n', ""));
    let found = read("a.jsonl", &lines);
    assert_eq!(found.len(), 1);
    assert!(found[0].diagnostics.iter().any(|said| said.code == "unreadable part" && said.line == Some(2)));
    for text in [
        "{\"detection\":".repeat(50_000),
        format!("\"detection\"{}", "[".repeat(100_000)),
        "{\"detection\": {}, \"title\": [[]], \"tags\": {\"a\": [1]}, \"id\": {}}".to_owned(),
    ] {
        outcome("a.json", &text);
    }
}
