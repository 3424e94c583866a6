//! Queries to conditions: the steps, what stands between them, and the logic of a condition.

mod comparison;
mod constant;
mod function;
mod operand;
mod reference;

use std::rc::Rc;

use ruleatlas_core::Budget;
use ruleatlas_ir::plan::{
    self, CaseRule, Expr as Planned, ExprKind as PlannedKind, MissingRule, Operation, Plan, Relation, Stage,
};
use ruleatlas_ir::{Semantics, resolve};
use ruleatlas_model::{Condition, DataSource, Diagnostic, SourceKind, Span};

use crate::{
    ast::{Event, Expr, ExprKind, Literal, Pipe, Query, Shape, Step},
    lexer::DIAGNOSTIC_LIMIT,
};

/// The conditions of a query, one a step, each with the rule's `sources` behind its event category.
pub(crate) fn lower(
    query: &Query<'_>,
    text: &str,
    sources: &[DataSource],
    diagnostics: Vec<Diagnostic>,
    budget: &mut Budget,
) -> (Vec<Condition>, Vec<Diagnostic>) {
    let has_stages = query.pipes.iter().any(|pipe| pipe.name.eq_ignore_ascii_case("filter"));
    let mut lowering = Lowering {
        text,
        sources,
        steps: Vec::with_capacity(query.steps.len()),
        diagnostics,
        stage: 0,
        variables: Vec::new(),
        named: Vec::new(),
        reading: None,
        aggregated: false,
        label: String::new(),
        absent: false,
    };
    let mut number = 0;
    for step in &query.steps {
        number += usize::from(!step.until);
        lowering.label = label(query.shape, step, number);
        lowering.absent = step.missing || step.until;
        lowering.step(step);
    }
    for (at, pipe) in query.pipes.iter().enumerate() {
        lowering.stage = u32::try_from(at + 1).unwrap_or(u32::MAX);
        lowering.pipe(pipe, query.shape);
    }
    let Lowering { steps, mut diagnostics, .. } = lowering;
    let plan = Plan { shared: Vec::new(), steps: steps.into_iter().map(PlannedStep::into_step).collect() };
    let parsed = resolve(&plan, text, &semantics(has_stages), budget);
    diagnostics.extend(parsed.diagnostics);
    (parsed.conditions, diagnostics)
}

/// What EQL says of all its queries alike: no stage makes a name.
fn semantics(has_stages: bool) -> Semantics {
    Semantics {
        missing: MissingRule::NoMatch,
        names_in_any_case: false,
        is_event_time: |_| false,
        has_stages,
        sub_query: "",
        computed_by_name: false,
        scripts: None,
    }
}

/// A comparison as the language makes it.
fn compared(relation: Relation, insensitive: bool) -> plan::Comparison {
    let case = if insensitive { CaseRule::Ignore } else { CaseRule::Exact };
    plan::Comparison::new(relation, case, MissingRule::NoMatch)
}

/// A step of the query while its conditions are gathered.
struct PlannedStep {
    label: Rc<str>,
    absent: bool,
    source: Planned,
    /// The conditions that must all hold, each with the stage that it stands in.
    conditions: Vec<(Planned, u32)>,
}

impl PlannedStep {
    fn into_rows(self) -> Planned {
        let span = self.source.span;
        let stage = |(condition, index): (Planned, u32)| {
            let span = condition.span;
            Stage { operation: Operation::Filter(condition), index, span }
        };
        let stages = self.conditions.into_iter().map(stage).collect();
        let query = plan::Query { definitions: Vec::new(), source: self.source, stages };
        Planned::new(PlannedKind::Query(Box::new(query)), span)
    }

    fn into_step(self) -> plan::Step {
        plan::Step { label: Rc::clone(&self.label), absent: self.absent, rows: self.into_rows() }
    }
}

fn label(shape: Shape, step: &Step<'_>, number: usize) -> String {
    let name = match shape {
        Shape::Event => return String::new(),
        Shape::Sequence => "sequence step",
        Shape::Sample => "sample step",
        Shape::Join => "join leg",
    };
    if step.until {
        return "until".to_owned();
    }
    let mut label = format!("{name} {number}");
    if let Some(alias) = step.name {
        label.push_str(" as ");
        label.push_str(alias);
    }
    if let Some(runs) = step.runs {
        label.push_str(&format!(", {runs} times"));
    }
    label
}

