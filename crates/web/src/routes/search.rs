//! What a text finds.

use super::{Ask, Export, Fault, Form, Made, Route, Values, parameter::one, view};
use crate::page;

/// Hits of a kind on the page.
const HITS: usize = 20;
/// Hits of a kind that can be asked for.
const MOST: usize = 200;

pub(super) const ROUTES: &[Route] = &[Route {
    path: "/search",
    about: "What a text finds: techniques, fields, events, values and rules.",
    parameters: &[&[
        one("q", "The text.", Values::Text),
        one("go", "With `best`, the page leads on to the best hit.", Values::Words(best)),
        one("limit", "At most this many hits of a kind; no more than 200.", Values::Count),
    ]],
    only: None,
    export: Export::Never,
    view: Some(view::<ruleatlas_views::SearchView>),
    answer: search,
}];

fn best() -> Vec<&'static str> {
    vec!["best"]
}

fn search(ask: &Ask<'_>) -> Result<Made, Fault> {
    let limit = ask.count("limit")?.unwrap_or(HITS).min(MOST);
    let view = ask.atlas.search(ask.first("q").unwrap_or_default(), limit)?;
    if let (Form::Page, Some(address)) = (ask.form, ask.first("go").and_then(|_| page::best_hit(&view))) {
        return Ok(Made::Elsewhere(address));
    }
    Ok(ask.answer(&view, || page::search(&view)))
}
