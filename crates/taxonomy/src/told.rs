//! What a step says of its data sources by predicates: `event.category: process` is the event category `process`.

use std::collections::BTreeMap;

use ruleatlas_core::roles;
use ruleatlas_model::{Condition, DataSource, Op, Role, SourceKind, Vendor};

use crate::{
    Taxonomy,
    read::{Entry, Source, list},
    scope::source_kind,
};

/// Fields of a vendor's events whose values name data sources.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    vendor: Vendor,
    /// Canonical names. Of several, the first that a step writes with a value which some log source asks for.
    fields: Vec<String>,
    kind: SourceKind,
    /// What a value stands for, by the value in lower case.
    same: BTreeMap<String, String>,
}

impl Told {
    /// Reads a `[[told]]` table.
    pub fn read(source: &Source<'_>, entry: &Entry<'_, '_>) -> Option<Self> {
        source.only(entry.table, &["vendor", "fields", "kind", "same"]);
        let same = entry.table.get("same").map(list).unwrap_or_default();
        let same = same.iter().filter_map(|value| source.table(value)).flat_map(|entry| {
            source.only(entry.table, &["name", "values"]);
            let name = entry.text("name");
            entry.texts("values").into_iter().map(move |(value, _)| (value.to_lowercase(), name.to_owned()))
        });
        let (vendor, kind) = (entry.text("vendor"), entry.text("kind"));
        match (vendor.parse(), source_kind(kind)) {
            (Ok(vendor), Some(kind)) => {
                Some(Self { vendor, fields: entry.names("fields"), kind, same: same.collect() })
            }
            (Err(_), _) => {
                source.fault(entry.at, format!("`{vendor}` is no vendor"));
                None
            }
            (_, None) => {
                source.fault(entry.at, format!("`{kind}` is no kind of data source"));
                None
            }
        }
    }

    /// What a value names; the beginning of a value only where the table knows all of it.
    fn source(&self, value: &str, is_whole: bool) -> Option<DataSource> {
        let lower = value.to_lowercase();
        let same = match is_whole {
            true => self.same.get(&lower),
            false => self.same.iter().find(|(known, _)| known.starts_with(&lower)).map(|(_, name)| name),
        };
        match (same, is_whole) {
            (Some(name), _) => Some(DataSource::new(self.kind, name.as_str())),
            (None, true) => Some(DataSource::new(self.kind, value)),
            (None, false) => None,
        }
    }

    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(String::as_str)
    }
}

impl Taxonomy {
    /// Adds to every step the data sources that its indicators name, where the vendor's events carry such names in
    /// fields. Excluded names, ranges and other patterns than a beginning say nothing.
    pub fn read_sources(&self, vendor: Vendor, conditions: &mut [Condition]) {
        let told: Vec<&Told> = self.log_sources.told.iter().filter(|told| told.vendor == vendor).collect();
        if told.is_empty() {
            return;
        }
        for condition in conditions {
            // A step that must be absent says as well as any other what it would read.
            let absent = std::mem::take(&mut condition.absent);
            let found = self.told(vendor, condition, &told);
            condition.absent = absent;
            for source in found {
                if !condition.sources.contains(&source) {
                    condition.sources.push(source);
                }
            }
        }
    }

    fn told(&self, vendor: Vendor, condition: &Condition, told: &[&Told]) -> Vec<DataSource> {
        let reader = self.reader(vendor, &condition.sources);
        let written: Vec<(String, bool, Vec<String>)> = roles(std::slice::from_ref(condition))
            .iter()
            .filter(|placed| {
                placed.role == Role::Indicator
                    && matches!(placed.counted_op, Op::Eq | Op::In | Op::StartsWith)
                    && placed.predicate.modifier.is_none()
            })
            .filter_map(|placed| {
                let used = reader.field_of(placed.predicate)?;
                let is_whole = placed.counted_op != Op::StartsWith;
                Some((used.field.name.clone(), is_whole, placed.predicate.values.clone()))
            })
            .collect();
        let mut sources = Vec::new();
        for told in told {
            let named = |field: &str| -> Vec<DataSource> {
                written
                    .iter()
                    .filter(|(name, ..)| name == field)
                    .flat_map(|(_, is_whole, values)| values.iter().map(|value| (*is_whole, value)))
                    .filter_map(|(is_whole, value)| told.source(value, is_whole))
                    .collect()
            };
            let first =
                told.fields().map(named).find(|named| named.iter().any(|source| self.log_sources.asks_for(source)));
            sources.extend(first.into_iter().flatten());
        }
        sources
    }
}
