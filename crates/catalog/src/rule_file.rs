//! The rules of one file that belongs to no source: a draft, or a rule that somebody was sent.

use ruleatlas_core::NoContext;
use ruleatlas_model::{Language, Rule, Vendor};
use ruleatlas_sources::{Content, Draft, SourceFile, SourceKind, format_of};
use ruleatlas_taxonomy::Taxonomy;

use crate::{Entry, build::Reader, is_query};

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

/// How a file's ending says that its rules are laid out.
enum Layout {
    /// As the rules of these sources, whichever finds one.
    Formats(&'static [SourceKind]),
    /// A query and nothing else.
    Query(Language),
}

fn layout(extension: &str) -> Option<Layout> {
    use SourceKind::{Elastic, Kusto, Panther, Sigma, Splunk};
    Some(match extension {
        "yml" | "yaml" | "json" => Layout::Formats(&[Sigma, Splunk, Elastic, Kusto, Panther]),
        "toml" => Layout::Formats(&[Elastic]),
        "jsonl" | "ndjson" => Layout::Formats(&[Elastic, Sigma, Kusto]),
        "conf" => Layout::Formats(&[Splunk]),
        "tf" | "bicep" => Layout::Formats(&[Kusto]),
        "md" => Layout::Formats(&[Kusto, Splunk]),
        "eql" => Layout::Query(Language::Eql),
        "esql" => Layout::Query(Language::Esql),
        "kuery" => Layout::Query(Language::Kuery),
        "lucene" => Layout::Query(Language::Lucene),
        "spl" => Layout::Query(Language::Spl),
        "kql" | "klq" | "csl" | "kusto" | "func" => Layout::Query(Language::Kusto),
        "py" => Layout::Query(Language::Python),
        _ => return None,
    })
}

/// The rules of a file, in their order. `language` says what is in it where the name does not, and overrides the name.
///
/// # Errors
/// It is no text, holds no rule, or nothing says which language it is in.
pub fn rules_of_file(file: &SourceFile, language: Option<Language>) -> Result<Vec<Entry>, RuleFileError> {
    rules_of_file_among(file, &[], language)
}

/// The same for a file that may ask for others: the module that a rule's YAML names, helpers, macros, lookups.
///
/// # Errors
/// As [`rules_of_file`].
pub fn rules_of_file_among(
    file: &SourceFile,
    companions: &[SourceFile],
    language: Option<Language>,
) -> Result<Vec<Entry>, RuleFileError> {
    let path = || file.path.clone();
    let text = match &file.content {
        Content::Text(text) => text,
        Content::Unreadable(reason, line) => {
            return Err(RuleFileError::Unreadable { path: path(), line: *line, reason: reason.clone() });
        }
        Content::Skipped(reason) => return Err(RuleFileError::NoRule { path: path(), reason: reason.clone() }),
    };
    let layout = match language {
        Some(Language::Sigma) => Layout::Formats(&[SourceKind::Sigma]),
        Some(language) => Layout::Query(language),
        None => layout(&file.extension()).ok_or_else(|| RuleFileError::UnknownEnding { path: path() })?,
    };
    let reader = Reader { source: "", license: None, taxonomy: Taxonomy::builtin() };
    let kinds = match layout {
        Layout::Query(language) => {
            let mut rule = Rule::blank(vendor_of(language), language, &file.path);
            rule.id.clone_from(&file.path);
            rule.query.clone_from(text);
            let draft = Draft { rule, tags: Vec::new(), tree: None, sources: Vec::new() };
            let format = context_kind(language).and_then(|kind| format_of(kind, is_query));
            let around = format.as_deref().map(|format| format.context(companions));
            let around = around.as_deref().unwrap_or(&NoContext);
            let own = around.of_file(&file.path);
            return Ok(vec![reader.entry(draft, text, own.as_deref().unwrap_or(around)).entry]);
        }
        Layout::Formats(kinds) => kinds,
    };
    let mut first = None;
    for kind in kinds {
        let Some(format) = format_of(*kind, is_query) else { continue };
        // A name as in a source: some formats look for rules in certain folders only.
        let context = format.context(companions);
        let (record, rules) = reader.file(file, Some(format.as_ref()), Some(&*context));
        if !rules.is_empty() {
            return Ok(rules.into_iter().map(|rule| rule.entry).collect());
        }
        first.get_or_insert(record);
    }
    let reason = first.as_ref().and_then(|record| record.reason.clone()).unwrap_or_default();
    Err(match first {
        Some(record) if record.outcome == "unreadable" => {
            RuleFileError::Unreadable { path: path(), line: record.line, reason }
        }
        _ => RuleFileError::NoRule { path: path(), reason },
    })
}

/// The kind of source whose files a bare query of this language may ask for.
fn context_kind(language: Language) -> Option<SourceKind> {
    match language {
        Language::Spl => Some(SourceKind::Splunk),
        Language::Python | Language::PantherYaml => Some(SourceKind::Panther),
        _ => None,
    }
}

/// Whose names a bare query uses.
fn vendor_of(language: Language) -> Vendor {
    match language {
        Language::Sigma => Vendor::Sigma,
        Language::Eql | Language::Kuery | Language::Lucene | Language::Esql => Vendor::Elastic,
        Language::Spl => Vendor::Splunk,
        Language::Kusto => Vendor::Kusto,
        Language::Python | Language::PantherYaml => Vendor::Panther,
    }
}
