//! No input panics, hangs or gives a span outside of its text.

#![allow(clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use ruleatlas_core::{Context, Frontend, NoContext, Parsed, Query, Referenced, cases};
use ruleatlas_model::Level;
use ruleatlas_sigma::Sigma;

const RULE: &str = "title: Sweep
id: 0b7e
name: sweep
logsource: {product: windows, category: process_creation}
detection:
    selection_img:
        - Image|endswith:
              - '\\sweep.exe'
              - '*\\broom?.exe'
        - OriginalFileName: 'SWEEP.EXE'
    selection_cli:
        CommandLine|contains|windash|all: [' -a ', ' /b ']
        Size|gte: 5
        Time|hour: 3
        Ip|cidr: 10.0.0.0/8
        Re|re|i: '^(a|b){1,2}$'
    keywords: ['*x*y', 5, null]
    filter_main: {User: null, Path|exists: false}
    condition: 1 of selection_* and not (filter_main or all of filter_*) | count(User) by Host > 5
---
correlation:
    type: value_count
    rules: [sweep, other]
    group-by: [User]
    timespan: 5m
    condition: {field: Image, gte: 3}
---
filter:
    rules: [sweep]
    selection: {User: x}
    condition: not selection
---
action: global
level: high
";

fn check(text: &str) -> Parsed {
    cases::places(&Sigma, text, &NoContext)
}

proptest! {
    #[test]
    fn any_text(text in "(?s).{0,200}") {
        check(&text);
    }

    #[test]
    fn any_condition(words in prop::collection::vec(prop::sample::select(vec![
        "a", "b", "_c", "and", "or", "not", "(", ")", "1", "all", "any", "of", "them", "a*", "*", "|", "count()", ">",
        "5", "near", "NOT", "é", "\t", "2",
    ]), 0..40)) {
        let text = format!("a: {{A: 1}}\nb: [x]\n_c: {{B|re: y}}\ncondition: \"{}\"\n", words.join(" "));
        let parsed = check(&text);
        prop_assert_eq!(parsed.conditions.len(), 1);
    }

    #[test]
    fn any_condition_text(condition in "\\PC{0,60}") {
        check(&format!("a: {{A: 1}}\ncondition: |\n  {condition}\n"));
    }

    #[test]
    fn any_key_and_value(key in "[a-zA-Z|.]{0,12}(\\|(contains|all|re|i|cased|exists|neq|gt|hour|base64|wide|expand|fieldref|cidr|windash)){0,4}", value in "\\PC{0,30}") {
        let value = value.replace('\'', "''");
        check(&format!("a: {{'{key}': ['{value}', 5, null, true]}}\ncondition: a\n"));
    }

    #[test]
    fn any_change_of_a_rule(changes in prop::collection::vec((0..RULE.len(), 0..12_usize, prop::sample::select(vec![
        "", "'", "\"", "|", ": ", "- ", "\n", "[", "]", "{", "}", "*", "\\", "null", "é", "#", "  ", "---\n", "&x ", "*x",
    ])), 1..6)) {
        let mut text = RULE.to_owned();
        for (at, length, new) in changes {
            let start = text.floor_char_boundary(at);
            let end = text.floor_char_boundary((at + length).min(text.len()));
            text.replace_range(start..end.max(start), new);
        }
        check(&text);
    }
}

#[test]
fn deep_conditions_are_refused() {
    for condition in ["(".repeat(100_000), format!("{}a", "not ".repeat(100_001)), "(a and ".repeat(5_000)] {
        let parsed = check(&format!("a: {{A: 1}}\ncondition: {condition}\n"));
        assert_eq!(parsed.conditions.len(), 1);
        assert!(parsed.diagnostics.len() <= 201);
    }
}

#[test]
fn a_selection_named_again_and_again_is_bounded() {
    let values: String = (0..20_000).map(|n| format!("      - value{n}\n")).collect();
    let condition = vec!["a"; 5_000].join(" or ");
    let parsed = check(&format!("a:\n    F:\n{values}condition: {condition}\n"));
    let values: usize = parsed.conditions[0].root.predicates().map(|predicate| predicate.values.len()).sum();
    assert!(values < 500_000, "{values}");
    assert!(parsed.diagnostics.iter().any(|diagnostic| diagnostic.code == "budget"), "{:?}", parsed.diagnostics);
}

#[test]
fn many_selections_take_no_quadratic_time() {
    let selections: String = (0..50_000).map(|n| format!("s{n}: {{A: {n}}}\n")).collect();
    let condition = (0..50_000).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" or ");
    let parsed = check(&format!("{selections}condition: {condition}\n"));
    assert_eq!(parsed.conditions[0].root.predicates().count(), 50_000);
    assert!(parsed.diagnostics.is_empty());
    let globs = vec!["1 of s*9*9*9*"; 5_000].join(" or ");
    check(&format!("{selections}condition: {globs}\n"));
}

