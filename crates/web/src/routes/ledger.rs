//! The parse ledger.

use ruleatlas_model::{Language, Vendor};
use ruleatlas_views::LedgerQuestion;

use super::{
    Export, Form, Parameter, Route, RouteError, RouteRequest, RouteResponse, Values,
    paging::{Paged, Totals},
    parameter::one,
    view,
};
use crate::page;

/// Rows of the list on the page.
const ROWS: usize = 100;

pub(super) const ROUTES: &[Route] = &[Route {
    path: "/ledger",
    about: "The parse ledger: what became of every file and every rule.",
    parameters: &[&[
        Parameter {
            name: "vendor",
            about: "List only rules of this vendor.",
            values: Values::Words(vendors),
            many: true,
        },
        Parameter {
            name: "language",
            about: "List only rules in this language.",
            values: Values::Words(languages),
            many: true,
        },
        Parameter {
            name: "parse",
            about: "List only rules of this parse status.",
            values: Values::Words(statuses),
            many: true,
        },
        one("why", "List only rules with this reason, by its phrase.", Values::Text),
        one("offset", "Where the list of faults begins, from 0.", Values::Count),
        one("limit", "At most this many of them.", Values::Count),
    ]],
    only: None,
    export: Export::Once,
    view: Some(view::<ruleatlas_views::LedgerView>),
    answer: ledger,
}];

fn vendors() -> Vec<&'static str> {
    Vendor::ALL.iter().map(|it| it.name()).collect()
}

fn languages() -> Vec<&'static str> {
    Language::ALL.iter().map(|it| it.name()).collect()
}

fn statuses() -> Vec<&'static str> {
    vec!["partial", "failed", "no_query"]
}

fn ledger(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let limit = request.count("limit")?;
    let question = LedgerQuestion {
        vendors: request.words("vendor"),
        languages: request.words("language"),
        parse: request.words("parse"),
        phrase: request.first("why").map(str::to_owned),
        offset: request.count("offset")?.unwrap_or(0),
        limit: if request.form == Form::Page { Some(limit.unwrap_or(ROWS).clamp(1, 1000)) } else { limit },
    };
    let view = request.atlas.ledger_view(&question)?;
    // The page lists fewer rows than the JSON, so that neither is made of the other's view.
    Ok(match request.form {
        Form::Page => RouteResponse::page(200, page::ledger(&view, &question)),
        Form::Json => {
            let total = usize::try_from(view.faults_total).unwrap_or(usize::MAX);
            let totals = request.window()?.map(|_| Totals::from([("faults", total)]));
            RouteResponse::json(200, &Paged::counted(&view, totals))
        }
    })
}
