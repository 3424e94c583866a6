//! The section that says which events there must be, and how many.

use ruleatlas_model::{Diagnostic, Node, Op, Predicate};

use super::{Lowering, Steps, compare::op_of, plain_path, variables_of};
use crate::ast::{CompareOp, Expr, ExprKind, Rule};

/// How many events of one kind a rule asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventCount {
    /// How many at least.
    pub number: u64,
    /// The fields that they share.
    pub fields: Vec<String>,
    /// Within which time, as written.
    pub window: String,
}

/// What a rule over one event variable asks of the number of its events.
#[must_use]
pub fn event_count(rule: &Rule) -> Option<EventCount> {
    let grouping = rule.grouping.as_ref()?;
    let mut events: Vec<&str> = Vec::new();
    let mut paths: Vec<(&str, &str)> = Vec::new();
    for statement in &rule.events {
        super::fields_of(statement, &mut |variable, _| {
            if !events.contains(&variable) {
                events.push(variable);
            }
        });
        definitions(statement, &mut paths);
    }
    let [event] = events.as_slice() else { return None };
    let mut number = None;
    for part in conjuncts(rule.condition.as_ref()?) {
        match &part.kind {
            ExprKind::Variable(name) if name == event => {}
            ExprKind::Compare { op, left, right, .. } => {
                let (ExprKind::Count(name), ExprKind::Literal(text)) = (&left.kind, &right.kind) else { return None };
                let limit: u64 = text.parse().ok()?;
                if name != event || number.is_some() {
                    return None;
                }
                number = Some(match op {
                    CompareOp::Gte => limit,
                    CompareOp::Gt => limit.checked_add(1)?,
                    _ => return None,
                });
            }
            _ => return None,
        }
    }
    let fields = grouping
        .variables
        .iter()
        .map(|name| paths.iter().find(|(known, _)| known == name).map(|(_, path)| plain_path(path).to_owned()));
    Some(EventCount {
        number: number.filter(|number| *number > 1)?,
        fields: fields.collect::<Option<_>>()?,
        window: grouping.window.clone(),
    })
}

/// The fields that placeholders stand for.
fn definitions<'e>(expr: &'e Expr, found: &mut Vec<(&'e str, &'e str)>) {
    match &expr.kind {
        ExprKind::And(operands) => operands.iter().for_each(|operand| definitions(operand, found)),
        ExprKind::Compare { op: CompareOp::Eq, left, right, .. } => match (&left.kind, &right.kind) {
            (ExprKind::Field { path, .. }, ExprKind::Variable(name))
            | (ExprKind::Variable(name), ExprKind::Field { path, .. }) => found.push((name, path)),
            _ => {}
        },
        _ => {}
    }
}

fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::And(operands) => operands.iter().flat_map(conjuncts).collect(),
        _ => vec![expr],
    }
}

