//! Examining events, in one thread.

use std::sync::Arc;

use jiff::Timestamp;
use ruleatlas_evaluate::{ConditionId, Event, Outcome, Reason, ReasonRef, Scratch};
use ruleatlas_events::EventKind;
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use crate::{
    Hunter,
    engine::{AskedPlan, ConditionUse, KindPlan, MAX_PLANS, Place},
    hit::{Found, Hit, Matched},
    rule::{Runs, Step},
    sorted::StepHit,
    tally::Tally,
};

/// Examines events in one thread.
#[derive(Debug)]
pub struct Worker<'h> {
    hunter: &'h Hunter,
    scratch: Scratch,
    /// Plans of the kinds that were met, with the events of each that are not in the tally yet.
    plans: FxHashMap<usize, (Arc<KindPlan>, u64)>,
    tally: Tally,
    shows_events: bool,
    shows_hits: bool,
    reasons: Reasons<'h>,
    /// The event that is examined as hits show it, once one needs it.
    shown: Option<Map<String, Value>>,
    /// Single comparisons that hold for the event, and where in `places` the literals stand with which they do.
    held: Marks,
    places_of: Vec<(u32, u32)>,
    places: Vec<u32>,
    /// Indicators and exclusions that were counted for the event.
    counted: [Marks; 2],
    /// Events in which each indicator held, and each exclusion, that are not in the tally yet.
    events: [Vec<u64>; 2],
}

/// Why rules cannot be known, counted until a tally is taken. A rule set has few reasons, and many events have the same.
#[derive(Debug, Default)]
struct Reasons<'h> {
    /// By the place of its texts, the number of a reason.
    known: FxHashMap<(usize, usize), u32>,
    /// Its number by what it is counted as.
    numbers: FxHashMap<String, u32>,
    /// By rule and reason, the events.
    events: FxHashMap<(u32, u32), u64>,
    /// Those of the rule that is examined.
    found: Vec<u32>,
    set: std::marker::PhantomData<&'h Hunter>,
}

impl<'h> Reasons<'h> {
    fn number(&mut self, why: String) -> u32 {
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(why).or_insert(next)
    }

    /// Counts the reasons of a rule in one event, each once.
    fn count(&mut self, rule: u32, reasons: impl IntoIterator<Item = ReasonRef<'h>>) {
        self.found.clear();
        for reason in reasons {
            // Texts of the rule set are where they are for as long as it is.
            let place = (reason.why.as_ptr().addr(), reason.text.as_ptr().addr());
            let number = match self.known.get(&place) {
                Some(known) => *known,
                None => {
                    let number = self.number(why(reason));
                    self.known.insert(place, number);
                    number
                }
            };
            if !self.found.contains(&number) {
                self.found.push(number);
                *self.events.entry((rule, number)).or_default() += 1;
            }
        }
    }

    /// Counts a reason that is not of the rule set.
    fn count_other(&mut self, rule: u32, why: String) {
        let number = self.number(why);
        *self.events.entry((rule, number)).or_default() += 1;
    }
}

/// Numbers that are marked for one event.
#[derive(Debug)]
struct Marks {
    /// By number, the event that it was last marked for.
    marked: Vec<u32>,
    event: u32,
}

impl Marks {
    fn new(numbers: usize) -> Self {
        Self { marked: vec![0; numbers], event: 0 }
    }

    fn begin(&mut self) {
        self.event = self.event.wrapping_add(1);
        if self.event == 0 {
            self.marked.fill(0);
            self.event = 1;
        }
    }

    /// Whether it was not marked before.
    fn mark(&mut self, number: usize) -> bool {
        if number >= self.marked.len() {
            self.marked.resize(number + 1, 0);
        }
        let event = self.event;
        self.marked.get_mut(number).is_some_and(|marked| std::mem::replace(marked, event) != event)
    }

    fn has(&self, number: usize) -> bool {
        self.marked.get(number) == Some(&self.event)
    }
}

