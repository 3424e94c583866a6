use std::{cmp::Reverse, collections::BTreeMap};

use maud::{Markup, html};
use ruleatlas_catalog::{Filters, Scope};
use ruleatlas_views::{Atlas, RuleItem};

use super::{about::sources, bar, layout::Page, parts};
use crate::text::{NAME, clipped, number};

/// Techniques and rules listed.
const TECHNIQUES: usize = 40;
const NEWEST: usize = 12;

/// The first page: what is here, and ways in.
pub(crate) fn home(atlas: &Atlas) -> Markup {
    let counted = atlas.index.count(atlas.index.counted());
    let all = atlas.index.heads().len() as u64;
    let contents = [("techniques", "Techniques", None), ("newest", "Newest rules", None), ("sources", "Sources", None)];
    let body = html! {
        h1 { "What the world’s detection rules look for" }
        div.sum {
            p { b { (number(counted.total)) } " rules counted" @if all > counted.total { " of " (number(all)) } }
            (bar::whole(&counted.by_vendor, counted.total, |_| "#sources".to_owned()))
        }
        p.about {
            "Every query is read into predicates: a field, an operator, values. A technique’s page counts what its rules "
            "read, filter, look for and exclude. " a href="/about" { "How it is counted" }
        }
        (techniques(atlas))
        section {
            h2 #newest { "Newest rules" }
            (parts::rules(&newest(atlas), "Newest rules", None))
        }
        section { h2 #sources { "Sources" } (sources(atlas)) }
    };
    Page { title: "Home", asked: "", contents: &contents, body }.render()
}

fn techniques(atlas: &Atlas) -> Markup {
    let mut rows: Vec<(u64, &str, &str, BTreeMap<&'static str, u64>)> = atlas
        .attack
        .techniques
        .values()
        .filter(|technique| technique.parent.is_none())
        .map(|technique| {
            let scope = Scope::technique(&atlas.index, &atlas.attack, &technique.id, true, &Filters::default());
            let count = atlas.index.count(&scope.rules);
            (count.total, technique.id.as_str(), technique.name.as_str(), count.by_vendor)
        })
        .filter(|(rules, ..)| *rules > 0)
        .collect();
    rows.sort_by_key(|(rules, id, ..)| (Reverse(*rules), *id));
    let most = rows.first().map_or(0, |(rules, ..)| *rules);
    let all = rows.len();
    html! {
        section {
            h2 #techniques { "Techniques with the most rules" }
            p.about {
                "A row is an ATT&CK technique with its sub-techniques, and the rules tagged with any of them: the first "
                (number(all.min(TECHNIQUES) as u64)) " of " (number(all as u64)) " that have any."
            }
            @if rows.is_empty() { p.empty { "No ATT&CK version is loaded, or no rule names a technique: build with `--source attack=PATH`." } }
            @else {
                div.scroll {
                    table.techniques aria-label="Techniques with the most rules" {
                        thead { tr {
                            th scope="col" { "Technique" } th.wide scope="col" { "Name" } th.n scope="col" { "Rules" } th scope="col" { "By vendor" }
                        } }
                        tbody {
                            @for (rules, id, name, by_vendor) in rows.iter().take(TECHNIQUES) {
                                tr {
                                    td { a.val href=(parts::technique_address(id)) { (id) } }
                                    td.w { a href=(parts::technique_address(id)) { (clipped(name, NAME)) } }
                                    td.n { (number(*rules)) }
                                    td { (bar::small(by_vendor, most)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The counted rules that were written last.
fn newest(atlas: &Atlas) -> Vec<RuleItem> {
    let heads = atlas.index.heads();
    let mut rules: Vec<u32> = atlas.index.counted().iter().collect();
    let date = |rule: &u32| heads.get(*rule as usize).and_then(|head| head.date.as_deref());
    rules.retain(|rule| date(rule).is_some());
    rules.sort_by(|a, b| date(b).cmp(&date(a)).then(a.cmp(b)));
    rules.truncate(NEWEST);
    atlas.rule_items(rules)
}
