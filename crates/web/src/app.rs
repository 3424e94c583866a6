//! The table of addresses as an HTTP service.

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::{
    Router,
    body::{self, Bytes},
    extract::{DefaultBodyLimit, Extension, Multipart, Path, Request, State, multipart::MultipartError},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use ruleatlas_views::{Atlas, Identity, LogHits};

use crate::{
    answer::{self, Body, Coding},
    assets,
    cache::{Answer, Cache, Key, internal_error},
    client::Client,
    cors,
    host::HostPolicy,
    limits::{self, Limits},
    routes::{self, Address, RouteResponse, Sent, SentEvents, Wanted},
    schedule::{Bounds, Cost, Interest, Refused, Scheduler},
};

/// Work that takes more processor time, by what its kind took lately, waits among expensive work.
const HEAVY_SECONDS: f64 = 0.02;

/// The site over the catalog that is open now.
#[derive(Debug)]
pub(crate) struct App {
    snapshot: RwLock<Arc<Snapshot>>,
    scheduler: Scheduler<(u64, Key), Answer>,
    /// Processor time that making a page of each kind took lately, in seconds.
    costs: Mutex<HashMap<Kind, f64>>,
    uploads: Uploads,
    limits: Limits,
    next_snapshot: AtomicU64,
}

/// What is expected to cost the same: a route, and whether it is asked for its JSON or sent a file.
type Kind = (&'static str, Form);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    Page,
    Json,
    Sent,
}

/// An open catalog, and the answers of it that are kept.
#[derive(Debug)]
struct Snapshot {
    /// No other snapshot has the same.
    id: u64,
    atlas: Arc<Atlas>,
    cache: Cache,
}

/// How a site is served.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// The other site whose scripts may read the API: its origin, as in `https://example.org`, or `*` for any.
    pub cors: Option<HeaderValue>,
    /// Names that the server answers to, besides loopback names; see [`allowed_host`](crate::allowed_host). Without any,
    /// a server that listens on a loopback address answers to loopback names only, and any other to every name.
    pub allowed_hosts: Vec<String>,
    /// How much of the server requests may take.
    pub limits: Limits,
    /// Is told, in a sentence, what became of a catalog that took the place of the one that is served.
    pub notice: Option<fn(&str)>,
}

/// The site as a service: every page, the JSON and the files beside them, with all limits but those of the socket.
pub fn router(atlas: Arc<Atlas>) -> Router {
    router_with(atlas, ServeOptions::default())
}

/// The same with options.
pub fn router_with(atlas: Arc<Atlas>, options: ServeOptions) -> Router {
    let hosts = HostPolicy::new(None, &options.allowed_hosts, options.cors.clone());
    routed(App::new(atlas, options.limits), hosts, options.cors)
}

pub(crate) fn routed(app: Arc<App>, hosts: HostPolicy, cors: Option<HeaderValue>) -> Router {
    let front = Arc::new(Front { app: Arc::clone(&app), hosts, cors });
    Router::new()
        .route("/assets/{name}", get(asset))
        .route("/", get(any))
        .route("/coverage", get(any).post(covered_page))
        .route("/api/v1/coverage", get(any).post(covered_json))
        .route("/align", get(any).post(aligned))
        .route("/api/v1/align", get(any).post(aligned))
        .route("/check", get(any).post(checked_page))
        .route("/api/v1/check", get(any).post(checked_json))
        .route(routes::FIRES_PAGE, get(any).post(fires_page))
        .route(&format!("{}{}", routes::API, routes::HUNT_PATH), get(any).post(fires_json))
        .route("/{*path}", get(any))
        .with_state(app)
        .layer(DefaultBodyLimit::max(limits::MAX_BODY))
        .layer(middleware::from_fn_with_state(front, checked))
        .layer(middleware::map_response(answer::always))
}

/// What stands before every address.
#[derive(Debug)]
struct Front {
    app: Arc<App>,
    hosts: HostPolicy,
    cors: Option<HeaderValue>,
}

