//! Log sources imply events; ids that a rule writes narrow or decide.

use ruleatlas_model::{Condition, DataSource, Node, Op, Predicate, SourceKind, Vendor};
use ruleatlas_taxonomy::Taxonomy;

fn sigma(product: &str, category: &str, service: &str) -> Vec<DataSource> {
    let named = [(SourceKind::Product, product), (SourceKind::Category, category), (SourceKind::Service, service)];
    named.into_iter().filter(|(_, name)| !name.is_empty()).map(|(kind, name)| DataSource::new(kind, name)).collect()
}

fn eq(field: &str, value: &str) -> Node {
    Predicate::new(field, Op::Eq, [value]).into()
}

/// The events of a step, `!` before those that the rule writes itself.
fn events(vendor: Vendor, sources: Vec<DataSource>, root: Node) -> String {
    let condition = Condition { sources, ..Condition::new(root) };
    let links = Taxonomy::builtin().events(vendor, &[condition]);
    let shown: Vec<String> = links
        .iter()
        .map(|link| format!("{}{} {}", if link.explicit { "!" } else { "" }, link.event.provider, link.event.event_id))
        .collect();
    shown.join(", ")
}

#[test]
fn log_sources_imply_events() {
    let cases = [
        ("windows", "process_creation", "", "Sysmon 1, Security-Auditing 4688"),
        ("linux", "process_creation", "", "Sysmon for Linux 1, auditd EXECVE"),
        ("windows", "ps_script", "", "PowerShell 4104"),
        ("windows", "ps_module", "", "PowerShell 4103"),
        ("windows", "ps_classic_start", "", "PowerShell 400"),
        ("windows", "registry_set", "", "Sysmon 13"),
        ("windows", "registry_event", "", "Sysmon 12, Sysmon 13, Sysmon 14"),
        ("windows", "create_remote_thread", "", "Sysmon 8"),
        ("windows", "pipe_created", "", "Sysmon 17, Sysmon 18"),
        ("windows", "dns_query", "", "Sysmon 22"),
        ("windows", "file_block_executable", "", "Sysmon 27"),
        ("windows", "file_block_shredding", "", "Sysmon 28"),
        ("windows", "", "security", ""),
        ("", "webserver", "", ""),
    ];
    for (product, category, service, expected) in cases {
        let found = events(Vendor::Sigma, sigma(product, category, service), Node::always());
        assert_eq!(found, expected, "{product}/{category}/{service}");
    }
}

#[test]
fn written_ids_decide() {
    let written = |sources, root| events(Vendor::Sigma, sources, root);
    let windows = |service: &str| sigma("windows", "", service);
    assert_eq!(written(windows("security"), eq("EventID", "4624")), "!Security-Auditing 4624");
    // The security log is cleared by another provider than the one that audits.
    assert_eq!(written(windows("security"), eq("EventID", "1102")), "!Eventlog 1102");
    assert_eq!(written(windows("system"), eq("EventID", "7045")), "!Service Control Manager 7045");
    // The channel has no provider that knows the id: the channel is named rather than nothing.
    assert_eq!(written(windows("system"), eq("EventID", "31337")), "!System 31337");
    assert_eq!(written(windows("sysmon"), eq("EventID", "8")), "!Sysmon 8");
    // An id narrows what the log source implies.
    let creation = || sigma("windows", "process_creation", "");
    assert_eq!(written(creation(), eq("EventID", "4688")), "!Security-Auditing 4688");
    // A provider beside the id decides between those that share it.
    let both = Node::all([eq("Provider_Name", "Microsoft-Windows-Kernel-General"), eq("EventID", "16")]);
    assert_eq!(written(windows("system"), both), "!Kernel-General 16");
    let list = Predicate::new("EventID", Op::In, ["4697", "4698"]).into();
    assert_eq!(written(windows("security"), list), "!Security-Auditing 4697, !Security-Auditing 4698");
}

#[test]
fn ids_that_are_words_count_without_case_and_from_every_field_that_holds_them() {
    let cases = [
        (sigma("linux", "", "auditd"), eq("type", "execve"), "!auditd EXECVE"),
        (sigma("azure", "", "auditlogs"), eq("properties.message", "Add user"), "!Entra Audit Add user"),
        (sigma("azure", "", "auditlogs"), eq("OperationName", "Add user"), "!Entra Audit Add user"),
        (sigma("m365", "", "audit"), eq("eventName", "New-InboxRule"), "!Microsoft 365 New-InboxRule"),
        (sigma("bitbucket", "", "audit"), eq("auditType.action", "User added"), "!Bitbucket User added"),
        (sigma("opencanary", "application", ""), eq("logtype", "4002"), "!OpenCanary 4002"),
        (
            sigma("windows", "", "microsoft-servicebus-client"),
            eq("EventID", "40300"),
            "!Microsoft-ServiceBus-Client 40300",
        ),
    ];
    for (sources, root, expected) in cases {
        assert_eq!(events(Vendor::Sigma, sources, root), expected);
    }
}

