//! Whatever the text, the front end answers, soon, and with places that lie within it.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use ruleatlas_core::{NoContext, Parsed, cases};
use ruleatlas_kusto::Kusto;

/// Pieces of queries, to be put together in any order.
const PIECES: &[&str] = &[
    "let ",
    "x",
    " = ",
    ";",
    "\n",
    "DeviceProcessEvents",
    " | where ",
    " | extend ",
    " | project ",
    " | summarize ",
    "count()",
    " by ",
    " | join kind=leftanti ",
    "(",
    ")",
    " on DeviceId",
    "FileName",
    " == ",
    " =~ ",
    "\"cmd.exe\"",
    "@\"C:\\",
    "'",
    "\"",
    " in (",
    " in~ ",
    "has_any",
    "dynamic([",
    "\"a\"",
    ",",
    "])",
    "between (1 .. 2)",
    "ago(1d)",
    "TimeGenerated",
    " and ",
    " or ",
    "not(",
    "union ",
    "materialize(",
    "toscalar(",
    "(a:string) {",
    "}",
    "datatable(n:string)[",
    "]",
    "externaldata(a:string)[",
    "_GetWatchlist('w')",
    "case(",
    "iff(",
    "f(x)",
    "invoke f()",
    " | mv-expand ",
    " | mv-apply a = b on (",
    " | parse a with * 'k=' v",
    ".member",
    "[0]",
    "[\"k\"]",
    "-",
    "*",
    "{",
    ":",
    "// note\n",
    "```",
    "h'",
    " | evaluate bag_unpack(x)",
    " | as T",
    " matches regex ",
    "$left.a == $right.b",
    "é",
    "\u{200b}",
    "..",
    " | scan with (step s: a => b = 1;)",
    "search ",
    "find in (",
    "1.",
    "0x",
    "1d",
    "\\",
];

fn check(text: &str) -> Parsed {
    let start = Instant::now();
    let parsed = cases::places(&Kusto, text, &NoContext);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?} for {} bytes", start.elapsed(), text.len());
    parsed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn any_pieces_are_answered(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check(&pieces.concat());
    }

    #[test]
    fn a_query_cut_and_mended_anywhere_is_answered(
        start in 0_usize..700, length in 0_usize..40, piece in prop::sample::select(PIECES)
    ) {
        let query = include_str!("queries/joined.kql");
        let boundary = |at: usize| (0..=at.min(query.len())).rev().find(|at| query.is_char_boundary(*at)).unwrap_or(0);
        let (start, end) = (boundary(start), boundary(start + length));
        check(&format!("{}{piece}{}", &query[..start], &query[end..]));
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    for (open, close) in
        [("(", ")"), ("not(", ")"), ("[", "]"), ("f(", ")"), ("-", ""), ("dynamic([", "])"), ("iff(a, b, ", ")")]
    {
        let text = format!("T | where {}x{} == 1", open.repeat(20_000), close.repeat(20_000));
        check(&text);
    }
    check(&format!("T | where x{}", ".a".repeat(20_000)));
    check(&format!("T | where x == 1{}", " + 1".repeat(20_000)));
    check(&"T | where x in ((".repeat(5_000));
    check(&"let f = () {".repeat(5_000));
    check(&"union (".repeat(5_000));
}

#[test]
fn a_long_chain_of_alternatives_is_read() {
    let text = format!("T | where {}", vec!["a == \"b\""; 20_000].join(" or "));
    let parsed = check(&text);
    assert_eq!(parsed.conditions[0].root.predicates().count(), 20_000);
}

#[test]
fn names_that_double_each_time_are_bounded() {
    let mut joins = String::from("let a0 = T | where x == 1;\n");
    let mut functions = String::from("let f0 = (x:string) { tolower(x) };\n");
    let mut conditions = String::from("let c = 1; T | extend a0 = x == 1");
    for n in 1..40 {
        joins += &format!("let a{n} = a{m} | join (a{m} | where y == {n}) on k | union a{m};\n", m = n - 1);
        functions += &format!("let f{n} = (x:string) {{ strcat(f{m}(x), f{m}(x)) }};\n", m = n - 1);
        conditions += &format!(" | extend a{n} = a{m} and not(a{m} or z == {n})", m = n - 1);
    }
    let (mut choices, mut cases) = (String::from("T"), String::from("T"));
    for n in 1..60 {
        choices += &format!(" | extend a{n} = iff(a{m} == \"x\", a{m}, tolower(strcat(a{m})))", m = n - 1);
        cases += &format!(" | extend a{n} = case(a{m} has \"x\", a{m}.b, a{m} has \"y\", a{m}.c, \"z\")", m = n - 1);
    }
    check(&(choices + " | where a59 == \"x\""));
    check(&(cases + " | where a59 == \"x\""));
    check(&(joins + "a39 | where z == 1"));
    check(&(functions + "T | where f39(a) == \"x\""));
    check(&(conditions + " | where a39"));
}

#[test]
fn large_texts_take_linear_time() {
    let lets: String = (0..20_000).map(|n| format!("let a{n} = {n};\n")).collect();
    check(&(lets + "T | where x == a19999"));
    let stages: String = (0..5_000).map(|n| format!("| extend c{n} = f | where c{n} == {n}\n")).collect();
    check(&format!("T\n{stages}"));
    check(&format!("T | where x in ({})", vec!["\"value\""; 100_000].join(",")));
    check(&"T | where a == \"b\";\n".repeat(10_000));
    let list = format!("let l = dynamic([{}]);\n", vec!["\"v\""; 50_000].join(","));
    check(&(list + "T\n" + &"| where a in (l) and ipv4_is_in_any_range(b, l)\n".repeat(2_000)));
    check(&"| ( \n".repeat(20_000));
    check(&"T | where (\n".repeat(20_000));
    check(&"let x = (a:string\n".repeat(5_000));
    // What fails inside brackets that are not closed is not read again at every level.
    for piece in [
        "T | where a == f(",
        "T | where a and (b or f(c and (",
        "T | extend a = f(T | where b in (",
        "T | join (T | where a == ) b | extend c = (",
        "T | summarize a = count(b | where (c == 1 d",
        "union (T | where a ==",
        "f(a and [b == (T | where c in (\"x\" | join (",
    ] {
        for count in [10, 40, 150, 2_000] {
            check(&format!("T | where {}", piece.repeat(count)));
            check(&format!("let a = {};", piece.repeat(count)));
            check(&format!("{} ] }} | where a == 1 | x", piece.repeat(count)));
        }
    }
}
