//! YARA-L 2 rules in, conditions out.
//!
//! ```
//! use ruleatlas_core::{Frontend, NoContext, Query};
//! use ruleatlas_yaral::YaraL;
//!
//! let text = r#"
//! rule certutil_download {
//!   events:
//!     $e.metadata.event_type = "PROCESS_LAUNCH"
//!     re.regex($e.target.process.command_line, `certutil.*urlcache`) nocase
//!     $e.principal.hostname = $host
//!   match:
//!     $host over 5m
//!   condition:
//!     $e
//! }"#;
//! let parsed = YaraL.parse(&Query::new(text), &NoContext);
//! let ops: Vec<_> = parsed.conditions[0].root.predicates().map(|predicate| predicate.op.name()).collect();
//! assert_eq!(ops, ["eq", "regex_match"]);
//! ```
//!
//! The language is that of Google SecOps, as its reference of the YARA-L 2 syntax has it. The text holds one rule or several.
//!
//! - Each event variable is a step. What must hold of it stands in its condition; what two variables have in common are
//!   join keys and no predicates.
//! - Placeholders are followed to the fields that they stand for.
//! - Fields of UDM have no nulls: a text that is not set is empty and equals `""`, and `!=` holds where nothing is set.
//! - A repeated field means any of its values; `all` is said in a diagnostic.
//! - A reference list is asked for by [`Context::lookup`]; without its content it is known by its name.
//! - Numbers of events, and what `outcome` computes, are computed comparisons. An event that must be absent is marked so.
//!
//! It reads `meta` and gives it to whoever asks ([`parse`]), and knows no field but the times of an event.

pub mod ast;
mod lexer;
mod lower;
mod parser;
mod tokens;

use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::Language;

pub use lower::{EventCount, event_count};
pub use parser::parse;

/// The front end of YARA-L 2.
#[derive(Clone, Copy, Debug, Default)]
pub struct YaraL;

impl Frontend for YaraL {
    fn language(&self) -> Language {
        Language::YaraL
    }

    fn read(&self, query: &Query<'_>, context: &dyn Context, budget: &mut Budget) -> Parsed {
        lower::lower(query, context, budget)
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        tokens::tokens(text)
    }
}
