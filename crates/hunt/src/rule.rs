//! Rules, made ready to run.

use std::{
    borrow::Cow,
    hash::{Hash, Hasher},
};

use ruleatlas_core::{RoledPredicate, roles};
use ruleatlas_evaluate::{ConditionId, FieldQuery, KnownField, RuleSetBuilder};
use ruleatlas_model::{Node, Op, ParseStatus, Predicate, Role, Rule, Severity, Vendor};
use ruleatlas_taxonomy::{Part, Reader, StepPart, StepReads, Taxonomy};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{base, folded::FoldedList, stateful::Stateful};

/// What a rule's holding on an event means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runs {
    /// It is a hit.
    Hits,
    /// It is a candidate: something that is not decided here decides between hits and others.
    Candidates(String),
    /// The rule is not run.
    Not(String),
}

/// A rule with what a hit shows of it.
#[derive(Debug)]
pub(crate) struct HuntRule {
    pub id: String,
    pub vendor: Vendor,
    pub title: String,
    pub severity: Option<Severity>,
    pub techniques: Vec<String>,
    pub runs: Runs,
    /// How its events belong together, where it is a rule over several.
    pub stateful: Option<Stateful>,
    /// Whether it holds on whatever it is asked about: only how often is of interest.
    pub compares_nothing: bool,
    pub source_unknown: bool,
}

/// What steps read, with the platforms that their rules watch: thousands of steps read the same.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reads {
    pub reads: StepReads<'static>,
    pub platforms: Vec<String>,
}

impl Hash for Reads {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let StepReads { events, activities, log_sources, channels, .. } = &self.reads;
        (events, activities, log_sources, channels, &self.platforms).hash(state);
    }
}

/// A step that is asked of events.
#[derive(Debug)]
pub(crate) struct Step {
    pub rule: u32,
    /// What it looks for, without its exclusions.
    pub looks_for: ConditionId,
    /// The whole of it, where that is more.
    pub whole: Option<ConditionId>,
    /// What it reads, by number in [`Preparation::reads`].
    pub reads: u32,
    /// Whether nothing is known of that.
    pub reads_unknown: bool,
    /// The predicates that give its indicators and exclusions, by number in [`Preparation::lists`], each once.
    pub lists: Box<[u32]>,
    /// The parts that exclude, where a hit is counted.
    pub excludes: Vec<Excludes>,
    /// What is taken from an event that it holds on, in a rule over several.
    pub stateful: Option<StatefulFields>,
}

/// A part of a step that excludes.
#[derive(Debug)]
pub(crate) struct Excludes {
    /// Fails where it excludes.
    pub condition: ConditionId,
    /// The predicates that give the exclusions in it, as in [`Step::lists`].
    pub lists: Box<[u32]>,
}

/// What a rule over several events takes from each.
#[derive(Debug)]
pub(crate) struct StatefulFields {
    /// The number of the step.
    pub number: usize,
    pub keys: Vec<FieldQuery>,
    /// The keys as the rule names them.
    pub key_names: Vec<String>,
    pub value: Option<FieldQuery>,
}

const COMPARES_NOTHING: &str = "it compares no field with a value";

/// Why a rule is not run, or what its holding means; the places of the steps that are asked.
fn runs(rule: &Rule, stateful: Option<&Result<Stateful, &'static str>>) -> (Runs, Vec<usize>) {
    let not = |why: &str| (Runs::Not(why.to_owned()), Vec::new());
    match rule.parse {
        ParseStatus::NoQuery => return not("it has no query: another program decides"),
        ParseStatus::Failed => return not("its query was not understood"),
        ParseStatus::Full | ParseStatus::Partial => {}
    }
    if let Some(Ok(stateful)) = stateful {
        return (Runs::Hits, stateful.steps.iter().map(|step| step.condition).collect());
    }
    let parts = StepPart::of_steps(&rule.conditions);
    let of = |wanted: StepPart| -> Vec<usize> {
        parts.iter().enumerate().filter(|(_, part)| **part == wanted).map(|(at, _)| at).collect()
    };
    let (needed, alternatives) = (of(StepPart::Needed), of(StepPart::Alternative));
    let has_absent = rule.conditions.iter().any(|condition| condition.absent);
    let asked: Vec<usize> = needed.iter().chain(&alternatives).copied().collect();
    if asked.is_empty() {
        return not("it has no condition that a single event can satisfy");
    }
    let candidates = |why: String| (Runs::Candidates(why), asked.clone());
    if let Some(Err(why)) = stateful {
        return candidates((*why).to_owned());
    }
    if has_absent {
        return candidates("it looks for the absence of events".to_owned());
    }
    if needed.len() > 1 {
        return candidates("it has several steps that belong together".to_owned());
    }
    let asks = |at: &usize| rule.conditions.get(*at).is_some_and(|condition| base::has_predicate(&condition.root));
    if !asked.iter().any(asks) {
        return candidates(COMPARES_NOTHING.to_owned());
    }
    let is_computed = |at: &usize| rule.conditions.get(*at).is_some_and(|step| base::has_computed(&step.root));
    if asked.iter().any(is_computed) {
        return candidates("it compares something computed".to_owned());
    }
    (Runs::Hits, asked)
}

