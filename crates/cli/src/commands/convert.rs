use std::{borrow::Cow, fmt::Write as _, path::Path, process::ExitCode};

use anyhow::Context as _;
use ruleatlas_catalog::{Entry, RuleFileError, RuleFiles};
use ruleatlas_convert::{Conversion, Options, Refusal, Target, convert};
use ruleatlas_model::Rule;
use ruleatlas_sources::{SourceFile, companions};
use ruleatlas_taxonomy::Taxonomy;
use ruleatlas_views::conversion_json;

use super::{atlas, parse};
use crate::{
    args::Convert,
    output::{self, WrongCall, plain},
};

pub fn run(options: &Convert, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let names = match &options.fields {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
            Options::read(&text).with_context(|| format!("{} is no table of field names", path.display()))?
        }
        None => Options::default(),
    };
    let Some(target) = Target::of(options.to) else {
        let known: Vec<&str> = Target::ALL.iter().map(|target| target.language().name()).collect();
        let message = format!("rules are not converted to {}; they are to {}", options.to, known.join(", "));
        return Err(WrongCall(message).into());
    };
    let entry = entry(options, db)?;
    let rule = &entry.rule;
    let found = convert(rule, target, &names, Taxonomy::builtin());
    if options.json {
        let text = serde_json::to_string_pretty(&conversion_json(target, &found))? + "\n";
        match &options.output {
            Some(path) => {
                std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?
            }
            None => output::data(&text)?,
        }
        return Ok(ExitCode::from(u8::from(found.is_err())));
    }
    match found {
        Ok(conversion) => {
            let text = format!("{}\n", conversion.query.trim_end());
            match &options.output {
                Some(path) => {
                    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
                }
                None => output::data(&text)?,
            }
            output::say(format_args!("{}", plain(&about(rule, target, &conversion))));
            Ok(ExitCode::SUCCESS)
        }
        Err(refusals) => {
            output::say(format_args!("{}: not converted to {}", plain(&rule.id), target.title()));
            for refusal in &refusals {
                output::say(format_args!("{}", refused(rule, refusal)));
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

/// What a reader should know beside the query.
fn about(rule: &Rule, target: Target, conversion: &Conversion) -> String {
    let proof = &conversion.proof;
    let mut text = format!(
        "{} in {}: equal verdicts on {} events, of which {} are selected",
        rule.id,
        target.title(),
        proof.events,
        proof.selected
    );
    for note in &conversion.notes {
        let _ = write!(text, "\n  {note}");
    }
    text
}

/// A refusal with the place and the text that it is about.
fn refused(rule: &Rule, refusal: &Refusal) -> String {
    const MAX_SHOWN: usize = 120;
    let Some(span) = refusal.span else { return format!("  {}", plain(&refusal.why)) };
    let text = span.of(&rule.query).unwrap_or_default();
    let line = rule.query.get(..span.start as usize).map_or(1, |before| before.matches('\n').count() + 1);
    let head: Cow<'_, str> = match text.char_indices().nth(MAX_SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()).into(),
        None => text.into(),
    };
    format!(
        "  bytes {} to {}, line {line} of the query: {}\n    {}",
        span.start,
        span.end,
        plain(&refusal.why),
        plain(&head.replace('\n', " "))
    )
}

/// The rule of the catalog, or the first of a file.
fn entry(options: &Convert, db: Option<&Path>) -> anyhow::Result<Entry> {
    let path = Path::new(&options.rule);
    if !path.is_file() {
        return Ok(atlas(db)?.known_entry(&options.rule)?.1);
    }
    let file = SourceFile::from_bytes(&options.rule, parse::read_bytes(Some(path))?.1);
    let entries = match RuleFiles::among(&companions(path)).entries(&file, options.language) {
        Ok(entries) => entries,
        Err(error @ RuleFileError::UnknownEnding { .. }) => return Err(WrongCall(error.to_string()).into()),
        Err(error) => return Err(error.into()),
    };
    let count = entries.len();
    let Some(first) = entries.into_iter().next() else { anyhow::bail!("{}: no rule in it", options.rule) };
    if count > 1 {
        output::say(format_args!(
            "{}: the first of {count} rules is converted: {}",
            options.rule,
            plain(&first.rule.id)
        ));
    }
    Ok(first)
}
