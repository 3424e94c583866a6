//! Writes and reads a catalog as one SQLite file that people also open with their own tools.
//!
//! A catalog is written next to its destination and renamed when it is whole, so that a reader finds the old one or the new
//! one and nothing between. The tables are described in `schema.sql`.
//!
//! ```no_run
//! let store = ruleatlas_store::Store::open("catalog.db".as_ref())?;
//! println!("{} rules", store.index()?.heads().len());
//! # Ok::<(), ruleatlas_store::Error>(())
//! ```
//!
//! It does not know how a catalog is built.

mod check;
mod controls;
mod counts;
mod damage;
mod error;
mod events;
mod place;
mod read;
mod rules;
mod run;
mod search;
mod staging_table;
mod text;
mod text_digest;
mod write;

pub use check::UnreadableRule;
pub use controls::ControlCount;
pub use damage::DamagedRow;
pub use error::Error;
pub use events::{EventHead, NamedEventRow, NamingAnalytic, ProviderFieldRow, ProviderRow, Steps};
pub use place::{check_place, remove_unfinished};
pub use read::Store;
pub use run::RunnableRules;
pub use search::{MAX_SEARCH_WORDS, words};
pub use text_digest::TextDigest;
pub use write::{WriteOptions, write};

/// The version of the tables. A catalog of another version is not read; it is built again.
pub const SCHEMA_VERSION: u32 = 6;

/// The tables.
const SCHEMA: &str = include_str!("schema.sql");
