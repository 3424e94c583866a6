//! What the pages on a terminal share: lists of rules, fields and indicators, and how values stand in them.

use std::{cmp::Reverse, collections::BTreeMap};

use ruleatlas_catalog::{FieldRow, IndicatorRow};
use ruleatlas_model::{FoldedOp, Indicator, Vendor};
use ruleatlas_views::{EventItem, RuleItem};

use crate::{
    output::plain,
    table::{self, Column, table, terminal_width},
};

/// From this width on a list of rules shows whole ids; else their beginnings, by which `rule` finds them as well.
const ROOM_FOR_IDS: usize = 120;

/// Text in lines that fit the terminal, and are never so long that the eye loses them.
pub fn wrapped(text: &str) -> String {
    let width = terminal_width().min(100);
    let mut lines = vec![String::new()];
    for word in plain(text).split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.chars().count() + word.chars().count() < width => {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

/// A number with its word.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A number of rules and how the vendors share it, each with the letter that stands for it in tables.
pub fn vendors(by_vendor: &BTreeMap<&'static str, u64>, total: u64) -> String {
    let parts: Vec<String> =
        known(by_vendor).map(|(vendor, count)| format!("{vendor} ({}) {count}", vendor.info().letter)).collect();
    let total = counted(total, "rule", "rules");
    if parts.is_empty() { total } else { format!("{total}: {}", parts.join(", ")) }
}

/// A bare term has no field.
pub fn shown_field(field: &str) -> String {
    if field.is_empty() { "keyword".to_owned() } else { field.to_owned() }
}

/// A value as it is, in quotes where it is empty or begins or ends with a space, which nobody would see.
pub fn shown_value(value: &str) -> String {
    if value.is_empty() || value.trim() != value { format!("\"{value}\"") } else { value.to_owned() }
}

/// An indicator's value; none where its operator compares with none.
pub fn value_of(indicator: &Indicator) -> String {
    let has_value = !matches!(indicator.op, FoldedOp { op, .. } if op.is_presence());
    if has_value { shown_value(&indicator.value) } else { String::new() }
}

/// An indicator's operator, with what transforms value or match.
pub fn operator(indicator: &Indicator) -> String {
    match indicator.modifiers.text() {
        Some(text) => format!("{} |{text}", indicator.op),
        None => indicator.op.to_string(),
    }
}

/// The operators, the most used first.
pub fn how(counts: &BTreeMap<&'static str, u64>) -> Vec<String> {
    let mut ops: Vec<(&&str, &u64)> = counts.iter().collect();
    ops.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    ops.into_iter().map(|(op, count)| format!("{op} {count}")).collect()
}

pub fn fields(rows: &[FieldRow]) -> String {
    let columns = [Column::Left("Field"), Column::Right("Rules"), Column::List("How"), Column::List("Samples")];
    table(
        &columns,
        rows.iter().map(|row| {
            let samples = row.samples.iter().map(|sample| shown_value(sample));
            vec![shown_field(&row.field), row.rules.to_string(), table::list(how(&row.how)), table::list(samples)]
        }),
    )
}

/// Indicators of a scope with their reach, which is called `reach`.
pub fn indicators(rows: &[IndicatorRow], reach: &'static str) -> String {
    let mut columns = vec![Column::Left("Field"), Column::Left("Op"), Column::Long("Value"), Column::Right("Rules")];
    // Of a whole catalog both numbers are one.
    let is_scope = rows.iter().any(|row| row.rules != row.reach);
    columns.extend(is_scope.then_some(Column::Right(reach)));
    let is_grouped = rows.iter().any(|row| row.grouped > 0);
    columns.extend(is_grouped.then_some(Column::Right("In group")));
    columns.push(Column::Left("By vendor"));
    table(
        &columns,
        rows.iter().map(|row| {
            let reach = known(&row.reach_by_vendor);
            let by_vendor: Vec<String> =
                reach.map(|(vendor, count)| format!("{} {count}", vendor.info().letter)).collect();
            let mut cells = vec![
                shown_field(&row.indicator.field),
                operator(&row.indicator),
                value_of(&row.indicator),
                row.rules.to_string(),
            ];
            cells.extend(is_scope.then(|| row.reach.to_string()));
            cells.extend(is_grouped.then(|| if row.grouped > 0 { row.grouped.to_string() } else { String::new() }));
            cells.push(by_vendor.join(" "));
            cells
        }),
    )
}

/// Counts by the names of vendors as counts by vendor.
fn known<'a>(by_vendor: &'a BTreeMap<&'static str, u64>) -> impl Iterator<Item = (Vendor, u64)> + 'a {
    by_vendor.iter().filter_map(|(name, count)| Some((name.parse().ok()?, *count)))
}

/// Events with the number of rules that read them.
pub fn events(items: &[EventItem]) -> String {
    let columns = [Column::Left("Provider"), Column::Long("Id"), Column::Text("Title"), Column::Right("Rules")];
    let row = |item: &EventItem| {
        vec![item.provider.clone(), item.event_id.clone(), item.title.clone(), item.rules.to_string()]
    };
    table(&columns, items.iter().map(row))
}

/// Rules in the order in which they are given.
pub fn rules<'a>(items: impl IntoIterator<Item = &'a RuleItem>) -> String {
    rules_of(items, |_| true)
}

/// Rules with those of their techniques that are asked for.
pub fn rules_of<'a>(items: impl IntoIterator<Item = &'a RuleItem>, is_asked: impl Fn(&str) -> bool) -> String {
    let is_wide = terminal_width() >= ROOM_FOR_IDS;
    let columns = [Column::Left("Severity"), Column::Text("Title"), Column::List("Techniques"), Column::Id("Id")];
    table(
        &columns,
        items.into_iter().map(|item| {
            let ids = item.techniques.iter().flat_map(|tag| tag.techniques.iter().map(String::as_str));
            let mut techniques: Vec<&str> = ids.filter(|id| is_asked(id)).collect();
            techniques.sort_unstable();
            techniques.dedup();
            let severity = item.severity.map(|severity| severity.to_string()).unwrap_or_default();
            vec![
                severity,
                item.title.clone(),
                table::list(techniques),
                if is_wide { item.id.clone() } else { item.short_id.clone() },
            ]
        }),
    )
}

/// The rules of each vendor, the gravest first, then by title.
pub fn gravest_first(items: &[RuleItem]) -> Vec<&RuleItem> {
    let mut sorted: Vec<&RuleItem> = items.iter().collect();
    sorted.sort_by_key(|item| (item.vendor, Reverse(item.severity), item.title.to_lowercase()));
    sorted
}

#[cfg(test)]
mod tests {
    use super::shown_value;

    #[test]
    fn a_value_that_would_not_be_seen_stands_in_quotes() {
        for (value, shown) in [("", "\"\""), (" -a", "\" -a\""), ("x ", "\"x \""), ("a b", "a b"), ("-", "-")] {
            assert_eq!(shown_value(value), shown);
        }
    }
}
