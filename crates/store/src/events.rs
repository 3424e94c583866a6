//! The event catalog's tables. They are read at a question, never all at once: only the titles of events that rules read
//! are read with the index.

use std::collections::{BTreeMap, BTreeSet};

use ruleatlas_catalog::{Catalog, RuleId};
use ruleatlas_model::{Analytic, Dictionary, EventEntry, EventRef};
use rusqlite::{OptionalExtension as _, Row, Transaction, params, params_from_iter};

use crate::{
    Error, Store,
    read::{Sql, json},
    staging_table::StagingTable,
    write::{json as to_json, par_map_ordered},
};

/// How many events a question about fields or texts gets at most.
const MAX_EVENTS: usize = 20_000;

/// What a rule needs to fire: of every step one event.
pub type Steps = Vec<Vec<EventRef>>;

/// An event in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventHead {
    /// Its number in the catalog.
    pub number: u32,
    /// Provider and id.
    pub event: EventRef,
    /// The channel; empty where none is known.
    pub channel: String,
    /// The title; empty where none is known.
    pub title: String,
    /// Whether a dictionary says something of it.
    pub is_known: bool,
    /// Whether it has an event as a sample.
    pub has_sample: bool,
}

/// A provider as the catalog has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRow {
    /// Its short name.
    pub name: String,
    /// The platforms whose logs it writes to; empty where that is not known, or it is of any.
    pub platforms: Vec<String>,
    /// The dictionaries that know its events.
    pub dictionaries: Vec<Dictionary>,
    /// How many events it has.
    pub events: u32,
    /// How many of them rules read.
    pub read: u32,
}

/// A field of a provider's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderFieldRow {
    /// The name as the events have it.
    pub name: String,
    /// How many events have it.
    pub events: u32,
    /// The first event that has it.
    pub first: EventRef,
    /// The channel of that event; empty where none is known.
    pub channel: String,
}

/// An event that ATT&CK's analytics name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedEventRow {
    /// The event.
    pub event: EventRef,
    /// How many techniques it is named for.
    pub techniques: u32,
    /// The title, where a dictionary has one.
    pub title: Option<String>,
}

/// An analytic of ATT&CK that names an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamingAnalytic {
    /// The technique that it detects.
    pub technique: String,
    /// Its id.
    pub analytic: String,
    /// The data component that it names the event for; empty where the bundles do not hold it.
    pub component: String,
    /// ATT&CK's page about it.
    pub url: String,
}

/// The table of what dictionaries say, which are long texts, and how many of the events rules read.
pub(crate) fn write_bodies(transaction: &Transaction<'_>, catalog: &Catalog) -> Sql<()> {
    let read = catalog.events.read.to_string();
    transaction.execute("INSERT INTO meta VALUES ('events_read', ?)", [read])?;
    let mut event_body = transaction.prepare("INSERT INTO event_body VALUES (?, ?)")?;
    par_map_ordered(&catalog.events.entries, to_json, |number, _, body| event_body.execute(params![number, body]))
}

/// The other tables of events, and what rules and ATT&CK need of them.
pub(crate) fn fill(catalog: &Catalog) -> Sql<StagingTable> {
    const TABLES: [&str; 7] =
        ["event", "event_field", "provider", "provider_field", "rule_need", "analytic", "analytic_event"];
    StagingTable::fill(&TABLES, |transaction| rows(transaction, catalog))
}

