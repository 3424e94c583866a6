//! The event types of macOS Endpoint Security: `es_event_types.csv`.

use ruleatlas_model::{Dictionary::MacosEsf, EventField};

use super::{Read, Row, event, text::one_line, told};

pub(super) fn read(_: &str, text: &str, read: &mut Read) {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    for row in reader.records() {
        let Ok(record) = row else { return read.fault("no CSV") };
        let column = |at: usize| record.get(at).unwrap_or_default().trim();
        let (name, kind, what, since, meaning) = (column(1), column(2), column(3), column(4), column(5));
        if !name.starts_with("ES_EVENT_TYPE_") {
            continue;
        }
        let mut row = Row::blank(event("Endpoint Security", name));
        let meaning = one_line(meaning);
        let title = if meaning.is_empty() { format!("{what} ({})", kind.to_lowercase()) } else { meaning };
        row.title = told(&title, MacosEsf);
        row.audit = told(&format!("from macOS {since}"), MacosEsf).filter(|_| !since.is_empty()).into_iter().collect();
        let fields = column(6).split_whitespace().filter(|name| !name.starts_with("anon_"));
        row.fields = fields
            .map(|name| EventField { name: name.to_owned(), kind: None, description: None, sample: None, by: MacosEsf })
            .collect();
        read.rows.push(row);
    }
}
