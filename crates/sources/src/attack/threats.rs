//! Groups, software and campaigns, and the techniques that they use.

use ruleatlas_model::{Threat, ThreatKind};

use super::{
    build::{Gaps, Graph},
    stix::{Object, Text},
};
use crate::unique::unique_by;

/// Whether objects of this type are read of a bundle that is about threats only.
pub(super) fn is_read(kind: &str) -> bool {
    matches!(kind, "intrusion-set" | "malware" | "tool" | "campaign" | "relationship")
}

/// Every threat, ordered by id.
pub(super) fn threats(graph: &Graph<'_>, gaps: &mut Gaps) -> Vec<Threat> {
    let mut threats: Vec<Threat> =
        graph.objects.iter().filter_map(|(_, object)| threat(graph, object, kind(object)?, gaps)).collect();
    threats.sort_by(|a, b| (&a.id, a.revoked_by.is_some()).cmp(&(&b.id, b.revoked_by.is_some())));
    // An id that lives on under another object is not revoked.
    threats.dedup_by(|later, first| later.id == first.id);
    threats
}

fn kind(object: &Object<'_>) -> Option<ThreatKind> {
    match &*object.kind {
        "intrusion-set" => Some(ThreatKind::Group),
        "malware" | "tool" => Some(ThreatKind::Software),
        "campaign" => Some(ThreatKind::Campaign),
        _ => None,
    }
}

fn threat(graph: &Graph<'_>, object: &Object<'_>, kind: ThreatKind, gaps: &mut Gaps) -> Option<Threat> {
    let (id, url) = object.attack_id()?;
    let ids = |targets: Option<&Vec<&str>>| -> Vec<String> {
        let objects = targets.into_iter().flatten().filter_map(|target| graph.object(target));
        let mut ids: Vec<String> = objects.filter_map(|object| Some(object.attack_id()?.0.to_owned())).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let mut techniques = Vec::new();
    for used in graph.used.get(&*object.id).into_iter().flatten().filter_map(|target| graph.object(target)) {
        if &*used.kind != "attack-pattern" {
            continue;
        }
        let successors = if used.is_revoked() { graph.successors(used, gaps) } else { Vec::new() };
        match (successors.is_empty(), used.attack_id()) {
            (true, Some((id, _))) => techniques.push(id.to_ascii_uppercase()),
            _ => techniques.extend(successors),
        }
    }
    techniques.sort_unstable();
    techniques.dedup();
    let aliases = object.aliases.iter().chain(&object.x_mitre_aliases).flatten();
    let aliases = aliases.map(|Text(alias)| alias.to_string()).filter(|alias| alias != object.name());
    let aliases = unique_by(aliases, Clone::clone);
    let revoked_by = if object.is_revoked() { ids(graph.revoked_by.get(&*object.id)).into_iter().next() } else { None };
    Some(Threat {
        id: id.to_owned(),
        kind,
        name: object.name().to_owned(),
        aliases,
        url: url.to_owned(),
        is_deprecated: !object.is_live(),
        revoked_by,
        attributed_to: ids(graph.attributed.get(&*object.id)),
        techniques,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SourceFile, attack::load_all};

    fn object(kind: &str, id: &str, name: &str, more: &str) -> String {
        format!(
            r#"{{"type": "{kind}", "id": "{kind}--{id}", "name": "{name}", {more}
               "external_references": [{{"source_name": "mitre-attack", "external_id": "{id}", "url": "https://a/{id}"}}]}}"#
        )
    }

    fn relation(kind: &str, source: &str, target: &str) -> String {
        format!(
            r#"{{"type": "relationship", "relationship_type": "{kind}", "source_ref": "{source}", "target_ref": "{target}"}}"#
        )
    }

    fn bundle(path: &str, objects: &[String]) -> SourceFile {
        let text = format!(r#"{{"type": "bundle", "objects": [{}]}}"#, objects.join(","));
        SourceFile::from_bytes(path, text.into_bytes())
    }

    #[test]
    fn threats_use_the_techniques_that_took_the_place_of_revoked_ones() {
        let techniques = [
            object("attack-pattern", "T1900", "Old", r#""revoked": true,"#),
            object("attack-pattern", "T1901", "New", ""),
            object("attack-pattern", "T1902", "Other", ""),
            relation("revoked-by", "attack-pattern--T1900", "attack-pattern--T1901"),
        ];
        let groups = [
            object("intrusion-set", "G1900", "Old Crew", r#""revoked": true,"#),
            object("intrusion-set", "G1901", "Crew", r#""aliases": ["Crew", "Gang"],"#),
            object("malware", "S1900", "Worm", r#""x_mitre_aliases": ["Worm", "Wurm"],"#),
            object("campaign", "C1900", "Raid", ""),
            relation("revoked-by", "intrusion-set--G1900", "intrusion-set--G1901"),
            relation("uses", "intrusion-set--G1901", "attack-pattern--T1900"),
            relation("uses", "intrusion-set--G1901", "attack-pattern--T1901"),
            relation("uses", "intrusion-set--G1901", "malware--S1900"),
            relation("uses", "malware--S1900", "attack-pattern--T1902"),
            relation("attributed-to", "campaign--C1900", "intrusion-set--G1901"),
        ];
        let files = [bundle("enterprise-attack.json", &techniques), bundle("enterprise-attack-groups.json", &groups)];
        let threats = load_all(&files, None).unwrap().threats;
        let ids: Vec<&str> = threats.iter().map(|threat| threat.id.as_str()).collect();
        assert_eq!(ids, ["C1900", "G1900", "G1901", "S1900"]);
        assert_eq!(threats[0].attributed_to, ["G1901"]);
        assert_eq!(threats[1].revoked_by.as_deref(), Some("G1901"));
        assert_eq!(
            (&threats[2].techniques, &threats[2].aliases),
            (&vec!["T1901".to_owned()], &vec!["Gang".to_owned()])
        );
        assert_eq!((threats[3].kind, &threats[3].techniques), (ThreatKind::Software, &vec!["T1902".to_owned()]));
    }

    #[test]
    fn groups_alone_are_no_knowledge_base() {
        let groups = bundle("enterprise-attack-groups.json", &[object("intrusion-set", "G1901", "Crew", "")]);
        assert!(load_all(&[groups], None).is_err());
    }
}
