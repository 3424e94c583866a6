//! A small catalog of rules written for the tests.

use ruleatlas_catalog::{Loaded, build};
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec};
use ruleatlas_store::{WriteOptions, write};
use ruleatlas_views::Atlas;

/// A Sigma rule with an id made of `number`.
#[allow(dead_code)]
pub fn sigma(number: u32, tags: &str, detection: &str) -> (String, String) {
    let text = format!(
        "title: Rule {number}\nid: 00000000-0000-4000-8000-{number:012}\nlevel: high\ntags: [{tags}]\n\
         logsource:\n  product: windows\n  category: process_creation\ndetection:\n{detection}"
    );
    (format!("rules/{number}.yml"), text)
}

/// A catalog of some rules, and the folder that keeps it.
pub fn catalog() -> (Atlas, tempfile::TempDir) {
    let rules = [
        sigma(
            1,
            "attack.t1059.001",
            "  selection:\n    Image|endswith: '\\powershell.exe'\n    CommandLine|contains: ' -enc '\n  condition: selection\n",
        ),
        sigma(
            2,
            "attack.t1059.001",
            "  selection:\n    Image|endswith: ['\\powershell.exe', '\\pwsh.exe']\n    CommandLine|contains: ' -enc '\n  \
             filter:\n    ParentImage: 'C:\\Program Files\\Agent\\agent.exe'\n  condition: selection and not filter\n",
        ),
        sigma(
            3,
            "attack.t1003.001",
            "  selection:\n    Image|endswith: '\\procdump.exe'\n    CommandLine|contains: lsass\n  condition: selection\n",
        ),
    ];
    of(rules.into_iter().collect())
}

/// A catalog of Sigma rules.
pub fn of(rules: Vec<(String, String)>) -> (Atlas, tempfile::TempDir) {
    let attack = include_str!("../../../cli/demo/attack/enterprise-attack.json");
    let files = rules.into_iter().map(|(path, text)| SourceFile::from_bytes(path, text.into_bytes())).collect();
    let sources = vec![
        Loaded { spec: SourceSpec::new(SourceKind::Rules(Vendor::Sigma), "sigma"), files },
        Loaded {
            spec: SourceSpec::new(SourceKind::Attack, "attack"),
            files: vec![SourceFile::from_bytes("enterprise-attack.json", attack.as_bytes().to_vec())],
        },
    ];
    let catalog = build(sources, &|_, _, _, _| {}).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("catalog.db");
    write(&db, &catalog, WriteOptions::default()).unwrap();
    (Atlas::open(&db).unwrap(), folder)
}
