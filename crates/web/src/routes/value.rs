//! Fields and the values that are checked in them.

use ruleatlas_model::{FoldedOp, Modifiers};
use ruleatlas_views::Atlas;

use super::{
    Export, FILTERS, Form, Parameter, Route, RouteError, RouteRequest, RouteResponse, Values,
    paging::{PAGING, Paged},
    parameter::one,
    technique, view,
};
use crate::{page, params::Table};

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/field/{*name}",
        about: "A field: what every vendor calls it, and how it is checked.",
        parameters: &[FILTERS, technique::TABLES],
        only: None,
        export: Export::Each(fields),
        view: Some(view::<Vec<ruleatlas_views::FieldView>>),
        answer: field,
    },
    Route {
        path: "/indicator",
        about: "Who checks a value.",
        parameters: &[INDICATOR, FILTERS, PAGING],
        only: None,
        export: Export::Never,
        view: Some(view::<ruleatlas_views::IndicatorView>),
        answer: indicator,
    },
    Route {
        path: "/snippets",
        about: "A value that rules check, as a piece of a query in Sigma, EQL, SPL and KQL.",
        parameters: &[INDICATOR],
        only: Some(Form::Json),
        export: Export::Never,
        view: Some(view::<Vec<ruleatlas_views::Snippet>>),
        answer: snippets,
    },
];

/// What names an indicator.
const INDICATOR: &[Parameter] = &[
    one("field", "The field, by any vendor's name.", Values::Text),
    one("op", "The folded operator: eq, contains, ends_with, basename and so on.", Values::Text),
    one("value", "The value; for is_null and is_not_null none.", Values::Text),
    one("modifier", "What transforms value or match, such as base64offset.", Values::Text),
];

fn fields(atlas: &Atlas) -> Vec<String> {
    let names = atlas.index.data().fields.iter().filter(|name| !name.is_empty());
    let mut addresses: Vec<String> = names.map(|name| page::field_address(name)).collect();
    addresses.sort_unstable();
    addresses
}

fn field(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let name = request.name(0);
    let params = request.params()?;
    let mut views = request.atlas.field_in(name, &params.filters)?;
    if request.form == Form::Page {
        return Ok(RouteResponse::page(200, page::field(request.atlas, &mut views, &params)));
    }
    for order in params.orders.values() {
        for view in &mut views {
            match order.table {
                Table::Indicators => order.apply_to_indicators(&mut view.indicators),
                Table::Exclusions => order.apply_to_indicators(&mut view.exclusions),
                _ => {}
            }
        }
    }
    let window = request.window()?;
    if let Some(table) = params.table {
        let mut rows: Vec<_> = match table {
            Table::Indicators => views.into_iter().flat_map(|view| view.indicators).collect(),
            Table::Exclusions => views.into_iter().flat_map(|view| view.exclusions).collect(),
            _ => return Err(RouteError::wrong("table", "a field has the tables indicators and exclusions")),
        };
        let total = window.unwrap_or_default().cut(&mut rows);
        let csv = || ruleatlas_views::indicators_csv(&rows).into_bytes();
        return Ok(if params.is_csv {
            RouteResponse::text(technique::CSV, csv())
        } else {
            RouteResponse::json(200, &rows)
        }
        .of(total));
    }
    let views: Vec<_> = views.iter_mut().map(|view| Paged::new(view, window)).collect();
    Ok(RouteResponse::json(200, &views))
}

/// An indicator as it is asked for.
struct Asked<'a> {
    field: &'a str,
    op: FoldedOp,
    value: &'a str,
    modifiers: Modifiers,
}

fn asked<'a>(request: &'a RouteRequest<'_>) -> Result<Asked<'a>, RouteError> {
    let (Some(field), Some(op)) = (request.first("field"), request.first("op")) else {
        let message = "An indicator is asked for as `/indicator?field=Image&op=basename&value=cmd.exe`.";
        return Err(RouteError::wrong("field", message));
    };
    let op: FoldedOp = op.parse().map_err(|error| RouteError::wrong("op", format!("{error}")))?;
    let modifiers =
        request.first("modifier").unwrap_or_default().parse().map_err(|error| RouteError::wrong("modifier", error))?;
    Ok(Asked { field, op, value: request.first("value").unwrap_or_default(), modifiers })
}

fn indicator(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let Asked { field, op, value, modifiers } = asked(request)?;
    let params = request.params()?;
    let mut view = request.atlas.indicator_in(field, op, value, &modifiers, &params.filters)?;
    request.paged(&mut view, |view| page::indicator(request.atlas, view, &params))
}

fn snippets(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let Asked { field, op, value, modifiers } = asked(request)?;
    Ok(RouteResponse::json(200, &request.atlas.snippets(field, op, value, &modifiers)?))
}
