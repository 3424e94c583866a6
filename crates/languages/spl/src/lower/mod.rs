//! From pipelines to conditions: one a step, with every name followed back to the fields of the events.

mod check;
mod command;
mod compare;
mod eval;
mod list;
mod search;
mod settle;

use ruleatlas_core::{BUDGET, Budget, Context, Parsed};
use ruleatlas_model::{Condition, DataSource, Diagnostic, Level, Node, SourceKind, Span};

use rustc_hash::FxHashSet;

use self::compare::clip;
use crate::{
    ast::{Command, Pipeline, Search, Segment},
    names::Scope,
};

/// How many searches may stand beside the first.
const MAX_STEPS: usize = 256;

/// How many indexes, source types and their like a search may name.
const MAX_SOURCES: usize = 512;

/// Makes the conditions of a query.
pub(crate) fn lower(
    pipeline: &Pipeline,
    text: &str,
    context: &dyn Context,
    diagnostics: Vec<Diagnostic>,
    budget: &mut Budget,
) -> Parsed {
    let mut lowering = Lowering {
        text,
        context,
        diagnostics,
        steps: vec![Step::default()],
        touched: Vec::new(),
        branched: false,
        event_types: Vec::new(),
        budget,
    };
    let mut scope = Scope::new(0);
    lowering.pipeline(pipeline, &mut scope);
    lowering.finish()
}

/// What is known of a step while its pipeline is walked.
#[derive(Default)]
struct Step {
    conjuncts: Vec<Conjunct>,
    absent: bool,
    label: String,
    sources: Vec<DataSource>,
    /// Those that [`Step::sources`] has.
    known: FxHashSet<DataSource>,
}

/// One of the conditions of a step.
struct Conjunct {
    node: Node,
    place: Place,
    /// Whether it came of a choice (`if`, `case`, `coalesce`), whose branches the step's other conditions may rule out.
    branched: bool,
}

/// Which segment of a pipeline is at hand.
#[derive(Clone, Copy)]
struct Place {
    stage: u32,
    span: Span,
}

struct Lowering<'c> {
    /// The author's text.
    text: &'c str,
    context: &'c dyn Context,
    diagnostics: Vec<Diagnostic>,
    steps: Vec<Step>,
    /// The steps whose fields the conjunct at hand compares.
    touched: Vec<usize>,
    /// Whether the conjunct at hand compares a choice.
    branched: bool,
    /// The event types whose definitions are being read.
    event_types: Vec<String>,
    budget: &'c mut Budget,
}

impl Lowering<'_> {
    fn pipeline(&mut self, pipeline: &Pipeline, scope: &mut Scope) {
        for segment in &pipeline.segments {
            self.command(segment, scope);
        }
    }

    /// A new step for a search beside the one at hand, with the names of `scope`.
    fn step(&mut self, label: &str) -> usize {
        self.steps.push(Step { label: label.to_owned(), ..Step::default() });
        self.steps.len() - 1
    }

    /// Runs a search of its own as a step, and gives its names.
    fn beside(&mut self, pipeline: &Pipeline, label: &str, absent: bool) -> Scope {
        if self.steps.len() > MAX_STEPS {
            let message = "a search beside others is not read";
            self.diagnostics.push(Diagnostic::error("too many sub-searches", message).at(pipeline.span));
            return Scope::new(0);
        }
        let step = self.step(label);
        self.steps[step].absent = absent;
        let mut scope = Scope::new(step);
        self.pipeline(pipeline, &mut scope);
        scope
    }

    /// Adds a conjunct to a step.
    fn filter(&mut self, step: usize, place: Place, mut node: Node) {
        let branched = std::mem::take(&mut self.branched);
        if node.as_constant() == Some(true) {
            return;
        }
        node.set_stage(place.stage);
        if let Some(step) = self.steps.get_mut(step) {
            step.conjuncts.push(Conjunct { node, place, branched });
        }
    }

    fn add_source(&mut self, step: usize, kind: SourceKind, name: &str) {
        let source = DataSource::new(kind, name);
        if let Some(step) = self.steps.get_mut(step)
            && !name.is_empty()
            && step.known.insert(source.clone())
        {
            if step.known.len() <= MAX_SOURCES {
                step.sources.push(source);
            } else if step.known.len() == MAX_SOURCES + 1 {
                let message = format!("a search chooses more than {MAX_SOURCES} sources; the others are left out");
                self.diagnostics.push(Diagnostic::error(BUDGET, message));
            }
        }
    }

    /// Whether `count` nodes more are within bounds.
    fn spend(&mut self, count: usize) -> bool {
        let fits = !self.budget.is_spent() && self.budget.nodes(count);
        if !fits {
            self.diagnostics.extend(self.budget.report());
        }
        fits
    }

    /// What stands for a condition that would be too large.
    fn too_large(text: &str, span: Span) -> Option<Node> {
        Some(Node::opaque(text, BUDGET, span))
    }

    fn finish(mut self) -> Parsed {
        let mut diagnostics = self.diagnostics;
        for step in &mut self.steps {
            settle::rule_out_branches(&mut step.conjuncts);
            for conjunct in step.conjuncts.iter().filter(|conjunct| conjunct.node.as_constant() == Some(false)) {
                let text = clip(conjunct.place.span.of(self.text).unwrap_or_default());
                let message = format!("no event can meet `{text}`, so the search finds nothing");
                diagnostics.push(Diagnostic::warning("condition never holds", message).at(conjunct.place.span));
            }
        }
        let several = self.steps.iter().skip(1).any(|step| !step.is_empty());
        let conditions: Vec<Condition> = self
            .steps
            .into_iter()
            .enumerate()
            .filter(|(at, step)| *at == 0 || !step.is_empty())
            .map(|(at, step)| Condition {
                root: whole(step.conjuncts),
                absent: step.absent,
                label: if at == 0 && several { "main search".to_owned() } else { step.label },
                sources: step.sources,
            })
            .collect();
        diagnostics.sort_by_key(|found| (found.span, found.level == Level::Note));
        Parsed { conditions, diagnostics }
    }
}

