use std::fmt;

use serde::{Deserialize, Serialize};

/// What a predicate does in its rule, read in negation normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The rule looks for it.
    Indicator,
    /// The rule excludes it.
    Exclusion,
    /// A negation inside an alternative, an exception to an exclusion, a part of an absent step: shown, not counted.
    Nested,
    /// A comparison of something computed: shown, not counted.
    Computed,
}

impl Role {
    /// The role's name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Indicator => "indicator",
            Self::Exclusion => "exclusion",
            Self::Nested => "nested",
            Self::Computed => "computed",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
