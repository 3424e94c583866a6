//! Rules that nearly fire: those of which something rare holds, and few comparisons fail.

use ruleatlas_catalog::RuleId;
use ruleatlas_events::Event;
use ruleatlas_hunt::{FailedComparison, Hunter, Report};
use ruleatlas_model::{Indicator, ParseStatus, Role, Rule, Vendor};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error};

/// Rules that are looked at.
const MAX_TRIED: usize = 80;
/// Rules that are given.
const MAX_NEAR: usize = 20;
/// Comparisons of a rule that fail, at most.
const MAX_FAILING: usize = 3;
/// Events that they are held against.
const MAX_EVENTS: usize = 10;
/// Values of a comparison that are given.
const MAX_VALUES: usize = 10;

/// A rule that nearly fires.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct NearRule {
    /// The rule's id.
    pub id: String,
    /// Who publishes it.
    pub vendor: Vendor,
    /// Its title.
    pub title: String,
    /// The event that it is closest to, by the number of its record from 1.
    pub event: u64,
    /// The comparisons that would have to come out otherwise, as few as there can be.
    pub failing: Vec<FailedCheck>,
}

/// A comparison that keeps a rule from firing.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FailedCheck {
    /// The canonical field; of a part that was not understood its text.
    pub field: String,
    /// The comparison; `null` for a part that was not understood.
    pub op: Option<&'static str>,
    /// Its values, at most ten.
    pub values: Vec<String>,
    /// How many it has.
    pub values_total: u64,
    /// Whether the rule demands that it does not hold: an exclusion.
    pub negated: bool,
    /// Where it stands in the rule's query.
    pub span: [u32; 2],
    /// Whether the event has no value of the field.
    pub missing: bool,
    /// Why it cannot be known, where that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Other comparisons of which one would do as well.
    pub alternatives: u64,
}

impl From<FailedComparison> for FailedCheck {
    fn from(failed: FailedComparison) -> Self {
        let FailedComparison { field, op, values, negated, span, missing, unknown, alternatives } = failed;
        Self {
            field,
            op: op.map(|op| op.name()),
            values_total: values.len() as u64,
            values: values.into_iter().take(MAX_VALUES).collect(),
            negated,
            span: [span.start, span.end],
            missing,
            unknown,
            alternatives: alternatives as u64,
        }
    }
}

impl Atlas {
    /// The closest rules that were asked and do not fire on any of the events.
    pub(super) fn near_rules(
        &self,
        hunter: &Hunter,
        report: &Report,
        numbers: &[u64],
        events: &[Event],
    ) -> Result<Vec<NearRule>, Error> {
        let is_silent = |rule: &&ruleatlas_hunt::RuleCount| rule.hits == 0 && rule.candidates == 0;
        let silent: FxHashSet<&str> = report.rules.iter().filter(is_silent).map(|rule| rule.id.as_str()).collect();
        let tried = self.with_most_held(report, &silent);
        let mut rules = Vec::with_capacity(tried.len());
        for (number, _) in &tried {
            let Some(head) = self.index.head(*number) else { continue };
            let mut rule = Rule::blank(head.vendor, head.language, &head.path);
            rule.id.clone_from(&head.id);
            rule.platforms.clone_from(&head.platforms);
            // A rule that cannot be read has no condition, and is left out.
            rule.conditions = self.conditions(*number).unwrap_or_default();
            rules.push(rule);
        }
        let events = events.get(..MAX_EVENTS).unwrap_or(events);
        let misses = hunter.explain(&rules, events);
        let mut near: Vec<(NearRule, f64)> = Vec::new();
        for ((rule, (number, weight)), miss) in rules.iter().zip(tried).zip(misses) {
            let (Some((event, miss)), Some(head)) = (miss, self.index.head(number)) else { continue };
            if miss.failing.is_empty() || miss.failing.len() > MAX_FAILING {
                continue;
            }
            let found = NearRule {
                id: rule.id.clone(),
                vendor: rule.vendor,
                title: head.title.clone(),
                event: numbers.get(event).copied().unwrap_or_default(),
                failing: miss.failing.into_iter().map(FailedCheck::from).collect(),
            };
            near.push((found, weight));
        }
        near.sort_by(|(one, weight), (other, other_weight)| {
            let fewer = one.failing.len().cmp(&other.failing.len());
            fewer.then(other_weight.total_cmp(weight)).then_with(|| one.id.cmp(&other.id))
        });
        near.truncate(MAX_NEAR);
        Ok(near.into_iter().map(|(rule, _)| rule).collect())
    }

    /// The rules of which the rarest indicators held, with the weight of these.
    fn with_most_held(&self, report: &Report, silent: &FxHashSet<&str>) -> Vec<(RuleId, f64)> {
        let all = self.index.counted().len() as f64;
        let mut weights: FxHashMap<RuleId, f64> = FxHashMap::default();
        for row in &report.indicators {
            let (Ok(op), Ok(modifiers)) = (row.op.parse(), row.modifier.parse()) else { continue };
            let indicator = Indicator { field: row.field.clone(), op, value: row.value.clone(), modifiers };
            let found = self.index.find_indicator(&indicator);
            let Some(rules) = found.and_then(|id| self.index.rules_with(id, Role::Indicator)) else { continue };
            let weight = (all / (rules.len() as f64).max(1.0)).ln().max(0.0);
            for rule in rules {
                *weights.entry(rule).or_default() += weight;
            }
        }
        let is_tried = |rule: &RuleId| {
            let head = self.index.head(*rule);
            head.is_some_and(|head| silent.contains(head.id.as_str()) && head.parse == ParseStatus::Full)
        };
        let mut tried: Vec<(RuleId, f64)> = weights.into_iter().filter(|(rule, _)| is_tried(rule)).collect();
        let size = |rule: RuleId| self.index.uses_of(rule).len();
        tried.sort_by(|(one, weight), (other, other_weight)| {
            other_weight.total_cmp(weight).then_with(|| (size(*one), one).cmp(&(size(*other), other)))
        });
        tried.truncate(MAX_TRIED);
        tried
    }
}
