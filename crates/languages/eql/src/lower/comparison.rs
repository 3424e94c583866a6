//! Comparisons to predicates: one value or a list of alternatives, on either side.

use ruleatlas_core::fold_wildcards;
use ruleatlas_model::{Diagnostic, Node, Op, Predicate, Span};

use super::{
    Lowering, Place,
    operand::{Operand, Subject, negate, spelling},
};
use crate::ast::{Comparison, Expr, ExprKind, Literal, Lookup};

/// How many fields one list of alternatives may name.
const FIELD_LIMIT: usize = 32;

impl Lowering<'_> {
    pub(super) fn compare(
        &mut self,
        span: Span,
        op: Comparison,
        left: &Expr<'_>,
        right: &Expr<'_>,
        place: Place,
    ) -> Node {
        match (self.operand(left), self.operand(right)) {
            (Operand::Broken, _) | (_, Operand::Broken) => self.broken(span),
            (Operand::Unknown(name), _) | (_, Operand::Unknown(name)) => {
                self.opaque_because(span, "unknown function", format!("unknown function {name}"))
            }
            (Operand::Constant(left), Operand::Constant(right)) => match decide(op, &left, &right) {
                Some(value) => Node::constant(value),
                None => self.opaque(span, "comparison of constants"),
            },
            (Operand::Subject(subject), Operand::Constant(value)) => self.against(span, &subject, op, &value, place),
            (Operand::Constant(value), Operand::Subject(subject)) => {
                self.against(span, &subject, op.flipped(), &value, place)
            }
            (Operand::Boolean, Operand::Constant(Literal::Bool(value))) => self.truth(span, left, op, value, place),
            (Operand::Constant(Literal::Bool(value)), Operand::Boolean) => self.truth(span, right, op, value, place),
            (Operand::Subject(left), Operand::Subject(right)) => {
                self.fields(span, &left, op, &right).unwrap_or_else(|| self.computed_truth(span))
            }
            _ => self.computed_truth(span),
        }
    }

    /// A condition compared with `true` or `false`.
    fn truth(&mut self, span: Span, condition: &Expr<'_>, op: Comparison, value: bool, place: Place) -> Node {
        let positive = match op {
            Comparison::Eq => value,
            Comparison::Ne => !value,
            _ => return self.opaque(span, "order of truth values"),
        };
        if positive { self.condition(condition, place) } else { self.condition(condition, place.negated()).not() }
    }

    /// A field or computed value compared with a constant.
    fn against(&mut self, span: Span, subject: &Subject, op: Comparison, value: &Literal<'_>, place: Place) -> Node {
        let Some(text) = spelling(value) else {
            return match op {
                Comparison::Eq => self.predicate(subject, Op::IsNull, Vec::new(), false, span).into(),
                Comparison::Ne => self.predicate(subject, Op::IsNotNull, Vec::new(), false, span).into(),
                _ => self.opaque(span, "order of null"),
            };
        };
        let (folded, negated) = match op {
            Comparison::Eq => (Op::Eq, false),
            Comparison::Ne => (Op::Eq, true),
            Comparison::Lt => (Op::Lt, false),
            Comparison::Lte => (Op::Lte, false),
            Comparison::Gt => (Op::Gt, false),
            Comparison::Gte => (Op::Gte, false),
        };
        if folded != Op::Eq && subject.raw == "@timestamp" && !place.is_alternative() {
            let message = "A restriction of time is the rule's time window, and no predicate.";
            self.say(Diagnostic::note("time window", message).at(span));
            return place.neutral();
        }
        let predicate = self.predicate(subject, folded, vec![text], matches!(value, Literal::Text(_)), span);
        if negated { negate(predicate).into() } else { predicate.into() }
    }

    /// Two fields compared with each other; `None` where something is computed or put in order.
    fn fields(&self, span: Span, left: &Subject, op: Comparison, right: &Subject) -> Option<Node> {
        if left.computed || right.computed {
            return None;
        }
        // The field of the step itself stands first, since equality has no direction.
        let is_swapped = self.is_of_earlier_step(&left.raw) && !self.is_of_earlier_step(&right.raw);
        let (left, right) = if is_swapped { (right, left) } else { (left, right) };
        let predicate = self.field_ref(left, right.raw.clone(), None, true, span);
        match op {
            Comparison::Eq => Some(predicate.into()),
            Comparison::Ne => Some(negate(predicate).into()),
            _ => None,
        }
    }

    /// `subject op (values)`; `None` where a part is no EQL.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn lookup(
        &mut self,
        span: Span,
        op: Lookup,
        insensitive: bool,
        negated: bool,
        subject: &Expr<'_>,
        values: &[Expr<'_>],
        place: Place,
    ) -> Option<Node> {
        let named = match self.operand(subject) {
            Operand::Subject(subject) => subject,
            Operand::Broken => return None,
            Operand::Unknown(name) => {
                return Some(self.opaque_because(span, "unknown function", format!("unknown function {name}")));
            }
            Operand::Constant(_) | Operand::Boolean => {
                // `"cmd.exe" : process.name` and `cidrMatch(…) : true` are plain comparisons.
                let [value] = values else { return Some(self.computed_truth(span)) };
                if matches!((&self.operand(subject), op), (Operand::Constant(_), Lookup::Colon | Lookup::Like))
                    && matches!(value.kind, ExprKind::Field(_) | ExprKind::Call { .. })
                {
                    return self.lookup(span, op, insensitive, negated, value, std::slice::from_ref(subject), place);
                }
                let comparison = if negated { Comparison::Ne } else { Comparison::Eq };
                return Some(self.compare(span, comparison, subject, value, place));
            }
        };
        let mut alternatives = Alternatives::default();
        let mut fields = Vec::new();
        for value in values {
            match self.operand(value) {
                Operand::Constant(literal) => self.alternative(&mut alternatives, op, &literal, span, values.len()),
                Operand::Subject(other) if !other.computed && fields.len() < FIELD_LIMIT => fields.push(other.raw),
                Operand::Broken => return None,
                _ => return Some(self.opaque(span, "alternative is neither a constant nor a field")),
            }
        }
        let mut predicates: Vec<Predicate> = Vec::new();
        for group in alternatives.groups {
            let op = match group.op {
                Op::Eq if group.values.len() > 1 || op == Lookup::In => Op::In,
                op => op,
            };
            let case_sensitive = group.texts && !insensitive && !op.is_presence();
            predicates.push(self.predicate(&named, op, group.values, case_sensitive, span));
        }
        for other in fields {
            predicates.push(self.field_ref(&named, other, None, !insensitive, span));
        }
        if negated && predicates.len() == 1 && !predicates[0].op.is_presence() {
            return predicates.pop().map(|predicate| negate(predicate).into());
        }
        let node = Node::any(predicates.into_iter().map(Node::from));
        Some(if negated { node.not() } else { node })
    }

    /// Puts a constant to the alternatives that are compared as it is.
    fn alternative(
        &mut self,
        alternatives: &mut Alternatives,
        op: Lookup,
        literal: &Literal<'_>,
        span: Span,
        count: usize,
    ) {
        let is_text = matches!(literal, Literal::Text(_));
        let Some(value) = spelling(literal) else {
            if count == 1 && op != Lookup::In {
                alternatives.add(Op::IsNull, None, false);
            } else {
                let message = "`null` in a list matches no event.";
                self.say(Diagnostic::note("null in a list", message).at(span));
            }
            return;
        };
        match op {
            Lookup::In => alternatives.add(Op::Eq, Some(value), is_text),
            Lookup::Regex => alternatives.add(Op::RegexMatch, Some(value), is_text),
            Lookup::Colon | Lookup::Like if is_text => {
                // Nothing escapes a wildcard in EQL: `\*` is a backslash and any run of characters.
                let folded = fold_wildcards(&value, None);
                let value = (folded.op != Op::IsNotNull).then_some(folded.value);
                alternatives.add(folded.op, value, true);
            }
            Lookup::Colon | Lookup::Like => alternatives.add(Op::Eq, Some(value), false),
        }
    }
}

