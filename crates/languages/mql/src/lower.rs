//! Syntax tree in, conditions out: what the language means in the terms of all languages.

mod array;
mod compare;
mod text;
mod value;

use std::rc::Rc;

use ruleatlas_core::{BUDGET, Budget, Parsed, clip};
use ruleatlas_ir::plan::{Comparison, Expr as Planned, ExprKind as PlannedKind, MissingRule, Operand, Plan, Step};
use ruleatlas_ir::{Semantics, resolve};
use ruleatlas_model::{Condition, DataSource, Node, Span};

use self::value::{Scope, Value};
use crate::ast::{Count, Expr, ExprKind};
use crate::function::{Meaning, meaning};

/// What the language says of all its queries alike: a null makes a comparison null, which selects nothing.
const SEMANTICS: Semantics = Semantics {
    missing: MissingRule::Null,
    names_in_any_case: false,
    is_event_time: |_| false,
    has_stages: false,
    sub_query: "",
    computed_by_name: false,
    scripts: None,
};

/// Ways to choose the conditions of `2 of (…)` that are spelled out. More are one comparison of their number.
const MAX_CHOICES: usize = 36;
/// Expressions that such choices may come to.
const MAX_SPELLED_OUT: usize = 4_000;

/// How long the text of a query that costs too much may be, in bytes.
const MAX_OPAQUE: usize = 4 << 10;

/// The conditions of a query.
pub(crate) fn lower(query: &Expr, text: &str, sources: &[DataSource], budget: &mut Budget) -> Parsed {
    let mut lowering = Lowering { text, budget, depth: 0, used: 0 };
    let condition = lowering.top(query);
    if budget.is_spent() {
        // What was read may be a fraction of what the lambdas stand for.
        let mut root = Condition::new(Node::opaque(clip(text, MAX_OPAQUE), BUDGET, query.span));
        root.sources = sources.to_vec();
        return Parsed { conditions: vec![root], diagnostics: budget.report().into_iter().collect() };
    }
    let source = Planned::new(PlannedKind::Tables(sources.to_vec()), query.span);
    let stage = ruleatlas_ir::plan::Stage {
        operation: ruleatlas_ir::plan::Operation::Filter(condition),
        index: 0,
        span: query.span,
    };
    let rows = ruleatlas_ir::plan::Query { definitions: Vec::new(), source, stages: vec![stage] };
    let rows = Planned::new(PlannedKind::Query(Box::new(rows)), query.span);
    let plan = Plan { shared: Vec::new(), steps: vec![Step { label: Rc::from(""), absent: false, rows }] };
    resolve(&plan, text, &SEMANTICS, budget)
}

struct Lowering<'t, 'b> {
    text: &'t str,
    budget: &'b mut Budget,
    /// How many lambdas stand around what is read.
    depth: u32,
    /// The innermost lambda whose element was asked for since this was last set to 0.
    used: u32,
}

