//! What is printed of a tree is read as the same tree.

use std::path::Path;

use proptest::prelude::*;
use ruleatlas_core::{
    cases,
    printing::{self, Printed, round_trip},
};
use ruleatlas_mql::{
    ErrorKind,
    ast::{ArithmeticOp, CompareOp, Count, Expr, ExprKind, PathStep},
    parse,
};

fn print(text: &str) -> Option<Printed> {
    let parsed = parse(text);
    parsed.is_understood().then(|| Printed::of(&parsed.tree))
}

#[test]
fn queries_of_the_cases_are_printed_as_what_they_are() {
    assert!(round_trip(cases::queries("cases/mql.txt"), print) > 30);
}

#[test]
fn queries_of_the_corpora_are_printed_as_what_they_are() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("RULEATLAS_CORPORA is not set: no corpus is read");
        return;
    };
    let mut found = Vec::new();
    for (path, text) in cases::files(&Path::new(&corpora).join("sublime"), "yml") {
        let Ok(parsed) = ruleatlas_yaml::parse(&text) else { continue };
        let sources = parsed.documents.iter().filter_map(|document| document.text_of("source"));
        found.extend(sources.map(|source| (path.display().to_string(), source.to_owned())));
    }
    assert!(found.is_empty() || round_trip(found, print) > 1_000);
}

#[test]
fn printed_queries_are_short() {
    for (written, printed) in [
        ("(a and (b)) or not (c or d)", "a and b or not (c or d)"),
        ("any(x, ..y[0].z==.w and . in~ ('a','b'))", r#"any(x, ..y[0].z == .w and . in~ ("a", "b"))"#),
        ("(a + b) * -c < (2) and 2 of (d, e is not null)", "(a + b) * -c < 2 and 2 of (d, e is not null)"),
        ("f(x).y not in $z", "f(x).y not in $z"),
        ("a == \"q\\\"\\\\\\n\\u{1f4ec}\"", "a == \"q\\\"\\\\\\n\u{1f4ec}\""),
    ] {
        assert_eq!(parse(written).tree.to_string(), printed);
    }
}

#[test]
fn every_kind_of_error_has_an_example() {
    printing::error_kinds("MQL", |text| {
        parse(text).errors.into_iter().map(|error| error.kind).collect::<Vec<ErrorKind>>()
    });
}

/// Words and characters that mean something somewhere.
const TEXTS: &[&str] = &["x", "and", "\\", "\"", "'", "\n", "\t", "\u{7}", "é", " ", "{"];

fn primary() -> impl Strategy<Value = Expr> {
    let text = prop::collection::vec(prop::sample::select(TEXTS), 0..5).prop_map(|texts| texts.concat());
    let member = |name: &str| PathStep::Member(name.to_owned());
    prop_oneof![
        text.prop_map(|text| Expr::of(ExprKind::Text(text))),
        prop::sample::select(vec!["5", "-5", "0.5"]).prop_map(|number| Expr::of(ExprKind::Number(number.to_owned()))),
        any::<bool>().prop_map(|value| Expr::of(ExprKind::Bool(value))),
        Just(Expr::of(ExprKind::Null)),
        Just(Expr::of(ExprKind::List("list".to_owned()))),
        Just(Expr::of(ExprKind::Name("sender".to_owned()))),
        Just(Expr::of(ExprKind::Element(2))),
        (1_u32..3).prop_map(move |dots| {
            Expr::of(ExprKind::Path(Box::new(Expr::of(ExprKind::Element(dots))), vec![member("a"), member("in")]))
        }),
    ]
}

fn expr() -> impl Strategy<Value = Expr> {
    primary().prop_recursive(5, 32, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 2..4);
        let boxed = inner.clone().prop_map(Box::new);
        let is_number = |expr: &Expr| matches!(expr.kind, ExprKind::Number(_));
        let sums = prop::sample::select(vec![ArithmeticOp::Add, ArithmeticOp::Subtract]);
        let products = prop::sample::select(vec![ArithmeticOp::Multiply, ArithmeticOp::Remainder]);
        let compares = prop::sample::select(vec![CompareOp::Equal, CompareOp::NotEqualAnyCase, CompareOp::LessEqual]);
        prop_oneof![
            list.clone().prop_map(|items| Expr::of(ExprKind::And(items))),
            list.clone().prop_map(|items| Expr::of(ExprKind::Or(items))),
            list.clone().prop_map(|items| Expr::of(ExprKind::Array(items))),
            boxed.clone().prop_map(|inner| Expr::of(ExprKind::Not(inner))),
            inner
                .clone()
                .prop_filter("a number", move |inner| !is_number(inner))
                .prop_map(|inner| Expr::of(ExprKind::Negative(Box::new(inner)))),
            (boxed.clone(), prop::collection::vec((compares, inner.clone()), 1..3))
                .prop_map(|(first, rest)| Expr::of(ExprKind::Compare(first, rest))),
            (boxed.clone(), prop::collection::vec((sums, inner.clone()), 1..3))
                .prop_map(|(first, rest)| Expr::of(ExprKind::Arithmetic(first, rest))),
            (boxed.clone(), prop::collection::vec((products, inner.clone()), 1..3))
                .prop_map(|(first, rest)| Expr::of(ExprKind::Arithmetic(first, rest))),
            (boxed.clone(), list.clone(), any::<bool>(), any::<bool>()).prop_map(
                |(subject, items, negated, any_case)| {
                    let list = Box::new(Expr::of(ExprKind::Array(items)));
                    Expr::of(ExprKind::In { subject, list, negated, any_case })
                }
            ),
            (boxed.clone(), any::<bool>())
                .prop_map(|(subject, negated)| Expr::of(ExprKind::IsNull { subject, negated })),
            list.clone().prop_map(|conditions| Expr::of(ExprKind::Of { count: Count::AtLeast(2), conditions })),
            list.prop_map(|arguments| Expr::of(ExprKind::Call { name: "strings.like".to_owned(), arguments })),
            (boxed, inner)
                // A name with parts behind it is read as one.
                .prop_filter("a path", |(base, _)| !matches!(base.kind, ExprKind::Path(..)))
                .prop_map(|(base, index)| Expr::of(ExprKind::Path(base, vec![PathStep::Index(index)]))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_query_is_read_again(expr in expr()) {
        let printed = Printed::of(&expr);
        let read = print(&printed.query);
        prop_assert_eq!(read, Some(printed));
    }
}
