use std::collections::BTreeMap;

use maud::{Markup, html};
use ruleatlas_catalog::Filters;
use ruleatlas_catalog::{Facet, Scope};
use ruleatlas_views::{Atlas, LogSourceView, Question, VendorView};

use super::{
    about::sources,
    bar,
    facts::Facts,
    filters::{Form, filters},
    guide::Tables,
    home::technique_section,
    layout::Page,
    parts::{self, values},
    scope, years,
};
use crate::{
    params::Params,
    text::{NAME, clipped, encoded, number},
};

/// What a vendor publishes.
pub(crate) fn vendor(view: &VendorView) -> Markup {
    let mut contents = vec![("parse", "How it was understood", None)];
    if !view.techniques.is_empty() {
        contents.push(("techniques", "Techniques", Some(view.techniques.len() as u64)));
    }
    if !view.years.years.is_empty() {
        contents.push(("years", "Rules over time", None));
    }
    if !view.newest.is_empty() {
        contents.push(("newest", "Newest rules", None));
    }
    contents.push(("sources", "Sources", Some(view.sources.len() as u64)));
    let mut facts = Facts::default();
    let own = format!("vendor={}", view.vendor);
    let rules = |name: &'static str| {
        let own = &own;
        move |value: &str| Some(format!("/rules?{own}&{name}={}", encoded(value)))
    };
    facts.add("Severity", values(&view.severities, rules("severity")));
    facts.add("Status", values(&view.statuses, rules("status")));
    facts.add("Platforms", values(&view.platforms, rules("platform")));
    facts.add("Domains", values(&view.domains, rules("domain")));
    facts.add(
        "Log sources",
        values(&view.log_sources, |name| Some(format!("{}?{own}", parts::log_source_address(name)))),
    );
    let question =
        Question { filters: Filters { vendors: vec![view.vendor], ..Filters::default() }, ..Question::default() };
    let body = html! {
        h1 { span.kind { "Vendor" } " " (bar::letter(view.vendor)) " " (view.vendor) }
        div.sum {
            p {
                a href={ "/rules?" (own) } { b { (number(view.rules)) } } @if view.rules == 1 { " rule counted" } @else { " rules counted" }
                @if view.all_rules > view.rules { " of " (number(view.all_rules)) }
            }
        }
        p.about { a href={ "/rules?" (own) } { "The authoring guide over these rules, with filters" } }
        div.columns { (facts) }
        section {
            h2 #parse { a href="#parse" { "How it was understood" } }
            p.about {
                "A row is a query language, with all rules of this vendor in it. "
                a href={ "/ledger?vendor=" (view.vendor) } { "The parse ledger says why" }
            }
            (languages(&view.parse))
        }
        (technique_section(&view.techniques, "A row is a technique with its sub-techniques, and the rules of this vendor tagged with any of them.", Some(&question)))
        (years::section(&view.years))
        @if !view.newest.is_empty() {
            section {
                h2 #newest { a href="#newest" { "Newest rules" } }
                (parts::newest(&view.newest))
            }
        }
        section { h2 #sources { a href="#sources" { "Sources" } } (sources(&view.sources)) }
    };
    let title = format!("Vendor {}", view.vendor);
    Page { title: &title, asked: "", contents: &contents, body }.render()
}

fn languages(parse: &BTreeMap<&'static str, BTreeMap<&'static str, u64>>) -> Markup {
    html! {
        div.scroll {
            table aria-label="How it was understood" {
                thead { tr {
                    th.wide scope="col" { "Language" } th.n scope="col" { "Rules" } th.n scope="col" { "In full" }
                    th.n scope="col" { "In part" } th.n scope="col" { "Not" } th.n scope="col" { "No query" }
                } }
                tbody {
                    @for (language, statuses) in parse {
                        tr {
                            td { (language) }
                            td.n { (number(statuses.values().sum())) }
                            @for status in ["full", "partial", "failed", "no_query"] {
                                td.n { (parts::or_dash(statuses.get(status).copied().unwrap_or_default())) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What the rules over a log source read, filter, look for and exclude.
pub(crate) fn log_source(atlas: &Atlas, view: &LogSourceView, params: &Params) -> Markup {
    let address = parts::log_source_address(&view.log_source);
    let total = view.guide.rules.total;
    let question = params.question().with(Facet::LogSource, &view.log_source);
    let tables = Tables {
        guide: &view.guide,
        rules: &view.rule_list,
        address: &address,
        params,
        own: None,
        question: &question,
    };
    let contents = tables.contents();
    let contents = if total > 0 { &contents[..] } else { &[] };
    let mut facts = Facts::default();
    facts.add("Domains", parts::words(&view.domains, |domain| parts::rules_with("domain", domain)));
    facts.add(
        "Platforms",
        values(&view.platforms, |platform| Some(format!("{address}?platform={}", encoded(platform)))),
    );
    let scope = |filters: &Filters| Scope::facet(&atlas.index, Facet::LogSource, &view.log_source, filters);
    let body = html! {
        h1 { span.kind { "Log source" } " " span.val { (clipped(&view.log_source, NAME)) } @if let Some(title) = &view.title { " " span.faint { (clipped(title, NAME)) } } }
        div.sum {
            p { b { (number(total)) } @if total == 1 { " rule reads" } @else { " rules read" } " it" @if !params.filters.is_empty() { ", filtered" } }
            (bar::whole(&view.guide.rules.by_vendor, total, |vendor| format!("#rules-{vendor}")))
        }
        div.columns { (facts) }
        (filters(&atlas.index, &Form { address: &address, params, scope: &scope, besides: html! {}, clear: None }))
        @if total > 0 {
            (tables.all())
            (technique_section(&view.techniques, "A row is a technique with its sub-techniques, and the rules of this page tagged with any of them.", Some(&question)))
        } @else if params.filters.is_empty() {
            p.empty { "No counted rule of the catalog reads this log source." }
        } @else {
            (scope::relaxing(atlas, &question, &address, params).unwrap_or_default())
        }
    };
    let title = format!("Log source {}", view.log_source);
    Page { title: &title, asked: "", contents, body }.render()
}
