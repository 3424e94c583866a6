//! Sources that give nothing, or much less than they did: said loudly, and no reason to replace a good catalog.

use std::{collections::BTreeMap, path::Path};

use ruleatlas_catalog::{Catalog, SourceInfo};
use ruleatlas_sources::SourceKind;
use ruleatlas_store::Store;

use crate::output;

/// Reasons, and files of one reason, that are named.
const SHOWN: usize = 3;

/// Says that a source gives nothing.
pub fn say_empty(source: &SourceInfo) {
    output::say(format_args!(
        "warning: {} ({}) gives no {}: {} files, none of them read",
        source.name,
        source.kind,
        items(source.kind),
        source.files
    ));
}

/// Says of every source that gives nothing how many of its files look like queries, and why none was read. Returns how
/// many such sources there are.
pub fn say_unread(catalog: &Catalog) -> usize {
    let mut empty = 0;
    for source in catalog.sources.iter().filter(|source| source.items == 0) {
        empty += 1;
        if source.files == 0 {
            output::say(format_args!("warning: {} ({}): the folder is empty", source.name, source.kind));
            continue;
        }
        say_empty(source);
        let files = || catalog.files.iter().filter(|file| file.source == source.name);
        let queries = files().filter(|file| file.looks_like_query).count();
        if source.kind.vendor().is_some() {
            output::say(format_args!("{}: {queries} of its files look like queries", source.name));
        }
        let mut reasons: BTreeMap<(bool, &str), Vec<&str>> = BTreeMap::new();
        for file in files() {
            let reason = file.reason.as_deref().unwrap_or_default();
            reasons.entry((!file.looks_like_query, reason)).or_default().push(&file.path);
        }
        for ((_, reason), paths) in reasons.iter().take(SHOWN) {
            let more = if paths.len() > SHOWN { ", …" } else { "" };
            let named = paths.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
            output::say(format_args!("{}: {} not read: {reason} ({named}{more})", source.name, paths.len()));
        }
        if reasons.len() > SHOWN {
            output::say(format_args!("{}: {} more reasons", source.name, reasons.len() - SHOWN));
        }
    }
    empty
}

/// Compares what sources give with what the catalog at `path` has from them, and says what is less.
///
/// # Errors
/// A source gives nothing where it gave something, or less than half, and that is not accepted.
pub fn check(path: &Path, sources: &[SourceInfo], is_accepted: bool) -> anyhow::Result<()> {
    let now = totals(sources.iter().map(|source| (source.name.clone(), source.kind, source.items)));
    let mut losses = Vec::new();
    for ((name, kind), before) in totals(Store::source_items(path).into_iter()) {
        match now.get(&(name.clone(), kind)) {
            _ if before == 0 => {}
            Some(now) if now.saturating_mul(2) >= before => {}
            Some(now) => {
                let items = items(kind);
                losses.push(format!("{name} ({kind}) gives {now} {items}, and the catalog has {before} from it"));
            }
            None => output::say(format_args!(
                "{name} ({kind}) is not among the sources any more; the catalog had {before} {} from it",
                items(kind)
            )),
        }
    }
    if losses.is_empty() {
        return Ok(());
    }
    let losses = losses.join("; ");
    if is_accepted {
        output::say(format_args!("loss accepted: {losses}"));
        return Ok(());
    }
    anyhow::bail!("{}: {losses}; the catalog is unchanged, --accept-loss replaces it all the same", path.display())
}

/// Sums by name and kind: several folders may go by one name.
fn totals(items: impl Iterator<Item = (String, SourceKind, u32)>) -> BTreeMap<(String, SourceKind), u64> {
    let mut totals = BTreeMap::new();
    for (name, kind, count) in items {
        *totals.entry((name, kind)).or_default() += u64::from(count);
    }
    totals
}

/// What is counted of a kind.
fn items(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Attack => "techniques",
        SourceKind::Events => "statements on events",
        kind if kind.vendor().is_some() => "rules",
        _ => "controls",
    }
}
