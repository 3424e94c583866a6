//! The event catalog's tables. They are read at a question, never all at once: only the titles of events that rules read
//! are read with the index.

use std::collections::BTreeMap;

use ruleatlas_catalog::{Catalog, RuleId};
use ruleatlas_model::{Analytic, EventEntry, EventRef};
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
    const TABLES: [&str; 5] = ["event", "event_field", "rule_need", "analytic", "analytic_event"];
    StagingTable::fill(&TABLES, |transaction| rows(transaction, catalog))
}

fn rows(transaction: &Transaction<'_>, catalog: &Catalog) -> Sql<()> {
    let entries = &catalog.events.entries;
    let mut event = transaction.prepare("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)")?;
    for (number, entry) in (0_u32..).zip(entries) {
        let channel = entry.channel.as_ref().map(|channel| &channel.text);
        let (title, by) = entry.title.as_ref().map(|title| (&title.text, title.by.name())).unzip();
        event.execute(params![number, entry.event.provider, entry.event.event_id, channel, title, by])?;
    }
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
    let mut named = transaction.prepare("INSERT INTO analytic_event VALUES (?, ?, ?)")?;
    for (event, technique) in &catalog.events.named_by_attack {
        named.execute(params![event.provider, event.event_id, technique])?;
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
    })
}

/// The columns of [`head`].
const HEAD: &str = "SELECT event, provider, event_id, channel, title FROM event";

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
    pub fn events_of_provider(&self, provider: &str) -> Result<Vec<(EventHead, EventEntry)>, Error> {
        let sql = "SELECT event, provider, event_id, channel, title, body FROM event JOIN event_body USING (event) \
                   WHERE provider = ? COLLATE NOCASE";
        let collect = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([provider], |row| Ok((head(row)?, json(row, 5)?)))?;
            rows.collect()
        };
        self.said(collect())
    }

    /// The events whose provider, id, channel or title has a text, those that rules read first or alone; at most `limit`.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn find_events(&self, text: &str, only_read: bool, limit: usize) -> Result<Vec<EventHead>, Error> {
        let below = if only_read { self.events_read()? } else { u32::MAX };
        // What people call an event: `Sysmon 1`.
        let sql = format!(
            "{HEAD} WHERE event < {below} AND instr(lower(provider || ' ' || event_id || ' ' || coalesce(title, '') \
             || ' ' || coalesce(channel, '')), ?) ORDER BY event LIMIT {}",
            limit.min(MAX_EVENTS)
        );
        self.heads_where(&sql, &[&text.to_lowercase()])
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
        let sql = "SELECT min(provider), count(*) FROM event GROUP BY provider COLLATE NOCASE ORDER BY 1";
        self.readable_rows("event", sql, |row| Ok((row.get(0)?, row.get(1)?)))
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

    /// The techniques whose analytics name an event, in order.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn techniques_naming(&self, event: &EventRef) -> Result<Vec<String>, Error> {
        let sql = "SELECT technique FROM analytic_event WHERE provider = ? AND event_id = ? ORDER BY technique";
        let collect = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![event.provider, event.event_id], |row| row.get(0))?;
            rows.collect()
        };
        self.said(collect())
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
