//! What each comparison becomes in each language, and what is refused, with rules of our own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use ruleatlas_catalog::{Entry, rules_of_file};
use ruleatlas_convert::{Conversion, Options, Refusal, RefusalKind, Target, convert, undecidable};
use ruleatlas_model::{Language, ParseStatus};
use ruleatlas_sources::SourceFile;
use ruleatlas_taxonomy::Taxonomy;

fn entry(name: &str, text: &str, language: Option<Language>) -> Entry {
    let file = SourceFile::from_bytes(name, text.as_bytes().to_vec());
    rules_of_file(&file, language).unwrap().remove(0)
}

/// A rule for programs on Windows with the items of its selection.
fn sigma(items: &str) -> Entry {
    let items: String = items.lines().map(|line| format!("    {}\n", line.trim_end())).collect();
    entry(
        "rule.yml",
        &format!(
            "title: Probe\nid: 00000001-0000-4000-8000-000000000000\nstatus: test\nlevel: high\n\
             logsource:\n  category: process_creation\n  product: windows\n\
             detection:\n  selection:\n{items}  condition: selection\n"
        ),
        None,
    )
}

fn query(text: &str, language: Language) -> Entry {
    entry("query", text, Some(language))
}

fn converted(entry: &Entry, target: Target) -> Result<Conversion, Vec<Refusal>> {
    convert(&entry.rule, target, &Options::default(), Taxonomy::builtin())
}

/// The condition of a converted query, without what chooses the data.
#[track_caller]
fn condition(entry: &Entry, target: Target) -> String {
    let conversion = converted(entry, target).unwrap_or_else(|found| panic!("{target:?}: {found:?}"));
    assert!(conversion.proof.events >= 50, "{target:?}: {} events", conversion.proof.events);
    let query = conversion.query;
    let behind = match target {
        Target::Eql => query.split_once(" where ").map(|(_, rest)| rest),
        Target::Esql | Target::Kusto => query.split_once("here ").or(query.split_once("HERE ")).map(|(_, rest)| rest),
        Target::Spl => query.strip_prefix("index=*").map(|rest| rest.trim_start_matches(' ')),
        Target::Sigma => {
            query.split_once("  selection:\n    ").map(|(_, rest)| rest.split("\n  condition").next().unwrap())
        }
        Target::Kuery => Some(query.as_str()),
    };
    behind.unwrap_or(&query).trim().to_owned()
}

