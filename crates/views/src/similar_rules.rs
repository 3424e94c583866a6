use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use ruleatlas_catalog::{Entry, IndicatorId, RuleId};
use ruleatlas_logic::{Comparison, Relation, Sample, Undecided, compare};
use ruleatlas_model::{Indicator, ParseStatus, Role, Vendor};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Aspect, Atlas, Comparable, Error, Profile, RuleItem, RuleReads, RuleStatement};

/// Indicators of one list that are named beside a rule.
const MAX_NAMED: usize = 6;
/// The same where somebody asks for similar rules alone.
const MAX_LISTED: usize = 100;
/// Below this a rule is not called similar.
const MIN_SIMILARITY: f64 = 0.05;

/// A rule that looks for the same as another, and how the conditions of the two relate.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SimilarRule {
    /// The rule.
    #[serde(flatten)]
    pub rule: RuleItem,
    /// How much of what the two look for is the same, each indicator weighted by its rarity, from 0 to 1.
    pub similarity: f64,
    /// What the rule that was asked about is to this one, by the events that each selects.
    pub relation: RuleRelation,
    /// Why that could not be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// How many indicators they share.
    pub shared_indicators: usize,
    /// The rarest of them.
    pub shared: Vec<SharedIndicator>,
    /// The rarest words that their values share.
    pub shared_words: Vec<String>,
    /// The rarest indicators that only the rule that was asked about has.
    pub only_here: Vec<SharedIndicator>,
    /// The rarest indicators that only this rule has.
    pub only_there: Vec<SharedIndicator>,
    /// Events that show the relation.
    pub witness: Witness,
}

/// What one rule is to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleRelation {
    /// Both select the same events.
    Same,
    /// It selects some of what the other selects.
    Narrower,
    /// It selects what the other selects, and more.
    Wider,
    /// Each selects some that the other does not, and some are selected by both.
    Overlapping,
    /// No event is selected by both.
    Disjoint,
    /// It was neither proven nor shown.
    Undecided,
}

impl RuleRelation {
    /// The name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Narrower => "narrower",
            Self::Wider => "wider",
            Self::Overlapping => "overlapping",
            Self::Disjoint => "disjoint",
            Self::Undecided => "undecided",
        }
    }
}

/// Events over canonical fields that show how two rules relate, as the evaluator confirms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Witness {
    /// An event that only the rule that was asked about selects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_here: Option<BTreeMap<String, String>>,
    /// An event that only the other rule selects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_there: Option<BTreeMap<String, String>>,
    /// An event that both select.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub both: Option<BTreeMap<String, String>>,
}

/// An indicator that two rules share, or that one of them has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SharedIndicator {
    /// The indicator.
    #[serde(flatten)]
    pub indicator: Indicator,
    /// Rules of the whole catalog that look for it.
    pub reach: u32,
}

/// A rule that others are compared with.
struct Asked<'a> {
    profile: Profile,
    /// What it looks for: what the catalog knows, and what it does not.
    indicators: Vec<IndicatorId>,
    unknown: Vec<Indicator>,
    statement: Option<RuleStatement>,
    reads: RuleReads<'a>,
    /// Who publishes it; `None` for a draft.
    vendor: Option<Vendor>,
    /// The rules of the catalog that are this one.
    own: RoaringBitmap,
}

impl Atlas {
    /// The rules that look for what a rule of the catalog looks for: those of other vendors, at most `limit`, then half as
    /// many of its own, each the most alike first.
    pub(crate) fn similar_of_rule(&self, number: RuleId, entry: &Entry, limit: usize) -> Vec<SimilarRule> {
        self.similar(&self.asked(entry, Some(number)), &[], limit, MAX_NAMED)
    }

    /// The rules of these vendors, of all where none is named, that look for what a draft looks for, the most alike first;
    /// at most `limit`. A rule of the catalog with the draft's id is the draft itself.
    #[must_use]
    pub fn similar_to(&self, draft: &Entry, vendors: &[Vendor], limit: usize) -> Vec<SimilarRule> {
        self.similar(&self.asked(draft, None), vendors, limit, MAX_LISTED)
    }

