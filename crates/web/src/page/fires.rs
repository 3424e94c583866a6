//! Which rules fire on an event.

use maud::{Markup, html};
use ruleatlas_model::Op;
use ruleatlas_views::{CommandEvent, CommandPlatform, FailedCheck, FiresView, FiringRule, NearRule, UndecidedRule};

use super::{
    bar,
    layout::Page,
    parts::{self, heading},
};
use crate::{
    routes::FIRES_PAGE,
    text::{clipped, counted, number, value, visualize_control_chars},
};

/// Rules of a list that are shown; the answer as JSON has all.
const ROWS: usize = 200;
/// Checks and values of a row.
const CHECKS: usize = 6;
const VALUES: usize = 4;
/// Characters of what was sent that the form has again.
const MAX_SHOWN: usize = 100_000;

/// The form that takes events.
pub(crate) fn fires_form(has_hits: bool, text: &str, platform: Option<CommandPlatform>) -> Markup {
    let body = html! {
        h1 { "What fires here?" }
        p.about {
            "Paste events as any product writes them (JSON, CSV with a header, XML, audit lines), or a command line. Every rule of the "
            "catalog that reads such events is asked. They are read for this answer alone, and kept nowhere."
        }
        @if has_hits { p.about { a href="/hunts" { "Hits in your logs" } } }
        (form(text, platform))
    };
    Page { title: "What fires here?", asked: "", contents: &[], body }.render_at(FIRES_PAGE)
}

/// That what was sent cannot be asked about.
pub(crate) fn fires_failed(message: &str, text: &str, platform: Option<CommandPlatform>) -> Markup {
    let body = html! {
        h1 { "What fires here?" }
        p.note role="status" { "Not answered: " (clipped(message, 600)) "." }
        (form(text, platform))
    };
    Page { title: "What fires here?", asked: "", contents: &[], body }.render_at(FIRES_PAGE)
}

fn form(text: &str, platform: Option<CommandPlatform>) -> Markup {
    let head: String = text.chars().take(MAX_SHOWN).collect();
    html! {
        form.draft action=(FIRES_PAGE) method="post" enctype="multipart/form-data" aria-label="Events" {
            textarea name="text" rows="12" aria-label="Events or a command line" spellcheck="false" { (visualize_control_chars(&head)) }
            div.filters {
                label {
                    "This is "
                    select name="as" {
                        option value="events" selected[platform.is_none()] { "events" }
                        @for (name, label) in [
                            (CommandPlatform::Windows, "a command line on Windows"), (CommandPlatform::Linux, "a command line on Linux"),
                            (CommandPlatform::Macos, "a command line on macOS"),
                        ] {
                            option value=(name.name()) selected[platform == Some(name)] { (label) }
                        }
                    }
                }
                button type="submit" { "Ask the rules" }
            }
        }
    }
}

