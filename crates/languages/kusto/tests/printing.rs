//! What is printed of a tree is read as the same tree.

#[allow(dead_code)]
mod corpora;

use std::{borrow::Cow, path::Path};

use proptest::prelude::*;
use ruleatlas_core::{
    cases,
    printing::{self, Printed, round_trip},
};
use ruleatlas_kusto::{
    ErrorKind, Node,
    ast::{
        Argument, Comparison, Expr, ExprKind, Json, Literal, LiteralKind, Named, Operator, Pipeline, Relation, Script,
        Stage, Statement,
    },
    parse,
};
use ruleatlas_syntax::Span;

/// Of a script: the text that it was read from is another one after printing.
fn printed(script: &Script<'_>) -> Printed {
    let mut bare = script.clone();
    bare.text = "";
    bare.faults.clear();
    Printed { query: script.to_string(), ..Printed::of(&bare) }
}

fn print(text: &str) -> Option<Printed> {
    let parsed = parse(text);
    parsed.is_understood().then(|| printed(&parsed.tree))
}

#[test]
fn queries_of_the_cases_are_printed_as_what_they_are() {
    let files = cases::files(Path::new("cases"), "txt");
    let compared: usize = files.iter().map(|(path, _)| round_trip(cases::queries(path), print)).sum();
    assert!(compared > 200, "{compared}");
}

#[test]
fn queries_of_the_corpora_are_printed_as_what_they_are() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("RULEATLAS_CORPORA is not set: no corpus is read");
        return;
    };
    let mut found = Vec::new();
    corpora::walk(&Path::new(&corpora).join("kusto"), &mut found);
    let texts = found.into_iter().map(|found| (found.place, found.text));
    let compared = round_trip(texts, print);
    assert!(compared > 3_000, "{compared}");
}

#[test]
fn printed_queries_are_short() {
    for (written, printed) in [
        (
            "T | where (a == 1 and (b=~'x')) or not(c has_cs \"y\")",
            "T\n| where a == 1 and b =~ \"x\" or not(c has_cs \"y\")",
        ),
        (
            "T | where a == 1 and (b or c) | extend d = (e + f) * -g",
            "T\n| where a == 1 and (b or c)\n| extend d = (e + f) * -g",
        ),
        (
            "let x = dynamic(['a', {\"b\": -1}]); T | where a !in~ (x) and b between (1d .. ago(2h))",
            "let x = dynamic([\"a\", {\"b\": -1}]);\nT\n| where a !in~ (x) and b between (1d .. ago(2h))",
        ),
        (
            "T | join kind=leftanti (U | where v) on $left.a == $right.b, c",
            "T\n| join kind=leftanti (U\n| where v) on $left.a == $right.b, c",
        ),
        ("T | join hint.strategy=shuffle kind=inner (U) on a", "T\n| join hint.strategy=shuffle kind=inner (U) on a"),
        (
            "union isfuzzy=true A, B* | summarize count(), m = max(t) by bin(t, 1h), ['a b']",
            "union isfuzzy=true A, B*\n| summarize count(), m = max(t) by bin(t, 1h), ['a b']",
        ),
        ("union A, B* | sort by a desc | project-away b", "union A, B*\n| sort by a desc\n| project-away b"),
        (
            "let f = (a:string, t:(x:long)) { t | where y == a }; f('z', T)",
            "let f = (a:string, t:(x:long)) { t\n| where y == a };\nf(\"z\", T)",
        ),
        (
            r#"print @"C:\x", datetime(2024-01-01), time(1.02:03), int(-5), guid(0-0)"#,
            r#"print "C:\\x", datetime(2024-01-01), time(1.02:03), int(-5), guid(0-0)"#,
        ),
    ] {
        let tree = parse(written).tree;
        // `['a b']` is written anew.
        assert_eq!(tree.to_string().replace("[\"a b\"]", "['a b']"), printed);
    }
}

#[test]
fn every_kind_of_error_has_an_example() {
    printing::error_kinds("KQL", |text| {
        parse(text).errors.into_iter().map(|error| error.kind).collect::<Vec<ErrorKind>>()
    });
}

#[test]
fn a_walk_reaches_what_stands_in_pipelines() {
    let tree = parse("let a = (b:string = c) { d | where e }; f | join (g | extend h = i) on j | where k in (l)").tree;
    let name = |node: Node<'_, '_>| match node {
        Node::Expr(Expr { kind: ExprKind::Name(name), .. }) => Some(name.to_string()),
        _ => None,
    };
    assert_eq!(tree.walk().filter_map(name).collect::<Vec<_>>(), ["c", "d", "e", "f", "g", "i", "j", "k", "l"]);
}

fn of(kind: ExprKind<'static>) -> Expr<'static> {
    Expr { kind, span: Span::default(), height: 0 }
}

/// Words and characters that mean something somewhere.
const TEXTS: &[&str] = &["x", "and", "\\", "\"", "'", "*", "\n", "\t", "\u{7}", "é", " ", "//", "`", "{{"];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(TEXTS), 0..5).prop_map(|texts| texts.concat())
}

