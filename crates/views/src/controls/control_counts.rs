use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use ruleatlas_catalog::{ControlSourceInfo, Facet};
use ruleatlas_model::{ControlKind, ControlSource, Technique, Vendor};
use ruleatlas_sources::{Origin, SourceKind, sync};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error};

/// A source of controls: a vendor's rules, or countermeasures, analytics and tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ControlColumn {
    /// Whose resources: `mitigations`, `d3fend`, a vendor, `car`, `atomic`, `car-tests`, `stratus`.
    #[schema(value_type = String)]
    pub source: ColumnSource,
    /// What people call it.
    pub title: &'static str,
    /// What its resources do about a technique.
    pub kind: ControlKind,
    /// Whether the catalog has it.
    pub loaded: bool,
    /// The version or date: as the source states it, of its commit, or of its newest rule. Which one is said.
    pub version: Option<String>,
    /// The licence.
    pub license: Option<String>,
    /// Its resources; of a vendor the rules that count.
    pub total: u64,
    /// Those that are mapped to a technique of the loaded ATT&CK version.
    pub mapped: u64,
}

/// Whose resources a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ColumnSource {
    /// Countermeasures, analytics or tests.
    Controls(ControlSource),
    /// A vendor's rules.
    Rules(Vendor),
}

impl ColumnSource {
    /// The name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Controls(source) => source.name(),
            Self::Rules(vendor) => vendor.name(),
        }
    }

    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Controls(source) => source.title(),
            Self::Rules(vendor) => vendor.info().title,
        }
    }

    /// The same for the head of a narrow column.
    #[must_use]
    pub fn short_title(self) -> &'static str {
        match self {
            Self::Controls(source) => source.short_title(),
            Self::Rules(vendor) => vendor.info().short_title,
        }
    }

    /// The same in a few letters, for a terminal.
    #[must_use]
    pub fn abbreviation(self) -> &'static str {
        match self {
            Self::Controls(source) => source.abbreviation(),
            Self::Rules(vendor) => vendor.info().abbreviation,
        }
    }

    /// The kind of source that holds its resources, as `build --source KIND=PATH` names it.
    pub(super) fn kind(self) -> SourceKind {
        match self {
            Self::Controls(ControlSource::Mitigations) => SourceKind::Attack,
            Self::Controls(ControlSource::D3fend) => SourceKind::D3fend,
            Self::Controls(ControlSource::Car | ControlSource::CarTests) => SourceKind::Car,
            Self::Controls(ControlSource::Atomic) => SourceKind::Atomic,
            Self::Controls(ControlSource::Stratus) => SourceKind::Stratus,
            Self::Rules(vendor) => SourceKind::Rules(vendor),
        }
    }
}

/// What counting needs of the controls, read when first asked for.
#[derive(Debug)]
pub(crate) struct ControlCounts {
    /// All sources, in the order of the table, loaded or not.
    pub(crate) columns: Vec<ControlColumn>,
    /// The controls of each technique itself, by source.
    by_technique: FxHashMap<String, Vec<(ControlSource, u32)>>,
    known: FxHashSet<(ControlSource, String)>,
    /// The built-in repositories by name, for sources whose origin nobody said.
    usual: FxHashMap<String, Origin>,
}

/// The sources beside the vendors, those that prevent first, then those that detect and test.
const SOURCES: [ControlSource; 6] = [
    ControlSource::Mitigations,
    ControlSource::D3fend,
    ControlSource::Car,
    ControlSource::Atomic,
    ControlSource::CarTests,
    ControlSource::Stratus,
];

impl ControlCounts {
    pub(crate) fn of(atlas: &Atlas) -> Result<Self, Error> {
        let (sources, counts, known) = {
            let store = atlas.store();
            (store.control_sources()?, store.control_counts()?, store.known_techniques()?)
        };
        let mut by_technique: FxHashMap<String, Vec<(ControlSource, u32)>> = FxHashMap::default();
        for count in counts {
            by_technique.entry(count.technique).or_default().push((count.source, count.control));
        }
        let of_kind = |kind: ControlKind| SOURCES.into_iter().filter(move |source| source.kind() == kind);
        let own = |kind| of_kind(kind).map(|source| source_column(atlas, source, &sources));
        let columns = own(ControlKind::Policy)
            .chain(Vendor::ALL.iter().map(|vendor| vendor_column(atlas, *vendor)))
            .chain(own(ControlKind::Detection))
            .chain(own(ControlKind::Test))
            .collect();
        let repositories = sync::table(None).unwrap_or_default();
        let usual = repositories.into_iter().map(|repository| {
            let origin = Origin {
                url: Some(repository.url),
                commit: Some("HEAD".to_owned()),
                link: Some(repository.link),
                ..Origin::default()
            };
            (repository.name, origin)
        });
        Ok(Self { columns, by_technique, known: known.into_iter().collect(), usual: usual.collect() })
    }

