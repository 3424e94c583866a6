//! What each command does to the step's condition and to the names.

use std::rc::Rc;

use ruleatlas_model::{Node, Op, SourceKind, Span};

use super::{Lowering, Place, check::Check};
use crate::{
    ast::{Aggregate, Command, DatasetName, Expr, ExprKind, LookupCall, Output, Pipeline, Search, Segment},
    names::{LookupColumn, Scope, Value},
};

impl Lowering<'_> {
    pub(super) fn command(&mut self, segment: &Segment, scope: &mut Scope) {
        let stage = Place { stage: segment.stage, span: segment.span };
        match &segment.command {
            Command::Search(filter) => self.search_stage(filter, stage, scope),
            Command::Where(filter) => self.where_stage(filter, stage, scope),
            Command::Regex { field, negated, pattern, span } => {
                self.touched.clear();
                let mut check = regex_check(pattern, *span);
                check.negated = *negated;
                // `!=` keeps what does not match, results without the field among them.
                check.missing =
                    if *negated { ruleatlas_model::Missing::Holds } else { ruleatlas_model::Missing::Fails };
                let value = scope.resolve(field);
                let node = self.compare(&value, &check);
                self.conjunct(node, stage, scope);
            }
            Command::Eval(assignments) => {
                for (name, expr) in assignments {
                    if name.is_empty() {
                        self.opaque_stage(expr, stage, scope);
                        continue;
                    }
                    let value = self.value(expr, scope);
                    scope.assign(name, value);
                }
            }
            Command::Rename(pairs) => {
                for (from, to) in pairs {
                    scope.rename(from, to);
                }
            }
            Command::Aggregate(aggregate) => apply(scope, aggregate),
            Command::Generate { append, models, filter, aggregate, name } => {
                let step = if *append { self.step(&format!("{name} append")) } else { scope.step };
                let mut inner = Scope::new(step);
                for model in models {
                    self.add_source(step, SourceKind::DataModel, model);
                }
                if let Some(filter) = filter {
                    self.search_stage(filter, stage, &mut inner);
                }
                apply(&mut inner, aggregate);
                if *append {
                    scope.take_over(inner, None, true);
                } else {
                    *scope = inner;
                }
            }
            Command::Dataset { name, filter } => {
                match name {
                    DatasetName::Model(model) => self.add_source(scope.step, SourceKind::DataModel, model),
                    DatasetName::Lookup => {}
                    DatasetName::Other(text) => {
                        let node = Node::opaque(text, "saved search is not at hand", segment.span);
                        self.filter(scope.step, stage, node);
                    }
                }
                if let Some(filter) = filter {
                    self.search_stage(filter, stage, scope);
                }
            }
            Command::Extract { from, names } => extract(scope, from.as_deref(), names),
            Command::Alias { name, field } => {
                let value = scope.resolve(field);
                scope.set(name, value);
            }
            Command::Compute(names) => {
                for name in names {
                    scope.set_computed(name);
                }
            }
            Command::Foreach { fields, names } => scope.set_made_of(names, fields),
            Command::Lookup(call) => self.lookup(call, scope),
            Command::InputLookup { filter: None, append: true, .. } => scope.add_results(),
            Command::InputLookup { filter, .. } => {
                if let Some(filter) = filter {
                    self.search_stage(filter, stage, scope);
                }
            }
            Command::Beside { label, join, pipelines } => self.beside_stage(label, join.as_deref(), pipelines, scope),
            Command::Transaction(conditions) => self.transaction(conditions, stage, scope),
            Command::Fields(_) | Command::Neutral => {}
            Command::Opaque { text, reason } => {
                let node = Node::opaque(text, reason, segment.span);
                self.filter(scope.step, stage, node);
            }
        }
    }

    fn opaque_stage(&mut self, expr: &Expr, stage: Place, scope: &mut Scope) {
        let node = self.truth(expr, scope);
        if let Some(node) = node {
            self.filter(scope.step, stage, node);
        }
    }

    /// A conjunct goes to the step whose fields it compares, if these are of one step.
    pub(super) fn conjunct(&mut self, node: Option<Node>, stage: Place, scope: &Scope) {
        let Some(node) = node else { return };
        let step = match self.touched.as_slice() {
            [first, rest @ ..] if rest.iter().all(|step| step == first) => *first,
            _ => scope.step,
        };
        self.filter(step, stage, node);
    }

    pub(super) fn search_stage(&mut self, filter: &Search, stage: Place, scope: &mut Scope) {
        let parts = match filter {
            Search::And(parts) => parts.as_slice(),
            other => std::slice::from_ref(other),
        };
        for part in parts {
            self.touched.clear();
            let node = self.search(part, scope, true);
            self.conjunct(node, stage, scope);
        }
    }

    fn where_stage(&mut self, filter: &Expr, stage: Place, scope: &mut Scope) {
        let parts = match &filter.kind {
            ExprKind::And(parts) => parts.as_slice(),
            _ => std::slice::from_ref(filter),
        };
        for part in parts {
            if self.is_anti_join(part, scope) {
                continue;
            }
            self.touched.clear();
            let node = self.truth(part, scope);
            self.conjunct(node, stage, scope);
        }
    }

    /// `where isnull(x)`, where a search beside this one gives `x`: that search must find nothing.
    fn is_anti_join(&mut self, part: &Expr, scope: &mut Scope) -> bool {
        let ExprKind::Call(name, arguments) = &part.kind else { return false };
        let ("isnull", [Expr { kind: ExprKind::Field(field), .. }]) = (name.as_str(), arguments.as_slice()) else {
            return false;
        };
        match *scope.resolve(field) {
            Value::Field { step, .. } if step != scope.step && self.steps[step].label.ends_with("join") => {
                self.steps[step].absent = true;
                true
            }
            _ => false,
        }
    }

    fn beside_stage(&mut self, label: &str, join: Option<&[String]>, pipelines: &[Pipeline], scope: &mut Scope) {
        for pipeline in pipelines {
            let found = if label == "appendpipe" && self.steps.len() <= super::MAX_STEPS {
                let step = self.step(label);
                let mut inner = scope.in_step(step);
                self.pipeline(pipeline, &mut inner);
                inner
            } else {
                self.beside(pipeline, label, false)
            };
            let reads_events = self.steps.get(found.step).is_some_and(|step| !step.is_empty());
            scope.take_over(found, join, reads_events);
        }
    }

    fn transaction(&mut self, conditions: &[(&'static str, Search)], stage: Place, scope: &mut Scope) {
        for (label, condition) in conditions {
            if self.steps.len() > super::MAX_STEPS {
                break;
            }
            let main = scope.step;
            let step = self.step(label);
            self.steps[step].sources = self.steps[main].sources.clone();
            let mut inner = scope.in_step(step);
            let node = self.search(condition, &mut inner, true);
            if let Some(node) = node {
                self.filter(step, stage, node);
            }
            if self.steps[step].conjuncts.is_empty() {
                self.steps[step].sources.clear();
            }
        }
        scope.set_computed("duration");
        scope.set_computed("eventcount");
    }

    fn lookup(&mut self, call: &LookupCall, scope: &mut Scope) {
        let inputs: Vec<(String, Rc<Value>)> =
            call.inputs.iter().map(|(column, name)| (column.clone(), scope.resolve(name))).collect();
        let inputs = Rc::new(inputs);
        let columns: Vec<(String, String)> = match (&call.outputs, self.context.lookup(&call.name)) {
            (Some(outputs), _) => outputs.clone(),
            (None, Some(table)) => {
                let is_input = |column: &str| call.inputs.iter().any(|(input, _)| input == column);
                let columns = table.columns.iter().map(|column| column.trim()).filter(|column| !is_input(column));
                columns.map(|column| (column.to_owned(), column.to_owned())).collect()
            }
            (None, None) => {
                scope.add_lookup(&call.name, inputs);
                return;
            }
        };
        for (column, name) in columns {
            let column = LookupColumn { lookup: call.name.clone(), column, inputs: Rc::clone(&inputs) };
            scope.set(&name, Rc::new(Value::Lookup(Rc::new(column))));
        }
    }
}

/// A match of a regular expression, which `(?i)` makes one without case.
pub(super) fn regex_check(pattern: &str, span: Span) -> Check {
    let mut check = Check::eval(Op::RegexMatch, vec![pattern.to_owned()], span);
    let flags = pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')')).map_or("", |(flags, _)| flags);
    check.cased = !(flags.contains('i') && flags.bytes().all(|byte| byte.is_ascii_lowercase()));
    check
}

