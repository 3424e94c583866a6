//! An event.

use maud::{Markup, html};
use ruleatlas_catalog::{Facet, Filters, Scope};
use ruleatlas_model::EventDescription;
use ruleatlas_views::{Atlas, Check, Credit, EventFieldRow, EventView, Question};

use super::{
    bar, event_detail,
    events::provider_address,
    facts::Facts,
    filters::{Form, filters},
    guide::Tables,
    home::technique_section,
    layout::Page,
    parts::{self, heading, or_dash},
    scope,
};
use crate::{
    markdown::paragraphs,
    params::Params,
    text::{NAME, clipped, counted, number, paragraph, take_chars, value},
};

/// Characters of a description.
const DESCRIPTION: usize = 2_000;
/// Characters of what a field holds before the rest is asked for.
const BRIEF: usize = 84;
/// Characters of an example.
const EXAMPLE: usize = 6_000;

/// What stands behind a fact: the dictionary that says it.
pub(super) fn by(told: &EventDescription) -> Markup {
    html! { " " span.count title={ (told.by.title()) ", " (told.by.license()) } { (told.by) } }
}

/// The dictionaries that a page quotes.
pub(super) fn credits(credits: &[Credit]) -> Markup {
    html! {
        @if !credits.is_empty() {
            p.about {
                "From "
                @for (at, credit) in credits.iter().enumerate() {
                    @if at > 0 { ", " }
                    (credit.title) " (" (credit.license) ")"
                }
                "."
            }
        }
    }
}

/// What an event holds, what turns it on, and the rules that read it.
pub(crate) fn event(atlas: &Atlas, view: &EventView, params: &Params) -> Markup {
    let address = parts::event_address(&view.provider, &view.event_id).unwrap_or_default();
    let total = view.guide.rules.total;
    let facet = format!("{}/{}", view.provider, view.event_id);
    let question = params.question().with(Facet::Event, &facet);
    let tables = Tables {
        guide: &view.guide,
        rules: &view.rule_list,
        address: &address,
        params,
        own: None,
        question: &question,
    };
    let mut contents: Vec<(&str, &str, Option<u64>)> = Vec::new();
    if !view.event_fields.is_empty() {
        contents.push(("holds", "Fields of the event", Some(view.event_fields.len() as u64)));
    }
    contents.extend(event_detail::contents(view));
    if view.facts.example.is_some() {
        contents.push(("example", "Message", None));
    }
    if total > 0 {
        contents.push(("techniques", "Techniques", Some(view.techniques.len() as u64)));
        contents.extend(tables.contents());
    }
    let scope = |filters: &Filters| Scope::facet(&atlas.index, Facet::Event, &facet, filters);
    let body = html! {
        h1 {
            a.val href=(provider_address(&view.provider)) { (clipped(&view.provider, NAME)) } " "
            span.id { (clipped(&view.event_id, NAME)) }
            // The name of a call is its title, too.
            @if !view.title.eq_ignore_ascii_case(&view.event_id) { " " (clipped(&view.title, 200)) }
        }
        div.sum {
            p { b { (number(total)) } @if total == 1 { " rule reads" } @else { " rules read" } " it" @if !params.filters.is_empty() { ", filtered" } }
            (bar::whole(&view.guide.rules.by_vendor, total, |vendor| format!("#rules-{vendor}")))
        }
        p.about {
            (counted(view.explicit, "rule")) " " em { "written" } ": its id stands in the rule. "
            (counted(view.implied, "rule")) " " em { "implied" } ": the rule’s log source means it. "
            a href="/about#events" { "How it is counted" }
        }
        div.intro {
            div.prose {
                @match &view.facts.description {
                    Some(told) => { (paragraphs(take_chars(&told.text, DESCRIPTION), &[]).0) p { (by(told)) } },
                    None => @if !view.is_known {
                        p { "No dictionary of this catalog knows the event; rules read it all the same. "
                            code.val { "ruleatlas build --source events=DIR" } " reads some." }
                    },
                }
                @if let Some(message) = &view.facts.message {
                    p { span.faint { "Message: " } (clipped(&message.text, 500)) (by(message)) }
                }
            }
            (facts(view))
        }
        (event_detail::meanings(&view.facts.categories))
        (filters(&atlas.index, &Form { address: &address, params, scope: &scope, besides: html! {}, clear: None }))
        (fields(view, &question))
        (event_detail::sample(view))
        @if let Some(example) = &view.facts.example {
            section {
                h2 #example { a href="#example" { "Message" } (by(example)) }
                details { summary { "An event as it is shown" } div.copied { pre.query data-copy="" { (paragraph(&example.text, EXAMPLE)) } } }
            }
        }
        (event_detail::enabling(&view.enable))
        @if total > 0 {
            (technique_section(&view.techniques, "A row is a technique with its sub-techniques, and the rules over this event tagged with any of them.", Some(&question)))
            (event_detail::attack(view))
            (event_detail::related(&view.related))
            (tables.all())
        } @else if params.filters.is_empty() {
            (event_detail::attack(view))
            (event_detail::related(&view.related))
            p.empty { "No counted rule of the catalog reads this event." }
        } @else {
            (scope::relaxing(atlas, &question, &address, params).unwrap_or_default())
        }
        (credits(&view.dictionaries))
    };
    let title = format!("{} {} {}", view.provider, view.event_id, view.title);
    Page { title: &title, asked: "", contents: &contents, body }.render()
}

