//! Pages of events, and files that are sent to be answered.

#![allow(clippy::unwrap_used)]

mod common;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use common::{Site, check, rule};
use ruleatlas_catalog::Loaded;
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec};
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

const HOSTILE: &str = "<script>alert(1)</script>";

/// A site whose one rule reads a call of AWS that a dictionary knows, with a sample, and one that none does.
fn cloud_site() -> Site {
    let rule = |n: u8, name: &str| {
        common::rule(&format!("Call {n}"), &format!("00000000-0000-4000-8000-00000000010{n}"), "eventName", name)
            .replace("category: process_creation\n  product: windows", "product: aws\n  service: cloudtrail")
    };
    let rules = [rule(1, "AttachUserPolicy"), rule(2, "OpenTheDoor")];
    let table = format!(
        "# origin: a test\nprovider,event,title,description,category,fields,source\n\
         CloudTrail,AttachUserPolicy,AttachUserPolicy,Attaches a policy. {HOSTILE},iam.amazonaws.com; write,requestParameters.userName,us\n\
         CloudTrail,AttachUserPolicy,AttachUserPolicy,Another meaning {HOSTILE},other.amazonaws.com; write,requestParameters.{HOSTILE},us\n\
         CloudTrail,GetObject,GetObject,Reads an object.,s3.amazonaws.com; read,requestParameters.key,us\n"
    );
    // A field with marks in it is no field's name.
    let table = table.replace(&format!("requestParameters.{HOSTILE}"), "requestParameters.policyArn");
    let sample = serde_json::json!({
        "provider": "CloudTrail", "event": "AttachUserPolicy", "_source": format!("a test {HOSTILE}"), "_kind": "log",
        "sample": {"eventName": "AttachUserPolicy", "userIdentity": {"type": HOSTILE}, "requestParameters": {"userName": "eve"}}
    });
    let files = |list: Vec<(String, String)>| {
        list.into_iter().map(|(path, text)| SourceFile::from_bytes(path, text.into_bytes())).collect()
    };
    let of_rules = (0..).zip(rules).map(|(n, text)| (format!("rules/{n}.yml"), text)).collect();
    let dictionaries = vec![("aws-cloudtrail.csv".to_owned(), table), ("samples.jsonl".to_owned(), sample.to_string())];
    let loaded = vec![
        Loaded { spec: SourceSpec::new(SourceKind::Rules(Vendor::Sigma), "rules"), files: files(of_rules) },
        Loaded { spec: SourceSpec::new(SourceKind::Events, "events"), files: files(dictionaries) },
    ];
    Site::of(loaded, |_| {})
}

#[test]
fn the_page_of_a_cloud_event_has_its_meanings_a_sample_and_what_turns_it_on() {
    let site = cloud_site();
    let page = site.page("/event/CloudTrail/AttachUserPolicy");
    check(&page, "/event/CloudTrail/AttachUserPolicy");
    for part in
        ["iam.amazonaws.com; write", "Sample event", "How to turn it on", "put-event-selectors", "userIdentity.type"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains(HOSTILE) && page.contains("&lt;script&gt;"), "text of a dictionary is text on a page");
    let json: Value = serde_json::from_str(&site.page("/api/v1/event/CloudTrail/AttachUserPolicy")).unwrap();
    assert_eq!(json["facts"]["categories"].as_array().unwrap().len(), 2);
    let row = |list: &str, name: &str| -> Value {
        json[list].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap_or(&Value::Null).clone()
    };
    // Fields: what a dictionary names with the sample's type and example, what only the sample has, what rules filter.
    let user = row("event_fields", "requestParameters.userName");
    assert_eq!((&user["type"], &user["sample"]["text"]), (&"string".into(), &"eve".into()));
    assert_eq!(row("event_fields", "eventName")["rules"], 1);
    assert_eq!(row("event_fields", "userIdentity.type")["by"], "samples");
    let member = json["sample"]["members"].as_array().unwrap().iter().find(|row| row["name"] == "eventName").unwrap();
    assert_eq!(member["canonical"], "eventName");
    assert_eq!(json["title_by"], "aws-operations");
    // A data event is turned on otherwise than a management event.
    let data: Value = serde_json::from_str(&site.page("/api/v1/event/CloudTrail/GetObject")).unwrap();
    assert!(data["enable"][0]["text"].as_str().unwrap().contains("AWS::S3::Object"), "{}", data["enable"]);
}

#[test]
fn a_platform_says_what_is_read_what_is_unknown_and_where_its_numbers_are() {
    let site = cloud_site();
    for address in ["/platforms", "/platform/aws", "/platform/defender", "/platform/windows"] {
        check(&site.page(address), address);
    }
    assert!(site.page("/").contains("/platform/aws"));
    let json = |address: &str| -> Value { serde_json::from_str(&site.page(address)).unwrap() };
    let aws = json("/api/v1/platform/aws");
    let events = |list: &str| -> Vec<String> {
        aws[list].as_array().unwrap().iter().map(|row| row["event_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(events("events"), ["AttachUserPolicy", "OpenTheDoor"]);
    assert_eq!(events("unknown"), ["OpenTheDoor"]);
    let coverage = &aws["coverage"];
    for (name, expected) in [("read", 2), ("read_with_title", 1), ("read_with_sample", 1)] {
        assert_eq!(coverage[name], expected, "{name}");
    }
    assert_eq!(aws["providers"][0]["provider"], "CloudTrail");
    assert_eq!(aws["providers"][0]["rules"], 2);
    // The page, the list of platforms and the rules behind the number say the same.
    let listed = json("/api/v1/platforms");
    let row = listed["platforms"].as_array().unwrap().iter().find(|row| row["name"] == "aws").unwrap();
    assert_eq!(row["rules"], aws["rules"]["total"]);
    assert_eq!(json("/api/v1/rules?platform=aws")["rules"]["total"], aws["rules"]["total"]);
    // Other names of a platform are led to its one address.
    for (address, to) in [("/platform/entra_id", "/platform/entra"), ("/platform/AWS", "/platform/aws")] {
        let answer = site.get(address);
        assert_eq!((answer.status(), answer.headers()[header::LOCATION].to_str().unwrap()), (StatusCode::FOUND, to));
    }
    let (status, page) = site.status_and_page("/platform/awz");
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(page.contains("/platform/aws"), "a near name is offered");
}
