//! Which events a step can read at all: the fields that it filters, and the values that it asks for, decide between the
//! events of a category or table.

use std::sync::{Arc, PoisonError, RwLock};

use ruleatlas_model::{Condition, DataSource, EventRef, Missing, Node, Op, Predicate, SourceKind, Vendor};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    FieldUse, Reader, Taxonomy,
    event::KnownEvent,
    log_source::Selector,
    read::{Entry, Source, list},
    recognize::is_windows_channel,
    scope::{Pattern, Placename},
};

/// How the fields of a category's events decide between them: a `[[narrow]]` table.
#[derive(Clone, Debug)]
pub(crate) struct Narrowing {
    vendor: Vendor,
    /// The data sources that cover all of the families.
    reads: Vec<Pattern>,
    families: Vec<Family>,
    /// Whether every event of the category is of a family.
    complete: bool,
}

/// Events of a category that have fields which its other events lack.
#[derive(Clone, Debug)]
struct Family {
    event_types: Vec<String>,
    /// Canonical names; one that ends in `.*` stands for all that begin so.
    fields: Vec<String>,
}

impl Family {
    fn has(&self, field: &str) -> bool {
        self.fields.iter().any(|name| match name.strip_suffix('*') {
            Some(head) => field.starts_with(head),
            None => name == field,
        })
    }
}

impl Narrowing {
    pub fn read(source: &Source<'_>, entry: &Entry<'_, '_>) -> Option<Self> {
        source.only(entry.table, &["vendor", "reads", "families", "complete"]);
        let reads = entry.names("reads").iter().map(|text| Pattern::read(text)).collect();
        let families = entry.table.get("families").map(list).unwrap_or_default();
        let families = families.iter().filter_map(|value| source.table(value)).map(|family| {
            source.only(family.table, &["event_types", "fields"]);
            Family { event_types: family.names("event_types"), fields: family.names("fields") }
        });
        let families = families.collect();
        let vendor = entry.text("vendor");
        if let Ok(vendor) = vendor.parse() {
            return Some(Self { vendor, reads, families, complete: entry.flag("complete") });
        }
        source.fault(entry.at, format!("`{vendor}` is no vendor"));
        None
    }

    /// The canonical fields that it names.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.families.iter().flat_map(|family| &family.fields).map(String::as_str)
    }
}

/// What is known of a comparison before an event is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// The event does not have the field.
    Missing,
    /// The comparison, without its own negation, holds.
    Holds,
    /// It does not.
    Fails,
    /// That depends on the event.
    Open,
}

/// How deep a condition is followed; what is below may be either.
const MAX_DEPTH: usize = 256;

/// Whether a condition can hold, as far as is known of its comparisons.
pub(crate) fn can_hold(root: &Node, known: &impl Fn(&Predicate) -> Known) -> bool {
    outcomes(root, known, 0).0
}

/// Whether a node can hold, and whether it can fail. A null does neither.
fn outcomes(node: &Node, known: &impl Fn(&Predicate) -> Known, depth: usize) -> (bool, bool) {
    if depth >= MAX_DEPTH {
        return (true, true);
    }
    match node {
        Node::All(children) => children.iter().fold((true, false), |(holds, fails), child| {
            let (can_hold, can_fail) = outcomes(child, known, depth + 1);
            (holds && can_hold, fails || can_fail)
        }),
        Node::Any(children) => children.iter().fold((false, true), |(holds, fails), child| {
            let (can_hold, can_fail) = outcomes(child, known, depth + 1);
            (holds || can_hold, fails && can_fail)
        }),
        Node::Not(child) => {
            let (can_hold, can_fail) = outcomes(child, known, depth + 1);
            (can_fail, can_hold)
        }
        Node::Opaque(_) => (true, true),
        Node::Predicate(predicate) => {
            let holds = match (known(predicate), predicate.op) {
                (Known::Open, _) => return (true, true),
                (Known::Holds, _) => true,
                (Known::Fails, _) => false,
                (Known::Missing, Op::IsNull) => true,
                (Known::Missing, Op::IsNotNull) => false,
                (Known::Missing, _) => {
                    return match predicate.missing {
                        Missing::Fails => (false, true),
                        Missing::Holds => (true, false),
                        Missing::Null => (false, false),
                    };
                }
            };
            if holds == predicate.negated { (false, true) } else { (true, false) }
        }
    }
}

