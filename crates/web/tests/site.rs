//! The site over a small catalog, as a client sees it.

#![allow(clippy::unwrap_used)]

mod common;

use axum::http::{Method, Request, StatusCode, header};
use common::{Site, rule};
use proptest::prelude::*;
use ruleatlas_catalog::Filters;
use ruleatlas_model::{Redirect, Resolution};

fn plain_rules() -> Vec<String> {
    (0..40)
        .map(|n| {
            let value = format!("\\tool{n}.exe");
            rule(&format!("rule {n}"), &format!("{n:08}-0000-4000-8000-000000000000"), "Image|endswith", &value)
        })
        .collect()
}

fn site() -> Site {
    Site::new(&plain_rules(), |attack| {
        let redirect = Redirect { to: vec!["T1071".to_owned()], resolution: Resolution::Crosswalk };
        attack.redirects.insert("T1999".to_owned(), redirect);
    })
}

#[test]
fn the_technique_page_has_every_section_and_its_numbers() {
    let page = site().page("/technique/T1071");
    for part in
        ["Events covered", "Fields filtered most", "Top indicator values", "Exclusions", "Rules under this technique"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("<b>40</b> rules"), "{page}");
    assert!(page.contains("30 of 40 shown"));
    assert!(page.contains(">tool0.exe<") && !page.contains(">tool39.exe<"));
    assert!(!page.contains(" style=") && !page.contains("<script>"));
}

#[test]
fn a_table_is_shown_whole_when_asked_for() {
    let page = site().page("/technique/T1071?all=indicators");
    assert!(page.contains(">tool39.exe<"));
    assert!(page.contains("/technique/T1071?all=indicators&amp;all=rules#rules-sigma"), "the rest stays one step away");
}

#[test]
fn filters_narrow_and_a_wrong_one_is_said() {
    let site = site();
    assert!(site.page("/technique/T1071?vendor=sigma&severity=high").contains("<b>40</b> rules"));
    assert!(site.page("/technique/T1071?severity=low").contains("<b>0</b> rules"));
    let made_up = site.page("/technique/T1071?platform=amiga");
    assert!(made_up.contains("<b>0</b> rules") && made_up.contains("amiga"));
    let (status, page) = site.status_and_page("/technique/T1071?vendor=acme");
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("acme"));
}

#[test]
fn an_id_of_another_version_leads_to_the_loaded_one_and_says_so() {
    let site = site();
    let answer = site.get("/technique/t1999?severity=high");
    assert_eq!(answer.status(), StatusCode::FOUND);
    assert_eq!(answer.headers()[header::LOCATION], "/technique/T1071?severity=high&from=T1999");
    assert!(site.page("/technique/T1071?from=T1999").contains("leads here"));
    assert!(!site.page("/technique/T1071?from=T1888").contains("leads here"));
}

#[test]
fn what_is_not_there_offers_what_is_near() {
    let (status, page) = site().status_and_page("/technique/T1072");
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(page.contains("href=\"/technique/T1071\""), "{page}");
}

#[test]
fn json_is_what_the_command_line_writes() {
    let site = site();
    let filters = Filters { severities: vec![ruleatlas_model::Severity::High], ..Filters::default() };
    let mut view = site.atlas.technique("T1071", false, &filters).unwrap();
    let json = |view: &ruleatlas_views::TechniqueView| serde_json::to_string_pretty(view).unwrap() + "\n";
    assert_eq!(site.page("/api/v1/technique/T1071?severity=high&subtechniques=no"), json(&view));
    // A part of the lists says how long they are; all else stands as it is.
    let text = site.page("/api/v1/technique/T1071?limit=3&severity=high&subtechniques=no");
    let mut part: serde_json::Value = serde_json::from_str(&text).unwrap();
    let totals = part.as_object_mut().unwrap().remove("totals").unwrap();
    assert_eq!(totals["indicators"], view.guide.indicators_distinct);
    view.guide = view.guide.limited(3);
    view.rule_list.truncate(3);
    assert_eq!(part, serde_json::to_value(&view).unwrap());
    let (status, error) = site.status_and_page("/api/v1/technique/T1072");
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(error.contains("\"near\""));
}

