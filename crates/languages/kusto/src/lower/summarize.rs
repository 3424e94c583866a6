//! `summarize`: which outputs are values of the table, and which are computed of many rows.
//!
//! A group's key, a column of `arg_max` and `arg_min` and what `take_any` gives are values of one row, which is an event
//! ([arg_max](https://learn.microsoft.com/kusto/query/arg-max-aggregation-function),
//! [take_any](https://learn.microsoft.com/kusto/query/take-any-aggregation-function)): a filter on them asks for an
//! event. What counts, sums or collects the values of many rows is computed; an element that `mv-expand` takes out of
//! such a collection is the value of one row again.

use std::rc::Rc;

use ruleatlas_ir::plan::{Aggregate, Column, ExprKind, Operation, Output};
use ruleatlas_model::Span;

use super::scope::ScopeRef;
use super::stage::auto_name;
use super::{Lowering, at, column, function};
use crate::ast::{self, Argument, Named};

/// Aggregates whose result is made of the values of their first argument, with what the result is called by default.
const COLLECTING: &[(&str, &str)] = &[
    ("make_set", "set_"),
    ("makeset", "set_"),
    ("make_set_if", "set_"),
    ("make_list", "list_"),
    ("makelist", "list_"),
    ("make_list_if", "list_"),
    ("make_list_with_nulls", "list_"),
    ("take_any", ""),
    ("take_anyif", ""),
    ("any", "any_"),
    ("anyif", "any_"),
    ("make_bag", "bag_"),
    ("make_bag_if", "bag_"),
];

/// Functions around an aggregate that are looked through.
const AROUND: &[&str] =
    &["tostring", "array_sort_asc", "array_sort_desc", "strcat_array", "set_union", "todynamic", "tolower"];

impl<'a> Lowering<'a, '_> {
    pub(super) fn summarize(&mut self, aggregates: &'a [Named<'a>], by: &'a [Named<'a>], scope: ScopeRef) -> Operation {
        let mut keys: Vec<Column> = Vec::new();
        for item in by {
            let value = self.scalar(&item.value, scope);
            let name = item.names.first().map(ToString::to_string).or_else(|| auto_name(&item.value));
            keys.extend(name.map(|name| column(name, value)));
        }
        let mut outputs = Vec::new();
        for item in aggregates {
            self.outputs(item, scope, &mut outputs);
        }
        Operation::Aggregate { outputs, keys, keeps_rows: false }
    }

    fn outputs(&mut self, item: &'a Named<'a>, scope: ScopeRef, into: &mut Vec<Output>) {
        if let ast::ExprKind::Call(function, arguments) = &item.value.kind
            && matches!(&**function, "arg_max" | "arg_min" | "argmax" | "argmin" | "take_any" | "any")
        {
            return self.picked(item, function, arguments, scope, into);
        }
        let name = item.names.first().map(ToString::to_string).or_else(|| default_name(&item.value));
        let name: Rc<str> = name.unwrap_or_default().into();
        let condition = if self.is_of_one_event { None } else { first_condition(&item.value) };
        let kind = self.aggregate(&item.value, scope);
        into.push(Output { name, kind, condition });
    }

    /// The columns of one row.
    fn picked(
        &mut self,
        item: &'a Named<'a>,
        function: &str,
        arguments: &'a [Argument<'a>],
        scope: ScopeRef,
        into: &mut Vec<Output>,
    ) {
        for (place, argument) in arguments.iter().enumerate() {
            if matches!(argument.value.kind, ast::ExprKind::Star) {
                into.push(Output { name: Rc::from("*"), kind: Aggregate::PickRow, condition: None });
                continue;
            }
            let value = self.scalar(&argument.value, scope);
            let auto = auto_name(&argument.value);
            let default = match &auto {
                Some(name) if function == "any" => Some(format!("any_{name}")),
                _ => auto.clone(),
            };
            let name = item.names.get(place).map(ToString::to_string).or(default);
            // The older form kept the name.
            let old = auto.filter(|_| function == "any" && arguments.len() == 1);
            let names = old.into_iter().chain(name);
            into.extend(names.map(|name| Output {
                name: name.into(),
                kind: Aggregate::Pick(value.clone()),
                condition: None,
            }));
        }
    }

    /// An aggregate, wrappers looked through.
    fn aggregate(&mut self, expr: &'a ast::Expr<'a>, scope: ScopeRef) -> Aggregate {
        let ast::ExprKind::Call(function, arguments) = &expr.kind else { return Aggregate::Compute(Vec::new()) };
        let Some(first) = arguments.first() else { return Aggregate::Compute(Vec::new()) };
        let picks = picks(function);
        if picks || COLLECTING.iter().any(|(name, _)| *name == &**function) {
            let mut value = self.scalar(&first.value, scope);
            if function.starts_with("make_bag") && !self.is_of_one_event {
                // What a bag of many holds is not followed.
                value = at(ExprKind::Computed { of: vec![value], text: None }, first.value.span);
            }
            // What is taken is the value of an event for which the condition holds.
            if let Some(condition) = condition_of(function, arguments) {
                let span = condition.span;
                let arms = vec![(self.scalar(condition, scope), value)];
                value = at(ExprKind::Case { arms, otherwise: None }, span);
            }
            // What is collected of one event's own elements is asked of that event.
            return if picks || self.is_of_one_event { Aggregate::Pick(value) } else { Aggregate::Collect(value) };
        }
        if AROUND.contains(&&**function) {
            return self.aggregate(&first.value, scope);
        }
        // A function that is not known, of whatever is in it, is not known.
        Aggregate::Compute(vec![self.scalar(expr, scope)])
    }
}

