//! Conditions of Falco rules: parser, tree, printer, and what they ask of an event.
//!
//! The syntax alone is [`parse`], which needs none of the other crates (`default-features = false`); a tree prints as a
//! condition. The feature `conditions`, which is on unless it is switched off, goes on to what a condition asks of an event:
//!
//! ```
//! # #[cfg(feature = "conditions")] {
//! use ruleatlas_core::{Frontend, NoContext, Query};
//! use ruleatlas_falco::Falco;
//!
//! let text = "evt.type in (open, openat) and fd.name startswith /etc/ and not proc.name = dpkg";
//! let parsed = Falco.parse(&Query::new(text), &NoContext);
//! let ops: Vec<_> = parsed.conditions[0].root.predicates().map(|predicate| predicate.op.name()).collect();
//! assert_eq!(ops, ["in", "starts_with", "eq"]);
//! # }
//! ```
//!
//! The grammar is that of Falco's filters, and what an operator means is what Falco's pages on conditions say. A name is a
//! macro, and an item of a list that is not in quotes may be the name of another list: the `Context` gives a macro's
//! condition (`Context::macro_definition` without arguments) and a list's items (`Context::lookup`, a table of one
//! column). [`parse`] gives the tree as written.
//!
//! - Texts compare with case, and no comparison holds where the field has no value, `!=` included.
//! - `regex` and `glob` describe the whole value; `pmatch` a path or what lies below it.
//! - Falco numbers events from 1: `evt.num=0` never holds and `evt.num>=0` always does. Rules use them as placeholders.
//! - Events have no direction since Falco 0.42: `evt.dir=<` always holds.
//! - What is computed of a field (`len()`, `b64()`) is a computed comparison.
//!
//! It does not read rules files, and knows no field but those named here.

pub mod ast;
mod error;
#[cfg(feature = "conditions")]
mod frontend;
#[cfg(feature = "conditions")]
mod glob;
mod lexer;
#[cfg(feature = "conditions")]
mod lower;
mod parser;
mod print;

use ruleatlas_syntax::{Parsed, Token};

pub use error::ErrorKind;
#[cfg(feature = "conditions")]
pub use frontend::Falco;

/// Reads a condition. A part that does not follow the grammar is [`ast::Expr::Broken`], and the parts around it count.
///
/// ```
/// let parsed = ruleatlas_falco::parse("(evt.type in (open,openat)) and not proc.name=dpkg");
/// assert!(parsed.errors.is_empty());
/// assert_eq!(parsed.tree.to_string(), "evt.type in (open, openat) and not proc.name = dpkg");
/// ```
#[must_use]
pub fn parse(text: &str) -> Parsed<ast::Expr, ErrorKind> {
    let (tree, lexer) = parser::parse(text);
    Parsed { tree, errors: lexer.errors }
}

/// The text's tokens for colouring, in order and without overlap; gaps are plain.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    parser::parse(text).1.tokens
}

/// An item of a list as it is compared: a rules file may put it in quotes of its own, so that a condition can hold it.
#[must_use]
pub fn list_item(text: &str) -> &str {
    let text = text.trim();
    let inner = ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    inner.unwrap_or(text)
}