    /// How many resources of each column a technique has; `family` are the ids that count, `rules` the rules.
    pub(crate) fn counts<'a>(
        &self,
        atlas: &Atlas,
        family: impl Iterator<Item = &'a str>,
        rules: &RoaringBitmap,
    ) -> Vec<u64> {
        let mut controls: Vec<(ControlSource, u32)> =
            family.filter_map(|id| self.by_technique.get(id)).flatten().copied().collect();
        controls.sort_unstable();
        controls.dedup();
        let count = |column: &ControlColumn| match column.source {
            ColumnSource::Controls(source) => controls.iter().filter(|control| control.0 == source).count() as u64,
            ColumnSource::Rules(vendor) => {
                atlas.index.set(Facet::Vendor, vendor.name()).map_or(0, |all| all.intersection_len(rules))
            }
        };
        self.columns.iter().map(count).collect()
    }

    /// Whether a source names the technique or one of its family.
    pub(crate) fn is_known<'a>(&self, source: ControlSource, mut family: impl Iterator<Item = &'a str>) -> bool {
        family.any(|id| self.known.contains(&(source, id.to_owned())))
    }

    /// The public page of a file of a source: at its commit where that is known, else as it stands today.
    pub(crate) fn page(&self, atlas: &Atlas, source: &str, path: &str) -> Option<String> {
        let known = atlas.sources.iter().find(|known| known.name == source)?;
        known.origin.page(path).or_else(|| self.usual.get(source)?.page(path))
    }
}

/// The ids that count for a technique: its own, and those of its sub-techniques.
pub(crate) fn family<'a>(atlas: &'a Atlas, technique: &'a Technique) -> Vec<&'a str> {
    let own = std::iter::once(technique.id.as_str());
    own.chain(atlas.sub_techniques(technique).map(|technique| technique.id.as_str())).collect()
}

fn source_column(atlas: &Atlas, source: ControlSource, infos: &[ControlSourceInfo]) -> ControlColumn {
    let own: Vec<&ControlSourceInfo> = infos.iter().filter(|info| info.source == source).collect();
    let origins: Vec<&Origin> = own.iter().filter_map(|info| origin(atlas, &info.name)).collect();
    let stated = own.iter().filter_map(|info| info.version.as_deref()).max();
    let stated = stated.map(|version| match source {
        // CAR states no version; the newest date of an analytic is the best there is.
        ControlSource::Car | ControlSource::CarTests => format!("newest analytic {version}"),
        _ => version.to_owned(),
    });
    ControlColumn {
        source: ColumnSource::Controls(source),
        title: source.title(),
        kind: source.kind(),
        loaded: !own.is_empty(),
        version: stated.or_else(|| commit(&origins)),
        license: license(&origins),
        total: own.iter().map(|info| u64::from(info.total)).sum(),
        mapped: own.iter().map(|info| u64::from(info.mapped)).sum(),
    }
}

fn vendor_column(atlas: &Atlas, vendor: Vendor) -> ControlColumn {
    let sources = atlas.sources.iter().filter(|source| source.kind.vendor() == Some(vendor));
    let origins: Vec<&Origin> = sources.clone().map(|source| &source.origin).collect();
    let rules = atlas.index.set(Facet::Vendor, vendor.name()).map(|rules| rules & atlas.index.counted());
    let rules = rules.unwrap_or_default();
    let heads = || rules.iter().filter_map(|rule| atlas.index.head(rule));
    let newest = || {
        let dates = heads().filter_map(|head| head.modified.as_deref().into_iter().chain(head.date.as_deref()).max());
        dates.max().map(|date| format!("newest rule {date}"))
    };
    ControlColumn {
        source: ColumnSource::Rules(vendor),
        title: vendor.info().title,
        kind: ControlKind::Detection,
        loaded: sources.clone().next().is_some(),
        version: commit(&origins).or_else(newest),
        license: license(&origins),
        total: rules.len(),
        mapped: heads().filter(|head| !head.techniques().is_empty()).count() as u64,
    }
}

fn origin<'a>(atlas: &'a Atlas, name: &str) -> Option<&'a Origin> {
    atlas.sources.iter().find(|source| source.name == name).map(|source| &source.origin)
}

/// The newest commit, by its date.
fn commit(origins: &[&Origin]) -> Option<String> {
    let dated = origins.iter().filter_map(|origin| Some((origin.date.as_deref()?, origin.commit.as_deref())));
    let (date, commit) = dated.max()?;
    let short = commit.and_then(|commit| commit.get(..8));
    Some(short.map_or_else(|| date.to_owned(), |commit| format!("{commit} of {date}")))
}

fn license(origins: &[&Origin]) -> Option<String> {
    let counted: BTreeMap<&str, ()> =
        origins.iter().filter_map(|origin| origin.license.as_deref()).map(|license| (license, ())).collect();
    (!counted.is_empty()).then(|| counted.into_keys().collect::<Vec<_>>().join(", "))
}
