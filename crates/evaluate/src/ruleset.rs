//! Many conditions over one event at a time: comparisons that several share are made once, and conditions whose necessary
//! texts the event does not have are not looked at.

use std::hash::{Hash as _, Hasher as _};

use ruleatlas_core::Literal;
use ruleatlas_model::{Node, Op, Opaque, Predicate};
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use crate::{
    check::Check,
    event::{Carried, Event, KnownField, Names, Resolve},
    index::{Index, Plan, Search},
    verdict::{Reason, ReasonRef, Selection, Truth, Verdict},
};

/// A condition of a [`RuleSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConditionId(pub(crate) u32);

impl ConditionId {
    /// Its place in the order in which conditions were added.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a condition says of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The event is selected.
    Holds,
    /// It is not.
    Fails,
    /// What cannot be known decides; [`RuleSet::reasons`] says what that is.
    Unknown,
}

/// A tree whose comparisons are shared.
#[derive(Clone, Debug)]
pub(crate) enum Shared {
    All(Box<[Shared]>),
    Any(Box<[Shared]>),
    Not(Box<Shared>),
    Check(u32),
    Unknown(Box<Reason>),
}

/// Gathers the conditions of a [`RuleSet`].
#[derive(Debug, Default)]
pub struct RuleSetBuilder {
    checks: Vec<Check>,
    /// What each check compares, and the meaning of its field.
    compared: Vec<(Predicate, Option<KnownField>)>,
    /// By a digest of what is compared, the last check that has it, and for each check the one before.
    by_digest: FxHashMap<u64, u32>,
    before: Vec<Option<u32>>,
    trees: Vec<Shared>,
    /// Conditions that are one comparison, by that.
    singles: FxHashMap<u32, ConditionId>,
    common: FxHashSet<KnownField>,
    names: Names,
}

/// Conditions that are evaluated together.
///
/// ```
/// use ruleatlas_evaluate::{Event, Outcome, RuleSetBuilder};
/// use ruleatlas_model::{Node, Op, Predicate};
///
/// let mut builder = RuleSetBuilder::default();
/// let shell = builder.add(&Node::from(Predicate::new("Image", Op::EndsWith, ["\\cmd.exe"])), &|_| None);
/// let other = builder.add(&Node::from(Predicate::new("Image", Op::EndsWith, ["\\calc.exe"])), &|_| None);
/// let set = builder.build();
/// let plan = set.plan([shell, other], None);
///
/// let json = serde_json::json!({ "Image": "C:\\Windows\\System32\\CMD.EXE" });
/// let (event, mut scratch) = (Event::new(&json), set.scratch());
/// assert_eq!(set.candidates(&plan, &event, &mut scratch), [shell]);
/// assert_eq!(set.evaluate(shell, &event, &mut scratch), Outcome::Holds);
/// ```
#[derive(Debug)]
pub struct RuleSet {
    checks: Vec<Check>,
    /// What each check compares.
    predicates: Vec<Predicate>,
    trees: Vec<Shared>,
    index: Index,
    common: FxHashSet<KnownField>,
}

/// Memory for evaluating one event after the other. [`RuleSet::candidates`] begins a new event.
#[derive(Debug)]
pub struct Scratch {
    /// What the checks are for the event, where that is known already.
    results: Vec<Option<Truth>>,
    /// The checks in it that are known.
    known: Vec<u32>,
    search: Search,
}

impl RuleSetBuilder {
    /// Says that a field is there in most events: its values choose between conditions badly.
    pub fn set_common(&mut self, field: KnownField) {
        self.common.insert(field);
    }

    /// Adds a condition; `resolve` says which known fields its names mean.
    pub fn add(&mut self, condition: &Node, resolve: Resolve<'_>) -> ConditionId {
        let tree = self.tree(condition, resolve);
        self.push(tree)
    }

    /// Adds a condition in negation normal form.
    pub fn add_normal(&mut self, condition: &Literal<'_>, resolve: Resolve<'_>) -> ConditionId {
        let tree = self.normal_tree(condition, resolve);
        self.push(tree)
    }

    fn push(&mut self, tree: Shared) -> ConditionId {
        self.trees.push(tree);
        ConditionId(u32::try_from(self.trees.len() - 1).unwrap_or(u32::MAX))
    }

