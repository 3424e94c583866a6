//! What names mean: canonical fields, log sources and their events, platforms, domains; folds predicates to indicators.
//!
//! The knowledge is data that a practitioner edits, in `data/` beside this crate's code: `vocabularies.toml` (whose
//! names there are, and in which order a vendor's rules are read by them), `fields/*.toml` (every canonical field once,
//! with what each vocabulary calls it), `log_sources.toml` (which data sources are which telemetry) and `events.csv`
//! (titles
//! and fields of events; `providers.csv` has other names of their providers). It is compiled in and read once.
//!
//! ```
//! use ruleatlas_model::{DataSource, SourceKind, Vendor};
//! use ruleatlas_taxonomy::{Part, Taxonomy};
//!
//! let taxonomy = Taxonomy::builtin();
//! let sources = [DataSource::new(SourceKind::Table, "DeviceProcessEvents")];
//! let used = taxonomy.resolve(Vendor::Kusto, "FileName", &sources).ok_or("no field")?;
//! assert_eq!((used.field.name.as_str(), used.part), ("Image", Part::Name));
//!
//! let telemetry = taxonomy.describe_sources(&sources);
//! assert_eq!(telemetry.log_sources, ["process_creation"]);
//! # Ok::<(), &str>(())
//! ```
//!
//! It knows no vendor's file format and parses no query. What it does not know it does not guess: such a field keeps
//! its own name.

pub mod enable;
mod error;
mod event;
mod field;
mod fold;
mod implied_source;
mod joined;
mod log_source;
mod members;
mod narrow;
mod need;
mod platform;
mod platform_page;
mod read;
mod recognize;
mod scope;
mod selection;
pub mod telemetry;

use std::{cell::RefCell, sync::OnceLock};

use ruleatlas_core::RoledPredicate;
use ruleatlas_model::{Condition, DataSource, FoldedOp, Indicator, Modifiers, Predicate, SourceKind, Vendor};
use rustc_hash::FxHashMap;

pub use error::{Error, Fault};
pub use event::{EventNames, KnownEvent, ProviderEventNames};
pub use field::{Alias, Field, FieldType, FieldUse, Part, Vocabulary};
pub use fold::Folded;
pub use log_source::{LogSource, Telemetry, Term};
pub use need::{Reads, StepPart};
pub use platform_page::{PlatformPage, platform_pages};
pub use selection::{EventSources, StepReads};

use event::Events;
use field::{Fields, Place};
use log_source::LogSources;
use read::Source;

/// The canonical field of keywords and bare terms, which name no field: [`Predicate::raw_field`] is empty there.
pub const KEYWORD: &str = "keyword";

/// A data file: its name for messages, and its text.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// The name.
    pub name: &'a str,
    /// The text.
    pub text: &'a str,
}

/// The files of a taxonomy.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// `vocabularies.toml`.
    pub vocabularies: File<'a>,
    /// The field tables, in any order.
    pub fields: &'a [File<'a>],
    /// `log_sources.toml`.
    pub log_sources: File<'a>,
    /// `events.csv`.
    pub events: File<'a>,
    /// `providers.csv`.
    pub providers: File<'a>,
    /// `event_values.csv`.
    pub event_values: File<'a>,
    /// `channels.csv`.
    pub channels: File<'a>,
    /// The tables of data sources' names, in any order: a row a name, with the log source it is.
    pub names: &'a [File<'a>],
    /// `source_words.csv`.
    pub words: File<'a>,
    /// `platforms.toml`.
    pub platforms: File<'a>,
}

/// A file of the folder `data`, compiled in.
macro_rules! file {
    ($name:literal) => {
        File { name: concat!("data/", $name), text: include_str!(concat!("../data/", $name)) }
    };
}
pub(crate) use file;