/// Answers a request that may be asked, and says who else may read the answer.
async fn checked(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    if let Some(refusal) = front.hosts.refusal(&request) {
        return refusal;
    }
    cors::shared(front.cors.as_ref(), request, async |request| {
        if let Some(refusal) = limits::refusal(&request) {
            return refusal;
        }
        match front.app.received(request).await {
            Ok(request) => next.run(request).await,
            Err(refusal) => *refusal,
        }
    })
    .await
}

/// Who asks; requests that come without a socket are all of one client.
fn client_of(request: &Request) -> Client {
    request.extensions().get::<Client>().copied().unwrap_or(Client::LOCAL)
}

async fn any(State(app): State<Arc<App>>, client: Option<Extension<Client>>, uri: Uri, headers: HeaderMap) -> Response {
    app.answer(known(client), Address::new(uri.path(), uri.query().unwrap_or_default()), headers).await
}

fn known(client: Option<Extension<Client>>) -> Client {
    client.map_or(Client::LOCAL, |Extension(client)| client)
}

/// Bodies that are being received, by client.
#[derive(Clone, Debug, Default)]
struct Uploads(Arc<Mutex<HashMap<Client, usize>>>);

/// A body that is being received.
struct Upload(Uploads, Client);

impl Uploads {
    fn begin(&self, client: Client, most: usize) -> Option<Upload> {
        let mut uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = uploads.entry(client).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Upload(self.clone(), client))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let mut uploads = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = uploads.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                uploads.remove(&self.1);
            }
        }
    }
}

/// A field of a form.
struct FormField {
    name: String,
    /// The name of the file that was chosen; empty for what was typed.
    file: String,
    bytes: Bytes,
}

/// Hands over every field of a form, or says why it cannot be read.
async fn form_fields(form: &mut Multipart, mut take: impl FnMut(FormField)) -> Result<(), Box<Response>> {
    let refused = |error: MultipartError| Box::new(limits::unreadable_form(&error));
    while let Some(field) = form.next_field().await.map_err(refused)? {
        let name = field.name().unwrap_or_default().to_owned();
        let file = field.file_name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(refused)?;
        take(FormField { name, file, bytes });
    }
    Ok(())
}

/// A file sent by the form of `/coverage`: `have` holds it, or `text` what was typed; `answer` says what is wanted.
async fn covered_page(
    State(app): State<Arc<App>>,
    client: Option<Extension<Client>>,
    uri: Uri,
    headers: HeaderMap,
    mut form: Multipart,
) -> Response {
    let (mut file, mut text, mut wanted) = (Bytes::new(), Bytes::new(), Wanted::Page);
    let sent = form_fields(&mut form, |field| match field.name.as_str() {
        "have" => file = field.bytes,
        "text" => text = field.bytes,
        "answer" if field.bytes == "layer" => wanted = Wanted::Layer,
        _ => {}
    });
    if let Err(refusal) = sent.await {
        return *refusal;
    }
    let bytes = if file.is_empty() { text } else { file };
    app.covered(known(client), bytes, &uri, headers, wanted).await
}

/// Files sent by the form of `/align`: `layer` and `have` hold them, the other fields who threatens.
async fn aligned(
    State(app): State<Arc<App>>,
    client: Option<Extension<Client>>,
    uri: Uri,
    headers: HeaderMap,
    mut form: Multipart,
) -> Response {
    let mut sent = Sent { is_json: uri.path().starts_with(routes::API), ..Sent::default() };
    sent.pairs = Address::new(uri.path(), uri.query().unwrap_or_default()).pairs;
    let read = form_fields(&mut form, |field| match field.name.as_str() {
        _ if field.bytes.is_empty() => {}
        "layer" => sent.layers.push((field.file, field.bytes.to_vec())),
        "have" => sent.have = field.bytes.to_vec(),
        _ => sent.pairs.push((field.name, String::from_utf8_lossy(&field.bytes).into_owned())),
    });
    if let Err(refusal) = read.await {
        return *refusal;
    }
    let kind = ("/align", Form::Sent);
    app.made_now(known(client), kind, headers, move |atlas| routes::aligned(atlas, &sent)).await
}

