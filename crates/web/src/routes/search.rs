//! What a text finds.

use super::{Export, Form, Route, RouteError, RouteRequest, RouteResponse, Values, parameter::one, view};
use crate::page;

/// Hits of a kind on the page.
const HITS: usize = 20;
/// Hits of a kind that can be asked for.
const MAX_HITS: usize = 200;

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

fn search(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let limit = request.count("limit")?.unwrap_or(HITS).min(MAX_HITS);
    let view = request.atlas.search(request.first("q").unwrap_or_default(), limit)?;
    if let (Form::Page, Some(address)) = (request.form, request.first("go").and_then(|_| page::best_hit(&view))) {
        return Ok(RouteResponse::Redirect(address));
    }
    Ok(request.answer(&view, || page::search(&view)))
}
