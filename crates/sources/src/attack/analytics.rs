//! Detection strategies and their analytics, which ATT&CK has from version 18 on.

use std::collections::BTreeMap;

use ruleatlas_model::{Analytic, LogSourceReference, Technique};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    build::{Graph, Source},
    stix::Object,
};
use crate::unique::unique_by;

/// The analytics that detect each technique, ordered by id.
pub(super) fn of(
    sources: &[Source<'_>],
    graph: &Graph<'_>,
    techniques: &BTreeMap<String, Technique>,
) -> BTreeMap<String, Vec<Analytic>> {
    let objects = || sources.iter().flat_map(|source| &source.objects).filter(|object| object.is_live());
    let of_kind = |kind: &'static str| objects().filter(move |object| &*object.kind == kind);
    let by_id = |kind| of_kind(kind).map(|object| (&*object.id, object)).collect::<FxHashMap<&str, &Object<'_>>>();
    let strategies = by_id("x-mitre-detection-strategy");
    let analytics = by_id("x-mitre-analytic");
    let components = by_id("x-mitre-data-component");
    let mut found: BTreeMap<String, Vec<Analytic>> = BTreeMap::new();
    let mut seen = FxHashSet::default();
    let detects = of_kind("relationship").filter(|object| object.relationship_type.as_deref() == Some("detects"));
    for relationship in detects {
        let ends = (relationship.source_ref.as_deref(), relationship.target_ref.as_deref());
        let (Some(source), Some(target)) = ends else { continue };
        let technique = graph.object(target).and_then(Object::attack_id).map(|(id, _)| id.to_ascii_uppercase());
        let Some(technique) = technique.filter(|id| techniques.contains_key(id)) else { continue };
        let Some(strategy) = strategies.get(source) else { continue };
        for id in strategy.x_mitre_analytic_refs.iter().flatten() {
            let Some(analytic) = analytics.get(&**id) else { continue };
            // Bundles that share a strategy share its relationships.
            if seen.insert((technique.clone(), &**id)) {
                found.entry(technique.clone()).or_default().push(read(strategy, analytic, &components));
            }
        }
    }
    for analytics in found.values_mut() {
        analytics.sort_by(|a, b| a.id.cmp(&b.id));
    }
    found
}

fn read(strategy: &Object<'_>, analytic: &Object<'_>, components: &FxHashMap<&str, &Object<'_>>) -> Analytic {
    let (id, url) = analytic.attack_id().unwrap_or_default();
    let mut log_sources: Vec<LogSourceReference> = Vec::new();
    for log in analytic.x_mitre_log_source_references.iter().flatten() {
        let component = log.x_mitre_data_component_ref.as_deref().and_then(|id| components.get(id));
        // Where nothing narrows the log, ATT&CK writes `None`.
        let channel = log.channel.as_deref().filter(|channel| !channel.eq_ignore_ascii_case("none"));
        let reference = LogSourceReference {
            component: component.map(|component| component.name()).unwrap_or_default().to_owned(),
            name: log.name.as_deref().unwrap_or_default().to_owned(),
            channel: channel.unwrap_or_default().to_owned(),
        };
        log_sources.push(reference);
    }
    let log_sources = unique_by(log_sources, |log| (log.component.clone(), log.name.clone(), log.channel.clone()));
    let platforms = analytic.x_mitre_platforms.iter().flatten().map(|platform| platform.to_string());
    Analytic {
        id: id.to_owned(),
        url: url.to_owned(),
        strategy: strategy.attack_id().map(|(id, _)| id).unwrap_or_default().to_owned(),
        strategy_name: strategy.name().to_owned(),
        description: analytic.description().to_owned(),
        platforms: platforms.collect(),
        log_sources,
    }
}