/// The rules that fire, and those that nearly do.
pub(crate) fn fires(view: &FiresView, text: &str, platform: Option<CommandPlatform>) -> Markup {
    let contents = [
        ("rules", "Rules that fire", view.fires.len() as u64),
        ("near", "Closest that do not", view.near.len() as u64),
        ("candidates", "Candidates", view.candidates.len() as u64),
        ("undecided", "Cannot be known", view.undecided_total),
    ];
    let contents: Vec<_> = contents
        .into_iter()
        .filter(|(place, _, rows)| *rows > 0 || *place == "rules")
        .map(|(place, name, rows)| (place, name, Some(rows)))
        .collect();
    let has_several = view.events.read > 1;
    let body = html! {
        h1 { "What fires here?" }
        div.sum {
            p {
                b { (number(view.fires.len() as u64)) } @if view.fires.len() == 1 { " rule fires" } @else { " rules fire" }
                " of " (counted(view.asked, "rule")) " that " @if view.asked == 1 { "reads" } @else { "read" } " "
                @if has_several { "such events" } @else { "such an event" }
            }
            (bar::whole(&view.by_vendor, view.fires.len() as u64, |_| "#rules".to_owned()))
        }
        (read(view))
        @if let Some(command) = &view.command { (inferred(command)) }
        section #rules-section {
            (heading("rules", "Rules that fire", view.fires.len() as u64))
            @if view.fires.is_empty() { p.empty { "No rule of the catalog fires on this." } }
            @else {
                p.about { "A row is a rule that holds, the most severe first, with what of it held." }
                (rules(&view.fires, "Rules that fire", has_several, false))
            }
        }
        @if !view.near.is_empty() {
            section #near-section {
                (heading("near", "Closest rules that do not fire", view.near.len() as u64))
                p.about {
                    "A row is a rule that does not fire, with the comparisons that keep it from firing, as few as there can be; first those "
                    "with the fewest, then those of which the rarest values held."
                }
                (near(&view.near, has_several, view.command.is_some()))
            }
        }
        @if !view.candidates.is_empty() {
            section #candidates-section {
                (heading("candidates", "Candidates", view.candidates.len() as u64))
                p.about { "A row is a rule whose conditions on single events hold; something that is not evaluated here decides." }
                (rules(&view.candidates, "Candidates", has_several, true))
            }
        }
        @if view.undecided_total > 0 {
            section #undecided-section {
                (heading("undecided", "Cannot be known", view.undecided_total))
                p.about { "A row is a rule of which a part decides that cannot be evaluated on this event." }
                (undecided(&view.undecided))
                @if view.undecided_total > view.undecided.len() as u64 {
                    p.more { (number(view.undecided.len() as u64)) " of " (number(view.undecided_total)) " shown" }
                }
            }
        }
        details { summary { "Ask about something else" } (form(text, platform)) }
    };
    Page { title: "What fires here?", asked: "", contents: &contents, body }.render_at(FIRES_PAGE)
}

/// What was read.
fn read(view: &FiresView) -> Markup {
    let events = view.events;
    html! {
        p.about {
            (counted(events.read, "event")) " read"
            @for kind in view.kinds.iter().take(CHECKS) {
                @if !kind.provider.is_empty() || !kind.event_id.is_empty() {
                    " · " (clipped(&kind.provider, 60)) " " (parts::event_id(&kind.provider, &kind.event_id))
                    @if view.kinds.len() > 1 { " (" (number(kind.events)) ")" }
                }
            }
            @if view.kinds.len() > CHECKS { " · and " (counted((view.kinds.len() - CHECKS) as u64, "other kind")) }
        }
        @if events.unknown_shape > 0 {
            p.note {
                (counted(events.unknown_shape, "event")) " of unknown shape: fields are taken as they are named, and only rules without a known "
                "log source are asked."
            }
        }
        @if !view.problems.is_empty() {
            ul.diagnostics {
                @for problem in &view.problems {
                    li { b { "Not read" } @if let Some(line) = problem.line { " on line " (line) } ": " (clipped(&problem.message, 300)) }
                }
            }
        }
    }
}

/// The event of a command line, what the command line does not say marked.
fn inferred(command: &CommandEvent) -> Markup {
    html! {
        table aria-label="The event" {
            tbody {
                @for (name, found) in &command.fields {
                    tr {
                        th scope="row" { (parts::field(name)) }
                        td.w.wide {
                            (value(found.as_str().unwrap_or_default(), 120, None))
                            @if command.inferred.contains(&name.as_str()) { " " span.mark title="The command line does not say it" { "inferred" } }
                        }
                    }
                }
            }
        }
        p.about {
            "The event that starting this would be recorded as. Parent, user and hashes are not known: a rule that asks for them does not fire "
            "here, and is below with " em { "not in the event" } "."
        }
    }
}

