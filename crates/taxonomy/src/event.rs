//! Events: their titles, and which of them a rule reads.

use ruleatlas_core::RoledPredicate;
use ruleatlas_model::{
    Condition, DataSource, Dictionary, EventDescription, EventEntry, EventField, EventLink, EventRef, Op, Predicate,
    Role, SourceKind, Vendor,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    Fault, FieldUse, File, Reader, Taxonomy, joined,
    log_source::Selector,
    narrow::{Known, can_hold, compare},
    recognize::is_windows_channel,
};

/// An event that the taxonomy has a title for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownEvent {
    /// Provider and id.
    pub event: EventRef,
    /// The Windows channel, or the log, that it is written to; empty where it has none.
    pub channel: String,
    /// The title practitioners know it by.
    pub title: String,
    /// The fields, with `|` between them; empty where the table has none.
    fields: String,
}

impl KnownEvent {
    /// The names of its fields, in the order of the event.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.split('|').filter(|name| !name.is_empty())
    }

    /// The event as an entry of a dictionary.
    #[must_use]
    pub fn entry(&self) -> EventEntry {
        let by = Dictionary::Ruleatlas;
        let told = |text: &String| (!text.is_empty()).then(|| EventDescription { text: text.clone(), by });
        let field = |name: &str| EventField { name: name.to_owned(), kind: None, description: None, sample: None, by };
        EventEntry {
            title: told(&self.title),
            channel: told(&self.channel),
            fields: self.fields().map(field).collect(),
            ..EventEntry::blank(self.event.clone())
        }
    }
}

/// What the names of an event's own fields mean.
#[derive(Clone, Debug)]
pub struct EventNames<'a> {
    taxonomy: &'a Taxonomy,
    vendor: Vendor,
    /// The data sources of steps that read the event, in the order in which they are asked.
    sources: Vec<Vec<DataSource>>,
}

/// What the names of the fields of a provider's events mean.
#[derive(Clone, Debug)]
pub struct ProviderEventNames<'a> {
    taxonomy: &'a Taxonomy,
    is_defender: bool,
    /// The selectors that imply events of the provider.
    implying: Vec<&'a Selector>,
    /// The data sources of steps over the provider.
    own: Vec<Vec<DataSource>>,
    /// The selectors of a channel.
    channels: Vec<&'a Selector>,
}

impl<'a> ProviderEventNames<'a> {
    /// What the names of the fields of one of its events mean.
    #[must_use]
    pub fn of(&self, event: &EventRef, channel: &str) -> EventNames<'a> {
        let taxonomy = self.taxonomy;
        if self.is_defender {
            let table = vec![DataSource::new(SourceKind::Table, event.event_id.as_str())];
            return EventNames { taxonomy, vendor: Vendor::Kusto, sources: vec![table] };
        }
        let of_event = self.implying.iter().filter(|selector| selector.events.contains(event));
        let of_channel = self.channels.iter().filter(|selector| {
            !channel.is_empty() && selector.channel.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(channel))
        });
        let sources = of_event.filter_map(|selector| selector.sigma_sources()).chain(self.own.iter().cloned());
        let sources = sources.chain(of_channel.filter_map(|selector| selector.sigma_sources())).collect();
        EventNames { taxonomy, vendor: Vendor::Sigma, sources }
    }
}

impl<'a> EventNames<'a> {
    /// The canonical field that a name means, if the table knows it.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<FieldUse<'a>> {
        self.sources.iter().find_map(|sources| self.taxonomy.resolve(self.vendor, name, sources))
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    pub all: Vec<KnownEvent>,
    /// By the id in lower case.
    by_id: FxHashMap<String, Vec<u32>>,
    /// What a field holds in every event of a kind, by event and canonical field.
    values: FxHashMap<EventRef, Vec<(String, Vec<String>)>>,
    pub providers: ProviderNames,
}

/// What providers are called.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProviderNames {
    /// Providers as they are spelled here, by their names in lower case.
    spelled: FxHashMap<String, String>,
    /// Other names of providers in lower case.
    aliases: FxHashMap<String, String>,
}

