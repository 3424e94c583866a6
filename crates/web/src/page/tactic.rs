use maud::{Markup, html};
use ruleatlas_catalog::{Facet, Filters};
use ruleatlas_views::{Atlas, MatrixTechnique, Question, TacticView};

use super::{
    bar,
    facts::Facts,
    filters::{Form, filters},
    layout::Page,
    parts::{self, heading},
};
use crate::{
    markdown,
    params::Params,
    text::{NAME, clipped, number},
};

/// A tactic: its techniques with their rules.
pub(crate) fn tactic(atlas: &Atlas, view: &TacticView, params: &Params) -> Markup {
    let address = parts::tactic_address(&view.column.tactic);
    let question = params.question();
    let found = atlas.find_tactic(&view.column.tactic).ok();
    let scope = |filters: &Filters| found.map(|tactic| atlas.tactic_scope(tactic, filters)).unwrap_or_default();
    let column = &view.column;
    let contents = [
        ("techniques", "Techniques", Some(column.techniques.len() as u64)),
        ("rules", "Rules that name only the tactic", Some(view.only_tactic.len() as u64)),
    ];
    let mut facts = Facts::default();
    facts.add("Matrix", html! { a href={ "/matrix" @if view.domain.name() != "enterprise" { "?matrix=" (view.domain.name()) } } { (view.domain.name()) } });
    facts.add("ATT&CK", html! {
        a rel="noreferrer" href={ "https://attack.mitre.org/tactics/" (crate::text::encoded(&column.tactic)) } { "attack.mitre.org" }
        " · version " (clipped(&atlas.attack.version, 40))
    });
    let (first, rest) = markdown::paragraphs(&view.description, &[]);
    let body = html! {
        h1 {
            span.id { (clipped(&column.tactic, 24)) } " " (clipped(&column.name, NAME))
            @if view.deprecated { " " span.mark { "deprecated by ATT&CK" } }
        }
        div.sum {
            p { b { (number(view.count.total)) } @if view.count.total == 1 { " rule" } @else { " rules" } @if !params.filters.is_empty() { ", filtered" } }
            (bar::whole(&view.count.by_vendor, view.count.total, |_| "#techniques".to_owned()))
        }
        div.intro {
            div.prose { (first) @if let Some(rest) = rest { details { summary { "More of ATT&CK’s text" } (rest) } } }
            (facts)
        }
        (filters(&atlas.index, &Form { address: &address, params, scope: &scope, besides: html! {}, clear: None }))
        section {
            (heading("techniques", "Techniques", column.techniques.len() as u64))
            p.about {
                "A row is a technique or sub-technique; " em { "rules" } " counts those tagged with it or one of "
                "its sub-techniques, " em { "itself" } " those tagged with it alone."
            }
            (techniques(&column.techniques, &question))
        }
        section {
            (heading("rules", "Rules that name only the tactic", view.only_tactic.len() as u64))
            p.about { "A row is a rule tagged with this tactic and none of its techniques; it is counted under no technique." }
            @if view.only_tactic.is_empty() { p.empty { "Every rule that names this tactic names a technique of it." } }
            @else { (parts::rules(view.only_tactic.iter().take(RULES), "Rules that name only the tactic", None)) }
            @if view.only_tactic.len() > RULES {
                details.rest {
                    summary { "The other " (number((view.only_tactic.len() - RULES) as u64)) }
                    (parts::rules(&view.only_tactic[RULES..], "The other rules", None))
                }
            }
        }
    };
    let title = format!("{} {}", column.tactic, column.name);
    Page { title: &title, asked: "", contents: &contents, body }.render()
}

/// Rules before the rest is asked for.
const RULES: usize = 30;

/// A number of rules that leads to them.
fn count(question: &Question, technique: &str, rules: u64, only_itself: bool) -> Markup {
    let question = Question { only_itself, ..question.clone() }.with(Facet::Technique, technique);
    html! {
        @match parts::rules_address(&question).filter(|_| rules > 0) {
            Some(address) => a href=(address) { (number(rules)) },
            None => (parts::or_dash(rules)),
        }
    }
}

fn techniques(rows: &[MatrixTechnique], question: &Question) -> Markup {
    let count = |technique: &str, rules: u64, only_itself: bool| count(question, technique, rules, only_itself);
    let most = rows.iter().map(|row| row.rules.total).max().unwrap_or(0);
    html! {
        div.scroll {
            table.techniques aria-label="Techniques" {
                thead { tr {
                    th scope="col" { "Technique" } th.wide scope="col" { "Name" } th.n scope="col" { "Rules" }
                    th.n scope="col" { "Itself" } th scope="col" { "By vendor" }
                } }
                tbody {
                    @for row in rows {
                        tr {
                            td { a.val href=(parts::technique_address(&row.technique)) { (row.technique) } }
                            td.w { a href=(parts::technique_address(&row.technique)) { (clipped(&row.name, NAME)) } }
                            td.n { (count(&row.technique, row.rules.total, false)) }
                            td.n { (count(&row.technique, row.own_rules, true)) }
                            td { (bar::small(&row.rules.by_vendor, most)) }
                        }
                        @for sub in &row.sub_techniques {
                            tr.under {
                                td { a.val href=(parts::technique_address(&sub.technique)) { (sub.technique) } }
                                td.w { a href=(parts::technique_address(&sub.technique)) { (clipped(&sub.name, NAME)) } }
                                td.n {}
                                td.n { (count(&sub.technique, sub.rules.total, true)) }
                                td { (bar::small(&sub.rules.by_vendor, most)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
