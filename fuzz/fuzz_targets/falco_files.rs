//! Falco's rules files: one, and one of local changes, separated by a form feed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_fuzz::check_files;
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceFile, SourceKind};

fuzz_target!(|text: &str| {
    let paths = ["rules/rules.yaml", "rules/rules.local.yaml"];
    let files = paths.iter().zip(text.split('\u{c}'));
    check_files(
        SourceKind::Rules(Vendor::Falco),
        files.map(|(path, text)| SourceFile::from_bytes(*path, text.as_bytes().to_vec())).collect(),
    );
});
