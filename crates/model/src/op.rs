use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

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

    /// The name as the author wrote it: `ne` and `not_in` for the negated `eq` and `in`, the opposite test for presence;
    /// the other operators have one name.
    #[must_use]
    pub fn written(self, negated: bool) -> &'static str {
        match (self, negated) {
            (Self::Eq, true) => "ne",
            (Self::In, true) => "not_in",
            (Self::IsNull, true) => Self::IsNotNull.name(),
            (Self::IsNotNull, true) => Self::IsNull.name(),
            _ => self.name(),
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
