use std::{
    borrow::Cow,
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
};

use annotate_snippets::{AnnotationKind, Group, Level as Title, Renderer, Snippet};
use anyhow::Context as _;
use rayon::prelude::*;
use ruleatlas_check::{Checker, Config, Finding, Suggestion, sarif};
use ruleatlas_model::{Language, Level, Vendor};
use ruleatlas_sources::{Content, SourceFile, SourceKind, SourceSpec, read_files};

use super::{atlas, parse};
use crate::{
    args::{Check, CheckFormat, FailOn},
    output::{self, WrongCall},
    progress::Report,
};

/// Endings of files in a folder that hold rules or queries.
const ENDINGS: [&str; 19] = [
    "yml", "yaml", "json", "jsonl", "ndjson", "toml", "conf", "tf", "bicep", "eql", "esql", "kuery", "lucene", "spl",
    "kql", "csl", "kusto", "py", "md",
];
/// Characters of a line that is shown.
const MAX_LINE: usize = 400;
/// Lines of a rule that are shown of one finding.
const MAX_LINES: usize = 8;

pub fn run(options: &Check, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let config = match &options.config {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
            Config::read(&text).with_context(|| format!("{} is no configuration of checks", path.display()))?
        }
        None => Config::default(),
    };
    let mut files = Vec::new();
    for path in &options.paths {
        files.extend(read(path, options.language)?);
    }
    let atlas = atlas(db)?;
    let checker = Checker::new(&atlas, config);
    let report = Report::new();
    let done = AtomicUsize::new(0);
    let total = files.len();
    let checked: Vec<Vec<Finding>> = files
        .par_iter()
        .map(|(file, is_named)| {
            let mut findings = checker.check(file, options.language);
            // In a folder there are other files, too.
            if !is_named && findings.iter().all(|finding| finding.rule.is_empty()) {
                findings.clear();
            }
            report.step("checking".to_owned(), done.fetch_add(1, Ordering::Relaxed) + 1, total);
            findings
        })
        .collect();
    drop(report);
    let findings: Vec<Finding> = checked.into_iter().flatten().collect();
    match if options.json { CheckFormat::Json } else { options.format } {
        CheckFormat::Json => output::json(&findings)?,
        CheckFormat::Sarif => output::data(&(sarif(&findings) + "\n"))?,
        CheckFormat::Text => {
            let mut text = String::new();
            for (file, _) in &files {
                let own = findings.iter().filter(|finding| finding.file == file.path);
                own.for_each(|finding| text.push_str(&shown(finding, file.text().unwrap_or_default())));
            }
            output::text(&text)?;
            let count = |level| findings.iter().filter(|finding| finding.level == level).count();
            output::say(format_args!(
                "{} in {}: {}, {}, {}",
                counted(findings.len(), "finding"),
                counted(total, "file"),
                counted(count(Level::Error), "error"),
                counted(count(Level::Warning), "warning"),
                counted(count(Level::Note), "note"),
            ));
        }
    }
    let fails = |finding: &Finding| match options.fail_on {
        FailOn::Note => true,
        FailOn::Warning => finding.level >= Level::Warning,
        FailOn::Error => finding.level >= Level::Error,
        FailOn::Never => false,
    };
    Ok(ExitCode::from(u8::from(findings.iter().any(fails))))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The files of a path, each with whether it was named itself.
fn read(path: &Path, language: Option<Language>) -> anyhow::Result<Vec<(SourceFile, bool)>> {
    if path.is_dir() {
        let spec = SourceSpec::new(SourceKind::Rules(Vendor::Sigma), path);
        let folder = path.to_string_lossy();
        let folder = folder.trim_end_matches(['/', '\\']);
        let is_read = |file: &SourceFile| {
            matches!(file.content, Content::Text(_)) && ENDINGS.contains(&file.extension().as_str())
        };
        let files = read_files(&spec)?.into_iter().filter(is_read);
        return Ok(files.map(|file| (SourceFile { path: format!("{folder}/{}", file.path), ..file }, false)).collect());
    }
    let (name, bytes) = parse::read_bytes(Some(path))?;
    let file = SourceFile::from_bytes(name, bytes);
    if language.is_none() && !ENDINGS.contains(&file.extension().as_str()) {
        return Err(WrongCall(format!(
            "{}: the ending does not say which language this is; name it with `--language`",
            file.path
        ))
        .into());
    }
    Ok(vec![(file, true)])
}

