//! Whatever the text, there is an answer, soon, and it fits the text.

use proptest::prelude::*;
use ruleatlas_core::{Context, Frontend, LookupTable, MacroDefinition, NoContext, cases};
use ruleatlas_falco::{Falco, list_item, parse};

/// Pieces that conditions are made of.
const PIECES: &[&str] = &[
    "proc.name",
    "fd.name",
    "evt.num",
    "evt.dir",
    "fd.snet",
    "ka.req.pod.containers.image",
    "proc.aname[2]",
    "a[",
    "]",
    "m",
    "l",
    "=",
    "==",
    "!=",
    "<=",
    "<",
    ">",
    " in ",
    " intersects ",
    " pmatch ",
    " glob ",
    " iglob ",
    " regex ",
    " contains ",
    " icontains ",
    " bcontains ",
    " bstartswith ",
    " startswith ",
    " endswith ",
    " exists",
    "(",
    ")",
    ",",
    " and ",
    " or ",
    "not ",
    "not(",
    "tolower(",
    "basename(",
    "len(",
    "val(",
    "\"",
    "'",
    "\"x y\"",
    "\\",
    "*",
    "?",
    "[a-z]",
    "@(",
    "10.0.0.0/8",
    "4745",
    "0",
    "é",
    "\u{3000}",
    "\n",
    " ",
    "/tmp/*",
];

/// A context in which everything is something.
struct Everything(LookupTable);

impl Context for Everything {
    fn macro_definition(&self, name: &str, _: usize) -> Option<MacroDefinition<'_>> {
        let definition =
            if name.len().is_multiple_of(2) { "m and (l or n" } else { "mm or not o and proc.name in (l)" };
        Some(MacroDefinition { parameters: &[], definition })
    }

    fn lookup(&self, _: &str) -> Option<&LookupTable> {
        Some(&self.0)
    }
}

fn check(text: &str) {
    let parsed = cases::places(&Falco, text, &NoContext);
    assert_eq!(parsed.conditions.len(), 1);
    let rows = vec![vec!["a".to_owned()], vec!["/b/*".to_owned()], Vec::new()];
    cases::places(&Falco, text, &Everything(LookupTable { rows, ..LookupTable::default() }));
    let _ = (parse(text), list_item(text));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,80}") {
        check(&text);
    }

    #[test]
    fn pieces_of_conditions(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        check(&pieces.concat());
    }

    #[test]
    fn a_condition_that_breaks_off(cut in 0..200_usize) {
        let text = "(evt.type in (open, 'openat') and fd.name glob \"/a/*\") or not (tolower(proc.name) = val(proc.pname) and fd.snet in (\"10.0.0.0/8\", x)) and m";
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
        "not(",
        "\"",
        "'",
        "\\",
        "a.b=c and ",
        "a.b=c or ",
        "a.b in (",
        "x,",
        "tolower(",
        "val(",
        "m ",
        "a.b ",
        "a.b[",
        "= ",
        " ",
        "*",
        "a.b glob [",
        "a.",
        "and ",
        "or ",
    ] {
        let piece_start = std::time::Instant::now();
        check(&piece.repeat(200_000 / piece.len()));
        println!("{piece:?}: {:?}", piece_start.elapsed());
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn tokens_are_coloured() {
    let text = "started and not tolower(proc.aname[2]) in (a, \"b c\") or fd.num >= 5";
    let tokens = Falco.tokens(text);
    let shown: Vec<_> =
        tokens.iter().map(|token| format!("{}={:?}", token.span.of(text).unwrap(), token.kind)).collect();
    assert_eq!(
        shown.join(" "),
        "started=Macro and=Keyword not=Keyword tolower=Function (=Operator proc.aname[2]=Field )=Operator in=Operator \
         (=Operator a=String ,=Operator \"b c\"=String )=Operator or=Keyword fd.num=Field >==Operator 5=Number"
    );
}
