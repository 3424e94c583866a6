//! What files say of telemetry, and what they may not do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

use proptest::prelude::*;
use ruleatlas_sources::have::{Component, Error, Listed, OnMatch, TelemetryConfig, TrailCategory, read};

const SYSMON: &str = r#"<!-- ours -->
<Sysmon schemaversion="4.90">
  <HashAlgorithms>sha256</HashAlgorithms>
  <EventFiltering>
    <RuleGroup name="" groupRelation="or">
      <ProcessCreate onmatch="exclude">
        <Image condition="is">C:\lab\agent.exe</Image>
        <Rule groupRelation="and"><Image condition="end with">a.exe</Image><User condition="is">lab</User></Rule>
      </ProcessCreate>
    </RuleGroup>
    <NetworkConnect onmatch="include"/>
    <FileCreate onmatch="INCLUDE"><TargetFilename condition="contains">&quot;x&amp;y</TargetFilename></FileCreate>
  </EventFiltering>
</Sysmon>
"#;

#[test]
fn a_sysmon_configuration_says_what_is_filtered() {
    let TelemetryConfig::Sysmon(config) = read(SYSMON.as_bytes()).unwrap() else { panic!("no Sysmon configuration") };
    assert_eq!(config.schema, "4.90");
    let filters: Vec<_> =
        config.filters.iter().map(|it| (it.element.as_str(), it.on_match, it.conditions, it.line)).collect();
    assert_eq!(
        filters,
        [
            ("ProcessCreate", OnMatch::Exclude, 3, 6),
            ("NetworkConnect", OnMatch::Include, 0, 11),
            ("FileCreate", OnMatch::Include, 1, 12),
        ]
    );
}

#[test]
fn settings_of_clouds_and_of_linux_audit_are_told_by_what_is_in_them() {
    let basic = r#"{"TrailARN": "arn:aws:cloudtrail:eu-west-1:1:trail/t", "EventSelectors": [
        {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true, "ExcludeManagementEventSources": ["kms.amazonaws.com"],
         "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::lab/"]}, {"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]}]}]}"#;
    let TelemetryConfig::CloudTrail(trail) = read(basic.as_bytes()).unwrap() else { panic!("no event selectors") };
    let shown: Vec<String> = trail
        .selectors
        .iter()
        .map(|selector| {
            let fields: Vec<&str> = selector.conditions.iter().map(|it| it.field.as_str()).collect();
            format!("{:?} {}", selector.category, fields.join(" "))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Management readOnly eventSource",
            "Data readOnly resources.type resources.ARN",
            "Data readOnly resources.type"
        ]
    );
    let advanced = r#"[{"Name": "writes", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]},
        {"Field": "eventName", "StartsWith": ["Create"], "NotEquals": ["CreateTags"]}]}]"#;
    let TelemetryConfig::CloudTrail(trail) = read(advanced.as_bytes()).unwrap() else { panic!("no event selectors") };
    let condition = &trail.selectors[0].conditions[0];
    assert_eq!(trail.selectors[0].category, TrailCategory::Management);
    assert!(condition.fits("CreateUser") && !condition.fits("CreateTags") && !condition.fits("DeleteUser"));

    let settings = r#"{"value": [{"properties": {"logs": [{"category": "AuditLogs", "enabled": true},
        {"category": "SignInLogs", "enabled": false}]}}, {"logs": [{"categoryGroup": "allLogs", "enabled": true}]}]}"#;
    let TelemetryConfig::Diagnostic(found) = read(settings.as_bytes()).unwrap() else { panic!("no settings") };
    assert_eq!(found.enabled.iter().collect::<Vec<_>>(), ["AuditLogs", "allLogs"]);
    assert_eq!(found.disabled.iter().collect::<Vec<_>>(), ["SignInLogs"]);

    let rules = "# ours\n-D\n-b 8192\n-a always,exit -F arch=b64 -S execve,connect -k run\n-w /etc/passwd -p wa -k id\n\
                 -a always,exclude -F msgtype=CWD\n-a never,exit -S open\n-e 2\n";
    let TelemetryConfig::AuditRules(found) = read(rules.as_bytes()).unwrap() else { panic!("no audit rules") };
    assert_eq!(found.system_calls.iter().collect::<Vec<_>>(), ["connect", "execve"]);
    assert_eq!(found.watches.iter().collect::<Vec<_>>(), ["/etc/passwd"]);
    assert!(found.excluded.contains("CWD") && !found.is_off);
}

