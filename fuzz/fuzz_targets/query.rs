//! A query of the language that the variable `RULEATLAS_FUZZ_LANGUAGE` names.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use ruleatlas_fuzz::check_language;
use ruleatlas_model::Language;

static LANGUAGE: LazyLock<Language> = LazyLock::new(|| {
    let name = std::env::var("RULEATLAS_FUZZ_LANGUAGE").expect("RULEATLAS_FUZZ_LANGUAGE names a language");
    Language::by_name(&name).expect("a language")
});

fuzz_target!(|text: &str| check_language(*LANGUAGE, text));
