//! What the telemetry one has lets one detect.

use std::cmp::Reverse;

use maud::{Markup, html};
use ruleatlas_views::{CoverageView, HAVE_KINDS, TechniqueCoverage};

use super::{
    events::provider_address,
    layout::Page,
    parts::{self, heading, or_dash},
};
use crate::{
    params::Params,
    text::{NAME, clipped, counted, number},
};

/// Rows of a table before the rest is folded away.
const SHOWN: usize = 30;
/// Rows that are folded away.
const MORE: usize = 70;

/// The form that takes a file, with what was wrong with the last one.
pub(crate) fn coverage_form(params: &Params, wrong: Option<&str>) -> Markup {
    let body = html! {
        h1 { "What can fire on your telemetry" }
        @if let Some(wrong) = wrong {
            div.note role="alert" {
                p { b { "This file says nothing that can be used." } }
                @for line in wrong.lines().take(30) { p { (clipped(line, 400)) } }
            }
        }
        (form(params))
    };
    Page { title: "Coverage", asked: "", contents: &[], body }.render_at("/coverage")
}

fn form(params: &Params) -> Markup {
    html! {
        p.about {
            "Give a file that says what you collect; the answer says for every technique which rules can fire, which cannot and "
            "what they miss, and which event to collect next. It is read for this answer alone, and kept nowhere. "
            a href="/about#events" { "How it is decided" }
        }
        form.filters action={ "/coverage" (params.query()) } method="post" enctype="multipart/form-data" aria-label="Your telemetry" {
            label { "File " input type="file" name="have"; }
            details {
                summary { "or type a list" }
                p { textarea name="text" rows="8" cols="48" aria-label="List of events" placeholder="Sysmon,1\nSecurity-Auditing,4688" {} }
            }
            button type="submit" name="answer" value="page" { "Show" }
            " " button type="submit" name="answer" value="layer" { "ATT&CK Navigator layer" }
        }
        p.about { "Understood are:" }
        ul.relax.about { @for (_, what) in HAVE_KINDS { li { (ticked(what)) } } }
    }
}

/// A text whose parts between backticks are code.
fn ticked(text: &str) -> Markup {
    html! { @for (at, part) in text.split('`').enumerate() { @if at % 2 == 1 { code.val { (part) } } @else { (part) } } }
}

