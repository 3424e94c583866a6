//! An ontology as numbered names and the triples between them.

use rustc_hash::{FxHashMap, FxHashSet};

/// The namespace of D3FEND; names of it are kept without.
pub(super) const NAMESPACE: &str = "http://d3fend.mitre.org/ontologies/d3fend.owl#";
const RDFS: &str = "http://www.w3.org/2000/01/rdf-schema#";
const OWL: &str = "http://www.w3.org/2002/07/owl#";

/// More triples than any ontology of this kind has; a file beyond is not read on.
const MAX_TRIPLES: usize = 4_000_000;

/// A name of the ontology by its number.
pub(super) type Id = u32;

/// A subject or object.
#[derive(Clone, Copy, Debug)]
pub(super) enum Term<'a> {
    /// A name.
    Iri(&'a str),
    /// A node without one.
    Blank(&'a str),
    /// Text.
    Literal(&'a str),
}

/// The triples that matter here.
#[derive(Debug, Default)]
pub(super) struct Graph {
    numbers: FxHashMap<String, Id>,
    names: Vec<String>,
    labels: FxHashMap<Id, String>,
    definitions: FxHashMap<Id, String>,
    /// Ids of techniques of ATT&CK and of countermeasures, by class.
    pub(super) attack_ids: FxHashMap<Id, String>,
    pub(super) d3fend_ids: FxHashMap<Id, String>,
    /// Every triple between two names, and those that restrictions stand for, after [`finish`](Self::finish).
    pub(super) edges: Vec<(Id, Id, Id)>,
    /// Class and the class above it, names only.
    pub(super) above: Vec<(Id, Id)>,
    restricted: Vec<(Id, Id)>,
    on_property: FxHashMap<Id, Id>,
    some_values: FxHashMap<Id, Id>,
    blanks: FxHashSet<Id>,
    version: Option<String>,
    triples: usize,
}

impl Graph {
    pub(super) fn number(&mut self, name: &str) -> Id {
        let name = name.strip_prefix(NAMESPACE).unwrap_or(name);
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// The number of a name of D3FEND, where the ontology has it.
    pub(super) fn find(&self, name: &str) -> Option<Id> {
        self.numbers.get(name).copied()
    }

    /// The name, without D3FEND's namespace.
    pub(super) fn name(&self, id: Id) -> &str {
        self.names.get(id as usize).map_or("", String::as_str)
    }

    /// The label, or else the name.
    pub(super) fn label(&self, id: Id) -> &str {
        self.labels.get(&id).map_or_else(|| self.name(id), String::as_str)
    }

    pub(super) fn definition(&self, id: Id) -> &str {
        self.definitions.get(&id).map_or("", String::as_str)
    }

    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Whether there are techniques and countermeasures in it.
    pub(super) fn is_ontology(&self) -> bool {
        !self.attack_ids.is_empty() && !self.d3fend_ids.is_empty()
    }

    /// Takes a triple; `false` when there are too many.
    pub(super) fn add(&mut self, subject: Term<'_>, predicate: &str, object: Term<'_>) -> bool {
        self.triples += 1;
        if self.triples > MAX_TRIPLES {
            return false;
        }
        match object {
            Term::Literal(text) => self.literal(subject, predicate, text),
            Term::Iri(_) | Term::Blank(_) => self.edge(subject, predicate, object),
        }
        true
    }

    fn node(&mut self, term: Term<'_>) -> Id {
        match term {
            Term::Iri(name) => self.number(name),
            Term::Blank(name) | Term::Literal(name) => {
                let id = self.number(&format!("_:{name}"));
                self.blanks.insert(id);
                id
            }
        }
    }

    fn literal(&mut self, subject: Term<'_>, predicate: &str, text: &str) {
        let Term::Iri(_) = subject else { return };
        match predicate.strip_prefix(NAMESPACE) {
            Some("attack-id") => {
                let subject = self.node(subject);
                self.attack_ids.entry(subject).or_insert_with(|| text.trim().to_owned());
            }
            Some("d3fend-id") => {
                let subject = self.node(subject);
                self.d3fend_ids.entry(subject).or_insert_with(|| text.trim().to_owned());
            }
            Some("definition") => {
                let subject = self.node(subject);
                self.definitions.entry(subject).or_insert_with(|| text.to_owned());
            }
            Some(_) => {}
            None if predicate.strip_prefix(RDFS) == Some("label") => {
                let subject = self.node(subject);
                self.labels.entry(subject).or_insert_with(|| text.to_owned());
            }
            None if predicate.strip_prefix(OWL) == Some("versionInfo") => {
                self.version.get_or_insert_with(|| text.trim().to_owned());
            }
            None => {}
        }
    }

    fn edge(&mut self, subject: Term<'_>, predicate: &str, object: Term<'_>) {
        let (subject, object) = (self.node(subject), self.node(object));
        if let Some(property) = predicate.strip_prefix(OWL) {
            match property {
                "onProperty" => self.on_property.insert(subject, object),
                "someValuesFrom" => self.some_values.insert(subject, object),
                _ => None,
            };
        } else if predicate.strip_prefix(RDFS) == Some("subClassOf") {
            self.restricted.push((subject, object));
        } else if predicate.starts_with(NAMESPACE) {
            let predicate = self.number(predicate);
            self.edges.push((subject, predicate, object));
        }
    }

    /// Sorts classes from restrictions once all triples are there.
    pub(super) fn finish(mut self) -> Self {
        for (class, above) in std::mem::take(&mut self.restricted) {
            match (self.on_property.get(&above), self.some_values.get(&above)) {
                (Some(property), Some(value)) => self.edges.push((class, *property, *value)),
                _ if !self.blanks.contains(&above) => self.above.push((class, above)),
                _ => {}
            }
        }
        self.edges.sort_unstable();
        self.edges.dedup();
        self.above.sort_unstable();
        self.above.dedup();
        self
    }
}
