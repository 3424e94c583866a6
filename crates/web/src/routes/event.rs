//! Events, their providers, and what one's own telemetry lets one detect.

use ruleatlas_views::{Atlas, EventsQuestion};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};

use super::{
    Export, FILTERS, Form, Parameter, Route, RouteError, RouteRequest, RouteResponse, Schemas, Values,
    paging::{PAGING, Paged, Totals, Window},
    parameter::one,
    technique, view,
};
use crate::page;

/// Rows of a page of the list.
const ROWS: usize = 200;
/// Rows of a page of the list, when more are asked for.
const MAX_ROWS: usize = 2_000;

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/event/{provider}/{id}",
        about: "An event: what it holds, what turns it on, and the rules that read it.",
        parameters: &[FILTERS, technique::TABLES],
        only: None,
        export: Export::Each(event_addresses),
        view: Some(view::<ruleatlas_views::EventView>),
        answer: event,
    },
    Route {
        path: "/events",
        about: "The events that rules read, and all that the dictionaries know.",
        parameters: &[LIST],
        only: None,
        export: Export::Once,
        view: Some(view::<ruleatlas_views::EventsView>),
        answer: events,
    },
    Route {
        path: "/provider/{name}",
        about: "A provider: its events, and its fields with the rules that filter on them.",
        parameters: &[FILTERS, PAGING],
        only: None,
        export: Export::Each(provider_addresses),
        view: Some(view::<ruleatlas_views::ProviderView>),
        answer: provider,
    },
    Route {
        path: "/platforms",
        about: "The platforms, with their rules, providers and events.",
        parameters: &[],
        only: None,
        export: Export::Once,
        view: Some(view::<ruleatlas_views::PlatformsView>),
        answer: platforms,
    },
    Route {
        path: "/platform/{name}",
        about: "A platform: who writes its events, which of them rules read, and what is missing.",
        parameters: &[PAGING],
        only: None,
        export: Export::Each(platform_addresses),
        view: Some(view::<ruleatlas_views::PlatformView>),
        answer: platform,
    },
    Route {
        path: "/coverage",
        about: "What the telemetry one has lets one detect. A file is sent to it by POST; nothing of it is kept.",
        parameters: &[FILTERS, PAGING],
        only: None,
        export: Export::Never,
        view: Some(kinds),
        answer: coverage,
    },
];

const LIST: &[Parameter] = &[
    one("provider", "Only events of this provider.", Values::Text),
    one("q", "Only events whose provider, id, channel or title has this text.", Values::Text),
    one("unread", "List events too that no rule reads.", Values::Words(yes)),
    one("offset", "Where the list begins, from 0.", Values::Count),
    one("limit", "At most this many rows; no more than 2,000.", Values::Count),
];

/// What can be sent.
fn kinds(schemas: &mut Schemas) -> RefOr<Schema> {
    let kinds = view::<Vec<Vec<String>>>(schemas);
    ObjectBuilder::new().property("kinds", kinds).required("kinds").build().into()
}

fn yes() -> Vec<&'static str> {
    vec!["yes"]
}

fn event_addresses(atlas: &Atlas) -> Vec<String> {
    let events = atlas.events_read().unwrap_or_default();
    events.iter().filter_map(|event| page::event_address(&event.provider, &event.event_id)).collect()
}

fn provider_addresses(atlas: &Atlas) -> Vec<String> {
    atlas.provider_names().unwrap_or_default().iter().map(|name| page::provider_address(name)).collect()
}

fn platform_addresses(_: &Atlas) -> Vec<String> {
    ruleatlas_views::platform_names().map(page::platform_address).collect()
}

fn platforms(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let view = request.atlas.platforms()?;
    Ok(request.answer(&view, || page::platforms(&view)))
}

fn platform(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let mut view = request.atlas.platform(request.name(0))?;
    if view.name != request.name(0) {
        return Ok(request.elsewhere(&page::platform_address(&view.name)));
    }
    request.paged(&mut view, page::platform)
}