impl<'t> Lowering<'t, '_> {
    /// The query itself: a condition, or values whose presence is shown.
    fn top(&mut self, query: &'t Expr) -> Planned {
        let is_array = match &query.kind {
            ExprKind::Call { name, .. } => {
                matches!(
                    meaning(name),
                    Meaning::Filter | Meaning::Map | Meaning::Distinct | Meaning::Flatten | Meaning::Extract { .. }
                )
            }
            _ => false,
        };
        let scope = None;
        if is_array {
            return self.is_filled(query, &scope);
        }
        match &query.kind {
            ExprKind::Call { name, .. } if meaning(name) == Meaning::Length => self.presence(query, &scope, true),
            ExprKind::Call { name, .. } if meaning(name) == Meaning::Computed => self.presence(query, &scope, true),
            ExprKind::Path(base, _) if matches!(base.kind, ExprKind::Call { .. }) => self.presence(query, &scope, true),
            _ => self.condition(query, &scope),
        }
    }

    /// A condition of the plan.
    fn condition(&mut self, expression: &'t Expr, scope: &Scope<'t>) -> Planned {
        if !self.enter() {
            return Planned::opaque(BUDGET, expression.span);
        }
        let planned = self.condition_of(expression, scope);
        self.budget.leave();
        planned
    }

    fn condition_of(&mut self, expression: &'t Expr, scope: &Scope<'t>) -> Planned {
        let span = expression.span;
        match &expression.kind {
            ExprKind::And(parts) => {
                let parts = parts.iter().map(|part| self.condition(part, scope)).collect();
                Planned::new(PlannedKind::All(parts), span)
            }
            ExprKind::Or(parts) => {
                let parts = parts.iter().map(|part| self.condition(part, scope)).collect();
                Planned::new(PlannedKind::Any(parts), span)
            }
            ExprKind::Not(inner) => {
                let inner = self.condition(inner, scope);
                Planned::new(PlannedKind::Not(Box::new(inner)), span)
            }
            ExprKind::Compare(first, rest) => self.comparison(first, rest, span, scope),
            ExprKind::In { subject, list, negated, any_case } => {
                self.membership(subject, list, *negated, *any_case, expression, scope)
            }
            ExprKind::IsNull { subject, negated } => self.presence(subject, scope, *negated),
            ExprKind::Of { count, conditions } => self.at_least(*count, conditions, span, scope),
            ExprKind::Call { name, arguments } => self.call(name, arguments, expression, scope),
            ExprKind::Broken(_) => Planned::opaque("syntax error", span),
            ExprKind::Array(_) | ExprKind::List(_) | ExprKind::Text(_) | ExprKind::Number(_) => {
                Planned::opaque("a value where a condition is meant", span)
            }
            // Null holds for nothing.
            ExprKind::Null => Planned::new(PlannedKind::Const(ruleatlas_ir::plan::Const::null()), span),
            ExprKind::Name(_)
            | ExprKind::Element(_)
            | ExprKind::Path(..)
            | ExprKind::Bool(_)
            | ExprKind::Arithmetic(..)
            | ExprKind::Negative(_) => {
                let value = self.value(expression, scope);
                self.truth(&value, span)
            }
        }
    }

    /// A value as a truth test.
    fn truth(&mut self, value: &Value<'t>, span: Span) -> Planned {
        let planned = self.planned(value, span);
        if !value.is_of_element() {
            return planned;
        }
        // A null of one element says nothing of the others.
        let is_true = Planned::new(PlannedKind::Const(ruleatlas_ir::plan::Const::bool(true)), span);
        let comparison = compare::comparison(ruleatlas_ir::plan::Relation::Equal, true, true);
        Planned::new(PlannedKind::Compare(comparison, Box::new(planned), Operand::One(Box::new(is_true))), span)
    }

    /// A function that stands where a condition does.
    fn call(&mut self, name: &str, arguments: &'t [Expr], call: &'t Expr, scope: &Scope<'t>) -> Planned {
        let span = call.span;
        match (meaning(name), arguments) {
            (Meaning::Test { relation, any_case }, [subject, patterns @ ..]) if !patterns.is_empty() => {
                self.test(relation, any_case, subject, patterns, span, scope)
            }
            (Meaning::Any, [array, lambda]) => self.any(array, Some(lambda), false, call, scope),
            (Meaning::Any, [array]) => self.any(array, None, false, call, scope),
            (Meaning::All, [array, lambda]) => negate(self.any(array, Some(lambda), true, call, scope)),
            (Meaning::Coalesce | Meaning::Computed, _) => {
                let value = self.value(call, scope);
                self.truth(&value, span)
            }
            (Meaning::Unknown, _) => Planned::opaque("unknown function", span),
            (Meaning::Test { .. } | Meaning::Any | Meaning::All, _) => {
                Planned::opaque("wrong number of arguments", span)
            }
            _ => Planned::opaque("a value where a condition is meant", span),
        }
    }

    /// At least so many of the conditions.
    fn at_least(&mut self, count: Count, conditions: &'t [Expr], span: Span, scope: &Scope<'t>) -> Planned {
        let total = conditions.len();
        let wanted = match count {
            Count::Any => 1,
            Count::All => total,
            Count::AtLeast(wanted) => wanted as usize,
        };
        let planned: Vec<Planned> = conditions.iter().map(|condition| self.condition(condition, scope)).collect();
        if wanted == 0 || wanted > total {
            let never = Planned::new(PlannedKind::Const(ruleatlas_ir::plan::Const::bool(wanted == 0)), span);
            return if total == 0 || wanted == 0 { never } else { Planned::opaque("more than there are", span) };
        }
        if wanted == 1 {
            return Planned::new(PlannedKind::Any(planned), span);
        }
        if wanted == total {
            return Planned::new(PlannedKind::All(planned), span);
        }
        let nodes: usize = planned.iter().map(size).sum();
        if let Some(choices) = choices(total, wanted)
            && choices.len().saturating_mul(nodes) <= MAX_SPELLED_OUT
        {
            let all = |choice: Vec<usize>| {
                let parts = choice.iter().filter_map(|at| planned.get(*at)).cloned().collect();
                Planned::new(PlannedKind::All(parts), span)
            };
            return Planned::new(PlannedKind::Any(choices.into_iter().map(all).collect()), span);
        }
        // At least one of them holds; whether so many do is computed.
        let text = self.line(span);
        let number = Planned::new(PlannedKind::Computed { of: Vec::new(), text: Some(text) }, span);
        Planned::new(PlannedKind::All(vec![Planned::new(PlannedKind::Any(planned), span), number]), span)
    }

    /// The text at a place on one line, cut short where it is long.
    fn line(&self, span: Span) -> Rc<str> {
        text::line(span.of(self.text).unwrap_or_default())
    }

    fn enter(&mut self) -> bool {
        !self.budget.is_spent() && self.budget.enter()
    }
}

