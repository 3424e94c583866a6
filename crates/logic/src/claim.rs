use std::sync::Arc;

use ruleatlas_model::{Indicator, Missing, Op, Predicate};
use ruleatlas_taxonomy::{KEYWORD, Taxonomy};

use crate::{
    decide::{Formula, Literal, Prover},
    record::Record,
    source::Source,
    statement::Check,
};

/// Something that may be said of an event: that a canonical field holds a value.
#[derive(Clone, Debug)]
pub struct Claim {
    pub(crate) literal: Literal,
}

impl Claim {
    /// The claim of an indicator.
    #[must_use]
    pub fn of(indicator: &Indicator, taxonomy: &Taxonomy) -> Self {
        let op = indicator.op.op;
        let values = if op.is_presence() { Vec::new() } else { vec![indicator.value.clone()] };
        let field = if indicator.field == KEYWORD { "" } else { indicator.field.as_str() };
        let predicate = Predicate { modifiers: indicator.modifiers.clone(), ..Predicate::new(field, op, values) };
        Self::new(predicate, &indicator.field, indicator.op.basename, taxonomy)
    }

    /// The claim that a canonical field holds exactly this.
    #[must_use]
    pub fn equals(field: &str, value: &str, taxonomy: &Taxonomy) -> Self {
        let predicate = Predicate { case_sensitive: true, ..Predicate::new(field, Op::Eq, [value]) };
        Self::new(predicate, field, false, taxonomy)
    }

    /// The claim that one value of a comparison matches.
    #[must_use]
    pub fn value_of(check: Check<'_>, value: &str, taxonomy: &Taxonomy) -> Self {
        let predicate = Predicate {
            raw_field: check.field.to_owned(),
            values: vec![value.to_owned()],
            negated: false,
            missing: Missing::Fails,
            ..check.predicate.clone()
        };
        Self::new(predicate, check.field, check.sees_name, taxonomy)
    }

    /// The claim that a canonical field begins with this.
    #[must_use]
    pub fn begins(field: &str, head: &str, taxonomy: &Taxonomy) -> Self {
        Self::new(Predicate::new(field, Op::StartsWith, [head]), field, false, taxonomy)
    }

    fn new(predicate: Predicate, field: &str, sees_name: bool, taxonomy: &Taxonomy) -> Self {
        let known = taxonomy.find_fields(field).into_iter().find(|known| known.name.eq_ignore_ascii_case(field));
        let source = Arc::new(Source::canonical(predicate, known, sees_name));
        Self { literal: Literal { source, complement: false, only: None } }
    }

    /// The claim that this is not so.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self { literal: self.literal.negated() }
    }
}

impl Claim {
    /// Whether it names what the field is compared with, rather than another field or a list.
    #[must_use]
    pub fn is_of_values(&self) -> bool {
        let is_other = |predicate: &Predicate| matches!(predicate.op, Op::FieldRef | Op::InList);
        !self.literal.source.predicate.as_ref().is_some_and(is_other)
    }

    /// Whether it is so of an event.
    #[must_use]
    pub fn holds_for(&self, record: &Record) -> bool {
        match record.values(self.literal.field()) {
            [] => self.literal.is_met_by(None),
            values => values.iter().any(|value| self.literal.is_met_by(Some(value))),
        }
    }

    /// Whether whatever is as this claim says is proven to be as another says.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let (one, goal) = (Formula::Literal(self.literal.clone()), Formula::Literal(other.literal.clone()));
        Prover::default().follows(&[one], &goal).is_found()
    }
}
