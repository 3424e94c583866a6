//! Where one stands against those who threaten.

mod read;

use std::{cmp::Reverse, collections::BTreeMap};

use roaring::RoaringBitmap;
use ruleatlas_model::{AttackDomain, ControlKind, Resolution, Technique, Threat, ThreatKind};
use serde::Serialize;
use utoipa::ToSchema;

pub use read::ReadLayer;

use crate::{Atlas, CollectedTelemetry, CompassRow, ControlColumn, Error, Layer, LayerTechnique, nearest};

/// Revocations that are followed from one id.
const MAX_REVOCATIONS: usize = 16;

/// Who threatens, and what one has.
#[derive(Clone, Debug, Default)]
pub struct AlignRequest {
    /// Groups, software and campaigns by id, name or alias.
    pub threats: Vec<(ThreatKind, String)>,
    /// Layers, each a threat of its own.
    pub layers: Vec<ReadLayer>,
    /// What telemetry one collects: rules that it cannot feed do not count. All count for `None`.
    pub have: Option<CollectedTelemetry>,
}

/// Where one stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AlignView {
    /// The version of ATT&CK.
    pub attack_version: String,
    /// Who threatens.
    pub threats: Vec<ThreatItem>,
    /// Whether rules are left out that one's telemetry cannot feed.
    pub only_fed: bool,
    /// What has to be known to read the rest: ids that were followed, and ids that nobody knows.
    pub notes: Vec<String>,
    /// The sources, in the order of the table of controls.
    pub columns: Vec<ControlColumn>,
    /// How many techniques have which stance.
    pub stances: BTreeMap<&'static str, u64>,
    /// Their techniques, the gaps first: those that many use, few detect and none test.
    pub techniques: Vec<AlignRow>,
}

/// Somebody who threatens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ThreatItem {
    /// `G0016`; of a layer its name.
    pub id: String,
    /// `group`, `software`, `campaign` or `layer`.
    pub kind: &'static str,
    /// The name.
    pub name: String,
    /// ATT&CK's page; empty for a layer.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// How many techniques it uses.
    pub techniques: u64,
    /// Campaigns that ATT&CK attributes to the group; they count only when they are named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub campaigns: Vec<String>,
}

/// A technique that somebody uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AlignRow {
    /// Its resources and scores.
    #[serde(flatten)]
    pub row: CompassRow,
    /// Who uses it, by the ids of [`ThreatItem`].
    pub used_by: Vec<String>,
    /// Rules and analytics that detect it.
    pub detections: u64,
    /// Tests.
    pub tests: u64,
    /// Mitigations and countermeasures.
    pub policies: u64,
    /// What that means.
    pub stance: AlignmentStatus,
}

/// Where one stands against a technique, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlignmentStatus {
    /// Neither detected nor tested.
    Blind,
    /// Tested and not detected.
    Undetected,
    /// Detected and not tested.
    Untested,
    /// Detected and tested.
    Covered,
}

impl AlignmentStatus {
    /// Every stance.
    pub const ALL: [Self; 4] = [Self::Blind, Self::Undetected, Self::Untested, Self::Covered];

    /// The name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::Undetected => "undetected",
            Self::Untested => "untested",
            Self::Covered => "covered",
        }
    }

    /// The name in words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Blind => "no detection, no test",
            Self::Undetected => "no detection",
            Self::Untested => "no test",
            Self::Covered => "detected and tested",
        }
    }

    fn of(detections: u64, tests: u64) -> Self {
        match (detections, tests) {
            (0, 0) => Self::Blind,
            (0, _) => Self::Undetected,
            (_, 0) => Self::Untested,
            _ => Self::Covered,
        }
    }

    /// The colour in a layer: from bad to good, told apart without colour by the comment.
    fn color(self) -> &'static str {
        match self {
            Self::Blind => "#b3261e",
            Self::Undetected => "#e8833a",
            Self::Untested => "#f2c94c",
            Self::Covered => "#5b8def",
        }
    }
}

