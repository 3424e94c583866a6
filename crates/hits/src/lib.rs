//! Writes and reads what hunts found as one SQLite file.
//!
//! The tables are described in `schema.sql`. A file is written next to its destination and renamed when it is whole, so that a reader
//! finds the old one or the new one. Only its owner can read it: hits hold what people did. [`Redaction`] takes values out of hits
//! before they are written, [`prune`] takes old hits out of a file, and [`merge`] puts several files together.
//!
//! ```no_run
//! use ruleatlas_hits::{Facts, HitsWriter};
//! # fn found() -> (Vec<ruleatlas_hunt::Hit>, ruleatlas_hunt::Report) { unimplemented!() }
//! let (hits, report) = found();
//! let mut writer = HitsWriter::create("hits.db".as_ref())?;
//! for hit in &hits {
//!     writer.add(hit)?;
//! }
//! writer.finish(&report, &Facts::default())?;
//! # Ok::<(), ruleatlas_hits::Error>(())
//! ```

mod error;
mod file;
mod merge;
mod prune;
mod read;
mod redact;
mod report;
mod write;

pub use error::Error;
pub use merge::{Merged, merge};
pub use prune::{Pruned, prune};
pub use read::{HitQuery, HitsReader, SavedHit, SavedRule, ValueHits};
pub use redact::{Redaction, RedactionMode};
pub use report::{DataSet, HourCount};
pub use write::{Facts, HitsWriter};

/// The version of the tables.
pub const SCHEMA_VERSION: u32 = 2;

const SCHEMA: &str = include_str!("schema.sql");

/// SQLite's integers are signed.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The same read back.
fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
