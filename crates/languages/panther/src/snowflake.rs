//! The front end of queries in Snowflake's SQL.

use ruleatlas_core::{Budget, Context, Frontend, Parsed, Query};
use ruleatlas_model::{Language, Span};
use ruleatlas_yaml::{Node as Yaml, Style, Value};

use crate::{sql, yaml::Report};

/// The front end of Snowflake's SQL: the filters of a query, a step for each table that is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Snowflake;

impl Frontend for Snowflake {
    fn language(&self) -> Language {
        Language::Snowflake
    }

    fn read(&self, query: &Query<'_>, _context: &dyn Context, budget: &mut Budget) -> Parsed {
        let text = query.text;
        // The query as a text of its own, as it stands in a rule's YAML elsewhere.
        let scalar = Yaml { value: Value::Scalar(text.into(), Style::Plain), start: 0, end: text.len(), line: 1 };
        let mut report = Report { text, base: 0, diagnostics: Vec::new(), budget };
        let mut conditions = sql::lower(&mut report, &scalar, Span::new(0, text.len()));
        let mut diagnostics = report.diagnostics;
        // A query has no file whose lines these would be.
        diagnostics.iter_mut().for_each(|diagnostic| diagnostic.line = None);
        for condition in &mut conditions {
            for source in query.sources {
                if !condition.sources.contains(source) {
                    condition.sources.push(source.clone());
                }
            }
        }
        Parsed { conditions, diagnostics }
    }
}
