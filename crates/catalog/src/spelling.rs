//! One spelling for each event: ids that are words compare without case, as values do.

use std::collections::BTreeMap;

use ruleatlas_model::{EventLink, EventRef};
use rustc_hash::FxHashMap;

use crate::Entry;

/// Gives every event the spelling that most rules use: `MICROSOFT.SQL/SERVERS/DELETE` of one vendor is
/// `Microsoft.Sql/servers/delete` of another.
pub(crate) fn unify_events(entries: &mut [Entry]) {
    let mut spellings: FxHashMap<(String, String), BTreeMap<EventRef, u64>> = FxHashMap::default();
    for link in entries.iter().flat_map(|entry| &entry.rule.events).filter(|link| is_word(link)) {
        *spellings.entry(key(&link.event)).or_default().entry(link.event.clone()).or_default() += 1;
    }
    spellings.retain(|_, spellings| spellings.len() > 1);
    if spellings.is_empty() {
        return;
    }
    let most_used = |spellings: BTreeMap<EventRef, u64>| {
        // Of spellings used alike the first in order, so that two builds agree.
        spellings.into_iter().rev().max_by_key(|(_, count)| *count).map(|(event, _)| event)
    };
    let chosen: FxHashMap<(String, String), EventRef> =
        spellings.into_iter().filter_map(|(key, spellings)| Some((key, most_used(spellings)?))).collect();
    for entry in entries {
        let mut places: FxHashMap<EventRef, usize> = FxHashMap::default();
        let mut links: Vec<EventLink> = Vec::with_capacity(entry.rule.events.len());
        for mut link in std::mem::take(&mut entry.rule.events) {
            if let Some(event) = is_word(&link).then(|| chosen.get(&key(&link.event))).flatten() {
                link.event = event.clone();
            }
            match places.get(&link.event).and_then(|at| links.get_mut(*at)) {
                Some(known) if link.explicit && !known.explicit => *known = link,
                Some(_) => {}
                None => {
                    places.insert(link.event.clone(), links.len());
                    links.push(link);
                }
            }
        }
        entry.rule.events = links;
        for event in entry.needs.iter_mut().flatten() {
            if let Some(spelled) = chosen.get(&key(event)) {
                event.clone_from(spelled);
            }
        }
    }
}

/// Numbers have one spelling.
fn is_word(link: &EventLink) -> bool {
    !link.event.event_id.bytes().all(|byte| byte.is_ascii_digit())
}

fn key(event: &EventRef) -> (String, String) {
    (event.provider.to_lowercase(), event.event_id.to_lowercase())
}

#[cfg(test)]
mod tests {
    use ruleatlas_model::{EventLink, EventRef, Language, Rule, Vendor};
    use ruleatlas_taxonomy::Taxonomy;

    use super::unify_events;
    use crate::Entry;

    fn entry(ids: &[(&str, bool)]) -> Entry {
        let link = |(id, explicit): &(&str, bool)| EventLink {
            event: EventRef { provider: "Azure Activity".to_owned(), event_id: (*id).to_owned() },
            explicit: *explicit,
            why: String::new(),
        };
        let events = ids.iter().map(link).collect();
        Entry::new(Rule { events, ..Rule::blank(Vendor::Sigma, Language::Sigma, "a.yml") }, Taxonomy::builtin())
    }

    #[test]
    fn the_spelling_that_most_rules_use_is_everyones() {
        let mut entries = [
            entry(&[("A/B/WRITE", true)]),
            entry(&[("a/b/write", true)]),
            entry(&[("A/B/WRITE", false), ("a/b/Write", true)]),
        ];
        unify_events(&mut entries);
        for entry in &entries {
            let events: Vec<(&str, bool)> =
                entry.rule.events.iter().map(|link| (link.event.event_id.as_str(), link.explicit)).collect();
            assert_eq!(events, [("A/B/WRITE", true)]);
        }
    }
}
