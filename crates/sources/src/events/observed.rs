//! Events seen in real logs: one JSON object an event with its channel, fields and a message as an example.

use std::collections::BTreeMap;

use ruleatlas_model::{
    Dictionary::{EvtxObserved, OtrfObserved},
    EventField,
};
use serde::Deserialize;

use super::{
    Read, Row, event,
    text::{cut, one_line},
    told,
};

/// Bytes of an example message.
const EXAMPLE: usize = 1_500;

#[derive(Deserialize)]
struct Line {
    provider: Option<String>,
    channel: Option<String>,
    event_id: Option<String>,
    #[serde(default)]
    versions: BTreeMap<String, u64>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    first_line_templates: Vec<String>,
    #[serde(default)]
    message_example: Option<String>,
}

pub(super) fn read(path: &str, text: &str, read: &mut Read) {
    let by = if path.contains("otrf") { OtrfObserved } else { EvtxObserved };
    let mut broken = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            broken += 1;
            continue;
        };
        let (Some(provider), Some(id)) = (&line.provider, &line.event_id) else { continue };
        let mut row = Row::blank(event(provider, id));
        row.channel = line.channel.as_deref().and_then(|channel| told(channel, by));
        // What varies from event to event is written `<…>` or is cut off; one line that always reads the same is a title.
        let title = match line.first_line_templates.as_slice() {
            [only] if !only.contains(['<', '{', '\'', '"']) => told(&one_line(only), by),
            _ => None,
        };
        row.title = title.filter(|title| title.text.contains(' ') && title.text.len() < 160);
        row.versions = line.versions.keys().filter(|version| *version != "None").cloned().collect();
        row.example = line.message_example.as_deref().map(|text| cut(text, EXAMPLE)).and_then(|text| told(text, by));
        let fields = line.fields.into_iter();
        row.fields = fields.map(|name| EventField { name, kind: None, description: None, sample: None, by }).collect();
        read.rows.push(row);
    }
    if broken > 0 {
        read.fault(format!("{broken} lines are no observed events"));
    }
}
