//! Many conditions over one event at a time: comparisons that several share are made once, and conditions whose necessary
//! texts the event does not have are not looked at.

use ruleatlas_model::{Node, Opaque, Predicate};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    check::Check,
    event::{Carried, Event, KnownField, Resolve},
    index::{Index, Plan, Search},
    verdict::{Reason, Selection, Truth, Verdict},
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
    by_key: FxHashMap<(Predicate, Option<KnownField>), Result<u32, Reason>>,
    trees: Vec<Shared>,
    /// Conditions that are one comparison, by that.
    singles: FxHashMap<u32, ConditionId>,
    common: FxHashSet<KnownField>,
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

    fn push(&mut self, tree: Shared) -> ConditionId {
        self.trees.push(tree);
        ConditionId(u32::try_from(self.trees.len() - 1).unwrap_or(u32::MAX))
    }

    /// The condition that is this one comparison, which is added if it is not there yet; `None` where nothing can be known of it,
    /// whatever the event.
    pub fn add_single(&mut self, predicate: &Predicate, resolve: Resolve<'_>) -> Option<ConditionId> {
        let check = self.check(predicate, resolve).ok()?;
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
            Node::Predicate(predicate) => match self.check(predicate, resolve) {
                Ok(check) => Shared::Check(check),
                Err(reason) => Shared::Unknown(Box::new(reason)),
            },
            Node::Opaque(part) => {
                let Opaque { text, reason, span, .. } = part.as_ref();
                Shared::Unknown(Box::new(Reason::new(reason, text, *span)))
            }
        }
    }

    fn check(&mut self, predicate: &Predicate, resolve: Resolve<'_>) -> Result<u32, Reason> {
        // Where it stands says nothing of what it compares.
        let mut key = predicate.clone();
        (key.span, key.stage) = (ruleatlas_model::Span::default(), None);
        let known = resolve(&predicate.raw_field);
        let key = (key, known);
        if let Some(found) = self.by_key.get(&key) {
            return found.clone();
        }
        let made = Check::new(predicate, resolve).map(|check| {
            self.checks.push(check);
            u32::try_from(self.checks.len() - 1).unwrap_or(u32::MAX)
        });
        // Other fields that it names are resolved in the light of their rule's sources.
        if predicate.op != ruleatlas_model::Op::FieldRef && predicate.derived_from.is_none() {
            self.by_key.insert(key, made.clone());
        }
        made
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
        RuleSet { checks: self.checks, trees: self.trees, index, common: self.common }
    }
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
    pub fn reasons(&self, condition: ConditionId, event: &Event<'_>, scratch: &mut Scratch) -> Vec<&Reason> {
        let Some(tree) = self.trees.get(condition.0 as usize) else { return Vec::new() };
        let mut reasons = Vec::new();
        if self.explain(tree, true, event, scratch, &mut reasons) != Selection::Unknown {
            return Vec::new();
        }
        let mut seen = FxHashSet::default();
        reasons.retain(|reason| seen.insert(*reason));
        reasons
    }

    /// What a condition says of an event, with reasons.
    #[must_use]
    pub fn verdict(&self, condition: ConditionId, event: &Event<'_>, scratch: &mut Scratch) -> Verdict {
        match self.evaluate(condition, event, scratch) {
            Outcome::Holds => Verdict::Holds,
            Outcome::Fails => Verdict::Fails,
            Outcome::Unknown => {
                Verdict::Unknown(self.reasons(condition, event, scratch).into_iter().cloned().collect())
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
        let truth = found.evaluate(event, &mut Vec::new());
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
        reasons: &mut Vec<&'s Reason>,
    ) -> Selection {
        let (children, every) = match tree {
            Shared::Check(check) => {
                let truth = self.check(*check, event, scratch);
                if truth == Truth::Unknown
                    && let Some(found) = self.checks.get(*check as usize)
                {
                    found.evaluate(event, reasons);
                }
                return Selection::of(truth, wanted);
            }
            Shared::Not(child) => return self.explain(child, !wanted, event, scratch, reasons),
            Shared::Unknown(reason) => {
                reasons.push(reason);
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
