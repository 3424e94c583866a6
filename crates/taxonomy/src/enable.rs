//! What turns an event on, as lines to paste: `data/enable.toml`.

use std::sync::OnceLock;

use ruleatlas_model::EventRef;
use serde::Deserialize;

use crate::{
    File, file,
    telemetry::{Audited, Outcome, audit_policy, auditd_calls, cloudtrail_data_type, sysmon_config},
};

pub(crate) const ENABLE: File<'static> = file!("enable.toml");

/// Lines that turn an event on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enabling {
    /// What is set, a sentence.
    pub title: &'static str,
    /// What the lines are written in, for readers (`cmd`, `XML`).
    pub syntax: &'static str,
    /// The lines.
    pub text: String,
    /// What somebody should know before; empty where there is nothing.
    pub note: String,
}

/// Where an event stands, as far as what turns it on depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placement<'a> {
    /// The channel that it is written to; empty where none is known.
    pub channel: &'a str,
    /// Its category; empty where none is known.
    pub category: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    enable: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    provider: String,
    #[serde(default)]
    events: Vec<String>,
    per: Option<Per>,
    title: String,
    syntax: String,
    text: String,
    #[serde(default)]
    note: String,
}

/// The table that ties an event to what turns it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Per {
    AuditPolicy,
    SysmonConfig,
    CloudtrailData,
    AuditdRules,
    Channel,
}

/// Names of a text, and what stands for them.
type Values = Vec<(&'static str, String)>;

fn table() -> &'static [Row] {
    static TABLE: OnceLock<Vec<Row>> = OnceLock::new();
    TABLE.get_or_init(|| toml::from_str::<Table>(ENABLE.text).map(|table| table.enable).unwrap_or_default())
}

/// The lines that turn an event on; none where the table has nothing for it.
///
/// Ids come from rules and from dictionaries: what is no plain word stands in no line that somebody may paste.
#[must_use]
pub fn enabling(event: &EventRef, placement: Placement<'_>) -> Vec<Enabling> {
    let of_provider = || table().iter().filter(|row| row.provider.eq_ignore_ascii_case(&event.provider));
    let is_own = |row: &&Row| row.per.is_some() || row.events.iter().any(|id| id.eq_ignore_ascii_case(&event.event_id));
    let lines = |row: &'static Row| row.lines(event, placement);
    let mut found: Vec<Enabling> = of_provider().filter(is_own).flat_map(lines).collect();
    if found.is_empty() {
        found = of_provider().filter(|row| row.per.is_none() && row.events.is_empty()).flat_map(lines).collect();
    }
    if found.is_empty() {
        found = table().iter().filter(|row| row.provider == "*").flat_map(lines).collect();
    }
    found
}

impl Row {
    fn lines(&'static self, event: &EventRef, placement: Placement<'_>) -> Vec<Enabling> {
        let ways: Vec<Values> = match self.per {
            None => vec![Vec::new()],
            Some(per) => per.values(event, placement),
        };
        let line = |mut values: Values| {
            values.extend(general(event, placement));
            let title = self.title.as_str();
            Some(Enabling {
                title,
                syntax: &self.syntax,
                text: filled(self.text.trim(), &values)?,
                note: filled(&self.note, &values)?,
            })
        };
        ways.into_iter().filter_map(line).collect()
    }
}

impl Per {
    /// What stands for the names of each way in which the table ties the event to something.
    fn values(self, event: &EventRef, placement: Placement<'_>) -> Vec<Values> {
        let id = event.event_id.as_str();
        match self {
            Self::AuditPolicy => {
                let outcomes = |row: &Audited| match row.outcome {
                    Outcome::Success => "/success:enable",
                    Outcome::Failure => "/failure:enable",
                    Outcome::Both => "/success:enable /failure:enable",
                };
                let of_it = audit_policy().iter().filter(|row| row.event_id == id);
                let values = |row: &Audited| {
                    let outcomes = outcomes(row).to_owned();
                    vec![
                        ("guid", row.guid.to_owned()),
                        ("subcategory", row.subcategory.to_owned()),
                        ("outcomes", outcomes),
                    ]
                };
                of_it.map(values).collect()
            }
            Self::SysmonConfig => {
                let of_it = sysmon_config().iter().filter(|row| !row.element.is_empty() && row.event_ids.contains(&id));
                of_it.map(|row| vec![("element", row.element.to_owned())]).collect()
            }
            Self::CloudtrailData => {
                let kind = cloudtrail_data_type(id);
                kind.map(|kind| vec![("resource_type", kind.to_owned())]).into_iter().collect()
            }
            Self::AuditdRules => {
                let calls = auditd_calls(id);
                let calls =
                    calls.map(|calls| calls.split(' ').map(|call| format!("-S {call}")).collect::<Vec<_>>().join(" "));
                calls.map(|calls| vec![("system_calls", calls)]).into_iter().collect()
            }
            Self::Channel => {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '/' | '.');
                let channel = placement.channel;
                // `Security` and the other classic logs are always on.
                let is_channel = channel.contains('/') && channel.len() < 200 && channel.chars().all(is_plain);
                is_channel.then(|| vec![("channel", channel.to_owned())]).into_iter().collect()
            }
        }
    }
}

/// A word that is safe wherever it is pasted.
fn plain(word: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/');
    (!word.is_empty() && word.len() < 200 && !word.starts_with('-') && word.chars().all(is_plain))
        .then(|| word.to_owned())
}

