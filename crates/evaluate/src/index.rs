//! Which conditions an event can satisfy at all.
//!
//! For every condition up to [`MAX_GROUPS`] **groups** are found: sets of comparisons of which one must hold, or the condition
//! fails. A comparison asks for a text within the values of a field, or for the field alone. The texts of a field are looked
//! for in one pass. A plan chooses one group a condition: one whose fields the telemetry can have, for a comparison with
//! another field is unknown and decides nothing.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    check::{Check, Needed},
    event::{Carried, Event, Field, KnownField},
    ruleset::{ConditionId, Shared},
};

/// Groups that are kept of a condition.
const MAX_GROUPS: usize = 3;
/// Comparisons of a group; a larger one chooses badly.
const MAX_ATOMS: usize = 4_000;
/// Groups that are considered of one `All`.
const MAX_CONSIDERED: usize = 64;
/// Bytes of a text that is looked for; longer ones are cut.
const MAX_NEEDLE: usize = 32;
/// Depth to which trees are followed.
const MAX_DEPTH: usize = 400;

/// Groups of conditions by the texts and fields that they ask for.
#[derive(Debug, Default)]
pub(crate) struct Index {
    fields: Vec<IndexedField>,
    known: FxHashMap<KnownField, u32>,
    /// Known fields by the names that rules use for them, in lower case: a record may have the name without its meaning.
    by_rule_name: FxHashMap<String, Vec<u32>>,
    /// By name in lower case.
    named: FxHashMap<String, u32>,
    any: Option<u32>,
    /// By condition, its groups, the best first.
    groups: Vec<Vec<Group>>,
}

#[derive(Debug)]
struct IndexedField {
    key: FieldKey,
    texts: Option<AhoCorasick>,
    /// By text, the conditions with the number of the group that asks for it.
    uses: Vec<Vec<(u32, u8)>>,
    /// Conditions that ask for the field alone.
    present: Vec<(u32, u8)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum FieldKey {
    Any,
    Known(KnownField),
    Named(String),
}

/// Comparisons of which one must hold.
#[derive(Clone, Debug)]
struct Group {
    /// The fields, each once.
    fields: Vec<u32>,
    cost: f64,
    atoms: Vec<(u32, Option<String>)>,
}

/// Which conditions are asked of a kind of events, and by which of their groups they are found.
#[derive(Debug)]
pub struct Plan {
    /// By condition.
    chosen: Vec<Chosen>,
    /// Conditions without a group.
    always: Vec<u32>,
    asked: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    NotAsked,
    Always,
    Group(u8),
}

impl Plan {
    /// How many conditions are asked.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked
    }
}

/// Memory for the search in one event.
#[derive(Debug)]
pub(crate) struct Search {
    /// The number of the event in which a condition was last found.
    seen: Vec<u32>,
    /// The same of the fields.
    fields: Vec<u32>,
    event: u32,
    found: Vec<u32>,
}

impl Index {
    pub fn new(trees: &[Shared], checks: &[Check], common: &FxHashSet<KnownField>) -> Self {
        let mut index = Self::default();
        let mut builder =
            Grouping { index: &mut index, checks, common, keys: FxHashMap::default(), atoms: FxHashMap::default() };
        let groups: Vec<Vec<Group>> = trees.iter().map(|tree| builder.groups(tree)).collect();
        let mut texts: Vec<FxHashMap<String, usize>> = vec![FxHashMap::default(); index.fields.len()];
        for (condition, groups) in groups.iter().enumerate() {
            let condition = u32::try_from(condition).unwrap_or(u32::MAX);
            for (number, group) in groups.iter().enumerate() {
                let number = u8::try_from(number).unwrap_or(u8::MAX);
                for (field, text) in &group.atoms {
                    let indexed = &mut index.fields[*field as usize];
                    let uses = match text {
                        None => &mut indexed.present,
                        Some(text) => {
                            let texts = &mut texts[*field as usize];
                            let at = *texts.entry(text.clone()).or_insert_with(|| {
                                indexed.uses.push(Vec::new());
                                indexed.uses.len() - 1
                            });
                            &mut indexed.uses[at]
                        }
                    };
                    if uses.last() != Some(&(condition, number)) {
                        uses.push((condition, number));
                    }
                }
            }
        }
        for (indexed, texts) in index.fields.iter_mut().zip(texts) {
            let mut texts: Vec<(String, usize)> = texts.into_iter().collect();
            texts.sort_unstable_by_key(|(_, at)| *at);
            if !texts.is_empty() {
                let built = AhoCorasickBuilder::new()
                    .match_kind(MatchKind::Standard)
                    .build(texts.iter().map(|(text, _)| text.as_str()));
                indexed.texts = built.ok();
            }
        }
        // The atoms stand in the fields now.
        index.groups = groups;
        for group in index.groups.iter_mut().flatten() {
            group.atoms = Vec::new();
        }
        // Without an automaton nothing is found by its texts.
        let broken: FxHashSet<u32> = (0..)
            .zip(&index.fields)
            .filter(|(_, field)| field.texts.is_none() && !field.uses.is_empty())
            .map(|(at, _)| at)
            .collect();
        if !broken.is_empty() {
            for groups in &mut index.groups {
                for group in groups.iter_mut().filter(|group| group.fields.iter().any(|field| broken.contains(field))) {
                    group.cost = f64::INFINITY;
                }
            }
        }
        index
    }

