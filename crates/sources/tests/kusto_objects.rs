//! Kusto rules as objects: custom detections, JSON of templates, APIs and workbooks, Terraform, YAML in any spelling.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

use std::fmt::Write as _;

use ruleatlas_model::{Kind, Language, Level, Rule, Severity, Vendor};
use ruleatlas_sources::{Outcome, RawTag, SourceFile, TagPlace, format_of};

/// A stand-in for the front end: a text with a pipe, and without what no query has, is a query.
fn is_query(language: Language, text: &str) -> bool {
    assert_eq!(language, Language::Kusto);
    text.contains('|') && !text.contains("SELECT") && !text.contains(", as ")
}

type Found = Vec<(Rule, Vec<RawTag>)>;

fn outcome(path: &str, text: &str) -> (Outcome, Found) {
    let file = SourceFile::from_windows_bytes(path, text.as_bytes().to_vec());
    let mut found = Vec::new();
    let format = format_of(Vendor::Kusto, is_query);
    let outcome = format.read(&file, &mut |draft| found.push((draft.rule, draft.tags)));
    (outcome, found)
}

#[track_caller]
fn read(path: &str, text: &str) -> Found {
    let (outcome, found) = outcome(path, text);
    assert_eq!(outcome, Outcome::Rules, "{path}");
    found
}

#[track_caller]
fn why_not(path: &str, text: &str) -> String {
    match outcome(path, text) {
        (Outcome::NotARule(reason), found) if found.is_empty() => reason.into_owned(),
        other => panic!("{path}: {other:?}"),
    }
}

fn tags(found: &(Rule, Vec<RawTag>)) -> Vec<(&str, TagPlace)> {
    found.1.iter().map(|tag| (tag.text.as_str(), tag.place)).collect()
}

const CUSTOM: &str = "kind: CustomDetection
apiVersion: 2026-01-01
id: shadow-copies-gone
properties:
  displayName: Shadow copies deleted
  isEnabled: false
  queryCondition:
    queryText: |
      DeviceProcessEvents
      | where ProcessCommandLine has 'shadowcopy' // like T1490
  schedule: {period: PT1H}
  detectionAction:
    alertTemplate:
      title: Backups are going
      description: Somebody deletes what one would restore from.
      severity: high
      category: Impact
      mitreTechniques: [T1490, T1485.1]
";

#[test]
fn a_custom_detection_says_what_its_inner_objects_say() {
    let found = read("detections/gone.yaml", CUSTOM);
    let rule = &found[0].0;
    assert_eq!((rule.id.as_str(), rule.title.as_str()), ("kusto/shadow-copies-gone", "Shadow copies deleted"));
    assert_eq!(rule.description, "Somebody deletes what one would restore from.");
    assert_eq!((rule.severity, rule.kind), (Some(Severity::High), Kind::Rule));
    assert!(rule.query.starts_with("DeviceProcessEvents\n|"), "{}", rule.query);
    assert_eq!(
        tags(&found[0]),
        [("T1490", TagPlace::Technique), ("T1485.1", TagPlace::Technique), ("Impact", TagPlace::Any),]
    );
    assert_eq!(rule.extra.get("isEnabled"), Some("false".into()));
}

#[test]
fn the_api_s_rules_are_read_alone_in_a_list_and_a_line_each() {
    let rule = |id: &str| {
        format!(
            r#"{{"@odata.type": "x", "id": "{id}", "displayName": "Odd {id}", "isEnabled": true,
            "queryCondition": {{"queryText": "DeviceEvents\n| where ActionType == \"{id}\""}},
            "detectionAction": {{"alertTemplate": {{"severity": "low", "mitreTechniques": ["T1059"]}}}}}}"#
        )
    };
    let one = rule("7506");
    let found = read("one.json", &one);
    assert_eq!((found[0].0.id.as_str(), found[0].0.line), ("kusto/7506", 1));
    assert_eq!(found[0].0.query, "DeviceEvents\n| where ActionType == \"7506\"");
    let list = format!("{{\"value\": [\n{},\n{}]}}", rule("a"), rule("b"));
    let found = read("list.json", &list);
    let shown: Vec<(&str, u32)> = found.iter().map(|(rule, _)| (rule.id.as_str(), rule.line)).collect();
    assert_eq!(shown, [("kusto/a", 2), ("kusto/b", 5)]);
    let lines = format!("{}\n{}\n", rule("a").replace('\n', " "), rule("b").replace('\n', " "));
    assert_eq!(read("lines.jsonl", &lines).len(), 2);
    // A file that breaks off keeps what stands before, and says so.
    let found = read("cut.jsonl", &format!("{lines}{{\"query\": "));
    assert!(found.len() == 2 && found[0].0.diagnostics.iter().any(|said| said.code == "unreadable part"));
}