/// The answer to a file.
pub(crate) fn coverage(view: &CoverageView, params: &Params) -> Markup {
    let mut with_rules: Vec<&TechniqueCoverage> = view.techniques.iter().filter(|row| row.rules.total > 0).collect();
    with_rules.sort_by_key(|row| (Reverse(row.rules.cannot), Reverse(row.rules.total)));
    let contents = [
        ("next", "Next best events", Some(view.next_best.len() as u64)),
        ("techniques", "Techniques", Some(with_rules.len() as u64)),
        ("collected", "What is collected", Some(view.collected.len() as u64)),
        ("again", "Another file", None),
    ];
    let rules = view.rules;
    let body = html! {
        h1 { "What can fire on your telemetry" }
        p {
            b { (number(rules.fires)) } " of " (counted(rules.total, "rule")) " can fire on "
            (counted(view.collected.len() as u64, "event")) " collected, " b { (number(rules.cannot)) } " cannot, of "
            (number(rules.unknown)) " it is not known: no event is known of what they read."
        }
        @if !view.have.notes.is_empty() {
            details { summary { (counted(view.have.notes.len() as u64, "note")) " on the file" } ul.lines { @for note in &view.have.notes { li { (clipped(note, 400)) } } } }
        }
        section {
            (heading("next", "Next best events", view.next_best.len() as u64))
            p.about {
                "A row is an event that is not collected: how many techniques have a first rule that can fire, and how many rules "
                "more can, once it is, and nothing else changes."
            }
            (next(view, 0, SHOWN))
            @if view.next_best.len() > SHOWN {
                details.rest { summary { "More of them" } (next(view, SHOWN, MORE)) }
                @if view.next_best.len() > SHOWN + MORE {
                    p.more { "The other " (number((view.next_best.len() - SHOWN - MORE) as u64)) " unlock less: " code.val { "ruleatlas coverage --have FILE --json" } " names them." }
                }
            }
        }
        section {
            (heading("techniques", "Techniques", with_rules.len() as u64))
            p.about { "A row is a technique with its sub-techniques; " em { "missing" } " names the events that most of the rules lack which cannot fire." }
            (techniques(&with_rules[..with_rules.len().min(SHOWN)], "Techniques"))
            @if with_rules.len() > SHOWN {
                details.rest {
                    summary { "The other " (number((with_rules.len() - SHOWN) as u64)) }
                    (techniques(&with_rules[SHOWN..], "The other techniques"))
                }
            }
        }
        section {
            (heading("collected", "What is collected", view.collected.len() as u64))
            div.scroll tabindex="0" role="region" aria-label="What is collected" {
                table.events aria-label="What is collected" {
                    thead { tr {
                        th scope="col" { "Provider" } th scope="col" { "Event" } th.wide scope="col" { "Title" }
                        th.n scope="col" { "Rules" } th scope="col" { "What says so" }
                    } }
                    tbody {
                        @for row in view.collected.iter().take(2_000) {
                            tr {
                                td { a href=(provider_address(&row.provider)) { (clipped(&row.provider, 40)) } }
                                td { (parts::event_id(&row.provider, &row.event_id)) }
                                td.w { (clipped(&row.title, 90)) }
                                td.n { (or_dash(row.rules)) }
                                td { (clipped(&row.how, 80)) }
                            }
                        }
                    }
                }
            }
        }
        section { h2 #again { "Another file" } (form(params)) }
    };
    Page { title: "Coverage", asked: "", contents: &contents, body }.render_at("/coverage")
}

fn next(view: &CoverageView, from: usize, most: usize) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Next best events" {
            table.events aria-label="Next best events" {
                thead { tr {
                    th scope="col" { "Provider" } th scope="col" { "Event" } th.wide scope="col" { "Title" }
                    th.n scope="col" title="Techniques that have a first rule that can fire" { "Techniques" } th.n scope="col" title="Rules that can fire besides" { "Rules" } th scope="col" { "Such as" }
                } }
                tbody {
                    @for row in view.next_best.iter().skip(from).take(most) {
                        tr {
                            td { a href=(provider_address(&row.provider)) { (clipped(&row.provider, 40)) } }
                            td { (parts::event_id(&row.provider, &row.event_id)) }
                            td.w { (clipped(&row.title, 90)) }
                            td.n { (or_dash(row.techniques)) }
                            td.n { (number(row.rules)) }
                            td { span.ids { @for id in row.technique_ids.iter().take(3) { a.val href=(parts::technique_address(id)) { (id) } " " } } }
                        }
                    }
                }
            }
        }
    }
}

fn techniques(rows: &[&TechniqueCoverage], label: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table.lacks aria-label=(label) {
                thead { tr {
                    th scope="col" { "Technique" } th.wide scope="col" { "Name" } th.n scope="col" { "Rules" }
                    th.n scope="col" { "Can fire" } th.n scope="col" { "Cannot" } th.n scope="col" { "Not known" } th.half scope="col" { "Missing" }
                } }
                tbody { @for row in rows { (technique(row)) } }
            }
        }
    }
}

fn technique(row: &TechniqueCoverage) -> Markup {
    let address = parts::technique_address(&row.technique);
    html! {
        tr {
            td { a.val href=(address) { (row.technique) } }
            td.w { a href=(address) { (clipped(&row.name, NAME)) } }
            td.n { (number(row.rules.total)) }
            td.n { (or_dash(row.rules.fires)) }
            td.n { (or_dash(row.rules.cannot)) }
            td.n { (or_dash(row.rules.unknown)) }
            td.w { span.pairs { @for event in row.missing.iter().take(2) {
                span {
                    a href=[parts::event_address(&event.provider, &event.event_id)] { (clipped(&event.provider, 24)) " " (clipped(&event.event_id, 24)) }
                    " " b { (number(event.rules)) }
                } " "
            } } }
        }
    }
}
