//! The first page, and what the site says about itself.

use super::{Export, Route, RouteError, RouteRequest, RouteResponse, paging::PAGING, view};
use crate::page;

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/",
        about: "What is here.",
        parameters: &[PAGING],
        only: None,
        export: Export::Once,
        view: Some(view::<ruleatlas_views::HomeView>),
        answer: home,
    },
    Route {
        path: "/about",
        about: "How everything is counted, and where it comes from.",
        parameters: &[],
        only: None,
        export: Export::Once,
        view: Some(view::<ruleatlas_views::AboutView>),
        answer: about,
    },
    Route {
        path: "/about/notices",
        about: "What the sources' licences ask to be said.",
        parameters: &[],
        only: None,
        export: Export::Once,
        view: Some(view::<ruleatlas_views::AboutView>),
        answer: notices,
    },
];

fn home(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    request.paged(&mut request.atlas.home(), page::home)
}

fn about(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let view = request.atlas.about();
    Ok(request.answer(&view, || page::about(&view)))
}

fn notices(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let view = request.atlas.about();
    Ok(request.answer(&view, || page::notices(&view)))
}
