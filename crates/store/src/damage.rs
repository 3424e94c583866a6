//! Rows that cannot be read: left out and remembered, so that one bad value affects only the row it stands in.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use ruleatlas_catalog::RuleId;
use rusqlite::{Error as SqlError, Row, types::ValueRef};
use rustc_hash::FxHashMap;

use crate::{Error, Store, read::Sql};

/// How many rows of a catalog are remembered one by one.
const MAX_ROWS: usize = 10_000;

/// A row of a catalog that cannot be read and is left out. What belongs to a rule makes that rule unreadable instead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DamagedRow {
    /// The table.
    pub table: &'static str,
    /// What the row is about: its first column.
    pub key: String,
    /// The rule's id, for a rule whose own row cannot be read.
    pub rule: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// What could not be read so far.
#[derive(Debug, Default)]
pub(crate) struct Damage {
    rows: RefCell<BTreeMap<(&'static str, String), DamagedRow>>,
    /// By rule, why it cannot be read as a whole.
    rules: RefCell<BTreeMap<RuleId, String>>,
    more: Cell<usize>,
}

impl Damage {
    pub fn add(&self, row: DamagedRow) {
        let mut rows = self.rows.borrow_mut();
        if rows.len() < MAX_ROWS {
            rows.entry((row.table, row.key.clone())).or_insert(row);
        } else {
            self.more.set(self.more.get() + 1);
        }
    }

    pub fn add_to_rule(&self, rule: RuleId, reason: String) {
        self.rules.borrow_mut().entry(rule).or_insert(reason);
    }

    pub fn of_rule(&self, rule: RuleId) -> Option<String> {
        self.rules.borrow().get(&rule).cloned()
    }

    fn has(&self, table: &'static str, key: &str) -> bool {
        self.rows.borrow().contains_key(&(table, key.to_owned()))
    }

    fn clear(&self) {
        self.rows.borrow_mut().clear();
        self.rules.borrow_mut().clear();
        self.more.set(0);
    }
}

/// The places of numbered rows. In a catalog without damage a row's number is its place, and so it is before the rows
/// were read.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// The number of the row at each place; empty where it is the place.
    numbers: Vec<u32>,
    places: FxHashMap<u32, u32>,
    /// How many rows there are, once they were read.
    count: Option<usize>,
}

impl Numbers {
    pub fn of(numbers: Vec<u32>) -> Self {
        let count = Some(numbers.len());
        if numbers.iter().zip(0..).all(|(number, place)| *number == place) {
            return Self { count, ..Self::default() };
        }
        let places = numbers.iter().copied().zip(0..).collect();
        Self { numbers, places, count }
    }

    /// The place of the row of a number.
    pub fn place(&self, number: u32) -> Option<u32> {
        if self.numbers.is_empty() {
            return Some(number).filter(|number| self.count.is_none_or(|count| (*number as usize) < count));
        }
        self.places.get(&number).copied()
    }

    /// The number of the row at a place.
    pub fn number(&self, place: u32) -> u32 {
        self.numbers.get(place as usize).copied().unwrap_or(place)
    }
}

impl Store {
    /// The rows that could not be read and were left out, of the tables read so far.
    #[must_use]
    pub fn damaged_rows(&self) -> Vec<DamagedRow> {
        let mut rows: Vec<DamagedRow> = self.damage.rows.borrow().values().cloned().collect();
        if self.damage.more.get() > 0 {
            rows.push(DamagedRow {
                table: "catalog",
                key: "more".to_owned(),
                rule: None,
                reason: format!("{} more rows", self.damage.more.get()),
            });
        }
        rows
    }

    /// Why the index has no rule of this id, with or without the vendor before it, where the rule's own row is damaged.
    #[must_use]
    pub fn unreadable_rule(&self, id: &str) -> Option<Error> {
        let rows = self.damage.rows.borrow();
        let mut rules = rows.values().filter_map(|row| Some((row.rule.as_ref()?, &row.reason)));
        let (id, reason) =
            rules.find(|(rule, _)| *rule == id || rule.split_once('/').is_some_and(|(_, bare)| bare == id))?;
        Some(Error::Rule { path: self.path.clone(), id: id.clone(), reason: reason.clone() })
    }

    /// How many rules and other rows could not be read, of the tables read so far.
    #[must_use]
    pub fn count_damaged(&self) -> usize {
        self.damage.rows.borrow().len() + self.damage.more.get() + self.damage.rules.borrow().len()
    }

    pub(crate) fn forget_damage(&self) {
        self.damage.clear();
    }

    /// The rows of a table that can be read; the others are remembered.
    pub(crate) fn readable_rows<T>(
        &self,
        table: &'static str,
        sql: &str,
        read: impl FnMut(&Row<'_>) -> Sql<T>,
    ) -> Result<Vec<T>, Error> {
        self.rows_apart(sql, read, &mut |row, reason| {
            self.damage.add(DamagedRow { table, key: key(row), rule: None, reason });
        })
    }

    /// The rows that can be read; what happens to the others is up to `unreadable`, which gets the reason.
    pub(crate) fn rows_apart<T>(
        &self,
        sql: &str,
        mut read: impl FnMut(&Row<'_>) -> Sql<T>,
        unreadable: &mut dyn FnMut(&Row<'_>, String),
    ) -> Result<Vec<T>, Error> {
        let rows = self.rows(sql, |row| match read(row) {
            Ok(read) => Ok(Some(read)),
            Err(error) => {
                let reason = reason_of(row, error)?;
                unreadable(row, reason);
                Ok(None)
            }
        })?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Whether a row of a table was found to be unreadable.
    pub(crate) fn is_damaged(&self, table: &'static str, number: u32) -> bool {
        self.damage.has(table, &number.to_string())
    }
}

/// The first column as text.
pub(crate) fn key(row: &Row<'_>) -> String {
    match row.get_ref(0) {
        Ok(ValueRef::Integer(number)) => number.to_string(),
        Ok(ValueRef::Text(text)) => clip(&String::from_utf8_lossy(text)),
        Ok(ValueRef::Real(number)) => number.to_string(),
        Ok(ValueRef::Null) => "null".to_owned(),
        Ok(ValueRef::Blob(_)) | Err(_) => "unknown".to_owned(),
    }
}

fn clip(text: &str) -> String {
    const MAX_KEY: usize = 200;
    text.get(..text.floor_char_boundary(MAX_KEY)).unwrap_or_default().to_owned()
}

/// What is wrong with a value of a row; the error itself where it is not about a value.
pub(crate) fn reason_of(row: &Row<'_>, error: SqlError) -> Sql<String> {
    let column = |at: usize| row.as_ref().column_name(at).map_or_else(|_| at.to_string(), str::to_owned);
    Ok(match error {
        SqlError::FromSqlConversionFailure(at, _, error) => format!("column {}: {error}", column(at)),
        SqlError::IntegralValueOutOfRange(at, number) => format!("column {}: {number} is out of range", column(at)),
        SqlError::InvalidColumnType(at, _, kind) => format!("column {}: a value of type {kind}", column(at)),
        SqlError::Utf8Error(at, error) => format!("column {}: {error}", column(at)),
        error => return Err(error),
    })
}
