//! The pages of controls and of threat alignment.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod common;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use common::{Site, check, rule};

fn site() -> Site {
    Site::new(&[rule("One", "00000000-0000-0000-0000-000000000001", "Image|endswith", "\\cmd.exe")], |_| {})
}

/// Sends a form with one file and one other field.
fn sent(site: &Site, address: &str, file: (&str, &str), field: (&str, &str)) -> (StatusCode, String) {
    let body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"a.json\"\r\n\r\n{}\r\n\
         --x\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n--x--\r\n",
        file.0, file.1, field.0, field.1
    );
    let request = Request::post(address).header("content-type", "multipart/form-data; boundary=x");
    let answer = site.send(request.header("content-length", body.len()).body(Body::from(body)).unwrap());
    let status = answer.status();
    (status, String::from_utf8(site.bytes(answer).to_vec()).unwrap())
}

fn layer(name: &str, domain: &str, ids: &[&str]) -> String {
    let techniques: Vec<String> = ids.iter().map(|id| format!(r#"{{"techniqueID": "{id}", "score": 1}}"#)).collect();
    let techniques = techniques.join(",");
    format!(
        r#"{{"name": "{name}", "domain": "{domain}", "versions": {{"layer": "4.5"}}, "techniques": [{techniques}]}}"#
    )
}

#[test]
fn what_is_not_loaded_is_said() {
    let site = site();
    for (address, said) in [
        ("/controls", "not loaded"),
        ("/controls?gap=no-test&sort=sigma&reversed=yes", "Application Layer Protocol"),
        ("/technique/T1071", "Not loaded: the catalog was built without it; add it with --source d3fend=PATH."),
        ("/align", "holds no groups, software or campaigns"),
    ] {
        let page = site.page(address);
        check(&page, address);
        assert!(page.contains(said), "{address}: no `{said}`");
    }
    let (status, page) = site.status_and_page("/align?group=APT29");
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("holds no groups"), "{page}");
    for address in ["/controls?gap=no", "/controls?sort=nothing", "/controls?offset=x", "/align?team=x"] {
        assert_eq!(site.status_and_page(address).0, StatusCode::BAD_REQUEST, "{address}");
    }
    assert_eq!(site.status_and_page("/controls?tactic=nothing").0, StatusCode::NOT_FOUND);
}

#[test]
fn a_layer_that_is_sent_says_who_threatens() {
    let site = site();
    let (status, page) =
        sent(&site, "/align", ("layer", &layer("Mine <b>", "enterprise-attack", &["T1071", "T9999"])), ("group", ""));
    assert_eq!(status, StatusCode::OK, "{page}");
    check(&page, "/align");
    assert!(
        page.contains("Mine &lt;b&gt;") && page.contains("/technique/T1071") && page.contains("nobody knows T9999")
    );
    for (text, said) in [
        ("{".to_owned(), "no JSON"),
        (layer("x", "mobile-attack", &["T1400"]), "matrix mobile"),
        (layer("x", "atlas", &[]), "domain `atlas`"),
    ] {
        let (status, page) = sent(&site, "/align", ("layer", &text), ("group", ""));
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(page.contains(said), "{page}");
        let (status, json) = sent(&site, "/api/v1/align", ("layer", &text), ("group", ""));
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["error"].is_string());
    }
    let file = layer("Mine", "enterprise-attack", &["T1071"]);
    let (_, json) = sent(&site, "/api/v1/align", ("layer", &file), ("campaign", ""));
    let view: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(view["techniques"][0]["stance"], "untested");
    let (status, page) = sent(&site, "/align", ("have", "Sysmon,1"), ("campaign", ""));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("say who threatens"), "{page}");
}
