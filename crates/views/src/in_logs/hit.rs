//! Single hits with their events.

use ruleatlas_catalog::Entry;
use ruleatlas_core::roles;
use ruleatlas_hits::{HitQuery, SavedHit};
use ruleatlas_hunt::Matched;
use ruleatlas_model::Role;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::RuleInLogs;
use crate::{Atlas, Error, FiringCheck, RuleItem};

/// The hits of a rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RuleHitsView {
    /// The rule.
    pub rule: RuleItem,
    /// What was counted.
    pub in_logs: RuleInLogs,
    /// Its hits, a part of them where one is asked for.
    pub hits: Vec<HitItem>,
    /// How many are saved.
    pub saved: u64,
}

/// A hit in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HitItem {
    /// Its number in the file.
    pub number: i64,
    /// The hunt.
    pub data_set: String,
    /// When.
    pub time: Option<String>,
    /// On which host.
    pub host: Option<String>,
    /// The log file.
    pub file: String,
    /// The record's number in it.
    pub record: u64,
    /// Who wrote the event.
    pub provider: String,
    /// The event's id.
    pub event_id: String,
    /// Whether something that was not decided decides.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub candidate: bool,
}

/// A hit with its event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HitView {
    /// The hit.
    #[serde(flatten)]
    pub hit: HitItem,
    /// The rule's id.
    pub rule: String,
    /// The rule; `null` where the catalog does not have it.
    pub rule_item: Option<RuleItem>,
    /// The rule's indicators that held.
    pub matched: Vec<FiringCheck>,
    /// Of a rule over several events, where they stand: file and record.
    pub events: Vec<(String, u64)>,
    /// Of a rule over several events, how many they are.
    pub count: Option<u64>,
    /// The event by canonical field; empty where events are not saved.
    #[schema(value_type = utoipa::openapi::Object)]
    pub event: Map<String, Value>,
    /// The places of the rule's predicates that held, in its list of predicates.
    #[serde(skip)]
    pub held: Vec<usize>,
}

impl Atlas {
    fn hit_item(&self, hit: &SavedHit) -> HitItem {
        let data_sets = self.hits().map(|hits| hits.data_sets()).unwrap_or_default();
        let data_set = data_sets.iter().find(|data_set| data_set.number == hit.data_set);
        HitItem {
            number: hit.number,
            data_set: data_set.map(|data_set| data_set.name.clone()).unwrap_or_default(),
            time: hit.time.clone(),
            host: hit.host.clone(),
            file: hit.file.clone(),
            record: hit.record,
            provider: hit.provider.clone(),
            event_id: hit.event_id.clone(),
            candidate: hit.candidate,
        }
    }

    /// The hits of a rule: at most `limit` of them from `offset` on, and how many there are.
    ///
    /// # Errors
    /// The file of hits cannot be read.
    pub fn hits_of_rule(&self, id: &str, offset: u32, limit: u32) -> Result<(Vec<HitItem>, u64), Error> {
        let Some(hits) = self.hits() else { return Ok((Vec::new(), 0)) };
        let mut items = Vec::new();
        let query = HitQuery { rule: Some(id), offset, limit: Some(limit), ..HitQuery::default() };
        let reader = hits.reader();
        reader.for_hits(query, |hit| {
            items.push(self.hit_item(&hit));
            true
        })?;
        let saved = reader.saved_hits_of(id)?;
        Ok((items, saved))
    }

    /// Hands the first hits of a rule to `sink`, as they are saved.
    ///
    /// # Errors
    /// The file of hits cannot be read.
    pub fn for_hits_of_rule(&self, id: &str, limit: u32, mut sink: impl FnMut(SavedHit)) -> Result<(), Error> {
        let Some(hits) = self.hits() else { return Ok(()) };
        let query = HitQuery { rule: Some(id), limit: Some(limit), ..HitQuery::default() };
        Ok(hits.reader().for_hits(query, |hit| {
            sink(hit);
            true
        })?)
    }

    /// The hits of a rule with the rule.
    ///
    /// # Errors
    /// There is no such rule, or a file cannot be read.
    pub fn rule_hits(&self, id: &str, offset: u32, limit: u32) -> Result<RuleHitsView, Error> {
        let found = self.find_rule(id).and_then(|rule| RuleItem::of(&self.index, rule));
        let Some(rule) = found else {
            return Err(Error::NotFound { what: "rule", name: id.to_owned(), near: Vec::new() });
        };
        let unmeasured = RuleInLogs { measured: None, not_run: None };
        let in_logs = self.rule_in_logs(&rule.id).unwrap_or(unmeasured);
        let (hits, saved) = self.hits_of_rule(&rule.id, offset, limit)?;
        Ok(RuleHitsView { rule, in_logs, hits, saved })
    }

    /// A hit with its event.
    ///
    /// # Errors
    /// There is no such hit, or a file cannot be read.
    pub fn hit(&self, number: i64) -> Result<HitView, Error> {
        let missing = || Error::NotFound { what: "hit", name: number.to_string(), near: Vec::new() };
        let hits = self.hits().ok_or_else(missing)?;
        let mut found = None;
        let (hit, matched, events) = {
            let reader = hits.reader();
            reader.for_hits(HitQuery { number: Some(number), limit: Some(1), ..HitQuery::default() }, |hit| {
                found = Some(hit);
                true
            })?;
            let hit = found.ok_or_else(missing)?;
            let (matched, events) = (reader.matched(number)?, reader.events_of(number)?);
            (hit, matched, events)
        };
        let rule = self.find_rule(&hit.rule);
        let entry = rule.and_then(|rule| self.entry(rule).ok().flatten());
        Ok(HitView {
            hit: self.hit_item(&hit),
            rule_item: rule.and_then(|rule| RuleItem::of(&self.index, rule)),
            held: entry.map(|entry| self.held(&entry, &matched)).unwrap_or_default(),
            matched: matched
                .into_iter()
                .map(|row| FiringCheck { field: row.field, op: row.op, value: row.value })
                .collect(),
            events: events.into_iter().map(|place| (place.file, place.record)).collect(),
            count: hit.count,
            rule: hit.rule,
            event: hit.event,
        })
    }

    /// The places of the predicates that give an indicator which held.
    fn held(&self, entry: &Entry, matched: &[Matched]) -> Vec<usize> {
        let rule = &entry.rule;
        let placed = roles(&rule.conditions);
        if placed.len() != entry.predicates.len() {
            return Vec::new();
        }
        let holds = |indicator: &ruleatlas_model::Indicator| {
            let op = indicator.op.to_string();
            matched.iter().any(|row| row.field == indicator.field && row.op == op && row.value == indicator.value)
        };
        let held = placed.iter().enumerate().filter(|(_, placed)| {
            placed.role == Role::Indicator
                && rule.conditions.get(placed.step as usize).is_some_and(|step| {
                    let reader = self.taxonomy.reader(rule.vendor, &step.sources);
                    reader.fold(placed).iter().any(|folded| holds(&folded.indicator))
                })
        });
        held.map(|(at, _)| at).collect()
    }
}