#[test]
fn every_coding_holds_the_same_page_and_a_known_one_is_not_sent_again() {
    let site = site();
    let path = "/technique/T1071";
    let plain = site.page(path);
    let coded = |coding: &'static str| site.ask(Request::get(path).header(header::ACCEPT_ENCODING, coding));
    for coding in ["br", "gzip"] {
        // Twice, as the second comes from the cache.
        for _ in 0..2 {
            let answer = coded(coding);
            assert_eq!(answer.headers()[header::CONTENT_ENCODING], coding);
            assert_eq!(common::decoded(coding, site.bytes(answer)), plain);
        }
    }
    let etag = coded("br").headers()[header::ETAG].clone();
    assert_ne!(coded("gzip").headers()[header::ETAG], etag);
    let again = Request::get(path).header(header::ACCEPT_ENCODING, "br").header(header::IF_NONE_MATCH, etag);
    let answer = site.ask(again);
    assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
    assert!(site.bytes(answer).is_empty());
}

#[test]
fn only_reading_is_answered_and_every_answer_has_the_policy() {
    let site = site();
    let status = |request| {
        let answer = site.ask(request);
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self';"), "{policy}");
        assert_eq!(answer.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        answer.status()
    };
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        assert_eq!(status(Request::builder().method(method).uri("/")), StatusCode::METHOD_NOT_ALLOWED);
    }
    assert_eq!(status(Request::get("/").header(header::CONTENT_LENGTH, "5")), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(status(Request::get(format!("/search?q={}", "a".repeat(10_000)))), StatusCode::URI_TOO_LONG);
    assert_eq!(status(Request::head("/technique/T1071")), StatusCode::OK);
    assert_eq!(status(Request::get("/nowhere")), StatusCode::NOT_FOUND);
    assert_eq!(status(Request::get("/assets/../Cargo.toml")), StatusCode::NOT_FOUND);
}

#[test]
fn assets_are_kept_for_ever_and_pages_are_asked_for_again() {
    let site = site();
    let page = site.page("/");
    let address = page.split("href=\"").find(|part| part.starts_with("/assets/style")).unwrap();
    let answer = site.get(address.split('"').next().unwrap());
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
    assert_eq!(site.get("/").headers()[header::CACHE_CONTROL], "no-cache");
}

#[test]
fn a_rule_page_credits_its_authors_and_marks_its_query() {
    let page = site().page("/rule/sigma/00000003-0000-4000-8000-000000000000");
    assert!(page.contains("Somebody") && page.contains("DRL-1.1") && page.contains("The MITRE Corporation"));
    assert!(page.contains("class=\"p indicator\" href=\"#p0\""), "{page}");
}

#[test]
fn a_rule_in_the_list_names_the_sub_technique_it_is_here_for_first() {
    let many = plain_rules().remove(0).replace(
        "  - attack.t1071\n",
        "  - attack.t1003\n  - attack.t1004\n  - attack.t1005\n  - attack.t1006\n  - attack.t1071\n",
    );
    let page = Site::new(&[many], |_| {}).page("/technique/T1071");
    let (_, list) = page.split_once("class=\"ids\"").unwrap();
    assert!(list.find("T1071").unwrap() < list.find("T1003").unwrap(), "{list:.400}");
    assert!(list.contains(">+2<"));
}

#[test]
fn a_technique_without_rules_says_why_and_what_to_do() {
    let site = Site::new(&[plain_rules().remove(0).replace("t1071", "t1003")], |_| {});
    let page = site.page("/technique/T1071");
    assert!(page.contains("No counted rule") && !page.contains("Top indicator values"));
    assert!(site.page("/technique/T1071?vendor=sigma").contains("Clear them"));
}

#[test]
fn a_port_that_is_taken_is_said_with_what_to_do() {
    let site = site();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = site.wait(ruleatlas_web::serve(site.open(), address, |_| ())).unwrap_err().to_string();
    assert!(error.contains(&address.to_string()) && error.contains("--addr"), "{error}");
}

/// Texts that try to leave their place on a page.
fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "javascript:alert(1)",
        "https://example.org/\"onclick=\"alert(1)",
        "</title></textarea></style><svg/onload=alert(1)>",
        "\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}",
        "\u{0}\u{1b}[31m\u{7f}\u{85}\r\n\t",
        "{{7*7}} ${7*7} <%= 7*7 %>",
        "../../../../etc/passwd",
        "%2e%2e%2f%00",
        "#?&=/;:@",
        " leading and trailing ",
    ]
    .map(str::to_owned)
    .into();
    texts.push("é🦀".repeat(100_000));
    texts.push("<b>".repeat(300_000));
    texts
}

