use std::collections::BTreeMap;

use ruleatlas_catalog::EventRow;
use ruleatlas_model::{EventRef, LogSourceReference};
use ruleatlas_store::NamingAnalytic;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error};

/// The events that ATT&CK's own analytics name for a technique, beside those that rules read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttackEvents {
    /// The detection strategies: id, name and ATT&CK's page.
    pub strategies: Vec<AttackStrategy>,
    /// Events that ATT&CK names and rules read, those that most rules read first.
    pub named_and_read: Vec<NamedEvent>,
    /// Events that ATT&CK names and no rule reads.
    pub named_unread: Vec<NamedEvent>,
    /// Events that rules read and ATT&CK does not name.
    pub read_unnamed: Vec<NamedEvent>,
    /// Logs that ATT&CK names without naming an event of them.
    pub logs: Vec<AttackLog>,
}

/// A detection strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttackStrategy {
    /// `DET0039`.
    pub id: String,
    /// The name.
    pub name: String,
    /// The technique or sub-technique that it detects.
    pub technique: String,
    /// Its analytics' ids.
    pub analytics: Vec<String>,
    /// ATT&CK's page.
    pub url: String,
}

/// An event that ATT&CK names or rules read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NamedEvent {
    /// The provider's short name.
    pub provider: String,
    /// The id.
    pub event_id: String,
    /// The title.
    pub title: String,
    /// Rules here that read it.
    pub rules: u64,
    /// Analytics that name it.
    pub analytics: u64,
    /// Data components of ATT&CK that it is named for.
    pub components: Vec<String>,
}

/// A log that ATT&CK names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttackLog {
    /// The log (`NSM:Flow`).
    pub name: String,
    /// The data components that it is named for.
    pub components: Vec<String>,
    /// What ATT&CK says to look for in it.
    pub looks_for: Vec<String>,
}

#[derive(Default)]
struct Named {
    analytics: u64,
    components: Vec<String>,
}

fn push(list: &mut Vec<String>, text: &str) {
    if !text.is_empty() && !list.iter().any(|other| other == text) {
        list.push(text.to_owned());
    }
}

impl Atlas {
    /// What ATT&CK's analytics of some techniques read, beside the events that rules read.
    pub(crate) fn attack_events<'a>(
        &self,
        techniques: impl Iterator<Item = &'a str>,
        read: &[EventRow],
    ) -> Result<AttackEvents, Error> {
        let mut view = AttackEvents::default();
        let mut named: BTreeMap<EventRef, Named> = BTreeMap::new();
        let mut logs: BTreeMap<String, AttackLog> = BTreeMap::new();
        for technique in techniques {
            let analytics = self.store().analytics(technique)?;
            for analytic in analytics {
                match view
                    .strategies
                    .iter_mut()
                    .find(|known| known.id == analytic.strategy && known.technique == technique)
                {
                    Some(strategy) => strategy.analytics.push(analytic.id.clone()),
                    None => view.strategies.push(AttackStrategy {
                        id: analytic.strategy.clone(),
                        name: analytic.strategy_name.clone(),
                        technique: technique.to_owned(),
                        analytics: vec![analytic.id.clone()],
                        url: analytic.url.split('#').next().unwrap_or_default().to_owned(),
                    }),
                }
                let mut here: Vec<EventRef> = Vec::new();
                for LogSourceReference { component, name, channel } in &analytic.log_sources {
                    let events = self.taxonomy.attack_events(name, channel);
                    if events.is_empty() {
                        let log = logs.entry(name.clone()).or_insert_with(|| AttackLog {
                            name: name.clone(),
                            components: Vec::new(),
                            looks_for: Vec::new(),
                        });
                        push(&mut log.components, component);
                        push(&mut log.looks_for, channel);
                    }
                    for event in events {
                        let entry = named.entry(event.clone()).or_default();
                        push(&mut entry.components, component);
                        if !here.contains(&event) {
                            entry.analytics += 1;
                            here.push(event);
                        }
                    }
                }
            }
        }
        view.logs = logs.into_values().collect();
        for row in read {
            let event = EventRef { provider: row.provider.clone(), event_id: row.event_id.clone() };
            let known = named.remove(&event);
            let list = if known.is_some() { &mut view.named_and_read } else { &mut view.read_unnamed };
            let Named { analytics, components } = known.unwrap_or_default();
            list.push(NamedEvent {
                provider: event.provider,
                event_id: event.event_id,
                title: row.title.clone(),
                rules: row.rules,
                analytics,
                components,
            });
        }
        for (event, Named { analytics, components }) in named {
            let title = self.title_of(&event)?;
            let EventRef { provider, event_id } = event;
            view.named_unread.push(NamedEvent { provider, event_id, title, rules: 0, analytics, components });
        }
        view.named_unread.sort_by_key(|row| std::cmp::Reverse(row.analytics));
        Ok(view)
    }

    /// An event's title, of one too that no rule reads.
    pub(crate) fn title_of(&self, event: &EventRef) -> Result<String, Error> {
        let told = self.store().event(event)?.and_then(|entry| entry.title);
        Ok(told.map_or_else(|| self.index.event_title(event, self.taxonomy), |title| title.text))
    }

    /// The techniques whose analytics name an event, in order: id and name.
    pub(crate) fn attack_techniques_of(&self, analytics: &[NamingAnalytic]) -> Vec<(String, String)> {
        let mut ids: Vec<&str> = analytics.iter().map(|row| row.technique.as_str()).collect();
        ids.dedup();
        let named = ids.into_iter().filter_map(|id| {
            let name = self.attack.techniques.get(id)?.name.clone();
            Some((id.to_owned(), name))
        });
        named.collect()
    }
}
