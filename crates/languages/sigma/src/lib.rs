//! Sigma detections in, conditions out.
//!
//! Sigma rules are YAML: named selections of field comparisons, and a condition over their names. This crate reads
//! detections, filters and correlations of the
//! [Sigma specification](https://github.com/SigmaHQ/sigma-specification), version 2, and of version 1 what older
//! repositories still hold: `action: global`, aggregations behind a `|`.
//!
//! ```
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
//! ```
//!
//! The text may be a detection, a rule, or several documents; correlations find their base rules among these or
//! through the [`Context`]. What the specification forbids is a diagnostic with its line.
//!
//! It does not read a rule's metadata, and knows no field, log source or event: names stay as written.

mod aggregation;
mod checks;
mod condition;
mod correlation;
mod detection;
mod documents;
mod item;
mod lower;
mod modifiers;
mod report;
mod rule;
mod tokens;

use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::Language;

pub use documents::{TooLarge, merge_actions};

/// The Sigma front end.
///
/// Where the query has a tree, it is the whole document's, and spans are relative to the offset beside it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sigma;

impl Frontend for Sigma {
    fn language(&self) -> Language {
        Language::Sigma
    }

    fn read(&self, query: &Query<'_>, context: &dyn Context, budget: &mut Budget) -> Parsed {
        rule::parse(query, context, &mut correlation::Chain::new(budget))
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        tokens::tokens(text)
    }
}
