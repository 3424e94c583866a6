//! Data sources are recognised by rule: in spellings that no table has.

use ruleatlas_model::{Condition, DataSource, Node, Op, Predicate, SourceKind, Vendor};
use ruleatlas_taxonomy::Taxonomy;

fn eq(field: &str, value: &str) -> Node {
    Predicate::new(field, Op::Eq, [value]).into()
}

/// Log sources, platforms and events of a step, after what it filters has been read.
fn read(vendor: Vendor, sources: &[(SourceKind, &str)], root: Node) -> (String, String, String) {
    let taxonomy = Taxonomy::builtin();
    let sources = sources.iter().map(|(kind, name)| DataSource::new(*kind, *name)).collect();
    let mut conditions = [Condition { sources, ..Condition::new(root) }];
    taxonomy.read_sources(vendor, &mut conditions);
    let told = taxonomy.describe(&conditions);
    let links = taxonomy.events(vendor, &conditions);
    let events: Vec<String> =
        links.iter().map(|link| format!("{} {}", link.event.provider, link.event.event_id)).collect();
    (told.log_sources.join(" "), told.platforms.join(" "), events.join(", "))
}

fn splunk(kind: SourceKind, name: &str, root: Node) -> (String, String, String) {
    read(Vendor::Splunk, &[(kind, name)], root)
}

#[test]
fn a_windows_channel_is_known_in_every_spelling() {
    use SourceKind::{Channel, EventType, Macro, Source, SourceType};
    let sysmon =
        ["WinEventLog:Microsoft-Windows-Sysmon/Operational", "xmlwineventlog:microsoft-windows-sysmon/operational"];
    for name in sysmon {
        for kind in [Source, SourceType] {
            let found = splunk(kind, name, eq("EventCode", "1"));
            assert_eq!(found, ("sysmon".into(), "windows".into(), "Sysmon 1".into()), "{name}");
        }
    }
    let cases = [
        (Source, "*WinEventLog:Security", "4624", "security", "Security-Auditing 4624"),
        (Source, "*WinEventLog:Security*", "1102", "security", "Eventlog 1102"),
        (Macro, "wineventlog_security", "4625", "security", "Security-Auditing 4625"),
        (EventType, "wineventlog_system", "7045", "system", "Service Control Manager 7045"),
        (Channel, "Microsoft-Windows-Bits-Client/Operational", "59", "bits_client", "Bits-Client 59"),
        // A channel that no table has: its provider is called like it.
        (Source, "XmlWinEventLog:Microsoft-Windows-Lab-Probe/Admin", "77", "windows", "Lab-Probe 77"),
        (Source, "WinEventLog:Contoso Backup/Operational", "5", "windows", "Contoso Backup 5"),
        (
            Source,
            "XmlWinEventLog:Microsoft-Windows-AppXDeploymentServer/Operational",
            "400",
            "appx_deployment",
            "AppXDeployment-Server 400",
        ),
    ];
    for (kind, name, id, log_source, event) in cases {
        let found = splunk(kind, name, eq("EventCode", id));
        assert_eq!(found, (log_source.into(), "windows".into(), event.into()), "{name}");
    }
    // A pattern that only one channel fits.
    for name in ["*Sysmon*", "*sysmon/operational", "*Microsoft-Windows-Sysmon*"] {
        assert_eq!(splunk(Source, name, eq("EventCode", "3")).2, "Sysmon 3", "{name}");
    }
    for name in ["*", "*log*", "*lab probe*"] {
        assert_eq!(splunk(Source, name, eq("EventCode", "3")).2, "", "{name}");
    }
    let (log_source, platform, _) = splunk(SourceType, "xmlwineventlog", Node::always());
    assert_eq!((log_source.as_str(), platform.as_str()), ("windows", "windows"));
    // The channel as a field of the event.
    let root = Node::all([eq("Channel", "Microsoft-Windows-Sysmon/Operational"), eq("EventCode", "11")]);
    assert_eq!(splunk(SourceType, "XmlWinEventLog", root).2, "Sysmon 11");
}

#[test]
fn the_text_beside_a_search_names_logs_and_events() {
    let cases = [
        ("Windows Event Log Security 4799", "windows", "Security-Auditing 4799"),
        ("Windows Event Log System EventID 7036", "windows", "Service Control Manager 7036"),
        ("Windows Event Log RemoteConnectionManager 1149", "windows", "TerminalServices-RemoteConnectionManager 1149"),
        ("Windows Event Log Lab-Probe 12", "windows", "Lab-Probe 12"),
        ("NTLM Operational 8004, 8005", "windows", "NTLM 8004, NTLM 8005"),
        ("Sysmon EventID 29", "windows", "Sysmon 29"),
        ("Sysmon for Linux EventID 9", "linux", "Sysmon for Linux 9"),
        ("AWS CloudTrail RunInstances", "aws", "CloudTrail RunInstances"),
        ("O365 Set-Mailbox", "office365", "Microsoft 365 Set-Mailbox"),
        ("Cisco Secure Firewall Threat Defense Connection Event", "cisco", ""),
        ("Linux Auditd Cwd", "linux", "auditd CWD"),
        ("VMware ESXi Syslog", "vmware", ""),
        ("Cisco Duo Administrator Logs", "duo", ""),
        ("GitHub Enterprise Audit Logs", "github", ""),
        ("Kubernetes Falco Alerts", "kubernetes", ""),
    ];
    for (text, platform, events) in cases {
        let found = splunk(SourceKind::LogType, text, Node::always());
        assert!(!found.0.is_empty(), "{text}");
        assert_eq!((found.1.as_str(), found.2.as_str()), (platform, events), "{text}: {found:?}");
    }
}

