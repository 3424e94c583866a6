//! Which rules can fire on the telemetry that is collected.
//!
//! A rule needs every step of its query but those that only add to a hit; of the events that a step can read any one will do.
//! An id that the rule writes itself leaves no other choice. A step of which nobody knows what it reads decides nothing: a
//! rule with such a step can be found unable to fire by another step, but not able to.

use roaring::RoaringBitmap;
use ruleatlas_catalog::RuleId;
use ruleatlas_model::EventRef;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{Atlas, CollectedTelemetry, Error};

/// The catalog's counted rules, parted by what the telemetry lets them do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Telemetry {
    /// Rules that can fire.
    pub fires: RoaringBitmap,
    /// Rules that cannot: some step reads nothing that is collected.
    pub blind: RoaringBitmap,
    /// Rules of which it cannot be known: nobody knows which events some step reads.
    pub unknown: RoaringBitmap,
}

/// An event's number among those that rules need.
pub(crate) type EventNumber = u32;

/// What rules need, with numbers for events.
pub(crate) struct Needs {
    pub(crate) events: Vec<EventRef>,
    /// For each counted rule the ways in which it fires: itself and its variants; `None` where nobody knows.
    pub(crate) rules: Vec<(RuleId, Vec<Option<Requirement>>)>,
}

/// What one rule or variant needs: of every step one event.
pub(crate) type Requirement = Vec<Vec<EventNumber>>;

/// What telemetry lets a rule do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feasibility {
    Fire,
    NotFire,
    NotBeKnown,
}

/// What a way to fire comes to.
fn of_way(way: Option<&Requirement>, has: impl Fn(EventNumber) -> bool) -> Feasibility {
    let Some(way) = way else { return Feasibility::NotBeKnown };
    let mut can = Feasibility::Fire;
    for step in way {
        if step.is_empty() {
            can = Feasibility::NotBeKnown;
        } else if !step.iter().any(|event| has(*event)) {
            return Feasibility::NotFire;
        }
    }
    can
}

/// What all ways come to: one that fires is enough.
pub(crate) fn of_ways(ways: &[Option<Requirement>], has: impl Fn(EventNumber) -> bool + Copy) -> Feasibility {
    let mut can = Feasibility::NotFire;
    for way in ways {
        match of_way(way.as_ref(), has) {
            Feasibility::Fire => return Feasibility::Fire,
            Feasibility::NotBeKnown => can = Feasibility::NotBeKnown,
            Feasibility::NotFire => {}
        }
    }
    can
}

impl Needs {
    /// The numbers of the events that are collected; provider and id compare without case.
    pub(crate) fn collected(&self, have: &CollectedTelemetry) -> FxHashSet<EventNumber> {
        let key = |event: &EventRef| (event.provider.to_lowercase(), event.event_id.to_lowercase());
        let had: FxHashSet<(String, String)> = have.events.keys().map(key).collect();
        (0..).zip(&self.events).filter(|(_, event)| had.contains(&key(event))).map(|(number, _)| number).collect()
    }
}

impl Atlas {
    /// What the counted rules need.
    pub(crate) fn needs(&self) -> Result<Needs, Error> {
        let mut numbers: FxHashMap<EventRef, EventNumber> = FxHashMap::default();
        let mut events: Vec<EventRef> = Vec::new();
        let mut by_rule: FxHashMap<RuleId, Requirement> = FxHashMap::default();
        for (rule, steps) in self.store().needs()? {
            let mut number = |event: EventRef| {
                *numbers.entry(event).or_insert_with_key(|event| {
                    events.push(event.clone());
                    EventNumber::try_from(events.len() - 1).unwrap_or(EventNumber::MAX)
                })
            };
            let way = steps.into_iter().map(|step| step.into_iter().map(&mut number).collect()).collect();
            by_rule.insert(rule, way);
        }
        let mut rules = Vec::new();
        for rule in self.index.counted() {
            let all = std::iter::once(&rule).chain(self.index.variants(rule));
            rules.push((rule, all.map(|rule| by_rule.remove(rule)).collect()));
        }
        Ok(Needs { events, rules })
    }

    /// Parts the counted rules by what the telemetry lets them do.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn telemetry(&self, have: &CollectedTelemetry) -> Result<Telemetry, Error> {
        Ok(parted(&self.needs()?, have))
    }
}

pub(crate) fn parted(needs: &Needs, have: &CollectedTelemetry) -> Telemetry {
    let collected = needs.collected(have);
    let mut telemetry = Telemetry::default();
    for (rule, ways) in &needs.rules {
        let set = match of_ways(ways, |event| collected.contains(&event)) {
            Feasibility::Fire => &mut telemetry.fires,
            Feasibility::NotFire => &mut telemetry.blind,
            Feasibility::NotBeKnown => &mut telemetry.unknown,
        };
        set.insert(*rule);
    }
    telemetry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_fires_when_every_step_has_one_of_its_events() {
        // 0 and 1 are collected.
        let has = |event: EventNumber| event < 2;
        let cases: [(&[Option<Requirement>], Feasibility); 9] = [
            (&[Some(vec![vec![0]])], Feasibility::Fire),
            (&[Some(vec![vec![2, 1]])], Feasibility::Fire),
            (&[Some(vec![vec![2]])], Feasibility::NotFire),
            (&[Some(vec![vec![0], vec![2]])], Feasibility::NotFire),
            (&[Some(vec![vec![0], vec![]])], Feasibility::NotBeKnown),
            (&[Some(vec![vec![], vec![2]])], Feasibility::NotFire),
            (&[None], Feasibility::NotBeKnown),
            (&[Some(vec![vec![2]]), Some(vec![vec![0]])], Feasibility::Fire),
            (&[Some(vec![vec![2]]), None], Feasibility::NotBeKnown),
        ];
        for (ways, expected) in cases {
            assert_eq!(of_ways(ways, has), expected, "{ways:?}");
        }
    }
}
