use std::cell::Cell;

use maud::Markup;
use ruleatlas_views::{Atlas, Error, nearest};
use serde::Serialize;

use super::{
    API, Parameter, Route, Values,
    paging::{Lists, Paged, Window},
};
use crate::{
    page,
    params::{Params, WrongParameter},
};

const PAGE: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A page for people.
    Page,
    /// JSON for programs.
    Json,
}

/// What a route is asked.
pub(crate) struct RouteRequest<'a> {
    pub(crate) atlas: &'a Atlas,
    pub(crate) form: Form,
    /// What stands in the places of the path's names, decoded.
    pub(crate) names: Vec<String>,
    /// What stands behind `?`: ordered, each once, none empty, all known to the route.
    pub(crate) pairs: &'a [(String, String)],
    pub(super) route: &'static Route,
    /// Where a page's JSON is put as well, for one who wants both: most of the work is the view of which both are made.
    pub(super) json_copy: Option<&'a Cell<Option<Vec<u8>>>>,
}

/// A finished answer.
#[derive(Debug)]
pub(crate) enum RouteResponse {
    /// A body.
    Body {
        /// The HTTP status.
        status: u16,
        /// The media type.
        kind: &'static str,
        bytes: Vec<u8>,
        /// How many rows there are, where the body is a part of them.
        total: Option<usize>,
    },
    /// It stands at this address of the site.
    Redirect(String),
}

/// Why a route gives no answer.
pub(crate) enum RouteError {
    /// There is no such thing.
    Missing { what: &'static str, name: String, near: Vec<String> },
    /// The address asks for what cannot be.
    Wrong { name: String, message: String },
    /// The catalog cannot be read.
    Broken(String),
}

impl RouteRequest<'_> {
    /// What stands in the place of the path's `n`th name.
    pub(crate) fn name(&self, n: usize) -> &str {
        self.names.get(n).map_or("", String::as_str)
    }

    /// The first value of a parameter.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter whose words are already known to be right.
    pub(crate) fn words<T: std::str::FromStr>(&self, name: &str) -> Vec<T> {
        self.pairs.iter().filter(|(key, _)| key == name).filter_map(|(_, value)| value.parse().ok()).collect()
    }

    /// A parameter that is a number of rows.
    pub(crate) fn count(&self, name: &'static str) -> Result<Option<usize>, RouteError> {
        let read =
            |value: &str| value.parse().map_err(|_| RouteError::wrong(name, format!("`{value}` is no number of rows")));
        self.first(name).map(read).transpose()
    }

    /// The filters and what else a page with tables may be asked.
    pub(crate) fn params(&self) -> Result<Params, RouteError> {
        let params = Params::read(self.pairs)?;
        // A page shows its lists in its own pages.
        Ok(if self.form == Form::Page { Params { offset: None, limit: None, ..params } } else { params })
    }

    /// The part of each list that is asked for; `None` for the whole, and for pages.
    pub(super) fn window(&self) -> Result<Option<Window>, RouteError> {
        let (offset, limit) = (self.count("offset")?, self.count("limit")?);
        let is_asked = self.form == Form::Json && (offset.is_some() || limit.is_some());
        Ok(is_asked.then(|| Window { offset: offset.unwrap_or(0), limit }))
    }

    /// The answer from a view with lists: its page, or its JSON with the part of them that is asked for.
    pub(super) fn paged<T: Serialize + Lists>(
        &self,
        view: &mut T,
        page: impl FnOnce(&T) -> Markup,
    ) -> Result<RouteResponse, RouteError> {
        let window = self.window()?;
        if window.is_some() {
            return Ok(RouteResponse::json(200, &Paged::new(view, window)));
        }
        let view = &*view;
        Ok(self.answer(view, || page(view)))
    }

    /// Why a parameter cannot be answered.
    pub(super) fn refused(&self) -> Option<WrongParameter> {
        let known = || self.route.parameters.iter().copied().flatten();
        self.pairs.iter().find_map(|(name, value)| {
            let Some(parameter) = known().find(|parameter| parameter.name == name) else {
                let names: Vec<&str> = known().map(|parameter| parameter.name).collect();
                let near = nearest(name, names.iter().copied(), 1);
                let hint = match (near.first(), names.is_empty()) {
                    (Some(near), _) => format!("did you mean `{near}`?"),
                    (None, true) => "it takes none".to_owned(),
                    (None, false) => format!("it takes {}", names.join(", ")),
                };
                let message = format!("this page takes no parameter `{name}`; {hint}");
                return Some(WrongParameter { name: name.clone(), message });
            };
            wrong_value(parameter, value).map(|message| WrongParameter { name: name.clone(), message })
        })
    }

