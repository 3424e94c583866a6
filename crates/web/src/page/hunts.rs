//! What hunts found in logs.

use std::collections::BTreeSet;

use maud::{Markup, html};
use ruleatlas_views::{HitItem, HitView, HuntDataSet, HuntRule, HuntTime, HuntView, HuntsView, RuleHitsView, RuleView};

use super::{
    bar,
    facts::Facts,
    layout::Page,
    parts::{self, heading, or_dash},
    query::query_with_held,
};
use crate::{
    routes::{Advice, AdviceView, FIRES_PAGE},
    text::{clipped, counted, encoded_path, number, value},
};

/// Rows of a table; the answer as JSON has all.
const ROWS: usize = 200;
/// Rows of a table that is less asked for.
const SHORT: usize = 30;
/// Hits on a page.
const HITS: u64 = 100;

pub(super) fn hunt_address(name: &str) -> String {
    format!("/hunt/{}", encoded_path(name))
}

pub(super) fn hits_address(rule: &str) -> String {
    format!("/hits/{}", encoded_path(rule))
}

pub(super) fn advice_address(rule: &str) -> String {
    format!("/advice/{}", encoded_path(rule))
}

/// A time to the second.
pub(super) fn seconds(time: &str) -> String {
    clipped(
        &time.chars().take(19).map(|character| if character == 'T' { ' ' } else { character }).collect::<String>(),
        19,
    )
}

/// All hunts together.
pub(crate) fn hunts(view: &HuntsView) -> Markup {
    let title = "Hits in your logs";
    let Some(together) = &view.together else {
        let body = html! {
            h1 { (title) }
            p.empty {
                "Unmeasured: no hits are served. " code.val { "ruleatlas hunt LOGS --save hits.db" } " writes a file of them, and "
                code.val { "ruleatlas serve --hits hits.db" } " shows it. " a href=(FIRES_PAGE) { "What fires on one event" } " needs no file."
            }
        };
        return Page { title, asked: "", contents: &[], body }.render_at(FIRES_PAGE);
    };
    let body = html! {
        h1 { (title) }
        (head(together))
        section #data-sets-section {
            (heading("data-sets", "Data sets", view.data_sets.len() as u64))
            p.about { "A row is the logs that one hunt read." }
            (data_sets(&view.data_sets))
        }
        (sections(together))
    };
    let own = [("data-sets", "Data sets", Some(view.data_sets.len() as u64))];
    let contents: Vec<_> = own.into_iter().chain(contents(together)).collect();
    Page { title, asked: "", contents: &contents, body }.render_at(FIRES_PAGE)
}

/// One hunt.
pub(crate) fn hunt(name: &str, view: &HuntView) -> Markup {
    let title = format!("Hunt: {}", clipped(name, 100));
    let body = html! {
        h1 { "Hunt: " (clipped(name, 100)) }
        p.about { a href="/hunts" { "All hunts" } }
        (head(view))
        (sections(view))
    };
    Page { title: &title, asked: "", contents: &contents(view), body }.render_at(FIRES_PAGE)
}

fn with_hits(view: &HuntView) -> Vec<&HuntRule> {
    view.rules.iter().filter(|rule| rule.hits > 0).collect()
}

fn contents(view: &HuntView) -> Vec<(&'static str, &'static str, Option<u64>)> {
    let candidates = view.rules.iter().filter(|rule| rule.candidates > 0).count();
    [
        ("timeline", "Timeline", view.timeline.len()),
        ("rules", "Rules with hits", with_hits(view).len()),
        ("candidates", "Candidates", candidates),
        ("blind", "Cannot be known", view.blind.len()),
        ("not-run", "Not run", view.not_run.len()),
        ("kinds", "Kinds of events", view.kinds.len()),
        ("files", "Files", view.files.len()),
    ]
    .into_iter()
    .filter(|(place, _, rows)| *rows > 0 || *place == "rules")
    .map(|(place, name, rows)| (place, name, Some(rows as u64)))
    .collect()
}

