//! Log sources: what a rule reads, and what that says of platforms, domains and events.

use std::sync::{Arc, PoisonError, RwLock};

use ruleatlas_model::{DataSource, EventRef, SourceKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    read::{Entry, Source, list},
    scope::{Pattern, Placename, source_kind},
    told::Told,
};

/// A kind of telemetry that rules read, by whatever name their language has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSource {
    /// The name in data (`process_creation`, `cloudtrail`).
    pub name: String,
    /// The name on pages (`Process creation`).
    pub title: String,
    /// The domains it belongs to, of the closed list in `log_sources.toml`.
    pub domains: Vec<String>,
}

/// A member of a closed list: a domain or a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The name in data.
    pub name: String,
    /// What belongs to it, in one line.
    pub description: String,
}

/// What the data sources of a step say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Telemetry<'a> {
    /// The log sources' names, in the order of the table.
    pub log_sources: Vec<&'a str>,
    /// The platforms, each once.
    pub platforms: Vec<&'a str>,
    /// The domains, each once.
    pub domains: Vec<&'a str>,
    /// The events that the log sources imply.
    pub events: Vec<&'a EventRef>,
    /// The providers that event ids belong to where a rule writes them itself.
    pub providers: Vec<&'a str>,
}

/// One way in which data sources name a log source.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    pub log_source: usize,
    constraints: Vec<Pattern>,
    pub platforms: Vec<String>,
    pub events: Vec<EventRef>,
    pub providers: Vec<String>,
    /// The Windows channel that it is, where it is one.
    pub channel: Option<String>,
    /// The canonical fields that hold the event's id.
    pub event_fields: Vec<String>,
    /// Whether it applies only when no other does.
    otherwise: bool,
    at: usize,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct LogSources {
    pub all: Vec<LogSource>,
    pub domains: Vec<Term>,
    pub platforms: Vec<Term>,
    /// Fields whose values name data sources.
    pub told: Vec<Told>,
    selectors: Vec<Selector>,
    /// Selectors by the exact name that one of their constraints asks for.
    by_name: FxHashMap<String, Vec<u32>>,
    /// Selectors without an exact name.
    open: Vec<u32>,
    /// What steps were found to match: thousands of rules read the same few hundred lists of data sources.
    known: Known,
}

/// Answers of `select`, by the data sources asked for.
#[derive(Debug, Default)]
struct Known(RwLock<Found>);

/// Selectors by the data sources that they match.
type Found = FxHashMap<Box<[DataSource]>, Arc<[u32]>>;

impl Known {
    /// Lists that are kept, and the bytes of names in one: what rules make up does not fill the memory.
    const LISTS: usize = 4096;
    const BYTES: usize = 1024;

    fn get_or(&self, sources: &[DataSource], find: impl FnOnce() -> Vec<u32>) -> Arc<[u32]> {
        if let Some(found) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(sources) {
            return Arc::clone(found);
        }
        let found: Arc<[u32]> = find().into();
        if sources.iter().map(|source| source.name.len()).sum::<usize>() <= Self::BYTES {
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            if known.len() < Self::LISTS {
                known.insert(sources.into(), Arc::clone(&found));
            }
        }
        found
    }
}

/// A copy finds its answers anew.
impl Clone for Known {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// How many ways a selector may match a step; more say nothing new.
const MATCHES: usize = 512;

impl LogSources {
    pub fn load(source: &Source<'_>) -> Self {
        let mut loaded = Self::default();
        let Some(tree) = source.tree() else { return loaded };
        source.only(&tree, &["domain", "platform", "told", "log_source"]);
        let term = |entry: &Entry<'_, '_>| {
            source.only(entry.table, &["name", "description"]);
            Term { name: entry.text("name").to_owned(), description: entry.text("description").to_owned() }
        };
        loaded.domains = source.tables(&tree, "domain").iter().map(term).collect();
        loaded.platforms = source.tables(&tree, "platform").iter().map(term).collect();
        loaded.told = source.tables(&tree, "told").iter().filter_map(|entry| Told::read(source, entry)).collect();
        let mut names = FxHashSet::default();
        for entry in source.tables(&tree, "log_source") {
            loaded.read(source, &entry, &mut names);
        }
        loaded.index(source);
        loaded
    }

