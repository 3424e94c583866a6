//! What was counted in logs of a rule, an indicator, an exclusion and a technique. What was not measured has no number.

use ruleatlas_catalog::Scope;
use ruleatlas_hunt::RuleCount;
use ruleatlas_model::{Indicator, Role};
use serde::Serialize;
use utoipa::ToSchema;

use super::{LogHits, hunt::HuntUnknown};
use crate::{Atlas, Error};

/// What was counted of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleMeasure {
    /// Events it was asked about.
    pub asked: u64,
    /// Events it holds on.
    pub hits: u64,
    /// Events it may hold on, if something holds that was not decided.
    pub candidates: u64,
    /// Events of which it cannot be known.
    pub unknown: u64,
    /// Why, the most frequent first.
    pub unknown_why: Vec<HuntUnknown>,
    /// Hosts with hits; of several data sets in which hosts are not named at most so many.
    pub hosts: u64,
    /// The time of the first hit.
    pub first: Option<String>,
    /// The time of the last hit.
    pub last: Option<String>,
}

impl RuleMeasure {
    pub(super) fn new(rule: RuleCount, hosts: u64) -> Self {
        Self {
            asked: rule.asked,
            hits: rule.hits,
            candidates: rule.candidates,
            unknown: rule.unknown,
            unknown_why: rule.unknown_why.into_iter().map(HuntUnknown::from).collect(),
            hosts,
            first: rule.first,
            last: rule.last,
        }
    }
}

/// A rule in the logs that were hunted in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleInLogs {
    /// What was counted; `null` where the rule was asked about no event.
    pub measured: Option<RuleMeasure>,
    /// Why it was not run, or its hits are candidates only.
    pub not_run: Option<String>,
}

/// What was counted of an indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct IndicatorMeasure {
    /// Events in which it held, of those that a rule which looks for it was asked about.
    pub events: u64,
    /// Hits of rules that look for it in which it held; `null` where hits are not saved.
    pub hits: Option<u64>,
    /// Their hosts.
    pub hosts: Option<u64>,
}

/// What was counted of an exclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExclusionMeasure {
    /// Events in which it held, of those that a rule which has it was asked about.
    pub events: u64,
    /// Hits that it took away.
    pub removed: u64,
}

/// A value in the logs that were hunted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ValueInLogs {
    /// As an indicator; `null` where no rule that looks for it was asked about an event.
    pub indicator: Option<IndicatorMeasure>,
    /// As an exclusion; `null` where no rule that has it was asked about an event.
    pub exclusion: Option<ExclusionMeasure>,
}

/// What was counted of the rules of a technique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TechniqueMeasure {
    /// Rules that were asked about an event.
    pub rules_asked: u64,
    /// Rules with hits.
    pub rules_with_hits: u64,
    /// Their hits.
    pub hits: u64,
    /// Hosts with hits; `null` where some are not named.
    pub hosts: Option<u64>,
}

impl LogHits {
    /// What was counted of a rule; `None` where it was asked about nothing.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&RuleMeasure> {
        self.rules.get(id).filter(|rule| rule.asked > 0)
    }
}

/// What logs say of the rules of a scope, where one of them was asked, and the ids of those with hits, the most first.
type ScopeMeasure = (Option<TechniqueMeasure>, Vec<String>);

impl Atlas {
    /// A rule in the logs; `None` where no file of hits is open.
    #[must_use]
    pub fn rule_in_logs(&self, id: &str) -> Option<RuleInLogs> {
        let hits = self.hits()?;
        Some(RuleInLogs { measured: hits.rule(id).cloned(), not_run: hits.not_run.get(id).cloned() })
    }

    /// A value in the logs; `None` where no file of hits is open.
    ///
    /// # Errors
    /// The file of hits cannot be read.
    pub fn value_in_logs(&self, indicator: &Indicator) -> Result<Option<ValueInLogs>, Error> {
        let Some(hits) = self.hits() else { return Ok(None) };
        let Indicator { field, op, value, modifiers } = indicator;
        let key = (field.clone(), op.to_string(), value.clone(), modifiers.to_string());
        let is_measured = |role| !hits.is_redacted(field) && self.is_asked(hits, indicator, role);
        let of_hits = match hits.saves_hits() && modifiers.is_empty() {
            true => Some(hits.reader().value_hits(&key.0, &key.1, &key.2)?),
            false => None,
        };
        let as_indicator = is_measured(Role::Indicator).then(|| IndicatorMeasure {
            events: hits.indicators.get(&key).copied().unwrap_or_default(),
            hits: of_hits.map(|found| found.hits),
            hosts: of_hits.map(|found| found.hosts),
        });
        let as_exclusion = is_measured(Role::Exclusion).then(|| {
            let [events, removed] = hits.exclusions.get(&key).copied().unwrap_or_default();
            ExclusionMeasure { events, removed }
        });
        Ok(Some(ValueInLogs { indicator: as_indicator, exclusion: as_exclusion }))
    }

    /// Whether a rule that has an indicator in a role was asked about an event.
    fn is_asked(&self, hits: &LogHits, indicator: &Indicator, role: Role) -> bool {
        let rules = self.index.find_indicator(indicator).and_then(|id| self.index.rules_with(id, role));
        let is_asked = |rule| self.index.head(rule).is_some_and(|head| hits.rule(&head.id).is_some());
        rules.is_some_and(|rules| rules.iter().any(is_asked))
    }

    /// The rules of a scope in the logs, the rules with hits first; `None` where no file of hits is open.
    ///
    /// # Errors
    /// The file of hits cannot be read.
    pub fn scope_in_logs(&self, scope: &Scope) -> Result<Option<ScopeMeasure>, Error> {
        let Some(hits) = self.hits() else { return Ok(None) };
        let heads = scope.rules.iter().filter_map(|rule| self.index.head(rule));
        let asked: Vec<(&str, &RuleMeasure)> =
            heads.filter_map(|head| Some((head.id.as_str(), hits.rule(&head.id)?))).collect();
        if asked.is_empty() {
            return Ok(Some((None, Vec::new())));
        }
        let mut with_hits: Vec<(&str, &RuleMeasure)> =
            asked.iter().copied().filter(|(_, measure)| measure.hits > 0).collect();
        with_hits.sort_by(|one, other| other.1.hits.cmp(&one.1.hits).then_with(|| one.0.cmp(other.0)));
        let ids: Vec<&str> = with_hits.iter().map(|(id, _)| *id).collect();
        let measure = TechniqueMeasure {
            rules_asked: asked.len() as u64,
            rules_with_hits: with_hits.len() as u64,
            hits: with_hits.iter().map(|(_, measure)| measure.hits).sum(),
            hosts: hits.reader().hosts_of(&ids)?,
        };
        Ok(Some((Some(measure), ids.into_iter().map(str::to_owned).collect())))
    }
}
