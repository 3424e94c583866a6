//! Events on both sides of every comparison of some conditions, for showing that two of them say the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use ruleatlas_core::{Literal as Normal, normal_form};
use ruleatlas_evaluate::{dash_alternatives, encoded_values};
use ruleatlas_model::{Missing, Modifier, Node, Op, Predicate};
use serde_json::Value;

use crate::pattern::{Pattern, last_part};

/// A field of the events that are made up.
pub type SlotId = u32;

/// What a comparison compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotUse {
    /// The field.
    pub slot: SlotId,
    /// Whether the field holds paths.
    pub is_path: bool,
    /// Whether the comparison sees the last part of the path only.
    pub sees_name: bool,
}

/// How many events are made, and of what kind.
#[derive(Clone, Copy, Debug)]
pub struct Boundaries {
    /// At least so many, as far as conditions give as many different ones.
    pub least: usize,
    /// At most so many.
    pub most: usize,
    /// What parts the folders of a path.
    pub separators: &'static [char],
    /// Whether a field may hold an empty text.
    pub has_empty: bool,
}

/// An event: the values of each field that it has.
pub type SlotEvent = BTreeMap<SlotId, Vec<Value>>;

/// Values of one value of a comparison: some in the set, some just outside.
#[derive(Clone, Debug, Default)]
struct Edges {
    inside: Vec<String>,
    outside: Vec<String>,
}

struct Leaf {
    used: SlotUse,
    /// By value of the comparison.
    edges: Vec<Edges>,
    is_presence: bool,
    /// Whether the comparison asks for a value that is not in its set.
    wants_outside: bool,
    is_missing_good: bool,
    /// The other field that it compares with.
    other: Option<SlotUse>,
    is_order: bool,
}

/// A condition over the leaves, which are numbered in its order.
struct Tree {
    kind: Kind,
    /// The leaves below.
    leaves: Range<usize>,
}

enum Kind {
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Leaf,
}

/// Random enough, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

/// Events on the boundaries of every comparison of `conditions`, each in the light of what the others ask, and combinations
/// of them. `slot_of` says which field a name of a comparison of the condition at a place is; what has none is left out.
#[must_use]
pub fn boundary_events(
    conditions: &[&Node],
    slot_of: &dyn Fn(usize, &Predicate, &str) -> Option<SlotUse>,
    limits: Boundaries,
) -> Vec<SlotEvent> {
    let mut maker = Maker {
        leaves: Vec::new(),
        limits,
        dice: Dice(0x9E37_79B9_7F4A_7C15),
        events: Vec::new(),
        known: Default::default(),
        paths: BTreeSet::new(),
    };
    let mut trees = Vec::new();
    for (at, condition) in conditions.iter().enumerate() {
        trees.push(maker.tree(&normal_form(condition), &|predicate, name| slot_of(at, predicate, name)));
    }
    maker.run(&trees);
    maker.events
}

struct Maker {
    leaves: Vec<Leaf>,
    limits: Boundaries,
    dice: Dice,
    events: Vec<SlotEvent>,
    known: rustc_hash::FxHashSet<u64>,
    paths: BTreeSet<SlotId>,
}

impl Maker {
    fn tree(&mut self, normal: &Normal<'_>, slot_of: &dyn Fn(&Predicate, &str) -> Option<SlotUse>) -> Tree {
        let first = self.leaves.len();
        let kind = self.kind(normal, slot_of);
        Tree { kind, leaves: first..self.leaves.len() }
    }

    fn kind(&mut self, normal: &Normal<'_>, slot_of: &dyn Fn(&Predicate, &str) -> Option<SlotUse>) -> Kind {
        match normal {
            Normal::All(children) => Kind::All(children.iter().map(|child| self.tree(child, slot_of)).collect()),
            Normal::Any { children, .. } => Kind::Any(children.iter().map(|child| self.tree(child, slot_of)).collect()),
            Normal::Opaque { .. } => Kind::All(Vec::new()),
            Normal::Predicate { predicate, inverted } => {
                let Some(used) = slot_of(predicate, &predicate.raw_field) else { return Kind::All(Vec::new()) };
                if used.is_path {
                    self.paths.insert(used.slot);
                }
                let is_presence = predicate.op.is_presence();
                let is_negative = predicate.negated != *inverted;
                let other = (predicate.op == Op::FieldRef)
                    .then(|| slot_of(predicate, predicate.values.first().map_or("", String::as_str)))
                    .flatten();
                self.leaves.push(Leaf {
                    used,
                    edges: edges(predicate, used, self.limits),
                    is_presence,
                    wants_outside: if is_presence { (predicate.op == Op::IsNull) != is_negative } else { is_negative },
                    is_missing_good: match predicate.missing {
                        Missing::Null => false,
                        Missing::Fails => *inverted,
                        Missing::Holds => !inverted,
                    },
                    other,
                    is_order: matches!(predicate.op, Op::Lt | Op::Lte | Op::Gt | Op::Gte),
                });
                Kind::Leaf
            }
        }
    }

