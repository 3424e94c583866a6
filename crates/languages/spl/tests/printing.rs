//! What is printed of a tree is read as the same tree.

use std::path::Path;

use proptest::prelude::*;
use ruleatlas_core::{
    cases,
    printing::{self, Printed, round_trip},
};
use ruleatlas_spl::{
    ErrorKind,
    ast::{Command, CompareOp, Expr, ExprKind, Node, Pipeline, Search, SearchValue, Segment},
    parse,
};
use ruleatlas_syntax::{Piece, Span};

fn print(text: &str) -> Option<Printed> {
    let parsed = parse(text);
    parsed.is_understood().then(|| Printed::of(&parsed.tree))
}

#[test]
fn searches_of_the_cases_are_printed_as_what_they_are() {
    for name in ["aggregates", "faults", "lookups", "macros", "names", "search", "steps", "where"] {
        assert!(round_trip(cases::queries(format!("cases/{name}.txt")), print) > 3, "{name}");
    }
}

#[test]
fn searches_of_the_corpora_are_printed_as_what_they_are() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("RULEATLAS_CORPORA is not set: no corpus is read");
        return;
    };
    let mut searches = Vec::new();
    for (path, text) in cases::files(&Path::new(&corpora).join("splunk"), "yml") {
        let mut repaired = String::new();
        let Ok(parsed) = ruleatlas_yaml::parse_lenient(&text, &mut repaired) else { continue };
        let found = parsed.documents.first().and_then(|document| document.text_of("search"));
        searches.extend(found.map(|search| (path.display().to_string(), search.to_owned())));
    }
    assert!(round_trip(searches, print) > 1_700);
}

#[test]
fn printed_searches_are_short() {
    for (written, printed) in [
        ("search index=a  b=c OR d=e", "index=a (b=c OR d=e)"),
        ("index=a (b=1 c=2) OR NOT (d!=\"x y\" e>5)", "index=a ((b=1 c=2) OR NOT (d!=\"x y\" e>5))"),
        ("a IN (\"b\", c*) NOT CASE(D) \"set\" ", "a IN (b, c*) NOT CASE(D) set"),
        ("search set", "search set"),
        (
            "index=a [| inputlookup b | fields c] | where d IN (1,2) AND (e=\"f\" OR NOT g>1+2*-h)",
            "index=a [| inputlookup b | fields c]\n| where d IN (1, 2) AND (e = \"f\" OR NOT g > 1 + 2 * -h)",
        ),
        (
            "| tstats count from datamodel=A where b=1 by c | `d_filter`",
            "| tstats count from datamodel=A where b=1 by c\n| `d_filter`",
        ),
        (
            r#"index=a | regex b!="\d+\\\"" | rename b as "c d" | eval 'e f'=if(searchmatch("g=\"h\""), 1, "\\")"#,
            "index=a\n| regex b!=\"\\d+\\\\\\\"\"\n| rename b as \"c d\"\n| eval 'e f' = if(searchmatch(\"g=\\\"h\\\"\"), 1, \"\\\\\")",
        ),
        ("index=a | where b=-(-5)", "index=a\n| where b = 5"),
    ] {
        assert_eq!(parse(written).tree.to_string(), printed, "{written}");
    }
}

#[test]
fn every_kind_of_error_has_an_example() {
    // What needs definitions of macros, or a very long search, has its own test.
    let has_no_example =
        [ErrorKind::TooManyCommands, ErrorKind::RecursiveMacro, ErrorKind::DeepMacro, ErrorKind::LargeMacro];
    printing::error_kinds("SPL", |text| {
        let mut kinds: Vec<_> = parse(text).errors.into_iter().map(|error| error.kind).collect();
        kinds.extend(has_no_example.into_iter().filter(|_| text.is_empty()));
        kinds
    });
}

#[test]
fn a_walk_reaches_what_stands_in_sub_searches() {
    let tree =
        parse("index=a [search b=1 | where c=2] | join d [search e=3] | eval f=if(searchmatch(\"g=4\"), h, i)").tree;
    let name = |node: Node<'_>| match node {
        Node::Search(Search::Compare { field, .. }) => Some(field.clone()),
        Node::Expr(Expr { kind: ExprKind::Field(name), .. }) => Some(name.clone()),
        _ => None,
    };
    assert_eq!(tree.walk().filter_map(name).collect::<Vec<_>>(), ["index", "b", "c", "e", "g", "h", "i"]);
}

#[test]
fn an_expression_of_any_depth_is_printed() {
    let mut search = Search::Term { value: SearchValue::plain("a") };
    for _ in 0..20_000 {
        search = Search::Not(Box::new(search));
    }
    assert!(search.to_string().starts_with("NOT (NOT (NOT ("));
    // Dropping it would recurse.
    std::mem::forget(search);
}

