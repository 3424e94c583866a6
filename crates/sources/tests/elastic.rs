//! Elastic's rule files: what stands beside a query, filters, hunts.

use ruleatlas_model::{
    Condition, DataSource, Kind, Language, Node, ParseStatus, Rule, Severity, SourceKind as Named, Status, Vendor,
};
use ruleatlas_sources::{Outcome, RawTag, SourceFile, format_of};

struct Read {
    rule: Rule,
    tags: Vec<RawTag>,
    sources: Vec<DataSource>,
}

#[allow(clippy::expect_used)]
fn read(path: &str, text: &str) -> (Vec<Read>, Outcome) {
    let format = format_of(Vendor::Elastic, |_, _| false);
    let mut read = Vec::new();
    let file = SourceFile::from_bytes(path, text.as_bytes().to_vec());
    let outcome = format.read(&file, &mut |draft| {
        assert!(draft.tree.is_none());
        read.push(Read { rule: draft.rule, tags: draft.tags, sources: draft.sources });
    });
    (read, outcome)
}

fn one(path: &str, text: &str) -> Read {
    let (mut read, outcome) = read(path, text);
    assert_eq!((read.len(), outcome), (1, Outcome::Rules));
    read.remove(0)
}

const RULE: &str = r#"[metadata]
creation_date = "2025/01/02"
updated_date = "2026/03/04"
maturity = "production"
integration = ["endpoint", "windows"]
bypass_bbr_timing = true

[rule]
author = ["One", "Two"]
description = """
Tells of something.
"""
false_positives = ["Backup"]
index = ["logs-endpoint.events.process-*", "winlogbeat-*"]
language = "eql"
license = "Elastic License v2"
name = "Something runs"
references = ["https://example.org/a"]
risk_score = 47
rule_id = "11111111-2222-3333-4444-555555555555"
severity = "medium"
tags = ["Domain: Endpoint", "OS: Windows"]
type = "eql"
note = "Look twice."
query = '''
process where process.name : "a.exe" and
  process.args : "\\b"
'''

[rule.alert_suppression]
group_by = ["host.id"]

[[rule.threat]]
framework = "MITRE ATT&CK"
[[rule.threat.technique]]
id = "T1003"
[[rule.threat.technique.subtechnique]]
id = "T1003.001"
[rule.threat.tactic]
id = "TA0006"

[[rule.threat]]
framework = "MITRE ATT&CK"
[rule.threat.tactic]
id = "TA0002"
"#;

#[test]
fn metadata_is_kept_by_its_meaning_and_the_rest_by_its_name() {
    let Read { rule, tags, sources } = one("rules/windows/something.toml", RULE);
    assert_eq!(rule.id, "elastic/11111111-2222-3333-4444-555555555555");
    assert_eq!((rule.title.as_str(), rule.description.as_str()), ("Something runs", "Tells of something."));
    assert_eq!((rule.kind, rule.status, rule.severity), (Kind::Rule, Some(Status::Stable), Some(Severity::Medium)));
    assert_eq!((rule.date.as_deref(), rule.modified.as_deref()), (Some("2025-01-02"), Some("2026-03-04")));
    assert_eq!(rule.authors, ["One", "Two"]);
    assert_eq!(rule.license.as_deref(), Some("Elastic License v2"));
    assert_eq!((rule.references.len(), rule.false_positives.as_slice()), (1, &["Backup".to_owned()][..]));
    assert_eq!(rule.tags, ["Domain: Endpoint", "OS: Windows"]);
    assert_eq!(rule.language, Language::Eql);
    assert_eq!(rule.query, "process where process.name : \"a.exe\" and\n  process.args : \"\\\\b\"\n");
    assert!(rule.conditions.is_empty() && rule.diagnostics.is_empty(), "{:?}", rule.diagnostics);
    assert_eq!(rule.extra.get("risk_score").unwrap(), 47);
    assert_eq!(rule.extra.get("type").unwrap(), "eql");
    assert_eq!(rule.extra.get("note").unwrap(), "Look twice.");
    assert_eq!(rule.extra.get("bypass_bbr_timing").unwrap(), true);
    assert_eq!(rule.extra.get("alert_suppression").unwrap()["group_by"][0], "host.id");
    assert!(!rule.extra.has("query") && !rule.extra.has("threat"));

    let tags: Vec<_> = tags.iter().map(|tag| (tag.text.as_str(), tag.line, tag.inferred)).collect();
    assert_eq!(tags, [("TA0006", 40, false), ("T1003", 36, false), ("T1003.001", 38, false), ("TA0002", 45, false)]);
    let sources: Vec<_> = sources.iter().map(|source| (source.kind, source.name.as_str())).collect();
    assert_eq!(
        sources,
        [
            (Named::Index, "logs-endpoint.events.process-*"),
            (Named::Index, "winlogbeat-*"),
            (Named::Integration, "endpoint"),
            (Named::Integration, "windows"),
            (Named::Platform, "windows"),
        ]
    );
}