fn event(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let params = request.params()?;
    let mut view = request.atlas.event(request.name(0), request.name(1), &params.filters)?;
    if (view.provider.as_str(), view.event_id.as_str()) != (request.name(0), request.name(1)) {
        // Another name of the provider, its channel, or another spelling.
        let address = page::event_address(&view.provider, &view.event_id).unwrap_or_default();
        return Ok(request.elsewhere(&format!("{address}{}", params.query())));
    }
    params.orders.values().for_each(|order| order.apply(&mut view.guide, &mut view.rule_list));
    let window = request.window()?;
    if request.form == Form::Json
        && let Some(made) = technique::one_table(&params, window, &mut view.guide, &mut view.rule_list)
    {
        return Ok(made);
    }
    request.paged(&mut view, |view| page::event(request.atlas, view, &params))
}

fn events(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let limit = request.count("limit")?;
    let question = EventsQuestion {
        provider: request.first("provider").map(|name| request.atlas.taxonomy.provider_name(name)),
        text: request.first("q").map(str::to_owned),
        unread: request.first("unread").is_some(),
        offset: request.count("offset")?.unwrap_or(0),
        limit: Some(limit.unwrap_or(ROWS).clamp(1, MAX_ROWS)),
    };
    let view = request.atlas.events(&question)?;
    let totals = request.window()?.map(|_| Totals::from([("events", view.total)]));
    Ok(request.answer_as(|| Paged::counted(&view, totals), || page::events(&view, &question)))
}

fn provider(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let params = request.params()?;
    let elsewhere = |name: &str| Ok(request.elsewhere(&format!("{}{}", page::provider_address(name), params.query())));
    let short = request.atlas.taxonomy.provider_name(request.name(0));
    if short != request.name(0) && request.atlas.taxonomy.provider_name(&short) == short {
        // Its full name: whether rules read it is said where it leads.
        return elsewhere(&short);
    }
    let mut view = request.atlas.provider(request.name(0), &params.filters)?;
    if view.provider != request.name(0) {
        return elsewhere(&view.provider);
    }
    request.paged(&mut view, |view| page::provider(request.atlas, view, &params))
}

/// The form, or what can be sent to it.
fn coverage(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let kinds = ruleatlas_views::HAVE_KINDS;
    let params = request.params()?;
    Ok(request.answer(&serde_json::json!({ "kinds": kinds }), || page::coverage_form(&params, None)))
}

/// What is wanted of a file that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The page.
    Page,
    /// The view as JSON.
    Json,
    /// A layer of the ATT&CK Navigator.
    Layer,
}

/// The answer to a file that was sent.
pub(crate) fn covered(atlas: &Atlas, bytes: &[u8], pairs: &[(String, String)], wanted: Wanted) -> RouteResponse {
    let form = if wanted == Wanted::Page { Form::Page } else { Form::Json };
    let params = match crate::params::Params::read(pairs) {
        Ok(params) => params,
        Err(wrong) => return RouteError::from(wrong).made(form),
    };
    let have = match atlas.have(bytes) {
        Ok(have) => have,
        Err(ruleatlas_views::TelemetryError::Catalog(message)) => return RouteError::Broken(message).made(form),
        Err(error) if wanted == Wanted::Page => {
            return RouteResponse::page(422, page::coverage_form(&params, Some(&error.to_string())));
        }
        Err(error) => {
            return RouteResponse::json(
                422,
                &serde_json::json!({ "error": error.to_string(), "what": "have", "near": [] }),
            );
        }
    };
    let mut view = match atlas.coverage(have, &params.filters) {
        Ok(view) => view,
        Err(error) => return RouteError::from(error).made(form),
    };
    match wanted {
        Wanted::Page => RouteResponse::page(200, page::coverage(&view, &params)),
        Wanted::Json => {
            let is_part = params.offset.is_some() || params.limit.is_some();
            let window = Window { offset: params.offset.unwrap_or(0), limit: params.limit };
            RouteResponse::json(200, &Paged::new(&mut view, is_part.then_some(window)))
        }
        Wanted::Layer => RouteResponse::json(200, &view.layer(&atlas.attack.version)),
    }
}
