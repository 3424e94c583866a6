//! Sigma detections: parser, tree, writer, and the conditions of a rule.
//!
//! Sigma rules are YAML: named selections of field comparisons, and a condition over their names. This crate reads
//! detections, filters and correlations of the
//! [Sigma specification](https://github.com/SigmaHQ/sigma-specification), version 2, and of version 1 what older
//! repositories still hold: `action: global`, aggregations behind a `|`.
//!
//! The syntax alone is [`parse`] and [`parse_condition`], which need YAML and none of the other crates
//! (`default-features = false`). Every text gives a tree, and what is wrong with it; a tree is written as YAML.
//!
//! ```
//! let text = "
//! selection: {Image|endswith: '\\cmd.exe', User: [a, b]}
//! filter: {ParentImage: explorer.exe}
//! condition: (selection) and not filter";
//! let parsed = ruleatlas_sigma::parse(text);
//! assert!(parsed.errors.is_empty());
//! let written = "selection:
//!     Image|endswith: '\\cmd.exe'
//!     User:
//!         - a
//!         - b
//! filter:
//!     ParentImage: explorer.exe
//! condition: selection and not filter
//! ";
//! assert_eq!(parsed.tree.to_string(), written);
//! ```
//!
//! The feature `conditions`, which is on unless it is switched off, goes on to what a rule asks of an event:
//!
//! ```
//! # #[cfg(feature = "conditions")] {
//! use ruleatlas_core::{Frontend, NoContext, Query};
//! use ruleatlas_model::Op;
//! use ruleatlas_sigma::Sigma;
//!
//! let text = "
//! selection:
//!     Image|endswith: '\\cmd.exe'
//! filter:
//!     User: SYSTEM
//! condition: selection and not filter";
//! let parsed = Sigma.parse(&Query::new(text), &NoContext);
//! let first = parsed.conditions[0].root.predicates().next().expect("a predicate");
//! assert_eq!((first.raw_field.as_str(), first.op), ("Image", Op::EndsWith));
//! # }
//! ```
//!
//! The text may be a detection, a rule, or several documents; correlations find their base rules among these or
//! through the `Context`. What the specification forbids is a diagnostic with its line.
//!
//! It does not read a rule's metadata, and knows no field, log source or event: names stay as written.

#[cfg(feature = "conditions")]
mod aggregation;
pub mod ast;
#[cfg(feature = "conditions")]
mod checks;
mod condition;
#[cfg(feature = "conditions")]
mod correlation;
#[cfg(feature = "conditions")]
mod detection;
mod documents;
mod error;
#[cfg(feature = "conditions")]
mod frontend;
#[cfg(feature = "conditions")]
mod item;
#[cfg(feature = "conditions")]
mod lower;
#[cfg(feature = "conditions")]
mod modifiers;
mod print;
mod read;
#[cfg(feature = "conditions")]
mod report;
#[cfg(feature = "conditions")]
mod rule;
mod tokens;

pub use condition::parse_condition;
pub use documents::{TooLarge, merge_actions};
pub use error::ErrorKind;
#[cfg(feature = "conditions")]
pub use frontend::Sigma;
pub use read::parse;
pub use tokens::tokens;