fn rows(transaction: &Transaction<'_>, catalog: &Catalog) -> Sql<()> {
    let entries = &catalog.events.entries;
    let mut event = transaction.prepare("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?;
    let mut providers: BTreeMap<String, ProviderCounts<'_>> = BTreeMap::new();
    for (number, entry) in (0_u32..).zip(entries) {
        let dictionaries = entry.dictionaries();
        let (is_known, has_sample) = (!dictionaries.is_empty(), entry.sample.is_some());
        let channel = entry.channel.as_ref().map(|channel| &channel.text);
        let (title, by) = entry.title.as_ref().map(|title| (&title.text, title.by.name())).unzip();
        let name = (&entry.event.provider, &entry.event.event_id);
        event.execute(params![number, name.0, name.1, channel, title, by, is_known, has_sample])?;
        let provider = providers.entry(name.0.to_lowercase()).or_insert_with(|| ProviderCounts::new(name.0));
        provider.add(number, entry, dictionaries, (number as usize) < catalog.events.read);
    }
    write_providers(transaction, catalog, providers.into_values())?;
    let mut names: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (number, entry) in (0_u32..).zip(entries) {
        for field in &entry.fields {
            let events = names.entry(field.name.to_lowercase()).or_default();
            if events.last() != Some(&number) {
                events.push(number);
            }
        }
    }
    let mut event_field = transaction.prepare("INSERT INTO event_field VALUES (?, ?)")?;
    for (name, events) in &names {
        event_field.execute(params![name, to_json(events)?])?;
    }
    let mut rule_need = transaction.prepare("INSERT INTO rule_need VALUES (?, ?)")?;
    for (rule, entry) in (0_u32..).zip(&catalog.entries) {
        if let Some(steps) = need(&entry.needs)? {
            rule_need.execute(params![rule, steps])?;
        }
    }
    let mut analytic = transaction.prepare("INSERT INTO analytic VALUES (?, ?)")?;
    for (technique, analytics) in &catalog.attack.analytics {
        analytic.execute(params![technique, to_json(analytics)?])?;
    }
    let mut named = transaction.prepare("INSERT INTO analytic_event VALUES (?, ?, ?, ?, ?, ?)")?;
    for row in &catalog.events.named_by_attack {
        let event = (&row.event.provider, &row.event.event_id);
        named.execute(params![event.0, event.1, row.technique, row.analytic, row.component, row.url])?;
    }
    Ok(())
}

/// What the events of a provider have together.
struct ProviderCounts<'a> {
    name: &'a str,
    dictionaries: BTreeSet<Dictionary>,
    events: u32,
    read: u32,
    /// By the name in lower case: the name, how many events have it, the first that does.
    fields: BTreeMap<String, (&'a str, u32, u32)>,
    /// The event that counted a field last, so that one counts once.
    last: BTreeMap<&'a str, u32>,
}

impl<'a> ProviderCounts<'a> {
    fn new(name: &'a str) -> Self {
        let (dictionaries, fields, last) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        Self { name, dictionaries, events: 0, read: 0, fields, last }
    }

    fn add(&mut self, number: u32, entry: &'a EventEntry, dictionaries: Vec<Dictionary>, is_read: bool) {
        self.dictionaries.extend(dictionaries);
        self.events += 1;
        self.read += u32::from(is_read);
        for field in &entry.fields {
            if self.last.insert(&field.name, number) == Some(number) {
                continue;
            }
            let counted = self.fields.entry(field.name.to_lowercase()).or_insert((&field.name, 0, number));
            counted.1 += 1;
        }
    }
}

fn write_providers<'a>(
    transaction: &Transaction<'_>,
    catalog: &Catalog,
    providers: impl Iterator<Item = ProviderCounts<'a>>,
) -> Sql<()> {
    let mut row = transaction.prepare("INSERT INTO provider VALUES (?, ?, ?, ?, ?)")?;
    let mut field = transaction.prepare("INSERT INTO provider_field VALUES (?, ?, ?, ?)")?;
    for provider in providers {
        let platforms = to_json(&catalog.events.platforms.get(provider.name).map_or(&[][..], Vec::as_slice))?;
        let dictionaries = to_json(&provider.dictionaries)?;
        row.execute(params![provider.name, platforms, dictionaries, provider.events, provider.read])?;
        for (name, events, first) in provider.fields.values() {
            field.execute(params![provider.name, name, events, first])?;
        }
    }
    Ok(())
}

/// What a rule needs as the table has it; `None` where it needs nothing that has a name.
fn need(steps: &[Vec<EventRef>]) -> Sql<Option<String>> {
    let pairs = |step: &Vec<EventRef>| -> Vec<(String, String)> {
        step.iter().map(|event| (event.provider.clone(), event.event_id.clone())).collect()
    };
    let has_event = steps.iter().any(|step| !step.is_empty());
    has_event.then(|| to_json(&steps.iter().map(pairs).collect::<Vec<_>>())).transpose()
}

fn head(row: &Row<'_>) -> Sql<EventHead> {
    Ok(EventHead {
        number: row.get(0)?,
        event: EventRef { provider: row.get(1)?, event_id: row.get(2)? },
        channel: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
        title: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        is_known: row.get(5)?,
        has_sample: row.get(6)?,
    })
}

