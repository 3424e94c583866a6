use ruleatlas_model::{
    AttackDomain, Basis, Control, ControlKind, ControlLink, ControlSource, Reference, Resolution, Severity, Technique,
    TechniqueTag, Vendor,
};
use rustc_hash::FxHashMap;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    CompassRow,
    control_counts::{ColumnSource, ControlColumn, ControlCounts, family},
};
use crate::{Atlas, Error};

/// What to put in place against a technique, what detects it, and how to test it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlaybookView {
    /// The technique's row in the table of controls, with its scores.
    #[serde(flatten)]
    pub row: CompassRow,
    /// The id as asked for, where it led elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// ATT&CK's page.
    pub url: String,
    /// The version of ATT&CK.
    pub attack_version: String,
    /// Whether ATT&CK calls it deprecated.
    pub deprecated: bool,
    /// The technique this is a sub-technique of: id and name.
    pub parent: Option<(String, String)>,
    /// Its sub-techniques: id and name.
    pub sub_techniques: Vec<(String, String)>,
    /// Its tactics, in the order of the matrix.
    pub tactic_list: Vec<PlaybookTactic>,
    /// ATT&CK's text, Markdown.
    pub description: String,
    /// What the text cites.
    pub references: Vec<Reference>,
    /// The sources: those that prevent, then those that detect, then those that test.
    pub groups: Vec<ControlGroup>,
}

/// A tactic with its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlaybookTactic {
    /// `TA0011`.
    pub id: String,
    /// `Command and Control`.
    pub name: String,
    /// ATT&CK's page.
    pub url: String,
}

/// A source with what it has for a technique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ControlGroup {
    /// The source.
    #[serde(flatten)]
    pub column: ControlColumn,
    /// How many of its resources belong to the technique or its sub-techniques.
    pub here: u64,
    /// How many more belong to the technique above only.
    pub above: u64,
    /// The resources; of the rules of the technique above only the number.
    pub items: Vec<ControlItem>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty: Option<EmptyReason>,
}

/// Why a source has nothing for a technique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "why")]
pub enum EmptyReason {
    /// The catalog was built without it.
    NotLoaded {
        /// The kind that `build --source KIND=PATH` takes.
        kind: &'static str,
    },
    /// The source does not name the technique.
    Unknown,
    /// The source names the technique and has nothing for it.
    Nothing,
}

impl EmptyReason {
    /// The reason in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::NotLoaded { kind } => {
                format!("Not loaded: the catalog was built without it; add it with --source {kind}=PATH.")
            }
            Self::Unknown => "The source does not know this technique.".to_owned(),
            Self::Nothing => "The source knows this technique and has nothing for it.".to_owned(),
        }
    }
}

/// A resource that belongs to a technique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ControlItem {
    /// Its id in the source; of a rule the catalog's.
    pub id: String,
    /// The name.
    pub name: String,
    /// Its public page.
    pub url: Option<String>,
    /// Who says that it belongs here.
    pub basis: Basis,
    /// The technique of the loaded ATT&CK version that it is mapped to: this one, one below or the one above.
    pub technique: String,
    /// Techniques below this one that it is mapped to as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// How it follows, or what the source adds.
    pub how: Vec<String>,
    /// The publisher's words, of a countermeasure.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// D3FEND's tactic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tactic: Option<String>,
    /// Platforms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// What runs a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// Whether a test asks for an administrator's rights.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub elevated: bool,
    /// How grave a hit of a rule is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
}

