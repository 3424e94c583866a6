//! Every ES|QL query of Elastic's public rules and hunts is understood in full.

mod elastic;

use ruleatlas_core::{Frontend, cases};
use ruleatlas_esql::Esql;
use ruleatlas_kuery::{Kuery, Lucene};

/// Queries that Elasticsearch refuses: `now(-)`.
const BROKEN: &[&str] = &["execution_via_windows_scheduled_task_with_low_occurrence_frequency.toml (hunt 0)"];

fn check(frontend: &dyn Frontend, at_least: usize) {
    let Some(corpora) = elastic::corpora() else { return };
    let found = elastic::queries(&corpora);
    assert!(found.len() >= at_least, "{} queries", found.len());
    cases::all_full(frontend, &found, BROKEN);
}

#[test]
fn every_esql_query_of_the_corpus_is_full() {
    check(&Esql::new().with_kuery(&Kuery).with_lucene(&Lucene), 340);
}
