//! What several dictionaries say of one event, as one.

use ruleatlas_model::{Dictionary, EventCategory, EventDescription, EventEntry, EventField, EventRef};
use rustc_hash::FxHashMap;

use super::{Row, hayabusa::OfChannel, messages::Message};

/// Whose title stays, the first that has one; see `docs/decisions/event-titles.md`. Dictionaries that neither list names come
/// after those that it names, in the order of the enumeration.
const TITLES: [Dictionary; 14] = [
    Dictionary::OwnTable,
    Dictionary::MicrosoftDocs,
    Dictionary::ManifestMessages,
    Dictionary::Plaso,
    Dictionary::Ruleatlas,
    Dictionary::Ossem,
    Dictionary::EvtxMaps,
    Dictionary::Hayabusa,
    Dictionary::LinuxAudit,
    Dictionary::MacosEsf,
    Dictionary::SysmonManifest,
    Dictionary::JscuNl,
    Dictionary::OtrfObserved,
    Dictionary::EvtxObserved,
];

/// Whose fields stay: those with types and descriptions before those that were only seen.
const FIELDS: [Dictionary; 14] = [
    Dictionary::OwnTable,
    Dictionary::MicrosoftDocs,
    Dictionary::SysmonManifest,
    Dictionary::Ossem,
    Dictionary::ManifestMessages,
    Dictionary::Plaso,
    Dictionary::MacosEsf,
    Dictionary::LinuxAudit,
    Dictionary::OtrfObserved,
    Dictionary::EvtxObserved,
    Dictionary::EvtxMaps,
    Dictionary::Hayabusa,
    Dictionary::JscuNl,
    Dictionary::Ruleatlas,
];

/// Categories of an event: operations of one name in many services.
const MAX_CATEGORIES: usize = 200;

fn rank(order: &[Dictionary], by: Dictionary) -> usize {
    order.iter().position(|other| *other == by).unwrap_or(order.len() + by as usize)
}

/// Events by provider and id, in the making.
pub(super) struct Merge<'a> {
    short_name: &'a (dyn Fn(&str) -> String + Sync),
    /// Providers by their names as written.
    providers: FxHashMap<String, usize>,
    /// Short names, and the places of a provider's events by their ids in lower case.
    known: Vec<(String, FxHashMap<String, usize>)>,
    /// Providers by their short names in lower case.
    by_short: FxHashMap<String, usize>,
    entries: Vec<EventEntry>,
}

impl<'a> Merge<'a> {
    pub(super) fn new(short_name: &'a (dyn Fn(&str) -> String + Sync)) -> Self {
        Self {
            short_name,
            providers: FxHashMap::default(),
            known: Vec::new(),
            by_short: FxHashMap::default(),
            entries: Vec::new(),
        }
    }

    /// The number of a provider; the first spelling of its short name stays.
    fn provider(&mut self, name: &str) -> usize {
        if let Some(number) = self.providers.get(name) {
            return *number;
        }
        let short = (self.short_name)(name);
        let number = *self.by_short.entry(short.to_lowercase()).or_insert_with(|| {
            self.known.push((short, FxHashMap::default()));
            self.known.len() - 1
        });
        self.providers.insert(name.to_owned(), number);
        number
    }

    /// The place of an event, made when nobody named it before.
    fn place(&mut self, event: &EventRef) -> usize {
        let number = self.provider(&event.provider);
        let (provider, events) = &mut self.known[number];
        *events.entry(event.event_id.to_lowercase()).or_insert_with(|| {
            let event = EventRef { provider: provider.clone(), event_id: event.event_id.clone() };
            self.entries.push(EventEntry::blank(event));
            self.entries.len() - 1
        })
    }

    pub(super) fn add(&mut self, rows: Vec<Row>) {
        self.entries.reserve(rows.len());
        for row in rows.into_iter().filter(|row| !row.event.provider.is_empty() && !row.event.event_id.is_empty()) {
            let at = self.place(&row.event);
            merge(&mut self.entries[at], row);
        }
    }

