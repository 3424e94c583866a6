//! Whether a hidden exclusion is found again: how the recommendation of exclusions is measured.

use rayon::prelude::*;
use ruleatlas_catalog::{Entry, IndicatorId, RuleId};
use ruleatlas_core::roles;
use ruleatlas_model::{Condition, Node, Predicate, Role, Vendor, fold_case};

use crate::{Checker, checks::recommended, draft::Draft, locate::Text};

/// A trial: a rule, the exclusion that was hidden, and its place among the recommendations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The rule.
    pub rule: RuleId,
    /// Its vendor.
    pub vendor: Vendor,
    /// What was hidden.
    pub hidden: IndicatorId,
    /// The place among the recommendations, from 0; none where it is not among them.
    pub place: Option<usize>,
}

impl Checker<'_> {
    /// Hides one exclusion of a rule and looks for it among the recommendations, at most `count` times. Rules are drawn
    /// without replacement by `seed` from those that have an exclusion which some other rule has as well; `any` also
    /// draws rules whose exclusions are all their own, which no comparison with other rules can find.
    #[must_use]
    pub fn hide_one_trials(&self, seed: u64, count: usize, any: bool) -> Vec<Trial> {
        let index = &self.atlas.index;
        let mut random = Random(seed);
        let mut pool: Vec<(RuleId, Vec<IndicatorId>)> = Vec::new();
        for rule in index.counted() {
            let mut exclusions: Vec<IndicatorId> = index
                .uses_of(rule)
                .iter()
                .filter(|(id, role, _)| {
                    let is_shared = || index.rules_with(*id, Role::Exclusion).is_some_and(|rules| rules.len() > 1);
                    *role == Role::Exclusion && (any || is_shared())
                })
                .map(|(id, ..)| *id)
                .collect();
            exclusions.dedup();
            if !exclusions.is_empty() {
                pool.push((rule, exclusions));
            }
        }
        // A shuffle of as many as are drawn.
        let count = count.min(pool.len());
        for at in 0..count {
            let other = at + random.below(pool.len() - at);
            pool.swap(at, other);
        }
        pool.truncate(count);
        let draws: Vec<(RuleId, IndicatorId)> = pool
            .iter()
            .filter_map(|(rule, exclusions)| Some((*rule, *exclusions.get(random.below(exclusions.len()))?)))
            .collect();
        let trial = |(rule, hidden): (RuleId, IndicatorId)| {
            let place = self.recommended_without(rule, hidden)?.iter().position(|id| *id == hidden);
            Some(Trial { rule, vendor: index.head(rule)?.vendor, hidden, place })
        };
        draws.into_par_iter().filter_map(trial).collect()
    }

    /// What is recommended of a rule whose condition does not exclude one thing that it does.
    fn recommended_without(&self, rule: RuleId, hidden: IndicatorId) -> Option<Vec<IndicatorId>> {
        let index = &self.atlas.index;
        let taxonomy = self.atlas.taxonomy;
        let mut rule = self.atlas.entry(rule).ok()??.rule;
        let indicator = index.indicator(hidden)?;
        for condition in &mut rule.conditions {
            let reader = taxonomy.reader(rule.vendor, &condition.sources);
            let is_hidden = |predicate: &Predicate, value: &str| {
                let single = Predicate { values: vec![value.to_owned()], ..predicate.clone() };
                let steps = [Condition::new(single.into())];
                roles(&steps).iter().flat_map(|placed| reader.fold(placed)).any(|folded| {
                    folded.indicator.field.eq_ignore_ascii_case(&indicator.field)
                        && folded.indicator.op == indicator.op
                        && folded.indicator.value == fold_case(&indicator.value)
                        && folded.indicator.modifiers == indicator.modifiers
                })
            };
            condition.root = without(&condition.root, false, &is_hidden);
        }
        let entry = Entry::new(rule, taxonomy);
        let (path, query) = (entry.rule.path.clone(), entry.rule.query.clone());
        let text = Text::new(&query);
        let draft = Draft::new(entry, &path, &text, None, index, taxonomy);
        Some(recommended(&draft, &self.corpus(&draft)).into_iter().map(|found| found.indicator).collect())
    }
}

/// A tree without the negative comparisons with values that are hidden.
fn without(node: &Node, is_inverted: bool, is_hidden: &dyn Fn(&Predicate, &str) -> bool) -> Node {
    match node {
        Node::All(children) => Node::All(children.iter().map(|child| without(child, is_inverted, is_hidden)).collect()),
        Node::Any(children) => Node::Any(children.iter().map(|child| without(child, is_inverted, is_hidden)).collect()),
        Node::Not(child) => Node::Not(Box::new(without(child, !is_inverted, is_hidden))),
        Node::Predicate(predicate) if predicate.negated != is_inverted => {
            let mut kept = predicate.clone();
            kept.values.retain(|value| !is_hidden(predicate, value));
            match kept.values.is_empty() && !predicate.values.is_empty() {
                // It never matches.
                true => Node::constant(predicate.negated),
                false => Node::Predicate(kept),
            }
        }
        other => other.clone(),
    }
}

/// A small generator of numbers, the same on every machine (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// A number below `end`; 0 where that is none.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
    }
}
