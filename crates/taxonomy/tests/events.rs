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

/// A vendor, what its rule reads, and the field that names the event.
type Reading<'a> = (Vendor, Vec<DataSource>, &'a str);

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
fn an_event_is_the_same_whoever_reads_it_by_whichever_name() {
    let of = |kind, name: &str| vec![DataSource::new(kind, name)];
    let table = |name| of(SourceKind::Table, name);
    let index = |name| of(SourceKind::Index, name);
    let source_type = |name| of(SourceKind::SourceType, name);
    let log_type = |name| of(SourceKind::LogType, name);
    let cases: [(&str, &str, &[Reading]); 8] = [
        (
            "CloudTrail",
            "AttachUserPolicy",
            &[
                (Vendor::Sigma, sigma("aws", "", "cloudtrail"), "eventName"),
                (Vendor::Elastic, index("logs-aws.cloudtrail-*"), "event.action"),
                (Vendor::Splunk, source_type("aws:cloudtrail"), "eventName"),
                (Vendor::Kusto, table("AWSCloudTrail"), "EventName"),
                (Vendor::Panther, log_type("AWS.CloudTrail"), "eventName"),
            ],
        ),
        (
            "Okta",
            "user.session.start",
            &[
                (Vendor::Sigma, sigma("okta", "", "okta"), "eventType"),
                (Vendor::Elastic, index("logs-okta.system-*"), "event.action"),
                (Vendor::Panther, log_type("Okta.SystemLog"), "eventType"),
                (Vendor::Splunk, source_type("OktaIM2:log"), "eventType"),
            ],
        ),
        (
            "GitHub",
            "repo.create",
            &[
                (Vendor::Sigma, sigma("github", "", "audit"), "action"),
                (Vendor::Elastic, index("logs-github.audit-*"), "event.action"),
                (Vendor::Panther, log_type("GitHub.Audit"), "action"),
            ],
        ),
        (
            "GCP Audit",
            "google.iam.admin.v1.CreateServiceAccount",
            &[
                (Vendor::Sigma, sigma("gcp", "", "gcp.audit"), "gcp.audit.method_name"),
                (Vendor::Elastic, index("logs-gcp.audit-*"), "event.action"),
                (Vendor::Splunk, source_type("google:gcp:pubsub:message"), "data.protoPayload.methodName"),
                (Vendor::Kusto, table("GCPAuditLogs"), "MethodName"),
                (Vendor::Panther, log_type("GCP.AuditLog"), "protoPayload.methodName"),
            ],
        ),
        (
            "Entra Audit",
            "Add member to role",
            &[
                (Vendor::Sigma, sigma("azure", "", "auditlogs"), "properties.message"),
                (Vendor::Elastic, index("logs-azure.auditlogs-*"), "event.action"),
                (Vendor::Kusto, table("AuditLogs"), "OperationName"),
                (Vendor::Splunk, source_type("azure:monitor:aad"), "operationName"),
                (Vendor::Panther, log_type("Azure.Audit"), "operationName"),
            ],
        ),
        (
            "Microsoft 365",
            "New-InboxRule",
            &[
                (Vendor::Sigma, sigma("m365", "", "audit"), "eventName"),
                (Vendor::Elastic, index("logs-o365.audit-*"), "event.action"),
                (Vendor::Splunk, source_type("o365:management:activity"), "Operation"),
                (Vendor::Kusto, table("OfficeActivity"), "Operation"),
                (Vendor::Kusto, table("CloudAppEvents"), "ActionType"),
                (Vendor::Panther, log_type("Microsoft365.Audit.Exchange"), "Operation"),
            ],
        ),
        (
            "Azure Activity",
            "Microsoft.Authorization/roleAssignments/write",
            &[
                (Vendor::Sigma, sigma("azure", "", "activitylogs"), "operationName"),
                (Vendor::Elastic, index("logs-azure.activitylogs-*"), "azure.activitylogs.operation_name"),
                (Vendor::Kusto, table("AzureActivity"), "OperationNameValue"),
                (Vendor::Panther, log_type("Azure.MonitorActivity"), "operationName"),
            ],
        ),
        ("Defender", "UserAccountCreated", &[(Vendor::Kusto, table("DeviceEvents"), "ActionType")]),
    ];
    for (provider, id, readers) in cases {
        for (vendor, sources, field) in readers {
            let found = events(*vendor, sources.clone(), eq(field, id));
            assert_eq!(found, format!("!{provider} {id}"), "{vendor}: {field} of {sources:?}");
        }
    }
}

