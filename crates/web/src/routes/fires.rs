//! Events, or a command line, that are sent to be asked about.

use ruleatlas_views::{Atlas, CommandPlatform, FiresError, FiresInput, FiresView};

use super::{
    API, Export, Form, Parameter, Post, Route, RouteError, RouteRequest, RouteResponse, Values, parameter::one, view,
};
use crate::page;

/// Where the page is.
pub(crate) const PAGE: &str = "/fires";
/// Where programs ask.
pub(crate) const HUNT: &str = "/hunt";

pub(super) const ROUTES: &[Route] = &[Route {
    path: PAGE,
    about: "Which rules fire on pasted events or on a command line. They are sent to it by POST; nothing of them is kept.",
    parameters: &[AS],
    only: Some(Form::Page),
    export: Export::Never,
    view: None,
    answer: form,
}];

pub(super) const POST: Post = Post {
    path: HUNT,
    about: "Which rules fire on events or on a command line, and the closest that do not. Nothing of them is kept.",
    parameters: &[AS, SHAPE],
    body: "Events of any shape as text: JSON in any layout, CSV with a header, XML, audit lines; or a command line. At most 256 KiB \
           and 500 events.",
    view: view::<FiresView>,
};

const AS: &[Parameter] =
    &[one("as", "What is sent: `events`, or a command line on `windows`, `linux` or `macos`.", Values::Words(kinds))];
const SHAPE: &[Parameter] = &[one(
    "shape",
    "The shape of all events, as `evtx` or `winlogbeat`; without it each is recognised by itself.",
    Values::Text,
)];

/// What may be sent.
fn kinds() -> Vec<&'static str> {
    std::iter::once("events").chain(CommandPlatform::ALL.map(CommandPlatform::name)).collect()
}

fn form(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let platform = request.first("as").and_then(CommandPlatform::of);
    Ok(RouteResponse::page(200, page::fires_form(request.atlas.hits().is_some(), "", platform)))
}

/// What is sent, as it is asked for.
#[derive(Debug, Default)]
pub(crate) struct SentEvents {
    /// The text.
    pub(crate) text: Vec<u8>,
    /// `events`, or a platform.
    pub(crate) kind: String,
    /// The shape; empty for none.
    pub(crate) shape: String,
}

impl SentEvents {
    /// From the pairs of an address; `None` with the first that is unknown.
    pub(crate) fn of_pairs(pairs: Vec<(String, String)>) -> Result<Self, String> {
        let mut sent = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "as" => sent.kind = value,
                "shape" => sent.shape = value,
                _ => return Err(name),
            }
        }
        Ok(sent)
    }
}

/// That an address has a parameter that is not taken.
pub(crate) fn unknown_parameter(name: &str) -> RouteResponse {
    RouteError::wrong(name, format!("`{API}{HUNT}` takes no parameter `{name}`; it takes as, shape")).made(Form::Json)
}

/// The rules that fire.
pub(crate) fn fires(atlas: &Atlas, sent: &SentEvents, form: Form) -> RouteResponse {
    let platform = match sent.kind.as_str() {
        "" | "events" => None,
        name => match CommandPlatform::of(name) {
            Some(platform) => Some(platform),
            None => {
                let message = format!("`{name}` is none of {}", kinds().join(", "));
                return RouteError::wrong("as", message).made(form);
            }
        },
    };
    let text = String::from_utf8_lossy(&sent.text);
    let input = match platform {
        Some(platform) => FiresInput::CommandLine { text: &text, platform },
        None => {
            FiresInput::Events { text: &sent.text, shape: Some(sent.shape.as_str()).filter(|shape| !shape.is_empty()) }
        }
    };
    match (atlas.fires(input), form) {
        (Ok(view), Form::Json) => RouteResponse::json(200, &view),
        (Ok(view), Form::Page) => RouteResponse::page(200, page::fires(&view, &text, platform)),
        (Err(FiresError::Catalog(error)), _) => RouteError::from(error).made(form),
        (Err(error @ FiresError::Temporary(_)), _) => RouteError::Broken(error.to_string()).made(form),
        (Err(FiresError::NoShape { name, near }), Form::Json) => {
            RouteError::Missing { what: "shape", name, near }.made(form)
        }
        (Err(error), Form::Json) => RouteError::wrong("events", error.to_string()).made(form),
        (Err(error), Form::Page) => RouteResponse::page(400, page::fires_failed(&error.to_string(), &text, platform)),
    }
}
