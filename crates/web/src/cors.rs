//! What scripts of another site may do with the API, where that was asked for.
//!
//! The rules are those of the [Fetch standard](https://fetch.spec.whatwg.org/#http-cors-protocol). The origin is one and
//! fixed, so that no answer depends on who asks.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{limits, routes};

/// Headers that such a script may send besides those that any may.
const HEADERS: HeaderValue = HeaderValue::from_static("content-type, if-none-match");
/// Headers of an answer that it may read besides those that any may.
const READ: HeaderValue = HeaderValue::from_static("etag, x-total-count, content-disposition");
/// Seconds for which a browser need not ask again whether it may: a day.
const KEPT: HeaderValue = HeaderValue::from_static("86400");

/// Answers a request with `next`, and says that scripts of `origin` may read what the API says.
pub(crate) async fn shared(
    origin: Option<&HeaderValue>,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let Some(origin) = origin.filter(|_| request.uri().path().starts_with("/api/")) else {
        return next(request).await;
    };
    let mut response = match asks_first(&request) {
        true => may(request.uri().path()),
        false => next(request).await,
    };
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    response.headers_mut().insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READ);
    response
}

/// Whether a browser asks whether it may send the request that a script wants to.
fn asks_first(request: &Request) -> bool {
    let has = |name| request.headers().contains_key(name);
    *request.method() == Method::OPTIONS && has(header::ORIGIN) && has(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// What may be sent to a path of the API.
fn may(path: &str) -> Response {
    let is_sent_to = path.starts_with(routes::API) && limits::takes_files(path);
    let methods = HeaderValue::from_static(if is_sent_to { "GET, HEAD, POST" } else { "GET, HEAD" });
    let headers = HeaderMap::from_iter([
        (header::ACCESS_CONTROL_ALLOW_METHODS, methods),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, KEPT),
    ]);
    (StatusCode::NO_CONTENT, headers).into_response()
}