impl Atlas {
    /// What to put in place against a technique, what detects it, and how to test it. The rules themselves are listed
    /// only `with_rules`.
    ///
    /// # Errors
    /// Nobody knows the technique, or the catalog cannot be read.
    pub fn playbook(&self, id: &str, with_rules: bool) -> Result<PlaybookView, Error> {
        let technique = self.find_technique(id)?;
        let board = self.board()?;
        let row = self.compass_row(board, technique, self.index.counted());
        let own = family(self, technique);
        let above = technique.parent.as_deref();
        let mut linked: Vec<(Control, ControlLink)> = Vec::new();
        {
            let store = self.store();
            for id in own.iter().copied().chain(above) {
                linked.extend(store.controls_of(id)?);
            }
        }
        let groups = board.columns.iter().map(|column| {
            let here = row.resources.get(column.source.name()).copied().unwrap_or_default();
            let mut group = ControlGroup { column: column.clone(), here, above: 0, items: Vec::new(), empty: None };
            match column.source {
                ColumnSource::Controls(source) => {
                    let own_links = linked.iter().filter(|(control, _)| control.source == source);
                    group.items = items(own_links, technique, &self.mitigation_words(technique));
                    group.above = (group.items.len() as u64).saturating_sub(here);
                    let is_known = board.is_known(source, own.iter().copied());
                    group.empty = empty(column, here, is_known);
                }
                ColumnSource::Rules(vendor) => {
                    if with_rules {
                        group.items = self.rule_controls(board, technique, vendor);
                    }
                    group.above = above.map_or(0, |above| self.only_above(above, &own, vendor));
                    group.empty = empty(column, here, true);
                }
            }
            group
        });
        let name = |id: &str| self.attack.techniques.get(id).map(|other| other.name.clone()).unwrap_or_default();
        let tactics = technique.tactics.iter().filter_map(|short| {
            let tactic = self
                .attack
                .tactics
                .iter()
                .find(|tactic| tactic.short_name == *short && tactic.domain == technique.domain);
            tactic.or_else(|| self.attack.tactic(short))
        });
        Ok(PlaybookView {
            groups: groups.collect(),
            asked: (!technique.id.eq_ignore_ascii_case(id)).then(|| id.to_owned()),
            url: technique.url.clone(),
            attack_version: self.attack.version.clone(),
            deprecated: technique.deprecated,
            parent: technique.parent.as_ref().map(|parent| (parent.clone(), name(parent))),
            sub_techniques: own.iter().skip(1).map(|id| ((*id).to_owned(), name(id))).collect(),
            tactic_list: tactics
                .map(|tactic| PlaybookTactic {
                    id: tactic.id.clone(),
                    name: tactic.name.clone(),
                    url: format!("https://attack.mitre.org/tactics/{}/", tactic.id),
                })
                .collect(),
            description: technique.description.clone(),
            references: technique.references.clone(),
            row,
        })
    }

    /// What ATT&CK says of how each mitigation helps against a technique.
    fn mitigation_words<'a>(&self, technique: &'a Technique) -> FxHashMap<&'a str, &'a str> {
        technique.mitigations.iter().map(|it| (it.id.as_str(), it.description.as_str())).collect()
    }

    /// The rules of a vendor as controls of a technique, by title.
    fn rule_controls(&self, board: &ControlCounts, technique: &Technique, vendor: Vendor) -> Vec<ControlItem> {
        let rules = self.tagged_with_family(technique) & self.index.counted();
        let heads = rules.iter().filter_map(|rule| self.index.head(rule)).filter(|head| head.vendor == vendor);
        let mut items: Vec<ControlItem> = heads
            .map(|head| {
                let (mapped, tag) = nearest_tag(&head.technique_tags, technique);
                ControlItem {
                    id: head.id.clone(),
                    name: if head.title.trim().is_empty() { head.id.clone() } else { head.title.clone() },
                    url: board.page(self, &head.source, &head.path),
                    basis: if tag.is_some_and(|tag| tag.inferred) { Basis::Derived } else { Basis::Official },
                    technique: mapped.to_owned(),
                    also: Vec::new(),
                    how: tag.map(way).into_iter().flatten().collect(),
                    description: String::new(),
                    tactic: None,
                    platforms: head.platforms.clone(),
                    executor: None,
                    elevated: false,
                    severity: head.severity,
                }
            })
            .collect();
        items.sort_by_cached_key(|item| (item.technique.clone(), item.name.to_lowercase(), item.id.clone()));
        items
    }

    /// How many rules of a vendor are tagged with the technique above and not with this one.
    fn only_above(&self, above: &str, own: &[&str], vendor: Vendor) -> u64 {
        let set = |id: &str| self.index.set(ruleatlas_catalog::Facet::Technique, id).cloned().unwrap_or_default();
        let mut rules = set(above) & self.index.counted();
        for id in own {
            rules -= set(id);
        }
        self.index.set(ruleatlas_catalog::Facet::Vendor, vendor.name()).map_or(0, |all| all.intersection_len(&rules))
    }
}

/// Why a column has nothing, where it has nothing.
fn empty(column: &ControlColumn, here: u64, is_known: bool) -> Option<EmptyReason> {
    match (here, column.loaded, is_known) {
        (1.., ..) => None,
        (_, false, _) => Some(EmptyReason::NotLoaded { kind: column.source.kind().name() }),
        (_, true, true) => Some(EmptyReason::Nothing),
        (_, true, false) => Some(EmptyReason::Unknown),
    }
}

