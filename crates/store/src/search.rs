use ruleatlas_catalog::RuleId;

use crate::{Error, Store};

/// Words of a text that are searched.
pub const MAX_SEARCH_WORDS: usize = 16;

/// The words of a text: letters, digits and underscores that stand together.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_').filter(|word| !word.is_empty())
}

impl Store {
    /// The rules whose id, title or description has all words of `text`, the last one as a beginning; the best first:
    /// a word in the title weighs more than one in the description.
    ///
    /// The text is taken word by word, so that nothing in it is read as a query language.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn search_rules(&self, text: &str, limit: usize) -> Result<Vec<RuleId>, Error> {
        let words: Vec<&str> = words(text).take(MAX_SEARCH_WORDS).collect();
        let Some((last, before)) = words.split_last() else { return Ok(Vec::new()) };
        let mut query: String = before.iter().map(|word| format!("\"{word}\" ")).collect();
        query.push_str(&format!("\"{last}\"*"));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = "SELECT rowid FROM rule_text WHERE rule_text MATCH ? ORDER BY bm25(rule_text, 10.0, 1.0, 20.0), rowid LIMIT ?";
        let found = || {
            self.connection
                .prepare_cached(sql)?
                .query_map((&query, limit), |row| row.get(0))?
                .collect::<Result<Vec<_>, _>>()
        };
        let found = self.said(found())?;
        let numbers = self.numbers.borrow();
        Ok(found.into_iter().filter_map(|number| numbers.place(number)).collect())
    }
}