/// The columns of [`head`].
const HEAD: &str = "SELECT event, provider, event_id, channel, title, known, sample FROM event";

/// The columns of [`provider`].
const PROVIDER: &str = "SELECT provider, platforms, dictionaries, events, read FROM provider";

fn provider(row: &Row<'_>) -> Sql<ProviderRow> {
    Ok(ProviderRow {
        name: row.get(0)?,
        platforms: json(row, 1)?,
        dictionaries: json(row, 2)?,
        events: row.get(3)?,
        read: row.get(4)?,
    })
}

impl Store {
    /// How many events rules read; they are the first.
    fn events_read(&self) -> Result<u32, Error> {
        Ok(self.meta("events_read")?.and_then(|count| count.parse().ok()).unwrap_or_default())
    }

    /// The titles of the events that rules read.
    pub(crate) fn titles(&self) -> Result<Vec<(EventRef, String)>, Error> {
        let count = self.events_read()?;
        let sql =
            format!("SELECT event, provider, event_id, title FROM event WHERE event < {count} AND title IS NOT NULL");
        self.readable_rows("event", &sql, |row| {
            Ok((EventRef { provider: row.get(1)?, event_id: row.get(2)? }, row.get(3)?))
        })
    }

    /// What the dictionaries say of an event; provider and id compare without case.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn event(&self, event: &EventRef) -> Result<Option<EventEntry>, Error> {
        let sql = "SELECT body FROM event JOIN event_body USING (event) \
                   WHERE provider = ? COLLATE NOCASE AND event_id = ? COLLATE NOCASE";
        let found = self.connection.query_row(sql, params![event.provider, event.event_id], |row| json(row, 0));
        self.said(found.optional())
    }

    /// The events written to a channel under an id; both compare without case.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn events_in_channel(&self, channel: &str, id: &str) -> Result<Vec<EventHead>, Error> {
        let sql = format!("{HEAD} WHERE channel = ? COLLATE NOCASE AND event_id = ? COLLATE NOCASE LIMIT 100");
        self.heads_where(&sql, &[channel, id])
    }

    /// The events that rules read.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn read_events(&self) -> Result<Vec<EventHead>, Error> {
        let count = self.events_read()?;
        self.readable_rows("event", &format!("{HEAD} WHERE event < {count} ORDER BY event"), head)
    }

    /// The events of a provider, in their order; the name compares without case.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn events_of_provider(&self, provider: &str) -> Result<Vec<EventHead>, Error> {
        self.heads_where(&format!("{HEAD} WHERE provider = ? COLLATE NOCASE"), &[provider])
    }

    /// The events of a provider with the names of their categories; the name compares without case.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn categories_of_provider(&self, provider: &str) -> Result<Vec<(EventRef, Vec<String>)>, Error> {
        let sql = "SELECT event, body FROM event JOIN event_body USING (event) WHERE provider = ? COLLATE NOCASE";
        let collect = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([provider], |row| {
                let entry: EventEntry = json(row, 1)?;
                Ok((entry.event, entry.categories.into_iter().map(|category| category.name).collect()))
            })?;
            rows.collect()
        };
        self.said(collect())
    }

    /// A provider; the name compares without case.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn provider(&self, name: &str) -> Result<Option<ProviderRow>, Error> {
        let found = self.connection.query_row(&format!("{PROVIDER} WHERE provider = ?"), [name], provider);
        self.said(found.optional())
    }

    /// Every provider, by name.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn provider_rows(&self) -> Result<Vec<ProviderRow>, Error> {
        self.readable_rows("provider", &format!("{PROVIDER} ORDER BY provider, provider COLLATE BINARY"), provider)
    }

    /// The fields of a provider's events; the name compares without case.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn provider_fields(&self, name: &str) -> Result<Vec<ProviderFieldRow>, Error> {
        let sql = "SELECT provider_field.name, provider_field.events, event.provider, event_id, channel \
                   FROM provider_field JOIN event USING (event) WHERE provider_field.provider = ?";
        let collect = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([name], |row| {
                Ok(ProviderFieldRow {
                    name: row.get(0)?,
                    events: row.get(1)?,
                    first: EventRef { provider: row.get(2)?, event_id: row.get(3)? },
                    channel: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
                })
            })?;
            rows.collect()
        };
        self.said(collect())
    }

    /// Every event, those that rules read first.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn event_heads(&self) -> Result<Vec<EventHead>, Error> {
        self.readable_rows("event", &format!("{HEAD} ORDER BY event"), head)
    }

    /// The providers with their number of events.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn providers(&self) -> Result<Vec<(String, u32)>, Error> {
        let sql = "SELECT provider, events FROM provider ORDER BY provider COLLATE BINARY";
        self.readable_rows("provider", sql, |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The events that have one of the fields, those that rules read first; names compare without case.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn events_with_field(&self, names: &[String]) -> Result<Vec<EventHead>, Error> {
        let mut numbers: Vec<u32> = Vec::new();
        for name in names {
            let sql = "SELECT events FROM event_field WHERE name = ?";
            let found = self.connection.query_row(sql, [name.to_lowercase()], |row| json::<Vec<u32>>(row, 0));
            numbers.extend(self.said(found.optional())?.unwrap_or_default());
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers.truncate(MAX_EVENTS);
        let mut heads = Vec::with_capacity(numbers.len());
        for some in numbers.chunks(500) {
            let marks = vec!["?"; some.len()].join(",");
            let sql = format!("{HEAD} WHERE event IN ({marks}) ORDER BY event");
            let collect = || {
                let mut statement = self.connection.prepare(&sql)?;
                let rows = statement.query_map(params_from_iter(some), head)?;
                rows.collect::<Sql<Vec<EventHead>>>()
            };
            heads.extend(self.said(collect())?);
        }
        Ok(heads)
    }

    /// What every rule needs to fire: for each step the events of which one must be collected; no rule without any event.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn needs(&self) -> Result<Vec<(RuleId, Steps)>, Error> {
        self.rows_of_rules("rule_need", "SELECT rule, steps FROM rule_need ORDER BY rule", |row| {
            let steps: Vec<Vec<(String, String)>> = json(row, 1)?;
            let event = |(provider, event_id)| EventRef { provider, event_id };
            Ok(steps.into_iter().map(|step| step.into_iter().map(event).collect()).collect())
        })
    }

    /// How ATT&CK detects a technique, without its sub-techniques.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn analytics(&self, technique: &str) -> Result<Vec<Analytic>, Error> {
        let sql = "SELECT body FROM analytic WHERE technique = ?";
        let found = self.connection.query_row(sql, [technique], |row| json(row, 0));
        Ok(self.said(found.optional())?.unwrap_or_default())
    }

    /// The analytics that name an event, by technique and id.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn analytics_naming(&self, event: &EventRef) -> Result<Vec<NamingAnalytic>, Error> {
        let sql = "SELECT technique, analytic, component, url FROM analytic_event WHERE provider = ? AND event_id = ? \
                   ORDER BY technique, analytic, component";
        let collect = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![event.provider, event.event_id], |row| {
                let (technique, analytic) = (row.get(0)?, row.get(1)?);
                Ok(NamingAnalytic { technique, analytic, component: row.get(2)?, url: row.get(3)? })
            })?;
            rows.collect()
        };
        self.said(collect())
    }

    /// The events that ATT&CK's analytics name.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn events_named_by_attack(&self) -> Result<Vec<NamedEventRow>, Error> {
        let sql = "SELECT named.provider, named.event_id, named.techniques, event.title FROM \
                   (SELECT provider, event_id, count(DISTINCT technique) AS techniques FROM analytic_event \
                    GROUP BY provider, event_id) AS named \
                   LEFT JOIN event ON event.provider = named.provider COLLATE NOCASE \
                   AND event.event_id = named.event_id COLLATE NOCASE ORDER BY 1, 2";
        self.readable_rows("analytic_event", sql, |row| {
            let event = EventRef { provider: row.get(0)?, event_id: row.get(1)? };
            Ok(NamedEventRow { event, techniques: row.get(2)?, title: row.get(3)? })
        })
    }

    fn heads_where(&self, sql: &str, values: &[&str]) -> Result<Vec<EventHead>, Error> {
        let collect = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map(params_from_iter(values), head)?;
            rows.collect()
        };
        self.said(collect())
    }
}
