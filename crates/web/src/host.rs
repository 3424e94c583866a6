//! Which names the server answers to, and whose scripts may send it requests.
//!
//! A page of another site may point its own name at a loopback address and then read what is served there as if it were
//! its own ([DNS rebinding]). Its requests still carry the name, in `Host`, so that they are told apart by it.
//!
//! [DNS rebinding]: https://en.wikipedia.org/wiki/DNS_rebinding

use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header, uri::Authority},
    response::{IntoResponse as _, Response},
};

use crate::text::take_chars;

/// Characters of a header that a message repeats.
const MAX_SHOWN: usize = 100;

/// The names that the server answers to.
#[derive(Clone, Debug)]
pub(crate) struct HostPolicy {
    names: Vec<String>,
    /// Whether every name is answered to.
    is_open: bool,
    /// The site whose scripts may read the API, or `*`.
    cors: Option<HeaderValue>,
}

/// A host as `Host` and `Origin` name it.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    /// In lower case, without brackets and without a dot at the end.
    host: String,
    port: Option<u16>,
}

impl Named {
    fn parse(text: &str) -> Option<Self> {
        let authority: Authority = text.parse().ok()?;
        // No browser sends a user's name here.
        if text.contains('@') {
            return None;
        }
        let host = authority.host();
        let port = match authority.as_str().strip_prefix(host)?.strip_prefix(':') {
            None | Some("") => None,
            Some(port) => Some(port.parse().ok()?),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        (!host.is_empty()).then_some(Self { host, port })
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
    }
}

/// A name as `--allowed-host` gives it, in the form in which it is compared; `None` where it is no host name or address.
pub fn allowed_host(text: &str) -> Option<String> {
    let bracketed = text.parse::<std::net::Ipv6Addr>().map(|address| format!("[{address}]"));
    let named = Named::parse(bracketed.as_deref().unwrap_or(text))?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    (named.port.is_none() && named.host.bytes().all(is_plain)).then_some(named.host)
}

impl HostPolicy {
    /// The policy of a server that listens on an address. On a loopback address it answers to loopback names and to
    /// `names`; on any other address, and without a socket, to every name unless `names` says which.
    pub(crate) fn new(bound: Option<IpAddr>, names: &[String], cors: Option<HeaderValue>) -> Self {
        let names: Vec<String> = names.iter().filter_map(|name| allowed_host(name)).collect();
        let is_open = names.is_empty() && !bound.is_some_and(|bound| bound.to_canonical().is_loopback());
        Self { names, is_open, cors }
    }

    /// The answer to a request that is not for this server, or that another site's page sends.
    pub(crate) fn refusal(&self, request: &Request) -> Option<Response> {
        let host = match self.host(request) {
            Ok(host) => host,
            Err(response) => return Some(*response),
        };
        self.foreign_origin(request, host.as_ref())
    }

    /// The host that is asked.
    fn host(&self, request: &Request) -> Result<Option<Named>, Box<Response>> {
        let refuse = |status: StatusCode, message: String| Err(Box::new((status, message).into_response()));
        let mut hosts = request.headers().get_all(header::HOST).iter();
        let (first, second) = (hosts.next(), hosts.next());
        if second.is_some() {
            return refuse(StatusCode::BAD_REQUEST, "The request has more than one Host header.\n".to_owned());
        }
        // The name in the request line comes before the header (RFC 9112, section 3.2.2).
        let given = match (request.uri().authority(), first) {
            (Some(authority), _) => authority.as_str(),
            (None, Some(host)) => host.to_str().unwrap_or_default(),
            (None, None) if self.is_open || request.version() < Version::HTTP_11 => return Ok(None),
            (None, None) => return refuse(StatusCode::BAD_REQUEST, "The request has no Host header.\n".to_owned()),
        };
        let named = Named::parse(given);
        if self.is_open {
            return Ok(named);
        }
        if let Some(named) = named
            && (named.is_loopback() || self.names.contains(&named.host))
        {
            return Ok(Some(named));
        }
        let names: Vec<&str> =
            ["localhost", "127.0.0.0/8", "[::1]"].into_iter().chain(self.names.iter().map(String::as_str)).collect();
        refuse(
            StatusCode::MISDIRECTED_REQUEST,
            format!(
                "This server does not answer to the host `{}`, only to {}. `ruleatlas serve --allowed-host NAME` adds a name.\n",
                take_chars(given, MAX_SHOWN),
                names.join(", ")
            ),
        )
    }