#[test]
fn diagnostics_name_span_and_line() {
    let text = "title: x\ndetection:\n    sel:\n        A: 1\n        B|foo: 2\n    condition: sel and gone\n";
    let parsed = check(text);
    let found: Vec<_> = parsed
        .diagnostics
        .iter()
        .map(|diagnostic| (diagnostic.span.and_then(|span| span.of(text)), diagnostic.line))
        .collect();
    assert_eq!(found, [(Some("B|foo: 2"), Some(5)), (Some("gone"), Some(6))]);

    let tree = ruleatlas_yaml::parse(text).expect("YAML").documents.remove(0);
    let (key, value) = tree.entry("detection").expect("a detection");
    let shown = &text[key.start..value.end];
    let query = Query { text: shown, tree: Some((&tree, key.start)), sources: &[] };
    let parsed = Sigma.parse(&query, &NoContext);
    let found: Vec<_> = parsed
        .diagnostics
        .iter()
        .map(|diagnostic| (diagnostic.span.and_then(|span| span.of(shown)), diagnostic.line))
        .collect();
    assert_eq!(found, [(Some("B|foo: 2"), Some(5)), (Some("gone"), Some(6))], "lines are the file's");
    let spans: Vec<_> =
        parsed.conditions[0].root.predicates().filter_map(|predicate| predicate.span.of(shown)).collect();
    assert_eq!(spans, ["A: 1"]);
}

#[test]
fn what_stands_outside_of_the_text_has_a_line_and_no_span() {
    let text = "logsource: windows\ndetection: {a: {A: 1}, condition: a}\n";
    let tree = ruleatlas_yaml::parse(text).expect("YAML").documents.remove(0);
    let (key, value) = tree.entry("detection").expect("a detection");
    let query = Query { text: &text[key.start..value.end], tree: Some((&tree, key.start)), sources: &[] };
    let parsed = Sigma.parse(&query, &NoContext);
    assert_eq!((parsed.diagnostics[0].span, parsed.diagnostics[0].line), (None, Some(1)));
}

/// Rules that the source knows, by id.
struct Shelf(Vec<(&'static str, &'static str)>);

impl Context for Shelf {
    fn rule(&self, reference: &str) -> Option<Referenced<'_>> {
        let (id, text) = self.0.iter().find(|(id, _)| *id == reference)?;
        Some(Referenced { id, title: "From the shelf", query: Query::new(text) })
    }
}

#[test]
fn base_rules_come_from_the_source_and_stand_at_their_reference() {
    let shelf = Shelf(vec![
        ("many", "correlation: {type: event_count, rules: [base, loop], timespan: 1m, condition: {gt: 1}}"),
        ("loop", "id: loop\ncorrelation: {type: temporal, rules: [loop, many], timespan: 1m}"),
        ("base", "detection: {s: {A: 1, B|foo: 2}, condition: s}"),
    ]);
    let text =
        "id: top\ncorrelation:\n    type: temporal\n    rules:\n        - base\n        - many\n    timespan: 1m\n";
    let parsed = Sigma.parse(&Query::new(text), &shelf);
    let predicates: Vec<_> = parsed
        .conditions
        .iter()
        .flat_map(|step| step.root.predicates())
        .map(|predicate| (predicate.raw_field.as_str(), predicate.span.of(text)))
        .collect();
    assert_eq!(predicates[..2], [("A", Some("base")), ("A", Some("many"))]);
    assert!(parsed.conditions.iter().all(|step| !step.label.is_empty()));
    assert_eq!(parsed.conditions[0].label, "From the shelf");
    let errors: Vec<_> = parsed.diagnostics.iter().filter(|said| said.level == Level::Error).collect();
    assert!(errors.iter().all(|said| said.line.is_some_and(|line| line == 5 || line == 6)), "{errors:?}");
    assert!(errors.iter().any(|said| said.code == "circular correlation"), "{errors:?}");
    assert!(errors[0].message.starts_with("in the base rule `base`"), "{errors:?}");
}

#[test]
fn correlations_that_double_are_bounded() {
    let mut text = String::new();
    for level in 0..14 {
        let below = level + 1;
        text.push_str(&format!(
            "name: r{level}\ncorrelation: {{type: temporal, rules: [r{below}, r{below}], timespan: 1m}}\n---\n"
        ));
    }
    text.push_str("name: r14\ndetection: {s: {A: 1}, condition: s}\n");
    let parsed = check(&text);
    assert!(parsed.conditions.len() < 1_000, "{}", parsed.conditions.len());
    assert!(parsed.diagnostics.iter().any(|said| said.code == "too many base rules"));
}

#[test]
fn a_global_part_before_many_documents_is_bounded() {
    let values: String = (0..10_000).map(|n| format!("      - {n}\n")).collect();
    let text =
        format!("action: global\ndetection:\n  s:\n    A:\n{values}  condition: s\n{}", "---\nb: 1\n".repeat(1_000));
    let parsed = check(&text);
    assert_eq!(parsed.diagnostics[0].code, "budget");
}
