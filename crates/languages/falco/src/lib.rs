//! Conditions of Falco rules in, conditions out.
//!
//! ```
//! use ruleatlas_core::{Frontend, NoContext, Query};
//! use ruleatlas_falco::Falco;
//!
//! let text = "evt.type in (open, openat) and fd.name startswith /etc/ and not proc.name = dpkg";
//! let parsed = Falco.parse(&Query::new(text), &NoContext);
//! let ops: Vec<_> = parsed.conditions[0].root.predicates().map(|predicate| predicate.op.name()).collect();
//! assert_eq!(ops, ["in", "starts_with", "eq"]);
//! ```
//!
//! The grammar is that of Falco's filters, and what an operator means is what Falco's pages on conditions say. A name is a
//! macro, and an item of a list that is not in quotes may be the name of another list: the [`Context`] gives a macro's
//! condition ([`Context::macro_definition`] without arguments) and a list's items ([`Context::lookup`], a table of one
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
mod glob;
mod lexer;
mod lower;
mod parser;

use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::{Condition, Diagnostic, Language};

/// The front end of Falco's conditions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Falco;

impl Frontend for Falco {
    fn language(&self) -> Language {
        Language::Falco
    }

    fn read(&self, query: &Query<'_>, context: &dyn Context, budget: &mut Budget) -> Parsed {
        let (tree, lexer) = parser::parse(query.text);
        let (root, mut diagnostics) = lower::lower(&tree, query.text, context, budget);
        diagnostics.splice(0..0, lexer.diagnostics);
        diagnostics.extend(budget.report());
        let condition = Condition { sources: query.sources.to_vec(), ..Condition::new(root) };
        Parsed { conditions: vec![condition], diagnostics }
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        parser::parse(text).1.tokens
    }
}

/// The tree of a condition, and what is wrong with its text.
#[must_use]
pub fn parse(text: &str) -> (ast::Expr, Vec<Diagnostic>) {
    let (tree, lexer) = parser::parse(text);
    (tree, lexer.diagnostics)
}

/// An item of a list as it is compared: a rules file may put it in quotes of its own, so that a condition can hold it.
#[must_use]
pub fn list_item(text: &str) -> &str {
    let text = text.trim();
    let inner = ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    inner.unwrap_or(text)
}
