//! From a script to a plan: which table, list or value each name stands for, and what operators and functions mean.
//!
//! Scopes are resolved here: a `let` becomes an expression of the plan that is read once, and a function's body is read
//! for each call. Columns are resolved by [`ruleatlas_ir`], as they are made by the stages of a pipeline.
//!
//! # Missing columns
//! Columns of a table always exist; a field that an event does not have is an empty string or a null. Text has no
//! null, so `x != "a"` and `x !has "a"` hold without a value, as `==` and `!=` do between a null and a value; `<` and
//! its kin give null, which selects nothing
//! ([null values](https://learn.microsoft.com/kusto/query/scalar-data-types/null-values)).

mod asim;
mod condition;
mod constant;
mod function;
mod graph;
mod join;
mod plugin;
mod rows;
mod scalar;
mod scope;
mod stage;
mod summarize;
mod written;

use std::rc::Rc;

use ruleatlas_core::{BUDGET, Budget, Parsed};
use ruleatlas_ir::plan::{Column, Expr, ExprKind, MissingRule, Query, Stage, Step};
use ruleatlas_ir::{Plan, Scripts, Semantics, resolve};
use ruleatlas_model::{Condition, DataSource, Diagnostic, Node, SourceKind, Span};
use rustc_hash::FxHashMap;

use crate::ast::{self, Fault, LetValue, Script, Statement};
use scope::{Binding, ScopeRef, Scopes};

/// What the language says of all queries alike.
const SEMANTICS: Semantics = Semantics {
    missing: MissingRule::EmptyText,
    names_in_any_case: false,
    is_event_time: |name| matches!(name, "TimeGenerated" | "Timestamp" | "TIMESTAMP" | "_TimeReceived"),
    has_stages: true,
    sub_query: "sub-query",
    computed_by_name: false,
    scripts: Some(&SCRIPTS),
};

/// What it says of names.
const SCRIPTS: Scripts = Scripts {
    is_computed_name: |name, is_sealed| name.starts_with('{') || is_sealed && summarize::is_default_name(name),
    is_of_every_table: |name| COMMON_COLUMNS.contains(&name),
    written: written::written,
};

/// Columns that nearly every table has, and no bag.
const COMMON_COLUMNS: &[&str] = &[
    "ActionType",
    "Computer",
    "DeviceId",
    "DeviceName",
    "ReportId",
    "SourceSystem",
    "TenantId",
    "Type",
    "_ResourceId",
    "_SubscriptionId",
];

/// The conditions of a script, and what is odd about it.
pub(crate) fn lower(script: &Script<'_>, text: &str, budget: &mut Budget) -> Parsed {
    let mut lowering = Lowering {
        text,
        scopes: Scopes::default(),
        shared: Vec::new(),
        values: FxHashMap::default(),
        tables: FxHashMap::default(),
        saved: FxHashMap::default(),
        numbers: 0,
        naming: Vec::new(),
        reading_let: None,
        is_in_body: false,
        is_of_one_event: false,
        budget: &mut *budget,
        diagnostics: Vec::new(),
    };
    for fault in &script.faults {
        lowering.fault(fault);
    }
    let (steps, broken) = lowering.script(script);
    let Lowering { shared, mut diagnostics, .. } = lowering;
    let plan = Plan { shared, steps };
    let mut parsed = resolve(&plan, text, &SEMANTICS, budget);
    parsed.conditions.splice(0..0, broken);
    diagnostics.append(&mut parsed.diagnostics);
    Parsed { diagnostics, ..parsed }
}

/// An expression of the script at a place of its blocks.
type Placed = (*const (), ScopeRef);

struct Lowering<'a, 't> {
    text: &'t str,
    scopes: Scopes<'a>,
    /// What stands in several places.
    shared: Vec<Expr>,
    /// Which of these a `let` is where a value is wanted.
    values: FxHashMap<Placed, usize>,
    /// Which of these it is where a table is wanted.
    tables: FxHashMap<Placed, usize>,
    /// What `as` named.
    saved: FxHashMap<&'a str, u32>,
    /// How many values and tables have a number.
    numbers: u32,
    /// The `let`s that are being read, innermost last.
    naming: Vec<Rc<str>>,
    /// The scalar `let` that is being read.
    reading_let: Option<Rc<str>>,
    /// Whether the body of a function of values is being read, which sees no columns.
    is_in_body: bool,
    /// Whether all rows are parts of one event (the elements that `mv-apply` runs over).
    is_of_one_event: bool,
    budget: &'t mut Budget,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Lowering<'a, '_> {
    fn fault(&mut self, fault: &Fault) {
        let make = if fault.recovered { Diagnostic::warning } else { Diagnostic::error };
        self.diagnostics.push(make(fault.code, fault.message.clone()).at(fault.span));
    }

