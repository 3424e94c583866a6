//! Elastic's rules in the catalog: what filters, index patterns and categories make of them.

use proptest::prelude::*;
use ruleatlas_catalog::{Catalog, Entry, Loaded, build};
use ruleatlas_model::{Op, ParseStatus, Role, Vendor};
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec};

#[allow(clippy::expect_used)]
fn catalog(files: &[(&str, &str)]) -> Catalog {
    let files = files.iter().map(|(path, text)| SourceFile::from_bytes(*path, text.as_bytes().to_vec())).collect();
    let loaded = Loaded { spec: SourceSpec::new(SourceKind::Rules(Vendor::Elastic), "none"), files };
    build(vec![loaded], &|_, _, _, _| {}).expect("a source that was read is built")
}

/// The rule of a query over index patterns, with lines of `[rule]` besides.
fn entry(language: &str, query: &str, index: &[&str], more: &str) -> Entry {
    let text = format!(
        "[rule]\nrule_id = \"x\"\nname = \"n\"\nlanguage = \"{language}\"\nindex = {index:?}\nquery = '''{query}'''\n{more}\n"
    );
    let mut catalog = catalog(&[("rules/x.toml", &text)]);
    assert_eq!(catalog.entries.len(), 1);
    catalog.entries.remove(0)
}

/// The events, `!` before those that the rule writes itself.
fn events(entry: &Entry) -> String {
    let shown =
        entry.rule.events.iter().map(|link| {
            format!("{}{} {}", if link.explicit { "!" } else { "" }, link.event.provider, link.event.event_id)
        });
    shown.collect::<Vec<_>>().join(", ")
}

#[test]
fn index_pattern_category_and_type_say_which_events() {
    let process = "process where host.os.type == \"windows\" and event.type == \"start\" and process.name : \"a.exe\"";
    for (language, query, index, log_sources, expected) in [
        ("eql", process, &["logs-windows.sysmon_operational-*"][..], "process_creation", "Sysmon 1"),
        ("eql", process, &["logs-system.security*"], "process_creation", "Security-Auditing 4688"),
        ("eql", process, &["logs-endpoint.events.process-*"], "process_creation", "Elastic Defend process.start"),
        ("eql", process, &["winlogbeat-*"], "process_creation", "Sysmon 1, Security-Auditing 4688"),
        ("eql", process, &["logs-m365_defender.event-*"], "process_creation", "Defender DeviceProcessEvents"),
        ("eql", process, &["logs-crowdstrike.fdr*"], "process_creation", "CrowdStrike Falcon ProcessRollup2"),
        ("eql", process, &["endgame-*"], "process_creation", ""),
        ("eql", process, &["filebeat-*"], "process_creation", ""),
        (
            "kuery",
            "event.category:process and event.type:(start or process_started)",
            &["logs-endpoint.events.*"],
            "process_creation",
            "Elastic Defend process.start",
        ),
        (
            "eql",
            "process where event.type == \"end\"",
            &["logs-windows.sysmon_operational-*", "logs-endpoint.events.process-*"],
            "process_termination",
            "Elastic Defend process.end, Sysmon 5",
        ),
        (
            "eql",
            "process where event.type == \"change\" and event.action == \"uid_change\"",
            &["logs-endpoint.events.process*"],
            "process_change",
            "Elastic Defend process.uid_change",
        ),
        ("eql", "file where event.type == \"deletion\"", &["winlogbeat-*"], "file_delete", "Sysmon 23, Sysmon 26"),
        (
            "eql",
            "file where event.action : (\"creation\", \"file_create_event\")",
            &["logs-endpoint.events.file*"],
            "file_event",
            "Elastic Defend file.creation",
        ),
        (
            "eql",
            "registry where event.type == \"change\"",
            &["logs-windows.sysmon_operational-*"],
            "registry_set",
            "Sysmon 13",
        ),
        (
            "eql",
            "dns where true",
            &["logs-endpoint.events.network-*"],
            "dns_query",
            "Elastic Defend network.lookup_requested",
        ),
        ("eql", "library where true", &["logs-windows.sysmon_operational-*"], "image_load", "Sysmon 7"),
        (
            "kuery",
            "event.category:process and event.code:\"10\"",
            &["winlogbeat-*", "logs-windows.sysmon_operational-*"],
            "sysmon",
            "!Sysmon 10",
        ),
        (
            "kuery",
            "event.code:(4624 or 4625)",
            &["logs-system.security*", "winlogbeat-*"],
            "security",
            "!Security-Auditing 4624, !Security-Auditing 4625",
        ),
        (
            "kuery",
            "event.action:scheduled-task-created",
            &["logs-system.security*"],
            "security",
            "Security-Auditing 4698",
        ),
        (
            "kuery",
            "event.category:process and powershell.file.script_block_text:x",
            &["logs-windows.powershell*", "winlogbeat-*"],
            "ps_script",
            "PowerShell 4104",
        ),
        (
            "kuery",
            "event.provider:iam.amazonaws.com and event.action:CreateUser",
            &["filebeat-*", "logs-aws.cloudtrail-*"],
            "cloudtrail",
            "!CloudTrail CreateUser",
        ),
        (
            "esql",
            "from logs-endpoint.events.file-* | where event.action == \"rename\"",
            &[],
            "file_rename",
            "Elastic Defend file.rename",
        ),
    ] {
        let entry = entry(language, query, index, "");
        assert_eq!(
            (entry.rule.log_sources.join(" ").as_str(), events(&entry).as_str()),
            (log_sources, expected),
            "{query} in {index:?}"
        );
    }
}

