use std::fmt::Write as _;

use maud::{Markup, html};
use ruleatlas_views::{Fault, LedgerQuestion, LedgerReason, LedgerRow, LedgerView};

use super::{
    bar,
    layout::Page,
    parts::{self, heading, or_dash},
};
use crate::text::{clipped, counted, encoded, number, value};

/// Reasons before the rest is folded away.
const REASONS: usize = 30;

/// The parse ledger.
pub(crate) fn ledger(view: &LedgerView, question: &LedgerQuestion) -> Markup {
    let contents = [
        ("languages", "By language", Some(view.rows.len() as u64)),
        ("files", "By source", Some(view.sources.len() as u64)),
        ("reasons", "Why", Some(view.reasons.len() as u64)),
        ("faults", "Not understood as a whole", Some(view.faults_total)),
    ];
    let sum = |number: fn(&LedgerRow) -> u64| view.rows.iter().map(number).sum::<u64>();
    let body = html! {
        h1 { "Parse ledger" }
        p.about { "Every file and every rule of every source accounted for: nothing is left out without saying so." }
        dl.sums {
            div {
                dt { b { (number(view.files)) } " files" }
                dd { "= " (number(view.with_rules)) " with rules + " (number(view.not_a_rule)) " without + " (number(view.unreadable)) " unreadable" }
            }
            div {
                dt { b { (number(view.rules)) } " rules" }
                dd {
                    "= " (number(sum(|row| row.full))) " understood in full + " (number(sum(|row| row.partial))) " in part + "
                    (number(sum(|row| row.failed))) " not + " (number(sum(|row| row.no_query))) " without a query"
                }
            }
            div {
                dt { b { (number(view.counted)) } " counted" }
                dd {
                    "= " (number(view.rules)) " rules − " (number(view.not_counted)) " deprecated, unsupported, filters, policies, baselines and insights − "
                    (number(view.variants)) " that are variants of another"
                }
            }
        }
        section {
            (heading("languages", "By language", view.rows.len() as u64))
            p.about { "A row is the rules of a vendor in a query language; a number leads to its rules below. " em { "In part" } " means that some of the query stays opaque, which the rule’s page marks." }
            (languages(&view.rows))
        }
        section {
            (heading("files", "By source", view.sources.len() as u64))
            p.about { "A row is a source; its files on disk are the sum of the three numbers behind them." }
            (files(view))
        }
        section {
            (heading("reasons", "Why", view.reasons.len() as u64))
            p.about { "A row is a reason why rules are not understood as a whole: the first that was found in each." (narrowed(question)) }
            (reasons(&view.reasons, question))
        }
        section {
            (heading("faults", "Not understood as a whole", view.faults_total))
            p.about { "A row is a rule or a file." (narrowed(question)) }
            (faults(view, question))
        }
    };
    Page { title: "Parse ledger", asked: "", contents: &contents, body }.render_at("/ledger")
}

/// The address of the ledger with a question.
fn address(question: &LedgerQuestion, offset: usize) -> String {
    let mut address = "/ledger".to_owned();
    let mut add = |name: &str, value: &str| {
        let mark = if address.contains('?') { '&' } else { '?' };
        let _ = write!(address, "{mark}{name}={}", encoded(value));
    };
    question.vendors.iter().for_each(|vendor| add("vendor", vendor.name()));
    question.languages.iter().for_each(|language| add("language", language.name()));
    question.parse.iter().for_each(|parse| add("parse", parse.name()));
    question.phrase.iter().for_each(|phrase| add("why", phrase));
    if offset > 0 {
        add("offset", &offset.to_string());
    }
    address
}

/// What the list is narrowed to.
fn narrowed(question: &LedgerQuestion) -> Markup {
    let LedgerQuestion { vendors, languages, parse, phrase, .. } = question;
    let words = vendors.iter().map(|it| it.name()).chain(languages.iter().map(|it| it.name()));
    let words: Vec<&str> = words.chain(parse.iter().map(|it| parsed(it.name()))).chain(phrase.as_deref()).collect();
    html! {
        @if !words.is_empty() {
            " Only: " b { (clipped(&words.join(", "), 300)) } ". " a href="/ledger#reasons" { "Show all" }
        }
    }
}

fn parsed(parse: &str) -> &str {
    match parse {
        "full" => "in full",
        "partial" => "in part",
        "failed" => "not understood",
        "no_query" => "no query",
        other => other,
    }
}

fn languages(rows: &[LedgerRow]) -> Markup {
    html! {
        div.scroll {
            table aria-label="By language" {
                thead { tr {
                    th scope="col" { "Vendor" } th.wide scope="col" { "Language" } th.n scope="col" { "Rules" }
                    th.n scope="col" { "In full" } th.n scope="col" { "In part" } th.n scope="col" { "Not" } th.n scope="col" { "No query" }
                } }
                tbody {
                    @for row in rows {
                        @let link = |parse: &str, count: u64| html! {
                            @if count == 0 { (or_dash(0)) }
                            @else {
                                a href={ "/ledger?vendor=" (row.vendor) "&language=" (row.language) "&parse=" (parse) "#faults" } { (number(count)) }
                            }
                        };
                        tr {
                            td { (bar::letter(row.vendor)) " " a href=(parts::vendor_address(row.vendor)) { (row.vendor) } }
                            td { (row.language) }
                            td.n { (number(row.rules)) }
                            td.n { (or_dash(row.full)) }
                            td.n { (link("partial", row.partial)) }
                            td.n { (link("failed", row.failed)) }
                            td.n { (link("no_query", row.no_query)) }
                        }
                    }
                }
            }
        }
    }
}

