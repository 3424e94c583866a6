//! The description of the API against what the API answers.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;

use common::Site;
use ruleatlas_web::{SiteOptions, site};
use serde_json::Value;

/// Why a value is not what a schema says; a property that the schema does not name is a fault as well.
fn fault(root: &Value, schema: &Value, value: &Value, place: &str) -> Option<String> {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(reference.trim_start_matches('#'));
        return match target {
            Some(target) => fault(root, target, value, place),
            None => Some(format!("{place}: {reference} is not there")),
        };
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(choices) = schema.get(key).and_then(Value::as_array) {
            let faults: Vec<String> = choices.iter().filter_map(|choice| fault(root, choice, value, place)).collect();
            return (faults.len() == choices.len()).then(|| faults.join(" / "));
        }
    }
    let types = match schema.get("type") {
        Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(name)) => vec![name.as_str()],
        _ => vec![],
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = |name: &&str| *name == kind || (*name == "number" && kind == "integer");
    if !types.is_empty() && !types.iter().any(fits) {
        return Some(format!("{place} is {kind}, not {types:?}"));
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array)
        && !words.contains(value)
        && kind != "null"
    {
        return Some(format!("{place}: {value} is none of {words:?}"));
    }
    match value {
        Value::Array(items) => {
            let fixed = schema.get("prefixItems").and_then(Value::as_array);
            items.iter().enumerate().find_map(|(at, item)| {
                let of = fixed.and_then(|fixed| fixed.get(at)).or_else(|| schema.get("items"))?;
                fault(root, of, item, &format!("{place}[{at}]"))
            })
        }
        Value::Object(object) => {
            let mut parts = Vec::new();
            gather(root, schema, &mut parts);
            let property = |name: &str| parts.iter().find_map(|part| part.get("properties")?.get(name));
            let rest = || parts.iter().find_map(|part| part.get("additionalProperties"));
            let required = parts.iter().filter_map(|part| part.get("required")?.as_array()).flatten();
            let missing = required.filter_map(Value::as_str).find(|name| !object.contains_key(*name));
            if let Some(name) = missing {
                return Some(format!("{place}.{name} is missing"));
            }
            let is_free = parts.iter().all(|part| part.get("properties").is_none());
            object.iter().find_map(|(name, value)| match property(name).or_else(rest) {
                Some(schema) => fault(root, schema, value, &format!("{place}.{name}")),
                None if is_free => None,
                None => Some(format!("{place}.{name} is not described")),
            })
        }
        _ => None,
    }
}

/// A schema and all that it is put together of.
fn gather<'a>(root: &'a Value, schema: &'a Value, parts: &mut Vec<&'a Value>) {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => gather(root, root.pointer(reference.trim_start_matches('#')).unwrap(), parts),
        None => {
            parts.push(schema);
            for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
                gather(root, part, parts);
            }
        }
    }
}

/// The path of the description that an address belongs to.
fn path_of<'a>(description: &'a Value, address: &str) -> Option<&'a str> {
    let address = address.split('?').next().unwrap_or_default();
    let paths = description["paths"].as_object().unwrap().keys();
    let fits = |path: &&String| {
        let mut parts = address.split('/');
        let names = path.matches('{').count();
        let is_last_open = path.ends_with('}') && names == 1 && parts.clone().count() > path.split('/').count();
        let same = path.split('/').all(|part| parts.next().is_some_and(|own| part.starts_with('{') || own == part));
        same && (parts.next().is_none() || is_last_open)
    };
    // One without names comes first: `/matrix/layer.json` is no `/matrix/{…}`.
    let mut found: Vec<&String> = paths.filter(fits).collect();
    found.sort_by_key(|path| (std::cmp::Reverse(path.split('/').count()), path.matches('{').count()));
    found.first().map(|path| path.as_str())
}

