use std::{cmp::Reverse, collections::BTreeMap};

use roaring::RoaringBitmap;
use ruleatlas_catalog::{RuleCount, SourceInfo};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, RuleItem, Years};

/// Rules listed as the newest.
const NEWEST: usize = 12;

/// What is here.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HomeView {
    /// The rules that count.
    pub rules: RuleCount,
    /// All rules, those outside the counts too.
    pub all_rules: u64,
    /// Distinct indicators and exclusions.
    pub indicators: u64,
    /// Distinct fields.
    pub fields: u64,
    /// The version of ATT&CK.
    pub attack_version: String,
    /// Techniques that some rule is tagged with, those with the most rules first.
    pub techniques: Vec<TechniqueCount>,
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
        HomeView {
            rules: self.index.count(counted),
            all_rules: self.index.heads().len() as u64,
            indicators: self.index.data().indicators.len() as u64,
            fields: self.index.data().fields.len() as u64,
            attack_version: self.attack.version.clone(),
            techniques: self.technique_counts(counted),
            newest: self.newest(counted, NEWEST),
            years: Years::of(&self.index, counted),
            sources: self.sources.clone(),
        }
    }

    /// The techniques, sub-techniques counted with theirs, that rules of a set are tagged with.
    pub(crate) fn technique_counts(&self, rules: &RoaringBitmap) -> Vec<TechniqueCount> {
        let mut tagged: BTreeMap<&str, RoaringBitmap> = BTreeMap::new();
        for rule in rules {
            // What a variant is tagged with counts for the rule that it is one of.
            for own in std::iter::once(&rule).chain(self.index.variants(rule)) {
                for id in self.index.head(*own).map(|head| head.techniques()).unwrap_or_default() {
                    let Some(technique) = self.attack.techniques.get(id) else { continue };
                    let family = technique.parent.as_deref().unwrap_or(id);
                    tagged.entry(family).or_default().insert(rule);
                }
            }
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

    /// The rules of a set that were written last, the newest first.
    pub(crate) fn newest(&self, rules: &RoaringBitmap, most: usize) -> Vec<RuleItem> {
        let date = |rule: &u32| self.index.head(*rule).and_then(|head| head.date.as_deref());
        let mut rules: Vec<u32> = rules.iter().filter(|rule| date(rule).is_some()).collect();
        rules.sort_by(|a, b| date(b).cmp(&date(a)).then(a.cmp(b)));
        rules.truncate(most);
        self.rule_items(rules)
    }
}
