//! From the tree to predicates: a condition for each event variable.

mod compare;
mod condition;
mod value;

use ruleatlas_core::{BUDGET, Budget, Context, Parsed, Query};
use ruleatlas_model::{Condition, Diagnostic, Node, Predicate, Span};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::ast::{CompareOp, Expr, ExprKind, Rule};
pub use condition::{EventCount, event_count};

/// How many diagnostics a text can have beside those of its syntax.
const MAX_DIAGNOSTICS: usize = 64;
/// Fields and functions that a placeholder may stand for.
const MAX_MEANINGS: usize = 16;
/// Event variables of a rule that are followed.
const MAX_EVENTS: usize = 64;

/// The conditions of all rules of a text.
pub(crate) fn lower(query: &Query<'_>, context: &dyn Context, budget: &mut Budget) -> Parsed {
    let (rules, mut diagnostics) = crate::parse(query.text);
    if rules.is_empty() && diagnostics.is_empty() {
        diagnostics.push(Diagnostic::error("no rule", "the text holds no rule"));
    }
    let mut conditions = Vec::new();
    for rule in &rules {
        let mut lowering = Lowering::new(query.text, rule, context, budget);
        let steps = lowering.rule();
        diagnostics.append(&mut lowering.diagnostics);
        for mut step in steps {
            step.sources = query.sources.to_vec();
            if rules.len() > 1 {
                step.label = format!("{} {}", rule.name, step.label).trim_end().to_owned();
            }
            conditions.push(step);
        }
        if budget.is_spent() {
            break;
        }
    }
    diagnostics.extend(budget.report());
    Parsed { conditions, diagnostics }
}

struct Lowering<'a, 'b> {
    text: &'a str,
    rule: &'a Rule,
    context: &'a dyn Context,
    budget: &'b mut Budget,
    diagnostics: Vec<Diagnostic>,
    /// The event variables, in the order in which they are first named.
    events: Vec<&'a str>,
    /// What placeholders stand for.
    placeholders: FxHashMap<&'a str, Vec<&'a Expr>>,
    /// The placeholders that are being followed.
    trail: Vec<&'a str>,
}

/// What is known of the events of a rule.
struct Steps {
    nodes: Vec<Vec<Node>>,
    absent: Vec<bool>,
}

impl<'a, 'b> Lowering<'a, 'b> {
    fn new(text: &'a str, rule: &'a Rule, context: &'a dyn Context, budget: &'b mut Budget) -> Self {
        let mut events = Vec::new();
        let mut seen = FxHashSet::default();
        for statement in &rule.events {
            fields_of(statement, &mut |variable, _| {
                if events.len() < MAX_EVENTS && seen.insert(variable) {
                    events.push(variable);
                }
            });
        }
        let mut lowering = Self {
            text,
            rule,
            context,
            budget,
            diagnostics: Vec::new(),
            events,
            placeholders: FxHashMap::default(),
            trail: Vec::new(),
        };
        for statement in &rule.events {
            lowering.note_placeholders(statement);
        }
        lowering
    }

    fn rule(&mut self) -> Vec<Condition> {
        if self.rule.events.is_empty() {
            let message = "the rule has no `events`".to_owned();
            let node = self.error("no events", message, self.rule.span);
            return vec![Condition::new(node)];
        }
        // Without an event variable there is one step all the same.
        let count = self.events.len().max(1);
        let mut steps = Steps { nodes: (0..count).map(|_| Vec::new()).collect(), absent: vec![false; count] };
        for statement in &self.rule.events {
            self.statement(statement, &mut steps);
        }
        let is_alternative = self.conditions(&mut steps);
        let roots: Vec<Node> = steps.nodes.into_iter().map(Node::all).collect();
        if is_alternative && self.rule.grouping.is_none() {
            return vec![Condition::new(Node::any(roots))];
        }
        let is_single = roots.len() == 1;
        let labels = self.events.clone();
        roots
            .into_iter()
            .enumerate()
            .map(|(at, root)| {
                let mut condition = Condition::new(root);
                condition.absent = steps.absent.get(at).copied().unwrap_or_default();
                if !is_single {
                    condition.label = format!("${}", labels.get(at).copied().unwrap_or_default());
                }
                condition
            })
            .collect()
    }

