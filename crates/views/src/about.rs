use roaring::RoaringBitmap;
use ruleatlas_catalog::{RuleCount, SourceInfo};
use ruleatlas_model::Role;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Recording, recordings};

/// What the catalog is made of.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AboutView {
    /// The program's version.
    pub program: &'static str,
    /// The version of ATT&CK.
    pub attack_version: String,
    /// The rules that count.
    pub rules: RuleCount,
    /// All rules, those outside the counts too.
    pub all_rules: u64,
    /// Distinct indicators of counted rules.
    pub indicators: u64,
    /// Distinct exclusions of counted rules.
    pub exclusions: u64,
    /// Distinct fields that counted rules filter.
    pub fields: u64,
    /// Those of them that the taxonomy knows.
    pub known_fields: u64,
    /// Where the content comes from.
    pub sources: Vec<SourceInfo>,
    /// The public recordings of logs on which rules were measured.
    pub recordings: &'static [Recording],
}

/// What the counted rules check, each once.
#[derive(Default)]
pub(crate) struct Checked {
    indicators: RoaringBitmap,
    exclusions: RoaringBitmap,
    /// By their places in the index.
    fields: RoaringBitmap,
}

impl Checked {
    /// Indicators and exclusions, what is both once.
    pub(crate) fn values(&self) -> u64 {
        self.indicators.union_len(&self.exclusions)
    }

    pub(crate) fn fields(&self) -> u64 {
        self.fields.len()
    }
}

impl Atlas {
    /// What the counted rules check: the catalog also holds what only rules outside the counts do.
    pub(crate) fn checked(&self) -> Checked {
        let mut checked = Checked::default();
        for rule in self.index.counted() {
            for (id, role, _) in self.index.uses_of(rule) {
                let set = if *role == Role::Exclusion { &mut checked.exclusions } else { &mut checked.indicators };
                set.insert(*id);
            }
            checked.fields.extend(self.index.filters_of(rule).iter().map(|(field, _)| *field));
        }
        checked
    }

    /// What the catalog is made of.
    #[must_use]
    pub fn about(&self) -> AboutView {
        let checked = self.checked();
        let known: std::collections::BTreeSet<&str> = self.taxonomy.fields().map(|field| field.name.as_str()).collect();
        let names = &self.index.data().fields;
        let is_known = |place: &u32| names.get(*place as usize).is_some_and(|name| known.contains(name.as_str()));
        AboutView {
            program: env!("CARGO_PKG_VERSION"),
            attack_version: self.attack.version.clone(),
            rules: self.index.count(self.index.counted()),
            all_rules: self.index.heads().len() as u64,
            indicators: checked.indicators.len(),
            exclusions: checked.exclusions.len(),
            fields: checked.fields(),
            known_fields: checked.fields.iter().filter(is_known).count() as u64,
            sources: self.sources.clone(),
            recordings: recordings(),
        }
    }
}