#[test]
fn settings_that_list_analytics_are_rules() {
    let json = r#"{"Scheduled": [{"displayName": "Many guests", "severity": "Medium", "enabled": true,
        "query": "SigninLogs | where UserType == 'Guest'", "tactics": ["InitialAccess"], "relevantTechniques": "T1078"}]}"#;
    let found = read("AlertRules.json", json);
    assert_eq!((found[0].0.title.as_str(), found[0].0.kind), ("Many guests", Kind::Rule));
    assert_eq!(tags(&found[0]), [("InitialAccess", TagPlace::Tactic), ("T1078", TagPlace::Technique)]);
    // A sample of a connector is none, nor is a query of another product.
    for json in [
        r#"{"sampleQueries": [{"description": "All", "query": "T | take 1"}]}"#,
        r#"{"panels": [{"title": "A", "query": "SELECT 1 | x"}]}"#,
        r#"{"query": {"match_all": {}}, "name": "x"}"#,
    ] {
        assert_eq!(why_not("a.json", json), "JSON without a rule");
    }
}

#[test]
fn yaml_keys_are_read_in_any_case() {
    for text in [
        "Id: a1\nName: Odd\nSeverity: Low\nQuery: |\n  T\n  | where A == 1\nRelevant_Techniques:\n  - T1059\n",
        "ID: a1\nNAME: Odd\nSEVERITY: Low\nQUERY: |\n  T\n  | where A == 1\ntechniques:\n  - T1059\n",
        "ruleId: a1\ndisplay_name: Odd\nAlertSeverity: Low\nqueryText: |\n  T\n  | where A == 1\nmitreTechniques:\n  - T1059\n",
    ] {
        let found = read("a.yaml", text);
        let rule = &found[0].0;
        assert_eq!((rule.id.as_str(), rule.title.as_str(), rule.severity), ("kusto/a1", "Odd", Some(Severity::Low)));
        assert_eq!(tags(&found[0]), [("T1059", TagPlace::Technique)]);
        assert_eq!(rule.query, "T\n| where A == 1\n");
    }
    let found =
        read("many.yaml", "rules:\n- {name: A, severity: Low, query: T | take 1}\n- {name: B, query: T | take 2}\n");
    let ids: Vec<&str> = found.iter().map(|(rule, _)| rule.id.as_str()).collect();
    assert_eq!(ids, ["kusto/many.yaml#0", "kusto/many.yaml#1"]);
}

#[test]
fn a_query_under_a_yaml_ending_is_a_query() {
    for text in [
        "// Guests at night\nSigninLogs\n| where UserType == \"Guest\"\n",
        "let kinds = dynamic([\"a: b\", \"c\"]);\nSigninLogs\n| where Kind in (kinds)\n| project a, b\n",
    ] {
        let found = read("hunts/guests.yaml", text);
        assert_eq!((found.len(), found[0].0.query.as_str()), (1, text));
    }
    assert_eq!(why_not("a.yaml", "a: 1\nb: two\n"), "no query in it");
    assert_eq!(why_not("a.yaml", "id: a\nquery:\n"), "its query is empty");
    assert!(matches!(outcome("a.yaml", "a: [\n").0, Outcome::Unreadable(_, Some(_))));
}

#[test]
fn files_of_every_query_ending_are_read() {
    for ending in ["kql", "klq", "csl", "kusto", "func", "KQL"] {
        assert_eq!(read(&format!("a/b.{ending}"), "T\n| where A == 1\n").len(), 1, "{ending}");
    }
}

