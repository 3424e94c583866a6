use std::hash::Hash;

use rustc_hash::FxHashSet;

/// Keeps the first of the items that share a key, in order. Lists in files may be of any length.
pub(crate) fn unique_by<T, K: Eq + Hash>(items: impl IntoIterator<Item = T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut seen = FxHashSet::default();
    items.into_iter().filter(|item| seen.insert(key(item))).collect()
}
