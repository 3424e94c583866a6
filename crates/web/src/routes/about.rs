//! The first page, and what the site says about itself.

use serde::Serialize;

use super::{Ask, Export, Fault, Made, Route};
use crate::page;

pub(super) const ROUTES: &[Route] = &[
    Route { path: "/", about: "What is here.", parameters: &[], only: None, export: Export::Once, answer: home },
    Route {
        path: "/about",
        about: "How everything is counted, and where it comes from.",
        parameters: &[],
        only: None,
        export: Export::Once,
        answer: about,
    },
    Route {
        path: "/about/notices",
        about: "What the sources' licences ask to be said.",
        parameters: &[],
        only: None,
        export: Export::Once,
        answer: notices,
    },
];

/// Where the content comes from.
#[derive(Serialize)]
struct Sources<'a> {
    attack_version: &'a str,
    sources: &'a [ruleatlas_catalog::SourceInfo],
}

fn sources<'a>(ask: &Ask<'a>) -> Sources<'a> {
    Sources { attack_version: &ask.atlas.attack.version, sources: &ask.atlas.sources }
}

fn home(ask: &Ask<'_>) -> Result<Made, Fault> {
    Ok(ask.answer(&sources(ask), || page::home(ask.atlas)).kept())
}

fn about(ask: &Ask<'_>) -> Result<Made, Fault> {
    Ok(ask.answer(&sources(ask), || page::about(ask.atlas)).kept())
}

fn notices(ask: &Ask<'_>) -> Result<Made, Fault> {
    Ok(ask.answer(&sources(ask), || page::notices(ask.atlas)).kept())
}
