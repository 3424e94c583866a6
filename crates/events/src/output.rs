//! Events by canonical field, as they are written and read again.

use std::{collections::BTreeMap, fs::File, io};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Sorter;

/// Canonical fields that are columns of a table; those that fewer events have are kept with what has no canonical field.
#[cfg(feature = "parquet")]
const MAX_COLUMNS: usize = 4_000;

/// An event by canonical field. Its names are columns of the table that [`SortedEvents`] writes, and the keys of a line of
/// JSON; the shapes `ruleatlas` and `ruleatlas_table` read both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CanonicalEvent {
    /// When it happened.
    pub time: Option<Timestamp>,
    /// Who wrote it, as the taxonomy calls it; empty where the record does not say.
    pub provider: String,
    /// The event's id or name at its provider.
    pub event_id: String,
    /// The channel or service that it was written to; its own data may be about another.
    pub log_channel: String,
    /// On which host.
    pub host: String,
    /// The platform that it is from, where there is only one that it can be from.
    pub platform: String,
    /// The shape of its record; empty where none fits.
    pub shape: String,
    /// The file in which it stands.
    pub file: String,
    /// The record's number there.
    pub record: u64,
    /// Values by canonical field, a list where there are several. Behind a name with `.name` stands the last part of a path of
    /// which the record has no more.
    pub fields: Map<String, Value>,
    /// Values of names that mean no canonical field.
    pub unmapped: Map<String, Value>,
}

/// A table of events cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteEventsError {
    /// A temporary file cannot be written or read.
    #[error("a temporary file cannot be used: {0}")]
    Temporary(#[from] io::Error),
    /// The table itself cannot be written.
    #[cfg(feature = "parquet")]
    #[error(transparent)]
    Table(#[from] crate::ParquetWriteError),
    /// This build has no writer.
    #[error(
        "this build does not write Parquet: released programs do, and so does `cargo install --path crates/cli --features parquet`"
    )]
    Unsupported,
}

/// What is known of a column before anything is written.
#[derive(Clone, Copy, Debug, Default)]
struct Column {
    events: u64,
    /// Whether an event has several values.
    is_list: bool,
}

/// Events in the order of provider, event id and time. More than fit in memory are kept in temporary files.
#[derive(Debug, Default)]
pub struct SortedEvents {
    sorter: Sorter<(String, String, Option<i64>), CanonicalEvent>,
    columns: BTreeMap<String, Column>,
}

impl SortedEvents {
    /// Takes an event.
    ///
    /// # Errors
    /// A temporary file cannot be written.
    pub fn push(&mut self, event: CanonicalEvent) -> Result<(), WriteEventsError> {
        for (name, value) in &event.fields {
            if !self.columns.contains_key(name) {
                self.columns.insert(name.clone(), Column::default());
            }
            if let Some(column) = self.columns.get_mut(name) {
                column.events += 1;
                column.is_list |= value.is_array();
            }
        }
        let key = (event.provider.clone(), event.event_id.clone(), event.time.map(Timestamp::as_microsecond));
        let size = event.file.len() + size_of(&event.fields) + size_of(&event.unmapped);
        Ok(self.sorter.push(key, event, size)?)
    }

    /// Whether [`write_parquet`](Self::write_parquet) can write.
    #[must_use]
    pub fn writes_parquet() -> bool {
        cfg!(feature = "parquet")
    }

    /// Writes them as a Parquet file: a column each for when, who, where, and every canonical field. A field is a text, or a
    /// list of texts where an event has several values; `unmapped` is JSON.
    ///
    /// # Errors
    /// The file cannot be written, a temporary one cannot be read, or the feature `parquet` is off.
    #[cfg(feature = "parquet")]
    pub fn write_parquet(mut self, file: File) -> Result<(), WriteEventsError> {
        use crate::{ColumnKind, ParquetWriter};
        let fixed = [
            ("time", ColumnKind::Time),
            ("provider", ColumnKind::Text),
            ("event_id", ColumnKind::Text),
            ("log_channel", ColumnKind::Text),
            ("host", ColumnKind::Text),
            ("platform", ColumnKind::Text),
            ("shape", ColumnKind::Text),
            ("file", ColumnKind::Text),
            ("record", ColumnKind::Number),
        ];
        let columns = self.chosen_columns();
        let kinds = columns
            .iter()
            .map(|(name, is_list)| (name.clone(), if *is_list { ColumnKind::Texts } else { ColumnKind::Text }));
        let fixed = fixed.map(|(name, kind)| (name.to_owned(), kind)).into_iter();
        let all = fixed.chain(kinds).chain([("unmapped".to_owned(), ColumnKind::Json)]).collect();
        let mut writer = ParquetWriter::new(file, all)?;
        let mut failed = None;
        self.sorter.each(|_, event| {
            failed = writer.add(row(event, &columns)).err();
            failed.is_none()
        })?;
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(writer.finish()?),
        }
    }

    /// The same without the feature `parquet`.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "parquet"))]
    pub fn write_parquet(self, _: File) -> Result<(), WriteEventsError> {
        Err(WriteEventsError::Unsupported)
    }

    /// The fields that are columns, each with whether it is a list.
    #[cfg(feature = "parquet")]
    fn chosen_columns(&mut self) -> BTreeMap<String, bool> {
        let mut columns: Vec<(String, Column)> = std::mem::take(&mut self.columns).into_iter().collect();
        if columns.len() > MAX_COLUMNS {
            columns.sort_by(|one, other| other.1.events.cmp(&one.1.events).then_with(|| one.0.cmp(&other.0)));
            columns.truncate(MAX_COLUMNS);
        }
        columns.into_iter().map(|(name, column)| (name, column.is_list)).collect()
    }
}

#[cfg(feature = "parquet")]
fn row(event: &CanonicalEvent, columns: &BTreeMap<String, bool>) -> Map<String, Value> {
    let CanonicalEvent { time, provider, event_id, log_channel, host, platform, shape, file, record, fields, unmapped } =
        event;
    let mut row = Map::new();
    let mut unmapped = unmapped.clone();
    for (name, value) in fields {
        let to = if columns.contains_key(name) { &mut row } else { &mut unmapped };
        to.insert(name.clone(), value.clone());
    }
    if let Some(time) = time {
        row.insert("time".to_owned(), time.as_microsecond().into());
    }
    for (name, text) in [
        ("provider", provider),
        ("event_id", event_id),
        ("log_channel", log_channel),
        ("host", host),
        ("platform", platform),
        ("shape", shape),
        ("file", file),
    ] {
        row.insert(name.to_owned(), text.as_str().into());
    }
    row.insert("record".to_owned(), (*record).into());
    row.insert("unmapped".to_owned(), unmapped.into());
    row
}

/// About how many bytes values take.
fn size_of(fields: &Map<String, Value>) -> usize {
    /// Bytes that a value takes besides its text.
    const OVERHEAD: usize = 80;
    let of = |value: &Value| match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|item| OVERHEAD + item.as_str().map_or(0, str::len)).sum(),
        _ => 0,
    };
    fields.iter().map(|(name, value)| OVERHEAD + name.len() + of(value)).sum()
}
