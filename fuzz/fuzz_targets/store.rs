//! A rule file of any format, through build and store to every reader: the first byte says which format.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_fuzz::check_readers;
use ruleatlas_sources::SourceKind;

/// The formats, and the path by which each knows a rule.
const FORMATS: [(SourceKind, &str); 6] = [
    (SourceKind::Sigma, "rule.yml"),
    (SourceKind::Elastic, "rules/rule.toml"),
    (SourceKind::Splunk, "detections/rule.yml"),
    (SourceKind::Kusto, "Detections/rule.yaml"),
    (SourceKind::Kusto, "Hunting/rule.kql"),
    (SourceKind::Panther, "rules/rule.yml"),
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, text)) = bytes.split_first() else { return };
    let (kind, path) = FORMATS[usize::from(*first) % FORMATS.len()];
    check_readers(kind, &[(path, text)]);
});