const TERRAFORM: &str = r#"
# The rules of a workspace.
locals {
  watched = "4625"
}
variable "floor" { default = 10 }

resource "azurerm_sentinel_alert_rule_scheduled" "guess" {
  name                       = "11111111-2222-3333-4444-555555555555"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.main.id
  display_name               = "Passwords are \"guessed\""
  severity                   = "High"
  enabled                    = false
  tactics                    = ["CredentialAccess"]
  techniques                 = ["T1110", "T1110.3"] // the second is ill-formed
  query                      = <<-EOT
    SecurityEvent
    | where EventID == ${local.watched}
    | summarize n = count() by Account
    | where n > ${var.floor} and Account != "$${free}"
  EOT
  entity_mapping {
    entity_type = "Account"
    field_mapping { identifier = "Name"
      column_name = "Account" }
  }
}

/* another */
resource "azurerm_sentinel_alert_rule_nrt" "soon" {
  display_name = "At once"
  severity     = "Low"
  query        = "SigninLogs\n| where ResultType == 50126"
}

resource "azurerm_log_analytics_saved_search" "hunt" {
  name         = "hunt"
  category     = "Hunting Queries"
  display_name = "Hunt for it"
  query        = <<QUERY
T
| where A == 1
QUERY
}

resource "azapi_resource" "api" {
  type = "Microsoft.SecurityInsights/alertRules@2023-02-01"
  body = jsonencode({
    kind = "Scheduled"
    properties = {
      displayName = "By the API"
      query       = local.text
      severity    = "Medium"
    }
  })
}
locals { text = "T | where B == 2" }

resource "azurerm_resource_group" "other" { location = cond ? "a" : "b" }
"#;

#[test]
fn terraform_deploys_rules_of_every_kind() {
    let found = read("infra/rules.tf", TERRAFORM);
    let shown: Vec<(&str, &str, Kind, u32)> =
        found.iter().map(|(rule, _)| (rule.id.as_str(), rule.title.as_str(), rule.kind, rule.line)).collect();
    assert_eq!(
        shown,
        [
            ("kusto/11111111-2222-3333-4444-555555555555", "Passwords are \"guessed\"", Kind::Rule, 8),
            ("kusto/infra/rules.tf#azurerm_sentinel_alert_rule_nrt.soon", "At once", Kind::Rule, 30),
            ("kusto/infra/rules.tf#azurerm_log_analytics_saved_search.hunt", "Hunt for it", Kind::Hunting, 36),
            ("kusto/infra/rules.tf#azapi_resource.api", "By the API", Kind::Rule, 46),
        ]
    );
    let first = &found[0].0;
    let query = "SecurityEvent\n| where EventID == 4625\n| summarize n = count() by Account\n\
        | where n > 10 and Account != \"${free}\"";
    assert_eq!((first.query.as_str(), first.severity), (query, Some(Severity::High)));
    assert_eq!(tags(&found[0])[1..], [("T1110", TagPlace::Technique), ("T1110.3", TagPlace::Technique)]);
    assert_eq!(first.extra.get("enabled"), Some("false".into()));
    assert_eq!(found[1].0.query, "SigninLogs\n| where ResultType == 50126");
    assert_eq!(found[3].0.query, "T | where B == 2");
}

#[test]
fn terraform_in_json_is_read_too() {
    let json = r#"{"resource": {"azurerm_sentinel_alert_rule_scheduled": {"odd": {
        "display_name": "Odd", "severity": "Low", "query": "T | where A == 1", "techniques": ["T1059"]}}}}"#;
    let found = read("main.tf.json", json);
    assert_eq!((found[0].0.title.as_str(), found[0].0.kind), ("Odd", Kind::Rule));
    let json = r#"{"variable": {"q": {"default": "T | where A == ${local.a}"}}, "locals": {"a": "5"}, "resource":
        {"azurerm_sentinel_alert_rule_scheduled": {"odd": {"display_name": "Odd", "query": "${local.a} | where B == 1 // ${var.q}"}}}}"#;
    assert_eq!(read("main.tf.json", json)[0].0.query, "5 | where B == 1 // T | where A == ${local.a}");
}

