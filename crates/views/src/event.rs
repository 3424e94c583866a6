use std::cmp::Reverse;

use ruleatlas_catalog::{Facet, FieldRow, Filters, Guide, Scope};
use ruleatlas_model::{Dictionary, EventCategory, EventDescription, EventEntry, EventField, EventRef};
use ruleatlas_store::{EventHead, ProviderFieldRow};
use ruleatlas_taxonomy::{
    EventNames,
    enable::{Enabling, Placement, enabling},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    AnalyticItem, Atlas, EnableView, Error, RelatedEvent, RuleItem, SampleView, TechniqueCount, event_detail, nearest,
};

/// An event with the authoring guide over the rules that read it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventView {
    /// The provider's short name.
    pub provider: String,
    /// The id.
    pub event_id: String,
    /// The title; where no dictionary knows the event `Event ID N`, or the id where it is a name itself.
    pub title: String,
    /// Whose title it is.
    pub title_by: Option<Dictionary>,
    /// Whether a dictionary knows the event.
    pub is_known: bool,
    /// What the dictionaries say besides.
    pub facts: EventFacts,
    /// Its fields, in the order of the event, and how many rules that read it filter on each.
    pub event_fields: Vec<EventFieldRow>,
    /// Rules that write the event's id themselves.
    pub explicit: u64,
    /// Rules whose log source implies it.
    pub implied: u64,
    /// Techniques that its rules are tagged with, those with the most rules first.
    pub techniques: Vec<TechniqueCount>,
    /// Techniques whose detection reads it by ATT&CK's own analytics, in order: id and name.
    pub attack_techniques: Vec<(String, String)>,
    /// The dictionaries that say something of it, with their licences.
    pub dictionaries: Vec<Credit>,
    /// An event of this kind as it is written.
    pub sample: Option<SampleView>,
    /// What turns it on, as lines to paste.
    pub enable: Vec<EnableView>,
    /// The data components of ATT&CK that it shows.
    pub data_components: Vec<String>,
    /// The analytics of ATT&CK that name it.
    pub analytics: Vec<AnalyticItem>,
    /// Events that show the same data components, those that most rules read first.
    pub related: Vec<RelatedEvent>,
    /// The counts.
    #[serde(flatten)]
    pub guide: Guide,
    /// The rules, by vendor.
    pub rule_list: Vec<RuleItem>,
}

/// What dictionaries say of an event, each fact with its dictionary. What none says is absent.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct EventFacts {
    /// The channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<EventDescription>,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<EventDescription>,
    /// The message's template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<EventDescription>,
    /// The level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<EventDescription>,
    /// The task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<EventDescription>,
    /// The opcode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opcode: Option<EventDescription>,
    /// The keywords.
    pub keywords: Vec<EventDescription>,
    /// The versions.
    pub versions: Vec<String>,
    /// The audit policy or setting that turns it on.
    pub audit: Vec<EventDescription>,
    /// How much of it is to be expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<EventDescription>,
    /// An event as an example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<EventDescription>,
    /// The services or categories that it belongs to, each with what it means there.
    pub categories: Vec<EventCategory>,
}

/// A field of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventFieldRow {
    /// What the dictionaries say of it.
    #[serde(flatten)]
    pub field: EventField,
    /// The canonical field that it is; `None` where the table of fields does not know it.
    pub canonical: Option<String>,
    /// Rules that read the event and filter on it; 0 where none ever does.
    pub rules: u64,
}

/// A dictionary that is quoted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Credit {
    /// Its name in data.
    pub dictionary: Dictionary,
    /// Its name.
    pub title: &'static str,
    /// The licence of its texts.
    pub license: &'static str,
}

impl Credit {
    pub(crate) fn of(dictionary: Dictionary) -> Self {
        Self { dictionary, title: dictionary.title(), license: dictionary.license() }
    }
}

/// An event in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventItem {
    /// The provider's short name.
    pub provider: String,
    /// The id.
    pub event_id: String,
    /// The title.
    pub title: String,
    /// The channel; empty where none is known.
    pub channel: String,
    /// Rules that read it.
    pub rules: u64,
    /// Techniques, sub-techniques counted with theirs, that those rules are tagged with.
    pub techniques: u64,
}

