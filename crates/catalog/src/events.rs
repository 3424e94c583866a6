//! The event catalog: what the dictionaries say of every event, and what rules need of them.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use ruleatlas_model::{Attack, Diagnostic, Dictionary, EventEntry, EventRef};
use ruleatlas_sources::events;
use ruleatlas_taxonomy::Taxonomy;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use crate::{Entry, Loaded};

/// Every event that a dictionary knows or a rule reads.
#[derive(Clone, Debug, Default)]
pub struct EventCatalog {
    /// The events, those that a rule reads first, each part ordered by provider and id.
    pub entries: Vec<EventEntry>,
    /// How many of them a rule reads.
    pub read: usize,
    /// Events that ATT&CK's analytics name.
    pub named_by_attack: BTreeSet<NamedByAttack>,
    /// The platforms of every provider that has some, by the provider's name.
    pub platforms: BTreeMap<String, Vec<String>>,
}

/// An event that an analytic of ATT&CK names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NamedByAttack {
    /// The event.
    pub event: EventRef,
    /// The technique that the analytic detects.
    pub technique: String,
    /// The analytic's id.
    pub analytic: String,
    /// The data component that it is named for; empty where the bundles do not hold it.
    pub component: String,
    /// ATT&CK's page about the analytic.
    pub url: String,
}

impl EventCatalog {
    /// What the dictionaries in the sources say, and the program's own table; and how much each source says.
    pub(crate) fn load(sources: &[Loaded], taxonomy: &Taxonomy) -> (Self, Vec<Diagnostic>, Vec<u32>) {
        let files: Vec<_> = sources.iter().map(|source| source.files.iter().collect()).collect();
        let (entries, diagnostics, counts) =
            events::load_sources(&files, &taxonomy.event_entries(), &|provider| taxonomy.provider_name(provider));
        (Self { entries, ..Self::default() }, diagnostics, counts)
    }

    /// Adds the events that rules read and no dictionary knows, and puts those that rules read first.
    pub(crate) fn complete(&mut self, rules: &[Entry], attack: &Attack, taxonomy: &Taxonomy) {
        self.name(attack, taxonomy);
        let key = |event: &EventRef| (event.provider.to_lowercase(), event.event_id.to_lowercase());
        let links = rules.par_iter().flat_map_iter(|entry| &entry.rule.events).map(|link| link.event.clone());
        let read: FxHashSet<EventRef> = links.collect();
        let mut spelled: FxHashMap<(String, String), &EventRef> = FxHashMap::default();
        for event in &read {
            let known = spelled.entry(key(event)).or_insert(event);
            *known = event.max(known);
        }
        // In its place, as the list is long and its rows are large.
        for entry in &mut self.entries {
            // As rules spell it.
            if let Some(event) = spelled.remove(&key(&entry.event)) {
                event.clone_into(&mut entry.event);
            }
        }
        self.entries.reserve_exact(spelled.len());
        self.entries.extend(spelled.into_values().map(|event| EventEntry::blank(event.clone())));
        self.entries.sort_by_cached_key(|entry| {
            let EventRef { provider, event_id } = &entry.event;
            let order = || (provider.to_lowercase(), event_id.parse::<u64>().unwrap_or(u64::MAX), event_id.clone());
            let is_read = read.contains(&entry.event);
            (!is_read, is_read.then(order))
        });
        self.read = self.entries.partition_point(|entry| read.contains(&entry.event));
        self.platforms = platforms(&self.entries, taxonomy);
    }

    /// Takes down which events ATT&CK names.
    fn name(&mut self, attack: &Attack, taxonomy: &Taxonomy) {
        for (technique, analytics) in &attack.analytics {
            for (analytic, log) in
                analytics.iter().flat_map(|analytic| analytic.log_sources.iter().map(move |log| (analytic, log)))
            {
                let events = taxonomy.attack_events(&log.name, &log.channel).into_iter();
                self.named_by_attack.extend(events.map(|event| NamedByAttack {
                    event,
                    technique: technique.clone(),
                    analytic: analytic.id.clone(),
                    component: log.component.clone(),
                    url: analytic.url.clone(),
                }));
            }
        }
    }
}

/// The platforms of every provider that has some: those that the taxonomy knows, else Windows where the dictionaries that
/// know its events are of Windows alone.
fn platforms(entries: &[EventEntry], taxonomy: &Taxonomy) -> BTreeMap<String, Vec<String>> {
    let mut of_windows: BTreeMap<&str, bool> = BTreeMap::new();
    for entry in entries {
        let is_of_windows = of_windows.entry(&entry.event.provider).or_default();
        // OSSEM numbers events of Windows, and names those of other systems.
        let is_number = entry.event.event_id.bytes().all(|byte| byte.is_ascii_digit());
        let says =
            |dictionary: Dictionary| dictionary.is_of_windows() || (dictionary == Dictionary::Ossem && is_number);
        *is_of_windows = *is_of_windows || entry.dictionaries().into_iter().any(says);
    }
    let of_provider = |(provider, is_of_windows): (&str, bool)| {
        let known = taxonomy.platforms_of_provider(provider);
        let mut platforms: Vec<String> = known.into_iter().map(str::to_owned).collect();
        if platforms.is_empty() && is_of_windows {
            platforms.push("windows".to_owned());
        }
        (!platforms.is_empty()).then(|| (provider.to_owned(), platforms))
    };
    of_windows.into_par_iter().filter_map(of_provider).collect()
}
