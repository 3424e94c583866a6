//! Bars of vendors' shares, as SVG with plain attributes: no style stands in a page.

use std::collections::BTreeMap;

use maud::{Markup, html};
use ruleatlas_model::Vendor;

use crate::text::number;

/// Rules by vendor, in the vendors' own order.
pub(super) fn ordered<'a>(by_vendor: &'a BTreeMap<&'static str, u64>) -> impl Iterator<Item = (Vendor, u64)> + 'a {
    Vendor::ALL
        .iter()
        .filter_map(|vendor| Some((*vendor, *by_vendor.get(vendor.name())?)))
        .filter(|(_, count)| *count > 0)
}

/// The letter that stands for a vendor, in its colour.
pub(super) fn letter(vendor: Vendor) -> Markup {
    html! { abbr.v.(vendor.name()) title=(vendor.name()) { (vendor.info().letter) } }
}

/// A stacked bar whose whole width is `full` rules.
fn stacked(by_vendor: &BTreeMap<&'static str, u64>, full: u64, width: &str, height: u32) -> Markup {
    let mut start = 0;
    let parts: Vec<(Vendor, u64, u64)> = ordered(by_vendor)
        .map(|(vendor, count)| {
            let part = (vendor, start, count);
            start += count;
            part
        })
        .collect();
    html! {
        svg.bar width=(width) height=(height) aria-hidden="true" {
            rect.ground width="100%" height="100%" {}
            @for (vendor, start, count) in parts {
                rect.(vendor.name()) x=(share(start, full)) width=(share(count, full)) height="100%" {}
            }
        }
    }
}

fn share(count: u64, full: u64) -> String {
    // A count fits a float far beyond any number of rules.
    #[allow(clippy::cast_precision_loss)]
    let share = if full == 0 { 0.0 } else { count as f64 * 100.0 / full as f64 };
    format!("{share:.2}%")
}

/// The large bar of a page: a share a vendor, with letter, name and number; `link` gives a vendor's place.
pub(super) fn whole(by_vendor: &BTreeMap<&'static str, u64>, total: u64, link: impl Fn(Vendor) -> String) -> Markup {
    html! {
        div.vendors {
            (stacked(by_vendor, total, "100%", 6))
            ul {
                @for (vendor, count) in ordered(by_vendor) {
                    li { a href=(link(vendor)) { (letter(vendor)) " " (vendor.name()) " " b { (number(count)) } } }
                }
            }
        }
    }
}

/// The small bar of a row: its length against `most`, and letters with numbers beside it.
pub(super) fn small(by_vendor: &BTreeMap<&'static str, u64>, most: u64) -> Markup {
    html! {
        span.reach {
            (stacked(by_vendor, most, "64", 6))
            @for (vendor, count) in ordered(by_vendor) { " " span { (letter(vendor)) (number(count)) } }
        }
    }
}

/// The same without the letters and numbers.
pub(super) fn bare(by_vendor: &BTreeMap<&'static str, u64>, most: u64) -> Markup {
    html! { span.reach { (stacked(by_vendor, most, "64", 6)) } }
}

/// A bar without vendors.
pub(super) fn plain(count: u64, most: u64) -> Markup {
    html! { svg.bar width="64" height="6" aria-hidden="true" { rect.plain width=(share(count, most)) height="100%" {} } }
}
