//! A sample of ours for every shape, and every way in which Windows events are wrapped.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use ruleatlas_events::{CanonicalEvent, Event, Kinds, Reader, Shapes};
use ruleatlas_model::EventRef;
use serde_json::{Value, json};

fn events(name: &str, text: &str) -> Vec<Event> {
    let mut events = Vec::new();
    Reader::default().read_bytes(name, text.as_bytes(), &mut |item| {
        let record = item.unwrap_or_else(|problem| panic!("{problem}"));
        Shapes::builtin().events(record.value, None, &mut |event| events.push(event));
        true
    });
    events
}

fn only(name: &str, text: &str) -> Event {
    let mut found = events(name, text);
    assert_eq!(found.len(), 1, "{text}");
    found.remove(0)
}

const IMAGE: &str = r"C:\Tools\probe.exe";
const XML: &str = r#"<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="Microsoft-Windows-Sysmon" Guid="{0}"/><EventID>1</EventID><TimeCreated SystemTime="2026-01-02T03:04:05.000000Z"/><Channel>Microsoft-Windows-Sysmon/Operational</Channel><Computer>host1</Computer></System><EventData><Data Name="Image">C:\Tools\probe.exe</Data><Data Name="CommandLine">probe.exe &amp; "x"</Data></EventData></Event>"#;

const SPLUNK: &str = "01/02/2026 03:04:05 AM\nLogName=Microsoft-Windows-Sysmon/Operational\nSourceName=Microsoft-Windows-Sysmon\nEventCode=1\nComputerName=host1\nMessage=Process Create:\nImage: C:\\Tools\\probe.exe\nCommandLine: probe.exe & \"x\"\n";

