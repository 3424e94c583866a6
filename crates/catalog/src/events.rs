//! The event catalog: what the dictionaries say of every event, and what rules need of them.

use std::collections::BTreeSet;

use rayon::prelude::*;
use ruleatlas_model::{Attack, Diagnostic, EventEntry, EventRef};
use ruleatlas_sources::events;
use ruleatlas_taxonomy::Taxonomy;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{Entry, Loaded};

/// Every event that a dictionary knows or a rule reads.
#[derive(Clone, Debug, Default)]
pub struct EventCatalog {
    /// The events, those that a rule reads first, each part ordered by provider and id.
    pub entries: Vec<EventEntry>,
    /// How many of them a rule reads.
    pub read: usize,
    /// Events that ATT&CK's analytics of a technique name, with the technique's id.
    pub named_by_attack: BTreeSet<(EventRef, String)>,
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
    }

    /// Takes down which events ATT&CK names.
    fn name(&mut self, attack: &Attack, taxonomy: &Taxonomy) {
        for (technique, analytics) in &attack.analytics {
            for log in analytics.iter().flat_map(|analytic| &analytic.log_sources) {
                let events = taxonomy.attack_events(&log.name, &log.channel).into_iter();
                self.named_by_attack.extend(events.map(|event| (event, technique.clone())));
            }
        }
    }
}
