//! What is printed of a tree is read as the same tree.

mod elastic;

use std::rc::Rc;

use proptest::prelude::*;
use ruleatlas_core::{
    cases,
    printing::{self, Printed, round_trip},
};
use ruleatlas_esql::{
    ErrorKind,
    ast::{Command, Comparison, Constant, Definition, Expr, Kind, Link, Node, Query, Source, Stage},
    parse,
};

fn print(text: &str) -> Option<Printed> {
    let parsed = parse(text);
    parsed.is_understood().then(|| Printed::of(&parsed.tree))
}

#[test]
fn queries_of_the_cases_are_printed_as_what_they_are() {
    assert!(round_trip(cases::queries("cases/esql.txt"), print) > 40);
}

#[test]
fn queries_of_the_corpora_are_printed_as_what_they_are() {
    let Some(corpora) = elastic::corpora() else { return };
    assert!(round_trip(elastic::queries(&corpora), print) > 330);
}

#[test]
fn printed_queries_are_short() {
    for (written, printed) in [
        (
            "FROM a-*, \"b c\" METADATA _id, _index|WHERE ((x==1)) AND (y == 2 OR z == 3)",
            "from a-*, \"b c\" metadata _id, _index\n| where x == 1 and (y == 2 or z == 3)",
        ),
        (
            "from x | eval y = a + (b - c) * -d, 5 | where not (a in (1, 2)) and b is not null",
            "from x\n| eval y = a + (b - c) * -d, 5\n| where not a in (1, 2) and b is not null",
        ),
        (
            "from x | where a::integer > -5 and b : \"c\" and match(d, \"e\", {\"fuzziness\": 1})",
            "from x\n| where a::integer > -5 and b : \"c\" and match(d, \"e\", {\"fuzziness\": 1})",
        ),
        (
            "from x | stats n = count(*) where a == 1, max(b) by `c d`, e | inlinestats f = last(g by h)",
            "from x\n| stats n = count(*) where a == 1, max(b) by `c d`, e\n| inline stats f = last(g by h)",
        ),
        (
            "from x | fork (where a like (\"b*\")) (where c rlike (\"d\", \"e\") | limit 5)",
            "from x\n| fork (where a like \"b*\") (where c rlike (\"d\", \"e\") | limit 5)",
        ),
        (
            "from x | where a == \"\"\"b\"c\\d\"\"\" and `null` == 1",
            "from x\n| where a == \"b\\\"c\\\\d\" and `null` == 1",
        ),
        (
            "set a = 1; row b = [1, 2] | rename b as c | keep  c, d",
            "set a = 1;\nrow b = [1, 2]\n| rename b as c\n| keep  c, d",
        ),
        ("from x | where t > now() - 7 days and u > -?v", "from x\n| where t > now() - 7 days and u > -?v"),
    ] {
        assert_eq!(parse(written).tree.to_string(), printed);
    }
}

#[test]
fn every_kind_of_error_has_an_example() {
    printing::error_kinds("ESQL", |text| {
        parse(text).errors.into_iter().map(|error| error.kind).collect::<Vec<ErrorKind>>()
    });
}

#[test]
fn a_chain_of_too_many_operators_is_an_error() {
    let text = format!("from x | where a == 1{}", " + 1".repeat(300));
    assert!(parse(&text).errors.iter().any(|error| error.kind == ErrorKind::TooDeep));
}

#[test]
fn a_walk_reaches_what_stands_in_pipelines() {
    let query = parse("from a | where b in (from c | where d == 1) | fork (eval e = f) (where g)").tree;
    let name = |node: Node<'_>| match node {
        Node::Expr(Expr { kind: Kind::Name(name), .. }) => Some(name.to_string()),
        _ => None,
    };
    assert_eq!(query.walk().filter_map(name).collect::<Vec<_>>(), ["b", "d", "f", "g"]);
}