/// One process creation of Sysmon, as a dozen tools write it.
fn windows() -> Vec<(&'static str, &'static str, String)> {
    let system = json!({
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}}, "EventID": 1,
        "TimeCreated": {"#attributes": {"SystemTime": "2026-01-02T03:04:05Z"}},
        "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": "host1",
    });
    let attributes = json!({
        "Provider": {"@Name": "Microsoft-Windows-Sysmon"}, "EventID": {"#text": "1", "@Qualifiers": ""},
        "TimeCreated": {"@SystemTime": "2026-01-02T03:04:05Z"},
        "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": "host1",
    });
    let data = json!({"Image": IMAGE, "CommandLine": "probe.exe & \"x\""});
    let named =
        json!({"Data": [{"@Name": "Image", "#text": IMAGE}, {"@Name": "CommandLine", "#text": "probe.exe & \"x\""}]});
    let flat = json!({
        "SourceName": "Microsoft-Windows-Sysmon", "EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational",
        "@timestamp": "2026-01-02T03:04:05Z", "Hostname": "host1", "Image": IMAGE, "CommandLine": "probe.exe & \"x\"",
    });
    let winlog = json!({
        "@timestamp": "2026-01-02T03:04:05Z",
        "winlog": {"provider_name": "Microsoft-Windows-Sysmon", "event_id": "1", "computer_name": "host1",
            "channel": "Microsoft-Windows-Sysmon/Operational", "event_data": data},
        "event": {"code": "1", "category": ["process"]},
    });
    let dotted = json!({
        "@timestamp": "2026-01-02T03:04:05Z", "winlog.provider_name": "Microsoft-Windows-Sysmon", "winlog.event_id": 1,
        "winlog.channel": "Microsoft-Windows-Sysmon/Operational", "winlog.computer_name": "host1",
        "winlog.event_data": {"Image": IMAGE, "CommandLine": "probe.exe & \"x\""},
    });
    let wazuh = json!({"timestamp": "2026-01-02T03:04:05Z", "agent": {"name": "a"}, "data": {"win": {
        "system": {"providerName": "Microsoft-Windows-Sysmon", "eventID": "1", "computer": "host1",
            "systemTime": "2026-01-02T03:04:05Z", "channel": "Microsoft-Windows-Sysmon/Operational"},
        "eventdata": {"image": IMAGE, "commandLine": "probe.exe & \"x\""}}}});
    let get_winevent = json!({
        "Id": 1, "ProviderName": "Microsoft-Windows-Sysmon", "LogName": "Microsoft-Windows-Sysmon/Operational",
        "MachineName": "host1", "TimeCreated": "/Date(1767323045000)/",
        "Message": "Process Create:\r\nRuleName: -\r\nImage: C:\\Tools\\probe.exe\r\nCommandLine: probe.exe & \"x\"\r\n",
    });
    let evtx = json!({"Event": {"System": system, "EventData": data}});
    let evtx_named = json!({"Event": {"System": attributes, "EventData": named}});
    let velociraptor = json!({
        "System": {"Provider": {"Name": "Microsoft-Windows-Sysmon", "Guid": "{0}"}, "EventID": {"Value": 1},
            "TimeCreated": {"SystemTime": 1_767_323_045.0}, "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": "host1"},
        "EventData": data, "Message": "x",
    });
    let evtxecmd = json!({
        "EventId": 1, "Provider": "Microsoft-Windows-Sysmon", "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": "host1",
        "TimeCreated": "2026-01-02T03:04:05.0000000+00:00", "Payload": json!({"EventData": named}).to_string(),
    });
    let winlogbeat6 = json!({
        "@timestamp": "2026-01-02T03:04:05Z", "source_name": "Microsoft-Windows-Sysmon", "event_id": 1, "computer_name": "host1",
        "log_name": "Microsoft-Windows-Sysmon/Operational", "event_data": data,
    });
    vec![
        ("evtx", "a.json", evtx.to_string()),
        ("evtx", "pretty.json", serde_json::to_string_pretty(&evtx).unwrap()),
        ("evtx", "array.json", json!([evtx]).to_string()),
        ("evtx", "b.json", evtx_named.to_string()),
        ("evtx", "c.xml", XML.to_owned()),
        ("evtx", "d.xml", format!("<?xml version=\"1.0\"?>\n<Events>\n{XML}\n</Events>")),
        ("evtx", "syslog.log", format!("<14>Jan  2 03:04:05 host1 sysmon: {XML}")),
        ("evtx", "hec.json", json!({"time": 1, "sourcetype": "XmlWinEventLog", "event": XML}).to_string()),
        ("evtx", "export.json", json!({"preview": false, "result": {"_raw": XML, "_time": "2026-01-02"}}).to_string()),
        ("evtx", "hit.json", json!({"_index": "i", "_source": evtx}).to_string()),
        ("evtx", "events.json", json!({"detail-type": "x", "detail": evtx}).to_string()),
        ("evtx_bare", "bare.json", evtx["Event"].to_string()),
        ("evtx_bare", "list.json", json!({"Events": {"Event": [evtx_named["Event"]]}}).to_string()),
        ("evtx_bare", "velociraptor.json", velociraptor.to_string()),
        ("evtxecmd", "evtxecmd.json", evtxecmd.to_string()),
        ("splunk_windows", "raw.json", json!({"result": {"_raw": SPLUNK, "_time": "2026-01-02T03:04:05Z"}}).to_string()),
        ("splunk_windows", "hec_text.json", json!({"event": SPLUNK, "index": "main"}).to_string()),
        ("flat_windows", "winlogbeat6.json", winlogbeat6.to_string()),
        ("flat_windows", "flat.json", flat.to_string()),
        ("flat_windows", "hec_flat.json", json!({"sourcetype": "x", "event": flat}).to_string()),
        ("winlogbeat", "winlog.json", winlog.to_string()),
        ("winlogbeat", "dotted.json", dotted.to_string()),
        ("winlogbeat", "search.json", json!({"hits": {"hits": [{"_index": "i", "_source": winlog}]}}).to_string()),
        ("wazuh", "wazuh.json", wazuh.to_string()),
        ("wazuh_event", "wazuh_event.json", wazuh["data"].to_string()),
        ("get_winevent", "get.json", get_winevent.to_string()),
        (
            "flat_windows",
            "table.csv",
            "EventID,SourceName,Channel,EventTime,Hostname,Image,CommandLine\n1,Microsoft-Windows-Sysmon,Microsoft-Windows-Sysmon/Operational,2026-01-02 03:04:05,host1,C:\\Tools\\probe.exe,\"probe.exe & \"\"x\"\"\"\n".to_owned(),
        ),
    ]
}

fn field<'e>(event: &'e Event, name: &str) -> &'e Value {
    let found = event.fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map_or(&Value::Null, |(_, value)| value)
}

