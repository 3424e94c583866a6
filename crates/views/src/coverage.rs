use std::{cmp::Reverse, collections::BTreeMap};

use roaring::RoaringBitmap;
use ruleatlas_catalog::{Filters, RuleId, Scope};
use ruleatlas_model::{AttackDomain, EventRef, Vendor};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Atlas, CollectedTelemetry, Error, Layer, LayerTechnique, Telemetry,
    telemetry::{EventNumber, Feasibility, Needs, Requirement, of_ways},
};

/// Events named beside a technique.
const MISSING: usize = 5;

/// What one's telemetry lets one detect.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CoverageView {
    /// What is collected.
    #[serde(flatten)]
    pub have: CollectedTelemetry,
    /// The events that are collected, and what says so.
    pub collected: Vec<CollectedEvent>,
    /// The counted rules that the filters let through.
    pub rules: CoverageCount,
    /// Every technique of the loaded ATT&CK version that is not deprecated, in order.
    pub techniques: Vec<TechniqueCoverage>,
    /// Events not collected, those first that let the most techniques be detected that are not now, then the most rules fire.
    pub next_best: Vec<NextEvent>,
    /// The rules that cannot fire, with what each lacks.
    pub blind_rules: Vec<BlindRule>,
}

/// Rules by what the telemetry lets them do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct CoverageCount {
    /// All of them.
    pub total: u64,
    /// Those that can fire.
    pub fires: u64,
    /// Those that cannot: some step reads nothing that is collected.
    pub cannot: u64,
    /// Those of which it cannot be known: nobody knows which events some step reads.
    pub unknown: u64,
}

/// A collected event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CollectedEvent {
    /// The provider's short name.
    pub provider: String,
    /// The id.
    pub event_id: String,
    /// The title.
    pub title: String,
    /// What says that it is collected, and what of it.
    pub how: String,
    /// Rules that read it.
    pub rules: u64,
}

/// A technique with its sub-techniques.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TechniqueCoverage {
    /// The id.
    pub technique: String,
    /// The name.
    pub name: String,
    /// The matrix.
    pub domain: AttackDomain,
    /// Its rules.
    #[serde(flatten)]
    pub rules: CoverageCount,
    /// The events that let the most of its rules fire that cannot now.
    pub missing: Vec<MissingEvent>,
}

/// An event that rules lack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MissingEvent {
    /// The provider's short name.
    pub provider: String,
    /// The id.
    pub event_id: String,
    /// Rules that lack it: it is one of the events that a step of theirs reads, and none of those is collected.
    pub rules: u64,
}

/// An event that is not collected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NextEvent {
    /// The provider's short name.
    pub provider: String,
    /// The id.
    pub event_id: String,
    /// The title.
    pub title: String,
    /// Rules that can fire once this event is collected too.
    pub rules: u64,
    /// Techniques, sub-techniques apart, of which no rule can fire now and one could then.
    pub techniques: u64,
    /// Their ids.
    pub technique_ids: Vec<String>,
}

/// A rule that cannot fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BlindRule {
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
    /// Who publishes it.
    pub vendor: Vendor,
    /// Its techniques.
    pub techniques: Vec<String>,
    /// What it lacks: of every list one event.
    pub missing: Vec<Vec<EventRef>>,
}

/// The steps of a way that read nothing that is collected.
fn lacking<'a>(way: &'a Requirement, has: &FxHashSet<EventNumber>) -> Vec<&'a Vec<EventNumber>> {
    way.iter().filter(|step| !step.is_empty() && !step.iter().any(|event| has.contains(event))).collect()
}

/// The events each of which by itself lets the way fire.
fn unlocking(way: &Requirement, has: &FxHashSet<EventNumber>) -> Vec<EventNumber> {
    if way.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    match lacking(way, has).as_slice() {
        [] => Vec::new(),
        [first, rest @ ..] => {
            first.iter().copied().filter(|event| rest.iter().all(|step| step.contains(event))).collect()
        }
    }
}

/// The rules of a scope parted, with what those lack that cannot fire.
struct Parted<'a> {
    telemetry: Telemetry,
    collected: FxHashSet<EventNumber>,
    /// The ways of the rules that cannot fire.
    blind: Vec<(RuleId, Vec<&'a Requirement>)>,
}