impl<'a> Lowering<'a, '_> {
    /// Reads the condition section; whether the events are alternatives of each other.
    pub(super) fn conditions(&mut self, steps: &mut Steps) -> bool {
        let Some(condition) = &self.rule.condition else {
            let node = self.error("no condition", "the rule has no `condition`".to_owned(), self.rule.span);
            steps.add(0, node);
            return false;
        };
        let mut is_alternative = false;
        for part in conjuncts(condition) {
            self.condition(part, steps, &mut is_alternative);
        }
        is_alternative
    }

    fn condition(&mut self, expr: &'a Expr, steps: &mut Steps, is_alternative: &mut bool) {
        match &expr.kind {
            ExprKind::Variable(name) if self.event(name).is_some() => {}
            ExprKind::Not(inner) => match &inner.kind {
                ExprKind::Variable(name) if self.event(name).is_some() => self.absent(name, steps),
                _ => {
                    let node = self.counted(inner).not();
                    self.keep(expr, node, steps);
                }
            },
            ExprKind::Compare { op, left, right, .. } => {
                if let (ExprKind::Count(name), ExprKind::Literal(number)) = (&left.kind, &right.kind)
                    && self.event(name).is_some()
                {
                    match (op, number.as_str()) {
                        (CompareOp::Eq | CompareOp::Lte, "0") | (CompareOp::Lt, "1") => {
                            return self.absent(name, steps);
                        }
                        (CompareOp::Gt, "0") | (CompareOp::Gte, "1") | (CompareOp::Ne, "0") => return,
                        _ => {}
                    }
                }
                let node = self.counted(expr);
                self.keep(expr, node, steps);
            }
            ExprKind::Or(operands) => {
                let is_event =
                    |operand: &Expr| matches!(&operand.kind, ExprKind::Variable(name) if self.event(name).is_some());
                if operands.iter().all(is_event) {
                    *is_alternative = true;
                    if self.rule.grouping.is_some() {
                        let message = "events that stand for each other are shown as if all were wanted".to_owned();
                        self.report(Diagnostic::warning("alternative events", message).at(expr.span));
                    }
                    return;
                }
                let node = self.counted(expr);
                self.keep(expr, node, steps);
            }
            _ => {
                let node = self.counted(expr);
                self.keep(expr, node, steps);
            }
        }
    }

    fn absent(&mut self, name: &str, steps: &mut Steps) {
        if let Some(absent) = self.event(name).and_then(|at| steps.absent.get_mut(at)) {
            *absent = true;
        }
    }

    /// Puts what is counted into the step of the event that it is counted of.
    fn keep(&mut self, expr: &'a Expr, node: Node, steps: &mut Steps) {
        let mut at = None;
        variables_of(expr, &mut |name| {
            let own = self.event(name).or_else(|| {
                let meaning = self.placeholders.get(name).and_then(|meanings| meanings.first().copied())?;
                let mut found = None;
                super::fields_of(meaning, &mut |variable, _| found = found.or(self.event(variable)));
                found
            });
            at = at.or(own);
        });
        steps.add(at.unwrap_or(0), node);
    }

    /// What is counted or computed, as a comparison.
    fn counted(&mut self, expr: &'a Expr) -> Node {
        if !self.budget.enter() {
            return self.opaque(ruleatlas_core::BUDGET, expr.span);
        }
        let node = match &expr.kind {
            ExprKind::Or(operands) => {
                let nodes: Vec<Node> = operands.iter().map(|operand| self.counted(operand)).collect();
                Node::any(nodes)
            }
            ExprKind::And(operands) => {
                let nodes: Vec<Node> = operands.iter().map(|operand| self.counted(operand)).collect();
                Node::all(nodes)
            }
            ExprKind::Not(operand) => self.counted(operand).not(),
            // That the event is there is what its step says.
            ExprKind::Variable(name) if self.event(name).is_some() => Node::always(),
            ExprKind::Variable(name) => computed(format!("${name}"), Op::Eq, false, "true", expr),
            ExprKind::Compare { op, left, right, .. } => {
                let text = |expr: &Expr| match &expr.kind {
                    ExprKind::String(text) | ExprKind::Regex(text) => text.clone(),
                    _ => expr.span.of(self.text).unwrap_or_default().trim().to_owned(),
                };
                let (op, negated) = match &right.kind {
                    ExprKind::Regex(_) => (Op::RegexMatch, *op == CompareOp::Ne),
                    _ => op_of(*op),
                };
                computed(text(left), op, negated, &text(right), expr)
            }
            ExprKind::Call { .. } | ExprKind::In { .. } => {
                let text = expr.span.of(self.text).unwrap_or_default().trim().to_owned();
                computed(text, Op::Eq, false, "true", expr)
            }
            ExprKind::Broken(reason) => self.opaque(reason, expr.span),
            _ => self.error("no condition", "a value stands where a condition is wanted".to_owned(), expr.span),
        };
        self.budget.leave();
        node
    }
}

fn computed(text: String, op: Op, negated: bool, value: &str, expr: &Expr) -> Node {
    let mut predicate = Predicate::new(text, op, [value]);
    predicate.negated = negated;
    predicate.computed = true;
    predicate.span = expr.span;
    predicate.into()
}
