//! A Bicep template with Kusto queries.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_fuzz::check_file;
use ruleatlas_model::Vendor;
use ruleatlas_sources::SourceKind;

fuzz_target!(|bytes: &[u8]| check_file(SourceKind::Rules(Vendor::Kusto), "Templates/rules.bicep", bytes));
