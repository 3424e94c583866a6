//! Elastic's rules in the layouts beside that of its repository: the endpoint's, Kibana's export, its API, YAML.

use ruleatlas_model::{DataSource, Kind, Language, Node, ParseStatus, Rule, Severity, SourceKind as Named, Vendor};
use ruleatlas_sources::{Outcome, SourceFile, format_of};

struct Read {
    rule: Rule,
    tags: Vec<String>,
    sources: Vec<DataSource>,
}

#[allow(clippy::expect_used)]
fn read(path: &str, text: &str) -> (Vec<Read>, Outcome) {
    let format = format_of(Vendor::Elastic, |_, _| false);
    let mut read = Vec::new();
    let file = SourceFile::from_bytes(path, text.as_bytes().to_vec());
    let outcome = format.read(&file, &mut |draft| {
        let tags = draft.tags.into_iter().map(|tag| tag.text).collect();
        read.push(Read { rule: draft.rule, tags, sources: draft.sources });
    });
    (read, outcome)
}

fn ids(read: &[Read]) -> Vec<&str> {
    read.iter().map(|read| read.rule.id.as_str()).collect()
}

fn codes(rule: &Rule) -> Vec<&str> {
    rule.diagnostics.iter().map(|diagnostic| diagnostic.code.as_ref()).collect()
}

const ENDPOINT: &str = r#"[rule]
description = "Example of a behaviour rule."
id = "11111111-2222-4333-8444-777777777777"
license = "none"
name = "Example"
os_list = ["windows", "macos"]
reference = ["https://docs.example/one"]
version = "1.0.1"
query = '''
process where event.action == "start" and process.name : "probe.exe"
'''
min_endpoint_version = "8.10.0"
optional_actions = []

[[actions]]
action = "kill_process"
field = "process.entity_id"
state = 0

[[threat]]
framework = "MITRE ATT&CK"
[[threat.technique]]
id = "T1003"
name = "OS Credential Dumping"
[[threat.technique.subtechnique]]
id = "T1003.001"
[threat.tactic]
id = "TA0006"

[internal]
min_endpoint_version = "8.10.0"
"#;

#[test]
fn a_behaviour_rule_of_the_endpoint_is_read() {
    let (read, outcome) = read("behavior/rules/windows/example.toml", ENDPOINT);
    assert_eq!((read.len(), outcome), (1, Outcome::Rules));
    let Read { rule, tags, sources } = &read[0];
    assert_eq!(rule.id, "elastic/11111111-2222-4333-8444-777777777777");
    assert_eq!((rule.language, rule.title.as_str()), (Language::Eql, "Example"));
    assert_eq!(rule.references, ["https://docs.example/one"]);
    assert_eq!(tags, &["TA0006", "T1003", "T1003.001"]);
    assert_eq!(
        sources,
        &[
            DataSource::new(Named::Integration, "endpoint"),
            DataSource::new(Named::Platform, "windows"),
            DataSource::new(Named::Platform, "macos"),
        ]
    );
    assert!(rule.diagnostics.is_empty(), "{:?}", rule.diagnostics);
    assert_eq!(rule.extra.get("actions").unwrap()[0]["action"], "kill_process");
    assert_eq!(rule.extra.get("internal").unwrap()["min_endpoint_version"], "8.10.0");
    assert!(!rule.extra.has("id") && !rule.extra.has("threat") && !rule.extra.has("os_list"));
}

#[test]
fn without_language_and_type_the_text_decides() {
    for (query, language) in [
        ("sequence by host.id [process where true] [file where true]", Language::Eql),
        ("// of\nfile where true", Language::Eql),
        ("from logs-* | limit 3", Language::Esql),
        ("event.action:start and not user.id:7", Language::Kuery),
    ] {
        let text = format!("[rule]\nname = \"n\"\nid = \"i\"\nquery = '''\n{query}'''\n");
        assert_eq!(read("a.toml", &text).0[0].rule.language, language, "{query}");
        let text = text.replace("[rule]\n", "[rule]\ntype = \"query\"\n");
        assert_eq!(read("a.toml", &text).0[0].rule.language, Language::Kuery, "{query}");
    }
}

