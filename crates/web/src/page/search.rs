use maud::{Markup, html};
use ruleatlas_model::Role;
use ruleatlas_views::{Hit, SearchView};

use super::{
    layout::Page,
    parts::{self, Counted},
};
use crate::text::clipped;

/// The page of the best hit.
pub(crate) fn best_hit(view: &SearchView) -> Option<String> {
    match *view.order.first()? {
        "techniques" => view.techniques.first().map(|hit| parts::technique_address(&hit.id)),
        "fields" => view.fields.first().map(|hit| parts::field_address(&hit.id)),
        "events" => view.events.first().and_then(|hit| event_address(&hit.id)),
        "indicators" => view.indicators.first().and_then(|row| parts::indicator_address(&row.indicator)),
        _ => view.rules.first().map(|rule| parts::rule_address(&rule.id)),
    }
}

/// The page of an event by its name, provider and id.
fn event_address(name: &str) -> Option<String> {
    let (provider, id) = name.rsplit_once(' ')?;
    parts::event_address(provider, id)
}

/// What a text finds, the kind with the best hit first.
pub(crate) fn search(view: &SearchView) -> Markup {
    let asked = clipped(&view.text, 200);
    let body = html! {
        h1 { "Search" @if !asked.is_empty() { ": " span.val { (asked) } } }
        @if view.text.is_empty() {
            p { "Type a technique’s id or name, words of a rule’s title, a field by any vendor’s name, or a part of a value such as " code.val { "\\finger.exe" } "." }
        } @else if view.order.is_empty() {
            p.empty { "Nothing has this text. A part of a value finds the whole; words of a title need not stand together. Fewer words find more." }
        } @else {
            @let all = format!("/rules?q={}", crate::text::encoded(&view.text));
            p.about { a href=(all) { "All rules with these words or this value" } ", with their authoring guide" }
        }
        @for kind in &view.order { (section(view, kind)) }
    };
    let title = if asked.is_empty() { "Search".to_owned() } else { format!("Search: {asked}") };
    Page { title: &title, asked: &asked, contents: &[], body }.render()
}

fn section(view: &SearchView, kind: &str) -> Markup {
    match kind {
        "techniques" => {
            hits("Techniques", ["Technique", "Name"], &view.techniques, |id| Some(parts::technique_address(id)))
        }
        "fields" => hits("Fields", ["Field", "What it holds"], &view.fields, |id| Some(parts::field_address(id))),
        "events" => hits("Events", ["Event", "Title"], &view.events, event_address),
        "indicators" => {
            let counted = Counted {
                label: "Values",
                here: None,
                reach: "Reach",
                of_one_field: false,
                role: Role::Indicator,
                place: None,
                question: None,
            };
            html! {
                section {
                    h2 { "Values" }
                    p.about { "A row is a value that rules look for or exclude, with the number of rules in the whole catalog." }
                    (parts::indicators(&view.indicators, &counted))
                }
            }
        }
        _ => html! { section { h2 { "Rules" } (parts::rules(&view.rules, "Rules", None)) } },
    }
}

fn hits(title: &str, heads: [&str; 2], hits: &[Hit], address: impl Fn(&str) -> Option<String>) -> Markup {
    html! {
        section {
            h2 { (title) }
            div.scroll tabindex="0" role="region" aria-label=(title) {
                table aria-label=(title) {
                    thead { tr { @for head in heads { th scope="col" { (head) } } th.n scope="col" { "Rules" } } }
                    tbody {
                        @for hit in hits {
                            tr {
                                td { @match address(&hit.id) {
                                    Some(address) => a.val href=(address) { (clipped(&hit.id, 80)) },
                                    None => span.val { (clipped(&hit.id, 80)) },
                                } }
                                td.w.wide { (clipped(&hit.name, 140)) }
                                td.n { (parts::or_dash(hit.rules)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