#[test]
fn status_and_kind_follow_the_file() {
    let deprecated = one("rules/_deprecated/something.toml", RULE);
    assert_eq!(deprecated.rule.status, Some(Status::Deprecated));
    for (maturity, status) in
        [("development", Some(Status::Experimental)), ("deprecated", Some(Status::Deprecated)), ("ripe", None)]
    {
        let text = RULE.replace("\"production\"", &format!("\"{maturity}\""));
        let rule = one("rules/something.toml", &text).rule;
        assert_eq!(rule.status, status, "{maturity}");
        assert_eq!(rule.diagnostics.len(), usize::from(status.is_none()));
    }
    let text = RULE.replace("[rule]\n", "[rule]\nbuilding_block_type = \"default\"\n");
    assert_eq!(one("rules_building_block/something.toml", &text).rule.kind, Kind::BuildingBlock);
}

#[test]
fn a_rule_without_an_id_goes_by_its_path() {
    let text = RULE.replace("rule_id = \"11111111-2222-3333-4444-555555555555\"\n", "");
    let rule = one("rules/something.toml", &text).rule;
    assert_eq!(rule.id, "elastic/rules/something.toml");
    assert_eq!(rule.diagnostics[0].code, "no id");
}

fn small(lines: &str) -> Rule {
    one("a.toml", &format!("[rule]\nrule_id = \"x\"\nname = \"n\"\n{lines}\n")).rule
}

#[test]
fn the_language_is_the_one_named_else_that_of_the_type() {
    for (lines, language) in [
        ("type = \"eql\"\nquery = \"any where true\"", Language::Eql),
        ("type = \"esql\"\nlanguage = \"esql\"\nquery = \"from a\"", Language::Esql),
        ("type = \"threshold\"\nlanguage = \"lucene\"\nquery = \"a:b\"", Language::Lucene),
        ("type = \"query\"\nquery = \"a:b\"", Language::Kuery),
        ("type = \"threat_match\"\nlanguage = \"kuery\"\nquery = \"a:*\"\nthreat_query = \"b:*\"", Language::Kuery),
    ] {
        let rule = small(lines);
        assert_eq!(rule.language, language, "{lines}");
        assert!(!rule.query.is_empty() && rule.diagnostics.is_empty(), "{lines}");
    }
}

#[test]
fn a_job_has_no_query_and_an_unknown_language_is_said() {
    let rule = small("type = \"machine_learning\"\nmachine_learning_job_id = \"j\"");
    assert_eq!((rule.query.as_str(), rule.parse), ("", ParseStatus::NoQuery));
    assert_eq!(rule.extra.get("machine_learning_job_id").unwrap(), "j");

    let rule = small("language = \"klingon\"\nquery = \"nuqneH\"");
    assert_eq!((rule.query.as_str(), rule.parse), ("", ParseStatus::Failed));
    assert_eq!(rule.extra.get("query").unwrap(), "nuqneH");
    assert_eq!(rule.diagnostics[0].line, Some(5));
}

