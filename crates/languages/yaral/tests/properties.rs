//! Whatever the text, there is an answer, soon, and it fits the text.

use proptest::prelude::*;
use ruleatlas_core::{Context, Frontend, LookupTable, NoContext, cases};
use ruleatlas_yaral::{YaraL, event_count, parse};

/// Pieces that rules are made of.
const PIECES: &[&str] = &[
    "rule r {",
    "}",
    "meta:",
    "author = \"a\"",
    "events:",
    "match:",
    "outcome:",
    "condition:",
    "options:",
    "$e",
    "$f",
    "$e.a.b",
    "$f.a.c[\"k\"]",
    "$e.a[0].b",
    "$p",
    "#e",
    "#p",
    "%list",
    "%t.c",
    " in ",
    " regex ",
    " cidr ",
    " nocase ",
    " not ",
    "!",
    " and ",
    " or ",
    " any ",
    " all ",
    "=",
    "!=",
    "<",
    ">=",
    "re.regex(",
    "strings.to_lower(",
    "strings.coalesce(",
    "strings.contains(",
    "net.ip_in_range_cidr(",
    "re.capture(",
    "f(",
    "(",
    ")",
    ",",
    "\"x\"",
    "`y`",
    "/z/",
    "5",
    "true",
    "+",
    "-",
    "/",
    "over 5m",
    "//",
    "/*",
    "*/",
    "\"",
    "`",
    "é",
    "\u{3000}",
    "\n",
    " ",
    "\\",
];

/// A context in which every list is known.
struct Everything(LookupTable);

impl Context for Everything {
    fn lookup(&self, _: &str) -> Option<&LookupTable> {
        Some(&self.0)
    }
}

fn check(text: &str) {
    cases::places(&YaraL, text, &NoContext);
    let rows = vec![vec!["a".to_owned()], Vec::new()];
    cases::places(&YaraL, text, &Everything(LookupTable { rows, ..LookupTable::default() }));
    for rule in parse(text).0 {
        assert!(rule.span.of(text).is_some(), "{rule:?} in {text:?}");
        let _ = event_count(&rule);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,80}") {
        check(&text);
        check(&format!("rule r {{ events: {text} condition: $e }}"));
    }

    #[test]
    fn pieces_of_rules(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        check(&pieces.concat());
        check(&format!("rule r {{ events: $e.x = $p {}", pieces.concat()));
    }

    #[test]
    fn a_rule_that_breaks_off(cut in 0..300_usize) {
        let text = "rule r { meta: a = \"b\" events: ($e.a.b = \"c\" or re.regex($e.a.d, `x`) nocase) not $e.a.e in regex %l $e.a.f = $p $g.a.b = $p match: $p over 5m outcome: $n = count($e.a.b) condition: $e and #g > 5 and $n > 2 }";
        check(text.get(..cut.min(text.len())).unwrap_or_default());
    }
}

#[test]
fn large_and_deep_texts_take_no_long_time() {
    let start = std::time::Instant::now();
    for piece in [
        "(",
        ")",
        "not ",
        "!",
        "\"",
        "`",
        "/",
        "$e.a.b = \"c\" ",
        "$e.a.b = \"c\" or ",
        "strings.to_lower(",
        "strings.coalesce($e.a.b, ",
        "$e.a.b = $p ",
        "$p = $q ",
        "%l ",
        "$e.a.b in %l ",
        "#e ",
        "$e[\"a\"]",
        "$e.",
        ", ",
        "and ",
        "rule r {",
        "}",
        "a:",
        "meta:",
        "1 + ",
    ] {
        let piece_start = std::time::Instant::now();
        let text = format!("rule r {{ events: {} condition: $e }}", piece.repeat(100_000 / piece.len()));
        check(&text);
        let many: String = (0..2_000).map(|at| format!("$e{at}.a.b = $p{} $p{at} = $p{} ", at + 1, at + 1)).collect();
        if piece == "(" {
            check(&format!("rule r {{ events: {many} condition: $e1 }}"));
        }
        println!("{piece:?}: {:?}", piece_start.elapsed());
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn tokens_are_coloured() {
    let text = "rule r { events: re.regex($e.a.b, `x`) nocase // c\n not #e > 5 in %l }";
    let tokens = YaraL.tokens(text);
    let shown: Vec<_> =
        tokens.iter().map(|token| format!("{}={:?}", token.span.of(text).unwrap(), token.kind)).collect();
    assert_eq!(
        shown.join(" "),
        "rule=Keyword {=Operator events=Command :=Operator re=Function .=Operator regex=Keyword (=Operator $e=Field .=Operator \
         a=Field .=Operator b=Field ,=Operator `x`=String )=Operator nocase=Keyword // c=Comment not=Keyword #e=Field >=Operator \
         5=Number in=Keyword %l=Macro }=Operator"
    );
}
