//! Whatever the text, there is an answer, soon, and it fits the text.

use proptest::prelude::*;
use ruleatlas_core::{Frontend, NoContext, cases};
use ruleatlas_kuery::{Kuery, Lucene};

/// Pieces that real queries are made of.
const PIECES: &[&str] = &[
    "process.name",
    "a",
    ":",
    ": ",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    " and ",
    " or ",
    " not ",
    " AND ",
    " OR ",
    " NOT ",
    "&&",
    "||",
    "!",
    "+",
    "-",
    "*",
    "?",
    "\"",
    "\"x y\"",
    "\\",
    "\\\"",
    "\\u00e9",
    "\\u12",
    "/",
    "/a.*b/",
    "~2",
    "^3",
    " TO ",
    ">=",
    "<",
    "10.0.0.0/8",
    "5",
    "é",
    "\u{3000}",
    "\n",
    " ",
    "@timestamp",
    "now-1d",
    "_exists_",
    "message",
];

fn check(frontend: &dyn Frontend, text: &str) {
    let parsed = cases::places(frontend, text, &NoContext);
    assert_eq!(parsed.conditions.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,80}") {
        check(&Kuery, &text);
        check(&Lucene, &text);
    }

    #[test]
    fn pieces_of_queries(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        let text = pieces.concat();
        check(&Kuery, &text);
        check(&Lucene, &text);
    }
}

#[test]
fn large_and_deep_texts_take_no_long_time() {
    let start = std::time::Instant::now();
    for piece in [
        "(", "a:(", "a:{", "not ", "NOT ", "!", "\"", "\\", "a b ", "a:b or ", "/", "a:1 b:2 ", "[", "x:[1 TO ", " ",
        "*", ")",
    ] {
        let text = piece.repeat(200_000 / piece.len());
        let piece_start = std::time::Instant::now();
        check(&Kuery, &text);
        let kuery = piece_start.elapsed();
        check(&Lucene, &text);
        println!("{piece:?}: Kuery {kuery:?}, both {:?}", piece_start.elapsed());
    }
    let list = format!("{}:({}x)", "f".repeat(1000), "v and ".repeat(2_000));
    check(&Kuery, &list);
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

#[test]
fn tokens_are_coloured() {
    let text = "process.name:(cmd.exe or \"a b\") and not source.port > 5";
    let tokens = Kuery.tokens(text);
    let shown: Vec<_> =
        tokens.iter().map(|token| format!("{}={:?}", token.span.of(text).unwrap(), token.kind)).collect();
    assert_eq!(
        shown.join(" "),
        "process.name=Field :=Operator (=Operator cmd.exe=String or=Keyword \"a b\"=String )=Operator and=Keyword \
         not=Keyword source.port=Field >=Operator 5=Number"
    );
}
