//! The rules of a catalog for running them: conditions and what a hit shows, without texts and counts.

use rayon::prelude::*;
use ruleatlas_model::{Condition, Extra, Kind, Language, Rule};
use rusqlite::{Result as Sql, Row};
use rustc_hash::FxHashMap;

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
    /// The rules that count and are no variants of others, or with `all` every rule of the catalog; of these, those that `keep`
    /// wants. It is asked before the conditions are read, and what rules over several events say in
    /// their query or beside it.
    ///
    /// # Errors
    /// The file cannot be read or is damaged. What cannot be read of one rule stands in the answer.
    pub fn runnable_rules(&self, all: bool, keep: &dyn Fn(&Rule) -> bool) -> Result<RunnableRules, Error> {
        let chosen = if all { "1" } else { "counted = 1 AND variant_of IS NULL" };
        let sql = format!(
            "SELECT rule, id, title, vendor, source, path, kind, language, status, severity, parse, variant_of \
             FROM rule WHERE {chosen} ORDER BY rule"
        );
        let mut heads: Vec<(u32, Rule)> = self.readable_rows("rule", &sql, |row| {
            let mut rule = Rule::blank(word(row, 3)?, word(row, 7)?, &row.get::<_, String>(5)?);
            rule.id = row.get(1)?;
            rule.title = row.get(2)?;
            rule.source = row.get(4)?;
            rule.kind = word(row, 6)?;
            rule.status = optional_word(row, 8)?;
            rule.severity = optional_word(row, 9)?;
            rule.parse = word(row, 10)?;
            rule.variant_of = row.get(11)?;
            Ok((number(row)?, rule))
        })?;
        let tags = "SELECT rule, tag, technique, resolution, inferred FROM rule_technique ORDER BY rowid";
        for (place, tag) in self.readable_rows("rule_technique", tags, |row| Ok((number(row)?, technique_tag(row)?)))? {
            if let Ok(at) = heads.binary_search_by_key(&place, |(number, _)| *number) {
                add_tag(&mut heads[at].1.technique_tags, tag);
            }
        }
        let platforms = "SELECT rule, platform FROM rule_platform ORDER BY rowid";
        for (place, platform) in
            self.readable_rows("rule_platform", platforms, |row| Ok((number(row)?, row.get(1)?)))?
        {
            if let Ok(at) = heads.binary_search_by_key(&place, |(number, _)| *number) {
                heads[at].1.platforms.push(platform);
            }
        }
        heads.retain(|(_, rule)| keep(rule));
        self.add_bodies(heads)
    }

    fn add_bodies(&self, heads: Vec<(u32, Rule)>) -> Result<RunnableRules, Error> {
        // Queries are read again for how the events of several steps go together.
        let needs_query = |rule: &Rule| rule.kind == Kind::Correlation || rule.language == Language::Eql;
        let numbers: FxHashMap<u32, bool> = heads.iter().map(|(number, rule)| (*number, needs_query(rule))).collect();
        let sql = "SELECT rule, query, CASE WHEN instr(extra, '\"threshold\"') > 0 THEN extra ELSE '{}' END, conditions \
                   FROM rule_body ORDER BY rule";
        let bodies = self.readable_rows("rule_body", sql, |row| {
            let number = number(row)?;
            // The texts of a row that is not wanted are not even loaded.
            let Some(needs_query) = numbers.get(&number) else { return Ok(None) };
            let query = if *needs_query { row.get(1)? } else { String::new() };
            let texts: (String, String, String) = (query, row.get(2)?, row.get(3)?);
            Ok(Some((number, texts)))
        })?;
        let mut heads = heads.into_iter().peekable();
        let mut rules: Vec<(Rule, String, String)> = Vec::with_capacity(numbers.len());
        for (number, (query, extra, conditions)) in bodies.into_iter().flatten() {
            // Of a rule without a body nothing can be run.
            while heads.next_if(|(head, _)| *head < number).is_some() {}
            if let Some((_, mut rule)) = heads.next_if(|(head, _)| *head == number) {
                rule.query = query;
                rules.push((rule, extra, conditions));
            }
        }
        let read = |(mut rule, extra, conditions): (Rule, String, String)| {
            let conditions: Result<Vec<Condition>, _> = serde_json::from_str(&conditions);
            match (conditions, serde_json::from_str::<Extra>(&extra)) {
                (Ok(conditions), Ok(extra)) => {
                    (rule.conditions, rule.extra) = (conditions, extra);
                    Ok(rule)
                }
                (Err(error), _) | (_, Err(error)) => Err((rule.id, error.to_string())),
            }
        };
        let read: Vec<_> = rules.into_par_iter().map(read).collect();
        let mut found = RunnableRules::default();
        for rule in read {
            match rule {
                Ok(rule) => found.rules.push(rule),
                Err(damaged) => found.damaged.push(damaged),
            }
        }
        Ok(found)
    }
}

/// The number of the rule that a row belongs to.
fn number(row: &Row<'_>) -> Sql<u32> {
    row.get(0)
}