/// Where an expression stands in its step's condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The step asks for it, whatever else it asks for.
    Conjunct,
    /// The step asks for its opposite, whatever else it asks for.
    Negated,
    /// It is one alternative among others.
    Alternative,
    /// Its opposite is one alternative among others.
    NegatedAlternative,
}

impl Place {
    fn negated(self) -> Self {
        match self {
            Self::Conjunct => Self::Negated,
            Self::Negated => Self::Conjunct,
            Self::Alternative => Self::NegatedAlternative,
            Self::NegatedAlternative => Self::Alternative,
        }
    }

    /// The place of the parts of an `and` or `or`.
    fn inside(self, is_and: bool) -> Self {
        match (self, is_and) {
            (Self::Conjunct, true) | (Self::Negated, false) => self,
            _ if self.is_negated() => Self::NegatedAlternative,
            _ => Self::Alternative,
        }
    }

    fn is_alternative(self) -> bool {
        matches!(self, Self::Alternative | Self::NegatedAlternative)
    }

    fn is_negated(self) -> bool {
        matches!(self, Self::Negated | Self::NegatedAlternative)
    }
}

struct Lowering<'t> {
    text: &'t str,
    sources: &'t [DataSource],
    steps: Vec<PlannedStep>,
    diagnostics: Vec<Diagnostic>,
    /// The stage that conditions stand in: 0, and the pipes behind it.
    stage: u32,
    /// The names that `arraySearch` binds, with the paths they stand for; the innermost is the last.
    variables: Vec<(String, String)>,
    /// The steps that have a name so far, by their places.
    named: Vec<(String, usize)>,
    /// The earlier step whose fields are read at the moment.
    reading: Option<usize>,
    /// Whether a pipe has counted, so that `count` is no field any more.
    aggregated: bool,
    /// The label of the step that is lowered, and whether it must not happen.
    label: String,
    absent: bool,
}