#[test]
fn templates_take_queries_from_files() {
    let rule = |name: &str, query: &str| {
        format!(
            "resource \"azurerm_sentinel_alert_rule_scheduled\" \"{name}\" {{\n  display_name = \"{name}\"\n  query = {query}\n}}\n"
        )
    };
    let terraform = rule("a", "file(\"${path.module}/../queries/a.kql\")")
        + &rule("b", "file(\"./b.txt\")")
        + &rule("c", "file(\"${path.module}/${each.key}\")")
        + &rule("d", "templatefile(\"../queries/a.kql\", {})");
    let bicep = "resource r 'x/alertRules@1' = {\n  properties: {\n    displayName: 'e'\n    query: loadTextContent('queries/e.kql')\n  }\n}\n\
                 resource s 'x/alertRules@1' = {\n  properties: {\n    displayName: 'f'\n    query: loadTextContent('queries/gone.kql')\n  }\n}\n";
    let files = [
        ("infra/main.tf", terraform.as_str()),
        ("infra/b.txt", "U | where b == 2"),
        ("queries/a.kql", "T | where a == 1"),
        ("queries/e.kql", "W | where e == 5"),
        ("queries/other.kql", "V | where c == 3"),
        ("main.bicep", bicep),
    ]
    .map(|(path, text)| SourceFile::from_windows_bytes(path, text.as_bytes().to_vec()));
    let format = format_of(Vendor::Kusto, is_query);
    let context = format.context(&files);
    let mut found = Vec::new();
    let outcomes: Vec<Outcome> =
        files.iter().map(|file| format.read_in(file, &*context, &mut |draft| found.push(draft.rule))).collect();
    let shown: Vec<_> = found.iter().map(|rule| (rule.title.as_str(), rule.query.as_str())).collect();
    let expected = [
        ("a", "T | where a == 1"),
        ("b", "U | where b == 2"),
        ("c", ""),
        ("d", ""),
        ("other", "V | where c == 3"),
        ("e", "W | where e == 5"),
        ("f", ""),
    ];
    assert_eq!(shown, expected);
    let is_part = |outcome: &Outcome| *outcome == Outcome::NotARule("the query of a rule in a template".into());
    assert_eq!(outcomes.iter().map(is_part).collect::<Vec<_>>(), [false, true, true, true, false, false]);
}

#[test]
fn saved_searches_of_a_solution_name_techniques_in_their_tags() {
    let template = r#"{"resources": [{"type": "Microsoft.OperationalInsights/savedSearches", "properties": {
        "category": "Hunting Queries", "displayName": "Hunt", "query": "T | where a == 1",
        "tags": [{"name": "description", "value": "Finds it"}, {"name": "tactics", "value": "Discovery, Impact"},
                 {"name": "techniques", "value": "T1087,T1069"}]}}]}"#;
    let found = read("mainTemplate.json", template);
    let expected = [
        ("Discovery", TagPlace::Tactic),
        ("Impact", TagPlace::Tactic),
        ("T1087", TagPlace::Technique),
        ("T1069", TagPlace::Technique),
    ];
    let tags: Vec<_> = tags(&found[0]).into_iter().filter(|(_, place)| *place != TagPlace::Any).collect();
    assert_eq!(tags, expected);
}

#[test]
fn a_module_that_is_handed_a_query_and_preformatted_text_are_read() {
    let terraform = "module \"rule\" {\n  source = \"./rule\"\n  display_name = \"Mod\"\n  query = \"T | where a == 1\"\n}\n\
                     module \"net\" {\n  source = \"./net\"\n  query = \"none\"\n}\n";
    let found = read("main.tf", terraform);
    assert_eq!((found.len(), found[0].0.title.as_str()), (1, "Mod"));
    let page = "# A page\n<pre><code>T\n| where a == 1\n</code></pre>\n\n<pre lang=\"kql\">\nU | where b == 2\n| take 1</pre>\n";
    let found = read("page.md", page);
    let queries: Vec<&str> = found.iter().map(|found| found.0.query.trim()).collect();
    assert_eq!(queries, ["T\n| where a == 1", "U | where b == 2\n| take 1"]);
}