impl Atlas {
    /// Where one stands against those who threaten.
    ///
    /// # Errors
    /// A threat is unknown (the nearest names are offered), no threats are loaded, a layer is of a matrix that is not
    /// loaded, or the catalog cannot be read.
    pub fn align(&self, request: &AlignRequest) -> Result<AlignView, Error> {
        let mut notes = Vec::new();
        let mut threats: Vec<ThreatItem> = Vec::new();
        let mut used: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (kind, name) in &request.threats {
            let threat = self.find_threat(*kind, name, &mut notes)?;
            if threats.iter().any(|known| known.id == threat.id) {
                continue;
            }
            let campaigns = self.threats()?.iter().filter(|other| other.attributed_to.contains(&threat.id));
            let techniques = self.loaded(&threat.id, &threat.techniques, &mut notes);
            threats.push(ThreatItem {
                id: threat.id.clone(),
                kind: threat.kind.name(),
                name: threat.name.clone(),
                url: threat.url.clone(),
                techniques: techniques.len() as u64,
                campaigns: campaigns.map(|campaign| campaign.id.clone()).collect(),
            });
            techniques.into_iter().for_each(|id| used.entry(id).or_default().push(threat.id.clone()));
        }
        for (at, layer) in request.layers.iter().enumerate() {
            let item = self.layer_threat(layer, at, &mut notes)?;
            let id = item.0.id.clone();
            threats.push(item.0);
            item.1.into_iter().for_each(|technique| used.entry(technique).or_default().push(id.clone()));
        }
        let board = self.board()?;
        let mut scope: RoaringBitmap = self.index.counted().clone();
        if let Some(have) = &request.have {
            let telemetry = self.telemetry(have)?;
            scope -= &telemetry.blind;
            notes.push(format!(
                "{} of {} rules read telemetry that is not collected and do not count; {} do of which nobody knows what they \
                 read; analytics of other sources count whatever they read",
                telemetry.blind.len(),
                self.index.counted().len(),
                telemetry.unknown.len()
            ));
        }
        let scope = &scope;
        let mut techniques: Vec<AlignRow> = used
            .into_iter()
            .filter_map(|(id, used_by)| Some((self.attack.techniques.get(&id)?, used_by)))
            .map(|(technique, used_by)| {
                let row = self.compass_row(board, technique, scope);
                let of_kind = |kind| row.of_kind(&board.columns, kind);
                let (detections, tests) = (of_kind(ControlKind::Detection), of_kind(ControlKind::Test));
                let policies = of_kind(ControlKind::Policy);
                AlignRow { used_by, detections, tests, policies, stance: AlignmentStatus::of(detections, tests), row }
            })
            .collect();
        techniques.sort_by(|a, b| {
            let key = |row: &AlignRow| {
                let is_covered = row.stance == AlignmentStatus::Covered;
                (is_covered, Reverse(row.used_by.len()), row.stance, row.detections, row.tests)
            };
            key(a).cmp(&key(b)).then_with(|| a.row.technique.cmp(&b.row.technique))
        });
        let count = |stance| techniques.iter().filter(|row| row.stance == stance).count() as u64;
        Ok(AlignView {
            attack_version: self.attack.version.clone(),
            threats,
            only_fed: request.have.is_some(),
            notes,
            columns: board.columns.clone(),
            stances: AlignmentStatus::ALL.map(|stance| (stance.name(), count(stance))).into(),
            techniques,
        })
    }

