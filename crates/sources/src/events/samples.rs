//! Sample events: `samples.jsonl`, one JSON object an event with where it comes from.

use ruleatlas_model::{EventSample, SampleKind};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Read, Row, event};

/// Bytes of a sample: larger ones are no sample that anyone reads.
const MAX_BYTES: usize = 64 * 1024;

#[derive(Deserialize)]
struct Line<'a> {
    provider: String,
    event: String,
    #[serde(rename = "_source", default)]
    source: String,
    #[serde(rename = "_kind")]
    kind: SampleKind,
    #[serde(borrow)]
    sample: &'a RawValue,
}

pub(super) fn read(_: &str, text: &str, read: &mut Read) {
    let (mut broken, mut first) = (0_u32, None);
    for (line, text) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str::<Line<'_>>(text).map_err(|error| error.to_string()).and_then(row) {
            Ok(row) => read.rows.push(row),
            Err(reason) => {
                broken += 1;
                first.get_or_insert((line, reason));
            }
        }
    }
    if let Some((line, reason)) = first {
        read.fault(format!("{broken} lines are no samples, the first of them line {line}: {reason}"));
    }
}

fn row(line: Line<'_>) -> Result<Row, String> {
    if line.sample.get().len() > MAX_BYTES {
        return Err(format!("larger than {} KiB", MAX_BYTES / 1024));
    }
    let sample: serde_json::Value = serde_json::from_str(line.sample.get()).map_err(|error| error.to_string())?;
    if !sample.is_object() {
        return Err("the sample is no object".to_owned());
    }
    if line.provider.trim().is_empty() || line.event.trim().is_empty() {
        return Err("without a provider or an event".to_owned());
    }
    let mut row = Row::blank(event(&line.provider, &line.event));
    // As it is written, its members in their order.
    row.sample = Some(EventSample { json: line.sample.get().to_owned(), kind: line.kind, source: line.source });
    Ok(row)
}
