//! Conditions over canonical fields.

use std::sync::{Arc, OnceLock};

use ruleatlas_core::{Literal as Normal, normal_form};
use ruleatlas_evaluate::{Compiled, Event, Verdict};
use ruleatlas_model::{Condition, Node, Predicate, Vendor};
use ruleatlas_taxonomy::{FieldType, Reader, Taxonomy};
use serde_json::{Map, Value};

use crate::{
    claim::Claim,
    decide::{Formula, Literal, Proof, Prover},
    pattern::Pattern,
    record::Record,
    sample::Sample,
    source::{Source, fields},
    witness::Search,
};

/// A part of a condition that has to hold by itself.
#[derive(Debug)]
struct Conjunct {
    formula: Formula,
    /// The field, where it only chooses which events are read.
    selects_by: Option<Arc<str>>,
    compiled: OnceLock<Compiled>,
    node: Node,
}

/// A comparison of a statement, for those who explain it.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// The canonical field, or the name as written where the taxonomy does not know it.
    pub field: &'a str,
    /// The comparison as written.
    pub predicate: &'a Predicate,
    /// Whether it is negative in the normal form.
    pub is_negative: bool,
    /// Whether it sees the last part of the field's path only.
    pub sees_name: bool,
}

/// A condition over canonical fields, ready to be compared.
#[derive(Debug)]
pub struct Statement {
    conjuncts: Vec<Conjunct>,
    sources: Vec<Arc<Source>>,
}

impl Statement {
    /// The statement of one step of a rule.
    #[must_use]
    pub fn new(vendor: Vendor, condition: &Condition, taxonomy: &Taxonomy) -> Self {
        let reader = taxonomy.reader(vendor, &condition.sources);
        let mut statement = Self { conjuncts: Vec::new(), sources: Vec::new() };
        let mut conjuncts = Vec::new();
        gather(&condition.root, false, &mut conjuncts);
        for (node, is_inverted) in conjuncts {
            let node = if is_inverted { Node::Not(Box::new(node.clone())) } else { node.clone() };
            let first = statement.sources.len();
            let formula = lower(&normal_form(&node), &reader, &mut statement.sources);
            let own = statement.sources.get(first..).unwrap_or_default();
            let selects_by = own.first().map(|source| Arc::clone(&source.field)).filter(|field| {
                fields().selecting.contains(&**field) && own.iter().all(|source| source.field == *field)
            });
            statement.conjuncts.push(Conjunct { formula, selects_by, compiled: OnceLock::new(), node });
        }
        statement
    }