#[test]
fn products_are_known_by_the_words_of_a_name() {
    use SourceKind::{Macro, Source, SourceType, Table};
    let cases = [
        (Vendor::Splunk, SourceType, "cisco:asa", "cisco_asa", "cisco"),
        (Vendor::Splunk, SourceType, "pan:traffic", "paloalto", "paloalto"),
        (Vendor::Splunk, SourceType, "vmware:esxlog*", "vmware_esxi", "vmware"),
        (Vendor::Splunk, SourceType, "vmware:esxlog:hostd", "vmware_esxi", "vmware"),
        (Vendor::Splunk, SourceType, "cisco:*", "network_device", "cisco"),
        (Vendor::Splunk, SourceType, "*:esxlog:hostd", "vmware_esxi", "vmware"),
        (Vendor::Splunk, SourceType, "aws:cloudtrail*", "cloudtrail", "aws"),
        (Vendor::Splunk, SourceType, "lab:okta:extra", "okta", "okta"),
        (Vendor::Splunk, Macro, "cisco_secure_firewall_lab", "cisco_ftd", "cisco"),
        (Vendor::Splunk, Source, "PINGID", "pingid", "saas"),
        (Vendor::Kusto, Table, "AWSGuardDuty", "guardduty", "aws"),
        (Vendor::Kusto, Table, "SalesforceServiceCloud", "salesforce", "saas"),
        (Vendor::Kusto, Table, "CopilotActivity", "copilot", "office365"),
        (Vendor::Kusto, Table, "LabCheckPointLogs_CL", "checkpoint", "network"),
        (Vendor::Kusto, Table, "emailevents", "email", "office365"),
    ];
    for (vendor, kind, name, log_source, platform) in cases {
        let found = read(vendor, &[(kind, name)], Node::always());
        assert_eq!((found.0.as_str(), found.1.as_str()), (log_source, platform), "{name}");
    }
    let hosts = "windows linux macos";
    for name in ["crowdstrike:events:sensor", "cisco:nvm:flowdata", "ms:defender:atp:alerts"] {
        assert_eq!(splunk(SourceType, name, Node::always()).1, hosts, "{name}");
    }
    assert_eq!(read(Vendor::Kusto, &[(Table, "IntuneAuditLogs")], Node::always()).0, "intune");
}

#[test]
fn a_macro_that_could_not_be_resolved_says_what_it_reads() {
    let root = Node::all([
        Node::opaque("`cisco_asa(lab)`", "macro is not defined", ruleatlas_model::Span::default()),
        Node::opaque("`lab_okta_filter`", "macro is not defined", ruleatlas_model::Span::default()),
    ]);
    let found = read(Vendor::Splunk, &[], root);
    assert_eq!((found.0.as_str(), found.1.as_str()), ("cisco_asa", "cisco"));
}

#[test]
fn what_nothing_is_known_of_is_said() {
    let unknown = |kind, name: &str| {
        let conditions = [Condition { sources: vec![DataSource::new(kind, name)], ..Condition::new(Node::always()) }];
        let found = Taxonomy::builtin().unknown_sources(&conditions);
        found.into_iter().map(|source| source.name).collect::<Vec<_>>()
    };
    assert_eq!(unknown(SourceKind::SourceType, "qwxyz:thing"), ["qwxyz:thing"]);
    assert_eq!(unknown(SourceKind::Table, "QwxyzThings_CL"), ["QwxyzThings_CL"]);
    assert_eq!(unknown(SourceKind::SourceType, "*"), Vec::<String>::new());
    assert_eq!(unknown(SourceKind::SourceType, "cisco:asa"), Vec::<String>::new());
}

#[test]
fn the_platform_is_what_a_rule_names_or_what_its_values_look_like() {
    let table = |name: &str| vec![DataSource::new(SourceKind::Table, name)];
    let platforms = |conditions: &mut [Condition]| {
        let taxonomy = Taxonomy::builtin();
        taxonomy.read_sources(Vendor::Kusto, conditions);
        taxonomy.describe(conditions).platforms.join(" ")
    };
    let processes = |root| Condition { sources: table("DeviceProcessEvents"), ..Condition::new(root) };
    let devices = |root| Condition { sources: table("DeviceInfo"), ..Condition::new(root) };
    let contains = |field: &str, value: &str| Node::from(Predicate::new(field, Op::Contains, [value]));
    assert_eq!(platforms(&mut [processes(eq("FileName", "probe"))]), "windows linux macos");
    assert_eq!(platforms(&mut [processes(eq("FileName", "probe.exe"))]), "windows");
    assert_eq!(platforms(&mut [processes(contains("ProcessCommandLine", "/etc/shadow"))]), "linux");
    assert_eq!(platforms(&mut [processes(eq("FileName", "probe")), devices(eq("OSPlatform", "Linux"))]), "linux");
    assert_eq!(
        platforms(&mut [processes(eq("FileName", "probe")), devices(eq("OSPlatform", "WindowsServer2022"))]),
        "windows"
    );
    assert_eq!(platforms(&mut [devices(contains("OSPlatform", "Windows"))]), "windows");
    // What is excluded is not looked for.
    assert_eq!(platforms(&mut [processes(eq("FileName", "probe.exe").not())]), "windows linux macos");
}