/// Which events to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventsQuestion {
    /// Only this provider's.
    pub provider: Option<String>,
    /// Only those whose provider, id, channel or title has this text.
    pub text: Option<String>,
    /// Those too that no rule reads.
    pub unread: bool,
    /// Where the list begins.
    pub offset: usize,
    /// How many at most.
    pub limit: Option<usize>,
}

/// Events.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventsView {
    /// How many there are, before the limit.
    pub total: usize,
    /// The events: by number of rules, then by provider and id.
    pub events: Vec<EventItem>,
    /// The providers of events that rules read, with their number of such events.
    pub providers: Vec<(String, u64)>,
}

/// A provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProviderView {
    /// The short name.
    pub provider: String,
    /// The platforms whose logs it writes to; empty where that is not known, or it is of any.
    pub platforms: Vec<String>,
    /// Rules that read any of its events.
    pub rules: u64,
    /// Its events, in the order of their ids.
    pub events: Vec<EventItem>,
    /// The fields of its events, those that most rules filter first.
    pub fields: Vec<ProviderField>,
    /// Techniques that the rules are tagged with.
    pub techniques: Vec<TechniqueCount>,
    /// The dictionaries that its events are known by.
    pub dictionaries: Vec<Credit>,
}

/// A field of a provider's events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProviderField {
    /// The name as the events have it.
    pub name: String,
    /// The canonical field that it is.
    pub canonical: Option<String>,
    /// Events that have it.
    pub events: u64,
    /// Rules that read one of the provider's events and filter on it.
    pub rules: u64,
}

/// Words of a name that is tried as a provider's and an id's.
const MAX_WORDS: usize = 12;

/// The value of the event facet.
pub(crate) fn facet_of(event: &EventRef) -> String {
    format!("{}/{}", event.provider, event.event_id)
}

/// The fields of an event, with the number of rules that filter on each out of the fields that its rules filter.
fn field_rows(names: &EventNames<'_>, fields: Vec<EventField>, filtered: &[FieldRow]) -> Vec<EventFieldRow> {
    let mut rules: rustc_hash::FxHashMap<String, u64> = rustc_hash::FxHashMap::default();
    for row in filtered {
        rules.entry(row.field.to_lowercase()).or_insert(row.rules);
    }
    let row = |field: EventField| {
        let canonical = names.resolve(&field.name).map(|used| used.field.name.clone());
        // Where the table does not know it, rules that filter on it have it under its own name.
        let counted = canonical.as_ref().unwrap_or(&field.name).to_lowercase();
        EventFieldRow { canonical, rules: rules.get(&counted).copied().unwrap_or_default(), field }
    };
    fields.into_iter().map(row).collect()
}

impl Atlas {
    /// How many counted rules read an event.
    pub(crate) fn rules_reading(&self, event: &EventRef) -> u64 {
        let set = self.index.set(Facet::Event, &facet_of(event));
        set.map_or(0, |rules| rules.intersection_len(self.index.counted()))
    }

