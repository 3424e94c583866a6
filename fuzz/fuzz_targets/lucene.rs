//! A Lucene query string.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_fuzz::check_language;
use ruleatlas_model::{Language, Vendor};

fuzz_target!(|text: &str| check_language(Language::Lucene, Vendor::Elastic, text));
