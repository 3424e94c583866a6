//! What is written of a tree is read as the same tree.

use std::path::Path;

use proptest::prelude::*;
use ruleatlas_core::{
    Frontend, NoContext, Query, cases,
    printing::{self, Printed, round_trip},
};
use ruleatlas_sigma::{
    ErrorKind, Sigma,
    ast::{Condition, Detection, Expr, Item, NamedSelection, Scalar, Selection},
    parse, parse_condition,
};
use ruleatlas_syntax::Span;

fn print(text: &str) -> Option<Printed> {
    let parsed = parse(text);
    parsed.is_understood().then(|| Printed::of(&parsed.tree))
}

#[test]
fn detections_of_the_cases_are_written_as_what_they_are() {
    let files = cases::files(Path::new("cases"), "txt");
    let compared: usize = files.iter().map(|(path, _)| round_trip(cases::queries(path), print)).sum();
    assert!(compared > 60, "{compared}");
}

/// The files of the corpora.
fn corpus() -> Vec<(String, String)> {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("RULEATLAS_CORPORA is not set: no corpus is read");
        return Vec::new();
    };
    let files = cases::files(&Path::new(&corpora).join("sigma"), "yml");
    files.into_iter().map(|(path, text)| (path.display().to_string(), text)).collect()
}

#[test]
fn detections_of_the_corpora_are_written_as_what_they_are() {
    let files = corpus();
    let least = if files.is_empty() { 0 } else { 4_000 };
    assert!(round_trip(files, print) >= least);
}

#[test]
fn what_is_written_asks_for_the_same() {
    let described = |text: &str| cases::describe(&Sigma.parse(&Query::new(text), &NoContext));
    for (name, text) in corpus() {
        // Several documents and the parts of a rule outside its detection are no part of the tree.
        let is_plain =
            ruleatlas_yaml::parse(&text).is_ok_and(|yaml| yaml.documents.len() == 1 && yaml.warnings.is_empty());
        let parsed = parse(&text);
        if !is_plain || !parsed.errors.is_empty() {
            continue;
        }
        let without_source =
            |text: String| text.lines().filter(|line| !line.starts_with("step ")).collect::<Vec<_>>().join("\n");
        let written = described(&parsed.tree.to_string());
        assert_eq!(without_source(written), without_source(described(&text)), "{name}");
    }
}

#[test]
fn conditions_have_no_more_parentheses_than_they_need() {
    for (written, printed) in [
        ("(a and (b)) or not (c)", "a and b or not c"),
        ("a AND (b or c) and not (d or e)", "a and (b or c) and not (d or e)"),
        ("any of sel_* and not 1 of them", "1 of sel_* and not 1 of them"),
        ("not not a", "a"),
        ("a | count() by b > 5", "a | count() by b > 5"),
    ] {
        assert_eq!(parse_condition(written).tree.to_string(), printed);
    }
}

#[test]
fn texts_are_quoted_where_yaml_needs_it() {
    let values = [
        "cmd.exe",
        "\\cmd.exe",
        "it's",
        "a: b",
        "- x",
        "5",
        "true",
        "null",
        "on",
        "",
        " x",
        "a\nb",
        "\u{7}",
        "#c",
        "é",
    ];
    let items = values.map(|value| Item::new("f", &["contains"], Scalar::text(value))).to_vec();
    let selection = Selection::Any(items.into_iter().map(|item| Selection::All(vec![item])).collect());
    let selections = vec![NamedSelection { name: "odd name".to_owned(), selection, span: Span::default() }];
    let condition = Condition { expr: Expr::name("odd"), aggregation: None };
    let tree = Detection { selections, conditions: vec![condition], timeframe: None };
    let written = tree.to_string();
    assert!(written.starts_with(
        "'odd name':\n    - f|contains: cmd.exe\n    - f|contains: '\\cmd.exe'\n    - f|contains: 'it''s'\n"
    ));
    assert_eq!(print(&written), Some(Printed::of(&tree)));
}

#[test]
fn every_kind_of_error_has_an_example() {
    printing::error_kinds("SIG", |text| {
        parse(text).errors.into_iter().map(|error| error.kind).collect::<Vec<ErrorKind>>()
    });
}

/// Words and characters that mean something somewhere.
const TEXTS: &[&str] = &[
    "x", "null", "5", "true", "\\", "\"", "'", ":", ": ", " #", "-", "*", "|", "\n", "\t", "é", " ", "{", "[", "&",
    "!", "%", "@", "`", "\u{85}",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(TEXTS), 0..5).prop_map(|texts| texts.concat())
}

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        4 => text().prop_map(Scalar::Text),
        1 => prop::sample::select(vec!["5", "-1.5", "00429", "true", "False"]).prop_map(|text| Scalar::Bare(text.to_owned())),
        1 => Just(Scalar::Null),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let modifiers = prop::collection::vec(prop::sample::select(vec!["contains", "all", "re"]), 0..3);
    (text(), modifiers, prop::collection::vec(scalar(), 0..3), any::<bool>()).prop_map(
        |(field, modifiers, values, is_list)| {
            let is_list = is_list || values.len() != 1;
            Item { values, is_list, ..Item::new(format!("f{}", field.replace('|', "")), &modifiers, Scalar::Null) }
        },
    )
}

fn selection() -> impl Strategy<Value = Selection> {
    let items = prop::collection::vec(item(), 1..4).prop_map(|mut items| {
        // A mapping has each key once.
        for (at, item) in items.iter_mut().enumerate() {
            item.field = format!("{at}{}", item.field);
        }
        Selection::All(items)
    });
    let keyword =
        scalar().prop_filter("null is no keyword", |value| *value != Scalar::Null).prop_map(Selection::Keyword);
    prop_oneof![items, keyword]
        .prop_recursive(3, 12, 3, |inner| prop::collection::vec(inner, 1..4).prop_map(Selection::Any))
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["a", "sel-1", "filter.x", "1"]).prop_map(Expr::name),
        (any::<bool>(), prop::sample::select(vec!["sel*", "them", "_x_*"])).prop_map(|(all, pattern)| Expr::Of {
            all,
            pattern: pattern.to_owned(),
            span: Span::default()
        }),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::Or),
            inner.prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_detection_is_read_again(
        selections in prop::collection::vec((text(), selection()), 1..4),
        exprs in prop::collection::vec(expr(), 1..3),
    ) {
        let named = selections.into_iter().enumerate().map(|(at, (name, selection))| {
            NamedSelection { name: format!("s{at}{name}"), selection, span: Span::default() }
        });
        let conditions = exprs.into_iter().map(|expr| Condition { expr, aggregation: None }).collect();
        let printed = Printed::of(&Detection { selections: named.collect(), conditions, timeframe: Some("5m".to_owned()) });
        let read = print(&printed.query);
        prop_assert_eq!(read, Some(printed));
    }
}
