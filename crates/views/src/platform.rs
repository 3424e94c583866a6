use std::{cmp::Reverse, collections::BTreeMap};

use roaring::RoaringBitmap;
use ruleatlas_catalog::{Facet, RuleCount};
use ruleatlas_model::{AttackDomain, EventRef};
use ruleatlas_store::EventHead;
use ruleatlas_taxonomy::{PlatformPage, platform_pages};
use rustc_hash::FxHashSet;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error, EventItem, TechniqueCount, event::facet_of, nearest};

/// A platform: who writes its events, which of them rules read, and what is missing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlatformView {
    /// The name in its address.
    pub name: String,
    /// The title.
    pub title: String,
    /// The platforms of rules that belong to it; empty where its rules are those that read its providers' events.
    pub platforms: Vec<String>,
    /// Its rules.
    pub rules: RuleCount,
    /// How much of it is known and read.
    pub coverage: PlatformCoverage,
    /// The providers of its events, those that most rules read first.
    pub providers: Vec<PlatformProvider>,
    /// The events that rules read, those that most rules read first.
    pub events: Vec<EventItem>,
    /// Those of them that no dictionary knows.
    pub unknown: Vec<EventItem>,
    /// Events that analytics of ATT&CK name and no rule reads, those named for the most techniques first.
    pub recommended: Vec<RecommendedEvent>,
    /// Techniques that its rules are tagged with, those with the most rules first.
    pub techniques: Vec<TechniqueCount>,
}

/// How much of a platform's events and techniques is known and read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlatformCoverage {
    /// Events of its providers, known to dictionaries or read by rules.
    pub events: u64,
    /// Those that counted rules read.
    pub read: u64,
    /// Those of the events read that have a title from a dictionary.
    pub read_with_title: u64,
    /// Those of the events read that have a sample.
    pub read_with_sample: u64,
    /// Techniques and sub-techniques that ATT&CK knows on the platform; 0 where ATT&CK has no such platform.
    pub attack_techniques: u64,
    /// Those that a rule of the platform is tagged with.
    pub attack_techniques_with_rules: u64,
}

/// A provider of a platform's events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlatformProvider {
    /// The short name.
    pub provider: String,
    /// Its events.
    pub events: u64,
    /// Those that counted rules read.
    pub read: u64,
    /// Rules that read any of them.
    pub rules: u64,
}

/// An event that ATT&CK recommends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecommendedEvent {
    /// The provider's short name.
    pub provider: String,
    /// The id.
    pub event_id: String,
    /// The title.
    pub title: String,
    /// Techniques whose analytics name it.
    pub techniques: u64,
}

/// A platform in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlatformItem {
    /// The name in its address.
    pub name: String,
    /// The title.
    pub title: String,
    /// Its rules.
    pub rules: u64,
    /// The providers of its events.
    pub providers: u64,
    /// Their events.
    pub events: u64,
    /// Those that rules of any status read.
    pub read: u64,
}

/// All platforms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlatformsView {
    /// The platforms that have a page.
    pub platforms: Vec<PlatformItem>,
}

/// The names of the pages of platforms.
pub fn platform_names() -> impl Iterator<Item = &'static str> {
    platform_pages().iter().map(|page| page.name.as_str())
}

impl Atlas {
    /// The rules of a platform; those that read the events of its providers where it has no platform of rules.
    fn rules_of_platform(&self, page: &PlatformPage, read: &[EventHead]) -> RoaringBitmap {
        let sets: Vec<&RoaringBitmap> = if page.platforms.is_empty() {
            let events = read.iter().filter(|head| page.has_provider(&head.event.provider, &[]));
            events.filter_map(|head| self.index.set(Facet::Event, &facet_of(&head.event))).collect()
        } else {
            page.platforms.iter().filter_map(|name| self.index.set(Facet::Platform, name)).collect()
        };
        let all = sets.into_iter().fold(RoaringBitmap::new(), |all, rules| all | rules);
        all & self.index.counted()
    }

