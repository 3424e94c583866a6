use maud::{Markup, html};
use ruleatlas_catalog::{Facet, Filters, Scope};
use ruleatlas_views::{Atlas, Error, TechniqueView};

use super::{
    attack, bar,
    facts::Facts,
    filters::{Form, filters},
    guide::Tables,
    in_logs,
    layout::Page,
    parts, playbook, scope,
};
use crate::{
    markdown,
    params::Params,
    text::{NAME, clipped, counted, number, web_address},
};

/// The page of a technique: what its rules read, filter, look for and exclude.
pub(crate) fn technique(atlas: &Atlas, id: &str, params: &Params) -> Result<Markup, Error> {
    let mut view = atlas.technique(id, !params.only_itself, &params.filters)?;
    params.orders.values().for_each(|order| order.apply(&mut view.guide, &mut view.rule_list));
    let address = parts::technique_address(&view.technique);
    let question = params.question().with(Facet::Technique, &view.technique);
    let own = Some(view.technique.as_str());
    let tables =
        Tables { guide: &view.guide, rules: &view.rule_list, address: &address, params, own, question: &question };
    let is_narrowed = !params.filters.is_empty() || params.only_itself;
    let playbook = atlas.playbook(&view.technique, false)?;
    let mut contents = if view.guide.rules.total > 0 { tables.contents().to_vec() } else { Vec::new() };
    if view.in_logs.is_some() {
        contents.push(("logs", "In your logs", None));
    }
    if attack::has(&view.attack_events) {
        contents.push(("attack", "Events ATT&CK names", None));
    }
    contents.push(("controls", "Controls and tests", None));
    let contents = &contents[..];
    let (first, rest) = markdown::paragraphs(&view.description, &view.references);
    let body = html! {
        (head(atlas, &view, params))
        div.intro {
            div.prose {
                (first)
                @if let Some(rest) = rest { details { summary { "More of ATT&CK’s text" } (rest) } }
            }
            (facts(atlas, &view))
        }
        (sub_techniques(atlas, &view, params))
        @if view.guide.rules.total > 0 || is_narrowed {
            (narrow(atlas, &view, params, &address))
        }
        @if view.guide.rules.total > 0 { (tables.all()) } @else { (nothing(atlas, &view, is_narrowed, params)?) }
        (in_logs::technique(atlas, view.in_logs.as_ref().map(Option::as_ref), &view.rules_with_hits))
        (attack::section(&view.attack_events, view.guide.rules.total > 0))
        (playbook::section(&playbook))
    };
    let title = format!("{} {}", view.technique, view.name);
    Ok(Page { title: &title, asked: "", contents, body }.render())
}

fn narrow(atlas: &Atlas, view: &TechniqueView, params: &Params, address: &str) -> Markup {
    let scope = |filters: &Filters| {
        Scope::technique(&atlas.index, &atlas.attack, &view.technique, !params.only_itself, filters)
    };
    let besides = html! {
        @if !view.sub_techniques.is_empty() {
            select name="subtechniques" aria-label="Sub-techniques" {
                option value="" { "with sub-techniques" }
                option value="no" selected[params.only_itself] { "without sub-techniques" }
            }
        }
    };
    filters(&atlas.index, &Form { address, params, scope: &scope, besides, clear: None })
}

/// Why there is nothing to count, and what to do.
fn nothing(atlas: &Atlas, view: &TechniqueView, is_narrowed: bool, params: &Params) -> Result<Markup, Error> {
    if is_narrowed {
        let question = params.question().with(Facet::Technique, &view.technique);
        return scope::relaxing(atlas, &question, &parts::technique_address(&view.technique), params);
    }
    Ok(html! {
            p.empty {
                "No counted rule of the catalog is tagged with " span.val { (view.technique) } ". "
                @if let Some(parent) = &view.parent {
                    "Rules of the wider technique stand under " a.val href=(parts::technique_address(parent)) { (parent) } "."
                } @else { "Another source may have some: add it with " code.val { "ruleatlas build --source KIND=PATH" } "." }
            }
    })
}

fn head(atlas: &Atlas, view: &TechniqueView, params: &Params) -> Markup {
    let total = view.guide.rules.total;
    html! {
        @if let Some(from) = &params.from { (note(atlas, from, &view.technique)) }
        h1 {
            span.id { (view.technique) } " " (clipped(&view.name, NAME))
            @if view.deprecated { " " span.mark { "deprecated by ATT&CK" } }
        }
        div.sum {
            p { b { (number(total)) } @if total == 1 { " rule" } @else { " rules" } @if !params.filters.is_empty() { ", filtered" } }
            (bar::whole(&view.guide.rules.by_vendor, total, |vendor| format!("#rules-{vendor}")))
        }
    }
}

/// That another id led here, and how.
fn note(atlas: &Atlas, from: &str, id: &str) -> Markup {
    let Some(redirect) = atlas.attack.redirects.get(from) else { return html! {} };
    let others: Vec<&String> = redirect.to.iter().filter(|other| *other != id).collect();
    html! {
        p.note {
            code.val { (from) } " leads here: " (parts::way(redirect.resolution).unwrap_or("the same technique"))
            " (ATT&CK " (clipped(&atlas.attack.version, 40)) " is loaded)."
            @if !others.is_empty() {
                " It leads to "
                @for other in others { a.val href=(parts::technique_address(other)) { (other) } " " }
                "as well."
            }
        }
    }
}

fn facts(atlas: &Atlas, view: &TechniqueView) -> Facts {
    let mut facts = Facts::default();
    if let Some(parent) = &view.parent {
        let name = atlas.attack.techniques.get(parent).map_or("", |parent| parent.name.as_str());
        facts.add(
            "Technique",
            html! { a href=(parts::technique_address(parent)) { span.val { (parent) } " " (clipped(name, NAME)) } },
        );
    }
    facts.add(if view.tactics.len() == 1 { "Tactic" } else { "Tactics" }, parts::tactics(atlas, &view.tactics));
    facts.add("Platforms", html! { (clipped(&view.platforms.join(", "), 400)) });
    if let Some(url) = web_address(&view.url) {
        let page = html! { a rel="noreferrer" href=(url) { "attack.mitre.org" } " · " (view.domain.name()) " matrix" };
        facts.add("ATT&CK", page);
    }
    facts
}

/// The sub-techniques, each with the number of its own rules that pass the filters.
fn sub_techniques(atlas: &Atlas, view: &TechniqueView, params: &Params) -> Markup {
    let rules = |id: &str| Scope::technique(&atlas.index, &atlas.attack, id, false, &params.filters).rules.len();
    let filtered = Params { filters: params.filters.clone(), ..Params::default() }.query();
    html! {
        @if !view.sub_techniques.is_empty() {
            ul.subs aria-label="Sub-techniques" {
                @for (id, name) in &view.sub_techniques {
                    @let rules = rules(id);
                    li {
                        a href={ (parts::technique_address(id)) (filtered) } {
                            span.val { (id.strip_prefix(view.technique.as_str()).unwrap_or(id)) } " " (clipped(name, NAME))
                        }
                        " " span.count title=(counted(rules, "rule")) { (number(rules)) }
                    }
                }
            }
        }
    }
}