/// Words and characters that mean something somewhere.
const TEXTS: &[&str] =
    &["x", "and", "AND", "in", "set", "\\", "\"", "'", "?", "|", "=", "[", "(", ")", ",", "`", "é", " ", "::", "-5"];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(TEXTS), 0..4).prop_map(|texts| texts.concat())
}

fn value() -> impl Strategy<Value = SearchValue> {
    (any::<bool>(), text(), any::<bool>()).prop_map(|(before, text, after)| {
        let mut value = SearchValue::plain(&text);
        if before {
            value.pieces.insert(0, Piece::Many);
        }
        value.pieces.extend(after.then_some(Piece::Many));
        value
    })
}

fn search() -> impl Strategy<Value = Search> {
    let compare = (text(), prop::sample::select(vec![CompareOp::Eq, CompareOp::Ne, CompareOp::Lte]), value()).prop_map(
        |(field, op, value)| Search::Compare {
            field: format!("f{field}"),
            op,
            values: vec![value],
            span: Span::default(),
        },
    );
    let list = (text(), prop::collection::vec(value(), 2..4)).prop_map(|(field, values)| Search::Compare {
        field: format!("f{field}"),
        op: CompareOp::Eq,
        values,
        span: Span::default(),
    });
    prop_oneof![compare, list, value().prop_map(|value| Search::Term { value })].prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Search::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Search::Or),
            inner.clone().prop_map(|inner| Search::Not(Box::new(inner))),
            inner.prop_map(|inner| Search::Sub(Box::new(Pipeline::new(vec![Segment::new(Command::Search(inner))])))),
        ]
    })
}

fn expr() -> impl Strategy<Value = Expr> {
    let of = |kind| Expr::new(kind, Span::default());
    let field = prop::sample::select(vec!["a", "b.c", "d e", "and", "1a", "f-g", "<<FIELD>>", "h{}.i", "_time"]);
    let leaf = prop_oneof![
        text().prop_map(move |text| of(ExprKind::Text(text))),
        prop::sample::select(vec!["5", "-5", "0.5", "1e9"])
            .prop_map(move |number| of(ExprKind::Number(number.to_owned()))),
        field.prop_map(move |name| of(ExprKind::Field(name.to_owned()))),
    ];
    leaf.prop_recursive(5, 32, 3, move |inner| {
        let pair = (inner.clone(), inner.clone());
        let is_chain = |expr: &Expr, all: bool| match expr.kind {
            ExprKind::And(_) => all,
            ExprKind::Or(_) => !all,
            _ => false,
        };
        prop_oneof![
            // A chain at the beginning of a chain of the same kind is a part of it.
            prop::collection::vec(inner.clone(), 2..4)
                .prop_filter("one chain", move |items| !is_chain(&items[0], true))
                .prop_map(move |items| of(ExprKind::And(items))),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_filter("one chain", move |items| !is_chain(&items[0], false))
                .prop_map(move |items| of(ExprKind::Or(items))),
            inner.clone().prop_map(move |inner| of(ExprKind::Not(Box::new(inner)))),
            inner
                .clone()
                .prop_filter("a number", |inner| !matches!(inner.kind, ExprKind::Number(_)))
                .prop_map(move |inner| of(ExprKind::Minus(Box::new(inner)))),
            pair.clone().prop_map(move |(left, right)| of(ExprKind::Xor(Box::new(left), Box::new(right)))),
            (prop::sample::select(vec![CompareOp::Eq, CompareOp::Ne, CompareOp::Gt]), pair.clone())
                .prop_map(move |(op, (left, right))| of(ExprKind::Compare(op, Box::new(left), Box::new(right)))),
            (prop::sample::select(vec!["+", "-", ".", "*", "%"]), pair)
                .prop_map(move |(op, (left, right))| of(ExprKind::Binary(op, Box::new(left), Box::new(right)))),
            (inner.clone(), prop::collection::vec(inner.clone(), 1..3))
                .prop_map(move |(value, list)| of(ExprKind::In(Box::new(value), list))),
            prop::collection::vec(inner, 0..3)
                .prop_map(move |arguments| of(ExprKind::Call("coalesce".to_owned(), arguments))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_search_is_read_again(search in search(), condition in expr()) {
        let segments = vec![Segment::new(Command::Search(search)), Segment { stage: 1, ..Segment::new(Command::Where(condition)) }];
        let printed = Printed::of(&Pipeline::new(segments));
        let read = print(&printed.query);
        prop_assert_eq!(read.map(|read| read.without("depth")), Some(printed.clone().without("depth")), "{}", printed.query);
    }
}
