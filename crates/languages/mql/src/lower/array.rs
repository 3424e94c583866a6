//! Conditions on the elements of arrays.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_ir::plan::{Const, ConstKind, Expr as Planned, ExprKind as PlannedKind, Operand, Relation};
use ruleatlas_model::Span;

use super::compare::comparison;
use super::value::{Lambda, Scope, Value};
use super::{Lowering, negate};
use crate::ast::{Expr, ExprKind};
use crate::function::{Meaning, meaning};

/// What is asked of an element, a conjunct each with the innermost lambda that it depends on.
type Conjuncts = Vec<(Planned, u32)>;

/// What is asked of an array's elements in the end.
enum Body<'t> {
    /// The condition of a lambda; whether an element is looked for that does not satisfy it.
    Lambda { lambda: &'t Expr, scope: Scope<'t>, inverted: bool },
    /// That it equals a value.
    Equals { value: Value<'t>, any_case: bool },
    /// Nothing: any element is enough.
    Exists,
}

/// A function that makes an array of another.
enum Around<'t> {
    /// It keeps the elements that satisfy the lambda.
    Filter(&'t Expr, Scope<'t>),
    /// It gives what the lambda makes of each.
    Map(&'t Expr, Scope<'t>),
}

/// What is asked of each element of an array.
struct Asked<'t> {
    body: Body<'t>,
    /// The functions around the array, the outermost first.
    around: Vec<Around<'t>>,
    /// The text of the whole search.
    text: Rc<str>,
    span: Span,
}

