//! Addresses and what answers them.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use maud::Markup;
use ruleatlas_catalog::Facet;
use ruleatlas_model::FoldedOp;
use ruleatlas_views::{Atlas, Error};
use tokio::sync::Semaphore;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::{
    answer::{self, Body, Coding},
    assets,
    cache::Cache,
    limits::{self, only_reading},
    page,
    params::{Params, WrongParameter, first, pairs},
    text::encoded,
};

const PAGE: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// The site over an open catalog.
#[derive(Debug)]
pub(crate) struct App {
    atlas: Arc<Atlas>,
    cache: Cache,
    /// Pages made at one time: making one takes a processor.
    makers: Arc<Semaphore>,
}

/// What a question gave.
pub(crate) enum Made {
    /// A page.
    Page(StatusCode, Markup),
    /// Some other text.
    Text(StatusCode, &'static str, Vec<u8>),
    /// It stands elsewhere.
    Elsewhere(String),
}

/// The site as a service: every page, the JSON and the files beside them, with all limits but those of the socket.
pub fn router(atlas: Arc<Atlas>) -> Router {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let app = App { atlas, cache: Cache::new(), makers: Arc::new(Semaphore::new(processors)) };
    Router::new()
        .route("/", get(home))
        .route("/technique/{id}", get(technique))
        .route("/rule/{*id}", get(rule))
        .route("/indicator", get(indicator))
        .route("/field/{*name}", get(field))
        .route("/search", get(search))
        .route("/about", get(about))
        .route("/about/notices", get(notices))
        .route("/api/v1/technique/{id}", get(technique_json))
        .route("/assets/{name}", get(asset))
        .fallback(nothing)
        .with_state(Arc::new(app))
        .layer(middleware::from_fn(only_reading))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, limits::PATIENCE))
        .layer(GlobalConcurrencyLimitLayer::new(limits::AT_ONCE))
        .layer(middleware::map_response(answer::always))
}

impl App {
    /// The answer to a question: from the cache where `key` names a finished one, else made now.
    async fn answer(
        self: Arc<Self>,
        headers: HeaderMap,
        key: Option<String>,
        make: impl FnOnce(&Atlas) -> Result<Made, Error> + Send + 'static,
    ) -> Response {
        let coding = Coding::accepted(&headers);
        let key = key.map(|key| (key, coding));
        let kept = || key.as_ref().and_then(|key| self.cache.get(key));
        if let Some(body) = kept() {
            return body.respond(StatusCode::OK, &headers);
        }
        let Ok(permit) = Arc::clone(&self.makers).acquire_owned().await else { return unwell() };
        // Others may have asked the same and been before us.
        if let Some(body) = kept() {
            return body.respond(StatusCode::OK, &headers);
        }
        let app = Arc::clone(&self);
        let made = tokio::task::spawn_blocking(move || {
            let made = make(&app.atlas).unwrap_or_else(|error| said(&error));
            let (status, body) = match made {
                Made::Elsewhere(address) => return Err(address),
                Made::Page(status, page) => (status, Body::new(page.into_string().into_bytes(), PAGE, coding, false)),
                Made::Text(status, kind, text) => (status, Body::new(text, kind, coding, false)),
            };
            let body = Arc::new(body);
            if let (Some(key), StatusCode::OK) = (key, status) {
                app.cache.put(key, Arc::clone(&body));
            }
            drop(permit);
            Ok((status, body))
        });
        match made.await {
            Ok(Ok((status, body))) => body.respond(status, &headers),
            Ok(Err(address)) => elsewhere(&address),
            Err(_) => unwell(),
        }
    }
}

fn elsewhere(address: &str) -> Response {
    match HeaderValue::from_str(address) {
        Ok(address) => (StatusCode::FOUND, [(header::LOCATION, address)]).into_response(),
        Err(_) => unwell(),
    }
}

fn unwell() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "This page could not be made.\n").into_response()
}

/// The page of an error.
fn said(error: &Error) -> Made {
    match error {
        Error::NotFound { what, name, near } => Made::Page(StatusCode::NOT_FOUND, page::missing(what, name, near)),
        Error::Store(error) => Made::Page(
            StatusCode::INTERNAL_SERVER_ERROR,
            page::failed("The catalog cannot be read", &error.to_string()),
        ),
    }
}

/// The page of an address that asks for what cannot be.
fn wrong(message: &str) -> Made {
    Made::Page(StatusCode::BAD_REQUEST, page::failed("The address asks for something that cannot be", message))
}

fn found(page: Markup) -> Made {
    Made::Page(StatusCode::OK, page)
}

async fn home(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    app.answer(headers, Some("home".to_owned()), |atlas| Ok(found(page::home(atlas)))).await
}