#[test]
fn a_verb_and_a_resource_are_one_event_of_kubernetes() {
    let audit = |vendor, sources, fields: [&str; 3]| {
        let [verb, resource, part] = fields;
        events(vendor, sources, Node::all([eq(verb, "get"), eq(resource, "pods"), eq(part, "exec")]))
    };
    let falco = vec![DataSource::new(SourceKind::LogType, "falco:k8s_audit")];
    let elastic = vec![DataSource::new(SourceKind::Index, "logs-kubernetes.audit_logs-*")];
    for found in [
        audit(Vendor::Sigma, sigma("kubernetes", "", "audit"), ["verb", "objectRef.resource", "objectRef.subresource"]),
        audit(Vendor::Falco, falco, ["ka.verb", "ka.target.resource", "ka.target.subresource"]),
        audit(
            Vendor::Elastic,
            elastic,
            ["kubernetes.audit.verb", "kubernetes.audit.objectRef.resource", "kubernetes.audit.objectRef.subresource"],
        ),
    ] {
        assert_eq!(found, "!Kubernetes audit get pods/exec");
    }
    let of = |root| events(Vendor::Sigma, sigma("kubernetes", "", "audit"), root);
    let list = |field: &str, values: [&str; 2]| Node::from(Predicate::new(field, Op::In, values));
    assert_eq!(
        of(Node::all([list("verb", ["create", "patch"]), eq("objectRef.resource", "pods")])),
        "!Kubernetes audit create pods, !Kubernetes audit patch pods"
    );
    let part = || eq("objectRef.subresource", "exec");
    assert_eq!(
        of(Node::all([eq("verb", "get"), list("objectRef.resource", ["pods", "nodes"]), part()])),
        "!Kubernetes audit get pods, !Kubernetes audit get nodes",
        "a part of one of several resources"
    );
    // One of both alone names no event.
    assert_eq!(of(eq("verb", "create")), "");
    assert_eq!(of(eq("objectRef.resource", "pods")), "");
    // Long lists of both do not multiply without end.
    let many = |field: &str| Node::from(Predicate::new(field, Op::In, (0..1_000).map(|n| n.to_string())));
    assert_eq!(of(Node::all([many("verb"), many("objectRef.resource")])).split(", ").count(), 256);
}

#[test]
fn ids_that_are_excluded_or_out_of_range_leave_their_events_out() {
    let creation = || sigma("windows", "process_creation", "");
    let of = |root: Node| events(Vendor::Sigma, creation(), root);
    let id = |op, value: &str| Node::from(Predicate::new("EventID", op, [value]));
    assert_eq!(of(eq("EventID", "1").not()), "Security-Auditing 4688");
    assert_eq!(of(id(Op::Gte, "4000")), "Security-Auditing 4688");
    assert_eq!(of(id(Op::Lt, "100")), "Sysmon 1");
    // What may be either says nothing, and neither does what no event can be.
    for root in [id(Op::Gte, "1"), id(Op::Wildcard, "1"), id(Op::RegexMatch, "1"), id(Op::Gt, "9000")] {
        assert_eq!(of(root), "Sysmon 1, Security-Auditing 4688");
    }
}

#[test]
fn a_range_or_a_beginning_names_the_events_that_are_known_of_it() {
    let security = || sigma("windows", "", "security");
    let range = Node::all([
        Node::from(Predicate::new("EventID", Op::Gte, ["4722"])),
        Node::from(Predicate::new("EventID", Op::Lte, ["4724"])),
    ]);
    let expected = "!Security-Auditing 4722, !Security-Auditing 4723, !Security-Auditing 4724";
    assert_eq!(events(Vendor::Sigma, security(), range.clone()), expected);
    assert_eq!(
        events(Vendor::Sigma, security(), Node::all([range, eq("EventID", "4723").not()])),
        "!Security-Auditing 4722, !Security-Auditing 4724"
    );
    assert_eq!(events(Vendor::Sigma, security(), Predicate::new("EventID", Op::Gte, ["4722"]).into()), "");
    let table = || vec![DataSource::new(SourceKind::Table, "DeviceEvents")];
    let starts = |value: &str| Node::from(Predicate::new("ActionType", Op::StartsWith, [value]));
    assert_eq!(
        events(Vendor::Kusto, table(), starts("UserAccountRemoved")),
        "!Defender UserAccountRemovedFromLocalGroup"
    );
    assert_eq!(events(Vendor::Kusto, table(), starts("NoSuchAction")), "Defender DeviceEvents");
    assert_eq!(events(Vendor::Kusto, table(), starts("UserAccount").not()), "Defender DeviceEvents");
}

