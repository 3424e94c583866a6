use std::collections::BTreeMap;

use ruleatlas_model::AttackDomain;
use serde::Serialize;
use utoipa::ToSchema;

/// A layer of the ATT&CK Navigator, format 4.5: a number and a comment on techniques, coloured by a gradient.
///
/// ```
/// use ruleatlas_model::AttackDomain;
/// use ruleatlas_views::{Layer, LayerTechnique};
///
/// let mut layer = Layer::new("Rules", AttackDomain::Enterprise, "18.1", "Counted rules a technique");
/// layer.add(LayerTechnique::new("T1071", 40));
/// assert_eq!(layer.gradient.max_value, 40);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    /// What the Navigator's tab says.
    pub name: String,
    /// The versions that the file is written for.
    pub versions: LayerVersions,
    /// `enterprise-attack`, `mobile-attack` or `ics-attack`.
    pub domain: &'static str,
    /// What the numbers are.
    pub description: String,
    /// Techniques with the most first: 3.
    pub sorting: u8,
    /// How the matrix is laid out.
    pub layout: LayerLayout,
    /// Whether disabled techniques are hidden.
    pub hide_disabled: bool,
    /// The techniques.
    pub techniques: Vec<LayerTechnique>,
    /// The colours of the scores.
    pub gradient: LayerGradient,
    /// What the colours mean, besides the gradient.
    pub legend_items: Vec<LayerLegend>,
    /// Facts about the layer.
    pub metadata: Vec<LayerFact>,
}

/// The versions that a layer is written for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LayerVersions {
    /// ATT&CK's major version.
    pub attack: String,
    /// The Navigator's.
    pub navigator: &'static str,
    /// The format's.
    pub layer: &'static str,
}

/// How the Navigator lays the matrix out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LayerLayout {
    /// `side`: sub-techniques beside their technique.
    pub layout: &'static str,
    /// Whether ids are shown.
    #[serde(rename = "showID")]
    pub show_id: bool,
    /// Whether names are shown.
    pub show_name: bool,
}

/// A technique in a layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LayerTechnique {
    /// `T1071.001`.
    #[serde(rename = "techniqueID")]
    pub technique_id: String,
    /// The tactic's short name, where the row is not for all of the technique's tactics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tactic: Option<String>,
    /// The number.
    pub score: u64,
    /// A colour of its own, `#rrggbb`, instead of the gradient's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub color: String,
    /// What is shown beside it.
    pub comment: String,
    /// Whether it is shown at all.
    pub enabled: bool,
    /// Facts about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<LayerFact>,
}

/// The colours of scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LayerGradient {
    /// From the lowest to the highest.
    pub colors: Vec<&'static str>,
    /// The score of the first.
    pub min_value: u64,
    /// The score of the last.
    pub max_value: u64,
}

/// A colour with a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LayerLegend {
    /// What it means.
    pub label: String,
    /// `#rrggbb`.
    pub color: String,
}

/// A named fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LayerFact {
    /// The name.
    pub name: String,
    /// The fact.
    pub value: String,
}

impl LayerTechnique {
    /// A technique with a score, for all of its tactics.
    #[must_use]
    pub fn new(id: &str, score: u64) -> Self {
        Self { technique_id: id.to_owned(), score, enabled: true, ..Self::default() }
    }
}

impl Layer {
    /// A layer without techniques. `attack_version` may have a minor number, which the Navigator does not want.
    #[must_use]
    pub fn new(name: &str, domain: AttackDomain, attack_version: &str, description: &str) -> Self {
        let major = attack_version.split('.').next().filter(|major| major.parse::<u32>().is_ok_and(|it| it < 1000));
        Self {
            name: name.to_owned(),
            versions: LayerVersions { attack: major.unwrap_or("18").to_owned(), navigator: "5.1.0", layer: "4.5" },
            domain: match domain {
                AttackDomain::Enterprise => "enterprise-attack",
                AttackDomain::Mobile => "mobile-attack",
                AttackDomain::Ics => "ics-attack",
            },
            description: description.to_owned(),
            sorting: 3,
            layout: LayerLayout { layout: "side", show_id: true, show_name: true },
            hide_disabled: false,
            techniques: Vec::new(),
            gradient: LayerGradient { colors: vec!["#eef3fa", "#6f9fd8", "#0b3d78"], min_value: 0, max_value: 0 },
            legend_items: Vec::new(),
            metadata: Vec::new(),
        }
    }

    /// Adds a technique; the gradient ends at the highest score.
    pub fn add(&mut self, technique: LayerTechnique) {
        self.gradient.max_value = self.gradient.max_value.max(technique.score);
        self.techniques.push(technique);
    }

    /// Says a fact about the layer; one without content is left out.
    pub fn say(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.metadata.push(LayerFact { name: name.to_owned(), value: value.to_owned() });
        }
    }
}

/// `sigma 12, splunk 3`.
pub(crate) fn by_vendor_text(by_vendor: &BTreeMap<&'static str, u64>) -> String {
    by_vendor.iter().map(|(vendor, count)| format!("{vendor} {count}")).collect::<Vec<_>>().join(", ")
}
