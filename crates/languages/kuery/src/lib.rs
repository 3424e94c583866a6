//! Kibana Query Language and Lucene query strings in, conditions out.
//!
//! ```
//! use ruleatlas_core::{Frontend, NoContext, Query};
//! use ruleatlas_kuery::{Kuery, Lucene};
//!
//! let parsed = Kuery.parse(&Query::new("process.name:(cmd.exe or powershell*) and not user.id:S-1-5-18"), &NoContext);
//! let ops: Vec<_> = parsed.conditions[0].root.predicates().map(|predicate| predicate.op.name()).collect();
//! assert_eq!(ops, ["eq", "starts_with", "eq"]);
//!
//! let parsed = Lucene.parse(&Query::new("process.name:cmd.exe AND NOT user.id:[1 TO 9}"), &NoContext);
//! assert_eq!(parsed.conditions[0].root.predicates().count(), 3);
//! ```
//!
//! What the two languages mean is written down in Kibana's guide to the Kibana Query Language and in Elasticsearch's
//! reference of the `query_string` query. Both leave it to the index whether a field holds whole values (`keyword`)
//! or analysed text (`text`). An index mapping is not available here: a field holds whole values, compared with case,
//! unless its name is one of the few known text fields.
//!
//! A regular expression is for the whole value: its text stays the author's, and the modifier `anchored` says that it
//! has to be matched as `^(?:…)$`. The modifiers `prefix` and `suffix` are for terms that begin or end so, `fuzzy` and
//! `proximity` for Lucene's `~`.
//!
//! It scores nothing (boosts are read and left), it does not know which objects of a nested field belong together,
//! and it keeps a field name with wildcards as it is.

mod ast;
mod fields;
mod kuery;
mod lower;
mod lucene;
mod scan;

use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::{Condition, Language, Node};

use crate::{ast::Tree, scan::Scanner};

/// Nesting beyond this is opaque.
const DEPTH_LIMIT: u32 = 128;

/// The Kibana Query Language, as Kibana's search bar and its detection rules of language `kuery` take it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kuery;

impl Frontend for Kuery {
    fn language(&self) -> Language {
        Language::Kuery
    }

    fn read(&self, query: &Query<'_>, _context: &dyn Context, _budget: &mut Budget) -> Parsed {
        finish(kuery::parse(query.text), query)
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        kuery::parse(text).1.tokens
    }
}

/// Lucene's query-string syntax, as Elasticsearch's `query_string` query and detection rules of language `lucene`
/// take it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lucene;

impl Frontend for Lucene {
    fn language(&self) -> Language {
        Language::Lucene
    }

    fn read(&self, query: &Query<'_>, _context: &dyn Context, _budget: &mut Budget) -> Parsed {
        finish(lucene::parse(query.text), query)
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        lucene::parse(text).1.tokens
    }
}

fn finish((tree, scanner): (Tree, Scanner<'_>), query: &Query<'_>) -> Parsed {
    let mut diagnostics = scanner.diagnostics;
    let root = lower::lower(&tree, scanner.text, &mut diagnostics).unwrap_or_else(Node::always);
    let condition = Condition { sources: query.sources.to_vec(), ..Condition::new(root) };
    Parsed { conditions: vec![condition], diagnostics }
}