fn literal(kind: LiteralKind, text: impl Into<Cow<'static, str>>) -> Literal<'static> {
    Literal { kind, text: text.into() }
}

fn primary() -> impl Strategy<Value = Expr<'static>> {
    let name =
        prop::sample::select(vec!["a", "b_c", "$left", "365T", "odd name", "not", "has", "true", "union", "x-y", "é"]);
    let literals = prop::sample::select(vec![
        (LiteralKind::Number, "5"),
        (LiteralKind::Number, "0x1F"),
        (LiteralKind::Number, "-5"),
        (LiteralKind::Bool, "true"),
        (LiteralKind::Timespan, "1d"),
        (LiteralKind::Timespan, "00:05:00"),
        (LiteralKind::Datetime, "2024-01-01 10:00"),
        (LiteralKind::Null, "null"),
    ]);
    prop_oneof![
        name.prop_map(|name| of(ExprKind::Name(Cow::Borrowed(name)))),
        text().prop_map(|text| of(ExprKind::Literal(literal(LiteralKind::String, text)))),
        literals.prop_map(|(kind, text)| of(ExprKind::Literal(literal(kind, text)))),
        (text(), text()).prop_map(|(key, value)| {
            let value = Json::Scalar(literal(LiteralKind::String, value));
            of(ExprKind::Dynamic(Json::Bag(vec![(Cow::Owned(key), Json::Array(vec![value]))])))
        }),
    ]
}

fn expr() -> impl Strategy<Value = Expr<'static>> {
    let relation = prop::sample::select(vec![
        (Relation::Equal, true),
        (Relation::Equal, false),
        (Relation::Less, false),
        (Relation::Has, false),
        (Relation::StartsWith, true),
        (Relation::Regex, true),
    ]);
    primary().prop_recursive(5, 32, 3, move |inner| {
        let pair = (inner.clone(), inner.clone());
        let list = prop::collection::vec(inner.clone(), 2..4);
        let call = (prop::sample::select(vec!["not", "iff", "tolower"]), prop::collection::vec(inner.clone(), 0..3));
        prop_oneof![
            list.clone().prop_map(|items| of(ExprKind::And(items))),
            list.clone().prop_map(|items| of(ExprKind::Or(items))),
            inner.clone().prop_map(|inner| of(ExprKind::Negative(Box::new(inner)))),
            (relation.clone(), any::<bool>(), pair.clone()).prop_map(
                |((operator, case_sensitive), negated, (left, right))| {
                    let negated = negated && operator != Relation::Less;
                    of(ExprKind::Compare(
                        Comparison { operator, negated, case_sensitive },
                        Box::new(left),
                        Box::new(right),
                    ))
                }
            ),
            (any::<bool>(), inner.clone(), list).prop_map(|(case_sensitive, value, list)| {
                let comparison = Comparison { operator: Relation::In, negated: !case_sensitive, case_sensitive };
                of(ExprKind::CompareList(comparison, Box::new(value), list))
            }),
            (prop::sample::select(vec!['+', '-', '*', '%']), pair.clone())
                .prop_map(|(sign, (left, right))| of(ExprKind::Arithmetic(sign, Box::new(left), Box::new(right)))),
            pair.clone().prop_map(|(low, high)| {
                let value = Box::new(of(ExprKind::Name(Cow::Borrowed("a"))));
                of(ExprKind::Between { value, low: Box::new(low), high: Box::new(high), negated: false })
            }),
            pair.prop_map(|(base, index)| of(ExprKind::Index(Box::new(base), Box::new(index)))),
            call.prop_map(|(name, arguments)| {
                let arguments = arguments.into_iter().map(|value| Argument { name: None, value }).collect();
                of(ExprKind::Call(Cow::Borrowed(name), arguments))
            }),
            inner.prop_map(|condition| {
                let stages = vec![Stage { operator: Operator::Where(condition), span: Span::default() }];
                let source = of(ExprKind::Name(Cow::Borrowed("T")));
                of(ExprKind::Pipeline(Box::new(Pipeline { source, stages, span: Span::default() })))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_query_is_read_again(condition in expr(), value in expr(), name in text()) {
        let name = vec![Cow::Owned(format!("n{name}"))];
        let operators = [Operator::Where(condition), Operator::Extend(vec![Named { names: name, value }])];
        let stages = operators.into_iter().map(|operator| Stage { operator, span: Span::default() }).collect();
        let source = of(ExprKind::Name(Cow::Borrowed("T")));
        let query = of(ExprKind::Pipeline(Box::new(Pipeline { source, stages, span: Span::default() })));
        let made = printed(&Script::new(vec![Statement::Query(query)]));
        let read = print(&made.query);
        prop_assert_eq!(read.map(|read| read.without("height")), Some(made.clone().without("height")), "{}", made.query);
    }
}
