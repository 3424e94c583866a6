use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::named::named;

/// How a field is compared with its values, without the operator's own negation.
///
/// `!=`, `not in` and `!contains` are [`Op::Eq`], [`Op::In`] and [`Op::Contains`] of a predicate whose
/// `negated` is set; [`Op::written`] gives the name that stands in data and on pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// The whole value is this.
    Eq,
    /// The whole value is one of these.
    In,
    /// The value has this inside.
    Contains,
    /// The value begins with this.
    StartsWith,
    /// The value ends with this.
    EndsWith,
    /// The whole value matches a pattern of `*` and `?`; `[*]`, `[?]` are the literal characters.
    Wildcard,
    /// Term or full-text match.
    Match,
    /// The value matches a regular expression.
    RegexMatch,
    /// The address lies in a network.
    CidrMatch,
    /// Less than.
    Lt,
    /// Less than or equal.
    Lte,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Gte,
    /// The field is missing.
    IsNull,
    /// The field is present.
    IsNotNull,
    /// The value equals another field's; the predicate's value is that field's name.
    FieldRef,
    /// The value is in a list known by name; the predicate's value is that name.
    InList,
}

impl Op {
    /// Every operator, in the order of the predicate model's table.
    pub const ALL: [Self; 17] = [
        Self::Eq,
        Self::In,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Wildcard,
        Self::Match,
        Self::RegexMatch,
        Self::CidrMatch,
        Self::Lt,
        Self::Lte,
        Self::Gt,
        Self::Gte,
        Self::IsNull,
        Self::IsNotNull,
        Self::FieldRef,
        Self::InList,
    ];

    /// The operator's name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::In => "in",
            Self::Contains => "contains",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
            Self::Wildcard => "wildcard",
            Self::Match => "match",
            Self::RegexMatch => "regex_match",
            Self::CidrMatch => "cidr_match",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::IsNull => "is_null",
            Self::IsNotNull => "is_not_null",
            Self::FieldRef => "field_ref",
            Self::InList => "in_list",
        }
    }

    /// The operator as the author wrote it: `ne` and `not_in` for the negated `eq` and `in`, the opposite test for
    /// presence; the other operators have one name.
    #[must_use]
    pub fn written(self, negated: bool) -> WrittenOp {
        match (self, negated) {
            (Self::Eq, true) => WrittenOp::Ne,
            (Self::In, true) => WrittenOp::NotIn,
            (Self::IsNull, true) => WrittenOp::IsNotNull,
            (Self::IsNotNull, true) => WrittenOp::IsNull,
            _ => self.into(),
        }
    }

    /// Whether the operator takes no value.
    #[must_use]
    pub fn is_presence(self) -> bool {
        matches!(self, Self::IsNull | Self::IsNotNull)
    }

    /// Whether the operator compares the whole text of the value.
    #[must_use]
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Eq | Self::In)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

named! {
    /// An operator as the author wrote it: `ne` and `not_in` are the negated `eq` and `in`; the others have one name.
    WrittenOp {
        /// The whole value is this.
        Eq = "eq",
        /// The whole value is not this.
        Ne = "ne",
        /// The whole value is one of these.
        In = "in",
        /// The whole value is none of these.
        NotIn = "not_in",
        /// The value has this inside.
        Contains = "contains",
        /// The value begins with this.
        StartsWith = "starts_with",
        /// The value ends with this.
        EndsWith = "ends_with",
        /// The whole value matches a pattern.
        Wildcard = "wildcard",
        /// Term or full-text match.
        Match = "match",
        /// The value matches a regular expression.
        RegexMatch = "regex_match",
        /// The address lies in a network.
        CidrMatch = "cidr_match",
        /// Less than.
        Lt = "lt",
        /// Less than or equal.
        Lte = "lte",
        /// Greater than.
        Gt = "gt",
        /// Greater than or equal.
        Gte = "gte",
        /// The field is missing.
        IsNull = "is_null",
        /// The field is present.
        IsNotNull = "is_not_null",
        /// The value equals another field's.
        FieldRef = "field_ref",
        /// The value is in a list known by name.
        InList = "in_list",
    }
}

impl WrittenOp {
    /// Whether the operator's own name is negative.
    #[must_use]
    pub fn is_negative(self) -> bool {
        matches!(self, Self::Ne | Self::NotIn)
    }
}

impl From<Op> for WrittenOp {
    fn from(op: Op) -> Self {
        match op {
            Op::Eq => Self::Eq,
            Op::In => Self::In,
            Op::Contains => Self::Contains,
            Op::StartsWith => Self::StartsWith,
            Op::EndsWith => Self::EndsWith,
            Op::Wildcard => Self::Wildcard,
            Op::Match => Self::Match,
            Op::RegexMatch => Self::RegexMatch,
            Op::CidrMatch => Self::CidrMatch,
            Op::Lt => Self::Lt,
            Op::Lte => Self::Lte,
            Op::Gt => Self::Gt,
            Op::Gte => Self::Gte,
            Op::IsNull => Self::IsNull,
            Op::IsNotNull => Self::IsNotNull,
            Op::FieldRef => Self::FieldRef,
            Op::InList => Self::InList,
        }
    }
}

/// A word that is no operator of the predicate model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownOp(pub String);

impl fmt::Display for UnknownOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no operator; the operators are", self.0)?;
        for op in Op::ALL {
            write!(f, " {op}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownOp {}

impl FromStr for Op {
    type Err = UnknownOp;

    fn from_str(name: &str) -> Result<Self, UnknownOp> {
        Self::ALL.into_iter().find(|op| op.name() == name).ok_or_else(|| UnknownOp(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_written_by_its_name() {
        for op in Op::ALL {
            assert_eq!(op.written(false).name(), op.name());
            assert_eq!(op.written(true).is_negative(), op.is_whole());
        }
        assert_eq!(WrittenOp::ALL.len(), Op::ALL.len() + 2);
    }
}
