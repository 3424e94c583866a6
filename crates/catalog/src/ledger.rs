use std::collections::{BTreeMap, BTreeSet};

use ruleatlas_model::{Diagnostic, FaultKind, FileOutcome, Language, Level, ParseStatus, Rule};
use serde::Serialize;

use crate::{Catalog, Entry, Head, RuleId, unit_tests};

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileRecord {
    /// The source's name.
    pub source: String,
    /// The path inside the source.
    pub path: String,
    /// What was found in it.
    pub outcome: FileOutcome,
    /// Why, where it holds no rules.
    pub reason: Option<String>,
    /// The one-based line, where there is one.
    pub line: Option<u32>,
    /// How many rules it holds.
    pub rules: u32,
    /// Whether it looks like a file with a query, and holds no rule.
    pub looks_like_query: bool,
}

/// The parse ledger: every file and every rule accounted for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// A row a source.
    pub sources: Vec<LedgerSource>,
    /// Every rule that is not `full`, and every unreadable file: why, and where.
    pub faults: Vec<LedgerFault>,
    /// Every file without a rule that looks like a query: why, and where.
    pub unread_queries: Vec<UnreadQuery>,
    /// Every rule whose id another has as well, and every key that a file has twice.
    pub contradictions: Vec<LedgerContradiction>,
    /// A row a source and parse status of rules that bring unit tests; see [`Ledger::add_unit_tests`].
    pub unit_tests: Vec<LedgerTests>,
    /// Every unit test on which the condition of a rule that is not `failed` says something else than its author.
    pub disagreements: Vec<LedgerDisagreement>,
    /// A row a vendor: of how many rules it is known what they read; see [`Ledger::add_recognition`].
    pub recognition: Vec<LedgerRecognition>,
}

/// Of how many rules of a vendor it is known what they read, and of how many compared fields which they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LedgerRecognition {
    /// The vendor.
    pub vendor: &'static str,
    /// All its rules, those outside the counts too.
    pub rules: u64,
    /// Rules with a log source.
    pub with_log_source: u64,
    /// Rules with a platform.
    pub with_platform: u64,
    /// Rules with an event.
    pub with_event: u64,
    /// Rules that read a source of which nothing is known.
    pub unknown_source: u64,
    /// Comparisons of a field: not of keywords, of what is computed, or of what was cut out of another field.
    pub fields: u64,
    /// Those of them whose field has a canonical name.
    pub mapped_fields: u64,
}

/// The phrase of what a build wrote and nobody can read any more.
const UNREADABLE_IN_CATALOG: &str = "unreadable in the catalog";

/// The diagnostic of a rule that reads a source of which nothing is known.
pub const UNKNOWN_SOURCE: &str = "unknown source";

/// The ledger of one source. `files` is the sum of the three numbers behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LedgerSource {
    /// The source's name.
    pub source: String,
    /// Files on disk.
    pub files: u64,
    /// Files that hold rules.
    pub with_rules: u64,
    /// Files that hold none.
    pub not_a_rule: u64,
    /// Files that could not be read.
    pub unreadable: u64,
    /// Why files hold no rule, with their number.
    pub reasons: BTreeMap<String, u64>,
    /// Files that hold no rule and look like queries.
    pub unread_queries: u64,
    /// Rules, the sum of the parse statuses.
    pub rules: u64,
    /// Rules outside the counts: deprecated, unsupported, filters, policies, baselines, insights.
    pub not_counted: u64,
    /// Rules by language and parse status.
    pub parse: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// What was said of rules, by phrase, with the number of rules.
    pub diagnostics: BTreeMap<String, u64>,
}

/// A file that looks like a query, and of which no rule was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UnreadQuery {
    /// The source's name.
    pub source: String,
    /// The path inside the source.
    pub path: String,
    /// Why it holds no rule.
    pub reason: String,
}

/// Where a file contradicts another or itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LedgerContradiction {
    /// The source's name.
    pub source: String,
    /// The path inside the source.
    pub path: String,
    /// The one-based line in the file.
    pub line: Option<u32>,
    /// The rule's id.
    pub rule: String,
    /// A short phrase that groups alike cases.
    pub phrase: String,
    /// What is said of it.
    pub message: String,
}

