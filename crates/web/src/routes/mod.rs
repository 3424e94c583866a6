//! Every address of the site in one table: what answers it, what it may be asked, and whether the static site has it.
//!
//! [`made`] is the whole site as a function: a path and a query in, a finished answer out. The server, the static site,
//! the description of the API and the tests all read the same [`table`]. A route answers `/x` with a page and `/api/v1/x`
//! with the JSON of the same view.
//!
//! To add a page: a function in a file of its topic here, and an entry in that file's `ROUTES`.

mod about;
mod check;
mod controls;
mod event;
mod fires;
mod hunts;
mod ledger;
mod matching;
mod matrix;
mod openapi;
mod paging;
mod parameter;
mod request;
mod rule;
mod scope;
mod search;
mod technique;
mod value;
mod vendor;

use std::cell::Cell;

use ruleatlas_views::{Atlas, nearest};

pub(crate) use self::{
    check::{checked, languages},
    controls::{Sent, aligned},
    event::{Wanted, covered},
    fires::{HUNT as HUNT_PATH, PAGE as FIRES_PAGE, SentEvents, fires, unknown_parameter},
    hunts::{Advice, AdviceView},
    openapi::{Schemas, View, view},
    parameter::{FILTERS, Parameter, Values},
    request::{Form, RouteError, RouteRequest, RouteResponse},
};
use crate::text;

/// Where the JSON of a page stands: this before the page's own address.
pub(crate) const API: &str = "/api/v1";

/// Characters of a query string that are read as pairs.
const MAX_PAIRS: usize = 256;

/// An address of the site.
pub(crate) struct Route {
    /// The page's address: `{name}` stands for one part of it, `{*name}` at the end for all that follows.
    pub(crate) path: &'static str,
    /// What it shows, in a sentence.
    pub(crate) about: &'static str,
    /// What it may be asked; anything else behind `?` is refused, as a filter that is not one would give wrong numbers.
    pub(crate) parameters: &'static [&'static [Parameter]],
    /// The form it has, where it has only one.
    pub(crate) only: Option<Form>,
    /// Whether the static site has it.
    pub(crate) export: Export,
    /// What its JSON looks like.
    pub(crate) view: Option<View>,
    /// What answers it.
    pub(crate) answer: fn(&RouteRequest<'_>) -> Result<RouteResponse, RouteError>,
}

/// An address of the API that is sent something: it is answered and not kept.
pub(crate) struct Post {
    /// The address behind `/api/v1`.
    pub(crate) path: &'static str,
    /// What it answers, in a sentence.
    pub(crate) about: &'static str,
    /// What it may be asked.
    pub(crate) parameters: &'static [&'static [Parameter]],
    /// What the body is.
    pub(crate) body: &'static str,
    /// What its JSON looks like.
    pub(crate) view: View,
}

/// Those that the description of the API has.
pub(crate) const POSTS: [Post; 1] = [fires::POST];

/// The addresses of a route in the static site.
#[derive(Clone, Copy)]
pub(crate) enum Export {
    /// None: what it shows depends on what is asked.
    Never,
    /// The one address that it has.
    Once,
    /// These, as links lead to them, in order.
    Each(fn(&Atlas) -> Vec<String>),
}

/// All routes.
pub(crate) fn table() -> impl Iterator<Item = &'static Route> {
    let topics = [
        about::ROUTES,
        matrix::ROUTES,
        technique::ROUTES,
        rule::ROUTES,
        scope::ROUTES,
        value::ROUTES,
        vendor::ROUTES,
        event::ROUTES,
        check::ROUTES,
        fires::ROUTES,
        hunts::ROUTES,
        search::ROUTES,
        controls::ROUTES,
        ledger::ROUTES,
        openapi::ROUTES,
    ];
    topics.into_iter().flatten()
}

/// An address as it is looked up and kept: the path, and the pairs behind it in order, each once, without empty ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    /// As given, percent-encoded.
    pub(crate) path: String,
    /// Decoded.
    pub(crate) pairs: Vec<(String, String)>,
}

