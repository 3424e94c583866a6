//! Whatever the text, there is an answer, soon, and it fits the text.

use std::time::Instant;

use proptest::prelude::*;
use ruleatlas_core::{Frontend, NoContext, Query, cases};
use ruleatlas_esql::Esql;
use ruleatlas_kuery::{Kuery, Lucene};

/// Pieces that real queries are made of.
const PIECES: &[&str] = &[
    "from logs-* ",
    "| where ",
    "| eval ",
    "| stats ",
    "| keep ",
    "| rename ",
    "| dissect ",
    "| grok ",
    "| fork ",
    "| ",
    "a",
    "b.c",
    "`d e`",
    "process.name",
    "@timestamp",
    " == ",
    " != ",
    " < ",
    " = ",
    " and ",
    " or ",
    " not ",
    " in ",
    " like ",
    " rlike ",
    " is null ",
    " by ",
    " as ",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "::",
    ".",
    "*",
    "-",
    "+",
    "/",
    "5",
    "1.5",
    "7 days",
    "\"x*\"",
    "\"\"\"y\"z\"\"\"",
    "\"",
    "\\",
    "`",
    "null",
    "true",
    "?p",
    "case(",
    "coalesce(",
    "to_lower(",
    "now()",
    "kql(\"a:(b or c)\")",
    "kql(\"\\\"é\\\\\\\" a:b\")",
    "qstr(\"\"\"x:/y/\"\"\")",
    "// c\n",
    "/* c */",
    "é",
    "\n",
    "%{x}",
    "\"%{IP:x} %{y}\"",
];

fn check(text: &str) {
    let parsed = cases::places(&Esql::new().with_kuery(&Kuery).with_lucene(&Lucene), text, &NoContext);
    assert!(!parsed.conditions.is_empty());
    for predicate in parsed.conditions.iter().flat_map(|condition| condition.root.predicates()) {
        assert!(predicate.stage.is_some(), "{text:?}: {predicate:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,80}") {
        check(&text);
        check(&format!("from x | where {text}"));
    }

    #[test]
    fn pieces_of_queries(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check(&pieces.concat());
    }
}

#[test]
fn large_and_deep_texts_take_no_long_time() {
    let start = Instant::now();
    let pieces = [
        "(",
        "[",
        "not ",
        "- ",
        "a.",
        "`",
        "a and ",
        "a + ",
        "\"",
        "\"\"\"",
        "case(",
        "a in (",
        "a like (",
        "| where a ",
        "| eval a = lower(a) ",
        "| eval a = a + 1 ",
        "| fork (where a ",
        "from (",
        "/*",
        "x:: ",
        "::x",
        "{",
        ")",
        "]",
        ",",
        "| stats a = b by c ",
        "a == \"v\" or ",
        "? ",
        "| dissect a \"%{b}\" ",
        "kql(\"a:b\") and ",
        ". ",
        "a . ",
        "1e",
        "`a``",
    ];
    for piece in pieces {
        for head in ["", "from x | where ", "from x | eval a = "] {
            let text = format!("{head}{}", piece.repeat(100_000 / piece.len()));
            let piece_start = Instant::now();
            check(&text);
            let time = piece_start.elapsed();
            assert!(time.as_secs() < 10, "{head}{piece}: {time:?}");
            if time.as_millis() > 300 {
                println!("{head}{piece}…: {time:?}");
            }
        }
    }
    assert!(start.elapsed().as_secs() < 100, "{:?}", start.elapsed());
}

#[test]
fn names_that_stand_for_too_much_are_opaque() {
    let start = Instant::now();
    let mut text = String::from("from x | eval a = b == 1");
    for _ in 0..60 {
        text.push_str(" | eval a = case(a, a, not a, a, a)");
    }
    text.push_str(" | where a and c == 2");
    check(&text);
    let values = vec!["\"value\""; 5_000].join(",");
    check(&format!("from x | eval a = b in ({values}) | where {}", vec!["a"; 5_000].join(" or ")));
    let long = "x".repeat(500_000);
    check(&format!("from x | eval a = b == \"{long}\" | where {}", vec!["a"; 5_000].join(" or ")));
    check(&format!("from x | eval a = {long} | where {}", vec!["a"; 5_000].join(" or ")));
    let cases: Vec<_> = (0..3_000).map(|at| format!("b in ({at}, 1, 2), {}", at % 2)).collect();
    check(&format!("from x | where case({}) == 1", cases.join(",")));
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn places_inside_embedded_queries_are_places_of_the_query() {
    for literal in [r#""""a:x and message:\"y é\" and b:z""""#, r#""a:x and message:\"y é\" and b:z""#] {
        let text = format!("from x | where kql({literal})");
        let parsed = Esql::new().with_kuery(&Kuery).parse(&Query::new(&text), &NoContext);
        let places: Vec<_> = parsed.conditions[0].root.predicates().filter_map(|found| found.span.of(&text)).collect();
        assert_eq!(places.first(), Some(&"a:x"), "{literal}");
        assert_eq!(places.last(), Some(&"b:z"), "{literal}");
    }
}

#[test]
fn tokens_are_coloured() {
    let text = "from logs-* | where to_lower(a.b) == \"x\" and n > 5 // why";
    let shown: Vec<_> = Esql::new()
        .tokens(text)
        .iter()
        .map(|token| format!("{}={:?}", token.span.of(text).unwrap(), token.kind))
        .collect();
    assert_eq!(
        shown.join(" "),
        "from=Command logs-*=String |=Operator where=Command to_lower=Function (=Operator a.b=Field )=Operator \
         ===Operator \"x\"=String and=Keyword n=Field >=Operator 5=Number // why=Comment"
    );
}
