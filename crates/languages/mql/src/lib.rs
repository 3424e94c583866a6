//! Sublime Security's Message Query Language: parser, tree, printer, and the conditions of a query.
//!
//! The syntax alone is [`parse`], which needs none of the other crates (`default-features = false`); a tree prints as a query.
//! The feature `conditions`, which is on unless it is switched off, goes on to what a query asks of a message:
//!
//! ```
//! # #[cfg(feature = "conditions")] {
//! use ruleatlas_core::{Frontend, NoContext, Query, roles};
//! use ruleatlas_model::{ParseStatus, Role};
//! use ruleatlas_mql::Mql;
//!
//! let source = r#"
//!     type.inbound
//!     and any(attachments, .file_extension in~ ("iso", "img"))
//!     and sender.email.domain.root_domain not in $org_domains
//! "#;
//! let parsed = Mql.parse(&Query::new(source), &NoContext);
//! assert_eq!(parsed.status(), ParseStatus::Full);
//! let found: Vec<(&str, Role)> =
//!     roles(&parsed.conditions).iter().map(|placed| (placed.predicate.raw_field.as_str(), placed.role)).collect();
//! assert_eq!(found, [
//!     ("type.inbound", Role::Indicator),
//!     ("attachments.file_extension", Role::Indicator),
//!     ("sender.email.domain.root_domain", Role::Exclusion),
//! ]);
//! # }
//! ```
//!
//! A query is one condition on a message of the message data model; a field is its path in dots. What it becomes:
//! - A comparison with a missing value is null, which selects nothing. An element of an array that lacks a field is none
//!   that a lambda looks for.
//! - `any(array, …)` compares the fields of the array's elements, whose path goes through the array. Where several
//!   comparisons, or negated ones, must go for one element together, the whole call stands next to them as computed.
//!   `all` is a search for an element that does not satisfy its lambda. `filter`, `map`, `distinct` and `flatten` are
//!   looked through; of an array that is written out each value is put in the lambda's place; the elements of a list
//!   (`$name`) are placeholders.
//! - `x in $name` is `in_list`. `2 of (…)` is spelled out as long as there are few ways to choose.
//! - The number of elements or matches compared with 0 says whether there is one; compared with more it is computed,
//!   and that there is one stands next to it.
//! - Models, services and the content of files (`ml.*`, `beta.*`, `file.*`, `profile.*`, `network.*`, `html.*`) are
//!   computed: the call with its arguments is what is compared, and what a lambda asks of its result.
//! - `regex.match` describes the whole value (modifier `anchored`), `strings.replace_confusables` compares the value
//!   with look-alike characters replaced (modifier `confusables`).
//! - A query that is a value, as Sublime's insights are, holds where there is one.

pub mod ast;
mod error;
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
pub use frontend::Mql;
pub use lexer::tokens;
pub use parser::parse;