/// Alternatives, put together by the way they are compared, in the order in which each way comes first.
#[derive(Default)]
struct Alternatives {
    groups: Vec<Group>,
}

struct Group {
    op: Op,
    values: Vec<String>,
    texts: bool,
}

impl Alternatives {
    fn add(&mut self, op: Op, value: Option<String>, is_text: bool) {
        let at = self.groups.iter().position(|group| group.op == op).unwrap_or_else(|| {
            self.groups.push(Group { op, values: Vec::new(), texts: false });
            self.groups.len() - 1
        });
        let group = &mut self.groups[at];
        group.values.extend(value);
        group.texts |= is_text;
    }
}

/// The outcome of a comparison of two constants, where it is plain.
fn decide(op: Comparison, left: &Literal<'_>, right: &Literal<'_>) -> Option<bool> {
    let order = match (left, right) {
        (Literal::Text(left), Literal::Text(right)) => left.cmp(right),
        (Literal::Bool(left), Literal::Bool(right)) => left.cmp(right),
        (Literal::Number(left), Literal::Number(right)) => {
            left.parse::<f64>().ok()?.partial_cmp(&right.parse::<f64>().ok()?)?
        }
        _ => return None,
    };
    Some(match op {
        Comparison::Eq => order.is_eq(),
        Comparison::Ne => order.is_ne(),
        Comparison::Lt => order.is_lt(),
        Comparison::Lte => order.is_le(),
        Comparison::Gt => order.is_gt(),
        Comparison::Gte => order.is_ge(),
    })
}
