//! The state of a resolution: steps, the names in scope, and what may still be spent.

use std::fmt;
use std::rc::Rc;

use ruleatlas_core::{BUDGET, Budget, Context, NoContext, Parsed, clip};
use ruleatlas_model::{Condition, DataSource, Diagnostic, Node, Opaque, SourceKind, Span};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::columns::Columns;
use crate::plan::{Definition, Expr, Plan, Step};
use crate::semantics::{Searches, Semantics};
use crate::settle::rule_out_branches;
use crate::tables::Readings;
use crate::value::{Owner, Value};

/// How long the text of something computed may be, in characters.
const MAX_LINE: usize = 400;
/// How long the text of an opaque part may be, in bytes.
const MAX_OPAQUE: usize = 4 << 10;
/// Bytes of text that weigh as much as a node.
pub(crate) const BYTES_PER_NODE: usize = 32;
/// What a value weighs besides its text.
pub(crate) const BYTES_OF_VALUE: usize = 24;
/// How many legs are compared with each other.
const MAX_LEGS: usize = 256;
/// How many sources the filters of a step may choose.
const MAX_SOURCES: usize = 512;

/// The conditions of a plan, and what is odd about it.
///
/// `text` is the query's: places of the plan point into it. An expression is a unit of work each time it is read, and a
/// tree node or value counts each time it is made or copied; what `budget` does not allow becomes opaque.
#[must_use]
pub fn resolve(plan: &Plan, text: &str, semantics: &Semantics, budget: &mut Budget) -> Parsed {
    resolve_in(plan, text, semantics, &Surroundings::default(), budget)
}

/// What stands around a plan.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Who has the rows of lists.
    pub context: &'a dyn Context,
    /// What the language says of filters that choose the data.
    pub searches: Option<&'a Searches>,
}

impl Default for Surroundings<'_> {
    fn default() -> Self {
        Self { context: &NoContext, searches: None }
    }
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("searches", &self.searches).finish_non_exhaustive()
    }
}

/// The same with what stands around the plan.
#[must_use]
pub fn resolve_in(
    plan: &Plan,
    text: &str,
    semantics: &Semantics,
    around: &Surroundings<'_>,
    budget: &mut Budget,
) -> Parsed {
    let mut engine = Engine {
        plan,
        text,
        semantics,
        context: around.context,
        searches: around.searches,
        slots: Vec::new(),
        scope: Vec::new(),
        defined: FxHashMap::default(),
        shared: FxHashMap::default(),
        locals: FxHashMap::default(),
        saved: FxHashMap::default(),
        legs: FxHashMap::default(),
        readings: FxHashMap::default(),
        leg_keys: FxHashMap::default(),
        absent: false,
        seen: FxHashSet::default(),
        sub_queries: 0,
        reads: Vec::new(),
        known_reads: FxHashSet::default(),
        choices: 0,
        is_choice: false,
        written: None,
        owner: Owner::Nobody,
        budget,
        diagnostics: Vec::new(),
    };
    for step in &plan.steps {
        engine.step(step);
    }
    engine.finish()
}

/// A place for a step, in the order of the query.
struct Slot {
    /// Steps of a lower rank stand first.
    rank: u8,
    step: Option<Made>,
}

/// A step that is made, to which later filters may add.
struct Made {
    conjuncts: Vec<Conjunct>,
    absent: bool,
    label: String,
    sources: Vec<DataSource>,
    /// Whether it is left out where it reads and asks for nothing.
    is_optional: bool,
    /// Whether its rows are joined by keys.
    is_joined: bool,
    /// The stage that its rows come from.
    stage: Option<u32>,
}

/// A condition that the events of a step must meet.
#[derive(Clone, Debug)]
pub(crate) struct Conjunct {
    pub node: Node,
    /// Whether it came of a choice, of which other conditions of the step may rule out branches.
    pub is_choice: bool,
    /// The stage that asks for it.
    pub span: Span,
}

/// The rank of the legs of a union that is read as one table.
pub(crate) const BEFORE: u8 = 0;
/// The rank of all other steps.
pub(crate) const IN_ORDER: u8 = 1;

