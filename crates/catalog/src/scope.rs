use roaring::RoaringBitmap;
use ruleatlas_model::{Attack, ParseStatus, Severity, Status, Vendor};
use serde::{Deserialize, Serialize};

use crate::{Facet, Index};

/// What narrows a scope. An empty list narrows nothing; the values of one list are alternatives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Only rules that were last changed on this day or after it, `YYYY-MM-DD`; a rule that does not say when it was
    /// changed counts by the day it was written, one that says neither is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The same, on this day or before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl Filters {
    /// Whether nothing is narrowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether a text is a day as filters take it, `YYYY-MM-DD`.
#[must_use]
pub fn is_day(text: &str) -> bool {
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse::<u32>().ok());
    let is_plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let is_parted = text.bytes().enumerate().all(|(at, byte)| (byte == b'-') == matches!(at, 4 | 7));
    is_plain
        && is_parted
        && number(5..7).is_some_and(|month| (1..=12).contains(&month))
        && number(8..10).is_some_and(|day| (1..=31).contains(&day))
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
            let is_in = |rule: &u32| {
                // Dates of one form compare as text.
                let day = index.head(*rule).and_then(|head| head.modified.as_deref().or(head.date.as_deref()));
                day.is_some_and(|day| {
                    filters.since.as_deref().is_none_or(|since| day >= since)
                        && filters.until.as_deref().is_none_or(|until| day <= until)
                })
            };
            self.rules = self.rules.iter().filter(is_in).collect();
        }
        self
    }
}

fn union<'a>(index: &Index, facet: Facet, values: impl IntoIterator<Item = &'a str>) -> RoaringBitmap {
    values.into_iter().filter_map(|value| index.set(facet, value)).fold(RoaringBitmap::new(), |all, set| all | set)
}
