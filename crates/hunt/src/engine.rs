//! Asking rules about events.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use jiff::Timestamp;
use ruleatlas_core::{RoledPredicate, roles};
use ruleatlas_evaluate::{
    Carried, Compiled, ConditionId, Event, FieldQuery, KnownField, Outcome, Plan, Reason, RuleSet, RuleSetBuilder,
    Scratch, Verdict,
};
use ruleatlas_events::{EventKind, Kinds, Meaning, Wanted};
use ruleatlas_model::{Indicator, Node, Role, Rule};
use ruleatlas_taxonomy::{Folded, Taxonomy};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    report::Report,
    rule::{HuntRule, Preparation, Runs, Step, known_field},
    select::is_asked,
    sorted::StepHit,
    tally::Tally,
};

/// Kinds of events whose plans are kept.
const MAX_PLANS: usize = 2_000;
/// Reasons that are counted of a rule.
const MAX_REASONS: usize = 100;

/// How rules are asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Every rule is asked about every event.
    pub any_source: bool,
    /// Names mean what the record itself calls so: no canonical fields, and every rule is asked about every event.
    pub raw: bool,
}

/// Rules, ready to run on events.
#[derive(Debug)]
pub struct Hunter {
    pub(crate) rules: Vec<HuntRule>,
    steps: Vec<Step>,
    /// Steps by their condition.
    by_condition: FxHashMap<ConditionId, u32>,
    set: RuleSet,
    options: Options,
    kinds: Kinds,
    wanted: Wanted,
    plans: RwLock<FxHashMap<usize, Arc<KindPlan>>>,
    /// By step, its indicators and exclusions, made when it first holds.
    folded: Vec<OnceLock<Vec<FoldedCheck>>>,
}

/// What is asked of the events of a kind.
#[derive(Debug)]
struct KindPlan {
    kind: Arc<EventKind>,
    carried: CarriedByKind,
    plan: Plan,
    /// Rules that are asked, each once.
    rules: Vec<u32>,
}

#[derive(Debug)]
struct CarriedByKind(Arc<EventKind>);

impl Carried for CarriedByKind {
    fn carries(&self, field: KnownField) -> bool {
        self.0.carries(field.id)
    }

    fn carries_name(&self, folded: &str) -> bool {
        self.0.carries_name(folded)
    }
}

/// An indicator or exclusion of a step, ready to be asked by itself.
#[derive(Debug)]
struct FoldedCheck {
    indicator: Indicator,
    role: Role,
    condition: Compiled,
}

/// Where an event stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    /// The file.
    pub file: &'p str,
    /// The record's number in it.
    pub record: u64,
}

/// A rule that holds on an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The rule's id.
    pub rule: String,
    /// When it happened, in RFC 3339.
    pub time: Option<String>,
    /// On which host.
    pub host: Option<String>,
    /// In which file it stands.
    pub file: String,
    /// The record's number there.
    pub record: u64,
    /// Who wrote it, as the taxonomy calls it.
    pub provider: String,
    /// The event's id.
    pub event_id: String,
    /// Whether something that was not decided decides between hits and others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub candidate: bool,
    /// Of a rule over several events, where they stand; the hit's own is the last of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventPlace>,
    /// Of a rule over several events, how many they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The rule's indicators that held.
    pub matched: Vec<Matched>,
    /// The event's canonical fields.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub event: Map<String, Value>,
}

/// Where an event of a match stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPlace {
    /// The file.
    pub file: String,
    /// The record's number there.
    pub record: u64,
}

/// What was found in an event.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "hits are the common case, and are handed over at once")]
pub enum Found {
    /// A rule holds.
    Hit(Hit),
    /// A step of a rule over several events holds.
    Step(Box<StepHit>),
}

/// An indicator that held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matched {
    /// The canonical field.
    pub field: String,
    /// The folded operator.
    pub op: String,
    /// The folded value.
    pub value: String,
}

impl Hunter {
    /// Makes rules ready.
    #[must_use]
    pub fn new(rules: Vec<Rule>, options: Options) -> Self {
        let taxonomy = Taxonomy::builtin();
        let mut builder = RuleSetBuilder::default();
        for name in [
            "EventID",
            "Provider_Name",
            "Channel",
            "Computer",
            "event.category",
            "event.type",
            "event.action",
            "event.kind",
            "event.module",
            "event.dataset",
            "event.outcome",
            "host.os.type",
        ] {
            if let Some(field) = taxonomy.canonical_field(name) {
                builder.set_common(KnownField { id: field.index, name_only: false });
            }
        }
        let mut preparation = Preparation { taxonomy, builder, rules: Vec::new(), steps: Vec::new(), raw: options.raw };
        for rule in rules {
            preparation.add(rule);
        }
        let Preparation { builder, rules, steps, .. } = preparation;
        let keys = steps.iter().filter_map(|step| step.stateful.as_ref());
        let keys = keys.flat_map(|step| step.keys.iter().chain(&step.value)).filter_map(FieldQuery::known);
        let wanted: FxHashSet<Meaning> = builder
            .known_fields()
            .into_iter()
            .chain(keys)
            .map(|field| Meaning { field: field.id, name_only: field.name_only })
            .collect();
        let by_condition =
            (0..).zip(&steps).map(|(at, step)| (step.looks_for, at)).collect::<FxHashMap<ConditionId, u32>>();
        Self {
            set: builder.build(),
            folded: steps.iter().map(|_| OnceLock::new()).collect(),
            rules,
            steps,
            by_condition,
            options,
            kinds: Kinds::default(),
            wanted: Wanted::Only(wanted),
            plans: RwLock::default(),
        }
    }