    /// The group, software or campaign that an id, name or alias means; a revoked one leads to what took its place.
    fn find_threat(&self, kind: ThreatKind, name: &str, notes: &mut Vec<String>) -> Result<&Threat, Error> {
        let all = self.threats()?;
        if all.is_empty() {
            return Err(Error::Unanswerable(format!(
                "the catalog holds no {kind}s: build it with --source attack=PATH, where PATH has ATT&CK's bundles with \
                 groups, software and campaigns in them or beside them"
            )));
        }
        let wanted = plain(name);
        let is_alias = |threat: &&Threat| threat.aliases.iter().any(|alias| plain(alias) == wanted);
        let of_kind = || all.iter().filter(|threat| threat.kind == kind);
        // An id first, then names before aliases; what lives before what is gone.
        let found = all
            .iter()
            .find(|threat| threat.id.eq_ignore_ascii_case(name.trim()))
            .or_else(|| {
                of_kind().filter(|threat| plain(&threat.name) == wanted).min_by_key(|threat| threat.is_deprecated)
            })
            .or_else(|| of_kind().filter(is_alias).min_by_key(|threat| threat.is_deprecated));
        let not_found = || {
            let names = of_kind().flat_map(|threat| {
                [threat.name.as_str(), threat.id.as_str()].into_iter().chain(threat.aliases.iter().map(String::as_str))
            });
            Error::NotFound { what: kind.name(), name: name.to_owned(), near: nearest(name, names, 3) }
        };
        let mut threat = found.filter(|_| !wanted.is_empty()).ok_or_else(not_found)?;
        for _ in 0..MAX_REVOCATIONS {
            let Some(successor) = &threat.revoked_by else { break };
            let Some(next) = all.iter().find(|other| other.id == *successor) else { break };
            notes.push(format!(
                "{} {} was revoked by ATT&CK and is now {} {}",
                threat.id, threat.name, next.id, next.name
            ));
            threat = next;
        }
        if threat.kind != kind {
            notes.push(format!("{} {} is no {kind} but {}", threat.id, threat.name, article(threat.kind)));
        }
        if threat.is_deprecated && threat.revoked_by.is_none() {
            notes.push(format!("{} {} is deprecated by ATT&CK", threat.id, threat.name));
        }
        if threat.techniques.is_empty() {
            notes.push(format!("ATT&CK names no technique that {} {} uses", threat.id, threat.name));
        }
        Ok(threat)
    }

    /// A layer as a threat, with its techniques in the loaded version.
    fn layer_threat(
        &self,
        layer: &ReadLayer,
        at: usize,
        notes: &mut Vec<String>,
    ) -> Result<(ThreatItem, Vec<String>), Error> {
        let name =
            if layer.name.trim().is_empty() { format!("layer {}", at + 1) } else { layer.name.trim().to_owned() };
        let is_loaded = |technique: &Technique| technique.domain == layer.domain;
        if !self.attack.techniques.values().any(is_loaded) {
            let mut loaded: Vec<AttackDomain> =
                self.attack.techniques.values().map(|technique| technique.domain).collect();
            loaded.sort_unstable();
            loaded.dedup();
            let loaded: Vec<&str> = loaded.into_iter().map(AttackDomain::name).collect();
            let loaded = if loaded.is_empty() { "none".to_owned() } else { loaded.join(", ") };
            return Err(Error::Unanswerable(format!(
                "the layer `{name}` is of the matrix {}, and the catalog holds {loaded}",
                layer.domain.name()
            )));
        }
        let major = |version: &str| {
            version.split('.').next().and_then(|major| major.parse::<u32>().ok()).filter(|it| *it < 1000)
        };
        if let Some(own) = &layer.attack_version
            && major(own) != major(&self.attack.version)
        {
            notes.push(format!("{name} is drawn on ATT&CK {own}; the catalog holds {}", self.attack.version));
        }
        let techniques = self.loaded(&name, &layer.techniques, notes);
        let item = ThreatItem {
            id: name.clone(),
            kind: "layer",
            name,
            url: String::new(),
            techniques: techniques.len() as u64,
            campaigns: Vec::new(),
        };
        Ok((item, techniques))
    }