#[test]
fn one_windows_event_is_the_same_in_every_wrapping() {
    for (shape, name, text) in windows() {
        let event = only(name, &text);
        let id = [&event.shape, &event.provider, &event.event_id, &event.host].map(|it| it.as_deref().unwrap_or("-"));
        assert_eq!(id, [shape, "Microsoft-Windows-Sysmon", "1", "host1"], "{name}: {text}");
        assert_eq!(event.channel.as_deref(), Some("Microsoft-Windows-Sysmon/Operational"), "{name}");
        assert_eq!(event.time.map(|time| time.to_string()).as_deref(), Some("2026-01-02T03:04:05Z"), "{name}");
        assert_eq!(field(&event, "Image"), IMAGE, "{name}: {text}");
        assert_eq!(field(&event, "CommandLine"), "probe.exe & \"x\"", "{name}: {text}");
    }
}

/// A record of each shape that no Windows tool writes, with the provider and id that it has.
fn others() -> Vec<(&'static str, String, &'static str, &'static str)> {
    vec![
        (
            "defender",
            json!({"category": "AdvancedHunting-DeviceProcessEvents", "properties": {"ActionType": "ProcessCreated", "DeviceName": "h", "FileName": "a.exe"}}).to_string(),
            "Defender",
            "ProcessCreated",
        ),
        ("defender_row", json!({"Timestamp": "2026-01-02T03:04:05Z", "DeviceName": "h", "ActionType": "ProcessCreated"}).to_string(), "Defender", "ProcessCreated"),
        (
            "sentinel_windows",
            json!({"TenantId": "t", "TimeGenerated": "2026-01-02T03:04:05Z", "EventSourceName": "Microsoft-Windows-Security-Auditing", "EventID": 4688, "Type": "SecurityEvent", "Computer": "h"}).to_string(),
            "Microsoft-Windows-Security-Auditing",
            "4688",
        ),
        ("laurel", json!({"ID": "1.2:3", "NODE": "h", "SYSCALL": {"exe": "/bin/probe"}, "EXECVE": {"argv": ["probe", "-x"]}}).to_string(), "auditd", "EXECVE"),
        ("auditd", "type=EXECVE msg=audit(1767323045.000:7): argc=2 a0=\"probe\" a1=2F746D702F61".to_owned(), "auditd", "EXECVE"),
        (
            "eslogger",
            json!({"schema_version": 1, "time": "2026-01-02T03:04:05Z", "process": {"executable": {"path": "/bin/zsh"}}, "event": {"exec": {"args": ["probe"]}}}).to_string(),
            "Endpoint Security",
            "ES_EVENT_TYPE_NOTIFY_EXEC",
        ),
        ("cloudtrail", json!({"Records": [{"eventVersion": "1.08", "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventTime": "2026-01-02T03:04:05Z"}]}).to_string(), "CloudTrail", "GetObject"),
        ("azure_activity", json!({"records": [{"time": "2026-01-02T03:04:05Z", "resourceId": "/X", "operationName": "A/B/WRITE", "category": "Administrative"}]}).to_string(), "Azure Activity", "A/B/WRITE"),
        ("azure_resource_log", json!({"time": "2026-01-02T03:04:05Z", "resourceId": "/X", "operationName": "PutBlob", "category": "StorageWrite"}).to_string(), "Azure resource log", "PutBlob"),
        ("entra_signin", json!({"category": "SignInLogs", "properties": {"userPrincipalName": "a@b", "createdDateTime": "x"}, "time": "2026-01-02T03:04:05Z"}).to_string(), "Entra Sign-in", "SignInLogs"),
        ("entra_audit", json!({"value": [{"activityDisplayName": "Add user", "initiatedBy": {"user": {}}}], "@odata.context": "x"}).to_string(), "Entra Audit", "Add user"),
        ("m365", json!({"Workload": "Exchange", "Operation": "New-InboxRule", "RecordType": 1, "CreationTime": "2026-01-02T03:04:05"}).to_string(), "Microsoft 365", "New-InboxRule"),
        ("gcp", json!({"logName": "x", "timestamp": "2026-01-02T03:04:05Z", "protoPayload": {"methodName": "storage.buckets.delete", "serviceName": "storage.googleapis.com"}}).to_string(), "GCP Audit", "storage.buckets.delete"),
        ("google_workspace", json!({"kind": "admin#reports#activity", "id": {"applicationName": "login", "time": "2026-01-02T03:04:05Z"}, "events": [{"name": "login_failure"}]}).to_string(), "Google Workspace", "login_failure"),
        ("kubernetes", json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "1", "stage": "ResponseComplete", "verb": "create", "objectRef": {"resource": "pods"}}).to_string(), "Kubernetes audit", "create pods"),
        ("okta", json!({"eventType": "user.session.start", "published": "2026-01-02T03:04:05Z", "actor": {"id": "1"}}).to_string(), "Okta", "user.session.start"),
        ("github", json!({"action": "repo.create", "actor": "a", "@timestamp": 1_767_323_045_000_i64, "org": "o"}).to_string(), "GitHub", "repo.create"),
        ("splunk_windows", json!({"EventCode": 4688, "LogName": "Security", "SourceName": "Microsoft-Windows-Security-Auditing", "ComputerName": "h", "EventTime": "01/02/2026 03:04:05 AM", "Message": "A new process has been created.\r\n\tNew Process Name:\tC:\\a.exe"}).to_string(), "Microsoft-Windows-Security-Auditing", "4688"),
        ("crowdstrike", json!({"event_simpleName": "ProcessRollup2", "aid": "a1", "event_platform": "Win", "timestamp": "1767323045000", "ComputerName": "h"}).to_string(), "CrowdStrike Falcon", "ProcessRollup2"),
        ("falco", json!({"rule": "Key read", "priority": "Warning", "hostname": "h", "time": "2026-01-02T03:04:05.000000001Z", "output": "x", "output_fields": {"evt.type": "openat", "proc.name": "cat"}}).to_string(), "Falco", "openat"),
        ("udm", json!({"metadata": {"eventType": "PROCESS_LAUNCH", "eventTimestamp": "2026-01-02T03:04:05Z"}, "principal": {"hostname": "h"}, "target": {"process": {"commandLine": "a"}}}).to_string(), "UDM", "PROCESS_LAUNCH"),
        ("wazuh_other", json!({"timestamp": "2026-01-02T03:04:05.000+0000", "rule": {"id": "5710", "level": 5}, "agent": {"name": "h"}, "decoder": {"name": "sshd"}, "full_log": "x", "data": {"srcip": "192.0.2.1"}}).to_string(), "Wazuh", "sshd"),
        ("sublime", json!({"type": {"inbound": true}, "mailbox": {"email": {"email": "u@a.example"}}, "sender": {"email": {"email": "x@b.example"}}, "subject": {"subject": "s"}, "headers": {"date": "2026-01-02T03:04:05Z"}}).to_string(), "Sublime", "-"),
        ("osquery", json!({"name": "pack_x_listening_ports", "hostIdentifier": "h", "unixTime": 1_767_323_045, "columns": {"port": "22"}, "action": "added"}).to_string(), "osquery", "pack_x_listening_ports"),
        ("github_webhook", json!({"action": "opened", "sender": {"login": "u"}, "repository": {"full_name": "o/r"}}).to_string(), "GitHub webhook", "opened"),
        ("databricks", json!({"timestamp": 1_767_323_045_000_i64, "serviceName": "accounts", "actionName": "login", "workspaceId": "1"}).to_string(), "Databricks", "login"),
        ("slack", json!({"action": "user_login", "actor": {"type": "user"}, "entity": {"type": "user"}, "date_create": 1_767_323_045}).to_string(), "Slack", "user_login"),
        ("onelogin", json!({"event_type_id": 5, "user_name": "u", "event_timestamp": "2026-01-02 03:04:05 UTC"}).to_string(), "OneLogin", "5"),
        ("duo", json!({"isotimestamp": "2026-01-02T03:04:05+00:00", "action": "bypass_create", "username": "u"}).to_string(), "Duo", "bypass_create"),
        ("box", json!({"type": "event", "event_type": "LOGIN", "created_by": {"login": "u"}, "created_at": "2026-01-02T03:04:05Z"}).to_string(), "Box", "LOGIN"),
        ("openai", json!({"object": "organization.audit_log", "type": "login.failed", "effective_at": 1_767_323_045}).to_string(), "OpenAI", "login.failed"),
        ("anthropic", json!({"organization_id": "o", "type": "login", "actor": {"type": "user_actor"}, "created_at": "2026-01-02T03:04:05Z"}).to_string(), "Anthropic", "login"),
        ("asana", json!({"gid": "1", "event_type": "user_login", "event_category": "logins", "actor": {"email": "u"}, "created_at": "2026-01-02 03:04:05.000"}).to_string(), "Asana", "user_login"),
        ("mongodb_atlas", json!({"eventTypeName": "USER_CREATED", "created": "2026-01-02 03:04:05"}).to_string(), "MongoDB Atlas", "USER_CREATED"),
        ("docusign", json!({"event": "envelope-sent", "configurationId": "c", "generatedDateTime": "2026-01-02T03:04:05Z"}).to_string(), "DocuSign", "envelope-sent"),
        ("tines", json!({"operation_name": "Login", "tenant_id": "1", "request_ip": "10.0.0.1", "created_at": "2026-01-02 03:04:05"}).to_string(), "Tines", "Login"),
        ("dropbox", json!({"event_type": {"_tag": "login_success"}, "actor": {"_tag": "user"}, "timestamp": "2026-01-02 03:04:05"}).to_string(), "Dropbox", "login_success"),
        ("salesforce", json!({"EVENT_TYPE": "Login", "ORGANIZATION_ID": "o", "TIMESTAMP": "2026-01-02 03:04:05.000"}).to_string(), "Salesforce", "Login"),
        ("teleport", json!({"event": "session.start", "code": "T2000I", "uid": "u", "time": "2026-01-02T03:04:05Z"}).to_string(), "Teleport", "session.start"),
        ("wiz", json!({"requestId": "r", "action": "Login", "sourceIP": "10.0.0.1", "timestamp": "2026-01-02T03:04:05Z"}).to_string(), "Wiz", "Login"),
        ("snowflake", json!({"QUERY_TEXT": "select 1", "QUERY_TYPE": "SELECT", "START_TIME": "2026-01-02 03:04:05.000 +0000"}).to_string(), "Snowflake", "SELECT"),
        ("carbon_black_audit", json!({"eventId": "1", "eventTime": 1_767_323_045_000_i64, "loginName": "u", "orgName": "o", "description": "Logged in"}).to_string(), "Carbon Black audit", "Logged in"),
        ("netskope", json!({"audit_log_event": "Login Successful", "type": "admin_audit_logs", "timestamp": 1_767_323_045}).to_string(), "Netskope", "Login Successful"),
        ("zendesk", json!({"source_type": "user", "change_description": "x", "action_label": "Updated", "created_at": "2026-01-02T03:04:05Z"}).to_string(), "Zendesk", "user"),
        ("suricata", json!({"timestamp": "2026-01-02T03:04:05Z", "flow_id": 1, "event_type": "dns", "src_ip": "10.0.0.1"}).to_string(), "Suricata", "dns"),
        ("zeek", json!({"_path": "dns", "ts": 1_767_323_045.5, "uid": "C1", "query": "a.example"}).to_string(), "Zeek", "dns"),
        (
            "ruleatlas",
            json!({"time": "2026-01-02T03:04:05Z", "provider": "Sysmon", "event_id": "1", "host": "h", "platform": "windows", "shape": "evtx", "file": "a", "record": 1, "fields": {"Image": "a.exe"}, "unmapped": {}}).to_string(),
            "Sysmon",
            "1",
        ),
        (
            "ruleatlas_table",
            json!({"time": "2026-01-02T03:04:05Z", "provider": "Sysmon", "event_id": "1", "host": "h", "platform": "windows", "shape": "evtx", "file": "a", "record": 1, "unmapped": "{}", "Image": "a.exe"}).to_string(),
            "Sysmon",
            "1",
        ),
        ("ecs", json!({"@timestamp": "2026-01-02T03:04:05Z", "event": {"category": ["network"], "dataset": "x.y", "action": "lookup"}, "host": {"name": "h"}}).to_string(), "x.y", "lookup"),
    ]
}

