//! The EQL of a real corpus, where `RULEATLAS_CORPORA` says that there is one.

#![allow(clippy::unwrap_used)]

mod elastic;

use std::{env, path::Path};

use ruleatlas_core::{Frontend, NoContext, Query, TokenKind, cases::describe};
use ruleatlas_eql::Eql;
use ruleatlas_model::{Node, ParseStatus, Span};

#[test]
fn every_real_query_is_understood_in_full() {
    let Some(corpora) = env::var_os("RULEATLAS_CORPORA") else {
        println!("skipped: RULEATLAS_CORPORA names no folder of rules");
        return;
    };
    let queries = elastic::queries(Path::new(&corpora));
    assert!(queries.len() > 1_000, "only {} queries found", queries.len());
    let (mut predicates, mut faults) = (0, Vec::new());
    let shown = env::var("RULEATLAS_SHOW").unwrap_or_default();
    for (path, query) in &queries {
        let parsed = Eql.parse(&Query::new(query), &NoContext);
        if !shown.is_empty() && path.to_string_lossy().contains(&shown) {
            println!("##### {}\n{query}\n-----\n{}", path.display(), describe(&parsed));
        }
        for condition in &parsed.conditions {
            for predicate in condition.root.predicates() {
                predicates += 1;
                assert!(predicate.span != Span::default() && predicate.span.of(query).is_some(), "{}", path.display());
                assert!(!predicate.raw_field.is_empty(), "{}", path.display());
                assert_eq!(predicate.values.is_empty(), predicate.op.is_presence(), "{}", path.display());
            }
        }
        for token in Eql.tokens(query).iter().filter(|token| token.kind == TokenKind::String) {
            let mut predicates = parsed.conditions.iter().flat_map(|step| step.root.predicates());
            let covered =
                predicates.any(|found| found.span.start <= token.span.start && token.span.end <= found.span.end);
            assert!(covered, "{}: {:?} is in no predicate", path.display(), token.span.of(query));
        }
        let quiet = parsed.diagnostics.is_empty() && !parsed.conditions.is_empty();
        let opaque = parsed.conditions.iter().any(|step| step.root.walk().any(|node| matches!(node, Node::Opaque(_))));
        if parsed.status() != ParseStatus::Full || !quiet || opaque {
            println!("{} {}\n{}", parsed.status(), path.display(), describe(&parsed));
        }
        if parsed.status() != ParseStatus::Full {
            faults.push(path);
        }
    }
    println!("{} queries, {predicates} predicates, {} not in full", queries.len(), faults.len());
    assert!(faults.is_empty(), "not in full: {faults:#?}");
}