    /// The comparisons, in the order of the query.
    pub fn checks(&self) -> impl Iterator<Item = Check<'_>> {
        self.sources.iter().filter_map(|source| check(source))
    }

    /// Whether it is proven that no event is selected. Not looked at where a comparison of the query is at several places
    /// of the condition, as authors mean none of what follows from that.
    #[must_use]
    pub fn never_holds(&self) -> Proof {
        if self.sources.iter().any(|source| self.is_repeated(source)) {
            return Proof::None;
        }
        Prover::of_one_rule().contradict(&self.formulas(&|_, _| true))
    }

    /// Two comparisons that never hold at once, where the condition asks for both.
    #[must_use]
    pub fn contradiction(&self) -> Option<(Check<'_>, Check<'_>)> {
        let prover = Prover::of_one_rule();
        let mut literals: Vec<&Literal> = Vec::new();
        for conjunct in &self.conjuncts {
            let Formula::Literal(literal) = &conjunct.formula else { continue };
            let excludes = |other: &&&Literal| {
                prover.exclude_each_other(other, literal) && !self.is_written_once_for(other, literal)
            };
            if let Some(other) = literals.iter().find(excludes) {
                return check_of(other).zip(check_of(literal));
            }
            literals.push(literal);
        }
        None
    }

    /// Whether two comparisons stand at one place of the query: a name that is used in several places, or a function
    /// that looks at its cases in turn, puts one comparison at several places of the condition, and authors mean none
    /// of what follows from that.
    fn is_written_once_for(&self, one: &Literal, other: &Literal) -> bool {
        let is_repeated = |literal: &Literal| self.is_repeated(&literal.source);
        one.source.place().is_some_and(|place| other.source.place() == Some(place))
            || is_repeated(one)
            || is_repeated(other)
    }

    /// Whether a comparison of the query is at several places of the condition.
    fn is_repeated(&self, source: &Source) -> bool {
        let Some(place) = source.place() else { return false };
        let same = self.sources.iter().filter(|other| other.place() == Some(place) && other.field == source.field);
        same.take(2).count() > 1
    }

    /// Whether it is proven that every event is selected.
    #[must_use]
    pub fn always_holds(&self) -> Proof {
        let negated: Arc<[Formula]> = self.formulas(&|_, _| true).iter().map(Formula::negated).collect();
        Prover::of_one_rule().contradict(&[Formula::Any(negated)])
    }

    /// Comparisons that cannot hold where they stand, each with the one that they contradict. Empty where the whole
    /// condition never holds.
    #[must_use]
    pub fn dead_parts(&self) -> Vec<(Check<'_>, Check<'_>)> {
        let mut found: Vec<(&Literal, &Literal)> = Vec::new();
        if self.contradiction().is_none() {
            let prover = Prover::of_one_rule();
            let mut known: Vec<&Literal> = Vec::new();
            let mut open = Vec::new();
            for conjunct in &self.conjuncts {
                match &conjunct.formula {
                    Formula::Literal(literal) => known.push(literal),
                    other => open.push(other),
                }
            }
            for formula in open {
                dead_parts(formula, &mut known, &prover, &mut found);
            }
        }
        found.retain(|(part, other)| !self.is_written_once_for(part, other));
        found.iter().filter_map(|(part, other)| check_of(part).zip(check_of(other))).collect()
    }

    /// Values that another value of the same list covers: the comparison, the place of the value and that of the other.
    #[must_use]
    pub fn covered_values(&self) -> Vec<(Check<'_>, usize, usize)> {
        let mut found = Vec::new();
        let mut work = MAX_COVER_WORK;
        for source in self.sources.iter().filter(|source| (2..=MAX_LISTED).contains(&source.patterns.len())) {
            let Some(check) = check(source) else { continue };
            for (at, pattern) in source.patterns.iter().enumerate() {
                let mut covers = |(other_at, other): &(usize, &Pattern)| {
                    work = work.saturating_sub(pattern.work_with(other));
                    // Of two that are the same, the second is too many.
                    work > 0
                        && *other_at != at
                        && pattern.is_within(other)
                        && (*other_at < at || !other.is_within(pattern))
                };
                if let Some((other, _)) = source.patterns.iter().enumerate().find(|place| covers(place)) {
                    found.push((check, at, other));
                }
            }
        }
        found
    }

    /// What the condition excludes: parts that each take events away.
    #[must_use]
    pub fn exclusions(&self) -> Vec<Exclusion<'_>> {
        self.conjuncts
            .iter()
            .enumerate()
            .filter_map(|(at, conjunct)| {
                let literals = excluding(&conjunct.formula)?;
                Some(Exclusion { at, checks: literals.into_iter().filter_map(check_of).collect() })
            })
            .collect()
    }

    /// Whether an exclusion takes nothing away: the rest of the condition already rules out what it is of. Not looked at
    /// where one place of the query puts it at several places of the condition.
    #[must_use]
    pub fn is_idle(&self, exclusion: &Exclusion<'_>) -> bool {
        let Some(goal) = self.conjuncts.get(exclusion.at) else { return false };
        let literals = excluding(&goal.formula).unwrap_or_default();
        if literals.iter().any(|literal| self.is_repeated(&literal.source)) {
            return false;
        }
        let rest = self.formulas(&|at, _| at != exclusion.at);
        !rest.is_empty() && Prover::of_one_rule().follows(&rest, &goal.formula).is_found()
    }

    /// An event that the statement selects, as the evaluator confirms, and for which the claims hold.
    #[must_use]
    pub fn example(&self, claims: &[Claim]) -> Option<Sample> {
        let side = Side { statement: self, against: None, scope: Scope::Whole };
        Search::new(&[&side], None).with(claims.iter().map(|claim| Formula::Literal(claim.literal.clone()))).find()
    }

    /// An event that the statement selects but for one of its exclusions, and for which the claims hold.
    #[must_use]
    pub fn excluded_example(&self, exclusion: &Exclusion<'_>, claims: &[Claim]) -> Option<Sample> {
        let rest = Side { statement: self, against: None, scope: Scope::Without(exclusion.at) };
        let only = Side { statement: self, against: None, scope: Scope::Only(exclusion.at) };
        Search::new(&[&rest], Some(&only))
            .with(claims.iter().map(|claim| Formula::Literal(claim.literal.clone())))
            .find()
    }

    /// Whether every event that is selected is as the claim says.
    #[must_use]
    pub fn entails(&self, claim: &Claim) -> Proof {
        Prover::default().follows(&self.formulas(&|_, _| true), &Formula::Literal(claim.literal.clone()))
    }

    /// Whether no event that is selected is as the claim says.
    #[must_use]
    pub fn rules_out(&self, claim: &Claim) -> Proof {
        let mut known = self.formulas(&|_, _| true);
        known.push(Formula::Literal(claim.literal.clone()));
        Prover::default().contradict(&known)
    }

    /// What the statement says of a sample.
    #[must_use]
    pub fn evaluate(&self, sample: &Sample) -> Verdict {
        Side { statement: self, against: None, scope: Scope::Whole }.evaluate(sample)
    }

    /// What the statement says of an event of a log.
    #[must_use]
    pub fn evaluate_record(&self, record: &Record) -> Verdict {
        let mut event = Map::new();
        self.sources.iter().for_each(|source| source.project_record(record, &mut event));
        Side { statement: self, against: None, scope: Scope::Whole }.evaluate_event(&Value::Object(event))
    }

    /// Whether it is about canonical fields alone, and all of it is understood.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        self.sources.iter().all(|source| source.predicate.is_some() && source.is_known)
    }

    /// The sample with the names that the rule's query has for its fields.
    #[must_use]
    pub fn event(&self, sample: &Sample) -> Value {
        let mut event = Map::new();
        for source in &self.sources {
            if let Some((_, value)) = sample.fields.get(&source.field) {
                source.project(value, &mut event);
            }
        }
        Value::Object(event)
    }

    /// Whether it compares paths that begin with `/`, and none of Windows.
    pub(crate) fn is_unix(&self) -> bool {
        let paths = || {
            let paths = self.sources.iter().filter(|source| source.field_type == Some(FieldType::Path));
            paths.flat_map(|source| &source.patterns).map(|pattern| pattern.text.as_str())
        };
        paths().any(|text| text.starts_with('/')) && !paths().any(|text| text.contains('\\') || text.ends_with(".exe"))
    }

    /// What is understood of it at all: something other than the choice of data.
    #[must_use]
    pub fn is_comparable(&self) -> bool {
        self.conjuncts.iter().any(|conjunct| conjunct.selects_by.is_none())
            || self.conjuncts.iter().any(|conjunct| conjunct.selects_by.as_deref() == Some("eventid"))
    }

    fn formulas(&self, is_in: &dyn Fn(usize, &Conjunct) -> bool) -> Vec<Formula> {
        let conjuncts = self.conjuncts.iter().enumerate();
        conjuncts.filter(|(at, conjunct)| is_in(*at, conjunct)).map(|(_, conjunct)| conjunct.formula.clone()).collect()
    }
}

