//! An EQL query.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_eql::Eql;
use ruleatlas_fuzz::check;

fuzz_target!(|text: &str| check(&Eql, text));