impl Events {
    pub fn load(file: File<'_>, faults: &mut Vec<Fault>) -> Self {
        let mut loaded = Self::default();
        let mut reader = csv::ReaderBuilder::new().from_reader(file.text.as_bytes());
        let mut fault = |line: u64, message: String| {
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            faults.push(Fault { file: file.name.to_owned(), line, message });
        };
        match reader.headers() {
            Ok(header) if header.iter().eq(["provider", "event_id", "channel", "title", "fields"]) => {}
            _ => fault(1, "the first line must be provider,event_id,channel,title,fields".to_owned()),
        }
        for row in reader.records() {
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    fault(error.position().map_or(1, csv::Position::line), error.to_string());
                    continue;
                }
            };
            let line = row.position().map_or(1, csv::Position::line);
            let (Some(provider), Some(id), Some(channel), Some(title)) =
                (row.get(0), row.get(1), row.get(2), row.get(3))
            else {
                continue;
            };
            if provider.is_empty() || id.is_empty() || title.is_empty() {
                fault(line, "an event must have a provider, an id and a title".to_owned());
            }
            let spelled =
                loaded.providers.spelled.entry(provider.to_lowercase()).or_insert_with(|| provider.to_owned());
            if spelled != provider {
                fault(line, format!("`{provider}` is spelled `{spelled}` before"));
            }
            let event = EventRef { provider: provider.to_owned(), event_id: id.to_owned() };
            if loaded.get(&event).is_some() {
                fault(line, format!("{provider} {id} stands here a second time"));
            }
            let fields = row.get(4).unwrap_or_default().to_owned();
            let index = u32::try_from(loaded.all.len()).unwrap_or(u32::MAX);
            loaded.by_id.entry(id.to_lowercase()).or_default().push(index);
            loaded.all.push(KnownEvent { event, channel: channel.to_owned(), title: title.to_owned(), fields });
        }
        loaded
    }

    /// Reads `providers.csv`: what else providers are called. A name with hyphens for spaces needs no row.
    pub fn load_aliases(&mut self, file: File<'_>, faults: &mut Vec<Fault>) {
        let ProviderNames { spelled, aliases } = &mut self.providers;
        for provider in spelled.values().filter(|provider| provider.contains(' ')) {
            let hyphens = provider.to_lowercase().replace(' ', "-");
            for alias in [format!("microsoft-windows-{hyphens}"), hyphens] {
                aliases.entry(alias).or_insert_with(|| provider.clone());
            }
        }
        let mut reader = csv::ReaderBuilder::new().from_reader(file.text.as_bytes());
        for row in reader.records() {
            let line = row.as_ref().ok().and_then(|row| row.position()).map_or(1, csv::Position::line);
            let row = row.ok();
            match row.as_ref().map(|row| (row.get(0), row.get(1))) {
                Some((Some(alias), Some(provider))) if spelled.contains_key(&provider.to_lowercase()) => {
                    aliases.insert(alias.to_lowercase(), provider.to_owned());
                }
                _ => {
                    let line = u32::try_from(line).unwrap_or(u32::MAX);
                    let message = "a row must be another name and a provider of events.csv".to_owned();
                    faults.push(Fault { file: file.name.to_owned(), line, message });
                }
            }
        }
    }

    /// Reads `event_values.csv`: fields whose values tell events of one category apart.
    pub fn load_values(&mut self, file: File<'_>, faults: &mut Vec<Fault>) {
        let mut reader = csv::ReaderBuilder::new().from_reader(file.text.as_bytes());
        for row in reader.records() {
            let line = row.as_ref().ok().and_then(|row| row.position()).map_or(1, csv::Position::line);
            let event = row.as_ref().ok().and_then(|row| {
                let event = EventRef { provider: row.get(0)?.to_owned(), event_id: row.get(1)?.to_owned() };
                self.get(&event).map(|known| known.event.clone())
            });
            match (event, row.as_ref().map(|row| (row.get(2), row.get(3)))) {
                (Some(event), Ok((Some(field), Some(values)))) if !field.is_empty() && !values.is_empty() => {
                    let values = values.split('|').map(str::to_owned).collect();
                    self.values.entry(event).or_default().push((field.to_owned(), values));
                }
                _ => {
                    let message = "a row must be an event of events.csv, a field and its values".to_owned();
                    let line = u32::try_from(line).unwrap_or(u32::MAX);
                    faults.push(Fault { file: file.name.to_owned(), line, message });
                }
            }
        }
    }

    /// The values that a field can have in events of a kind, where they are known.
    pub fn values_of(&self, event: &EventRef, field: &str) -> Option<&[String]> {
        let of_event = self.values.get(event)?;
        of_event.iter().find(|(name, _)| name == field).map(|(_, values)| values.as_slice())
    }

    /// The fields of `event_values.csv`, each with the event.
    pub fn value_fields(&self) -> impl Iterator<Item = (&EventRef, &str)> {
        self.values.iter().flat_map(|(event, fields)| fields.iter().map(move |(name, _)| (event, name.as_str())))
    }

    fn of_id(&self, id: &str) -> impl Iterator<Item = &KnownEvent> {
        self.by_id.get(&id.to_lowercase()).into_iter().flatten().map(|index| &self.all[*index as usize])
    }

    pub fn get(&self, event: &EventRef) -> Option<&KnownEvent> {
        self.of_id(&event.event_id).find(|known| known.event.provider.eq_ignore_ascii_case(&event.provider))
    }
}