/// Comparisons of values of lists that one statement may cost.
const MAX_COVER_WORK: usize = 60_000;
/// Values of one list that are held against each other.
const MAX_LISTED: usize = 200;
/// Dead parts of one condition that are named.
const MAX_DEAD: usize = 20;

/// A part of a condition that takes events away: those for which all of its comparisons hold.
#[derive(Clone, Debug)]
pub struct Exclusion<'a> {
    at: usize,
    /// Its comparisons.
    pub checks: Vec<Check<'a>>,
}

/// The comparisons of a formula that holds unless all of them do.
fn excluding(formula: &Formula) -> Option<Vec<&Literal>> {
    let literals: Vec<&Literal> = match formula {
        Formula::Literal(literal) => vec![literal],
        Formula::Any(parts) => {
            let parts = parts.iter();
            parts
                .map(|part| if let Formula::Literal(literal) = part { Some(literal) } else { None })
                .collect::<Option<_>>()?
        }
        Formula::All(_) => return None,
    };
    let excludes = |literal: &&Literal| !literal.is_positive() && literal.source.asks_for_text();
    (!literals.is_empty() && literals.iter().all(excludes)).then_some(literals)
}

fn check(source: &Source) -> Option<Check<'_>> {
    let predicate = source.predicate.as_ref()?;
    let is_negative = source.is_inverted != predicate.negated;
    Some(Check { field: &source.name, predicate, is_negative, sees_name: source.sees_name })
}

