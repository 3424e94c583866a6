//! Queries, the predicates they give, and what they say of messages.

use ruleatlas_core::{NoContext, cases};
use ruleatlas_mql::Mql;

#[test]
fn mql() {
    cases::run(&Mql, &NoContext, &ruleatlas_evaluate::verdict_str, "cases/mql.txt");
}
