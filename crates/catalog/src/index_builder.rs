//! From entries to the rows of an index: names and indicators are numbered, and shown as most rules spell them.

use ruleatlas_model::{FoldedOp, Indicator, Modifiers, Role};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{Entry, Head, IndexData, IndicatorId, RuleId};

impl IndexData {
    /// The rows of built entries, which are ordered by id.
    #[must_use]
    pub fn of(entries: &[Entry]) -> Self {
        Self { heads: entries.iter().map(Head::of).collect(), ..Self::without_heads(entries) }
    }

    /// The same without `heads`, for callers that have the entries.
    #[must_use]
    pub fn without_heads(entries: &[Entry]) -> Self {
        let mut fields = Spellings::default();
        let mut indicators = Numbers::default();
        let mut spellings: Vec<Votes> = Vec::new();
        let mut data = Self::default();
        for (rule, entry) in (0..).zip(entries) {
            let mut used = FxHashSet::default();
            for row in &entry.predicates {
                if row.counts_for_field() {
                    let field = fields.number(if row.mapped || !row.raw_field.is_empty() { &row.field } else { "" });
                    let op = row.field_op().name();
                    if used.insert((field, op)) {
                        data.field_uses.push((rule, field, op));
                    }
                }
            }
            for folded in &entry.indicators {
                let field = fields.number(&folded.indicator.field);
                let Indicator { op, value, modifiers, .. } = &folded.indicator;
                let key = (field, *op, value.as_str(), modifiers);
                let id = indicators.number(key);
                match spellings.get_mut(id as usize) {
                    Some(votes) => votes.add(&folded.spelling),
                    None => spellings.push(Votes::new(&folded.spelling)),
                }
                data.uses.push((rule, id, folded.role, folded.grouped));
            }
        }
        data.fields = fields.shown();
        data.indicators = indicators
            .keys
            .iter()
            .zip(&spellings)
            .map(|((field, op, _, modifiers), votes)| {
                let name = data.fields.get(*field as usize).cloned().unwrap_or_default();
                let value = votes.winner().to_owned();
                (*field, Indicator { field: name, op: *op, value, modifiers: (*modifiers).clone() })
            })
            .collect();
        data
    }

    /// For each indicator how many counted rules look for it and how many exclude it, as an index of these rows and
    /// `entries` counts them, without making one.
    #[must_use]
    pub fn reach(&self, entries: &[Entry]) -> Vec<(u32, u32)> {
        let units = units(entries.iter().map(|entry| (entry.rule.id.as_str(), entry.rule.variant_of.as_deref())));
        let mut is_counted = vec![false; entries.len()];
        for (entry, unit) in entries.iter().zip(&units) {
            is_counted[*unit as usize] |= entry.rule.is_counted();
        }
        let mut uses: Vec<(IndicatorId, Role, RuleId)> = self
            .uses
            .iter()
            .filter_map(|(rule, indicator, role, _)| {
                let unit = *units.get(*rule as usize)?;
                is_counted[unit as usize].then_some((*indicator, *role, unit))
            })
            .collect();
        uses.sort_unstable();
        uses.dedup();
        let mut reach = vec![(0, 0); self.indicators.len()];
        for (indicator, role, _) in uses {
            if let Some((looking, excluding)) = reach.get_mut(indicator as usize) {
                *(if role == Role::Indicator { looking } else { excluding }) += 1;
            }
        }
        reach
    }
}

/// The rule that each rule counts as: the one that it is a variant of, else itself. Takes each rule's id and the one
/// that it is a variant of.
pub(crate) fn units<'a>(rules: impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone) -> Vec<RuleId> {
    let by_id: FxHashMap<&str, RuleId> = (0..).zip(rules.clone()).map(|(rule, (id, _))| (id, rule)).collect();
    (0..).zip(rules).map(|(rule, (_, of))| of.and_then(|id| by_id.get(id)).copied().unwrap_or(rule)).collect()
}

impl Head {
    fn of(entry: &Entry) -> Self {
        let rule = &entry.rule;
        Self {
            id: rule.id.clone(),
            title: rule.title.clone(),
            vendor: rule.vendor,
            source: rule.source.clone(),
            path: rule.path.clone(),
            kind: rule.kind,
            language: rule.language,
            status: rule.status,
            severity: rule.severity,
            date: rule.date.clone(),
            modified: rule.modified.clone(),
            parse: rule.parse,
            variant_of: rule.variant_of.clone(),
            technique_tags: rule.technique_tags.clone(),
            tactics: rule.tactics.clone(),
            platforms: rule.platforms.clone(),
            domains: rule.domains.clone(),
            log_sources: rule.log_sources.clone(),
            events: rule.events.clone(),
        }
    }
}

/// An indicator's identity: the field's number, the operator, the value in lower case, the modifiers.
type Key<'a> = (u32, FoldedOp, &'a str, &'a Modifiers);

/// Numbers for indicators, in the order of their first use.
#[derive(Default)]
struct Numbers<'a> {
    by_key: FxHashMap<Key<'a>, u32>,
    keys: Vec<Key<'a>>,
}

impl<'a> Numbers<'a> {
    fn number(&mut self, key: Key<'a>) -> u32 {
        *self.by_key.entry(key).or_insert_with(|| {
            self.keys.push(key);
            u32::try_from(self.keys.len() - 1).unwrap_or(u32::MAX)
        })
    }
}

/// Numbers for names that compare without case.
#[derive(Default)]
struct Spellings<'a> {
    by_name: FxHashMap<String, u32>,
    by_spelling: FxHashMap<&'a str, u32>,
    votes: Vec<Votes<'a>>,
}

impl<'a> Spellings<'a> {
    fn number(&mut self, name: &'a str) -> u32 {
        let number = match self.by_spelling.get(name) {
            Some(number) => *number,
            None => {
                let next = u32::try_from(self.votes.len()).unwrap_or(u32::MAX);
                let number = *self.by_name.entry(name.to_lowercase()).or_insert(next);
                if number == next {
                    self.votes.push(Votes::default());
                }
                self.by_spelling.insert(name, number);
                number
            }
        };
        if let Some(votes) = self.votes.get_mut(number as usize) {
            votes.add(name);
        }
        number
    }

    fn shown(&self) -> Vec<String> {
        self.votes.iter().map(|votes| votes.winner().to_owned()).collect()
    }
}

/// How often each spelling of one thing is used.
#[derive(Clone, Debug, Default)]
struct Votes<'a>(Vec<(&'a str, u32)>);

impl<'a> Votes<'a> {
    fn new(spelling: &'a str) -> Self {
        Self(vec![(spelling, 1)])
    }

    fn add(&mut self, spelling: &'a str) {
        match self.0.iter_mut().find(|(other, _)| *other == spelling) {
            Some((_, count)) => *count += 1,
            None => self.0.push((spelling, 1)),
        }
    }

    /// The most used spelling; of equals the first in the order of the alphabet.
    fn winner(&self) -> &'a str {
        self.0.iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(a.0))).map_or("", |(spelling, _)| spelling)
    }
}
