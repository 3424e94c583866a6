use ruleatlas_catalog::{IndicatorRow, Scope};
use ruleatlas_model::{FoldedOp, Indicator, Role};
use serde::Serialize;

use crate::{Atlas, Error, RuleItem, nearest};

/// Who checks a value.
#[derive(Clone, Debug, Serialize)]
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
}

impl Atlas {
    /// An indicator by its field (any vendor's name), folded operator and value.
    ///
    /// # Errors
    /// No rule checks it.
    pub fn indicator(&self, field: &str, op: FoldedOp, value: &str) -> Result<IndicatorView, Error> {
        self.modified_indicator(field, op, value, None)
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
        modifier: Option<&str>,
    ) -> Result<IndicatorView, Error> {
        let mut names = vec![field.to_owned()];
        names.extend(self.taxonomy.find_fields(field).into_iter().map(|field| field.name.clone()));
        let modifier = modifier.map(str::to_owned);
        let candidates = names.into_iter().map(|field| {
            let (value, modifier) = (value.to_owned(), modifier.clone());
            Indicator { field, op, value, modifier }
        });
        let id = candidates.filter_map(|indicator| self.index.find_indicator(&indicator)).next();
        let id = id.ok_or_else(|| self.unknown_indicator(field, op, value))?;
        let scope = Scope { rules: self.index.counted().clone() };
        let row = |role| self.index.row(id, role, &scope.rules).ok_or_else(|| self.unknown_indicator(field, op, value));
        let list = |role| {
            let rules = self.index.rules_with(id, role).map(|rules| rules & &scope.rules).unwrap_or_default();
            RuleItem::list(&self.index, rules)
        };
        Ok(IndicatorView {
            looked_for: row(Role::Indicator)?,
            excluded: row(Role::Exclusion)?,
            rule_list: list(Role::Indicator),
            excluding_rules: list(Role::Exclusion),
        })
    }

    fn unknown_indicator(&self, field: &str, op: FoldedOp, value: &str) -> Error {
        let wanted = value.to_lowercase();
        let same = self.index.indicators().filter(|(_, other)| {
            other.value.to_lowercase() == wanted || (other.op == op && other.field.eq_ignore_ascii_case(field))
        });
        let names: Vec<String> =
            same.map(|(_, other)| format!("{} {} {}", other.field, other.op, other.value)).collect();
        let name = format!("{field} {op} {value}");
        Error::NotFound { what: "indicator", near: nearest(&name, names.iter().map(String::as_str), 3), name }
    }
}