#[test]
fn hostile_texts_stay_text_on_every_page() {
    for text in hostile() {
        let quoted = serde_json::to_string(&text).unwrap();
        let document = format!(
            "title: {quoted}\nid: {quoted}\nstatus: stable\ndescription: {quoted}\nauthor: {quoted}\nlicense: {quoted}\n\
             references:\n  - {quoted}\ntags:\n  - attack.t1071\n  - {quoted}\nfalsepositives:\n  - {quoted}\ndate: {quoted}\n\
             logsource:\n  category: process_creation\n  product: {quoted}\n  service: {quoted}\n\
             detection:\n  selection:\n    {quoted}: {quoted}\n    CommandLine|contains:\n      - {quoted}\n      - b\n  filter:\n    Image: {quoted}\n\
             \x20 condition: selection and not filter\nlevel: {quoted}\n"
        );
        let site = Site::new(&[document, plain_rules().remove(0)], |attack| {
            let technique = attack.techniques.get_mut("T1071").unwrap();
            technique.name.clone_from(&text);
            technique.description = format!("{text} [{text}]({text}) (Citation: {text}) (Citation: known)\n\n{text}");
            technique.url.clone_from(&text);
            technique.platforms = vec![text.clone()];
            technique.tactics = vec![text.clone()];
            for name in [text.as_str(), "known"] {
                technique.references.push(ruleatlas_model::Reference { name: name.to_owned(), url: text.clone() });
            }
            attack.version.clone_from(&text);
        });
        let mut addresses: Vec<String> = [
            "/",
            "/technique/T1071?all=indicators",
            "/matrix",
            "/vendor/sigma",
            "/tactic/TA0011",
            "/rules",
            "/rules?q=b",
            "/ledger",
            "/log-source/process_creation",
            "/about",
            "/about/notices",
            "/search?q=b",
            "/search?q=%3Cscript%3E",
            "/rules?all=indicators",
            "/rules?q=b&sort=indicators.distinctiveness",
            "/part/rules?technique=T1071",
        ]
        .map(str::to_owned)
        .into();
        // Every page that these lead to.
        for page in ["/technique/T1071?all=indicators", "/"] {
            let page = site.page(page);
            let links = page.split("href=\"/").skip(1).filter_map(|part| part.split('"').next());
            let own =
                links.filter(|link| !link.starts_with("assets") && !link.starts_with("api/") && link.len() < 8_000);
            addresses.extend(
                own.map(|link| format!("/{}", link.replace("&amp;", "&").split('#').next().unwrap_or_default())),
            );
        }
        for head in site.atlas.index.heads().iter().take(2) {
            addresses.push(format!("/rule/{}", common::encoded(&head.id)));
            addresses.push(format!("/part/rule/{}", common::encoded(&head.id)));
        }
        addresses.sort();
        addresses.dedup();
        for address in addresses.iter().filter(|address| address.len() < 8_000) {
            let (status, page) = site.status_and_page(address);
            assert!(!status.is_server_error(), "{address}: {status}");
            if address.starts_with("/api/") {
                // Data is not a page, whatever stands in it: its media type says so, and nobody sniffs.
                let kind = site.get(address).headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
                assert!(kind.starts_with("application/json") || kind.starts_with("text/csv"), "{address}: {kind}");
                continue;
            }
            common::check(&page, address);
            assert!(page.len() < 400_000, "{address}: {} bytes", page.len());
        }
    }
}

#[test]
fn another_site_reads_the_api_only_when_it_may() {
    let site = site();
    let allowed = |router: axum::Router, path: &str| {
        let request = Request::get(path).header(header::ORIGIN, "https://example.org").body(axum::body::Body::empty());
        let answer = site.wait(tower::ServiceExt::oneshot(router, request.unwrap())).unwrap();
        answer.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN).cloned()
    };
    let open = || {
        let options =
            ruleatlas_web::ServeOptions { cors: Some("https://example.org".parse().unwrap()), ..Default::default() };
        ruleatlas_web::router_with(std::sync::Arc::clone(&site.atlas), options)
    };
    let closed = || ruleatlas_web::router(std::sync::Arc::clone(&site.atlas));
    assert_eq!(allowed(closed(), "/api/v1/technique/T1071"), None);
    assert_eq!(allowed(open(), "/api/v1/technique/T1071").unwrap(), "https://example.org");
    assert_eq!(allowed(open(), "/api/openapi.json").unwrap(), "https://example.org");
    assert_eq!(allowed(open(), "/technique/T1071"), None, "pages are no data");

    // A browser asks first where a script sends what a form could not.
    let asks = |router: axum::Router, path: &str, method: Option<&str>| {
        let request = Request::options(path).header(header::ORIGIN, "https://example.org");
        let request = match method {
            Some(method) => request.header(header::ACCESS_CONTROL_REQUEST_METHOD, method),
            None => request,
        };
        let body = request.body(axum::body::Body::empty()).unwrap();
        let answer = site.wait(tower::ServiceExt::oneshot(router, body)).unwrap();
        let text = |name| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        assert!(!text(header::CONTENT_SECURITY_POLICY).is_empty(), "{path}");
        (
            answer.status().as_u16(),
            text(header::ACCESS_CONTROL_ALLOW_ORIGIN),
            text(header::ACCESS_CONTROL_ALLOW_METHODS),
            text(header::ACCESS_CONTROL_ALLOW_HEADERS),
        )
    };
    let own = |methods: &str| {
        (204, "https://example.org".to_owned(), methods.to_owned(), "content-type, if-none-match".to_owned())
    };
    assert_eq!(asks(open(), "/api/v1/technique/T1071", Some("GET")), own("GET, HEAD"));
    assert_eq!(asks(open(), "/api/v1/coverage", Some("POST")), own("GET, HEAD, POST"));
    assert_eq!(asks(open(), "/coverage", Some("POST")).0, 405, "pages are no data");
    assert_eq!(asks(open(), "/api/v1/coverage", None).0, 405, "it asks for nothing");
    let refused = asks(closed(), "/api/v1/coverage", Some("POST"));
    assert_eq!((refused.0, refused.1.as_str(), refused.2.as_str()), (405, "", ""));
}