#[test]
fn the_fields_that_a_step_demands_decide_between_the_events_of_its_category() {
    let of = |category: &str, root: Node| events(Vendor::Sigma, sigma("windows", category, ""), root);
    // Only Sysmon knows what a program is called in its own header, and its parent's command line.
    assert_eq!(of("process_creation", eq("OriginalFileName", "probe.exe")), "Sysmon 1");
    assert_eq!(of("process_creation", eq("ParentCommandLine", "probe -x")), "Sysmon 1");
    assert_eq!(of("process_creation", eq("TokenElevationType", "%%1937")), "Security-Auditing 4688");
    let either = Node::any([eq("OriginalFileName", "probe.exe"), eq("Image", "C:\\lab\\probe.exe")]);
    assert_eq!(of("process_creation", either), "Sysmon 1, Security-Auditing 4688");
    let but = Node::all([eq("Image", "C:\\lab\\probe.exe"), eq("OriginalFileName", "probe.exe").not()]);
    assert_eq!(of("process_creation", but), "Sysmon 1, Security-Auditing 4688");
    // The registry's three events.
    assert_eq!(of("registry_event", eq("Details", "1")), "Sysmon 13");
    assert_eq!(of("registry_event", eq("NewName", "x")), "Sysmon 14");
    assert_eq!(of("registry_event", eq("EventType", "SetValue")), "Sysmon 13");
    let deleted = Node::from(Predicate::new("EventType", Op::StartsWith, ["Delete"]));
    assert_eq!(of("registry_event", deleted), "Sysmon 12");
    assert_eq!(of("registry_event", eq("EventType", "SetValue").not()), "Sysmon 12, Sysmon 14");
    assert_eq!(of("registry_event", eq("TargetObject", "HKLM\\x")), "Sysmon 12, Sysmon 13, Sysmon 14");
}

/// The log sources and events of an Elastic step, after what it filters has been read.
fn elastic(category: &str, indices: &[&str], root: Node) -> (Vec<String>, String) {
    let taxonomy = Taxonomy::builtin();
    let mut sources = vec![DataSource::new(SourceKind::EventCategory, category)];
    sources.extend(indices.iter().map(|name| DataSource::new(SourceKind::Index, *name)));
    let mut conditions = [Condition { sources, ..Condition::new(root) }];
    taxonomy.read_sources(Vendor::Elastic, &mut conditions);
    let links = taxonomy.events(Vendor::Elastic, &conditions);
    let shown: Vec<String> =
        links.iter().map(|link| format!("{} {}", link.event.provider, link.event.event_id)).collect();
    let sources = taxonomy.describe(&conditions).log_sources.iter().map(ToString::to_string).collect();
    (sources, shown.join(", "))
}

#[test]
fn the_fields_of_a_network_event_say_whether_it_is_a_look_up_or_a_connection() {
    let both = ["logs-endpoint.events.network-*", "logs-windows.sysmon_operational-*"];
    let lookup = "Elastic Defend network.lookup_requested, Elastic Defend network.lookup_result, Sysmon 22";
    let connection =
        "Elastic Defend network.connection_attempted, Elastic Defend network.connection_accepted, Sysmon 3";
    let asks = || eq("dns.question.name", "c2.example");
    let (sources, found) = elastic("network", &both, asks());
    assert_eq!((sources.contains(&"dns_query".to_owned()), found.as_str()), (true, lookup));
    for field in ["dns.resolved_ip", "dns.question.type", "dns.response_code"] {
        assert_eq!(elastic("network", &both, eq(field, "x")).1, lookup, "{field}");
    }
    for field in ["destination.ip", "destination.port", "source.port", "destination.address"] {
        let found = elastic("network", &both, eq(field, "5")).1;
        for event in connection.split(", ") {
            assert!(found.contains(event), "{field}: {found}");
        }
        assert!(!found.contains("lookup") && !found.contains("Sysmon 22"), "{field}: {found}");
    }
    let either = Node::any([asks(), eq("destination.port", "53")]);
    let found = elastic("network", &both, either).1;
    assert!(lookup.split(", ").chain(connection.split(", ")).all(|event| found.contains(event)), "{found}");
    // An exclusion demands nothing.
    let excluded = Node::all([eq("destination.ip", "192.0.2.1"), asks().not()]);
    let found = elastic("network", &both, excluded).1;
    assert!(found.contains("Sysmon 3") && !found.contains("Sysmon 22"), "{found}");
}

#[test]
fn a_field_of_renames_is_a_rename_and_what_is_set_is_no_deletion() {
    let file = ["logs-endpoint.events.file-*"];
    assert_eq!(elastic("file", &file, eq("file.Ext.original.path", "x")).1, "Elastic Defend file.rename");
    let either = Node::any([eq("file.Ext.original.path", "x"), eq("file.path", "y")]);
    assert!(elastic("file", &file, either).1.contains("file.creation"));
    let registry = ["logs-endpoint.events.registry-*"];
    assert_eq!(
        elastic("registry", &registry, eq("registry.data.strings", "x")).1,
        "Elastic Defend registry.modification"
    );
    assert_eq!(
        elastic("process", &["logs-endpoint.events.process-*"], eq("process.exit_code", "1")).1,
        "Elastic Defend process.end"
    );
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
