//! ES|QL queries in, conditions out.
//!
//! ```
//! use ruleatlas_core::{Frontend, NoContext, Query};
//! use ruleatlas_esql::Esql;
//!
//! let text = "from logs-* | eval name = to_lower(process.name) | where name == \"cmd.exe\" and user.id is not null";
//! let parsed = Esql::new().parse(&Query::new(text), &NoContext);
//! let condition = &parsed.conditions[0];
//! assert_eq!(condition.sources[0].name, "logs-*");
//! let names: Vec<_> = condition.root.predicates().map(|predicate| predicate.raw_field.as_str()).collect();
//! assert_eq!(names, ["process.name", "user.id"]);
//! ```
//!
//! Every `where` is one more demand on the event. Names made on the way are followed back to the fields they stand
//! for; what was aggregated is compared as something computed. A null makes a comparison null, and that selects
//! nothing (Elasticsearch's page on null values in ES|QL).
//!
//! `rlike` is for the whole value: its text stays the author's, and the modifier `anchored` says that it has to be
//! matched as `^(?:…)$`. The modifier `fuzzy` is for a full-text search with `fuzziness`, `url_decode` for a field whose
//! decoded value is compared, `expand` for a value that is a parameter.
//!
//! It runs nothing. Columns that a lookup join adds are taken for the event's own; a condition that only an aggregate
//! has (`count(*) where …`) is said in a note and no demand; so are none the restrictions of `@timestamp`. Queries in
//! `kql("…")` and `qstr("…")` are read by the front ends that it is given ([`Esql::with_kuery`],
//! [`Esql::with_lucene`]), as it knows no other language itself.

mod ast;
mod cut;
mod embedded;
mod expression;
mod function;
mod lexer;
mod lower;
mod parser;

use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::Language;

/// Nesting beyond this is not read.
const DEPTH_LIMIT: u32 = 128;

/// ES|QL, Elasticsearch's piped language, as detection rules of language `esql` and hunting queries take it.
#[derive(Clone, Copy, Default)]
pub struct Esql<'a> {
    kuery: Option<&'a dyn Frontend>,
    lucene: Option<&'a dyn Frontend>,
}

impl<'a> Esql<'a> {
    /// The language without any other inside it: `kql` and `qstr` are opaque.
    #[must_use]
    pub const fn new() -> Self {
        Self { kuery: None, lucene: None }
    }

    /// Reads the text in `kql("…")` with `language`.
    #[must_use]
    pub const fn with_kuery(self, language: &'a dyn Frontend) -> Self {
        Self { kuery: Some(language), ..self }
    }

    /// Reads the text in `qstr("…")` with `language`.
    #[must_use]
    pub const fn with_lucene(self, language: &'a dyn Frontend) -> Self {
        Self { lucene: Some(language), ..self }
    }
}

impl Frontend for Esql<'_> {
    fn language(&self) -> Language {
        Language::Esql
    }

    fn read(&self, query: &Query<'_>, _context: &dyn Context, budget: &mut Budget) -> Parsed {
        let (stages, mut diagnostics) = parser::parse(query.text);
        let (mut conditions, more) = lower::lower(&stages, query.text, self, budget);
        for condition in &mut conditions {
            condition.sources.extend_from_slice(query.sources);
        }
        diagnostics.extend(more);
        Parsed { conditions, diagnostics }
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        lexer::colours(text)
    }
}
