//! Holds a draft rule against what the rules of a catalog have learned.
//!
//! A [`Checker`] over an open catalog reads a file in any of the catalog's formats, or a bare query, and gives
//! [`Finding`]s: each with a stable code of the table [`CODES`], a level, a place, what is wrong, what to do, and the
//! evidence. What it claims of conditions is proven or shown by an event that the evaluator confirms
//! (`ruleatlas-logic`); what it claims of the corpus is counted.
//!
//! ```no_run
//! use ruleatlas_check::{Checker, Config};
//! use ruleatlas_sources::SourceFile;
//! use ruleatlas_views::Atlas;
//!
//! let atlas = Atlas::open("catalog.db".as_ref())?;
//! let checker = Checker::new(&atlas, Config::default());
//! let file = SourceFile::from_bytes("draft.yml", std::fs::read("draft.yml")?);
//! for finding in checker.check(&file, None) {
//!     println!("{}:{}: {} {}", finding.file, finding.line, finding.code, finding.message);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It does not print, and knows no terminal, page or command line.

mod checks;
mod code;
mod draft;
mod finding;
mod hits;
mod locate;
mod neighbors;
mod sarif;
mod silence;
mod trials;

use std::cell::OnceCell;

use ruleatlas_catalog::{RuleFileError, RuleFiles, RuleId, frontend};
use ruleatlas_core::{NoContext, Query};
use ruleatlas_model::{Language, ParseStatus};
use ruleatlas_sources::SourceFile;
use ruleatlas_views::{Atlas, Statements};

use crate::{
    checks::Corpus,
    draft::{Draft, finding_at},
    locate::Text,
    neighbors::Neighbors,
};

pub use code::{CODES, Code, FAMILIES, Family, code, level_name, reference};
pub use finding::{Bypass, Evidence, Finding, Suggestion, Witness};
pub use hits::MeasuredHits;
pub use sarif::sarif;
pub use silence::{Config, ConfigError, read_level};
pub use trials::Trial;

/// Rules of one file that are checked.
const MAX_RULES: usize = 20_000;

/// Checks drafts against a catalog.
pub struct Checker<'a> {
    atlas: &'a Atlas,
    config: Config,
    known: Statements,
    hits: Option<MeasuredHits>,
}

impl<'a> Checker<'a> {
    /// Over an open catalog.
    #[must_use]
    pub fn new(atlas: &'a Atlas, config: Config) -> Self {
        Self { atlas, config, known: Statements::default(), hits: None }
    }

    /// The same with what rules hit in logs.
    #[must_use]
    pub fn with_hits(self, hits: MeasuredHits) -> Self {
        Self { hits: Some(hits), ..self }
    }

    /// What is to be said of the rules of a file that stands alone, in the order of the file. `language` says what is in
    /// it where the name does not.
    #[must_use]
    pub fn check(&self, file: &SourceFile, language: Option<Language>) -> Vec<Finding> {
        self.check_among(&RuleFiles::among(&[]), file, language)
    }

    /// The same of a file among others that its rules may ask for: macros, modules, lookups.
    #[must_use]
    pub fn check_among(&self, files: &RuleFiles<'_>, file: &SourceFile, language: Option<Language>) -> Vec<Finding> {
        let content = file.text().unwrap_or_default();
        let text = Text::new(content);
        let entries = match files.tagged_entries(file, language, &self.atlas.attack) {
            Ok(entries) => entries,
            Err(error) => return vec![unreadable(file, &text, &error)],
        };
        let mut findings = Vec::new();
        let lines: Vec<u32> = entries.iter().map(|entry| entry.rule.line).collect();
        let count = entries.len();
        for (at, entry) in entries.into_iter().take(MAX_RULES).enumerate() {
            let next = lines.get(at + 1..).and_then(|rest| rest.iter().copied().find(|line| *line > entry.rule.line));
            // Of several rules none has what stands above the others.
            let next = next.or((count > 1).then_some(u32::MAX));
            let draft = Draft::new(entry, &file.path, &text, next, &self.atlas.index, self.atlas.taxonomy);
            findings.extend(self.check_one(&draft));
        }
        findings
    }

