//! Which conditions an event can satisfy at all.
//!
//! For every condition up to [`MAX_GROUPS`] **groups** are found: sets of comparisons of which one must hold, or the condition
//! fails. A comparison asks for a text within the values of a field, for a value that is a text or a number, or for the field
//! alone: that is an **atom**, which all conditions share that have the comparison. The texts within the values of a field are
//! looked for in one pass. A plan chooses one group a condition: one whose fields the telemetry can have, for a comparison with
//! another field is unknown and decides nothing.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    check::Check,
    event::{Carried, Event, FieldValue, KnownField, Name},
    groups::{Group, Grouping},
    matcher::Need,
    ruleset::{ConditionId, Shared},
    scalar::ScalarKey,
};

/// Bytes of a text that is looked for; longer ones are cut.
const MAX_NEEDLE: usize = 32;

/// Groups of conditions by the texts and fields that they ask for.
#[derive(Debug, Default)]
pub(crate) struct Index {
    fields: Vec<IndexedField>,
    known: FxHashMap<KnownField, u32>,
    /// Known fields by the names that rules use for them, in lower case: a record may have the name without its meaning.
    by_rule_name: FxHashMap<String, (Name, Vec<u32>)>,
    /// By name in lower case.
    named: FxHashMap<String, u32>,
    any: Option<u32>,
    /// By condition, its groups, the best first.
    groups: Vec<Box<[Group]>>,
    /// By atom, the conditions with the number of the group that asks.
    uses: Vec<Box<[(u32, u8)]>>,
}

#[derive(Debug)]
struct IndexedField {
    key: FieldKey,
    /// The name, of a field that is one.
    name: Option<Name>,
    texts: Option<AhoCorasick>,
    /// By text inside, the atoms that ask for it.
    inside: Vec<Vec<u32>>,
    /// By whole text.
    whole: FxHashMap<Box<str>, Vec<u32>>,
    /// Bytes of the longest of these.
    longest: usize,
    /// By number.
    numbers: FxHashMap<ScalarKey, Vec<u32>>,
    /// Atoms that ask for the field alone.
    present: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FieldKey {
    Any,
    Known(KnownField),
    Named(String),
}

/// Which conditions are asked of a kind of events, and by which of their groups they are found.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// By condition: that it is not asked, that it is found in every event, or by which group it is found.
    chosen: Box<[u8]>,
    /// Conditions without a group.
    always: Box<[u32]>,
    asked: usize,
}

const NOT_ASKED: u8 = u8::MAX;
const ALWAYS: u8 = u8::MAX - 1;

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
    /// The same of the atoms.
    atoms: Vec<u32>,
    /// The same of the fields.
    fields: Vec<u32>,
    event: u32,
    found: Vec<u32>,
}