#[test]
fn every_answer_is_as_described_and_every_path_answers() {
    let served = Site::demo().with_hits();
    let description: Value = serde_json::from_str(&served.page("/api/openapi.json")).unwrap();
    let mut addresses: Vec<String> = [
        "/api/v1/",
        "/api/v1/search?q=cmd",
        "/api/v1/search?q=T1059",
        "/api/v1/rules?vendor=sigma&q=exe",
        "/api/v1/rules?looks=Image%20basename%20cmd.exe",
        "/api/v1/rules?table=indicators",
        "/api/v1/technique/T1059?limit=2&since=2020-01-01",
        "/api/v1/rules?offset=1&limit=2",
        "/api/v1/field/Image?offset=1&limit=2",
        "/api/v1/field/process.name?limit=1",
        "/api/v1/provider/Sysmon?limit=1",
        "/api/v1/log-source/process_creation?offset=2",
        "/api/v1/vendor/sigma?limit=1",
        "/api/v1/events?offset=1&limit=1",
        "/api/v1/controls?offset=1&limit=1",
        "/api/v1/?limit=1",
        "/api/v1/ledger?parse=no_query&limit=1",
        "/api/v1/matrix?matrix=ics",
        "/api/v1/coverage",
        "/api/v1/events?unread=yes&limit=20",
        "/api/v1/controls?gap=no-test",
        "/api/v1/technique/T1059/playbook",
        "/api/v1/align",
        "/api/v1/align/layer.json",
        "/api/v1/hunts",
        "/api/v1/hunts?limit=2&offset=1",
        "/api/v1/hunt/%3Cb%3Elab",
        "/api/v1/hunt/%3Cb%3Elab?limit=1",
        "/api/v1/hit/0",
    ]
    .map(str::to_owned)
    .into();
    let heads = served.atlas.index.heads().iter().step_by(9);
    addresses.extend(heads.map(|head| format!("/api/v1/similar/{}?limit=3", common::encoded(&head.id))));
    for (at, head) in served.atlas.index.heads().iter().step_by(11).enumerate() {
        let target = ["sigma", "eql", "kuery", "esql", "spl", "kusto"][at % 6];
        let id = common::encoded(&head.id).replace('/', "%2F");
        addresses.push(format!("/api/v1/convert/{target}/{id}"));
    }
    let named: Vec<String> = served
        .atlas
        .index
        .indicators()
        .step_by(7)
        .map(|(_, indicator)| {
            let parts =
                [&indicator.field, &indicator.op.to_string(), &indicator.value].map(|part| common::encoded(part));
            format!("?field={}&op={}&value={}", parts[0], parts[1], parts[2])
        })
        .collect();
    addresses.extend(named.iter().map(|query| format!("/api/v1/indicator{query}")));
    addresses.extend(named.iter().take(5).map(|query| format!("/api/v1/snippets{query}")));
    for head in served.atlas.index.heads().iter().take(4) {
        let id = common::encoded(&head.id);
        addresses.extend([format!("/api/v1/hits/{id}?limit=1"), format!("/api/v1/advice/{id}")]);
    }
    // Every page that the static site has.
    let folder = tempfile::tempdir().unwrap();
    site(&served.atlas, folder.path(), &SiteOptions::default()).unwrap();
    let list = std::fs::read_to_string(folder.path().join(".ruleatlas-site")).unwrap();
    let answers = list.lines().filter(|name| name.starts_with("api/v1/") && !name.contains('~'));
    addresses.extend(answers.map(|name| {
        let own = if name.ends_with("layer.json") { name } else { name.strip_suffix(".json").unwrap() };
        format!("/{}", common::encoded(own))
    }));
    let mut seen = BTreeSet::new();
    for address in addresses.iter().filter(|address| !address.ends_with("/index")) {
        let (status, text) = served.status_and_page(address);
        let path = path_of(&description, address).unwrap_or_else(|| panic!("{address} is not described"));
        // A value that has a modifier is asked for with it.
        if status == 404 && path.ends_with("/indicator") {
            continue;
        }
        assert_eq!(status, 200, "{address}: {text:.300}");
        seen.insert(path.to_owned());
        let operation = &description["paths"][path]["get"];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(fault(&description, schema, &value, address), None);
        for name in address.split_once('?').map_or("", |(_, query)| query).split('&').filter(|pair| !pair.is_empty()) {
            let name = name.split('=').next().unwrap();
            let is_named = |parameter: &Value| parameter["name"] == name && parameter["in"] == "query";
            assert!(operation["parameters"].as_array().unwrap().iter().any(is_named), "{address}: {name}");
        }
    }
    let described = description["paths"].as_object().unwrap().iter();
    let described: BTreeSet<String> =
        described.filter(|(_, path)| path["get"].is_object()).map(|(name, _)| name.clone()).collect();
    assert_eq!(seen, described, "a path of the description was never asked for");
}

