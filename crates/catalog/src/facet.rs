use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The sides from which rules are gathered into sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    /// A technique of the loaded ATT&CK version, sub-techniques apart.
    Technique,
    /// A tactic's short name.
    Tactic,
    /// A vendor.
    Vendor,
    /// A source's name.
    Source,
    /// A platform.
    Platform,
    /// A domain.
    Domain,
    /// A severity.
    Severity,
    /// A status.
    Status,
    /// A kind of rule.
    Kind,
    /// A language.
    Language,
    /// A parse status.
    Parse,
    /// A log source.
    LogSource,
    /// An event, as `provider/id`.
    Event,
    /// A canonical field, in lower case.
    Field,
}

impl Facet {
    /// Every facet.
    pub const ALL: [Self; 14] = [
        Self::Technique,
        Self::Tactic,
        Self::Vendor,
        Self::Source,
        Self::Platform,
        Self::Domain,
        Self::Severity,
        Self::Status,
        Self::Kind,
        Self::Language,
        Self::Parse,
        Self::LogSource,
        Self::Event,
        Self::Field,
    ];

    /// The facet's name in addresses and data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Technique => "technique",
            Self::Tactic => "tactic",
            Self::Vendor => "vendor",
            Self::Source => "source",
            Self::Platform => "platform",
            Self::Domain => "domain",
            Self::Severity => "severity",
            Self::Status => "status",
            Self::Kind => "kind",
            Self::Language => "language",
            Self::Parse => "parse",
            Self::LogSource => "log_source",
            Self::Event => "event",
            Self::Field => "field",
        }
    }
}

impl fmt::Display for Facet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Facet {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|facet| facet.name() == name).ok_or_else(|| format!("`{name}` is no facet"))
    }
}
