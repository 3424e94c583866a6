//! Whatever a query is, in any language: what a build writes of it, every reader reads.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod common;

use std::fs;

use axum::http::StatusCode;
use common::{Site, encoded};
use proptest::prelude::*;
use ruleatlas_catalog::{Catalog, Loaded, build};
use ruleatlas_evaluate::{Event, evaluate_rule};
use ruleatlas_model::{FaultKind, Language, Vendor};
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec};
use ruleatlas_views::export_rule;
use ruleatlas_web::{SiteOptions, site};

/// How a language writes a check of the field `fN`, and what joins and negates.
struct Words {
    leaf: fn(usize) -> String,
    and: &'static str,
    or: &'static str,
    not: &'static str,
}

impl Words {
    /// A condition nested once a step; the step says how.
    fn nested(&self, steps: &[u8]) -> String {
        let Self { leaf, and, or, not } = self;
        steps.iter().enumerate().fold(leaf(0), |inner, (at, step)| {
            let (one, two) = (leaf(at % 9), leaf((at + 1) % 9));
            match step {
                0 => format!("{one} {and} ({inner})"),
                1 => format!("({inner}) {or} {one}"),
                2 => format!("{not} ({inner})"),
                3 => format!("{one} {or} {two} {and} {not} ({inner})"),
                4 => format!("({inner})"),
                _ => format!("{not} ({one} {and} ({inner}))"),
            }
        })
    }
}

const QUOTED: Words = Words { leaf: |n| format!("f{n} == \"v\""), and: "and", or: "or", not: "not" };
const SIGMA: Words = Words { leaf: |n| format!("s{n}"), and: "and", or: "or", not: "not" };
const KUERY: Words = Words { leaf: |n| format!("f{n}:v"), and: "and", or: "or", not: "not" };
const LUCENE: Words = Words { leaf: |n| format!("f{n}:v"), and: "AND", or: "OR", not: "NOT" };
const ESQL: Words = Words { leaf: |n| format!("f{n} == \"v\""), and: "AND", or: "OR", not: "NOT" };
const SPL: Words = Words { leaf: |n| format!("f{n}=v"), and: "AND", or: "OR", not: "NOT" };
const WHERE: Words = Words { leaf: |n| format!("f{n}=\"v\""), and: "AND", or: "OR", not: "NOT" };
const KUSTO: Words = Words { leaf: |n| format!("f{n} == \"v\""), and: "and", or: "or", not: "not" };
const LOGSCALE: Words = Words { leaf: |n| format!("f{n}=v"), and: "AND", or: "OR", not: "NOT" };
const MQL: Words = Words { leaf: |n| format!("f{n} == \"v\""), and: "and", or: "or", not: "not" };
const FALCO: Words = Words { leaf: |n| format!("proc.aname[{n}] = v"), and: "and", or: "or", not: "not" };
const YARAL: Words = Words { leaf: |n| format!("$e.f{n} = \"v\""), and: "and", or: "or", not: "not" };
const SNOWFLAKE: Words = Words { leaf: |n| format!("f{n} = 'v'"), and: "AND", or: "OR", not: "NOT" };
const PYTHON: Words = Words { leaf: |n| format!("event.get(\"f{n}\") == \"v\""), and: "and", or: "or", not: "not" };

