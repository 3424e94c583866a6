//! `summarize`: which outputs are values of the table, and which are computed of many rows.
//!
//! A group's key, a column of `arg_max` and `arg_min` and what `take_any` gives are values of one row, which is an event
//! ([arg_max](https://learn.microsoft.com/kusto/query/arg-max-aggregation-function),
//! [take_any](https://learn.microsoft.com/kusto/query/take-any-aggregation-function)): a filter on them asks for an
//! event. What counts, sums or collects the values of many rows is computed; an element that `mv-expand` takes out of
//! such a collection is the value of one row again.

use std::rc::Rc;

use ruleatlas_model::Diagnostic;

use super::condition::Side;
use super::flow::Flow;
use super::scope::ScopeRef;
use super::stage::auto_name;
use super::value::{Columns, Const, Value};
use super::{Lowering, Place};
use crate::ast::{Argument, Expr, ExprKind, LiteralKind, Named};

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

impl<'a> Lowering<'a, '_> {
    pub(super) fn summarize(
        &mut self,
        flow: &mut Flow<'a>,
        aggregates: &'a [Named<'a>],
        by: &'a [Named<'a>],
        scope: ScopeRef,
    ) {
        let mut columns = Columns { list: flow.columns.list.clone(), ..Columns::default() };
        for item in by {
            let value = self.scalar(&item.value, Place { scope, columns: &flow.columns });
            let name = item.names.first().map(ToString::to_string).or_else(|| auto_name(&item.value));
            if let Some(name) = name {
                columns.set(&name, value);
            }
        }
        for item in aggregates {
            self.aggregate(&mut columns, item, flow, scope);
        }
        flow.columns = columns;
    }

    fn aggregate(&mut self, columns: &mut Columns<'a>, item: &'a Named<'a>, flow: &Flow<'a>, scope: ScopeRef) {
        let place = Place { scope, columns: &flow.columns };
        if let ExprKind::Call(function, arguments) = &item.value.kind
            && matches!(&**function, "arg_max" | "arg_min" | "argmax" | "argmin" | "take_any" | "any")
        {
            let is_extreme = function.starts_with("arg");
            for (at, argument) in arguments.iter().enumerate() {
                if matches!(argument.value.kind, ExprKind::Star) {
                    for (name, value) in &flow.columns.known {
                        columns.known.entry(name.clone()).or_insert_with(|| value.clone());
                    }
                    columns.open |= flow.columns.open;
                    continue;
                }
                let value = self.scalar(&argument.value, place);
                let named = item.names.get(at).map(ToString::to_string);
                let auto = auto_name(&argument.value);
                let single = !is_extreme && arguments.len() == 1;
                let default = if &**function == "any" { auto.map(|name| format!("any_{name}")) } else { auto };
                if let Some(name) = named.or(default) {
                    columns.set(&name, value.clone());
                }
                if single && &**function == "any" {
                    // The older form kept the name.
                    if let Some(name) = auto_name(&argument.value) {
                        columns.known.entry(name.into()).or_insert(value);
                    }
                }
            }
            return;
        }
        let value = self.aggregated(&item.value, place, flow.is_one_event);
        let name = item.names.first().map(ToString::to_string).or_else(|| default_name(&item.value));
        if !flow.is_one_event {
            self.note_conditions(&item.value, name.as_deref().unwrap_or_default());
        }
        if let Some(name) = name {
            columns.set(&name, value);
        }
    }

    /// Says of every aggregate of some rows in an expression that its condition is asked of no event.
    fn note_conditions(&mut self, expr: &'a Expr<'a>, name: &str) {
        let mut open = vec![expr];
        while let Some(expr) = open.pop() {
            match &expr.kind {
                ExprKind::Call(function, arguments) => {
                    if let Some(condition) = condition_of(function, arguments).filter(|_| !picks(function)) {
                        let message = format!(
                            "`{name}` aggregates only the rows that meet this; a filter on it asks nothing of one event."
                        );
                        self.diagnostics
                            .push(Diagnostic::note("condition of an aggregate", message).at(condition.span));
                        continue;
                    }
                    open.extend(arguments.iter().map(|argument| &argument.value));
                }
                ExprKind::Arithmetic(_, left, right) => open.extend([&**left, &**right]),
                _ => {}
            }
        }
    }

    /// The value of an aggregate, wrappers looked through.
    fn aggregated(&mut self, expr: &'a Expr<'a>, place: Place<'_, 'a>, is_one_event: bool) -> Value<'a> {
        let ExprKind::Call(function, arguments) = &expr.kind else { return Value::Computed };
        let Some(first) = arguments.first() else { return Value::Computed };
        let picks = picks(function);
        if picks || COLLECTING.iter().any(|(name, _)| *name == &**function) {
            let value = self.scalar(&first.value, place);
            // What is taken is the value of an event for which the condition holds.
            let side = Side { alternative: true, ..Side::default() };
            let condition = condition_of(function, arguments)
                .and_then(|condition| self.resolved(|this| this.condition(condition, place, side)));
            let value = match condition {
                Some(condition) => {
                    let nothing = Value::Const(Const::new("", LiteralKind::Null));
                    Value::Cases(Rc::from([(Some(Rc::new(condition)), value)]), Rc::new(nothing))
                }
                None => value,
            };
            return match value {
                value @ (Value::List(_) | Value::Const(_) | Value::Named(_) | Value::Unknown(_)) => value,
                value @ (Value::Field(_)
                | Value::Either(_)
                | Value::First(_)
                | Value::Cases(..)
                | Value::Outer(_)
                | Value::Condition(_)
                | Value::Collected(_)
                | Value::Cut(_)) => {
                    // What is collected of one event's own elements is asked of that event.
                    if picks || is_one_event {
                        value
                    } else if function.starts_with("make_bag") {
                        Value::Collected(Rc::new(Value::Computed))
                    } else {
                        Value::Collected(Rc::new(value))
                    }
                }
                _ if !is_one_event && !picks => Value::Collected(Rc::new(Value::Computed)),
                _ => Value::Computed,
            };
        }
        let transparent = matches!(
            &**function,
            "tostring" | "array_sort_asc" | "array_sort_desc" | "strcat_array" | "set_union" | "todynamic" | "tolower"
        );
        if transparent {
            return self.aggregated(&first.value, place, is_one_event);
        }
        // A function that is not known, of whatever is in it, is not known.
        match self.scalar(expr, place) {
            value @ Value::Unknown(_) => value,
            _ => Value::Computed,
        }
    }
}

/// The condition of an aggregate of some rows: `countif(condition)`, `make_set_if(value, condition)`.
fn condition_of<'e, 'a>(function: &str, arguments: &'e [Argument<'a>]) -> Option<&'e Expr<'a>> {
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
fn default_name(expr: &Expr<'_>) -> Option<String> {
    let ExprKind::Call(function, arguments) = &expr.kind else { return None };
    if let (true, Some(inner)) = (super::scalar::keeps_name(function), arguments.first()) {
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
