//! Every form in which Kusto rules are published: what is a rule, what it is called, and what it says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

use ruleatlas_model::{Kind, Language, Rule, Severity, Status, Vendor};
use ruleatlas_sources::{Licenses, Outcome, RawTag, SourceFile, format_of, license_of};

/// A stand-in for the front end: a text with a pipe is a query.
fn is_query(language: Language, text: &str) -> bool {
    assert_eq!(language, Language::Kusto);
    text.contains('|')
}

fn read_bytes(path: &str, bytes: &[u8]) -> (Outcome, Vec<(Rule, Vec<RawTag>)>) {
    let file = SourceFile::from_windows_bytes(path, bytes.to_vec());
    let mut found = Vec::new();
    let format = format_of(Vendor::Kusto, is_query);
    let outcome = format.read(&file, &mut |draft| found.push((draft.rule, draft.tags)));
    (outcome, found)
}

fn read(path: &str, text: &str) -> (Outcome, Vec<(Rule, Vec<RawTag>)>) {
    read_bytes(path, text.as_bytes())
}

fn tags(found: &(Rule, Vec<RawTag>)) -> Vec<(&str, bool)> {
    found.1.iter().map(|tag| (tag.text.as_str(), tag.inferred)).collect()
}

fn why_not(path: &str, text: &str) -> String {
    match read(path, text) {
        (Outcome::NotARule(reason), found) => {
            assert!(found.is_empty(), "{path}");
            reason.into_owned()
        }
        (outcome, _) => panic!("{path}: {outcome:?}"),
    }
}

const ANALYTIC: &str = "id: 11111111-2222-3333-4444-555555555555\nname: Odd logon\ndescription: |\n  'Finds it.'\n\
    severity: High\nqueryFrequency: 1d\nrequiredDataConnectors:\n  - connectorId: X\n    dataTypes:\n      - SigninLogs (Entra)\n\
    tactics:\n  - InitialAccess\nrelevantTechniques:\n  - T1078\nquery: |\n  SigninLogs // like T1110\n  | where ResultType == 0\n";

#[test]
fn an_analytic_rule_says_what_it_says_behind_a_byte_order_mark_too() {
    for text in [ANALYTIC.to_owned(), format!("\u{feff}{ANALYTIC}")] {
        let (outcome, found) = read("a/Detections/odd.yaml", &text);
        assert_eq!(outcome, Outcome::Rules);
        let rule = &found[0].0;
        assert_eq!(rule.id, "kusto/11111111-2222-3333-4444-555555555555");
        assert_eq!((rule.title.as_str(), rule.description.as_str()), ("Odd logon", "Finds it."));
        assert_eq!((rule.severity, rule.kind), (Some(Severity::High), Kind::Rule));
        assert!(rule.query.starts_with("SigninLogs"), "{}", rule.query);
        assert_eq!(tags(&found[0]), [("InitialAccess", false), ("T1078", false), ("T1110", true)]);
    }
}

#[test]
fn a_hunting_query_has_neither_severity_nor_frequency() {
    let (_, found) = read("hunt.yaml", "id: a\nname: Hunt\ntactics: [Execution]\nquery: |\n  T\n  | where a == 1\n");
    assert_eq!(found[0].0.kind, Kind::Hunting);
    let (_, found) = read("x/deprecated/hunt.yaml", "name: Hunt\nquery: T | take 1\n");
    assert_eq!((found[0].0.id.as_str(), found[0].0.status), ("kusto/x/deprecated/hunt.yaml", Some(Status::Deprecated)));
}

#[test]
fn a_rule_without_its_ending_is_one_and_a_licence_is_none() {
    assert_eq!(read("Detections/odd", ANALYTIC).1[0].0.title, "Odd logon");
    assert_eq!(read("hunts/0xFF-1-Odd", PAGE).1.len(), 3);
    assert_eq!(why_not("LICENSE", "MIT License\n"), "no query in it");
}