    pub fn search(&self) -> Search {
        Search { seen: vec![0; self.groups.len()], fields: vec![0; self.fields.len()], event: 0, found: Vec::new() }
    }

    pub fn plan(
        &self,
        asked: impl IntoIterator<Item = ConditionId>,
        carried: Option<&dyn Carried>,
        conditions: usize,
    ) -> Plan {
        let mut plan = Plan { chosen: vec![Chosen::NotAsked; conditions], always: Vec::new(), asked: 0 };
        let is_carried = |field: &u32| {
            let Some(carried) = carried else { return true };
            match self.fields.get(*field as usize).map(|field| &field.key) {
                Some(FieldKey::Known(field)) => carried.carries(*field),
                Some(FieldKey::Named(name)) => carried.carries_name(name),
                _ => true,
            }
        };
        for ConditionId(condition) in asked {
            let at = condition as usize;
            let Some(chosen) = plan.chosen.get_mut(at).filter(|chosen| **chosen == Chosen::NotAsked) else { continue };
            plan.asked += 1;
            let groups = self.groups.get(at).map(Vec::as_slice).unwrap_or_default();
            let usable = groups.iter().position(|group| group.cost.is_finite() && group.fields.iter().all(is_carried));
            *chosen = match usable.and_then(|number| u8::try_from(number).ok()) {
                Some(number) => Chosen::Group(number),
                None => {
                    plan.always.push(condition);
                    Chosen::Always
                }
            };
        }
        plan
    }

    pub fn candidates(&self, plan: &Plan, event: &Event<'_>, search: &mut Search) -> Vec<ConditionId> {
        search.begin();
        search.found.extend_from_slice(&plan.always);
        for field in event.known_fields_unsorted() {
            if let Some(at) = self.known.get(&field)
                && search.enter(*at)
            {
                self.search_field(*at, plan, event.texts_of_known(field), search);
            }
        }
        for (name, places) in event.names() {
            if let Some(at) = self.named.get(name) {
                self.search_field(*at, plan, event.texts_at(places), search);
            }
            for at in self.by_rule_name.get(name).into_iter().flatten() {
                if search.enter(*at) {
                    self.search_field(*at, plan, event.texts_at(places), search);
                }
            }
        }
        if let Some(at) = self.any {
            self.search_field(at, plan, event.all_texts(), search);
        }
        if event.has_inner_fields() {
            self.search_inner(plan, event, search);
        }
        search.found.sort_unstable();
        search.found.iter().map(|condition| ConditionId(*condition)).collect()
    }

    /// Names with brackets, and names of fields inside of texts that hold JSON.
    fn search_inner(&self, plan: &Plan, event: &Event<'_>, search: &mut Search) {
        for (at, indexed) in (0..).zip(&self.fields) {
            let name = match &indexed.key {
                FieldKey::Named(name) => name,
                _ => continue,
            };
            if !event.may_have_inside(name) {
                continue;
            }
            let values = event.values(&Field::new(name));
            if !values.is_empty() {
                self.search_field(at, plan, values.into_iter().map(|value| value.text(false)), search);
            }
        }
        for (name, places) in &self.by_rule_name {
            if !event.may_have_inside(name) {
                continue;
            }
            let values = event.values(&Field::new(name));
            for at in places.iter().filter(|_| !values.is_empty()) {
                if search.enter(*at) {
                    self.search_field(*at, plan, values.iter().map(|value| value.text(false)), search);
                }
            }
        }
    }

    fn search_field<'t>(&self, at: u32, plan: &Plan, texts: impl Iterator<Item = &'t str>, search: &mut Search) {
        let Some(indexed) = self.fields.get(at as usize) else { return };
        search.add(&indexed.present, plan);
        let Some(automaton) = &indexed.texts else { return };
        for text in texts {
            for found in automaton.find_overlapping_iter(text) {
                if let Some(uses) = indexed.uses.get(found.pattern().as_usize()) {
                    search.add(uses, plan);
                }
            }
        }
    }
}

impl Search {
    fn begin(&mut self) {
        self.found.clear();
        self.event = self.event.wrapping_add(1);
        if self.event == 0 {
            self.seen.fill(0);
            self.fields.fill(0);
            self.event = 1;
        }
    }

    /// Whether a field was not searched in this event before.
    fn enter(&mut self, field: u32) -> bool {
        let event = self.event;
        self.fields.get_mut(field as usize).is_some_and(|seen| std::mem::replace(seen, event) != event)
    }

    fn add(&mut self, uses: &[(u32, u8)], plan: &Plan) {
        for (condition, group) in uses {
            let at = *condition as usize;
            if plan.chosen.get(at) != Some(&Chosen::Group(*group)) {
                continue;
            }
            if let Some(seen) = self.seen.get_mut(at)
                && *seen != self.event
            {
                *seen = self.event;
                self.found.push(*condition);
            }
        }
    }
}