#[test]
fn every_other_shape_is_recognised() {
    for (shape, text, provider, id) in others() {
        let name = if text.starts_with('{') { "a.json" } else { "audit.log" };
        let event = only(name, &text);
        let found = [&event.shape, &event.provider, &event.event_id].map(|it| it.as_deref().unwrap_or("-"));
        assert_eq!(found, [shape, provider, id], "{text}");
    }
    let event = only("audit.log", &others()[4].1);
    assert_eq!((&event.fields["a0"], &event.fields["a1"]), (&json!("probe"), &json!("/tmp/a")));
    assert_eq!(event.time.unwrap().to_string(), "2026-01-02T03:04:05Z");
}

#[test]
fn a_record_that_holds_several_events_gives_them_all() {
    let names = |text: &str| -> Vec<String> {
        events("a.json", text).into_iter().map(|event| event.event_id.unwrap_or_default()).collect()
    };
    let google = json!({"kind": "admin#reports#activity", "id": {"applicationName": "admin", "time": "2026-01-02T03:04:05Z"}, "events": [{"name": "a"}, {"name": "b"}]});
    assert_eq!(names(&google.to_string()), ["a", "b"]);
    let trail = |name: &str| json!({"eventVersion": "1", "eventSource": "s", "eventName": name});
    assert_eq!(names(&json!({"Records": [trail("a"), trail("b")]}).to_string()), ["a", "b"]);
    assert_eq!(
        names(&json!({"Events": [{"EventId": "1", "CloudTrailEvent": trail("a").to_string()}]}).to_string()),
        ["a"]
    );
    assert_eq!(names(&json!({"detail-type": "AWS API Call via CloudTrail", "detail": trail("a")}).to_string()), ["a"]);
    let messages = json!([{"id": "1", "timestamp": 1, "message": trail("a").to_string()}, {"id": "2", "timestamp": 1, "message": trail("b").to_string()}]);
    assert_eq!(names(&json!({"logGroup": "g", "logEvents": messages}).to_string()), ["a", "b"]);
    let kubernetes = json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "verb": "create", "objectRef": {"resource": "pods", "subresource": "exec"}});
    let diagnostic = json!({"category": "kube-audit-admin", "operationName": "x", "resourceId": "y", "properties": {"log": kubernetes.to_string()}});
    assert_eq!(names(&kubernetes.to_string()), ["create pods/exec"]);
    assert_eq!(names(&diagnostic.to_string()), ["create pods/exec"]);
    let entra = json!({"category": "Policy", "operationName": "Update policy", "resourceId": "/tenants/x/providers/Microsoft.aadiam", "time": "2026-01-02T03:04:05Z"});
    assert_eq!(only("a.json", &entra.to_string()).shape.as_deref(), Some("entra_audit"));
    let row = json!({"ActionType": "ProcessCreated", "DeviceName": "h"});
    assert_eq!(names(&json!({"Schema": [], "Results": [row, row]}).to_string()), ["ProcessCreated", "ProcessCreated"]);
    let audit =
        json!({"Workload": "Exchange", "Operation": "Send", "RecordType": 1, "CreationTime": "2026-01-02T03:04:05"});
    assert_eq!(
        names(&json!({"RecordType": 1, "Operations": "Send", "AuditData": audit.to_string()}).to_string()),
        ["Send"]
    );
}