    /// What is to be said of a rule of the catalog, held against the rest of it. Places are those of its query.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn check_rule(&self, rule: RuleId) -> Result<Vec<Finding>, ruleatlas_views::Error> {
        let Some(entry) = self.atlas.entry(rule)? else { return Ok(Vec::new()) };
        let (path, query) = (entry.rule.path.clone(), entry.rule.query.clone());
        let text = Text::new(&query);
        let draft = Draft::new(entry, &path, &text, None, &self.atlas.index, self.atlas.taxonomy);
        Ok(self.check_one(&draft))
    }

    /// The exclusions that rules like a rule of the catalog have and it has not: with measured hits those first that would have
    /// removed the most of its own, otherwise in the order of how alike the rules are that have them.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn exclusions_for(&self, rule: RuleId) -> Result<Vec<Suggestion>, ruleatlas_views::Error> {
        let Some(entry) = self.atlas.entry(rule)? else { return Ok(Vec::new()) };
        let (path, query) = (entry.rule.path.clone(), entry.rule.query.clone());
        let text = Text::new(&query);
        let draft = Draft::new(entry, &path, &text, None, &self.atlas.index, self.atlas.taxonomy);
        let corpus = self.corpus(&draft);
        Ok(checks::suggested_exclusions(&draft, &corpus))
    }

    fn check_one(&self, draft: &Draft<'_>) -> Vec<Finding> {
        let mut found = self.check_draft(draft);
        if draft.entry.rule.parse != ParseStatus::Full {
            suggest_language(draft, &mut found);
        }
        found.retain_mut(|finding| {
            let is_silenced = draft.comments.iter().any(|comment| comment.silences(finding.code))
                || self.config.silences(finding.code, draft.path, &finding.rule);
            let level = self.config.level(finding.code, finding.level);
            finding.level = level.unwrap_or(finding.level);
            !is_silenced && level.is_some()
        });
        found.sort_by(|a, b| (a.span[0], a.code, a.span[1]).cmp(&(b.span[0], b.code, b.span[1])));
        found
    }

    fn check_draft(&self, draft: &Draft<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let corpus = self.corpus(draft);
        checks::broken(draft, &corpus, &mut findings);
        let is_dead = checks::dead(draft, &corpus, &mut findings);
        if !is_dead {
            checks::noisy(draft, &corpus, &mut findings);
            checks::measured(draft, &corpus, &mut findings);
            checks::missing_exclusions(draft, &corpus, &mut findings);
            checks::unsafe_exclusions(draft, &corpus, &mut findings);
            checks::already_there(draft, &corpus, &mut findings);
            checks::techniques(draft, &corpus, &mut findings);
            checks::gaps(draft, &corpus, &mut findings);
        }
        findings
    }

    fn corpus<'c>(&'c self, draft: &'c Draft<'_>) -> Corpus<'c, 'a> {
        let profile = self.atlas.similarity().profile_of(&self.atlas.index, &draft.entry);
        let neighbors = Neighbors::new(self.atlas, profile, &draft.own);
        Corpus { atlas: self.atlas, neighbors, known: &self.known, hits: self.hits.as_ref(), selected: OnceCell::new() }
    }
}

/// A file that gives no rule.
fn unreadable(file: &SourceFile, text: &Text<'_>, error: &RuleFileError) -> Finding {
    let line = match error {
        RuleFileError::Unreadable { line, .. } => line.unwrap_or(1),
        _ => 1,
    };
    let message = error.to_string();
    let prefix = format!("{}: ", file.path);
    let message = message.strip_prefix(&prefix).unwrap_or(&message).to_owned();
    let help = match error {
        RuleFileError::UnknownEnding { .. } => "name the language with `--language`",
        RuleFileError::Unreadable { .. } => "correct the file's syntax",
        RuleFileError::NoRule { .. } => "give a rule in a format that the catalog reads, or a query with `--language`",
    };
    finding_at(code::NOT_UNDERSTOOD, &file.path, text, text.line(line), message, help.to_owned(), "")
}

/// Says in which language a text that is not understood is understood.
fn suggest_language(draft: &Draft<'_>, findings: &mut [Finding]) {
    const BARE: [Language; 7] = [
        Language::Kusto,
        Language::Spl,
        Language::Eql,
        Language::Esql,
        Language::Kuery,
        Language::Sigma,
        Language::Python,
    ];
    let rule = &draft.entry.rule;
    let Some(finding) = findings.iter_mut().find(|finding| finding.code == code::NOT_UNDERSTOOD) else { return };
    if rule.query.len() != draft.text.text.len() {
        return;
    }
    let is_read = |language: &Language| {
        *language != rule.language && {
            let parsed = frontend(*language).parse(&Query::new(&rule.query), &NoContext);
            parsed.status() == ParseStatus::Full
                && parsed.conditions.iter().flat_map(|step| step.root.predicates()).count() > 0
        }
    };
    if let Some(language) = BARE.into_iter().find(is_read) {
        finding.help = format!("the text is understood as {language}: check it with `--language {language}`");
    }
}
