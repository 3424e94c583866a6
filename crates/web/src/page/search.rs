use maud::{Markup, html};
use ruleatlas_model::Role;
use ruleatlas_views::{Hit, SearchView};

use super::{
    layout::Page,
    parts::{self, Counted},
};
use crate::text::clipped;

/// What a text finds.
pub(crate) fn search(view: &SearchView) -> Markup {
    let has_hits = !(view.techniques.is_empty()
        && view.fields.is_empty()
        && view.events.is_empty()
        && view.indicators.is_empty()
        && view.rules.is_empty());
    let asked = clipped(&view.text, 200);
    let body = html! {
        h1 { "Search" @if !asked.is_empty() { ": " span.val { (asked) } } }
        @if view.text.is_empty() {
            p { "Type a technique’s id or name, words of a rule’s title, a field by any vendor’s name, or a part of a value such as " code.val { "\\finger.exe" } "." }
        } @else if !has_hits {
            p.empty { "Nothing has this text. A part of a value finds the whole; words of a title need not stand together." }
        }
        (hits("Techniques", &view.techniques, Some(parts::technique_address)))
        (hits("Fields", &view.fields, Some(parts::field_address)))
        (hits("Events", &view.events, None))
        @if !view.indicators.is_empty() {
            section {
                h2 { "Values" }
                p.about { "A row is a value that rules look for or exclude, with the number of rules in the whole catalog." }
                (parts::indicators(&view.indicators, &Counted { label: "Values", here: None, reach: "Reach", of_one_field: false, role: Role::Indicator, place: None, question: None }))
            }
        }
        @if !view.rules.is_empty() { section { h2 { "Rules" } (parts::rules(&view.rules, "Rules", None)) } }
    };
    let title = if asked.is_empty() { "Search".to_owned() } else { format!("Search: {asked}") };
    Page { title: &title, asked: &asked, contents: &[], body }.render()
}

fn hits(title: &str, hits: &[Hit], address: Option<fn(&str) -> String>) -> Markup {
    html! {
        @if !hits.is_empty() {
            section {
                h2 { (title) }
                div.scroll tabindex="0" role="region" aria-label=(title) {
                    table aria-label=(title) {
                        tbody {
                            @for hit in hits {
                                tr {
                                    td { @match address {
                                        Some(address) => a.val href=(address(&hit.id)) { (clipped(&hit.id, 80)) },
                                        None => span.val { (clipped(&hit.id, 80)) },
                                    } }
                                    td.w.wide { (clipped(&hit.name, 140)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
