//! Events, their providers, and what one's own telemetry lets one detect.

use ruleatlas_views::{Atlas, EventsQuestion};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};

use super::{
    Ask, Export, FILTERS, Fault, Form, Made, Parameter, Route, Schemas, Values,
    paging::{PAGING, Paged, Totals, Window},
    parameter::one,
    technique, view,
};
use crate::page;

/// Rows of a page of the list.
const ROWS: usize = 200;
/// Rows of a page of the list, when more are asked for.
const MOST_ROWS: usize = 2_000;

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

fn event(ask: &Ask<'_>) -> Result<Made, Fault> {
    let params = ask.params()?;
    let mut view = ask.atlas.event(ask.name(0), ask.name(1), &params.filters)?;
    if (view.provider.as_str(), view.event_id.as_str()) != (ask.name(0), ask.name(1)) {
        // Another name of the provider, its channel, or another spelling.
        let address = page::event_address(&view.provider, &view.event_id).unwrap_or_default();
        return Ok(ask.elsewhere(&format!("{address}{}", params.query())));
    }
    params.orders.values().for_each(|order| order.apply(&mut view.guide, &mut view.rule_list));
    let window = ask.window()?;
    if ask.form == Form::Json
        && let Some(made) = technique::one_table(&params, window, &mut view.guide, &mut view.rule_list)
    {
        return Ok(made);
    }
    ask.paged(&mut view, |view| page::event(ask.atlas, view, &params))
}

fn events(ask: &Ask<'_>) -> Result<Made, Fault> {
    let limit = ask.count("limit")?;
    let question = EventsQuestion {
        provider: ask.first("provider").map(|name| ask.atlas.taxonomy.provider_name(name)),
        text: ask.first("q").map(str::to_owned),
        unread: ask.first("unread").is_some(),
        offset: ask.count("offset")?.unwrap_or(0),
        limit: Some(limit.unwrap_or(ROWS).clamp(1, MOST_ROWS)),
    };
    let view = ask.atlas.events(&question)?;
    let totals = ask.window()?.map(|_| Totals::from([("events", view.total)]));
    Ok(ask.answer_as(|| Paged::counted(&view, totals), || page::events(&view, &question)))
}

fn provider(ask: &Ask<'_>) -> Result<Made, Fault> {
    let params = ask.params()?;
    let elsewhere = |name: &str| Ok(ask.elsewhere(&format!("{}{}", page::provider_address(name), params.query())));
    let short = ask.atlas.taxonomy.provider_name(ask.name(0));
    if short != ask.name(0) && ask.atlas.taxonomy.provider_name(&short) == short {
        // Its full name: whether rules read it is said where it leads.
        return elsewhere(&short);
    }
    let mut view = ask.atlas.provider(ask.name(0), &params.filters)?;
    if view.provider != ask.name(0) {
        return elsewhere(&view.provider);
    }
    ask.paged(&mut view, |view| page::provider(ask.atlas, view, &params))
}

/// The form, or what can be sent to it.
fn coverage(ask: &Ask<'_>) -> Result<Made, Fault> {
    let kinds = ruleatlas_views::HAVE_KINDS;
    let params = ask.params()?;
    Ok(ask.answer(&serde_json::json!({ "kinds": kinds }), || page::coverage_form(&params, None)))
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
pub(crate) fn covered(atlas: &Atlas, bytes: &[u8], pairs: &[(String, String)], wanted: Wanted) -> Made {
    let form = if wanted == Wanted::Page { Form::Page } else { Form::Json };
    let params = match crate::params::Params::read(pairs) {
        Ok(params) => params,
        Err(wrong) => return Fault::from(wrong).made(form),
    };
    let have = match atlas.have(bytes) {
        Ok(have) => have,
        Err(ruleatlas_views::HaveError::Catalog(message)) => return Fault::Broken(message).made(form),
        Err(error) if wanted == Wanted::Page => {
            return Made::page(422, page::coverage_form(&params, Some(&error.to_string())));
        }
        Err(error) => {
            return Made::json(422, &serde_json::json!({ "error": error.to_string(), "what": "have", "near": [] }));
        }
    };
    let mut view = match atlas.coverage(have, &params.filters) {
        Ok(view) => view,
        Err(error) => return Fault::from(error).made(form),
    };
    match wanted {
        Wanted::Page => Made::page(200, page::coverage(&view, &params)),
        Wanted::Json => {
            let is_part = params.offset.is_some() || params.limit.is_some();
            let window = Window { offset: params.offset.unwrap_or(0), limit: params.limit };
            Made::json(200, &Paged::new(&mut view, is_part.then_some(window)))
        }
        Wanted::Layer => Made::json(200, &view.layer(&atlas.attack.version)),
    }
}