/// What decides which rules are asked about an event.
fn kind(kinds: &Kinds, event: &Event) -> [Vec<String>; 4] {
    let kind = kinds.of(event);
    let events = |list: &[EventRef]| list.iter().map(|it| format!("{} {}", it.provider, it.event_id)).collect();
    let mut categories = kind.categories.clone();
    categories.sort();
    categories.dedup();
    [events(&kind.events), events(&kind.same_activity), kind.log_sources.clone(), categories]
}

#[test]
fn a_canonical_event_is_read_as_it_was_written() {
    let kinds = Kinds::default();
    let samples = windows().into_iter().map(|(shape, name, text)| (shape, name.to_owned(), text));
    let others = others().into_iter().map(|(shape, text, ..)| {
        let name = if text.starts_with('{') { "a.json" } else { "audit.log" };
        (shape, name.to_owned(), text)
    });
    for (shape, name, text) in samples.chain(others) {
        let event = only(&name, &text);
        let written = kinds.canonical_event(&event, "a", 7);
        assert_eq!((written.shape.as_str(), written.file.as_str(), written.record), (shape, "a", 7));
        let read = only("b.json", &serde_json::to_string(&written).unwrap());
        assert_eq!(read.shape.as_deref(), Some("ruleatlas"), "{text}");
        assert_eq!(kind(&kinds, &read), kind(&kinds, &event), "{text}");
        let again = kinds.canonical_event(&read, "a", 7);
        assert_eq!(CanonicalEvent { shape: shape.to_owned(), ..again }, written, "{text}");
    }
}