/// The place of the first condition in an expression that says which rows an aggregate is made of.
fn first_condition(expr: &ast::Expr<'_>) -> Option<Span> {
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match &expr.kind {
            ast::ExprKind::Call(function, arguments) => {
                if let Some(condition) = condition_of(function, arguments).filter(|_| !picks(function)) {
                    return Some(condition.span);
                }
                open.extend(arguments.iter().map(|argument| &argument.value));
            }
            ast::ExprKind::Arithmetic(_, left, right) => open.extend([&**left, &**right]),
            _ => {}
        }
    }
    None
}

/// The condition of an aggregate of some rows: `countif(condition)`, `make_set_if(value, condition)`.
fn condition_of<'e, 'a>(function: &str, arguments: &'e [Argument<'a>]) -> Option<&'e ast::Expr<'a>> {
    if !function.ends_with("if") || matches!(function, "iif" | "iff") {
        return None;
    }
    arguments.get(usize::from(function != "countif")).map(|argument| &argument.value)
}

/// Whether an aggregate gives the value of one row.
fn picks(function: &str) -> bool {
    matches!(function, "take_any" | "take_anyif" | "any" | "anyif" | "arg_max" | "arg_min" | "argmax" | "argmin")
}

/// The name that Kusto gives an aggregate without one: `count_`, `dcount_Account`, `set_Account`.
fn default_name(expr: &ast::Expr<'_>) -> Option<String> {
    let ast::ExprKind::Call(function, arguments) = &expr.kind else { return None };
    if let (true, Some(inner)) = (function::keeps_name(function), arguments.first()) {
        return default_name(&inner.value);
    }
    let argument = arguments.first().and_then(|argument| auto_name(&argument.value)).unwrap_or_default();
    let prefix = COLLECTING.iter().find(|(name, _)| *name == &**function).map(|(_, prefix)| *prefix);
    Some(match prefix {
        Some(prefix) => format!("{prefix}{argument}"),
        None => format!("{function}_{argument}"),
    })
}

/// Whether a name looks like one that Kusto gives an aggregate.
pub(super) fn is_default_name(name: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "count_",
        "countif_",
        "dcount_",
        "dcountif_",
        "sum_",
        "sumif_",
        "avg_",
        "avgif_",
        "min_",
        "max_",
        "stdev_",
        "variance_",
        "percentile_",
        "percentiles_",
        "hll_",
        "Column",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