impl<'a> Parted<'a> {
    fn new(needs: &'a Needs, have: &CollectedTelemetry, scope: &RoaringBitmap) -> Self {
        let collected = needs.collected(have);
        let mut parted = Self { telemetry: Telemetry::default(), collected, blind: Vec::new() };
        for (rule, ways) in needs.rules.iter().filter(|(rule, _)| scope.contains(*rule)) {
            let telemetry = &mut parted.telemetry;
            match of_ways(ways, |event| parted.collected.contains(&event)) {
                Feasibility::Fire => telemetry.fires.insert(*rule),
                Feasibility::NotBeKnown => telemetry.unknown.insert(*rule),
                Feasibility::NotFire => {
                    parted.blind.push((*rule, ways.iter().flatten().collect()));
                    telemetry.blind.insert(*rule)
                }
            };
        }
        parted
    }

    fn count(&self, rules: &RoaringBitmap) -> CoverageCount {
        let Telemetry { fires, blind, unknown } = &self.telemetry;
        let [fires, cannot, unknown] = [fires, blind, unknown].map(|set| set.intersection_len(rules));
        CoverageCount { total: fires + cannot + unknown, fires, cannot, unknown }
    }
}

impl Atlas {
    /// What telemetry lets one detect, over the counted rules that the filters let through.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn coverage(&self, have: CollectedTelemetry, filters: &Filters) -> Result<CoverageView, Error> {
        let needs = self.needs()?;
        let scope = Scope::all(&self.index, filters).rules;
        let parted = Parted::new(&needs, &have, &scope);
        Ok(CoverageView {
            collected: self.collected(&have)?,
            rules: parted.count(&scope),
            techniques: self.technique_coverage(&needs, &parted, filters),
            next_best: self.next_best(&needs, &parted),
            blind_rules: self.blind_rules(&needs, &parted),
            have,
        })
    }

    fn collected(&self, have: &CollectedTelemetry) -> Result<Vec<CollectedEvent>, Error> {
        let row = |(event, how): (&EventRef, &String)| {
            let set = self.index.set(ruleatlas_catalog::Facet::Event, &crate::event::facet_of(event));
            Ok(CollectedEvent {
                provider: event.provider.clone(),
                event_id: event.event_id.clone(),
                title: self.title_of(event)?,
                how: how.clone(),
                rules: set.map_or(0, |rules| rules.intersection_len(self.index.counted())),
            })
        };
        have.events.iter().map(row).collect()
    }

    fn technique_coverage(&self, needs: &Needs, parted: &Parted<'_>, filters: &Filters) -> Vec<TechniqueCoverage> {
        let ways: FxHashMap<RuleId, &Vec<&Requirement>> =
            parted.blind.iter().map(|(rule, ways)| (*rule, ways)).collect();
        let techniques = self.attack.techniques.values().filter(|technique| !technique.deprecated);
        techniques
            .map(|technique| {
                let scope = Scope::technique(&self.index, &self.attack, &technique.id, true, filters);
                let mut lacked: FxHashMap<EventNumber, u64> = FxHashMap::default();
                for rule in &scope.rules & &parted.telemetry.blind {
                    let steps = ways.get(&rule).into_iter().flat_map(|ways| ways.iter());
                    let mut events: Vec<EventNumber> =
                        steps.flat_map(|way| lacking(way, &parted.collected)).flatten().copied().collect();
                    events.sort_unstable();
                    events.dedup();
                    for event in events {
                        *lacked.entry(event).or_default() += 1;
                    }
                }
                let mut missing: Vec<MissingEvent> = lacked
                    .into_iter()
                    .filter_map(|(event, rules)| {
                        let EventRef { provider, event_id } = needs.events.get(event as usize)?.clone();
                        Some(MissingEvent { provider, event_id, rules })
                    })
                    .collect();
                missing.sort_by(|a, b| {
                    let key = |row: &MissingEvent| (Reverse(row.rules), row.provider.clone(), row.event_id.clone());
                    key(a).cmp(&key(b))
                });
                missing.truncate(MISSING);
                TechniqueCoverage {
                    technique: technique.id.clone(),
                    name: technique.name.clone(),
                    domain: technique.domain,
                    rules: parted.count(&scope.rules),
                    missing,
                }
            })
            .collect()
    }

    fn next_best(&self, needs: &Needs, parted: &Parted<'_>) -> Vec<NextEvent> {
        let techniques_of = |rule: RuleId| {
            let all = std::iter::once(&rule).chain(self.index.variants(rule)).copied().collect::<Vec<_>>();
            let heads = all.into_iter().filter_map(|rule| self.index.head(rule));
            heads.flat_map(|head| head.techniques()).collect::<Vec<&str>>()
        };
        let detected: FxHashSet<&str> = parted.telemetry.fires.iter().flat_map(techniques_of).collect();
        let mut unlocked: BTreeMap<EventNumber, (u64, Vec<&str>)> = BTreeMap::new();
        for (rule, ways) in &parted.blind {
            let mut events: Vec<EventNumber> = ways.iter().flat_map(|way| unlocking(way, &parted.collected)).collect();
            events.sort_unstable();
            events.dedup();
            if events.is_empty() {
                continue;
            }
            let new: Vec<&str> = techniques_of(*rule).into_iter().filter(|id| !detected.contains(id)).collect();
            for event in events {
                let entry = unlocked.entry(event).or_default();
                entry.0 += 1;
                entry.1.extend(&new);
            }
        }
        let mut rows: Vec<NextEvent> = unlocked
            .into_iter()
            .filter_map(|(event, (rules, mut techniques))| {
                techniques.sort_unstable();
                techniques.dedup();
                let event = needs.events.get(event as usize)?;
                Some(NextEvent {
                    provider: event.provider.clone(),
                    event_id: event.event_id.clone(),
                    title: self.index.event_title(event, self.taxonomy),
                    rules,
                    techniques: techniques.len() as u64,
                    technique_ids: techniques.into_iter().map(str::to_owned).collect(),
                })
            })
            .collect();
        rows.sort_by(|a, b| {
            let key = |row: &NextEvent| {
                (Reverse(row.techniques), Reverse(row.rules), row.provider.clone(), row.event_id.clone())
            };
            key(a).cmp(&key(b))
        });
        rows
    }

    fn blind_rules(&self, needs: &Needs, parted: &Parted<'_>) -> Vec<BlindRule> {
        let event = |number: &EventNumber| needs.events.get(*number as usize).cloned();
        let row = |(rule, ways): &(RuleId, Vec<&Requirement>)| {
            let head = self.index.head(*rule)?;
            // The way that lacks least.
            let steps = ways.iter().map(|way| lacking(way, &parted.collected)).min_by_key(Vec::len)?;
            Some(BlindRule {
                id: head.id.clone(),
                title: head.title.clone(),
                vendor: head.vendor,
                techniques: head.techniques().into_iter().map(str::to_owned).collect(),
                missing: steps.into_iter().map(|step| step.iter().filter_map(event).collect()).collect(),
            })
        };
        parted.blind.iter().filter_map(row).collect()
    }
}