/// Finds the groups of conditions.
struct Grouping<'g> {
    index: &'g mut Index,
    checks: &'g [Check],
    common: &'g FxHashSet<KnownField>,
    keys: FxHashMap<FieldKey, u32>,
    /// The groups of single comparisons, by comparison and what is wanted of it.
    atoms: FxHashMap<(u32, bool), Option<Group>>,
}

impl Grouping<'_> {
    /// The best groups of a condition, the first on other fields than the others.
    fn groups(&mut self, tree: &Shared) -> Vec<Group> {
        let mut all = self.all(tree, true, 0);
        all.sort_by(|one, other| one.cost.total_cmp(&other.cost));
        let mut kept: Vec<Group> = Vec::new();
        for group in all {
            if kept.len() < MAX_GROUPS && !kept.iter().any(|other| other.fields == group.fields) {
                kept.push(group);
            }
        }
        kept
    }

    /// Groups of which each is necessary for the tree to hold, or to fail where `wanted` is false.
    fn all(&mut self, tree: &Shared, wanted: bool, depth: usize) -> Vec<Group> {
        if depth > MAX_DEPTH {
            return Vec::new();
        }
        match tree {
            Shared::Unknown(_) => Vec::new(),
            Shared::Not(child) => self.all(child, !wanted, depth + 1),
            Shared::Check(check) => self.atom(*check, wanted).into_iter().collect(),
            Shared::All(children) | Shared::Any(children) => {
                if matches!(tree, Shared::All(_)) == wanted {
                    let mut groups = Vec::new();
                    for child in children {
                        groups.extend(self.all(child, wanted, depth + 1));
                        if groups.len() >= MAX_CONSIDERED {
                            break;
                        }
                    }
                    return groups;
                }
                let mut union = Group { fields: Vec::new(), cost: 0.0, atoms: Vec::new() };
                for child in children {
                    let of_child = self.all(child, wanted, depth + 1);
                    let Some(best) = of_child.into_iter().min_by(|one, other| one.cost.total_cmp(&other.cost)) else {
                        return Vec::new();
                    };
                    union.cost += best.cost;
                    union.atoms.extend(best.atoms);
                    union.fields.extend(best.fields);
                    if union.atoms.len() > MAX_ATOMS {
                        return Vec::new();
                    }
                }
                union.fields.sort_unstable();
                union.fields.dedup();
                vec![union]
            }
        }
    }

    fn atom(&mut self, check: u32, wanted: bool) -> Option<Group> {
        if let Some(known) = self.atoms.get(&(check, wanted)) {
            return known.clone();
        }
        let made = self.make_atom(check, wanted);
        self.atoms.insert((check, wanted), made.clone());
        made
    }

    fn make_atom(&mut self, check: u32, wanted: bool) -> Option<Group> {
        let (field, needed) = self.checks.get(check as usize)?.needed(wanted)?;
        let is_common = matches!(field, Field::Known { field, .. } if self.common.contains(field));
        let at = self.field(field);
        let (atoms, cost): (Vec<(u32, Option<String>)>, f64) = match needed {
            Needed::Value => (vec![(at, None)], 1.0),
            Needed::Texts(texts) => {
                let cost = texts.iter().map(|text| 1.0 / (1.0 + text.len() as f64).powi(2)).sum();
                let cut = |text: String| {
                    let mut end = text.len().min(MAX_NEEDLE);
                    while !text.is_char_boundary(end) {
                        end -= 1;
                    }
                    // A file's name stands at the end of its path.
                    let mut start = text.len() - end;
                    while !text.is_char_boundary(start) {
                        start += 1;
                    }
                    text.get(start..).unwrap_or_default().to_owned()
                };
                (texts.into_iter().map(|text| (at, Some(cut(text)))).collect(), cost)
            }
        };
        if atoms.len() > MAX_ATOMS {
            return None;
        }
        let cost = cost.min(1.0) + if is_common { 1.0 } else { 0.0 };
        Some(Group { fields: vec![at], cost, atoms })
    }

    fn field(&mut self, field: &Field) -> u32 {
        let key = match field {
            Field::Any => FieldKey::Any,
            Field::Known { field, .. } => FieldKey::Known(*field),
            Field::Named(name) => FieldKey::Named(name.folded().to_owned()),
        };
        let at = match self.keys.get(&key) {
            Some(at) => *at,
            None => {
                let at = u32::try_from(self.index.fields.len()).unwrap_or(u32::MAX);
                match &key {
                    FieldKey::Any => self.index.any = Some(at),
                    FieldKey::Known(field) => {
                        self.index.known.insert(*field, at);
                    }
                    FieldKey::Named(name) => {
                        self.index.named.insert(name.clone(), at);
                    }
                }
                self.keys.insert(key.clone(), at);
                self.index.fields.push(IndexedField { key, texts: None, uses: Vec::new(), present: Vec::new() });
                at
            }
        };
        if let Field::Known { name, .. } = field {
            let places = self.index.by_rule_name.entry(name.folded().to_owned()).or_default();
            if !places.contains(&at) {
                places.push(at);
            }
        }
        at
    }
}
