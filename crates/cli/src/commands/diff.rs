use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use ruleatlas_model::{Role, Vendor};
use ruleatlas_views::{Changes, ChangesRequest, PredicateChange, PredicateChangeKind, RuleChange, RuleItem};

use super::open;
use crate::{
    lists::{counted, gravest_first, rules, shown_field, shown_value},
    output::{self, WrongCall, plain},
    table::{Column, SHOWN, heading, role, table, title},
};

/// Values of a comparison that a terminal shows.
const SHOWN_VALUES: usize = 6;

#[derive(Debug, Args)]
pub struct Diff {
    /// The catalog from before.
    #[arg(value_name = "OLD.db")]
    old: PathBuf,
    /// The catalog to compare with it.
    #[arg(value_name = "NEW.db")]
    new: PathBuf,
    /// Only rules of this vendor; may be given several times.
    #[arg(long = "vendor", value_name = "V")]
    vendors: Vec<Vendor>,
    /// Only rules of this technique and its sub-techniques.
    #[arg(long, value_name = "T")]
    technique: Option<String>,
    /// At most this many rules of each list; 15 on a terminal, all in JSON.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Write JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Diff, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    if db.is_some() {
        return Err(WrongCall("`diff` takes both catalogs as arguments, and no `--db`".to_owned()).into());
    }
    let (old, new) = (open(&options.old)?, open(&options.new)?);
    let technique = options.technique.as_ref().map(|id| id.to_uppercase());
    let mut changes = new.changes_since(&old, &ChangesRequest { vendors: options.vendors.clone(), technique })?;
    if options.json {
        let limit = options.limit.unwrap_or(usize::MAX);
        changes.added.truncate(limit);
        changes.removed.truncate(limit);
        changes.changed.truncate(limit);
        changes.described.truncate(limit);
        output::json(&changes)?;
    } else {
        output::text(&text(&changes, options.limit.unwrap_or(SHOWN)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(changes: &Changes, limit: usize) -> String {
    let mut text = title("Changes between two catalogs");
    for note in &changes.notes {
        let _ = writeln!(text, "note: {}", plain(note));
    }
    let columns = [
        Column::Left("Vendor"),
        Column::Right("Added"),
        Column::Right("Removed"),
        Column::Right("Changed"),
        Column::Right("Reworded"),
        Column::Right("Same"),
    ];
    text.push_str(&table(
        &columns,
        changes.vendors.iter().map(|row| {
            let counts = [row.added, row.removed, row.changed, row.reworded, row.same];
            let name = row.vendor.info().short_title.to_owned();
            std::iter::once(name).chain(counts.iter().map(ToString::to_string)).collect()
        }),
    ));
    for (name, list) in [("Added", &changes.added), ("Removed", &changes.removed)] {
        if !list.is_empty() {
            let sorted: Vec<&RuleItem> = gravest_first(list);
            text.push_str(&heading(name, list.len().min(limit), list.len(), "rules"));
            text.push_str(&rules(sorted.into_iter().take(limit)));
        }
    }
    if !changes.changed.is_empty() {
        let count = changes.changed.len();
        text.push_str(&heading("Changed logic", count.min(limit), count, "rules"));
        changes.changed.iter().take(limit).for_each(|change| add_change(&mut text, change));
    }
    if !changes.described.is_empty() {
        let count = changes.described.len();
        text.push_str(&heading("Described in another way", count.min(limit), count, "rules"));
        changes.described.iter().take(limit).for_each(|change| add_change(&mut text, change));
    }
    text
}

fn add_change(text: &mut String, change: &RuleChange) {
    let _ = writeln!(text, "{}  {}", plain(&change.rule.id), plain(&change.rule.title));
    if let Some(id) = &change.id_before {
        let _ = writeln!(text, "  was {}", plain(id));
    }
    for phrase in &change.structure {
        let _ = writeln!(text, "  {phrase}");
    }
    for predicate in &change.predicates {
        let _ = writeln!(text, "  {}", predicate_line(predicate));
    }
    for described in &change.described {
        let (before, now) = (plain(&described.before), plain(&described.now));
        let _ = writeln!(text, "  {}: {before} → {now}", described.name);
    }
    let effect = match change.relation {
        Some("narrower") => "selects fewer events",
        Some("wider") => "selects more events",
        Some("overlapping") => "selects some other events",
        Some("disjoint") => "selects other events",
        _ => return,
    };
    let _ = writeln!(text, "  {effect}");
    for (name, event) in [("only before", &change.only_before), ("only now", &change.only_now)] {
        if let Some(event) = event {
            let _ = writeln!(text, "    {name}: {}", plain(&event.to_string()));
        }
    }
}

fn predicate_line(change: &PredicateChange) -> String {
    let values = |values: &[String]| {
        let shown: Vec<String> = values.iter().take(SHOWN_VALUES).map(|value| shown_value(&plain(value))).collect();
        match values.len().checked_sub(SHOWN_VALUES) {
            Some(more) if more > 0 => format!("{} and {more} more", shown.join(", ")),
            _ => shown.join(", "),
        }
    };
    let not = if change.negated && change.role != Role::Exclusion { "not " } else { "" };
    let name = format!("{} {not}{} {}", role(change.role.name()), plain(&shown_field(&change.field)), change.op);
    let (dropped, added) = (values(&change.values_dropped), values(&change.values_added));
    let kept = counted(change.values_kept as u64, "value is", "values are");
    match change.change {
        PredicateChangeKind::Added => format!("added    {name} {added}"),
        PredicateChangeKind::Dropped => format!("dropped  {name} {dropped}"),
        PredicateChangeKind::Widened => format!("widened  {name}: + {added} ({kept} as before)"),
        PredicateChangeKind::Narrowed => format!("narrowed {name}: - {dropped} ({kept} as before)"),
        PredicateChangeKind::Replaced => format!("replaced {name}: - {dropped} + {added} ({kept} as before)"),
    }
}
