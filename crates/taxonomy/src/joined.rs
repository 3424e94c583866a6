//! Events whose id stands in several fields: `create pods` is what Kubernetes writes as a verb and a resource.

use ruleatlas_model::{EventLink, EventRef};

use crate::{event::Written, log_source::Selector};

/// Events that a step writes as parts: lists multiply.
const MAX_EVENTS: usize = 256;

/// The events that a step writes as the parts of ids: the verb, what it is done to, and a part of that where it writes one.
pub(crate) fn events(selector: &Selector, written: &Written<'_>) -> Vec<EventLink> {
    let [verb, object, rest @ ..] = selector.event_parts.as_slice() else { return Vec::new() };
    let values = |field: &String| -> Vec<(String, &str)> {
        let of_it = written.parts.iter().filter(move |(name, ..)| name == field);
        of_it
            .map(|(_, placed, value)| (format!("{} {} {value}", placed.predicate.raw_field, placed.counted_op), *value))
            .collect()
    };
    let (verbs, objects) = (values(verb), values(object));
    let mut parts = rest.first().map(values).unwrap_or_default();
    // Of which of several resources it is a part, nobody says.
    if parts.is_empty() || objects.len() > 1 {
        parts.clear();
        parts.push((String::new(), ""));
    }
    let mut links = Vec::new();
    for (verb_is, verb) in &verbs {
        for (object_is, object) in &objects {
            for (part_is, part) in &parts {
                let (slash, and) = if part.is_empty() { ("", "") } else { ("/", ", ") };
                for provider in &selector.providers {
                    if links.len() >= MAX_EVENTS {
                        return links;
                    }
                    let event_id = format!("{verb} {object}{slash}{part}").to_lowercase();
                    let event = EventRef { provider: provider.clone(), event_id };
                    links.push(EventLink {
                        event,
                        explicit: true,
                        why: format!("{verb_is}, {object_is}{and}{part_is}"),
                    });
                }
            }
        }
    }
    links
}
