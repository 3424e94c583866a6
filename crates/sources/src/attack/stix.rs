//! What is read of a STIX bundle, with text borrowed from the file where it has no escapes.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

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
#[derive(Debug, Default, Deserialize)]
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

/// A bundle that is about threats only: twice as large as all others together, and most of it texts that nobody reads.
#[derive(Debug, Deserialize)]
pub(super) struct ThreatBundle<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) objects: Option<Vec<ThreatObject<'a>>>,
}

/// What is read of its objects.
#[derive(Debug, Deserialize)]
pub(super) struct ThreatObject<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    modified: Option<Text<'a>>,
    #[serde(default)]
    revoked: Option<bool>,
    #[serde(default)]
    x_mitre_deprecated: Option<bool>,
    #[serde(borrow, default)]
    external_references: OwnReference<'a>,
    #[serde(borrow, default)]
    x_mitre_domains: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    aliases: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    x_mitre_aliases: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    relationship_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    source_ref: Option<Text<'a>>,
    #[serde(borrow, default)]
    target_ref: Option<Text<'a>>,
}

impl<'a> From<ThreatObject<'a>> for Object<'a> {
    fn from(object: ThreatObject<'a>) -> Self {
        Self {
            kind: object.kind,
            id: object.id,
            name: object.name,
            modified: object.modified,
            revoked: object.revoked,
            x_mitre_deprecated: object.x_mitre_deprecated,
            external_references: object.external_references.0.map(|own| vec![own]),
            x_mitre_domains: object.x_mitre_domains,
            aliases: object.aliases,
            x_mitre_aliases: object.x_mitre_aliases,
            relationship_type: object.relationship_type,
            source_ref: object.source_ref,
            target_ref: object.target_ref,
            ..Self::default()
        }
    }
}

/// Of an object's external references the one that is its own id and page.
#[derive(Debug, Default)]
struct OwnReference<'a>(Option<ExternalReference<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for OwnReference<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OwnReferenceVisitor)
    }
}

struct OwnReferenceVisitor;

impl<'de> Visitor<'de> for OwnReferenceVisitor {
    type Value = OwnReference<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of external references")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(OwnReference(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while let Some(reference) = list.next_element::<ExternalReference<'de>>()? {
            let has_id = reference.external_id.as_deref().is_some_and(|id| !id.is_empty());
            if has_id && is_attack_source(&reference.source_name) {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(OwnReference(Some(reference)));
            }
        }
        Ok(OwnReference(None))
    }
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
