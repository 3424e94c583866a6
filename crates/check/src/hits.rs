//! What rules hit in logs, for saying what a draft would have hit.

use ruleatlas_evaluate::Verdict;
use ruleatlas_logic::Record;
use ruleatlas_model::{EventRef, ParseStatus};
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use crate::draft::Draft;

/// Events that are kept.
const MAX_EVENTS: usize = 20_000;

/// Events of logs that rules hit, as `ruleatlas hunt` finds them.
#[derive(Clone, Debug, Default)]
pub struct MeasuredHits {
    /// How many events each rule was asked about, and how many it hit.
    rules: FxHashMap<String, (u64, u64)>,
    events: Vec<HitEvent>,
    by_place: FxHashMap<(String, u64), u32>,
    by_kind: FxHashMap<EventRef, Vec<u32>>,
    left_out: u64,
}

#[derive(Clone, Debug)]
struct HitEvent {
    record: Record,
    /// The rules that hit it.
    rules: Vec<String>,
}

/// What a draft selects of them.
pub(crate) struct Selected<'h> {
    pub events: Vec<&'h Record>,
    /// How many events of the draft's kinds rules hit.
    pub of: u64,
    /// The other rules that hit them, those that hit most first.
    pub rules: Vec<&'h str>,
}

impl MeasuredHits {
    /// Adds a rule that was asked about events.
    pub fn add_rule(&mut self, id: impl Into<String>, asked: u64, hits: u64) {
        self.rules.insert(id.into(), (asked, hits));
    }

    /// Adds a hit: the rule, the log file with the number of the record in it, which event it is, and its canonical
    /// fields. `false` where no more are kept.
    pub fn add_hit(
        &mut self,
        rule: impl Into<String>,
        place: (String, u64),
        event: EventRef,
        fields: &Map<String, Value>,
    ) -> bool {
        if fields.is_empty() {
            return true;
        }
        if let Some(known) = self.by_place.get(&place).and_then(|at| self.events.get_mut(*at as usize)) {
            known.rules.push(rule.into());
            return true;
        }
        if self.events.len() >= MAX_EVENTS {
            self.left_out += 1;
            return false;
        }
        let at = u32::try_from(self.events.len()).unwrap_or(u32::MAX);
        self.events.push(HitEvent { record: Record::new(fields), rules: vec![rule.into()] });
        self.by_place.insert(place, at);
        self.by_kind.entry(event).or_default().push(at);
        true
    }

    /// Whether there were more events than are kept.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.left_out > 0
    }

    /// How many events the rule itself was asked about, and how many it hit.
    pub(crate) fn of_rule(&self, id: &str) -> Option<(u64, u64)> {
        self.rules.get(id).copied()
    }

    /// The events that a draft selects; none where that cannot be known.
    pub(crate) fn selected(&self, draft: &Draft<'_>) -> Option<Selected<'_>> {
        let rule = &draft.entry.rule;
        let statement = draft.only_statement().filter(|statement| statement.is_canonical() && !draft.is_computed());
        let is_hunted = rule.parse == ParseStatus::Full && self.rules.contains_key(&rule.id);
        if !is_hunted && (statement.is_none() || rule.events.is_empty()) {
            return None;
        }
        let mut places: Vec<u32> = match is_hunted {
            // It may have been asked about other products' events of the same activity.
            true => (0..).take(self.events.len()).collect(),
            false => {
                let kinds = rule.events.iter().filter_map(|link| self.by_kind.get(&link.event)).flatten();
                kinds.copied().collect()
            }
        };
        places.sort_unstable();
        places.dedup();
        let of = places.len() as u64;
        let mut selected = Selected { events: Vec::new(), of, rules: Vec::new() };
        let mut counts: FxHashMap<&str, u64> = FxHashMap::default();
        for event in places.iter().filter_map(|at| self.events.get(*at as usize)) {
            let is_own = |id: &String| *id == rule.id;
            let is_selected = match is_hunted {
                true => event.rules.iter().any(is_own),
                false => statement.is_some_and(|statement| statement.evaluate_record(&event.record) == Verdict::Holds),
            };
            if is_selected {
                selected.events.push(&event.record);
                event.rules.iter().filter(|id| !is_own(id)).for_each(|id| *counts.entry(id).or_default() += 1);
            }
        }
        let mut rules: Vec<(&str, u64)> = counts.into_iter().collect();
        rules.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        selected.rules = rules.into_iter().map(|(id, _)| id).collect();
        Some(selected)
    }
}