#[test]
fn a_text_of_windows_is_read_and_said() {
    let bytes = b"id: a\nname: \x93Odd\x94\nquery: T | take 1\n";
    let (outcome, found) = read_bytes("a.yaml", bytes);
    assert_eq!(outcome, Outcome::Rules);
    assert_eq!(found[0].0.title, "“Odd”");
    let file = SourceFile::from_windows_bytes("a.yaml", bytes.to_vec());
    assert_eq!(file.encoding.assumed(), Some("Windows-1252"));
}

#[test]
fn a_query_file_has_its_title_from_its_comment_or_its_name() {
    let (_, found) =
        read("a/Logons at night.kql", "// Logons in the small hours, T1078\n// https://x.test/a\nT\n| where a == 1\n");
    assert_eq!(found[0].0.title, "Logons in the small hours, T1078");
    assert_eq!(found[0].0.references, ["https://x.test/a"]);
    assert_eq!(tags(&found[0]), [("T1078", true)]);
    let (_, found) = read("a/Night-Logons.kql", &format!("//{}\nT\n| where a == 'T1059'\n", "long words ".repeat(20)));
    assert_eq!(found[0].0.title, "Night-Logons");
    assert_eq!(tags(&found[0]), [], "an id in a text is no tag");
    assert_eq!(why_not("a/Functions/f.kql", "T | take 1"), "a function, no detection");
    assert_eq!(why_not("a/notes.txt", "just words\n"), "no query in it");
}

const PAGE: &str = "# Odd things\n\nText.\n\n| Tactic | Technique | Sub | Name |\n|---|---|---|---|\n| TA0005 | T1218 | 014 | MMC |\n\n\
    ## Defender XDR\n```KQL\nDeviceEvents\n| where Timestamp > ago(1d) and FileName == \"a.exe\"\n```\n\
    ## Sentinel\n```KQL\nDeviceEvents\n| where TimeGenerated > ago(1d) and FileName == \"a.exe\"\n```\n\
    ## Other\n```\nOther | where X == 'b'\n```\n```bash\nls | wc\n```\n```\nno query\n```\n";

#[test]
fn a_page_gives_a_rule_a_query_and_knows_variants() {
    let (outcome, found) = read("p/odd.md", PAGE);
    assert_eq!(outcome, Outcome::Rules);
    let shown: Vec<(&str, &str, Option<&str>)> =
        found.iter().map(|(rule, _)| (rule.id.as_str(), rule.title.as_str(), rule.variant_of.as_deref())).collect();
    assert_eq!(
        shown,
        [
            ("kusto/p/odd.md#0", "Odd things (Defender XDR)", None),
            ("kusto/p/odd.md#1", "Odd things (Sentinel)", Some("kusto/p/odd.md#0")),
            ("kusto/p/odd.md#2", "Odd things (Other)", None),
        ]
    );
    assert_eq!(found[0].0.line, 11);
    assert!(tags(&found[0]).contains(&("T1218.014", true)), "{:?}", tags(&found[0]));
}

#[test]
fn each_query_of_a_page_has_a_title_that_tells_it_from_the_others() {
    let page = "# TITLE\n# Odd tasks\n## Description\n```kql\nT | where A == 1\n```\n\
        ## Hunts\n### Query\nTasks at night:\n```kql\nT | where B == 1\n```\n```kql\n// Tasks of a guest\nT | where C == 1\n```\n\
        ## Sentinel\n```kql\nT | where D == 1\n```\n```kql\nT | where E == 1\n```\n";
    let (_, found) = read("p/odd.md", page);
    let titles: Vec<&str> = found.iter().map(|(rule, _)| rule.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Odd tasks",
            "Odd tasks (Hunts, Tasks at night)",
            "Odd tasks (Hunts, Tasks of a guest)",
            "Odd tasks (Sentinel, 1)",
            "Odd tasks (Sentinel, 2)",
        ]
    );
}

