use maud::{Markup, html};
use ruleatlas_catalog::{Facet, Filters, Scope};
use ruleatlas_model::AttackDomain;
use ruleatlas_views::{Atlas, MatrixTactic, MatrixTechnique, MatrixView};

use super::{
    bar,
    filters::{Form, filters},
    layout::Page,
    parts,
};
use crate::{
    params::Params,
    text::{NAME, clipped, counted, number},
};

/// The numbers of rules at which the next colour begins.
const STEPS: [u64; 6] = [1, 4, 13, 40, 130, 400];

/// ATT&CK as a matrix, each technique with the number of its rules.
pub(crate) fn matrix(atlas: &Atlas, view: &MatrixView, params: &Params) -> Markup {
    let of_vendor = |vendor| {
        let filters = Filters { vendors: vec![vendor], ..params.filters.clone() };
        format!("/matrix{}", query(view.domain, &Params { filters, ..params.clone() }))
    };
    let query = query(view.domain, params);
    let body = html! {
        h1 { "ATT&CK matrix" @if view.domain != AttackDomain::Enterprise { ", " (view.domain.name()) } }
        div.sum {
            p {
                b { (number(view.rules.total)) } @if view.rules.total == 1 { " rule" } @else { " rules" }
                @if !params.filters.is_empty() { ", filtered," }
                " on " b { (number(view.with_rules)) } " of " (number(view.techniques)) " techniques and sub-techniques"
            }
            (bar::whole(&view.rules.by_vendor, view.rules.total, of_vendor))
        }
        p.about {
            "A cell is a technique with the number of rules tagged with it or one of its sub-techniques; a technique of several "
            "tactics stands under each. A rule with several techniques counts once in each of them. "
            a href="/about#techniques" { "How tags lead here" } " · "
            a href={ "/api/v1/matrix/layer.json" (query) } download="ruleatlas-layer.json" { "Layer for the ATT&CK Navigator" }
        }
        (narrow(atlas, view, params))
        @if view.tactics.is_empty() {
            p.empty { "No ATT&CK version is loaded: build with `--source attack=PATH`." }
        } @else {
            (legend())
            div.matrix tabindex="0" role="region" aria-label="Matrix" { @for tactic in &view.tactics { (column(tactic)) } }
        }
    };
    Page { title: "Matrix", asked: "", contents: &[], body }.render_wide_at("/matrix")
}

/// The query string that asks for the same matrix.
fn query(domain: AttackDomain, params: &Params) -> String {
    let query = params.query();
    match domain {
        AttackDomain::Enterprise => query,
        _ => format!("{query}{}matrix={}", if query.is_empty() { '?' } else { '&' }, domain.name()),
    }
}

fn narrow(atlas: &Atlas, view: &MatrixView, params: &Params) -> Markup {
    let tagged = atlas
        .attack
        .techniques
        .values()
        .filter(|technique| technique.domain == view.domain)
        .filter_map(|technique| atlas.index.set(Facet::Technique, &technique.id))
        .fold(roaring::RoaringBitmap::new(), |all, rules| all | rules);
    let scope = |filters: &Filters| Scope::all(&atlas.index, filters).within(&tagged);
    let besides = html! {
        @if view.domains.len() > 1 {
            select name="matrix" aria-label="Matrix" {
                @for domain in &view.domains {
                    option value=(if *domain == AttackDomain::Enterprise { "" } else { domain.name() }) selected[*domain == view.domain] {
                        (domain.name()) " matrix"
                    }
                }
            }
        }
    };
    filters(&atlas.index, &Form { address: "/matrix", params, scope: &scope, besides, clear: None })
}

/// The colours in words; every cell says its number besides.
fn legend() -> Markup {
    html! {
        ul.legend aria-label="Colours" {
            li { span.key.l0 {} " none" }
            @for (at, from) in STEPS.iter().enumerate() {
                li {
                    span.key.(level_name(at + 1)) {} " "
                    @match STEPS.get(at + 1) { Some(next) => { (from) "–" (next - 1) }, None => { (from) " and more" } }
                }
            }
        }
    }
}

/// The colour of a number of rules: steps of about three times, so that few and many are both told apart.
fn level(rules: u64) -> &'static str {
    level_name(STEPS.iter().take_while(|from| rules >= **from).count())
}

fn level_name(level: usize) -> &'static str {
    ["l0", "l1", "l2", "l3", "l4", "l5", "l6"].get(level).copied().unwrap_or("l6")
}

fn column(tactic: &MatrixTactic) -> Markup {
    let with_rules = tactic.techniques.iter().filter(|technique| technique.rules.total > 0).count() as u64;
    html! {
        section.tactic {
            h2 { a href=(parts::tactic_address(&tactic.tactic)) { (clipped(&tactic.name, NAME)) } }
            p.faint title="Techniques that have rules, of all of the tactic" {
                (number(with_rules)) " of " (number(tactic.techniques.len() as u64)) " · " (counted(tactic.rules, "rule"))
            }
            ol { @for technique in &tactic.techniques { li { (cells(technique)) } } }
        }
    }
}

fn cells(technique: &MatrixTechnique) -> Markup {
    let with_rules = technique.sub_techniques.iter().filter(|sub| sub.rules.total > 0).count();
    html! {
        (cell(&technique.technique, &technique.name, technique.rules.total))
        @if !technique.sub_techniques.is_empty() {
            details {
                summary title={ "Sub-techniques of " (technique.technique) " that have rules, of all" } {
                    (with_rules) " of " (technique.sub_techniques.len()) " sub"
                }
                ol {
                    @for sub in &technique.sub_techniques { li { (cell(&sub.technique, &sub.name, sub.rules.total)) } }
                }
            }
        }
    }
}

/// A name that may break after a stroke.
fn breaking(name: &str) -> Markup {
    html! { @for (at, part) in name.split_inclusive('/').enumerate() { @if at > 0 { wbr; } (part) } }
}

fn cell(id: &str, name: &str, rules: u64) -> Markup {
    html! {
        a.cell.(level(rules)) href=(parts::technique_address(id)) title={ (id) " " (clipped(name, NAME)) ": " (counted(rules, "rule")) } {
            b { (number(rules)) } " " (breaking(&clipped(name, NAME)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn every_number_has_its_colour() {
        let levels = [0, 1, 3, 4, 12, 13, 39, 40, 129, 130, 399, 400, u64::MAX].map(level);
        assert_eq!(levels, ["l0", "l1", "l1", "l2", "l2", "l3", "l3", "l4", "l4", "l5", "l5", "l6", "l6"]);
    }
}
