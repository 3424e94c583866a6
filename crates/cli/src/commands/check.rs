use std::{
    borrow::Cow,
    collections::HashMap,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
};

use annotate_snippets::{AnnotationKind, Group, Level as Title, Renderer, Snippet};
use anyhow::Context as _;
use rayon::prelude::*;
use ruleatlas_catalog::RuleFiles;
use ruleatlas_check::{Checker, Config, Finding, MeasuredHits, Suggestion, sarif};
use ruleatlas_hits::HitsReader;
use ruleatlas_model::{EventRef, Language, Level, Vendor};
use ruleatlas_sources::{Content, SourceFile, SourceKind, SourceSpec, companions, read_files};
use ruleatlas_views::Atlas;

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
    let mut drafts = Drafts::default();
    for path in &options.paths {
        drafts.read(path, options.language)?;
    }
    let Drafts { files, groups, .. } = drafts;
    let atlas = atlas(db)?;
    let mut checker = Checker::new(&atlas, config);
    if let Some(path) = &options.hits {
        checker = checker.with_hits(measured(path, &atlas)?);
    }
    let readers: Vec<RuleFiles<'_>> = groups.iter().map(|companions| RuleFiles::among(companions)).collect();
    let alone = RuleFiles::among(&[]);
    let report = Report::new();
    let done = AtomicUsize::new(0);
    let total = files.len();
    let checked: Vec<Vec<Finding>> = files
        .par_iter()
        .map(|Named { file, group, is_named }| {
            let reader = group.and_then(|group| readers.get(group)).unwrap_or(&alone);
            let mut findings = checker.check_among(reader, file, options.language);
            // In a folder there are other files, too.
            if !is_named && findings.iter().all(|finding| finding.rule.is_empty()) {
                findings.clear();
            }
            report.step("checking".to_owned(), done.fetch_add(1, Ordering::Relaxed) + 1, total);
            findings
        })
        .collect();
    drop(report);
    let text = match options.format {
        CheckFormat::Text if !options.json => files
            .iter()
            .zip(&checked)
            .map(|(named, findings)| {
                let text = named.file.text().unwrap_or_default();
                findings.iter().map(|finding| shown(finding, text)).collect::<String>()
            })
            .collect(),
        _ => String::new(),
    };
    let findings: Vec<Finding> = checked.into_iter().flatten().collect();
    match if options.json { CheckFormat::Json } else { options.format } {
        CheckFormat::Json => output::json(&findings)?,
        CheckFormat::Sarif => output::data(&(sarif(&findings) + "\n"))?,
        CheckFormat::Text => {
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

/// A file that is checked.
struct Named {
    file: SourceFile,
    /// The place of the files around it.
    group: Option<usize>,
    /// Whether it was named itself.
    is_named: bool,
}

/// The files that are checked, and those around them that rules may ask for.
#[derive(Default)]
struct Drafts {
    files: Vec<Named>,
    groups: Vec<Vec<SourceFile>>,
    /// The group of each folder of which files were named.
    by_folder: HashMap<PathBuf, usize>,
}

impl Drafts {
    /// Adds the files of a path.
    fn read(&mut self, path: &Path, language: Option<Language>) -> anyhow::Result<()> {
        if path.is_dir() {
            return self.read_folder(path);
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
        // Around standard input there is nothing.
        let group = path.is_file().then(|| {
            let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
            *self.by_folder.entry(folder).or_insert_with(|| {
                self.groups.push(companions(path));
                self.groups.len() - 1
            })
        });
        self.files.push(Named { file, group, is_named: true });
        Ok(())
    }

    fn read_folder(&mut self, path: &Path) -> anyhow::Result<()> {
        let spec = SourceSpec::new(SourceKind::Rules(Vendor::Sigma), path);
        let folder = path.to_string_lossy();
        let folder = folder.trim_end_matches(['/', '\\']);
        let files = read_files(&spec)?.into_iter();
        let inside: Vec<SourceFile> =
            files.map(|file| SourceFile { path: format!("{folder}/{}", file.path), ..file }).collect();
        let is_read = |file: &&SourceFile| {
            matches!(file.content, Content::Text(_)) && ENDINGS.contains(&file.extension().as_str())
        };
        let group = Some(self.groups.len());
        let checked = inside.iter().filter(is_read).cloned();
        self.files.extend(checked.map(|file| Named { file, group, is_named: false }));
        let prefix = format!("{folder}/");
        // What stands above the folder, but for what is inside of it.
        let above = companions(&path.join("rules")).into_iter().filter(|file| !file.path.starts_with(&prefix));
        self.groups.push(inside.into_iter().chain(above).collect());
        Ok(())
    }
}

/// What a hunt with the rules of this catalog, or with rules of files, found.
fn measured(path: &Path, atlas: &Atlas) -> anyhow::Result<MeasuredHits> {
    let reader = HitsReader::open(path)?;
    reader.expect_catalog(&atlas.fingerprint()?.unwrap_or_default())?;
    let mut hits = MeasuredHits::default();
    for rule in reader.rules()? {
        hits.add_rule(rule.id, rule.asked, rule.hits);
    }
    let mut has_hits = false;
    reader.for_each_hit(|hit| {
        has_hits = true;
        let event = EventRef { provider: hit.provider, event_id: hit.event_id };
        hit.candidate || hits.add_hit(hit.rule, (hit.file, hit.record), event, &hit.event)
    })?;
    if !has_hits {
        output::say(format_args!("{}: no rule hit anything, so that nothing is measured", path.display()));
    }
    Ok(hits)
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
        let removed = match suggestion.removed {
            Some(removed) => format!(", {} removed", counted(usize::try_from(removed).unwrap_or(usize::MAX), "hit")),
            None => String::new(),
        };
        format!("\n  {text}    ({} of {} rules{removed})", suggestion.rules, suggestion.of)
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
