use serde::{Deserialize, Serialize};

use crate::{Resolution, named::named};

named! {
    /// What a control does about a technique.
    ControlKind {
        /// It prevents: what to put in place.
        Policy = "policy",
        /// It detects.
        Detection = "detection",
        /// It tests what is in place.
        Test = "test",
    }
}

named! {
    /// Whose controls, beside the rules of the vendors.
    ControlSource {
        /// ATT&CK's mitigations.
        Mitigations = "mitigations",
        /// D3FEND's countermeasures.
        D3fend = "d3fend",
        /// Analytics of the Cyber Analytics Repository.
        Car = "car",
        /// Unit tests of its analytics.
        CarTests = "car-tests",
        /// Tests of Atomic Red Team.
        Atomic = "atomic",
        /// Techniques of Stratus Red Team.
        Stratus = "stratus",
    }
}

impl ControlSource {
    /// What its controls do.
    #[must_use]
    pub fn kind(self) -> ControlKind {
        match self {
            Self::Mitigations | Self::D3fend => ControlKind::Policy,
            Self::Car => ControlKind::Detection,
            Self::CarTests | Self::Atomic | Self::Stratus => ControlKind::Test,
        }
    }

    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Mitigations => "ATT&CK mitigations",
            Self::D3fend => "D3FEND countermeasures",
            Self::Car => "Cyber Analytics Repository",
            Self::CarTests => "CAR unit tests",
            Self::Atomic => "Atomic Red Team",
            Self::Stratus => "Stratus Red Team",
        }
    }

    /// The same for the head of a narrow column.
    #[must_use]
    pub fn short_title(self) -> &'static str {
        match self {
            Self::Mitigations => "Mitig.",
            Self::D3fend => "D3FEND",
            Self::Car => "CAR",
            Self::CarTests => "CAR tests",
            Self::Atomic => "Atomic",
            Self::Stratus => "Stratus",
        }
    }

    /// The same in a few letters, for a terminal.
    #[must_use]
    pub fn abbreviation(self) -> &'static str {
        match self {
            Self::Mitigations => "Mit",
            Self::D3fend => "D3F",
            Self::Car => "CAR",
            Self::CarTests => "CARt",
            Self::Atomic => "Atom",
            Self::Stratus => "Stra",
        }
    }
}

named! {
    /// Who says that a control belongs to a technique.
    Basis {
        /// The source maps it to the technique itself.
        Official = "official",
        /// It follows from what the source says: through artifacts, or from the technique above.
        Derived = "derived",
    }
}

/// A countermeasure, an analytic or a test. All text is its publisher's and nothing of it is ever run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Control {
    /// Whose it is.
    pub source: ControlSource,
    /// Its id there: `M1031`, `D3-NTCD`, `CAR-2013-02-003`, a GUID, `aws.execution.ec2-user-data`. Unique in its source.
    pub id: String,
    /// The name.
    pub name: String,
    /// Its public page; empty where it has none.
    pub url: String,
    /// The file inside the source, with `/`; empty where no file is its own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The publisher's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// D3FEND's tactic (`Detect`, `Isolate`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tactic: Option<String>,
    /// The platforms, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// What runs the test (`powershell`, `manual`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// Whether the test asks for an administrator's rights.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_elevated: bool,
    /// The commands of a test, with the default values of its arguments. They are never run, and no answer repeats them.
    #[serde(skip)]
    pub script: Option<String>,
}

/// That a control belongs to a technique, and who says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ControlLink {
    /// The control's place in its list.
    pub control: u32,
    /// The technique's id in the loaded ATT&CK version.
    pub technique: String,
    /// The id as the source writes it.
    pub cited: String,
    /// The way from that id to the technique.
    pub resolution: Resolution,
    /// Who says so.
    pub basis: Basis,
    /// How it follows, a sentence a way; for an official link what the source adds (`coverage: Moderate`).
    pub how: Vec<String>,
}

named! {
    /// What threatens.
    ThreatKind {
        /// A group.
        Group = "group",
        /// Malware or a tool.
        Software = "software",
        /// A campaign.
        Campaign = "campaign",
    }
}

/// A group, software or campaign of ATT&CK.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Threat {
    /// `G0016`, `S0154`, `C0022`.
    pub id: String,
    /// What it is.
    pub kind: ThreatKind,
    /// The name.
    pub name: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// ATT&CK's page.
    pub url: String,
    /// Whether ATT&CK calls it deprecated.
    pub is_deprecated: bool,
    /// The id that took its place, where ATT&CK revoked it.
    pub revoked_by: Option<String>,
    /// For a campaign the groups it is attributed to.
    pub attributed_to: Vec<String>,
    /// The techniques that ATT&CK says it uses, ids of the loaded version, each once, in order.
    pub techniques: Vec<String>,
}
