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
pub(crate) struct ImpliedSource {
    vendor: Vendor,
    /// Canonical names. Of several, the first that a step writes with a value which some log source asks for.
    fields: Vec<String>,
    kind: SourceKind,
    /// Whether a part of a value is enough (`contains`, `has`).
    parts: bool,
    /// What a value stands for, by the value in lower case.
    same: BTreeMap<String, String>,
}

impl ImpliedSource {
    /// Reads a `[[told]]` table.
    pub fn read(source: &Source<'_>, entry: &Entry<'_, '_>) -> Option<Self> {
        source.only(entry.table, &["vendor", "fields", "kind", "same", "parts"]);
        let same = entry.table.get("same").map(list).unwrap_or_default();
        let same = same.iter().filter_map(|value| source.table(value)).flat_map(|entry| {
            source.only(entry.table, &["name", "values"]);
            let name = entry.text("name");
            entry.texts("values").into_iter().map(move |(value, _)| (value.to_lowercase(), name.to_owned()))
        });
        let (vendor, kind) = (entry.text("vendor"), entry.text("kind"));
        match (vendor.parse(), source_kind(kind)) {
            (Ok(vendor), Some(kind)) => {
                let parts = entry.flag("parts");
                Some(Self { vendor, fields: entry.names("fields"), kind, parts, same: same.collect() })
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

    /// What a value names; a part of a value only where the table knows all of it.
    fn source(&self, value: &str, op: Op) -> Option<DataSource> {
        let lower = value.to_lowercase();
        let is_alike = |known: &str| match op {
            Op::StartsWith => known.starts_with(&lower),
            _ => self.parts && lower.len() > 2 && (known.contains(&lower) || lower.contains(known)),
        };
        if matches!(op, Op::Eq | Op::In) {
            let name = self.same.get(&lower).map_or(value, String::as_str);
            return Some(DataSource::new(self.kind, name));
        }
        let (_, name) = self.same.iter().find(|(known, _)| is_alike(known))?;
        Some(DataSource::new(self.kind, name.as_str()))
    }

    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(String::as_str)
    }
}

impl Taxonomy {
    /// Adds to every step the data sources that its indicators name, where the vendor's events carry such names in
    /// fields, the types of events that have the fields it filters, and the macros that could not be resolved. Excluded
    /// names, ranges and patterns say nothing.
    pub fn read_sources(&self, vendor: Vendor, conditions: &mut [Condition]) {
        let told: Vec<&ImpliedSource> = self.log_sources.told.iter().filter(|told| told.vendor == vendor).collect();
        for condition in conditions {
            // A step that must be absent says as well as any other what it would read.
            let absent = std::mem::take(&mut condition.absent);
            let mut found = if told.is_empty() { Vec::new() } else { self.told(vendor, condition, &told) };
            condition.absent = absent;
            if vendor.info().macros_are_sources {
                let macros = condition.root.opaques().filter_map(|part| macro_name(&part.text));
                found.extend(macros.map(|name| DataSource::new(SourceKind::Macro, name)));
            }
            add(condition, found);
            let narrowed = self.narrowed(vendor, condition);
            add(condition, narrowed);
        }
    }

    /// The data sources of the steps that nothing is known of, each once. Of a step whose other data sources say what it
    /// reads, an index, a macro or a file's path is not missed.
    #[must_use]
    pub fn unknown_sources(&self, conditions: &[Condition]) -> Vec<DataSource> {
        let mut unknown: Vec<DataSource> = Vec::new();
        for condition in conditions {
            let selected = self.log_sources.select(&condition.sources);
            let is_known = self.log_sources.selected(&selected).next().is_some();
            for source in &selected.unknown {
                let is_spare = match source.kind {
                    SourceKind::Index | SourceKind::Macro | SourceKind::EventType | SourceKind::Integration => is_known,
                    SourceKind::Source => is_known || source.name.contains(['/', '\\']),
                    SourceKind::Table | SourceKind::SourceType | SourceKind::LogType | SourceKind::DataModel => false,
                    _ => true,
                };
                let says_nothing = source.name.chars().all(|c| matches!(c, '*' | '?'));
                if !is_spare && !says_nothing && !unknown.contains(source) {
                    unknown.push(source.clone());
                }
            }
        }
        unknown
    }

    fn told(&self, vendor: Vendor, condition: &Condition, told: &[&ImpliedSource]) -> Vec<DataSource> {
        let reader = self.reader(vendor, &condition.sources);
        let written: Vec<(String, Op, Vec<String>)> = roles(std::slice::from_ref(condition))
            .iter()
            .filter(|placed| {
                placed.role == Role::Indicator
                    && matches!(placed.counted_op, Op::Eq | Op::In | Op::StartsWith | Op::Contains | Op::Match)
                    && placed.predicate.modifiers.is_empty()
            })
            .filter_map(|placed| {
                let used = reader.field_of(placed.predicate)?;
                Some((used.field.name.clone(), placed.counted_op, placed.predicate.values.clone()))
            })
            .collect();
        let mut sources = Vec::new();
        for told in told {
            let named = |field: &str| -> Vec<DataSource> {
                written
                    .iter()
                    .filter(|(name, ..)| name == field)
                    .flat_map(|(_, op, values)| values.iter().map(|value| (*op, value)))
                    .filter_map(|(op, value)| told.source(value, op))
                    .collect()
            };
            let first =
                told.fields().map(named).find(|named| named.iter().any(|source| self.log_sources.asks_for(source)));
            sources.extend(first.into_iter().flatten());
        }
        sources
    }
}

fn add(condition: &mut Condition, sources: Vec<DataSource>) {
    for source in sources {
        if !condition.sources.contains(&source) {
            condition.sources.push(source);
        }
    }
}

/// The name of a macro's call that stayed in a search: `sysmon` of "`sysmon(a)`".
fn macro_name(text: &str) -> Option<&str> {
    let call = text.trim().strip_prefix('`')?;
    let end = call.find(['`', '(']).unwrap_or(call.len());
    let name = call.get(..end)?.trim();
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ':' | '.'));
    // What stands for a filter of the user's own says nothing of data.
    (is_name && !name.ends_with("_filter")).then_some(name)
}
