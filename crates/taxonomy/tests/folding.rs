//! Predicates fold to indicators as the predicate model says.

use proptest::prelude::*;
use ruleatlas_core::{RoledPredicate, roles};
use ruleatlas_evaluate::{Event, Verdict, evaluate};
use ruleatlas_model::{Condition, DataSource, Indicator, Modifiers, Node, Op, Predicate, SourceKind, Vendor};
use ruleatlas_taxonomy::Taxonomy;

const DEVICE_PROCESS: (SourceKind, &str) = (SourceKind::Table, "DeviceProcessEvents");
const DEVICE_FILE: (SourceKind, &str) = (SourceKind::Table, "DeviceFileEvents");
const PROCESSES: (SourceKind, &str) = (SourceKind::DataModel, "Endpoint.Processes");
const REGISTRY: (SourceKind, &str) = (SourceKind::DataModel, "Endpoint.Registry");

fn fold(vendor: Vendor, source: Option<(SourceKind, &str)>, node: Node) -> Vec<Indicator> {
    let mut condition = Condition::new(node);
    condition.sources = source.into_iter().map(|(kind, name)| DataSource::new(kind, name)).collect();
    let steps = [condition];
    let placed = roles(&steps);
    let taxonomy = Taxonomy::builtin();
    placed
        .iter()
        .flat_map(|placed: &RoledPredicate<'_>| taxonomy.fold(vendor, placed, &steps[0].sources))
        .map(|folded| folded.indicator)
        .collect()
}

/// `field op value`, each indicator a line.
fn shown(indicators: &[Indicator]) -> String {
    let lines: Vec<String> = indicators
        .iter()
        .map(|found| {
            let modifier = found.modifiers.text().map(|text| format!("|{text}")).unwrap_or_default();
            format!("{} {}{modifier} {}", found.field, found.op, found.value).trim_end().to_owned()
        })
        .collect();
    lines.join("; ")
}

fn predicate(field: &str, op: Op, values: &[&str]) -> Predicate {
    Predicate::new(field, op, values.iter().copied())
}

#[test]
fn spellings_of_one_check_become_one_indicator() {
    use Op::{CidrMatch, Contains, EndsWith, Eq, In, IsNotNull, IsNull, RegexMatch, StartsWith, Wildcard};
    use Vendor::{Elastic, Kusto, Panther, Sigma, Splunk};
    type Case<'a> = (Vendor, Option<(SourceKind, &'a str)>, &'a str, Op, &'a [&'a str], &'a str);
    let cases: &[Case<'_>] = &[
        // Case is folded by Unicode's rule.
        (Sigma, None, "CommandLine", In, &["ΣΑΣ", "σας"], "CommandLine eq σασ; CommandLine eq σασ"),
        (
            Sigma,
            None,
            "CommandLine",
            Contains,
            &["Straße", "STRASSE"],
            "CommandLine contains strasse; CommandLine contains strasse",
        ),
        // The last part of a path, pinned in any language's way.
        (Sigma, None, "Image", EndsWith, &["\\cmd.exe"], "Image basename cmd.exe"),
        (Sigma, None, "Image", EndsWith, &["/bash"], "Image basename bash"),
        (Elastic, None, "process.name", Eq, &["cmd.exe"], "Image basename cmd.exe"),
        (Splunk, Some(PROCESSES), "Processes.process_name", Eq, &["cmd.exe"], "Image basename cmd.exe"),
        (Kusto, Some(DEVICE_PROCESS), "FileName", In, &["CMD.EXE", "sh"], "Image basename cmd.exe; Image basename sh"),
        (Kusto, Some(DEVICE_FILE), "FileName", Eq, &["a.dll"], "TargetFilename basename a.dll"),
        (Kusto, Some(DEVICE_PROCESS), "InitiatingProcessFileName", Eq, &["w3wp.exe"], "ParentImage basename w3wp.exe"),
        (Kusto, Some(DEVICE_FILE), "InitiatingProcessFileName", Eq, &["w3wp.exe"], "Image basename w3wp.exe"),
        (Splunk, Some(REGISTRY), "Registry.registry_value_name", Eq, &["EnableLUA"], "TargetObject basename enablelua"),
        (Sigma, None, "TargetObject", EndsWith, &["\\EnableLUA"], "TargetObject basename enablelua"),
        // What does not pin just the last part stays what it is.
        (Sigma, None, "Image", EndsWith, &["cmd.exe"], "Image ends_with cmd.exe"),
        (Sigma, None, "Image", EndsWith, &["\\bin\\cmd.exe"], "Image ends_with \\bin\\cmd.exe"),
        (Sigma, None, "Image", EndsWith, &["\\\\cmd.exe"], "Image ends_with \\\\cmd.exe"),
        (Sigma, None, "Image", EndsWith, &["\\"], "Image ends_with \\"),
        (Sigma, None, "Image", Eq, &["C:\\Windows\\cmd.exe"], "Image eq c:\\windows\\cmd.exe"),
        (Sigma, None, "Image", Eq, &["cmd.exe"], "Image eq cmd.exe"),
        (Sigma, None, "Image", Contains, &["\\cmd.exe"], "Image contains \\cmd.exe"),
        (Sigma, None, "Image", Wildcard, &["*\\cmd?.exe"], "Image wildcard *\\cmd?.exe"),
        (Sigma, None, "CommandLine", EndsWith, &["\\cmd.exe"], "CommandLine ends_with \\cmd.exe"),
        // A name is not its path, except where it ends.
        (Elastic, None, "process.name", StartsWith, &["python"], "Image basename_starts_with python"),
        (Elastic, None, "process.name", Contains, &["sql"], "Image basename_contains sql"),
        (Elastic, None, "process.name", Wildcard, &["py*w.exe"], "Image basename_wildcard py*w.exe"),
        (Elastic, None, "process.name", RegexMatch, &["py.*"], "Image basename_regex_match py.*"),
        (Elastic, None, "process.name", EndsWith, &[".scr"], "Image ends_with .scr"),
        (Elastic, None, "process.name", IsNotNull, &[], "Image is_not_null"),
        // Lists, case, numbers, presence.
        (Sigma, None, "CommandLine", In, &["A", "ÉÀ"], "CommandLine eq a; CommandLine eq éà"),
        (Sigma, None, "commandline", Contains, &[" -Enc "], "CommandLine contains  -enc"),
        (Sigma, None, "EventID", Eq, &["4688"], "EventID eq 4688"),
        (Elastic, None, "event.code", Eq, &["4688"], "EventID eq 4688"),
        (Sigma, None, "GrantedAccess", Eq, &["0x1FFFFF"], "GrantedAccess eq 0x1fffff"),
        (Sigma, None, "ParentImage", IsNull, &[], "ParentImage is_null"),
        (Sigma, None, "DestinationIp", CidrMatch, &["10.0.0.0/8"], "dest_ip cidr_match 10.0.0.0/8"),
        // Unknown fields keep their name, compared without case; a keyword is a field of its own.
        (Sigma, None, "NoSuchField", Eq, &["X"], "nosuchfield eq x"),
        (Sigma, None, "", Op::Match, &["Mimikatz"], "keyword match mimikatz"),
        (
            Panther,
            Some((SourceKind::LogType, "AWS.CloudTrail")),
            "eventName",
            Eq,
            &["GetObject"],
            "eventName eq getobject",
        ),
        // Splunk's names carry a dataset of the data model, and `{}` for the members of a list.
        (
            Splunk,
            Some((SourceKind::DataModel, "Network_Traffic")),
            "All_Traffic.dest_port",
            Eq,
            &["445"],
            "dest_port eq 445",
        ),
        (Splunk, Some((SourceKind::DataModel, "Network_Resolution")), "DNS.query", Eq, &["a.b"], "QueryName eq a.b"),
        (
            Splunk,
            Some((SourceKind::Index, "net")),
            "All_Traffic.dest_port",
            Eq,
            &["445"],
            "all_traffic.dest_port eq 445",
        ),
        (
            Splunk,
            Some((SourceKind::SourceType, "azure:monitor:aad")),
            "properties.targetResources{}.modifiedProperties{}.newValue",
            Eq,
            &["x"],
            "TargetResources.modifiedProperties.newValue eq x",
        ),
        (Kusto, Some((SourceKind::Table, "AWSCloudTrail")), "EventName", Eq, &["GetObject"], "eventName eq getobject"),
    ];
    for (vendor, source, field, op, values, expected) in cases {
        let found = shown(&fold(*vendor, *source, predicate(field, *op, values).into()));
        assert_eq!(found, *expected, "{vendor} {field} {op} {values:?}");
    }
}

