//! Queries to conditions: the steps, what stands between them, and the logic of a condition.

mod comparison;
mod function;
mod operand;
mod reference;

use ruleatlas_model::{Condition, DataSource, Diagnostic, Node, Op, SourceKind, Span};

use crate::{
    ast::{Event, Expr, ExprKind, Literal, Pipe, Query, Shape, Step},
    lexer::DIAGNOSTIC_LIMIT,
};

/// The conditions of a query, one a step, each with the rule's `sources` beside its event category.
pub(crate) fn lower(
    query: &Query<'_>,
    text: &str,
    sources: &[DataSource],
    diagnostics: Vec<Diagnostic>,
) -> (Vec<Condition>, Vec<Diagnostic>) {
    let filters = query.pipes.iter().any(|pipe| pipe.name.eq_ignore_ascii_case("filter"));
    let mut lowering = Lowering {
        text,
        sources,
        conditions: Vec::with_capacity(query.steps.len()),
        diagnostics,
        stage: filters.then_some(0),
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
        let at = lowering.conditions.len();
        lowering.event(&step.event);
        lowering.named.extend(step.name.map(|name| (name.to_owned(), at)));
    }
    for (at, pipe) in query.pipes.iter().enumerate() {
        lowering.stage = filters.then(|| u32::try_from(at + 1).unwrap_or(u32::MAX));
        lowering.pipe(pipe, query.shape);
    }
    (lowering.conditions, lowering.diagnostics)
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

    /// The constant that asks for nothing at this place.
    fn neutral(self) -> Node {
        Node::constant(self != Self::Negated)
    }
}

struct Lowering<'t> {
    text: &'t str,
    sources: &'t [DataSource],
    conditions: Vec<Condition>,
    diagnostics: Vec<Diagnostic>,
    /// The stage that predicates stand in; `None` without a filtering pipe.
    stage: Option<u32>,
    /// The names that `arraySearch` binds, with the paths they stand for; the innermost is the last.
    variables: Vec<(String, String)>,
    /// The steps that have a name so far, with the places of their conditions.
    named: Vec<(String, usize)>,
    /// The earlier step whose fields are read at the moment, by the place of its condition.
    reading: Option<usize>,
    /// Whether a pipe has counted, so that `count` is no field any more.
    aggregated: bool,
    /// The label of the step that is lowered, and whether it must not happen.
    label: String,
    absent: bool,
}

