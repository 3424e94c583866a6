//! What no request may do.

use std::time::Duration;

use axum::{
    extract::{Request, multipart::MultipartError},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

/// How much of the server requests may take. The defaults suit one machine with a few hundred readers.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a connection may be without a whole request head, from when it opens or from the answer before.
    pub head_timeout: Duration,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// A reader of an answer must take at least 16 KiB in each such period.
    pub read_period: Duration,
    /// How long a request waits for its answer to be made.
    pub answer_timeout: Duration,
    /// Connections at one time. It is lowered where the system allows fewer open files.
    pub connections: usize,
    /// Connections of one client.
    pub connections_per_client: usize,
    /// Pages of one client that wait to be made.
    pub queued_per_client: usize,
    /// Bodies of one client that are being received.
    pub uploads_per_client: usize,
    /// Expensive pages that are made at one time; one more worker is there for pages that are made quickly.
    pub workers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(30),
            read_period: Duration::from_secs(15),
            answer_timeout: Duration::from_secs(30),
            connections: 2048,
            connections_per_client: 1024,
            queued_per_client: 128,
            uploads_per_client: 8,
            workers: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }
}

/// Bytes of an address.
pub(crate) const MAX_ADDRESS_BYTES: usize = 8 << 10;
/// Bytes of a request's head that are read.
pub(crate) const MAX_HEAD: usize = 32 << 10;

/// Bytes of the files that are sent to `/coverage`, `/align`, `/check` and `/fires`.
pub(crate) const MAX_UPLOAD_BYTES: usize = 1 << 20;
/// Bytes of such a file with the form around it.
pub(crate) const MAX_BODY: usize = MAX_UPLOAD_BYTES + (64 << 10);

/// Where files may be sent to.
const TAKING_FILES: [&str; 8] =
    ["/coverage", "/api/v1/coverage", "/align", "/api/v1/align", "/check", "/api/v1/check", "/fires", "/api/v1/hunt"];

/// Whether a file may be sent there by `POST`: it is answered and not kept.
pub(crate) fn takes_files(path: &str) -> bool {
    TAKING_FILES.contains(&path)
}

/// Whether a request sends a file to where one may be sent.
pub(crate) fn sends_a_file(request: &Request) -> bool {
    *request.method() == Method::POST && takes_files(request.uri().path())
}

/// Whether a body is known to be no larger than a file with its form may be.
fn is_small(request: &Request) -> bool {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse::<usize>().ok()).is_none_or(|length| length <= MAX_BODY)
}

/// The answer to a request that asks for more than reading: all but `GET` and `HEAD` without a body, under an address of
/// reasonable length, and files sent to `/coverage`, `/align`, `/check` and `/fires`.
pub(crate) fn refusal(request: &Request) -> Option<Response> {
    if sends_a_file(request) {
        return (!is_small(request)).then(too_large);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return Some((StatusCode::METHOD_NOT_ALLOWED, allow, "Only GET and HEAD are answered here.\n").into_response());
    }
    let length = request.headers().get(header::CONTENT_LENGTH).map(HeaderValue::as_bytes);
    if length.is_some_and(|length| length != b"0") || request.headers().contains_key(header::TRANSFER_ENCODING) {
        return Some((StatusCode::PAYLOAD_TOO_LARGE, "A request here has no body.\n").into_response());
    }
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    (address > MAX_ADDRESS_BYTES).then(|| (StatusCode::URI_TOO_LONG, "The address is too long.\n").into_response())
}

pub(crate) fn too_large() -> Response {
    (StatusCode::PAYLOAD_TOO_LARGE, "A file here has at most 1 MiB, in a form of `multipart/form-data`.\n")
        .into_response()
}

/// Why a body was not received: it is too large, or its length or its chunks are not what HTTP says.
pub(crate) fn unreadable_body(error: axum::Error) -> Response {
    if error.into_inner().is::<http_body_util::LengthLimitError>() {
        return too_large();
    }
    (StatusCode::BAD_REQUEST, "The body of the request is malformed or ended early.\n").into_response()
}

/// Why the fields of a form cannot be read.
pub(crate) fn unreadable_form(error: &MultipartError) -> Response {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    (StatusCode::BAD_REQUEST, "The body of the request is not a readable `multipart/form-data`.\n").into_response()
}

/// That a client has too much waiting; it may ask again after so many seconds.
pub(crate) fn busy(retry_after: u64) -> Response {
    let headers = [
        (header::RETRY_AFTER, HeaderValue::from(retry_after)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let message = "Too many requests of your address are waiting to be answered. Try again later.\n";
    (StatusCode::SERVICE_UNAVAILABLE, headers, message).into_response()
}
