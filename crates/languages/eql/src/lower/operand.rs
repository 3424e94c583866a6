//! What stands on one side of a comparison: a constant, a field, something computed.

use ruleatlas_ir::plan::{Comparison, Expr as Planned, ExprKind as PlannedKind, Operand as Right};
use ruleatlas_model::Span;

use super::{Lowering, constant::constant, function};
use crate::ast::{Expr, ExprKind, Literal};

/// One side of a comparison.
pub(super) enum Operand<'e> {
    /// A constant, or arithmetic over constants.
    Constant(Literal<'e>),
    /// A field or something computed.
    Subject(Subject),
    /// A condition, used as a value.
    Boolean,
    /// A function that is not known.
    Unknown(&'e str),
    /// A part that is no EQL.
    Broken,
}

/// What a predicate compares.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// The field's name, or the text of what is computed.
    pub raw: String,
    /// Whether it is computed.
    pub computed: bool,
    /// Whether the field itself is compared, and not its conversion to text or a number.
    pub exact: bool,
}

impl Lowering<'_> {
    pub(super) fn operand<'e>(&self, expression: &'e Expr<'_>) -> Operand<'e> {
        if let Some(constant) = constant(expression) {
            return Operand::Constant(constant);
        }
        match &expression.kind {
            ExprKind::Field { .. } => {
                let raw = self.field_name(expression);
                let counted = self.aggregated && ["count", "percent", "total_hosts"].contains(&raw.as_str());
                Operand::Subject(Subject { raw, computed: counted, exact: true })
            }
            ExprKind::Call { name, arguments, .. } => match (function::kind(name), arguments.as_slice()) {
                (function::Kind::Conversion, [inner, ..]) => match self.operand(inner) {
                    // `string(f)` and `number(f)` compare the field, but a base as second argument changes the value.
                    Operand::Subject(subject) if arguments.len() == 1 => {
                        Operand::Subject(Subject { exact: false, ..subject })
                    }
                    Operand::Unknown(name) => Operand::Unknown(name),
                    Operand::Broken => Operand::Broken,
                    _ => self.computed(expression),
                },
                (function::Kind::Value | function::Kind::Conversion, _) => {
                    for argument in arguments {
                        if let other @ (Operand::Unknown(_) | Operand::Broken) = self.operand(argument) {
                            return other;
                        }
                    }
                    self.computed(expression)
                }
                (function::Kind::Condition, _) => Operand::Boolean,
                (function::Kind::Unknown, _) => Operand::Unknown(name),
            },
            ExprKind::Arithmetic { left, right, .. } => match (self.operand(left), self.operand(right)) {
                (other @ (Operand::Unknown(_) | Operand::Broken), _)
                | (_, other @ (Operand::Unknown(_) | Operand::Broken)) => other,
                _ => self.computed(expression),
            },
            ExprKind::Negative(inner) => match self.operand(inner) {
                other @ (Operand::Unknown(_) | Operand::Broken) => other,
                _ => self.computed(expression),
            },
            ExprKind::Not(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Compare { .. }
            | ExprKind::Lookup { .. }
            | ExprKind::Lineage { .. } => Operand::Boolean,
            ExprKind::Literal(_) | ExprKind::Broken(_) => Operand::Broken,
        }
    }

    fn computed<'e>(&self, expression: &Expr<'_>) -> Operand<'e> {
        Operand::Subject(Subject { raw: self.text_of(expression.span), computed: true, exact: true })
    }

    /// A field's path, a variable of `arraySearch` replaced by the array it runs over.
    pub(super) fn field_name(&self, expression: &Expr<'_>) -> String {
        let ExprKind::Field { path, .. } = &expression.kind else { return self.text_of(expression.span) };
        let path = self.own_path(path);
        for (variable, array) in self.variables.iter().rev() {
            match path.strip_prefix(variable.as_str()) {
                Some("") => return array.clone(),
                Some(rest) if rest.starts_with(['.', '[']) => return format!("{array}{rest}"),
                _ => {}
            }
        }
        path.to_owned()
    }

    /// What is compared. What one event says nothing of, a field of an earlier step, is computed.
    pub(super) fn planned_subject(&self, subject: &Subject, span: Span) -> Planned {
        let name = subject.raw.as_str().into();
        let kind = if subject.computed || self.is_of_earlier_step(&subject.raw) {
            PlannedKind::Computed { of: Vec::new(), text: Some(name) }
        } else {
            PlannedKind::Name(name)
        };
        Planned::new(kind, span)
    }

    /// A comparison of `subject` with a constant.
    pub(super) fn tested(&self, subject: &Subject, comparison: Comparison, value: Planned, span: Span) -> Planned {
        let comparison = self.missing(subject, comparison);
        let left = Box::new(self.planned_subject(subject, span));
        Planned::new(PlannedKind::Compare(comparison, left, Right::One(Box::new(value))), span)
    }
}