/// All conditions of a step. One that never holds stands beside the others: they still say what the search is about.
fn whole(conjuncts: Vec<Conjunct>) -> Node {
    let nodes = conjuncts.into_iter().map(|conjunct| conjunct.node);
    let (never, mut others): (Vec<Node>, Vec<Node>) = nodes.partition(|node| node.as_constant() == Some(false));
    match never.into_iter().next() {
        Some(never) if !others.is_empty() => {
            others.push(never);
            Node::All(others)
        }
        Some(never) => never,
        None => Node::all(others),
    }
}

impl Step {
    fn is_empty(&self) -> bool {
        self.conjuncts.is_empty() && self.sources.is_empty()
    }
}

/// All of what is said; `None` where nothing is.
fn all(nodes: impl IntoIterator<Item = Option<Node>>) -> Option<Node> {
    let said: Vec<Node> = nodes.into_iter().flatten().collect();
    if said.is_empty() { None } else { Some(Node::all(said)) }
}

/// Any of what is said; `None` where nothing is.
fn any(nodes: impl IntoIterator<Item = Option<Node>>) -> Option<Node> {
    let said: Vec<Node> = nodes.into_iter().flatten().collect();
    if said.is_empty() { None } else { Some(Node::any(said)) }
}

/// Whether a search gives rows of a lookup, and reads no events.
fn is_list(pipeline: &Pipeline) -> bool {
    let is_of_list = |segment: &Segment| match &segment.command {
        Command::Search(filter) => !reads_search(filter),
        Command::InputLookup { filter, .. } => !filter.as_ref().is_some_and(reads_search),
        Command::Fields(_)
        | Command::Rename(_)
        | Command::Where(_)
        | Command::Regex { .. }
        | Command::Eval(_)
        | Command::Extract { .. }
        | Command::Expand(_)
        | Command::Compute(_)
        | Command::Aggregate(_)
        | Command::Neutral => true,
        _ => false,
    };
    begins_with_lookup(pipeline) && pipeline.segments.iter().all(is_of_list)
}

/// Whether a sub-search stands in a filter.
fn reads_search(filter: &Search) -> bool {
    match filter {
        Search::And(parts) | Search::Or(parts) => parts.iter().any(reads_search),
        Search::Not(inner) => reads_search(inner),
        Search::Sub(_) => true,
        Search::Compare { .. } | Search::Term { .. } | Search::Opaque { .. } => false,
    }
}

/// The commands that begin with a lookup, as far as they are a list.
fn begins_with_lookup(pipeline: &Pipeline) -> bool {
    matches!(
        pipeline.segments.first().map(|segment| &segment.command),
        Some(Command::InputLookup { append: false, .. })
    )
}