#[test]
fn a_readme_has_rules_where_it_calls_them_so() {
    let page =
        "# Tool\n## Usage\n```kql\nT | take 1\n```\n## Detection query (as a user)\n```kql\nT | where A == 1\n```\n";
    let (outcome, found) = read("tool/README.md", page);
    assert_eq!((outcome, found.len()), (Outcome::Rules, 1));
    assert_eq!(found[0].0.title, "Tool");
}

#[test]
fn queries_that_look_for_different_values_are_no_variants() {
    let page = "# Two\n```kql\nT\n| where A == \"x\" and B == 1\n```\n```kql\nT\n| where A == \"y\" and B == 1\n```\n\
        ```kql\nU\n| where A == \"x\" and B == 1\n```\n";
    let (_, found) = read("two.md", page);
    let of: Vec<Option<&str>> = found.iter().map(|(rule, _)| rule.variant_of.as_deref()).collect();
    assert_eq!(of, [None, None, Some("kusto/two.md#0")]);
}

#[test]
fn pages_without_queries_say_so() {
    assert_eq!(why_not("README.md", PAGE), "a README, whose queries are examples");
    assert_eq!(why_not("a.md", "# Words\n"), "a page without a query");
    assert_eq!(why_not("a.md", "# Words\n```bash\nls\n```\n"), "a page whose fenced blocks are no queries");
}

#[test]
fn parts_of_queries_are_no_rules_next_to_one() {
    let page = "# Odd\n```kql\nlet Domain = @'([a-z0-9|-]+\\.)*';\n// and\nlet Limit = 5;\n```\nMore:\n```kql\n// narrower\n| where a == 1\n```\n\
                ```kql\nlet f = () { T | where b == 2 };\n```\n```kql\nlet Limit = 5;\nU | where c > Limit\n```\n";
    let (_, found) = read("odd.md", page);
    let queries: Vec<&str> = found.iter().map(|found| found.0.query.lines().last().unwrap()).collect();
    assert_eq!(queries, ["let f = () { T | where b == 2 };", "U | where c > Limit"]);
    let said: Vec<_> = found[0].0.diagnostics.iter().filter(|said| said.code == "part of a query").collect();
    assert_eq!(said.iter().map(|said| said.line).collect::<Vec<_>>(), [Some(3), Some(9)]);
    // Where nothing else is there, it is read as far as it goes.
    let (_, found) = read("odd.md", "# Odd\n```kql\n| where a == 1\n```\n");
    assert_eq!(found.len(), 1);
}

#[test]
fn a_fence_that_is_never_closed_or_is_longer_is_read() {
    let (_, found) = read("a.md", "# A\n````kql\nT | where a == '```'\n```\n````\n~~~kusto\nU | take 1");
    assert_eq!(found[0].0.query, "T | where a == '```'\n```\n");
    assert_eq!(found[1].0.query, "U | take 1\n");
}