#[test]
fn every_comparison_of_sigma_has_its_counterpart() {
    use Target::{Eql, Esql, Kusto, Spl};
    for (items, target, expected) in [
        ("CommandLine: 'a b'", Eql, "process.command_line : \"a b\""),
        ("CommandLine|contains: 'a b'", Eql, "process.command_line : \"*a b*\""),
        ("CommandLine|cased: 'Ab'", Eql, "process.command_line == \"Ab\""),
        ("CommandLine|contains|cased: 'Ab'", Eql, "process.command_line like \"*Ab*\""),
        ("CommandLine: 'a\\*b'", Eql, "process.command_line in~ (\"a*b\")"),
        ("CommandLine|contains: 'a\\?b'", Eql, "stringContains~(process.command_line, \"a?b\")"),
        ("CommandLine|re: '^a\\d+b'", Eql, "process.command_line regex \"\"\"a\\d+b.*\"\"\""),
        ("CommandLine|re|i: 'a$'", Eql, "process.command_line regex~ \".*a\""),
        ("DestinationIp|cidr: '10.0.0.0/8'", Eql, "cidrMatch(destination.ip, \"10.0.0.0/8\")"),
        ("ProcessId|gte: 5", Eql, "process.pid >= 5"),
        ("CommandLine: null", Eql, "not process.command_line != null"),
        ("CommandLine|exists: true", Eql, "process.command_line != null"),
        ("CommandLine: ''", Eql, "process.command_line : \"\""),
        ("CommandLine: 'a*b?c'", Esql, "TO_LOWER(process.command_line) LIKE \"a*b?c\""),
        ("CommandLine|contains: 'A\\B'", Esql, "TO_LOWER(process.command_line) LIKE \"\"\"*a\\\\b*\"\"\""),
        ("CommandLine|startswith: 'A'", Esql, "STARTS_WITH(TO_LOWER(process.command_line), \"a\")"),
        ("CommandLine|cased: 'Ab'", Esql, "process.command_line == \"Ab\""),
        ("CommandLine|re|i: 'A[B-C]'", Esql, "TO_LOWER(process.command_line) RLIKE \".*a[b-c].*\""),
        ("CommandLine|contains: 'a b'", Spl, "process=\"*a b*\""),
        ("CommandLine:\n  - 'a'\n  - 'b'", Spl, "process IN (\"a\", \"b\")"),
        ("CommandLine|contains: 'a\\*b'", Spl, "| where match(process, \"(?i)a\\*b\")"),
        ("CommandLine|cased: 'Ab'", Spl, "| where process==\"Ab\""),
        ("CommandLine|re: 'a\\sb'", Spl, "| where match(process, \"a\\sb\")"),
        ("CommandLine|contains: 'a'", Kusto, "ProcessCommandLine contains \"a\""),
        ("CommandLine|cased: 'Ab'", Kusto, "ProcessCommandLine == \"Ab\""),
        (
            "CommandLine|contains:\n  - 'a'\n  - 'b'",
            Kusto,
            "ProcessCommandLine contains \"a\" or ProcessCommandLine contains \"b\"",
        ),
        ("CommandLine: 'a*b?c'", Kusto, "ProcessCommandLine matches regex \"(?i)^a.*b.c$\""),
        ("CommandLine|endswith: '\\a'", Kusto, "ProcessCommandLine endswith @\"\\a\""),
        (
            "CommandLine|contains|windash: ' -a'",
            Target::Kusto,
            "ProcessCommandLine contains \" -a\" or ProcessCommandLine contains \" /a\" or ProcessCommandLine contains \" \u{2013}a\" or ProcessCommandLine contains \" \u{2014}a\" or ProcessCommandLine contains \" \u{2015}a\"",
        ),
        ("CommandLine|base64: 'foo'", Target::Kusto, "ProcessCommandLine =~ \"Zm9v\""),
        ("ProcessId: 5", Kusto, "ProcessId == 5"),
    ] {
        assert_eq!(condition(&sigma(items), target), expected, "{items} in {target:?}");
    }
}

#[test]
fn kuery_is_written_where_case_does_not_count() {
    for (items, expected) in [
        ("CommandLine|contains: 'a (b) and \"c\"'", "process.command_line.caseless: *a \\(b\\) \\and \\\"c\\\"*"),
        ("CommandLine: 'a b'", "process.command_line.caseless: \"a b\""),
        ("CommandLine|cased: 'Ab'", "process.command_line: \"Ab\""),
        ("CommandLine|contains: '12'", "process.command_line: *12*"),
        ("CommandLine|startswith: ' 1'", "process.command_line: \\u00201*"),
    ] {
        assert_eq!(condition(&sigma(items), Target::Kuery), expected, "{items}");
    }
    let refused = converted(&sigma("CommandLine|re: 'a'"), Target::Kuery).unwrap_err();
    assert_eq!(refused[0].kind, RefusalKind::Regex);
    let refused = converted(&sigma("OriginalFileName: 'a?c'"), Target::Kuery).unwrap_err();
    assert_eq!(refused[0].kind, RefusalKind::Operator);
}

