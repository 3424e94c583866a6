//! What is printed of a tree is read as the same tree.

mod elastic;

use std::sync::Arc;

use proptest::prelude::*;
use ruleatlas_core::{
    cases,
    printing::{self, Printed, round_trip},
};
use ruleatlas_kuery::{
    ErrorKind,
    ast::{KueryQuery, Leaf, LuceneQuery, Order, Tree, Value},
    kuery, lucene,
};
use ruleatlas_syntax::Piece;

fn print_kuery(text: &str) -> Option<Printed> {
    let parsed = kuery::parse(text);
    parsed.is_understood().then(|| Printed::of(&parsed.tree))
}

fn print_lucene(text: &str) -> Option<Printed> {
    let parsed = lucene::parse(text);
    parsed.is_understood().then(|| Printed::of(&parsed.tree))
}

#[test]
fn queries_of_the_cases_are_printed_as_what_they_are() {
    assert!(round_trip(cases::queries("cases/kuery.txt"), print_kuery) > 40);
    assert!(round_trip(cases::queries("cases/lucene.txt"), print_lucene) > 20);
}

#[test]
fn queries_of_the_corpora_are_printed_as_what_they_are() {
    let Some(corpora) = elastic::corpora() else { return };
    assert!(round_trip(elastic::queries(&corpora, "kuery"), print_kuery) > 790);
    assert!(round_trip(elastic::queries(&corpora, "lucene"), print_lucene) > 0);
}

#[test]
fn printed_queries_are_short() {
    for (written, printed) in [
        ("a : ( b  OR (c) )", "a:(b or c)"),
        ("(a:b and (c:d)) or not (e:f)", "a:b and c:d or not e:f"),
        ("a:b and (c:d or e:f)", "a:b and (c:d or e:f)"),
        ("not (a:b or c:d)", "not (a:b or c:d)"),
        ("n:{ a:b and c>=5 }", "n:{ a:b and c >= 5 }"),
        (r#"a:"b\"c\\d""#, r#"a:"b\"c\\d""#),
        (r"a:x\:y \and z", r"a:x\:y \u0061nd z"),
        ("a:(not b)", "not a:b"),
    ] {
        assert_eq!(kuery::parse(written).tree.to_string(), printed);
    }
    for (written, printed) in [
        ("a:b  &&  !(c:d || e:f)", "a:b AND NOT (c:d OR e:f)"),
        ("+a:b -c:d", "a:b AND NOT c:d"),
        ("a:[1 TO *} b:/x\\/y/ c:\"d e\"~3", r#"a:[1 TO *} OR b:/x\/y/ OR c:"d e"~3"#),
        ("_exists_:a AND f:(x OR >5)", "_exists_:a AND f:(x OR >5)"),
    ] {
        assert_eq!(lucene::parse(written).tree.to_string(), printed);
    }
}

#[test]
fn every_kind_of_error_has_an_example() {
    printing::error_kinds("KUE", |text| {
        let errors = kuery::parse(text).errors.into_iter().chain(lucene::parse(text).errors);
        errors.map(|error| error.kind).collect::<Vec<ErrorKind>>()
    });
}

#[test]
fn a_tree_of_any_depth_is_printed() {
    let mut tree = Tree::Leaf(Leaf::new("a", Value::text("b")));
    for _ in 0..20_000 {
        tree = Tree::Not(Box::new(tree));
    }
    let query = KueryQuery(tree);
    assert!(query.to_string().ends_with("not not a:b"));
    // Dropping it would recurse.
    std::mem::forget(query);
}

/// Words and characters that mean something somewhere.
const TEXTS: &[&str] = &[
    "x",
    "and",
    "or",
    "not",
    "NOT",
    "AND",
    "TO",
    "a b",
    "a and b",
    "*",
    "?",
    "\\",
    "\"",
    "(",
    ")",
    ":",
    "<",
    "{",
    "}",
    "[",
    "]",
    "/",
    "~",
    "^",
    "+",
    "-",
    "!",
    "&&",
    "||",
    "\t",
    "\u{a0}",
    "é",
    "10.0.0.0/8",
    "now-1d",
    "5",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(TEXTS), 1..4).prop_map(|texts| texts.concat())
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let piece = prop_oneof![4 => text().prop_map(Some), 1 => Just(None)];
    prop::collection::vec(piece, 1..4).prop_map(|parts| {
        parts
            .into_iter()
            .flat_map(|part| part.map_or_else(|| vec![Piece::Many], |text| text.chars().map(Piece::Char).collect()))
            .collect()
    })
}

fn term() -> impl Strategy<Value = Value> {
    prop_oneof![
        pieces().prop_map(|pieces| Value::Term { pieces, quoted: false }),
        text().prop_map(|text| Value::phrase(&text)),
    ]
}

fn order() -> impl Strategy<Value = Order> {
    prop::sample::select(vec![Order::Less, Order::LessOrEqual, Order::Greater, Order::GreaterOrEqual])
}

fn leaf(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Tree> {
    (prop::sample::select(vec!["a", "b.c", "d e", "x:y", "f*"]), value)
        .prop_map(|(field, value)| Tree::Leaf(Leaf::new(field, value)))
        .boxed()
}

fn tree(leaf: BoxedStrategy<Tree>) -> impl Strategy<Value = Tree> {
    let list = (prop::collection::vec(term(), 2..4)).prop_map(|values| {
        let children = values.into_iter().map(|value| Tree::Leaf(Leaf::new("list", value))).collect();
        Tree::Any { children, list: true }
    });
    prop_oneof![3 => leaf, 1 => list].prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Tree::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|children| Tree::Any { children, list: false }),
            inner.prop_map(|tree| Tree::Not(Box::new(tree))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_of_kuery_is_read_again(tree in tree(leaf(prop_oneof![
        term(),
        (order(), text()).prop_map(|(order, value)| Value::Compare { order, value }),
    ]))) {
        let edge = |text: &str| text.starts_with(' ') || text.ends_with(' ');
        let query = KueryQuery(Tree::Nested { field: Arc::from("n"), query: Box::new(tree) });
        let printed = Printed::of(&query);
        prop_assume!(!edge(&printed.query));
        let read = print_kuery(&printed.query);
        prop_assert_eq!(read, Some(printed));
    }

    #[test]
    fn any_tree_of_lucene_is_read_again(tree in tree(leaf(prop_oneof![
        term(),
        (order(), text()).prop_map(|(order, value)| Value::Compare { order, value }),
        (text(), any::<bool>(), text()).prop_map(|(lower, is_in, upper)| {
            Value::Interval { lower: Some((lower, is_in)), upper: Some((upper, !is_in)) }
        }),
        Just(Value::Exists),
    ]))) {
        let printed = Printed::of(&LuceneQuery(tree));
        let read = print_lucene(&printed.query);
        prop_assert_eq!(read, Some(printed));
    }
}
