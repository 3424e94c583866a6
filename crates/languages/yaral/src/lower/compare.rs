//! Comparisons.

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Diagnostic, Missing, Modifier, Node, Op, Predicate, Span};

use super::{
    Lowering,
    value::{Change, Value},
};
use crate::ast::{CompareOp, Expr, ExprKind, ListItems, Quantifier};

/// The operator, and whether it is negated.
pub(super) fn op_of(op: CompareOp) -> (Op, bool) {
    match op {
        CompareOp::Eq => (Op::Eq, false),
        CompareOp::Ne => (Op::Eq, true),
        CompareOp::Lt => (Op::Lt, false),
        CompareOp::Lte => (Op::Lte, false),
        CompareOp::Gt => (Op::Gt, false),
        CompareOp::Gte => (Op::Gte, false),
    }
}

/// The operator of the sides changed about.
fn flipped(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Lte => CompareOp::Gte,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Gte => CompareOp::Lte,
        other => other,
    }
}

impl<'a> Lowering<'a, '_> {
    pub(super) fn comparison(&mut self, expr: &'a Expr, event: usize) -> Node {
        if !self.budget.nodes(1) {
            return self.opaque(BUDGET, expr.span);
        }
        match &expr.kind {
            ExprKind::Compare { op, left, right, nocase } => {
                let is_constant =
                    |expr: &Expr| matches!(expr.kind, ExprKind::String(_) | ExprKind::Regex(_) | ExprKind::Literal(_));
                if is_constant(left) && !is_constant(right) {
                    return self.compare(expr, flipped(*op), right, left, *nocase, event);
                }
                self.compare(expr, *op, left, right, *nocase, event)
            }
            ExprKind::In { value, list, items, nocase } => self.list(expr, value, list, *items, *nocase, event),
            ExprKind::Call { .. } => self.test(expr, expr, event),
            ExprKind::Field { .. } | ExprKind::Variable(_) => {
                let value = self.value(expr, event);
                self.field_test(expr, &value, Op::Eq, vec!["true".to_owned()], false)
            }
            ExprKind::Literal(word) if word.eq_ignore_ascii_case("true") => Node::always(),
            ExprKind::Literal(word) if word.eq_ignore_ascii_case("false") => Node::never(),
            _ => self.error("no condition", "a value stands where a condition is wanted".to_owned(), expr.span),
        }
    }

    fn compare(
        &mut self,
        whole: &'a Expr,
        op: CompareOp,
        left: &'a Expr,
        right: &'a Expr,
        nocase: bool,
        event: usize,
    ) -> Node {
        let (left_value, right_value) = (self.value(left, event), self.value(right, event));
        match (left_value, right_value) {
            (Value::Test, Value::Literal(word)) if matches!(op, CompareOp::Eq | CompareOp::Ne) => {
                let holds = word.eq_ignore_ascii_case("true") == (op == CompareOp::Eq);
                let node = self.test(whole, left, event);
                if holds { node } else { node.not() }
            }
            (Value::First(values), right) => self.first(whole, &values, op, &right, nocase),
            (left @ Value::Field { .. }, right) => self.field(whole, &left, op, &right, nocase),
            _ => self.computed_compare(whole),
        }
    }

    /// A field and what it is compared with.
    fn field(&mut self, whole: &Expr, left: &Value, op: CompareOp, right: &Value, nocase: bool) -> Node {
        let (op, negated) = op_of(op);
        let is_order = matches!(op, Op::Lt | Op::Lte | Op::Gt | Op::Gte);
        if let Value::Field { path, .. } = left
            && is_order
            && ["metadata.event_timestamp", "metadata.collected_timestamp", "metadata.ingested_timestamp"]
                .iter()
                .any(|time| path.starts_with(time))
        {
            // When the event happened is the rule's window of time.
            let message = "a restriction of the event's time is left out of the condition".to_owned();
            self.report(Diagnostic::note("time window", message).at(whole.span));
            return Node::always();
        }
        match right {
            Value::Regex(pattern) if !is_order => {
                self.negatable(whole, left, Op::RegexMatch, vec![pattern.clone()], nocase, negated)
            }
            // A text that is not set is empty.
            Value::Text(text) if text.is_empty() && !is_order => {
                let op = if negated { Op::IsNotNull } else { Op::IsNull };
                let Value::Field { path, .. } = left else { return self.computed_compare(whole) };
                let mut predicate = Predicate::new(path.clone(), op, Vec::<String>::new());
                predicate.empty_is_null = true;
                predicate.span = whole.span;
                predicate.into()
            }
            Value::Text(text) | Value::Literal(text) => {
                self.negatable(whole, left, op, vec![text.clone()], nocase, negated)
            }
            Value::Field { path, .. } if !is_order => {
                self.negatable(whole, left, Op::FieldRef, vec![path.clone()], nocase, negated)
            }
            _ => self.computed_compare(whole),
        }
    }

    /// The first of several values that is set: alternatives, each where those before it are not.
    fn first(&mut self, whole: &Expr, values: &[Value], op: CompareOp, right: &Value, nocase: bool) -> Node {
        let mut alternatives = Vec::new();
        let mut guards: Vec<Node> = Vec::new();
        for value in values {
            let Value::Field { path, .. } = value else {
                // A constant ends the list.
                let (Value::Text(text) | Value::Literal(text), Value::Text(wanted) | Value::Literal(wanted)) =
                    (value, right)
                else {
                    return self.computed_compare(whole);
                };
                let holds = match op {
                    CompareOp::Eq => text == wanted,
                    CompareOp::Ne => text != wanted,
                    _ => return self.computed_compare(whole),
                };
                if holds {
                    alternatives.push(Node::all(guards.clone()));
                }
                break;
            };
            let node = self.field(whole, value, op, right, nocase);
            alternatives.push(Node::all(guards.iter().cloned().chain([node])));
            let mut guard = Predicate::new(path.clone(), Op::IsNull, Vec::<String>::new());
            guard.empty_is_null = true;
            guard.guard = true;
            guard.span = whole.span;
            guards.push(guard.into());
            if !self.budget.nodes(guards.len()) {
                return self.opaque(BUDGET, whole.span);
            }
        }
        Node::any(alternatives)
    }

    /// A function that says whether something holds; `whole` is what is shown of it.
    fn test(&mut self, whole: &'a Expr, call: &'a Expr, event: usize) -> Node {
        let ExprKind::Call { name, arguments, nocase } = &call.kind else {
            return self.opaque("unexpected text", whole.span);
        };
        let nocase = *nocase || matches!(&whole.kind, ExprKind::Compare { nocase: true, .. });
        let name = name.to_ascii_lowercase();
        let op = match name.as_str() {
            "re.regex" => Op::RegexMatch,
            "strings.contains" => Op::Contains,
            "strings.starts_with" | "strings.startswith" => Op::StartsWith,
            "strings.ends_with" | "strings.endswith" => Op::EndsWith,
            "net.ip_in_range_cidr" => Op::CidrMatch,
            "arrays.contains" | "strings.equal_fold" => Op::Eq,
            _ => {
                let message = format!("`{name}` is a function whose result is not known");
                return self.error("unknown function", message, whole.span);
            }
        };
        let (Some(subject), Some(wanted)) = (arguments.first(), arguments.get(1)) else {
            return self.error("missing argument", format!("`{name}` wants two arguments"), whole.span);
        };
        let nocase = nocase || name == "strings.equal_fold";
        let subject_value = self.value(subject, event);
        let values = match self.value(wanted, event) {
            Value::Text(text) | Value::Regex(text) | Value::Literal(text) => vec![text],
            Value::Field { path, .. } => {
                let modifier = match op {
                    Op::Contains => Some(Modifier::Contains),
                    Op::StartsWith => Some(Modifier::StartsWith),
                    Op::EndsWith => Some(Modifier::EndsWith),
                    Op::Eq => None,
                    _ => return self.computed_test(whole, op, subject, wanted),
                };
                let Value::Field { .. } = &subject_value else { return self.computed_test(whole, op, subject, wanted) };
                let node = self.field_test(whole, &subject_value, Op::FieldRef, vec![path], nocase);
                return match node {
                    Node::Predicate(mut predicate) => {
                        predicate.modifiers = modifier.into();
                        Node::Predicate(predicate)
                    }
                    other => other,
                };
            }
            _ => return self.computed_test(whole, op, subject, wanted),
        };
        match &subject_value {
            Value::Field { .. } => self.field_test(whole, &subject_value, op, values, nocase),
            Value::First(fields) if fields.iter().all(|field| matches!(field, Value::Field { .. })) => {
                let mut alternatives = Vec::new();
                let mut guards: Vec<Node> = Vec::new();
                for field in fields {
                    let node = self.field_test(whole, field, op, values.clone(), nocase);
                    alternatives.push(Node::all(guards.iter().cloned().chain([node])));
                    if let Value::Field { path, .. } = field {
                        let mut guard = Predicate::new(path.clone(), Op::IsNull, Vec::<String>::new());
                        (guard.empty_is_null, guard.guard, guard.span) = (true, true, whole.span);
                        guards.push(guard.into());
                    }
                    if !self.budget.nodes(guards.len()) {
                        return self.opaque(BUDGET, whole.span);
                    }
                }
                Node::any(alternatives)
            }
            _ => self.computed_test(whole, op, subject, wanted),
        }
    }

    /// A test of something computed.
    fn computed_test(&self, whole: &Expr, op: Op, subject: &Expr, wanted: &Expr) -> Node {
        let text = |expr: &Expr| expr.span.of(self.text).unwrap_or_default().trim().to_owned();
        let wanted = match &wanted.kind {
            ExprKind::String(said) | ExprKind::Regex(said) => said.clone(),
            _ => text(wanted),
        };
        let mut predicate = Predicate::new(text(subject), op, [wanted]);
        predicate.computed = true;
        predicate.span = whole.span;
        predicate.into()
    }

    fn negatable(
        &mut self,
        whole: &Expr,
        left: &Value,
        op: Op,
        values: Vec<String>,
        nocase: bool,
        negated: bool,
    ) -> Node {
        let node = self.field_test(whole, left, op, values, nocase);
        match node {
            Node::Predicate(mut predicate) if negated => {
                predicate.negated = true;
                // What is not set is another value than this.
                predicate.missing = Missing::Holds;
                Node::Predicate(predicate)
            }
            other if negated => other.not(),
            other => other,
        }
    }

    /// A field that is compared with values.
    fn field_test(&mut self, whole: &Expr, field: &Value, op: Op, mut values: Vec<String>, nocase: bool) -> Node {
        let Value::Field { path, derived_from, change, quantifier } = field else {
            return self.computed_compare(whole);
        };
        if *quantifier == Some(Quantifier::All) {
            let message = format!("all values of `{path}` must be so; any is asked for");
            self.report(Diagnostic::warning("all values of a list", message).at(whole.span));
        }
        let is_text = matches!(op, Op::Eq | Op::In | Op::Contains | Op::StartsWith | Op::EndsWith);
        if *change != Change::None && is_text && !nocase {
            let fits = |value: &String| match change {
                Change::Upper => value.to_uppercase() == *value,
                _ => value.to_lowercase() == *value,
            };
            let count = values.len();
            values.retain(fits);
            if values.len() < count {
                let message = "a value is not in the case that the field is brought into, and never equal".to_owned();
                self.report(Diagnostic::warning("impossible value", message).at(whole.span));
                if values.is_empty() {
                    return Node::never();
                }
            }
        }
        let op = if op == Op::In && values.len() == 1 { Op::Eq } else { op };
        self.predicate(whole.span, path, derived_from.clone(), op, values, !nocase && *change == Change::None)
    }

    fn predicate(
        &self,
        span: Span,
        path: &str,
        derived_from: Option<String>,
        op: Op,
        values: Vec<String>,
        cased: bool,
    ) -> Node {
        let mut predicate = Predicate::new(path, op, values);
        let has_case = !matches!(op, Op::Lt | Op::Lte | Op::Gt | Op::Gte | Op::CidrMatch);
        predicate.case_sensitive = has_case && cased;
        predicate.derived_from = derived_from;
        predicate.span = span;
        predicate.into()
    }

    /// A value and a reference list.
    fn list(
        &mut self,
        whole: &'a Expr,
        value: &'a Expr,
        list: &str,
        items: ListItems,
        nocase: bool,
        event: usize,
    ) -> Node {
        let value = self.value(value, event);
        let Value::Field { .. } = &value else {
            let mut predicate = Predicate::new(whole.span.of(self.text).unwrap_or_default(), Op::InList, [list]);
            predicate.computed = true;
            predicate.span = whole.span;
            return predicate.into();
        };
        let (name, column) = list.split_once('.').unwrap_or((list, ""));
        let known = self.context.lookup(name).and_then(|table| {
            let at = table.columns.iter().position(|known| known == column).unwrap_or(0);
            let items: Vec<String> = table.rows.iter().filter_map(|row| row.get(at).cloned()).collect();
            (!items.is_empty()).then_some(items)
        });
        let Some(known) = known else {
            return self.field_test(whole, &value, Op::InList, vec![list.to_owned()], nocase);
        };
        if !self.budget.nodes(known.len()) {
            return self.opaque(BUDGET, whole.span);
        }
        let op = match items {
            ListItems::Texts => Op::In,
            ListItems::Regexes => Op::RegexMatch,
            ListItems::Networks => Op::CidrMatch,
        };
        self.field_test(whole, &value, op, known, nocase)
    }
}
