//! OSSEM's data dictionaries: one YAML file an event, and all ETW events as one JSON object a line.

use std::borrow::Cow;

use ruleatlas_model::{Dictionary::Ossem, EventField};
use ruleatlas_yaml::Node;
use serde::Deserialize;

use super::{Read, Row, event, text::one_line, told};

/// The file of all ETW events.
pub(super) const ALL: &str = "all-etw-events.jsonl";

/// Whether a file of one ETW event says nothing that [`ALL`] does not: neither a description nor an example.
pub(super) fn is_bare(path: &str, text: &str) -> bool {
    path.contains("etw-providers/")
        && !["description: ", "sample_value: ", "event_sample:"].iter().any(|key| text.contains(key))
}

type NameAndType<'a> = (Option<Cow<'a, str>>, Option<Cow<'a, str>>);

/// One event of `all-etw-events.jsonl`.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    p: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    v: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    desc: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    tags: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    fields: Vec<NameAndType<'a>>,
}

pub(super) fn read_lines(_: &str, text: &str, read: &mut Read) {
    // One after the other: rows are large, and lists of several threads would stand in memory twice.
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    read.rows.reserve_exact(lines.clone().count());
    let mut broken = 0_usize;
    for text in lines {
        match line(text) {
            Some(row) => read.rows.push(row),
            None => broken += 1,
        }
    }
    if broken > 0 {
        read.fault(format!("{broken} lines are no events of OSSEM"));
    }
}

fn line(line: &str) -> Option<Row> {
    let line: Line<'_> = serde_json::from_str(line).ok()?;
    let mut row = Row::blank(event(&line.p, &line.id));
    row.title = line.name.as_deref().and_then(human_title).and_then(|title| told(title, Ossem));
    row.description = line.desc.as_deref().and_then(|text| told(&one_line(text), Ossem));
    row.versions = line.v.iter().filter(|version| !version.is_empty()).map(ToString::to_string).collect();
    tags(&mut row, line.tags.iter().map(AsRef::as_ref));
    row.fields = line
        .fields
        .iter()
        .filter_map(|(name, kind)| {
            let kind = kind.as_deref().filter(|kind| !kind.is_empty()).map(str::to_owned);
            Some(EventField { name: name.as_deref()?.to_owned(), kind, description: None, sample: None, by: Ossem })
        })
        .collect();
    Some(row)
}

/// A title that a person gave: `Event 3008 - task_0` is none, `Event ID 12: RegistryEvent (…)` is.
fn human_title(name: &str) -> Option<&str> {
    if name.starts_with("Event ") && !name.starts_with("Event ID ") {
        return None;
    }
    let title = match name.strip_prefix("Event ID ") {
        Some(rest) => rest.split_once(':')?.1,
        None => name,
    };
    Some(title.trim()).filter(|title| !title.is_empty())
}

/// What the tags say of level, task, opcode, keywords and audit policy.
fn tags<'a>(row: &mut Row, tags: impl Iterator<Item = &'a str>) {
    let mut policy = Vec::new();
    for tag in tags {
        match tag.strip_prefix("etw_").and_then(|tag| tag.split_once('_')) {
            // A task, opcode or keyword without a name is called by its place.
            Some((_, value)) if value.starts_with("task_") || value.starts_with("keyword_") => {}
            Some(("level", value)) => row.level = told(value, Ossem),
            Some(("task", value)) => row.task = told(value, Ossem),
            Some(("opcode", value)) => row.opcode = told(value, Ossem),
            Some(("keywords", value)) => row.keywords.extend(told(value, Ossem)),
            Some(_) => {}
            None if !tag.starts_with("etw_") => policy.push(tag),
            None => {}
        }
    }
    // A category of audit policies and its subcategory.
    if policy.iter().any(|tag| tag.starts_with("Audit ")) {
        row.audit.extend(told(&policy.join(" > "), Ossem));
    }
}

pub(super) fn read_file(path: &str, text: &str, read: &mut Read) {
    let parsed = match ruleatlas_yaml::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => return read.fault(error),
    };
    let Some(root) = parsed.documents.first() else { return };
    let (Some(provider), Some(id)) = (root.text_of("log_source"), root.text_of("event_id")) else { return };
    // The same word stands for Sysmon of either system.
    let is_linux = root.text_of("platform").is_some_and(|platform| platform == "linux") || path.contains("linux/");
    let provider = if is_linux && provider.eq_ignore_ascii_case("sysmon") { "Linux-Sysmon" } else { provider };
    let mut row = Row::blank(event(provider, id));
    row.title = root.text_of("name").and_then(human_title).and_then(|title| told(&one_line(title), Ossem));
    row.description = root.text_of("description").and_then(|text| told(&one_line(text), Ossem));
    row.versions = root.text_of("event_version").map(str::to_owned).into_iter().collect();
    tags(&mut row, root.texts_of("tags").into_iter());
    let items = |key: &str| root.get(key).and_then(Node::items).unwrap_or_default();
    row.fields = items("event_fields").iter().filter_map(field).collect();
    let samples = items("event_sample");
    let is_structured = |sample: &&Node<'_>| matches!(sample.text_of("format"), Some("xml" | "json" | "JSON" | "XML"));
    let sample = samples.iter().find(is_structured).or(samples.first());
    row.example = sample.and_then(|sample| sample.text_of("sample")).and_then(|sample| told(sample, Ossem));
    read.rows.push(row);
}

fn field(node: &Node<'_>) -> Option<EventField> {
    let told = |key: &str| node.text_of(key).and_then(|text| told(&one_line(text), Ossem));
    Some(EventField {
        name: node.text_of("name")?.trim().to_owned(),
        kind: node.text_of("type").filter(|kind| *kind != "TBD").map(str::to_owned),
        description: told("description"),
        sample: told("sample_value"),
        by: Ossem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_what_a_person_gave() {
        let cases = [
            ("Event 3008 - task_0", None),
            ("Event 1100 - Windows Event Log service has shut down", None),
            ("Event ID 12: RegistryEvent (Object create and delete)", Some("RegistryEvent (Object create and delete)")),
            ("Event ID 12", None),
            ("DeviceLogonEvents", Some("DeviceLogonEvents")),
        ];
        for (name, title) in cases {
            assert_eq!(human_title(name), title, "{name}");
        }
    }

    #[test]
    fn a_line_is_an_event_with_typed_fields() {
        let text = r#"{"p":"Lab-Provider","id":"7","v":"1","name":"Event 7 - task_0","desc":null,
            "tags":["etw_level_Verbose","etw_task_task_0","etw_keywords_Disk"],"fields":[["Path","UnicodeString"]]}"#;
        let mut read = Read::default();
        read_lines("", &format!("{}\nnot json\n", text.replace('\n', "")), &mut read);
        let row = &read.rows[0];
        assert_eq!((&*row.event.provider, row.level.as_ref().unwrap().text.as_str()), ("Lab-Provider", "Verbose"));
        assert_eq!((row.task.is_none(), row.keywords.len(), row.versions.as_slice()), (true, 1, &["1".to_owned()][..]));
        assert_eq!((&*row.fields[0].name, row.fields[0].kind.as_deref()), ("Path", Some("UnicodeString")));
        assert_eq!(read.faults, ["1 lines are no events of OSSEM"]);
    }
}
