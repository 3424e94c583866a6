//! Whatever the text, there is an answer, soon, and it fits the text.

use std::time::Instant;

use proptest::prelude::*;
use ruleatlas_core::{Frontend, NoContext, cases};
use ruleatlas_logscale::Logscale;

/// Pieces that real queries are made of.
const PIECES: &[&str] = &[
    "#event_simpleName=",
    "#repo=x ",
    "ProcessRollup2",
    "a",
    "b.c",
    "x[0]",
    "\"d e\"",
    "@timestamp",
    "| ",
    "=",
    "!=",
    "<",
    ">=",
    " like ",
    "=~",
    ":=",
    "<=>",
    "==",
    " and ",
    " OR ",
    " not ",
    "!",
    "*",
    "*x*",
    "/r\\/e(?<g>x)/i",
    "/",
    "\"x*\"",
    "\"",
    "\\",
    "?p",
    "?{q=*}",
    "?",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    "in(a, values=[1, x])",
    "case {",
    "* | ",
    "match {",
    "=> ",
    "lower(",
    "rename(",
    "groupBy([a], function=count(as=n))",
    "format(\"%s\", field=[a])",
    "join({",
    "defineTable(query={",
    "match(file=\"f\", field=a)",
    "$x/y:z()",
    "test(a > 1)",
    "if(a == 1, then=2, else=3)",
    "default(value=1, field=[a])",
    "now()",
    "- 1",
    " + b",
    "5",
    "1.5",
    "true",
    "// c\n",
    "/* c */",
    "é",
    "\n",
    " ",
];

fn check(text: &str) {
    let parsed = cases::places(&Logscale, text, &NoContext);
    assert!(!parsed.conditions.is_empty(), "{text:?}");
}

/// A query with every construct of the language.
const QUERY: &str = r#"defineTable(query={a=1 | b=/x(?<y>z)/i}, include=[a, b], name="t") // c
| #event_simpleName=ProcessRollup2 (b=2 OR not c="x*y") "free" /text/ | d := lower(e) | f =~ in(values=["g", *h])
| case { i=1 | j := "k" | l := m + 1 ; n!=?o | j := if(p >= 2, then="q", else=r); * } | s match { "t" => u := 1; * => *; }
| match(t, field=[a]) | join({v=1 | groupBy([w], function=[count(as=x), {max(y) | z := 1}])}, field=a, mode=left)
| correlate(aa: {bb=1} include: [cc], dd: {ee <=> aa.cc}, within=5m) | groupBy([ff]) | _count > 3 | $gg/hh:ii(jj=1)"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,80}") {
        check(&text);
        check(&format!("a=1 | {text}"));
        check(&format!("case {{ a=1 | b := {text}; * }} | b=2"));
    }

    #[test]
    fn pieces_of_queries(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check(&pieces.concat());
    }

    #[test]
    fn cut_and_changed_queries(at in 0..QUERY.len(), piece in prop::sample::select(PIECES), length in 0_usize..20) {
        let boundary = |at: usize| (at..=QUERY.len()).find(|at| QUERY.is_char_boundary(*at)).unwrap();
        let (start, end) = (boundary(at), boundary((at + length).min(QUERY.len())));
        check(&QUERY[..start]);
        check(&QUERY[start..]);
        check(&format!("{}{piece}{}", &QUERY[..start], &QUERY[end..]));
    }
}

#[test]
fn large_and_deep_texts_take_no_long_time() {
    let start = Instant::now();
    let pieces = [
        "(",
        "[",
        "{",
        "not ",
        "!",
        "a.",
        "a=1 ",
        "a=1 | ",
        "a=1 or ",
        "a=1 and ",
        "\"",
        "/",
        "?",
        "*",
        "[]",
        "]",
        ")",
        "}",
        ";",
        ",",
        "case {",
        "case { a=1 | ",
        "case { a=1 | x := 1; * } | ",
        "a match { 1 => ",
        "x := (",
        "x := -",
        "x := a + ",
        "x := if(a, ",
        "x := a | ",
        "x := x + x | ",
        "in(",
        "in(a, values=[",
        "groupBy(",
        "groupBy([a], function=",
        "join({",
        "defineTable(name=t, query={",
        "match(t) | ",
        "rename([[a,b],",
        "$",
        "$x(",
        "a=",
        "a:",
        "a=~",
        "a<=>",
        "/*",
        "//",
        "a b ",
        "/(?<a>b)/ | ",
        "a=/(?<a>b)/ | ",
        "readFile(t) | ",
        "selfJoinFilter(where=[{",
        "default(value=1, field=[a",
        "\\",
        "é",
        "#",
    ];
    for piece in pieces {
        for head in ["", "a=1 | ", "case { a=1 | "] {
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
    assert!(start.elapsed().as_secs() < 150, "{:?}", start.elapsed());
}

#[test]
fn clauses_that_stand_for_too_much_are_opaque() {
    let start = Instant::now();
    let doubled = "case { x=1 | x := y; x=2 | y := x; x=3 | x := 2; }".to_owned() + " | ";
    check(&format!("{}x=1 y=2", doubled.repeat(20)));
    check(&format!("{}x=1", "x := if(x == 1, then=x, else=if(x == 2, then=x, else=3)) | ".repeat(30)));
    let clauses: String = (0..2_000).map(|at| format!("a={at} | x := \"{at}\"; ")).collect();
    check(&format!("case {{ {clauses} }} | x=1 x=2 x=3"));
    let long = "x".repeat(200_000);
    check(&format!("case {{ {} }} | b=1", format!("a=\"{long}\" | b := \"{long}\"; ").repeat(20)));
    check(&format!("{}a=1", format!("{long} := {long} | ").repeat(5)));
    let tables: String =
        (0..200).map(|at| format!("defineTable(query={{match(t{})}}, name=t{at}) | ", at - 1)).collect();
    check(&format!("{tables}match(t199)"));
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

#[test]
fn tokens_are_coloured() {
    let text = "#a=\"x\" b=/y/i | groupBy([c], function=count(as=n)) // why";
    let shown: Vec<_> = Logscale
        .tokens(text)
        .iter()
        .map(|token| format!("{}={:?}", token.span.of(text).unwrap(), token.kind))
        .collect();
    assert_eq!(
        shown.join(" "),
        "#a=Field ==Operator \"x\"=String b=Field ==Operator /y/i=String |=Operator groupBy=Command (=Operator [=Operator \
         c=Field ]=Operator ,=Operator function=Field ==Operator count=Function (=Operator as=Field ==Operator n=String \
         )=Operator )=Operator // why=Comment"
    );
}