impl LedgerContradiction {
    /// The source, file and line.
    #[must_use]
    pub fn place(&self) -> String {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}/{}{line}", self.source, self.path)
    }

    fn of(id: &str, source: &str, path: &str, diagnostic: &Diagnostic) -> Self {
        Self {
            source: source.to_owned(),
            path: path.to_owned(),
            line: diagnostic.line,
            rule: id.to_owned(),
            phrase: diagnostic.code.clone().into_owned(),
            message: diagnostic.message.clone(),
        }
    }
}

/// A rule or file that was not understood as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LedgerFault {
    /// The source's name.
    pub source: String,
    /// The path inside the source.
    pub path: String,
    /// The one-based line in the file.
    pub line: Option<u32>,
    /// The rule's id; `None` for a file.
    pub rule: Option<String>,
    /// How far it falls short.
    pub parse: FaultKind,
    /// A short phrase that groups alike cases.
    pub phrase: String,
    /// Why.
    pub reason: String,
}

/// What conditions say of the unit tests that the rules of a source and parse status bring along. `tests` is the sum of
/// the four numbers behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerTests {
    /// The source's name.
    pub source: String,
    /// The rules' parse status.
    pub parse: ParseStatus,
    /// Rules that bring tests.
    pub rules: u64,
    /// Their tests.
    pub tests: u64,
    /// Tests on which condition and author agree.
    pub agree: u64,
    /// Tests on which they do not.
    pub differ: u64,
    /// Tests that the condition cannot decide, because a part of the rule was not understood.
    pub unknown: u64,
    /// Tests on which the two differ or nothing can be known, and may: the test replaces functions of the rule's
    /// module, or needs a method of a data model that is not followed.
    pub apart: u64,
}

/// A unit test on which a rule's condition does not say what the test expects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LedgerDisagreement {
    /// The source's name.
    pub source: String,
    /// The rule's path inside the source.
    pub path: String,
    /// The rule's id.
    pub rule: String,
    /// The rule's parse status.
    pub parse: ParseStatus,
    /// The test's name.
    pub test: String,
    /// Whether the rule is to fire.
    pub expected: bool,
    /// Whether it does; null where that cannot be known.
    pub found: Option<bool>,
    /// Why it cannot be known.
    pub reason: String,
}

impl Ledger {
    /// The ledger of a catalog.
    #[must_use]
    pub fn of(catalog: &Catalog) -> Self {
        Self::from_parts(&catalog.files, catalog.entries.iter())
    }

