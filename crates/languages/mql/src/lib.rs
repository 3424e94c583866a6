//! Sublime Security's Message Query Language in, conditions out.
//!
//! ```
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
mod function;
mod lexer;
mod lower;
mod parser;

use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::Language;

pub use parser::parse;

/// Sublime's Message Query Language.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mql;

impl Frontend for Mql {
    fn language(&self) -> Language {
        Language::Mql
    }

    fn read(&self, query: &Query<'_>, _context: &dyn Context, budget: &mut Budget) -> Parsed {
        let (expression, mut diagnostics) = parse(query.text);
        let parsed = lower::lower(&expression, query.text, query.sources, budget);
        diagnostics.extend(parsed.diagnostics);
        Parsed { conditions: parsed.conditions, diagnostics }
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        lexer::colours(text)
    }
}
