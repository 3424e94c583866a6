//! Catalogs of the real corpora, where the environment names their folder.

#![allow(
    dead_code,
    clippy::unwrap_used,
    missing_docs,
    reason = "every test file takes what it needs, and may fail anywhere"
)]

use std::{cmp::Reverse, collections::BTreeMap, path::PathBuf};

use ruleatlas_catalog::{Catalog, Loaded, PredicateRow, build};
use ruleatlas_model::Role;
use ruleatlas_sources::{SourceKind, SourceSpec};

/// The catalog of those kinds that are there; nothing where no folder is named.
pub fn corpus(kinds: &[SourceKind]) -> Option<Catalog> {
    corpus_in(&kinds.iter().map(|kind| (*kind, kind.name())).collect::<Vec<_>>())
}

/// The catalog of those folders of corpora that are there; nothing where no folder is named.
pub fn corpus_in(folders: &[(SourceKind, &str)]) -> Option<Catalog> {
    let Some(folder) = std::env::var_os("RULEATLAS_CORPORA").map(PathBuf::from) else {
        println!("skipped: RULEATLAS_CORPORA names no folder of corpora");
        return None;
    };
    let specs: Vec<SourceSpec> = folders
        .iter()
        .map(|(kind, name)| SourceSpec::new(*kind, folder.join(name)))
        .filter(|spec| spec.path.is_dir())
        .collect();
    let sources = Loaded::read(&specs, &|_, _, _, _| {}).unwrap();
    Some(build(sources, &|_, _, _, _| {}).unwrap())
}

/// Whether the predicate compares a field of an event: what is computed, or cut out of another field, has no canonical
/// name by design.
pub fn is_of_event(row: &PredicateRow) -> bool {
    row.role != Role::Computed && row.derived_from.is_none()
}

/// How many predicates name a field that is known, and of how many; says which names are unknown most often.
pub fn mapped<'a>(of: &str, rows: impl Iterator<Item = &'a PredicateRow>) -> (usize, usize) {
    let (mut mapped, mut all) = (0, 0);
    let mut unknown: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        all += 1;
        if row.mapped { mapped += 1 } else { *unknown.entry(&row.raw_field).or_default() += 1 }
    }
    let mut unknown: Vec<_> = unknown.into_iter().collect();
    unknown.sort_by_key(|(name, count)| (Reverse(*count), *name));
    unknown.truncate(40);
    println!("{of}: {mapped} of {all} predicates are mapped; unknown most often: {unknown:?}");
    (mapped, all)
}
