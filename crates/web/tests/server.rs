//! The server over real sockets: who is answered, who is turned away, and who cannot hold others up.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use common::{Site, rule};
use ruleatlas_web::{Limits, ServeOptions};

/// Longer than anything here takes, so that a server that does not do what it should fails the test.
const LONG: Duration = Duration::from_secs(60);

struct Server {
    site: Site,
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    fn with(options: ServeOptions) -> Self {
        let rules: Vec<String> = (0..40)
            .map(|n| {
                let id = format!("{n:08}-0000-4000-8000-000000000000");
                rule(&format!("rule {n}"), &id, "Image|endswith", &format!("\\tool{n}.exe"))
            })
            .collect();
        let site = Site::new(&rules, |_| {});
        let atlas = site.open();
        let (address, task) = site.wait(async {
            let (tell, told) = tokio::sync::oneshot::channel();
            let address = SocketAddr::from(([127, 0, 0, 1], 0));
            let task = tokio::spawn(async move {
                let _ = ruleatlas_web::serve_with(atlas, address, options, |address| tell.send(address).unwrap()).await;
            });
            (told.await.unwrap(), task)
        });
        Self { site, address, task }
    }

    fn limited(limits: Limits) -> Self {
        Self::with(ServeOptions { limits, ..ServeOptions::default() })
    }

    /// A connection from 127.0.0.`n`.
    fn connect(&self, n: u8) -> TcpStream {
        let socket = self.site.wait(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::from(([127, 0, 0, n], 0))).unwrap();
            socket.connect(self.address).await.unwrap()
        });
        let stream = socket.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        assert_eq!(stream.local_addr().unwrap().ip(), IpAddr::V4(Ipv4Addr::new(127, 0, 0, n)));
        stream
    }

    fn get(&self, n: u8, path: &str) -> String {
        let mut stream = self.connect(n);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        rest(&mut stream)
    }

    fn status(&self, n: u8, path: &str) -> u16 {
        status(&self.get(n, path))
    }
}