#[test]
fn every_comparison_of_other_languages_has_its_counterpart_in_sigma() {
    for (text, language, expected) in [
        ("process where process.name : \"a*\"", Language::Eql, "Image|re|i: '[\\\\/](?:a[^\\\\/]*)$'"),
        (
            "process where process.name : (\"a.exe\", \"b.exe\")",
            Language::Eql,
            "Image|endswith:\n      - '\\a.exe'\n      - '\\b.exe'",
        ),
        (
            "process where process.name : (\"a\", \"b\")",
            Language::Eql,
            "Image|endswith:\n      - '\\a'\n      - '/a'\n      - '\\b'\n      - '/b'",
        ),
        ("process where process.command_line == \"A*\"", Language::Eql, "CommandLine|cased: 'A\\*'"),
        ("process where process.command_line regex~ \".*a.*\"", Language::Eql, "CommandLine|re|i: 'a'"),
        ("process where process.pid >= 5", Language::Eql, "ProcessId|gte: 5"),
        ("index=* process=\"*a*b\"", Language::Spl, "CommandLine: '*a*b'"),
        ("index=* | regex process=\"(?i)a\"", Language::Spl, "CommandLine|re|i: 'a'"),
        ("index=* src_ip=10.0.0.0/8", Language::Spl, "SourceIp|cidr: '10.0.0.0/8'"),
        (
            "DeviceProcessEvents | where ProcessCommandLine has \"a\"",
            Language::Kusto,
            "CommandLine|re|i: '(?:^|[^\\p{L}\\p{N}])a(?:[^\\p{L}\\p{N}]|$)'",
        ),
        ("DeviceProcessEvents | where isnotempty(ProcessCommandLine)", Language::Kusto, "CommandLine: '?*'"),
        (
            "DeviceProcessEvents | where ProcessCommandLine in (\"A\", \"B\")",
            Language::Kusto,
            "CommandLine|cased:\n      - 'A'\n      - 'B'",
        ),
    ] {
        let found = condition(&query(text, language), Target::Sigma);
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn negation_keeps_what_a_missing_field_is() {
    // Sigma's negation holds without the field; a null of ES|QL does not.
    let rule = entry(
        "rule.yml",
        "title: Probe\nlogsource:\n  category: process_creation\n  product: windows\ndetection:\n  selection:\n    \
         Image|endswith: '\\a.exe'\n  filter:\n    CommandLine|contains: 'b'\n    ParentImage|endswith: '\\c.exe'\n  \
         condition: selection and not filter\n",
        None,
    );
    for (target, expected) in [
        (
            Target::Eql,
            "process.executable : \"*\\\\a.exe\" and not (process.command_line : \"*b*\" and process.parent.executable : \"*\\\\c.exe\")",
        ),
        (
            Target::Esql,
            "ENDS_WITH(TO_LOWER(process.executable), \"\\\\a.exe\") AND (process.command_line IS NULL OR NOT TO_LOWER(process.command_line) LIKE \"*b*\" OR process.parent.executable IS NULL OR NOT ENDS_WITH(TO_LOWER(process.parent.executable), \"\\\\c.exe\"))",
        ),
        (Target::Spl, "process_path=\"*\\\\a.exe\" NOT (process=\"*b*\" parent_process_path=\"*\\\\c.exe\")"),
        (
            Target::Kusto,
            "FolderPath endswith @\"\\a.exe\" and not(ProcessCommandLine contains \"b\" and InitiatingProcessFolderPath endswith @\"\\c.exe\")",
        ),
    ] {
        assert_eq!(condition(&rule, target), expected, "{target:?}");
    }
    let esql = query("FROM logs-* | WHERE process.command_line != \"a\"", Language::Esql);
    let text = converted(&esql, Target::Sigma).unwrap().query;
    assert!(text.contains("CommandLine|exists: true") && text.contains("not filter"), "{text}");
}

#[test]
fn rules_that_one_event_does_not_decide_are_refused() {
    for (text, language, kind) in [
        (
            "sequence by host.id [process where process.name : \"a\"] [file where file.name : \"b\"]",
            Language::Eql,
            RefusalKind::Stateful,
        ),
        ("index=* process=\"*a*\" | stats count by host | where count > 5", Language::Spl, RefusalKind::Computed),
        (
            "DeviceProcessEvents | where unknown_function(ProcessCommandLine)",
            Language::Kusto,
            RefusalKind::NotUnderstood,
        ),
        ("DeviceProcessEvents | where strlen(ProcessCommandLine) > 5", Language::Kusto, RefusalKind::Computed),
        ("process where", Language::Eql, RefusalKind::NotUnderstood),
    ] {
        let entry = query(text, language);
        for target in Target::ALL {
            let refused = converted(&entry, target).unwrap_err();
            assert_eq!(refused[0].kind, kind, "{text} to {target:?}: {refused:?}");
            assert!(!refused[0].why.is_empty());
        }
        assert!(undecidable(&entry.rule).is_some(), "{text}");
    }
    let opaque = query("DeviceProcessEvents | where unknown_function(ProcessCommandLine)", Language::Kusto);
    let refused = converted(&opaque, Target::Sigma).unwrap_err();
    let part = refused[0].span.unwrap().of(&opaque.rule.query).unwrap();
    assert!(part.contains("unknown_function"), "{part}");
}

#[test]
fn a_rule_of_300_kilobytes_is_refused_at_once() {
    let long = format!("process where process.command_line : \"{}\"", "a".repeat(300_000));
    let many: Vec<String> = (0..30_000).map(|number| format!("\"value {number}\"")).collect();
    let many = format!("process where process.command_line in~ ({})", many.join(", "));
    for text in [long, many] {
        let entry = query(&text, Language::Eql);
        for target in Target::ALL.into_iter().filter(|target| *target != Target::Eql) {
            let refused = converted(&entry, target).unwrap_err();
            assert!(
                matches!(refused[0].kind, RefusalKind::TooLarge | RefusalKind::NotUnderstood),
                "{:?}",
                refused[0].kind
            );
            assert!(refused[0].span.is_some() || entry.rule.parse != ParseStatus::Full);
        }
    }
}

#[test]
fn fields_have_the_names_of_the_target_or_of_the_user() {
    let rule = sigma("NoSuchField: 'a'");
    let conversion = converted(&rule, Target::Eql).unwrap();
    assert!(
        conversion.fields.iter().any(|field| field.to == "NoSuchField" && !field.mapped),
        "{:?}",
        conversion.fields
    );
    assert!(conversion.notes.iter().any(|note| note.contains("NoSuchField")), "{:?}", conversion.notes);
    let options = Options::read("NoSuchField = \"my.field\"\nCommandLine = \"cmd\"").unwrap();
    let named = convert(&rule.rule, Target::Eql, &options, Taxonomy::builtin()).unwrap();
    assert_eq!(named.query, "process where my.field : \"a\"");
    assert!(named.fields.iter().all(|field| field.mapped));
    let canonical = sigma("CommandLine: 'a'");
    let named = convert(&canonical.rule, Target::Kuery, &options, Taxonomy::builtin()).unwrap_err();
    assert_eq!(named[0].kind, RefusalKind::Case, "the user's name is no caseless one");
    assert!(Options::read("a = 1").is_err_and(|error| error.to_string().contains("`a`")));
    assert!(Options::read("a = [").is_err());
}

#[test]
fn what_the_log_source_says_is_left_out() {
    let rule = entry(
        "rule.toml",
        "[metadata]\ncreation_date = \"2024/01/01\"\n[rule]\nname = \"Probe\"\nrule_id = \"00000001-0000-4000-8000-000000000000\"\n\
         description = \"x\"\nrisk_score = 1\nseverity = \"low\"\ntype = \"eql\"\nlanguage = \"eql\"\nindex = [\"logs-endpoint.events.process-*\"]\n\
         query = '''\nprocess where host.os.type == \"windows\" and event.type == \"start\" and process.command_line : \"*a*\"\n'''\n",
        None,
    );
    let conversion = converted(&rule, Target::Sigma).unwrap();
    assert!(
        conversion.query.contains("category: process_creation") && conversion.query.contains("product: windows"),
        "{}",
        conversion.query
    );
    assert!(!conversion.query.contains("host.os.type"), "{}", conversion.query);
    assert_eq!(conversion.notes.iter().filter(|note| note.contains("said by the log source")).count(), 2);
}