fn files(view: &LedgerView) -> Markup {
    html! {
        div.scroll {
            table aria-label="By source" {
                thead { tr {
                    th.wide scope="col" { "Source" } th.n scope="col" { "Files" } th.n scope="col" { "With rules" } th.n scope="col" { "Without" }
                    th.n scope="col" { "Unreadable" } th.n scope="col" { "Rules" } th.n scope="col" { "Counted" }
                } }
                tbody {
                    @for source in &view.sources {
                        tr {
                            td.w {
                                (clipped(&source.source, 60))
                                @if !source.reasons.is_empty() {
                                    details.why {
                                        summary { "Files without rules" }
                                        ul { @for (reason, count) in &source.reasons { li { (number(*count)) " " (clipped(reason, 160)) } } }
                                    }
                                }
                            }
                            td.n { (number(source.files)) }
                            td.n { (or_dash(source.with_rules)) }
                            td.n { (or_dash(source.not_a_rule)) }
                            td.n { (or_dash(source.unreadable)) }
                            td.n { (or_dash(source.rules)) }
                            td.n { (or_dash(view.counted_by_source.get(&source.source).copied().unwrap_or_default())) }
                        }
                    }
                }
            }
        }
    }
}

fn reasons(rows: &[LedgerReason], question: &LedgerQuestion) -> Markup {
    let table = |rows: &[LedgerReason], label: &str| {
        html! {
            div.scroll {
                table aria-label=(label) {
                    thead { tr {
                        th scope="col" { "Parsed" } th.wide scope="col" { "Why" } th.n scope="col" { "Rules" } th scope="col" { "By source" }
                    } }
                    tbody {
                        @for row in rows {
                            @let narrow = LedgerQuestion { phrase: Some(row.phrase.clone()), ..question.clone() };
                            tr {
                                td { (parsed(row.parse.name())) }
                                td.w { a href={ (address(&narrow, 0)) "#faults" } { (clipped(&row.phrase, 120)) } }
                                td.n { (number(row.rules)) }
                                td { span.pairs { @for (source, count) in row.by_source.iter().take(6) { span { (clipped(source, 32)) " " b { (number(*count)) } } " " } } }
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        @if rows.is_empty() { p.empty { "Everything was understood." } }
        @else { (table(&rows[..rows.len().min(REASONS)], "Why")) }
        @if rows.len() > REASONS {
            details.rest {
                summary { "The other " (counted((rows.len() - REASONS) as u64, "reason")) }
                (table(&rows[REASONS..], "The other reasons"))
            }
        }
    }
}

fn faults(view: &LedgerView, question: &LedgerQuestion) -> Markup {
    let end = view.offset + view.faults.len();
    let total = usize::try_from(view.faults_total).unwrap_or(usize::MAX);
    html! {
        @if view.faults.is_empty() {
            p.empty { @if total == 0 { "There is none." } @else { "The list ends before this place." } }
        } @else {
            div.scroll {
                table.faults aria-label="Not understood as a whole" {
                    thead { tr {
                        th scope="col" { span.unseen { "Vendor" } } th scope="col" { "Parsed" } th.wide scope="col" { "Rule" } th.wide scope="col" { "Why" }
                    } }
                    tbody { @for fault in &view.faults { (row(fault)) } }
                }
            }
            @if view.offset > 0 || end < total {
                p.more {
                    (number(view.offset as u64 + 1)) "–" (number(end as u64)) " of " (number(view.faults_total))
                    @if view.offset > 0 {
                        span.served { " · " a href={ (address(question, view.offset.saturating_sub(view.faults.len()))) "#faults" } { "before" } }
                    }
                    @if end < total { span.served { " · " a href={ (address(question, end)) "#faults" } { "next" } } }
                }
            }
        }
    }
}

fn row(fault: &Fault) -> Markup {
    let place = match fault.fault.line {
        Some(line) => format!("{}/{}:{line}", fault.fault.source, fault.fault.path),
        None => format!("{}/{}", fault.fault.source, fault.fault.path),
    };
    html! {
        tr {
            td { @if let Some(vendor) = fault.vendor { (bar::letter(vendor)) } }
            td { (parsed(fault.fault.parse.name())) }
            td.w {
                @if let Some(id) = &fault.fault.rule {
                    a href=(parts::rule_address(id)) { (parts::title(fault.title.as_deref().unwrap_or_default(), id, 110)) }
                    " "
                }
                span.faint { (value(&place, 72, None)) }
            }
            td.w { (clipped(&fault.fault.reason, 240)) }
        }
    }
}
