//! Queries, the predicates they give, and what they say of events.

use ruleatlas_core::{NoContext, cases};
use ruleatlas_logscale::Logscale;

#[test]
fn logscale() {
    cases::run(&Logscale, &NoContext, &ruleatlas_evaluate::verdict_str, "cases/logscale.txt");
}
