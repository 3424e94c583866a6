//! From pipelines to a plan: what each command does to rows and names, and what expressions mean.

mod command;
mod eval;
mod list;
mod named;
mod search;

use std::rc::Rc;

use ruleatlas_core::{Budget, Context, Parsed};
use ruleatlas_ir::plan::{
    CaseRule, Comparison, Const, ConstKind, Expr, ExprKind, MissingRule, Operand, Query, Relation, Stage, Step,
};
use ruleatlas_ir::{Plan, Searches, Semantics, Surroundings, resolve_in};
use ruleatlas_model::{DataSource, Diagnostic, Level, Node, SourceKind, Span};

use crate::ast::{self, Command, Pipeline, Search, Segment};

/// How many searches may stand beside the first.
const MAX_STEPS: usize = 256;

/// What the language says of all searches alike.
const SEMANTICS: Semantics = Semantics {
    missing: MissingRule::Null,
    names_in_any_case: false,
    is_event_time: |name| matches!(name, "_time" | "_indextime"),
    has_stages: true,
    sub_query: "sub-search",
    computed_by_name: false,
    scripts: None,
};

/// What it says of filters that choose the data, and of names.
const SEARCHES: Searches = Searches {
    chooses,
    is_of_every_event: |name| name == "host",
    event_text: "_raw",
    rules_out_branches: true,
    fields_are_no_window: true,
};

/// What a field chooses. A risk event's `source` is the rule that it comes from.
fn chooses(field: &str, sources: &[DataSource]) -> Option<SourceKind> {
    let kind = match field {
        "index" => SourceKind::Index,
        "sourcetype" => SourceKind::SourceType,
        "source" => SourceKind::Source,
        "eventtype" => SourceKind::EventType,
        _ => return None,
    };
    let is_risk = |source: &DataSource| {
        source.kind == SourceKind::DataModel && (source.name == "Risk" || source.name.starts_with("Risk."))
    };
    (kind != SourceKind::Source || !sources.iter().any(is_risk)).then_some(kind)
}

/// Makes the conditions of a query.
pub(crate) fn lower(
    pipeline: &Pipeline,
    text: &str,
    context: &dyn Context,
    diagnostics: Vec<Diagnostic>,
    budget: &mut Budget,
) -> Parsed {
    let mut lowering =
        Lowering { context, diagnostics, steps: 0, model: None, event_types: Vec::new(), budget: &mut *budget };
    let rows = lowering.rows(pipeline);
    let mut diagnostics = lowering.diagnostics;
    let plan = Plan { shared: Vec::new(), steps: vec![Step { label: Rc::from("main search"), absent: false, rows }] };
    let around = Surroundings { context, searches: Some(&SEARCHES) };
    let mut parsed = resolve_in(&plan, text, &SEMANTICS, &around, budget);
    if let [only] = parsed.conditions.as_mut_slice() {
        only.label.clear();
    }
    diagnostics.append(&mut parsed.diagnostics);
    diagnostics.sort_by_key(|found| (found.span, found.level == Level::Note));
    Parsed { diagnostics, ..parsed }
}

struct Lowering<'c> {
    context: &'c dyn Context,
    diagnostics: Vec<Diagnostic>,
    /// How many searches stand beside the first.
    steps: usize,
    /// The data model that the current pipeline reads.
    model: Option<String>,
    /// The event types whose definitions are being read.
    event_types: Vec<String>,
    budget: &'c mut Budget,
}

impl Lowering<'_> {
    /// The rows of a search of its own.
    fn rows(&mut self, pipeline: &Pipeline) -> Expr {
        let outer = self.model.take();
        let stages = self.stages(pipeline);
        self.model = outer;
        let source = Expr::new(ExprKind::Tables(Vec::new()), pipeline.span);
        Expr::new(ExprKind::Query(Box::new(Query { definitions: Vec::new(), source, stages })), pipeline.span)
    }

    fn stages(&mut self, pipeline: &Pipeline) -> Vec<Stage> {
        let mut stages = Vec::new();
        for segment in &pipeline.segments {
            let operations = self.command(segment);
            let stage = |operation| Stage { operation, index: segment.stage, span: segment.span };
            stages.extend(operations.into_iter().map(stage));
        }
        stages
    }

    /// Whether one more search beside the first is read.
    fn begin_step(&mut self, span: Span) -> bool {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            let message = "a search beside others is not read";
            self.diagnostics.push(Diagnostic::error("too many sub-searches", message).at(span));
        }
        self.steps <= MAX_STEPS
    }

    /// Whether `count` nodes more are within bounds.
    fn spend(&mut self, count: usize) -> bool {
        let fits = !self.budget.is_spent() && self.budget.nodes(count);
        if !fits {
            self.diagnostics.extend(self.budget.report());
        }
        fits
    }
}

fn name(field: &str, span: Span) -> Expr {
    Expr::new(ExprKind::Name(Rc::from(field)), span)
}

/// A constant; what is written like a number is one.
fn constant(text: &str) -> Const {
    let kind = if text.parse::<f64>().is_ok() { ConstKind::Number } else { ConstKind::Text };
    Const::new(text, kind)
}

fn literal(text: &str, span: Span) -> Expr {
    Expr::new(ExprKind::Const(constant(text)), span)
}

/// What is not understood, by its own text.
fn opaque(text: &str, reason: &str, span: Span) -> Expr {
    Expr::new(ExprKind::Condition(Rc::new(Node::opaque(text, reason, span))), span)
}

fn nothing(span: Span) -> Expr {
    Expr::new(ExprKind::Nothing, span)
}

fn not(inner: Expr) -> Expr {
    let span = inner.span;
    Expr::new(ExprKind::Not(Box::new(inner)), span)
}

fn compare(comparison: Comparison, left: Expr, mut right: Vec<Expr>, span: Span) -> Expr {
    let right = if right.len() == 1 { Operand::One(Box::new(right.remove(0))) } else { Operand::AnyOf(right) };
    Expr::new(ExprKind::Compare(comparison, Box::new(left), right), span)
}

/// A comparison of the language of `search`: without case, failing where the field is missing.
fn in_search(relation: Relation) -> Comparison {
    Comparison::new(relation, CaseRule::Ignore, MissingRule::Fails)
}

/// A comparison of `eval` and `where`: with case, null where the field is null. They order texts too.
fn in_eval(relation: Relation) -> Comparison {
    Comparison { text_order: true, ..Comparison::new(relation, CaseRule::Letters, MissingRule::Null) }
}

/// A match of a regular expression.
fn matches(value: Expr, pattern: &str, missing: MissingRule, negated: bool, span: Span) -> Expr {
    let comparison = Comparison::new(Relation::Regex, CaseRule::Exact, missing).negated(negated);
    compare(comparison, value, vec![Expr::text(pattern, span)], span)
}

impl ast::CompareOp {
    fn relation(self) -> (Relation, bool) {
        match self {
            Self::Eq => (Relation::Equal, false),
            Self::Ne => (Relation::Equal, true),
            Self::Lt => (Relation::Less, false),
            Self::Lte => (Relation::LessEqual, false),
            Self::Gt => (Relation::Greater, false),
            Self::Gte => (Relation::GreaterEqual, false),
        }
    }
}

/// The text, cut where it is very long.
fn clip(text: &str) -> String {
    const LONGEST: usize = 400;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Whether a text is `$name$`.
fn is_token(text: &str) -> bool {
    let inner = text.strip_prefix('$').and_then(|rest| rest.strip_suffix('$'));
    inner.is_some_and(|name| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'{' | b'}'))
    })
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