    fn run(&mut self, trees: &[Tree]) {
        let total: usize = self.leaves.iter().map(|leaf| leaf.edges.len().max(1)).sum();
        // Of long lists every value has its nearest neighbours, and no more.
        let share = (self.limits.most / 2 / total.max(1)).max(2);
        self.add(SlotEvent::new());
        for tree in trees {
            for _ in 0..4 {
                let mut event = SlotEvent::new();
                self.satisfy(tree, true, &mut event);
                self.add(event);
            }
        }
        for tree in trees {
            for leaf in tree.leaves.clone() {
                let values = self.values_of(leaf, share);
                let Some(slot) = self.leaves.get(leaf).map(|leaf| leaf.used.slot) else { continue };
                for (at, value) in values.into_iter().enumerate() {
                    if self.events.len() >= self.limits.most {
                        return;
                    }
                    let mut event = SlotEvent::new();
                    self.critical(tree, leaf, &mut event);
                    let value = self.spelled(&value, at);
                    event.insert(slot, vec![value]);
                    self.add(event);
                }
                let mut event = SlotEvent::new();
                self.critical(tree, leaf, &mut event);
                event.remove(&slot);
                self.add(event);
            }
        }
        // Combinations, until there are enough; a condition of few values gives few.
        let mut attempts = 0;
        while self.events.len() < self.limits.least && attempts < self.limits.least * 8 {
            attempts += 1;
            let pick = self.dice.roll(trees.len());
            let Some(tree) = trees.get(pick) else { return };
            let mut event = SlotEvent::new();
            let wanted = self.dice.roll(3) > 0;
            self.satisfy(tree, wanted, &mut event);
            self.disturb(&mut event);
            self.add(event);
        }
    }

    fn add(&mut self, mut event: SlotEvent) {
        use std::hash::{Hash as _, Hasher as _};
        if !self.limits.has_empty {
            event.values_mut().for_each(|values| values.retain(|value| value.as_str() != Some("")));
            event.retain(|_, values| !values.is_empty());
        }
        // A path has a name behind its last folder.
        for slot in &self.paths {
            for value in event.get_mut(slot).into_iter().flatten() {
                if let Value::String(text) = value
                    && (text.is_empty() || text.ends_with(['\\', '/']))
                {
                    text.push('x');
                }
            }
        }
        let mut hasher = rustc_hash::FxHasher::default();
        for (slot, values) in &event {
            (slot, values.len()).hash(&mut hasher);
            values.iter().for_each(|value| value.to_string().hash(&mut hasher));
        }
        if self.events.len() < self.limits.most && self.known.insert(hasher.finish()) {
            self.events.push(event);
        }
    }

    /// A number as one, now and then.
    fn spelled(&mut self, text: &str, at: usize) -> Value {
        match text.parse::<i64>() {
            Ok(number) if at % 2 == 1 && number.to_string() == text => Value::from(number),
            _ => Value::String(text.to_owned()),
        }
    }

    /// All that is tried of a comparison, at most so many values of each of its own.
    fn values_of(&self, leaf: usize, share: usize) -> Vec<String> {
        let Some(leaf) = self.leaves.get(leaf) else { return Vec::new() };
        let mut values = Vec::new();
        for edges in &leaf.edges {
            let half = (share / 2).max(1);
            values.extend(edges.inside.iter().take(half).cloned());
            values.extend(edges.outside.iter().take(share.saturating_sub(half).max(1)).cloned());
        }
        if leaf.is_order {
            values.push("x".to_owned());
        }
        if self.limits.has_empty && !leaf.used.is_path {
            values.push(String::new());
        }
        values
    }

