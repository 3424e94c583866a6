//! Rules.

use ruleatlas_views::Atlas;

use super::{Export, Form, Route, RouteError, RouteRequest, RouteResponse, paging::LIMIT, parameter::VENDOR, view};
use crate::page;

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/rule/{*id}",
        about: "A rule with its query, predicates, indicators and exclusions.",
        parameters: &[],
        only: None,
        export: Export::Each(ids),
        view: Some(view::<ruleatlas_views::RuleJson<'static>>),
        answer: rule,
    },
    Route {
        path: "/similar/{*id}",
        about: "The rules that are most like a rule, and how each relates to it.",
        parameters: &[&[VENDOR, LIMIT]],
        only: Some(Form::Json),
        export: Export::Never,
        view: Some(view::<Vec<ruleatlas_views::SimilarRule>>),
        answer: similar,
    },
    Route {
        path: "/convert/{language}/{*id}",
        about: "A rule in another query language, with the events that prove that it means the same.",
        parameters: &[],
        only: None,
        export: Export::Never,
        view: Some(view::<ruleatlas_views::ConversionJson>),
        answer: conversion,
    },
];

/// Similar rules that are given where nothing else is asked for, and at most.
const SIMILAR: usize = 10;
const MAX_SIMILAR: usize = 100;

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

fn similar(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let limit = request.count("limit")?.unwrap_or(SIMILAR).min(MAX_SIMILAR);
    let (rule, rules) = request.atlas.similar_rules(request.name(0), &request.words("vendor"), limit)?;
    if rule.id != request.name(0) {
        return Ok(request.elsewhere(&page::similar_address(&rule.id)));
    }
    Ok(RouteResponse::json(200, &rules))
}

fn conversion(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let (language, id) = (request.name(0), request.name(1));
    let view = request.atlas.conversion(id, language)?;
    if view.rule.id != id {
        return Ok(request.elsewhere(&page::conversion_address(view.target.language(), &view.rule.id)));
    }
    Ok(request.answer(&view.conversion, || page::conversion(&view)))
}
