//! The first page, and what the site says about itself.

use super::{Ask, Export, Fault, Made, Route, paging::PAGING, view};
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

fn home(ask: &Ask<'_>) -> Result<Made, Fault> {
    ask.paged(&mut ask.atlas.home(), page::home)
}

fn about(ask: &Ask<'_>) -> Result<Made, Fault> {
    let view = ask.atlas.about();
    Ok(ask.answer(&view, || page::about(&view)))
}

fn notices(ask: &Ask<'_>) -> Result<Made, Fault> {
    let view = ask.atlas.about();
    Ok(ask.answer(&view, || page::notices(&view)))
}
