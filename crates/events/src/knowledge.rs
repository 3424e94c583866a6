//! The tables of `data/`: activities, kinds of events, values.

use std::{collections::BTreeMap, sync::OnceLock};

use ruleatlas_model::EventRef;
use ruleatlas_taxonomy::{Field, FieldType, Taxonomy};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, de::DeserializeOwned};

/// A number of a canonical field: its place in [`Taxonomy::fields`].
pub type FieldNumber = u32;

/// What is known of events beyond the shapes and the taxonomy. What is wrong with the tables stands in `faults`: a test sees
/// that there is none, and what stands beside a fault works all the same.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    pub activities: Vec<Activity>,
    /// Activities by event.
    pub by_event: FxHashMap<EventRef, Vec<usize>>,
    /// Facts by platform.
    pub platforms: FxHashMap<String, Vec<(FieldNumber, String)>>,
    pub tables: Vec<Table>,
    pub identify: Vec<Identify>,
    pub aliases: Vec<EventAlias>,
    pub shape_platforms: FxHashMap<String, String>,
    pub path_platforms: Vec<PathPlatform>,
    /// Other spellings of a value, by field and value in lower case.
    pub equal: FxHashMap<FieldNumber, FxHashMap<String, Vec<String>>>,
    pub roots: Vec<(FxHashSet<FieldNumber>, Vec<String>)>,
    pub numbers: Vec<(FxHashSet<FieldNumber>, String, String)>,
    pub pairs: Vec<Pairs>,
    pub arguments: Vec<Arguments>,
    pub accounts: Vec<(FieldNumber, Option<FieldNumber>)>,
    pub joined: Vec<Joined>,
    /// Fields that hold what stands before the last part of a path, with the paths' fields.
    pub parents: Vec<(FieldNumber, FieldNumber)>,
    /// Fields that hold a file name's extension, with the paths' fields.
    pub extensions: Vec<(FieldNumber, FieldNumber)>,
    /// Values that follow from another field's: from, value in lower case, to, value.
    pub implied: FxHashMap<FieldNumber, Vec<(String, FieldNumber, String)>>,
    pub header: Header,
    /// The field of an event's category.
    pub category: FieldNumber,
    /// Fields that hold the host's name.
    pub host: Vec<FieldNumber>,
    /// Fields whose texts are numbers.
    pub integers: FxHashSet<FieldNumber>,
    /// Fields that hold paths.
    pub paths: FxHashSet<FieldNumber>,
    pub faults: Vec<String>,
}

/// The fields that say which event it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Header {
    pub event_id: FieldNumber,
    pub provider: FieldNumber,
    pub channel: FieldNumber,
}

