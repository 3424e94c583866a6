use std::{io::Read as _, path::Path, process::ExitCode};

use anyhow::Context as _;
use ruleatlas_catalog::frontend;
use ruleatlas_core::{NoContext, Parsed, Query, roles};
use ruleatlas_model::{Condition, Diagnostic, Language, Modifiers, Op, ParseStatus, Predicate, Role, WrittenOp};
use serde::Serialize;

use crate::{args::Parse, output};

/// Queries longer than this were not written by hand.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What a query is parsed into.
#[derive(Serialize)]
struct Shown<'a> {
    language: Language,
    parse: ParseStatus,
    predicates: Vec<Shape<'a>>,
    diagnostics: &'a [Diagnostic],
    conditions: &'a [Condition],
}

#[derive(Serialize)]
struct Shape<'a> {
    step: u32,
    role: Role,
    op: Op,
    written_op: WrittenOp,
    negated: bool,
    group: Option<u32>,
    #[serde(flatten)]
    predicate: Flat<'a>,
}

/// A predicate without its operator.
#[derive(Serialize)]
struct Flat<'a> {
    raw_field: &'a str,
    values: &'a [String],
    case_sensitive: bool,
    #[serde(rename = "modifier")]
    modifiers: &'a Modifiers,
    stage: Option<u32>,
    span: ruleatlas_model::Span,
}

impl<'a> Flat<'a> {
    fn of(predicate: &'a Predicate) -> Self {
        Self {
            raw_field: &predicate.raw_field,
            values: &predicate.values,
            case_sensitive: predicate.case_sensitive,
            modifiers: &predicate.modifiers,
            stage: predicate.stage,
            span: predicate.span,
        }
    }
}

pub fn run(options: &Parse) -> anyhow::Result<ExitCode> {
    let text = read(options.file.as_deref())?;
    let parsed = query(options.language, &text)?;
    let predicates = roles(&parsed.conditions);
    let shapes = predicates.iter().map(|placed| Shape {
        step: placed.step,
        role: placed.role,
        op: placed.counted_op,
        written_op: placed.predicate.written_op(),
        negated: placed.shows_negation(),
        group: placed.group,
        predicate: Flat::of(placed.predicate),
    });
    output::json(&Shown {
        language: options.language,
        parse: parsed.status(),
        predicates: shapes.collect(),
        diagnostics: &parsed.diagnostics,
        conditions: &parsed.conditions,
    })?;
    Ok(ExitCode::from(u8::from(parsed.status() == ParseStatus::Failed)))
}

/// Parses a query or rule that stands alone.
pub fn query(language: Language, text: &str) -> anyhow::Result<Parsed> {
    Ok(frontend(language).parse(&Query::new(text), &NoContext))
}

/// The text of a file, or of standard input where none or `-` is named.
pub fn read(file: Option<&Path>) -> anyhow::Result<String> {
    let (name, bytes) = read_bytes(file)?;
    match ruleatlas_sources::decode(bytes) {
        Ok(decoded) => Ok(decoded.text),
        Err(error) => anyhow::bail!("{name}:{}: {}", error.line, error.reason),
    }
}

/// The name for messages and the bytes of a file, or of standard input where none or `-` is named.
pub fn read_bytes(file: Option<&Path>) -> anyhow::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let name = match file {
        Some(path) if path != Path::new("-") => {
            let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
            file.take(MAX_BYTES + 1).read_to_end(&mut bytes).with_context(|| path.display().to_string())?;
            path.display().to_string()
        }
        _ => {
            std::io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
            "standard input".to_owned()
        }
    };
    anyhow::ensure!(bytes.len() as u64 <= MAX_BYTES, "{name}: larger than {} MiB", MAX_BYTES / 1024 / 1024);
    Ok((name, bytes))
}
