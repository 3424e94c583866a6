//! What was measured in logs, on the pages of what it is of. What was not measured has no number.

use maud::{Markup, html};
use ruleatlas_views::{
    Atlas, HitItem, RecordedRule, RecordedValue, RuleInLogs, RuleItem, TechniqueMeasure, ValueInLogs, recordings,
};

use super::{
    bar,
    hunts::{advice_address, hit_table, hits_address, seconds},
    parts::{self, heading},
};
use crate::text::{clipped, counted, number};

/// Reasons that are listed.
const REASONS: usize = 8;
/// Rules of a technique that are listed.
const RULES: usize = 20;

/// A rule in the logs, with its first hits.
pub(super) fn rule(id: &str, found: Option<&RuleInLogs>, hits: &[HitItem], saved: u64) -> Markup {
    let Some(found) = found else { return html! {} };
    html! {
        section #logs-section {
            h2 #logs { a href="#logs" { "In your logs" } }
            @match &found.measured {
                None => p.empty {
                    "Unmeasured: "
                    @match &found.not_run { Some(why) => { "not run, as " (clipped(why, 200)) "." }, None => "the rule was asked about no event of these logs." }
                },
                Some(measure) => {
                    p {
                        b { (number(measure.hits)) } @if measure.hits == 1 { " hit" } @else { " hits" } " of " (counted(measure.asked, "event")) " that it was asked about"
                        @if measure.hosts > 0 { ", on " (counted(measure.hosts, "host")) }
                        @if let (Some(first), Some(last)) = (&measure.first, &measure.last) { ", " (seconds(first)) " to " (seconds(last)) }
                        "."
                    }
                    @if measure.candidates > 0 {
                        p { (counted(measure.candidates, "candidate")) @if let Some(why) = &found.not_run { ": " (clipped(why, 200)) } "." }
                    }
                    @if measure.unknown > 0 {
                        p.about {
                            "Cannot be known of " (counted(measure.unknown, "event")) ": "
                            @for (at, row) in measure.unknown_why.iter().take(REASONS).enumerate() { @if at > 0 { "; " } (clipped(&row.why, 120)) " (" (number(row.events)) ")" }
                        }
                    }
                    @if measure.hits > 0 { p.about { a href=(advice_address(id)) { "Exclusions that rules like it have, by the hits that they would have removed" } } }
                    @if !hits.is_empty() {
                        (hit_table(hits))
                        @if saved > hits.len() as u64 { p.more { (number(hits.len() as u64)) " of " (number(saved)) " shown · " a href=(hits_address(id)) { "All hits" } } }
                    }
                }
            }
        }
    }
}

/// A rule on public recordings.
pub(super) fn recorded_rule(found: Option<RecordedRule>) -> Markup {
    html! {
        p.about {
            "Measured on " (what()) ": "
            @match found {
                None => "unmeasured, as the rule was asked about none of their events.",
                Some(found) => {
                    b { (counted(found.hits, "hit")) } " of " (counted(found.asked, "event")) " that it was asked about"
                    @if found.hits > 0 { ", on " (counted(found.hosts, "host")) }
                    @if found.candidates > 0 { ", " (counted(found.candidates, "candidate")) }
                    @if found.unknown > 0 { "; cannot be known of " (number(found.unknown)) }
                    "."
                }
            }
        }
    }
}

/// A value on public recordings.
pub(super) fn recorded_value(found: RecordedValue) -> Markup {
    html! {
        p.about {
            "Measured on " (what()) ": "
            @match (found.indicator, found.exclusion) {
                (None, None) => "unmeasured, as no rule that has it was asked about their events.",
                (Some(events), None) => { "it held in " b { (counted(events, "event")) } "." }
                (indicator, Some(events)) => {
                    @if let Some(events) = indicator { "it held in " b { (counted(events, "event")) } "; " }
                    "as an exclusion it held in " b { (counted(events, "event")) } " and took " b { (counted(found.removed.unwrap_or_default(), "hit")) } " away."
                }
            }
        }
    }
}

/// What the recordings are.
fn what() -> Markup {
    let events: u64 = recordings().iter().map(|recording| recording.events).sum();
    html! {
        a href="/about#recordings" { "public recordings" } " (" (counted(events, "event")) " of attacks in labs, which say little of ordinary offices)"
    }
}

/// A value in the logs.
pub(super) fn of_value(found: Option<&ValueInLogs>, is_indicator: bool, is_exclusion: bool) -> Markup {
    let Some(found) = found else { return html! {} };
    html! {
        section #logs-section {
            h2 #logs { a href="#logs" { "In your logs" } }
            @if is_indicator {
                @match &found.indicator {
                    None => p.empty { "Unmeasured as an indicator: no rule that looks for it was asked about an event of these logs." },
                    Some(measure) => p {
                        "It held in " b { (counted(measure.events, "event")) }
                        @if let (Some(hits), Some(hosts)) = (measure.hits, measure.hosts) { ", and is part of " (counted(hits, "hit")) " on " (counted(hosts, "host")) }
                        "."
                    },
                }
            }
            @if is_exclusion {
                @match &found.exclusion {
                    None => p.empty { "Unmeasured as an exclusion: no rule that has it was asked about an event of these logs." },
                    Some(measure) => p { "As an exclusion it held in " b { (counted(measure.events, "event")) } " and took " b { (counted(measure.removed, "hit")) } " away." },
                }
            }
        }
    }
}

/// The rules of a technique in the logs.
pub(super) fn technique(atlas: &Atlas, found: Option<Option<&TechniqueMeasure>>, with_hits: &[String]) -> Markup {
    let Some(found) = found else { return html! {} };
    let rules = with_hits.iter().take(RULES).filter_map(|id| atlas.find_rule(id));
    let rules: Vec<RuleItem> = atlas.rule_items(rules);
    html! {
        section #logs-section {
            (heading("logs", "In your logs", with_hits.len() as u64))
            @match found {
                None => p.empty { "Unmeasured: no rule of it was asked about an event of these logs." },
                Some(measure) => {
                    p.about {
                        (number(measure.rules_with_hits)) " of " (counted(measure.rules_asked, "rule")) " that were asked have "
                        (counted(measure.hits, "hit")) @if let Some(hosts) = measure.hosts { " on " (counted(hosts, "host")) } ". A row is a rule with hits, the most first."
                    }
                    @if !rules.is_empty() {
                        div.scroll {
                            table aria-label="Rules with hits" {
                                thead { tr { th scope="col" { span.unseen { "Vendor" } } th.wide scope="col" { "Rule" } th.n scope="col" { "Hits" } th.n scope="col" { "Of events" } th.n scope="col" { "Hosts" } } }
                                tbody {
                                    @for item in &rules {
                                        @if let Some(measure) = atlas.hits().and_then(|hits| hits.rule(&item.id)) {
                                            tr {
                                                td { (bar::letter(item.vendor)) }
                                                td.w { a href=(parts::rule_address(&item.id)) { (parts::title(&item.title, &item.id, 110)) } }
                                                td.n { a href=(hits_address(&item.id)) { (number(measure.hits)) } }
                                                td.n { (number(measure.asked)) }
                                                td.n { (parts::or_dash(measure.hosts)) }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                        @if with_hits.len() > rules.len() { p.more { (number(rules.len() as u64)) " of " (number(with_hits.len() as u64)) " shown · " a href="/hunts#rules" { "All rules with hits" } } }
                    }
                }
            }
        }
    }
}
