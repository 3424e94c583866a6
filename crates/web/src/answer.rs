//! From a finished text to a response: compression, ETag, headers.

use std::io::Write as _;

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// Bodies shorter than this are sent as they are.
const WORTH_COMPRESSING: usize = 1024;

/// Nothing but the site's own files; no inline style or script.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// The same for pages that no server of ours sends; such a policy cannot say who may frame a page.
pub(crate) const META_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                                      form-action 'self'; base-uri 'none'";

/// What stands on every answer.
const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (header::VARY, HeaderValue::from_static("accept-encoding")),
];

/// Bodies longer than this, which are data and no pages, are compressed in a hurry.
const LARGE: usize = 1 << 20;

/// Says how many rows there are where the body is some of them.
pub(crate) const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Brotli,
}

impl Coding {
    /// The best that the client takes (RFC 9110, section 12.5.3): Brotli before gzip; `;q=0` refuses.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let mut best = Self::Identity;
        let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        for item in lists.flat_map(|list| list.split(',')) {
            let (name, weight) = item.split_once(';').unwrap_or((item, ""));
            let refused = weight.trim().trim_start_matches("q=").parse::<f32>() == Ok(0.0);
            match name.trim() {
                "br" if !refused => return Self::Brotli,
                "gzip" if !refused => best = Self::Gzip,
                _ => {}
            }
        }
        best
    }

    fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    fn encode(self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut encoded = Vec::with_capacity(plain.len() / 4);
        match self {
            Self::Identity => return None,
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(&mut encoded, flate2::Compression::new(6));
                encoder.write_all(plain).ok()?;
                encoder.finish().ok()?;
            }
            Self::Brotli => {
                let quality = if plain.len() < LARGE { 5 } else { 2 };
                let mut encoder = brotli::CompressorWriter::new(&mut encoded, 1 << 14, quality, 20);
                encoder.write_all(plain).ok()?;
                encoder.flush().ok()?;
                drop(encoder);
            }
        }
        Some(encoded)
    }
}

/// A finished body, as it goes over the wire.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    kind: &'static str,
    coding: Coding,
    etag: HeaderValue,
    /// Whether the address names this very content, so that it can be kept for ever.
    immutable: bool,
    /// How many rows there are, where the body is a part of them.
    total: Option<usize>,
}

impl Body {
    pub(crate) fn new(plain: Vec<u8>, kind: &'static str, coding: Coding, immutable: bool) -> Self {
        let hash = blake3::hash(&plain).to_hex();
        let worth = plain.len() >= WORTH_COMPRESSING;
        let encoded = if worth { coding.encode(&plain) } else { None };
        let coding = if encoded.is_some() { coding } else { Coding::Identity };
        let etag = format!("\"{}{}\"", &hash[..20], coding.name().map(|name| format!("-{name}")).unwrap_or_default());
        Self {
            bytes: Bytes::from(encoded.unwrap_or(plain)),
            kind,
            coding,
            etag: HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static("\"\"")),
            immutable,
            total: None,
        }
    }

    /// The same, the rows being a part of so many.
    pub(crate) fn of(mut self, total: Option<usize>) -> Self {
        self.total = total;
        self
    }

    /// The body as an answer to a request with `headers`: 304 where the client has it already.
    pub(crate) fn respond(&self, status: StatusCode, headers: &HeaderMap) -> Response {
        let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let tag = self.etag.to_str().unwrap_or_default();
        let mut given = lists.flat_map(|list| list.split(','));
        let is_known = given.any(|known| matches!(known.trim(), "*") || known.trim().trim_start_matches("W/") == tag);
        let mut response = if is_known && status == StatusCode::OK {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = (status, self.bytes.clone()).into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
            if let Some(name) = self.coding.name() {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
            }
            response
        };
        let kept = if self.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        response.headers_mut().insert(header::ETAG, self.etag.clone());
        if let Some(total) = self.total {
            response.headers_mut().insert(TOTAL, HeaderValue::from(total));
        }
        response
    }
}

/// Puts what stands on every answer on this one.
pub(crate) async fn always(mut response: Response) -> Response {
    response.headers_mut().extend(ALWAYS);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(value: &'static str) -> Coding {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        Coding::accepted(&headers)
    }

    #[test]
    fn the_best_coding_that_is_not_refused_is_taken() {
        assert_eq!(accepted("gzip, deflate, br;q=0.9"), Coding::Brotli);
        assert_eq!(accepted("br;q=0, gzip"), Coding::Gzip);
        assert_eq!(accepted("br;q=0.000, gzip; q=0"), Coding::Identity);
        assert_eq!(accepted("identity"), Coding::Identity);
    }

    #[test]
    fn a_known_etag_gets_no_body() {
        let body = Body::new(vec![b'a'; 4096], "text/html; charset=utf-8", Coding::Brotli, false);
        assert!(body.bytes.len() < 100);
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, body.etag.clone());
        assert_eq!(body.respond(StatusCode::OK, &headers).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(body.respond(StatusCode::OK, &HeaderMap::new()).status(), StatusCode::OK);
    }
}
