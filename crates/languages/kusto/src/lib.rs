//! Kusto Query Language, as Microsoft Sentinel and Defender use it: lexer, syntax tree, parser, and the conditions of
//! a query.
//!
//! For the syntax alone use [`parser::parse`], which gives an [`ast::Script`] and recovers from what it cannot read.
//! [`Kusto`] goes on to what a query asks of an event: names are followed back through `let`, `extend`, `project`,
//! functions and joins to the columns they come from.
//!
//! ```
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
//! ```
//!
//! It runs no query, knows no table's schema, reads no rule's file, and does not read management commands or the graph
//! operators.

pub mod ast;
pub mod lexer;
mod lower;
pub mod parser;
mod tokens;

use ruleatlas_core::{Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::Language;

/// The front end.
///
/// The main pipeline is the first step; each leg of a join or union, each sub-query and each tabular `let` that is used
/// as one of these is a step behind it. A `let` at the start of a pipeline is part of that pipeline.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kusto;

impl Frontend for Kusto {
    fn language(&self) -> Language {
        Language::Kusto
    }

    fn parse(&self, query: &Query<'_>, _context: &dyn Context) -> Parsed {
        let script = parser::parse(query.text);
        lower::lower(&script, query.text)
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        tokens::tokens(text)
    }
}
