//! Files beside the pages, each under a name that holds its content's hash.

use std::{collections::BTreeMap, sync::LazyLock};

use ruleatlas_model::{Vendor, VendorInfo};
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
        let mut data = file.data.into_owned();
        if name == "style.css" {
            data.extend(vendor_colors().into_bytes());
        }
        let hash = blake3::hash(&data).to_hex();
        let hashed = format!("{stem}.{}.{end}", &hash[..12]);
        assets.addresses.insert(name.to_string(), format!("/assets/{hashed}"));
        assets.files.insert(hashed, Asset::new(&data, kind));
    }
    assets
});

/// Rules of CSS that give the class of each vendor its colour, as `--vendor`.
fn vendor_colors() -> String {
    let colors = |of: fn(&VendorInfo) -> &'static str| -> String {
        Vendor::ALL.iter().map(|vendor| format!(".{vendor} {{ --vendor: {}; }}\n", of(vendor.info()))).collect()
    };
    let light = colors(|info| info.color);
    let dark = colors(|info| info.dark_color);
    format!("\n{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n")
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendor_has_its_colours() {
        let css = vendor_colors();
        for vendor in Vendor::ALL {
            for color in [vendor.info().color, vendor.info().dark_color] {
                assert!(css.contains(&format!(".{vendor} {{ --vendor: {color}; }}")), "{css}");
            }
        }
    }
}