    /// The pipelines of a script, and what stands for it where there is none.
    fn script(&mut self, script: &'a Script<'a>) -> (Vec<Step>, Option<Condition>) {
        let mut scope = self.scopes.block(None);
        let mut queries = 0_u32;
        let total = script.statements.iter().filter(|statement| matches!(statement, Statement::Query(_))).count();
        let mut last_let = None;
        let mut steps = Vec::new();
        let mut broken = None;
        for statement in &script.statements {
            match statement {
                Statement::Let(_) | Statement::Parameters(_) => {
                    scope = self.declare(statement, scope);
                    if let Statement::Let(declared) = statement {
                        last_let = Some(declared);
                    }
                }
                Statement::Query(expr) => {
                    queries += 1;
                    let label = if total > 1 { format!("statement {queries}") } else { String::new() };
                    steps.extend(self.main(expr, scope, label));
                }
                Statement::Other(_) => {}
                Statement::Broken(fault) => {
                    self.fault(fault);
                    // An opaque step where nothing else was understood.
                    if total == 0 && broken.is_none() {
                        let text = written::written(fault.span.of(self.text).unwrap_or_default());
                        broken = Some(Condition::new(Node::opaque(text, fault.code, fault.span)));
                    }
                }
            }
        }
        if let (0, Some(declared)) = (total, last_let) {
            let warning = "the text ends without a query; its last `let` is read as one";
            self.diagnostics.push(Diagnostic::warning("query is missing", warning).at(declared.span));
            let label = format!("let {}", declared.name);
            match &declared.value {
                LetValue::Expr(expr) => steps.extend(self.main(expr, scope, label)),
                LetValue::Function(function) => {
                    let (bindings, inner) = self.bind_arguments(function, scope, &[], None, scope);
                    if let Some((expr, inner)) = self.body(function, inner) {
                        let step = self.main(expr, inner, label);
                        steps.extend(step.map(|step| Step { rows: within(bindings, step.rows), ..step }));
                    }
                }
            }
        }
        (steps, broken)
    }

    /// Binds what a statement declares; the place behind it.
    fn declare(&mut self, statement: &'a Statement<'a>, scope: ScopeRef) -> ScopeRef {
        match statement {
            Statement::Let(declared) => {
                let binding = match &declared.value {
                    LetValue::Expr(expr) => Binding::Expr(expr, scope),
                    LetValue::Function(function) => Binding::Function(function, scope),
                };
                self.scopes.bind(scope, &declared.name, binding)
            }
            Statement::Parameters(parameters) => parameters.iter().fold(scope, |scope, parameter| {
                let binding = match &parameter.default {
                    Some(default) => Binding::Expr(default, scope),
                    None => Binding::Value(None),
                };
                self.scopes.bind(scope, &parameter.name, binding)
            }),
            Statement::Broken(fault) => {
                self.fault(fault);
                scope
            }
            Statement::Query(_) | Statement::Other(_) => scope,
        }
    }

    /// The main pipeline: the first step of its statement.
    fn main(&mut self, expr: &'a ast::Expr<'a>, scope: ScopeRef, label: String) -> Option<Step> {
        if matches!(expr.kind, ast::ExprKind::Literal(_)) {
            return None;
        }
        Some(Step { label: label.into(), absent: false, rows: self.rows(expr, scope) })
    }

    /// A number for a value or a table.
    fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    /// Counts one more expression; `false` when there have been too many, or it stands too deep.
    fn enter(&mut self) -> bool {
        let enters = !self.budget.is_spent() && self.budget.enter();
        if !enters {
            self.diagnostics.extend(self.budget.report());
        }
        enters
    }

    fn leave(&mut self) {
        self.budget.leave();
    }
}

/// An expression of the plan.
fn at(kind: ExprKind, span: Span) -> Expr {
    Expr::new(kind, span)
}

/// What is too much to be read.
fn beyond(span: Span) -> Expr {
    Expr::opaque(BUDGET, span)
}

/// A body whose names have these values.
fn within(bindings: Vec<(u32, Expr)>, body: Expr) -> Expr {
    if bindings.is_empty() {
        return body;
    }
    let span = body.span;
    at(ExprKind::Let(bindings, Box::new(body)), span)
}

/// A table of events and the stages that its rows go through.
fn table(name: &str, stages: Vec<Stage>, span: Span) -> Expr {
    let sources = if name.is_empty() { Vec::new() } else { vec![DataSource::new(SourceKind::Table, name)] };
    pipeline(at(ExprKind::Tables(sources), span), stages, span)
}

fn pipeline(source: Expr, stages: Vec<Stage>, span: Span) -> Expr {
    at(ExprKind::Query(Box::new(Query { definitions: Vec::new(), source, stages })), span)
}

fn column(name: impl Into<Rc<str>>, value: Expr) -> Column {
    Column { name: name.into(), value }
}