fn facts(view: &EventView) -> Facts {
    let mut facts = Facts::default();
    let short =
        |told: &Option<EventDescription>| html! { @if let Some(told) = told { (clipped(&told.text, 300)) (by(told)) } };
    let facts_of = &view.facts;
    facts.add("Channel", short(&facts_of.channel));
    if let [category] = facts_of.categories.as_slice() {
        facts.add("Category", html! { (clipped(&category.name, 200)) });
    }
    facts.add("Level", short(&facts_of.level));
    facts.add("Task", short(&facts_of.task));
    facts.add("Opcode", short(&facts_of.opcode));
    let list = |list: &[EventDescription]| {
        html! { @for (at, told) in list.iter().enumerate() { @if at > 0 { br; } (clipped(&told.text, 300)) (by(told)) } }
    };
    facts.add("Keywords", list(&facts_of.keywords));
    facts.add("Versions", html! { (clipped(&facts_of.versions.join(", "), 200)) });
    facts.add("Turned on by", list(&facts_of.audit));
    facts.add("Volume", short(&facts_of.volume));
    facts.add("Title from", html! { @if let Some(by) = view.title_by { (by.title()) } });
    facts
}

/// The fields, and which of them rules filter on and never do.
fn fields(view: &EventView, question: &Question) -> Markup {
    let rows = &view.event_fields;
    let is_known_otherwise = |row: &EventFieldRow| row.canonical.as_ref().is_some_and(|name| *name != row.field.name);
    let has_others = rows.iter().any(is_known_otherwise);
    let unused = rows.iter().filter(|row| row.rules == 0).count() as u64;
    html! {
        @if !rows.is_empty() {
            section {
                (heading("holds", "Fields of the event", rows.len() as u64))
                p.about {
                    "A row is a field as the event has it, and how many of the rules here filter on it. "
                    @if view.guide.rules.total > 0 { "No rule here filters on " (number(unused)) " of them." }
                }
                div.scroll tabindex="0" role="region" aria-label="Fields of the event" {
                    table.holds aria-label="Fields of the event" {
                        thead { tr {
                            th scope="col" { "Field" } th scope="col" { "Type" } th.n scope="col" { "Rules" }
                            @if has_others { th scope="col" { "Known as" } }
                            th.wide scope="col" { "What it holds" } th scope="col" { "Example" }
                        } }
                        tbody { @for row in rows { (field(row, question, has_others)) } }
                    }
                }
            }
        }
    }
}

fn field(row: &EventFieldRow, question: &Question, has_others: bool) -> Markup {
    let field = &row.field;
    let filtered = row.canonical.as_deref().unwrap_or(&field.name);
    let rules = parts::rules_address(&question.clone().checking(Check::field(filtered))).filter(|_| row.rules > 0);
    html! {
        tr {
            td { @if row.canonical.is_some() || row.rules > 0 { (parts::field(&field.name)) } @else { (value(&field.name, 40, None)) } }
            td.faint { (clipped(field.kind.as_deref().unwrap_or_default(), 24)) }
            td.n { @match rules { Some(rules) => a href=(rules) { (number(row.rules)) }, None => (or_dash(row.rules)) } }
            @if has_others { td { @if let Some(name) = row.canonical.as_deref().filter(|name| *name != field.name) { (parts::field(name)) } } }
            td.w { @if let Some(told) = &field.description { (described(told)) } }
            td { @if let Some(told) = &field.sample { (value(&told.text, 24, None)) } }
        }
    }
}

/// What a field holds, the whole on demand.
fn described(told: &EventDescription) -> Markup {
    html! {
        @if told.text.chars().count() <= BRIEF { span title=(told.by.title()) { (clipped(&told.text, BRIEF)) } }
        @else {
            details.in {
                summary title=(told.by.title()) { (clipped(&told.text, BRIEF)) }
                p { (clipped(&told.text, DESCRIPTION)) }
            }
        }
    }
}
