//! Every construct of the specification: detection, predicates, events.

use ruleatlas_core::{NoContext, cases};
use ruleatlas_evaluate::verdict_str;
use ruleatlas_sigma::Sigma;

fn run(name: &str) {
    let path = format!("{}/cases/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    cases::run(&Sigma, &NoContext, &verdict_str, path);
}

#[test]
fn detections() {
    run("detections");
}

#[test]
fn modifiers() {
    run("modifiers");
}

#[test]
fn conditions() {
    run("conditions");
}

#[test]
fn documents() {
    run("documents");
}

#[test]
fn forbidden() {
    run("forbidden");
}