    /// Titles of an id in a channel belong to the provider that is known to write that id there, else to the one that the
    /// channel is named after.
    pub(super) fn add_of_channels(&mut self, titles: Vec<OfChannel>) {
        let mut by_channel: FxHashMap<(String, String), Vec<usize>> = FxHashMap::default();
        for (at, entry) in self.entries.iter().enumerate() {
            if let Some(channel) = &entry.channel {
                let key = (channel.text.to_lowercase(), entry.event.event_id.to_lowercase());
                by_channel.entry(key).or_default().push(at);
            }
        }
        for OfChannel { channel, event_id, title } in titles {
            let by = title.by;
            let key = (channel.to_lowercase(), event_id.to_lowercase());
            let known = by_channel.get(&key).cloned().unwrap_or_default();
            let places = match (known.is_empty(), channel.split_once('/')) {
                (false, _) => known,
                (true, Some((provider, _))) => {
                    vec![self.place(&EventRef { provider: provider.to_owned(), event_id })]
                }
                (true, None) if channel.eq_ignore_ascii_case("security") => {
                    let provider = "Microsoft-Windows-Security-Auditing".to_owned();
                    vec![self.place(&EventRef { provider, event_id })]
                }
                (true, None) => Vec::new(),
            };
            for at in places {
                let mut row = Row::blank(self.entries[at].event.clone());
                row.title = Some(title.clone());
                row.channel = Some(EventDescription { text: channel.clone(), by });
                merge(&mut self.entries[at], row);
            }
        }
    }

    /// Messages, their parameters named by the fields that the dictionaries know of the event.
    pub(super) fn add_messages(&mut self, messages: Vec<Message>) {
        // Of a provider with a manifest only the manifest's messages are events.
        let mut with_manifest: FxHashMap<String, bool> = FxHashMap::default();
        for message in messages.iter().filter(|message| message.of_manifest) {
            with_manifest.insert(message.event.provider.clone(), true);
        }
        for message in messages {
            if !message.of_manifest && with_manifest.contains_key(&message.event.provider) {
                continue;
            }
            let at = self.place(&message.event);
            let entry = &mut self.entries[at];
            let names: Vec<&str> = entry.fields.iter().map(|field| field.name.as_str()).collect();
            let mut row = Row::blank(entry.event.clone());
            let by = message.by;
            row.title = message.title(&names).map(|text| EventDescription { text, by });
            row.message = super::told(&message.named(&names), by);
            row.channel = super::told(&message.channel, by);
            merge(entry, row);
        }
    }

    /// How much to expect of the events that a subcategory of the audit policy turns on.
    pub(super) fn add_volumes(&mut self, volumes: &[(String, EventDescription)]) {
        let by_name: FxHashMap<&str, &EventDescription> =
            volumes.iter().map(|(name, volume)| (name.as_str(), volume)).collect();
        for entry in self.entries.iter_mut().filter(|entry| entry.volume.is_none()) {
            // `Audit Logon`, `Logon/Logoff > Audit Logon`, a group policy's path that ends with it.
            let names = entry.audit.iter().flat_map(|audit| audit.text.split([',', '>', '\\']));
            let mut names = names.map(|name| name.trim().to_lowercase());
            entry.volume = names.find_map(|name| by_name.get(name.as_str()).copied().cloned());
        }
    }

    /// The events, ordered by provider and id, numbers by their size.
    pub(super) fn finish(self) -> Vec<EventEntry> {
        let mut entries = self.entries;
        for entry in &mut entries {
            // What an operation does in the first of several services is not what the event means.
            let described = entry.categories.iter().filter(|category| category.description.is_some()).count();
            let is_of_one = |told: &EventDescription| entry.categories.iter().any(|category| category.by == told.by);
            if described > 1 && entry.description.as_ref().is_some_and(is_of_one) {
                entry.description = None;
            }
            // The description of the only category is the event's.
            if let [only] = entry.categories.as_mut_slice()
                && entry.description.as_ref().map(|told| &told.text) == only.description.as_ref()
            {
                only.description = None;
            }
            entry.audit.sort_by_key(|audit| rank(&FIELDS, audit.by));
            entry.versions.sort_by_key(|version| {
                (version.parse::<f64>().map_or(u64::MAX, |number| (number * 100.0) as u64), version.clone())
            });
        }
        entries.sort_by_cached_key(|entry| {
            let EventRef { provider, event_id } = &entry.event;
            (provider.to_lowercase(), event_id.parse::<u64>().unwrap_or(u64::MAX), event_id.clone(), provider.clone())
        });
        entries
    }
}

