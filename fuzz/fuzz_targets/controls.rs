//! Files of countermeasures, analytics and tests: the first byte says of which kind.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_sources::{SourceFile, SourceKind, read_controls};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let (kind, path) = match first % 5 {
        0 => (SourceKind::D3fend, "d3fend.json"),
        1 => (SourceKind::D3fend, "d3fend.ttl"),
        2 => (SourceKind::Car, "analytics/CAR-2026-01-001.yaml"),
        3 => (SourceKind::Atomic, "atomics/T1059/T1059.yaml"),
        _ => (SourceKind::Stratus, "docs/attack-techniques/AWS/aws.one.md"),
    };
    let _ = read_controls(kind, &[SourceFile::from_bytes(path, rest.to_vec())]);
});
