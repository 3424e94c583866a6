//! Rules of the catalog that are like a draft, and what they exclude.

use std::cell::OnceCell;

use roaring::RoaringBitmap;
use ruleatlas_catalog::{Index, IndicatorId, RuleId};
use ruleatlas_model::Role;
use ruleatlas_views::{Aspect, Atlas, Profile, Similarity};
use rustc_hash::{FxHashMap, FxHashSet};

/// Rules that look for the same and are compared with a draft.
const MAX_ALIKE: usize = 25;
/// Rules whose exclusions are looked at.
const MAX_NEIGHBORS: usize = 120;

/// The rules that are most like one draft, found when they are first asked for.
pub(crate) struct Neighbors<'a> {
    index: &'a Index,
    pub similarity: &'a Similarity,
    profile: Profile,
    own: &'a RoaringBitmap,
    alike: OnceCell<Vec<(RuleId, f64)>>,
    neighbors: OnceCell<Vec<(RuleId, f64)>>,
}

/// An exclusion that neighbours have.
pub(crate) struct Excluded {
    pub indicator: IndicatorId,
    pub score: f64,
    pub rules: Vec<RuleId>,
}

impl<'a> Neighbors<'a> {
    /// Of a draft that the catalog has as the rules `own`.
    pub fn new(atlas: &'a Atlas, profile: Profile, own: &'a RoaringBitmap) -> Self {
        let similarity = atlas.similarity();
        let (alike, neighbors) = (OnceCell::new(), OnceCell::new());
        Self { index: &atlas.index, similarity, profile, own, alike, neighbors }
    }

    fn most_alike(&self, aspect: Aspect, limit: usize) -> Vec<(RuleId, f64)> {
        let is_other = |rule| self.index.counted().contains(rule) && !self.own.contains(rule);
        self.similarity.most_alike(self.index, &self.profile, aspect, limit, is_other)
    }

    /// The rules that look for the same, the most alike first.
    pub fn by_indicators(&self) -> &[(RuleId, f64)] {
        self.alike.get_or_init(|| self.most_alike(Aspect::Indicators, MAX_ALIKE))
    }

    /// The rules that look for, exclude and read the same for the same techniques, the most alike first.
    pub fn by_everything(&self) -> &[(RuleId, f64)] {
        self.neighbors.get_or_init(|| {
            let mut found = self.most_alike(Aspect::Everything, MAX_NEIGHBORS);
            found.retain(|(rule, _)| self.profile.shares_platform(self.index, *rule));
            found
        })
    }

    /// The exclusions that neighbours have and the draft has not, the best first.
    pub fn exclusions(&self) -> Vec<Excluded> {
        let known: FxHashSet<IndicatorId> = self.profile.exclusions().collect();
        let mut scores: FxHashMap<IndicatorId, (f64, Vec<RuleId>)> = FxHashMap::default();
        for (rule, similarity) in self.by_everything() {
            let mut seen = None;
            for (id, role, _) in self.index.uses_of(*rule) {
                if *role != Role::Exclusion || known.contains(id) || seen == Some(*id) {
                    continue;
                }
                seen = Some(*id);
                let (score, rules) = scores.entry(*id).or_default();
                *score += similarity * similarity;
                rules.push(*rule);
            }
        }
        let excluded = |(indicator, (score, rules))| Excluded { indicator, score, rules };
        let mut found: Vec<Excluded> = scores.into_iter().map(excluded).collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.indicator.cmp(&b.indicator)));
        found
    }
}