    /// An event by its provider (short or full name, or a Windows channel) and id.
    ///
    /// # Errors
    /// Neither a dictionary nor any rule knows it.
    pub fn event(&self, provider: &str, id: &str, filters: &Filters) -> Result<EventView, Error> {
        let mut entry = self.find_event(provider, id)?;
        let event = entry.event.clone();
        let scope = Scope::facet(&self.index, Facet::Event, &facet_of(&event), filters);
        let guide = Guide::of(&self.index, self.taxonomy, &scope);
        let own = guide.events.iter().find(|row| row.provider == event.provider && row.event_id == event.event_id);
        let (explicit, implied) = own.map_or((0, 0), |row| (row.explicit, row.implied));
        let dictionaries = entry.dictionaries();
        let analytics = self.store().analytics_naming(&event)?;
        let channel = entry.channel.as_ref().map_or("", |channel| channel.text.as_str());
        let names = self.taxonomy.names_of_event(&event, channel);
        let canonical = |name: &str| names.resolve(name).map(|used| used.field.name.clone());
        let sample = entry.sample.take().and_then(|sample| event_detail::sample(sample, canonical));
        if let Some(sample) = &sample {
            event_detail::complete_fields(&mut entry.fields, sample);
        }
        let category = entry.categories.first().map_or("", |category| category.name.as_str());
        let enable = enabling(&event, Placement { channel, category })
            .into_iter()
            .map(|Enabling { title, syntax, text, note }| EnableView { title, syntax, text, note });
        Ok(EventView {
            title: entry
                .title
                .as_ref()
                .map_or_else(|| self.index.event_title(&event, self.taxonomy), |title| title.text.clone()),
            title_by: entry.title.as_ref().map(|title| title.by),
            is_known: !dictionaries.is_empty(),
            event_fields: field_rows(&names, std::mem::take(&mut entry.fields), &guide.fields),
            explicit,
            implied,
            techniques: self.technique_counts(&scope.rules),
            attack_techniques: self.attack_techniques_of(&analytics),
            dictionaries: dictionaries.into_iter().map(Credit::of).collect(),
            sample,
            enable: enable.collect(),
            data_components: Self::data_components(&event, &analytics),
            analytics: self.analytic_items(&analytics),
            related: self.related_events(&event)?,
            rule_list: RuleItem::list(&self.index, guide.members.iter().copied()),
            guide,
            provider: event.provider,
            event_id: event.event_id,
            facts: EventFacts {
                channel: entry.channel,
                description: entry.description,
                message: entry.message,
                level: entry.level,
                task: entry.task,
                opcode: entry.opcode,
                keywords: entry.keywords,
                versions: entry.versions,
                audit: entry.audit,
                volume: entry.volume,
                example: entry.example,
                categories: entry.categories,
            },
        })
    }

    /// What the dictionaries say of the event that a name means.
    fn find_event(&self, provider: &str, id: &str) -> Result<EventEntry, Error> {
        let store = self.store();
        let name = self.taxonomy.provider_name(provider);
        // Rules write ids as they like: one that ends with a space is another one where a rule says so.
        // And one that they write under a channel's name stands under that name where no dictionary knows it.
        let written = EventRef { provider: provider.to_owned(), event_id: id.to_owned() };
        let event = EventRef { provider: name, event_id: id.trim().to_owned() };
        for event in [&written, &event] {
            if let Some(entry) = store.event(event)? {
                return Ok(entry);
            }
        }
        // A channel stands for the provider that writes the id to it.
        if let Some(head) = store.events_in_channel(provider, &event.event_id)?.first()
            && let Some(entry) = store.event(&head.event)?
        {
            return Ok(entry);
        }
        let asked = format!("{provider} {id}");
        // Provider and id written as one name, and an id that has spaces itself.
        for (at, _) in asked.match_indices(' ').take(MAX_WORDS) {
            let (provider, id) = (asked[..at].to_owned(), asked[at + 1..].to_owned());
            if let Some(entry) = store.event(&EventRef { provider, event_id: id })? {
                return Ok(entry);
            }
        }
        let providers = store.providers()?;
        let known = providers.iter().find(|(name, _)| name.eq_ignore_ascii_case(&event.provider));
        let near = match known {
            Some((name, _)) => {
                let events = store.events_of_provider(name)?;
                let near = nearest(&event.event_id, events.iter().map(|head| head.event.event_id.as_str()), 3);
                near.into_iter().map(|id| format!("{name} {id}")).collect()
            }
            None => nearest(&event.provider, providers.iter().map(|(name, _)| name.as_str()), 3),
        };
        Err(Error::NotFound { what: "event", name: asked, near })
    }