fn dead_parts<'a>(
    formula: &'a Formula,
    known: &mut Vec<&'a Literal>,
    prover: &Prover,
    found: &mut Vec<(&'a Literal, &'a Literal)>,
) {
    let before = known.len();
    match formula {
        Formula::Any(cases) => cases.iter().for_each(|case| dead_parts(case, known, prover, found)),
        Formula::All(parts) => {
            for part in parts.iter() {
                if let Formula::Literal(literal) = part {
                    dead_literal(literal, known, prover, found);
                    known.push(literal);
                }
            }
            for part in parts.iter().filter(|part| !matches!(part, Formula::Literal(_))) {
                dead_parts(part, known, prover, found);
            }
        }
        Formula::Literal(literal) => dead_literal(literal, known, prover, found),
    }
    known.truncate(before);
}

fn dead_literal<'a>(
    literal: &'a Literal,
    known: &[&'a Literal],
    prover: &Prover,
    found: &mut Vec<(&'a Literal, &'a Literal)>,
) {
    // What is excluded twice is harmless.
    if found.len() < MAX_DEAD
        && literal.is_positive()
        && let Some(other) = known.iter().find(|other| prover.exclude_each_other(other, literal))
    {
        found.push((literal, other));
    }
}

fn check_of<'a>(literal: &'a Literal) -> Option<Check<'a>> {
    check(&literal.source)
}

/// The parts of a tree that have to hold together, each with whether it is inverted.
fn gather<'n>(node: &'n Node, is_inverted: bool, conjuncts: &mut Vec<(&'n Node, bool)>) {
    match (node, is_inverted) {
        (Node::All(children), false) | (Node::Any(children), true) => {
            children.iter().for_each(|child| gather(child, is_inverted, conjuncts));
        }
        (Node::Not(child), _) => gather(child, !is_inverted, conjuncts),
        (other, _) => conjuncts.push((other, is_inverted)),
    }
}

fn lower(normal: &Normal<'_>, reader: &Reader<'_>, sources: &mut Vec<Arc<Source>>) -> Formula {
    match normal {
        Normal::All(children) => Formula::All(children.iter().map(|child| lower(child, reader, sources)).collect()),
        Normal::Any { children, .. } => {
            Formula::Any(children.iter().map(|child| lower(child, reader, sources)).collect())
        }
        Normal::Predicate { predicate, inverted } => literal(Source::new(predicate, *inverted, reader), sources),
        Normal::Opaque { opaque, inverted } => literal(Source::opaque(&opaque.text, *inverted), sources),
    }
}

fn literal(source: Source, sources: &mut Vec<Arc<Source>>) -> Formula {
    let source = Arc::new(source);
    sources.push(Arc::clone(&source));
    Formula::Literal(Literal { source, complement: false, only: None })
}

/// What of a statement is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Whole,
    /// All but the conjunct at this place.
    Without(usize),
    /// The conjunct at this place.
    Only(usize),
}

/// A statement, or a part of it, as it is held against another: without the choice of data that the other does not make.
pub(crate) struct Side<'a> {
    pub statement: &'a Statement,
    /// The statement it is compared with.
    pub against: Option<&'a Statement>,
    pub scope: Scope,
}

impl Side<'_> {
    fn has(&self, at: usize, conjunct: &Conjunct) -> bool {
        let is_in = match self.scope {
            Scope::Whole => true,
            Scope::Without(other) => at != other,
            Scope::Only(only) => at == only,
        };
        is_in
            && match (&conjunct.selects_by, self.against) {
                (Some(field), Some(other)) => {
                    other.conjuncts.iter().any(|conjunct| conjunct.selects_by.as_ref() == Some(field))
                }
                _ => true,
            }
    }

    pub fn formulas(&self) -> Vec<Formula> {
        self.statement.formulas(&|at, conjunct| self.has(at, conjunct))
    }

    pub fn evaluate(&self, sample: &Sample) -> Verdict {
        self.evaluate_event(&self.statement.event(sample))
    }

    /// What it says of an event that has the names of the rule's query.
    fn evaluate_event(&self, event: &Value) -> Verdict {
        let event = Event::new(event);
        let mut unknown = Vec::new();
        let conjuncts = self.statement.conjuncts.iter().enumerate();
        for (_, conjunct) in conjuncts.filter(|(at, conjunct)| self.has(*at, conjunct)) {
            match conjunct.compiled.get_or_init(|| Compiled::new(&conjunct.node)).evaluate(&event) {
                Verdict::Holds => {}
                Verdict::Fails => return Verdict::Fails,
                Verdict::Unknown(reasons) => unknown.extend(reasons),
            }
        }
        if unknown.is_empty() { Verdict::Holds } else { Verdict::Unknown(unknown) }
    }
}