    /// The answer to a request of a page that is of another site.
    ///
    /// Where every name is answered to, only what is sent is checked: a browser keeps what it reads from such a page.
    fn foreign_origin(&self, request: &Request, host: Option<&Named>) -> Option<Response> {
        let headers = request.headers();
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let origin = origins.next()?;
        if origins.next().is_some() {
            return Some((StatusCode::BAD_REQUEST, "The request has several Origin headers.\n").into_response());
        }
        if self.is_open && *request.method() != Method::POST {
            return None;
        }
        let may_read = request.uri().path().starts_with("/api/")
            && self.cors.as_ref().is_some_and(|cors| cors == "*" || cors == origin);
        if may_read || self.is_own(origin, host, headers) {
            return None;
        }
        let origin = take_chars(&String::from_utf8_lossy(origin.as_bytes()), MAX_SHOWN).to_owned();
        let message = format!(
            "Requests from pages of `{origin}` are not answered. `ruleatlas serve --cors ORIGIN` lets another site read the API.\n"
        );
        Some((StatusCode::FORBIDDEN, message).into_response())
    }

    fn is_own(&self, origin: &HeaderValue, host: Option<&Named>, headers: &HeaderMap) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        if origin == "null" {
            // A form of a page that tells nobody its address, which scripts cannot pretend.
            return headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
        }
        let (rest, default_port) = match (origin.strip_prefix("http://"), origin.strip_prefix("https://")) {
            (Some(rest), _) => (rest, 80),
            (_, Some(rest)) => (rest, 443),
            _ => return false,
        };
        let Some(origin) = Named::parse(rest) else { return false };
        let port = |named: &Named| named.port.unwrap_or(default_port);
        self.names.contains(&origin.host)
            || host.is_some_and(|host| host.host == origin.host && port(host) == port(&origin))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn policy(bound: &str, names: &[&str]) -> HostPolicy {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        HostPolicy::new(Some(bound.parse().unwrap()), &names, None)
    }

    fn status(policy: &HostPolicy, method: Method, headers: &[(&str, &str)]) -> u16 {
        let request = headers
            .iter()
            .fold(Request::builder().method(method).uri("/"), |request, (name, value)| request.header(*name, *value));
        policy.refusal(&request.body(Body::empty()).unwrap()).map_or(200, |response| response.status().as_u16())
    }

    #[test]
    fn a_loopback_server_answers_to_loopback_names_only() {
        let policy = policy("127.0.0.1", &["atlas.example.org"]);
        for (host, expected) in [
            ("localhost", 200),
            ("LocalHost:7071", 200),
            ("localhost.:7071", 200),
            ("127.0.0.1:7071", 200),
            ("127.8.9.10", 200),
            ("[::1]:80", 200),
            ("[::ffff:127.0.0.1]", 200),
            ("atlas.example.org", 200),
            ("ATLAS.example.org:8443", 200),
            ("rebound.example", 421),
            ("localhost.rebound.example", 421),
            ("127.0.0.1.rebound.example", 421),
            ("sub.atlas.example.org", 421),
            ("localhost@rebound.example", 421),
            ("rebound.example@localhost", 421),
            ("0.0.0.0:7071", 421),
            ("192.168.1.5", 421),
            ("[fe80::1]", 421),
            ("", 421),
            ("localhost:notaport", 421),
            ("localhost:99999", 421),
            ("localhost/..", 421),
        ] {
            assert_eq!(status(&policy, Method::GET, &[("host", host)]), expected, "{host}");
        }
        assert_eq!(status(&policy, Method::GET, &[]), 400);
        assert_eq!(status(&policy, Method::GET, &[("host", "localhost"), ("host", "rebound.example")]), 400);
    }

