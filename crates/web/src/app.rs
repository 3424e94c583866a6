//! The table of addresses as an HTTP service.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Multipart, Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use ruleatlas_views::{Atlas, Identity};
use tokio::sync::Semaphore;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::{
    answer::{self, Body, Coding},
    assets,
    cache::Cache,
    cors,
    limits::{self, only_reading},
    routes::{self, Address, Made, Sent, Wanted},
};

/// The site over the catalog that is open now.
#[derive(Debug)]
pub(crate) struct App {
    shown: RwLock<Arc<Shown>>,
    /// Pages made at one time: making one takes a processor.
    makers: Arc<Semaphore>,
}

/// An open catalog, and the pages of it that are kept.
#[derive(Debug)]
struct Shown {
    atlas: Arc<Atlas>,
    cache: Cache,
}

/// How a site is served.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// The other site whose scripts may read the API: its origin, as in `https://example.org`, or `*` for any.
    pub cors: Option<HeaderValue>,
    /// Is told, in a sentence, what became of a catalog that took the place of the one that is served.
    pub notice: Option<fn(&str)>,
}

/// The site as a service: every page, the JSON and the files beside them, with all limits but those of the socket.
pub fn router(atlas: Arc<Atlas>) -> Router {
    router_with(atlas, ServeOptions::default())
}

/// The same with options.
pub fn router_with(atlas: Arc<Atlas>, options: ServeOptions) -> Router {
    routed(App::new(atlas), options)
}

pub(crate) fn routed(app: Arc<App>, options: ServeOptions) -> Router {
    Router::new()
        .route("/assets/{name}", get(asset))
        .route("/", get(any))
        .route("/coverage", get(any).post(covered_page))
        .route("/api/v1/coverage", get(any).post(covered_json))
        .route("/align", get(any).post(aligned))
        .route("/api/v1/align", get(any).post(aligned))
        .route("/{*path}", get(any))
        .with_state(app)
        .layer(DefaultBodyLimit::max(limits::LARGEST_FILE + (64 << 10)))
        .layer(middleware::from_fn(only_reading))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, limits::PATIENCE))
        .layer(GlobalConcurrencyLimitLayer::new(limits::AT_ONCE))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            cors::shared(options.cors.clone(), request, next)
        }))
        .layer(middleware::map_response(answer::always))
}

async fn any(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    app.answer(Address::new(uri.path(), uri.query().unwrap_or_default()), headers).await
}

/// A file sent by the form of `/coverage`: `have` holds it, or `text` what was typed; `answer` says what is wanted.
async fn covered_page(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap, mut form: Multipart) -> Response {
    let (mut file, mut text, mut wanted) = (Bytes::new(), Bytes::new(), Wanted::Page);
    loop {
        match form.next_field().await {
            Ok(None) => break,
            Ok(Some(field)) => {
                let name = field.name().unwrap_or_default().to_owned();
                let Ok(bytes) = field.bytes().await else { return too_large() };
                match name.as_str() {
                    "have" => file = bytes,
                    "text" => text = bytes,
                    "answer" if bytes == "layer" => wanted = Wanted::Layer,
                    _ => {}
                }
            }
            Err(_) => return too_large(),
        }
    }
    let bytes = if file.is_empty() { text } else { file };
    app.covered(bytes, &uri, headers, wanted).await
}

/// Files sent by the form of `/align`: `layer` and `have` hold them, the other fields who threatens.
async fn aligned(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap, mut form: Multipart) -> Response {
    let mut sent = Sent { is_json: uri.path().starts_with(routes::API), ..Sent::default() };
    sent.pairs = Address::new(uri.path(), uri.query().unwrap_or_default()).pairs;
    loop {
        match form.next_field().await {
            Ok(None) => break,
            Ok(Some(field)) => {
                let name = field.name().unwrap_or_default().to_owned();
                let file = field.file_name().unwrap_or_default().to_owned();
                let Ok(bytes) = field.bytes().await else { return too_large() };
                match name.as_str() {
                    _ if bytes.is_empty() => {}
                    "layer" => sent.layers.push((file, bytes.to_vec())),
                    "have" => sent.have = bytes.to_vec(),
                    _ => sent.pairs.push((name, String::from_utf8_lossy(&bytes).into_owned())),
                }
            }
            Err(_) => return too_large(),
        }
    }
    app.made_now(headers, move |atlas| routes::aligned(atlas, &sent)).await
}

/// A file as the body of a request.
async fn covered_json(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap, bytes: Bytes) -> Response {
    app.covered(bytes, &uri, headers, Wanted::Json).await
}

