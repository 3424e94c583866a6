use maud::{Markup, html};
use ruleatlas_catalog::IndicatorRow;
use ruleatlas_model::{FoldedOp, Indicator, Resolution, TechniqueTag, Vendor};
use ruleatlas_views::{RuleItem, ValueCount};

use super::bar;
use crate::{
    limits::LONGEST_ADDRESS,
    text::{clipped, encoded, number, value},
};

/// Characters of a value in a table.
pub(super) const VALUE: usize = 56;
/// Characters of a field's name in a table.
const FIELD: usize = 28;
/// Techniques of a rule in a list.
const TECHNIQUES: usize = 3;

pub(crate) fn rule_address(id: &str) -> String {
    format!("/rule/{}", encoded(id, b"/"))
}

pub(super) fn technique_address(id: &str) -> String {
    format!("/technique/{}", encoded(id, b""))
}

pub(crate) fn tactic_address(id: &str) -> String {
    format!("/tactic/{}", encoded(id, b""))
}

pub(crate) fn vendor_address(vendor: Vendor) -> String {
    format!("/vendor/{vendor}")
}

pub(super) fn log_source_address(name: &str) -> String {
    format!("/log-source/{}", encoded(name, b""))
}

pub(super) fn field_address(field: &str) -> String {
    format!("/field/{}", encoded(field, b"/"))
}

/// The page of an indicator; `None` where the value is so long that no address can hold it.
pub(super) fn indicator_address(indicator: &Indicator) -> Option<String> {
    let Indicator { field, op, value, modifier } = indicator;
    if field.len() + value.len() > LONGEST_ADDRESS {
        return None;
    }
    let mut address = format!("/indicator?field={}&op={op}", encoded(field, b""));
    for (name, part) in [("value", Some(value)), ("modifier", modifier.as_ref())] {
        if let Some(part) = part.filter(|part| !part.is_empty()) {
            address.push('&');
            address.push_str(name);
            address.push('=');
            address.push_str(&encoded(part, b""));
        }
    }
    (address.len() < LONGEST_ADDRESS).then_some(address)
}

/// A field with a link to its page.
pub(super) fn field(name: &str) -> Markup {
    value(name, FIELD, Some(&field_address(name)))
}

/// An operator, and what transforms value or match.
pub(super) fn operator(op: FoldedOp, modifier: Option<&str>) -> Markup {
    html! {
        span.op { (op) }
        @if let Some(modifier) = modifier { " " span.op.faint { "|" (clipped(modifier, 32)) } }
    }
}

/// The heading of a section with its number of rows.
pub(super) fn heading(place: &str, name: &str, rows: u64) -> Markup {
    html! { h2 id=(place) { a href={ "#" (place) } { (name) } " " span.count { (number(rows)) } } }
}

/// A number; nothing is a stroke.
pub(super) fn or_dash(count: u64) -> Markup {
    html! { @if count == 0 { span.faint { "–" } } @else { (number(count)) } }
}

/// What a table counts.
pub(super) struct Counted<'a> {
    /// What the table is called.
    pub(super) label: &'a str,
    /// The column of the scope's own rules; `None` where the scope is the catalog.
    pub(super) here: Option<&'a str>,
    /// The column of the whole catalog's.
    pub(super) reach: &'a str,
    /// Whether all rows are of one field, which then stands above them.
    pub(super) of_one_field: bool,
}

/// The rows of indicators or exclusions.
pub(super) fn indicators(rows: &[IndicatorRow], counted: &Counted<'_>) -> Markup {
    let most = rows.iter().map(|row| row.reach).max().unwrap_or(0);
    html! {
        div.scroll {
            table.indicators aria-label=(counted.label) {
                thead {
                    tr {
                        @if !counted.of_one_field { th scope="col" { "Field" } }
                        th scope="col" { "Op" }
                        th.wide scope="col" { "Value" }
                        @if let Some(here) = counted.here { th.n scope="col" { (here) } }
                        th.n scope="col" { (counted.reach) }
                        th scope="col" { "By vendor" }
                    }
                }
                tbody {
                    @for row in rows {
                        @let link = indicator_address(&row.indicator);
                        tr {
                            @if !counted.of_one_field { td { (field(&row.indicator.field)) } }
                            td.o { (operator(row.indicator.op, row.indicator.modifier.as_deref())) }
                            td.w {
                                @if row.indicator.op.op.is_presence() { span.faint { "–" } }
                                @else { (value(&row.indicator.value, VALUE, link.as_deref())) }
                                @if row.grouped > 0 {
                                    " " span.mark.grouped title="Excludes only together with others of its group" {
                                        @if row.grouped < row.rules { (number(row.grouped)) " " } "grouped"
                                    }
                                }
                            }
                            @if counted.here.is_some() { td.n { (number(row.rules)) } }
                            td.n { a href=[&link] { (number(row.reach)) } }
                            td { (bar::small(&row.reach_by_vendor, most)) }
                        }
                    }
                }
            }
        }
    }
}

