//! From the ontology's triples to the countermeasures of each technique.
//!
//! 1. A technique is considered with its sub-techniques, and with the techniques above it: a sub-technique does what its
//!    technique does. What stands above without an id of ATT&CK is a tactic's class and says nothing.
//! 2. What it touches: every relation, said of all its members (`someValuesFrom`) or directly, to a digital artifact.
//! 3. A countermeasure touches artifacts likewise, by any relation.
//! 4. It counters the technique when the technique's artifact is the countermeasure's or a kind of it.

use rustc_hash::{FxHashMap, FxHashSet};

use super::graph::{Graph, Id};

/// Which countermeasures counter which techniques.
pub(super) struct Derived {
    /// In the order of their ids.
    pub(super) countermeasures: Vec<Counter>,
    /// By ATT&CK id: the countermeasures by their place, and the ways. Ordered, as both lists in it are.
    pub(super) techniques: Vec<(String, Countered)>,
}

/// Countermeasures by their place, each with its ways.
type Countered = Vec<(u32, Vec<Way>)>;

/// A countermeasure.
pub(super) struct Counter {
    pub(super) class: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) tactic: Option<String>,
    pub(super) definition: String,
}

/// How a countermeasure meets a technique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Way {
    /// The technique itself, one below or one above.
    technique: Id,
    relation: Id,
    artifact: Id,
    counter_relation: Id,
    counter_artifact: Id,
}

impl Derived {
    pub(super) fn of(graph: &Graph) -> Self {
        let classes = Classes::of(graph);
        let artifacts = classes.below_named(graph, "DigitalArtifact");
        let defensive = classes.below_named(graph, "DefensiveTechnique");
        let attack_ids = &graph.attack_ids;
        let mut countermeasures: Vec<(Id, Counter)> = defensive
            .iter()
            .filter_map(|class| Some((*class, graph.d3fend_ids.get(class)?)))
            .map(|(class, id)| (class, counter(graph, &classes, class, id)))
            .collect();
        countermeasures.sort_by(|a, b| (&a.1.id, &a.1.class).cmp(&(&b.1.id, &b.1.class)));
        let places: FxHashMap<Id, u32> =
            (0..).zip(&countermeasures).map(|(place, (class, _))| (*class, place)).collect();

        // By artifact: who counters what touches it, or a kind of it.
        let mut countering: FxHashMap<Id, Vec<(u32, Id, Id)>> = FxHashMap::default();
        let mut touching: FxHashMap<Id, Vec<(Id, Id)>> = FxHashMap::default();
        for (subject, relation, artifact) in &graph.edges {
            if !artifacts.contains(artifact) {
                continue;
            }
            if let Some(place) = places.get(subject) {
                countering.entry(*artifact).or_default().push((*place, *relation, *artifact));
            }
            if attack_ids.contains_key(subject) {
                touching.entry(*subject).or_default().push((*relation, *artifact));
            }
        }
        let mut above: FxHashMap<Id, Vec<(u32, Id, Id)>> = FxHashMap::default();
        let mut own: FxHashMap<Id, Vec<(u32, Way)>> = FxHashMap::default();
        for (technique, touched) in &touching {
            let ways = own.entry(*technique).or_default();
            for (relation, artifact) in touched {
                let counters = above.entry(*artifact).or_insert_with(|| {
                    let kinds = classes.closure(*artifact, &classes.up);
                    kinds.iter().filter_map(|kind| countering.get(kind)).flatten().copied().collect()
                });
                ways.extend(counters.iter().map(|(place, counter_relation, counter_artifact)| {
                    let way = Way {
                        technique: *technique,
                        relation: *relation,
                        artifact: *artifact,
                        counter_relation: *counter_relation,
                        counter_artifact: *counter_artifact,
                    };
                    (*place, way)
                }));
            }
        }

        let mut techniques: FxHashMap<&str, FxHashSet<(u32, Way)>> = FxHashMap::default();
        for (class, id) in attack_ids {
            let ways = techniques.entry(id).or_default();
            let below = classes.closure(*class, &classes.down);
            let over = classes.closure(*class, &classes.up).into_iter().filter(|other| attack_ids.contains_key(other));
            for other in below.into_iter().chain(over) {
                ways.extend(own.get(&other).into_iter().flatten());
            }
        }
        let mut techniques: Vec<(String, Countered)> = techniques
            .into_iter()
            .filter_map(|(id, ways)| Some((crate::controls::technique_id(id)?, by_counter(graph, id, ways))))
            .collect();
        techniques.sort_by(|a, b| a.0.cmp(&b.0));
        let countermeasures = countermeasures.into_iter().map(|(_, counter)| counter).collect();
        Self { countermeasures, techniques }
    }

