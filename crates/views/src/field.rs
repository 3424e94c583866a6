use std::collections::BTreeMap;

use ruleatlas_catalog::{Facet, Filters, IndicatorRow, Scope};
use ruleatlas_model::Role;
use ruleatlas_taxonomy::Field;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error, EventItem, nearest};

/// A field, what every vendor calls it, and how it is checked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldView {
    /// The canonical name, or the raw one.
    pub field: String,
    /// What it holds.
    pub description: Option<String>,
    /// Its type; `None` for a field that the taxonomy does not know.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Names by vocabulary, as shown to readers.
    pub names: BTreeMap<String, Vec<String>>,
    /// How it is filtered: rules, operators.
    #[serde(flatten)]
    pub filtered: FieldCheck,
    /// Its indicators over the whole catalog.
    pub indicators: Vec<IndicatorRow>,
    /// Its exclusions over the whole catalog, of rules too that do not look for the field.
    pub exclusions: Vec<IndicatorRow>,
    /// The events that carry it under any of its names, those that most rules read first; at most 100.
    pub events: Vec<EventItem>,
    /// How many events carry it.
    pub events_distinct: usize,
}

/// Events listed with a field.
const EVENTS: usize = 100;

/// How a field is filtered over the catalog.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct FieldCheck {
    /// Rules that filter it.
    pub rules: u64,
    /// Rules by operator as authors wrote it.
    pub how: BTreeMap<&'static str, u64>,
    /// Rules by vendor.
    pub by_vendor: BTreeMap<&'static str, u64>,
}

impl Atlas {
    /// A field by any vendor's name. A name that stands for several fields gives all of them.
    ///
    /// # Errors
    /// Neither the taxonomy nor any rule knows it.
    pub fn field(&self, name: &str) -> Result<Vec<FieldView>, Error> {
        self.field_in(name, &Filters::default())
    }

    /// The same over the rules that pass filters.
    ///
    /// # Errors
    /// Neither the taxonomy nor any rule knows it.
    pub fn field_in(&self, name: &str, filters: &Filters) -> Result<Vec<FieldView>, Error> {
        let known = self.taxonomy.find_fields(name);
        let mut names: Vec<String> = known.iter().map(|field| field.name.clone()).collect();
        let is_listed = |names: &[String]| names.iter().any(|other| other.eq_ignore_ascii_case(name));
        if !is_listed(&names) && !name.is_empty() {
            // A field that rules only exclude by is filtered by none, and has a page all the same.
            let wanted = name.to_lowercase();
            names.extend(self.index.data().fields.iter().find(|field| field.to_lowercase() == wanted).cloned());
        }
        if names.is_empty() {
            let all = self.index.data().fields.iter().map(String::as_str).chain(self.taxonomy.field_names());
            return Err(Error::NotFound { what: "field", name: name.to_owned(), near: nearest(name, all, 3) });
        }
        names.into_iter().map(|name| self.one_field(name, filters)).collect()
    }

    /// What each vocabulary calls a field, by the vocabulary's title; a name that holds only somewhere says where.
    fn names_of(&self, field: &Field) -> BTreeMap<String, Vec<String>> {
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for alias in &field.aliases {
            let Some(vocabulary) = self.taxonomy.vocabularies().get(alias.vocabulary) else { continue };
            let name = match alias.sources.as_slice() {
                [] => alias.name.clone(),
                places => {
                    let places = places.iter().map(|place| place.strip_prefix("log_source:").unwrap_or(place));
                    format!("{} ({})", alias.name, places.collect::<Vec<_>>().join(", "))
                }
            };
            names.entry(vocabulary.title.clone()).or_default().push(name);
        }
        names
    }

    /// How the rules of a scope filter a field.
    fn filtering(&self, name: &str, scope: &Scope) -> FieldCheck {
        let count = self.index.count(&scope.rules);
        let mut check = FieldCheck { rules: count.total, how: BTreeMap::new(), by_vendor: count.by_vendor };
        let names = &self.index.data().fields;
        let is_it = |field: u32| names.get(field as usize).is_some_and(|other| other.eq_ignore_ascii_case(name));
        for rule in &scope.rules {
            for (_, op) in self.index.filters_of(rule).iter().filter(|(field, _)| is_it(*field)) {
                *check.how.entry(op).or_default() += 1;
            }
        }
        check
    }

    fn one_field(&self, name: String, filters: &Filters) -> Result<FieldView, Error> {
        let scope = Scope::facet(&self.index, Facet::Field, &name.to_lowercase(), filters);
        let all = Scope::all(&self.index, filters);
        let is_this = |other: &str| other.eq_ignore_ascii_case(&name);
        let known = self.taxonomy.find_fields(&name).into_iter().find(|field| is_this(&field.name));
        // What the events of Windows, Linux and tables may call it.
        let mut carried = vec![name.clone()];
        let is_plain = |name: &str| !name.contains(['.', '*', ' ']);
        let aliases = known.into_iter().flat_map(|field| &field.aliases);
        carried.extend(aliases.map(|alias| alias.name.clone()).filter(|name| is_plain(name)));
        carried.sort_unstable_by_key(|name| name.to_lowercase());
        carried.dedup_by_key(|name| name.to_lowercase());
        let (events, events_distinct) = self.events_with_field(&name, &carried, EVENTS)?;
        Ok(FieldView {
            events,
            events_distinct,
            description: known.map(|field| field.description.clone()),
            kind: known.map(|field| field.field_type.name().to_owned()),
            names: known.map(|field| self.names_of(field)).unwrap_or_default(),
            filtered: self.filtering(&name, &scope),
            indicators: self.index.rows_of_field_in(&name, Role::Indicator, &all.rules),
            exclusions: self.index.rows_of_field_in(&name, Role::Exclusion, &all.rules),
            field: name,
        })
    }
}
