//! Kusto Query Language, as Microsoft Sentinel and Defender use it: lexer, syntax tree, parser, and the conditions of
//! a query.
//!
//! The syntax alone is [`parse`], which gives an [`ast::Script`] and recovers from what it cannot read; it needs none of the
//! other crates (`default-features = false`). A script prints as a query.
//!
//! ```
//! let parsed = ruleatlas_kusto::parse("T | where (a has 'x') and not(b in (1,2)) | project a,b");
//! assert!(parsed.errors.is_empty());
//! assert_eq!(parsed.tree.to_string(), "T\n| where a has \"x\" and not(b in (1, 2))\n| project a, b");
//! ```
//!
//! The feature `conditions`, which is on unless it is switched off, goes on to what a query asks of an event: names are
//! followed back through `let`, `extend`, `project`, functions and joins to the columns they come from.
//!
//! ```
//! # #[cfg(feature = "conditions")] {
//! use ruleatlas_core::{Frontend, NoContext, Query};
//! use ruleatlas_kusto::Kusto;
//!
//! let text = r#"
//! let Shells = dynamic(["cmd.exe", "powershell.exe"]);
//! DeviceProcessEvents
//! | extend Name = tolower(FileName)
//! | where Timestamp > ago(1d) and Name in (Shells)
//! "#;
//! let parsed = Kusto.parse(&Query::new(text), &NoContext);
//! assert_eq!(parsed.conditions[0].sources[0].name, "DeviceProcessEvents");
//! let predicates: Vec<_> = parsed.conditions[0].root.predicates().collect();
//! assert_eq!(predicates.len(), 1);
//! assert_eq!(predicates[0].raw_field, "FileName");
//! assert_eq!(predicates[0].values, ["cmd.exe", "powershell.exe"]);
//! # }
//! ```
//!
//! # What is read how
//! - A comparison with the event's time or with a time counted from now is the rule's window, and no predicate; one
//!   with something computed (`min(Timestamp) > ago(1d)`) is kept as computed.
//! - A union's legs without filters are sources of one step; a leg with filters is a step of its own, and what follows
//!   the union is the first step, whose sources are all tables of it.
//! - `in (sub-query)` is a step of its own; within an alternative a computed `in_list` says so too, as leaving it out
//!   would change what the others mean.
//! - A list is known by its values (`dynamic`, `datatable`), by its address (`externaldata`), by its alias
//!   (`_GetWatchlist`), or by its `let` where that is empty or filtered. A join with one is a test of the key.
//! - A function or plug-in that is neither in the query nor of the language is opaque wherever it stands: at the start of
//!   a pipeline, in `invoke`, `evaluate` and in a condition. ASIM's parsers are tables whose parameters filter.
//! - `coalesce` and an `iff` that replaces an empty value are the first value that is there; where a constant stands in
//!   for a missing field, the comparison of the constant decides.
//! - A comparison of what was made of many rows (`make_set`, `count`) is computed. A group's key, the row that `arg_max`
//!   or `take_any` picks and an element that `mv-expand` takes out of a set are values of one event.
//! - A column of `ipv4_lookup`, `lookup` or an outer join that is empty says that the other table has no row: the key is
//!   in none of the networks or values, or the other step is absent.
//! - A path behind `parse_json`, `todynamic`, `extract_json` or `bag_unpack` is the path inside the text's field.
//! - What a `graph-match` asks of one variable is asked of that variable's rows.
//! - What cannot be read of a stage is opaque, and what was read of it before and behind counts.
//! - A field that an event does not have is an empty text: `!=`, `!has` and the like hold, an order is null
//!   ([null values](https://learn.microsoft.com/kusto/query/scalar-data-types/null-values)).
//!
//! It runs no query, knows no table's schema, reads no rule's file, and does not read management commands.

pub mod ast;
mod error;
#[cfg(feature = "conditions")]
mod frontend;
pub mod lexer;
#[cfg(feature = "conditions")]
mod lower;
pub mod parser;
mod print;
mod tokens;
mod walk;

pub use error::{ErrorKind, parse};
#[cfg(feature = "conditions")]
pub use frontend::Kusto;
pub use tokens::tokens;
pub use walk::Node;