    /// The condition that is this one comparison with another operator and not negated, which is added if it is not there yet;
    /// `None` where nothing can be known of it, whatever the event. [`RuleSet::each_literal`] says with which of its literals
    /// it holds.
    pub fn add_single(&mut self, predicate: &Predicate, op: Op, resolve: Resolve<'_>) -> Option<ConditionId> {
        let check = self.check(predicate, op, false, resolve).ok()?;
        if let Some(known) = self.singles.get(&check) {
            return Some(*known);
        }
        let condition = self.push(Shared::Check(check));
        self.singles.insert(check, condition);
        Some(condition)
    }

    fn tree(&mut self, node: &Node, resolve: Resolve<'_>) -> Shared {
        match node {
            Node::All(children) => Shared::All(children.iter().map(|child| self.tree(child, resolve)).collect()),
            Node::Any(children) => Shared::Any(children.iter().map(|child| self.tree(child, resolve)).collect()),
            Node::Not(child) => Shared::Not(Box::new(self.tree(child, resolve))),
            Node::Predicate(predicate) => self.leaf(predicate, resolve),
            Node::Opaque(part) => opaque(part),
        }
    }

    fn normal_tree(&mut self, literal: &Literal<'_>, resolve: Resolve<'_>) -> Shared {
        let (leaf, inverted) = match literal {
            Literal::All(children) => {
                return Shared::All(children.iter().map(|child| self.normal_tree(child, resolve)).collect());
            }
            Literal::Any { children, .. } => {
                return Shared::Any(children.iter().map(|child| self.normal_tree(child, resolve)).collect());
            }
            Literal::Predicate { predicate, inverted } => (self.leaf(predicate, resolve), *inverted),
            Literal::Opaque { opaque: part, inverted } => (opaque(part), *inverted),
        };
        if inverted { Shared::Not(Box::new(leaf)) } else { leaf }
    }

    fn leaf(&mut self, predicate: &Predicate, resolve: Resolve<'_>) -> Shared {
        match self.check(predicate, predicate.op, predicate.negated, resolve) {
            Ok(check) => Shared::Check(check),
            Err(reason) => Shared::Unknown(Box::new(reason)),
        }
    }

    /// The check of a predicate with this operator, negated or not: one that is there already, if it says the same.
    fn check(&mut self, predicate: &Predicate, op: Op, negated: bool, resolve: Resolve<'_>) -> Result<u32, Reason> {
        let known = resolve(&predicate.raw_field);
        let digest = digest(predicate, op, negated, known);
        let mut next = self.by_digest.get(&digest).copied();
        while let Some(at) = next {
            let (other, meaning) = &self.compared[at as usize];
            if *meaning == known && compares_alike(other, predicate, op, negated) {
                return Ok(at);
            }
            next = self.before[at as usize];
        }
        let mut compared = predicate.clone();
        (compared.op, compared.negated) = (op, negated);
        let made = Check::new(&compared, resolve, &mut self.names)?;
        let at = u32::try_from(self.checks.len()).unwrap_or(u32::MAX);
        self.checks.push(made);
        // Other fields that it names are resolved in the light of their rule's sources.
        let is_shared = op != Op::FieldRef && predicate.derived_from.is_none();
        self.before.push(if is_shared { self.by_digest.insert(digest, at) } else { None });
        self.compared.push((compared, known));
        Ok(at)
    }

