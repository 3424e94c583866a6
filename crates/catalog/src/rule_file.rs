//! The rules of one file that belongs to no source: a draft, or a rule that somebody was sent.

use std::{fmt, sync::OnceLock};

use ruleatlas_core::{Context, NoContext};
use ruleatlas_model::{Attack, FileOutcome, Language, ParseStatus, Rule, Vendor};
use ruleatlas_sources::{Content, Draft, Format, SourceFile, format_of};
use ruleatlas_taxonomy::Taxonomy;

use crate::{
    Entry,
    build::{ParsedRule, Reader},
    is_query,
};

/// Why a file gives no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleFileError {
    /// The file's name does not say what is in it, and nobody did.
    #[error("{path}: the ending does not say which language this is; name it with `--language`")]
    UnknownEnding {
        /// The file.
        path: String,
    },
    /// It is no text.
    #[error("{path}{}: {reason}", line.map(|line| format!(":{line}")).unwrap_or_default())]
    Unreadable {
        /// The file.
        path: String,
        /// The one-based line.
        line: Option<u32>,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing in it is a rule.
    #[error("{path}: no rule in it: {reason}")]
    NoRule {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
}

/// How the rules of a file are laid out.
enum Layout {
    /// As the rules of these vendors, whichever has one in it.
    Formats(Vec<Vendor>),
    /// A query and nothing else.
    Query(Language),
}

impl Layout {
    /// What a file's ending says; `None` where it says nothing.
    fn of_extension(extension: &str) -> Option<Self> {
        if let Some(language) = Language::of_extension(extension) {
            return Some(Self::Query(language));
        }
        let takes = |vendor: &Vendor| format_of(*vendor, is_query).extensions().contains(&extension);
        let vendors: Vec<Vendor> = Vendor::ALL.iter().copied().filter(takes).collect();
        (!vendors.is_empty()).then_some(Self::Formats(vendors))
    }

    fn of_language(language: Language) -> Self {
        let info = language.info();
        if info.is_rule_file { Self::Formats(vec![info.vendor]) } else { Self::Query(language) }
    }
}

/// Reads files that belong to no source, among others that their rules may ask for: the module that a rule's YAML names,
/// helpers, macros, lookups.
///
/// What the others define is read once, when a file of a vendor's is read first.
pub struct RuleFiles<'a> {
    companions: &'a [SourceFile],
    contexts: Vec<(Vendor, OnceLock<Box<dyn Context + 'a>>)>,
}

impl fmt::Debug for RuleFiles<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleFiles").field("companions", &self.companions.len()).finish_non_exhaustive()
    }
}

impl<'a> RuleFiles<'a> {
    /// Among these files.
    #[must_use]
    pub fn among(companions: &'a [SourceFile]) -> Self {
        Self { companions, contexts: Vendor::ALL.iter().map(|vendor| (*vendor, OnceLock::new())).collect() }
    }

    /// The rules of a file, in their order. `language` says what is in it where the name does not, and overrides the
    /// name.
    ///
    /// # Errors
    /// It is no text, holds no rule, or nothing says which language it is in.
    pub fn entries(&self, file: &SourceFile, language: Option<Language>) -> Result<Vec<Entry>, RuleFileError> {
        Ok(self.read(file, language)?.into_iter().map(|rule| rule.entry).collect())
    }

    /// The same, their tags resolved to the techniques of ATT&CK.
    ///
    /// # Errors
    /// As [`entries`](Self::entries).
    pub fn tagged_entries(
        &self,
        file: &SourceFile,
        language: Option<Language>,
        attack: &Attack,
    ) -> Result<Vec<Entry>, RuleFileError> {
        Ok(self.read(file, language)?.into_iter().map(|rule| rule.resolved(attack)).collect())
    }

    fn context(&self, vendor: Vendor, format: &dyn Format) -> &dyn Context {
        let slot = self.contexts.iter().find(|(known, _)| *known == vendor);
        slot.map_or(&NoContext, |(_, context)| &**context.get_or_init(|| format.context(self.companions)))
    }

    fn read(&self, file: &SourceFile, language: Option<Language>) -> Result<Vec<ParsedRule>, RuleFileError> {
        let path = || file.path.clone();
        let text = match &file.content {
            Content::Text(text) => text,
            Content::Unreadable(reason, line) => {
                return Err(RuleFileError::Unreadable { path: path(), line: *line, reason: reason.clone() });
            }
            Content::Skipped(reason) => return Err(RuleFileError::NoRule { path: path(), reason: reason.clone() }),
        };
        let layout = match language {
            Some(language) => Layout::of_language(language),
            None => {
                Layout::of_extension(&file.extension()).ok_or_else(|| RuleFileError::UnknownEnding { path: path() })?
            }
        };
        let reader = Reader { source: "", license: None, taxonomy: Taxonomy::builtin() };
        let vendors = match layout {
            Layout::Query(language) => {
                let mut rule = Rule::blank(language.info().vendor, language, &file.path);
                rule.id.clone_from(&file.path);
                rule.query.clone_from(text);
                let draft = Draft { rule, tags: Vec::new(), tree: None, sources: Vec::new() };
                let format = format_of(language.info().vendor, is_query);
                let around = self.context(language.info().vendor, format.as_ref());
                let own = around.of_file(&file.path);
                return Ok(vec![reader.entry(draft, text, own.as_deref().unwrap_or(around))]);
            }
            Layout::Formats(vendors) => {
                let claims = |vendor: &Vendor| format_of(*vendor, is_query).claims(file);
                let claimed: Vec<Vendor> = vendors.iter().copied().filter(claims).collect();
                if claimed.is_empty() { vendors } else { claimed }
            }
        };
        let mut first = None;
        let mut partial: Option<Vec<ParsedRule>> = None;
        for vendor in vendors {
            let format = format_of(vendor, is_query);
            // A name as in a source: some formats look for rules in certain folders only.
            // The file itself may define what its rules ask for; where there are others, it is among them.
            let alone = self.companions.is_empty().then(|| format.context(std::slice::from_ref(file)));
            let context = alone.as_deref().unwrap_or_else(|| self.context(vendor, format.as_ref()));
            let (record, rules) = reader.file(file, Some(format.as_ref()), Some(context));
            let is_understood = |read: &ParsedRule| read.entry.rule.parse == ParseStatus::Full;
            if rules.is_empty() {
                first.get_or_insert(record);
            } else if rules.iter().all(is_understood) {
                return Ok(rules);
            } else {
                // Formats share keys: a query that is not understood may be in the language of another vendor, and what
                // is understood in part says more of the format than what is not at all.
                let has_failed =
                    |rules: &[ParsedRule]| rules.iter().any(|read| read.entry.rule.parse == ParseStatus::Failed);
                if partial.as_ref().is_none_or(|known| has_failed(known) && !has_failed(&rules)) {
                    partial = Some(rules);
                }
            }
        }
        if let Some(rules) = partial {
            return Ok(rules);
        }
        let reason = first.as_ref().and_then(|record| record.reason.clone()).unwrap_or_default();
        Err(match first {
            Some(record) if record.outcome == FileOutcome::Unreadable => {
                RuleFileError::Unreadable { path: path(), line: record.line, reason }
            }
            _ => RuleFileError::NoRule { path: path(), reason },
        })
    }
}

/// The rules of a file that stands alone.
///
/// # Errors
/// As [`RuleFiles::entries`].
pub fn rules_of_file(file: &SourceFile, language: Option<Language>) -> Result<Vec<Entry>, RuleFileError> {
    RuleFiles::among(&[]).entries(file, language)
}
