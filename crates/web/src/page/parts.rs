use maud::{Markup, html};
use ruleatlas_catalog::{Distinctiveness, IndicatorRow};
use ruleatlas_model::{FoldedOp, Indicator, Modifiers, Resolution, Role, TechniqueTag, Vendor};
use ruleatlas_views::{Atlas, Check, Question, RuleItem, ValueCount};

use super::{bar, table::Place};
use crate::{
    limits::MAX_ADDRESS_BYTES,
    params::Params,
    routes,
    text::{NAME, clipped, encoded, encoded_path, number, value},
};

/// Characters of a value in a table.
pub(super) const VALUE: usize = 56;
/// Characters of a field's name in a table.
const FIELD: usize = 28;
/// Techniques of a rule in a list.
const TECHNIQUES: usize = 3;

pub(crate) fn rule_address(id: &str) -> String {
    format!("/rule/{}", encoded_path(id))
}

pub(crate) fn conversion_address(language: ruleatlas_model::Language, id: &str) -> String {
    format!("/convert/{language}/{}", encoded_path(id))
}

pub(crate) fn similar_address(id: &str) -> String {
    format!("/similar/{}", encoded_path(id))
}

pub(crate) fn technique_address(id: &str) -> String {
    format!("/technique/{}", encoded(id))
}

pub(crate) fn tactic_address(id: &str) -> String {
    format!("/tactic/{}", encoded(id))
}

/// Tactics by their short names, each a link where the loaded version has it.
pub(super) fn tactics(atlas: &Atlas, names: &[String]) -> Markup {
    html! {
        @for (at, name) in names.iter().enumerate() {
            @if at > 0 { ", " }
            @match atlas.attack.tactic(name) {
                Some(tactic) => a href=(tactic_address(&tactic.id)) { (clipped(&tactic.name, NAME)) },
                None => (clipped(name, NAME)),
            }
        }
    }
}

pub(crate) fn vendor_address(vendor: Vendor) -> String {
    format!("/vendor/{vendor}")
}

/// The page of a platform.
pub(crate) fn platform_address(name: &str) -> String {
    format!("/platform/{}", encoded(name))
}

pub(crate) fn log_source_address(name: &str) -> String {
    format!("/log-source/{}", encoded(name))
}

pub(crate) fn field_address(field: &str) -> String {
    format!("/field/{}", encoded_path(field))
}

/// The page of an indicator; `None` where the value is so long that no address can hold it.
pub(crate) fn indicator_address(indicator: &Indicator) -> Option<String> {
    let Indicator { field, op, value, modifiers } = indicator;
    if field.len() + value.len() > MAX_ADDRESS_BYTES {
        return None;
    }
    let mut address = format!("/indicator?field={}&op={op}", encoded(field));
    for (name, part) in [("value", value.as_str()), ("modifier", &modifiers.to_string())] {
        if !part.is_empty() {
            address.push('&');
            address.push_str(name);
            address.push('=');
            address.extend(encoded(part));
        }
    }
    (address.len() < MAX_ADDRESS_BYTES).then_some(address)
}

/// The rules of a question; `None` where no address can hold it.
pub(super) fn rules_address(question: &Question) -> Option<String> {
    let address = format!("/rules{}", Params::of(question).query());
    (address.len() < MAX_ADDRESS_BYTES).then_some(address)
}

/// The rules that pass one filter or have one value of a facet, `name=value`.
pub(super) fn rules_with(name: &str, value: &str) -> String {
    format!("/rules?{name}={}", encoded(value))
}

/// Words, each with the way to what stands behind it.
pub(super) fn words(words: &[String], link: impl Fn(&str) -> String) -> Markup {
    html! {
        @for (at, word) in words.iter().enumerate() {
            @if at > 0 { ", " }
            a href=(link(word)) { (clipped(word, 60)) }
        }
    }
}

/// An event's id with a link to its page; some ids are names of resources, and long.
pub(super) fn event_id(provider: &str, id: &str) -> Markup {
    value(id, 36, event_address(provider, id).as_deref())
}

