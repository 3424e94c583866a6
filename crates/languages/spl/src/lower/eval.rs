//! The expressions of `eval` and `where`: with case, null where a field is null.

use std::rc::Rc;

use ruleatlas_model::{Missing, Node, Op};

use super::{
    Lowering, all, any,
    check::{Check, fold_like, group},
    command::{inside, regex_check},
    compare::{clip, computed},
    search::is_token,
};
use crate::{
    ast::{CompareOp, Expr, ExprKind},
    functions,
    names::{Scope, Value},
};

impl Lowering<'_> {
    /// What an expression stands for.
    pub(super) fn value(&mut self, expr: &Expr, scope: &mut Scope) -> Rc<Value> {
        if let Some(reason) = expr.not_understood() {
            let node = Node::opaque(clip(&expr.to_string()), reason, expr.span);
            return Rc::new(Value::Test(Some(node)));
        }
        let value = match &expr.kind {
            ExprKind::Text(text) | ExprKind::Number(text) => Value::Literal(text.clone()),
            ExprKind::Field(name) if name.eq_ignore_ascii_case("null") => Value::Null,
            ExprKind::Field(name) => return scope.resolve(name),
            ExprKind::Call(name, arguments) => return self.call_value(expr, name, arguments, scope),
            ExprKind::Binary(sign, left, right) => self.arithmetic(expr, sign, left, right, scope),
            ExprKind::Compare(..)
            | ExprKind::In(..)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Xor(..)
            | ExprKind::Not(_)
            | ExprKind::Search(_)
            | ExprKind::Opaque { .. } => Value::Test(self.truth(expr, scope)),
            ExprKind::Minus(_) | ExprKind::Sub(_) => Value::Computed(expr.to_string()),
        };
        Rc::new(value)
    }

    fn arithmetic(&mut self, expr: &Expr, sign: &str, left: &Expr, right: &Expr, scope: &mut Scope) -> Value {
        let (left, right) = (self.value(left, scope), self.value(right, scope));
        match (&*left, &*right, sign) {
            (Value::Literal(left), Value::Literal(right), ".") => Value::Literal(format!("{left}{right}")),
            (Value::Time, Value::Time, _) => Value::Computed(expr.to_string()),
            (Value::Time, _, "+" | "-") | (_, Value::Time, "+") => Value::Time,
            _ => Value::Computed(expr.to_string()),
        }
    }

    fn call_value(&mut self, expr: &Expr, name: &str, arguments: &[Expr], scope: &mut Scope) -> Rc<Value> {
        let value = match (name, arguments) {
            ("null", []) => Value::Null,
            ("true", []) => Value::Test(Some(Node::always())),
            ("false", []) => Value::Test(Some(Node::never())),
            ("now" | "time" | "relative_time" | "strptime", _) => Value::Time,
            // Of one value these are that value.
            ("min" | "max", [inner]) => return self.value(inner, scope),
            ("lower" | "upper", [inner]) => return self.value(inner, scope).without_case(),
            ("tonumber", [inner]) => return self.value(inner, scope).as_number(),
            // These leave the value, or one of several values, as it is.
            (
                "trim" | "ltrim" | "rtrim" | "tostring" | "tonumber" | "exact" | "mvdedup" | "mvsort" | "mvindex"
                | "nullif",
                [inner, ..],
            ) => return self.value(inner, scope),
            ("replace" | "urldecode" | "mvjoin" | "split", [inner, ..]) => {
                match self.value(inner, scope).unfolded().0 {
                    Value::Field { name, derived_from, step } => Value::Changed {
                        text: expr.to_string(),
                        from: derived_from.clone().unwrap_or_else(|| name.clone()),
                        step: *step,
                    },
                    Value::Changed { from, step, .. } => {
                        Value::Changed { text: expr.to_string(), from: from.clone(), step: *step }
                    }
                    _ => Value::Computed(expr.to_string()),
                }
            }
            ("coalesce" | "ifnull" | "nvl" | "mvappend", _) => {
                let values = arguments.iter().map(|argument| self.value(argument, scope)).collect();
                or_too_deep(Value::any(values, name != "mvappend"), expr)
            }
            ("if" | "case", _) if let Some(order) = first_present(name, arguments) => {
                let values = order.iter().map(|argument| self.value(argument, scope)).collect();
                or_too_deep(Value::any(values, true), expr)
            }
            ("if", [condition, then, otherwise]) => {
                let branch = (self.truth(condition, scope), self.value(then, scope));
                let otherwise = self.value(otherwise, scope);
                or_too_deep(Value::case(vec![branch], otherwise), expr)
            }
            ("case", _) => {
                let pairs = arguments.chunks_exact(2);
                let branches = pairs.map(|pair| (self.truth(&pair[0], scope), self.value(&pair[1], scope))).collect();
                or_too_deep(Value::case(branches, Rc::new(Value::Null)), expr)
            }
            // The place of a value that matches, or null.
            ("mvfind", [_, _]) => {
                let found = self.call_truth(expr, "match", arguments, scope);
                let place = Rc::new(Value::Literal("0".to_owned()));
                or_too_deep(Value::case(vec![(found, place)], Rc::new(Value::Null)), expr)
            }
            ("mvfilter", [condition]) => match first_field(condition) {
                Some(field) => {
                    let value = scope.resolve(field);
                    let branch = (self.truth(condition, scope), value);
                    or_too_deep(Value::case(vec![branch], Rc::new(Value::Null)), expr)
                }
                None => Value::Computed(expr.to_string()),
            },
            ("spath" | "json_extract" | "json_extract_exact", [inner, Expr { kind: ExprKind::Text(path), .. }]) => {
                let value = self.value(inner, scope);
                match value.unfolded().0 {
                    Value::Field { .. } | Value::Grouped { .. } => return inside(&value, path, scope),
                    _ => Value::Computed(expr.to_string()),
                }
            }
            _ if is_truth_function(name) => Value::Test(self.call_truth(expr, name, arguments, scope)),
            _ if functions::is_known(name) => Value::Computed(expr.to_string()),
            _ => Value::Test(Some(Node::opaque(clip(&expr.to_string()), "function is not known", expr.span))),
        };
        Rc::new(value)
    }

    /// The condition that an expression is; `None` where it only says something of time or of the choice of data.
    pub(super) fn truth(&mut self, expr: &Expr, scope: &mut Scope) -> Option<Node> {
        if !self.spend(1) {
            return Self::too_large(&expr.to_string(), expr.span);
        }
        match &expr.kind {
            ExprKind::And(parts) => {
                let nodes: Vec<_> = parts.iter().map(|part| self.truth(part, scope)).collect();
                all(nodes)
            }
            ExprKind::Or(parts) => {
                let nodes: Vec<_> = parts.iter().map(|part| self.truth(part, scope)).collect();
                any(nodes)
            }
            ExprKind::Not(inner) => self.truth(inner, scope).map(Node::not),
            ExprKind::Xor(left, right) => {
                let (left, right) = (self.truth(left, scope)?, self.truth(right, scope)?);
                if !self.spend(2 * (left.walk().count() + right.walk().count())) {
                    return Self::too_large(&expr.to_string(), expr.span);
                }
                let one = Node::all([left.clone(), right.clone().not()]);
                Some(Node::any([one, Node::all([left.not(), right])]))
            }
            ExprKind::Compare(..) | ExprKind::In(..) | ExprKind::Call(..) if expr.not_understood().is_some() => {
                let reason = expr.not_understood().unwrap_or_default();
                Some(Node::opaque(clip(&expr.to_string()), reason, expr.span))
            }
            ExprKind::Compare(op, left, right) => self.compare_sides(*op, left, right, expr, scope),
            ExprKind::In(field, values) => self.is_in(field, values, expr, scope),
            ExprKind::Call(name, arguments) => self.call_truth(expr, name, arguments, scope),
            ExprKind::Number(number) => Some(Node::constant(number.parse::<f64>().is_ok_and(|number| number != 0.0))),
            ExprKind::Text(text) => Some(Node::constant(text.eq_ignore_ascii_case("true"))),
            ExprKind::Field(_) | ExprKind::Binary(..) | ExprKind::Minus(_) => {
                let value = self.value(expr, scope);
                self.compare(&value, &is_true(expr))
            }
            ExprKind::Search(search) => self.search(search, scope, true),
            ExprKind::Sub(pipeline) => self.sub_search(pipeline, scope, true),
            ExprKind::Opaque { text, reason } => Some(Node::opaque(text, reason, expr.span)),
        }
    }

    fn compare_sides(
        &mut self,
        op: CompareOp,
        left: &Expr,
        right: &Expr,
        expr: &Expr,
        scope: &mut Scope,
    ) -> Option<Node> {
        if is_join_token(left) || is_join_token(right) {
            return None;
        }
        let (left_value, right_value) = (self.value(left, scope), self.value(right, scope));
        let ((left_plain, left_folded), (right_plain, right_folded)) = (left_value.unfolded(), right_value.unfolded());
        let check = |values: Vec<String>| Check::eval(Op::Eq, values, expr.span).with_op(op);
        match (left_plain, right_plain) {
            // The window of time, and how old an entry of a lookup may be.
            (Value::Time, Value::Time | Value::Literal(_) | Value::Lookup(_) | Value::Null)
            | (Value::Literal(_) | Value::Lookup(_) | Value::Null, Value::Time) => None,
            (Value::Field { name, .. }, Value::Literal(literal)) => {
                if let Some(kind) = self.source_kind(name, scope.step).filter(|_| is_chosen(left_plain)) {
                    if let Some(definitions) = self.event_types(kind, op, std::slice::from_ref(literal)) {
                        return self.defined(definitions, op, expr.span, scope, true);
                    }
                    if op == CompareOp::Eq {
                        self.add_source(scope.step, kind, literal);
                    }
                    return None;
                }
                self.compare(&left_value, &check(vec![literal.clone()]))
            }
            (_, Value::Literal(literal)) => self.compare(&left_value, &check(vec![literal.clone()])),
            (Value::Literal(literal), _) => {
                let check = Check::eval(Op::Eq, vec![literal.clone()], expr.span).with_op(op.flipped());
                self.compare(&right_value, &check)
            }
            (Value::Field { name: left, step: left_step, .. }, Value::Field { name: right, step, .. })
                if matches!(op, CompareOp::Eq | CompareOp::Ne) =>
            {
                self.touched.extend([*left_step, *step]);
                let mut check = check(vec![right.clone()]);
                check.op = Op::FieldRef;
                check.cased = !(left_folded && right_folded);
                Some(check.predicate(left).into())
            }
            _ => Some(computed(&left.to_string(), &check(vec![right.to_string()]))),
        }
    }

    fn is_in(&mut self, field: &Expr, values: &[Expr], expr: &Expr, scope: &mut Scope) -> Option<Node> {
        let value = self.value(field, scope);
        let mut literals = Vec::new();
        let mut others = Vec::new();
        for item in values {
            match &*self.value(item, scope) {
                Value::Literal(literal) => literals.push(literal.clone()),
                _ => others.push(item),
            }
        }
        let mut nodes = Vec::new();
        if !literals.is_empty() {
            let op = if literals.len() == 1 && others.is_empty() { Op::Eq } else { Op::In };
            nodes.push(self.compare(&value, &Check::eval(op, literals, expr.span)));
        }
        for item in others {
            nodes.push(self.compare_sides(CompareOp::Eq, field, item, expr, scope));
        }
        any(nodes)
    }

    /// The functions that are true or false.
    fn call_truth(&mut self, expr: &Expr, name: &str, arguments: &[Expr], scope: &mut Scope) -> Option<Node> {
        let span = expr.span;
        match (name, arguments) {
            ("true", []) => Some(Node::always()),
            ("false", []) => Some(Node::never()),
            ("isnull" | "isnotnull", [inner]) => {
                let op = if name == "isnull" { Op::IsNull } else { Op::IsNotNull };
                let value = self.value(inner, scope);
                self.compare(&value, &Check::eval(op, Vec::new(), span))
            }
            ("match", [inner, pattern]) => {
                let Some(pattern) = self.literal(pattern, scope) else {
                    return Some(computed_call(expr, inner, pattern));
                };
                let value = self.value(inner, scope);
                self.compare(&value, &regex_check(&pattern, span))
            }
            ("like", [inner, pattern]) => {
                let Some(pattern) = self.literal(pattern, scope) else {
                    return Some(computed_call(expr, inner, pattern));
                };
                let value = self.value(inner, scope);
                let groups = group([fold_like(&pattern)]);
                let nodes: Vec<_> = groups
                    .into_iter()
                    .map(|(op, values)| self.compare(&value, &Check::eval(op, values, span)))
                    .collect();
                all(nodes)
            }
            ("cidrmatch", [network, inner]) => {
                let Some(network) = self.literal(network, scope) else {
                    return Some(computed_call(expr, inner, network));
                };
                let value = self.value(inner, scope);
                let mut check = Check::eval(Op::CidrMatch, vec![network], span);
                check.cased = false;
                self.compare(&value, &check)
            }
            ("in", [field, values @ ..]) => self.is_in(field, values, expr, scope),
            ("if", [condition, then, otherwise]) => {
                let condition = self.truth(condition, scope)?;
                let (then, otherwise) = (self.truth(then, scope)?, self.truth(otherwise, scope)?);
                if !self.spend(2 * condition.walk().count()) {
                    return Self::too_large(&expr.to_string(), span);
                }
                let here = Node::all([condition.clone(), then]);
                Some(Node::any([here, Node::all([condition.not(), otherwise])]))
            }
            ("isnum" | "isint" | "isstr" | "isbool", [inner]) => {
                Some(computed(&format!("{name}({inner})"), &Check { missing: Missing::Fails, ..is_true(expr) }))
            }
            // A value of its own would be this condition again.
            _ if is_truth_function(name) => {
                Some(Node::opaque(clip(&expr.to_string()), "wrong number of arguments", span))
            }
            _ => {
                let value = self.value(expr, scope);
                self.compare(&value, &is_true(expr))
            }
        }
    }

    /// The text that an expression is, where it is one.
    fn literal(&mut self, expr: &Expr, scope: &mut Scope) -> Option<String> {
        match &*self.value(expr, scope) {
            Value::Literal(literal) => Some(literal.clone()),
            _ => None,
        }
    }
}