#[test]
fn values_are_written_by_canonical_field() {
    let text = json!({"Event": {
        "System": {"Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}}, "EventID": 4688,
            "Channel": "Security", "Computer": "host1", "Level": 0, "Keywords": "0x8020000000000000"},
        "EventData": {"NewProcessName": IMAGE, "ProcessId": "0x4", "Strange": "x"}}});
    let event = Kinds::default().canonical_event(&only("a.json", &text.to_string()), "a", 1);
    assert_eq!((event.provider.as_str(), event.event_id.as_str()), ("Security-Auditing", "4688"));
    assert_eq!((event.platform.as_str(), event.time), ("windows", None));
    let of = |name: &str| event.fields.get(name).cloned().unwrap_or_default();
    assert_eq!((of("Image"), of("ParentProcessId")), (json!(IMAGE), json!("0x4")), "{event:?}");
    assert_eq!((of("Channel"), of("Keywords")), (json!("Security"), json!("0x8020000000000000")));
    assert_eq!(of("Provider_Name"), json!("Microsoft-Windows-Security-Auditing"));
    assert_eq!(event.unmapped.get("Strange"), Some(&json!("x")));
    // Of a path the record has the last part alone.
    let text = json!({"@timestamp": "2026-01-02T03:04:05Z", "event": {"category": ["process"]}, "process": {"name": "probe.exe"}});
    let event = Kinds::default().canonical_event(&only("a.json", &text.to_string()), "a", 1);
    assert_eq!((event.fields.get("Image"), event.fields.get("Image.name")), (None, Some(&json!("probe.exe"))));
}