/// The page of an event, where the site has one.
pub(crate) fn event_address(provider: &str, event_id: &str) -> Option<String> {
    let has = routes::has("/event/{provider}/{id}") || routes::has("/event/{provider}/{*id}");
    has.then(|| format!("/event/{}/{}", encoded(provider), encoded(event_id)))
}

/// At least how many times as often as by chance something is checked; nothing where it is not told from chance.
pub(super) fn telling(told: Distinctiveness) -> Markup {
    let factor = told.factor();
    html! {
        @if factor < 1.05 { span.faint { "–" } }
        @else if factor < 9.95 { (format!("{factor:.1}")) "×" }
        @else { (format!("{factor:.0}")) "×" }
    }
}

/// A field with a link to its page.
pub(super) fn field(name: &str) -> Markup {
    value(name, FIELD, Some(&field_address(name)))
}

/// An operator, and what transforms value or match.
pub(super) fn operator(op: FoldedOp, modifiers: &Modifiers) -> Markup {
    html! {
        span.op { (op) }
        @if let Some(text) = modifiers.text() { " " span.op.faint { "|" (clipped(&text, 32)) } }
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

/// What a table of indicators counts.
pub(super) struct Counted<'a> {
    /// What the table is called.
    pub(super) label: &'a str,
    /// The column of the scope's own rules; `None` where the scope is the catalog.
    pub(super) here: Option<&'a str>,
    /// The column of the whole catalog's.
    pub(super) reach: &'a str,
    /// Whether all rows are of one field, which then stands above them.
    pub(super) of_one_field: bool,
    /// What the values do in their rules.
    pub(super) role: Role,
    /// Where the table stands, if it can be ordered.
    pub(super) place: Option<Place<'a>>,
    /// The rules that are counted: a value opens to those that check it.
    pub(super) question: Option<&'a Question>,
}

impl Counted<'_> {
    fn head(&self, column: &'static str, label: &str, class: &str) -> Markup {
        match self.place {
            Some(place) => place.head(column, label, class),
            None => html! { th.(class) scope="col" { (label) } },
        }
    }

    /// The scope's rules that check a value.
    fn rules(&self, indicator: &Indicator) -> Option<String> {
        rules_address(&self.question?.clone().checking(Check::indicator(indicator, self.role)))
    }
}

/// The rows of indicators or exclusions.
pub(super) fn indicators(rows: &[IndicatorRow], counted: &Counted<'_>) -> Markup {
    let most = rows.iter().map(|row| row.reach).max().unwrap_or(0);
    html! {
        div.scroll {
            table.indicators aria-label=(counted.label) {
                thead {
                    tr {
                        @if !counted.of_one_field { (counted.head("field", "Field", "")) }
                        (counted.head("op", "Op", ""))
                        (counted.head("value", "Value", "wide"))
                        @if let Some(here) = counted.here {
                            (counted.head("rules", here, "n"))
                            (counted.head("distinctiveness", "Telling", "n"))
                        }
                        (counted.head("reach", counted.reach, "n"))
                        (counted.head("reach_by_vendor", "By vendor", ""))
                    }
                }
                tbody { @for row in rows { (indicator(row, counted, most)) } }
            }
        }
    }
}

fn indicator(row: &IndicatorRow, counted: &Counted<'_>, most: u64) -> Markup {
    let page = indicator_address(&row.indicator);
    let rules = counted.rules(&row.indicator);
    let shown = |link: Option<&str>| match row.indicator.op.op.is_presence() {
        true => html! { span.faint { "any value" } },
        false => value(&row.indicator.value, VALUE, link),
    };
    html! {
        tr {
            @if !counted.of_one_field { td { (field(&row.indicator.field)) } }
            td.o { (operator(row.indicator.op, &row.indicator.modifiers)) }
            td.w {
                @match &rules {
                    Some(rules) => details.in {
                        summary { (shown(None)) (grouped(row)) }
                        p { a href=(rules) { (crate::text::counted(row.rules, "rule")) " here" } }
                    },
                    None => { (shown(page.as_deref())) (grouped(row)) }
                }
            }
            @if counted.here.is_some() {
                td.n { @match &rules { Some(rules) => a href=(rules) { (number(row.rules)) }, None => (number(row.rules)) } }
                td.n { (telling(row.distinctiveness)) }
            }
            td.n { a href=[&page] { (number(row.reach)) } }
            td { (bar::small(&row.reach_by_vendor, most)) }
        }
    }
}