#[test]
fn templates_hold_rules_with_their_parameters_filled_in() {
    let bicep = "param limit int = 10\nresource r 'Microsoft.SecurityInsights/alertRules@2023-02-01' = {\n  properties: {\n\
        displayName: 'It\\'s odd'\n    severity: 'Low'\n    query: 'T\\n| where a > ${limit}\\n| where b == \"${free}\"'\n\
        tactics: [\n      'Execution'\n    ]\n    techniques: [\n      'T1059'\n    ]\n  }\n}\n";
    let (_, found) = read("r.bicep", bicep);
    let rule = &found[0].0;
    assert_eq!((rule.title.as_str(), rule.severity, rule.line), ("It's odd", Some(Severity::Low), 2));
    assert_eq!(rule.query, "T\n| where a > 10\n| where b == \"${free}\"");
    assert_eq!(tags(&found[0]), [("Execution", false), ("T1059", false)]);
    let json = r#"{"resources": [
        {"type": "Microsoft.Insights/workbooks", "properties": {"query": "T"}},
        {"type": "x/alertRules", "name": "[concat('a/11111111-2222-3333-4444-555555555555')]",
         "properties": {"displayName": "Odd", "severity": "Nope", "query": "T | take 1", "techniques": ["T1059"]}}]}"#;
    let (_, found) = read("r.json", json);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0.id, "kusto/11111111-2222-3333-4444-555555555555");
    assert!(found[0].0.diagnostics.iter().any(|said| said.code == "unknown word"));
    assert!(matches!(read("r.json", "{\"query\": ").0, Outcome::Unreadable(_, Some(1))));
    // A variable holds the query, and names a parameter.
    let bicep = "param table string = 'T'\nvar text = '''\nT\n| where a == 1\n'''\nvar other = '${table} | where b == 2'\n\
                 resource r 'Microsoft.SecurityInsights/alertRules@2023-02-01' = {\n  properties: {\n    query: text\n  }\n}\n\
                 resource s 'Microsoft.SecurityInsights/alertRules@2023-02-01' = {\n  properties: {\n    query: other\n  }\n}\n";
    let (_, found) = read("r.bicep", bicep);
    let queries: Vec<&str> = found.iter().map(|found| found.0.query.as_str()).collect();
    assert_eq!(queries, ["T\n| where a == 1", "T | where b == 2"]);
    let json = r#"{"parameters": {"q": {"type": "string", "defaultValue": "T | where a == 1"}, "level": {"defaultValue": "Low"}},
        "variables": {"tail": " | where b == 2"}, "resources": [{"type": "x/alertRules", "properties": {"displayName": "Odd",
        "severity": "[parameters('level')]", "query": "[concat(parameters('q'), variables('tail'))]"}}]}"#;
    let (_, found) = read("r.json", json);
    let rule = &found[0].0;
    assert_eq!((rule.query.as_str(), rule.severity), ("T | where a == 1 | where b == 2", Some(Severity::Low)));
    let bicep = "// don't: resource\nvar text = '''\nresource fake 'x/alertRules@1' = {\n}\n'''\n\
                 resource a 'Microsoft.SecurityInsights/alertRules@1' = if (on) { kind: 'NRT', properties: { displayName: 'One', severity: 'High', tactics: [ 'Impact' ], query: 'T | where a == \\'b\\'' } }\n\
                 resource b 'Microsoft.SecurityInsights/alertRules@1' = [for (rule, i) in rules: {\n  /* query: 'U' */ properties: {\n    displayName: 'Two' // query: 'V'\n    query: 'W | take 1'\n  }\n}]\n\
                 output query string = 'X'\n";
    let (_, found) = read("r.bicep", bicep);
    let shown: Vec<_> =
        found.iter().map(|found| (found.0.title.as_str(), found.0.query.as_str(), found.0.line)).collect();
    assert_eq!(shown, [("One", "T | where a == 'b'", 6), ("Two", "W | take 1", 7)]);
    assert_eq!(why_not("r.bicep", "param x int = 1\n"), "a template without a scheduled rule");
}

#[test]
fn broken_templates_are_no_panic() {
    for text in [
        "resource r 'x/alertRules@1' = {\nquery: '${",
        "resource r 'x/alertRules@1'\nquery: 'é\\",
        "param é=\nresource 'é/alertRules@'\nquery:'''",
        "query: [",
        "resource 'a/alertRules@'\ntactics: ['é",
    ] {
        read("a.bicep", text);
        read("a.md", text);
        read("a.kql", text);
        read("a.json", &format!("\"query\"{text}"));
    }
}

#[test]
fn each_repository_in_a_folder_has_its_own_licence() {
    let file = |path: &str, text: &str| SourceFile::from_bytes(path, text.as_bytes().to_vec());
    let files = [file("a/LICENSE", "MIT License"), file("b/LICENSE", "BSD 3-Clause License"), file("c/x.kql", "T")];
    let licenses = Licenses::of(&files);
    assert_eq!(licenses.at("a/deep/x.kql"), Some("MIT"));
    assert_eq!(licenses.at("b/x.kql"), Some("BSD-3-Clause"));
    assert_eq!(licenses.at("bb/x.kql"), None);
    assert_eq!(licenses.at("c/x.kql"), None);
    assert_eq!(license_of(&files), None);
}
