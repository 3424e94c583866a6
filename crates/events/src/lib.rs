//! Log files to records, and records of any shape to events.
//!
//! A **record** is one value of a log file with its place. A **shape** says how to see through the wrapping that a product
//! puts around an event: where provider, event id, channel, time, host and fields are. Shapes are data
//! (`data/shapes.toml`). An **event** is what a shape makes of a record.
//!
//! ```
//! use ruleatlas_events::{Reader, Shapes};
//!
//! let text = br#"{"winlog": {"provider_name": "Microsoft-Windows-Sysmon", "event_id": 1, "event_data": {"Image": "a.exe"}}}"#;
//! let mut events = Vec::new();
//! Reader::default().read_bytes("log.json", text, &mut |item| {
//!     if let Ok(record) = item {
//!         Shapes::builtin().events(record.value, None, &mut |event| events.push(event));
//!     }
//!     true
//! });
//! assert_eq!(events[0].shape.as_deref(), Some("winlogbeat"));
//! assert_eq!(events[0].provider.as_deref(), Some("Microsoft-Windows-Sysmon"));
//! assert_eq!(events[0].event_id.as_deref(), Some("1"));
//! assert_eq!(events[0].fields["Image"], "a.exe");
//! ```
//!
//! Limits: a record has at most 16 MiB; a file is read as a stream, whatever its size. Nothing is known of rules.

mod archive;
mod arguments;
mod audit;
mod canonical;
mod event;
mod evtx_file;
mod key_value;
mod kind;
mod knowledge;
mod lines;
mod output;
mod parquet_file;
#[cfg(feature = "parquet")]
mod parquet_write;
mod part;
mod path;
mod read;
mod shape;
mod sorter;
mod split;
mod table;
mod time;
mod xml;

pub use canonical::{CanonicalValue, Wanted, flatten};
pub use event::Event;
pub use key_value::key_values;
pub use kind::{EventKind, Kinds, Meaning};
pub use knowledge::FieldNumber;
pub use output::{CanonicalEvent, SortedEvents, WriteEventsError};
#[cfg(feature = "parquet")]
pub use parquet_write::{ColumnKind, ParquetWriteError, ParquetWriter};
pub use part::{Numbering, Part, Unread};
pub use read::{Problem, ReadItem, Reader, Record};
pub use shape::{Shape, ShapeError, Shapes};
pub use sorter::Sorter;
pub use split::MAX_RECORD_BYTES;
