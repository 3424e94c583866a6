//! Aggregations: what names stand for when many rows became one.

use std::rc::Rc;

use ruleatlas_model::Diagnostic;

use crate::beside::of_group;
use crate::engine::{Engine, Flow};
use crate::open::captured;
use crate::plan::{Aggregate, Column, Output};
use crate::value::Value;

impl<'p> Engine<'p, '_> {
    /// After an aggregation only its own names are left; keys stay what they were.
    pub fn aggregate(&mut self, flow: &mut Flow<'p>, outputs: &'p [Output], keys: &'p [Column], keeps_rows: bool) {
        let mut made = Vec::new();
        let mut keeps_names = keeps_rows;
        for key in keys {
            if self.searches.is_some() && key.name.contains('*') {
                keeps_names = true;
                continue;
            }
            let value = self.value(&key.value, &flow.columns);
            // So is a key under the name that a pattern gives it.
            for output in outputs {
                if let Aggregate::OfNames { names, picks: true, .. } = &output.kind
                    && let Some(part) = captured(names, &key.name)
                {
                    made.push((output.name.replacen('*', part, 1).into(), value.clone()));
                }
            }
            made.push((Rc::clone(&key.name), value));
        }
        for output in outputs {
            let mut condition = output.condition;
            let value = match &output.kind {
                Aggregate::OfNames { .. } | Aggregate::PickRow => continue,
                Aggregate::OfGroup { of, text, collects, picks } => match self.value(of, &flow.columns) {
                    time @ Value::Time(_) if *picks => time,
                    value => of_group(value, text, *collects),
                },
                Aggregate::Pick(of) => self.value(of, &flow.columns),
                Aggregate::Collect(of) => {
                    let element = self.value(of, &flow.columns);
                    if self.semantics.scripts.is_some() {
                        collected_in_script(&output.name, element)
                    } else {
                        if let Value::Cases(cases) = &element {
                            condition = condition.or(Some(cases.span));
                        }
                        Value::collected(&output.name, element)
                    }
                }
                Aggregate::Compute(of) => {
                    let mut value = Value::computed(Rc::clone(&output.name));
                    for argument in of {
                        match self.value(argument, &flow.columns) {
                            // A script says which of its conditions choose rows.
                            Value::Cases(cases) if self.semantics.scripts.is_none() => {
                                condition = condition.or(Some(cases.span));
                            }
                            unknown @ Value::Unknown(_) => value = unknown,
                            _ => {}
                        }
                    }
                    value
                }
            };
            if let Some(span) = condition {
                let message = format!("`{}` aggregates only some rows; its condition selects no event.", output.name);
                self.diagnostics.push(Diagnostic::note("condition of an aggregate", message).at(span));
            }
            made.push((Rc::clone(&output.name), value));
        }
        let picks_row = outputs.iter().any(|output| matches!(output.kind, Aggregate::PickRow));
        if !keeps_names {
            let list = flow.columns.list.take();
            let before = std::mem::take(&mut flow.columns);
            flow.columns.open.closed = true;
            flow.columns.sealed = !picks_row || before.sealed;
            flow.columns.list = list;
            if picks_row {
                flow.columns.known = before.known;
            }
        }
        for (name, value) in made {
            flow.columns.set(&name, value);
        }
        for output in outputs {
            if let Aggregate::OfNames { text, .. } = &output.kind {
                flow.columns.open.group(&output.name, text);
            }
        }
    }
}

/// What a script's aggregate collects of many rows: what is a list already stays one.
fn collected_in_script<'p>(name: &Rc<str>, element: Value<'p>) -> Value<'p> {
    match element {
        Value::List(_) | Value::Const(_) | Value::Named(_) | Value::Unknown(_) => element,
        Value::Time(_) | Value::Rows(_) | Value::Object(_) | Value::Row(..) | Value::Computed(_) => {
            Value::collected(name, Value::computed(Rc::clone(name)))
        }
        element => Value::collected(name, element),
    }
}
