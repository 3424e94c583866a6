//! Rules of Wazuh in, conditions out.
//!
//! ```
//! use ruleatlas_core::{Frontend, NoContext, Query};
//! use ruleatlas_wazuh::Wazuh;
//!
//! let text = r#"
//! <group name="local,sshd,">
//!   <rule id="100001" level="0">
//!     <decoded_as>sshd</decoded_as>
//!   </rule>
//!   <rule id="100002" level="5">
//!     <if_sid>100001</if_sid>
//!     <match>^Failed password|^Invalid user</match>
//!     <user>root</user>
//!   </rule>
//! </group>"#;
//! let parsed = Wazuh.parse(&Query::new(text), &NoContext);
//! let last = &parsed.conditions[1];
//! assert_eq!(last.sources[0].name, "wazuh:sshd");
//! let fields: Vec<_> = last.root.predicates().map(|predicate| predicate.raw_field.as_str()).collect();
//! assert_eq!(fields, ["log", "user"]);
//! ```
//!
//! The text is a rules file or a single `<rule>`; each rule is a condition. What options mean is what Wazuh's pages on the
//! syntax of rules and of regular expressions say.
//!
//! - A rule stands on those that `if_sid`, `if_group` and `if_matched_…` name, and its condition includes theirs. They are
//!   looked for in the text, then in the [`Context`]: [`Context::rule`] by number, [`Context::tagged`] by group, which
//!   answers with pairs of `rule.id` and a number.
//! - `decoded_as` and `category` choose the events, and are data sources (`wazuh:sshd`, `wazuh:category:ids`).
//! - `match` and `regex` look into the log: into the field `full_log`, and where they are anchored into `log`, which begins
//!   behind the header of syslog.
//! - `frequency` with what must be the same or different is a computed comparison of a count.
//! - Variables are the text's own, or those of [`Context::macro_definition`]. Lists are asked for by [`Context::lookup`].
//!
//! That a rule of a higher level that stands on the same rule goes before is no part of the condition.

pub mod ast;
mod lower;
mod parser;
mod pattern;
mod tokens;

use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::Language;

pub use lower::{Frequency, frequency, substitute};
pub use parser::parse;

/// The front end of Wazuh's rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wazuh;

impl Frontend for Wazuh {
    fn language(&self) -> Language {
        Language::Wazuh
    }

    fn read(&self, query: &Query<'_>, context: &dyn Context, budget: &mut Budget) -> Parsed {
        lower::lower(query, context, budget)
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        tokens::tokens(text)
    }
}
