//! Queries, the predicates they give, and what they say of events.

use ruleatlas_core::{NoContext, cases};
use ruleatlas_kuery::{Kuery, Lucene};

#[test]
fn kuery() {
    cases::run(&Kuery, &NoContext, &ruleatlas_evaluate::verdict_str, "cases/kuery.txt");
}

#[test]
fn lucene() {
    cases::run(&Lucene, &NoContext, &ruleatlas_evaluate::verdict_str, "cases/lucene.txt");
}
