//! Syntax tree in, conditions out: what the steps of a pipeline mean in the terms of all languages.

mod branch;
mod call;
mod condition;
mod live;
mod table;
mod value;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use ruleatlas_core::{BUDGET, Budget, Parsed, clip};
use ruleatlas_ir::plan::{
    Column, Definition, Expr as Planned, ExprKind as PlannedKind, MissingRule, Operand, Operation, Plan, Query, Stage,
    Step as PlannedStep,
};
use ruleatlas_ir::{Semantics, resolve};
use ruleatlas_model::{Condition, DataSource, Diagnostic, Node, SourceKind, Span};

use crate::ast::{CompareOp, Filter, FilterKind, Pattern, PatternKind, Pipeline, Step, StepKind};
use crate::function::{Function, function};

/// What the language says of all its queries alike.
const SEMANTICS: Semantics = Semantics {
    missing: MissingRule::Fails,
    names_in_any_case: false,
    is_event_time: |name| matches!(name, "@timestamp" | "@ingesttimestamp"),
    has_stages: true,
    sub_query: "subquery",
    computed_by_name: true,
    scripts: None,
};

/// How long the text of a query that costs too much may be, in bytes.
const MAX_OPAQUE: usize = 4 << 10;
/// How long a field's name may be.
const MAX_NAME: usize = 300;
/// Bytes of a text that are a unit of work.
const BYTES_PER_WORK: usize = 32;

/// The conditions of a query.
pub(crate) fn lower(pipeline: &Pipeline, text: &str, budget: &mut Budget) -> Parsed {
    let mut lowering = Lowering {
        text,
        budget,
        local: Vec::new(),
        tables: HashSet::new(),
        label: Rc::from(""),
        diagnostics: Vec::new(),
    };
    let rows = lowering.query(pipeline);
    let (label, mut diagnostics) = (lowering.label, lowering.diagnostics);
    if budget.is_spent() {
        // What was read may be a fraction of what the clauses stand for.
        let root = Node::opaque(clip(text, MAX_OPAQUE), BUDGET, pipeline.span);
        diagnostics.extend(budget.report());
        return Parsed { conditions: vec![Condition::new(root)], diagnostics };
    }
    let plan = Plan { shared: Vec::new(), steps: vec![PlannedStep { label, absent: false, rows }] };
    let parsed = resolve(&plan, text, &SEMANTICS, budget);
    diagnostics.extend(parsed.diagnostics);
    Parsed { conditions: parsed.conditions, diagnostics }
}

struct Lowering<'t, 'b> {
    text: &'t str,
    budget: &'b mut Budget,
    /// What names stand for within the clauses that are read, the innermost last.
    local: Vec<HashMap<Rc<str>, Planned>>,
    /// The tables that `defineTable` has defined so far.
    tables: HashSet<String>,
    /// What the first query of a correlation is called.
    label: Rc<str>,
    diagnostics: Vec<Diagnostic>,
}

/// What the steps of a pipeline have given so far.
#[derive(Default)]
struct Flow {
    definitions: Vec<Definition>,
    sources: Vec<DataSource>,
    /// Another table that is read instead.
    table: Option<Planned>,
    stages: Vec<Stage>,
    /// The step that is read now.
    index: u32,
    span: Span,
    /// Whether rows are no events any more.
    is_aggregated: bool,
    /// The names that are asked for behind this step, where that is known.
    live: Option<HashSet<Rc<str>>>,
}

impl Flow {
    fn push(&mut self, operation: Operation) {
        self.stages.push(Stage { operation, index: self.index, span: self.span });
    }
}