pub(crate) struct Engine<'p, 'b> {
    pub plan: &'p Plan,
    pub text: &'b str,
    pub semantics: &'b Semantics,
    pub context: &'b dyn Context,
    pub searches: Option<&'b Searches>,
    slots: Vec<Slot>,
    /// The definitions that are visible, the innermost last.
    pub scope: Vec<&'p Definition>,
    /// The rows of definitions that were read.
    pub defined: FxHashMap<(*const Expr, bool), Rc<Flow<'p>>>,
    /// The values of [`Plan::shared`] that were read.
    pub shared: FxHashMap<usize, Value<'p>>,
    /// What names of bodies stand for.
    pub locals: FxHashMap<u32, Value<'p>>,
    /// The rows at places of pipelines that others read.
    pub saved: FxHashMap<u32, Rc<Flow<'p>>>,
    /// Shared rows that are steps already, each with whether it must be absent.
    pub legs: FxHashMap<(usize, bool), Rc<Flow<'p>>>,
    /// How often tables of [`Plan::shared`] were made.
    pub readings: FxHashMap<usize, Readings>,
    /// Which of these a step is.
    pub leg_keys: FxHashMap<usize, (usize, bool)>,
    /// Whether what is read is part of a step that must be absent.
    pub absent: bool,
    /// The tables' columns that were named so far.
    pub seen: FxHashSet<Rc<str>>,
    /// How many times a sub-query that is a step was used.
    pub sub_queries: u32,
    /// What the current pipeline reads, as far as filters choose it.
    pub reads: Vec<DataSource>,
    /// Those that [`Engine::reads`] has.
    pub known_reads: FxHashSet<DataSource>,
    /// How many times a condition was a choice of data.
    pub choices: u32,
    /// Whether the current condition is one on a choice among values.
    pub is_choice: bool,
    /// How the sides of the current comparison are written, where the plan says it.
    pub written: Option<(Rc<str>, Rc<str>)>,
    /// The steps that the current condition is about.
    pub owner: Owner,
    pub budget: &'b mut Budget,
    pub diagnostics: Vec<Diagnostic>,
}

/// A table at a place of its pipeline.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flow<'p> {
    /// Where its events come from.
    pub sources: Vec<DataSource>,
    /// Those that filters chose.
    pub chosen: FxHashSet<DataSource>,
    /// What the stages so far ask of an event.
    pub nodes: Vec<Conjunct>,
    /// What names stand for.
    pub columns: Columns<'p>,
    /// The stage; `None` for a language without a pipeline.
    pub stage: Option<u32>,
    /// Where the stage stands.
    pub span: Span,
    /// Whether all rows come from legs that are steps of their own.
    pub is_union: bool,
    /// Whether a sub-query, which is a step of its own, restricts the rows.
    pub is_restricted: bool,
    /// The step that these rows are, where they are a leg.
    pub leg: Option<usize>,
    /// The last branching, while a filter can still select among its branches.
    pub fork: Option<Fork>,
    /// The tables of the nodes, where the rows are a graph's edges.
    pub graph: Rc<[Rc<Flow<'p>>]>,
}

/// Branches, each with what it asks for.
#[derive(Clone, Debug)]
pub(crate) struct Fork {
    /// The column that says which branch a row comes from, and its value before the branch's number.
    pub selector: (Rc<str>, Rc<str>),
    /// Which of the flow's nodes they are.
    pub at: usize,
    pub branches: Vec<Node>,
}

impl<'p> Flow<'p> {
    /// The same without what is asked of its events, and no leg.
    pub fn without_nodes(&self) -> Self {
        Self {
            sources: self.sources.clone(),
            chosen: self.chosen.clone(),
            nodes: Vec::new(),
            columns: self.columns.clone(),
            stage: self.stage,
            span: self.span,
            is_union: self.is_union,
            is_restricted: self.is_restricted,
            leg: None,
            fork: None,
            graph: Rc::clone(&self.graph),
        }
    }

