//! The tables of a scope: events, fields, indicators, exclusions, rules.

use std::collections::BTreeMap;

use maud::{Markup, html};
use ruleatlas_catalog::{EventRow, FieldRow, Guide, IndicatorRow};
use ruleatlas_model::Vendor;
use ruleatlas_views::RuleItem;

use super::{
    bar,
    parts::{self, Counted, heading, more},
};
use crate::{
    params::{Params, Table},
    text::{clipped, counted, number, value},
};

/// Rows of events and fields before the rest is asked for.
const SHORT: usize = 15;
/// Rows of indicators and exclusions, and of rules a vendor.
const LONG: usize = 30;
/// Characters of a sample. The row shows as many samples as fit on its line.
const SAMPLE: usize = 32;

/// The tables of a page that stands at `address`.
pub(super) struct Tables<'a> {
    pub(super) guide: &'a Guide,
    pub(super) rules: &'a [RuleItem],
    pub(super) address: &'a str,
    pub(super) params: &'a Params,
    /// The technique that the page is about, where it is about one.
    pub(super) own: Option<&'a str>,
}

impl Tables<'_> {
    /// The sections for the list of contents.
    pub(super) fn contents(&self) -> [(&'static str, &'static str, Option<u64>); 5] {
        let guide = self.guide;
        [
            ("events", "Events covered", Some(guide.events.len() as u64)),
            ("fields", "Fields filtered most", Some(guide.fields_distinct as u64)),
            ("indicators", "Top indicator values", Some(guide.indicators_distinct as u64)),
            ("exclusions", "Exclusions", Some(guide.exclusions_distinct as u64)),
            ("rules", "Rules", Some(guide.rules.total)),
        ]
    }

    /// The rows of a table to show, out of all.
    fn shown<'r, T>(&self, table: Table, rows: &'r [T], most: usize) -> &'r [T] {
        if self.params.whole.contains(&table) { rows } else { &rows[..rows.len().min(most)] }
    }

    fn whole_address(&self, table: Table, place: &str) -> String {
        format!("{}{}#{place}", self.address, self.params.with_whole(table))
    }

    /// All of them, in the order of the page.
    pub(super) fn all(&self) -> Markup {
        let guide = self.guide;
        let indicators =
            Counted { label: "Top indicator values", here: Some("Rules here"), reach: "Reach", of_one_field: false };
        let exclusions =
            Counted { label: "Exclusions", here: Some("Rules here"), reach: "In catalog", of_one_field: false };
        html! {
            (self.events())
            (self.fields())
            section.indicator {
                (heading("indicators", "Top indicator values", guide.indicators_distinct as u64))
                p.about {
                    "A row is a field, an operator and a value that rules look for. " em { "Rules here" }
                    " counts each rule of this page once; " em { "reach" }
                    " counts the rules of the whole catalog, any technique, that look for the same. "
                    a href="/about#indicators" { "How it is counted" }
                }
                (self.values(Table::Indicators, &guide.indicators, &indicators, "No rule here looks for a value."))
            }
            section.exclusion {
                (heading("exclusions", "Exclusions", guide.exclusions_distinct as u64))
                p.about {
                    "A row is a field, an operator and a value that rules of this page leave out. " em { "In catalog" }
                    " counts all rules that leave it out; " em { "grouped" }
                    " ones do so only together with others of the same rule. "
                    a href="/about#exclusions" { "How it is counted" }
                }
                (self.values(Table::Exclusions, &guide.exclusions, &exclusions, "No rule here excludes a value."))
            }
            (self.rules())
        }
    }

    fn values(&self, table: Table, rows: &[IndicatorRow], counted: &Counted<'_>, empty: &str) -> Markup {
        let shown = self.shown(table, rows, LONG);
        html! {
            @if rows.is_empty() { p.empty { (empty) } }
            @else {
                (parts::indicators(shown, counted))
                (more(shown.len(), rows.len(), &self.whole_address(table, table.name())))
            }
        }
    }

    fn events(&self) -> Markup {
        let rows = &self.guide.events;
        let shown = self.shown(Table::Events, rows, SHORT);
        html! {
            section {
                (heading("events", "Events covered", rows.len() as u64))
                p.about {
                    "A row is an event that at least one rule reads, because the rule names its id ("
                    em { "written" } ") or because its log source means it (" em { "implied" } "). "
                    a href="/about#events" { "How it is counted" }
                }
                @if rows.is_empty() { p.empty { "No log source of these rules leads to an event that has an id." } }
                @else {
                    div.scroll tabindex="0" role="region" aria-label="Events covered" {
                        table.events aria-label="Events covered" {
                            thead { tr {
                                th scope="col" { "Provider" }
                                th.n scope="col" { "Event" }
                                th.wide scope="col" { "Title" }
                                th.n scope="col" { "Rules" }
                                th.n scope="col" { "Written" }
                                th.n scope="col" { "Implied" }
                            } }
                            tbody { @for row in shown { (event(row)) } }
                        }
                    }
                    (more(shown.len(), rows.len(), &self.whole_address(Table::Events, "events")))
                }
            }
        }
    }

    fn fields(&self) -> Markup {
        let rows = &self.guide.fields;
        let shown = self.shown(Table::Fields, rows, SHORT);
        html! {
            section {
                (heading("fields", "Fields filtered most", self.guide.fields_distinct as u64))
                p.about {
                    "A row is a field under one name, whatever a vendor calls it, with the number of rules that filter it; "
                    em { "how" } " counts the rules by operator as their authors wrote it. "
                    a href="/about#fields" { "How it is counted" }
                }
                @if rows.is_empty() { p.empty { "No query of these rules filters a field." } }
                @else {
                    div.scroll {
                        table.fields aria-label="Fields filtered most" {
                            thead { tr {
                                th scope="col" { "Field" }
                                th.n scope="col" { "Rules" }
                                th.half scope="col" { "How" }
                                th.wide scope="col" { "Samples" }
                            } }
                            tbody { @for row in shown { (field(row)) } }
                        }
                    }
                    (more(shown.len(), rows.len(), &self.whole_address(Table::Fields, "fields")))
                }
            }
        }
    }

    fn rules(&self) -> Markup {
        let mut by_vendor: BTreeMap<Vendor, Vec<&RuleItem>> = BTreeMap::new();
        for item in self.rules {
            by_vendor.entry(item.vendor).or_default().push(item);
        }
        for items in by_vendor.values_mut() {
            items.sort_by(|a, b| {
                b.severity.cmp(&a.severity).then_with(|| a.title.cmp(&b.title)).then_with(|| a.id.cmp(&b.id))
            });
        }
        html! {
            section {
                @let name = if self.own.is_some() { "Rules under this technique" } else { "Rules" };
                (heading("rules", name, self.rules.len() as u64))
                p.about {
                    @if self.own.is_some() {
                        "A row is a rule tagged with this technique"
                        @if !self.params.only_itself { " or one of its sub-techniques" }
                    } @else { "A row is a rule" }
                    ", the gravest first. Deprecated and unsupported rules are left out unless the filter asks for them. "
                    a href="/about#techniques" { "How tags lead here" }
                }
                @if by_vendor.is_empty() { p.empty { "No rule of the catalog fits; clear the filters, or look at the techniques around this one." } }
                @for (vendor, items) in &by_vendor {
                    @let shown = self.shown(Table::Rules, items, LONG);
                    @let place = format!("rules-{vendor}");
                    h3 id=(place) { (bar::letter(*vendor)) " " (vendor) " " span.count { (number(items.len() as u64)) } }
                    (parts::rules(shown.iter().copied(), &format!("Rules of {vendor}"), self.own))
                    (more(shown.len(), items.len(), &self.whole_address(Table::Rules, &place)))
                }
            }
        }
    }
}

fn event(row: &EventRow) -> Markup {
    html! {
        tr {
            td { (clipped(&row.provider, 48)) }
            td.n.val { (clipped(&row.event_id, 48)) }
            td.w { (clipped(&row.title, 100)) }
            td.n { (number(row.rules)) }
            td.n { (or_dash(row.explicit)) }
            td.n { (or_dash(row.implied)) }
        }
    }
}

fn or_dash(count: u64) -> Markup {
    html! { @if count == 0 { span.faint { "–" } } @else { (number(count)) } }
}

fn field(row: &FieldRow) -> Markup {
    html! {
        tr {
            td { (parts::field(&row.field)) }
            td.n { (number(row.rules)) }
            td.w { (how(&row.how)) }
            td.w { span.samples { @for sample in &row.samples { (value(sample, SAMPLE, None)) " " } } }
        }
    }
}

/// Rules by operator, the most used first.
pub(super) fn how(how: &BTreeMap<&'static str, u64>) -> Markup {
    let mut ops: Vec<(&&str, &u64)> = how.iter().collect();
    ops.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    html! { span.how { @for (op, count) in ops { span title=(counted(*count, "rule")) { (op) " " b { (number(*count)) } } " " } } }
}
