//! What ATT&CK's own analytics of a technique read, beside what rules read.

use maud::{Markup, html};
use ruleatlas_views::{AttackEvents, NamedEvent};

use super::{
    events::provider_address,
    parts::{self, or_dash},
};
use crate::text::{clipped, counted, number, web_address};

/// Rows of a table before the rest is folded away.
const SHOWN: usize = 12;

/// Whether the loaded ATT&CK names an event or a log.
pub(super) fn has(view: &AttackEvents) -> bool {
    !(view.named_and_read.is_empty() && view.named_unread.is_empty() && view.logs.is_empty())
}

/// Nothing where the loaded ATT&CK names no log; what rules read only where the page `has_rules`.
pub(super) fn section(view: &AttackEvents, has_rules: bool) -> Markup {
    let named = view.named_and_read.len() + view.named_unread.len();
    html! {
        @if has(view) {
            section #attack-section {
                h2 #attack { a href="#attack" { "Events ATT&CK names" } " " span.count { (number(named as u64)) } }
                p.about {
                    "From the analytics of ATT&CK’s "
                    @for (at, strategy) in view.strategies.iter().take(6).enumerate() {
                        @if at > 0 { ", " }
                        @match web_address(&strategy.url) {
                            Some(url) => a rel="noreferrer" href=(url) title=(clipped(&strategy.name, 200)) { (strategy.id) },
                            None => (strategy.id),
                        }
                    }
                    @if view.strategies.len() > 6 { " and " (number((view.strategies.len() - 6) as u64)) " more" }
                    ". A row is an event; " em { "rules" } " counts those of this page that read it, " em { "analytics" } " those of ATT&CK that name it."
                }
                @if has_rules { (group("Named and read", &view.named_and_read, "No rule here reads an event that ATT&CK names.")) }
                (group("Named, and no rule here reads it", &view.named_unread, "Rules here read every event that ATT&CK names."))
                @if has_rules { (group("Read, and ATT&CK does not name it", &view.read_unnamed, "ATT&CK names every event that rules here read.")) }
                @if !view.logs.is_empty() {
                    details {
                        summary { (counted(view.logs.len() as u64, "log")) " that ATT&CK names without an event’s id" }
                        ul.lines {
                            @for log in &view.logs {
                                li {
                                    span.val { (clipped(&log.name, 80)) } " "
                                    span.faint { (clipped(&log.components.join(", "), 120)) } " "
                                    (clipped(&log.looks_for.join("; "), 300))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn group(name: &str, rows: &[NamedEvent], empty: &str) -> Markup {
    html! {
        h3 { (name) " " span.count { (number(rows.len() as u64)) } }
        @if rows.is_empty() { p.empty { (empty) } }
        @else {
            (table(name, &rows[..rows.len().min(SHOWN)]))
            @if rows.len() > SHOWN {
                details.rest { summary { "The other " (number((rows.len() - SHOWN) as u64)) } (table(name, &rows[SHOWN..])) }
            }
        }
    }
}

fn table(label: &str, rows: &[NamedEvent]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table.events aria-label=(label) {
                thead { tr {
                    th scope="col" { "Provider" } th scope="col" { "Event" } th.wide scope="col" { "Title" }
                    th.n scope="col" { "Rules" } th.n scope="col" { "Analytics" } th scope="col" { "Data components" }
                } }
                tbody {
                    @for row in rows {
                        tr {
                            td { a href=(provider_address(&row.provider)) { (clipped(&row.provider, 40)) } }
                            td { (parts::event_id(&row.provider, &row.event_id)) }
                            td.w { (clipped(&row.title, 100)) }
                            td.n { (or_dash(row.rules)) }
                            td.n { (or_dash(row.analytics)) }
                            td.o.faint { (clipped(&row.components.join(", "), 200)) }
                        }
                    }
                }
            }
        }
    }
}