impl ProviderNames {
    /// A provider's short name: without `Microsoft-Windows-`, spelled as in the table, or what `providers.csv` calls it.
    pub fn short_name(&self, provider: &str) -> String {
        let lower = provider.to_lowercase();
        if let Some(known) = self.aliases.get(&lower) {
            return known.clone();
        }
        let short = lower.strip_prefix("microsoft-windows-").filter(|short| !short.is_empty());
        let known = short.and_then(|short| self.spelled.get(short)).or_else(|| self.spelled.get(&lower));
        known.cloned().unwrap_or_else(|| match short {
            // Lower case may change a text's length: cut only where the head is what was compared.
            Some(_) => provider.get("microsoft-windows-".len()..).unwrap_or(provider).to_owned(),
            None => provider.to_owned(),
        })
    }
}

/// How many ids that a step writes are taken for events.
const MAX_IDS: usize = 2_000;
/// How many providers, and channels, that a step writes are looked at.
const MAX_PROVIDERS: usize = 32;

/// What the indicators of a step write about events.
pub(crate) struct Written<'a> {
    /// Canonical field and value of everything that may be an event's id.
    ids: Vec<(&'a str, &'a RoledPredicate<'a>, &'a str)>,
    /// The same of what may be a part of an event's id.
    pub parts: Vec<(&'a str, &'a RoledPredicate<'a>, &'a str)>,
    providers: Vec<String>,
    channels: Vec<&'a str>,
}

impl Taxonomy {
    /// The events that a rule reads: those whose ids its indicators write or whose ids lie in the range or have the
    /// beginning that they write, and, for log sources whose ids no step writes, those that the log source implies and
    /// that can have the fields and values which the step demands.
    ///
    /// A written id belongs to the provider that the rule names beside it, else to the implied event of that id, else
    /// to the provider that `events.csv` knows for the log source's channel, else to the log source's own provider,
    /// and on Windows, when nobody knows, to a provider called like the channel.
    #[must_use]
    pub fn events(&self, vendor: Vendor, conditions: &[Condition]) -> Vec<EventLink> {
        self.reads(vendor, conditions).links
    }

