//! Fields of earlier steps: `[…] as event0`, and `event0.file.name` in a later step.
//!
//! A comparison of such a field with a constant is asked of the step that has the name, and stands there. One of such a
//! field with a field of the step itself is a `field_ref` with the modifier `step`, which no single event decides.

use ruleatlas_ir::plan::{Comparison, Expr as Planned, ExprKind as PlannedKind, MissingRule, Operand as Right};
use ruleatlas_model::{Modifier, Span};

use super::{Lowering, Place, operand::Subject};
use crate::ast::{Expr, ExprKind};

/// Whose fields an expression reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Nobody,
    /// The step at this place of the plan.
    Earlier(usize),
    /// The step itself, or several.
    Other,
}

impl Owner {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nobody, owner) | (owner, Self::Nobody) => owner,
            (first, second) if first == second => first,
            _ => Self::Other,
        }
    }
}

impl Lowering<'_> {
    /// The named step that a path leads into, and the path inside it.
    fn named_step<'p>(&self, path: &'p str) -> Option<(usize, &'p str)> {
        let (name, rest) = path.split_once('.')?;
        let (_, step) = self.named.iter().rev().find(|(known, _)| known == name)?;
        Some((*step, rest))
    }

    pub(super) fn is_of_earlier_step(&self, path: &str) -> bool {
        self.named_step(path).is_some()
    }

    /// The path as the step whose fields are read has it.
    pub(super) fn own_path<'p>(&self, path: &'p str) -> &'p str {
        match self.named_step(path) {
            Some((step, rest)) if self.reading == Some(step) => rest,
            _ => path,
        }
    }

    /// The earlier step that a comparison reads alone, where the query asks for the comparison or its opposite whatever
    /// else it asks for.
    pub(super) fn earlier_step(&self, expression: &Expr<'_>, place: Place) -> Option<usize> {
        let is_comparison = matches!(
            expression.kind,
            ExprKind::Compare { .. } | ExprKind::Lookup { .. } | ExprKind::Call { .. } | ExprKind::Field { .. }
        );
        // What an absent step says of an earlier one is not asked of that one.
        if self.named.is_empty() || self.absent || self.reading.is_some() || place.is_alternative() || !is_comparison {
            return None;
        }
        match self.owner(expression) {
            Owner::Earlier(step) => Some(step),
            _ => None,
        }
    }

    /// Asks the earlier step for what stands in this one; this one asks nothing for it.
    pub(super) fn move_to(&mut self, step: usize, expression: &Expr<'_>, place: Place) -> Planned {
        self.reading = Some(step);
        let inner = if place.is_negated() { Place::NegatedAlternative } else { Place::Alternative };
        let mut condition = self.condition(expression, inner);
        self.reading = None;
        if place.is_negated() {
            condition = Planned::new(PlannedKind::Not(Box::new(condition)), expression.span);
        }
        if let Some(step) = self.steps.get_mut(step) {
            step.conditions.push((condition, self.stage));
        }
        Planned::new(PlannedKind::Window, expression.span)
    }

    fn owner(&self, expression: &Expr<'_>) -> Owner {
        let all = |parts: &[Expr<'_>]| parts.iter().fold(Owner::Nobody, |owner, part| owner.and(self.owner(part)));
        match &expression.kind {
            ExprKind::Literal(_) | ExprKind::Broken(_) => Owner::Nobody,
            ExprKind::Field { path, .. } => {
                self.named_step(path).map_or(Owner::Other, |(step, _)| Owner::Earlier(step))
            }
            ExprKind::Call { arguments: parts, .. } | ExprKind::And(parts) | ExprKind::Or(parts) => all(parts),
            ExprKind::Not(inner) | ExprKind::Negative(inner) => self.owner(inner),
            ExprKind::Compare { left, right, .. } | ExprKind::Arithmetic { left, right, .. } => {
                self.owner(left).and(self.owner(right))
            }
            ExprKind::Lookup { subject, values, .. } => self.owner(subject).and(all(values)),
            ExprKind::Lineage { .. } => Owner::Other,
        }
    }

    /// A comparison of two fields. The field of the step itself stands first where the comparison has no direction.
    pub(super) fn field_reference(
        &self,
        left: &Subject,
        right: &Subject,
        comparison: Comparison,
        span: Span,
    ) -> Planned {
        let is_across = self.is_of_earlier_step(&left.raw) || self.is_of_earlier_step(&right.raw);
        let modifier = is_across.then_some(Modifier::Step);
        let comparison = Comparison { missing: MissingRule::Null, modifier, ..comparison };
        let name = |subject: &Subject| Box::new(Planned::new(PlannedKind::Name(subject.raw.as_str().into()), span));
        Planned::new(PlannedKind::Compare(comparison, name(left), Right::One(name(right))), span)
    }
}
