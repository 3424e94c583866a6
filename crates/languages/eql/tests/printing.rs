//! What is printed of a tree is read as the same tree.

mod elastic;

use std::{borrow::Cow, path::Path};

use proptest::prelude::*;
use ruleatlas_core::{
    cases,
    printing::{self, Printed, round_trip},
};
use ruleatlas_eql::{
    ErrorKind,
    ast::{Arithmetic, Comparison, Event, Expr, ExprKind, Literal, Lookup, Query},
    parse,
};

fn print(text: &str) -> Option<Printed> {
    let parsed = parse(text);
    let is_understood = parsed.is_understood();
    parsed.tree.filter(|_| is_understood).map(|query| Printed::of(&query))
}

#[test]
fn queries_of_the_cases_are_printed_as_what_they_are() {
    for name in ["comparisons", "functions", "steps", "errors"] {
        assert!(round_trip(cases::queries(format!("cases/{name}.txt")), print) > 2, "{name}");
    }
}

#[test]
fn queries_of_the_corpora_are_printed_as_what_they_are() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("RULEATLAS_CORPORA is not set: no corpus is read");
        return;
    };
    let queries = elastic::queries(Path::new(&corpora));
    let queries = queries.into_iter().map(|(path, query)| (path.display().to_string(), query));
    assert!(round_trip(queries, print) > 1_000);
}

#[test]
fn printed_queries_are_short() {
    for (written, printed) in [
        (
            "process where (a == 1 and (b==2)) or not (c : (\"x*\"))",
            r#"process where a == 1 and b == 2 or not c : "x*""#,
        ),
        ("process where a == 1 and (b == 2 or c == 3)", "process where a == 1 and (b == 2 or c == 3)"),
        ("any where (a + b) * c > -(d - (e - 2))", "any where (a + b) * c > -(d - (e - 2))"),
        ("any where a : ((b + 1) * 2)", "any where a : ((b + 1) * 2)"),
        ("any where a > -(-5)", "any where a > 5"),
        ("any where ?a.`b c`[0].d != null | head 5", "any where ?a.`b c`[0].d != null | head 5"),
        (r#"any where f == """C:\new""""#, r#"any where f == "C:\\new""#),
        ("any where f in~ (\"a\", \"b\") and g not like \"x?\"", r#"any where f in~ ("a", "b") and g not like "x?""#),
        (
            "sequence by h with maxspan=5m [a where true] by x with runs=2 ![b where descendant of [c where d == 1]] until [d where false]",
            "sequence by h with maxspan=5m\n  [a where true] by x with runs=2\n  ![b where descendant of [c where d == 1]]\n\
             until [d where false]",
        ),
        ("\"my events\" where `and` == 1", "\"my events\" where `and` == 1"),
    ] {
        assert_eq!(parse(written).tree.map(|query| query.to_string()).unwrap_or_default(), printed);
    }
}

#[test]
fn every_kind_of_error_has_an_example() {
    printing::error_kinds("EQL", |text| {
        parse(text).errors.into_iter().map(|error| error.kind).collect::<Vec<ErrorKind>>()
    });
}

#[test]
fn an_expression_of_any_depth_is_printed() {
    let mut expr = Expr::field("a");
    for _ in 0..20_000 {
        expr = Expr::new(ExprKind::Negative(Box::new(expr)));
    }
    assert!(expr.to_string().starts_with("-(-(-("));
    assert_eq!(expr.walk().count(), 20_001);
    // Dropping it would recurse.
    std::mem::forget(expr);
}

/// Words and characters that mean something somewhere.
const TEXTS: &[&str] = &["x", "and", "\\", "\"", "'", "*", "?", "\n", "\t", "\u{7}", "\u{202e}", "é", " ", "{", "`"];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(TEXTS), 0..5).prop_map(|texts| texts.concat())
}

fn primary() -> impl Strategy<Value = Expr<'static>> {
    let path =
        prop::sample::select(vec!["a", "b.c", "a.0.b", "a[0].b", "odd name.x", "not", "null", "event", "in.b", "1a"]);
    prop_oneof![
        text().prop_map(Expr::text),
        prop::sample::select(vec!["5", "-5", "0x1f", ".5", "1e9"])
            .prop_map(|number| Expr::new(ExprKind::Literal(Literal::Number(Cow::Borrowed(number))))),
        any::<bool>().prop_map(|value| Expr::new(ExprKind::Literal(Literal::Bool(value)))),
        Just(Expr::new(ExprKind::Literal(Literal::Null))),
        (path, any::<bool>())
            .prop_map(|(path, optional)| Expr::new(ExprKind::Field { path: Cow::Borrowed(path), optional })),
    ]
}

fn expr() -> impl Strategy<Value = Expr<'static>> {
    primary().prop_recursive(5, 32, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| Expr::new(ExprKind::And(parts))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| Expr::new(ExprKind::Or(parts))),
            inner.clone().prop_map(|inner| Expr::new(ExprKind::Not(Box::new(inner)))),
            // A number's sign is a part of it.
            inner
                .clone()
                .prop_filter("a number", |inner| !matches!(inner.kind, ExprKind::Literal(Literal::Number(_))))
                .prop_map(|inner| Expr::new(ExprKind::Negative(Box::new(inner)))),
            (prop::sample::select(vec![Comparison::Eq, Comparison::Ne, Comparison::Lt, Comparison::Gte]), pair.clone())
                .prop_map(|(op, (left, right))| {
                    Expr::new(ExprKind::Compare { op, left: Box::new(left), right: Box::new(right) })
                }),
            (
                prop::sample::select(vec![
                    Arithmetic::Add,
                    Arithmetic::Subtract,
                    Arithmetic::Multiply,
                    Arithmetic::Modulo
                ]),
                pair
            )
                .prop_map(|(op, (left, right))| {
                    Expr::new(ExprKind::Arithmetic { op, left: Box::new(left), right: Box::new(right) })
                }),
            (
                prop::sample::select(vec![Lookup::In, Lookup::Colon, Lookup::Like, Lookup::Regex]),
                any::<bool>(),
                any::<bool>(),
                inner.clone(),
                prop::collection::vec(inner.clone(), 1..4),
            )
                .prop_map(|(op, insensitive, negated, subject, values)| {
                    let insensitive = insensitive || op == Lookup::Colon;
                    Expr::new(ExprKind::Lookup { op, insensitive, negated, subject: Box::new(subject), values })
                }),
            (any::<bool>(), prop::collection::vec(inner.clone(), 0..3)).prop_map(|(insensitive, arguments)| {
                Expr::new(ExprKind::Call { name: "length", insensitive, arguments })
            }),
            inner.prop_map(|condition| {
                let event = Box::new(Event { category: Cow::Borrowed("file"), condition });
                Expr::new(ExprKind::Lineage { relation: "descendant", event })
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_query_is_read_again(category in text(), condition in expr()) {
        let printed = Printed::of(&Query::of_event(category, condition));
        let read = print(&printed.query);
        prop_assert_eq!(read, Some(printed));
    }
}