/// A draft sent by the form of `/check`: `rule` holds it, `language` says what it is in.
async fn checked_page(
    State(app): State<Arc<App>>,
    client: Option<Extension<Client>>,
    headers: HeaderMap,
    mut form: Multipart,
) -> Response {
    let (mut rule, mut language) = (Bytes::new(), String::new());
    let sent = form_fields(&mut form, |field| match field.name.as_str() {
        "rule" => rule = field.bytes,
        "language" => language = String::from_utf8_lossy(&field.bytes).into_owned(),
        _ => {}
    });
    if let Err(refusal) = sent.await {
        return *refusal;
    }
    app.checked(known(client), rule, language, headers, routes::Form::Page).await
}

/// A draft as the body of a request.
async fn checked_json(
    State(app): State<Arc<App>>,
    client: Option<Extension<Client>>,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let pairs = Address::new(uri.path(), uri.query().unwrap_or_default()).pairs;
    let language = pairs.into_iter().find(|(name, _)| name == "language").map(|(_, value)| value).unwrap_or_default();
    app.checked(known(client), bytes, language, headers, routes::Form::Json).await
}

/// Events sent by the form of `/fires`: `text` holds them, `as` says what they are.
async fn fires_page(
    State(app): State<Arc<App>>,
    client: Option<Extension<Client>>,
    headers: HeaderMap,
    mut form: Multipart,
) -> Response {
    let mut sent = SentEvents::default();
    let read = form_fields(&mut form, |field| match field.name.as_str() {
        "text" => sent.text = field.bytes.to_vec(),
        "as" => sent.kind = String::from_utf8_lossy(&field.bytes).into_owned(),
        _ => {}
    });
    if let Err(refusal) = read.await {
        return *refusal;
    }
    let make = move |atlas: &Atlas| routes::fires(atlas, &sent, routes::Form::Page);
    app.made_now(known(client), ("/fires", Form::Sent), headers, make).await
}

/// Events as the body of a request.
async fn fires_json(
    State(app): State<Arc<App>>,
    client: Option<Extension<Client>>,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let sent = SentEvents::of_pairs(Address::new(uri.path(), uri.query().unwrap_or_default()).pairs);
    let make = move |atlas: &Atlas| match sent {
        Ok(sent) => routes::fires(atlas, &SentEvents { text: bytes.to_vec(), ..sent }, routes::Form::Json),
        Err(name) => routes::unknown_parameter(&name),
    };
    app.made_now(known(client), ("/fires", Form::Sent), headers, make).await
}

/// A file as the body of a request.
async fn covered_json(
    State(app): State<Arc<App>>,
    client: Option<Extension<Client>>,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    app.covered(known(client), bytes, &uri, headers, Wanted::Json).await
}

impl App {
    pub(crate) fn new(atlas: Arc<Atlas>, limits: Limits) -> Arc<Self> {
        let bounds = Bounds {
            heavy: limits.workers,
            queued_per_client: limits.queued_per_client,
            patience: limits.answer_timeout,
        };
        Arc::new(Self {
            snapshot: RwLock::new(Arc::new(Snapshot { id: 0, atlas, cache: Cache::new() })),
            scheduler: Scheduler::new(bounds),
            costs: Mutex::default(),
            uploads: Uploads::default(),
            limits,
            next_snapshot: AtomicU64::new(1),
        })
    }

    /// Shows another catalog from the next request on; those under way end with the one they began with.
    pub(crate) fn swap_snapshot(&self, atlas: Arc<Atlas>) {
        let id = self.next_snapshot.fetch_add(1, Ordering::Relaxed);
        let snapshot = Arc::new(Snapshot { id, atlas, cache: Cache::new() });
        self.prefetch_pages(&snapshot);
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }

    /// Makes what the first who ask would wait for.
    pub(crate) fn prefetch(&self) {
        self.prefetch_pages(&self.snapshot());
    }