    /// The same of a rule of the catalog by its id, with the rule itself. Where no vendor is named, rules of other vendors
    /// stand before those of its own, which are half as many: vendors repeat themselves.
    ///
    /// # Errors
    /// There is no such rule, or the catalog cannot be read.
    pub fn similar_rules(
        &self,
        id: &str,
        vendors: &[Vendor],
        limit: usize,
    ) -> Result<(RuleItem, Vec<SimilarRule>), Error> {
        let (number, entry) = self.known_entry(id)?;
        let item = RuleItem::of(&self.index, number).ok_or_else(|| self.no_rule(id))?;
        Ok((item, self.similar(&self.asked(&entry, Some(number)), vendors, limit, MAX_LISTED)))
    }

    /// The rules that are most like a rule, without saying how they relate, which takes most of the time.
    ///
    /// # Errors
    /// There is no such rule, or the catalog cannot be read.
    pub fn nearest_rules(&self, id: &str, vendors: &[Vendor], limit: usize) -> Result<Vec<(RuleId, f64)>, Error> {
        let (number, entry) = self.known_entry(id)?;
        Ok(self.nearest_to(&self.asked(&entry, Some(number)), vendors, limit))
    }

    /// `number` is the rule's place in the catalog; `None` for a draft.
    fn asked<'a>(&self, entry: &'a Entry, number: Option<RuleId>) -> Asked<'a> {
        let rule = &entry.rule;
        let similarity = self.similarity();
        let known = number.map(|number| self.unit_of(number));
        let mut asked = Asked {
            profile: known.map_or_else(
                || similarity.profile_of(&self.index, entry),
                |unit| similarity.profile(&self.index, unit),
            ),
            indicators: Vec::new(),
            unknown: Vec::new(),
            statement: RuleStatement::new(rule.vendor, rule.parse, &rule.conditions, self.taxonomy),
            reads: RuleReads::from(rule),
            vendor: known.map(|_| rule.vendor),
            own: RoaringBitmap::new(),
        };
        match known {
            Some(unit) => {
                asked.indicators = self.looked_for(unit);
            }
            None => {
                let looked_for = entry.indicators.iter().filter(|folded| folded.role == Role::Indicator);
                for indicator in looked_for.map(|folded| &folded.indicator) {
                    match self.index.find_indicator(indicator) {
                        Some(id) => asked.indicators.push(id),
                        None => asked.unknown.push(indicator.clone()),
                    }
                }
                asked.indicators.sort_unstable();
                asked.indicators.dedup();
            }
        }
        if let Some(unit) = known.or_else(|| self.index.rule(&rule.id).map(|number| self.unit_of(number))) {
            asked.own.insert(unit);
            asked.own.extend(self.index.variants(unit).iter().copied());
        }
        asked
    }

    fn nearest_to(&self, asked: &Asked<'_>, vendors: &[Vendor], limit: usize) -> Vec<(RuleId, f64)> {
        let is_other = |rule: RuleId| {
            let is_wanted = |vendor: Vendor| vendors.is_empty() || vendors.contains(&vendor);
            self.index.counted().contains(rule)
                && !asked.own.contains(rule)
                && self.index.head(rule).is_some_and(|head| is_wanted(head.vendor))
        };
        let mut found = self.similarity().most_alike(&self.index, &asked.profile, Aspect::Indicators, limit, is_other);
        found.retain(|(_, similarity)| *similarity >= MIN_SIMILARITY);
        found
    }

    fn similar(&self, asked: &Asked<'_>, vendors: &[Vendor], limit: usize, named: usize) -> Vec<SimilarRule> {
        let similar = |(other, similarity): (RuleId, f64)| {
            let theirs = self.looked_for(other);
            let is_theirs = |id: &IndicatorId| theirs.binary_search(id).is_ok();
            let is_ours = |id: &IndicatorId| asked.indicators.binary_search(id).is_ok();
            let (same, ours): (Vec<IndicatorId>, Vec<IndicatorId>) =
                asked.indicators.iter().copied().partition(is_theirs);
            let unknown =
                asked.unknown.iter().map(|indicator| SharedIndicator { indicator: indicator.clone(), reach: 0 });
            let alone: Vec<IndicatorId> = theirs.iter().copied().filter(|id| !is_ours(id)).collect();
            let (relation, why, witness) = self.relation(asked, other);
            let profile = self.similarity().profile(&self.index, other);
            let words = self.similarity().shared_words(&asked.profile, &profile, MAX_NAMED);
            Some(SimilarRule {
                rule: RuleItem::of(&self.index, other)?,
                similarity: (similarity * 100.0).round() / 100.0,
                relation,
                why,
                shared_indicators: same.len(),
                shared_words: words.into_iter().map(str::to_owned).collect(),
                only_here: unknown.chain(self.rarest(&ours, named)).take(named).collect(),
                shared: self.rarest(&same, named),
                only_there: self.rarest(&alone, named),
                witness,
            })
        };
        let nearest = match asked.vendor {
            Some(vendor) if vendors.is_empty() => {
                let others: Vec<Vendor> = Vendor::ALL.iter().copied().filter(|other| *other != vendor).collect();
                let mut nearest = self.nearest_to(asked, &others, limit);
                nearest.extend(self.nearest_to(asked, &[vendor], limit.div_ceil(2)));
                nearest
            }
            _ => self.nearest_to(asked, vendors, limit),
        };
        nearest.into_iter().filter_map(similar).collect()
    }

    /// How a rule relates to one of the catalog.
    fn relation(&self, asked: &Asked<'_>, other: RuleId) -> (RuleRelation, Option<&'static str>, Witness) {
        let undecided = |why| (RuleRelation::Undecided, Some(why), Witness::default());
        let Some(head) = self.index.head(other) else { return undecided("the rule cannot be read") };
        let Some(own) = &asked.statement else {
            return undecided("it has several steps, or is not understood in full");
        };
        if head.parse != ParseStatus::Full {
            return undecided("the other rule is not understood in full");
        }
        let theirs = self.conditions(other).ok();
        let theirs =
            theirs.and_then(|conditions| RuleStatement::new(head.vendor, head.parse, &conditions, self.taxonomy));
        let Some(theirs) = theirs else { return undecided("the other rule has several steps") };
        let (one, two) = (Comparable::new(own, asked.reads), Comparable::new(&theirs, head));
        if !one.reads.shares_events(&two.reads) || !one.chooses_like(&two) {
            return undecided("they read different events");
        }
        let Comparison { relation, only_here, only_there, both } = compare(one.statement, two.statement);
        let (relation, why) = match relation {
            Relation::Same => (RuleRelation::Same, None),
            Relation::Narrower => (RuleRelation::Narrower, None),
            Relation::Wider => (RuleRelation::Wider, None),
            Relation::Overlapping => (RuleRelation::Overlapping, None),
            Relation::Disjoint => (RuleRelation::Disjoint, None),
            Relation::Undecided(why) => (
                RuleRelation::Undecided,
                Some(match why {
                    Undecided::TooLarge => "the proof would be too long",
                    Undecided::NoWitness => "there is no proof and no event that tells them apart",
                    Undecided::NeverHolds => "one of them selects nothing",
                    Undecided::NothingToCompare => "one of them says nothing but which events it reads",
                }),
            ),
        };
        let event = |sample: Option<Sample>| {
            let fields =
                |sample: Sample| sample.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            sample.map(fields)
        };
        (relation, why, Witness { only_here: event(only_here), only_there: event(only_there), both: event(both) })
    }

    /// The rarest of some indicators, the rarest first.
    fn rarest(&self, ids: &[IndicatorId], limit: usize) -> Vec<SharedIndicator> {
        let values = self.search_index();
        let mut ids: Vec<(u32, IndicatorId)> = ids.iter().map(|id| (values.reach(*id, Role::Indicator), *id)).collect();
        ids.sort_unstable();
        let named = |(reach, id): &(u32, IndicatorId)| {
            Some(SharedIndicator { indicator: self.index.indicator(*id)?.clone(), reach: *reach })
        };
        ids.iter().take(limit).filter_map(named).collect()
    }

    /// The indicators of a rule, each once, in order.
    fn looked_for(&self, rule: RuleId) -> Vec<IndicatorId> {
        let uses = self.index.uses_of(rule).iter();
        let mut ids: Vec<IndicatorId> =
            uses.filter(|(_, role, _)| *role == Role::Indicator).map(|(id, ..)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}
