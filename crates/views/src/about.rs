use ruleatlas_catalog::{RuleCount, SourceInfo};
use ruleatlas_model::Role;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Atlas;

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
    /// Distinct fields.
    pub fields: u64,
    /// Those of them that the taxonomy knows.
    pub known_fields: u64,
    /// Where the content comes from.
    pub sources: Vec<SourceInfo>,
}

impl Atlas {
    /// What the catalog is made of.
    #[must_use]
    pub fn about(&self) -> AboutView {
        let counted = self.index.counted();
        let distinct = |role| {
            let has = |id| self.index.rules_with(id, role).is_some_and(|rules| !rules.is_disjoint(counted));
            self.index.indicators().filter(|(id, _)| has(*id)).count() as u64
        };
        let known: std::collections::BTreeSet<&str> = self.taxonomy.fields().map(|field| field.name.as_str()).collect();
        let fields = &self.index.data().fields;
        AboutView {
            program: env!("CARGO_PKG_VERSION"),
            attack_version: self.attack.version.clone(),
            rules: self.index.count(counted),
            all_rules: self.index.heads().len() as u64,
            indicators: distinct(Role::Indicator),
            exclusions: distinct(Role::Exclusion),
            fields: fields.len() as u64,
            known_fields: fields.iter().filter(|name| known.contains(name.as_str())).count() as u64,
            sources: self.sources.clone(),
        }
    }
}
