//! Rules of the catalog that are like a draft, and what they have that it does not.

use std::sync::OnceLock;

use roaring::RoaringBitmap;
use ruleatlas_catalog::{Entry, Facet, Index, IndicatorId, RuleId};
use ruleatlas_model::Role;
use rustc_hash::{FxHashMap, FxHashSet};

/// What more rules than this share says nothing of two of them.
const MAX_SHARED: u64 = 3_000;

/// Something that a rule has in common with others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Trait {
    Looks(IndicatorId),
    Excludes(IndicatorId),
    Technique(String),
    /// A technique with its sub-techniques.
    Family(String),
    LogSource(String),
}

/// What of a rule counts when it is compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// What it looks for.
    Indicators,
    /// What it looks for, excludes and reads, and its techniques.
    Everything,
}

impl Trait {
    /// How much it says, besides its rarity.
    fn factor(&self) -> f64 {
        match self {
            Self::Looks(_) | Self::Technique(_) => 1.0,
            Self::Excludes(_) => 1.5,
            Self::Family(_) | Self::LogSource(_) => 0.5,
        }
    }

    fn counts_for(&self, aspect: Aspect) -> bool {
        match aspect {
            Aspect::Indicators => matches!(self, Self::Looks(_)),
            Aspect::Everything => true,
        }
    }
}

/// Compares rules by what they have in common, each thing weighted by its rarity.
#[derive(Debug)]
pub struct Neighbors<'a> {
    index: &'a Index,
    families: FxHashMap<String, RoaringBitmap>,
    /// The length of each rule's weights, by aspect.
    lengths: [OnceLock<Vec<f64>>; 2],
}

/// What is known of a draft for comparing it.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    traits: Vec<Trait>,
    platforms: Vec<String>,
}

impl Profile {
    /// Of a rule that need not be in the catalog.
    #[must_use]
    pub fn of(entry: &Entry, index: &Index) -> Self {
        let indicators = entry.indicators.iter().filter_map(|folded| {
            let id = index.find_indicator(&folded.indicator)?;
            Some(if folded.role == Role::Exclusion { Trait::Excludes(id) } else { Trait::Looks(id) })
        });
        let techniques = entry.rule.techniques();
        let rest = others(techniques.into_iter(), &entry.rule.log_sources);
        Self::new(indicators.chain(rest).collect(), &entry.rule.platforms)
    }

    fn new(mut traits: Vec<Trait>, platforms: &[String]) -> Self {
        traits.sort_unstable();
        traits.dedup();
        Self { traits, platforms: platforms.to_vec() }
    }

    /// The indicators that it excludes.
    pub fn exclusions(&self) -> impl Iterator<Item = IndicatorId> {
        self.traits.iter().filter_map(|own| if let Trait::Excludes(id) = own { Some(*id) } else { None })
    }
}

fn others<'t>(techniques: impl Iterator<Item = &'t str>, log_sources: &[String]) -> Vec<Trait> {
    let mut found: Vec<Trait> = log_sources.iter().cloned().map(Trait::LogSource).collect();
    for technique in techniques {
        found.push(Trait::Technique(technique.to_owned()));
        found.push(Trait::Family(family(technique).to_owned()));
    }
    found
}

/// The technique of a sub-technique.
pub(crate) fn family(technique: &str) -> &str {
    technique.split_once('.').map_or(technique, |(family, _)| family)
}

impl<'a> Neighbors<'a> {
    /// Of the rules of an index.
    #[must_use]
    pub fn new(index: &'a Index) -> Self {
        let mut families: FxHashMap<String, RoaringBitmap> = FxHashMap::default();
        for (technique, rules) in index.values(Facet::Technique) {
            *families.entry(family(technique).to_owned()).or_default() |= rules;
        }
        Self { index, families, lengths: Default::default() }
    }

    fn rules_of(&self, own: &Trait) -> Option<&RoaringBitmap> {
        match own {
            Trait::Looks(id) => self.index.rules_with(*id, Role::Indicator),
            Trait::Excludes(id) => self.index.rules_with(*id, Role::Exclusion),
            Trait::Technique(id) => self.index.set(Facet::Technique, id),
            Trait::Family(id) => self.families.get(id),
            Trait::LogSource(name) => self.index.set(Facet::LogSource, name),
        }
    }

    fn weight(&self, own: &Trait) -> f64 {
        let rules = self.rules_of(own).map_or(0, RoaringBitmap::len).max(1);
        let all = self.index.counted().len().max(1);
        let ratio =
            f64::from(u32::try_from(all).unwrap_or(u32::MAX)) / f64::from(u32::try_from(rules).unwrap_or(u32::MAX));
        ratio.max(1.0).ln() * own.factor()
    }

