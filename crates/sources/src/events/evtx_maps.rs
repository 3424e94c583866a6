//! EvtxECmd's maps: one YAML file an event, with its fields and, in comments, an example.

use ruleatlas_model::{Dictionary::EvtxMaps, EventField};
use ruleatlas_yaml::Node;

use super::{Read, Row, event, text::one_line, told};
use crate::unique::unique_by;

pub(super) fn read(_: &str, text: &str, read: &mut Read) {
    let parsed = match ruleatlas_yaml::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => return read.fault(error),
    };
    let Some(root) = parsed.documents.first() else { return };
    let (Some(provider), Some(id)) = (root.text_of("Provider"), root.text_of("EventId")) else { return };
    let mut row = Row::blank(event(provider, id));
    row.title = root.text_of("Description").and_then(|text| told(&one_line(text), EvtxMaps));
    row.channel = root.text_of("Channel").and_then(|text| told(text, EvtxMaps));
    let maps = root.get("Maps").and_then(Node::items).unwrap_or_default();
    let values = maps.iter().flat_map(|map| map.get("Values").and_then(Node::items).unwrap_or_default());
    // /Event/EventData/Data[@Name="Hash"]
    let names = values.filter_map(|value| value.text_of("Value")?.split_once("@Name=\"")?.1.split('"').next());
    let fields = names.filter(|name| !name.is_empty()).map(|name| EventField {
        name: name.to_owned(),
        kind: None,
        description: None,
        sample: None,
        by: EvtxMaps,
    });
    row.fields = unique_by(fields, |field| field.name.clone());
    row.example = example(text).and_then(|example| told(&example, EvtxMaps));
    read.rows.push(row);
}

/// The event that a comment shows.
fn example(text: &str) -> Option<String> {
    let comments =
        text.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.strip_prefix(' ').unwrap_or(line));
    let from = comments.skip_while(|line| !line.trim_start().starts_with("<Event"));
    let mut lines: Vec<&str> = Vec::new();
    for line in from {
        lines.push(line);
        if line.contains("</Event>") {
            return Some(lines.join("\n"));
        }
    }
    None
}
