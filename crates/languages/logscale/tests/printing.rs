//! What is printed of a tree is read as the same tree.

use std::path::Path;

use ruleatlas_core::{
    cases,
    printing::{self, Printed, round_trip},
};
use ruleatlas_logscale::{ErrorKind, parse};

fn print(text: &str) -> Option<Printed> {
    let parsed = parse(text);
    parsed.is_understood().then(|| Printed::of(&parsed.tree))
}

#[test]
fn queries_of_the_cases_are_printed_as_what_they_are() {
    assert!(round_trip(cases::queries("cases/logscale.txt"), print) > 30);
}

#[test]
fn queries_of_the_corpora_are_printed_as_what_they_are() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("RULEATLAS_CORPORA is not set: no corpus is read");
        return;
    };
    let folder = Path::new(&corpora).join("logscale/queries");
    let mut found = Vec::new();
    for (path, text) in cases::files(&folder, "yml").into_iter().chain(cases::files(&folder, "yaml")) {
        let Ok(parsed) = ruleatlas_yaml::parse(&text) else { continue };
        let queries = parsed.documents.iter().filter_map(|document| document.text_of("cql"));
        found.extend(queries.map(|query| (path.display().to_string(), query.to_owned())));
    }
    assert!(found.is_empty() || round_trip(found, print) > 110);
}

#[test]
fn printed_queries_are_short() {
    for (written, printed) in [
        ("a = 1   (b=2 or c!=\"x y\") | count( )", "a=1 and (b=2 or c!=\"x y\")\n| count()"),
        ("not (a=1 b=2) or /x\\/y/i", "not (a=1 and b=2) or /x\\/y/i"),
        ("x := (a + 1) * -b | test(x > 5 or !c)", "x := (a + 1) * -b\n| test(x > 5 or !c)"),
        ("case { a=1 | f := \"g\"; * }", "case { a=1 | f := \"g\"; * }"),
        ("a match { /x/ => b:=c; \"y z\" => d=1 | e=2; }", "a match { /x/ => b := c; \"y z\" => d=1 | e=2 }"),
        (
            "f(g, h=[i, \"j\"], k={l=1 | m()}) | n =~ in(values=?{p=q})",
            "f(g, h=[i, \"j\"], k={ l=1 | m() })\n| n =~ in(values=?{p=q})",
        ),
    ] {
        assert_eq!(parse(written).tree.to_string(), printed);
    }
}

#[test]
fn every_kind_of_error_has_an_example() {
    printing::error_kinds("LOG", |text| {
        parse(text).errors.into_iter().map(|error| error.kind).collect::<Vec<ErrorKind>>()
    });
}