/// Rules of every format, each with one nested condition in its own language.
fn sources(steps: &[u8]) -> Vec<Loaded> {
    let count = steps.len();
    let elastic = |language: &str, query: String| {
        let kind = if matches!(language, "eql" | "esql") { language } else { "query" };
        let text = format!(
            "[rule]\nname = \"{language}\"\nrule_id = \"{language}\"\nlanguage = \"{language}\"\ntype = \"{kind}\"\n\
             query = '''\n{query}\n'''\n"
        );
        (format!("rules/{language}.toml"), text)
    };
    let splunk = |name: &str, search: String| {
        (format!("detections/{name}.yml"), format!("name: {name}\nid: {name}\ntype: TTP\nsearch: '{search}'\n"))
    };
    let kusto = |name: &str, query: String| {
        (format!("Detections/{name}.yaml"), format!("id: {name}\nname: {name}\nquery: |\n  {query}\n"))
    };
    let python = |name: &str, body: String| {
        let metadata = format!(
            "AnalysisType: rule\nRuleID: {name}\nFilename: {name}.py\nLogTypes: [Okta.SystemLog]\nSeverity: Low\n"
        );
        [(format!("rules/{name}.yml"), metadata), (format!("rules/{name}.py"), format!("def rule(event):\n{body}\n"))]
    };
    let selections: String = (0..9).map(|n| format!("  s{n}: {{f{n}: v}}\n")).collect();
    let metadata = format!("{}1{}", "{a: [".repeat(count.min(60)), "]}".repeat(count.min(60)));
    let sigma = format!(
        "title: Sigma\nid: sigma\nlogsource: {{product: windows}}\ncustom: {metadata}\ndetection:\n{selections}  condition: {}\n",
        SIGMA.nested(steps)
    );
    let cases: Vec<String> = (0..count).map(|n| format!("f{n}=\"v\", {n}")).collect();
    let chosen = (0..count).fold("\"x\"".to_owned(), |inner, n| format!("iff(f{n} == \"v\", \"a{n}\", {inner})"));
    let returns: String = (0..count)
        .map(|n| {
            format!(
                "    if event.get(\"f{n}\") == \"v\":\n        return {}\n",
                if n % 2 == 0 { "True" } else { "False" }
            )
        })
        .collect();
    let inner = steps.iter().take(60).fold("{Key: f0, Condition: Exists}".to_owned(), |inner, step| {
        let word = ["All", "Any", "None"][usize::from(*step) % 3];
        format!("{{{word}: [{{Key: f{step}, Condition: Equals, Value: v}}, {inner}]}}")
    });
    let simple = format!(
        "AnalysisType: rule\nRuleID: simple\nLogTypes: [Okta.SystemLog]\nSeverity: Low\nDetection: [{inner}]\n"
    );
    let mut panther = vec![("rules/simple.yml".to_owned(), simple)];
    panther.extend(python("expression", format!("    return {}", PYTHON.nested(steps))));
    panther.extend(python("returns", format!("{returns}    return False")));
    let logscale = |name: &str, query: String| {
        (format!("queries/{name}.yml"), format!("name: {name}\ntags: [Detection]\ncql: |\n  {query}\n"))
    };
    let clauses: String = (0..count).map(|n| format!("f{n}=v | c := \"a{n}\"; ")).collect();
    let clauses = format!("case {{ {clauses}* | c := \"x\"; }} | c=\"a0\"");
    let sublime = |name: &str, source: String| {
        (
            format!("detection-rules/{name}.yml"),
            format!("name: {name}\nid: {name}\ntype: rule\nsource: |\n  {source}\n"),
        )
    };
    let lambdas = (0..count).fold("f0 == \"v\"".to_owned(), |inner, n| format!("any(f{n}, .a == \"v\" or {inner})"));
    let falco = format!(
        "- rule: falco\n  desc: nested\n  condition: evt.type = execve and ({})\n  output: nested\n  priority: WARNING\n",
        FALCO.nested(steps)
    );
    let yaral = format!("rule yaral {{\n  events:\n    {}\n  condition:\n    $e\n}}\n", YARAL.nested(steps));
    // Wazuh nests by parents.
    let wazuh: String = steps
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let parent = if at == 0 { "<decoded_as>json</decoded_as>".to_owned() } else { format!("<if_sid>{}</if_sid>", 200_000 + at - 1) };
            let negate = if *step == 2 { " negate=\"yes\"" } else { "" };
            format!("<rule id=\"{}\" level=\"3\">{parent}<field name=\"f{}\"{negate}>v</field><description>nested</description></rule>\n", 200_000 + at, at % 9)
        })
        .collect();
    let wazuh = format!("<group name=\"nested,\">\n{wazuh}</group>\n");
    let anvilogic = |name: &str, format: &str, logic: String| {
        let logic = serde_json::to_string(&logic).unwrap();
        (
            format!("detections/{name}.yml"),
            format!("id: {name}\ntitle: {name}\nlogic_format: {format}\nlogic: {logic}\n"),
        )
    };
    let all = [
        (SourceKind::Rules(Vendor::Sigma), vec![("sigma.yml".to_owned(), sigma)]),
        (
            SourceKind::Rules(Vendor::Elastic),
            vec![
                elastic("eql", format!("process where {}", QUOTED.nested(steps))),
                elastic("kuery", KUERY.nested(steps)),
                elastic("lucene", LUCENE.nested(steps)),
                elastic("esql", format!("FROM logs-* | WHERE {}", ESQL.nested(steps))),
            ],
        ),
        (
            SourceKind::Rules(Vendor::Splunk),
            vec![
                splunk("search", format!("search index=a {}", SPL.nested(steps))),
                splunk("where", format!("search index=a | where {}", WHERE.nested(steps))),
                splunk("brackets", format!("search {}f1=v{}", "(".repeat(count), ")".repeat(count))),
                splunk("case", format!("search index=a | eval c=case({}) | where c=0", cases.join(", "))),
            ],
        ),
        (
            SourceKind::Rules(Vendor::Kusto),
            vec![
                kusto("where", format!("SigninLogs | where {}", KUSTO.nested(steps))),
                kusto("iff", format!("SigninLogs | extend c = {chosen} | where c == \"a0\"")),
            ],
        ),
        (SourceKind::Rules(Vendor::Panther), panther),
        (
            SourceKind::Rules(Vendor::Logscale),
            vec![logscale("filter", LOGSCALE.nested(steps)), logscale("case", clauses)],
        ),
        (SourceKind::Rules(Vendor::Falco), vec![("rules/falco.yaml".to_owned(), falco)]),
        (SourceKind::Rules(Vendor::Wazuh), vec![("rules/wazuh.xml".to_owned(), wazuh)]),
        (SourceKind::Rules(Vendor::YaraL), vec![("rules/yaral.yaral".to_owned(), yaral)]),
        (
            SourceKind::Rules(Vendor::Anvilogic),
            vec![
                anvilogic("spl", "Splunk", format!("search index=a {}", SPL.nested(steps))),
                anvilogic("snowflake", "Snowflake", format!("SELECT * FROM t WHERE {}", SNOWFLAKE.nested(steps))),
            ],
        ),
        (SourceKind::Rules(Vendor::Sublime), vec![sublime("where", MQL.nested(steps)), sublime("any", lambdas)]),
    ];
    let loaded = |(kind, files): (SourceKind, Vec<(String, String)>)| {
        let mut files: Vec<SourceFile> =
            files.into_iter().map(|(path, text)| SourceFile::from_bytes(path, text.into_bytes())).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Loaded { spec: SourceSpec::new(kind, "rules"), files }
    };
    all.into_iter().map(loaded).collect()
}