#[test]
fn terraform_that_holds_no_query_says_why() {
    let elsewhere = "resource \"azurerm_sentinel_alert_rule_scheduled\" \"a\" {\n  display_name = \"A\"\n  query = file(\"a.kql\")\n}\n";
    let (rule, _) = &read("a.tf", elsewhere)[0];
    let said = rule.diagnostics.iter().find(|said| said.code == "query elsewhere").unwrap();
    assert_eq!((rule.title.as_str(), rule.query.as_str(), said.level), ("A", "", Level::Error));
    assert!(said.message.contains("`file(\"a.kql\")`"), "{said:?}");
    assert_eq!(why_not("a.tf", "provider \"azurerm\" {\n  features {}\n}\n"), "Terraform without a rule");
    assert!(matches!(
        outcome("a.tf", "resource \"x\" \"y\" {\n  a = <<EOT\nnever closed\n").0,
        Outcome::Unreadable(_, Some(1))
    ));
    // What stands before the fault is kept.
    let cut = format!("{TERRAFORM}\nresource \"x\" \"y\" {{");
    let found = read("cut.tf", &cut);
    let said = &found[0].0.diagnostics[0];
    assert_eq!((found.len(), said.level, said.line), (4, Level::Error, Some(61)), "{said:?}");
}

const WORKBOOK: &str = r#"{"version": "Notebook/1.0", "items": [
  {"type": 1, "content": {"json": "words"}, "name": "text"},
  {"type": 3, "content": {"version": "KqlItem/1.0", "title": "By day", "query": "SigninLogs\n| summarize count() by bin(TimeGenerated, 1d)"}},
  {"type": 12, "content": {"title": "Guests", "items": [
    {"type": 3, "content": {"version": "KqlItem/1.0", "query": "SigninLogs\n| where UserType == 'Guest'"}},
    {"type": 12, "content": {"items": [
      {"type": 3, "content": {"version": "KqlItem/1.0", "title": "Deep", "query": "AuditLogs | take 5"}}]}}]}},
  {"type": 3, "content": {"version": "KqlItem/1.0", "query": "{\"version\":\"Merge/1.0\"}"}}]}"#;

#[test]
fn a_workbook_s_queries_are_listed_and_not_counted() {
    let template = serde_json::json!({"resources": [{"type": "microsoft.insights/workbooks",
        "properties": {"displayName": "Guests", "serializedData": WORKBOOK}}]});
    for (text, titles) in [
        (WORKBOOK.to_owned(), ["Sign-ins (By day)", "Sign-ins (Guests)", "Sign-ins (Guests, Deep)"]),
        (
            template.to_string(),
            ["Sign-ins (Guests, By day)", "Sign-ins (Guests, Guests)", "Sign-ins (Guests, Guests, Deep)"],
        ),
    ] {
        let found = read("Workbooks/Sign-ins.json", &text);
        let shown: Vec<&str> = found.iter().map(|(rule, _)| rule.title.as_str()).collect();
        assert_eq!(shown, titles);
        assert!(found.iter().all(|(rule, _)| rule.kind == Kind::Baseline && !rule.is_counted()));
    }
    let found = read("a.json", WORKBOOK);
    assert_eq!(found.iter().map(|(rule, _)| rule.line).collect::<Vec<_>>(), [3, 5, 7]);
}

#[test]
fn a_page_s_blocks_are_read_whatever_they_are_marked() {
    let page = "# Guests\n```sql\nSigninLogs\n| where UserType == 'Guest'\n```\n```SQL\nSELECT a FROM b WHERE c | d\n```\n\
        ```C#\nT | take 1\n```\n```text\nT | where A == 1\n```\n```{.kql}\nU | take 2\n```\n```python\nx | y\n```\n";
    let found = read("p.md", page);
    assert_eq!(found.iter().map(|(rule, _)| rule.line).collect::<Vec<_>>(), [3, 10, 13, 16]);
}