/// What is sent until the server closes; a reset counts as closing.
fn rest(stream: &mut TcpStream) -> String {
    let (mut answer, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => answer.extend(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}, after {} bytes", answer.len()),
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {answer:?}")).parse().unwrap()
}

#[test]
fn a_connection_that_drips_its_head_is_closed() {
    let server = Server::limited(Limits { head_timeout: Duration::from_millis(200), ..Limits::default() });
    let mut silent = server.connect(1);
    let mut dripping = server.connect(1);
    let mut kept_alive = server.connect(1);
    write!(kept_alive, "GET /about HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    // Each drop comes before the time is over, but the whole head never does.
    let begun = Instant::now();
    let mut is_closed = false;
    for letter in "GET / HTTP/1.1\r\nHost: localhost\r\nX: ".bytes().chain(std::iter::repeat(b'x')) {
        is_closed = dripping.write_all(&[letter]).is_err();
        if is_closed || begun.elapsed() > LONG {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(is_closed, "it drips on");
    assert_eq!(rest(&mut silent), "");
    assert_eq!(status(&rest(&mut kept_alive)), 200, "it was answered, and closed after that");
}

#[test]
fn a_body_that_does_not_arrive_is_not_waited_for() {
    let server = Server::limited(Limits { body_timeout: Duration::from_millis(200), ..Limits::default() });
    let mut stream = server.connect(1);
    write!(stream, "POST /api/v1/coverage HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nSysmon,1\n")
        .unwrap();
    let answer = rest(&mut stream);
    assert_eq!(status(&answer), 408, "{answer}");
    assert!(answer.contains("too long to arrive"), "{answer}");
}

#[test]
fn a_malformed_body_is_a_bad_request_and_a_large_one_too_large() {
    let server = Server::with(ServeOptions::default());
    let send = |path: &str, headers: &str, body: &str| {
        let mut stream = server.connect(1);
        write!(stream, "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n{body}").unwrap();
        status(&rest(&mut stream))
    };
    let chunked = "Transfer-Encoding: chunked\r\n";
    assert_eq!(send("/api/v1/check", chunked, "-1\r\nx"), 400);
    for path in ["/check", "/coverage", "/align"] {
        let form = "Content-Type: multipart/form-data; boundary=b\r\n";
        assert_eq!(send(path, &format!("{form}{chunked}"), "0x1\r\nx\r\n0\r\n\r\n"), 400, "{path}");
        assert_eq!(send(path, &format!("{form}Content-Length: 4\r\n"), "junk"), 400, "{path}");
        let empty = "Content-Type: multipart/form-data; boundary=\r\nContent-Length: 2\r\n";
        assert_eq!(send(path, empty, "xx"), 400, "{path}");
        // What is too large is refused by its length, before it arrives.
        assert_eq!(send(path, &format!("{form}Content-Length: {}\r\n", 1 << 21), ""), 413, "{path}");
    }
}

#[test]
fn bodies_that_drip_take_no_place_from_others() {
    let server = Server::limited(Limits { uploads_per_client: 2, ..Limits::default() });
    let head = "POST /api/v1/coverage HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 9\r\n\r\n";
    let mut dripping: Vec<TcpStream> = (0..2).map(|_| server.connect(1)).collect();
    for stream in &mut dripping {
        write!(stream, "{head}S").unwrap();
    }
    let send = |n| {
        let mut stream = server.connect(n);
        writeln!(stream, "{head}Sysmon,1").unwrap();
        rest(&mut stream)
    };
    // The two have to be read first.
    let begun = Instant::now();
    let refused = loop {
        let answer = send(1);
        if status(&answer) == 503 || begun.elapsed() > LONG {
            break answer;
        }
    };
    assert!(refused.contains("retry-after: "), "{refused}");
    assert_eq!(status(&send(2)), 200);
    for stream in &mut dripping {
        writeln!(stream, "ysmon,1").unwrap();
        assert_eq!(status(&rest(stream)), 200);
    }
}

#[test]
fn a_reader_that_does_not_read_is_closed() {
    let server = Server::limited(Limits { read_period: Duration::from_millis(200), ..Limits::default() });
    let mut stream = server.connect(1);
    // Enough answers to fill every buffer between; none of them is read.
    let begun = Instant::now();
    let mut is_closed = false;
    stream.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    while !is_closed && begun.elapsed() < LONG {
        if let Err(error) = stream.write_all(b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n") {
            is_closed = !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        }
    }
    assert!(is_closed, "it is waited for");
    assert_eq!(server.status(1, "/about"), 200);
}

#[test]
fn too_many_connections_of_one_client_are_its_own_trouble() {
    let limits = Limits { connections: 20, connections_per_client: 10, ..Limits::default() };
    let server = Server::limited(limits);
    let mut held: Vec<TcpStream> = (0..40).map(|_| server.connect(1)).collect();
    // The oldest gave way, the newest are there.
    assert_eq!(server.status(2, "/about"), 200);
    assert_eq!(rest(&mut held[0]), "");
    let newest = held.last_mut().unwrap();
    write!(newest, "GET /about HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(status(&rest(newest)), 200);
    // Three clients take every place; the next takes one of theirs.
    let _more: Vec<TcpStream> = (0..30).map(|n| server.connect(3 + n % 3)).collect();
    assert_eq!(server.status(2, "/about"), 200);
    assert_eq!(server.status(7, "/about"), 200);
}

#[test]
fn only_loopback_names_and_those_allowed_are_answered_to() {
    let server =
        Server::with(ServeOptions { allowed_hosts: vec!["atlas.example.org".to_owned()], ..ServeOptions::default() });
    let ask = |headers: &str| {
        let mut stream = server.connect(1);
        write!(stream, "GET /api/v1/about HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").unwrap();
        rest(&mut stream)
    };
    for (headers, expected) in [
        ("Host: localhost\r\n", 200),
        ("Host: 127.0.0.1:7071\r\n", 200),
        ("Host: [::1]:7071\r\n", 200),
        ("Host: atlas.example.org\r\n", 200),
        ("Host: rebound.example\r\n", 421),
        ("", 400),
        ("Host: localhost\r\nHost: localhost\r\n", 400),
        ("Host: localhost\r\nOrigin: http://localhost\r\n", 200),
        ("Host: localhost\r\nOrigin: https://atlas.example.org\r\n", 200),
        ("Host: localhost\r\nOrigin: https://rebound.example\r\n", 403),
        ("Host: localhost\r\nOrigin: http://localhost\r\nOrigin: https://rebound.example\r\n", 400),
    ] {
        let answer = ask(headers);
        assert_eq!(status(&answer), expected, "{headers}: {answer}");
        assert!(answer.contains("content-security-policy: "), "{answer}");
    }
    let refused = ask("Host: rebound.example\r\n");
    assert!(refused.contains("`rebound.example`") && refused.contains("--allowed-host"), "{refused}");
    assert!(!refused.contains("\"rules\""), "{refused}");
}

#[test]
fn a_form_sent_from_a_page_of_ours_is_answered() {
    let server = Server::with(ServeOptions::default());
    let page = server.get(1, "/coverage");
    // Under this policy a browser names the origin of a form that it sends to the same site.
    assert!(page.contains("referrer-policy: same-origin"), "{page}");
    let form = "--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nSysmon,1\r\n--b--\r\n";
    let send = |origin: &str| {
        let mut stream = server.connect(1);
        write!(
            stream,
            "POST /coverage HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\nConnection: close\r\n\
             Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n{form}",
            server.address,
            form.len()
        )
        .unwrap();
        status(&rest(&mut stream))
    };
    assert_eq!(send(&format!("http://{}", server.address)), 200);
    assert_eq!(send("https://rebound.example"), 403);
}

#[test]
fn requests_on_one_connection_are_answered_in_order() {
    let server = Server::with(ServeOptions::default());
    let mut stream = server.connect(1);
    let paths = ["/about", "/nowhere", "/api/v1/about"];
    for (at, path) in paths.iter().enumerate() {
        let end = if at + 1 == paths.len() { "Connection: close\r\n" } else { "" };
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n{end}\r\n").unwrap();
    }
    let answers = rest(&mut stream);
    let statuses: Vec<&str> =
        answers.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.split(' ').next()).collect();
    assert_eq!(statuses, ["200", "404", "200"]);
}

#[test]
fn a_head_that_is_too_long_is_refused() {
    let server = Server::with(ServeOptions::default());
    let mut stream = server.connect(1);
    let _ = write!(stream, "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let answer = rest(&mut stream);
    assert!(answer.is_empty() || status(&answer) == 431, "{answer}");
    assert_eq!(server.status(1, "/about"), 200);
}
