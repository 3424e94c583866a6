//! Which events a step of a rule is asked about, and which log sources an event of a log belongs to.

use ruleatlas_core::RoledPredicate;
use ruleatlas_model::{Condition, DataSource, EventLink, EventRef, SourceKind, Vendor};

use crate::{
    FieldUse, Taxonomy,
    log_source::Selector,
    narrow::{Known, can_hold},
};

/// What a step reads, for choosing the events that it is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepReads<'a> {
    /// The events that it names or that its log sources imply.
    pub events: Vec<EventRef>,
    /// Whether it demands ids, so that no event but those of `events` can be meant.
    pub only_events: bool,
    /// Log sources that are an activity, by name: any product's record of the activity is meant.
    pub activities: Vec<&'a str>,
    /// Providers, channels: any of their events is meant.
    pub providers: Vec<String>,
    /// Windows channels of which any event is meant.
    pub channels: Vec<String>,
    /// Log sources of which any event is meant that belongs to them.
    pub log_sources: Vec<&'a str>,
    /// Whether its sources name a platform and nothing else: any event of the platform is meant.
    pub whole_platform: bool,
    /// The categories of events that it reads, in lower case; any where there is none.
    pub categories: Vec<String>,
    /// The platforms that its sources watch or may watch.
    pub platforms: Vec<&'a str>,
    /// Whether nothing is known of what it reads, but a platform at most.
    pub unknown: bool,
}

/// What the log sources say of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventSources<'a> {
    /// Log sources that imply the event, by name.
    pub log_sources: Vec<&'a str>,
    /// Log sources of its provider or channel, by name.
    pub broad: Vec<&'a str>,
    /// The platforms that these watch.
    pub platforms: Vec<&'a str>,
    /// The data sources by which Sigma's rules name these, for the meaning of the event's names.
    pub named: Vec<Vec<DataSource>>,
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Whether a selector asks for nothing but a product or a platform.
fn is_whole_platform(selector: &Selector) -> bool {
    let is_broad =
        |kind| selector.constraints.iter().all(|pattern| pattern.is_of(kind) || pattern.is_of(SourceKind::Platform));
    selector.events.is_empty()
        && selector.providers.is_empty()
        && selector.channel.is_none()
        && is_broad(SourceKind::Product)
}

impl Taxonomy {
    /// What one step reads, whose predicates are `in_step`; see [`ruleatlas_core::roles`].
    #[must_use]
    pub fn step_reads(&self, vendor: Vendor, condition: &Condition, in_step: &[&RoledPredicate<'_>]) -> StepReads<'_> {
        let selected = self.log_sources.select(&condition.sources);
        let selectors: Vec<&Selector> = self.log_sources.selected(&selected).collect();
        let links: Vec<EventLink> = self.events_of(vendor, condition, in_step);
        let mut reads = StepReads {
            only_events: links.iter().any(|link| link.explicit) && self.demands_ids(vendor, condition, &selectors),
            events: links.into_iter().map(|link| link.event).collect(),
            ..StepReads::default()
        };
        let described = self.describe_sources(&condition.sources);
        reads.platforms = described.platforms;
        if reads.platforms.is_empty() {
            reads.platforms = described.possible_platforms;
        }
        for selector in &selectors {
            let Some(log_source) = self.log_sources.place_of(selector.log_source) else { continue };
            let is_activity = selector.channel.is_none();
            match () {
                () if is_whole_platform(selector) => reads.whole_platform = true,
                // A channel's selector that lists events means these; a category means every record of its activity.
                () if !selector.events.is_empty() && is_activity => add(&mut reads.activities, log_source),
                () if !selector.events.is_empty() => {
                    for event in &selector.events {
                        add(&mut reads.events, event.clone());
                    }
                }
                () if selector.providers.is_empty() && is_activity => {
                    add(&mut reads.activities, log_source);
                    add(&mut reads.log_sources, log_source);
                }
                () => {
                    for provider in &selector.providers {
                        add(&mut reads.providers, provider.clone());
                    }
                    if let Some(channel) = &selector.channel {
                        add(&mut reads.channels, channel.clone());
                    }
                }
            }
        }
        let categories = condition.sources.iter().filter(|source| source.kind == SourceKind::EventCategory);
        reads.categories = categories.map(|source| source.name.to_lowercase()).collect();
        if reads.categories.iter().any(|name| name == "any") {
            reads.categories.clear();
        }
        reads.unknown = selectors.is_empty();
        reads
    }

    /// Whether the step cannot hold without one of the ids that it compares.
    fn demands_ids(&self, vendor: Vendor, condition: &Condition, selectors: &[&Selector]) -> bool {
        let reader = self.reader(vendor, &condition.sources);
        let is_id =
            |used: FieldUse<'_>| selectors.iter().any(|selector| selector.event_fields.contains(&used.field.name));
        !can_hold(&condition.root, &|predicate| match reader.field_of(predicate) {
            Some(used) if is_id(used) => Known::Missing,
            _ => Known::Open,
        })
    }

    /// What the log sources say of an event that is written to `channel`.
    #[must_use]
    pub fn sources_of_event(&self, event: &EventRef, channel: &str) -> EventSources<'_> {
        let mut sources = EventSources::default();
        let (mut implied, mut broad) = (Vec::new(), Vec::new());
        for selector in self.log_sources.selectors() {
            let Some(log_source) = self.log_sources.place_of(selector.log_source) else { continue };
            let is_implied = selector.events.contains(event);
            let is_of_channel = !channel.is_empty()
                && selector.channel.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(channel));
            // A row that lists events says nothing of its provider's others.
            let is_broad =
                selector.events.is_empty() && (is_of_channel || selector.providers.contains(&event.provider));
            match (is_implied, is_broad) {
                (true, _) => add(&mut sources.log_sources, log_source),
                (_, true) => add(&mut sources.broad, log_source),
                _ => {}
            }
            if is_implied || is_broad || is_of_channel {
                for platform in selector.platforms.iter().filter_map(|name| self.log_sources.platform(name)) {
                    add(if is_implied { &mut implied } else { &mut broad }, platform);
                }
            }
            if (is_implied || is_broad || is_of_channel || selector.providers.contains(&event.provider))
                && let Some(named) = selector.sigma_sources()
            {
                // What says most of the event is asked first.
                match is_implied {
                    true if !sources.named.contains(&named) => sources.named.insert(0, named),
                    _ => add(&mut sources.named, named),
                }
            }
        }
        // What implies the event says more of its platforms than what reads its provider.
        sources.platforms = if sources.log_sources.is_empty() { broad } else { implied };
        sources
    }

    /// The field of a canonical name, which may be that of an object's member.
    #[must_use]
    pub fn canonical_field(&self, name: &str) -> Option<&crate::Field> {
        self.fields.named_or_member(name)
    }
}