/// What can be said of a rule before it meets the others.
pub(crate) struct Prepared<'r> {
    rule: &'r Rule,
    runs: Runs,
    stateful: Option<Stateful>,
    steps: Vec<PreparedStep<'r>>,
}

struct PreparedStep<'r> {
    /// Its place in the rule's conditions.
    at: usize,
    root: Cow<'r, Node>,
    predicates: Vec<RoledPredicate<'r>>,
    reads: StepReads<'static>,
}

impl<'r> Prepared<'r> {
    pub fn new(rule: &'r Rule, taxonomy: &'static Taxonomy) -> Self {
        let stateful = Stateful::of(rule);
        let (runs, asked) = runs(rule, stateful.as_ref());
        let stateful = stateful.and_then(Result::ok).filter(|_| runs == Runs::Hits);
        let placed = if asked.is_empty() { Vec::new() } else { roles(&rule.conditions) };
        let step = |at: usize| {
            let condition = rule.conditions.get(at)?;
            let in_step: Vec<&RoledPredicate<'_>> = placed.iter().filter(|placed| placed.step as usize == at).collect();
            let reads = taxonomy.step_reads(rule.vendor, condition, &in_step);
            let stripped = match &runs {
                Runs::Candidates(_) => base::without_computed(&condition.root),
                _ => None,
            };
            let root = stripped.map_or(Cow::Borrowed(&condition.root), Cow::Owned);
            Some(PreparedStep { at, root, predicates: in_step.into_iter().copied().collect(), reads })
        };
        let steps = asked.into_iter().filter_map(step).collect();
        Self { rule, runs, stateful, steps }
    }
}

/// What a list of indicators or exclusions is: the comparison, whether it excludes, and the field with how much of its value is
/// compared.
type ListKey = (ConditionId, bool, Option<(u32, Part)>);

/// Puts rules together.
pub(crate) struct Preparation<'t> {
    pub taxonomy: &'t Taxonomy,
    pub builder: RuleSetBuilder,
    pub rules: Vec<HuntRule>,
    pub steps: Vec<Step>,
    /// What steps read, by number.
    pub reads: FxHashMap<Reads, u32>,
    pub lists: Vec<FoldedList>,
    /// The numbers of [`lists`](Self::lists), by what they are.
    pub list_numbers: FxHashMap<ListKey, u32>,
    /// Whether names mean what the record calls so, and nothing else.
    pub raw: bool,
}

/// What a name of a rule means.
pub(crate) fn known_field(reader: &Reader<'_>, name: &str) -> Option<KnownField> {
    let used = reader.resolve(name).filter(|_| !name.is_empty())?;
    Some(KnownField { id: used.field.index, name_only: used.part == Part::Name })
}

