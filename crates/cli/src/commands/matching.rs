use std::{io::Read as _, path::Path, process::ExitCode};

use anyhow::Context as _;
use ruleatlas_catalog::{RuleFileError, rules_of_file};
use ruleatlas_evaluate::{CompiledRule, Event, Verdict};
use ruleatlas_model::{Condition, Language};
use ruleatlas_sources::{Content, SourceFile};
use serde::Serialize;

use super::{atlas, parse};
use crate::{
    args::Match,
    output::{self, WrongCall},
    records,
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
    /// The one-based line on which the event begins.
    line: usize,
    /// The event's number in the file, from 1.
    record: usize,
    rule: &'a str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<&'static str>,
}

pub fn run(options: &Match, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let rules = rules(&options.rule, options.language, db)?;
    let (name, text) = read(&options.event)?;
    let mut answers = Vec::new();
    let mut wrong = 0_u32;
    for (number, record) in (1..).zip(records::read(&text)) {
        match &record.event {
            Ok(event) => {
                let event = Event::new(event);
                answers.extend(rules.iter().map(|asked| answer(record.line, number, asked, &event)));
            }
            Err(reason) => {
                wrong += 1;
                output::say(format_args!("{name}:{}: {reason}", record.line));
            }
        }
    }
    if options.json {
        output::json(&answers)?;
    } else {
        let lines: Vec<String> = answers.iter().map(|answer| shown(answer, rules.len() > 1)).collect();
        output::text(&lines.concat())?;
    }
    Ok(ExitCode::from(u8::from(wrong > 0)))
}

fn answer<'a>(line: usize, record: usize, asked: &'a Asked, event: &Event<'_>) -> Answer<'a> {
    let rule = &asked.rule;
    let verdict = rule.evaluate(event);
    let steps = if rule.steps() > 1 { rule.each(event).iter().map(Verdict::word).collect() } else { Vec::new() };
    let mut reasons: Vec<String> = match &verdict {
        Verdict::Unknown(reasons) => reasons.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    if verdict.word() == "fails" && !asked.fields.is_empty() && !asked.fields.iter().any(|field| event.has(field)) {
        let names: Vec<&str> = asked.fields.iter().take(5).map(String::as_str).collect();
        let more = if asked.fields.len() > names.len() { ", …" } else { "" };
        reasons.push(format!("the event has none of the rule's fields ({}{more})", names.join(", ")));
    }
    Answer { line, record, rule: &asked.id, verdict: verdict.word(), reasons, steps }
}

fn shown(answer: &Answer<'_>, names_rule: bool) -> String {
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
    format!("line {}: {rule}{verdict}{why}{steps}\n", answer.line)
}

/// The rules of a file, or a rule of the catalog.
fn rules(rule: &str, language: Option<Language>, db: Option<&Path>) -> anyhow::Result<Vec<Asked>> {
    let path = Path::new(rule);
    let entries = if path.is_file() {
        let file = SourceFile::from_bytes(rule, parse::read_bytes(Some(path))?.1);
        match rules_of_file(&file, language) {
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

/// A file's name for messages, and its text.
fn read(path: &Path) -> anyhow::Result<(String, String)> {
    let mut bytes = Vec::new();
    let is_stdin = path == Path::new("-");
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    if is_stdin {
        std::io::stdin().lock().take(records::MAX_BYTES + 1).read_to_end(&mut bytes)?;
    } else {
        let file = std::fs::File::open(path).with_context(|| name.clone())?;
        file.take(records::MAX_BYTES + 1).read_to_end(&mut bytes).with_context(|| name.clone())?;
    }
    let limit = records::MAX_BYTES / 1024 / 1024;
    anyhow::ensure!(bytes.len() as u64 <= records::MAX_BYTES, "{name}: larger than {limit} MiB");
    match SourceFile::from_bytes(name.as_str(), bytes).content {
        Content::Text(text) => Ok((name, text)),
        Content::Unreadable(reason, line) => {
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            anyhow::bail!("{name}{line}: {reason}")
        }
        Content::Skipped(reason) => anyhow::bail!("{name}: {reason}"),
    }
}
