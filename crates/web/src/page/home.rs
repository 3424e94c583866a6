use std::collections::BTreeSet;

use maud::{Markup, html};
use ruleatlas_catalog::Facet;
use ruleatlas_views::{HomeView, Question, TechniqueCount};

use super::{
    about::sources,
    bar,
    layout::Page,
    parts::{self, heading},
    years,
};
use crate::text::{NAME, clipped, number};

/// Techniques listed.
const TECHNIQUES: usize = 40;

/// The first page: what is here, and ways in.
pub(crate) fn home(view: &HomeView) -> Markup {
    let mut contents =
        vec![("techniques", "Techniques", None), ("platforms", "Platforms", None), ("newest", "Newest rules", None)];
    if !view.years.years.is_empty() {
        contents.push(("years", "Rules over time", None));
    }
    contents.push(("sources", "Sources", None));
    let total = view.rules.total;
    let body = html! {
        h1 { "What the world’s detection rules look for" }
        div.sum {
            p { a href="/rules" { b { (number(total)) } } " rules counted" @if view.all_rules > total { " of " (number(view.all_rules)) } }
            (bar::whole(&view.rules.by_vendor, total, parts::vendor_address))
        }
        p.about {
            "Every query is read into predicates: a field, an operator, values; " (number(view.indicators))
            " distinct checks of " (number(view.fields)) " fields. A technique’s page counts what its rules read, filter, look "
            "for and exclude. " a href="/about" { "How it is counted" }
        }
        (techniques(&view.techniques))
        section {
            h2 #platforms { a href="#platforms" { "Platforms" } }
            p.about { "What the rules of a platform read, which of its events are known, and what no rule reads." }
            p {
                @for platform in &view.platforms {
                    a href=(parts::platform_address(&platform.name)) { (platform.title) }
                    @if let Some(rules) = platform.rules { " " span.count { (number(rules)) } }
                    " "
                }
            }
        }
        @if !view.newest.is_empty() {
            section {
                h2 #newest { a href="#newest" { "Newest rules" } }
                (parts::newest(&view.newest))
            }
        }
        (years::section(&view.years))
        section { h2 #sources { a href="#sources" { "Sources" } } (sources(&view.sources)) }
    };
    Page { title: "Home", asked: "", contents: &contents, body }.render()
}

fn techniques(rows: &[TechniqueCount]) -> Markup {
    html! {
        section {
            h2 #techniques { a href="#techniques" { "Techniques with the most rules" } }
            p.about {
                "A row is an ATT&CK technique with its sub-techniques, and the rules tagged with any of them: the first "
                (number(rows.len().min(TECHNIQUES) as u64)) " of " (number(rows.len() as u64)) " that have any. "
                a href="/matrix" { "All of them as a matrix" }
            }
            @if rows.is_empty() { p.empty { "No ATT&CK version is loaded, or no rule names a technique: build with `--source attack=PATH`." } }
            @else { (table(&rows[..rows.len().min(TECHNIQUES)], "Techniques with the most rules", Some(&Question::default()))) }
        }
    }
}

/// Techniques with their rules by vendor; a number leads to those of the question, if the rules are those of one.
fn table(rows: &[TechniqueCount], label: &str, question: Option<&Question>) -> Markup {
    let most = rows.iter().map(|row| row.rules.total).max().unwrap_or(0);
    // Of one vendor alone every number would stand there twice.
    let is_of_one = rows.iter().flat_map(|row| row.rules.by_vendor.keys()).collect::<BTreeSet<_>>().len() < 2;
    let rules = |technique: &str| match question {
        Some(question) => parts::rules_address(&question.clone().with(Facet::Technique, technique)),
        None => None,
    };
    html! {
        div.scroll {
            table.techniques aria-label=(label) {
                thead { tr {
                    th scope="col" { "Technique" } th.wide scope="col" { "Name" } th.n scope="col" { "Rules" } th scope="col" { @if is_of_one { span.unseen { "As a bar" } } @else { "By vendor" } }
                } }
                tbody {
                    @for row in rows {
                        @let address = parts::technique_address(&row.technique);
                        tr {
                            td { a.val href=(address) { (row.technique) } }
                            td.w { a href=(address) { (clipped(&row.name, NAME)) } }
                            td.n { @match rules(&row.technique) {
                                Some(rules) => a href=(rules) { (number(row.rules.total)) },
                                None => (number(row.rules.total)),
                            } }
                            td { @if is_of_one { (bar::bare(&row.rules.by_vendor, most)) } @else { (bar::small(&row.rules.by_vendor, most)) } }
                        }
                    }
                }
            }
        }
    }
}

/// A section of techniques with their rules, the first of many; the rules are those of the question, if of one.
pub(super) fn technique_section(rows: &[TechniqueCount], about: &str, question: Option<&Question>) -> Markup {
    html! {
        @if !rows.is_empty() {
            section {
                (heading("techniques", "Techniques", rows.len() as u64))
                p.about { (about) }
                (table(&rows[..rows.len().min(TECHNIQUES)], "Techniques", question))
                @if rows.len() > TECHNIQUES {
                    details.rest {
                        summary { "The other " (number((rows.len() - TECHNIQUES) as u64)) }
                        (table(&rows[TECHNIQUES..], "The other techniques", question))
                    }
                }
            }
        }
    }
}