    /// Sets fields so that a tree is as wanted, as far as one choice after the other can.
    fn satisfy(&mut self, tree: &Tree, wanted: bool, event: &mut SlotEvent) {
        match (&tree.kind, wanted) {
            (Kind::All(children), true) | (Kind::Any(children), false) => {
                children.iter().for_each(|child| self.satisfy(child, wanted, event));
            }
            (Kind::All(children) | Kind::Any(children), _) => {
                let pick = self.dice.roll(children.len());
                if let Some(child) = children.get(pick) {
                    self.satisfy(child, wanted, event);
                }
            }
            (Kind::Leaf, _) => self.set(tree.leaves.start, wanted, event),
        }
    }

    /// Sets fields so that one comparison decides: what stands beside it in an `All` holds, and in an `Any` does not.
    fn critical(&mut self, tree: &Tree, leaf: usize, event: &mut SlotEvent) {
        let (Kind::All(children) | Kind::Any(children)) = &tree.kind else { return };
        let beside = matches!(tree.kind, Kind::All(_));
        let (within, others): (Vec<&Tree>, Vec<&Tree>) =
            children.iter().partition(|child| child.leaves.contains(&leaf));
        others.into_iter().for_each(|child| self.satisfy(child, beside, event));
        within.into_iter().for_each(|child| self.critical(child, leaf, event));
    }

    /// Gives a field a value with which a comparison is as wanted.
    fn set(&mut self, leaf: usize, wanted: bool, event: &mut SlotEvent) {
        let Some(leaf) = self.leaves.get(leaf) else { return };
        let slot = leaf.used.slot;
        let wants_inside = leaf.wants_outside != wanted;
        if let (Some(other), true) = (leaf.other, wants_inside) {
            let value = Value::String("same".to_owned());
            event.insert(slot, vec![value.clone()]);
            event.insert(other.slot, vec![value]);
            return;
        }
        if leaf.is_presence {
            if wants_inside {
                let value = Value::String(self.plain(leaf.used, "x"));
                event.entry(slot).or_insert_with(|| vec![value]);
            } else {
                event.remove(&slot);
            }
            return;
        }
        if !wants_inside {
            // What is not there is in no set.
            if leaf.is_missing_good == wanted && self.dice.roll(2) == 0 {
                return;
            }
            if event.contains_key(&slot) {
                return;
            }
        }
        let pick = self.dice.roll(leaf.edges.len());
        let Some(edges) = leaf.edges.get(pick) else { return };
        let from = if wants_inside { &edges.inside } else { &edges.outside };
        let pick = if self.dice.roll(3) == 0 { self.dice.roll(from.len()) } else { 0 };
        let Some(text) = from.get(pick).cloned() else { return };
        let value = match event.get(&slot).and_then(|values| values.first()) {
            // Two texts that have to be in one value.
            Some(Value::String(known)) if wants_inside && !leaf.used.sees_name => match self.dice.roll(3) {
                0 => text,
                1 => format!("{text} {known}"),
                _ => format!("{known} {text}"),
            },
            _ => text,
        };
        let at = self.dice.roll(2);
        let value = self.spelled(&value, at);
        event.insert(slot, vec![value]);
    }

    /// A value that says nothing.
    fn plain(&self, used: SlotUse, text: &str) -> String {
        let path = used.is_path.then(|| paths(text, true, self.limits).into_iter().next()).flatten();
        path.unwrap_or_else(|| text.to_owned())
    }

