//! Rules.

use ruleatlas_views::Atlas;

use super::{Ask, Export, Fault, Made, Route, view};
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

fn rule(ask: &Ask<'_>) -> Result<Made, Fault> {
    let id = ask.name(0);
    let view = ask.atlas.rule(id)?;
    if view.entry.rule.id != id {
        return Ok(ask.elsewhere(&page::rule_address(&view.entry.rule.id)));
    }
    Ok(ask.answer_as(|| view.json(), || page::rule(ask.atlas, &view)))
}