impl Address {
    /// Of a path and what stands behind its `?`.
    pub(crate) fn new(path: &str, query: &str) -> Self {
        let mut pairs: Vec<(String, String)> = query
            .split('&')
            .take(MAX_PAIRS)
            .filter_map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (!value.is_empty()).then(|| (text::decoded(name), text::decoded(value)))
            })
            .collect();
        pairs.sort();
        pairs.dedup();
        Self { path: path.to_owned(), pairs }
    }

    /// The one spelling of the address.
    pub(crate) fn key(&self) -> String {
        let mut key = self.path.clone();
        for (at, (name, value)) in self.pairs.iter().enumerate() {
            key.push(if at == 0 { '?' } else { '&' });
            key.extend(text::encoded(name));
            key.push('=');
            key.extend(text::encoded(value));
        }
        key
    }
}

/// The answer to an address.
pub(crate) fn made(atlas: &Atlas, address: &Address) -> RouteResponse {
    answered(atlas, address, None)
}

/// A page and, where both come from one view, its JSON.
pub(crate) fn made_with_json(atlas: &Atlas, address: &Address) -> (RouteResponse, Option<Vec<u8>>) {
    let json_copy = Cell::new(None);
    let page = answered(atlas, address, Some(&json_copy));
    (page, json_copy.into_inner())
}

/// The form and the path that an address asks for.
fn form_and_path(address: &Address) -> (Form, &str) {
    match address.path.strip_prefix(API) {
        Some("") => (Form::Json, "/"),
        Some(path) if path.starts_with('/') => (Form::Json, path),
        _ => (Form::Page, address.path.as_str()),
    }
}

/// The route that answers an address, with what stands in the places of its names.
fn find(form: Form, path: &str) -> Option<(&'static Route, Vec<String>)> {
    table()
        .filter(|route| route.only.is_none_or(|only| only == form))
        .find_map(|route| Some((route, matching::names(route.path, path)?)))
}

/// The path of the route that answers an address.
pub(crate) fn route_path(address: &Address) -> Option<&'static str> {
    let (form, path) = form_and_path(address);
    find(form, path).map(|(route, _)| route.path)
}

fn answered(atlas: &Atlas, address: &Address, json_copy: Option<&Cell<Option<Vec<u8>>>>) -> RouteResponse {
    let (form, path) = form_and_path(address);
    let Some((route, names)) = find(form, path) else { return nothing(form, path, address) };
    let request = RouteRequest { atlas, form, names, pairs: &address.pairs, route, json_copy };
    let answer = request.refused().map_or_else(|| (route.answer)(&request), |wrong| Err(wrong.into()));
    answer.unwrap_or_else(|fault| fault.made(form))
}

/// That there is no such address.
fn nothing(form: Form, path: &str, address: &Address) -> RouteResponse {
    let bare = path.trim_end_matches('/');
    if bare.len() < path.len() && table().any(|route| matching::names(route.path, bare).is_some()) {
        // Hosts of static files show a folder's page with a stroke at the end.
        let key = Address { path: bare.to_owned(), ..address.clone() }.key();
        return RouteResponse::elsewhere(form, &key);
    }
    let fixed = table().map(|route| route.path).filter(|path| !path.contains('{'));
    let near = nearest(path, fixed, 3);
    RouteError::Missing { what: "page", name: text::decoded(path), near }.made(form)
}

/// Whether a page stands at a plain address: what leads to pages that are not there yet is left out.
pub(crate) fn has(path: &str) -> bool {
    table().any(|route| route.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_question_has_one_key() {
        let key = |query| Address::new("/technique/T1071", query).key();
        assert_eq!(
            key("vendor=splunk&vendor=sigma&domain=&vendor=sigma"),
            "/technique/T1071?vendor=sigma&vendor=splunk"
        );
        assert_eq!(key("q=a+b%26%C3%A9"), "/technique/T1071?q=a%20b%26%C3%A9");
        assert_eq!(key(""), "/technique/T1071");
        assert_eq!(key("?&=&a"), "/technique/T1071");
    }

    #[test]
    fn every_route_says_what_it_is_and_no_two_are_one() {
        let mut seen = std::collections::BTreeSet::new();
        for route in table() {
            assert!(route.path.starts_with('/') && seen.insert(route.path), "{}", route.path);
            assert!(route.about.ends_with('.'), "{}", route.path);
            assert!(route.view.is_some() || route.only == Some(Form::Page), "{} says what its JSON is", route.path);
            assert!(!matches!(route.export, Export::Once) || !route.path.contains('{'), "{}", route.path);
            let mut names: Vec<&str> = route.parameters.iter().copied().flatten().map(|it| it.name).collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{}", route.path);
        }
    }
}
