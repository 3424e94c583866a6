//! From STIX objects to techniques, tactics, mitigations and redirects.

use std::collections::BTreeMap;

use ruleatlas_model::{
    Attack, AttackDomain, Diagnostic, Level, Mitigation, MitigationRef, Redirect, Reference, Resolution, Tactic,
    Technique, Threat,
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{analytics, stix::Object};

/// How many revoked objects are followed from one; ATT&CK's own chains have three.
const MAX_REVOCATIONS: usize = 64;

/// The objects of one bundle.
pub(super) struct Source<'a> {
    pub(super) domain: AttackDomain,
    pub(super) objects: Vec<Object<'a>>,
}

/// `enterprise-attack` and its like.
pub(super) fn domain_named(name: &str) -> Option<AttackDomain> {
    match name {
        "enterprise-attack" => Some(AttackDomain::Enterprise),
        "mobile-attack" => Some(AttackDomain::Mobile),
        "ics-attack" => Some(AttackDomain::Ics),
        _ => None,
    }
}

/// The objects of all bundles by STIX id, and the relationships by their ends.
pub(super) struct Graph<'a> {
    /// The objects that have an ATT&CK id, each once, in order of appearance.
    pub(super) objects: Vec<(AttackDomain, &'a Object<'a>)>,
    by_id: FxHashMap<&'a str, usize>,
    pub(super) revoked_by: FxHashMap<&'a str, Vec<&'a str>>,
    parents: FxHashMap<&'a str, &'a str>,
    /// Technique to (mitigation, the relationship with its text).
    mitigated: FxHashMap<&'a str, Vec<(&'a str, &'a Object<'a>)>>,
    /// Threat to what it uses, and campaign to the groups it is attributed to.
    pub(super) used: FxHashMap<&'a str, Vec<&'a str>>,
    pub(super) attributed: FxHashMap<&'a str, Vec<&'a str>>,
}

