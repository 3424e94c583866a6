//! Platforms.

use maud::{Markup, html};
use ruleatlas_catalog::Facet;
use ruleatlas_views::{PlatformProvider, PlatformView, PlatformsView, Question, RecommendedEvent};

use super::{
    bar,
    events::{provider_address, table},
    facts::Facts,
    home::technique_section,
    layout::Page,
    parts::{self, heading, or_dash},
};
use crate::text::{clipped, counted, number};

/// Events of a list before the rest is asked for.
const EVENTS: usize = 60;
/// Providers before the rest is asked for.
const PROVIDERS: usize = 25;
/// Providers that are listed at all; Windows has more than a thousand.
const MAX_PROVIDERS: usize = 400;

/// All platforms.
pub(crate) fn platforms(view: &PlatformsView) -> Markup {
    let body = html! {
        h1 { "Platforms" }
        p.about {
            "A row is a platform: its rules, the providers that write its events, their events as far as dictionaries or rules "
            "know them, and those that rules read."
        }
        div.scroll tabindex="0" role="region" aria-label="Platforms" {
            table aria-label="Platforms" {
                thead { tr {
                    th.wide scope="col" { "Platform" } th.n scope="col" { "Rules" } th.n scope="col" { "Providers" }
                    th.n scope="col" { "Events" } th.n scope="col" { "Read" }
                } }
                tbody {
                    @for row in &view.platforms {
                        tr {
                            td.w { a href=(parts::platform_address(&row.name)) { (row.title) } }
                            td.n { (or_dash(row.rules)) } td.n { (or_dash(row.providers)) }
                            td.n { (or_dash(row.events)) } td.n { (or_dash(row.read)) }
                        }
                    }
                }
            }
        }
    };
    Page { title: "Platforms", asked: "", contents: &[], body }.render_at("/platforms")
}

/// A platform: who writes its events, which of them rules read, and what is missing.
pub(crate) fn platform(view: &PlatformView) -> Markup {
    let counts = [
        ("providers", "Providers", view.providers.len()),
        ("events", "Events that rules read", view.events.len()),
        ("unknown", "Events no dictionary knows", view.unknown.len()),
        ("recommended", "Events no rule reads", view.recommended.len()),
        ("techniques", "Techniques", view.techniques.len()),
    ];
    let contents: Vec<_> =
        counts.iter().filter(|row| row.2 > 0).map(|(place, name, rows)| (*place, *name, Some(*rows as u64))).collect();
    let total = view.rules.total;
    let question = match view.platforms.as_slice() {
        [] => None,
        platforms => Some(platforms.iter().fold(Question::default(), |all, name| all.with(Facet::Platform, name))),
    };
    let rules = question.as_ref().and_then(parts::rules_address);
    let body = html! {
        h1 { span.kind { "Platform" } " " (view.title) }
        div.sum {
            p {
                @match &rules { Some(rules) => a href=(rules) { b { (number(total)) } }, None => b { (number(total)) } }
                @if total == 1 { " rule counted" } @else { " rules counted" }
            }
            (bar::whole(&view.rules.by_vendor, total, |_| rules.clone().unwrap_or_else(|| "#events".to_owned())))
        }
        div.columns { (facts(view)) }
        @if !view.providers.is_empty() {
            section {
                (heading("providers", "Providers", view.providers.len() as u64))
                p.about { "A row is a provider of the platform’s events, with how many events it has, how many of them rules read, and the rules that do." }
                (providers(&view.providers[..view.providers.len().min(PROVIDERS)]))
                @if view.providers.len() > PROVIDERS {
                    details.rest {
                        summary { "The other " (number((view.providers.len() - PROVIDERS) as u64)) }
                        (providers(&view.providers[PROVIDERS..view.providers.len().min(MAX_PROVIDERS)]))
                        (parts::more(view.providers.len().min(MAX_PROVIDERS), view.providers.len(), "/events?unread=yes"))
                    }
                }
            }
        }
        @if !view.events.is_empty() {
            section {
                (heading("events", "Events that rules read", view.events.len() as u64))
                (table(&view.events[..view.events.len().min(EVENTS)], "Events that rules read"))
                @if view.events.len() > EVENTS {
                    details.rest {
                        summary { "The other " (number((view.events.len() - EVENTS) as u64)) }
                        (table(&view.events[EVENTS..], "Other events that rules read"))
                    }
                }
            }
        } @else { p.empty { "No rule of the catalog reads an event of this platform that has a name." } }
        @if !view.unknown.is_empty() {
            section {
                (heading("unknown", "Events no dictionary knows", view.unknown.len() as u64))
                p.about { "Rules read them, and no dictionary of the catalog says anything of them: names that are not documented, or that a rule mistypes." }
                details.rest { summary { "Show them" } (table(&view.unknown, "Events no dictionary knows")) }
            }
        }
        @if !view.recommended.is_empty() {
            section {
                (heading("recommended", "Events no rule reads", view.recommended.len() as u64))
                p.about { "ATT&CK’s analytics name them, and no counted rule reads them." }
                (recommended(&view.recommended))
            }
        }
        (technique_section(&view.techniques, "A row is a technique with its sub-techniques, and the rules of this platform tagged with any of them.", question.as_ref()))
    };
    let title = format!("Platform {}", view.title);
    Page { title: &title, asked: "", contents: &contents, body }.render()
}

