//! A draft with what is to be said of it.

use maud::{Markup, html};
use ruleatlas_check::{Finding, level_name};
use ruleatlas_model::Level;

use super::{layout::Page, rule_address};
use crate::{
    routes,
    text::{clipped, counted, visualize_control_chars},
};

/// Characters of a draft that are shown.
const MAX_SHOWN: usize = 100_000;
/// Findings that are shown.
const MAX_FINDINGS: usize = 200;

/// The form that takes a draft.
pub(crate) fn check_form(language: &str) -> Markup {
    let body = html! {
        h1 { "Check a draft rule" }
        p.about {
            "Paste a rule in any vendor's format, or a query with its language. It is read for this answer alone, and kept nowhere."
        }
        (form("", language))
    };
    Page { title: "Check", asked: "", contents: &[], body }.render_at("/check")
}

fn form(text: &str, language: &str) -> Markup {
    html! {
        form.draft action="/check" method="post" enctype="multipart/form-data" aria-label="Draft" {
            textarea name="rule" rows="20" aria-label="Rule" spellcheck="false" { (text) }
            div.filters {
                label {
                    "Language "
                    select name="language" {
                        option value="" selected[language.is_empty()] { "as the rule says" }
                        @for name in routes::languages() {
                            option value=(name) selected[name == language] { (name) }
                        }
                    }
                }
                button type="submit" { "Check" }
            }
        }
    }
}

/// The findings next to the draft.
pub(crate) fn checked(findings: &[Finding], text: &str, language: &str) -> Markup {
    let head: String = text.chars().take(MAX_SHOWN).collect();
    let body = html! {
        h1 { "Check a draft rule" }
        p { (summary(findings)) }
        div.drafted {
            section aria-label="Findings" {
                ol.findings {
                    @for (at, finding) in by_level(findings).into_iter().take(MAX_FINDINGS).enumerate() { (entry(at, finding)) }
                }
                @if findings.len() > MAX_FINDINGS {
                    p.more { "The other " (findings.len() - MAX_FINDINGS) " are in the answer as JSON." }
                }
            }
            section aria-label="Draft" { (marked(&head, findings)) }
        }
        // What could not be seen is shown here, too.
        details { summary { "Change it" } (form(&visualize_control_chars(&head), language)) }
    };
    Page { title: "Check", asked: "", contents: &[], body }.render_at("/check")
}

/// How many findings there are, by level.
fn summary(findings: &[Finding]) -> String {
    let levels = [Level::Error, Level::Warning, Level::Note].into_iter().filter_map(|level| {
        let count = findings.iter().filter(|finding| finding.level == level).count() as u64;
        (count > 0).then(|| counted(count, level_name(level)))
    });
    let levels: Vec<String> = levels.collect();
    match levels.is_empty() {
        true => "No findings: nothing is to be said of it.".to_owned(),
        false => format!("{}.", levels.join(", ")),
    }
}

fn entry(at: usize, finding: &Finding) -> Markup {
    let evidence = &finding.evidence;
    html! {
        li id={ "finding-" (at + 1) } {
            p {
                b { (level_name(finding.level)) " " (finding.code) } " "
                a href={ "#line-" (finding.line) } { "line " (finding.line) }
            }
            p { (prose(&finding.message)) }
            p.about { (prose(&finding.help)) }
            @if !evidence.indicators.is_empty() {
                ul.lines {
                    @for suggestion in &evidence.indicators {
                        li {
                            code.val {
                                @if suggestion.line.is_empty() {
                                    (clipped(&format!("{} {} {}", suggestion.indicator.field, suggestion.indicator.op, suggestion.indicator.value), 300))
                                } @else { (clipped(&suggestion.line, 300)) }
                            }
                            " " (suggestion.rules) " of " (suggestion.of)
                            @if let Some(removed) = suggestion.removed { ", " (counted(removed, "hit")) " removed" }
                        }
                    }
                }
            }
            @if !evidence.rules.is_empty() {
                p.about {
                    @for (at, id) in evidence.rules.iter().enumerate() {
                        @if at > 0 { ", " }
                        a href=(rule_address(id)) { (clipped(id, 80)) }
                    }
                }
            }
            @if !evidence.derivation.is_empty() { p.about { "Because " (prose(&evidence.derivation)) } }
            @if let Some(bypass) = &evidence.bypass {
                details {
                    summary { "An event before and after" }
                    pre.query { code { "selected\n" (pretty(&bypass.before.to_json())) "\n\nnot selected\n" (pretty(&bypass.after.to_json())) } }
                }
            }
            @if let Some(witness) = &evidence.witness {
                details {
                    summary {
                        "An event that " @if witness.draft { "the draft" } @else { "the other rule" } " selects"
                        @if witness.other.is_some() { " alone" }
                    }
                    pre.query { code { (pretty(&witness.event.to_json())) } }
                }
            }
        }
    }
}

/// The most severe first, those of a level in the order of the draft.
fn by_level(findings: &[Finding]) -> Vec<&Finding> {
    let mut ordered: Vec<&Finding> = findings.iter().collect();
    ordered.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    ordered
}

/// A sentence, what stands in backticks as code.
fn prose(text: &str) -> Markup {
    let text = clipped(text, 600);
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code.val { (part) } } @else { (part) }
        }
    }
}

fn pretty(json: &serde_json::Value) -> String {
    visualize_control_chars(&serde_json::to_string_pretty(json).unwrap_or_default()).into_owned()
}

/// The draft, its lines numbered, what findings are about marked.
fn marked(text: &str, findings: &[Finding]) -> Markup {
    let mut start = 0;
    let lines: Vec<(usize, &str)> = text
        .split('\n')
        .map(|line| {
            let at = start;
            start += line.len() + 1;
            (at, line.trim_end_matches('\r'))
        })
        .collect();
    html! {
        pre.query tabindex="0" aria-label="Draft" {
            code {
                @for (number, (start, line)) in lines.iter().enumerate() {
                    span id={ "line-" (number + 1) } { (marked_line(*start, line, findings)) }
                    "\n"
                }
            }
        }
    }
}

fn marked_line(start: usize, line: &str, findings: &[Finding]) -> Markup {
    let end = start + line.len();
    let mut ranges: Vec<(usize, usize)> = findings
        .iter()
        .filter(|finding| finding.span[0] < end && finding.span[1] > start)
        .map(|finding| (finding.span[0].max(start) - start, finding.span[1].min(end) - start))
        .filter(|(from, to)| from < to && line.is_char_boundary(*from) && line.is_char_boundary(*to))
        .collect();
    ranges.sort_unstable();
    let mut parts: Vec<(&str, bool)> = Vec::new();
    let mut at = 0;
    for (from, to) in ranges {
        if to <= at {
            continue;
        }
        let from = from.max(at);
        parts.push((line.get(at..from).unwrap_or_default(), false));
        parts.push((line.get(from..to).unwrap_or_default(), true));
        at = to;
    }
    parts.push((line.get(at..).unwrap_or_default(), false));
    html! {
        @for (part, is_marked) in parts.iter().filter(|(part, _)| !part.is_empty()) {
            @if *is_marked { mark { (visualize_control_chars(part)) } } @else { (visualize_control_chars(part)) }
        }
    }
}