impl<'t> Lowering<'t, '_> {
    /// A pipeline as rows.
    fn query(&mut self, pipeline: &'t Pipeline) -> Planned {
        let span = pipeline.span;
        if !self.enter() {
            return Planned::opaque(BUDGET, span);
        }
        let outer = std::mem::take(&mut self.local);
        let mut flow = Flow::default();
        let mut live = self.live(pipeline);
        for (step, index) in pipeline.steps.iter().zip(0..) {
            flow.index = index;
            flow.live = live.remove(&index).map(|names| names.into_iter().map(Rc::from).collect());
            self.step(step, &mut flow);
        }
        self.local = outer;
        self.budget.leave();
        let source = flow.table.unwrap_or_else(|| Planned::new(PlannedKind::Tables(flow.sources), span));
        let query = Query { definitions: flow.definitions, source, stages: flow.stages };
        Planned::new(PlannedKind::Query(Box::new(query)), span)
    }

    /// The names that are asked for behind each case of a pipeline, as far as there is room for that.
    fn live(&mut self, pipeline: &'t Pipeline) -> HashMap<u32, live::Names<'t>> {
        let mut found = HashMap::new();
        let mut names = live::Names::new();
        for (step, index) in pipeline.steps.iter().zip(0..).collect::<Vec<_>>().into_iter().rev() {
            if matches!(step.kind, StepKind::Case(_) | StepKind::Match { .. }) && self.budget.work(names.len() / 8) {
                found.insert(index, names.clone());
            }
            live::before(step, &mut names);
        }
        found
    }

    fn step(&mut self, step: &'t Step, flow: &mut Flow) {
        flow.span = step.span;
        match &step.kind {
            StepKind::Filter(filter) => self.filter_step(filter, flow),
            StepKind::Assign(field, value) => {
                let value = self.assigned(field, value);
                flow.push(Operation::Extend(vec![Column { name: name_of(field), value }]));
            }
            StepKind::Case(clauses) => {
                let clauses = clauses.iter().map(|clause| (None, clause)).collect();
                self.case_step(clauses, step.span, flow);
            }
            StepKind::Match { field, arms } => {
                let clauses = arms.iter().map(|(guard, clause)| (Some((field.as_str(), guard)), clause)).collect();
                self.case_step(clauses, step.span, flow);
            }
            StepKind::Stats(functions) => {
                let outputs = functions.iter().flat_map(|function| self.outputs(function)).collect();
                flow.is_aggregated = true;
                flow.push(Operation::Aggregate { outputs, keys: Vec::new(), keeps_rows: false });
            }
            StepKind::Group(inner) => {
                for step in &inner.steps {
                    self.step(step, flow);
                }
            }
            StepKind::Broken(_) => flow.push(Operation::Opaque(Rc::from("syntax error"))),
        }
    }

    /// A filter, or a function that stands alone.
    fn filter_step(&mut self, filter: &'t Filter, flow: &mut Flow) {
        let (call, applied) = match &filter.kind {
            FilterKind::Call(call) => (call, None),
            FilterKind::Apply(field, call) => (call, Some(field.as_str())),
            FilterKind::Saved(call) => return self.saved_step(call, flow),
            FilterKind::Not(inner) => match &inner.kind {
                FilterKind::Call(call) if call.name.eq_ignore_ascii_case("join") => {
                    return self.join_step(call, true, flow);
                }
                _ => return self.plain_filter(filter, flow),
            },
            _ => return self.plain_filter(filter, flow),
        };
        let name = call.name.to_ascii_lowercase();
        match function(&name) {
            Function::Filter if name == "match" => self.match_step(call, applied, flow),
            Function::Filter => self.plain_filter(filter, flow),
            Function::Aggregate => self.aggregate_step(&name, call, flow),
            Function::Table => self.table_step(&name, call, flow),
            Function::Value => self.value_step(&name, call, applied, flow),
            Function::Show => self.show_step(&name, call, flow),
            Function::Unknown => flow.push(Operation::Opaque(Rc::from("unknown function"))),
        }
    }

    fn plain_filter(&mut self, filter: &'t Filter, flow: &mut Flow) {
        let parts = match &filter.kind {
            FilterKind::And(parts) => parts.as_slice(),
            _ => std::slice::from_ref(filter),
        };
        let mut conditions = Vec::new();
        for part in parts {
            if let Some(sources) = (!flow.is_aggregated).then(|| data_sources(part)).flatten() {
                flow.sources.extend(sources);
            } else {
                conditions.push(self.condition(part));
            }
        }
        if !conditions.is_empty() {
            flow.push(Operation::Filter(Planned::new(PlannedKind::All(conditions), filter.span)));
        }
        for part in parts {
            self.extract(part, flow);
        }
    }

    /// The names that regular expressions of a filter cut out of fields.
    fn extract(&mut self, filter: &'t Filter, flow: &mut Flow) {
        for (field, names) in self.groups(filter) {
            let from = self.field(&field, filter.span);
            flow.push(Operation::Extract { from, names, demands: None });
        }
    }

    fn enter(&mut self) -> bool {
        !self.budget.is_spent() && self.budget.enter()
    }

    /// The text at a place on one line, cut short where it is long.
    fn line(&mut self, span: Span) -> Rc<str> {
        const MAX_TEXT: usize = 400;
        let text = span.of(self.text).unwrap_or_default();
        let end = text.char_indices().nth(MAX_TEXT).map_or(text.len(), |(at, _)| at);
        let words: Vec<&str> = text.get(..end).unwrap_or_default().split_whitespace().collect();
        let line = words.join(" ");
        self.budget.work(line.len() / BYTES_PER_WORK);
        line.into()
    }
}

/// A field's name without the mark of a tag.
fn plain_name(name: &str) -> &str {
    name.strip_prefix('#').unwrap_or(name)
}

fn name_of(name: &str) -> Rc<str> {
    Rc::from(clip(plain_name(name), MAX_NAME))
}

/// The data that a filter chooses: a repository or a type, or any of several.
fn data_sources(filter: &Filter) -> Option<Vec<DataSource>> {
    match &filter.kind {
        FilterKind::Compare { field, op: CompareOp::Equal, value: Pattern { kind: PatternKind::Text(text), .. } } => {
            let kind = match field.as_str() {
                "#repo" | "repo" => SourceKind::Index,
                "#type" => SourceKind::SourceType,
                _ => return None,
            };
            (!text.is_empty() && text != "*").then(|| vec![DataSource::new(kind, clip(text, MAX_NAME))])
        }
        FilterKind::Or(parts) => {
            let sources: Option<Vec<Vec<DataSource>>> = parts.iter().map(data_sources).collect();
            sources.map(|sources| sources.concat())
        }
        _ => None,
    }
}

/// How many expressions a condition is.
fn size(planned: &Planned) -> usize {
    1 + match &planned.kind {
        PlannedKind::All(parts) | PlannedKind::Any(parts) | PlannedKind::First(parts) => parts.iter().map(size).sum(),
        PlannedKind::Not(inner) | PlannedKind::Wrap(_, inner) | PlannedKind::Called(inner, _) => size(inner),
        PlannedKind::Presence { of, .. } => size(of),
        PlannedKind::Moved(left, right) => size(left) + size(right),
        PlannedKind::Compare(_, left, Operand::One(right)) => size(left) + size(right),
        PlannedKind::Compare(_, left, Operand::AnyOf(items) | Operand::AllOf(items)) => {
            size(left) + items.iter().map(size).sum::<usize>()
        }
        PlannedKind::Case { arms, otherwise } => {
            let arms = arms.iter().map(|(condition, value)| size(condition) + size(value)).sum::<usize>();
            arms + otherwise.as_deref().map_or(0, size)
        }
        PlannedKind::Computed { of, .. } => of.iter().map(size).sum(),
        PlannedKind::Const(constant) => constant.text.len() / BYTES_PER_WORK,
        _ => 0,
    }
}