/// What cannot be placed: one diagnostic a kind, however often it occurs.
#[derive(Default)]
pub(super) struct Gaps(BTreeMap<&'static str, (Level, usize, String)>);

impl Gaps {
    fn add(&mut self, level: Level, code: &'static str, example: impl FnOnce() -> String) {
        self.0.entry(code).or_insert_with(|| (level, 0, example())).1 += 1;
    }

    fn report(self, diagnostics: &mut Vec<Diagnostic>) {
        diagnostics.extend(self.0.into_iter().map(|(code, (level, count, example))| {
            let mut diagnostic = Diagnostic::note(
                code,
                if count == 1 {
                    format!("ATT&CK: {code}: {example}")
                } else {
                    format!("ATT&CK: {code}, {count} times, first {example}")
                },
            );
            diagnostic.level = level;
            diagnostic
        }));
    }
}

/// The knowledge base that the bundles make together, and who uses its techniques.
pub(super) fn build(sources: &[Source<'_>], diagnostics: &mut Vec<Diagnostic>) -> (Attack, Vec<Threat>) {
    let mut gaps = Gaps::default();
    let graph = Graph::new(sources, &mut gaps);
    let tactics = tactics(sources, &graph);
    let order: FxHashMap<(AttackDomain, &str), u32> =
        tactics.iter().map(|tactic| ((tactic.domain, tactic.short_name.as_str()), tactic.order)).collect();

    let mut techniques = BTreeMap::new();
    let mut mitigations = BTreeMap::new();
    let mut redirects = BTreeMap::new();
    for &(domain, object) in &graph.objects {
        let Some((id, _)) = object.attack_id() else { continue };
        match &*object.kind {
            "attack-pattern" if object.is_revoked() => {
                let to = graph.successors(object, &mut gaps);
                if to.is_empty() {
                    gaps.add(Level::Note, "revoked technique without a successor", || id.to_owned());
                    insert(&mut techniques, graph.technique(domain, object, &order), &mut gaps);
                } else {
                    redirects.insert(id.to_ascii_uppercase(), Redirect { to, resolution: Resolution::RevokedBy });
                }
            }
            "attack-pattern" => insert(&mut techniques, graph.technique(domain, object, &order), &mut gaps),
            "course-of-action" if object.is_live() => {
                mitigations.entry(id.to_owned()).or_insert_with(|| Mitigation {
                    id: id.to_owned(),
                    name: object.name().to_owned(),
                    description: object.description().to_owned(),
                });
            }
            _ => {}
        }
    }
    // A technique whose id lives on under another object is no redirect.
    redirects.retain(|id, _| !techniques.contains_key(id));
    for technique in techniques.values_mut() {
        technique.parent = technique.parent.take().filter(|parent| *parent != technique.id);
    }
    orphans(&mut techniques);
    let threats = super::threats::threats(&graph, &mut gaps);
    gaps.report(diagnostics);
    let analytics = analytics::of(sources, &graph, &techniques);
    let version = version(sources);
    let attack =
        Attack { version, techniques, tactics, mitigations, redirects, tactic_redirects: BTreeMap::new(), analytics };
    (attack, threats)
}

/// Adds a technique; of two with one id the first that is not deprecated stays.
fn insert(techniques: &mut BTreeMap<String, Technique>, technique: Technique, gaps: &mut Gaps) {
    let Some(other) = techniques.get_mut(&technique.id) else {
        techniques.insert(technique.id.clone(), technique);
        return;
    };
    gaps.add(Level::Warning, "one id, two techniques", || {
        format!("{} in {} and {}", technique.id, other.domain.name(), technique.domain.name())
    });
    if other.deprecated && !technique.deprecated {
        *other = technique;
    }
}

/// A sub-technique whose relationship is absent belongs to the technique that its id names.
fn orphans(techniques: &mut BTreeMap<String, Technique>) {
    let found: Vec<(String, String)> = techniques
        .values()
        .filter(|technique| technique.parent.is_none())
        .filter_map(|technique| Some((technique.id.clone(), technique.id.rsplit_once('.')?.0.to_owned())))
        .filter(|(_, parent)| techniques.contains_key(parent))
        .collect();
    for (id, parent) in found {
        if let Some(technique) = techniques.get_mut(&id) {
            technique.parent = Some(parent);
        }
    }
}

/// The version that a collection object states, or the newest `modified` date.
fn version(sources: &[Source<'_>]) -> String {
    let objects = || sources.iter().flat_map(|source| &source.objects);
    let stated = objects()
        .filter(|object| &*object.kind == "x-mitre-collection")
        .filter_map(|collection| collection.x_mitre_version.as_deref())
        .max_by(|a, b| numbers(a).cmp(&numbers(b)));
    let newest =
        || objects().filter_map(|object| object.modified.as_deref()?.get(..10)).filter(|day| is_day(day)).max();
    stated.or_else(newest).unwrap_or_default().to_owned()
}

/// `18.1` as numbers, so that 9 comes before 18.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or_default()).collect()
}

fn is_day(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() })
}