#[test]
fn the_security_log_s_names_are_known_in_categories_of_its_events() {
    let sigma = |category: &str| {
        vec![DataSource::new(SourceKind::Product, "windows"), DataSource::new(SourceKind::Category, category)]
    };
    let cases = [
        ("registry_set", "ProcessName", "Image"),
        ("registry_event", "ProcessName", "Image"),
        ("registry_delete", "NewValue", "Details"),
        ("registry_add", "OperationType", "OperationType"),
        ("network_connection", "Application", "Image"),
        ("network_connection", "Direction", "network.direction"),
        ("network_connection", "DestAddress", "dest_ip"),
        ("network_connection", "LayerName", "LayerName"),
    ];
    for (category, name, field) in cases {
        let sources = sigma(category);
        let found = Taxonomy::builtin().resolve(Vendor::Sigma, name, &sources);
        assert_eq!(found.map(|used| used.field.name.as_str()), Some(field), "{name} in {category}");
    }
    for (category, id) in [("registry_set", "4657"), ("network_connection", "5156"), ("file_access", "4663")] {
        let condition = Condition { sources: sigma(category), ..Condition::new(eq("EventID", id)) };
        let links = Taxonomy::builtin().events(Vendor::Sigma, &[condition]);
        let found: Vec<_> =
            links.iter().map(|link| (link.event.provider.as_str(), link.event.event_id.as_str())).collect();
        assert_eq!(found, [("Security-Auditing", id)], "{category}");
    }
}

#[test]
fn providers_are_of_the_platforms_that_their_logs_are_of() {
    let of = |provider: &str| Taxonomy::builtin().platforms_of_provider(provider).join(" ");
    assert_eq!(
        (of("Security-Auditing"), of("Sysmon"), of("WinRM")),
        ("windows".into(), "windows".into(), String::new())
    );
    assert_eq!(
        (of("Sysmon for Linux"), of("auditd"), of("Endpoint Security")),
        ("linux".into(), "linux".into(), "macos".into())
    );
    assert_eq!(of("Elastic Defend"), "");
    let systems = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        ruleatlas_taxonomy::telemetry::platforms_of_systems(&names).join(" ")
    };
    assert_eq!(systems(&["Linux", "macos"]), "linux macos");
    assert_eq!(systems(&["Linux", "all"]), "");
}

#[test]
fn splunks_own_spelling_of_windows_fields_is_known() {
    let security = [DataSource::new(SourceKind::Source, "*WinEventLog:Security")];
    let name =
        |raw: &str| Taxonomy::builtin().resolve(Vendor::Splunk, raw, &security).map(|used| used.field.name.as_str());
    for (raw, field) in
        [("Logon_Type", "LogonType"), ("Target_User_Name", "TargetUserName"), ("Workstation_Name", "WorkstationName")]
    {
        assert_eq!(name(raw), Some(field), "{raw}");
    }
    let address = Taxonomy::builtin().resolve(Vendor::Elastic, "destination.address", &[]);
    assert_eq!(address.map(|used| used.field.name.as_str()), Some("dest_ip"));
}

/// The second column of a CSV file, without its comments and head.
fn second_column(text: &str) -> Vec<&str> {
    let rows = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    let names = rows.filter_map(|line| line.split(',').nth(1)).map(|name| name.trim_matches('"'));
    names
        .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        .collect()
}

#[test]
fn every_table_that_microsoft_documents_is_known() {
    let corpora = std::env::var_os("RULEATLAS_CORPORA").map(std::path::PathBuf::from);
    let Some(folder) = corpora.map(|corpora| corpora.join("events/cloud")).filter(|folder| folder.is_dir()) else {
        eprintln!("skipped: RULEATLAS_CORPORA names no folder with events/cloud");
        return;
    };
    let texts = ["azure-monitor-tables.csv", "defender-xdr-tables.csv"]
        .map(|file| std::fs::read_to_string(folder.join(file)).expect("a list of tables"));
    let tables: Vec<&str> = texts.iter().flat_map(|text| second_column(text)).collect();
    assert!(tables.len() > 600, "{} tables", tables.len());
    let is_unknown = |name: &&&str| read(Vendor::Kusto, &[(SourceKind::Table, name)], Node::always()).0.is_empty();
    let unknown: Vec<&&str> = tables.iter().filter(is_unknown).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
