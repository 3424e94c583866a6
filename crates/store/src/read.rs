use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use ruleatlas_catalog::{Entry, FileRecord, FoldedRow, Head, Index, IndexData, PredicateRow, RuleId, SourceInfo};
use ruleatlas_model::{
    Attack, Condition, Diagnostic, EventLink, EventRef, Indicator, Level, Modifiers, Redirect, Role, Rule, Span,
    TechniqueTag, WrittenOp,
};
use ruleatlas_sources::{Origin, SourceKind};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use serde::de::DeserializeOwned;

use crate::{
    DamagedRow, Error, SCHEMA_VERSION,
    damage::{Damage, Numbers, key, reason_of},
};

/// How long a reader waits for a file that another program holds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// A catalog on disk, open for reading.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    /// What could not be read so far.
    pub(crate) damage: Damage,
    /// The rules' numbers in the file, by their places in the index.
    pub(crate) numbers: RefCell<Numbers>,
}

pub(crate) type Sql<T> = Result<T, rusqlite::Error>;

impl Store {
    /// Opens a catalog.
    ///
    /// # Errors
    /// There is none, another version wrote it, another program has locked it, or it is damaged.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Error::if_not_regular(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| Error::database(path, error))?;
        connection.busy_timeout(LOCK_TIMEOUT).map_err(|error| Error::database(path, error))?;
        let (damage, numbers) = Default::default();
        let store = Self { connection, path: path.to_owned(), damage, numbers };
        let found = store.meta("schema")?.unwrap_or_default();
        if found != SCHEMA_VERSION.to_string() {
            return Err(Error::Version { path: path.to_owned(), found, expected: SCHEMA_VERSION });
        }
        Ok(store)
    }

    /// The fingerprint of what the catalog at `path` was built from; `None` where none can be read.
    #[must_use]
    pub fn fingerprint(path: &Path) -> Option<String> {
        Self::open(path).ok()?.meta("fingerprint").ok()?
    }

    /// How many queries are not understood as a whole, and how many files could not be read.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn count_not_understood(&self) -> Result<u32, Error> {
        let sql = "SELECT (SELECT count(*) FROM rule WHERE parse IN ('partial', 'failed')) \
                   + (SELECT count(*) FROM file WHERE outcome = 'unreadable')";
        self.said(self.connection.query_row(sql, [], |row| row.get(0)))
    }

    /// A fact about the file (`schema`, `program`, `fingerprint`, `attack_version`).
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn meta(&self, key: &str) -> Result<Option<String>, Error> {
        let found =
            self.connection.query_row("SELECT key, value FROM meta WHERE key = ?", [key], |row| match row.get(1) {
                Ok(value) => Ok(Ok(value)),
                Err(error) => reason_of(row, error).map(Err),
            });
        match self.said(found.optional())?.transpose() {
            Ok(value) => Ok(value),
            Err(reason) => {
                self.damage.add(DamagedRow { table: "meta", key: key.to_owned(), rule: None, reason });
                Ok(None)
            }
        }
    }

    pub(crate) fn said<T>(&self, result: Sql<T>) -> Result<T, Error> {
        result.map_err(|error| Error::database(&self.path, error))
    }

    pub(crate) fn rows<T>(&self, sql: &str, read: impl FnMut(&Row<'_>) -> Sql<T>) -> Result<Vec<T>, Error> {
        let collect = || self.connection.prepare(sql)?.query_map([], read)?.collect();
        self.said(collect())
    }

    pub(crate) fn rows_of<T>(
        &self,
        sql: &str,
        rule: RuleId,
        read: impl FnMut(&Row<'_>) -> Sql<T>,
    ) -> Result<Vec<T>, Error> {
        let collect = || self.connection.prepare_cached(sql)?.query_map([rule], read)?.collect();
        self.said(collect())
    }

    /// The sources.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn sources(&self) -> Result<Vec<SourceInfo>, Error> {
        self.readable_rows(
            "source",
            "SELECT name, kind, url, commit_id, date, link, license, files, rules, items FROM source ORDER BY rowid",
            |row| {
                Ok(SourceInfo {
                    name: row.get(0)?,
                    kind: word::<SourceKind>(row, 1)?,
                    origin: Origin {
                        url: row.get(2)?,
                        commit: row.get(3)?,
                        date: row.get(4)?,
                        link: row.get(5)?,
                        license: row.get(6)?,
                    },
                    files: row.get(7)?,
                    rules: row.get(8)?,
                    items: row.get(9)?,
                })
            },
        )
    }

    /// What every source gave to the catalog at `path`, by name and kind. Versions before 5 know it of rules only; nothing
    /// where there is no catalog that can be read.
    #[must_use]
    pub fn source_items(path: &Path) -> Vec<(String, SourceKind, u32)> {
        let read = |column: &str| -> Sql<Vec<(String, String, u32)>> {
            let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            connection.busy_timeout(LOCK_TIMEOUT)?;
            let mut rows = connection.prepare(&format!("SELECT name, kind, {column} FROM source"))?;
            rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
        };
        let rows = read("items").or_else(|_| read("rules")).unwrap_or_default();
        // A kind that this version does not know is none of its sources.
        rows.into_iter().filter_map(|(name, kind, count)| Some((name, kind.parse().ok()?, count))).collect()
    }

    /// Every file of every source.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn files(&self) -> Result<Vec<FileRecord>, Error> {
        let sql = "SELECT source, path, outcome, reason, line, rules, query_like FROM file ORDER BY rowid";
        self.readable_rows("file", sql, |row| {
            Ok(FileRecord {
                source: row.get(0)?,
                path: row.get(1)?,
                outcome: word(row, 2)?,
                reason: row.get(3)?,
                line: row.get(4)?,
                rules: row.get(5)?,
                looks_like_query: row.get(6)?,
            })
        })
    }

    /// What is said of rules: each code once a rule, in order.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn diagnostic_codes(&self) -> Result<Vec<(RuleId, String)>, Error> {
        let sql = "SELECT DISTINCT rule, code FROM diagnostic ORDER BY rule, code";
        self.rows_of_rules("diagnostic", sql, |row| row.get(1))
    }

    /// Where files contradict each other or themselves, by rule.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn contradictions(&self) -> Result<Vec<(RuleId, Diagnostic)>, Error> {
        let sql = format!(
            "SELECT rule, level, code, message, span_start, span_end, line FROM diagnostic WHERE code IN ('{}', '{}') \
             ORDER BY rule, rowid",
            Diagnostic::DUPLICATE_ID,
            Diagnostic::DUPLICATE_KEY
        );
        self.rows_of_rules("diagnostic", &sql, diagnostic)
    }

    /// By vendor, how many comparisons of a field there are, and of how many the field has a canonical name. Keywords, and
    /// what is computed or cut out of another field, are no fields.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn mapped_fields(&self) -> Result<Vec<(String, u64, u64)>, Error> {
        let query = "SELECT CAST(rule.vendor AS TEXT), COUNT(*), SUM(predicate.mapped) FROM predicate JOIN rule USING (rule) \
                     WHERE role <> 'computed' AND raw_field <> '' AND derived_from IS NULL \
                     GROUP BY rule.vendor ORDER BY rule.vendor";
        let count = |row: &rusqlite::Row<'_>, at: usize| row.get(at).map(i64::unsigned_abs);
        self.readable_rows("predicate", query, |row| Ok((row.get(0)?, count(row, 1)?, count(row, 2)?)))
    }

    /// How many counted rules write which name for a field: field, name as written, rules.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn written_names(&self) -> Result<Vec<(String, String, u32)>, Error> {
        let query = "SELECT field, raw_field, COUNT(DISTINCT rule) FROM predicate JOIN rule USING (rule) \
                     WHERE rule.counted AND role <> 'computed' AND raw_field <> '' AND derived_from IS NULL \
                     GROUP BY field, raw_field ORDER BY field, raw_field";
        self.readable_rows("predicate", query, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    }

    /// The index over all rules that can be read. A rule whose own row cannot is among the [damaged
    /// rows](Self::damaged_rows); one of which a row of another table cannot is in the index, and unreadable by itself.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn index(&self) -> Result<Index, Error> {
        self.forget_damage();
        let mut heads = self.heads()?;
        self.lists(&mut heads)?;
        let rows: Vec<(u32, String)> =
            self.readable_rows("field", "SELECT field, name FROM field ORDER BY field", |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let (numbers, fields): (Vec<u32>, Vec<String>) = rows.into_iter().unzip();
        let field_numbers = Numbers::of(numbers);
        let sql = "SELECT indicator, field, op, value, modifier FROM indicator ORDER BY indicator";
        let rows: Vec<(u32, (u32, Indicator))> = self.readable_rows("indicator", sql, |row| {
            let number: u32 = row.get(1)?;
            let Some(place) = field_numbers.place(number) else {
                return Err(unreadable(1, format!("no field has the number {number}")));
            };
            let field = fields.get(place as usize).cloned().unwrap_or_default();
            let indicator = Indicator { field, op: word(row, 2)?, value: row.get(3)?, modifiers: modifiers(row, 4)? };
            Ok((row.get(0)?, (place, indicator)))
        })?;
        let (numbers, indicators): (Vec<u32>, Vec<(u32, Indicator)>) = rows.into_iter().unzip();
        let indicator_numbers = Numbers::of(numbers);
        // What names a field or an indicator that cannot be read is left out with it: its rule has others.
        let place = |table: &'static str, numbers: &Numbers, number: u32| {
            let place = numbers.place(number);
            if place.is_none() {
                let reason = "rules name it, and it is not there".to_owned();
                self.damage.add(DamagedRow { table, key: number.to_string(), rule: None, reason });
            }
            place
        };
        let sql = "SELECT rule, indicator, role, grouped FROM rule_indicator ORDER BY rowid";
        let uses = self.rows_of_rules("rule_indicator", sql, |row| {
            let indicator = place("indicator", &indicator_numbers, row.get(1)?);
            Ok((indicator, role(row, 2)?, row.get(3)?))
        })?;
        let sql = "SELECT rule, field, op FROM rule_field ORDER BY rowid";
        let field_uses = self.rows_of_rules("rule_field", sql, |row| {
            Ok((place("field", &field_numbers, row.get(1)?), word::<WrittenOp>(row, 2)?.name()))
        })?;
        let uses =
            uses.into_iter().filter_map(|(rule, (indicator, role, grouped))| Some((rule, indicator?, role, grouped)));
        let field_uses = field_uses.into_iter().filter_map(|(rule, (field, op))| Some((rule, field?, op)));
        let mut data = IndexData { heads, fields, indicators, uses: uses.collect(), field_uses: field_uses.collect() };
        // Rows of one rule stand together, and are looked for by halves.
        data.uses.sort_by_key(|row| row.0);
        data.field_uses.sort_by_key(|row| row.0);
        Ok(Index::new(data).with_titles(self.titles()?))
    }

    fn heads(&self) -> Result<Vec<Head>, Error> {
        let sql = "SELECT rule, id, title, vendor, source, path, kind, language, status, severity, date, modified, parse, \
                   variant_of FROM rule ORDER BY rule";
        let read = |row: &Row<'_>| {
            let head = Head {
                id: row.get(1)?,
                title: row.get(2)?,
                vendor: word(row, 3)?,
                source: row.get(4)?,
                path: row.get(5)?,
                kind: word(row, 6)?,
                language: word(row, 7)?,
                status: optional_word(row, 8)?,
                severity: optional_word(row, 9)?,
                date: row.get(10)?,
                modified: row.get(11)?,
                parse: word(row, 12)?,
                variant_of: row.get(13)?,
                technique_tags: Vec::new(),
                tactics: Vec::new(),
                platforms: Vec::new(),
                domains: Vec::new(),
                log_sources: Vec::new(),
                events: Vec::new(),
            };
            Ok((row.get(0)?, head))
        };
        let rows: Vec<(u32, Head)> = self.rows_apart(sql, read, &mut |row, reason| {
            let id = row.get_ref(1).ok().and_then(|id| id.as_str().ok()).map(str::to_owned);
            self.damage.add(DamagedRow { table: "rule", key: key(row), rule: id, reason });
        })?;
        let (numbers, heads): (Vec<u32>, Vec<Head>) = rows.into_iter().unzip();
        *self.numbers.borrow_mut() = Numbers::of(numbers);
        Ok(heads)
    }

    /// The rows of a table whose first column is the rule that they belong to, by that rule's place. One that cannot be
    /// read makes its rule unreadable; one whose rule is not there is a damaged row of its own.
    pub(crate) fn rows_of_rules<T>(
        &self,
        table: &'static str,
        sql: &str,
        mut read: impl FnMut(&Row<'_>) -> Sql<T>,
    ) -> Result<Vec<(RuleId, T)>, Error> {
        let numbers = self.numbers.borrow();
        let place = |number: u32| match numbers.place(number) {
            Some(place) => Ok(Some(place)),
            // What belongs to a rule that is left out is left out with it.
            None if self.is_damaged("rule", number) => Ok(None),
            None => Err(unreadable(0, format!("no rule has the number {number}"))),
        };
        let rows = self.rows_apart(sql, |row| Ok((place(row.get(0)?)?, read(row)?)), &mut |row, reason| match row
            .get(0)
            .ok()
            .and_then(|number| place(number).ok())
        {
            Some(Some(rule)) => self.damage.add_to_rule(rule, format!("table {table}, {reason}")),
            Some(None) => {}
            None => self.damage.add(DamagedRow { table, key: key(row), rule: None, reason }),
        })?;
        Ok(rows.into_iter().filter_map(|(rule, row)| Some((rule?, row))).collect())
    }

    fn lists(&self, heads: &mut [Head]) -> Result<(), Error> {
        let tags = "SELECT rule, tag, technique, resolution, inferred FROM rule_technique ORDER BY rowid";
        for (rule, tag) in self.rows_of_rules("rule_technique", tags, technique_tag)? {
            if let Some(head) = heads.get_mut(rule as usize) {
                add_tag(&mut head.technique_tags, tag);
            }
        }
        let events = "SELECT rule, provider, event_id, explicit, why FROM rule_event ORDER BY rowid";
        for (rule, link) in self.rows_of_rules("rule_event", events, event_link)? {
            if let Some(head) = heads.get_mut(rule as usize) {
                head.events.push(link);
            }
        }
        type List = fn(&mut Head) -> &mut Vec<String>;
        let lists: [(&str, &str, List); 4] = [
            ("rule_tactic", "SELECT rule, tactic FROM rule_tactic ORDER BY rowid", |head| &mut head.tactics),
            ("rule_platform", "SELECT rule, platform FROM rule_platform ORDER BY rowid", |head| &mut head.platforms),
            ("rule_domain", "SELECT rule, domain FROM rule_domain ORDER BY rowid", |head| &mut head.domains),
            ("rule_log_source", "SELECT rule, log_source FROM rule_log_source ORDER BY rowid", |head| {
                &mut head.log_sources
            }),
        ];
        for (table, sql, list) in lists {
            for (rule, value) in self.rows_of_rules(table, sql, |row| row.get(1))? {
                if let Some(head) = heads.get_mut(rule as usize) {
                    list(head).push(value);
                }
            }
        }
        Ok(())
    }

    /// ATT&CK as loaded.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn attack(&self) -> Result<Attack, Error> {
        let mut attack = Attack { version: self.meta("attack_version")?.unwrap_or_default(), ..Attack::default() };
        attack.techniques = self.bodies("technique", "SELECT id, body FROM technique")?.into_iter().collect();
        attack.mitigations = self.bodies("mitigation", "SELECT id, body FROM mitigation")?.into_iter().collect();
        let tactics = self.bodies("tactic", "SELECT id, body FROM tactic ORDER BY n")?;
        attack.tactics = tactics.into_iter().map(|(_, tactic)| tactic).collect();
        let sql = "SELECT id, kind, \"to\", resolution FROM redirect";
        let redirects = self.readable_rows("redirect", sql, |row| {
            let id: String = row.get(0)?;
            Ok(match text(row, 1)? {
                "technique" => (id, Some(Redirect { to: json(row, 2)?, resolution: word(row, 3)? }), Vec::new()),
                "tactic" => (id, None, json(row, 2)?),
                other => return Err(unreadable(1, format!("`{other}` is no kind"))),
            })
        })?;
        for (id, technique, tactics) in redirects {
            match technique {
                Some(redirect) => drop(attack.redirects.insert(id, redirect)),
                None => drop(attack.tactic_redirects.insert(id, tactics)),
            }
        }
        Ok(attack)
    }

    fn bodies<T: DeserializeOwned>(&self, table: &'static str, sql: &str) -> Result<Vec<(String, T)>, Error> {
        self.readable_rows(table, sql, |row| Ok((row.get(0)?, json(row, 1)?)))
    }

    pub(crate) fn count(&self, table: &str) -> Result<u32, Error> {
        self.said(self.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)))
    }

    /// A rule with everything that is known of it; `None` where the index has no rule of this number.
    ///
    /// # Errors
    /// The file cannot be read, or [what it holds of this rule](Error::Rule) cannot.
    pub fn entry(&self, index: &Index, number: RuleId) -> Result<Option<Entry>, Error> {
        let Some(head) = index.head(number) else { return Ok(None) };
        self.entry_of(index, number, head).map(Some).map_err(|error| match error {
            Error::Locked(_) => error,
            error => Error::Rule { path: self.path.clone(), id: head.id.clone(), reason: error.reason() },
        })
    }

    /// The conditions of a rule, one a step, without everything else that [`entry`](Self::entry) reads; none where the
    /// index has no rule of this number.
    ///
    /// # Errors
    /// As [`entry`](Self::entry).
    pub fn conditions(&self, index: &Index, number: RuleId) -> Result<Vec<Condition>, Error> {
        let Some(head) = index.head(number) else { return Ok(Vec::new()) };
        let read = || {
            if let Some(reason) = self.damage.of_rule(number) {
                return Err(Error::damaged(&self.path, reason));
            }
            let row = self.numbers.borrow().number(number);
            let sql = "SELECT conditions FROM rule_body WHERE rule = ?";
            Ok(self.rows_of(sql, row, |row| json::<Vec<Condition>>(row, 0))?.into_iter().next().unwrap_or_default())
        };
        read().map_err(|error| match error {
            Error::Locked(_) => error,
            error => Error::Rule { path: self.path.clone(), id: head.id.clone(), reason: error.reason() },
        })
    }

    fn entry_of(&self, index: &Index, place: RuleId, head: &Head) -> Result<Entry, Error> {
        if let Some(reason) = self.damage.of_rule(place) {
            return Err(Error::damaged(&self.path, reason));
        }
        let number = self.numbers.borrow().number(place);
        let mut rule = Rule::blank(head.vendor, head.language, &head.path);
        let sql = "SELECT description, query, license, authors, links, false_positives, tags, extra, conditions, line \
                   FROM rule_body JOIN rule USING (rule) WHERE rule = ?";
        let found = self.rows_of(sql, number, |row| {
            rule.description = row.get(0)?;
            rule.query = row.get(1)?;
            rule.license = row.get(2)?;
            rule.authors = json(row, 3)?;
            rule.references = json(row, 4)?;
            rule.false_positives = json(row, 5)?;
            rule.tags = json(row, 6)?;
            rule.extra = json(row, 7)?;
            rule.conditions = json(row, 8)?;
            rule.line = row.get(9)?;
            Ok(())
        })?;
        if found.is_empty() {
            return Err(Error::damaged(&self.path, "the table rule_body has no such rule"));
        }
        let Head { id, title, source, kind, status, severity, date, modified, parse, variant_of, .. } = head.clone();
        let Head { technique_tags, tactics, platforms, domains, log_sources, events, .. } = head.clone();
        rule = Rule { id, title, source, kind, status, severity, date, modified, parse, variant_of, ..rule };
        rule = Rule { technique_tags, tactics, platforms, domains, log_sources, events, ..rule };
        let sql = "SELECT rule, level, code, message, span_start, span_end, line FROM diagnostic WHERE rule = ? ORDER BY rowid";
        rule.diagnostics = self.rows_of(sql, number, diagnostic)?;
        let sql = "SELECT step, stage, role, raw_field, field, mapped, op, written_op, negated, \"values\", case_sensitive, \
                   modifier, \"group\", derived_from, span_start, span_end FROM predicate WHERE rule = ? ORDER BY n";
        let predicates = self.rows_of(sql, number, predicate)?;
        let indicators = index.data().uses_of_rule(place).iter().filter_map(|(_, id, role, grouped)| {
            let indicator = index.indicator(*id)?.clone();
            let spelling = indicator.value.clone();
            Some(FoldedRow { role: *role, indicator, spelling, grouped: *grouped })
        });
        let indicators = indicators.collect();
        Ok(Entry { rule, predicates, indicators, needs: Vec::new() })
    }
}

