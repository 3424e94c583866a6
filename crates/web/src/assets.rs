//! Files beside the pages, each under a name that holds its content's hash.

use std::{collections::BTreeMap, sync::LazyLock};

use rust_embed::RustEmbed;

use crate::answer::{Body, Coding};

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

/// A file, ready for every client.
pub(crate) struct Asset([Body; 3]);

impl Asset {
    fn new(bytes: &[u8], kind: &'static str) -> Self {
        Self(
            [Coding::Identity, Coding::Gzip, Coding::Brotli]
                .map(|coding| Body::new(bytes.to_vec(), kind, coding, true)),
        )
    }

    pub(crate) fn body(&self, coding: Coding) -> &Body {
        &self.0[coding as usize]
    }
}

struct Assets {
    /// By the name with the hash.
    files: BTreeMap<String, Asset>,
    /// Addresses by plain name.
    addresses: BTreeMap<String, String>,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let mut assets = Assets { files: BTreeMap::new(), addresses: BTreeMap::new() };
    for name in Files::iter() {
        let (Some(file), Some((stem, end))) = (Files::get(&name), name.rsplit_once('.')) else { continue };
        let kind = match end {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => continue,
        };
        let hash = blake3::hash(&file.data).to_hex();
        let hashed = format!("{stem}.{}.{end}", &hash[..12]);
        assets.addresses.insert(name.to_string(), format!("/assets/{hashed}"));
        assets.files.insert(hashed, Asset::new(&file.data, kind));
    }
    assets
});

/// The address of a file.
pub(crate) fn address(name: &str) -> &'static str {
    ASSETS.addresses.get(name).map_or("", String::as_str)
}

/// The file of an address' last part.
pub(crate) fn find(hashed: &str) -> Option<&'static Asset> {
    ASSETS.files.get(hashed)
}

/// All files, under the names with the hash, in order.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static Asset)> {
    ASSETS.files.iter().map(|(name, asset)| (name.as_str(), asset))
}