fn rules(rules: &[FiringRule], label: &str, has_several: bool, has_why: bool) -> Markup {
    html! {
        div.scroll {
            table aria-label=(label) {
                thead { tr {
                    th scope="col" { span.unseen { "Vendor" } } th scope="col" { "Rule" } th scope="col" { "Severity" }
                    @if has_several { th scope="col" { "Events" } }
                    th.wide scope="col" { @if has_why { "What decides" } @else { "What held" } }
                } }
                tbody {
                    @for rule in rules.iter().take(ROWS) {
                        tr {
                            td { (bar::letter(rule.vendor)) }
                            td.w {
                                a href=(parts::rule_address(&rule.id)) { (parts::title(&rule.title, &rule.id, 110)) }
                                @if rule.source_unknown { " " span.mark title="Nothing is known of what the rule reads" { "source unknown" } }
                            }
                            td { @match rule.severity { Some(severity) => (severity), None => span.faint { "–" } } }
                            @if has_several { td.w { (numbers(&rule.events)) } }
                            td.w {
                                @if let Some(why) = &rule.why { (clipped(why, 200)) }
                                @else {
                                    span.samples {
                                        @for check in rule.matched.iter().take(CHECKS) {
                                            span {
                                                span.faint { (clipped(&check.field, 28)) " " (check.op) " " }
                                                @if !check.value.is_empty() { (value(&check.value, 40, None)) }
                                            } " "
                                        }
                                        @if rule.matched.len() > CHECKS { span.faint { "and " (number((rule.matched.len() - CHECKS) as u64)) " more" } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if rules.len() > ROWS { p.more { (number(ROWS as u64)) " of " (number(rules.len() as u64)) " shown" } }
    }
}

/// Numbers of events.
fn numbers(events: &[u64]) -> Markup {
    let shown: Vec<String> = events.iter().take(CHECKS).map(u64::to_string).collect();
    html! { (shown.join(", ")) @if events.len() > CHECKS { ", …" } }
}

fn near(rules: &[NearRule], has_several: bool, is_command: bool) -> Markup {
    html! {
        div.scroll {
            table.misses aria-label="Closest rules that do not fire" {
                thead { tr {
                    th scope="col" { span.unseen { "Vendor" } } th scope="col" { "Rule" }
                    @if has_several { th.n scope="col" { "Event" } }
                    th.wide scope="col" { "What keeps it from firing" }
                } }
                tbody {
                    @for rule in rules {
                        tr {
                            td { (bar::letter(rule.vendor)) }
                            td.w { a href=(parts::rule_address(&rule.id)) { (parts::title(&rule.title, &rule.id, 110)) } }
                            @if has_several { td.n { (number(rule.event)) } }
                            td.w { ul { @for check in &rule.failing { li { (failing(check, is_command)) } } } }
                        }
                    }
                }
            }
        }
    }
}

/// A comparison that keeps a rule from firing.
fn failing(check: &FailedCheck, is_command: bool) -> Markup {
    let is_presence = [Op::IsNull, Op::IsNotNull].iter().any(|op| check.op == Some(op.name()));
    html! {
        @if check.negated { span.role.exclusion { "excludes" } " " }
        @match check.op {
            None => { "not understood: " (value(&check.field, 60, None)) },
            Some(op) => {
                @if check.field.is_empty() { "any field" } @else { (parts::field(&check.field)) } " " span.op { (op) } " "
                @if !is_presence {
                    @for (at, text) in check.values.iter().take(VALUES).enumerate() { @if at > 0 { " or " } (value(text, 60, None)) }
                    @if check.values_total > VALUES as u64 { span.faint { " or one of " (number(check.values_total - VALUES as u64)) " others" } }
                }
            }
        }
        @if let Some(why) = &check.unknown { " " span.faint { "cannot be known: " (clipped(why, 120)) } }
        @else if check.missing { " " span.mark { "not in the event" } @if is_command { " " span.faint { "a command line does not say it" } } }
        @if check.alternatives > 0 { " " span.faint { "or " (counted(check.alternatives, "other comparison")) } }
    }
}

fn undecided(rules: &[UndecidedRule]) -> Markup {
    html! {
        div.scroll {
            table aria-label="Cannot be known" {
                thead { tr { th scope="col" { span.unseen { "Vendor" } } th scope="col" { "Rule" } th.wide scope="col" { "Why" } } }
                tbody {
                    @for rule in rules {
                        tr {
                            td { (bar::letter(rule.vendor)) }
                            td.w { a href=(parts::rule_address(&rule.id)) { (parts::title(&rule.title, &rule.id, 110)) } }
                            td.w { (clipped(&rule.why.join("; "), 200)) }
                        }
                    }
                }
            }
        }
    }
}
