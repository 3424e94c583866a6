use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Modifiers, Op, UnknownOp};

/// An operator as it is counted: `in` is `eq`, own negation is gone, and a check of a path's last part has the
/// prefix `basename`.
///
/// Ordered as the names are, so that rows that are sorted here are sorted for every reader of the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FoldedOp {
    /// The comparison.
    pub op: Op,
    /// Whether it looks at the path's last part only.
    pub basename: bool,
}

impl FoldedOp {
    /// A comparison of the whole value of a field.
    #[must_use]
    pub fn plain(op: Op) -> Self {
        Self { op: if op == Op::In { Op::Eq } else { op }, basename: false }
    }

    /// A comparison of a path's last part.
    #[must_use]
    pub fn basename(op: Op) -> Self {
        Self { basename: true, ..Self::plain(op) }
    }

    /// The two parts of the name, `basename` and the comparison behind it.
    fn name_parts(self) -> (&'static str, &'static str) {
        match (self.basename, self.op) {
            (false, op) => (op.name(), ""),
            (true, Op::Eq) => ("basename", ""),
            (true, op) => ("basename", op.name()),
        }
    }
}

impl Ord for FoldedOp {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name_parts().cmp(&other.name_parts())
    }
}

impl PartialOrd for FoldedOp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for FoldedOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name_parts() {
            (name, "") => f.write_str(name),
            (first, second) => write!(f, "{first}_{second}"),
        }
    }
}

impl FromStr for FoldedOp {
    type Err = UnknownOp;

    /// Reads the folded name, or an operator as rules and people write it (`ne`, `endswith`, `==`), in any case.
    fn from_str(name: &str) -> Result<Self, UnknownOp> {
        let lower = name.to_lowercase();
        match lower.as_str() {
            "basename" => Ok(Self::basename(Op::Eq)),
            _ => match lower.strip_prefix("basename_") {
                Some(op) => Ok(Self::basename(op.parse()?)),
                None => Ok(Self::plain(written(&lower)?)),
            },
        }
    }
}

/// The operator behind a name that someone writes for it.
fn written(name: &str) -> Result<Op, UnknownOp> {
    Ok(match name {
        "=" | "==" | "=~" | ":" | "!=" | "<>" | "ne" | "not_in" | "equals" => Op::Eq,
        "startswith" => Op::StartsWith,
        "endswith" => Op::EndsWith,
        "has" => Op::Match,
        "re" | "regex" | "matches" => Op::RegexMatch,
        "cidr" => Op::CidrMatch,
        "<" => Op::Lt,
        "<=" => Op::Lte,
        ">" => Op::Gt,
        ">=" => Op::Gte,
        "isnull" | "isempty" => Op::IsNull,
        "isnotnull" | "isnotempty" | "exists" => Op::IsNotNull,
        _ => return name.parse(),
    })
}

impl TryFrom<String> for FoldedOp {
    type Error = UnknownOp;

    fn try_from(name: String) -> Result<Self, UnknownOp> {
        name.parse()
    }
}

impl From<FoldedOp> for String {
    fn from(op: FoldedOp) -> Self {
        op.to_string()
    }
}

/// The unit that is counted: a canonical field, a folded operator and a folded value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Indicator {
    /// The canonical field, or the raw one in lower case where the taxonomy does not know it.
    pub field: String,
    /// The folded operator.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub op: FoldedOp,
    /// The value in lower case; empty for `is_null` and `is_not_null`.
    pub value: String,
    /// What transforms the value or the match; a part of the indicator's identity.
    #[serde(default, rename = "modifier", skip_serializing_if = "Modifiers::is_empty")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub modifiers: Modifiers,
}