    /// The known fields that the conditions compare, each once, in order.
    #[must_use]
    pub fn known_fields(&self) -> Vec<KnownField> {
        let mut fields: Vec<KnownField> = self.checks.iter().flat_map(Check::known_fields).collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// The set of all that was added.
    #[must_use]
    pub fn build(self) -> RuleSet {
        let index = Index::new(&self.trees, &self.checks, &self.common);
        let predicates = self.compared.into_iter().map(|(predicate, _)| predicate).collect();
        RuleSet { checks: self.checks, predicates, trees: self.trees, index, common: self.common }
    }
}

fn opaque(part: &Opaque) -> Shared {
    let Opaque { text, reason, span, .. } = part;
    Shared::Unknown(Box::new(Reason::new(reason, text, *span)))
}

/// A number that is the same for predicates that compare the same.
fn digest(predicate: &Predicate, op: Op, negated: bool, known: Option<KnownField>) -> u64 {
    let mut hasher = FxHasher::default();
    (op, negated, known, predicate.missing, predicate.case_sensitive).hash(&mut hasher);
    (&predicate.raw_field, &predicate.values, &predicate.modifiers).hash(&mut hasher);
    hasher.finish()
}

/// Whether predicates compare the same, the second with this operator and negation; where they stand says nothing of that.
fn compares_alike(known: &Predicate, other: &Predicate, op: Op, negated: bool) -> bool {
    let Predicate { raw_field, values, case_sensitive, modifiers, missing, computed, .. } = other;
    known.op == op
        && known.negated == negated
        && known.raw_field == *raw_field
        && known.case_sensitive == *case_sensitive
        && known.missing == *missing
        && known.computed == *computed
        && known.text_order == other.text_order
        && known.empty_is_null == other.empty_is_null
        && known.guard == other.guard
        && known.derived_from == other.derived_from
        && known.modifiers == *modifiers
        && known.values == *values
}

impl RuleSet {
    /// How many conditions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.trees.len()
    }

    /// Whether there is no condition.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// How many distinct comparisons there are.
    #[must_use]
    pub fn checks(&self) -> usize {
        self.checks.len()
    }

    /// What a condition compares that was added as a single comparison.
    #[must_use]
    pub fn predicate(&self, condition: ConditionId) -> Option<&Predicate> {
        match self.trees.get(condition.0 as usize)? {
            Shared::Check(check) => self.predicates.get(*check as usize),
            _ => None,
        }
    }

    /// Hands over the places of the literals with which a single comparison holds for an event, in no order and each once or
    /// more; a comparison without literals has the place 0. Only for one that [`evaluate`](Self::evaluate) says holds.
    pub fn each_literal(&self, condition: ConditionId, event: &Event<'_>, each: &mut dyn FnMut(u32)) {
        if let Some(Shared::Check(check)) = self.trees.get(condition.0 as usize)
            && let Some(check) = self.checks.get(*check as usize)
        {
            check.each_literal(event, each);
        }
    }

