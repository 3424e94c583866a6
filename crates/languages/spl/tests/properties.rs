//! No text makes the front end panic or hang, whatever stands around it.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use ruleatlas_core::{Context, LookupTable, MacroDefinition, NoContext, cases};
use ruleatlas_spl::Spl;

/// Pieces that real searches are made of, and some that break them.
const PIECES: &[&str] = &[
    "search ",
    "| ",
    "|",
    "where ",
    "eval ",
    "x=",
    "a=1 ",
    "b!=\"*c*\" ",
    "IN (",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "'",
    "`",
    "``",
    "```",
    ",",
    " OR ",
    " AND ",
    " NOT ",
    "\\",
    "\\\"",
    "*",
    "%",
    "$a$",
    "if(",
    "case(",
    "coalesce(a,b)",
    "match(c,\"x\")",
    "| stats count by a ",
    "| tstats count from datamodel=A.B where ",
    "by c",
    "| rename a.* as * ",
    "| rename a as b ",
    "| lookup l c as a OUTPUT d ",
    "| inputlookup l ",
    "[| inputlookup l | fields c]",
    "| join a [",
    "| append [search ",
    "| map search=\"",
    "| transaction a startswith=(",
    "| rex \"(?<n>x)\" ",
    "| regex a=\"",
    "| foreach a* [eval ",
    "| spath output=o path=p ",
    "`m`",
    "`n(1,2)`",
    "| `m` ",
    "é",
    "名",
    "\u{0}",
    "\n",
    "10.0.0.0/8",
    "<",
    ">=",
    "==",
    "TERM(",
    "CASE(x)",
    "like(a,\"%b_\")",
    "searchmatch(\"a=1\")",
    "mvfind(a,\"b\")",
    "now()",
    "_time",
    "-1",
    "0x1f",
    "| fillnull value=z a ",
    "| eventstats max(a) as a ",
    "| stats values(*) as * ",
    ".",
    "<<FIELD>>",
    "null()",
];

#[derive(Debug)]
struct Random {
    parameters: Vec<String>,
    definitions: Vec<String>,
    lookup: LookupTable,
}

impl Context for Random {
    fn macro_definition(&self, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        let (definition, parameters) = match (name, arguments) {
            ("m", 0) => (self.definitions.first()?, &self.parameters[..0]),
            ("n", 2) => (self.definitions.last()?, &self.parameters[..]),
            _ => return None,
        };
        Some(MacroDefinition { parameters, definition })
    }

    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        (name == "l").then_some(&self.lookup)
    }
}

fn query() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

fn around() -> impl Strategy<Value = Random> {
    (prop::collection::vec(query(), 1..3), prop::collection::vec(("[a-c*?]{0,4}", "[a-c]{0,2}"), 0..5)).prop_map(
        |(definitions, rows)| Random {
            parameters: vec!["a".to_owned(), "b".to_owned()],
            definitions,
            lookup: LookupTable {
                columns: vec!["c".to_owned(), "d".to_owned()],
                rows: rows.into_iter().map(|(left, right)| vec![left, right]).collect(),
                case_insensitive: true,
                wildcard_columns: vec!["c".to_owned()],
                default_match: None,
            },
        },
    )
}

fn check(text: &str, context: &dyn Context) {
    let start = Instant::now();
    cases::places(&Spl, text, context);
    if start.elapsed() > Duration::from_millis(500) {
        println!("{:?} {:?}…", start.elapsed(), text.chars().take(60).collect::<String>());
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?} for {} bytes", start.elapsed(), text.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_pieces_give_an_answer(text in query(), context in around()) {
        check(&text, &context);
    }

    #[test]
    fn any_text_gives_an_answer(text in any::<String>()) {
        check(&text, &NoContext);
        check(&format!("| {text}"), &NoContext);
        check(&format!("a=1 | where {text}"), &NoContext);
    }
}

#[test]
fn large_and_deep_texts_give_an_answer_in_time() {
    const TIMES: usize = 8_000;
    let repeated = [
        "(",
        "[",
        "[search ",
        "NOT (",
        "\"",
        "`",
        "`\"",
        "'",
        "if(",
        "a=(",
        "| ",
        "a=1 OR ",
        "a=1 ",
        "lower(",
        "-",
        "NOT ",
        "a+",
        "a.",
        "1*",
        "a AND ",
        "a=b OR ",
        "case(a,",
        "coalesce(a,",
        "a IN (",
        "a IN (b,",
        "\\",
        "| rename a* as b* ",
        "| eval a=if(b=1,a,c) ",
        "| eval a=coalesce(a,a) ",
        "| eval a=if(a=1,a,a) ",
        "| where a=1 ",
        "| search a=1 ",
        "| stats count by a ",
        "| append [search a=1] ",
        "| appendpipe [search a=1] ",
        "| lookup l c as a OUTPUT d as a ",
        "| search d=1 ",
        "| foreach a [eval b=1] ",
        "| transaction a startswith=(b=1) ",
        "| fillnull value=a a ",
        "| eval a=lower(a) ",
        "a=\"b\"",
        "| eval a=a.\"x\" ",
        "`m` ",
        "`n(1,2)` ",
        "| eventstats max(a) as b ",
        "| rex \"(?<a>b)\" ",
        "| map search=\"a=1\" ",
        "[| inputlookup l] ",
    ];
    let context = Random {
        parameters: vec!["a".to_owned(), "b".to_owned()],
        definitions: vec!["x=1 `n(1,2)` `n(3,4)`".to_owned(), "y=$a$ z=$b$".to_owned()],
        lookup: LookupTable {
            columns: vec!["c".to_owned(), "d".to_owned()],
            rows: (0..300).map(|row| vec![format!("*{row}"), "1".to_owned()]).collect(),
            case_insensitive: true,
            wildcard_columns: vec!["c".to_owned()],
            default_match: None,
        },
    };
    for piece in repeated {
        for start in ["", "| where ", "| eval x=", "| tstats count where "] {
            check(&format!("{start}{}", piece.repeat(TIMES)), &context);
        }
    }
}
