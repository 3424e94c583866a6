//! Log sources: what a rule reads, and what that says of platforms, domains and events.

use std::sync::{Arc, PoisonError, RwLock};

use ruleatlas_model::{DataSource, EventRef, SourceKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    Fault, File,
    event::Events,
    implied_source::ImpliedSource,
    narrow::Narrowing,
    read::{Entry, Source, list},
    recognize::{Channels, Products, Recognized},
    scope::{Pattern, Placename, source_kind, takes_patterns},
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
    /// The platforms that the log sources may watch, where none of them says which it does.
    pub possible_platforms: Vec<&'a str>,
    /// The events that the log sources imply.
    pub events: Vec<EventRef>,
    /// The providers that event ids belong to where a rule writes them itself.
    pub providers: Vec<String>,
}

/// One way in which data sources name a log source.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    pub log_source: usize,
    pub constraints: Vec<Pattern>,
    pub platforms: Vec<String>,
    /// The platforms of which it may watch any: a table of events of all operating systems.
    pub possible_platforms: Vec<String>,
    pub events: Vec<EventRef>,
    pub providers: Vec<String>,
    /// The Windows channel that it is, where it is one.
    pub channel: Option<String>,
    /// The canonical fields that hold the event's id.
    pub event_fields: Vec<String>,
    /// The canonical fields whose values together are the event's id: a verb, what it is done to, and a part of that.
    pub event_parts: Vec<String>,
    /// Whether it applies only when no other does.
    pub otherwise: bool,
    /// Where it stands in its file.
    pub at: usize,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct LogSources {
    pub all: Vec<LogSource>,
    pub domains: Vec<Term>,
    pub platforms: Vec<Term>,
    /// Fields whose values name data sources.
    pub told: Vec<ImpliedSource>,
    /// How the fields that a step filters decide between the events of what it reads.
    pub narrowing: Vec<Narrowing>,
    pub channels: Channels,
    pub products: Products,
    selectors: Vec<Selector>,
    /// Selectors by the exact name that one of their constraints asks for.
    by_name: FxHashMap<String, Vec<u32>>,
    /// Selectors without an exact name.
    open: Vec<u32>,
    /// Data sources that some selector asks for by an exact name, and the patterns of the others.
    exact: FxHashSet<(SourceKind, String)>,
    patterns: Vec<Pattern>,
    /// Selectors that ask for a type of event.
    typed: Vec<u32>,
    /// Providers of which something says that they are of another platform than Windows.
    elsewhere: FxHashSet<String>,
    /// What steps were found to match: thousands of rules read the same few hundred lists of data sources.
    known: Known,
}

/// Answers of `select`, by the data sources asked for.
#[derive(Debug, Default)]
struct Known(RwLock<Found>);

/// Selectors by the data sources that they match.
type Found = FxHashMap<Box<[DataSource]>, Arc<Selected>>;

/// The selectors that the data sources of a step match.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selected {
    /// Places in the table.
    rows: Vec<u32>,
    /// Those that were recognised by rule.
    own: Vec<Selector>,
    /// Places of those that apply only when no other does, where another does.
    left_out: Vec<u32>,
    left_out_own: Vec<Selector>,
    /// The data sources that nothing is known of.
    pub unknown: Vec<DataSource>,
}

impl Known {
    /// Lists that are kept, and the bytes of names in one: what rules make up does not fill the memory.
    const LISTS: usize = 4096;
    const BYTES: usize = 1024;

    fn get_or(&self, sources: &[DataSource], find: impl FnOnce() -> Selected) -> Arc<Selected> {
        if let Some(found) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(sources) {
            return Arc::clone(found);
        }
        let found = Arc::new(find());
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
        source.only(&tree, &["domain", "platform", "told", "narrow", "log_source"]);
        let term = |entry: &Entry<'_, '_>| {
            source.only(entry.table, &["name", "description"]);
            Term { name: entry.text("name").to_owned(), description: entry.text("description").to_owned() }
        };
        loaded.domains = source.tables(&tree, "domain").iter().map(term).collect();
        loaded.platforms = source.tables(&tree, "platform").iter().map(term).collect();
        loaded.told =
            source.tables(&tree, "told").iter().filter_map(|entry| ImpliedSource::read(source, entry)).collect();
        loaded.narrowing =
            source.tables(&tree, "narrow").iter().filter_map(|entry| Narrowing::read(source, entry)).collect();
        let mut names = FxHashSet::default();
        for entry in source.tables(&tree, "log_source") {
            loaded.read(source, &entry, &mut names);
        }
        loaded
    }