/// The tactics of every domain, in the order of its matrix; those of no live matrix follow.
fn tactics(sources: &[Source<'_>], graph: &Graph<'_>) -> Vec<Tactic> {
    let mut place: FxHashMap<&str, usize> = FxHashMap::default();
    let matrices = sources.iter().flat_map(|source| &source.objects).filter(|object| &*object.kind == "x-mitre-matrix");
    for matrix in matrices.filter(|matrix| matrix.is_live()) {
        for (at, tactic) in matrix.tactic_refs.iter().flatten().enumerate() {
            place.entry(tactic).or_insert(at);
        }
    }
    let mut found: Vec<(bool, usize, Tactic)> = Vec::new();
    for &(domain, object) in &graph.objects {
        let (Some((id, _)), Some(short_name)) = (object.attack_id(), object.x_mitre_shortname.as_deref()) else {
            continue;
        };
        if &*object.kind != "x-mitre-tactic" || object.is_revoked() {
            continue;
        }
        let tactic = Tactic {
            id: id.to_owned(),
            short_name: short_name.to_owned(),
            name: object.name().to_owned(),
            domain,
            order: 0,
            deprecated: object.is_deprecated(),
            description: object.description().to_owned(),
        };
        found.push((tactic.deprecated, place.get(&*object.id).copied().unwrap_or(usize::MAX), tactic));
    }
    found.sort_by(|(old_a, place_a, a), (old_b, place_b, b)| {
        (a.domain, old_a, place_a, &a.id).cmp(&(b.domain, old_b, place_b, &b.id))
    });
    let mut tactics: Vec<Tactic> = found.into_iter().map(|(_, _, tactic)| tactic).collect();
    for tactics in tactics.chunk_by_mut(|a, b| a.domain == b.domain) {
        for (order, tactic) in (0..).zip(tactics) {
            tactic.order = order;
        }
    }
    tactics
}

impl<'a> Graph<'a> {
    fn new(sources: &'a [Source<'a>], gaps: &mut Gaps) -> Self {
        let mut graph = Self {
            objects: Vec::new(),
            by_id: FxHashMap::default(),
            revoked_by: FxHashMap::default(),
            parents: FxHashMap::default(),
            mitigated: FxHashMap::default(),
            used: FxHashMap::default(),
            attributed: FxHashMap::default(),
        };
        let mut relationships = Vec::new();
        for source in sources {
            for object in &source.objects {
                match &*object.kind {
                    "attack-pattern" | "course-of-action" | "x-mitre-tactic" | "intrusion-set" | "malware" | "tool"
                    | "campaign" => {
                        graph.place(source.domain, object, gaps);
                    }
                    "relationship" if object.is_live() => relationships.push(object),
                    _ => {}
                }
            }
        }
        let mut seen = FxHashSet::default();
        for relationship in relationships {
            // Bundles that share an object share its relationships.
            if relationship.id.is_empty() || seen.insert(&*relationship.id) {
                graph.relate(relationship, gaps);
            }
        }
        graph
    }

    /// Keeps an object; of two versions of one object the newer.
    fn place(&mut self, bundle: AttackDomain, object: &'a Object<'a>, gaps: &mut Gaps) {
        if object.attack_id().is_none() {
            gaps.add(Level::Note, "object without an ATT&CK id", || object.id.to_string());
            return;
        }
        let mut domains = object.x_mitre_domains.iter().flatten().filter_map(|domain| domain_named(domain));
        let first = domains.clone().next();
        let domain = if domains.any(|domain| domain == bundle) { bundle } else { first.unwrap_or(bundle) };
        match self.by_id.get(&*object.id) {
            Some(&at) => {
                let kept = &mut self.objects[at];
                let modified = |object: &'a Object<'a>| object.modified.as_deref().unwrap_or_default();
                if modified(object) != modified(kept.1) {
                    gaps.add(Level::Warning, "two versions of one object, the newer is kept", || object.id.to_string());
                }
                if modified(object) > modified(kept.1) {
                    *kept = (domain, object);
                }
            }
            None => {
                self.by_id.insert(&object.id, self.objects.len());
                self.objects.push((domain, object));
            }
        }
    }

    fn relate(&mut self, relationship: &'a Object<'a>, gaps: &mut Gaps) {
        let kind = relationship.relationship_type.as_deref().unwrap_or_default();
        if !matches!(kind, "revoked-by" | "subtechnique-of" | "mitigates" | "uses" | "attributed-to") {
            return;
        }
        let ends = (relationship.source_ref.as_deref(), relationship.target_ref.as_deref());
        let (Some(source), Some(target)) = ends else {
            gaps.add(Level::Note, "relationship without two ends", || relationship.id.to_string());
            return;
        };
        if !self.by_id.contains_key(source) || !self.by_id.contains_key(target) {
            // A bundle may hold techniques only, and say which of the groups that it lacks were revoked.
            if kind != "revoked-by" || source.starts_with("attack-pattern") {
                gaps.add(Level::Note, "relationship to an object that no bundle holds", || relationship.id.to_string());
            }
            return;
        }
        match kind {
            "revoked-by" => self.revoked_by.entry(source).or_default().push(target),
            "subtechnique-of" => {
                self.parents.insert(source, target);
            }
            "uses" => self.used.entry(source).or_default().push(target),
            "attributed-to" => self.attributed.entry(source).or_default().push(target),
            _ => self.mitigated.entry(target).or_default().push((source, relationship)),
        }
    }

    pub(super) fn object(&self, id: &str) -> Option<&'a Object<'a>> {
        Some(self.objects.get(*self.by_id.get(id)?)?.1)
    }

    /// The ids of the techniques that a revoked one became, at the ends of its `revoked-by` chains.
    pub(super) fn successors(&self, revoked: &'a Object<'a>, gaps: &mut Gaps) -> Vec<String> {
        let id = |object: &Object<'_>| object.attack_id().map(|(id, _)| id.to_ascii_uppercase()).unwrap_or_default();
        let mut found = Vec::new();
        let mut seen = vec![&*revoked.id];
        let mut at = 0;
        while let Some(from) = seen.get(at).copied() {
            at += 1;
            for &next in self.revoked_by.get(from).into_iter().flatten() {
                let Some(object) = self.object(next) else { continue };
                if &*object.kind == "attack-pattern" && !object.is_revoked() {
                    found.push(id(object));
                } else if next == &*revoked.id {
                    gaps.add(Level::Warning, "technique revoked in a circle", || id(revoked));
                } else if seen.len() >= MAX_REVOCATIONS {
                    gaps.add(Level::Warning, "chain of revocations too long to follow", || id(revoked));
                } else if !seen.contains(&next) {
                    seen.push(next);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn technique(
        &self,
        domain: AttackDomain,
        object: &'a Object<'a>,
        order: &FxHashMap<(AttackDomain, &str), u32>,
    ) -> Technique {
        let (id, url) = object.attack_id().unwrap_or_default();
        let phases = object.kill_chain_phases.iter().flatten();
        let mut tactics: Vec<&str> =
            phases.filter(|phase| phase.kill_chain_name.starts_with("mitre")).map(|phase| &*phase.phase_name).collect();
        tactics.sort_by_key(|tactic| (order.get(&(domain, *tactic)).copied().unwrap_or(u32::MAX), *tactic));
        tactics.dedup();

        let mut references = Citations::default();
        references.add(object.description(), object);
        let mut mitigations = Vec::new();
        for &(mitigation, relationship) in self.mitigated.get(&*object.id).into_iter().flatten() {
            let Some(mitigation) = self.object(mitigation).filter(|mitigation| mitigation.is_live()) else { continue };
            let Some((id, _)) = mitigation.attack_id() else { continue };
            mitigations.push((id, relationship));
        }
        mitigations.sort_by_key(|(id, _)| *id);
        for (_, relationship) in &mitigations {
            references.add(relationship.description(), relationship);
        }

        let parent = self.parents.get(&*object.id).and_then(|parent| self.object(parent));
        let platforms =
            object.x_mitre_platforms.iter().flatten().filter(|platform| !platform.eq_ignore_ascii_case("none"));
        Technique {
            id: id.to_ascii_uppercase(),
            name: object.name().to_owned(),
            domain,
            description: object.description().to_owned(),
            tactics: tactics.into_iter().map(str::to_owned).collect(),
            platforms: platforms.map(|platform| platform.to_string()).collect(),
            parent: parent
                .filter(|parent| !parent.is_revoked())
                .and_then(|parent| Some(parent.attack_id()?.0.to_ascii_uppercase())),
            deprecated: !object.is_live(),
            url: url.to_owned(),
            references: references.0,
            mitigations: mitigations
                .into_iter()
                .map(|(id, relationship)| MitigationRef {
                    id: id.to_owned(),
                    description: relationship.description().to_owned(),
                })
                .collect(),
        }
    }
}

/// What texts cite, each name once, in the order of the first mark.
#[derive(Default)]
struct Citations(Vec<Reference>);

impl Citations {
    /// Adds what the `(Citation: name)` marks of `text` name among the references of `object`.
    fn add(&mut self, text: &str, object: &Object<'_>) {
        // The name is looked for whole, as names hold parentheses too.
        for mark in text.split("(Citation:").skip(1).map(str::trim_start) {
            let cited = object.external_references.iter().flatten().find(|reference| {
                !reference.source_name.is_empty()
                    && mark.strip_prefix(&*reference.source_name).is_some_and(|rest| rest.trim_start().starts_with(')'))
            });
            let Some(cited) = cited else { continue };
            if !self.0.iter().any(|known| known.name == *cited.source_name) {
                self.0.push(Reference {
                    name: cited.source_name.to_string(),
                    url: cited.url.as_deref().unwrap_or_default().to_owned(),
                });
            }
        }
    }
}