const EXPORT: &str = concat!(
    r#"{"id":"a1","name":"First","rule_id":"r-1","type":"query","language":"kuery","query":"a:b","risk_score":47,"severity":"high","enabled":false,"#,
    r#""index":["logs-*"],"created_at":"2025-03-04T01:02:03.000Z","updated_at":"2026-03-04T01:02:03.000Z","author":["One"],"references":["https://docs.example"],"#,
    r#""threat":[{"framework":"MITRE ATT&CK","tactic":{"id":"TA0002"},"technique":[{"id":"T1059","subtechnique":[{"id":"T1059.001"}]}]}],"building_block_type":null,"#,
    r#""filters":[{"meta":{"negate":true},"query":{"term":{"f":"x"}}}],"#,
    r#""related_integrations":[{"package":"system","version":"^1"}],"#,
    r#""exceptions_list":[{"id":"l","list_id":"list-1","type":"detection","namespace_type":"single"},{"id":"m","list_id":"gone","type":"detection"}]}"#,
    "\r\n\n",
    r#"{"name":"Second","rule_id":"r-2","type":"threshold","query":"c:d","threshold":{"field":["user.id"],"value":5},"data_view_id":"dv"}"#,
    "\n",
    r#"{"name":"Third","rule_id":"r-3","type":"machine_learning","machine_learning_job_id":["j"]}"#,
    "\n",
    r#"{"list_id":"list-1","type":"detection","name":"Exceptions of the first"}"#,
    "\n",
    r#"{"list_id":"list-1","item_id":"i1","type":"simple","name":"known","entries":[{"field":"user.name","operator":"included","type":"match","value":"ada"},{"field":"host.name","operator":"excluded","type":"match_any","value":["x","y"]}]}"#,
    "\n",
    r#"{"list_id":"list-1","item_id":"i2","type":"simple","name":"more","entries":[{"field":"process.executable","operator":"included","type":"wildcard","value":"/opt/*"}]}"#,
    "\n",
    r#"{"list_id":"list-1","item_id":"i3","type":"simple","name":"nested","entries":[{"field":"process.parent","type":"nested","entries":[{"field":"name","operator":"included","type":"match","value":"p"}]},{"field":"source.ip","operator":"included","type":"list","list":{"id":"nets","type":"ip"}},{"field":"g","operator":"included","type":"exists"}]}"#,
    "\n",
    r#"{"exported_count":6,"exported_rules_count":3,"missing_rules":[],"exported_exception_list_count":1}"#,
    "\n",
);

/// The tree of what stands beside a query.
fn beside(rule: &Rule) -> String {
    fn show(node: &Node) -> String {
        let list = |children: &[Node]| children.iter().map(show).collect::<Vec<_>>().join(" ");
        match node {
            Node::All(children) => format!("all({})", list(children)),
            Node::Any(children) => format!("any({})", list(children)),
            Node::Not(child) => format!("!{}", show(child)),
            Node::Predicate(predicate) => {
                format!("[{} {} {}]", predicate.raw_field, predicate.op, predicate.values.join(","))
            }
            Node::Opaque(opaque) => format!("?{}", opaque.reason),
        }
    }
    rule.conditions.iter().map(|condition| show(&condition.root)).collect::<Vec<_>>().join(" / ")
}

#[test]
fn an_export_of_kibana_is_read_with_its_exceptions() {
    let (read, outcome) = read("export.ndjson", EXPORT);
    assert_eq!(outcome, Outcome::Rules);
    assert_eq!(ids(&read), ["elastic/r-1", "elastic/r-2", "elastic/r-3"]);
    let Read { rule, tags, sources } = &read[0];
    assert_eq!((rule.language, rule.severity, rule.kind), (Language::Kuery, Some(Severity::High), Kind::Rule));
    assert_eq!((rule.date.as_deref(), rule.modified.as_deref()), (Some("2025-03-04"), Some("2026-03-04")));
    assert_eq!(tags, &["TA0002", "T1059", "T1059.001"]);
    assert_eq!(sources, &[DataSource::new(Named::Index, "logs-*"), DataSource::new(Named::Integration, "system")]);
    assert_eq!(
        beside(rule),
        "all(![f eq x] !all([user.name eq ada] ![host.name in x,y]) ![process.executable starts_with /opt/] \
         !all([process.parent.name eq p] [source.ip in_list nets] [g is_not_null ]))"
    );
    assert_eq!(codes(rule), ["exception list not in the file"]);
    assert_eq!((rule.extra.get("risk_score").unwrap(), rule.extra.get("id").unwrap()), (47.into(), "a1".into()));
    assert_eq!(rule.extra.get("enabled").unwrap(), false);
    assert_eq!((read[1].rule.line, read[2].rule.line), (3, 4));
    assert_eq!(read[1].rule.extra.get("threshold").unwrap()["value"], 5);
    assert_eq!(read[1].rule.extra.get("data_view_id").unwrap(), "dv");
    assert_eq!(read[2].rule.parse, ParseStatus::NoQuery);
}

