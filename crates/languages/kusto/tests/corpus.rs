//! The real queries: how many are understood, why the others are not, and how long it takes.
//!
//! `RULEATLAS_CORPORA` names the folder with `kusto/` in it; without it nothing is tested.

mod corpora;

use std::{collections::BTreeMap, path::Path, time::Instant};

use ruleatlas_core::{Frontend, NoContext, Query};
use ruleatlas_kusto::{Kusto, parser};
use ruleatlas_model::{Level, ParseStatus};

#[test]
fn real_queries_are_understood() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("skipped: RULEATLAS_CORPORA is not set");
        return;
    };
    let mut found = Vec::new();
    corpora::walk(&Path::new(&corpora).join("kusto"), &mut found);
    assert!(found.len() > 3_000, "only {} queries found", found.len());
    let texts = found.len();
    // A block without a mark is a query when it reads as one; an empty file and constants alone are none.
    found.retain(|found| {
        let script = parser::parse(&found.text);
        let has_query = script.has_pipeline();
        if found.unmarked { script.is_query() } else { has_query || !script.is_clean() }
    });
    let start = Instant::now();
    let parsed: Vec<_> = found.iter().map(|found| Kusto.parse(&Query::new(&found.text), &NoContext)).collect();
    let elapsed = start.elapsed();

    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let (mut full, mut partial, mut predicates) = (0_usize, 0_usize, 0_usize);
    for (found, parsed) in found.iter().zip(&parsed) {
        match parsed.status() {
            ParseStatus::Full => full += 1,
            ParseStatus::Partial => partial += 1,
            _ => {}
        }
        let mut said: Vec<String> = Vec::new();
        for condition in &parsed.conditions {
            predicates += condition.root.predicates().count();
            said.extend(condition.root.opaques().map(|opaque| format!("opaque: {}", opaque.reason)));
        }
        let errors = parsed.diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Error);
        said.extend(errors.map(|diagnostic| format!("error: {}", diagnostic.code)));
        said.sort_unstable();
        said.dedup();
        for reason in said {
            reasons.entry(reason).or_default().push(&found.place);
        }
    }
    let count = found.len();
    let share = |part: usize| 100.0 * part as f64 / count as f64;
    println!(
        "{texts} texts, {count} queries: {full} full ({:.2} %), {partial} partial, {} failed; {predicates} predicates; {elapsed:?}",
        share(full),
        count - full - partial
    );
    for (reason, places) in &reasons {
        println!("{:5} {reason}", places.len());
        for place in places.iter().take(if std::env::var_os("SHOW_PLACES").is_some() { 99 } else { 0 }) {
            println!("        {place}");
        }
    }
    assert!(share(full + partial) >= 99.0, "{:.2} % full or partial", share(full + partial));
    assert!(share(full) >= 95.0, "{:.2} % full", share(full));
}
