use maud::{Markup, html};
use ruleatlas_model::Role;
use ruleatlas_views::{Check, IndicatorView, Question, Snippet, TechniqueShare};

use super::{
    bar,
    layout::Page,
    parts::{self, Counted, heading},
};
use crate::text::{NAME, clipped, number, paragraph, shown, value};

/// Techniques and rules listed before the scope's own page is asked for.
const TECHNIQUES: usize = 30;
const RULES: usize = 200;

/// Who checks a value.
pub(crate) fn indicator(view: &IndicatorView) -> Markup {
    let row = &view.looked_for;
    let indicator = &row.indicator;
    let question = |role| Question::default().checking(Check::indicator(indicator, role));
    let contents = [
        ("techniques", "Techniques", Some(view.techniques.len() as u64)),
        ("combined", "Looked for together", Some(view.combined_distinct as u64)),
        ("rules", "Rules that look for it", Some(view.rule_list.len() as u64)),
        ("excluding", "Rules that exclude it", Some(view.excluding_rules.len() as u64)),
    ];
    let body = html! {
        h1 {
            (parts::field(&indicator.field)) " " (parts::operator(indicator.op, indicator.modifier.as_deref()))
            @if !indicator.op.op.is_presence() { " " (value(&indicator.value, 120, None)) }
        }
        div.sum {
            p { b { (number(row.reach)) } @if row.reach == 1 { " rule looks" } @else { " rules look" } " for it" }
            (bar::whole(&row.reach_by_vendor, row.reach, |_| "#rules".to_owned()))
        }
        @if view.excluded.reach > 0 {
            p.about { (crate::text::counted(view.excluded.reach, "rule")) @if view.excluded.reach == 1 { " excludes it." } @else { " exclude it." } }
        }
        @if indicator.value.chars().count() > 120 { pre.query.wrap { (paragraph(&indicator.value, 20_000)) } }
        (said(&view.snippets))
        @if row.reach > 0 {
            @if let Some(address) = parts::rules_address(&question(Role::Indicator)) {
                p { a href=(address) { "The authoring guide over these rules" } ", with filters" }
            }
        }
        (techniques(&view.techniques))
        (combined(view, &question(Role::Indicator)))
        section.indicator #rules-section {
            (heading("rules", "Rules that look for it", view.rule_list.len() as u64))
            @if view.rule_list.is_empty() { p.empty { "No counted rule looks for it." } }
            @else { (rules(&view.rule_list, "Rules that look for it", &question(Role::Indicator))) }
        }
        section.exclusion #excluding-section {
            (heading("excluding", "Rules that exclude it", view.excluding_rules.len() as u64))
            @if view.excluding_rules.is_empty() { p.empty { "No counted rule excludes it." } }
            @else { (rules(&view.excluding_rules, "Rules that exclude it", &question(Role::Exclusion))) }
        }
    };
    let title = format!("{} {} {}", clipped(&indicator.field, 40), indicator.op, clipped(&indicator.value, 60));
    Page { title: &title, asked: "", contents: &contents, body }.render()
}

fn rules(items: &[ruleatlas_views::RuleItem], label: &str, question: &Question) -> Markup {
    html! {
        (parts::rules(items.iter().take(RULES), label, None))
        @if items.len() > RULES {
            p.more {
                (RULES) " of " (number(items.len() as u64)) " shown"
                @if let Some(address) = parts::rules_address(question) { " · " a href={ (address) "#rules" } { "All of them" } }
            }
        }
    }
}

/// The indicator as every language writes it.
fn said(snippets: &[Snippet]) -> Markup {
    html! {
        @if !snippets.is_empty() {
            div.scroll {
                table.snips aria-label="As a piece of a query" {
                    tbody {
                        @for snippet in snippets {
                            tr {
                                th scope="row" { (snippet.label()) }
                                td.w.wide { code.val data-copy { (shown(&snippet.text)) } @if let Some(table) = &snippet.table { " " span.faint { (shown(table)) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn techniques(rows: &[TechniqueShare]) -> Markup {
    let most = rows.first().map_or(0, |row| row.rules);
    html! {
        @if !rows.is_empty() {
            section #techniques-section {
                (heading("techniques", "Techniques", rows.len() as u64))
                p.about { "A row is a technique that rules which look for it are tagged with, sub-techniques apart." }
                div.scroll {
                    table aria-label="Techniques" {
                        thead { tr { th scope="col" { "Technique" } th.wide scope="col" { "Name" } th.n scope="col" { "Rules" } th scope="col" { "By vendor" } } }
                        tbody {
                            @for row in rows.iter().take(TECHNIQUES) {
                                tr {
                                    td { a.val href=(parts::technique_address(&row.technique)) { (clipped(&row.technique, 24)) } }
                                    td.w { (clipped(&row.name, NAME)) }
                                    td.n { (number(row.rules)) }
                                    td { (bar::small(&row.by_vendor, most)) }
                                }
                            }
                        }
                    }
                }
                @if rows.len() > TECHNIQUES { p.more { (TECHNIQUES) " of " (number(rows.len() as u64)) " shown" } }
            }
        }
    }
}

/// What its rules look for besides.
fn combined(view: &IndicatorView, question: &Question) -> Markup {
    let counted = Counted {
        label: "Looked for together",
        here: Some("Together"),
        reach: "Reach",
        of_one_field: false,
        role: Role::Indicator,
        place: None,
        question: Some(question),
    };
    html! {
        @if !view.combined.is_empty() {
            section.indicator #combined-section {
                (heading("combined", "Looked for together", view.combined_distinct as u64))
                p.about {
                    "A row is what rules that look for this value look for besides, the most telling first: "
                    em { "telling" } " says at least how many times as often as by chance."
                }
                (parts::indicators(&view.combined, &counted))
                @if view.combined_distinct > view.combined.len() {
                    p.more {
                        (view.combined.len()) " of " (number(view.combined_distinct as u64)) " shown"
                        @if let Some(address) = parts::rules_address(question) {
                            " · " a href={ (address) "&sort=indicators.distinctiveness#indicators" } { "All of them" }
                        }
                    }
                }
            }
        }
    }
}
