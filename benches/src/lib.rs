//! What the benchmarks share.

mod catalog;
pub mod http;
mod measure;

pub use catalog::{open_catalog, read_corpora};
pub use measure::{corpus, ratio, ratio_after, within};
