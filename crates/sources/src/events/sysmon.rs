//! Sysmon's manifest: every event with its typed fields, once a schema version, the newest first.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use ruleatlas_model::{Dictionary::SysmonManifest, EventField};
use rustc_hash::FxHashSet;

use super::{Read, Row, event, told};

pub(super) fn read(_: &str, text: &str, read: &mut Read) {
    let mut reader = Reader::from_str(text);
    let mut seen: FxHashSet<String> = FxHashSet::default();
    let mut current: Option<Row> = None;
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) if element.name().as_ref() == "event" => current = start(&element, &mut seen),
            Ok(Event::Empty(element) | Event::Start(element)) if element.name().as_ref() == "data" => {
                if let (Some(row), Some(name)) = (&mut current, attribute(&element, "name")) {
                    let kind = attribute(&element, "inType").map(|kind| kind.trim_start_matches("win:").to_owned());
                    row.fields.push(EventField { name, kind, description: None, sample: None, by: SysmonManifest });
                }
            }
            Ok(Event::End(element)) if element.name().as_ref() == "event" => read.rows.extend(current.take()),
            Ok(Event::DocType(_)) => return read.fault("a document type is not read"),
            Ok(Event::Eof) => return,
            Ok(_) => {}
            Err(error) => return read.fault(error),
        }
    }
}

/// An event that no newer schema version had.
fn start(element: &BytesStart<'_>, seen: &mut FxHashSet<String>) -> Option<Row> {
    let id = attribute(element, "value")?;
    if !seen.insert(id.clone()) {
        return None;
    }
    let mut row = Row::blank(event("Microsoft-Windows-Sysmon", &id));
    row.level = attribute(element, "level").and_then(|level| told(&level, SysmonManifest));
    row.title = attribute(element, "template").and_then(|title| told(&title, SysmonManifest));
    row.versions = attribute(element, "version").into_iter().collect();
    let setting = attribute(element, "rulename").map(|name| format!("Sysmon configuration: {name}"));
    row.audit = setting.and_then(|setting| told(&setting, SysmonManifest)).into_iter().collect();
    Some(row)
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    // Checks would compare every attribute with every other.
    for attribute in element.attributes().with_checks(false).filter_map(Result::ok) {
        if attribute.key.as_ref() == name {
            return Some(attribute.value.into_owned()).filter(|value| !value.is_empty());
        }
    }
    None
}