fn catalog(steps: &[u8]) -> Catalog {
    build(sources(steps), &|_, _, _, _| {}).unwrap()
}

/// That every reader says of every rule what the build knew.
fn check(steps: &[u8]) {
    let catalog = catalog(steps);
    let languages: std::collections::BTreeSet<_> = catalog.entries.iter().map(|entry| entry.rule.language).collect();
    assert_eq!(languages.into_iter().collect::<Vec<_>>(), Language::ALL, "every language is written");
    assert!(
        catalog.entries.iter().all(|entry| !entry.rule.conditions.is_empty() || !entry.rule.diagnostics.is_empty())
    );
    let site_ = Site::of_catalog(&catalog);
    let events = [serde_json::json!({}), serde_json::json!({ "f1": "v", "f2": "v" }), serde_json::json!({ "f0": "v" })];
    for (number, built) in (0..).zip(&catalog.entries) {
        let id = &built.rule.id;
        let read = site_.atlas.entry(number).unwrap().unwrap();
        assert_eq!(read.rule, built.rule, "{id}");
        assert_eq!(read.predicates, built.predicates, "{id}");
        // What `match` does.
        for event in &events {
            let event = Event::new(event);
            let verdict = evaluate_rule(&read.rule.conditions, &event);
            assert_eq!(verdict, evaluate_rule(&built.rule.conditions, &event), "{id}");
        }
        // What `export` writes, and what any reader of JSON can read.
        let line = serde_json::to_string(&export_rule(&read)).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap()["id"], **id);
        let (status, page) = site_.status_and_page(&format!("/rule/{}", encoded(id)));
        assert_eq!(status, StatusCode::OK, "{id}");
        common::check(&page, id);
        let json: serde_json::Value =
            serde_json::from_str(&site_.page(&format!("/api/v1/rule/{}", encoded(id)))).unwrap();
        assert_eq!(json["id"], **id);
        assert_eq!(json["conditions"].as_array().unwrap().len(), built.rule.conditions.len(), "{id}");
    }
    // What `doctor` says.
    let ledger = site_.atlas.ledger().unwrap();
    assert!(ledger.faults.iter().all(|fault| fault.parse != FaultKind::Unreadable), "{:?}", ledger.faults);
}

