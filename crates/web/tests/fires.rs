//! Events and command lines that are sent to be asked about.

#![allow(clippy::unwrap_used)]

mod common;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use common::{Site, check, rule};
use serde_json::{Value, json};

const WHOAMI: &str = "00000000-0000-4000-8000-000000000001";
const HIDDEN: &str = "00000000-0000-4000-8000-000000000002";
const LINUX: &str = "00000000-0000-4000-8000-000000000003";
const EXCLUDED: &str = "00000000-0000-4000-8000-000000000004";
const PARENT: &str = "00000000-0000-4000-8000-000000000005";
const BURST: &str = "00000000-0000-4000-8000-000000000006";

fn site() -> Site {
    let selection = |id: &str, condition: &str| {
        let text = rule("Title", id, "Image|endswith", "\\probe.exe");
        let at = text.find("  condition:").unwrap();
        format!("{}{condition}", &text[..at])
    };
    let excluded = "  filter:\n    CommandLine|contains: harmless\n  condition: selection and not filter\n";
    let parent = "  other:\n    ParentImage|endswith: '\\shell.exe'\n  condition: selection and other\n";
    let burst = format!(
        "{}---\ntitle: Burst\nid: {BURST}\nstatus: test\nlevel: high\ncorrelation:\n  type: event_count\n  rules: [base]\n  group-by: [User]\n  \
         timespan: 5m\n  condition:\n    gte: 2\n",
        rule("Base", "00000000-0000-4000-8000-000000000007", "CommandLine|contains", "logon")
            .replace("title:", "name: base\ntitle:")
    );
    let rules = [
        rule("<b>Who</b>", WHOAMI, "CommandLine|contains", "whoami"),
        rule("Hidden", HIDDEN, "CommandLine|contains", "-w hidden"),
        rule("Linux", LINUX, "CommandLine|contains", "whoami").replace("product: windows", "product: linux"),
        selection(EXCLUDED, excluded),
        selection(PARENT, parent),
        burst,
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

fn ask(site: &Site, query: &str, body: &str) -> Value {
    let (status, text, _) = send(site, &format!("/api/v1/hunt{query}"), None, body.as_bytes());
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).unwrap()
}

const FORM: &str = "multipart/form-data; boundary=x";

fn form(text: &str, kind: &str) -> String {
    let part = |name: &str, content: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
    };
    part("text", text) + &part("as", kind) + "--x--\r\n"
}

fn sysmon(image: &str, line: &str, second: u32) -> Value {
    json!({"EventID": 1, "SourceName": "Microsoft-Windows-Sysmon", "Channel": "Microsoft-Windows-Sysmon/Operational", "Hostname": "host1",
        "EventTime": format!("2026-01-02 03:04:{second:02}"), "Image": image, "CommandLine": line, "User": "LAB\\ada"})
}

/// The ids of a list, without the vendor.
fn ids<'v>(view: &'v Value, list: &str) -> Vec<&'v str> {
    let rows = view[list].as_array().unwrap().iter();
    rows.map(|row| row["id"].as_str().unwrap().strip_prefix("sigma/").unwrap()).collect()
}

fn near<'v>(view: &'v Value, id: &str) -> &'v Value {
    let rows = view["near"].as_array().unwrap();
    rows.iter().find(|row| row["id"] == format!("sigma/{id}")).unwrap_or(&Value::Null)
}

#[test]
fn rules_that_fire_on_an_event_are_given_with_what_held() {
    let site = site();
    let event = sysmon(r"C:\Tools\probe.exe", "probe whoami harmless", 1).to_string();
    let view = ask(&site, "", &event);
    assert_eq!(view["events"], json!({"read": 1, "asked": 1, "unknown_shape": 0}));
    assert_eq!(ids(&view, "fires"), [WHOAMI]);
    assert_eq!(view["by_vendor"], json!({"sigma": 1}));
    let fires = &view["fires"][0];
    assert_eq!([&fires["hits"], &fires["events"]], [&json!(1), &json!([1])]);
    assert_eq!(fires["matched"], json!([{"field": "CommandLine", "op": "contains", "value": "whoami"}]));
    // An exclusion keeps one from firing, and the parent another.
    let failing = &near(&view, EXCLUDED)["failing"];
    assert_eq!([&failing[0]["field"], &failing[0]["negated"]], [&json!("CommandLine"), &json!(true)], "{view}");
    assert_eq!(failing[0]["values"], json!(["harmless"]));
    let failing = &near(&view, PARENT)["failing"];
    assert_eq!([&failing[0]["field"], &failing[0]["missing"]], [&json!("ParentImage"), &json!(true)], "{view}");
    assert!(near(&view, HIDDEN).is_null(), "nothing of it holds");
}

