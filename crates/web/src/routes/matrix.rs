//! The matrix and its columns.

use ruleatlas_model::AttackDomain;
use ruleatlas_views::{Atlas, MatrixView};

use super::{
    Export, FILTERS, Form, Parameter, Route, RouteError, RouteRequest, RouteResponse, Values, paging::PAGING,
    parameter::one, view,
};
use crate::{page, params::Params};

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/matrix",
        about: "ATT&CK as a matrix, with the number of rules on every technique.",
        parameters: &[FILTERS, MATRIX],
        only: None,
        export: Export::Once,
        view: Some(view::<ruleatlas_views::MatrixView>),
        answer: matrix,
    },
    Route {
        path: "/matrix/layer.json",
        about: "The matrix as a layer of the ATT&CK Navigator, format 4.5.",
        parameters: &[FILTERS, MATRIX],
        only: Some(Form::Json),
        export: Export::Once,
        view: Some(view::<ruleatlas_views::Layer>),
        answer: layer,
    },
    Route {
        path: "/tactic/{id}",
        about: "A tactic: its techniques with their rules.",
        parameters: &[FILTERS, PAGING],
        only: None,
        export: Export::Each(ids),
        view: Some(view::<ruleatlas_views::TacticView>),
        answer: tactic,
    },
];

const MATRIX: &[Parameter] = &[one("matrix", "Which matrix; enterprise when not said.", Values::Words(matrices))];

const DOMAINS: [AttackDomain; 3] = [AttackDomain::Enterprise, AttackDomain::Mobile, AttackDomain::Ics];

fn matrices() -> Vec<&'static str> {
    DOMAINS.map(AttackDomain::name).into()
}

fn ids(atlas: &Atlas) -> Vec<String> {
    atlas.attack.tactics.iter().map(|tactic| page::tactic_address(&tactic.id)).collect()
}

fn asked(request: &RouteRequest<'_>) -> Result<(MatrixView, Params), RouteError> {
    let params = request.params()?;
    let asked = request.first("matrix").unwrap_or_default();
    let domain = DOMAINS.into_iter().find(|domain| domain.name() == asked).unwrap_or(AttackDomain::Enterprise);
    Ok((request.atlas.matrix(domain, &params.filters), params))
}

fn matrix(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let (view, params) = asked(request)?;
    Ok(request.answer(&view, || page::matrix(request.atlas, &view, &params)))
}

fn layer(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let (view, params) = asked(request)?;
    let query = params.query();
    Ok(RouteResponse::json(200, &view.layer(query.trim_start_matches('?'))))
}

fn tactic(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let params = request.params()?;
    let mut view = request.atlas.tactic(request.name(0), &params.filters)?;
    if view.column.tactic != request.name(0) {
        return Ok(request.elsewhere(&format!("{}{}", page::tactic_address(&view.column.tactic), params.query())));
    }
    request.paged(&mut view, |view| page::tactic(request.atlas, view, &params))
}