impl CoverageView {
    /// The techniques that have rules as a layer of the ATT&CK Navigator: the score is the share of a technique's rules
    /// that can fire, in percent.
    #[must_use]
    pub fn layer(&self, attack_version: &str) -> Layer {
        let about =
            "Share of the counted rules of a technique, sub-techniques included, that can fire on what is collected";
        let mut layer = Layer::new("Telemetry coverage", AttackDomain::Enterprise, attack_version, about);
        let techniques =
            self.techniques.iter().filter(|row| row.domain == AttackDomain::Enterprise && row.rules.total > 0);
        for row in techniques {
            let CoverageCount { total, fires, cannot, unknown } = row.rules;
            let missing: Vec<String> = row
                .missing
                .iter()
                .map(|event| format!("{} {} ({})", event.provider, event.event_id, event.rules))
                .collect();
            let mut comment = format!("{fires} of {total} rules can fire, {cannot} cannot, {unknown} not known");
            if !missing.is_empty() {
                comment.push_str("; missing: ");
                comment.push_str(&missing.join(", "));
            }
            layer.add(LayerTechnique { comment, ..LayerTechnique::new(&row.technique, fires * 100 / total) });
        }
        layer.gradient.max_value = 100;
        layer.say("collected events", &self.collected.len().to_string());
        layer.say("source", self.have.kind);
        layer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_unlocks_a_rule_when_it_is_all_that_is_missing() {
        let has: FxHashSet<EventNumber> = [0].into_iter().collect();
        let cases: [(&[&[EventNumber]], &[EventNumber]); 6] = [
            (&[&[1]], &[1]),
            (&[&[1, 2]], &[1, 2]),
            (&[&[0], &[1]], &[1]),
            (&[&[1, 2], &[2, 3]], &[2]),
            (&[&[1], &[2]], &[]),
            (&[&[1], &[]], &[]),
        ];
        for (way, expected) in cases {
            let way: Requirement = way.iter().map(|step| step.to_vec()).collect();
            assert_eq!(unlocking(&way, &has), expected, "{way:?}");
        }
    }
}