#[test]
fn what_is_answered_to_what_is_sent_is_as_described() {
    let served = Site::demo();
    let description: Value = serde_json::from_str(&served.page("/api/openapi.json")).unwrap();
    let line = r#"{"EventID": 1, "SourceName": "Microsoft-Windows-Sysmon", "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Image": "C:\\Windows\\System32\\rundll32.exe", "CommandLine": "rundll32.exe", "ParentImage": "C:\\w3wp.exe"}"#;
    for (address, body) in [
        ("/api/v1/hunt", line),
        ("/api/v1/hunt", "{\"strange\": 1}\n["),
        ("/api/v1/hunt?as=windows", "powershell -enc AAAA"),
        ("/api/v1/hunt?as=linux", "curl http://example.org | sh"),
    ] {
        let request = axum::http::Request::post(address).body(axum::body::Body::from(body)).unwrap();
        let answer = served.send(request);
        assert_eq!(answer.status(), 200, "{address}");
        let value: Value = serde_json::from_slice(&served.bytes(answer)).unwrap();
        let path = path_of(&description, address).unwrap();
        let schema = &description["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object());
        assert_eq!(fault(&description, schema, &value, address), None);
    }
}

#[test]
fn what_cannot_be_answered_is_said_as_described() {
    let served = Site::demo();
    let description: Value = serde_json::from_str(&served.page("/api/openapi.json")).unwrap();
    let error = &description["components"]["schemas"]["Error"];
    for (address, status, words) in [
        ("/api/v1/technique/T9999", 404, "T9999"),
        ("/api/v1/technique/T1071?vendr=sigma", 400, "did you mean `vendor`?"),
        ("/api/v1/technique/T1071?severity=worst", 400, "informational, low, medium, high, critical"),
        ("/api/v1/technique/T1071?since=2026-02-30", 400, "2026-01-31"),
        ("/api/v1/rule/sigma/none", 404, "sigma/none"),
        ("/api/v1/tactic/TA9999", 404, "TA9999"),
        ("/api/v1/vendor/sigmaa", 404, "sigma"),
        ("/api/v1/log-source/proces_creation", 404, "process_creation"),
        ("/api/v1/ledger?limit=-1", 400, "no number of rows"),
        ("/api/v1/ledger?parse=full", 400, "partial, failed, no_query"),
        ("/api/v1/about?x=1", 400, "it takes none"),
        ("/api/v1/indicator?field=Image", 400, "basename"),
        ("/api/v1/matrx", 404, "/matrix"),
        ("/api/v1/field/Imagee", 404, "Image"),
    ] {
        let (answered, text) = served.status_and_page(address);
        assert_eq!(answered, status, "{address}: {text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(fault(&description, error, &value, address), None);
        assert!(text.contains(words), "{address}: {text}");
        // The page says the same.
        let (answered, page) = served.status_and_page(address.trim_start_matches("/api/v1"));
        assert_eq!(answered, status, "{address}");
        common::check(&page, address);
    }
}

#[test]
fn a_wrong_value_does_not_fit_its_schema() {
    let served = Site::demo();
    let description: Value = serde_json::from_str(&served.page("/api/openapi.json")).unwrap();
    let schema = &description["paths"]["/api/v1/technique/{id}"]["get"]["responses"]["200"]["content"];
    let schema = &schema["application/json"]["schema"]["anyOf"][0];
    let right: Value = serde_json::from_str(&served.page("/api/v1/technique/T1059")).unwrap();
    assert_eq!(fault(&description, schema, &right, ""), None);
    for (place, wrong) in [
        ("/domain", Value::from("moon")),
        ("/rules/total", Value::from("40")),
        ("/indicators/0/op", Value::Null),
        ("/rule_list/0/vendor", Value::from("acme")),
    ] {
        let mut value = right.clone();
        *value.pointer_mut(place).unwrap() = wrong;
        assert!(fault(&description, schema, &value, "").is_some(), "{place}");
    }
    let mut value = right.clone();
    value["rules"]["unheard"] = Value::from(1);
    assert!(fault(&description, schema, &value, "").is_some());
    let mut value = right;
    value.as_object_mut().unwrap().remove("name");
    assert!(fault(&description, schema, &value, "").is_some());
}
