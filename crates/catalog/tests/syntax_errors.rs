//! The page of errors of syntax is what the languages' tables say.
//!
//! `UPDATE_SYNTAX_ERRORS=1` writes it anew.

use std::{fmt::Write as _, fs, path::Path};

use ruleatlas_syntax::{ErrorInfo, ErrorKind, Level};

/// The kinds of errors of every language that has a table of them.
fn languages() -> Vec<(&'static str, Vec<&'static ErrorInfo>)> {
    fn of<K: ErrorKind>() -> Vec<&'static ErrorInfo> {
        K::all().iter().map(|kind| kind.info()).collect()
    }
    vec![
        ("EQL", of::<ruleatlas_eql::ErrorKind>()),
        ("ES|QL", of::<ruleatlas_esql::ErrorKind>()),
        ("Falco", of::<ruleatlas_falco::ErrorKind>()),
        ("Kibana Query Language and Lucene", of::<ruleatlas_kuery::ErrorKind>()),
        ("Kusto", of::<ruleatlas_kusto::ErrorKind>()),
        ("LogScale", of::<ruleatlas_logscale::ErrorKind>()),
        ("MQL", of::<ruleatlas_mql::ErrorKind>()),
        ("Sigma", of::<ruleatlas_sigma::ErrorKind>()),
        ("SPL", of::<ruleatlas_spl::ErrorKind>()),
    ]
}

const HEAD: &str = "# Errors of syntax

What can be wrong with a query as a text. A code is never given to another error; the parse ledger, `ruleatlas doctor` and
`ruleatlas parse` show it before the phrase. What a query means is judged by [checks](checks.md), and what of it is not
understood stands in the ledger by a phrase alone.

This page is made from the tables in `crates/languages/*/src/error.rs` by
`UPDATE_SYNTAX_ERRORS=1 cargo test -p ruleatlas-catalog --test syntax_errors`, and the examples are tested.
";

/// More than this of an example is no help.
const MAX_EXAMPLE: usize = 80;

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (language, kinds) in languages() {
        let _ =
            write!(page, "\n## {language}\n\n| code | level | error | example | what to do |\n|---|---|---|---|---|\n");
        for kind in kinds {
            let level = match kind.level {
                Level::Error => "error",
                Level::Warning => "warning",
                Level::Note => "note",
            };
            let example = kind.example.replace('\n', " ⏎ ").replace('|', "\\|");
            let example = match example.char_indices().nth(MAX_EXAMPLE) {
                Some((end, _)) => format!("`{}…`", &example[..end]),
                None if example.is_empty() => String::new(),
                None if example.contains('`') => format!("`` {example} ``"),
                None => format!("`{example}`"),
            };
            let (title, remedy) = (kind.title.replace('|', "\\|"), kind.remedy.replace('|', "\\|"));
            let _ = writeln!(page, "| {} | {level} | {title} | {example} | {remedy} |", kind.code);
        }
    }
    page
}

#[test]
fn the_page_of_errors_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/syntax-errors.md");
    if std::env::var_os("UPDATE_SYNTAX_ERRORS").is_some() {
        fs::write(&path, page()).expect("the page can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page(), "docs/syntax-errors.md is out of date: run with UPDATE_SYNTAX_ERRORS=1");
}

#[test]
fn codes_are_given_once() {
    let mut codes: Vec<&str> = languages().iter().flat_map(|(_, kinds)| kinds).map(|kind| kind.code).collect();
    codes.sort_unstable();
    let count = codes.len();
    codes.dedup();
    assert_eq!(codes.len(), count);
}
