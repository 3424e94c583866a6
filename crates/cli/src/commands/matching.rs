use std::{
    collections::{HashMap, HashSet},
    path::Path,
    process::ExitCode,
};

use ruleatlas_catalog::{RuleFileError, RuleFiles};
use ruleatlas_evaluate::{CompiledRule, Event, Verdict};
use ruleatlas_events::Shapes;
use ruleatlas_model::{Condition, Language};
use ruleatlas_sources::{SourceFile, companions};
use serde::Serialize;
use serde_json::Value;

use super::{atlas, parse};
use crate::{
    args::Match,
    log_summary,
    output::{self, WrongCall},
};

/// A rule to be asked.
struct Asked {
    id: String,
    rule: CompiledRule,
    /// The fields that its conditions name.
    fields: Vec<String>,
}

/// What a rule's condition says of an event.
#[derive(Serialize)]
struct Answer<'a> {
    /// The one-based line on which the event begins; its number where the file has no lines.
    line: u64,
    /// The event's number in the file, from 1.
    record: u64,
    rule: &'a str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<&'static str>,
}

pub fn run(options: &Match, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let rules = rules(&options.rule, options.language, db)?;
    let shape = log_summary::shape(options.shape.as_deref())?;
    let mut answers = Vec::new();
    let read = log_summary::records(std::slice::from_ref(&options.event), |record| {
        let line = record.line.unwrap_or(record.number);
        Shapes::builtin().events(record.value, shape, &mut |event| {
            let fields = Value::Object(event.fields);
            let event = Event::new(&fields);
            answers.extend(rules.iter().map(|asked| answer(line, record.number, asked, &event)));
        });
        Ok(())
    })?;
    if options.json {
        output::json(&answers)?;
    } else {
        // Where several events begin on one line, its number does not say which is meant.
        let mut first_of_line: HashMap<u64, u64> = HashMap::new();
        let mut shared: HashSet<u64> = HashSet::new();
        for answer in &answers {
            if *first_of_line.entry(answer.line).or_insert(answer.record) != answer.record {
                shared.insert(answer.line);
            }
        }
        let lines: Vec<String> =
            answers.iter().map(|answer| shown(answer, shared.contains(&answer.line), rules.len() > 1)).collect();
        output::text(&lines.concat())?;
    }
    Ok(ExitCode::from(u8::from(read.problems > 0)))
}

fn answer<'a>(line: u64, record: u64, asked: &'a Asked, event: &Event<'_>) -> Answer<'a> {
    let rule = &asked.rule;
    let verdict = rule.evaluate(event);
    let steps = if rule.steps() > 1 { rule.each(event).iter().map(Verdict::as_str).collect() } else { Vec::new() };
    let mut reasons: Vec<String> = match &verdict {
        Verdict::Unknown(reasons) => reasons.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    if verdict.as_str() == "fails" && !asked.fields.is_empty() && !asked.fields.iter().any(|field| event.has(field)) {
        let names: Vec<&str> = asked.fields.iter().take(5).map(String::as_str).collect();
        let more = if asked.fields.len() > names.len() { ", …" } else { "" };
        reasons.push(format!("the event has none of the rule's fields ({}{more})", names.join(", ")));
    }
    Answer { line, record, rule: &asked.id, verdict: verdict.as_str(), reasons, steps }
}

fn shown(answer: &Answer<'_>, names_record: bool, names_rule: bool) -> String {
    let verdict = match answer.verdict {
        "holds" => "holds",
        "fails" => "does not hold",
        _ => "cannot be known",
    };
    let why = if answer.reasons.is_empty() {
        String::new()
    } else {
        format!(": {}", output::plain(&answer.reasons.join("; ")))
    };
    let steps: Vec<String> = answer.steps.iter().enumerate().map(|(at, word)| format!("step {at} {word}")).collect();
    let steps = if steps.is_empty() { String::new() } else { format!(" ({})", steps.join(", ")) };
    let rule = if names_rule { format!("{}: ", output::plain(answer.rule)) } else { String::new() };
    let record = if names_record { format!(", record {}", answer.record) } else { String::new() };
    format!("line {}{record}: {rule}{verdict}{why}{steps}\n", answer.line)
}

/// The rules of a file, or a rule of the catalog.
fn rules(rule: &str, language: Option<Language>, db: Option<&Path>) -> anyhow::Result<Vec<Asked>> {
    let path = Path::new(rule);
    let entries = if path.is_file() {
        let file = SourceFile::from_bytes(rule, parse::read_bytes(Some(path))?.1);
        match RuleFiles::among(&companions(path)).entries(&file, language) {
            Ok(entries) => entries,
            Err(error @ RuleFileError::UnknownEnding { .. }) => return Err(WrongCall(error.to_string()).into()),
            Err(error) => return Err(error.into()),
        }
    } else {
        return Ok(vec![asked(rule, &atlas(db)?.rule(rule)?.entry.rule.conditions)]);
    };
    for diagnostic in entries.iter().flat_map(|entry| &entry.rule.diagnostics) {
        let line = diagnostic.line.map(|line| format!(":{line}")).unwrap_or_default();
        output::say(format_args!("{rule}{line}: {}", diagnostic.message));
    }
    let understood: Vec<Asked> = entries
        .iter()
        .filter(|entry| !entry.rule.conditions.is_empty())
        .map(|entry| asked(&entry.rule.id, &entry.rule.conditions))
        .collect();
    anyhow::ensure!(!understood.is_empty(), "{rule}: no condition was understood in it");
    Ok(understood)
}

fn asked(id: &str, conditions: &[Condition]) -> Asked {
    let mut fields: Vec<String> = Vec::new();
    for predicate in conditions.iter().flat_map(|condition| condition.root.predicates()) {
        let field = &predicate.raw_field;
        if !predicate.computed && !fields.contains(field) && fields.len() < MAX_FIELDS {
            fields.push(field.clone());
        }
    }
    // A keyword is looked for in every field.
    if fields.iter().any(String::is_empty) {
        fields.clear();
    }
    Asked { id: id.to_owned(), rule: CompiledRule::new(conditions), fields }
}

/// Fields of a rule that are looked for in an event that does not match.
const MAX_FIELDS: usize = 1000;
