//! Rules of Panther's Python SDKs: one module, of which a class or a call is the rule.

use ruleatlas_core::BUDGET;
use ruleatlas_model::{DataSource, Diagnostic, Kind, Language, Rule, Severity, SourceKind, Status, Vendor};
use ruleatlas_panther::{SdkModule, SdkRule, sdk_rules};
use ruleatlas_yaml::Node;

use super::is_attack_report;
use crate::{Draft, RawTag, attack::TagPlace, metadata};

/// The attributes that the fields of [`Rule`] hold; all others are kept by their own names. Tests are events and what is
/// expected of them, which are computed.
const KNOWN: [&str; 22] = [
    "id",
    "rule_id",
    "policy_id",
    "display_name",
    "name",
    "description",
    "default_description",
    "severity",
    "default_severity",
    "tags",
    "reference",
    "default_reference",
    "log_types",
    "resource_types",
    "status",
    "tests",
    "unit_tests",
    "filters",
    "include_filters",
    "exclude_filters",
    "rule",
    "func",
];

/// Hands over the rules of a module; how many there are.
pub(super) fn read(path: &str, text: &str, sink: &mut dyn FnMut(Draft<'_>)) -> usize {
    let SdkModule { rules, left_out } = sdk_rules(text);
    let count = rules.len();
    for (at, rule) in (1..).zip(rules) {
        let is_last = at == count;
        draft(path, rule, if is_last { left_out } else { 0 }, sink);
    }
    count + left_out
}

/// `left_out` is how many rules behind this one are not read.
fn draft(path: &str, own: SdkRule, left_out: usize, sink: &mut dyn FnMut(Draft<'_>)) {
    let attributes = &own.attributes;
    let first = |keys: &[&str]| keys.iter().find_map(|key| attributes.text_of(key)).unwrap_or_default().trim();
    let mut rule = Rule::blank(Vendor::Panther, Language::Python, path);
    rule.line = own.line;
    rule.kind = if own.is_policy { Kind::Policy } else { Kind::Rule };
    rule.query = own.query;
    if left_out > 0 {
        let message = format!(
            "the module holds {left_out} more rules, which are not read: {} of one module are, and {} MiB with what they \
             share; split it",
            SdkModule::MAX_RULES,
            SdkModule::MAX_BYTES >> 20
        );
        rule.diagnostics.push(Diagnostic::error(BUDGET, message).on_line(rule.line));
    }
    let id = first(&["id", "rule_id", "policy_id"]);
    rule.id = match id {
        "" => {
            let message = "the rule's id is computed; its path and class stand for it";
            rule.diagnostics.push(Diagnostic::warning("no id", message).on_line(rule.line));
            format!("{}/{path}#{}", Vendor::Panther, own.name)
        }
        id => format!("{}/{id}", Vendor::Panther),
    };
    rule.title = match first(&["display_name", "name"]) {
        "" if id.is_empty() => own.name,
        "" => id.to_owned(),
        title => title.to_owned(),
    };
    first(&["default_description", "description"]).clone_into(&mut rule.description);
    rule.references =
        ["default_reference", "reference"].iter().flat_map(|key| metadata::texts(attributes, key)).collect();
    rule.tags = metadata::texts(attributes, "tags");
    severity(attributes, &mut rule);
    rule.status = status(attributes, path, &rule.title);
    rule.extra = metadata::rest(attributes, &KNOWN);
    let reports = attributes.get("reports").and_then(Node::entries).unwrap_or_default();
    let reported = reports
        .iter()
        .filter(|(name, _)| name.text().is_some_and(is_attack_report))
        .flat_map(|(_, list)| metadata::attack_tags(list, TagPlace::Attack));
    let tagged = attributes.get("tags").map(|tags| metadata::attack_tags(tags, TagPlace::Any));
    let tags: Vec<RawTag> = reported.chain(tagged.into_iter().flatten()).collect();
    let sources = ["log_types", "resource_types"]
        .into_iter()
        .flat_map(|key| metadata::texts(attributes, key))
        .map(|name| DataSource::new(SourceKind::LogType, log_type(&name)))
        .collect();
    sink(Draft { rule, tags, tree: None, sources });
}

/// `Severity.HIGH`, `"High"` and `detection.SeverityHigh` are one.
fn severity(attributes: &Node<'_>, rule: &mut Rule) {
    let node =
        ["default_severity", "severity"].iter().find_map(|key| attributes.get(key)).filter(|node| !node.is_null());
    let Some(node) = node else { return };
    let word = node.text().unwrap_or_default().trim().to_lowercase();
    let word = word.strip_prefix("severity").unwrap_or(&word);
    match if word == "info" { Ok(Severity::Informational) } else { word.parse() } {
        Ok(severity) => rule.severity = Some(severity),
        Err(message) => {
            let message = format!("`severity`: {message}");
            rule.diagnostics.push(Diagnostic::warning("unknown word", message).on_line(node.line));
        }
    }
}

fn status(attributes: &Node<'_>, path: &str, title: &str) -> Option<Status> {
    let head = title.trim_start_matches(['-', ' ', '[', '(']).to_lowercase();
    if head.starts_with("deprecated") || path.split('/').any(|folder| folder == "deprecated") {
        return Some(Status::Deprecated);
    }
    attributes.text_of("status").and_then(|status| status.trim().to_lowercase().parse().ok())
}

/// The name of a log type: members of the SDK's enumeration are written `AWS_CLOUDTRAIL` for `AWS.CloudTrail`. Names
/// compare without case.
fn log_type(name: &str) -> String {
    let is_member = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    match name.split_once('_').filter(|_| is_member) {
        Some((vendor, kind)) => format!("{vendor}.{}", kind.replace('_', "")),
        None => name.to_owned(),
    }
}
