//! Digests of what rules say, by which two catalogs are compared without reading their rules.

use crate::{Error, Store, read::word};
use ruleatlas_model::Language;

/// What a rule's texts are, as digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextDigest {
    /// Of the language and the query as written.
    pub query: [u8; 32],
    /// Of the conditions that the query was made into.
    pub conditions: [u8; 32],
}

impl Store {
    /// The id of every rule with the digests of its texts, ordered by id. A row that cannot be read is left out.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn text_digests(&self) -> Result<Vec<(String, TextDigest)>, Error> {
        let sql = "SELECT rule, id, language, query, conditions FROM rule JOIN rule_body USING (rule) ORDER BY rule";
        self.readable_rows("rule_body", sql, |row| {
            let language: Language = word(row, 2)?;
            let mut query = blake3::Hasher::new();
            query.update(language.name().as_bytes()).update(&[0]).update(row.get_ref(3)?.as_bytes()?);
            let conditions = blake3::hash(row.get_ref(4)?.as_bytes()?);
            Ok((row.get(1)?, TextDigest { query: *query.finalize().as_bytes(), conditions: *conditions.as_bytes() }))
        })
    }
}