/// What a comparison with a constant is, where that is known of its operator.
pub(crate) fn compare(predicate: &Predicate, constant: &str) -> Known {
    if !predicate.modifiers.is_empty() || predicate.computed {
        return Known::Open;
    }
    let constant = constant.to_lowercase();
    let any = |holds: &dyn Fn(&str) -> bool| {
        let is_so = predicate.values.iter().any(|value| holds(&value.to_lowercase()));
        if is_so { Known::Holds } else { Known::Fails }
    };
    let number = |text: &str| text.trim().parse::<i64>().ok();
    let ordered = |holds: fn(i64, i64) -> bool| match number(&constant) {
        Some(have) if predicate.values.iter().all(|value| number(value).is_some()) => {
            any(&|value| number(value).is_some_and(|value| holds(have, value)))
        }
        _ => Known::Open,
    };
    match predicate.op {
        Op::Eq | Op::In => any(&|value| value == constant),
        Op::StartsWith => any(&|value| constant.starts_with(value)),
        Op::EndsWith => any(&|value| constant.ends_with(value)),
        Op::Contains => any(&|value| constant.contains(value)),
        Op::Gt => ordered(|have, value| have > value),
        Op::Gte => ordered(|have, value| have >= value),
        Op::Lt => ordered(|have, value| have < value),
        Op::Lte => ordered(|have, value| have <= value),
        Op::IsNotNull => Known::Holds,
        Op::IsNull => Known::Fails,
        _ => Known::Open,
    }
}

/// The canonical fields of events, found when first asked for.
#[derive(Debug, Default)]
pub(crate) struct EventFields(RwLock<FxHashMap<EventRef, Option<Arc<FxHashSet<String>>>>>);

/// A copy finds them anew.
impl Clone for EventFields {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Taxonomy {
    /// The data sources that the fields of a step add: the types of events that have them.
    pub(crate) fn narrowed(&self, vendor: Vendor, condition: &Condition) -> Vec<DataSource> {
        let mut found = Vec::new();
        let tables = self.log_sources.narrowing.iter().filter(|narrowing| narrowing.vendor == vendor);
        for narrowing in tables {
            let is_read =
                |source: &&DataSource| narrowing.reads.iter().any(|pattern| pattern.matches(Placename::Source(source)));
            let Some(category) = condition.sources.iter().find(is_read) else { continue };
            if self.log_sources.knows_type_of(category, &condition.sources) {
                continue;
            }
            let reader = self.reader(vendor, &condition.sources);
            // Fields that only some families have, by the comparison, each looked up once.
            let mut of_families: FxHashMap<*const Predicate, &str> = FxHashMap::default();
            for predicate in condition.root.predicates() {
                let Some(used) = reader.field_of(predicate) else { continue };
                let name = used.field.name.as_str();
                if narrowing.families.iter().any(|family| family.has(name)) {
                    of_families.insert(std::ptr::from_ref(predicate), name);
                }
            }
            if of_families.is_empty() {
                continue;
            }
            // Whether the step can hold of events that have the fields of one family, or of none.
            let can_be = |family: Option<&Family>| {
                can_hold(&condition.root, &|predicate| match of_families.get(&std::ptr::from_ref(predicate)) {
                    Some(field) if !family.is_some_and(|family| family.has(field)) => Known::Missing,
                    _ => Known::Open,
                })
            };
            if !narrowing.complete && can_be(None) {
                continue;
            }
            let possible = narrowing.families.iter().filter(|family| can_be(Some(family)));
            let possible = possible.flat_map(|family| &family.event_types);
            found.extend(possible.map(|name| DataSource::new(SourceKind::EventType, name.as_str())));
        }
        found
    }

    /// Of events that a step is said to read, those that it can: an event without a field that the step demands, or with
    /// another value in one, is left out. All, where none would be left.
    pub(crate) fn possible_events(
        &self,
        reader: &Reader<'_>,
        condition: &Condition,
        selectors: &[&Selector],
        events: &[EventRef],
    ) -> Vec<bool> {
        let fields: Vec<Option<Arc<FxHashSet<String>>>> = events.iter().map(|event| self.fields_of(event)).collect();
        // The field of each comparison, looked up once for all events.
        let names: FxHashMap<*const Predicate, &str> = condition
            .root
            .predicates()
            .filter_map(|predicate| {
                let used = reader.field_of(predicate)?;
                Some((std::ptr::from_ref(predicate), used.field.name.as_str()))
            })
            .collect();
        let possible: Vec<bool> = events
            .iter()
            .zip(&fields)
            .map(|(event, own)| {
                can_hold(&condition.root, &|predicate| {
                    let Some(name) = names.get(&std::ptr::from_ref(predicate)).copied() else { return Known::Open };
                    match self.compare_constant(selectors, event, name, predicate) {
                        Known::Open => {}
                        known => return known,
                    }
                    let has = |fields: &Option<Arc<FxHashSet<String>>>| {
                        fields.as_ref().is_some_and(|fields| fields.contains(name))
                    };
                    match own {
                        Some(_) if !has(own) && fields.iter().any(has) => Known::Missing,
                        _ => Known::Open,
                    }
                })
            })
            .collect();
        if possible.contains(&true) { possible } else { vec![true; events.len()] }
    }

