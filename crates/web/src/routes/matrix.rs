//! The matrix and its columns.

use ruleatlas_model::AttackDomain;
use ruleatlas_views::{Atlas, MatrixView};

use super::{Ask, Export, FILTERS, Fault, Form, Made, Parameter, Route, Values, paging::PAGING, parameter::one, view};
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

fn asked(ask: &Ask<'_>) -> Result<(MatrixView, Params), Fault> {
    let params = ask.params()?;
    let asked = ask.first("matrix").unwrap_or_default();
    let domain = DOMAINS.into_iter().find(|domain| domain.name() == asked).unwrap_or(AttackDomain::Enterprise);
    Ok((ask.atlas.matrix(domain, &params.filters), params))
}

fn matrix(ask: &Ask<'_>) -> Result<Made, Fault> {
    let (view, params) = asked(ask)?;
    Ok(ask.answer(&view, || page::matrix(ask.atlas, &view, &params)))
}

fn layer(ask: &Ask<'_>) -> Result<Made, Fault> {
    let (view, params) = asked(ask)?;
    let query = params.query();
    Ok(Made::json(200, &view.layer(query.trim_start_matches('?'))))
}

fn tactic(ask: &Ask<'_>) -> Result<Made, Fault> {
    let params = ask.params()?;
    let mut view = ask.atlas.tactic(ask.name(0), &params.filters)?;
    if view.column.tactic != ask.name(0) {
        return Ok(ask.elsewhere(&format!("{}{}", page::tactic_address(&view.column.tactic), params.query())));
    }
    ask.paged(&mut view, |view| page::tactic(ask.atlas, view, &params))
}
