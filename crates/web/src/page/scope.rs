use std::collections::BTreeMap;

use maud::{Markup, html};
use ruleatlas_catalog::{Facet, Filters, Scope};
use ruleatlas_model::Vendor;
use ruleatlas_views::{Atlas, Error, Question, ScopeView};

use super::{
    bar,
    filters::{Form, filters},
    guide::Tables,
    layout::Page,
    parts,
};
use crate::{
    params::{FACETS, Params, check_pair},
    text::{attr_escape, clipped, number},
};

/// Where scopes stand.
const ADDRESS: &str = "/rules";
/// Rules of a list that stands in a row, about as many of each vendor.
const LISTED: usize = 24;

/// One thing that narrows a question, and the question without it.
struct Part {
    name: String,
    value: String,
    without: Question,
}

/// Any set of rules with the whole authoring guide over it.
pub(crate) fn scope(atlas: &Atlas, mut view: ScopeView, params: &Params) -> Result<Markup, Error> {
    params.orders.values().for_each(|order| order.apply(&mut view.guide, &mut view.rule_list));
    let question = params.question();
    let parts = parts_of(atlas, &question);
    let total = view.guide.rules.total;
    let tables =
        Tables { guide: &view.guide, rules: &view.rule_list, address: ADDRESS, params, own: None, question: &question };
    let contents = tables.contents();
    let contents = if total > 0 { &contents[..] } else { &[] };
    let relaxed = if total == 0 { relaxed(atlas, &parts)? } else { Vec::new() };
    let body = html! {
        h1 { "Rules" }
        @if !parts.is_empty() { (chips(&parts)) }
        div.sum {
            p { b { (number(total)) } @if total == 1 { " rule" } @else { " rules" } }
            (bar::whole(&view.guide.rules.by_vendor, total, |vendor| format!("#rules-{vendor}")))
        }
        (form(atlas, params, &question))
        @if total > 0 { (tables.all()) } @else { (nothing(&relaxed)) }
    };
    let title = match parts.as_slice() {
        [] => "Rules".to_owned(),
        parts => format!("Rules: {}", parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(", ")),
    };
    Ok(Page { title: &title, asked: &clipped(&question.text, 200), contents, body }.render_at("/rules"))
}

/// What narrows the question, each with a way to take it off.
fn chips(parts: &[Part]) -> Markup {
    html! {
        ul.chips aria-label="What is asked for" {
            @for part in parts {
                li {
                    span.faint { (part.name) } " " span.val { (clipped(&part.value, 80)) } " "
                    @if let Some(address) = parts::rules_address(&part.without) {
                        a href=(address) title={ "Without " (clipped(&part.value, 80)) } aria-label={ "Without " (part.name) " " (clipped(&part.value, 80)) } { "×" }
                    }
                }
            }
        }
    }
}

fn form(atlas: &Atlas, params: &Params, question: &Question) -> Markup {
    let scope = |filters: &Filters| -> Scope {
        atlas.scope(&Question { filters: filters.clone(), ..question.clone() }).unwrap_or_default()
    };
    let besides = html! {
        input type="search" name="q" value=(attr_escape(&params.text)) aria-label="Words or a part of a value" placeholder="Words, part of a value" autocomplete="off" spellcheck="false";
        @for (facet, values) in &question.facets {
            @for value in values { input type="hidden" name=(facet.name()) value=(attr_escape(value)); }
        }
        @for check in &question.checks {
            @let (name, value) = check_pair(check);
            input type="hidden" name=(name) value=(attr_escape(&value));
        }
        @if params.only_itself { input type="hidden" name="subtechniques" value="no"; }
    };
    let clear = parts::rules_address(&question.unfiltered());
    filters(&atlas.index, &Form { address: ADDRESS, params, scope: &scope, besides, clear: clear.as_deref() })
}

/// The words of a facet on a page.
fn label(facet: Facet) -> &'static str {
    match facet {
        Facet::LogSource => "log source",
        facet => facet.name(),
    }
}

