//! Pipelines: what a source reads.

use std::rc::Rc;

use ruleatlas_model::{DataSource, Node, SourceKind};
use rustc_hash::FxHashSet;

use super::scope::{Binding, ScopeRef};
use super::value::{Columns, Const, Value};
use super::{Lowering, Place, asim};
use crate::ast::{Argument, Expr, ExprKind, Function, Statement};

/// A table at a place of its pipeline.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow<'a> {
    /// The tables.
    pub sources: Vec<DataSource>,
    /// What the stages so far ask of an event.
    pub nodes: Vec<Node>,
    /// What names stand for.
    pub columns: Columns<'a>,
    /// The stage, 0 for the table.
    pub stage: u32,
    /// Whether all rows come from legs that are steps of their own.
    pub is_union: bool,
    /// Whether a sub-query, which is a step of its own, restricts the rows.
    pub is_restricted: bool,
    /// Whether all rows are parts of one event (the elements that `mv-apply` runs over).
    pub is_one_event: bool,
    /// The tables of the nodes, where the rows are a graph's edges.
    pub nodes_of_graph: Rc<[Rc<Flow<'a>>]>,
    /// The step that these rows are, where they are a leg that is used once.
    pub leg: Option<usize>,
}

impl<'a> Flow<'a> {
    fn open() -> Self {
        Self { columns: Columns { open: true, ..Columns::default() }, ..Self::default() }
    }

    pub fn table(name: &str) -> Self {
        let mut flow = Self::open();
        if !name.is_empty() {
            flow.sources.push(DataSource::new(SourceKind::Table, name));
        }
        flow
    }

    /// A table that holds no events.
    pub fn list(names: impl IntoIterator<Item = Rc<str>>) -> Self {
        let list: Rc<[Rc<str>]> = names.into_iter().collect();
        Self { columns: Columns { open: true, list: Some(list), ..Columns::default() }, ..Self::default() }
    }

    /// Whether nothing but the table chooses the rows.
    pub fn is_bare(&self) -> bool {
        self.nodes.is_empty() && !self.is_restricted
    }

    /// Adds a conjunct that the current stage asks for.
    pub fn push(&mut self, mut node: Node) {
        node.set_stage(self.stage);
        match node {
            Node::All(children) => self.nodes.extend(children),
            other => self.nodes.push(other),
        }
    }

    /// Adds the tables that are not there yet. A union of many calls it once, with those of all its legs.
    pub fn add_sources(&mut self, sources: &[DataSource]) {
        let mut seen: FxHashSet<DataSource> = self.sources.iter().cloned().collect();
        self.sources.extend(sources.iter().filter(|source| seen.insert((*source).clone())).cloned());
    }
}

/// Functions that stand for the table they take.
const TABLE_WRAPPERS: &[&str] = &["materialize", "view", "toscalar", "materialized_view", "cluster"];

