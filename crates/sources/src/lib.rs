//! A folder on disk in, documents out: rules with their metadata and query text, and the ATT&CK knowledge base.

pub mod attack;
pub mod sync;
