//! Queries, what they become, and what that says of events.

use ruleatlas_core::{NoContext, cases};
use ruleatlas_eql::Eql;
use ruleatlas_evaluate::verdict_str;

fn run(name: &str) {
    cases::run(&Eql, &NoContext, &verdict_str, format!("{}/cases/{name}.txt", env!("CARGO_MANIFEST_DIR")));
}

#[test]
fn comparisons() {
    run("comparisons");
}

#[test]
fn functions() {
    run("functions");
}

#[test]
fn steps() {
    run("steps");
}

#[test]
fn errors() {
    run("errors");
}
