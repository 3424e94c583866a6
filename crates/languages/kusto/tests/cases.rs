//! The cases of `cases/`: queries, what is made of them, and what events say to them.

use ruleatlas_core::{NoContext, cases};
use ruleatlas_kusto::Kusto;

fn run(file: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(file);
    cases::run(&Kusto, &NoContext, &ruleatlas_evaluate::verdict_str, path);
}

#[test]
fn string_operators_mean_what_the_reference_says() {
    run("strings.txt");
}

#[test]
fn legs_and_sub_queries_are_steps() {
    run("steps.txt");
}

#[test]
fn names_lead_back_to_their_columns() {
    run("names.txt");
}

#[test]
fn lists_give_their_values() {
    run("lists.txt");
}

#[test]
fn functions_are_conditions() {
    run("functions.txt");
}

#[test]
fn what_is_broken_leaves_the_rest() {
    run("recovery.txt");
}

#[test]
fn missing_values_have_stand_ins() {
    run("missing.txt");
}

#[test]
fn aggregates_are_computed() {
    run("aggregates.txt");
}

#[test]
fn lookups_say_whether_a_row_is_there() {
    run("lookups.txt");
}

#[test]
fn texts_that_hold_json_are_looked_into() {
    run("json.txt");
}

#[test]
fn unknown_functions_are_opaque() {
    run("unknown.txt");
}

#[test]
fn graphs_keep_their_filters() {
    run("graph.txt");
}