impl Lowering<'_> {
    fn step(&mut self, step: &Step<'_>) {
        let at = self.steps.len();
        let event = self.event(&step.event);
        self.steps.push(event);
        self.named.extend(step.name.map(|name| (name.to_owned(), at)));
    }

    /// An event, with what is asked of it.
    fn event(&mut self, event: &Event<'_>) -> PlannedStep {
        let mut sources = Vec::new();
        if !event.category.is_empty() {
            sources.push(DataSource::new(SourceKind::EventCategory, event.category.as_ref()));
        }
        sources.extend_from_slice(self.sources);
        let span = event.condition.span;
        let condition = self.condition(&event.condition, Place::Conjunct);
        PlannedStep {
            label: Rc::from(self.label.as_str()),
            absent: self.absent,
            source: Planned::new(PlannedKind::Tables(sources), span),
            conditions: vec![(condition, self.stage)],
        }
    }

    /// A condition of the plan.
    fn condition(&mut self, expression: &Expr<'_>, place: Place) -> Planned {
        if let Some(step) = self.earlier_step(expression, place) {
            return self.move_to(step, expression, place);
        }
        let span = expression.span;
        let kind = match &expression.kind {
            ExprKind::Literal(Literal::Bool(value)) => PlannedKind::Const(plan::Const::bool(*value)),
            ExprKind::And(parts) => {
                PlannedKind::All(parts.iter().map(|part| self.condition(part, place.inside(true))).collect())
            }
            ExprKind::Or(parts) => {
                PlannedKind::Any(parts.iter().map(|part| self.condition(part, place.inside(false))).collect())
            }
            ExprKind::Not(inner) => PlannedKind::Not(Box::new(self.condition(inner, place.negated()))),
            // A field that stands alone is asked to be true.
            ExprKind::Field { .. } => {
                let subject = operand::Subject { raw: self.field_name(expression), computed: false, exact: true };
                return self.planned_subject(&subject, span);
            }
            ExprKind::Compare { op, left, right } => return self.compare(span, *op, left, right, place),
            ExprKind::Lookup { op, insensitive, negated, subject, values } => {
                let planned = self.lookup(span, *op, *insensitive, *negated, subject, values, place);
                return planned.unwrap_or_else(|| self.broken(span));
            }
            ExprKind::Call { name, insensitive, arguments } => {
                return self.boolean_call(span, name, *insensitive, arguments, place);
            }
            ExprKind::Lineage { relation, event } => return self.lineage(span, relation, event, place),
            ExprKind::Broken(_) => return self.broken(span),
            ExprKind::Literal(_) | ExprKind::Arithmetic { .. } | ExprKind::Negative(_) => {
                return self.opaque(span, "a value is no condition");
            }
        };
        Planned::new(kind, span)
    }

    /// `descendant of […]`: another event, which is a step of its own. Within an alternative it also stays as a
    /// computed condition, since one event does not decide it.
    fn lineage(&mut self, span: Span, relation: &str, event: &Event<'_>, place: Place) -> Planned {
        let label =
            if self.label.is_empty() { format!("{relation} of") } else { format!("{}, {relation} of", self.label) };
        let outer_label = std::mem::replace(&mut self.label, label);
        let outer_absent = self.absent;
        self.absent |= place.is_negated();
        let event = self.event(event);
        self.label = outer_label;
        self.absent = outer_absent;
        let label = Rc::clone(&event.label);
        let related = PlannedKind::Exists(Box::new(event.into_rows()), Some(label));
        let related = Planned::new(related, span);
        Planned::new(PlannedKind::Called(Box::new(related), self.text_of(span).into()), span)
    }

    fn pipe(&mut self, pipe: &Pipe<'_>, shape: Shape) {
        let name = pipe.name.to_ascii_lowercase();
        match name.as_str() {
            "filter" => {
                let [argument] = pipe.arguments.as_slice() else {
                    let opaque = self.opaque(pipe.span, "filter without one condition");
                    return self.conjoin(opaque);
                };
                let condition = if shape == Shape::Event {
                    self.condition(argument, Place::Conjunct)
                } else {
                    self.opaque(pipe.span, "filter over several events")
                };
                self.conjoin(condition);
            }
            "count" | "unique_count" => self.aggregated = true,
            "head" | "tail" | "sort" | "unique" => {}
            _ => {
                let opaque = self.opaque(pipe.span, "unknown pipe");
                self.conjoin(opaque);
            }
        }
        // Pipes that order, cut and count choose among the hits; what an event must be, they do not say.
        if name != "filter" && pipe.arguments.iter().any(|argument| matches!(argument.kind, ExprKind::Broken(_))) {
            let broken = self.broken(pipe.span);
            self.conjoin(broken);
        }
    }

    /// Adds to what is asked of the last event that must happen.
    fn conjoin(&mut self, condition: Planned) {
        let last = self.steps.iter().rposition(|step| !step.absent).unwrap_or_default();
        if let Some(step) = self.steps.get_mut(last) {
            step.conditions.push((condition, self.stage));
        }
    }

    /// The text under a span, on one line.
    fn text_of(&self, span: Span) -> String {
        let text = span.of(self.text).unwrap_or_default();
        if text.contains(['\n', '\t']) {
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        } else {
            text.to_owned()
        }
    }

    /// A part that the parser has complained of already.
    fn broken(&self, span: Span) -> Planned {
        Planned::opaque("syntax error", span)
    }

    fn opaque(&mut self, span: Span, reason: &'static str) -> Planned {
        self.opaque_because(span, reason, reason.to_owned())
    }

    fn opaque_because(&mut self, span: Span, code: &'static str, reason: String) -> Planned {
        let message = format!("This part is kept as text, and whether it holds is not known: {reason}.");
        self.say(Diagnostic::warning(code, message).at(span));
        Planned::opaque(&reason, span)
    }

    fn say(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < DIAGNOSTIC_LIMIT {
            self.diagnostics.push(diagnostic);
        }
    }
}
