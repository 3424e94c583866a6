//! The table of fields as a data set: what every vendor and schema calls a field, what it is, which events carry it, and how
//! many rules write which of its names.

use std::collections::BTreeMap;

use ruleatlas_catalog::{FieldRow, Filters, Guide, Scope};
use rustc_hash::FxHashMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error};

/// A field that rules filter, as a row of the data set.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldExport {
    /// How rules filter it.
    #[serde(flatten)]
    pub row: FieldRow,
    /// Its type; `None` for a field that the table of fields does not know.
    #[serde(rename = "type")]
    pub kind: Option<&'static str>,
    /// What it holds.
    pub description: Option<&'static str>,
    /// What vendors, logs and schemas call it, by the name of the vocabulary (`ecs`, `ocsf`, `udm`, `asim`, `cim`, …).
    pub names: BTreeMap<&'static str, Vec<NameExport>>,
    /// How many rules that count write which name for it.
    pub written: BTreeMap<String, u64>,
    /// How many events carry it under any name, by provider.
    pub events: BTreeMap<String, u64>,
}

/// A name of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NameExport {
    /// The name.
    pub name: &'static str,
    /// Whether it holds only the last part of a path.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_last_part: bool,
    /// The data sources where it holds; everywhere in its vocabulary when empty.
    #[serde(rename = "in", skip_serializing_if = "<[_]>::is_empty")]
    pub sources: &'static [String],
}

impl Atlas {
    /// The fields that rules filter, those that most rules filter first, with what is known of each.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn field_table(&self) -> Result<Vec<FieldExport>, Error> {
        let all = Scope::all(&self.index, &Filters::default());
        let rows = Guide::of(&self.index, self.taxonomy, &all).fields;
        let mut written: FxHashMap<String, BTreeMap<String, u64>> = FxHashMap::default();
        for (field, name, rules) in self.store().written_names()? {
            written.entry(field.to_lowercase()).or_default().insert(name, u64::from(rules));
        }
        let mut events = self.events_by_field()?;
        let export = |row: FieldRow| {
            let key = row.field.to_lowercase();
            let known = self
                .taxonomy
                .find_fields(&row.field)
                .into_iter()
                .find(|field| field.name.eq_ignore_ascii_case(&row.field));
            let mut names: BTreeMap<&'static str, Vec<NameExport>> = BTreeMap::new();
            for alias in known.into_iter().flat_map(|field| &field.aliases) {
                let Some(vocabulary) = self.taxonomy.vocabularies().get(alias.vocabulary) else { continue };
                names.entry(&vocabulary.name).or_default().push(NameExport {
                    name: &alias.name,
                    is_last_part: alias.part == ruleatlas_taxonomy::Part::Name,
                    sources: &alias.sources,
                });
            }
            FieldExport {
                kind: known.map(|field| field.field_type.name()),
                description: known.map(|field| field.description.as_str()),
                names,
                written: written.remove(&key).unwrap_or_default(),
                events: events.remove(&key).unwrap_or_default(),
                row,
            }
        };
        Ok(rows.into_iter().map(export).collect())
    }

    /// How many events of which provider carry a field, by the field in lower case: as the first event of the provider that
    /// has the name means it.
    fn events_by_field(&self) -> Result<FxHashMap<String, BTreeMap<String, u64>>, Error> {
        let providers = self.store().provider_rows()?;
        let mut carried: FxHashMap<String, BTreeMap<String, u64>> = FxHashMap::default();
        for provider in providers {
            let names = self.taxonomy.names_of_provider(&provider.name);
            for row in self.store().provider_fields(&provider.name)? {
                let names = names.of(&row.first, &row.channel);
                let canonical = names.resolve(&row.name).map_or(row.name.as_str(), |used| used.field.name.as_str());
                let of_field = carried.entry(canonical.to_lowercase()).or_default();
                let events = of_field.entry(provider.name.clone()).or_default();
                // Several names of one field stand in the same events: the one that most have counts.
                *events = u64::from(row.events).max(*events);
            }
        }
        Ok(carried)
    }
}
