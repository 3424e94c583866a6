use std::{cmp::Reverse, collections::BTreeMap};

use roaring::RoaringBitmap;
use ruleatlas_catalog::{Facet, Filters, Guide, RuleCount, Scope, SourceInfo};
use ruleatlas_model::Vendor;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error, RuleItem, TechniqueCount, Years, nearest};

/// Rules listed as the newest.
const NEWEST: usize = 30;

/// What a vendor publishes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VendorView {
    /// The vendor.
    pub vendor: Vendor,
    /// Its rules that count.
    pub rules: u64,
    /// All of its rules, those outside the counts too.
    pub all_rules: u64,
    /// Its sources.
    pub sources: Vec<SourceInfo>,
    /// All of its rules by language and parse status.
    pub parse: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// Counted rules by severity.
    pub severities: Vec<ValueCount>,
    /// Counted rules by status.
    pub statuses: Vec<ValueCount>,
    /// Counted rules by platform.
    pub platforms: Vec<ValueCount>,
    /// Counted rules by domain.
    pub domains: Vec<ValueCount>,
    /// Counted rules by log source.
    pub log_sources: Vec<ValueCount>,
    /// Techniques, those with the most rules first; the counts are this vendor's rules.
    pub techniques: Vec<TechniqueCount>,
    /// Rules over time.
    #[serde(flatten)]
    pub years: Years,
    /// The rules written last.
    pub newest: Vec<RuleItem>,
}

/// A value with its number of rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ValueCount {
    /// The value.
    pub value: String,
    /// The rules that have it.
    pub rules: u64,
}

/// A log source with the authoring guide over the rules that read it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LogSourceView {
    /// The name in the taxonomy.
    pub log_source: String,
    /// What it is; `None` for a name that the taxonomy does not know.
    pub title: Option<String>,
    /// The domains that it belongs to.
    pub domains: Vec<String>,
    /// Platforms of its rules.
    pub platforms: Vec<ValueCount>,
    /// Techniques of its rules, those with the most first.
    pub techniques: Vec<TechniqueCount>,
    /// The counts.
    #[serde(flatten)]
    pub guide: Guide,
    /// The rules, by vendor.
    pub rule_list: Vec<RuleItem>,
}

impl Atlas {
    /// What a vendor publishes.
    ///
    /// # Errors
    /// There is no such vendor, or the catalog has nothing of it.
    pub fn vendor(&self, name: &str) -> Result<VendorView, Error> {
        let none = || {
            let names = self.index.values(Facet::Vendor).map(|(name, _)| name);
            Error::NotFound { what: "vendor", name: name.to_owned(), near: nearest(name, names, 3) }
        };
        let vendor: Vendor = name.to_lowercase().parse().map_err(|_| none())?;
        let filters = Filters { vendors: vec![vendor], ..Filters::default() };
        let rules = Scope::all(&self.index, &filters).rules;
        let mut parse: BTreeMap<&'static str, BTreeMap<&'static str, u64>> = BTreeMap::new();
        let mut all_rules = 0;
        for head in self.index.heads().iter().filter(|head| head.vendor == vendor) {
            all_rules += 1;
            *parse.entry(head.language.name()).or_default().entry(head.parse.name()).or_default() += 1;
        }
        let sources: Vec<SourceInfo> =
            self.sources.iter().filter(|source| source.kind.vendor() == Some(vendor)).cloned().collect();
        if sources.is_empty() && all_rules == 0 {
            return Err(none());
        }
        Ok(VendorView {
            vendor,
            rules: rules.len(),
            all_rules,
            sources,
            parse,
            severities: self.value_counts(Facet::Severity, &rules),
            statuses: self.value_counts(Facet::Status, &rules),
            platforms: self.value_counts(Facet::Platform, &rules),
            domains: self.value_counts(Facet::Domain, &rules),
            log_sources: self.value_counts(Facet::LogSource, &rules),
            techniques: self.technique_counts(&rules),
            years: Years::of(&self.index, &rules),
            newest: self.newest(&rules, NEWEST),
        })
    }

    /// What the rules over a log source read, filter, look for and exclude.
    ///
    /// # Errors
    /// Neither the taxonomy nor any rule knows it.
    pub fn log_source(&self, name: &str, filters: &Filters) -> Result<LogSourceView, Error> {
        let known = self.taxonomy.log_sources().find(|source| source.name == name);
        let set = self.index.set(Facet::LogSource, name);
        if known.is_none() && set.is_none() {
            let used = self.index.values(Facet::LogSource).map(|(name, _)| name);
            let names = used.chain(self.taxonomy.log_sources().map(|source| source.name.as_str()));
            return Err(Error::NotFound { what: "log source", name: name.to_owned(), near: nearest(name, names, 3) });
        }
        let scope = Scope::facet(&self.index, Facet::LogSource, name, filters);
        let guide = Guide::of(&self.index, self.taxonomy, &scope);
        Ok(LogSourceView {
            log_source: name.to_owned(),
            title: known.map(|source| source.title.clone()),
            domains: known.map(|source| source.domains.clone()).unwrap_or_default(),
            platforms: self.value_counts(Facet::Platform, &scope.rules),
            techniques: self.technique_counts(&scope.rules),
            rule_list: RuleItem::list(&self.index, guide.members.iter().copied()),
            guide,
        })
    }

    /// The names of all log sources that rules read or the taxonomy knows, in order.
    #[must_use]
    pub fn log_source_names(&self) -> Vec<String> {
        let used = self.index.values(Facet::LogSource).map(|(name, _)| name.to_owned());
        let mut names: Vec<String> =
            used.chain(self.taxonomy.log_sources().map(|source| source.name.clone())).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The values of a facet with their rules of a set, those with the most first.
    pub(crate) fn value_counts(&self, facet: Facet, rules: &RoaringBitmap) -> Vec<ValueCount> {
        let values = self.index.values(facet);
        let mut counts: Vec<ValueCount> = values
            .map(|(value, set)| ValueCount { value: value.to_owned(), rules: set.intersection_len(rules) })
            .filter(|count| count.rules > 0)
            .collect();
        counts.sort_by_key(|count| (Reverse(count.rules), count.value.clone()));
        counts
    }
}

impl VendorView {
    /// The rules as a count of one vendor.
    #[must_use]
    pub fn count(&self) -> RuleCount {
        RuleCount { total: self.rules, by_vendor: BTreeMap::from([(self.vendor.name(), self.rules)]) }
    }
}
