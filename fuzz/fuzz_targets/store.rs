//! A rule file of any format, through build and store to every reader: the first three bytes say which vendor's, which
//! ending its name has, and in which folder it lies.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_catalog::is_query;
use ruleatlas_fuzz::check_readers;
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceKind, format_of};

/// Folders in which formats look for rules.
const FOLDERS: [&str; 4] = ["rules/", "detections/", "Hunting/", ""];

fuzz_target!(|bytes: &[u8]| {
    let [vendor, ending, folder, text @ ..] = bytes else { return };
    let of = |number: u8, count: usize| usize::from(number) % count;
    let vendor = Vendor::ALL[of(*vendor, Vendor::ALL.len())];
    let endings = format_of(vendor, is_query).extensions();
    let path = format!("{}rule.{}", FOLDERS[of(*folder, FOLDERS.len())], endings[of(*ending, endings.len())]);
    check_readers(SourceKind::Rules(vendor), &[(&path, text)]);
});