/// Words and characters that mean something somewhere.
const TEXTS: &[&str] = &["x", "and", "\\", "\"", "*", "?", "\n", "\t", "\u{7}", "é", " ", "{", "`"];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(TEXTS), 0..5).prop_map(|texts| texts.concat())
}

fn primary() -> impl Strategy<Value = Link> {
    let name = prop::sample::select(vec![
        "a",
        "b.c",
        "a.0.b",
        "@timestamp",
        "odd name.x",
        "not",
        "null",
        "by",
        "in.b",
        "1a",
        "é",
    ]);
    prop_oneof![
        text().prop_map(|text| Expr::text(&text)),
        prop::sample::select(vec!["5", "-5", ".5", "1e9"])
            .prop_map(|number| Expr::of(Kind::Constant(Constant::Number(Rc::from(number))))),
        any::<bool>().prop_map(|value| Expr::of(Kind::Constant(Constant::Boolean(value)))),
        Just(Expr::of(Kind::Constant(Constant::Null))),
        Just(Expr::of(Kind::Constant(Constant::Duration(Rc::from("7 days"))))),
        Just(Expr::of(Kind::Constant(Constant::Parameter(Rc::from("?p"))))),
        name.prop_map(Expr::name),
    ]
}

fn expr() -> impl Strategy<Value = Link> {
    primary().prop_recursive(5, 32, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        let list = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            list.clone().prop_map(|children| Expr::of(Kind::All(children))),
            list.clone().prop_map(|children| Expr::of(Kind::Any(children))),
            list.clone().prop_map(|children| Expr::of(Kind::List(children))),
            inner.clone().prop_map(|inner| Expr::of(Kind::Not(inner))),
            (inner.clone(), any::<bool>()).prop_map(|(subject, negated)| Expr::of(Kind::IsNull { subject, negated })),
            (inner.clone(), list.clone(), any::<bool>()).prop_map(|(subject, list, negated)| Expr::of(Kind::In {
                subject,
                list,
                negated
            })),
            (inner.clone(), prop::collection::vec(primary(), 1..3), any::<bool>(), any::<bool>()).prop_map(
                |(subject, patterns, regex, negated)| Expr::of(Kind::Like { subject, patterns, regex, negated })
            ),
            (prop::sample::select(vec![Comparison::Eq, Comparison::EqCaseless, Comparison::Lte]), pair.clone())
                .prop_map(|(op, (left, right))| Expr::of(Kind::Compare { op, left, right })),
            (prop::sample::select(vec!["+", "-", "*", "%", "match"]), pair).prop_map(|(name, (left, right))| Expr::of(
                Kind::Call { name: Rc::from(name), arguments: vec![left, right] }
            )),
            list.prop_map(|arguments| Expr::of(Kind::Call { name: Rc::from("case"), arguments })),
            inner
                .clone()
                .prop_filter("a number", |inner| !matches!(
                    inner.kind,
                    Kind::Constant(Constant::Number(_)) | Kind::Cast { .. }
                ))
                .prop_map(|inner| Expr::of(Kind::Call { name: Rc::from("-"), arguments: vec![inner] })),
            inner.clone().prop_map(|operand| Expr::of(Kind::Cast { operand, to: Rc::from("long") })),
            inner.prop_map(|condition| {
                let from = Command::From {
                    source: Source::From,
                    patterns: vec![Rc::from("a,b"), Rc::from("c-*")],
                    pipelines: Vec::new(),
                    metadata: Vec::new(),
                };
                let query = Query::new(vec![Stage::new(from), Stage::new(Command::Where(condition))]).stages;
                Expr::of(Kind::InQuery { subject: Expr::name("x"), query, negated: false })
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_query_is_read_again(condition in expr(), value in expr(), name in text()) {
        let definition = Definition { name: Some(Rc::from(format!("n{name}"))), value, filter: None };
        let stages = vec![Stage::new(Command::Row(vec![definition])), Stage::new(Command::Where(condition))];
        let printed = Printed::of(&Query::new(stages));
        let read = print(&printed.query);
        prop_assert_eq!(read, Some(printed));
    }
}