/// A list of rules; `own` is the technique whose page it stands on, and needs no mention.
pub(super) fn rules<'a>(items: impl IntoIterator<Item = &'a RuleItem>, label: &str, own: Option<&str>) -> Markup {
    html! {
        div.scroll {
            table.rules aria-label=(label) {
                thead {
                    tr {
                        @if own.is_none() { th scope="col" { span.unseen { "Vendor" } } }
                        th.wide scope="col" { "Rule" }
                        th scope="col" { "Severity" }
                        th scope="col" { "Status" }
                        th scope="col" { "Techniques" }
                    }
                }
                tbody {
                    @for item in items {
                        tr {
                            @if own.is_none() { td { (bar::letter(item.vendor)) } }
                            td.w { a href=(rule_address(&item.id)) { (title(&item.title, &item.id, 110)) } }
                            td { @match item.severity { Some(severity) => (severity), None => span.faint { "–" } } }
                            td { @match item.status { Some(status) => (status), None => span.faint { "–" } } }
                            td { (techniques(&item.techniques, own)) }
                        }
                    }
                }
            }
        }
    }
}

/// A rule's title; its id where it has none.
pub(super) fn title(title: &str, id: &str, most: usize) -> String {
    clipped(if title.trim().is_empty() { id } else { title }, most)
}

/// The techniques that tags lead to, each once, `own` and its sub-techniques first.
fn techniques(tags: &[TechniqueTag], own: Option<&str>) -> Markup {
    let mut seen: Vec<&str> = Vec::new();
    for id in tags.iter().flat_map(|tag| &tag.techniques) {
        if !seen.contains(&id.as_str()) {
            seen.push(id);
        }
    }
    seen.sort_by_key(|id| own.is_some_and(|own| !is_of_family(id, own)));
    html! {
        span.ids {
            @for id in seen.iter().take(TECHNIQUES) {
                a.val.faint[own == Some(*id)] href=(technique_address(id)) { (clipped(id, 24)) } " "
            }
            @if seen.len() > TECHNIQUES {
                span.faint title=(clipped(&seen.join(" "), 500)) { "+" (seen.len() - TECHNIQUES) }
            }
        }
    }
}

fn is_of_family(id: &str, technique: &str) -> bool {
    id.strip_prefix(technique).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// How a tag reached its technique, in words; nothing where it names it directly.
pub(super) fn way(resolution: Resolution) -> Option<&'static str> {
    match resolution {
        Resolution::Direct => None,
        Resolution::RevokedBy => Some("revoked by ATT&CK, which names this successor"),
        Resolution::Crosswalk => Some("an id of another ATT&CK version, by the crosswalk table"),
        Resolution::Deprecated => Some("deprecated by ATT&CK, which names no successor"),
        Resolution::AsWritten => Some("no ATT&CK version is loaded"),
        Resolution::Unknown => Some("unknown to the loaded ATT&CK version and the crosswalk table"),
    }
}

/// The end of a table that does not show all its rows.
pub(super) fn more(shown: usize, distinct: usize, address: &str) -> Markup {
    html! {
        @if shown < distinct {
            p.more { (number(shown as u64)) " of " (number(distinct as u64)) " shown · " a href=(address) { "Show all " (number(distinct as u64)) } }
        }
    }
}

/// Values with their numbers, as one line: the first of many.
pub(super) fn values(counts: &[ValueCount], link: impl Fn(&str) -> Option<String>) -> Markup {
    const SHOWN: usize = 24;
    html! {
        span.pairs {
            @for count in counts.iter().take(SHOWN) {
                span {
                    @match link(&count.value) {
                        Some(link) => a href=(link) { (clipped(&count.value, 40)) },
                        None => (clipped(&count.value, 40)),
                    }
                    " " b { (number(count.rules)) }
                } " "
            }
            @if counts.len() > SHOWN { span.faint { "and " (number((counts.len() - SHOWN) as u64)) " more" } }
        }
    }
}