    /// Changes something of an event: its case, a field that is there, a second value.
    fn disturb(&mut self, event: &mut SlotEvent) {
        let leaf = self.dice.roll(self.leaves.len());
        let kind = self.dice.roll(6);
        let Some(slot) = self.leaves.get(leaf).map(|leaf| leaf.used.slot) else { return };
        match kind {
            0 => {
                event.remove(&slot);
            }
            1 => {
                for value in event.values_mut().flatten() {
                    if let Value::String(text) = value
                        && !is_truth(text)
                    {
                        *text = text.chars().map(swapped).collect();
                    }
                }
            }
            2 => {
                let values = self.values_of(leaf, 8);
                let pick = self.dice.roll(values.len());
                if let Some(value) = values.get(pick) {
                    event.entry(slot).or_default().push(Value::String(value.clone()));
                }
            }
            3 => {
                let values = self.values_of(leaf, 8);
                let pick = self.dice.roll(values.len());
                if let Some(value) = values.get(pick) {
                    event.insert(slot, vec![Value::String(value.clone())]);
                }
            }
            4 => {
                let number = self.dice.roll(1_000_000);
                let Some(used) = self.leaves.get(leaf).map(|leaf| leaf.used) else { return };
                let value = Value::String(self.plain(used, &format!("sample {number}")));
                event.insert(slot, vec![value]);
            }
            _ => {}
        }
    }
}

/// A truth value has no other spelling.
fn is_truth(text: &str) -> bool {
    matches!(text, "true" | "false")
}

fn swapped(character: char) -> char {
    match character {
        'a'..='z' => character.to_ascii_uppercase(),
        'A'..='Z' => character.to_ascii_lowercase(),
        other => other,
    }
}

fn edges(predicate: &Predicate, used: SlotUse, limits: Boundaries) -> Vec<Edges> {
    if predicate.op.is_presence() || predicate.op == Op::FieldRef {
        let text = |text: &str| if used.is_path { paths(text, true, limits) } else { vec![text.to_owned()] };
        return vec![Edges { inside: [text("same"), text("x")].concat(), outside: text("other") }];
    }
    let predicate = &spelled_out(predicate);
    Pattern::of(predicate, used.is_path, used.sees_name)
        .iter()
        .zip(&predicate.values)
        .map(|(pattern, value)| {
            if is_truth(value) {
                let other = if value == "true" { "false" } else { "true" };
                return Edges { inside: vec![value.clone()], outside: vec![other.to_owned()] };
            }
            let sample = pattern.sample().unwrap_or_else(|| value.clone());
            let mut edges = Edges { inside: vec![sample.clone()], outside: pattern.outside() };
            edges.inside.push(sample.chars().map(swapped).collect());
            edges.inside.push(sample.to_uppercase());
            let longer = [format!("x{sample}"), format!("{sample}x"), format!("x{sample}x"), format!(" {sample} ")];
            edges.inside.extend(longer.iter().take(2).cloned());
            edges.outside.extend(longer);
            let mut shorter = sample.clone();
            if shorter.pop().is_some() {
                edges.outside.push(shorter);
            }
            let mut characters = sample.chars();
            if characters.next().is_some() {
                edges.outside.push(characters.as_str().to_owned());
            }
            if let Some(separator) = limits.separators.first() {
                edges.outside.push(format!("{sample}{separator}{sample}"));
            }
            edges.outside.push("x".to_owned());
            if used.is_path {
                edges.inside = edges.inside.iter().flat_map(|text| paths(text, pattern.is_name, limits)).collect();
                edges.outside = edges.outside.iter().flat_map(|text| paths(text, pattern.is_name, limits)).collect();
            }
            edges.outside.dedup();
            edges
        })
        .collect()
}

/// Paths that end in a text, or are one: a path has a folder before its name.
fn paths(text: &str, is_name: bool, limits: Boundaries) -> Vec<String> {
    if last_part(text).is_some() && !is_name {
        return vec![text.to_owned()];
    }
    let rooted = |separator: &char| match separator {
        '/' => format!("/opt/ruleatlas/{text}"),
        _ => format!("C:\\ruleatlas\\{text}"),
    };
    limits.separators.iter().map(rooted).collect()
}

/// The comparison with the values that its modifiers make of its own.
fn spelled_out(predicate: &Predicate) -> Predicate {
    const MOST: usize = 16;
    let mut plain = predicate.clone();
    if predicate.op == Op::RegexMatch || predicate.modifiers.is_empty() {
        return plain;
    }
    if let Ok(values) = encoded_values(predicate, MOST) {
        plain.values = values;
    }
    if predicate.modifiers.contains(Modifier::Windash)
        && let Some(values) = dash_alternatives(&plain.values, predicate.op == Op::Wildcard, MOST)
    {
        plain.values = values;
    }
    if predicate.op != Op::Match {
        plain.modifiers = ruleatlas_model::Modifiers::NONE;
    }
    plain
}
