//! Parts of an event's page: a sample, what turns it on, what ATT&CK says of it, what is related.

use maud::{Markup, html};
use ruleatlas_model::EventCategory;
use ruleatlas_views::{EnableView, EventView, RelatedEvent, SampleView};

use super::{
    events::provider_address,
    parts::{self, heading, or_dash},
};
use crate::text::{NAME, clipped, counted, paragraph, value, web_address};

/// Characters of a sample.
const SAMPLE: usize = 40_000;
/// Members of a sample before the rest is asked for.
const MEMBERS: usize = 30;

/// The sections of these parts: place on the page, name, number of rows.
pub(super) fn contents(view: &EventView) -> Vec<(&'static str, &'static str, Option<u64>)> {
    let mut contents = Vec::new();
    if view.sample.is_some() {
        contents.push(("sample", "Sample event", None));
    }
    if !view.enable.is_empty() {
        contents.push(("enable", "How to turn it on", None));
    }
    if has_attack(view) {
        contents.push(("attack", "ATT&CK", None));
    }
    if !view.related.is_empty() {
        contents.push(("related", "Related events", Some(view.related.len() as u64)));
    }
    contents
}

/// What an event's name means in each of several services.
pub(super) fn meanings(categories: &[EventCategory]) -> Markup {
    let row = |category: &EventCategory| {
        html! {
            dt { (clipped(&category.name, NAME)) }
            dd { @if let Some(description) = &category.description { (clipped(description, 300)) } @else { span.faint { "–" } } }
        }
    };
    html! {
        @if categories.len() > 1 {
            details open[categories.len() < 6] {
                summary { (categories.len()) " services or categories have it under this name" }
                dl.meanings { @for category in categories { (row(category)) } }
            }
        }
    }
}

/// A sample as JSON, and its members with the canonical names beside their own.
pub(super) fn sample(view: &EventView) -> Markup {
    let Some(sample) = &view.sample else { return html! {} };
    html! {
        section {
            h2 #sample { a href="#sample" { "Sample event" } }
            p.about { (clipped(&sample.source, 300)) ", " (sample.kind.title()) ". Names and addresses in it stand for nobody." }
            div.copied { pre.query data-copy="" { (paragraph(&sample.json, SAMPLE)) } }
            @if !sample.members.is_empty() {
                details {
                    summary { (counted(sample.members.len() as u64, "field")) " with canonical names" }
                    (members(sample, 0, MEMBERS))
                    @if sample.members.len() > MEMBERS {
                        details.rest { summary { "The other " (sample.members.len() - MEMBERS) } (members(sample, MEMBERS, usize::MAX)) }
                    }
                }
            }
        }
    }
}

fn members(sample: &SampleView, from: usize, most: usize) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Fields of the sample" {
            table aria-label="Fields of the sample" {
                thead { tr { th scope="col" { "Field" } th scope="col" { "Known as" } th.wide scope="col" { "Value" } } }
                tbody {
                    @for member in sample.members.iter().skip(from).take(most) {
                        tr {
                            td { @if member.canonical.is_some() { (parts::field(&member.name)) } @else { (value(&member.name, 60, None)) } }
                            td { @if let Some(name) = member.canonical.as_deref().filter(|name| *name != member.name) { (parts::field(name)) } }
                            td.w { (value(&member.value, 100, None)) }
                        }
                    }
                }
            }
        }
    }
}

/// Lines that turn an event on.
pub(super) fn enabling(lines: &[EnableView]) -> Markup {
    html! {
        @if !lines.is_empty() {
            section {
                h2 #enable { a href="#enable" { "How to turn it on" } }
                @for line in lines {
                    p { (line.title) " " span.count { (line.syntax) } @if !line.note.is_empty() { " " span.faint { (line.note) } } }
                    div.copied { pre.query data-copy="" { (line.text) } }
                }
            }
        }
    }
}

fn has_attack(view: &EventView) -> bool {
    !view.data_components.is_empty() || !view.analytics.is_empty()
}

/// The data components and the analytics of ATT&CK.
pub(super) fn attack(view: &EventView) -> Markup {
    let mut analytics: Vec<_> = view.analytics.iter().collect();
    // One that names the event for several data components stands once.
    analytics.dedup_by_key(|row| (&row.analytic, &row.technique));
    html! {
        @if has_attack(view) {
            section {
                h2 #attack { a href="#attack" { "ATT&CK" } }
                @if !view.data_components.is_empty() {
                    p { "Data components: " (clipped(&view.data_components.join(", "), 600)) }
                }
                @if !analytics.is_empty() {
                    details open[analytics.len() < 12] {
                        summary { (counted(analytics.len() as u64, "analytic")) " read it, for " (counted(view.attack_techniques.len() as u64, "technique")) }
                        ul.plain {
                            @for row in analytics {
                                li {
                                    a href=[web_address(&row.url)] rel="external noopener" { (clipped(&row.analytic, 40)) } " "
                                    a.val href=(parts::technique_address(&row.technique)) { (row.technique) } " " (clipped(&row.name, NAME))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Events that show the same.
pub(super) fn related(rows: &[RelatedEvent]) -> Markup {
    html! {
        @if !rows.is_empty() {
            section {
                (heading("related", "Related events", rows.len() as u64))
                p.about { "A row is an event of any provider that shows the same data component of ATT&CK, and how many rules read it." }
                div.scroll tabindex="0" role="region" aria-label="Related events" {
                    table aria-label="Related events" {
                        thead { tr {
                            th scope="col" { "Provider" } th scope="col" { "Event" } th.wide scope="col" { "Title" }
                            th scope="col" { "Data component" } th.n scope="col" { "Rules" }
                        } }
                        tbody {
                            @for row in rows {
                                tr {
                                    td { a href=(provider_address(&row.provider)) { (clipped(&row.provider, 48)) } }
                                    td { (parts::event_id(&row.provider, &row.event_id)) }
                                    td.w { a href=[parts::event_address(&row.provider, &row.event_id)] { (clipped(&row.title, 110)) } }
                                    td.faint { (clipped(&row.component, 60)) }
                                    td.n { (or_dash(row.rules)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