    /// A worker for one thread.
    #[must_use]
    pub fn worker(&self) -> Worker<'_> {
        Worker {
            hunter: self,
            scratch: self.set.scratch(),
            plans: FxHashMap::default(),
            tally: Tally::default(),
            shows_events: true,
            shown: None,
        }
    }

    /// The report of what was counted.
    #[must_use]
    pub fn report(&self, tally: &Tally) -> Report {
        Report::new(self, tally)
    }

    /// How many rules are run, and how many distinct comparisons they have.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.rules.iter().filter(|rule| !matches!(rule.runs, Runs::Not(_))).count(), self.set.checks())
    }

    fn plan(&self, kind: &Arc<EventKind>) -> Arc<KindPlan> {
        let key = Arc::as_ptr(kind) as usize;
        if let Some(plan) = self.plans.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(plan);
        }
        let plan = Arc::new(self.make_plan(kind));
        let mut plans = self.plans.write().unwrap_or_else(PoisonError::into_inner);
        // A plan holds its kind, so that no other kind gets its place in memory.
        if plans.len() < MAX_PLANS {
            return Arc::clone(plans.entry(key).or_insert(plan));
        }
        plan
    }

    fn make_plan(&self, kind: &Arc<EventKind>) -> KindPlan {
        let asks_all = self.options.any_source || self.options.raw;
        let carried = CarriedByKind(Arc::clone(kind));
        // A rule whose log source is unknown does not read telemetry that has none of its fields.
        let can_read = |step: &Step| {
            !step.reads.unknown
                || self.set.can_read(step.looks_for, &carried)
                || self.rules.get(step.rule as usize).is_some_and(|rule| rule.compares_nothing)
        };
        let is_asked = |step: &&Step| {
            let is_meant =
                || self.rules.get(step.rule as usize).is_some_and(|rule| is_asked(&step.reads, &rule.platforms, kind));
            asks_all || (is_meant() && can_read(step))
        };
        let steps: Vec<&Step> = self.steps.iter().filter(is_asked).collect();
        let mut rules: Vec<u32> = steps.iter().map(|step| step.rule).collect();
        rules.dedup();
        let asked = steps.iter().map(|step| step.looks_for);
        let plan = self.set.plan(asked, (!self.options.raw).then_some(&carried as &dyn Carried));
        KindPlan { kind: Arc::clone(kind), carried, plan, rules }
    }

    /// The indicators and exclusions of a step.
    fn folded(&self, step: u32) -> &[FoldedCheck] {
        let Some(cell) = self.folded.get(step as usize) else { return &[] };
        cell.get_or_init(|| {
            let step = &self.steps[step as usize];
            let Some(rule) = self.rules.get(step.rule as usize) else { return Vec::new() };
            let Some(condition) = rule.conditions.get(step.condition as usize) else { return Vec::new() };
            let reader = Taxonomy::builtin().reader(rule.vendor, &condition.sources);
            let is_raw = self.options.raw;
            let resolve = |name: &str| if is_raw { None } else { known_field(&reader, name) };
            let placed = roles(&rule.conditions);
            let of_step = placed.iter().filter(|placed| placed.step == step.condition);
            let mut checks: Vec<FoldedCheck> = Vec::new();
            for placed in of_step.filter(|placed| matches!(placed.role, Role::Indicator | Role::Exclusion)) {
                for (at, Folded { indicator, .. }) in reader.fold(placed).into_iter().enumerate() {
                    if checks.iter().any(|known| known.role == placed.role && known.indicator == indicator) {
                        continue;
                    }
                    let condition = Compiled::resolved(&single(placed, at), &resolve);
                    checks.push(FoldedCheck { indicator, role: placed.role, condition });
                }
            }
            checks
        })
    }
}

/// The comparison with one of the values, in positive form.
fn single(placed: &RoledPredicate<'_>, at: usize) -> Node {
    let mut predicate = placed.predicate.clone();
    (predicate.op, predicate.negated) = (placed.counted_op, false);
    predicate.values = predicate.values.get(at).cloned().into_iter().collect();
    predicate.into()
}

