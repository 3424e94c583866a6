//! Rules in JSON: one, a list, an answer of Kibana's API (`{"data": […]}`), and Kibana's export with a record a line,
//! which also holds exceptions and ends with a summary.

use ruleatlas_model::{Diagnostic, Language, ParseStatus, Rule, Vendor};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    no_rule, read_documents,
    table::{File, Sink, Value},
};
use crate::{Draft, Outcome};

/// An answer with a list of rules in it.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, alias = "rules")]
    data: Vec<&'a RawValue>,
}

/// Whether a text may hold a rule: others need not be taken apart.
fn may_hold_a_rule(text: &str) -> bool {
    ["\"query\"", "\"rule_id\"", "\"machine_learning_job_id\""].iter().any(|key| text.contains(key))
}

pub(super) fn read(file: File<'_>, sink: Sink<'_>) -> Outcome {
    if !may_hold_a_rule(file.text) {
        return no_rule("no detection rule in it");
    }
    // The members of a list are found first, as they know where they stand.
    let members = match file.text.trim_start().as_bytes().first() {
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(file.text),
        _ => serde_json::from_str::<Answer<'_>>(file.text)
            .map(|answer| answer.data)
            .or_else(|_| serde_json::from_str::<&RawValue>(file.text).map(|record| vec![record])),
    };
    let members = match members {
        Ok(members) => members,
        // A record a line, under the wrong ending.
        Err(error) if error.line() > 1 && is_lines(file.text) => return read_lines(file, sink),
        Err(error) => return Outcome::Unreadable(error.to_string(), u32::try_from(error.line()).ok()),
    };
    let mut documents = Vec::with_capacity(members.len());
    for member in members {
        let at = (member.get().as_ptr() as usize).saturating_sub(file.text.as_ptr() as usize);
        match serde_json::from_str(member.get()) {
            Ok(value) => documents.push(Value::of_json(value, at)),
            Err(error) => {
                let line = file.line(at).saturating_add(u32::try_from(error.line()).unwrap_or(1).saturating_sub(1));
                return Outcome::Unreadable(error.to_string(), Some(line));
            }
        }
    }
    read_documents(file, &documents, Vec::new(), Vec::new(), sink)
}

/// Whether the first line is a record by itself.
fn is_lines(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    first.starts_with('{') && serde_json::from_str::<&RawValue>(first).is_ok()
}

pub(super) fn read_lines(file: File<'_>, sink: Sink<'_>) -> Outcome {
    let mut read: Vec<Value<'_>> = Vec::new();
    let mut faults: Vec<(u32, serde_json::Error)> = Vec::new();
    let mut at = 0;
    for line in file.text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        match serde_json::from_str(line) {
            Ok(value) => read.push(Value::of_json(value, start)),
            Err(error) => faults.push((file.line(start), error)),
        }
    }
    if let (true, Some((line, error))) = (read.is_empty(), faults.first()) {
        return Outcome::Unreadable(error.to_string(), Some(*line));
    }
    // A line that is cut off may have held a rule: it is not left out without a word.
    let faults = faults.iter().map(|(line, error)| unreadable(file, *line, error)).collect();
    read_documents(file, &read, Vec::new(), faults, sink)
}

/// A rule of which nothing but its line is known.
fn unreadable<'d>(file: File<'_>, line: u32, error: &serde_json::Error) -> Draft<'d> {
    let mut rule = Rule::blank(Vendor::Elastic, Language::Kuery, file.path);
    rule.id = format!("{}/{}:{line}", Vendor::Elastic, file.path);
    rule.line = line;
    rule.title = format!("line {line} of {}", file.path);
    rule.parse = ParseStatus::Failed;
    let message = format!("the line is no JSON: {error}");
    rule.diagnostics.push(Diagnostic::error("record not read", message).on_line(line));
    Draft { rule, tags: Vec::new(), tree: None, sources: Vec::new() }
}
