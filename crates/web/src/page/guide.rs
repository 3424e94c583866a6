//! The tables of a scope: events, fields, indicators, exclusions, rules.

use std::collections::BTreeMap;

use maud::{Markup, html};
use ruleatlas_catalog::{EventRow, Facet, FieldRow, Guide, IndicatorRow};
use ruleatlas_model::{Role, Vendor};
use ruleatlas_views::{Check, Question, RuleItem};

use super::{
    bar,
    events::provider_address,
    parts::{self, Counted, heading, or_dash},
    shared,
    table::Place,
};
use crate::{
    params::{Params, Table},
    text::{clipped, number, value},
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
    /// The rules that the page is about: every count leads to those of them behind it.
    pub(super) question: &'a Question,
}

impl Tables<'_> {
    /// The sections for the list of contents.
    pub(super) fn contents(&self) -> [(&'static str, &'static str, Option<u64>); 5] {
        let guide = self.guide;
        [
            ("events", "Events covered", Some(guide.events_distinct as u64)),
            ("fields", "Fields filtered most", Some(guide.fields_distinct as u64)),
            ("indicators", "Top indicator values", Some(guide.indicators_distinct as u64)),
            ("exclusions", "Exclusions", Some(guide.exclusions_distinct as u64)),
            ("rules", "Rules", Some(guide.rules.total)),
        ]
    }

    fn place(&self, table: Table) -> Place<'_> {
        Place { table, address: self.address, params: self.params }
    }

    /// A number of rules that leads to them.
    fn count(&self, count: u64, question: impl FnOnce(Question) -> Question) -> Markup {
        let address = parts::rules_address(&question(self.question.clone()));
        html! { @match address { Some(address) => a href=(address) { (number(count)) }, None => (number(count)) } }
    }

    /// All of them, in the order of the page.
    pub(super) fn all(&self) -> Markup {
        let guide = self.guide;
        html! {
            (self.events())
            (self.fields())
            section.indicator #indicators-section {
                (heading("indicators", "Top indicator values", guide.indicators_distinct as u64))
                p.about {
                    "A row is a field, an operator and a value that rules look for. " em { "Rules here" }
                    " counts each rule of this page once; " em { "reach" }
                    " counts the rules of the whole catalog, any technique, that look for the same; " a href="/about#telling" { "telling" }
                    " says at least how many times as often as by chance it is looked for here. " (self.besides())
                    a href="/about#indicators" { "How it is counted" }
                }
                (shared::shared(&guide.shared, guide.indicators_distinct as u64))
                (self.values(Table::Indicators, &guide.indicators, Role::Indicator, "No rule here looks for a value."))
            }
            section.exclusion #exclusions-section {
                (heading("exclusions", "Exclusions", guide.exclusions_distinct as u64))
                p.about {
                    "A row is a field, an operator and a value that rules of this page leave out. " em { "In catalog" }
                    " counts all rules that leave it out; " em { "grouped" }
                    " ones do so only together with others of the same rule. " (self.besides())
                    a href="/about#exclusions" { "How it is counted" }
                }
                (self.values(Table::Exclusions, &guide.exclusions, Role::Exclusion, "No rule here excludes a value."))
            }
            (self.rules())
        }
    }

    /// What the numbers of the whole catalog hold besides the counted rules.
    fn besides(&self) -> Markup {
        let is_wider = self.params.filters.statuses.iter().any(|status| !status.is_counted());
        html! { @if is_wider { "Rules outside the counts that the filter asks for are added. " } }
    }

    fn values(&self, table: Table, rows: &[IndicatorRow], role: Role, empty: &str) -> Markup {
        let place = self.place(table);
        let shown = place.shown(rows.len(), LONG);
        let (label, reach) = match role {
            Role::Exclusion => ("Exclusions", "In catalog"),
            _ => ("Top indicator values", "Reach"),
        };
        let counted = Counted {
            label,
            here: Some("Rules here"),
            reach,
            of_one_field: false,
            role,
            place: Some(place),
            question: Some(self.question),
        };
        html! {
            @if rows.is_empty() { p.empty { (empty) } }
            @else {
                (place.tools(true))
                (parts::indicators(&rows[shown.clone()], &counted))
                (place.rest(&shown, rows.len(), table.name()))
            }
        }
    }

    fn events(&self) -> Markup {
        let rows = &self.guide.events;
        let place = self.place(Table::Events);
        let shown = place.shown(rows.len(), SHORT);
        html! {
            section #events-section {
                (heading("events", "Events covered", self.guide.events_distinct as u64))
                p.about {
                    "A row is an event that at least one rule reads, because the rule names its id ("
                    em { "written" } ") or because its log source means it (" em { "implied" } "). "
                    a href="/about#events" { "How it is counted" }
                }
                @if rows.is_empty() { p.empty { "No log source of these rules leads to an event that has an id." } }
                @else {
                    (place.tools(false))
                    div.scroll tabindex="0" role="region" aria-label="Events covered" {
                        table.events aria-label="Events covered" {
                            thead { tr {
                                (place.head("provider", "Provider", ""))
                                (place.head("event_id", "Event", ""))
                                (place.head("title", "Title", "wide"))
                                (place.head("rules", "Rules", "n"))
                                (place.head("explicit", "Written", "n"))
                                (place.head("implied", "Implied", "n"))
                            } }
                            tbody { @for row in &rows[shown.clone()] { (self.event(row)) } }
                        }
                    }
                    (place.rest(&shown, rows.len(), "events"))
                }
            }
        }
    }

    fn event(&self, row: &EventRow) -> Markup {
        let event = format!("{}/{}", row.provider, row.event_id);
        // Another event beside the page's own would widen what is asked for: events are alternatives.
        let has_rules = self.question.values(Facet::Event).is_empty();
        html! {
            tr {
                td { a href=(provider_address(&row.provider)) { (clipped(&row.provider, 48)) } }
                td { (parts::event_id(&row.provider, &row.event_id)) }
                td.w { (clipped(&row.title, 100)) }
                td.n {
                    @if has_rules { (self.count(row.rules, |question| question.with(Facet::Event, &event))) }
                    @else { (number(row.rules)) }
                }
                td.n { (or_dash(row.explicit)) }
                td.n { (or_dash(row.implied)) }
            }
        }
    }

    fn fields(&self) -> Markup {
        let rows = &self.guide.fields;
        let place = self.place(Table::Fields);
        let shown = place.shown(rows.len(), SHORT);
        html! {
            section #fields-section {
                (heading("fields", "Fields filtered most", self.guide.fields_distinct as u64))
                p.about {
                    "A row is a field under one name, whatever a vendor calls it, with the number of rules that filter it; "
                    em { "how" } " counts the rules by operator as their authors wrote it. A test whether the field is there "
                    "counts too, also as written: " code { "not isempty(F)" } " is one of " code { "is_null" } ". "
                    a href="/about#fields" { "How it is counted" }
                }
                @if rows.is_empty() { p.empty { "No query of these rules filters a field." } }
                @else {
                    (place.tools(true))
                    div.scroll {
                        table.fields aria-label="Fields filtered most" {
                            thead { tr {
                                (place.head("field", "Field", ""))
                                (place.head("rules", "Rules", "n"))
                                (place.head("reach", "In catalog", "n"))
                                (place.head("distinctiveness", "Telling", "n"))
                                (place.head("how", "How", "half"))
                                (place.head("samples", "Samples", "wide"))
                            } }
                            tbody { @for row in &rows[shown.clone()] { (self.field(row)) } }
                        }
                    }
                    (place.rest(&shown, rows.len(), "fields"))
                }
            }
        }
    }

    fn field(&self, row: &FieldRow) -> Markup {
        let mut ops: Vec<(&&str, &u64)> = row.how.iter().collect();
        ops.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let how = |op: &str| Check { how: Some(op.to_owned()), ..Check::field(&row.field) };
        html! {
            tr {
                td { (parts::field(&row.field)) }
                td.n { (self.count(row.rules, |question| question.checking(Check::field(&row.field)))) }
                td.n { a href=(parts::field_address(&row.field)) { (number(row.reach)) } }
                td.n { (parts::telling(row.distinctiveness)) }
                td.w { span.how { @for (op, count) in ops {
                    span { (op) " " (self.count(*count, |question| question.checking(how(op)))) } " "
                } } }
                td.w { span.samples { @for sample in &row.samples { (value(sample, SAMPLE, None)) " " } } }
            }
        }
    }

    fn rules(&self) -> Markup {
        let mut by_vendor: BTreeMap<Vendor, Vec<&RuleItem>> = BTreeMap::new();
        for item in self.rules {
            by_vendor.entry(item.vendor).or_default().push(item);
        }
        let place = self.place(Table::Rules);
        if !self.params.orders.contains_key(&Table::Rules) {
            for items in by_vendor.values_mut() {
                items.sort_by(|a, b| {
                    b.severity.cmp(&a.severity).then_with(|| a.title.cmp(&b.title)).then_with(|| a.id.cmp(&b.id))
                });
            }
        }
        html! {
            section #rules-section {
                @let name = if self.own.is_some() { "Rules under this technique" } else { "Rules" };
                (heading("rules", name, self.guide.rules.total))
                p.about {
                    @if self.own.is_some() {
                        "A row is a rule tagged with this technique"
                        @if !self.params.only_itself { " or one of its sub-techniques" }
                    } @else { "A row is a rule" }
                    ", the gravest first; it opens to what the rule checks. Deprecated and unsupported rules are left out "
                    "unless the filter asks for them. "
                    a href="/about#techniques" { "How tags lead here" }
                }
                @if by_vendor.is_empty() { p.empty { "No rule of the catalog fits; clear the filters, or look at the techniques around this one." } }
                @else { (place.tools(false)) }
                @for (vendor, items) in &by_vendor {
                    @let shown = place.shown(items.len(), LONG);
                    @let name = format!("rules-{vendor}");
                    h3 id=(name) { (bar::letter(*vendor)) " " (vendor) " " span.count { (number(items.len() as u64)) } }
                    (parts::rules_of(items[shown.clone()].iter().copied(), &format!("Rules of {vendor}"), self.own, Some(place)))
                    (place.rest(&shown, items.len(), &name))
                }
            }
        }
    }
}