    /// What a rule of the catalog has, its variants' with it.
    #[must_use]
    pub fn profile(&self, rule: RuleId) -> Profile {
        let uses = self.index.uses_of(rule).iter().map(|(id, role, _)| match role {
            Role::Exclusion => Trait::Excludes(*id),
            _ => Trait::Looks(*id),
        });
        let head = self.index.head(rule);
        let rest = head.map(|head| others(head.techniques().into_iter(), &head.log_sources)).unwrap_or_default();
        Profile::new(uses.chain(rest).collect(), head.map_or(&[], |head| head.platforms.as_slice()))
    }

    /// The rules of a technique and its sub-techniques.
    #[must_use]
    pub fn rules_of_family(&self, technique: &str) -> Option<&RoaringBitmap> {
        self.families.get(technique)
    }

    /// Whether a rule watches a platform that the profile's rule watches, as far as both say so.
    fn shares_platform(&self, profile: &Profile, rule: RuleId) -> bool {
        let Some(head) = self.index.head(rule) else { return false };
        head.platforms.is_empty()
            || profile.platforms.is_empty()
            || head.platforms.iter().any(|platform| profile.platforms.contains(platform))
    }

    fn lengths(&self, aspect: Aspect) -> &[f64] {
        let slot = match aspect {
            Aspect::Indicators => &self.lengths[0],
            Aspect::Everything => &self.lengths[1],
        };
        slot.get_or_init(|| {
            let rules = u32::try_from(self.index.heads().len()).unwrap_or(u32::MAX);
            (0..rules).map(|rule| self.length(&self.profile(rule), aspect)).collect()
        })
    }

    fn length(&self, profile: &Profile, aspect: Aspect) -> f64 {
        let traits = profile.traits.iter().filter(|own| own.counts_for(aspect));
        traits.map(|own| self.weight(own).powi(2)).sum::<f64>().sqrt()
    }

    /// The counted rules that are most like a profile, the most alike first, each with how alike it is (the cosine of
    /// the weights, 0 to 1).
    #[must_use]
    pub fn of(&self, profile: &Profile, aspect: Aspect, own: &RoaringBitmap, limit: usize) -> Vec<(RuleId, f64)> {
        let mut shared: FxHashMap<RuleId, f64> = FxHashMap::default();
        for own in profile.traits.iter().filter(|own| own.counts_for(aspect)) {
            let Some(rules) = self.rules_of(own).filter(|rules| rules.len() <= MAX_SHARED) else { continue };
            let weight = self.weight(own).powi(2);
            for rule in rules {
                *shared.entry(rule).or_default() += weight;
            }
        }
        let length = self.length(profile, aspect);
        let lengths = self.lengths(aspect);
        let is_other = |rule: &RuleId| self.index.counted().contains(*rule) && !own.contains(*rule);
        let mut found: Vec<(RuleId, f64)> = shared
            .into_iter()
            .filter(|(rule, _)| is_other(rule))
            .map(|(rule, weight)| {
                let product = length * lengths.get(rule as usize).copied().unwrap_or_default();
                (rule, if product > 0.0 { (weight / product).min(1.0) } else { 0.0 })
            })
            .collect();
        let most_alike = |a: &(RuleId, f64), b: &(RuleId, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if found.len() > limit && limit > 0 {
            found.select_nth_unstable_by(limit, most_alike);
            found.truncate(limit);
        }
        found.sort_by(most_alike);
        found
    }

    /// The exclusions that the rules most like a profile have and it has not, the best first: each with its score and
    /// the rules that have it.
    #[must_use]
    pub fn exclusions(&self, profile: &Profile, own: &RoaringBitmap) -> Vec<(IndicatorId, f64, Vec<RuleId>)> {
        let known: FxHashSet<IndicatorId> = profile.exclusions().collect();
        let mut scores: FxHashMap<IndicatorId, (f64, Vec<RuleId>)> = FxHashMap::default();
        for (rule, similarity) in self.of(profile, Aspect::Everything, own, MAX_NEIGHBORS) {
            if !self.shares_platform(profile, rule) {
                continue;
            }
            let mut seen = None;
            for (id, role, _) in self.index.uses_of(rule) {
                if *role != Role::Exclusion || known.contains(id) || seen == Some(*id) {
                    continue;
                }
                seen = Some(*id);
                let score = scores.entry(*id).or_default();
                score.0 += similarity * similarity;
                score.1.push(rule);
            }
        }
        let mut found: Vec<_> = scores.into_iter().map(|(id, (score, rules))| (id, score, rules)).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found
    }
}

/// Rules whose exclusions are looked at.
const MAX_NEIGHBORS: usize = 120;