const BUILTIN: Files<'static> = Files {
    vocabularies: file!("vocabularies.toml"),
    fields: &[
        file!("fields/process.toml"),
        file!("fields/file.toml"),
        file!("fields/registry.toml"),
        file!("fields/windows.toml"),
        file!("fields/network.toml"),
        file!("fields/unix.toml"),
        file!("fields/mail.toml"),
        file!("fields/falcon.toml"),
        file!("fields/cloud.toml"),
        file!("fields/identity.toml"),
        file!("fields/saas.toml"),
        file!("fields/elastic.toml"),
        file!("fields/splunk.toml"),
        file!("fields/cim.toml"),
        file!("fields/products.toml"),
        file!("fields/kusto.toml"),
        file!("fields/panther.toml"),
        file!("fields/falco.toml"),
        file!("fields/wazuh.toml"),
        file!("fields/udm.toml"),
        file!("fields/anvilogic.toml"),
        file!("fields/general.toml"),
    ],
    log_sources: file!("log_sources.toml"),
    events: file!("events.csv"),
    providers: file!("providers.csv"),
    event_values: file!("event_values.csv"),
    channels: file!("channels.csv"),
    names: &[file!("sources/splunk.csv"), file!("sources/kusto.csv"), file!("sources/elastic.csv")],
    words: file!("source_words.csv"),
    platforms: file!("platforms.toml"),
};

/// Every data file that is compiled in, in a fixed order. What a catalog says of a rule follows from them.
pub fn data_files() -> impl Iterator<Item = File<'static>> {
    let Files { vocabularies, fields, log_sources, events, providers, event_values, channels, names, words, platforms } =
        BUILTIN;
    let single = [vocabularies, log_sources, events, providers, event_values, channels, words, platforms];
    single.into_iter().chain(fields.iter().chain(names).copied()).chain(telemetry::FILES)
}

/// What names mean.
#[derive(Clone, Debug, Default)]
pub struct Taxonomy {
    fields: Fields,
    log_sources: LogSources,
    events: Events,
    event_fields: narrow::EventFields,
    evidence: Vec<platform::Evidence>,
    faults: Vec<Fault>,
}

