//! Whatever the text, there is an answer, soon, and it fits the text.

use std::time::Instant;

use proptest::prelude::*;
use ruleatlas_core::{Frontend, NoContext, cases};
use ruleatlas_mql::Mql;

/// Pieces that real sources are made of.
const PIECES: &[&str] = &[
    "type.inbound",
    "sender.email.domain.root_domain",
    "body.links",
    "attachments",
    "headers.hops[0]",
    ".",
    "..",
    "...",
    ".href_url",
    "..file_name",
    "$org_domains",
    "any(",
    "all(",
    "filter(",
    "map(",
    "distinct(",
    "flatten(",
    "length(",
    "coalesce(",
    "strings.icontains(",
    "strings.ilike(",
    "strings.count(",
    "regex.icontains(",
    "regex.extract(",
    "strings.replace_confusables(",
    "ml.nlu_classifier(",
    "file.explode(",
    "profile.by_sender()",
    "unknown(",
    "2 of (",
    "any of (",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    " and ",
    " or ",
    " not ",
    " in ",
    " in~ ",
    " not in ",
    " is null",
    " is not null",
    " == ",
    " != ",
    " =~ ",
    " !~ ",
    " < ",
    " <= ",
    " > ",
    " >= ",
    " + ",
    " - ",
    " * ",
    " / ",
    "=",
    "~",
    "0",
    "5",
    "1.5",
    "\"x*\"",
    "'it''s'",
    "\"\\u{41}\\\"\"",
    "\"",
    "'",
    "\\",
    "true",
    "null",
    "// c\n",
    "/* c */",
    "é",
    "\n",
    " ",
];

fn check(text: &str) {
    let parsed = cases::places(&Mql, text, &NoContext);
    assert_eq!(parsed.conditions.len(), 1, "{text:?}");
}

/// A source with every construct of the language.
const SOURCE: &str = r#"type.inbound and (2 of (a == 1, .b in~ ("x", $l), not c is null) or 1 < length(d) <= 3)
and any(filter(body.links, .href_url.domain.tld in ("zip") and ..x != 'it''s'), any(ml.f(., ..).g, .h =~ "\u{41}"))
and not all(map(attachments, .file_name), strings.ilike(., "*a*", b[0].c["d"]) and regex.icount(e, 'f') >= 2 * -3)"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,80}") {
        check(&text);
        check(&format!("type.inbound and {text}"));
        check(&format!("any(body.links, {text})"));
    }

    #[test]
    fn pieces_of_sources(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check(&pieces.concat());
    }

    #[test]
    fn cut_and_changed_sources(at in 0..SOURCE.len(), piece in prop::sample::select(PIECES), length in 0_usize..20) {
        let boundary = |at: usize| (at..=SOURCE.len()).find(|at| SOURCE.is_char_boundary(*at)).unwrap();
        let (start, end) = (boundary(at), boundary((at + length).min(SOURCE.len())));
        check(&SOURCE[..start]);
        check(&SOURCE[start..]);
        check(&format!("{}{piece}{}", &SOURCE[..start], &SOURCE[end..]));
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
        "a and ",
        "a or ",
        "a + ",
        "a * ",
        "a == ",
        "a[",
        "\"",
        "'",
        "''",
        "any(",
        "any(a, ",
        "any([1,2,3], ",
        "any(filter(a, .b), ",
        "all(a, . == ",
        "map(a, ",
        "2 of (",
        "2 of (a, b, c, ",
        "length(",
        "coalesce(a, ",
        "ml.f(",
        "a in (",
        "a in~ $l and ",
        "$",
        "$a ",
        ".",
        "..a",
        "/*",
        "//",
        "~",
        "}",
        ")",
        "]",
        ",",
        "a b ",
        "strings.icontains(a, ",
        "strings.icontains(a, \"x\", ",
        "regex.extract(",
        "a is ",
        "a is not ",
        "1 ",
        "1.",
        "é",
    ];
    for piece in pieces {
        for head in ["", "type.inbound and ", "any(body.links, "] {
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
fn lambdas_that_stand_for_too_much_are_opaque() {
    let start = Instant::now();
    // Each level has its element put in the place of ten values.
    let mut text = String::from("x == .");
    for _ in 0..12 {
        text = format!("any([1,2,3,4,5,6,7,8,9,10], {text})");
    }
    check(&text);
    let values = vec!["\"value\""; 5_000].join(",");
    check(&format!("any([{values}], any([{values}], . == ..))"));
    let long = "x".repeat(200_000);
    check(&format!("any([{values}], strings.icontains(\"{long}\", .))"));
    check(&format!("any({long}, . == 1 and {})", vec![".a"; 2_000].join(" or ")));
    check(&format!("2 of ({})", vec!["a == 1"; 5_000].join(",")));
    check(&format!("3 of ({})", vec![format!("any([{values}], . == a)"); 7].join(",")));
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

#[test]
fn tokens_are_coloured() {
    let text = "any(body.links, .a in~ $l) and not \"x\" == 5 // why";
    let shown: Vec<_> =
        Mql.tokens(text).iter().map(|token| format!("{}={:?}", token.span.of(text).unwrap(), token.kind)).collect();
    assert_eq!(
        shown.join(" "),
        "any=Function (=Operator body.links=Field ,=Operator .a=Field in=Keyword ~=Operator $l=Macro )=Operator \
         and=Keyword not=Keyword \"x\"=String ===Operator 5=Number // why=Comment"
    );
}
