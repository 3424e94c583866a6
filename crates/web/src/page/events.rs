//! The list of events, and providers.

use maud::{Markup, html};
use ruleatlas_catalog::Filters;
use ruleatlas_views::{Atlas, EventItem, EventsQuestion, EventsView, ProviderView};

use super::{
    event::credits,
    filters::{Form, filters},
    home::technique_section,
    layout::Page,
    parts::{self, heading, more, or_dash},
};
use crate::params::Params;
use crate::text::{NAME, clipped, counted, encoded, number, value};

/// Fields of a provider before the rest is asked for.
const FIELDS: usize = 60;
/// Fields of the rest that are listed; CloudTrail's calls have ten thousand.
const MORE_FIELDS: usize = 500;

/// The page of a provider.
pub(crate) fn provider_address(name: &str) -> String {
    format!("/provider/{}", encoded(name))
}

/// Events as a table; what all of them share stands above it once.
pub(super) fn table(rows: &[EventItem], label: &str) -> Markup {
    listed(rows, label, true, rows.iter().any(|row| !row.channel.is_empty()), "")
}

/// The same; `query` is what narrows the rules that are counted.
fn listed(rows: &[EventItem], label: &str, has_providers: bool, has_channels: bool, query: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table.events aria-label=(label) {
                thead { tr {
                    @if has_providers { th scope="col" { "Provider" } }
                    th scope="col" { "Event" } th.wide scope="col" { "Title" }
                    @if has_channels { th scope="col" { "Channel" } }
                    th.n scope="col" { "Rules" } th.n scope="col" { "Techniques" }
                } }
                tbody {
                    @for row in rows {
                        @let address = parts::event_address(&row.provider, &row.event_id);
                        tr {
                            @if has_providers { td { a href=(provider_address(&row.provider)) { (clipped(&row.provider, 48)) } } }
                            td { (parts::event_id(&row.provider, &row.event_id)) }
                            td.w { a href=[&address] { (clipped(&row.title, 110)) } }
                            @if has_channels { td.faint title=(clipped(&row.channel, 200)) { (clipped(&row.channel, 32)) } }
                            td.n { @match &address {
                                Some(address) if row.rules > 0 => a href={ (address) (query) "#rules" } { (number(row.rules)) },
                                _ => (or_dash(row.rules)),
                            } }
                            td.n { @match &address {
                                Some(address) if row.techniques > 0 => a href={ (address) (query) "#techniques" } { (number(row.techniques)) },
                                _ => (or_dash(row.techniques)),
                            } }
                        }
                    }
                }
            }
        }
    }
}

/// The events that rules read, or all that are known.
pub(crate) fn events(view: &EventsView, question: &EventsQuestion) -> Markup {
    let shown = view.events.len();
    let end = question.offset + shown;
    let query = |offset: usize| {
        let mut query = format!("/events?offset={offset}");
        for (name, value) in [("provider", &question.provider), ("q", &question.text)] {
            if let Some(value) = value {
                query.push_str(&format!("&{name}={}", encoded(value)));
            }
        }
        if question.unread {
            query.push_str("&unread=yes");
        }
        query
    };
    let body = html! {
        h1 { "Events" }
        p.about {
            "A row is an event, which is a provider and an id: 1 of Sysmon is not 1 of another provider. "
            em { "Rules" } " counts the rules that read it, because they write its id or because their log source means it. "
            a href="/about#events" { "How it is counted" } " · " a href="/coverage" { "What can fire on the events you collect?" }
        }
        form.filters action="/events" aria-label="Filters" {
            input type="search" name="q" value=(question.text.as_deref().unwrap_or_default()) aria-label="Text" placeholder="Id, title, channel";
            select name="provider" aria-label="Provider" {
                option value="" { "any provider" }
                @for (name, count) in &view.providers {
                    option value=(name) selected[question.provider.as_deref() == Some(name)] { (clipped(name, 48)) " (" (count) ")" }
                }
            }
            label { input type="checkbox" name="unread" value="yes" checked[question.unread]; " also those that no rule reads" }
            button type="submit" { "Apply" }
            @if question.provider.is_some() || question.text.is_some() || question.unread { a href="/events" { "Clear" } }
        }
        @if view.events.is_empty() {
            p.empty { "No event fits. Take a filter away, or ask for those too that no rule reads." }
        } @else {
            (table(&view.events, "Events"))
            @if shown < view.total {
                p.more {
                    (number(question.offset as u64 + 1)) "–" (number(end as u64)) " of " (number(view.total as u64))
                    @if question.offset > 0 { " · " a rel="prev" href=(query(question.offset.saturating_sub(shown.max(1)))) { "Previous" } }
                    @if end < view.total { " · " a rel="next" href=(query(end)) { "Next" } }
                }
            }
        }
    };
    Page { title: "Events", asked: "", contents: &[], body }.render_at("/events")
}

