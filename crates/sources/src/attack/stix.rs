//! What is read of a STIX bundle, with text borrowed from the file where it has no escapes.

use std::borrow::Cow;

use serde::Deserialize;

/// Text that is borrowed wherever it stands: in lists and options too, where a bare `Cow` would copy.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A STIX 2.0 or 2.1 bundle.
#[derive(Debug, Deserialize)]
pub(super) struct Bundle<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) objects: Option<Vec<Object<'a>>>,
}

/// Any object of a bundle: the fields of all types that matter here, each absent where the type has it not.
#[derive(Debug, Deserialize)]
pub(super) struct Object<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow, default)]
    pub(super) id: Text<'a>,
    #[serde(borrow, default)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) description: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) modified: Option<Text<'a>>,
    #[serde(default)]
    pub(super) revoked: Option<bool>,
    #[serde(default)]
    pub(super) x_mitre_deprecated: Option<bool>,
    #[serde(borrow, default)]
    pub(super) external_references: Option<Vec<ExternalReference<'a>>>,
    #[serde(borrow, default)]
    pub(super) kill_chain_phases: Option<Vec<KillChainPhase<'a>>>,
    #[serde(borrow, default)]
    pub(super) x_mitre_platforms: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub(super) x_mitre_domains: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub(super) x_mitre_shortname: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) x_mitre_version: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) tactic_refs: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub(super) aliases: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub(super) x_mitre_aliases: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub(super) relationship_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) source_ref: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) target_ref: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) x_mitre_analytic_refs: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub(super) x_mitre_log_source_references: Option<Vec<LogSource<'a>>>,
}

/// A log that an analytic reads.
#[derive(Debug, Deserialize)]
pub(super) struct LogSource<'a> {
    #[serde(borrow, default)]
    pub(super) x_mitre_data_component_ref: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) channel: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ExternalReference<'a> {
    #[serde(borrow, default)]
    pub(super) source_name: Text<'a>,
    #[serde(borrow, default)]
    pub(super) external_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) url: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct KillChainPhase<'a> {
    #[serde(borrow, default)]
    pub(super) kill_chain_name: Text<'a>,
    #[serde(borrow, default)]
    pub(super) phase_name: Text<'a>,
}

impl Object<'_> {
    pub(super) fn is_revoked(&self) -> bool {
        self.revoked == Some(true)
    }

    pub(super) fn is_deprecated(&self) -> bool {
        self.x_mitre_deprecated == Some(true)
    }

    pub(super) fn is_live(&self) -> bool {
        !self.is_revoked() && !self.is_deprecated()
    }

    /// The id that ATT&CK gives the object (`T1059.001`, `TA0011`), and its page.
    pub(super) fn attack_id(&self) -> Option<(&str, &str)> {
        self.external_references.iter().flatten().find_map(|reference| {
            let id = reference.external_id.as_deref().filter(|id| !id.is_empty())?;
            is_attack_source(&reference.source_name).then(|| (id, reference.url.as_deref().unwrap_or_default()))
        })
    }

    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    pub(super) fn description(&self) -> &str {
        self.description.as_deref().unwrap_or_default()
    }
}

/// The names under which an object's own id stands among its external references.
fn is_attack_source(name: &str) -> bool {
    matches!(name, "mitre-attack" | "mitre-mobile-attack" | "mitre-ics-attack")
}
