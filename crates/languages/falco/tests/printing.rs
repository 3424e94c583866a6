//! What is printed of a tree is read as the same tree.

use std::path::Path;

use proptest::prelude::*;
use ruleatlas_core::{
    cases,
    printing::{self, Printed, round_trip},
};
use ruleatlas_falco::{
    ErrorKind,
    ast::{Check, Expr, Literal, Operand, Operator, Right, Transformer},
    parse,
};
use ruleatlas_syntax::Span;

fn print(text: &str) -> Option<Printed> {
    let parsed = parse(text);
    parsed.is_understood().then(|| Printed::of(&parsed.tree))
}

#[test]
fn conditions_of_the_cases_are_printed_as_what_they_are() {
    assert!(round_trip(cases::queries("cases/falco.txt"), print) > 30);
}

#[test]
fn conditions_of_the_corpora_are_printed_as_what_they_are() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("RULEATLAS_CORPORA is not set: no corpus is read");
        return;
    };
    let mut found = Vec::new();
    for (path, text) in cases::files(&Path::new(&corpora).join("falco"), "yaml") {
        let Ok(parsed) = ruleatlas_yaml::parse(&text) else { continue };
        let items = parsed.documents.iter().flat_map(|document| document.items().unwrap_or_default());
        let conditions = items.filter_map(|item| item.text_of("condition"));
        found.extend(conditions.map(|condition| (path.display().to_string(), condition.to_owned())));
    }
    assert!(found.is_empty() || round_trip(found, print) > 100);
}

#[test]
fn printed_conditions_are_short() {
    for (written, printed) in [
        ("(a.b=1 and (m)) or not (c or d)", "a.b = 1 and m or not (c or d)"),
        (
            "tolower(basename(proc.name)) in (a,\"b c\") and fd.name exists",
            "tolower(basename(proc.name)) in (a, \"b c\") and fd.name exists",
        ),
        (
            "ka.req[\"a b\"] startswith '/x' and proc.name=val(proc.pname)",
            "ka.req[\"a b\"] startswith \"/x\" and proc.name = val(proc.pname)",
        ),
        ("proc.name in shells and not not x", "proc.name in shells and x"),
    ] {
        assert_eq!(parse(written).tree.to_string(), printed);
    }
}

#[test]
fn every_kind_of_error_has_an_example() {
    printing::error_kinds("FAL", |text| {
        parse(text).errors.into_iter().map(|error| error.kind).collect::<Vec<ErrorKind>>()
    });
}

/// Words and characters that mean something somewhere.
const TEXTS: &[&str] = &["x", "and", "\\", "\"", "'", "\n", "\t", "é", " ", "(", ")", ",", "=", "*", "/", "\u{8}"];

fn literal() -> impl Strategy<Value = Literal> {
    let quoted = prop::collection::vec(prop::sample::select(TEXTS), 0..5).prop_map(|texts| Literal {
        text: texts.concat(),
        quoted: true,
        span: Span::default(),
    });
    let bare = prop::sample::select(vec!["a", "/etc/", "-5", "and", "x[1]", "C:\\x", "in"]).prop_map(|text| Literal {
        text: text.to_owned(),
        quoted: false,
        span: Span::default(),
    });
    prop_oneof![quoted, bare]
}

fn operand() -> impl Strategy<Value = Operand> {
    let field = prop::sample::select(vec!["proc.name", "proc.aname[2]", "ka.req[a b]", "jevt.value[/x/y]"]);
    let transformers = prop::collection::vec(prop::sample::select(Transformer::ALL), 0..3);
    (field, transformers).prop_map(|(field, transformers)| Operand {
        transformers,
        field: field.to_owned(),
        span: Span::default(),
    })
}

fn check() -> impl Strategy<Value = Expr> {
    let right = prop_oneof![
        literal().prop_map(Right::Value),
        prop::collection::vec(literal(), 0..3).prop_map(Right::List),
        operand().prop_map(|mut operand| {
            operand.transformers.insert(0, Transformer::Val);
            Right::Field(operand)
        }),
    ];
    (operand(), prop::sample::select(Operator::ALL), right).prop_map(|(left, operator, right)| {
        let operator = match &right {
            Right::List(_) if !operator.takes_list() => Operator::In,
            _ => operator,
        };
        let right = if operator == Operator::Exists { Right::Nothing } else { right };
        Expr::Check(Box::new(Check { left, operator, right, span: Span::default() }))
    })
}

fn expr() -> impl Strategy<Value = Expr> {
    let name = Just(Expr::Macro { name: "spawned_process".to_owned(), span: Span::default() });
    prop_oneof![4 => check(), 1 => name].prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::Or),
            inner.prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_condition_is_read_again(expr in expr()) {
        let printed = Printed::of(&expr);
        let read = print(&printed.query);
        prop_assert_eq!(read, Some(printed));
    }
}