/// Tags that lead to several techniques are stored a row a technique.
pub(crate) fn add_tag(tags: &mut Vec<TechniqueTag>, tag: TechniqueTag) {
    match tags.last_mut() {
        Some(last) if last.tag == tag.tag => last.techniques.extend(tag.techniques),
        _ => tags.push(tag),
    }
}

pub(crate) fn technique_tag(row: &Row<'_>) -> Sql<TechniqueTag> {
    let technique: Option<String> = row.get(2)?;
    Ok(TechniqueTag {
        tag: row.get(1)?,
        techniques: technique.into_iter().collect(),
        resolution: word(row, 3)?,
        inferred: row.get(4)?,
    })
}

fn event_link(row: &Row<'_>) -> Sql<EventLink> {
    let event = EventRef { provider: row.get(1)?, event_id: row.get(2)? };
    Ok(EventLink { event, explicit: row.get(3)?, why: row.get(4)? })
}

fn diagnostic(row: &Row<'_>) -> Sql<Diagnostic> {
    let level = match text(row, 1)? {
        "error" => Level::Error,
        "warning" => Level::Warning,
        "note" => Level::Note,
        other => return Err(unreadable(1, format!("`{other}` is no level"))),
    };
    let span: (Option<u32>, Option<u32>) = (row.get(4)?, row.get(5)?);
    let span = span.0.zip(span.1).map(|(start, end)| Span { start, end });
    let code: String = row.get(2)?;
    Ok(Diagnostic { level, code: code.into(), message: row.get(3)?, span, line: row.get(6)? })
}