impl<'h> Worker<'h> {
    pub(crate) fn new(hunter: &'h Hunter) -> Self {
        Self {
            hunter,
            scratch: hunter.set.scratch(),
            plans: FxHashMap::default(),
            tally: Tally::default(),
            shows_events: true,
            shows_hits: true,
            reasons: Reasons::default(),
            shown: None,
            held: Marks::new(hunter.set.len()),
            places_of: vec![(0, 0); hunter.set.len()],
            places: Vec::new(),
            counted: [Marks::new(0), Marks::new(0)],
            events: [Vec::new(), Vec::new()],
        }
    }

    /// Leaves the events' fields out of hits.
    pub fn without_events(&mut self) {
        self.shows_events = false;
    }

    /// Hands over no hits, but of rules over several events: the others are only counted.
    pub fn without_hits(&mut self) {
        self.shows_hits = false;
    }

    /// What was counted since the last call.
    pub fn take_tally(&mut self) -> Tally {
        for (plan, events) in self.plans.values_mut() {
            add_kind(&mut self.tally, plan, std::mem::take(events));
        }
        let [indicators, exclusions] = &mut self.events;
        for (number, events) in (0..).zip(indicators).filter(|(_, events)| **events > 0) {
            *self.tally.indicators.entry(number).or_default() += std::mem::take(events);
        }
        for (number, events) in (0..).zip(exclusions).filter(|(_, events)| **events > 0) {
            self.tally.exclusions.entry(number).or_default()[0] += std::mem::take(events);
        }
        let names: FxHashMap<u32, &String> = self.reasons.numbers.iter().map(|(why, number)| (*number, why)).collect();
        for ((rule, reason), events) in self.reasons.events.drain() {
            if let Some(why) = names.get(&reason) {
                *self.tally.rules.entry(rule).or_default().why.entry((*why).clone()).or_default() += events;
            }
        }
        std::mem::take(&mut self.tally)
    }