impl Preparation<'static> {
    pub fn add(&mut self, prepared: Prepared<'_>) {
        let Prepared { rule, runs, stateful, steps } = prepared;
        let number = u32::try_from(self.rules.len()).unwrap_or(u32::MAX);
        let compares_nothing = runs == Runs::Candidates(COMPARES_NOTHING.to_owned());
        let mut source_unknown = false;
        for step in steps {
            let Some(condition) = rule.conditions.get(step.at) else { continue };
            source_unknown |= step.reads.unknown;
            let reader = self.taxonomy.reader(rule.vendor, &condition.sources);
            let is_raw = self.raw;
            let resolve = |name: &str| if is_raw { None } else { known_field(&reader, name) };
            let (looks_for, whole, left_out) = match base::without_exclusions(&step.root) {
                Some((looks_for, left_out)) => {
                    let looks_for = self.builder.add_normal(&looks_for, &resolve);
                    (looks_for, Some(self.builder.add(&step.root, &resolve)), left_out)
                }
                None => (self.builder.add(&step.root, &resolve), None, Vec::new()),
            };
            let (lists, exclusions) = match compares_nothing {
                true => Default::default(),
                false => self.fold(&reader, &step.predicates, &resolve),
            };
            let mut excludes = Vec::new();
            for part in left_out.iter().filter(|_| runs == Runs::Hits && stateful.is_none()) {
                let mut of_part: FxHashSet<&Predicate> = FxHashSet::default();
                base::predicates(part, &mut |predicate| _ = of_part.insert(predicate));
                let lists = exclusions.iter().filter(|(predicate, _)| of_part.contains(predicate));
                let lists = lists.map(|(_, list)| *list).collect();
                excludes.push(Excludes { condition: self.builder.add_normal(part, &resolve), lists });
            }
            let of_step = stateful.as_ref().and_then(|stateful| {
                let of_step = stateful.steps.iter().find(|of_step| of_step.condition == step.at)?;
                Some(StatefulFields {
                    number: of_step.number,
                    keys: of_step.keys.iter().map(|key| FieldQuery::new(key, &resolve)).collect(),
                    key_names: of_step.keys.clone(),
                    value: stateful.value.as_ref().map(|value| FieldQuery::new(value, &resolve)),
                })
            });
            let reads_unknown = step.reads.unknown;
            let next = u32::try_from(self.reads.len()).unwrap_or(u32::MAX);
            let reads = Reads { reads: step.reads, platforms: rule.platforms.clone() };
            self.steps.push(Step {
                rule: number,
                looks_for,
                whole,
                reads: *self.reads.entry(reads).or_insert(next),
                reads_unknown,
                lists: lists.into(),
                excludes,
                stateful: of_step,
            });
        }
        self.rules.push(HuntRule {
            techniques: rule.techniques().into_iter().map(str::to_owned).collect(),
            id: rule.id.clone(),
            vendor: rule.vendor,
            title: rule.title.clone(),
            severity: rule.severity,
            compares_nothing,
            runs,
            stateful,
            source_unknown,
        });
    }

    /// The predicates that give the indicators and exclusions of a step, by number and each once; and those that give
    /// exclusions, with their numbers.
    fn fold<'p>(
        &mut self,
        reader: &Reader<'_>,
        in_step: &[RoledPredicate<'p>],
        resolve: &dyn Fn(&str) -> Option<KnownField>,
    ) -> (Vec<u32>, Vec<(&'p Predicate, u32)>) {
        let (mut lists, mut exclusions) = (Vec::new(), Vec::new());
        let mut known: FxHashSet<u32> = FxHashSet::default();
        for placed in in_step.iter().filter(|placed| matches!(placed.role, Role::Indicator | Role::Exclusion)) {
            let is_exclusion = placed.role == Role::Exclusion;
            let used = reader.field_of(placed.predicate).map(|used| (used.field.index, used.part));
            let mut add = |predicate: &Predicate| {
                let Some(condition) = self.builder.add_single(predicate, placed.counted_op, resolve) else { return };
                let key = (condition, is_exclusion, used);
                let list = *self.list_numbers.entry(key).or_insert_with(|| {
                    self.lists.push(FoldedList::new(condition, is_exclusion, used));
                    u32::try_from(self.lists.len() - 1).unwrap_or(u32::MAX)
                });
                if known.insert(list) {
                    lists.push(list);
                }
                if is_exclusion {
                    exclusions.push((placed.predicate, list));
                }
            };
            // Each field that another is compared with may be missing by itself.
            if placed.predicate.op == Op::FieldRef && placed.predicate.values.len() > 1 {
                for value in &placed.predicate.values {
                    add(&Predicate { values: vec![value.clone()], ..placed.predicate.clone() });
                }
            } else if placed.predicate.op.is_presence() || !placed.predicate.values.is_empty() {
                add(placed.predicate);
            }
        }
        (lists, exclusions)
    }
}