impl Lowering<'_> {
    /// Lowers an event to a step; related events inside it become steps behind it.
    fn event(&mut self, event: &Event<'_>) {
        let at = self.conditions.len();
        let mut condition = Condition::new(Node::always());
        condition.absent = self.absent;
        condition.label.clone_from(&self.label);
        if !event.category.is_empty() {
            condition.sources.push(DataSource::new(SourceKind::EventCategory, event.category.as_ref()));
        }
        condition.sources.extend_from_slice(self.sources);
        self.conditions.push(condition);
        let root = self.condition(&event.condition, Place::Conjunct);
        if let Some(condition) = self.conditions.get_mut(at) {
            condition.root = root;
        }
    }

    /// The tree of a condition.
    fn condition(&mut self, expression: &Expr<'_>, place: Place) -> Node {
        if let Some(step) = self.earlier_step(expression, place) {
            return self.move_to(step, expression, place);
        }
        match &expression.kind {
            ExprKind::Literal(Literal::Bool(value)) => Node::constant(*value),
            ExprKind::And(parts) => {
                let parts: Vec<Node> = parts.iter().map(|part| self.condition(part, place.inside(true))).collect();
                Node::all(parts)
            }
            ExprKind::Or(parts) => {
                let parts: Vec<Node> = parts.iter().map(|part| self.condition(part, place.inside(false))).collect();
                Node::any(parts)
            }
            ExprKind::Not(inner) => self.condition(inner, place.negated()).not(),
            ExprKind::Field(_) => self.bare_field(expression),
            ExprKind::Compare { op, left, right } => self.compare(expression.span, *op, left, right, place),
            ExprKind::Lookup { op, insensitive, negated, subject, values } => {
                let node = self.lookup(expression.span, *op, *insensitive, *negated, subject, values, place);
                node.unwrap_or_else(|| self.broken(expression.span))
            }
            ExprKind::Call { name, insensitive, arguments } => {
                self.boolean_call(expression.span, name, *insensitive, arguments, place)
            }
            ExprKind::Lineage { relation, event } => self.lineage(expression.span, relation, event, place),
            ExprKind::Broken => self.broken(expression.span),
            ExprKind::Literal(_) | ExprKind::Arithmetic { .. } | ExprKind::Negative(_) => {
                self.opaque(expression.span, "a value is no condition")
            }
        }
    }

    /// `descendant of […]`: another event, which is a step of its own. This one's condition asks nothing for it,
    /// unless the relation is one alternative among others: there it is kept as a computed condition, since one event
    /// does not decide it.
    fn lineage(&mut self, span: Span, relation: &str, event: &Event<'_>, place: Place) -> Node {
        let label =
            if self.label.is_empty() { format!("{relation} of") } else { format!("{}, {relation} of", self.label) };
        let outer_label = std::mem::replace(&mut self.label, label);
        let outer_absent = self.absent;
        self.absent |= place.is_negated();
        self.event(event);
        self.label = outer_label;
        self.absent = outer_absent;
        if place.is_alternative() { self.computed_truth(span) } else { place.neutral() }
    }

    fn pipe(&mut self, pipe: &Pipe<'_>, shape: Shape) {
        let name = pipe.name.to_ascii_lowercase();
        match name.as_str() {
            "filter" => {
                let [argument] = pipe.arguments.as_slice() else {
                    let node = self.opaque(pipe.span, "filter without one condition");
                    return self.conjoin(node);
                };
                let node = if shape == Shape::Event {
                    self.condition(argument, Place::Conjunct)
                } else {
                    self.opaque(pipe.span, "filter over several events")
                };
                self.conjoin(node);
            }
            "count" | "unique_count" => self.aggregated = true,
            "head" | "tail" | "sort" | "unique" => {}
            _ => {
                let node = self.opaque(pipe.span, "unknown pipe");
                self.conjoin(node);
            }
        }
        // Pipes that order, cut and count choose among the hits; what an event must be, they do not say.
        if name != "filter" && pipe.arguments.iter().any(|argument| argument.kind == ExprKind::Broken) {
            let node = self.broken(pipe.span);
            self.conjoin(node);
        }
    }

    /// Adds to what is asked of the last event that must happen.
    fn conjoin(&mut self, node: Node) {
        let last = self.conditions.iter().rposition(|condition| !condition.absent).unwrap_or_default();
        self.conjoin_to(last, node);
    }

    /// Adds to what is asked of the event of a step.
    fn conjoin_to(&mut self, step: usize, node: Node) {
        if let Some(condition) = self.conditions.get_mut(step) {
            let root = std::mem::replace(&mut condition.root, Node::always());
            condition.root = match root {
                Node::All(mut parts) if !parts.is_empty() => {
                    parts.push(node);
                    Node::all(parts)
                }
                root => Node::all([root, node]),
            };
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
    fn broken(&self, span: Span) -> Node {
        self.opaque_node(span, "syntax error")
    }

    fn opaque(&mut self, span: Span, reason: &'static str) -> Node {
        self.opaque_because(span, reason, reason.to_owned())
    }

    fn opaque_because(&mut self, span: Span, code: &'static str, reason: String) -> Node {
        let message = format!("This part is kept as text, and whether it holds is not known: {reason}.");
        self.say(Diagnostic::warning(code, message).at(span));
        self.opaque_node(span, reason)
    }

    fn opaque_node(&self, span: Span, reason: impl Into<String>) -> Node {
        let mut node = Node::opaque(span.of(self.text).unwrap_or_default(), reason, span);
        if let Node::Opaque(opaque) = &mut node {
            opaque.stage = self.stage;
        }
        node
    }

    fn say(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < DIAGNOSTIC_LIMIT {
            self.diagnostics.push(diagnostic);
        }
    }

    /// A field that stands alone is asked to be true.
    fn bare_field(&mut self, expression: &Expr<'_>) -> Node {
        let subject = operand::Subject { raw: self.field_name(expression), computed: false, exact: true };
        self.predicate(&subject, Op::Eq, vec!["true".to_owned()], false, expression.span).into()
    }
}
