use serde::{Deserialize, Serialize};

use crate::Rule;

/// What a rule's lookups are called among its other values.
const LOOKUPS: &str = "lookups";

/// A lookup that a rule's search asks for, as a catalog keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLookup {
    /// Its name.
    pub name: String,
    /// Its table; `None` where the source does not have it.
    #[serde(flatten, default)]
    pub table: Option<RuleTable>,
}

/// The table of a lookup, with its first rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTable {
    /// The columns' names.
    pub columns: Vec<String>,
    /// How many rows it has.
    pub row_count: u64,
    /// The first of them.
    pub rows: Vec<Vec<String>>,
    /// Whether values match without case.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub case_insensitive: bool,
    /// Columns whose values are patterns with wildcards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wildcard_columns: Vec<String>,
    /// What every output is for a value that the table does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_match: Option<String>,
}

impl Rule {
    /// The lookups that the search asks for, in the order in which it asks for them.
    #[must_use]
    pub fn lookups(&self) -> Vec<RuleLookup> {
        let kept = self.extra.get(LOOKUPS);
        kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default()
    }

    /// Keeps the lookups that the search asks for.
    pub fn set_lookups(&mut self, lookups: &[RuleLookup]) {
        self.extra.insert(LOOKUPS, lookups);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Language, Vendor};

    #[test]
    fn lookups_are_read_as_they_were_kept() {
        let table = RuleTable { columns: vec!["a".to_owned()], row_count: 1, ..RuleTable::default() };
        let lookups = [
            RuleLookup { name: "known".to_owned(), table: Some(table) },
            RuleLookup { name: "unknown".to_owned(), table: None },
        ];
        let mut rule = Rule::blank(Vendor::Splunk, Language::Spl, "a.yml");
        assert!(rule.lookups().is_empty());
        rule.set_lookups(&lookups);
        assert_eq!(rule.lookups(), lookups);
        assert_eq!(rule.extra.get(LOOKUPS).map(|kept| kept[1].clone()), Some(serde_json::json!({ "name": "unknown" })));
    }
}
