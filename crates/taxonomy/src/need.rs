//! Which telemetry a rule needs to fire.

use ruleatlas_core::{RoledPredicate, roles};
use ruleatlas_model::{Condition, EventLink, EventRef, Vendor};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::Taxonomy;

/// What a rule reads, and what of it it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// The events, each once.
    pub links: Vec<EventLink>,
    /// What must be collected for the rule to fire: of every list at least one event. An empty list is a step of which
    /// nobody knows what it reads.
    pub needs: Vec<Vec<EventRef>>,
}

/// What a step is to the rule's firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepPart {
    /// Without it the rule does not fire.
    Needed,
    /// It is one of several that give hits each by itself.
    Alternative,
    /// The rule fires without it.
    Spare,
}

impl StepPart {
    /// The part of every step of a rule.
    #[must_use]
    pub fn of_steps(conditions: &[Condition]) -> Vec<Self> {
        let has_append = conditions.iter().any(|condition| condition.label == "append");
        conditions.iter().map(|condition| Self::of(condition, has_append)).collect()
    }

    fn of(condition: &Condition, has_append: bool) -> Self {
        let label = condition.label.as_str();
        match label {
            // What must not happen need not be seen: the rule fires, and says less.
            _ if condition.absent => Self::Spare,
            "lookup" | "left join" | "outer join" | "until" => Self::Spare,
            "union leg" | "append" => Self::Alternative,
            "" | "main search" if has_append => Self::Alternative,
            _ if label.starts_with("statement ") => Self::Alternative,
            _ => Self::Needed,
        }
    }
}

impl Taxonomy {
    /// The events that a rule reads, and those it needs; see [`Taxonomy::events`].
    ///
    /// The events of one step are alternatives. A rule needs every step but those that must be absent and those that only
    /// add to a hit (`lookup`, outer joins, `until`); the legs of a union, appended searches and several statements are
    /// alternatives of each other.
    #[must_use]
    pub fn reads(&self, vendor: Vendor, conditions: &[Condition]) -> Reads {
        let placed = roles(conditions);
        let has_append = conditions.iter().any(|condition| condition.label == "append");
        let mut reads = Reads::default();
        let mut places: FxHashMap<EventRef, usize> = FxHashMap::default();
        let mut needs: FxHashSet<Vec<EventRef>> = FxHashSet::default();
        let mut alternatives: Option<Vec<EventRef>> = None;
        for (step, condition) in conditions.iter().enumerate() {
            // They are in the order of their steps.
            let from = placed.partition_point(|placed| (placed.step as usize) < step);
            let to = placed.partition_point(|placed| placed.step as usize <= step);
            let in_step: Vec<&RoledPredicate<'_>> = placed.get(from..to).unwrap_or_default().iter().collect();
            let links = self.events_of(vendor, condition, &in_step);
            let events: Vec<EventRef> = links.iter().map(|link| link.event.clone()).collect();
            match StepPart::of(condition, has_append) {
                StepPart::Needed if needs.insert(events.clone()) => reads.needs.push(events),
                StepPart::Alternative => alternatives.get_or_insert_default().extend(events),
                StepPart::Needed | StepPart::Spare => {}
            }
            for link in links {
                match places.get(&link.event).and_then(|at| reads.links.get_mut(*at)) {
                    Some(known) if !known.explicit && link.explicit => *known = link,
                    Some(_) => {}
                    None => {
                        places.insert(link.event.clone(), reads.links.len());
                        reads.links.push(link);
                    }
                }
            }
        }
        reads.needs.extend(alternatives);
        for need in &mut reads.needs {
            need.sort_unstable();
            need.dedup();
        }
        reads
    }
}