    /// The answer from a view: its page, or its JSON.
    pub(crate) fn answer(&self, view: &impl Serialize, page: impl FnOnce() -> Markup) -> RouteResponse {
        self.answer_as(|| view, page)
    }

    /// The same of a view whose JSON has to be made first.
    pub(crate) fn answer_as<T: Serialize>(
        &self,
        json: impl FnOnce() -> T,
        page: impl FnOnce() -> Markup,
    ) -> RouteResponse {
        if self.form == Form::Json {
            return RouteResponse::json(200, &json());
        }
        if let Some(json_copy) = self.json_copy {
            json_copy.set(Some(json_bytes(&json())));
        }
        RouteResponse::page(200, page())
    }

    /// That the answer stands at another page's address.
    pub(crate) fn elsewhere(&self, address: &str) -> RouteResponse {
        RouteResponse::elsewhere(self.form, address)
    }
}

fn wrong_value(parameter: &Parameter, value: &str) -> Option<String> {
    match parameter.values {
        Values::Text => None,
        Values::Words(words) => {
            let words = words();
            (!words.contains(&value)).then(|| format!("`{value}` is none of {}", words.join(", ")))
        }
        Values::Count => value.parse::<u32>().is_err().then(|| format!("`{value}` is no number of rows")),
        Values::Day => value.parse::<ruleatlas_catalog::Day>().err(),
    }
}

fn json_bytes(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

impl RouteResponse {
    /// A page.
    pub(crate) fn page(status: u16, page: Markup) -> Self {
        Self::Body { status, kind: PAGE, bytes: page.into_string().into_bytes(), total: None }
    }

    /// A value as the command line writes it.
    pub(crate) fn json(status: u16, value: &impl Serialize) -> Self {
        Self::Body { status, kind: JSON, bytes: json_bytes(value), total: None }
    }

    /// A text of another kind.
    pub(crate) fn text(kind: &'static str, bytes: Vec<u8>) -> Self {
        Self::Body { status: 200, kind, bytes, total: None }
    }

    /// That the answer stands at another page's address.
    pub(crate) fn elsewhere(form: Form, address: &str) -> Self {
        Self::Redirect(if form == Form::Json { format!("{API}{address}") } else { address.to_owned() })
    }

    /// The same, the rows being a part of so many.
    pub(super) fn of(self, total: usize) -> Self {
        match self {
            Self::Body { status, kind, bytes, .. } => Self::Body { status, kind, bytes, total: Some(total) },
            other => other,
        }
    }
}

impl RouteError {
    pub(crate) fn wrong(name: &str, message: impl Into<String>) -> Self {
        Self::Wrong { name: name.to_owned(), message: message.into() }
    }

    /// What is said about it.
    pub(super) fn made(self, form: Form) -> RouteResponse {
        let (status, what, message, near) = match &self {
            Self::Missing { what, name, near } => {
                (404, *what, format!("there is no {what} `{name}` in the catalog"), near.as_slice())
            }
            Self::Wrong { name, message } => (400, name.as_str(), message.clone(), [].as_slice()),
            Self::Broken(message) => (500, "catalog", message.clone(), [].as_slice()),
        };
        if form == Form::Json {
            return RouteResponse::json(status, &serde_json::json!({ "error": message, "what": what, "near": near }));
        }
        let page = match &self {
            Self::Missing { what, name, near } => page::missing(what, name, near),
            Self::Wrong { message, .. } => page::failed("The address asks for something that cannot be", message),
            Self::Broken(message) => page::failed("The catalog cannot be read", message),
        };
        RouteResponse::page(status, page)
    }
}

impl From<Error> for RouteError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound { what, name, near } => Self::Missing { what, name, near },
            Error::Unanswerable(message) => Self::wrong("question", message),
            Error::Store(error) => Self::Broken(error.to_string()),
            Error::Hits(error) => Self::Broken(error.to_string()),
        }
    }
}

impl From<WrongParameter> for RouteError {
    fn from(WrongParameter { name, message }: WrongParameter) -> Self {
        Self::Wrong { name, message }
    }
}