fn head(view: &HuntView) -> Markup {
    let found = with_hits(view);
    let asked = view.rules.iter().filter(|rule| rule.asked > 0).count() as u64;
    let mut by_vendor = std::collections::BTreeMap::new();
    for rule in &found {
        *by_vendor.entry(rule.vendor.name()).or_default() += 1;
    }
    html! {
        div.sum {
            p {
                b { (number(found.len() as u64)) } " of " (counted(asked, "rule")) " that were asked "
                @if found.len() == 1 { "has" } @else { "have" } " hits"
            }
            (bar::whole(&by_vendor, found.len() as u64, |_| "#rules".to_owned()))
        }
        p.about {
            (counted(view.events.read, "event")) " read, " (number(view.events.asked)) " of them asked about"
            @if view.events.unknown_shape > 0 { ", " (number(view.events.unknown_shape)) " of unknown shape" } "."
        }
    }
}

fn data_sets(rows: &[HuntDataSet]) -> Markup {
    html! {
        div.scroll {
            table aria-label="Data sets" {
                thead { tr { th.wide scope="col" { "Data set" } th.n scope="col" { "Events" } th.n scope="col" { "Asked" } th scope="col" { "Saved" } } }
                tbody {
                    @for row in rows {
                        tr {
                            td.w { a href=(hunt_address(&row.name)) { (clipped(&row.name, 100)) } }
                            td.n { (number(row.events.read)) }
                            td.n { (number(row.events.asked)) }
                            td.w {
                                @if row.saves_hits { "hits with events" } @else { "counts only" }
                                @if !row.redacted.is_empty() { ", without " (clipped(&row.redacted.join(", "), 100)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn sections(view: &HuntView) -> Markup {
    let found = with_hits(view);
    let candidates: Vec<&HuntRule> = view.rules.iter().filter(|rule| rule.candidates > 0).collect();
    html! {
        (timeline(&view.timeline))
        section #rules-section {
            (heading("rules", "Rules with hits", found.len() as u64))
            @if found.is_empty() { p.empty { "No rule that was asked has a hit." } }
            @else {
                p.about { "A row is a rule that holds on an event of these logs, the most severe first." }
                (rules(&found, "Rules with hits", |rule| rule.hits))
            }
        }
        @if !candidates.is_empty() {
            section #candidates-section {
                (heading("candidates", "Candidates", candidates.len() as u64))
                p.about { "A row is a rule whose conditions on single events hold; something that was not evaluated decides." }
                (rules(&candidates, "Candidates", |rule| rule.candidates))
            }
        }
        (blind(view))
        (not_run(view))
        (kinds(view))
        (files(view))
    }
}

fn timeline(rows: &[HuntTime]) -> Markup {
    let most = rows.iter().map(|row| row.hits).max().unwrap_or_default();
    html! {
        @if !rows.is_empty() {
            section #timeline-section {
                (heading("timeline", "Timeline", rows.len() as u64))
                p.about { "A row is a time (UTC) with hits, by the time of the events." }
                div.scroll {
                    table.timeline aria-label="Timeline" {
                        thead { tr { th scope="col" { "Time" } th.n scope="col" { "Hits" } th.wide scope="col" { span.unseen { "Share" } } } }
                        tbody { @for row in rows { tr { td { (clipped(&row.time.replace('T', " "), 20)) } td.n { (number(row.hits)) } td { (bar::plain(row.hits, most)) } } } }
                    }
                }
            }
        }
    }
}

fn rules(rows: &[&HuntRule], label: &str, count: impl Fn(&HuntRule) -> u64) -> Markup {
    html! {
        div.scroll {
            table aria-label=(label) {
                thead { tr {
                    th scope="col" { span.unseen { "Vendor" } } th.wide scope="col" { "Rule" } th scope="col" { "Severity" }
                    th.n scope="col" { "Hits" } th.n scope="col" { "Of events" } th.n scope="col" { "Hosts" } th scope="col" { "First" } th scope="col" { "Last" }
                } }
                tbody {
                    @for rule in rows.iter().take(ROWS) {
                        tr {
                            td { (bar::letter(rule.vendor)) }
                            td.w {
                                a href=(parts::rule_address(&rule.id)) { (parts::title(&rule.title, &rule.id, 110)) }
                                @if rule.source_unknown { " " span.mark title="Nothing is known of what the rule reads" { "source unknown" } }
                            }
                            td { @match rule.severity { Some(severity) => (severity), None => span.faint { "–" } } }
                            td.n { a href=(hits_address(&rule.id)) { (number(count(rule))) } }
                            td.n { (number(rule.asked)) }
                            td.n { (or_dash(rule.host_count)) }
                            td { (time(rule.first.as_deref())) }
                            td { (time(rule.last.as_deref())) }
                        }
                    }
                }
            }
        }
        @if rows.len() > ROWS { p.more { (number(ROWS as u64)) " of " (number(rows.len() as u64)) " shown" } }
    }
}

fn time(time: Option<&str>) -> Markup {
    html! { @match time { Some(time) => (seconds(time)), None => span.faint { "–" } } }
}

fn blind(view: &HuntView) -> Markup {
    html! {
        @if !view.blind.is_empty() {
            section #blind-section {
                (heading("blind", "Cannot be known", view.blind.len() as u64))
                p.about { "A row is a reason why rules cannot be decided: a field that the logs never have, or a part that is not evaluated." }
                div.scroll {
                    table aria-label="Cannot be known" {
                        thead { tr { th.wide scope="col" { "Why" } th.n scope="col" { "Rules" } th.n scope="col" { "Evaluations" } } }
                        tbody { @for row in view.blind.iter().take(SHORT) {
                            tr { td.w { (clipped(&row.why, 200)) } td.n { (number(row.rules)) } td.n { (number(row.evaluations)) } }
                        } }
                    }
                }
                (shown(SHORT, view.blind.len()))
            }
        }
    }
}

fn not_run(view: &HuntView) -> Markup {
    let mut by_reason: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for row in &view.not_run {
        *by_reason.entry(&row.why).or_default() += 1;
    }
    let mut reasons: Vec<(&str, u64)> = by_reason.into_iter().collect();
    reasons.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    html! {
        @if !reasons.is_empty() {
            section #not-run-section {
                (heading("not-run", "Not run, or as candidates only", view.not_run.len() as u64))
                p.about { "A row is a reason, with the number of rules." }
                div.scroll {
                    table aria-label="Not run" {
                        thead { tr { th.wide scope="col" { "Why" } th.n scope="col" { "Rules" } } }
                        tbody { @for (why, rules) in reasons.iter().take(SHORT) { tr { td.w { (clipped(why, 200)) } td.n { (number(*rules)) } } } }
                    }
                }
                (shown(SHORT, reasons.len()))
            }
        }
    }
}

fn kinds(view: &HuntView) -> Markup {
    html! {
        @if !view.kinds.is_empty() {
            section #kinds-section {
                (heading("kinds", "Kinds of events", view.kinds.len() as u64))
                p.about { "A row is an event of a provider, with the number of rules that are asked about it." }
                div.scroll {
                    table aria-label="Kinds of events" {
                        thead { tr { th scope="col" { "Provider" } th.wide scope="col" { "Event" } th.n scope="col" { "Events" } th.n scope="col" { "Rules" } } }
                        tbody { @for row in view.kinds.iter().take(SHORT) {
                            tr {
                                td { (clipped(&row.provider, 60)) }
                                td.w { @if row.event_id.is_empty() { span.faint { "–" } } @else { (parts::event_id(&row.provider, &row.event_id)) } }
                                td.n { (number(row.read)) }
                                td.n { (or_dash(row.rules)) }
                            }
                        } }
                    }
                }
                (shown(SHORT, view.kinds.len()))
            }
        }
    }
}

fn files(view: &HuntView) -> Markup {
    html! {
        @if !view.files.is_empty() {
            section #files-section {
                (heading("files", "Files", view.files.len() as u64))
                p.about { "A row is a log file." }
                div.scroll {
                    table aria-label="Files" {
                        thead { tr { th.wide scope="col" { "File" } th.n scope="col" { "Events" } th.n scope="col" { "Asked" } th.n scope="col" { "Not read" } } }
                        tbody { @for row in view.files.iter().take(SHORT) {
                            tr { td.w { (value(&row.file, 80, None)) } td.n { (number(row.read)) } td.n { (number(row.asked)) } td.n { (or_dash(row.problems)) } }
                        } }
                    }
                }
                (shown(SHORT, view.files.len()))
            }
        }
    }
}

fn shown(most: usize, rows: usize) -> Markup {
    html! { @if rows > most { p.more { (number(most as u64)) " of " (number(rows as u64)) " shown" } } }
}

/// The hits of a rule.
pub(crate) fn rule_hits(view: &RuleHitsView, offset: u32) -> Markup {
    let title = parts::title(&view.rule.title, &view.rule.id, 200);
    let address = hits_address(&view.rule.id);
    let (start, end) = (u64::from(offset), u64::from(offset) + view.hits.len() as u64);
    let body = html! {
        h1 { "Hits: " a href=(parts::rule_address(&view.rule.id)) { (title) } }
        @match &view.in_logs.measured {
            None => p.empty { "Unmeasured: the rule was asked about no event of logs whose hits are served." },
            Some(measure) => p.about {
                (counted(measure.hits, "hit")) " of " (counted(measure.asked, "event")) " that it was asked about. "
                a href=(advice_address(&view.rule.id)) { "Exclusions that rules like it have" }
            },
        }
        @if view.saved == 0 { p.empty { "No single hit of it is saved." } } @else {
            (hit_table(&view.hits))
            p.more {
                @if view.hits.is_empty() { "None from there on" } @else { (number(start + 1)) "–" (number(end)) } " of " (number(view.saved))
                @if offset > 0 { " · " a rel="prev" href={ (address) "?offset=" (start.saturating_sub(HITS)) } { "Previous" } }
                @if end < view.saved && !view.hits.is_empty() { " · " a rel="next" href={ (address) "?offset=" (end) } { "Next" } }
            }
        }
    };
    Page { title: &format!("Hits: {title}"), asked: "", contents: &[], body }.render_at(FIRES_PAGE)
}

/// Hits as a table.
pub(super) fn hit_table(hits: &[HitItem]) -> Markup {
    let names: BTreeSet<&str> = hits.iter().map(|hit| hit.data_set.as_str()).collect();
    html! {
        div.scroll {
            table aria-label="Hits" {
                thead { tr {
                    th scope="col" { "Time" } th scope="col" { "Host" } th scope="col" { "Event" }
                    @if names.len() > 1 { th scope="col" { "Data set" } }
                    th.wide scope="col" { "File" } th.n scope="col" { "Record" } th scope="col" { "Hit" }
                } }
                tbody {
                    @for hit in hits {
                        tr {
                            td { (time(hit.time.as_deref())) }
                            td { @match &hit.host { Some(host) => (value(host, 28, None)), None => span.faint { "–" } } }
                            td { (clipped(&hit.provider, 40)) " " (clipped(&hit.event_id, 24)) }
                            @if names.len() > 1 { td { a href=(hunt_address(&hit.data_set)) { (clipped(&hit.data_set, 30)) } } }
                            td.w { (value(&hit.file, 40, None)) }
                            td.n { (number(hit.record)) }
                            td { a href={ "/hit/" (hit.number) } { "event" } @if hit.candidate { " " span.mark { "candidate" } } }
                        }
                    }
                }
            }
        }
    }
}

/// A hit with its event, the predicates that held marked in the rule's query.
pub(crate) fn hit(view: &HitView, rule: Option<&RuleView>) -> Markup {
    let title = match &view.rule_item {
        Some(item) => parts::title(&item.title, &item.id, 200),
        None => clipped(&view.rule, 200),
    };
    let hit = &view.hit;
    let mut facts = Facts::default();
    facts.add("Time", html! { @if let Some(time) = &hit.time { (clipped(time, 40)) } });
    facts.add("Host", html! { @if let Some(host) = &hit.host { (value(host, 80, None)) } });
    facts.add("Event", html! { (clipped(&hit.provider, 80)) " " (parts::event_id(&hit.provider, &hit.event_id)) });
    facts.add("File", html! { (value(&hit.file, 100, None)) ", record " (number(hit.record)) });
    facts.add("Hunt", html! { a href=(hunt_address(&hit.data_set)) { (clipped(&hit.data_set, 100)) } });
    let several = html! {
        @if let Some(count) = view.count {
            (counted(count, "event")) ": " @for (at, (file, record)) in view.events.iter().enumerate() { @if at > 0 { ", " } (value(file, 40, None)) " " (number(*record)) }
        }
    };
    facts.add("Of", several);
    let body = html! {
        h1 { "Hit: " @if view.rule_item.is_some() { a href=(parts::rule_address(&view.rule)) { (title) } } @else { (title) } }
        @if hit.candidate { p.note { "A candidate: something that was not evaluated decides." } }
        (facts)
        div.beside {
            section {
                h2 #query { "Query" }
                @match rule {
                    None => p.empty { "The catalog does not have this rule: it was in a file." },
                    Some(rule) if rule.entry.rule.query.is_empty() => p.empty { "The rule has no query." },
                    Some(rule) => {
                        p.about { "As written; " span.p.indicator.held { "marked" } " is what held on this event." }
                        (query_with_held(rule, &view.held))
                    }
                }
            }
            section {
                (heading("event", "Event", view.event.len() as u64))
                @if view.event.is_empty() { p.empty { "The events of this hunt are not saved." } }
                @else { (event(view)) }
            }
        }
        section #matched-section {
            (heading("matched", "What held", view.matched.len() as u64))
            @if view.matched.is_empty() { p.empty { "No indicator of the rule is saved with this hit." } }
            @else {
                p.about { "A row is an indicator of the rule that held on the event." }
                div.scroll {
                    table aria-label="What held" {
                        thead { tr { th scope="col" { "Field" } th scope="col" { "Op" } th.wide scope="col" { "Value" } } }
                        tbody { @for row in &view.matched { tr { td { (parts::field(&row.field)) } td.o { span.op { (row.op) } } td.w { (value(&row.value, 80, None)) } } } }
                    }
                }
            }
        }
    };
    Page { title: &format!("Hit: {title}"), asked: "", contents: &[], body }.render_at(FIRES_PAGE)
}

/// The event's fields, those first that the rule's indicators are of.
fn event(view: &HitView) -> Markup {
    let is_matched = |field: &str| view.matched.iter().any(|row| row.field.eq_ignore_ascii_case(field));
    let mut fields: Vec<(&String, &serde_json::Value)> = view.event.iter().collect();
    fields.sort_by_key(|(field, _)| !is_matched(field));
    html! {
        div.scroll {
            table aria-label="Event" {
                tbody {
                    @for (field, found) in fields.iter().take(ROWS) {
                        tr {
                            th scope="row" { (parts::field(field)) @if is_matched(field) { " " span.mark { "asked for" } } }
                            td.w.wide {
                                @match found {
                                    serde_json::Value::String(text) => (value(text, 200, None)),
                                    other => (value(&other.to_string(), 200, None)),
                                }
                            }
                        }
                    }
                }
            }
        }
        (shown(ROWS, view.event.len()))
    }
}

/// Exclusions that rules like a rule have.
pub(crate) fn advice(view: &AdviceView) -> Markup {
    let title = parts::title(&view.rule.title, &view.rule.id, 200);
    let body = html! {
        h1 { "Exclusions for: " a href=(parts::rule_address(&view.rule.id)) { (title) } }
        @match view.hits {
            Some(hits) => p.about {
                "A row is an exclusion that rules like this one have and this one has not, by how many of its " (counted(hits, "saved hit"))
                " it would have removed. Exclude what your own events show to be harmless."
            },
            None => p.note {
                "Unmeasured: no hit of this rule is served with its event, so that the exclusions stand in the order of how alike the rules are "
                "that have them."
            },
        }
        @if view.exclusions.is_empty() { p.empty { "Rules like this one have no exclusion that it could take over." } }
        @else { (advice_table(&view.exclusions)) }
    };
    Page { title: &format!("Exclusions for: {title}"), asked: "", contents: &[], body }.render_at(FIRES_PAGE)
}

fn advice_table(rows: &[Advice]) -> Markup {
    html! {
        div.scroll {
            table aria-label="Exclusions" {
                thead { tr {
                    th.wide scope="col" { "In the rule’s language" } th scope="col" { "Field" } th scope="col" { "Op" } th scope="col" { "Value" }
                    th.n scope="col" { "Hits removed" } th.n scope="col" { "Rules" } th scope="col" { "Such as" }
                } }
                tbody {
                    @for row in rows {
                        @let link = parts::indicator_address(&row.indicator);
                        tr {
                            td.w { @if row.line.is_empty() { span.faint { "cannot be said in it" } } @else { (value(&row.line, 80, None)) } }
                            td { (parts::field(&row.indicator.field)) }
                            td.o { (parts::operator(row.indicator.op, &row.indicator.modifiers)) }
                            td.w { (value(&row.indicator.value, 60, link.as_deref())) }
                            td.n { @match row.removed { Some(removed) => (number(removed)), None => span.faint { "unmeasured" } } }
                            td.n { (number(row.rules)) " of " (number(row.of)) }
                            td.w { @for id in row.examples.iter().take(2) { a href=(parts::rule_address(id)) { (clipped(id, 40)) } " " } }
                        }
                    }
                }
            }
        }
    }
}
