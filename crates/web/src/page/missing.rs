use maud::{Markup, html};

use ruleatlas_model::{Indicator, Modifiers};

use super::{
    events::provider_address,
    layout::Page,
    parts::{self, event_address},
};
use crate::text::{clipped, encoded};

/// That there is no such thing, and names near to it.
pub(crate) fn missing(what: &str, name: &str, near: &[String]) -> Markup {
    let shown = clipped(name, 200);
    let body = html! {
        h1 { "There is no such " (what) }
        p { code.val { (shown) } " is not in the catalog." }
        @if !near.is_empty() {
            p { "Near to it:" }
            ul.near { @for name in near { li { a href=(address(what, name)) { (clipped(name, 120)) } } } }
        }
        p { a href={ "/search?q=" (encoded(&shown)) } { "Search for it" } ", or start from the " a href="/" { "first page" } "." }
    };
    Page { title: "Not found", asked: "", contents: &[], body }.render()
}

fn address(what: &str, name: &str) -> String {
    let search = || format!("/search?q={}", encoded(name));
    match what {
        "technique" => parts::technique_address(name),
        "rule" => parts::rule_address(name),
        "field" => parts::field_address(name),
        "tactic" => parts::tactic_address(name),
        "log source" => parts::log_source_address(name),
        "vendor" => format!("/vendor/{}", encoded(name)),
        "page" => name.to_owned(),
        "provider" => provider_address(name),
        "platform" => parts::platform_address(name),
        "event" => name.rsplit_once(' ').and_then(|(provider, id)| event_address(provider, id)).unwrap_or_else(search),
        "indicator" => indicator(name).unwrap_or_else(search),
        _ => search(),
    }
}

/// The page of an indicator that is written as its field, operator and value.
fn indicator(name: &str) -> Option<String> {
    let mut words = name.splitn(3, ' ');
    let (field, op) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
    let value = words.next().unwrap_or_default().to_owned();
    parts::indicator_address(&Indicator { field, op, value, modifiers: Modifiers::NONE })
}

/// That something cannot be shown, and why.
pub(crate) fn failed(title: &str, message: &str) -> Markup {
    let body = html! { h1 { (title) } p { (clipped(message, 500)) } p { a href="/" { "First page" } } };
    Page { title, asked: "", contents: &[], body }.render()
}