#[test]
fn excluded_categories_and_types_say_nothing() {
    let entry =
        entry("kuery", "event.action:x and not event.category:process", &["logs-endpoint.events.process-*"], "");
    assert_eq!(events(&entry), "Elastic Defend process.start");
    let entry = self::entry("kuery", "a:b and not event.category:file", &["logs-*"], "");
    assert_eq!(entry.rule.log_sources, [""; 0]);
}

#[test]
fn platforms_come_from_tags_queries_and_logs() {
    let tagged = entry("eql", "any where true", &["logs-endpoint.events.*"], "tags = [\"OS: Linux\", \"OS: macOS\"]");
    assert_eq!(tagged.rule.platforms, ["linux", "macos"]);
    let written = entry("kuery", "host.os.type:windows and a:b", &["logs-endpoint.events.*"], "");
    assert_eq!(written.rule.platforms, ["windows"]);
    let known = entry("kuery", "a:b", &["logs-okta*"], "");
    assert_eq!(
        (known.rule.platforms.as_slice(), known.rule.domains.as_slice()),
        (&["okta".to_owned()][..], &["identity".to_owned(), "saas".to_owned()][..])
    );
}

#[test]
fn filters_are_conjuncts_of_every_step() {
    let filter = "filters = [{meta = {negate = true}, query = {term = {\"process.executable\" = 'C:\\b.exe'}}}]";
    let query = "sequence by host.id [process where process.name == \"a.exe\"] [file where true]";
    let entry = entry("eql", query, &["logs-endpoint.events.*"], filter);
    assert_eq!(entry.rule.parse, ParseStatus::Full);
    let shown: Vec<_> = entry
        .predicates
        .iter()
        .map(|row| (row.step, row.role, row.field.as_str(), row.op, row.span.start as usize == query.len()))
        .collect();
    assert_eq!(
        shown,
        [
            (0, Role::Indicator, "Image", Op::Eq, false),
            (0, Role::Exclusion, "Image", Op::Eq, true),
            (1, Role::Exclusion, "Image", Op::Eq, true),
        ]
    );
    let opaque = self::entry("kuery", "a:b", &[], "filters = [{query = {script = {source = 'x'}}}]");
    assert_eq!(opaque.rule.parse, ParseStatus::Partial);
}

#[test]
fn names_are_read_where_they_are_written() {
    for (query, index, field, op, value) in [
        ("process.name:cmd.exe", "logs-endpoint.events.process-*", "Image", "basename", "cmd.exe"),
        ("process.parent.executable:*\\\\cmd.exe", "winlogbeat-*", "ParentImage", "basename", "cmd.exe"),
        ("event.action:ConsoleLogin", "logs-aws.cloudtrail-*", "eventName", "eq", "consolelogin"),
        ("event.action:logged-in", "logs-system.security*", "event.action", "eq", "logged-in"),
        ("event.provider:Exchange", "logs-o365.audit-*", "Workload", "eq", "exchange"),
        ("winlog.event_data.TargetImage:*\\\\lsass.exe", "winlogbeat-*", "TargetImage", "basename", "lsass.exe"),
        (
            "kubernetes.audit.objectRef.resource:pods",
            "logs-kubernetes.audit_logs-*",
            "objectRef.resource",
            "eq",
            "pods",
        ),
        (
            "azure.platformlogs.properties.log.objectRef.resource:pods",
            "logs-azure.platformlogs-*",
            "objectRef.resource",
            "eq",
            "pods",
        ),
        (
            "process.code_signature.subject_name:A",
            "logs-endpoint.events.library-*",
            "process.code_signature.subject_name",
            "eq",
            "a",
        ),
        ("dll.code_signature.subject_name:A", "logs-endpoint.events.library-*", "Signature", "eq", "a"),
        ("dns.question.name:a.example", "packetbeat-*", "QueryName", "eq", "a.example"),
    ] {
        let entry = entry("kuery", query, &[index], "");
        let indicator = &entry.indicators[0].indicator;
        assert_eq!(
            (
                indicator.field.as_str(),
                indicator.op.to_string().as_str(),
                indicator.value.as_str(),
                entry.predicates[0].mapped
            ),
            (field, op, value, true),
            "{query}"
        );
    }
}

#[test]
fn a_diagnostic_stands_on_its_line_of_the_file() {
    let entry = entry("kuery", "\na:b and\n  (c:d", &[], "");
    let line = entry.rule.diagnostics.first().and_then(|diagnostic| diagnostic.line);
    assert!(matches!(line, Some(8)), "{:?}", entry.rule.diagnostics);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn no_text_is_too_odd(text in "\\PC{0,80}", at in 0_usize..400) {
        let whole = "[metadata]\nmaturity = \"production\"\n[rule]\nname = \"n\"\nlanguage = \"kuery\"\nquery = '''\na:b\n'''\n[[rule.filters]]\n[rule.filters.query.bool]\nmust = [{term = {f = 1}}]\n[hunt]\nquery = ['''\nfrom a | where b == 1\n''']\n";
        let at = at.min(whole.len());
        let mutated = format!("{}{text}{}", &whole[..at], &whole[at..]);
        let all = catalog(&[("a.toml", &text), ("b.toml", &mutated)]);
        prop_assert_eq!(all.files.len(), 2);
    }
}