fn predicate(row: &Row<'_>) -> Sql<PredicateRow> {
    Ok(PredicateRow {
        step: row.get(0)?,
        stage: row.get(1)?,
        role: role(row, 2)?,
        raw_field: row.get(3)?,
        field: row.get(4)?,
        mapped: row.get(5)?,
        op: word(row, 6)?,
        written_op: word(row, 7)?,
        negated: row.get(8)?,
        values: json(row, 9)?,
        case_sensitive: row.get(10)?,
        modifiers: modifiers(row, 11)?,
        group: row.get(12)?,
        derived_from: row.get(13)?,
        span: Span { start: row.get(14)?, end: row.get(15)? },
    })
}

fn modifiers(row: &Row<'_>, column: usize) -> Sql<Modifiers> {
    Ok(optional_word(row, column)?.unwrap_or_default())
}

fn role(row: &Row<'_>, column: usize) -> Sql<Role> {
    Ok(match text(row, column)? {
        "indicator" => Role::Indicator,
        "exclusion" => Role::Exclusion,
        "computed" => Role::Computed,
        "nested" => Role::Nested,
        other => return Err(unreadable(column, format!("`{other}` is no role"))),
    })
}

/// The text of a column; what is none is said with the column.
fn text<'r>(row: &'r Row<'_>, column: usize) -> Sql<&'r str> {
    row.get_ref(column)?.as_str().map_err(|error| unreadable(column, error))
}

pub(crate) fn word<T: FromStr>(row: &Row<'_>, column: usize) -> Sql<T>
where
    T::Err: std::fmt::Display,
{
    text(row, column)?.parse().map_err(|error: T::Err| unreadable(column, error))
}

pub(crate) fn optional_word<T: FromStr<Err = String>>(row: &Row<'_>, column: usize) -> Sql<Option<T>> {
    match row.get_ref(column)?.as_str_or_null().map_err(|error| unreadable(column, error))? {
        Some(name) => name.parse().map(Some).map_err(|error| unreadable(column, error)),
        None => Ok(None),
    }
}

pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Sql<T> {
    serde_json::from_str(text(row, column)?).map_err(|error| unreadable(column, error))
}

fn unreadable(column: usize, error: impl std::fmt::Display) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.to_string().into())
}
