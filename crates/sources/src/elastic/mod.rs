//! Elastic's detection rules: a TOML file holds one rule, or a hunt with a list of queries.
//!
//! The keys are those of Elastic's own rule format, whose fields Kibana's detection API documents by the same names.

mod filters;
mod hunt;
mod rule;
mod table;

use std::borrow::Cow;

use toml::de::DeTable;

use crate::{Draft, Format, Outcome, SourceFile, bounds};
use table::{File, Table};

/// The format of Elastic's rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ElasticRules;

impl Format for ElasticRules {
    fn read(&self, file: &SourceFile, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        let Some(text) = file.text() else { return Outcome::NotARule(Cow::Borrowed("no text")) };
        if file.extension() != "toml" {
            return Outcome::NotARule(Cow::Borrowed("no TOML file"));
        }
        if let Err(fault) = bounds::toml(text) {
            return Outcome::Unreadable(fault.message, Some(fault.line));
        }
        let line_ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        let source = File { text, path: &file.path, line_ends: &line_ends };
        let document = match DeTable::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                return Outcome::Unreadable(error.message().to_owned(), Some(source.line(at)));
            }
        };
        let document = Table(document.get_ref());
        if let Some(rule) = document.table("rule") {
            sink(rule::draft(source, document, rule));
        } else if let Some(hunt) = document.table("hunt") {
            if !hunt::drafts(source, hunt, sink) {
                return Outcome::NotARule(Cow::Borrowed("a hunt without a query"));
            }
        } else {
            return Outcome::NotARule(Cow::Borrowed("neither a rule nor a hunt in it"));
        }
        Outcome::Rules
    }
}