/// Everything that narrows a question.
fn parts_of(atlas: &Atlas, question: &Question) -> Vec<Part> {
    let mut parts = Vec::new();
    if !question.text.is_empty() {
        let without = Question { text: String::new(), ..question.clone() };
        parts.push(Part { name: "has".to_owned(), value: question.text.clone(), without });
    }
    for facet in FACETS {
        for value in question.values(facet) {
            let mut without = question.clone();
            without.facets.iter_mut().for_each(|(known, values)| {
                if *known == facet {
                    values.retain(|other| other != value);
                }
            });
            without.facets.retain(|(_, values)| !values.is_empty());
            let technique = if facet == Facet::Technique { atlas.attack.techniques.get(value) } else { None };
            let value = technique.map_or_else(|| value.clone(), |technique| format!("{value} {}", technique.name));
            parts.push(Part { name: label(facet).to_owned(), value, without });
        }
    }
    for (at, check) in question.checks.iter().enumerate() {
        let (name, value) = check_pair(check);
        let name = match name {
            "looks" => "looks for",
            "excludes" => "excludes",
            _ => "filters",
        };
        let mut without = question.clone();
        without.checks.remove(at);
        parts.push(Part { name: name.to_owned(), value, without });
    }
    let filters = &question.filters;
    let mut filter = |name: &str, values: Vec<String>, clear: fn(&mut Filters)| {
        if !values.is_empty() {
            let mut without = question.clone();
            clear(&mut without.filters);
            parts.push(Part { name: name.to_owned(), value: values.join(" or "), without });
        }
    };
    let words = |words: &mut dyn Iterator<Item = &'static str>| words.map(str::to_owned).collect::<Vec<_>>();
    filter("vendor", words(&mut filters.vendors.iter().map(|it| it.name())), |filters| filters.vendors.clear());
    filter("platform", filters.platforms.clone(), |filters| filters.platforms.clear());
    filter("domain", filters.domains.clone(), |filters| filters.domains.clear());
    filter("severity", words(&mut filters.severities.iter().map(|it| it.name())), |filters| filters.severities.clear());
    filter("status", words(&mut filters.statuses.iter().map(|it| it.name())), |filters| filters.statuses.clear());
    filter("parsed", words(&mut filters.parse.iter().map(|it| it.name())), |filters| filters.parse.clear());
    filter("since", filters.since.iter().map(ToString::to_string).collect(), |filters| filters.since = None);
    filter("until", filters.until.iter().map(ToString::to_string).collect(), |filters| filters.until = None);
    parts
}

/// The parts without which there would be rules, with how many.
fn relaxed<'a>(atlas: &Atlas, parts: &'a [Part]) -> Result<Vec<(&'a Part, u64)>, Error> {
    let mut found = Vec::new();
    for part in parts {
        let rules = atlas.scope(&part.without)?.rules.len();
        if rules > 0 {
            found.push((part, rules));
        }
    }
    Ok(found)
}

/// The same on a page that stands at `address` and has rules without filters.
pub(super) fn relaxing(atlas: &Atlas, question: &Question, address: &str, params: &Params) -> Result<Markup, Error> {
    let mut parts = parts_of(atlas, question);
    parts.retain(|part| part.without.filters != question.filters);
    let relaxed = relaxed(atlas, &parts)?;
    let without = |part: &Part| Params { filters: part.without.filters.clone(), ..params.clone() }.query();
    Ok(html! {
        div.empty {
            p { "No rule here passes all of these filters. " a href=(address) { "Clear them" } @if !relaxed.is_empty() { ", or there are:" } }
            ul.relax {
                @for (part, rules) in &relaxed {
                    li {
                        a href={ (address) (without(part)) } { (crate::text::counted(*rules, "rule")) }
                        " without " (part.name) " " span.val { (clipped(&part.value, 80)) }
                    }
                }
            }
        }
    })
}

/// Why there is nothing, and what to give up.
fn nothing(relaxed: &[(&Part, u64)]) -> Markup {
    html! {
        div.empty {
            @if relaxed.is_empty() {
                p { "No counted rule fits, and giving up one condition is not enough. " a href=(ADDRESS) { "All rules" } }
            } @else {
                p { "No counted rule fits all of this. There are:" }
                ul.relax {
                    @for (part, rules) in relaxed {
                        li {
                            @match parts::rules_address(&part.without) {
                                Some(address) => a href=(address) { (crate::text::counted(*rules, "rule")) },
                                None => (crate::text::counted(*rules, "rule")),
                            }
                            " without " (part.name) " " span.val { (clipped(&part.value, 80)) }
                        }
                    }
                }
            }
        }
    }
}

/// The rules of a question as a list that stands inside a page.
pub(crate) fn scope_part(atlas: &Atlas, question: &Question) -> Result<Markup, Error> {
    let scope = atlas.scope(question)?;
    let mut items = atlas.rule_items(scope.rules.iter());
    items.sort_by(|a, b| (a.vendor, &a.title, &a.id).cmp(&(b.vendor, &b.title, &b.id)));
    let all = items.len();
    if all > LISTED {
        let vendors = items.chunk_by(|a, b| a.vendor == b.vendor).count();
        let mut of_vendor: BTreeMap<Vendor, usize> = BTreeMap::new();
        items.retain(|item| {
            let count = of_vendor.entry(item.vendor).or_default();
            *count += 1;
            *count <= LISTED.div_ceil(vendors)
        });
    }
    Ok(html! {
        ul.listed {
            @for item in &items {
                li { (bar::letter(item.vendor)) " " a href=(parts::rule_address(&item.id)) { (parts::title(&item.title, &item.id, 110)) } }
            }
        }
        @if let Some(address) = parts::rules_address(question) {
            p.more { a href=(address) { @if all > items.len() { "All " (number(all as u64)) " rules" } @else { "Their own guide" } } }
        }
    })
}
