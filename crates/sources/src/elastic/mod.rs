//! Elastic's detection rules: TOML files as Elastic keeps them (a rule, a behaviour rule of the endpoint, or a hunt with
//! a list of queries), what Kibana exports (`.ndjson`) and its API answers (JSON), and the same in YAML.
//!
//! The keys are those of Elastic's own rule format, whose fields Kibana's detection API documents by the same names.

mod exceptions;
mod filters;
mod hunt;
mod json;
mod language;
mod rule;
mod table;

use std::borrow::Cow;

use ruleatlas_model::Diagnostic;
use toml::{Spanned, de::DeTable, de::DeValue};

use crate::{Draft, Format, Outcome, SourceFile, bounds, ids::Ids, metadata};
use exceptions::Exceptions;
use table::{Data, File, Sink, Table, Value};

/// The format of Elastic's rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ElasticRules;

impl Format for ElasticRules {
    fn extensions(&self) -> &'static [&'static str] {
        &["toml", "json", "jsonl", "ndjson", "yml", "yaml"]
    }

    fn read(&self, file: &SourceFile, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        let Some(text) = file.text() else { return no_rule("no text") };
        // One byte-order mark is no part of the text.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let read = match file.extension().as_str() {
            "toml" => read_toml,
            "json" => json::read,
            "ndjson" | "jsonl" => json::read_lines,
            "yml" | "yaml" => read_yaml,
            _ => return no_rule("a kind of file that holds no rules"),
        };
        let line_ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        read(File { text, path: &file.path, line_ends: &line_ends }, sink)
    }
}

fn no_rule(reason: &'static str) -> Outcome {
    Outcome::NotARule(Cow::Borrowed(reason))
}

fn read_toml(file: File<'_>, sink: Sink<'_>) -> Outcome {
    if let Err(fault) = bounds::toml(file.text) {
        return Outcome::Unreadable(fault.message, Some(fault.line));
    }
    let document = match DeTable::parse(file.text) {
        Ok(document) => document,
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            return Outcome::Unreadable(error.message().to_owned(), Some(file.line(at)));
        }
    };
    let span = document.span();
    let document = Value::of_toml(Spanned::new(span, DeValue::Table(document.into_inner())));
    let Some(table) = document.table() else { return no_rule("neither a rule nor a hunt in it") };
    let mut rules = Rules::new(file, sink);
    // Keys without a table around them are a rule too, as Kibana's API writes one.
    if let Some(rule) = table.table("rule") {
        rules.add(Some(table), rule, 1, &mut Exceptions::default());
    } else if let Some(hunt) = table.table("hunt") {
        if !hunt::drafts(file, hunt, rules.sink) {
            return no_rule("a hunt without a query");
        }
    } else if rule::is_rule(table) {
        rules.add(None, table, 1, &mut Exceptions::default());
    } else {
        return no_rule("neither a rule nor a hunt in it");
    }
    Outcome::Rules
}

fn read_yaml(file: File<'_>, sink: Sink<'_>) -> Outcome {
    let parsed = match ruleatlas_yaml::parse(file.text) {
        Ok(parsed) => parsed,
        Err(error) => return Outcome::Unreadable(error.message, Some(error.line)),
    };
    let documents: Vec<Value<'_>> = parsed.documents.iter().map(Value::of_yaml).collect();
    let warnings = metadata::warnings(&parsed);
    read_documents(file, &documents, warnings, Vec::new(), sink)
}

/// Hands over the rules of documents, each of which is a rule, a list of them, or an answer with a list of them; then
/// those of which only `faults` are known.
fn read_documents(
    file: File<'_>,
    documents: &[Value<'_>],
    warnings: Vec<Diagnostic>,
    faults: Vec<Draft<'_>>,
    sink: Sink<'_>,
) -> Outcome {
    let records: Vec<&Value<'_>> = documents.iter().flat_map(records).collect();
    let mut exceptions = Exceptions::among(records.iter().copied());
    let mut rules = Rules::new(file, sink);
    rules.warnings = warnings;
    for record in records {
        let Some(table) = record.table() else { continue };
        let line = file.line(record.at);
        if let Some(rule) = table.table("rule").filter(|rule| rule::is_rule(*rule)) {
            rules.add(Some(table), rule, line, &mut exceptions);
        } else if let Some(rule) = table.table("attributes").filter(|rule| rule::is_rule(*rule)) {
            // A saved object, as the package of prebuilt rules has them.
            rules.add(None, rule, line, &mut exceptions);
        } else if rule::is_rule(table) {
            rules.add(None, table, line, &mut exceptions);
        }
    }
    faults.into_iter().for_each(|draft| rules.hand_over(draft));
    if rules.ids.is_empty() { no_rule("no detection rule in it") } else { Outcome::Rules }
}

/// The records of a document: its own, the members of a list, or those of the list in an answer.
fn records<'v, 'a>(document: &'v Value<'a>) -> &'v [Value<'a>] {
    match &document.data {
        Data::Table(table) => ["data", "rules"]
            .into_iter()
            .find_map(|key| table.get(key).filter(|value| matches!(value.data, Data::List(_))))
            .unwrap_or(document)
            .items(),
        _ => document.items(),
    }
}

/// The rules of a file, on their way out.
struct Rules<'f, 's> {
    file: File<'f>,
    sink: Sink<'s>,
    /// What was said of the file, which the first rule carries.
    warnings: Vec<Diagnostic>,
    ids: Ids,
}

impl<'f, 's> Rules<'f, 's> {
    fn new(file: File<'f>, sink: Sink<'s>) -> Self {
        Self { file, sink, warnings: Vec::new(), ids: Ids::default() }
    }

    fn add(
        &mut self,
        document: Option<Table<'_, '_>>,
        rule: Table<'_, '_>,
        line: u32,
        exceptions: &mut Exceptions<'_, '_>,
    ) {
        let mut draft = rule::draft(self.file, document, rule, line, exceptions);
        draft.rule.diagnostics.append(&mut self.warnings);
        self.hand_over(draft);
    }

    fn hand_over(&mut self, mut draft: Draft<'_>) {
        self.ids.tell_apart(&mut draft.rule);
        (self.sink)(draft);
    }
}
