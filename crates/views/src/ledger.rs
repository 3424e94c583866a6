use std::{cmp::Reverse, collections::BTreeMap};

use ruleatlas_catalog::{LedgerFault, LedgerSource};
use ruleatlas_model::{FaultKind, Language, ParseStatus, Vendor};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error};

/// The parse ledger: what became of every file and every rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LedgerView {
    /// Files on disk: the sum of the three numbers behind it.
    pub files: u64,
    /// Files that hold rules.
    pub with_rules: u64,
    /// Files that hold none.
    pub not_a_rule: u64,
    /// Files that could not be read.
    pub unreadable: u64,
    /// All rules: the sum of the rows.
    pub rules: u64,
    /// Those of them outside the counts: deprecated, unsupported, filters, policies, baselines, insights.
    pub not_counted: u64,
    /// Those of them that are variants of another rule, with which they count as one.
    pub variants: u64,
    /// The rules that count: `rules` without the two numbers before.
    pub counted: u64,
    /// The rules that count, by source.
    pub counted_by_source: BTreeMap<String, u64>,
    /// Rules by vendor and language.
    pub rows: Vec<LedgerRow>,
    /// A row a source.
    pub sources: Vec<LedgerSource>,
    /// Why rules that the question names are not understood as a whole, the most frequent first.
    pub reasons: Vec<LedgerReason>,
    /// How many rules and files the question names.
    pub faults_total: u64,
    /// Those of them from `offset` on.
    pub faults: Vec<Fault>,
    /// Where the list begins.
    pub offset: usize,
}

/// The rules of a vendor in a language. `rules` is the sum of the four numbers behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerRow {
    /// The vendor.
    pub vendor: Vendor,
    /// The query language.
    pub language: Language,
    /// All of them.
    pub rules: u64,
    /// Understood as a whole.
    pub full: u64,
    /// Understood but for some parts.
    pub partial: u64,
    /// Not understood.
    pub failed: u64,
    /// Without a query.
    pub no_query: u64,
}

/// A reason why rules are not understood as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerReason {
    /// How far they fall short.
    pub parse: FaultKind,
    /// A short phrase that groups alike cases.
    pub phrase: String,
    /// Rules or files, by source.
    pub by_source: BTreeMap<String, u64>,
    /// All of them.
    pub rules: u64,
}

/// A rule or file that was not understood as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// The rule's title; `None` for a file.
    pub title: Option<String>,
    /// The vendor; `None` for a file of a source that is none's.
    pub vendor: Option<Vendor>,
    /// The query's language; `None` for a file.
    pub language: Option<Language>,
    /// Where, and why.
    #[serde(flatten)]
    pub fault: LedgerFault,
}

/// Which rules and files of the ledger are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerQuestion {
    /// Only of these vendors.
    pub vendors: Vec<Vendor>,
    /// Only in these languages.
    pub languages: Vec<Language>,
    /// Only with these statuses.
    pub parse: Vec<ParseStatus>,
    /// Only for this reason, by its phrase.
    pub phrase: Option<String>,
    /// Where the list begins.
    pub offset: usize,
    /// At most so many of them; all where none is said.
    pub limit: Option<usize>,
}

impl Atlas {
    /// The parse ledger, and those of its rules and files that a question names.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn ledger_view(&self, question: &LedgerQuestion) -> Result<LedgerView, Error> {
        let ledger = self.ledger()?;
        let sum = |number: fn(&LedgerSource) -> u64| -> u64 { ledger.sources.iter().map(number).sum() };
        let named: Vec<Fault> =
            ledger.faults.iter().map(|fault| self.fault(fault)).filter(|fault| question.names(fault)).collect();
        let mut reasons: BTreeMap<(FaultKind, &str), BTreeMap<String, u64>> = BTreeMap::new();
        for Fault { fault, .. } in &named {
            let by_source = reasons.entry((fault.parse, &fault.phrase)).or_default();
            *by_source.entry(fault.source.clone()).or_default() += 1;
        }
        let mut reasons: Vec<LedgerReason> = reasons
            .into_iter()
            .map(|((parse, phrase), by_source)| LedgerReason {
                parse,
                phrase: phrase.to_owned(),
                rules: by_source.values().sum(),
                by_source,
            })
            .collect();
        let (rules, not_counted) = (sum(|source| source.rules), sum(|source| source.not_counted));
        let mut counted_by_source: BTreeMap<String, u64> = BTreeMap::new();
        for head in self.index.counted().iter().filter_map(|rule| self.index.head(rule)) {
            *counted_by_source.entry(head.source.clone()).or_default() += 1;
        }
        let counted = self.index.counted().len();
        reasons.sort_by_key(|reason| Reverse(reason.rules));
        Ok(LedgerView {
            files: sum(|source| source.files),
            with_rules: sum(|source| source.with_rules),
            not_a_rule: sum(|source| source.not_a_rule),
            unreadable: sum(|source| source.unreadable),
            rules,
            not_counted,
            variants: rules.saturating_sub(not_counted + counted),
            counted,
            counted_by_source,
            rows: self.ledger_rows(),
            sources: ledger.sources.clone(),
            reasons,
            faults_total: named.len() as u64,
            faults: named.into_iter().skip(question.offset).take(question.limit.unwrap_or(usize::MAX)).collect(),
            offset: question.offset,
        })
    }

    fn ledger_rows(&self) -> Vec<LedgerRow> {
        let mut rows: BTreeMap<(Vendor, Language), LedgerRow> = BTreeMap::new();
        for head in self.index.heads() {
            let (vendor, language) = (head.vendor, head.language);
            let none = LedgerRow { vendor, language, rules: 0, full: 0, partial: 0, failed: 0, no_query: 0 };
            let row = rows.entry((vendor, language)).or_insert(none);
            row.rules += 1;
            *match head.parse {
                ParseStatus::Full => &mut row.full,
                ParseStatus::Partial => &mut row.partial,
                ParseStatus::Failed => &mut row.failed,
                ParseStatus::NoQuery => &mut row.no_query,
            } += 1;
        }
        rows.into_values().collect()
    }

    fn fault(&self, fault: &LedgerFault) -> Fault {
        let head = fault.rule.as_deref().and_then(|id| self.index.head(self.index.rule(id)?));
        let source = || self.sources.iter().find(|source| source.name == fault.source);
        Fault {
            title: head.map(|head| head.title.clone()),
            vendor: head.map(|head| head.vendor).or_else(|| source()?.kind.vendor()),
            language: head.map(|head| head.language),
            fault: fault.clone(),
        }
    }
}

impl LedgerQuestion {
    fn names(&self, fault: &Fault) -> bool {
        let has = |status: &ParseStatus| FaultKind::of(*status) == Some(fault.fault.parse);
        (self.vendors.is_empty() || fault.vendor.is_some_and(|vendor| self.vendors.contains(&vendor)))
            && (self.languages.is_empty() || fault.language.is_some_and(|language| self.languages.contains(&language)))
            && (self.parse.is_empty() || self.parse.iter().any(has))
            && self.phrase.as_ref().is_none_or(|phrase| *phrase == fault.fault.phrase)
    }
}