#[test]
fn an_operators_own_negation_is_not_counted() {
    let negated = Predicate { negated: true, ..predicate("Image", Op::In, &["a", "b"]) };
    assert_eq!(shown(&fold(Vendor::Sigma, None, negated.into())), "Image eq a; Image eq b");
}

#[test]
fn a_negated_null_check_counts_as_its_opposite() {
    let node = Node::from(predicate("Image", Op::IsNull, &[])).not();
    assert_eq!(shown(&fold(Vendor::Sigma, None, node)), "Image is_not_null");
}

#[test]
fn a_modifier_belongs_to_the_indicator_and_keeps_the_value_whole() {
    let with = |op, value: &str, modifier: &str| {
        let predicate = Predicate { modifiers: modifier.parse().unwrap(), ..predicate("Image", op, &[value]) };
        shown(&fold(Vendor::Sigma, None, predicate.into()))
    };
    assert_eq!(with(Op::Contains, "IEX", "base64offset"), "Image contains|base64offset iex");
    assert_eq!(with(Op::EndsWith, "\\cmd.exe", "utf16le|base64"), "Image ends_with|utf16le|base64 \\cmd.exe");
}

#[test]
fn what_is_computed_or_cut_out_is_no_field_of_the_event() {
    let computed = Predicate { computed: true, ..predicate("Image", Op::Gt, &["5"]) };
    assert_eq!(shown(&fold(Vendor::Sigma, None, computed.into())), "image gt 5");
    let cut = Predicate { derived_from: Some("Message".to_owned()), ..predicate("Image", Op::Eq, &["x"]) };
    assert_eq!(shown(&fold(Vendor::Sigma, None, cut.into())), "image eq x");
}

