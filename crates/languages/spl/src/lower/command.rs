//! What each command does to rows and names.

use std::rc::Rc;

use ruleatlas_ir::plan::{Aggregate, Beside, Column, Expr, ExprKind, ListRows, MissingRule, Operation, Output, Stage};
use ruleatlas_model::{DataSource, Diagnostic, SourceKind, Span};
use ruleatlas_syntax::ErrorKind as _;

use super::{Lowering, matches, name, opaque};
use crate::{
    ast::{self, Bound, Command, DatasetName, LookupCall, Pipeline, Segment},
    functions,
};

impl Lowering<'_> {
    pub(super) fn command(&mut self, segment: &Segment) -> Vec<Operation> {
        let span = segment.span;
        match &segment.command {
            Command::Search(filter) => vec![Operation::Filter(self.search(filter))],
            Command::Where(filter) => vec![Operation::Filter(self.condition(filter))],
            Command::Regex { field, negated, pattern, span } => {
                // `!=` keeps what does not match, results without the field among them.
                let missing = if *negated { MissingRule::NoMatch } else { MissingRule::Fails };
                vec![Operation::Filter(matches(name(field, *span), pattern, missing, *negated, *span))]
            }
            Command::Eval(assignments) => {
                let mut operations = Vec::new();
                for (name, expr) in assignments {
                    if name.is_empty() {
                        operations.push(Operation::Filter(self.condition(expr)));
                        continue;
                    }
                    let column = Column { name: Rc::from(name.as_str()), value: self.value(expr) };
                    match operations.last_mut() {
                        Some(Operation::Extend(columns)) => columns.push(column),
                        _ => operations.push(Operation::Extend(vec![column])),
                    }
                }
                operations
            }
            Command::Rename(pairs) => {
                let pair = |(from, to): &(String, String)| (Rc::from(from.as_str()), Rc::from(to.as_str()));
                vec![Operation::Rename(pairs.iter().map(pair).collect())]
            }
            Command::Aggregate(aggregate) => vec![self.aggregate(aggregate, span)],
            Command::Generate { append, models, filter, aggregate, name } => {
                let outer = std::mem::replace(&mut self.model, models.first().cloned());
                let mut operations =
                    vec![Operation::Begin, Operation::Read(models.iter().map(|name| model(name)).collect())];
                operations.extend(filter.as_ref().map(|filter| Operation::Filter(self.search(filter))));
                operations.push(self.aggregate(aggregate, span));
                if !append {
                    return operations;
                }
                self.model = outer;
                if !self.begin_step(span) {
                    return Vec::new();
                }
                let stage = |operation| Stage { operation, index: segment.stage, span };
                let stages = operations.into_iter().map(stage).collect();
                let label = format!("{name} append").into();
                vec![Operation::Beside(Beside { label, stages, continues: false, keys: None })]
            }
            Command::Dataset { name, filter } => {
                let mut operations = vec![match name {
                    DatasetName::Model(name) => {
                        self.model = Some(name.clone());
                        Operation::Read(vec![model(name)])
                    }
                    DatasetName::Other(text) => Operation::Filter(opaque(text, "saved search is not available", span)),
                }];
                operations.extend(filter.as_ref().map(|filter| Operation::Filter(self.search(filter))));
                operations
            }
            Command::Extract { from: Some(from), names } => {
                vec![Operation::Extract { from: name(from, span), names: shared(names), demands: None }]
            }
            Command::Extract { from: None, names } => {
                let column = |field: &String| {
                    let field: Rc<str> = Rc::from(field.as_str());
                    Column { name: Rc::clone(&field), value: Expr::new(ExprKind::OwnPath(field), span) }
                };
                vec![Operation::Extend(names.iter().map(column).collect())]
            }
            Command::Alias { name: field, input, path } => {
                let value = match input {
                    Some(input) => {
                        let path: Rc<str> = Rc::from(path.as_str());
                        let text = format!("{input}.{path}").into();
                        let member = Expr::new(ExprKind::Member(Box::new(name(input, span)), path), span);
                        Expr::new(ExprKind::Called(Box::new(member), text), span)
                    }
                    None => name(path, span),
                };
                vec![Operation::Extend(vec![Column { name: Rc::from(field.as_str()), value }])]
            }
            Command::Compute(names) => vec![Operation::Compute(shared(names))],
            Command::Expand(field) => {
                vec![Operation::Expand(vec![Column { name: Rc::from(field.as_str()), value: name(field, span) }])]
            }
            Command::Foreach { fields, names } => {
                vec![Operation::Each { fields: Rc::from(fields.as_str()), names: shared(names) }]
            }
            Command::Lookup(call) => vec![Operation::Rows(self.lookup(call, span))],
            Command::InputLookup { filter: None, append: true, .. } => vec![Operation::AddRows],
            Command::InputLookup { filter, .. } => {
                let mut operations = vec![Operation::BeginRows];
                operations.extend(filter.as_ref().map(|filter| Operation::Filter(self.search(filter))));
                operations
            }
            Command::Beside { label, join, pipelines } => {
                let mut operations = Vec::new();
                for pipeline in pipelines {
                    self.beside(label, join.as_deref(), pipeline, &mut operations);
                }
                operations
            }
            Command::Transaction { fields, conditions } => {
                let mut operations = Vec::new();
                for (label, bound) in conditions {
                    if !self.begin_step(span) {
                        break;
                    }
                    let condition = match bound {
                        Bound::Search(search) => self.search(search),
                        Bound::Expr(expr) => self.condition(expr),
                    };
                    operations.push(Operation::Bound { label: Rc::from(*label), condition });
                }
                operations.push(Operation::Group(shared(fields)));
                operations.push(Operation::Compute(vec![Rc::from("duration"), Rc::from("eventcount")]));
                operations
            }
            Command::Fields(_) | Command::Neutral => vec![Operation::Sort],
            Command::Opaque { text, kind } => vec![Operation::Filter(opaque(text, kind.title(), span))],
        }
    }

    /// A search that is added to the pipeline's, or joined to it.
    fn beside(&mut self, label: &str, join: Option<&[String]>, pipeline: &Pipeline, into: &mut Vec<Operation>) {
        if super::is_list(pipeline) {
            self.note_list_filters(pipeline);
            match join {
                Some(keys) => self.join_list(pipeline, label, keys, into),
                None => into.push(Operation::AddRows),
            }
            return;
        }
        if !self.begin_step(pipeline.span) {
            return;
        }
        let continues = label == "appendpipe";
        let outer = self.model.clone();
        if !continues {
            self.model = None;
        }
        let stages = self.stages(pipeline);
        self.model = outer;
        let keys = join.map(shared);
        into.push(Operation::Beside(Beside { label: Rc::from(label), stages, continues, keys }));
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

    fn aggregate(&mut self, aggregate: &ast::Aggregate, span: Span) -> Operation {
        let outputs = aggregate.outputs.iter().map(|output| self.output(output, &aggregate.by, span)).collect();
        let key = |field: &String| Column { name: Rc::from(field.as_str()), value: name(field, span) };
        Operation::Aggregate { outputs, keys: aggregate.by.iter().map(key).collect(), keeps_rows: aggregate.keeps }
    }

    /// A result of an aggregation; a group's key is one value.
    fn output(&mut self, output: &ast::Output, keys: &[String], span: Span) -> Output {
        let text: Rc<str> = Rc::from(output.text.as_str());
        let meaning = functions::aggregate(&output.function);
        let kind = match output.field.as_str() {
            "" => Aggregate::OfGroup {
                of: Expr::new(ExprKind::Computed { of: Vec::new(), text: Some(Rc::clone(&text)) }, span),
                text,
                collects: false,
                picks: false,
            },
            field if field.contains('*') => Aggregate::OfNames { names: Rc::from(field), text, picks: meaning.picks },
            field if meaning.picks && keys.contains(&output.field) => Aggregate::Pick(name(field, span)),
            field => Aggregate::OfGroup {
                of: name(field, span),
                text,
                collects: meaning.collects,
                picks: meaning.picks || meaning.is_time,
            },
        };
        // `count(eval(…))` counts some events.
        let function = output.text.split('(').next().unwrap_or_default();
        let counts = output.function == "eval" && ["count", "c"].iter().any(|name| function.eq_ignore_ascii_case(name));
        if counts {
            let message = format!("`{}` aggregates only some events; its condition selects no event", output.name);
            self.diagnostics.push(Diagnostic::note("condition of an aggregate", message).at(span));
        }
        Output { name: Rc::from(output.name.as_str()), kind, condition: None }
    }

    fn lookup(&mut self, call: &LookupCall, span: Span) -> ListRows {
        let key = |(column, field): &(String, String)| (Rc::from(column.as_str()), name(field, span));
        let names: Option<Vec<(String, String)>> = match (&call.outputs, self.context.lookup(&call.name)) {
            (Some(outputs), _) => Some(outputs.clone()),
            (None, Some(table)) => {
                let is_input = |column: &str| call.inputs.iter().any(|(input, _)| input == column);
                let columns = table.columns.iter().map(|column| column.trim()).filter(|column| !is_input(column));
                Some(columns.map(|column| (column.to_owned(), column.to_owned())).collect())
            }
            (None, None) => None,
        };
        let pair = |(column, field): (String, String)| (Rc::from(column), Rc::from(field));
        ListRows {
            list: Rc::from(call.name.as_str()),
            keys: call.inputs.iter().map(key).collect(),
            names: names.map(|names| names.into_iter().map(pair).collect()),
            whole: true,
            joined: false,
        }
    }
}

fn model(name: &str) -> DataSource {
    DataSource::new(SourceKind::DataModel, name)
}

fn shared(names: &[String]) -> Vec<Rc<str>> {
    names.iter().map(|name| Rc::from(name.as_str())).collect()
}
