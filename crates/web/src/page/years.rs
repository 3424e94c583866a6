//! Rules over time, as SVG with plain attributes.

use maud::{Markup, html};
use ruleatlas_model::Vendor;
use ruleatlas_views::{Year, Years};

use super::bar;
use crate::text::{counted, number};

const HEIGHT: u64 = 120;
/// The place of a year's bar, and the bar in it.
const STEP: usize = 48;
const WIDTH: usize = 32;
/// Above the bars, for their numbers, and below, for the years.
const HEAD: u64 = 18;
const FOOT: u64 = 20;

/// The section of a page; nothing where no rule carries a day.
pub(super) fn section(years: &Years) -> Markup {
    html! {
        @if !years.years.is_empty() {
            section {
                h2 #years { a href="#years" { "Rules over time" } }
                p.about {
                    "A bar is a year, as high as the rules written in it; where a vendor only says when a rule was changed last, "
                    "it stands in that year."
                    @if years.undated > 0 { " " (counted(years.undated, "rule")) @if years.undated == 1 { " carries" } @else { " carry" } " no day." }
                }
                (picture(&years.years))
            }
        }
    }
}

fn picture(years: &[Year]) -> Markup {
    let most = years.iter().map(|year| year.rules.total).max().unwrap_or(0).max(1);
    let (width, height) = (years.len() * STEP, HEAD + HEIGHT + FOOT);
    let said: Vec<String> = years.iter().map(|year| format!("{}: {}", year.year, number(year.rules.total))).collect();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Rules over time" {
            svg.years role="img" aria-label={ "Rules by year: " (said.join(", ")) } width=(width) height=(height)
                viewBox={ "0 0 " (width) " " (height) } {
                @for (at, year) in years.iter().enumerate() {
                    @let left = at * STEP + (STEP - WIDTH) / 2;
                    @let middle = at * STEP + STEP / 2;
                    @let top = HEAD + HEIGHT - tall(year.rules.total, most);
                    text.count x=(middle) y=(top.saturating_sub(4)) { (number(year.rules.total)) }
                    @for (vendor, below, count) in stack(year) {
                        @let end = tall(below + count, most);
                        @let start = tall(below, most);
                        rect.(vendor.name()) x=(left) width=(WIDTH) y=(HEAD + HEIGHT - end) height=(end - start) {
                            title { (vendor) " " (year.year) ": " (number(count)) }
                        }
                    }
                    text x=(middle) y=(HEAD + HEIGHT + 14) { (year.year) }
                }
                line x1="0" x2=(width) y1=(HEAD + HEIGHT) y2=(HEAD + HEIGHT) {}
            }
        }
    }
}

fn tall(count: u64, most: u64) -> u64 {
    (count * HEIGHT).div_ceil(most)
}

/// The vendors of a year with the rules below theirs.
fn stack(year: &Year) -> Vec<(Vendor, u64, u64)> {
    let mut below = 0;
    bar::ordered(&year.rules.by_vendor)
        .map(|(vendor, count)| {
            below += count;
            (vendor, below - count, count)
        })
        .collect()
}
