//! Whether what was written says what the rule says: both are evaluated on events on either side of every comparison.

use std::collections::BTreeMap;

use ruleatlas_catalog::frontend;
use ruleatlas_core::{NoContext, Query};
use ruleatlas_evaluate::{Compiled, Event, Verdict};
use ruleatlas_logic::{Boundaries, SlotEvent, SlotId, SlotUse, Statement, boundary_events, last_part};
use ruleatlas_model::{Condition, Node, ParseStatus, Predicate, Vendor, fold_case};
use ruleatlas_taxonomy::{FieldType, Part, Reader, Taxonomy};
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    Refusal, RefusalKind,
    expr::clipped,
    names::{Slot, Use},
    target::Target,
};

/// Events of one proof, at least and at most.
pub(crate) const LEAST_EVENTS: usize = 1_000;
const MOST_EVENTS: usize = 2_400;
/// Events of either verdict that are kept for readers.
const SHOWN: usize = 3;
/// What any field of an event is searched under.
const ANY: &str = "_raw";

/// What shows that two queries say the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Proof {
    /// Events on which both were evaluated, with equal verdicts.
    pub events: usize,
    /// Those of them that both select.
    pub selected: usize,
    /// Some of them, by canonical field.
    pub samples: Vec<ProofEvent>,
}

/// An event of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProofEvent {
    /// Its values by canonical field, or by the rule's name where there is none.
    #[schema(value_type = utoipa::openapi::Object)]
    pub event: BTreeMap<String, Value>,
    /// Whether it is selected.
    pub selected: bool,
}

/// One side of a comparison: a condition, and under which of its names each field stands.
struct Side {
    compiled: Compiled,
    /// Names with their field, and whether they hold the last part of a path.
    names: Vec<(String, SlotId, bool)>,
}

impl Side {
    fn event(&self, event: &SlotEvent) -> Value {
        let mut fields = Map::new();
        for (name, slot, is_name) in &self.names {
            let Some(values) = event.get(slot) else { continue };
            let seen = values.iter().map(|value| match value {
                Value::String(text) if *is_name => Value::String(last_part(text).unwrap_or(text).to_owned()),
                other => other.clone(),
            });
            let mut seen: Vec<Value> = seen.collect();
            let value = if seen.len() == 1 { seen.remove(0) } else { Value::Array(seen) };
            fields.insert(name.clone(), value);
        }
        Value::Object(fields)
    }

    fn verdict(&self, event: &SlotEvent) -> Verdict {
        let event = self.event(event);
        self.compiled.evaluate(&Event::new(&event))
    }
}

/// Numbers for the fields of an event.
#[derive(Default)]
struct Slots {
    numbers: FxHashMap<Slot, SlotId>,
    names: Vec<String>,
}

impl Slots {
    fn number(&mut self, slot: &Slot, name: &str) -> SlotId {
        if let Some(number) = self.numbers.get(slot) {
            return *number;
        }
        let number = SlotId::try_from(self.names.len()).unwrap_or(SlotId::MAX);
        self.numbers.insert(slot.clone(), number);
        self.names.push(name.to_owned());
        number
    }
}

/// What a proof is about.
pub(crate) struct Claim<'a> {
    pub vendor: Vendor,
    pub condition: &'a Condition,
    /// The condition without what the data source says.
    pub root: &'a Node,
    pub reader: &'a Reader<'a>,
    pub taxonomy: &'a Taxonomy,
    pub target: Target,
    pub uses: &'a [Use],
    pub query: &'a str,
    pub separators: &'static [char],
}

