use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Analytic, Resolution};

/// The three matrices of ATT&CK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum AttackDomain {
    /// Enterprise.
    Enterprise,
    /// Mobile.
    Mobile,
    /// Industrial control systems.
    Ics,
}

impl AttackDomain {
    /// The domain's name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Enterprise => "enterprise",
            Self::Mobile => "mobile",
            Self::Ics => "ics",
        }
    }
}

/// A citation of an ATT&CK object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Reference {
    /// The name that `(Citation: …)` uses.
    pub name: String,
    /// The address; empty when ATT&CK gives none.
    pub url: String,
}

/// A tactic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tactic {
    /// `TA0011`.
    pub id: String,
    /// `command-and-control`.
    pub short_name: String,
    /// `Command and Control`.
    pub name: String,
    /// The matrix.
    pub domain: AttackDomain,
    /// Place in the matrix, from 0.
    pub order: u32,
    /// Whether ATT&CK calls it deprecated; such a tactic stands behind those of the matrix.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// ATT&CK's text, Markdown.
    pub description: String,
}

/// A mitigation of a technique, with ATT&CK's words on how it helps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MitigationRef {
    /// `M1031`.
    pub id: String,
    /// ATT&CK's text, Markdown.
    pub description: String,
}

/// A mitigation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mitigation {
    /// `M1031`.
    pub id: String,
    /// `Network Intrusion Prevention`.
    pub name: String,
    /// ATT&CK's text, Markdown.
    pub description: String,
}

/// A technique or sub-technique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Technique {
    /// `T1071.001`.
    pub id: String,
    /// `Web Protocols`.
    pub name: String,
    /// The matrix.
    pub domain: AttackDomain,
    /// ATT&CK's text, Markdown with `(Citation: …)` marks.
    pub description: String,
    /// Its tactics' short names, in the order of the matrix.
    pub tactics: Vec<String>,
    /// ATT&CK's platforms, as written; empty where ATT&CK says `None`.
    pub platforms: Vec<String>,
    /// The technique this is a sub-technique of.
    pub parent: Option<String>,
    /// Whether ATT&CK calls it deprecated.
    pub deprecated: bool,
    /// ATT&CK's page about it.
    pub url: String,
    /// What its text and its mitigations' texts cite, in the order of the first mark.
    pub references: Vec<Reference>,
    /// What mitigates it.
    pub mitigations: Vec<MitigationRef>,
}

impl Technique {
    /// A technique of the enterprise matrix of which nothing but the id is known.
    #[must_use]
    pub fn blank(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: String::new(),
            domain: AttackDomain::Enterprise,
            description: String::new(),
            tactics: Vec::new(),
            platforms: Vec::new(),
            parent: None,
            deprecated: false,
            url: String::new(),
            references: Vec::new(),
            mitigations: Vec::new(),
        }
    }
}

/// Where an id that the loaded version does not use leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// Ids of the loaded version.
    pub to: Vec<String>,
    /// The way: `revoked-by` or `crosswalk`.
    pub resolution: Resolution,
}

/// The ATT&CK knowledge base as loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attack {
    /// The version as the user or the bundle says it, or the newest `modified` date of its objects.
    pub version: String,
    /// Techniques by id.
    pub techniques: BTreeMap<String, Technique>,
    /// Tactics, in the order of the matrices.
    pub tactics: Vec<Tactic>,
    /// Mitigations by id.
    pub mitigations: BTreeMap<String, Mitigation>,
    /// Ids that lead elsewhere.
    pub redirects: BTreeMap<String, Redirect>,
    /// Tactics that the loaded version does not know, by short name (`stealth`) or id (`TA0112`), and the short names
    /// of the loaded version that they lead to (`defense-evasion`).
    pub tactic_redirects: BTreeMap<String, Vec<String>>,
    /// The analytics that detect a technique, by its id; those of sub-techniques stand apart. Only a build holds them
    /// all: they are as large as everything else together, and a reader asks for those of one technique.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub analytics: BTreeMap<String, Vec<Analytic>>,
}

impl Attack {
    /// The techniques of the loaded version that `id` (any case) leads to, and the way.
    ///
    /// The list is empty when nobody knows the id. Where no version is loaded, the id stands as written.
    #[must_use]
    pub fn resolve(&self, id: &str) -> (Vec<String>, Resolution) {
        let id = id.to_ascii_uppercase();
        if let Some(technique) = self.techniques.get(&id) {
            let resolution = if technique.deprecated { Resolution::Deprecated } else { Resolution::Direct };
            return (vec![id], resolution);
        }
        match self.redirects.get(&id) {
            Some(redirect) => (redirect.to.clone(), redirect.resolution),
            None if self.techniques.is_empty() => (vec![id], Resolution::AsWritten),
            None => (Vec::new(), Resolution::Unknown),
        }
    }

    /// The tactics of the loaded version that a short name (`stealth`) or id (`TA0112`) leads to, each short name once
    /// though several matrices have it; empty when nobody knows it.
    #[must_use]
    pub fn resolve_tactic(&self, tactic: &str) -> Vec<&Tactic> {
        if let Some(names) = self.tactic_redirects.get(tactic) {
            return names.iter().filter_map(|name| self.tactic_named(name)).collect();
        }
        self.tactic_named(tactic).into_iter().collect()
    }

    /// The tactic of the loaded version that a short name or id leads to, when it is one.
    #[must_use]
    pub fn tactic(&self, tactic: &str) -> Option<&Tactic> {
        match self.resolve_tactic(tactic).as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The first tactic with that short name or id.
    fn tactic_named(&self, name: &str) -> Option<&Tactic> {
        self.tactics.iter().find(|tactic| tactic.short_name == name || tactic.id == name)
    }

    /// The technique and, when asked for, its sub-techniques, in order.
    #[must_use]
    pub fn family(&self, id: &str, with_sub_techniques: bool) -> Vec<&Technique> {
        self.techniques
            .values()
            .filter(|technique| technique.id == id || (with_sub_techniques && technique.parent.as_deref() == Some(id)))
            .collect()
    }
}
