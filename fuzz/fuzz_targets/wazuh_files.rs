//! Wazuh's rules files and a list, separated by form feeds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_fuzz::check_files;
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceFile, SourceKind};

fuzz_target!(|text: &str| {
    let paths = ["rules/one.xml", "rules/two.xml", "lists/list"];
    let files = paths.iter().zip(text.split('\u{c}'));
    check_files(
        SourceKind::Rules(Vendor::Wazuh),
        files.map(|(path, text)| SourceFile::from_bytes(*path, text.as_bytes().to_vec())).collect(),
    );
});
