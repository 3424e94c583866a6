//! A STIX bundle of ATT&CK.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_fuzz::check_file;
use ruleatlas_sources::SourceKind;

fuzz_target!(|bytes: &[u8]| check_file(SourceKind::Attack, "enterprise-attack.json", bytes));
