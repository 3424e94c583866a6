//! Drafts that are sent to be checked.

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
        rule("Two", "00000000-0000-4000-8000-000000000002", "Image|endswith", "\\a.exe"),
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

fn form(text: &str, language: &str) -> String {
    let part = |name: &str, content: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
    };
    part("rule", text) + &part("language", language) + "--x--\r\n"
}

#[test]
fn a_draft_is_shown_with_its_findings_and_not_kept() {
    let site = site();
    let draft = rule("Draft <b>", "00000000-0000-4000-8000-000000000009", "CommandLine|contains", "whoami");
    let (status, page, kept) = send(&site, "/check", Some(FORM), form(&draft, "").as_bytes());
    assert_eq!((status, kept.as_str()), (StatusCode::OK, "no-store"), "{page}");
    check(&page, "/check");
    assert!(page.contains("RA0601") && page.contains("/rule/sigma/00000000-0000-4000-8000-000000000001"), "{page}");
    assert!(!page.contains("Draft <b>"), "{page}");
    let (status, json, _) = send(&site, "/api/v1/check", None, draft.as_bytes());
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, &json[0]["code"]), (StatusCode::OK, &"RA0601".into()), "{json}");
    assert!(!site.page("/check").contains("RA0601"), "an answer is no page that others see");
    let query = b"process where process.command_line : \"*whoami*\"";
    let (_, json, _) = send(&site, "/api/v1/check?language=eql", None, query);
    assert!(json.contains("RA06"), "{json}");
}

#[test]
fn what_is_no_rule_is_a_finding_and_what_cannot_be_asked_is_refused() {
    let site = site();
    for text in ["", "\u{202e}<i>", "title: x\ndetection: [", &"a".repeat(300_000)] {
        let (status, page, _) = send(&site, "/check", Some(FORM), form(text, "").as_bytes());
        assert_eq!(status, StatusCode::OK, "{text}");
        check(&page, "/check");
        assert!(page.contains("RA0101"), "{page}");
    }
    assert_eq!(send(&site, "/api/v1/check?language=klingon", None, b"x").0, StatusCode::BAD_REQUEST);
    let large = vec![b'a'; 2 << 20];
    assert_eq!(send(&site, "/api/v1/check", None, &large).0, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(site.page("/check").contains("<form"));
}
