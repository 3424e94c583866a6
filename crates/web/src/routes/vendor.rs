//! Vendors and log sources.

use ruleatlas_catalog::Facet;
use ruleatlas_model::Vendor;
use ruleatlas_views::Atlas;

use super::{Ask, Export, FILTERS, Fault, Form, Made, Route, technique::TABLES, view};
use crate::page;

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/vendor/{name}",
        about: "What a vendor publishes.",
        parameters: &[],
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

fn vendor(ask: &Ask<'_>) -> Result<Made, Fault> {
    let view = ask.atlas.vendor(ask.name(0))?;
    if view.vendor.name() != ask.name(0) {
        return Ok(ask.elsewhere(&page::vendor_address(view.vendor)));
    }
    Ok(ask.answer(&view, || page::vendor(&view)).kept())
}

fn log_source(ask: &Ask<'_>) -> Result<Made, Fault> {
    let params = ask.params()?;
    let mut view = ask.atlas.log_source(ask.name(0), &params.filters)?;
    params.orders.values().for_each(|order| order.apply(&mut view.guide, &mut view.rule_list));
    if let Some(made) =
        super::technique::one_table(&params, &view.guide, &view.rule_list).filter(|_| ask.form == Form::Json)
    {
        return Ok(made);
    }
    let is_cut = ask.form == Form::Json && params.limit.is_some();
    if let (true, Some(limit)) = (is_cut, params.limit) {
        view.guide = view.guide.limited(limit);
    }
    let keep = params.is_known(&ask.atlas.index) && !is_cut;
    Ok(ask.answer(&view, || page::log_source(ask.atlas, &view, &params)).kept_if(keep))
}
