//! Rules.

use ruleatlas_views::Atlas;

use super::{Export, Route, RouteError, RouteRequest, RouteResponse, view};
use crate::page;

pub(super) const ROUTES: &[Route] = &[Route {
    path: "/rule/{*id}",
    about: "A rule with its query, predicates, indicators and exclusions.",
    parameters: &[],
    only: None,
    export: Export::Each(ids),
    view: Some(view::<ruleatlas_views::RuleJson<'static>>),
    answer: rule,
}];

fn ids(atlas: &Atlas) -> Vec<String> {
    atlas.index.heads().iter().map(|head| page::rule_address(&head.id)).collect()
}

fn rule(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let id = request.name(0);
    let view = request.atlas.rule(id)?;
    if view.entry.rule.id != id {
        return Ok(request.elsewhere(&page::rule_address(&view.entry.rule.id)));
    }
    Ok(request.answer_as(|| view.json(), || page::rule(request.atlas, &view)))
}
