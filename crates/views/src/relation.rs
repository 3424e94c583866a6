//! How the conditions of two rules relate, and which rules can be compared at all.

use std::sync::{Arc, Mutex, PoisonError};

use ruleatlas_catalog::{Head, RuleId};
use ruleatlas_logic::Statement;
use ruleatlas_model::{Condition, DataSource, EventLink, ParseStatus, Rule, SourceKind, Vendor};
use ruleatlas_taxonomy::Taxonomy;
use rustc_hash::FxHashMap;

use crate::Atlas;

/// Rules whose statements are kept.
const MAX_KEPT: usize = 8_192;
/// Fields that name a product's data; vendors write one or the other.
const DATA: [&str; 4] = ["event.dataset", "event.module", "event.provider", "Channel"];

/// What a rule of one step says and reads.
#[derive(Debug)]
pub struct RuleStatement {
    /// Its condition over canonical fields.
    pub statement: Statement,
    /// What its query says it reads.
    pub sources: Vec<DataSource>,
}

impl RuleStatement {
    /// What a rule says, where it has one step that has to happen and all of it is understood.
    #[must_use]
    pub fn new(vendor: Vendor, parse: ParseStatus, conditions: &[Condition], taxonomy: &Taxonomy) -> Option<Self> {
        match conditions {
            [condition] if !condition.absent && parse == ParseStatus::Full => {
                let statement = Statement::new(vendor, condition, taxonomy);
                Some(Self { statement, sources: condition.sources.clone() })
            }
            _ => None,
        }
    }
}

/// Statements of a catalog's rules, kept from one question to the next.
#[derive(Debug, Default)]
pub struct Statements {
    kept: Mutex<FxHashMap<RuleId, Option<Arc<RuleStatement>>>>,
}

impl Statements {
    /// What a rule of the catalog says; see [`RuleStatement::new`].
    pub fn rule(&self, atlas: &Atlas, rule: RuleId) -> Option<Arc<RuleStatement>> {
        let head = atlas.index.head(rule).filter(|head| head.parse == ParseStatus::Full)?;
        if let Some(found) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&rule) {
            return found.clone();
        }
        let conditions = atlas.conditions(rule).ok()?;
        let statement = RuleStatement::new(head.vendor, head.parse, &conditions, atlas.taxonomy).map(Arc::new);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(rule, statement.clone());
        statement
    }
}

/// What a rule's metadata and query say that it reads.
#[derive(Clone, Copy, Debug)]
pub struct RuleReads<'a> {
    /// The log sources, by the names of the taxonomy.
    pub log_sources: &'a [String],
    /// The events.
    pub events: &'a [EventLink],
    /// The platforms.
    pub platforms: &'a [String],
}

impl<'a> From<&'a Rule> for RuleReads<'a> {
    fn from(rule: &'a Rule) -> Self {
        Self { log_sources: &rule.log_sources, events: &rule.events, platforms: &rule.platforms }
    }
}

impl<'a> From<&'a Head> for RuleReads<'a> {
    fn from(head: &'a Head) -> Self {
        Self { log_sources: &head.log_sources, events: &head.events, platforms: &head.platforms }
    }
}

impl RuleReads<'_> {
    /// Whether another rule reads events that this one reads. Of a bare query nothing may be known: then nothing speaks
    /// against it.
    #[must_use]
    pub fn shares_events(&self, other: &RuleReads<'_>) -> bool {
        let shares_platform = self.platforms.is_empty()
            || other.platforms.is_empty()
            || self.platforms.iter().any(|platform| other.platforms.contains(platform));
        let shares_source = || self.log_sources.iter().any(|name| other.log_sources.contains(name));
        let shares_event = || self.events.iter().any(|link| other.events.iter().any(|other| other.event == link.event));
        let is_unknown = || self.log_sources.is_empty() && self.events.is_empty();
        shares_platform && (shares_source() || shares_event() || is_unknown())
    }
}

/// A rule as it is compared with others.
#[derive(Clone, Copy, Debug)]
pub struct Comparable<'a> {
    /// What it says.
    pub statement: &'a Statement,
    /// What its query says it reads.
    pub sources: &'a [DataSource],
    /// What is known of what it reads.
    pub reads: RuleReads<'a>,
}

impl<'a> Comparable<'a> {
    /// A rule of one step.
    #[must_use]
    pub fn new(rule: &'a RuleStatement, reads: impl Into<RuleReads<'a>>) -> Self {
        Self { statement: &rule.statement, sources: &rule.sources, reads: reads.into() }
    }

    /// Whether the conditions of two rules are about the same events, so that it says something how they relate: they
    /// name the same tables and data as far as both name some, and the ids that one asks for are all that the other reads.
    #[must_use]
    pub fn chooses_like(&self, other: &Self) -> bool {
        shares_tables(self.sources, other.sources)
            && shares_data(self.statement, other.statement)
            && has_same_ids(self.statement, other.statement, other.reads.events)
            && has_same_ids(other.statement, self.statement, self.reads.events)
    }
}

/// Whether one reads a table of the other, as far as both name some.
fn shares_tables(one: &[DataSource], other: &[DataSource]) -> bool {
    let tables = |sources: &'_ [DataSource]| -> Vec<String> {
        let tables = sources.iter().filter(|source| source.kind == SourceKind::Table);
        tables.map(|source| source.name.to_ascii_lowercase()).collect()
    };
    let (one, other) = (tables(one), tables(other));
    one.is_empty() || other.is_empty() || one.iter().any(|table| other.contains(table))
}

/// Whether two statements name their data by one field, as far as both name it.
fn shares_data(one: &Statement, other: &Statement) -> bool {
    let named = |statement: &Statement| -> Vec<&'static str> {
        DATA.into_iter().filter(|field| statement.checks().any(|check| check.field == *field)).collect()
    };
    let (one, other) = (named(one), named(other));
    one.is_empty() || other.is_empty() || one.iter().any(|field| other.contains(field))
}

/// Whether the ids of events that a statement asks for are those that a rule without ids reads, which then go without
/// saying.
fn has_same_ids(statement: &Statement, other: &Statement, events: &[EventLink]) -> bool {
    let ids = |statement: &Statement| statement.checks().any(|check| check.field == "EventID");
    if !ids(statement) || ids(other) {
        return true;
    }
    let is_asked_for = |link: &EventLink| {
        statement
            .checks()
            .filter(|check| check.field == "EventID" && !check.is_negative)
            .any(|check| check.predicate.values.contains(&link.event.event_id))
    };
    !events.is_empty() && events.iter().all(is_asked_for)
}
