use maud::{Markup, html};
use ruleatlas_model::{Basis, ControlKind};
use ruleatlas_views::{ColumnSource, ControlGroup, ControlItem, PlaybookView};

use super::{
    controls::{place, version},
    parts,
};
use crate::{
    markdown,
    routes::API,
    text::{NAME, clipped, counted, encoded, number, take_chars, web_address},
};

/// Resources of a source before the rest is only counted.
const ITEMS: usize = 30;
/// Characters of how a resource follows.
const HOW: usize = 160;
/// Characters of a publisher's words.
const WORDS: usize = 240;

/// What to put in place, what detects it besides the rules above, and how to test it.
pub(super) fn section(view: &PlaybookView) -> Markup {
    let row = &view.row;
    let score = |kind| html! { b { (row.score(kind)) } " of " (view.of_kind(kind).count()) };
    let data = format!("{API}/technique/{}/playbook", encoded(&row.technique));
    html! {
        section {
            h2 #controls { a href="#controls" { "Controls and tests" } }
            p.about {
                "What to put in place, what detects it besides the rules above, and how to test it. " em { "Official" }
                " is what a source maps to the technique itself, " em { "derived" }
                " what follows from what it says. Sources that have any: policy " (score(ControlKind::Policy)) ", detection "
                (score(ControlKind::Detection)) ", test " (score(ControlKind::Test)) "; the technique "
                @if row.validated { "can" } @else { "cannot" } " be validated. " a href="/about#controls" { "How it is counted" }
            }
            p.tools { a href=(data) { "JSON" } " · " code.val { "ruleatlas playbook " (row.technique) } " writes it as Markdown" }
            @for (kind, name) in [
                (ControlKind::Policy, "Policy and process controls"),
                (ControlKind::Detection, "Detections besides the rules"),
                (ControlKind::Test, "Offensive security tests"),
            ] {
                h3 { (name) }
                @for group in view.of_kind(kind).filter(|group| matches!(group.column.source, ColumnSource::Controls(_))) { (self::group(group, view)) }
            }
        }
    }
}

fn group(group: &ControlGroup, view: &PlaybookView) -> Markup {
    let column = &group.column;
    let count = html! {
        b { (column.title) } " " span.count {
            (number(group.here)) @if group.above > 0 { " + " (number(group.above)) " of the technique above" }
        }
        span.faint { " · " (version(column)) @if column.loaded { " · " (counted(column.mapped, "resource")) " mapped in all" } }
    };
    html! {
        @if group.items.is_empty() {
            p.source #(place(column)) {
                (count)
                @if let Some(empty) = &group.empty { br; span.faint { (empty.sentence()) } }
            }
        } @else {
            details.source #(place(column)) open[group.items.len() <= 12] {
                summary { (count) }
                @if let Some(empty) = &group.empty { p.under { (empty.sentence()) } }
                div.scroll tabindex="0" role="region" aria-label=(column.title) {
                    table.controls aria-label=(column.title) {
                        tbody { @for item in group.items.iter().take(ITEMS) { (self::item(item, view)) } }
                    }
                }
                @if group.items.len() > ITEMS {
                    p.more { (number(ITEMS as u64)) " of " (number(group.items.len() as u64)) " shown; the JSON and the playbook have all" }
                }
            }
        }
    }
}

/// The first sentence of a text, or what of it there is room for.
fn sentence(text: &str) -> &str {
    let line = text.trim_start().lines().next().unwrap_or_default();
    // A point that a small letter follows ends no sentence.
    let ends = line.match_indices(". ").map(|(at, _)| at + 1);
    let end = ends.into_iter().find(|at| line[*at..].trim_start().starts_with(|c: char| !c.is_lowercase()));
    let sentence = &line[..end.unwrap_or(line.len())];
    let kept = take_chars(sentence, WORDS);
    // A word is not cut.
    if kept.len() < sentence.len() { kept.rsplit_once(' ').map_or(kept, |(words, _)| words) } else { kept }
}

fn item(item: &ControlItem, view: &PlaybookView) -> Markup {
    let label = clipped(&item.name, NAME);
    let id_is_short = item.id.len() <= 20 && !item.id.contains('#');
    let facts =
        [item.tactic.as_deref(), item.executor.as_deref(), item.elevated.then_some("needs an administrator’s rights")];
    let platforms = item.platforms.join(", ");
    let facts: Vec<&str> =
        facts.into_iter().flatten().chain(Some(platforms.as_str())).filter(|it| !it.is_empty()).collect();
    let is_above = view.parent.as_ref().is_some_and(|(parent, _)| *parent == item.technique);
    // That it belongs to the technique above is said by the id beside it.
    let how = item.how.get(usize::from(is_above)..).unwrap_or_default().join("; ");
    let mapped: Vec<&String> =
        std::iter::once(&item.technique).filter(|id| **id != view.row.technique).chain(&item.also).collect();
    html! {
        tr {
            td.w {
                @if id_is_short { span.val.faint { (clipped(&item.id, 20)) } " " }
                @match item.url.as_deref().and_then(web_address) {
                    Some(url) => a rel="noreferrer" href=(url) { (label) },
                    None => (label),
                }
                @if !item.description.is_empty() {
                    div.words { (markdown::paragraphs(sentence(&item.description), &view.references).0) }
                }
            }
            td.o { (clipped(&facts.join(" · "), 120)) }
            td.o {
                @match item.basis { Basis::Official => "official", Basis::Derived => { "derived" @if is_above { " from" } } }
                @if !mapped.is_empty() {
                    " " span.ids { @for id in mapped.iter().take(4) { a.val href=(parts::technique_address(id)) { (clipped(id, 24)) } " " } }
                    @if mapped.len() > 4 { span.faint { "+" (mapped.len() - 4) } }
                }
                @if !how.is_empty() { div.faint { (clipped(&how, HOW)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn a_first_sentence_is_whole() {
        let text = "Look at what leaves the network, e.g. by size. Then think.\nMore.";
        assert_eq!(sentence(text), "Look at what leaves the network, e.g. by size.");
        assert_eq!(sentence("Encrypt a file"), "Encrypt a file");
        let long = "word ".repeat(100);
        assert!(sentence(&long).ends_with("word") && sentence(&long).len() < 245);
    }
}
