//! Which names a later condition asks for: the others that a case gives ask nothing of an event.

use std::collections::HashSet;

use super::condition::text_of;
use super::plain_name;
use super::value::renames;
use crate::ast::{Argument, Call, Expr, ExprKind, Filter, FilterKind, Pipeline, Step, StepKind};
use crate::function::{Function, function};

/// Names that are asked for.
pub(super) type Names<'t> = HashSet<&'t str>;

/// Goes back over a step: of the names that are asked for behind it, to those before it.
pub(super) fn before<'t>(step: &'t Step, live: &mut Names<'t>) {
    match &step.kind {
        StepKind::Filter(filter) => before_filter(filter, live),
        StepKind::Assign(name, value) => {
            if live.remove(plain_name(name)) {
                reads_of(value, live);
            }
        }
        StepKind::Case(clauses) => before_case(clauses.iter().map(|clause| (None, clause)), live),
        StepKind::Match { field, arms } => {
            let clauses = arms.iter().map(|(guard, clause)| (Some(guard), clause));
            if before_case_asks(clauses.clone(), live) {
                live.insert(plain_name(field));
            }
            before_case(clauses, live);
        }
        // Of an aggregate's rows nothing but its own names is left.
        StepKind::Stats(_) => live.clear(),
        StepKind::Group(inner) => inner.steps.iter().rev().for_each(|step| before(step, live)),
        StepKind::Broken(_) => {}
    }
}

/// Whether anything of a case matters for what is asked behind it.
fn before_case_asks<'t>(
    mut clauses: impl Iterator<Item = (Option<&'t Filter>, &'t Pipeline)>,
    live: &Names<'t>,
) -> bool {
    let mut has_default = false;
    let gives = clauses.any(|(guard, clause)| {
        let is_default = guard.is_none_or(super::call::is_anything)
            && clause.steps.first().is_none_or(|step| match &step.kind {
                StepKind::Filter(filter) => super::call::is_anything(filter),
                StepKind::Assign(..) => true,
                _ => false,
            });
        has_default |= is_default;
        clause.steps.iter().any(|step| gives(step, live))
    });
    gives || !has_default
}

fn before_case<'t>(clauses: impl Iterator<Item = (Option<&'t Filter>, &'t Pipeline)> + Clone, live: &mut Names<'t>) {
    if !before_case_asks(clauses.clone(), live) {
        return;
    }
    for (guard, clause) in clauses {
        guard.into_iter().for_each(|guard| reads(guard, live));
        for step in &clause.steps {
            match &step.kind {
                StepKind::Filter(filter) => reads(filter, live),
                StepKind::Assign(_, value) => reads_of(value, live),
                _ => before(step, live),
            }
        }
    }
}

/// Whether a step of a clause gives a name that is asked for.
fn gives(step: &Step, live: &Names<'_>) -> bool {
    match &step.kind {
        StepKind::Assign(name, _) => live.contains(plain_name(name)),
        // What else gives names is few and far between.
        StepKind::Filter(filter) => matches!(
            &filter.kind,
            FilterKind::Call(call) | FilterKind::Apply(_, call)
                if function(&call.name.to_ascii_lowercase()) == Function::Value
        ),
        StepKind::Case(_) | StepKind::Match { .. } | StepKind::Group(_) => true,
        StepKind::Stats(_) | StepKind::Broken(_) => false,
    }
}

fn before_filter<'t>(filter: &'t Filter, live: &mut Names<'t>) {
    let (FilterKind::Call(call) | FilterKind::Apply(_, call)) = &filter.kind else { return reads(filter, live) };
    match function(&call.name.to_ascii_lowercase()) {
        Function::Aggregate => {
            let mut words = Names::new();
            words_of(call, &mut words);
            live.retain(|name| words.contains(name));
        }
        Function::Show | Function::Table => {}
        Function::Value => before_value(call, live),
        Function::Filter | Function::Unknown => reads(filter, live),
    }
}

/// Goes back over a function that gives values.
fn before_value<'t>(call: &'t Call, live: &mut Names<'t>) {
    match call.name.to_ascii_lowercase().as_str() {
        "rename" => {
            for (old, new) in renames(call) {
                if live.remove(plain_name(new)) {
                    live.insert(plain_name(old));
                }
            }
        }
        // It gives its fields nothing but a value where they have none.
        "default" => {}
        _ => {
            let target = call.named("as").and_then(text_of);
            if target.is_none_or(|target| live.remove(plain_name(target))) {
                words_of(call, live);
            }
        }
    }
}

/// The fields that a filter compares.
fn reads<'t>(filter: &'t Filter, to: &mut Names<'t>) {
    match &filter.kind {
        FilterKind::And(parts) | FilterKind::Or(parts) => parts.iter().for_each(|part| reads(part, to)),
        FilterKind::Not(inner) => reads(inner, to),
        FilterKind::Compare { field, .. } => {
            to.insert(plain_name(field));
        }
        FilterKind::Apply(field, call) => {
            to.insert(plain_name(field));
            words_of(call, to);
        }
        FilterKind::Call(call) => words_of(call, to),
        FilterKind::Free(_)
        | FilterKind::Saved(_)
        | FilterKind::Link(..)
        | FilterKind::Bool(_)
        | FilterKind::Broken(_) => {}
    }
}

/// Everything in a call that may be a field.
fn words_of<'t>(call: &'t Call, to: &mut Names<'t>) {
    for Argument { value, .. } in &call.arguments {
        reads_of(value, to);
    }
}

fn reads_of<'t>(value: &'t Expr, to: &mut Names<'t>) {
    match &value.kind {
        ExprKind::List(items) => items.iter().for_each(|item| reads_of(item, to)),
        ExprKind::Call(call) => words_of(call, to),
        ExprKind::Chain(first, rest) => {
            reads_of(first, to);
            rest.iter().for_each(|(_, part)| reads_of(part, to));
        }
        ExprKind::Negative(inner) | ExprKind::Not(inner) => reads_of(inner, to),
        _ => to.extend(text_of(value).map(plain_name)),
    }
}
