//! Kinds of events: what is the same for all records of one event of one product in one shape.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use ruleatlas_model::{DataSource, EventRef, SourceKind, Vendor};
use ruleatlas_taxonomy::{Part, Taxonomy};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use crate::{
    Event,
    knowledge::{FieldNumber, Identify, Knowledge},
    path::text,
};

/// Kinds, and names of a kind, that are kept; records of further ones are looked at anew each time.
const MAX_KEPT: usize = 10_000;

/// The vocabulary of what this crate writes: names of canonical fields.
pub(crate) const CANONICAL: &str = "canonical";

/// The provider of Defender's tables, as the taxonomy calls it.
const DEFENDER: &str = "Defender";

/// Behind the name of a canonical field whose value is the last part of a path only.
pub(crate) const NAME_ONLY: &str = ".name";

/// Categories of one record that are looked at.
const MAX_CATEGORIES: usize = 8;

/// A canonical field that a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Meaning {
    /// The field's number.
    pub field: FieldNumber,
    /// Whether the name holds only the last part of the path.
    pub name_only: bool,
}

/// What is the same for all records of one event of one product in one shape.
#[derive(Debug)]
pub struct EventKind {
    /// The shape; `None` where none fits.
    pub shape: Option<String>,
    /// The provider, as the taxonomy calls it; empty where none is said.
    pub provider: String,
    /// The event's id or name; empty where none is said.
    pub event_id: String,
    /// The channel; empty where none is said.
    pub channel: String,
    /// The events of the taxonomy that it is.
    pub events: Vec<EventRef>,
    /// These, and other products' events that record the same activity.
    pub same_activity: Vec<EventRef>,
    /// Log sources that imply one of these, by name.
    pub log_sources: Vec<String>,
    /// Log sources of the provider or channel, by name.
    pub broad: Vec<String>,
    /// The platforms that it may be from; none where nothing says.
    pub platforms: Vec<String>,
    /// Its categories in the words of ECS, in lower case; none where nothing says.
    pub categories: Vec<String>,
    /// What it says in other words, by field.
    pub(crate) facts: Vec<(FieldNumber, Value)>,
    /// What a record can have: `None` where the event's fields are not all known.
    carried: Option<CarriedFields>,
    vocabulary: String,
    /// The data sources by which its names are resolved.
    named: Vec<Vec<DataSource>>,
    names: RwLock<FxHashMap<Box<str>, Arc<[Meaning]>>>,
}

#[derive(Debug, Default)]
struct CarriedFields {
    fields: FxHashSet<FieldNumber>,
    /// Names in lower case.
    names: FxHashSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    shape: Option<String>,
    provider: Option<String>,
    event_id: Option<String>,
    channel: Option<String>,
    extra: Vec<String>,
    /// The categories that the record itself says.
    categories: Vec<String>,
}

/// The kinds of events that were met.
#[derive(Debug)]
pub struct Kinds {
    taxonomy: &'static Taxonomy,
    known: &'static Knowledge,
    kept: RwLock<FxHashMap<Key, Arc<EventKind>>>,
}

impl Default for Kinds {
    fn default() -> Self {
        Self { taxonomy: Taxonomy::builtin(), known: Knowledge::builtin(), kept: RwLock::default() }
    }
}