impl<'a> Lowering<'a, '_> {
    /// What a tabular expression reads and asks for.
    pub(super) fn flow(&mut self, expr: &'a Expr<'a>, scope: ScopeRef) -> Flow<'a> {
        if !self.enter() {
            return Flow::open();
        }
        let flow = self.flow_of(expr, scope);
        self.leave();
        flow
    }

    fn flow_of(&mut self, expr: &'a Expr<'a>, scope: ScopeRef) -> Flow<'a> {
        match &expr.kind {
            ExprKind::Pipeline(pipeline) => {
                let mut flow = self.flow(&pipeline.source, scope);
                for stage in &pipeline.stages {
                    flow.stage += 1;
                    self.stage(&mut flow, stage, scope);
                }
                flow
            }
            ExprKind::Name(name) => self.flow_of_name(name, scope),
            ExprKind::Call(name, arguments) => self.flow_of_call(expr, name, arguments, scope),
            // `workspace("w").Table`, `database("d").Table`.
            ExprKind::Member(_, name) => Flow::table(name),
            ExprKind::Union(legs) => self.union(None, legs, scope),
            ExprKind::Search(search) => {
                let mut flow = Flow::open();
                let mut sources = Vec::new();
                for table in &search.tables {
                    sources.extend(self.flow(table, scope).sources);
                }
                if search.tables.is_empty() {
                    // Without tables it searches all of them.
                    sources.push(DataSource::new(SourceKind::Table, "*"));
                }
                flow.add_sources(&sources);
                self.search(&mut flow, search, scope);
                flow
            }
            ExprKind::Print(values) => {
                let mut flow = Flow::list([]);
                flow.columns.open = false;
                for (at, named) in values.iter().enumerate() {
                    let value = self.scalar(&named.value, Place { scope, columns: &Columns::default() });
                    let name = named.names.first().map_or_else(|| format!("print_{at}"), ToString::to_string);
                    flow.columns.set(&name, value);
                }
                flow
            }
            ExprKind::Range(name) => {
                let mut flow = Flow::list([]);
                flow.columns.set(name, Value::Computed);
                flow
            }
            ExprKind::Datatable { columns, cells } => self.datatable(columns, cells, scope),
            ExprKind::ExternalData { columns, addresses } => {
                let names: Vec<Rc<str>> = addresses
                    .iter()
                    .filter_map(|address| match self.scalar(address, Place { scope, columns: &Columns::default() }) {
                        Value::Const(address) => Some(address.text),
                        _ => None,
                    })
                    .collect();
                let names = if names.is_empty() { vec![self.list_name("externaldata")] } else { names };
                let mut flow = Flow::list(names.clone());
                for column in columns {
                    flow.columns.set(column, Value::Named(names.clone().into()));
                }
                flow
            }
            ExprKind::Broken(reason) => {
                let mut flow = Flow::open();
                flow.push(self.undefined(reason, expr.span));
                flow
            }
            ExprKind::Index(..)
            | ExprKind::Literal(_)
            | ExprKind::Dynamic(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Negative(_)
            | ExprKind::Compare(..)
            | ExprKind::CompareList(..)
            | ExprKind::Between { .. }
            | ExprKind::Arithmetic(..)
            | ExprKind::Star => {
                let value = self.scalar(expr, Place { scope, columns: &Columns::default() });
                let mut flow = Flow::list([]);
                flow.columns.set("print_0", value);
                flow
            }
        }
    }

    /// What a list is called: the `let` that binds it, or what it is.
    fn list_name(&self, kind: &str) -> Rc<str> {
        self.naming.last().cloned().unwrap_or_else(|| Rc::from(kind))
    }

    fn datatable(
        &mut self,
        columns: &'a [std::borrow::Cow<'a, str>],
        cells: &'a [Expr<'a>],
        scope: ScopeRef,
    ) -> Flow<'a> {
        let name = self.list_name("datatable");
        let mut flow = Flow::list([name.clone()]);
        flow.columns.open = false;
        let width = columns.len().max(1);
        for (at, column) in columns.iter().enumerate() {
            let mut values: Vec<Const> = Vec::new();
            let mut all_known = true;
            for cell in cells.iter().skip(at).step_by(width) {
                match self.scalar(cell, Place { scope, columns: &Columns::default() }).constants() {
                    Some(constants) => values.extend(constants),
                    None => all_known = false,
                }
            }
            let mut seen = FxHashSet::default();
            values.retain(|value| seen.insert(value.clone()));
            let known = all_known && !values.is_empty();
            let value = if known { Value::List(values.into()) } else { Value::Named(Rc::from([name.clone()])) };
            flow.columns.set(column, value);
        }
        flow
    }

    fn flow_of_name(&mut self, name: &str, scope: ScopeRef) -> Flow<'a> {
        match self.scopes.get(scope, name).cloned() {
            Some(Binding::Expr(expr, inner)) => {
                self.naming.push(Rc::from(name));
                let flow = self.flow(expr, inner);
                self.naming.pop();
                flow
            }
            Some(Binding::Flow(flow)) => self.copy_flow(&flow),
            Some(Binding::Function(function, inner)) => {
                let block = self.scopes.block(Some(inner));
                self.flow_of_function(function, block)
            }
            Some(Binding::Value(value)) => {
                let mut flow = Flow::list([]);
                flow.columns.set("print_0", value);
                flow
            }
            None => match self.named_flows.get(name).cloned() {
                Some(flow) => self.copy_flow(&flow),
                None => Flow::table(name),
            },
        }
    }

    pub(super) fn copy_flow(&mut self, flow: &Flow<'a>) -> Flow<'a> {
        let nodes = self.copied(&flow.nodes);
        Flow {
            nodes,
            sources: flow.sources.clone(),
            columns: flow.columns.clone(),
            stage: flow.stage,
            is_union: flow.is_union,
            is_restricted: flow.is_restricted,
            is_one_event: flow.is_one_event,
            nodes_of_graph: Rc::clone(&flow.nodes_of_graph),
            leg: None,
        }
    }

    fn flow_of_function(&mut self, function: &'a Function<'a>, block: ScopeRef) -> Flow<'a> {
        match self.body(function, block) {
            Some((expr, inner)) => self.flow(expr, inner),
            None => Flow::open(),
        }
    }

    /// Binds what a function's body declares; its result and the place where that stands.
    pub(super) fn body(&mut self, function: &'a Function<'a>, block: ScopeRef) -> Option<(&'a Expr<'a>, ScopeRef)> {
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

    fn flow_of_call(
        &mut self,
        expr: &'a Expr<'a>,
        name: &str,
        arguments: &'a [Argument<'a>],
        scope: ScopeRef,
    ) -> Flow<'a> {
        if let Some(Binding::Function(function, inner)) = self.scopes.get(scope, name).cloned() {
            let block =
                self.bind_arguments(function, inner, arguments, None, Place { scope, columns: &Columns::default() });
            return self.flow_of_function(function, block);
        }
        if arguments.is_empty() && self.scopes.get(scope, name).is_some() {
            // A tabular `let` may be called like a function.
            return self.flow_of_name(name, scope);
        }
        if TABLE_WRAPPERS.contains(&name) {
            return match arguments.first() {
                Some(argument) => self.flow(&argument.value, scope),
                None => Flow::open(),
            };
        }
        let place_columns = Columns::default();
        let place = Place { scope, columns: &place_columns };
        if name == "table" {
            return match arguments.first().map(|argument| self.scalar(&argument.value, place)) {
                Some(Value::Const(table)) => Flow::table(&table.text),
                _ => Flow::table("table"),
            };
        }
        if matches!(name, "_GetWatchlist" | "_ASIM_GetWatchlistRaw" | "_GetWatchlistRaw") {
            let list = match arguments.first().map(|argument| self.scalar(&argument.value, place)) {
                Some(Value::Const(alias)) => alias.text,
                _ => self.list_name("_GetWatchlist"),
            };
            return Flow::list([list]);
        }
        if super::call::is_scalar_function(name) {
            let value = self.scalar(expr, place);
            let mut flow = Flow::list([]);
            flow.columns.set("print_0", value);
            return flow;
        }
        let mut flow = Flow::table(name);
        if !(asim::is_parser(name) || super::plugin::keeps_every_row(name)) {
            // A function of the workspace may filter, and is not in the query.
            flow.push(self.undefined(super::scalar::UNDEFINED, expr.span));
        }
        for argument in arguments {
            if let Some(parameter) = &argument.name {
                let value = self.scalar(&argument.value, place);
                if let Some(node) = asim::filter(parameter, &value, argument.value.span) {
                    flow.push(node);
                }
            }
        }
        flow
    }

    /// A block in which a function's parameters are bound to what the caller gives.
    pub(super) fn bind_arguments(
        &mut self,
        function: &'a Function<'a>,
        defined: ScopeRef,
        arguments: &'a [Argument<'a>],
        table: Option<Rc<Flow<'a>>>,
        place: Place<'_, 'a>,
    ) -> ScopeRef {
        let mut block = self.scopes.block(Some(defined));
        // Each parameter is looked for among the arguments.
        if !self.budget.work(function.parameters.len().saturating_mul(arguments.len()) / 64) {
            self.is_affordable();
            return block;
        }
        let mut table = table;
        let mut given = arguments.iter();
        for parameter in &function.parameters {
            if parameter.tabular
                && let Some(flow) = table.take()
            {
                block = self.scopes.bind(block, &parameter.name, Binding::Flow(flow));
                continue;
            }
            let named = arguments.iter().find(|argument| argument.name.as_deref() == Some(&*parameter.name));
            let argument = named.or_else(|| given.by_ref().find(|argument| argument.name.is_none()));
            let binding = match (argument, &parameter.default) {
                (Some(argument), _) if parameter.tabular || self.is_tabular(&argument.value, place.scope) => {
                    Binding::Expr(&argument.value, place.scope)
                }
                (Some(argument), _) => Binding::Value(self.scalar(&argument.value, place)),
                (None, Some(default)) => Binding::Expr(default, defined),
                (None, None) => Binding::Value(Value::Computed),
            };
            block = self.scopes.bind(block, &parameter.name, binding);
        }
        block
    }

    /// Whether an expression gives a table. A name that nothing binds is a column where columns can be, and a table
    /// where a `let` stands.
    pub(super) fn is_tabular(&mut self, expr: &'a Expr<'a>, scope: ScopeRef) -> bool {
        if !self.enter() {
            return false;
        }
        let found = match &expr.kind {
            ExprKind::Pipeline(_)
            | ExprKind::Union(_)
            | ExprKind::Search(_)
            | ExprKind::Print(_)
            | ExprKind::Range(_)
            | ExprKind::Datatable { .. }
            | ExprKind::ExternalData { .. } => true,
            ExprKind::Name(name) => match self.scopes.get(scope, name).cloned() {
                Some(Binding::Expr(expr, inner)) => self.is_tabular_let(expr, inner),
                Some(Binding::Flow(_)) => true,
                Some(Binding::Function(function, inner)) => self.is_tabular_function(function, inner),
                Some(Binding::Value(_)) => false,
                None => self.named_flows.contains_key(&**name),
            },
            ExprKind::Call(name, arguments) => match self.scopes.get(scope, name).cloned() {
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
    pub(super) fn is_tabular_let(&mut self, expr: &'a Expr<'a>, scope: ScopeRef) -> bool {
        match &expr.kind {
            ExprKind::Name(name) if self.scopes.get(scope, name).is_none() => !name.starts_with('{'),
            ExprKind::Call(name, _) if self.scopes.get(scope, name).is_none() => {
                self.is_tabular(expr, scope)
                    || !(super::call::is_scalar_function(name) || matches!(&**name, "materialize" | "toscalar"))
            }
            ExprKind::Member(base, _) => matches!(&base.kind, ExprKind::Call(name, _) if is_place(name)),
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
            Some(ExprKind::Name(name)) => {
                let bound = function.body.iter().find_map(|statement| match statement {
                    Statement::Let(declared) if declared.name == *name => Some(&declared.value),
                    _ => None,
                });
                match bound {
                    Some(crate::ast::LetValue::Expr(expr)) => self.is_tabular(expr, scope),
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
