//! Kibana Query Language and Lucene query strings: parser, tree, printer, and the conditions of a query.
//!
//! The syntax alone is [`kuery::parse`] and [`lucene::parse`], which need none of the other crates
//! (`default-features = false`). Every text gives a tree, and what is wrong with it; a tree prints as a query.
//!
//! ```
//! use ruleatlas_kuery::kuery;
//!
//! let parsed = kuery::parse("process.name : (cmd.exe or powershell*)   and not user.id: S-1-5-18");
//! assert!(parsed.errors.is_empty());
//! assert_eq!(parsed.tree.to_string(), "process.name:(cmd.exe or powershell*) and not user.id:S-1-5-18");
//! ```
//!
//! The feature `conditions`, which is on unless it is switched off, goes on to what a query asks of an event:
//!
//! ```
//! # #[cfg(feature = "conditions")] {
//! use ruleatlas_core::{Frontend, NoContext, Query};
//! use ruleatlas_kuery::{Kuery, Lucene};
//!
//! let parsed = Kuery.parse(&Query::new("process.name:(cmd.exe or powershell*) and not user.id:S-1-5-18"), &NoContext);
//! let ops: Vec<_> = parsed.conditions[0].root.predicates().map(|predicate| predicate.op.name()).collect();
//! assert_eq!(ops, ["eq", "starts_with", "eq"]);
//!
//! let parsed = Lucene.parse(&Query::new("process.name:cmd.exe AND NOT user.id:[1 TO 9}"), &NoContext);
//! assert_eq!(parsed.conditions[0].root.predicates().count(), 3);
//! # }
//! ```
//!
//! What the two languages mean is written down in Kibana's guide to the Kibana Query Language and in Elasticsearch's
//! reference of the `query_string` query. Both leave it to the index whether a field holds whole values (`keyword`)
//! or analysed text (`text`). An index mapping is not available here: a field holds whole values, compared with case,
//! unless its name is one of the few known text fields.
//!
//! A regular expression is for the whole value: its text stays the author's, and the modifier `anchored` says that it
//! has to be matched as `^(?:…)$`. The modifiers `prefix` and `suffix` are for terms that begin or end so, `fuzzy` and
//! `proximity` for Lucene's `~`.
//!
//! It scores nothing (boosts are read and left), it does not know which objects of a nested field belong together,
//! and it keeps a field name with wildcards as it is.

pub mod ast;
mod error;
#[cfg(feature = "conditions")]
mod fields;
#[cfg(feature = "conditions")]
mod frontend;
pub mod kuery;
#[cfg(feature = "conditions")]
mod lower;
pub mod lucene;
mod print;
mod scan;

pub use error::ErrorKind;
#[cfg(feature = "conditions")]
pub use frontend::{Kuery, Lucene};

/// Nesting beyond this is not read.
const DEPTH_LIMIT: u32 = 128;
