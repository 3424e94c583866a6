//! What no request may do.

use std::time::Duration;

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// How long an answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Requests answered at one time; more wait.
pub(crate) const AT_ONCE: usize = 256;
/// Bytes of an address.
pub(crate) const LONGEST_ADDRESS: usize = 8 << 10;

/// Bytes of the files that are sent to `/coverage` and `/align`.
pub(crate) const LARGEST_FILE: usize = 1 << 20;
/// Bytes of a form around it.
const FORM: usize = 64 << 10;

/// Where files may be sent to.
const TAKING_FILES: [&str; 4] = ["/coverage", "/api/v1/coverage", "/align", "/api/v1/align"];

/// Whether a file may be sent there by `POST`: it is answered and not kept.
pub(crate) fn takes_files(path: &str) -> bool {
    TAKING_FILES.contains(&path)
}

fn takes_a_file(request: &Request) -> bool {
    *request.method() == Method::POST && takes_files(request.uri().path())
}

/// Whether a body is known to be no larger than a file with its form may be.
fn is_small(request: &Request) -> bool {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse::<usize>().ok()).is_none_or(|length| length <= LARGEST_FILE + FORM)
}

/// Only reading is asked for here, but for files sent to `/coverage` and `/align`: `GET` and `HEAD`, without a body, under an address of reasonable length.
pub(crate) async fn only_reading(request: Request, next: Next) -> Response {
    if takes_a_file(&request) {
        if !is_small(&request) {
            return (StatusCode::PAYLOAD_TOO_LARGE, "A file here has at most 1 MiB.\n").into_response();
        }
        return next.run(request).await;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return (StatusCode::METHOD_NOT_ALLOWED, allow, "Only GET and HEAD are answered here.\n").into_response();
    }
    let length = request.headers().get(header::CONTENT_LENGTH).map(HeaderValue::as_bytes);
    if length.is_some_and(|length| length != b"0") || request.headers().contains_key(header::TRANSFER_ENCODING) {
        return (StatusCode::PAYLOAD_TOO_LARGE, "A request here has no body.\n").into_response();
    }
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if address > LONGEST_ADDRESS {
        return (StatusCode::URI_TOO_LONG, "The address is too long.\n").into_response();
    }
    next.run(request).await
}