impl Taxonomy {
    /// The taxonomy that is compiled in, read at the first call.
    ///
    /// [`Taxonomy::faults`] is empty for it: a test sees to that, and what stands beside a fault would be there all
    /// the same.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static BUILT: OnceLock<Taxonomy> = OnceLock::new();
        BUILT.get_or_init(|| Self::assemble(&BUILTIN))
    }

    /// Reads a taxonomy.
    ///
    /// # Errors
    /// A file is no TOML or CSV, says something that is not known, or the files contradict each other. The error names
    /// every such place.
    pub fn load(files: &Files<'_>) -> Result<Self, Error> {
        let loaded = Self::assemble(files);
        if loaded.faults.is_empty() { Ok(loaded) } else { Err(Error { faults: loaded.faults }) }
    }

    fn assemble(files: &Files<'_>) -> Self {
        let mut faults = Vec::new();
        let source = Source::new(files.vocabularies);
        let mut fields = Fields::default();
        fields.load_vocabularies(&source);
        faults.extend(source.into_faults());
        for file in files.fields {
            let source = Source::new(*file);
            fields.load_fields(&source);
            faults.extend(source.into_faults());
        }
        fields.index_members();
        let mut events = Events::load(files.events, &mut faults);
        events.load_aliases(files.providers, &mut faults);
        events.load_values(files.event_values, &mut faults);
        let source = Source::new(files.log_sources);
        let mut log_sources = LogSources::load(&source);
        for file in files.names {
            log_sources.load_names(*file, &mut faults);
        }
        log_sources.index(&source);
        log_sources.load_words(files.channels, files.words, &events, &mut faults);
        for selector in log_sources.selectors() {
            for event in selector.events.iter().filter(|event| events.get(event).is_none()) {
                let message = format!("{} {} is not in {}", event.provider, event.event_id, files.events.name);
                source.fault(LogSources::at(selector), message);
            }
            for name in selector.event_fields.iter().filter(|name| fields.named(name).is_none()) {
                source.fault(LogSources::at(selector), format!("`{name}` is no field"));
            }
        }
        for name in log_sources.told.iter().flat_map(|told| told.fields()) {
            if fields.named(name).is_none() {
                source.fault(0, format!("`{name}` is no field"));
            }
        }
        for name in log_sources.narrowing.iter().flat_map(|narrowing| narrowing.fields()) {
            if !name.ends_with(".*") && fields.named(name).is_none() {
                source.fault(0, format!("`{name}` is no field"));
            }
        }
        for (event, name) in events.value_fields() {
            if fields.named(name).is_none() {
                source.fault(0, format!("`{name}`, which {} {} holds, is no field", event.provider, event.event_id));
            }
        }
        for (name, who) in fields.named_log_sources() {
            if !log_sources.all.iter().any(|log_source| log_source.name == name) {
                source.fault(0, format!("there is no log source `{name}`, which `{who}` names"));
            }
        }
        if fields.named(KEYWORD).is_none() {
            source.fault(0, format!("there is no field `{KEYWORD}`"));
        }
        faults.extend(source.into_faults());
        let source = Source::new(files.platforms);
        let evidence = platform::load(&source, &log_sources);
        faults.extend(source.into_faults());
        Self { fields, log_sources, events, event_fields: narrow::EventFields::default(), evidence, faults }
    }

    /// What is wrong with the files; see [`Taxonomy::builtin`].
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// How the rules of `vendor` name things in a step that reads `sources`.
    #[must_use]
    pub fn reader<'a>(&'a self, vendor: Vendor, sources: &'a [DataSource]) -> Reader<'a> {
        let place = Place::new(sources, &self.log_sources);
        Reader { taxonomy: self, vendor, place, known: RefCell::default() }
    }

    /// The canonical field that a name as written means in a step that reads `sources`, if the table knows it.
    ///
    /// Names compare without case. The empty name is the field [`KEYWORD`]. For many fields of one step ask a
    /// [`Taxonomy::reader`]; for a predicate, [`Reader::field_of`] also knows which names are no fields of the event.
    #[must_use]
    pub fn resolve(&self, vendor: Vendor, raw_field: &str, sources: &[DataSource]) -> Option<FieldUse<'_>> {
        self.resolve_at(vendor, raw_field, &Place::new(sources, &self.log_sources))
    }

    fn resolve_at(&self, vendor: Vendor, raw_field: &str, place: &Place<'_>) -> Option<FieldUse<'_>> {
        if raw_field.is_empty() {
            return self.fields.named(KEYWORD).map(|field| FieldUse { field, part: Part::Whole });
        }
        self.fields.resolve(vendor, raw_field, place)
    }

    /// The indicators of a predicate, one a value in the order of the values; see [`Reader::fold`].
    #[must_use]
    pub fn fold(&self, vendor: Vendor, placed: &RoledPredicate<'_>, sources: &[DataSource]) -> Vec<Folded> {
        self.reader(vendor, sources).fold(placed)
    }

    /// The fields that a name of any vocabulary can mean, the canonical field of that name first.
    #[must_use]
    pub fn find_fields(&self, name: &str) -> Vec<&Field> {
        self.fields.find(name)
    }

    /// What a check as someone types it may be counted as, the likeliest first: the field by any vendor's name, operator
    /// and value as a rule would write them or as they are counted.
    #[must_use]
    pub fn fold_typed(&self, field: &str, op: FoldedOp, value: &str, modifiers: &Modifiers) -> Vec<Indicator> {
        fold::fold_typed(field, &self.fields.uses(field), op, value, modifiers)
    }

    /// Every name that a field has, canonical or at a vendor.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.all.iter().flat_map(|field| {
            std::iter::once(field.name.as_str()).chain(field.aliases.iter().map(|alias| alias.name.as_str()))
        })
    }

    /// Whether members of objects that no table lists still get a canonical name (`requestParameters.roleName`); there is
    /// a bound on what rules make up.
    #[must_use]
    pub fn has_room_for_members(&self) -> bool {
        !self.fields.members.is_full()
    }

    /// The canonical fields, in the order of the tables.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.all.iter()
    }

    /// The field with a number, as [`Field::index`] has it.
    #[must_use]
    pub fn field_at(&self, index: u32) -> Option<&Field> {
        let index = index as usize;
        let listed = self.fields.all.get(index);
        listed.or_else(|| self.fields.members.at(index.checked_sub(self.fields.all.len())?))
    }

    /// The vocabularies; [`Alias::vocabulary`] is an index of this.
    #[must_use]
    pub fn vocabularies(&self) -> &[Vocabulary] {
        &self.fields.vocabularies
    }

    /// The log sources, in the order of the table.
    pub fn log_sources(&self) -> impl Iterator<Item = &LogSource> {
        self.log_sources.all.iter()
    }

    /// The closed list of domains.
    #[must_use]
    pub fn domains(&self) -> &[Term] {
        &self.log_sources.domains
    }

    /// The closed list of platforms.
    #[must_use]
    pub fn platforms(&self) -> &[Term] {
        &self.log_sources.platforms
    }

    /// What the data sources of a step say of telemetry, platforms and domains.
    #[must_use]
    pub fn describe_sources(&self, sources: &[DataSource]) -> Telemetry<'_> {
        self.log_sources.describe(sources)
    }

    /// What the data sources of all steps say, each thing once. Where those of a step do not say which platform it watches,
    /// but may be of several, a platform that the rule names decides, else its values; where these do not either, it
    /// watches all of them.
    #[must_use]
    pub fn describe(&self, conditions: &[Condition]) -> Telemetry<'_> {
        let mut told = Telemetry::default();
        // What a query or its rule says of platforms narrows what its tables may be of.
        let named: Vec<&DataSource> = conditions
            .iter()
            .flat_map(|condition| &condition.sources)
            .filter(|source| source.kind == SourceKind::Platform)
            .collect();
        // The same for every step, and as much work as the whole rule is long.
        let seen = std::cell::OnceCell::new();
        for condition in conditions {
            let mut step = self.describe_sources(&condition.sources);
            if step.platforms.is_empty() && !step.possible_platforms.is_empty() {
                let is_named = |name: &&str| named.iter().any(|source| source.name.eq_ignore_ascii_case(name));
                let possible: Vec<&str> = step.possible_platforms.iter().copied().filter(is_named).collect();
                step.platforms = possible;
                if step.platforms.is_empty() && step.possible_platforms.len() > 1 {
                    let seen = seen.get_or_init(|| self.platforms_of_values(conditions));
                    step.platforms =
                        step.possible_platforms.iter().copied().filter(|name| seen.contains(name)).collect();
                }
                if step.platforms.is_empty() {
                    step.platforms.clone_from(&step.possible_platforms);
                }
            }
            told.merge(step);
        }
        told
    }
}

