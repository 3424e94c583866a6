//! Functions of a language's table, and expressions that are read once for several places.

use std::rc::Rc;

use crate::columns::Columns;
use crate::engine::Engine;
use crate::plan::{Const, ConstKind, Expr, Function, Gives, Known};
use crate::value::{Cut, Letters, Value};

impl<'p> Engine<'p, '_> {
    /// What a function gives for what its arguments stand for.
    pub fn apply(&mut self, function: &Function, arguments: &'p [Expr], columns: &Columns<'p>) -> Value<'p> {
        let values: Vec<Value<'p>> = arguments.iter().map(|argument| self.value(argument, columns)).collect();
        if let Some(fold) = function.fold
            && let Some(value) = self.folded(fold, &values)
        {
            return value;
        }
        let is_field = |value: &Value<'p>| matches!(value, Value::Field(_));
        if function.gives == Gives::Collection && !values.is_empty() && values.iter().all(is_field) {
            let any = Value::either(values, &|| Rc::from(""));
            return Value::Collected(Rc::from(""), Rc::new(any));
        }
        let first = || values.first().cloned().unwrap_or_else(|| Value::computed(Rc::from("")));
        match function.gives {
            Gives::Argument(at) => {
                return values.get(at).cloned().unwrap_or_else(|| Value::computed(Rc::from("")));
            }
            Gives::Lower => return first().in_letters(Letters::Lower),
            Gives::Upper => return first().in_letters(Letters::Upper),
            Gives::Time => {
                let time = values.iter().find(|value| matches!(value, Value::Time(_)));
                return time.cloned().unwrap_or_else(|| Value::computed(Rc::from("")));
            }
            _ => {}
        }
        if let Some(unknown) = values.iter().find(|value| matches!(value, Value::Unknown(_))) {
            return unknown.clone();
        }
        if let Some(named) = values.iter().find(|value| matches!(value, Value::Named(_))) {
            return named.clone();
        }
        match (function.gives, values.as_slice()) {
            (Gives::Cut, values) => match values.iter().find_map(Value::origin_with_step) {
                Some((from, step)) => Value::Cut(Cut { from, step, text: None, letters: Letters::AsWritten }),
                None => Value::computed(Rc::from("")),
            },
            (Gives::Only, [only]) => only.clone(),
            // A time moved by a duration is a time; the distance of two times is none.
            (Gives::Moved { .. }, [time @ Value::Time(_), Value::Const(_) | Value::Computed(_)])
            | (Gives::Moved { either: true }, [Value::Const(_) | Value::Computed(_), time @ Value::Time(_)]) => {
                time.clone()
            }
            (Gives::Unknown(reason), _) => Value::Unknown(Rc::from(reason)),
            _ => Value::computed(Rc::from("")),
        }
    }

    /// What a function gives for constants, where that can be worked out.
    fn folded(&mut self, fold: fn(&[Known]) -> Known, values: &[Value<'p>]) -> Option<Value<'p>> {
        let mut known = Vec::with_capacity(values.len());
        for value in values {
            known.push(match value {
                Value::Const(constant) => Known::One(constant.clone()),
                value => match value.constants() {
                    Some(constants) => {
                        if !self.budget.work(constants.len() / 8) {
                            self.report_budget();
                            return None;
                        }
                        Known::Many(constants)
                    }
                    None => Known::Nothing,
                },
            });
        }
        match fold(&known) {
            Known::One(constant) => Some(Value::Const(constant)),
            Known::Many(constants) => Some(Value::List(constants.into())),
            Known::Nothing => None,
        }
    }

    /// What an expression stands for that is read once, without the columns of any table.
    pub fn shared_value(&mut self, at: usize) -> Value<'p> {
        if let Some(value) = self.shared.get(&at) {
            return value.clone();
        }
        let Some(expr) = self.plan.shared.get(at) else { return Value::computed(Rc::from("")) };
        let value = self.value(expr, &Columns::nowhere());
        self.shared.insert(at, value.clone());
        value
    }

    /// Reads the values of names that a body has.
    pub fn bind(&mut self, bindings: &'p [(u32, Expr)], columns: &Columns<'p>) {
        for (local, expr) in bindings {
            let value = self.value(expr, columns);
            self.locals.insert(*local, value);
        }
    }

    /// What a name of a body stands for.
    pub fn local(&self, local: u32) -> Value<'p> {
        self.locals.get(&local).cloned().unwrap_or_else(|| Value::computed(Rc::from("")))
    }

    /// The member or element of a base that an expression says.
    pub fn index(&mut self, base: &'p Expr, index: &'p Expr, columns: &Columns<'p>) -> Value<'p> {
        let base = self.value(base, columns);
        let nothing = || Rc::from("");
        match self.value(index, columns) {
            Value::Const(Const { text, kind: ConstKind::Number }) => base.element(&text, &nothing),
            Value::Const(Const { text, .. }) => base.member(&text, &nothing),
            _ => match base.origin_with_step() {
                Some((from, step)) => Value::Cut(Cut { from, step, text: None, letters: Letters::AsWritten }),
                None => Value::computed(nothing()),
            },
        }
    }
}
