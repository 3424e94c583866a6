//! Vendors and log sources.

use ruleatlas_catalog::Facet;
use ruleatlas_model::Vendor;
use ruleatlas_views::Atlas;

use super::{
    Export, FILTERS, Form, Route, RouteError, RouteRequest, RouteResponse,
    paging::PAGING,
    technique::{TABLES, one_table},
    view,
};
use crate::page;

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/vendor/{name}",
        about: "What a vendor publishes.",
        parameters: &[PAGING],
        only: None,
        export: Export::Each(vendors),
        view: Some(view::<ruleatlas_views::VendorView>),
        answer: vendor,
    },
    Route {
        path: "/log-source/{name}",
        about: "A log source: what the rules over it read, filter, look for and exclude.",
        parameters: &[FILTERS, TABLES],
        only: None,
        export: Export::Each(log_sources),
        view: Some(view::<ruleatlas_views::LogSourceView>),
        answer: log_source,
    },
];

fn vendors(atlas: &Atlas) -> Vec<String> {
    Vendor::ALL
        .iter()
        .filter(|it| atlas.index.set(Facet::Vendor, it.name()).is_some())
        .map(|it| page::vendor_address(*it))
        .collect()
}

fn log_sources(atlas: &Atlas) -> Vec<String> {
    atlas.log_source_names().iter().map(|name| page::log_source_address(name)).collect()
}

fn vendor(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let mut view = request.atlas.vendor(request.name(0))?;
    if view.vendor.name() != request.name(0) {
        return Ok(request.elsewhere(&page::vendor_address(view.vendor)));
    }
    request.paged(&mut view, page::vendor)
}

fn log_source(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let params = request.params()?;
    let mut view = request.atlas.log_source(request.name(0), &params.filters)?;
    params.orders.values().for_each(|order| order.apply(&mut view.guide, &mut view.rule_list));
    let window = request.window()?;
    if request.form == Form::Json
        && let Some(made) = one_table(&params, window, &mut view.guide, &mut view.rule_list)
    {
        return Ok(made);
    }
    request.paged(&mut view, |view| page::log_source(request.atlas, view, &params))
}