#[test]
fn excluded_ids_ranges_and_patterns_say_nothing() {
    let creation = || sigma("windows", "process_creation", "");
    let implied = "Sysmon 1, Security-Auditing 4688";
    assert_eq!(events(Vendor::Sigma, creation(), eq("EventID", "1").not()), implied);
    for op in [Op::Gte, Op::StartsWith, Op::Wildcard, Op::RegexMatch] {
        assert_eq!(events(Vendor::Sigma, creation(), Predicate::new("EventID", op, ["1"]).into()), implied);
    }
}

#[test]
fn the_same_event_of_two_steps_stands_once_and_as_written() {
    let implied = Condition { sources: sigma("windows", "process_creation", ""), ..Condition::new(Node::always()) };
    let written = Condition { sources: sigma("windows", "", "sysmon"), ..Condition::new(eq("EventID", "1")) };
    let links = Taxonomy::builtin().events(Vendor::Sigma, &[implied, written]);
    let shown: Vec<_> =
        links.iter().map(|link| (link.event.event_id.as_str(), link.explicit, link.why.as_str())).collect();
    assert_eq!(shown, [("1", true, "EventID eq 1"), ("4688", false, "log source process_creation")]);
}

#[test]
fn other_vendors_say_it_in_their_words() {
    let table = |name: &str| vec![DataSource::new(SourceKind::Table, name)];
    assert_eq!(events(Vendor::Kusto, table("SecurityEvent"), eq("EventID", "4625")), "!Security-Auditing 4625");
    assert_eq!(events(Vendor::Kusto, table("DeviceProcessEvents"), Node::always()), "Defender DeviceProcessEvents");
    let trail = vec![DataSource::new(SourceKind::LogType, "AWS.CloudTrail")];
    assert_eq!(events(Vendor::Panther, trail, eq("eventName", "ConsoleLogin")), "!CloudTrail ConsoleLogin");
}

#[test]
fn data_sources_say_platforms_and_domains() {
    let taxonomy = Taxonomy::builtin();
    let told = taxonomy.describe_sources(&sigma("Windows", "Process_Creation", ""));
    assert_eq!(
        (told.log_sources, told.platforms, told.domains),
        (vec!["process_creation"], vec!["windows"], vec!["endpoint"])
    );
    // A category that nobody knows is still of its product.
    let told = taxonomy.describe_sources(&sigma("linux", "no_such_category", ""));
    assert_eq!((told.log_sources, told.platforms), (vec!["linux"], vec!["linux"]));
    assert_eq!(taxonomy.describe_sources(&[]), ruleatlas_taxonomy::Telemetry::default());
}

#[test]
fn splunks_metadata_says_what_feeds_a_data_model_and_written_ids_go_before_it() {
    let of = |sources: &[(SourceKind, &str)], root: Node| {
        let sources = sources.iter().map(|(kind, name)| DataSource::new(*kind, *name)).collect();
        events(Vendor::Splunk, sources, root)
    };
    let processes = (SourceKind::DataModel, "Endpoint.Processes");
    let told = |name| (SourceKind::LogType, name);
    assert_eq!(of(&[processes], Node::always()), "");
    assert_eq!(
        of(&[processes, told("Sysmon EventID 1"), told("Windows Event Log Security 4688")], Node::always()),
        "Sysmon 1, Security-Auditing 4688"
    );
    assert_eq!(of(&[processes, told("Sysmon for Linux EventID 1")], Node::always()), "Sysmon for Linux 1");
    // The usual macro for Sysmon reads both logs; the one of Linux counts where nothing else is read.
    let sysmon = (SourceKind::Source, "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational");
    let linux = (SourceKind::Source, "Syslog:Linux-Sysmon/Operational");
    assert_eq!(of(&[sysmon, linux, told("Sysmon EventID 1")], eq("EventCode", "10")), "!Sysmon 10");
    assert_eq!(of(&[linux], eq("EventCode", "11")), "!Sysmon for Linux 11");
    let security = (SourceKind::EventType, "wineventlog_security");
    assert_eq!(of(&[security], eq("EventCode", "4720")), "!Security-Auditing 4720");
    let audit = (SourceKind::SourceType, "linux:audit");
    assert_eq!(of(&[audit], eq("type", "EXECVE")), "!auditd EXECVE");
}
