//! `case` and `match`: an event goes through the first clause that keeps it.

use std::collections::HashMap;
use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_ir::plan::{Column, Const, Expr as Planned, ExprKind as PlannedKind, Operation, Wrapper};
use ruleatlas_model::Span;

use super::call::is_anything;
use super::{Flow, Lowering, name_of, size};
use crate::ast::{CompareOp, Filter, FilterKind, Pipeline, Step, StepKind};
use crate::function::{Function, function};

/// A clause: for `match` the field and what its value must be, and the steps.
type Clause<'t> = (Option<(&'t str, &'t Filter)>, &'t Pipeline);

/// What a clause asks of an event, and the names that it gives.
struct Branch {
    condition: Planned,
    /// In the order in which they were given first.
    names: Vec<(Rc<str>, Planned)>,
}

/// A name and what it stands for.
type Named = (Rc<str>, Planned);

impl<'t> Lowering<'t, '_> {
    /// A case as a step.
    pub fn case_step(&mut self, clauses: Vec<Clause<'t>>, span: Span, flow: &mut Flow) {
        let live = flow.live.take();
        let is_asked_for = |name: &str| live.as_ref().is_none_or(|live| live.contains(name));
        let Some((condition, columns)) = self.case(clauses, &is_asked_for, span) else {
            return flow.push(Operation::Opaque(Rc::from(BUDGET)));
        };
        if !is_always(&condition) {
            flow.push(Operation::Filter(condition));
        }
        if !columns.is_empty() {
            // All values are those before the case.
            let any = Column { name: Rc::from("*"), value: Planned::new(PlannedKind::AnyField, span) };
            let columns = columns.into_iter().map(|(name, value)| Column { name, value }).chain([any]).collect();
            flow.push(Operation::Project(columns));
        }
    }

    /// What a case asks for, and what each name stands for behind it.
    fn case(
        &mut self,
        clauses: Vec<Clause<'t>>,
        is_asked_for: &dyn Fn(&str) -> bool,
        span: Span,
    ) -> Option<(Planned, Vec<Named>)> {
        let mut branches: Vec<Branch> = Vec::new();
        let mut has_default = false;
        for (guard, clause) in clauses {
            let branch = self.branch(guard, clause);
            has_default = is_always(&branch.condition);
            branches.push(branch);
            // What stands behind a clause that takes every event is never reached.
            if has_default || self.budget.is_spent() {
                break;
            }
        }
        let mut names: Vec<Rc<str>> = Vec::new();
        for (name, _) in branches.iter().flat_map(|branch| &branch.names) {
            if !names.contains(name) && is_asked_for(name) {
                names.push(Rc::clone(name));
            }
        }
        let conditions: usize = branches.iter().map(|branch| size(&branch.condition)).sum();
        if !self.budget.work(conditions.saturating_mul(names.len() + 1)) {
            return None;
        }
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            let mut arms = Vec::with_capacity(branches.len());
            for branch in &branches {
                let given = branch.names.iter().find(|(given, _)| *given == name);
                let value = match given {
                    Some((_, value)) if self.budget.work(size(value)) => value.clone(),
                    Some(_) => return None,
                    // The clause leaves it as it was.
                    None => self.field(&name, span),
                };
                arms.push((branch.condition.clone(), value));
            }
            // The last clause takes what is left where it takes every event.
            let value = match has_default.then(|| arms.pop()).flatten() {
                Some((_, value)) if arms.is_empty() => value,
                Some((_, value)) => Planned::new(PlannedKind::Case { arms, otherwise: Some(Box::new(value)) }, span),
                // No event is left that no clause takes.
                None => Planned::new(PlannedKind::Case { arms, otherwise: None }, span),
            };
            columns.push((name, value));
        }
        let condition = match has_default {
            true => PlannedKind::Const(Const::bool(true)),
            false => PlannedKind::Any(branches.into_iter().map(|branch| branch.condition).collect()),
        };
        Some((Planned::new(condition, span), columns))
    }

    fn branch(&mut self, guard: Option<(&'t str, &'t Filter)>, clause: &'t Pipeline) -> Branch {
        let span = clause.span;
        let mut conditions = Vec::new();
        if let Some((field, guard)) = guard
            && !is_anything(guard)
        {
            let condition = self.guard(field, guard);
            conditions.push(condition);
        }
        if !self.enter() {
            return Branch { condition: Planned::opaque(BUDGET, span), names: Vec::new() };
        }
        self.local.push(HashMap::new());
        let mut order: Vec<Rc<str>> = Vec::new();
        for step in &clause.steps {
            self.clause_step(step, &mut conditions, &mut order);
        }
        let known = self.local.pop().unwrap_or_default();
        self.budget.leave();
        let names = order.into_iter().filter_map(|name| known.get(&name).cloned().map(|value| (name, value))).collect();
        conditions.retain(|condition| !is_always(condition));
        let condition = match conditions.len() {
            0 => PlannedKind::Const(Const::bool(true)),
            1 => return Branch { condition: conditions.remove(0), names },
            _ => PlannedKind::All(conditions),
        };
        Branch { condition: Planned::new(condition, span), names }
    }

    /// What the value of a match's field must be.
    fn guard(&mut self, field: &'t str, guard: &'t Filter) -> Planned {
        match &guard.kind {
            FilterKind::Free(pattern) => self.compare(field, CompareOp::Equal, pattern, guard.span),
            FilterKind::Call(call) => self.call_condition(call, Some(field)),
            _ => self.condition(guard),
        }
    }

    fn give(&mut self, name: Rc<str>, value: Planned, order: &mut Vec<Rc<str>>) {
        if let Some(known) = self.local.last_mut() {
            if !order.contains(&name) {
                order.push(Rc::clone(&name));
            }
            known.insert(name, value);
        }
    }

    fn clause_step(&mut self, step: &'t Step, conditions: &mut Vec<Planned>, order: &mut Vec<Rc<str>>) {
        let span = step.span;
        match &step.kind {
            StepKind::Filter(filter) => self.clause_filter(filter, conditions, order),
            StepKind::Assign(field, value) => {
                let value = self.assigned(field, value);
                self.give(name_of(field), value, order);
            }
            StepKind::Case(clauses) => {
                let clauses = clauses.iter().map(|clause| (None, clause)).collect();
                self.inner_case(clauses, span, conditions, order);
            }
            StepKind::Match { field, arms } => {
                let clauses = arms.iter().map(|(guard, clause)| (Some((field.as_str(), guard)), clause)).collect();
                self.inner_case(clauses, span, conditions, order);
            }
            StepKind::Group(inner) => {
                for step in &inner.steps {
                    self.clause_step(step, conditions, order);
                }
            }
            StepKind::Stats(_) => conditions.push(Planned::opaque("aggregate within a clause", span)),
            StepKind::Broken(_) => conditions.push(Planned::opaque("syntax error", span)),
        }
    }

    fn inner_case(
        &mut self,
        clauses: Vec<Clause<'t>>,
        span: Span,
        conditions: &mut Vec<Planned>,
        order: &mut Vec<Rc<str>>,
    ) {
        match self.case(clauses, &|_| true, span) {
            Some((condition, columns)) => {
                conditions.push(condition);
                for (name, value) in columns {
                    self.give(name, value, order);
                }
            }
            None => conditions.push(Planned::opaque(BUDGET, span)),
        }
    }

    fn clause_filter(&mut self, filter: &'t Filter, conditions: &mut Vec<Planned>, order: &mut Vec<Rc<str>>) {
        let (call, applied) = match &filter.kind {
            FilterKind::Call(call) => (Some(call), None),
            FilterKind::Apply(field, call) => (Some(call), Some(field.as_str())),
            _ => (None, None),
        };
        let name = call.map(|call| call.name.to_ascii_lowercase()).unwrap_or_default();
        match (call, function(&name)) {
            (Some(call), Function::Value) => {
                for (target, value) in self.given(&name, call, applied) {
                    self.give(target, value, order);
                }
            }
            (Some(_), Function::Show) => {}
            (Some(call), Function::Aggregate | Function::Table) => {
                conditions.push(Planned::opaque("aggregate within a clause", call.span));
            }
            _ => {
                // The data that a clause chooses is one of several.
                let condition = self.condition(filter);
                conditions.push(condition);
                for (field, names) in self.groups(filter) {
                    for name in names {
                        let from = self.field(&field, filter.span);
                        let cut = PlannedKind::Wrap(Wrapper::Cut, Box::new(from));
                        self.give(name, Planned::new(cut, filter.span), order);
                    }
                }
            }
        }
    }
}

fn is_always(planned: &Planned) -> bool {
    matches!(&planned.kind, PlannedKind::Const(constant) if *constant == Const::bool(true))
}