    /// The ledger of file records and rules.
    #[must_use]
    pub fn from_parts<'a>(files: &[FileRecord], entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut rows = Rows::of(files);
        for Entry { rule, .. } in entries {
            let row = rows.add(&rule.source, rule.is_counted(), rule.language, rule.parse);
            let codes: BTreeSet<&str> = rule.diagnostics.iter().map(|diagnostic| diagnostic.code.as_ref()).collect();
            for code in codes {
                *row.diagnostics.entry(code.to_owned()).or_default() += 1;
            }
            rows.fault(rule);
            let said = rule.diagnostics.iter().filter(|diagnostic| diagnostic.is_contradiction());
            rows.contradictions
                .extend(said.map(|said| LedgerContradiction::of(&rule.id, &rule.source, &rule.path, said)));
        }
        rows.ledger()
    }

    /// The same from what an index has in memory: all rules, what is said of them (each code once a rule), where they
    /// contradict each other, and the rules that are not `full`.
    #[must_use]
    pub fn from_heads<'a>(
        files: &[FileRecord],
        heads: &[Head],
        codes: &[(RuleId, String)],
        contradictions: &[(RuleId, Diagnostic)],
        faulty: impl Iterator<Item = &'a Entry>,
    ) -> Self {
        let mut rows = Rows::of(files);
        for head in heads {
            rows.add(&head.source, head.is_counted(), head.language, head.parse);
        }
        for (rule, code) in codes {
            let Some(head) = heads.get(*rule as usize) else { continue };
            let row = rows.sources.entry(head.source.clone()).or_default();
            *row.diagnostics.entry(code.clone()).or_default() += 1;
        }
        for (rule, said) in contradictions {
            let Some(head) = heads.get(*rule as usize) else { continue };
            rows.contradictions.push(LedgerContradiction::of(&head.id, &head.source, &head.path, said));
        }
        faulty.for_each(|entry| rows.fault(&entry.rule));
        rows.ledger()
    }

    /// Adds a rule of which the catalog itself cannot be read.
    pub fn add_unreadable(&mut self, head: &Head, reason: String) {
        self.add_damage(head.source.clone(), head.path.clone(), Some(head.id.clone()), reason);
    }

    /// Adds a row of the catalog that cannot be read and was left out: where it stands, and the rule whose row it is.
    pub fn add_damaged_row(&mut self, table: &str, row: &str, rule: Option<String>, reason: String) {
        self.add_damage("catalog".to_owned(), format!("table {table}, row {row}"), rule, reason);
    }

    fn add_damage(&mut self, source: String, path: String, rule: Option<String>, reason: String) {
        let phrase = UNREADABLE_IN_CATALOG.to_owned();
        self.faults.push(LedgerFault { source, path, line: None, rule, parse: FaultKind::Unreadable, phrase, reason });
        self.faults.sort();
    }

    /// Whether something of the catalog itself cannot be read.
    #[must_use]
    pub fn is_catalog_damaged(&self) -> bool {
        self.count_damaged() > 0
    }

    /// How many rules and files of the catalog itself cannot be read.
    #[must_use]
    pub fn count_damaged(&self) -> usize {
        self.faults.iter().filter(|fault| fault.phrase == UNREADABLE_IN_CATALOG).count()
    }

    /// Counts by vendor what is known of the sources that rules read. `fields` has a row a vendor: comparisons of a field,
    /// and those whose field has a canonical name.
    pub fn add_recognition(&mut self, heads: &[Head], codes: &[(RuleId, String)], fields: &[(String, u64, u64)]) {
        let mut rows: BTreeMap<&'static str, LedgerRecognition> = BTreeMap::new();
        let blank = |vendor: &'static str| {
            let of_vendor = fields.iter().find(|(name, ..)| name == vendor);
            let (fields, mapped_fields) = of_vendor.map_or((0, 0), |(_, all, mapped)| (*all, *mapped));
            LedgerRecognition {
                vendor,
                rules: 0,
                with_log_source: 0,
                with_platform: 0,
                with_event: 0,
                unknown_source: 0,
                fields,
                mapped_fields,
            }
        };
        for head in heads {
            let row = rows.entry(head.vendor.name()).or_insert_with(|| blank(head.vendor.name()));
            row.rules += 1;
            row.with_log_source += u64::from(!head.log_sources.is_empty());
            row.with_platform += u64::from(!head.platforms.is_empty());
            row.with_event += u64::from(!head.events.is_empty());
        }
        for (rule, code) in codes {
            if code == UNKNOWN_SOURCE
                && let Some(head) = heads.get(*rule as usize)
                && let Some(row) = rows.get_mut(head.vendor.name())
            {
                row.unknown_source += 1;
            }
        }
        self.recognition = rows.into_values().collect();
    }

    /// Evaluates the unit tests that rules bring along, and says where conditions and authors disagree.
    pub fn add_unit_tests<'a>(&mut self, entries: impl Iterator<Item = &'a Entry>) {
        let mut rows: BTreeMap<(&str, ParseStatus), LedgerTests> = BTreeMap::new();
        for Entry { rule, .. } in entries {
            let tests = unit_tests(rule);
            if tests.is_empty() {
                continue;
            }
            let row = rows.entry((&rule.source, rule.parse)).or_insert_with(|| LedgerTests {
                source: rule.source.clone(),
                parse: rule.parse,
                rules: 0,
                tests: 0,
                agree: 0,
                differ: 0,
                unknown: 0,
                apart: 0,
            });
            row.rules += 1;
            for test in tests {
                row.tests += 1;
                // A rule of which nothing was understood says nothing of any event.
                let found = test.found.filter(|_| rule.parse != ParseStatus::Failed);
                let count = match found {
                    Some(found) if found == test.expected => &mut row.agree,
                    _ if test.apart => &mut row.apart,
                    Some(_) => &mut row.differ,
                    None => &mut row.unknown,
                };
                *count += 1;
                if found == Some(test.expected) || test.apart || rule.parse == ParseStatus::Failed {
                    continue;
                }
                self.disagreements.push(LedgerDisagreement {
                    source: rule.source.clone(),
                    path: rule.path.clone(),
                    rule: rule.id.clone(),
                    parse: rule.parse,
                    test: test.name,
                    expected: test.expected,
                    found,
                    reason: test.reason,
                });
            }
        }
        self.disagreements.sort_by(|a, b| (a.parse.name(), a).cmp(&(b.parse.name(), b)));
        self.unit_tests = rows.into_values().collect();
    }
}