/// The values of an `if` or `case` that gives the first that is present: `case(isnotnull(a), a, isnotnull(b), b)`,
/// `if(isnull(a), b, a)`.
fn first_present<'e>(name: &str, arguments: &'e [Expr]) -> Option<Vec<&'e Expr>> {
    let tested = |condition: &'e Expr, test: &str| match &condition.kind {
        ExprKind::Call(name, inner) if name == test => match inner.as_slice() {
            [Expr { kind: ExprKind::Field(field), .. }] => Some(field.as_str()),
            _ => None,
        },
        _ => None,
    };
    let is_field = |expr: &Expr, name: &str| matches!(&expr.kind, ExprKind::Field(field) if field == name);
    let is_rest = |condition: &Expr| matches!(&condition.kind, ExprKind::Call(name, _) if name == "true");
    let pairs: Vec<(Option<&Expr>, &Expr)> = if name == "if" {
        let [condition, then, otherwise] = arguments else { return None };
        vec![(Some(condition), then), (None, otherwise)]
    } else {
        let pairs = arguments.chunks_exact(2).map(|pair| (Some(&pair[0]), &pair[1]));
        pairs.map(|(condition, value)| (condition.filter(|condition| !is_rest(condition)), value)).collect()
    };
    if let [(Some(condition), value), (None, otherwise)] = pairs.as_slice()
        && let Some(field) = tested(condition, "isnull")
        && is_field(otherwise, field)
    {
        return Some(vec![otherwise, value]);
    }
    let (last, first) = pairs.split_last()?;
    let is_present = |(condition, value): &(Option<&'e Expr>, &'e Expr)| {
        condition.and_then(|condition| tested(condition, "isnotnull")).is_some_and(|field| is_field(value, field))
    };
    let whole =
        !pairs.is_empty() && first.iter().all(is_present) && (is_present(last) || last.0.is_none() && pairs.len() > 1);
    whole.then(|| pairs.iter().map(|(_, value)| *value).collect())
}

