use maud::{Markup, html};
use ruleatlas_views::IndicatorView;

use super::{
    bar,
    layout::Page,
    parts::{self, heading},
};
use crate::text::{clipped, number, paragraph, value};

/// Who checks a value.
pub(crate) fn indicator(view: &IndicatorView) -> Markup {
    let row = &view.looked_for;
    let indicator = &row.indicator;
    let contents = [
        ("rules", "Rules that look for it", Some(view.rule_list.len() as u64)),
        ("excluding", "Rules that exclude it", Some(view.excluding_rules.len() as u64)),
    ];
    let body = html! {
        h1 {
            (parts::field(&indicator.field)) " " (parts::operator(indicator.op, indicator.modifier.as_deref()))
            @if !indicator.op.op.is_presence() { " " (value(&indicator.value, 120, None)) }
        }
        div.sum {
            p { b { (number(row.reach)) } @if row.reach == 1 { " rule looks" } @else { " rules look" } " for it" }
            (bar::whole(&row.reach_by_vendor, row.reach, |_| "#rules".to_owned()))
        }
        @if indicator.value.chars().count() > 120 { pre.query.wrap { (paragraph(&indicator.value, 20_000)) } }
        section.indicator {
            (heading("rules", "Rules that look for it", view.rule_list.len() as u64))
            @if view.rule_list.is_empty() { p.empty { "No counted rule looks for it." } }
            @else { (parts::rules(&view.rule_list, "Rules that look for it", None)) }
        }
        section.exclusion {
            (heading("excluding", "Rules that exclude it", view.excluding_rules.len() as u64))
            @if view.excluding_rules.is_empty() { p.empty { "No counted rule excludes it." } }
            @else { (parts::rules(&view.excluding_rules, "Rules that exclude it", None)) }
        }
    };
    let title = format!("{} {} {}", clipped(&indicator.field, 40), indicator.op, clipped(&indicator.value, 60));
    Page { title: &title, asked: "", contents: &contents, body }.render()
}