/// The channels of events, each once.
fn channels(rows: &[EventItem]) -> Vec<&str> {
    let mut channels: Vec<&str> = rows.iter().map(|row| row.channel.as_str()).collect();
    channels.sort_unstable();
    channels.dedup();
    channels
}

/// A provider: its events, its fields.
pub(crate) fn provider(atlas: &Atlas, view: &ProviderView, params: &Params) -> Markup {
    let address = provider_address(&view.provider);
    let is_narrowed = !params.filters.is_empty();
    let scope = |filters: &Filters| atlas.provider_scope(view, filters);
    let contents = [
        ("events", "Events", Some(view.events.len() as u64)),
        ("fields", "Fields", Some(view.fields.len() as u64)),
        ("techniques", "Techniques", Some(view.techniques.len() as u64)),
    ];
    let contents: Vec<_> = contents.into_iter().filter(|(_, _, rows)| *rows != Some(0)).collect();
    let table = |rows: &[EventItem], label: &str| listed(rows, label, false, channels(rows).len() > 1, &params.query());
    let (read, unread): (Vec<EventItem>, Vec<EventItem>) = view.events.iter().cloned().partition(|row| row.rules > 0);
    let body = html! {
        h1 { span.kind { "Provider" } " " span.val { (clipped(&view.provider, NAME)) } }
        p { b { (number(view.rules)) } @if view.rules == 1 { " rule reads" } @else { " rules read" } " "
            (number(read.len() as u64)) " of its " (counted(view.events.len() as u64, "event")) @if is_narrowed { ", filtered" } }
        @if let [channel] = &channels(&read)[..] { @if !channel.is_empty() { p.about { "Channel: " (clipped(channel, 200)) } } }
        (filters(&atlas.index, &Form { address: &address, params, scope: &scope, besides: html! {}, clear: None }))
        section {
            (heading("events", "Events", view.events.len() as u64))
            @if read.is_empty() { p.empty { @if is_narrowed { "No rule that passes the filters reads an event of this provider." } @else { "No rule of the catalog reads an event of this provider." } } }
            @else { (table(&read, "Events that rules read")) }
            @if !unread.is_empty() {
                details.rest {
                    summary { (counted(unread.len() as u64, "event")) " that no rule " @if is_narrowed { "here " } "reads" }
                    (table(&unread[..unread.len().min(500)], "Events that no rule reads"))
                    (more(unread.len().min(500), unread.len(), &format!("/events?unread=yes&provider={}", encoded(&view.provider))))
                }
            }
        }
        @if !view.fields.is_empty() {
            section {
                (heading("fields", "Fields", view.fields.len() as u64))
                p.about { "A row is a field of the provider’s events, with the number of its events that have it and of the rules over them that filter on it." }
                (fields(view, 0, FIELDS))
                @if view.fields.len() > FIELDS {
                    details.rest {
                        summary { "The other " (number((view.fields.len() - FIELDS) as u64)) }
                        (fields(view, FIELDS, MORE_FIELDS))
                        @if view.fields.len() > FIELDS + MORE_FIELDS {
                            p.more { "The first " (number((FIELDS + MORE_FIELDS) as u64)) "; all of them are in the " a href={ "/api/v1" (address) } { "JSON" } "." }
                        }
                    }
                }
            }
        }
        (technique_section(&view.techniques, "A row is a technique with its sub-techniques, and the rules over this provider tagged with any of them.", None))
        (credits(&view.dictionaries))
    };
    let title = format!("Provider {}", view.provider);
    Page { title: &title, asked: "", contents: &contents, body }.render()
}

fn fields(view: &ProviderView, from: usize, most: usize) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Fields" {
            table aria-label="Fields" {
                thead { tr { th scope="col" { "Field" } th.wide scope="col" { "Known as" } th.n scope="col" { "Events" } th.n scope="col" { "Rules" } } }
                tbody {
                    @for row in view.fields.iter().skip(from).take(most) {
                        tr {
                            td { @if row.canonical.is_some() || row.rules > 0 { (parts::field(&row.name)) } @else { (value(&row.name, 40, None)) } }
                            td { @if let Some(name) = row.canonical.as_deref().filter(|name| *name != row.name) { (parts::field(name)) } }
                            td.n { (number(row.events)) }
                            td.n { (or_dash(row.rules)) }
                        }
                    }
                }
            }
        }
    }
}
