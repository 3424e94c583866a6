//! The demo corpus: small rules of ours, embedded in the program.

use ruleatlas_catalog::Loaded;
use ruleatlas_sources::{Origin, SourceFile, SourceKind, SourceSpec};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "demo/"]
struct Demo;

/// The demo corpus as sources, one a kind.
pub fn sources() -> Vec<Loaded> {
    SourceKind::ALL.into_iter().filter_map(source).collect()
}

fn source(kind: SourceKind) -> Option<Loaded> {
    let prefix = format!("{kind}/");
    let mut files: Vec<SourceFile> = Demo::iter()
        .filter_map(|path| {
            let inside = path.strip_prefix(&prefix)?.to_owned();
            Some(SourceFile::from_bytes(inside, Demo::get(&path)?.data.into_owned()))
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let origin = Origin { license: Some("MIT OR Apache-2.0".to_owned()), ..Origin::default() };
    let spec = SourceSpec { name: format!("demo {kind}"), origin, ..SourceSpec::new(kind, "demo") };
    (!files.is_empty()).then_some(Loaded { spec, files })
}
