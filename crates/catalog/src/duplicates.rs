//! Rules that stand in several sources. The rule and its reasons: docs/decisions/duplicates.md.

use ruleatlas_model::{Diagnostic, Rule, Vendor};
use rustc_hash::FxHashMap;

use crate::Entry;

/// What tells whether two rules are one in two sources: the vendor, and the hashes of title and query.
type Likeness = (Vendor, blake3::Hash, blake3::Hash);

/// Says of a rule that it is another's copy, which counts for both.
pub(crate) fn mark(copy: &mut Rule, first: &Rule, why: &str) {
    let message = format!("{why} as `{}` of the source {}; the two count once", first.id, first.source);
    copy.diagnostics.push(Diagnostic::note("duplicate rule", message).on_line(copy.line));
    copy.variant_of = Some(first.variant_of.clone().unwrap_or_else(|| first.id.clone()));
}

/// Marks rules of one title and one query in different sources. The entries are ordered by id.
pub(crate) fn mark_alike(entries: &mut [Entry]) {
    let mut groups: FxHashMap<Likeness, Vec<usize>> = FxHashMap::default();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(likeness) = likeness(&entry.rule) {
            groups.entry(likeness).or_default().push(at);
        }
    }
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for group in groups.values() {
        let rule = |at: &usize| entries.get(*at).map(|entry| &entry.rule);
        let counted = |at: &&usize| rule(at).is_some_and(Rule::is_counted);
        let Some(first) = group.iter().find(counted).or(group.first()) else { continue };
        let source = rule(first).map(|rule| rule.source.as_str());
        let others = group.iter().filter(|at| *at != first && rule(at).map(|rule| rule.source.as_str()) != source);
        pairs.extend(others.map(|at| (*at, *first)));
    }
    pairs.sort_unstable();
    for (at, first) in pairs {
        let Some(first) = entries.get(first).map(|entry| entry.rule.clone()) else { continue };
        if let Some(copy) = entries.get_mut(at) {
            mark(&mut copy.rule, &first, "the rule has the same title and query");
        }
    }
}

/// Leads variants of a rule that turned out to be a copy to the rule that it is a copy of.
pub(crate) fn settle(entries: &mut [Entry]) {
    let of: FxHashMap<String, String> =
        entries.iter().filter_map(|entry| Some((entry.rule.id.clone(), entry.rule.variant_of.clone()?))).collect();
    for entry in entries {
        let Some(first) = &mut entry.rule.variant_of else { continue };
        // As many steps as a copy of a copy can need; a circle ends there.
        for _ in 0..8 {
            match of.get(first.as_str()) {
                Some(next) => next.clone_into(first),
                None => break,
            }
        }
    }
}

/// What two copies have in common; `None` for a rule that is a variant already, or says too little to be told.
fn likeness(rule: &Rule) -> Option<Likeness> {
    let hash = |words: &mut dyn Iterator<Item = String>| {
        let mut hasher = blake3::Hasher::new();
        for word in words {
            hasher.update(word.as_bytes());
            hasher.update(b" ");
        }
        hasher.finalize()
    };
    let length: usize = rule.query.split_whitespace().map(str::len).sum();
    if rule.variant_of.is_some() || rule.title.trim().is_empty() || length < MIN_QUERY {
        return None;
    }
    let title = hash(&mut rule.title.split_whitespace().map(str::to_lowercase));
    // Case matters to some operators: the query is compared as written, but for blanks.
    let query = hash(&mut rule.query.split_whitespace().map(str::to_owned));
    Some((rule.vendor, title, query))
}

/// A shorter query is no mark of a rule.
const MIN_QUERY: usize = 20;