    /// All platforms that have a page.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn platforms(&self) -> Result<PlatformsView, Error> {
        let providers = self.store().provider_rows()?;
        let read = self.store().read_events()?;
        let item = |page: &PlatformPage| {
            let own = || providers.iter().filter(|row| page.has_provider(&row.name, &row.platforms));
            PlatformItem {
                name: page.name.clone(),
                title: page.title.clone(),
                rules: self.rules_of_platform(page, &read).len(),
                providers: own().count() as u64,
                events: own().map(|row| u64::from(row.events)).sum(),
                read: own().map(|row| u64::from(row.read)).sum(),
            }
        };
        Ok(PlatformsView { platforms: platform_pages().iter().map(item).collect() })
    }

    /// A platform by the name of its page, or by a platform of rules that belongs to it.
    ///
    /// # Errors
    /// There is no such platform, or the catalog cannot be read.
    pub fn platform(&self, name: &str) -> Result<PlatformView, Error> {
        let pages = platform_pages();
        let is_it = |known: &str| known.eq_ignore_ascii_case(name);
        let page = pages.iter().find(|page| is_it(&page.name) || is_it(&page.title));
        let page = page.or_else(|| pages.iter().find(|page| page.platforms.iter().any(|known| is_it(known))));
        let Some(page) = page else {
            let near = nearest(name, pages.iter().map(|page| page.name.as_str()), 3);
            return Err(Error::NotFound { what: "platform", name: name.to_owned(), near });
        };
        let rows = self.store().provider_rows()?;
        let own: BTreeMap<String, u64> = rows
            .iter()
            .filter(|row| page.has_provider(&row.name, &row.platforms))
            .map(|row| (row.name.to_lowercase(), u64::from(row.events)))
            .collect();
        let is_own = |provider: &str| own.contains_key(&provider.to_lowercase());
        let read = self.store().read_events()?;
        let rules = self.rules_of_platform(page, &read);
        let mut heads: Vec<(u64, &EventHead)> = read
            .iter()
            .filter(|head| is_own(&head.event.provider))
            .map(|head| (self.rules_reading(&head.event), head))
            .filter(|(rules, _)| *rules > 0)
            .collect();
        heads.sort_by_key(|(rules, _)| Reverse(*rules));
        let items = |is_shown: fn(&EventHead) -> bool| -> Vec<EventItem> {
            let shown = heads.iter().map(|(_, head)| *head).filter(|head| is_shown(head));
            shown.map(|head| self.item(head, &ruleatlas_catalog::Filters::default())).collect()
        };
        let events = items(|_| true);
        let (attack_techniques, attack_techniques_with_rules) = self.techniques_on(&page.attack, &rules);
        let count = |is_it: fn(&EventHead) -> bool| heads.iter().filter(|(_, head)| is_it(head)).count() as u64;
        Ok(PlatformView {
            name: page.name.clone(),
            title: page.title.clone(),
            platforms: page.platforms.clone(),
            coverage: PlatformCoverage {
                events: own.values().sum(),
                read: heads.len() as u64,
                read_with_title: count(|head| !head.title.is_empty()),
                read_with_sample: count(|head| head.has_sample),
                attack_techniques,
                attack_techniques_with_rules,
            },
            providers: self.platform_providers(&rows, &own, &heads),
            unknown: items(|head| !head.is_known),
            recommended: self.recommended(&is_own)?,
            techniques: self.technique_counts(&rules),
            rules: self.index.count(&rules),
            events,
        })
    }

    fn platform_providers(
        &self,
        rows: &[ruleatlas_store::ProviderRow],
        own: &BTreeMap<String, u64>,
        heads: &[(u64, &EventHead)],
    ) -> Vec<PlatformProvider> {
        let mut read: BTreeMap<String, (u64, RoaringBitmap)> = BTreeMap::new();
        for (_, head) in heads {
            let (events, rules) = read.entry(head.event.provider.to_lowercase()).or_default();
            *events += 1;
            if let Some(set) = self.index.set(Facet::Event, &facet_of(&head.event)) {
                *rules |= set;
            }
        }
        let provider = |row: &ruleatlas_store::ProviderRow| {
            let name = row.name.to_lowercase();
            let events = *own.get(&name)?;
            let (read, rules) =
                read.get(&name).map_or((0, 0), |(read, rules)| (*read, rules.intersection_len(self.index.counted())));
            Some(PlatformProvider { provider: row.name.clone(), events, read, rules })
        };
        let mut providers: Vec<PlatformProvider> = rows.iter().filter_map(provider).collect();
        providers.sort_by_key(|row| (Reverse(row.rules), Reverse(row.events), row.provider.clone()));
        providers
    }

    /// The events of some providers that ATT&CK names and no counted rule reads.
    fn recommended(&self, is_own: &dyn Fn(&str) -> bool) -> Result<Vec<RecommendedEvent>, Error> {
        let mut seen: FxHashSet<EventRef> = FxHashSet::default();
        let mut recommended = Vec::new();
        for row in self.store().events_named_by_attack()? {
            let is_new = is_own(&row.event.provider) && self.rules_reading(&row.event) == 0;
            if !is_new || !seen.insert(row.event.clone()) {
                continue;
            }
            let title = row.title.unwrap_or_else(|| self.index.event_title(&row.event, self.taxonomy));
            let EventRef { provider, event_id } = row.event;
            recommended.push(RecommendedEvent { provider, event_id, title, techniques: u64::from(row.techniques) });
        }
        recommended.sort_by_key(|row| Reverse(row.techniques));
        Ok(recommended)
    }

    /// How many techniques of the enterprise matrix are on a platform by ATT&CK, and how many of them some rules are
    /// tagged with.
    fn techniques_on(&self, attack: &[String], rules: &RoaringBitmap) -> (u64, u64) {
        let is_on =
            |platforms: &[String]| platforms.iter().any(|name| attack.iter().any(|own| own.eq_ignore_ascii_case(name)));
        let techniques = self.attack.techniques.values().filter(|technique| {
            technique.domain == AttackDomain::Enterprise && !technique.deprecated && is_on(&technique.platforms)
        });
        let (mut all, mut with_rules) = (0, 0);
        for technique in techniques {
            all += 1;
            with_rules += u64::from(!self.tagged(&technique.id).is_disjoint(rules));
        }
        (all, with_rules)
    }

    /// The platforms with the numbers of their rules, for the first page.
    pub(crate) fn platform_counts(&self) -> Vec<PlatformCount> {
        let count = |page: &PlatformPage| {
            let rules = if page.platforms.is_empty() { None } else { Some(self.rules_of_platform(page, &[]).len()) };
            PlatformCount { name: page.name.clone(), title: page.title.clone(), rules }
        };
        platform_pages().iter().map(count).collect()
    }
}

/// A platform on the first page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlatformCount {
    /// The name in its address.
    pub name: String,
    /// The title.
    pub title: String,
    /// Its rules; `None` where they are those that read its providers' events, which its page counts.
    pub rules: Option<u64>,
}
