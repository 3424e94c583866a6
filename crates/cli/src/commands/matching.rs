use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::ExitCode,
};

use anyhow::Context as _;
use ruleatlas_evaluate::{CompiledRule, Event, Verdict};
use ruleatlas_model::{Condition, Language};
use serde::Serialize;

use super::{atlas, parse};
use crate::{args::Match, output};

/// A line longer than this is no event.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// What a rule's condition says of an event.
#[derive(Serialize)]
struct Answer {
    line: usize,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<&'static str>,
}

pub fn run(options: &Match, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let conditions = conditions(&options.rule, db)?;
    let rule = CompiledRule::new(&conditions);
    let name = options.event.display().to_string();
    let input: Box<dyn BufRead> = if options.event == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(BufReader::new(std::fs::File::open(&options.event).with_context(|| name.clone())?))
    };
    let mut answers = Vec::new();
    let mut wrong = 0_u32;
    for (number, line) in input.lines().enumerate().map(|(at, line)| (at + 1, line)) {
        let line = line.with_context(|| format!("{name}:{number}"))?;
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            continue;
        }
        let event: serde_json::Value = match serde_json::from_str(line) {
            Ok(event) if line.len() <= MAX_LINE => event,
            Ok(_) => {
                wrong += 1;
                output::say(format_args!("{name}:{number}: longer than {} MiB", MAX_LINE / 1024 / 1024));
                continue;
            }
            Err(error) => {
                wrong += 1;
                output::say(format_args!("{name}:{number}: no JSON object: {error}"));
                continue;
            }
        };
        answers.push(answer(number, &rule, &event));
    }
    if options.json {
        output::json(&answers)?;
    } else {
        let lines: Vec<String> = answers.iter().map(shown).collect();
        output::text(&lines.concat())?;
    }
    Ok(ExitCode::from(u8::from(wrong > 0)))
}

fn answer(line: usize, rule: &CompiledRule, event: &serde_json::Value) -> Answer {
    let event = Event::new(event);
    let verdict = rule.evaluate(&event);
    let steps = if rule.steps() > 1 { rule.each(&event).iter().map(Verdict::word).collect() } else { Vec::new() };
    let reasons = match &verdict {
        Verdict::Unknown(reasons) => reasons.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    Answer { line, verdict: verdict.word(), reasons, steps }
}

fn shown(answer: &Answer) -> String {
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
    format!("line {}: {verdict}{why}{steps}\n", answer.line)
}

/// The conditions of a rule file, or of a rule in the catalog.
fn conditions(rule: &str, db: Option<&Path>) -> anyhow::Result<Vec<Condition>> {
    let path = Path::new(rule);
    if path.is_file() {
        let text = parse::read(Some(path))?;
        let parsed = parse::query(language_of(path), &text)?;
        for diagnostic in &parsed.diagnostics {
            let line = diagnostic.line.map(|line| format!(":{line}")).unwrap_or_default();
            output::say(format_args!("{rule}{line}: {}", diagnostic.message));
        }
        anyhow::ensure!(!parsed.conditions.is_empty(), "{rule}: no condition was understood in it");
        return Ok(parsed.conditions);
    }
    Ok(atlas(db)?.rule(rule)?.entry.rule.conditions)
}

/// The language that a file's ending stands for.
fn language_of(path: &Path) -> Language {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("eql") => Language::Eql,
        Some("esql") => Language::Esql,
        Some("spl") => Language::Spl,
        Some("kql" | "csl") => Language::Kusto,
        Some("py") => Language::Python,
        _ => Language::Sigma,
    }
}