/// The check of a truth value.
fn is_true(expr: &Expr) -> Check {
    Check { cased: false, ..Check::eval(Op::Eq, vec!["true".to_owned()], expr.span) }
}

fn or_too_deep(value: Option<Value>, expr: &Expr) -> Value {
    value.unwrap_or_else(|| {
        Value::Test(Some(Node::opaque(clip(&expr.to_string()), "names are made of too many names", expr.span)))
    })
}

/// A call whose pattern is computed.
fn computed_call(expr: &Expr, inner: &Expr, pattern: &Expr) -> Node {
    let op = match &expr.kind {
        ExprKind::Call(name, _) if name == "like" => Op::Wildcard,
        ExprKind::Call(name, _) if name == "cidrmatch" => Op::CidrMatch,
        _ => Op::RegexMatch,
    };
    computed(&inner.to_string(), &Check::eval(op, vec![pattern.to_string()], expr.span))
}

fn is_truth_function(name: &str) -> bool {
    matches!(
        name,
        "match" | "like" | "cidrmatch" | "in" | "isnull" | "isnotnull" | "isnum" | "isint" | "isstr" | "isbool"
    )
}

/// The field that an expression names first.
fn first_field(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Field(name) => Some(name),
        ExprKind::Call(_, items) | ExprKind::And(items) | ExprKind::Or(items) => items.iter().find_map(first_field),
        ExprKind::Compare(_, left, right) | ExprKind::Binary(_, left, right) | ExprKind::Xor(left, right) => {
            first_field(left).or_else(|| first_field(right))
        }
        ExprKind::In(inner, _) | ExprKind::Not(inner) | ExprKind::Minus(inner) => first_field(inner),
        _ => None,
    }
}

fn is_join_token(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Text(text) | ExprKind::Field(text) => is_token(text),
        _ => false,
    }
}

fn is_chosen(value: &Value) -> bool {
    matches!(value, Value::Field { derived_from: None, .. })
}
