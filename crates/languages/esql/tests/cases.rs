//! Queries, the predicates they give, and what they say of events.

use ruleatlas_core::{NoContext, cases};
use ruleatlas_esql::Esql;
use ruleatlas_kuery::{Kuery, Lucene};

#[test]
fn esql() {
    let language = Esql::new().with_kuery(&Kuery).with_lucene(&Lucene);
    cases::run(&language, &NoContext, &ruleatlas_evaluate::verdict_str, "cases/esql.txt");
}