impl<'t> Lowering<'t, '_> {
    /// Whether some element of an array satisfies a lambda, or, `inverted`, does not.
    pub fn any(
        &mut self,
        array: &'t Expr,
        lambda: Option<&'t Expr>,
        inverted: bool,
        call: &'t Expr,
        scope: &Scope<'t>,
    ) -> Planned {
        let text = self.text_of(call, scope);
        let body = match lambda {
            Some(lambda) => Body::Lambda { lambda, scope: scope.clone(), inverted },
            None => Body::Exists,
        };
        self.search(array, scope, body, text, call.span)
    }

    /// Whether an array has an element at all.
    pub fn is_filled(&mut self, array: &'t Expr, scope: &Scope<'t>) -> Planned {
        let text = self.text_of(array, scope);
        self.search(array, scope, Body::Exists, text, array.span)
    }

    fn search(&mut self, array: &'t Expr, scope: &Scope<'t>, body: Body<'t>, text: Rc<str>, span: Span) -> Planned {
        self.depth += 1;
        let planned = self.among(array, scope, Asked { body, around: Vec::new(), text, span });
        self.depth -= 1;
        planned
    }

    /// Whether some element of an array is as asked.
    fn among(&mut self, array: &'t Expr, scope: &Scope<'t>, mut asked: Asked<'t>) -> Planned {
        if !self.enter() {
            return Planned::opaque(BUDGET, array.span);
        }
        let planned = match &array.kind {
            ExprKind::Call { name, arguments } => match (meaning(name), arguments.as_slice()) {
                (Meaning::Filter, [inner, lambda]) => {
                    asked.around.push(Around::Filter(lambda, scope.clone()));
                    self.among(inner, scope, asked)
                }
                (Meaning::Map, [inner, lambda]) => {
                    asked.around.push(Around::Map(lambda, scope.clone()));
                    self.among(inner, scope, asked)
                }
                (Meaning::Flatten, [inner]) | (Meaning::Distinct, [inner]) => self.among(inner, scope, asked),
                (Meaning::Distinct, [inner, key]) if matches!(key.kind, ExprKind::Element(1)) => {
                    self.among(inner, scope, asked)
                }
                (Meaning::Distinct, [inner, _]) => {
                    // Of the elements with one key the first stays: one that is as asked may be left out.
                    let (text, span) = (Rc::clone(&asked.text), asked.span);
                    let is_exact = matches!(asked.body, Body::Exists) && asked.around.is_empty();
                    let found = self.among(inner, scope, asked);
                    if is_exact {
                        found
                    } else {
                        let kept = PlannedKind::Computed { of: Vec::new(), text: Some(text) };
                        Planned::new(PlannedKind::All(vec![found, Planned::new(kept, span)]), span)
                    }
                }
                (Meaning::Extract { any_case }, [subject, patterns @ ..]) if !patterns.is_empty() => {
                    // A match is there only where the text has one.
                    let matches = self.test(Relation::Regex, any_case, subject, patterns, array.span, scope);
                    let element = Value::Computed(self.text_of(array, scope));
                    let conjuncts = self.conjuncts(element, &asked);
                    let mut parts: Vec<Planned> = vec![matches];
                    parts.extend(conjuncts.into_iter().map(|(planned, _)| planned));
                    Planned::new(PlannedKind::All(parts), asked.span)
                }
                _ => {
                    let value = self.value(array, scope);
                    self.among_value(value, asked)
                }
            },
            ExprKind::Array(items) => {
                let mut found = Vec::with_capacity(items.len());
                for item in items {
                    let element = self.value(item, scope);
                    let conjuncts = self.conjuncts(element, &asked);
                    let parts = conjuncts.into_iter().map(|(planned, _)| planned).collect();
                    found.push(Planned::new(PlannedKind::All(parts), asked.span));
                    if self.budget.is_spent() {
                        break;
                    }
                }
                Planned::new(PlannedKind::Any(found), asked.span)
            }
            _ => {
                let value = self.value(array, scope);
                self.among_value(value, asked)
            }
        };
        self.budget.leave();
        planned
    }

    fn among_value(&mut self, value: Value<'t>, asked: Asked<'t>) -> Planned {
        let span = asked.span;
        match value {
            // An array that a lambda is about.
            Value::Array(array, scope) => self.among(array, &scope, asked),
            Value::List(name) => {
                let parameter = Const::new(format!("${name}"), ConstKind::Parameter);
                let conjuncts = self.conjuncts(Value::Constant(parameter), &asked);
                Planned::new(PlannedKind::All(conjuncts.into_iter().map(|(planned, _)| planned).collect()), span)
            }
            Value::Field { path, .. } => {
                let depth = self.depth;
                let element = Value::Field { path: Rc::clone(&path), of_element: true };
                let conjuncts = self.conjuncts(element, &asked);
                let (inner, outer): (Conjuncts, Conjuncts) =
                    conjuncts.into_iter().partition(|(_, used)| *used >= depth);
                let inner: Vec<Planned> = inner.into_iter().map(|(planned, _)| planned).collect();
                let mut parts: Vec<Planned> = outer.into_iter().map(|(planned, _)| planned).collect();
                parts.push(if inner.is_empty() {
                    let array = Planned::new(PlannedKind::OwnPath(path), span);
                    presence(array, true, span)
                } else if let [only] = inner.as_slice()
                    && is_reference_out_of(only, &path)
                {
                    only.clone()
                } else {
                    let inner = Planned::new(PlannedKind::All(inner), span);
                    Planned::new(PlannedKind::AnyElement(Box::new(inner), asked.text), span)
                });
                Planned::new(PlannedKind::All(parts), span)
            }
            Value::Unknown(reason) => Planned::opaque(&reason, span),
            other => {
                let text = self.label(&other);
                let depth = self.depth;
                let conjuncts = self.conjuncts(Value::Computed(Rc::clone(&text)), &asked);
                let is_open = conjuncts.iter().all(|(_, used)| *used < depth);
                let mut parts: Vec<Planned> = conjuncts.into_iter().map(|(planned, _)| planned).collect();
                if is_open {
                    let array = PlannedKind::Computed { of: Vec::new(), text: Some(text) };
                    parts.push(presence(Planned::new(array, span), true, span));
                }
                Planned::new(PlannedKind::All(parts), span)
            }
        }
    }

    /// What is asked of one element.
    fn conjuncts(&mut self, element: Value<'t>, asked: &Asked<'t>) -> Conjuncts {
        let mut element = element;
        let mut found = Conjuncts::new();
        let mut is_mapped = false;
        for around in asked.around.iter().rev() {
            match around {
                Around::Filter(lambda, scope) => {
                    let scope = self.inside(element.clone(), scope);
                    self.add(lambda, false, &scope, &mut found);
                }
                Around::Map(lambda, scope) => {
                    let scope = self.inside(element, scope);
                    element = self.value(lambda, &scope);
                    is_mapped = true;
                }
            }
        }
        let span = asked.span;
        match &asked.body {
            Body::Lambda { lambda, scope, inverted } => {
                let scope = self.inside(element, scope);
                self.add(lambda, *inverted, &scope, &mut found);
            }
            Body::Equals { value, any_case } => {
                let (left, right) = (self.planned(&element, span), self.planned(value, span));
                let is_of_element = element.is_of_element() || value.is_of_element();
                let comparison = comparison(Relation::Equal, *any_case, is_of_element);
                let right = Operand::One(Box::new(right));
                found.push((Planned::new(PlannedKind::Compare(comparison, Box::new(left), right), span), self.depth));
            }
            // What a map gives has to be there.
            Body::Exists if is_mapped => {
                let planned = match &element {
                    Value::Array(array, scope) => self.is_filled(array, scope),
                    element => presence(self.planned(element, span), true, span),
                };
                found.push((planned, self.depth));
            }
            Body::Exists => {}
        }
        found
    }

    /// The scope of a lambda about an element.
    fn inside(&mut self, element: Value<'t>, outer: &Scope<'t>) -> Scope<'t> {
        Some(Rc::new(Lambda { element, depth: self.depth, outer: outer.clone() }))
    }

    /// Adds what a lambda asks.
    fn add(&mut self, lambda: &'t Expr, inverted: bool, scope: &Scope<'t>, to: &mut Conjuncts) {
        let parts = match &lambda.kind {
            ExprKind::And(parts) if !inverted => parts.as_slice(),
            ExprKind::Bool(true) if !inverted => &[],
            _ => std::slice::from_ref(lambda),
        };
        for part in parts {
            let outer = std::mem::replace(&mut self.used, 0);
            let planned = self.condition(part, scope);
            let planned = if inverted { negate(planned) } else { planned };
            to.push((planned, self.used));
            self.used = self.used.max(outer);
        }
    }

    /// Whether a value is one of an array's.
    pub fn is_among(
        &mut self,
        value: Value<'t>,
        array: &'t Expr,
        any_case: bool,
        membership: &'t Expr,
        scope: &Scope<'t>,
    ) -> Planned {
        let text = self.text_of(membership, scope);
        self.search(array, scope, Body::Equals { value, any_case }, text, membership.span)
    }
}

/// Whether a condition on an element compares one of its fields with a field of the message alone: whichever element
/// it is, the other side is the same.
fn is_reference_out_of(planned: &Planned, array: &str) -> bool {
    let path = |planned: &Planned| match &planned.kind {
        PlannedKind::OwnPath(path) => Some(Rc::clone(path)),
        _ => None,
    };
    let is_inside =
        |path: &str| path.strip_prefix(array).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    let PlannedKind::Compare(comparison, left, Operand::One(right)) = &planned.kind else { return false };
    match (path(left), path(right)) {
        (Some(left), Some(right)) if !comparison.negated => is_inside(&left) != is_inside(&right),
        _ => false,
    }
}

/// Whether there is a value.
pub(super) fn presence(of: Planned, present: bool, span: Span) -> Planned {
    Planned::new(PlannedKind::Presence { of: Box::new(of), present, empty_is_null: false }, span)
}
