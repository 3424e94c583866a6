use maud::{Markup, html};
use ruleatlas_catalog::{Facet, Filters, Scope};
use ruleatlas_model::Role;
use ruleatlas_views::{Atlas, Check, FieldView, Question, Table};

use super::{
    bar, events,
    filters::{Form, filters},
    layout::Page,
    parts::{self, Counted},
    table::Place,
};
use crate::{
    params::Params,
    text::{clipped, counted, number},
};

/// Rows of a table before the rest is asked for.
const SHOWN: usize = 30;

/// A field, what every vendor calls it, and how it is checked; several where the name stands for several.
pub(crate) fn field(atlas: &Atlas, views: &mut [FieldView], params: &Params) -> Markup {
    for view in views.iter_mut() {
        let orders = |table| params.orders.get(&table);
        orders(Table::Indicators).into_iter().for_each(|order| order.apply_to_indicators(&mut view.indicators));
        orders(Table::Exclusions).into_iter().for_each(|order| order.apply_to_indicators(&mut view.exclusions));
    }
    let views: &[FieldView] = views;
    let title = format!("Field {}", views.first().map_or("", |view| view.field.as_str()));
    let body = html! {
        @if views.len() > 1 {
            p.note {
                "The name stands for " (views.len()) " fields: "
                @for (at, view) in views.iter().enumerate() {
                    @if at > 0 { ", " }
                    a.val href={ "#field" (at) } { (clipped(&view.field, 80)) } " (" (counted(view.filtered.rules, "rule")) ")"
                }
                "."
            }
        }
        @for (at, view) in views.iter().enumerate() { div id={ "field" (at) } { (one(atlas, view, params, at)) } }
    };
    let contents: &[_] = match views {
        [view] => &[
            ("names", "What it is called", (!view.names.is_empty()).then_some(view.names.len() as u64)),
            ("events", "Events that carry it", (view.events_distinct > 0).then_some(view.events_distinct as u64)),
            ("indicators", "Values looked for", (!view.indicators.is_empty()).then_some(view.indicators.len() as u64)),
            ("exclusions", "Values excluded", (!view.exclusions.is_empty()).then_some(view.exclusions.len() as u64)),
        ],
        _ => &[],
    };
    let contents: Vec<_> = contents.iter().copied().filter(|(_, _, rows)| rows.is_some()).collect();
    Page { title: &title, asked: "", contents: &contents, body }.render()
}

fn one(atlas: &Atlas, view: &FieldView, params: &Params, at: usize) -> Markup {
    // Of several fields each has its own places.
    let own = |name: &str| if at == 0 { name.to_owned() } else { format!("{name}-{at}") };
    let question = params.question().checking(Check::field(&view.field));
    let address = parts::field_address(&view.field);
    let lower = view.field.to_lowercase();
    let scope = |filters: &Filters| Scope::facet(&atlas.index, Facet::Field, &lower, filters);
    let place = |table| Place { table, address: &address, params };
    html! {
        h1 { span.kind { "Field" } " " span.val { (clipped(&view.field, 120)) } }
        p {
            @match &view.description { Some(description) => (description), None => "No vendor’s table of fields has it: it stands as its author wrote it." }
            @if let Some(kind) = &view.kind { " " span.faint { (kind) } }
        }
        div.sum {
            p {
                @match parts::rules_address(&question) {
                    Some(address) => a href=(address) { b { (number(view.filtered.rules)) } },
                    None => b { (number(view.filtered.rules)) },
                }
                @if view.filtered.rules == 1 { " rule filters it" } @else { " rules filter it" }
            }
            (bar::whole(&view.filtered.by_vendor, view.filtered.rules, |vendor| {
                parts::rules_address(&question.clone().with(Facet::Vendor, vendor.name())).unwrap_or_default()
            }))
        }
        (filters(&atlas.index, &Form { address: &address, params, scope: &scope, besides: html! {}, clear: None }))
        (operators(view, &question))
        @if !view.names.is_empty() {
            section {
                h2 id=(own("names")) { a href={ "#" (own("names")) } { "What it is called" } }
                div.scroll tabindex="0" role="region" aria-label="What it is called" {
                    table aria-label="What it is called" {
                        tbody {
                            @for (vocabulary, names) in &view.names {
                                tr {
                                    th scope="row" { (vocabulary) }
                                    td.w.wide { span.samples { @for name in names {
                                        @match name.split_once(" (") {
                                            Some((name, places)) => span { span.val { (name) } span.faint { " (" (places) } },
                                            None => span.val { (name) },
                                        } " "
                                    } } }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if !view.events.is_empty() {
            section id=(own("events-section")) {
                (parts::heading(&own("events"), "Events that carry it", view.events_distinct as u64))
                @let shown = place(Table::Events).shown(view.events.len(), SHOWN);
                (events::table(&view.events[shown.clone()], "Events that carry it"))
                (place(Table::Events).rest(&shown, view.events.len(), "events"))
            }
        }
        (values(view, place(Table::Indicators), &params.question(), Role::Indicator, own))
        (values(view, place(Table::Exclusions), &params.question(), Role::Exclusion, own))
    }
}

/// How authors compare it, as bars.
fn operators(view: &FieldView, question: &Question) -> Markup {
    let mut ops: Vec<(&&'static str, &u64)> = view.filtered.how.iter().collect();
    ops.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let most = ops.first().map_or(0, |(_, count)| **count);
    html! {
        @if !ops.is_empty() {
            ul.ops aria-label="Rules by operator as written" {
                @for (op, count) in ops {
                    @let check = Check { how: Some((*op).to_owned()), ..Check::field(&view.field) };
                    li {
                        span.op { (op) } " "
                        @match parts::rules_address(&Question { checks: vec![check], ..question.clone() }) {
                            Some(address) => a href=(address) { (number(*count)) },
                            None => (number(*count)),
                        }
                        " " (bar::plain(*count, most))
                    }
                }
            }
        }
    }
}

fn values(view: &FieldView, place: Place<'_>, question: &Question, role: Role, own: impl Fn(&str) -> String) -> Markup {
    let (title, reach, rows, class) = match role {
        Role::Exclusion => ("Values excluded", "In catalog", &view.exclusions, "exclusion"),
        _ => ("Values looked for", "Reach", &view.indicators, "indicator"),
    };
    let is_narrowed = !question.filters.is_empty();
    let shown = place.shown(rows.len(), SHOWN);
    let counted = Counted {
        label: title,
        here: is_narrowed.then_some("Rules here"),
        reach,
        of_one_field: true,
        role,
        place: Some(place),
        question: Some(question),
    };
    let name = place.table.name();
    html! {
        @if !rows.is_empty() {
            section.(class) id=(own(&format!("{name}-section"))) {
                (parts::heading(&own(name), title, rows.len() as u64))
                (parts::indicators(&rows[shown.clone()], &counted))
                (place.rest(&shown, rows.len(), name))
            }
        }
    }
}