async fn technique(State(app): State<Arc<App>>, Path(id): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let params = match Params::read(&pairs(&uri)) {
        Ok(params) => Params { limit: None, ..params },
        Err(error) => return app.answer(headers, None, move |_| Ok(wrong(&error.message))).await,
    };
    if !app.atlas.attack.techniques.contains_key(&id) {
        // An id of another version, another spelling or a name: the page stands under the loaded version's id.
        let make = move |atlas: &Atlas| {
            let technique = atlas.find_technique(&id)?;
            let leads_here = atlas.attack.redirects.contains_key(&id.to_ascii_uppercase());
            let params = Params { from: leads_here.then(|| id.to_ascii_uppercase()), ..params };
            Ok(Made::Elsewhere(format!("/technique/{}{}", encoded(&technique.id, b""), params.query())))
        };
        return app.answer(headers, None, make).await;
    }
    let leads_here = |from: &String| app.atlas.attack.redirects.get(from).is_some_and(|to| to.to.contains(&id));
    let params = Params { from: params.from.filter(leads_here), ..params };
    let key = params.is_known(&app.atlas.index).then(|| format!("technique/{id}{}", params.query()));
    app.answer(headers, key, move |atlas| Ok(found(page::technique(atlas, &id, &params)?))).await
}

async fn technique_json(State(app): State<Arc<App>>, Path(id): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let params = Params::read(&pairs(&uri)).map(|params| Params { from: None, whole: Default::default(), ..params });
    let is_id = app.atlas.attack.techniques.contains_key(&id);
    let of = |params: &Params| is_id && params.is_known(&app.atlas.index) && params.limit.is_none();
    let key = params.as_ref().ok().filter(|params| of(params)).map(|params| format!("json/{id}{}", params.query()));
    let make = move |atlas: &Atlas| {
        let params = match params {
            Ok(params) => params,
            Err(WrongParameter { name, message }) => {
                return Ok(json_error(StatusCode::BAD_REQUEST, name, &message, &[]));
            }
        };
        match atlas.technique(&id, !params.only_itself, &params.filters) {
            Ok(mut view) => {
                if let Some(limit) = params.limit {
                    view.guide = view.guide.limited(limit);
                }
                Ok(json(StatusCode::OK, &view))
            }
            Err(Error::NotFound { what, name, near }) => {
                let message = format!("there is no {what} `{name}` in the catalog");
                Ok(json_error(StatusCode::NOT_FOUND, what, &message, &near))
            }
            Err(error) => Ok(json_error(StatusCode::INTERNAL_SERVER_ERROR, "catalog", &error.to_string(), &[])),
        }
    };
    app.answer(headers, key, make).await
}

/// A value as the command line writes it.
fn json(status: StatusCode, value: &impl serde::Serialize) -> Made {
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    Made::Text(status, JSON, text)
}

fn json_error(status: StatusCode, what: &str, message: &str, near: &[String]) -> Made {
    json(status, &serde_json::json!({ "error": message, "what": what, "near": near }))
}

async fn rule(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let key = app.atlas.index.rule(&id).map(|number| format!("rule/{number}"));
    let make = move |atlas: &Atlas| {
        let view = atlas.rule(&id)?;
        if view.entry.rule.id != id {
            return Ok(Made::Elsewhere(page::rule_address(&view.entry.rule.id)));
        }
        Ok(found(page::rule(atlas, &view)))
    };
    app.answer(headers, key, make).await
}

async fn indicator(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    let mut given = [const { None }; 4];
    for (name, value) in pairs(&uri) {
        let place = ["field", "op", "value", "modifier"].iter().position(|known| *known == name);
        if let Some(place) = place {
            given[place].get_or_insert(value);
        }
    }
    let [field, op, value, modifier] = given;
    let make = move |atlas: &Atlas| {
        let (Some(field), Some(op)) = (field, op) else {
            return Ok(wrong("An indicator is asked for as `/indicator?field=Image&op=basename&value=cmd.exe`."));
        };
        let op: FoldedOp = match op.parse() {
            Ok(op) => op,
            Err(error) => return Ok(wrong(&format!("{error}"))),
        };
        let modifier = modifier.as_deref().filter(|modifier| !modifier.is_empty());
        let view = atlas.modified_indicator(&field, op, &value.unwrap_or_default(), modifier)?;
        Ok(found(page::indicator(&view)))
    };
    app.answer(headers, None, make).await
}

async fn field(State(app): State<Arc<App>>, Path(name): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let is_whole = first(pairs(&uri), "all").is_some();
    let lower = name.to_lowercase();
    let key = app.atlas.index.set(Facet::Field, &lower).is_some().then(|| format!("field/{lower}/{is_whole}"));
    app.answer(headers, key, move |atlas| Ok(found(page::field(&atlas.field(&name)?, is_whole)))).await
}

async fn search(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    let text = first(pairs(&uri), "q").unwrap_or_default();
    app.answer(headers, None, move |atlas| Ok(found(page::search(&atlas.search(&text, 20)?)))).await
}

async fn about(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    app.answer(headers, Some("about".to_owned()), |atlas| Ok(found(page::about(atlas)))).await
}

async fn notices(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    app.answer(headers, Some("notices".to_owned()), |atlas| Ok(found(page::notices(atlas)))).await
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match assets::find(&name) {
        Some(asset) => asset.body(Coding::accepted(&headers)).respond(StatusCode::OK, &headers),
        None => (StatusCode::NOT_FOUND, "There is no such file.\n").into_response(),
    }
}

async fn nothing(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().to_owned();
    app.answer(headers, None, move |_| Ok(Made::Page(StatusCode::NOT_FOUND, page::missing("page", &path, &[])))).await
}
