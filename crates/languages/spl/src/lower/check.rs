//! A comparison with literals, before it is known what is compared.

use ruleatlas_core::{Folded, Pattern, Piece, fold_pieces, matches_wildcards};
use ruleatlas_model::{Missing, Op, Predicate, Span};

use crate::ast::CompareOp;

/// A comparison with literals.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub op: Op,
    pub negated: bool,
    pub values: Vec<String>,
    pub cased: bool,
    pub missing: Missing,
    /// Whether what is compared was made a number, so that another text has no order.
    pub numeric: bool,
    pub span: Span,
}

impl Check {
    /// A comparison of the `search` language: without case, failing where the field is missing.
    pub(crate) fn search(op: Op, values: Vec<String>, span: Span) -> Self {
        Self { op, negated: false, values, cased: false, missing: Missing::Fails, numeric: false, span }
    }

    /// A comparison of `eval` and `where`: with case, null where the field is null.
    pub(crate) fn eval(op: Op, values: Vec<String>, span: Span) -> Self {
        let missing = if op.is_presence() { Missing::Fails } else { Missing::Null };
        // Numbers know no case.
        let cased = !op.is_presence() && values.iter().any(|value| value.chars().any(char::is_alphabetic));
        Self { op, negated: false, values, cased, missing, numeric: false, span }
    }

    /// The check that `op` stands for.
    pub(crate) fn with_op(mut self, op: CompareOp) -> Self {
        let (op, negated) = match op {
            CompareOp::Eq => (Op::Eq, false),
            CompareOp::Ne => (Op::Eq, true),
            CompareOp::Lt => (Op::Lt, false),
            CompareOp::Lte => (Op::Lte, false),
            CompareOp::Gt => (Op::Gt, false),
            CompareOp::Gte => (Op::Gte, false),
        };
        self.op = op;
        self.negated = negated;
        if !matches!(self.op, Op::Eq) {
            // Order knows no case.
            self.cased = false;
        }
        self
    }

    /// The same without its own negation.
    pub(crate) fn positive(&self) -> Self {
        Self { negated: false, ..self.clone() }
    }

    pub(crate) fn predicate(&self, field: &str) -> Predicate {
        let mut predicate = Predicate::new(field, self.op, self.values.iter().cloned());
        predicate.negated = self.negated;
        predicate.case_sensitive = self.cased;
        predicate.missing = self.missing;
        // `where` and `eval` order a text that is no number by its characters.
        let is_order = matches!(self.op, Op::Lt | Op::Lte | Op::Gt | Op::Gte);
        predicate.text_order = self.missing == Missing::Null && is_order && !self.numeric;
        predicate.span = self.span;
        predicate
    }

    /// Whether a literal passes; `None` where that cannot be said.
    pub(crate) fn holds(&self, literal: &str) -> Option<bool> {
        let fold = |text: &str| if self.cased { text.to_owned() } else { text.to_lowercase() };
        let found = fold(literal);
        let any = |test: &dyn Fn(&str) -> bool| self.values.iter().any(|value| test(&fold(value)));
        let ordered = |test: fn(f64, f64) -> bool| {
            let value = self.values.first()?;
            Some(test(literal.trim().parse().ok()?, value.trim().parse().ok()?))
        };
        let passes = match self.op {
            Op::Eq | Op::In => any(&|value| value == found || same_number(value, &found)),
            Op::Contains => any(&|value| found.contains(value)),
            Op::StartsWith => any(&|value| found.starts_with(value)),
            Op::EndsWith => any(&|value| found.ends_with(value)),
            Op::Wildcard => any(&|value| matches_pattern(Pattern::read(value).pieces(), &found)),
            Op::IsNull => false,
            Op::IsNotNull => true,
            Op::Lt => ordered(|left, right| left < right)?,
            Op::Lte => ordered(|left, right| left <= right)?,
            Op::Gt => ordered(|left, right| left > right)?,
            Op::Gte => ordered(|left, right| left >= right)?,
            Op::Match | Op::RegexMatch | Op::CidrMatch | Op::FieldRef | Op::InList => return None,
        };
        Some(passes != self.negated)
    }
}

fn same_number(left: &str, right: &str) -> bool {
    matches!((left.parse::<f64>(), right.parse::<f64>()), (Ok(left), Ok(right)) if (left - right).abs() < f64::EPSILON)
}

/// Whether a text matches a pattern.
fn matches_pattern(pattern: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let taken = |piece: &Piece, rest: &[char]| {
        let first = rest.first()?;
        let is_as_asked = match piece {
            Piece::Char(character) => character == first,
            Piece::One | Piece::Many => true,
        };
        is_as_asked.then_some(1)
    };
    matches_wildcards(pattern, &text, |piece| *piece == Piece::Many, taken)
}

/// Patterns as checks: alternatives of one operator together, in the order of first appearance.
pub(crate) fn group(folded: impl IntoIterator<Item = Folded>) -> Vec<(Op, Vec<String>)> {
    let mut groups: Vec<(Op, Vec<String>)> = Vec::new();
    for Folded { op, value } in folded {
        let values = if op.is_presence() { Vec::new() } else { vec![value] };
        match groups.iter_mut().find(|(known, _)| *known == op) {
            Some((_, known)) => {
                known.extend(values);
            }
            None => groups.push((op, values)),
        }
    }
    for (op, values) in &mut groups {
        if *op == Op::Eq && values.len() > 1 {
            *op = Op::In;
        }
    }
    groups
}

/// What a pattern of `like` means: `%` is any text, `_` any character.
pub(crate) fn fold_like(pattern: &str) -> Folded {
    let pieces: Vec<Piece> = pattern
        .chars()
        .map(|character| match character {
            '%' => Piece::Many,
            '_' => Piece::One,
            _ => Piece::Char(character),
        })
        .collect();
    fold_pieces(&pieces)
}

/// Whether a value is an address with a prefix length, which `search` compares as a network.
pub(crate) fn is_cidr(value: &str) -> bool {
    value.parse::<ipnet::IpNet>().is_ok()
}