impl Index {
    pub fn new(trees: &[Shared], checks: &[Check], common: &FxHashSet<KnownField>) -> Self {
        let mut grouping = Grouping::new(checks, common);
        let groups: Vec<Box<[Group]>> = trees.iter().map(|tree| grouping.groups(tree)).collect();
        let Grouping { atoms, fields, by_rule_name, .. } = grouping;
        let mut index = Self { by_rule_name, ..Self::default() };
        for (at, key) in (0..).zip(fields) {
            index.add_field(at, key);
        }
        let mut uses: Vec<Vec<(u32, u8)>> = vec![Vec::new(); atoms.len()];
        for (condition, groups) in (0..).zip(&groups) {
            for (number, group) in (0..).zip(groups) {
                for atom in &group.atoms {
                    let uses = &mut uses[*atom as usize];
                    if uses.last() != Some(&(condition, number)) {
                        uses.push((condition, number));
                    }
                }
            }
        }
        let mut texts: Vec<FxHashMap<String, usize>> = vec![FxHashMap::default(); index.fields.len()];
        for ((number, atom), uses) in (0..).zip(atoms).zip(&uses) {
            if uses.is_empty() {
                continue;
            }
            let (indexed, texts) = (&mut index.fields[atom.field as usize], &mut texts[atom.field as usize]);
            let Some(needs) = atom.needs else {
                indexed.present.push(number);
                continue;
            };
            for need in needs {
                let atoms = match need {
                    Need::Whole(text) => {
                        indexed.longest = indexed.longest.max(text.len());
                        indexed.whole.entry(text.into()).or_default()
                    }
                    Need::Number(scalar) => indexed.numbers.entry(scalar.key()).or_default(),
                    Need::Inside(text) => {
                        let at = *texts.entry(cut(text)).or_insert(indexed.inside.len());
                        if at == indexed.inside.len() {
                            indexed.inside.push(Vec::new());
                        }
                        &mut indexed.inside[at]
                    }
                };
                if atoms.last() != Some(&number) {
                    atoms.push(number);
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
        index.groups = groups;
        index.uses = uses.into_iter().map(Vec::into_boxed_slice).collect();
        for group in index.groups.iter_mut().flatten() {
            group.atoms = Vec::new();
        }
        // Without an automaton nothing is found by its texts.
        let broken: FxHashSet<u32> = (0..)
            .zip(&index.fields)
            .filter(|(_, field)| field.texts.is_none() && !field.inside.is_empty())
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

    fn add_field(&mut self, at: u32, key: FieldKey) {
        let mut name = None;
        match &key {
            FieldKey::Any => self.any = Some(at),
            FieldKey::Known(field) => _ = self.known.insert(*field, at),
            FieldKey::Named(folded) => {
                name = Some(Name::new(folded));
                self.named.insert(folded.clone(), at);
            }
        }
        self.fields.push(IndexedField {
            key,
            name,
            texts: None,
            inside: Vec::new(),
            whole: FxHashMap::default(),
            longest: 0,
            numbers: FxHashMap::default(),
            present: Vec::new(),
        });
    }

    pub fn search(&self) -> Search {
        Search {
            seen: vec![0; self.groups.len()],
            atoms: vec![0; self.uses.len()],
            fields: vec![0; self.fields.len()],
            event: 0,
            found: Vec::new(),
        }
    }

    pub fn plan(
        &self,
        asked: impl IntoIterator<Item = ConditionId>,
        carried: Option<&dyn Carried>,
        conditions: usize,
    ) -> Plan {
        let (mut chosen_of, mut always, mut count) = (vec![NOT_ASKED; conditions], Vec::new(), 0);
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
            let Some(chosen) = chosen_of.get_mut(at).filter(|chosen| **chosen == NOT_ASKED) else { continue };
            count += 1;
            let groups = self.groups.get(at).map(AsRef::as_ref).unwrap_or_default();
            let usable = groups.iter().position(|group| group.cost.is_finite() && group.fields.iter().all(is_carried));
            *chosen = match usable.and_then(|number| u8::try_from(number).ok()) {
                Some(number) => number,
                None => {
                    always.push(condition);
                    ALWAYS
                }
            };
        }
        always.sort_unstable();
        Plan { chosen: chosen_of.into(), always: always.into(), asked: count }
    }

    pub fn candidates(&self, plan: &Plan, event: &Event<'_>, search: &mut Search) -> Vec<ConditionId> {
        search.begin();
        search.found.extend_from_slice(&plan.always);
        for field in event.known_fields_unsorted() {
            if let Some(at) = self.known.get(&field)
                && search.enter(*at)
            {
                self.search_field(*at, plan, event.values_of_known(field), search);
            }
        }
        for (name, places) in event.names() {
            if let Some(at) = self.named.get(name) {
                self.search_field(*at, plan, event.values_at(places), search);
            }
            for at in self.by_rule_name.get(name).into_iter().flat_map(|(_, places)| places) {
                if search.enter(*at) {
                    self.search_field(*at, plan, event.values_at(places), search);
                }
            }
        }
        if let Some(at) = self.any {
            self.search_field(at, plan, event.all_values(), search);
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
            let Some(name) = &indexed.name else { continue };
            if !event.may_have_inside(name.folded()) {
                continue;
            }
            let values = event.named_values(name);
            if !values.is_empty() {
                self.search_field(at, plan, values.into_iter(), search);
            }
        }
        for (folded, (name, places)) in &self.by_rule_name {
            if !event.may_have_inside(folded) {
                continue;
            }
            let values = event.named_values(name);
            for at in places.iter().filter(|_| !values.is_empty()) {
                if search.enter(*at) {
                    self.search_field(*at, plan, values.iter().copied(), search);
                }
            }
        }
    }

    fn search_field<'v, 'e: 'v>(
        &self,
        at: u32,
        plan: &Plan,
        values: impl Iterator<Item = &'v FieldValue<'e>>,
        search: &mut Search,
    ) {
        let Some(indexed) = self.fields.get(at as usize) else { return };
        self.add(&indexed.present, plan, search);
        for value in values {
            let text = value.text(false);
            if text.len() <= indexed.longest
                && let Some(atoms) = indexed.whole.get(text)
            {
                self.add(atoms, plan, search);
            }
            if !indexed.numbers.is_empty()
                && let Some(atoms) = value.scalar().and_then(|scalar| indexed.numbers.get(&scalar.key()))
            {
                self.add(atoms, plan, search);
            }
            if let Some(automaton) = &indexed.texts {
                for found in automaton.find_overlapping_iter(text) {
                    if let Some(atoms) = indexed.inside.get(found.pattern().as_usize()) {
                        self.add(atoms, plan, search);
                    }
                }
            }
        }
    }

    /// Finds the conditions that ask for one of some atoms.
    fn add(&self, atoms: &[u32], plan: &Plan, search: &mut Search) {
        let event = search.event;
        for atom in atoms {
            let at = *atom as usize;
            // Mostly it is found in the same event again.
            if search.atoms.get_mut(at).is_some_and(|seen| std::mem::replace(seen, event) == event) {
                continue;
            }
            for (condition, group) in self.uses.get(at).map(AsRef::as_ref).unwrap_or_default() {
                search.add(*condition, *group, plan);
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
            self.atoms.fill(0);
            self.fields.fill(0);
            self.event = 1;
        }
    }

    /// Whether a field was not searched in this event before.
    fn enter(&mut self, field: u32) -> bool {
        let event = self.event;
        self.fields.get_mut(field as usize).is_some_and(|seen| std::mem::replace(seen, event) != event)
    }

    fn add(&mut self, condition: u32, group: u8, plan: &Plan) {
        let at = condition as usize;
        if plan.chosen.get(at) == Some(&group)
            && let Some(seen) = self.seen.get_mut(at)
            && std::mem::replace(seen, self.event) != self.event
        {
            self.found.push(condition);
        }
    }
}

/// A text as it is looked for: the end of a long one, for a file's name stands at the end of its path.
fn cut(text: String) -> String {
    let mut start = text.len().saturating_sub(MAX_NEEDLE);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    match start {
        0 => text,
        start => text.get(start..).unwrap_or_default().to_owned(),
    }
}
