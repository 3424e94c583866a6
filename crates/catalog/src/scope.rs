use roaring::RoaringBitmap;
use ruleatlas_model::{Attack, ParseStatus, Severity, Status, Vendor};
use serde::{Deserialize, Serialize};

use crate::{Day, Facet, Head, Index, RuleId};

/// What narrows a scope. An empty list narrows nothing; the values of one list are alternatives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Filters {
    /// Vendors.
    pub vendors: Vec<Vendor>,
    /// Platforms.
    pub platforms: Vec<String>,
    /// Domains.
    pub domains: Vec<String>,
    /// Severities.
    pub severities: Vec<Severity>,
    /// Statuses; naming `deprecated` or `unsupported` brings those rules in.
    pub statuses: Vec<Status>,
    /// Parse statuses.
    pub parse: Vec<ParseStatus>,
    /// Rules changed on this day or later; a rule that says no change counts from the day it was written.
    pub since: Option<Day>,
    /// Rules changed on this day or before.
    pub until: Option<Day>,
}

impl Filters {
    /// Whether nothing is narrowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A set of rules to ask about.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The rules.
    pub rules: RoaringBitmap,
}

impl Scope {
    /// All rules that `filters` let through.
    #[must_use]
    pub fn all(index: &Index, filters: &Filters) -> Self {
        let everything = if filters.statuses.is_empty() {
            index.counted().clone()
        } else {
            union(index, Facet::Status, filters.statuses.iter().map(|status| status.name()))
        };
        Self { rules: everything }.narrowed(index, filters)
    }

    /// The rules of a technique of the loaded ATT&CK version, with its sub-techniques when asked for.
    #[must_use]
    pub fn technique(index: &Index, attack: &Attack, id: &str, with_sub_techniques: bool, filters: &Filters) -> Self {
        let family = attack.family(id, with_sub_techniques);
        let ids = family.iter().map(|technique| technique.id.as_str());
        Self::all(index, filters).within(&union(index, Facet::Technique, ids))
    }

    /// The rules that have one value of a facet.
    #[must_use]
    pub fn facet(index: &Index, facet: Facet, value: &str, filters: &Filters) -> Self {
        Self::all(index, filters).within(&union(index, facet, [value]))
    }

    /// Those of the scope's rules that are in `rules`.
    #[must_use]
    pub fn within(mut self, rules: &RoaringBitmap) -> Self {
        self.rules &= rules;
        self
    }

    fn narrowed(mut self, index: &Index, filters: &Filters) -> Self {
        let mut narrow = |facet: Facet, values: &[&str]| {
            if !values.is_empty() {
                self.rules &= union(index, facet, values.iter().copied());
            }
        };
        narrow(Facet::Vendor, &filters.vendors.iter().map(|vendor| vendor.name()).collect::<Vec<_>>());
        narrow(Facet::Platform, &filters.platforms.iter().map(String::as_str).collect::<Vec<_>>());
        narrow(Facet::Domain, &filters.domains.iter().map(String::as_str).collect::<Vec<_>>());
        narrow(Facet::Severity, &filters.severities.iter().map(|severity| severity.name()).collect::<Vec<_>>());
        narrow(Facet::Parse, &filters.parse.iter().map(|parse| parse.name()).collect::<Vec<_>>());
        if filters.since.is_some() || filters.until.is_some() {
            self.rules = self.rules.iter().filter(|rule| is_within(index, *rule, filters)).collect();
        }
        self
    }
}

/// Whether a rule or a variant of it was changed in the days of the filters. One without any day was not.
fn is_within(index: &Index, rule: RuleId, filters: &Filters) -> bool {
    let fits = |head: &Head| {
        let Some(day) = head.changed() else { return false };
        let from = filters.since.as_ref().is_none_or(|since| day >= since.as_str());
        from && filters.until.as_ref().is_none_or(|until| day <= until.as_str())
    };
    std::iter::once(&rule).chain(index.variants(rule)).filter_map(|rule| index.head(*rule)).any(fits)
}

fn union<'a>(index: &Index, facet: Facet, values: impl IntoIterator<Item = &'a str>) -> RoaringBitmap {
    values.into_iter().filter_map(|value| index.set(facet, value)).fold(RoaringBitmap::new(), |all, set| all | set)
}
