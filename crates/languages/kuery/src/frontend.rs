use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query, Token};
use ruleatlas_model::{Condition, Diagnostic, Language, Node};

use crate::{ast::Tree, kuery, lower, lucene, scan::Scanner};

/// The Kibana Query Language, as Kibana's search bar and its detection rules of language `kuery` take it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kuery;

impl Frontend for Kuery {
    fn language(&self) -> Language {
        Language::Kuery
    }

    fn read(&self, query: &Query<'_>, _context: &dyn Context, _budget: &mut Budget) -> Parsed {
        finish(kuery::scan(query.text), query)
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        kuery::scan(text).1.tokens
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
        finish(lucene::scan(query.text), query)
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        lucene::scan(text).1.tokens
    }
}

fn finish((tree, scanner): (Tree, Scanner<'_>), query: &Query<'_>) -> Parsed {
    let mut diagnostics: Vec<Diagnostic> = scanner.errors.into_iter().map(Diagnostic::from).collect();
    let root = lower::lower(&tree, &mut diagnostics).unwrap_or_else(Node::always);
    let condition = Condition { sources: query.sources.to_vec(), ..Condition::new(root) };
    Parsed { conditions: vec![condition], diagnostics }
}
