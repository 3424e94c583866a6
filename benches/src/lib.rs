//! What the benchmarks share.

pub mod http;
mod measure;

pub use measure::{corpus, ratio, ratio_after, within};
