//! What searches ask for: a macro and a lookup's description and table, separated by a form feed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_fuzz::check_files;
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceFile, SourceKind};

const SEARCH: &str = "name: r\nid: r\ntype: TTP\nsearch: 'index=x `one` `two(\"a\", b)` | lookup list key as a OUTPUT flag | where flag=\"yes\"'\n";

fuzz_target!(|text: &str| {
    let paths = ["macros/one.yml", "macros/two.yml", "lookups/list.yml", "lookups/list.csv"];
    let mut files: Vec<SourceFile> = paths
        .iter()
        .zip(text.split('\u{c}'))
        .map(|(path, text)| SourceFile::from_bytes(*path, text.as_bytes().to_vec()))
        .collect();
    files.push(SourceFile::from_bytes("detections/rule.yml", SEARCH.as_bytes().to_vec()));
    check_files(SourceKind::Rules(Vendor::Splunk), files);
});
