//! Countermeasures, analytics and tests, led to the techniques of the loaded ATT&CK version.

use rayon::prelude::*;
use ruleatlas_model::{Attack, Basis, Control, ControlLink, ControlSource, Diagnostic, Resolution, Threat};
use ruleatlas_sources::{ControlSet, read_controls};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use crate::Loaded;

/// What prevents, detects and tests techniques beside the rules, and who threatens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Controls {
    /// The sources that are loaded, in order.
    pub sources: Vec<ControlSourceInfo>,
    /// The controls, by source in the order of their ids.
    pub controls: Vec<Control>,
    /// Which technique each belongs to, ordered by technique, then control; each pair once.
    pub links: Vec<ControlLink>,
    /// The techniques that a source names without a control for them. Ordered, each once.
    pub known: Vec<(ControlSource, String)>,
    /// ATT&CK's groups, software and campaigns, ordered by id.
    pub threats: Vec<Threat>,
}

/// A source of controls as it is loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ControlSourceInfo {
    /// Whose controls.
    pub source: ControlSource,
    /// The name of the source that holds them.
    pub name: String,
    /// The version or date that it states itself.
    pub version: Option<String>,
    /// How many controls it has.
    pub total: u32,
    /// How many of them belong to a technique.
    pub mapped: u32,
}

/// The controls of all sources as read, what was said of their files, and how many controls each source has.
pub(crate) type Read = (Vec<(String, ControlSet)>, Vec<Diagnostic>, Vec<u32>);

/// Reads the controls of every source that holds any.
pub(crate) fn read(sources: &[Loaded]) -> Read {
    let read: Vec<_> = sources
        .par_iter()
        .map(|source| {
            let (sets, diagnostics) = read_controls(source.spec.kind, &source.files);
            let named = sets.into_iter().map(|set| (source.spec.name.clone(), set)).collect::<Vec<_>>();
            (named, diagnostics)
        })
        .collect();
    let (sets, diagnostics): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    let count = |sets: &Vec<(String, ControlSet)>| sets.iter().map(|(_, set)| set.controls.len()).sum::<usize>();
    let counts = sets.iter().map(|sets| u32::try_from(count(sets)).unwrap_or(u32::MAX)).collect();
    (sets.into_iter().flatten().collect(), diagnostics.into_iter().flatten().collect(), counts)
}

impl Controls {
    /// Leads what was read to the techniques of `attack`, whose mitigations are controls too. `attack_name` is the name
    /// of the source that ATT&CK comes from. Ids that nobody knows are said in `diagnostics`, one a source.
    pub(crate) fn of(
        sets: Vec<(String, ControlSet)>,
        attack: &Attack,
        attack_name: Option<&str>,
        threats: Vec<Threat>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut controls = Self { threats, ..Self::default() };
        if let Some(name) = attack_name {
            controls.add(name, mitigations(attack), attack, diagnostics);
        }
        for (name, set) in sets {
            controls.add(&name, set, attack, diagnostics);
        }
        controls.links.sort_by(|a, b| {
            (&a.technique, a.control, a.basis, &a.cited).cmp(&(&b.technique, b.control, b.basis, &b.cited))
        });
        // What two ids of one source say of one technique is one link.
        controls.links.dedup_by(|later, first| {
            let is_same = later.technique == first.technique && later.control == first.control;
            if is_same {
                first.how.append(&mut later.how);
            }
            is_same
        });
        controls.known.sort();
        controls.known.dedup();
        controls
    }