/// What stands for the names that every text may have.
fn general(event: &EventRef, placement: Placement<'_>) -> Values {
    let id = event.event_id.as_str();
    let mut values = Values::new();
    values.extend(plain(id).map(|id| ("id", id)));
    if let Some((verb, resource)) = id.split_once(' ') {
        values.extend(plain(verb).map(|verb| ("verb", verb)));
        values.extend(plain(resource).map(|resource| ("resource", resource)));
    }
    // `apps v1` is the group `apps`; the first resources of Kubernetes are of a group without a name.
    match placement.category.split_once(' ') {
        Some(("core", _)) => values.push(("group", String::new())),
        Some((group, _)) => values.extend(plain(group).map(|group| ("group", group))),
        None => {}
    }
    let es_event = id.strip_prefix("ES_EVENT_TYPE_NOTIFY_").map(str::to_ascii_lowercase);
    values.extend(es_event.as_deref().and_then(plain).map(|name| ("es_event", name)));
    values
}

/// A text with its names filled in; `None` where one of them stands for nothing here.
fn filled(text: &str, values: &Values) -> Option<String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        filled.push_str(before);
        let name = after.get(1..).and_then(|inside| inside.split_once('}'));
        match name {
            Some((name, behind)) if is_placeholder(name) => {
                filled.push_str(&values.iter().find(|(known, _)| *known == name)?.1);
                rest = behind;
            }
            _ => {
                filled.push('{');
                rest = after.get(1..).unwrap_or_default();
            }
        }
    }
    filled.push_str(rest);
    Some(filled)
}

/// Whether a text in braces is a name that is filled in: JSON has braces, too.
fn is_placeholder(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Taxonomy;

    fn of(provider: &str, id: &str, channel: &str, category: &str) -> Vec<Enabling> {
        let event = EventRef { provider: provider.to_owned(), event_id: id.to_owned() };
        enabling(&event, Placement { channel, category })
    }

    #[test]
    fn every_row_is_whole_and_names_what_is_known() {
        let table: Table = toml::from_str(ENABLE.text).expect("enable.toml");
        let known = [
            "id",
            "verb",
            "resource",
            "group",
            "es_event",
            "guid",
            "subcategory",
            "outcomes",
            "element",
            "resource_type",
            "system_calls",
            "channel",
        ];
        let all: Values = known.iter().map(|name| (*name, "x".to_owned())).collect();
        for row in &table.enable {
            assert!(row.title.ends_with('.') && !row.syntax.is_empty(), "{}", row.title);
            assert!(row.note.is_empty() || row.note.ends_with('.'), "{}", row.title);
            assert!(row.per.is_none() || row.events.is_empty(), "{}", row.title);
            assert!(filled(&row.text, &all).is_some() && filled(&row.note, &all).is_some(), "{}", row.title);
            let is_known = |known: &str| known.eq_ignore_ascii_case(&row.provider);
            let platforms = Taxonomy::builtin().platforms_of_provider(&row.provider);
            assert!(is_known("*") || !platforms.is_empty(), "{} is no provider of the tables", row.provider);
        }
    }

    #[test]
    fn an_event_is_turned_on_by_what_its_provider_asks_for() {
        let cases = [
            ("Security-Auditing", "4688", "", "", vec!["0CCE922B", "ProcessCreationIncludeCmdLine"]),
            ("Sysmon", "22", "Microsoft-Windows-Sysmon/Operational", "", vec!["<DnsQuery onmatch=\"exclude\"/>"]),
            ("CloudTrail", "AttachUserPolicy", "", "iam.amazonaws.com; write", vec!["[\"Management\"]"]),
            ("CloudTrail", "GetObject", "", "s3.amazonaws.com; read", vec!["AWS::S3::Object"]),
            ("Entra Sign-in", "NonInteractiveUserSignInLogs", "", "", vec!["NonInteractiveUserSignInLogs"]),
            ("auditd", "EXECVE", "", "", vec!["-F arch=b64 -S execve -S execveat -k EXECVE"]),
            ("Endpoint Security", "ES_EVENT_TYPE_NOTIFY_EXEC", "", "", vec!["eslogger exec"]),
            ("Kubernetes audit", "create pods/exec", "", "core v1", vec!["resources: [\"pods/exec\"]"]),
            ("Bits-Client", "59", "Microsoft-Windows-Bits-Client/Operational", "", vec!["wevtutil set-log"]),
            // A classic log is always on, and nothing is known that turns on an unknown one.
            ("Service Control Manager", "7045", "System", "", vec![]),
            ("Kubernetes audit", "create pods", "", "", vec![]),
            ("Somebody", "1", "", "", vec![]),
        ];
        for (provider, id, channel, category, parts) in cases {
            let found = of(provider, id, channel, category);
            assert_eq!(found.len(), parts.len(), "{provider} {id}: {found:?}");
            for (line, part) in found.iter().zip(parts) {
                assert!(line.text.contains(part), "{provider} {id}: {}", line.text);
                assert!(!line.text.contains(" {id}"), "{}", line.text);
            }
        }
    }

    #[test]
    fn a_line_to_paste_has_no_word_that_could_end_it() {
        for id in ["a\"; rm -rf ~", "$(id)", "a b", "-x", "é", ""] {
            for provider in ["GitHub", "Okta", "osquery", "Entra Sign-in"] {
                assert!(of(provider, id, "", "").is_empty(), "{provider} {id}");
            }
        }
        assert!(of("Kubernetes audit", "get \"]}", "", "core v1").is_empty());
        assert!(of("Lab", "1", "Lab/\" & calc", "").is_empty());
    }
}
