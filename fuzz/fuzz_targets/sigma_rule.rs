//! A file of Sigma rules, as a source reads it and as a query that stands alone.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_core::Query;
use ruleatlas_fuzz::{check, check_query};
use ruleatlas_model::Vendor;
use ruleatlas_sigma::Sigma;
use ruleatlas_sources::{SourceFile, format_of};

fuzz_target!(|bytes: &[u8]| {
    let files = [SourceFile::from_bytes("rule.yml", bytes.to_vec())];
    let format = format_of(Vendor::Sigma, |_, _| false);
    let context = format.context(&files);
    format.read(&files[0], &mut |draft| {
        let query = Query { text: &draft.rule.query, tree: draft.tree, sources: &draft.sources };
        check_query(&Sigma, &query, context.as_ref(), Vendor::Sigma);
    });
    if let Some(text) = files[0].text() {
        check(&Sigma, text);
    }
});