#[test]
fn every_shape_has_a_sample() {
    let sampled: BTreeSet<&str> = windows().iter().map(|it| it.0).chain(others().iter().map(|it| it.0)).collect();
    let all: BTreeSet<&str> = Shapes::builtin().all().iter().map(|shape| shape.name.as_str()).collect();
    assert_eq!(sampled, all);
}

#[test]
fn a_record_without_shape_keeps_its_fields() {
    let event = only("a.json", r#"{"anything": 1}"#);
    assert_eq!((event.shape, event.fields["anything"].clone()), (None, json!(1)));
}

#[test]
fn a_shape_can_be_forced() {
    let shape = Shapes::builtin().named("flat_windows").unwrap();
    let mut found = Vec::new();
    Shapes::builtin().events(json!({"EventID": 7, "a": 1}), Some(shape), &mut |event| found.push(event));
    assert_eq!((found[0].event_id.as_deref(), found[0].shape.as_deref()), (Some("7"), Some("flat_windows")));
}

/// Objects whose keys and texts are those that shapes look for, in places where they do not expect them.
fn odd_records() -> impl Strategy<Value = Value> {
    let table = include_str!("../data/shapes.toml");
    let words: Vec<&str> = table
        .split(['"', '.', '=', '*'])
        .filter(|word| !word.is_empty() && word.len() < 40 && !word.contains(['\n', '[', ' ']))
        .collect();
    let word = prop::sample::select(words).prop_map(str::to_owned);
    let texts = [
        "",
        "é",
        "{",
        "{\"a\":1}",
        "<Event",
        "<Event><a/></Event>",
        "/Date(1)/",
        "a: b\nc",
        "\nEventCode=1\nLogName=x\nMessage=",
        "1.2:3",
        "2026-01-02T03:04:05Z",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(texts.to_vec()).prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    value.prop_filter("a record is an object", Value::is_object)
}

proptest! {
    #[test]
    fn no_record_makes_a_shape_panic(record in odd_records()) {
        for shape in Shapes::builtin().all() {
            Shapes::builtin().events(record.clone(), Some(shape), &mut |event| assert!(event.shape.is_some()));
        }
        Shapes::builtin().events(record, None, &mut |_| ());
    }
}