    /// How many of some rules filter each field, by its name in lower case.
    fn filtered_fields(&self, rules: &roaring::RoaringBitmap) -> rustc_hash::FxHashMap<String, u64> {
        let mut counts: rustc_hash::FxHashMap<u32, u64> = rustc_hash::FxHashMap::default();
        for rule in rules {
            let mut last = None;
            for (field, _) in self.index.filters_of(rule) {
                *counts.entry(*field).or_default() += u64::from(last != Some(*field));
                last = Some(*field);
            }
        }
        let names = &self.index.data().fields;
        let mut by_name = rustc_hash::FxHashMap::default();
        for (field, rules) in counts {
            let name = names.get(field as usize).map(|name| name.to_lowercase()).unwrap_or_default();
            // Of two spellings of a name the one with more rules is that which lists show first.
            let most: &mut u64 = by_name.entry(name).or_default();
            *most = rules.max(*most);
        }
        by_name
    }

    pub(crate) fn item(&self, head: &EventHead, filters: &Filters) -> EventItem {
        let facet = facet_of(&head.event);
        // Most events of a dictionary are read by no rule.
        let is_read = self.index.set(Facet::Event, &facet).is_some();
        let rules =
            if is_read { Scope::facet(&self.index, Facet::Event, &facet, filters).rules } else { Default::default() };
        let title =
            if head.title.is_empty() { self.index.event_title(&head.event, self.taxonomy) } else { head.title.clone() };
        EventItem {
            provider: head.event.provider.clone(),
            event_id: head.event.event_id.clone(),
            title,
            channel: head.channel.clone(),
            rules: rules.len(),
            techniques: self.technique_count(&rules),
        }
    }

