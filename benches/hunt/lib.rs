//! The benchmark is `hunt.rs`; this package is apart so that its dependencies cost nobody else anything.