    /// The events that one step reads, whose predicates are `in_step`.
    pub(crate) fn events_of(
        &self,
        vendor: Vendor,
        condition: &Condition,
        in_step: &[&RoledPredicate<'_>],
    ) -> Vec<EventLink> {
        let selected = self.log_sources.select(&condition.sources);
        let selectors: Vec<&Selector> = self.log_sources.selected(&selected).collect();
        let reader = self.reader(vendor, &condition.sources);
        let written = self.written(&reader, in_step, &selectors);
        let mut links = self.events_of_step(&reader, condition, &selectors, &written);
        let mut seen = FxHashSet::default();
        links.retain(|link| seen.insert(link.event.clone()));
        links
    }

    fn written<'a>(
        &'a self,
        reader: &Reader<'a>,
        placed: &[&'a RoledPredicate<'a>],
        selectors: &[&Selector],
    ) -> Written<'a> {
        let is_id =
            |field: &str| selectors.iter().any(|selector| selector.event_fields.iter().any(|known| known == field));
        let is_part = |field: &str| selectors.iter().any(|it| it.event_parts.iter().any(|known| known == field));
        let mut written = Written { ids: Vec::new(), parts: Vec::new(), providers: Vec::new(), channels: Vec::new() };
        let telling = placed.iter().filter(|placed| {
            placed.role == Role::Indicator
                && matches!(placed.counted_op, Op::Eq | Op::In)
                && placed.predicate.modifiers.is_empty()
        });
        for placed in telling {
            let Some(used) = reader.field_of(placed.predicate) else { continue };
            let values = placed.predicate.values.iter().map(String::as_str);
            match used.field.name.as_str() {
                "Provider_Name" => written.providers.extend(values.map(|name| self.events.providers.short_name(name))),
                "Channel" => written.channels.extend(values),
                name if is_id(name) => written.ids.extend(values.map(|value| (name, *placed, value))),
                name if is_part(name) => written.parts.extend(values.map(|value| (name, *placed, value))),
                _ => {}
            }
        }
        // Every id may belong to every provider and channel: lists that long choose no events.
        written.ids.truncate(MAX_IDS);
        written.parts.truncate(MAX_IDS);
        written.providers.truncate(MAX_PROVIDERS);
        written.channels.truncate(MAX_PROVIDERS);
        written
    }

    fn events_of_step(
        &self,
        reader: &Reader<'_>,
        condition: &Condition,
        selectors: &[&Selector],
        written: &Written<'_>,
    ) -> Vec<EventLink> {
        let mut explicit = Vec::new();
        for selector in selectors {
            let is_id = |field: &str| selector.event_fields.iter().any(|known| known == field);
            for (_, placed, id) in written.ids.iter().filter(|(field, ..)| is_id(field)) {
                let why = format!("{} {} {id}", placed.predicate.raw_field, placed.counted_op);
                explicit.extend(self.providers(selector, id, written).into_iter().map(|provider| {
                    let event = EventRef { provider, event_id: (*id).to_owned() };
                    // Ids that are words compare without case, as values do: auditd's `execve` is its `EXECVE`.
                    let event = self.events.get(&event).map_or(event, |known| known.event.clone());
                    EventLink { event, explicit: true, why: why.clone() }
                }));
            }
        }
        explicit.extend(selectors.iter().flat_map(|selector| joined::events(selector, written)));
        if !explicit.is_empty() {
            // Of the logs that a rule reads, those that are known to have the id.
            let known: Vec<bool> = explicit.iter().map(|link| self.events.get(&link.event).is_some()).collect();
            let ids: FxHashSet<String> = explicit
                .iter()
                .zip(&known)
                .filter(|(_, known)| **known)
                .map(|(link, _)| link.event.event_id.clone())
                .collect();
            let mut known = known.into_iter();
            explicit.retain(|link| known.next().unwrap_or_default() || !ids.contains(&link.event.event_id));
            return explicit;
        }
        let patterned = self.events_of_patterns(reader, condition, selectors);
        if !patterned.is_empty() {
            return patterned;
        }
        let implied = selectors.iter().flat_map(|selector| {
            let why = format!("log source {}", self.log_sources.all[selector.log_source].name);
            // A text beside a query may spell an id in its own way: auditd's `Cwd` is its `CWD`.
            let events = selector.events.iter().map(|event| self.events.get(event).map_or(event, |known| &known.event));
            events.map(move |event| EventLink { event: event.clone(), explicit: false, why: why.clone() })
        });
        let implied: Vec<EventLink> = implied.collect();
        // What the vendor says beside a search is taken as it says it.
        if reader.vendor.info().metadata_names_events || implied.len() < 2 {
            return implied;
        }
        let events: Vec<EventRef> = implied.iter().map(|link| link.event.clone()).collect();
        let possible = self.possible_events(reader, condition, selectors, &events);
        implied.into_iter().zip(possible).filter(|(_, possible)| *possible).map(|(link, _)| link).collect()
    }

    /// The events whose ids lie in a range, or have a beginning, that a step demands: of those that the table knows of
    /// the provider or channel, where the step decides between them.
    fn events_of_patterns(
        &self,
        reader: &Reader<'_>,
        condition: &Condition,
        selectors: &[&Selector],
    ) -> Vec<EventLink> {
        const MAX_EVENTS: usize = 64;
        let mut links: Vec<EventLink> = Vec::new();
        for selector in selectors {
            let is_id = |predicate: &&Predicate| {
                let used = reader.field_of(predicate);
                used.is_some_and(|used| selector.event_fields.contains(&used.field.name))
            };
            let on_ids: Vec<&Predicate> = condition.root.predicates().filter(is_id).collect();
            let has = |ops: &[Op]| on_ids.iter().any(|predicate| !predicate.negated && ops.contains(&predicate.op));
            let is_word = |predicate: &&&Predicate| {
                matches!(predicate.op, Op::StartsWith | Op::EndsWith | Op::Contains)
                    && predicate.values.iter().all(|value| value.len() > 2 && value.parse::<i64>().is_err())
            };
            let is_range = has(&[Op::Gt, Op::Gte]) && has(&[Op::Lt, Op::Lte]);
            if !is_range && !on_ids.iter().any(|predicate| is_word(&predicate)) {
                continue;
            }
            let of_log = |known: &&KnownEvent| {
                let channel = selector.channel.as_deref().unwrap_or_default();
                selector.providers.contains(&known.event.provider)
                    || (!channel.is_empty() && known.channel.eq_ignore_ascii_case(channel))
            };
            let candidates: Vec<&KnownEvent> = self.events.all.iter().filter(of_log).collect();
            let can_have = |id: &str| {
                can_hold(&condition.root, &|predicate| match is_id(&predicate) {
                    true => compare(predicate, id),
                    false => Known::Open,
                })
            };
            // The step must demand it: ids that no log has must not do.
            if can_have("-1") || can_have("999999999") {
                continue;
            }
            let possible: Vec<&&KnownEvent> =
                candidates.iter().filter(|known| can_have(&known.event.event_id)).collect();
            if possible.len() == candidates.len() || possible.len() > MAX_EVENTS {
                continue;
            }
            let why = on_ids
                .iter()
                .map(|predicate| {
                    format!("{} {} {}", predicate.raw_field, predicate.written_op(), predicate.values.join(" "))
                })
                .collect::<Vec<_>>()
                .join(", ");
            links.extend(possible.into_iter().map(|known| EventLink {
                event: known.event.clone(),
                explicit: true,
                why: why.clone(),
            }));
        }
        links
    }

    /// The providers that an id which a rule writes can belong to in this log source.
    fn providers(&self, selector: &Selector, id: &str, written: &Written<'_>) -> Vec<String> {
        let named = |provider: &str| {
            written.providers.is_empty() || written.providers.iter().any(|name| name.eq_ignore_ascii_case(provider))
        };
        let implied = selector.events.iter().filter(|event| event.event_id == id && named(&event.provider));
        let implied: Vec<String> = implied.map(|event| event.provider.clone()).collect();
        if !implied.is_empty() {
            return implied;
        }
        let mut channels: Vec<&str> = written.channels.clone();
        if channels.is_empty() {
            channels.extend(selector.channel.as_deref());
        }
        let is_windows = selector.platforms.iter().any(|platform| platform == "windows");
        let of_channel = self
            .events
            .of_id(id)
            .filter(|known| channels.iter().any(|channel| known.channel.eq_ignore_ascii_case(channel)));
        let of_channel: Vec<String> = of_channel.map(|known| known.event.provider.clone()).collect();
        if !written.providers.is_empty() {
            let known = self.events.of_id(id).map(|known| &known.event.provider).filter(|provider| named(provider));
            let mut known: Vec<String> = known.cloned().collect();
            known.dedup();
            return match known.is_empty() {
                // The provider was named for another alternative.
                true if !of_channel.is_empty() => of_channel,
                true if is_windows => written.providers.clone(),
                _ => known,
            };
        }
        match (of_channel.is_empty(), selector.providers.is_empty()) {
            (false, _) => of_channel,
            (true, false) => selector.providers.clone(),
            (true, true) if is_windows && channels.is_empty() => self.windows_provider_of(id).into_iter().collect(),
            (true, true) if is_windows => channels.first().map(|channel| (*channel).to_owned()).into_iter().collect(),
            (true, true) => Vec::new(),
        }
    }

    /// The provider of a Windows event of which only the id is said: the only one that has it, or that of the Security log.
    fn windows_provider_of(&self, id: &str) -> Option<String> {
        let of_windows = |known: &&KnownEvent| {
            is_windows_channel(&known.channel) && self.log_sources.may_be_windows(&known.event.provider)
        };
        let mut providers: Vec<&str> =
            self.events.of_id(id).filter(of_windows).map(|known| known.event.provider.as_str()).collect();
        providers.dedup();
        match providers.as_slice() {
            [only] => Some((*only).to_owned()),
            several => several.iter().find(|name| **name == "Security-Auditing").map(|name| (*name).to_owned()),
        }
    }

    /// What the names of an event's own fields mean: as Sigma's rules over that event, its provider or its channel name
    /// them, or as columns of its table.
    #[must_use]
    pub fn names_of_event(&self, event: &EventRef, channel: &str) -> EventNames<'_> {
        self.names_of_provider(&event.provider).of(event, channel)
    }

    /// What is needed to say so of many events of a provider.
    #[must_use]
    pub fn names_of_provider(&self, provider: &str) -> ProviderEventNames<'_> {
        let selectors = || self.log_sources.selectors().iter();
        let implies = |selector: &&Selector| selector.events.iter().any(|event| event.provider == provider);
        let is_own = |selector: &&Selector| selector.providers.iter().any(|known| known == provider);
        ProviderEventNames {
            taxonomy: self,
            is_defender: provider == "Defender",
            implying: selectors().filter(implies).collect(),
            own: selectors().filter(is_own).filter_map(Selector::sigma_sources).collect(),
            channels: selectors().filter(|selector| selector.channel.is_some()).collect(),
        }
    }

    /// The canonical field that a name of an event's own field means, if the table knows it; see
    /// [`Taxonomy::names_of_event`].
    #[must_use]
    pub fn field_of_event(&self, event: &EventRef, channel: &str, name: &str) -> Option<FieldUse<'_>> {
        self.names_of_event(event, channel).resolve(name)
    }

    /// Whether [`Taxonomy::field_of_event`] may know a field of some event of a provider that is written to a channel.
    #[must_use]
    pub fn knows_fields_of(&self, provider: &str, channel: &str) -> bool {
        let names_it = |selector: &Selector| {
            selector.providers.iter().any(|known| known == provider)
                || selector.events.iter().any(|event| event.provider == provider)
                || (!channel.is_empty()
                    && selector.channel.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(channel)))
        };
        provider == "Defender" || self.log_sources.selectors().iter().any(names_it)
    }

    /// The name by which a provider is known: that of the table, without `Microsoft-Windows-`; as given where the table
    /// does not know it.
    #[must_use]
    pub fn provider_name(&self, provider: &str) -> String {
        self.events.providers.short_name(provider.trim())
    }

    /// The events of the table as entries of a dictionary.
    #[must_use]
    pub fn event_entries(&self) -> Vec<EventEntry> {
        self.events.all.iter().map(KnownEvent::entry).collect()
    }

    /// An event of the table; provider and id compare without case.
    #[must_use]
    pub fn known_event(&self, event: &EventRef) -> Option<&KnownEvent> {
        self.events.get(event)
    }

    /// The events that the table knows to be written to a channel under an id.
    pub fn events_in_channel(&self, channel: &str, id: &str) -> impl Iterator<Item = &KnownEvent> {
        self.events.of_id(id).filter(move |known| known.channel.eq_ignore_ascii_case(channel))
    }

    /// The title of an event, where the table knows it.
    #[must_use]
    pub fn event_title(&self, event: &EventRef) -> Option<&str> {
        self.events.get(event).map(|known| known.title.as_str())
    }

    /// The events that the table knows, in its order.
    pub fn events_iter(&self) -> impl Iterator<Item = &KnownEvent> {
        self.events.all.iter()
    }
}
