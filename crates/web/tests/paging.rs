//! A part of every list of the API, and how long the lists are.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::Site;
use serde_json::Value;

fn json(site: &Site, address: &str) -> Value {
    serde_json::from_str(&site.page(address)).unwrap_or_else(|error| panic!("{address}: {error}"))
}

/// The lists of an answer by their keys, those of its parts too.
fn lists(value: &Value) -> Vec<(&String, &Vec<Value>)> {
    value.as_object().unwrap().iter().filter_map(|(key, value)| Some((key, value.as_array()?))).collect()
}

#[test]
fn the_parts_of_every_list_are_the_list() {
    let site = Site::demo();
    let indicator = site.atlas.index.indicators().find(|(_, it)| it.op.basename).unwrap().1;
    let indicator =
        format!("/indicator?field={}&op={}&value={}", indicator.field, indicator.op, common::encoded(&indicator.value));
    for (address, keys) in [
        ("/", &["techniques", "newest", "sources"][..]),
        ("/technique/T1059", &["events", "fields", "indicators", "exclusions", "rule_list"]),
        ("/rules", &["events", "fields", "indicators", "exclusions", "rule_list"]),
        ("/rules?vendor=sigma&sort=indicators.value", &["indicators", "rule_list"]),
        ("/event/Sysmon/1", &["event_fields", "techniques", "indicators", "rule_list"]),
        ("/log-source/process_creation", &["techniques", "fields", "rule_list"]),
        ("/provider/Sysmon", &["events", "fields", "techniques"]),
        ("/vendor/sigma", &["techniques", "log_sources", "newest"]),
        ("/tactic/TA0002", &["techniques"]),
        ("/events", &["events"]),
        ("/ledger", &["faults"]),
        ("/controls", &["techniques"]),
        (indicator.as_str(), &["rule_list", "techniques", "combined"]),
    ] {
        let mark = if address.contains('?') { '&' } else { '?' };
        let whole = json(&site, &format!("/api/v1{address}"));
        assert!(whole.get("totals").is_none(), "{address}: the whole is what the command line writes");
        let parts = [(0, 1), (1, 2), (3, 100_000)]
            .map(|(offset, limit)| json(&site, &format!("/api/v1{address}{mark}offset={offset}&limit={limit}")));
        for key in keys {
            let rows = whole[key].as_array().unwrap_or_else(|| panic!("{address} has no {key}"));
            let joined: Vec<Value> = parts.iter().flat_map(|part| part[key].as_array().unwrap()).cloned().collect();
            assert_eq!(&joined, rows, "{address}: {key}");
            for part in &parts {
                assert_eq!(part["totals"][key], rows.len(), "{address}: {key}");
            }
        }
        // What is no such list stays, and every number of rows is that of a list.
        for (key, rows) in lists(&whole).into_iter().filter(|(key, _)| parts[0]["totals"].get(key.as_str()).is_none()) {
            assert_eq!(&parts[0][key], &Value::Array(rows.clone()), "{address}: {key}");
        }
        let beyond = json(&site, &format!("/api/v1{address}{mark}offset=1000000"));
        assert!(keys.iter().all(|key| beyond[key].as_array().unwrap().is_empty()), "{address}");
    }
}

#[test]
fn one_table_says_in_a_header_how_long_it_is() {
    let site = Site::demo();
    for (address, table) in [
        ("/technique/T1059", "indicators"),
        ("/rules", "rules"),
        ("/event/Sysmon/1", "fields"),
        ("/log-source/process_creation", "events"),
        ("/field/Image", "indicators"),
        ("/controls", "techniques"),
        ("/align", ""),
    ] {
        let asked = if table.is_empty() { String::new() } else { format!("&table={table}") };
        let total = |address: &str| {
            let answer = site.get(address);
            assert_eq!(answer.status(), 200, "{address}");
            answer.headers().get("x-total-count").map(|count| count.to_str().unwrap().parse::<usize>().unwrap())
        };
        let whole = json(&site, &format!("/api/v1{address}?{}", asked.trim_start_matches('&')));
        let rows = whole.as_array().unwrap();
        let part = format!("/api/v1{address}?offset=1&limit=2{asked}");
        // Twice, as it may have been kept.
        for _ in 0..2 {
            assert_eq!(total(&part), Some(rows.len()), "{address}");
        }
        assert_eq!(json(&site, &part).as_array().unwrap()[..], rows[1.min(rows.len())..3.min(rows.len())]);
        if !table.is_empty() {
            let csv = format!("{part}&format=csv");
            assert_eq!(total(&csv), Some(rows.len()));
            let lines = site.page(&csv).lines().count();
            assert_eq!(lines, 1 + rows.len().saturating_sub(1).min(2), "{address}: {}", site.page(&csv));
        }
    }
    let (status, error) = site.status_and_page("/api/v1/field/Image?table=rules");
    assert!(status == 400 && error.contains("indicators and exclusions"), "{error}");
    for wrong in ["offset=-1", "limit=x", "offset=99999999999999999999"] {
        assert_eq!(site.status_and_page(&format!("/api/v1/technique/T1059?{wrong}")).0, 400, "{wrong}");
    }
    // A page has pages of its own.
    assert_eq!(site.page("/technique/T1059?offset=3&limit=1"), site.page("/technique/T1059"));
}