#[test]
fn a_page_without_a_fence_has_its_queries_among_the_text() {
    let page = "---\ntitle: Guests at night\n---\nA few words | and a bar, as prose.\n\n## Query\n\nRun this, as it is:\n\
        let start = ago(1d);\n\n    SigninLogs\n    | where TimeGenerated > start\n\n    | where UserType == 'Guest'\n\n\
        More words.\n\n| Table | Row |\n|---|---|\n| where | x |\n\nAuditLogs\n| where A == 1\n";
    let found = read("p.md", page);
    let shown: Vec<(&str, &str, u32)> =
        found.iter().map(|(rule, _)| (rule.title.as_str(), rule.query.as_str(), rule.line)).collect();
    let first = "let start = ago(1d);\n\n    SigninLogs\n    | where TimeGenerated > start\n\n    | where UserType == 'Guest'\n";
    assert_eq!(shown, [("Guests at night (1)", first, 9), ("Guests at night (2)", "AuditLogs\n| where A == 1\n", 22)]);
    assert_eq!(why_not("a.md", "# A\n\n| where | x |\n|---|---|\n"), "a page without a query");
}

#[test]
fn a_page_s_title_is_what_it_is_about() {
    for (path, page, title) in [
        ("a.md", "## MITRE ATT&CK Technique(s)\n| Id | Name |\n|---|---|\n\n# Guests at night\n", "Guests at night"),
        ("a.md", "# Guests at night\n| Id | Name |\n|---|---|\n", "Guests at night"),
        ("a.md", "### Ids of it\n| Id | Name |\n|---|---|\n\n## Guests at night\n", "Guests at night"),
        (
            "Guests_at-night.md",
            "# MITRE ATT&CK Technique(s)\n## Hunt Tags\n## KQL\n### Description\n",
            "Guests at night",
        ),
        ("GuestsAtNight.md", "# Sentinel\n", "Guests At Night"),
        ("a.md", "no heading\n", "a"),
    ] {
        let found = read(path, &format!("{page}```kql\nT | take 1\n```\n"));
        assert_eq!(found[0].0.title, title, "{page}");
    }
}

#[test]
fn hostile_files_of_every_kind_are_no_panic() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    let mut many = String::new();
    for at in 0..2_000 {
        write!(many, "resource \"azurerm_sentinel_alert_rule_nrt\" \"r{at}\" {{\n query = \"T | take {at}\"\n}}\n")
            .unwrap();
    }
    assert_eq!(read("many.tf", &many).len(), 2_000);
    let texts = [
        format!("a = {}", deep("[", "]")),
        format!(
            "resource \"azurerm_sentinel_alert_rule_nrt\" \"x\" {{ query = \"T | take 1\"\n{}",
            deep("b {\n", "}\n")
        ),
        format!("x = {}", deep("jsonencode(", ")")),
        format!("x = {}", deep("{ a = ", "}")),
        format!("x = \"{}\"", deep("${", "}")),
        "locals { a = local.b\n b = local.a\n}\nresource \"x_alert_rule\" \"y\" { query = local.a }".to_owned(),
        "resource \"é\" \"ü\" { query = <<-é\nü\né\n".to_owned(),
        "a = \"\\u00".to_owned(),
        "a = <<\n".to_owned(),
        "resource \"alert_rule\" 5 {".to_owned(),
        "/*".to_owned(),
        "query: [".repeat(10_000),
        deep("{\"query\":", "}"),
        deep("[", "]"),
        "{\"query\": 5, \"properties\": [1, {\"query\": null}], \"type\": {}, \"queryCondition\": \"x\"}".to_owned(),
        "{\"version\": \"KqlItem/1.0\", \"query\": [1]}".to_owned(),
        "id: [1]\nname: {a: b}\nseverity: [High]\nquery: T | take 1\ntactics: {a: [b, {c: d}]}\ntechniques: 1059\n"
            .to_owned(),
        "kind: CustomDetection\nproperties: {properties: {properties: {queryCondition: [x]}}}\n".to_owned(),
        "---\ntitle:".to_owned(),
        "\n| where a\n".repeat(20_000),
        "x\n".repeat(20_000) + "| where a, as b\n",
    ];
    for text in &texts {
        for path in ["a.tf", "a.json", "a.yaml", "a.md", "a.bicep", "a.kql", "a.tf.json", "noending"] {
            let begun = std::time::Instant::now();
            outcome(path, text);
            let took = begun.elapsed();
            let head: String = text.chars().take(60).collect();
            assert!(took.as_secs() < 20, "{took:?}: {path} {head}");
        }
    }
}
