//! What decides whether a catalog on disk is still what a build would write.

use ruleatlas_sources::attack::Crosswalk;

use crate::Loaded;

/// The version of the analysis: raise it when a change of code makes a catalog say something else and [`DEMO_DIGEST`]
/// stays the same. Every released version of the program counts as another analysis anyway.
pub const ANALYSIS_VERSION: u32 = 3;

/// The digest of what the demo corpus is analysed to. A test computes it anew, so that no change which the demo
/// corpus shows can leave outdated catalogs in use.
pub const DEMO_DIGEST: &str = include_str!("../analysis.digest").trim_ascii();

/// Identifies the content of sources and everything else that a catalog follows from: equal fingerprints, equal
/// catalogs.
#[must_use]
pub fn fingerprint(sources: &[Loaded]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    add(env!("CARGO_PKG_VERSION").as_bytes());
    add(&ANALYSIS_VERSION.to_le_bytes());
    add(DEMO_DIGEST.as_bytes());
    for file in ruleatlas_taxonomy::data_files() {
        add(file.name.as_bytes());
        add(file.text.as_bytes());
    }
    add(Crosswalk::BUILT_IN);
    for source in sources {
        add(source.spec.kind.name().as_bytes());
        add(source.spec.name.as_bytes());
        add(serde_json::to_string(&source.spec.origin).unwrap_or_default().as_bytes());
        for file in &source.files {
            add(file.path.as_bytes());
            add(&file.hash);
        }
    }
    hasher.finalize().to_hex().to_string()
}
