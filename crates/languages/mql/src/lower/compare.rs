//! Comparisons: of values, with lists, and of how many there are.

use std::rc::Rc;

use ruleatlas_ir::plan::{
    CaseRule, Comparison, Const, ConstKind, Expr as Planned, ExprKind as PlannedKind, MissingRule, Operand, Relation,
    Wrapper,
};
use ruleatlas_model::{Missing, Node, Op, Predicate, Span};

use super::array::presence;
use super::value::{Scope, Value};
use super::{Lowering, negate};
use crate::ast::{CompareOp, Expr, ExprKind};
use crate::function::{Meaning, is_array, meaning};

/// A comparison by the rules of the language: null where a field of the message is missing. An element without the
/// field is none that is looked for.
pub(super) fn comparison(relation: Relation, any_case: bool, of_element: bool) -> Comparison {
    let case = if any_case { CaseRule::Ignore } else { CaseRule::Exact };
    let missing = if of_element { MissingRule::Fails } else { MissingRule::Null };
    Comparison::new(relation, case, missing)
}

/// How many there must be.
enum Wanted {
    /// At least one, which is all that is asked.
    Some,
    /// None.
    None,
    /// More than one: that there is one is necessary.
    More,
    /// Anything else.
    Open,
}

fn wanted(op: CompareOp, number: &str) -> Wanted {
    let Ok(number) = number.parse::<f64>() else { return Wanted::Open };
    let (is_none, is_one) = (number == 0.0, number == 1.0);
    match op {
        CompareOp::Greater | CompareOp::NotEqual if is_none => Wanted::Some,
        CompareOp::GreaterEqual if is_one => Wanted::Some,
        CompareOp::Equal | CompareOp::LessEqual if is_none => Wanted::None,
        CompareOp::Less if is_one => Wanted::None,
        CompareOp::Greater if number > 0.0 => Wanted::More,
        CompareOp::GreaterEqual if number > 1.0 => Wanted::More,
        CompareOp::Equal if number > 0.0 => Wanted::More,
        _ => Wanted::Open,
    }
}