    /// Whether nothing but the table chooses the rows.
    pub fn is_bare(&self) -> bool {
        self.nodes.is_empty() && !self.is_restricted
    }

    /// Adds a conjunct that the current stage asks for.
    pub fn push(&mut self, node: Node) {
        self.push_of(node, false);
    }

    /// The same of one that may have come of a choice.
    pub fn push_of(&mut self, mut node: Node, is_choice: bool) {
        if node.as_constant() == Some(true) {
            return;
        }
        if let Some(stage) = self.stage {
            node.set_stage(stage);
        }
        self.nodes.push(Conjunct { node, is_choice, span: self.span });
    }

    /// Adds the sources that are not there yet.
    pub fn add_sources(&mut self, sources: &[DataSource]) {
        let mut seen: FxHashSet<DataSource> = self.sources.iter().cloned().collect();
        self.sources.extend(sources.iter().filter(|source| seen.insert((*source).clone())).cloned());
    }
}

impl<'p> Engine<'p, '_> {
    /// A pipeline that the rule runs: the first step of its own.
    fn step(&mut self, step: &'p Step) {
        let slot = self.reserve(IN_ORDER);
        self.absent = step.absent;
        let mut flow = self.flow(&step.rows);
        self.absent = false;
        let has_legs = self.slots.iter().skip(slot + 1).any(|slot| slot.step.is_some());
        if let (Some(names), true, false) = (&flow.columns.list, flow.sources.is_empty(), has_legs) {
            // The rows are of a list: what is read is no telemetry.
            let name = if names.is_empty() { "print" } else { "externaldata" };
            flow.sources.push(DataSource::new(SourceKind::Table, name));
        }
        let says_nothing = flow.is_bare() && (flow.is_union || flow.sources.is_empty());
        if !(has_legs && says_nothing && self.searches.is_none()) {
            self.fill(slot, &flow, step.label.to_string(), step.absent);
        }
        self.unite_legs(slot + 1);
    }

    /// Drops legs that read and ask for the same as one before them.
    fn unite_legs(&mut self, first: usize) {
        let Some(legs) = self.slots.get_mut(first..).filter(|legs| legs.len() <= MAX_LEGS) else { return };
        let whole = |step: &Made| conjunction(step.conjuncts.iter().map(|conjunct| conjunct.node.clone()).collect());
        let roots: Vec<Option<Node>> = legs.iter().map(|slot| slot.step.as_ref().map(whole)).collect();
        for at in 1..legs.len() {
            let (before, behind) = legs.split_at_mut(at);
            let (Some(leg), Some(Some(root))) = (behind.first_mut(), roots.get(at)) else { continue };
            let is_same = |(other, of): (&Slot, &Option<Node>)| {
                let (Some(other), Some(of), Some(leg)) = (&other.step, of, &leg.step) else { return false };
                other.absent == leg.absent && other.sources == leg.sources && of == root
            };
            if before.iter().zip(&roots).any(is_same) {
                leg.step = None;
            }
        }
    }

    /// The conditions of all steps.
    fn finish(mut self) -> Parsed {
        let mut slots = std::mem::take(&mut self.slots);
        slots.sort_by_key(|slot| slot.rank);
        let mut conditions = Vec::new();
        for mut step in slots.into_iter().filter_map(|slot| slot.step) {
            if step.is_optional && step.conjuncts.is_empty() && step.sources.is_empty() {
                continue;
            }
            if self.searches.is_none_or(|searches| searches.rules_out_branches) {
                rule_out_branches(&mut step.conjuncts);
            }
            if self.searches.is_some() {
                for conjunct in step.conjuncts.iter().filter(|conjunct| conjunct.node.as_constant() == Some(false)) {
                    let text = clip(conjunct.span.of(self.text).unwrap_or_default(), MAX_LINE);
                    let message = format!("no event can meet `{text}`, so the search finds nothing");
                    let found = Diagnostic::warning("condition never holds", message).at(conjunct.span);
                    self.diagnostics.push(found);
                }
            }
            let root = conjunction(step.conjuncts.into_iter().map(|conjunct| conjunct.node).collect());
            conditions.push(Condition { root, absent: step.absent, label: step.label, sources: step.sources });
        }
        Parsed { conditions, diagnostics: self.diagnostics }
    }

    /// A place for a step that is still to be made.
    pub fn reserve(&mut self, rank: u8) -> usize {
        self.slots.push(Slot { rank, step: None });
        self.slots.len() - 1
    }

    /// Makes the step of a place.
    pub fn fill(&mut self, slot: usize, flow: &Flow<'p>, label: String, absent: bool) {
        let conjuncts = self.copied_conjuncts(&flow.nodes);
        let step = Made {
            conjuncts,
            absent,
            label,
            sources: flow.sources.clone(),
            is_optional: false,
            is_joined: false,
            stage: flow.stage,
        };
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.step = Some(step);
        }
    }

    /// Says of a step that it is left out where nothing is read by it or asked for in it, and whether it is joined.
    pub fn make_optional(&mut self, slot: usize, is_joined: bool) {
        if let Some(step) = self.slots.get_mut(slot).and_then(|slot| slot.step.as_mut()) {
            step.is_optional = true;
            step.is_joined = is_joined;
        }
    }

    /// Adds what a filter asks for to the step whose events it is about.
    pub fn keep(&mut self, flow: &mut Flow<'p>, mut node: Node, owner: Owner) {
        let is_choice = std::mem::take(&mut self.is_choice);
        let scripts = self.semantics.scripts.is_some();
        let step = match owner {
            // A part that is not known is shown where it stands.
            Owner::One(Some(_)) if scripts && node.opaques().next().is_some() => None,
            Owner::One(Some(step)) => self.slots.get_mut(step).and_then(|slot| slot.step.as_mut()),
            _ => None,
        };
        let Some(step) = step else {
            return match node {
                Node::All(children) if scripts && !is_choice => children.into_iter().for_each(|child| flow.push(child)),
                node => flow.push_of(node, is_choice),
            };
        };
        if node.as_constant() == Some(true) {
            return;
        }
        // Stages are counted along the step's own rows.
        let stage = if scripts { Some(step.stage.map_or(0, |stage| stage + 1)) } else { flow.stage };
        if let Some(stage) = stage {
            node.set_stage(stage);
        }
        step.conjuncts.push(Conjunct { node, is_choice, span: flow.span });
        // Whoever else uses the leg does not ask for this.
        if let Owner::One(Some(step)) = owner
            && let Some(key) = self.leg_keys.remove(&step)
        {
            self.legs.remove(&key);
        }
    }

    /// Says of a step that there must be no such event, or that there must be one; whether it is a step.
    pub fn require(&mut self, slot: usize, is_absent: bool) -> bool {
        let step = self.slots.get_mut(slot).and_then(|slot| slot.step.as_mut());
        let found = step.is_some();
        if let Some(step) = step {
            step.absent |= is_absent;
            self.sub_queries += 1;
        }
        found
    }

    /// Whether a place is a search whose rows are joined.
    pub fn is_joined(&self, slot: usize) -> bool {
        let step = self.slots.get(slot).and_then(|slot| slot.step.as_ref());
        step.is_some_and(|step| step.is_joined)
    }

    /// Adds to what the current pipeline reads.
    pub fn choose(&mut self, kind: SourceKind, name: &str) {
        if name.is_empty() || self.reads.len() > MAX_SOURCES {
            return;
        }
        let source = DataSource::new(kind, name);
        if !self.known_reads.insert(source.clone()) {
            return;
        }
        if self.reads.len() == MAX_SOURCES {
            let message = format!("a search chooses more than {MAX_SOURCES} sources; the others are left out");
            self.diagnostics.push(Diagnostic::error(BUDGET, message));
        }
        self.reads.push(source);
    }

    /// Copies of conjuncts, as long as there is room for them.
    pub fn copied_conjuncts(&mut self, conjuncts: &[Conjunct]) -> Vec<Conjunct> {
        let count = conjuncts.iter().flat_map(|conjunct| conjunct.node.walk()).map(weight).sum();
        if !self.spend(count) {
            let node = Node::opaque("", BUDGET, Span::default());
            return vec![Conjunct { node, is_choice: false, span: Span::default() }];
        }
        conjuncts.to_vec()
    }

    /// Copies of nodes, as long as there is room for them.
    pub fn copied(&mut self, nodes: &[Node]) -> Vec<Node> {
        if !self.has_room(nodes) {
            return vec![Node::opaque("", BUDGET, Span::default())];
        }
        nodes.to_vec()
    }

    /// Counts tree nodes; `false` when there have been too many.
    pub fn has_room(&mut self, nodes: &[Node]) -> bool {
        let count = nodes.iter().flat_map(Node::walk).map(weight).sum();
        self.spend(count)
    }

    /// Counts nodes and values; `false` when there have been too many.
    pub fn spend(&mut self, count: usize) -> bool {
        let fits = !self.budget.is_spent() && self.budget.nodes(count);
        if !fits {
            self.report_budget();
        }
        fits
    }

    /// Counts one more expression; `false` when there have been too many, or it stands too deep.
    pub fn enter(&mut self) -> bool {
        let enters = !self.budget.is_spent() && self.budget.enter();
        if !enters {
            self.report_budget();
        }
        enters
    }

    pub fn leave(&mut self) {
        self.budget.leave();
    }

    /// Says once what ran out.
    pub fn report_budget(&mut self) {
        self.diagnostics.extend(self.budget.report());
    }

    /// The text at a place on one line, cut short where it is long.
    pub fn line(&self, span: Span) -> Rc<str> {
        let text = span.of(self.text).unwrap_or_default();
        if let Some(scripts) = self.semantics.scripts {
            return (scripts.written)(text).into();
        }
        let end = text.char_indices().nth(MAX_LINE).map_or(text.len(), |(at, _)| at);
        let text = text.get(..end).unwrap_or_default();
        let is_plain =
            !text.contains(|character: char| character.is_whitespace() && character != ' ') && !text.contains("  ");
        if is_plain { Rc::from(text) } else { text.split_whitespace().collect::<Vec<_>>().join(" ").into() }
    }

    /// The text by which something computed at this place is called, unless the place where it is compared says it.
    pub fn text_at(&self, span: Span) -> Rc<str> {
        if self.semantics.scripts.is_some() { Rc::from("") } else { self.line(span) }
    }

    /// A part that was not understood, or of which nothing is known.
    pub fn opaque(&mut self, reason: &str, span: Span) -> Node {
        self.owner = self.owner.and(Owner::One(None));
        let text = match self.semantics.scripts {
            Some(scripts) => (scripts.written)(span.of(self.text).unwrap_or_default()),
            None => clip(span.of(self.text).unwrap_or_default(), MAX_OPAQUE),
        };
        Node::Opaque(Box::new(Opaque { text, reason: reason.to_owned(), stage: None, span }))
    }

    /// What stands for a condition that is too much to be read.
    pub fn beyond_budget(&mut self, span: Span) -> Node {
        self.report_budget();
        self.opaque(BUDGET, span)
    }
}

/// What a node and its values cost.
fn weight(node: &Node) -> usize {
    match node {
        Node::Predicate(predicate) => {
            let bytes: usize = predicate.values.iter().map(|value| value.len() + BYTES_OF_VALUE).sum();
            1 + (predicate.raw_field.len() + bytes) / BYTES_PER_NODE
        }
        Node::Opaque(opaque) => 1 + opaque.text.len() / BYTES_PER_NODE,
        _ => 1,
    }
}

/// All conditions of a step. One that never holds is kept with the others, which still say what the step is about.
fn conjunction(nodes: Vec<Node>) -> Node {
    let (mut never, mut others): (Vec<Node>, Vec<Node>) =
        nodes.into_iter().partition(|node| node.as_constant() == Some(false));
    match never.pop() {
        Some(never) if !others.is_empty() => {
            others.push(never);
            Node::All(others)
        }
        Some(never) => never,
        None => Node::all(others),
    }
}
