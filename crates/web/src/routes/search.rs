//! What a text finds.

use super::{Ask, Export, Fault, Made, Route, Values, parameter::one};
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
        one("limit", "At most this many hits of a kind; no more than 200.", Values::Count),
    ]],
    only: None,
    export: Export::Never,
    answer: search,
}];

fn search(ask: &Ask<'_>) -> Result<Made, Fault> {
    let limit = ask.count("limit")?.unwrap_or(HITS).min(MOST);
    let view = ask.atlas.search(ask.first("q").unwrap_or_default(), limit)?;
    Ok(ask.answer(&view, || page::search(&view)))
}
