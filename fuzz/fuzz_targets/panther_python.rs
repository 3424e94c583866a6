//! A Python module of Panther.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_fuzz::check_language;
use ruleatlas_model::{Language, Vendor};

fuzz_target!(|text: &str| check_language(Language::Python, Vendor::Panther, text));
