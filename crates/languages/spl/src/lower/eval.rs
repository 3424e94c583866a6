//! The expressions of `eval` and `where`: with case, null where a field is null.

use std::rc::Rc;

use ruleatlas_ir::plan::{CaseRule, Comparison, Const, Expr, ExprKind, MissingRule, Operand, PatternSyntax, Relation};
use ruleatlas_syntax::ErrorKind as _;

use super::{Lowering, clip, compare, in_eval, is_token, literal, matches, name, named::Named, not, nothing, opaque};
use crate::{
    ast::{self, CompareOp},
    functions::{self, Meaning, Test},
};

type Kind = ast::ExprKind;

impl Lowering<'_> {
    /// What an expression stands for.
    pub(super) fn value(&mut self, expr: &ast::Expr) -> Expr {
        let span = expr.span;
        if let Some(reason) = expr.not_understood() {
            return opaque(&clip(&Named(expr).to_string()), reason, span);
        }
        match &expr.kind {
            Kind::Text(text) => Expr::text(text, span),
            Kind::Number(text) => literal(text, span),
            Kind::Field(field) if field.eq_ignore_ascii_case("null") => null(expr),
            Kind::Field(field) => name(field, span),
            Kind::Call(name, arguments) => self.call(expr, name, arguments),
            Kind::Binary(sign, left, right) => self.arithmetic(expr, sign, left, right),
            Kind::Compare(..)
            | Kind::In(..)
            | Kind::And(_)
            | Kind::Or(_)
            | Kind::Xor(..)
            | Kind::Not(_)
            | Kind::Search { .. }
            | Kind::Opaque { .. } => self.condition(expr),
            Kind::Minus(_) | Kind::Sub(_) => computed(expr),
        }
    }

    fn values(&mut self, exprs: &[ast::Expr]) -> Vec<Expr> {
        exprs.iter().map(|expr| self.value(expr)).collect()
    }

    fn arithmetic(&mut self, expr: &ast::Expr, sign: &str, left: &ast::Expr, right: &ast::Expr) -> Expr {
        let span = expr.span;
        let text = || Rc::from(clip(&Named(expr).to_string()));
        let mut sides = || (Box::new(self.value(left)), Box::new(self.value(right)));
        match sign {
            "." => {
                let (left, right) = sides();
                Expr::new(ExprKind::Concat(left, right, text()), span)
            }
            "-" => {
                let (left, right) = sides();
                Expr::new(ExprKind::Difference(left, right, text()), span)
            }
            "+" => {
                let (left, right) = sides();
                let moved = Expr::new(ExprKind::Moved(left, right), span);
                Expr::new(ExprKind::Called(Box::new(moved), text()), span)
            }
            _ => computed(expr),
        }
    }

    fn call(&mut self, expr: &ast::Expr, name: &str, arguments: &[ast::Expr]) -> Expr {
        let span = expr.span;
        let kind = match (functions::meaning(name, arguments.len()), arguments) {
            (Meaning::Null, _) => return null(expr),
            (Meaning::Truth(truth), _) => ExprKind::Const(Const::bool(truth)),
            (Meaning::Time, _) => ExprKind::Now,
            (Meaning::Wrapper(wrapper), [inner, ..]) => return self.value(inner).wrapped(wrapper),
            (Meaning::Changed, [inner, ..]) => {
                ExprKind::Changed(Box::new(self.value(inner)), Rc::from(clip(&Named(expr).to_string())))
            }
            (Meaning::First, _) => ExprKind::First(self.values(arguments)),
            (Meaning::AnyValue, _) => ExprKind::AnyValue(self.values(arguments)),
            (Meaning::If | Meaning::Case, _) if let Some(order) = first_present(name, arguments) => {
                ExprKind::First(order.iter().map(|argument| self.value(argument)).collect())
            }
            (Meaning::If, [condition, then, otherwise]) => {
                let arms = vec![(self.condition(condition), self.value(then))];
                ExprKind::Case { arms, otherwise: Some(Box::new(self.value(otherwise))) }
            }
            (Meaning::NullIf, [value, other]) => {
                let equal = compare(in_eval(Relation::Equal), self.value(value), vec![self.value(other)], span);
                let arms = vec![(equal, null(expr))];
                ExprKind::Case { arms, otherwise: Some(Box::new(self.value(value))) }
            }
            (Meaning::Case, _) => {
                let mut arms = Vec::new();
                for pair in arguments.chunks_exact(2) {
                    if let [condition, value] = pair {
                        arms.push((self.condition(condition), self.value(value)));
                    }
                }
                ExprKind::Case { arms, otherwise: None }
            }
            // The place of a value that matches, or null.
            (Meaning::Find, [subject, pattern]) => {
                let found = self.test(expr, Test::Regex, &[subject, pattern]);
                ExprKind::Case { arms: vec![(found, literal("0", span))], otherwise: None }
            }
            (Meaning::Filter, [condition]) => match first_field(condition) {
                Some(field) => {
                    let arms = vec![(self.condition(condition), super::name(field, span))];
                    ExprKind::Case { arms, otherwise: None }
                }
                None => return computed(expr),
            },
            (Meaning::JsonPath, [inner, ast::Expr { kind: Kind::Text(path), .. }]) => {
                let member = ExprKind::Member(Box::new(self.value(inner)), Rc::from(path.as_str()));
                ExprKind::Called(Box::new(Expr::new(member, span)), Rc::from(clip(&Named(expr).to_string())))
            }
            (Meaning::Test(test), _) => {
                let arguments: Vec<&ast::Expr> = arguments.iter().collect();
                return self.test(expr, test, &arguments);
            }
            (Meaning::Unknown, _) => return opaque(&clip(&Named(expr).to_string()), "function is not known", span),
            _ => return computed(expr),
        };
        Expr::new(kind, span)
    }

    /// An expression that stands where a condition is meant.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> Expr {
        let span = expr.span;
        let kind = match &expr.kind {
            Kind::And(parts) => ExprKind::All(parts.iter().map(|part| self.condition(part)).collect()),
            Kind::Or(parts) => ExprKind::Any(parts.iter().map(|part| self.condition(part)).collect()),
            Kind::Not(inner) => return not(self.condition(inner)),
            Kind::Xor(left, right) => ExprKind::Xor(Box::new(self.condition(left)), Box::new(self.condition(right))),
            Kind::Compare(..) | Kind::In(..) | Kind::Call(..) if expr.not_understood().is_some() => {
                return opaque(&clip(&Named(expr).to_string()), expr.not_understood().unwrap_or_default(), span);
            }
            Kind::Compare(op, left, right) => return self.compare_sides(*op, left, right, expr),
            Kind::In(field, values) => {
                let values: Vec<&ast::Expr> = values.iter().collect();
                return self.is_in(field, &values, expr);
            }
            Kind::Call(name, arguments) => match (functions::meaning(name, arguments.len()), arguments.as_slice()) {
                (Meaning::Truth(_) | Meaning::Test(_) | Meaning::Unknown, _) => {
                    return self.call(expr, name, arguments);
                }
                (Meaning::If, [condition, then, otherwise]) => {
                    let arms = vec![(self.condition(condition), self.condition(then))];
                    ExprKind::Case { arms, otherwise: Some(Box::new(self.condition(otherwise))) }
                }
                _ => return self.is_true(expr),
            },
            Kind::Number(number) => {
                ExprKind::Const(Const::bool(number.parse::<f64>().is_ok_and(|number| number != 0.0)))
            }
            Kind::Text(text) => ExprKind::Const(Const::bool(text.eq_ignore_ascii_case("true"))),
            Kind::Field(_) | Kind::Binary(..) | Kind::Minus(_) => return self.is_true(expr),
            Kind::Search { search, .. } => return self.search(search),
            Kind::Sub(pipeline) => return self.sub_search(pipeline),
            Kind::Opaque { text, kind } => return opaque(text, kind.title(), span),
        };
        Expr::new(kind, span)
    }

    /// A value as a truth test.
    fn is_true(&mut self, expr: &ast::Expr) -> Expr {
        let comparison = Comparison { case: CaseRule::Ignore, ..in_eval(Relation::Equal) };
        compare(comparison, self.value(expr), vec![Expr::text("true", expr.span)], expr.span)
    }

    fn compare_sides(&mut self, op: CompareOp, left: &ast::Expr, right: &ast::Expr, expr: &ast::Expr) -> Expr {
        if is_join_token(left) || is_join_token(right) {
            return nothing(expr.span);
        }
        let (relation, negated) = op.relation();
        let comparison = Comparison { chooses: true, ..in_eval(relation).negated(negated) };
        let written = |side: &ast::Expr, value| {
            let text = Rc::from(clip(&Named(side).to_string()));
            Expr::new(ExprKind::Written(Box::new(value), text), side.span)
        };
        let (mut left_value, mut right_value) = (self.value(left), self.value(right));
        if !is_literal(left) && !is_literal(right) {
            left_value = written(left, left_value);
            right_value = written(right, right_value);
        }
        let made = compare(comparison, left_value, vec![right_value], expr.span);
        let (Kind::Field(field), Kind::Text(text)) = (&left.kind, &right.kind) else { return made };
        match self.event_types(field, op, std::slice::from_ref(text), expr.span) {
            Some(otherwise) => {
                let (made, otherwise) = (Box::new(made), Box::new(otherwise));
                Expr::new(ExprKind::IfMade { name: Rc::from(field.as_str()), made, otherwise }, expr.span)
            }
            None => made,
        }
    }

    fn is_in(&mut self, field: &ast::Expr, values: &[&ast::Expr], expr: &ast::Expr) -> Expr {
        let values = values.iter().map(|value| self.value(value)).collect();
        compare(in_eval(Relation::Equal), self.value(field), values, expr.span)
    }

    /// The functions that are true or false.
    fn test(&mut self, expr: &ast::Expr, test: Test, arguments: &[&ast::Expr]) -> Expr {
        let span = expr.span;
        match (test, arguments) {
            (Test::Presence(present), [inner]) => {
                let of = Box::new(self.value(inner));
                Expr::new(ExprKind::Presence { of, present, empty_is_null: false }, span)
            }
            (Test::Regex, [inner, ast::Expr { kind: Kind::Text(pattern), .. }]) => {
                matches(self.value(inner), pattern, MissingRule::Null, false, span)
            }
            (Test::Regex, [inner, pattern]) => {
                let comparison = Comparison { case: CaseRule::Exact, ..in_eval(Relation::Regex) };
                self.pattern(comparison, inner, pattern, expr)
            }
            (Test::Like, [inner, pattern]) => {
                self.pattern(in_eval(Relation::Pattern(PatternSyntax::Percent(None))), inner, pattern, expr)
            }
            (Test::Network, [network, inner]) => {
                let comparison = Comparison { case: CaseRule::Ignore, ..in_eval(Relation::Cidr) };
                self.pattern(comparison, inner, network, expr)
            }
            (Test::In, [field, values @ ..]) if !values.is_empty() => self.is_in(field, values, expr),
            (Test::Type, [_]) => {
                let comparison = Comparison::new(Relation::Equal, CaseRule::Ignore, MissingRule::Fails);
                compare(comparison, computed(expr), vec![Expr::text("true", span)], span)
            }
            _ => opaque(&clip(&Named(expr).to_string()), "wrong number of arguments", span),
        }
    }

    /// A comparison with a pattern, which may be computed.
    fn pattern(&mut self, comparison: Comparison, inner: &ast::Expr, pattern: &ast::Expr, expr: &ast::Expr) -> Expr {
        let side = |value, of: &ast::Expr| {
            Expr::new(ExprKind::Written(Box::new(value), Rc::from(clip(&Named(of).to_string()))), of.span)
        };
        let left = Box::new(side(self.value(inner), inner));
        let right = Operand::One(Box::new(side(self.value(pattern), pattern)));
        Expr::new(ExprKind::Compare(comparison, left, right), expr.span)
    }
}