    #[test]
    fn the_name_in_the_request_line_counts() {
        let policy = policy("::1", &[]);
        let request = Request::builder().uri("http://rebound.example/").header("host", "localhost");
        let refused = policy.refusal(&request.body(Body::empty()).unwrap()).unwrap();
        assert_eq!(refused.status(), StatusCode::MISDIRECTED_REQUEST);
        let old = Request::builder().uri("/").version(Version::HTTP_10).body(Body::empty()).unwrap();
        assert!(policy.refusal(&old).is_none(), "HTTP/1.0 needs no Host, and no browser speaks it");
    }

    #[test]
    fn a_public_server_answers_to_every_name_unless_told() {
        for host in ["atlas.example.org", "192.0.2.7", "other.example"] {
            assert_eq!(status(&policy("0.0.0.0", &[]), Method::GET, &[("host", host)]), 200);
        }
        let told = policy("0.0.0.0", &["atlas.example.org", "2001:db8::7"]);
        for (host, expected) in
            [("atlas.example.org", 200), ("[2001:db8::7]:80", 200), ("localhost", 200), ("other.example", 421)]
        {
            assert_eq!(status(&told, Method::GET, &[("host", host)]), expected, "{host}");
        }
    }

    #[test]
    fn pages_of_other_sites_are_not_answered() {
        let local = policy("127.0.0.1", &["atlas.example.org"]);
        for (origin, expected) in [
            ("http://127.0.0.1:7071", 200),
            ("http://127.0.0.1:3000", 403),
            ("http://localhost:7071", 403),
            ("https://atlas.example.org", 200),
            ("https://rebound.example", 403),
            ("http://127.0.0.1:7071.rebound.example", 403),
            ("file://", 403),
            ("null", 403),
        ] {
            for method in [Method::GET, Method::POST, Method::OPTIONS] {
                let headers = [("host", "127.0.0.1:7071"), ("origin", origin)];
                assert_eq!(status(&local, method.clone(), &headers), expected, "{method} {origin}");
            }
        }
        let form = [("host", "127.0.0.1:7071"), ("origin", "null"), ("sec-fetch-site", "same-origin")];
        assert_eq!(status(&local, Method::POST, &form), 200);
        let form = [("host", "127.0.0.1:7071"), ("origin", "null"), ("sec-fetch-site", "cross-site")];
        assert_eq!(status(&local, Method::POST, &form), 403);

        let public = policy("0.0.0.0", &[]);
        let sent = |method, origin| status(&public, method, &[("host", "atlas.example.org"), ("origin", origin)]);
        assert_eq!(sent(Method::POST, "https://atlas.example.org"), 200, "443 is the port of https");
        assert_eq!(sent(Method::POST, "https://rebound.example"), 403);
        assert_eq!(sent(Method::GET, "https://rebound.example"), 200);
    }

    #[test]
    fn the_site_that_may_read_the_api_sends_to_it_and_to_nothing_else() {
        let policy =
            HostPolicy::new(Some([127, 0, 0, 1].into()), &[], Some(HeaderValue::from_static("https://x.example")));
        let refused = |path: &str, origin: &str| {
            let request = Request::post(path).header("host", "localhost").header("origin", origin);
            policy.refusal(&request.body(Body::empty()).unwrap()).is_some()
        };
        assert!(!refused("/api/v1/coverage", "https://x.example"));
        assert!(refused("/coverage", "https://x.example"));
        assert!(refused("/api/v1/coverage", "https://y.example"));
    }

    #[test]
    fn an_allowed_host_is_a_name_or_an_address() {
        assert_eq!(allowed_host("Atlas.Example.org").as_deref(), Some("atlas.example.org"));
        assert_eq!(allowed_host("2001:DB8::7").as_deref(), Some("2001:db8::7"));
        assert_eq!(allowed_host("[2001:db8::7]").as_deref(), Some("2001:db8::7"));
        for wrong in ["", "https://atlas.example.org", "atlas.example.org:80", "a b", "*", "a/b", "user@host"] {
            assert_eq!(allowed_host(wrong), None, "{wrong}");
        }
    }
}