fn grouped(row: &IndicatorRow) -> Markup {
    html! {
        @if row.grouped > 0 {
            " " span.mark.grouped title="Excludes only together with others of its group" {
                @if row.grouped < row.rules { (number(row.grouped)) " " } "grouped"
            }
        }
    }
}

/// The rules that were written last, each with that day.
pub(super) fn newest(items: &[RuleItem]) -> Markup {
    html! {
        p.about { "A row is a rule, by the day it was written; rules that do not say that day are left out." }
        (list(items, "Newest rules", Listed { has_vendors: true, is_by_day_written: true, own: None, place: None }))
    }
}

/// A list of rules; `own` is the technique whose page it stands on, and needs no mention.
pub(super) fn rules<'a>(items: impl IntoIterator<Item = &'a RuleItem>, label: &str, own: Option<&str>) -> Markup {
    list(items, label, Listed { own, has_vendors: own.is_none(), is_by_day_written: false, place: None })
}

/// The rules of one vendor, in a table that can be ordered.
pub(super) fn rules_of<'a>(
    items: impl IntoIterator<Item = &'a RuleItem>,
    label: &str,
    own: Option<&str>,
    place: Option<Place<'_>>,
) -> Markup {
    list(items, label, Listed { own, has_vendors: false, is_by_day_written: false, place })
}

/// How rules are listed.
struct Listed<'a> {
    own: Option<&'a str>,
    has_vendors: bool,
    /// Whether the day is that of the first writing, not of the last change.
    is_by_day_written: bool,
    place: Option<Place<'a>>,
}

fn list<'a>(items: impl IntoIterator<Item = &'a RuleItem>, label: &str, listed: Listed<'_>) -> Markup {
    let Listed { own, has_vendors, is_by_day_written, place } = listed;
    let head = |column, name: &str, class| match place {
        Some(place) => place.head(column, name, class),
        None => html! { th.(class) scope="col" { (name) } },
    };
    html! {
        div.scroll {
            table.rules aria-label=(label) {
                thead {
                    tr {
                        @if has_vendors { th scope="col" { span.unseen { "Vendor" } } }
                        (head("title", "Rule", "wide"))
                        (head("severity", "Severity", ""))
                        (head("status", "Status", ""))
                        @if is_by_day_written { (head("date", "Written", "")) } @else { (head("modified", "Changed", "")) }
                        (head("techniques", "Techniques", ""))
                    }
                }
                tbody {
                    @for item in items {
                        @let address = rule_address(&item.id);
                        @let changed = item.modified.as_ref().filter(|_| !is_by_day_written);
                        tr {
                            @if has_vendors { td { (bar::letter(item.vendor)) } }
                            td.w {
                                a href=(address) { (title(&item.title, &item.id, 110)) }
                                // Several queries of one file have one title.
                                @if let Some((_, number)) = item.id.rsplit_once('#') { " " span.count { "#" (clipped(number, 8)) } }
                                " " details.in.what { summary title="What it checks" { "checks" } p { a href=(address) { "Its predicates" } } }
                            }
                            td { @match item.severity { Some(severity) => (severity), None => span.faint { "–" } } }
                            td { @match item.status { Some(status) => (status), None => span.faint { "–" } } }
                            td { @match changed.or(item.date.as_ref()) { Some(day) => (clipped(day, 12)), None => span.faint { "–" } } }
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
            p.more { (number(shown as u64)) " of " (number(distinct as u64)) " shown" span.served { " · " a href=(address) { "Show all " (number(distinct as u64)) } } }
        }
    }
}

/// Values with their numbers, as one line: the first of many.
pub(super) fn values(counts: &[ValueCount], link: impl Fn(&str) -> Option<String>) -> Markup {
    const SHOWN: usize = 24;
    if counts.is_empty() {
        return html! {};
    }
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