#[test]
fn a_line_that_is_cut_off_is_a_rule_that_failed() {
    let cut = &EXPORT[..EXPORT.find("\"threshold\":{").unwrap() + 20];
    let (read, outcome) = read("export.ndjson", cut);
    assert_eq!((outcome, ids(&read)), (Outcome::Rules, vec!["elastic/r-1", "elastic/export.ndjson:3"]));
    assert_eq!((read[1].rule.parse, codes(&read[1].rule)), (ParseStatus::Failed, vec!["record not read"]));
    let (read, outcome) = self::read("export.ndjson", "{\"name\":\n");
    assert!(read.is_empty() && matches!(outcome, Outcome::Unreadable(_, Some(1))), "{outcome:?}");
}

const ONE: &str = r#"{"name": "n", "rule_id": "r", "type": "eql", "query": "any where true"}"#;

#[test]
fn answers_of_the_api_are_read() {
    let two = ONE.replace("\"r\"", "\"s\"");
    for (name, text) in [
        ("one.json", format!("{ONE}\n")),
        ("bom.json", format!("\u{feff}{ONE}")),
        ("object.json", format!("{{\"id\": \"k\", \"type\": \"security-rule\", \"attributes\": {ONE}}}")),
        ("wrapped.json", format!("{{\"metadata\": {{\"maturity\": \"production\"}}, \"rule\": {ONE}}}")),
    ] {
        let (read, outcome) = read(name, &text);
        assert_eq!((outcome, ids(&read)), (Outcome::Rules, vec!["elastic/r"]), "{name}");
        assert_eq!((read[0].rule.language, read[0].rule.line), (Language::Eql, 1));
    }
    for (name, text) in [
        ("list.json", format!("[\n{ONE},\n{two}]")),
        ("data.json", format!("{{\"page\": 1, \"perPage\": 20, \"total\": 2, \"data\": [\n{ONE},\n{two}]}}")),
        ("rules.json", format!("{{\"rules\": [\n{ONE},\n{two}]}}")),
        ("lines.json", format!("\n{ONE}\n{two}\n")),
    ] {
        let (read, outcome) = read(name, &text);
        assert_eq!((outcome, ids(&read)), (Outcome::Rules, vec!["elastic/r", "elastic/s"]), "{name}");
        assert_eq!((read[0].rule.line, read[1].rule.line), (2, 3), "{name}");
    }
    let marked = ONE.replace("\"r\"", "\"r#2\"");
    let (read, _) = read("twice.json", &format!("[{ONE}, {marked}, {ONE}]"));
    assert_eq!(ids(&read), ["elastic/r", "elastic/r#2", "elastic/r#3"]);
}

#[test]
fn filters_decide_where_the_query_is_empty() {
    let rule = |filters: &str| {
        format!("{{\"name\": \"n\", \"rule_id\": \"r\", \"type\": \"query\", \"query\": \"\", \"filters\": {filters}}}")
    };
    let (read, _) = read("a.json", &rule("[{\"meta\": {}, \"query\": {\"term\": {\"f\": \"x\"}}}]"));
    assert_eq!((read[0].rule.query.as_str(), beside(&read[0].rule).as_str()), ("*", "[f eq x]"));
    assert_eq!(codes(&read[0].rule), ["empty query"]);
    let (read, _) = self::read("a.json", &rule("[]"));
    assert_eq!((read[0].rule.query.as_str(), read[0].rule.parse), ("", ParseStatus::NoQuery));
}