    fn prefetch_pages(&self, snapshot: &Snapshot) {
        snapshot.atlas.prefetch();
        for page in FIRST {
            let address = Address::new(page, "");
            let key = (address.key(), Coding::Brotli);
            if snapshot.cache.get(&key).is_none() {
                // A page that cannot be made says so to who asks for it.
                self.timed(kind(&address), || snapshot.made(&address, key, &Interest::always()));
            }
        }
    }

    /// Where the catalog is that is shown, and which file it is.
    pub(crate) fn source(&self) -> (PathBuf, Option<Identity>) {
        let atlas = &self.snapshot().atlas;
        (atlas.path().to_owned(), atlas.identity())
    }

    /// What hunts found, where it is shown.
    pub(crate) fn hits(&self) -> Option<Arc<LogHits>> {
        self.snapshot().atlas.hits().cloned()
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The request with its whole body, or what is said instead.
    async fn received(&self, request: Request) -> Result<Request, Box<Response>> {
        if !limits::sends_a_file(&request) {
            return Ok(request);
        }
        let client = client_of(&request);
        let Some(_upload) = self.uploads.begin(client, self.limits.uploads_per_client) else {
            return Err(Box::new(limits::busy(1)));
        };
        let (parts, body) = request.into_parts();
        match tokio::time::timeout(self.limits.body_timeout, body::to_bytes(body, limits::MAX_BODY)).await {
            Ok(Ok(bytes)) => Ok(Request::from_parts(parts, bytes.into())),
            Ok(Err(error)) => Err(Box::new(limits::unreadable_body(error))),
            Err(_) => {
                let message = "The body of the request took too long to arrive.\n";
                // What still arrives of it is not read.
                let close = [(header::CONNECTION, HeaderValue::from_static("close"))];
                Err(Box::new((StatusCode::REQUEST_TIMEOUT, close, message).into_response()))
            }
        }
    }

    /// The findings of a draft, which is kept nowhere.
    async fn checked(
        self: Arc<Self>,
        client: Client,
        bytes: Bytes,
        language: String,
        headers: HeaderMap,
        form: routes::Form,
    ) -> Response {
        if bytes.len() > limits::MAX_UPLOAD_BYTES {
            return limits::too_large();
        }
        let make = move |atlas: &Atlas| routes::checked(atlas, &bytes, &language, form);
        self.made_now(client, ("/check", Form::Sent), headers, make).await
    }

    /// The answer to a file, which is kept nowhere.
    async fn covered(
        self: Arc<Self>,
        client: Client,
        bytes: Bytes,
        uri: &Uri,
        headers: HeaderMap,
        wanted: Wanted,
    ) -> Response {
        if bytes.len() > limits::MAX_UPLOAD_BYTES {
            return limits::too_large();
        }
        let address = Address::new(uri.path(), uri.query().unwrap_or_default());
        let make = move |atlas: &Atlas| routes::covered(atlas, &bytes, &address.pairs, wanted);
        let mut response = self.made_now(client, ("/coverage", Form::Sent), headers, make).await;
        if wanted == Wanted::Layer && response.status() == StatusCode::OK {
            let name = HeaderValue::from_static("attachment; filename=\"telemetry-layer.json\"");
            response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
        }
        response
    }

    /// An answer that is made for this request alone, and kept nowhere.
    async fn made_now(
        self: Arc<Self>,
        client: Client,
        kind: Kind,
        headers: HeaderMap,
        make: impl FnOnce(&Atlas) -> RouteResponse + Send + 'static,
    ) -> Response {
        let coding = Coding::accepted(&headers);
        let snapshot = self.snapshot();
        let app = Arc::clone(&self);
        let job = move |interest: &Interest| app.timed(kind, || finished(make(&snapshot.atlas), coding, interest));
        let mut response = match self.scheduler.run(client, None, self.cost(kind), || None, job).await {
            Ok(answer) => answer.respond(&HeaderMap::new()),
            Err(refused) => refusal(refused),
        };
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// The answer to an address: a kept one, else made now.
    async fn answer(self: Arc<Self>, client: Client, address: Address, headers: HeaderMap) -> Response {
        let key = (address.key(), Coding::accepted(&headers));
        let snapshot = self.snapshot();
        if let Some(answer) = snapshot.cache.get(&key) {
            return answer.respond(&headers);
        }
        let kind = kind(&address);
        let kept = {
            let (snapshot, key) = (Arc::clone(&snapshot), key.clone());
            move || snapshot.cache.get(&key)
        };
        let task = (snapshot.id, key.clone());
        let app = Arc::clone(&self);
        let job = move |interest: &Interest| app.timed(kind, || snapshot.made(&address, key, interest));
        match self.scheduler.run(client, Some(task), self.cost(kind), kept, job).await {
            Ok(answer) => answer.respond(&headers),
            Err(refused) => refusal(refused),
        }
    }

    /// What work of a kind is expected to cost: what it took lately.
    fn cost(&self, kind: Kind) -> Cost {
        let costs = self.costs.lock().unwrap_or_else(PoisonError::into_inner);
        // What was never made yet is taken to cost what the page of the same route does.
        let known = costs.get(&kind).or_else(|| costs.get(&(kind.0, Form::Page)));
        let seconds = known.copied().unwrap_or_default();
        if seconds > HEAVY_SECONDS { Cost::Heavy } else { Cost::Light }
    }

    /// Does work of a kind and remembers how long it took.
    fn timed<T>(&self, kind: Kind, work: impl FnOnce() -> T) -> T {
        let (begun, before) = (Instant::now(), processor_seconds());
        let done = work();
        let took = match (before, processor_seconds()) {
            (Some(before), Some(after)) => after - before,
            _ => begun.elapsed().as_secs_f64(),
        };
        let mut costs = self.costs.lock().unwrap_or_else(PoisonError::into_inner);
        let mean = costs.entry(kind).or_insert(took);
        *mean += (took - *mean) / 4.0;
        done
    }
}

fn kind(address: &Address) -> Kind {
    let form = if address.path.starts_with(routes::API) { Form::Json } else { Form::Page };
    (routes::route_path(address).unwrap_or_default(), form)
}

/// Processor time of this thread, where the system says it. On a busy machine the clock would make all work expensive.
fn processor_seconds() -> Option<f64> {
    let times = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: u64 = times.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds as f64 / 1e9)
}

fn refusal(refused: Refused) -> Response {
    match refused {
        Refused::Busy { retry_after } => limits::busy(retry_after),
        Refused::Failed => internal_error(),
    }
}

/// A made answer, compressed. Where nobody waits for it any more the rest of the work is left.
fn finished(made: RouteResponse, coding: Coding, interest: &Interest) -> Answer {
    if !interest.is_wanted() {
        return Answer::Failed;
    }
    match made {
        RouteResponse::Redirect(address) => HeaderValue::from_str(&address).map_or(Answer::Failed, Answer::Redirect),
        RouteResponse::Body { status, kind, bytes, total } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Answer::Body(status, Arc::new(Body::new(bytes, kind, coding, false).of(total)))
        }
    }
}

/// Pages that are made before anybody asks: those that the bar at the top leads to, which are of the whole catalog.
const FIRST: [&str; 7] = ["/", "/rules", "/matrix", "/events", "/ledger", "/controls", "/align"];

impl Snapshot {
    /// What an address is answered with, which is then kept.
    fn made(&self, address: &Address, key: Key, interest: &Interest) -> Answer {
        if !interest.is_wanted() {
            return Answer::Failed;
        }
        let answer = finished(routes::made(&self.atlas, address), key.1, interest);
        self.cache.put(key, answer.clone());
        answer
    }
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match assets::find(&name) {
        Some(asset) => asset.body(Coding::accepted(&headers)).respond(StatusCode::OK, &headers),
        None => (StatusCode::NOT_FOUND, "There is no such file.\n").into_response(),
    }
}

#[cfg(test)]
mod tests;