/// Adds what one dictionary says to what others said.
fn merge(entry: &mut EventEntry, row: Row) {
    better(&mut entry.title, row.title, &TITLES);
    for (kept, new) in [
        (&mut entry.channel, row.channel),
        (&mut entry.description, row.description),
        (&mut entry.message, row.message),
        (&mut entry.level, row.level),
        (&mut entry.task, row.task),
        (&mut entry.opcode, row.opcode),
        (&mut entry.volume, row.volume),
        (&mut entry.example, row.example),
    ] {
        better(kept, new, &FIELDS);
    }
    for (kept, new) in [(&mut entry.keywords, row.keywords), (&mut entry.audit, row.audit)] {
        for told in new {
            if !kept.iter().any(|other| other.text == told.text) {
                kept.push(told);
            }
        }
    }
    merge_categories(&mut entry.categories, row.categories);
    if let Some(sample) = row.sample {
        // Of several what was recorded stays, of one kind the first.
        if entry.sample.as_ref().is_none_or(|kept| sample.kind < kept.kind) {
            entry.sample = Some(sample);
        }
    }
    let is_newer = newest(&row.versions) >= newest(&entry.versions);
    for version in row.versions {
        if !entry.versions.contains(&version) {
            entry.versions.push(version);
        }
    }
    merge_fields(&mut entry.fields, row.fields, is_newer);
}

/// Categories of one name are one; the first description stays.
fn merge_categories(kept: &mut Vec<EventCategory>, new: Vec<EventCategory>) {
    for category in new {
        if let Some(known) = kept.iter_mut().find(|known| known.name.eq_ignore_ascii_case(&category.name)) {
            known.description = known.description.take().or(category.description);
        } else if kept.len() < MAX_CATEGORIES {
            kept.push(category);
        }
    }
}

fn newest(versions: &[String]) -> Option<u64> {
    versions.iter().filter_map(|version| version.parse().ok()).max()
}

fn better(kept: &mut Option<EventDescription>, new: Option<EventDescription>, order: &[Dictionary]) {
    let Some(new) = new else { return };
    let is_better = match kept {
        None => true,
        Some(old) => rank(order, new.by) < rank(order, old.by),
    };
    if is_better {
        *kept = Some(new);
    }
}

/// The order of the better list, of one dictionary the newer version's; what the other knows besides follows or fills gaps.
fn merge_fields(kept: &mut Vec<EventField>, new: Vec<EventField>, is_newer: bool) {
    if new.is_empty() {
        return;
    }
    let by = |fields: &[EventField]| fields.first().map_or(usize::MAX, |field| rank(&FIELDS, field.by));
    let (old_rank, new_rank) = (by(kept), by(&new));
    let is_first = kept.is_empty() || new_rank < old_rank || (new_rank == old_rank && is_newer);
    let (mut first, second) = if is_first { (new, std::mem::take(kept)) } else { (std::mem::take(kept), new) };
    let mut places: FxHashMap<String, usize> = FxHashMap::default();
    for (at, field) in first.iter().enumerate() {
        places.entry(field.name.to_lowercase()).or_insert(at);
    }
    for field in second {
        match places.get(&field.name.to_lowercase()) {
            Some(at) => {
                let known = &mut first[*at];
                known.kind = known.kind.take().or(field.kind);
                known.description = known.description.take().or(field.description);
                known.sample = known.sample.take().or(field.sample);
            }
            None => {
                places.insert(field.name.to_lowercase(), first.len());
                first.push(field);
            }
        }
    }
    *kept = first;
}
