//! Events of clouds: what their settings collect, and the table of fields as a data set.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use support::{Place, rule};

const TABLE: &str = "# origin: a test\nprovider,event,title,description,category,fields,source\n\
    CloudTrail,CreateUser,CreateUser,Creates a user.,iam.amazonaws.com; write,requestParameters.userName,us\n\
    CloudTrail,ListUsers,ListUsers,Lists the users.,iam.amazonaws.com; read,,us\n\
    CloudTrail,Decrypt,Decrypt,Decrypts a text.,kms.amazonaws.com; read,,us\n\
    CloudTrail,GetObject,GetObject,Reads an object.,s3.amazonaws.com; read,requestParameters.key,us\n\
    CloudTrail,Invoke,Invoke,Runs a function.,lambda.amazonaws.com; write,,us\n\
    Entra Audit,Add user,Add user,,UserManagement,,us\n\
    Entra Sign-in,SignInLogs,Sign-ins,,,,us\n";

fn place() -> Place {
    let over = |n: u8, log_source: &str, detection: &str| {
        rule(&format!("00000000-0000-4000-8000-00000000020{n}"), &["attack.t1059.003"], "stable", detection)
            .replace("product: windows\n  category: process_creation", log_source)
    };
    let call = |name: &str| format!("selection:\n  eventName: {name}\n  userIdentity.type: Root\ncondition: selection");
    let aws = "product: aws\n  service: cloudtrail";
    let place = Place::with(&[
        ("user.yml", &over(1, aws, &call("CreateUser"))),
        ("object.yml", &over(2, aws, &call("GetObject"))),
        (
            "entra.yml",
            &over(
                3,
                "product: azure\n  service: auditlogs",
                "selection:\n  OperationName: Add user\ncondition: selection",
            ),
        ),
        (
            "exec.yml",
            &over(
                4,
                "product: linux\n  service: auditd",
                "selection:\n  type: EXECVE\n  a0: curl\ncondition: selection",
            ),
        ),
    ]);
    place.write("events/mine.csv", TABLE);
    place.run(&["build", "--source", "sigma=sigma", "--source", "events=events"]).ends(0);
    place
}

#[test]
fn settings_of_clouds_and_of_linux_audit_say_what_is_collected() {
    let place = place();
    let collected = |settings: &str| -> (Value, BTreeSet<String>) {
        place.write("settings", settings);
        let view = place.json(&["coverage", "--telemetry", "settings"]);
        let rows = view["collected"].as_array().unwrap().iter();
        let name = |row: &Value| format!("{} {}", row["provider"].as_str().unwrap(), row["event_id"].as_str().unwrap());
        let events = rows.map(name).collect();
        (view, events)
    };
    let has = |events: &BTreeSet<String>, names: &[&str], not: &[&str]| {
        for name in names {
            assert!(events.contains(*name), "no {name} in {events:?}");
        }
        for name in not {
            assert!(!events.contains(*name), "{name} in {events:?}");
        }
    };
    let basic = r#"{"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true,
        "DataResources": [{"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]}]}]}"#;
    let (view, events) = collected(basic);
    assert_eq!((&view["kind"], &view["rules"]["fires"]), (&"cloudtrail_event_selectors".into(), &1.into()));
    has(
        &events,
        &["CloudTrail CreateUser", "CloudTrail Invoke"],
        &["CloudTrail ListUsers", "CloudTrail Decrypt", "CloudTrail GetObject"],
    );
    let without_kms = r#"{"AdvancedEventSelectors": [
        {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}, {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}]},
        {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
            {"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::lab"]}]},
        {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Insight"]}]}]}"#;
    let (view, events) = collected(without_kms);
    has(&events, &["CloudTrail ListUsers", "CloudTrail GetObject"], &["CloudTrail Decrypt", "CloudTrail Invoke"]);
    let text = view.to_string();
    assert!(text.contains("of some resources only") && text.contains("Insight"), "{}", view["notes"]);

    let settings = r#"{"value": [{"properties": {"logs": [{"category": "AuditLogs", "enabled": true},
        {"category": "SignInLogs", "enabled": false}, {"category": "SomethingNew", "enabled": true}]}}]}"#;
    let (view, events) = collected(settings);
    assert_eq!(view["kind"], "diagnostic_settings");
    has(&events, &["Entra Audit Add user"], &["Entra Sign-in SignInLogs"]);
    assert!(view["notes"].to_string().contains("SomethingNew"), "{}", view["notes"]);

    let (view, events) =
        collected("-D\n-a always,exit -F arch=b64 -S execve -k run\n-a always,exclude -F msgtype=CWD\n");
    assert_eq!((&view["kind"], &view["rules"]["fires"]), (&"audit_rules".into(), &1.into()));
    has(&events, &["auditd EXECVE", "auditd SYSCALL", "auditd USER_LOGIN"], &["auditd CWD", "auditd SOCKADDR"]);
    // What collects nothing, or is none of these, is refused with what to do.
    for (settings, says) in [
        ("-e 0\n", "nothing in it collects an event"),
        (r#"{"EventSelectors": []}"#, "nothing in it collects an event"),
        (r#"{"a": 1}"#, "get-event-selectors"),
    ] {
        place.write("settings", settings);
        place.run(&["coverage", "--telemetry", "settings"]).ends(1).says(&[says]);
    }
}

#[test]
fn a_field_is_exported_with_its_names_its_events_and_how_rules_write_it() {
    let place = place();
    let fields = place.export("fields");
    let of = |name: &str| fields.iter().find(|row| row["field"] == name).unwrap_or_else(|| panic!("no {name}"));
    let call = of("eventName");
    assert_eq!((&call["type"], &call["rules"]), (&"keyword".into(), &2.into()));
    assert_eq!(call["written"], serde_json::json!({"eventName": 2}));
    for (vocabulary, name) in [("ocsf", "api.operation"), ("ecs", "event.action"), ("sentinel", "EventName")] {
        let names = call["names"][vocabulary].as_array().unwrap_or_else(|| panic!("no {vocabulary} in {call}"));
        assert!(names.iter().any(|row| row["name"] == name), "{vocabulary}: {names:?}");
    }
    let operation = of("operationName");
    assert_eq!(operation["written"], serde_json::json!({"OperationName": 1}));
    let csv = place.run(&["export", "fields", "--format", "csv"]).ends(0);
    let mut reader = csv::Reader::from_reader(csv.out.as_bytes());
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|known| known == name).unwrap();
    let row = reader.records().map(Result::unwrap).find(|row| &row[0] == "eventName").unwrap();
    assert_eq!((&row[column("ocsf")], &row[column("written")]), ("api.operation", "eventName=2"));
}
