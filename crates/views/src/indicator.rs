use std::collections::BTreeMap;

use ruleatlas_catalog::{Facet, Filters, Guide, IndicatorId, IndicatorRow, Scope};
use ruleatlas_model::{FoldedOp, Modifiers, Role, fold_case};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error, RecordedValue, RuleItem, Snippet, ValueInLogs, nearest, snippets};

/// Rows of what a value is combined with.
const COMBINED: usize = 30;

/// Who checks a value.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IndicatorView {
    /// The indicator, with its corpus reach.
    #[serde(flatten)]
    pub looked_for: IndicatorRow,
    /// The same as an exclusion.
    pub excluded: IndicatorRow,
    /// The rules that look for it.
    pub rule_list: Vec<RuleItem>,
    /// The rules that exclude it.
    pub excluding_rules: Vec<RuleItem>,
    /// The techniques of the rules that look for it, the most rules first.
    pub techniques: Vec<TechniqueShare>,
    /// What the rules that look for it look for besides, and how much more often than other rules do, the most telling
    /// first; the first thirty.
    pub combined: Vec<IndicatorRow>,
    /// How many different indicators those are.
    pub combined_distinct: usize,
    /// The indicator in the languages that can say it.
    pub snippets: Vec<Snippet>,
    /// What hunts found of it; left out where no file of hits is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_logs: Option<ValueInLogs>,
    /// What was counted of it on public recordings.
    pub on_recordings: RecordedValue,
}

/// A technique with the rules of some set that are tagged with it, sub-techniques apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TechniqueShare {
    /// The id.
    pub technique: String,
    /// The name.
    pub name: String,
    /// The rules.
    pub rules: u64,
    /// By vendor.
    pub by_vendor: BTreeMap<&'static str, u64>,
}

impl Atlas {
    /// An indicator by its field (any vendor's name), folded operator and value.
    ///
    /// # Errors
    /// No rule checks it.
    pub fn indicator(&self, field: &str, op: FoldedOp, value: &str) -> Result<IndicatorView, Error> {
        self.modified_indicator(field, op, value, &Modifiers::NONE)
    }

    /// The same of an indicator whose value or match is transformed (`base64offset`), which is one of its own.
    ///
    /// # Errors
    /// No rule checks it.
    pub fn modified_indicator(
        &self,
        field: &str,
        op: FoldedOp,
        value: &str,
        modifiers: &Modifiers,
    ) -> Result<IndicatorView, Error> {
        self.indicator_in(field, op, value, modifiers, &Filters::default())
    }

    /// The same over the rules that pass filters.
    ///
    /// # Errors
    /// No rule checks it.
    pub fn indicator_in(
        &self,
        field: &str,
        op: FoldedOp,
        value: &str,
        modifiers: &Modifiers,
        filters: &Filters,
    ) -> Result<IndicatorView, Error> {
        let id = self.place_of(field, op, value, modifiers)?;
        let scope = Scope::all(&self.index, filters);
        let row = |role| self.index.row(id, role, &scope.rules).ok_or_else(|| self.unknown_indicator(field, op, value));
        let list = |role| {
            let rules = self.index.rules_with(id, role).map(|rules| rules & &scope.rules).unwrap_or_default();
            RuleItem::list(&self.index, rules)
        };
        let looked_for = row(Role::Indicator)?;
        let rules = self.index.rules_with(id, Role::Indicator).map(|rules| rules & &scope.rules).unwrap_or_default();
        let looking = Scope { rules };
        let mut combined = Guide::of(&self.index, self.taxonomy, &looking).indicators;
        combined.retain(|row| row.id != id);
        let combined_distinct = combined.len();
        combined.sort_by(|a, b| b.distinctiveness.distinctiveness.total_cmp(&a.distinctiveness.distinctiveness));
        combined.truncate(COMBINED);
        Ok(IndicatorView {
            excluded: row(Role::Exclusion)?,
            rule_list: list(Role::Indicator),
            excluding_rules: list(Role::Exclusion),
            techniques: self.techniques_in(&looking),
            combined,
            combined_distinct,
            snippets: snippets(self.taxonomy, &looked_for.indicator),
            in_logs: self.value_in_logs(&looked_for.indicator)?,
            on_recordings: self.recorded_value(&looked_for.indicator),
            looked_for,
        })
    }

    /// The techniques of a scope's rules, the most rules first.
    #[must_use]
    pub fn techniques_in(&self, scope: &Scope) -> Vec<TechniqueShare> {
        let mut counts: Vec<TechniqueShare> = self
            .index
            .values(Facet::Technique)
            .filter_map(|(technique, set)| {
                let count = self.index.count(&(set & &scope.rules));
                let name = self.attack.techniques.get(technique).map(|known| known.name.clone()).unwrap_or_default();
                let (rules, by_vendor) = (count.total, count.by_vendor);
                (rules > 0).then(|| TechniqueShare { technique: technique.to_owned(), name, rules, by_vendor })
            })
            .collect();
        counts.sort_by(|a, b| b.rules.cmp(&a.rules).then_with(|| a.technique.cmp(&b.technique)));
        counts
    }

    /// An indicator in the languages that can say it.
    ///
    /// # Errors
    /// No rule checks it.
    pub fn snippets(
        &self,
        field: &str,
        op: FoldedOp,
        value: &str,
        modifiers: &Modifiers,
    ) -> Result<Vec<Snippet>, Error> {
        let id = self.place_of(field, op, value, modifiers)?;
        Ok(self.index.indicator(id).map(|indicator| snippets(self.taxonomy, indicator)).unwrap_or_default())
    }

    /// The place of an indicator by its field's name at any vendor.
    fn place_of(&self, field: &str, op: FoldedOp, value: &str, modifiers: &Modifiers) -> Result<IndicatorId, Error> {
        let found = self.indicators_of(field, op, value, modifiers);
        found.first().copied().ok_or_else(|| self.unknown_indicator(field, op, value))
    }

    /// The indicators that a check as typed is counted as, folded as rules are; the likeliest first.
    pub(crate) fn indicators_of(
        &self,
        field: &str,
        op: FoldedOp,
        value: &str,
        modifiers: &Modifiers,
    ) -> Vec<IndicatorId> {
        let candidates = self.taxonomy.fold_typed(field, op, value, modifiers);
        candidates.iter().filter_map(|indicator| self.index.find_indicator(indicator)).collect()
    }

    fn unknown_indicator(&self, field: &str, op: FoldedOp, value: &str) -> Error {
        let wanted = fold_case(value);
        let same = self.index.indicators().filter(|(_, other)| {
            fold_case(&other.value) == wanted || (other.op == op && other.field.eq_ignore_ascii_case(field))
        });
        let names: Vec<String> =
            same.map(|(_, other)| format!("{} {} {}", other.field, other.op, other.value)).collect();
        let name = format!("{field} {op} {value}");
        Error::NotFound { what: "indicator", near: nearest(&name, names.iter().map(String::as_str), 3), name }
    }
}
