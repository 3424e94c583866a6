//! The query language of CrowdStrike's LogScale (CQL): parser, tree, printer, and the conditions of a query.
//!
//! The syntax alone is [`parse`], which needs none of the other crates (`default-features = false`); a tree prints as a query.
//! The feature `conditions`, which is on unless it is switched off, goes on to what a query asks of an event:
//!
//! ```
//! # #[cfg(feature = "conditions")] {
//! use ruleatlas_core::{Frontend, NoContext, Query, roles};
//! use ruleatlas_logscale::Logscale;
//! use ruleatlas_model::{ParseStatus, Role};
//!
//! let query = r#"
//!     #event_simpleName=ProcessRollup2 event_platform=Win
//!     | ImageFileName=/\\rundll32\.exe$/i
//!     | !in(ParentBaseFileName, values=["explorer.exe", "svchost.exe"], ignoreCase=true)
//!     | groupBy([aid], function=count(as=hits)) | hits > 3
//! "#;
//! let parsed = Logscale.parse(&Query::new(query), &NoContext);
//! assert_eq!(parsed.status(), ParseStatus::Full);
//! let found: Vec<(&str, Role)> =
//!     roles(&parsed.conditions).iter().map(|placed| (placed.predicate.raw_field.as_str(), placed.role)).collect();
//! assert_eq!(found, [
//!     ("event_simpleName", Role::Indicator),
//!     ("event_platform", Role::Indicator),
//!     ("ImageFileName", Role::Indicator),
//!     ("ParentBaseFileName", Role::Exclusion),
//!     ("hits", Role::Computed),
//! ]);
//! # }
//! ```
//!
//! What a query becomes:
//! - Filters are conjuncts. `or` binds closer than `and`. A comparison of a field that is missing fails, and `!=` holds.
//!   Texts compare with case, `*` stands for anything; an expression's flag `i` leaves case out of it.
//! - The mark of a tag (`#`) is no part of its name. `#repo` and `#type` choose the data and are no predicates.
//! - `case { … }` and `match { … }` send an event through the first clause that keeps it: names that clauses give are followed
//!   back to the conditions of their clauses.
//! - `field := …`, `rename`, `lower`, `default`, `coalesce`, `if` are followed; what else is computed is computed. Named
//!   groups of regular expressions are cut out of their fields.
//! - `join`, `selfJoinFilter`, `correlate`, and `match` with a table of `defineTable` are steps. `match` with a file is
//!   `in_list`; with `strict=false` it adds columns and asks nothing.
//! - What was aggregated is computed. `@timestamp` and `now()` are the rule's window.
//! - `?name` is a value that is filled in from outside (modifier `expand`).

pub mod ast;
mod error;
#[cfg(feature = "conditions")]
mod frontend;
#[cfg(feature = "conditions")]
mod function;
#[cfg(feature = "conditions")]
mod lower;
mod parser;
mod print;
mod scan;

pub use error::ErrorKind;
#[cfg(feature = "conditions")]
pub use frontend::Logscale;
pub use parser::parse;
pub use scan::tokens;