/// The same of the static site.
fn check_files(steps: &[u8]) {
    let catalog = catalog(steps);
    let site_ = Site::of_catalog(&catalog);
    let folder = tempfile::tempdir().unwrap();
    let written = site(&site_.atlas, folder.path(), &SiteOptions::default()).unwrap();
    assert_eq!(written.unreadable, 0);
    for built in &catalog.entries {
        let json = fs::read_to_string(folder.path().join(format!("api/v1/rule/{}.json", built.rule.id))).unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{}", built.rule.id);
    }
}

#[test]
fn a_nested_rule_of_every_language_is_read_by_every_reader() {
    for step in 0..=5 {
        check(&[step; 62]);
    }
    // Deeper than any front end goes.
    check(&[3; 300]);
    check(&[0, 1].repeat(150));
    check_files(&[3; 62]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_nesting_is_read_by_every_reader(steps in prop::collection::vec(0..6_u8, 0..140)) {
        check(&steps);
    }
}

/// Makes the conditions of one rule unreadable, and says what came of the catalog.
#[test]
fn a_rule_that_cannot_be_read_is_told_and_all_others_are_served() {
    let catalog = catalog(&[0, 1, 2]);
    let site_ = Site::of_catalog(&catalog);
    let broken = "splunk/where";
    let path = site_.atlas.path().to_owned();
    for damage in ["conditions = '[{'", "conditions = 1", "extra = '{'", "line = 'x'"] {
        let table = if damage.starts_with("line") { "rule" } else { "rule_body" };
        let copy = path.with_file_name("damaged.db");
        fs::copy(&path, &copy).unwrap();
        let sql = format!("UPDATE {table} SET {damage} WHERE rule = (SELECT rule FROM rule WHERE id = '{broken}')");
        rusqlite::Connection::open(&copy).unwrap().execute_batch(&sql).unwrap();
        let site_ = Site::open_at(&copy);
        for entry in &catalog.entries {
            let id = &entry.rule.id;
            for address in [format!("/rule/{id}"), format!("/api/v1/rule/{id}")] {
                let (status, page) = site_.status_and_page(&address);
                assert_eq!(status == StatusCode::OK, id != broken, "{address}: {damage}");
                assert!(page.contains(id.as_str()), "{page}");
            }
        }
        let ledger = site_.atlas.ledger().unwrap();
        let faults: Vec<_> = ledger.faults.iter().filter(|fault| fault.parse == FaultKind::Unreadable).collect();
        assert_eq!(faults.len(), 1, "{damage}: {faults:?}");
        assert_eq!(faults[0].rule.as_deref(), Some(broken));
        assert_eq!(site_.status_and_page("/ledger").0, StatusCode::OK);
        let folder = tempfile::tempdir().unwrap();
        let written = site(&site_.atlas, folder.path(), &SiteOptions::default()).unwrap();
        assert_eq!(written.unreadable, 1, "{damage}");
        let page = fs::read_to_string(folder.path().join(format!("rule/{broken}/index.html"))).unwrap();
        assert!(page.contains(broken), "{page}");
        fs::remove_file(copy).unwrap();
    }
}