    fn read<'t>(&mut self, source: &Source<'_>, entry: &Entry<'t, '_>, names: &mut FxHashSet<&'t str>) {
        source.only(entry.table, &["name", "title", "domains", "platforms", "when"]);
        let name = entry.text("name");
        if !names.insert(name) {
            source.fault(entry.at, format!("the log source `{name}` stands here a second time"));
        }
        let domains = entry.names("domains");
        check_terms(entry, "domains", &self.domains);
        check_terms(entry, "platforms", &self.platforms);
        let platforms = entry.names("platforms");
        self.all.push(LogSource { name: name.to_owned(), title: entry.text("title").to_owned(), domains });
        let selectors = entry.table.get("when").map(list).unwrap_or_default();
        for value in selectors {
            if let Some(selector) = source.table(value) {
                self.read_selector(&selector, &platforms);
            }
        }
    }

    fn read_selector(&mut self, entry: &Entry<'_, '_>, platforms: &[String]) {
        let source = entry.source;
        let mut alternatives: Vec<Vec<Pattern>> = vec![Vec::new()];
        for (key, value) in entry.table {
            let name = key.get_ref().as_ref();
            if matches!(name, "platforms" | "events" | "provider" | "channel" | "event_field" | "otherwise") {
                continue;
            }
            let Some(kind) = source_kind(name) else {
                source.fault(key.span().start, format!("`{name}` is no kind of data source"));
                continue;
            };
            let names = source.texts(value);
            let patterns: Vec<Pattern> = names.iter().map(|(name, _)| Pattern::of_kind(kind, name)).collect();
            alternatives = alternatives
                .iter()
                .flat_map(|so_far| {
                    patterns.iter().map(move |pattern| [so_far.as_slice(), std::slice::from_ref(pattern)].concat())
                })
                .collect();
        }
        check_terms(entry, "platforms", &self.platforms);
        let own = entry.names("platforms");
        let event_fields = entry.names("event_field");
        let selector = Selector {
            log_source: self.all.len() - 1,
            constraints: Vec::new(),
            platforms: if own.is_empty() { platforms.to_vec() } else { own },
            events: read_events(entry),
            providers: entry.names("provider"),
            channel: entry.names("channel").pop(),
            event_fields: if event_fields.is_empty() { vec!["EventID".to_owned()] } else { event_fields },
            otherwise: entry.flag("otherwise"),
            at: entry.at,
        };
        for constraints in alternatives {
            if constraints.is_empty() {
                source.fault(entry.at, "a selector must name a data source".to_owned());
            }
            self.selectors.push(Selector { constraints, ..selector.clone() });
        }
    }

    fn index(&mut self, source: &Source<'_>) {
        let mut seen: FxHashMap<Vec<Pattern>, usize> = FxHashMap::default();
        for (at, selector) in self.selectors.iter().enumerate() {
            if let Some(other) = seen.insert(selector.constraints.clone(), selector.log_source) {
                let (here, there) = (&self.all[selector.log_source].name, &self.all[other].name);
                source.fault(selector.at, format!("`{here}` selects the same data sources as `{there}`"));
            }
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            let exact = selector.constraints.iter().filter(|pattern| !pattern.open);
            match exact.max_by_key(|pattern| pattern.weight()) {
                Some(key) => self.by_name.entry(key.name.clone()).or_default().push(at),
                None => self.open.push(at),
            }
        }
    }

    /// Whether a selector asks for this data source, or it is a platform of the list.
    pub fn asks_for(&self, wanted: &DataSource) -> bool {
        if wanted.kind == SourceKind::Platform {
            return self.platform(&wanted.name).is_some();
        }
        self.selectors
            .iter()
            .flat_map(|selector| &selector.constraints)
            .any(|pattern| pattern.matches(Placename::Source(wanted)))
    }

    fn platform(&self, name: &str) -> Option<&str> {
        let known = self.platforms.iter().find(|platform| platform.name.eq_ignore_ascii_case(name))?;
        Some(known.name.as_str())
    }

    pub fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    /// Where the selector `at` stands in the file, for faults found later.
    pub fn at(selector: &Selector) -> usize {
        selector.at
    }

    /// The selectors that the data sources of a step match. A selector that asks for less than another which matches
    /// the same data sources is left out.
    pub fn select(&self, sources: &[DataSource]) -> Vec<&Selector> {
        let known = self.known.get_or(sources, || self.find(sources));
        known.iter().map(|at| &self.selectors[*at as usize]).collect()
    }

