//! The table of addresses as an HTTP service.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use ruleatlas_views::Atlas;
use tokio::sync::Semaphore;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::{
    answer::{self, Body, Coding},
    assets,
    cache::Cache,
    limits::{self, only_reading},
    routes::{self, Address, Made},
};

/// The site over an open catalog.
#[derive(Debug)]
struct App {
    atlas: Arc<Atlas>,
    cache: Cache,
    /// Pages made at one time: making one takes a processor.
    makers: Arc<Semaphore>,
}

/// The site as a service: every page, the JSON and the files beside them, with all limits but those of the socket.
pub fn router(atlas: Arc<Atlas>) -> Router {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let app = App { atlas, cache: Cache::new(), makers: Arc::new(Semaphore::new(processors)) };
    Router::new()
        .route("/assets/{name}", get(asset))
        .route("/", get(any))
        .route("/{*path}", get(any))
        .with_state(Arc::new(app))
        .layer(middleware::from_fn(only_reading))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, limits::PATIENCE))
        .layer(GlobalConcurrencyLimitLayer::new(limits::AT_ONCE))
        .layer(middleware::map_response(answer::always))
}

async fn any(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    app.answer(Address::new(uri.path(), uri.query().unwrap_or_default()), headers).await
}

impl App {
    /// The answer to an address: a kept one, else made now.
    async fn answer(self: Arc<Self>, address: Address, headers: HeaderMap) -> Response {
        let coding = Coding::accepted(&headers);
        let key = (address.key(), coding);
        if let Some(body) = self.cache.get(&key) {
            return body.respond(StatusCode::OK, &headers);
        }
        let Ok(permit) = Arc::clone(&self.makers).acquire_owned().await else { return unwell() };
        // Others may have asked the same and been before us.
        if let Some(body) = self.cache.get(&key) {
            return body.respond(StatusCode::OK, &headers);
        }
        let made = tokio::task::spawn_blocking(move || {
            let made = match routes::made(&self.atlas, &address) {
                Made::Elsewhere(address) => Err(address),
                Made::Body { status, kind, bytes, keep } => {
                    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                    let body = Arc::new(Body::new(bytes, kind, coding, false));
                    if keep && status == StatusCode::OK {
                        self.cache.put(key, Arc::clone(&body));
                    }
                    Ok((status, body))
                }
            };
            drop(permit);
            made
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

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match assets::find(&name) {
        Some(asset) => asset.body(Coding::accepted(&headers)).respond(StatusCode::OK, &headers),
        None => (StatusCode::NOT_FOUND, "There is no such file.\n").into_response(),
    }
}
