//! What each command does to the step's condition and to the names.

use std::rc::Rc;

use ruleatlas_model::{Diagnostic, Node, Op, SourceKind, Span};

use super::{Lowering, Place, check::Check};
use crate::{
    ast::{Aggregate, Bound, Command, DatasetName, Expr, ExprKind, LookupCall, Output, Pipeline, Search, Segment},
    names::{LookupColumn, Scope, Value, captured},
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
            Command::Aggregate(aggregate) => {
                self.note_conditions(aggregate, segment.span);
                apply(scope, aggregate);
            }
            Command::Generate { append, models, filter, aggregate, name } => {
                let step = if *append { self.step(&format!("{name} append")) } else { scope.step };
                let mut inner = Scope::new(step);
                for model in models {
                    self.add_source(step, SourceKind::DataModel, model);
                }
                if let Some(filter) = filter {
                    self.search_stage(filter, stage, &mut inner);
                }
                self.note_conditions(aggregate, segment.span);
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
            Command::Alias { name, input, path } => {
                let value = match input {
                    Some(input) => inside(&scope.resolve(input), path, scope),
                    None => scope.resolve(path),
                };
                scope.set(name, value);
            }
            Command::Compute(names) => {
                for name in names {
                    scope.set_computed(name);
                }
            }
            Command::Expand(name) => scope.expand(name),
            Command::Foreach { fields, names } => scope.set_made_of(names, fields),
            Command::Lookup(call) => self.lookup(call, scope),
            Command::InputLookup { filter: None, append: true, .. } => scope.add_results(),
            Command::InputLookup { filter, .. } => {
                scope.begin_list();
                if let Some(filter) = filter {
                    self.search_stage(filter, stage, scope);
                }
            }
            Command::Beside { label, join, pipelines } => {
                self.beside_stage(label, join.as_deref(), pipelines, stage, scope);
            }
            Command::Transaction { fields, conditions } => self.transaction(fields, conditions, stage, scope),
            Command::Fields(_) | Command::Neutral => {}
            Command::Opaque { text, reason } => {
                let node = Node::opaque(text, reason, segment.span);
                self.filter(scope.step, stage, node);
            }
        }
    }

    /// Says of the filters of a list that they choose its rows: no event is asked for them.
    fn note_list_filters(&mut self, pipeline: &Pipeline) {
        for segment in &pipeline.segments {
            let is_filter = matches!(
                segment.command,
                Command::Where(_)
                    | Command::Search(_)
                    | Command::Regex { .. }
                    | Command::InputLookup { filter: Some(_), .. }
            );
            if is_filter {
                let message = "this chooses rows of a lookup; no event is asked for it";
                self.diagnostics.push(Diagnostic::note("filter of a list", message).at(segment.span));
            }
        }
    }

    /// Says of every aggregate of some events (`count(eval(…))`) that its condition is asked of no event.
    fn note_conditions(&mut self, aggregate: &Aggregate, span: Span) {
        let counts = |output: &&Output| {
            let function = output.text.split('(').next().unwrap_or_default();
            output.function == "eval" && ["count", "c"].iter().any(|name| function.eq_ignore_ascii_case(name))
        };
        for output in aggregate.outputs.iter().filter(counts) {
            let message = format!("`{}` aggregates only some events; its condition selects no event", output.name);
            self.diagnostics.push(Diagnostic::note("condition of an aggregate", message).at(span));
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
        let Some(node) = node else {
            self.branched = false;
            return;
        };
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
            Value::Field { step, .. } | Value::Grouped { step, .. }
                if step != scope.step && self.steps[step].label.ends_with("join") =>
            {
                self.steps[step].absent = true;
                true
            }
            _ => false,
        }
    }

    fn beside_stage(
        &mut self,
        label: &str,
        join: Option<&[String]>,
        pipelines: &[Pipeline],
        stage: Place,
        scope: &mut Scope,
    ) {
        for pipeline in pipelines {
            if super::is_list(pipeline) {
                self.note_list_filters(pipeline);
                match join {
                    Some(keys) => {
                        self.touched.clear();
                        let node = self.join_list(pipeline, label, keys, scope);
                        self.conjunct(node, stage, scope);
                    }
                    None => scope.add_results(),
                }
                continue;
            }
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

    fn transaction(
        &mut self,
        fields: &[String],
        conditions: &[(&'static str, Bound)],
        stage: Place,
        scope: &mut Scope,
    ) {
        for (label, condition) in conditions {
            if self.steps.len() > super::MAX_STEPS {
                break;
            }
            let main = scope.step;
            let step = self.step(label);
            self.steps[step].sources = self.steps[main].sources.clone();
            let mut inner = scope.in_step(step);
            let node = match condition {
                Bound::Search(search) => self.search(search, &mut inner, true),
                Bound::Expr(expr) => self.truth(expr, &mut inner),
            };
            if let Some(node) = node {
                self.filter(step, stage, node);
            }
            if self.steps[step].conjuncts.is_empty() {
                self.steps[step].sources.clear();
            }
        }
        scope.group(fields);
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
            let column = LookupColumn { lookup: call.name.clone(), column, inputs: Rc::clone(&inputs), whole: true };
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

/// The value behind a path in a field's text.
pub(super) fn inside(value: &Value, path: &str, scope: &mut Scope) -> Rc<Value> {
    let below = |name: &str| format!("{name}.{path}");
    Rc::new(match value {
        Value::Field { name, .. } if name == "_raw" => return scope.resolve(path),
        Value::Field { name, derived_from, step } => {
            Value::Field { name: below(name), derived_from: derived_from.clone(), step: *step }
        }
        Value::Grouped { text, step, element } => Value::Grouped {
            text: below(text),
            step: *step,
            element: element.as_ref().map(|element| inside(element, path, scope)),
        },
        Value::Folded(inner) => return inside(inner, path, scope).without_case(),
        Value::Number(inner) => return inside(inner, path, scope),
        Value::Computed(text) => Value::Computed(below(text)),
        _ => Value::Computed(path.to_owned()),
    })
}

/// Names cut out of a field; of something computed they are computed.
fn extract(scope: &mut Scope, from: Option<&str>, names: &[String]) {
    let from = from.map(|from| (from, scope.resolve(from)));
    for name in names {
        let value = match &from {
            None => scope.field(name),
            Some((_, origin)) => match &**origin {
                Value::Field { name: origin, derived_from, step } => {
                    let derived_from = Some(derived_from.clone().unwrap_or_else(|| origin.clone()));
                    Value::Field { name: name.clone(), derived_from, step: *step }
                }
                Value::Grouped { step, .. } => Value::Grouped { text: name.clone(), step: *step, element: None },
                Value::Computed(_) => Value::Computed(name.clone()),
                _ => Value::Field {
                    name: name.clone(),
                    derived_from: from.as_ref().map(|(from, _)| (*from).to_owned()),
                    step: scope.step,
                },
            },
        };
        scope.set(name, Rc::new(value));
    }
}

/// The names after an aggregation.
fn apply(scope: &mut Scope, aggregate: &Aggregate) {
    let mut made: Vec<(String, Rc<Value>)> = Vec::new();
    let mut open = aggregate.keeps;
    for output in aggregate.outputs.iter().filter(|output| !output.field.contains('*')) {
        made.push((output.name.clone(), aggregate_value(scope, output, &aggregate.by)));
    }
    for field in &aggregate.by {
        if field.contains('*') {
            open = true;
        } else {
            let value = scope.resolve(field);
            // So is a key under the name that a pattern gives it.
            for output in aggregate.outputs.iter().filter(|output| output.field.contains('*') && picks(output)) {
                if let Some(part) = captured(&output.field, field) {
                    made.push((output.name.replacen('*', part, 1), Rc::clone(&value)));
                }
            }
            made.push((field.clone(), value));
        }
    }
    scope.aggregate(made, open);
    // `values(a.*) as *` makes names that are not known one by one.
    for output in aggregate.outputs.iter().filter(|output| output.field.contains('*')) {
        scope.set_grouped(&output.name, &output.text);
    }
}

/// Whether a function gives values of the field as they are.
fn picks(output: &Output) -> bool {
    matches!(
        output.function.as_str(),
        "values" | "list" | "first" | "last" | "earliest" | "latest" | "mode" | "any" | "min" | "max"
    )
}

/// What an aggregation gives is asked of a group of events and of none of them; a group's key is one value, and times
/// stay times.
fn aggregate_value(scope: &mut Scope, output: &Output, keys: &[String]) -> Rc<Value> {
    let text = output.text.clone();
    if output.field.is_empty() {
        return Rc::new(Value::Computed(text));
    }
    let value = scope.resolve(&output.field);
    Rc::new(match value.unfolded().0 {
        _ if picks(output) && keys.contains(&output.field) => return value,
        Value::Time if picks(output) || matches!(output.function.as_str(), "earliest_time" | "latest_time") => {
            return value;
        }
        Value::Field { step, .. } => {
            let collects = matches!(output.function.as_str(), "values" | "list");
            Value::Grouped { text, step: *step, element: collects.then(|| Rc::clone(&value)) }
        }
        Value::Grouped { step, element, .. } => Value::Grouped { text, step: *step, element: element.clone() },
        _ => Value::Computed(text),
    })
}