#[test]
fn rules_in_yaml_are_read() {
    let one = "name: n\nrule_id: r\ntype: query\nquery: |\n  a:b\nrisk_score: 21\nenabled: true\nthreat:\n- technique:\n  - id: T1059\n";
    let list =
        format!("- {}\n- name: m\n  rule_id: s\n  query: process where true\n", one.trim().replace('\n', "\n  "));
    let (read, outcome) = read("one.yml", one);
    assert_eq!((outcome, ids(&read)), (Outcome::Rules, vec!["elastic/r"]));
    assert_eq!((read[0].rule.query.as_str(), &read[0].tags[..]), ("a:b\n", &["T1059".to_owned()][..]));
    assert_eq!(read[0].rule.extra.get("risk_score").unwrap(), 21);
    assert_eq!(read[0].rule.extra.get("enabled").unwrap(), true);
    for text in [
        list.clone(),
        format!("rules:\n{list}"),
        format!("---\n{one}---\nname: m\nrule_id: s\nquery: process where true\n"),
    ] {
        let (read, outcome) = self::read("list.yaml", &text);
        assert_eq!((outcome, ids(&read)), (Outcome::Rules, vec!["elastic/r", "elastic/s"]), "{text}");
        assert_eq!(read[1].rule.language, Language::Eql);
    }
}

#[test]
fn files_without_a_rule_say_so() {
    for (path, text) in [
        ("a.json", "{\"query\": 1}"),
        ("a.json", "[]"),
        ("a.json", "{\"a\": \"query\"}"),
        ("a.ndjson", "{\"exported_count\": 0}\n"),
        ("a.ndjson", ""),
        ("a.yml", "jobs:\n  build: 1\n"),
        ("a.yml", ""),
    ] {
        assert_eq!(read(path, text).1, Outcome::NotARule("no detection rule in it".into()), "{path} {text}");
    }
    for (path, text) in [("a.json", "{\"query\": \n"), ("a.json", "[{\"query\":}]"), ("a.yml", "a: [\n")] {
        assert!(matches!(read(path, text).1, Outcome::Unreadable(_, Some(_))), "{path} {text}");
    }
}

#[test]
fn hostile_json_does_no_harm() {
    let deep = format!("{{\"name\":\"n\",\"query\":\"a:b\",\"x\":{}1{}}}", "[".repeat(200_000), "]".repeat(200_000));
    for path in ["a.json", "a.ndjson", "a.yml"] {
        assert!(matches!(read(path, &deep).1, Outcome::Unreadable(..)), "{path}");
    }
    for key in [
        "name",
        "query",
        "type",
        "language",
        "index",
        "threat",
        "filters",
        "exceptions_list",
        "tags",
        "severity",
        "rule_id",
        "author",
        "os_list",
        "related_integrations",
        "created_at",
        "building_block_type",
    ] {
        for value in [
            "1",
            "null",
            "true",
            "[]",
            "[[1], {}]",
            "{\"a\": {}}",
            "1e999",
            "\"\\ud800\"",
            "\"\"",
            "[{\"list_id\": 1}]",
        ] {
            let text = format!("{{\"name\": \"n\", \"rule_id\": \"r\", \"query\": \"a:b\", \"{key}\": {value}}}");
            for path in ["a.json", "a.ndjson", "a.yml"] {
                read(path, &text);
            }
        }
    }
    for entry in [
        "1",
        "{}",
        "{\"field\": \"f\", \"type\": \"odd\"}",
        "{\"field\": \"f\", \"type\": \"match\"}",
        "{\"field\": \"f\", \"type\": \"list\"}",
        "{\"field\": \"f\", \"type\": \"nested\", \"entries\": []}",
    ] {
        let rule = "{\"name\":\"n\",\"rule_id\":\"r\",\"query\":\"a:b\",\"exceptions_list\":[{\"list_id\":\"l\"}]}";
        let (read, _) = read("a.ndjson", &format!("{rule}\n{{\"list_id\":\"l\",\"entries\":[{entry}]}}\n"));
        assert!(beside(&read[0].rule).starts_with("!?exception: "), "{entry}: {}", beside(&read[0].rule));
    }
}

#[test]
fn shared_exceptions_are_bounded() {
    let rule = |n: usize| {
        format!(
            "{{\"name\":\"n\",\"rule_id\":\"r{n}\",\"query\":\"a:b\",\"exceptions_list\":[{{\"list_id\":\"l\"}}]}}\n"
        )
    };
    let item = "{\"list_id\":\"l\",\"entries\":[{\"field\":\"f\",\"type\":\"match\",\"value\":\"v\"}]}\n";
    let text: String = (0..1_000).map(rule).chain((0..1_000).map(|_| item.to_owned())).collect();
    let (read, _) = read("a.ndjson", &text);
    let kept: usize =
        read.iter().flat_map(|read| &read.rule.conditions).map(|step| step.root.predicates().count()).sum();
    assert_eq!((read.len(), kept), (1_000, 100_000));
    assert!(read[999].rule.conditions[0].root.opaques().next().is_some());
}
