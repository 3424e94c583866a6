//! A draft in any language: the first byte says which, the rest is the file.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use ruleatlas_catalog::{Loaded, build};
use ruleatlas_check::{Checker, Config, sarif};
use ruleatlas_model::{Language, Vendor};
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec};
use ruleatlas_store::WriteOptions;
use ruleatlas_views::Atlas;

/// A catalog of one rule.
static ATLAS: LazyLock<(Atlas, tempfile::TempDir)> = LazyLock::new(|| {
    let rule = "title: A\nid: 00000000-0000-4000-8000-000000000001\ntags: [attack.t1059]\nlogsource:\n  product: windows\n  \
                category: process_creation\ndetection:\n  selection:\n    Image|endswith: '\\cmd.exe'\n    CommandLine|contains: whoami\n  \
                filter:\n    ParentImage: 'C:\\agent.exe'\n  condition: selection and not filter\n";
    let files = vec![SourceFile::from_bytes("rule.yml", rule.as_bytes().to_vec())];
    let sources = vec![Loaded { spec: SourceSpec::new(SourceKind::Rules(Vendor::Sigma), "sigma"), files }];
    let catalog = build(sources, &|_, _, _, _| {}).expect("a catalog");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalog.db");
    ruleatlas_store::write(&path, &catalog, WriteOptions::default()).expect("written");
    (Atlas::open(&path).expect("opened"), folder)
});

fuzz_target!(|bytes: &[u8]| {
    let Some((first, text)) = bytes.split_first() else { return };
    let languages = [
        None,
        Some(Language::Sigma),
        Some(Language::Eql),
        Some(Language::Kuery),
        Some(Language::Lucene),
        Some(Language::Esql),
        Some(Language::Spl),
        Some(Language::Kusto),
        Some(Language::Python),
    ];
    let language = languages[usize::from(*first) % languages.len()];
    let checker = Checker::new(&ATLAS.0, Config::default());
    let findings = checker.check(&SourceFile::from_bytes("draft.yml", text.to_vec()), language);
    for finding in &findings {
        assert!(finding.span[0] <= finding.span[1] && finding.line >= 1 && finding.column >= 1, "{finding:?}");
    }
    serde_json::from_str::<serde_json::Value>(&sarif(&findings)).expect("JSON");
});
