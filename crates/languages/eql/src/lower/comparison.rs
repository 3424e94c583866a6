//! Comparisons: one value or a list of alternatives, on either side.

use ruleatlas_core::fold_wildcards;
use ruleatlas_ir::plan::{
    CaseRule, Const, Expr as Planned, ExprKind as PlannedKind, Operand as Right, PatternSyntax, Relation,
};
use ruleatlas_model::{Diagnostic, Op, Span};

use super::{
    Lowering, Place, compared,
    constant::planned,
    operand::{Operand, Subject},
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
    ) -> Planned {
        match (self.operand(left), self.operand(right)) {
            (Operand::Broken, _) | (_, Operand::Broken) => self.broken(span),
            (Operand::Unknown(name), _) | (_, Operand::Unknown(name)) => {
                self.opaque_because(span, "unknown function", format!("unknown function {name}"))
            }
            (Operand::Constant(left), Operand::Constant(right)) => {
                let constant = |literal: &Literal<'_>| {
                    let null = || Planned::new(PlannedKind::Const(Const::null()), span);
                    Box::new(planned(literal, span).unwrap_or_else(null))
                };
                let (relation, negated) = relation(op);
                let comparison = compared(relation, false).negated(negated);
                Planned::new(PlannedKind::Compare(comparison, constant(&left), Right::One(constant(&right))), span)
            }
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
    fn truth(&mut self, span: Span, condition: &Expr<'_>, op: Comparison, value: bool, place: Place) -> Planned {
        let is_positive = match op {
            Comparison::Eq => value,
            Comparison::Ne => !value,
            _ => return self.opaque(span, "order of truth values"),
        };
        if is_positive {
            return self.condition(condition, place);
        }
        let inner = self.condition(condition, place.negated());
        Planned::new(PlannedKind::Not(Box::new(inner)), span)
    }

    /// A field or computed value compared with a constant.
    fn against(&mut self, span: Span, subject: &Subject, op: Comparison, value: &Literal<'_>, place: Place) -> Planned {
        let Some(constant) = planned(value, span) else {
            let present = match op {
                Comparison::Eq => false,
                Comparison::Ne => true,
                _ => return self.opaque(span, "order of null"),
            };
            return self.presence(subject, present, span);
        };
        let (relation, negated) = relation(op);
        if relation.is_order() && subject.raw == "@timestamp" && !place.is_alternative() {
            let message = "A restriction of time is the rule's time window, and no predicate.";
            self.say(Diagnostic::note("time window", message).at(span));
            return Planned::new(PlannedKind::Window, span);
        }
        let mut comparison = compared(relation, false).negated(negated);
        if relation.is_order() && matches!(value, Literal::Text(_)) {
            // An order of texts tells letters of different case apart.
            comparison.case = CaseRule::ExactField;
        }
        self.tested(subject, comparison, constant, span)
    }

    fn presence(&self, subject: &Subject, present: bool, span: Span) -> Planned {
        let of = Box::new(self.planned_subject(subject, span));
        Planned::new(PlannedKind::Presence { of, present, empty_is_null: false }, span)
    }

    /// Two fields compared with each other; `None` where something is computed or put in order.
    fn fields(&self, span: Span, left: &Subject, op: Comparison, right: &Subject) -> Option<Planned> {
        let (relation, negated) = relation(op);
        if left.computed || right.computed || relation.is_order() {
            return None;
        }
        // The field of the step itself stands first, since equality has no direction.
        let is_swapped = self.is_of_earlier_step(&left.raw) && !self.is_of_earlier_step(&right.raw);
        let (left, right) = if is_swapped { (right, left) } else { (left, right) };
        Some(self.field_reference(left, right, compared(relation, false).negated(negated), span))
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
    ) -> Option<Planned> {
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
                    && matches!(value.kind, ExprKind::Field { .. } | ExprKind::Call { .. })
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
                Operand::Subject(other) if !other.computed && fields.len() < FIELD_LIMIT => fields.push(other),
                Operand::Broken => return None,
                _ => return Some(self.opaque(span, "alternative is neither a constant nor a field")),
            }
        }
        let is_single = alternatives.groups.len() + fields.len() == 1;
        let is_presence = alternatives.groups.iter().any(|(op, _)| op.is_presence());
        // One comparison is negated itself; several are negated as a whole.
        let negates_itself = negated && is_single && !is_presence;
        let relation = match op {
            Lookup::In => Relation::Equal,
            Lookup::Colon | Lookup::Like => Relation::Pattern(PatternSyntax::Stars(None)),
            Lookup::Regex => Relation::WholeRegex,
        };
        let mut parts: Vec<Planned> = Vec::new();
        for (op, values) in alternatives.groups {
            if op == Op::IsNull {
                parts.push(self.presence(&named, false, span));
                continue;
            }
            let comparison = self.missing(&named, compared(relation, insensitive).negated(negates_itself));
            let left = Box::new(self.planned_subject(&named, span));
            parts.push(Planned::new(PlannedKind::Compare(comparison, left, Right::AnyOf(values)), span));
        }
        for other in &fields {
            let comparison = compared(Relation::Equal, insensitive).negated(negates_itself);
            parts.push(self.field_reference(&named, other, comparison, span));
        }
        let any = match parts.len() {
            1 => parts.remove(0),
            _ => Planned::new(PlannedKind::Any(parts), span),
        };
        Some(if negated && !negates_itself { Planned::new(PlannedKind::Not(Box::new(any)), span) } else { any })
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
        let Some(value) = planned(literal, span) else {
            if count == 1 && op != Lookup::In {
                alternatives.add(Op::IsNull, value_of_nothing(span));
            } else {
                let message = "`null` in a list matches no event.";
                self.say(Diagnostic::note("null in a list", message).at(span));
            }
            return;
        };
        let folded = match (op, literal) {
            // Nothing escapes a wildcard in EQL: `\*` is a backslash and any run of characters.
            (Lookup::Colon | Lookup::Like, Literal::Text(text)) => fold_wildcards(text, None).op,
            (Lookup::Regex, _) => Op::RegexMatch,
            _ => Op::Eq,
        };
        alternatives.add(folded, value);
    }
}

fn value_of_nothing(span: Span) -> Planned {
    Planned::new(PlannedKind::Const(Const::null()), span)
}

/// Alternatives, put together by the way they are compared, in the order in which each way comes first.
#[derive(Default)]
struct Alternatives {
    groups: Vec<(Op, Vec<Planned>)>,
}

impl Alternatives {
    fn add(&mut self, op: Op, value: Planned) {
        match self.groups.iter_mut().find(|(known, _)| *known == op) {
            Some((_, values)) => values.push(value),
            None => self.groups.push((op, vec![value])),
        }
    }
}

/// The operator, and whether it is negated.
fn relation(op: Comparison) -> (Relation, bool) {
    match op {
        Comparison::Eq => (Relation::Equal, false),
        Comparison::Ne => (Relation::Equal, true),
        Comparison::Lt => (Relation::Less, false),
        Comparison::Lte => (Relation::LessEqual, false),
        Comparison::Gt => (Relation::Greater, false),
        Comparison::Gte => (Relation::GreaterEqual, false),
    }
}