    /// Asks the rules about an event and hands on what holds, in the order of the rules.
    pub fn examine(&mut self, event: ruleatlas_events::Event, place: Place<'_>, each: &mut dyn FnMut(Found)) {
        let hunter = self.hunter;
        self.tally.read += 1;
        self.shown = None;
        self.tally.add_time(event.time);
        if event.shape.is_none() {
            self.tally.unknown_shape += 1;
        }
        let kind = hunter.kinds.of(&event);
        let key = Arc::as_ptr(&kind) as usize;
        let plan = match self.plans.get_mut(&key) {
            Some((plan, events)) => {
                *events += 1;
                Arc::clone(plan)
            }
            None => {
                let plan = hunter.plan(&kind);
                if self.plans.len() < MAX_PLANS {
                    self.plans.insert(key, (Arc::clone(&plan), 1));
                } else {
                    add_kind(&mut self.tally, &plan, 1);
                }
                plan
            }
        };
        let is_asked = u64::from(!plan.asked.rules.is_empty());
        self.tally.asked += is_asked;
        let file = self.tally.file(place.file);
        file.read += 1;
        file.asked += is_asked;
        let (time, host) = (event.time, event.host);
        let fields = Value::Object(event.fields);
        let record = hunter.event(&plan, host.as_deref(), &fields);
        let candidates = hunter.set.candidates(&plan.asked.plan, &record, &mut self.scratch);
        self.count_folded(&plan.asked, &candidates, &record);
        // Rules of which several steps hold are one hit.
        let mut done: FxHashMap<u32, Outcome> = FxHashMap::default();
        for condition in candidates {
            let Some(ConditionUse::Step(number)) = hunter.uses.get(condition.index()) else { continue };
            let Some(step) = hunter.steps.get(*number as usize) else { continue };
            let looks_for = hunter.set.evaluate(condition, &record, &mut self.scratch);
            if looks_for == Outcome::Fails {
                continue;
            }
            let outcome = match step.whole {
                Some(whole) => hunter.set.evaluate(whole, &record, &mut self.scratch),
                None => looks_for,
            };
            match outcome {
                Outcome::Holds if step.stateful.is_none() && done.get(&step.rule) == Some(&Outcome::Holds) => continue,
                Outcome::Holds => self.hit(step, (time, host.as_deref(), place), &kind, &record, &fields, each),
                Outcome::Unknown if done.contains_key(&step.rule) => continue,
                Outcome::Unknown => {
                    let asked = step.whole.unwrap_or(step.looks_for);
                    let reasons = hunter.set.reasons(asked, &record, &mut self.scratch);
                    self.tally.rules.entry(step.rule).or_default().unknown += 1;
                    self.reasons.count(step.rule, reasons);
                }
                Outcome::Fails if looks_for == Outcome::Holds => self.count_removed(step, &record),
                Outcome::Fails => continue,
            }
            if outcome != Outcome::Fails {
                done.insert(step.rule, outcome);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn hit(
        &mut self,
        step: &Step,
        (time, host, place): (Option<Timestamp>, Option<&str>, Place<'_>),
        kind: &EventKind,
        record: &Event<'_>,
        fields: &Value,
        each: &mut dyn FnMut(Found),
    ) {
        let Some(rule) = self.hunter.rules.get(step.rule as usize) else { return };
        let is_candidate = matches!(rule.runs, Runs::Candidates(_));
        let stateful = step.stateful.as_ref();
        let tally = self.tally.rules.entry(step.rule).or_default();
        match stateful {
            Some(_) => {}
            None if is_candidate => tally.candidates += 1,
            None => {
                tally.hits += 1;
                tally.add_time(time);
                tally.add_host(host);
            }
        }
        if rule.compares_nothing || !(self.shows_hits || stateful.is_some()) {
            return;
        }
        let mut matched: Vec<Matched> = Vec::new();
        for indicator in self.held_of(&step.lists, false).filter_map(|number| self.hunter.indicators.get(number)) {
            let found = Matched { field: indicator.field, op: indicator.op.to_string(), value: indicator.value };
            if !matched.contains(&found) {
                matched.push(found);
            }
        }
        let hunter = self.hunter;
        let event = match self.shows_events {
            true => self.shown.get_or_insert_with(|| match hunter.options.raw {
                true => fields.as_object().cloned().unwrap_or_default(),
                false => hunter.kinds.canonical_object(kind, fields),
            }),
            false => &Map::new(),
        };
        let event = event.clone();
        let hit = Hit {
            rule: rule.id.clone(),
            time: time.map(|time| time.to_string()),
            host: host.map(str::to_owned),
            file: place.file.to_owned(),
            record: place.record,
            provider: kind.provider.clone(),
            event_id: kind.event_id.clone(),
            candidate: is_candidate,
            events: Vec::new(),
            count: None,
            matched,
            event,
        };
        let Some(stateful) = stateful else { return each(Found::Hit(hit)) };
        let Some(time) = time else { return self.unknown(step.rule, ["the event has no time".to_owned()]) };
        let key: Option<Vec<String>> =
            stateful.keys.iter().map(|key| record.first_text(key).map(str::to_owned)).collect();
        let Some(key) = key else {
            let blind = stateful.keys.iter().zip(&stateful.key_names).filter(|(key, _)| record.never_has(key));
            let blind: Vec<String> = blind.map(|(_, name)| format!("blind: {name}")).collect();
            if !blind.is_empty() {
                self.unknown(step.rule, blind);
            }
            return;
        };
        let value = stateful.value.as_ref().and_then(|value| record.first_text(value)).map(str::to_owned);
        let time = time.as_microsecond();
        each(Found::Step(Box::new(StepHit { rule: step.rule, step: stateful.number, time, key, value, hit })));
    }

    /// Counts that a rule cannot be known, for reasons that are not of its condition.
    fn unknown(&mut self, rule: u32, reasons: impl IntoIterator<Item = String>) {
        self.tally.rules.entry(rule).or_default().unknown += 1;
        for why in reasons {
            self.reasons.count_other(rule, why);
        }
    }

    /// The numbers of the indicators or exclusions of some lists that hold for the event.
    fn held_of<'w>(&'w self, lists: &'w [u32], exclusions: bool) -> impl Iterator<Item = u32> + use<'w, 'h> {
        let hunter = self.hunter;
        let lists = lists.iter().filter_map(|list| hunter.lists.get(*list as usize));
        let held = lists.filter(move |list| list.is_exclusion == exclusions && self.held.has(list.condition.index()));
        held.flat_map(move |list| {
            let (start, end) = self.places_of.get(list.condition.index()).copied().unwrap_or_default();
            let places = self.places.get(start as usize..end as usize).unwrap_or_default();
            let numbers = list.numbers(&hunter.set, &hunter.indicators);
            places.iter().filter_map(|place| numbers.get(*place as usize).copied())
        })
    }

    /// Counts the indicators and exclusions that hold for an event.
    fn count_folded(&mut self, plan: &AskedPlan, candidates: &[ConditionId], record: &Event<'_>) {
        let hunter = self.hunter;
        self.held.begin();
        self.places.clear();
        self.counted.iter_mut().for_each(Marks::begin);
        for condition in candidates {
            let Some(ConditionUse::Folded(lists)) = hunter.uses.get(condition.index()) else { continue };
            if hunter.set.evaluate(*condition, record, &mut self.scratch) != Outcome::Holds {
                continue;
            }
            self.held.mark(condition.index());
            let start = self.places.len();
            let mut places = std::mem::take(&mut self.places);
            hunter.set.each_literal(*condition, record, &mut |place| places.push(place));
            let own = places.get_mut(start..).unwrap_or_default();
            own.sort_unstable();
            let lists = lists.iter().filter(|list| plan.has_list(**list));
            for list in lists.filter_map(|list| hunter.lists.get(*list as usize)) {
                let numbers = list.numbers(&hunter.set, &hunter.indicators);
                let role = usize::from(list.is_exclusion);
                for number in own.iter().filter_map(|place| numbers.get(*place as usize)) {
                    let number = *number as usize;
                    if self.counted[role].mark(number) {
                        let events = &mut self.events[role];
                        if number >= events.len() {
                            events.resize(number + 1, 0);
                        }
                        events[number] += 1;
                    }
                }
            }
            if let Some(of_condition) = self.places_of.get_mut(condition.index()) {
                let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
                *of_condition = (place(start), place(places.len()));
            }
            self.places = places;
        }
    }

    /// Counts the exclusions that took a hit away: those that hold, in the parts of the step that exclude the event.
    fn count_removed(&mut self, step: &Step, record: &Event<'_>) {
        let hunter = self.hunter;
        let mut counted: Vec<u32> = Vec::new();
        for part in &step.excludes {
            if hunter.set.evaluate(part.condition, record, &mut self.scratch) != Outcome::Fails {
                continue;
            }
            for exclusion in self.held_of(&part.lists, true) {
                if !counted.contains(&exclusion) {
                    counted.push(exclusion);
                }
            }
        }
        for exclusion in counted {
            self.tally.exclusions.entry(exclusion).or_default()[1] += 1;
        }
    }
}

/// Counts events of a kind, and that its rules were asked about them.
fn add_kind(tally: &mut Tally, plan: &KindPlan, events: u64) {
    if events == 0 {
        return;
    }
    let of_kind = tally.kind(&plan.kind.provider, &plan.kind.event_id);
    of_kind.events += events;
    of_kind.asked += if plan.asked.rules.is_empty() { 0 } else { events };
    of_kind.rules = of_kind.rules.max(plan.asked.rules.len() as u64);
    for rule in &plan.asked.rules {
        tally.rules.entry(*rule).or_default().asked += events;
    }
}

/// A reason as it is counted: what the phrase is about stands behind it.
fn why(reason: ReasonRef<'_>) -> String {
    const MAX_TEXT: usize = 120;
    let text: String = reason.text.chars().take(MAX_TEXT).collect();
    match reason.why {
        Reason::BLIND => format!("blind: {text}"),
        why if text.is_empty() => why.to_owned(),
        why => format!("{why}: {text}"),
    }
}