#[test]
fn events_of_many_shapes_are_read() {
    let site = site();
    let xml = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Sysmon'/>\
               <EventID>1</EventID><Channel>Microsoft-Windows-Sysmon/Operational</Channel></System><EventData>\
               <Data Name='Image'>C:\\a.exe</Data><Data Name='CommandLine'>a whoami</Data></EventData></Event>";
    let csv = "EventID,SourceName,Channel,CommandLine\n1,Microsoft-Windows-Sysmon,Microsoft-Windows-Sysmon/Operational,a whoami\n";
    let winlogbeat = json!({"winlog": {"provider_name": "Microsoft-Windows-Sysmon", "event_id": 1, "channel": "Microsoft-Windows-Sysmon/Operational",
        "event_data": {"CommandLine": "a whoami"}}});
    let pretty = serde_json::to_string_pretty(&winlogbeat).unwrap();
    let pairs = "EventID=1 SourceName=Microsoft-Windows-Sysmon Channel=\"Microsoft-Windows-Sysmon/Operational\" CommandLine=\"a whoami\"";
    for text in
        [xml, csv, pairs, &csv.replace(',', "\t"), &winlogbeat.to_string(), &pretty, &format!("[{pretty}, {pretty}]")]
    {
        let view = ask(&site, "", text);
        assert_eq!(ids(&view, "fires"), [WHOAMI], "{text}");
    }
    let forced = ask(&site, "?shape=winlogbeat", &winlogbeat.to_string());
    assert_eq!(ids(&forced, "fires"), [WHOAMI]);
}

#[test]
fn a_rule_over_several_events_names_them() {
    let site = site();
    let lines: String = (1..4).map(|second| format!("{}\n", sysmon("C:\\a.exe", "logon", second))).collect();
    let view = ask(&site, "", &lines);
    let burst = view["fires"].as_array().unwrap().iter().find(|rule| rule["title"] == "Burst").unwrap();
    assert_eq!([&burst["hits"], &burst["events"]], [&json!(1), &json!([1, 2])]);
}

#[test]
fn a_command_line_is_a_process_of_its_platform() {
    let site = site();
    for (platform, expected) in [("windows", vec![WHOAMI]), ("linux", vec![LINUX]), ("macos", vec![])] {
        let view = ask(&site, &format!("?as={platform}"), "whoami /all");
        assert_eq!(ids(&view, "fires"), expected, "{platform}: {view}");
        assert_eq!(view["command"]["platform"], platform);
        let inferred = view["command"]["inferred"].as_array().unwrap();
        assert!(!inferred.is_empty() && !inferred.contains(&json!("CommandLine")), "{view}");
    }
    let view = ask(&site, "?as=windows", r"C:\Tools\probe.exe");
    assert_eq!(ids(&view, "fires"), [EXCLUDED], "{view}");
    assert_eq!(near(&view, PARENT)["failing"][0]["missing"], true, "{view}");
}