    fn add(&mut self, name: &str, set: ControlSet, attack: &Attack, diagnostics: &mut Vec<Diagnostic>) {
        let first = u32::try_from(self.controls.len()).unwrap_or(u32::MAX);
        let direct: FxHashSet<&str> = set.known.iter().map(String::as_str).collect();
        let mut mapped = FxHashSet::default();
        let mut unknown: Vec<&str> = Vec::new();
        for cite in &set.cites {
            let (techniques, resolution) = attack.resolve(&cite.technique);
            for technique in techniques {
                // An ontology that has the technique says itself what counters it; its former ids add nothing.
                let is_former = technique != cite.technique && direct.contains(technique.as_str());
                if is_former && set.source == ControlSource::D3fend {
                    continue;
                }
                mapped.insert(cite.control);
                self.links.push(ControlLink {
                    control: first.saturating_add(cite.control),
                    technique,
                    cited: cite.technique.clone(),
                    resolution,
                    basis: cite.basis,
                    how: cite.how.clone(),
                });
            }
        }
        for id in &set.known {
            let (techniques, resolution) = attack.resolve(id);
            if resolution == Resolution::Unknown {
                unknown.push(id);
            }
            self.known.extend(techniques.into_iter().map(|technique| (set.source, technique)));
        }
        if !unknown.is_empty() {
            let message = format!(
                "{name}: {} of its techniques are unknown to ATT&CK {} and the crosswalk: {}",
                unknown.len(),
                attack.version,
                unknown.join(", ")
            );
            diagnostics.push(Diagnostic::note("unknown technique", message));
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        self.sources.push(ControlSourceInfo {
            source: set.source,
            name: name.to_owned(),
            version: set.version,
            total: count(set.controls.len()),
            mapped: count(mapped.len()),
        });
        self.controls.extend(set.controls);
    }
}

/// ATT&CK's mitigations as controls.
fn mitigations(attack: &Attack) -> ControlSet {
    let mut set = ControlSet::new(ControlSource::Mitigations);
    set.version = Some(attack.version.clone()).filter(|version| !version.is_empty());
    let places: std::collections::BTreeMap<&str, u32> =
        attack.mitigations.keys().map(String::as_str).zip(0..).collect();
    set.controls = attack
        .mitigations
        .values()
        .map(|mitigation| Control {
            source: ControlSource::Mitigations,
            id: mitigation.id.clone(),
            name: mitigation.name.clone(),
            url: format!("https://attack.mitre.org/mitigations/{}/", mitigation.id),
            path: String::new(),
            description: mitigation.description.clone(),
            tactic: None,
            platforms: Vec::new(),
            executor: None,
            is_elevated: false,
            script: None,
        })
        .collect();
    for technique in attack.techniques.values() {
        set.known.push(technique.id.clone());
        for mitigation in &technique.mitigations {
            if let Some(place) = places.get(mitigation.id.as_str()) {
                set.cites.push(ruleatlas_sources::Cite {
                    control: *place,
                    technique: technique.id.clone(),
                    basis: Basis::Official,
                    how: Vec::new(),
                });
            }
        }
    }
    set
}

#[cfg(test)]
mod tests {
    use ruleatlas_model::{Redirect, Technique};
    use ruleatlas_sources::Cite;

    use super::*;

    fn attack() -> Attack {
        let technique = |id: &str| Technique { name: id.into(), ..Technique::blank(id) };
        Attack {
            techniques: ["T1901", "T1902"].map(|id| (id.to_owned(), technique(id))).into(),
            redirects: [("T1900".to_owned(), Redirect { to: vec!["T1901".into()], resolution: Resolution::RevokedBy })]
                .into(),
            ..Attack::default()
        }
    }

    fn set(source: ControlSource, cited: &[&str]) -> ControlSet {
        let control = Control {
            source,
            id: "one".into(),
            name: "One".into(),
            url: String::new(),
            path: String::new(),
            description: String::new(),
            tactic: None,
            platforms: vec![],
            executor: None,
            is_elevated: false,
            script: None,
        };
        let cite =
            |id: &&str| Cite { control: 0, technique: (*id).into(), basis: Basis::Official, how: vec![(*id).into()] };
        let mut set = ControlSet::new(source);
        set.controls = vec![control];
        set.cites = cited.iter().map(cite).collect();
        set.known = cited.iter().map(|id| (*id).to_owned()).collect();
        set
    }

    #[test]
    fn former_ids_lead_to_the_loaded_version() {
        let mut said = Vec::new();
        let sets = vec![("tests".to_owned(), set(ControlSource::Atomic, &["T1900", "T1901", "T9999"]))];
        let controls = Controls::of(sets, &attack(), None, Vec::new(), &mut said);
        let [link] = &controls.links[..] else { panic!("{controls:?}") };
        assert_eq!((link.technique.as_str(), &link.how[..]), ("T1901", &["T1900".to_owned(), "T1901".to_owned()][..]));
        assert_eq!(controls.known, [(ControlSource::Atomic, "T1901".to_owned())]);
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!((controls.sources[0].total, controls.sources[0].mapped), (1, 1));
    }

    #[test]
    fn an_ontology_speaks_for_itself_where_it_knows_the_technique() {
        for (cited, ways) in
            [(&["T1900", "T1901"][..], vec!["T1901".to_owned()]), (&["T1900"], vec!["T1900".to_owned()])]
        {
            let sets = vec![("d3fend".to_owned(), set(ControlSource::D3fend, cited))];
            let controls = Controls::of(sets, &attack(), None, Vec::new(), &mut Vec::new());
            assert_eq!(controls.links.iter().map(|link| link.cited.clone()).collect::<Vec<_>>(), ways);
        }
    }
}