fn extract(scope: &mut Scope, from: Option<&str>, names: &[String]) {
    let origin = from.map(|from| match &*scope.resolve(from) {
        Value::Field { name, derived_from, .. } => derived_from.clone().unwrap_or_else(|| name.clone()),
        _ => from.to_owned(),
    });
    for name in names {
        let value = match &origin {
            Some(origin) => Value::Field { name: name.clone(), derived_from: Some(origin.clone()), step: scope.step },
            None => scope.field(name),
        };
        scope.set(name, Rc::new(value));
    }
}

/// The names after an aggregation.
fn apply(scope: &mut Scope, aggregate: &Aggregate) {
    let mut made: Vec<(String, Rc<Value>)> = Vec::new();
    let mut patterns = Vec::new();
    let mut open = aggregate.keeps;
    for output in &aggregate.outputs {
        if output.field.contains('*') {
            // `values(*) as *` keeps the names; `avg(a.*) as b.*` computes names that are not known one by one.
            if picks(&output.function) {
                open = true;
            } else {
                patterns.push(output.name.clone());
            }
        } else {
            made.push((output.name.clone(), aggregate_value(scope, output)));
        }
    }
    for field in &aggregate.by {
        if field.contains('*') {
            open = true;
        } else {
            made.push((field.clone(), scope.resolve(field)));
        }
    }
    scope.aggregate(made, open);
    for pattern in &patterns {
        scope.set_computed(pattern);
    }
}

/// Whether a function gives values of the field as they are.
fn picks(function: &str) -> bool {
    matches!(function, "values" | "list" | "first" | "last" | "earliest" | "latest" | "mode" | "any")
}

fn aggregate_value(scope: &mut Scope, output: &Output) -> Rc<Value> {
    if !output.field.is_empty() {
        let value = scope.resolve(&output.field);
        let moment = matches!(output.function.as_str(), "min" | "max" | "earliest_time" | "latest_time");
        if picks(&output.function) || moment && matches!(*value, Value::Time) {
            return value;
        }
    }
    Rc::new(Value::Computed(output.text.clone()))
}
