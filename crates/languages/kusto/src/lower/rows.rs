//! Tables: what a pipeline begins with, and what names and functions stand for where a table is wanted.

use std::rc::Rc;

use ruleatlas_ir::plan::{Expr, ExprKind, ListColumn, Listing, Operation, Stage};
use ruleatlas_model::{DataSource, SourceKind, Span};

use super::function::{self, UNDEFINED};
use super::scope::{Binding, ScopeRef};
use super::{Lowering, asim, at, beyond, pipeline, plugin, table, within};
use crate::ast::{self, Argument, Function, LetValue, Statement};

/// Functions that stand for the table they take.
const TABLE_WRAPPERS: &[&str] = &["materialize", "view", "toscalar", "materialized_view", "cluster"];

/// How many names a leg's name may stand for one after the other, to be called after the last.
const MAX_NAMES: usize = 16;

/// A leg: its rows and what its step is called.
pub(super) struct Leg {
    pub rows: Expr,
    pub label: Rc<str>,
}

impl<'a> Lowering<'a, '_> {
    /// The rows of a tabular expression.
    pub(super) fn rows(&mut self, expr: &'a ast::Expr<'a>, scope: ScopeRef) -> Expr {
        if !self.enter() {
            return pipeline(at(ExprKind::Tables(Vec::new()), expr.span), vec![opaque_stage(expr.span)], expr.span);
        }
        let outer = (std::mem::take(&mut self.is_in_body), std::mem::take(&mut self.is_of_one_event));
        let rows = self.rows_of(expr, scope);
        (self.is_in_body, self.is_of_one_event) = outer;
        self.leave();
        rows
    }

    fn rows_of(&mut self, expr: &'a ast::Expr<'a>, scope: ScopeRef) -> Expr {
        let span = expr.span;
        match &expr.kind {
            ast::ExprKind::Pipeline(piped) => {
                let source = self.rows(&piped.source, scope);
                let mut stages = Vec::new();
                for stage in &piped.stages {
                    self.stage(stage, 1, scope, &mut stages);
                }
                pipeline(source, stages, span)
            }
            ast::ExprKind::Name(name) => self.rows_of_name(name, scope, span),
            ast::ExprKind::Call(name, arguments) => self.rows_of_call(expr, name, arguments, scope),
            // `workspace("w").Table`, `database("d").Table`.
            ast::ExprKind::Member(_, name) => table(name, Vec::new(), span),
            ast::ExprKind::Union(legs) => {
                let legs = self.union_legs(legs, scope);
                at(ExprKind::Union { legs, label: Rc::from("union leg"), merges: true }, span)
            }
            ast::ExprKind::Search(search) => {
                let source = if search.tables.is_empty() {
                    // Without tables it searches all of them.
                    at(ExprKind::Tables(vec![DataSource::new(SourceKind::Table, "*")]), span)
                } else {
                    let legs = search.tables.iter().map(|leg| self.rows(leg, scope)).collect();
                    at(ExprKind::SourcesOf(legs), span)
                };
                let stages = self.search(search, scope, 0).into_iter().collect();
                pipeline(source, stages, span)
            }
            ast::ExprKind::Print(values) => {
                let columns = values.iter().enumerate().map(|(place, named)| {
                    let name = named.names.first().map_or_else(|| format!("print_{place}"), ToString::to_string);
                    (Rc::from(name), ListColumn::Value(self.scalar(&named.value, scope)))
                });
                let columns = columns.collect();
                listing(Listing { names: Vec::new(), otherwise: None, columns, is_open: false }, span)
            }
            ast::ExprKind::Range(name) => {
                let value = at(ExprKind::Computed { of: Vec::new(), text: None }, span);
                let columns = vec![(Rc::from(&**name), ListColumn::Value(value))];
                listing(Listing { names: Vec::new(), otherwise: None, columns, is_open: true }, span)
            }
            ast::ExprKind::Datatable { columns, cells } => {
                let width = columns.len().max(1);
                let mut given: Vec<(Rc<str>, ListColumn)> = Vec::with_capacity(columns.len());
                for (place, name) in columns.iter().enumerate() {
                    let cells = cells.iter().skip(place).step_by(width).map(|cell| self.scalar(cell, scope));
                    given.push((Rc::from(&**name), ListColumn::Cells(cells.collect())));
                }
                let otherwise = Some(self.list_name("datatable"));
                listing(Listing { names: Vec::new(), otherwise, columns: given, is_open: false }, span)
            }
            ast::ExprKind::ExternalData { columns, addresses } => {
                let names = addresses.iter().map(|address| self.scalar(address, scope)).collect();
                let columns = columns.iter().map(|name| (Rc::from(&**name), ListColumn::Named)).collect();
                let otherwise = Some(self.list_name("externaldata"));
                listing(Listing { names, otherwise, columns, is_open: true }, span)
            }
            ast::ExprKind::Broken(reason) => {
                let filter = Operation::Filter(Expr::opaque(reason, span));
                let stages = vec![Stage { operation: filter, index: 0, span }];
                pipeline(at(ExprKind::Tables(Vec::new()), span), stages, span)
            }
            ast::ExprKind::Index(..)
            | ast::ExprKind::Literal(_)
            | ast::ExprKind::Dynamic(_)
            | ast::ExprKind::And(_)
            | ast::ExprKind::Or(_)
            | ast::ExprKind::Negative(_)
            | ast::ExprKind::Compare(..)
            | ast::ExprKind::CompareList(..)
            | ast::ExprKind::Between { .. }
            | ast::ExprKind::Arithmetic(..)
            | ast::ExprKind::Star => {
                let value = self.scalar(expr, scope);
                value_rows(value)
            }
        }
    }

    /// What a list is called: the `let` that binds it, or what it is.
    pub(super) fn list_name(&self, kind: &str) -> Rc<str> {
        self.naming.last().cloned().unwrap_or_else(|| Rc::from(kind))
    }

    fn rows_of_name(&mut self, name: &'a str, scope: ScopeRef, span: Span) -> Expr {
        match self.scopes.get(scope, name) {
            Some(Binding::Expr(expr, inner)) => at(ExprKind::Shared(self.table_of(name, expr, inner)), span),
            Some(Binding::Rows(table)) => at(ExprKind::Saved(table), span),
            Some(Binding::Function(function, inner)) => {
                let block = self.scopes.block(Some(inner));
                self.rows_of_function(function, block, span)
            }
            Some(Binding::Value(Some(local))) => value_rows(at(ExprKind::Local(local), span)),
            Some(Binding::Value(None)) => value_rows(at(ExprKind::Computed { of: Vec::new(), text: None }, span)),
            None => match self.saved.get(name) {
                Some(table) => at(ExprKind::Saved(*table), span),
                None => table(name, Vec::new(), span),
            },
        }
    }

    /// The rows that a `let` binds, which are read once.
    pub(super) fn table_of(&mut self, name: &str, expr: &'a ast::Expr<'a>, scope: ScopeRef) -> usize {
        let key = (std::ptr::from_ref(expr).cast(), scope);
        if let Some(table) = self.tables.get(&key) {
            return *table;
        }
        self.naming.push(Rc::from(name));
        let rows = self.rows(expr, scope);
        self.naming.pop();
        self.shared.push(rows);
        let table = self.shared.len() - 1;
        self.tables.insert(key, table);
        table
    }

    fn rows_of_function(&mut self, function: &'a Function<'a>, block: ScopeRef, span: Span) -> Expr {
        match self.body(function, block) {
            Some((expr, inner)) => self.rows(expr, inner),
            None => table("", Vec::new(), span),
        }
    }

    /// Binds what a function's body declares; its result and the place where that stands.
    pub(super) fn body(
        &mut self,
        function: &'a Function<'a>,
        block: ScopeRef,
    ) -> Option<(&'a ast::Expr<'a>, ScopeRef)> {
        let mut scope = block;
        let mut result = None;
        for statement in &function.body {
            if let Statement::Query(expr) = statement {
                result = Some((expr, scope));
            } else {
                scope = self.declare(statement, scope);
            }
        }
        result
    }

    fn rows_of_call(
        &mut self,
        expr: &'a ast::Expr<'a>,
        name: &'a str,
        arguments: &'a [Argument<'a>],
        scope: ScopeRef,
    ) -> Expr {
        let span = expr.span;
        if let Some(Binding::Function(function, inner)) = self.scopes.get(scope, name) {
            let (bindings, block) = self.bind_arguments(function, inner, arguments, None, scope);
            let rows = self.rows_of_function(function, block, span);
            return within(bindings, rows);
        }
        if arguments.is_empty() && self.scopes.get(scope, name).is_some() {
            // A tabular `let` may be called like a function.
            return self.rows_of_name(name, scope, span);
        }
        if TABLE_WRAPPERS.contains(&name) {
            return match arguments.first() {
                Some(argument) => self.rows(&argument.value, scope),
                None => table("", Vec::new(), span),
            };
        }
        if name == "table" {
            return match arguments.first() {
                Some(argument) => {
                    let name = self.scalar(&argument.value, scope);
                    at(ExprKind::NamedTable(Box::new(name), Rc::from("table")), span)
                }
                None => table("table", Vec::new(), span),
            };
        }
        if matches!(name, "_GetWatchlist" | "_ASIM_GetWatchlistRaw" | "_GetWatchlistRaw") {
            let names = arguments.first().map(|argument| self.scalar(&argument.value, scope));
            let otherwise = Some(self.list_name("_GetWatchlist"));
            let names = names.into_iter().collect();
            return listing(Listing { names, otherwise, columns: Vec::new(), is_open: true }, span);
        }
        if function::is_scalar(name) {
            let value = self.scalar(expr, scope);
            return value_rows(value);
        }
        let stage = |filter| Stage { operation: Operation::Filter(filter), index: 0, span };
        let mut stages = Vec::new();
        if !(asim::is_parser(name) || plugin::keeps_every_row(name)) {
            // A function of the workspace may filter, and is not in the query.
            stages.push(stage(Expr::opaque(UNDEFINED, span)));
        }
        for argument in arguments {
            if let Some(parameter) = &argument.name {
                let value = Box::new(self.scalar(&argument.value, scope));
                let kind = ExprKind::OfConstants(asim::filter, Rc::from(&**parameter), value);
                stages.push(stage(at(kind, argument.value.span)));
            }
        }
        table(name, stages, span)
    }

    /// A block in which a function's parameters are bound to what the caller gives, and the values that it gives.
    pub(super) fn bind_arguments(
        &mut self,
        function: &'a Function<'a>,
        defined: ScopeRef,
        arguments: &'a [Argument<'a>],
        table: Option<u32>,
        scope: ScopeRef,
    ) -> (Vec<(u32, Expr)>, ScopeRef) {
        let mut block = self.scopes.block(Some(defined));
        let mut bindings = Vec::new();
        // Each parameter is looked for among the arguments.
        if !self.budget.work(function.parameters.len().saturating_mul(arguments.len()) / 64) {
            self.diagnostics.extend(self.budget.report());
            return (bindings, block);
        }
        let mut table = table;
        let mut given = arguments.iter();
        for parameter in &function.parameters {
            if parameter.tabular
                && let Some(rows) = table.take()
            {
                block = self.scopes.bind(block, &parameter.name, Binding::Rows(rows));
                continue;
            }
            let named = arguments.iter().find(|argument| argument.name.as_deref() == Some(&*parameter.name));
            let argument = named.or_else(|| given.by_ref().find(|argument| argument.name.is_none()));
            let binding = match (argument, &parameter.default) {
                (Some(argument), _) if parameter.tabular || self.is_tabular(&argument.value, scope) => {
                    Binding::Expr(&argument.value, scope)
                }
                (Some(argument), _) => {
                    let value = self.scalar(&argument.value, scope);
                    let local = self.number();
                    bindings.push((local, value));
                    Binding::Value(Some(local))
                }
                (None, Some(default)) => Binding::Expr(default, defined),
                (None, None) => Binding::Value(None),
            };
            block = self.scopes.bind(block, &parameter.name, binding);
        }
        (bindings, block)
    }

    /// The legs of a union, each called after the `let` that binds it.
    pub(super) fn union_legs(&mut self, legs: &'a [ast::Expr<'a>], scope: ScopeRef) -> Vec<Expr> {
        legs.iter()
            .map(|leg| {
                let span = leg.span;
                let Leg { rows, label } = self.leg(leg, scope, "union leg");
                at(ExprKind::SubQuery { rows: Box::new(rows), label, text: None }, span)
            })
            .collect()
    }

    /// A leg, called after the last name that stands for it.
    pub(super) fn leg(&mut self, expr: &'a ast::Expr<'a>, scope: ScopeRef, what: &str) -> Leg {
        let depth = self.naming.len();
        let (name, bound, inner) = self.resolve_leg(expr, scope);
        let leg = match name {
            Some(name) => {
                let rows = ExprKind::Shared(self.table_of(&name, bound, inner));
                Leg { rows: at(rows, expr.span), label: format!("let {name}").into() }
            }
            None => Leg { rows: self.rows(bound, inner), label: Rc::from(what) },
        };
        self.naming.truncate(depth);
        leg
    }

    /// The expression that a leg's name is bound to, with the last name; `materialize` is looked through, and the names
    /// before the last are pushed.
    pub(super) fn resolve_leg(
        &mut self,
        expr: &'a ast::Expr<'a>,
        scope: ScopeRef,
    ) -> (Option<Rc<str>>, &'a ast::Expr<'a>, ScopeRef) {
        let (mut expr, mut scope) = (expr, scope);
        let mut last: Option<Rc<str>> = None;
        for _ in 0..MAX_NAMES {
            let name = match &expr.kind {
                ast::ExprKind::Call(name, arguments) if &**name == "materialize" => match arguments.first() {
                    Some(argument) => {
                        expr = &argument.value;
                        continue;
                    }
                    None => break,
                },
                ast::ExprKind::Name(name) => name,
                ast::ExprKind::Call(name, arguments) if arguments.is_empty() => name,
                _ => break,
            };
            let Some(Binding::Expr(bound, inner)) = self.scopes.get(scope, name) else { break };
            let name: Rc<str> = Rc::from(&**name);
            self.naming.push(Rc::clone(&name));
            last = Some(name);
            (expr, scope) = (bound, inner);
        }
        (last, expr, scope)
    }

    /// Whether an expression gives a table. A name that nothing binds is a column where columns can be, and a table
    /// where a `let` stands.
    pub(super) fn is_tabular(&mut self, expr: &'a ast::Expr<'a>, scope: ScopeRef) -> bool {
        if !self.enter() {
            return false;
        }
        let found = match &expr.kind {
            ast::ExprKind::Pipeline(_)
            | ast::ExprKind::Union(_)
            | ast::ExprKind::Search(_)
            | ast::ExprKind::Print(_)
            | ast::ExprKind::Range(_)
            | ast::ExprKind::Datatable { .. }
            | ast::ExprKind::ExternalData { .. } => true,
            ast::ExprKind::Name(name) => match self.scopes.get(scope, name) {
                Some(Binding::Expr(expr, inner)) => self.is_tabular_let(expr, inner),
                Some(Binding::Rows(_)) => true,
                Some(Binding::Function(function, inner)) => self.is_tabular_function(function, inner),
                Some(Binding::Value(_)) => false,
                None => self.saved.contains_key(&**name),
            },
            ast::ExprKind::Call(name, arguments) => match self.scopes.get(scope, name) {
                Some(Binding::Function(function, inner)) => self.is_tabular_function(function, inner),
                Some(Binding::Expr(expr, inner)) if arguments.is_empty() => self.is_tabular_let(expr, inner),
                _ if matches!(&**name, "materialize" | "view") => {
                    arguments.first().is_some_and(|argument| self.is_tabular_let(&argument.value, scope))
                }
                _ => matches!(&**name, "_GetWatchlist" | "table") || name.starts_with("_Im_"),
            },
            _ => false,
        };
        self.leave();
        found
    }

    /// Whether what a `let` binds is a table.
    pub(super) fn is_tabular_let(&mut self, expr: &'a ast::Expr<'a>, scope: ScopeRef) -> bool {
        match &expr.kind {
            ast::ExprKind::Name(name) if self.scopes.get(scope, name).is_none() => !name.starts_with('{'),
            ast::ExprKind::Call(name, _) if self.scopes.get(scope, name).is_none() => {
                self.is_tabular(expr, scope)
                    || !(function::is_scalar(name) || matches!(&**name, "materialize" | "toscalar"))
            }
            ast::ExprKind::Member(base, _) => {
                matches!(&base.kind, ast::ExprKind::Call(name, _) if is_place(name))
            }
            _ => self.is_tabular(expr, scope),
        }
    }

    fn is_tabular_function(&mut self, function: &'a Function<'a>, scope: ScopeRef) -> bool {
        let result = function.body.iter().rev().find_map(|statement| match statement {
            Statement::Query(expr) => Some(expr),
            _ => None,
        });
        match result.map(|expr| &expr.kind) {
            // A name can be a parameter or a `let` of the body.
            Some(ast::ExprKind::Name(name)) => {
                let bound = function.body.iter().find_map(|statement| match statement {
                    Statement::Let(declared) if declared.name == *name => Some(&declared.value),
                    _ => None,
                });
                match bound {
                    Some(LetValue::Expr(expr)) => self.is_tabular(expr, scope),
                    _ => function.parameters.iter().any(|parameter| parameter.tabular && parameter.name == *name),
                }
            }
            Some(_) => result.is_some_and(|expr| self.is_tabular(expr, scope)),
            None => false,
        }
    }
}

fn is_place(function: &str) -> bool {
    matches!(function, "workspace" | "database" | "cluster" | "app" | "resource" | "adx" | "arg")
}

fn listing(listing: Listing, span: Span) -> Expr {
    at(ExprKind::Listing(Box::new(listing)), span)
}

/// A table of one value, that is no table of events.
fn value_rows(value: Expr) -> Expr {
    let span = value.span;
    let columns = vec![(Rc::from("print_0"), ListColumn::Value(value))];
    listing(Listing { names: Vec::new(), otherwise: None, columns, is_open: true }, span)
}

fn opaque_stage(span: Span) -> Stage {
    Stage { operation: Operation::Filter(beyond(span)), index: 0, span }
}
