//! Pages of platforms: `data/platform_pages.toml`.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::{File, file};

pub(crate) const PLATFORM_PAGES: File<'static> = file!("platform_pages.toml");

/// A page of a platform, and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformPage {
    /// The name in its address.
    pub name: String,
    /// The title.
    pub title: String,
    /// Platforms of the taxonomy.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// Providers besides those that write to the platforms' logs.
    #[serde(default)]
    pub providers: Vec<String>,
    /// What ATT&CK calls the platform.
    #[serde(default)]
    pub attack: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    page: Vec<PlatformPage>,
}

/// The pages, in the order in which they are listed.
#[must_use]
pub fn platform_pages() -> &'static [PlatformPage] {
    static TABLE: OnceLock<Vec<PlatformPage>> = OnceLock::new();
    TABLE.get_or_init(|| toml::from_str::<Table>(PLATFORM_PAGES.text).map(|table| table.page).unwrap_or_default())
}

impl PlatformPage {
    /// Whether a provider, which writes to the logs of some platforms, belongs to the page.
    #[must_use]
    pub fn has_provider(&self, provider: &str, platforms: &[String]) -> bool {
        self.providers.iter().any(|known| known.eq_ignore_ascii_case(provider))
            || platforms.iter().any(|platform| self.platforms.contains(platform))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Taxonomy;

    #[test]
    fn every_page_has_a_name_of_its_own_and_names_what_is_known() {
        let pages = toml::from_str::<Table>(PLATFORM_PAGES.text).expect("platform_pages.toml").page;
        let taxonomy = Taxonomy::builtin();
        let mut names = BTreeSet::new();
        let mut platforms = BTreeSet::new();
        for page in &pages {
            let is_plain =
                page.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            assert!(is_plain && names.insert(&page.name), "{}", page.name);
            assert!(!page.platforms.is_empty() || !page.providers.is_empty(), "{} is empty", page.name);
            for platform in &page.platforms {
                assert!(taxonomy.platforms().iter().any(|term| term.name == *platform), "{}: {platform}", page.name);
                assert!(platforms.insert(platform), "{platform} stands on two pages");
            }
            for provider in &page.providers {
                let is_known = taxonomy.events_iter().any(|event| event.event.provider == *provider);
                assert!(is_known, "{}: {provider}", page.name);
            }
        }
    }
}
