//! Pages of events, and files that are sent to be answered.

#![allow(clippy::unwrap_used)]

mod common;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use common::{Site, check, rule};
use serde_json::Value;

fn site() -> Site {
    let rules = [
        rule("One", "00000000-0000-4000-8000-000000000001", "CommandLine|contains", "whoami"),
        rule("Two <b>", "00000000-0000-4000-8000-000000000002", "Image|endswith", "\\a.exe")
            .replace("category: process_creation", "category: registry_set"),
    ];
    Site::new(&rules, |_| {})
}

fn send(site: &Site, address: &str, kind: Option<&str>, body: &[u8]) -> (StatusCode, String, String) {
    let mut request = Request::post(address).header(header::CONTENT_LENGTH, body.len());
    if let Some(kind) = kind {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    let answer = site.send(request.body(Body::from(body.to_vec())).unwrap());
    let status = answer.status();
    let kept = answer.headers().get(header::CACHE_CONTROL).map(|value| value.to_str().unwrap().to_owned());
    (status, String::from_utf8(site.bytes(answer).to_vec()).unwrap(), kept.unwrap_or_default())
}

const FORM: &str = "multipart/form-data; boundary=x";

fn form(file: &str, text: &str, answer: &str) -> String {
    let part = |name: &str, more: &str, content: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{content}\r\n")
    };
    part("have", "; filename=\"have\"", file) + &part("text", "", text) + &part("answer", "", answer) + "--x--\r\n"
}

#[test]
fn an_event_has_a_page_under_one_address() {
    let site = site();
    let page = site.page("/event/Sysmon/1");
    check(&page, "/event/Sysmon/1");
    for part in ["Process creation", "Fields of the event", "OriginalFileName", "rule reads"] {
        assert!(page.contains(part), "{part}");
    }
    for (address, to) in [
        ("/event/Microsoft-Windows-Sysmon/1", "/event/Sysmon/1"),
        ("/event/sysmon/1?vendor=sigma", "/event/Sysmon/1?vendor=sigma"),
        ("/api/v1/event/Microsoft-Windows-Sysmon/1", "/api/v1/event/Sysmon/1"),
    ] {
        let answer = site.get(address);
        assert_eq!((answer.status(), answer.headers()[header::LOCATION].to_str().unwrap()), (StatusCode::FOUND, to));
    }
    let (status, page) = site.status_and_page("/event/Sysmon/77777");
    assert_eq!(status, StatusCode::NOT_FOUND);
    check(&page, "missing");
    let json: Value = serde_json::from_str(&site.page("/api/v1/event/Sysmon/1?limit=1")).unwrap();
    assert_eq!((&json["title"], &json["implied"]), (&"Process creation".into(), &1.into()));
    let csv = site.page("/api/v1/event/Sysmon/1?table=rules&format=csv");
    assert!(csv.contains("00000000-0000-4000-8000-000000000001"), "{csv}");
}

#[test]
fn events_and_providers_are_listed() {
    let site = site();
    for address in
        ["/events", "/events?q=process", "/events?provider=Sysmon&unread=yes", "/provider/Sysmon", "/coverage"]
    {
        check(&site.page(address), address);
    }
    assert!(site.page("/events").contains("/event/Sysmon/13"));
    assert!(!site.page("/events").contains("/event/Sysmon/22\""));
    assert!(site.page("/events?unread=yes&q=dns%20query").contains("/event/Sysmon/22\""));
    assert!(site.page("/provider/Sysmon").contains("that no rule reads"));
    assert_eq!(site.get("/provider/Nobody").status(), StatusCode::NOT_FOUND);
    assert_eq!(site.get("/events?nonsense=1").status(), StatusCode::BAD_REQUEST);
}

#[test]
fn a_file_is_answered_and_not_kept() {
    let site = site();
    let (status, page, kept) = send(&site, "/coverage", Some(FORM), form("Sysmon,1\n", "", "page").as_bytes());
    assert_eq!((status, kept.as_str()), (StatusCode::OK, "no-store"), "{page}");
    check(&page, "/coverage");
    assert!(page.contains("<b>1</b> of 2 rules can fire"), "{page}");
    let (status, typed, _) = send(&site, "/coverage", Some(FORM), form("", "Sysmon,13\n", "page").as_bytes());
    assert!(status == StatusCode::OK && typed.contains("<b>1</b> of 2 rules can fire"), "{typed}");
    let (status, json, kept) = send(&site, "/api/v1/coverage", None, b"Sysmon,1\nSysmon,13\n");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, kept.as_str(), &json["rules"]["fires"]), (StatusCode::OK, "no-store", &2.into()));
    let (_, part, _) = send(&site, "/api/v1/coverage?offset=1&limit=1", None, b"Sysmon,1\nSysmon,13\n");
    let part: Value = serde_json::from_str(&part).unwrap();
    assert_eq!((&part["totals"]["collected"], &part["collected"][0]), (&2.into(), &json["collected"][1]));
    let (status, layer, _) = send(&site, "/coverage", Some(FORM), form("Sysmon,1\n", "", "layer").as_bytes());
    let layer: Value = serde_json::from_str(&layer).unwrap();
    assert_eq!((status, &layer["versions"]["layer"]), (StatusCode::OK, &"4.5".into()));
    assert!(!site.page("/coverage").contains("of 2 rules can fire"), "an answer is no page that others see");
}

#[test]
fn a_file_that_cannot_be_used_is_refused() {
    let site = site();
    let bomb = "<!DOCTYPE a [<!ENTITY b \"<b>\">]><Sysmon/>";
    for file in ["", bomb, "Sysn\u{202e}om<i>,1\n"] {
        let (status, page, _) = send(&site, "/coverage", Some(FORM), form(file, "", "page").as_bytes());
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{file}");
        check(&page, file);
        assert!(page.contains("says nothing that can be used"), "{page}");
        let (status, json, _) = send(&site, "/api/v1/coverage", None, file.as_bytes());
        let json: Value = serde_json::from_str(&json).unwrap();
        assert!(status == StatusCode::UNPROCESSABLE_ENTITY && json["error"].is_string(), "{json}");
    }
    let large = vec![b'a'; 2 << 20];
    assert_eq!(send(&site, "/api/v1/coverage", None, &large).0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(&site, "/coverage", Some("text/plain"), b"Sysmon,1").0, StatusCode::BAD_REQUEST);
    assert_eq!(send(&site, "/api/v1/coverage?vendor=nobody", None, b"Sysmon,1\n").0, StatusCode::BAD_REQUEST);
    // Nothing else takes a body.
    for address in ["/", "/events", "/about", "/coverage/x", "/api/v1/events"] {
        assert_eq!(send(&site, address, None, b"Sysmon,1\n").0, StatusCode::METHOD_NOT_ALLOWED, "{address}");
    }
}
