//! A condition of a Sigma rule, over selections of which some have odd names.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_fuzz::check;
use ruleatlas_sigma::Sigma;

fuzz_target!(|condition: &str| {
    let selections = "a: {A: 1}\nb: [x, y]\nsel_1: {Image|endswith: '\\cmd.exe'}\nsel_2: {A|re: '^1'}\n_c: {B: null}\n";
    let condition = serde_json::to_string(condition).expect("JSON");
    check(&Sigma, &format!("{selections}condition: {condition}\n"));
});
