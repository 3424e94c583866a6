//! Expressions that are values, and the elements that lambdas are about.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_ir::plan::{Const, ConstKind, Expr as Planned, ExprKind as PlannedKind, Wrapper};
use ruleatlas_model::{Modifier, Span};

use super::text::line;
use super::{Lowering, size};
use crate::ast::{Expr, ExprKind, PathStep};
use crate::function::{Meaning, meaning};

/// How long a field's path may be.
const MAX_PATH: usize = 300;
/// Why a longer one is not read.
const TOO_LONG: &str = "path is too long";
/// Bytes of a text that are a unit of work.
const BYTES_PER_WORK: usize = 32;

/// The lambdas around an expression, the innermost first.
pub(super) type Scope<'t> = Option<Rc<Lambda<'t>>>;

/// A lambda and what it is about.
pub(super) struct Lambda<'t> {
    /// The element.
    pub element: Value<'t>,
    /// How many lambdas stand around it, itself among them.
    pub depth: u32,
    pub outer: Scope<'t>,
}

/// What an expression stands for.
#[derive(Clone)]
pub(super) enum Value<'t> {
    /// A field of the message; whether it is one of an array's elements.
    Field { path: Rc<str>, of_element: bool },
    /// A constant.
    Constant(Const),
    /// An array that is written out, or made of another by a function.
    Array(&'t Expr, Scope<'t>),
    /// A list that is kept outside.
    List(Rc<str>),
    /// The first that is not missing.
    First(Rc<[Value<'t>]>),
    /// A value that is compared as another is.
    Wrapped(Wrapper, Rc<Value<'t>>),
    /// Computed, by its text; whether it was computed of an array's element.
    Computed(Rc<str>),
    /// A condition, with its text.
    Condition(Rc<Planned>, Rc<str>),
    /// Not known, and why.
    Unknown(Rc<str>),
}

impl Value<'_> {
    /// Whether it is a field of an array's element.
    pub fn is_of_element(&self) -> bool {
        match self {
            Self::Field { of_element, .. } => *of_element,
            Self::Wrapped(_, inner) => inner.is_of_element(),
            Self::First(values) => values.iter().any(Self::is_of_element),
            _ => false,
        }
    }
}

impl<'t> Lowering<'t, '_> {
    /// What an expression stands for.
    pub fn value(&mut self, expression: &'t Expr, scope: &Scope<'t>) -> Value<'t> {
        if !self.enter() {
            return Value::Unknown(Rc::from(BUDGET));
        }
        let value = self.value_of(expression, scope);
        self.budget.leave();
        value
    }

    fn value_of(&mut self, expression: &'t Expr, scope: &Scope<'t>) -> Value<'t> {
        let constant = |text: &str, kind| Value::Constant(Const::new(text, kind));
        match &expression.kind {
            ExprKind::Name(name) if name.len() > MAX_PATH => Value::Unknown(Rc::from(TOO_LONG)),
            ExprKind::Name(name) => Value::Field { path: Rc::from(name.as_str()), of_element: false },
            ExprKind::Element(dots) => {
                self.element(*dots, scope).unwrap_or_else(|| Value::Unknown(Rc::from("no element of that scope")))
            }
            ExprKind::Path(base, steps) => {
                let mut value = self.value(base, scope);
                for step in steps {
                    value = self.part(value, step, scope);
                }
                value
            }
            ExprKind::List(name) => Value::List(Rc::from(name.as_str())),
            // A lambda may be read once for each of many values, its texts with it.
            ExprKind::Text(text) if !self.budget.work(text.len() / BYTES_PER_WORK) => Value::Unknown(Rc::from(BUDGET)),
            ExprKind::Text(text) => constant(text, ConstKind::Text),
            ExprKind::Number(number) => constant(number, ConstKind::Number),
            ExprKind::Bool(value) => Value::Constant(Const::bool(*value)),
            ExprKind::Null => Value::Constant(Const::null()),
            ExprKind::Array(_) => Value::Array(expression, scope.clone()),
            ExprKind::Call { name, arguments } => self.called(name, arguments, expression, scope),
            ExprKind::Arithmetic(..) | ExprKind::Negative(_) => Value::Computed(self.text_of(expression, scope)),
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Compare(..)
            | ExprKind::In { .. }
            | ExprKind::IsNull { .. }
            | ExprKind::Of { .. } => {
                let text = self.text_of(expression, scope);
                Value::Condition(Rc::new(self.condition(expression, scope)), text)
            }
            ExprKind::Broken(_) => Value::Unknown(Rc::from("syntax error")),
        }
    }

    fn called(&mut self, name: &str, arguments: &'t [Expr], call: &'t Expr, scope: &Scope<'t>) -> Value<'t> {
        match (meaning(name), arguments) {
            (Meaning::Filter | Meaning::Map, [_, _])
            | (Meaning::Distinct, [_] | [_, _])
            | (Meaning::Flatten, [_])
            | (Meaning::Extract { .. }, [_, _, ..]) => Value::Array(call, scope.clone()),
            (Meaning::Filter | Meaning::Map | Meaning::Distinct | Meaning::Flatten | Meaning::Extract { .. }, _) => {
                Value::Unknown(Rc::from("wrong number of arguments"))
            }
            (Meaning::Coalesce, values) if !values.is_empty() => {
                Value::First(values.iter().map(|value| self.value(value, scope)).collect())
            }
            (Meaning::Confusables, [inner]) => {
                Value::Wrapped(Wrapper::Modified(Modifier::Confusables), Rc::new(self.value(inner, scope)))
            }
            (Meaning::Any | Meaning::All | Meaning::Test { .. }, _) => {
                let text = self.text_of(call, scope);
                Value::Condition(Rc::new(self.condition(call, scope)), text)
            }
            (Meaning::Unknown, _) => Value::Unknown(Rc::from("unknown function")),
            _ => {
                // What it is computed of decides on which lambda it depends.
                Value::Computed(self.text_of(call, scope))
            }
        }
    }

    /// The element that so many dots stand for.
    pub fn element(&mut self, dots: u32, scope: &Scope<'t>) -> Option<Value<'t>> {
        let mut lambda = scope.as_ref()?;
        for _ in 1..dots {
            lambda = lambda.outer.as_ref()?;
        }
        self.used = self.used.max(lambda.depth);
        Some(lambda.element.clone())
    }

    /// A part of a value.
    fn part(&mut self, value: Value<'t>, step: &'t PathStep, scope: &Scope<'t>) -> Value<'t> {
        match value {
            Value::Field { path, of_element } => {
                let longer: Option<String> = match step {
                    PathStep::Member(name) => Some(format!("{path}.{name}")),
                    PathStep::Index(index) => match &index.kind {
                        ExprKind::Text(key) => Some(format!("{path}.{key}")),
                        ExprKind::Number(at) if !at.contains(['-', '.']) => Some(format!("{path}[{at}]")),
                        _ => None,
                    },
                };
                match longer {
                    Some(path) if path.len() <= MAX_PATH => Value::Field { path: path.into(), of_element },
                    Some(_) => Value::Unknown(Rc::from(TOO_LONG)),
                    None => Value::Computed(line(&format!("{path}{}", self.step_text(step, scope)))),
                }
            }
            Value::Unknown(_) => value,
            other => {
                let text = self.label(&other);
                Value::Computed(line(&format!("{text}{}", self.step_text(step, scope))))
            }
        }
    }

    fn step_text(&mut self, step: &'t PathStep, scope: &Scope<'t>) -> String {
        self.steps_text(std::slice::from_ref(step), scope)
    }

    /// What a value is called.
    pub fn label(&mut self, value: &Value<'t>) -> Rc<str> {
        match value {
            Value::Field { path, .. } => Rc::clone(path),
            Value::Constant(constant) => line(&constant.text),
            Value::Array(array, scope) => self.text_of(array, scope),
            Value::List(name) => format!("${name}").into(),
            Value::First(values) => {
                let texts: Vec<Rc<str>> = values.iter().map(|value| self.label(value)).collect();
                line(&format!("coalesce({})", texts.join(", ")))
            }
            Value::Wrapped(_, inner) => self.label(inner),
            Value::Computed(text) | Value::Condition(_, text) => Rc::clone(text),
            Value::Unknown(reason) => Rc::clone(reason),
        }
    }

    /// A value of the plan.
    pub fn planned(&mut self, value: &Value<'t>, span: Span) -> Planned {
        let computed = |text: Rc<str>| PlannedKind::Computed { of: Vec::new(), text: Some(text) };
        let kind = match value {
            Value::Field { path, .. } => PlannedKind::OwnPath(Rc::clone(path)),
            Value::Constant(constant) => PlannedKind::Const(constant.clone()),
            Value::First(values) => PlannedKind::First(values.iter().map(|value| self.planned(value, span)).collect()),
            Value::Wrapped(wrapper, inner) => {
                let inner = self.planned(inner, span);
                PlannedKind::Wrap(*wrapper, Box::new(inner))
            }
            Value::Condition(condition, _) if self.budget.work(size(condition)) => return (**condition).clone(),
            Value::Condition(..) => PlannedKind::Opaque(Rc::from(BUDGET)),
            Value::Unknown(reason) => PlannedKind::Opaque(Rc::clone(reason)),
            Value::Array(..) | Value::List(_) | Value::Computed(_) => computed(self.label(value)),
        };
        Planned::new(kind, span)
    }
}