    /// The techniques of the loaded version that ids lead to, each once, in order.
    fn loaded(&self, whose: &str, ids: &[String], notes: &mut Vec<String>) -> Vec<String> {
        let (mut found, mut unknown, mut followed) = (Vec::new(), Vec::new(), Vec::new());
        for id in ids {
            let (techniques, resolution) = self.attack.resolve(id);
            match resolution {
                Resolution::Unknown => unknown.push(id.as_str()),
                Resolution::RevokedBy | Resolution::Crosswalk => {
                    followed.push(format!("{id} → {}", techniques.join(", ")))
                }
                Resolution::Direct | Resolution::Deprecated | Resolution::AsWritten => {}
            }
            found.extend(techniques);
        }
        if !followed.is_empty() {
            notes.push(format!("{whose}: ids of another ATT&CK version were followed: {}", followed.join("; ")));
        }
        if !unknown.is_empty() {
            notes.push(format!("{whose}: nobody knows {}; left out", unknown.join(", ")));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// A name without what people write differently: case, spaces, hyphens.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn article(kind: ThreatKind) -> &'static str {
    match kind {
        ThreatKind::Group => "a group",
        ThreatKind::Software => "software",
        ThreatKind::Campaign => "a campaign",
    }
}

impl AlignView {
    /// The matrices of the techniques, the one with the most first.
    #[must_use]
    pub fn domains(&self) -> Vec<(AttackDomain, usize)> {
        let mut counts: BTreeMap<AttackDomain, usize> = BTreeMap::new();
        for row in &self.techniques {
            *counts.entry(row.row.domain).or_default() += 1;
        }
        let mut counts: Vec<(AttackDomain, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|(domain, count)| (Reverse(*count), *domain));
        counts
    }

    /// The techniques of a matrix as a layer of the ATT&CK Navigator: the score is how many of the threats use the
    /// technique, the colour where one stands, and the comment says both and the numbers.
    #[must_use]
    pub fn layer(&self, domain: AttackDomain) -> Layer {
        let about =
            "The score is the number of the chosen threats that use the technique, the colour where one stands.";
        let mut layer = Layer::new("Threat alignment", domain, &self.attack_version, about);
        layer.say("ATT&CK", &self.attack_version);
        let names: Vec<String> = self.threats.iter().map(|threat| format!("{} {}", threat.id, threat.name)).collect();
        layer.say("threats", &names.join(", "));
        if self.only_fed {
            layer.say("rules", "without those that the given telemetry cannot feed");
        }
        for row in self.techniques.iter().filter(|row| row.row.domain == domain) {
            let comment = format!(
                "{}: used by {} ({}), {} detections, {} tests, {} mitigations and countermeasures",
                row.stance.title(),
                row.used_by.len(),
                row.used_by.join(", "),
                row.detections,
                row.tests,
                row.policies
            );
            let color = row.stance.color().to_owned();
            let technique = LayerTechnique::new(&row.row.technique, row.used_by.len() as u64);
            layer.add(LayerTechnique { comment, color, ..technique });
        }
        layer.legend_items = AlignmentStatus::ALL
            .map(|stance| crate::LayerLegend { label: stance.title().to_owned(), color: stance.color().to_owned() })
            .into();
        layer
    }
}

#[cfg(test)]
mod tests {
    use super::{AlignmentStatus, plain};

    #[test]
    fn names_compare_without_what_people_write_differently() {
        assert_eq!(plain("Cozy-Bear"), plain("cozy bear"));
        assert_ne!(plain("APT29"), plain("APT28"));
    }

    #[test]
    fn no_detection_is_worse_than_no_test() {
        assert_eq!(
            [
                AlignmentStatus::of(0, 0),
                AlignmentStatus::of(0, 1),
                AlignmentStatus::of(1, 0),
                AlignmentStatus::of(1, 1)
            ],
            AlignmentStatus::ALL
        );
        assert!(AlignmentStatus::Undetected < AlignmentStatus::Untested);
    }
}