#[test]
fn settings_that_are_none_say_why_and_where() {
    let deep = format!("{{\"EventSelectors\":{}", "[".repeat(100_000));
    for (text, part) in [
        ("{\"a\": 1}", "AdvancedEventSelectors"),
        ("{\"EventSelectors\": [{\"ReadWriteType\": \"Some\"}]}", "`ReadWriteType` is `Some`"),
        ("{\"AdvancedEventSelectors\": [{\"FieldSelectors\": []}]}", "one `eventCategory`"),
        ("{\"AdvancedEventSelectors\": [{\"FieldSelectors\": 7}]}", "event selectors of CloudTrail"),
        ("{", "no JSON"),
        (deep.as_str(), "no JSON"),
        ("-D\n-a always,exit -S execve\n-x what\n", "line 3: `-x` is no option of audit rules"),
        ("-w\n", "line 1: `-w` names no file"),
        ("-a sometimes,exit -S open\n", "line 1: `sometimes,exit` is no list and action"),
    ] {
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn a_configuration_that_is_none_says_why_and_where() {
    let bomb = "<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n\
                <Sysmon schemaversion=\"4.90\"><EventFiltering><ProcessCreate onmatch=\"include\">&b;</ProcessCreate></EventFiltering></Sysmon>";
    let config =
        |inside: &str| format!("<Sysmon schemaversion=\"4.90\">\n<EventFiltering>{inside}</EventFiltering></Sysmon>");
    let cases = [
        (bomb.to_owned(), "line 2: a document type declaration"),
        (
            "<Sysmon schemaversion=\"9.1\"></Sysmon>".to_owned(),
            "line 1: a Sysmon configuration of schema version `9.1`",
        ),
        ("<Sysmon schemaversion=\"1.0\"/>".to_owned(), "schema version `1.0`"),
        ("<Sysmon/>".to_owned(), "schema version none"),
        ("\n<Other/>".to_owned(), "line 2: the outermost element is `Other`"),
        ("<Sysmon schemaversion=\"4.90\">".to_owned(), "the file ends within an element"),
        ("<Sysmon schemaversion=\"4.90\"></Symon>".to_owned(), "no well-formed XML"),
        ("<Sysmon schemaversion=\"4.90\"><EventFiltering/></Sysmon>".to_owned(), "filters no event type"),
        (config("<ProcessCreate/>"), "line 2: `ProcessCreate` has no `onmatch`"),
        (config("<ProcessCreate onmatch=\"maybe\"/>"), "line 2: `ProcessCreate` has `onmatch` `maybe`"),
        (format!("<Sysmon schemaversion=\"4.90\">{}", "<a>".repeat(100)), "nested too deeply"),
        ("<!-- nothing -->".to_owned(), "there is nothing in it"),
    ];
    for (text, expected) in cases {
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn an_audit_policy_is_read_in_every_form_windows_writes() {
    let report = "Machine Name,Policy Target,Subcategory,Subcategory GUID,Inclusion Setting,Exclusion Setting\r\n\r\n\
                  LAB,System,Process Creation,{0CCE922B-69AE-11D9-BED3-505054503030},Success,\r\n\
                  LAB,System,Logon,{0CCE9215-69AE-11D9-BED3-505054503030},Success and Failure,\r\n\
                  LAB,System,SAM,{0cce9220-69ae-11d9-bed3-505054503030},No Auditing,\r\n";
    let expected = [
        ("Process Creation", "0CCE922B-69AE-11D9-BED3-505054503030", true, false),
        ("Logon", "0CCE9215-69AE-11D9-BED3-505054503030", true, true),
        ("SAM", "0CCE9220-69AE-11D9-BED3-505054503030", false, false),
    ];
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(report.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for bytes in [report.as_bytes(), &utf16] {
        let TelemetryConfig::AuditPolicy(lines) = read(bytes).unwrap() else { panic!("no audit policy") };
        let lines: Vec<_> =
            lines.iter().map(|it| (it.name.as_str(), it.guid.as_str(), it.success, it.failure)).collect();
        assert_eq!(lines, expected);
    }
    // A backup has numbers, whatever the language of that Windows.
    let backup = "Machine Name,Policy Target,Subcategory,Subcategory GUID,Inclusion Setting,Exclusion Setting,Setting Value\n\
                  LAB,System,Anmelden,{0CCE9215-69AE-11D9-BED3-505054503030},Erfolg und Fehler,,3\n";
    let TelemetryConfig::AuditPolicy(lines) = read(backup.as_bytes()).unwrap() else { panic!("no audit policy") };
    assert!(lines[0].success && lines[0].failure);
}

/// Name, success, failure and line of what is audited.
fn audited(text: &str) -> Vec<(String, bool, bool, u32)> {
    let TelemetryConfig::AuditPolicy(lines) = read(text.as_bytes()).unwrap() else { panic!("no audit policy") };
    lines.into_iter().map(|it| (it.name, it.success, it.failure, it.line)).collect()
}

#[test]
fn an_audit_policy_is_read_in_the_languages_of_windows() {
    let policy = |machine: &str, both: &str, success: &str, failure: &str, none: &str| {
        format!(
            "a,b,c,d,e,f\r\n\r\nLAB,{machine},A,{{0CCE9215-69AE-11D9-BED3-505054503030}},{both},\r\n\
             LAB,{machine},B,{{0CCE922B-69AE-11D9-BED3-505054503030}},{success},\r\n\
             LAB,{machine},C,{{0CCE9220-69AE-11D9-BED3-505054503030}},{failure},\r\n\
             LAB,{machine},D,{{0CCE9226-69AE-11D9-BED3-505054503030}},{none},\r\n"
        )
    };
    let expected: Vec<_> = [("A", true, true, 3), ("B", true, false, 4), ("C", false, true, 5), ("D", false, false, 6)]
        .map(|(name, success, failure, line)| (name.to_owned(), success, failure, line))
        .into();
    for text in [
        policy("System", "Success and Failure", "Success", "Failure", "No Auditing"),
        policy("System", "Erfolg und Fehler", "Erfolg", "Fehler", "Keine Überwachung"),
        policy("Système", "Succès et échec", "Succès", "Échec", "Pas d'audit"),
        policy("システム", "成功および失敗", "成功", "失敗", "監査なし"),
        // A language that no table has: the setting that means both names success first.
        policy("Sistemo", "Sukceso kaj malsukcesoj", "Sukceso", "malsukcesoj", "Nenio"),
    ] {
        assert_eq!(audited(&text), expected, "{text}");
    }
    // A console's own code page.
    let mut bytes = policy("System", "Erfolg und Fehler", "Erfolg", "Fehler", "Keine @berwachung").into_bytes();
    for byte in &mut bytes {
        if *byte == b'@' {
            *byte = 0x9a;
        }
    }
    let TelemetryConfig::AuditPolicy(lines) = read(&bytes).unwrap() else { panic!("no audit policy") };
    assert!(lines.len() == 4 && !lines[3].success && !lines[3].failure);
    let foreign = "LAB,System,Anmelden,{0CCE9215-69AE-11D9-BED3-505054503030},Qwxyz,\n";
    let error = read(foreign.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("line 1: the setting `Qwxyz` of `Anmelden`") && error.contains("/backup"), "{error}");
}

#[test]
fn what_is_audited_of_one_account_is_not_audited_of_the_machine() {
    let head = "Machine Name,Policy Target,Subcategory,Subcategory GUID,Inclusion Setting,Exclusion Setting\n";
    let row = |target: &str, setting: &str| {
        format!("LAB,{target},Logon,{{0CCE9215-69AE-11D9-BED3-505054503030}},{setting},\n")
    };
    for account in ["LAB\\bob", "bob@lab.example", "S-1-5-21-1-2-3-1001", "bob"] {
        let text = format!("{head}{}{}", row("System", "No Auditing"), row(account, "Success and Failure"));
        assert_eq!(audited(&text), [("Logon".to_owned(), false, false, 2)], "{account}");
    }
    let only = format!("{head}{}", row("LAB\\bob", "Success"));
    assert_eq!(read(only.as_bytes()), Err(Error::Empty));
}

#[test]
fn a_range_of_ids_is_every_id_in_it() {
    let TelemetryConfig::List(listed) = read(b"Sysmon,1-3\nSecurity-Auditing,4624\n").unwrap() else {
        panic!("no list")
    };
    let ids: Vec<_> = listed.iter().map(|row| (row.event_id.as_str(), row.line)).collect();
    assert_eq!(ids, [("1", 1), ("2", 1), ("3", 1), ("4624", 2)]);
    for range in ["5-1", "1-99999999"] {
        let error = read(format!("Sysmon,{range}\n").as_bytes()).unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("is no range"), "{error}");
    }
}

#[test]
fn an_entry_of_a_data_source_administration_has_the_platforms_of_its_systems() {
    let text = "file_type: data-source-administration\nsystems:\n- applicable_to: servers\n  platform: [Linux]\n\
                - applicable_to: clients\n  platform: [Windows, macOS]\ndata_sources:\n\
                - data_source_name: Process Creation\n  data_source:\n  - applicable_to: [servers]\n    products: [x]\n\
                \x20 - applicable_to: [all]\n    products: [y]\n  - applicable_to: [elsewhere]\n    products: [z]\n";
    let TelemetryConfig::DataSources(components) = read(text.as_bytes()).unwrap() else { panic!("no data sources") };
    let platforms: Vec<_> = components.iter().map(|it| it.platforms.join(" ")).collect();
    assert_eq!(platforms, ["Linux", "Linux Windows macOS", ""]);
    let old = "file_type: data-source-administration\nplatform: [Windows]\ndata_sources:\n- data_source_name: X\n  products: [a]\n";
    let TelemetryConfig::DataSources(components) = read(old.as_bytes()).unwrap() else { panic!("no data sources") };
    assert_eq!(components[0].platforms, ["Windows"]);
}

#[test]
fn a_data_source_administration_says_what_is_available() {
    let text = "version: 1.1\nfile_type: data-source-administration\nname: lab\ndata_sources:\n\
                - data_source_name: Process Creation\n  data_source:\n  - applicable_to: [all]\n    products: [Sysmon]\n    available_for_data_analytics: true\n\
                - data_source_name: Module Load\n  data_source:\n  - products: [Sysmon]\n    available_for_data_analytics: false\n    data_quality: {device_completeness: 0}\n\
                - data_source_name: File Creation\n  products: [EDR]\n  data_quality: {device_completeness: 3}\n";
    let TelemetryConfig::DataSources(components) = read(text.as_bytes()).unwrap() else { panic!("no data sources") };
    let seen: Vec<_> = components
        .iter()
        .map(|Component { name, products, available, .. }| (name.as_str(), products.join(","), *available))
        .collect();
    let sysmon = || "Sysmon".to_owned();
    let expected = [
        ("Process Creation", sysmon(), true),
        ("Module Load", sysmon(), false),
        ("File Creation", "EDR".to_owned(), true),
    ];
    assert_eq!(seen, expected);
    let other = read(b"file_type: technique-administration\ndata_sources: []\n").unwrap_err().to_string();
    assert!(other.contains("line 1: a DeTT&CT file of type `technique-administration`"), "{other}");
}

#[test]
fn a_list_has_a_provider_and_an_id_a_line() {
    let text =
        "\u{feff}Provider,EventID,note\n# a comment\nSysmon,1,x\n\"Windows Defender\" , 1116\nSecurity-Auditing,*\n";
    let TelemetryConfig::List(listed) = read(text.as_bytes()).unwrap() else { panic!("no list") };
    let listed: Vec<_> = listed
        .iter()
        .map(|Listed { provider, event_id, line }| (provider.as_str(), event_id.as_str(), *line))
        .collect();
    assert_eq!(listed, [("Sysmon", "1", 3), ("Windows Defender", "1116", 4), ("Security-Auditing", "*", 5)]);
    for (text, expected) in [
        ("", "there is nothing in it"),
        (" \n\n", "there is nothing in it"),
        ("# only a comment\n", "there is nothing in it"),
        ("Provider,EventID\n", "there is nothing in it"),
        ("Sysmon,1\nwhat is this\n", "line 2: `what is this` is no line of `Provider,EventID`"),
        ("a\0b,1", "no text"),
    ] {
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
    assert_eq!(read(&[0xff, 0x00, 0xfe]), Err(Error::NotText));
    assert_eq!(read(&vec![b'a'; 9 << 20]), Err(Error::TooLarge));
}

#[test]
fn a_large_file_is_read_in_one_pass() {
    let attributes: String = (0..60_000).map(|n| format!(" a{n}=\"\"")).collect();
    let many = format!(
        "<Sysmon schemaversion=\"4.90\"><EventFiltering><DnsQuery onmatch=\"include\"{attributes}/></EventFiltering></Sysmon>"
    );
    assert!(read(many.as_bytes()).is_ok());
    let filters = "<DnsQuery onmatch=\"include\"><QueryName>x</QueryName></DnsQuery>\n".repeat(20_000);
    let text = format!("<Sysmon schemaversion=\"4.90\"><EventFiltering>{filters}</EventFiltering></Sysmon>");
    let TelemetryConfig::Sysmon(config) = read(text.as_bytes()).unwrap() else { panic!("no Sysmon configuration") };
    assert_eq!((config.filters.len(), config.filters[19_999].line), (20_000, 20_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    #[test]
    fn no_damaged_file_is_too_odd(at in 0_usize..600, cut in 0_usize..40, put in ".{0,12}") {
        let samples = [
            SYSMON,
            "M,P,Subcategory,Subcategory GUID,Inclusion Setting\nL,S,Logon,{0CCE9215-69AE-11D9-BED3-505054503030},Success,\n",
            "file_type: data-source-administration\ndata_sources:\n- data_source_name: X\n  data_source: [{products: [a]}]\n",
            "Provider,EventID\nSysmon,1\n",
        ];
        for sample in samples {
            let chars: Vec<char> = sample.chars().collect();
            let at = at.min(chars.len());
            let rest = (at + cut).min(chars.len());
            let text: String = chars[..at].iter().copied().chain(put.chars()).chain(chars[rest..].iter().copied()).collect();
            let _ = read(text.as_bytes());
        }
    }
}