/// The tree of a rule's filters: `field op value`, `!` for not, `?` for what was not understood.
fn filters(lines: &str) -> (String, Rule) {
    fn show(node: &Node) -> String {
        let list = |children: &[Node]| children.iter().map(show).collect::<Vec<_>>().join(" ");
        match node {
            Node::All(children) => format!("all({})", list(children)),
            Node::Any(children) => format!("any({})", list(children)),
            Node::Not(child) => format!("!{}", show(child)),
            Node::Predicate(predicate) => {
                let case = if predicate.case_sensitive { " cs" } else { "" };
                let modifier = predicate.modifiers.text().map_or(String::new(), |text| format!(" {text}"));
                assert_eq!((predicate.span.start, predicate.span.end), (3, 3));
                format!("[{} {} {}{case}{modifier}]", predicate.raw_field, predicate.op, predicate.values.join(","))
            }
            Node::Opaque(opaque) => format!("?{}", opaque.reason),
        }
    }
    let rule = small(&format!("query = \"a:b\"\n{lines}"));
    let shown: Vec<String> = rule.conditions.iter().map(|Condition { root, .. }| show(root)).collect();
    (shown.join(" / "), rule)
}

#[test]
fn filters_beside_a_query_are_conditions() {
    for (lines, expected) in [
        ("filters = []", ""),
        (
            "[[rule.filters]]\n[rule.filters.meta]\nnegate = true\n[rule.filters.query.wildcard.\"file.path\"]\n\
             case_insensitive = true\nvalue = '?:\\\\Temp\\\\*.ps1'",
            "![file.path wildcard ?:\\Temp\\*.ps1]",
        ),
        ("filters = [{query = {wildcard = {f = {value = '*x*'}}}}]", "[f contains x cs]"),
        ("filters = [{query = {wildcard = {f = '*'}}}]", "[f is_not_null ]"),
        ("filters = [{query = {match_phrase = {f = 'v'}}}]", "[f eq v cs]"),
        ("filters = [{query = {match_phrase = {f = {query = 'v w'}}}}]", "[f eq v w cs]"),
        ("filters = [{query = {term = {f = {value = 4}}}}]", "[f eq 4 cs]"),
        ("filters = [{query = {terms = {f = ['a', 'b'], boost = 1.0}}}]", "[f in a,b cs]"),
        ("filters = [{query = {prefix = {f = {value = 'a', case_insensitive = true}}}}]", "[f starts_with a]"),
        ("filters = [{query = {regexp = {f = 'a.*'}}}]", "[f regex_match a.* cs anchored]"),
        ("filters = [{query = {exists = {field = 'f'}}, meta = {negate = true}}]", "![f is_not_null ]"),
        ("filters = [{exists = {field = 'f'}, meta = {}, '$state' = {store = 'appState'}}]", "[f is_not_null ]"),
        ("filters = [{range = {f = {gte = 1, lt = 9}}, meta = {}}]", "all([f gte 1] [f lt 9])"),
        ("filters = [{query = {range = {'@timestamp' = {gte = 'now-1d'}}}}]", "all()"),
        (
            "filters = [{query = {bool = {should = [{term = {f = 'a'}}, {term = {g = 'b'}}], \
             minimum_should_match = 1, must_not = {term = {h = 'c'}}}}}]",
            "all(![h eq c cs] any([f eq a cs] [g eq b cs]))",
        ),
        (
            "filters = [{query = {bool = {should = [{term = {f = 'a'}}], filter = [{term = {g = 'b'}}]}}}]",
            "[g eq b cs]",
        ),
        ("filters = [{query = {term = {f = 'a'}}}, {query = {term = {g = 'b'}}}]", "all([f eq a cs] [g eq b cs])"),
        ("filters = [{meta = {disabled = true}, query = {term = {f = 'a'}}}]", ""),
        ("filters = [{query = {script = {source = 'x'}}}]", "?filter: clause of the query DSL is not known"),
        ("filters = [{meta = {}}]", "?filter: filter without a query"),
        ("filters = ['text']", "?filter: filter is no table"),
    ] {
        let (shown, rule) = filters(lines);
        assert_eq!(shown, expected, "{lines}");
        assert_eq!(rule.query, "a:b");
    }
    let (_, rule) = filters("filters = [{query = {wildcard = {f = 'C:\\Temp'}}}]");
    assert_eq!(rule.diagnostics[0].code, "backslash lost in a filter");
    let (_, rule) = filters("filters = [{meta = {disabled = true}, query = {term = {f = 'a'}}}]");
    assert_eq!(rule.diagnostics[0].code, "filter switched off");
    assert_eq!(rule.extra.get("filters").unwrap()[0]["meta"]["disabled"], true);
}