/// All ways to choose some of so many; `None` where there are too many.
fn choices(total: usize, wanted: usize) -> Option<Vec<Vec<usize>>> {
    let mut found: Vec<Vec<usize>> = vec![Vec::new()];
    for taken in 0..wanted {
        let mut longer = Vec::new();
        for choice in &found {
            let first = choice.last().map_or(0, |last| last + 1);
            // Enough have to be left for the rest.
            let last = total - (wanted - taken);
            for at in first..=last {
                longer.push(choice.iter().copied().chain([at]).collect());
                if longer.len() > MAX_CHOICES {
                    return None;
                }
            }
        }
        found = longer;
    }
    Some(found)
}

/// How many expressions a condition is.
fn size(planned: &Planned) -> usize {
    1 + match &planned.kind {
        PlannedKind::All(parts) | PlannedKind::Any(parts) | PlannedKind::First(parts) => parts.iter().map(size).sum(),
        PlannedKind::Not(inner) | PlannedKind::Wrap(_, inner) | PlannedKind::AnyElement(inner, _) => size(inner),
        PlannedKind::Presence { of, .. } => size(of),
        PlannedKind::Compare(_, left, Operand::One(right)) => size(left) + size(right),
        PlannedKind::Compare(_, left, Operand::AnyOf(items) | Operand::AllOf(items)) => {
            size(left) + items.iter().map(size).sum::<usize>()
        }
        _ => 0,
    }
}

/// The negation, pushed down to the operators of comparisons.
fn negate(planned: Planned) -> Planned {
    let span = planned.span;
    let kind = match planned.kind {
        PlannedKind::Not(inner) => return *inner,
        PlannedKind::All(parts) => PlannedKind::Any(parts.into_iter().map(negate).collect()),
        PlannedKind::Any(parts) => PlannedKind::All(parts.into_iter().map(negate).collect()),
        PlannedKind::Compare(comparison, left, right) => {
            let comparison = Comparison { negated: !comparison.negated, ..comparison };
            PlannedKind::Compare(comparison, left, right)
        }
        PlannedKind::Presence { of, present, empty_is_null } => {
            PlannedKind::Presence { of, present: !present, empty_is_null }
        }
        _ => PlannedKind::Not(Box::new(Planned { kind: planned.kind, span })),
    };
    Planned::new(kind, span)
}

#[cfg(test)]
mod tests {
    use super::choices;

    #[test]
    fn every_choice_is_made_once() {
        assert_eq!(choices(4, 2).map(|found| found.len()), Some(6));
        assert_eq!(choices(3, 2), Some(vec![vec![0, 1], vec![0, 2], vec![1, 2]]));
        assert_eq!(choices(9, 2).map(|found| found.len()), Some(36));
        assert_eq!(choices(30, 15), None);
    }
}
