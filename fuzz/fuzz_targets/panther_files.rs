//! A rule of Panther as its files are: the YAML, its module, a helper and a data model, separated by a form feed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_fuzz::check_files;
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceFile, SourceKind};

fuzz_target!(|text: &str| {
    let paths = ["rules/rule.yml", "rules/rule.py", "global_helpers/helper.py", "data_models/model.yml"];
    let files = paths.iter().zip(text.split('\u{c}'));
    check_files(
        SourceKind::Rules(Vendor::Panther),
        files.map(|(path, text)| SourceFile::from_bytes(*path, text.as_bytes().to_vec())).collect(),
    );
});