/// The controls of one source, each once: what is mapped to the technique itself first, then to those below, then to the
/// one above.
fn items<'a>(
    links: impl Iterator<Item = &'a (Control, ControlLink)>,
    technique: &Technique,
    words: &FxHashMap<&str, &str>,
) -> Vec<ControlItem> {
    let mut items: Vec<(u8, u32, ControlItem)> = Vec::new();
    let mut places: FxHashMap<u32, usize> = FxHashMap::default();
    for (control, link) in links {
        let is_above = technique.parent.as_deref() == Some(&link.technique);
        // D3FEND's derivation goes through the techniques above and below itself.
        if is_above && control.source == ControlSource::D3fend {
            continue;
        }
        if let Some(at) = places.get(&link.control) {
            let known = items.get_mut(*at).map(|(_, _, item)| item);
            if let Some(item) = known.filter(|_| !is_above && control.source != ControlSource::D3fend) {
                item.also.push(link.technique.clone());
            }
            continue;
        }
        let order = u8::from(link.technique != technique.id) + u8::from(is_above);
        let mut how = link.how.clone();
        if let Some(way) = way_of(&link.cited, &link.technique, link.resolution) {
            how.push(way);
        }
        if is_above {
            how.insert(0, format!("it belongs to {}, the technique above", link.technique));
        }
        let description = match control.source {
            ControlSource::Mitigations => {
                words.get(control.id.as_str()).map_or(control.description.as_str(), |words| *words).to_owned()
            }
            ControlSource::D3fend => control.description.clone(),
            ControlSource::CarTests => control.description.clone(),
            _ => String::new(),
        };
        places.insert(link.control, items.len());
        let item = ControlItem {
            id: control.id.clone(),
            name: if control.name.is_empty() { control.id.clone() } else { control.name.clone() },
            url: Some(control.url.clone()).filter(|url| !url.is_empty()),
            basis: if is_above { Basis::Derived } else { link.basis },
            technique: link.technique.clone(),
            also: Vec::new(),
            how,
            description,
            tactic: control.tactic.clone(),
            platforms: control.platforms.clone(),
            executor: control.executor.clone(),
            elevated: control.is_elevated,
            severity: None,
        };
        items.push((order, link.control, item));
    }
    items.sort_by(|a, b| (a.0, &a.2.technique, a.1).cmp(&(b.0, &b.2.technique, b.1)));
    items.into_iter().map(|(_, _, item)| item).collect()
}

/// The technique of the family that a rule is tagged with, the nearest to the technique itself, and by which tag.
fn nearest_tag<'a>(tags: &'a [TechniqueTag], technique: &'a Technique) -> (&'a str, Option<&'a TechniqueTag>) {
    let is_below = |id: &str| id.strip_prefix(technique.id.as_str()).is_some_and(|rest| rest.starts_with('.'));
    let candidates = tags.iter().flat_map(|tag| tag.techniques.iter().map(move |id| (id.as_str(), tag)));
    let found = candidates
        .filter(|(id, _)| *id == technique.id || is_below(id))
        .min_by_key(|(id, tag)| (*id != technique.id, tag.inferred, *id));
    // A variant's tag may have led here.
    found.map_or((technique.id.as_str(), None), |(id, tag)| (id, Some(tag)))
}

/// How a rule's tag led to the technique, where it is not plain.
fn way(tag: &TechniqueTag) -> Vec<String> {
    let inferred = tag.inferred.then(|| "named in the rule’s text, not in its metadata".to_owned());
    let resolution = way_of(&tag.tag, "", tag.resolution);
    inferred.into_iter().chain(resolution).collect()
}

fn way_of(cited: &str, technique: &str, resolution: Resolution) -> Option<String> {
    let how = match resolution {
        Resolution::RevokedBy => "which ATT&CK revoked",
        Resolution::Crosswalk => "an id of another ATT&CK version",
        Resolution::Deprecated => "which ATT&CK deprecated",
        Resolution::Direct | Resolution::AsWritten | Resolution::Unknown => return None,
    };
    (cited != technique || resolution == Resolution::Deprecated).then(|| format!("mapped as {cited}, {how}"))
}

impl PlaybookView {
    /// The groups of a kind.
    pub fn of_kind(&self, kind: ControlKind) -> impl Iterator<Item = &ControlGroup> {
        self.groups.iter().filter(move |group| group.column.kind == kind)
    }

    /// The matrix.
    #[must_use]
    pub fn domain(&self) -> AttackDomain {
        self.row.domain
    }
}
