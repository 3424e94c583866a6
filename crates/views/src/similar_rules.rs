use ruleatlas_catalog::{IndicatorId, RuleId};
use ruleatlas_model::{Indicator, Role};
use rustc_hash::FxHashMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, RuleItem, quick::Values};

/// Rules that are compared in full, after the shared weight has been summed.
const CANDIDATES: usize = 48;
/// Rules visited through shared indicators: the rarest indicators first, so that what is left out says least.
const VISITS: u64 = 60_000;
/// Shared indicators that are named.
const NAMED: usize = 6;
/// Below this a rule is not called similar.
const LEAST: f64 = 0.05;

/// A rule of another vendor that looks for the same.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SimilarRule {
    /// The rule.
    #[serde(flatten)]
    pub rule: RuleItem,
    /// How much of what the two look for is the same, each indicator weighted by its rarity, from 0 to 1.
    pub similarity: f64,
    /// How many indicators they share.
    pub shared_indicators: usize,
    /// The rarest of them.
    pub shared: Vec<SharedIndicator>,
}

/// An indicator that two rules share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SharedIndicator {
    /// The indicator.
    #[serde(flatten)]
    pub indicator: Indicator,
    /// Rules of the whole catalog that look for it.
    pub reach: u32,
}

impl Atlas {
    /// The rules of other vendors that look for what this one looks for, the most alike first; at most `limit`.
    ///
    /// An indicator weighs the logarithm of the corpus over its reach: one that two rules of 12,000 share weighs nine
    /// times what one in every third rule does. Two rules are as alike as the weight of what they share, over the
    /// geometric mean of what each weighs alone (the cosine of their weighted sets).
    #[must_use]
    pub fn similar_rules(&self, rule: RuleId, limit: usize) -> Vec<SimilarRule> {
        let rule = self.unit_of(rule);
        let Some(own) = self.index.head(rule) else { return Vec::new() };
        let values = self.quick();
        let corpus = f64::from(u32::try_from(self.index.counted().len()).unwrap_or(u32::MAX)).max(1.0);
        let mut indicators = self.looked_for(rule);
        indicators.sort_by_key(|id| (values.reach(*id, Role::Indicator), *id));
        let mut shared: FxHashMap<RuleId, f64> = FxHashMap::default();
        let mut visits = 0;
        for id in &indicators {
            let Some(rules) = self.index.rules_with(*id, Role::Indicator) else { continue };
            visits += rules.len();
            if visits > VISITS {
                break;
            }
            let weight = weight(values, *id, corpus);
            for other in rules {
                *shared.entry(other).or_default() += weight;
            }
        }
        let is_other = |rule: &RuleId| {
            self.index.counted().contains(*rule) && self.index.head(*rule).is_some_and(|head| head.vendor != own.vendor)
        };
        let mut candidates: Vec<(RuleId, f64)> = shared.into_iter().filter(|(rule, _)| is_other(rule)).collect();
        let heaviest = |a: &(RuleId, f64), b: &(RuleId, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if candidates.len() > CANDIDATES {
            candidates.select_nth_unstable_by(CANDIDATES, heaviest);
            candidates.truncate(CANDIDATES);
        }
        let total = |rules: &[IndicatorId]| rules.iter().map(|id| weight(values, *id, corpus)).sum::<f64>();
        let own_total = total(&indicators);
        let mut found: Vec<(RuleId, f64)> = candidates
            .into_iter()
            .map(|(other, weight)| {
                let mean = (own_total * total(&self.looked_for(other))).sqrt();
                (other, if mean > 0.0 { (weight / mean).min(1.0) } else { 0.0 })
            })
            .filter(|(_, similarity)| *similarity >= LEAST)
            .collect();
        found.sort_by(heaviest);
        found.truncate(limit);
        let similar = |(other, similarity): (RuleId, f64)| {
            let theirs = self.looked_for(other);
            let same: Vec<IndicatorId> = indicators.iter().copied().filter(|id| theirs.contains(id)).collect();
            let named = same.iter().take(NAMED).filter_map(|id| {
                let indicator = self.index.indicator(*id)?.clone();
                Some(SharedIndicator { indicator, reach: values.reach(*id, Role::Indicator) })
            });
            Some(SimilarRule {
                rule: RuleItem::of(&self.index, other)?,
                similarity: (similarity * 100.0).round() / 100.0,
                shared_indicators: same.len(),
                shared: named.collect(),
            })
        };
        found.into_iter().filter_map(similar).collect()
    }

    /// The indicators of a rule, each once, in order.
    fn looked_for(&self, rule: RuleId) -> Vec<IndicatorId> {
        let uses = self.index.uses_of(rule).iter();
        let mut ids: Vec<IndicatorId> =
            uses.filter(|(_, role, _)| *role == Role::Indicator).map(|(id, ..)| *id).collect();
        ids.dedup();
        ids
    }
}

/// How much an indicator says: the logarithm of the corpus over its reach.
fn weight(values: &Values, id: IndicatorId, corpus: f64) -> f64 {
    (corpus / f64::from(values.reach(id, Role::Indicator).max(1))).max(1.0).ln()
}