impl Kinds {
    /// The kind of an event.
    #[must_use]
    pub fn of(&self, event: &Event) -> Arc<EventKind> {
        let key = self.key(event);
        if let Some(kind) = self.kept.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(kind);
        }
        let kind = Arc::new(self.make(event, &key));
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MAX_KEPT {
            return Arc::clone(kept.entry(key).or_insert(kind));
        }
        kind
    }

    /// Forgets the kinds that were met.
    pub fn clear(&self) {
        self.kept.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What of an event decides its kind.
    fn key(&self, event: &Event) -> Key {
        let (mut extra, mut categories) = (Vec::new(), Vec::new());
        // Canonical fields have the names of ECS wherever no product's are better known.
        let has_ecs_names = matches!(event.vocabulary.as_deref(), Some("ecs" | CANONICAL));
        if has_ecs_names {
            let found = |path: &str| field_text(event, path);
            let said = event.platform.clone().or_else(|| found("host.os.type")).or_else(|| found("host.os.family"));
            extra.push(said.unwrap_or_default());
            for row in &self.known.identify {
                let rest = found(&row.field).and_then(|value| value.strip_prefix(&row.prefix).map(str::to_owned));
                extra.push(
                    rest.map(|rest| identified(row, &rest, &found(&row.action_field).unwrap_or_default()))
                        .unwrap_or_default(),
                );
            }
        }
        for row in self.known.path_platforms.iter().filter(|row| event.vocabulary.as_ref() == Some(&row.vocabulary)) {
            let is_windows =
                row.fields.iter().filter_map(|field| field_text(event, field)).any(|path| is_of_windows(&path));
            extra.push(if is_windows { "windows".to_owned() } else { String::new() });
        }
        if has_ecs_names && let Some(said) = crate::path::get_all_in_fields(&event.fields, "event.category") {
            categories = said
                .into_iter()
                .filter_map(|value| value.as_str().map(str::to_lowercase))
                .take(MAX_CATEGORIES)
                .collect();
        }
        Key {
            categories,
            shape: event.shape.clone(),
            provider: event.provider.clone(),
            event_id: event.event_id.clone(),
            channel: event.channel.clone(),
            extra,
        }
    }

    fn make(&self, event: &Event, key: &Key) -> EventKind {
        let provider = event.provider.as_deref().map(|name| self.taxonomy.provider_name(name)).unwrap_or_default();
        let event_id = event.event_id.clone().unwrap_or_default();
        let channel = event.channel.clone().unwrap_or_default();
        let mut events = Vec::new();
        let add = |events: &mut Vec<EventRef>, event: EventRef| {
            let event = self.taxonomy.known_event(&event).map_or(event, |known| known.event.clone());
            if !events.contains(&event) {
                events.push(event);
            }
        };
        for (row, id) in self.known.identify.iter().zip(key.extra.iter().skip(1)).filter(|(_, id)| !id.is_empty()) {
            add(&mut events, EventRef { provider: row.provider.clone(), event_id: id.clone() });
        }
        if !provider.is_empty() && !event_id.is_empty() {
            add(&mut events, EventRef { provider: provider.clone(), event_id: event_id.clone() });
        } else if !channel.is_empty() && !event_id.is_empty() {
            // An id and its channel say as much where only one provider writes it there.
            let known: Vec<_> = self.taxonomy.events_in_channel(&channel, &event_id).take(2).collect();
            if let [only] = known.as_slice() {
                add(&mut events, only.event.clone());
            }
        }
        for table in self.known.tables.iter().filter(|table| table.event.provider == provider) {
            if table.actions.iter().any(|action| action.eq_ignore_ascii_case(&event_id))
                || is_table(&channel, &table.event.event_id)
            {
                add(&mut events, table.event.clone());
            }
        }
        let provider = match events.first() {
            Some(first) if provider.is_empty() || !key.extra.iter().skip(1).all(String::is_empty) => {
                first.provider.clone()
            }
            _ => provider,
        };
        let mut same_activity = events.clone();
        let mut facts: Vec<(FieldNumber, String)> = Vec::new();
        for activity in events.iter().filter_map(|event| self.known.by_event.get(event)).flatten() {
            let Some(activity) = self.known.activities.get(*activity) else { continue };
            facts.extend(activity.facts.iter().cloned());
            for event in &activity.events {
                add(&mut same_activity, event.clone());
            }
        }
        let mut kind = EventKind {
            shape: event.shape.clone(),
            provider,
            event_id,
            channel,
            events,
            same_activity,
            log_sources: Vec::new(),
            broad: Vec::new(),
            platforms: Vec::new(),
            categories: Vec::new(),
            facts: Vec::new(),
            carried: None,
            vocabulary: event.vocabulary.clone().unwrap_or_default(),
            named: Vec::new(),
            names: RwLock::default(),
        };
        self.add_sources(&mut kind, key.extra.first().map(String::as_str));
        for platform in &kind.platforms {
            if let ([only], Some(of_platform)) = (kind.platforms.as_slice(), self.known.platforms.get(platform)) {
                debug_assert_eq!(only, platform);
                facts.extend(of_platform.iter().cloned());
            }
        }
        let header = self.known.header;
        let own = [(header.event_id, &kind.event_id), (header.channel, &kind.channel)];
        facts.extend(
            own.into_iter().filter(|(_, value)| !value.is_empty()).map(|(field, value)| (field, value.clone())),
        );
        facts.extend(event.provider.iter().map(|name| (header.provider, name.clone())));
        for other in &kind.same_activity {
            // A rule that was written for another log of the same activity names that log's ids.
            facts.push((header.event_id, other.event_id.clone()));
            facts.push((header.provider, other.provider.clone()));
            if let Some(known) = self.taxonomy.known_event(other) {
                if kind.platforms.iter().any(|name| name == "windows") {
                    facts.push((header.provider, format!("Microsoft-Windows-{}", other.provider.replace(' ', "-"))));
                }
                if !known.channel.is_empty() {
                    facts.push((header.channel, known.channel.clone()));
                }
            }
        }
        let category = self.known.category;
        kind.categories = facts.iter().filter(|fact| fact.0 == category).map(|fact| fact.1.to_lowercase()).collect();
        kind.categories.extend(key.categories.iter().cloned());
        let mut seen = FxHashSet::default();
        facts.retain(|fact| seen.insert((fact.0, fact.1.to_lowercase())));
        kind.facts = facts.into_iter().map(|(field, value)| (field, Value::String(value))).collect();
        kind.carried = self.carried(&kind);
        kind
    }

    fn add_sources(&self, kind: &mut EventKind, os: Option<&str>) {
        fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
            if !list.contains(&item) {
                list.push(item);
            }
        }
        let mut platforms: Vec<String> = Vec::new();
        for event in &kind.same_activity {
            let is_own = kind.events.contains(event);
            let channel = if is_own { kind.channel.as_str() } else { "" };
            let sources = self.taxonomy.sources_of_event(event, channel);
            for name in sources.log_sources {
                add(&mut kind.log_sources, name.to_owned());
            }
            if !is_own {
                continue;
            }
            for name in sources.broad {
                add(&mut kind.broad, name.to_owned());
            }
            for name in sources.platforms {
                add(&mut platforms, name.to_owned());
            }
            for named in sources.named {
                add(&mut kind.named, named);
            }
        }
        // Records without an id, such as messages, are of what reads their channel or provider.
        if kind.events.is_empty() && !(kind.channel.is_empty() && kind.provider.is_empty()) {
            let event = EventRef { provider: kind.provider.clone(), event_id: kind.event_id.clone() };
            let sources = self.taxonomy.sources_of_event(&event, &kind.channel);
            kind.broad = sources.broad.into_iter().map(str::to_owned).collect();
            platforms = sources.platforms.into_iter().map(str::to_owned).collect();
            kind.named = sources.named;
        }
        // What the record or its shape says of the platform is more than what its log sources may watch.
        let said = os.filter(|os| !os.is_empty()).map(str::to_lowercase);
        let said = said.filter(|os| self.taxonomy.platforms().iter().any(|platform| platform.name == *os));
        let of_shape = kind.shape.as_ref().and_then(|shape| self.known.shape_platforms.get(shape)).cloned();
        kind.platforms = match (said, platforms.len(), of_shape) {
            (Some(os), ..) => vec![os],
            (None, 1, _) => platforms,
            (None, _, Some(platform)) => vec![platform],
            (None, _, None) => platforms,
        };
        if let [platform] = kind.platforms.as_slice() {
            // The platform's own names, where nothing narrower is known.
            add(&mut kind.named, vec![DataSource::new(SourceKind::Product, platform.as_str())]);
        }
    }

    /// The fields and names of an event of which all are known.
    fn carried(&self, kind: &EventKind) -> Option<CarriedFields> {
        let is_windows = |channel: &str| channel == kind.channel || channel.eq_ignore_ascii_case(&kind.channel);
        let known: Vec<_> = kind
            .events
            .iter()
            .filter_map(|event| self.taxonomy.known_event(event))
            .filter(|known| known.fields().next().is_some())
            .filter(|known| {
                let is_table = self.known.tables.iter().any(|table| table.event == known.event);
                is_table || (!known.channel.is_empty() && kind.platforms == ["windows"] && is_windows(&known.channel))
            })
            .collect();
        if known.is_empty() {
            return None;
        }
        let mut carried = CarriedFields::default();
        for name in known.iter().flat_map(|known| known.fields()) {
            carried.names.insert(name.to_lowercase());
            // Names as the event's own log has them, whatever the shape calls them.
            let vocabulary = match kind.vocabulary.as_str() {
                CANONICAL if kind.provider == DEFENDER => "defender",
                CANONICAL => "windows",
                own => own,
            };
            let mut meanings = self.look_up(kind, vocabulary, name);
            if meanings.is_empty() {
                meanings = self.look_up_sigma(kind, name);
            }
            carried.fields.extend(meanings.iter().map(|meaning| meaning.field));
        }
        carried.fields.extend(kind.facts.iter().map(|(field, _)| *field));
        let header = self.known.header;
        carried.fields.extend([header.event_id, header.provider, header.channel]);
        carried.fields.extend(&self.known.host);
        carried.names.extend(
            ["eventid", "channel", "provider_name", "computer", "level", "task", "opcode", "keywords"]
                .map(str::to_owned),
        );
        self.known.add_derived(&mut carried.fields);
        Some(carried)
    }

    fn look_up(&self, kind: &EventKind, vocabulary: &str, name: &str) -> Vec<Meaning> {
        if vocabulary == CANONICAL {
            return self.look_up_canonical(name);
        }
        let lower = name.to_lowercase();
        let mut meanings: Vec<Meaning> = Vec::new();
        let is_alias = |alias: &&crate::knowledge::EventAlias| {
            alias.name == lower
                && alias.vocabulary.as_deref().is_none_or(|only| only == vocabulary)
                && (alias.events.is_empty() || alias.events.iter().any(|event| kind.events.contains(event)))
        };
        for alias in self.known.aliases.iter().filter(is_alias) {
            let is_first = !meanings.iter().any(|meaning| meaning.field == alias.field);
            if is_first {
                meanings.push(Meaning { field: alias.field, name_only: alias.name_only });
            }
            if !alias.also {
                return meanings;
            }
        }
        let found = match vocabulary {
            "ecs" => self.look_up_ecs(kind, name),
            "falcon" => self.look_up_falcon(kind, name),
            "mdm" => self.resolve(Vendor::Sublime, name, &[]).into_iter().collect(),
            "defender" => self.look_up_kusto(kind.events.iter().map(|event| event.event_id.as_str()), name),
            "sentinel" => {
                let table = if kind.provider == "Security-Auditing" { "SecurityEvent" } else { "WindowsEvent" };
                let mut found = self.look_up_sigma(kind, name);
                found.extend(self.look_up_kusto([table].into_iter(), name));
                found
            }
            _ => self.look_up_sigma(kind, name),
        };
        for meaning in found {
            if !meanings.contains(&meaning) {
                meanings.push(meaning);
            }
        }
        meanings
    }

    /// The canonical field of this very name.
    pub(crate) fn look_up_canonical(&self, name: &str) -> Vec<Meaning> {
        let of = |name: &str, name_only| {
            // Names that mean none stand next to them: in another case it is another name.
            let field = self.taxonomy.canonical_field(name).filter(|field| field.name == name)?;
            Some(Meaning { field: field.index, name_only })
        };
        let path = || of(name.strip_suffix(NAME_ONLY)?, true).filter(|path| self.known.paths.contains(&path.field));
        of(name, false).or_else(path).into_iter().collect()
    }

    /// Every meaning that a name has for the rules over the event, its provider or its channel.
    fn look_up_sigma(&self, kind: &EventKind, name: &str) -> Vec<Meaning> {
        let mut found = Vec::new();
        let joined: String = name.chars().filter(|character| !character.is_whitespace()).collect();
        for name in [name, joined.as_str()] {
            for sources in &kind.named {
                found.extend(self.resolve(Vendor::Sigma, name, sources));
            }
            if !found.is_empty() || joined == name {
                break;
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Falcon's names mean what its rules take them for where they read events of that name.
    fn look_up_falcon(&self, kind: &EventKind, name: &str) -> Vec<Meaning> {
        let events = kind.events.iter();
        let sources: Vec<DataSource> =
            events.map(|event| DataSource::new(SourceKind::EventType, &*event.event_id)).collect();
        self.resolve(Vendor::Logscale, name, &sources).into_iter().collect()
    }

    fn look_up_ecs(&self, kind: &EventKind, name: &str) -> Vec<Meaning> {
        let mut found: Vec<Meaning> =
            kind.named.iter().filter_map(|sources| self.resolve(Vendor::Elastic, name, sources)).collect();
        if found.is_empty() {
            found.extend(self.resolve(Vendor::Elastic, name, &[]));
        }
        if !name.contains('.') {
            found.extend(self.look_up_sigma(kind, name));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn look_up_kusto<'n>(&self, tables: impl Iterator<Item = &'n str>, name: &str) -> Vec<Meaning> {
        let sources: Vec<DataSource> = tables.map(|table| DataSource::new(SourceKind::Table, table)).collect();
        self.resolve(Vendor::Kusto, name, &sources).into_iter().collect()
    }

    fn resolve(&self, vendor: Vendor, name: &str, sources: &[DataSource]) -> Option<Meaning> {
        let used = self.taxonomy.resolve(vendor, name, sources)?;
        Some(Meaning { field: used.field.index, name_only: used.part == Part::Name })
    }

    /// What a name means in records of a kind.
    pub(crate) fn meanings(&self, kind: &EventKind, name: &str) -> Arc<[Meaning]> {
        if let Some(found) = kind.known_names().get(name) {
            return Arc::clone(found);
        }
        let found: Arc<[Meaning]> = self.look_up(kind, &kind.vocabulary, name).into();
        let mut names = kind.names.write().unwrap_or_else(PoisonError::into_inner);
        if names.len() < MAX_KEPT {
            names.insert(name.into(), Arc::clone(&found));
        }
        found
    }

    pub(crate) fn knowledge(&self) -> &'static Knowledge {
        self.known
    }

    /// The name of a canonical field.
    pub(crate) fn field_name(&self, field: FieldNumber) -> String {
        self.taxonomy.field_at(field).map(|field| field.name.clone()).unwrap_or_default()
    }
}

impl EventKind {
    /// The names that were looked up before.
    pub(crate) fn known_names(&self) -> RwLockReadGuard<'_, FxHashMap<Box<str>, Arc<[Meaning]>>> {
        self.names.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether records of this kind can have a field.
    #[must_use]
    pub fn carries(&self, field: FieldNumber) -> bool {
        self.carried.as_ref().is_none_or(|carried| carried.fields.contains(&field))
    }

    /// Whether records of this kind can have a field of this name, which is in lower case.
    #[must_use]
    pub fn carries_name(&self, lower: &str) -> bool {
        self.carried.as_ref().is_none_or(|carried| carried.names.contains(lower))
    }
}

fn field_text(event: &Event, path: &str) -> Option<String> {
    crate::path::get_in_fields(&event.fields, path).and_then(text)
}

/// Whether a path is one of Windows: behind a drive letter or a server's name, or in the registry.
fn is_of_windows(path: &str) -> bool {
    let bytes = path.as_bytes();
    matches!(bytes, [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic())
        || path.starts_with("\\\\")
        || path.starts_with("HKEY_")
}

fn identified(row: &Identify, rest: &str, action: &str) -> String {
    let action = row.same.get(action).map_or(action, String::as_str);
    row.event_id.replace("{rest}", rest).replace("{action}", action)
}

/// Whether a channel is a table, with or without what exports put before its name.
fn is_table(channel: &str, table: &str) -> bool {
    channel.rsplit_once('-').map_or(channel, |(_, name)| name).eq_ignore_ascii_case(table)
}

impl Knowledge {
    /// Adds the fields that are made from those that are there.
    fn add_derived(&self, fields: &mut FxHashSet<FieldNumber>) {
        for pairs in &self.pairs {
            if fields.contains(&pairs.field) || pairs.parts.iter().any(|(_, part)| fields.contains(part)) {
                fields.insert(pairs.field);
                fields.extend(pairs.parts.iter().map(|(_, part)| *part));
            }
        }
        for joined in &self.joined {
            if joined.parts.iter().all(|(part, _)| fields.contains(part)) {
                fields.insert(joined.field);
            }
        }
        for row in &self.arguments {
            if fields.contains(&row.from) {
                fields.extend([row.field, row.count]);
            }
        }
        for (account, domain) in &self.accounts {
            if fields.contains(account) {
                fields.extend(*domain);
            }
        }
        for (field, from) in self.parents.iter().chain(&self.extensions) {
            if fields.contains(from) {
                fields.insert(*field);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_table;

    #[test]
    fn a_table_is_known_behind_the_name_of_an_export() {
        assert!(is_table("AdvancedHunting-DeviceProcessEvents", "DeviceProcessEvents"));
        assert!(is_table("deviceprocessevents", "DeviceProcessEvents"));
        assert!(!is_table("DeviceFileEvents", "DeviceProcessEvents"));
    }
}