impl FieldUse<'_> {
    /// What [`Reader::fold`] makes of a predicate whose field this is, and whose operator in positive form is its own; `None` for
    /// a field that the table does not know.
    #[must_use]
    pub fn fold(used: Option<Self>, predicate: &Predicate) -> Vec<Folded> {
        fold::fold(predicate, predicate.op, used)
    }
}

/// Reads the names of one step's predicates.
pub struct Reader<'a> {
    taxonomy: &'a Taxonomy,
    vendor: Vendor,
    place: Place<'a>,
    /// What names were found to mean: a step compares the same few in many places, and is read by many questions.
    known: RefCell<FxHashMap<Box<str>, Option<FieldUse<'a>>>>,
}

impl<'a> Reader<'a> {
    /// The canonical field that a name as written means here; see [`Taxonomy::resolve`].
    #[must_use]
    pub fn resolve(&self, raw_field: &str) -> Option<FieldUse<'a>> {
        if let Some(found) = self.known.borrow().get(raw_field) {
            return *found;
        }
        let found = self.taxonomy.resolve_at(self.vendor, raw_field, &self.place);
        self.known.borrow_mut().insert(raw_field.into(), found);
        found
    }

    /// The canonical field that a predicate compares. What is computed, and a name that was cut out of another field,
    /// is no field of the event, even if it is called like one.
    #[must_use]
    pub fn field_of(&self, predicate: &Predicate) -> Option<FieldUse<'a>> {
        if predicate.computed || predicate.derived_from.is_some() {
            return None;
        }
        self.resolve(&predicate.raw_field)
    }

    /// The indicators of a predicate, whatever its role: one a value, in the order of the values, and one without a
    /// value for `is_null` and `is_not_null`.
    ///
    /// A field that the table does not know is counted by its raw name in lower case.
    #[must_use]
    pub fn fold(&self, placed: &RoledPredicate<'_>) -> Vec<Folded> {
        fold::fold(placed.predicate, placed.counted_op, self.field_of(placed.predicate))
    }
}
