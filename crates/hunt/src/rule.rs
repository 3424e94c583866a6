//! Rules, made ready to run.

use ruleatlas_core::{RoledPredicate, roles};
use ruleatlas_evaluate::{ConditionId, FieldQuery, KnownField, RuleSetBuilder};
use ruleatlas_model::{Indicator, ParseStatus, Predicate, Role, Rule, Severity, Vendor};
use ruleatlas_taxonomy::{Folded, Part, Reader, StepPart, StepReads, Taxonomy};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{base, stateful::Stateful};

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
    pub platforms: Vec<String>,
    pub source_unknown: bool,
}

/// A step that is asked of events.
#[derive(Debug)]
pub(crate) struct Step {
    pub rule: u32,
    /// What it looks for, without its exclusions.
    pub looks_for: ConditionId,
    /// The whole of it, where that is more.
    pub whole: Option<ConditionId>,
    pub reads: StepReads<'static>,
    /// Its indicators and exclusions, each once.
    pub folded: Vec<FoldedCheck>,
    /// The parts that exclude, where a hit is counted.
    pub excludes: Vec<Excludes>,
    /// What is taken from an event that it holds on, in a rule over several.
    pub stateful: Option<StatefulFields>,
}

/// An indicator or exclusion of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FoldedCheck {
    /// Its number in [`Indicators`].
    pub indicator: u32,
    pub is_exclusion: bool,
    /// The comparison by itself.
    pub condition: ConditionId,
}

/// A part of a step that excludes.
#[derive(Debug)]
pub(crate) struct Excludes {
    /// Fails where it excludes.
    pub condition: ConditionId,
    /// The exclusions in it, by their place in [`Step::folded`].
    pub exclusions: Vec<u32>,
}

/// Indicators by number.
#[derive(Debug, Default)]
pub(crate) struct Indicators {
    pub all: Vec<Indicator>,
    numbers: FxHashMap<Indicator, u32>,
}

impl Indicators {
    fn number(&mut self, indicator: Indicator) -> u32 {
        if let Some(known) = self.numbers.get(&indicator) {
            return *known;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(indicator.clone());
        self.numbers.insert(indicator, number);
        number
    }
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
    let is_computed =
        |at: &usize| rule.conditions.get(*at).is_some_and(|step| base::without_computed(&step.root).is_some());
    if asked.iter().any(is_computed) {
        return candidates("it compares something computed".to_owned());
    }
    (Runs::Hits, asked)
}

/// Makes rules ready.
pub(crate) struct Preparation<'t> {
    pub taxonomy: &'t Taxonomy,
    pub builder: RuleSetBuilder,
    pub rules: Vec<HuntRule>,
    pub steps: Vec<Step>,
    pub indicators: Indicators,
    /// Whether names mean what the record calls so, and nothing else.
    pub raw: bool,
}

/// What a name of a rule means.
pub(crate) fn known_field(reader: &Reader<'_>, name: &str) -> Option<KnownField> {
    let used = reader.resolve(name).filter(|_| !name.is_empty())?;
    Some(KnownField { id: used.field.index, name_only: used.part == Part::Name })
}

