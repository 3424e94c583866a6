//! Pages that only the static site has: its search, and lists that lead to everything without one.

use maud::{Markup, html};
use ruleatlas_views::{Atlas, RuleItem, SearchableField};

use super::{bar, layout::Page, parts};
use crate::text::{NAME, clipped, counted, number};

/// A list that leads to things of one kind.
pub(crate) struct List {
    pub(crate) name: String,
    pub(crate) address: String,
    /// How many things it has.
    pub(crate) entries: u64,
}

/// The search of a static site: `static.js` puts the hits there, and without it the lists lead on.
pub(crate) fn static_search(lists: &[List], least: u64) -> Markup {
    let body = html! {
        h1 { "Search" }
        p #asking { "Type a technique’s id or name, words of a rule’s title, a field by any vendor’s name, or the beginning of a value such as " code.val { "\\finger.exe" } "." }
        noscript { p.empty { "The search of this site runs in the browser and needs JavaScript. The lists below lead to every technique, rule, field and event without it." } }
        div #found aria-live="polite" {}
        section {
            h2 #lists { a href="#lists" { "Everything as lists" } }
            ul.listed {
                @for list in lists { li { a href=(list.address) { (list.name) } " " span.count { (number(list.entries)) } } }
            }
        }
        section {
            h2 #scope { a href="#scope" { "What this search finds" } }
            p {
                "This is a copy of the site as files. Its search finds techniques, fields, events that rules read, rules by the words of their titles, and values that at least "
                (number(least)) " rules check, by the words in them. Words of titles and values count from their third letter. "
                "A site that a server answers also searches descriptions, every value, and any part of a value."
            }
        }
    };
    Page { title: "Search", asked: "", contents: &[], body }.render()
}

/// A list of fields.
pub(crate) fn fields(fields: &[SearchableField<'_>]) -> Markup {
    let body = html! {
        h1 { "Fields" }
        p.about { "A row is a field that rules filter, with the number of rules that do." }
        div.scroll {
            table aria-label="Fields" {
                thead { tr { th scope="col" { "Field" } th.wide scope="col" { "What it holds" } th.n scope="col" { "Rules" } } }
                tbody {
                    @for field in fields {
                        tr {
                            td { a.val href=(parts::field_address(&field.hit.id)) { (clipped(&field.hit.id, 60)) } }
                            td.w { (clipped(&field.hit.name, NAME)) }
                            td.n { (number(field.hit.rules)) }
                        }
                    }
                }
            }
        }
    };
    Page { title: "Fields", asked: "", contents: &[], body }.render()
}

/// A page of the rules of a vendor by title; `pages` are the addresses of all pages, `at` is this one's place.
pub(crate) fn rules(atlas: &Atlas, vendor: &str, rules: &[u32], pages: &[String], at: usize) -> Markup {
    let items: Vec<RuleItem> = atlas.rule_items(rules.iter().copied());
    let body = html! {
        h1 { "Rules of " (vendor) }
        p.about { "By title, those too that are not counted, such as deprecated ones: page " (at + 1) " of " (pages.len()) ", with " (counted(items.len() as u64, "rule")) "." }
        ul.listed {
            @for item in &items {
                li { (bar::letter(item.vendor)) " " a href=(parts::rule_address(&item.id)) { (parts::title(&item.title, &item.id, 160)) } }
            }
        }
        @if pages.len() > 1 {
            nav aria-label="Pages" {
                @for (place, address) in pages.iter().enumerate() {
                    a href=(address) aria-current=[(place == at).then_some("page")] { (place + 1) } " "
                }
            }
        }
    };
    Page { title: &format!("Rules of {vendor}"), asked: "", contents: &[], body }.render()
}