/// A finding with the lines of the rule that it is about.
fn shown(finding: &Finding, text: &str) -> String {
    let title = match finding.level {
        Level::Error => Title::ERROR,
        Level::Warning => Title::WARNING,
        Level::Note => Title::NOTE,
    };
    let message = output::plain(&finding.message);
    let mut report = vec![Group::with_title(title.primary_title(message.as_str()).id(finding.code))];
    let excerpt = excerpt(finding, text);
    let path = output::plain(&finding.file);
    if let Some((lines, first, span)) = &excerpt {
        let snippet = Snippet::source(lines.as_str()).line_start(*first).path(path.as_str());
        let group = report.remove(0);
        report.insert(0, group.element(snippet.annotation(AnnotationKind::Primary.span(span.clone()))));
    }
    let help = output::plain(&help(finding));
    report.push(Group::with_title(Title::HELP.secondary_title(help.as_str())));
    let mut shown = Renderer::styled().render(&report);
    if excerpt.is_none() {
        shown.push_str(&format!("\n  --> {path}:{}:{}", finding.line, finding.column));
    }
    let evidence = output::plain(&evidence(finding));
    format!("{shown}\n{evidence}\n")
}

/// What to do, with the lines that are ready to be pasted.
fn help(finding: &Finding) -> String {
    let line = |suggestion: &Suggestion| {
        let text = match suggestion.line.is_empty() {
            true => {
                format!("{} {} {}", suggestion.indicator.field, suggestion.indicator.op, suggestion.indicator.value)
            }
            false => suggestion.line.clone(),
        };
        format!("\n  {text}    ({} of {} rules)", suggestion.rules, suggestion.of)
    };
    let lines: String = finding.evidence.indicators.iter().map(line).collect();
    format!("{}{lines}", finding.help)
}

/// What a finding rests on, a line a fact.
fn evidence(finding: &Finding) -> String {
    let evidence = &finding.evidence;
    let mut lines = Vec::new();
    if !evidence.derivation.is_empty() {
        lines.push(format!("because: {}", evidence.derivation));
    }
    if !evidence.rules.is_empty() {
        lines.push(format!("rules: {}", evidence.rules.join(", ")));
    }
    if let Some(bypass) = &evidence.bypass {
        lines.push(format!("selected:     {}", bypass.before.to_json()));
        lines.push(format!("not selected: {}", bypass.after.to_json()));
    }
    if let Some(witness) = &evidence.witness {
        let by = match (witness.draft, witness.other) {
            (true, Some(false)) => "selected by the draft alone",
            (false, Some(true)) => "selected by the other rule alone",
            (true, _) => "selected",
            (false, _) => "not selected",
        };
        lines.push(format!("{by}: {}", witness.event.to_json()));
    }
    lines.iter().map(|line| format!("  = {line}\n")).collect()
}

/// The lines of a finding with the number of the first and the place in them; none of lines that are too long.
fn excerpt(finding: &Finding, text: &str) -> Option<(String, usize, std::ops::Range<usize>)> {
    let [start, end] = finding.span;
    let start = text.floor_char_boundary(start.min(text.len()));
    let end = text.ceil_char_boundary(end.clamp(start, text.len()));
    let first = text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
    let mut last = text.get(end..)?.find('\n').map_or(text.len(), |at| end + at);
    if let Some((at, _)) = text.get(first..last)?.match_indices('\n').nth(MAX_LINES) {
        last = first + at;
    }
    let lines = text.get(first..last)?;
    if lines.is_empty() || lines.lines().any(|line| line.len() > MAX_LINE) {
        return None;
    }
    let span = start - first..end.min(last) - first;
    Some((harmless(lines).into_owned(), finding.line as usize, span))
}

/// The text with characters that could change a terminal replaced by as many bytes.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_harmful = |character: char| {
        (character.is_control() && !matches!(character, '\n' | '\t'))
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let replaced = |character: char| match is_harmful(character) {
        true => "?".repeat(character.len_utf8()),
        false => character.to_string(),
    };
    Cow::Owned(text.chars().map(replaced).collect())
}