/// Whether an indicator holds for a path, asked of the evaluator.
fn holds(indicator: &Indicator, path: &str) -> bool {
    let name = path.rsplit(['\\', '/']).next().unwrap_or(path);
    let value = if indicator.op.basename { name } else { path };
    let node = Node::from(Predicate::new("value", indicator.op.op, [indicator.value.as_str()]));
    evaluate(&node, &Event::new(&serde_json::json!({ "value": value }))) == Verdict::Holds
}

fn op() -> impl Strategy<Value = Op> {
    use Op::{Contains, EndsWith, Eq, In, IsNotNull, IsNull, Match, StartsWith, Wildcard};
    proptest::sample::select(vec![Eq, In, Contains, StartsWith, EndsWith, Wildcard, Match, IsNull, IsNotNull])
}

proptest! {
    #[test]
    fn folding_changes_no_answer_about_a_path(
        op in op(),
        values in prop::collection::vec(r"\\?[abAB.É\\]{0,4}", 1..4),
        folders in prop::collection::vec("[abAB.É]{1,2}", 0..3),
        name in "[abAB.É]{0,3}",
        tail in 0..8_usize,
    ) {
        let path = format!("C:\\{}", folders.into_iter().chain([name]).collect::<Vec<_>>().join("\\"));
        // Most random values miss; one is what the path ends with, so that answers of both kinds are compared.
        let end: String = path.chars().rev().take(tail).collect::<Vec<_>>().into_iter().rev().collect();
        let values = values.into_iter().chain([end]);
        let values = if op.is_presence() { Vec::new() } else { values.collect::<Vec<_>>() };
        let predicate = Predicate::new("Image", op, values);
        let event = serde_json::json!({ "Image": path });
        let expected = evaluate(&predicate.clone().into(), &Event::new(&event)) == Verdict::Holds;
        let found = fold(Vendor::Sigma, None, predicate.into()).iter().any(|indicator| holds(indicator, &path));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn folding_changes_no_answer_about_a_name(
        op in op(),
        values in prop::collection::vec("[abAB.É*?]{0,3}", 1..4),
        name in "[abAB.É]{1,4}",
    ) {
        let path = format!("C:\\ab\\{name}");
        let values = if op.is_presence() { Vec::new() } else { values };
        let predicate = Predicate::new("process.name", op, values);
        let event = serde_json::json!({ "process": { "name": name } });
        let expected = evaluate(&predicate.clone().into(), &Event::new(&event)) == Verdict::Holds;
        let found = fold(Vendor::Elastic, None, predicate.into()).iter().any(|indicator| holds(indicator, &path));
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn what_someone_types_is_folded_as_rules_are() {
    let cases = [
        ("Image", "ends_with", r"\rundll32.exe", r"Image basename rundll32.exe"),
        ("Image", "endswith", r"\Rundll32.EXE", r"Image basename rundll32.exe"),
        ("process.name", "eq", "rundll32.exe", "Image basename rundll32.exe"),
        ("process.name", "==", "rundll32.exe", "Image basename rundll32.exe"),
        ("PROCESS.NAME", "IN", "rundll32.exe", "Image basename rundll32.exe"),
        ("process.name", "starts_with", "run", "Image basename_starts_with run"),
        ("process.executable", "eq", r"C:\a.exe", r"Image eq c:\a.exe"),
        ("process.parent.name", "ne", "cmd.exe", "ParentImage basename cmd.exe"),
        ("Image", "basename", "rundll32.exe", "Image basename rundll32.exe"),
        ("process.name", "basename", "rundll32.exe", "Image basename rundll32.exe"),
        ("Image", "wildcard", r"*\rundll32.exe", "Image basename rundll32.exe"),
        ("CommandLine", "wildcard", "*urlcache*", "CommandLine contains urlcache"),
        ("NoSuchField", "eq", "A", "nosuchfield eq a"),
        ("Processes.process_name", "eq", "rundll32.exe", "Image basename rundll32.exe"),
        ("All_Traffic.dest_port", "eq", "445", "dest_port eq 445"),
        ("Processes.nosuchfield", "eq", "A", "processes.nosuchfield eq a"),
        ("process.command_line", "is_not_null", "ignored", "CommandLine is_not_null"),
    ];
    for (field, op, value, expected) in cases {
        let found = Taxonomy::builtin().fold_typed(field, op.parse().unwrap(), value, &Modifiers::NONE);
        let first = found.first().map(|it| format!("{} {} {}", it.field, it.op, it.value)).unwrap_or_default();
        assert_eq!(first.trim_end(), expected, "{field} {op} {value}");
    }
    // A star may be one that a rule has in its value, or a wildcard.
    let found = Taxonomy::builtin().fold_typed("Image", "eq".parse().unwrap(), r"*\a.exe", &Modifiers::NONE);
    let shown: Vec<String> = found.iter().map(|it| format!("{} {}", it.op, it.value)).collect();
    assert_eq!(shown, [r"eq *\a.exe", "basename a.exe"]);
}