impl Preparation<'static> {
    pub fn add(&mut self, rule: Rule) {
        let stateful = Stateful::of(&rule);
        let (runs, asked) = runs(&rule, stateful.as_ref());
        let stateful = stateful.and_then(Result::ok).filter(|_| runs == Runs::Hits);
        let number = u32::try_from(self.rules.len()).unwrap_or(u32::MAX);
        let placed = roles(&rule.conditions);
        let mut source_unknown = false;
        for at in asked {
            let Some(condition) = rule.conditions.get(at) else { continue };
            let in_step: Vec<&RoledPredicate<'_>> = placed.iter().filter(|placed| placed.step as usize == at).collect();
            let reads = self.taxonomy.step_reads(rule.vendor, condition, &in_step);
            source_unknown |= reads.unknown;
            let reader = self.taxonomy.reader(rule.vendor, &condition.sources);
            let is_raw = self.raw;
            let resolve = |name: &str| if is_raw { None } else { known_field(&reader, name) };
            let root = match &runs {
                Runs::Candidates(_) => base::without_computed(&condition.root),
                _ => None,
            };
            let root = root.as_ref().unwrap_or(&condition.root);
            let (looks_for, whole, left_out) = match base::without_exclusions(root) {
                Some((looks_for, left_out)) => {
                    (self.builder.add(&looks_for, &resolve), Some(self.builder.add(root, &resolve)), left_out)
                }
                None => (self.builder.add(root, &resolve), None, Vec::new()),
            };
            let mut folded = Vec::new();
            let mut places: Vec<(&Predicate, u32)> = Vec::new();
            if runs != Runs::Candidates(COMPARES_NOTHING.to_owned()) {
                self.fold(&reader, &in_step, &resolve, &mut folded, &mut places);
            }
            let mut excludes = Vec::new();
            for part in left_out.iter().filter(|_| runs == Runs::Hits && stateful.is_none()) {
                let of_part: FxHashSet<&Predicate> = part.predicates().collect();
                let exclusions = places.iter().filter(|(predicate, _)| of_part.contains(predicate));
                let exclusions = exclusions.map(|(_, at)| *at).collect();
                excludes.push(Excludes { condition: self.builder.add(part, &resolve), exclusions });
            }
            let of_step = stateful.as_ref().and_then(|stateful| {
                let step = stateful.steps.iter().find(|step| step.condition == at)?;
                Some(StatefulFields {
                    number: step.number,
                    keys: step.keys.iter().map(|key| FieldQuery::new(key, &resolve)).collect(),
                    key_names: step.keys.clone(),
                    value: stateful.value.as_ref().map(|value| FieldQuery::new(value, &resolve)),
                })
            });
            self.steps.push(Step { rule: number, looks_for, whole, reads, folded, excludes, stateful: of_step });
        }
        self.rules.push(HuntRule {
            techniques: rule.techniques().into_iter().map(str::to_owned).collect(),
            id: rule.id,
            vendor: rule.vendor,
            title: rule.title,
            severity: rule.severity,
            compares_nothing: runs == Runs::Candidates(COMPARES_NOTHING.to_owned()),
            runs,
            stateful,
            platforms: rule.platforms,
            source_unknown,
        });
    }

    /// The indicators and exclusions of a step, each once, and the places of those that a predicate gives.
    fn fold<'p>(
        &mut self,
        reader: &Reader<'_>,
        in_step: &[&RoledPredicate<'p>],
        resolve: &dyn Fn(&str) -> Option<KnownField>,
        folded: &mut Vec<FoldedCheck>,
        places: &mut Vec<(&'p Predicate, u32)>,
    ) {
        let mut known: FxHashMap<FoldedCheck, u32> = FxHashMap::default();
        for placed in in_step.iter().filter(|placed| matches!(placed.role, Role::Indicator | Role::Exclusion)) {
            for (at, Folded { indicator, .. }) in reader.fold(placed).into_iter().enumerate() {
                let Some(condition) = self.builder.add_single(&single(placed, at), resolve) else { continue };
                let indicator = self.indicators.number(indicator);
                let check = FoldedCheck { indicator, is_exclusion: placed.role == Role::Exclusion, condition };
                let place = *known.entry(check).or_insert_with(|| {
                    folded.push(check);
                    u32::try_from(folded.len() - 1).unwrap_or(u32::MAX)
                });
                if check.is_exclusion {
                    places.push((placed.predicate, place));
                }
            }
        }
    }
}

/// The comparison with one of the values, in positive form.
fn single(placed: &RoledPredicate<'_>, at: usize) -> Predicate {
    let mut predicate = placed.predicate.clone();
    (predicate.op, predicate.negated) = (placed.counted_op, false);
    predicate.values = predicate.values.get(at).cloned().into_iter().collect();
    predicate
}
