//! Stratus Red Team: attacks on clouds, from the index and the pages of its site.
//!
//! The index names platform and tactics of each, and for a few the technique in a catalog of AWS that extends ATT&CK by
//! sub-techniques of its own (`T1078.A001`), which lead to the technique that they extend. Some pages link to the
//! technique's page at ATT&CK instead.

use ruleatlas_model::{Basis, Control, ControlSource, Diagnostic};
use ruleatlas_yaml::{Node, Value};
use rustc_hash::FxHashMap;

use crate::{
    ControlSet, SourceFile, SourceKind,
    attack::technique_ids_in,
    controls::{items, left_out, technique_id, yaml},
};

const KIND: SourceKind = SourceKind::Stratus;

/// Reads the techniques.
pub(crate) fn read(files: &[SourceFile], diagnostics: &mut Vec<Diagnostic>) -> ControlSet {
    let mut set = ControlSet::new(ControlSource::Stratus);
    let pages: FxHashMap<&str, &SourceFile> =
        files.iter().filter_map(|file| Some((page_of(&file.path)?, file))).collect();
    let Some(index) = files.iter().find(|file| file.path == "index.yaml" || file.path.ends_with("/index.yaml")) else {
        let message =
            "stratus: no docs/index.yaml in the source: give the folder of the repository DataDog/stratus-red-team";
        diagnostics.push(Diagnostic::warning("no index", message));
        return set;
    };
    let Some(document) = yaml(KIND, index, diagnostics) else { return set };
    let mut techniques = Vec::new();
    gather(&document, &mut techniques, 0);
    if techniques.is_empty() {
        diagnostics.push(left_out(KIND, &index.path, None, "it lists no techniques"));
    }
    let mut seen = rustc_hash::FxHashSet::default();
    for node in techniques {
        // One that serves several tactics is listed with each.
        if let Some(id) = node.get("id").and_then(Node::text_or_null).filter(|id| seen.insert((*id).to_owned())) {
            add(&mut set, node, id, pages.get(id).copied());
        }
    }
    set
}

fn add(set: &mut ControlSet, node: &Node<'_>, id: &str, page: Option<&SourceFile>) {
    let text = |key: &str| node.get(key).and_then(Node::text_or_null).unwrap_or_default().trim().to_owned();
    let folder = page.and_then(|page| page.path.rsplit('/').nth(1)).unwrap_or_default();
    let place = set.add(Control {
        source: ControlSource::Stratus,
        id: id.to_owned(),
        name: text("name"),
        url: if folder.is_empty() {
            "https://stratus-red-team.cloud/attack-techniques/list/".to_owned()
        } else {
            format!("https://stratus-red-team.cloud/attack-techniques/{folder}/{id}/")
        },
        path: page.map(|page| page.path.clone()).unwrap_or_default(),
        description: String::new(),
        tactic: None,
        platforms: vec![text("platform")].into_iter().filter(|platform| !platform.is_empty()).collect(),
        executor: Some("stratus".to_owned()),
        is_elevated: false,
        script: None,
    });
    for framework in items(node.get("frameworkmappings")) {
        let catalog = framework.get("framework").and_then(Node::text_or_null).unwrap_or("another catalog");
        for mapped in items(framework.get("techniques")) {
            let Some(written) = mapped.get("id").and_then(Node::text_or_null).map(str::trim) else { continue };
            if let Some(technique) = technique_id(written) {
                set.cite(place, &technique, Basis::Official, vec![format!("mapped by {catalog}")]);
            } else if let Some(technique) = written.split('.').next().and_then(technique_id) {
                let how = format!("{written} is a sub-technique that {catalog} adds to {technique}");
                set.cite(place, &technique, Basis::Derived, vec![how]);
            }
        }
    }
    // Only addresses at ATT&CK: the detonation logs hold anything.
    let text = page.and_then(SourceFile::text).unwrap_or_default();
    for address in text.split("attack.mitre.org/techniques/").skip(1) {
        let end =
            address.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '/' | '.')).unwrap_or(address.len());
        for technique in technique_ids_in(&address[..end]) {
            set.cite(place, &technique, Basis::Official, vec!["its page links to the technique".to_owned()]);
        }
    }
}

/// The techniques below platforms and tactics.
fn gather<'a, 'b>(node: &'a Node<'b>, found: &mut Vec<&'a Node<'b>>, depth: usize) {
    match &node.value {
        Value::Mapping(_) if node.get("id").is_some() => found.push(node),
        Value::Mapping(entries) if depth < 8 => {
            for (_, value) in entries {
                gather(value, found, depth + 1);
            }
        }
        Value::Sequence(items) if depth < 8 => {
            for item in items {
                gather(item, found, depth + 1);
            }
        }
        _ => {}
    }
}

/// The id of the technique whose page a file is: `aws.execution.ec2-user-data.md`.
fn page_of(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?.strip_suffix(".md")?;
    (name.split('.').count() >= 3).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_and_pages_say_which_technique() {
        let index = "AWS:\n  Persistence:\n    - id: aws.persistence.one\n      name: One\n      platform: AWS\n      frameworkmappings:\n        \
                     - framework: A Catalog\n          techniques:\n            - {name: a, id: T1098.001}\n            - {name: b, id: T1078.A001}\n  \
                     Privilege Escalation:\n    - id: aws.persistence.one\n      name: One\nGCP:\n  Evasion:\n    - id: gcp.evasion.two\n      name: Two\n      platform: GCP\n";
        let page = "see https://attack.mitre.org/techniques/T1562/008/ and T1003";
        let files = [("docs/index.yaml", index), ("docs/attack-techniques/GCP/gcp.evasion.two.md", page)];
        let files = files.map(|(path, text)| SourceFile::from_bytes(path, text.as_bytes().to_vec()));
        let mut said = Vec::new();
        let set = read(&files, &mut said);
        assert_eq!(said, []);
        let cites: Vec<_> = set.cites.iter().map(|cite| (cite.control, cite.technique.as_str(), cite.basis)).collect();
        assert_eq!(
            cites,
            [(0, "T1098.001", Basis::Official), (0, "T1078", Basis::Derived), (1, "T1562.008", Basis::Official)]
        );
        assert_eq!(set.controls[1].url, "https://stratus-red-team.cloud/attack-techniques/GCP/gcp.evasion.two/");
        assert_eq!(set.controls[0].platforms, ["AWS"]);
    }
}