fn facts(view: &PlatformView) -> Facts {
    let coverage = &view.coverage;
    let share = |part: u64, whole: u64| {
        html! { (number(part)) " of " (number(whole)) @if whole > 0 { " (" (part * 100 / whole) " %)" } }
    };
    let mut facts = Facts::default();
    facts.add("Events known", html! { (number(coverage.events)) });
    facts.add("Read by rules", share(coverage.read, coverage.events));
    facts.add("Read, with a title", share(coverage.read_with_title, coverage.read));
    facts.add("Read, with a sample", share(coverage.read_with_sample, coverage.read));
    if coverage.attack_techniques > 0 {
        facts.add(
            "Techniques with rules",
            html! { (share(coverage.attack_techniques_with_rules, coverage.attack_techniques)) " that ATT&CK knows on it" },
        );
    }
    facts
}

fn providers(rows: &[PlatformProvider]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Providers" {
            table aria-label="Providers" {
                thead { tr { th.wide scope="col" { "Provider" } th.n scope="col" { "Rules" } th.n scope="col" { "Events" } th.n scope="col" { "Read" } } }
                tbody {
                    @for row in rows {
                        tr {
                            td.w { a href=(provider_address(&row.provider)) { (clipped(&row.provider, 80)) } }
                            td.n { (or_dash(row.rules)) } td.n { (number(row.events)) } td.n { (or_dash(row.read)) }
                        }
                    }
                }
            }
        }
    }
}

fn recommended(rows: &[RecommendedEvent]) -> Markup {
    let list = |rows: &[RecommendedEvent], label: &str| {
        html! {
            div.scroll tabindex="0" role="region" aria-label=(label) {
                table aria-label=(label) {
                    thead { tr { th scope="col" { "Provider" } th scope="col" { "Event" } th.wide scope="col" { "Title" } th.n scope="col" { "Techniques" } } }
                    tbody {
                        @for row in rows {
                            tr {
                                td { a href=(provider_address(&row.provider)) { (clipped(&row.provider, 48)) } }
                                td { (parts::event_id(&row.provider, &row.event_id)) }
                                td.w { (clipped(&row.title, 110)) }
                                td.n { (number(row.techniques)) }
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        (list(&rows[..rows.len().min(EVENTS)], "Events that ATT&CK names and no rule reads"))
        @if rows.len() > EVENTS {
            details.rest {
                summary { (counted((rows.len() - EVENTS) as u64, "other")) }
                (list(&rows[EVENTS..], "Other events that ATT&CK names and no rule reads"))
            }
        }
    }
}