/// A ledger being written.
#[derive(Default)]
struct Rows {
    sources: BTreeMap<String, LedgerSource>,
    faults: Vec<LedgerFault>,
    unread_queries: Vec<UnreadQuery>,
    contradictions: Vec<LedgerContradiction>,
}

impl Rows {
    fn of(files: &[FileRecord]) -> Self {
        let mut rows = Self::default();
        for file in files {
            let row = rows.sources.entry(file.source.clone()).or_default();
            row.files += 1;
            if file.looks_like_query {
                row.unread_queries += 1;
                rows.unread_queries.push(UnreadQuery {
                    source: file.source.clone(),
                    path: file.path.clone(),
                    reason: file.reason.clone().unwrap_or_default(),
                });
            }
            match file.outcome {
                FileOutcome::Rules => row.with_rules += 1,
                FileOutcome::NotARule => {
                    row.not_a_rule += 1;
                    *row.reasons.entry(file.reason.clone().unwrap_or_default()).or_default() += 1;
                }
                FileOutcome::Unreadable => {
                    row.unreadable += 1;
                    rows.faults.push(LedgerFault {
                        source: file.source.clone(),
                        path: file.path.clone(),
                        line: file.line,
                        rule: None,
                        parse: FaultKind::Unreadable,
                        phrase: "unreadable file".to_owned(),
                        reason: file.reason.clone().unwrap_or_default(),
                    });
                }
            }
        }
        rows
    }

    fn add(&mut self, source: &str, is_counted: bool, language: Language, parse: ParseStatus) -> &mut LedgerSource {
        let row = self.sources.entry(source.to_owned()).or_default();
        row.rules += 1;
        row.not_counted += u64::from(!is_counted);
        *row.parse.entry(language.name()).or_default().entry(parse.name()).or_default() += 1;
        row
    }

    fn fault(&mut self, rule: &Rule) {
        let Some(parse) = FaultKind::of(rule.parse) else { return };
        let (phrase, reason, line) = reason_of(rule);
        self.faults.push(LedgerFault {
            source: rule.source.clone(),
            path: rule.path.clone(),
            line,
            rule: Some(rule.id.clone()),
            parse,
            phrase,
            reason,
        });
    }

    fn ledger(mut self) -> Ledger {
        self.faults.sort();
        self.unread_queries.sort();
        self.contradictions.sort();
        let sources = self.sources.into_iter().map(|(name, row)| LedgerSource { source: name, ..row });
        Ledger {
            sources: sources.collect(),
            faults: self.faults,
            unread_queries: self.unread_queries,
            contradictions: self.contradictions,
            ..Ledger::default()
        }
    }
}

/// Why a rule is not `full`, as a phrase and as a sentence, and on which line: the first error, or the first opaque
/// part.
fn reason_of(rule: &Rule) -> (String, String, Option<u32>) {
    let errors = rule.diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Error);
    if let Some(first) = errors.min_by_key(|diagnostic| diagnostic.line) {
        return (first.code.clone().into_owned(), first.message.clone(), first.line.or(Some(rule.line)));
    }
    let opaque = rule.conditions.iter().flat_map(|condition| condition.root.opaques()).next();
    // What is said of the same part has found its line in the file.
    let said = rule.diagnostics.iter().find(|diagnostic| opaque.is_some_and(|part| diagnostic.span == Some(part.span)));
    let line = said.and_then(|diagnostic| diagnostic.line).unwrap_or(rule.line);
    let (phrase, reason) = match opaque {
        Some(opaque) => (opaque.reason.clone(), format!("{}: {}", opaque.reason, shortened(&opaque.text))),
        None if rule.parse == ParseStatus::NoQuery => ("no query".to_owned(), "the rule has no query".to_owned()),
        None => ("nothing understood".to_owned(), "nothing in the query was understood".to_owned()),
    };
    (phrase, reason, Some(line))
}

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= 80 { line } else { line.chars().take(79).chain(['…']).collect() }
}