fn too_large() -> Response {
    (StatusCode::PAYLOAD_TOO_LARGE, "A file here has at most 1 MiB, in a form of `multipart/form-data`.\n")
        .into_response()
}

impl App {
    pub(crate) fn new(atlas: Arc<Atlas>) -> Arc<Self> {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let shown = Arc::new(Shown { atlas, cache: Cache::new() });
        Arc::new(Self { shown: RwLock::new(shown), makers: Arc::new(Semaphore::new(processors)) })
    }

    /// Shows another catalog from the next request on; those under way end with the one they began with.
    pub(crate) fn show(&self, atlas: Arc<Atlas>) {
        let shown = Arc::new(Shown { atlas, cache: Cache::new() });
        shown.warm();
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
    }

    /// Makes what the first who ask would wait for.
    pub(crate) fn warm(&self) {
        self.shown().warm();
    }

    /// Where the catalog is that is shown, and which file it is.
    pub(crate) fn source(&self) -> (PathBuf, Option<Identity>) {
        let atlas = &self.shown().atlas;
        (atlas.path().to_owned(), atlas.identity())
    }

    fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The answer to a file, which is kept nowhere.
    async fn covered(self: Arc<Self>, bytes: Bytes, uri: &Uri, headers: HeaderMap, wanted: Wanted) -> Response {
        if bytes.len() > limits::LARGEST_FILE {
            return too_large();
        }
        let address = Address::new(uri.path(), uri.query().unwrap_or_default());
        let make = move |atlas: &Atlas| routes::covered(atlas, &bytes, &address.pairs, wanted);
        let mut response = self.made_now(headers, make).await;
        if wanted == Wanted::Layer && response.status() == StatusCode::OK {
            let name = HeaderValue::from_static("attachment; filename=\"telemetry-layer.json\"");
            response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
        }
        response
    }

    /// An answer that is made for this request alone, and kept nowhere.
    async fn made_now(
        self: Arc<Self>,
        headers: HeaderMap,
        make: impl FnOnce(&Atlas) -> Made + Send + 'static,
    ) -> Response {
        let coding = Coding::accepted(&headers);
        let Ok(permit) = Arc::clone(&self.makers).acquire_owned().await else { return unwell() };
        let shown = self.shown();
        let made = tokio::task::spawn_blocking(move || {
            let made = make(&shown.atlas);
            drop(permit);
            match made {
                Made::Body { status, kind, bytes, total, .. } => {
                    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                    Ok((status, Body::new(bytes, kind, coding, false).of(total)))
                }
                Made::Elsewhere(address) => Err(address),
            }
        });
        let mut response = match made.await {
            Ok(Ok((status, body))) => body.respond(status, &HeaderMap::new()),
            Ok(Err(address)) => elsewhere(&address),
            Err(_) => unwell(),
        };
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// The answer to an address: a kept one, else made now.
    async fn answer(self: Arc<Self>, address: Address, headers: HeaderMap) -> Response {
        let coding = Coding::accepted(&headers);
        let key = (address.key(), coding);
        if let Some(body) = self.shown().cache.get(&key) {
            return body.respond(StatusCode::OK, &headers);
        }
        let Ok(permit) = Arc::clone(&self.makers).acquire_owned().await else { return unwell() };
        let shown = self.shown();
        // Others may have asked the same and been before us.
        if let Some(body) = shown.cache.get(&key) {
            return body.respond(StatusCode::OK, &headers);
        }
        let made = tokio::task::spawn_blocking(move || {
            let made = shown.made(&address, key);
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

/// Pages that are made before anybody asks: those that the bar at the top leads to, which are of the whole catalog.
const FIRST: [&str; 7] = ["/", "/rules", "/matrix", "/events", "/ledger", "/controls", "/align"];

impl Shown {
    /// What an address is answered with, or the address where the answer stands; kept where that is worth it.
    fn made(&self, address: &Address, key: (String, Coding)) -> Result<(StatusCode, Arc<Body>), String> {
        match routes::made(&self.atlas, address) {
            Made::Elsewhere(address) => Err(address),
            Made::Body { status, kind, bytes, keep, total } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let body = Arc::new(Body::new(bytes, kind, key.1, false).of(total));
                if keep && status == StatusCode::OK {
                    self.cache.put(key, Arc::clone(&body));
                }
                Ok((status, body))
            }
        }
    }

    fn warm(&self) {
        self.atlas.warm();
        for page in FIRST {
            let address = Address::new(page, "");
            let key = (address.key(), Coding::Brotli);
            if self.cache.get(&key).is_none() {
                // A page that cannot be made says so to who asks for it.
                let _ = self.made(&address, key).is_ok();
            }
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
