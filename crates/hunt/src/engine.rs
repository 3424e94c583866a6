//! Asking rules about events.

use std::sync::{Arc, PoisonError, RwLock};

use rayon::prelude::*;
use ruleatlas_evaluate::{Carried, ConditionId, Event, FieldQuery, KnownField, Plan, RuleSet, RuleSetBuilder};
use ruleatlas_events::{EventKind, Kinds, Meaning, Wanted};
use ruleatlas_model::Rule;
use ruleatlas_taxonomy::Taxonomy;
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use crate::{
    Worker,
    folded::{FoldedList, Indicators},
    report::Report,
    rule::{HuntRule, Preparation, Prepared, Reads, Runs, Step},
    select::is_asked,
    tally::Tally,
};

/// Kinds of events whose plans are kept.
pub(crate) const MAX_PLANS: usize = 2_000;

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
    pub(crate) steps: Vec<Step>,
    /// What steps read, by number.
    reads: Vec<Reads>,
    /// What conditions are asked for, by [`ConditionId::index`].
    pub(crate) uses: Vec<ConditionUse>,
    /// The predicates that give indicators and exclusions, by number.
    pub(crate) lists: Vec<FoldedList>,
    pub(crate) indicators: Indicators,
    pub(crate) set: RuleSet,
    pub(crate) options: Options,
    pub(crate) kinds: Kinds,
    wanted: Wanted,
    plans: RwLock<Plans>,
}

/// What is asked of events, by their kind; many kinds are asked the same.
#[derive(Debug, Default)]
struct Plans {
    by_kind: FxHashMap<usize, Arc<KindPlan>>,
    asked: FxHashSet<Arc<AskedPlan>>,
}

/// What a condition is asked for.
#[derive(Clone, Debug)]
pub(crate) enum ConditionUse {
    /// Whether a step looks for the event.
    Step(u32),
    /// Whether indicators and exclusions hold: numbers of lists of them.
    Folded(Vec<u32>),
    /// Something that is asked of what a step looks for.
    Rest,
}

/// What is asked of the events of a kind.
#[derive(Debug)]
pub(crate) struct KindPlan {
    pub kind: Arc<EventKind>,
    carried: CarriedByKind,
    pub asked: Arc<AskedPlan>,
}

/// What is asked of an event.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct AskedPlan {
    pub plan: Plan,
    /// Rules that are asked, each once.
    pub rules: Box<[u32]>,
    /// The indicators and exclusions of these, by number of the list and in order.
    lists: Box<[u32]>,
}

