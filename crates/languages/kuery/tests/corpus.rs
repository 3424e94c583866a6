//! Every Kuery and Lucene query of Elastic's public rules is understood in full.

mod elastic;

use ruleatlas_core::{Frontend, cases};
use ruleatlas_kuery::{Kuery, Lucene};

fn check(frontend: &dyn Frontend, at_least: usize) {
    let Some(corpora) = elastic::corpora() else { return };
    let found = elastic::queries(&corpora, frontend.language().name());
    assert!(found.len() >= at_least, "{} queries", found.len());
    cases::all_full(frontend, &found, &[]);
}

#[test]
fn every_kuery_of_the_corpus_is_full() {
    check(&Kuery, 790);
}

#[test]
fn every_lucene_query_of_the_corpus_is_full() {
    check(&Lucene, 1);
}
