use std::{cmp::Reverse, collections::BTreeMap};

use roaring::RoaringBitmap;
use ruleatlas_catalog::{RuleCount, SourceInfo};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, PlatformCount, RuleItem, Years};

/// Rules listed as the newest.
const NEWEST: usize = 12;

/// What is here.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HomeView {
    /// The rules that count.
    pub rules: RuleCount,
    /// All rules, those outside the counts too.
    pub all_rules: u64,
    /// Distinct indicators and exclusions of counted rules.
    pub indicators: u64,
    /// Distinct fields that counted rules filter.
    pub fields: u64,
    /// The version of ATT&CK.
    pub attack_version: String,
    /// Techniques that some rule is tagged with, those with the most rules first.
    pub techniques: Vec<TechniqueCount>,
    /// The platforms that have a page.
    pub platforms: Vec<PlatformCount>,
    /// The rules written last.
    pub newest: Vec<RuleItem>,
    /// Rules over time.
    #[serde(flatten)]
    pub years: Years,
    /// Where the content comes from.
    pub sources: Vec<SourceInfo>,
}

/// A technique with its number of rules.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TechniqueCount {
    /// The id.
    pub technique: String,
    /// The name.
    pub name: String,
    /// Rules tagged with it or one of its sub-techniques.
    pub rules: RuleCount,
}

impl Atlas {
    /// What is here.
    #[must_use]
    pub fn home(&self) -> HomeView {
        let counted = self.index.counted();
        let checked = self.checked();
        HomeView {
            rules: self.index.count(counted),
            all_rules: self.index.heads().len() as u64,
            indicators: checked.values(),
            fields: checked.fields(),
            attack_version: self.attack.version.clone(),
            techniques: self.technique_counts(counted),
            platforms: self.platform_counts(),
            newest: self.newest(counted, NEWEST),
            years: Years::of(&self.index, counted),
            sources: self.sources.clone(),
        }
    }

    /// The techniques, sub-techniques counted with theirs, that rules of a set are tagged with.
    pub(crate) fn technique_counts(&self, rules: &RoaringBitmap) -> Vec<TechniqueCount> {
        let mut tagged: BTreeMap<&str, RoaringBitmap> = BTreeMap::new();
        for (rule, family) in self.families(rules) {
            tagged.entry(family).or_default().insert(rule);
        }
        let mut rows: Vec<TechniqueCount> = tagged
            .iter()
            .filter_map(|(id, rules)| {
                let technique = self.attack.techniques.get(*id)?;
                Some(TechniqueCount {
                    technique: technique.id.clone(),
                    name: technique.name.clone(),
                    rules: self.index.count(rules),
                })
            })
            .collect();
        rows.sort_by_key(|row| (Reverse(row.rules.total), row.technique.clone()));
        rows
    }

    /// How many those are.
    pub(crate) fn technique_count(&self, rules: &RoaringBitmap) -> u64 {
        let mut families: Vec<&str> = self.families(rules).map(|(_, family)| family).collect();
        families.sort_unstable();
        families.dedup();
        families.len() as u64
    }

    /// Each rule with the techniques that it is tagged with, a sub-technique's technique for it; some come twice.
    fn families(&self, rules: &RoaringBitmap) -> impl Iterator<Item = (u32, &str)> {
        let of_rule = |rule: u32| self.index.head(rule).map(|head| head.techniques()).unwrap_or_default();
        rules.iter().flat_map(move |rule| {
            // What a variant is tagged with counts for the rule that it is one of.
            let tagged = std::iter::once(&rule).chain(self.index.variants(rule)).flat_map(|own| of_rule(*own));
            let families = tagged.filter_map(|id| {
                let technique = self.attack.techniques.get(id)?;
                Some((rule, technique.parent.as_deref().unwrap_or(&technique.id)))
            });
            families.collect::<Vec<_>>()
        })
    }

    /// The rules of a set that were written last, the newest first.
    pub(crate) fn newest(&self, rules: &RoaringBitmap, most: usize) -> Vec<RuleItem> {
        let date = |rule: &u32| self.index.head(*rule).and_then(|head| head.date.as_deref());
        let mut rules: Vec<u32> = rules.iter().filter(|rule| date(rule).is_some()).collect();
        rules.sort_by(|a, b| date(b).cmp(&date(a)).then(a.cmp(b)));
        rules.truncate(most);
        self.rule_items(rules)
    }
}