    /// Whether a variable is an event, and which.
    fn event(&self, variable: &str) -> Option<usize> {
        self.events.iter().position(|known| *known == variable)
    }

    /// Notes what placeholders stand for.
    fn note_placeholders(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::And(operands) | ExprKind::Or(operands) => {
                operands.iter().for_each(|operand| self.note_placeholders(operand));
            }
            ExprKind::Compare { op: CompareOp::Eq, left, right, .. } => {
                for (name, meaning) in [(left, right), (right, left)] {
                    let ExprKind::Variable(name) = &name.kind else { continue };
                    let says = matches!(
                        meaning.kind,
                        ExprKind::Field { .. } | ExprKind::Call { .. } | ExprKind::Calculation(_)
                    );
                    if self.event(name).is_none() && says {
                        let meanings = self.placeholders.entry(name.as_str()).or_default();
                        if meanings.len() < MAX_MEANINGS {
                            meanings.push(meaning);
                        }
                        return;
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether a comparison says only what a placeholder stands for.
    fn is_definition(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::And(operands) | ExprKind::Or(operands) => {
                operands.iter().all(|operand| self.is_definition(operand))
            }
            ExprKind::Compare { op: CompareOp::Eq, left, right, .. } => {
                [(left, right), (right, left)].iter().any(|(name, meaning)| {
                    let ExprKind::Variable(name) = &name.kind else { return false };
                    self.placeholders
                        .get(name.as_str())
                        .is_some_and(|known| known.iter().any(|known| *known == meaning.as_ref()))
                        || matches!(meaning.kind, ExprKind::Variable(_))
                })
            }
            _ => false,
        }
    }

    fn statement(&mut self, expr: &'a Expr, steps: &mut Steps) {
        if let ExprKind::And(operands) = &expr.kind {
            operands.iter().for_each(|operand| self.statement(operand, steps));
            return;
        }
        if self.is_definition(expr) {
            return;
        }
        let events = self.events_in(expr);
        match events.as_slice() {
            [] => {
                let node = self.node(expr, 0);
                steps.add(0, node);
            }
            [only] => {
                let node = self.node(expr, *only);
                steps.add(*only, node);
            }
            several => {
                let (at, node) = self.across(expr, several);
                steps.add(at, node);
            }
        }
    }

    /// The events that an expression asks, in order, each once.
    fn events_in(&mut self, expr: &'a Expr) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        variables_of(expr, &mut |name| names.push(name));
        let mut followed: FxHashSet<&str> = FxHashSet::default();
        while let Some(name) = names.pop() {
            if let Some(at) = self.event(name) {
                if !found.contains(&at) {
                    found.push(at);
                }
            } else if followed.insert(name) && self.budget.work(1) {
                for meaning in self.placeholders.get(name).into_iter().flatten() {
                    variables_of(meaning, &mut |name| names.push(name));
                }
            }
        }
        // A placeholder that several events share is a key; what is asked of it is asked of the first.
        let direct: Vec<usize> = {
            let mut direct = Vec::new();
            fields_of(expr, &mut |variable, _| {
                if let Some(at) = self.events.iter().position(|known| *known == variable)
                    && !direct.contains(&at)
                {
                    direct.push(at);
                }
            });
            direct
        };
        if !direct.is_empty() {
            return direct;
        }
        found.sort_unstable();
        found.truncate(1);
        found
    }

    /// What an expression says of several events: the step that keeps it, and its node.
    fn across(&mut self, expr: &'a Expr, events: &[usize]) -> (usize, Node) {
        let at = events.first().copied().unwrap_or_default();
        if let ExprKind::Compare { op, left, right, .. } = &expr.kind {
            match op {
                // What events have in common is a key.
                CompareOp::Eq => return (at, Node::always()),
                CompareOp::Ne => {
                    if let (ExprKind::Field { path, .. }, ExprKind::Field { path: other, .. }) =
                        (&left.kind, &right.kind)
                    {
                        let mut predicate =
                            Predicate::new(plain_path(path), ruleatlas_model::Op::FieldRef, [plain_path(other)]);
                        predicate.modifiers = ruleatlas_model::Modifier::Step.into();
                        predicate.negated = true;
                        predicate.case_sensitive = true;
                        predicate.span = expr.span;
                        return (at, predicate.into());
                    }
                }
                _ => {
                    return (at, self.computed_compare(expr));
                }
            }
            return (at, self.computed_compare(expr));
        }
        let message = "an alternative over several events cannot be said of one of them".to_owned();
        (at, self.error("condition over several events", message, expr.span))
    }

    /// A comparison that is kept with its text, and computed.
    fn computed_compare(&mut self, expr: &Expr) -> Node {
        let ExprKind::Compare { op, left, right, .. } = &expr.kind else {
            return self.opaque("unexpected text", expr.span);
        };
        let text = |expr: &Expr| match &expr.kind {
            ExprKind::String(said) | ExprKind::Regex(said) => said.clone(),
            _ => expr.span.of(self.text).unwrap_or_default().trim().to_owned(),
        };
        let (op, negated) = compare::op_of(*op);
        let mut predicate = Predicate::new(text(left), op, [text(right)]);
        predicate.negated = negated;
        predicate.computed = true;
        predicate.span = expr.span;
        predicate.into()
    }

    fn node(&mut self, expr: &'a Expr, event: usize) -> Node {
        if !self.budget.enter() {
            return self.opaque(BUDGET, expr.span);
        }
        let node = match &expr.kind {
            ExprKind::Or(operands) => {
                let nodes: Vec<Node> = operands.iter().map(|operand| self.node(operand, event)).collect();
                Node::any(nodes)
            }
            ExprKind::And(operands) => {
                let nodes: Vec<Node> = operands.iter().map(|operand| self.node(operand, event)).collect();
                Node::all(nodes)
            }
            ExprKind::Not(operand) => self.node(operand, event).not(),
            ExprKind::Broken(reason) => self.opaque(reason, expr.span),
            _ if self.is_definition(expr) => Node::always(),
            _ => self.comparison(expr, event),
        };
        self.budget.leave();
        node
    }

    fn opaque(&self, reason: &'static str, span: Span) -> Node {
        Node::opaque(span.of(self.text).unwrap_or_default().trim(), reason, span)
    }

    /// An opaque part and the diagnostic for it.
    fn error(&mut self, code: &'static str, message: String, span: Span) -> Node {
        self.report(Diagnostic::error(code, message).at(span));
        self.opaque(code, span)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS && !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
    }
}

impl Steps {
    fn add(&mut self, at: usize, node: Node) {
        if let Some(nodes) = self.nodes.get_mut(at) {
            nodes.push(node);
        }
    }
}

/// A path without the word that says that it is one of an event.
fn plain_path(path: &str) -> &str {
    path.strip_prefix("udm.").unwrap_or(path)
}

/// Hands every expression in another to `sink`, the outer before the inner.
fn walk<'e>(expr: &'e Expr, sink: &mut dyn FnMut(&'e Expr)) {
    let mut stack = vec![expr];
    while let Some(expr) = stack.pop() {
        sink(expr);
        match &expr.kind {
            ExprKind::Or(inner) | ExprKind::And(inner) | ExprKind::Calculation(inner) => {
                stack.extend(inner.iter().rev())
            }
            ExprKind::Call { arguments, .. } => stack.extend(arguments.iter().rev()),
            ExprKind::Not(inner) => stack.push(inner),
            ExprKind::In { value, .. } => stack.push(value),
            ExprKind::Compare { left, right, .. } => stack.extend([right.as_ref(), left.as_ref()]),
            _ => {}
        }
    }
}

/// The variables and paths of the fields in an expression, in order.
fn fields_of<'e>(expr: &'e Expr, sink: &mut dyn FnMut(&'e str, &'e str)) {
    walk(expr, &mut |expr| {
        if let ExprKind::Field { variable, path, .. } = &expr.kind {
            sink(variable, path);
        }
    });
}

/// The variables in an expression: of fields, and of their own.
fn variables_of<'e>(expr: &'e Expr, sink: &mut dyn FnMut(&'e str)) {
    walk(expr, &mut |expr| match &expr.kind {
        ExprKind::Field { variable, .. } => sink(variable),
        ExprKind::Variable(name) | ExprKind::Count(name) => sink(name),
        _ => {}
    });
}