#[test]
fn hostile_texts_stay_text_in_every_file_of_the_static_site() {
    // Short ones: what is long is cut the same way for every text.
    for text in hostile().into_iter().filter(|text| text.len() < 100) {
        let quoted = serde_json::to_string(&text).unwrap();
        let document = format!(
            "title: {quoted}\nid: {quoted}\nstatus: stable\ndescription: {quoted}\nauthor: {quoted}\nlicense: {quoted}\n\
             references:\n  - {quoted}\ntags:\n  - attack.t1071\n  - {quoted}\nfalsepositives:\n  - {quoted}\ndate: {quoted}\n\
             logsource:\n  category: {quoted}\n  product: {quoted}\n  service: {quoted}\n\
             detection:\n  selection:\n    {quoted}: {quoted}\n  filter:\n    Image: {quoted}\n\
             \x20 condition: selection and not filter\nlevel: {quoted}\n"
        );
        let site = Site::new(&[document], |attack| {
            let technique = attack.techniques.get_mut("T1071").unwrap();
            technique.name.clone_from(&text);
            technique.description.clone_from(&text);
            technique.url.clone_from(&text);
            attack.version.clone_from(&text);
        });
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("site");
        let written = ruleatlas_web::site(&site.atlas, &out, &ruleatlas_web::SiteOptions::default()).unwrap();
        let list = std::fs::read_to_string(out.join(".ruleatlas-site")).unwrap();
        assert_eq!(list.lines().count() as u64, written.files + 1);
        for name in list.lines().skip(1) {
            let content = std::fs::read(out.join(name)).unwrap();
            if name.ends_with(".html") {
                common::check(std::str::from_utf8(&content).unwrap(), name);
            } else if name.ends_with(".json") {
                serde_json::from_slice::<serde_json::Value>(&content).unwrap();
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn no_address_breaks_the_site() {
    let site = site();
    let places = prop_oneof![
        "",
        "technique/",
        "rule/",
        "field/",
        "indicator",
        "search",
        "api/v1/technique/",
        "assets/",
        "about/"
    ];
    let names = prop_oneof!["[ -~]{0,12}", "\\PC{0,8}", "T1071", "sigma/.{0,6}"];
    let keys = prop_oneof![
        "vendor",
        "platform",
        "domain",
        "severity",
        "status",
        "parse",
        "subtechniques",
        "all",
        "limit",
        "from",
        "q",
        "field",
        "op",
        "value",
        "modifier",
        "[a-z]{1,4}"
    ];
    let values = prop_oneof![
        "sigma",
        "high",
        "windows",
        "eq",
        "basename",
        "rules",
        "[0-9]{1,24}",
        "\\PC{0,10}",
        "%[0-9A-Fa-f%]{0,3}"
    ];
    let pairs = proptest::collection::vec((keys, values, any::<bool>()), 0..5);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(400));
    let question = (places, names, pairs);
    runner
        .run(&question, |(place, name, pairs)| {
            let query: Vec<String> = pairs
                .iter()
                .map(|(key, value, raw)| format!("{key}={}", if *raw { value.clone() } else { common::encoded(value) }))
                .collect();
            let address = format!("/{place}{}?{}", common::encoded(&name), query.join("&"));
            // What is no address at all is turned away before it reaches us.
            if let Ok(request) = Request::get(&address).body(axum::body::Body::empty()) {
                let answer = site.send(request);
                prop_assert!(!answer.status().is_server_error(), "{}: {}", address, answer.status());
            }
            Ok(())
        })
        .unwrap();
}
