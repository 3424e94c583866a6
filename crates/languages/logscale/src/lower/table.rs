//! Steps over many events, and other tables.

use std::rc::Rc;

use ruleatlas_ir::plan::{
    Aggregate, Column, Definition, Expr as Planned, ExprKind as PlannedKind, Join, JoinKind, Operation, Output, Wrapper,
};
use ruleatlas_model::{DataSource, SourceKind, Span};

use super::condition::text_of;
use super::{Flow, Lowering, name_of};
use crate::ast::{Call, Expr, ExprKind, FilterKind, StepKind};
use crate::function::default_name;

impl<'t> Lowering<'t, '_> {
    /// An aggregate that stands alone, or groups events by fields.
    pub fn aggregate_step(&mut self, name: &str, call: &'t Call, flow: &mut Flow) {
        flow.is_aggregated = true;
        let span = call.span;
        let key = |this: &mut Self, field: &str| Column { name: name_of(field), value: this.field(field, span) };
        match name {
            // Rows stay, each with more fields.
            "neighbor" | "accumulate" | "slidingwindow" | "slidingtimewindow" | "partition" => {
                flow.push(Operation::Sort);
            }
            "tail" => flow.push(Operation::Sort),
            "groupby" | "bucket" | "timechart" | "top" | "rare" | "series" | "session" | "sankey" | "window" => {
                let fields = call.argument(if matches!(name, "timechart" | "bucket") { "series" } else { "field" }, 0);
                let fields: Vec<&str> =
                    fields.map(Expr::items).unwrap_or_default().iter().filter_map(text_of).collect();
                // `groupBy(a, b)`.
                let more: Vec<&str> = match name {
                    "groupby" => {
                        let unnamed = call.arguments.iter().filter(|argument| argument.name.is_empty());
                        unnamed.skip(1).filter_map(|argument| text_of(&argument.value)).collect()
                    }
                    _ => Vec::new(),
                };
                let keys = fields.into_iter().chain(more).map(|field| key(self, field)).collect();
                let outputs = match call.named("function") {
                    Some(function) => self.outputs(function),
                    None => vec![computed(&default_name("count"))],
                };
                flow.push(Operation::Aggregate { outputs, keys, keeps_rows: false });
            }
            "stats" => {
                let outputs = call.argument("function", 0).map(|function| self.outputs(function)).unwrap_or_default();
                flow.push(Operation::Aggregate { outputs, keys: Vec::new(), keeps_rows: false });
            }
            _ => {
                let outputs = self.output(call);
                flow.push(Operation::Aggregate { outputs, keys: Vec::new(), keeps_rows: false });
            }
        }
    }

    /// What an aggregate function, a list of them, or a pipeline that ends in one makes of the rows of a group.
    pub fn outputs(&mut self, function: &'t Expr) -> Vec<Output> {
        match &function.kind {
            ExprKind::List(items) => items.iter().flat_map(|item| self.outputs(item)).collect(),
            ExprKind::Call(call) => self.output(call),
            ExprKind::Pipeline(pipeline) => {
                let mut outputs = Vec::new();
                for step in &pipeline.steps {
                    match &step.kind {
                        StepKind::Filter(filter) => {
                            if let FilterKind::Call(call) = &filter.kind {
                                outputs.extend(self.output(call));
                            }
                        }
                        StepKind::Assign(name, _) => outputs.push(computed(name)),
                        StepKind::Stats(functions) => {
                            outputs.extend(functions.iter().flat_map(|function| self.outputs(function)));
                        }
                        _ => {}
                    }
                }
                outputs
            }
            _ => Vec::new(),
        }
    }

    fn output(&mut self, call: &'t Call) -> Vec<Output> {
        let span = call.span;
        let name = call.name.to_ascii_lowercase();
        let fields = |argument: Option<&'t Expr>| -> Vec<&'t str> {
            argument.map(Expr::items).unwrap_or_default().iter().filter_map(text_of).collect()
        };
        match name.as_str() {
            "stats" => call.argument("function", 0).map(|function| self.outputs(function)).unwrap_or_default(),
            "collect" | "selectlast" | "tail" | "head" | "selectfrommax" | "selectfrommin" => {
                let is_from = name.starts_with("selectfrom");
                let found = if is_from { call.named("include") } else { call.argument("fields", 0) };
                let is_many = name == "collect";
                fields(found)
                    .into_iter()
                    .map(|field| {
                        let value = self.field(field, span);
                        let kind = if is_many { Aggregate::Collect(value) } else { Aggregate::Pick(value) };
                        Output { name: name_of(field), kind, condition: None }
                    })
                    .collect()
            }
            _ => {
                let named = call.named("as").and_then(text_of).map_or_else(|| default_name(&name), str::to_owned);
                let of = fields(call.argument("field", 0)).into_iter().map(|field| self.field(field, span)).collect();
                vec![Output { name: name_of(&named), kind: Aggregate::Compute(of), condition: None }]
            }
        }
    }

    /// A step that shows or orders events, or takes texts apart.
    pub fn show_step(&mut self, name: &str, call: &'t Call, flow: &mut Flow) {
        match name {
            "parsejson" | "kvparse" | "parsexml" | "parseurl" | "parseuri" => {
                let prefix = call.named("prefix").or_else(|| call.named("as")).and_then(text_of);
                let field = call.argument("field", 0).and_then(text_of).unwrap_or("@rawstring");
                if let Some(prefix) =
                    prefix.map(|prefix| prefix.trim_end_matches('.')).filter(|prefix| !prefix.is_empty())
                {
                    let from = self.field(field, call.span);
                    flow.push(Operation::Parts { prefix: name_of(prefix), from });
                }
            }
            "parsetimestamp" | "findtimestamp" => {
                let named = call.named("as").and_then(text_of).unwrap_or("@timestamp");
                flow.push(Operation::Compute(vec![name_of(named)]));
            }
            "parsehexstring" | "parseint" | "asn" | "iplocation" | "rdns" => {
                if let Some(named) = call.named("as").and_then(text_of) {
                    flow.push(Operation::Compute(vec![name_of(named)]));
                }
            }
            _ => flow.push(Operation::Sort),
        }
    }

    /// A step that reads, joins or defines another table.
    pub fn table_step(&mut self, name: &str, call: &'t Call, flow: &mut Flow) {
        match name {
            "definetable" => {
                let (Some(query), Some(name)) = (query_of(call), call.named("name").and_then(text_of)) else {
                    return flow.push(Operation::Opaque(Rc::from("argument is missing")));
                };
                let rows = self.table_rows(query, call.named("include"));
                self.tables.insert(name.to_owned());
                flow.definitions.push(Definition { name: Rc::from(name), rows });
            }
            "readfile" => {
                let files = call.argument("file", 0).map(Expr::items).unwrap_or_default();
                let files: Vec<&str> = files.iter().filter_map(text_of).collect();
                let tables = files.iter().map(|file| self.table(file, call.span)).collect();
                flow.table = Some(union(tables, call.span));
            }
            "createevents" => flow.table = Some(Planned::new(PlannedKind::Tables(Vec::new()), call.span)),
            "join" | "selfjoin" => self.join_step(call, false, flow),
            "selfjoinfilter" => {
                for query in call.argument("where", 1).map(Expr::items).unwrap_or_default() {
                    let ExprKind::Pipeline(pipeline) = &query.kind else { continue };
                    let right = self.query(pipeline);
                    self.join(right, "same key", JoinKind::Inner, flow);
                }
            }
            "correlate" => self.correlate(call, flow),
            _ => flow.push(Operation::Opaque(Rc::from("unknown function"))),
        }
    }

    fn table(&self, name: &str, span: Span) -> Planned {
        let kind = match self.tables.contains(name) {
            true => PlannedKind::Table(Rc::from(name)),
            false => PlannedKind::Tables(vec![DataSource::new(SourceKind::Table, &*name_of(name))]),
        };
        Planned::new(kind, span)
    }

    /// The rows of a query, with the columns that a table or join takes of them.
    fn table_rows(&mut self, query: &'t Expr, include: Option<&'t Expr>) -> Planned {
        let ExprKind::Pipeline(pipeline) = &query.kind else {
            return Planned::opaque("query is missing", query.span);
        };
        let mut rows = self.query(pipeline);
        let names: Vec<&str> = include.map(Expr::items).unwrap_or_default().iter().filter_map(text_of).collect();
        if let PlannedKind::Query(query) = &mut rows.kind
            && !names.is_empty()
            && !names.contains(&"*")
        {
            let named = |name: &&str| {
                let value = Planned::new(PlannedKind::Name(name_of(name)), pipeline.span);
                Column { name: name_of(name), value: value.wrapped(Wrapper::Same) }
            };
            let index = query.stages.last().map_or(0, |stage| stage.index);
            let operation = Operation::Project(names.iter().map(named).collect());
            query.stages.push(ruleatlas_ir::plan::Stage { operation, index, span: pipeline.span });
        }
        rows
    }

    fn join(&mut self, right: Planned, label: &str, kind: JoinKind, flow: &mut Flow) {
        flow.push(Operation::Join(Box::new(Join { right, label: Rc::from(label), kind, on: None })));
    }

    pub fn join_step(&mut self, call: &'t Call, is_negated: bool, flow: &mut Flow) {
        let Some(query) = query_of(call) else {
            return flow.push(Operation::Opaque(Rc::from("query is missing")));
        };
        let right = self.table_rows(query, call.named("include"));
        self.join(right, "join", kind_of(call, is_negated), flow);
    }

    /// `match` with a table that the query has defined.
    pub fn table_match(&mut self, table: &str, is_open: bool, call: &'t Call, flow: &mut Flow) {
        let right = self.table(table, call.span);
        self.join(right, table, if is_open { JoinKind::Outer } else { JoinKind::Inner }, flow);
    }

    /// `correlate(name: { … } include: […], …)`: each query is a step.
    fn correlate(&mut self, call: &'t Call, flow: &mut Flow) {
        let mut is_first = true;
        for argument in &call.arguments {
            let ExprKind::Pipeline(pipeline) = &argument.value.kind else { continue };
            let rows = self.query(pipeline);
            if std::mem::take(&mut is_first) {
                self.label = Rc::from(argument.name.as_str());
                flow.table = Some(rows);
            } else {
                self.join(rows, &argument.name, JoinKind::Inner, flow);
            }
        }
        flow.is_aggregated = true;
    }

    /// A saved query as a step.
    pub fn saved_step(&mut self, call: &'t Call, flow: &mut Flow) {
        // Falcon's own helper puts names in the place of numbers, and keeps every event.
        if call.name == "$falcon/helper:enrich" {
            let field = call.argument("field", 0).and_then(text_of);
            return flow.push(Operation::Compute(field.into_iter().map(name_of).collect()));
        }
        // Falcon's own tables of sensors.
        if ["$falcon/investigate:aid_master", "$falcon/investigate:aid_base"].contains(&call.name.as_str()) {
            flow.table = Some(Planned::new(
                PlannedKind::Tables(vec![DataSource::new(SourceKind::Table, call.name.trim_start_matches('$'))]),
                call.span,
            ));
            return;
        }
        flow.push(Operation::Opaque(Rc::from("saved query is not available")));
    }
}

/// The query of a join or a table.
fn query_of(call: &Call) -> Option<&Expr> {
    call.argument("query", 0).filter(|query| matches!(query.kind, ExprKind::Pipeline(_)))
}

fn kind_of(call: &Call, is_negated: bool) -> JoinKind {
    match call.named("mode").and_then(text_of) {
        _ if is_negated => JoinKind::Anti,
        Some(mode) if !mode.eq_ignore_ascii_case("inner") => JoinKind::Outer,
        _ => JoinKind::Inner,
    }
}

fn union(mut tables: Vec<Planned>, span: Span) -> Planned {
    match tables.len() {
        1 => tables.remove(0),
        _ => Planned::new(PlannedKind::Union { legs: tables, label: Rc::from("table"), merges: false }, span),
    }
}

fn computed(name: &str) -> Output {
    Output { name: name_of(name), kind: Aggregate::Compute(Vec::new()), condition: None }
}
