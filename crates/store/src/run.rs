//! The rules of a catalog for running them: conditions and what a hit shows, without texts and counts.

use rayon::prelude::*;
use ruleatlas_model::{Condition, Extra, Rule, TechniqueTag};
use rusqlite::{Result as Sql, Row};

use crate::{
    Error,
    read::{Store, add_tag, optional_word, technique_tag, word},
};

/// The rules of a catalog, and those of which something cannot be read, with the reason.
#[derive(Debug, Default)]
pub struct RunnableRules {
    /// The rules, ordered by id. Of what is not needed for running them nothing is filled in.
    pub rules: Vec<Rule>,
    /// Ids and reasons.
    pub damaged: Vec<(String, String)>,
}

impl Store {
    /// The rules that count and are no variants of others; with `all`, every text of the catalog.
    ///
    /// # Errors
    /// The file cannot be read or is damaged. What cannot be read of one rule stands in the answer.
    pub fn runnable_rules(&self, all: bool) -> Result<RunnableRules, Error> {
        let chosen = if all { "1" } else { "counted = 1 AND variant_of IS NULL" };
        let sql = format!(
            "SELECT rule, id, title, vendor, source, path, kind, language, status, severity, parse, variant_of, query, extra, \
             conditions FROM rule JOIN rule_body USING (rule) WHERE {chosen} ORDER BY rule"
        );
        let rows = self.readable_rows("rule", &sql, |row| {
            let mut rule = Rule::blank(word(row, 3)?, word(row, 7)?, &row.get::<_, String>(5)?);
            rule.id = row.get(1)?;
            rule.title = row.get(2)?;
            rule.source = row.get(4)?;
            rule.kind = word(row, 6)?;
            rule.status = optional_word(row, 8)?;
            rule.severity = optional_word(row, 9)?;
            rule.parse = word(row, 10)?;
            rule.variant_of = row.get(11)?;
            rule.query = row.get(12)?;
            Ok((number(row)?, rule, row.get::<_, String>(13)?, row.get::<_, String>(14)?))
        })?;
        let read = |(place, mut rule, extra, conditions): (u32, Rule, String, String)| {
            let conditions: Result<Vec<Condition>, _> = serde_json::from_str(&conditions);
            match (conditions, serde_json::from_str::<Extra>(&extra)) {
                (Ok(conditions), Ok(extra)) => {
                    (rule.conditions, rule.extra) = (conditions, extra);
                    Ok((place, rule))
                }
                (Err(error), _) | (_, Err(error)) => Err((rule.id, error.to_string())),
            }
        };
        let read: Vec<_> = rows.into_par_iter().map(read).collect();
        let mut found = RunnableRules::default();
        let mut places = Vec::new();
        for rule in read {
            match rule {
                Ok((place, rule)) => {
                    places.push(place);
                    found.rules.push(rule);
                }
                Err(damaged) => found.damaged.push(damaged),
            }
        }
        let tags = "SELECT rule, tag, technique, resolution, inferred FROM rule_technique ORDER BY rowid";
        for (place, tag) in self.readable_rows("rule_technique", tags, |row| Ok((number(row)?, technique_tag(row)?)))? {
            if let Ok(at) = places.binary_search(&place) {
                let tags: &mut Vec<TechniqueTag> = &mut found.rules[at].technique_tags;
                add_tag(tags, tag);
            }
        }
        let platforms = "SELECT rule, platform FROM rule_platform ORDER BY rowid";
        for (place, platform) in
            self.readable_rows("rule_platform", platforms, |row| Ok((number(row)?, row.get(1)?)))?
        {
            if let Ok(at) = places.binary_search(&place) {
                found.rules[at].platforms.push(platform);
            }
        }
        Ok(found)
    }
}

/// The number of the rule that a row belongs to.
fn number(row: &Row<'_>) -> Sql<u32> {
    row.get(0)
}