    /// A comparison of what is the same in all events of this kind: the id, the channel, a type that stands for the id.
    fn compare_constant(&self, selectors: &[&Selector], event: &EventRef, field: &str, predicate: &Predicate) -> Known {
        let is_id = selectors.iter().any(|selector| selector.event_fields.iter().any(|known| known == field));
        if is_id {
            return compare(predicate, &event.event_id);
        }
        if field == "Channel" {
            let channel = self.known_event(event).map_or("", |known| known.channel.as_str());
            return if channel.is_empty() { Known::Open } else { compare(predicate, channel) };
        }
        let Some(values) = self.events.values_of(event, field) else { return Known::Open };
        let outcomes: Vec<Known> = values.iter().map(|value| compare(predicate, value)).collect();
        match outcomes.first() {
            Some(first) if outcomes.iter().all(|outcome| outcome == first) => *first,
            _ => Known::Open,
        }
    }

    /// The canonical fields of an event of which the table has all fields; `None` of others.
    #[must_use]
    pub fn fields_of(&self, event: &EventRef) -> Option<Arc<FxHashSet<String>>> {
        let known: &KnownEvent = self.events.get(event)?;
        // Other lists of fields are not complete: those of Windows are from the events' manifests.
        known.fields().next().filter(|_| is_windows_channel(&known.channel))?;
        if let Some(found) = self.event_fields.0.read().unwrap_or_else(PoisonError::into_inner).get(event) {
            return found.clone();
        }
        let canonical = |name: &str| {
            let used: Option<FieldUse<'_>> = self.field_of_event(event, &known.channel, name);
            used.map(|used| used.field.name.clone())
        };
        let is_of_windows = self.log_sources.may_be_windows(&known.event.provider);
        let found: Option<Arc<FxHashSet<String>>> =
            is_of_windows.then(|| Arc::new(known.fields().filter_map(canonical).collect()));
        let mut all = self.event_fields.0.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(known.event.clone()).or_insert(found).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eq(field: &str, value: &str) -> Node {
        Predicate::new(field, Op::Eq, [value]).into()
    }

    #[test]
    fn a_condition_can_hold_unless_what_it_demands_is_missing() {
        let is_missing = |predicate: &Predicate| match predicate.raw_field.as_str() {
            "gone" => Known::Missing,
            "no" => Known::Fails,
            _ => Known::Open,
        };
        let null = |field: &str| Node::from(Predicate::new(field, Op::IsNull, Vec::<String>::new()));
        let cases = [
            (eq("a", "x"), true),
            (eq("gone", "x"), false),
            (eq("gone", "x").not(), true),
            (Node::all([eq("a", "x"), eq("gone", "x")]), false),
            (Node::any([eq("a", "x"), eq("gone", "x")]), true),
            (Node::all([eq("a", "x"), Node::any([eq("gone", "x"), eq("no", "y")])]), false),
            (null("gone"), true),
            (null("gone").not(), false),
            (eq("no", "x").not(), true),
        ];
        for (node, expected) in cases {
            assert_eq!(can_hold(&node, &is_missing), expected, "{node:?}");
        }
        let null_stays = Predicate { missing: Missing::Null, ..Predicate::new("gone", Op::Eq, ["x"]) };
        assert!(!can_hold(&Node::from(null_stays).not(), &is_missing));
        let mut deep = eq("gone", "x");
        for _ in 0..10_000 {
            deep = Node::Not(Box::new(Node::All(vec![deep, eq("a", "b")])));
        }
        assert!(can_hold(&deep, &is_missing));
        // Dropping a tree this deep by recursion is not what is tested here.
        std::mem::forget(deep);
    }

    #[test]
    fn constants_compare_by_operator() {
        let of = |op, value: &str| compare(&Predicate::new("f", op, [value]), "4688");
        assert_eq!(of(Op::Eq, "4688"), Known::Holds);
        assert_eq!(of(Op::Gt, "4700"), Known::Fails);
        assert_eq!(of(Op::Lte, "4688"), Known::Holds);
        assert_eq!(of(Op::Gt, "x"), Known::Open);
        assert_eq!(of(Op::RegexMatch, "46"), Known::Open);
    }
}
