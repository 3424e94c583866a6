//! ES|QL, Elasticsearch's piped query language: parser, tree, printer, and the conditions of a query.
//!
//! The syntax alone is [`parse`], which needs none of the other crates (`default-features = false`). Every text gives a
//! tree, and what is wrong with it; a tree prints as a query.
//!
//! ```
//! let parsed = ruleatlas_esql::parse("FROM logs-* | WHERE (a == 1) AND NOT b IN (\"x\") | KEEP a, b");
//! assert!(parsed.errors.is_empty());
//! assert_eq!(parsed.tree.to_string(), "from logs-*\n| where a == 1 and not b in (\"x\")\n| KEEP a, b");
//! ```
//!
//! The feature `conditions`, which is on unless it is switched off, goes on to what a query asks of an event:
//!
//! ```
//! # #[cfg(feature = "conditions")] {
//! use ruleatlas_core::{Frontend, NoContext, Query};
//! use ruleatlas_esql::Esql;
//!
//! let text = "from logs-* | eval name = to_lower(process.name) | where name == \"cmd.exe\" and user.id is not null";
//! let parsed = Esql::new().parse(&Query::new(text), &NoContext);
//! let condition = &parsed.conditions[0];
//! assert_eq!(condition.sources[0].name, "logs-*");
//! let names: Vec<_> = condition.root.predicates().map(|predicate| predicate.raw_field.as_str()).collect();
//! assert_eq!(names, ["process.name", "user.id"]);
//! # }
//! ```
//!
//! Every `where` is one more demand on the event. Names made on the way are followed back to the fields they stand
//! for; what was aggregated is compared as something computed. A null makes a comparison null, and that selects
//! nothing (Elasticsearch's page on null values in ES|QL).
//!
//! `rlike` is for the whole value: its text stays the author's, and the modifier `anchored` says that it has to be
//! matched as `^(?:…)$`. The modifier `fuzzy` is for a full-text search with `fuzziness`, `url_decode` for a field whose
//! decoded value is compared, `expand` for a value that is a parameter.
//!
//! It runs nothing. Columns that a lookup join adds are taken for the event's own; a condition that only an aggregate
//! has (`count(*) where …`) is said in a note and no demand; so are none the restrictions of `@timestamp`. Queries in
//! `kql("…")` and `qstr("…")` are read by the front ends that it is given (`Esql::with_kuery`,
//! `Esql::with_lucene`), as it knows no other language itself.

pub mod ast;
mod cut;
#[cfg(feature = "conditions")]
mod embedded;
mod error;
mod expression;
#[cfg(feature = "conditions")]
mod frontend;
#[cfg(feature = "conditions")]
mod function;
mod lexer;
#[cfg(feature = "conditions")]
mod lower;
mod parser;
mod print;

pub use error::ErrorKind;
#[cfg(feature = "conditions")]
pub use frontend::Esql;
pub use lexer::tokens;
pub use parser::parse;

/// Nesting beyond this is not read.
const DEPTH_LIMIT: u32 = 128;