    /// Memory for evaluating.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        Scratch { results: vec![None; self.checks.len()], known: Vec::new(), search: self.index.search() }
    }

    /// Prepares asking some conditions of events that can have the fields which `carried` says.
    #[must_use]
    pub fn plan(&self, asked: impl IntoIterator<Item = ConditionId>, carried: Option<&dyn Carried>) -> Plan {
        self.index.plan(asked, carried, self.trees.len())
    }

    /// Whether telemetry can have any of the fields that a condition compares, but those that most events have.
    #[must_use]
    pub fn can_read(&self, condition: ConditionId, carried: &dyn Carried) -> bool {
        self.compares(condition, |check| check.can_read(carried, &self.common))
    }

    /// Whether a condition has a comparison that is as asked.
    fn compares(&self, condition: ConditionId, is_asked: impl Fn(&Check) -> bool) -> bool {
        let mut waiting: Vec<&Shared> = self.trees.get(condition.0 as usize).into_iter().collect();
        while let Some(tree) = waiting.pop() {
            match tree {
                Shared::All(children) | Shared::Any(children) => waiting.extend(children),
                Shared::Not(child) => waiting.push(child),
                Shared::Unknown(_) => {}
                Shared::Check(check) => {
                    if self.checks.get(*check as usize).is_some_and(&is_asked) {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Whether telemetry can have any of the fields that a condition compares.
    #[must_use]
    pub fn is_carried(&self, condition: ConditionId, carried: &dyn Carried) -> bool {
        self.compares(condition, |check| check.is_carried(carried))
    }

    /// Begins an event: the conditions of a plan that may hold for it or be unknown, in order. All others fail.
    pub fn candidates(&self, plan: &Plan, event: &Event<'_>, scratch: &mut Scratch) -> Vec<ConditionId> {
        for check in scratch.known.drain(..) {
            if let Some(result) = scratch.results.get_mut(check as usize) {
                *result = None;
            }
        }
        self.index.candidates(plan, event, &mut scratch.search)
    }

    /// What a condition says of the event that [`candidates`](Self::candidates) began.
    pub fn evaluate(&self, condition: ConditionId, event: &Event<'_>, scratch: &mut Scratch) -> Outcome {
        let Some(tree) = self.trees.get(condition.0 as usize) else { return Outcome::Fails };
        match self.select(tree, true, event, scratch) {
            Selection::Holds => Outcome::Holds,
            Selection::Fails => Outcome::Fails,
            Selection::Unknown => Outcome::Unknown,
        }
    }

    /// Why a condition is unknown, each reason once, in the order of the query; none where it is known.
    #[must_use]
    pub fn reasons(&self, condition: ConditionId, event: &Event<'_>, scratch: &mut Scratch) -> Vec<ReasonRef<'_>> {
        let Some(tree) = self.trees.get(condition.0 as usize) else { return Vec::new() };
        let mut reasons = Vec::new();
        if self.explain(tree, true, event, scratch, &mut reasons) != Selection::Unknown {
            return Vec::new();
        }
        let mut seen = FxHashSet::default();
        reasons.retain(|reason: &ReasonRef<'_>| seen.insert(*reason));
        reasons
    }

    /// What a condition says of an event, with reasons.
    #[must_use]
    pub fn verdict(&self, condition: ConditionId, event: &Event<'_>, scratch: &mut Scratch) -> Verdict {
        match self.evaluate(condition, event, scratch) {
            Outcome::Holds => Verdict::Holds,
            Outcome::Fails => Verdict::Fails,
            Outcome::Unknown => {
                Verdict::Unknown(self.reasons(condition, event, scratch).into_iter().map(Reason::from).collect())
            }
        }
    }

    fn select(&self, tree: &Shared, wanted: bool, event: &Event<'_>, scratch: &mut Scratch) -> Selection {
        let (children, every) = match tree {
            Shared::Check(check) => return Selection::of(self.check(*check, event, scratch), wanted),
            Shared::Not(child) => return self.select(child, !wanted, event, scratch),
            Shared::Unknown(_) => return Selection::Unknown,
            Shared::All(children) => (children, wanted),
            Shared::Any(children) => (children, !wanted),
        };
        let (decisive, mut so_far) = Selection::of_many(every);
        for child in children {
            match self.select(child, wanted, event, scratch) {
                value if value == decisive => return decisive,
                Selection::Unknown => so_far = Selection::Unknown,
                _ => {}
            }
        }
        so_far
    }

    fn check(&self, check: u32, event: &Event<'_>, scratch: &mut Scratch) -> Truth {
        let at = check as usize;
        if let Some(Some(known)) = scratch.results.get(at) {
            return *known;
        }
        let Some(found) = self.checks.get(at) else { return Truth::Fails };
        let truth = found.evaluate(event, None);
        if let Some(result) = scratch.results.get_mut(at) {
            *result = Some(truth);
            scratch.known.push(check);
        }
        truth
    }

    fn explain<'s>(
        &'s self,
        tree: &'s Shared,
        wanted: bool,
        event: &Event<'_>,
        scratch: &mut Scratch,
        reasons: &mut Vec<ReasonRef<'s>>,
    ) -> Selection {
        let (children, every) = match tree {
            Shared::Check(check) => {
                let truth = self.check(*check, event, scratch);
                if truth == Truth::Unknown
                    && let Some(found) = self.checks.get(*check as usize)
                {
                    found.evaluate(event, Some(reasons));
                }
                return Selection::of(truth, wanted);
            }
            Shared::Not(child) => return self.explain(child, !wanted, event, scratch, reasons),
            Shared::Unknown(reason) => {
                reasons.push(ReasonRef::from(&**reason));
                return Selection::Unknown;
            }
            Shared::All(children) => (children, wanted),
            Shared::Any(children) => (children, !wanted),
        };
        let before = reasons.len();
        let (decisive, mut so_far) = Selection::of_many(every);
        for child in children {
            match self.explain(child, wanted, event, scratch, reasons) {
                value if value == decisive => {
                    reasons.truncate(before);
                    return decisive;
                }
                Selection::Unknown => so_far = Selection::Unknown,
                _ => {}
            }
        }
        so_far
    }
}