    /// Events, by default those that rules read.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn events(&self, question: &EventsQuestion) -> Result<EventsView, Error> {
        let read = self.store().read_events()?;
        let mut providers: Vec<(String, u64)> = Vec::new();
        for head in &read {
            match providers.last_mut() {
                Some((name, count)) if *name == head.event.provider => *count += 1,
                _ => providers.push((head.event.provider.clone(), 1)),
            }
        }
        let heads = match (question.unread, &question.provider, &question.text) {
            (false, ..) => read,
            (true, Some(provider), _) => self.store().events_of_provider(provider)?,
            (true, None, Some(text)) if !text.is_empty() => {
                let wanted = ruleatlas_model::fold_case(text);
                self.event_index()?.with(&wanted).cloned().collect()
            }
            (true, None, _) => self.store().event_heads()?,
        };
        let wanted = question.text.as_deref().unwrap_or_default().to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        let is_asked = |head: &&EventHead| {
            let of_provider =
                question.provider.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(&head.event.provider));
            let whole = || format!("{} {}", head.event.provider, head.event.event_id);
            of_provider && (wanted.is_empty() || has(&head.title) || has(&head.channel) || has(&whole()))
        };
        let mut heads: Vec<(u64, &EventHead)> =
            heads.iter().filter(is_asked).map(|head| (self.rules_reading(&head.event), head)).collect();
        // Within one number of rules they stay in the order of the catalog.
        heads.sort_by_key(|(rules, _)| Reverse(*rules));
        let limit = question.limit.unwrap_or(usize::MAX);
        let events = heads
            .iter()
            .skip(question.offset)
            .take(limit)
            .map(|(_, head)| self.item(head, &Filters::default()))
            .collect();
        Ok(EventsView { total: heads.len(), events, providers })
    }

    /// The rules that read any of a provider's events and pass the filters.
    #[must_use]
    pub fn provider_scope(&self, view: &ProviderView, filters: &Filters) -> Scope {
        let facets = view.events.iter().map(|item| format!("{}/{}", item.provider, item.event_id));
        let sets = facets.filter_map(|facet| self.index.set(Facet::Event, &facet));
        Scope::all(&self.index, filters).within(&sets.fold(roaring::RoaringBitmap::new(), |all, rules| all | rules))
    }

    /// A provider by its short or full name, over the rules that pass the filters.
    ///
    /// # Errors
    /// Neither a dictionary nor any rule knows it.
    pub fn provider(&self, name: &str, filters: &Filters) -> Result<ProviderView, Error> {
        let short = self.taxonomy.provider_name(name);
        let found = self.store().events_of_provider(&short)?;
        if found.is_empty() {
            let providers = self.store().providers()?;
            let near = nearest(&short, providers.iter().map(|(name, _)| name.as_str()), 3);
            return Err(Error::NotFound { what: "provider", name: name.to_owned(), near });
        }
        let mut rules = roaring::RoaringBitmap::new();
        for head in found.iter().filter(|head| self.index.set(Facet::Event, &facet_of(&head.event)).is_some()) {
            rules |= Scope::facet(&self.index, Facet::Event, &facet_of(&head.event), filters).rules;
        }
        let filtered = self.filtered_fields(&rules);
        let rules_of = |name: &str| filtered.get(&name.to_lowercase()).copied().unwrap_or_default();
        let rows = self.store().provider_fields(&short)?;
        let names = self.taxonomy.names_of_provider(&short);
        let row = |row: ProviderFieldRow| {
            let resolved = names.of(&row.first, &row.channel).resolve(&row.name);
            let canonical = resolved.map(|used| used.field.name.clone());
            // Where the table does not know it, rules that filter on it have it under its own name.
            let rules = rules_of(canonical.as_deref().unwrap_or(&row.name));
            ProviderField { name: row.name, canonical, events: u64::from(row.events), rules }
        };
        let mut fields: Vec<ProviderField> = rows.into_iter().map(row).collect();
        fields.sort_by(|a, b| {
            (Reverse(a.rules), Reverse(a.events), &a.name).cmp(&(Reverse(b.rules), Reverse(b.events), &b.name))
        });
        let about = self.store().provider(&short)?;
        let mut events: Vec<EventItem> = found.iter().map(|head| self.item(head, filters)).collect();
        events.sort_by_cached_key(|item| (item.event_id.parse::<u64>().unwrap_or(u64::MAX), item.event_id.clone()));
        Ok(ProviderView {
            provider: found.first().map_or(short, |head| head.event.provider.clone()),
            platforms: about.as_ref().map(|row| row.platforms.clone()).unwrap_or_default(),
            rules: rules.len(),
            events,
            fields,
            techniques: self.technique_counts(&rules),
            dictionaries: about.map(|row| row.dictionaries).unwrap_or_default().into_iter().map(Credit::of).collect(),
        })
    }

    /// The events that carry a field under one of the names, those that most rules read first, and how many there are.
    ///
    /// A name may be one thing in an event and another elsewhere: what the event's own telemetry means by it decides.
    pub(crate) fn events_with_field(
        &self,
        field: &str,
        names: &[String],
        limit: usize,
    ) -> Result<(Vec<EventItem>, usize), Error> {
        let mut heads: Vec<EventHead> = Vec::new();
        let mut seen: rustc_hash::FxHashSet<String> = rustc_hash::FxHashSet::default();
        let mut known: rustc_hash::FxHashMap<(String, String), bool> = rustc_hash::FxHashMap::default();
        for name in names {
            for head in self.store().events_with_field(std::slice::from_ref(name))? {
                let telemetry = (head.event.provider.clone(), head.channel.clone());
                let is_known = *known
                    .entry(telemetry)
                    .or_insert_with(|| self.taxonomy.knows_fields_of(&head.event.provider, &head.channel));
                let means =
                    if is_known { self.taxonomy.field_of_event(&head.event, &head.channel, name) } else { None };
                let is_it = means.map_or_else(
                    || name.eq_ignore_ascii_case(field),
                    |means| means.field.name.eq_ignore_ascii_case(field),
                );
                if is_it && seen.insert(facet_of(&head.event)) {
                    heads.push(head);
                }
            }
        }
        let mut counted: Vec<(u64, &EventHead)> =
            heads.iter().map(|head| (self.rules_reading(&head.event), head)).collect();
        counted.sort_by_key(|(rules, _)| Reverse(*rules));
        let items = counted.iter().take(limit).map(|(_, head)| self.item(head, &Filters::default())).collect();
        Ok((items, heads.len()))
    }

    /// The names of all providers whose events rules read, in order.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn provider_names(&self) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = self.store().read_events()?.into_iter().map(|head| head.event.provider).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// The events that rules read, in order.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn events_read(&self) -> Result<Vec<EventRef>, Error> {
        Ok(self.store().read_events()?.into_iter().map(|head| head.event).collect())
    }
}
