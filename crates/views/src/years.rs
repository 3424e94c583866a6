use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use ruleatlas_catalog::{Index, RuleCount};
use serde::Serialize;
use utoipa::ToSchema;

/// Rules by the year they were written.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Years {
    /// A row a year, without gaps, the first year first.
    pub years: Vec<Year>,
    /// Rules that carry no day at all.
    pub undated: u64,
}

/// The rules of a year.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Year {
    /// The year.
    pub year: u16,
    /// Rules written in it; a rule that only says when it was changed last stands in that year.
    pub rules: RuleCount,
}

impl Years {
    /// The years of a set of rules.
    pub(crate) fn of(index: &Index, rules: &RoaringBitmap) -> Self {
        let mut sets: BTreeMap<u16, RoaringBitmap> = BTreeMap::new();
        let mut undated = 0;
        for rule in rules {
            let head = index.head(rule);
            let day = head.and_then(|head| head.date.as_deref().or(head.modified.as_deref()));
            // A day that nobody can mean would draw a century of nothing.
            match day.and_then(|day| day.get(..4)?.parse().ok()).filter(|year| (1990..2100).contains(year)) {
                Some(year) => {
                    sets.entry(year).or_default().insert(rule);
                }
                None => undated += 1,
            }
        }
        let span = sets.keys().next().copied().zip(sets.keys().next_back().copied());
        let years = span.map_or(0..0, |(first, last)| first..last + 1);
        let rules = |year| sets.get(&year).map(|rules| index.count(rules)).unwrap_or_default();
        Self { years: years.map(|year| Year { year, rules: rules(year) }).collect(), undated }
    }
}