/// Examines events in one thread.
#[derive(Debug)]
pub struct Worker<'h> {
    hunter: &'h Hunter,
    scratch: Scratch,
    /// Plans of the kinds that were met, with the events of each that are not in the tally yet.
    plans: FxHashMap<usize, (Arc<KindPlan>, u64)>,
    tally: Tally,
    shows_events: bool,
    /// The event that is examined as hits show it, once one needs it.
    shown: Option<Map<String, Value>>,
}

impl Worker<'_> {
    /// Leaves the events' fields out of hits.
    pub fn without_events(&mut self) {
        self.shows_events = false;
    }

    /// What was counted since the last call.
    pub fn take_tally(&mut self) -> Tally {
        for (plan, events) in self.plans.values_mut() {
            add_kind(&mut self.tally, plan, std::mem::take(events));
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
        let is_asked = u64::from(plan.plan.asked() > 0);
        self.tally.asked += is_asked;
        let file = self.tally.file(place.file);
        file[0] += 1;
        file[1] += is_asked;
        let (time, host) = (event.time, event.host);
        let fields = Value::Object(event.fields);
        let record = hunter.event(&plan, host.as_deref(), &fields);
        let candidates = hunter.set.candidates(&plan.plan, &record, &mut self.scratch);
        // Rules of which several steps hold are one hit.
        let mut done: FxHashMap<u32, Outcome> = FxHashMap::default();
        for condition in candidates {
            let Some(number) = hunter.by_condition.get(&condition).copied() else { continue };
            let Some(step) = hunter.steps.get(number as usize) else { continue };
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
                Outcome::Holds => self.hit(step, number, (time, host.as_deref(), place), &kind, &record, &fields, each),
                Outcome::Unknown if done.contains_key(&step.rule) => continue,
                Outcome::Unknown => {
                    let asked = step.whole.unwrap_or(step.looks_for);
                    let reasons = hunter.set.reasons(asked, &record, &mut self.scratch);
                    let reasons: Vec<String> = reasons.into_iter().map(why).collect();
                    self.unknown(step.rule, reasons);
                }
                Outcome::Fails if looks_for == Outcome::Holds => self.count_exclusions(number, &record),
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
        number: u32,
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
        if rule.compares_nothing {
            return;
        }
        let folded = self.hunter.folded(number);
        let held = folded.iter().filter(|check| check.role == Role::Indicator);
        let held = held.filter(|check| check.condition.evaluate(record) == Verdict::Holds);
        let matched: Vec<Matched> = held
            .map(|check| {
                *self.tally.indicators.entry(check.indicator.clone()).or_default() += 1;
                let Indicator { field, op, value, .. } = &check.indicator;
                Matched { field: field.clone(), op: op.to_string(), value: value.clone() }
            })
            .collect();
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

    /// Counts that a rule cannot be known.
    fn unknown(&mut self, rule: u32, reasons: impl IntoIterator<Item = String>) {
        let tally = self.tally.rules.entry(rule).or_default();
        tally.unknown += 1;
        for why in reasons {
            if tally.why.len() < MAX_REASONS || tally.why.contains_key(&why) {
                *tally.why.entry(why).or_default() += 1;
            }
        }
    }

    /// Counts the exclusions that took a hit away.
    fn count_exclusions(&mut self, step: u32, record: &Event<'_>) {
        let folded = self.hunter.folded(step);
        for check in folded.iter().filter(|check| check.role == Role::Exclusion) {
            if check.condition.evaluate(record) == Verdict::Holds {
                let counted = self.tally.exclusions.entry(check.indicator.clone()).or_default();
                counted[0] += 1;
                counted[1] += 1;
            }
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
    of_kind.asked += if plan.plan.asked() > 0 { events } else { 0 };
    of_kind.rules = of_kind.rules.max(plan.rules.len() as u64);
    for rule in &plan.rules {
        tally.rules.entry(*rule).or_default().asked += events;
    }
}

impl Hunter {
    fn event<'e>(&self, plan: &'e KindPlan, host: Option<&str>, fields: &'e Value) -> Event<'e> {
        let mut record = Event::new(fields);
        if self.options.raw {
            return record;
        }
        let raw = record.raw_values().map(|value| (value.name, value.value));
        let values = self.kinds.canonical(&plan.kind, host, raw, &self.wanted);
        for value in values {
            let field = KnownField { id: value.field.field, name_only: value.field.name_only };
            match value.source {
                Some(place) if value.is_own => record.know(field, place),
                source => record.derive(field, value.value, source),
            }
        }
        record.set_carried(&plan.carried);
        record
    }
}

/// A reason as it is counted: what the phrase is about stands behind it.
fn why(reason: &Reason) -> String {
    const MAX_TEXT: usize = 120;
    let text: String = reason.text.chars().take(MAX_TEXT).collect();
    match reason.why.as_str() {
        Reason::BLIND => format!("blind: {text}"),
        why if text.is_empty() => why.to_owned(),
        why => format!("{why}: {text}"),
    }
}