    /// A way in words.
    pub(super) fn told(&self, graph: &Graph, counter: u32, way: &Way) -> String {
        let id = graph.attack_ids.get(&way.technique).map_or("", String::as_str);
        let counter = self.countermeasures.get(counter as usize).map_or("", |counter| counter.id.as_str());
        let artifact = graph.label(way.artifact);
        let touched = format!("{id} {} {artifact}", graph.label(way.relation));
        let relation = graph.label(way.counter_relation);
        if way.artifact == way.counter_artifact {
            format!("{touched}, which {counter} {relation}")
        } else {
            format!("{touched}, a kind of {}, which {counter} {relation}", graph.label(way.counter_artifact))
        }
    }
}

/// Whether a way goes through the technique itself.
pub(super) fn is_through(graph: &Graph, way: &Way, id: &str) -> bool {
    graph.attack_ids.get(&way.technique).is_some_and(|own| own == id)
}

/// The ways of each countermeasure, those through the technique itself first.
fn by_counter(graph: &Graph, id: &str, ways: FxHashSet<(u32, Way)>) -> Countered {
    let mut ways: Vec<(u32, bool, Way)> =
        ways.into_iter().map(|(counter, way)| (counter, !is_through(graph, &way, id), way)).collect();
    ways.sort_unstable();
    ways.chunk_by(|a, b| a.0 == b.0).map(|ways| (ways[0].0, ways.iter().map(|(_, _, way)| *way).collect())).collect()
}

fn counter(graph: &Graph, classes: &Classes, class: Id, id: &str) -> Counter {
    let enables = graph.find("enables");
    let kinds = classes.closure(class, &classes.up);
    // Of all techniques it is said that they enable some tactic.
    let is_tactic = |tactic: &Id| graph.name(*tactic) != "DefensiveTactic";
    let tactic = kinds.iter().find_map(|kind| {
        let from = graph.edges.partition_point(|edge| edge.0 < *kind);
        let own = graph.edges[from..].iter().take_while(|edge| edge.0 == *kind);
        own.filter(|edge| Some(edge.1) == enables).map(|edge| edge.2).find(is_tactic)
    });
    Counter {
        class: graph.name(class).to_owned(),
        id: id.to_owned(),
        name: graph.label(class).to_owned(),
        tactic: tactic.map(|tactic| graph.label(tactic).to_owned()),
        definition: graph.definition(class).to_owned(),
    }
}

/// The classes above and below each.
struct Classes {
    up: FxHashMap<Id, Vec<Id>>,
    down: FxHashMap<Id, Vec<Id>>,
}

impl Classes {
    fn of(graph: &Graph) -> Self {
        let mut classes = Self { up: FxHashMap::default(), down: FxHashMap::default() };
        for (below, above) in &graph.above {
            classes.up.entry(*below).or_default().push(*above);
            classes.down.entry(*above).or_default().push(*below);
        }
        classes
    }

    /// A class and all that are reached from it, the nearest first; circles end.
    fn closure(&self, from: Id, along: &FxHashMap<Id, Vec<Id>>) -> Vec<Id> {
        let mut found = vec![from];
        let mut seen = FxHashSet::from_iter([from]);
        let mut at = 0;
        while let Some(class) = found.get(at).copied() {
            at += 1;
            for next in along.get(&class).into_iter().flatten() {
                if seen.insert(*next) {
                    found.push(*next);
                }
            }
        }
        found
    }

    fn below_named(&self, graph: &Graph, name: &str) -> FxHashSet<Id> {
        graph.find(name).map(|class| self.closure(class, &self.down).into_iter().collect()).unwrap_or_default()
    }
}