#[test]
fn pages_show_what_the_answer_says_and_escape_it() {
    let site = site();
    let hostile = "<script>alert(1)</script>\u{202e} whoami";
    for (kind, text) in [
        ("events", sysmon("C:\\probe.exe", hostile, 1).to_string()),
        ("windows", format!("probe.exe {hostile}")),
        (
            "events",
            json!({"<b>": "\"><i>", "EventID": "<u>", "SourceName": "<s>", "Channel": "\u{1b}[31m"}).to_string(),
        ),
        ("events", "<b>\u{202e}".to_owned()),
        ("linux", String::new()),
    ] {
        let (status, page, kept) = send(&site, "/fires", Some(FORM), form(&text, kind).as_bytes());
        assert!(matches!(status, StatusCode::OK | StatusCode::BAD_REQUEST), "{page}");
        assert_eq!(kept, "no-store");
        check(&page, "/fires");
        assert!(!page.contains("<script>alert") && !page.contains("<b>Who"), "{page}");
    }
    let (_, page, _) = send(&site, "/fires", Some(FORM), form("whoami", "windows").as_bytes());
    assert!(page.contains("inferred") && page.contains(&format!("/rule/sigma/{WHOAMI}")), "{page}");
    assert!(site.page("/fires?as=linux").contains("<form"));
}

#[test]
fn what_is_too_much_or_no_event_is_refused() {
    let site = site();
    let one = sysmon("C:\\a.exe", "a", 1).to_string();
    let refused = |query: &str, body: &[u8], words: &str| {
        let (status, text, _) = send(&site, &format!("/api/v1/hunt{query}"), None, body);
        assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
        assert!(text.contains(words), "{text}");
    };
    refused("", b"", "no event");
    refused("", b"nothing that is a log", "no event");
    refused("", &[0x1f, 0x8b, 8, 0, 0, 0], "no text");
    refused("", b"a\0b", "no text");
    refused("", format!("{one}\n").repeat(501).as_bytes(), "more than 500 events");
    refused(
        "",
        json!({"Records": vec![json!({"eventVersion": "1"}); 600]}).to_string().as_bytes(),
        "more than 500 events",
    );
    refused("", sysmon("C:\\a.exe", &"a".repeat(70_000), 1).to_string().as_bytes(), "KiB");
    refused("", &vec![b'{'; 300 << 10], "KiB");
    let kinds: String =
        (0..40).map(|id| format!("{}\n", json!({"EventID": id, "SourceName": "x", "Channel": "y"}))).collect();
    refused("", kinds.as_bytes(), "more than 32 kinds");
    refused("?as=moon", b"x", "windows, linux, macos");
    refused("?as=windows", b"  ", "empty");
    refused("?x=1", b"x", "takes no parameter");
    let (status, text, _) = send(&site, "/api/v1/hunt?shape=winlogbea", None, one.as_bytes());
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(text.contains("winlogbeat"), "{text}");
    assert_eq!(send(&site, "/api/v1/hunt", None, &vec![b'a'; 2 << 20]).0, StatusCode::PAYLOAD_TOO_LARGE);
    // Many kinds one after the other are forgotten, and answered all the same.
    for id in 0..300 {
        let event =
            json!({"EventID": id, "SourceName": "Microsoft-Windows-Sysmon", "Channel": "x", "CommandLine": "whoami"});
        ask(&site, "", &event.to_string());
    }
    assert_eq!(ids(&ask(&site, "", &sysmon("C:\\a.exe", "whoami", 1).to_string()), "fires"), [WHOAMI]);
}

#[test]
fn another_sites_page_cannot_ask() {
    let site = site();
    let request = Request::post("/api/v1/hunt")
        .header(header::HOST, "localhost")
        .header(header::ORIGIN, "https://example.org")
        .body(Body::from("whoami"))
        .unwrap();
    assert_eq!(site.send(request).status(), StatusCode::FORBIDDEN);
}

#[test]
fn pages_of_hits_escape_what_logs_hold() {
    let site = Site::demo().with_hits();
    let id = common::encoded(&site.atlas.index.heads()[0].id);
    let rule = format!("/rule/{id}");
    for address in [
        "/hunts",
        "/hunt/%3Cb%3Elab",
        "/hit/0",
        &format!("/hits/{id}"),
        &format!("/advice/{id}"),
        &rule,
        "/technique/T1059",
    ] {
        let page = site.page(address);
        check(&page, address);
        for hostile in ["<i>host", "<u>a.jsonl", "<b>lab", "blind: <b>"] {
            assert!(!page.contains(hostile), "{address} holds {hostile}");
        }
    }
    assert!(site.page(&rule).contains("In your logs"));
}