    fn find(&self, sources: &[DataSource]) -> Vec<u32> {
        let mut candidates: Vec<u32> = self.open.clone();
        for source in sources {
            let found = match self.by_name.get(source.name.as_str()) {
                Some(found) => Some(found),
                None => self.by_name.get(source.name.to_lowercase().as_str()),
            };
            candidates.extend(found.into_iter().flatten());
        }
        candidates.sort_unstable();
        candidates.dedup();
        let mut matches: Vec<Match> = Vec::new();
        for at in candidates {
            self.selectors[at as usize].matches(at, sources, &mut matches);
        }
        let mut kept: Vec<u32> = matches
            .iter()
            .filter(|one| !matches.iter().any(|other| other.outdoes(one)))
            .map(|one| one.selector)
            .collect();
        kept.sort_unstable();
        kept.dedup();
        if kept.iter().any(|at| !self.selectors[*at as usize].otherwise) {
            kept.retain(|at| !self.selectors[*at as usize].otherwise);
        }
        kept
    }

    pub fn describe(&self, sources: &[DataSource]) -> Telemetry<'_> {
        let mut told = Telemetry::default();
        let named = sources.iter().filter(|source| source.kind == SourceKind::Platform);
        add(&mut told.platforms, named.filter_map(|source| self.platform(&source.name)));
        for selector in self.select(sources) {
            let log_source = &self.all[selector.log_source];
            add(&mut told.log_sources, [log_source.name.as_str()]);
            add(&mut told.platforms, selector.platforms.iter().map(String::as_str));
            add(&mut told.domains, log_source.domains.iter().map(String::as_str));
            add(&mut told.events, &selector.events);
            add(&mut told.providers, selector.providers.iter().map(String::as_str));
        }
        told
    }
}

impl Telemetry<'_> {
    /// Adds what another step says, each thing once.
    pub fn merge(&mut self, other: Self) {
        add(&mut self.log_sources, other.log_sources);
        add(&mut self.platforms, other.platforms);
        add(&mut self.domains, other.domains);
        add(&mut self.events, other.events);
        add(&mut self.providers, other.providers);
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, items: impl IntoIterator<Item = T>) {
    for item in items {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

fn check_terms(entry: &Entry<'_, '_>, key: &str, known: &[Term]) {
    for (name, at) in entry.texts(key) {
        if !known.iter().any(|term| term.name == name) {
            entry.source.fault(at, format!("`{name}` is not of the closed list of {key}"));
        }
    }
}

fn read_events(entry: &Entry<'_, '_>) -> Vec<EventRef> {
    let Some(providers) = entry.table.get("events").and_then(|value| entry.source.table(value)) else {
        return Vec::new();
    };
    let events = providers.table.iter().flat_map(|(provider, ids)| {
        let ids = entry.source.texts(ids).into_iter();
        ids.map(|(id, _)| EventRef { provider: provider.get_ref().to_string(), event_id: id.to_owned() })
    });
    events.collect()
}

/// One way in which a selector matches: one data source a constraint.
struct Match {
    selector: u32,
    /// The data sources that stand for its constraints, one bit each.
    used: u128,
    weight: usize,
}

impl Match {
    /// Whether `self` says more about the same data sources than `other`.
    fn outdoes(&self, other: &Self) -> bool {
        let covers = self.used | other.used == self.used;
        covers && (self.used != other.used || self.weight > other.weight)
    }
}

impl Selector {
    /// The data sources that it asks for, where all of them are Sigma's.
    pub fn sigma_sources(&self) -> Option<Vec<DataSource>> {
        let is_sigma = |kind| matches!(kind, SourceKind::Product | SourceKind::Category | SourceKind::Service);
        let source = |pattern: &Pattern| pattern.source().filter(|source| is_sigma(source.kind));
        self.constraints.iter().map(source).collect()
    }

    fn matches(&self, selector: u32, sources: &[DataSource], matches: &mut Vec<Match>) {
        let mut ways: Vec<(u128, usize)> = vec![(0, 0)];
        for pattern in &self.constraints {
            let mut next = Vec::new();
            for (at, source) in sources.iter().enumerate() {
                if pattern.matches(Placename::Source(source)) {
                    let bit = 1 << at.min(127);
                    next.extend(ways.iter().map(|(used, weight)| (used | bit, weight + pattern.weight())));
                }
            }
            if next.is_empty() {
                return;
            }
            next.truncate(MATCHES);
            ways = next;
        }
        matches.extend(ways.into_iter().map(|(used, weight)| Match { selector, used, weight }));
    }
}