    /// Reads a table of names: a row a data source, with the log source it is.
    pub fn load_names(&mut self, file: File<'_>, faults: &mut Vec<Fault>) {
        const HEADER: [&str; 7] =
            ["kind", "name", "log_source", "platforms", "provider", "event_field", "documented_in"];
        let mut reader = csv::ReaderBuilder::new().from_reader(file.text.as_bytes());
        let mut fault = |line: u64, message: String| {
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            faults.push(Fault { file: file.name.to_owned(), line, message });
        };
        let mut places: FxHashMap<Vec<Pattern>, usize> = FxHashMap::default();
        for (at, selector) in self.selectors.iter().enumerate() {
            places.entry(selector.constraints.clone()).or_insert(at);
        }
        if reader.headers().is_ok_and(|header| !header.iter().eq(HEADER)) {
            fault(1, format!("the first line must be {}", HEADER.join(",")));
        }
        for row in reader.records() {
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    fault(error.position().map_or(1, csv::Position::line), error.to_string());
                    continue;
                }
            };
            let line = row.position().map_or(1, csv::Position::line);
            let cell = |at: usize| row.get(at).unwrap_or_default();
            let list = |at: usize| -> Vec<String> {
                cell(at).split('|').filter(|name| !name.is_empty()).map(str::to_owned).collect()
            };
            let (Some(kind), Some(log_source)) = (source_kind(cell(0)), self.position(cell(2))) else {
                fault(
                    line,
                    format!("`{}` is no kind of data source, or there is no log source `{}`", cell(0), cell(2)),
                );
                continue;
            };
            let (possible, platforms): (Vec<String>, Vec<String>) =
                list(3).into_iter().partition(|name| name.starts_with('?'));
            let possible: Vec<String> = possible.iter().map(|name| name.trim_start_matches('?').to_owned()).collect();
            for name in platforms.iter().chain(&possible).filter(|name| self.platform(name).is_none()) {
                fault(line, format!("`{name}` is not of the closed list of platforms"));
            }
            if cell(1).len() < 2 {
                fault(line, "a name must have two characters or more".to_owned());
            }
            let mut selector = Selector {
                constraints: vec![Pattern::of_kind(kind, cell(1))],
                platforms,
                possible_platforms: possible,
                providers: list(4),
                ..Selector::blank(log_source)
            };
            if !cell(5).is_empty() {
                selector.event_fields = list(5);
            }
            // An integration, or an index that holds events of hosts of any kind, says less than the category beside it.
            selector.otherwise = kind == SourceKind::Integration
                || (kind == SourceKind::Index && !selector.possible_platforms.is_empty());
            // What `log_sources.toml` says of the same name goes before; the row adds what it leaves open.
            let place = places.get(&selector.constraints).copied();
            match place.and_then(|place| self.selectors.get_mut(place)) {
                Some(known) if known.log_source != selector.log_source => {}
                Some(known) if known.platforms.is_empty() && known.possible_platforms.is_empty() => {
                    (known.platforms, known.possible_platforms) = (selector.platforms, selector.possible_platforms);
                }
                Some(_) => {}
                None => {
                    places.insert(selector.constraints.clone(), self.selectors.len());
                    self.selectors.push(selector);
                }
            }
        }
    }

    /// Reads what products and channels are called, when the log sources are known.
    pub fn load_words(&mut self, channels: File<'_>, words: File<'_>, events: &Events, faults: &mut Vec<Fault>) {
        self.channels = Channels::load(channels, events, self, faults);
        self.products = Products::load(words, self, faults);
    }

    /// The place of a log source in the table.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|known| known.name == name)
    }

    fn read<'t>(&mut self, source: &Source<'_>, entry: &Entry<'t, '_>, names: &mut FxHashSet<&'t str>) {
        source.only(entry.table, &["name", "title", "domains", "platforms", "possible_platforms", "when"]);
        let name = entry.text("name");
        if !names.insert(name) {
            source.fault(entry.at, format!("the log source `{name}` stands here a second time"));
        }
        let domains = entry.names("domains");
        check_terms(entry, "domains", &self.domains);
        check_terms(entry, "platforms", &self.platforms);
        check_terms(entry, "possible_platforms", &self.platforms);
        let (platforms, possible) = (entry.names("platforms"), entry.names("possible_platforms"));
        self.all.push(LogSource { name: name.to_owned(), title: entry.text("title").to_owned(), domains });
        let selectors = entry.table.get("when").map(list).unwrap_or_default();
        for value in selectors {
            if let Some(selector) = source.table(value) {
                self.read_selector(&selector, &platforms, &possible);
            }
        }
    }

    fn read_selector(&mut self, entry: &Entry<'_, '_>, platforms: &[String], possible: &[String]) {
        let source = entry.source;
        let mut alternatives: Vec<Vec<Pattern>> = vec![Vec::new()];
        for (key, value) in entry.table {
            let name = key.get_ref().as_ref();
            if matches!(
                name,
                "platforms"
                    | "possible_platforms"
                    | "events"
                    | "provider"
                    | "channel"
                    | "event_field"
                    | "event_parts"
                    | "otherwise"
            ) {
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
        check_terms(entry, "possible_platforms", &self.platforms);
        let own = entry.names("platforms");
        let event_fields = entry.names("event_field");
        let selector = Selector {
            log_source: self.all.len() - 1,
            constraints: Vec::new(),
            possible_platforms: match entry.names("possible_platforms") {
                names if names.is_empty() && own.is_empty() => possible.to_vec(),
                names => names,
            },
            platforms: if own.is_empty() { platforms.to_vec() } else { own },
            events: read_events(entry),
            providers: entry.names("provider"),
            channel: entry.names("channel").pop(),
            event_fields: if event_fields.is_empty() { vec!["EventID".to_owned()] } else { event_fields },
            event_parts: entry.names("event_parts"),
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

    /// Whether nothing says that a provider's events are of another platform than Windows.
    pub fn may_be_windows(&self, provider: &str) -> bool {
        !self.elsewhere.contains(provider)
    }

    /// Prepares the look-up by names, when all selectors are read.
    pub fn index(&mut self, source: &Source<'_>) {
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
            for pattern in &selector.constraints {
                match pattern.source() {
                    Some(source) => drop(self.exact.insert((source.kind, source.name))),
                    None => self.patterns.push(pattern.clone()),
                }
            }
            if selector.constraints.iter().any(|pattern| pattern.is_of(SourceKind::EventType)) {
                self.typed.push(at);
            }
            if !selector.platforms.is_empty() && !selector.is_windows() {
                self.elsewhere.extend(selector.providers.iter().cloned());
                self.elsewhere.extend(selector.events.iter().map(|event| event.provider.clone()));
            }
        }
    }

    /// Whether a selector asks for this data source, or it is a platform of the list.
    pub fn asks_for(&self, wanted: &DataSource) -> bool {
        if wanted.kind == SourceKind::Platform {
            return self.platform(&wanted.name).is_some();
        }
        if wanted.kind == SourceKind::Channel {
            return true;
        }
        // A search's own pattern may mean any of the names.
        if takes_patterns(wanted.kind) && wanted.name.contains('*') {
            let mut constraints = self.selectors.iter().flat_map(|selector| &selector.constraints);
            return constraints.any(|pattern| pattern.matches(Placename::Source(wanted)));
        }
        self.exact.contains(&(wanted.kind, wanted.name.to_lowercase()))
            || self.patterns.iter().any(|pattern| pattern.matches(Placename::Source(wanted)))
    }

    /// The platform of the list that is called so.
    pub fn platform(&self, name: &str) -> Option<&str> {
        let known = self.platforms.iter().find(|platform| platform.name.eq_ignore_ascii_case(name))?;
        Some(known.name.as_str())
    }

    /// Whether a step says which type of a category's events it reads.
    pub fn knows_type_of(&self, category: &DataSource, sources: &[DataSource]) -> bool {
        let types = sources.iter().filter(|source| source.kind == SourceKind::EventType);
        types.into_iter().any(|event_type| {
            self.typed.iter().filter_map(|at| self.selectors.get(*at as usize)).any(|selector| {
                let asks = |wanted: &DataSource| {
                    selector
                        .constraints
                        .iter()
                        .any(|pattern| pattern.is_of(wanted.kind) && pattern.matches(Placename::Source(wanted)))
                };
                asks(event_type) && asks(category)
            })
        })
    }

    /// The name of the log source at a place of the table.
    pub fn place_of(&self, at: usize) -> Option<&str> {
        self.all.get(at).map(|log_source| log_source.name.as_str())
    }

    pub fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    /// Where the selector `at` stands in the file, for faults found later.
    pub fn at(selector: &Selector) -> usize {
        selector.at
    }

    /// The selectors that the data sources of a step match. A selector that asks for less than another which matches
    /// the same data sources is left out. A data source that no selector names exactly may be recognised by rule.
    pub fn select(&self, sources: &[DataSource]) -> Arc<Selected> {
        self.known.get_or(sources, || self.find(sources))
    }

    /// The selectors of [`LogSources::select`].
    pub fn selected<'s>(&'s self, selected: &'s Selected) -> impl Iterator<Item = &'s Selector> + Clone {
        selected.rows.iter().map(|at| &self.selectors[*at as usize]).chain(&selected.own)
    }

    fn find(&self, sources: &[DataSource]) -> Selected {
        let mut candidates: Vec<u32> = self.open.clone();
        for source in sources {
            let found = match self.by_name.get(source.name.as_str()) {
                Some(found) => Some(found),
                None => self.by_name.get(source.name.to_lowercase().as_str()),
            };
            candidates.extend(found.into_iter().flatten());
            candidates.extend(self.covered_by(source));
        }
        candidates.sort_unstable();
        candidates.dedup();
        let mut matches: Vec<Match> = Vec::new();
        for at in candidates {
            self.selectors[at as usize].matches(at, sources, &mut matches);
        }
        let mut selected = Selected::default();
        for (at, source) in sources.iter().enumerate().take(128) {
            let bit = 1 << at;
            let is_exact = |one: &Match| {
                let selector = &self.selectors[one.selector as usize];
                one.used & bit != 0 && (one.used != bit || selector.constraints.iter().all(|pattern| !pattern.open))
            };
            // A pattern that fits one Windows channel means that, whatever rows it fits.
            if matches.iter().any(is_exact) && self.channel_of_pattern(source).is_none() {
                continue;
            }
            match self.recognize(source) {
                Some(found) => {
                    // It says more than a row that knows the beginning of the name alone.
                    let is_broad = |one: &Match| one.used == bit;
                    let says_less = match &found {
                        Recognized::Own(own) => own.events.is_empty() && matches.iter().any(is_broad),
                        Recognized::Row(_) => false,
                    };
                    if says_less {
                        continue;
                    }
                    matches.retain(|one| !is_broad(one));
                    match found {
                        Recognized::Row(row) => selected.rows.push(row),
                        Recognized::Own(own) => selected.own.push(*own),
                    }
                }
                None if !matches.iter().any(|one| one.used & bit != 0) => selected.unknown.push(source.clone()),
                None => {}
            }
        }
        let kept = matches.iter().filter(|one| !matches.iter().any(|other| other.outdoes(one)));
        selected.rows.extend(kept.map(|one| one.selector));
        selected.rows.sort_unstable();
        selected.rows.dedup();
        self.leave_out(&mut selected);
        selected
    }

    /// Takes those out that apply only when no other does. A data model is no such other: it does not say which log it is.
    fn leave_out(&self, selected: &mut Selected) {
        let is_model =
            |selector: &Selector| selector.constraints.iter().any(|pattern| pattern.is_of(SourceKind::DataModel));
        let mut decides = selected
            .rows
            .iter()
            .map(|at| &self.selectors[*at as usize])
            .chain(&selected.own)
            .filter(|selector| !selector.otherwise);
        if decides.all(is_model) {
            return;
        }
        let (rows, left_out) = selected.rows.iter().partition(|at| !self.selectors[**at as usize].otherwise);
        (selected.rows, selected.left_out) = (rows, left_out);
        let own = std::mem::take(&mut selected.own);
        (selected.own, selected.left_out_own) = own.into_iter().partition(|selector| !selector.otherwise);
    }

    /// Rows whose exact names a name with `*` may cover: `aws:cloudtrail*` reads what `aws:cloudtrail` does.
    fn covered_by(&self, source: &DataSource) -> Vec<u32> {
        const ENOUGH: usize = 4;
        let literal = source.name.trim_matches('*').to_lowercase();
        if !takes_patterns(source.kind) || literal.len() < ENOUGH || literal.len() == source.name.len() {
            return Vec::new();
        }
        self.by_name
            .iter()
            .filter(|(name, _)| name.contains(&literal))
            .flat_map(|(_, rows)| rows.iter().copied())
            .collect()
    }

    pub fn describe(&self, sources: &[DataSource]) -> Telemetry<'_> {
        let mut told = Telemetry::default();
        let named = sources.iter().filter(|source| source.kind == SourceKind::Platform);
        add(&mut told.platforms, named.filter_map(|source| self.platform(&source.name)));
        let selected = self.select(sources);
        for selector in self.selected(&selected) {
            let log_source = &self.all[selector.log_source];
            add(&mut told.log_sources, [log_source.name.as_str()]);
            add(&mut told.platforms, selector.platforms.iter().filter_map(|name| self.platform(name)));
            add(
                &mut told.possible_platforms,
                selector.possible_platforms.iter().filter_map(|name| self.platform(name)),
            );
            add(&mut told.domains, log_source.domains.iter().map(String::as_str));
            add(&mut told.events, selector.events.iter().cloned());
            add(&mut told.providers, selector.providers.iter().cloned());
        }
        if told.platforms.is_empty() {
            // What applies only when nothing else does still says where the rule looks.
            let rows = selected.left_out.iter().map(|at| &self.selectors[*at as usize]);
            for selector in rows.chain(&selected.left_out_own) {
                add(&mut told.platforms, selector.platforms.iter().filter_map(|name| self.platform(name)));
                let possible = selector.possible_platforms.iter().filter_map(|name| self.platform(name));
                add(&mut told.possible_platforms, possible);
            }
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
        add(&mut self.possible_platforms, other.possible_platforms);
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
    let list = key.trim_start_matches("possible_");
    for (name, at) in entry.texts(key) {
        if !known.iter().any(|term| term.name == name) {
            entry.source.fault(at, format!("`{name}` is not of the closed list of {list}"));
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
    /// A selector of a log source that says nothing else.
    pub fn blank(log_source: usize) -> Self {
        Self {
            log_source,
            constraints: Vec::new(),
            platforms: Vec::new(),
            possible_platforms: Vec::new(),
            events: Vec::new(),
            providers: Vec::new(),
            channel: None,
            event_fields: vec!["EventID".to_owned()],
            event_parts: Vec::new(),
            otherwise: false,
            at: 0,
        }
    }

    /// Whether it watches Windows.
    pub fn is_windows(&self) -> bool {
        self.platforms.iter().any(|platform| platform == "windows")
    }

    /// Whether it is a service of Sigma's Windows, which is a channel.
    pub fn is_service(&self) -> bool {
        self.is_windows()
            && self.constraints.iter().any(|pattern| pattern.is_of(SourceKind::Service))
            && self
                .constraints
                .iter()
                .all(|pattern| pattern.is_of(SourceKind::Service) || pattern.is_of(SourceKind::Product))
    }

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
                    let more = pattern.weight_at(source);
                    next.extend(ways.iter().map(|(used, weight)| (used | bit, weight + more)));
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