impl<'t> Lowering<'t, '_> {
    /// `a < b < c`.
    pub fn comparison(
        &mut self,
        first: &'t Expr,
        rest: &'t [(CompareOp, Expr)],
        span: Span,
        scope: &Scope<'t>,
    ) -> Planned {
        let mut left = first;
        let mut parts = Vec::with_capacity(rest.len());
        for (op, right) in rest {
            let part = if rest.len() == 1 { span } else { left.span.to(right.span) };
            parts.push(self.pair(*op, left, right, part, scope));
            left = right;
        }
        match parts.len() {
            1 => parts.remove(0),
            _ => Planned::new(PlannedKind::All(parts), span),
        }
    }

    fn pair(&mut self, op: CompareOp, left: &'t Expr, right: &'t Expr, span: Span, scope: &Scope<'t>) -> Planned {
        for (op, number, counted) in [(op, right, left), (op.flipped(), left, right)] {
            if let ExprKind::Number(number) = &number.kind
                && let Some(found) = self.counted(op, number, counted, span, scope)
            {
                return found;
            }
        }
        self.plain_pair(op, left, right, span, scope)
    }

    fn plain_pair(&mut self, op: CompareOp, left: &'t Expr, right: &'t Expr, span: Span, scope: &Scope<'t>) -> Planned {
        let (first, second) = (self.value(left, scope), self.value(right, scope));
        let (relation, negated, any_case) = match op {
            CompareOp::Equal => (Relation::Equal, false, false),
            CompareOp::NotEqual => (Relation::Equal, true, false),
            CompareOp::EqualAnyCase => (Relation::Equal, false, true),
            CompareOp::NotEqualAnyCase => (Relation::Equal, true, true),
            CompareOp::Less => (Relation::Less, false, false),
            CompareOp::LessEqual => (Relation::LessEqual, false, false),
            CompareOp::Greater => (Relation::Greater, false, false),
            CompareOp::GreaterEqual => (Relation::GreaterEqual, false, false),
        };
        let of_element = first.is_of_element() || second.is_of_element();
        let comparison = comparison(relation, any_case, of_element).negated(negated);
        let (first, second) = (self.planned(&first, left.span), self.planned(&second, right.span));
        Planned::new(PlannedKind::Compare(comparison, Box::new(first), Operand::One(Box::new(second))), span)
    }

    /// A comparison of how many there are of something with a number: what it says beside the number.
    fn counted(
        &mut self,
        op: CompareOp,
        number: &str,
        counted: &'t Expr,
        span: Span,
        scope: &Scope<'t>,
    ) -> Option<Planned> {
        let ExprKind::Call { name, arguments } = &counted.kind else { return None };
        let wanted = wanted(op, number);
        if matches!(wanted, Wanted::Open) {
            return None;
        }
        let one = match (meaning(name), arguments.as_slice()) {
            (Meaning::Length, [array]) => self.some_of(array, scope)?,
            (Meaning::Count(test), [subject, patterns @ ..]) if !patterns.is_empty() => {
                let Meaning::Test { relation, any_case } = meaning(test) else { return None };
                self.test(relation, any_case, subject, patterns, counted.span, scope)
            }
            _ => return None,
        };
        Some(match wanted {
            Wanted::Some => Planned { span, ..one },
            Wanted::None => negate(Planned { span, ..one }),
            Wanted::More | Wanted::Open => {
                let text = self.text_of(counted, scope);
                let count = Planned::new(PlannedKind::Computed { of: Vec::new(), text: Some(text) }, counted.span);
                let number = Planned::new(PlannedKind::Const(Const::new(number, ConstKind::Number)), span);
                let relation = match op {
                    CompareOp::Greater => Relation::Greater,
                    CompareOp::GreaterEqual => Relation::GreaterEqual,
                    _ => Relation::Equal,
                };
                let comparison = comparison(relation, true, false);
                let right = Operand::One(Box::new(number));
                let many = Planned::new(PlannedKind::Compare(comparison, Box::new(count), right), span);
                Planned::new(PlannedKind::All(vec![one, many]), span)
            }
        })
    }

    /// Whether an array has an element; `None` where it is not known to be an array, or is nothing but a computed one.
    fn some_of(&mut self, array: &'t Expr, scope: &Scope<'t>) -> Option<Planned> {
        if let ExprKind::Call { name, .. } = &array.kind {
            let is_made = matches!(meaning(name), Meaning::Filter | Meaning::Map | Meaning::Distinct);
            return is_made.then(|| self.is_filled(array, scope));
        }
        match self.value(array, scope) {
            Value::Field { path, .. } if is_array(&path) => {
                let array = Planned::new(PlannedKind::OwnPath(path), array.span);
                let span = array.span;
                Some(presence(array, true, span))
            }
            _ => None,
        }
    }

    /// Whether a value is there, or missing.
    pub fn presence(&mut self, subject: &'t Expr, scope: &Scope<'t>, present: bool) -> Planned {
        let value = self.value(subject, scope);
        let span = subject.span;
        let planned = match &value {
            Value::Constant(constant) if constant.kind == ConstKind::Parameter => {
                return Planned::new(PlannedKind::Const(Const::bool(present)), span);
            }
            // A condition may be null; whether it is, nothing but its parts say.
            Value::Condition(_, text) => {
                Planned::new(PlannedKind::Computed { of: Vec::new(), text: Some(Rc::clone(text)) }, span)
            }
            value => self.planned(value, span),
        };
        presence(planned, present, span)
    }

    /// Whether a text is so with any of some patterns.
    pub fn test(
        &mut self,
        relation: Relation,
        any_case: bool,
        subject: &'t Expr,
        patterns: &'t [Expr],
        span: Span,
        scope: &Scope<'t>,
    ) -> Planned {
        let value = self.value(subject, scope);
        let mut constants = Vec::new();
        let mut others = Vec::new();
        let mut of_element = value.is_of_element();
        for pattern in patterns {
            match self.value(pattern, scope) {
                constant @ Value::Constant(_) => constants.push(self.planned(&constant, pattern.span)),
                other => {
                    of_element |= other.is_of_element();
                    others.push(self.planned(&other, pattern.span));
                }
            }
        }
        let comparison = comparison(relation, any_case, of_element);
        let mut parts = Vec::new();
        if !constants.is_empty() {
            let right = match constants.len() {
                1 => Operand::One(Box::new(constants.remove(0))),
                _ => Operand::AnyOf(constants),
            };
            let left = self.planned(&value, subject.span);
            parts.push(Planned::new(PlannedKind::Compare(comparison, Box::new(left), right), span));
        }
        for other in others {
            let left = self.planned(&value, subject.span);
            let right = Operand::One(Box::new(other));
            parts.push(Planned::new(PlannedKind::Compare(comparison, Box::new(left), right), span));
        }
        match parts.len() {
            1 => parts.remove(0),
            _ => Planned::new(PlannedKind::Any(parts), span),
        }
    }

    /// Whether a value is one of a list.
    pub fn membership(
        &mut self,
        subject: &'t Expr,
        list: &'t Expr,
        negated: bool,
        any_case: bool,
        membership: &'t Expr,
        scope: &Scope<'t>,
    ) -> Planned {
        let span = membership.span;
        let value = self.value(subject, scope);
        let mut parts = Vec::new();
        match &list.kind {
            ExprKind::Array(items) => {
                let mut plain = Vec::new();
                for item in items {
                    match self.value(item, scope) {
                        Value::List(name) => parts.push(self.in_list(&value, &name, negated, any_case, span)),
                        other => plain.push(self.planned(&other, item.span)),
                    }
                }
                if !plain.is_empty() || parts.is_empty() {
                    let comparison = comparison(Relation::Equal, any_case, value.is_of_element()).negated(negated);
                    let left = Box::new(self.planned(&value, subject.span));
                    parts.insert(0, Planned::new(PlannedKind::Compare(comparison, left, Operand::AnyOf(plain)), span));
                }
            }
            _ => match self.value(list, scope) {
                Value::List(name) => parts.push(self.in_list(&value, &name, negated, any_case, span)),
                _ => {
                    let found = self.is_among(value, list, any_case, membership, scope);
                    parts.push(if negated { negate(found) } else { found });
                }
            },
        }
        match parts.len() {
            1 => parts.remove(0),
            _ if negated => Planned::new(PlannedKind::All(parts), span),
            _ => Planned::new(PlannedKind::Any(parts), span),
        }
    }

    /// Whether a value is in a list that is kept outside.
    fn in_list(&mut self, value: &Value<'t>, list: &str, negated: bool, any_case: bool, span: Span) -> Planned {
        let (subject, modifier) = match value {
            Value::Wrapped(Wrapper::Modified(modifier), inner) => (&**inner, Some(*modifier)),
            other => (other, None),
        };
        if let Value::Unknown(reason) = subject {
            return Planned::opaque(reason, span);
        }
        let mut predicate = Predicate::new(&*self.label(subject), Op::InList, [list]);
        predicate.computed = !matches!(subject, Value::Field { .. });
        predicate.negated = negated;
        predicate.case_sensitive = !any_case;
        predicate.modifiers = modifier.into();
        predicate.missing = if value.is_of_element() { Missing::Fails } else { Missing::Null };
        predicate.span = span;
        Planned::new(PlannedKind::Condition(Rc::new(Node::from(predicate))), span)
    }
}