impl AskedPlan {
    /// Whether a rule that is asked has the indicators or exclusions of a list.
    pub fn has_list(&self, list: u32) -> bool {
        self.lists.binary_search(&list).is_ok()
    }
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

/// Where an event stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    /// The file.
    pub file: &'p str,
    /// The record's number in it.
    pub record: u64,
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
        let mut preparation = Preparation {
            taxonomy,
            builder,
            rules: Vec::new(),
            steps: Vec::new(),
            reads: FxHashMap::default(),
            lists: Vec::new(),
            list_numbers: FxHashMap::default(),
            raw: options.raw,
        };
        let prepared: Vec<Prepared<'_>> = rules.par_iter().map(|rule| Prepared::new(rule, taxonomy)).collect();
        for rule in prepared {
            preparation.add(rule);
        }
        let Preparation { builder, rules, steps, reads, lists, .. } = preparation;
        let mut reads: Vec<(Reads, u32)> = reads.into_iter().collect();
        reads.sort_unstable_by_key(|(_, number)| *number);
        let keys = steps.iter().filter_map(|step| step.stateful.as_ref());
        let keys = keys.flat_map(|step| step.keys.iter().chain(&step.value)).filter_map(FieldQuery::known);
        let wanted: FxHashSet<Meaning> = builder
            .known_fields()
            .into_iter()
            .chain(keys)
            .map(|field| Meaning { field: field.id, name_only: field.name_only })
            .collect();
        let set = builder.build();
        Self {
            uses: uses(&steps, &lists, set.len()),
            lists,
            reads: reads.into_iter().map(|(reads, _)| reads).collect(),
            indicators: Indicators::default(),
            set,
            rules,
            steps,
            options,
            kinds: Kinds::default(),
            wanted: Wanted::Only(wanted),
            plans: RwLock::default(),
        }
    }

    /// A worker for one thread.
    #[must_use]
    pub fn worker(&self) -> Worker<'_> {
        Worker::new(self)
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

    /// Forgets the kinds of events that were met. Whoever chooses the events can make new kinds without end: a service that
    /// keeps a hunter calls it from time to time.
    pub fn forget_kinds(&self) {
        *self.plans.write().unwrap_or_else(PoisonError::into_inner) = Plans::default();
        self.kinds.clear();
    }

    pub(crate) fn plan(&self, kind: &Arc<EventKind>) -> Arc<KindPlan> {
        let key = Arc::as_ptr(kind) as usize;
        if let Some(plan) = self.plans.read().unwrap_or_else(PoisonError::into_inner).by_kind.get(&key) {
            return Arc::clone(plan);
        }
        let mut plan = self.make_plan(kind);
        let mut plans = self.plans.write().unwrap_or_else(PoisonError::into_inner);
        if plans.by_kind.len() >= MAX_PLANS {
            return Arc::new(plan);
        }
        match plans.asked.get(&plan.asked).cloned() {
            Some(known) => plan.asked = known,
            None => _ = plans.asked.insert(Arc::clone(&plan.asked)),
        }
        // A plan holds its kind, so that no other kind gets its place in memory.
        Arc::clone(plans.by_kind.entry(key).or_insert_with(|| Arc::new(plan)))
    }

    fn make_plan(&self, kind: &Arc<EventKind>) -> KindPlan {
        let asks_all = self.options.any_source || self.options.raw;
        let carried = CarriedByKind(Arc::clone(kind));
        // A rule whose log source is unknown does not read telemetry that has none of its fields.
        let can_read = |step: &Step| {
            !step.reads_unknown
                || self.set.can_read(step.looks_for, &carried)
                || self.rules.get(step.rule as usize).is_some_and(|rule| rule.compares_nothing)
        };
        let meant: Vec<bool> =
            self.reads.iter().map(|of_step| is_asked(&of_step.reads, &of_step.platforms, kind)).collect();
        let is_asked =
            |step: &&Step| asks_all || (meant.get(step.reads as usize).is_some_and(|meant| *meant) && can_read(step));
        let steps: Vec<&Step> = self.steps.iter().filter(is_asked).collect();
        let mut rules: Vec<u32> = steps.iter().map(|step| step.rule).collect();
        rules.dedup();
        let given = (!self.options.raw).then_some(&carried as &dyn Carried);
        // Where the telemetry never has the field, the comparison never holds.
        let can_hold = |condition: &ConditionId| given.is_none_or(|carried| self.set.is_carried(*condition, carried));
        let mut lists: Vec<u32> = steps.iter().flat_map(|step| step.lists.iter().copied()).collect();
        lists.sort_unstable();
        lists.dedup();
        let folded: FxHashSet<ConditionId> =
            lists.iter().filter_map(|list| self.lists.get(*list as usize)).map(|list| list.condition).collect();
        let asked = steps.iter().map(|step| step.looks_for).chain(folded.into_iter().filter(can_hold));
        let plan = self.set.plan(asked, given);
        let asked = AskedPlan { plan, rules: rules.into(), lists: lists.into() };
        KindPlan { kind: Arc::clone(kind), carried, asked: Arc::new(asked) }
    }
}

fn uses(steps: &[Step], lists: &[FoldedList], conditions: usize) -> Vec<ConditionUse> {
    let mut uses = vec![ConditionUse::Rest; conditions];
    for (at, step) in (0..).zip(steps) {
        if let Some(of_step) = uses.get_mut(step.looks_for.index()) {
            *of_step = ConditionUse::Step(at);
        }
    }
    for (number, list) in (0..).zip(lists) {
        match uses.get_mut(list.condition.index()) {
            Some(ConditionUse::Folded(known)) => known.push(number),
            Some(other) => *other = ConditionUse::Folded(vec![number]),
            None => {}
        }
    }
    uses
}

impl Hunter {
    pub(crate) fn event<'e>(&self, plan: &'e KindPlan, host: Option<&str>, fields: &'e Value) -> Event<'e> {
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