#[test]
fn deep_filters_end() {
    let mut query = "{term = {f = 'a'}}".to_owned();
    for _ in 0..36 {
        query = format!("{{bool = {{must = {query}}}}}");
    }
    let (shown, _) = filters(&format!("filters = [{{query = {query}}}]"));
    assert_eq!(shown, "?filter: query is nested too deeply");
}

const HUNT: &str = r#"[hunt]
author = "One, Two"
description = "Looks for something."
integration = ["endpoint"]
uuid = "99999999-0000-0000-0000-000000000000"
name = "Something rare"
language = ["ES|QL", "EQL", "SQL"]
license = "Elastic License v2"
notes = ["Look twice."]
mitre = ["T1059.004", "T1071"]
query = [
'''
// a comment
FROM logs-endpoint.events.*
''',
'''sql
/* a comment */ select * from processes;
''',
'''
process where true
''',
]
"#;

#[test]
fn every_query_of_a_hunt_is_a_rule() {
    let (read, outcome) = read("hunting/linux/queries/rare.toml", HUNT);
    assert_eq!(outcome, Outcome::Rules);
    let shown: Vec<_> = read
        .iter()
        .map(|Read { rule, .. }| {
            (rule.id.rsplit_once('#').map(|(_, n)| n), rule.language, rule.query.as_str(), rule.line)
        })
        .collect();
    assert_eq!(
        shown,
        [
            (Some("0"), Language::Esql, "// a comment\nFROM logs-endpoint.events.*\n", 12),
            (Some("1"), Language::Esql, "", 16),
            (Some("2"), Language::Eql, "process where true\n", 19),
        ]
    );
    assert_eq!(read[1].rule.diagnostics[0].code, "SQL of osquery");
    assert_eq!(read[1].rule.extra.get("query").unwrap(), "/* a comment */ select * from processes;\n");
    for Read { rule, tags, sources } in &read {
        assert!(rule.id.starts_with("elastic/99999999-0000-0000-0000-000000000000#"));
        assert_eq!((rule.kind, rule.authors.len()), (Kind::Hunting, 2));
        assert_eq!(rule.extra.get("notes").unwrap()[0], "Look twice.");
        assert_eq!(
            tags.iter().map(|tag| (tag.text.as_str(), tag.line)).collect::<Vec<_>>(),
            [("T1059.004", 10), ("T1071", 10)]
        );
        assert_eq!(
            sources,
            &[DataSource::new(Named::Integration, "endpoint"), DataSource::new(Named::Platform, "linux")]
        );
    }
    let (read, _) = self::read("a.toml", "[hunt]\nuuid = \"u\"\nquery = \"from a\"\n");
    assert_eq!(read[0].rule.id, "elastic/u");
}

#[test]
fn files_that_hold_no_rule_say_why() {
    for (path, text, reason) in [
        ("a.md", "[rule]", "a kind of file that holds no rules"),
        ("a.toml", "[other]\nkey = 1\n", "neither a rule nor a hunt in it"),
        ("a.toml", "", "neither a rule nor a hunt in it"),
        ("a.toml", "[hunt]\nname = \"n\"\n", "a hunt without a query"),
    ] {
        assert_eq!(read(path, text).1, Outcome::NotARule(reason.into()), "{text}");
    }
    let (_, outcome) = read("a.toml", "[rule]\nname = \"n\"\nname = \"m\"\n");
    assert!(matches!(outcome, Outcome::Unreadable(_, Some(3))), "{outcome:?}");
    let (_, outcome) = read("a.toml", &format!("a = {}", "[".repeat(100_000)));
    assert!(matches!(outcome, Outcome::Unreadable(..)), "{outcome:?}");
}

#[test]
fn odd_values_do_no_harm() {
    for key in ["name", "query", "index", "threat", "filters", "tags", "severity", "rule_id", "language", "author"] {
        for value in ["1", "true", "[]", "[[1], {}]", "{}", "{a = {b = 1}}", "2020-01-01", "1.5", "nan", "0xff", "''"] {
            let text = format!("[metadata]\nintegration = {value}\nmaturity = {value}\n[rule]\n{key} = {value}\n");
            assert_eq!(read("a.toml", &text).0.len(), 1, "{text}");
            read("a.toml", &format!("[hunt]\n{key} = {value}\nmitre = {value}\nuuid = {value}\n"));
        }
    }
}