impl Claim<'_> {
    pub fn prove(&self) -> Result<Proof, Refusal> {
        let refused = |kind, why: String| Refusal { span: None, kind, why };
        let parsed = frontend(self.target.language()).parse(&Query::new(self.query), &NoContext);
        let status = parsed.status();
        let written = match parsed.conditions.as_slice() {
            [only] if status == ParseStatus::Full && !only.absent => &only.root,
            _ => {
                let said = parsed.diagnostics.first().map_or_else(String::new, |found| format!(": {}", found.message));
                return Err(refused(RefusalKind::NotReadBack, format!("what was written is not read back{said}")));
            }
        };
        let mut slots = Slots::default();
        let mut source_names = Vec::new();
        let mut target_names = Vec::new();
        let mut paths: FxHashMap<SlotId, bool> = FxHashMap::default();
        for predicate in self.root.predicates() {
            for name in names_of(predicate) {
                let (number, is_name) = self.source_slot(name, &mut slots, &mut paths);
                push(&mut source_names, name, number, is_name);
            }
        }
        for predicate in written.predicates() {
            for name in names_of(predicate) {
                let Some((number, is_name)) = self.target_slot(name, &mut slots) else {
                    let why = format!("what was written is read back with the field `{}`", clipped(name));
                    return Err(refused(RefusalKind::NotReadBack, why));
                };
                push(&mut target_names, name, number, is_name);
            }
        }
        let slot_of = |side: usize, _: &Predicate, name: &str| -> Option<SlotUse> {
            let names = if side == 0 { &source_names } else { &target_names };
            let key = key_of(name);
            let (_, slot, sees_name) = names.iter().find(|(known, ..)| *known == key)?;
            Some(SlotUse { slot: *slot, is_path: paths.get(slot).copied().unwrap_or(false), sees_name: *sees_name })
        };
        let limits = Boundaries {
            least: LEAST_EVENTS,
            most: MOST_EVENTS,
            separators: self.separators,
            has_empty: self.target != Target::Kusto,
        };
        let mut events = boundary_events(&[self.root, written], &slot_of, limits);
        events.extend(self.example(&slots, &paths));
        let here = Side { compiled: Compiled::new(self.root), names: source_names.clone() };
        let there = Side { compiled: Compiled::new(written), names: target_names.clone() };
        let mut proof = Proof::default();
        for event in &events {
            let (one, other) = (here.verdict(event), there.verdict(event));
            let selected = one == Verdict::Holds;
            for verdict in [&one, &other] {
                if let Verdict::Unknown(reasons) = verdict {
                    let reason = reasons.first().map_or_else(String::new, ToString::to_string);
                    let span = reasons.first().map(|reason| reason.span).filter(|span| span.end > span.start);
                    let span = if std::ptr::eq(verdict, &one) { span } else { None };
                    let why = format!("what it says cannot be evaluated: {}", clipped(&reason));
                    return Err(Refusal { span, kind: RefusalKind::NotEvaluated, why });
                }
            }
            if one != other {
                let shown = self.shown(event, &slots);
                let shown = serde_json::to_string(&shown).unwrap_or_default();
                let why = format!("the rule {} and the query {} on the event {shown}", says(&one), says(&other));
                return Err(refused(RefusalKind::Unequal, why));
            }
            proof.events += 1;
            proof.selected += usize::from(selected);
            if proof.samples.iter().filter(|sample| sample.selected == selected).count() < SHOWN && !event.is_empty() {
                proof.samples.push(ProofEvent { event: self.shown(event, &slots), selected });
            }
        }
        proof.samples.sort_by_key(|sample| !sample.selected);
        Ok(proof)
    }

    /// An event that is known to be selected, where one is found.
    fn example(&self, slots: &Slots, paths: &FxHashMap<SlotId, bool>) -> Option<SlotEvent> {
        let condition = Condition { root: self.root.clone(), ..self.condition.clone() };
        let sample = Statement::new(self.vendor, &condition, self.taxonomy).example(&[])?;
        let mut event = SlotEvent::new();
        for (name, value) in sample.iter() {
            let place = slots.names.iter().position(|known| known.eq_ignore_ascii_case(name))?;
            let slot = SlotId::try_from(place).ok()?;
            // Paths are those of the rule's platform.
            let value = match (paths.get(&slot), self.separators) {
                (Some(true), ['\\']) => value.replacen("/opt/ruleatlas/", "C:\\ruleatlas\\", 1),
                (Some(true), ['/']) => value.replacen("C:\\ruleatlas\\", "/opt/ruleatlas/", 1),
                _ => value.to_owned(),
            };
            event.insert(slot, vec![Value::String(value)]);
        }
        Some(event)
    }

    fn shown(&self, event: &SlotEvent, slots: &Slots) -> BTreeMap<String, Value> {
        let named = |(slot, values): (&SlotId, &Vec<Value>)| {
            let name = slots.names.get(*slot as usize).cloned().unwrap_or_default();
            let value = match values.as_slice() {
                [only] => only.clone(),
                several => Value::Array(several.to_vec()),
            };
            (name, value)
        };
        event.iter().map(named).collect()
    }

    fn source_slot(&self, name: &str, slots: &mut Slots, paths: &mut FxHashMap<SlotId, bool>) -> (SlotId, bool) {
        if name.is_empty() {
            return (slots.number(&Slot::Raw(ANY.to_owned()), ANY), false);
        }
        match self.reader.resolve(name) {
            Some(used) => {
                let number = slots.number(&Slot::Known(used.field.index), &used.field.name);
                paths.insert(number, used.field.field_type == FieldType::Path);
                (number, used.part == Part::Name)
            }
            None => (slots.number(&Slot::Raw(fold_case(name).into_owned()), name), false),
        }
    }

    fn target_slot(&self, name: &str, slots: &mut Slots) -> Option<(SlotId, bool)> {
        if name.is_empty() {
            return Some((slots.number(&Slot::Raw(ANY.to_owned()), ANY), false));
        }
        let key = key_of(name);
        let found = self.uses.iter().find(|known| key_of(&known.to) == key)?;
        let shown = found.field.as_deref().unwrap_or(&found.from);
        Some((slots.number(&found.slot, shown), found.to_name))
    }
}

/// The fields that a comparison names.
fn names_of(predicate: &Predicate) -> impl Iterator<Item = &str> {
    let others = if predicate.op == ruleatlas_model::Op::FieldRef { predicate.values.as_slice() } else { &[] };
    std::iter::once(predicate.raw_field.as_str()).chain(others.iter().map(String::as_str))
}

/// A name as events are asked for it: without marks of lists, in lower case.
fn key_of(name: &str) -> String {
    if name.is_empty() {
        return ANY.to_owned();
    }
    ["{}", "[]", "[*]"].iter().fold(fold_case(name).into_owned(), |name, mark| name.replace(mark, ""))
}

fn push(names: &mut Vec<(String, SlotId, bool)>, name: &str, number: SlotId, is_name: bool) {
    let key = key_of(name);
    if !names.iter().any(|(known, ..)| *known == key) {
        names.push((key, number, is_name));
    }
}

fn says(verdict: &Verdict) -> &'static str {
    if *verdict == Verdict::Holds { "holds" } else { "does not hold" }
}
