//! No text makes the front end panic, hang or answer with a place outside the text.

use std::time::Instant;

use proptest::prelude::*;
use ruleatlas_core::{Frontend, NoContext, Parsed, Query, cases};
use ruleatlas_eql::Eql;
use ruleatlas_model::ParseStatus;

const PIECES: &[&str] = &[
    "process",
    "any",
    "where",
    "true",
    "false",
    "null",
    "and",
    "or",
    "not",
    "in",
    "in~",
    "like",
    "like~",
    "regex",
    ":",
    "==",
    "!=",
    "!:",
    "<",
    ">=",
    "=",
    "(",
    ")",
    "[",
    "]",
    "![",
    ",",
    ".",
    "?",
    "~",
    "|",
    "+",
    "-",
    "*",
    "/",
    "%",
    "\"",
    "\"\"\"",
    "'",
    "`",
    "\\",
    "\\u{2066}",
    "//",
    "/*",
    "*/",
    "\n",
    " ",
    "sequence",
    "sample",
    "join",
    "by",
    "with",
    "maxspan=5m",
    "runs=3",
    "until",
    "filter",
    "count",
    "descendant of [",
    "user.name",
    "a.b[0]",
    "4",
    "0x1f",
    ".5",
    "1e9",
    "\"C:\\\\*\"",
    "\"a?b\"",
    "startsWith~(",
    "cidrMatch(",
    "length(",
    "arraySearch(",
    "$x",
    "é",
    "\u{feff}",
    "😀",
];

fn check(text: &str) -> Parsed {
    let parsed = cases::places(&Eql, text, &NoContext);
    for opaque in parsed.conditions.iter().flat_map(|condition| condition.root.opaques()) {
        // A long text is cut, and says so.
        let (whole, kept) = (opaque.span.of(text), opaque.text.trim_end_matches('…'));
        let is_kept = whole.is_some_and(|whole| whole == opaque.text || whole.len() > 4000 && whole.starts_with(kept));
        assert!(is_kept, "{:.200?} in {text:.200?}", opaque.text);
    }
    parsed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_text_has_an_answer(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn any_order_of_words_has_an_answer(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check(&pieces.concat());
        check(&format!("process where {}", pieces.join(" ")));
        check(&format!("sequence [file where {}] until [any where true]", pieces.join(" ")));
    }

    #[test]
    fn a_damaged_query_has_an_answer(at in any::<prop::sample::Index>(), piece in prop::sample::select(PIECES), cut in 0..12usize) {
        let text = "sequence by host.id, ?user.id with maxspan=1m\n [process where process.name : (\"a*\", \"b\") and not \
                    (user.id in~ (\"0\", \"7\") or length(process.command_line) > 5 * 2)] with runs=3\n ![file where \
                    `odd name` regex \"\"\"\\d+\"\"\" and f == \"\\u{41}\\n\"]\nuntil [any where x != null] | head 5";
        let at = at.index(text.len());
        let (before, after) = text.split_at(at);
        check(&format!("{before}{piece}{}", after.get(cut..).unwrap_or_default()));
    }
}

#[test]
fn depth_is_bounded_and_said() {
    for (open, close) in
        [("(", ")"), ("not (", ")"), ("safe(", ")"), ("length(", ")"), ("descendant of [process where ", "]")]
    {
        for depth in [100, 20_000] {
            let text = format!("process where {}a == 1{} and b == 2", open.repeat(depth), close.repeat(depth));
            let parsed = check(&text);
            let said = parsed.diagnostics.iter().any(|diagnostic| diagnostic.code == "EQL005 nesting is too deep");
            assert_eq!(said, depth > 128, "{open} {depth}");
            assert!(parsed.conditions.iter().any(|step| step.root.predicates().any(|found| found.raw_field == "b")));
        }
    }
    for chain in ["- ", "not ", "1 + ", "a * (2 + ", "a.b[0]", "(((("] {
        check(&format!("process where {} x == 1", chain.repeat(50_000)));
    }
}

#[test]
fn time_grows_with_the_text_only() {
    let list = "\"C:\\\\*\\\\a?.exe\", ".repeat(20_000);
    let wide = "(a == 1 and b : \"x*\") or ".repeat(20_000);
    let steps = "[process where a == 1 and not b == 2] ".repeat(10_000);
    let fields = format!("process where {} in ({})", "x".repeat(50_000), "y, ".repeat(20_000));
    let search = format!("process where arraySearch({}, z, {} true)", "x".repeat(50_000), "z == 1 or ".repeat(20_000));
    let quotes = "\"a\n".repeat(100_000);
    let started = Instant::now();
    for text in [
        format!("process where a : ({list} \"z\")"),
        format!("process where {wide} true"),
        format!("sequence {steps}"),
        fields,
        search,
        quotes,
        "process where ".repeat(50_000),
        "/* ".repeat(100_000),
        "`".repeat(100_001),
        "[".repeat(100_000),
    ] {
        check(&text);
    }
    assert!(started.elapsed().as_secs() < 20, "took {:?}", started.elapsed());
}

#[test]
fn sources_of_the_rule_stand_behind_the_category_of_every_step() {
    use ruleatlas_model::{DataSource, SourceKind};
    let sources = [DataSource::new(SourceKind::Index, "logs-endpoint.events.*")];
    let query = Query {
        sources: &sources,
        ..Query::new("sequence [process where a == 1] [any where descendant of [file where true]]")
    };
    let parsed = Eql.parse(&query, &NoContext);
    assert_eq!(parsed.status(), ParseStatus::Full);
    let names: Vec<Vec<&str>> =
        parsed.conditions.iter().map(|step| step.sources.iter().map(|source| source.name.as_str()).collect()).collect();
    assert_eq!(names, [["process", sources[0].name.as_str()], ["any", &sources[0].name], ["file", &sources[0].name]]);
}
