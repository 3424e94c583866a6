//! A rule in another language, with the events that prove it.

use maud::{Markup, html};
use ruleatlas_convert::{ProofEvent, Refusal, Target};
use ruleatlas_model::ParseStatus;
use ruleatlas_views::{ConversionView, RuleView};

use super::{
    layout::Page,
    parts::{self, heading},
};
use crate::{
    routes::API,
    text::{clipped, number, take_chars, value, visualize_control_chars},
};

/// Fields, reasons and values of an event that a page shows.
const ROWS: usize = 200;
/// Characters of a rule's own query that are shown.
const QUERY: usize = 20_000;

/// The languages that a rule's page offers.
pub(super) fn offers(view: &RuleView) -> Markup {
    let rule = &view.entry.rule;
    let others = Target::ALL.into_iter().filter(|target| target.language() != rule.language);
    html! {
        @if rule.parse != ParseStatus::NoQuery && !rule.conditions.is_empty() {
            p.served {
                "In another language, with the events that prove it: "
                @for (at, target) in others.enumerate() {
                    @if at > 0 { " · " }
                    a href=(parts::conversion_address(target.language(), &rule.id)) { (target.title()) }
                }
            }
        }
    }
}

/// A rule in another language, or why it cannot be had.
pub(crate) fn conversion(view: &ConversionView) -> Markup {
    let conversion = &view.conversion;
    let language = view.target.title();
    let title = format!("{} in {language}", parts::title(&view.rule.title, &view.rule.id, 200));
    let data = format!("{API}{}", parts::conversion_address(view.target.language(), &view.rule.id));
    let contents = [
        ("converted", "Query", None),
        ("fields", "Fields", Some(conversion.fields.len() as u64)),
        ("events", "Events", Some(conversion.events.len() as u64)),
        ("refused", "Why not", Some(conversion.refused.len() as u64)),
        ("original", "The rule’s own query", None),
    ];
    let contents: Vec<_> = contents
        .into_iter()
        .filter(|(id, _, rows)| *rows != Some(0) && (*id != "converted" || conversion.query.is_some()))
        .collect();
    let body = html! {
        h1 { (title) }
        p.under {
            a href=(parts::rule_address(&view.rule.id)) { "The rule" } " · from " (view.language.info().title) " · "
            a href=(data) { "JSON" }
        }
        @if let Some(query) = &conversion.query {
            section {
                h2 #converted { "Query" }
                p.about {
                    "Read back and evaluated, like the rule, on " b { (number(conversion.proved_on as u64)) }
                    " events, inside and just outside of every comparison: all verdicts are equal, " b { (number(conversion.selected as u64)) }
                    " events are selected by both. A path is taken to have a folder before its name."
                }
                pre.query tabindex="0" aria-label="The converted query" { (visualize_control_chars(query)) }
                @if !conversion.notes.is_empty() {
                    ul { @for note in conversion.notes.iter().take(ROWS) { li { (clipped(note, 600)) } } }
                }
            }
        }
        @if !conversion.refused.is_empty() { (refused(view, &conversion.refused)) }
        @if !conversion.fields.is_empty() {
            section {
                (heading("fields", "Fields", conversion.fields.len() as u64))
                div.scroll {
                    table aria-label="Fields" {
                        thead { tr { th scope="col" { "In the rule" } th scope="col" { "Canonical" } th.wide scope="col" { "In " (language) } } }
                        tbody {
                            @for field in conversion.fields.iter().take(ROWS) {
                                tr {
                                    td { (value(&field.from, 80, None)) }
                                    td {
                                        @if let Some(name) = &field.field { a href=(parts::field_address(name)) { (clipped(name, 80)) } }
                                        @else { span.faint { "none" } }
                                    }
                                    td.w { (value(&field.to, 80, None)) @if !field.mapped { " " span.faint { "taken over: no vocabulary has a name" } } }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if !conversion.events.is_empty() {
            section {
                (heading("events", "Events of the proof", conversion.events.len() as u64))
                p.about { "Some of the events, by canonical field, made up for the proof." }
                div.scroll {
                    table aria-label="Events of the proof" {
                        thead { tr { th scope="col" { "Both" } th.wide scope="col" { "Event" } } }
                        tbody { @for event in &conversion.events { (event_row(event)) } }
                    }
                }
            }
        }
        section {
            h2 #original { "The rule’s own query" }
            pre.query tabindex="0" aria-label="The query as written" { (visualize_control_chars(take_chars(&view.query, QUERY))) }
        }
    };
    Page { title: &title, asked: "", contents: &contents, body }.render()
}

fn event_row(event: &ProofEvent) -> Markup {
    html! {
        tr {
            td { @if event.selected { "select it" } @else { "do not" } }
            td.w {
                @for (field, text) in event.event.iter().take(ROWS) {
                    @let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
                    div { span.faint { (clipped(field, 80)) " " } (value(&text, 300, None)) }
                }
            }
        }
    }
}

fn refused(view: &ConversionView, refusals: &[Refusal]) -> Markup {
    html! {
        section {
            (heading("refused", "Why it cannot be converted", refusals.len() as u64))
            ul.diagnostics {
                @for refusal in refusals.iter().take(ROWS) {
                    li {
                        b { (refusal.kind.title()) } ": " (clipped(&refusal.why, 600))
                        @if let Some(part) = refusal.span.and_then(|span| span.of(&view.query)) {
                            ": " (value(part, 200, None))
                        }
                    }
                }
            }
        }
    }
}
