use maud::{Markup, html};
use ruleatlas_catalog::{Facet, Filters, Scope};
use ruleatlas_model::Role;
use ruleatlas_views::{Atlas, Check, IndicatorView, Question, Snippet, TechniqueShare};

use super::{
    bar,
    filters::{Form, filters},
    in_logs,
    layout::Page,
    parts::{self, Counted, heading},
};
use crate::{
    params::Params,
    text::{NAME, attr_escape, clipped, counted, number, paragraph, value, visualize_line},
};

/// Techniques and rules listed before the scope's own page is asked for.
const TECHNIQUES: usize = 30;
const RULES: usize = 200;

/// Who checks a value.
pub(crate) fn indicator(atlas: &Atlas, view: &IndicatorView, params: &Params) -> Markup {
    let row = &view.looked_for;
    let indicator = &row.indicator;
    let filtered = Question { filters: params.filters.clone(), ..Question::default() };
    let question = |role| filtered.clone().checking(Check::indicator(indicator, role));
    let is_narrowed = !params.filters.is_empty();
    let contents = [
        ("techniques", "Techniques", Some(view.techniques.len() as u64)),
        ("combined", "Looked for together", Some(view.combined_distinct as u64)),
        ("rules", "Rules that look for it", Some(view.rule_list.len() as u64)),
        ("excluding", "Rules that exclude it", Some(view.excluding_rules.len() as u64)),
    ];
    let body = html! {
        h1 {
            (parts::field(&indicator.field)) " " (parts::operator(indicator.op, &indicator.modifiers))
            @if !indicator.op.op.is_presence() { " " (value(&indicator.value, 120, None)) }
        }
        div.sum {
            p { b { (number(row.reach)) } @if row.reach == 1 { " rule looks" } @else { " rules look" } " for it" @if is_narrowed { ", " b { (number(row.rules)) } " filtered" } }
            (bar::whole(&row.reach_by_vendor, row.reach, |_| "#rules".to_owned()))
        }
        @if view.excluded.reach > 0 {
            p.about { a href="#excluding" { (counted(view.excluded.reach, "rule")) } @if view.excluded.reach == 1 { " excludes it." } @else { " exclude it." } }
        }
        @if indicator.value.chars().count() > 120 { pre.query { (paragraph(&indicator.value, 20_000)) } }
        (said(&view.snippets))
        (in_logs::recorded_value(view.on_recordings))
        (in_logs::of_value(view.in_logs.as_ref(), view.looked_for.reach > 0, view.excluded.reach > 0))
        @if row.reach > 0 {
            @if let Some(address) = parts::rules_address(&question(Role::Indicator)) {
                p.about { a href=(address) { "The authoring guide over these rules" } }
            }
        }
        (form(atlas, view, params))
        (techniques(&view.techniques, &question(Role::Indicator)))
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

/// The form that narrows the rules of the page.
fn form(atlas: &Atlas, view: &IndicatorView, params: &Params) -> Markup {
    let indicator = &view.looked_for.indicator;
    let scope = |filters: &Filters| -> Scope {
        let question = Question { filters: filters.clone(), ..Question::default() };
        let either = Check { role: None, ..Check::indicator(indicator, Role::Indicator) };
        atlas.scope(&question.checking(either)).unwrap_or_default()
    };
    let op = indicator.op.to_string();
    let given = [("field", indicator.field.as_str()), ("op", &op), ("value", &indicator.value)];
    let modifiers = indicator.modifiers.text();
    let modifier = modifiers.as_deref().map(|text| ("modifier", text));
    let besides = html! {
        @for (name, value) in given.into_iter().chain(modifier) { input type="hidden" name=(name) value=(attr_escape(value)); }
    };
    let clear = parts::indicator_address(indicator);
    filters(&atlas.index, &Form { address: "/indicator", params, scope: &scope, besides, clear: clear.as_deref() })
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
                                th scope="row" { (snippet.label) }
                                td.w.wide { code.val data-copy=(attr_escape(&snippet.text)) { (visualize_line(&snippet.text)) } @if let Some(table) = &snippet.table { " " span.faint { (table) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn techniques(rows: &[TechniqueShare], question: &Question) -> Markup {
    let most = rows.first().map_or(0, |row| row.rules);
    let (first, rest) = rows.split_at(rows.len().min(TECHNIQUES));
    html! {
        @if !rows.is_empty() {
            section #techniques-section {
                (heading("techniques", "Techniques", rows.len() as u64))
                p.about { "A row is a technique that rules which look for it are tagged with, sub-techniques apart." }
                (technique_table(first, most, question, "Techniques"))
                @if !rest.is_empty() {
                    details.rest {
                        summary { "The other " (number(rest.len() as u64)) }
                        (technique_table(rest, most, question, "The other techniques"))
                    }
                }
            }
        }
    }
}

fn technique_table(rows: &[TechniqueShare], most: u64, question: &Question, label: &str) -> Markup {
    let rules = |technique: &str| {
        let of_it = question.clone().with(Facet::Technique, technique);
        parts::rules_address(&Question { only_itself: true, ..of_it })
    };
    html! {
        div.scroll {
            table aria-label=(label) {
                thead { tr { th scope="col" { "Technique" } th.wide scope="col" { "Name" } th.n scope="col" { "Rules" } th scope="col" { "By vendor" } } }
                tbody {
                    @for row in rows {
                        @let address = parts::technique_address(&row.technique);
                        tr {
                            td { a.val href=(address) { (clipped(&row.technique, 24)) } }
                            td.w { a href=(address) { (clipped(&row.name, NAME)) } }
                            td.n { @match rules(&row.technique) {
                                Some(rules) => a href=(rules) { (number(row.rules)) },
                                None => (number(row.rules)),
                            } }
                            td { (bar::small(&row.by_vendor, most)) }
                        }
                    }
                }
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
                    a href="/about#telling" { "telling" } " says at least how many times as often as by chance."
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
