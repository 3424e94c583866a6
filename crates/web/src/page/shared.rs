//! How vendors share what a scope's rules look for, as a picture.

use maud::{Markup, html};
use ruleatlas_catalog::SharedRow;
use ruleatlas_model::Vendor;

use crate::text::{counted, number};

/// Groups of vendors that are drawn.
const GROUPS: usize = 10;
/// Widths and heights in pixels of what is drawn.
const ROW: usize = 16;
const DOT: usize = 16;
const BAR: usize = 160;

/// A row a group of vendors: a dot for each that looks for the same values, and a bar of how many values. Nothing where
/// no value is shared.
pub(super) fn shared(groups: &[SharedRow], distinct: u64) -> Markup {
    let vendors: Vec<Vendor> = Vendor::ALL
        .iter()
        .copied()
        .filter(|vendor| groups.iter().any(|group| group.vendors.contains(vendor)))
        .collect();
    let shared: u64 = groups.iter().filter(|group| group.vendors.len() > 1).map(|group| group.indicators).sum();
    if vendors.len() < 2 || shared == 0 {
        return html! {};
    }
    let mut drawn: Vec<&SharedRow> = groups.iter().filter(|group| group.vendors.len() > 1).collect();
    let alone: Vec<&SharedRow> = groups.iter().filter(|group| group.vendors.len() == 1).collect();
    let left = drawn.len().saturating_sub(GROUPS);
    drawn.truncate(GROUPS);
    html! {
        details.shared {
            summary { (number(shared)) " of " (counted(distinct, "value")) " are looked for by rules of more than one vendor here" }
            div.pictures {
                (picture("Values that several vendors look for", &vendors, &drawn))
                (picture("Values that one vendor alone looks for", &vendors, &alone))
            }
            @if left > 0 { p.more { "The " (GROUPS) " largest of " (GROUPS + left) " groups of several vendors." } }
        }
    }
}

fn picture(label: &str, vendors: &[Vendor], groups: &[&SharedRow]) -> Markup {
    let most = groups.iter().map(|group| group.indicators).max().unwrap_or(0).max(1);
    let first = vendors.len() * DOT + 8;
    let (width, height) = (first + BAR + 56, (groups.len() + 1) * ROW);
    html! {
        figure {
            figcaption { (label) }
            svg.upset width=(width) height=(height) role="img" aria-label=(told(groups)) {
                @for (at, vendor) in vendors.iter().enumerate() {
                    text.(vendor.name()) x=(at * DOT + DOT / 2) y="11" text-anchor="middle" { (vendor.info().letter) }
                }
                @for (row, group) in groups.iter().enumerate() {
                    @let middle = (row + 1) * ROW + ROW / 2;
                    @for (at, vendor) in vendors.iter().enumerate() {
                        @let is_in = group.vendors.contains(vendor);
                        circle.(if is_in { vendor.name() } else { "none" }) cx=(at * DOT + DOT / 2) cy=(middle) r=(if is_in { 4 } else { 2 }) {}
                    }
                    rect x=(first) y=(middle - 4) height="8" width=(length(group.indicators, most)) {}
                    text x=(first + length(group.indicators, most) + 6) y=(middle + 4) { (number(group.indicators)) }
                }
            }
        }
    }
}

/// A bar's length; one value is seen as well.
fn length(count: u64, most: u64) -> usize {
    let full = u64::try_from(BAR).unwrap_or_default();
    usize::try_from(count.saturating_mul(full) / most).unwrap_or(BAR).max(1)
}

/// What the picture shows, for who does not see it.
fn told(groups: &[&SharedRow]) -> String {
    let names = |group: &SharedRow| group.vendors.iter().map(|vendor| vendor.name()).collect::<Vec<_>>().join(" and ");
    let parts: Vec<String> =
        groups.iter().map(|group| format!("{}: {}", names(group), number(group.indicators))).collect();
    parts.join("; ")
}
