use maud::{Markup, html};
use ruleatlas_catalog::IndicatorRow;
use ruleatlas_model::Role;
use ruleatlas_views::FieldView;

use super::{
    events,
    guide::how,
    layout::Page,
    parts::{self, Counted, more},
};
use crate::text::{clipped, number};

/// Rows of a table before the rest is asked for.
const SHOWN: usize = 30;

/// A field, what every vendor calls it, and how it is checked; several where the name stands for several.
pub(crate) fn field(views: &[FieldView], is_whole: bool) -> Markup {
    let title = views.first().map_or("", |view| view.field.as_str());
    let body = html! {
        @if views.len() > 1 { p.note { "The name stands for " (views.len()) " fields." } }
        @for view in views { (one(view, is_whole)) }
    };
    Page { title, asked: "", contents: &[], body }.render()
}

fn one(view: &FieldView, is_whole: bool) -> Markup {
    html! {
        h1.val { (clipped(&view.field, 120)) }
        p {
            @match &view.description { Some(description) => (description), None => "No vendor’s table of fields has it: it stands as its author wrote it." }
            @if let Some(kind) = &view.kind { " " span.faint { (kind) } }
        }
        p { b { (number(view.filtered.rules)) } @if view.filtered.rules == 1 { " rule filters" } @else { " rules filter" } " it: " (how(&view.filtered.how)) }
        @if !view.names.is_empty() {
            section {
                h2 { "What it is called" }
                div.scroll tabindex="0" role="region" aria-label="What it is called" {
                    table aria-label="What it is called" {
                        tbody {
                            @for (vocabulary, names) in &view.names {
                                tr {
                                    th scope="row" { (vocabulary) }
                                    td.w.wide { span.samples { @for name in names { span.val { (name) } " " } } }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if !view.events.is_empty() {
            section {
                h2 { "Events that carry it " span.count { (number(view.events_distinct as u64)) } }
                @let shown = if is_whole { view.events.len() } else { view.events.len().min(SHOWN) };
                (events::table(&view.events[..shown], "Events that carry it"))
                (more(shown, view.events_distinct, &format!("{}?all=yes", parts::field_address(&view.field))))
            }
        }
        (values(view, "Values looked for", "Reach", &view.indicators, is_whole))
        (values(view, "Values excluded", "In catalog", &view.exclusions, is_whole))
    }
}

fn values(view: &FieldView, title: &str, reach: &str, rows: &[IndicatorRow], is_whole: bool) -> Markup {
    let shown = if is_whole { rows } else { &rows[..rows.len().min(SHOWN)] };
    html! {
        @if !rows.is_empty() {
            section {
                h2 { (title) " " span.count { (number(rows.len() as u64)) } }
                (parts::indicators(shown, &Counted { label: title, here: None, reach, of_one_field: true, role: Role::Indicator, place: None, question: None }))
                (more(shown.len(), rows.len(), &format!("{}?all=yes", parts::field_address(&view.field))))
            }
        }
    }
}
