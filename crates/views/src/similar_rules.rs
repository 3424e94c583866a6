use ruleatlas_catalog::{IndicatorId, RuleId};
use ruleatlas_model::{Indicator, Role};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Aspect, Atlas, RuleItem};

/// Shared indicators that are named.
const MAX_NAMED: usize = 6;
/// Below this a rule is not called similar.
const MIN_SIMILARITY: f64 = 0.05;

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
    #[must_use]
    pub fn similar_rules(&self, rule: RuleId, limit: usize) -> Vec<SimilarRule> {
        let rule = self.unit_of(rule);
        let Some(own) = self.index.head(rule) else { return Vec::new() };
        let similarity = self.similarity();
        let profile = similarity.profile(&self.index, rule);
        let is_other = |rule: RuleId| {
            self.index.counted().contains(rule) && self.index.head(rule).is_some_and(|head| head.vendor != own.vendor)
        };
        let found = similarity.most_alike(&self.index, &profile, Aspect::Indicators, limit, is_other);
        let values = self.search_index();
        let mut indicators = self.looked_for(rule);
        indicators.sort_by_key(|id| (values.reach(*id, Role::Indicator), *id));
        let similar = |(other, similarity): (RuleId, f64)| {
            let theirs = self.looked_for(other);
            let same: Vec<IndicatorId> = indicators.iter().copied().filter(|id| theirs.contains(id)).collect();
            let named = same.iter().take(MAX_NAMED).filter_map(|id| {
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
        found.into_iter().filter(|(_, similarity)| *similarity >= MIN_SIMILARITY).filter_map(similar).collect()
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