#[derive(Debug)]
pub(crate) struct Activity {
    pub events: Vec<EventRef>,
    pub facts: Vec<(FieldNumber, String)>,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub event: EventRef,
    pub actions: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identify {
    pub field: String,
    pub prefix: String,
    pub provider: String,
    pub event_id: String,
    pub action_field: String,
    #[serde(default)]
    pub same: BTreeMap<String, String>,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PathPlatform {
    pub vocabulary: String,
    pub fields: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct EventAlias {
    /// Any event where it is empty.
    pub events: Vec<EventRef>,
    pub vocabulary: Option<String>,
    /// In lower case.
    pub name: String,
    pub field: FieldNumber,
    pub name_only: bool,
    /// Whether the name means what it means elsewhere, too.
    pub also: bool,
}

#[derive(Debug)]
pub(crate) struct Pairs {
    pub field: FieldNumber,
    /// The names as they are written, with the fields.
    pub parts: Vec<(String, FieldNumber)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Arguments {
    pub field: FieldNumber,
    pub count: FieldNumber,
    pub from: FieldNumber,
}

#[derive(Debug)]
pub(crate) struct Joined {
    pub field: FieldNumber,
    /// Fields, and whether the last part is meant.
    pub parts: Vec<(FieldNumber, bool)>,
    pub separator: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActivitiesFile {
    platform: Vec<PlatformRow>,
    activity: Vec<ActivityRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlatformRow {
    name: String,
    facts: BTreeMap<String, Vec<String>>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActivityRow {
    name: String,
    events: BTreeMap<String, Vec<String>>,
    facts: BTreeMap<String, Vec<String>>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindsFile {
    host: HostRow,
    table: Vec<TableRow>,
    identify: Vec<Identify>,
    alias: Vec<AliasRow>,
    shape_platform: Vec<ShapePlatformRow>,
    path_platform: Vec<PathPlatform>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HostRow {
    fields: Vec<String>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableRow {
    provider: String,
    name: String,
    actions: Vec<String>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AliasRow {
    #[serde(default)]
    events: BTreeMap<String, Vec<String>>,
    vocabulary: Option<String>,
    name: String,
    field: String,
    part: Option<String>,
    #[serde(default)]
    also: bool,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShapePlatformRow {
    platform: String,
    shapes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValuesFile {
    equal: Vec<EqualRow>,
    root: Vec<RootRow>,
    number: Vec<NumberRow>,
    pairs: Vec<PairsRow>,
    arguments: Vec<ArgumentsRow>,
    account: Vec<AccountRow>,
    joined: Vec<JoinedRow>,
    parent: Vec<FromRow>,
    extension: Vec<FromRow>,
    implied: Vec<ImpliedRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FromRow {
    field: String,
    from: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImpliedRow {
    field: String,
    from: String,
    values: BTreeMap<String, String>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EqualRow {
    fields: Vec<String>,
    values: Vec<Vec<String>>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RootRow {
    fields: Vec<String>,
    forms: Vec<String>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberRow {
    fields: Vec<String>,
    pattern: String,
    end: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PairsRow {
    field: String,
    parts: BTreeMap<String, String>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArgumentsRow {
    field: String,
    count: String,
    from: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountRow {
    field: String,
    domain: Option<String>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JoinedRow {
    field: String,
    parts: Vec<String>,
    separator: String,
    source: String,
}

impl Knowledge {
    /// The tables that are compiled in.
    pub fn builtin() -> &'static Self {
        static BUILT: OnceLock<Knowledge> = OnceLock::new();
        BUILT.get_or_init(|| {
            Self::load(
                include_str!("../data/activities.toml"),
                include_str!("../data/kinds.toml"),
                include_str!("../data/values.toml"),
                Taxonomy::builtin(),
            )
        })
    }

    fn load(activities: &str, kinds: &str, values: &str, taxonomy: &Taxonomy) -> Self {
        let mut loader = Loader { taxonomy, known: Self::default() };
        let of_type = |kind: fn(FieldType) -> bool| -> FxHashSet<FieldNumber> {
            taxonomy.fields().filter(|field| kind(field.field_type)).map(|field| field.index).collect()
        };
        loader.known.integers = of_type(|kind| matches!(kind, FieldType::Integer | FieldType::Port));
        loader.known.paths = of_type(|kind| kind == FieldType::Path);
        loader.known.header = Header {
            event_id: loader.field("EventID"),
            provider: loader.field("Provider_Name"),
            channel: loader.field("Channel"),
        };
        loader.known.category = loader.field("event.category");
        if let Some(file) = loader.parse("activities.toml", activities) {
            loader.activities(file);
        }
        if let Some(file) = loader.parse("kinds.toml", kinds) {
            loader.kinds(file);
        }
        if let Some(file) = loader.parse("values.toml", values) {
            loader.values(file);
        }
        loader.known
    }
}

struct Loader<'t> {
    taxonomy: &'t Taxonomy,
    known: Knowledge,
}

impl Loader<'_> {
    fn parse<T: DeserializeOwned>(&mut self, name: &str, text: &str) -> Option<T> {
        toml::from_str(text).map_err(|error| self.known.faults.push(format!("{name}: {error}"))).ok()
    }

    fn fault(&mut self, message: String) {
        self.known.faults.push(message);
    }

    fn field(&mut self, name: &str) -> FieldNumber {
        match self.taxonomy.canonical_field(name) {
            Some(Field { index, .. }) => *index,
            None => {
                self.fault(format!("`{name}` is no canonical field"));
                FieldNumber::MAX
            }
        }
    }

    fn fields(&mut self, names: &[String]) -> FxHashSet<FieldNumber> {
        names.iter().map(|name| self.field(name)).collect()
    }

    fn sourced(&mut self, what: &str, source: &str) {
        if !source.starts_with("https://") {
            self.fault(format!("{what}: `source` must be an address"));
        }
    }

    fn facts(&mut self, facts: &BTreeMap<String, Vec<String>>) -> Vec<(FieldNumber, String)> {
        let mut all = Vec::new();
        for (name, values) in facts {
            let field = self.field(name);
            all.extend(values.iter().map(|value| (field, value.clone())));
        }
        all
    }

    fn events(&mut self, events: &BTreeMap<String, Vec<String>>) -> Vec<EventRef> {
        let mut all = Vec::new();
        for (provider, ids) in events {
            for event_id in ids {
                let event = EventRef { provider: provider.clone(), event_id: event_id.clone() };
                if self.taxonomy.known_event(&event).is_none() {
                    self.fault(format!("{provider} {event_id} is not in events.csv"));
                }
                all.push(event);
            }
        }
        all
    }

    fn activities(&mut self, file: ActivitiesFile) {
        for row in file.platform {
            self.sourced(&row.name, &row.source);
            if !self.taxonomy.platforms().iter().any(|platform| platform.name == row.name) {
                self.fault(format!("`{}` is no platform", row.name));
            }
            let facts = self.facts(&row.facts);
            self.known.platforms.insert(row.name, facts);
        }
        for row in file.activity {
            self.sourced(&row.name, &row.source);
            let (events, facts) = (self.events(&row.events), self.facts(&row.facts));
            for event in &events {
                self.known.by_event.entry(event.clone()).or_default().push(self.known.activities.len());
            }
            self.known.activities.push(Activity { events, facts });
        }
    }

    fn kinds(&mut self, file: KindsFile) {
        self.sourced("host", &file.host.source);
        self.known.host = file.host.fields.iter().map(|name| self.field(name)).collect();
        for row in file.table {
            self.sourced(&row.name, &row.source);
            let event = EventRef { provider: row.provider, event_id: row.name };
            if self.taxonomy.known_event(&event).is_none() {
                self.fault(format!("{} {} is not in events.csv", event.provider, event.event_id));
            }
            self.known.tables.push(Table { event, actions: row.actions });
        }
        self.known.identify = file.identify;
        self.known.path_platforms = file.path_platform;
        for row in file.alias {
            self.sourced(&row.name, &row.source);
            let alias = EventAlias {
                events: self.events(&row.events),
                vocabulary: row.vocabulary,
                name: row.name.to_lowercase(),
                field: self.field(&row.field),
                name_only: row.part.is_some(),
                also: row.also,
            };
            self.known.aliases.push(alias);
        }
        for row in file.shape_platform {
            for shape in row.shapes {
                if crate::Shapes::builtin().named(&shape).is_none() {
                    self.fault(format!("there is no shape `{shape}`"));
                }
                self.known.shape_platforms.insert(shape, row.platform.clone());
            }
        }
    }

    fn values(&mut self, file: ValuesFile) {
        for row in file.equal {
            self.sourced(&row.fields.join(", "), &row.source);
            for field in self.fields(&row.fields) {
                for group in &row.values {
                    for value in group {
                        let others: Vec<String> = group.iter().filter(|other| *other != value).cloned().collect();
                        let of_field = self.known.equal.entry(field).or_default();
                        if of_field.insert(value.to_lowercase(), others).is_some() {
                            self.known.faults.push(format!("`{value}` stands twice in the values of a field"));
                        }
                    }
                }
            }
        }
        for row in file.root {
            self.sourced(&row.fields.join(", "), &row.source);
            let fields = self.fields(&row.fields);
            self.known.roots.push((fields, row.forms));
        }
        for row in file.number {
            self.sourced(&row.fields.join(", "), &row.source);
            let fields = self.fields(&row.fields);
            self.known.numbers.push((fields, row.pattern, row.end));
        }
        for row in file.pairs {
            self.sourced(&row.field, &row.source);
            let parts = row.parts.into_iter().map(|(name, field)| (name, self.field(&field))).collect();
            let field = self.field(&row.field);
            self.known.pairs.push(Pairs { field, parts });
        }
        for row in file.arguments {
            self.sourced(&row.field, &row.source);
            let (field, count, from) = (self.field(&row.field), self.field(&row.count), self.field(&row.from));
            self.known.arguments.push(Arguments { field, count, from });
        }
        for row in file.account {
            self.sourced(&row.field, &row.source);
            let account = (self.field(&row.field), row.domain.map(|domain| self.field(&domain)));
            self.known.accounts.push(account);
        }
        for row in file.joined {
            self.sourced(&row.field, &row.source);
            let field = self.field(&row.field);
            let parts = row.parts.iter().map(|part| match part.strip_suffix(":name") {
                Some(name) => (self.field(name), true),
                None => (self.field(part), false),
            });
            let parts = parts.collect();
            self.known.joined.push(Joined { field, parts, separator: row.separator });
        }
        for row in file.parent {
            let pair = self.from(&row);
            self.known.parents.push(pair);
        }
        for row in file.extension {
            let pair = self.from(&row);
            self.known.extensions.push(pair);
        }
        for row in file.implied {
            self.sourced(&row.field, &row.source);
            let (field, from) = (self.field(&row.field), self.field(&row.from));
            let values = row.values.into_iter().map(|(value, implied)| (value.to_lowercase(), field, implied));
            self.known.implied.entry(from).or_default().extend(values);
        }
    }

    fn from(&mut self, row: &FromRow) -> (FieldNumber, FieldNumber) {
        self.sourced(&row.field, &row.source);
        (self.field(&row.field), self.field(&row.from))
    }
}

#[cfg(test)]
mod tests {
    use super::Knowledge;

    #[test]
    fn the_tables_have_no_faults() {
        assert_eq!(Knowledge::builtin().faults, Vec::<String>::new());
    }

    #[test]
    fn a_fault_is_said() {
        let taxonomy = ruleatlas_taxonomy::Taxonomy::builtin();
        let activities = "platform = []\n[[activity]]\nname = 'x'\nevents = { Nobody = ['1'] }\nfacts = { nothing = ['a'] }\nsource = 'page'\n";
        let values = "equal = []\nroot = []\nnumber = []\npairs = []\narguments = []\naccount = []\njoined = []\nparent = []\nextension = []\nimplied = []\n";
        let kinds = "table = []\nidentify = []\nalias = []\nshape_platform = []\npath_platform = []\nother = 1\n";
        let faults = Knowledge::load(activities, kinds, values, taxonomy).faults;
        for expected in ["`nothing` is no canonical field", "Nobody 1 is not in events.csv", "`source`", "kinds.toml"] {
            assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected}: {faults:?}");
        }
    }
}