/// Something computed, by its text.
fn computed(expr: &ast::Expr) -> Expr {
    Expr::new(ExprKind::Computed { of: Vec::new(), text: Some(Rc::from(clip(&Named(expr).to_string()))) }, expr.span)
}

fn null(expr: &ast::Expr) -> Expr {
    Expr::new(ExprKind::Const(Const::null()), expr.span)
}

fn is_literal(expr: &ast::Expr) -> bool {
    matches!(expr.kind, Kind::Text(_) | Kind::Number(_))
}

/// The values of an `if` or `case` that gives the first that is present: `case(isnotnull(a), a, isnotnull(b), b)`,
/// `if(isnull(a), b, a)`.
fn first_present<'e>(name: &str, arguments: &'e [ast::Expr]) -> Option<Vec<&'e ast::Expr>> {
    let tested = |condition: &'e ast::Expr, test: &str| match &condition.kind {
        Kind::Call(name, inner) if name == test => match inner.as_slice() {
            [ast::Expr { kind: Kind::Field(field), .. }] => Some(field.as_str()),
            _ => None,
        },
        _ => None,
    };
    let is_field = |expr: &ast::Expr, name: &str| matches!(&expr.kind, Kind::Field(field) if field == name);
    let is_rest = |condition: &ast::Expr| matches!(&condition.kind, Kind::Call(name, _) if name == "true");
    let pairs: Vec<(Option<&ast::Expr>, &ast::Expr)> = if name == "if" {
        let [condition, then, otherwise] = arguments else { return None };
        vec![(Some(condition), then), (None, otherwise)]
    } else {
        let pair = |pair: &'e [ast::Expr]| match pair {
            [condition, value] => Some((Some(condition).filter(|condition| !is_rest(condition)), value)),
            _ => None,
        };
        arguments.chunks_exact(2).filter_map(pair).collect()
    };
    if let [(Some(condition), value), (None, otherwise)] = pairs.as_slice()
        && let Some(field) = tested(condition, "isnull")
        && is_field(otherwise, field)
    {
        return Some(vec![otherwise, value]);
    }
    let (last, first) = pairs.split_last()?;
    let is_present = |(condition, value): &(Option<&'e ast::Expr>, &'e ast::Expr)| {
        condition.and_then(|condition| tested(condition, "isnotnull")).is_some_and(|field| is_field(value, field))
    };
    let is_whole = first.iter().all(is_present) && (is_present(last) || last.0.is_none() && pairs.len() > 1);
    is_whole.then(|| pairs.iter().map(|(_, value)| *value).collect())
}

/// The field that an expression names first.
fn first_field(expr: &ast::Expr) -> Option<&str> {
    match &expr.kind {
        Kind::Field(name) => Some(name),
        Kind::Call(_, items) | Kind::And(items) | Kind::Or(items) => items.iter().find_map(first_field),
        Kind::Compare(_, left, right) | Kind::Binary(_, left, right) | Kind::Xor(left, right) => {
            first_field(left).or_else(|| first_field(right))
        }
        Kind::In(inner, _) | Kind::Not(inner) | Kind::Minus(inner) => first_field(inner),
        _ => None,
    }
}

fn is_join_token(expr: &ast::Expr) -> bool {
    match &expr.kind {
        Kind::Text(text) | Kind::Field(text) => is_token(text),
        _ => false,
    }
}
